//! The seven protocol data units of the DICOM upper layer (PS3.8 §9.3) as plain values.
//!
//! This module is the wire format and nothing else: [`decode`] turns the bytes of one complete unit into a
//! [`Pdu`], [`encode`] writes one. Both are total: whatever comes, the answer is a value or a [`PduError`],
//! never a panic and never an allocation that the peer chooses. What a unit *means* at a given moment is
//! decided one floor up, in `association`.
//!
//! Fragments of messages ([`Pdv`]) share the memory of the unit they came in; nothing is copied.

mod cursor;
mod decode;
mod encode;
mod reason;
mod user;

pub use decode::decode;
pub use encode::encode;
pub use reason::{AbortSource, RejectReason};
pub use user::{
    CommonExtendedNegotiation, ExtendedNegotiation, OperationsWindow, RoleSelection, UserIdentity,
    UserIdentityKind, UserInformation,
};

use bytes::Bytes;
use yingdun_model::{AeTitle, AeTitleError, Uid};

/// Bytes in front of every unit: type, reserved, length (PS3.8 §9.3.1).
pub const HEADER_BYTES: usize = 6;

/// Bytes in front of every fragment inside a P-DATA-TF unit: length, context, control header (PS3.8 §9.3.5.1).
pub const PDV_HEADER_BYTES: usize = 6;

/// Longest body of an A-ASSOCIATE unit that is read, in bytes. 128 presentation contexts with thirty transfer
/// syntaxes each are about 250 KB; nothing honest is longer, and the sender is still a stranger.
pub const ASSOCIATE_BYTES_MAX: usize = 256 * 1024;

/// Most presentation contexts in one association: identifiers are the odd numbers 1 to 255 (PS3.8 §9.3.2.2).
pub const PRESENTATION_CONTEXTS_MAX: usize = 128;

/// Most transfer syntaxes in one presentation context. The standard defines about seventy in all.
pub const TRANSFER_SYNTAXES_MAX: usize = 128;

/// Most sub-items inside the user information item: one role selection and one extended negotiation per
/// presentation context, and the handful that may occur once.
pub const USER_ITEMS_MAX: usize = 2 * PRESENTATION_CONTEXTS_MAX + 16;

/// Most related general SOP classes in one common extended negotiation item.
pub const RELATED_CLASSES_MAX: usize = 128;

/// The DICOM application context, the only one there is (PS3.7 §A.2.1).
pub const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";

/// Bit of the protocol version field that stands for version 1, the only one there is (PS3.8 §9.3.2).
pub const PROTOCOL_VERSION_1: u16 = 0x0001;

/// One protocol data unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pdu {
    /// A-ASSOCIATE-RQ: a peer asks for an association.
    AssociateRq(AssociateRq),
    /// A-ASSOCIATE-AC: the association is accepted.
    AssociateAc(AssociateAc),
    /// A-ASSOCIATE-RJ: the association is refused.
    AssociateRj(AssociateRj),
    /// P-DATA-TF: fragments of messages.
    Data(Vec<Pdv>),
    /// A-RELEASE-RQ: the sender is finished.
    ReleaseRq,
    /// A-RELEASE-RP: the release is agreed.
    ReleaseRp,
    /// A-ABORT: the association ends here and now.
    Abort(Abort),
}

/// The type byte of each unit (PS3.8 §9.3.1 and following).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PduKind {
    /// 01H.
    AssociateRq,
    /// 02H.
    AssociateAc,
    /// 03H.
    AssociateRj,
    /// 04H.
    Data,
    /// 05H.
    ReleaseRq,
    /// 06H.
    ReleaseRp,
    /// 07H.
    Abort,
}

/// A-ASSOCIATE-RQ (PS3.8 §9.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociateRq {
    /// Protocol versions the peer speaks, one bit each.
    pub protocol_version: u16,
    /// The application that is called.
    pub called: AeField,
    /// The application that calls.
    pub calling: AeField,
    /// The application context; `None` when what came is not a UID.
    pub application_context: Option<Uid>,
    /// What the peer wants to talk about and how it can write it.
    pub contexts: Vec<ProposedContext>,
    /// Limits and options.
    pub user: UserInformation,
}

/// A-ASSOCIATE-AC (PS3.8 §9.3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociateAc {
    /// Protocol versions agreed, one bit each.
    pub protocol_version: u16,
    /// The called title of the request, sent back unchanged; never to be tested by the receiver.
    pub called: AeField,
    /// The calling title of the request, sent back unchanged; never to be tested by the receiver.
    pub calling: AeField,
    /// The application context; `None` when what came is not a UID.
    pub application_context: Option<Uid>,
    /// One answer per proposed context.
    pub contexts: Vec<AnsweredContext>,
    /// Limits and options.
    pub user: UserInformation,
}

/// A-ASSOCIATE-RJ (PS3.8 §9.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssociateRj {
    /// `false`: permanent (1); `true`: transient (2), the peer may try again later.
    pub transient: bool,
    /// Source and reason.
    pub reason: RejectReason,
}

/// A-ABORT (PS3.8 §9.3.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abort {
    /// Who aborts and, for the upper layer, why.
    pub source: AbortSource,
}

/// The 16 bytes of an application entity title as they stand in the unit. A title that breaks the rules is
/// kept, so that the request can be rejected with the right reason instead of torn down.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AeField(pub [u8; 16]);

/// One presentation context of a request (PS3.8 §9.3.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedContext {
    /// Odd number, 1 to 255.
    pub id: u8,
    /// The SOP class; `None` when what came is not a UID, so that only this context is refused.
    pub abstract_syntax: Option<Uid>,
    /// The encodings the peer can use, in its order. Texts that are not UIDs are left out.
    pub transfer_syntaxes: Vec<Uid>,
}

/// One answered presentation context (PS3.8 §9.3.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredContext {
    /// The number of the proposal.
    pub id: u8,
    /// Accepted, or why not.
    pub outcome: ContextOutcome,
    /// The chosen encoding; meaningful only when accepted.
    pub transfer_syntax: Option<Uid>,
}

/// Result of one presentation context (PS3.8 table 9-18).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextOutcome {
    /// 0: acceptance.
    Accepted,
    /// 1: user rejection.
    UserRejection,
    /// 2: no reason given by the provider.
    NoReason,
    /// 3: the SOP class is not supported.
    AbstractSyntaxNotSupported,
    /// 4: none of the transfer syntaxes is supported.
    TransferSyntaxesNotSupported,
}

/// A presentation data value: one fragment of a message (PS3.8 §9.3.5.1 and annex E.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Pdv {
    /// The presentation context.
    pub context_id: u8,
    /// Command set (`true`) or data set (`false`).
    pub is_command: bool,
    /// The last fragment of its command set or data set.
    pub is_last: bool,
    /// The bytes; they share the memory of the unit.
    pub data: Bytes,
}

/// Why bytes are not a protocol data unit, or a value cannot be written as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PduError {
    /// The type byte is not 01H to 07H.
    #[error("expected a PDU of type 01H to 07H, got type {0:02X}H")]
    UnknownKind(u8),
    /// A unit or an item is longer than its kind may be.
    #[error("at most {max} bytes are allowed here, {claimed} are claimed")]
    TooLong {
        /// Bytes claimed.
        claimed: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// A field reaches beyond the end of what holds it.
    #[error("{what} needs {needed} bytes, {left} remain")]
    Truncated {
        /// The field or item.
        what: &'static str,
        /// Bytes the field needs.
        needed: usize,
        /// Bytes that remain.
        left: usize,
    },
    /// Bytes remain after a structure of fixed or declared length is complete.
    #[error("{left} bytes follow the end of {what}")]
    Trailing {
        /// The structure.
        what: &'static str,
        /// Bytes left over.
        left: usize,
    },
    /// An item that must be there is not.
    #[error("expected {0}, found none")]
    Missing(&'static str),
    /// An item that may occur once occurs again.
    #[error("{0} occurs more than once")]
    Repeated(&'static str),
    /// More items than the bound allows.
    #[error("at most {max} {what} are allowed")]
    TooMany {
        /// The kind of item.
        what: &'static str,
        /// The bound.
        max: usize,
    },
    /// A field holds a value outside its range.
    #[error("{what} has the illegal value {value}")]
    Illegal {
        /// The field.
        what: &'static str,
        /// The value that came.
        value: u64,
    },
    /// A text field is not what its kind demands, e.g. a UID with letters.
    #[error("{0} is not a legal value of its kind")]
    IllegalText(&'static str),
}

impl PduKind {
    /// The kind for a type byte.
    ///
    /// # Errors
    /// [`PduError::UnknownKind`] for anything but 01H to 07H.
    pub const fn from_byte(byte: u8) -> Result<Self, PduError> {
        Ok(match byte {
            1 => Self::AssociateRq,
            2 => Self::AssociateAc,
            3 => Self::AssociateRj,
            4 => Self::Data,
            5 => Self::ReleaseRq,
            6 => Self::ReleaseRp,
            7 => Self::Abort,
            other => return Err(PduError::UnknownKind(other)),
        })
    }

    /// The type byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::AssociateRq => 1,
            Self::AssociateAc => 2,
            Self::AssociateRj => 3,
            Self::Data => 4,
            Self::ReleaseRq => 5,
            Self::ReleaseRp => 6,
            Self::Abort => 7,
        }
    }

    /// Longest body that is read for this kind, in bytes; `data_bytes_max` is the limit that was advertised
    /// for P-DATA-TF.
    #[must_use]
    pub const fn body_bytes_max(self, data_bytes_max: usize) -> usize {
        match self {
            Self::AssociateRq | Self::AssociateAc => ASSOCIATE_BYTES_MAX,
            Self::AssociateRj | Self::ReleaseRq | Self::ReleaseRp | Self::Abort => 4,
            Self::Data => data_bytes_max,
        }
    }
}

impl Pdu {
    /// The kind of this unit.
    #[must_use]
    pub const fn kind(&self) -> PduKind {
        match self {
            Self::AssociateRq(_) => PduKind::AssociateRq,
            Self::AssociateAc(_) => PduKind::AssociateAc,
            Self::AssociateRj(_) => PduKind::AssociateRj,
            Self::Data(_) => PduKind::Data,
            Self::ReleaseRq => PduKind::ReleaseRq,
            Self::ReleaseRp => PduKind::ReleaseRp,
            Self::Abort(_) => PduKind::Abort,
        }
    }
}

impl AeField {
    /// The title, if the bytes are one.
    ///
    /// # Errors
    /// [`AeTitleError`] when the field is blank or has illegal characters.
    pub fn title(&self) -> Result<AeTitle, AeTitleError> {
        // Some senders fill up with NUL instead of blanks.
        let end = self.0.iter().position(|&b| b == 0).unwrap_or(self.0.len());
        let text = self.0.get(..end).and_then(|bytes| std::str::from_utf8(bytes).ok());
        AeTitle::new(text.ok_or(AeTitleError::IllegalCharacter)?)
    }
}

impl From<&AeTitle> for AeField {
    fn from(title: &AeTitle) -> Self {
        Self(title.padded())
    }
}

impl std::fmt::Debug for AeField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AeField(\"{}\")", self.0.escape_ascii())
    }
}

impl std::fmt::Debug for Pdv {
    /// Never shows the data: it is an image of a person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pdv")
            .field("context_id", &self.context_id)
            .field("is_command", &self.is_command)
            .field("is_last", &self.is_last)
            .field("data_bytes", &self.data.len())
            .finish()
    }
}

impl ContextOutcome {
    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Accepted,
            1 => Self::UserRejection,
            2 => Self::NoReason,
            3 => Self::AbstractSyntaxNotSupported,
            4 => Self::TransferSyntaxesNotSupported,
            _ => return None,
        })
    }

    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::UserRejection => 1,
            Self::NoReason => 2,
            Self::AbstractSyntaxNotSupported => 3,
            Self::TransferSyntaxesNotSupported => 4,
        }
    }
}

#[cfg(test)]
mod tests;
