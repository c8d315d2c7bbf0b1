//! Passkeys of people, and the challenge that is open in a session.
//!
//! A credential belongs to one account of all institutions. A challenge lies in the row of its session: there is one at a time, and of two
//! answers that come at the same time, at whatever nodes, one finds it.

use crate::{CatalogError, Database, Row, Sql, Statement};
use std::str::FromStr;
use yingdun_model::{ActorId, InstitutionId, Timestamp};

/// A passkey of a person.
#[derive(Clone, PartialEq, Eq)]
pub struct Passkey {
    /// A digest of the credential.
    pub credential_hash: [u8; 32],
    /// Credential, public key and name, as the room above sealed them.
    pub sealed: Vec<u8>,
    /// How often it has signed, as its authenticator said the last time.
    pub sign_count: u32,
    /// When it was made.
    pub created: Timestamp,
    /// When it was used last.
    pub last_used: Option<Timestamp>,
}

/// Shows how it stands, not what is sealed.
impl std::fmt::Debug for Passkey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passkey")
            .field("sign_count", &self.sign_count)
            .field("created", &self.created)
            .field("last_used", &self.last_used)
            .finish_non_exhaustive()
    }
}

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceremony {
    /// A new passkey.
    Register,
    /// The proof of one that is there.
    Prove,
}

impl Ceremony {
    /// The word in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Prove => "prove",
        }
    }
}

impl FromStr for Ceremony {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Register, Self::Prove].into_iter().find(|ceremony| ceremony.as_str() == word).ok_or(())
    }
}

/// The challenge that is open in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// What it is for.
    pub ceremony: Ceremony,
    /// Its SHA-256.
    pub hash: [u8; 32],
    /// From when on no answer counts.
    pub until: Timestamp,
}

const OF_ACCOUNT: Sql = Sql::new(
    "SELECT credential_hash, sealed, sign_count, created_ms, last_used_ms FROM passkey \
     WHERE institution = $1 AND actor = $2 ORDER BY created_ms, credential_hash",
);
const INSERT: Sql = Sql::new(
    "INSERT INTO passkey (institution, actor, credential_hash, sealed, sign_count, created_ms, last_used_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, NULL)",
);
/// The count is compared and set: of two proofs with one count, one is refused, unless the authenticator does not count.
const USE: Sql = Sql::new(
    "UPDATE passkey SET sign_count = $1, last_used_ms = $2 \
     WHERE institution = $3 AND actor = $4 AND credential_hash = $5 AND sign_count = $6",
);
const REMOVE: Sql =
    Sql::new("DELETE FROM passkey WHERE institution = $1 AND actor = $2 AND credential_hash = $3");
const REMOVE_ALL: Sql = Sql::new("DELETE FROM passkey WHERE institution = $1 AND actor = $2");
const ASK: Sql = Sql::new(
    "UPDATE session SET passkey_ceremony = $1, passkey_challenge = $2, passkey_until_ms = $3 \
     WHERE token_hash = $4 AND revoked_ms IS NULL",
);
const ASKED: Sql = Sql::new(
    "SELECT passkey_ceremony, passkey_challenge, passkey_until_ms FROM session \
     WHERE token_hash = $1 AND passkey_challenge IS NOT NULL",
);
const ANSWER: Sql = Sql::new(
    "UPDATE session SET passkey_ceremony = NULL, passkey_challenge = NULL, passkey_until_ms = NULL \
     WHERE token_hash = $1 AND passkey_ceremony = $2 AND passkey_challenge = $3 AND passkey_until_ms > $4",
);

/// The passkeys of an account, the oldest first.
///
/// # Errors
/// As [`Database::query`].
pub async fn of_account(
    database: &Database,
    institution: &InstitutionId,
    actor: &ActorId,
) -> Result<Vec<Passkey>, CatalogError> {
    let rows = database.query(Statement::new(OF_ACCOUNT, vec![institution.into(), actor.into()])).await?;
    rows.iter().map(read).collect()
}

/// Keeps a new passkey. The transaction fails with [`CatalogError::Constraint`] when the credential belongs to somebody already.
#[must_use]
pub fn insert(institution: &InstitutionId, actor: &ActorId, passkey: &Passkey) -> Statement {
    let values = vec![
        institution.into(),
        actor.into(),
        passkey.credential_hash.into(),
        passkey.sealed.as_slice().into(),
        i64::from(passkey.sign_count).into(),
        passkey.created.into(),
    ];
    Statement::new(INSERT, values).expecting(1)
}

/// Uses a passkey as it was found, and keeps how often it has signed now. The transaction fails with [`CatalogError::UnexpectedRows`] when it was
/// used or removed meanwhile.
#[must_use]
pub fn use_passkey(
    institution: &InstitutionId,
    actor: &ActorId,
    found: &Passkey,
    sign_count: u32,
    now: Timestamp,
) -> Statement {
    let values = vec![
        i64::from(sign_count).into(),
        now.into(),
        institution.into(),
        actor.into(),
        found.credential_hash.into(),
        i64::from(found.sign_count).into(),
    ];
    Statement::new(USE, values).expecting(1)
}

/// Removes a passkey. The transaction fails with [`CatalogError::UnexpectedRows`] when it is gone.
#[must_use]
pub fn remove(institution: &InstitutionId, actor: &ActorId, credential_hash: &[u8; 32]) -> Statement {
    Statement::new(REMOVE, vec![institution.into(), actor.into(), credential_hash.into()]).expecting(1)
}

/// Removes every passkey of an account.
#[must_use]
pub fn remove_all(institution: &InstitutionId, actor: &ActorId) -> Statement {
    Statement::new(REMOVE_ALL, vec![institution.into(), actor.into()])
}

/// Opens a challenge in a session, in the place of the one before. The transaction fails with [`CatalogError::UnexpectedRows`] when the session
/// was revoked.
#[must_use]
pub fn ask(token_hash: &[u8; 32], challenge: &Challenge) -> Statement {
    let values = vec![
        challenge.ceremony.as_str().into(),
        challenge.hash.into(),
        challenge.until.into(),
        token_hash.into(),
    ];
    Statement::new(ASK, values).expecting(1)
}

/// The challenge that is open in a session, also one whose time is over.
///
/// # Errors
/// As [`Database::query`].
pub async fn asked(database: &Database, token_hash: &[u8; 32]) -> Result<Option<Challenge>, CatalogError> {
    let rows = database.query(Statement::new(ASKED, vec![token_hash.into()])).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Challenge { ceremony: row.get_word(0)?, hash: row.get_array(1)?, until: row.get_timestamp(2)? }))
}

/// Closes a challenge that was answered. The transaction fails with [`CatalogError::UnexpectedRows`] when it was answered before, another one
/// took its place, or its time is over.
#[must_use]
pub fn answer(token_hash: &[u8; 32], challenge: &Challenge, now: Timestamp) -> Statement {
    let values =
        vec![token_hash.into(), challenge.ceremony.as_str().into(), challenge.hash.into(), now.into()];
    Statement::new(ANSWER, values).expecting(1)
}

// === helpers ===

fn read(row: &Row) -> Result<Passkey, CatalogError> {
    let count = row.get_i64(2)?;
    let corrupt = |_| CatalogError::Corrupt("the count of a passkey".to_owned());
    Ok(Passkey {
        credential_hash: row.get_array(0)?,
        sealed: row.get_bytes(1)?.to_vec(),
        sign_count: u32::try_from(count).map_err(corrupt)?,
        created: row.get_timestamp(3)?,
        last_used: row.opt_i64(4)?.map(Timestamp::from_ms),
    })
}
