//! The attributes around the pixels of a synthetic instance.

use super::patient::Repertoire;
use super::rng::Rng;
use super::{Kind, Study};
use crate::data_set::DataSet;
use crate::tag::{Tag, tags};
use crate::vr::Vr;
use yingdun_model::Uid;

/// A UID derived from 128 random bits (PS3.5 §B.2).
pub(super) fn uid(rng: &mut Rng) -> Uid {
    let number = (u128::from(rng.next()) << 64) | u128::from(rng.next());
    known_uid(&format!("2.25.{number}"))
}

/// A UID that this source writes itself, so it is one.
#[allow(clippy::expect_used)] // digits and dots, by construction
pub(super) fn known_uid(text: &str) -> Uid {
    Uid::new(text).expect("a UID of this source")
}

impl Study {
    /// Patient, study, series and instance attributes of every kind.
    pub(super) fn common(&self, class: &str, sop_instance: &Uid, modality: &str, number: u32) -> DataSet {
        let repertoire = self.patient.repertoire;
        let mut set = DataSet::new();
        set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, repertoire.term());
        set.put_text(tags::IMAGE_TYPE, Vr::CS, "ORIGINAL\\PRIMARY\\AXIAL");
        set.put_text(tags::SOP_CLASS_UID, Vr::UI, class);
        set.put_text(tags::SOP_INSTANCE_UID, Vr::UI, sop_instance.as_str());
        for tag in [tags::STUDY_DATE, tags::SERIES_DATE, tags::ACQUISITION_DATE, tags::CONTENT_DATE] {
            set.put_text(tag, Vr::DA, &self.date);
        }
        for tag in [tags::STUDY_TIME, tags::SERIES_TIME, tags::CONTENT_TIME] {
            set.put_text(tag, Vr::TM, "101530.000");
        }
        set.put_text(tags::ACCESSION_NUMBER, Vr::SH, &self.accession_number);
        set.put_text(tags::MODALITY, Vr::CS, modality);
        set.put_text(tags::MANUFACTURER, Vr::LO, "YINGDUN");
        set.put_text(tags::MANUFACTURER_MODEL_NAME, Vr::LO, "Synthetic");
        set.put_text(tags::STATION_NAME, Vr::SH, &format!("{modality}01"));
        let chinese = repertoire != Repertoire::Latin1;
        let texts = [
            (
                tags::INSTITUTION_NAME,
                Vr::LO,
                if chinese { "影盾示范医院" } else { "Yingdun Demonstration Hospital" },
            ),
            (
                tags::REFERRING_PHYSICIAN_NAME,
                Vr::PN,
                if chinese { "Deng^Ming=邓^明" } else { "Lefèvre^Chloé" },
            ),
            (tags::STUDY_DESCRIPTION, Vr::LO, self.description(chinese)),
            (tags::SERIES_DESCRIPTION, Vr::LO, self.description(false)),
            (tags::PATIENT_NAME, Vr::PN, self.patient.name.as_str()),
        ];
        for (tag, vr, text) in texts {
            set.put_bytes(tag, vr, repertoire.encode(text));
        }
        set.put_text(tags::PATIENT_ID, Vr::LO, &self.patient.id);
        set.put_text(tags::PATIENT_BIRTH_DATE, Vr::DA, &self.patient.birth_date);
        set.put_text(tags::PATIENT_SEX, Vr::CS, self.patient.sex);
        set.put_text(tags::STUDY_INSTANCE_UID, Vr::UI, self.study.as_str());
        set.put_text(tags::SERIES_INSTANCE_UID, Vr::UI, self.series.as_str());
        set.put_text(tags::STUDY_ID, Vr::SH, "1");
        set.put_text(tags::SERIES_NUMBER, Vr::IS, "1");
        set.put_text(tags::INSTANCE_NUMBER, Vr::IS, &number.to_string());
        set
    }

    fn description(&self, chinese: bool) -> &'static str {
        match (self.kind, chinese) {
            (Kind::Ct { .. } | Kind::CtMatrix { .. }, true) => "胸部CT平扫",
            (Kind::Ct { .. } | Kind::CtMatrix { .. }, false) => "Chest CT 1.25 mm",
            (Kind::Cr, true) => "胸部正位片",
            (Kind::Cr, false) => "Chest PA",
            (Kind::Mr { .. }, true) => "头颅MR平扫",
            (Kind::Mr { .. }, false) => "Head T1",
            (Kind::Us { .. }, true) => "心脏彩超",
            (Kind::Us { .. }, false) => "Echocardiography",
            (Kind::Sr, true) => "胸部CT报告",
            (Kind::Sr, false) => "Chest CT report",
        }
    }
}

/// What a CT slice has beside its pixels.
pub(super) fn ct_slice(set: &mut DataSet, series: &Uid, number: u32, matrix: u16) {
    set.put_text(tags::BODY_PART_EXAMINED, Vr::CS, "CHEST");
    set.put_text(tags::KVP, Vr::DS, "120");
    set.put_text(Tag(0x0018, 0x1151), Vr::IS, "220");
    set.put_text(Tag(0x0018, 0x1210), Vr::SH, "STANDARD");
    position(set, series, number, 1.25, 360.0 / f64::from(matrix.max(1)));
    image(set, matrix, matrix, 12, false);
    set.put_text(tags::WINDOW_CENTER, Vr::DS, "40\\-600");
    set.put_text(tags::WINDOW_WIDTH, Vr::DS, "400\\1500");
    hounsfield(set);
}

/// Stored values are Hounsfield units plus 1024.
pub(super) fn hounsfield(set: &mut DataSet) {
    set.put_text(tags::RESCALE_INTERCEPT, Vr::DS, "-1024");
    set.put_text(tags::RESCALE_SLOPE, Vr::DS, "1");
    set.put_text(tags::RESCALE_TYPE, Vr::LO, "HU");
}

/// Where a slice lies in the patient.
pub(super) fn position(set: &mut DataSet, series: &Uid, number: u32, thickness: f64, spacing: f64) {
    let z = -f64::from(number) * thickness;
    set.put_text(tags::SLICE_THICKNESS, Vr::DS, &format!("{thickness}"));
    set.put_text(tags::IMAGE_POSITION_PATIENT, Vr::DS, &format!("-180\\-180\\{z}"));
    set.put_text(tags::IMAGE_ORIENTATION_PATIENT, Vr::DS, "1\\0\\0\\0\\1\\0");
    set.put_text(tags::FRAME_OF_REFERENCE_UID, Vr::UI, series.as_str());
    set.put_text(tags::SLICE_LOCATION, Vr::DS, &format!("{z}"));
    set.put_text(tags::PIXEL_SPACING, Vr::DS, &format!("{spacing:.6}\\{spacing:.6}"));
}

/// The image pixel attributes of one sample per pixel (PS3.3 §C.7.6.3).
pub(super) fn image(set: &mut DataSet, rows: u16, columns: u16, bits_stored: u16, signed: bool) {
    set.put_u16(tags::SAMPLES_PER_PIXEL, 1);
    set.put_text(tags::PHOTOMETRIC_INTERPRETATION, Vr::CS, "MONOCHROME2");
    set.put_u16(tags::ROWS, rows);
    set.put_u16(tags::COLUMNS, columns);
    set.put_u16(tags::BITS_ALLOCATED, if bits_stored > 8 { 16 } else { 8 });
    set.put_u16(tags::BITS_STORED, bits_stored);
    set.put_u16(tags::HIGH_BIT, bits_stored.saturating_sub(1));
    set.put_u16(tags::PIXEL_REPRESENTATION, u16::from(signed));
}

/// A basic text report (PS3.3 §A.35.1).
pub(super) fn report(set: &mut DataSet, repertoire: Repertoire) {
    let chinese = repertoire != Repertoire::Latin1;
    let text = |zh: &str, en: &str| repertoire.encode(if chinese { zh } else { en });
    set.put_text(tags::COMPLETION_FLAG, Vr::CS, "COMPLETE");
    set.put_text(tags::VERIFICATION_FLAG, Vr::CS, "UNVERIFIED");
    set.put_text(tags::VALUE_TYPE, Vr::CS, "CONTAINER");
    set.put_text(tags::CONTINUITY_OF_CONTENT, Vr::CS, "SEPARATE");
    let title = code("18748-4", text("影像诊断报告", "Diagnostic imaging report"));
    set.put_items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![title]);
    let findings = text(
        "双肺纹理清晰，右肺上叶见一结节，直径约8 mm，边缘光滑。纵隔未见肿大淋巴结。心影不大。",
        "Lungs are clear except for a smooth nodule of 8 mm in the right upper lobe. No enlarged lymph nodes. \
         Normal heart size.",
    );
    let impression = text("右肺上叶小结节，建议三个月后复查。", "Small nodule, follow-up in three months.");
    set.put_items(
        tags::CONTENT_SEQUENCE,
        vec![
            passage(code("59776-5", text("影像所见", "Findings")), findings),
            passage(code("19005-8", text("印象", "Impression")), impression),
        ],
    );
}

// === helpers ===

fn passage(name: DataSet, text: Vec<u8>) -> DataSet {
    let mut item = DataSet::new();
    item.put_text(tags::RELATIONSHIP_TYPE, Vr::CS, "CONTAINS");
    item.put_text(tags::VALUE_TYPE, Vr::CS, "TEXT");
    item.put_items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![name]);
    item.put_bytes(tags::TEXT_VALUE, Vr::UT, text);
    item
}

fn code(value: &str, meaning: Vec<u8>) -> DataSet {
    let mut item = DataSet::new();
    item.put_text(tags::CODE_VALUE, Vr::SH, value);
    item.put_text(tags::CODING_SCHEME_DESIGNATOR, Vr::SH, "LN");
    item.put_bytes(tags::CODE_MEANING, Vr::LO, meaning);
    item
}
