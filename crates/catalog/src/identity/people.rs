//! People, their passwords' hashes, and the roles they were given.

use crate::{CatalogError, Database, LookUp, Row, Sql, Statement};
use yingdun_model::{ActorId, InstitutionId, Role, Timestamp};

/// A person as the database knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The login name, unique within the institution.
    pub actor: ActorId,
    /// The hash of the password as a PHC string; none before an invitation was accepted.
    pub password_hash: Option<String>,
    /// Whether the account is disabled.
    pub disabled: bool,
    /// Failed attempts in a row from places where this person never signed in, all of them together.
    pub strange_failures: u32,
    /// Until when no password is tried from such places.
    pub strangers_wait_until: Timestamp,
    /// Every role that was given, in the order of their words.
    pub roles: Vec<Role>,
}

/// How a person holds an office at this moment. Nobody holds one by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Whether the account is disabled.
    pub disabled: bool,
    /// When it was disabled last, also where it was enabled since; none where that never was, or before it was noted.
    pub disabled_last: Option<Timestamp>,
    /// When the role was given that the person has; none without it.
    pub since: Option<Timestamp>,
}

/// Shows whether there is a password, not its hash.
impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person")
            .field("actor", &self.actor)
            .field("has_password", &self.password_hash.is_some())
            .field("disabled", &self.disabled)
            .field("strange_failures", &self.strange_failures)
            .field("strangers_wait_until", &self.strangers_wait_until)
            .field("roles", &self.roles)
            .finish()
    }
}

const COUNT: Sql = Sql::new("SELECT COUNT(*) FROM person WHERE institution = $1");
const FIND: Sql = Sql::new(
    "SELECT p.actor, p.password_hash, p.disabled, p.failures, p.locked_until_ms, r.role \
     FROM person p LEFT JOIN person_role r ON r.institution = p.institution AND r.actor = p.actor \
     WHERE p.institution = $1 AND p.actor = $2 ORDER BY r.role",
);
const LIST: Sql = Sql::new(
    "SELECT p.actor, p.password_hash, p.disabled, p.failures, p.locked_until_ms, r.role \
     FROM person p LEFT JOIN person_role r ON r.institution = p.institution AND r.actor = p.actor \
     WHERE p.institution = $1 ORDER BY p.actor, r.role",
);
const INSERT: Sql = Sql::new(
    "INSERT INTO person (institution, actor, password_hash, disabled, failures, locked_until_ms, created_ms, created_by) \
     VALUES ($1, $2, NULL, 0, 0, 0, $3, $4)",
);
const SET_PASSWORD: Sql =
    Sql::new("UPDATE person SET password_hash = $1 WHERE institution = $2 AND actor = $3");
/// When somebody was disabled stays when the account is enabled again: what rested on it meanwhile does not come back.
const DISABLE: Sql = Sql::new(
    "UPDATE person SET disabled_ms = CASE WHEN disabled = 0 THEN CAST($1 AS BIGINT) ELSE disabled_ms END, disabled = 1 \
     WHERE institution = $2 AND actor = $3",
);
const ENABLE: Sql = Sql::new("UPDATE person SET disabled = 0 WHERE institution = $1 AND actor = $2");
const HOLDING: Sql = Sql::new(
    "SELECT p.disabled, p.disabled_ms, r.given_ms FROM person p \
     LEFT JOIN person_role r ON r.institution = p.institution AND r.actor = p.actor AND r.role = $3 \
     WHERE p.institution = $1 AND p.actor = $2",
);
const STILL_HOLDS: Sql = Sql::new(
    "UPDATE person SET disabled = disabled WHERE institution = $1 AND actor = $2 AND disabled = 0 \
     AND (disabled_ms IS NULL OR disabled_ms < $4) AND EXISTS (SELECT 1 FROM person_role r \
     WHERE r.institution = $1 AND r.actor = $2 AND r.role = $3 AND r.given_ms <= $4)",
);
const STILL_WITHOUT_PASSWORD: Sql = Sql::new(
    "UPDATE person SET disabled = disabled WHERE institution = $1 AND actor = $2 AND disabled = 0 AND password_hash IS NULL",
);
const HOLD_BACK: Sql = Sql::new(
    "UPDATE person SET failures = $1, locked_until_ms = $2 \
     WHERE institution = $3 AND actor = $4 AND failures = $5 AND locked_until_ms = $6",
);
const FORGET_STRANGERS: Sql =
    Sql::new("UPDATE person SET failures = 0, locked_until_ms = 0 WHERE institution = $1 AND actor = $2");
/// The guard of 三员分立 sits in the statement itself, so that two concurrent changes cannot pass it together
/// on SQLite, and the row lock of [`TOUCH`] makes it so on PostgreSQL.
const GIVE_ROLE: Sql = Sql::new(
    "INSERT INTO person_role (institution, actor, role, given_ms, given_by) \
     SELECT p.institution, p.actor, CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS TEXT) FROM person p \
     WHERE p.institution = $4 AND p.actor = $5 AND NOT EXISTS (\
       SELECT 1 FROM person_role r WHERE r.institution = p.institution AND r.actor = p.actor \
       AND (r.role = $1 OR CAST($6 AS BIGINT) = 1 \
            OR r.role IN ('system-administrator', 'security-administrator', 'audit-administrator', 'patient', 'vendor')))",
);
const TOUCH: Sql = Sql::new("UPDATE person SET disabled = disabled WHERE institution = $1 AND actor = $2");
const TAKE_ROLE: Sql =
    Sql::new("DELETE FROM person_role WHERE institution = $1 AND actor = $2 AND role = $3");

/// How many people an institution has.
///
/// # Errors
/// As [`Database::query`].
pub async fn count(database: &Database, institution: &InstitutionId) -> Result<i64, CatalogError> {
    let rows = database.query(Statement::new(COUNT, vec![institution.into()])).await?;
    rows.first().map_or(Ok(0), |row| row.get_i64(0))
}

/// One person with all roles.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    actor: &ActorId,
) -> Result<Option<Person>, CatalogError> {
    let rows = database.look_up(Statement::new(FIND, vec![institution.into(), actor.into()])).await?;
    Ok(collect(&rows)?.into_iter().next())
}

/// Everybody of an institution, in the order of the login names.
///
/// # Errors
/// As [`Database::query`].
pub async fn list(database: &Database, institution: &InstitutionId) -> Result<Vec<Person>, CatalogError> {
    collect(&database.query(Statement::new(LIST, vec![institution.into()])).await?)
}

/// Adds a person without password and without roles. A taken name is a
/// [`CatalogError::Constraint`].
#[must_use]
pub fn insert(institution: &InstitutionId, actor: &ActorId, now: Timestamp, by: &ActorId) -> Statement {
    Statement::new(INSERT, vec![institution.into(), actor.into(), now.into(), by.into()]).expecting(1)
}

/// Sets the hash of the password. Failed attempts stay: who sets it says whether they are to be forgotten.
#[must_use]
pub fn set_password(institution: &InstitutionId, actor: &ActorId, phc: &str) -> Statement {
    Statement::new(SET_PASSWORD, vec![phc.into(), institution.into(), actor.into()]).expecting(1)
}

/// Changes nothing. The transaction fails with [`CatalogError::UnexpectedRows`] when the person has a password, or is disabled.
#[must_use]
pub fn still_without_password(institution: &InstitutionId, actor: &ActorId) -> Statement {
    Statement::new(STILL_WITHOUT_PASSWORD, vec![institution.into(), actor.into()]).expecting(1)
}

/// Disables or enables a person.
#[must_use]
pub fn set_disabled(
    institution: &InstitutionId,
    actor: &ActorId,
    disabled: bool,
    now: Timestamp,
) -> Statement {
    let change = if disabled {
        Statement::new(DISABLE, vec![now.into(), institution.into(), actor.into()])
    } else {
        Statement::new(ENABLE, vec![institution.into(), actor.into()])
    };
    change.expecting(1)
}

/// How a person holds an office now; not at all where there is no such person.
pub fn holding(institution: &InstitutionId, actor: &ActorId, office: Role) -> LookUp<Holding> {
    let values = vec![institution.into(), actor.into(), office.as_str().into()];
    LookUp::new(Statement::new(HOLDING, values), |rows| {
        rows.first().map_or_else(|| Ok(Holding::default()), |row| holding_of(row, 0))
    })
}

/// Changes nothing. The transaction fails with [`CatalogError::UnexpectedRows`] unless the person has held an office since a moment without a
/// break: what rests on an approval of then is done by who holds it still.
#[must_use]
pub fn still_holds(
    institution: &InstitutionId,
    actor: &ActorId,
    office: Role,
    since: Timestamp,
) -> Statement {
    let values = vec![institution.into(), actor.into(), office.as_str().into(), since.into()];
    Statement::new(STILL_HOLDS, values).expecting(1)
}

/// Counts a failed attempt from a strange place and lets such places wait. The transaction fails with
/// [`CatalogError::UnexpectedRows`] when the counts are not those of `person` any more, so that attempts made at
/// the same time cannot share one count.
#[must_use]
pub fn hold_back(
    institution: &InstitutionId,
    person: &Person,
    failures: u32,
    wait_until: Timestamp,
) -> Statement {
    Statement::new(
        HOLD_BACK,
        vec![
            failures.into(),
            wait_until.into(),
            institution.into(),
            (&person.actor).into(),
            person.strange_failures.into(),
            person.strangers_wait_until.into(),
        ],
    )
    .expecting(1)
}

/// Forgets the failed attempts from strange places.
#[must_use]
pub fn forget_strangers(institution: &InstitutionId, actor: &ActorId) -> Statement {
    Statement::new(FORGET_STRANGERS, vec![institution.into(), actor.into()])
}

/// Gives a role. The transaction fails with [`CatalogError::UnexpectedRows`] when the person does not exist,
/// holds the role already, or when an officer's role would stand beside another one (三员分立).
#[must_use]
pub fn give_role(
    institution: &InstitutionId,
    actor: &ActorId,
    role: Role,
    now: Timestamp,
    by: &ActorId,
) -> [Statement; 2] {
    [
        touch(institution, actor),
        Statement::new(
            GIVE_ROLE,
            vec![
                role.as_str().into(),
                now.into(),
                by.into(),
                institution.into(),
                actor.into(),
                role.is_alone().into(),
            ],
        )
        .expecting(1),
    ]
}

/// Changes nothing, and lets no other transaction of this kind pass the person until this one is over: what it asks after
/// this is still so when it writes.
pub(super) fn touch(institution: &InstitutionId, actor: &ActorId) -> Statement {
    Statement::new(TOUCH, vec![institution.into(), actor.into()]).expecting(1)
}

/// Takes a role away.
#[must_use]
pub fn take_role(institution: &InstitutionId, actor: &ActorId, role: Role) -> Statement {
    Statement::new(TAKE_ROLE, vec![institution.into(), actor.into(), role.as_str().into()]).expecting(1)
}

/// Joins the rows of one person, which come one after the other, one per role.
fn collect(rows: &[Row]) -> Result<Vec<Person>, CatalogError> {
    let mut people: Vec<Person> = Vec::new();
    for row in rows {
        let actor = actor(row, 0)?;
        if people.last().is_none_or(|person| person.actor != actor) {
            people.push(Person {
                actor,
                password_hash: row.opt_text(1)?.map(str::to_owned),
                disabled: row.get_bool(2)?,
                strange_failures: failures(row, 3)?,
                strangers_wait_until: row.get_timestamp(4)?,
                roles: Vec::new(),
            });
        }
        if let (Some(person), Some(_)) = (people.last_mut(), row.opt_text(5)?) {
            person.roles.push(row.get_word(5)?);
        }
    }
    Ok(people)
}

/// Reads how an office is held: three columns, all of them empty where nobody does.
pub(super) fn holding_of(row: &Row, column: usize) -> Result<Holding, CatalogError> {
    Ok(Holding {
        disabled: row.opt_i64(column)?.is_some_and(|disabled| disabled != 0),
        disabled_last: row.opt_i64(column + 1)?.map(Timestamp::from_ms),
        since: row.opt_i64(column + 2)?.map(Timestamp::from_ms),
    })
}

/// A login name, an AE title as an actor, or a client identifier.
pub(super) fn actor(row: &Row, column: usize) -> Result<ActorId, CatalogError> {
    ActorId::new(row.get_text(column)?)
        .ok_or_else(|| CatalogError::Corrupt(format!("column {column} does not hold a legal actor")))
}

/// A count of attempts.
pub(super) fn failures(row: &Row, column: usize) -> Result<u32, CatalogError> {
    u32::try_from(row.get_i64(column)?)
        .map_err(|_| CatalogError::Corrupt(format!("column {column} does not hold a count")))
}
