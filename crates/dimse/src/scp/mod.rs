//! The server: listens, lets peers in, reads their messages and answers them.
//!
//! ```text
//! listener ─► slot (limits) ─► TLS handshake ─► A-ASSOCIATE-RQ ─► Service::admit ─► contexts ─► messages ─► release
//!             admission         here             association       decides           negotiate   conversation
//! ```
//!
//! A connection is one task and holds at most one unit of 128 KiB and its overlap in memory, however long its
//! objects are. TLS and plain TCP differ in one line: which stream the association stands on.

mod admission;
mod ahead;
mod commit;
mod conversation;
mod data_set;
mod encoding;
mod find;
mod get;
mod habits;
mod identifier;
mod interface;
mod measure;
mod move_;
mod negotiate;
mod performed;
mod progress;
mod receiver;
mod sealed;
mod send;
mod service;
mod store;
mod workitem;
mod worklist;

pub use admission::Limits;
pub use commit::PendingReport;
pub(crate) use commit::report_command;
pub use interface::work_of;
pub use negotiate::{accepts, service_classes};
pub use sealed::Sealed;
pub use send::send;
pub use service::{
    Failure, FailureKind, Incoming, Matches, MoveTarget, Object, Outgoing, Peer, Refusal, Service, Source,
    TurnedAway,
};
pub(crate) use worklist::MODALITY_WORKLIST;

pub use workitem::{WorkitemAnswer, WorkitemRequest};

use crate::association::{AssociationError, Connection, DATA_BYTES_MAX, Pending, Timeouts};
use crate::pdu::{AssociateRj, RejectReason};
use crate::tls::{BUFFER_BYTES, cause_of, fingerprint, read_in_long_pieces, with_shown};
use admission::{Admission, Slot};
use bytes::Bytes;
use conversation::Conversation;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use yingdun_access::{AssociationEnd, AttemptCause};
use yingdun_gateway::{Gateway, Refusal as NotLetThrough};
use yingdun_model::Uid;

/// Pause after the operating system refuses to accept (it is out of file handles, mostly), so that the loop
/// does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Behaviour of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many peers at once.
    pub limits: Limits,
    /// How long each wait may be.
    pub timeouts: Timeouts,
    /// After a stop, how long associations may go on before they are aborted.
    pub drain: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { limits: Limits::default(), timeouts: Timeouts::default(), drain: Duration::from_secs(30) }
    }
}

/// What peers connect with on one listener.
#[derive(Clone)]
pub enum Transport {
    /// Mutual TLS; see [`crate::tls::server_config`].
    Tls(Arc<ServerConfig>),
    /// Bare TCP: nothing is secret and nobody is proved. Only for devices that cannot do better.
    Plain,
}

/// A DICOM server. Several listeners may share it, and with it its limits.
pub struct Scp<S> {
    shared: Arc<Shared<S>>,
}

struct Shared<S> {
    service: S,
    settings: Settings,
    admission: Admission,
    gateway: Option<Gateway>,
}

/// What the transport knows of the peer.
enum Proof {
    Plain,
    Tls(Option<Box<[u8]>>),
}

/// How a connection ended before it was an association.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("TLS handshake failed: {0}")]
    Handshake(std::io::Error),
    #[error("no TLS handshake within {} s", .0.as_secs_f32())]
    HandshakeTimedOut(Duration),
    #[error("no association was made: {0}")]
    Association(#[from] AssociationError),
}

impl<S: Service> Scp<S> {
    /// A server in front of `service`.
    pub fn new(service: S, settings: Settings) -> Self {
        let admission = Admission::new(settings.limits);
        Self { shared: Arc::new(Shared { service, settings, admission, gateway: None }) }
    }

    /// The same with zones and rates for connections.
    #[must_use]
    pub fn behind(service: S, settings: Settings, gateway: Gateway) -> Self {
        let admission = Admission::new(settings.limits);
        Self { shared: Arc::new(Shared { service, settings, admission, gateway: Some(gateway) }) }
    }

    /// Serves one listener until `stop`. Then it takes no new connections, lets associations finish for the
    /// configured time, aborts the rest, and returns when all are gone.
    pub async fn serve(&self, listener: TcpListener, transport: Transport, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        let give_up = CancellationToken::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => {
                    self.connected(stream, address, &transport, &tasks, &stop, &give_up);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        tasks.close();
        if tokio::time::timeout(self.shared.settings.drain, tasks.wait()).await.is_err() {
            give_up.cancel();
            tasks.wait().await;
        }
    }

    /// Starts the task of one connection.
    fn connected(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        transport: &Transport,
        tasks: &TaskTracker,
        stop: &CancellationToken,
        give_up: &CancellationToken,
    ) {
        let passed = self.shared.gateway.as_ref().map_or(Ok(()), |gateway| gateway.connection(address.ip()));
        if let Err(refusal) = passed {
            refusal.note("dimse", None);
        }
        if passed == Err(NotLetThrough::Zone) {
            return;
        }
        let Some(slot) = self.shared.admission.enter(address.ip().to_canonical(), passed.is_ok()) else {
            metrics::counter!("yingdun_dimse_connections_dropped_total").increment(1);
            tracing::warn!(%address, "a connection was dropped: too many are open");
            return;
        };
        let shared = self.shared.clone();
        let (transport, stop, give_up) = (transport.clone(), stop.clone(), give_up.clone());
        tasks.spawn(async move {
            let opening = shared.open(stream, address, transport, &slot, &stop, &give_up);
            if let Err(closed) = opening.await {
                metrics::counter!("yingdun_dimse_associations_total", "outcome" => "failed").increment(1);
                tracing::info!(%address, %closed, "a connection did not become an association");
            }
        });
    }
}

impl<S: Service> Shared<S> {
    /// From the TCP connection to the byte stream of the association: the only place where TLS and plain differ.
    async fn open(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        transport: Transport,
        slot: &Slot,
        stop: &CancellationToken,
        give_up: &CancellationToken,
    ) -> Result<(), Closed> {
        // Answers are short and awaited: sending them late to fill packets only costs time.
        stream.set_nodelay(true).map_err(AssociationError::Io)?;
        match transport {
            Transport::Plain => self.associate(stream, address, Proof::Plain, slot, stop, give_up).await,
            Transport::Tls(config) => {
                let within = self.settings.timeouts.handshake;
                let handshake = TlsAcceptor::from(config).accept(read_in_long_pieces(stream));
                let (handshake, shown) = with_shown(tokio::time::timeout(within, handshake)).await;
                let handshake = handshake.map_err(|_| Closed::HandshakeTimedOut(within))?;
                let mut stream = handshake.map_err(|error| {
                    // One that is dropped where devices are not served, or in a flood, leaves nothing.
                    if let Some(cause) = cause_of(&error).filter(|_| slot.within_limits()) {
                        let (tls, certificate) = (true, shown);
                        self.service.turned_away(TurnedAway {
                            address,
                            tls,
                            certificate,
                            is_verified: false,
                            cause,
                        });
                    }
                    Closed::Handshake(error)
                })?;
                stream.get_mut().1.set_buffer_limit(Some(BUFFER_BYTES));
                // Known before the peer has said a word of DICOM.
                let chain = stream.get_ref().1.peer_certificates();
                let certificate = chain.and_then(|chain| chain.first()).map(|first| Box::from(&**first));
                self.associate(stream, address, Proof::Tls(certificate), slot, stop, give_up).await
            }
        }
    }

    /// From the byte stream to the agreed association, and through it.
    async fn associate<T: AsyncRead + AsyncWrite + Unpin + Send>(
        &self,
        stream: T,
        address: SocketAddr,
        proof: Proof,
        slot: &Slot,
        stop: &CancellationToken,
        give_up: &CancellationToken,
    ) -> Result<(), Closed> {
        let connection = Connection::new(stream, DATA_BYTES_MAX);
        let pending = Pending::receive(connection, self.settings.timeouts).await?;
        let (tls, certificate) = match proof {
            Proof::Plain => (false, None),
            Proof::Tls(certificate) => (true, certificate),
        };
        let (calling, called) = match pending.titles() {
            Ok(titles) => titles,
            Err(reason) => {
                tracing::info!(%address, %reason, "an association was rejected");
                count_rejection("malformed");
                let is_title = matches!(
                    reason,
                    RejectReason::CalledAeNotRecognised | RejectReason::CallingAeNotRecognised
                );
                if is_title && slot.within_limits() {
                    let (is_verified, cause) = (true, AttemptCause::TitleMalformed);
                    self.service.turned_away(TurnedAway { address, tls, certificate, is_verified, cause });
                }
                return Ok(pending.reject(AssociateRj { transient: false, reason }).await?);
            }
        };
        let certificate_sha256 = certificate.as_deref().map(|der| fingerprint(&CertificateDer::from(der)));
        let identity = pending.request().user.identity.clone();
        let answer_due = identity.as_ref().is_some_and(|identity| identity.positive_response_requested);
        let is_caller = true;
        let mut peer =
            Peer { calling, called, address, tls, certificate_sha256, certificate, is_caller, identity };
        let admitted = if slot.within_limits() {
            self.service.admit(&peer).await
        } else {
            Err(Refusal::LocalLimitExceeded)
        };
        // What proves somebody is not kept for the length of an association.
        peer.identity = None;
        peer.certificate = None;
        let session = match admitted {
            Ok(session) => session,
            Err(refusal) => {
                let (calling, called) = (&peer.calling, &peer.called);
                tracing::info!(%address, %calling, %called, refusal = refusal.as_str(), "an association was rejected");
                count_rejection(refusal.as_str());
                return Ok(pending.reject(refusal.rejection()).await?);
            }
        };
        let mut agreement = negotiate::agree(pending.request());
        // Of a name or a token there is nothing to send back (PS3.7 §D.3.3.7.2).
        agreement.identity_response = (answer_due && self.service.recognises(&session)).then(Bytes::new);
        let extended = agreement.extended.clone();
        let habits = self.service.habits(&session);
        let wished = &habits.transfer_syntaxes;
        let decide = |class: &Uid, syntaxes: &[Uid]| negotiate::decide(class, syntaxes, &agreement, wished);
        let accepted =
            pending.accept(peer.calling.clone(), peer.called.clone(), agreement.clone(), decide).await;
        let outcome = match accepted {
            Ok(mut association) => {
                association.send_at_most(habits.pdu_bytes_max);
                metrics::counter!("yingdun_dimse_associations_total", "outcome" => "accepted").increment(1);
                let conversation =
                    Conversation::new(&self.service, &session, &peer, association, extended, &habits);
                Ok(conversation.run(stop, give_up).await)
            }
            Err(error) => Err(error.into()),
        };
        let (end, outcome) = match outcome {
            Ok(end) => (end, Ok(())),
            Err(error) => (AssociationEnd::default(), Err(error)),
        };
        self.service.leave(session, end).await;
        outcome
    }
}

// === helpers ===

fn count_rejection(reason: &'static str) {
    metrics::counter!("yingdun_dimse_associations_total", "outcome" => "rejected", "reason" => reason)
        .increment(1);
}
