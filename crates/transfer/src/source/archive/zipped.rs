//! A zip archive: its table, and its entries in any order.

use super::span::{Positioned, Span};
use std::io::{self, Read};
use zip::{CompressionMethod, ZipArchive};

/// Entries of one archive: each costs some hundred bytes of memory while the archive is read.
const ENTRIES_MAX: usize = 2_000_000;

/// Bytes that one packed byte may become: what real images stay far below, as in `yingdun_dicom::limits`.
const RATIO_MAX: u64 = 500;

/// An open archive: its table, and a file that several readers share.
pub(in crate::source) struct Zipped {
    span: Span,
    archive: ZipArchive<Positioned>,
}

/// An entry.
pub(super) struct Looked {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// Where it lies, when it is not packed.
    pub(super) as_it_is: Option<Span>,
}

impl Zipped {
    /// Reads the table of an archive.
    ///
    /// # Errors
    /// Why it cannot be read, for a person.
    pub(super) fn open(span: Span) -> Result<Self, String> {
        let archive = ZipArchive::new(span.reader())
            .map_err(|error| format!("not a zip archive that can be read: {error}"))?;
        if archive.len() > ENTRIES_MAX {
            return Err(format!(
                "a zip archive has at most {ENTRIES_MAX} entries, this one {}",
                archive.len()
            ));
        }
        Ok(Self { span, archive })
    }

    pub(super) fn len(&self) -> usize {
        self.archive.len()
    }

    /// What the table says of an entry.
    ///
    /// # Errors
    /// Why it is not read, for a person.
    pub(super) fn look(&self, index: usize) -> Result<Looked, String> {
        let mut archive = self.archive.clone();
        let entry = archive.by_index_raw(index).map_err(|error| error.to_string())?;
        if entry.encrypted() {
            return Err("the entry is encrypted".to_owned());
        }
        if entry.size() / RATIO_MAX > entry.compressed_size() {
            return Err(format!("the entry claims to be packed more than {RATIO_MAX} times"));
        }
        let name = entry.name().map_or_else(|_| index.to_string(), std::borrow::Cow::into_owned);
        let stored = entry.compression() == CompressionMethod::Stored;
        let start = entry.data_start().filter(|_| stored);
        let as_it_is = start.and_then(|start| self.span.part(start, entry.size()));
        Ok(Looked { name, bytes: entry.size(), as_it_is })
    }

    /// Hands the bytes of an entry to `work`: not more of them than its table says, and an error instead of their end
    /// when their check sum is wrong.
    pub(in crate::source) fn read<T>(
        &self,
        index: usize,
        work: impl FnOnce(&mut dyn Read) -> T,
    ) -> io::Result<T> {
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
