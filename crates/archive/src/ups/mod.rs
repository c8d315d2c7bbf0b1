//! The unified worklist (PS3.4 annex CC): workitems that people and programs schedule, claim, perform and watch.
//!
//! ```text
//!  DICOM JSON ─► check ─► attributes ─► item: sealed, tokens ─► row, reports to who is subscribed ─► channels ─► the door
//!                         (table)         ▲
//!                          state machine ─┘ lock: the Transaction UID of whoever claimed it
//! ```
//!
//! | module | what |
//! |---|---|
//! | `state` | the state machine, a pure function |
//! | `attributes` | what attributes have to be at creation, at an update and in a final state, as a table |
//! | `check` | whether JSON is a data set |
//! | `item` | one workitem between its row and its attributes |
//! | `change`, `find`, `subscribe` | the use cases |
//! | `report`, `channel` | what subscribers are told, and the channels through which |
//! | `removal` | workitems that have ended leave |
//!
//! Whoever may read the worklist sees all workitems of the institution; the Transaction UID of a claimed one is kept as
//! a digest and in no attribute, so nothing can show it.

mod attributes;
mod change;
mod channel;
mod check;
mod find;
mod item;
mod removal;
mod report;
mod state;
mod subscribe;

pub use change::WORKITEMS_MAX;
pub(crate) use change::{change_state, create, request_cancellation, update};
pub use channel::{CHANNEL_REPORTS_MAX, ChannelEnd, EventChannel};
pub use check::WORKITEM_BYTES_MAX;
pub use find::{WorkitemKey, WorkitemSearch, WorkitemsFound};
pub(crate) use find::{answers, retrieve, search};
pub(crate) use removal::{remove_ended, work};
pub use subscribe::{FILTER_KEYS_MAX, SUBSCRIBERS_MAX, SubscriptionTarget};
pub(crate) use subscribe::{open_channel, subscribe, suspend, unsubscribe};

use crate::error::{Unavailable, unavailable};
use crate::pseudonym::InstitutionKeys;
use crate::shared::Core;
use item::Workitem;
use report::Report;
use std::sync::Arc;
use tokio::sync::{Mutex, MutexGuard, RwLock};
use yingdun_access::{Refusal, Resource, Session, session_leaf};
use yingdun_audit::{Counts, Event, EventKind, Outcome, ReasonCode};
use yingdun_catalog::catalogue::reports::{self, Audience};
use yingdun_catalog::catalogue::workitems;
use yingdun_catalog::{CatalogError, Statement};
use yingdun_model::{Action, PatientRef, Timestamp, Uid, WorkitemRef, WorkitemState};

/// Changes that are made at the same time, at most: each has one of these turns, by its workitem.
const TURNS: usize = 64;

/// How often something is prepared anew because another node changed subscriptions at the same moment.
const ROSTER_ATTEMPTS_MAX: usize = 8;

const ANSWERED: ReasonCode = ReasonCode::new("answered");
const CHANNEL_CLOSED: ReasonCode = ReasonCode::new("workitem-channel-closed");

/// What the use cases of the unified worklist share.
#[derive(Debug)]
pub(crate) struct Ups {
    /// Held for reading while a workitem is created, for writing while subscriptions change: what goes on at this node does
    /// not have to be prepared anew. Other nodes are told by the roster of the catalogue.
    roster: RwLock<()>,
    turns: Vec<Mutex<()>>,
}

impl Default for Ups {
    fn default() -> Self {
        Self {
            roster: RwLock::default(),
            turns: std::iter::repeat_with(Mutex::default).take(TURNS).collect(),
        }
    }
}

impl Ups {
    /// The turn of a workitem, so that of its changes at this node none is refused because of another. There is always one.
    async fn turn(&self, workitem: WorkitemRef) -> Option<MutexGuard<'_, ()>> {
        let [first, ..] = workitem.as_bytes();
        match self.turns.get(usize::from(*first) % TURNS) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }
}

/// A workitem that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// Its SOP Instance UID.
    pub uid: Uid,
    /// Whether attributes were filled in that the creator left open.
    pub modified: bool,
}

/// Why something was not done with workitems. Codes are those of PS3.4 §CC.2.
#[derive(Debug, thiserror::Error)]
pub enum WorkitemError {
    /// The policy does not let this actor.
    #[error("the unified worklist is refused: {reason}")]
    Refused {
        /// The stable reason code of the decision.
        reason: String,
    },
    /// Attributes, a key or a UID are not what they must be. Never shows a value.
    #[error("{0}")]
    Invalid(String),
    /// There is or was a workitem of this UID (0111).
    #[error("a workitem of this UID is there already, or was")]
    Exists,
    /// There is no such workitem (C307).
    #[error("there is no such workitem")]
    NotFound,
    /// It has ended and was removed.
    #[error("the workitem has ended and was removed")]
    Gone,
    /// The workitem is claimed, and the request names no lock (C301).
    #[error("The Transaction UID is missing.")]
    TransactionMissing,
    /// The workitem is claimed under another lock (C301).
    #[error("The Transaction UID is incorrect.")]
    TransactionIncorrect,
    /// The state does not let this be done (C300, C302, C303, C310), or changed at the same moment.
    #[error("The submitted request is inconsistent with the state of the UPS Instance.")]
    State(WorkitemState),
    /// The final state needs an attribute that has no value (C304).
    #[error("the final state needs {0}")]
    NotFinal(String),
    /// A completed workitem cannot be cancelled (C311).
    #[error("The UPS is already COMPLETED.")]
    Completed,
    /// Nobody is subscribed to the workitem whom a request of cancellation could reach (C312).
    #[error("The performer cannot be contacted.")]
    NoPerformer,
    /// [`WORKITEMS_MAX`] are there already.
    #[error("the worklist holds {WORKITEMS_MAX} workitems, which is its bound")]
    Full,
    /// [`SUBSCRIBERS_MAX`] are there already.
    #[error("the worklist has {SUBSCRIBERS_MAX} subscribers, which is its bound")]
    TooManySubscribers,
    /// The title was subscribed by another account.
    #[error("this AE title belongs to another account")]
    ForeignSubscriber,
    /// There is no such subscription.
    #[error("there is no such subscription")]
    NotSubscribed,
    /// More workitems would have to be read than the bound.
    #[error("the search is too broad: add a state, a start, a patient or an order")]
    TooBroad,
    /// A part of the archive does not answer.
    #[error("the unified worklist does not answer now: {0}")]
    Unavailable(Unavailable),
}

/// Somebody whom the policy lets, with the keys of the institution.
struct Keeper<'a> {
    session: &'a Session,
    keys: Arc<InstitutionKeys>,
}

impl<'a> Keeper<'a> {
    /// The leaf of the decision says that a change is intended; its outcome is a leaf of its own.
    async fn who_may_change(core: &Core, session: &'a Session) -> Result<Self, WorkitemError> {
        let here = Resource::Archive(session.institution().clone());
        core.access.authorise(session, Action::ManageWorklist, here).await.map_err(refused)?;
        Self::new(core, session).await
    }

    /// A yes is said by the leaf of the answer; a no is a leaf of its own.
    async fn who_may_read(core: &Core, session: &'a Session) -> Result<Self, WorkitemError> {
        let here = Resource::Archive(session.institution().clone());
        if !core.access.decide(session, Action::ReadWorklist, &here).await.map_err(refused)?.permitted {
            core.access.authorise(session, Action::ReadWorklist, here).await.map(drop).map_err(refused)?;
        }
        Self::new(core, session).await
    }

    async fn new(core: &Core, session: &'a Session) -> Result<Self, WorkitemError> {
        let keys = core.institution_keys(session.institution()).await.map_err(WorkitemError::Unavailable)?;
        Ok(Self { session, keys })
    }

    /// A workitem of the institution.
    async fn workitem(&self, core: &Core, uid: &Uid) -> Result<Workitem, WorkitemError> {
        let (database, reference) = (core.catalogue.database(), self.keys.pseudonyms.workitem(uid));
        let row = workitems::find(database, &self.keys.institution, reference).await.map_err(not_read)?;
        match row {
            Some(row) => Workitem::open(&self.keys, row).map_err(WorkitemError::Unavailable),
            None if workitems::was_removed(database, reference).await.map_err(not_read)? => {
                Err(WorkitemError::Gone)
            }
            None => Err(WorkitemError::NotFound),
        }
    }

    /// The changes that tell an audience, behind the turn of the institution.
    fn tell(
        &self,
        audience: Audience<'_>,
        reports: &[Report],
        now: Timestamp,
    ) -> Result<Vec<Statement>, WorkitemError> {
        let sealed: Result<Vec<_>, _> = reports.iter().map(|report| report.seal(&self.keys)).collect();
        let sealed =
            sealed.map_err(|_| WorkitemError::Invalid("a report of this cannot be sealed".to_owned()))?;
        Ok(reports::tell(&self.keys.institution, audience, sealed, now))
    }

    /// The leaf of what came of a change.
    async fn leaf_of_change(
        &self,
        core: &Core,
        item: Option<&Workitem>,
        reason: ReasonCode,
        done: bool,
    ) -> Result<(), WorkitemError> {
        let leaf = Event {
            kind: EventKind::Administration,
            outcome: if done { Outcome::Succeeded } else { Outcome::Failed },
            patient: item.and_then(|item| item.patient(&self.keys)),
            instance: item.map(|item| self.keys.pseudonyms.instance(&item.uid)),
            // Who subscribes changes nothing of the work itself.
            action: Some(item.map_or(Action::ReadWorklist, |_| Action::ManageWorklist)),
            ..leaf(core, self.session, reason)
        };
        core.append_leaf(leaf).await.map(drop).map_err(WorkitemError::Unavailable)
    }
}

/// The leaf of an answer.
async fn leaf_of_reading(
    core: &Core,
    session: &Session,
    reason: ReasonCode,
    patient: Option<PatientRef>,
    rows: u64,
) -> Result<(), WorkitemError> {
    let leaf = Event { patient, counts: Counts::new().with("rows", rows), ..leaf(core, session, reason) };
    core.append_leaf(leaf).await.map(drop).map_err(WorkitemError::Unavailable)
}

// === helpers ===

/// Tries changes that were prepared from what is still the same; nothing when it is not.
async fn attempt(
    core: &Core,
    still_the_same: Vec<Statement>,
    changes: Vec<Statement>,
) -> Option<Result<(), CatalogError>> {
    let conditions = still_the_same.len();
    let statements = still_the_same.into_iter().chain(changes).collect();
    match core.catalogue.database().execute_and_tell(statements).await {
        Err(CatalogError::UnexpectedRows { statement, .. }) if statement < conditions => None,
        done => Some(done.map(drop)),
    }
}

fn rosters_change() -> CatalogError {
    CatalogError::Busy("another node changes subscriptions all the time".to_owned())
}

fn leaf(core: &Core, session: &Session, reason: ReasonCode) -> Event {
    Event {
        kind: EventKind::Query,
        outcome: Outcome::Succeeded,
        action: Some(Action::ReadWorklist),
        policy_set: Some(core.access.policy_set()),
        ..session_leaf(session, reason)
    }
}

fn refused(refusal: Refusal) -> WorkitemError {
    match refusal.reason() {
        Some(reason) => WorkitemError::Refused { reason: reason.to_string() },
        None => WorkitemError::Unavailable(Unavailable::new("access", refusal)),
    }
}

fn not_read(error: CatalogError) -> WorkitemError {
    WorkitemError::Unavailable(unavailable(error))
}
