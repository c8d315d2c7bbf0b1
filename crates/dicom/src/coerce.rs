//! Coercion: what senders of a hospital write wrongly or not at all, as rules that change what is said of an object.
//!
//! Rules change the [`InstanceIndex`], which is what searches, lists and decisions go by. The object itself is never
//! changed: what is given back is what was received. Pure functions over values.

use crate::dictionary;
use crate::index::InstanceIndex;
use crate::tag::{Tag, tags};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use yingdun_model::Personal;

/// Most rules of one sender: more than the attributes that can be coerced, few enough to be read by a person.
pub const COERCIONS_MAX: usize = 32;

/// Most entries of one map: the wards or sites of a large hospital.
pub const MAP_ENTRIES_MAX: usize = 256;

/// Longest value in a rule, characters: VR LO, the longest of those that can be coerced but names.
pub const VALUE_CHARACTERS_MAX: usize = 64;

/// One rule. Rules are applied in their order, each to what the one before has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Coercion {
    /// The attribute has this value, whatever was sent.
    Set {
        /// Which.
        attribute: Coerced,
        /// The value.
        value: String,
    },
    /// The attribute has this value where none was sent.
    SetIfAbsent {
        /// Which.
        attribute: Coerced,
        /// The value.
        value: String,
    },
    /// The attribute has no value.
    Remove {
        /// Which.
        attribute: Coerced,
    },
    /// A value that does not begin with this gets it in front.
    Prefix {
        /// Which.
        attribute: Coerced,
        /// What stands in front.
        value: String,
    },
    /// Zeros in front of other characters go.
    TrimZeros {
        /// Which.
        attribute: Coerced,
    },
    /// A value of digits gets zeros in front, up to a width.
    PadZeros {
        /// Which.
        attribute: Coerced,
        /// Characters.
        width: usize,
    },
    /// A value that is in the map becomes what stands there; others stay.
    Map {
        /// Which.
        attribute: Coerced,
        /// From what to what.
        values: BTreeMap<String, String>,
    },
}

/// Why a rule is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoercionError {
    /// The attribute says which object it is, or is not among those that searches go by.
    #[error("`{0}` cannot be coerced; these can: {list}", list = keywords())]
    Attribute(String),
    /// A value that no attribute could have.
    #[error(
        "a value of a rule has 1 to {VALUE_CHARACTERS_MAX} characters without control characters and backslashes"
    )]
    Value,
    /// A width that no attribute could have.
    #[error("a width is 1 to {VALUE_CHARACTERS_MAX}, this one is {0}")]
    Width(usize),
    /// Too many entries.
    #[error("a map has at most {MAP_ENTRIES_MAX} entries, this one has {0}")]
    MapEntries(usize),
    /// Too many rules.
    #[error("a device has at most {COERCIONS_MAX} rules, these are {0}")]
    TooMany(usize),
}

/// An attribute that can be coerced, by its keyword (PS3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Coerced(Tag);

/// What a rule has changed. Values are personal data: for the person who holds the object, never for a log.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Which attribute.
    pub attribute: Coerced,
    /// What was sent; empty where nothing was.
    pub before: String,
    /// What is said instead.
    pub after: String,
}

/// Whether rules can be kept.
///
/// # Errors
/// [`CoercionError`] says which bound is passed.
pub fn check(rules: &[Coercion]) -> Result<(), CoercionError> {
    if rules.len() > COERCIONS_MAX {
        return Err(CoercionError::TooMany(rules.len()));
    }
    rules.iter().try_for_each(|rule| match rule {
        Coercion::Set { value, .. }
        | Coercion::SetIfAbsent { value, .. }
        | Coercion::Prefix { value, .. } => legal(value),
        Coercion::Remove { .. } | Coercion::TrimZeros { .. } => Ok(()),
        Coercion::PadZeros { width, .. } if (1..=VALUE_CHARACTERS_MAX).contains(width) => Ok(()),
        Coercion::PadZeros { width, .. } => Err(CoercionError::Width(*width)),
        Coercion::Map { values, .. } if values.len() > MAP_ENTRIES_MAX => {
            Err(CoercionError::MapEntries(values.len()))
        }
        Coercion::Map { values, .. } => {
            values.iter().try_for_each(|(from, to)| legal(from).and_then(|()| legal(to)))
        }
    })
}

/// Applies rules to what is said of an object, and tells what has become different in all.
pub fn apply(rules: &[Coercion], index: &mut InstanceIndex) -> Vec<Changed> {
    let mut changed: Vec<Changed> = Vec::new();
    for rule in rules {
        let attribute = rule.attribute();
        let Some(place) = attribute.place() else { continue };
        let before = (place.get)(index).to_owned();
        let after = rule.applied(&before);
        if after == before {
            continue;
        }
        (place.set)(index, after.clone());
        match changed.iter_mut().find(|change| change.attribute == attribute) {
            Some(change) => change.after = after,
            None => changed.push(Changed { attribute, before, after }),
        }
    }
    changed.retain(|change| change.before != change.after);
    changed
}

impl Coercion {
    const fn attribute(&self) -> Coerced {
        match self {
            Self::Set { attribute, .. }
            | Self::SetIfAbsent { attribute, .. }
            | Self::Remove { attribute }
            | Self::Prefix { attribute, .. }
            | Self::TrimZeros { attribute }
            | Self::PadZeros { attribute, .. }
            | Self::Map { attribute, .. } => *attribute,
        }
    }

    /// What becomes of a value; an empty one is none.
    fn applied(&self, value: &str) -> String {
        match self {
            Self::Set { value, .. } => value.clone(),
            Self::SetIfAbsent { value: given, .. } if value.is_empty() => given.clone(),
            Self::Remove { .. } => String::new(),
            Self::Prefix { value: prefix, .. } if !value.is_empty() && !value.starts_with(prefix) => {
                format!("{prefix}{value}")
            }
            Self::TrimZeros { .. } => {
                let trimmed = value.trim_start_matches('0');
                // `0` and `000` are the number zero, not nothing.
                if trimmed.is_empty() && !value.is_empty() { "0".to_owned() } else { trimmed.to_owned() }
            }
            Self::PadZeros { width, .. }
                if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) =>
            {
                format!("{value:0>width$}")
            }
            Self::Map { values, .. } => values.get(value).map_or_else(|| value.to_owned(), String::clone),
            Self::SetIfAbsent { .. } | Self::Prefix { .. } | Self::PadZeros { .. } => value.to_owned(),
        }
    }
}

impl Coerced {
    fn place(self) -> Option<&'static Place> {
        PLACES.iter().find(|place| place.tag == self.0)
    }
}

impl TryFrom<String> for Coerced {
    type Error = CoercionError;
    fn try_from(keyword: String) -> Result<Self, Self::Error> {
        let tag =
            dictionary::tag_of_keyword(&keyword).map(Self).filter(|attribute| attribute.place().is_some());
        tag.ok_or_else(|| CoercionError::Attribute(keyword.chars().take(VALUE_CHARACTERS_MAX).collect()))
    }
}

impl From<Coerced> for String {
    fn from(attribute: Coerced) -> Self {
        dictionary::keyword_of(attribute.0).unwrap_or_default().to_owned()
    }
}

impl std::fmt::Debug for Changed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Changed({})", String::from(self.attribute))
    }
}

// === the attributes ===

/// Where an attribute stands in an index.
struct Place {
    tag: Tag,
    get: fn(&InstanceIndex) -> &str,
    set: fn(&mut InstanceIndex, String),
}

macro_rules! places {
    ($(personal $tag:ident $field:ident)+ ; $(plain $plain_tag:ident $plain_field:ident)+) => {
        &[
            $(Place {
                tag: tags::$tag,
                get: |index| index.$field.expose(),
                set: |index, value| index.$field = Personal::new(value),
            },)+
            $(Place {
                tag: tags::$plain_tag,
                get: |index| &index.$plain_field,
                set: |index, value| index.$plain_field = value,
            },)+
        ]
    };
}

/// What can be coerced: texts that people and machines type, no UIDs and nothing that describes pixels.
static PLACES: &[Place] = places! {
    personal PATIENT_NAME patient_name
    personal PATIENT_ID patient_id
    personal ISSUER_OF_PATIENT_ID issuer_of_patient_id
    personal ACCESSION_NUMBER accession_number
    personal STUDY_ID study_id
    personal REFERRING_PHYSICIAN_NAME referring_physician_name
    personal STUDY_DESCRIPTION study_description
    personal SERIES_DESCRIPTION series_description;
    plain INSTITUTION_NAME institution_name
    plain STATION_NAME station_name
    plain BODY_PART_EXAMINED body_part
};

fn keywords() -> String {
    PLACES.iter().map(|place| String::from(Coerced(place.tag))).collect::<Vec<_>>().join(", ")
}

fn legal(value: &str) -> Result<(), CoercionError> {
    let characters = value.chars().count();
    let trimmed = value.trim() == value;
    let is_one_text = trimmed && !value.chars().any(|c| c.is_control() || c == '\\');
    if is_one_text && (1..=VALUE_CHARACTERS_MAX).contains(&characters) {
        Ok(())
    } else {
        Err(CoercionError::Value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_set::DataSet;
    use crate::vr::Vr;
    use proptest::prelude::*;

    fn index(patient_id: &str, issuer: &str) -> InstanceIndex {
        let mut set = DataSet::new();
        for (tag, vr, text) in [
            (tags::SOP_CLASS_UID, Vr::UI, "1.2.840.10008.5.1.4.1.1.2"),
            (tags::SOP_INSTANCE_UID, Vr::UI, "1.2.3"),
            (tags::STUDY_INSTANCE_UID, Vr::UI, "1.2.9"),
            (tags::SERIES_INSTANCE_UID, Vr::UI, "1.2.9.1"),
            (tags::PATIENT_ID, Vr::LO, patient_id),
            (tags::ISSUER_OF_PATIENT_ID, Vr::LO, issuer),
            (tags::INSTITUTION_NAME, Vr::LO, "Ward 3"),
        ] {
            set.put_text(tag, vr, text);
        }
        InstanceIndex::from_data_set(&set).unwrap()
    }

    fn rules(text: &str) -> Vec<Coercion> {
        let rules: Vec<Coercion> = serde_json::from_str(text).unwrap();
        check(&rules).unwrap();
        rules
    }

    #[test]
    fn each_kind_of_rule_does_what_its_name_says() {
        for (rule, sent, said) in [
            (r#"{"action": "set", "attribute": "PatientID", "value": "X"}"#, "7", "X"),
            (r#"{"action": "set-if-absent", "attribute": "PatientID", "value": "X"}"#, "", "X"),
            (r#"{"action": "set-if-absent", "attribute": "PatientID", "value": "X"}"#, "7", "7"),
            (r#"{"action": "remove", "attribute": "PatientID"}"#, "7", ""),
            (r#"{"action": "prefix", "attribute": "PatientID", "value": "RM-"}"#, "7", "RM-7"),
            (r#"{"action": "prefix", "attribute": "PatientID", "value": "RM-"}"#, "RM-7", "RM-7"),
            (r#"{"action": "prefix", "attribute": "PatientID", "value": "RM-"}"#, "", ""),
            (r#"{"action": "trim-zeros", "attribute": "PatientID"}"#, "0070", "70"),
            (r#"{"action": "trim-zeros", "attribute": "PatientID"}"#, "000", "0"),
            (r#"{"action": "trim-zeros", "attribute": "PatientID"}"#, "", ""),
            (r#"{"action": "pad-zeros", "attribute": "PatientID", "width": 6}"#, "70", "000070"),
            (r#"{"action": "pad-zeros", "attribute": "PatientID", "width": 6}"#, "A70", "A70"),
            (r#"{"action": "map", "attribute": "PatientID", "values": {"7": "8"}}"#, "7", "8"),
            (r#"{"action": "map", "attribute": "PatientID", "values": {"7": "8"}}"#, "8", "8"),
        ] {
            let mut index = index(sent, "");
            let changed = apply(&rules(&format!("[{rule}]")), &mut index);
            assert_eq!(index.patient_id.expose(), said, "{rule}");
            assert_eq!(changed.len(), usize::from(sent != said), "{rule}");
        }
    }

    #[test]
    fn rules_build_upon_each_other_and_are_told_as_one_change() {
        let rules = rules(
            r#"[{"action": "trim-zeros", "attribute": "PatientID"},
                {"action": "prefix", "attribute": "PatientID", "value": "RM"},
                {"action": "set-if-absent", "attribute": "IssuerOfPatientID", "value": "RENMIN"},
                {"action": "map", "attribute": "InstitutionName", "values": {"Ward 3": "人民医院"}}]"#,
        );
        let mut index = index("0012", "");
        let changed = apply(&rules, &mut index);
        let told: Vec<_> = changed.iter().map(|c| (c.before.as_str(), c.after.as_str())).collect();
        assert_eq!(told, [("0012", "RM12"), ("", "RENMIN"), ("Ward 3", "人民医院")]);
        assert!(!format!("{changed:?}").contains("0012"));
    }

    #[test]
    fn what_identifies_an_object_cannot_be_coerced_and_bounds_hold() {
        for wrong in [
            r#"{"action": "set", "attribute": "StudyInstanceUID", "value": "1.2"}"#,
            r#"{"action": "set", "attribute": "PatientBirthDate", "value": "19700101"}"#,
            r#"{"action": "set", "attribute": "PatientID"}"#,
            r#"{"action": "remove", "attribute": "PatientID", "value": "1"}"#,
            r#"{"action": "invent", "attribute": "PatientID"}"#,
        ] {
            assert!(serde_json::from_str::<Coercion>(wrong).is_err(), "{wrong}");
        }
        let attribute = Coerced(tags::PATIENT_ID);
        let set = |value: &str| [Coercion::Set { attribute, value: value.to_owned() }];
        for value in ["", " a", "a\\b", "a\nb", &"a".repeat(VALUE_CHARACTERS_MAX + 1)] {
            assert_eq!(check(&set(value)), Err(CoercionError::Value));
        }
        assert_eq!(check(&[Coercion::PadZeros { attribute, width: 0 }]), Err(CoercionError::Width(0)));
        let many = vec![Coercion::Remove { attribute }; COERCIONS_MAX + 1];
        assert_eq!(check(&many), Err(CoercionError::TooMany(COERCIONS_MAX + 1)));
        let values = (0..=MAP_ENTRIES_MAX).map(|n| (n.to_string(), "1".to_owned())).collect();
        let map = [Coercion::Map { attribute, values }];
        assert_eq!(check(&map), Err(CoercionError::MapEntries(MAP_ENTRIES_MAX + 1)));
    }

    proptest! {
        #[test]
        fn trimming_prefixing_and_padding_twice_is_the_same_as_once(value in "[0-9A-Z]{0,12}", width in 1_usize..20) {
            let attribute = Coerced(tags::PATIENT_ID);
            for rule in [
                Coercion::TrimZeros { attribute },
                Coercion::PadZeros { attribute, width },
                Coercion::Prefix { attribute, value: "P".into() },
            ] {
                let once = rule.applied(&value);
                prop_assert_eq!(rule.applied(&once), once);
            }
        }
    }
}
