//! The coefficients of a code-block, from the highest bit to the lowest, in three passes for each (ISO/IEC 15444-1
//! Annex D): what lies beside something significant, what is significant already, and the rest.

use super::arithmetic::{Context, Encoder};

/// Contexts 0 to 8 say how many neighbours are significant, 9 to 13 which sign they have, 14 to 16 whether a coefficient is
/// refined for the first time, then one for runs and one for what is evenly distributed.
const CONTEXTS: usize = 19;
const SIGN: usize = 9;
const REFINEMENT: usize = 14;
const RUN: usize = 17;
const UNIFORM: usize = 18;

/// Rows that are coded column by column.
const STRIPE_ROWS: usize = 4;

/// The directions in which a sub-band holds what changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Orientation {
    /// Nothing: the smallest picture. Coded as what changes downwards.
    Low,
    /// What changes from left to right.
    Across,
    /// What changes downwards.
    Down,
    /// Both.
    Both,
}

/// A coded code-block.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    /// Bits of its largest coefficient; nothing is coded if 0.
    pub(super) bits: u32,
    /// Number of passes.
    pub(super) passes: u32,
    pub(super) bytes: Vec<u8>,
}

/// Codes a block of coefficients, row by row.
pub(super) fn encode(coefficients: &[i32], columns: usize, orientation: Orientation) -> Block {
    let largest = coefficients.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0);
    let bits = 32 - largest.leading_zeros();
    if bits == 0 {
        return Block::default();
    }
    let mut coder = Coder::new(coefficients, columns, orientation);
    for plane in (0..bits).rev() {
        coder.plane = plane;
        if plane + 1 < bits {
            coder.significance_pass();
            coder.refinement_pass();
        }
        coder.cleanup_pass();
    }
    Block { bits, passes: 3 * bits - 2, bytes: coder.mq.finish() }
}

/// A coefficient. A frame of one coefficient lies around the block, so that all have eight neighbours.
#[derive(Clone, Copy, Default)]
struct Coefficient {
    size: u32,
    is_negative: bool,
    is_significant: bool,
    is_refined: bool,
    /// Coded in the first pass of this plane.
    is_done: bool,
    /// Which neighbours are significant, one bit each.
    around: u8,
}

// Neighbours, as bits.
const LEFT: u8 = 1;
const RIGHT: u8 = 2;
const ABOVE: u8 = 4;
const BELOW: u8 = 8;
const CORNERS: u8 = 0xf0;

struct Coder {
    mq: Encoder,
    contexts: [Context; CONTEXTS],
    coefficients: Vec<Coefficient>,
    /// The context of each set of significant neighbours.
    zero_contexts: Box<[u8; 256]>,
    columns: usize,
    rows: usize,
    stride: usize,
    plane: u32,
}

impl Coder {
    fn new(values: &[i32], columns: usize, orientation: Orientation) -> Self {
        let rows = values.len() / columns;
        let stride = columns + 2;
        let mut coefficients = vec![Coefficient::default(); stride * (rows + 2)];
        let lines = coefficients.chunks_exact_mut(stride).skip(1);
        for (line, values) in lines.zip(values.chunks_exact(columns)) {
            for (coefficient, value) in line.iter_mut().skip(1).zip(values) {
                coefficient.size = value.unsigned_abs();
                coefficient.is_negative = *value < 0;
            }
        }
        let mut contexts = [Context::default(); CONTEXTS];
        contexts[0] = Context::starting_at(4);
        contexts[RUN] = Context::starting_at(3);
        contexts[UNIFORM] = Context::starting_at(46);
        let mut zero_contexts = Box::new([0; 256]);
        for (context, around) in zero_contexts.iter_mut().zip(0..=u8::MAX) {
            *context = zero_context(around, orientation);
        }
        Self { mq: Encoder::new(), contexts, coefficients, zero_contexts, columns, rows, stride, plane: 0 }
    }

    /// First pass: what is not significant and has a significant neighbour.
    fn significance_pass(&mut self) {
        for (at, _) in self.scan() {
            let here = self.at(at);
            if !here.is_significant && here.around != 0 {
                self.zero(at);
                self.change(at, |here| here.is_done = true);
            }
        }
    }

    /// Second pass: what was significant before this plane.
    fn refinement_pass(&mut self) {
        for (at, _) in self.scan() {
            let here = self.at(at);
            if here.is_significant && !here.is_done {
                let context = match (here.is_refined, here.around) {
                    (true, _) => REFINEMENT + 2,
                    (false, 0) => REFINEMENT,
                    (false, _) => REFINEMENT + 1,
                };
                self.put(context, here.size >> self.plane & 1 == 1);
                self.change(at, |here| here.is_refined = true);
            }
        }
    }

    /// Third pass: everything else; four that are not significant and have nothing around them are coded as a run.
    fn cleanup_pass(&mut self) {
        let mut skip = 0;
        for (at, row) in self.scan() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let column = (0..STRIPE_ROWS).map(|down| self.at(at + down * self.stride));
            let is_quiet = |one: Coefficient| !one.is_significant && !one.is_done && one.around == 0;
            if row % STRIPE_ROWS == 0 && row + STRIPE_ROWS <= self.rows && column.clone().all(is_quiet) {
                let plane = self.plane;
                let first = column.clone().position(|one| one.size >> plane & 1 == 1);
                self.put(RUN, first.is_some());
                skip = STRIPE_ROWS - 1;
                if let Some(first) = first {
                    self.put(UNIFORM, first & 2 != 0);
                    self.put(UNIFORM, first & 1 != 0);
                    self.sign(at + first * self.stride);
                    for down in first + 1..STRIPE_ROWS {
                        self.zero(at + down * self.stride);
                    }
                }
                continue;
            }
            let here = self.at(at);
            if !here.is_significant && !here.is_done {
                self.zero(at);
            }
        }
        self.coefficients.iter_mut().for_each(|one| one.is_done = false);
    }

    /// Codes whether a coefficient becomes significant, and its sign if so.
    fn zero(&mut self, at: usize) {
        let here = self.at(at);
        let context = self.zero_contexts.get(usize::from(here.around)).copied().unwrap_or(0);
        let bit = here.size >> self.plane & 1 == 1;
        self.put(usize::from(context), bit);
        if bit {
            self.sign(at);
        }
    }

    /// Codes a sign, and tells the neighbours (Tables D.2, D.3).
    fn sign(&mut self, at: usize) {
        let contribution = |one: Coefficient| match (one.is_significant, one.is_negative) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => -1,
        };
        let (above, below) = (at - self.stride, at + self.stride);
        let across: i32 = contribution(self.at(at - 1)) + contribution(self.at(at + 1));
        let down: i32 = contribution(self.at(above)) + contribution(self.at(below));
        let (context, flips) = match (across.signum(), down.signum()) {
            (1, 1) => (4, false),
            (1, 0) => (3, false),
            (1, _) => (2, false),
            (0, 1) => (1, false),
            (0, 0) => (0, false),
            (0, _) => (1, true),
            (_, 1) => (2, true),
            (_, 0) => (3, true),
            (_, _) => (4, true),
        };
        let is_negative = self.at(at).is_negative;
        self.put(SIGN + context, is_negative ^ flips);
        self.change(at, |here| here.is_significant = true);
        for (neighbour, bit) in [
            (at - 1, RIGHT),
            (at + 1, LEFT),
            (above, BELOW),
            (below, ABOVE),
            (above - 1, 0x10),
            (above + 1, 0x20),
            (below - 1, 0x40),
            (below + 1, 0x80),
        ] {
            self.change(neighbour, |one| one.around |= bit);
        }
    }

    fn put(&mut self, context: usize, bit: bool) {
        if let Some(context) = self.contexts.get_mut(context) {
            self.mq.put(context, bit);
        }
    }

    #[inline]
    fn at(&self, at: usize) -> Coefficient {
        self.coefficients.get(at).copied().unwrap_or_default()
    }

    #[inline]
    fn change(&mut self, at: usize, change: impl FnOnce(&mut Coefficient)) {
        if let Some(one) = self.coefficients.get_mut(at) {
            change(one);
        }
    }

    /// Places and rows in the order of coding: stripes of four rows, column by column (§D.1).
    fn scan(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (rows, columns, stride) = (self.rows, self.columns, self.stride);
        (0..rows).step_by(STRIPE_ROWS).flat_map(move |top| {
            let bottom = rows.min(top + STRIPE_ROWS);
            (0..columns)
                .flat_map(move |column| (top..bottom).map(move |row| ((row + 1) * stride + column + 1, row)))
        })
    }
}

// === helpers ===

/// The context of a coefficient by its significant neighbours (Table D.1).
const fn zero_context(around: u8, orientation: Orientation) -> u8 {
    let across = (around & (LEFT | RIGHT)).count_ones();
    let down = (around & (ABOVE | BELOW)).count_ones();
    let corners = (around & CORNERS).count_ones();
    let (along, against) = match orientation {
        Orientation::Low | Orientation::Down => (across, down),
        Orientation::Across => (down, across),
        Orientation::Both => {
            return match (corners, across + down) {
                (0, 0) => 0,
                (0, 1) => 1,
                (0, _) => 2,
                (1, 0) => 3,
                (1, 1) => 4,
                (1, _) => 5,
                (2, 0) => 6,
                (2, _) => 7,
                (_, _) => 8,
            };
        }
    };
    match (along, against, corners) {
        (0, 0, 0) => 0,
        (0, 0, 1) => 1,
        (0, 0, _) => 2,
        (0, 1, _) => 3,
        (0, _, _) => 4,
        (1, 0, 0) => 5,
        (1, 0, _) => 6,
        (1, _, _) => 7,
        (_, _, _) => 8,
    }
}
