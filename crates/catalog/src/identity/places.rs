//! Places from which somebody tried to sign in to an account: how often it failed there, and whether it ever worked.
//!
//! A place is kept as a digest that the room above makes, so that this table is no list of who works where.

use super::people::failures;
use crate::{CatalogError, Database, Sql, Statement};
use yingdun_model::{ActorId, InstitutionId, Timestamp};

/// What is known of one place and one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which place.
    pub digest: [u8; 32],
    /// Failed attempts in a row.
    pub failures: u32,
    /// Until when no password is tried from here; zero when there is no stop.
    pub stopped_until: Timestamp,
    /// When somebody last signed in from here.
    pub succeeded: Option<Timestamp>,
    /// When somebody last tried.
    pub last: Timestamp,
}

const FIND: Sql = Sql::new(
    "SELECT place, failures, stopped_until_ms, succeeded_ms, last_ms FROM sign_in_place \
     WHERE institution = $1 AND actor = $2 AND place = $3",
);
const INSERT: Sql = Sql::new(
    "INSERT INTO sign_in_place (institution, actor, place, failures, stopped_until_ms, succeeded_ms, last_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
const REPLACE: Sql = Sql::new(
    "UPDATE sign_in_place SET failures = $1, stopped_until_ms = $2, last_ms = $3 \
     WHERE institution = $4 AND actor = $5 AND place = $6 \
       AND failures = $7 AND stopped_until_ms = $8 AND last_ms = $9",
);
const SUCCEED: Sql = Sql::new(
    "UPDATE sign_in_place SET failures = 0, stopped_until_ms = 0, succeeded_ms = $1, last_ms = $2 \
     WHERE institution = $3 AND actor = $4 AND place = $5",
);
const KEEP: Sql = Sql::new(
    "DELETE FROM sign_in_place WHERE institution = $1 AND actor = $2 AND place NOT IN (\
       SELECT place FROM sign_in_place WHERE institution = $3 AND actor = $4 \
       ORDER BY COALESCE(succeeded_ms, 0) DESC, last_ms DESC LIMIT $5)",
);
const FORGET: Sql = Sql::new("DELETE FROM sign_in_place WHERE institution = $1 AND actor = $2");
const FORGET_IDLE: Sql =
    Sql::new("DELETE FROM sign_in_place WHERE (succeeded_ms IS NULL AND last_ms < $1) OR succeeded_ms < $2");

/// What is known of a place.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    actor: &ActorId,
    digest: &[u8; 32],
) -> Result<Option<Place>, CatalogError> {
    let find = Statement::new(FIND, vec![institution.into(), actor.into(), digest.into()]);
    let rows = database.query(find).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Place {
        digest: row.get_array(0)?,
        failures: failures(row, 1)?,
        stopped_until: row.get_timestamp(2)?,
        succeeded: row.opt_i64(3)?.map(Timestamp::from_ms),
        last: row.get_timestamp(4)?,
    }))
}

/// Keeps a place that was not known. The transaction fails with [`CatalogError::Constraint`] when it is known by
/// now, or when there is no such account.
#[must_use]
pub fn insert(institution: &InstitutionId, actor: &ActorId, place: &Place) -> Statement {
    Statement::new(
        INSERT,
        vec![
            institution.into(),
            actor.into(),
            (&place.digest).into(),
            place.failures.into(),
            place.stopped_until.into(),
            place.succeeded.into(),
            place.last.into(),
        ],
    )
    .expecting(1)
}

/// Changes the counts of a place. The transaction fails with [`CatalogError::UnexpectedRows`] when they are not
/// `old` any more, so that attempts made at the same time cannot share one count.
#[must_use]
pub fn replace(institution: &InstitutionId, actor: &ActorId, old: &Place, new: &Place) -> Statement {
    Statement::new(
        REPLACE,
        vec![
            new.failures.into(),
            new.stopped_until.into(),
            new.last.into(),
            institution.into(),
            actor.into(),
            (&old.digest).into(),
            old.failures.into(),
            old.stopped_until.into(),
            old.last.into(),
        ],
    )
    .expecting(1)
}

/// Notes that somebody signed in from a place, and forgets its failures.
#[must_use]
pub fn succeed(institution: &InstitutionId, actor: &ActorId, digest: &[u8; 32], now: Timestamp) -> Statement {
    Statement::new(SUCCEED, vec![now.into(), now.into(), institution.into(), actor.into(), digest.into()])
}

/// Deletes all but `max` places of an account: those stay where somebody signed in, and of the others the newest.
#[must_use]
pub fn keep(institution: &InstitutionId, actor: &ActorId, max: u32) -> Statement {
    Statement::new(KEEP, vec![institution.into(), actor.into(), institution.into(), actor.into(), max.into()])
}

/// Forgets every place of an account: after a new password.
#[must_use]
pub fn forget(institution: &InstitutionId, actor: &ActorId) -> Statement {
    Statement::new(FORGET, vec![institution.into(), actor.into()])
}

/// Deletes places where nobody ever signed in and the last attempt is older than `strange_before`, and places
/// where the last sign-in is older than `known_before`.
#[must_use]
pub fn forget_idle(strange_before: Timestamp, known_before: Timestamp) -> Statement {
    Statement::new(FORGET_IDLE, vec![strange_before.into(), known_before.into()])
}
