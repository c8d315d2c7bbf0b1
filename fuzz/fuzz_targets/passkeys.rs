//! What a browser brings back of a passkey: client data, attestation objects, authenticator data, COSE keys. The first byte chooses which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use yingdun_crypto::digest::sha256;
use yingdun_crypto::webauthn::{Assertion, Question, RelyingParty, register, verify};

static PARTY: LazyLock<RelyingParty> =
    LazyLock::new(|| RelyingParty::of_address("https://example.org").expect("an address"));

/// Answers the challenge of 32 zeros.
const CREATED: &[u8] =
    br#"{"type":"webauthn.create","challenge":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","origin":"https://example.org"}"#;
const GOT: &[u8] =
    br#"{"type":"webauthn.get","challenge":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","origin":"https://example.org"}"#;

fuzz_target!(|input: &[u8]| {
    let Some((&choice, bytes)) = input.split_first() else { return };
    let challenge_hash = sha256(&[0; 32]);
    let question = Question { party: &PARTY, challenge_hash: &challenge_hash };
    match choice % 4 {
        0 => {
            if let Ok(made) = register(question, CREATED, bytes) {
                assert!(!made.id.is_empty() && made.id.len() <= 1023);
                // What was read as a key is read as one again, and has signed nothing.
                let assertion = Assertion { client: GOT, authenticator: &[], signature: &[] };
                assert!(verify(question, &made.public_key, assertion).is_err());
            }
        }
        1 => assert!(register(question, bytes, &[0xa0]).is_err(), "there is nothing in it"),
        2 => {
            let assertion = Assertion { client: GOT, authenticator: bytes, signature: &[0; 64] };
            assert!(verify(question, &[0xa0], assertion).is_err(), "there is no key");
        }
        _ => {
            let authenticator = [&sha256(b"example.org")[..], &[5, 0, 0, 0, 1]].concat();
            let assertion = Assertion { client: GOT, authenticator: &authenticator, signature: &[0; 64] };
            // A key of small order might have signed zeros; no other has.
            let _ = verify(question, bytes, assertion);
        }
    }
});
