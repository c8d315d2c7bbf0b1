//! What JPEG-LS expects of a sample (ISO/IEC 14495-1 Annex A): a prediction from four neighbours, corrected by what was
//! learned in the same surroundings, and the order of the code for what it is off by.
//!
//! Reading and writing are the same walk over the rows; only the [`Channel`] differs.

use super::bits::{Channel, RunIndex};
use super::malformed;
use crate::error::PixelError;

/// What a scan is coded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parameters {
    /// The highest sample: MAXVAL.
    pub(super) highest: i32,
    /// How far a sample may be off: NEAR.
    pub(super) near: i32,
    /// Where gradients change their class: T1, T2, T3.
    pub(super) thresholds: [i32; 3],
    /// After so many samples the past counts half: RESET.
    pub(super) reset: i64,
}

impl Parameters {
    /// The parameters of a scan that presets nothing (§C.2.4.1.1.1).
    pub(super) fn defaults(highest: i32, near: i32) -> Self {
        let clamp = |value: i32, low: i32| if value > highest || value < low { low } else { value };
        let [basic1, basic2, basic3] = [3, 7, 21];
        let (t1, t2, t3) = if highest >= 128 {
            let factor = (highest.min(4095) + 128) / 256;
            (factor * (basic1 - 2) + 2, factor * (basic2 - 3) + 3, factor * (basic3 - 4) + 4)
        } else {
            let factor = 256 / (highest + 1);
            ((basic1 / factor).max(2), (basic2 / factor).max(3), (basic3 / factor).max(4))
        };
        let t1 = clamp(t1 + 3 * near, near + 1);
        let t2 = clamp(t2 + 5 * near, t1);
        let t3 = clamp(t3 + 7 * near, t2);
        Self { highest, near, thresholds: [t1, t2, t3], reset: 64 }
    }

    /// Whether the standard allows them.
    pub(super) fn are_legal(&self) -> bool {
        let [t1, t2, t3] = self.thresholds;
        let ascending = self.near < t1 && t1 <= t2 && t2 <= t3 && t3 <= self.highest;
        let near = (0..=self.highest.min(510) / 2).contains(&self.near);
        ascending && near && (3..=65_535).contains(&self.reset)
    }
}

/// What was learned in one kind of surroundings.
#[derive(Clone, Copy)]
struct Context {
    /// Sum of the sizes of errors: A.
    size: i64,
    /// Sum of errors: B.
    bias: i64,
    /// Correction of the prediction: C.
    correction: i32,
    /// How many there were: N.
    count: i64,
}

/// What was learned where runs end.
#[derive(Clone, Copy)]
struct RunContext {
    size: i64,
    count: i64,
    /// How many errors were negative: Nn.
    negative: i64,
}

/// The state of a scan.
pub(super) struct Model {
    parameters: Parameters,
    /// Number of different errors: RANGE.
    range: i32,
    /// Bits of an error: qbpp.
    error_bits: u32,
    /// Most bits of a code: LIMIT.
    limit: u32,
    contexts: Vec<Context>,
    /// Where a run ends beside another sample than the one above, and beside the same.
    run_ends: [RunContext; 2],
}

/// Kinds of surroundings: three gradients of nine classes, half of them by symmetry.
const CONTEXTS: usize = 365;

impl Model {
    pub(super) fn new(parameters: Parameters) -> Self {
        let Parameters { highest, near, .. } = parameters;
        let range = (highest + 2 * near) / (2 * near + 1) + 1;
        let bits = |number: i32| 32 - (number - 1).leading_zeros();
        let sample_bits = bits(highest + 1).max(2);
        let size = i64::from((range + 32) / 64).max(2);
        let run_end = RunContext { size, count: 1, negative: 0 };
        Self {
            parameters,
            range,
            error_bits: bits(range),
            limit: 2 * (sample_bits + sample_bits.max(8)),
            contexts: vec![Context { size, bias: 0, correction: 0, count: 1 }; CONTEXTS],
            run_ends: [run_end; 2],
        }
    }

    /// Codes a row of pixels of `N` samples that share their runs. Both rows have one more pixel at either end.
    pub(super) fn row<const N: usize, C: Channel>(
        &mut self,
        channel: &mut C,
        above: &[[i32; N]],
        row: &mut [[i32; N]],
        index: &mut RunIndex,
    ) -> Result<(), PixelError> {
        let near = self.parameters.near;
        let last = row.len() - 2;
        let mut at = 1;
        let mut a = pixel(row, 0);
        let (mut c, mut b) = (pixel(above, 0), pixel(above, 1));
        while at <= last {
            let d = pixel(above, at + 1);
            let is_flat = |((a, b), (c, d)): ((&i32, &i32), (&i32, &i32))| {
                (d - b).abs() <= near && (b - c).abs() <= near && (c - a).abs() <= near
            };
            if a.iter().zip(&b).zip(c.iter().zip(&d)).all(is_flat) {
                at += self.run(channel, above, row, at, index)?;
                (a, b, c) = (pixel(row, at - 1), pixel(above, at), pixel(above, at - 1));
                continue;
            }
            let mut here = pixel(row, at);
            for ((sample, (a, b)), (c, d)) in here.iter_mut().zip(a.iter().zip(&b)).zip(c.iter().zip(&d)) {
                *sample = self.sample(channel, [*a, *b, *c, *d], *sample)?;
            }
            if let Some(place) = row.get_mut(at) {
                *place = here;
            }
            (a, c, b) = (here, b, d);
            at += 1;
        }
        Ok(())
    }

    /// Codes a run of samples like the one before, and the sample that ends it. Returns how many pixels that were.
    fn run<const N: usize, C: Channel>(
        &mut self,
        channel: &mut C,
        above: &[[i32; N]],
        row: &mut [[i32; N]],
        at: usize,
        index: &mut RunIndex,
    ) -> Result<usize, PixelError> {
        let near = self.parameters.near;
        let a = pixel(row, at - 1);
        let left = row.len() - 1 - at;
        let length = if C::WRITES {
            let like_a =
                |pixel: &&[i32; N]| pixel.iter().zip(&a).all(|(one, other)| (one - other).abs() <= near);
            row.iter().skip(at).take(left).take_while(like_a).count()
        } else {
            0
        };
        let length = channel.run(length, left, index)?;
        row.iter_mut().skip(at).take(length).for_each(|pixel| *pixel = a);
        if length == left {
            return Ok(length);
        }
        let b = pixel(above, at + length);
        let mut here = pixel(row, at + length);
        for (sample, (a, b)) in here.iter_mut().zip(a.iter().zip(&b)) {
            // Samples that share their runs are all predicted from above (§A.7.2 with interleaving).
            let like_above = N == 1 && (a - b).abs() <= near;
            *sample = self.run_end(channel, *a, *b, like_above, *sample, *index)?;
        }
        if let Some(place) = row.get_mut(at + length) {
            *place = here;
        }
        index.shorter();
        Ok(length + 1)
    }

    /// Codes one sample from its neighbours: left, above, above left, above right (§A.3 to §A.6).
    #[inline]
    fn sample<C: Channel>(
        &mut self,
        channel: &mut C,
        [a, b, c, d]: [i32; 4],
        sample: i32,
    ) -> Result<i32, PixelError> {
        let surroundings = 81 * self.class(d - b) + 9 * self.class(b - c) + self.class(c - a);
        let sign = if surroundings < 0 { -1 } else { 1 };
        let Parameters { highest, near, reset, .. } = self.parameters;
        let error_of = |predicted: i32| if C::WRITES { self.error(sign * (sample - predicted)) } else { 0 };

        let context = self.contexts.get(surroundings.unsigned_abs() as usize).copied();
        let mut context = context.ok_or(malformed("there are 365 contexts"))?;
        let predicted = (median(a, b, c) + sign * context.correction).clamp(0, highest);
        let order = order(context.size, context.count);
        // Where small errors tend to be negative, their codes change places.
        let swaps = near == 0 && order == 0 && 2 * context.bias <= -context.count;
        let mapped = folded(error_of(predicted), swaps);
        let limit = self.limit - self.error_bits - 1;
        let error = unfolded(channel.number(mapped, order, limit, self.error_bits)?, swaps);
        if error.abs() > self.range {
            return Err(malformed("an error is larger than any difference of samples"));
        }
        context.learn(error, near, reset);
        if let Some(place) = self.contexts.get_mut(surroundings.unsigned_abs() as usize) {
            *place = context;
        }
        Ok(self.corrected(predicted, sign * error))
    }

    /// Codes the sample that ends a run (§A.7.2).
    fn run_end<C: Channel>(
        &mut self,
        channel: &mut C,
        a: i32,
        b: i32,
        like_above: bool,
        sample: i32,
        index: RunIndex,
    ) -> Result<i32, PixelError> {
        let predicted = if like_above { a } else { b };
        let sign = if !like_above && a > b { -1 } else { 1 };
        let [other, same] = self.run_ends;
        let mut context = if like_above { same } else { other };
        let alike = i64::from(like_above);
        let order = order(context.size + alike * (context.count >> 1), context.count);
        let positive_first = order == 0 && 2 * context.negative < context.count;
        let mapped = if C::WRITES {
            let error = self.error(sign * (sample - predicted));
            let swaps = if positive_first { error > 0 } else { error < 0 };
            2 * error.unsigned_abs() - u32::from(like_above) - u32::from(swaps)
        } else {
            0
        };
        let limit = (self.limit - index.bits() - 1).saturating_sub(self.error_bits + 1);
        let mapped = channel.number(mapped, order, limit, self.error_bits)?;
        let folded = mapped.saturating_add(u32::from(like_above));
        let size = i32::try_from(folded.div_ceil(2)).unwrap_or(i32::MAX);
        if size > self.range {
            return Err(malformed("an error is larger than any difference of samples"));
        }
        let error = if (folded % 2 == 1) == positive_first { size } else { -size };
        context.negative += i64::from(error < 0);
        context.size += (i64::from(mapped) + 1 - alike) >> 1;
        if context.count == self.parameters.reset {
            context.size >>= 1;
            context.count >>= 1;
            context.negative >>= 1;
        }
        context.count += 1;
        self.run_ends = if like_above { [other, context] } else { [context, same] };
        Ok(self.corrected(predicted, sign * error))
    }

    /// The class of a gradient, from -4 to 4 (§A.3.3).
    #[inline]
    fn class(&self, gradient: i32) -> i32 {
        let [t1, t2, t3] = self.parameters.thresholds;
        let size = gradient.abs();
        let class = if size <= self.parameters.near {
            0
        } else if size < t1 {
            1
        } else if size < t2 {
            2
        } else if size < t3 {
            3
        } else {
            4
        };
        class * gradient.signum()
    }

    /// The error that is coded for a difference: in steps of what may be off, modulo the number of errors.
    #[inline]
    fn error(&self, difference: i32) -> i32 {
        let (near, range) = (self.parameters.near, self.range);
        let steps = if difference > 0 {
            (difference + near) / (2 * near + 1)
        } else {
            -((near - difference) / (2 * near + 1))
        };
        let steps = if steps < 0 { steps + range } else { steps };
        if steps >= (range + 1) / 2 { steps - range } else { steps }
    }

    /// The sample that a decoder gets.
    #[inline]
    fn corrected(&self, predicted: i32, error: i32) -> i32 {
        let Parameters { highest, near, .. } = self.parameters;
        let (step, span) = (2 * near + 1, self.range * (2 * near + 1));
        let sample = predicted + error * step;
        let sample = if sample < -near {
            sample + span
        } else if sample > highest + near {
            sample - span
        } else {
            sample
        };
        sample.clamp(0, highest)
    }
}

impl Context {
    /// Takes an error into account (§A.6).
    #[inline]
    fn learn(&mut self, error: i32, near: i32, reset: i64) {
        self.bias += i64::from(error) * i64::from(2 * near + 1);
        self.size += i64::from(error.abs());
        if self.count == reset {
            self.size >>= 1;
            self.bias = if self.bias >= 0 { self.bias >> 1 } else { -((1 - self.bias) >> 1) };
            self.count >>= 1;
        }
        self.count += 1;
        if self.bias <= -self.count {
            self.bias = (self.bias + self.count).max(1 - self.count);
            self.correction = (self.correction - 1).max(-128);
        } else if self.bias > 0 {
            self.bias = (self.bias - self.count).min(0);
            self.correction = (self.correction + 1).min(127);
        }
    }
}

// === helpers ===

fn pixel<const N: usize>(row: &[[i32; N]], at: usize) -> [i32; N] {
    row.get(at).copied().unwrap_or([0; N])
}

/// The median of left, above and the plane through the three neighbours (§A.4.1).
#[inline]
fn median(a: i32, b: i32, c: i32) -> i32 {
    let (low, high) = (a.min(b), a.max(b));
    if c >= high {
        low
    } else if c <= low {
        high
    } else {
        a + b - c
    }
}

/// The order of the Golomb code: the first at which the mean error is not above one step (§A.5.1).
#[inline]
fn order(size: i64, count: i64) -> u32 {
    let mut order = 0;
    while count << order < size {
        order += 1;
    }
    order
}

/// An error as a number without sign (§A.5.2).
#[inline]
fn folded(error: i32, swaps: bool) -> u32 {
    match (error >= 0, swaps) {
        (true, false) => 2 * error.unsigned_abs(),
        (false, false) => 2 * error.unsigned_abs() - 1,
        (true, true) => 2 * error.unsigned_abs() + 1,
        (false, true) => 2 * (error.unsigned_abs() - 1),
    }
}

#[inline]
fn unfolded(mapped: u32, swaps: bool) -> i32 {
    let half = i32::try_from(mapped >> 1).unwrap_or(i32::MAX >> 1);
    if (mapped & 1 == 0) == swaps { -half - 1 } else { half }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_those_of_the_standard() {
        // ISO/IEC 14495-1 Table C.3.
        assert_eq!(Parameters::defaults(255, 0).thresholds, [3, 7, 21]);
        assert_eq!(Parameters::defaults(4095, 0).thresholds, [18, 67, 276]);
        assert_eq!(Parameters::defaults(65_535, 0).thresholds, [18, 67, 276]);
        assert_eq!(Parameters::defaults(255, 3).thresholds, [12, 22, 42]);
        for bits in 2..=16 {
            assert!(Parameters::defaults((1 << bits) - 1, 0).are_legal(), "{bits} bits");
        }
    }

    #[test]
    fn errors_are_folded_and_unfolded() {
        for swaps in [false, true] {
            for error in -300..300 {
                assert_eq!(unfolded(folded(error, swaps), swaps), error);
            }
        }
    }
}
