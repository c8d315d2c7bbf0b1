//! Huffman-coded bits (ISO/IEC 10918-1 Annexes C, F.2.2): reading them, and the tables that say what they mean.

use crate::error::PixelError;

const FORMAT: &str = super::FORMAT;

/// Codes of up to so many bits are found with one look; longer ones are rare.
const FAST_BITS: u32 = 9;

/// Longest code, in bits.
const CODE_BITS_MAX: u32 = 16;

/// What the bits of a Huffman table mean.
#[derive(Clone)]
pub(super) struct HuffmanTable {
    /// Length and symbol of the code that begins with these bits; length 0 for a longer one.
    fast: Box<[(u8, u8); 1 << FAST_BITS]>,
    /// For each longer length: the first 16 bits beyond its codes, its first code, and the place of its first symbol.
    slow: Vec<(u32, u32, u32, usize)>,
    symbols: Vec<u8>,
}

impl HuffmanTable {
    /// Builds a table from the numbers of codes of 1 to 16 bits and their symbols.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, PixelError> {
        let overfull = PixelError::malformed(FORMAT, "a Huffman table has more codes than fit");
        let mut fast = Box::new([(0, 0); 1 << FAST_BITS]);
        let mut slow = Vec::new();
        let mut code: u32 = 0;
        let mut first = 0;
        for (bits, count) in (1..=CODE_BITS_MAX).zip(counts) {
            let count = usize::from(*count);
            let these = symbols.get(first..first + count).ok_or(overfull.clone())?;
            if code as usize + count > 1 << bits {
                return Err(overfull);
            }
            if bits <= FAST_BITS {
                let span = 1_usize << (FAST_BITS - bits);
                let places = fast.iter_mut().skip(code as usize * span);
                let filled = these.iter().flat_map(|symbol| std::iter::repeat_n(*symbol, span));
                for (place, symbol) in places.zip(filled) {
                    *place = (bits as u8, symbol);
                }
            } else if count > 0 {
                let end = (code + count as u32) << (CODE_BITS_MAX - bits);
                slow.push((bits, end, code, first));
            }
            first += count;
            code = (code + count as u32) << 1;
        }
        Ok(Self { fast, slow, symbols: symbols.to_vec() })
    }
}

/// Reads the bits of one entropy-coded segment: the bytes between two markers.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// The next bits, from the highest on.
    bits: u64,
    /// How many of them there are.
    have: u32,
    /// Zeros that were given because there was nothing left.
    padding: u32,
}

impl<'a> BitReader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, bits: 0, have: 0, padding: 0 }
    }

    /// The next symbol of a table.
    #[inline]
    pub(super) fn symbol(&mut self, table: &HuffmanTable) -> Result<u8, PixelError> {
        self.refill();
        let look = (self.bits >> (64 - FAST_BITS)) as usize;
        let (bits, symbol) = table.fast.get(look).copied().unwrap_or_default();
        if bits != 0 {
            self.skip(u32::from(bits));
            return Ok(symbol);
        }
        self.long_symbol(table)
    }

    #[cold]
    fn long_symbol(&mut self, table: &HuffmanTable) -> Result<u8, PixelError> {
        let look = (self.bits >> (64 - CODE_BITS_MAX)) as u32;
        for (bits, end, code, first) in &table.slow {
            if look < *end {
                let code_here = look >> (CODE_BITS_MAX - bits);
                let place = (code_here.checked_sub(*code)).map(|offset| first + offset as usize);
                if let Some(symbol) = place.and_then(|place| table.symbols.get(place)) {
                    self.skip(*bits);
                    return Ok(*symbol);
                }
                break;
            }
        }
        Err(PixelError::malformed(FORMAT, "bits that are no Huffman code"))
    }

    /// A number of `bits` (at most 16) whose first bit tells its sign: RECEIVE and EXTEND.
    #[inline]
    #[allow(clippy::cast_possible_wrap)] // at most 16 bits
    pub(super) fn signed(&mut self, bits: u32) -> i32 {
        if bits == 0 {
            return 0;
        }
        self.refill();
        let value = (self.bits >> (64 - bits)) as i32;
        self.skip(bits);
        if value < 1 << (bits - 1) { value - (1 << bits) + 1 } else { value }
    }

    /// Whether more bits were read than there are.
    pub(super) const fn is_past_end(&self) -> bool {
        self.padding > self.have
    }

    #[inline]
    fn skip(&mut self, bits: u32) {
        self.bits <<= bits;
        self.have -= bits;
    }

    /// Makes at least 32 bits available.
    #[inline]
    fn refill(&mut self) {
        if self.have >= 32 {
            return;
        }
        if let Some((word, _)) = self.bytes.split_first_chunk::<8>() {
            let word = u64::from_be_bytes(*word);
            if !has_byte_ff(word) {
                let bytes = (64 - self.have) / 8;
                self.bits |= word >> self.have;
                self.bytes = self.bytes.get(bytes as usize..).unwrap_or_default();
                self.have += 8 * bytes;
                // What of the word is not counted yet comes again with the next one.
                self.bits &= u64::MAX.checked_shl(64 - self.have).unwrap_or(u64::MAX);
                return;
            }
        }
        while self.have <= 56 {
            let byte = match self.bytes {
                [0xff, 0, rest @ ..] => {
                    self.bytes = rest;
                    0xff
                }
                [byte, rest @ ..] => {
                    self.bytes = rest;
                    *byte
                }
                [] => {
                    self.padding += 8;
                    0
                }
            };
            self.bits |= u64::from(byte) << (56 - self.have);
            self.have += 8;
        }
    }
}

const fn has_byte_ff(word: u64) -> bool {
    let inverse = !word;
    inverse.wrapping_sub(0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_every_length_are_read() {
        // 1 code each of 1, 2, ... 16 bits: 0, 10, 110, ...
        let table = HuffmanTable::new(&[1; 16], &(0..16).collect::<Vec<u8>>()).unwrap();
        for wanted in 0..16_u8 {
            let code = (0xfffe_u32 << (15 - wanted)) & 0xffff;
            let bytes = code.to_be_bytes();
            let stuffed: Vec<u8> =
                bytes[2..].iter().flat_map(|b| if *b == 0xff { vec![0xff, 0] } else { vec![*b] }).collect();
            let mut reader = BitReader::new(&stuffed);
            assert_eq!(reader.symbol(&table), Ok(wanted));
            assert!(!reader.is_past_end());
        }
    }

    #[test]
    fn the_end_is_noticed_however_the_last_bits_fall() {
        let table = HuffmanTable::new(&[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[5, 6]).unwrap();
        for length in 0..20 {
            let bytes = vec![0xa5; length];
            let mut reader = BitReader::new(&bytes);
            for _ in 0..length * 8 {
                reader.symbol(&table).unwrap();
                assert!(!reader.is_past_end());
            }
            reader.symbol(&table).unwrap();
            assert!(reader.is_past_end());
        }
    }

    #[test]
    fn a_table_with_too_many_codes_is_refused() {
        assert!(HuffmanTable::new(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[1, 2, 3]).is_err());
        assert!(HuffmanTable::new(&[1; 16], &[1, 2, 3]).is_err());
    }

    #[test]
    fn bytes_of_ones_are_found_in_a_word() {
        assert!(has_byte_ff(0x0011_22ff_4455_6677));
        assert!(!has_byte_ff(0xfe7f_80fe_0001_fe7f));
        assert!(has_byte_ff(u64::MAX));
    }
}
