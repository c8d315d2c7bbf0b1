//! What can go wrong with a peer that we call, in words that a person can act on.

use super::Destination;
use crate::association::AssociationError;
use crate::message::{CommandError, MessageError};
use rustls::{AlertDescription, CertificateError};
use std::io;
use std::time::Duration;
use yingdun_model::Uid;

/// Why an operation with a peer failed. After any of these the association is over.
#[derive(Debug, thiserror::Error)]
pub enum ScuError {
    /// The name of the host has no address.
    #[error("{destination} cannot be reached: the host name has no address: {source}")]
    NotResolved {
        /// Where to.
        destination: Destination,
        /// What the resolver says.
        source: io::Error,
    },
    /// Nobody listens there, or there is no way to it.
    #[error("{destination} cannot be reached: {source}")]
    Unreachable {
        /// Where to.
        destination: Destination,
        /// What the operating system says.
        source: io::Error,
    },
    /// TCP or TLS took too long.
    #[error("{destination} did not complete the connection within {} s", .after.as_secs_f32())]
    TimedOut {
        /// Where to.
        destination: Destination,
        /// The bound.
        after: Duration,
    },
    /// The host of the destination cannot stand in a certificate.
    #[error("`{0}` is neither a host name nor an address that a certificate could be checked against")]
    HostName(String),
    /// TLS was not agreed: certificates, mostly.
    #[error("{0}")]
    Tls(TlsFault),
    /// The association was rejected, aborted or broke.
    #[error("{0}")]
    Association(AssociationError),
    /// The peer accepted the association but not this kind of object.
    #[error("the peer does not accept SOP class {sop_class} in transfer syntax {transfer_syntax}")]
    NotAccepted {
        /// The SOP class.
        sop_class: Uid,
        /// The encoding.
        transfer_syntax: Uid,
    },
    /// The peer does not accept SOP class Verification.
    #[error("the peer does not accept verification (C-ECHO)")]
    NoVerification,
    /// The peer does not accept SOP class Storage Commitment Push Model, from a user or from a provider.
    #[error("the peer does not accept storage commitment")]
    NoCommitment,
    /// The peer does not accept SOP class Modality Performed Procedure Step.
    #[error("the peer does not accept performed procedure steps (MPPS)")]
    NoPerformedStep,
    /// The peer does not accept SOP class Instance Availability Notification.
    #[error("the peer does not accept instance availability notification")]
    NoAvailability,
    /// The peer accepted the association but not this query or retrieval.
    #[error("the peer does not offer this query or retrieval")]
    NotOffered,
    /// The data set of a response is beyond the bound.
    #[error("a response has at most {limit_bytes} bytes")]
    ResponseTooLong {
        /// The bound in bytes.
        limit_bytes: usize,
    },
    /// What came is not the answer to what was sent.
    #[error("expected the response to message {message_id}, got something else")]
    WrongResponse {
        /// The message that was sent.
        message_id: u16,
    },
    /// The answer is not a DIMSE message.
    #[error("{0}")]
    Message(MessageError),
}

/// What TLS ended with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// We do not accept the certificate of the peer.
    #[error("peer certificate {0}")]
    Certificate(CertificateFault),
    /// The peer demands a certificate and we have none.
    #[error("the peer demands a client certificate and got none")]
    CertificateWanted,
    /// The peer does not know who signed our certificate.
    #[error("the peer does not trust the authority of our certificate")]
    OurAuthorityUnknown,
    /// Our certificate has expired.
    #[error("our certificate has expired, says the peer")]
    OurCertificateExpired,
    /// Our certificate was revoked.
    #[error("our certificate has been revoked, says the peer")]
    OurCertificateRevoked,
    /// The peer refuses our certificate for another reason.
    #[error("the peer refuses our certificate ({0:?})")]
    OurCertificateRefused(AlertDescription),
    /// The peer refuses the handshake. A peer of TLS 1.2 says so as well when it misses our certificate.
    #[error("no TLS version or cipher in common with the peer ({0:?})")]
    NothingInCommon(AlertDescription),
    /// What came is not TLS.
    #[error("the peer does not speak TLS on this port (is it the plain DICOM port?)")]
    NotSpoken,
    /// The peer gives another reason.
    #[error("the peer ended TLS ({0:?})")]
    Ended(AlertDescription),
    /// The connection ended within the handshake.
    #[error("the connection ended while TLS was agreed upon: {0}")]
    HungUp(String),
    /// Something else, on our side.
    #[error("TLS failed: {0}")]
    Other(String),
}

/// Why the certificate of a peer is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// No authority that we trust has signed it.
    #[error("is not signed by a trusted authority")]
    UnknownAuthority,
    /// Its time is over.
    #[error("has expired")]
    Expired,
    /// Its time has not come.
    #[error("is not valid yet (are the clocks right?)")]
    NotValidYet,
    /// It is for other hosts.
    #[error("is not valid for the host that was called")]
    OtherHost,
    /// Its authority took it back.
    #[error("has been revoked")]
    Revoked,
    /// It is a certificate for clients only.
    #[error("is not made for a server")]
    NotForServers,
    /// It breaks another rule.
    #[error("cannot be accepted ({0})")]
    Other(String),
}

impl ScuError {
    /// Translates an error of the byte stream during the handshake.
    pub(super) fn handshake(error: &io::Error) -> Self {
        Self::Tls(explain(error).unwrap_or_else(|| TlsFault::HungUp(error.to_string())))
    }
}

impl From<AssociationError> for ScuError {
    fn from(error: AssociationError) -> Self {
        // In TLS 1.3 a server looks at our certificate after we think that the handshake is done: its verdict
        // comes with the first read or write.
        match &error {
            AssociationError::Io(io) => match explain(io) {
                Some(fault) => Self::Tls(fault),
                None => Self::Association(error),
            },
            _ => Self::Association(error),
        }
    }
}

impl From<MessageError> for ScuError {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::Association(error) => error.into(),
            other => Self::Message(other),
        }
    }
}

impl From<CommandError> for ScuError {
    fn from(error: CommandError) -> Self {
        Self::Message(error.into())
    }
}

/// The fault behind an error of TLS; `None` when this is not one.
fn explain(error: &io::Error) -> Option<TlsFault> {
    let tls = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match tls {
        rustls::Error::InvalidCertificate(wrong) => TlsFault::Certificate(certificate_fault(wrong)),
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => TlsFault::CertificateWanted,
            AlertDescription::UnknownCA => TlsFault::OurAuthorityUnknown,
            AlertDescription::CertificateExpired => TlsFault::OurCertificateExpired,
            AlertDescription::CertificateRevoked => TlsFault::OurCertificateRevoked,
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied => TlsFault::OurCertificateRefused(*alert),
            AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion => {
                TlsFault::NothingInCommon(*alert)
            }
            other => TlsFault::Ended(*other),
        },
        rustls::Error::InvalidMessage(_) => TlsFault::NotSpoken,
        other => TlsFault::Other(other.to_string()),
    })
}

fn certificate_fault(wrong: &CertificateError) -> CertificateFault {
    match wrong {
        CertificateError::UnknownIssuer => CertificateFault::UnknownAuthority,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => CertificateFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateFault::NotValidYet
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFault::OtherHost
        }
        CertificateError::Revoked => CertificateFault::Revoked,
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            CertificateFault::NotForServers
        }
        other => CertificateFault::Other(format!("{other:?}")),
    }
}
