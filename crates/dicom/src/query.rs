//! Attribute matching (DICOM PS3.4 §C.2.2.2, PS3.18 §8.3.4.1): what a query value means, and whether a
//! decoded value of an instance matches it.

use crate::data_set::trim_padding;
use crate::person_name::{PersonName, fold};
use crate::vr::Vr;
use crate::zone::UtcOffset;

/// Most values in a list: a worklist of UIDs, not a dump of an archive.
pub const LIST_MAX: usize = 1_000;

/// Longest query value, characters.
pub const VALUE_CHARACTERS_MAX: usize = 64 << 10;

/// What asks for attributes without a value, where that was agreed (PS3.4 §C.2.2.2.7).
const EMPTY: &str = "\"\"";

/// How values are matched beyond what goes without saying: agreed with an association (PS3.4 §C.5.1.1), or said by the
/// parameters of a request (PS3.18 §8.3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// Names match by their parts (PS3.4 §C.2.2.2.1.1): each word of the key begins a part of the name, in any order and
    /// component group.
    pub fuzzy: bool,
    /// A range of dates and a range of times beside it are one range, from a moment until a moment (PS3.4 §C.2.2.2.5.4).
    pub combined: bool,
    /// `""` asks for attributes without a value (PS3.4 §C.2.2.2.7).
    pub empty: bool,
    /// Of several values all have to be there (PS3.4 §C.2.2.2.8); otherwise one of them is enough.
    pub multiple: bool,
    /// In which zone dates and times are asked for (PS3.4 §C.2.2.2.5.2); otherwise each is compared as it is written.
    pub zone: Option<UtcOffset>,
}

/// What a query asks of one attribute.
#[derive(Clone, PartialEq, Eq)]
pub enum MatchValue {
    /// Every value matches, also none (PS3.4 §C.2.2.2.3).
    Universal,
    /// No value matches but the empty one, and what is absent (PS3.4 §C.2.2.2.7).
    Empty,
    /// Exactly this value.
    Single(String),
    /// One of these values (PS3.4 §C.2.2.2.2).
    List(Vec<String>),
    /// All of these values, in any order and perhaps with others (PS3.4 §C.2.2.2.8).
    All(Vec<String>),
    /// `*` for any characters, `?` for one (PS3.4 §C.2.2.2.4).
    Wildcard(String),
    /// From and until, both included (PS3.4 §C.2.2.2.5).
    Range {
        /// The earliest value, if bounded.
        from: Option<String>,
        /// The latest value, if bounded; a shorter value covers what begins with it.
        until: Option<String>,
    },
}

/// Why a query value is not understood. Never shows the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Beyond [`LIST_MAX`].
    #[error("a query list has at most {LIST_MAX} values, this one has {0}")]
    TooManyValues(usize),
    /// Beyond [`VALUE_CHARACTERS_MAX`].
    #[error("a query value has at most {VALUE_CHARACTERS_MAX} characters")]
    TooLong,
    /// Not a date, time or range of them.
    #[error("a {0} query is digits or a range of digits with `-`")]
    NotTemporal(Vr),
}

impl MatchValue {
    /// Reads a decoded query value for an attribute of this value representation. Lists are separated by
    /// backslashes.
    ///
    /// # Errors
    /// [`QueryError`] if a bound is passed or a date or time is none.
    pub fn parse(vr: Vr, text: &str) -> Result<Self, QueryError> {
        if text.len() > VALUE_CHARACTERS_MAX {
            return Err(QueryError::TooLong);
        }
        let text = trim_padding(text);
        if is_empty(vr, text) || text.bytes().all(|byte| byte == b'*') && takes_wildcards(vr) {
            return Ok(Self::Universal);
        }
        if matches!(vr, Vr::DA | Vr::TM | Vr::DT) {
            return temporal(vr, text);
        }
        let values: Vec<&str> =
            text.split('\\').map(trim_padding).filter(|value| !value.is_empty()).collect();
        if values.len() > LIST_MAX {
            return Err(QueryError::TooManyValues(values.len()));
        }
        Ok(match values.as_slice() {
            [one] if takes_wildcards(vr) && one.contains(['*', '?']) => Self::Wildcard((*one).to_owned()),
            [one] => Self::Single((*one).to_owned()),
            many => Self::List(many.iter().map(|value| (*value).to_owned()).collect()),
        })
    }

    /// The same where more was agreed than goes without saying.
    ///
    /// # Errors
    /// As [`MatchValue::parse`].
    pub fn parse_as(vr: Vr, text: &str, matching: Matching) -> Result<Self, QueryError> {
        if matching.empty && trim_padding(text) == EMPTY {
            return Ok(Self::Empty);
        }
        Ok(match Self::parse(vr, text)? {
            Self::List(values) if matching.multiple && takes_several(vr) && !values.is_empty() => {
                Self::All(values)
            }
            other => other,
        })
    }

    /// Whether a decoded value field matches: any of its values. `None` stands for an absent attribute.
    /// Names are compared without case and width, in the groups that the query names or else in any of them; every
    /// other text exactly (PS3.4 §C.2.2.2.1 and §C.2.2.2.4).
    #[must_use]
    pub fn matches(&self, vr: Vr, value: Option<&str>) -> bool {
        match self {
            Self::Universal => return true,
            Self::Empty => return value.is_none_or(|value| value.split('\\').all(|one| is_empty(vr, one))),
            Self::All(wanted) => {
                return wanted.iter().all(|one| Self::Single(one.clone()).matches(vr, value));
            }
            Self::Single(_) | Self::List(_) | Self::Wildcard(_) | Self::Range { .. } => {}
        }
        let Some(value) = value else { return false };
        let mut values = value.split('\\').map(trim_padding);
        if vr != Vr::PN {
            return values.any(|one| self.matches_one(vr, one));
        }
        let groups = self.groups();
        values.any(|one| {
            let name = PersonName::parse(one);
            match &groups {
                None => name.groups().any(|group| self.matches_one(vr, group)) || self.matches_one(vr, one),
                Some(wanted) => wanted
                    .iter()
                    .zip([&name.alphabetic, &name.ideographic, &name.phonetic])
                    .all(|(wanted, group)| *wanted == Self::Universal || wanted.matches_one(vr, group)),
            }
        })
    }

    /// What a name asks of each component group, where it names groups (PS3.5 §6.2.1.2): `Wang*=王*` asks two things.
    #[must_use]
    pub fn groups(&self) -> Option<[Self; 3]> {
        let text = match self {
            Self::Single(text) | Self::Wildcard(text) if text.contains('=') => text,
            Self::Single(_)
            | Self::Wildcard(_)
            | Self::Universal
            | Self::Empty
            | Self::List(_)
            | Self::All(_)
            | Self::Range { .. } => return None,
        };
        let PersonName { alphabetic, ideographic, phonetic } = PersonName::parse(text);
        let wanted = |group: String| Self::parse(Vr::PN, &group).unwrap_or(Self::Universal);
        Some([alphabetic, ideographic, phonetic].map(wanted))
    }

    fn matches_one(&self, vr: Vr, value: &str) -> bool {
        let comparable = |text: &str| if vr == Vr::PN { fold(text) } else { text.to_owned() };
        match self {
            Self::Universal => true,
            Self::Empty => is_empty(vr, value),
            Self::Single(wanted) => same(vr, &comparable(wanted), &comparable(value)),
            Self::List(wanted) | Self::All(wanted) => {
                let value = comparable(value);
                wanted.iter().any(|one| same(vr, &comparable(one), &value))
            }
            Self::Wildcard(pattern) => wildcard(&comparable(pattern), &comparable(value)),
            Self::Range { from, until } => {
                let value = digits(value);
                !value.is_empty()
                    && from.as_deref().is_none_or(|from| value.as_str() >= from || from.starts_with(&value))
                    && until
                        .as_deref()
                        .is_none_or(|until| value.as_str() <= until || value.starts_with(until))
            }
        }
    }
}

impl std::fmt::Debug for MatchValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Universal => "Universal",
            Self::Empty => "Empty",
            Self::Single(_) => "Single(…)",
            Self::List(_) => "List(…)",
            Self::All(_) => "All(…)",
            Self::Wildcard(_) => "Wildcard(…)",
            Self::Range { .. } => "Range(…)",
        })
    }
}

/// Whether a text matches a pattern of `*` and `?`, in time proportional to the product of their lengths.
#[must_use]
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(character) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == character => {
                p += 1;
                t += 1;
            }
            _ => {
                // Let the last star take one more character.
                let Some((star_p, star_t)) = star else { return false };
                star = Some((star_p, star_t + 1));
                p = star_p + 1;
                t = star_t + 1;
            }
        }
    }
    pattern.get(p..).is_none_or(|rest| rest.iter().all(|wanted| *wanted == '*'))
}

// === helpers ===

/// Whether there is nothing but padding. A name of delimiters alone has only empty components (PS3.5 §6.2.1.1).
fn is_empty(vr: Vr, text: &str) -> bool {
    let text = trim_padding(text);
    text.is_empty() || vr == Vr::PN && text.bytes().all(|byte| matches!(byte, b'^' | b'=' | b' '))
}

/// PS3.4 §C.2.2.2.8: all values of a key are asked for in these.
fn takes_several(vr: Vr) -> bool {
    matches!(vr, Vr::AE | Vr::AS | Vr::AT | Vr::CS | Vr::LO | Vr::PN | Vr::SH | Vr::UC)
}

/// PS3.4 §C.2.2.2.4: not for dates, times, numbers, UIDs and binary values.
fn takes_wildcards(vr: Vr) -> bool {
    matches!(vr, Vr::AE | Vr::CS | Vr::LO | Vr::LT | Vr::PN | Vr::SH | Vr::ST | Vr::UC | Vr::UR | Vr::UT)
}

fn same(vr: Vr, wanted: &str, value: &str) -> bool {
    let numeric = matches!(vr, Vr::IS | Vr::DS);
    wanted == value
        || numeric && matches!((wanted.parse::<f64>(), value.parse::<f64>()), (Ok(a), Ok(b)) if a == b)
}

fn temporal(vr: Vr, text: &str) -> Result<MatchValue, QueryError> {
    let legal =
        |part: &str| part.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b':' | b'+' | b' '));
    let bound = |part: &str| {
        let digits = digits(part);
        (!digits.is_empty()).then_some(digits)
    };
    let (from, until) = match text.split_once('-') {
        Some((from, until)) => (from, until),
        None => (text, text),
    };
    if !legal(from) || !legal(until) || (bound(from).is_none() && bound(until).is_none()) {
        return Err(QueryError::NotTemporal(vr));
    }
    Ok(MatchValue::Range { from: bound(from), until: bound(until) })
}

/// The digits of a date or time; separators of old ACR-NEMA forms and a time zone are dropped.
fn digits(text: &str) -> String {
    let text = text.split(['+', '-']).next().unwrap_or_default();
    text.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(vr: Vr, query: &str, value: &str) -> bool {
        MatchValue::parse(vr, query).unwrap().matches(vr, Some(value))
    }

    #[test]
    fn an_empty_query_matches_also_what_is_absent() {
        for query in ["", " ", "*", "**"] {
            assert!(MatchValue::parse(Vr::LO, query).unwrap().matches(Vr::LO, None));
        }
        assert!(!MatchValue::parse(Vr::LO, "A").unwrap().matches(Vr::LO, None));
    }

    #[test]
    fn names_match_in_any_group_without_case() {
        let name = "Wang^XiaoDong=王^小东=";
        for query in ["wang*", "WANG^XIAODONG", "王*", "*小东", "w?ng^x*", "Wang XiaoDong"] {
            assert!(matches(Vr::PN, query, name), "{query}");
        }
        for query in ["xiao*", "wan", "王", "w??ng*x"] {
            assert!(!matches(Vr::PN, query, name), "{query}");
        }
    }

    #[test]
    fn a_name_that_names_groups_asks_each_of_them() {
        let name = "Wang^XiaoDong=王^小东=";
        for query in ["wang^xiaodong=王^小东", "Wang^XiaoDong=王^小东=", "=王*", "W*=王*", "Wang*=", "^^^^"]
        {
            assert!(matches(Vr::PN, query, name), "{query}");
        }
        for query in ["王*=", "=wang*", "Wang^XiaoDong=李^小东", "W*=王*=w*"] {
            assert!(!matches(Vr::PN, query, name), "{query}");
        }
    }

    #[test]
    fn texts_that_are_no_names_are_compared_with_their_case() {
        for vr in [Vr::LO, Vr::SH, Vr::CS, Vr::UT] {
            assert!(matches(vr, "Ab1", "Ab1") && matches(vr, "A?1", "Ab1") && matches(vr, "A*", "Ab1"));
            assert!(!matches(vr, "AB1", "Ab1") && !matches(vr, "a*", "Ab1"), "{vr:?}");
        }
    }

    #[test]
    fn codes_are_compared_exactly_and_lists_match_any() {
        assert!(matches(Vr::CS, "CT\\MR", "MR"));
        assert!(!matches(Vr::CS, "ct", "CT"));
        assert!(matches(Vr::CS, "C?", "CT"));
        assert!(matches(Vr::UI, "1.2\\1.3", "1.3"));
        assert!(!matches(Vr::UI, "1.*", "1.3"), "no wildcards in UIDs");
        assert!(matches(Vr::IS, "5", "05 "));
    }

    #[test]
    fn two_quotation_marks_ask_for_what_has_no_value_where_that_was_agreed() {
        let agreed = Matching { empty: true, ..Matching::default() };
        for vr in [Vr::LO, Vr::CS, Vr::PN, Vr::DA, Vr::TM, Vr::UI] {
            let empty = MatchValue::parse_as(vr, "\"\" ", agreed).unwrap();
            assert!(
                empty == MatchValue::Empty && empty.matches(vr, None) && empty.matches(vr, Some(" ")),
                "{vr:?}"
            );
            assert!(!empty.matches(vr, Some("20260101")) && !empty.matches(vr, Some("\\1")), "{vr:?}");
        }
        assert!(MatchValue::Empty.matches(Vr::PN, Some("^^=")));
        assert!(matches(Vr::LO, "\"\"", "\"\""), "a text like any other");
        assert_eq!(MatchValue::parse(Vr::DA, "\"\""), Err(QueryError::NotTemporal(Vr::DA)));
    }

    #[test]
    fn of_several_values_one_is_enough_unless_all_were_agreed() {
        let all = |vr, query, value| {
            let agreed = Matching { multiple: true, ..Matching::default() };
            MatchValue::parse_as(vr, query, agreed).unwrap().matches(vr, Some(value))
        };
        assert!(matches(Vr::CS, "CT\\PT", "CT"));
        assert!(all(Vr::CS, "CT\\PT", "SR\\PT\\CT") && all(Vr::CS, "CT", "PT\\CT"));
        assert!(!all(Vr::CS, "CT\\PT", "CT\\SR"));
        assert!(all(Vr::PN, "wang^wei\\李^娜", "Li^Na=李^娜\\Wang^Wei"));
        assert!(all(Vr::UI, "1.2\\1.3", "1.3"), "a list of UIDs is one of them");
    }

    #[test]
    fn ranges_include_both_ends_and_shorter_values_cover_longer_ones() {
        for (query, value, expected) in [
            ("20260101-20260131", "20260131", true),
            ("20260101-20260131", "20260201", false),
            ("-20260131", "19990101", true),
            ("20260101-", "20260101", true),
            ("20260101", "20260101", true),
            ("20260101", "2026.01.01", true),
            ("20260101-", "", false),
        ] {
            assert_eq!(matches(Vr::DA, query, value), expected, "{query} {value}");
        }
        assert!(matches(Vr::TM, "10-11", "115959.999"));
        assert!(matches(Vr::TM, "1030-", "103000"));
        assert!(matches(Vr::TM, "103000", "103000.123"));
        assert!(!matches(Vr::TM, "10-11", "120000"));
        assert_eq!(MatchValue::parse(Vr::DA, "x"), Err(QueryError::NotTemporal(Vr::DA)));
        assert_eq!(MatchValue::parse(Vr::DA, "-"), Err(QueryError::NotTemporal(Vr::DA)));
    }

    #[test]
    fn bounds_hold() {
        let many = vec!["1"; LIST_MAX + 1].join("\\");
        assert_eq!(MatchValue::parse(Vr::UI, &many), Err(QueryError::TooManyValues(LIST_MAX + 1)));
        let long = "a".repeat(VALUE_CHARACTERS_MAX + 1);
        assert_eq!(MatchValue::parse(Vr::LO, &long), Err(QueryError::TooLong));
        // Exponential back-tracking would never return.
        assert!(!wildcard(&"*a".repeat(200), &"a".repeat(199)));
    }

    proptest! {
        #[test]
        fn a_text_matches_itself_and_its_prefix_with_a_star(text in "[a-z]{1,20}", cut in 0_usize..20) {
            prop_assert!(wildcard(&text, &text));
            let cut = cut.min(text.len());
            let prefix = format!("{}*", &text[..cut]);
            prop_assert!(wildcard(&prefix, &text));
        }
    }
}
