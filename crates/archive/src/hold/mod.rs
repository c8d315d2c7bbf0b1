//! Legal holds: what nothing may destroy until two officers let go of it.
//!
//! ```text
//!  audit administrator places it ─► held ◄──────── withdrawn ────────┐
//!                                    │                               │
//!                                    └─ release asked for ─► release-requested ─► approved by the security administrator ─► released
//! ```
//!
//! A hold and the approval of a destruction take the same turn in the database of keys (`keys::KeyStore::destruction_turn`): each
//! reads what the other has done, and its transaction fails when something came between. So no destruction is approved against a
//! hold, and no hold is placed on what is approved already and cannot be stopped.
//!
//! Holds lie beside the keys. What an older copy of that database has forgotten is placed again from the log at the next start. A
//! destruction that the log tells of is carried out again whatever a hold says: it was done before that hold, or after its release.

mod from_log;
mod record;
mod request;

pub(crate) use from_log::{HoldLeaves, place_again};
pub use record::{HoldReason, HoldRecord, HoldState, HoldSubject, Release, ReleaseReason};
pub(crate) use request::{approve_release, find, list, place, request_release, withdraw_release};

use crate::error::Unavailable;
use yingdun_access::AdminError;
use yingdun_keys::KeysError;

/// Why a hold was not placed, or not released.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// Who asks may not, or it could not be written down.
    #[error(transparent)]
    Refused(#[from] AdminError),
    /// There is no such study, patient or hold.
    #[error("there is no such study, patient or hold")]
    NotFound,
    /// Who approves must be another person than who asked.
    #[error("who approves the release of a hold must be another person than who asked for it")]
    SamePerson,
    /// The hold is not in the state that the step needs.
    #[error("the hold is {state}")]
    State {
        /// How far it is.
        state: HoldState,
    },
    /// A destruction of it was approved and cannot be stopped.
    #[error(
        "destruction {destruction} of it was approved and cannot be stopped; place the hold again in a moment, for what is left then"
    )]
    BeingDestroyed {
        /// The name of the destruction.
        destruction: String,
    },
    /// Others placed holds or approved destructions all the time.
    #[error("others placed holds or approved destructions at the same time; try again")]
    Overtaken,
    /// A part of the archive does not answer.
    #[error("the archive cannot change holds now: {0}")]
    Unavailable(Unavailable),
}

impl From<KeysError> for HoldError {
    fn from(error: KeysError) -> Self {
        Self::Unavailable(Unavailable::new("keys", error))
    }
}

impl From<Unavailable> for HoldError {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}
