//! Failed attempts at people of another directory who have no account here yet.

use super::people::failures;
use crate::{CatalogError, Database, Sql, Statement};
use yingdun_model::{InstitutionId, Timestamp};

/// How often it failed, from wherever, and until when nobody tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// Failed attempts in a row.
    pub failures: u32,
    /// Until when no password is tried.
    pub wait_until: Timestamp,
}

const FIND: Sql = Sql::new(
    "SELECT failures, wait_until_ms FROM directory_attempt WHERE institution = $1 AND subject_hash = $2",
);
const INSERT: Sql = Sql::new(
    "INSERT INTO directory_attempt (institution, subject_hash, failures, wait_until_ms) VALUES ($1, $2, $3, $4)",
);
const REPLACE: Sql = Sql::new(
    "UPDATE directory_attempt SET failures = $1, wait_until_ms = $2 \
     WHERE institution = $3 AND subject_hash = $4 AND failures = $5 AND wait_until_ms = $6",
);
const FORGET: Sql = Sql::new("DELETE FROM directory_attempt WHERE institution = $1 AND subject_hash = $2");
const FORGET_BEFORE: Sql = Sql::new("DELETE FROM directory_attempt WHERE wait_until_ms < $1");

/// What is known of somebody.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    subject_hash: &[u8; 32],
) -> Result<Option<Attempts>, CatalogError> {
    let rows = database.query(Statement::new(FIND, vec![institution.into(), subject_hash.into()])).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Attempts { failures: failures(row, 0)?, wait_until: row.get_timestamp(1)? }))
}

/// Changes the count from what was found. The transaction fails with [`CatalogError::Constraint`] or
/// [`CatalogError::UnexpectedRows`] when it is another one by now, so that attempts made at the same time cannot share one count.
#[must_use]
pub fn replace(
    institution: &InstitutionId,
    subject_hash: &[u8; 32],
    old: Option<Attempts>,
    new: Attempts,
) -> Statement {
    let change = match old {
        None => Statement::new(
            INSERT,
            vec![institution.into(), subject_hash.into(), new.failures.into(), new.wait_until.into()],
        ),
        Some(old) => Statement::new(
            REPLACE,
            vec![
                new.failures.into(),
                new.wait_until.into(),
                institution.into(),
                subject_hash.into(),
                old.failures.into(),
                old.wait_until.into(),
            ],
        ),
    };
    change.expecting(1)
}

/// Forgets somebody who proved to be there.
#[must_use]
pub fn forget(institution: &InstitutionId, subject_hash: &[u8; 32]) -> Statement {
    Statement::new(FORGET, vec![institution.into(), subject_hash.into()])
}

/// Deletes what waits no longer since a moment.
#[must_use]
pub fn forget_before(before: Timestamp) -> Statement {
    Statement::new(FORGET_BEFORE, vec![before.into()])
}
