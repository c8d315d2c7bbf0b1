//! Calendar dates and times of day as whole numbers that sort and range like the moments they stand for.

use crate::{CatalogError, StatementBuilder};
use std::ops::RangeInclusive;

/// A calendar date of VR DA (PS3.5 §6.2), kept as the number YYYYMMDD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(u32);

impl Date {
    /// The first date that can be kept.
    pub const MIN: Self = Self(101);
    /// The last date that can be kept: year 9999.
    pub const MAX: Self = Self(99_991_231);

    /// Takes year, month and day when they name a possible date. The length of the month is not checked: a date
    /// that a modality sent wrong by a day is still worth finding.
    #[must_use]
    pub fn new(year: u32, month: u32, day: u32) -> Option<Self> {
        let possible = year <= 9999 && (1..=12).contains(&month) && (1..=31).contains(&day);
        possible.then_some(Self(year * 10_000 + month * 100 + day))
    }

    /// Reads `YYYYMMDD`, or `YYYY.MM.DD` of ACR-NEMA (PS3.5 §6.2, note on DA), with padding blanks.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.trim_matches([' ', '\0']).chars().filter(|c| *c != '.').collect();
        if digits.len() != 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let number: u32 = digits.parse().ok()?;
        Self::new(number / 10_000, number / 100 % 100, number % 100)
    }

    /// The number YYYYMMDD.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// Writes `YYYYMMDD`.
impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08}", self.0)
    }
}

/// A time of day of VR TM (PS3.5 §6.2), kept as microseconds since midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay(u64);

impl TimeOfDay {
    const MICROSECONDS_PER_SECOND: u64 = 1_000_000;
    /// Midnight.
    pub const MIN: Self = Self(0);
    /// The last microsecond of a day with a leap second (PS3.5 §6.2 allows second 60).
    pub const MAX: Self = Self((24 * 3600 + 1) * Self::MICROSECONDS_PER_SECOND - 1);

    /// Takes hour, minute, second (60 in a leap second) and microsecond when they name a possible time.
    #[must_use]
    pub fn new(hour: u64, minute: u64, second: u64, microsecond: u64) -> Option<Self> {
        let possible =
            hour < 24 && minute < 60 && second <= 60 && microsecond < Self::MICROSECONDS_PER_SECOND;
        possible.then_some(Self(
            ((hour * 60 + minute) * 60 + second) * Self::MICROSECONDS_PER_SECOND + microsecond,
        ))
    }

    /// Reads `HH`, `HHMM`, `HHMMSS` or `HHMMSS.F` to `HHMMSS.FFFFFF`, or the same with colons as in ACR-NEMA.
    /// What is left out is zero.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.trim_matches([' ', '\0']).chars().filter(|c| *c != ':').collect();
        let (clock, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if !matches!(clock.len(), 2 | 4 | 6) || fraction.len() > 6 || !digits(clock) || !digits(fraction) {
            return None;
        }
        let clock: u64 = format!("{clock:0<6}").parse().ok()?;
        let microsecond: u64 = format!("{fraction:0<6}").parse().ok()?;
        Self::new(clock / 10_000, clock / 100 % 100, clock % 100, microsecond)
    }

    /// Microseconds since midnight.
    #[must_use]
    pub const fn microseconds(self) -> u64 {
        self.0
    }
}

/// Writes `HHMMSS.FFFFFF`, without the fraction when it is zero. The leap second comes back as the first
/// second of the next minute, except at the end of the day.
impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seconds, fraction) =
            (self.0 / Self::MICROSECONDS_PER_SECOND, self.0 % Self::MICROSECONDS_PER_SECOND);
        let leap = seconds / (24 * 3600);
        let minutes = seconds / 60 - leap;
        let second = seconds - minutes * 60;
        write!(f, "{:02}{:02}{second:02}", minutes / 60, minutes % 60)?;
        if fraction > 0 { write!(f, ".{fraction:06}") } else { Ok(()) }
    }
}

/// A time of day on a day.
pub type Moment = (Date, TimeOfDay);

// === columns ===

/// What stands in a column for a missing date, below every date.
const NO_DATE: i64 = 0;
/// What stands in a column for a missing time, below every time.
const NO_TIME: i64 = -1;
/// What stands in a column for a missing number, above every value of VR IS.
const NO_NUMBER: i64 = 1 << 31;

/// What stands in a column for a missing size of an image.
const NO_SIZE: i64 = -1;

pub(super) fn date_column(date: Option<Date>) -> i64 {
    date.map_or(NO_DATE, |date| i64::from(date.0))
}

pub(super) fn time_column(time: Option<TimeOfDay>) -> i64 {
    time.and_then(|time| i64::try_from(time.0).ok()).unwrap_or(NO_TIME)
}

pub(super) fn number_column(number: Option<i32>) -> i64 {
    number.map_or(NO_NUMBER, i64::from)
}

/// A number of bytes, or a position among them.
pub(super) fn signed(number: u64) -> Result<i64, CatalogError> {
    i64::try_from(number).map_err(|_| CatalogError::Misuse(format!("{number} is 2^63 or more")))
}

pub(super) fn size_column(size: Option<u32>) -> i64 {
    size.map_or(NO_SIZE, i64::from)
}

pub(super) fn date_from(column: i64) -> Result<Option<Date>, CatalogError> {
    if column == NO_DATE {
        return Ok(None);
    }
    u32::try_from(column)
        .ok()
        .and_then(|n| Date::new(n / 10_000, n / 100 % 100, n % 100))
        .map(Some)
        .ok_or_else(|| CatalogError::Corrupt("a date column holds no date".to_owned()))
}

pub(super) fn time_from(column: i64) -> Result<Option<TimeOfDay>, CatalogError> {
    if column == NO_TIME {
        return Ok(None);
    }
    u64::try_from(column)
        .ok()
        .map(TimeOfDay)
        .filter(|time| *time <= TimeOfDay::MAX)
        .map(Some)
        .ok_or_else(|| CatalogError::Corrupt("a time column holds no time".to_owned()))
}

pub(super) fn size_from<N: TryFrom<i64>>(column: i64) -> Result<Option<N>, CatalogError> {
    if column == NO_SIZE {
        return Ok(None);
    }
    N::try_from(column)
        .map(Some)
        .map_err(|_| CatalogError::Corrupt("a size column is out of range".to_owned()))
}

pub(super) fn number_from(column: i64) -> Result<Option<i32>, CatalogError> {
    if column == NO_NUMBER {
        return Ok(None);
    }
    i32::try_from(column)
        .map(Some)
        .map_err(|_| CatalogError::Corrupt("a number column is out of range".to_owned()))
}

// === conditions ===

/// Appends that the date in a column lies in a range, where there is one.
pub(super) fn push_dates(
    sql: &mut StatementBuilder,
    column: &'static str,
    range: Option<&RangeInclusive<Date>>,
) {
    if let Some(range) = range {
        sql.push(" AND ").push(column).push(" BETWEEN ").bind(date_column(Some(*range.start())));
        sql.push(" AND ").bind(date_column(Some(*range.end())));
    }
}

/// Appends that the time in a column lies in a range, where there is one.
pub(super) fn push_times(
    sql: &mut StatementBuilder,
    column: &'static str,
    range: Option<&RangeInclusive<TimeOfDay>>,
) {
    if let Some(range) = range {
        sql.push(" AND ").push(column).push(" BETWEEN ").bind(time_column(Some(*range.start())));
        sql.push(" AND ").bind(time_column(Some(*range.end())));
    }
}

/// Appends that a date and the time beside it lie in a range, where there is one, of a date that lies in it. Said of the first
/// and the last day only, so that PostgreSQL does not take it for rare. A date without a time is the beginning of its day: its
/// concatenated string is less than any that goes on (PS3.4 §C.2.2.2.5.4).
pub(super) fn push_moments(
    sql: &mut StatementBuilder,
    [date, time]: [&'static str; 2],
    range: Option<&RangeInclusive<Moment>>,
) {
    if let Some(range) = range {
        for (outside, (day, moment)) in [(" < ", *range.start()), (" > ", *range.end())] {
            sql.push(" AND NOT (").push(date).push(" = ").bind(date_column(Some(day)));
            sql.push(" AND ").push(time).push(outside).bind(time_column(Some(moment))).push(")");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_read_in_both_notations_and_nothing_else_is() {
        assert_eq!(Date::parse("20240131").map(Date::number), Some(20_240_131));
        assert_eq!(Date::parse("2024.01.31 "), Date::new(2024, 1, 31));
        for wrong in
            ["", "2024", "20241301", "20240100", "2024013", "2024-01-31", "２０２４０１３１", "+2024013"]
        {
            assert_eq!(Date::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_shortened_time_is_its_first_moment() {
        assert_eq!(TimeOfDay::parse("10"), TimeOfDay::new(10, 0, 0, 0));
        assert_eq!(TimeOfDay::parse("1030"), TimeOfDay::new(10, 30, 0, 0));
        assert_eq!(TimeOfDay::parse("10:30:15"), TimeOfDay::new(10, 30, 15, 0));
        assert_eq!(TimeOfDay::parse("103015.5 "), TimeOfDay::new(10, 30, 15, 500_000));
        for wrong in ["", "1", "240000", "106000", "103061", "103015.1234567", "10301", "1030.x"] {
            assert_eq!(TimeOfDay::parse(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn dates_and_times_sort_as_columns_and_come_back(
            a in (0_u64..24, 0_u64..60, 0_u64..60, 0_u64..1_000_000),
            b in (1_u32..=9999, 1_u32..=12, 1_u32..=31),
            number: i32,
        ) {
            let time = TimeOfDay::new(a.0, a.1, a.2, a.3);
            prop_assert!(time.is_some());
            prop_assert_eq!(time_from(time_column(time)), Ok(time));
            prop_assert_eq!(TimeOfDay::parse(&time.unwrap().to_string()), time);
            prop_assert!(time_column(time) > time_column(None));
            let date = Date::new(b.0, b.1, b.2);
            prop_assert_eq!(date_from(date_column(date)), Ok(date));
            prop_assert_eq!(Date::parse(&date.unwrap().to_string()), date);
            prop_assert!(date_column(date) > date_column(None));
            prop_assert_eq!(number_from(number_column(Some(number))), Ok(Some(number)));
            prop_assert!(number_column(Some(number)) < number_column(None));
        }
    }

    #[test]
    fn the_leap_second_at_midnight_is_written_as_it_came() {
        assert_eq!(TimeOfDay::parse("235960").unwrap().to_string(), "235960");
    }
}
