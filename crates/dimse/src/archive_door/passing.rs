//! The gateway's part of the DICOM door: zones, rates and turns, and what each refusal is called in DICOM.
//!
//! | refused | when | answer |
//! |---|---|---|
//! | a connection from outside of every zone | before TLS | closed |
//! | one more connection than the rate of its address | after A-ASSOCIATE-RQ | A-ASSOCIATE-RJ, transient, local limit exceeded |
//! | an association of a device, or of an address whose associations were refused too often | the same | the same |
//! | an association where devices are not served | the same | A-ASSOCIATE-RJ; a leaf |
//! | one more C-STORE, C-FIND, worklist query | before it is looked up | A700, out of resources |
//! | one more C-GET, C-MOVE | the same | A702, out of resources |
//! | one more of the normalized services | the same | 0213, resource limitation |
//! | an operation whose class is not served in this network | the same | 0124, not authorised |

use super::{ArchiveDoor, Caller};
use crate::message::Status;
use crate::scp::{Failure, FailureKind, Peer, Refusal};
use std::net::IpAddr;
use yingdun_gateway::{Class, Refusal as NotLetThrough, Subject, Turn};

/// The door, in metrics.
const DOOR: &str = "dimse";

/// How a service says that it has no room now.
#[derive(Clone, Copy)]
pub(super) enum Crowded {
    /// C-STORE, C-FIND.
    OutOfResources,
    /// C-GET, C-MOVE: no sub-operation is begun.
    UnableToSend,
    /// Normalized services.
    ResourceLimitation,
}

impl ArchiveDoor {
    /// Lets somebody in, if the gateway does.
    pub(super) async fn admit_through(&self, peer: &Peer) -> Result<Caller, Refusal> {
        let Some(gateway) = &self.gateway else { return self.let_in(peer).await };
        let address = peer.address.ip().to_canonical();
        let limited = |refusal: NotLetThrough| {
            refusal.note(DOOR, None);
            Refusal::LocalLimitExceeded
        };
        // Whose associations are refused again and again is not looked up any more for a while; a device is named by its title.
        gateway.credential(peer.calling.as_str().as_bytes(), address).map_err(limited)?;
        let caller = match self.let_in(peer).await {
            Ok(caller) => caller,
            Err(refusal) => {
                gateway.stranger(address).map_err(limited)?;
                return Err(refusal);
            }
        };
        gateway.is_good(peer.calling.as_str().as_bytes());
        match gateway.association(&Subject::from(caller.device()), address) {
            Ok(()) => Ok(caller),
            Err(NotLetThrough::Zone) => {
                NotLetThrough::Zone.note(DOOR, None);
                let noted = self.access.refuse_place(caller.device(), address).await;
                self.let_out(caller).await;
                Err(if noted.is_ok() { Refusal::NotTrusted } else { Refusal::Unavailable })
            }
            Err(refusal) => {
                self.let_out(caller).await;
                Err(limited(refusal))
            }
        }
    }

    /// Lets an operation through, and gives it a turn.
    pub(super) async fn pass(
        &self,
        caller: &Caller,
        class: Class,
        crowded: Crowded,
    ) -> Result<Option<Turn>, Failure> {
        let Some(gateway) = &self.gateway else { return Ok(None) };
        let address: IpAddr = caller.device().peer().address;
        let subject = Subject::from(caller.acting());
        let passed = async {
            gateway.arrival(class, address)?;
            gateway.admit(class, &subject, address)?;
            gateway.turn(class, Some(&subject), address).await
        };
        match passed.await {
            Ok(turn) => Ok(Some(turn)),
            Err(refusal) => {
                refusal.note(DOOR, Some(class));
                if refusal == NotLetThrough::Zone
                    && self.access.refuse_place(caller.acting(), address).await.is_err()
                {
                    return Err(Failure::new(FailureKind::Processing, "the audit log does not answer"));
                }
                Err(Failure::new(kind(refusal, crowded), format!("expected {refusal}")))
            }
        }
    }
}

fn kind(refusal: NotLetThrough, crowded: Crowded) -> FailureKind {
    match (refusal, crowded) {
        (NotLetThrough::Zone | NotLetThrough::Rule, _) => FailureKind::NotAuthorised,
        (_, Crowded::OutOfResources) => FailureKind::OutOfResources,
        (_, Crowded::UnableToSend) => FailureKind::OfService(Status::UNABLE_TO_SEND),
        (_, Crowded::ResourceLimitation) => FailureKind::ResourceLimitation,
    }
}
