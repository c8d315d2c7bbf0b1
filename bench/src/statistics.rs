//! Medians and percentiles. Nothing here is a mean: one slow request must not hide, nor stand for all.

use std::time::Duration;

/// Latencies of requests, sorted.
#[derive(Clone, Debug)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn new(mut latencies: Vec<Duration>) -> Self {
        latencies.sort_unstable();
        Self(latencies)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The latency that this share of requests did not exceed (nearest rank), in milliseconds.
    pub(crate) fn percentile_ms(&self, share: f64) -> f64 {
        let rank = (share * self.0.len() as f64).ceil().max(1.0) as usize;
        self.0.get(rank - 1).or(self.0.last()).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }
}

/// The middle value; the mean of the two middle ones for an even number.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.len() % 2, middle.checked_sub(1).and_then(|at| sorted.get(at)), sorted.get(middle)) {
        (0, Some(low), Some(high)) => f64::midpoint(*low, *high),
        (_, _, Some(value)) => *value,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let latencies = Latencies::new((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!(latencies.percentile_ms(0.5), 50.0);
        assert_eq!(latencies.percentile_ms(0.99), 99.0);
        assert_eq!(latencies.percentile_ms(1.0), 100.0);
        assert_eq!(Latencies::new(vec![Duration::from_millis(7)]).percentile_ms(0.99), 7.0);
    }

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }
}
