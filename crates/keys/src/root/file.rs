//! The root-key file on disk: made once, opened at each start, never overwritten by accident.

use super::format::Parts;
use super::shamir::{self, Bytes};
use super::share::Share;
use super::unseal::Unsealing;
use super::{RootKey, format};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use yingdun_crypto::passphrase::{PassphraseError, PassphraseParameters};
use yingdun_crypto::{OpenError, SealingKey, random, with_cleared_stack};
use yingdun_model::Secret;

/// The most shares of a root key: more people than an institution trusts with it.
pub const SHARES_MAX: u8 = 16;

/// The sealed file that holds the root key. Whoever has the file and the passphrase, or enough shares, can open every
/// study; whoever lost either has lost every study. Keep copies of both, apart from each other and from the data.
///
/// All functions block for about 0.1 s of processor time; keep them off threads that serve others.
#[derive(Debug)]
pub struct RootFile;

/// What a root-key file is opened with.
#[derive(Debug)]
pub enum RootOpener {
    /// A passphrase: [`RootFile::open`].
    Passphrase,
    /// Shares, one after the other.
    Shares(Unsealing),
}

/// Why a root-key file cannot be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum RootFileError {
    /// There is a file already. A root key is never overwritten.
    #[error("there is a root-key file at {} already; it is never overwritten", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("the root-key file at {} cannot be used: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file can be read by others than its owner.
    #[error("the root-key file at {} has mode {mode:o}; expected 600 or 400", path.display())]
    Exposed {
        /// Where.
        path: PathBuf,
        /// The permission bits.
        mode: u32,
    },
    /// The file is not what was written: damaged, cut off or something else.
    #[error("the file at {} is damaged or no root-key file; restore it from a copy", path.display())]
    Damaged {
        /// Where.
        path: PathBuf,
    },
    /// The passphrase does not open the file.
    #[error("the passphrase does not open the root-key file at {}", path.display())]
    WrongPassphrase {
        /// Where.
        path: PathBuf,
    },
    /// The file is opened by shares, or by a passphrase, and the other came.
    #[error("the root-key file at {} is opened by {expected}", path.display())]
    Opener {
        /// Where.
        path: PathBuf,
        /// What opens it.
        expected: &'static str,
    },
    /// So many shares, or so many needed of them, make no sense.
    #[error("{threshold} of {count} shares; expected at least 2 needed, of at most {SHARES_MAX}")]
    ShareCount {
        /// How many are needed.
        threshold: u8,
        /// How many there are.
        count: u8,
    },
    /// The passphrase is too short to protect the root key.
    #[error(
        "the passphrase has {came} characters; expected at least {}",
        RootFile::PASSPHRASE_CHARACTERS_MIN
    )]
    ShortPassphrase {
        /// How many characters came.
        came: usize,
    },
    /// The key cannot be derived from the passphrase.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
}

impl RootFile {
    /// The fewest characters of a passphrase: with Argon2id at 64 MiB, 12 random characters are out of reach of
    /// guessing.
    pub const PASSPHRASE_CHARACTERS_MIN: usize = 12;

    /// Makes a new root key and keeps it in a new file, readable by its owner only. When this returns, the file
    /// is complete and durable; when it fails, there is no file.
    ///
    /// # Errors
    /// [`RootFileError`], in particular when there is a file already or the passphrase is short.
    pub fn create(path: &Path, passphrase: &Secret<String>) -> Result<RootKey, RootFileError> {
        let root = SealingKey::generate();
        create(path, &with_cleared_stack(|| sealed(path, &root, passphrase))?)?;
        Ok(root.into())
    }

    /// Makes a new root key and keeps it in a new file that `threshold` of `count` shares open. The shares are in no file:
    /// hand them to their keepers, each to another one. Who holds fewer than `threshold` knows nothing.
    ///
    /// # Errors
    /// [`RootFileError`], in particular when there is a file already.
    pub fn create_shared(
        path: &Path,
        threshold: u8,
        count: u8,
    ) -> Result<(RootKey, Vec<Share>), RootFileError> {
        let root = SealingKey::generate();
        let (bytes, shares) = shared(path, &root, threshold, count)?;
        create(path, &bytes)?;
        Ok((root.into(), shares))
    }

    /// What the file is opened with.
    ///
    /// # Errors
    /// [`RootFileError`] as for [`Self::open`].
    pub fn opener(path: &Path) -> Result<RootOpener, RootFileError> {
        Ok(match parts(path)? {
            Parts::Passphrase(..) => RootOpener::Passphrase,
            Parts::Shares(parts) => {
                RootOpener::Shares(Unsealing { path: path.to_owned(), parts, given: Vec::new() })
            }
        })
    }

    /// Overwrites a root-key file where it lies, with chance and with zeros, and removes it. On media that do not overwrite in place the old
    /// bytes stay until they are needed, as sealed as they were.
    ///
    /// # Errors
    /// [`RootFileError::Damaged`] when it is no root-key file, [`RootFileError::Io`].
    pub fn destroy(path: &Path) -> Result<(), RootFileError> {
        let length =
            parts(path).and_then(|_| Ok(fs::metadata(path).map_err(|error| io_error(path, error))?.len()))?;
        let overwrite = || {
            let file = OpenOptions::new().write(true).open(path)?;
            let mut chance = [0; format::FILE_BYTES_MAX as usize];
            random::fill(&mut chance);
            for bytes in [chance, [0; format::FILE_BYTES_MAX as usize]] {
                file.write_all_at(bytes.get(..length as usize).unwrap_or(&bytes), 0)?;
                file.sync_all()?;
            }
            fs::remove_file(path)?;
            File::open(directory_of(path))?.sync_all()
        };
        overwrite().map_err(|error| io_error(path, error))
    }

    /// Opens the root key.
    ///
    /// # Errors
    /// [`RootFileError`] tells a damaged file, a wrong passphrase and wrong permissions apart.
    pub fn open(path: &Path, passphrase: &Secret<String>) -> Result<RootKey, RootFileError> {
        with_cleared_stack(|| unsealed(path, passphrase)).map(Into::into)
    }
}

pub(super) fn sealed(
    path: &Path,
    root: &SealingKey,
    passphrase: &Secret<String>,
) -> Result<Vec<u8>, RootFileError> {
    let came = passphrase.expose().chars().count();
    if came < RootFile::PASSPHRASE_CHARACTERS_MIN {
        return Err(RootFileError::ShortPassphrase { came });
    }
    let parameters = PassphraseParameters::generate();
    let key = parameters.derive(passphrase)?;
    format::encode(parameters, &key, root).map_err(|error| io_error(path, error.into()))
}

/// The bytes of a file that new shares open, and the shares.
pub(super) fn shared(
    path: &Path,
    root: &SealingKey,
    threshold: u8,
    count: u8,
) -> Result<(Vec<u8>, Vec<Share>), RootFileError> {
    if threshold < 2 || threshold > count || count > SHARES_MAX {
        return Err(RootFileError::ShareCount { threshold, count });
    }
    let key = SealingKey::generate();
    let secret = Bytes::new(*key.expose_secret());
    let coefficients: Vec<Bytes> = (1..threshold).map(|_| Bytes::new(random::array())).collect();
    let set = random::array();
    let shares: Vec<Share> = (1..=count)
        .map(|place| Share { set, place, threshold, value: shamir::share(&secret, &coefficients, place) })
        .collect();
    let bytes = format::encode_shared(&shares, &key, root).map_err(|error| io_error(path, error.into()))?;
    Ok((bytes, shares))
}

fn parts(path: &Path) -> Result<Parts, RootFileError> {
    format::decode(&read(path)?).ok_or_else(|| RootFileError::Damaged { path: path.to_owned() })
}

/// Replaces the file that is there.
pub(super) fn write_over(path: &Path, bytes: &[u8]) -> Result<(), RootFileError> {
    write_beside(path, bytes, |temporary| fs::rename(temporary, path))
}

/// Writes a file that is new.
fn create(path: &Path, bytes: &[u8]) -> Result<(), RootFileError> {
    // A link fails when the name is taken, a rename would overwrite.
    write_beside(path, bytes, |temporary| {
        fs::hard_link(temporary, path)?;
        fs::remove_file(temporary)
    })
}

pub(super) fn unsealed(path: &Path, passphrase: &Secret<String>) -> Result<SealingKey, RootFileError> {
    let damaged = || RootFileError::Damaged { path: path.to_owned() };
    let Parts::Passphrase(parameters, kept) = parts(path)? else {
        return Err(RootFileError::Opener { path: path.to_owned(), expected: "shares" });
    };
    let key = parameters.derive(passphrase)?;
    kept.unseal(&key).map_err(|error| match error {
        OpenError::WrongKeyOrContext => RootFileError::WrongPassphrase { path: path.to_owned() },
        OpenError::Length { .. }
        | OpenError::Damaged { .. }
        | OpenError::ChunkLength { .. }
        | OpenError::OutOfRange { .. }
        | OpenError::Wrapped
        | OpenError::Content => damaged(),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, RootFileError> {
    let failed = |source| io_error(path, source);
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(RootFileError::Exposed { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::new();
    file.take(format::FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Writes a durable file beside `path`, lets `place` give it its name, and makes the name durable.
fn write_beside(
    path: &Path,
    bytes: &[u8],
    place: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<(), RootFileError> {
    let directory = directory_of(path);
    let suffix: u64 = u64::from_be_bytes(random::array());
    let temporary = directory.join(format!(".root-key-{suffix:016x}"));
    let written = write_new(&temporary, bytes)
        .and_then(|()| place(&temporary))
        .and_then(|()| File::open(directory)?.sync_all());
    written.map_err(|source| {
        // Best effort: what is left is sealed, readable by its owner only, and under a name nobody opens.
        let _ = fs::remove_file(&temporary);
        match source.kind() {
            io::ErrorKind::AlreadyExists => RootFileError::Exists { path: path.to_owned() },
            _ => io_error(path, source),
        }
    })
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn io_error(path: &Path, source: io::Error) -> RootFileError {
    RootFileError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ShareError;
    use std::os::unix::fs::PermissionsExt;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    fn bytes(root: &RootKey) -> Vec<u8> {
        let context = yingdun_crypto::Context::new("yingdun/test/v1");
        let key = SealingKey::from_secret(&Secret::new([1; 32]));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(root.wrap(&context, &key)).unwrap()
    }

    #[test]
    fn the_root_key_comes_back_and_its_file_is_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        let made = RootFile::create(&path, &secret("long enough 口令")).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file stays");
        let opened = RootFile::open(&path, &secret("long enough 口令")).unwrap();
        assert_eq!(bytes(&made), bytes(&opened));
    }

    #[test]
    fn a_wrong_passphrase_and_a_damaged_file_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        RootFile::create(&path, &secret("correct horse")).unwrap();
        let wrong = RootFile::open(&path, &secret("Correct horse"));
        assert!(matches!(wrong, Err(RootFileError::WrongPassphrase { .. })), "{wrong:?}");
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x40;
            fs::write(&path, damaged).unwrap();
            let refused = RootFile::open(&path, &secret("correct horse"));
            assert!(matches!(refused, Err(RootFileError::Damaged { .. })), "byte {at}: {refused:?}");
        }
    }

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        fs::write(&path, b"precious").unwrap();
        let refused = RootFile::create(&path, &secret("correct horse"));
        assert!(matches!(refused, Err(RootFileError::Exists { .. })), "{refused:?}");
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_others_can_read_and_a_short_passphrase_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        let short = RootFile::create(&path, &secret("eleven char"));
        assert!(matches!(short, Err(RootFileError::ShortPassphrase { came: 11 })), "{short:?}");
        assert!(!path.exists());
        RootFile::create(&path, &secret("correct horse")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let exposed = RootFile::open(&path, &secret("correct horse"));
        assert!(matches!(exposed, Err(RootFileError::Exposed { mode: 0o640, .. })), "{exposed:?}");
    }

    fn unsealing(path: &Path) -> Unsealing {
        match RootFile::opener(path).unwrap() {
            RootOpener::Shares(unsealing) => unsealing,
            RootOpener::Passphrase => panic!("it was made with shares"),
        }
    }

    #[test]
    fn enough_shares_in_any_order_open_the_root_key_and_fewer_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        let (made, shares) = RootFile::create_shared(&path, 3, 5).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        for three in [[0, 1, 2], [4, 2, 0], [3, 4, 1]] {
            let mut unsealing = unsealing(&path);
            for (given, at) in (1..).zip(three) {
                assert!(unsealing.open().unwrap().is_none());
                let progress = unsealing.give(&shares[at].to_text()).unwrap();
                assert_eq!((progress.given, progress.needed), (given, 3));
            }
            assert_eq!(bytes(&unsealing.open().unwrap().unwrap()), bytes(&made));
        }
        let by_passphrase = RootFile::open(&path, &secret("correct horse"));
        assert!(matches!(by_passphrase, Err(RootFileError::Opener { expected: "shares", .. })));
        let again = RootFile::create_shared(&path, 3, 5).map(drop);
        assert!(matches!(again, Err(RootFileError::Exists { .. })), "{again:?}");
    }

    #[test]
    fn a_share_that_is_wrong_foreign_or_given_twice_is_told_and_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        let (made, shares) = RootFile::create_shared(&path, 2, 3).unwrap();
        let (_, foreign) = RootFile::create_shared(&dir.path().join("other.key"), 2, 3).unwrap();
        let mut unsealing = unsealing(&path);
        unsealing.give(&shares[1].to_text()).unwrap();
        let mut wrong = shares[0].clone();
        wrong.value[7] ^= 1;
        let nowhere = Share { place: 4, ..shares[0].clone() };
        let moved = Share { place: 3, ..shares[0].clone() };
        for (share, refusal) in [
            (&shares[1], ShareError::Repeated),
            (&foreign[0], ShareError::OtherRoot),
            (&wrong, ShareError::Wrong),
            (&nowhere, ShareError::Wrong),
            (&moved, ShareError::Wrong),
        ] {
            assert_eq!(unsealing.give(&share.to_text()), Err(refusal));
            assert_eq!(unsealing.progress().given, 1);
        }
        unsealing.give(&shares[0].to_text()).unwrap();
        assert_eq!(bytes(&unsealing.open().unwrap().unwrap()), bytes(&made));
    }

    #[test]
    fn one_share_is_never_enough_and_there_are_no_more_than_people_to_trust() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        for (threshold, count) in [(0, 0), (0, 5), (1, 1), (1, 5), (4, 3), (2, SHARES_MAX + 1)] {
            let refused = RootFile::create_shared(&path, threshold, count).map(drop);
            assert!(matches!(refused, Err(RootFileError::ShareCount { .. })), "{threshold} of {count}");
            assert!(!path.exists());
        }
        assert!(RootFile::create_shared(&path, SHARES_MAX, SHARES_MAX).is_ok());
    }

    #[test]
    fn a_destroyed_file_is_overwritten_where_it_lies_and_nothing_else_is_destroyed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        let _ = RootFile::create(&path, &secret("correct horse battery")).unwrap();
        // A second name for the same blocks sees what becomes of them.
        let blocks = dir.path().join("blocks");
        fs::hard_link(&path, &blocks).unwrap();
        let length = fs::read(&path).unwrap().len();
        RootFile::destroy(&path).unwrap();
        assert!(!path.exists());
        assert_eq!(fs::read(&blocks).unwrap(), vec![0; length]);
        assert!(matches!(RootFile::destroy(&blocks), Err(RootFileError::Damaged { .. })));
        assert!(blocks.exists());
    }

    #[test]
    fn no_share_stands_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        let (_, shares) = RootFile::create_shared(&path, 2, 3).unwrap();
        let file = fs::read(&path).unwrap();
        for share in shares {
            for value in [share.value.to_vec(), hex::encode(share.value.as_slice()).into_bytes()] {
                assert!(!file.windows(8).any(|part| value.windows(8).any(|of| of == part)));
            }
        }
    }

    #[test]
    fn a_file_that_is_not_there_names_its_path() {
        let error = RootFile::open(Path::new("/nonexistent/root.key"), &secret("x")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/root.key"), "{error}");
    }
}
