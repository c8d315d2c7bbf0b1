//! Packets (ISO/IEC 15444-1 Annex B.10): for the code-blocks of a resolution, which are there, how many of their bits are
//! zero everywhere, how many passes and how many bytes they have.

use super::bitplanes::Block;

/// The code-blocks of one sub-band.
pub(super) struct Band {
    pub(super) blocks: Vec<Block>,
    /// Code-blocks of a row.
    pub(super) across: usize,
    /// Bits that the quantization exponent promises for a coefficient of the sub-band: M_b less the guard bits.
    pub(super) bits_promised: u32,
    /// Bits that the largest coefficient has beyond those that are promised.
    pub(super) bits_beyond: u32,
}

/// Appends the packet of the sub-bands of one resolution. `guard_bits` are as many as `bits_beyond` of each at least.
pub(super) fn write(bands: &[Band], guard_bits: u32, out: &mut Vec<u8>) {
    let mut bits = Bits::default();
    bits.put(1, 1);
    for band in bands {
        let included: Vec<u32> = band.blocks.iter().map(|block| u32::from(block.bits == 0)).collect();
        let bits_max = band.bits_promised + guard_bits;
        let empty: Vec<u32> = band.blocks.iter().map(|block| bits_max.saturating_sub(block.bits)).collect();
        let mut included = TagTree::new(included, band.across);
        let mut empty = TagTree::new(empty, band.across);
        for (number, block) in band.blocks.iter().enumerate() {
            let (column, row) = (number % band.across, number / band.across);
            included.put(column, row, 1, &mut bits);
            if block.bits == 0 {
                continue;
            }
            empty.put(column, row, u32::MAX, &mut bits);
            passes(block.passes, &mut bits);
            #[allow(clippy::cast_possible_truncation)] // a block is at most some kilobytes
            let length = block.bytes.len() as u32;
            // Three bits, and as many as the number of passes has; more are announced.
            let shared = block.passes.ilog2();
            let needed = (32 - length.leading_zeros()).saturating_sub(shared).max(3);
            (3..needed).for_each(|_| bits.put(1, 1));
            bits.put(0, 1);
            bits.put(length, needed + shared);
        }
    }
    out.extend(bits.finish());
    bands.iter().flat_map(|band| &band.blocks).for_each(|block| out.extend_from_slice(&block.bytes));
}

// === helpers ===

/// The number of passes (Table B.4).
fn passes(count: u32, bits: &mut Bits) {
    match count {
        0 | 1 => bits.put(0, 1),
        2 => bits.put(0b10, 2),
        3..=5 => bits.put(0b1100 | (count - 3), 4),
        6..=36 => bits.put(0b1111 << 5 | (count - 6), 9),
        _ => bits.put(0b1_1111_1111 << 7 | (count - 37), 16),
    }
}

/// Numbers of a grid, told by the least number of ever larger parts of it (§B.10.2).
struct TagTree {
    /// From the grid itself to its one root; each with the nodes of a row.
    levels: Vec<(Vec<Node>, usize)>,
}

#[derive(Clone, Copy)]
struct Node {
    value: u32,
    /// What has been told: the value is at least this.
    told: u32,
    is_known: bool,
}

impl TagTree {
    fn new(values: Vec<u32>, across: usize) -> Self {
        let node = |value| Node { value, told: 0, is_known: false };
        let mut levels = vec![(values.into_iter().map(node).collect::<Vec<_>>(), across)];
        while let Some((nodes, across)) = levels.last().filter(|level| level.0.len() > 1) {
            let half = across.div_ceil(2);
            let down = nodes.len().div_ceil(*across).div_ceil(2);
            let mut above = vec![node(u32::MAX); half * down];
            for (number, child) in nodes.iter().enumerate() {
                let (column, row) = (number % across, number / across);
                if let Some(parent) = above.get_mut(row / 2 * half + column / 2) {
                    parent.value = parent.value.min(child.value);
                }
            }
            levels.push((above, half));
        }
        Self { levels }
    }

    /// Tells whether the number of a place is below `threshold`, and which it is if so.
    fn put(&mut self, column: usize, row: usize, threshold: u32, bits: &mut Bits) {
        let mut told = 0;
        for (level, (nodes, across)) in self.levels.iter_mut().enumerate().rev() {
            let Some(node) = nodes.get_mut((row >> level) * *across + (column >> level)) else { return };
            told = node.told.max(told);
            while told < threshold && !node.is_known {
                if told >= node.value {
                    bits.put(1, 1);
                    node.is_known = true;
                } else {
                    bits.put(0, 1);
                    told += 1;
                }
            }
            told = if node.is_known { node.value } else { told };
            node.told = told;
        }
    }
}

/// Bits of a header: behind a byte of ones stands one with its highest bit 0.
#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    bits: u64,
    have: u32,
}

impl Bits {
    fn put(&mut self, bits: u32, count: u32) {
        self.bits = self.bits << count | u64::from(bits);
        self.have += count;
        while self.have >= self.room() {
            self.have -= self.room();
            #[allow(clippy::cast_possible_truncation)] // cut to the bits of a byte
            let byte = (self.bits >> self.have & ((1 << self.room()) - 1)) as u8;
            self.out.push(byte);
        }
    }

    fn room(&self) -> u32 {
        if self.out.last() == Some(&0xff) { 7 } else { 8 }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.have > 0 || self.out.last() == Some(&0xff) {
            self.put(0, self.room() - self.have);
        }
        self.out
    }
}
