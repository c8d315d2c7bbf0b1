//! A typed value as sealed bytes.

use crate::{Context, OpenError, SealError, SealingKey, chunked};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;
use std::marker::PhantomData;
use zeroize::Zeroizing;

/// The sealed form of a `T`: JSON inside, a sealed object outside. The type says what will come out; the
/// context says where it belongs. Used for sealed columns, descriptors and audit details.
pub struct Sealed<T> {
    bytes: Vec<u8>,
    holds: PhantomData<fn() -> T>,
}

impl<T> Sealed<T> {
    /// Takes sealed bytes from where they were kept. Nothing is checked until [`open`](Self::open).
    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes, holds: PhantomData }
    }

    /// The sealed bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Gives the sealed bytes up to where they are kept.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl<T: Serialize> Sealed<T> {
    /// Seals a value.
    ///
    /// # Errors
    /// [`SealError::Content`] when the value has no JSON form.
    ///
    /// # Panics
    /// When the operating system gives no random bytes, see [`crate::random::fill`].
    pub fn seal(key: &SealingKey, context: &Context, value: &T) -> Result<Self, SealError> {
        let json = Zeroizing::new(serde_json::to_vec(value).map_err(|_| SealError::Content)?);
        Ok(Self::from_bytes(chunked::seal(key, context, &json)))
    }
}

impl<T: DeserializeOwned> Sealed<T> {
    /// Opens the value.
    ///
    /// # Errors
    /// As [`chunked::open`]; [`OpenError::Content`] when what opens is no `T`.
    pub fn open(&self, key: &SealingKey, context: &Context) -> Result<T, OpenError> {
        let json = Zeroizing::new(chunked::open(key, context, &self.bytes)?);
        serde_json::from_slice(&json).map_err(|_| OpenError::Content)
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self::from_bytes(self.bytes.clone())
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed<{}>({} bytes)", std::any::type_name::<T>(), self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_under_its_key_and_context_only() {
        let (key, context) = (SealingKey::generate(), Context::new("yingdun/test/v1"));
        let sealed = Sealed::seal(&key, &context, &vec![String::from("王小明")]).unwrap();
        assert_eq!(sealed.open(&key, &context), Ok(vec![String::from("王小明")]));
        assert_eq!(sealed.open(&SealingKey::generate(), &context), Err(OpenError::WrongKeyOrContext));
        assert_eq!(sealed.open(&key, &Context::new("yingdun/test/v2")), Err(OpenError::WrongKeyOrContext));
        assert!(!format!("{sealed:?}").contains("小"));
    }

    #[test]
    fn another_kind_of_value_is_an_error_not_a_guess() {
        let (key, context) = (SealingKey::generate(), Context::new("yingdun/test/v1"));
        let number = Sealed::seal(&key, &context, &7).unwrap();
        let text = Sealed::<String>::from_bytes(number.into_bytes());
        assert_eq!(text.open(&key, &context), Err(OpenError::Content));
    }
}
