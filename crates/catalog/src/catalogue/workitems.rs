//! The unified worklist (PS3.4 annex CC): workitems, found by time, state and token.
//!
//! Rows are written durably and survive [`wipe`](super::wipe). What names a patient is sealed, and found by keyed
//! tokens; plain are the state and the times. A change names the revision that it was made from, so of two that were made
//! from the same one, one is refused.

use super::moment::{date_column, date_from, push_dates, time_column, time_from};
use super::{Date, TimeOfDay, Token};
use crate::{CatalogError, Database, Row, Statement, StatementBuilder, Value};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use yingdun_model::{InstitutionId, Timestamp, WorkitemRef, WorkitemState};

/// One workitem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkitemRow {
    /// Where.
    pub institution: InstitutionId,
    /// The pseudonym of the workitem.
    pub reference: WorkitemRef,
    /// How far it has come.
    pub state: WorkitemState,
    /// Counts its changes, from 0.
    pub revision: i64,
    /// The day of Scheduled Procedure Step Start DateTime (0040,4005).
    pub start_date: Option<Date>,
    /// The time of the same.
    pub start_time: Option<TimeOfDay>,
    /// When it was changed.
    pub changed: Timestamp,
    /// All else, sealed.
    pub sealed: Vec<u8>,
}

/// Which workitems are meant. All conditions hold together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkitemFilter {
    /// Workitems of this institution.
    pub institution: InstitutionId,
    /// In this state.
    pub state: Option<WorkitemState>,
    /// Which begin on one of these days.
    pub start_date: Option<RangeInclusive<Date>>,
    /// With one token of each list.
    pub tokens: Vec<Vec<Token>>,
}

/// Where a workitem stands in the order of answers: by day, time, reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkitemCursor {
    start_date: i64,
    start_time: i64,
    reference: WorkitemRef,
}

impl WorkitemRow {
    /// The place of this workitem in the order of answers, to begin the next page behind it.
    #[must_use]
    pub fn cursor(&self) -> WorkitemCursor {
        WorkitemCursor {
            start_date: date_column(self.start_date),
            start_time: time_column(self.start_time),
            reference: self.reference,
        }
    }
}

/// The changes that create a workitem and the tokens by which it is found. One that is known is a
/// [`CatalogError::Constraint`].
#[must_use]
pub fn insert(row: &WorkitemRow, tokens: &BTreeSet<Token>) -> Vec<Statement> {
    let insert = "INSERT INTO ups_workitem (institution, workitem_ref, state, revision, start_date, start_time, \
         changed_ms, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let mut statements = vec![Statement::new(insert, values(row)).expecting(1)];
    statements.extend(insert_terms(row.reference, tokens));
    statements
}

/// The changes that make the next revision of a workitem. They fail with [`CatalogError::UnexpectedRows`] when the
/// present one is not the one before.
#[must_use]
pub fn replace(row: &WorkitemRow, tokens: &BTreeSet<Token>) -> Vec<Statement> {
    let update = "UPDATE ups_workitem SET state = $3, revision = $4, start_date = $5, start_time = $6, \
         changed_ms = $7, sealed = $8 WHERE institution = $1 AND workitem_ref = $2 AND revision = $4 - 1";
    let mut statements = vec![Statement::new(update, values(row)).expecting(1), forget_terms(row.reference)];
    statements.extend(insert_terms(row.reference, tokens));
    statements
}

/// The condition that a workitem still is of a revision: else the transaction fails with [`CatalogError::UnexpectedRows`].
#[must_use]
pub fn unchanged(reference: WorkitemRef, revision: i64) -> Statement {
    let update = "UPDATE ups_workitem SET revision = revision WHERE workitem_ref = $1 AND revision = $2";
    Statement::new(update, vec![reference.into(), revision.into()]).expecting(1)
}

/// The changes that remove a workitem, all subscriptions to it with it, and remember that there was one.
#[must_use]
pub fn remove(reference: WorkitemRef, now: Timestamp) -> Vec<Statement> {
    let by_reference = |sql: &'static str| Statement::new(sql, vec![reference.into()]);
    vec![
        by_reference("DELETE FROM ups_workitem WHERE workitem_ref = $1").expecting(1),
        forget_terms(reference),
        by_reference("DELETE FROM ups_subscription WHERE workitem_ref = $1"),
        Statement::new(
            "INSERT INTO ups_removed (workitem_ref, removed_ms) VALUES ($1, $2)",
            vec![reference.into(), now.into()],
        ),
    ]
}

/// The change that forgets which workitems were removed before a moment.
#[must_use]
pub fn forget_removed(before: Timestamp) -> Statement {
    Statement::new("DELETE FROM ups_removed WHERE removed_ms < $1", vec![before.into()])
}

/// A workitem.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    reference: WorkitemRef,
) -> Result<Option<WorkitemRow>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE w.institution = ").bind(institution);
    select.push(" AND w.workitem_ref = ").bind(reference);
    database.look_up(select.finish()).await?.first().map(row_of).transpose()
}

/// Whether there was a workitem that was removed.
///
/// # Errors
/// As [`Database::query`].
pub async fn was_removed(database: &Database, reference: WorkitemRef) -> Result<bool, CatalogError> {
    let select = "SELECT removed_ms FROM ups_removed WHERE workitem_ref = $1";
    Ok(!database.look_up(Statement::new(select, vec![reference.into()])).await?.is_empty())
}

/// The next workitems that fit the filter, by day and time; those without a day first, those without a time before
/// others of their day.
///
/// # Errors
/// As [`Database::query`].
pub async fn search(
    database: &Database,
    filter: &WorkitemFilter,
    after: Option<WorkitemCursor>,
    limit: u32,
) -> Result<Vec<WorkitemRow>, CatalogError> {
    database.query(select(filter, after, limit)).await?.iter().map(row_of).collect()
}

/// How many workitems an institution has, in whatever state.
///
/// # Errors
/// As [`Database::query`].
pub async fn count(database: &Database, institution: &InstitutionId) -> Result<u64, CatalogError> {
    let count = "SELECT count(*) FROM ups_workitem WHERE institution = $1";
    let rows = database.query(Statement::new(count, vec![institution.into()])).await?;
    rows.first().map_or(Ok(0), |row| row.get_number(0))
}

/// Workitems of all institutions that have been in a final state since before a moment and that nobody locks against
/// removal, the longest ended first.
///
/// # Errors
/// As [`Database::query`].
pub async fn ended_before(
    database: &Database,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<WorkitemRef>, CatalogError> {
    let select = "SELECT w.workitem_ref FROM ups_workitem w WHERE w.state IN ('COMPLETED', 'CANCELED') \
         AND w.changed_ms < $1 AND NOT EXISTS (SELECT 1 FROM ups_subscription s \
         WHERE s.workitem_ref = w.workitem_ref AND s.deletion_lock = 1) ORDER BY w.changed_ms LIMIT $2";
    let rows = database.query(Statement::new(select, vec![before.into(), limit.into()])).await?;
    rows.iter().map(|row| row.get_reference(0)).collect()
}

// === statements and rows ===

const SELECT: &str = "SELECT w.institution, w.workitem_ref, w.state, w.revision, w.start_date, w.start_time, \
     w.changed_ms, w.sealed FROM ups_workitem w ";

/// The statement behind [`search`].
pub(super) fn select(filter: &WorkitemFilter, after: Option<WorkitemCursor>, limit: u32) -> Statement {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE w.institution = ").bind(&filter.institution);
    if let Some(state) = filter.state {
        select.push(" AND w.state = ").bind(state.as_str());
    }
    push_dates(&mut select, "w.start_date", filter.start_date.as_ref());
    for alternatives in &filter.tokens {
        select.push(" AND w.workitem_ref IN (SELECT t.workitem_ref FROM ups_term t WHERE t.term IN ");
        select.bind_list(alternatives.iter().map(|token| token.to_vec())).push(")");
    }
    if let Some(after) = after {
        select.push(" AND (w.start_date, w.start_time, w.workitem_ref) > (").bind(after.start_date);
        select.push(", ").bind(after.start_time).push(", ").bind(after.reference).push(")");
    }
    select.push(" ORDER BY w.start_date, w.start_time, w.workitem_ref LIMIT ").bind(limit);
    select.finish()
}

fn forget_terms(reference: WorkitemRef) -> Statement {
    Statement::new("DELETE FROM ups_term WHERE workitem_ref = $1", vec![reference.into()])
}

fn insert_terms(reference: WorkitemRef, tokens: &BTreeSet<Token>) -> Option<Statement> {
    if tokens.is_empty() {
        return None;
    }
    let mut insert = StatementBuilder::new();
    insert.push("INSERT INTO ups_term (term, workitem_ref) VALUES ");
    for (position, token) in tokens.iter().enumerate() {
        insert.push(if position > 0 { ", " } else { "" });
        insert.bind_row([Value::from(token.to_vec()), reference.into()]);
    }
    Some(insert.finish())
}

fn values(row: &WorkitemRow) -> Vec<Value> {
    vec![
        (&row.institution).into(),
        row.reference.into(),
        row.state.as_str().into(),
        row.revision.into(),
        date_column(row.start_date).into(),
        time_column(row.start_time).into(),
        row.changed.into(),
        row.sealed.as_slice().into(),
    ]
}

fn row_of(row: &Row) -> Result<WorkitemRow, CatalogError> {
    Ok(WorkitemRow {
        institution: row.get_checked(0)?,
        reference: row.get_reference(1)?,
        state: row.get_word(2)?,
        revision: row.get_i64(3)?,
        start_date: date_from(row.get_i64(4)?)?,
        start_time: time_from(row.get_i64(5)?)?,
        changed: row.get_timestamp(6)?,
        sealed: row.get_bytes(7)?.to_vec(),
    })
}
