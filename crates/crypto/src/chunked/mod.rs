//! Sealed objects: C2SP chunked-encryption in the instance Cobblestone-256, byte for byte, and in an instance of our
//! own with SM4 and SM3. The [`Suite`](crate::Suite) of the key says which.
//!
//! A message is cut into chunks of 16 KiB, the last one always shorter (and possibly empty), each sealed under a
//! key, a nonce and a 32-byte commitment that HKDF-Expand derives from the input key, a random 24-byte salt and the
//! [`Context`]:
//!
//! ```text
//! salt 24 │ commitment 32 │ chunk 0: 16384 + 16 │ chunk 1: 16384 + 16 │ … │ last chunk: 0..16383 + 16
//! ```
//!
//! The short last chunk is the end mark: an object cut at any place does not open. Byte `i` of the message
//! lies in chunk `i / 16384`, so any range is read, verified and opened without the rest ([`chunk_span`]).
//!
//! | suite | chunks | HKDF-Expand | info, before salt and context |
//! |---|---|---|---|
//! | `Cobblestone256` | AES-256-GCM | SHA-512 | `c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0` |
//! | `Sm4GcmSm3` | SM4-GCM (RFC 8998) | SM3 | `yingdun/chunked-encryption@v1+AEAD_SM4_GCM+SM3\0` |
//!
//! Whole objects: [`seal`], [`seal_into`], [`open`]. Streams in constant memory: [`Sealer`], [`Opener`].

mod cipher;
mod layout;
mod open;
mod seal;

pub use layout::{SpanPlan, chunk_span, plain_len, sealed_len};
pub use open::{Opener, open};
#[cfg(test)]
pub(crate) use seal::seal_with_salt;
pub use seal::{Sealer, seal, seal_into};

use crate::{Context, SealingKey};
use cipher::{Cipher, NONCE_BYTES};

/// Plaintext bytes in every chunk but the last (C2SP chunked-encryption, "Message chunking").
pub const CHUNK_BYTES: usize = 16 * 1024;
/// Bytes of the GCM tag behind each chunk.
pub const TAG_BYTES: usize = 16;
/// Sealed bytes of every chunk but the last.
pub const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// Bytes of salt and commitment in front of the first chunk.
pub const HEADER_BYTES: usize = SALT_BYTES + COMMITMENT_BYTES;
/// The chunk counter must stay below this (C2SP chunked-encryption, "Message chunking").
pub const CHUNKS_MAX: u64 = 1 << 38;

const SALT_BYTES: usize = 24;
const COMMITMENT_BYTES: usize = 32;

/// What one message is sealed with: derived once, never used for another message.
struct MessageKeys {
    cipher: Cipher,
    base_nonce: u128,
    commitment: [u8; COMMITMENT_BYTES],
}

impl MessageKeys {
    fn derive(key: &SealingKey, context: &Context, salt: &[u8; SALT_BYTES]) -> Self {
        let mut rest = [0; NONCE_BYTES + COMMITMENT_BYTES];
        let cipher = Cipher::derive(key, salt, context.as_bytes(), &mut rest);
        let (nonce, committed) = rest.split_at(NONCE_BYTES);
        let mut commitment = [0; COMMITMENT_BYTES];
        commitment.copy_from_slice(committed);
        let base_nonce = nonce.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        Self { cipher, base_nonce, commitment }
    }

    /// The nonce of a chunk: the base nonce XOR the chunk number, big-endian, 12 bytes wide.
    // INVARIANT: each chunk number is sealed at most once under one `MessageKeys`: `Sealer` counts upwards.
    fn nonce(&self, chunk: u64) -> [u8; NONCE_BYTES] {
        let wide = (self.base_nonce ^ u128::from(chunk)).to_be_bytes();
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(wide.split_at(wide.len() - NONCE_BYTES).1);
        nonce
    }
}

#[cfg(test)]
mod tests;
