//! What a query asks, from names and texts, and what it found, in the DICOM JSON model.

use serde_json::{Map, Value};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::{Vr, dictionary, json as model, tags};

/// What is returned of each match at a level without being asked for: what names it, and what a person looks for first.
const RETURNED: [(&str, &[&str]); 3] = [
    (
        "STUDY",
        &[
            "StudyInstanceUID",
            "PatientID",
            "IssuerOfPatientID",
            "PatientName",
            "StudyDate",
            "StudyTime",
            "AccessionNumber",
            "ModalitiesInStudy",
            "StudyDescription",
            "NumberOfStudyRelatedInstances",
        ],
    ),
    (
        "SERIES",
        &[
            "StudyInstanceUID",
            "SeriesInstanceUID",
            "PatientID",
            "IssuerOfPatientID",
            "Modality",
            "SeriesNumber",
            "SeriesDescription",
            "NumberOfSeriesRelatedInstances",
        ],
    ),
    (
        "IMAGE",
        &[
            "StudyInstanceUID",
            "SeriesInstanceUID",
            "SOPInstanceUID",
            "PatientID",
            "IssuerOfPatientID",
            "SOPClassUID",
            "InstanceNumber",
        ],
    ),
];

/// What is returned of each step of a worklist without being asked for: what a modality takes over (PS3.4 table K.6-1).
const RETURNED_OF_STEP: [&str; 17] = [
    "AccessionNumber",
    "PatientID",
    "IssuerOfPatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "RequestedProcedureID",
    "RequestedProcedureDescription",
    "ScheduledProcedureStepSequence.ScheduledProcedureStepID",
    "ScheduledProcedureStepSequence.ScheduledProcedureStepDescription",
    "ScheduledProcedureStepSequence.ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepSequence.ScheduledProcedureStepStartTime",
    "ScheduledProcedureStepSequence.ScheduledStationAETitle",
    "ScheduledProcedureStepSequence.ScheduledPerformingPhysicianName",
    "ScheduledProcedureStepSequence.ScheduledProcedureStepLocation",
    "ScheduledProcedureStepSequence.Modality",
];

/// Sequences within each other that a key may name. The standard has two.
const NAMES_MAX: usize = 4;

/// The identifier of a query: its level and its keys, each by keyword or eight hexadecimal digits with the text that it is
/// to match. The key of an item stands behind the name of its sequence and a dot.
///
/// # Errors
/// What is wrong with a key.
pub(crate) fn of<'a>(
    level: &str,
    keys: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<DataSet, String> {
    let mut set = DataSet::new();
    set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "ISO_IR 192");
    set.put_text(tags::QUERY_RETRIEVE_LEVEL, Vr::CS, level);
    keys.into_iter().try_for_each(|(name, value)| put(&mut set, name, value, NAMES_MAX))?;
    Ok(set)
}

/// The identifier of a query of a modality worklist, which has no level: what a modality takes over is always returned.
///
/// # Errors
/// What is wrong with a key.
pub(crate) fn of_worklist<'a>(keys: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<DataSet, String> {
    let mut set = DataSet::new();
    set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "ISO_IR 192");
    let returned = RETURNED_OF_STEP.into_iter().map(|name| (name, ""));
    returned.chain(keys).try_for_each(|(name, value)| put(&mut set, name, value, NAMES_MAX))?;
    Ok(set)
}

/// The identifier of a query of the API, in the study root model: what names a match is always returned, and below the
/// level of studies the levels above have to be named (PS3.4 §C.4.1.2.2).
///
/// # Errors
/// What is wrong with a key.
pub(crate) fn of_json(level: &str, keys: &Map<String, Value>) -> Result<DataSet, String> {
    let returned = RETURNED.iter().find(|(of, _)| *of == level).map_or(&[][..], |(_, names)| names);
    let mut all: Vec<(&str, &str)> = returned.iter().map(|name| (*name, "")).collect();
    all.extend(texts(keys)?);
    // A key that is asked for stands in front of the same one that is only returned: the last one counts.
    let set = of(level, all)?;
    let named = |tag| set.bytes(tag).is_some_and(|value| !value.is_empty());
    match level {
        "SERIES" if !named(tags::STUDY_INSTANCE_UID) => {
            Err("series without the StudyInstanceUID that they are searched in".to_owned())
        }
        "IMAGE" if !named(tags::STUDY_INSTANCE_UID) || !named(tags::SERIES_INSTANCE_UID) => {
            Err("instances without the StudyInstanceUID and SeriesInstanceUID that they are searched in"
                .to_owned())
        }
        _ => Ok(set),
    }
}

/// The keys of a query of the API, in the order of their names.
///
/// # Errors
/// Which of them is no text.
pub(crate) fn texts(keys: &Map<String, Value>) -> Result<Vec<(&str, &str)>, String> {
    let text = |(name, value): (&'_ String, &'_ Value)| match value {
        Value::String(_) => Ok(()),
        _ => Err(format!("`{name}` has a value that is no text")),
    };
    keys.iter().try_for_each(text)?;
    Ok(keys.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect())
}

/// A match in the DICOM JSON model.
pub(crate) fn as_json(row: &DataSet) -> Option<Map<String, Value>> {
    serde_json::from_slice(&model::with_base(&model::render(row).template, "")).ok()
}

// === helpers ===

/// Puts a key into a data set, or into the one item of the sequence that its name begins with.
fn put(set: &mut DataSet, name: &str, value: &str, names_max: usize) -> Result<(), String> {
    let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
    let tag = dictionary::tag_of_name(first)
        .ok_or_else(|| format!("`{first}` is neither a keyword of DICOM nor eight hexadecimal digits"))?;
    let vr = dictionary::vr_of(tag).unwrap_or(Vr::LO);
    match (rest, vr) {
        (Some(_), _) if names_max <= 1 => Err(format!("`{first}` stands in too many sequences")),
        (Some(rest), Vr::SQ) => {
            let mut item = set.items(tag).first().cloned().unwrap_or_default();
            put(&mut item, rest, value, names_max - 1)?;
            set.put_items(tag, vec![item]);
            Ok(())
        }
        (Some(_), _) => Err(format!("`{first}` is no sequence: nothing stands behind a dot")),
        (None, vr) if !vr.is_text() && !value.is_empty() => {
            Err(format!("`{first}` is no text: leave its value out"))
        }
        // What is asked for of its item stays.
        (None, Vr::SQ) if !set.items(tag).is_empty() => Ok(()),
        (None, vr) => {
            set.put_text(tag, vr, value);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keys(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn what_is_asked_for_stands_beside_what_is_always_returned() {
        let set = of_json("STUDY", &keys(json!({"PatientID": "4711", "00080050": ""}))).unwrap();
        assert_eq!(set.bytes(tags::PATIENT_ID), Some(&b"4711"[..]));
        assert_eq!(set.bytes(tags::STUDY_INSTANCE_UID), Some(&b""[..]));
    }

    #[test]
    fn a_level_below_needs_the_one_above() {
        let study = json!({"StudyInstanceUID": "1.2"});
        assert!(of_json("SERIES", &keys(json!({}))).is_err());
        assert!(of_json("SERIES", &keys(study.clone())).is_ok());
        assert!(of_json("IMAGE", &keys(study)).is_err());
    }

    #[test]
    fn keys_of_a_step_stand_in_the_item_of_their_sequence() {
        let sequence = tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE;
        let keys =
            [("ScheduledProcedureStepSequence.Modality", "CT"), ("PatientID", "4711"), ("00400100", "")];
        let set = of_worklist(keys).unwrap();
        assert!(set.get(tags::QUERY_RETRIEVE_LEVEL).is_none());
        assert_eq!(set.bytes(tags::PATIENT_ID), Some(&b"4711"[..]));
        let [item] = set.items(sequence) else { panic!("one item") };
        assert_eq!(item.bytes(tags::MODALITY), Some(&b"CT"[..]));
        assert_eq!(item.bytes(tags::SCHEDULED_STATION_AE_TITLE), Some(&b""[..]), "returned");
    }

    #[test]
    fn a_path_that_leads_nowhere_is_said_so() {
        let deep = "ScheduledProcedureStepSequence.ScheduledProtocolCodeSequence.".repeat(100) + "CodeValue";
        let path = "ScheduledProcedureStepSequence.ScheduledProtocolCodeSequence.CodeValue";
        assert!(of_worklist([(path, "X1")]).is_ok());
        for wrong in ["PatientID.Modality", "ScheduledProcedureStepSequence.", ".", "", deep.as_str()] {
            assert!(of_worklist([(wrong, "")]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_key_is_said_so() {
        for wrong in [json!({"NoSuchAttribute": "x"}), json!({"PatientID": 4711}), json!({"Rows": "512"})] {
            assert!(of_json("STUDY", &keys(wrong.clone())).is_err(), "{wrong}");
        }
    }
}
