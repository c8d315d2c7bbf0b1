//! Destruction: one officer asks, another approves, and then nobody opens the study again.
//!
//! ```text
//!  request ─► dry run, kept ─► approval by somebody else ─► intent leaf per study, durable
//!                                                              │
//!  keys deleted, tombstones ◄──────────────────────────────────┘          state: shredded
//!      │ windows closed, rows and search terms removed, outcome leaves    state: rolling
//!      ▼
//!  key-encryption keys replaced, survivors wrapped again, old versions deleted ─► epoch ends ─► on every node ─► record, and its leaf
//! ```
//!
//! From the deletion of the keys on, the study answers like one that never was. What comes after is about copies: of key rows in
//! logs, free pages, images of disks. Each step is kept before the next begins and can be repeated, so a crash at any moment is
//! resumed; what is approved and not yet deleted is done before anything is served.
//!
//! A legal hold (`hold`) refuses request and approval. Who approves takes the same turn as who places a hold, so what is approved
//! stands under none and comes under none.
//!
//! Whichever node is first takes a step. The others note which of their packs held the studies ([`elsewhere`]), and it is done when nothing of
//! the epochs before is left in the file of any.
//!
//! What was destroyed is named by its key and not by its UID: the same study that comes again is a new one, with a new key.

mod catch_up;
mod elsewhere;
mod record;
mod request;
mod work;

pub(crate) use catch_up::catch_up;
pub(crate) use elsewhere::{BELOW, noted_here};
pub use record::{
    DESTRUCTION_STUDIES_MAX, DestroyReason, DestructionRecord, DestructionState, DestructionSubject,
    RecordedStudy, Remains, RolledLine,
};
pub(crate) use request::{approve, find, list, plan, request, withdraw};
pub(crate) use work::{DESTROYED, work};

use crate::error::Unavailable;
use yingdun_access::AdminError;
use yingdun_keys::KeysError;
use yingdun_model::Uid;

/// What is to be destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StudiesOf {
    /// One study.
    Study(Uid),
    /// Every study that there is of a patient now.
    Patient {
        /// Who gave the identifier (0010,0021); empty where nobody is named.
        issuer: String,
        /// Patient ID (0010,0020).
        patient_id: String,
    },
}

/// Why nothing was destroyed, or asked for, or approved.
#[derive(Debug, thiserror::Error)]
pub enum DestroyError {
    /// Who asks may not, or it could not be written down.
    #[error(transparent)]
    Refused(#[from] AdminError),
    /// There is no such study, patient or destruction.
    #[error("there is no such study, patient or destruction")]
    NotFound,
    /// The patient has more studies than one destruction takes.
    #[error("the patient has more than {DESTRUCTION_STUDIES_MAX} studies; destroy single studies first")]
    TooMany,
    /// Who approves must be another person than who asked.
    #[error("who approves a destruction must be another person than who asked for it")]
    SamePerson,
    /// The destruction was approved, withdrawn or done already.
    #[error("the destruction is {state} already")]
    Settled {
        /// How far it is.
        state: DestructionState,
    },
    /// What was approved is not what is there now: a study came or went since it was asked for.
    #[error("what is there now is not what was asked for; withdraw the request and ask again")]
    Changed,
    /// A legal hold stands against it.
    #[error(
        "legal hold {hold} stands against it; have it released first: the audit administrator asks (`yingdun hold release {hold}`), the \
         security administrator approves"
    )]
    Held {
        /// The name of the hold.
        hold: String,
    },
    /// Another process carried it on at the same time.
    #[error("another process carried the destruction on at the same time")]
    Overtaken,
    /// A part of the archive does not answer.
    #[error("the archive cannot destroy now: {0}")]
    Unavailable(Unavailable),
}

impl From<KeysError> for DestroyError {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::DestructionState | KeysError::TurnTaken => Self::Overtaken,
            other => Self::Unavailable(Unavailable::new("keys", other)),
        }
    }
}

impl From<Unavailable> for DestroyError {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}
