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
    /// The host has no address, or nobody listens there.
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
    Tls(String),
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
    /// The peer does not accept SOP class Storage Commitment Push Model from a provider.
    #[error("the peer does not accept storage commitment reports")]
    NoCommitment,
    /// The peer does not accept SOP class Modality Performed Procedure Step.
    #[error("the peer does not accept performed procedure steps (MPPS)")]
    NoPerformedStep,
    /// The peer accepted the association but not this query or retrieval.
    #[error("the peer does not offer this query or retrieval model")]
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

impl ScuError {
    /// Translates an error of the byte stream during the handshake.
    pub(super) fn handshake(error: &io::Error) -> Self {
        Self::Tls(explain(error).unwrap_or_else(|| format!("TLS handshake failed: {error}")))
    }
}

impl From<AssociationError> for ScuError {
    fn from(error: AssociationError) -> Self {
        // In TLS 1.3 a server looks at our certificate after we think that the handshake is done: its verdict
        // comes with the first read or write.
        match &error {
            AssociationError::Io(io) => match explain(io) {
                Some(words) => Self::Tls(words),
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

/// Words for the TLS errors that people meet; `None` when this is not an error of TLS.
fn explain(error: &io::Error) -> Option<String> {
    let tls = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match tls {
        rustls::Error::InvalidCertificate(wrong) => format!("peer certificate {}", certificate_words(wrong)),
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => {
                "the peer demands a client certificate and got none".to_owned()
            }
            AlertDescription::UnknownCA => {
                "the peer does not trust the authority of our certificate".to_owned()
            }
            AlertDescription::CertificateExpired => "our certificate has expired, says the peer".to_owned(),
            AlertDescription::CertificateRevoked => {
                "our certificate has been revoked, says the peer".to_owned()
            }
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied => format!("the peer refuses our certificate ({alert:?})"),
            AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion => {
                format!("no TLS version or cipher in common with the peer ({alert:?})")
            }
            other => format!("the peer ended TLS ({other:?})"),
        },
        rustls::Error::InvalidMessage(_) => {
            "the peer does not speak TLS on this port (is it the plain DICOM port?)".to_owned()
        }
        other => format!("TLS failed: {other}"),
    })
}

fn certificate_words(wrong: &CertificateError) -> String {
    match wrong {
        CertificateError::UnknownIssuer => "is not signed by a trusted authority".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet (are the clocks right?)".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is not valid for the host that was called".to_owned()
        }
        CertificateError::Revoked => "has been revoked".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "is not made for a server".to_owned()
        }
        other => format!("cannot be accepted ({other:?})"),
    }
}
