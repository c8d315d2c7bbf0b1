//! What stands in a directory record: its type by SOP class (PS3.3 Table F.4-1), and its keys (PS3.3 §F.5).

use crate::data_set::{DataSet, Element, Value};
use crate::dictionary;
use crate::tag::{Tag, tags};
use crate::vr::Vr;

/// What a record of one type holds beside what every record holds.
pub(super) struct RecordType {
    /// Directory Record Type (0004,1430).
    pub(super) name: &'static str,
    keys: &'static [Key],
}

/// An attribute of a record, and how it must be there.
struct Key(Tag, Need);

enum Need {
    /// Type 1: with a value. An object without one gets this stand-in, because a record without it is not legal, and a
    /// medium with holes in its directory is worse than a medium that says "1".
    One(&'static str),
    /// Type 2: may be empty.
    Two,
    /// Type 1C and 3: where the object has a value.
    IfThere,
    /// Those items that modify the concept name of the root (PS3.3 §F.5.22 and §F.5.23).
    Modifiers,
}

use Need::{IfThere, Modifiers, One, Two};

/// Stand-ins for dates and times that are not known.
const NO_DATE: &str = "19000101";
const NO_TIME: &str = "000000";

const NUMBER: Key = Key(tags::INSTANCE_NUMBER, One("1"));
const CONTENT_DATE: Key = Key(tags::CONTENT_DATE, One(NO_DATE));
const CONTENT_TIME: Key = Key(tags::CONTENT_TIME, One(NO_TIME));
const CONCEPT: Key = Key(tags::CONCEPT_NAME_CODE_SEQUENCE, IfThere);
const LABEL: Key = Key(tags::CONTENT_LABEL, One("UNLABELED"));
const DESCRIPTION: Key = Key(tags::CONTENT_DESCRIPTION, Two);
const CREATOR: Key = Key(tags::CONTENT_CREATOR_NAME, Two);

pub(super) const PATIENT: RecordType = RecordType {
    name: "PATIENT",
    keys: &[Key(tags::PATIENT_NAME, Two), Key(tags::PATIENT_ID, One("UNKNOWN"))],
};
pub(super) const STUDY: RecordType = RecordType {
    name: "STUDY",
    keys: &[
        Key(tags::STUDY_DATE, One(NO_DATE)),
        Key(tags::STUDY_TIME, One(NO_TIME)),
        Key(tags::ACCESSION_NUMBER, Two),
        Key(tags::STUDY_DESCRIPTION, Two),
        Key(tags::STUDY_INSTANCE_UID, IfThere),
        Key(tags::STUDY_ID, One("1")),
    ],
};
pub(super) const SERIES: RecordType = RecordType {
    name: "SERIES",
    keys: &[
        Key(tags::MODALITY, One("OT")),
        Key(tags::SERIES_DESCRIPTION, IfThere),
        Key(tags::SERIES_INSTANCE_UID, IfThere),
        Key(tags::SERIES_NUMBER, One("1")),
    ],
};

const IMAGE: RecordType = RecordType { name: "IMAGE", keys: &[NUMBER] };
const RT_DOSE: RecordType =
    RecordType { name: "RT DOSE", keys: &[NUMBER, Key(tags::DOSE_SUMMATION_TYPE, One("PLAN"))] };
const RT_STRUCTURE_SET: RecordType = RecordType {
    name: "RT STRUCTURE SET",
    keys: &[
        NUMBER,
        Key(tags::STRUCTURE_SET_LABEL, One("UNLABELED")),
        Key(tags::STRUCTURE_SET_DATE, Two),
        Key(tags::STRUCTURE_SET_TIME, Two),
    ],
};
const RT_PLAN: RecordType = RecordType {
    name: "RT PLAN",
    keys: &[
        NUMBER,
        Key(tags::RT_PLAN_LABEL, One("UNLABELED")),
        Key(tags::RT_PLAN_DATE, Two),
        Key(tags::RT_PLAN_TIME, Two),
    ],
};
const RT_TREAT_RECORD: RecordType = RecordType {
    name: "RT TREAT RECORD",
    keys: &[NUMBER, Key(tags::TREATMENT_DATE, Two), Key(tags::TREATMENT_TIME, Two)],
};
const PRESENTATION: RecordType = RecordType {
    name: "PRESENTATION",
    keys: &[
        NUMBER,
        Key(tags::PRESENTATION_CREATION_DATE, One(NO_DATE)),
        Key(tags::PRESENTATION_CREATION_TIME, One(NO_TIME)),
        LABEL,
        DESCRIPTION,
        CREATOR,
        Key(tags::REFERENCED_SERIES_SEQUENCE, IfThere),
    ],
};
const WAVEFORM: RecordType = RecordType { name: "WAVEFORM", keys: &[NUMBER, CONTENT_DATE, CONTENT_TIME] };
const SR_DOCUMENT: RecordType = RecordType {
    name: "SR DOCUMENT",
    keys: &[
        NUMBER,
        Key(tags::COMPLETION_FLAG, One("PARTIAL")),
        Key(tags::VERIFICATION_FLAG, One("UNVERIFIED")),
        CONTENT_DATE,
        CONTENT_TIME,
        CONCEPT,
        Key(tags::CONTENT_SEQUENCE, Modifiers),
    ],
};
const KEY_OBJECT_DOC: RecordType = RecordType {
    name: "KEY OBJECT DOC",
    keys: &[NUMBER, CONTENT_DATE, CONTENT_TIME, CONCEPT, Key(tags::CONTENT_SEQUENCE, Modifiers)],
};
const SPECTROSCOPY: RecordType = RecordType {
    name: "SPECTROSCOPY",
    keys: &[
        Key(tags::IMAGE_TYPE, One("ORIGINAL")),
        CONTENT_DATE,
        CONTENT_TIME,
        NUMBER,
        Key(tags::NUMBER_OF_FRAMES, One("1")),
        Key(tags::ROWS, IfThere),
        Key(tags::COLUMNS, IfThere),
        Key(tags::DATA_POINT_ROWS, IfThere),
        Key(tags::DATA_POINT_COLUMNS, IfThere),
    ],
};
const RAW_DATA: RecordType =
    RecordType { name: "RAW DATA", keys: &[CONTENT_DATE, CONTENT_TIME, Key(tags::INSTANCE_NUMBER, Two)] };
const REGISTRATION: RecordType = RecordType {
    name: "REGISTRATION",
    keys: &[CONTENT_DATE, CONTENT_TIME, NUMBER, LABEL, DESCRIPTION, CREATOR],
};
const FIDUCIAL: RecordType = RecordType { name: "FIDUCIAL", keys: REGISTRATION.keys };
const VALUE_MAP: RecordType = RecordType { name: "VALUE MAP", keys: REGISTRATION.keys };
const ENCAP_DOC: RecordType = RecordType {
    name: "ENCAP DOC",
    keys: &[
        Key(tags::CONTENT_DATE, Two),
        Key(tags::CONTENT_TIME, Two),
        NUMBER,
        Key(tags::DOCUMENT_TITLE, Two),
        Key(tags::HL7_INSTANCE_IDENTIFIER, IfThere),
        Key(tags::CONCEPT_NAME_CODE_SEQUENCE, Two),
        Key(tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT, One("application/octet-stream")),
    ],
};

/// The type of the record of an object (PS3.3 Table F.4-1). SOP classes that are not named are images: those are most, and
/// the table of the standard grows with every year.
pub(super) fn of_class(sop_class: &str) -> &'static RecordType {
    let Some(storage) = sop_class.strip_prefix("1.2.840.10008.5.1.4.1.1.") else { return &IMAGE };
    match storage {
        "481.2" => &RT_DOSE,
        "481.3" => &RT_STRUCTURE_SET,
        "481.5" | "481.8" => &RT_PLAN,
        "481.4" | "481.6" | "481.7" | "481.9" => &RT_TREAT_RECORD,
        "88.59" => &KEY_OBJECT_DOC,
        "4.2" => &SPECTROSCOPY,
        "66" => &RAW_DATA,
        "66.1" | "66.3" => &REGISTRATION,
        "66.2" => &FIDUCIAL,
        "67" => &VALUE_MAP,
        _ if storage.starts_with("9.") => &WAVEFORM,
        _ if storage.starts_with("11.") => &PRESENTATION,
        _ if storage.starts_with("88.") => &SR_DOCUMENT,
        _ if storage.starts_with("104.") => &ENCAP_DOC,
        _ => &IMAGE,
    }
}

/// The keys of a record, taken from an object of its patient, study, series or from the object itself.
pub(super) fn keys_of(kind: &RecordType, object: &DataSet) -> DataSet {
    let mut record = DataSet::new();
    if let Some(charset) = with_value(object, tags::SPECIFIC_CHARACTER_SET) {
        put(&mut record, charset);
    }
    for Key(tag, need) in kind.keys {
        match (need, with_value(object, *tag)) {
            (One(_) | Two | IfThere, Some(element)) => put(&mut record, element),
            (One(stand_in), None) => record.put_text(*tag, vr_of(*tag), stand_in),
            (Two, None) if vr_of(*tag) == Vr::SQ => record.put_items(*tag, Vec::new()),
            (Two, None) => record.put_text(*tag, vr_of(*tag), ""),
            (IfThere, None) => {}
            (Modifiers, _) => {
                let modifies = |item: &&DataSet| {
                    item.bytes(tags::RELATIONSHIP_TYPE)
                        .is_some_and(|bytes| bytes.starts_with(b"HAS CONCEPT MOD"))
                };
                let items: Vec<DataSet> = object.items(*tag).iter().filter(modifies).cloned().collect();
                if !items.is_empty() {
                    record.put_items(*tag, items);
                }
            }
        }
    }
    record
}

fn vr_of(tag: Tag) -> Vr {
    dictionary::vr_of(tag).unwrap_or(Vr::LO)
}

fn put(record: &mut DataSet, element: &Element) {
    record.put(element.tag, element.vr, element.value.clone());
}

/// An element that says something.
fn with_value(object: &DataSet, tag: Tag) -> Option<&Element> {
    object.get(tag).filter(|element| match &element.value {
        Value::Bytes(bytes) => bytes.iter().any(|byte| !matches!(byte, b' ' | 0)) || element.vr == Vr::US,
        Value::Items(items) => !items.is_empty(),
        Value::Extent { .. } => false,
    })
}
