//! Between descriptors and catalogue rows: what is sealed into a column, what becomes a token, what stays plain.

use crate::catalogue::Latest;
use crate::descriptor::Descriptor;
use crate::pseudonym::{Pseudonyms, Searchable};
use crate::shared::InstitutionKeys;
use yingdun_access::StudyFacts;
use yingdun_catalog::catalogue::instances::InstanceRow;
use yingdun_catalog::catalogue::{self, Date, InstanceFacts, InstanceRecord, SeriesFacts, TimeOfDay};
use yingdun_crypto::{Context, OpenError, SealError, Sealed};
use yingdun_dicom::index::InstanceIndex;
use yingdun_dicom::person_name::{PersonName, fold};
use yingdun_model::{InstanceRef, InstitutionId, SeriesRef, StudyRef};
use yingdun_storage::Location;

/// A row on its way into the catalogue.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) record: InstanceRecord,
    evidence: [u8; 16],
}

impl Row {
    pub(crate) fn newest(&self, location: Location) -> Latest {
        Latest {
            study: self.record.study.reference,
            version: self.record.instance.version,
            evidence: self.evidence,
            location,
        }
    }
}

/// The newest version as a stored row tells it.
pub(crate) fn latest(row: &InstanceRow) -> Option<Latest> {
    let evidence = row.sealed.as_deref()?.try_into().ok()?;
    let location = Location::from_bytes(&row.location).ok()?;
    Some(Latest { study: row.study, version: row.version, evidence, location })
}

/// The row of a durable record.
pub(crate) fn instance_record(
    keys: &InstitutionKeys,
    facts: &StudyFacts,
    instance: InstanceRef,
    descriptor: &Descriptor,
    location: &Location,
) -> Result<Row, SealError> {
    let index = &descriptor.index;
    let series = keys.pseudonyms.series(&index.study, &index.series);
    let study_column = Sealed::seal(&keys.index, &study_context(&keys.institution, facts.study), index)?;
    let series_column = Sealed::seal(&keys.index, &series_context(&keys.institution, series), index)?;
    let evidence = keys.pseudonyms.evidence(&descriptor.data_set_sha256);
    let record = InstanceRecord {
        institution: keys.institution.clone(),
        patient: facts.patient,
        study: catalogue::StudyFacts {
            reference: facts.study,
            uid: index.study.clone(),
            date: Date::parse(&index.study_date),
            time: TimeOfDay::parse(&index.study_time),
            grade: facts.grade,
            sealed: study_column.into_bytes(),
            tokens: tokens(&keys.pseudonyms, index),
        },
        series: SeriesFacts {
            reference: series,
            uid: index.series.clone(),
            modality: index.modality.clone(),
            number: small(index.series_number),
            performed_date: Date::parse(&index.performed_procedure_step_start_date),
            performed_time: TimeOfDay::parse(&index.performed_procedure_step_start_time),
            sealed: series_column.into_bytes(),
        },
        instance: InstanceFacts {
            reference: instance,
            version: descriptor.version,
            sop_instance: index.sop_instance.clone(),
            sop_class: index.sop_class.clone(),
            transfer_syntax: descriptor.transfer_syntax.clone(),
            number: small(index.instance_number),
            rows: index.rows,
            columns: index.columns,
            bits_allocated: index.bits_allocated.and_then(|bits| u16::try_from(bits).ok()),
            frames: index.number_of_frames,
            object_bytes: descriptor.data_set_bytes,
            location: location.to_bytes(),
            sealed: Some(evidence.to_vec()),
        },
        received: descriptor.received,
    };
    Ok(Row { record, evidence })
}

/// The describing attributes of a study row.
pub(crate) fn open_study_column(
    keys: &InstitutionKeys,
    study: StudyRef,
    sealed: Vec<u8>,
) -> Result<InstanceIndex, OpenError> {
    Sealed::from_bytes(sealed).open(&keys.index, &study_context(&keys.institution, study))
}

/// The describing attributes of a series row.
pub(crate) fn open_series_column(
    keys: &InstitutionKeys,
    series: SeriesRef,
    sealed: Vec<u8>,
) -> Result<InstanceIndex, OpenError> {
    Sealed::from_bytes(sealed).open(&keys.index, &series_context(&keys.institution, series))
}

fn study_context(institution: &InstitutionId, study: StudyRef) -> Context {
    Context::new("yingdun/catalogue/study/v1").field(institution.as_str()).field(study.as_bytes())
}

fn series_context(institution: &InstitutionId, series: SeriesRef) -> Context {
    Context::new("yingdun/catalogue/series/v1").field(institution.as_str()).field(series.as_bytes())
}

/// Everything by which a study is found without opening a column.
fn tokens(pseudonyms: &Pseudonyms, index: &InstanceIndex) -> Vec<[u8; 16]> {
    let mut tokens = Vec::with_capacity(64);
    for (what, text) in [
        (Searchable::PatientId, &index.patient_id),
        (Searchable::AccessionNumber, &index.accession_number),
        (Searchable::StudyId, &index.study_id),
    ] {
        tokens.extend(pseudonyms.all(what, &fold(text.expose())));
    }
    for (what, name) in [
        (Searchable::PatientName, &index.patient_name),
        (Searchable::ReferringPhysician, &index.referring_physician_name),
    ] {
        for group in PersonName::parse(name.expose()).groups() {
            tokens.extend(pseudonyms.all(what, &fold(group)));
        }
    }
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

fn small(number: Option<i64>) -> Option<i32> {
    number.and_then(|number| i32::try_from(number).ok())
}
