//! The user information item of A-ASSOCIATE-RQ and -AC (PS3.7 annex D.3.3, PS3.8 annex D.1).

use bytes::Bytes;
use std::fmt;
use yingdun_model::{Secret, Uid};

/// Limits and options of one side. Sub-items that are unknown are ignored, as the standard demands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserInformation {
    /// 51H: longest P-DATA-TF body this side reads, in bytes; 0 means unlimited.
    pub max_length: Option<u32>,
    /// 52H: which implementation this is.
    pub implementation_class: Option<Uid>,
    /// 53H: how many operations may be outstanding.
    pub operations_window: Option<OperationsWindow>,
    /// 54H: roles per SOP class.
    pub roles: Vec<RoleSelection>,
    /// 55H: version of the implementation, at most 16 printable characters.
    pub implementation_version: Option<String>,
    /// 56H: service-class specific options per SOP class.
    pub extended: Vec<ExtendedNegotiation>,
    /// 57H: how SOP classes are related.
    pub common_extended: Vec<CommonExtendedNegotiation>,
    /// 58H, request only: who the user is.
    pub identity: Option<UserIdentity>,
    /// 59H, acceptance only: the server's answer to the identity.
    pub identity_response: Option<Bytes>,
}

/// Asynchronous operations window (PS3.7 §D.3.3.3); 0 means unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationsWindow {
    /// Operations this side may invoke without an answer.
    pub invoked: u16,
    /// Operations this side may be asked to perform at once.
    pub performed: u16,
}

/// SCP/SCU role selection (PS3.7 §D.3.3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleSelection {
    /// The SOP class.
    pub sop_class: Uid,
    /// The association requestor acts as SCU.
    pub scu: bool,
    /// The association requestor acts as SCP.
    pub scp: bool,
}

/// SOP class extended negotiation (PS3.7 §D.3.3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedNegotiation {
    /// The SOP class.
    pub sop_class: Uid,
    /// What the service class defines, as it came.
    pub application_information: Bytes,
}

/// SOP class common extended negotiation (PS3.7 §D.3.3.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonExtendedNegotiation {
    /// The SOP class.
    pub sop_class: Uid,
    /// Its service class.
    pub service_class: Uid,
    /// General SOP classes it is related to.
    pub related_general_classes: Vec<Uid>,
}

/// User identity negotiation (PS3.7 §D.3.3.7).
#[derive(Clone)]
pub struct UserIdentity {
    /// What the fields are.
    pub kind: UserIdentityKind,
    /// Whether the peer wants to hear that the identity was accepted.
    pub positive_response_requested: bool,
    /// User name, ticket, assertion or token: never printed.
    pub primary: Secret<Vec<u8>>,
    /// Passcode: never printed. Empty for every kind but user name with passcode.
    pub secondary: Secret<Vec<u8>>,
}

/// What a user identity consists of (PS3.7 table D.3-14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserIdentityKind {
    /// 1: a user name in UTF-8.
    Username,
    /// 2: a user name and a passcode.
    UsernamePasscode,
    /// 3: a Kerberos service ticket.
    Kerberos,
    /// 4: a SAML assertion.
    Saml,
    /// 5: a JSON Web Token.
    Jwt,
}

impl UserIdentityKind {
    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Username,
            2 => Self::UsernamePasscode,
            3 => Self::Kerberos,
            4 => Self::Saml,
            5 => Self::Jwt,
            _ => return None,
        })
    }

    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Username => 1,
            Self::UsernamePasscode => 2,
            Self::Kerberos => 3,
            Self::Saml => 4,
            Self::Jwt => 5,
        }
    }
}

impl PartialEq for UserIdentity {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.positive_response_requested == other.positive_response_requested
            && self.primary.expose() == other.primary.expose()
            && self.secondary.expose() == other.secondary.expose()
    }
}

impl Eq for UserIdentity {}

impl fmt::Debug for UserIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserIdentity").field("kind", &self.kind).finish_non_exhaustive()
    }
}
