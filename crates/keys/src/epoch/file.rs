//! The epoch file: two slots of fixed place, written over where they lie.
//!
//! A file that is written anew and renamed leaves its old bytes in free blocks. Here nothing is ever renamed: a new epoch goes
//! into the free slot, and the slot of the old one is overwritten, made durable and read back. So a crash never loses the living
//! epoch, and what was overwritten is gone as far as the medium below obeys (see the page "Destruction" in the book).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use yingdun_crypto::digest::sha256;
use yingdun_crypto::random;

/// Bytes of a slot: a block of the file systems and a sector of the disks that we know, so that writing one never touches the
/// other.
const SLOT_BYTES: usize = 4096;

/// How many slots there are: the living epoch, and the one that is to follow it.
pub(super) const SLOTS: usize = 2;

/// The beginning of a slot that holds an epoch.
const MAGIC: &[u8; 8] = b"YDEPOCH1";

/// Bytes of the digest that ends a slot.
const DIGEST_BYTES: usize = 32;

/// Magic, number of the epoch and length of the wrapped key.
const HEAD_BYTES: usize = MAGIC.len() + 8 + 2;

/// The longest wrapped key: what is left of a slot, far above what any root makes of 32 bytes.
const WRAPPED_BYTES_MAX: usize = SLOT_BYTES - HEAD_BYTES - DIGEST_BYTES;

/// Why the epoch file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EpochFileError {
    /// The file cannot be read or written.
    #[error("the epoch file at {} cannot be used: {cause}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What kind of failure it is.
        kind: io::ErrorKind,
        /// What the operating system says.
        cause: String,
    },
    /// The file can be read by others than its owner.
    #[error("the epoch file at {} has mode {mode:o}; expected 600", path.display())]
    Exposed {
        /// Where.
        path: PathBuf,
        /// The permission bits.
        mode: u32,
    },
    /// What was read back is not what was written.
    #[error("the epoch file at {} does not keep what is written to it", path.display())]
    NotKept {
        /// Where.
        path: PathBuf,
    },
}

/// Where the epochs are kept.
#[derive(Clone, Debug)]
pub struct EpochFile(PathBuf);

/// What a slot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// Nothing: it was never written, or overwritten whole.
    Empty,
    /// What a crash left of a write.
    Torn,
    /// An epoch: its number, and its key wrapped under the root key.
    Holds(u64, Vec<u8>),
}

/// The slots, open. Only one process has them locked at a time.
#[derive(Debug)]
pub(super) struct Slots {
    path: PathBuf,
    file: File,
}

impl EpochFile {
    /// The epochs are kept in this file. It belongs to one database of keys, and is as secret as that: keep it on the same
    /// machine, and copy it with the key rows and never apart from them.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The epochs that it holds; none where there is no file. Blocks.
    ///
    /// # Errors
    /// [`EpochFileError`].
    pub fn epochs(&self) -> Result<Vec<u64>, EpochFileError> {
        let held = |slot| match slot {
            Slot::Holds(epoch, _) => Some(epoch),
            Slot::Empty | Slot::Torn => None,
        };
        Ok(self.read()?.into_iter().filter_map(held).collect())
    }

    /// Reads the slots; all are empty where there is no file. Blocks.
    pub(super) fn read(&self) -> Result<[Slot; SLOTS], EpochFileError> {
        match self.slots(OpenOptions::new().read(true)) {
            Ok(slots) => slots.read(),
            Err(EpochFileError::Io { kind: io::ErrorKind::NotFound, .. }) => Ok([Slot::Empty, Slot::Empty]),
            Err(error) => Err(error),
        }
    }

    /// Opens the file for changes, made where there is none, and waits until no other process has it so. Blocks.
    pub(super) fn lock(&self) -> Result<Slots, EpochFileError> {
        let new = !self.0.exists();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let slots = self.slots(&options)?;
        slots.file.lock().map_err(|error| slots.failed(&error))?;
        if new {
            let directory = match self.0.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                Some(_) | None => Path::new("."),
            };
            let synced = slots.file.set_len((SLOTS * SLOT_BYTES) as u64);
            let synced = synced.and_then(|()| slots.file.sync_all());
            let synced = synced.and_then(|()| File::open(directory)?.sync_all());
            synced.map_err(|error| slots.failed(&error))?;
        }
        Ok(slots)
    }

    fn slots(&self, options: &OpenOptions) -> Result<Slots, EpochFileError> {
        let path = self.0.clone();
        let file = options.open(&path).map_err(|error| failed(&path, &error))?;
        let mode = file.metadata().map_err(|error| failed(&path, &error))?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(EpochFileError::Exposed { path, mode });
        }
        Ok(Slots { path, file })
    }
}

impl Slots {
    pub(super) fn read(&self) -> Result<[Slot; SLOTS], EpochFileError> {
        Ok([decode(&self.bytes(0)?), decode(&self.bytes(1)?)])
    }

    /// Puts an epoch into a slot, durably.
    pub(super) fn write(&self, slot: usize, epoch: u64, wrapped: &[u8]) -> Result<(), EpochFileError> {
        let too_long =
            || io::Error::new(io::ErrorKind::InvalidInput, "the wrapped key of the epoch is too long");
        let bytes = encode(epoch, wrapped).ok_or_else(|| self.failed(&too_long()))?;
        self.put(slot, &bytes)
    }

    /// Overwrites a slot where it lies, first with chance and then with zeros, and reads back what is there.
    pub(super) fn overwrite(&self, slot: usize) -> Result<(), EpochFileError> {
        let mut chance = [0; SLOT_BYTES];
        random::fill(&mut chance);
        // Chance never begins like a slot that holds something.
        if let Some(first) = chance.first_mut() {
            *first = 0;
        }
        self.put(slot, &chance)?;
        self.put(slot, &[0; SLOT_BYTES])
    }

    fn put(&self, slot: usize, bytes: &[u8; SLOT_BYTES]) -> Result<(), EpochFileError> {
        let written = self.file.write_all_at(bytes, offset(slot)).and_then(|()| self.file.sync_all());
        written.map_err(|error| self.failed(&error))?;
        if self.bytes(slot)? == *bytes {
            Ok(())
        } else {
            Err(EpochFileError::NotKept { path: self.path.clone() })
        }
    }

    /// The bytes of a slot; what the file is too short for is zeros.
    fn bytes(&self, slot: usize) -> Result<[u8; SLOT_BYTES], EpochFileError> {
        let mut bytes = [0; SLOT_BYTES];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset(slot) + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(&error)),
            }
        }
        Ok(bytes)
    }

    fn failed(&self, error: &io::Error) -> EpochFileError {
        failed(&self.path, error)
    }
}

fn failed(path: &Path, error: &io::Error) -> EpochFileError {
    EpochFileError::Io { path: path.to_owned(), kind: error.kind(), cause: error.to_string() }
}

const fn offset(slot: usize) -> u64 {
    (slot * SLOT_BYTES) as u64
}

fn encode(epoch: u64, wrapped: &[u8]) -> Option<[u8; SLOT_BYTES]> {
    let length = u16::try_from(wrapped.len()).ok().filter(|_| wrapped.len() <= WRAPPED_BYTES_MAX)?;
    let mut bytes = Vec::with_capacity(SLOT_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&epoch.to_be_bytes());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(wrapped);
    bytes.resize(SLOT_BYTES - DIGEST_BYTES, 0);
    let digest = sha256(&bytes);
    bytes.extend_from_slice(&digest);
    bytes.try_into().ok()
}

fn decode(bytes: &[u8; SLOT_BYTES]) -> Slot {
    if bytes.iter().all(|byte| *byte == 0) {
        return Slot::Empty;
    }
    let held = || {
        let (body, digest) = bytes.split_last_chunk::<DIGEST_BYTES>()?;
        if sha256(body) != *digest {
            return None;
        }
        let (epoch, rest) = body.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let wrapped = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
        Some(Slot::Holds(u64::from_be_bytes(*epoch), wrapped.to_vec()))
    };
    held().unwrap_or(Slot::Torn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_slot_gives_back_what_was_put_into_it_until_it_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = EpochFile::at(folder.path().join("epoch.key"));
        assert_eq!(file.read().unwrap(), [Slot::Empty, Slot::Empty]);
        let slots = file.lock().unwrap();
        slots.write(1, 7, &[9; 40]).unwrap();
        assert_eq!(file.read().unwrap(), [Slot::Empty, Slot::Holds(7, vec![9; 40])]);
        slots.overwrite(1).unwrap();
        assert_eq!(file.read().unwrap(), [Slot::Empty, Slot::Empty]);
        let bytes = fs::read(file.path()).unwrap();
        assert_eq!(bytes, vec![0; SLOTS * SLOT_BYTES]);
        assert!(slots.write(0, 1, &[0; WRAPPED_BYTES_MAX + 1]).is_err());
    }

    #[test]
    fn what_a_crash_left_of_a_write_holds_nothing_and_is_told_from_an_empty_slot() {
        let folder = tempfile::tempdir().unwrap();
        let file = EpochFile::at(folder.path().join("epoch.key"));
        file.lock().unwrap().write(0, 3, &[1; 40]).unwrap();
        let whole = fs::read(file.path()).unwrap();
        for at in (0..HEAD_BYTES + 40).chain([SLOT_BYTES - 1]) {
            let mut torn = whole.clone();
            torn[at] ^= 1;
            fs::write(file.path(), &torn).unwrap();
            assert_eq!(file.read().unwrap(), [Slot::Torn, Slot::Empty], "byte {at}");
        }
        fs::write(file.path(), &whole[..100]).unwrap();
        assert_eq!(file.read().unwrap(), [Slot::Torn, Slot::Empty]);
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = EpochFile::at(folder.path().join("epoch.key"));
        drop(file.lock().unwrap());
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(file.read(), Err(EpochFileError::Exposed { mode: 0o640, .. })));
    }
}
