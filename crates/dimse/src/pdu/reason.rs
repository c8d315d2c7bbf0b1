//! Reasons for rejecting and aborting (PS3.8 tables 9-21 and 9-26). A source and a reason that do not belong
//! together cannot be written.

use std::fmt;

/// Source and reason of an A-ASSOCIATE-RJ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RejectReason {
    /// User, 1: no reason given.
    NoReason,
    /// User, 2: the application context name is not supported.
    ApplicationContextNotSupported,
    /// User, 3: the calling AE title is not recognised.
    CallingAeNotRecognised,
    /// User, 7: the called AE title is not recognised.
    CalledAeNotRecognised,
    /// Provider (association control), 1: no reason given.
    ProviderNoReason,
    /// Provider (association control), 2: the protocol version is not supported.
    ProtocolVersionNotSupported,
    /// Provider (presentation), 1: temporary congestion.
    TemporaryCongestion,
    /// Provider (presentation), 2: the local limit of associations is exceeded.
    LocalLimitExceeded,
    /// A pair the standard reserves; kept so that it can be reported.
    Reserved {
        /// The source byte, 1 to 3.
        source: u8,
        /// The reason byte.
        reason: u8,
    },
}

/// Source and reason of an A-ABORT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AbortSource {
    /// 0: the application (its reason field carries nothing).
    User,
    /// 2, 0: the upper layer gives no reason.
    Unspecified,
    /// 2, 1: a PDU of unknown type.
    UnrecognisedPdu,
    /// 2, 2: a PDU that must not come now.
    UnexpectedPdu,
    /// 2, 4: a PDU with an unknown parameter.
    UnrecognisedParameter,
    /// 2, 5: a PDU with a parameter that must not be there.
    UnexpectedParameter,
    /// 2, 6: a PDU with an illegal value.
    InvalidParameter,
    /// A pair the standard reserves; kept so that it can be reported.
    Reserved {
        /// The source byte.
        source: u8,
        /// The reason byte.
        reason: u8,
    },
}

impl RejectReason {
    pub(crate) const fn from_bytes(source: u8, reason: u8) -> Self {
        match (source, reason) {
            (1, 1) => Self::NoReason,
            (1, 2) => Self::ApplicationContextNotSupported,
            (1, 3) => Self::CallingAeNotRecognised,
            (1, 7) => Self::CalledAeNotRecognised,
            (2, 1) => Self::ProviderNoReason,
            (2, 2) => Self::ProtocolVersionNotSupported,
            (3, 1) => Self::TemporaryCongestion,
            (3, 2) => Self::LocalLimitExceeded,
            (source, reason) => Self::Reserved { source, reason },
        }
    }

    /// The source and reason bytes.
    #[must_use]
    pub const fn bytes(self) -> (u8, u8) {
        match self {
            Self::NoReason => (1, 1),
            Self::ApplicationContextNotSupported => (1, 2),
            Self::CallingAeNotRecognised => (1, 3),
            Self::CalledAeNotRecognised => (1, 7),
            Self::ProviderNoReason => (2, 1),
            Self::ProtocolVersionNotSupported => (2, 2),
            Self::TemporaryCongestion => (3, 1),
            Self::LocalLimitExceeded => (3, 2),
            Self::Reserved { source, reason } => (source, reason),
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoReason => "no reason given",
            Self::ApplicationContextNotSupported => "application context not supported",
            Self::CallingAeNotRecognised => "calling AE title not recognised",
            Self::CalledAeNotRecognised => "called AE title not recognised",
            Self::ProviderNoReason => "no reason given by the upper layer",
            Self::ProtocolVersionNotSupported => "protocol version not supported",
            Self::TemporaryCongestion => "temporary congestion",
            Self::LocalLimitExceeded => "limit of associations exceeded",
            Self::Reserved { source, reason } => {
                return write!(f, "source {source}, reason {reason}, which the standard does not define");
            }
        })
    }
}

impl AbortSource {
    pub(crate) const fn from_bytes(source: u8, reason: u8) -> Self {
        match (source, reason) {
            (0, _) => Self::User,
            (2, 0) => Self::Unspecified,
            (2, 1) => Self::UnrecognisedPdu,
            (2, 2) => Self::UnexpectedPdu,
            (2, 4) => Self::UnrecognisedParameter,
            (2, 5) => Self::UnexpectedParameter,
            (2, 6) => Self::InvalidParameter,
            (source, reason) => Self::Reserved { source, reason },
        }
    }

    /// The source and reason bytes.
    #[must_use]
    pub const fn bytes(self) -> (u8, u8) {
        match self {
            Self::User => (0, 0),
            Self::Unspecified => (2, 0),
            Self::UnrecognisedPdu => (2, 1),
            Self::UnexpectedPdu => (2, 2),
            Self::UnrecognisedParameter => (2, 4),
            Self::UnexpectedParameter => (2, 5),
            Self::InvalidParameter => (2, 6),
            Self::Reserved { source, reason } => (source, reason),
        }
    }
}

impl fmt::Display for AbortSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "the application ended it",
            Self::Unspecified => "the upper layer ended it without a reason",
            Self::UnrecognisedPdu => "a PDU of unknown type",
            Self::UnexpectedPdu => "a PDU that must not come now",
            Self::UnrecognisedParameter => "a PDU with an unknown parameter",
            Self::UnexpectedParameter => "a PDU with an unexpected parameter",
            Self::InvalidParameter => "a PDU with an illegal value",
            Self::Reserved { source, reason } => {
                return write!(f, "source {source}, reason {reason}, which the standard does not define");
            }
        })
    }
}
