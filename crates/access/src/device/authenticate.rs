//! Accepting or refusing an association, with its leaf.

use super::check::{DeviceFault, PeerFacts, actor_of, check, records};
use crate::access::Access;
use crate::ledger;
use crate::session::{Peer, Proof, Session, SessionFacts, SessionId, SignIn};
use crate::sign_in::Stage;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;
use yingdun_audit::complete::Act;
use yingdun_audit::{AuditError, Event, EventKind, Outcome};
use yingdun_catalog::CatalogError;
use yingdun_crypto::random;
use yingdun_model::{ActorKind, InstitutionId, Role};

/// The longest life of a device session, which lives as long as its association. Longer than any real
/// association; a device that never releases has to prove itself again once a day.
const DEVICE_SESSION_MAX: Duration = Duration::from_secs(24 * 3600);

/// Why an association is refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeviceRefusal {
    /// What the peer shows does not fit the records.
    #[error(transparent)]
    Fault(#[from] DeviceFault),
    /// The association could not be written down, so there is none.
    #[error("refused because the audit log does not accept the association")]
    AuditUnavailable(#[source] AuditError),
    /// The records cannot be read.
    #[error("refused because the device records cannot be read")]
    FactsUnavailable(#[source] CatalogError),
}

/// The three fields of an A-ASSOCIATE-RJ PDU (DICOM PS3.8 §9.3.4, table 9-21).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssociationReject {
    /// 1 permanent, 2 transient.
    pub result: u8,
    /// 1 service user, 2 service provider (ACSE), 3 service provider (presentation).
    pub source: u8,
    /// The reason, whose meaning depends on the source.
    pub reason: u8,
}

impl DeviceRefusal {
    /// What the peer is told. A wrong certificate, address or transport and a disabled device are all "no reason
    /// given": which of them it was is on the ledger, not on the wire.
    #[must_use]
    pub const fn reject(&self) -> AssociationReject {
        match self {
            Self::Fault(DeviceFault::UnknownCalling) => AssociationReject { result: 1, source: 1, reason: 3 },
            Self::Fault(DeviceFault::UnknownCalled) => AssociationReject { result: 1, source: 1, reason: 7 },
            Self::Fault(
                DeviceFault::WrongCertificate
                | DeviceFault::WrongAddress
                | DeviceFault::PlainNotAllowed
                | DeviceFault::Disabled,
            ) => AssociationReject { result: 1, source: 1, reason: 1 },
            Self::AuditUnavailable(_) | Self::FactsUnavailable(_) => {
                AssociationReject { result: 2, source: 3, reason: 1 }
            }
        }
    }
}

impl Access {
    /// Finds out who asks for an association and writes it down, accepted or refused.
    ///
    /// Refusals are metered per source address, see `flood.rs`: a stranger cannot fill the log.
    ///
    /// # Errors
    /// [`DeviceRefusal`], whose [`DeviceRefusal::reject`] answers the peer.
    pub async fn authenticate_device(&self, facts: PeerFacts) -> Result<Session, DeviceRefusal> {
        let records =
            records(&self.inner.identity, &facts.calling).await.map_err(DeviceRefusal::FactsUnavailable)?;
        match check(&records, &facts) {
            Ok(record) => {
                let actor = actor_of(&facts.calling).ok_or(DeviceFault::UnknownCalling)?;
                let sign_in = if facts.tls { SignIn::DeviceCertificate } else { SignIn::DevicePlain };
                let session = Session::new(SessionFacts {
                    id: SessionId(random::array()),
                    actor,
                    kind: ActorKind::Device,
                    institution: record.institution.clone(),
                    role: Role::Device,
                    scopes: record.scopes.clone(),
                    sign_in,
                    expires: self.inner.clock.now().after(DEVICE_SESSION_MAX),
                    peer: Peer { address: facts.address, tls: facts.tls },
                    stage: Stage::Whole,
                    proved: None,
                    last_used: AtomicI64::new(0),
                    proof: Proof::Device { facts, habits: Arc::new(record.habits.clone()) },
                });
                let event = Event {
                    kind: EventKind::Association,
                    ..ledger::session_leaf(&session, ledger::word(sign_in.as_str()))
                };
                let begun = self.inner.tally.begin();
                self.inner.log.append_one(event).await.map_err(DeviceRefusal::AuditUnavailable)?;
                begun.done(Act::Association);
                Ok(session)
            }
            Err(fault) => {
                // A known title belongs to the institution of its record, a stranger to ours.
                let institution =
                    records.first().map_or(&self.inner.institution, |record| &record.institution).clone();
                self.refuse_device(&facts, &institution, fault).await
            }
        }
    }

    async fn refuse_device(
        &self,
        facts: &PeerFacts,
        institution: &InstitutionId,
        fault: DeviceFault,
    ) -> Result<Session, DeviceRefusal> {
        metrics::counter!("yingdun_access_associations_refused_total", "reason" => fault.as_str())
            .increment(1);
        let actor = actor_of(&facts.calling).ok_or(fault)?;
        let event = ledger::of_claim(
            EventKind::Association,
            Outcome::Refused,
            institution,
            &actor,
            ActorKind::Device,
            Some(Role::Device),
            ledger::word(fault.as_str()),
        );
        self.append_refusal(event, facts.address).await.map_err(DeviceRefusal::AuditUnavailable)?;
        Err(fault.into())
    }
}
