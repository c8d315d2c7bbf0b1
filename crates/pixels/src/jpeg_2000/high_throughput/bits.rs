//! The four sequences of bits within a code-block (ISO/IEC 15444-15 §7.1): forwards from the front, backwards from the back,
//! and runs between them. Stuffed bits keep markers out.

/// Bits from the front, lowest first; behind a byte of ones stand seven.
pub(super) struct Forwards<'a> {
    bytes: &'a [u8],
    /// What follows the last byte.
    fill: u8,
    bits: u64,
    have: u32,
    is_after_ones: bool,
}

impl<'a> Forwards<'a> {
    pub(super) const fn new(bytes: &'a [u8], fill: u8) -> Self {
        Self { bytes, fill, bits: 0, have: 0, is_after_ones: false }
    }

    /// The next bits, 32 at most.
    pub(super) fn take(&mut self, count: u32) -> u32 {
        while self.have < count {
            let byte = next(&mut self.bytes, self.fill);
            let width = if self.is_after_ones { 7 } else { 8 };
            self.bits |= u64::from(byte & (0xff >> (8 - width))) << self.have;
            self.have += width;
            self.is_after_ones = byte == 0xff;
        }
        #[allow(clippy::cast_possible_truncation)] // cut to at most 32 bits
        let taken = (self.bits & ((1 << count) - 1)) as u32;
        self.bits >>= count;
        self.have -= count;
        taken
    }
}

/// Bits from the back, lowest first; before a byte above 0x8F, seven ones stand alone. Zeros follow.
pub(super) struct Backwards<'a> {
    bytes: &'a [u8],
    bits: u64,
    have: u32,
    is_after_high: bool,
}

impl<'a> Backwards<'a> {
    /// All bits of `bytes`.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, bits: 0, have: 0, is_after_high: true }
    }

    /// The high half of `first`, then the bits of `bytes`.
    pub(super) fn behind(first: u8, bytes: &'a [u8]) -> Self {
        let have = if first >> 4 & 7 == 7 { 3 } else { 4 };
        let bits = u64::from(first >> 4) & ((1 << have) - 1);
        Self { bytes, bits, have, is_after_high: first | 15 > 0x8f }
    }

    /// The next bits, 32 at most; they stay.
    pub(super) fn peek(&mut self, count: u32) -> u32 {
        while self.have < count {
            let (byte, rest) = self.bytes.split_last().map_or((0, &[][..]), |(byte, rest)| (*byte, rest));
            self.bytes = rest;
            let width = if self.is_after_high && byte & 0x7f == 0x7f { 7 } else { 8 };
            self.bits |= u64::from(byte & (0xff >> (8 - width))) << self.have;
            self.have += width;
            self.is_after_high = byte > 0x8f;
        }
        #[allow(clippy::cast_possible_truncation)] // cut to at most 32 bits
        let taken = (self.bits & ((1 << count) - 1)) as u32;
        taken
    }

    /// Leaves out bits that were looked at.
    pub(super) fn skip(&mut self, count: u32) {
        self.bits >>= count;
        self.have = self.have.saturating_sub(count);
    }

    pub(super) fn take(&mut self, count: u32) -> u32 {
        let taken = self.peek(count);
        self.skip(count);
        taken
    }
}

/// Exponents of the lengths of runs (Table 2 of the standard).
const RUN_EXPONENTS: [u32; 13] = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5];

/// The exponent for a state.
fn run_exponent(state: usize) -> u32 {
    RUN_EXPONENTS.get(state).copied().unwrap_or_default()
}

/// Reads rare events: how many times nothing happens before something does.
pub(super) struct Runs<'a> {
    bytes: &'a [u8],
    /// The byte behind `bytes`, of which the low half belongs to another sequence.
    last: Option<u8>,
    byte: u8,
    have: u32,
    state: usize,
    quiet: u32,
    event_follows: bool,
}

impl<'a> Runs<'a> {
    pub(super) const fn new(bytes: &'a [u8], last: u8) -> Self {
        Self { bytes, last: Some(last | 15), byte: 0, have: 0, state: 0, quiet: 0, event_follows: false }
    }

    /// Whether something happens.
    pub(super) fn event(&mut self) -> bool {
        if self.quiet == 0 && !self.event_follows {
            let exponent = run_exponent(self.state);
            if self.bit() == 1 {
                self.quiet = 1 << exponent;
                self.state = (self.state + 1).min(RUN_EXPONENTS.len() - 1);
            } else {
                self.quiet = (0..exponent).fold(0, |run, _| run << 1 | self.bit());
                self.state = self.state.saturating_sub(1);
                self.event_follows = true;
            }
        }
        if self.quiet > 0 {
            self.quiet -= 1;
            return false;
        }
        self.event_follows = false;
        true
    }

    /// Highest first; behind a byte of ones stand seven.
    fn bit(&mut self) -> u32 {
        if self.have == 0 {
            self.have = if self.byte == 0xff { 7 } else { 8 };
            self.byte = match self.bytes {
                [] => self.last.take().unwrap_or(0xff),
                _ => next(&mut self.bytes, 0xff),
            };
        }
        self.have -= 1;
        u32::from(self.byte >> self.have & 1)
    }
}

fn next(bytes: &mut &[u8], fill: u8) -> u8 {
    let Some((byte, rest)) = bytes.split_first() else { return fill };
    *bytes = rest;
    *byte
}

/// Writes what [`Forwards`] reads.
#[derive(Default)]
pub(super) struct ForwardsWriter {
    out: Vec<u8>,
    bits: u64,
    have: u32,
}

impl ForwardsWriter {
    pub(super) fn put(&mut self, bits: u32, count: u32) {
        self.bits |= (u64::from(bits) & ((1 << count) - 1)) << self.have;
        self.have += count;
        while self.have >= self.room() {
            let room = self.room();
            #[allow(clippy::cast_possible_truncation)] // the low bits are meant
            self.out.push(self.bits as u8 & (0xff >> (8 - room)));
            self.bits >>= room;
            self.have -= room;
        }
    }

    fn room(&self) -> u32 {
        if self.out.last() == Some(&0xff) { 7 } else { 8 }
    }

    /// Everything, filled with ones; ones at the end are left out, for they are what a reader finds there.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.have > 0 {
            self.put(u32::MAX, self.room() - self.have);
        }
        if self.out.last() == Some(&0xff) {
            self.out.pop();
        }
        self.out
    }
}

/// Writes what [`Backwards::behind`] reads.
pub(super) struct BackwardsWriter {
    /// The bytes, the last one first. The first two hold the length of the sequences.
    out: Vec<u8>,
    byte: u8,
    have: u32,
    is_after_high: bool,
}

impl BackwardsWriter {
    pub(super) fn new() -> Self {
        Self { out: vec![0xff], byte: 15, have: 4, is_after_high: true }
    }

    pub(super) fn put(&mut self, bits: u32, count: u32) {
        for at in 0..count {
            self.byte |= u8::from(bits >> at & 1 == 1) << self.have;
            self.have += 1;
            let is_full = self.have == 8 || self.have == 7 && self.is_after_high && self.byte == 0x7f;
            if is_full {
                self.end_byte();
            }
        }
    }

    fn end_byte(&mut self) {
        self.out.push(self.byte);
        self.is_after_high = self.byte > 0x8f;
        (self.byte, self.have) = (0, 0);
    }

    /// The bytes as they stand, the last two as if their length were zero.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.have > 0 {
            self.end_byte();
        }
        self.out.reverse();
        self.out
    }
}

/// Writes what [`Runs`] reads.
#[derive(Default)]
pub(super) struct RunsWriter {
    out: Vec<u8>,
    byte: u8,
    have: u32,
    state: usize,
    quiet: u32,
}

impl RunsWriter {
    pub(super) fn put(&mut self, is_event: bool) {
        let exponent = run_exponent(self.state);
        if is_event {
            self.bit(0);
            (0..exponent).rev().for_each(|at| self.bit(self.quiet >> at & 1));
            self.quiet = 0;
            self.state = self.state.saturating_sub(1);
            return;
        }
        self.quiet += 1;
        if self.quiet == 1 << exponent {
            self.bit(1);
            self.quiet = 0;
            self.state = (self.state + 1).min(RUN_EXPONENTS.len() - 1);
        }
    }

    fn bit(&mut self, bit: u32) {
        self.byte = self.byte << 1 | u8::from(bit == 1);
        self.have += 1;
        if self.have == self.room() {
            self.out.push(self.byte);
            (self.byte, self.have) = (0, 0);
        }
    }

    fn room(&self) -> u32 {
        if self.out.last() == Some(&0xff) { 7 } else { 8 }
    }

    /// Everything; a byte of ones is not the last.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.quiet > 0 {
            self.bit(1);
        }
        if self.have > 0 || self.out.last() == Some(&0xff) {
            self.out.push(self.byte << (self.room() - self.have));
        }
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_that_were_written_are_read(parts: Vec<(u32, u8)>) {
            let parts: Vec<(u32, u32)> =
                parts.iter().map(|(bits, count)| (*count % 32, *bits)).map(|(count, bits)| (bits & ((1 << count) - 1), u32::from(count))).collect();
            let (mut forwards, mut backwards) = (ForwardsWriter::default(), BackwardsWriter::new());
            for (bits, count) in &parts {
                forwards.put(*bits, *count);
                backwards.put(*bits, *count);
            }
            let (forwards, backwards) = (forwards.finish(), backwards.finish());
            prop_assert_ne!(forwards.last(), Some(&0xff));
            prop_assert!(!forwards.windows(2).any(|pair| pair[0] == 0xff && pair[1] > 0x8f));
            let mut front = Forwards::new(&forwards, 0xff);
            let (last, rest) = backwards[..backwards.len() - 1].split_last().unwrap();
            let mut back = Backwards::behind(*last, rest);
            for (bits, count) in &parts {
                prop_assert_eq!(front.take(*count), *bits);
                prop_assert_eq!(back.take(*count), *bits);
            }
        }

        #[test]
        fn events_that_were_written_are_read(events: Vec<(bool, u8)>) {
            let mut writer = RunsWriter::default();
            let events = || events.iter().flat_map(|(event, quiet)| std::iter::repeat_n(false, usize::from(*quiet)).chain([*event]));
            events().for_each(|event| writer.put(event));
            let bytes = writer.finish();
            let mut runs = Runs::new(&bytes, 0xff);
            for event in events() {
                prop_assert_eq!(runs.event(), event);
            }
        }
    }
}
