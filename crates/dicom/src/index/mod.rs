//! What the catalogue and queries need to know of one instance, taken from its data set once, at ingest.

mod further;

pub use further::{Entity, FURTHER, Further};

use crate::charset::CharacterSets;
use crate::data_set::DataSet;
use crate::tag::{Tag, tags};
use crate::vr::Vr;
use serde::{Deserialize, Serialize};
use yingdun_model::{Personal, Uid};

/// The describing attributes of an instance (PS3.4 §C.6.2 and PS3.18 §10.6.3.3: what searches return).
///
/// It can be serialised because it travels inside sealed records; what names or describes a person is
/// [`Personal`] and does not show in `Debug`. Texts are decoded, trimmed and cut at [`TEXT_CHARACTERS_MAX`]. What is absent
/// is not written: most instances have few of these attributes, and large catalogues have millions of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceIndex {
    /// Study Instance UID (0020,000D).
    pub study: Uid,
    /// Series Instance UID (0020,000E).
    pub series: Uid,
    /// SOP Instance UID (0008,0018).
    pub sop_instance: Uid,
    /// SOP Class UID (0008,0016).
    pub sop_class: Uid,
    /// Patient's Name (0010,0010), component groups separated by `=`.
    #[serde(with = "personal", default, skip_serializing_if = "is_absent")]
    pub patient_name: Personal<String>,
    /// Patient ID (0010,0020).
    #[serde(with = "personal", default, skip_serializing_if = "is_absent")]
    pub patient_id: Personal<String>,
    /// Issuer of Patient ID (0010,0021); where it is absent, the Universal Entity ID (0040,0032) among its qualifiers
    /// (0010,0024), which names the same assigning authority (PS3.3 §C.7.1.1).
    #[serde(with = "personal", default, skip_serializing_if = "is_absent")]
    pub issuer_of_patient_id: Personal<String>,
    /// Patient's Birth Date (0010,0030), `YYYYMMDD`.
    #[serde(with = "personal", default, skip_serializing_if = "is_absent")]
    pub patient_birth_date: Personal<String>,
    /// Patient's Sex (0010,0040).
    #[serde(with = "personal", default, skip_serializing_if = "is_absent")]
    pub patient_sex: Personal<String>,
    /// Accession Number (0008,0050).
    #[serde(with = "personal", default, skip_serializing_if = "is_absent")]
    pub accession_number: Personal<String>,
    /// Study ID (0020,0010).
    #[serde(with = "personal", default, skip_serializing_if = "is_absent")]
    pub study_id: Personal<String>,
    /// Referring Physician's Name (0008,0090).
    #[serde(with = "personal", default, skip_serializing_if = "is_absent")]
    pub referring_physician_name: Personal<String>,
    /// Study Description (0008,1030); free text.
    #[serde(with = "personal", default, skip_serializing_if = "is_absent")]
    pub study_description: Personal<String>,
    /// Series Description (0008,103E); free text.
    #[serde(with = "personal", default, skip_serializing_if = "is_absent")]
    pub series_description: Personal<String>,
    /// Institution Name (0008,0080).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub institution_name: String,
    /// Station Name (0008,1010).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub station_name: String,
    /// Study Date (0008,0020), `YYYYMMDD`, empty if absent or not a date.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub study_date: String,
    /// Study Time (0008,0030), `HHMMSS[.FFFFFF]`, empty if absent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub study_time: String,
    /// Series Date (0008,0021).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub series_date: String,
    /// Series Time (0008,0031).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub series_time: String,
    /// Timezone Offset From UTC (0008,0201).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub timezone_offset: String,
    /// Modality (0008,0060).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub modality: String,
    /// Body Part Examined (0018,0015).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body_part: String,
    /// Manufacturer (0008,0070).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manufacturer: String,
    /// Manufacturer's Model Name (0008,1090).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manufacturer_model_name: String,
    /// Performed Procedure Step Start Date (0040,0244).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub performed_procedure_step_start_date: String,
    /// Performed Procedure Step Start Time (0040,0245).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub performed_procedure_step_start_time: String,
    /// Series Number (0020,0011).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series_number: Option<i64>,
    /// Instance Number (0020,0013).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_number: Option<i64>,
    /// Rows (0028,0010).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
    /// Columns (0028,0011).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<u32>,
    /// Bits Allocated (0028,0100).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits_allocated: Option<u32>,
    /// Number of Frames (0028,0008).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_of_frames: Option<u32>,
    /// What only searches look at. Records of earlier versions have none.
    #[serde(default, skip_serializing_if = "Further::is_empty")]
    pub further: Further,
    /// Whether any text had to be recovered from a wrong or missing character set declaration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recovered_text: bool,
}

/// Longest text taken into the index, characters. LO has 64 and PN 3 × 64 by the standard; longer texts stay
/// in the data set.
pub const TEXT_CHARACTERS_MAX: usize = 256;

/// Why an instance cannot be catalogued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// An identifier without which an instance has no place.
    #[error("attribute {0} is missing or empty")]
    Missing(Tag),
    /// An identifier that is not a UID (digits and dots, at most 64 characters).
    #[error("attribute {0} is not a UID")]
    NotUid(Tag),
    /// An identifier that comes twice: readers differ on which of the two counts, so one object could be filed
    /// under one name here and shown under another elsewhere.
    #[error("attribute {0} comes more than once")]
    Repeated(Tag),
}

impl InstanceIndex {
    /// Takes the attributes from a data set.
    ///
    /// # Errors
    /// [`IndexError`] if one of the four identifiers is missing or illegal, or the object or its patient is
    /// identified twice.
    pub fn from_data_set(set: &DataSet) -> Result<Self, IndexError> {
        Self::from_data_set_in(set, &set.character_sets())
    }

    /// The same, with texts read in these character sets and not in those that the data set declares.
    ///
    /// # Errors
    /// As [`Self::from_data_set`].
    pub fn from_data_set_in(set: &DataSet, sets: &CharacterSets) -> Result<Self, IndexError> {
        not_repeated(set, &IDENTIFYING)?;
        let text = |tag| first(set, tag, sets);
        let personal = |tag| Personal::new(text(tag));
        let date = |tag| {
            let digits: String = text(tag).chars().filter(char::is_ascii_digit).collect();
            if digits.len() == 8 { digits } else { String::new() }
        };
        let time = |tag| {
            let time: String = text(tag).chars().filter(|c| *c != ':').collect();
            if time.bytes().all(|b| b.is_ascii_digit() || b == b'.') { time } else { String::new() }
        };
        Ok(Self {
            study: identifier(set, tags::STUDY_INSTANCE_UID)?,
            series: identifier(set, tags::SERIES_INSTANCE_UID)?,
            sop_instance: identifier(set, tags::SOP_INSTANCE_UID)?,
            sop_class: identifier(set, tags::SOP_CLASS_UID)?,
            patient_name: personal(tags::PATIENT_NAME),
            patient_id: personal(tags::PATIENT_ID),
            issuer_of_patient_id: Personal::new(issuer_of_patient_id(set, sets)),
            patient_birth_date: Personal::new(date(tags::PATIENT_BIRTH_DATE)),
            patient_sex: personal(tags::PATIENT_SEX),
            accession_number: personal(tags::ACCESSION_NUMBER),
            study_id: personal(tags::STUDY_ID),
            referring_physician_name: personal(tags::REFERRING_PHYSICIAN_NAME),
            study_description: personal(tags::STUDY_DESCRIPTION),
            series_description: personal(tags::SERIES_DESCRIPTION),
            institution_name: text(tags::INSTITUTION_NAME),
            station_name: text(tags::STATION_NAME),
            study_date: date(tags::STUDY_DATE),
            study_time: time(tags::STUDY_TIME),
            series_date: date(tags::SERIES_DATE),
            series_time: time(tags::SERIES_TIME),
            timezone_offset: text(tags::TIMEZONE_OFFSET_FROM_UTC),
            modality: text(tags::MODALITY),
            body_part: text(tags::BODY_PART_EXAMINED),
            manufacturer: text(tags::MANUFACTURER),
            manufacturer_model_name: text(tags::MANUFACTURER_MODEL_NAME),
            performed_procedure_step_start_date: date(tags::PERFORMED_PROCEDURE_STEP_START_DATE),
            performed_procedure_step_start_time: time(tags::PERFORMED_PROCEDURE_STEP_START_TIME),
            series_number: set.int(tags::SERIES_NUMBER),
            instance_number: set.int(tags::INSTANCE_NUMBER),
            rows: set.u32(tags::ROWS),
            columns: set.u32(tags::COLUMNS),
            bits_allocated: set.u32(tags::BITS_ALLOCATED),
            number_of_frames: set.u32(tags::NUMBER_OF_FRAMES),
            further: Further::from_data_set(set, sets),
            recovered_text: recovered(set, sets),
        })
    }
}

// === helpers ===

/// What says which object this is, and whose.
const IDENTIFYING: [Tag; 7] = [
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE,
];

fn not_repeated(set: &DataSet, tags: &[Tag]) -> Result<(), IndexError> {
    let repeated = |tag: &&Tag| set.elements().iter().filter(|element| element.tag == **tag).nth(1).is_some();
    tags.iter().find(repeated).map_or(Ok(()), |tag| Err(IndexError::Repeated(*tag)))
}

fn identifier(set: &DataSet, tag: Tag) -> Result<Uid, IndexError> {
    let bytes = set.bytes(tag).unwrap_or_default();
    if bytes.iter().all(|byte| matches!(byte, b' ' | 0)) {
        return Err(IndexError::Missing(tag));
    }
    // Two values are no identifier, even if the first of them is one.
    if bytes.contains(&b'\\') {
        return Err(IndexError::NotUid(tag));
    }
    set.uid(tag).ok_or(IndexError::NotUid(tag))
}

fn first(set: &DataSet, tag: Tag, sets: &CharacterSets) -> String {
    let text = set.first_text(tag, sets).unwrap_or_default();
    // Control characters have no place in a one-line text and would travel into lists.
    text.chars().filter(|c| !c.is_control()).take(TEXT_CHARACTERS_MAX).collect()
}

/// Within which domain the patient ID names somebody.
fn issuer_of_patient_id(set: &DataSet, sets: &CharacterSets) -> String {
    let local = first(set, tags::ISSUER_OF_PATIENT_ID, sets);
    if !local.is_empty() {
        return local;
    }
    let qualifiers = set.items(tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE).first();
    qualifiers.map(|item| first(item, tags::UNIVERSAL_ENTITY_ID, sets)).unwrap_or_default()
}

fn recovered(set: &DataSet, sets: &CharacterSets) -> bool {
    [tags::PATIENT_NAME, tags::STUDY_DESCRIPTION, tags::SERIES_DESCRIPTION, tags::INSTITUTION_NAME]
        .into_iter()
        .filter_map(|tag| Some((set.get(tag)?.vr, set.bytes(tag)?)))
        .any(|(vr, bytes): (Vr, _)| sets.decode(vr, bytes).note.is_some())
}

fn is_absent(value: &Personal<String>) -> bool {
    value.expose().is_empty()
}

/// Writes and reads personal fields. Only sealed records are made of it.
mod personal {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use yingdun_model::Personal;

    pub(super) fn serialize<S: Serializer>(value: &Personal<String>, to: S) -> Result<S::Ok, S::Error> {
        value.expose().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Personal<String>, D::Error> {
        String::deserialize(from).map(Personal::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minimal() -> DataSet {
        let mut set = DataSet::new();
        set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "ISO_IR 192");
        set.put_text(tags::STUDY_INSTANCE_UID, Vr::UI, "1.2.3");
        set.put_text(tags::SERIES_INSTANCE_UID, Vr::UI, "1.2.3.4");
        set.put_text(tags::SOP_INSTANCE_UID, Vr::UI, "1.2.3.4.5");
        set.put_text(tags::SOP_CLASS_UID, Vr::UI, "1.2.840.10008.5.1.4.1.1.2");
        set
    }

    #[test]
    fn an_object_that_is_identified_twice_is_not_filed() {
        for tag in IDENTIFYING {
            let mut set = minimal();
            set.put_text(tags::PATIENT_ID, Vr::LO, "4711");
            set.put_text(tags::ISSUER_OF_PATIENT_ID, Vr::LO, "HIS");
            set.put_items(tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE, Vec::new());
            assert!(InstanceIndex::from_data_set(&set).is_ok());
            let again = set.get(tag).unwrap().clone();
            set.push(again);
            assert_eq!(InstanceIndex::from_data_set(&set).unwrap_err(), IndexError::Repeated(tag));
        }
        let mut set = minimal();
        set.put_text(tags::SOP_INSTANCE_UID, Vr::UI, "1.2.3.4.5\\1.2.3.4.6");
        let error = InstanceIndex::from_data_set(&set).unwrap_err();
        assert_eq!(error, IndexError::NotUid(tags::SOP_INSTANCE_UID));
    }

    #[test]
    fn attributes_are_decoded_and_personal_ones_do_not_print() {
        let mut set = minimal();
        set.put_text(tags::PATIENT_NAME, Vr::PN, "Wang^XiaoDong=王^小东");
        set.put_text(tags::STUDY_DATE, Vr::DA, "2026.02.03");
        set.put_text(tags::STUDY_TIME, Vr::TM, "10:11:12.5");
        set.put_text(tags::NUMBER_OF_FRAMES, Vr::IS, "7");
        set.put_u16(tags::ROWS, 512);
        let index = InstanceIndex::from_data_set(&set).unwrap();
        assert_eq!(index.patient_name.expose(), "Wang^XiaoDong=王^小东");
        assert_eq!((index.study_date.as_str(), index.study_time.as_str()), ("20260203", "101112.5"));
        assert_eq!((index.rows, index.number_of_frames), (Some(512), Some(7)));
        assert!(!index.recovered_text);
        assert!(!format!("{index:?}").contains("Wang"));
        let json = serde_json::to_string(&index).unwrap();
        assert_eq!(serde_json::from_str::<InstanceIndex>(&json).unwrap(), index);
    }

    #[test]
    fn the_issuer_of_a_patient_id_is_named_in_one_of_two_places() {
        let mut set = minimal();
        let mut qualifiers = DataSet::new();
        qualifiers.put_text(tags::UNIVERSAL_ENTITY_ID, Vr::UT, "1.2.156.10011.1");
        set.put_items(tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE, vec![qualifiers]);
        let issuer = |set: &DataSet| InstanceIndex::from_data_set(set).unwrap().issuer_of_patient_id;
        assert_eq!(issuer(&set).expose(), "1.2.156.10011.1");
        set.put_text(tags::ISSUER_OF_PATIENT_ID, Vr::LO, "RENMIN");
        assert_eq!(issuer(&set).expose(), "RENMIN");
    }

    #[test]
    fn an_instance_without_a_legal_identifier_is_refused() {
        let mut set = minimal();
        set.put_text(tags::SOP_INSTANCE_UID, Vr::UI, "../../etc/passwd");
        assert_eq!(InstanceIndex::from_data_set(&set), Err(IndexError::NotUid(tags::SOP_INSTANCE_UID)));
        set.put_text(tags::SOP_INSTANCE_UID, Vr::UI, "");
        assert_eq!(InstanceIndex::from_data_set(&set), Err(IndexError::Missing(tags::SOP_INSTANCE_UID)));
    }

    #[test]
    fn a_name_in_an_undeclared_character_set_is_recovered_and_noted() {
        let mut set = minimal();
        set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "");
        set.put_bytes(tags::PATIENT_NAME, Vr::PN, b"\xcd\xf5^\xd0\xa1\xb6\xab".to_vec());
        let index = InstanceIndex::from_data_set(&set).unwrap();
        assert_eq!(index.patient_name.expose(), "王^小东");
        assert!(index.recovered_text);
    }
}
