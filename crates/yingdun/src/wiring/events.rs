//! What happens to replicas goes to the ledger. The store calls from its own threads and must not wait, so events
//! pass through a bounded queue; what does not fit is counted, and the program log has it anyway.

use super::foundation::system_event;
use std::fmt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use yingdun_audit::{Counts, Event, EventKind, Log, Outcome, ReasonCode};
use yingdun_model::InstitutionId;
use yingdun_storage::{ReplicaId, StoreEvent, StoreEvents};

/// Events that wait for the log. One dead disk gives an event per pack; a burst of hundreds is a broken shelf,
/// and the first of them tell that.
const EVENTS_WAITING_MAX: usize = 256;

/// The store's side of the queue.
pub(crate) struct RepairLedger {
    queue: mpsc::Sender<StoreEvent>,
}

impl RepairLedger {
    /// A queue and the task that writes its events until `stop`, and then what is still in it.
    pub(crate) fn start(
        log: Log,
        institution: InstitutionId,
        stop: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (queue, mut events) = mpsc::channel(EVENTS_WAITING_MAX);
        let writer = tokio::spawn(async move {
            loop {
                tokio::select! {
                    biased;
                    event = events.recv() => match event {
                        Some(event) => write(&log, &institution, &event).await,
                        None => return,
                    },
                    () = stop.cancelled() => break,
                }
            }
            while let Ok(event) = events.try_recv() {
                write(&log, &institution, &event).await;
            }
        });
        (Self { queue }, writer)
    }
}

impl StoreEvents for RepairLedger {
    fn on_event(&self, event: &StoreEvent) {
        match event {
            StoreEvent::ReplicaReady { .. }
            | StoreEvent::ReplicaDraining { .. }
            | StoreEvent::ReplicaDrained { .. }
            | StoreEvent::ReplicaFilled { .. }
            | StoreEvent::Repaired { .. }
            | StoreEvent::OffsiteReady { .. }
            | StoreEvent::OffsiteCaughtUp { .. }
            | StoreEvent::ScrubFinished { .. } => {
                tracing::info!(?event, "storage");
            }
            StoreEvent::RecordLost { .. } | StoreEvent::CopiesDiffer { .. } => {
                tracing::error!(?event, "storage");
            }
            _ => tracing::warn!(?event, "storage"),
        }
        if self.queue.try_send(event.clone()).is_err() {
            metrics::counter!("yingdun_repair_leaves_dropped_total").increment(1);
        }
    }
}

impl fmt::Debug for RepairLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RepairLedger")
    }
}

async fn write(log: &Log, institution: &InstitutionId, event: &StoreEvent) {
    let Some(leaf) = leaf(institution, event) else { return };
    if let Err(error) = log.append_one(leaf).await {
        tracing::error!(%error, "the audit log did not take an event of the store");
    }
}

/// The leaf of an event: numbers only; the words stay in the program log.
fn leaf(institution: &InstitutionId, event: &StoreEvent) -> Option<Event> {
    let of = |replica: &ReplicaId| Counts::new().with("replica", replica.index() as u64);
    let (outcome, reason, counts) = match event {
        StoreEvent::ReplicaReady { replica } => {
            (Outcome::Succeeded, const { ReasonCode::new("replica-ready") }, of(replica))
        }
        StoreEvent::ReplicaFull { replica } => {
            (Outcome::Failed, const { ReasonCode::new("replica-full") }, of(replica))
        }
        StoreEvent::ReplicaMissing { replica } => {
            (Outcome::Failed, const { ReasonCode::new("replica-missing") }, of(replica))
        }
        StoreEvent::ReplicaFailed { replica, .. } => {
            (Outcome::Failed, const { ReasonCode::new("replica-failed") }, of(replica))
        }
        StoreEvent::Quarantined { replica, pack, offset, .. } => (
            Outcome::Failed,
            const { ReasonCode::new("bytes-quarantined") },
            of(replica).with("pack", *pack).with("offset", *offset),
        ),
        StoreEvent::Repaired { replica, pack, bytes } => (
            Outcome::Succeeded,
            const { ReasonCode::new("pack-repaired") },
            of(replica).with("pack", *pack).with("bytes", *bytes),
        ),
        StoreEvent::RepairDelayed { replica, pack, .. } => {
            (Outcome::Failed, const { ReasonCode::new("repair-delayed") }, of(replica).with("pack", *pack))
        }
        StoreEvent::ReplicaDraining { replica } => {
            (Outcome::Succeeded, const { ReasonCode::new("replica-draining") }, of(replica))
        }
        StoreEvent::ReplicaDrained { replica } => {
            (Outcome::Succeeded, const { ReasonCode::new("replica-drained") }, of(replica))
        }
        StoreEvent::ReplicaFilled { replica } => {
            (Outcome::Succeeded, const { ReasonCode::new("replica-filled") }, of(replica))
        }
        StoreEvent::CopiesDiffer { pack } => {
            (Outcome::Failed, const { ReasonCode::new("copies-differ") }, Counts::new().with("pack", *pack))
        }
        StoreEvent::ScrubFinished { replica, pass } => (
            if pass.lost == 0 { Outcome::Succeeded } else { Outcome::Failed },
            const { ReasonCode::new("scrub-finished") },
            of(replica).with("records", pass.records).with("found", pass.found).with("lost", pass.lost),
        ),
        StoreEvent::OffsiteReady { replica } => {
            (Outcome::Succeeded, const { ReasonCode::new("offsite-ready") }, of(replica))
        }
        StoreEvent::OffsiteUnreachable { replica, .. } => {
            (Outcome::Failed, const { ReasonCode::new("offsite-unreachable") }, of(replica))
        }
        StoreEvent::OffsiteBehind { replica, seconds, bytes } => (
            Outcome::Failed,
            const { ReasonCode::new("offsite-behind") },
            of(replica).with("seconds", *seconds).with("bytes", *bytes),
        ),
        StoreEvent::OffsiteCaughtUp { replica } => {
            (Outcome::Succeeded, const { ReasonCode::new("offsite-caught-up") }, of(replica))
        }
        StoreEvent::RecordLost { pack, offset } => (
            Outcome::Failed,
            const { ReasonCode::new("record-lost") },
            Counts::new().with("pack", *pack).with("offset", *offset),
        ),
        // The list of events may grow below us; the program log has those that we do not know yet.
        _ => return None,
    };
    let event = system_event(institution, EventKind::Repair, outcome, reason)?;
    Some(Event { counts, ..event })
}
