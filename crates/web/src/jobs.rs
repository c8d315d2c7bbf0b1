//! Long work with a device that somebody asked for and does not wait for. What is known of it is a row of the archive, which every
//! node reads; the work itself is a task of this door, and ends when the server stops.

use crate::limits;
use crate::network::{CallFault, Counts};
use serde_json::{Value, json};
use std::future::Future;
use std::sync::Arc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use yingdun_access::Session;
use yingdun_archive::{Archive, JobCounts, JobError, JobFault, JobOrder, JobReport, RunningJob, Unavailable};
use yingdun_model::JobKind;

/// The jobs of a door. Clones are the same.
#[derive(Clone)]
pub(crate) struct Jobs {
    archive: Archive,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Jobs {
    pub(crate) fn new(archive: Archive) -> Self {
        Self { archive, tasks: TaskTracker::new(), stop: CancellationToken::new() }
    }

    /// Begins a job with a device, of as many objects as are known by now. `work` gets the job, to count in.
    pub(crate) async fn begin<F: Future<Output = Result<(), CallFault>> + Send + 'static>(
        &self,
        session: &Session,
        kind: JobKind,
        order: JobOrder,
        total: usize,
        work: impl FnOnce(Arc<RunningJob>) -> F,
    ) -> Result<JobReport, JobError> {
        let job = self.archive.begin_job(session, kind, order, total as u64).await?;
        let (job, begun) = (Arc::new(job), self.stop.clone());
        let (report, work) = (job.report(), work(Arc::clone(&job)));
        self.tasks.spawn(async move {
            let cut = async {
                begun.cancelled().await;
                // Time for the object that is on its way.
                tokio::time::sleep(limits::JOB_CUT_TIME_MAX).await;
            };
            let outcome = tokio::select! {
                outcome = work => outcome,
                () = cut => Ok(()),
            };
            job.ended(outcome.map_err(fault));
        });
        Ok(report)
    }

    /// The jobs of whoever asks, the newest first.
    pub(crate) async fn of(&self, session: &Session) -> Result<Vec<JobReport>, Unavailable> {
        self.archive.jobs(session).await
    }

    /// A job of whoever asks. That of somebody else is none.
    pub(crate) async fn find(&self, session: &Session, id: &str) -> Result<Option<JobReport>, Unavailable> {
        self.archive.job(session, id).await
    }

    /// Asks a job of whoever asks to end, at whatever node it works.
    pub(crate) async fn cancel(&self, session: &Session, id: &str) -> Result<Option<JobReport>, Unavailable> {
        self.archive.cancel_job(session, id).await
    }

    /// Tells every job to end.
    pub(crate) fn stop(&self) {
        self.archive.stop_jobs();
        self.stop.cancel();
    }

    /// Waits until they have.
    pub(crate) async fn ended(self) {
        self.tasks.close();
        if timeout(limits::JOB_CUT_TIME_MAX + limits::CUT_TIME_MAX, self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "jobs did not end in time");
        }
    }
}

/// How far all objects of a device are.
pub(crate) const fn counts(counts: Counts) -> JobCounts {
    let Counts { remaining, completed, warning, failed } = counts;
    let heard = completed.saturating_add(warning).saturating_add(failed);
    JobCounts { total: remaining.saturating_add(heard), completed, warning, failed }
}

/// What is known of a job.
pub(crate) fn document(job: &JobReport) -> Value {
    let JobCounts { total, completed, warning, failed } = job.counts;
    let failures: Vec<Value> = job
        .failures
        .iter()
        .map(|(instance, reason)| json!({"instance": instance.as_str(), "reason": reason}))
        .collect();
    json!({
        "job": hex::encode(job.id),
        "kind": job.kind,
        "device": job.order.device.as_str(),
        "state": job.state,
        "began_ms": job.began.as_ms(),
        "ended_ms": job.ended.map(|at| at.as_ms()),
        "total": total,
        "completed": completed,
        "warning": warning,
        "failed": failed,
        "remaining": job.counts.remaining(),
        "failures": failures,
        "fault": job.fault.as_ref().map(fault_document),
        "node": job.node.get(),
        "cancel_asked": job.cancel_asked,
        "studies": job.order.studies,
        "series": job.order.series,
        "instances": job.order.instances,
    })
}

// === helpers ===

fn fault(fault: CallFault) -> JobFault {
    match fault {
        CallFault::Key(wrong) => {
            JobFault { expected: "keys of texts, by keyword or tag".to_owned(), came: wrong, remedy: None }
        }
        CallFault::Device { expected, came, remedy } => JobFault { expected, came, remedy: Some(remedy) },
    }
}

fn fault_document(fault: &JobFault) -> Value {
    let JobFault { expected, came, remedy } = fault;
    match remedy {
        Some(remedy) => json!({"expected": expected, "came": came, "do": remedy}),
        None => json!({"expected": expected, "came": came}),
    }
}
