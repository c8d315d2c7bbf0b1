//! Writing a code-block (ISO/IEC 15444-15 §7.3): one cleanup pass with all bits of all coefficients.

use super::bits::{BackwardsWriter, ForwardsWriter, RunsWriter};
use super::codes;
use crate::jpeg_2000::bitplanes::Block;

/// Codes a block of coefficients, row by row. What stands behind the magnitudes of the largest block has 3 KB at most, which
/// its two bytes of length can say.
pub(in crate::jpeg_2000) fn encode(coefficients: &[i32], columns: usize) -> Block {
    if coefficients.iter().all(|value| *value == 0) {
        return Block::default();
    }
    let rows = coefficients.len() / columns.max(1);
    let mut magnitudes = ForwardsWriter::default();
    let mut runs = RunsWriter::default();
    let mut words = BackwardsWriter::new();

    let quads = columns.div_ceil(2);
    // As in reading: bits of the lower coefficients of the quads above.
    let mut above = vec![0_u32; 2 * quads + 3];
    let mut below = above.clone();
    for quad_row in 0..rows.div_ceil(2) {
        let is_first_row = quad_row == 0;
        let mut left = 0_u8;
        for pair in (0..quads).step_by(2) {
            let mut excesses = [0; 2];
            for (beyond, at) in excesses.iter_mut().zip(pair..quads) {
                // Twice the magnitude less two, and the sign.
                let values: [Option<u32>; 4] = std::array::from_fn(|number| {
                    let (column, row) = (2 * at + number / 2, 2 * quad_row + number % 2);
                    let value = *coefficients.get(row * columns + column).filter(|_| column < columns)?;
                    let size = value.unsigned_abs().checked_sub(1)?;
                    Some(size << 1 | u32::from(value < 0))
                });
                let bits = values.map(|value| value.map_or(0, |value| 32 - (value | 1).leading_zeros()));
                let most = bits.into_iter().max().unwrap_or_default();
                let over: [u32; 4] =
                    above.get(2 * at..).and_then(<[u32]>::first_chunk).copied().unwrap_or_default();
                let significant = mask(bits, |bits| bits > 0);
                let context = if is_first_row {
                    left & 1 | left >> 1 & 1 | left >> 1 & 6
                } else {
                    u8::from(over[0] | over[1] != 0)
                        | u8::from(left & 12 != 0) << 1
                        | u8::from(over[2] | over[3] != 0) << 2
                };
                let is_alone = significant.count_ones() < 2;
                let most_over = over.into_iter().max().unwrap_or_default();
                let foreseen = if is_first_row || is_alone { 1 } else { most_over.saturating_sub(1).max(1) };
                let excess = most.saturating_sub(foreseen);
                let full = if excess > 0 { mask(bits, |bits| bits == most) } else { 0 };
                *beyond = excess;
                if context == 0 {
                    runs.put(significant != 0);
                }
                if context != 0 || significant != 0 {
                    let code = codes::code(is_first_row, context, significant, full);
                    words.put(code.bits, code.length);
                    for (number, value) in (0..).zip(values) {
                        if let Some(value) = value {
                            let coded = foreseen + excess - u32::from(code.known >> number & 1);
                            magnitudes.put(value & ((1 << coded) - 1), coded);
                        }
                    }
                }
                for (place, bits) in below.iter_mut().skip(2 * at + 1).zip([bits[1], bits[3]]) {
                    *place = bits;
                }
                left = significant;
            }
            put_excesses(excesses, is_first_row, &mut words, &mut runs);
        }
        std::mem::swap(&mut above, &mut below);
    }

    let mut bytes = magnitudes.finish();
    let (runs, words) = (runs.finish(), words.finish());
    let suffix = runs.len() + words.len();
    bytes.extend(runs);
    bytes.extend(words);
    if let [.., first, last] = bytes.as_mut_slice() {
        #[allow(clippy::cast_possible_truncation)] // at most 12 bits
        let [high, low] = [(suffix >> 4) as u8, (suffix & 15) as u8];
        (*first, *last) = (*first & 0xf0 | low, high);
    }
    Block { bits: 1, passes: 1, bytes }
}

// === helpers ===

/// One bit for each coefficient.
fn mask(bits: [u32; 4], is: impl Fn(u32) -> bool) -> u8 {
    bits.iter().rev().fold(0, |mask, bits| mask << 1 | u8::from(is(*bits)))
}

/// How many bits more than foreseen two quads have.
fn put_excesses(excess: [u32; 2], is_first_row: bool, words: &mut BackwardsWriter, runs: &mut RunsWriter) {
    let both = is_first_row && excess.iter().all(|excess| *excess > 0);
    let are_large = both && excess.iter().all(|excess| *excess > 2);
    if both {
        runs.put(are_large);
    }
    let [first, second] = if are_large { excess.map(|excess| excess - 2) } else { excess };
    put_prefix(first, words);
    let is_short = both && !are_large && first > 2;
    if is_short {
        words.put(second - 1, 1);
    } else {
        put_prefix(second, words);
    }
    put_suffix(first, words);
    if !is_short {
        put_suffix(second, words);
    }
}

fn put_prefix(excess: u32, words: &mut BackwardsWriter) {
    match excess {
        0 => {}
        1 => words.put(1, 1),
        2 => words.put(2, 2),
        3 | 4 => words.put(4, 3),
        _ => words.put(0, 3),
    }
}

/// Coefficients have 28 bits at most, so that no further part is needed.
fn put_suffix(excess: u32, words: &mut BackwardsWriter) {
    match excess {
        0..3 => {}
        3 | 4 => words.put(excess - 3, 1),
        _ => words.put(excess - 5, 5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg_2000::high_throughput::block;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn coefficients_that_were_written_are_read(
            columns in 1..=64_usize, rows in 1..=64_usize, bits in 0..=20_u32, sparse in 1..50_u64, seed: u64
        ) {
            let mut state = seed | 1;
            let coefficients: Vec<i32> = (0..columns * rows).map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let value = (state >> 33) as i32 & ((1 << bits) - 1);
                let size = if (state >> 20) % sparse == 0 { value } else { value >> (bits / 2) };
                if state >> 63 == 1 { -size } else { size }
            }).collect();
            let coded = encode(&coefficients, columns);
            let block = block::Block {
                columns, rows, empty_bits: 20, passes: coded.passes, cleanup: coded.bytes, ..block::Block::default()
            };
            let back = block.decode(21, false).unwrap();
            let back: Vec<i32> = back.iter().map(|one| (one.halves >> 1) as i32 * if one.is_negative { -1 } else { 1 }).collect();
            prop_assert_eq!(back, coefficients);
        }
    }
}
