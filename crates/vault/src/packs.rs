//! The copies of packs: each only ever grows, and what was checked once is never written over.

use crate::listing::PackEntry;
use crate::{VaultError, files};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use yingdun_storage::{HeldRecord, check_pack, pack_records};

/// Bytes that are hashed or copied at once.
const BLOCK_BYTES: usize = 1024 * 1024;

/// The folder of the copies.
#[derive(Debug)]
pub(crate) struct Packs {
    folder: PathBuf,
}

/// Both digests of the first bytes of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digests {
    /// The one that the list of packs has.
    pub(crate) plain: [u8; 32],
    /// The one under the key of a question.
    pub(crate) keyed: [u8; 32],
}

impl Packs {
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn path(&self, pack: u64) -> PathBuf {
        self.folder.join(format!("{pack:016x}.pack"))
    }

    /// How long the copy is; 0 when there is none.
    pub(crate) fn length(&self, pack: u64) -> Result<u64, VaultError> {
        let path = self.path(pack);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(VaultError::file(&path)(error)),
        }
    }

    /// Opens the copy to write behind what it has.
    pub(crate) fn open(&self, pack: u64) -> Result<File, VaultError> {
        files::open_to_write(&self.path(pack))
    }

    /// Writes bytes at their place.
    pub(crate) fn write(&self, pack: u64, file: &File, bytes: &[u8], at: u64) -> Result<(), VaultError> {
        file.write_all_at(bytes, at).map_err(VaultError::file(&self.path(pack)))
    }

    /// Cuts off what was not checked.
    pub(crate) fn cut(&self, pack: u64, to: u64) -> Result<(), VaultError> {
        let path = self.path(pack);
        if to == 0 {
            return match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(VaultError::file(&path)(error)),
                Ok(()) | Err(_) => Ok(()),
            };
        }
        self.open(pack)?.set_len(to).map_err(VaultError::file(&path))
    }

    /// Whether the records in this span are those that were stored.
    pub(crate) fn is_sound(
        &self,
        pack: u64,
        store: [u8; 16],
        from: u64,
        to: u64,
    ) -> Result<bool, VaultError> {
        let check = check_pack(&self.path(pack), pack, store, from, to);
        Ok(check.map_err(VaultError::file(&self.path(pack)))?.damaged_at.is_none())
    }

    /// The records of a copy by their plain headers; nothing when there are bytes that belong to none.
    pub(crate) fn records(
        &self,
        pack: u64,
        bytes: u64,
        store: [u8; 16],
    ) -> Result<Option<Vec<HeldRecord>>, VaultError> {
        let path = self.path(pack);
        pack_records(&path, pack, store, bytes).map_err(VaultError::file(&path))
    }

    /// The digests of the first bytes.
    pub(crate) fn digests(&self, pack: u64, bytes: u64, key: &[u8; 32]) -> Result<Digests, VaultError> {
        let (mut plain, mut keyed) = (blake3::Hasher::new(), blake3::Hasher::new_keyed(key));
        self.each_block(pack, bytes, |block| {
            plain.update(block);
            keyed.update(block);
            Ok(())
        })?;
        Ok(Digests { plain: *plain.finalize().as_bytes(), keyed: *keyed.finalize().as_bytes() })
    }

    /// Hands the bytes of a pack of a snapshot over and checks them on the way; an error at the end means that what was handed
    /// over is not what the snapshot has.
    pub(crate) fn copy(
        &self,
        entry: &PackEntry,
        mut put: impl FnMut(&[u8]) -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        let mut hasher = blake3::Hasher::new();
        self.each_block(entry.pack, entry.bytes, |block| {
            hasher.update(block);
            put(block)
        })?;
        if *hasher.finalize().as_bytes() == entry.digest {
            return Ok(());
        }
        Err(VaultError::damaged(&self.path(entry.pack), "its bytes are not those that the snapshot names"))
    }

    /// Every copy with its length.
    pub(crate) fn all(&self) -> Result<Vec<(u64, u64)>, VaultError> {
        let mut packs = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(VaultError::file(&self.folder))? {
            let entry = entry.map_err(VaultError::file(&self.folder))?;
            let name = entry.file_name();
            let pack = name.to_str().and_then(|name| name.strip_suffix(".pack"));
            let Some(pack) = pack.and_then(|pack| u64::from_str_radix(pack, 16).ok()) else { continue };
            packs.push((pack, entry.metadata().map_err(VaultError::file(&self.folder))?.len()));
        }
        Ok(packs)
    }

    pub(crate) fn remove(&self, pack: u64) -> Result<(), VaultError> {
        let path = self.path(pack);
        fs::remove_file(&path).map_err(VaultError::file(&path))
    }

    fn each_block(
        &self,
        pack: u64,
        bytes: u64,
        mut each: impl FnMut(&[u8]) -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        let path = self.path(pack);
        let mut file = File::open(&path).map_err(VaultError::file(&path))?.take(bytes);
        let (mut block, mut read) = (vec![0; BLOCK_BYTES], 0_u64);
        loop {
            let count = file.read(&mut block).map_err(VaultError::file(&path))?;
            if count == 0 {
                break;
            }
            read += count as u64;
            each(block.get(..count).unwrap_or_default())?;
        }
        if read == bytes {
            Ok(())
        } else {
            Err(VaultError::damaged(&path, format!("it has {read} bytes, {bytes} were kept")))
        }
    }
}
