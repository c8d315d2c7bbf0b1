//! Secrets that an institution needs beside its study keys, and the row that proves the root key.

use crate::{CatalogError, Database, Sql, Statement};
use yingdun_model::{InstitutionId, Timestamp};

const FIND: Sql = Sql::new("SELECT wrapped FROM institution_secret WHERE institution = $1 AND name = $2");
const INSERT: Sql = Sql::new(
    "INSERT INTO institution_secret (institution, name, wrapped, created_ms) VALUES ($1, $2, $3, $4)",
);
const FIND_ROOT_CHECK: Sql = Sql::new("SELECT wrapped FROM root_check WHERE id = 1");
const INSERT_ROOT_CHECK: Sql =
    Sql::new("INSERT INTO root_check (id, wrapped, created_ms) VALUES (1, $1, $2)");

/// The wrapped secret of this name.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    name: &str,
) -> Result<Option<Vec<u8>>, CatalogError> {
    let rows = database.query(Statement::new(FIND, vec![institution.into(), name.into()])).await?;
    rows.first().map(|row| row.get_bytes(0).map(<[u8]>::to_vec)).transpose()
}

/// Keeps a secret. The transaction fails with [`CatalogError::Constraint`] when there is one of this name.
#[must_use]
pub fn insert(institution: &InstitutionId, name: &str, wrapped: &[u8], now: Timestamp) -> Statement {
    Statement::new(INSERT, vec![institution.into(), name.into(), wrapped.into(), now.into()]).expecting(1)
}

/// The wrapped key by which the root key is recognised.
///
/// # Errors
/// As [`Database::query`].
pub async fn root_check(database: &Database) -> Result<Option<Vec<u8>>, CatalogError> {
    let rows = database.query(Statement::new(FIND_ROOT_CHECK, Vec::new())).await?;
    rows.first().map(|row| row.get_bytes(0).map(<[u8]>::to_vec)).transpose()
}

/// Keeps the key by which the root key is recognised; once in the life of a database.
#[must_use]
pub fn insert_root_check(wrapped: &[u8], now: Timestamp) -> Statement {
    Statement::new(INSERT_ROOT_CHECK, vec![wrapped.into(), now.into()]).expecting(1)
}
