//! Unsealing: shares come one after the other, from different people, until there are enough.

use super::format::SharedParts;
use super::shamir::{self, Bytes};
use super::share::{Share, ShareError};
use super::{RootFileError, RootKey};
use std::path::PathBuf;
use yingdun_crypto::{SealingKey, with_cleared_stack};
use yingdun_model::Secret;

/// A root-key file that waits for shares. Shares that were given are wiped when it is dropped.
pub struct Unsealing {
    pub(super) path: PathBuf,
    pub(super) parts: SharedParts,
    pub(super) given: Vec<(u8, Bytes)>,
}

/// How many shares were given, and how many are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsealProgress {
    /// Shares that were given and are right.
    pub given: u8,
    /// Shares that are needed.
    pub needed: u8,
}

impl Unsealing {
    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> UnsealProgress {
        let given = u8::try_from(self.given.len()).unwrap_or(u8::MAX);
        UnsealProgress { given, needed: self.parts.threshold() }
    }

    /// How many shares there are in all.
    #[must_use]
    pub fn shares(&self) -> u8 {
        self.parts.count()
    }

    /// Takes a share. Each is judged by itself, so those that were taken are right.
    ///
    /// # Errors
    /// [`ShareError`]; nothing has changed then.
    pub fn give(&mut self, text: &Secret<String>) -> Result<UnsealProgress, ShareError> {
        let share = Share::parse(text)?;
        self.parts.check(&share)?;
        if self.given.iter().any(|(place, _)| *place == share.place) {
            return Err(ShareError::Repeated);
        }
        self.given.push((share.place, share.value));
        Ok(self.progress())
    }

    /// The root key; none as long as shares are missing.
    ///
    /// # Errors
    /// [`RootFileError::Damaged`] when right shares do not open the file.
    pub fn open(&self) -> Result<Option<RootKey>, RootFileError> {
        Ok(self.unsealed()?.map(Into::into))
    }

    pub(super) fn unsealed(&self) -> Result<Option<SealingKey>, RootFileError> {
        if self.given.len() < self.parts.threshold().into() {
            return Ok(None);
        }
        let root = with_cleared_stack(|| {
            let key = shamir::combine(&self.given);
            self.parts.unseal(&SealingKey::from_secret(&Secret::new(*key)))
        });
        root.map(Some).map_err(|_| RootFileError::Damaged { path: self.path.clone() })
    }
}

impl std::fmt::Debug for Unsealing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unsealing").field("progress", &self.progress()).finish_non_exhaustive()
    }
}
