//! Counts what was done, where it is done and not where it is written down: heartbeats of the audit log compare both.

use std::sync::atomic::{AtomicU64, Ordering};
use yingdun_audit::complete::{Act, Counted};

/// What was done since the start.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    acts: [AtomicU64; Act::ALL.len()],
    suppressed: AtomicU64,
    /// Acts that have begun and are neither done nor broken off.
    begun: AtomicU64,
    broken_off: AtomicU64,
}

/// An act on its way: done, or dropped before it was, with a leaf or without.
#[derive(Debug)]
pub(crate) struct Begun<'a> {
    tally: &'a Tally,
    done: bool,
}

impl Tally {
    /// An act begins whose leaf comes first.
    pub(crate) fn begin(&self) -> Begun<'_> {
        self.begun.fetch_add(1, Ordering::AcqRel);
        Begun { tally: self, done: false }
    }

    /// An act was done.
    pub(crate) fn count(&self, act: Act) {
        if let Some((number, _)) = self.acts.iter().zip(Act::ALL).find(|(_, of)| *of == act) {
            number.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// A refusal has no leaf of its own.
    pub(crate) fn suppressed(&self) {
        self.suppressed.fetch_add(1, Ordering::AcqRel);
    }

    /// What was counted until now. `unwraps` are counted elsewhere, before.
    pub(crate) fn counted(&self, unwraps: u64) -> Counted {
        // In this order: what ends meanwhile is among those that are done as well, and never in neither.
        let begun = self.begun.load(Ordering::Acquire);
        let broken_off = self.broken_off.load(Ordering::Acquire);
        let of = |act: Act| {
            let number = self.acts.iter().zip(Act::ALL).find(|(_, of)| *of == act);
            number.map_or(0, |(number, _)| number.load(Ordering::Acquire))
        };
        Counted {
            permits: of(Act::Permit),
            unwraps,
            associations: of(Act::Association),
            rejected: of(Act::Rejection),
            released: of(Act::Release),
            aborted: of(Act::Abort),
            sign_ins: of(Act::SignIn),
            sign_ins_refused: of(Act::RefusedSignIn),
            suppressed: self.suppressed.load(Ordering::Acquire),
            unfinished: begun + broken_off,
        }
    }
}

impl Begun<'_> {
    /// The act was done.
    pub(crate) fn done(mut self, act: Act) {
        self.tally.count(act);
        self.done = true;
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.tally.broken_off.fetch_add(1, Ordering::AcqRel);
        }
        self.tally.begun.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_on_its_way_is_unfinished_for_ever_and_what_is_done_is_not() {
        let tally = Tally::default();
        let (first, second) = (tally.begin(), tally.begin());
        assert_eq!(tally.counted(7), Counted { unwraps: 7, unfinished: 2, ..Counted::default() });
        first.done(Act::SignIn);
        drop(second);
        tally.count(Act::Release);
        let counted = tally.counted(0);
        assert_eq!(counted, Counted { sign_ins: 1, released: 1, unfinished: 1, ..Counted::default() });
        for act in Act::ALL {
            let before = tally.counted(0).of(act);
            tally.count(act);
            assert_eq!(tally.counted(0).of(act), before + 1, "{act:?}");
        }
    }
}
