//! The bounded push reader of data sets (DICOM PS3.5 §7 and Annex A).
//!
//! Bytes go in as they arrive; elements, the place of the pixel data and the lengths of its fragments come
//! out. Memory stays within [`Limits`] for an object of any size, and no input makes it panic. It reads what
//! real equipment writes (see [`ScanNote`]), but never guesses where a value ends: a data set whose lengths do
//! not add up is an error that names the element.
//!
//! ```
//! use yingdun_dicom::{limits::Limits, scan::Scanner, tags, transfer_syntax};
//! let syntax = transfer_syntax::lookup(&"1.2.840.10008.1.2".to_owned().try_into()?);
//! let mut scanner = Scanner::new(syntax, Limits::default());
//! scanner.feed(b"\x10\x00\x20\x00\x04\x00\x00\x00")?; // (0010,0020), 4 bytes
//! scanner.feed(b"4711")?;
//! let scanned = scanner.finish()?;
//! assert_eq!(scanned.data_set.bytes(tags::PATIENT_ID), Some(&b"4711"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod header;
mod inflate;
mod machine;

use crate::data_set::DataSet;
use crate::limits::Limits;
use crate::tag::Tag;
use crate::transfer_syntax::{Encoding, TransferSyntax};
use crate::vr::Vr;
use inflate::Inflater;
use machine::Machine;
use serde::{Deserialize, Serialize};

/// Reads one data set, piece by piece.
pub struct Scanner {
    inflater: Option<Inflater>,
    machine: Machine,
    failed: bool,
}

/// A complete data set.
#[derive(Debug)]
pub struct Scanned {
    /// The elements; long values by their place only.
    pub data_set: DataSet,
    /// Where the pixels are, if there are any.
    pub pixels: Option<PixelLayout>,
    /// Bytes of the data set as the elements count them: after inflation, if it was deflated.
    pub length: u64,
    /// How the elements were really written, which may differ from what the transfer syntax says.
    pub encoding: Encoding,
    /// What was unusual but readable.
    pub notes: Vec<ScanNote>,
}

/// Where the pixel data of the data set is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PixelLayout {
    /// Pixel Data, Float Pixel Data or Double Float Pixel Data.
    pub tag: Tag,
    /// The value representation in the header, OW for implicit data sets.
    pub vr: Vr,
    /// Where the value begins, bytes from the start of the (inflated) data set. For encapsulated pixels this
    /// is the header of the Basic Offset Table item.
    pub offset: u64,
    /// How the value is arranged.
    pub extent: PixelExtent,
}

/// How the value of Pixel Data is arranged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PixelExtent {
    /// One run of bytes.
    Native {
        /// Bytes, as the header claims.
        length: u64,
    },
    /// A Basic Offset Table and fragments, each an item with an 8-byte header (PS3.5 §A.4). Complete once
    /// the data set is.
    Encapsulated(Fragments),
}

/// The items of encapsulated pixel data. They follow each other without gaps, so lengths are enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fragments {
    /// The Basic Offset Table: per frame, the distance in bytes from the header of the first fragment to the
    /// header of the frame's first fragment. Empty if the sender left it out.
    pub basic_offset_table: Vec<u32>,
    /// Where the header of the first fragment begins, bytes from the start of the data set.
    pub first_offset: u64,
    /// Bytes of each fragment, without its header.
    pub lengths: Vec<u32>,
    /// Whether the Sequence Delimitation Item was read.
    pub complete: bool,
}

/// Something unusual that real equipment writes and that was read all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScanNote {
    /// The elements are written in another way than the transfer syntax says.
    WrittenAs(Encoding),
    /// File meta elements (group 0002) stand inside the data set.
    FileMetaInside,
    /// A value representation that the standard does not define, read as UN.
    UnknownVr {
        /// The element.
        tag: Tag,
        /// The two letters.
        letters: [u8; 2],
    },
    /// An element without value representation inside an explicit data set.
    ImplicitElement {
        /// The element.
        tag: Tag,
    },
    /// A delimitation item where none belongs.
    StrayDelimiter {
        /// Where, bytes from the start of the data set.
        offset: u64,
    },
    /// Zero bytes after the last element.
    TrailingZeros {
        /// How many.
        count: u64,
    },
    /// Values were not kept because [`Limits::kept_bytes_max`] was reached.
    KeptBytesExhausted {
        /// The first element that was not kept.
        tag: Tag,
    },
}

/// Why a data set cannot be read. Offsets count bytes from the start of the (inflated) data set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// A value, item or sequence is longer than what holds it.
    #[error("element {tag} at byte {offset} claims {claimed} bytes, {remain} remain")]
    Overrun {
        /// The element or item.
        tag: Tag,
        /// Where its header begins.
        offset: u64,
        /// The length in its header.
        claimed: u64,
        /// Bytes left in what holds it.
        remain: u64,
    },
    /// The data set ends inside an element header.
    #[error("the data set ends inside an element header at byte {offset}, after {have} of its bytes")]
    EndsInHeader {
        /// Where the header begins.
        offset: u64,
        /// Bytes of it that came.
        have: usize,
    },
    /// The data set ends before an open sequence or item is closed.
    #[error("the data set ends at byte {length} before sequence {tag} of byte {offset} is closed")]
    Unclosed {
        /// The sequence.
        tag: Tag,
        /// Where its value begins.
        offset: u64,
        /// Bytes of the data set.
        length: u64,
    },
    /// There is no element at all.
    #[error("the data set is empty")]
    Empty,
    /// Another tag than the structure of sequences allows.
    #[error("expected {expected} at byte {offset}, found {tag}")]
    Unexpected {
        /// What would have been right.
        expected: &'static str,
        /// What came.
        tag: Tag,
        /// Where.
        offset: u64,
    },
    /// An undefined length where the standard forbids it.
    #[error(
        "element {tag} at byte {offset} has undefined length, which only sequences and fragments may have"
    )]
    UndefinedLength {
        /// The element or fragment.
        tag: Tag,
        /// Where its header begins.
        offset: u64,
    },
    /// More nesting than [`Limits::depth_max`].
    #[error("sequences are nested more than {max} deep at byte {offset}")]
    TooDeep {
        /// The bound.
        max: usize,
        /// Where it was passed.
        offset: u64,
    },
    /// More elements than [`Limits::elements_max`].
    #[error("more than {max} data elements")]
    TooManyElements {
        /// The bound.
        max: usize,
    },
    /// More fragments than [`Limits::fragments_max`].
    #[error("more than {max} fragments of pixel data")]
    TooManyFragments {
        /// The bound.
        max: usize,
    },
    /// A Basic Offset Table beyond [`Limits::offset_table_bytes_max`], or not a multiple of four bytes.
    #[error("a basic offset table of {length} bytes, expected a multiple of 4 up to {max}")]
    OffsetTable {
        /// Bytes it claims.
        length: u64,
        /// The bound.
        max: usize,
    },
    /// The deflate stream is damaged.
    #[error("the deflate stream is damaged at byte {offset} of the received data")]
    Deflate {
        /// Where, bytes of deflated data.
        offset: u64,
    },
    /// The deflate stream ends too early.
    #[error("the deflate stream ends before its last block, after {received} bytes")]
    DeflateTruncated {
        /// Bytes of deflated data that came.
        received: u64,
    },
    /// The deflate stream grows beyond [`Limits::inflate_ratio_max`] or [`Limits::inflated_bytes_max`].
    #[error("{received} deflated bytes became more than {inflated} bytes, which is beyond the bound")]
    DeflateBomb {
        /// Bytes of deflated data that came.
        received: u64,
        /// Bytes they became so far.
        inflated: u64,
    },
    /// Bytes came after an error.
    #[error("the data set has already failed")]
    AlreadyFailed,
}

impl Scanner {
    /// A reader for a data set of this transfer syntax, without preamble and file meta information.
    #[must_use]
    pub fn new(syntax: TransferSyntax, limits: Limits) -> Self {
        Self {
            inflater: (syntax.encoding == Encoding::DeflatedExplicitLe).then(|| Inflater::new(&limits)),
            machine: Machine::new(syntax.encoding, limits),
            failed: false,
        }
    }

    /// Says how long the data set is, so that a claim beyond its end is found at once, not at the end.
    /// Has no effect on deflated data sets.
    #[must_use]
    pub fn expect_length(mut self, bytes: u64) -> Self {
        if self.inflater.is_none() {
            self.machine.expect_length(bytes);
        }
        self
    }

    /// Takes the next bytes of the data set.
    ///
    /// # Errors
    /// [`ScanError`] says what is wrong and where. After an error every further call fails.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), ScanError> {
        if self.failed {
            return Err(ScanError::AlreadyFailed);
        }
        let result = match &mut self.inflater {
            Some(inflater) => inflater.feed(bytes, &mut self.machine),
            None => self.machine.feed(bytes),
        };
        self.failed = result.is_err();
        result
    }

    /// The elements read so far at the top level.
    #[must_use]
    pub fn data_set(&self) -> &DataSet {
        self.machine.data_set()
    }

    /// Where the pixels are, as soon as their header was read.
    #[must_use]
    pub fn pixels(&self) -> Option<&PixelLayout> {
        self.machine.pixels()
    }

    /// Whether the data set is deflated, so that offsets do not count received bytes.
    #[must_use]
    pub fn is_deflated(&self) -> bool {
        self.inflater.is_some()
    }

    /// Declares the end of the data set.
    ///
    /// # Errors
    /// [`ScanError`] if the data set is empty or ends inside an element, item or sequence. A data set that was
    /// cut exactly between two elements cannot be told from a shorter complete one; the transport must know.
    pub fn finish(self) -> Result<Scanned, ScanError> {
        if self.failed {
            return Err(ScanError::AlreadyFailed);
        }
        if let Some(inflater) = &self.inflater {
            inflater.finish()?;
        }
        let mut scanned = self.machine.finish()?;
        if self.inflater.is_some() && scanned.encoding == Encoding::ExplicitLe {
            scanned.encoding = Encoding::DeflatedExplicitLe;
        }
        Ok(scanned)
    }
}

impl std::fmt::Debug for Scanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scanner").field("deflated", &self.is_deflated()).finish_non_exhaustive()
    }
}

/// Reads a complete data set.
///
/// # Errors
/// As [`Scanner::feed`] and [`Scanner::finish`].
pub fn scan(bytes: &[u8], syntax: TransferSyntax, limits: Limits) -> Result<Scanned, ScanError> {
    let mut scanner = Scanner::new(syntax, limits).expect_length(bytes.len() as u64);
    scanner.feed(bytes)?;
    scanner.finish()
}
