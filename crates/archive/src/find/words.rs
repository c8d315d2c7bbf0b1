//! What somebody types into one box: words in any order, each of which may be several things. Pure functions; what a word means is
//! decided by its form and by what the asker may search by, never by what there is.
//!
//! | word | finds |
//! |---|---|
//! | `2026-11-21`, `2026-11`, `today`, `今天`, `本周` | studies of that day, month or week, and nothing else |
//! | `CT`, `MRI`, `超声` | studies with a series of that modality, and whatever the word begins |
//! | any | the beginning of a part of the patient's name, of a patient ID, or of an accession number |

use super::candidate::{AnyRow, Candidate};
use crate::error::FindError;
use crate::masked::Mask;
use crate::pseudonym::{Pseudonyms, Searchable};
use crate::request::ReadAs;
use jiff::civil::{Date as Day, Weekday};
use jiff::{Span, ToSpan};
use std::ops::RangeInclusive;
use yingdun_catalog::catalogue::{Date, Either};
use yingdun_dicom::person_name::{NameQuery, fold};
use yingdun_dicom::tags;

/// Words of one search. Names have four, with ID, modality and date beside them.
const WORDS_MAX: usize = 8;
/// Characters of one word: the longest identifier has as many (PS3.5 §6.2, VR LO).
const WORD_CHARACTERS_MAX: usize = 64;
/// From here on an identifier is looked up whole: identifiers of one house begin alike, and beginnings that are longer than the index has
/// would be compared with all of them.
const BEGINNING_MAX: usize = 12;

/// What was typed.
#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) words: Vec<Word>,
    /// The days that all words of dates have in common; none where there was no such word.
    pub(super) days: Option<Days>,
}

/// Days from the first to the last; none of them where dates have nothing in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) first: Date,
    pub(super) last: Date,
}

impl Days {
    /// All days that can be kept.
    pub(super) const ALL: Self = Self { first: Date::MIN, last: Date::MAX };

    pub(super) fn and(self, other: Self) -> Self {
        Self { first: self.first.max(other.first), last: self.last.min(other.last) }
    }

    /// The days as a range; nothing where it holds none.
    pub(super) fn range(self) -> Option<RangeInclusive<Date>> {
        (self.first <= self.last).then_some(self.first..=self.last)
    }
}

/// A word that is no date.
#[derive(Debug)]
pub(super) struct Word {
    /// As it is compared.
    folded: String,
    name: Option<NameQuery>,
    patient_id: bool,
    accession_number: bool,
    modality: Option<&'static str>,
}

impl Typed {
    /// Reads what was typed, on a day, by somebody who is not to learn what is masked: a word is not taken for what may not be searched by.
    pub(super) fn parse(text: &str, today: Day, mask: Option<&Mask>) -> Result<Self, FindError> {
        let mut typed = Self::default();
        let texts: Vec<&str> = text.split_whitespace().collect();
        if texts.len() > WORDS_MAX || texts.iter().any(|text| text.chars().count() > WORD_CHARACTERS_MAX) {
            return Err(FindError::BadKey(format!(
                "a search has at most {WORDS_MAX} words of {WORD_CHARACTERS_MAX} characters"
            )));
        }
        let hides = |tag: yingdun_dicom::Tag| mask.is_some_and(|mask| mask.hides(tag.into()));
        for text in texts {
            if let Some(days) = days(&fold(text), today) {
                if hides(tags::STUDY_DATE) {
                    return Err(masked());
                }
                typed.days = Some(typed.days.unwrap_or(Days::ALL).and(days));
                continue;
            }
            let mut word = Word::parse(text);
            if word.folded.contains(['*', '?']) {
                return Err(FindError::BadKey("a word is a beginning, and has no wildcards".to_owned()));
            }
            // Only a sign: it restricts nothing.
            if word.read_as().is_empty() {
                continue;
            }
            word.name = word.name.filter(|_| !hides(tags::PATIENT_NAME));
            word.patient_id &= !hides(tags::PATIENT_ID);
            word.accession_number &= !hides(tags::ACCESSION_NUMBER);
            word.modality = word.modality.filter(|_| !hides(tags::MODALITIES_IN_STUDY));
            if word.read_as().is_empty() {
                return Err(masked());
            }
            typed.words.push(word);
        }
        Ok(typed)
    }
}

impl Word {
    fn parse(text: &str) -> Self {
        let folded = fold(text);
        let name = Some(NameQuery::parse(text)).filter(|query| query.words().next().is_some());
        let is_identifier = folded.chars().any(char::is_alphanumeric);
        let modality = modality(&folded);
        Self { folded, name, patient_id: is_identifier, accession_number: is_identifier, modality }
    }

    /// What the word is taken for.
    pub(super) fn read_as(&self) -> Vec<ReadAs> {
        [
            (self.name.is_some(), ReadAs::PatientName),
            (self.patient_id, ReadAs::PatientId),
            (self.accession_number, ReadAs::AccessionNumber),
            (self.modality.is_some(), ReadAs::Modality),
        ]
        .into_iter()
        .filter_map(|(is_read, as_what)| is_read.then_some(as_what))
        .collect()
    }

    /// The condition by which the index finds what fits; perhaps more than that.
    pub(super) fn either(&self, pseudonyms: &Pseudonyms) -> Either {
        let mut tokens = Vec::new();
        // Of a name with a hyphen all parts have to be there: the longest leaves the least to compare.
        if let Some(part) = self.name_parts().max_by_key(|part| part.chars().count()) {
            tokens.push(pseudonyms.prefix(Searchable::PatientNamePart, part));
        }
        for what in self.identifiers() {
            tokens.push(if self.is_whole() {
                pseudonyms.exact(what, &self.folded)
            } else {
                pseudonyms.prefix(what, &self.folded)
            });
        }
        Either { tokens, modalities: self.modality.into_iter().map(str::to_owned).collect() }
    }

    /// Whether the index finds more than what fits.
    pub(super) fn needs_second_look(&self) -> bool {
        let is_indexed = |what: Searchable, text: &str| what.is_indexed_prefix(text.chars().count());
        let mut parts = self.name_parts();
        let name = match (parts.next(), parts.next()) {
            (Some(part), None) => !is_indexed(Searchable::PatientNamePart, part),
            (None, _) => false,
            (Some(_), Some(_)) => true,
        };
        name || !self.is_whole() && self.identifiers().any(|what| !is_indexed(what, &self.folded))
    }

    /// The second look.
    pub(super) fn matches(&self, candidate: &Candidate) -> bool {
        let AnyRow::Study(study) = &candidate.row else { return false };
        let Some(index) = candidate.study.as_deref() else { return false };
        let begins = |text: &str| match self.is_whole() {
            true => fold(text) == self.folded,
            false => fold(text).starts_with(&self.folded),
        };
        self.modality.is_some_and(|code| study.modalities.iter().any(|modality| modality == code))
            || self.patient_id && begins(index.patient_id.expose())
            || self.accession_number && begins(index.accession_number.expose())
            || self.name.as_ref().is_some_and(|query| query.matches(index.patient_name.expose()))
    }

    fn name_parts(&self) -> impl Iterator<Item = &str> {
        self.name.iter().flat_map(NameQuery::words)
    }

    fn identifiers(&self) -> impl Iterator<Item = Searchable> {
        let patient = self.patient_id.then_some(Searchable::PatientId);
        patient.into_iter().chain(self.accession_number.then_some(Searchable::AccessionNumber))
    }

    /// Whether it is too long to be the beginning of an identifier.
    fn is_whole(&self) -> bool {
        self.folded.chars().count() > BEGINNING_MAX
    }
}

/// The day at a moment, in a zone so many minutes east of UTC.
pub(crate) fn day_of(at_ms: i64, utc_offset_minutes: i32) -> Day {
    let local = at_ms.saturating_add(i64::from(utc_offset_minutes) * 60_000);
    let days = local.div_euclid(24 * 3600 * 1000);
    Span::new()
        .try_days(days)
        .ok()
        .and_then(|days| Day::constant(1970, 1, 1).checked_add(days).ok())
        .unwrap_or(Day::MAX)
}

// === helpers ===

fn masked() -> FindError {
    FindError::BadKey(
        "masked-role: a word can only be what is masked for this role, and cannot be matched".to_owned(),
    )
}

/// The code of a modality, and what people say instead.
fn modality(folded: &str) -> Option<&'static str> {
    const SAID: [(&str, &str); 10] = [
        ("mri", "MR"),
        ("磁共振", "MR"),
        ("核磁", "MR"),
        ("pet", "PT"),
        ("超声", "US"),
        ("b超", "US"),
        ("钼靶", "MG"),
        ("dr", "DX"),
        ("心电图", "ECG"),
        ("病理", "SM"),
    ];
    let said = SAID.into_iter().find(|(word, _)| *word == folded).map(|(_, code)| code);
    said.or_else(|| MODALITIES.into_iter().find(|code| code.eq_ignore_ascii_case(folded)))
}

/// Defined terms of Modality (PS3.3 §C.7.3.1.1.1), retired ones that old studies have among them. Another code is given as a filter.
const MODALITIES: [&str; 61] = [
    "AR", "ASMT", "AU", "BDUS", "BI", "BMD", "CR", "CT", "DG", "DOC", "DX", "ECG", "EPS", "ES", "FID", "GM",
    "HC", "HD", "IO", "IOL", "IVOCT", "IVUS", "KER", "KO", "LEN", "LS", "MG", "MR", "NM", "OAM", "OCT", "OP",
    "OPM", "OPT", "OPV", "OSS", "OT", "PLAN", "PR", "PT", "PX", "REG", "RESP", "RF", "RG", "RTDOSE",
    "RTIMAGE", "RTPLAN", "RTRECORD", "RTSTRUCT", "RWV", "SEG", "SM", "SMR", "SR", "SRF", "TG", "US", "VA",
    "XA", "XC",
];

/// The days that a word names.
fn days(folded: &str, today: Day) -> Option<Days> {
    let at = |days: i64| Span::new().try_days(days).ok().and_then(|days| today.checked_add(days).ok());
    let monday = |weeks: i64| {
        let back = i64::from(today.weekday().since(Weekday::Monday));
        at(weeks * 7 - back)
    };
    let (first, last) = match folded {
        "today" | "今天" | "今日" => (today, today),
        "yesterday" | "昨天" | "昨日" => (at(-1)?, at(-1)?),
        "this-week" | "本周" | "这周" => (monday(0)?, monday(1)?.yesterday().ok()?),
        "last-week" | "上周" => (monday(-1)?, monday(0)?.yesterday().ok()?),
        "this-month" | "本月" | "这个月" => (today.first_of_month(), today.last_of_month()),
        "last-month" | "上月" | "上个月" => {
            let before = today.checked_sub(1.month()).ok()?;
            (before.first_of_month(), before.last_of_month())
        }
        _ => written(folded)?,
    };
    Some(Days { first: kept(first)?, last: kept(last)? })
}

/// A day or a month that is written with its year first. Digits alone are an identifier.
fn written(folded: &str) -> Option<(Day, Day)> {
    let is_chinese = folded.contains('年');
    let parted = match is_chinese {
        true => folded.replace(['年', '月'], "-").replace(['日', '号'], ""),
        false => folded.replace(['/', '.'], "-"),
    };
    let numbers: Option<Vec<i16>> = parted
        .trim_end_matches('-')
        .split('-')
        .map(|digits| {
            let is_number =
                (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| is_number)
        })
        .collect();
    let numbers = numbers?;
    let has_year = folded.get(..4).is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit()));
    let small = |number: i16| i8::try_from(number).ok();
    match *numbers.as_slice() {
        [year, month, day] if has_year => {
            let day = Day::new(year, small(month)?, small(day)?).ok()?;
            Some((day, day))
        }
        [year, month] if has_year && (1900..2200).contains(&year) => {
            let first = Day::new(year, small(month)?, 1).ok()?;
            Some((first, first.last_of_month()))
        }
        _ => None,
    }
}

fn kept(day: Day) -> Option<Date> {
    let part = |number: i8| u32::try_from(number).ok();
    Date::new(u32::try_from(day.year()).ok()?, part(day.month())?, part(day.day())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use yingdun_crypto::{SealingKey, TokenKey};

    /// A Saturday.
    const TODAY: Day = Day::constant(2026, 11, 21);

    fn typed(text: &str) -> Typed {
        Typed::parse(text, TODAY, None).unwrap()
    }

    fn days_of(text: &str) -> Option<(u32, u32)> {
        typed(text).days.map(|days| (days.first.number(), days.last.number()))
    }

    #[test]
    fn days_weeks_and_months_are_read_in_both_languages() {
        for (text, first, last) in [
            ("2026-11-21", 20_261_121, 20_261_121),
            ("2026/1/2", 20_260_102, 20_260_102),
            ("2026.11.21", 20_261_121, 20_261_121),
            ("2026年11月21日", 20_261_121, 20_261_121),
            ("２０２６-11-21", 20_261_121, 20_261_121),
            ("2026-02", 20_260_201, 20_260_228),
            ("2026年2月", 20_260_201, 20_260_228),
            ("Today", 20_261_121, 20_261_121),
            ("今天", 20_261_121, 20_261_121),
            ("昨天", 20_261_120, 20_261_120),
            ("本周", 20_261_116, 20_261_122),
            ("last-week", 20_261_109, 20_261_115),
            ("本月", 20_261_101, 20_261_130),
            ("上月", 20_261_001, 20_261_031),
            ("本月 本周", 20_261_116, 20_261_122),
        ] {
            assert_eq!(days_of(text), Some((first, last)), "{text}");
            assert!(typed(text).words.is_empty());
        }
        let apart = typed("今天 昨天").days.unwrap();
        assert_eq!(apart.range(), None, "no study is of both days");
    }

    #[test]
    fn what_only_looks_like_a_date_is_an_identifier() {
        for text in ["20261121", "2026-13-01", "2026-11-21-0003", "21-11-2026", "2026", "11-21", "2026-11-x"]
        {
            assert_eq!(days_of(text), None, "{text}");
            assert!(typed(text).words[0].patient_id, "{text}");
        }
    }

    #[test]
    fn a_word_may_be_several_things() {
        use ReadAs::{AccessionNumber, Modality, PatientId, PatientName};
        let read_as = |text: &str| typed(text).words.iter().map(Word::read_as).collect::<Vec<_>>();
        assert_eq!(read_as("ct"), [vec![PatientName, PatientId, AccessionNumber, Modality]]);
        assert_eq!(read_as("王 today"), [vec![PatientName, PatientId, AccessionNumber]]);
        assert_eq!(read_as("DR")[0].last(), Some(&Modality));
        assert_eq!(read_as(" - . "), Vec::<Vec<ReadAs>>::new());
        let too_many = "a ".repeat(WORDS_MAX + 1);
        for text in [too_many, "x".repeat(WORD_CHARACTERS_MAX + 1), "wang*".to_owned(), "A?1".to_owned()] {
            assert!(matches!(Typed::parse(&text, TODAY, None), Err(FindError::BadKey(_))));
        }
    }

    #[test]
    fn the_index_says_enough_where_it_has_the_beginning_of_that_length() {
        for (text, second) in [
            ("王小", false),
            ("zs", false),
            ("1234", false),
            // Three characters of an identifier have no token.
            ("123", true),
            ("wangxia", true),
            ("o'brien", true),
            // Looked up whole.
            ("hospital-000001", true),
            ("1234567890123", true),
        ] {
            assert_eq!(typed(text).words[0].needs_second_look(), second, "{text}");
        }
        let long = &typed("住院号00000000000001").words[0];
        assert!(long.is_whole());
    }

    #[test]
    fn a_day_begins_at_midnight_of_the_institution() {
        // 2026-11-21T15:59:59.999Z is 23:59:59.999 in China.
        let last = 1_795_276_799_999;
        assert_eq!(day_of(last, 480), TODAY);
        assert_eq!(day_of(last + 1, 480), TODAY.tomorrow().unwrap());
        assert_eq!(day_of(last, 0), TODAY);
        assert_eq!(day_of(i64::MAX, 0), Day::MAX);
    }

    proptest! {
        /// What is stored under all its tokens is found by each of its beginnings, as far as those are looked up.
        #[test]
        fn every_beginning_of_an_identifier_finds_it(id in "[A-Za-z0-9王-]{1,30}", length in 1_usize..30) {
            let pseudonyms = Pseudonyms::new(TokenKey::from(&SealingKey::generate()));
            let stored = pseudonyms.all(Searchable::PatientId, &fold(&id));
            let beginning: String = id.chars().take(length).collect();
            let typed = Typed::parse(&beginning, TODAY, None).unwrap();
            let is_all = beginning.chars().count() == id.chars().count();
            if let [word] = typed.words.as_slice() && (is_all || !word.is_whole()) {
                let found = word.either(&pseudonyms).tokens.iter().any(|token| stored.contains(token));
                prop_assert!(found, "{} in {}", beginning, id);
            }
        }

        #[test]
        fn any_text_is_read(text in "\\PC{0,60}") {
            if let Ok(typed) = Typed::parse(&text, TODAY, None) {
                prop_assert!(typed.words.len() <= WORDS_MAX);
                let pseudonyms = Pseudonyms::new(TokenKey::from(&SealingKey::generate()));
                for word in &typed.words {
                    let either = word.either(&pseudonyms);
                    prop_assert!(!either.tokens.is_empty() || !either.modalities.is_empty());
                    prop_assert!(either.tokens.len() <= 4);
                }
            }
        }
    }
}
