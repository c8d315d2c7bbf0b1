//! What a role does on a day: a count of person-days by how much they held, and the limit that follows from it.

use super::rules::Measure;
use std::collections::HashMap;

/// Roles of which a history is kept.
const ROLES_MAX: usize = 256;
/// Steps of the count per doubling: a quantile is told to a fifth.
const STEPS_PER_DOUBLING: f64 = 4.0;
/// Buckets, enough for 2^64.
const BUCKETS: usize = 257;
/// Person-days before a history says anything: below it a 99.9th percentile is the largest value alone.
const ENOUGH: u64 = 300;
/// How far above its own percentile a role is stopped.
const TIMES: u64 = 3;

/// How person-days of roles were.
#[derive(Debug, Default)]
pub(super) struct History {
    of_role: HashMap<(String, Measure), Days>,
}

#[derive(Debug)]
struct Days {
    count: u64,
    buckets: Vec<u32>,
}

impl History {
    /// Takes the day of a person that held this much.
    pub(super) fn day(&mut self, role: &str, measure: Measure, held: u64) {
        if held == 0 {
            return;
        }
        let name = (role.to_owned(), measure);
        if self.of_role.len() >= ROLES_MAX && !self.of_role.contains_key(&name) {
            return;
        }
        let days = self.of_role.entry(name).or_insert_with(|| Days { count: 0, buckets: vec![0; BUCKETS] });
        days.count = days.count.saturating_add(1);
        if let Some(bucket) = days.buckets.get_mut(bucket_of(held)) {
            *bucket = bucket.saturating_add(1);
        }
    }

    /// The limit of a day that follows from it, once enough is known.
    pub(super) fn limit(&self, role: &str, measure: Measure) -> Option<u64> {
        let days = self.of_role.get(&(role.to_owned(), measure)).filter(|days| days.count >= ENOUGH)?;
        // As many person-days may lie above.
        let above = days.count / 1000;
        let mut seen = 0_u64;
        for (bucket, count) in days.buckets.iter().enumerate().rev() {
            seen = seen.saturating_add(u64::from(*count));
            if seen > above {
                return Some(upper(bucket).saturating_mul(TIMES));
            }
        }
        None
    }
}

// The values are bounded: a logarithm of 2^64 is 64.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn bucket_of(held: u64) -> usize {
    ((held.max(1) as f64).log2() * STEPS_PER_DOUBLING).ceil() as usize
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn upper(bucket: usize) -> u64 {
    (bucket as f64 / STEPS_PER_DOUBLING).exp2().ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_follows_from_little_and_three_times_the_percentile_from_much() {
        let mut history = History::default();
        for n in 0..299 {
            history.day("clinician", Measure::Patients, 20 + n % 10);
        }
        assert_eq!(history.limit("clinician", Measure::Patients), None);
        for n in 0..5000 {
            history.day("clinician", Measure::Patients, 20 + n % 10);
        }
        // One day in five thousand does not move it.
        history.day("clinician", Measure::Patients, 10_000);
        let limit = history.limit("clinician", Measure::Patients).unwrap();
        assert!((87..=105).contains(&limit), "{limit}");
        assert_eq!(history.limit("clinician", Measure::Exports), None);
        assert_eq!(history.limit("other", Measure::Patients), None);
    }

    #[test]
    fn a_bucket_holds_what_its_upper_end_says() {
        for held in [1, 2, 3, 7, 100, 101, 12_345, 1 << 40] {
            assert!(upper(bucket_of(held)) >= held);
            assert!(upper(bucket_of(held)) <= held + held / 4 + 1, "{held}");
        }
    }
}
