//! Bits of a JPEG-LS scan (ISO/IEC 14495-1 Annexes A.5.3, A.7.1): behind a byte of ones stands a byte whose highest bit is 0 and means nothing.

use super::{TRUNCATED, malformed};
use crate::error::PixelError;

/// Logarithms of the lengths of runs (Table A.7.1.1).
const RUN_BITS: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// How far the lengths of runs have grown.
#[derive(Clone, Copy, Default)]
pub(super) struct RunIndex(usize);

impl RunIndex {
    pub(super) fn bits(self) -> u32 {
        RUN_BITS.get(self.0).copied().unwrap_or(0)
    }

    pub(super) fn shorter(&mut self) {
        self.0 = self.0.saturating_sub(1);
    }

    fn longer(&mut self) {
        self.0 = (self.0 + 1).min(RUN_BITS.len() - 1);
    }
}

/// The two directions. What is handed in is written by a writer and not looked at by a reader; what comes back was
/// read, or is what was handed in.
pub(super) trait Channel {
    /// Whether samples are known before they are coded.
    const WRITES: bool;

    /// A number by the limited Golomb code of order `order`: a prefix of zeros, at most `limit` of them, then the rest;
    /// or the whole number in `whole_bits`.
    fn number(&mut self, number: u32, order: u32, limit: u32, whole_bits: u32) -> Result<u32, PixelError>;

    /// The length of a run where `left` samples are left in the row; shorter ones end at another sample.
    fn run(&mut self, length: usize, left: usize, index: &mut RunIndex) -> Result<usize, PixelError>;
}

/// Reads a scan.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    bits: u64,
    have: u32,
    /// Whether the byte before was all ones.
    after_ones: bool,
    /// Zeros that were given because there was nothing left.
    padding: u32,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, bits: 0, have: 0, after_ones: false, padding: 0 }
    }

    /// Whether more bits were read than there are.
    pub(super) const fn is_past_end(&self) -> bool {
        self.padding > self.have
    }

    /// Makes more than 48 bits available.
    #[inline]
    fn refill(&mut self) {
        while self.have <= 56 {
            let bits = if self.after_ones { 7 } else { 8 };
            match self.bytes.split_first() {
                // Behind ones a byte with its highest bit set begins a marker.
                Some((byte, rest)) if !self.after_ones || *byte < 0x80 => {
                    self.bits |= u64::from(*byte) << (64 - bits - self.have);
                    self.after_ones = *byte == 0xff;
                    self.bytes = rest;
                }
                _ => {
                    self.padding += bits;
                    self.bytes = &[];
                }
            }
            self.have += bits;
        }
    }

    /// At most 32 bits.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // at most 32 bits
    fn take(&mut self, count: u32) -> u32 {
        if count == 0 {
            return 0;
        }
        self.refill();
        let bits = (self.bits >> (64 - count)) as u32;
        self.bits <<= count;
        self.have -= count;
        bits
    }
}

impl Channel for Reader<'_> {
    const WRITES: bool = false;

    #[inline]
    fn number(&mut self, _: u32, order: u32, limit: u32, whole_bits: u32) -> Result<u32, PixelError> {
        let mut zeros = 0;
        loop {
            self.refill();
            let here = self.bits.leading_zeros();
            if here < self.have {
                zeros += here;
                self.bits <<= here;
                self.bits <<= 1;
                self.have -= here + 1;
                break;
            }
            zeros += self.have;
            (self.bits, self.have) = (0, 0);
            if zeros > limit {
                return Err(if self.is_past_end() { TRUNCATED } else { malformed("a prefix is too long") });
            }
        }
        match zeros {
            zeros if zeros < limit => Ok(zeros << order | self.take(order)),
            zeros if zeros == limit => Ok(self.take(whole_bits) + 1),
            _ => Err(malformed("a prefix is too long")),
        }
    }

    fn run(&mut self, _: usize, left: usize, index: &mut RunIndex) -> Result<usize, PixelError> {
        let mut length = 0;
        while self.take(1) == 1 {
            // A run that ends with the row may be shorter than its code says.
            let (whole, room) = (1 << index.bits(), left - length);
            if whole <= room {
                index.longer();
            }
            length += room.min(whole);
            if length == left {
                return Ok(left);
            }
        }
        length += self.take(index.bits()) as usize;
        if length < left { Ok(length) } else { Err(malformed("a run goes beyond its row")) }
    }
}

/// Writes a scan.
pub(super) struct Writer {
    pub(super) out: Vec<u8>,
    bits: u64,
    have: u32,
    after_ones: bool,
}

impl Writer {
    pub(super) const fn new(out: Vec<u8>) -> Self {
        Self { out, bits: 0, have: 0, after_ones: false }
    }

    /// At most 32 bits.
    #[inline]
    fn put(&mut self, bits: u32, count: u32) {
        self.bits = self.bits << count | u64::from(bits);
        self.have += count;
        loop {
            let room = if self.after_ones { 7 } else { 8 };
            if self.have < room {
                return;
            }
            self.have -= room;
            #[allow(clippy::cast_possible_truncation)] // cut to the bits of a byte
            let byte = (self.bits >> self.have & ((1 << room) - 1)) as u8;
            self.out.push(byte);
            self.after_ones = byte == 0xff;
        }
    }

    /// Fills the last byte with zeros.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.have > 0 || self.after_ones {
            let room = if self.after_ones { 7 } else { 8 };
            self.put(0, room - self.have);
        }
        self.out
    }
}

impl Channel for Writer {
    const WRITES: bool = true;

    #[inline]
    fn number(&mut self, number: u32, order: u32, limit: u32, whole_bits: u32) -> Result<u32, PixelError> {
        let (zeros, whole) = if number >> order < limit { (number >> order, false) } else { (limit, true) };
        let (first, rest) = (zeros.min(31), zeros - zeros.min(31));
        self.put(0, first);
        self.put(0, rest.min(31));
        self.put(1, rest - rest.min(31) + 1);
        if whole {
            self.put(number - 1, whole_bits);
        } else {
            self.put(number & ((1 << order) - 1), order);
        }
        Ok(number)
    }

    fn run(&mut self, length: usize, left: usize, index: &mut RunIndex) -> Result<usize, PixelError> {
        let mut rest = length;
        while rest >= 1 << index.bits() {
            self.put(1, 1);
            rest -= 1 << index.bits();
            index.longer();
        }
        if length < left {
            self.put(0, 1);
            #[allow(clippy::cast_possible_truncation)] // shorter than a row
            self.put(rest as u32, index.bits());
        } else if rest > 0 {
            self.put(1, 1);
        }
        Ok(length)
    }
}
