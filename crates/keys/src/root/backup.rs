//! A backup of keys, apart from that of images: one file, sealed to a passphrase or to shares of its own, and signed.
//!
//! ```text
//! "YDKEYS1\n" │ length, 2 bytes │ opener: what a root-key file is, around the key of this backup
//!             │ length, 8 bytes │ body, sealed with Cobblestone-256, everything before it as context
//!             │ signed note over the SHA-256 of everything before
//! ```
//!
//! Lengths are big-endian. The body: a length of 8 bytes and as many bytes for each of its parts: what it is (JSON), the rows of the key
//! database, the epoch file, and the root-key file, which is empty where the root key is elsewhere. All of that is wrapped or sealed
//! already; the seal of the backup is for its own life, which is another one than that of the archive.

use super::file::{sealed, shared};
use super::format::{self, Parts};
use super::share::Share;
use super::unseal::Unsealing;
use super::{RootFileError, RootKind, RootOpener};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use yingdun_crypto::sign::{NoteError, NoteSigner, NoteVerifier};
use yingdun_crypto::{Context, SealingKey, digest, open, seal, with_cleared_stack};
use yingdun_model::Secret;

const MAGIC: &[u8] = b"YDKEYS1\n";

/// The first line of what is signed: no checkpoint of a log begins so.
const SIGNED: &str = "yingdun keys backup v1";

/// The largest backup, in bytes: the rows of some three million studies. It is made and opened in memory.
pub const BACKUP_BYTES_MAX: u64 = 1 << 30;

/// Parts of the body.
const PARTS: usize = 4;

/// What a backup is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupAbout {
    /// The institution.
    pub institution: String,
    /// Who keeps the root key.
    pub root: RootKind,
    /// Which key of a token or a server it is; empty where it is in a file, which is in the backup.
    pub keeper: String,
    /// Leaves of the audit log before the rows were read.
    pub leaves: u64,
    /// Study keys.
    pub studies: u64,
    /// When it was made, in milliseconds since 1970.
    pub made_ms: i64,
}

/// Everything that is needed to open images, beside packs, catalogue and what opens the root key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysBackup {
    /// What it is of.
    pub about: BackupAbout,
    /// The rows of the key database, as the catalogue room hands them out.
    pub rows: Vec<u8>,
    /// The epoch file.
    pub epochs: Vec<u8>,
    /// The root-key file; empty where the root key is elsewhere.
    pub root_file: Vec<u8>,
}

/// A backup as it lies in its file.
pub struct SealedBackup {
    path: PathBuf,
    bytes: Vec<u8>,
    opener: (usize, usize),
    body: (usize, usize),
}

/// Why a backup cannot be made, or is not believed or opened.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file cannot be read.
    #[error("the backup of keys at {} cannot be read: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// It is larger than is read or written.
    #[error("a backup of keys has {bytes} bytes, at most {BACKUP_BYTES_MAX} are expected")]
    Size {
        /// How many bytes.
        bytes: u64,
    },
    /// The file is not what was written.
    #[error("the file at {} is damaged or no backup of keys", path.display())]
    Damaged {
        /// Where.
        path: PathBuf,
    },
    /// It was not signed by the archive whose public key was given, or was changed since.
    #[error("the backup of keys is not one of this archive, or was changed: {0}")]
    Signature(NoteError),
    /// The signature is for another file.
    #[error("the signature of the backup of keys is that of another file")]
    OtherFile,
    /// What opens it does not.
    #[error(transparent)]
    Opener(#[from] RootFileError),
}

impl KeysBackup {
    /// The bytes of the file, which a passphrase opens.
    ///
    /// # Errors
    /// [`BackupError::Opener`] for a short passphrase, [`BackupError::Size`].
    pub fn sealed_by_passphrase(
        &self,
        passphrase: &Secret<String>,
        signer: &NoteSigner,
    ) -> Result<Vec<u8>, BackupError> {
        let key = SealingKey::generate();
        let opener = with_cleared_stack(|| sealed(Path::new("backup"), &key, passphrase))?;
        self.seal(&key, &opener, signer)
    }

    /// The bytes of the file, and the new shares that open it.
    ///
    /// # Errors
    /// [`BackupError::Opener`] for numbers of shares that make no sense, [`BackupError::Size`].
    pub fn sealed_by_shares(
        &self,
        threshold: u8,
        count: u8,
        signer: &NoteSigner,
    ) -> Result<(Vec<u8>, Vec<Share>), BackupError> {
        let key = SealingKey::generate();
        let (opener, shares) = shared(Path::new("backup"), &key, threshold, count)?;
        Ok((self.seal(&key, &opener, signer)?, shares))
    }

    fn seal(&self, key: &SealingKey, opener: &[u8], signer: &NoteSigner) -> Result<Vec<u8>, BackupError> {
        let about = serde_json::to_vec(&self.about).unwrap_or_default();
        let parts = [&about, &self.rows, &self.epochs, &self.root_file];
        let length = parts.iter().map(|part| part.len() as u64 + 8).sum::<u64>();
        if length > BACKUP_BYTES_MAX {
            return Err(BackupError::Size { bytes: length });
        }
        let mut body = Vec::new();
        for part in parts {
            body.extend_from_slice(&(part.len() as u64).to_be_bytes());
            body.extend_from_slice(part);
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&u16::try_from(opener.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(opener);
        let sealed = seal(key, &context(&bytes), &body);
        bytes.extend_from_slice(&(sealed.len() as u64).to_be_bytes());
        bytes.extend_from_slice(&sealed);
        let note = signer.sign(&signed_text(&bytes)).map_err(BackupError::Signature)?;
        bytes.extend_from_slice(note.as_bytes());
        Ok(bytes)
    }

    fn parse(body: &[u8]) -> Option<Self> {
        let mut rest = body;
        let mut parts = Vec::with_capacity(PARTS);
        for _ in 0..PARTS {
            let (length, behind) = rest.split_first_chunk::<8>()?;
            let (part, behind) =
                behind.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
            parts.push(part.to_vec());
            rest = behind;
        }
        let [about, rows, epochs, root_file]: [Vec<u8>; PARTS] = parts.try_into().ok()?;
        let about = serde_json::from_slice(&about).ok()?;
        rest.is_empty().then_some(Self { about, rows, epochs, root_file })
    }
}

impl SealedBackup {
    /// Reads a backup. Nothing of it is believed yet.
    ///
    /// # Errors
    /// [`BackupError::Io`], [`BackupError::Size`], [`BackupError::Damaged`].
    pub fn read(path: &Path) -> Result<Self, BackupError> {
        let failed = |source| BackupError::Io { path: path.to_owned(), source };
        let length = std::fs::metadata(path).map_err(failed)?.len();
        // The opener, its seal and the signature are small against the rest.
        if length > BACKUP_BYTES_MAX + (BACKUP_BYTES_MAX >> 8) {
            return Err(BackupError::Size { bytes: length });
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        let (opener, body) = places(&bytes).ok_or_else(|| BackupError::Damaged { path: path.to_owned() })?;
        Ok(Self { path: path.to_owned(), bytes, opener, body })
    }

    /// Whether it is as the archive with this public key of its audit log made it. Opens nothing.
    ///
    /// # Errors
    /// [`BackupError::Signature`], [`BackupError::OtherFile`].
    pub fn verify(&self, verifier: &NoteVerifier) -> Result<(), BackupError> {
        let (content, note) = self.bytes.split_at_checked(self.body.1).ok_or_else(|| self.damaged())?;
        let note = std::str::from_utf8(note).map_err(|_| self.damaged())?;
        let text = verifier.verify(note).map_err(BackupError::Signature)?;
        if text == signed_text(content) { Ok(()) } else { Err(BackupError::OtherFile) }
    }

    /// What opens it.
    ///
    /// # Errors
    /// [`BackupError::Damaged`].
    pub fn opener(&self) -> Result<RootOpener, BackupError> {
        Ok(match self.parts()? {
            Parts::Passphrase(..) => RootOpener::Passphrase,
            Parts::Shares(parts) => {
                RootOpener::Shares(Unsealing { path: self.path.clone(), parts, given: Vec::new() })
            }
        })
    }

    /// Opens it with its passphrase.
    ///
    /// # Errors
    /// [`BackupError::Opener`] when another one is needed, or shares; [`BackupError::Damaged`].
    pub fn open(&self, passphrase: &Secret<String>) -> Result<KeysBackup, BackupError> {
        let path = || self.path.clone();
        let Parts::Passphrase(parameters, kept) = self.parts()? else {
            return Err(RootFileError::Opener { path: path(), expected: "shares" }.into());
        };
        let key = with_cleared_stack(|| {
            let key = parameters.derive(passphrase).map_err(RootFileError::from)?;
            kept.unseal(&key).map_err(|_| RootFileError::WrongPassphrase { path: path() })
        })?;
        self.open_with(&key)
    }

    /// Opens it with shares; none as long as some are missing.
    ///
    /// # Errors
    /// [`BackupError::Damaged`].
    pub fn open_by_shares(&self, unsealing: &Unsealing) -> Result<Option<KeysBackup>, BackupError> {
        unsealing.unsealed()?.map(|key| self.open_with(&key)).transpose()
    }

    fn open_with(&self, key: &SealingKey) -> Result<KeysBackup, BackupError> {
        let preamble = self.bytes.get(..self.opener.1).ok_or_else(|| self.damaged())?;
        let body = self.bytes.get(self.body.0..self.body.1).ok_or_else(|| self.damaged())?;
        let body = open(key, &context(preamble), body).map_err(|_| self.damaged())?;
        KeysBackup::parse(&body).ok_or_else(|| self.damaged())
    }

    fn parts(&self) -> Result<Parts, BackupError> {
        let opener = self.bytes.get(self.opener.0..self.opener.1);
        opener.and_then(format::decode).ok_or_else(|| self.damaged())
    }

    fn damaged(&self) -> BackupError {
        BackupError::Damaged { path: self.path.clone() }
    }
}

// === helpers ===

/// Where the opener and the body are.
fn places(bytes: &[u8]) -> Option<((usize, usize), (usize, usize))> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let begin = MAGIC.len() + 2;
    let opener = (begin, begin + usize::from(u16::from_be_bytes(*length)));
    let (_, rest) = rest.split_at_checked(opener.1 - opener.0)?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
    rest.split_at_checked(length)?;
    Some((opener, (opener.1 + 8, opener.1 + 8 + length)))
}

fn signed_text(content: &[u8]) -> String {
    format!("{SIGNED}\n{}\n", hex::encode(digest::sha256(content)))
}

fn context(preamble: &[u8]) -> Context {
    Context::new("yingdun/keys-backup/v1").field(preamble)
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_crypto::sign::SigningKey;

    fn backup() -> KeysBackup {
        let about = BackupAbout {
            institution: "renmin".into(),
            root: RootKind::File,
            keeper: String::new(),
            leaves: 7,
            studies: 3,
            made_ms: 1_700_000_000_000,
        };
        KeysBackup { about, rows: vec![1; 300], epochs: vec![2; 100], root_file: vec![3; 50] }
    }

    fn signer() -> (NoteSigner, NoteVerifier) {
        let key = SigningKey::generate();
        let verifier = NoteVerifier::new("renmin/audit", key.verifying_key()).unwrap();
        (NoteSigner::new("renmin/audit", key).unwrap(), verifier)
    }

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    fn written(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.backup");
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn what_was_put_in_comes_back_by_passphrase_and_by_shares_and_is_signed() {
        let (signer, verifier) = signer();
        let bytes = backup().sealed_by_passphrase(&secret("correct horse"), &signer).unwrap();
        let (_folder, path) = written(&bytes);
        let sealed = SealedBackup::read(&path).unwrap();
        sealed.verify(&verifier).unwrap();
        assert_eq!(sealed.open(&secret("correct horse")).unwrap(), backup());
        assert!(matches!(sealed.open(&secret("another horse")), Err(BackupError::Opener(_))));

        let (bytes, shares) = backup().sealed_by_shares(2, 3, &signer).unwrap();
        let (_folder, path) = written(&bytes);
        let sealed = SealedBackup::read(&path).unwrap();
        let RootOpener::Shares(mut unsealing) = sealed.opener().unwrap() else { panic!("shares open it") };
        assert!(sealed.open_by_shares(&unsealing).unwrap().is_none());
        for share in &shares[1..] {
            unsealing.give(&share.to_text()).unwrap();
        }
        assert_eq!(sealed.open_by_shares(&unsealing).unwrap(), Some(backup()));
        assert!(sealed.open(&secret("correct horse")).is_err());
    }

    #[test]
    fn a_flip_of_any_byte_is_seen_by_the_signature_and_never_opens_to_something_else() {
        let (signer, verifier) = signer();
        let (bytes, shares) = backup().sealed_by_shares(2, 2, &signer).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let (_folder, path) = written(&changed);
            let Ok(sealed) = SealedBackup::read(&path) else { continue };
            assert!(sealed.verify(&verifier).is_err(), "byte {at}");
            let Ok(RootOpener::Shares(mut unsealing)) = sealed.opener() else { continue };
            if shares.iter().all(|share| unsealing.give(&share.to_text()).is_ok()) {
                let opened = sealed.open_by_shares(&unsealing);
                assert!(opened.is_err() || opened.unwrap() == Some(backup()), "byte {at}");
            }
        }
        for length in [0, 5, 10, 200, bytes.len() - 1] {
            let (_folder, path) = written(&bytes[..length]);
            let read = SealedBackup::read(&path);
            assert!(read.is_err() || read.is_ok_and(|sealed| sealed.verify(&verifier).is_err()), "{length}");
        }
    }

    #[test]
    fn the_signature_of_another_archive_or_another_backup_is_not_taken() {
        let ((signer, verifier), (other, _)) = (signer(), signer());
        let foreign = backup().sealed_by_passphrase(&secret("correct horse"), &other).unwrap();
        let (_folder, path) = written(&foreign);
        let verified = SealedBackup::read(&path).unwrap().verify(&verifier);
        assert!(matches!(verified, Err(BackupError::Signature(_))));
        let [one, two] = [1, 2].map(|rows| {
            let backup = KeysBackup { rows: vec![rows; 300], ..backup() };
            backup.sealed_by_passphrase(&secret("correct horse"), &signer).unwrap()
        });
        let [end_of_one, end_of_two] = [&one, &two].map(|bytes| places(bytes).unwrap().1.1);
        let swapped = [&one[..end_of_one], &two[end_of_two..]].concat();
        let (_folder, path) = written(&swapped);
        let verified = SealedBackup::read(&path).unwrap().verify(&verifier);
        assert!(matches!(verified, Err(BackupError::OtherFile)));
    }
}
