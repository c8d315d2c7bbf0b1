//! An index beside the log: which leaves name whom, so that a search among a hundred million takes no longer than one among a thousand.
//!
//! ```text
//!  log ──signed leaves──► chunk in memory ──65,536 leaves──► segment ─┐
//!                                                            segment ─┴─ eight of one size ──► larger segment
//!  search ──terms──► which leaves, the newest first ──► each leaf read from the log and compared ──► page
//! ```
//!
//! It is derived. The log is the only truth: a folder that is gone or damaged is made again from it, and nothing waits for the index, least of all an
//! append. It holds keyed pseudonyms of the fields of leaves (`term.rs`), of each leaf's time the first and last of its bundle, and nothing else. Its
//! key comes from the key that signs the log, so that nobody without it makes or changes a block that is believed (`segment.rs`).
//!
//! A search takes nothing on the word of the index: each leaf that it shows was read from the log and fits the filter. A block that was damaged is
//! noticed by its code; its segment is given up and made again, and until then its leaves are read one by one, as are those that are newer than
//! the index, within bounds. So damage makes an answer slow or incomplete, and it says so, but never wrong.
//!
//! # What it costs
//!
//! Some 11 bytes of disk for each leaf, written once for each level of merging; a chunk in memory (10 MB) and a few blocks for each search; appends
//! know nothing of it. 28 files for a hundred million leaves.
//!
//! # The folder `index`
//!
//! `<first chunk>-<chunks>.segment`, hexadecimal. No other file; what is half-written ends with `.new` and goes at the next start.

mod find;
mod folder;
mod lookup;
mod postings;
mod segment;
mod sums;
mod tail;
mod term;
mod work;

pub use find::{Count, Cursor, CursorError, Page};
pub use sums::{STRETCH_MS, SUMMED_DAYS_MAX, Sums, Tally};
pub(crate) use work::{Index, IndexKey, search_without};
pub use work::{IndexOptions, IndexState};
