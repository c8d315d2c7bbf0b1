//! Records for tests: small, plausible, made from numbers.

use yingdun_catalog::catalogue::{
    self, Batch, Date, InstanceFacts, SeriesFacts, StudyChange, StudyFacts, StudyTerms, TimeOfDay, Token,
    Watermark,
};
use yingdun_catalog::{CatalogError, Database};
use yingdun_model::{Grade, InstanceRef, InstitutionId, PatientRef, SeriesRef, StudyRef, Timestamp, Uid};

pub(crate) fn institution(name: &str) -> InstitutionId {
    InstitutionId::new(name).unwrap()
}

pub(crate) fn patient(number: u64) -> PatientRef {
    PatientRef::from_bytes(bytes(b'p', number))
}

pub(crate) fn study(number: u64) -> StudyRef {
    StudyRef::from_bytes(bytes(b's', number))
}

pub(crate) fn series(number: u64) -> SeriesRef {
    SeriesRef::from_bytes(bytes(b'r', number))
}

pub(crate) fn instance(number: u64) -> InstanceRef {
    InstanceRef::from_bytes(bytes(b'i', number))
}

pub(crate) fn token(word: &str) -> Token {
    let mut token = [b'_'; 16];
    for (place, byte) in token.iter_mut().zip(word.bytes()) {
        *place = byte;
    }
    token
}

pub(crate) fn uid(kind: u32, number: u64) -> Uid {
    Uid::new(&format!("1.2.826.0.1.{kind}.{number}")).unwrap()
}

/// An instance with the study and series it belongs to, as [`apply`] takes them in.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) study: StudyRef,
    pub(crate) study_facts: StudyFacts,
    pub(crate) series: SeriesRef,
    pub(crate) series_facts: SeriesFacts,
    pub(crate) instance: InstanceFacts,
}

impl Stored {
    pub(crate) fn in_institution(mut self, institution: InstitutionId) -> Self {
        self.study_facts.institution = institution.clone();
        self.series_facts.institution = institution.clone();
        self.instance.institution = institution;
        self
    }

    pub(crate) fn received_at(mut self, ms: i64) -> Self {
        let at = Timestamp::from_ms(ms);
        self.study_facts.received = at;
        self.series_facts.received = at;
        self.instance.received = at;
        self
    }
}

/// Takes instances in. A study or series is what its first instance in the list says; the modalities of a study are
/// those of its series in the list.
pub(crate) async fn apply(
    database: &Database,
    stored: &[Stored],
    watermark: Option<Watermark>,
) -> Result<(), CatalogError> {
    let mut batch = Batch::default();
    for Stored { study, study_facts, series, series_facts, instance } in stored {
        batch.series.entry(*series).or_insert_with(|| series_facts.clone());
        let change = StudyChange { now: study_facts.clone(), was: None, over: None };
        let modalities = &mut batch.studies.entry(*study).or_insert(change).now.terms.modalities;
        modalities.push(series_facts.modality.clone());
        batch.instances.push(instance.clone());
    }
    catalogue::apply(database, &batch, watermark).await
}

/// Instance `i` of series `r` of study `s` of patient `p`, received at `s` milliseconds.
pub(crate) fn record(p: u64, s: u64, r: u64, i: u64) -> Stored {
    let institution = institution("renmin");
    let received = Timestamp::from_ms(i64::try_from(s).unwrap());
    Stored {
        study: study(s),
        study_facts: StudyFacts {
            institution: institution.clone(),
            patient: patient(p),
            uid: uid(1, s),
            grade: Grade::L4,
            received,
            patient_conflict: false,
            terms: StudyTerms {
                date: Date::parse("20240131"),
                time: TimeOfDay::parse("103000"),
                tokens: vec![token(&format!("id{p}"))],
                modalities: vec![],
                accession: None,
            },
            sealed: vec![1, 2, 3],
        },
        series: series(r),
        series_facts: SeriesFacts {
            institution: institution.clone(),
            study: study(s),
            uid: uid(2, r),
            modality: "CT".to_owned(),
            number: i32::try_from(r).ok(),
            performed_date: Date::parse("20240131"),
            performed_time: None,
            received,
            sealed: vec![4, 5],
        },
        instance: InstanceFacts {
            institution,
            study: study(s),
            series: series(r),
            reference: instance(i),
            version: 1,
            sop_instance: uid(3, i),
            sop_class: Uid::new("1.2.840.10008.5.1.4.1.1.2").unwrap(),
            transfer_syntax: Uid::new("1.2.840.10008.1.2.1").unwrap(),
            number: i32::try_from(i).ok(),
            rows: Some(512),
            columns: Some(512),
            bits_allocated: Some(16),
            frames: None,
            received,
            object_bytes: 525_000,
            location: i.to_be_bytes().to_vec(),
            sealed: None,
        },
    }
}

/// References are keyed hashes: spread over the whole range, so that no order is by accident.
fn bytes(kind: u8, number: u64) -> [u8; 16] {
    let mut bytes = [kind; 16];
    let spread = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bytes[..8].copy_from_slice(&spread.to_be_bytes());
    bytes[8..].copy_from_slice(&(number << 8 | u64::from(kind)).to_be_bytes());
    bytes
}
