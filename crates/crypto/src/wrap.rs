//! Keys under keys: AES-256 key wrap with padding (RFC 5649) under a key derived from the parents and the
//! context, so that a wrapped key opens only in the place it was wrapped for.
//!
//! Key wrap needs no nonce, hence no counter of nonces that a restore from backup could turn back.

use crate::key::{KEY_BYTES, expand};
use crate::{Context, OpenError, SealingKey};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
use ring::hkdf;
use std::fmt;
use yingdun_model::Secret;
use zeroize::Zeroizing;

/// Bytes of a wrapped 32-byte key: the key and the 8 bytes that prove it (RFC 5649 §3).
pub const WRAPPED_KEY_BYTES: usize = KEY_BYTES + 8;

const COMBINE_PREFIX: &[u8] = b"yingdun/combine@v1\0";
const WRAP_LABEL: &str = "yingdun/wrap/v1";

/// A key that wraps other keys. Wiped when dropped.
pub struct WrappingKey(SealingKey);

impl WrappingKey {
    /// A new random wrapping key.
    ///
    /// # Panics
    /// When the operating system gives no random bytes, see [`crate::random::fill`].
    #[must_use]
    pub fn generate() -> Self {
        Self(SealingKey::generate())
    }

    /// Takes key bytes, which must be uniformly random.
    #[must_use]
    pub const fn from_secret(secret: &Secret<[u8; KEY_BYTES]>) -> Self {
        Self(SealingKey::from_secret(secret))
    }

    /// Combines several parents into one wrapping key: HKDF with SHA-512 (RFC 5869) over their
    /// concatenation. Whoever lacks one parent has nothing; the order of the parents matters.
    #[must_use]
    pub fn combine(parents: &[&Self], context: &Context) -> Self {
        let mut material = Zeroizing::new(Vec::with_capacity(parents.len() * KEY_BYTES));
        for parent in parents {
            material.extend_from_slice(parent.0.expose_secret());
        }
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA512, COMBINE_PREFIX).extract(&material);
        let mut combined = Zeroizing::new([0; KEY_BYTES]);
        expand(&prk, &[COMBINE_PREFIX, context.as_bytes()], combined.as_mut_slice());
        Self(SealingKey::from_bytes(*combined))
    }

    /// Wraps a key for the place that the context names. The same key in the same place gives the same bytes.
    #[must_use]
    pub fn wrap(&self, context: &Context, key: &SealingKey) -> Vec<u8> {
        // AWS-LC asks for 15 bytes of room beyond the input.
        let mut out = [0; KEY_BYTES + 15];
        match self.place(context).wrap_with_padding(key.expose_secret(), &mut out) {
            Ok(wrapped) => wrapped.to_vec(),
            Err(_) => unreachable!("32 bytes are within the bounds of RFC 5649"),
        }
    }

    /// Unwraps a key.
    ///
    /// # Errors
    /// [`OpenError::Wrapped`] when the bytes are damaged or belong to another parent or place.
    pub fn unwrap(&self, context: &Context, wrapped: &[u8]) -> Result<SealingKey, OpenError> {
        if wrapped.len() != WRAPPED_KEY_BYTES {
            return Err(OpenError::Wrapped);
        }
        let mut out = Zeroizing::new([0; WRAPPED_KEY_BYTES]);
        let key = self
            .place(context)
            .unwrap_with_padding(wrapped, out.as_mut_slice())
            .map_err(|_| OpenError::Wrapped)?;
        let key: &[u8; KEY_BYTES] = (&*key).try_into().map_err(|_| OpenError::Wrapped)?;
        Ok(SealingKey::from_bytes(*key))
    }

    /// The key of one place: what actually wraps.
    fn place(&self, context: &Context) -> AesKek {
        let derived = self.0.derive(&Context::new(WRAP_LABEL).field(context.as_bytes()));
        match AesKek::new(&AES_256, derived.expose_secret()) {
            Ok(kek) => kek,
            Err(_) => unreachable!("an AES-256 key has 32 bytes"),
        }
    }
}

impl From<SealingKey> for WrappingKey {
    fn from(key: SealingKey) -> Self {
        Self(key)
    }
}

impl fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappingKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Context {
        Context::new("yingdun/test/v1").field("renmin").field("L4")
    }

    #[test]
    fn a_wrapped_key_comes_back_in_its_own_place_only() {
        let (parent, key) = (WrappingKey::generate(), SealingKey::generate());
        let wrapped = parent.wrap(&place(), &key);
        assert_eq!(wrapped.len(), WRAPPED_KEY_BYTES);
        assert_eq!(parent.unwrap(&place(), &wrapped).unwrap().expose_secret(), key.expose_secret());
        let elsewhere = Context::new("yingdun/test/v1").field("renmin").field("L5");
        assert_eq!(parent.unwrap(&elsewhere, &wrapped).err(), Some(OpenError::Wrapped));
        let stranger = WrappingKey::generate();
        assert_eq!(stranger.unwrap(&place(), &wrapped).err(), Some(OpenError::Wrapped));
    }

    #[test]
    fn a_flip_of_any_bit_and_a_cut_at_any_length_is_detected() {
        let (parent, key) = (WrappingKey::generate(), SealingKey::generate());
        let wrapped = parent.wrap(&place(), &key);
        for bit in 0..wrapped.len() * 8 {
            let mut damaged = wrapped.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parent.unwrap(&place(), &damaged).err(), Some(OpenError::Wrapped), "bit {bit}");
        }
        for len in 0..wrapped.len() {
            assert!(parent.unwrap(&place(), &wrapped[..len]).is_err(), "length {len}");
        }
    }

    #[test]
    fn a_combined_key_needs_every_parent_in_order_and_its_context() {
        let (a, b) = (WrappingKey::generate(), WrappingKey::generate());
        let (one, two) = (Context::new("one"), Context::new("two"));
        let wrapped = WrappingKey::combine(&[&a, &b], &one).wrap(&place(), &SealingKey::generate());
        assert!(WrappingKey::combine(&[&a, &b], &one).unwrap(&place(), &wrapped).is_ok());
        for wrong in [
            WrappingKey::combine(&[&b, &a], &one),
            WrappingKey::combine(&[&a, &b], &two),
            WrappingKey::combine(&[&a], &one),
            WrappingKey::combine(&[&a, &a], &one),
        ] {
            assert!(wrong.unwrap(&place(), &wrapped).is_err());
        }
    }
}
