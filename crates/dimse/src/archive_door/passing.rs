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
use crate::scp::{Failure, FailureKind, Outgoing, Peer, Refusal, Source};
use futures_util::future::BoxFuture;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};
use yingdun_access::{AssociationEnd, Session};
use yingdun_gateway::{Class, Credential, Refusal as NotLetThrough, Subject, Turn};

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
        let title = Credential { door: DOOR, token: peer.calling.as_str() };
        gateway.credential(title, address).map_err(limited)?;
        let caller = match self.let_in(peer).await {
            Ok(caller) => caller,
            Err(refusal) => {
                gateway.stranger(address).map_err(limited)?;
                return Err(refusal);
            }
        };
        gateway.is_good(title);
        match gateway.association(&Subject::from(caller.device()), address) {
            Ok(()) => Ok(caller),
            Err(NotLetThrough::Zone) => {
                NotLetThrough::Zone.note(DOOR, None);
                let noted = self.access.refuse_place(caller.device(), address).await;
                self.let_out(caller, AssociationEnd::default()).await;
                Err(if noted.is_ok() { Refusal::NotTrusted } else { Refusal::Unavailable })
            }
            Err(refusal) => {
                self.let_out(caller, AssociationEnd::default()).await;
                Err(limited(refusal))
            }
        }
    }

    /// Lets an operation through that is too small to need a turn, or to be counted.
    pub(super) fn arrives(&self, device: &Session, class: Class) -> Result<(), Failure> {
        let Some(gateway) = &self.gateway else { return Ok(()) };
        gateway.arrival(class, device.peer().address).map_err(|refusal| {
            refusal.note(DOOR, Some(class));
            Failure::new(FailureKind::NotAuthorised, format!("expected {refusal}"))
        })
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

/// An object that holds something until it is sent, or is not sent any more.
pub(super) fn holding<H: Send + Sync + 'static>(one: Outgoing, held: &Arc<H>) -> Outgoing {
    let (open, held) = (one.open, Arc::clone(held));
    let open = move |to| -> BoxFuture<'static, Result<Source, Failure>> {
        Box::pin(async move {
            let source = open(to).await?;
            Ok(Box::pin(Holding { source, _held: held }) as Source)
        })
    };
    Outgoing { open: Box::new(open), ..one }
}

struct Holding<H> {
    source: Source,
    _held: Arc<H>,
}

impl<H: Send + Sync + 'static> AsyncRead for Holding<H> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.source.as_mut().poll_read(cx, buffer)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scp::Object;
    use tokio::io::AsyncReadExt;
    use yingdun_model::Uid;

    fn outgoing() -> Outgoing {
        let uid = |text| Uid::new(text).unwrap();
        Outgoing {
            object: Object {
                sop_class: uid("1.2.840.10008.5.1.4.1.1.2"),
                sop_instance: uid("1.2.3"),
                transfer_syntax: uid("1.2.840.10008.1.2.1"),
            },
            also: Vec::new(),
            open: Box::new(|_| Box::pin(async { Ok(Box::pin(&b"a picture"[..]) as Source) })),
        }
    }

    #[tokio::test]
    async fn a_turn_is_held_until_the_last_object_is_sent_or_is_not_sent_any_more() {
        let turn = Arc::new("a turn");
        let held = Arc::downgrade(&turn);
        let mut selected: Vec<Outgoing> = (0..2).map(|_| holding(outgoing(), &turn)).collect();
        drop(turn);
        let never_sent = selected.pop();
        let one = selected.pop().unwrap();
        let mut source = (one.open)(one.object.transfer_syntax).await.ok().unwrap();
        drop(never_sent);
        assert!(held.upgrade().is_some(), "one is on its way");
        let mut bytes = Vec::new();
        source.read_to_end(&mut bytes).await.unwrap();
        assert_eq!(bytes, b"a picture");
        drop(source);
        assert!(held.upgrade().is_none());
    }
}
