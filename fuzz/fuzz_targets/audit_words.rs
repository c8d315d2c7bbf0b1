//! The texts of the audit log: leaves, checkpoints, inclusion proofs. The first byte chooses which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use yingdun_audit::{Checkpoint, Leaf, verify_inclusion};
use yingdun_crypto::sign::{NoteVerifier, SigningKey};
use yingdun_model::Secret;

static VERIFIER: LazyLock<NoteVerifier> = LazyLock::new(|| {
    let key = SigningKey::from_seed(&Secret::new([7; 32])).verifying_key();
    NoteVerifier::new("example.org/log", key).expect("a verifier")
});

fuzz_target!(|input: &[u8]| {
    let Some((&choice, bytes)) = input.split_first() else { return };
    if choice % 3 == 0 {
        if let Ok(leaf) = Leaf::decode(bytes) {
            // There is one way to write a leaf.
            assert_eq!(leaf.encode().expect("what was read can be written"), bytes);
        }
        return;
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if choice % 3 == 1 {
        assert!(Checkpoint::verify(&VERIFIER, text).is_err(), "nobody signed this");
    } else {
        assert!(verify_inclusion(text, b"leaf", &VERIFIER).is_err(), "nobody signed this");
    }
});
