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

/// The identifier of a query: its level and its keys, each by keyword or eight hexadecimal digits with the text that it is
/// to match.
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
    for (name, value) in keys {
        let tag = dictionary::tag_of_name(name)
            .ok_or_else(|| format!("`{name}` is neither a keyword of DICOM nor eight hexadecimal digits"))?;
        let vr = dictionary::vr_of(tag).unwrap_or(Vr::LO);
        if !vr.is_text() && !value.is_empty() {
            return Err(format!("`{name}` is no text: leave its value out"));
        }
        set.put_text(tag, vr, value);
    }
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
    for (name, value) in keys {
        all.push((name, value.as_str().ok_or_else(|| format!("`{name}` has a value that is no text"))?));
    }
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

/// A match in the DICOM JSON model.
pub(crate) fn as_json(row: &DataSet) -> Option<Map<String, Value>> {
    serde_json::from_slice(&model::with_base(&model::render(row).template, "")).ok()
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
    fn what_is_no_key_is_said_so() {
        for wrong in [json!({"NoSuchAttribute": "x"}), json!({"PatientID": 4711}), json!({"Rows": "512"})] {
            assert!(of_json("STUDY", &keys(wrong.clone())).is_err(), "{wrong}");
        }
    }
}
