//! Who is there: a session, made only by a successful sign-in, and the connection it came over.

use crate::decision::Scope;
use crate::device::{DeviceHabits, PeerFacts};
use crate::programs::Demand;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use yingdun_catalog::identity::sessions::{Bound, Factor, Stage};
use yingdun_crypto::digest::sha256;
use yingdun_model::{ActorId, ActorKind, InstitutionId, PurposeOfUse, Role, Timestamp};

/// An authenticated actor with one activated role. Only [`crate::Access`] makes one; clones are the same session.
///
/// A session is a claim that was true when it was made. Every decision asks the identity database again whether
/// it is revoked, expired, disabled or deprived of its role.
#[derive(Clone)]
pub struct Session {
    facts: Arc<SessionFacts>,
    purpose: PurposeOfUse,
}

pub(crate) struct SessionFacts {
    pub(crate) id: SessionId,
    pub(crate) actor: ActorId,
    pub(crate) kind: ActorKind,
    pub(crate) institution: InstitutionId,
    pub(crate) role: Role,
    pub(crate) scopes: BTreeSet<Scope>,
    pub(crate) sign_in: SignIn,
    pub(crate) expires: Timestamp,
    pub(crate) peer: Peer,
    pub(crate) proof: Proof,
    pub(crate) stage: Stage,
    /// When a second factor was last proved in it.
    pub(crate) proved: Option<Timestamp>,
    /// By what.
    pub(crate) proved_by: Option<Factor>,
    /// When it was last written down that the session is used, in milliseconds.
    pub(crate) last_used: AtomicI64,
    /// What a service client has to show with each request.
    pub(crate) demands: BTreeSet<Demand>,
    /// The thumbprint of the key that proves each use of the token.
    pub(crate) bound: Bound,
}

/// What a session rests on, and what is therefore looked up again at every decision.
pub(crate) enum Proof {
    /// A bearer token, by its SHA-256.
    Token([u8; 32]),
    /// A device record that fits these facts.
    Device {
        /// What it shows.
        facts: PeerFacts,
        /// What the record said of it when the association was made. No right depends on them.
        habits: Arc<DeviceHabits>,
    },
    /// The archive itself.
    System,
}

impl Session {
    pub(crate) fn new(facts: SessionFacts) -> Self {
        let purpose = default_purpose(facts.role);
        Self { facts: Arc::new(facts), purpose }
    }

    /// The same session acting for a stated purpose instead of the usual one of its role.
    #[must_use]
    pub fn for_purpose(&self, purpose: PurposeOfUse) -> Self {
        Self { facts: Arc::clone(&self.facts), purpose }
    }

    /// Which session this is. The same bearer token gives the same identifier in every request; a device gets a
    /// new one with every association.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.facts.id
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> &ActorId {
        &self.facts.actor
    }

    /// What kind of thing acts.
    #[must_use]
    pub fn actor_kind(&self) -> ActorKind {
        self.facts.kind
    }

    /// Where the actor belongs.
    #[must_use]
    pub fn institution(&self) -> &InstitutionId {
        &self.facts.institution
    }

    /// The one activated role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.facts.role
    }

    /// What the actor acts for.
    #[must_use]
    pub fn purpose(&self) -> PurposeOfUse {
        self.purpose
    }

    /// What a service client or a device was granted when the session was made; empty for everybody else.
    #[must_use]
    pub fn scopes(&self) -> &BTreeSet<Scope> {
        &self.facts.scopes
    }

    /// What a service client has to show with each request beside its token; empty for everybody else.
    #[must_use]
    pub fn demands(&self) -> &BTreeSet<Demand> {
        &self.facts.demands
    }

    /// What has to be shown with its token; nothing of an ordinary one.
    #[must_use]
    pub fn bound(&self) -> Bound {
        self.facts.bound
    }

    /// How the actor signed in.
    #[must_use]
    pub fn sign_in(&self) -> SignIn {
        self.facts.sign_in
    }

    /// From when on the session is dead.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.facts.expires
    }

    /// Over which connection it came.
    #[must_use]
    pub fn peer(&self) -> Peer {
        self.facts.peer
    }

    /// How a device differs from others, as its record said when the association was made; nothing for everybody else.
    #[must_use]
    pub fn habits(&self) -> Arc<DeviceHabits> {
        match &self.facts.proof {
            Proof::Device { habits, .. } => Arc::clone(habits),
            Proof::Token(_) | Proof::System => Arc::default(),
        }
    }

    /// How far the sign-in has come. Nothing is open to a session that is not whole but finishing it.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.facts.stage
    }

    /// When a second factor was last proved in the session, as of when the session was found.
    #[must_use]
    pub fn proved(&self) -> Option<Timestamp> {
        self.facts.proved
    }

    /// By what it was proved.
    #[must_use]
    pub fn proved_by(&self) -> Option<Factor> {
        self.facts.proved_by
    }

    /// By what the session is named to its owner. It is no credential.
    #[must_use]
    pub fn reference(&self) -> String {
        self.facts.id.reference()
    }

    /// By which methods the person was authenticated, in the words of RFC 8176; empty for everybody else.
    #[must_use]
    pub fn methods(&self) -> Vec<&'static str> {
        let first = match self.facts.sign_in {
            SignIn::Password | SignIn::Ldap | SignIn::AuthorizationCode => "pwd",
            // Somebody else authenticated the person, by whatever (no word of the RFC says so).
            SignIn::OpenIdConnect => "external",
            // A link is a one-time password that somebody else handed over.
            SignIn::LoginLink => "otp",
            SignIn::ClientCredentials
            | SignIn::ClientCertificate
            | SignIn::ExternalToken
            | SignIn::DeviceCertificate
            | SignIn::DevicePlain
            | SignIn::Internal => return Vec::new(),
        };
        match (self.facts.proved, self.facts.proved_by) {
            (None, _) => vec![first],
            // A passkey is the possession of a key.
            (Some(_), Some(Factor::Passkey)) => vec![first, "pop", "mfa"],
            (Some(_), _) if first == "otp" => vec!["otp", "mfa"],
            (Some(_), None) | (Some(_), Some(Factor::Provider)) if first == "external" => {
                vec!["external", "mfa"]
            }
            (Some(_), _) => vec![first, "otp", "mfa"],
        }
    }

    pub(crate) fn last_used(&self) -> &AtomicI64 {
        &self.facts.last_used
    }

    pub(crate) fn proof(&self) -> &Proof {
        &self.facts.proof
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("institution", &self.facts.institution)
            .field("actor", &self.facts.actor)
            .field("role", &self.facts.role)
            .field("purpose", &self.purpose)
            .field("sign_in", &self.facts.sign_in)
            .field("stage", &self.facts.stage)
            .field("expires", &self.facts.expires)
            .finish_non_exhaustive()
    }
}

/// The identity of a session, for comparing and as the key of a table. It is no credential.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub(crate) [u8; 32]);

impl SessionId {
    /// By what a session is named to people: sixteen hexadecimal digits, from which nothing else follows.
    pub(crate) fn reference(self) -> String {
        let mut text = b"yingdun/session-reference/v1".to_vec();
        text.extend(self.0);
        sha256(&text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// Whether the connection is protected by TLS.
    pub tls: bool,
}

impl Peer {
    /// This machine itself, without a network in between.
    pub const LOCAL: Self = Self { address: IpAddr::V4(Ipv4Addr::LOCALHOST), tls: false };

    /// Whether nobody in between reads what goes over the connection: it is protected by TLS, or never leaves this machine.
    #[must_use]
    pub const fn is_confidential(&self) -> bool {
        self.tls || self.address.is_loopback()
    }
}

/// Where a session was opened, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The address of the other end.
    pub address: IpAddr,
    /// The program, as it calls itself; none where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
}

/// How an actor signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignIn {
    /// A person, with name and password.
    Password,
    /// A person, with a one-time link.
    LoginLink,
    /// A person, with a password that a directory tried.
    Ldap,
    /// A person, whom a provider of OpenID Connect has authenticated.
    OpenIdConnect,
    /// A person, through a client with an authorization code.
    AuthorizationCode,
    /// A service client, with its secret.
    ClientCredentials,
    /// A service client, with a registered certificate.
    ClientCertificate,
    /// A service client, with a token of another issuer.
    ExternalToken,
    /// A device, with its certificate.
    DeviceCertificate,
    /// A device without TLS, by AE titles and address.
    DevicePlain,
    /// The archive itself.
    Internal,
}

impl SignIn {
    const ALL: [Self; 11] = [
        Self::Password,
        Self::LoginLink,
        Self::Ldap,
        Self::OpenIdConnect,
        Self::AuthorizationCode,
        Self::ClientCredentials,
        Self::ClientCertificate,
        Self::ExternalToken,
        Self::DeviceCertificate,
        Self::DevicePlain,
        Self::Internal,
    ];

    /// The word in tables and audit leaves.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::LoginLink => "login-link",
            Self::Ldap => "ldap",
            Self::OpenIdConnect => "openid-connect",
            Self::AuthorizationCode => "authorization-code",
            Self::ClientCredentials => "client-credentials",
            Self::ClientCertificate => "client-certificate",
            Self::ExternalToken => "external-token",
            Self::DeviceCertificate => "device-certificate",
            Self::DevicePlain => "device-plain",
            Self::Internal => "internal",
        }
    }
}

impl FromStr for SignIn {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|way| way.as_str() == word).ok_or(())
    }
}

/// What a role acts for unless something else is said.
const fn default_purpose(role: Role) -> PurposeOfUse {
    match role {
        Role::Clinician
        | Role::Radiologist
        | Role::Specialist
        | Role::Chief
        | Role::Technician
        | Role::RemoteExpert => PurposeOfUse::Treatment,
        Role::Patient => PurposeOfUse::PatientRequest,
        Role::Researcher => PurposeOfUse::HealthcareResearch,
        Role::SystemAdministrator
        | Role::SecurityAdministrator
        | Role::AuditAdministrator
        | Role::Vendor
        | Role::Device
        | Role::Service
        | Role::System => PurposeOfUse::HealthcareOperations,
    }
}
