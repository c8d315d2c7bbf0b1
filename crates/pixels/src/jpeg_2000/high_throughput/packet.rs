//! Reading packets (ISO/IEC 15444-1 §B.9, §B.10): for each code-block of a precinct how many passes a layer has of it, and how
//! many bytes they are. The passes of high throughput are cut into segments by ISO/IEC 15444-15 Annex B.

use super::block::Block;
use super::header::Order;
use super::tile::{Part, Tile};
use super::{FORMAT, malformed, unsupported};
use crate::error::PixelError;

/// More empty bits than any coefficient has.
const EMPTY_BITS_MAX: u32 = 74;

/// Most bits of the length of a segment.
const LENGTH_BITS_MAX: u32 = 31;

const TRUNCATED: PixelError = PixelError::Truncated { format: FORMAT };

/// Reads all packets of a tile into its code-blocks.
pub(super) fn read(tile: &mut Tile, order: &Order, data: &[u8]) -> Result<(), PixelError> {
    let mut rest = data;
    for (layer, place) in tile.packets(order.progression, order.layers)? {
        let component = tile.components.get_mut(place.component);
        let resolution = component.and_then(|component| component.resolutions.get_mut(place.resolution));
        let precinct = resolution.and_then(|resolution| resolution.precincts.get_mut(place.precinct));
        let Some(precinct) = precinct else { continue };
        if order.marks_starts && rest.starts_with(&[0xff, 0x91]) {
            rest = rest.get(6..).ok_or(TRUNCATED)?;
        }
        let mut bits = Bits { bytes: rest, byte: 0, have: 0 };
        let mut segments = Vec::new();
        if bits.take(1)? == 1 {
            for (number, part) in precinct.parts.iter_mut().enumerate() {
                part.read_header(layer, number, &mut bits, &mut segments)?;
            }
        }
        rest = bits.finish();
        if order.marks_header_ends && rest.starts_with(&[0xff, 0x92]) {
            rest = rest.get(2..).ok_or(TRUNCATED)?;
        }
        for Segment { part, block, is_cleanup, length } in segments {
            let (bytes, behind) = rest.split_at_checked(length).ok_or(TRUNCATED)?;
            rest = behind;
            let block = precinct.parts.get_mut(part).and_then(|part| part.blocks.get_mut(block));
            if let Some(block) = block {
                if is_cleanup { &mut block.cleanup } else { &mut block.refinement }.extend_from_slice(bytes);
            }
        }
    }
    Ok(())
}

// === helpers ===

/// Bytes of a code-block that follow the header.
struct Segment {
    part: usize,
    block: usize,
    is_cleanup: bool,
    length: usize,
}

impl Part {
    fn read_header(
        &mut self,
        layer: u32,
        part: usize,
        bits: &mut Bits<'_>,
        segments: &mut Vec<Segment>,
    ) -> Result<(), PixelError> {
        for (number, block) in self.blocks.iter_mut().enumerate() {
            let (column, row) = (number % self.across, number / self.across);
            let is_first = block.passes == 0;
            let is_included = if is_first {
                self.included.is_below(column, row, layer + 1, bits)?
            } else {
                bits.take(1)? == 1
            };
            if !is_included {
                continue;
            }
            if is_first {
                let mut bound = 1;
                while !self.empty.is_below(column, row, bound, bits)? {
                    bound += 1;
                    if bound > EMPTY_BITS_MAX {
                        return Err(malformed("a code-block has too many empty bits"));
                    }
                }
                block.empty_bits = bound - 1;
            }
            let passes = passes(bits)?;
            while bits.take(1)? == 1 {
                block.length_bits += 1;
            }
            for (is_cleanup, passes) in block.segments(passes)? {
                let count = block.length_bits + passes.ilog2();
                if count > LENGTH_BITS_MAX {
                    return Err(malformed("a segment is too long"));
                }
                let length = bits.take(count)? as usize;
                segments.push(Segment { part, block: number, is_cleanup, length });
            }
        }
        Ok(())
    }
}

impl Block {
    /// The segments of the next passes, with the number of passes of each. Three by three, passes at the front may stand for bits
    /// that are empty; then come the cleanup pass, in a segment with those, and two in another.
    fn segments(&mut self, passes: u32) -> Result<Vec<(bool, u32)>, PixelError> {
        let mut segments = Vec::with_capacity(2);
        let mut left = passes;
        if self.passes == 0 {
            let placeholders = (passes - 1) / 3;
            self.empty_bits += placeholders;
            segments.push((true, 3 * placeholders + 1));
            left = passes - 3 * placeholders - 1;
            self.passes = 1;
        }
        if left > 0 {
            segments.push((false, left));
            self.passes += left;
        }
        if self.passes > 3 {
            return Err(unsupported("HTJ2K with several sets of passes in a code-block"));
        }
        Ok(segments)
    }
}

/// The number of passes (Table B.4).
fn passes(bits: &mut Bits<'_>) -> Result<u32, PixelError> {
    for (count, all, first) in [(1, 1, 1), (1, 1, 2), (2, 3, 3), (5, 31, 6)] {
        let value = bits.take(count)?;
        if value != all {
            return Ok(first + value);
        }
    }
    Ok(37 + bits.take(7)?)
}

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
    fn is_below(
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
struct Bits<'a> {
    bytes: &'a [u8],
    byte: u8,
    have: u32,
}

impl<'a> Bits<'a> {
    /// The next bits, 32 at most, highest first.
    fn take(&mut self, count: u32) -> Result<u32, PixelError> {
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
    fn finish(self) -> &'a [u8] {
        if self.byte == 0xff { self.bytes.get(1..).unwrap_or_default() } else { self.bytes }
    }
}
