//! A rate, and the bucket that keeps to it. Pure: time is handed in.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How often in a second, in the long run.
    pub per_second: u32,
    /// How often at once, after a rest.
    pub burst: u32,
    /// How often within a day, in the long run; unset means that the day has no bound of its own.
    #[serde(default)]
    pub per_day: Option<u32>,
}

impl Rate {
    /// A rate without a quota of the day.
    #[must_use]
    pub const fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst, per_day: None }
    }
}

/// The day of a quota.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What one source has used of its rate. Its default has used nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    second: Level,
    day: Level,
}

/// How full a bucket is: what was used, and runs out again, in millionths of one use.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    used: u64,
    at: Duration,
}

/// One use, in the unit of [`Level`].
const USE: u64 = 1_000_000;

impl Bucket {
    /// Takes one, or says after how long there will be one again, and whether it is the day that is used up.
    pub(crate) fn take(&mut self, rate: Rate, now: Duration) -> Result<(), TooMany> {
        let day = rate.per_day.map(|count| (u64::from(count).saturating_mul(USE), count));
        let second = (u64::from(rate.burst.max(1)).saturating_mul(USE), u64::from(rate.per_second).max(1));
        self.second.run_out(now, |elapsed| per_second(elapsed, second.1));
        if let Some((_, count)) = day {
            self.day.run_out(now, |elapsed| per_day(elapsed, count));
        }
        if let Some((most, count)) = day
            && self.day.used.saturating_add(USE) > most
        {
            let missing = self.day.used.saturating_add(USE).saturating_sub(most);
            let wait = u128::from(missing).saturating_mul(DAY.as_millis())
                / u128::from(u64::from(count.max(1)) * USE);
            return Err(TooMany { after: millis(wait), of_day: true });
        }
        if self.second.used.saturating_add(USE) > second.0 {
            let missing = self.second.used.saturating_add(USE).saturating_sub(second.0);
            return Err(TooMany { after: Duration::from_micros(missing.div_ceil(second.1)), of_day: false });
        }
        self.second.used = self.second.used.saturating_add(USE);
        if day.is_some() {
            self.day.used = self.day.used.saturating_add(USE);
        }
        Ok(())
    }

    /// Whether forgetting it changes nothing.
    pub(crate) fn is_rested(&self, rate: Rate, now: Duration) -> bool {
        let mut later = *self;
        later.second.run_out(now, |elapsed| per_second(elapsed, u64::from(rate.per_second).max(1)));
        later.day.run_out(now, |elapsed| per_day(elapsed, rate.per_day.unwrap_or(u32::MAX)));
        later.second.used == 0 && later.day.used == 0
    }
}

/// A rate was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// After how long one more would be taken.
    pub(crate) after: Duration,
    /// Whether the quota of the day is used up, and not the rate.
    pub(crate) of_day: bool,
}

impl Level {
    fn run_out(&mut self, now: Duration, earned: impl FnOnce(Duration) -> u64) {
        let elapsed = now.saturating_sub(self.at);
        let earned = earned(elapsed);
        // What is less than a unit stays owed: the time is moved on only when something was earned.
        if earned > 0 {
            self.used = self.used.saturating_sub(earned);
            self.at = now;
        }
    }
}

fn per_second(elapsed: Duration, count: u64) -> u64 {
    u64::try_from(elapsed.as_micros().saturating_mul(u128::from(count))).unwrap_or(u64::MAX)
}

fn per_day(elapsed: Duration, count: u32) -> u64 {
    let earned = elapsed.as_millis().saturating_mul(u128::from(count)).saturating_mul(u128::from(USE))
        / DAY.as_millis();
    u64::try_from(earned).unwrap_or(u64::MAX)
}

fn millis(count: u128) -> Duration {
    Duration::from_millis(u64::try_from(count).unwrap_or(u64::MAX).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn a_burst_goes_through_and_then_as_much_as_is_earned() {
        let (mut bucket, rate) = (Bucket::default(), Rate::new(10, 5));
        let taken = |bucket: &mut Bucket, now| (0..100).filter(|_| bucket.take(rate, now).is_ok()).count();
        assert_eq!(taken(&mut bucket, ms(0)), 5);
        assert_eq!(bucket.take(rate, ms(0)), Err(TooMany { after: ms(100), of_day: false }));
        assert_eq!(taken(&mut bucket, ms(99)), 0);
        assert_eq!(taken(&mut bucket, ms(200)), 2);
        assert_eq!(taken(&mut bucket, ms(60_000)), 5, "rest earns a burst and no more");
    }

    #[test]
    fn the_quota_of_a_day_holds_beside_the_rate_and_says_when_there_is_more() {
        let (mut bucket, rate) = (Bucket::default(), Rate { per_day: Some(24), ..Rate::new(1000, 1000) });
        assert_eq!((0..100).filter(|_| bucket.take(rate, ms(0)).is_ok()).count(), 24);
        let refused = bucket.take(rate, ms(0)).unwrap_err();
        assert!(refused.of_day && refused.after >= Duration::from_secs(3600), "{refused:?}");
        assert!(bucket.take(rate, refused.after).is_ok());
        assert!(bucket.take(rate, refused.after).is_err());
    }

    #[test]
    fn what_has_rested_can_be_forgotten() {
        let (mut bucket, rate) = (Bucket::default(), Rate::new(10, 5));
        bucket.take(rate, ms(0)).unwrap();
        assert!(!bucket.is_rested(rate, ms(50)));
        assert!(bucket.is_rested(rate, ms(100)));
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_what_the_time_earned(
            per_second in 1u32..1000, burst in 1u32..1000, pauses in prop::collection::vec(0u64..50_000, 1..400),
        ) {
            let (mut bucket, rate) = (Bucket::default(), Rate::new(per_second, burst));
            let (mut now, mut taken) = (Duration::ZERO, 0u64);
            for pause in pauses {
                now += Duration::from_micros(pause);
                match bucket.take(rate, now) {
                    Ok(()) => taken += 1,
                    // Who waits as long as was said is let through.
                    Err(refused) => prop_assert!(bucket.clone().take(rate, now + refused.after).is_ok()),
                }
                let earned = now.as_micros() * u128::from(per_second) / 1_000_000;
                prop_assert!(u128::from(taken) <= u128::from(burst) + earned);
            }
        }
    }
}
