//! SM4 in plain integers, 64 blocks at once: plane `k` of a word holds bit `k` of that word of every block.
//! Rotations of words are then only other names for planes, and the S-box is a circuit of AND and XOR.

use super::{BATCH_BLOCKS, Batch, RoundKeys};

/// The bits of one byte of 64 blocks, lowest bit first.
type Byte = [u64; 8];
/// The bits of one word of 64 blocks, lowest bit first.
type Word = [u64; 32];
/// An element of GF(2^4) of 64 blocks, lowest power first.
type Nibble = [u64; 4];

/// Encrypts each block of a batch.
pub(super) fn encrypt(round_keys: &RoundKeys, batch: &mut Batch) {
    let (mut left, mut right) = ([0; BATCH_BLOCKS], [0; BATCH_BLOCKS]);
    for ((left, right), block) in left.iter_mut().zip(&mut right).zip(batch.iter()) {
        let block = u128::from_be_bytes(*block);
        (*left, *right) = ((block >> 64) as u64, block as u64);
    }
    let (mut x1, mut x0) = words(left);
    let (mut x3, mut x2) = words(right);
    for [k0, k1, k2, k3] in round_keys.as_chunks().0 {
        round(&mut x0, [&x1, &x2, &x3], *k0);
        round(&mut x1, [&x2, &x3, &x0], *k1);
        round(&mut x2, [&x3, &x0, &x1], *k2);
        round(&mut x3, [&x0, &x1, &x2], *k3);
    }
    // The words leave in reverse order (GB/T 32907 §7.1).
    let (left, right) = (blocks(&x2, &x3), blocks(&x0, &x1));
    for ((left, right), block) in left.iter().zip(&right).zip(batch.iter_mut()) {
        *block = (u128::from(*left) << 64 | u128::from(*right)).to_be_bytes();
    }
}

/// The S-box on the four bytes of one word.
pub(super) fn substitute_word(word: u32) -> u32 {
    let mut planes = [0; 8];
    for (lane, byte) in word.to_le_bytes().into_iter().enumerate() {
        for (bit, plane) in planes.iter_mut().enumerate() {
            *plane |= u64::from(byte >> bit & 1) << lane;
        }
    }
    let planes = substitute(planes);
    let mut bytes = [0; 4];
    for (lane, byte) in bytes.iter_mut().enumerate() {
        for (bit, plane) in planes.iter().enumerate() {
            *byte |= ((plane >> lane & 1) as u8) << bit;
        }
    }
    u32::from_le_bytes(bytes)
}

/// One round (GB/T 32907 §6.1): `x` takes up the transformed sum of the other words and the round key.
#[expect(clippy::indexing_slicing, reason = "every index is below 32, the number of planes")]
fn round(x: &mut Word, others: [&Word; 3], round_key: u32) {
    let [a, b, c] = others;
    let mut t: Word = std::array::from_fn(|k| {
        // All ones or all zeros, without a branch on the key.
        let key = 0_u64.wrapping_sub(u64::from(round_key >> k & 1));
        a[k] ^ b[k] ^ c[k] ^ key
    });
    for byte in t.as_chunks_mut().0 {
        *byte = substitute(*byte);
    }
    for (k, plane) in x.iter_mut().enumerate() {
        // Bit k of a word that is rotated left by n is bit k - n of the word.
        let rotated = |n| t[(k + 32 - n) % 32];
        *plane ^= t[k] ^ rotated(2) ^ rotated(10) ^ rotated(18) ^ rotated(24);
    }
}

/// The S-box: an affine map, the inverse in GF(2^8), the same affine map (its algebraic form: F. Liu et al.,
/// "Analysis of the SMS4 block cipher", 2007). The field is taken as GF(2^4)[y] / (y² + y + λ), where the inverse
/// costs five multiplications of nibbles; the change of basis is part of the two maps. A test compares with
/// the table of the standard.
fn substitute(x: Byte) -> Byte {
    let [x0, x1, x2, x3, x4, x5, x6, x7] = x;
    let low = [!(x4 ^ x5 ^ x6 ^ x7), !(x1 ^ x4 ^ x5 ^ x6), !(x1 ^ x2 ^ x4 ^ x6 ^ x7), !(x3 ^ x4)];
    let high = [x0 ^ x1 ^ x4 ^ x7, !x6, x2 ^ x6 ^ x7, !(x0 ^ x1 ^ x2 ^ x3 ^ x4 ^ x5 ^ x6)];

    // λ = w³ + 1 makes y² + y + λ irreducible. The inverse of a y + b is (a y + a + b) / (λ a² + a b + b²).
    const LAMBDA: Nibble = [!0, 0, 0, !0];
    let norm = add(multiply(LAMBDA, square(high)), add(multiply(high, low), square(low)));
    let inverse_norm = invert(norm);
    let [y0, y1, y2, y3] = multiply(add(high, low), inverse_norm);
    let [y4, y5, y6, y7] = multiply(high, inverse_norm);

    [
        !(y0 ^ y1 ^ y4 ^ y5),
        !(y0 ^ y2 ^ y5 ^ y6),
        y2 ^ y4,
        y0 ^ y2 ^ y4 ^ y5 ^ y7,
        !(y1 ^ y3 ^ y7),
        y1 ^ y3 ^ y5,
        !(y0 ^ y1 ^ y2),
        !(y0 ^ y3 ^ y5),
    ]
}

fn add([a0, a1, a2, a3]: Nibble, [b0, b1, b2, b3]: Nibble) -> Nibble {
    [a0 ^ b0, a1 ^ b1, a2 ^ b2, a3 ^ b3]
}

/// The product in GF(2)[w] / (w⁴ + w + 1).
fn multiply([a0, a1, a2, a3]: Nibble, [b0, b1, b2, b3]: Nibble) -> Nibble {
    let c4 = a1 & b3 ^ a2 & b2 ^ a3 & b1;
    let c5 = a2 & b3 ^ a3 & b2;
    let c6 = a3 & b3;
    [
        a0 & b0 ^ c4,
        a0 & b1 ^ a1 & b0 ^ c4 ^ c5,
        a0 & b2 ^ a1 & b1 ^ a2 & b0 ^ c5 ^ c6,
        a0 & b3 ^ a1 & b2 ^ a2 & b1 ^ a3 & b0 ^ c6,
    ]
}

fn square([a0, a1, a2, a3]: Nibble) -> Nibble {
    [a0 ^ a2, a2, a1 ^ a3, a3]
}

/// The inverse, and zero for zero: a¹⁴ = a² a⁴ a⁸.
fn invert(a: Nibble) -> Nibble {
    let two = square(a);
    let four = square(two);
    multiply(multiply(two, four), square(four))
}

/// Turns 64 numbers into planes: those of the lower and of the upper word.
fn words(mut numbers: [u64; BATCH_BLOCKS]) -> (Word, Word) {
    transpose(&mut numbers);
    let (mut lower, mut upper) = ([0; 32], [0; 32]);
    let (first, second) = numbers.split_at(32);
    lower.copy_from_slice(first);
    upper.copy_from_slice(second);
    (lower, upper)
}

/// The inverse of [`words`].
fn blocks(lower: &Word, upper: &Word) -> [u64; BATCH_BLOCKS] {
    let mut numbers = [0; BATCH_BLOCKS];
    let (first, second) = numbers.split_at_mut(32);
    first.copy_from_slice(lower);
    second.copy_from_slice(upper);
    transpose(&mut numbers);
    numbers
}

/// Transposes 64 × 64 bits: squares of half the width change places, then squares of a quarter, and so on.
#[expect(clippy::indexing_slicing, reason = "row has the bit `width` clear, so row + width stays below 64")]
fn transpose(rows: &mut [u64; BATCH_BLOCKS]) {
    let mut mask = u64::MAX;
    for width in [32, 16, 8, 4, 2, 1] {
        mask ^= mask << width;
        for row in (0..BATCH_BLOCKS).filter(|row| row & width == 0) {
            let swapped = (rows[row] >> width ^ rows[row + width]) & mask;
            rows[row] ^= swapped << width;
            rows[row + width] ^= swapped;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The S-box as GB/T 32907 §6.2 prints it.
    const TABLE: &str = "\
        d690e9fecce13db716b614c228fb2c052b679a762abe04c3aa44132649860699\
        9c4250f491ef987a33540b43edcfac62e4b31ca9c908e89580df94fa758f3fa6\
        4707a7fcf37317ba83593c19e6854fa8686b81b27164da8bf8eb0f4b70569d35\
        1e240e5e6358d1a225227c3b01217887d40046579fd327524c3602e7a0c4c89e\
        eabf8ad240c738b5a3f7f2cef96115a1e0ae5da49b341a55ad933230f58cb1e3\
        1df6e22e8266ca60c02923ab0d534e6fd5db3745defd8e2f03ff6a726d6c5b51\
        8d1baf92bbddbc7f11d95c411f105ad80ac13188a5cd7bbd2d74d012b8e5b4b0\
        8969974a0c96777e65b9f109c56ec68418f07dec3adc4d2079ee5f3ed7cb3948";

    #[test]
    fn the_circuit_gives_the_table_of_the_standard() {
        let table = hex::decode(TABLE).unwrap();
        for (byte, expected) in (0_u8..=255).zip(table) {
            let word = u32::from_le_bytes([byte, !byte, byte, 0]);
            let [first, _, third, fourth] = substitute_word(word).to_le_bytes();
            assert_eq!([first, third, fourth], [expected, expected, 0xd6], "byte {byte}");
        }
    }

    #[test]
    fn transposing_moves_bit_j_of_number_i_to_bit_i_of_plane_j() {
        let mut numbers = [0; BATCH_BLOCKS];
        numbers[3] = 1 << 60;
        transpose(&mut numbers);
        let mut expected = [0; BATCH_BLOCKS];
        expected[60] = 1 << 3;
        assert_eq!(numbers, expected);
    }
}
