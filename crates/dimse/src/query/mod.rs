//! The query and retrieve service class (PS3.4 annex C): its information models and what their identifiers ask. Pure:
//! no network, no archive.

mod identifier;

pub use identifier::{Identifier, Query, Selection};

use yingdun_dicom::{Tag, tags};
use yingdun_model::Uid;

/// Which hierarchy a SOP class walks (PS3.4 §C.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// Patient, study, series, image.
    Patient,
    /// Study, series, image; what describes the patient stands at the study.
    Study,
    /// Patient, study (retired).
    PatientStudyOnly,
}

/// What a SOP class of this service class does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// C-FIND.
    Find,
    /// C-MOVE.
    Move,
    /// C-GET.
    Get,
}

/// Query/Retrieve Level (0008,0052).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// PATIENT.
    Patient,
    /// STUDY.
    Study,
    /// SERIES.
    Series,
    /// IMAGE.
    Image,
}

/// A SOP class of this service class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Model {
    /// Its hierarchy.
    pub root: Root,
    /// What it does.
    pub verb: Verb,
}

/// The SOP classes (PS3.4 tables C.6.1.3-1, C.6.2.3-1 and C.6.3.3-1).
const CLASSES: [(&str, Model); 9] = [
    ("1.2.840.10008.5.1.4.1.2.1.1", Model { root: Root::Patient, verb: Verb::Find }),
    ("1.2.840.10008.5.1.4.1.2.1.2", Model { root: Root::Patient, verb: Verb::Move }),
    ("1.2.840.10008.5.1.4.1.2.1.3", Model { root: Root::Patient, verb: Verb::Get }),
    ("1.2.840.10008.5.1.4.1.2.2.1", Model { root: Root::Study, verb: Verb::Find }),
    ("1.2.840.10008.5.1.4.1.2.2.2", Model { root: Root::Study, verb: Verb::Move }),
    ("1.2.840.10008.5.1.4.1.2.2.3", Model { root: Root::Study, verb: Verb::Get }),
    ("1.2.840.10008.5.1.4.1.2.3.1", Model { root: Root::PatientStudyOnly, verb: Verb::Find }),
    ("1.2.840.10008.5.1.4.1.2.3.2", Model { root: Root::PatientStudyOnly, verb: Verb::Move }),
    ("1.2.840.10008.5.1.4.1.2.3.3", Model { root: Root::PatientStudyOnly, verb: Verb::Get }),
];

impl Model {
    /// Every one.
    pub fn all() -> impl Iterator<Item = Self> {
        CLASSES.iter().map(|(_, model)| *model)
    }

    /// The model of a SOP class; `None` if it is of another service class.
    #[must_use]
    pub fn of(sop_class: &Uid) -> Option<Self> {
        CLASSES.iter().find(|(class, _)| *class == sop_class.as_str()).map(|(_, model)| *model)
    }

    /// Its SOP class.
    #[must_use]
    pub fn sop_class(self) -> Option<Uid> {
        CLASSES.iter().find(|(_, model)| *model == self).and_then(|(class, _)| Uid::new(class).ok())
    }
}

impl Root {
    /// Its levels, from the top.
    #[must_use]
    pub const fn levels(self) -> &'static [Level] {
        match self {
            Self::Patient => &[Level::Patient, Level::Study, Level::Series, Level::Image],
            Self::Study => &[Level::Study, Level::Series, Level::Image],
            Self::PatientStudyOnly => &[Level::Patient, Level::Study],
        }
    }
}

impl Level {
    /// Every level, from the top.
    pub const ALL: [Self; 4] = [Self::Patient, Self::Study, Self::Series, Self::Image];

    /// The word in (0008,0052).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "PATIENT",
            Self::Study => "STUDY",
            Self::Series => "SERIES",
            Self::Image => "IMAGE",
        }
    }

    /// The attribute that names one of its entities (PS3.4 §C.6).
    #[must_use]
    pub const fn unique_key(self) -> Tag {
        match self {
            Self::Patient => tags::PATIENT_ID,
            Self::Study => tags::STUDY_INSTANCE_UID,
            Self::Series => tags::SERIES_INSTANCE_UID,
            Self::Image => tags::SOP_INSTANCE_UID,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_reads_back_from_its_sop_class() {
        for (class, model) in CLASSES {
            assert_eq!(Model::of(&Uid::new(class).unwrap()), Some(model));
            assert_eq!(model.sop_class().unwrap().as_str(), class);
        }
        assert_eq!(Model::of(&Uid::new("1.2.840.10008.5.1.4.31").unwrap()), None, "modality worklist");
    }
}
