//! The audit logs of an institution: one for each node, each under a name of its own.
//!
//! The database is shared and the logs are not, so this is where a node learns which logs there are, and where two folders that
//! claim one name meet.

use crate::{CatalogError, Database, Row, Sql, Statement};
use yingdun_model::{InstitutionId, Timestamp};

/// The number of the log that an institution began with.
const FIRST: u32 = 1;

/// An audit log as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLog {
    /// Its name: the origin of its checkpoints.
    pub origin: String,
    /// Which one of the institution it is, from 1.
    pub number: u32,
    /// The hash of its first leaf, by which its folder is recognised; none until it has one.
    pub first_leaf: Option<[u8; 32]>,
    /// When it was entered here.
    pub entered: Timestamp,
}

impl AuditLog {
    /// Whether it is the one that the institution began with.
    #[must_use]
    pub const fn is_first(&self) -> bool {
        self.number == FIRST
    }
}

const ALL: Sql = Sql::new(
    "SELECT origin, number, first_leaf, created_ms FROM audit_log WHERE institution = $1 ORDER BY number",
);
const INSERT: Sql = Sql::new(
    "INSERT INTO audit_log (institution, origin, number, first_leaf, created_ms) \
     VALUES ($1, $2, (SELECT COALESCE(max(number), 0) + 1 FROM audit_log WHERE institution = $3), NULL, $4)",
);
const INSERT_FIRST: Sql = Sql::new(
    "INSERT INTO audit_log (institution, origin, number, first_leaf, created_ms) VALUES ($1, $2, 1, NULL, $3) \
     ON CONFLICT DO NOTHING",
);
const RECOGNISE: Sql = Sql::new(
    "UPDATE audit_log SET first_leaf = $1 WHERE institution = $2 AND origin = $3 AND first_leaf IS NULL",
);

/// Every log of an institution, the oldest first.
///
/// # Errors
/// As [`Database::query`].
pub async fn all(database: &Database, institution: &InstitutionId) -> Result<Vec<AuditLog>, CatalogError> {
    let rows = database.query(Statement::new(ALL, vec![institution.into()])).await?;
    rows.iter().map(log).collect()
}

/// Enters one more log. The transaction fails with [`CatalogError::Constraint`] when there is one of this name, or another one is entered
/// at the same moment.
#[must_use]
pub fn insert(institution: &InstitutionId, origin: &str, now: Timestamp) -> Statement {
    let values = vec![institution.into(), origin.into(), institution.into(), now.into()];
    Statement::new(INSERT, values).expecting(1)
}

/// Enters the first log of an institution that has none; does nothing where it has one.
#[must_use]
pub fn insert_first(institution: &InstitutionId, origin: &str, now: Timestamp) -> Statement {
    Statement::new(INSERT_FIRST, vec![institution.into(), origin.into(), now.into()])
}

/// Says by which first leaf a log is recognised, where nobody has said so.
#[must_use]
pub fn recognise(institution: &InstitutionId, origin: &str, first_leaf: &[u8; 32]) -> Statement {
    Statement::new(RECOGNISE, vec![first_leaf.as_slice().into(), institution.into(), origin.into()])
}

fn log(row: &Row) -> Result<AuditLog, CatalogError> {
    let first_leaf = row.opt_bytes(2)?.map(<[u8; 32]>::try_from).transpose();
    let unfit = |_| CatalogError::Corrupt("the hash of a first leaf has 32 bytes, others came".to_owned());
    Ok(AuditLog {
        origin: row.get_text(0)?.to_owned(),
        number: row.get_number(1)?,
        first_leaf: first_leaf.map_err(unfit)?,
        entered: row.get_timestamp(3)?,
    })
}
