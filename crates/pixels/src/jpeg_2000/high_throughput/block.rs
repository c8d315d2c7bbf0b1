//! Reading a code-block (ISO/IEC 15444-15 §7): a cleanup pass that gives the coefficients down to some bit, and two passes
//! that may give the bit below.

use super::bits::{Backwards, Forwards, Runs};
use super::{codes, malformed};
use crate::error::PixelError;

/// Rows that are coded column by column in the passes behind the cleanup pass.
const STRIPE_ROWS: usize = 4;

/// Columns of which all significance comes before all signs.
const GROUP_COLUMNS: usize = 4;

/// Most bytes of what stands behind the magnitudes (§7.1.1).
const SUFFIX_MAX: usize = 4079;

/// A code-block: where it is in its sub-band, and what packets said of it.
#[derive(Default)]
pub(super) struct Block {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Highest bits that are zero in all coefficients.
    pub(super) empty_bits: u32,
    /// Bits that say how long a segment is, less what the number of passes adds.
    pub(super) length_bits: u32,
    /// Passes that there are; 0 for a block that no packet had.
    pub(super) passes: u32,
    pub(super) cleanup: Vec<u8>,
    pub(super) refinement: Vec<u8>,
}

/// A coefficient, twice as large as it is: what is not known of it is taken for half of the last bit that is.
#[derive(Clone, Copy, Default)]
pub(super) struct Coefficient {
    pub(super) halves: u32,
    pub(super) is_negative: bool,
}

impl Block {
    /// The coefficients, row by row, of which each may have `bits`.
    pub(super) fn decode(&self, bits: u32, is_causal: bool) -> Result<Vec<Coefficient>, PixelError> {
        let mut coefficients = vec![Coefficient::default(); self.columns * self.rows];
        if self.passes == 0 || self.cleanup.is_empty() {
            return Ok(coefficients);
        }
        let last_bit =
            (bits.checked_sub(self.empty_bits + 1)).ok_or(malformed("a code-block has no bits left"))?;
        self.read_cleanup(last_bit, &mut coefficients)?;
        if self.passes > 1 {
            let below =
                last_bit.checked_sub(1).ok_or(malformed("a code-block is refined below its last bit"))?;
            self.refine(below, is_causal, &mut coefficients);
        }
        Ok(coefficients)
    }

    /// The cleanup pass (§7.3).
    fn read_cleanup(&self, last_bit: u32, coefficients: &mut [Coefficient]) -> Result<(), PixelError> {
        let broken = malformed("the lengths within a code-block are wrong");
        let [inner @ .., first, last] = self.cleanup.as_slice() else { return Err(broken) };
        let suffix = usize::from(*last) << 4 | usize::from(*first & 15);
        if !(2..=SUFFIX_MAX).contains(&suffix) {
            return Err(broken);
        }
        let (magnitudes, rest) =
            (inner.len() + 2).checked_sub(suffix).and_then(|at| inner.split_at_checked(at)).ok_or(broken)?;
        let mut magnitudes = Forwards::new(magnitudes, 0xff);
        let mut runs = Runs::new(rest, *first);
        let mut codes = Backwards::behind(*first, rest);

        let quads = self.columns.div_ceil(2);
        // Numbers of bits of the lower coefficients of the quads above, with one before and two behind; 0 stands for one that
        // is not significant.
        let mut above = vec![0_u32; 2 * quads + 3];
        let mut below = above.clone();
        for quad_row in 0..self.rows.div_ceil(2) {
            let is_first_row = quad_row == 0;
            let mut left = 0;
            for pair in (0..quads).step_by(2) {
                let mut both = [codes::Quad::default(); 2];
                for (quad, at) in both.iter_mut().zip(pair..quads) {
                    let context = if is_first_row {
                        left & 1 | left >> 1 & 1 | left >> 1 & 6
                    } else {
                        let (over, _) = around(&above, at);
                        u8::from(over[0] | over[1] != 0)
                            | u8::from(left & 12 != 0) << 1
                            | u8::from(over[2] | over[3] != 0) << 2
                    };
                    if context != 0 || runs.event() {
                        *quad = codes::quad(is_first_row, context, codes.peek(codes::CODE_BITS_MAX));
                        codes.skip(quad.length);
                    }
                    left = quad.significant;
                }
                let excess = excesses(both.map(|quad| quad.exceeds), is_first_row, &mut codes, &mut runs);
                for ((quad, excess), at) in both.iter().zip(excess).zip(pair..quads) {
                    let is_alone = quad.significant.count_ones() < 2;
                    let foreseen = if is_first_row || is_alone {
                        1
                    } else {
                        around(&above, at).1.saturating_sub(1).max(1)
                    };
                    let bits = foreseen + excess;
                    if bits > self.empty_bits + 2 && quad.significant != 0 {
                        return Err(malformed("a coefficient has more bits than its code-block"));
                    }
                    for number in 0..4_usize {
                        if quad.significant >> number & 1 == 0 {
                            if number & 1 == 1 {
                                set(&mut below, 2 * at + 1 + number / 2, 0);
                            }
                            continue;
                        }
                        let coded = bits - u32::from(quad.known >> number & 1);
                        let value = magnitudes.take(coded) | u32::from(quad.full >> number & 1) << coded;
                        if number & 1 == 1 {
                            set(&mut below, 2 * at + 1 + number / 2, 32 - (value | 1).leading_zeros());
                        }
                        let (column, row) = (2 * at + number / 2, 2 * quad_row + number % 2);
                        if column < self.columns && row < self.rows {
                            let halves = ((value >> 1) + 1) << (last_bit + 1) | 1 << last_bit;
                            let coefficient = Coefficient { halves, is_negative: value & 1 == 1 };
                            set(coefficients, row * self.columns + column, coefficient);
                        }
                    }
                }
            }
            std::mem::swap(&mut above, &mut below);
        }
        Ok(())
    }

    /// The passes that give one bit more (§7.4, §7.5): to coefficients near significant ones, and to those.
    fn refine(&self, bit: u32, is_causal: bool, coefficients: &mut [Coefficient]) {
        let significant: Vec<bool> = coefficients.iter().map(|one| one.halves != 0).collect();
        let mut forwards = Forwards::new(&self.refinement, 0);
        let mut found = Vec::new();
        for stripe in (0..self.rows).step_by(STRIPE_ROWS) {
            let stripe_end = self.rows.min(stripe + STRIPE_ROWS);
            for group in (0..self.columns).step_by(GROUP_COLUMNS) {
                found.clear();
                for column in group..self.columns.min(group + GROUP_COLUMNS) {
                    for row in stripe..stripe_end {
                        let at = row * self.columns + column;
                        let is_over = coefficients.get(at).is_none_or(|one| one.halves != 0);
                        let bottom = if is_causal { stripe_end } else { self.rows };
                        if !is_over
                            && self.has_neighbour(coefficients, column, row, bottom)
                            && forwards.take(1) == 1
                        {
                            let halves = 0b11 << bit;
                            set(coefficients, at, Coefficient { halves, is_negative: false });
                            found.push(at);
                        }
                    }
                }
                for at in &found {
                    let is_negative = forwards.take(1) == 1;
                    if let Some(coefficient) = coefficients.get_mut(*at) {
                        coefficient.is_negative = is_negative;
                    }
                }
            }
        }
        if self.passes < 3 {
            return;
        }
        let mut backwards = Backwards::new(&self.refinement);
        for stripe in (0..self.rows).step_by(STRIPE_ROWS) {
            for column in 0..self.columns {
                for row in stripe..self.rows.min(stripe + STRIPE_ROWS) {
                    let at = row * self.columns + column;
                    if significant.get(at) == Some(&true)
                        && let Some(one) = coefficients.get_mut(at)
                    {
                        // The half of before makes room for the bit and a half of it.
                        one.halves = one.halves & !(2 << bit) | backwards.take(1) << (bit + 1) | 1 << bit;
                    }
                }
            }
        }
    }

    /// Whether a coefficient has a significant one beside it; rows from `bottom` on do not count.
    fn has_neighbour(&self, coefficients: &[Coefficient], column: usize, row: usize, bottom: usize) -> bool {
        let columns = column.saturating_sub(1)..self.columns.min(column + 2);
        (row.saturating_sub(1)..bottom.min(row + 2)).any(|row| {
            let line = coefficients.get(row * self.columns + columns.start..row * self.columns + columns.end);
            line.unwrap_or_default().iter().any(|one| one.halves != 0)
        })
    }
}

// === helpers ===

/// The bits of the four coefficients above a quad, from the left, and the most of them.
fn around(above: &[u32], quad: usize) -> ([u32; 4], u32) {
    let four = above.get(2 * quad..).and_then(<[u32]>::first_chunk).copied().unwrap_or_default();
    (four, four.into_iter().max().unwrap_or_default())
}

fn set<T>(all: &mut [T], at: usize, value: T) {
    if let Some(place) = all.get_mut(at) {
        *place = value;
    }
}

/// How many bits more than foreseen the coefficients of two quads have (§7.3.6): first the beginnings of both codes, then
/// their ends.
fn excesses(
    exceeds: [bool; 2],
    is_first_row: bool,
    codes: &mut Backwards<'_>,
    runs: &mut Runs<'_>,
) -> [u32; 2] {
    let both = is_first_row && exceeds == [true, true];
    let are_large = both && runs.event();
    let mut prefixes = [0; 2];
    if exceeds[0] {
        prefixes[0] = prefix(codes);
    }
    if exceeds[1] {
        prefixes[1] = if both && !are_large && prefixes[0] > 2 { codes.take(1) + 1 } else { prefix(codes) };
    }
    let suffixes = prefixes.map(|prefix| match prefix {
        3 => codes.take(1),
        5 => codes.take(5),
        _ => 0,
    });
    let extensions = suffixes.map(|suffix| if suffix >= 28 { codes.take(4) } else { 0 });
    let more = if are_large { 2 } else { 0 };
    [
        more + prefixes[0] + suffixes[0] + 4 * extensions[0],
        more + prefixes[1] + suffixes[1] + 4 * extensions[1],
    ]
}

/// The beginning of a number: 1, 2, 3 or 5.
fn prefix(codes: &mut Backwards<'_>) -> u32 {
    let (length, value) = match codes.peek(3) {
        bits if bits & 1 == 1 => (1, 1),
        bits if bits & 2 == 2 => (2, 2),
        4 => (3, 3),
        _ => (3, 5),
    };
    codes.skip(length);
    value
}
