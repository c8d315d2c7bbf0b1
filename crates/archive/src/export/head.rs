//! What a directory says of an object, read from its first bytes while they pass.

use crate::request::InstanceEntry;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::scan::Scanner;
use yingdun_dicom::transfer_syntax;

/// Bytes of a data set that are looked at. Everything that a directory needs stands before pixels, contours and the tree of a
/// report, within some kilobytes.
const HEAD_BYTES_MAX: usize = 256 << 10;

/// The attributes of an object as far as they have passed.
pub(super) struct Head {
    scanner: Scanner,
    /// Bytes of file meta information that are still to pass.
    meta: usize,
    /// Bytes that are still looked at.
    left: usize,
}

impl Head {
    /// Before the first byte of a file of so many bytes.
    pub(super) fn of(entry: &InstanceEntry, file_bytes: u64) -> Self {
        let meta = usize::try_from(file_bytes.saturating_sub(entry.data_set_bytes)).unwrap_or(usize::MAX);
        let scanner = Scanner::new(transfer_syntax::lookup(&entry.transfer_syntax), Limits::default());
        Self { scanner, meta, left: HEAD_BYTES_MAX }
    }

    pub(super) fn feed(&mut self, chunk: &[u8]) {
        let skipped = self.meta.min(chunk.len());
        self.meta -= skipped;
        let rest = chunk.get(skipped..).unwrap_or_default();
        let looked = rest.get(..self.left.min(rest.len())).unwrap_or_default();
        self.left -= looked.len();
        if looked.is_empty() || self.scanner.pixels().is_some() {
            return;
        }
        // It was readable when it came; should it not be now, what has been read is what the directory says.
        if self.scanner.feed(looked).is_err() {
            self.left = 0;
        }
    }

    pub(super) fn data_set(&self) -> &DataSet {
        self.scanner.data_set()
    }
}
