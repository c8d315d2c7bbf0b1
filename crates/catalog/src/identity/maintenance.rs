//! Maintenance sessions: opened by one officer for a vendor, approved by another, and over at their second.
//!
//! A session that is over keeps its row: who asks what a company looked at, reads it. Words of people are sealed by the room above.

use super::people::{Holding, actor, holding_of, touch};
use crate::{CatalogError, Database, LookUp, Row, Sql, Statement};
use std::collections::BTreeSet;
use yingdun_model::{ActorId, InstitutionId, MaintenanceScope, Role, Timestamp};

/// A maintenance session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaintenanceRow {
    /// Its number, drawn by chance, by which leaves name it.
    pub number: u64,
    /// The account of the vendor.
    pub actor: ActorId,
    /// What it opens.
    pub scopes: BTreeSet<MaintenanceScope>,
    /// Why, in words, sealed.
    pub words: Vec<u8>,
    /// Who opened it.
    pub opened_by: ActorId,
    /// When.
    pub opened: Timestamp,
    /// The first moment at which it opens something, if it was approved by then.
    pub valid_from: Timestamp,
    /// The first moment at which it does no more.
    pub valid_until: Timestamp,
    /// Who approved it, and when; nobody yet, or never.
    pub approved: Option<(ActorId, Timestamp)>,
    /// How who approved it holds the office now in which that was done.
    pub approver: Holding,
    /// When it was found to be over, or was ended.
    pub ended: Option<Timestamp>,
    /// Who ended it; none where its time was over.
    pub ended_by: Option<ActorId>,
}

macro_rules! select {
    ($condition:literal) => {
        Sql::new(concat!(
            "SELECT m.number, m.actor, m.scopes, m.words, m.opened_by, m.opened_ms, m.valid_from_ms, m.valid_until_ms, \
             m.approved_by, m.approved_ms, m.ended_ms, m.ended_by, p.disabled, p.disabled_ms, r.given_ms \
             FROM maintenance_session m \
             LEFT JOIN person p ON p.institution = m.institution AND p.actor = m.approved_by \
             LEFT JOIN person_role r ON r.institution = m.institution AND r.actor = m.approved_by \
               AND r.role = COALESCE(m.approved_office, 'security-administrator') \
             WHERE m.institution = $1 AND ",
            $condition
        ))
    };
}

const OPEN_OF: Sql = select!(
    "m.actor = $2 AND m.approved_ms IS NOT NULL AND m.ended_ms IS NULL AND m.valid_until_ms > $3 ORDER BY m.number"
);
const FIND: Sql = select!("m.number = $2");
const LIST: Sql = select!("m.number >= 0 ORDER BY m.opened_ms DESC, m.number LIMIT $2");
const NOT_ENDED: Sql = select!("m.ended_ms IS NULL ORDER BY m.number");
const INSERT: Sql = Sql::new(
    "INSERT INTO maintenance_session (institution, number, actor, scopes, words, opened_by, opened_ms, valid_from_ms, \
     valid_until_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);
/// A guard is a statement of its own behind the touch of the person: its look is taken after the row lock was got.
const STILL_BELOW: Sql = Sql::new(
    "UPDATE person SET disabled = disabled WHERE institution = $1 AND actor = $2 AND (\
       SELECT COUNT(*) FROM maintenance_session m WHERE m.institution = $1 AND m.actor = $2 AND m.valid_until_ms > $3 \
       AND m.ended_ms IS NULL) < $4",
);
/// Nobody approves what the own account opened, whatever was decided before.
const APPROVE: Sql = Sql::new(
    "UPDATE maintenance_session SET approved_by = $1, approved_ms = $2, approved_office = $5 \
     WHERE institution = $3 AND number = $4 AND approved_ms IS NULL AND ended_ms IS NULL AND valid_until_ms > $2 AND opened_by <> $1",
);
const TAKE_BACK: Sql = Sql::new(
    "UPDATE maintenance_session SET approved_by = NULL, approved_ms = NULL, approved_office = NULL \
     WHERE institution = $1 AND number = $2 AND approved_by = $3 AND approved_ms = $4",
);
const END: Sql = Sql::new(
    "UPDATE maintenance_session SET ended_ms = $1, ended_by = $2 WHERE institution = $3 AND number = $4 AND ended_ms IS NULL",
);

/// Keeps a session that waits for its approval. A number that is taken is a [`CatalogError::Constraint`].
#[must_use]
pub fn insert(institution: &InstitutionId, row: &MaintenanceRow) -> Statement {
    Statement::new(
        INSERT,
        vec![
            institution.into(),
            number_value(row.number),
            (&row.actor).into(),
            words_of(&row.scopes).as_str().into(),
            row.words.clone().into(),
            (&row.opened_by).into(),
            row.opened.into(),
            row.valid_from.into(),
            row.valid_until.into(),
        ],
    )
    .expecting(1)
}

/// Goes before [`insert`]: the transaction fails with [`CatalogError::UnexpectedRows`] unless the vendor has less than `max` sessions
/// that are not over, so that sessions opened at the same time cannot share one count.
#[must_use]
pub fn still_below(
    institution: &InstitutionId,
    actor: &ActorId,
    now: Timestamp,
    max: usize,
) -> [Statement; 2] {
    let max = i64::try_from(max).unwrap_or(i64::MAX).into();
    let guard = Statement::new(STILL_BELOW, vec![institution.into(), actor.into(), now.into(), max]);
    [touch(institution, actor), guard.expecting(1)]
}

/// Approved sessions of a vendor that open something now or will: a look-up for a decision.
pub fn open_of(institution: &InstitutionId, actor: &ActorId, now: Timestamp) -> LookUp<Vec<MaintenanceRow>> {
    let values = vec![institution.into(), actor.into(), now.into()];
    LookUp::new(Statement::new(OPEN_OF, values), all)
}

/// One session.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    number: u64,
) -> Result<Option<MaintenanceRow>, CatalogError> {
    let values = vec![institution.into(), number_value(number)];
    Ok(all(&database.query(Statement::new(FIND, values)).await?)?.pop())
}

/// Sessions, the newest first.
///
/// # Errors
/// As [`Database::query`].
pub async fn list(
    database: &Database,
    institution: &InstitutionId,
    limit: u32,
) -> Result<Vec<MaintenanceRow>, CatalogError> {
    all(&database.query(Statement::new(LIST, vec![institution.into(), limit.into()])).await?)
}

/// Sessions of which nobody has written down that they are over.
///
/// # Errors
/// As [`Database::query`].
pub async fn not_ended(
    database: &Database,
    institution: &InstitutionId,
) -> Result<Vec<MaintenanceRow>, CatalogError> {
    all(&database.query(Statement::new(NOT_ENDED, vec![institution.into()])).await?)
}

/// Approves a session, in an office. Changes no row where that was done, where it is over, or where who approves is who opened it.
#[must_use]
pub fn approve(
    institution: &InstitutionId,
    number: u64,
    by: &ActorId,
    office: Role,
    now: Timestamp,
) -> Statement {
    let values =
        vec![by.into(), now.into(), institution.into(), number_value(number), office.as_str().into()];
    Statement::new(APPROVE, values)
}

/// Takes an approval away that lapsed: goes before [`approve`]. The transaction fails with [`CatalogError::UnexpectedRows`] when it is another one
/// by now.
#[must_use]
pub fn take_back(institution: &InstitutionId, number: u64, by: &ActorId, at: Timestamp) -> Statement {
    let values = vec![institution.into(), number_value(number), by.into(), at.into()];
    Statement::new(TAKE_BACK, values).expecting(1)
}

/// Ends a session: by somebody, or because its time is over. Changes no row when it is over already.
#[must_use]
pub fn end(institution: &InstitutionId, number: u64, now: Timestamp, by: Option<&ActorId>) -> Statement {
    Statement::new(
        END,
        vec![now.into(), by.map(ActorId::as_str).into(), institution.into(), number_value(number)],
    )
}

// === rows ===

fn number_value(number: u64) -> crate::Value {
    // Numbers are drawn below 2^53; what is larger names no session.
    i64::try_from(number).unwrap_or(-1).into()
}

fn words_of(scopes: &BTreeSet<MaintenanceScope>) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

fn all(rows: &[Row]) -> Result<Vec<MaintenanceRow>, CatalogError> {
    rows.iter().map(row_of).collect()
}

fn row_of(row: &Row) -> Result<MaintenanceRow, CatalogError> {
    let approved = match row.opt_i64(9)? {
        Some(at) => Some((actor(row, 8)?, Timestamp::from_ms(at))),
        None => None,
    };
    Ok(MaintenanceRow {
        number: row.get_number(0)?,
        actor: actor(row, 1)?,
        // A word that is not known any more opens nothing.
        scopes: row.get_text(2)?.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect(),
        words: row.opt_bytes(3)?.unwrap_or_default().to_vec(),
        opened_by: actor(row, 4)?,
        opened: row.get_timestamp(5)?,
        valid_from: row.get_timestamp(6)?,
        valid_until: row.get_timestamp(7)?,
        approved,
        approver: holding_of(row, 12)?,
        ended: row.opt_i64(10)?.map(Timestamp::from_ms),
        ended_by: row.opt_text(11)?.map(|_| actor(row, 11)).transpose()?,
    })
}
