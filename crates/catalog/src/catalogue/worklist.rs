//! The modality worklist (PS3.4 annex K): scheduled procedure steps, entered by people and programs.
//!
//! Rows are written durably and survive [`wipe`](super::wipe). What names a patient is sealed, and found by keyed
//! tokens; plain are the station, the modality, the time and the state.

use super::moment::{date_column, date_from, push_dates, time_column, time_from};
use super::{Date, TimeOfDay, Token};
use crate::{CatalogError, Database, Row, Statement, StatementBuilder};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use yingdun_model::{InstitutionId, StepRef, StepState};

/// One scheduled procedure step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorklistRow {
    /// Where.
    pub institution: InstitutionId,
    /// The pseudonym of the step.
    pub reference: StepRef,
    /// How far it has come.
    pub state: StepState,
    /// Modality (0008,0060).
    pub modality: String,
    /// Scheduled Station AE Title (0040,0001), several parted by backslashes.
    pub stations: String,
    /// Scheduled Procedure Step Start Date (0040,0002).
    pub start_date: Option<Date>,
    /// Scheduled Procedure Step Start Time (0040,0003).
    pub start_time: Option<TimeOfDay>,
    /// All attributes, sealed.
    pub sealed: Vec<u8>,
}

/// Which steps are meant. All conditions hold together; an empty list is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorklistFilter {
    /// Steps of this institution.
    pub institution: InstitutionId,
    /// In this state.
    pub state: StepState,
    /// Which begin on one of these days.
    pub start_date: Option<RangeInclusive<Date>>,
    /// Of one of these modalities.
    pub modalities: Vec<String>,
    /// With one token of each list.
    pub tokens: Vec<Vec<Token>>,
}

/// Where a step stands in the order of answers: by day, time, reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorklistCursor {
    start_date: i64,
    start_time: i64,
    reference: StepRef,
}

impl WorklistRow {
    /// The place of this step in the order of answers, to begin the next page behind it.
    #[must_use]
    pub fn cursor(&self) -> WorklistCursor {
        WorklistCursor {
            start_date: date_column(self.start_date),
            start_time: time_column(self.start_time),
            reference: self.reference,
        }
    }
}

/// The changes that enter a step and the tokens by which it is found. One that is known is a
/// [`CatalogError::Constraint`].
#[must_use]
pub fn insert(row: &WorklistRow, tokens: &BTreeSet<Token>) -> Vec<Statement> {
    let insert = "INSERT INTO worklist_item (institution, step_ref, state, modality, stations, start_date, \
         start_time, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let mut statements = vec![Statement::new(insert, values(row)).expecting(1)];
    statements.extend(insert_terms(row, tokens));
    statements
}

/// The changes that describe a step anew. Its state becomes that of the row, unless it is being performed or was. They
/// fail with [`CatalogError::UnexpectedRows`] when there is no such step.
#[must_use]
pub fn replace(row: &WorklistRow, tokens: &BTreeSet<Token>) -> Vec<Statement> {
    let update = "UPDATE worklist_item SET \
         state = CASE WHEN state IN ('started', 'completed') THEN state ELSE $3 END, modality = $4, stations = $5, start_date = $6, \
         start_time = $7, sealed = $8 WHERE institution = $1 AND step_ref = $2";
    let forget = "DELETE FROM worklist_term WHERE step_ref = $1";
    let mut statements = vec![
        Statement::new(update, values(row)).expecting(1),
        Statement::new(forget, vec![row.reference.into()]),
    ];
    statements.extend(insert_terms(row, tokens));
    statements
}

/// The change that cancels a step which waits or was begun. It fails with [`CatalogError::UnexpectedRows`] when there is
/// no such step.
#[must_use]
pub fn cancel(institution: &InstitutionId, reference: StepRef) -> Statement {
    let update = "UPDATE worklist_item SET state = 'cancelled' \
         WHERE institution = $1 AND step_ref = $2 AND state IN ('scheduled', 'started')";
    Statement::new(update, vec![institution.into(), reference.into()]).expecting(1)
}

/// A step.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    reference: StepRef,
) -> Result<Option<WorklistRow>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE w.institution = ").bind(institution);
    select.push(" AND w.step_ref = ").bind(reference);
    database.look_up(select.finish()).await?.first().map(row_of).transpose()
}

/// The next steps that fit the filter, by day and time; those without a day first, those without a time before others
/// of their day.
///
/// # Errors
/// As [`Database::query`].
pub async fn search(
    database: &Database,
    filter: &WorklistFilter,
    after: Option<WorklistCursor>,
    limit: u32,
) -> Result<Vec<WorklistRow>, CatalogError> {
    database.query(select(filter, after, limit)).await?.iter().map(row_of).collect()
}

// === statements and rows ===

const SELECT: &str = "SELECT w.institution, w.step_ref, w.state, w.modality, w.stations, w.start_date, \
     w.start_time, w.sealed FROM worklist_item w ";

/// The statement behind [`search`].
pub(super) fn select(filter: &WorklistFilter, after: Option<WorklistCursor>, limit: u32) -> Statement {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE w.institution = ").bind(&filter.institution);
    select.push(" AND w.state = ").bind(filter.state.as_str());
    push_dates(&mut select, "w.start_date", filter.start_date.as_ref());
    if !filter.modalities.is_empty() {
        select.push(" AND w.modality IN ").bind_list(filter.modalities.iter().map(String::as_str));
    }
    for alternatives in &filter.tokens {
        select.push(" AND w.step_ref IN (SELECT t.step_ref FROM worklist_term t WHERE t.term IN ");
        select.bind_list(alternatives.iter().map(|token| token.to_vec())).push(")");
    }
    if let Some(after) = after {
        select.push(" AND (w.start_date, w.start_time, w.step_ref) > (").bind(after.start_date);
        select.push(", ").bind(after.start_time).push(", ").bind(after.reference).push(")");
    }
    select.push(" ORDER BY w.start_date, w.start_time, w.step_ref LIMIT ").bind(limit);
    select.finish()
}

fn insert_terms(row: &WorklistRow, tokens: &BTreeSet<Token>) -> Option<Statement> {
    if tokens.is_empty() {
        return None;
    }
    let mut insert = StatementBuilder::new();
    insert.push("INSERT INTO worklist_term (term, step_ref) VALUES ");
    for (position, token) in tokens.iter().enumerate() {
        insert.push(if position > 0 { ", " } else { "" });
        insert.bind_row([crate::Value::from(token.to_vec()), row.reference.into()]);
    }
    Some(insert.finish())
}

fn values(row: &WorklistRow) -> Vec<crate::Value> {
    vec![
        (&row.institution).into(),
        row.reference.into(),
        row.state.as_str().into(),
        row.modality.as_str().into(),
        row.stations.as_str().into(),
        date_column(row.start_date).into(),
        time_column(row.start_time).into(),
        row.sealed.as_slice().into(),
    ]
}

fn row_of(row: &Row) -> Result<WorklistRow, CatalogError> {
    Ok(WorklistRow {
        institution: row.get_checked(0)?,
        reference: row.get_reference(1)?,
        state: row.get_word(2)?,
        modality: row.get_text(3)?.to_owned(),
        stations: row.get_text(4)?.to_owned(),
        start_date: date_from(row.get_i64(5)?)?,
        start_time: time_from(row.get_i64(6)?)?,
        sealed: row.get_bytes(7)?.to_vec(),
    })
}
