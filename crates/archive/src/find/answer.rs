//! One row of an answer, as a DICOM JSON data set (PS3.18 §F.2 and Tables 10.6.3-3 to 10.6.3-5).

use super::attributes::{Returned, Source, attributes, text_of};
use super::candidate::{AnyRow, Candidate};
use crate::request::{FoundRow, Include, Level};
use serde_json::{Value, json};
use yingdun_dicom::{Tag, Vr, dictionary, json as model, tags};

/// A row with the attributes that were asked for.
pub(super) fn row(candidate: &Candidate, include: &Include) -> FoundRow {
    let mut answer = Answer(FoundRow::new());
    answer.texts(candidate, include);
    match &candidate.row {
        AnyRow::Patient(patient) => {
            answer.text(tags::NUMBER_OF_PATIENT_RELATED_STUDIES, &patient.studies.to_string());
            answer.text(tags::NUMBER_OF_PATIENT_RELATED_SERIES, &patient.series.to_string());
            answer.text(tags::NUMBER_OF_PATIENT_RELATED_INSTANCES, &patient.instances.to_string());
        }
        AnyRow::Study(study) => {
            answer.text(tags::STUDY_INSTANCE_UID, study.uid.as_str());
            answer.text(tags::MODALITIES_IN_STUDY, &study.modalities.join("\\"));
            answer.text(tags::NUMBER_OF_STUDY_RELATED_SERIES, &study.series_count.to_string());
            answer.text(tags::NUMBER_OF_STUDY_RELATED_INSTANCES, &study.instance_count.to_string());
            answer.text(tags::INSTANCE_AVAILABILITY, "ONLINE");
        }
        AnyRow::Series(series) => {
            answer.text(tags::STUDY_INSTANCE_UID, series.study_uid.as_str());
            answer.text(tags::SERIES_INSTANCE_UID, series.uid.as_str());
            answer.text(tags::MODALITY, &series.modality);
            answer.number(tags::SERIES_NUMBER, series.number.map(i64::from));
            answer.text(tags::NUMBER_OF_SERIES_RELATED_INSTANCES, &series.instance_count.to_string());
            answer.text(tags::INSTANCE_AVAILABILITY, "ONLINE");
        }
        AnyRow::Instance(instance) => {
            answer.text(tags::STUDY_INSTANCE_UID, instance.study_uid.as_str());
            answer.text(tags::SERIES_INSTANCE_UID, instance.series_uid.as_str());
            answer.text(tags::SOP_INSTANCE_UID, instance.sop_instance.as_str());
            answer.text(tags::SOP_CLASS_UID, instance.sop_class.as_str());
            answer.text(tags::MODALITY, &instance.modality);
            answer.number(tags::INSTANCE_NUMBER, instance.number.map(i64::from));
            answer.number(tags::ROWS, instance.rows.map(i64::from));
            answer.number(tags::COLUMNS, instance.columns.map(i64::from));
            answer.number(tags::BITS_ALLOCATED, instance.bits_allocated.map(i64::from));
            answer.number(tags::NUMBER_OF_FRAMES, instance.frames.map(i64::from));
            if includes(include, tags::AVAILABLE_TRANSFER_SYNTAX_UID) {
                answer.text(tags::AVAILABLE_TRANSFER_SYNTAX_UID, instance.transfer_syntax.as_str());
            }
            answer.text(tags::INSTANCE_AVAILABILITY, "ONLINE");
        }
    }
    answer.0
}

/// Whether an answer to this holds an attribute that is returned only when asked for.
pub(super) fn includes(include: &Include, tag: Tag) -> bool {
    match include {
        Include::Default => false,
        Include::All => true,
        Include::Tags(tags) => tags.contains(&tag),
    }
}

struct Answer(FoundRow);

impl Answer {
    /// What the index says: at the levels that the row itself describes, and at those above when asked for.
    fn texts(&mut self, candidate: &Candidate, include: &Include) {
        let level = candidate.row.level();
        for attribute in attributes() {
            let Source::Index(returned) = attribute.source else { continue };
            let Some(index) = candidate.index_of(attribute.level) else { continue };
            let text = text_of(index, attribute.path);
            let own = attribute.level == level || attribute.level == Level::Patient && level == Level::Study;
            let wanted = match returned {
                Returned::Always if own => true,
                Returned::WhenPresent if own => !text.is_empty(),
                Returned::Always | Returned::WhenPresent | Returned::WhenAsked => {
                    !text.is_empty() && attribute.level <= level && includes(include, attribute.path.top())
                }
            };
            match attribute.path.sequence {
                _ if !wanted => {}
                None => self.text(attribute.path.tag, text),
                Some(sequence) => self.items(sequence, attribute.path.tag, text),
            }
        }
    }

    fn text(&mut self, tag: Tag, text: &str) {
        let vr = dictionary::vr_of(tag).unwrap_or(Vr::LO);
        self.0.insert(tag.to_hex(), model::attribute(vr, text));
    }

    /// Adds values to the items of a sequence, each to the item at its place.
    fn items(&mut self, sequence: Tag, tag: Tag, texts: &str) {
        let empty = || json!({ "vr": Vr::SQ.to_string(), "Value": [] });
        let Some(Value::Array(items)) =
            self.0.entry(sequence.to_hex()).or_insert_with(empty).get_mut("Value")
        else {
            return;
        };
        let vr = dictionary::vr_of(tag).unwrap_or(Vr::LO);
        for (place, text) in texts.split('\\').enumerate() {
            if place >= items.len() {
                items.push(json!({}));
            }
            if let Some(Value::Object(item)) = items.get_mut(place).filter(|_| !text.is_empty()) {
                item.insert(tag.to_hex(), model::attribute(vr, text));
            }
        }
    }

    /// A number as its value representation has it: IS as text of digits, US as a JSON number.
    fn number(&mut self, tag: Tag, number: Option<i64>) {
        let Some(number) = number else { return };
        let vr = dictionary::vr_of(tag).unwrap_or(Vr::IS);
        let attribute = json!({ "vr": vr.to_string(), "Value": [number] });
        self.0.insert(tag.to_hex(), attribute);
    }
}
