//! The first hour of an installation in a browser: one row for each institution, with the address that was given out, the browser that
//! opened it, and when the officers were named. Only hashes of the address and of the browser's secret are kept.

use super::people::actor;
use crate::{CatalogError, Database, Sql, Statement};
use yingdun_model::{ActorId, InstitutionId, Timestamp};

/// How far the first hour is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// SHA-256 of what the address ends in.
    pub token_hash: [u8; 32],
    /// From when on the address is dead.
    pub expires: Timestamp,
    /// When it was opened; it is dead from then on.
    pub opened: Option<Timestamp>,
    /// SHA-256 of the secret of the browser that opened it.
    pub browser_hash: Option<[u8; 32]>,
    /// Until when that browser may go on.
    pub browser_until: Option<Timestamp>,
    /// The officers, in the order system, security, audit, once they are named.
    pub officers: Option<[ActorId; 3]>,
}

const FIND: Sql = Sql::new(
    "SELECT token_hash, expires_ms, opened_ms, browser_hash, browser_until_ms, \
     system_officer, security_officer, audit_officer FROM setup WHERE institution = $1",
);
const OFFER: Sql = Sql::new(
    "INSERT INTO setup (institution, token_hash, expires_ms, opened_ms, browser_hash, browser_until_ms, founded_ms) \
     VALUES ($1, $2, $3, NULL, NULL, NULL, NULL) ON CONFLICT (institution) DO UPDATE SET token_hash = $2, expires_ms = $3, \
     opened_ms = NULL, browser_hash = NULL, browser_until_ms = NULL",
);
const OPEN: Sql = Sql::new(
    "UPDATE setup SET opened_ms = $1, browser_hash = $2, browser_until_ms = $3 \
     WHERE institution = $4 AND token_hash = $5 AND opened_ms IS NULL AND expires_ms > $1",
);
/// The guard sits in the statement, so that of two browsers or nodes only one names officers.
const FOUND: Sql = Sql::new(
    "UPDATE setup SET founded_ms = $1, system_officer = $4, security_officer = $5, audit_officer = $6 \
     WHERE institution = $2 AND browser_hash = $3 AND browser_until_ms > $1 AND founded_ms IS NULL",
);
const CONFIRM: Sql = Sql::new(
    "UPDATE setup SET founded_ms = founded_ms \
     WHERE institution = $1 AND browser_hash = $2 AND browser_until_ms > $3 AND founded_ms IS NOT NULL",
);
const LEAVE: Sql = Sql::new(
    "UPDATE setup SET browser_hash = NULL, browser_until_ms = NULL WHERE institution = $1 AND browser_hash = $2",
);

const CLOSE: Sql = Sql::new(
    "UPDATE setup SET opened_ms = COALESCE(opened_ms, expires_ms), browser_hash = NULL, browser_until_ms = NULL",
);

/// The row of an institution.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(database: &Database, institution: &InstitutionId) -> Result<Option<Setup>, CatalogError> {
    let rows = database.query(Statement::new(FIND, vec![institution.into()])).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Setup {
        token_hash: row.get_array(0)?,
        expires: row.get_timestamp(1)?,
        opened: row.opt_i64(2)?.map(Timestamp::from_ms),
        browser_hash: row.opt_bytes(3)?.map(|_| row.get_array(3)).transpose()?,
        browser_until: row.opt_i64(4)?.map(Timestamp::from_ms),
        officers: row
            .opt_text(5)?
            .map(|_| Ok([actor(row, 5)?, actor(row, 6)?, actor(row, 7)?]))
            .transpose()?,
    }))
}

/// Keeps an address; an older one, and the browser that opened it, are dead from then on.
#[must_use]
pub fn offer(institution: &InstitutionId, token_hash: &[u8; 32], expires: Timestamp) -> Statement {
    Statement::new(OFFER, vec![institution.into(), token_hash.into(), expires.into()]).expecting(1)
}

/// Spends the address. The transaction fails with [`CatalogError::UnexpectedRows`] when it was spent before or has expired, however
/// many try at the same time.
#[must_use]
pub fn open(
    institution: &InstitutionId,
    token_hash: &[u8; 32],
    browser_hash: &[u8; 32],
    now: Timestamp,
    until: Timestamp,
) -> Statement {
    let values = vec![now.into(), browser_hash.into(), until.into(), institution.into(), token_hash.into()];
    Statement::new(OPEN, values).expecting(1)
}

/// Says that the officers are named now, by this browser. The transaction fails when they were before.
#[must_use]
pub fn found(
    institution: &InstitutionId,
    browser_hash: &[u8; 32],
    officers: [&ActorId; 3],
    now: Timestamp,
) -> Statement {
    let mut values = vec![now.into(), institution.into(), browser_hash.into()];
    values.extend(officers.map(Into::into));
    Statement::new(FOUND, values).expecting(1)
}

/// Fails the transaction unless this browser may go on behind the naming of the officers.
#[must_use]
pub fn confirm(institution: &InstitutionId, browser_hash: &[u8; 32], now: Timestamp) -> Statement {
    Statement::new(CONFIRM, vec![institution.into(), browser_hash.into(), now.into()]).expecting(1)
}

/// Lets every address and every browser go: what was open when a snapshot was taken must not be open behind it.
#[must_use]
pub fn close() -> Statement {
    Statement::new(CLOSE, Vec::new())
}

/// Lets this browser go.
#[must_use]
pub fn leave(institution: &InstitutionId, browser_hash: &[u8; 32]) -> Statement {
    Statement::new(LEAVE, vec![institution.into(), browser_hash.into()]).expecting(1)
}
