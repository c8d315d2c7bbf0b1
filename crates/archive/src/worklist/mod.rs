//! The modality worklist (PS3.4 annex K): what is to be done, entered by people and programs, asked for by modalities.
//!
//! ```text
//!  DICOM JSON ─► item: checked, sealed, tokens ─► row ─► filter (day, modality, tokens) ─► unseal ─► match again ─► answer
//! ```
//!
//! A step is known by its Study Instance UID and Scheduled Procedure Step ID: entering the same again is refused, and
//! describing it anew cannot make it another one. Whoever may read the worklist sees all of the institution's.

mod item;

use crate::error::{Unavailable, unavailable};
use crate::pseudonym::InstitutionKeys;
use crate::request::FoundRow;
use crate::shared::Core;
use item::Item;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;
use yingdun_access::{Refusal, Resource, Session, session_leaf};
use yingdun_audit::{Counts, Event, EventKind, Outcome, ReasonCode};
use yingdun_catalog::catalogue::Date;
use yingdun_catalog::catalogue::worklist::{self, WorklistFilter, WorklistRow};
use yingdun_catalog::{CatalogError, Statement};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::matching::Keys;
use yingdun_model::{Action, PatientRef, StepRef, StepState};

/// Steps that one search may read. Unsealing one takes some ten microseconds.
const ROWS_READ_MAX: usize = 20_000;

/// Steps that one search may answer: far more than a modality shows to a person.
const ANSWERS_MAX: usize = 2_000;

/// Rows of one page of the catalogue.
const PAGE_ROWS: u32 = 500;

const ENTERED: ReasonCode = ReasonCode::new("worklist-entered");
const REPLACED: ReasonCode = ReasonCode::new("worklist-replaced");
const CANCELLED: ReasonCode = ReasonCode::new("worklist-cancelled");
const ANSWERED: ReasonCode = ReasonCode::new("answered");

/// A step as it was entered.
#[derive(Clone, PartialEq)]
pub struct WorklistEntry {
    /// Its pseudonym, by which it is described anew and cancelled.
    pub reference: StepRef,
    /// How far it has come.
    pub state: StepState,
    /// Its attributes in the DICOM JSON model.
    pub attributes: Map<String, Value>,
}

/// Which steps are to be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorklistRequest {
    /// In which state.
    pub state: StepState,
    /// On which days; any when absent.
    pub days: Option<RangeInclusive<Date>>,
    /// At most so many, the earliest first.
    pub limit: u32,
}

/// Why something was not done with the worklist.
#[derive(Debug, thiserror::Error)]
pub enum WorklistError {
    /// The policy does not let this actor.
    #[error("the worklist is refused: {reason}")]
    Refused {
        /// The stable reason code of the decision.
        reason: String,
    },
    /// The attributes are not those of a worklist item. Never shows a value.
    #[error("{0}")]
    Item(String),
    /// The step is there already.
    #[error("a step with this Study Instance UID and Scheduled Procedure Step ID is there already")]
    Exists,
    /// There is no such step, or it is cancelled or over already.
    #[error("there is no such step that waits or is begun")]
    NotFound,
    /// More steps would have to be read or answered than the bound.
    #[error("the search is too broad: add a date, a station or a patient")]
    TooBroad,
    /// A part of the archive does not answer.
    #[error("the worklist does not answer now: {0}")]
    Unavailable(Unavailable),
}

/// Enters a step.
pub(crate) async fn enter(
    core: &Core,
    session: &Session,
    attributes: Map<String, Value>,
) -> Result<StepRef, WorklistError> {
    let keys = may_change(core, session).await?;
    let item = Item::read(&keys, attributes)?;
    change(core, session, worklist::insert(&item.row, &item.tokens), ENTERED, Some(item.patient)).await?;
    Ok(item.row.reference)
}

/// Describes a step anew; one that was cancelled or discontinued is scheduled again.
pub(crate) async fn replace(
    core: &Core,
    session: &Session,
    reference: StepRef,
    attributes: Map<String, Value>,
) -> Result<(), WorklistError> {
    let keys = may_change(core, session).await?;
    let item = Item::read(&keys, attributes)?;
    if item.row.reference != reference {
        let other = "Study Instance UID and Scheduled Procedure Step ID are those of another step";
        return Err(WorklistError::Item(other.to_owned()));
    }
    change(core, session, worklist::replace(&item.row, &item.tokens), REPLACED, Some(item.patient)).await
}

/// Cancels a step: no worklist shows it any more.
pub(crate) async fn cancel(core: &Core, session: &Session, reference: StepRef) -> Result<(), WorklistError> {
    let keys = may_change(core, session).await?;
    let cancel = worklist::cancel(&keys.institution, reference);
    change(core, session, vec![cancel], CANCELLED, None).await
}

/// Lists steps as they were entered.
pub(crate) async fn list(
    core: &Core,
    session: &Session,
    request: &WorklistRequest,
) -> Result<Vec<WorklistEntry>, WorklistError> {
    let keys = may_read(core, session).await?;
    let filter = WorklistFilter {
        institution: keys.institution.clone(),
        state: request.state,
        start_date: request.days.clone(),
        modalities: Vec::new(),
        tokens: Vec::new(),
    };
    let limit = request.limit.min(ANSWERS_MAX as u32);
    let database = core.catalogue.database();
    let rows = worklist::search(database, &filter, None, limit).await.map_err(not_read)?;
    let entries: Vec<WorklistEntry> =
        rows.into_iter().map(|row| entry(&keys, row)).collect::<Result<_, _>>()?;
    answered(core, session, entries.len()).await?;
    Ok(entries)
}

/// What a modality is told of: what waits, and what is begun, because whoever performs it may load its worklist again. What
/// is over is told to nobody, so that it is not performed twice.
const TOLD: [StepState; 2] = [StepState::Scheduled, StepState::Started];

/// Answers a modality: the steps that wait or are begun and match, each with what was asked for, texts in UTF-8.
pub(crate) async fn find(
    core: &Core,
    session: &Session,
    asked: &Keys,
) -> Result<Vec<DataSet>, WorklistError> {
    let keys = may_read(core, session).await?;
    let (mut seen, mut answers) = (HashSet::new(), Vec::new());
    for state in TOLD {
        let filter = item::filter(&keys, state, asked);
        let mut after = None;
        loop {
            let page = worklist::search(core.catalogue.database(), &filter, after, PAGE_ROWS).await;
            let page = page.map_err(not_read)?;
            let last = page.len() < PAGE_ROWS as usize;
            after = page.last().map(WorklistRow::cursor);
            for row in page {
                // It may be begun between the two searches.
                if !seen.insert(row.reference) {
                    continue;
                }
                let set = item::as_scheduled(&entry(&keys, row)?);
                if asked.matches(&set) {
                    answers.push(asked.answer(&set));
                }
            }
            if last {
                break;
            }
            if seen.len() >= ROWS_READ_MAX || answers.len() > ANSWERS_MAX {
                return Err(WorklistError::TooBroad);
            }
        }
    }
    answered(core, session, answers.len()).await?;
    Ok(answers)
}

/// A question to the worklist of another system, which its asker may put. Whoever may read the worklist here may read that of a
/// device: it is told to modalities as a whole, and not patient by patient.
#[derive(Debug)]
pub struct WorklistElsewhere {
    core: Arc<Core>,
    session: Session,
}

impl WorklistElsewhere {
    pub(crate) async fn begin(core: &Arc<Core>, session: &Session) -> Result<Self, WorklistError> {
        may_read(core, session).await?;
        Ok(Self { core: Arc::clone(core), session: session.clone() })
    }

    /// Gives what came to whoever asked. The leaf that says how many steps leave is durable before they do.
    ///
    /// # Errors
    /// [`WorklistError::Unavailable`].
    pub async fn seen(self, steps: Vec<FoundRow>) -> Result<Vec<FoundRow>, WorklistError> {
        answered(&self.core, &self.session, steps.len()).await?;
        Ok(steps)
    }
}

// === helpers ===

/// The leaf of the decision says that a change is intended; its outcome is a leaf of its own.
async fn may_change(core: &Core, session: &Session) -> Result<Arc<InstitutionKeys>, WorklistError> {
    let here = Resource::Archive(session.institution().clone());
    let permit = core.access.authorise(session, Action::ManageWorklist, here).await.map_err(refused)?;
    core.institution_keys(permit.institution()).await.map_err(WorklistError::Unavailable)
}

/// A yes is said by the leaf of the answer; a no is a leaf of its own.
async fn may_read(core: &Core, session: &Session) -> Result<Arc<InstitutionKeys>, WorklistError> {
    let here = Resource::Archive(session.institution().clone());
    if !core.access.decide(session, Action::ReadWorklist, &here).await.map_err(refused)?.permitted {
        core.access.authorise(session, Action::ReadWorklist, here).await.map(drop).map_err(refused)?;
    }
    core.institution_keys(session.institution()).await.map_err(WorklistError::Unavailable)
}

async fn change(
    core: &Core,
    session: &Session,
    statements: Vec<Statement>,
    reason: ReasonCode,
    patient: Option<PatientRef>,
) -> Result<(), WorklistError> {
    let done = core.catalogue.database().execute(statements).await;
    let outcome = if done.is_ok() { Outcome::Succeeded } else { Outcome::Failed };
    let leaf = Event {
        patient,
        ..leaf(core, session, EventKind::Administration, outcome, Action::ManageWorklist, reason)
    };
    core.append_leaf(leaf).await.map_err(WorklistError::Unavailable)?;
    done.map(drop).map_err(|error| match error {
        CatalogError::Constraint(_) => WorklistError::Exists,
        CatalogError::UnexpectedRows { .. } => WorklistError::NotFound,
        other => not_read(other),
    })
}

async fn answered(core: &Core, session: &Session, rows: usize) -> Result<(), WorklistError> {
    let outcome = Outcome::Succeeded;
    let leaf = leaf(core, session, EventKind::Query, outcome, Action::ReadWorklist, ANSWERED);
    let leaf = Event { counts: Counts::new().with("rows", rows as u64), ..leaf };
    core.append_leaf(leaf).await.map(drop).map_err(WorklistError::Unavailable)
}

fn leaf(
    core: &Core,
    session: &Session,
    kind: EventKind,
    outcome: Outcome,
    action: Action,
    reason: ReasonCode,
) -> Event {
    Event {
        kind,
        outcome,
        action: Some(action),
        policy_set: Some(core.access.policy_set()),
        ..session_leaf(session, reason)
    }
}

fn entry(keys: &InstitutionKeys, row: WorklistRow) -> Result<WorklistEntry, WorklistError> {
    let attributes = item::open(keys, row.reference, row.sealed)
        .map_err(|error| WorklistError::Unavailable(Unavailable::new("catalogue", error)))?;
    Ok(WorklistEntry { reference: row.reference, state: row.state, attributes })
}

fn refused(refusal: Refusal) -> WorklistError {
    match refusal.reason() {
        Some(reason) => WorklistError::Refused { reason: reason.to_string() },
        None => WorklistError::Unavailable(Unavailable::new("access", refusal)),
    }
}

fn not_read(error: CatalogError) -> WorklistError {
    WorklistError::Unavailable(unavailable(error))
}

/// Never shows an attribute: it names a patient.
impl std::fmt::Debug for WorklistEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WorklistEntry({}, {})", self.reference, self.state)
    }
}
