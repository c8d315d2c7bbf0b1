//! The topmost key: who keeps it, and the sealed file that is the first of those.

mod backup;
mod file;
mod format;
mod pkcs11;
mod provider;
mod reseal;
mod shamir;
mod share;
mod unseal;

pub use backup::{BACKUP_BYTES_MAX, BackupAbout, BackupError, KeysBackup, SealedBackup};
pub use file::{RootFile, RootFileError, RootOpener, SHARES_MAX};
pub use pkcs11::{Pkcs11Root, Pkcs11Settings};
pub use provider::{RootAnswer, RootError, RootKind, RootProvider};
pub use reseal::{Resealed, Resealing};
pub use share::{Share, ShareError};
pub use unseal::{UnsealProgress, Unsealing};

use crate::KeysError;
use std::sync::Arc;
use yingdun_crypto::{Context, OpenError, SealingKey, WrappingKey};

/// The topmost key, wherever it is. Clones are the same key.
#[derive(Clone)]
pub struct RootKey(Arc<dyn RootProvider>);

impl RootKey {
    /// The key that this provider keeps.
    #[must_use]
    pub fn of(provider: impl RootProvider + 'static) -> Self {
        Self(Arc::new(provider))
    }

    /// Who keeps it.
    #[must_use]
    pub fn kind(&self) -> RootKind {
        self.0.kind()
    }

    /// Wraps a key for its place, and makes sure that it comes back.
    pub(crate) async fn wrap(&self, place: &Context, key: &SealingKey) -> Result<Vec<u8>, RootError> {
        let wrapped = self.0.wrap(place, key).await?;
        // INVARIANT: what is kept opens again. What a provider gives is not believed.
        match self.0.unwrap(place, &wrapped).await {
            Ok(back) if back.expose_secret() == key.expose_secret() => Ok(wrapped),
            Ok(_) | Err(RootError::WrongKey) => {
                let cause = "what it wrapped does not come back".to_owned();
                Err(RootError::Refused { kind: self.kind(), cause })
            }
            Err(error) => Err(error),
        }
    }

    /// Unwraps what stands in this place.
    pub(crate) async fn unwrap(&self, place: &Context, wrapped: &[u8]) -> Result<SealingKey, RootError> {
        self.0.unwrap(place, wrapped).await
    }

    /// The same for a row of the database, whose damage is told by what it holds.
    pub(crate) async fn unwrap_row(
        &self,
        place: &Context,
        wrapped: &[u8],
        what: &'static str,
    ) -> Result<SealingKey, KeysError> {
        self.unwrap(place, wrapped).await.map_err(|error| match error {
            RootError::WrongKey => KeysError::Damaged { what },
            RootError::Sealed { .. } | RootError::Unreachable { .. } | RootError::Refused { .. } => {
                error.into()
            }
        })
    }
}

impl From<SealingKey> for RootKey {
    /// A root key in memory: what a [`RootFile`] held.
    fn from(key: SealingKey) -> Self {
        Self::of(InMemory(key.into()))
    }
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RootKey({})", self.kind())
    }
}

/// A root key that this process holds.
struct InMemory(WrappingKey);

impl RootProvider for InMemory {
    fn kind(&self) -> RootKind {
        RootKind::File
    }

    fn wrap<'a>(&'a self, place: &'a Context, key: &'a SealingKey) -> RootAnswer<'a, Vec<u8>> {
        Box::pin(async move { Ok(self.0.wrap(place, key)) })
    }

    fn unwrap<'a>(&'a self, place: &'a Context, wrapped: &'a [u8]) -> RootAnswer<'a, SealingKey> {
        Box::pin(async move { self.0.unwrap(place, wrapped).map_err(|_: OpenError| RootError::WrongKey) })
    }
}
