//! A zip archive whose entries are read in place. Their names mean nothing: no file is made of them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use zip::ZipArchive;

/// Entries of one archive: each costs some hundred bytes of memory while the archive is read.
const ENTRIES_MAX: usize = 2_000_000;

/// Bytes that one packed byte may become: what real images stay far below, as in `yingdun_dicom::limits`.
const RATIO_MAX: u64 = 500;

/// An open archive: its table, and a file that several readers share.
pub(super) struct Zipped {
    archive: ZipArchive<Positioned>,
}

/// Whether this is read as an archive: its name says so.
pub(super) fn is_one(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"))
}

impl Zipped {
    /// Reads the table of an archive.
    ///
    /// # Errors
    /// Why it cannot be read, for a person.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let bytes = file.metadata().map_err(|error| error.to_string())?.len();
        let reader = Positioned { file: Arc::new(file), bytes, at: 0 };
        let archive = ZipArchive::new(reader)
            .map_err(|error| format!("not a zip archive that can be read: {error}"))?;
        if archive.len() > ENTRIES_MAX {
            return Err(format!(
                "a zip archive has at most {ENTRIES_MAX} entries, this one {}",
                archive.len()
            ));
        }
        Ok(Self { archive })
    }

    pub(super) fn len(&self) -> usize {
        self.archive.len()
    }

    /// Name and bytes of an entry.
    ///
    /// # Errors
    /// Why it is not read, for a person.
    pub(super) fn look(&self, index: usize) -> Result<(String, u64), String> {
        let mut archive = self.archive.clone();
        let entry = archive.by_index_raw(index).map_err(|error| error.to_string())?;
        if entry.encrypted() {
            return Err("the entry is encrypted".to_owned());
        }
        if entry.size() / RATIO_MAX > entry.compressed_size() {
            return Err(format!("the entry claims to be packed more than {RATIO_MAX} times"));
        }
        let name = entry.name().map_or_else(|_| index.to_string(), std::borrow::Cow::into_owned);
        Ok((name, entry.size()))
    }

    /// Hands the bytes of an entry to `work`: not more of them than its table says, and an error instead of their end
    /// when their check sum is wrong.
    pub(super) fn read<T>(&self, index: usize, work: impl FnOnce(&mut dyn Read) -> T) -> io::Result<T> {
        let mut archive = self.archive.clone();
        let entry = archive.by_index(index).map_err(io::Error::other)?;
        let left = entry.size();
        Ok(work(&mut Bounded { entry, left }))
    }
}

/// Ends in an error when there is more than was announced.
struct Bounded<R> {
    entry: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.entry.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other("the entry is longer than the table of the archive says"))?;
        Ok(read)
    }
}

/// A file with a position of its own, so that clones read at the same time.
#[derive(Clone)]
struct Positioned {
    file: Arc<File>,
    bytes: u64,
    at: u64,
}

impl Read for Positioned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Positioned {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(distance) => self.bytes.checked_add_signed(distance),
            SeekFrom::Current(distance) => self.at.checked_add_signed(distance),
        };
        self.at =
            at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the start of the file"))?;
        Ok(self.at)
    }
}
