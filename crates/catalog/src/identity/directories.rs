//! Whom accounts belong to in other directories, and the roles that were mapped from what those say.

use super::people::{actor, touch};
use crate::{CatalogError, Database, Row, Sql, Statement};
use yingdun_model::{ActorId, InstitutionId, Role, Timestamp};

/// An account here and the identity there that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryIdentity {
    /// The account.
    pub actor: ActorId,
    /// The kind of directory, a word of the room above.
    pub source: String,
    /// A digest over directory and subject, which finds the row.
    pub subject_hash: [u8; 32],
    /// Directory and subject, as the room above sealed them.
    pub sealed: Vec<u8>,
    /// When it was bound.
    pub bound: Timestamp,
    /// By whom.
    pub bound_by: ActorId,
}

const FIND: Sql = Sql::new(
    "SELECT actor, source, subject_hash, sealed, bound_ms, bound_by FROM directory_identity \
     WHERE institution = $1 AND subject_hash = $2",
);
const OF_ACTOR: Sql = Sql::new(
    "SELECT actor, source, subject_hash, sealed, bound_ms, bound_by FROM directory_identity \
     WHERE institution = $1 AND actor = $2",
);
const INSERT: Sql = Sql::new(
    "INSERT INTO directory_identity (institution, actor, source, subject_hash, sealed, bound_ms, bound_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
const REMOVE: Sql = Sql::new("DELETE FROM directory_identity WHERE institution = $1 AND actor = $2");
const MAPPED_ROLES: Sql = Sql::new(
    "SELECT role FROM person_role WHERE institution = $1 AND actor = $2 AND source = $3 ORDER BY role",
);
/// No officer is appointed by another directory, and no officer gets a second role from one (三员分立); nor is an account made a patient's. The
/// guard sits in the statement.
const GIVE_MAPPED: Sql = Sql::new(
    "INSERT INTO person_role (institution, actor, role, given_ms, given_by, source) \
     SELECT p.institution, p.actor, CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT) \
     FROM person p WHERE p.institution = $5 AND p.actor = $6 \
     AND CAST($1 AS TEXT) NOT IN ('system-administrator', 'security-administrator', 'audit-administrator', 'patient', 'vendor') \
     AND NOT EXISTS (\
       SELECT 1 FROM person_role r WHERE r.institution = p.institution AND r.actor = p.actor \
       AND (r.role = $1 OR r.role IN ('system-administrator', 'security-administrator', 'audit-administrator', 'patient', 'vendor')))",
);
const TAKE_MAPPED: Sql =
    Sql::new("DELETE FROM person_role WHERE institution = $1 AND actor = $2 AND role = $3 AND source = $4");
const TAKE_ALL_MAPPED: Sql =
    Sql::new("DELETE FROM person_role WHERE institution = $1 AND actor = $2 AND source IS NOT NULL");

/// Whose sessions live: a page of them, in the order of their names.
const WITH_SESSIONS: Sql = Sql::new(
    "SELECT d.actor, d.source, d.subject_hash, d.sealed, d.bound_ms, d.bound_by FROM directory_identity d \
     WHERE d.institution = $1 AND d.source = $2 AND d.actor > $3 AND EXISTS (\
       SELECT 1 FROM session s WHERE s.institution = d.institution AND s.actor = d.actor AND s.actor_kind = 'person' \
       AND s.revoked_ms IS NULL AND s.expires_ms > $4) \
     ORDER BY d.actor LIMIT $5",
);
/// Who is called alike, and is not of this source. Letters without case, as a person reads them.
const ALIKE_OF_OTHERS: Sql = Sql::new(
    "SELECT p.actor FROM person p WHERE p.institution = $1 AND LOWER(p.actor) = LOWER(CAST($2 AS TEXT)) \
     AND NOT EXISTS (SELECT 1 FROM directory_identity d WHERE d.institution = p.institution AND d.actor = p.actor \
       AND d.source = $3) LIMIT 1",
);
const ALIKE: Sql = Sql::new(
    "SELECT p.actor FROM person p WHERE p.institution = $1 AND LOWER(p.actor) = LOWER(CAST($2 AS TEXT)) LIMIT 1",
);
/// Officers are never bound, so they are not missing.
const UNBOUND: Sql = Sql::new(
    "SELECT COUNT(*) FROM person p WHERE p.institution = $1 \
     AND NOT EXISTS (SELECT 1 FROM directory_identity d WHERE d.institution = p.institution AND d.actor = p.actor) \
     AND NOT EXISTS (SELECT 1 FROM person_role r WHERE r.institution = p.institution AND r.actor = p.actor \
       AND r.role IN ('system-administrator', 'security-administrator', 'audit-administrator'))",
);

/// The account of an identity.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    subject_hash: &[u8; 32],
) -> Result<Option<DirectoryIdentity>, CatalogError> {
    let rows = database.query(Statement::new(FIND, vec![institution.into(), subject_hash.into()])).await?;
    rows.first().map(read).transpose()
}

/// The identity of an account.
///
/// # Errors
/// As [`Database::query`].
pub async fn of_actor(
    database: &Database,
    institution: &InstitutionId,
    actor: &ActorId,
) -> Result<Option<DirectoryIdentity>, CatalogError> {
    let rows = database.query(Statement::new(OF_ACTOR, vec![institution.into(), actor.into()])).await?;
    rows.first().map(read).transpose()
}

/// Accounts of a source that have sessions which live now, behind a name, at most `max`.
///
/// # Errors
/// As [`Database::query`].
pub async fn with_sessions(
    database: &Database,
    institution: &InstitutionId,
    source: &str,
    after: &str,
    now: Timestamp,
    max: u32,
) -> Result<Vec<DirectoryIdentity>, CatalogError> {
    let values = vec![institution.into(), source.into(), after.into(), now.into(), max.into()];
    database.query(Statement::new(WITH_SESSIONS, values)).await?.iter().map(read).collect()
}

/// Whether an account is called so, or so but for the case of letters, that does not belong to this source.
///
/// # Errors
/// As [`Database::query`].
pub async fn is_name_of_others(
    database: &Database,
    institution: &InstitutionId,
    name: &str,
    source: &str,
) -> Result<bool, CatalogError> {
    let find = Statement::new(ALIKE_OF_OTHERS, vec![institution.into(), name.into(), source.into()]);
    Ok(!database.query(find).await?.is_empty())
}

/// Whether any account is called so, or so but for the case of letters.
///
/// # Errors
/// As [`Database::query`].
pub async fn is_name_taken(
    database: &Database,
    institution: &InstitutionId,
    name: &str,
) -> Result<bool, CatalogError> {
    Ok(!database.query(Statement::new(ALIKE, vec![institution.into(), name.into()])).await?.is_empty())
}

/// How many people belong to no other directory, officers left out.
///
/// # Errors
/// As [`Database::query`].
pub async fn unbound(database: &Database, institution: &InstitutionId) -> Result<u64, CatalogError> {
    let rows = database.query(Statement::new(UNBOUND, vec![institution.into()])).await?;
    rows.first().map_or(Ok(0), |row| Ok(u64::try_from(row.get_i64(0)?).unwrap_or(0)))
}

/// Binds an account to an identity. A [`CatalogError::Constraint`] when either is bound already, or there is no such account.
#[must_use]
pub fn insert(institution: &InstitutionId, identity: &DirectoryIdentity) -> Statement {
    Statement::new(
        INSERT,
        vec![
            institution.into(),
            (&identity.actor).into(),
            identity.source.as_str().into(),
            identity.subject_hash.into(),
            identity.sealed.clone().into(),
            identity.bound.into(),
            (&identity.bound_by).into(),
        ],
    )
    .expecting(1)
}

/// Takes the identity from an account, and every role that came by it. The transaction fails with
/// [`CatalogError::UnexpectedRows`] when there is none.
#[must_use]
pub fn remove(institution: &InstitutionId, actor: &ActorId) -> [Statement; 2] {
    [
        Statement::new(REMOVE, vec![institution.into(), actor.into()]).expecting(1),
        Statement::new(TAKE_ALL_MAPPED, vec![institution.into(), actor.into()]),
    ]
}

/// The roles of an account that were mapped from what a source says.
///
/// # Errors
/// As [`Database::query`].
pub async fn mapped_roles(
    database: &Database,
    institution: &InstitutionId,
    actor: &ActorId,
    source: &str,
) -> Result<Vec<Role>, CatalogError> {
    let find = Statement::new(MAPPED_ROLES, vec![institution.into(), actor.into(), source.into()]);
    database.query(find).await?.iter().map(|row| row.get_word(0)).collect()
}

/// Gives a role by a source. Changes nothing where the person holds it already, or where it or a role of the person is one of an officer.
#[must_use]
pub fn give_mapped(
    institution: &InstitutionId,
    actor: &ActorId,
    role: Role,
    source: &str,
    now: Timestamp,
    by: &ActorId,
) -> [Statement; 2] {
    [
        touch(institution, actor),
        Statement::new(
            GIVE_MAPPED,
            vec![
                role.as_str().into(),
                now.into(),
                by.into(),
                source.into(),
                institution.into(),
                actor.into(),
            ],
        ),
    ]
}

/// Takes a role that came by a source; one that an officer gave stays.
#[must_use]
pub fn take_mapped(institution: &InstitutionId, actor: &ActorId, role: Role, source: &str) -> Statement {
    Statement::new(TAKE_MAPPED, vec![institution.into(), actor.into(), role.as_str().into(), source.into()])
}

// === helpers ===

fn read(row: &Row) -> Result<DirectoryIdentity, CatalogError> {
    Ok(DirectoryIdentity {
        actor: actor(row, 0)?,
        source: row.get_text(1)?.to_owned(),
        subject_hash: row.get_array(2)?,
        sealed: row.get_bytes(3)?.to_vec(),
        bound: row.get_timestamp(4)?,
        bound_by: actor(row, 5)?,
    })
}
