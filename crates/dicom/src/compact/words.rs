//! 16-bit samples: differences from a neighbour, packed with as few bits as each group of 16 needs.
//!
//! Images are smooth in some places and noisy in others, and the width follows. On smooth slices this comes out
//! smaller than coding the differences of a whole block by Huffman, on even noise up to a fifth larger; it takes half
//! the time to make and less to undo, and none of it leaves safe Rust.
//!
//! ```text
//! distance u16 | widths, 4 bits for each group, first group low | groups: 16 × width bits | odd byte
//! ```
//!
//! All numbers are little-endian. The neighbour of a sample lies `distance` samples before it: the left one, or the
//! one above. Within the first `distance` samples of a block it is the left one, and the first sample stands for
//! itself. A difference has its sign in the lowest bit. A last group that is not full is filled with zeros.

/// Samples that share a width.
const GROUP: usize = 16;

/// Widths go up to 16 and have 4 bits: 15, which would gain least, is written as 16.
const WIDTH_CODE_MAX: u8 = 15;

/// Groups that are unpacked before their differences are looked at: so many stay in the first-level cache.
const TILE: usize = 64;

/// Bytes before the widths.
const DISTANCE_BYTES: usize = 2;

/// Bytes at the place of a group that are touched when it is read or written: the longest group, and what the last
/// of its numbers covers beyond it.
const WINDOW: usize = 2 * GROUP + 8;

/// One group in so many is looked at to choose the neighbour.
const LOOKED_AT: usize = 8;

/// What was given was not packed here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Damaged;

/// Appends the packed samples of `plain` to `out`. `columns` is the length of a row, in samples.
pub(super) fn pack(plain: &[u8], columns: u16, out: &mut Vec<u8>) {
    let (words, odd) = plain.as_chunks::<2>();
    let distance = better_neighbour(words, columns);
    let groups = words.len().div_ceil(GROUP);
    out.extend_from_slice(&distance.to_le_bytes());
    let widths_at = out.len();
    let mut at = widths_at + groups.div_ceil(2);
    out.resize(at + groups * 2 * GROUP + WINDOW, 0);
    for number in 0..groups {
        let folded = folded_group(words, number, usize::from(distance));
        let width = width_of(&folded);
        let code = width.min(WIDTH_CODE_MAX);
        if let Some(pair) = out.get_mut(widths_at + number / 2) {
            *pair |= code << (4 * (number % 2));
        }
        if let Some(room) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            pack_group(width, &folded, room);
        }
        at += group_bytes(width);
    }
    out.truncate(at);
    out.extend_from_slice(odd);
}

/// Appends exactly `expected` plain bytes to `out`.
///
/// # Errors
/// [`Damaged`] when `packed` is not what [`pack`] makes of so many bytes; `out` may have grown then.
pub(super) fn unpack(packed: &[u8], expected: usize, out: &mut Vec<u8>) -> Result<(), Damaged> {
    let (distance, rest) = packed.split_first_chunk::<DISTANCE_BYTES>().ok_or(Damaged)?;
    let distance = usize::from(u16::from_le_bytes(*distance)).max(1);
    let samples = expected / 2;
    let groups = samples.div_ceil(GROUP);
    let (widths, rest) = rest.split_at_checked(groups.div_ceil(2)).ok_or(Damaged)?;
    let widths = || widths.iter().flat_map(|pair| [pair & 0xf, pair >> 4]).take(groups).map(width_of_code);
    let bits_bytes: usize = widths().map(group_bytes).sum();
    let (mut bits, odd) = rest.split_at_checked(bits_bytes).ok_or(Damaged)?;
    if odd.len() != expected % 2 {
        return Err(Damaged);
    }
    let start = out.len();
    out.resize(start + samples * 2, 0);
    let (words, _) = out.get_mut(start..).unwrap_or_default().as_chunks_mut::<2>();
    let mut widths = widths();
    let mut tile = [[0; GROUP]; TILE];
    for words in words.chunks_mut(GROUP * TILE) {
        for (group, width) in tile.iter_mut().zip(&mut widths) {
            match bits.first_chunk() {
                Some(window) => unpack_group(width, window, group),
                None => unpack_group(width, &padded(bits), group),
            }
            bits = bits.get(group_bytes(width)..).unwrap_or_default();
        }
        for (word, folded) in words.iter_mut().zip(tile.as_flattened()) {
            *word = unfold_sign(*folded).to_le_bytes();
        }
    }
    add_neighbours(words, distance);
    out.extend_from_slice(odd);
    Ok(())
}

// === the neighbour ===

/// The distance that makes the differences smaller: 1, or a row.
fn better_neighbour(words: &[[u8; 2]], columns: u16) -> u16 {
    let row = usize::from(columns);
    if row <= 1 || words.len() <= row + GROUP {
        return 1;
    }
    let looked_at = || (row.div_ceil(GROUP)..words.len() / GROUP).step_by(LOOKED_AT);
    let cost = |distance| looked_at().map(|n| usize::from(width_of(&folded_group(words, n, distance)))).sum();
    let (left, above): (usize, usize) = (cost(1), cost(row));
    if above < left { columns } else { 1 }
}

/// The differences of one group, sign in the lowest bit.
fn folded_group(words: &[[u8; 2]], number: usize, distance: usize) -> [u16; GROUP] {
    let start = number * GROUP;
    let mut folded = [0; GROUP];
    let right = words.get(start..start + GROUP);
    let left = start.checked_sub(distance).and_then(|start| words.get(start..start + GROUP));
    if let (Some(right), Some(left)) = (right, left) {
        for ((folded, right), left) in folded.iter_mut().zip(right).zip(left) {
            *folded = fold_sign(u16::from_le_bytes(*right).wrapping_sub(u16::from_le_bytes(*left)));
        }
        return folded;
    }
    // The first samples of a block, and a last group that is not full.
    for (offset, folded) in folded.iter_mut().enumerate() {
        let at = start + offset;
        let left = at.checked_sub(if at < distance { 1 } else { distance });
        let value = |at: usize| words.get(at).map(|word| u16::from_le_bytes(*word));
        if let Some(right) = value(at) {
            *folded = fold_sign(right.wrapping_sub(left.and_then(value).unwrap_or(0)));
        }
    }
    folded
}

/// Makes samples of differences, in place.
fn add_neighbours(words: &mut [[u8; 2]], distance: usize) {
    let (first_row, _) = words.split_at_mut(distance.min(words.len()));
    let mut value = 0_u16;
    for word in first_row {
        value = value.wrapping_add(u16::from_le_bytes(*word));
        *word = value.to_le_bytes();
    }
    if distance == 1 {
        for word in words.iter_mut().skip(1) {
            value = value.wrapping_add(u16::from_le_bytes(*word));
            *word = value.to_le_bytes();
        }
        return;
    }
    let mut rest = words;
    while rest.len() > distance {
        let (row, below) = rest.split_at_mut(distance);
        for (word, above) in below.iter_mut().zip(&*row) {
            *word = u16::from_le_bytes(*word).wrapping_add(u16::from_le_bytes(*above)).to_le_bytes();
        }
        rest = below;
    }
}

const fn fold_sign(difference: u16) -> u16 {
    let sign = 0_u16.wrapping_sub(difference >> 15);
    (difference << 1) ^ sign
}

const fn unfold_sign(folded: u16) -> u16 {
    (folded >> 1) ^ 0_u16.wrapping_sub(folded & 1)
}

// === the bits ===

/// Bits that every value of a group fits into: 0 to 14, or 16.
fn width_of(folded: &[u16; GROUP]) -> u8 {
    let all = folded.iter().fold(0, |all, value| all | value);
    let width = u16::BITS - all.leading_zeros();
    width_of_code(u8::try_from(width).unwrap_or(WIDTH_CODE_MAX).min(WIDTH_CODE_MAX))
}

const fn width_of_code(code: u8) -> u8 {
    if code == WIDTH_CODE_MAX { 16 } else { code }
}

const fn group_bytes(width: u8) -> usize {
    GROUP / 8 * width as usize
}

/// Writes a group to the front of `room`.
fn pack_group(width: u8, values: &[u16; GROUP], room: &mut [u8; WINDOW]) {
    let width = usize::from(width);
    // Eight values take whole bytes, four of them fit into one number. The width is no constant here on purpose: a
    // branch for each width would be mispredicted at nearly every group.
    let (halves, _) = values.as_chunks::<8>();
    for (number, half) in halves.iter().enumerate() {
        let four = |of: &[u16]| {
            of.iter().enumerate().fold(0, |bits, (place, value)| bits | u64::from(*value) << (place * width))
        };
        let (low, high) = half.split_at(4);
        let bits = u128::from(four(low)) | u128::from(four(high)) << (4 * width);
        if let Some(slot) = room.get_mut(number * width..number * width + 16) {
            slot.copy_from_slice(&bits.to_le_bytes());
        }
    }
}

fn unpack_group(width: u8, bits: &[u8; WINDOW], values: &mut [u16; GROUP]) {
    let width = usize::from(width);
    let mask = ((1_u32 << width) - 1) as u16;
    let (fours, _) = values.as_chunks_mut::<4>();
    for (number, four) in fours.iter_mut().enumerate() {
        // Four values begin at a byte or in the middle of one.
        let begin = number * 4 * width;
        let number = bits.get(begin / 8..).and_then(<[u8]>::first_chunk);
        let number = u64::from_le_bytes(*number.unwrap_or(&[0; 8])) >> (begin % 8);
        for (place, value) in four.iter_mut().enumerate() {
            *value = (number >> (place * width)) as u16 & mask;
        }
    }
}

/// The last bytes, with zeros behind them.
fn padded(bits: &[u8]) -> [u8; WINDOW] {
    let mut window = [0; WINDOW];
    for (slot, byte) in window.iter_mut().zip(bits) {
        *slot = *byte;
    }
    window
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes_of(words: impl IntoIterator<Item = u16>) -> Vec<u8> {
        words.into_iter().flat_map(u16::to_le_bytes).collect()
    }

    fn there_and_back(plain: &[u8], columns: u16) -> usize {
        let (mut packed, mut back) = (vec![9], vec![7]);
        pack(plain, columns, &mut packed);
        unpack(&packed[1..], plain.len(), &mut back).unwrap();
        assert_eq!(&back[1..], plain);
        packed.len() - 1
    }

    #[test]
    fn differences_of_every_width_come_back() {
        for width in 0..=16_u32 {
            let largest = ((1_u32 << width) - 1) as u16;
            let folded: Vec<u16> =
                (0..40).map(|at| if at % 3 == 0 { largest } else { largest / 2 }).collect();
            let mut value = 0_u16;
            let words = folded.iter().map(|folded| {
                value = value.wrapping_add(unfold_sign(*folded));
                value
            });
            there_and_back(&bytes_of(words), 7);
        }
    }

    #[test]
    fn rows_that_repeat_cost_nearly_nothing() {
        let row: Vec<u16> = (0..512_u32).map(|at| (at * 40_503 % 65_536) as u16).collect();
        let plain = bytes_of(row.iter().copied().cycle().take(512 * 64));
        assert!(there_and_back(&plain, 512) < 512 * 2 + 512 * 64 / 32 + 100);
        assert!(there_and_back(&plain, 0) > plain.len() / 2);
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(plain in proptest::collection::vec(any::<u8>(), 0..2_000), columns in 0_u16..80) {
            there_and_back(&plain, columns);
        }

        #[test]
        fn smooth_images_come_back_smaller(
            columns in 1_u16..700, samples in 2_000_usize..9_000, noise in 1_u32..30, odd in any::<bool>(),
        ) {
            let mut state = noise;
            let words = (0..samples).map(|at| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (at / 9 + ((state >> 16) % noise) as usize) as u16
            });
            let mut plain = bytes_of(words);
            plain.extend(odd.then_some(5));
            prop_assert!(there_and_back(&plain, columns) < plain.len() / 2);
        }

        #[test]
        fn any_bytes_unpack_to_the_length_or_not_at_all(
            packed in proptest::collection::vec(any::<u8>(), 0..300), expected in 0_usize..600,
        ) {
            let mut out = Vec::new();
            if unpack(&packed, expected, &mut out).is_ok() {
                prop_assert_eq!(out.len(), expected);
            }
        }
    }
}
