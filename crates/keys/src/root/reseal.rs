//! A root-key file that is open, to be sealed in another way: by another passphrase, by shares instead, by other shares.
//!
//! The root key stays, and with it everything below; only what opens the file changes. What is sealed anew was opened once before it can be put
//! in place, so that nobody replaces a file that opens by one that does not.

use super::file::{sealed, shared, write_over};
use super::format::{self, Parts};
use super::share::Share;
use super::unseal::Unsealing;
use super::{RootFileError, RootKey};
use std::path::{Path, PathBuf};
use yingdun_crypto::{SealingKey, with_cleared_stack};
use yingdun_model::Secret;

/// An open root-key file. All functions block for about 0.1 s of processor time.
pub struct Resealing {
    pub(super) path: PathBuf,
    pub(super) root: SealingKey,
}

/// A root-key file that is sealed anew and not in its place yet: first its keepers must have what opens it.
#[must_use = "the file is as it was until this is put in place"]
pub struct Resealed {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Resealing {
    /// Opens a file with its passphrase. One that shares open is opened by [`Unsealing::reseal`].
    ///
    /// # Errors
    /// [`RootFileError`] as for [`RootFile::open`](super::RootFile::open).
    pub fn open(path: &Path, passphrase: &Secret<String>) -> Result<Self, RootFileError> {
        let root = with_cleared_stack(|| super::file::unsealed(path, passphrase))?;
        Ok(Self { path: path.to_owned(), root })
    }

    /// The root key.
    #[must_use]
    pub fn root(&self) -> RootKey {
        self.root.duplicate().into()
    }

    /// Seals it by another passphrase.
    ///
    /// # Errors
    /// [`RootFileError::ShortPassphrase`].
    pub fn by_passphrase(&self, passphrase: &Secret<String>) -> Result<Resealed, RootFileError> {
        let bytes = with_cleared_stack(|| sealed(&self.path, &self.root, passphrase))?;
        let opened = match format::decode(&bytes) {
            Some(Parts::Passphrase(parameters, kept)) => with_cleared_stack(|| {
                parameters.derive(passphrase).ok().and_then(|key| kept.unseal(&key).ok())
            }),
            Some(Parts::Shares(_)) | None => None,
        };
        self.proven(bytes, opened)
    }

    /// Seals it by new shares, of which `threshold` of `count` are needed. Shares that were made before open it no more.
    ///
    /// # Errors
    /// [`RootFileError::ShareCount`].
    pub fn by_shares(&self, threshold: u8, count: u8) -> Result<(Resealed, Vec<Share>), RootFileError> {
        let (bytes, shares) = shared(&self.path, &self.root, threshold, count)?;
        let opened = match format::decode(&bytes) {
            Some(Parts::Shares(parts)) => {
                let mut trial = Unsealing { path: self.path.clone(), parts, given: Vec::new() };
                // All of them: one that is wrong would spoil the key.
                let taken = shares.iter().all(|share| trial.give(&share.to_text()).is_ok());
                if taken { trial.reseal()?.map(|opened| opened.root) } else { None }
            }
            Some(Parts::Passphrase(..)) | None => None,
        };
        Ok((self.proven(bytes, opened)?, shares))
    }

    fn proven(&self, bytes: Vec<u8>, opened: Option<SealingKey>) -> Result<Resealed, RootFileError> {
        match opened {
            Some(opened) if opened.expose_secret() == self.root.expose_secret() => {
                Ok(Resealed { path: self.path.clone(), bytes })
            }
            Some(_) | None => Err(RootFileError::Damaged { path: self.path.clone() }),
        }
    }
}

impl Unsealing {
    /// The file, open to be sealed in another way; none as long as shares are missing.
    ///
    /// # Errors
    /// [`RootFileError::Damaged`] when right shares do not open the file.
    pub fn reseal(&self) -> Result<Option<Resealing>, RootFileError> {
        Ok(self.unsealed()?.map(|root| Resealing { path: self.path.clone(), root }))
    }
}

impl Resealed {
    /// Replaces the file. A crash leaves the old one or the new one. Copies of the old one open with what opened them before: destroy them.
    ///
    /// # Errors
    /// [`RootFileError::Io`]; the old file is in its place then.
    pub fn put_in_place(self) -> Result<(), RootFileError> {
        write_over(&self.path, &self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RootFile, RootOpener, ShareError};
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    fn given(path: &Path, shares: &[&Share]) -> Result<Resealing, ShareError> {
        let RootOpener::Shares(mut unsealing) = RootFile::opener(path).unwrap() else {
            panic!("shares open it")
        };
        for share in shares {
            unsealing.give(&share.to_text())?;
        }
        Ok(unsealing.reseal().unwrap().unwrap())
    }

    #[test]
    fn a_file_goes_from_a_passphrase_to_shares_to_other_shares_and_back_with_the_same_root_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        let _ = RootFile::create(&path, &secret("correct horse")).unwrap();
        let first = Resealing::open(&path, &secret("correct horse")).unwrap();
        let root = *first.root.expose_secret();

        let (resealed, old) = first.by_shares(2, 3).unwrap();
        assert!(
            Resealing::open(&path, &secret("correct horse")).is_ok(),
            "nothing changes before it is put in place"
        );
        resealed.put_in_place().unwrap();
        assert!(matches!(
            Resealing::open(&path, &secret("correct horse")),
            Err(RootFileError::Opener { .. })
        ));
        let second = given(&path, &[&old[2], &old[0]]).unwrap();
        assert_eq!(second.root.expose_secret(), &root);

        let (resealed, new) = second.by_shares(3, 5).unwrap();
        resealed.put_in_place().unwrap();
        assert_eq!(given(&path, &[&old[0]]).err(), Some(ShareError::OtherRoot));
        let third = given(&path, &[&new[4], &new[1], &new[3]]).unwrap();
        assert_eq!(third.root.expose_secret(), &root);

        third.by_passphrase(&secret("battery staple")).unwrap().put_in_place().unwrap();
        let fourth = Resealing::open(&path, &secret("battery staple")).unwrap();
        assert_eq!(fourth.root.expose_secret(), &root);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn a_short_passphrase_and_senseless_shares_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        let _ = RootFile::create(&path, &secret("correct horse")).unwrap();
        let before = std::fs::read(&path).unwrap();
        let open = Resealing::open(&path, &secret("correct horse")).unwrap();
        assert!(matches!(
            open.by_passphrase(&secret("short")),
            Err(RootFileError::ShortPassphrase { came: 5 })
        ));
        for (threshold, count) in [(1, 3), (4, 3), (2, 17)] {
            assert!(matches!(open.by_shares(threshold, count), Err(RootFileError::ShareCount { .. })));
        }
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}
