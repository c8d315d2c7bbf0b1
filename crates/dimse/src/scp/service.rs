//! The seam between this door and what stands behind it: who may come in, and where objects go.

use super::commit::PendingReport;
use super::workitem::{WorkitemAnswer, WorkitemRequest};
use crate::commitment::{Outcome, Transaction};
use crate::message::Status;
use crate::pdu::{AssociateRj, RejectReason, UserIdentity};
use crate::query::{Query, Selection};
use crate::scu;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::io::AsyncRead;
use yingdun_access::{AssociationEnd, AttemptCause, DeviceHabits};
use yingdun_dicom::Tag;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::matching::Keys;
use yingdun_model::{AeTitle, Uid};

/// What is known of a peer before its association is accepted. All of it was seen by this machine, nothing is
/// taken from the peer's word but the titles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The title it uses for itself.
    pub calling: AeTitle,
    /// The title it calls.
    pub called: AeTitle,
    /// Where it connects from.
    pub address: SocketAddr,
    /// Whether the connection is protected by TLS.
    pub tls: bool,
    /// SHA-256 of its certificate, which TLS has verified; `None` on a plain connection.
    pub certificate_sha256: Option<[u8; 32]>,
    /// That certificate (DER), of who called us. Not kept once the association is accepted.
    pub certificate: Option<Box<[u8]>>,
    /// Whether it called us; otherwise it answered a call of ours.
    pub is_caller: bool,
    /// Who is behind it, as it says (PS3.7 §D.3.3.7). Not kept once the association is accepted.
    pub identity: Option<UserIdentity>,
}

/// What is known of a caller that was turned away before there was anything to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnedAway {
    /// Where it connected from.
    pub address: SocketAddr,
    /// Whether it was the door over TLS.
    pub tls: bool,
    /// The certificate that it showed (DER), as far as TLS came.
    pub certificate: Option<Box<[u8]>>,
    /// Whether TLS verified that.
    pub is_verified: bool,
    /// Why.
    pub cause: AttemptCause,
}

/// Why a peer is turned away, in the words of the one who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No application of this title is here.
    CalledAeUnknown,
    /// The calling title is not registered.
    CallingAeUnknown,
    /// The title is registered and this peer is not it: wrong certificate, wrong address, a plain connection where
    /// TLS is due, disabled. The peer hears "no reason given"; the audit log tells them apart.
    NotTrusted,
    /// Too many associations, in all or from one address.
    LocalLimitExceeded,
    /// The decision could not be made or recorded now.
    Unavailable,
}

/// What a C-STORE request declares about the object that follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The SOP class, which is the abstract syntax of its presentation context.
    pub sop_class: Uid,
    /// The SOP instance.
    pub sop_instance: Uid,
    /// The encoding of the bytes that follow.
    pub transfer_syntax: Uid,
}

/// Why an object was not stored or an operation not done. Decides the status; see [`Failure::status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// No room, no quorum, a part of the archive does not answer: the sender may try again.
    OutOfResources,
    /// The data set is not the object that was declared.
    Mismatch,
    /// The data set cannot be understood.
    CannotUnderstand,
    /// The object is longer than the bound.
    TooLarge,
    /// The SOP class is none that is stored here.
    SopClassNotSupported,
    /// The SOP instance UID of the request is missing or illegal.
    InvalidSopInstance,
    /// The peer may not do this.
    NotAuthorised,
    /// A part behind the door does not answer, for an operation that knows no "out of resources".
    Processing,
    /// The SOP class is not the one of its presentation context.
    NoSuchClass,
    /// There is no such SOP instance.
    NoSuchInstance,
    /// There is no such action.
    NoSuchAction,
    /// There is such a SOP instance already.
    DuplicateInstance,
    /// An attribute is missing.
    MissingAttribute,
    /// An attribute has no value.
    MissingAttributeValue,
    /// An attribute has a value that it cannot have.
    InvalidAttributeValue,
    /// A performed procedure step is over.
    NoLongerUpdated,
    /// What an action is asked with is missing or illegal.
    InvalidArgument,
    /// A bound would be passed.
    ResourceLimitation,
    /// More was asked for than can be counted in one answer.
    TooMany,
    /// Nobody may be sent objects under the title that was named.
    DestinationUnknown,
    /// The destination cannot be reached, or takes nothing of what is to be sent.
    DestinationFailed,
    /// What only the service of the request knows, by its status.
    OfService(Status),
}

/// A failure with words for the person who looks at the sender's log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{comment}")]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// What was expected and what came, without personal data. The peer gets the first 64 characters.
    pub comment: String,
}

/// The answer to a C-FIND.
pub struct Matches {
    /// The attributes of the question that are known at its level; the others are not returned, and the asker is told.
    pub known: Vec<Tag>,
    /// Whether every key that has a value restricts the matches; otherwise the asker is told.
    pub all_matched: bool,
    /// One data set per match, its texts in UTF-8. Read as fast as the asker takes them, and dropped when it cancels.
    pub rows: Pin<Box<dyn Stream<Item = Result<DataSet, Failure>> + Send>>,
}

/// An object that is to be sent.
pub struct Outgoing {
    /// What it is, in the encoding in which it is kept.
    pub object: Object,
    /// Other transfer syntaxes in which it can be written, without loss, best first.
    pub also: Vec<Uid>,
    /// Opens its data set in one of these and reads its first bytes. Called while the object before it is on its way; what
    /// cannot be read or written anew fails here, and not in the middle of a message.
    pub open: Box<dyn FnOnce(Uid) -> BoxFuture<'static, Result<Source, Failure>> + Send>,
}

/// The bytes of a data set.
pub type Source = Pin<Box<dyn AsyncRead + Send>>;

/// Where the objects of a C-MOVE go, and how to call there.
pub struct MoveTarget {
    /// Where.
    pub destination: scu::Destination,
    /// How.
    pub settings: scu::Settings,
    /// Transfer syntaxes in which it is sent objects where that is possible, best first.
    pub wished: Vec<Uid>,
}

/// What stands behind the door.
pub trait Service: Send + Sync + 'static {
    /// What an admitted peer acts with.
    type Session: Send + Sync;
    /// An object that is arriving.
    type Incoming: Incoming;

    /// Decides who may come in. Called once per association, before it is accepted.
    fn admit(&self, peer: &Peer) -> impl Future<Output = Result<Self::Session, Refusal>> + Send;

    /// Somebody was turned away before that. Must return at once.
    fn turned_away(&self, caller: TurnedAway) {
        drop(caller);
    }

    /// Whether the one whom the peer named is behind the session, so that the peer can be told.
    fn recognises(&self, session: &Self::Session) -> bool {
        let _ = session;
        false
    }

    /// How the device behind the session differs from others.
    fn habits(&self, session: &Self::Session) -> Arc<DeviceHabits> {
        let _ = session;
        Arc::default()
    }

    /// The association is over.
    fn leave(&self, session: Self::Session, end: AssociationEnd) -> impl Future<Output = ()> + Send {
        drop((session, end));
        std::future::ready(())
    }

    /// Decides a C-ECHO.
    fn echo(&self, session: &Self::Session) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Begins to receive an object.
    fn receive(
        &self,
        session: &Self::Session,
        object: Object,
    ) -> impl Future<Output = Result<Self::Incoming, Failure>> + Send;

    /// Takes a request for storage commitment. Returns when the request survives a crash.
    fn commit(
        &self,
        session: &Self::Session,
        peer: &Peer,
        transaction: Transaction,
    ) -> impl Future<Output = Result<PendingReport, Failure>> + Send;

    /// Takes what a peer tells of a storage commitment that it was asked for. Returns when it survives a crash.
    fn committed(
        &self,
        session: &Self::Session,
        peer: &Peer,
        outcome: Outcome,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = (session, peer, outcome);
        std::future::ready(Err(not_offered()))
    }

    /// Answers a C-FIND. A service that does not say how has nothing to find.
    fn find(
        &self,
        session: &Self::Session,
        query: Query,
    ) -> impl Future<Output = Result<Matches, Failure>> + Send {
        let _ = (session, query);
        std::future::ready(Err(not_offered()))
    }

    /// Answers a query of the modality worklist: what was asked for of each step that matches, texts in UTF-8.
    fn worklist(
        &self,
        session: &Self::Session,
        asked: Keys,
    ) -> impl Future<Output = Result<Vec<DataSet>, Failure>> + Send {
        let _ = (session, asked);
        std::future::ready(Err(not_offered()))
    }

    /// Takes a report that a performed procedure step begins. Returns when it survives a crash.
    fn begin_step(
        &self,
        session: &Self::Session,
        peer: &Peer,
        instance: &Uid,
        report: DataSet,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = (session, peer, instance, report);
        std::future::ready(Err(not_offered()))
    }

    /// Takes a report that a performed procedure step changes or is over; says what of it cannot be changed and stays as
    /// it is.
    fn change_step(
        &self,
        session: &Self::Session,
        peer: &Peer,
        instance: &Uid,
        report: DataSet,
    ) -> impl Future<Output = Result<Vec<Tag>, Failure>> + Send {
        let _ = (session, peer, instance, report);
        std::future::ready(Err(not_offered()))
    }

    /// Tells a performed procedure step, texts in UTF-8.
    fn performed_step(
        &self,
        session: &Self::Session,
        instance: &Uid,
    ) -> impl Future<Output = Result<DataSet, Failure>> + Send {
        let _ = (session, instance);
        std::future::ready(Err(not_offered()))
    }

    /// Does what is asked of one workitem of the unified worklist. Returns when a change survives a crash.
    fn workitem(
        &self,
        session: &Self::Session,
        request: WorkitemRequest,
    ) -> impl Future<Output = Result<WorkitemAnswer, Failure>> + Send {
        let _ = (session, request);
        std::future::ready(Err(not_offered()))
    }

    /// Answers a query of the unified worklist: what was asked for of each workitem that matches, texts in UTF-8.
    fn workitems(
        &self,
        session: &Self::Session,
        identifier: &DataSet,
    ) -> impl Future<Output = Result<Vec<DataSet>, Failure>> + Send {
        let _ = (session, identifier);
        std::future::ready(Err(not_offered()))
    }

    /// Lists what a C-GET or C-MOVE asks for, in the order in which it is to be sent; `elsewhere`: to another device than the one that asks.
    fn select(
        &self,
        session: &Self::Session,
        selection: Selection,
        elsewhere: bool,
    ) -> impl Future<Output = Result<Vec<Outgoing>, Failure>> + Send {
        let _ = (session, selection, elsewhere);
        std::future::ready(Err(not_offered()))
    }

    /// Where the objects of a C-MOVE go: to a registered title only, never to an address that the peer names.
    fn destination(
        &self,
        session: &Self::Session,
        title: &AeTitle,
    ) -> impl Future<Output = Result<MoveTarget, Failure>> + Send {
        let _ = (session, title);
        std::future::ready(Err(not_offered()))
    }
}

/// An object that is arriving. Dropped before [`Incoming::finish`], nothing of it remains.
pub trait Incoming: Send + 'static {
    /// Takes the next bytes of the data set.
    fn write(&mut self, bytes: Bytes) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The data set is complete. Returns when the object is durable: the sender may delete its copy then.
    fn finish(self) -> impl Future<Output = Result<(), Failure>> + Send;
}

impl Refusal {
    /// The A-ASSOCIATE-RJ for a refusal (PS3.8 table 9-21). This is the only such table.
    #[must_use]
    pub const fn rejection(self) -> AssociateRj {
        let (transient, reason) = match self {
            Self::CalledAeUnknown => (false, RejectReason::CalledAeNotRecognised),
            Self::CallingAeUnknown => (false, RejectReason::CallingAeNotRecognised),
            Self::NotTrusted => (false, RejectReason::NoReason),
            Self::LocalLimitExceeded => (true, RejectReason::LocalLimitExceeded),
            Self::Unavailable => (true, RejectReason::TemporaryCongestion),
        };
        AssociateRj { transient, reason }
    }

    /// The word in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CalledAeUnknown => "called-ae-unknown",
            Self::CallingAeUnknown => "calling-ae-unknown",
            Self::NotTrusted => "not-trusted",
            Self::LocalLimitExceeded => "local-limit-exceeded",
            Self::Unavailable => "unavailable",
        }
    }
}

impl Failure {
    /// A failure with its comment.
    pub fn new(kind: FailureKind, comment: impl Into<String>) -> Self {
        Self { kind, comment: comment.into() }
    }

    /// The status for a failure (PS3.4 tables B.2-1 and C.4-1 to C.4-3, PS3.7 annex C). This is the only such table.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self.kind {
            FailureKind::OutOfResources => Status::OUT_OF_RESOURCES,
            FailureKind::Mismatch => Status::DATA_SET_MISMATCH,
            FailureKind::CannotUnderstand => Status::CANNOT_UNDERSTAND,
            FailureKind::TooLarge => Status::TOO_LARGE,
            FailureKind::SopClassNotSupported => Status::SOP_CLASS_NOT_SUPPORTED,
            FailureKind::InvalidSopInstance => Status::INVALID_SOP_INSTANCE,
            FailureKind::NotAuthorised => Status::NOT_AUTHORISED,
            FailureKind::Processing => Status::PROCESSING_FAILURE,
            FailureKind::NoSuchClass => Status::NO_SUCH_SOP_CLASS,
            FailureKind::NoSuchInstance => Status::NO_SUCH_SOP_INSTANCE,
            FailureKind::NoSuchAction => Status::NO_SUCH_ACTION,
            FailureKind::DuplicateInstance => Status::DUPLICATE_SOP_INSTANCE,
            FailureKind::MissingAttribute => Status::MISSING_ATTRIBUTE,
            FailureKind::MissingAttributeValue => Status::MISSING_ATTRIBUTE_VALUE,
            FailureKind::InvalidAttributeValue => Status::INVALID_ATTRIBUTE_VALUE,
            FailureKind::NoLongerUpdated => Status::PROCESSING_FAILURE,
            FailureKind::InvalidArgument => Status::INVALID_ARGUMENT,
            FailureKind::ResourceLimitation => Status::RESOURCE_LIMITATION,
            FailureKind::TooMany => Status::UNABLE_TO_COUNT,
            FailureKind::DestinationUnknown => Status::MOVE_DESTINATION_UNKNOWN,
            FailureKind::DestinationFailed => Status::UNABLE_TO_SEND,
            FailureKind::OfService(status) => status,
        }
    }

    /// The Error ID (0000,0903) that tells a failure from others of its status (PS3.4 §F.7.2.2.4).
    #[must_use]
    pub fn error_id(&self) -> Option<u16> {
        (self.kind == FailureKind::NoLongerUpdated).then_some(0xA710)
    }
}

fn not_offered() -> Failure {
    Failure::new(FailureKind::SopClassNotSupported, "this service is not offered here")
}
