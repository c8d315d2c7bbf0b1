//! Performed procedure steps (PS3.4 annex F): modalities report what they do, and the worklist follows.
//!
//! ```text
//!  N-CREATE ─► decide, leaf ─► report::begin ──► row, links ─┐
//!  N-SET ────► decide, leaf ─► report::change ─► row ────────┴─► scheduled steps follow, in the same transaction ─► leaf
//! ```
//!
//! A step belongs to the device that began it: no other may change it. What is over never changes again. Two changes at
//! the same time are made one after the other, each from what the one before it left. What people read is decided as the
//! worklist is; whether the instances that a step names have arrived is told by numbers, and only of those in its own
//! studies.

mod report;

pub use report::ReportFault;

use crate::error::{Unavailable, unavailable};
use crate::pseudonym::InstitutionKeys;
use crate::shared::Core;
use report::Attributes;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;
use yingdun_access::{Refusal, Resource, Session, session_leaf};
use yingdun_audit::{Counts, Event, EventKind, Outcome, ReasonCode};
use yingdun_catalog::catalogue::Date;
use yingdun_catalog::catalogue::performed::{self, PerformedFilter, PerformedLinks, PerformedRow};
use yingdun_catalog::{CatalogError, Statement};
use yingdun_crypto::{Context, Sealed};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::{Tag, from_json};
use yingdun_model::{
    Action, AeTitle, InstanceRef, PatientRef, PerformedState, PerformedStepRef, StudyRef, Uid,
};

/// Steps that one list may hold.
const LISTED_MAX: u32 = 1_000;

/// How often a change is tried anew because another one came first. Devices report a step some times in minutes.
const TRIES_MAX: u32 = 8;

/// Instances that are looked up at once.
const LOOKED_UP: usize = 500;

const BEGUN: ReasonCode = ReasonCode::new("step-begun");
const CHANGED: ReasonCode = ReasonCode::new("step-changed");
const COMPLETED: ReasonCode = ReasonCode::new("step-completed");
const DISCONTINUED: ReasonCode = ReasonCode::new("step-discontinued");
const OF_ANOTHER: ReasonCode = ReasonCode::new("step-of-another-device");
const ENDED: ReasonCode = ReasonCode::new("step-ended");
const ANSWERED: ReasonCode = ReasonCode::new("answered");

/// A performed procedure step.
#[derive(Clone, PartialEq)]
pub struct PerformedStep {
    /// Its pseudonym.
    pub reference: PerformedStepRef,
    /// How far it has come.
    pub state: PerformedState,
    /// The title of the device that reports it.
    pub reporter: AeTitle,
    /// Its attributes in the DICOM JSON model; in a list without the Performed Series Sequence.
    pub attributes: serde_json::Map<String, serde_json::Value>,
}

/// What of a series is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesArrival {
    /// Series Instance UID (0020,000E), as reported; none when it is not a UID.
    pub series: Option<Uid>,
    /// Instances that the device says it made.
    pub referenced: u64,
    /// How many of them the archive holds in a study of the step.
    pub arrived: u64,
}

/// Which steps are to be listed. All conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PerformedRequest {
    /// Of this study.
    pub study: Option<Uid>,
    /// In this state.
    pub state: Option<PerformedState>,
    /// Performed by this station (Performed Station AE Title).
    pub station: Option<String>,
    /// Begun on these days.
    pub days: Option<RangeInclusive<Date>>,
    /// Behind this step in the order of the list.
    pub after: Option<PerformedStepRef>,
    /// At most so many, the newest first.
    pub limit: u32,
}

/// Why a report was not taken, or steps were not told.
#[derive(Debug, thiserror::Error)]
pub enum PerformedError {
    /// The policy does not let this actor.
    #[error("performed procedure steps are refused: {reason}")]
    Refused {
        /// The stable reason code of the decision.
        reason: String,
    },
    /// The report does not hold what it must.
    #[error(transparent)]
    Report(#[from] ReportFault),
    /// There is a step with this SOP Instance UID already.
    #[error("a performed step with this SOP Instance UID is there already")]
    Exists,
    /// There is no such step.
    #[error("there is no such performed step")]
    NotFound,
    /// It is completed or discontinued (PS3.4 §F.7.2.2.3).
    #[error("the performed step may no longer be updated")]
    Ended,
    /// Another device began it.
    #[error("the performed step was begun by another device")]
    OfAnother,
    /// A part of the archive does not answer.
    #[error("performed steps cannot be kept or read now: {0}")]
    Unavailable(Unavailable),
}

/// Takes a report that a step begins.
pub(crate) async fn begin(
    core: &Core,
    session: &Session,
    reporter: &AeTitle,
    instance: &Uid,
    report: &DataSet,
) -> Result<(), PerformedError> {
    let keys = may_report(core, session).await?;
    let begun = report::begin(&keys.pseudonyms, instance, report::read(report)?)?;
    let reference = keys.pseudonyms.performed_step(instance);
    let state = PerformedState::InProgress;
    let to = report::scheduled_state(&begun.attributes, state);
    let (sealed, series) = seal(&keys, reference, begun.attributes)?;
    let row = PerformedRow {
        institution: keys.institution.clone(),
        reference,
        state,
        reporter: reporter.clone(),
        station: begun.station,
        modality: begun.modality,
        start_date: begun.start_date,
        start_time: begun.start_time,
        revision: 0,
        sealed,
    };
    let mut statements = performed::insert(&row, &series, &begun.links);
    statements.extend(performed::follow(&keys.institution, reference, &begun.links.scheduled, to));
    let done = core.catalogue.database().execute(statements).await;
    let about = About { patient: begun.patient, study: begun.links.studies.first().copied() };
    reported(core, session, BEGUN, done.is_ok(), about).await?;
    done.map(drop).map_err(|error| match error {
        CatalogError::Constraint(_) => PerformedError::Exists,
        other => not_kept(other),
    })
}

/// Takes a change of a step, and says what of it cannot be changed.
pub(crate) async fn change(
    core: &Core,
    session: &Session,
    reporter: &AeTitle,
    instance: &Uid,
    report: &DataSet,
) -> Result<Vec<Tag>, PerformedError> {
    let keys = may_report(core, session).await?;
    let changes = report::read(report)?;
    let reference = keys.pseudonyms.performed_step(instance);
    for _ in 0..TRIES_MAX {
        let (row, before) = known(core, &keys, reference).await?;
        let links = performed::links(core.catalogue.database(), reference).await.map_err(not_kept)?;
        let about = About { patient: None, study: links.studies.first().copied() };
        if row.reporter != *reporter {
            reported(core, session, OF_ANOTHER, false, about).await?;
            return Err(PerformedError::OfAnother);
        }
        if row.state != PerformedState::InProgress {
            reported(core, session, ENDED, false, about).await?;
            return Err(PerformedError::Ended);
        }
        let changed = report::change(&before, changes.clone())?;
        let reason = match changed.state {
            PerformedState::InProgress => CHANGED,
            PerformedState::Completed => COMPLETED,
            PerformedState::Discontinued => DISCONTINUED,
        };
        let statements = changed_to(&keys, &row, &links, changed.attributes, changed.state)?;
        let done = core.catalogue.database().execute(statements).await;
        if matches!(done, Err(CatalogError::UnexpectedRows { .. })) {
            continue;
        }
        reported(core, session, reason, done.is_ok(), about).await?;
        return done.map(|_| changed.kept).map_err(not_kept);
    }
    Err(PerformedError::Unavailable(Unavailable::new("catalogue", "the step changes too fast")))
}

/// Lists steps, the newest first, without their series.
pub(crate) async fn list(
    core: &Core,
    session: &Session,
    request: &PerformedRequest,
) -> Result<Vec<PerformedStep>, PerformedError> {
    let keys = may_read(core, session).await?;
    let database = core.catalogue.database();
    let after = match request.after {
        None => None,
        Some(step) => {
            let found = performed::find(database, &keys.institution, step).await.map_err(not_kept)?;
            Some(found.ok_or(PerformedError::NotFound)?.0.cursor())
        }
    };
    let filter = PerformedFilter {
        institution: keys.institution.clone(),
        study: request.study.as_ref().map(|study| keys.pseudonyms.study(study)),
        state: request.state,
        station: request.station.clone(),
        start_date: request.days.clone(),
    };
    let rows = performed::search(database, &filter, after, request.limit.min(LISTED_MAX)).await;
    let steps = rows.map_err(not_kept)?.into_iter().map(|row| {
        let attributes = open(&keys, row.reference, Part::Described, row.sealed)?;
        Ok(PerformedStep { reference: row.reference, state: row.state, reporter: row.reporter, attributes })
    });
    let steps: Vec<PerformedStep> = steps.collect::<Result<_, PerformedError>>()?;
    answered(core, session, steps.len(), None).await?;
    Ok(steps)
}

/// A step, and what of its series is here.
pub(crate) async fn read(
    core: &Core,
    session: &Session,
    reference: PerformedStepRef,
) -> Result<(PerformedStep, Vec<SeriesArrival>), PerformedError> {
    let keys = may_read(core, session).await?;
    let (row, attributes) = known(core, &keys, reference).await?;
    let links = performed::links(core.catalogue.database(), reference).await.map_err(not_kept)?;
    let arrivals = arrivals(core, &keys, &links, &attributes).await?;
    answered(core, session, 1, links.studies.first().copied()).await?;
    let step = PerformedStep { reference, state: row.state, reporter: row.reporter, attributes };
    Ok((step, arrivals))
}

/// The attributes of a step for a peer that asks by SOP Instance UID, texts in UTF-8 (PS3.4 §F.8.2.1).
pub(crate) async fn attributes(
    core: &Core,
    session: &Session,
    instance: &Uid,
) -> Result<DataSet, PerformedError> {
    let keys = may_read(core, session).await?;
    let reference = keys.pseudonyms.performed_step(instance);
    let (_, attributes) = known(core, &keys, reference).await?;
    let links = performed::links(core.catalogue.database(), reference).await.map_err(not_kept)?;
    answered(core, session, 1, links.studies.first().copied()).await?;
    Ok(from_json::data_set(&attributes))
}

// === helpers ===

/// What a leaf is about.
#[derive(Clone, Copy)]
struct About {
    patient: Option<PatientRef>,
    study: Option<StudyRef>,
}

/// The two sealed parts of a row: lists open the first one only.
#[derive(Clone, Copy)]
enum Part {
    Described,
    Series,
}

fn changed_to(
    keys: &InstitutionKeys,
    row: &PerformedRow,
    links: &PerformedLinks,
    attributes: Attributes,
    state: PerformedState,
) -> Result<Vec<Statement>, PerformedError> {
    let follow = (state != PerformedState::InProgress).then(|| {
        let to = report::scheduled_state(&attributes, state);
        performed::follow(&keys.institution, row.reference, &links.scheduled, to)
    });
    let (sealed, series) = seal(keys, row.reference, attributes)?;
    let change = performed::change(row, &series, state, &sealed);
    Ok(std::iter::once(change).chain(follow.into_iter().flatten()).collect())
}

/// A row and all of its attributes.
async fn known(
    core: &Core,
    keys: &InstitutionKeys,
    reference: PerformedStepRef,
) -> Result<(PerformedRow, Attributes), PerformedError> {
    let found = performed::find(core.catalogue.database(), &keys.institution, reference).await;
    let (row, series) = found.map_err(not_kept)?.ok_or(PerformedError::NotFound)?;
    let mut attributes = open(keys, reference, Part::Described, row.sealed.clone())?;
    attributes.extend(open(keys, reference, Part::Series, series)?);
    Ok((row, attributes))
}

async fn arrivals(
    core: &Core,
    keys: &InstitutionKeys,
    links: &PerformedLinks,
    attributes: &Attributes,
) -> Result<Vec<SeriesArrival>, PerformedError> {
    let database = core.catalogue.caught_up().await.map_err(PerformedError::Unavailable)?;
    let pseudonyms = |uids: BTreeSet<Uid>| -> BTreeSet<InstanceRef> {
        uids.iter().map(|uid| keys.pseudonyms.instance(uid)).collect()
    };
    let series: Vec<(Option<Uid>, BTreeSet<InstanceRef>)> =
        report::series(attributes).into_iter().map(|(series, uids)| (series, pseudonyms(uids))).collect();
    let named: BTreeSet<InstanceRef> = series.iter().flat_map(|(_, instances)| instances).copied().collect();
    let mut held = BTreeSet::new();
    for some in named.into_iter().collect::<Vec<_>>().chunks(LOOKED_UP) {
        held.extend(
            performed::held(database, &keys.institution, &links.studies, some).await.map_err(not_kept)?,
        );
    }
    let arrivals = series.into_iter().map(|(series, instances)| SeriesArrival {
        series,
        referenced: instances.len() as u64,
        arrived: instances.intersection(&held).count() as u64,
    });
    Ok(arrivals.collect())
}

/// The leaf of the decision says that a report came; its outcome is a leaf of its own.
async fn may_report(core: &Core, session: &Session) -> Result<Arc<InstitutionKeys>, PerformedError> {
    let here = Resource::Archive(session.institution().clone());
    let permit = core.access.authorise(session, Action::ReportStep, here).await.map_err(refused)?;
    core.institution_keys(permit.institution()).await.map_err(PerformedError::Unavailable)
}

/// A yes is said by the leaf of the answer; a no is a leaf of its own.
async fn may_read(core: &Core, session: &Session) -> Result<Arc<InstitutionKeys>, PerformedError> {
    let here = Resource::Archive(session.institution().clone());
    if !core.access.decide(session, Action::ReadWorklist, &here).await.map_err(refused)?.permitted {
        core.access.authorise(session, Action::ReadWorklist, here).await.map(drop).map_err(refused)?;
    }
    core.institution_keys(session.institution()).await.map_err(PerformedError::Unavailable)
}

async fn reported(
    core: &Core,
    session: &Session,
    reason: ReasonCode,
    is_done: bool,
    about: About,
) -> Result<(), PerformedError> {
    let event = Event {
        outcome: if is_done { Outcome::Succeeded } else { Outcome::Failed },
        action: Some(Action::ReportStep),
        patient: about.patient,
        study: about.study,
        policy_set: Some(core.access.policy_set()),
        ..session_leaf(session, reason)
    };
    core.append_leaf(event).await.map(drop).map_err(PerformedError::Unavailable)
}

async fn answered(
    core: &Core,
    session: &Session,
    rows: usize,
    study: Option<StudyRef>,
) -> Result<(), PerformedError> {
    let event = Event {
        kind: EventKind::Query,
        outcome: Outcome::Succeeded,
        action: Some(Action::ReadWorklist),
        study,
        policy_set: Some(core.access.policy_set()),
        counts: Counts::new().with("rows", rows as u64),
        ..session_leaf(session, ANSWERED)
    };
    core.append_leaf(event).await.map(drop).map_err(PerformedError::Unavailable)
}

/// Seals the attributes of a step and its series, apart.
fn seal(
    keys: &InstitutionKeys,
    reference: PerformedStepRef,
    attributes: Attributes,
) -> Result<(Vec<u8>, Vec<u8>), PerformedError> {
    let (described, series) = report::part_series(attributes);
    let sealed = |part, attributes: &Attributes| {
        let sealed = Sealed::seal(&keys.index, &context(keys, reference, part), attributes);
        sealed.map(Sealed::into_bytes).map_err(|_| ReportFault::Unreadable)
    };
    Ok((sealed(Part::Described, &described)?, sealed(Part::Series, &series)?))
}

fn open(
    keys: &InstitutionKeys,
    reference: PerformedStepRef,
    part: Part,
    sealed: Vec<u8>,
) -> Result<Attributes, PerformedError> {
    let opened = Sealed::from_bytes(sealed).open(&keys.index, &context(keys, reference, part));
    opened.map_err(|error| PerformedError::Unavailable(Unavailable::new("catalogue", error)))
}

fn context(keys: &InstitutionKeys, reference: PerformedStepRef, part: Part) -> Context {
    let domain = match part {
        Part::Described => "yingdun/catalogue/performed-step/v1",
        Part::Series => "yingdun/catalogue/performed-series/v1",
    };
    Context::new(domain).field(keys.institution.as_str()).field(reference.as_bytes())
}

fn refused(refusal: Refusal) -> PerformedError {
    match refusal.reason() {
        Some(reason) => PerformedError::Refused { reason: reason.to_string() },
        None => PerformedError::Unavailable(Unavailable::new("access", refusal)),
    }
}

fn not_kept(error: CatalogError) -> PerformedError {
    PerformedError::Unavailable(unavailable(error))
}

/// Never shows an attribute: it names a patient.
impl std::fmt::Debug for PerformedStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PerformedStep({}, {})", self.reference, self.state)
    }
}
