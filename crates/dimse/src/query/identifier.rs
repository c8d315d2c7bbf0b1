//! Identifiers: what a C-FIND, C-MOVE or C-GET asks (PS3.4 §C.4.1.1.3, §C.4.2.1.4 and §C.4.3.1.3).

use super::{Level, Root};
use crate::scp::{Failure, FailureKind};
use yingdun_dicom::charset::CharacterSets;
use yingdun_dicom::data_set::{DataSet, Element, Value};
use yingdun_dicom::query::{LIST_MAX, Matching};
use yingdun_dicom::{Tag, UtcOffset, Vr, dictionary, tags};
use yingdun_model::Uid;

/// An identifier that was read: its level is a level of its model, nothing else of it is checked yet.
pub struct Identifier {
    root: Root,
    level: Level,
    set: DataSet,
    sets: CharacterSets,
}

/// What a C-FIND asks.
#[derive(Clone, PartialEq, Eq)]
pub struct Query {
    /// What to list.
    pub level: Level,
    /// Attributes with a value to match, in the order of tags: at the top of the identifier, or in the first item of
    /// the sequence that stands first.
    pub keys: Vec<(Option<Tag>, Tag, String)>,
    /// Attributes that are to be returned, those with a value included.
    pub wanted: Vec<Tag>,
    /// How they are matched: as was agreed with the association, and in the zone that the identifier names.
    pub matching: Matching,
}

/// What a C-MOVE or C-GET asks for: the entities of one level, and those above to which they belong. An empty list
/// restricts nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The level of the entities.
    pub level: Level,
    /// The patient, where one is named.
    pub patient_id: Option<PatientId>,
    /// Within whose domain the patient ID names somebody; not a key of the standard's, and taken where it is sent, because
    /// the same ID may be that of several people.
    pub issuer_of_patient_id: Option<PatientId>,
    /// Studies.
    pub studies: Vec<Uid>,
    /// Series.
    pub series: Vec<Uid>,
    /// Instances.
    pub instances: Vec<Uid>,
}

/// A patient ID; its Debug output shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PatientId(pub String);

/// Elements of an identifier that are no keys (PS3.4 §C.4.1.1.3.1).
const NO_KEYS: [Tag; 5] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::QUERY_RETRIEVE_LEVEL,
    tags::RETRIEVE_AE_TITLE,
    tags::INSTANCE_AVAILABILITY,
    tags::TIMEZONE_OFFSET_FROM_UTC,
];

impl Identifier {
    /// An identifier of a model.
    ///
    /// # Errors
    /// A [`Failure`] that is answered: it has no level of this model.
    pub fn of(set: DataSet, root: Root) -> Result<Self, Failure> {
        let sets = set.character_sets();
        let word = set.first_text(tags::QUERY_RETRIEVE_LEVEL, &sets).unwrap_or_default();
        let level = root.levels().iter().copied().find(|level| level.as_str() == word);
        let level = level.ok_or_else(|| mismatch("Query/Retrieve Level is none of this SOP class"))?;
        Ok(Self { root, level, set, sets })
    }

    /// Its level.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The value of Specific Character Set, in which the answers are to be written if they can be.
    #[must_use]
    pub fn declared_character_set(&self) -> Option<&[u8]> {
        self.set.bytes(tags::SPECIFIC_CHARACTER_SET)
    }

    /// What a C-FIND asks. Without relational queries the unique key of every level above must have one value (PS3.4
    /// §C.4.1.2.1).
    ///
    /// # Errors
    /// A [`Failure`] that is answered.
    pub fn query(&self, relational: bool, agreed: Matching) -> Result<Query, Failure> {
        if !relational {
            for above in self.above() {
                self.one(above)?;
            }
        }
        let mut keys = Vec::new();
        let mut wanted = Vec::new();
        for element in self.set.elements() {
            if NO_KEYS.contains(&element.tag) && element.tag != tags::INSTANCE_AVAILABILITY
                || element.tag.is_group_length()
                || wanted.contains(&element.tag)
            {
                continue;
            }
            wanted.push(element.tag);
            if element.tag != tags::INSTANCE_AVAILABILITY {
                self.keys_of(element, &mut keys)?;
            }
        }
        let matching = Matching { zone: self.zone()?, ..agreed };
        Ok(Query { level: self.level, keys, wanted, matching })
    }

    /// What a C-MOVE or C-GET asks for. The unique key of its level must be there; without relational retrieval that of
    /// every level above as well, with one value (PS3.4 §C.4.2.2.1 and §C.4.3.2.1).
    ///
    /// # Errors
    /// A [`Failure`] that is answered.
    pub fn selection(&self, relational: bool) -> Result<Selection, Failure> {
        if !relational {
            for above in self.above() {
                self.one(above)?;
            }
        }
        let own = self.values(self.level);
        if own.is_empty()
            || own.iter().any(|value| value.contains(['*', '?']) && self.level != Level::Patient)
        {
            return Err(missing(self.level));
        }
        if self.level == Level::Patient {
            self.one(Level::Patient)?;
        }
        if own.len() > LIST_MAX {
            return Err(Failure::new(FailureKind::CannotUnderstand, format!("more than {LIST_MAX} UIDs")));
        }
        let uids = |level: Level| {
            if level > self.level {
                return Ok(Vec::new());
            }
            let read = self.values(level).iter().map(|text| Uid::new(text)).collect::<Result<Vec<Uid>, _>>();
            read.map_err(|_| mismatch(&format!("{} is no UID", keyword(level.unique_key()))))
        };
        Ok(Selection {
            level: self.level,
            patient_id: self.values(Level::Patient).into_iter().next().map(PatientId),
            issuer_of_patient_id: self.issuer_of_patient_id(),
            studies: uids(Level::Study)?,
            series: uids(Level::Series)?,
            instances: uids(Level::Image)?,
        })
    }

    /// In which zone dates and times are asked for, where that is said (PS3.4 §C.2.2.2.5.2).
    fn zone(&self) -> Result<Option<UtcOffset>, Failure> {
        let text = self.set.first_text(tags::TIMEZONE_OFFSET_FROM_UTC, &self.sets).unwrap_or_default();
        if text.is_empty() {
            return Ok(None);
        }
        let wrong =
            || Failure::new(FailureKind::CannotUnderstand, "Timezone Offset From UTC is not +HHMM or -HHMM");
        UtcOffset::parse(&text).map(Some).ok_or_else(wrong)
    }

    /// The levels of the model above the one asked for.
    fn above(&self) -> impl Iterator<Item = Level> + use<> {
        let (root, own) = (self.root, self.level);
        root.levels().iter().copied().filter(move |level| *level < own)
    }

    /// The one value of a unique key.
    fn one(&self, level: Level) -> Result<String, Failure> {
        let mut values = self.values(level);
        match (values.pop(), values.pop()) {
            (Some(only), None) if !only.contains(['*', '?']) => Ok(only),
            _ => Err(missing(level)),
        }
    }

    /// The values of a unique key that are not empty.
    fn values(&self, level: Level) -> Vec<String> {
        let text = self.set.text(level.unique_key(), &self.sets).unwrap_or_default();
        let values = text.split('\\').map(|value| value.trim_matches([' ', '\0']));
        values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    /// Where a patient is named by it.
    fn issuer_of_patient_id(&self) -> Option<PatientId> {
        let text = self.set.first_text(tags::ISSUER_OF_PATIENT_ID, &self.sets).unwrap_or_default();
        (!text.is_empty() && !self.values(Level::Patient).is_empty()).then_some(PatientId(text))
    }

    fn keys_of(&self, element: &Element, keys: &mut Vec<(Option<Tag>, Tag, String)>) -> Result<(), Failure> {
        match &element.value {
            Value::Bytes(_) => {
                let text = text_of(element, &self.sets);
                if !text.is_empty() {
                    keys.push((None, element.tag, text));
                }
            }
            // Sequence matching asks by one item (PS3.4 §C.2.2.2.6).
            Value::Items(items) => {
                for inner in items.first().map(DataSet::elements).unwrap_or_default() {
                    let text = text_of(inner, &self.sets);
                    if !text.is_empty() && !inner.tag.is_group_length() {
                        keys.push((Some(element.tag), inner.tag, text));
                    }
                }
            }
            Value::Extent { .. } => {
                return Err(Failure::new(FailureKind::CannotUnderstand, "a key is too long to match"));
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Query {
    /// Never shows a value: it names a patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Query")
            .field("level", &self.level)
            .field("keys", &self.keys.iter().map(|(_, tag, _)| tag).collect::<Vec<_>>())
            .field("wanted", &self.wanted)
            .field("matching", &self.matching)
            .finish()
    }
}

impl std::fmt::Debug for PatientId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PatientId(…)")
    }
}

// === helpers ===

/// A matching value as text; of numbers the first, in digits.
fn text_of(element: &Element, sets: &CharacterSets) -> String {
    let one: DataSet = std::iter::once(element.clone()).collect();
    if element.vr.is_text() || element.vr == Vr::UN {
        return one.text(element.tag, sets).unwrap_or_default();
    }
    one.int(element.tag).map(|number| number.to_string()).unwrap_or_default()
}

fn mismatch(comment: &str) -> Failure {
    Failure::new(FailureKind::Mismatch, comment)
}

fn missing(level: Level) -> Failure {
    mismatch(&format!("{} must have one value", keyword(level.unique_key())))
}

fn keyword(tag: Tag) -> String {
    dictionary::keyword_of(tag).map_or_else(|| tag.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Status;
    use proptest::prelude::*;
    use yingdun_dicom::limits::Limits;
    use yingdun_dicom::scan::scan;
    use yingdun_dicom::transfer_syntax;

    fn identifier(root: Root, elements: &[(Tag, &str)]) -> Result<Identifier, Failure> {
        let mut set = DataSet::new();
        for (tag, text) in elements {
            set.put_text(*tag, dictionary::vr_of(*tag).unwrap(), text);
        }
        Identifier::of(set, root)
    }

    fn status<T>(outcome: Result<T, Failure>) -> Option<Status> {
        outcome.err().map(|failure| failure.status())
    }

    const LEVEL: Tag = tags::QUERY_RETRIEVE_LEVEL;

    #[test]
    fn a_level_that_the_model_does_not_have_is_a_mismatch() {
        for (root, level, fits) in [
            (Root::Patient, "PATIENT", true),
            (Root::Study, "PATIENT", false),
            (Root::Study, "IMAGE", true),
            (Root::PatientStudyOnly, "SERIES", false),
            (Root::Study, "study", false),
            (Root::Study, "", false),
        ] {
            let read = identifier(root, &[(LEVEL, level)]);
            assert_eq!(read.is_ok(), fits, "{root:?} {level}");
            assert_eq!(status(read), (!fits).then_some(Status::DATA_SET_MISMATCH));
        }
    }

    #[test]
    fn a_query_names_what_is_above_unless_it_is_relational() {
        let bare = identifier(Root::Study, &[(LEVEL, "SERIES"), (tags::MODALITY, "CT")]).unwrap();
        assert_eq!(status(bare.query(false, Matching::default())), Some(Status::DATA_SET_MISMATCH));
        assert!(bare.query(true, Matching::default()).is_ok());
        for wrong in ["", "1.2\\1.3", "1.*"] {
            let two =
                identifier(Root::Study, &[(LEVEL, "SERIES"), (tags::STUDY_INSTANCE_UID, wrong)]).unwrap();
            assert_eq!(
                status(two.query(false, Matching::default())),
                Some(Status::DATA_SET_MISMATCH),
                "{wrong}"
            );
        }
        let whole = identifier(Root::Study, &[(LEVEL, "SERIES"), (tags::STUDY_INSTANCE_UID, "1.2")]).unwrap();
        assert!(whole.query(false, Matching::default()).is_ok());
        let patient =
            identifier(Root::Patient, &[(LEVEL, "STUDY"), (tags::STUDY_INSTANCE_UID, "1.2")]).unwrap();
        assert_eq!(status(patient.query(false, Matching::default())), Some(Status::DATA_SET_MISMATCH));
    }

    #[test]
    fn what_has_a_value_is_matched_and_everything_is_wanted() {
        let asked = identifier(
            Root::Study,
            &[
                (tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192"),
                (LEVEL, "STUDY"),
                (tags::PATIENT_NAME, "张*"),
                (tags::STUDY_DATE, ""),
                (tags::INSTANCE_AVAILABILITY, ""),
            ],
        );
        let agreed = Matching { fuzzy: true, ..Matching::default() };
        let query = asked.unwrap().query(false, agreed).unwrap();
        assert_eq!(query.keys, [(None, tags::PATIENT_NAME, "张*".to_owned())]);
        assert_eq!(query.wanted, [tags::STUDY_DATE, tags::INSTANCE_AVAILABILITY, tags::PATIENT_NAME]);
        assert_eq!(query.matching, agreed);
        assert!(!format!("{query:?}").contains('张'));
    }

    #[test]
    fn the_zone_in_which_is_asked_is_no_key() {
        let asked = |zone| {
            let keys =
                [(LEVEL, "STUDY"), (tags::STUDY_DATE, "20260101"), (tags::TIMEZONE_OFFSET_FROM_UTC, zone)];
            identifier(Root::Study, &keys).unwrap().query(false, Matching::default())
        };
        let query = asked("-0330").unwrap();
        assert_eq!(query.matching.zone.map(UtcOffset::minutes), Some(-210));
        assert_eq!(query.wanted, [tags::STUDY_DATE]);
        assert_eq!(asked("").unwrap().matching.zone, None);
        assert_eq!(status(asked("Peking")), Some(Status::CANNOT_UNDERSTAND));
    }

    #[test]
    fn a_sequence_asks_by_its_first_item() {
        let mut item = DataSet::new();
        item.put_text(tags::CODE_VALUE, Vr::SH, "T-A0100");
        let mut set = DataSet::new();
        set.put_text(LEVEL, Vr::CS, "STUDY");
        set.put_items(Tag(0x0008, 0x1032), vec![item]);
        let read = Identifier::of(set, Root::Study).unwrap();
        let query = read.query(false, Matching::default()).unwrap();
        assert_eq!(query.keys, [(Some(Tag(0x0008, 0x1032)), tags::CODE_VALUE, "T-A0100".to_owned())]);
        assert_eq!(query.wanted, [Tag(0x0008, 0x1032)]);
    }

    #[test]
    fn a_retrieval_names_its_entities_and_what_is_above() {
        let ask = |root, elements: &[(Tag, &str)]| identifier(root, elements).unwrap().selection(false);
        let studies = ask(Root::Study, &[(LEVEL, "STUDY"), (tags::STUDY_INSTANCE_UID, "1.2\\1.3")]).unwrap();
        assert_eq!(studies.studies.len(), 2);
        let patient = ask(Root::Patient, &[(LEVEL, "PATIENT"), (tags::PATIENT_ID, "4711")]).unwrap();
        assert_eq!(patient.patient_id, Some(PatientId("4711".into())));
        for (root, elements) in [
            (Root::Study, &[(LEVEL, "STUDY")][..]),
            (Root::Study, &[(LEVEL, "STUDY"), (tags::STUDY_INSTANCE_UID, "*")]),
            (Root::Study, &[(LEVEL, "STUDY"), (tags::STUDY_INSTANCE_UID, "not a uid")]),
            (Root::Study, &[(LEVEL, "IMAGE"), (tags::SOP_INSTANCE_UID, "1.2")]),
            (Root::Patient, &[(LEVEL, "PATIENT"), (tags::PATIENT_ID, "47*")]),
            (Root::Patient, &[(LEVEL, "STUDY"), (tags::STUDY_INSTANCE_UID, "1.2")]),
        ] {
            assert_eq!(status(ask(root, elements)), Some(Status::DATA_SET_MISMATCH), "{elements:?}");
        }
        let many = vec!["1.2"; LIST_MAX + 1].join("\\");
        let many = ask(Root::Study, &[(LEVEL, "STUDY"), (tags::STUDY_INSTANCE_UID, &many)]);
        assert_eq!(status(many), Some(Status::CANNOT_UNDERSTAND));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let syntax = transfer_syntax::lookup(&Uid::new("1.2.840.10008.1.2").unwrap());
            let Ok(scanned) = scan(&bytes, syntax, Limits::message()) else { return Ok(()) };
            let mut set = scanned.data_set;
            set.put_text(LEVEL, Vr::CS, "STUDY");
            let read = Identifier::of(set, Root::Study).unwrap();
            let _ = read.query(true, Matching::default());
            let _ = read.selection(true);
        }
    }
}
