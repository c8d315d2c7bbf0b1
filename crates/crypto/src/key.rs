//! The 32-byte symmetric key that everything here is sealed with.

use crate::locked::{KEY_BYTES, LockedKey};
use crate::{Context, Suite, random};
use hkdf::Hkdf;
use ring::hkdf as ring_hkdf;
use sm3::Sm3;
use std::fmt;
use yingdun_model::Secret;

/// Separates derivation from the Cobblestone use of the same key, whose info begins with `c2sp.org/`.
const DERIVE_PREFIX: &[u8] = b"yingdun/derive@v1\0";

/// A 32-byte symmetric key of one [`Suite`]: of an object, a study, a patient, a purpose. It cannot be copied by
/// accident, has no text form, lies in [locked memory](crate::key_memory) and is wiped when dropped.
pub struct SealingKey {
    bytes: LockedKey,
    suite: Suite,
}

impl SealingKey {
    /// A new random key of the default suite.
    ///
    /// # Panics
    /// When the operating system gives no random bytes, see [`random::fill`].
    #[must_use]
    pub fn generate() -> Self {
        Self::generate_for(Suite::default())
    }

    /// A new random key of a suite.
    ///
    /// # Panics
    /// When the operating system gives no random bytes, see [`random::fill`].
    #[must_use]
    pub fn generate_for(suite: Suite) -> Self {
        let mut key = Self::zeroed(suite);
        random::fill(key.bytes.bytes_mut());
        key
    }

    /// Takes the bytes of a key of the default suite, which must be uniformly random.
    #[must_use]
    pub fn from_secret(secret: &Secret<[u8; KEY_BYTES]>) -> Self {
        Self::from_bytes(secret.expose(), Suite::Cobblestone256)
    }

    /// What this key is used with.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// The same key, given to another suite. Only for a key that was never used with its old one: what comes out
    /// of [`WrappingKey::unwrap`](crate::WrappingKey::unwrap) has the suite of its parent.
    #[must_use]
    pub fn given_to(&self, suite: Suite) -> Self {
        Self::from_bytes(self.bytes.bytes(), suite)
    }

    /// The key bytes, for the few places that store or hand on a key. Every call is a place to look at.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8; KEY_BYTES] {
        self.bytes.bytes()
    }

    /// A second handle on the same key, spelled out so that copies are seen in review.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::from_bytes(self.bytes.bytes(), self.suite)
    }

    /// A key of the same suite for one purpose: HKDF-Expand (RFC 5869 §2.3) with the hash of the suite over the context. Knowing a derived
    /// key tells nothing about this key or about its other derived keys.
    #[must_use]
    pub fn derive(&self, context: &Context) -> Self {
        let mut derived = Self::zeroed(self.suite);
        self.expand(&[DERIVE_PREFIX, context.as_bytes()], derived.bytes.bytes_mut());
        derived
    }

    pub(crate) fn from_bytes(bytes: &[u8; KEY_BYTES], suite: Suite) -> Self {
        let mut key = Self::zeroed(suite);
        key.bytes.bytes_mut().copy_from_slice(bytes);
        key
    }

    fn zeroed(suite: Suite) -> Self {
        Self { bytes: LockedKey::zeroed(), suite }
    }

    /// HKDF-Expand with the hash of the suite.
    pub(crate) fn expand(&self, info: &[&[u8]], out: &mut [u8]) {
        Prk::of(self).expand(info, out);
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

/// A pseudo-random key of HKDF (RFC 5869 §2.1): with SHA-512 or with SM3.
pub(crate) enum Prk {
    Sha512(ring_hkdf::Prk),
    Sm3(Hkdf<Sm3>),
}

impl Prk {
    fn of(key: &SealingKey) -> Self {
        match key.suite {
            Suite::Cobblestone256 => {
                Self::Sha512(ring_hkdf::Prk::new_less_safe(ring_hkdf::HKDF_SHA512, key.expose_secret()))
            }
            Suite::Sm4GcmSm3 => match Hkdf::from_prk(key.expose_secret()) {
                Ok(prk) => Self::Sm3(prk),
                Err(_) => unreachable!("a key has as many bytes as an SM3 digest"),
            },
        }
    }

    /// HKDF-Extract.
    pub(crate) fn extract(suite: Suite, salt: &[u8], material: &[u8]) -> Self {
        match suite {
            Suite::Cobblestone256 => {
                Self::Sha512(ring_hkdf::Salt::new(ring_hkdf::HKDF_SHA512, salt).extract(material))
            }
            Suite::Sm4GcmSm3 => Self::Sm3(Hkdf::new(Some(salt), material)),
        }
    }

    /// HKDF-Expand into `out`.
    // INVARIANT: callers ask for at most 255 × 32 bytes, the bound of RFC 5869 §2.3 with SM3.
    pub(crate) fn expand(&self, info: &[&[u8]], out: &mut [u8]) {
        struct Len(usize);
        impl ring_hkdf::KeyType for Len {
            fn len(&self) -> usize {
                self.0
            }
        }
        let filled = match self {
            Self::Sha512(prk) => prk.expand(info, Len(out.len())).and_then(|okm| okm.fill(out)).is_ok(),
            Self::Sm3(prk) => prk.expand_multi_info(info, out).is_ok(),
        };
        if !filled {
            unreachable!("fewer bytes are asked of HKDF than its bound");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_derived_for_two_purposes_differ_and_one_purpose_gives_one_key() {
        for &suite in Suite::ALL {
            let key = SealingKey::generate_for(suite);
            let one = key.derive(&Context::new("one"));
            assert_eq!(one.expose_secret(), key.derive(&Context::new("one")).expose_secret());
            assert_ne!(one.expose_secret(), key.derive(&Context::new("two")).expose_secret());
            assert_ne!(one.expose_secret(), key.expose_secret());
            assert_eq!((key.suite(), one.suite()), (suite, suite));
        }
    }

    #[test]
    fn one_key_in_two_suites_derives_different_keys() {
        let key = SealingKey::generate();
        let [one, two] = [Suite::Cobblestone256, Suite::Sm4GcmSm3]
            .map(|suite| key.given_to(suite).derive(&Context::new("one")));
        assert_ne!(one.expose_secret(), two.expose_secret());
    }

    #[test]
    fn a_key_has_no_text_form() {
        assert_eq!(format!("{:?}", SealingKey::generate()), "SealingKey(…)");
    }
}
