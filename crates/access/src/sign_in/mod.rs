//! Signing in: every way from a credential to a [`Session`](crate::Session), and the end of one.
//!
//! Secrets that this room makes (bearer tokens, links, codes, client secrets) are 256 random bits, so their plain
//! SHA-256 is a safe form to keep: there is nothing to guess. Passwords are chosen by people and go through
//! Argon2id. No answer tells a stranger whether a name exists; the reason is on the ledger.

mod attempts;
mod bearer;
mod change;
mod client;
mod code;
mod ended;
mod external;
mod introspect;
mod ldap;
mod link;
mod login;
mod own;
mod step_up;
mod sweep;
mod token;

pub(crate) use bearer::NewSession;
pub use bearer::SignedIn;
pub use client::ClientSignIn;
pub use code::{CodeExchange, CodeRequest};
pub use ended::SessionEnd;
pub use introspect::TokenView;
pub use login::Login;
pub use own::SessionView;
pub(crate) use token::{Token, hash_of};
pub use yingdun_catalog::identity::sessions::Stage;

use crate::access::Access;
use crate::external::ExternalFault;
use crate::flood::Verdict;
use crate::ledger;
use crate::oidc::TokenFault;
use crate::passkey::PasskeyError;
use crate::programs::{MessageFault, ProofFault};
use crate::session::Session;
use std::net::IpAddr;
use yingdun_audit::complete::Act;
use yingdun_audit::{AuditError, Counts, Event, EventKind, Outcome};
use yingdun_catalog::CatalogError;
use yingdun_crypto::webauthn;
use yingdun_model::{ActorId, ActorKind, InstitutionId, Role};

/// Why nobody was signed in.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SignInError {
    /// The credential is not accepted. Which part of it was wrong is on the ledger only.
    #[error("the credentials are not accepted, or too many attempts failed and some minutes have to pass")]
    Refused,
    /// The password is right and the person holds several roles, or not the one that was named.
    #[error("one of the roles that the person holds must be named")]
    ChooseRole {
        /// The roles that can be activated.
        held: Vec<Role>,
    },
    /// The new password is too short or too long.
    #[error(
        "a password has at least {min} characters and at most {max} bytes",
        min = crate::password::CHARACTERS_MIN,
        max = crate::password::BYTES_MAX
    )]
    PasswordLength,
    /// The session has not proved its second factor yet, or has to get one first; nothing else is open to it.
    #[error("the sign-in is not finished: a second factor has to be proved, or to be set up first")]
    SecondFactorNeeded,
    /// There is a second factor already.
    #[error("the account has a second factor already; remove it first, with a code")]
    SecondFactorExists,
    /// There is no second factor, or none was begun.
    #[error("the account has no second factor, or none was begun")]
    NoSecondFactor,
    /// What is kept of the second factor does not open.
    #[error("the second factor of the account does not open under the key of the institution; have it reset")]
    SecondFactorDamaged,
    /// What was not done with passkeys, and why.
    #[error(transparent)]
    Passkey(#[from] PasskeyError),
    /// Nobody signs in with another directory here.
    #[error("no provider of sign-ins is configured")]
    NoDirectory,
    /// Another directory knows the person, and the name is that of an account here which does not belong to that identity.
    #[error(
        "the name is that of an account here which is not bound to this identity: the system administrator binds it, or gives another name"
    )]
    NameTaken,
    /// The password is kept in a directory, and not changed here.
    #[error("the password of this account is kept in the directory: change it there")]
    PasswordElsewhere,
    /// An officer froze the account. Only who proved to be its person is told.
    #[error("the account is frozen until the security administrator lifts it")]
    Frozen,
    /// The other directory does not answer. Open sessions go on, and accounts with a password sign in as ever.
    #[error("{0}")]
    DirectoryUnavailable(String),
    /// Too many sign-ins at the same time: try again.
    #[error("too many sign-ins at the same time")]
    Busy,
    /// The proof of a key is not accepted. Which part of it was wrong is on the ledger only.
    #[error("the proof of the key is not accepted: make a new one for each request, by the right key")]
    BadProof,
    /// The proof of a key does not carry a value of this server, or one that is too old.
    #[error("the proof of the key has to carry the value that this answer gives")]
    NonceNeeded,
    /// More was used once within minutes than is remembered.
    #[error("more requests with proofs or signatures came within minutes than are remembered")]
    TooManyProofs,
    /// The sign-in could not be written down, so there is none.
    #[error("refused because the audit log does not accept the sign-in")]
    AuditUnavailable(#[source] AuditError),
    /// The accounts cannot be read or written.
    #[error("the accounts cannot be read")]
    Unavailable(#[source] CatalogError),
}

impl From<crate::password::PasswordError> for SignInError {
    fn from(error: crate::password::PasswordError) -> Self {
        match error {
            crate::password::PasswordError::Busy => Self::Busy,
            crate::password::PasswordError::Failed => Self::Refused,
        }
    }
}

/// Why a sign-in was refused, as the ledger knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    UnknownAccount,
    AccountDisabled,
    AccountFrozen,
    LockedOut,
    HeldBack,
    WrongPassword,
    NoSuchRole,
    NoRole,
    UnknownToken,
    ExpiredToken,
    RevokedToken,
    UnknownLink,
    ExpiredLink,
    UsedLink,
    WrongSecret,
    PublicClient,
    UnknownCode,
    ExpiredCode,
    ReplayedCode,
    ForeignCode,
    WrongVerifier,
    SecretInClear,
    OutsideZone,
    WrongCode,
    ReplayedOneTimeCode,
    IdleToken,
    ForeignAnswer,
    OtherProvider,
    ProviderSaidNo,
    UnboundIdentity,
    NoName,
    NameTaken,
    SeveralEntries,
    LeftDirectory,
    DirectoryAway,
    UnknownCertificate,
    OtherCertificate,
    DemandNotMet,
    NotBoundToKey,
    WithoutProof,
    OtherKey,
    ReplayedProof,
    ExpiredChallenge,
    UnknownPasskey,
    ReplayedPasskey,
    PasskeyCopied,
    Passkey(webauthn::Fault),
    Token(TokenFault),
    Proof(ProofFault),
    Message(MessageFault),
    External(ExternalFault),
}

impl Fault {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 46] = [
        Self::UnknownAccount,
        Self::AccountDisabled,
        Self::AccountFrozen,
        Self::LockedOut,
        Self::HeldBack,
        Self::WrongPassword,
        Self::NoSuchRole,
        Self::NoRole,
        Self::UnknownToken,
        Self::ExpiredToken,
        Self::RevokedToken,
        Self::UnknownLink,
        Self::ExpiredLink,
        Self::UsedLink,
        Self::WrongSecret,
        Self::PublicClient,
        Self::UnknownCode,
        Self::ExpiredCode,
        Self::ReplayedCode,
        Self::ForeignCode,
        Self::WrongVerifier,
        Self::SecretInClear,
        Self::OutsideZone,
        Self::WrongCode,
        Self::ReplayedOneTimeCode,
        Self::IdleToken,
        Self::ForeignAnswer,
        Self::OtherProvider,
        Self::ProviderSaidNo,
        Self::UnboundIdentity,
        Self::NoName,
        Self::NameTaken,
        Self::SeveralEntries,
        Self::LeftDirectory,
        Self::DirectoryAway,
        Self::UnknownCertificate,
        Self::OtherCertificate,
        Self::DemandNotMet,
        Self::NotBoundToKey,
        Self::WithoutProof,
        Self::OtherKey,
        Self::ReplayedProof,
        Self::ExpiredChallenge,
        Self::UnknownPasskey,
        Self::ReplayedPasskey,
        Self::PasskeyCopied,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownAccount => "unknown-account",
            Self::AccountDisabled => "account-disabled",
            Self::AccountFrozen => "account-frozen",
            Self::LockedOut => "locked-out",
            Self::HeldBack => "held-back",
            Self::WrongPassword => "wrong-password",
            Self::NoSuchRole => "role-not-held",
            Self::NoRole => "no-role-given",
            Self::UnknownToken => "unknown-token",
            Self::ExpiredToken => "expired-token",
            Self::RevokedToken => "revoked-token",
            Self::UnknownLink => "unknown-link",
            Self::ExpiredLink => "expired-link",
            Self::UsedLink => "used-link",
            Self::WrongSecret => "wrong-client-secret",
            Self::PublicClient => "public-client",
            Self::UnknownCode => "unknown-code",
            Self::ExpiredCode => "expired-code",
            Self::ReplayedCode => "replayed-code",
            Self::ForeignCode => "code-of-another-client",
            Self::WrongVerifier => "wrong-code-verifier",
            Self::SecretInClear => "secret-in-clear",
            Self::OutsideZone => "outside-zone",
            Self::WrongCode => "wrong-one-time-code",
            Self::ReplayedOneTimeCode => "replayed-one-time-code",
            Self::IdleToken => "idle-token",
            Self::ForeignAnswer => "answer-to-another-browser",
            Self::OtherProvider => "answer-of-another-provider",
            Self::ProviderSaidNo => "provider-refused",
            Self::UnboundIdentity => "identity-not-bound",
            Self::NoName => "identity-without-name",
            Self::NameTaken => "name-taken",
            Self::SeveralEntries => "several-entries-of-one-name",
            Self::LeftDirectory => "gone-from-directory",
            Self::DirectoryAway => "directory-unavailable",
            Self::UnknownCertificate => "unknown-client-certificate",
            Self::OtherCertificate => "token-with-other-certificate",
            Self::DemandNotMet => "demand-not-met",
            Self::NotBoundToKey => "token-not-bound-to-key",
            Self::WithoutProof => "token-without-proof-of-key",
            Self::OtherKey => "token-with-other-key",
            Self::ReplayedProof => "replayed-proof-of-key",
            Self::ExpiredChallenge => "passkey-not-asked",
            Self::UnknownPasskey => "unknown-passkey",
            Self::ReplayedPasskey => "replayed-passkey",
            // The count of its signatures did not grow: there may be two of it.
            Self::PasskeyCopied => "passkey-copied",
            Self::Passkey(fault) => fault.as_str(),
            Self::Token(fault) => fault.as_str(),
            Self::Proof(fault) => fault.as_str(),
            Self::Message(fault) => fault.as_str(),
            Self::External(fault) => fault.as_str(),
        }
    }
}

/// Somebody who claims to be an account, before it is proved.
#[derive(Clone, Copy)]
pub(crate) struct Claim<'a> {
    pub(crate) institution: &'a InstitutionId,
    pub(crate) actor: &'a ActorId,
    pub(crate) kind: ActorKind,
    pub(crate) role: Option<Role>,
    pub(crate) address: IpAddr,
}

impl Access {
    /// Refuses a person behind a device whose secret came over a connection that others can read, right or wrong: it
    /// would work for whoever listened, too. The leaf names the device; nobody has proved to be the person.
    pub async fn refuse_secret_in_clear(&self, device: &Session) -> SignInError {
        let claim = Claim {
            institution: device.institution(),
            actor: device.actor(),
            kind: device.actor_kind(),
            role: None,
            address: device.peer().address,
        };
        self.refuse_sign_in(claim, Fault::SecretInClear).await
    }

    /// Writes down that a session was used from a network where its role is not served. The address is sealed beside the leaf. Not metered
    /// with the refusals of strangers, who could keep it off the ledger by failing before: the gateway bounds it by the rate of
    /// the subject.
    ///
    /// # Errors
    /// [`SignInError::AuditUnavailable`].
    pub async fn refuse_place(&self, session: &Session, address: IpAddr) -> Result<(), SignInError> {
        let fault = Fault::OutsideZone;
        metrics::counter!("yingdun_access_sign_ins_refused_total", "reason" => fault.as_str()).increment(1);
        let event = ledger::of_claim(
            EventKind::Authentication,
            Outcome::Refused,
            session.institution(),
            session.actor(),
            session.actor_kind(),
            Some(session.role()),
            ledger::word(fault.as_str()),
        );
        let detail = ledger::sealed(&self.inner.detail_key, session.institution(), &address.to_string());
        let begun = self.inner.tally.begin();
        let appended = self.inner.log.append_one(Event { detail, ..event }).await;
        appended.map(|_| begun.done(Act::RefusedSignIn)).map_err(SignInError::AuditUnavailable)
    }

    /// Writes a refused sign-in down, and gives the answer that tells nothing.
    pub(crate) async fn refuse_sign_in(&self, claim: Claim<'_>, fault: Fault) -> SignInError {
        metrics::counter!("yingdun_access_sign_ins_refused_total", "reason" => fault.as_str()).increment(1);
        let event = ledger::of_claim(
            EventKind::Authentication,
            Outcome::Refused,
            claim.institution,
            claim.actor,
            claim.kind,
            claim.role,
            ledger::word(fault.as_str()),
        );
        match self.append_refusal(event, claim.address).await {
            Ok(()) => SignInError::Refused,
            Err(error) => SignInError::AuditUnavailable(error),
        }
    }

    /// Appends a refusal of somebody without a session, metered per source address. The address is sealed beside
    /// the leaf.
    pub(crate) async fn append_refusal(&self, event: Event, source: IpAddr) -> Result<(), AuditError> {
        let now = self.inner.clock.now();
        let verdict = {
            let mut guard = self.inner.flood.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            guard.refused(source, now)
        };
        match verdict {
            Verdict::Suppress => {
                metrics::counter!("yingdun_access_refusal_leaves_suppressed_total").increment(1);
                self.inner.tally.suppressed();
                Ok(())
            }
            Verdict::Write { suppressed } => {
                let counts = if suppressed == 0 {
                    Counts::new()
                } else {
                    Counts::new().with("suppressed", suppressed)
                };
                let detail = ledger::sealed(&self.inner.detail_key, &event.institution, &source.to_string());
                let act = match event.kind {
                    EventKind::Association => Act::Rejection,
                    _ => Act::RefusedSignIn,
                };
                let begun = self.inner.tally.begin();
                let appended = self.inner.log.append_one(Event { counts, detail, ..event }).await;
                appended.map(|_| begun.done(act))
            }
        }
    }
}
