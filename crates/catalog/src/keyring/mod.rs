//! Wrapped keys: institution secrets, key-encryption keys and their epochs, which node has which, patient and study keys; the job that wraps them
//! again; what was destroyed of them, and what must not be; and the audit logs whose signing keys are among the secrets.
//!
//! One file per noun. Nothing here can be opened without the key above it, and the topmost key is not in any
//! database. Functions read rows into plain values, or give the [`Statement`](crate::Statement) of one change, so
//! that the room of keys composes changes that belong together into one transaction.

pub mod destructions;
pub mod epoch_nodes;
pub mod epochs;
pub mod holds;
pub mod keks;
pub mod logs;
pub(crate) mod migrations;
pub mod patient_keys;
pub mod rewrap_jobs;
pub mod secrets;
pub mod study_keys;

use crate::Value;
use yingdun_model::{Grade, InstitutionId};

/// What a key-encryption key belongs to: an institution, a grade and an algorithm suite.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KekLine {
    /// Whose keys it wraps.
    pub institution: InstitutionId,
    /// The grade of the studies whose keys it wraps.
    pub grade: Grade,
    /// The word of the algorithm suite.
    pub suite: String,
}

/// A count as a column. No count of ours comes near 2^63.
fn number(count: u64) -> Value {
    i64::try_from(count).unwrap_or(i64::MAX).into()
}
