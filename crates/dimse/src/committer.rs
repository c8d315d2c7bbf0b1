//! Asks devices whether they keep what was sent to them (PS3.4 annex J, as its user): a worker that puts questions, until a
//! device takes each.
//!
//! What is due, and when it is tried again, is kept by the archive; this only calls. A device that answers is checked like one
//! that calls, see [`ArchiveDoor`]. It may tell on the association in which it was asked, for a while, or over one of its
//! own, which comes in by the door like any other.

use crate::archive_door::{ArchiveDoor, Caller, move_target};
use crate::association::Proposals;
use crate::commitment::{Reference, Transaction};
use crate::message::Status;
use crate::scp::{Refusal, Service};
use crate::scu::{Scu, ScuError};
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use yingdun_access::{Access, AssociationEnd, DeviceHabits, MoveDestination};
use yingdun_archive::{Archive, CommitmentTurn, Unavailable};

/// How long a device may tell on the association in which it was asked. Those that verify longer call.
const SAME_ASSOCIATION: Duration = Duration::from_secs(15);

/// Questions that are put at once: each holds an association, some of them until the device tells on it.
const TURNS_AT_ONCE: usize = 16;

/// Pause after the archive did not say what is due, so that the loop does not spin.
const FAILED_PAUSE: Duration = Duration::from_secs(5);

/// Asks devices.
pub struct Committer {
    access: Access,
    archive: Archive,
    door: ArchiveDoor,
    tls: Option<Arc<ClientConfig>>,
}

/// Why a device did not take a question.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error("the device has no destination, or is disabled")]
    NoDestination,
    #[error("the device wants TLS, and this archive has no certificate for DICOM")]
    NoTls,
    #[error("the certificate or address of whoever answers is not that of the record ({0:?})")]
    NotTheDevice(Refusal),
    #[error("the records of devices cannot be read: {0}")]
    Records(#[from] yingdun_access::Refusal),
    #[error("{0}")]
    Scu(#[from] ScuError),
    #[error("what became of it cannot be kept: {0}")]
    Kept(Unavailable),
    #[error("the device answered {0}")]
    Refused(Status),
}

impl NotTaken {
    /// Whether to ask again is of no use: the device does not offer it, or has refused for a reason that stays. Processing
    /// failures and limits pass.
    const fn is_final(&self) -> bool {
        match self {
            Self::Scu(error) => matches!(error, ScuError::NoCommitment),
            Self::Refused(status) => {
                !matches!(*status, Status::PROCESSING_FAILURE | Status::RESOURCE_LIMITATION)
            }
            Self::NoDestination | Self::NoTls | Self::NotTheDevice(_) | Self::Records(_) | Self::Kept(_) => {
                false
            }
        }
    }
}

impl Committer {
    /// A committer. Without `tls` only devices are called that are spelled out as plain.
    #[must_use]
    pub const fn new(
        access: Access,
        archive: Archive,
        door: ArchiveDoor,
        tls: Option<Arc<ClientConfig>>,
    ) -> Self {
        Self { access, archive, door, tls }
    }

    /// Works until `stop`. A call that is under way then is broken off; its question is put again after the next start. Questions
    /// are put beside each other, so that a device that hangs, or takes its time, holds up nobody else's.
    pub async fn run(self, stop: CancellationToken) {
        let (committer, room) = (Arc::new(self), Arc::new(Semaphore::new(TURNS_AT_ONCE)));
        // Dropped at the stop, which ends what is under way.
        let mut turns = JoinSet::new();
        let work = async {
            loop {
                match committer.archive.due_commitment_requests().await {
                    Ok(due) => {
                        for turn in due {
                            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
                            let committer = Arc::clone(&committer);
                            turns.spawn(async move {
                                committer.turn(&turn).await;
                                drop(place);
                            });
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "questions for storage commitment wait");
                        tokio::time::sleep(FAILED_PAUSE).await;
                    }
                }
                while turns.try_join_next().is_some() {}
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    }

    async fn turn(&self, turn: &CommitmentTurn) {
        let asked = self.ask(turn).await;
        let word = if asked.is_ok() { "taken" } else { "failed" };
        metrics::counter!("yingdun_commitment_requests_total", "outcome" => word).increment(1);
        let Err(why) = asked else { return };
        tracing::warn!(device = %turn.device, %why, "a device did not take a question for storage commitment");
        let kept = self.archive.commitment_not_taken(turn, &why.to_string(), why.is_final()).await;
        if let Err(error) = kept {
            tracing::warn!(%error, "what became of a question for storage commitment was not kept");
        }
    }

    /// Puts a question, and waits for a while whether the answer comes at once.
    async fn ask(&self, turn: &CommitmentTurn) -> Result<(), NotTaken> {
        let found = self.access.destination(&turn.key.institution, &turn.device, &turn.calling).await?;
        let endpoint = found.ok_or(NotTaken::NoDestination)?;
        let at = MoveDestination { endpoint, calling: turn.calling.clone(), habits: DeviceHabits::default() };
        let target = move_target(&turn.device, at, self.tls.as_ref()).ok_or(NotTaken::NoTls)?;
        let proposals = Proposals::commitment_request().map_err(|_| ScuError::NoCommitment)?;
        let scu = Scu::connect(&target.destination, &target.settings, &proposals).await?;
        let reached = scu.reached().cloned();
        match self.door.admit_reached(&turn.device, &turn.calling, reached).await {
            Ok(caller) => {
                let asked = self.ask_as(turn, &caller, scu).await;
                self.door
                    .leave(caller, AssociationEnd { released: asked.is_ok(), ..AssociationEnd::default() })
                    .await;
                asked
            }
            Err(refusal) => {
                scu.abort().await;
                Err(NotTaken::NotTheDevice(refusal))
            }
        }
    }

    async fn ask_as(&self, turn: &CommitmentTurn, caller: &Caller, mut scu: Scu) -> Result<(), NotTaken> {
        let reference = |(sop_class, sop_instance)| Reference { sop_class, sop_instance };
        let references = turn.references.iter().cloned().map(|of| reference(of.into())).collect();
        let transaction = Transaction { uid: turn.key.transaction.clone(), references };
        let answer = match scu.request_commitment(&transaction).await {
            Ok(answer) => answer,
            Err(error) => {
                scu.abort().await;
                return Err(error.into());
            }
        };
        if !answer.status.is_stored() {
            let _ = scu.release().await;
            return Err(NotTaken::Refused(answer.status));
        }
        self.archive.commitment_taken(turn).await.map_err(NotTaken::Kept)?;
        let keep = |outcome| self.door.keep_outcome(caller, &turn.device, outcome);
        if let Err(error) = scu.await_commitment(SAME_ASSOCIATION, keep).await {
            // The question is with the device: its answer comes over an association of its own.
            tracing::debug!(%error, device = %turn.device, "the association of a question ended before its answer");
        }
        Ok(())
    }
}
