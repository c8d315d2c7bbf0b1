//! Authorization codes of OAuth 2 (RFC 6749 §4.1) with their PKCE challenge (RFC 7636).

use super::people::actor;
use crate::{CatalogError, Database, Sql, Statement};
use yingdun_model::{ActorId, InstitutionId, Role, Timestamp};

/// A code that was given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// SHA-256 of the code.
    pub code_hash: [u8; 32],
    /// The client that may exchange it.
    pub client_id: ActorId,
    /// Where the person belongs.
    pub institution: InstitutionId,
    /// Who signed in.
    pub actor: ActorId,
    /// The role that was activated.
    pub role: Role,
    /// Where the code was sent; the exchange must name the same (RFC 6749 §4.1.3).
    pub redirect_uri: String,
    /// The PKCE challenge, method S256: SHA-256 of the verifier.
    pub challenge: [u8; 32],
    /// SHA-256 of the token of the session in which the person allowed the code.
    pub session_hash: [u8; 32],
    /// When it was given out.
    pub issued: Timestamp,
    /// From when on it is dead.
    pub expires: Timestamp,
    /// When it was used.
    pub used: Option<Timestamp>,
}

const INSERT: Sql = Sql::new(
    "INSERT INTO authorization_code (code_hash, client_id, institution, actor, role, redirect_uri, challenge, \
     session_hash, issued_ms, expires_ms, used_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL)",
);
const FIND: Sql = Sql::new(
    "SELECT code_hash, client_id, institution, actor, role, redirect_uri, challenge, session_hash, issued_ms, \
     expires_ms, used_ms FROM authorization_code WHERE code_hash = $1",
);
const SPEND: Sql =
    Sql::new("UPDATE authorization_code SET used_ms = $1 WHERE code_hash = $2 AND used_ms IS NULL");
const VOID: Sql = Sql::new("UPDATE authorization_code SET expires_ms = 0 WHERE code_hash = $1");
const CONFIRM: Sql =
    Sql::new("UPDATE authorization_code SET expires_ms = expires_ms WHERE code_hash = $1 AND expires_ms > 0");
const FORGET: Sql = Sql::new("DELETE FROM authorization_code WHERE expires_ms < $1");

/// Keeps a code.
#[must_use]
pub fn insert(code: &Code) -> Statement {
    Statement::new(
        INSERT,
        vec![
            code.code_hash.into(),
            (&code.client_id).into(),
            (&code.institution).into(),
            (&code.actor).into(),
            code.role.as_str().into(),
            code.redirect_uri.as_str().into(),
            code.challenge.into(),
            code.session_hash.into(),
            code.issued.into(),
            code.expires.into(),
        ],
    )
    .expecting(1)
}

/// The code with this hash, used, expired or fresh.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(database: &Database, code_hash: &[u8; 32]) -> Result<Option<Code>, CatalogError> {
    let rows = database.query(Statement::new(FIND, vec![code_hash.into()])).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Code {
        code_hash: row.get_array(0)?,
        client_id: actor(row, 1)?,
        institution: row.get_checked(2)?,
        actor: actor(row, 3)?,
        role: row.get_word(4)?,
        redirect_uri: row.get_text(5)?.to_owned(),
        challenge: row.get_array(6)?,
        session_hash: row.get_array(7)?,
        issued: row.get_timestamp(8)?,
        expires: row.get_timestamp(9)?,
        used: row.opt_i64(10)?.map(Timestamp::from_ms),
    }))
}

/// Spends a code. The transaction fails with [`CatalogError::UnexpectedRows`] when it was spent before, however
/// many try at the same time.
#[must_use]
pub fn spend(code_hash: &[u8; 32], now: Timestamp) -> Statement {
    Statement::new(SPEND, vec![now.into(), code_hash.into()]).expecting(1)
}

/// Makes a code worthless because it came twice, also for an exchange that is under way.
#[must_use]
pub fn void(code_hash: &[u8; 32]) -> Statement {
    Statement::new(VOID, vec![code_hash.into()])
}

/// Holds the opening of a session together with its code: the transaction fails with
/// [`CatalogError::UnexpectedRows`] when the code came a second time meanwhile.
#[must_use]
pub fn confirm(code_hash: &[u8; 32]) -> Statement {
    Statement::new(CONFIRM, vec![code_hash.into()]).expecting(1)
}

/// Deletes codes that expired before a moment.
#[must_use]
pub fn forget_expired(before: Timestamp) -> Statement {
    Statement::new(FORGET, vec![before.into()])
}
