//! Storage commitment (PS3.4 annex J): a peer lists instances, and the archive says which of them it keeps.
//!
//! ```text
//!  N-ACTION ─► request: decide, leaf, row durable ─► success to the peer
//!                                  │
//!                    work: verify each instance from the replicas ─► leaf, result durable
//!                                  │
//!            report: on the association that asked, while it waits; else on a new one, until it is taken
//! ```
//!
//! The state is a row from before the acknowledgement until after the report, so neither a restart nor a crash
//! forgets an answer. An instance is committed when every version of it verifies byte for byte on the write quorum of
//! replicas and opens under its study key, see [`verify`]: what is said is said of the disks of that moment, not of
//! what once was acknowledged.

mod request;
mod verify;
mod work;

pub(crate) use request::request;
pub(crate) use work::work;

use crate::error::{Unavailable, unavailable};
use crate::shared::Core;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use yingdun_access::session_leaf;
use yingdun_audit::{Counts, Event, EventKind, Outcome, ReasonCode};
use yingdun_catalog::CatalogError;
use yingdun_catalog::catalogue::commitments::{self, Commitment, CommitmentState};
use yingdun_model::{Action, AeTitle, Uid};

pub use yingdun_catalog::catalogue::commitments::CommitmentKey;

/// References of one transaction. The largest series seen in practice have some thousands of instances; verifying so
/// many takes minutes.
pub const COMMITMENT_REFERENCES_MAX: usize = 10_000;

/// Transactions of one peer that wait for verification or for their report. A modality asks once per study.
pub const COMMITMENTS_OPEN_MAX: u64 = 1_000;

/// How often a report is tried before it is given up: with the pauses of [`pause`], about a day and a half.
const REPORT_ATTEMPTS_MAX: u32 = 40;

/// The pause after a first failure; doubled up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(3600);

/// Reports that are handed out at once.
const REPORTS_AT_ONCE: u32 = 16;

/// How long the doors sleep when no report is due: a report that failed is due again after some seconds at least.
const REPORTS_LOOK: Duration = Duration::from_secs(2);

const REPORTED: ReasonCode = ReasonCode::new("commitment-reported");
const NOT_REPORTED: ReasonCode = ReasonCode::new("commitment-not-reported");

/// What a peer asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitmentRequest {
    /// The title of the peer.
    pub peer: AeTitle,
    /// The title by which it called us.
    pub called: AeTitle,
    /// Transaction UID (0008,1195).
    pub transaction: Uid,
    /// Referenced SOP Sequence (0008,1199).
    pub references: Vec<SopReference>,
}

/// An instance as a peer names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(Uid, Uid)", into = "(Uid, Uid)")]
pub struct SopReference {
    /// Referenced SOP Class UID (0008,1150).
    pub sop_class: Uid,
    /// Referenced SOP Instance UID (0008,1155).
    pub sop_instance: Uid,
}

/// Why an instance is not committed: Failure Reason (0008,1197), PS3.3 §C.14.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommitmentFailure {
    /// It is here and cannot be relied upon: too few replicas hold it intact, or it does not open.
    ProcessingFailure,
    /// It is not here.
    NoSuchObjectInstance,
    /// It is here under another SOP class.
    ClassInstanceConflict,
}

impl CommitmentFailure {
    /// The value of Failure Reason (0008,1197).
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::ProcessingFailure => 0x0110,
            Self::NoSuchObjectInstance => 0x0112,
            Self::ClassInstanceConflict => 0x0119,
        }
    }
}

/// What was found, to be told to the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitmentReport {
    /// Which transaction of which peer.
    pub key: CommitmentKey,
    /// What is kept.
    pub committed: Vec<SopReference>,
    /// What is not, and why.
    pub failed: Vec<(SopReference, CommitmentFailure)>,
    /// How often it was tried to tell the peer.
    attempts: u32,
}

/// A request that was acknowledged. Whoever holds this may tell the peer on the association that asked.
#[derive(Debug)]
pub struct CommitmentPending(oneshot::Receiver<CommitmentReport>);

impl CommitmentPending {
    /// The report, when it is known. `None` when another association asked for the same meanwhile.
    pub async fn report(&mut self) -> Option<CommitmentReport> {
        (&mut self.0).await.ok()
    }
}

/// Why a request was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum CommitmentError {
    /// The policy does not let this peer ask.
    #[error("asking for storage commitment is refused: {reason}")]
    Refused {
        /// The stable reason code of the decision.
        reason: String,
    },
    /// No instance, or too many in one transaction.
    #[error("a transaction has 1 to {COMMITMENT_REFERENCES_MAX} references, this one has {0}")]
    References(usize),
    /// Too many transactions of this peer are open.
    #[error("at most {COMMITMENTS_OPEN_MAX} transactions of one peer are open")]
    TooManyOpen,
    /// The same transaction was asked for with other references.
    #[error("the transaction UID was used for other references")]
    TransactionUsed,
    /// A part of the archive does not answer. Nothing was acknowledged.
    #[error("the archive cannot commit now: {0}")]
    Unavailable(Unavailable),
}

/// What the parts of this use case share beside the rows.
#[derive(Debug, Default)]
pub(crate) struct Commitments {
    /// A transaction is to be verified.
    requested: Notify,
    /// A transaction is to be reported.
    verified: Notify,
    /// A question to a device is to be put, see [`commit_elsewhere`](crate::commit_elsewhere).
    pub(crate) asked: Notify,
    /// Associations that wait for their report. Lost at a stop, which ends them too.
    waiting: Mutex<HashMap<CommitmentKey, oneshot::Sender<CommitmentReport>>>,
}

impl Commitments {
    fn waiting(&self) -> MutexGuard<'_, HashMap<CommitmentKey, oneshot::Sender<CommitmentReport>>> {
        // No code panics while it holds this lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports that are to be sent now, after waiting for a while when there are none.
pub(crate) async fn due_reports(core: &Core) -> Result<Vec<CommitmentReport>, Unavailable> {
    let read = async || {
        let database = core.catalogue.database();
        let now = core.clock.now();
        let rows = commitments::due(database, CommitmentState::Verified, now, REPORTS_AT_ONCE).await;
        rows.map_err(unavailable)?.into_iter().map(report_of).collect::<Result<Vec<_>, _>>()
    };
    let due = read().await?;
    if !due.is_empty() {
        return Ok(due);
    }
    // A time-out is no error: what was put off may be due meanwhile.
    let _ = tokio::time::timeout(REPORTS_LOOK, core.commitments.verified.notified()).await;
    read().await
}

/// Keeps that a peer was told.
pub(crate) async fn reported(core: &Core, report: &CommitmentReport) -> Result<(), Unavailable> {
    count_report("delivered");
    core.append_leaf(leaf(core, Outcome::Succeeded, REPORTED, all(report), failed(report))).await?;
    let end = commitments::end(&report.key, CommitmentState::Reported, core.clock.now());
    core.catalogue.database().execute(vec![end]).await.map(drop).map_err(unavailable)
}

/// Makes a report due now: whoever waited for it on an association is gone.
pub(crate) async fn due_now(core: &Core, report: &CommitmentReport) -> Result<(), Unavailable> {
    let change =
        commitments::put_off(&report.key, CommitmentState::Verified, report.attempts, core.clock.now());
    core.catalogue.database().execute(vec![change]).await.map_err(unavailable)?;
    core.commitments.verified.notify_one();
    Ok(())
}

/// Keeps that a peer could not be told, and when it is tried again.
pub(crate) async fn not_reported(core: &Core, report: &CommitmentReport) -> Result<(), Unavailable> {
    let (now, attempts) = (core.clock.now(), report.attempts.saturating_add(1));
    let change = if attempts >= REPORT_ATTEMPTS_MAX {
        count_report("abandoned");
        tracing::warn!(peer = %report.key.peer, attempts, "a storage commitment report is given up");
        core.append_leaf(leaf(core, Outcome::Failed, NOT_REPORTED, all(report), failed(report))).await?;
        commitments::end(&report.key, CommitmentState::Abandoned, now)
    } else {
        count_report("failed");
        commitments::put_off(&report.key, CommitmentState::Verified, attempts, now.after(pause(attempts)))
    };
    core.catalogue.database().execute(vec![change]).await.map(drop).map_err(unavailable)
}

// === helpers ===

/// The pause after so many failures in a row.
pub(crate) fn pause(attempts: u32) -> Duration {
    PAUSE.saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX)).min(PAUSE_MAX)
}

/// What was found of each reference that is not committed, by its place in the request.
type Failures = Vec<(u32, CommitmentFailure)>;

fn report_of(row: Commitment) -> Result<CommitmentReport, Unavailable> {
    let references: Vec<SopReference> = decode(&row.requested)?;
    let failures: Failures = decode(row.result.as_deref().unwrap_or_default())?;
    Ok(report(row.key, references, &failures, row.attempts))
}

fn report(
    key: CommitmentKey,
    references: Vec<SopReference>,
    failures: &Failures,
    attempts: u32,
) -> CommitmentReport {
    let failures: HashMap<u32, CommitmentFailure> = failures.iter().copied().collect();
    let (mut committed, mut failed) = (Vec::new(), Vec::new());
    for (place, reference) in (0..).zip(references) {
        match failures.get(&place) {
            None => committed.push(reference),
            Some(failure) => failed.push((reference, *failure)),
        }
    }
    CommitmentReport { key, committed, failed, attempts }
}

fn all(report: &CommitmentReport) -> u64 {
    (report.committed.len() + report.failed.len()) as u64
}

fn failed(report: &CommitmentReport) -> u64 {
    report.failed.len() as u64
}

/// What the archive itself found or told, as a leaf.
fn leaf(core: &Core, outcome: Outcome, reason: ReasonCode, references: u64, failed: u64) -> Event {
    let session = core.access.system_session();
    Event {
        kind: EventKind::Commitment,
        outcome,
        action: Some(Action::Commit),
        counts: Counts::new().with("references", references).with("failed", failed),
        ..session_leaf(&session, reason)
    }
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Unavailable> {
    serde_json::to_vec(value).map_err(|error| Unavailable::new("catalogue", error))
}

pub(crate) fn decode<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, Unavailable> {
    serde_json::from_slice(bytes).map_err(|_| {
        unavailable(CatalogError::Corrupt("a storage commitment is not what was written".to_owned()))
    })
}

fn count_report(outcome: &'static str) {
    metrics::counter!("yingdun_commitment_reports_total", "outcome" => outcome).increment(1);
}

impl From<(Uid, Uid)> for SopReference {
    fn from((sop_class, sop_instance): (Uid, Uid)) -> Self {
        Self { sop_class, sop_instance }
    }
}

impl From<SopReference> for (Uid, Uid) {
    fn from(reference: SopReference) -> Self {
        (reference.sop_class, reference.sop_instance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_model::InstitutionId;

    fn reference(number: u32) -> SopReference {
        (Uid::new("1.2.840.10008.5.1.4.1.1.2").unwrap(), Uid::new(&format!("1.2.{number}")).unwrap()).into()
    }

    #[test]
    fn pauses_double_up_to_an_hour_whatever_the_count() {
        let seconds: Vec<u64> = [1, 2, 3, 10, 11, 40, u32::MAX].map(|n| pause(n).as_secs()).to_vec();
        assert_eq!(seconds, [5, 10, 20, 2560, 3600, 3600, 3600]);
    }

    #[test]
    fn a_report_reads_back_from_its_row() {
        let key = CommitmentKey {
            institution: InstitutionId::new("renmin").unwrap(),
            peer: AeTitle::new("CT01").unwrap(),
            called: AeTitle::new("YINGDUN").unwrap(),
            transaction: Uid::new("1.2.3").unwrap(),
        };
        let references: Vec<SopReference> = (0..3).map(reference).collect();
        let failures: Failures = vec![(1, CommitmentFailure::NoSuchObjectInstance)];
        let row = Commitment {
            key: key.clone(),
            requested: encode(&references).unwrap(),
            state: CommitmentState::Verified,
            result: Some(encode(&failures).unwrap()),
            attempts: 2,
            due: yingdun_model::Timestamp::from_ms(0),
        };
        let report = report_of(row).unwrap();
        assert_eq!(report.committed, [reference(0), reference(2)]);
        assert_eq!(report.failed, [(reference(1), CommitmentFailure::NoSuchObjectInstance)]);
        assert_eq!((report.key, report.attempts), (key, 2));
    }
}
