//! Long work that somebody asked for and does not wait for: each job has an id, counts what it has done, can be cancelled
//! by whoever asked for it, and ends when the server stops. Jobs are in memory: a restart forgets them, and what they have
//! done stays done.

use crate::limits;
use crate::network::{CallFault, Counts};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use yingdun_access::Session;
use yingdun_model::{
    ActorId, ActorKind, AeTitle, Clock, InstitutionId, SystemClock, Timestamp, Uid, word_enum,
};

word_enum! {
    /// Where a job stands.
    State, "state" {
        /// It works.
        Running => "running",
        /// It has tried everything that was asked for.
        Completed => "completed",
        /// It ended before that.
        Cancelled => "cancelled",
        /// The device gave up, or could not be asked.
        Failed => "failed",
    }
}

/// The jobs of a door. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Jobs(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// The oldest first.
    jobs: Mutex<VecDeque<Arc<Job>>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

word_enum! {
    /// What a job does.
    Kind, "kind" {
        /// It sends objects to a device.
        Store => "store",
        /// It has a device send objects here.
        Retrieve => "retrieve",
    }
}

/// One job.
pub(crate) struct Job {
    id: String,
    owner: (InstitutionId, ActorKind, ActorId),
    kind: Kind,
    device: AeTitle,
    total: AtomicU64,
    began: Timestamp,
    /// Ends it between two objects.
    pub(crate) cancel: CancellationToken,
    completed: AtomicU64,
    warned: AtomicU64,
    failed: AtomicU64,
    end: Mutex<End>,
}

#[derive(Default)]
struct End {
    ended: Option<(State, Timestamp)>,
    fault: Option<CallFault>,
    failures: Vec<(Uid, String)>,
}

/// More jobs at once than there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyJobs;

impl Jobs {
    /// Begins a job with a device, of as many objects as are known by now. `work` gets the job, to count in and to end
    /// with.
    pub(crate) fn begin<F: Future<Output = Result<(), CallFault>> + Send + 'static>(
        &self,
        session: &Session,
        kind: Kind,
        device: AeTitle,
        total: usize,
        work: impl FnOnce(Arc<Job>) -> F,
    ) -> Result<Arc<Job>, TooManyJobs> {
        let job = Arc::new(Job {
            id: hex::encode(yingdun_crypto::random::array::<16>()),
            owner: owner(session),
            kind,
            device,
            total: AtomicU64::new(total as u64),
            began: SystemClock.now(),
            cancel: self.0.stop.child_token(),
            completed: AtomicU64::new(0),
            warned: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            end: Mutex::default(),
        });
        let mut jobs = self.0.jobs();
        if jobs.iter().filter(|job| job.state() == State::Running).count() >= limits::JOBS_RUNNING_MAX {
            return Err(TooManyJobs);
        }
        if jobs.len() >= limits::JOBS_KEPT_MAX
            && let Some(oldest) = jobs.iter().position(|job| job.state() != State::Running)
        {
            jobs.remove(oldest);
        }
        jobs.push_back(Arc::clone(&job));
        let (running, work) = (Arc::clone(&job), work(Arc::clone(&job)));
        let cut = self.0.stop.clone();
        self.0.tasks.spawn(async move {
            let cut = async {
                cut.cancelled().await;
                // Time for the object that is on its way.
                tokio::time::sleep(limits::JOB_CUT_TIME_MAX).await;
            };
            let outcome = tokio::select! {
                outcome = work => outcome,
                () = cut => Ok(()),
            };
            running.ended(outcome);
        });
        Ok(job)
    }

    /// The jobs of whoever asks, the newest first.
    pub(crate) fn of(&self, session: &Session) -> Vec<Arc<Job>> {
        let owner = owner(session);
        self.0.jobs().iter().rev().filter(|job| job.owner == owner).cloned().collect()
    }

    /// A job of whoever asks. That of somebody else is none.
    pub(crate) fn find(&self, session: &Session, id: &str) -> Option<Arc<Job>> {
        self.of(session).into_iter().find(|job| job.id == id)
    }

    /// Tells every job to end.
    pub(crate) fn stop(&self) {
        self.0.stop.cancel();
    }

    /// Waits until they have.
    pub(crate) async fn ended(self) {
        self.0.tasks.close();
        if timeout(limits::JOB_CUT_TIME_MAX + limits::CUT_TIME_MAX, self.0.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.0.tasks.len(), "jobs did not end in time");
        }
    }
}

impl Job {
    /// An object was taken, with a warning or without.
    pub(crate) fn done(&self, with_warning: bool) {
        let counter = if with_warning { &self.warned } else { &self.completed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// An object was not taken.
    pub(crate) fn failed(&self, instance: Uid, reason: String) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        self.named(instance, reason);
    }

    /// Names an object that is counted among those that failed.
    pub(crate) fn named(&self, instance: Uid, reason: String) {
        let mut end = self.end();
        if end.failures.len() < limits::JOB_FAILURES_MAX {
            end.failures.push((instance, reason));
        }
    }

    /// How far all objects are.
    pub(crate) fn counted(&self, counts: Counts) {
        let Counts { remaining, completed, warning, failed } = counts;
        self.total.store(remaining + completed + warning + failed, Ordering::Relaxed);
        self.completed.store(completed, Ordering::Relaxed);
        self.warned.store(warning, Ordering::Relaxed);
        self.failed.store(failed, Ordering::Relaxed);
    }

    /// What is known of it.
    pub(crate) fn document(&self) -> Value {
        let (completed, warning, failed) = self.counts();
        let (total, end) = (self.total.load(Ordering::Relaxed), self.end());
        let failures: Vec<Value> = end
            .failures
            .iter()
            .map(|(instance, reason)| json!({"instance": instance.as_str(), "reason": reason}))
            .collect();
        json!({
            "job": self.id,
            "kind": self.kind,
            "device": self.device.as_str(),
            "state": end.ended.map_or(State::Running, |(state, _)| state),
            "began_ms": self.began.as_ms(),
            "ended_ms": end.ended.map(|(_, at)| at.as_ms()),
            "total": total,
            "completed": completed,
            "warning": warning,
            "failed": failed,
            "remaining": total.saturating_sub(completed + warning + failed),
            "failures": failures,
            "fault": end.fault.as_ref().map(CallFault::document),
        })
    }

    fn state(&self) -> State {
        self.end().ended.map_or(State::Running, |(state, _)| state)
    }

    fn counts(&self) -> (u64, u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.completed), read(&self.warned), read(&self.failed))
    }

    fn ended(&self, outcome: Result<(), CallFault>) {
        let mut end = self.end();
        let state = match outcome {
            Err(fault) => {
                end.fault = Some(fault);
                State::Failed
            }
            Ok(()) if self.cancel.is_cancelled() => State::Cancelled,
            Ok(()) => State::Completed,
        };
        end.ended = Some((state, SystemClock.now()));
    }

    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn jobs(&self) -> MutexGuard<'_, VecDeque<Arc<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn owner(session: &Session) -> (InstitutionId, ActorKind, ActorId) {
    (session.institution().clone(), session.actor_kind(), session.actor().clone())
}
