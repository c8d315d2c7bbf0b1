//! Bytes in, sealed bytes out: sealed objects, key wrap, signatures, tokens, digests.
//!
//! This is the only room that knows how bytes are protected. It does no I/O and knows nothing of studies,
//! people, databases or permits: callers hand in a key, the [`Context`] that says what the bytes *are*, and
//! the bytes.
//!
//! ```text
//!  passphrase ──argon2id──► SealingKey ──► root-key file
//!                                             │
//!  root ──► KEK ──► patient key ──► study key      each arrow: WrappingKey::wrap under a key
//!                                       │          derived from its parents and a Context
//!                                       ▼
//!                    seal / Sealer ── salt │ commitment │ chunk │ chunk │ … │ short last chunk
//!                    open / Opener ── any range of chunks, each verified before it is handed on
//! ```
//!
//! # What is where
//!
//! | module | what | standard |
//! |---|---|---|
//! | [`chunked`] | sealed objects of any length with random access | C2SP chunked-encryption, instance Cobblestone-256; one of our own with SM4-GCM and SM3 |
//! | [`sealed`] | a typed value as sealed bytes: [`Sealed<T>`] | the same |
//! | [`wrap`] | keys under keys | RFC 5649 (AES-256-KWP), RFC 5869 (HKDF) |
//! | [`token`] | keyed pseudonyms and search tokens | RFC 2104 (HMAC-SHA-256) |
//! | [`sign`] | signatures and signed notes | RFC 8032 (Ed25519), GB/T 32918.2 (SM2), C2SP signed-note |
//! | [`digest`] | SHA-256 and SM3 for evidence, BLAKE3 for ciphertext | FIPS 180-4, GB/T 32905, BLAKE3 |
//! | [`one_time_code`] | codes of authenticator apps | RFC 6238 (TOTP), RFC 4226 |
//! | [`webauthn`] | whether a passkey was made, or has signed, for a question of ours | W3C WebAuthn level 3 |
//! | [`passphrase`] | a key from a passphrase | RFC 9106 (Argon2id) |
//! | [`random`] | bytes from the operating system | |
//!
//! # One object, sealed and opened
//!
//! ```
//! use yingdun_crypto::{Context, SealingKey, open, seal};
//!
//! let key = SealingKey::generate();
//! let context = Context::new("yingdun/object/v1").field("renmin").field("1.2.840.1");
//! let sealed = seal(&key, &context, b"pixels");
//! assert_eq!(open(&key, &context, &sealed)?, b"pixels");
//!
//! // The same bytes under another name do not open.
//! let other = Context::new("yingdun/object/v1").field("renmin").field("1.2.840.2");
//! assert!(open(&key, &other, &sealed).is_err());
//! # Ok::<(), yingdun_crypto::OpenError>(())
//! ```
//!
//! # Two suites
//!
//! Each [`SealingKey`] belongs to a [`Suite`], and what is sealed, derived or wrapped under it is of that suite. Nothing
//! else has to know: lengths and layout are the same.
//!
//! # What stays in memory
//!
//! A [`SealingKey`] lies in memory that is locked where the limits of the process allow it, left out of core dumps, and wiped when it is
//! dropped ([`key_memory`]). What libraries make of it is not: key schedules of AES-GCM, states of HMAC, keys that sign. Keep
//! [`chunked::Opener`] and [`chunked::Sealer`] short-lived.

pub mod chunked;
mod context;
pub mod digest;
mod error;
mod key;
mod locked;
pub mod one_time_code;
pub mod passphrase;
pub mod public_key;
pub mod random;
pub mod sealed;
pub mod sign;
mod sm4;
mod stack;
mod suite;
pub mod token;
pub mod webauthn;
pub mod wrap;

pub use chunked::{
    CHUNK_BYTES, HEADER_BYTES, Opener, SEALED_CHUNK_BYTES, Sealer, SpanPlan, chunk_span, open, plain_len,
    seal, seal_into, sealed_len,
};
pub use context::Context;
pub use error::{OpenError, SealError};
pub use key::SealingKey;
pub use locked::{KeyMemory, key_memory};
pub use sealed::Sealed;
pub use stack::with_cleared_stack;
pub use suite::Suite;
pub use token::TokenKey;
pub use wrap::{WRAPPED_KEY_BYTES, WrappingKey};

#[cfg(test)]
mod vectors;
