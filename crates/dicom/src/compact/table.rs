//! Which stored bytes hold which plain bytes of a compacted object.

use super::block::{BLOCK_BYTES_MAX, BlockError, decode_block};
use std::ops::Range;

/// A compacted object is: a prefix as it was (the data set up to its pixels), encoded blocks, and a suffix as
/// it was (what follows the pixels).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactTable {
    pub(super) prefix_bytes: u64,
    pub(super) pixel_bytes: u64,
    pub(super) suffix_bytes: u64,
    /// Plain bytes of every block but the last.
    pub(super) block_bytes: u32,
    /// Stored bytes of each block.
    pub(super) lengths: Vec<u32>,
}

/// A part of the plain object and the stored bytes that hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The stored bytes to read, all of them.
    pub stored: Range<u64>,
    /// What they are.
    pub kind: PieceKind,
    /// Plain bytes to leave out at the start.
    pub skip: usize,
    /// Plain bytes to take after that.
    pub take: usize,
}

/// What stored bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// Plain bytes.
    Verbatim,
    /// An encoded block.
    Block {
        /// Plain bytes of the whole block.
        plain_bytes: usize,
    },
}

/// Why bytes are not a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Too short, too long, or numbers that do not fit each other.
    #[error("these {0} bytes are not a block table")]
    NotATable(usize),
}

impl CompactTable {
    /// Bytes of the plain object.
    #[must_use]
    pub fn plain_bytes(&self) -> u64 {
        self.prefix_bytes + self.pixel_bytes + self.suffix_bytes
    }

    /// Bytes of the stored object.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.prefix_bytes + self.blocks_bytes() + self.suffix_bytes
    }

    /// The pieces that hold a range of plain bytes, in order. What lies beyond the object is left out.
    #[must_use]
    pub fn locate(&self, plain: Range<u64>) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let pixels = self.prefix_bytes;
        let suffix = pixels + self.pixel_bytes;
        verbatim(0..pixels, 0, &plain, &mut pieces);
        let mut stored = self.prefix_bytes;
        let mut at = pixels;
        for length in &self.lengths {
            let bytes = u64::from(self.block_bytes).min(suffix - at);
            if let Some((skip, take)) = overlap(&(at..at + bytes), &plain) {
                let plain_bytes = usize::try_from(bytes).unwrap_or(0);
                let stored = stored..stored + u64::from(*length);
                pieces.push(Piece { stored, kind: PieceKind::Block { plain_bytes }, skip, take });
            }
            at += bytes;
            stored += u64::from(*length);
        }
        verbatim(suffix..suffix + self.suffix_bytes, stored, &plain, &mut pieces);
        pieces
    }

    /// The table as bytes: 28 and 4 per block.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FIXED_BYTES + 4 * self.lengths.len());
        bytes.extend_from_slice(&self.prefix_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.pixel_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.suffix_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.block_bytes.to_le_bytes());
        for length in &self.lengths {
            bytes.extend_from_slice(&length.to_le_bytes());
        }
        bytes
    }

    /// Reads a table back.
    ///
    /// # Errors
    /// [`TableError`] if the bytes are not a table whose numbers fit each other.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TableError> {
        let wrong = TableError::NotATable(bytes.len());
        let (fixed, rest) = bytes.split_first_chunk::<FIXED_BYTES>().ok_or(wrong)?;
        let ([prefix, pixel, suffix], block) = fixed.as_chunks::<8>() else { return Err(wrong) };
        let block_bytes = u32::from_le_bytes(block.try_into().map_err(|_| wrong)?);
        let (lengths, []) = rest.as_chunks::<4>() else { return Err(wrong) };
        let table = Self {
            prefix_bytes: u64::from_le_bytes(*prefix),
            pixel_bytes: u64::from_le_bytes(*pixel),
            suffix_bytes: u64::from_le_bytes(*suffix),
            block_bytes,
            lengths: lengths.iter().map(|four| u32::from_le_bytes(*four)).collect(),
        };
        let in_bounds = (1..=BLOCK_BYTES_MAX as u64).contains(&u64::from(block_bytes))
            && table.pixel_bytes.div_ceil(u64::from(block_bytes)) == table.lengths.len() as u64
            && table.lengths.iter().all(|length| u64::from(*length) <= u64::from(block_bytes) + 1)
            && table
                .prefix_bytes
                .checked_add(table.pixel_bytes)
                .and_then(|sum| sum.checked_add(table.suffix_bytes))
                .is_some_and(|sum| sum < 1 << 62);
        if in_bounds { Ok(table) } else { Err(wrong) }
    }

    fn blocks_bytes(&self) -> u64 {
        self.lengths.iter().map(|length| u64::from(*length)).sum()
    }
}

impl Piece {
    /// Appends the plain bytes of this piece, made from its stored bytes, to `out`.
    ///
    /// # Errors
    /// [`BlockError`] if the stored bytes are not what the table says.
    pub fn decode(&self, stored: &[u8], out: &mut Vec<u8>) -> Result<(), BlockError> {
        match self.kind {
            PieceKind::Verbatim => {
                let range = self.skip..self.skip.saturating_add(self.take);
                out.extend_from_slice(stored.get(range).ok_or(BlockError::Damaged)?);
            }
            PieceKind::Block { plain_bytes } => {
                let start = out.len();
                decode_block(stored, plain_bytes, out)?;
                out.truncate(start + self.skip + self.take);
                out.drain(start..start + self.skip);
            }
        }
        Ok(())
    }
}

// === helpers ===

const FIXED_BYTES: usize = 28;

/// Verbatim bytes are read exactly, so nothing is left out of them.
fn verbatim(area: Range<u64>, stored_start: u64, plain: &Range<u64>, pieces: &mut Vec<Piece>) {
    if let Some((skip, take)) = overlap(&area, plain) {
        let start = stored_start + skip as u64;
        let stored = start..start + take as u64;
        pieces.push(Piece { stored, kind: PieceKind::Verbatim, skip: 0, take });
    }
}

/// Where and how far `wanted` lies inside `area`; `None` if it does not.
fn overlap(area: &Range<u64>, wanted: &Range<u64>) -> Option<(usize, usize)> {
    let (start, end) = (area.start.max(wanted.start), area.end.min(wanted.end));
    let take = end.checked_sub(start).filter(|take| *take > 0)?;
    Some((usize::try_from(start - area.start).ok()?, usize::try_from(take).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_table_reads_back_and_others_are_refused() {
        let table = CompactTable {
            prefix_bytes: 5,
            pixel_bytes: 25,
            suffix_bytes: 0,
            block_bytes: 10,
            lengths: vec![3, 11, 2],
        };
        let bytes = table.to_bytes();
        assert_eq!(CompactTable::from_bytes(&bytes), Ok(table));
        for cut in 0..bytes.len() {
            assert!(CompactTable::from_bytes(&bytes[..cut]).is_err(), "{cut}");
        }
        let mut zero = bytes.clone();
        zero[24..28].fill(0);
        assert!(CompactTable::from_bytes(&zero).is_err());
        let mut long = bytes;
        long[28..32].fill(0xff);
        assert!(CompactTable::from_bytes(&long).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_table_or_an_error(bytes: Vec<u8>, range in 0_u64..100) {
            if let Ok(table) = CompactTable::from_bytes(&bytes) {
                let _ = table.locate(range..range + 10);
            }
        }
    }
}
