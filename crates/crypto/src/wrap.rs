//! Keys under keys, so that a wrapped key opens only in the place it was wrapped for: AES-256 key wrap with padding
//! (RFC 5649) under a key derived from the parents and the context, and in the suite of SM4 a sealed object of
//! 32 bytes.
//!
//! Neither has a nonce of its own, hence no counter of nonces that a restore from backup could turn back: key wrap
//! needs none, and a sealed object derives it, with its key, from a random salt.

use crate::key::Prk;
use crate::locked::KEY_BYTES;
use crate::{Context, OpenError, SealingKey, Suite, chunked, with_cleared_stack};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
use std::fmt;
use yingdun_model::Secret;
use zeroize::Zeroizing;

/// Bytes of a 32-byte key wrapped under a key of the default suite: the key and the 8 bytes that prove it (RFC 5649 §3).
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
    pub fn from_secret(secret: &Secret<[u8; KEY_BYTES]>) -> Self {
        Self(SealingKey::from_secret(secret))
    }

    /// What keys are wrapped with.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.0.suite()
    }

    /// Combines several parents into one wrapping key of the suite of the first: HKDF (RFC 5869) with the hash of the
    /// suite over their concatenation. Whoever lacks one parent has nothing; the order of the parents matters.
    #[must_use]
    pub fn combine(parents: &[&Self], context: &Context) -> Self {
        with_cleared_stack(|| Self::combine_parents(parents, context))
    }

    fn combine_parents(parents: &[&Self], context: &Context) -> Self {
        let mut material = Zeroizing::new(Vec::with_capacity(parents.len() * KEY_BYTES));
        for parent in parents {
            material.extend_from_slice(parent.0.expose_secret());
        }
        let suite = parents.first().map_or_else(Suite::default, |parent| parent.suite());
        let prk = Prk::extract(suite, COMBINE_PREFIX, &material);
        let mut combined = Zeroizing::new([0; KEY_BYTES]);
        prk.expand(&[COMBINE_PREFIX, context.as_bytes()], combined.as_mut_slice());
        Self(SealingKey::from_bytes(&combined, suite))
    }

    /// Wraps a key for the place that the context names.
    ///
    /// # Panics
    /// In the suite of SM4, when the operating system gives no random bytes, see [`crate::random::fill`].
    #[must_use]
    pub fn wrap(&self, context: &Context, key: &SealingKey) -> Vec<u8> {
        with_cleared_stack(|| match self.suite() {
            Suite::Cobblestone256 => self.wrap_with_padding(context, key),
            Suite::Sm4GcmSm3 => chunked::seal(&self.0, &place(context), key.expose_secret()),
        })
    }

    /// Unwraps a key, which then is of the suite of this one.
    ///
    /// # Errors
    /// [`OpenError::Wrapped`] when the bytes are damaged or belong to another parent or place.
    pub fn unwrap(&self, context: &Context, wrapped: &[u8]) -> Result<SealingKey, OpenError> {
        with_cleared_stack(|| match self.suite() {
            Suite::Cobblestone256 => self.unwrap_with_padding(context, wrapped),
            Suite::Sm4GcmSm3 => self.unwrap_sealed(context, wrapped),
        })
    }

    fn unwrap_sealed(&self, context: &Context, wrapped: &[u8]) -> Result<SealingKey, OpenError> {
        let key = chunked::open(&self.0, &place(context), wrapped).map_err(|_| OpenError::Wrapped)?;
        let key = Zeroizing::new(key);
        let key: &[u8; KEY_BYTES] = key.as_slice().try_into().map_err(|_| OpenError::Wrapped)?;
        Ok(SealingKey::from_bytes(key, self.suite()))
    }

    fn wrap_with_padding(&self, context: &Context, key: &SealingKey) -> Vec<u8> {
        // AWS-LC asks for 15 bytes of room beyond the input.
        let mut out = [0; KEY_BYTES + 15];
        match self.kek(context).wrap_with_padding(key.expose_secret(), &mut out) {
            Ok(wrapped) => wrapped.to_vec(),
            Err(_) => unreachable!("32 bytes are within the bounds of RFC 5649"),
        }
    }

    fn unwrap_with_padding(&self, context: &Context, wrapped: &[u8]) -> Result<SealingKey, OpenError> {
        if wrapped.len() != WRAPPED_KEY_BYTES {
            return Err(OpenError::Wrapped);
        }
        let mut out = Zeroizing::new([0; WRAPPED_KEY_BYTES]);
        let key = self
            .kek(context)
            .unwrap_with_padding(wrapped, out.as_mut_slice())
            .map_err(|_| OpenError::Wrapped)?;
        let key: &[u8; KEY_BYTES] = (&*key).try_into().map_err(|_| OpenError::Wrapped)?;
        Ok(SealingKey::from_bytes(key, self.suite()))
    }

    /// The AES key of one place: what actually wraps.
    fn kek(&self, context: &Context) -> AesKek {
        let derived = self.0.derive(&place(context));
        match AesKek::new(&AES_256, derived.expose_secret()) {
            Ok(kek) => kek,
            Err(_) => unreachable!("an AES-256 key has 32 bytes"),
        }
    }
}

/// What a wrapped key is bound to.
fn place(context: &Context) -> Context {
    Context::new(WRAP_LABEL).field(context.as_bytes())
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

    fn context() -> Context {
        Context::new("yingdun/test/v1").field("renmin").field("L4")
    }

    fn parent(suite: Suite) -> WrappingKey {
        SealingKey::generate_for(suite).into()
    }

    #[test]
    fn a_wrapped_key_comes_back_in_its_own_place_only() {
        for &suite in Suite::ALL {
            let (parent, key) = (parent(suite), SealingKey::generate_for(suite));
            let wrapped = parent.wrap(&context(), &key);
            let back = parent.unwrap(&context(), &wrapped).unwrap();
            assert_eq!((back.expose_secret(), back.suite()), (key.expose_secret(), suite));
            let elsewhere = Context::new("yingdun/test/v1").field("renmin").field("L5");
            assert_eq!(parent.unwrap(&elsewhere, &wrapped).err(), Some(OpenError::Wrapped));
            for &other in Suite::ALL {
                let stranger = WrappingKey::from(SealingKey::generate_for(other));
                assert_eq!(stranger.unwrap(&context(), &wrapped).err(), Some(OpenError::Wrapped));
            }
        }
    }

    #[test]
    fn a_key_wrapped_in_one_suite_does_not_come_back_in_the_other() {
        let key = SealingKey::generate();
        let wrapped = WrappingKey::from(key.duplicate()).wrap(&context(), &SealingKey::generate());
        let refused = WrappingKey::from(key.given_to(Suite::Sm4GcmSm3)).unwrap(&context(), &wrapped).err();
        assert_eq!(refused, Some(OpenError::Wrapped));
    }

    #[test]
    fn a_flip_of_any_bit_and_a_cut_at_any_length_is_detected() {
        for &suite in Suite::ALL {
            let (parent, key) = (parent(suite), SealingKey::generate());
            let wrapped = parent.wrap(&context(), &key);
            for bit in 0..wrapped.len() * 8 {
                let mut damaged = wrapped.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(parent.unwrap(&context(), &damaged).err(), Some(OpenError::Wrapped), "bit {bit}");
            }
            for len in 0..wrapped.len() {
                assert!(parent.unwrap(&context(), &wrapped[..len]).is_err(), "length {len}");
            }
        }
    }

    #[test]
    fn what_is_sealed_for_a_place_and_is_no_key_is_no_wrapped_key() {
        let parent = SealingKey::generate_for(Suite::Sm4GcmSm3);
        let long = chunked::seal(&parent, &place(&context()), &[0; KEY_BYTES + 1]);
        assert_eq!(WrappingKey::from(parent).unwrap(&context(), &long).err(), Some(OpenError::Wrapped));
    }

    #[test]
    fn a_combined_key_needs_every_parent_in_order_and_its_context() {
        for &suite in Suite::ALL {
            let (a, b) = (parent(suite), parent(suite));
            let (one, two) = (Context::new("one"), Context::new("two"));
            let wrapped = WrappingKey::combine(&[&a, &b], &one).wrap(&context(), &SealingKey::generate());
            let back = WrappingKey::combine(&[&a, &b], &one).unwrap(&context(), &wrapped);
            assert_eq!(back.unwrap().suite(), suite);
            for wrong in [
                WrappingKey::combine(&[&b, &a], &one),
                WrappingKey::combine(&[&a, &b], &two),
                WrappingKey::combine(&[&a], &one),
                WrappingKey::combine(&[&a, &a], &one),
            ] {
                assert!(wrong.unwrap(&context(), &wrapped).is_err());
            }
        }
    }
}
