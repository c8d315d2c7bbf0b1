//! A small generator of numbers that look random and follow from a seed (SplitMix64, by Steele, Lea and
//! Flood 2014). Not for secrets.

#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Self(seed);
        // Neighbouring seeds must not give neighbouring streams.
        rng.0 = rng.next().rotate_left(17) ^ seed;
        rng
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A number from 0 to 1.
    #[allow(clippy::cast_precision_loss)] // 53 bits fit a double
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number between two others.
    pub(super) fn between(&mut self, from: f64, until: f64) -> f64 {
        from + (until - from) * self.unit()
    }

    /// Four numbers that are nearly normally distributed, mean 0, standard deviation 512: sums
    /// of four bytes each.
    pub(super) fn four_normal(&mut self) -> [i32; 4] {
        const LOW_BYTES: u64 = 0x00ff_00ff_00ff_00ff;
        let pairs = |draw: u64| (draw & LOW_BYTES) + ((draw >> 8) & LOW_BYTES);
        // Four lanes of 16 bits, in each the sum of four bytes: mean 510, standard deviation 147.8.
        let sums = pairs(self.next()) + pairs(self.next());
        let [a, b, c, d, e, f, g, h] = sums.to_le_bytes();
        // 887 / 256 times 147.8 is 512.
        [[a, b], [c, d], [e, f], [g, h]].map(|lane| ((i32::from(u16::from_le_bytes(lane)) - 510) * 887) >> 8)
    }

    /// One of a list.
    pub(super) fn pick<'a, T>(&mut self, list: &'a [T], otherwise: &'a T) -> &'a T {
        let at = usize::try_from(self.below(list.len() as u64)).unwrap_or(0);
        list.get(at).unwrap_or(otherwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_numbers_have_the_stated_mean_and_deviation() {
        let mut rng = Rng::new(1);
        let numbers: Vec<f64> = (0..25_000).flat_map(|_| rng.four_normal()).map(f64::from).collect();
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        let variance = numbers.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / numbers.len() as f64;
        assert!(mean.abs() < 8.0, "{mean}");
        assert!((variance.sqrt() - 512.0).abs() < 10.0, "{}", variance.sqrt());
    }
}
