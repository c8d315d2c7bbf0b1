//! How an archive that answers a limited number of rows is asked for all of its studies: by spans of time, each halved as long
//! as there may be more in it than was said.
//!
//! ```text
//!  everything ─► years … days ─► half days … minutes
//! ```

use super::STUDIES_MAX;
use crate::TransferError;
use crate::migrate::listing::{self, Dates, Gaps, Listed};
use jiff::civil::Date;
use std::collections::HashSet;

/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;

/// Spans of time that are too full; a source with more of them cannot be listed.
const GAPS_MAX: usize = 1000;

/// The studies that one question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Window {
    /// Every study, with a date or without.
    All,
    /// Studies of the days from the one to the other.
    Days(Date, Date),
    /// Studies of one day, from the one minute to before the other.
    Minutes(Date, u16, u16),
}

/// What follows from an answer.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// These are all studies of the window.
    Done,
    /// There may be more: these windows are to be asked.
    Ask([Window; 2]),
    /// There is more, and nothing shorter that could be asked.
    Stuck,
}

/// The end of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The source says that it told everything.
    All,
    /// It does not, in these words.
    Some(String),
}

/// Studies as they are told: each is listed once.
pub(super) struct Listing<'l> {
    sink: &'l mut dyn FnMut(&[Listed]) -> Result<(), TransferError>,
    seen: HashSet<[u8; 16]>,
    /// The studies of the answer that is being given.
    answer: Vec<[u8; 16]>,
}

impl Listing<'_> {
    /// Takes rows of an answer.
    pub(super) fn tell(&mut self, mut rows: Vec<Listed>) -> Result<(), TransferError> {
        let first = self.answer.len();
        self.answer.extend(rows.iter().map(|listed| listing::key(&listed.study)));
        let mut keys = self.answer.iter().skip(first);
        rows.retain(|_| keys.next().is_some_and(|key| self.seen.insert(*key)));
        if self.seen.len() > STUDIES_MAX {
            return Err(TransferError::Unexpected("more studies than any archive has"));
        }
        (self.sink)(&rows)
    }
}

/// Lists all studies of these days. A question that gets `rows_max` studies is asked again in halves, whatever the source says of
/// its answer: some stop at a limit without a word, even when they are asked page by page.
pub(super) async fn crawl(
    dates: &Dates,
    rows_max: usize,
    sink: &mut dyn FnMut(&[Listed]) -> Result<(), TransferError>,
    mut ask: impl AsyncFnMut(&Window, &mut Listing<'_>) -> Result<End, TransferError>,
) -> Result<Gaps, TransferError> {
    let day = |text: &Option<String>| {
        let date = text.as_deref().map(|text| Date::strptime("%Y%m%d", text));
        date.transpose().map_err(|_| TransferError::Unexpected("a day that no calendar has"))
    };
    let mut listing = Listing { sink, seen: HashSet::new(), answer: Vec::new() };
    let mut gaps = Gaps::default();
    let all = Window::of(day(&dates.since)?, day(&dates.until)?);
    let end = ask(&all, &mut listing).await?;
    gaps.undated = all == Window::All && end != End::All;
    // How many studies the question for everything told.
    let at_once = (all == Window::All).then_some(listing.seen.len());
    let mut open = vec![(all, listing.answer.len(), end)];
    while let Some((window, rows, end)) = open.pop() {
        let halves = match window.next(rows, &end, rows_max) {
            Next::Done => continue,
            Next::Stuck => None,
            Next::Ask(halves) => {
                let mut answers = Vec::with_capacity(halves.len());
                for half in halves {
                    listing.answer.clear();
                    let end = ask(&half, &mut listing).await?;
                    answers.push((half, std::mem::take(&mut listing.answer), end));
                }
                // A study has one time: a source that tells it in both halves of a day does not look at times.
                let times_ignored = window.is_within_a_day() && share_one(&answers);
                let ended = answers.iter().all(|(_, _, end)| *end == End::All);
                match (times_ignored, ended) {
                    (true, true) => continue,
                    (true, false) => None,
                    (false, _) => Some(answers),
                }
            }
        };
        match (halves, end) {
            (Some(answers), _) => {
                open.extend(answers.into_iter().map(|(half, answer, end)| (half, answer.len(), end)));
            }
            (None, End::Some(words)) if rows == 0 || gaps.spans.len() >= GAPS_MAX => {
                return Err(TransferError::NotAnswered(words));
            }
            (None, _) => {
                let (date, time) = window.keys();
                gaps.spans.push(format!("{date} {time}").trim().to_owned());
            }
        }
    }
    // It told less than there is, so studies without a date may be among those that it did not tell.
    gaps.undated |= at_once.is_some_and(|told| told < listing.seen.len());
    Ok(gaps)
}

/// Whether a study was told in more than one answer.
fn share_one(answers: &[(Window, Vec<[u8; 16]>, End)]) -> bool {
    let mut seen: HashSet<&[u8; 16]> = HashSet::new();
    answers.iter().any(|(_, answer, _)| {
        let told: HashSet<_> = answer.iter().collect();
        let again = told.iter().any(|study| seen.contains(study));
        seen.extend(told);
        again
    })
}

impl Window {
    /// Days as a person names them, `None` for no limit.
    fn of(since: Option<Date>, until: Option<Date>) -> Self {
        match (since, until) {
            (None, None) => Self::All,
            (since, until) => {
                Self::Days(since.unwrap_or(Date::constant(1, 1, 1)), until.unwrap_or(Date::MAX))
            }
        }
    }

    /// The keys Study Date and Study Time (PS3.4 §C.2.2.2.5), empty where they match everything.
    pub(super) fn keys(&self) -> (String, String) {
        let day = |date: &Date| date.strftime("%Y%m%d").to_string();
        match self {
            Self::All => (String::new(), String::new()),
            Self::Days(first, last) if first == last => (day(first), String::new()),
            Self::Days(first, last) => (format!("{}-{}", day(first), day(last)), String::new()),
            Self::Minutes(date, first, end) => {
                let last = end.saturating_sub(1);
                let (first, last) = (clock(*first), clock(last));
                (day(date), format!("{first}00-{last}59.999999"))
            }
        }
    }

    /// What to do after an answer to it. A source that has `rows_max` studies to tell may have stopped there without a word.
    fn next(&self, rows: usize, end: &End, rows_max: usize) -> Next {
        let complete = *end == End::All;
        if complete && rows < rows_max {
            return Next::Done;
        }
        match self.halves() {
            Some(halves) => Next::Ask(halves),
            None if complete => Next::Done,
            None => Next::Stuck,
        }
    }

    /// Whether its halves differ by time.
    fn is_within_a_day(&self) -> bool {
        match self {
            Self::All => false,
            Self::Days(first, last) => first == last,
            Self::Minutes(..) => true,
        }
    }

    fn halves(&self) -> Option<[Self; 2]> {
        match self {
            Self::All => {
                let first = Date::constant(1, 1, 1);
                let middle = Date::constant(1999, 12, 31);
                Some([Self::Days(first, middle), Self::Days(Date::constant(2000, 1, 1), Date::MAX)])
            }
            Self::Days(first, last) if first < last => {
                let days = first.until(*last).ok()?.get_days();
                let middle = first.checked_add(jiff::Span::new().days(days / 2)).ok()?;
                Some([Self::Days(*first, middle), Self::Days(middle.tomorrow().ok()?, *last)])
            }
            Self::Days(day, _) => Self::Minutes(*day, 0, DAY_MINUTES).halves(),
            Self::Minutes(day, first, end) => {
                let middle = first + (end - first) / 2;
                (middle > *first)
                    .then_some([Self::Minutes(*day, *first, middle), Self::Minutes(*day, middle, *end)])
            }
        }
    }
}

fn clock(minute: u16) -> String {
    format!("{:02}{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn date(text: &str) -> Date {
        Date::strptime("%Y%m%d", text).unwrap()
    }

    /// A made-up archive: studies by day and minute, and how many rows it tells at most.
    struct Archive {
        studies: Vec<(Date, u16)>,
        rows_max: usize,
        says_so: bool,
        knows_times: bool,
    }

    impl Archive {
        fn ask(&self, window: &Window) -> (Vec<usize>, bool) {
            let inside = |(day, minute): &(Date, u16)| match window {
                Window::All => true,
                Window::Days(first, last) => first <= day && day <= last,
                Window::Minutes(of, first, end) => {
                    of == day && (!self.knows_times || (first <= minute && minute < end))
                }
            };
            let found = (0..).zip(&self.studies).filter(|(_, study)| inside(study)).map(|(at, _)| at);
            let mut found: Vec<usize> = found.collect();
            let complete = found.len() <= self.rows_max || !self.says_so;
            found.truncate(self.rows_max);
            (found, complete)
        }

        /// Everything that was told, and how often it was asked.
        fn crawl(&self, rows_max: usize) -> (Vec<usize>, usize, Gaps) {
            let (mut told, mut asked) = (Vec::new(), 0);
            let mut sink = |listed: &[Listed]| {
                told.extend(listed.iter().map(|listed| listed.study.parse::<usize>().unwrap()));
                Ok(())
            };
            let dates = Dates::default();
            let crawl = crawl(&dates, rows_max, &mut sink, async |window, listing| {
                asked += 1;
                let (rows, complete) = self.ask(window);
                let listed = |at: usize| Listed { study: at.to_string(), instances: None };
                listing.tell(rows.into_iter().map(listed).collect())?;
                Ok(if complete { End::All } else { End::Some("that is all I say".to_owned()) })
            });
            let gaps = futures_util::FutureExt::now_or_never(crawl).unwrap().unwrap();
            told.sort_unstable();
            (told, asked, gaps)
        }
    }

    proptest! {
        #[test]
        fn every_study_is_found_whether_the_source_says_that_it_stopped_or_not(
            days in prop::collection::vec((0..4000_i64, 0..DAY_MINUTES), 1..400),
            rows_max in 8..50_usize,
            says_so in any::<bool>(),

        ) {
            let studies: Vec<_> = days
                .into_iter()
                .map(|(day, minute)| (date("20150101").checked_add(jiff::Span::new().days(day)).unwrap(), minute))
                .collect();
            let archive = Archive { studies, rows_max, says_so, knows_times: true };
            let (told, asked, gaps) = archive.crawl(rows_max);
            prop_assert!(gaps.spans.is_empty());
            prop_assert_eq!(gaps.undated, archive.studies.len() > rows_max);
            prop_assert_eq!(told.len(), archive.studies.len());
            prop_assert!(asked <= 60 + 30 * archive.studies.len());
        }
    }

    #[test]
    fn a_full_day_is_asked_by_halves_down_to_the_minute() {
        let studies: Vec<_> = (0..1000).map(|number| (date("20200229"), number)).collect();
        for says_so in [true, false] {
            let archive = Archive { studies: studies.clone(), rows_max: 10, says_so, knows_times: true };
            let (told, _, gaps) = archive.crawl(10);
            assert_eq!((told.len(), gaps), (1000, Gaps { undated: true, spans: vec![] }));
        }
    }

    #[test]
    fn a_source_that_ignores_times_is_not_asked_for_every_minute_and_does_not_pass_for_complete() {
        let studies: Vec<_> = (0..30).map(|number| (date("20200101"), number)).collect();
        let silent = Archive { studies: studies.clone(), rows_max: 100, says_so: true, knows_times: false };
        // More than we trust at once, and all of them.
        let (told, asked, gaps) = silent.crawl(20);
        assert_eq!((told.len(), gaps), (30, Gaps::default()));
        assert!(asked < 60, "{asked}");
        let honest = Archive { studies, rows_max: 10, says_so: true, knows_times: false };
        assert!(!honest.crawl(20).2.spans.is_empty());
    }

    #[test]
    fn a_source_that_answers_nothing_is_given_up_soon() {
        let mut asked = 0;
        let mut sink = |_: &[Listed]| Ok(());
        let dates = Dates::default();
        let crawl = crawl(&dates, 500, &mut sink, async |_, _| {
            asked += 1;
            Ok(End::Some("0xA700".to_owned()))
        });
        let refused = futures_util::FutureExt::now_or_never(crawl).unwrap();
        assert!(matches!(refused, Err(TransferError::NotAnswered(_))));
        assert!(asked < 80, "{asked}");
    }

    #[test]
    fn keys_are_ranges_of_the_standard() {
        let keys = |window: Window| window.keys();
        let (first, last) = (date("20200101"), date("20201231"));
        assert_eq!(keys(Window::All), (String::new(), String::new()));
        assert_eq!(keys(Window::Days(first, last)).0, "20200101-20201231");
        assert_eq!(keys(Window::Days(first, first)).0, "20200101");
        assert_eq!(keys(Window::of(None, Some(last))).0, "00010101-20201231");
        let (day, times) = keys(Window::Minutes(first, 0, DAY_MINUTES));
        assert_eq!((day.as_str(), times.as_str()), ("20200101", "000000-235959.999999"));
        assert_eq!(keys(Window::Minutes(first, 61, 62)).1, "010100-010159.999999");
    }
}
