//! When a pass over a replica begins and how fast it goes. Pure: moments and counts in, decisions out.

use super::note::Note;
use std::time::Duration;
use yingdun_model::Timestamp;

/// A pass aims at this part of the interval that it has, in quarters: nights without power and days of repair fit into
/// the rest.
const AIM_QUARTERS: u32 = 3;

/// Bytes a second below which no pass is slowed down: a store of a few gigabytes is through within the hour.
const RATE_MIN: u64 = 4 * 1024 * 1024;

/// Bytes a second above which no pass goes, also one that is late or in a hurry: what a fast disk gives away without
/// being felt, and twice what a hard disk can read.
const RATE_MAX: u64 = 512 * 1024 * 1024;

/// While others read or write, a pass rests so many times as long as it worked: it takes a twentieth of the disk's time.
const COURTESY: u32 = 19;

/// The same for one that would not be through in time like that: it takes a fifth.
pub(crate) const COURTESY_LATE: u32 = 4;

/// What a pass does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing until then.
    Rest(Duration),
    /// A pass begins.
    Begin,
    /// The pass goes on.
    GoOn,
}

/// What to do now. A clock that stands before the last beginning was set back: then nothing is known, and a pass begins.
pub(super) fn step(note: &Note, now: Timestamp, interval: Duration) -> Step {
    if note.next_pack.is_some() {
        return Step::GoOn;
    }
    let Some(begun) = note.begun else { return Step::Begin };
    let due = begun.after(aim(interval));
    if now < begun || due <= now { Step::Begin } else { Step::Rest(between(now, due)) }
}

/// Bytes a second at which the rest of a pass is read in the time that it has left.
pub(super) fn rate(note: &Note, now: Timestamp, interval: Duration, bytes_left: u64) -> u64 {
    let Some(begun) = note.begun.filter(|_| !note.hurried) else { return RATE_MAX };
    let left = between(now.max(begun), begun.after(aim(interval)));
    (bytes_left / left.as_secs().max(1)).clamp(RATE_MIN, RATE_MAX)
}

/// How many times as long as it works a pass rests while others read or write: less once half of the time at which it aims is over.
pub(super) fn courtesy(note: &Note, now: Timestamp, interval: Duration) -> u32 {
    let late =
        note.begun.filter(|_| !note.hurried).is_some_and(|begun| begun.after(aim(interval) / 2) <= now);
    if late { COURTESY_LATE } else { COURTESY }
}

/// How long to pause after so many bytes that took so long; `courtesy` is 0 where nobody else reads or writes.
pub(crate) fn pause(bytes: u64, took: Duration, rate: u64, courtesy: u32) -> Duration {
    let due = Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64);
    due.saturating_sub(took).max(took.saturating_mul(courtesy))
}

fn aim(interval: Duration) -> Duration {
    interval / 4 * AIM_QUARTERS
}

fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(later.as_ms().saturating_sub(earlier.as_ms())).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);
    const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

    fn at(days: f64) -> Timestamp {
        Timestamp::from_ms(0).after(DAY.mul_f64(days))
    }

    fn resting(begun: f64) -> Note {
        Note { begun: Some(at(begun)), ..Note::default() }
    }

    #[test]
    fn a_pass_begins_when_there_was_none_and_again_after_three_quarters_of_the_interval() {
        assert_eq!(step(&Note::default(), at(0.0), WEEK), Step::Begin);
        assert_eq!(step(&resting(10.0), at(14.25), WEEK), Step::Rest(DAY));
        assert_eq!(step(&resting(10.0), at(15.25), WEEK), Step::Begin);
        assert_eq!(step(&resting(10.0), at(40.0), WEEK), Step::Begin);
        assert_eq!(step(&resting(10.0), at(9.0), WEEK), Step::Begin, "the clock was set back");
        let under_way = Note { next_pack: Some(7), ..resting(10.0) };
        assert_eq!(step(&under_way, at(11.0), WEEK), Step::GoOn);
    }

    #[test]
    fn the_rate_follows_from_what_is_left_and_has_a_floor_and_a_ceiling() {
        let tebibyte = 1 << 40;
        let whole = rate(&resting(0.0), at(0.0), WEEK, 10 * tebibyte);
        assert!((24_000_000..25_000_000).contains(&whole), "10 TiB in 5.25 days: {whole}");
        let late = rate(&resting(0.0), at(5.0), WEEK, 10 * tebibyte);
        assert!(late > 20 * whole, "{late}");
        assert_eq!(rate(&resting(0.0), at(30.0), WEEK, 10 * tebibyte), RATE_MAX);
        assert_eq!(rate(&resting(0.0), at(0.0), WEEK, 1000), RATE_MIN);
        assert_eq!(rate(&Note { hurried: true, ..resting(0.0) }, at(0.0), WEEK, 1000), RATE_MAX);
    }

    #[test]
    fn who_is_not_alone_takes_a_twentieth_of_the_time_and_a_fifth_when_it_is_late() {
        let (took, mebibyte) = (Duration::from_millis(10), 1 << 20);
        assert_eq!(pause(mebibyte, took, mebibyte, 0), Duration::from_millis(990));
        assert_eq!(pause(mebibyte, took, RATE_MAX, 0), Duration::ZERO);
        assert_eq!(pause(mebibyte, took, RATE_MAX, courtesy(&resting(0.0), at(2.6), WEEK)), took * 19);
        assert_eq!(pause(mebibyte, took, RATE_MAX, courtesy(&resting(0.0), at(2.7), WEEK)), took * 4);
        let hurried = Note { hurried: true, ..resting(0.0) };
        assert_eq!(courtesy(&hurried, at(30.0), WEEK), COURTESY, "an officer who asks has no deadline");
    }

    proptest! {
        /// INVARIANT: a pass that reads at its rate, and sees the rate anew every hour, ends within its interval.
        #[test]
        fn a_pass_ends_within_its_interval(bytes in 0_u64..100 << 40, away_hours in 0_u32..24) {
            let note = resting(0.0);
            let (mut left, mut hour) = (bytes, away_hours);
            while left > 0 {
                let now = Timestamp::from_ms(0).after(Duration::from_secs(3600) * hour);
                left = left.saturating_sub(rate(&note, now, WEEK, left) * 3600);
                hour += 1;
            }
            prop_assert!(hour <= 7 * 24);
        }
    }
}
