//! How many patients without a reason a person has on the days on which it works, and when that grows.

use std::collections::VecDeque;

/// Days that are remembered: two months.
const DAYS_MAX: usize = 60;
/// Working days before a person has a baseline of its own; until then that of the role counts.
const ENOUGH: usize = 5;
/// The last days leave the baseline, so that what grows now does not hide itself.
const GUARD: usize = 5;
/// A day counts as above all others when it has this many times as many, and at least so many more.
const TIMES: f64 = 3.0;
const MORE: f64 = 8.0;
/// Slow collection: what a day may have above the usual before it adds up, and from which sum on it is told, in deviations.
const SLACK: f64 = 0.6;
const TOLD_FROM: f64 = 5.0;
/// What has added up is told on days that add to it themselves: so many more, and so many points at most for each of these.
const SLOW_MORE: f64 = 3.0;
const SLOW_EACH: f64 = 5.0;

/// Days of one person.
#[derive(Clone, Debug, Default)]
pub(super) struct Baseline {
    days: VecDeque<u16>,
    /// What has added up above the usual.
    sum: f64,
}

/// What a day says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DaySays {
    /// So many more than usual, where that is far above.
    pub(super) above: u32,
    /// Points of slow collection.
    pub(super) slow: u32,
}

impl Baseline {
    /// Takes a day on which the person worked. `role` is the mean of its role, once one is known; `others` is how many those of the same
    /// department have on this day: where all of them have many, it is the records that are missing.
    pub(super) fn day(&mut self, unexplained: u32, role: Option<f64>, others: f64) -> DaySays {
        let usual = self.usual(role).map(|usual| usual.max(others));
        let says = usual.map(|usual| self.against(unexplained, usual)).unwrap_or_default();
        if self.days.len() >= DAYS_MAX {
            self.days.pop_front();
        }
        self.days.push_back(u16::try_from(unexplained).unwrap_or(u16::MAX));
        says
    }

    fn against(&mut self, unexplained: u32, usual: f64) -> DaySays {
        let today = f64::from(unexplained);
        let mut says = DaySays::default();
        if today >= usual * TIMES && today >= usual + MORE {
            says.above = whole(today - usual);
        }
        // A cumulative sum: a little more each day adds up, a day as usual takes off.
        let deviation = usual.sqrt().max(1.0);
        self.sum = (self.sum + (today - usual) / deviation - SLACK).clamp(0.0, 4.0 * TOLD_FROM);
        if self.sum > TOLD_FROM && today >= usual + SLOW_MORE {
            says.slow = whole((self.sum * 3.0).min((today - usual) * SLOW_EACH));
        }
        says
    }

    fn usual(&self, role: Option<f64>) -> Option<f64> {
        let old = self.days.len().saturating_sub(GUARD);
        if old < ENOUGH {
            return role;
        }
        let sum: u32 = self.days.iter().take(old).map(|day| u32::from(*day)).sum();
        #[allow(clippy::cast_precision_loss, reason = "sixty days")]
        let own = f64::from(sum) / old as f64;
        Some(own)
    }
}

/// How a role is: the mean of the person-days, slowly forgetting.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoleMean {
    mean: f64,
    days: u32,
}

impl RoleMean {
    const REMEMBERED: u32 = 2000;
    /// Person-days before a role has a mean.
    const ENOUGH: u32 = 20;

    pub(super) fn day(&mut self, unexplained: u32) {
        self.days = self.days.saturating_add(1).min(Self::REMEMBERED);
        // One day of somebody who collects does not make a role one that collects.
        let bounded = f64::from(unexplained).min(3.0 * self.mean + 10.0);
        self.mean += (bounded - self.mean) / f64::from(self.days);
    }

    pub(super) fn mean(self) -> Option<f64> {
        (self.days >= Self::ENOUGH).then_some(self.mean)
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
fn whole(value: f64) -> u32 {
    value.round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_as_usual_say_nothing() {
        let mut baseline = Baseline::default();
        for day in 0..200_u32 {
            assert_eq!(baseline.day(day % 4, Some(1.5), 0.0), DaySays::default(), "day {day}");
        }
    }

    #[test]
    fn twice_as_many_each_day_is_told_within_five() {
        let mut baseline = Baseline::default();
        for day in 0..40_u32 {
            baseline.day(9 + day % 3, Some(10.0), 0.0);
        }
        let told = (1..=14).find(|_| baseline.day(20, Some(10.0), 0.0).slow > 0);
        assert!(told.is_some_and(|day| day <= 5), "{told:?}");
    }

    #[test]
    fn one_day_far_above_is_told_at_once_and_days_of_a_new_person_are_held_against_the_role() {
        let mut baseline = Baseline::default();
        for _ in 0..20 {
            baseline.day(2, Some(2.0), 0.0);
        }
        assert_eq!(baseline.day(30, Some(2.0), 0.0).above, 28);
        assert_eq!(Baseline::default().day(30, Some(28.0), 0.0).above, 0);
        assert_eq!(Baseline::default().day(30, Some(3.0), 0.0).above, 27);
        assert_eq!(Baseline::default().day(30, None, 0.0), DaySays::default(), "nothing is known yet");
    }

    #[test]
    fn nothing_grows_with_the_days() {
        let mut baseline = Baseline::default();
        for _ in 0..10_000 {
            baseline.day(100, Some(1.0), 0.0);
        }
        assert!(baseline.days.len() <= DAYS_MAX && baseline.sum <= 4.0 * TOLD_FROM);
    }
}
