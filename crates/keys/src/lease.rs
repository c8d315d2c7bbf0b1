//! How long keys stay in memory before whoever keeps the root key is asked again.
//!
//! ```text
//!  given ──── fresh ────► old ──────── outage ────────► wiped
//!                          │ the next use asks
//!                          ├─ given      fresh again
//!                          ├─ refused    wiped at once
//!                          └─ no answer  used on, until they are wiped
//! ```
//!
//! One lease is for everything in memory, as all of it hangs below one epoch: to hold keys of lesser grades longer would be to hold the
//! same key longer. So a root key that is taken away closes the archive within [`LeaseTimes::fresh`], and one that does not answer
//! leaves people their images for [`LeaseTimes::outage`]. While it does not answer it is asked now and then, not for every image.

use crate::RootError;
use std::time::{Duration, Instant};

/// How long keys are used without asking: an answer per minute is nothing to any root.
const FRESH: Duration = Duration::from_secs(60);

/// How much longer they are used while the root does not answer: as long as a service is commonly restarted or failed over.
const OUTAGE: Duration = Duration::from_secs(5 * 60);

/// How long a root that did not answer is left alone: a dead one must not slow down every image.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// The times of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeaseTimes {
    pub(crate) fresh: Duration,
    pub(crate) outage: Duration,
    pub(crate) ask_again: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self { fresh: FRESH, outage: OUTAGE, ask_again: ASK_AGAIN }
    }
}

/// What may be done with the keys in memory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Use them.
    Use,
    /// Ask the root first.
    Ask,
    /// There are none, and the root did not answer a moment ago.
    Wait(RootError),
}

/// Since when keys are in memory, and what the root said last.
#[derive(Debug)]
pub(crate) struct Lease {
    times: LeaseTimes,
    given: Option<Instant>,
    silent: Option<(Instant, RootError)>,
}

impl Lease {
    pub(crate) fn begin(times: LeaseTimes, now: Instant) -> Self {
        Self { times, given: Some(now), silent: None }
    }

    pub(crate) fn set_outage(&mut self, outage: Duration) {
        self.times.outage = outage;
    }

    pub(crate) fn look(&self, now: Instant) -> Look {
        if self.given.is_some_and(|given| now < given + self.times.fresh) {
            return Look::Use;
        }
        match &self.silent {
            Some((since, error)) if now < *since + self.times.ask_again => match self.has_ended(now) {
                false => Look::Use,
                true => Look::Wait(error.clone()),
            },
            Some(_) | None => Look::Ask,
        }
    }

    /// The root gave the keys again.
    pub(crate) fn renew(&mut self, now: Instant) {
        (self.given, self.silent) = (Some(now), None);
    }

    /// The root did not answer. Says whether the keys may be used all the same.
    pub(crate) fn unanswered(&mut self, error: RootError, now: Instant) -> bool {
        self.silent = Some((now, error));
        !self.has_ended(now)
    }

    /// The keys were wiped.
    pub(crate) fn end(&mut self) {
        self.given = None;
    }

    /// Whether keys must not be in memory any more.
    pub(crate) fn has_ended(&self, now: Instant) -> bool {
        self.given.is_none_or(|given| now >= given + self.times.fresh + self.times.outage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RootKind;

    fn silence() -> RootError {
        RootError::Unreachable { kind: RootKind::Pkcs11, cause: "mock".into() }
    }

    #[test]
    fn keys_are_used_for_a_minute_and_then_asked_for() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut lease = Lease::begin(LeaseTimes::default(), start);
        assert_eq!([59, 60].map(|s| lease.look(start + second * s)), [Look::Use, Look::Ask]);
        lease.renew(start + second * 100);
        assert_eq!([159, 160].map(|s| lease.look(start + second * s)), [Look::Use, Look::Ask]);
    }

    #[test]
    fn a_silent_root_leaves_keys_for_the_outage_and_not_longer_and_is_not_asked_all_the_time() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut lease = Lease::begin(LeaseTimes::default(), start);
        assert!(lease.unanswered(silence(), start + second * 60));
        assert_eq!([64, 65].map(|s| lease.look(start + second * s)), [Look::Use, Look::Ask]);
        assert!(lease.unanswered(silence(), start + second * 358));
        assert_eq!(
            [359, 360, 363].map(|s| lease.look(start + second * s)),
            [Look::Use, Look::Wait(silence()), Look::Ask]
        );
        assert!(!lease.unanswered(silence(), start + second * 363));
        lease.renew(start + second * 370);
        assert_eq!(lease.look(start + second * 370), Look::Use);
    }

    #[test]
    fn what_nobody_uses_ends_too_and_what_was_wiped_is_asked_for() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut lease = Lease::begin(LeaseTimes::default(), start);
        assert_eq!([359, 360].map(|s| lease.has_ended(start + second * s)), [false, true]);
        lease.end();
        assert!(lease.has_ended(start));
        assert_eq!(lease.look(start), Look::Ask);
        lease.set_outage(Duration::ZERO);
        lease.renew(start);
        assert_eq!([59, 60].map(|s| lease.has_ended(start + second * s)), [false, true]);
    }
}
