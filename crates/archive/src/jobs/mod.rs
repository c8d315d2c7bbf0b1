//! Jobs with devices that people ask for and do not wait for: rows, so that every node answers about them, and the same one after
//! a restart.
//!
//! ```text
//!  asker ─► begin: row durable ─► RunningJob: counts in memory ─► the work of a door
//!                                    │ every second, and when it ends
//!                                    ▼
//!  whoever asks, at any node ◄──── row ◄── a wish to cancel, from any node
//!                                    ▲
//!  watch: the worker of a node whose count rests is dead, and its jobs are interrupted
//! ```
//!
//! | module | what |
//! |---|---|
//! | `running` | a job that works here: what it counts, and how it ends |
//! | `details` | what of a job is sealed |
//! | `work` | what the archive does by itself: rows that follow, wishes, beats, the watch |
//! | `silence` | who is taken for dead: a pure function over looks |
//!
//! A job holds what its asker has opened, so nobody takes it over when its process ends: it is *interrupted*, what it has counted
//! is known, and whoever asked for it asks again.

mod details;
mod running;
mod silence;
mod work;

pub use details::{JobFault, JobOrder};
pub use running::RunningJob;
pub(crate) use work::{enter, keep, watch, work};

use crate::error::{Unavailable, unavailable};
use crate::pseudonym::InstitutionKeys;
use crate::shared::Core;
use details::Details;
use running::{About, Running};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use yingdun_access::Session;
use yingdun_catalog::CatalogError;
use yingdun_catalog::catalogue::jobs::{self as rows, JobCounts, JobKey, JobRow, Worker};
use yingdun_model::{InstitutionId, JobKind, JobState, StoreNumber, Timestamp, Uid};

/// Jobs that work at one node at the same time: each holds an association and what is open of two objects.
pub const JOBS_RUNNING_MAX: usize = 8;

/// Jobs of one account that are known, the ended ones included; the oldest of these make room. Some 60 KB each at most.
pub const JOBS_KEPT_MAX: u32 = 256;

/// Objects of a job that failed and are named; all are counted.
pub const JOB_FAILURES_MAX: usize = 100;

/// Jobs in the memory of a node: those that work, and those whose end could not be written yet.
const JOBS_HERE_MAX: usize = 64;

/// How often a job is begun anew because this process was taken for dead at the same moment.
const BEGIN_ATTEMPTS_MAX: usize = 3;

/// The jobs of a node.
#[derive(Debug)]
pub(crate) struct Jobs {
    /// By whom they are done: another one after this process was taken for dead.
    worker: Mutex<Worker>,
    /// One at a time becomes another worker.
    anew: AsyncMutex<()>,
    /// Those that work here, and those whose end is not in their row yet.
    here: Mutex<HashMap<[u8; 16], Arc<Running>>>,
    /// Wakes whoever writes rows.
    changed: Notify,
    stopping: AtomicBool,
}

/// A job as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobReport {
    /// A random number, by which it is asked for.
    pub id: [u8; 16],
    /// What it does.
    pub kind: JobKind,
    /// What was asked for.
    pub order: JobOrder,
    /// Where it stands.
    pub state: JobState,
    /// The store of the node that works on it, or did.
    pub node: StoreNumber,
    /// Whether somebody wants it to end.
    pub cancel_asked: bool,
    /// How far it is.
    pub counts: JobCounts,
    /// When it was asked for.
    pub began: Timestamp,
    /// Since when it is over.
    pub ended: Option<Timestamp>,
    /// Objects that were not taken, and why; [`JOB_FAILURES_MAX`] at most.
    pub failures: Vec<(Uid, String)>,
    /// Why it ended before it had tried everything.
    pub fault: Option<JobFault>,
}

/// Why a job was not begun.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// [`JOBS_RUNNING_MAX`] work here.
    #[error("this node works on {JOBS_RUNNING_MAX} jobs, which is its bound")]
    TooMany,
    /// A part of the archive does not answer. Nothing was begun.
    #[error("no job can be begun now: {0}")]
    Unavailable(Unavailable),
}

impl Jobs {
    pub(crate) fn new(store: StoreNumber) -> Self {
        Self {
            worker: Mutex::new(Worker { store, process: yingdun_crypto::random::array() }),
            anew: AsyncMutex::default(),
            here: Mutex::default(),
            changed: Notify::new(),
            stopping: AtomicBool::new(false),
        }
    }

    fn worker(&self) -> MutexGuard<'_, Worker> {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn here(&self) -> MutexGuard<'_, HashMap<[u8; 16], Arc<Running>>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those here at this moment.
    fn all_here(&self) -> Vec<Arc<Running>> {
        self.here().values().cloned().collect()
    }

    /// Takes a place for a job.
    fn admit(&self, job: &Arc<Running>) -> Result<(), JobError> {
        let mut here = self.here();
        let working = here.values().filter(|job| !job.is_over()).count();
        if working >= JOBS_RUNNING_MAX || here.len() >= JOBS_HERE_MAX {
            return Err(JobError::TooMany);
        }
        here.insert(job.about.key.id, Arc::clone(job));
        drop(here);
        Ok(())
    }
}

/// Begins a job. Its row is durable then.
pub(crate) async fn begin(
    core: &Arc<Core>,
    session: &Session,
    kind: JobKind,
    order: JobOrder,
    total: u64,
) -> Result<RunningJob, JobError> {
    let key = JobKey { institution: session.institution().clone(), id: yingdun_crypto::random::array() };
    let (core, owner) = (Arc::clone(core), owner(session));
    // Goes on when whoever asked has left meanwhile: a row and who works on it belong together.
    let begun = tokio::spawn(async move {
        let keys = core.institution_keys(&key.institution).await.map_err(JobError::Unavailable)?;
        let about = About { key, owner, kind, order, began: core.clock.now() };
        let running = Arc::new(Running::new(keys, about, *core.jobs.worker(), total));
        core.jobs.admit(&running)?;
        let job = RunningJob::new(Arc::clone(&running), Arc::clone(&core.jobs), Arc::clone(&core.clock));
        insert(&core, &running).await.map_err(JobError::Unavailable)?;
        if core.jobs.stopping.load(Ordering::SeqCst) {
            running.halt();
        }
        core.jobs.changed.notify_one();
        Ok(job)
    });
    // It is aborted by nobody, and a panic in it is none of a door.
    begun.await.map_err(|error| JobError::Unavailable(Unavailable::new("catalogue", error)))?
}

/// The jobs of whoever asks, the newest first.
pub(crate) async fn list(core: &Core, session: &Session) -> Result<Vec<JobReport>, Unavailable> {
    // First: what ends meanwhile is known to have ended.
    let here = core.jobs.all_here();
    let keys = core.institution_keys(session.institution()).await?;
    let database = core.catalogue.database();
    let found = rows::of_owner(database, &keys.institution, &owner(session), JOBS_KEPT_MAX).await;
    found.map_err(unavailable)?.into_iter().map(|row| seen(&here, &keys, row)).collect()
}

/// A job of whoever asks, by its id as text. That of somebody else is none.
pub(crate) async fn find(core: &Core, session: &Session, id: &str) -> Result<Option<JobReport>, Unavailable> {
    let Some(key) = key_of(session.institution(), id) else { return Ok(None) };
    let here = core.jobs.all_here();
    let keys = core.institution_keys(session.institution()).await?;
    let found = rows::find(core.catalogue.database(), &key, &owner(session)).await;
    found.map_err(unavailable)?.map(|row| seen(&here, &keys, row)).transpose()
}

/// Asks a job of whoever asks to end, at whatever node it works.
pub(crate) async fn cancel(
    core: &Core,
    session: &Session,
    id: &str,
) -> Result<Option<JobReport>, Unavailable> {
    let Some(key) = key_of(session.institution(), id) else { return Ok(None) };
    let ask = rows::ask_cancel(&key, &owner(session));
    let asked = core.catalogue.database().execute_and_tell(vec![ask]).await.map_err(unavailable)?;
    let here = core.jobs.here().get(&key.id).cloned();
    if let (Some(job), [1]) = (here, &asked[..]) {
        job.cancel();
    }
    find(core, session, id).await
}

/// Tells all jobs that work here to end, because the node does. Those that begin later end at once.
pub(crate) fn stop(core: &Core) {
    core.jobs.stopping.store(true, Ordering::SeqCst);
    core.jobs.all_here().iter().for_each(|job| job.halt());
}

// === helpers ===

/// Whose a job is: the account, of whatever kind.
fn owner(session: &Session) -> String {
    format!("{}/{}", session.actor_kind(), session.actor())
}

fn key_of(institution: &InstitutionId, id: &str) -> Option<JobKey> {
    let id = hex::decode(id).ok()?.try_into().ok()?;
    Some(JobKey { institution: institution.clone(), id })
}

async fn insert(core: &Core, job: &Running) -> Result<(), Unavailable> {
    let database = core.catalogue.database();
    for _ in 0..BEGIN_ATTEMPTS_MAX {
        let worker = *core.jobs.worker();
        let statements = rows::begin(&job.row(worker)?, JOBS_KEPT_MAX);
        match database.execute(statements).await {
            Err(CatalogError::UnexpectedRows { statement: 0, .. }) => {
                work::become_another(core, &worker).await?;
            }
            Err(error) => {
                // One that may be there is ended when it is known.
                if !matches!(error, CatalogError::Unconfirmed(_)) {
                    core.jobs.here().remove(&job.about.key.id);
                }
                return Err(unavailable(error));
            }
            Ok(_) => return Ok(()),
        }
    }
    core.jobs.here().remove(&job.about.key.id);
    Err(Unavailable::new("catalogue", "this node is taken for dead again and again"))
}

/// A row, or what is known of it here.
fn seen(here: &[Arc<Running>], keys: &InstitutionKeys, row: JobRow) -> Result<JobReport, Unavailable> {
    if let Some(job) = here.iter().find(|job| job.about.key == row.key) {
        let report = job.report();
        return Ok(JobReport { cancel_asked: report.cancel_asked || row.cancel_asked, ..report });
    }
    let Details { order, failures, fault } = Details::open(keys, &row.key, row.sealed)?;
    let fault = fault.or_else(|| (row.state == JobState::Interrupted).then(|| interrupted(row.kind)));
    Ok(JobReport {
        id: row.key.id,
        kind: row.kind,
        order,
        state: row.state,
        node: row.worker.store,
        cancel_asked: row.cancel_asked,
        counts: row.counts,
        began: row.began,
        ended: row.ended,
        failures,
        fault,
    })
}

/// What is said of a job whose process did not bring it to its end.
fn interrupted(kind: JobKind) -> JobFault {
    let remedy = match kind {
        JobKind::Store => {
            "send again: what is counted here is there, and what the device has already comes as the same objects"
        }
        JobKind::Retrieve => "retrieve again: what has come stays, and what comes a second time is kept once",
    };
    JobFault {
        expected: "the node to work on the job to its end".to_owned(),
        came: "it stopped, or was not heard of any more".to_owned(),
        remedy: Some(remedy.to_owned()),
    }
}
