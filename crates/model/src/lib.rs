//! The words of Yingdun: identifiers, grades, actors, purposes, actions and times.
//!
//! Every other room speaks in these types, so a value that was checked once stays checked: a [`Uid`] is a
//! legal DICOM unique identifier (and therefore never a path), an [`AeTitle`] is a legal application entity
//! title, a [`StudyRef`] is a keyed pseudonym and never an identifier of a person.
//!
//! This crate does no I/O and knows nothing of async, databases, networks or keys.

mod action;
mod actor;
mod ae_title;
mod alert;
mod consent;
mod department;
mod dissent;
mod grade;
mod grant;
mod institution;
mod job;
mod maintenance;
mod purpose;
mod reference;
mod secret;
mod step;
mod store;
mod time;
mod uid;

pub use action::Action;
pub use actor::{ActorId, ActorKind, Role};
pub use ae_title::{AeTitle, AeTitleError};
pub use alert::{AlertVerdict, Stop};
pub use consent::{ConsentForm, ConsentGiver, ConsentKind};
pub use department::{DepartmentId, DepartmentIdError, StudyUnit, Unit};
pub use dissent::DissentKind;
pub use grade::Grade;
pub use grant::{BreakGlassReason, GrantKind, ReviewVerdict, StatedReason};
pub use institution::{InstitutionId, InstitutionIdError};
pub use job::{JobKind, JobState};
pub use maintenance::MaintenanceScope;
pub use purpose::PurposeOfUse;
pub use reference::{
    InstanceRef, PatientRef, PerformedStepRef, ReferenceError, SeriesRef, StepRef, StudyRef, WorkitemRef,
};
pub use secret::{Personal, Secret};
pub use step::{PerformedState, StepState, WorkitemState};
pub use store::StoreNumber;
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
pub use uid::{Uid, UidError};

/// Declares values that are stored and printed as one fixed lower-case word each, and read back only from that word.
/// The crate that uses it needs `serde`.
#[macro_export]
macro_rules! word_enum {
    ($(#[$meta:meta])* $name:ident, $what:literal {
        $($(#[$variant_meta:meta])* $variant:ident => $word:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// The word under which this value is stored and printed.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|value| value.as_str() == word)
                    .ok_or($crate::UnknownWord { what: $what, word: word.chars().take(64).collect() })
            }
        }
    };
}

/// A word that is not one of the fixed words of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a known {what}")]
pub struct UnknownWord {
    /// What kind of word was expected, e.g. `role`.
    pub what: &'static str,
    /// The word that came, cut at 64 characters.
    pub word: String,
}
