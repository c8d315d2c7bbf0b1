//! One-time links: invitations, which set a password, and login links, which open a session. Only the hash of
//! a link is kept, and a link works once.

use super::people::actor;
use crate::{CatalogError, Database, Sql, Statement};
use std::str::FromStr;
use yingdun_model::{ActorId, InstitutionId, Role, Timestamp};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// The person sets a password.
    Invitation,
    /// The person is signed in with one role.
    Login,
}

impl LinkPurpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Login => "login",
        }
    }
}

impl FromStr for LinkPurpose {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "invitation" => Ok(Self::Invitation),
            "login" => Ok(Self::Login),
            _ => Err(()),
        }
    }
}

/// A link that was given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// SHA-256 of the link's token.
    pub token_hash: [u8; 32],
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Where the person belongs.
    pub institution: InstitutionId,
    /// Whom it is for.
    pub actor: ActorId,
    /// The role that a login link activates.
    pub role: Option<Role>,
    /// When it was given out.
    pub issued: Timestamp,
    /// From when on it is dead.
    pub expires: Timestamp,
    /// When it was used.
    pub used: Option<Timestamp>,
}

const INSERT: Sql = Sql::new(
    "INSERT INTO one_time_link (token_hash, purpose, institution, actor, role, issued_ms, expires_ms, used_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, NULL)",
);
const FIND: Sql = Sql::new(
    "SELECT token_hash, purpose, institution, actor, role, issued_ms, expires_ms, used_ms \
     FROM one_time_link WHERE token_hash = $1",
);
const SPEND: Sql = Sql::new(
    "UPDATE one_time_link SET used_ms = $1 WHERE token_hash = $2 AND used_ms IS NULL AND expires_ms > $3",
);
const WITHDRAW: Sql = Sql::new(
    "UPDATE one_time_link SET expires_ms = $1 WHERE institution = $2 AND actor = $3 AND used_ms IS NULL AND expires_ms > $4",
);
const FORGET: Sql = Sql::new("DELETE FROM one_time_link WHERE expires_ms < $1");

/// Keeps a link.
#[must_use]
pub fn insert(link: &Link) -> Statement {
    Statement::new(
        INSERT,
        vec![
            link.token_hash.into(),
            link.purpose.as_str().into(),
            (&link.institution).into(),
            (&link.actor).into(),
            link.role.map(Role::as_str).into(),
            link.issued.into(),
            link.expires.into(),
        ],
    )
    .expecting(1)
}

/// The link with this hash, used, expired or fresh.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(database: &Database, token_hash: &[u8; 32]) -> Result<Option<Link>, CatalogError> {
    let rows = database.query(Statement::new(FIND, vec![token_hash.into()])).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Link {
        token_hash: row.get_array(0)?,
        purpose: row.get_word(1)?,
        institution: row.get_checked(2)?,
        actor: actor(row, 3)?,
        role: row.opt_text(4)?.map(|_| row.get_word(4)).transpose()?,
        issued: row.get_timestamp(5)?,
        expires: row.get_timestamp(6)?,
        used: row.opt_i64(7)?.map(Timestamp::from_ms),
    }))
}

/// Spends a link. The transaction fails with [`CatalogError::UnexpectedRows`] when it was spent before or has
/// expired, however many try at the same time.
#[must_use]
pub fn spend(token_hash: &[u8; 32], now: Timestamp) -> Statement {
    Statement::new(SPEND, vec![now.into(), token_hash.into(), now.into()]).expecting(1)
}

/// Lets every unused link of a person expire now.
#[must_use]
pub fn withdraw(institution: &InstitutionId, actor: &ActorId, now: Timestamp) -> Statement {
    Statement::new(WITHDRAW, vec![now.into(), institution.into(), actor.into(), now.into()])
}

/// Deletes links that expired before a moment.
#[must_use]
pub fn forget_expired(before: Timestamp) -> Statement {
    Statement::new(FORGET, vec![before.into()])
}
