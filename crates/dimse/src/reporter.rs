//! Tells peers that have left what became of their storage commitments: a worker that calls them, until they take it.
//!
//! What is due, and when it is tried again, is kept by the archive; this only calls. Reports of one round go out beside
//! each other, so that a peer that hangs holds up its own only, and the next round begins when all have ended.

use crate::archive_door::outcome_from;
use crate::association::Proposals;
use crate::commitment::is_taken;
use crate::scu::{Destination, Scu, ScuError, Settings};
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use yingdun_access::Access;
use yingdun_archive::{Archive, CommitmentReport};

/// Pause after the archive did not say what is due, so that the loop does not spin.
const FAILED_PAUSE: Duration = Duration::from_secs(5);

/// Calls peers with their storage commitment reports.
pub struct Reporter {
    access: Access,
    archive: Archive,
    tls: Option<Arc<ClientConfig>>,
}

/// Why a peer was not told.
#[derive(Debug, thiserror::Error)]
enum NotTold {
    #[error("the device has no destination")]
    NoDestination,
    #[error("the device wants TLS, and this archive has no certificate for DICOM")]
    NoTls,
    #[error(transparent)]
    Records(#[from] yingdun_access::Refusal),
    #[error("{0}")]
    Scu(#[from] ScuError),
    #[error("the peer answered {0}")]
    Status(crate::message::Status),
}

impl Reporter {
    /// A reporter. Without `tls` only devices are called that are spelled out as plain.
    #[must_use]
    pub const fn new(access: Access, archive: Archive, tls: Option<Arc<ClientConfig>>) -> Self {
        Self { access, archive, tls }
    }

    /// Works until `stop`. A call that is under way then is broken off and tried again by the next start.
    pub async fn run(self, stop: CancellationToken) {
        let work = async {
            loop {
                match self.archive.due_commitment_reports().await {
                    Ok(due) => {
                        futures_util::future::join_all(due.iter().map(|report| self.report(report))).await;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "storage commitment reports wait");
                        tokio::time::sleep(FAILED_PAUSE).await;
                    }
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    }

    async fn report(&self, report: &CommitmentReport) {
        let kept = match self.tell(report).await {
            Ok(()) => self.archive.commitment_reported(report).await,
            Err(why) => {
                tracing::warn!(peer = %report.key.peer, %why, "a storage commitment report was not taken");
                self.archive.commitment_not_reported(report).await
            }
        };
        if let Err(error) = kept {
            tracing::warn!(%error, "what became of a storage commitment report was not kept");
        }
    }

    async fn tell(&self, report: &CommitmentReport) -> Result<(), NotTold> {
        let key = &report.key;
        let found = self.access.destination(&key.institution, &key.peer, &key.called).await?;
        let endpoint = found.ok_or(NotTold::NoDestination)?;
        let mut settings = Settings::new(key.called.clone());
        if endpoint.tls {
            settings.tls = Some(self.tls.clone().ok_or(NotTold::NoTls)?);
        }
        let destination =
            Destination { ae_title: key.peer.clone(), host: endpoint.host, port: endpoint.port };
        let proposals = Proposals::commitment_report().map_err(|_| ScuError::NoCommitment)?;
        let mut scu = Scu::connect(&destination, &settings, &proposals).await?;
        let answer = match scu.report_commitment(&outcome_from(report)).await {
            Ok(answer) => answer,
            Err(error) => {
                scu.abort().await;
                return Err(error.into());
            }
        };
        // It was answered, whatever becomes of the association.
        let _ = scu.release().await;
        if is_taken(Some(answer.status)) { Ok(()) } else { Err(NotTold::Status(answer.status)) }
    }
}
