//! Performed procedure steps (PS3.4 annex F): what modalities report to have done.
//!
//! Rows are written durably and survive [`wipe`](super::wipe). What names a patient is sealed; plain are who reported,
//! the station, the modality, the start and the state. A row changes only while its step is in progress, and only from
//! the revision that whoever changes it has read: of two changes at the same time, one fails.

use super::moment::{date_column, date_from, push_dates, time_column, time_from};
use super::{Date, TimeOfDay};
use crate::{CatalogError, Database, Row, Statement, StatementBuilder, Value};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use yingdun_model::{
    AeTitle, InstanceRef, InstitutionId, PerformedState, PerformedStepRef, StepRef, StepState, StudyRef,
};

/// One performed procedure step, without its series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerformedRow {
    /// Where.
    pub institution: InstitutionId,
    /// The pseudonym of the step.
    pub reference: PerformedStepRef,
    /// How far it has come.
    pub state: PerformedState,
    /// The title of the device that reports it.
    pub reporter: AeTitle,
    /// Performed Station AE Title (0040,0241).
    pub station: String,
    /// Modality (0008,0060).
    pub modality: String,
    /// Performed Procedure Step Start Date (0040,0244).
    pub start_date: Option<Date>,
    /// Performed Procedure Step Start Time (0040,0245).
    pub start_time: Option<TimeOfDay>,
    /// How often it was changed.
    pub revision: u32,
    /// All attributes but the Performed Series Sequence, sealed.
    pub sealed: Vec<u8>,
}

/// What a performed step is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PerformedLinks {
    /// Its studies.
    pub studies: BTreeSet<StudyRef>,
    /// The scheduled steps that it performs.
    pub scheduled: BTreeSet<StepRef>,
}

/// Which steps are meant. All conditions hold together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerformedFilter {
    /// Steps of this institution.
    pub institution: InstitutionId,
    /// Of this study.
    pub study: Option<StudyRef>,
    /// In this state.
    pub state: Option<PerformedState>,
    /// Performed by this station.
    pub station: Option<String>,
    /// Which began on one of these days.
    pub start_date: Option<RangeInclusive<Date>>,
}

/// Where a step stands in the order of answers: the newest first, by day, time, reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerformedCursor {
    start_date: i64,
    start_time: i64,
    reference: PerformedStepRef,
}

impl PerformedRow {
    /// The place of this step in the order of answers, to begin the next page behind it.
    #[must_use]
    pub fn cursor(&self) -> PerformedCursor {
        PerformedCursor {
            start_date: date_column(self.start_date),
            start_time: time_column(self.start_time),
            reference: self.reference,
        }
    }
}

/// The changes that keep a new step. One that is known is a [`CatalogError::Constraint`].
#[must_use]
pub fn insert(row: &PerformedRow, series: &[u8], links: &PerformedLinks) -> Vec<Statement> {
    let insert = "INSERT INTO performed_step (institution, step_ref, state, reporter, station, modality, \
         start_date, start_time, revision, sealed, sealed_series) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let values = vec![
        (&row.institution).into(),
        row.reference.into(),
        row.state.as_str().into(),
        row.reporter.as_str().into(),
        row.station.as_str().into(),
        row.modality.as_str().into(),
        date_column(row.start_date).into(),
        time_column(row.start_time).into(),
        row.revision.into(),
        row.sealed.as_slice().into(),
        series.into(),
    ];
    let mut statements = vec![Statement::new(insert, values).expecting(1)];
    statements.extend(insert_links(
        row.reference,
        "INSERT INTO performed_study (study_ref, step_ref) VALUES ",
        links.studies.iter().map(|study| Value::from(*study)).collect(),
    ));
    statements.extend(insert_links(
        row.reference,
        "INSERT INTO performed_scheduled (scheduled_ref, step_ref) VALUES ",
        links.scheduled.iter().map(|step| Value::from(*step)).collect(),
    ));
    statements
}

/// The change of state and attributes of a step that is in progress. It fails with
/// [`CatalogError::UnexpectedRows`] when the step is not, or was changed since it was read.
#[must_use]
pub fn change(row: &PerformedRow, series: &[u8], state: PerformedState, sealed: &[u8]) -> Statement {
    let update = "UPDATE performed_step SET state = $4, sealed = $5, sealed_series = $6, revision = revision + 1 \
         WHERE institution = $1 AND step_ref = $2 AND revision = $3 AND state = 'in-progress'";
    let values = vec![
        (&row.institution).into(),
        row.reference.into(),
        row.revision.into(),
        state.as_str().into(),
        sealed.into(),
        series.into(),
    ];
    Statement::new(update, values).expecting(1)
}

/// The changes by which scheduled steps follow the step that performs them; none when it performs none. They belong behind
/// [`insert`] or [`change`], in the same transaction.
///
/// * Begun: what waits, was cancelled or was discontinued before is started.
/// * Completed: whatever it was, it is completed.
/// * Over without having been completed: what was started goes to `to`, unless another step still performs it.
#[must_use]
pub fn follow(
    institution: &InstitutionId,
    step: PerformedStepRef,
    scheduled: &BTreeSet<StepRef>,
    to: StepState,
) -> Vec<Statement> {
    if scheduled.is_empty() {
        return Vec::new();
    }
    let mut statements = Vec::new();
    let mut update = StatementBuilder::new();
    update.push("UPDATE worklist_item SET state = ").bind(to.as_str());
    push_scheduled(&mut update, institution, scheduled);
    match to {
        StepState::Completed => {}
        StepState::Started => {
            update.push(" AND state IN ('scheduled', 'cancelled', 'discontinued')");
        }
        StepState::Scheduled | StepState::Cancelled | StepState::Discontinued => {
            // Of two steps that are over at the same moment, each would see the other still at work. So the second waits
            // here for the first, and what follows sees what that one did.
            let mut lock = StatementBuilder::new();
            lock.push("UPDATE worklist_item SET state = state");
            push_scheduled(&mut lock, institution, scheduled);
            statements.push(lock.finish());
            update.push(
                " AND state = 'started' AND NOT EXISTS (SELECT 1 FROM performed_scheduled l, performed_step p \
                 WHERE l.scheduled_ref = worklist_item.step_ref AND p.step_ref = l.step_ref \
                 AND p.state = 'in-progress' AND p.step_ref <> ",
            );
            update.bind(step).push(")");
        }
    }
    statements.push(update.finish());
    statements
}

/// A step and its series, sealed.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    reference: PerformedStepRef,
) -> Result<Option<(PerformedRow, Vec<u8>)>, CatalogError> {
    let mut select = StatementBuilder::new();
    select
        .push("SELECT ")
        .push(COLUMNS)
        .push(", p.sealed_series FROM performed_step p WHERE p.institution = ");
    select.bind(institution).push(" AND p.step_ref = ").bind(reference);
    let rows = database.look_up(select.finish()).await?;
    rows.first().map(|row| Ok((row_of(row)?, row.get_bytes(10)?.to_vec()))).transpose()
}

/// What a step is about.
///
/// # Errors
/// As [`Database::query`].
pub async fn links(database: &Database, reference: PerformedStepRef) -> Result<PerformedLinks, CatalogError> {
    let of = |select| database.query(Statement::new(select, vec![reference.into()]));
    let studies = of("SELECT study_ref FROM performed_study WHERE step_ref = $1").await?;
    let scheduled = of("SELECT scheduled_ref FROM performed_scheduled WHERE step_ref = $1").await?;
    Ok(PerformedLinks {
        studies: studies.iter().map(|row| row.get_reference(0)).collect::<Result<_, _>>()?,
        scheduled: scheduled.iter().map(|row| row.get_reference(0)).collect::<Result<_, _>>()?,
    })
}

/// The next steps that fit the filter, the newest first.
///
/// # Errors
/// As [`Database::query`].
pub async fn search(
    database: &Database,
    filter: &PerformedFilter,
    after: Option<PerformedCursor>,
    limit: u32,
) -> Result<Vec<PerformedRow>, CatalogError> {
    database.query(select(filter, after, limit)).await?.iter().map(row_of).collect()
}

/// Which of these instances are here, in one of these studies. The list is bounded by the caller.
///
/// # Errors
/// As [`Database::query`].
pub async fn held(
    database: &Database,
    institution: &InstitutionId,
    studies: &BTreeSet<StudyRef>,
    instances: &[InstanceRef],
) -> Result<BTreeSet<InstanceRef>, CatalogError> {
    let rows = database.query(select_held(institution, studies, instances)).await?;
    rows.iter().map(|row| row.get_reference(0)).collect()
}

// === statements and rows ===

const COLUMNS: &str = "p.institution, p.step_ref, p.state, p.reporter, p.station, p.modality, p.start_date, \
     p.start_time, p.revision, p.sealed";

/// The statement behind [`search`].
pub(super) fn select(filter: &PerformedFilter, after: Option<PerformedCursor>, limit: u32) -> Statement {
    let mut select = StatementBuilder::new();
    select.push("SELECT ").push(COLUMNS).push(" FROM performed_step p WHERE p.institution = ");
    select.bind(&filter.institution);
    if let Some(study) = filter.study {
        select.push(" AND p.step_ref IN (SELECT l.step_ref FROM performed_study l WHERE l.study_ref = ");
        select.bind(study).push(")");
    }
    if let Some(state) = filter.state {
        select.push(" AND p.state = ").bind(state.as_str());
    }
    if let Some(station) = &filter.station {
        select.push(" AND p.station = ").bind(station.as_str());
    }
    push_dates(&mut select, "p.start_date", filter.start_date.as_ref());
    if let Some(after) = after {
        select.push(" AND (p.start_date, p.start_time, p.step_ref) < (").bind(after.start_date);
        select.push(", ").bind(after.start_time).push(", ").bind(after.reference).push(")");
    }
    select.push(" ORDER BY p.start_date DESC, p.start_time DESC, p.step_ref DESC LIMIT ").bind(limit);
    select.finish()
}

/// The statement behind [`held`].
pub(super) fn select_held(
    institution: &InstitutionId,
    studies: &BTreeSet<StudyRef>,
    instances: &[InstanceRef],
) -> Statement {
    let mut select = StatementBuilder::new();
    select.push("SELECT DISTINCT i.instance_ref FROM instance i CROSS JOIN series r ");
    select.push("WHERE r.series_ref = i.series_ref AND NOT r.institution <> ").bind(institution);
    select.push(" AND i.instance_ref IN ").bind_list(instances.iter().copied());
    select.push(" AND r.study_ref IN ").bind_list(studies.iter().copied());
    select.finish()
}

fn push_scheduled(update: &mut StatementBuilder, institution: &InstitutionId, scheduled: &BTreeSet<StepRef>) {
    update.push(" WHERE institution = ").bind(institution);
    update.push(" AND step_ref IN ").bind_list(scheduled.iter().copied());
}

fn insert_links(step: PerformedStepRef, insert_into: &'static str, links: Vec<Value>) -> Option<Statement> {
    if links.is_empty() {
        return None;
    }
    let mut insert = StatementBuilder::new();
    insert.push(insert_into);
    for (position, link) in links.into_iter().enumerate() {
        insert.push(if position > 0 { ", " } else { "" });
        insert.bind_row([link, step.into()]);
    }
    Some(insert.finish())
}

fn row_of(row: &Row) -> Result<PerformedRow, CatalogError> {
    Ok(PerformedRow {
        institution: row.get_checked(0)?,
        reference: row.get_reference(1)?,
        state: row.get_word(2)?,
        reporter: row.get_checked(3)?,
        station: row.get_text(4)?.to_owned(),
        modality: row.get_text(5)?.to_owned(),
        start_date: date_from(row.get_i64(6)?)?,
        start_time: time_from(row.get_i64(7)?)?,
        revision: row.get_number(8)?,
        sealed: row.get_bytes(9)?.to_vec(),
    })
}
