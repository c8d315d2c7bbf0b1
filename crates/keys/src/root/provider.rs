//! What stands at the root: a key that wraps a few small secrets, and may be in a place that this program never sees.
//!
//! Whoever keeps the topmost key keeps this one promise: what [`RootProvider::wrap`] gave opens again, byte for byte, for the
//! same place and for no other. Patient and study keys never come here: they hang below keys that are held.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::pin::Pin;
use yingdun_crypto::{Context, SealingKey};

/// What a provider answers, when it has.
pub type RootAnswer<'a, T> = Pin<Box<dyn Future<Output = Result<T, RootError>> + Send + 'a>>;

/// Keeps the topmost key.
pub trait RootProvider: Send + Sync {
    /// Which kind of provider it is.
    fn kind(&self) -> RootKind;

    /// Wraps a key for the place that the context names. The same key wrapped twice may give other bytes.
    ///
    /// # Errors
    /// [`RootError`], never [`RootError::WrongKey`].
    fn wrap<'a>(&'a self, place: &'a Context, key: &'a SealingKey) -> RootAnswer<'a, Vec<u8>>;

    /// Unwraps a key of the default suite.
    ///
    /// # Errors
    /// [`RootError::WrongKey`] when the bytes are damaged, or belong to another root key or another place.
    fn unwrap<'a>(&'a self, place: &'a Context, wrapped: &'a [u8]) -> RootAnswer<'a, SealingKey>;
}

/// A kind of provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RootKind {
    /// The root key is in a file that a passphrase or shares open, and in memory while the archive runs.
    #[default]
    File,
    /// The root key is on a token, and never leaves it.
    Pkcs11,
    /// The root key is in the transit engine of a Vault or OpenBao server, and never leaves it.
    Transit,
}

impl RootKind {
    /// The word of the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Pkcs11 => "pkcs11",
            Self::Transit => "transit",
        }
    }
}

impl fmt::Display for RootKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a provider did not wrap or unwrap. No error carries a key, a token or a PIN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// It is there and waits for its own keepers.
    #[error("the {kind} root is sealed: {cause}")]
    Sealed {
        /// Who.
        kind: RootKind,
        /// What it says.
        cause: String,
    },
    /// It does not answer, or is too busy to. May pass.
    #[error("the {kind} root cannot be reached: {cause}")]
    Unreachable {
        /// Who.
        kind: RootKind,
        /// What happened.
        cause: String,
    },
    /// It answers, and does not let us: credentials, a policy, a key that is not there or not for this.
    #[error("the {kind} root refuses: {cause}")]
    Refused {
        /// Who.
        kind: RootKind,
        /// What it says.
        cause: String,
    },
    /// The bytes are damaged, or belong to another root key or another place.
    #[error("a wrapped key is damaged or belongs to another root key or place")]
    WrongKey,
}

impl RootError {
    /// Whether it says nothing of the key and may pass by itself.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Sealed { .. } | Self::Unreachable { .. } => true,
            Self::Refused { .. } | Self::WrongKey => false,
        }
    }
}
