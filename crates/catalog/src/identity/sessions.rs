//! Sessions of people and service clients, found by the SHA-256 of their bearer token.

use super::people::actor;
use crate::{CatalogError, Database, LookUp, Row, Sql, Statement};
use std::str::FromStr;
use yingdun_model::{ActorId, ActorKind, InstitutionId, Role, Timestamp};

/// How far somebody has come who signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Signed in: the session is worth what its role may do.
    Whole,
    /// A second factor is there and was not proved yet: nothing else can be done.
    Prove,
    /// A second factor is demanded and there is none yet: nothing else can be done but to get one.
    Enrol,
}

impl Stage {
    /// The word in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Prove => "prove",
            Self::Enrol => "enrol",
        }
    }
}

impl FromStr for Stage {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Whole, Self::Prove, Self::Enrol].into_iter().find(|stage| stage.as_str() == word).ok_or(())
    }
}

/// By what a second factor was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Factor {
    /// A code of an app, or a recovery code.
    Code,
    /// A passkey.
    Passkey,
    /// A provider of sign-ins says so.
    Provider,
}

impl Factor {
    /// The word in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Passkey => "passkey",
            Self::Provider => "provider",
        }
    }
}

impl FromStr for Factor {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Code, Self::Passkey, Self::Provider]
            .into_iter()
            .find(|factor| factor.as_str() == word)
            .ok_or(())
    }
}

/// A session that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of the bearer token.
    pub token_hash: [u8; 32],
    /// Where the actor belongs.
    pub institution: InstitutionId,
    /// Who signed in.
    pub actor: ActorId,
    /// A person or a service.
    pub actor_kind: ActorKind,
    /// The one role that is activated.
    pub role: Role,
    /// How the actor signed in, a word of the room above.
    pub sign_in: String,
    /// SHA-256 of the authorization code that opened the session.
    pub code_hash: Option<[u8; 32]>,
    /// When it was opened.
    pub issued: Timestamp,
    /// From when on it is dead.
    pub expires: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// How far it has come.
    pub stage: Stage,
    /// When the person last proved a second factor in it.
    pub proved: Option<Timestamp>,
    /// By what; none where nothing was proved, or before this was written down.
    pub proved_by: Option<Factor>,
    /// When it was last used, to within some seconds; none of one that was opened before this was written down.
    pub last_used: Option<Timestamp>,
    /// Where it was opened and by which program, as the room above sealed it.
    pub origin: Option<Vec<u8>>,
    /// What it rests on in another directory; none of a local sign-in.
    pub directory: Option<DirectoryProof>,
    /// What has to be shown with its token.
    pub bound: Bound,
    /// What the token of another issuer asks for, words divided by blanks: of what its program is granted, no more than this. None of a
    /// token of ours.
    pub scope_limit: Option<String>,
}

/// What has to be shown with a token; nothing of an ordinary bearer token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// SHA-256 of the certificate on whose connections alone the token is good (RFC 8705).
    pub certificate: Option<[u8; 32]>,
    /// The thumbprint of the key that proves each use (RFC 9449).
    pub key: Option<[u8; 32]>,
    /// The registered credential by which it was given: the session ends when that is taken away.
    pub credential: Option<[u8; 32]>,
}

/// What a session rests on that was opened by another directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryProof {
    /// The digest over directory and subject.
    pub subject_hash: [u8; 32],
    /// A digest over directory and the session there, where it has a name.
    pub session_hash: Option<[u8; 32]>,
    /// When the person was authenticated there.
    pub authenticated: Timestamp,
}

/// A session together with how its account stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The session. Its stage is [`Stage::Prove`] wherever its person has a second factor that was never proved in it.
    pub session: SessionRow,
    /// Whether the account is disabled, or gone.
    pub disabled: bool,
    /// Whether the account still holds the activated role.
    pub role_held: bool,
    /// What a service client is granted now and the limit of the session lets through, words divided by blanks; empty for people.
    pub scopes: String,
    /// What a service client has to show beside its token, words divided by blanks; empty for people.
    pub demands: String,
}

const INSERT: Sql = Sql::new(
    "INSERT INTO session (token_hash, institution, actor, actor_kind, role, sign_in, code_hash, issued_ms, \
     expires_ms, revoked_ms, stage, proved_ms, last_used_ms, origin, subject_hash, directory_session, authenticated_ms, \
     bound_certificate, bound_key, credential, proved_by, scope_limit) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, $10, $11, $8, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
);
/// One round trip for everything that a decision needs to know of an actor with a token. A session that was opened by a password
/// alone, while a second factor was confirmed beside it, waits for that factor: whoever confirmed could not yet end it.
const STANDING: Sql = Sql::new(
    "SELECT s.token_hash, s.institution, s.actor, s.actor_kind, s.role, s.sign_in, s.code_hash, s.issued_ms, \
       s.expires_ms, s.revoked_ms, \
       CASE WHEN s.stage = 'whole' AND s.actor_kind = 'person' AND s.proved_ms IS NULL AND (EXISTS (\
         SELECT 1 FROM second_factor f WHERE f.institution = s.institution AND f.actor = s.actor \
         AND f.confirmed_ms IS NOT NULL) OR EXISTS (\
         SELECT 1 FROM passkey k WHERE k.institution = s.institution AND k.actor = s.actor)) THEN 'prove' ELSE s.stage END, \
       s.proved_ms, s.last_used_ms, s.origin, \
       CAST(CASE s.actor_kind WHEN 'person' THEN COALESCE(p.disabled, 1) WHEN 'service' THEN COALESCE(c.disabled, 1) \
         ELSE 1 END AS BIGINT), \
       CAST(CASE WHEN s.actor_kind = 'service' OR r.role IS NOT NULL THEN 1 ELSE 0 END AS BIGINT), \
       COALESCE(c.scopes, ''), s.subject_hash, s.directory_session, s.authenticated_ms, \
       s.bound_certificate, s.bound_key, s.credential, s.proved_by, s.scope_limit, COALESCE(c.demands, '') \
     FROM session s \
     LEFT JOIN person p ON s.actor_kind = 'person' AND p.institution = s.institution AND p.actor = s.actor \
     LEFT JOIN person_role r ON s.actor_kind = 'person' AND r.institution = s.institution AND r.actor = s.actor \
       AND r.role = s.role \
     LEFT JOIN service_client c ON s.actor_kind = 'service' AND c.institution = s.institution AND c.client_id = s.actor \
     WHERE s.token_hash = $1",
);
const LIVING: Sql = Sql::new(
    "SELECT token_hash, institution, actor, actor_kind, role, sign_in, code_hash, issued_ms, expires_ms, revoked_ms, \
       stage, proved_ms, last_used_ms, origin, subject_hash, directory_session, authenticated_ms, \
       bound_certificate, bound_key, credential, proved_by, scope_limit \
     FROM session WHERE institution = $1 AND actor = $2 AND actor_kind = $3 AND revoked_ms IS NULL AND expires_ms > $4 \
     ORDER BY issued_ms DESC LIMIT $5",
);
const TOUCH: Sql = Sql::new("UPDATE session SET last_used_ms = $1 WHERE token_hash = $2");
const PROVE: Sql = Sql::new(
    "UPDATE session SET proved_ms = $1, last_used_ms = $1, proved_by = $2, \
       expires_ms = CASE stage WHEN 'whole' THEN expires_ms ELSE $3 END, stage = 'whole' \
     WHERE token_hash = $4 AND revoked_ms IS NULL AND expires_ms > $5",
);
const PROVE_TO_ENROL: Sql = Sql::new(
    "UPDATE session SET proved_ms = $1, last_used_ms = $1, proved_by = $2, stage = 'enrol' \
     WHERE token_hash = $3 AND revoked_ms IS NULL AND expires_ms > $4",
);
const UNPROVE: Sql =
    Sql::new("UPDATE session SET proved_ms = NULL, proved_by = NULL, stage = $1 WHERE token_hash = $2");
const REVOKE: Sql =
    Sql::new("UPDATE session SET revoked_ms = $1 WHERE token_hash = $2 AND revoked_ms IS NULL");
const REVOKE_ACTOR: Sql = Sql::new(
    "UPDATE session SET revoked_ms = $1 WHERE institution = $2 AND actor = $3 AND actor_kind = $4 AND revoked_ms IS NULL",
);
const REVOKE_OTHERS: Sql = Sql::new(
    "UPDATE session SET revoked_ms = $1 WHERE institution = $2 AND actor = $3 AND actor_kind = $4 AND token_hash <> $5 \
     AND revoked_ms IS NULL",
);
const REVOKE_CODE: Sql =
    Sql::new("UPDATE session SET revoked_ms = $1 WHERE code_hash = $2 AND revoked_ms IS NULL");
const REVOKE_CREDENTIAL: Sql = Sql::new(
    "UPDATE session SET revoked_ms = $1 WHERE institution = $2 AND (credential = $3 OR bound_certificate = $3) \
     AND revoked_ms IS NULL",
);
const REVOKE_SUBJECT: Sql = Sql::new(
    "UPDATE session SET revoked_ms = $1 WHERE subject_hash = $2 AND issued_ms <= $3 AND revoked_ms IS NULL",
);
const REVOKE_SUBJECT_WITHOUT_SESSION: Sql = Sql::new(
    "UPDATE session SET revoked_ms = $1 WHERE subject_hash = $2 AND directory_session IS NULL AND issued_ms <= $3 \
     AND revoked_ms IS NULL",
);
const REVOKE_DIRECTORY_SESSION: Sql = Sql::new(
    "UPDATE session SET revoked_ms = $1 WHERE directory_session = $2 AND issued_ms <= $3 AND revoked_ms IS NULL",
);
const CONFIRM: Sql =
    Sql::new("UPDATE session SET expires_ms = expires_ms WHERE token_hash = $1 AND revoked_ms IS NULL");
const FORGET: Sql = Sql::new("DELETE FROM session WHERE expires_ms < $1");

/// Keeps a session.
#[must_use]
pub fn insert(session: &SessionRow) -> Statement {
    Statement::new(
        INSERT,
        vec![
            session.token_hash.into(),
            (&session.institution).into(),
            (&session.actor).into(),
            session.actor_kind.as_str().into(),
            session.role.as_str().into(),
            session.sign_in.as_str().into(),
            session.code_hash.into(),
            session.issued.into(),
            session.expires.into(),
            session.stage.as_str().into(),
            session.proved.into(),
            session.origin.as_deref().into(),
            session.directory.map(|proof| proof.subject_hash).into(),
            session.directory.and_then(|proof| proof.session_hash).into(),
            session.directory.map(|proof| proof.authenticated).into(),
            session.bound.certificate.into(),
            session.bound.key.into(),
            session.bound.credential.into(),
            session.proved_by.map(Factor::as_str).into(),
            session.scope_limit.as_deref().into(),
        ],
    )
    .expecting(1)
}

/// The session of a token with how its account stands now; expired and revoked ones too.
///
/// # Errors
/// As [`Database::query`].
pub async fn standing(database: &Database, token_hash: &[u8; 32]) -> Result<Option<Standing>, CatalogError> {
    stands(token_hash).alone(database).await
}

/// The same, to be asked beside other things.
pub fn stands(token_hash: &[u8; 32]) -> LookUp<Option<Standing>> {
    LookUp::new(Statement::new(STANDING, vec![token_hash.into()]), standing_of)
}

/// The sessions of an actor that live at a moment, the newest first, at most `max`.
///
/// # Errors
/// As [`Database::query`].
pub async fn living(
    database: &Database,
    institution: &InstitutionId,
    actor: &ActorId,
    kind: ActorKind,
    now: Timestamp,
    max: u32,
) -> Result<Vec<SessionRow>, CatalogError> {
    let find = Statement::new(
        LIVING,
        vec![institution.into(), actor.into(), kind.as_str().into(), now.into(), max.into()],
    );
    database.query(find).await?.iter().map(|row| read(row, 14)).collect()
}

/// Notes that a session was used.
#[must_use]
pub fn touch(token_hash: &[u8; 32], now: Timestamp) -> Statement {
    Statement::new(TOUCH, vec![now.into(), token_hash.into()])
}

/// Makes a session whole after a second factor was proved in it, or notes that it was proved again. The transaction fails with
/// [`CatalogError::UnexpectedRows`] when the session has ended meanwhile.
#[must_use]
pub fn prove(token_hash: &[u8; 32], factor: Factor, now: Timestamp, expires: Timestamp) -> Statement {
    let values = vec![now.into(), factor.as_str().into(), expires.into(), token_hash.into(), now.into()];
    Statement::new(PROVE, values).expecting(1)
}

/// Notes that a second factor was proved in a session that waits for another one, as its role demands. The transaction fails with
/// [`CatalogError::UnexpectedRows`] when the session has ended meanwhile.
#[must_use]
pub fn prove_to_enrol(token_hash: &[u8; 32], factor: Factor, now: Timestamp) -> Statement {
    let values = vec![now.into(), factor.as_str().into(), token_hash.into(), now.into()];
    Statement::new(PROVE_TO_ENROL, values).expecting(1)
}

/// Takes the proof of a second factor from a session, and lets it go on at this stage.
#[must_use]
pub fn unprove(token_hash: &[u8; 32], stage: Stage) -> Statement {
    Statement::new(UNPROVE, vec![stage.as_str().into(), token_hash.into()])
}

/// Revokes one session; a revoked one stays as it is.
#[must_use]
pub fn revoke(token_hash: &[u8; 32], now: Timestamp) -> Statement {
    Statement::new(REVOKE, vec![now.into(), token_hash.into()])
}

/// Revokes every session of an actor.
#[must_use]
pub fn revoke_actor(
    institution: &InstitutionId,
    actor: &ActorId,
    kind: ActorKind,
    now: Timestamp,
) -> Statement {
    Statement::new(REVOKE_ACTOR, vec![now.into(), institution.into(), actor.into(), kind.as_str().into()])
}

/// Revokes every session of an actor but one.
#[must_use]
pub fn revoke_others(
    institution: &InstitutionId,
    actor: &ActorId,
    kind: ActorKind,
    keep: &[u8; 32],
    now: Timestamp,
) -> Statement {
    Statement::new(
        REVOKE_OTHERS,
        vec![now.into(), institution.into(), actor.into(), kind.as_str().into(), keep.into()],
    )
}

/// Revokes every session that an authorization code opened (RFC 6749 §4.1.2: a code that is used twice).
#[must_use]
pub fn revoke_code(code_hash: &[u8; 32], now: Timestamp) -> Statement {
    Statement::new(REVOKE_CODE, vec![now.into(), code_hash.into()])
}

/// Of what is granted, the words that a limit names; all of them where there is no limit.
#[must_use]
pub fn within(granted: &str, limit: Option<&str>) -> String {
    let Some(limit) = limit else { return granted.to_owned() };
    let named = |word: &&str| limit.split_ascii_whitespace().any(|asked| asked == *word);
    granted.split_ascii_whitespace().filter(named).collect::<Vec<_>>().join(" ")
}

/// Revokes every session that was given by a credential or is bound to it: of the program, and of people through it.
#[must_use]
pub fn revoke_credential(institution: &InstitutionId, credential: &[u8; 32], now: Timestamp) -> Statement {
    Statement::new(REVOKE_CREDENTIAL, vec![now.into(), institution.into(), credential.into()])
}

/// Revokes every session that rests on an identity of another directory and was opened until a moment.
#[must_use]
pub fn revoke_subject(subject_hash: &[u8; 32], until: Timestamp, now: Timestamp) -> Statement {
    Statement::new(REVOKE_SUBJECT, vec![now.into(), subject_hash.into(), until.into()])
}

/// Revokes what [`revoke_subject`] revokes, of sessions of which is not known on which session of the other directory they rest.
#[must_use]
pub fn revoke_subject_without_session(
    subject_hash: &[u8; 32],
    until: Timestamp,
    now: Timestamp,
) -> Statement {
    Statement::new(REVOKE_SUBJECT_WITHOUT_SESSION, vec![now.into(), subject_hash.into(), until.into()])
}

/// Revokes every session that rests on one session of another directory and was opened until a moment.
#[must_use]
pub fn revoke_directory_session(session_hash: &[u8; 32], until: Timestamp, now: Timestamp) -> Statement {
    Statement::new(REVOKE_DIRECTORY_SESSION, vec![now.into(), session_hash.into(), until.into()])
}

/// Changes nothing. The transaction fails with [`CatalogError::UnexpectedRows`] when the session was revoked: what is opened in its name
/// does not outlive it.
#[must_use]
pub fn confirm(token_hash: &[u8; 32]) -> Statement {
    Statement::new(CONFIRM, vec![token_hash.into()]).expecting(1)
}

/// Ends everybody's sessions, with the codes that would open new ones: for rows that were brought back from a backup, where a
/// session that was revoked since is alive again.
#[must_use]
pub fn forget_all() -> Vec<Statement> {
    ["DELETE FROM session", "DELETE FROM authorization_code"]
        .map(|text| Statement::new(text, Vec::new()))
        .into()
}

/// Deletes sessions that expired before a moment.
#[must_use]
pub fn forget_expired(before: Timestamp) -> Statement {
    Statement::new(FORGET, vec![before.into()])
}

fn standing_of(rows: &[Row]) -> Result<Option<Standing>, CatalogError> {
    let Some(row) = rows.first() else { return Ok(None) };
    let session = read(row, 17)?;
    Ok(Some(Standing {
        disabled: row.get_bool(14)?,
        role_held: row.get_bool(15)?,
        scopes: within(row.get_text(16)?, session.scope_limit.as_deref()),
        demands: row.get_text(25)?.to_owned(),
        session,
    }))
}

/// Reads a session whose proof by another directory begins at a column; to what it is bound stands behind.
fn read(row: &Row, directory: usize) -> Result<SessionRow, CatalogError> {
    let proof = match (row.opt_bytes(directory)?, row.opt_i64(directory + 2)?) {
        (Some(_), Some(authenticated)) => Some(DirectoryProof {
            subject_hash: row.get_array(directory)?,
            session_hash: row.opt_bytes(directory + 1)?.map(|_| row.get_array(directory + 1)).transpose()?,
            authenticated: Timestamp::from_ms(authenticated),
        }),
        _ => None,
    };
    Ok(SessionRow {
        token_hash: row.get_array(0)?,
        institution: row.get_checked(1)?,
        actor: actor(row, 2)?,
        actor_kind: row.get_word(3)?,
        role: row.get_word(4)?,
        sign_in: row.get_text(5)?.to_owned(),
        code_hash: row.opt_bytes(6)?.map(|_| row.get_array(6)).transpose()?,
        issued: row.get_timestamp(7)?,
        expires: row.get_timestamp(8)?,
        revoked: row.opt_i64(9)?.map(Timestamp::from_ms),
        stage: row.get_word(10)?,
        proved: row.opt_i64(11)?.map(Timestamp::from_ms),
        proved_by: row.opt_text(directory + 6)?.and_then(|word| word.parse().ok()),
        last_used: row.opt_i64(12)?.map(Timestamp::from_ms),
        origin: row.opt_bytes(13)?.map(<[u8]>::to_vec),
        directory: proof,
        bound: Bound {
            certificate: digest(row, directory + 3)?,
            key: digest(row, directory + 4)?,
            credential: digest(row, directory + 5)?,
        },
        scope_limit: row.opt_text(directory + 7)?.map(str::to_owned),
    })
}

fn digest(row: &Row, column: usize) -> Result<Option<[u8; 32]>, CatalogError> {
    row.opt_bytes(column)?.map(|_| row.get_array(column)).transpose()
}
