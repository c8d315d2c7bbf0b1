//! The texts of the audit log: leaves, checkpoints, inclusion proofs, witness policies, cosigned checkpoints. The first byte chooses which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use yingdun_audit::{Checkpoint, Leaf, Policy, Sighting, verify_inclusion};
use yingdun_crypto::sign::{CosignatureVerifier, Cosigner, Note, NoteVerifier, SigningKey};
use yingdun_model::Secret;

static VERIFIER: LazyLock<NoteVerifier> = LazyLock::new(|| {
    let key = SigningKey::from_seed(&Secret::new([7; 32])).verifying_key();
    NoteVerifier::new("example.org/log", key).expect("a verifier")
});

static WITNESS: LazyLock<CosignatureVerifier> = LazyLock::new(|| {
    let key = SigningKey::from_seed(&Secret::new([8; 32]));
    Cosigner::new("example.org/witness", key).expect("a cosigner").verifier().clone()
});

fuzz_target!(|input: &[u8]| {
    let Some((&choice, bytes)) = input.split_first() else { return };
    if choice % 5 == 0 {
        if let Ok(leaf) = Leaf::decode(bytes) {
            // There is one way to write a leaf.
            assert_eq!(leaf.encode().expect("what was read can be written"), bytes);
        }
        return;
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match choice % 5 {
        1 => assert!(Checkpoint::verify(&VERIFIER, text).is_err(), "nobody signed this"),
        2 => assert!(verify_inclusion(text, b"leaf", &VERIFIER).is_err(), "nobody signed this"),
        3 => {
            // With the key of the witness as KEY, so that the reader gets past it.
            let Ok(policy) = Policy::parse(&text.replace("KEY", &WITNESS.to_string())) else { return };
            let all: Vec<_> = (0..policy.witnesses().len())
                .map(|witness| Sighting { witness, size: 1, time_s: 1 })
                .collect();
            assert!(policy.quorum(&[]).is_none(), "nobody has seen anything");
            assert!(policy.quorum(&all).is_some(), "all that there are have seen it");
        }
        _ => {
            let seen = Note::parse(text).and_then(|note| WITNESS.verify(&note));
            assert!(!matches!(seen, Ok(Some(_))), "nobody cosigned this");
        }
    }
});
