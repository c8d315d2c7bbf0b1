//! What headers of packets are written in: bits that are stuffed (ISO/IEC 15444-1 §B.10.1), and tag trees (§B.10.2).

use super::FORMAT;
use crate::error::PixelError;

pub(super) const TRUNCATED: PixelError = PixelError::Truncated { format: FORMAT };

/// Numbers of a grid, told by the least number of ever larger parts of it (§B.10.2).
pub(super) struct TagTree {
    /// From the grid itself to its one root; each with the nodes of a row.
    levels: Vec<(Vec<Node>, usize)>,
}

#[derive(Clone, Copy, Default)]
struct Node {
    /// The value is at least this.
    least: u32,
    is_known: bool,
}

impl TagTree {
    pub(super) fn new(count: usize, across: usize) -> Self {
        let (mut across, mut down) = (across, count.checked_div(across).unwrap_or_default());
        let mut levels = Vec::new();
        while across * down > 0 {
            levels.push((vec![Node::default(); across * down], across));
            if across * down == 1 {
                break;
            }
            (across, down) = (across.div_ceil(2), down.div_ceil(2));
        }
        Self { levels }
    }

    /// Whether the number of a place is below `bound`, by as many bits as it takes to know.
    pub(super) fn is_below(
        &mut self,
        column: usize,
        row: usize,
        bound: u32,
        bits: &mut Bits<'_>,
    ) -> Result<bool, PixelError> {
        let mut least = 0;
        let mut is_below = false;
        for (level, (nodes, across)) in self.levels.iter_mut().enumerate().rev() {
            let Some(node) = nodes.get_mut((row >> level) * *across + (column >> level)) else { continue };
            node.least = node.least.max(least);
            while node.least < bound && !node.is_known {
                if bits.take(1)? == 1 {
                    node.is_known = true;
                } else {
                    node.least += 1;
                }
            }
            least = node.least;
            is_below = node.is_known && node.least < bound;
        }
        Ok(is_below)
    }
}

/// Bits of a header: behind a byte of ones stands one with its highest bit 0.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    byte: u8,
    have: u32,
}

impl<'a> Bits<'a> {
    pub(super) const fn of(header: &'a [u8]) -> Self {
        Self { bytes: header, byte: 0, have: 0 }
    }

    /// The next bits, 32 at most, highest first.
    pub(super) fn take(&mut self, count: u32) -> Result<u32, PixelError> {
        let mut taken = 0;
        for _ in 0..count {
            if self.have == 0 {
                let (byte, rest) = self.bytes.split_first().ok_or(TRUNCATED)?;
                self.have = if self.byte == 0xff { 7 } else { 8 };
                (self.byte, self.bytes) = (*byte, rest);
            }
            self.have -= 1;
            taken = taken << 1 | u32::from(self.byte >> self.have & 1);
        }
        Ok(taken)
    }

    /// What follows the header.
    pub(super) fn finish(self) -> &'a [u8] {
        if self.byte == 0xff { self.bytes.get(1..).unwrap_or_default() } else { self.bytes }
    }
}
