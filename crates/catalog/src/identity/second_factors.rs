//! Second factors of people: the sealed secret that makes one-time codes, the last step that was used, and recovery codes.
//!
//! A step or a recovery code works once, at whatever node it comes: each is a row that is compared and set.

use crate::{CatalogError, Database, Sql, Statement};
use yingdun_model::{ActorId, InstitutionId, Timestamp};

/// The second factor of a person.
#[derive(Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// The secret, as the room above sealed it.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
    /// When its first code proved that the person has it; none before.
    pub confirmed: Option<Timestamp>,
    /// The last time step whose code was used.
    pub last_step: i64,
}

/// Shows how it stands, not what is sealed.
impl std::fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondFactor")
            .field("created", &self.created)
            .field("confirmed", &self.confirmed)
            .field("last_step", &self.last_step)
            .finish_non_exhaustive()
    }
}

const FIND: Sql = Sql::new(
    "SELECT sealed, created_ms, confirmed_ms, last_step FROM second_factor WHERE institution = $1 AND actor = $2",
);
const HOLDERS: Sql = Sql::new(
    "SELECT actor FROM second_factor WHERE institution = $1 AND confirmed_ms IS NOT NULL \
     UNION SELECT actor FROM passkey WHERE institution = $1 ORDER BY actor",
);
const HELD: Sql = Sql::new(
    "SELECT (SELECT COUNT(*) FROM second_factor WHERE institution = $1 AND actor = $2 AND confirmed_ms IS NOT NULL), \
       (SELECT COUNT(*) FROM passkey WHERE institution = $1 AND actor = $2)",
);
/// One that was begun and not confirmed gives way to the next; a confirmed one stays.
const BEGIN: Sql = Sql::new(
    "INSERT INTO second_factor (institution, actor, sealed, created_ms, confirmed_ms, last_step) \
     VALUES ($1, $2, $3, $4, NULL, 0) \
     ON CONFLICT (institution, actor) DO UPDATE SET sealed = excluded.sealed, created_ms = excluded.created_ms, \
       last_step = 0 WHERE second_factor.confirmed_ms IS NULL",
);
const CONFIRM: Sql = Sql::new(
    "UPDATE second_factor SET confirmed_ms = $1, last_step = $2 \
     WHERE institution = $3 AND actor = $4 AND sealed = $5 AND confirmed_ms IS NULL",
);
const USE_STEP: Sql = Sql::new(
    "UPDATE second_factor SET last_step = $1 \
     WHERE institution = $2 AND actor = $3 AND confirmed_ms IS NOT NULL AND last_step < $4",
);
const REMOVE: Sql = Sql::new("DELETE FROM second_factor WHERE institution = $1 AND actor = $2");
const FORGET_BEGUN: Sql =
    Sql::new("DELETE FROM second_factor WHERE institution = $1 AND actor = $2 AND confirmed_ms IS NULL");
const INSERT_CODE: Sql =
    Sql::new("INSERT INTO recovery_code (institution, actor, code_hash, used_ms) VALUES ($1, $2, $3, NULL)");
const SPEND_CODE: Sql = Sql::new(
    "UPDATE recovery_code SET used_ms = $1 \
     WHERE institution = $2 AND actor = $3 AND code_hash = $4 AND used_ms IS NULL",
);
const CODES_LEFT: Sql =
    Sql::new("SELECT COUNT(*) FROM recovery_code WHERE institution = $1 AND actor = $2 AND used_ms IS NULL");
const CODE_USED: Sql =
    Sql::new("SELECT used_ms FROM recovery_code WHERE institution = $1 AND actor = $2 AND code_hash = $3");
const REMOVE_CODES: Sql = Sql::new("DELETE FROM recovery_code WHERE institution = $1 AND actor = $2");

/// The second factor of a person, confirmed or only begun.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    actor: &ActorId,
) -> Result<Option<SecondFactor>, CatalogError> {
    let rows = database.query(Statement::new(FIND, vec![institution.into(), actor.into()])).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(SecondFactor {
        sealed: row.get_bytes(0)?.to_vec(),
        created: row.get_timestamp(1)?,
        confirmed: row.opt_i64(2)?.map(Timestamp::from_ms),
        last_step: row.get_i64(3)?,
    }))
}

/// What a person has to prove who is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Whether there is a secret that makes codes, and its first code has come.
    pub codes: bool,
    /// How many passkeys there are.
    pub passkeys: i64,
}

impl Held {
    /// Whether there is anything.
    #[must_use]
    pub const fn any(self) -> bool {
        self.codes || self.passkeys > 0
    }
}

/// What a person has to prove who is there.
///
/// # Errors
/// As [`Database::query`].
pub async fn held(
    database: &Database,
    institution: &InstitutionId,
    actor: &ActorId,
) -> Result<Held, CatalogError> {
    let rows = database.query(Statement::new(HELD, vec![institution.into(), actor.into()])).await?;
    let Some(row) = rows.first() else { return Ok(Held::default()) };
    Ok(Held { codes: row.get_i64(0)? > 0, passkeys: row.get_i64(1)? })
}

/// Everybody of an institution who has a confirmed second factor or a passkey, in the order of the login names.
///
/// # Errors
/// As [`Database::query`].
pub async fn holders(database: &Database, institution: &InstitutionId) -> Result<Vec<ActorId>, CatalogError> {
    let rows = database.query(Statement::new(HOLDERS, vec![institution.into()])).await?;
    rows.iter().map(|row| super::people::actor(row, 0)).collect()
}

/// Begins a second factor. The transaction fails with [`CatalogError::UnexpectedRows`] when there is a confirmed one.
#[must_use]
pub fn begin(institution: &InstitutionId, actor: &ActorId, sealed: &[u8], now: Timestamp) -> Statement {
    Statement::new(BEGIN, vec![institution.into(), actor.into(), sealed.into(), now.into()]).expecting(1)
}

/// Confirms the second factor that was begun with this secret, by a code of this step. The transaction fails with
/// [`CatalogError::UnexpectedRows`] when it was confirmed meanwhile, or begun anew.
#[must_use]
pub fn confirm(
    institution: &InstitutionId,
    actor: &ActorId,
    sealed: &[u8],
    step: i64,
    now: Timestamp,
) -> Statement {
    Statement::new(CONFIRM, vec![now.into(), step.into(), institution.into(), actor.into(), sealed.into()])
        .expecting(1)
}

/// Uses a time step. The transaction fails with [`CatalogError::UnexpectedRows`] when this step or a later one was used.
#[must_use]
pub fn use_step(institution: &InstitutionId, actor: &ActorId, step: i64) -> Statement {
    Statement::new(USE_STEP, vec![step.into(), institution.into(), actor.into(), step.into()]).expecting(1)
}

/// Removes the secret that makes codes. The transaction fails with [`CatalogError::UnexpectedRows`] when there is none.
#[must_use]
pub fn remove(institution: &InstitutionId, actor: &ActorId) -> Statement {
    Statement::new(REMOVE, vec![institution.into(), actor.into()]).expecting(1)
}

/// Removes the secret that makes codes, where there is one, and every recovery code.
#[must_use]
pub fn remove_all(institution: &InstitutionId, actor: &ActorId) -> [Statement; 2] {
    [Statement::new(REMOVE, vec![institution.into(), actor.into()]), remove_codes(institution, actor)]
}

/// Removes every recovery code.
#[must_use]
pub fn remove_codes(institution: &InstitutionId, actor: &ActorId) -> Statement {
    Statement::new(REMOVE_CODES, vec![institution.into(), actor.into()])
}

/// Forgets a second factor that was begun and not confirmed: after a new password.
#[must_use]
pub fn forget_begun(institution: &InstitutionId, actor: &ActorId) -> Statement {
    Statement::new(FORGET_BEGUN, vec![institution.into(), actor.into()])
}

/// Puts recovery codes in the place of those that were there.
#[must_use]
pub fn replace_codes(institution: &InstitutionId, actor: &ActorId, hashes: &[[u8; 32]]) -> Vec<Statement> {
    let remove = remove_codes(institution, actor);
    let insert = |hash: &[u8; 32]| {
        Statement::new(INSERT_CODE, vec![institution.into(), actor.into(), hash.into()]).expecting(1)
    };
    std::iter::once(remove).chain(hashes.iter().map(insert)).collect()
}

/// Spends a recovery code. The transaction fails with [`CatalogError::UnexpectedRows`] when there is no such code, or it was
/// spent before.
#[must_use]
pub fn spend_code(
    institution: &InstitutionId,
    actor: &ActorId,
    hash: &[u8; 32],
    now: Timestamp,
) -> Statement {
    Statement::new(SPEND_CODE, vec![now.into(), institution.into(), actor.into(), hash.into()]).expecting(1)
}

/// How a recovery code stands: none when there is no such code, otherwise whether it was used.
///
/// # Errors
/// As [`Database::query`].
pub async fn code_is_used(
    database: &Database,
    institution: &InstitutionId,
    actor: &ActorId,
    hash: &[u8; 32],
) -> Result<Option<bool>, CatalogError> {
    let find = Statement::new(CODE_USED, vec![institution.into(), actor.into(), hash.into()]);
    let rows = database.query(find).await?;
    rows.first().map(|row| Ok(row.opt_i64(0)?.is_some())).transpose()
}

/// How many recovery codes are left.
///
/// # Errors
/// As [`Database::query`].
pub async fn codes_left(
    database: &Database,
    institution: &InstitutionId,
    actor: &ActorId,
) -> Result<i64, CatalogError> {
    let rows = database.query(Statement::new(CODES_LEFT, vec![institution.into(), actor.into()])).await?;
    rows.first().map_or(Ok(0), |row| row.get_i64(0))
}
