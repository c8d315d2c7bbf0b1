//! Samples of the audit log that somebody read and marked as reviewed: by whom, when, and by which digest the sample is found again.
//!
//! What was drawn and what was written about it is sealed by the room above. A row gives no right.

use super::people::actor;
use crate::{CatalogError, Database, Row, Sql, Statement};
use yingdun_model::{ActorId, InstitutionId, Timestamp};

/// A sample that was reviewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReviewRow {
    /// Its number, drawn by chance, by which leaves name it.
    pub number: u64,
    /// Who reviewed it.
    pub by: ActorId,
    /// When.
    pub at: Timestamp,
    /// SHA-256 of the sample, which the leaf has as well.
    pub sample: [u8; 32],
    /// The sample and the words, sealed.
    pub sealed: Vec<u8>,
}

const INSERT: Sql = Sql::new(
    "INSERT INTO audit_review (institution, number, reviewed_by, reviewed_ms, sample, sealed) VALUES ($1, $2, $3, $4, $5, $6)",
);
const LIST: Sql = Sql::new(
    "SELECT number, reviewed_by, reviewed_ms, sample, sealed FROM audit_review WHERE institution = $1 \
     ORDER BY reviewed_ms DESC, number LIMIT $2",
);
const LIST_OF: Sql = Sql::new(
    "SELECT number, reviewed_by, reviewed_ms, sample, sealed FROM audit_review WHERE institution = $1 AND sample = $2 \
     ORDER BY reviewed_ms DESC, number LIMIT $3",
);

/// Keeps a review. A number that is taken is a [`CatalogError::Constraint`].
#[must_use]
pub fn insert(institution: &InstitutionId, row: &AuditReviewRow) -> Statement {
    // Numbers are drawn below 2^53.
    let number = i64::try_from(row.number).unwrap_or(-1);
    let values = vec![
        institution.into(),
        number.into(),
        (&row.by).into(),
        row.at.into(),
        row.sample.to_vec().into(),
        row.sealed.clone().into(),
    ];
    Statement::new(INSERT, values).expecting(1)
}

/// Reviews, the newest first; only those of one sample, where its digest is given.
///
/// # Errors
/// As [`Database::query`].
pub async fn list(
    database: &Database,
    institution: &InstitutionId,
    sample: Option<[u8; 32]>,
    limit: u32,
) -> Result<Vec<AuditReviewRow>, CatalogError> {
    let statement = match sample {
        None => Statement::new(LIST, vec![institution.into(), limit.into()]),
        Some(sample) => {
            Statement::new(LIST_OF, vec![institution.into(), sample.to_vec().into(), limit.into()])
        }
    };
    database.query(statement).await?.iter().map(row_of).collect()
}

// === rows ===

fn row_of(row: &Row) -> Result<AuditReviewRow, CatalogError> {
    Ok(AuditReviewRow {
        number: row.get_number(0)?,
        by: actor(row, 1)?,
        at: row.get_timestamp(2)?,
        sample: row.get_array(3)?,
        sealed: row.get_bytes(4)?.to_vec(),
    })
}
