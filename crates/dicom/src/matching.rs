//! A whole identifier against a whole data set (PS3.4 §C.2.2.2): what is asked, whether it matches, and what of it was
//! asked for. For data sets that are small and at hand, such as the items of a worklist; large catalogues are searched
//! by an index.

use crate::charset::CharacterSets;
use crate::data_set::{DataSet, Element, Value};
use crate::query::{MatchValue, QueryError};
use crate::tag::{Tag, tags};
use crate::vr::Vr;

/// What an identifier asks, sequences included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(Vec<Key>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    tag: Tag,
    vr: Vr,
    wanted: Wanted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Value(MatchValue),
    /// The one item of a sequence key; none asks for the sequence as it is (PS3.4 §C.2.2.2.6).
    Item(Option<Keys>),
}

/// Why an identifier is not understood. Never shows a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// A value cannot be matched.
    #[error("{tag}: {error}")]
    Value {
        /// The attribute.
        tag: Tag,
        /// Why.
        error: QueryError,
    },
    /// A sequence with several items (PS3.4 §C.2.2.2.6).
    #[error("{0}: a sequence key has at most one item")]
    Items(Tag),
    /// A value that is too long to be read.
    #[error("{0}: the value is too long")]
    TooLong(Tag),
}

impl Keys {
    /// Reads an identifier, in the character sets that it declares.
    ///
    /// # Errors
    /// [`KeysError`] names the attribute.
    pub fn read(identifier: &DataSet) -> Result<Self, KeysError> {
        Self::of(identifier, &identifier.character_sets())
    }

    fn of(set: &DataSet, sets: &CharacterSets) -> Result<Self, KeysError> {
        let keys = set.elements().iter().filter(|element| is_key(element.tag));
        keys.map(|element| Key::read(element, set, sets)).collect::<Result<_, _>>().map(Self)
    }

    /// The value asked of an attribute, through the items of these sequences; none when it may have any.
    #[must_use]
    pub fn value(&self, sequences: &[Tag], tag: Tag) -> Option<&MatchValue> {
        let (tag_here, rest) =
            sequences.split_first().map_or((tag, None), |(first, rest)| (*first, Some(rest)));
        let key = self.0.iter().find(|key| key.tag == tag_here)?;
        match (&key.wanted, rest) {
            (Wanted::Value(MatchValue::Universal), None) => None,
            (Wanted::Value(value), None) => Some(value),
            (Wanted::Item(Some(keys)), Some(rest)) => keys.value(rest, tag),
            (Wanted::Value(_), Some(_)) | (Wanted::Item(_), _) => None,
        }
    }

    /// Whether a data set, its texts in UTF-8, matches every key. A sequence matches when one of its items does.
    #[must_use]
    pub fn matches(&self, set: &DataSet) -> bool {
        self.0.iter().all(|key| match &key.wanted {
            Wanted::Value(value) => {
                let text = set.text(key.tag, &CharacterSets::utf8());
                value.matches(key.vr, text.as_deref().filter(|text| !text.is_empty()))
            }
            Wanted::Item(None) => true,
            Wanted::Item(Some(keys)) => {
                keys.is_universal() || set.items(key.tag).iter().any(|item| keys.matches(item))
            }
        })
    }

    /// What was asked for of a data set that matches: each attribute with its value, or without one. Of sequences the
    /// items that match.
    #[must_use]
    pub fn answer(&self, set: &DataSet) -> DataSet {
        let mut answer = DataSet::new();
        for key in &self.0 {
            match (&key.wanted, set.get(key.tag)) {
                (Wanted::Value(_) | Wanted::Item(None), Some(element)) => {
                    answer.put(key.tag, element.vr, element.value.clone());
                }
                (Wanted::Value(_), None) => answer.put(key.tag, key.vr, Value::Bytes(Vec::new())),
                (Wanted::Item(Some(keys)), _) => {
                    let items = set.items(key.tag).iter().filter(|item| keys.matches(item));
                    answer.put_items(key.tag, items.map(|item| keys.answer(item)).collect());
                }
                (Wanted::Item(None), None) => answer.put_items(key.tag, Vec::new()),
            }
        }
        answer
    }

    fn is_universal(&self) -> bool {
        self.0.iter().all(|key| match &key.wanted {
            Wanted::Value(value) => *value == MatchValue::Universal,
            Wanted::Item(keys) => keys.as_ref().is_none_or(Self::is_universal),
        })
    }
}

impl Key {
    fn read(element: &Element, set: &DataSet, sets: &CharacterSets) -> Result<Self, KeysError> {
        let tag = element.tag;
        let wanted = match &element.value {
            Value::Items(items) => match items.as_slice() {
                [] => Wanted::Item(None),
                [item] if item.elements().is_empty() => Wanted::Item(None),
                [item] => Wanted::Item(Some(Keys::of(item, sets)?)),
                [_, _, ..] => return Err(KeysError::Items(tag)),
            },
            Value::Bytes(_) => {
                let text = set.text(tag, sets).unwrap_or_default();
                let value = MatchValue::parse(element.vr, &text);
                Wanted::Value(value.map_err(|error| KeysError::Value { tag, error })?)
            }
            Value::Extent { .. } => return Err(KeysError::TooLong(tag)),
        };
        // An empty sequence of an implicit data set is told by the dictionary only.
        let wanted = match wanted {
            Wanted::Value(MatchValue::Universal) if element.vr == Vr::SQ => Wanted::Item(None),
            other => other,
        };
        Ok(Self { tag, vr: element.vr, wanted })
    }
}

/// Elements of an identifier that ask nothing.
fn is_key(tag: Tag) -> bool {
    !tag.is_group_length() && tag != tags::SPECIFIC_CHARACTER_SET && tag != tags::TIMEZONE_OFFSET_FROM_UTC
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::scan::scan;
    use crate::transfer_syntax::{Encoding, TransferSyntax};
    use proptest::prelude::*;

    const SEQUENCE: Tag = tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE;
    const STATION: Tag = tags::SCHEDULED_STATION_AE_TITLE;
    const DATE: Tag = tags::SCHEDULED_PROCEDURE_STEP_START_DATE;

    fn item(station: &str, date: &str) -> DataSet {
        let mut step = DataSet::new();
        step.put_text(STATION, Vr::AE, station);
        step.put_text(DATE, Vr::DA, date);
        step.put_text(tags::MODALITY, Vr::CS, "CT");
        let mut set = DataSet::new();
        set.put_text(tags::PATIENT_NAME, Vr::PN, "Wang^Fang=王^芳");
        set.put_text(tags::PATIENT_ID, Vr::LO, "4711");
        set.put_items(SEQUENCE, vec![step]);
        set
    }

    fn asked(name: &str, station: &str, date: &str) -> Keys {
        let mut step = DataSet::new();
        step.put_text(STATION, Vr::AE, station);
        step.put_text(DATE, Vr::DA, date);
        let mut set = DataSet::new();
        set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "ISO_IR 192");
        set.put_text(tags::PATIENT_NAME, Vr::PN, name);
        set.put_text(tags::ACCESSION_NUMBER, Vr::SH, "");
        set.put_items(SEQUENCE, vec![step]);
        Keys::read(&set).unwrap()
    }

    #[test]
    fn keys_hold_together_through_sequences() {
        let worklist = item("CT01", "20260301");
        for (name, station, date, matches) in [
            ("", "", "", true),
            ("WANG*", "CT01", "20260301", true),
            ("王*", "", "20260201-20260331", true),
            ("Wang^F?ng", "CT01", "-20260301", true),
            ("Li*", "CT01", "", false),
            ("", "CT02", "", false),
            ("", "", "20260302-", false),
        ] {
            assert_eq!(asked(name, station, date).matches(&worklist), matches, "{name} {station} {date}");
        }
        assert!(!asked("", "CT01", "").matches(&DataSet::new()));
        assert!(asked("", "", "").matches(&DataSet::new()));
    }

    #[test]
    fn an_answer_has_what_was_asked_for_and_nothing_else() {
        let answer = asked("", "", "").answer(&item("CT01", "20260301"));
        let tags_of = |set: &DataSet| set.elements().iter().map(|element| element.tag).collect::<Vec<_>>();
        assert_eq!(tags_of(&answer), [tags::ACCESSION_NUMBER, tags::PATIENT_NAME, SEQUENCE]);
        assert_eq!(answer.bytes(tags::ACCESSION_NUMBER), Some(&b""[..]));
        assert_eq!(tags_of(&answer.items(SEQUENCE)[0]), [STATION, DATE]);

        let mut all = DataSet::new();
        all.put_items(SEQUENCE, vec![]);
        let answer = Keys::read(&all).unwrap().answer(&item("CT01", "20260301"));
        assert_eq!(answer.items(SEQUENCE), item("CT01", "20260301").items(SEQUENCE));
    }

    #[test]
    fn values_are_found_by_their_path() {
        let keys = asked("Wang*", "CT01", "");
        assert_eq!(keys.value(&[SEQUENCE], STATION), Some(&MatchValue::Single("CT01".into())));
        assert_eq!(keys.value(&[], tags::PATIENT_NAME), Some(&MatchValue::Wildcard("Wang*".into())));
        assert_eq!(keys.value(&[SEQUENCE], DATE), None);
        assert_eq!(keys.value(&[], STATION), None);
    }

    proptest! {
        #[test]
        fn any_identifier_is_read_or_refused_and_what_matches_is_answered(
            asked in proptest::collection::vec(any::<u8>(), 0..300),
            held in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let syntax = TransferSyntax { encoding: Encoding::ImplicitLe, encapsulated: false, known: true };
            let read = |bytes: &[u8]| scan(bytes, syntax, Limits::message()).map(|scanned| scanned.data_set);
            let held = read(&held).unwrap_or_default();
            if let Ok(keys) = read(&asked).map_err(drop).and_then(|set| Keys::read(&set).map_err(drop)) {
                let answer = keys.answer(&held);
                prop_assert!(answer.elements().len() <= keys.0.len());
                prop_assert!(keys.matches(&held) || !keys.is_universal());
            }
        }
    }

    #[test]
    fn what_cannot_be_matched_is_named() {
        let mut set = DataSet::new();
        set.put_items(SEQUENCE, vec![item("A", ""), item("B", "")]);
        assert_eq!(Keys::read(&set), Err(KeysError::Items(SEQUENCE)));
        let mut set = DataSet::new();
        set.put_text(tags::STUDY_DATE, Vr::DA, "yesterday");
        assert!(matches!(Keys::read(&set), Err(KeysError::Value { tag: tags::STUDY_DATE, .. })));
    }
}
