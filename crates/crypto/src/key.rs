//! The 32-byte symmetric key that everything here is sealed with.

use crate::{Context, random};
use ring::hkdf;
use std::fmt;
use yingdun_model::Secret;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes in a symmetric key.
pub(crate) const KEY_BYTES: usize = 32;

/// Separates derivation from the Cobblestone use of the same key, whose info begins with `c2sp.org/`.
const DERIVE_PREFIX: &[u8] = b"yingdun/derive@v1\0";

/// A 32-byte symmetric key: of an object, a study, a patient, a purpose. It cannot be copied by accident, has
/// no text form and is wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SealingKey([u8; KEY_BYTES]);

impl SealingKey {
    /// A new random key.
    ///
    /// # Panics
    /// When the operating system gives no random bytes, see [`random::fill`].
    #[must_use]
    pub fn generate() -> Self {
        let mut key = Self([0; KEY_BYTES]);
        random::fill(&mut key.0);
        key
    }

    /// Takes key bytes, which must be uniformly random.
    #[must_use]
    pub const fn from_secret(secret: &Secret<[u8; KEY_BYTES]>) -> Self {
        Self(*secret.expose())
    }

    /// The key bytes, for the few places that store or hand on a key. Every call is a place to look at.
    #[must_use]
    pub const fn expose_secret(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// A second handle on the same key, spelled out so that copies are seen in review.
    #[must_use]
    pub const fn duplicate(&self) -> Self {
        Self(self.0)
    }

    /// A key for one purpose: HKDF-Expand with SHA-512 (RFC 5869 §2.3) over the context. Knowing a derived
    /// key tells nothing about this key or about its other derived keys.
    #[must_use]
    pub fn derive(&self, context: &Context) -> Self {
        let mut derived = Self([0; KEY_BYTES]);
        let prk = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA512, &self.0);
        expand(&prk, &[DERIVE_PREFIX, context.as_bytes()], &mut derived.0);
        derived
    }

    pub(crate) const fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

/// HKDF-Expand into `out`.
// INVARIANT: callers ask for at most 255 × 64 bytes, the bound of RFC 5869 §2.3 with SHA-512.
pub(crate) fn expand(prk: &hkdf::Prk, info: &[&[u8]], out: &mut [u8]) {
    struct Len(usize);
    impl hkdf::KeyType for Len {
        fn len(&self) -> usize {
            self.0
        }
    }
    if prk.expand(info, Len(out.len())).and_then(|okm| okm.fill(out)).is_err() {
        unreachable!("fewer bytes are asked of HKDF than its bound");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_derived_for_two_purposes_differ_and_one_purpose_gives_one_key() {
        let key = SealingKey::generate();
        let one = key.derive(&Context::new("one"));
        assert_eq!(one.expose_secret(), key.derive(&Context::new("one")).expose_secret());
        assert_ne!(one.expose_secret(), key.derive(&Context::new("two")).expose_secret());
        assert_ne!(one.expose_secret(), key.expose_secret());
    }

    #[test]
    fn a_key_has_no_text_form() {
        assert_eq!(format!("{:?}", SealingKey::generate()), "SealingKey(…)");
    }
}
