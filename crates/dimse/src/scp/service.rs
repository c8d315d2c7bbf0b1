//! The seam between this door and what stands behind it: who may come in, and where objects go.

use super::commit::PendingReport;
use crate::commitment::Transaction;
use crate::message::Status;
use crate::pdu::{AssociateRj, RejectReason};
use bytes::Bytes;
use std::future::Future;
use std::net::SocketAddr;
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
    /// What an action is asked with is missing or illegal.
    InvalidArgument,
    /// A bound would be passed.
    ResourceLimitation,
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

/// What stands behind the door.
pub trait Service: Send + Sync + 'static {
    /// What an admitted peer acts with.
    type Session: Send + Sync;
    /// An object that is arriving.
    type Incoming: Incoming;

    /// Decides who may come in. Called once per association, before it is accepted.
    fn admit(&self, peer: &Peer) -> impl Future<Output = Result<Self::Session, Refusal>> + Send;

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
}

/// An object that is arriving. Dropped before [`Incoming::finish`], nothing of it remains.
pub trait Incoming: Send {
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

    /// The status for a failure (PS3.4 table B.2-1, PS3.7 annex C). This is the only such table.
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
            FailureKind::InvalidArgument => Status::INVALID_ARGUMENT,
            FailureKind::ResourceLimitation => Status::RESOURCE_LIMITATION,
        }
    }
}
