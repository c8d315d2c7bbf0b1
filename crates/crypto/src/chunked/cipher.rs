//! The two ciphers of sealed objects behind one face. Chunks have no additional data: what they are is in the key.

use super::TAG_BYTES;
use crate::Suite;
use crate::key::SealingKey;
use crate::sm4::{self, Sm4Gcm};
use ring::aead::{self, Aad};
use zeroize::Zeroizing;

/// Bytes of a nonce, the same for both ciphers.
pub(super) const NONCE_BYTES: usize = aead::NONCE_LEN;

/// The cipher of one message.
#[expect(clippy::large_enum_variant, reason = "most messages have the larger one; both are short-lived")]
pub(super) enum Cipher {
    Aes256Gcm(aead::LessSafeKey),
    Sm4Gcm(Sm4Gcm),
}

/// A chunk failed authentication.
pub(super) struct Unauthentic;

impl Cipher {
    /// Derives the cipher of a message from a key, and `rest` behind it.
    pub(super) fn derive(key: &SealingKey, salt: &[u8], context: &[u8], rest: &mut [u8]) -> Self {
        let (label, key_bytes): (&[u8], _) = match key.suite() {
            Suite::Cobblestone256 => (b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0", 32),
            Suite::Sm4GcmSm3 => (b"yingdun/chunked-encryption@v1+AEAD_SM4_GCM+SM3\0", sm4::KEY_BYTES),
        };
        let mut okm = Zeroizing::new(vec![0; key_bytes + rest.len()]);
        key.expand(&[label, salt, context], &mut okm);
        let (cipher_key, derived) = okm.split_at(key_bytes);
        rest.copy_from_slice(derived);
        match key.suite() {
            Suite::Cobblestone256 => match aead::UnboundKey::new(&aead::AES_256_GCM, cipher_key) {
                Ok(key) => Self::Aes256Gcm(aead::LessSafeKey::new(key)),
                Err(_) => unreachable!("an AES-256 key has 32 bytes"),
            },
            Suite::Sm4GcmSm3 => match cipher_key.try_into() {
                Ok(key) => Self::Sm4Gcm(Sm4Gcm::new(key)),
                Err(_) => unreachable!("an SM4 key has 16 bytes"),
            },
        }
    }

    /// Encrypts a chunk in place and returns its tag.
    pub(super) fn seal(&self, nonce: [u8; NONCE_BYTES], in_place: &mut [u8]) -> [u8; TAG_BYTES] {
        match self {
            Self::Aes256Gcm(key) => {
                let nonce = aead::Nonce::assume_unique_for_key(nonce);
                let mut out = [0; TAG_BYTES];
                match key.seal_in_place_separate_tag(nonce, Aad::empty(), in_place) {
                    Ok(tag) => out.copy_from_slice(tag.as_ref()),
                    Err(_) => unreachable!("a chunk of 16 KiB is far below the bound of AES-GCM"),
                }
                out
            }
            Self::Sm4Gcm(key) => key.seal(&nonce, &[], in_place),
        }
    }

    /// Decrypts the chunk that stands at `gap..` of `buffer` to the front of `buffer`, if it is authentic. Otherwise
    /// no plaintext is left in `buffer`.
    pub(super) fn open<'a>(
        &self,
        nonce: [u8; NONCE_BYTES],
        tag: [u8; TAG_BYTES],
        buffer: &'a mut [u8],
        gap: usize,
    ) -> Result<&'a mut [u8], Unauthentic> {
        match self {
            Self::Aes256Gcm(key) => {
                let nonce = aead::Nonce::assume_unique_for_key(nonce);
                key.open_in_place_separate_tag(nonce, Aad::empty(), tag.into(), buffer, gap..)
                    .map_err(|_| Unauthentic)
            }
            Self::Sm4Gcm(key) => {
                buffer.copy_within(gap.., 0);
                let (plain, _) = buffer.split_at_mut(buffer.len() - gap);
                key.open(&nonce, &[], &tag, plain).map_err(|sm4::Unauthentic| Unauthentic)?;
                Ok(plain)
            }
        }
    }
}
