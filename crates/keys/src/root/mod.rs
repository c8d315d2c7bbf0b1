//! The topmost key and the sealed file that holds it.

mod file;
mod format;
mod shamir;
mod share;
mod unseal;

pub use file::{RootFile, RootFileError, RootOpener, SHARES_MAX};
pub use share::{Share, ShareError};
pub use unseal::{UnsealProgress, Unsealing};

use yingdun_crypto::{SealingKey, WrappingKey};

/// The topmost key. It lives in memory while the archive runs and in the root-key file, nowhere else.
pub struct RootKey(WrappingKey);

impl RootKey {
    pub(crate) const fn wrapping(&self) -> &WrappingKey {
        &self.0
    }
}

impl From<SealingKey> for RootKey {
    /// Takes a root key that was kept in another place than a [`RootFile`].
    fn from(key: SealingKey) -> Self {
        Self(key.into())
    }
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RootKey(…)")
    }
}
