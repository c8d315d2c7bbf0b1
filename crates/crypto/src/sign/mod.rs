//! Signatures: Ed25519 (RFC 8032), SM2 with SM3 (GB/T 32918.2), signed notes (C2SP signed-note) for checkpoints, and cosignatures
//! (C2SP tlog-cosignature) of those who watch a log.

mod cosignature;
mod ed25519;
mod note;
mod sm2;

pub use cosignature::{CosignatureVerifier, Cosigner};
pub use ed25519::{PUBLIC_KEY_BYTES, SIGNATURE_BYTES, SigningKey, VerifyingKey};
pub use note::{NOTE_BYTES_MAX, Note, NoteError, NoteKey, NoteSigner, NoteSigningKey, NoteVerifier};
pub use sm2::{
    SM2_DEFAULT_USER_ID, SM2_PUBLIC_KEY_BYTES, SM2_SIGNATURE_BYTES, Sm2KeyError, Sm2SigningKey,
    Sm2VerifyingKey,
};
