//! The MQ coder (ISO/IEC 15444-1 Annex C): bits in contexts that learn how likely a bit is.

/// An estimate: the width of the less likely symbol, the estimates that follow the more and the less likely one, and
/// whether the two change places (Table C.2).
#[derive(Clone, Copy)]
struct Estimate {
    width: u32,
    after_more: u8,
    after_less: u8,
    switches: bool,
}

const fn e(width: u32, after_more: u8, after_less: u8) -> Estimate {
    Estimate { width, after_more, after_less, switches: false }
}

const fn s(width: u32, after_more: u8, after_less: u8) -> Estimate {
    Estimate { width, after_more, after_less, switches: true }
}

const ESTIMATES: [Estimate; 47] = [
    s(0x5601, 1, 1),
    e(0x3401, 2, 6),
    e(0x1801, 3, 9),
    e(0x0ac1, 4, 12),
    e(0x0521, 5, 29),
    e(0x0221, 38, 33),
    s(0x5601, 7, 6),
    e(0x5401, 8, 14),
    e(0x4801, 9, 14),
    e(0x3801, 10, 14),
    e(0x3001, 11, 17),
    e(0x2401, 12, 18),
    e(0x1c01, 13, 20),
    e(0x1601, 29, 21),
    s(0x5601, 15, 14),
    e(0x5401, 16, 14),
    e(0x5101, 17, 15),
    e(0x4801, 18, 16),
    e(0x3801, 19, 17),
    e(0x3401, 20, 18),
    e(0x3001, 21, 19),
    e(0x2801, 22, 19),
    e(0x2401, 23, 20),
    e(0x2201, 24, 21),
    e(0x1c01, 25, 22),
    e(0x1801, 26, 23),
    e(0x1601, 27, 24),
    e(0x1401, 28, 25),
    e(0x1201, 29, 26),
    e(0x1101, 30, 27),
    e(0x0ac1, 31, 28),
    e(0x09c1, 32, 29),
    e(0x08a1, 33, 30),
    e(0x0521, 34, 31),
    e(0x0441, 35, 32),
    e(0x02a1, 36, 33),
    e(0x0221, 37, 34),
    e(0x0141, 38, 35),
    e(0x0111, 39, 36),
    e(0x0085, 40, 37),
    e(0x0049, 41, 38),
    e(0x0025, 42, 39),
    e(0x0015, 43, 40),
    e(0x0009, 44, 41),
    e(0x0005, 45, 42),
    e(0x0001, 45, 43),
    e(0x5601, 46, 46),
];

/// What a context has learned.
#[derive(Clone, Copy, Default)]
pub(super) struct Context {
    estimate: u8,
    more_likely: bool,
}

impl Context {
    pub(super) const fn starting_at(estimate: u8) -> Self {
        Self { estimate, more_likely: false }
    }
}

/// Writes bits. The names of its parts are those of the flow charts: A, C, CT, B.
pub(super) struct Encoder {
    /// The width of the interval: A.
    interval: u32,
    /// Its lower end, with a place for a carry: C.
    code: u32,
    /// Shifts until a byte is complete: CT.
    countdown: u32,
    /// The byte that a carry may still change: B. None before the first.
    last: Option<u8>,
    out: Vec<u8>,
}

impl Encoder {
    pub(super) const fn new() -> Self {
        Self { interval: 0x8000, code: 0, countdown: 12, last: None, out: Vec::new() }
    }

    /// Codes one bit.
    #[inline]
    pub(super) fn put(&mut self, context: &mut Context, bit: bool) {
        let Some(estimate) = ESTIMATES.get(usize::from(context.estimate)) else { return };
        self.interval -= estimate.width;
        if bit == context.more_likely {
            if self.interval & 0x8000 != 0 {
                self.code += estimate.width;
                return;
            }
            if self.interval < estimate.width {
                self.interval = estimate.width;
            } else {
                self.code += estimate.width;
            }
            context.estimate = estimate.after_more;
        } else {
            if self.interval < estimate.width {
                self.code += estimate.width;
            } else {
                self.interval = estimate.width;
            }
            context.more_likely ^= estimate.switches;
            context.estimate = estimate.after_less;
        }
        while self.interval & 0x8000 == 0 {
            self.interval <<= 1;
            self.code <<= 1;
            self.countdown -= 1;
            if self.countdown == 0 {
                self.byte_out();
            }
        }
    }

    /// Ends the code; it never ends with a byte of ones.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let end = self.code + self.interval;
        self.code |= 0xffff;
        if self.code >= end {
            self.code -= 0x8000;
        }
        for _ in 0..2 {
            self.code <<= self.countdown;
            self.byte_out();
        }
        if let Some(last) = self.last.filter(|last| *last != 0xff) {
            self.out.push(last);
        }
        self.out
    }

    #[allow(clippy::cast_possible_truncation)] // the low byte is meant
    fn byte_out(&mut self) {
        if self.last != Some(0xff) && self.code & 0x800_0000 != 0 {
            // There is a byte before the first carry: the interval begins below 2^16.
            self.last = self.last.map(|last| last + 1);
            self.code &= 0x7ff_ffff;
        }
        let after_ones = self.last == Some(0xff);
        let shift = if after_ones { 20 } else { 19 };
        self.out.extend(self.last);
        self.last = Some((self.code >> shift) as u8);
        self.code &= (1 << shift) - 1;
        self.countdown = if after_ones { 7 } else { 8 };
    }
}
