//! The epochs under whose keys key-encryption keys are wrapped. Their keys are in no database; here stands which there are, and by
//! what each is recognised.

use crate::{CatalogError, Database, Sql, Statement};
use yingdun_model::Timestamp;

const ALL: Sql = Sql::new("SELECT epoch, proof FROM key_epoch ORDER BY epoch");
const INSERT: Sql = Sql::new("INSERT INTO key_epoch (epoch, proof, created_ms) VALUES ($1, $2, $3)");
const DELETE: Sql = Sql::new("DELETE FROM key_epoch WHERE epoch = $1");

/// Every epoch with the wrapped key by which it is recognised, the oldest first: one, or two while the newer takes over.
///
/// # Errors
/// As [`Database::query`].
pub async fn all(database: &Database) -> Result<Vec<(u64, Vec<u8>)>, CatalogError> {
    let rows = database.query(Statement::new(ALL, Vec::new())).await?;
    rows.iter().map(|row| Ok((row.get_number(0)?, row.get_bytes(1)?.to_vec()))).collect()
}

/// Keeps an epoch. The transaction fails with [`CatalogError::Constraint`] when there is one of this number.
#[must_use]
pub fn insert(epoch: u64, proof: &[u8], now: Timestamp) -> Statement {
    Statement::new(INSERT, vec![super::number(epoch), proof.into(), now.into()]).expecting(1)
}

/// Forgets an epoch. The transaction fails with [`CatalogError::Constraint`] as long as a key-encryption key is wrapped under it,
/// and with [`CatalogError::UnexpectedRows`] when it is gone.
#[must_use]
pub fn delete(epoch: u64) -> Statement {
    Statement::new(DELETE, vec![super::number(epoch)]).expecting(1)
}
