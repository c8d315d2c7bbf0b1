//! A job that works here: what it counts, who wants it to end, and how it ends.

use super::details::{Details, JobFault, JobOrder, clipped};
use super::{JOB_FAILURES_MAX, JobReport, Jobs};
use crate::error::Unavailable;
use crate::pseudonym::InstitutionKeys;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;
use yingdun_catalog::Statement;
use yingdun_catalog::catalogue::jobs::{self as rows, JobCounts, JobKey, JobRow, Worker};
use yingdun_model::{Clock, JobKind, JobState, Timestamp, Uid};

/// What of a job never changes.
#[derive(Debug)]
pub(super) struct About {
    pub(super) key: JobKey,
    pub(super) owner: String,
    pub(super) kind: JobKind,
    pub(super) order: JobOrder,
    pub(super) began: Timestamp,
}

/// A job in the memory of the node that works on it.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) about: About,
    keys: Arc<InstitutionKeys>,
    stop: CancellationToken,
    now: Mutex<Now>,
}

/// How it is now.
#[derive(Debug)]
struct Now {
    worker: Worker,
    counts: JobCounts,
    failures: Vec<(Uid, String)>,
    fault: Option<JobFault>,
    /// Its owner wants it to end.
    cancelled: bool,
    /// Its node stops, or was taken for dead.
    halted: bool,
    ended: Option<(JobState, Timestamp)>,
    /// What the row tells: counts, and how many failures. None when that is not known.
    written: Option<(JobCounts, usize)>,
}

/// A change of a row that is to be made.
pub(super) enum Change {
    Progress(Statement),
    End(Statement),
}

/// A job that somebody works on. When it is dropped without an end, it is interrupted.
#[derive(Debug)]
pub struct RunningJob {
    running: Arc<Running>,
    jobs: Arc<Jobs>,
    clock: Arc<dyn Clock>,
}

impl RunningJob {
    pub(super) const fn new(running: Arc<Running>, jobs: Arc<Jobs>, clock: Arc<dyn Clock>) -> Self {
        Self { running, jobs, clock }
    }

    /// Cancelled when the job is to end between two objects.
    #[must_use]
    pub fn stop(&self) -> CancellationToken {
        self.running.stop.clone()
    }

    /// An object was taken, with a warning or without.
    pub fn done(&self, with_warning: bool) {
        let counts = &mut self.running.now().counts;
        let counter = if with_warning { &mut counts.warning } else { &mut counts.completed };
        *counter += 1;
    }

    /// An object was not taken.
    pub fn failed(&self, instance: Uid, reason: String) {
        self.running.now().counts.failed += 1;
        self.named(instance, reason);
    }

    /// Names an object that is counted among those that failed.
    pub fn named(&self, instance: Uid, reason: String) {
        let mut now = self.running.now();
        if now.failures.len() < JOB_FAILURES_MAX {
            now.failures.push((instance, clipped(reason)));
        }
    }

    /// How far all objects are.
    pub fn counted(&self, counts: JobCounts) {
        self.running.now().counts = counts;
    }

    /// It is over: everything was tried or it was told to stop, or there was a fault.
    pub fn ended(&self, outcome: Result<(), JobFault>) {
        self.running.end(outcome, self.clock.now());
        self.jobs.changed.notify_one();
    }

    /// What is known of it.
    #[must_use]
    pub fn report(&self) -> JobReport {
        self.running.report()
    }
}

impl Drop for RunningJob {
    fn drop(&mut self) {
        if !self.running.is_over() {
            self.running.halt();
            self.ended(Ok(()));
        }
    }
}

impl Running {
    pub(super) fn new(keys: Arc<InstitutionKeys>, about: About, worker: Worker, total: u64) -> Self {
        let counts = JobCounts { total, ..JobCounts::default() };
        let now = Now {
            worker,
            counts,
            failures: Vec::new(),
            fault: None,
            cancelled: false,
            halted: false,
            ended: None,
            written: Some((counts, 0)),
        };
        Self { about, keys, stop: CancellationToken::new(), now: Mutex::new(now) }
    }

    /// The row with which it begins, as that of a worker.
    pub(super) fn row(&self, worker: Worker) -> Result<JobRow, Unavailable> {
        let mut now = self.now();
        now.worker = worker;
        Ok(JobRow {
            key: self.about.key.clone(),
            owner: self.about.owner.clone(),
            kind: self.about.kind,
            state: JobState::Running,
            worker,
            cancel_asked: false,
            counts: now.counts,
            began: self.about.began,
            ended: None,
            sealed: self.sealed(&now)?,
        })
    }

    /// Its owner wants it to end.
    pub(super) fn cancel(&self) {
        self.now().cancelled = true;
        self.stop.cancel();
    }

    /// It ends because its node does, or was taken for dead.
    pub(super) fn halt(&self) {
        self.now().halted = true;
        self.stop.cancel();
    }

    pub(super) fn is_over(&self) -> bool {
        self.now().ended.is_some()
    }

    /// The process as which it works.
    pub(super) fn worker(&self) -> Worker {
        self.now().worker
    }

    pub(super) fn report(&self) -> JobReport {
        let now = self.now();
        let state = now.ended.map_or(JobState::Running, |(state, _)| state);
        let interrupted = (state == JobState::Interrupted).then(|| super::interrupted(self.about.kind));
        JobReport {
            id: self.about.key.id,
            kind: self.about.kind,
            order: self.about.order.clone(),
            state,
            node: now.worker.store,
            cancel_asked: now.cancelled,
            counts: now.counts,
            began: self.about.began,
            ended: now.ended.map(|(_, at)| at),
            failures: now.failures.clone(),
            fault: now.fault.clone().or(interrupted),
        }
    }

    /// What its row does not tell yet.
    pub(super) fn unwritten(&self) -> Result<Option<Change>, Unavailable> {
        let mut now = self.now();
        let (key, worker, counts) = (&self.about.key, now.worker, now.counts);
        if let Some((state, at)) = now.ended {
            let end = rows::end(key, &worker.process, state, &counts, self.sealed(&now)?, at);
            return Ok(Some(Change::End(end)));
        }
        let failures = now.failures.len();
        if now.written == Some((counts, failures)) {
            return Ok(None);
        }
        let named = now.written.is_some_and(|(_, named)| named == failures);
        let sealed = (!named).then(|| self.sealed(&now)).transpose()?;
        let change = rows::progress(key, &worker.process, &counts, sealed);
        now.written = Some((counts, failures));
        Ok(Some(Change::Progress(change)))
    }

    /// The last change was not made, or nobody knows.
    pub(super) fn not_written(&self) {
        self.now().written = None;
    }

    fn end(&self, outcome: Result<(), JobFault>, at: Timestamp) {
        let mut now = self.now();
        if now.ended.is_some() {
            return;
        }
        let all_tried = self.about.kind == JobKind::Store && now.counts.remaining() == 0;
        let state = state_of(outcome.is_ok(), now.cancelled, now.halted, all_tried);
        if state == JobState::Failed {
            now.fault = outcome.err().map(|fault| JobFault {
                expected: clipped(fault.expected),
                came: clipped(fault.came),
                remedy: fault.remedy.map(clipped),
            });
        }
        now.ended = Some((state, at));
    }

    fn sealed(&self, now: &Now) -> Result<Vec<u8>, Unavailable> {
        let (order, failures, fault) = (self.about.order.clone(), now.failures.clone(), now.fault.clone());
        Details { order, failures, fault }.seal(&self.keys, &self.about.key)
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === helpers ===

/// How a job ended whose work went well or not, which its owner cancelled or its node halted. What had tried everything by then
/// is complete.
const fn state_of(went_well: bool, cancelled: bool, halted: bool, all_tried: bool) -> JobState {
    match (went_well, cancelled, halted) {
        (_, false, true) if all_tried => JobState::Completed,
        (_, false, true) => JobState::Interrupted,
        (false, ..) => JobState::Failed,
        (true, true, _) => JobState::Cancelled,
        (true, false, false) => JobState::Completed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_says_who_wanted_it_and_whether_everything_was_tried() {
        let state = |went_well, cancelled, halted, all_tried| {
            state_of(went_well, cancelled, halted, all_tried).as_str()
        };
        assert_eq!(state(true, false, false, false), "completed", "a device may say less than it has");
        assert_eq!(state(false, false, false, false), "failed");
        assert_eq!(state(true, true, false, false), "cancelled");
        assert_eq!(state(true, true, true, false), "cancelled", "its owner was first, or the same");
        assert_eq!(state(true, false, true, false), "interrupted");
        assert_eq!(state(false, false, true, false), "interrupted", "a call that was cut off");
        assert_eq!(state(true, false, true, true), "completed", "the stop came too late");
    }
}
