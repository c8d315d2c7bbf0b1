//! The door of the archive: [`Service`] on top of `access` and `archive`. Tables and little else: how what a DICOM peer
//! asks is said to the archive, and how refusals and failures are told to the peer.

mod caller;
mod find;
mod passing;
mod performed;
mod retrieve;
mod rewriting;
mod workitem;

pub use caller::Caller;
pub use retrieve::{move_target, outgoing};

use crate::commitment::{Outcome, Reference, Transaction};
use crate::query::{Query, Selection};
use crate::scp::{
    Failure, FailureKind, Incoming, Matches, MoveTarget, Object, Outgoing, Peer, PendingReport, Refusal,
    Service, TurnedAway, WorkitemAnswer, WorkitemRequest,
};
use bytes::Bytes;
use passing::{Crowded, holding};
use performed::not_reported;
use rustls::ClientConfig;
use std::sync::Arc;
use tokio::sync::oneshot;
use yingdun_access::{
    self as access, Access, AssociationEnd, Attempt, DeviceFault, DeviceHabits, DeviceRefusal, Resource,
    ShownCertificate,
};
use yingdun_archive::{
    AnswerError, Archive, CommitmentAnswer, CommitmentError, CommitmentPending, CommitmentReport,
    CommitmentRequest, Declared, Door, IngestError, SopReference, WorklistError,
};
use yingdun_dicom::Tag;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::matching::Keys;
use yingdun_gateway::{Class, Gateway, Turn};
use yingdun_model::{Action, AeTitle, Uid};

/// Lets registered devices in, gives their objects to the archive and them what they may have of it.
#[derive(Clone)]
pub struct ArchiveDoor {
    access: Access,
    archive: Archive,
    client_tls: Option<Arc<ClientConfig>>,
    gateway: Option<Gateway>,
}

/// An object on its way into the archive.
pub struct Arriving {
    incoming: yingdun_archive::Incoming,
    /// Given back when the object is durable.
    _turn: Option<Turn>,
}

impl ArchiveDoor {
    /// The door between the network and an archive.
    #[must_use]
    pub const fn new(access: Access, archive: Archive) -> Self {
        Self { access, archive, client_tls: None, gateway: None }
    }

    /// The same with a certificate for the associations that it makes itself (C-MOVE).
    #[must_use]
    pub fn with_client_tls(mut self, client_tls: Option<Arc<ClientConfig>>) -> Self {
        self.client_tls = client_tls;
        self
    }

    /// The same behind the gateway of this process.
    #[must_use]
    pub fn with_gateway(mut self, gateway: Gateway) -> Self {
        self.gateway = Some(gateway);
        self
    }
}

impl Service for ArchiveDoor {
    type Session = Caller;
    type Incoming = Arriving;

    async fn admit(&self, peer: &Peer) -> Result<Caller, Refusal> {
        self.admit_through(peer).await
    }

    fn turned_away(&self, caller: TurnedAway) {
        let TurnedAway { address, tls, certificate, is_verified, cause } = caller;
        let certificate = certificate.and_then(|der| ShownCertificate::read(&der, is_verified));
        let address = address.ip().to_canonical();
        self.access.note_attempt(Attempt { titles: None, address, tls, certificate, cause });
    }

    fn recognises(&self, caller: &Caller) -> bool {
        caller.is_person()
    }

    fn habits(&self, caller: &Caller) -> Arc<DeviceHabits> {
        caller.device().habits()
    }

    async fn leave(&self, caller: Caller, end: AssociationEnd) {
        self.let_out(caller, end).await;
    }

    async fn echo(&self, caller: &Caller) -> Result<(), Failure> {
        // Whoever sits there: it is the device that asks whether we are here.
        let device = caller.device();
        self.arrives(device, Class::Operations)?;
        let here = Resource::Archive(device.institution().clone());
        match self.access.authorise(device, Action::Echo, here).await {
            Ok(_permit) => Ok(()),
            Err(refused @ access::Refusal::Denied { .. }) => {
                Err(Failure::new(FailureKind::NotAuthorised, refused.to_string()))
            }
            Err(refused @ (access::Refusal::AuditUnavailable(_) | access::Refusal::FactsUnavailable(_))) => {
                Err(Failure::new(FailureKind::Processing, refused.to_string()))
            }
        }
    }

    async fn receive(&self, caller: &Caller, object: Object) -> Result<Arriving, Failure> {
        let declared = Declared {
            transfer_syntax: object.transfer_syntax,
            sop_class: Some(object.sop_class),
            sop_instance: Some(object.sop_instance),
            study: None,
            door: Door::Dimse,
            habits: caller.device().habits(),
        };
        let _turn = self.pass(caller, Class::Store, Crowded::OutOfResources).await?;
        let incoming = self.archive.receive(caller.acting(), declared).map_err(failure)?;
        Ok(Arriving { incoming, _turn })
    }

    async fn worklist(&self, caller: &Caller, asked: Keys) -> Result<Vec<DataSet>, Failure> {
        let _turn = self.pass(caller, Class::Search, Crowded::OutOfResources).await?;
        self.archive.find_steps(caller.acting(), &asked).await.map_err(no_worklist)
    }

    async fn begin_step(
        &self,
        caller: &Caller,
        peer: &Peer,
        instance: &Uid,
        report: DataSet,
    ) -> Result<(), Failure> {
        let _turn = self.pass(caller, Class::Store, Crowded::ResourceLimitation).await?;
        let begun = self.archive.begin_performed_step(caller.acting(), &peer.calling, instance, &report);
        begun.await.map_err(not_reported)
    }

    async fn change_step(
        &self,
        caller: &Caller,
        peer: &Peer,
        instance: &Uid,
        report: DataSet,
    ) -> Result<Vec<Tag>, Failure> {
        let _turn = self.pass(caller, Class::Store, Crowded::ResourceLimitation).await?;
        let changed = self.archive.change_performed_step(caller.acting(), &peer.calling, instance, &report);
        changed.await.map_err(not_reported)
    }

    async fn performed_step(&self, caller: &Caller, instance: &Uid) -> Result<DataSet, Failure> {
        let _turn = self.pass(caller, Class::Search, Crowded::ResourceLimitation).await?;
        self.archive.performed_attributes(caller.acting(), instance).await.map_err(not_reported)
    }

    async fn workitem(&self, caller: &Caller, request: WorkitemRequest) -> Result<WorkitemAnswer, Failure> {
        let _turn = self.pass(caller, Class::Search, Crowded::ResourceLimitation).await?;
        self.ask_of_workitem(caller.acting(), request).await
    }

    async fn workitems(&self, caller: &Caller, identifier: &DataSet) -> Result<Vec<DataSet>, Failure> {
        let _turn = self.pass(caller, Class::Search, Crowded::OutOfResources).await?;
        self.matching_workitems(caller.acting(), identifier).await
    }

    async fn commit(
        &self,
        caller: &Caller,
        peer: &Peer,
        transaction: Transaction,
    ) -> Result<PendingReport, Failure> {
        let _turn = self.pass(caller, Class::Store, Crowded::ResourceLimitation).await?;
        let references = transaction.references.into_iter();
        let request = CommitmentRequest {
            peer: peer.calling.clone(),
            called: peer.called.clone(),
            transaction: transaction.uid,
            references: references.map(|of| (of.sop_class, of.sop_instance).into()).collect(),
        };
        let kept = self.archive.request_commitment(caller.acting(), request).await.map_err(not_committed)?;
        Ok(told_on(self.archive.clone(), kept))
    }

    async fn committed(&self, caller: &Caller, peer: &Peer, outcome: Outcome) -> Result<(), Failure> {
        self.keep_outcome(caller, &peer.calling, outcome).await
    }

    async fn find(&self, caller: &Caller, query: Query) -> Result<Matches, Failure> {
        let _turn = self.pass(caller, Class::Search, Crowded::OutOfResources).await?;
        self.search(caller.acting(), query).await
    }

    async fn select(
        &self,
        caller: &Caller,
        selection: Selection,
        elsewhere: bool,
    ) -> Result<Vec<Outgoing>, Failure> {
        let turn = Arc::new(self.pass(caller, Class::Bulk, Crowded::UnableToSend).await?);
        let selected = self.instances(caller.acting(), selection, elsewhere).await?;
        // Given back when the last of them is sent, or is not sent any more.
        Ok(selected.into_iter().map(|one| holding(one, &turn)).collect())
    }

    async fn destination(&self, caller: &Caller, title: &AeTitle) -> Result<MoveTarget, Failure> {
        self.target(caller.acting(), title).await
    }
}

impl ArchiveDoor {
    /// Keeps what a device tells of a storage commitment that it was asked for. The device tells it, whoever sits there.
    pub(crate) async fn keep_outcome(
        &self,
        caller: &Caller,
        device: &AeTitle,
        outcome: Outcome,
    ) -> Result<(), Failure> {
        let reference = |of: Reference| SopReference::from((of.sop_class, of.sop_instance));
        let answer = CommitmentAnswer {
            transaction: outcome.transaction,
            committed: outcome.committed.into_iter().map(reference).collect(),
            failed: outcome.failed.into_iter().map(|(of, reason)| (reference(of), reason)).collect(),
        };
        self.archive.commitment_answered(caller.device(), device, answer).await.map_err(not_answered)
    }
}

impl Incoming for Arriving {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Failure> {
        self.incoming.write(bytes).await.map_err(failure)
    }

    async fn finish(self) -> Result<(), Failure> {
        self.incoming.finish().await.map(drop).map_err(failure)
    }
}

/// Hands the report to the association, and what became of it back to the archive.
fn told_on(archive: Archive, mut kept: CommitmentPending) -> PendingReport {
    let (mut outcome, outcome_of) = oneshot::channel();
    let (told, told_of) = oneshot::channel();
    tokio::spawn(async move {
        let report = tokio::select! {
            report = kept.report() => report,
            // The association is over: without anyone who waits, the report is due elsewhere.
            () = outcome.closed() => None,
        };
        let Some(report) = report else { return };
        let handed_over = outcome.send(outcome_from(&report)).is_ok();
        let told = if handed_over { told_of.await.ok() } else { None };
        let written = match told {
            Some(true) => archive.commitment_reported(&report).await,
            Some(false) => archive.commitment_not_reported(&report).await,
            None => archive.commitment_peer_left(&report).await,
        };
        if let Err(error) = written {
            tracing::warn!(%error, "what became of a storage commitment report was not kept");
        }
    });
    PendingReport { outcome: outcome_of, told }
}

/// A report in the words of the wire.
pub(crate) fn outcome_from(report: &CommitmentReport) -> Outcome {
    let reference = |of: &SopReference| Reference {
        sop_class: of.sop_class.clone(),
        sop_instance: of.sop_instance.clone(),
    };
    Outcome {
        transaction: report.key.transaction.clone(),
        committed: report.committed.iter().map(reference).collect(),
        failed: report.failed.iter().map(|(of, failure)| (reference(of), failure.code())).collect(),
    }
}

// === tables ===

fn no_worklist(error: WorklistError) -> Failure {
    let kind = match &error {
        WorklistError::Refused { .. } => FailureKind::NotAuthorised,
        WorklistError::TooBroad => FailureKind::OutOfResources,
        WorklistError::Item(_) | WorklistError::Exists | WorklistError::NotFound => {
            FailureKind::CannotUnderstand
        }
        // The cause is for the operator's log: it may name paths and hosts.
        WorklistError::Unavailable(part) => {
            tracing::error!(cause = %part, "the worklist could not be read");
            let comment = format!("{} does not answer, try again", part.part());
            return Failure::new(FailureKind::OutOfResources, comment);
        }
    };
    Failure::new(kind, error.to_string())
}

fn not_committed(error: CommitmentError) -> Failure {
    let kind = match &error {
        CommitmentError::Refused { .. } => FailureKind::NotAuthorised,
        CommitmentError::References(_) | CommitmentError::TransactionUsed => FailureKind::InvalidArgument,
        CommitmentError::TooManyOpen => FailureKind::ResourceLimitation,
        // The cause is for the operator's log: it may name paths and hosts.
        CommitmentError::Unavailable(part) => {
            tracing::error!(cause = %part, "a storage commitment could not be taken");
            let comment = format!("{} does not answer, try again", part.part());
            return Failure::new(FailureKind::Processing, comment);
        }
    };
    Failure::new(kind, error.to_string())
}

fn not_answered(error: AnswerError) -> Failure {
    match error {
        AnswerError::NotAsked | AnswerError::AnsweredOtherwise => {
            Failure::new(FailureKind::InvalidArgument, error.to_string())
        }
        // The cause is for the operator's log: it may name paths and hosts.
        AnswerError::Unavailable(part) => {
            tracing::error!(cause = %part, "an answer about storage commitment could not be taken");
            Failure::new(FailureKind::Processing, format!("{} does not answer, try again", part.part()))
        }
    }
}

const fn refusal(refused: &DeviceRefusal) -> Refusal {
    match refused {
        DeviceRefusal::Fault(DeviceFault::UnknownCalling) => Refusal::CallingAeUnknown,
        DeviceRefusal::Fault(DeviceFault::UnknownCalled) => Refusal::CalledAeUnknown,
        DeviceRefusal::Fault(
            DeviceFault::WrongCertificate
            | DeviceFault::WrongAddress
            | DeviceFault::PlainNotAllowed
            | DeviceFault::Disabled,
        ) => Refusal::NotTrusted,
        DeviceRefusal::AuditUnavailable(_) | DeviceRefusal::FactsUnavailable(_) => Refusal::Unavailable,
    }
}

/// The comment is cut at 64 characters on the wire, so what matters stands first.
fn failure(error: IngestError) -> Failure {
    match error {
        IngestError::OutOfSpace => Failure::new(FailureKind::OutOfResources, "out of space"),
        // The cause is for the operator's log: it may name paths and hosts.
        IngestError::Unavailable(part) => {
            tracing::error!(cause = %part, "an object could not be stored");
            Failure::new(FailureKind::OutOfResources, format!("{} does not answer, try again", part.part()))
        }
        IngestError::Refused { reason } => {
            Failure::new(FailureKind::NotAuthorised, format!("refused: {reason}"))
        }
        IngestError::NotStorage { .. } => {
            Failure::new(FailureKind::SopClassNotSupported, "not a storage SOP class of the standard")
        }
        IngestError::Mismatch { what } => {
            Failure::new(FailureKind::Mismatch, format!("data set differs from its {what}"))
        }
        IngestError::Invalid { reason } => Failure::new(FailureKind::CannotUnderstand, reason),
        IngestError::TooLarge { limit_bytes } => {
            Failure::new(FailureKind::TooLarge, format!("larger than {limit_bytes} bytes"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_hears_what_the_room_of_access_would_tell_it() {
        for fault in DeviceFault::ALL {
            let refused = DeviceRefusal::Fault(*fault);
            let ours = refusal(&refused).rejection();
            let (source, reason) = ours.reason.bytes();
            let theirs = refused.reject();
            assert_eq!(
                (if ours.transient { 2 } else { 1 }, source, reason),
                (theirs.result, theirs.source, theirs.reason),
                "{fault:?}"
            );
        }
    }

    #[test]
    fn every_failure_of_ingest_has_the_status_of_the_standard() {
        let status = |error| failure(error).status().0;
        assert_eq!(status(IngestError::OutOfSpace), 0xA700);
        assert_eq!(status(IngestError::Refused { reason: "no".into() }), 0x0124);
        assert_eq!(status(IngestError::NotStorage { sop_class: "1.2".into() }), 0x0122);
        assert_eq!(status(IngestError::Mismatch { what: "SOP class" }), 0xA900);
        assert_eq!(status(IngestError::Invalid { reason: "short".into() }), 0xC000);
        assert_eq!(status(IngestError::TooLarge { limit_bytes: 1 }), 0xC001);
    }
}
