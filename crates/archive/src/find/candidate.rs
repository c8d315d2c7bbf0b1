//! A row of any level on its way to the answer, with what describes it and what decisions need of it.

use crate::request::Level;
use std::borrow::Cow;
use std::sync::Arc;
use yingdun_access::StudyFacts;
use yingdun_catalog::catalogue::instances::InstanceRow;
use yingdun_catalog::catalogue::series::SeriesRow;
use yingdun_catalog::catalogue::studies::StudyRow;
use yingdun_dicom::index::InstanceIndex;

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
