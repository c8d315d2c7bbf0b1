//! A row of any level on its way to the answer, with what describes it and what decisions need of it.

use super::{damaged, database_error};
use crate::error::FindError;
use crate::pseudonym::InstitutionKeys;
use crate::request::Level;
use crate::rows;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use yingdun_access::StudyFacts;
use yingdun_catalog::Database;
use yingdun_catalog::catalogue::instances::InstanceRow;
use yingdun_catalog::catalogue::sealed;
use yingdun_catalog::catalogue::series::SeriesRow;
use yingdun_catalog::catalogue::studies::StudyRow;
use yingdun_dicom::index::InstanceIndex;
use yingdun_model::{Grade, PatientRef, SeriesRef, StudyRef, Timestamp};

/// A row that may match.
pub(super) struct Candidate {
    pub(super) row: AnyRow,
    /// What its study says, read where it is needed.
    pub(super) study: Option<Arc<InstanceIndex>>,
    /// What its series says, read where it is needed.
    pub(super) series: Option<Arc<InstanceIndex>>,
    /// Of its study; of a patient, those of the study that stands for them.
    pub(super) facts: StudyFacts,
}

pub(super) enum AnyRow {
    Patient(PatientCounts),
    Study(StudyRow),
    Series(SeriesRow),
    Instance(InstanceRow),
}

/// What a patient has, as far as the session may see it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PatientCounts {
    pub(super) studies: u64,
    pub(super) series: u64,
    pub(super) instances: u64,
}

impl Candidate {
    /// What describes it at this level, if that was read.
    pub(super) fn index_of(&self, level: Level) -> Option<&InstanceIndex> {
        match level {
            Level::Patient | Level::Study => self.study.as_deref(),
            Level::Series => self.series.as_deref(),
            Level::Instance => None,
        }
    }
}

impl AnyRow {
    /// The modalities that it knows of itself, parted by backslashes.
    pub(super) fn modalities(&self) -> Cow<'_, str> {
        match self {
            Self::Patient(_) => Cow::Borrowed(""),
            Self::Study(study) => Cow::Owned(study.modalities.join("\\")),
            Self::Series(series) => Cow::Borrowed(&series.modality),
            Self::Instance(instance) => Cow::Borrowed(&instance.modality),
        }
    }

    pub(super) const fn level(&self) -> Level {
        match self {
            Self::Patient(_) => Level::Patient,
            Self::Study(_) => Level::Study,
            Self::Series(_) => Level::Series,
            Self::Instance(_) => Level::Instance,
        }
    }
}

// === rows ===

/// What studies or series say.
pub(super) type Texts<R> = HashMap<R, Arc<InstanceIndex>>;

pub(super) async fn study_texts(
    database: &Database,
    keys: &InstitutionKeys,
    studies: BTreeSet<StudyRef>,
) -> Result<Texts<StudyRef>, FindError> {
    let mut texts = HashMap::with_capacity(studies.len());
    if studies.is_empty() {
        return Ok(texts);
    }
    let studies: Vec<StudyRef> = studies.into_iter().collect();
    for row in sealed::studies(database, &studies).await.map_err(database_error)? {
        let opened = rows::open_study_column(keys, row.reference, row.sealed).map_err(damaged)?;
        texts.insert(row.reference, Arc::new(opened.into_index()));
    }
    Ok(texts)
}

pub(super) async fn series_texts(
    database: &Database,
    keys: &InstitutionKeys,
    series: BTreeSet<SeriesRef>,
) -> Result<Texts<SeriesRef>, FindError> {
    let mut texts = HashMap::with_capacity(series.len());
    if series.is_empty() {
        return Ok(texts);
    }
    let series: Vec<SeriesRef> = series.into_iter().collect();
    for row in sealed::named_series(database, &series).await.map_err(database_error)? {
        let opened = rows::open_series_column(keys, row.reference, row.sealed).map_err(damaged)?;
        texts.insert(row.reference, Arc::new(opened.into_index()));
    }
    Ok(texts)
}

pub(super) fn study_candidate(keys: &InstitutionKeys, mut row: StudyRow) -> Result<Candidate, FindError> {
    let sealed = std::mem::take(&mut row.sealed);
    let index = rows::open_study_column(keys, row.reference, sealed).map_err(damaged)?.into_index();
    let facts = facts(keys, row.reference, row.patient, row.grade, row.received);
    Ok(Candidate { row: AnyRow::Study(row), study: Some(Arc::new(index)), series: None, facts })
}

pub(super) fn series_candidate(
    keys: &InstitutionKeys,
    mut row: SeriesRow,
    studies: &Texts<StudyRef>,
) -> Result<Candidate, FindError> {
    let sealed = std::mem::take(&mut row.sealed);
    let index = rows::open_series_column(keys, row.reference, sealed).map_err(damaged)?.into_index();
    let facts = facts(keys, row.study, row.patient, row.grade, row.study_received);
    let study = studies.get(&row.study).cloned();
    Ok(Candidate { row: AnyRow::Series(row), study, series: Some(Arc::new(index)), facts })
}

pub(super) fn instance_candidate(
    keys: &InstitutionKeys,
    row: InstanceRow,
    studies: &Texts<StudyRef>,
    series: &Texts<SeriesRef>,
) -> Candidate {
    Candidate {
        facts: facts(keys, row.study, row.patient, row.grade, row.study_received),
        study: studies.get(&row.study).cloned(),
        series: series.get(&row.series).cloned(),
        row: AnyRow::Instance(row),
    }
}

pub(super) fn facts(
    keys: &InstitutionKeys,
    study: StudyRef,
    patient: PatientRef,
    grade: Grade,
    received: Timestamp,
) -> StudyFacts {
    StudyFacts { institution: keys.institution.clone(), study, patient, grade, received }
}
