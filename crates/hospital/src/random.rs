//! Numbers that look random and are told by a seed: the same on every machine, for ever. No secrets come from here.

/// A stream of numbers (splitmix64: one addition and three mixing steps for each).
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: u64,
}

/// The odd constant by which splitmix64 advances: 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// The stream of one purpose. Streams of other words or numbers have nothing to do with it, so a change in one part of the
    /// hospital leaves the others as they are.
    pub(crate) fn of(seed: u64, word: &str, number: u64) -> Self {
        let mut state = mixed(seed ^ STEP);
        for byte in word.bytes() {
            state = mixed(state ^ u64::from(byte));
        }
        Self { state: mixed(state ^ number) }
    }

    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mixed(self.state)
    }

    /// From 0 up to, not including, 1.
    #[allow(clippy::cast_precision_loss)] // 53 bits fit a double
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True so often.
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// From `low` to `high`, both included; `low` where there is nothing between.
    #[allow(clippy::cast_sign_loss, clippy::cast_possible_wrap)] // spans are positive, and far below 2^63
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = (high - low).max(0) as u64 + 1;
        low + (self.next() % span) as i64
    }

    /// How many, on average `mean`: the whole part, and one more so often as the rest says; then a little up or down.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // means are small and positive
    pub(crate) fn about(&mut self, mean: f64) -> usize {
        let varied = mean * (0.85 + 0.3 * self.share());
        varied as usize + usize::from(self.chance(varied.fract()))
    }

    /// One of them; nothing of nothing.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.index(from.len())).copied()
    }

    /// An index below `length`; 0 for 0.
    #[allow(clippy::cast_possible_truncation)] // below the length of something in memory
    pub(crate) fn index(&mut self, length: usize) -> usize {
        (self.next() % (length.max(1) as u64)) as usize
    }

    /// An index, each as often as its weight says.
    pub(crate) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.share() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        weights.len().saturating_sub(1)
    }
}

fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_told_by_seed_word_and_number() {
        let first = |seed, word, number| Random::of(seed, word, number).next();
        assert_eq!(first(1, "roster", 2), first(1, "roster", 2));
        for other in [first(2, "roster", 2), first(1, "roster", 3), first(1, "rosteR", 2)] {
            assert_ne!(first(1, "roster", 2), other);
        }
    }

    #[test]
    fn what_is_drawn_stays_within_its_bounds_and_reaches_them() {
        let mut random = Random::of(7, "bounds", 0);
        let drawn: Vec<i64> = (0..2000).map(|_| random.between(-2, 3)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&-2), Some(&3)));
        let mean = (0..2000).map(|_| random.about(2.5)).sum::<usize>() as f64 / 2000.0;
        assert!((2.3..2.7).contains(&mean), "{mean}");
        let heavy = (0..2000).filter(|_| random.weighted(&[1.0, 3.0]) == 1).count();
        assert!((1400..1600).contains(&heavy), "{heavy}");
        assert_eq!(random.pick::<u8>(&[]), None);
    }
}
