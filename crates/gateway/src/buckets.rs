//! Buckets of many sources, within a bound of memory.

use crate::rate::{Bucket, Rate, TooMany};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Sources that are remembered, some hundred bytes each: 16 thousand are 2 MB, and more people and devices than one archive has.
const SOURCES_MAX: usize = 16 * 1024;

/// How long between two looks for sources that can be forgotten: each look costs a millisecond.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// One bucket per source.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    inner: Mutex<Inner<K>>,
}

#[derive(Debug)]
struct Inner<K> {
    known: HashMap<K, (Rate, Bucket)>,
    /// All for whom there was no room: who was here before keeps a bucket, and newcomers share this one.
    others: Bucket,
    swept: Option<Duration>,
}

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self { inner: Mutex::new(Inner { known: HashMap::new(), others: Bucket::default(), swept: None }) }
    }
}

impl<K: Eq + Hash> Buckets<K> {
    /// Takes one of what a source has.
    pub(crate) fn take(&self, source: K, rate: Rate, now: Duration) -> Result<(), TooMany> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, bucket)) = inner.known.get_mut(&source) {
            *of = rate;
            return bucket.take(rate, now);
        }
        let is_due = inner.swept.is_none_or(|at| now >= at + SWEEP_PAUSE);
        if inner.known.len() >= SOURCES_MAX && is_due {
            inner.known.retain(|_, (rate, bucket)| !bucket.is_rested(*rate, now));
            inner.swept = Some(now);
        }
        if inner.known.len() >= SOURCES_MAX {
            return inner.others.take(rate, now);
        }
        let (_, bucket) = inner.known.entry(source).or_insert((rate, Bucket::default()));
        bucket.take(rate, now)
    }

    /// Whether one could be taken, without taking it.
    pub(crate) fn look(&self, source: &K, rate: Rate, now: Duration) -> Result<(), TooMany> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = inner.known.len() >= SOURCES_MAX;
        let mut bucket = match inner.known.get(source) {
            Some((_, bucket)) => *bucket,
            None if is_full => inner.others,
            None => return Ok(()),
        };
        bucket.take(rate, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_does_not_hold_another_one_back() {
        let (buckets, rate) = (Buckets::default(), Rate::new(1, 2));
        let taken = |source: &str| {
            (0..10).filter(|_| buckets.take(source.to_owned(), rate, Duration::ZERO).is_ok()).count()
        };
        assert_eq!((taken("a"), taken("b")), (2, 2));
    }

    #[test]
    fn memory_is_bounded_newcomers_share_and_who_was_here_keeps_a_bucket() {
        let (buckets, rate) = (Buckets::default(), Rate::new(1, 2));
        let now = Duration::ZERO;
        let taken = (0..4 * SOURCES_MAX).filter(|source| buckets.take(*source, rate, now).is_ok()).count();
        assert_eq!(taken, SOURCES_MAX + 2);
        assert!(buckets.take(0, rate, now).is_ok(), "the first has one left");
        let later = Duration::from_secs(10);
        assert!(buckets.take(usize::MAX, rate, later).is_ok());
        assert_eq!(buckets.inner.lock().unwrap().known.len(), 1, "those that had rested are forgotten");
    }
}
