//! One row of an answer, as a DICOM JSON data set (PS3.18 §F.2 and Tables 10.6.3-3 to 10.6.3-5).

use super::AnyRow;
use crate::request::Include;
use serde_json::{Map, Value};
use yingdun_dicom::index::InstanceIndex;
use yingdun_dicom::{Tag, Vr, dictionary, json, tags};

/// A row with the attributes that were asked for.
pub(super) fn row(row: &AnyRow, index: Option<&InstanceIndex>, include: &Include) -> Map<String, Value> {
    let mut answer = Answer { include, attributes: Map::new() };
    match row {
        AnyRow::Study(study) => {
            if let Some(index) = index {
                answer.study(index);
            }
            answer.required(tags::MODALITIES_IN_STUDY, &study.modalities.join("\\"));
            answer.required(tags::NUMBER_OF_STUDY_RELATED_SERIES, &study.series_count.to_string());
            answer.required(tags::NUMBER_OF_STUDY_RELATED_INSTANCES, &study.instance_count.to_string());
        }
        AnyRow::Series(series) => {
            answer.required(tags::STUDY_INSTANCE_UID, series.study_uid.as_str());
            if let Some(index) = index {
                answer.series(index);
                answer.study_of_series(index);
            }
            answer.required(tags::NUMBER_OF_SERIES_RELATED_INSTANCES, &series.instance_count.to_string());
        }
        AnyRow::Instance(instance) => {
            answer.required(tags::STUDY_INSTANCE_UID, instance.study_uid.as_str());
            answer.required(tags::SERIES_INSTANCE_UID, instance.series_uid.as_str());
            answer.required(tags::SOP_INSTANCE_UID, instance.sop_instance.as_str());
            answer.required(tags::SOP_CLASS_UID, instance.sop_class.as_str());
            answer.required(tags::MODALITY, &instance.modality);
            answer.number(tags::INSTANCE_NUMBER, instance.number.map(i64::from));
            answer.number(tags::ROWS, instance.rows.map(i64::from));
            answer.number(tags::COLUMNS, instance.columns.map(i64::from));
            answer.number(tags::BITS_ALLOCATED, instance.bits_allocated.map(i64::from));
            answer.number(tags::NUMBER_OF_FRAMES, instance.frames.map(i64::from));
            answer.optional(tags::AVAILABLE_TRANSFER_SYNTAX_UID, instance.transfer_syntax.as_str());
        }
    }
    answer.required(tags::INSTANCE_AVAILABILITY, "ONLINE");
    answer.attributes
}

struct Answer<'r> {
    include: &'r Include,
    attributes: Map<String, Value>,
}

impl Answer<'_> {
    fn study(&mut self, index: &InstanceIndex) {
        for (tag, text) in [
            (tags::STUDY_DATE, index.study_date.as_str()),
            (tags::STUDY_TIME, &index.study_time),
            (tags::ACCESSION_NUMBER, index.accession_number.expose()),
            (tags::REFERRING_PHYSICIAN_NAME, index.referring_physician_name.expose()),
            (tags::PATIENT_NAME, index.patient_name.expose()),
            (tags::PATIENT_ID, index.patient_id.expose()),
            (tags::PATIENT_BIRTH_DATE, index.patient_birth_date.expose()),
            (tags::PATIENT_SEX, index.patient_sex.expose()),
            (tags::STUDY_INSTANCE_UID, index.study.as_str()),
            (tags::STUDY_ID, index.study_id.expose()),
        ] {
            self.required(tag, text);
        }
        if !index.timezone_offset.is_empty() {
            self.required(tags::TIMEZONE_OFFSET_FROM_UTC, &index.timezone_offset);
        }
        if !index.study_description.expose().is_empty() {
            self.required(tags::STUDY_DESCRIPTION, index.study_description.expose());
        }
        self.optional(tags::ISSUER_OF_PATIENT_ID, index.issuer_of_patient_id.expose());
        self.optional(tags::INSTITUTION_NAME, &index.institution_name);
    }

    fn series(&mut self, index: &InstanceIndex) {
        self.required(tags::MODALITY, &index.modality);
        self.required(tags::SERIES_INSTANCE_UID, index.series.as_str());
        self.number(tags::SERIES_NUMBER, index.series_number);
        if !index.series_description.expose().is_empty() {
            self.required(tags::SERIES_DESCRIPTION, index.series_description.expose());
        }
        for (tag, text) in [
            (tags::PERFORMED_PROCEDURE_STEP_START_DATE, &index.performed_procedure_step_start_date),
            (tags::PERFORMED_PROCEDURE_STEP_START_TIME, &index.performed_procedure_step_start_time),
        ] {
            if !text.is_empty() {
                self.required(tag, text);
            }
        }
        self.optional(tags::SERIES_DATE, &index.series_date);
        self.optional(tags::SERIES_TIME, &index.series_time);
        self.optional(tags::BODY_PART_EXAMINED, &index.body_part);
        self.optional(tags::MANUFACTURER, &index.manufacturer);
        self.optional(tags::MANUFACTURER_MODEL_NAME, &index.manufacturer_model_name);
        self.optional(tags::STATION_NAME, &index.station_name);
    }

    /// What a search for series across studies may ask for beside (PS3.18 §10.6.3.3.2).
    fn study_of_series(&mut self, index: &InstanceIndex) {
        for (tag, text) in [
            (tags::PATIENT_NAME, index.patient_name.expose().as_str()),
            (tags::PATIENT_ID, index.patient_id.expose()),
            (tags::STUDY_DATE, &index.study_date),
            (tags::ACCESSION_NUMBER, index.accession_number.expose()),
        ] {
            self.optional(tag, text);
        }
    }

    fn required(&mut self, tag: Tag, text: &str) {
        let vr = dictionary::vr_of(tag).unwrap_or(Vr::LO);
        self.attributes.insert(tag.to_hex(), json::attribute(vr, text));
    }

    fn optional(&mut self, tag: Tag, text: &str) {
        let wanted = match self.include {
            Include::Default => false,
            Include::All => true,
            Include::Tags(tags) => tags.contains(&tag),
        };
        if wanted && !text.is_empty() {
            self.required(tag, text);
        }
    }

    /// A number as its value representation has it: IS as text of digits, US as a JSON number.
    fn number(&mut self, tag: Tag, number: Option<i64>) {
        let Some(number) = number else { return };
        let vr = dictionary::vr_of(tag).unwrap_or(Vr::IS);
        let attribute = serde_json::json!({ "vr": vr.to_string(), "Value": [number] });
        self.attributes.insert(tag.to_hex(), attribute);
    }
}
