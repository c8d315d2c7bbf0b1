//! Reading packets (ISO/IEC 15444-1 §B.9, §B.10): for each code-block of a precinct how many passes a layer has of it, and how
//! many bytes they are. The passes of high throughput are cut into segments by ISO/IEC 15444-15 Annex B.

use super::block::Block;
use super::header::Order;
use super::tag_tree::{Bits, TRUNCATED};
use super::tile::{Part, Tile};
use super::{malformed, unsupported};
use crate::error::PixelError;

/// More empty bits than any coefficient has.
const EMPTY_BITS_MAX: u32 = 74;

/// Most bits of the length of a segment.
const LENGTH_BITS_MAX: u32 = 31;

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
        let mut bits = Bits::of(rest);
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
