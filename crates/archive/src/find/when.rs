//! What is asked of a date and the time beside it. The catalogue compares both on its rows; a second look does it where
//! it has no column for them, or where they are asked for in the zone of another place.

use super::attributes::text_of;
use super::candidate::Candidate;
use crate::error::FindError;
use crate::request::Level;
use std::ops::RangeInclusive;
use yingdun_catalog::catalogue::{Date, Moment, TimeOfDay};
use yingdun_dicom::query::{MatchValue, Matching};
use yingdun_dicom::{AttributePath, Tag, UtcOffset, tags};

/// Two places on earth are at most this many days of the calendar apart: 26 hours, over two midnights.
const DAYS_APART_MAX: i64 = 2;
const MICROSECONDS_PER_MINUTE: i64 = 60_000_000;
const MICROSECONDS_PER_DAY: i64 = 24 * 60 * MICROSECONDS_PER_MINUTE;

/// A date and the time beside it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// Of what they are attributes.
    pub(super) level: Level,
    pub(super) date: Tag,
    time: Tag,
}

/// Of studies; columns of the catalogue.
pub(super) static STUDY: Pair = Pair { level: Level::Study, date: tags::STUDY_DATE, time: tags::STUDY_TIME };
/// Of the performed steps of series; columns of the catalogue.
pub(super) static PERFORMED: Pair = Pair {
    level: Level::Series,
    date: tags::PERFORMED_PROCEDURE_STEP_START_DATE,
    time: tags::PERFORMED_PROCEDURE_STEP_START_TIME,
};
/// Of series.
static SERIES: Pair = Pair { level: Level::Series, date: tags::SERIES_DATE, time: tags::SERIES_TIME };

impl Pair {
    /// The pair to which an attribute belongs, where searches at this level know it. Patients are seen through studies.
    pub(super) fn of(level: Level, tag: Tag) -> Option<&'static Self> {
        let is_meant =
            |pair: &&Self| pair.level <= level.max(Level::Study) && (pair.date == tag || pair.time == tag);
        [&STUDY, &PERFORMED, &SERIES].into_iter().find(is_meant)
    }
}

/// What is asked of one pair.
#[derive(Debug)]
pub(super) struct When {
    pub(super) pair: &'static Pair,
    dates: Option<(Form, RangeInclusive<Date>)>,
    times: Option<(Form, RangeInclusive<TimeOfDay>)>,
}

/// The forms of range matching (PS3.4 §C.2.2.2.5), and a single value, which is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Single,
    Between,
    Since,
    Until,
}

/// The ranges in which date and time have to lie.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ranges {
    pub(super) dates: Option<RangeInclusive<Date>>,
    /// On each day.
    pub(super) times: Option<RangeInclusive<TimeOfDay>>,
    pub(super) moments: Option<RangeInclusive<Moment>>,
}

impl When {
    pub(super) const fn of(pair: &'static Pair) -> Self {
        Self { pair, dates: None, times: None }
    }

    /// Adds the key of one of the two.
    pub(super) fn ask(&mut self, tag: Tag, value: &MatchValue) -> Result<(), FindError> {
        if tag == self.pair.date {
            self.dates = Some((form(value), dates(tag, value)?));
        } else {
            self.times = Some((form(value), times(tag, value)?));
        }
        Ok(())
    }

    /// Ranges of the same form are one range where that was agreed (PS3.4 §C.2.2.2.5.4).
    pub(super) fn ranges(&self, matching: Matching) -> Ranges {
        match (self.dates.clone(), self.times.clone()) {
            (Some((form, dates)), Some((same, times)))
                if matching.combined && form == same && form != Form::Single =>
            {
                let moments = (*dates.start(), *times.start())..=(*dates.end(), *times.end());
                Ranges { dates: Some(dates), times: None, moments: Some(moments) }
            }
            (dates, times) => Ranges {
                dates: dates.map(|(_, range)| range),
                times: times.map(|(_, range)| range),
                moments: None,
            },
        }
    }

    /// The same for the columns of the catalogue, which know no zones: as many days as moments in them may fall on.
    pub(super) fn ranges_of_rows(&self, matching: Matching) -> Ranges {
        let ranges = self.ranges(matching);
        if matching.zone.is_none() {
            return ranges;
        }
        let dates = ranges.dates.map(|range| {
            let (first, last) = (*range.start(), *range.end());
            later(first, -DAYS_APART_MAX).unwrap_or(first)..=later(last, DAYS_APART_MAX).unwrap_or(last)
        });
        Ranges { dates, ..Ranges::default() }
    }

    /// Whether the columns of the catalogue do not tell all.
    pub(super) fn needs_second_look(&self, matching: Matching) -> bool {
        *self.pair == SERIES || matching.zone.is_some()
    }

    /// The second look. What does not say its zone is of the zone of the institution, which is `home`.
    pub(super) fn matches(&self, candidate: &Candidate, matching: Matching, home: UtcOffset) -> bool {
        let Some(index) = candidate.index_of(self.pair.level) else { return false };
        let text = |tag: Tag| text_of(index, tag.into());
        let (date, time) = (Date::parse(text(self.pair.date)), TimeOfDay::parse(text(self.pair.time)));
        let (date, time) = match matching.zone {
            None => (date, time),
            Some(zone) => {
                let here = UtcOffset::parse(&index.timezone_offset).unwrap_or(home);
                moved(date, time, zone.minutes() - here.minutes())
            }
        };
        self.ranges(matching).hold(date, time)
    }
}

impl Ranges {
    /// What is absent fits no range, but a date without a time stands at the beginning of its day.
    fn hold(&self, date: Option<Date>, time: Option<TimeOfDay>) -> bool {
        let in_moments = |range: &RangeInclusive<Moment>| {
            let (first, last) = (*range.start(), *range.end());
            let at = date.map(|date| (date, time));
            at.is_some_and(|at| at >= (first.0, Some(first.1)) && at <= (last.0, Some(last.1)))
        };
        self.dates.as_ref().is_none_or(|range| date.is_some_and(|date| range.contains(&date)))
            && self.times.as_ref().is_none_or(|range| time.is_some_and(|time| range.contains(&time)))
            && self.moments.as_ref().is_none_or(in_moments)
    }
}

// === helpers ===

/// A moment by clocks that are so many minutes ahead. A date alone is none and stays; a time alone goes round.
fn moved(date: Option<Date>, time: Option<TimeOfDay>, minutes: i32) -> (Option<Date>, Option<TimeOfDay>) {
    let Some(at) = time.and_then(|time| i64::try_from(time.microseconds()).ok()) else { return (date, time) };
    let at = at + i64::from(minutes) * MICROSECONDS_PER_MINUTE;
    let (days, of_day) =
        (at.div_euclid(MICROSECONDS_PER_DAY), at.rem_euclid(MICROSECONDS_PER_DAY).unsigned_abs());
    let (seconds, fraction) = (of_day / 1_000_000, of_day % 1_000_000);
    let time = TimeOfDay::new(seconds / 3600, seconds / 60 % 60, seconds % 60, fraction);
    (date.map(|date| later(date, days).unwrap_or(date)), time)
}

/// So many days later; none where there is no such day, or none to begin with.
fn later(date: Date, days: i64) -> Option<Date> {
    let number = date.number();
    let part = |number: u32| i8::try_from(number % 100).ok();
    let year = i16::try_from(number / 10_000).ok()?;
    let date = jiff::civil::Date::new(year, part(number / 100)?, part(number)?).ok()?;
    let date = date.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
    let part = |number: i8| u32::try_from(number).ok();
    Date::new(u32::try_from(date.year()).ok()?, part(date.month())?, part(date.day())?)
}

fn form(value: &MatchValue) -> Form {
    match value {
        MatchValue::Range { from: Some(from), until: Some(until) } if from != until => Form::Between,
        MatchValue::Range { from: Some(_), until: None } => Form::Since,
        MatchValue::Range { from: None, until: Some(_) } => Form::Until,
        MatchValue::Range { .. }
        | MatchValue::Single(_)
        | MatchValue::List(_)
        | MatchValue::All(_)
        | MatchValue::Wildcard(_)
        | MatchValue::Universal
        | MatchValue::Empty => Form::Single,
    }
}

fn dates(tag: Tag, value: &MatchValue) -> Result<RangeInclusive<Date>, FindError> {
    let wrong = || {
        FindError::BadKey(format!(
            "the key {} takes a date YYYYMMDD or a range of dates",
            AttributePath::from(tag)
        ))
    };
    let (from, until) = bounds(value).ok_or_else(wrong)?;
    let date = |text: &Option<String>, open: Date| match text {
        None => Some(open),
        Some(text) => Date::parse(text),
    };
    Ok(date(from, Date::MIN).ok_or_else(wrong)?..=date(until, Date::MAX).ok_or_else(wrong)?)
}

fn times(tag: Tag, value: &MatchValue) -> Result<RangeInclusive<TimeOfDay>, FindError> {
    let wrong = || {
        FindError::BadKey(format!(
            "the key {} takes a time HHMMSS or a range of times",
            AttributePath::from(tag)
        ))
    };
    let (from, until) = bounds(value).ok_or_else(wrong)?;
    let first = match from {
        None => TimeOfDay::MIN,
        Some(text) => moment(text).ok_or_else(wrong)?,
    };
    let last = match until {
        None => TimeOfDay::MAX,
        Some(text) => moment(&last_digits(text)).ok_or_else(wrong)?,
    };
    Ok(first..=last)
}

/// The digits of a time with those that it leaves out: one that is not written to the second covers all that it begins
/// (PS3.4 §C.2.2.2.5.1).
fn last_digits(text: &str) -> String {
    match text.len() {
        2 => format!("{text}5959999999"),
        4 => format!("{text}59999999"),
        6 => format!("{text}999999"),
        _ => text.to_owned(),
    }
}

/// The time that digits say: two each for hour, minute and second, and as many as there are of a fraction.
fn moment(digits: &str) -> Option<TimeOfDay> {
    let (clock, fraction) = digits.split_at_checked(6).unwrap_or((digits, ""));
    TimeOfDay::parse(&format!("{clock}.{fraction}"))
}

fn bounds(value: &MatchValue) -> Option<(&Option<String>, &Option<String>)> {
    match value {
        MatchValue::Range { from, until } => Some((from, until)),
        MatchValue::Single(_)
        | MatchValue::List(_)
        | MatchValue::All(_)
        | MatchValue::Wildcard(_)
        | MatchValue::Universal
        | MatchValue::Empty => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use yingdun_dicom::Vr;

    const COMBINED: Matching =
        Matching { fuzzy: false, combined: true, empty: false, multiple: false, zone: None };

    fn asked(date: &str, time: &str) -> When {
        let mut when = When::of(&STUDY);
        when.ask(tags::STUDY_DATE, &MatchValue::parse(Vr::DA, date).unwrap()).unwrap();
        when.ask(tags::STUDY_TIME, &MatchValue::parse(Vr::TM, time).unwrap()).unwrap();
        when
    }

    fn at(date: &str, time: &str) -> (Option<Date>, Option<TimeOfDay>) {
        (Date::parse(date), TimeOfDay::parse(time))
    }

    fn holds(ranges: &Ranges, date: &str, time: &str) -> bool {
        let (date, time) = at(date, time);
        ranges.hold(date, time)
    }

    #[test]
    fn a_time_covers_all_that_it_begins() {
        let value = MatchValue::parse(Vr::TM, "10-1030").unwrap();
        let range = times(tags::STUDY_TIME, &value).unwrap();
        assert!(range.contains(&TimeOfDay::parse("103059.5").unwrap()));
        assert!(!range.contains(&TimeOfDay::parse("103100").unwrap()));
    }

    #[test]
    fn a_time_may_have_a_fraction_of_a_second() {
        for asked in ["093431.70", "093431.7-", "-093431.7", "0934-093431.70"] {
            let range = times(tags::STUDY_TIME, &MatchValue::parse(Vr::TM, asked).unwrap()).unwrap();
            assert!(range.contains(&TimeOfDay::parse("093431.7").unwrap()), "{asked}");
            assert!(
                !range.contains(&TimeOfDay::parse("093431.700001").unwrap()) || asked.ends_with('-'),
                "{asked}"
            );
        }
    }

    #[test]
    fn ranges_of_one_form_are_one_range_where_that_was_agreed() {
        // The note of PS3.4 §C.2.2.2.5.4.
        let when = asked("20060705-20060707", "1000-1800");
        let (combined, apart) = (when.ranges(COMBINED), when.ranges(Matching::default()));
        for (date, time, in_one, in_each) in [
            ("20060705", "0959", false, false),
            ("20060705", "1000", true, true),
            ("20060705", "2300", true, false),
            ("20060706", "0300", true, false),
            ("20060707", "180059", true, true),
            ("20060707", "1801", false, false),
            ("20060706", "", true, false),
            ("20060705", "", false, false),
            ("", "1200", false, false),
        ] {
            assert_eq!(holds(&combined, date, time), in_one, "{date} {time}");
            assert_eq!(holds(&apart, date, time), in_each, "{date} {time}");
        }
        let since = asked("20060705-", "1000-").ranges(COMBINED);
        assert!(holds(&since, "20060706", "0300") && !holds(&since, "20060705", "0300"));
        let until = asked("-20060707", "-1800").ranges(COMBINED);
        assert!(holds(&until, "20060706", "2300") && !holds(&until, "20060707", "1801"));
    }

    #[test]
    fn ranges_of_unlike_forms_are_two() {
        for (date, time) in [
            ("20060705", "1000-1800"),
            ("20060705-20060707", "1000-"),
            ("20060705-", "-1800"),
            ("20060705-20060707", "10"),
        ] {
            let when = asked(date, time);
            assert_eq!(when.ranges(COMBINED), when.ranges(Matching::default()), "{date} {time}");
        }
    }

    #[test]
    fn a_day_of_another_zone_begins_at_its_own_midnight() {
        assert_eq!(moved(Date::parse("20260301"), TimeOfDay::parse("0130"), -480), at("20260228", "1730"));
        assert_eq!(
            moved(Date::parse("20251231"), TimeOfDay::parse("233000.5"), 60),
            at("20260101", "003000.5")
        );
        assert_eq!(moved(Date::parse("20251231"), None, 60), at("20251231", ""));
        assert_eq!(moved(None, TimeOfDay::parse("23"), 120), at("", "01"));
    }

    #[test]
    fn the_rows_of_a_zone_are_those_of_the_days_around() {
        let zone = UtcOffset::parse("+0000");
        let rows = asked("20260301-20260302", "10-12").ranges_of_rows(Matching { zone, ..COMBINED });
        let days = Date::parse("20260227").unwrap()..=Date::parse("20260304").unwrap();
        assert_eq!(rows, Ranges { dates: Some(days), times: None, moments: None });
        assert_eq!(later(Date::MAX, 1), None);
        assert_eq!(later(Date::MIN, -1), None);
    }

    proptest! {
        #[test]
        fn a_moment_moved_there_and_back_is_the_same(
            (hour, minute, second) in (0_u64..24, 0_u64..60, 0_u64..60),
            days in -20_000_i64..20_000,
            minutes in -1560_i32..1560,
        ) {
            let date = later(Date::parse("20260101").unwrap(), days);
            let time = TimeOfDay::new(hour, minute, second, 7);
            let (there, then) = moved(date, time, minutes);
            prop_assert_eq!(moved(there, then, -minutes), (date, time));
            prop_assert!((there, then) > (date, time) || minutes <= 0);
        }
    }
}
