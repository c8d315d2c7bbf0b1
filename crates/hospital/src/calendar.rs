//! Days and times: a run of days around one of the long holidays of 2026. No clock of the machine.

use crate::Plan;
use jiff::civil::{Date, Weekday};
use jiff::{Span, Timestamp, tz};

/// A second, in milliseconds.
pub(crate) const SECOND: i64 = 1_000;
/// A minute.
pub(crate) const MINUTE: i64 = 60 * SECOND;
/// An hour.
pub(crate) const HOUR: i64 = 60 * MINUTE;
/// A day; the hospital's clocks are never changed.
pub(crate) const DAY: i64 = 24 * HOUR;
/// The hospital's clocks are so far before UTC.
const AHEAD: i64 = 8 * HOUR;

/// First day and number of days of the long holidays: spring festival, labour day, national day.
const HOLIDAYS: [(i16, i8, i8, u32); 3] = [(2026, 2, 15, 9), (2026, 5, 1, 5), (2026, 10, 1, 7)];

/// The days of one run.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    first: Date,
    days: u32,
    holiday: (Date, u32),
}

impl Calendar {
    /// A holiday lies in the middle of every run.
    pub(crate) fn new(plan: &Plan) -> Self {
        let days = plan.days;
        let mut random = plan.stream("calendar", 0);
        let (year, month, day, length) = random.pick(&HOLIDAYS).unwrap_or(HOLIDAYS[0]);
        let holiday = Date::constant(year, month, day);
        let before = i64::from(days / 2) + random.between(-1, 2);
        Self { first: holiday.saturating_sub(Span::new().days(before)), days, holiday: (holiday, length) }
    }

    /// Number of days.
    pub(crate) fn days(&self) -> u32 {
        self.days
    }

    /// When a day begins on the wall, as milliseconds since 1970 (UTC). Days before the first have negative numbers.
    pub(crate) fn starts(&self, day: i64) -> i64 {
        let since = self.first.duration_since(Date::constant(1970, 1, 1)).as_secs() * SECOND;
        since + day * DAY - AHEAD
    }

    /// Saturday or Sunday, where it is no holiday.
    pub(crate) fn is_weekend(&self, day: i64) -> bool {
        matches!(self.date(day).weekday(), Weekday::Saturday | Weekday::Sunday) && !self.is_holiday(day)
    }

    /// One of the holidays.
    pub(crate) fn is_holiday(&self, day: i64) -> bool {
        let (first, length) = self.holiday;
        let after = self.date(day).duration_since(first).as_secs() / (DAY / SECOND);
        (0..i64::from(length)).contains(&after)
    }

    /// Whether most people work.
    pub(crate) fn is_workday(&self, day: i64) -> bool {
        !self.is_weekend(day) && !self.is_holiday(day)
    }

    fn date(&self, day: i64) -> Date {
        self.first.saturating_add(Span::new().days(day))
    }
}

/// The day on the wall of a moment, `YYYY-MM-DD`; nothing for a moment that no calendar has.
#[must_use]
pub fn local_day(at_ms: i64) -> Option<String> {
    let timestamp = Timestamp::from_millisecond(at_ms).ok()?;
    Some(tz::Offset::constant(8).to_datetime(timestamp).date().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hospital;

    #[test]
    fn a_holiday_lies_within_every_run_and_a_day_begins_at_midnight_in_china() {
        for seed in 0..50 {
            for days in [7, 14, 30] {
                let calendar = Calendar::new(&Plan { hospital: Hospital::A, seed, days, percent: 100 });
                assert!((0..i64::from(days)).any(|day| calendar.is_holiday(day)), "{seed} {days}");
                assert!((0..i64::from(days)).any(|day| calendar.is_workday(day)), "{seed} {days}");
                assert_eq!((calendar.starts(0) + AHEAD) % DAY, 0);
                let day = local_day(calendar.starts(3));
                assert_eq!(day, Some(calendar.date(3).to_string()));
                assert_eq!(day, local_day(calendar.starts(4) - 1));
            }
        }
        assert_eq!(local_day(1_770_084_000_000).as_deref(), Some("2026-02-03"));
    }
}
