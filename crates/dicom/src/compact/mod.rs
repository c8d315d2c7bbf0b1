//! A reversible transform that makes native pixel data smaller before it is sealed.
//!
//! Pixels are cut into blocks of about 128 KiB. In each block every sample is replaced by its difference from a
//! neighbour. Differences of 16-bit samples are packed with as few bits as each small group needs; those of bytes go
//! through zstd. The exact bytes come back. A block that does not become at least 5 % smaller is stored as it is.
//! A [`CompactTable`] says which blocks hold which bytes of the original, so ranges stay addressable.
//!
//! Decoding is safe on hostile input: it never makes more than the length that the caller expects.

mod block;
mod table;
mod words;
mod writer;

pub use block::{BLOCK_BYTES_MAX, BlockError, PixelFormat, decode_block, encode_block};
pub use table::{CompactTable, Piece, PieceKind, TableError};
pub use writer::{CompactPlan, CompactWriter};
