//! SM2 signatures (GB/T 32918.2, the same as GM/T 0003.2 and ISO/IEC 14888-3) on the curve of GB/T 32918.5, with SM3.
//!
//! What is signed is never the message alone: `ZA`, the SM3 of user id, curve and public key, stands before it
//! (GB/T 32918.2 §5.5). Both sides must mean the same user id; where nobody chose one it is
//! [`SM2_DEFAULT_USER_ID`] (GM/T 0009 §10).
//!
//! The nonce of a signature is made from key and message like in RFC 6979 with SM3, and from 32 fresh random bytes
//! beside them (its §3.6). So a random number generator that repeats itself gives nothing away, which would lose the key if the nonce
//! were random alone; and signing one message twice does not run the same computation twice, which is what attacks
//! by faults and by measuring many traces need where the nonce is fixed by the message.
//!
//! Arithmetic is that of the library `sm2`: fields from fiat-crypto, whose code is generated with a proof, and formulas without
//! branches on secrets. Nobody has audited it, and it is not a certified module.

use crate::{SealingKey, digest, random};
use ::sm2::dsa::signature::rand_core::{TryCryptoRng, TryRng};
use ::sm2::dsa::signature::{RandomizedSigner, Verifier};
use ::sm2::dsa::{self, Signature};
use ::sm2::elliptic_curve::sec1::ToSec1Point;
use std::convert::Infallible;
use std::fmt;
use yingdun_model::Secret;
use zeroize::Zeroize;

/// Bytes of an SM2 signature: r and s, each as 32 bytes, big-endian.
pub const SM2_SIGNATURE_BYTES: usize = 64;
/// Bytes of an SM2 public key: 04 and both coordinates (GB/T 32918.1 §4.2.9, not compressed).
pub const SM2_PUBLIC_KEY_BYTES: usize = 65;
/// The user id where nobody chose another one (GM/T 0009 §10).
pub const SM2_DEFAULT_USER_ID: &str = "1234567812345678";

const SCALAR_BYTES: usize = 32;
/// The order of the curve less one (GB/T 32918.5 §2). As a private key d it would leave 1 + d without an inverse.
const ORDER_LESS_ONE: [u8; SCALAR_BYTES] = [
    0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x72,
    0x03, 0xdf, 0x6b, 0x21, 0xc6, 0x05, 0x2b, 0x53, 0xbb, 0xf4, 0x09, 0x39, 0xd5, 0x41, 0x22,
];
/// Signing begins again for a nonce that gives r = 0, r + k = n or s = 0, which happens once in 2^255 times.
const ATTEMPTS: usize = 8;

/// Why bytes are no SM2 key, or a text no user id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Sm2KeyError {
    /// Not a point of the curve in the one encoding that is taken.
    #[error("an SM2 public key is 65 bytes: 04 and the coordinates of a point of the curve")]
    PublicKey,
    /// The length of the user id in bits does not fit into two bytes.
    #[error("an SM2 user id has at most 8191 bytes, got {bytes}")]
    UserId {
        /// The length that came, in bytes.
        bytes: usize,
    },
}

/// An SM2 signing key with the user id that it signs for. Its secret is wiped when dropped; what the library holds is not.
pub struct Sm2SigningKey {
    key: Box<dsa::SigningKey>,
    secret: Secret<[u8; SCALAR_BYTES]>,
    verifying_key: Sm2VerifyingKey,
}

impl Sm2SigningKey {
    /// A new random signing key of the default user id.
    ///
    /// # Panics
    /// When the operating system gives no random bytes, see [`random::fill`].
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = random::array();
        let key = Self::from_secret(&Secret::new(bytes));
        bytes.zeroize();
        key
    }

    /// The key of 32 secret random bytes, with the default user id. The bytes are the private key d, big-endian;
    /// should they not lie in 1..=n-2 (GB/T 32918.1 §6.1), which happens once in 2^32 times, their SM3 is tried in their place.
    #[must_use]
    pub fn from_secret(secret: &Secret<[u8; SCALAR_BYTES]>) -> Self {
        let mut scalar = *secret.expose();
        while !is_private_key(&scalar) {
            scalar = digest::sm3(&scalar);
        }
        let key = match dsa::SigningKey::from_slice(SM2_DEFAULT_USER_ID, &scalar) {
            Ok(key) => Self::from_library(key, Secret::new(scalar), SM2_DEFAULT_USER_ID),
            Err(_) => unreachable!("a number from 1 to n-2 is a private key"),
        };
        scalar.zeroize();
        key
    }

    /// The same key for another user id, of at most 8191 bytes.
    ///
    /// # Errors
    /// [`Sm2KeyError::UserId`] when it is longer.
    pub fn with_user_id(self, user_id: &str) -> Result<Self, Sm2KeyError> {
        let key = dsa::SigningKey::from_nonzero_scalar(user_id, *self.key.as_nonzero_scalar());
        let key = key.map_err(|_| Sm2KeyError::UserId { bytes: user_id.len() })?;
        Ok(Self::from_library(key, self.secret.clone(), user_id))
    }

    /// The private key, for the place that seals it.
    #[must_use]
    pub const fn secret(&self) -> &Secret<[u8; SCALAR_BYTES]> {
        &self.secret
    }

    /// Signs some bytes for the user id of this key.
    ///
    /// # Panics
    /// When the operating system gives no random bytes, see [`random::fill`].
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SM2_SIGNATURE_BYTES] {
        for _ in 0..ATTEMPTS {
            if let Ok(signature) = self.key.try_sign_with_rng(&mut OperatingSystem, message) {
                let mut bytes = [0; SM2_SIGNATURE_BYTES];
                bytes.copy_from_slice(&signature.to_bytes());
                return bytes;
            }
        }
        unreachable!("{ATTEMPTS} nonces in a row cannot be unusable")
    }

    /// The key that verifies what this key signs.
    #[must_use]
    pub const fn verifying_key(&self) -> &Sm2VerifyingKey {
        &self.verifying_key
    }

    fn from_library(key: dsa::SigningKey, secret: Secret<[u8; SCALAR_BYTES]>, user_id: &str) -> Self {
        let verifying_key = Sm2VerifyingKey::from_library(key.verifying_key().clone(), user_id);
        Self { key: Box::new(key), secret, verifying_key }
    }
}

impl From<&SealingKey> for Sm2SigningKey {
    /// Uses 32 secret bytes as [`Sm2SigningKey::from_secret`] does.
    fn from(key: &SealingKey) -> Self {
        Self::from_secret(&Secret::new(*key.expose_secret()))
    }
}

impl fmt::Debug for Sm2SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sm2SigningKey(…)")
    }
}

/// An SM2 public key with the user id that it verifies for.
#[derive(Clone)]
pub struct Sm2VerifyingKey {
    key: Box<dsa::VerifyingKey>,
    bytes: [u8; SM2_PUBLIC_KEY_BYTES],
    user_id: Box<str>,
}

impl Sm2VerifyingKey {
    /// Takes a public key of the default user id: 04 and both coordinates.
    ///
    /// # Errors
    /// [`Sm2KeyError::PublicKey`] when this is another encoding, or not a point of the curve.
    pub fn from_bytes(bytes: &[u8; SM2_PUBLIC_KEY_BYTES]) -> Result<Self, Sm2KeyError> {
        // The library takes other encodings too; one key shall have one spelling.
        if bytes.first() != Some(&4) {
            return Err(Sm2KeyError::PublicKey);
        }
        dsa::VerifyingKey::from_sec1_bytes(SM2_DEFAULT_USER_ID, bytes)
            .map(|key| Self::from_library(key, SM2_DEFAULT_USER_ID))
            .map_err(|_| Sm2KeyError::PublicKey)
    }

    /// The same key for another user id, of at most 8191 bytes.
    ///
    /// # Errors
    /// [`Sm2KeyError::UserId`] when it is longer.
    pub fn with_user_id(&self, user_id: &str) -> Result<Self, Sm2KeyError> {
        dsa::VerifyingKey::from_affine(user_id, *self.key.as_affine())
            .map(|key| Self::from_library(key, user_id))
            .map_err(|_| Sm2KeyError::UserId { bytes: user_id.len() })
    }

    /// The public key: 04 and both coordinates.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; SM2_PUBLIC_KEY_BYTES] {
        &self.bytes
    }

    /// Whether the signature is of this key and user id over these bytes.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify(message, &signature).is_ok())
    }

    fn from_library(key: dsa::VerifyingKey, user_id: &str) -> Self {
        let mut bytes = [0; SM2_PUBLIC_KEY_BYTES];
        bytes.copy_from_slice(key.to_sec1_point(false).as_bytes());
        Self { key: Box::new(key), bytes, user_id: Box::from(user_id) }
    }
}

impl PartialEq for Sm2VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes && self.user_id == other.user_id
    }
}

impl Eq for Sm2VerifyingKey {}

impl fmt::Debug for Sm2VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use base64::{Engine, engine::general_purpose::STANDARD};
        write!(f, "Sm2VerifyingKey({})", STANDARD.encode(self.bytes))
    }
}

// === helpers ===

/// Whether a number lies in 1..=n-2. Only says something about one in 2^32 secrets, so it may take its time by what it sees.
fn is_private_key(scalar: &[u8; SCALAR_BYTES]) -> bool {
    *scalar < ORDER_LESS_ONE && scalar.iter().any(|byte| *byte != 0)
}

/// The random numbers of the operating system in the shape that the library asks for.
struct OperatingSystem;

impl TryRng for OperatingSystem {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(random::array()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(random::array()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        random::fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for OperatingSystem {}

#[cfg(test)]
mod tests {
    use super::*;
    use ::sm2::elliptic_curve::Curve;
    use ::sm2::elliptic_curve::bigint::U256;
    use proptest::prelude::*;
    use serde::Deserialize;

    /// The vectors that `tests/vectors/generate_sm2.py` makes: of the standard, and by OpenSSL.
    #[derive(Deserialize)]
    struct Vectors {
        standard: Signed,
        openssl: Vec<Signed>,
        refused: Vec<Signed>,
        bad_public_keys: Vec<PublicKey>,
    }

    #[derive(Deserialize)]
    struct Signed {
        #[serde(default)]
        why: String,
        private_key: String,
        public_key: String,
        user_id: String,
        message: String,
        signature: String,
    }

    #[derive(Deserialize)]
    struct PublicKey {
        why: String,
        public_key: String,
    }

    fn vectors() -> Vectors {
        serde_json::from_str(include_str!("../../../../docs/verify/sm2-vectors.json")).unwrap()
    }

    fn array<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    impl Signed {
        fn signing_key(&self) -> Sm2SigningKey {
            let key = Sm2SigningKey::from_secret(&Secret::new(array(&self.private_key)));
            key.with_user_id(&self.user_id).unwrap()
        }

        fn verifies(&self) -> bool {
            let key = Sm2VerifyingKey::from_bytes(&array(&self.public_key)).unwrap();
            let key = key.with_user_id(&self.user_id).unwrap();
            key.verifies(&hex::decode(&self.message).unwrap(), &hex::decode(&self.signature).unwrap())
        }
    }

    #[test]
    fn the_example_of_the_standard_verifies_and_its_private_key_has_its_public_key() {
        let example = vectors().standard;
        assert!(example.verifies());
        assert_eq!(hex::encode(example.signing_key().verifying_key().as_bytes()), example.public_key);
    }

    #[test]
    fn signatures_of_openssl_verify_and_its_keys_sign() {
        let vectors = vectors().openssl;
        assert!(vectors.len() >= 10);
        for vector in vectors {
            assert!(vector.verifies(), "{} bytes as {}", vector.message.len() / 2, vector.user_id);
            let (key, message) = (vector.signing_key(), hex::decode(&vector.message).unwrap());
            assert_eq!(hex::encode(key.verifying_key().as_bytes()), vector.public_key);
            assert!(key.verifying_key().verifies(&message, &key.sign(&message)));
        }
    }

    #[test]
    fn what_the_standard_refuses_is_refused() {
        let vectors = vectors();
        assert!(vectors.refused.len() >= 15 && vectors.bad_public_keys.len() >= 10);
        for case in vectors.refused {
            assert!(!case.verifies(), "{}", case.why);
        }
        for case in vectors.bad_public_keys {
            let refused = Sm2VerifyingKey::from_bytes(&array(&case.public_key));
            assert_eq!(refused.err(), Some(Sm2KeyError::PublicKey), "{}", case.why);
        }
    }

    #[test]
    fn a_secret_that_is_no_private_key_gives_another_one() {
        assert_eq!((::sm2::Sm2::ORDER.get() - U256::ONE).to_be_bytes().as_ref(), ORDER_LESS_ONE);
        for secret in [[0; 32], [0xff; 32], ORDER_LESS_ONE] {
            let key = Sm2SigningKey::from_secret(&Secret::new(secret));
            assert_eq!(*key.secret().expose(), digest::sm3(&secret));
            assert!(key.verifying_key().verifies(b"text", &key.sign(b"text")));
        }
        let mut largest = ORDER_LESS_ONE;
        largest[31] -= 1;
        for secret in [largest, digest::sm3(b"any")] {
            assert_eq!(Sm2SigningKey::from_secret(&Secret::new(secret)).secret().expose(), &secret);
        }
    }

    #[test]
    fn one_text_is_signed_with_another_nonce_each_time() {
        let key = Sm2SigningKey::generate();
        assert_ne!(key.sign(b"text"), key.sign(b"text"));
    }

    #[test]
    fn a_user_id_that_is_too_long_is_refused_and_another_one_makes_another_key() {
        let key = Sm2SigningKey::generate();
        let signature = key.sign(b"text");
        let verifier = key.verifying_key().clone();
        let other = verifier.with_user_id("hospital").unwrap();
        assert_ne!(other, verifier);
        assert!(!other.verifies(b"text", &signature));
        assert_eq!(verifier.with_user_id(&"x".repeat(8192)).err(), Some(Sm2KeyError::UserId { bytes: 8192 }));
        assert!(key.with_user_id(&"x".repeat(8191)).is_ok());
    }

    #[test]
    fn a_key_has_no_text_form() {
        assert_eq!(format!("{:?}", Sm2SigningKey::generate()), "Sm2SigningKey(…)");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn what_is_signed_verifies_until_a_bit_of_it_changes(secret: [u8; 32], message: Vec<u8>, bit in 0_usize..512) {
            let key = Sm2SigningKey::from_secret(&Secret::new(secret));
            let mut signature = key.sign(&message);
            prop_assert!(key.verifying_key().verifies(&message, &signature));
            signature[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!key.verifying_key().verifies(&message, &signature));
            signature[bit / 8] ^= 1 << (bit % 8);
            let longer = [message.as_slice(), b"!"].concat();
            prop_assert!(!key.verifying_key().verifies(&longer, &signature));
        }
    }
}
