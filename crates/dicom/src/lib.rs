//! What DICOM says: data sets, character sets, JSON model, transfer syntaxes, person names.
//!
//! A received object goes through this crate once, as a stream, on its way to the sealed store. Nothing of it
//! is written back: the archive keeps the bytes as sent and remembers what was learned here.
//!
//! ```text
//!  bytes of a file ──► part10::read_header ──┐ (DIMSE sends data sets without it)
//!                                            ▼
//!  bytes of a data set ───────────────► scan::Scanner ──► data_set::DataSet ──► index::InstanceIndex  (catalogue)
//!             │                              │                            └──► json::render           (metadata)
//!             │                              └──► scan::PixelLayout ──► frames::FrameTable            (one frame)
//!             └──► compact::CompactWriter ──► fewer bytes, to be sealed
//! ```
//!
//! Answers go the other way: an object of the JSON model becomes a data set ([`from_json`]), its texts are written in
//! the character set of whoever asked ([`charset::from_utf8`]), and [`mod@write`] makes bytes of it.
//!
//! Three rules hold everywhere:
//!
//! - **Bounded.** Every loop, depth, length and ratio has a limit in [`limits`]; memory does not grow with the
//!   object. No input makes this crate panic.
//! - **As sent.** Reading is forgiving where real equipment is wrong ([`scan::ScanNote`]), and strict where
//!   guessing would lose bytes: lengths must add up to the end ([`scan::ScanError`]).
//! - **Silent.** Values are personal data. No error and no `Debug` output shows one.
//!
//! This crate knows nothing of networks, files, keys or databases, and does not decode pixels.
//!
//! # From bytes to an index
//!
//! ```
//! use yingdun_dicom::{index::InstanceIndex, json, limits::Limits, scan, synthetic, transfer_syntax};
//! let instance = synthetic::Study::new(1, synthetic::Kind::Mr { slices: 1 }).instance(0);
//!
//! let syntax = transfer_syntax::lookup(&instance.transfer_syntax);
//! let mut scanner = scan::Scanner::new(syntax, Limits::default());
//! for piece in instance.data_set.chunks(16_384) {
//!     scanner.feed(piece)?;
//! }
//! let scanned = scanner.finish()?;
//!
//! let index = InstanceIndex::from_data_set(&scanned.data_set)?;
//! assert_eq!(index.modality, "MR");
//! let metadata = json::with_base(&json::render(&scanned.data_set).template, "https://host/instances/1.2");
//! assert!(metadata.starts_with(b"{\"00080005\""));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod charset;
pub mod coerce;
pub mod compact;
pub mod data_set;
pub mod dicomdir;
pub mod dictionary;
pub mod frames;
pub mod from_json;
pub mod index;
pub mod json;
pub mod limits;
pub mod masking;
pub mod matching;
pub mod part10;
mod path;
pub mod person_name;
pub mod query;
mod registry;
pub mod rewrite;
pub mod scan;
pub mod synthetic;
mod tag;
pub mod transfer_syntax;
mod vr;
pub mod write;
mod zone;

pub use path::AttributePath;
pub use tag::{Tag, TagError, tags};
pub use vr::Vr;
pub use zone::UtcOffset;
