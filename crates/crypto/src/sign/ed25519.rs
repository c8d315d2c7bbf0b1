//! Ed25519 (RFC 8032).

use crate::{SealingKey, random};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::fmt;
use yingdun_model::Secret;
use zeroize::Zeroize;

/// Bytes of an Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;
/// Bytes of an Ed25519 public key.
pub const PUBLIC_KEY_BYTES: usize = 32;

const SEED_BYTES: usize = 32;

/// An Ed25519 signing key. The seed is wiped when dropped.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    seed: Secret<[u8; SEED_BYTES]>,
}

impl SigningKey {
    /// A new random signing key.
    ///
    /// # Panics
    /// When the operating system gives no random bytes, see [`random::fill`].
    #[must_use]
    pub fn generate() -> Self {
        let mut seed = random::array();
        let key = Self::from_seed(&Secret::new(seed));
        seed.zeroize();
        key
    }

    /// The key of a seed (RFC 8032 §5.1.5).
    #[must_use]
    pub fn from_seed(seed: &Secret<[u8; SEED_BYTES]>) -> Self {
        match Ed25519KeyPair::from_seed_unchecked(seed.expose()) {
            Ok(pair) => Self { pair, seed: seed.clone() },
            Err(_) => unreachable!("every 32-byte seed has an Ed25519 key"),
        }
    }

    /// The seed, for the place that seals it.
    #[must_use]
    pub const fn seed(&self) -> &Secret<[u8; SEED_BYTES]> {
        &self.seed
    }

    /// Signs some bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let mut signature = [0; SIGNATURE_BYTES];
        signature.copy_from_slice(self.pair.sign(message).as_ref());
        signature
    }

    /// The key that verifies what this key signs.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        let mut bytes = [0; PUBLIC_KEY_BYTES];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        VerifyingKey(bytes)
    }
}

impl From<&SealingKey> for SigningKey {
    /// Uses 32 secret bytes as the seed.
    fn from(key: &SealingKey) -> Self {
        Self::from_seed(&Secret::new(*key.expose_secret()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// An Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey([u8; PUBLIC_KEY_BYTES]);

impl VerifyingKey {
    /// Takes a public key as RFC 8032 §5.1.5 encodes it.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; PUBLIC_KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The encoded public key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.0
    }

    /// Whether the signature is of this key over these bytes.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", BASE64.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_test_of_rfc_8032_comes_out() {
        let mut seed = [0; 32];
        hex::decode_to_slice("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", &mut seed)
            .unwrap();
        let key = SigningKey::from_seed(&Secret::new(seed));
        assert_eq!(
            hex::encode(key.verifying_key().as_bytes()),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
        assert_eq!(
            hex::encode(key.sign(b"")),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
             d25bf5f0595bbe24655141438e7a100b"
        );
    }
}
