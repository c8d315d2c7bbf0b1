//! Files in pieces that are kept once.
//!
//! A file is cut where its content says so, not at fixed places: what is inserted moves the cuts around it and no others, so two
//! snapshots of a database share all pieces but the few that changed. A piece is named by its BLAKE3, and what was cut is a list
//! of names, itself a piece.

use crate::{FileEntry, VaultError, files};
use std::collections::{HashSet, VecDeque};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use yingdun_crypto::{Context, SealingKey, open, seal};

/// No piece is shorter, but the last of a file.
const PIECE_BYTES_MIN: usize = 16 * 1024;
/// No piece is longer.
const PIECE_BYTES_MAX: usize = 256 * 1024;
/// A cut is where so many bits of the rolling hash are zero: on average every 64 KiB.
const CUT_MASK: u64 = 0xffff << 40;
/// The longest list of pieces, for a file of half a terabyte.
const LIST_BYTES_MAX: u64 = 256 * 1024 * 1024;
const DIGEST_BYTES: usize = 32;

/// One random number for each byte value, the same in every vault: the gear of the rolling hash.
static GEAR: LazyLock<[u64; 256]> = LazyLock::new(|| {
    let mut gear = [0; 256];
    let mut source = blake3::Hasher::new().update(b"yingdun vault gear 1").finalize_xof();
    for number in &mut gear {
        let mut bytes = [0; 8];
        source.fill(&mut bytes);
        *number = u64::from_le_bytes(bytes);
    }
    gear
});

/// A folder of pieces, sealed or as they are.
#[derive(Debug)]
pub(crate) struct Chunks {
    folder: PathBuf,
    key: Option<SealingKey>,
}

impl Chunks {
    pub(crate) const fn new(folder: PathBuf, key: Option<SealingKey>) -> Self {
        Self { folder, key }
    }

    /// Begins a file.
    pub(crate) const fn writer(&self) -> Writer<'_> {
        Writer { chunks: self, piece: Vec::new(), hash: 0, list: Vec::new(), bytes: 0, new_bytes: 0 }
    }

    /// Reads a file from its beginning. Each piece is checked before a byte of it is given.
    pub(crate) fn reader(&self, entry: &FileEntry) -> Result<Reader<'_>, VaultError> {
        Ok(Reader { chunks: self, left: self.names(entry)?.into(), piece: Vec::new(), at: 0 })
    }

    /// Whether the list of a file is here.
    pub(crate) fn has(&self, entry: &FileEntry) -> bool {
        self.path(&entry.list.0).exists()
    }

    /// The names of the pieces of a file.
    pub(crate) fn names(&self, entry: &FileEntry) -> Result<Vec<[u8; DIGEST_BYTES]>, VaultError> {
        let list = self.get(&entry.list.0)?;
        let (names, rest) = list.as_chunks::<DIGEST_BYTES>();
        if !rest.is_empty() {
            return Err(VaultError::damaged(&self.path(&entry.list.0), "it is no list of pieces"));
        }
        Ok(names.to_vec())
    }

    /// Removes every piece that is not among these, named by their first eight bytes; tells how many and how many bytes. With
    /// `dry_run` nothing is removed.
    pub(crate) fn sweep(&self, kept: &HashSet<u64>, dry_run: bool) -> Result<(u64, u64), VaultError> {
        let (mut pieces, mut bytes) = (0, 0);
        for folder in folders(&self.folder)? {
            for entry in fs::read_dir(&folder).map_err(VaultError::file(&folder))? {
                let entry = entry.map_err(VaultError::file(&folder))?;
                let path = entry.path();
                let name =
                    path.file_name().and_then(|name| name.to_str()).and_then(|name| hex::decode(name).ok());
                // What is no piece was cut off while it was written.
                if name.is_some_and(|name| kept.contains(&short(&name))) {
                    continue;
                }
                pieces += 1;
                bytes += entry.metadata().map_err(VaultError::file(&path))?.len();
                if !dry_run {
                    fs::remove_file(&path).map_err(VaultError::file(&path))?;
                }
            }
        }
        Ok((pieces, bytes))
    }

    fn put(&self, plain: &[u8]) -> Result<([u8; DIGEST_BYTES], bool), VaultError> {
        let name = *blake3::hash(plain).as_bytes();
        let path = self.path(&name);
        // A piece that a power cut left half written is written again.
        if path.exists() && self.get(&name).is_ok() {
            return Ok((name, false));
        }
        if let Some(folder) = path.parent() {
            files::make_folder(folder)?;
        }
        match &self.key {
            Some(key) => files::put_soon(&path, &seal(key, &context(&name), plain))?,
            None => files::put_soon(&path, plain)?,
        }
        Ok((name, true))
    }

    fn get(&self, name: &[u8; DIGEST_BYTES]) -> Result<Vec<u8>, VaultError> {
        let path = self.path(name);
        let bytes = fs::metadata(&path).map_err(VaultError::file(&path))?.len();
        if bytes > LIST_BYTES_MAX {
            return Err(VaultError::damaged(&path, "it is longer than any piece"));
        }
        let stored = fs::read(&path).map_err(VaultError::file(&path))?;
        let plain = match &self.key {
            Some(key) => open(key, &context(name), &stored)
                .map_err(|error| VaultError::damaged(&path, error.to_string()))?,
            None => stored,
        };
        if blake3::hash(&plain).as_bytes() == name {
            Ok(plain)
        } else {
            Err(VaultError::damaged(&path, "its bytes are not those that its name says"))
        }
    }

    fn path(&self, name: &[u8; DIGEST_BYTES]) -> PathBuf {
        let name = hex::encode(name);
        let folder = name.get(..2).unwrap_or_default();
        self.folder.join(folder).join(&name)
    }
}

/// The first eight bytes of a name: enough to tell pieces apart when they are swept, where two that look the same are both kept.
pub(crate) fn short(name: &[u8]) -> u64 {
    name.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, VaultError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(VaultError::file(folder)(error)),
    };
    entries.map(|entry| Ok(entry.map_err(VaultError::file(folder))?.path())).collect()
}

fn context(name: &[u8]) -> Context {
    Context::new("yingdun vault piece").field(name)
}

/// A file that is being cut.
#[derive(Debug)]
pub(crate) struct Writer<'c> {
    chunks: &'c Chunks,
    piece: Vec<u8>,
    hash: u64,
    list: Vec<u8>,
    bytes: u64,
    new_bytes: u64,
}

impl Writer<'_> {
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), VaultError> {
        self.bytes += bytes.len() as u64;
        for byte in bytes {
            self.piece.push(*byte);
            self.hash = (self.hash << 1).wrapping_add(GEAR.get(usize::from(*byte)).copied().unwrap_or(0));
            let long_enough = self.piece.len() >= PIECE_BYTES_MIN;
            if (long_enough && self.hash & CUT_MASK == 0) || self.piece.len() == PIECE_BYTES_MAX {
                self.cut()?;
            }
        }
        Ok(())
    }

    /// The finished file, and how many bytes of it were not here before.
    pub(crate) fn finish(mut self) -> Result<(FileEntry, u64), VaultError> {
        if !self.piece.is_empty() {
            self.cut()?;
        }
        let (list, _) = self.chunks.put(&self.list)?;
        Ok((FileEntry { bytes: self.bytes, list: list.into() }, self.new_bytes))
    }

    fn cut(&mut self) -> Result<(), VaultError> {
        let (name, new) = self.chunks.put(&self.piece)?;
        self.list.extend_from_slice(&name);
        if new {
            self.new_bytes += self.piece.len() as u64;
        }
        self.piece.clear();
        self.hash = 0;
        Ok(())
    }
}

/// A file that is put together again.
#[derive(Debug)]
pub(crate) struct Reader<'c> {
    chunks: &'c Chunks,
    left: VecDeque<[u8; DIGEST_BYTES]>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Reader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            let Some(name) = self.left.pop_front() else { return Ok(0) };
            self.piece = self.chunks.get(&name).map_err(io::Error::other)?;
            self.at = 0;
        }
        let read = self.piece.get(self.at..).unwrap_or_default().read(out)?;
        self.at += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that look like chance and are the same each time.
    fn noise(bytes: usize, seed: &[u8]) -> Vec<u8> {
        let mut noise = vec![0; bytes];
        blake3::Hasher::new().update(seed).finalize_xof().fill(&mut noise);
        noise
    }

    fn kept(chunks: &Chunks, bytes: &[u8]) -> (FileEntry, u64) {
        let mut writer = chunks.writer();
        bytes.chunks(10_007).for_each(|part| writer.push(part).unwrap());
        writer.finish().unwrap()
    }

    fn read(chunks: &Chunks, entry: &FileEntry) -> Vec<u8> {
        let mut bytes = Vec::new();
        chunks.reader(entry).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_file_comes_back_and_what_two_files_share_is_kept_once() {
        let folder = tempfile::tempdir().unwrap();
        for key in [None, Some(SealingKey::generate())] {
            let chunks = Chunks::new(folder.path().join(format!("{}", key.is_some())), key);
            let first = noise(3_000_000, b"a");
            let (entry, new_bytes) = kept(&chunks, &first);
            assert_eq!((entry.bytes, new_bytes), (3_000_000, 3_000_000));
            assert_eq!(read(&chunks, &entry), first);
            // A few bytes in the middle change the pieces around them only.
            let mut second = first.clone();
            second.splice(1_500_000..1_500_000, *b"inserted");
            let (changed, new_bytes) = kept(&chunks, &second);
            assert!(new_bytes <= 2 * PIECE_BYTES_MAX as u64, "{new_bytes} bytes were kept anew");
            assert_eq!(read(&chunks, &changed), second);
            assert_eq!(kept(&chunks, &second), (changed, 0));
            let (empty, _) = kept(&chunks, b"");
            assert!(read(&chunks, &empty).is_empty());
        }
    }

    #[test]
    fn a_piece_that_was_changed_is_never_given_and_is_mended_when_it_comes_again() {
        let folder = tempfile::tempdir().unwrap();
        for key in [None, Some(SealingKey::generate())] {
            let chunks = Chunks::new(folder.path().join(format!("{}", key.is_some())), key);
            let bytes = noise(50_000, b"b");
            let (entry, _) = kept(&chunks, &bytes);
            let name = chunks.names(&entry).unwrap()[0];
            let mut stored = fs::read(chunks.path(&name)).unwrap();
            stored[700] ^= 1;
            fs::write(chunks.path(&name), stored).unwrap();
            let mut sink = Vec::new();
            assert!(chunks.reader(&entry).unwrap().read_to_end(&mut sink).is_err());
            kept(&chunks, &bytes);
            assert_eq!(read(&chunks, &entry), bytes);
        }
    }

    #[test]
    fn sealed_pieces_show_nothing_and_only_what_nobody_needs_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let chunks = Chunks::new(folder.path().to_owned(), Some(SealingKey::generate()));
        let (kept_file, _) = kept(&chunks, &[7; 100_000]);
        let (gone, _) = kept(&chunks, &noise(100_000, b"c"));
        let stored = fs::read(chunks.path(&chunks.names(&kept_file).unwrap()[0])).unwrap();
        assert!(!stored.windows(16).any(|window| window == [7; 16]));
        let mut names: HashSet<u64> =
            chunks.names(&kept_file).unwrap().iter().map(|name| short(name)).collect();
        names.insert(short(&kept_file.list.0));
        let would = chunks.sweep(&names, true).unwrap();
        assert_eq!(chunks.sweep(&names, false).unwrap(), would);
        assert_eq!(read(&chunks, &kept_file), [7; 100_000]);
        assert!(would.0 >= 2 && !chunks.has(&gone));
    }
}
