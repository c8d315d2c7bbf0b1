//! Secrets that an institution needs beside its study keys, and the row that proves the root key.

use crate::{CatalogError, Database, Row, Sql, Statement};
use yingdun_model::{InstitutionId, Timestamp};

const FIND: Sql = Sql::new("SELECT wrapped FROM institution_secret WHERE institution = $1 AND name = $2");
const INSERT: Sql = Sql::new(
    "INSERT INTO institution_secret (institution, name, wrapped, created_ms) VALUES ($1, $2, $3, $4)",
);
const ALL: Sql =
    Sql::new("SELECT institution, name, wrapped FROM institution_secret ORDER BY institution, name");
const REPLACE: Sql = Sql::new(
    "UPDATE institution_secret SET wrapped = $1 WHERE institution = $2 AND name = $3 AND wrapped = $4",
);
const FIND_ROOT_CHECK: Sql = Sql::new("SELECT wrapped FROM root_check WHERE id = 1");
const INSERT_ROOT_CHECK: Sql =
    Sql::new("INSERT INTO root_check (id, wrapped, created_ms) VALUES (1, $1, $2)");
const REPLACE_ROOT_CHECK: Sql = Sql::new("UPDATE root_check SET wrapped = $1 WHERE id = 1 AND wrapped = $2");

/// A secret as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSecret {
    /// Whose it is.
    pub institution: InstitutionId,
    /// Its name.
    pub name: String,
    /// The wrapped secret.
    pub wrapped: Vec<u8>,
}

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

/// Every secret of every institution: a few each.
///
/// # Errors
/// As [`Database::query`].
pub async fn all(database: &Database) -> Result<Vec<KeptSecret>, CatalogError> {
    let rows = database.query(Statement::new(ALL, Vec::new())).await?;
    let kept = |row: &Row| {
        let (name, wrapped) = (row.get_text(1)?.to_owned(), row.get_bytes(2)?.to_vec());
        Ok(KeptSecret { institution: row.get_checked(0)?, name, wrapped })
    };
    rows.iter().map(kept).collect()
}

/// Replaces the wrap of a secret. The transaction fails with [`CatalogError::UnexpectedRows`] when it is not wrapped as it was read.
#[must_use]
pub fn replace(kept: &KeptSecret, wrapped: &[u8]) -> Statement {
    let KeptSecret { institution, name, wrapped: before } = kept;
    let values = vec![wrapped.into(), institution.into(), name.as_str().into(), before.as_slice().into()];
    Statement::new(REPLACE, values).expecting(1)
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

/// Replaces the wrap of that key: the database belongs to another root key then. The transaction fails with
/// [`CatalogError::UnexpectedRows`] when it is not wrapped as it was read.
#[must_use]
pub fn replace_root_check(before: &[u8], wrapped: &[u8]) -> Statement {
    Statement::new(REPLACE_ROOT_CHECK, vec![wrapped.into(), before.into()]).expecting(1)
}
