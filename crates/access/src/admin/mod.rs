//! Administration of accounts and rights, by two officers who cannot do each other's work.
//!
//! | officer | may |
//! |---|---|
//! | system administrator | create and disable people, devices and service clients; see and end sessions |
//! | security administrator | give and take roles, care relations and scopes; enter dissents and consents; reset second factors; look after keys; ask for destruction; approve that a legal hold is released |
//! | audit administrator | approve destruction; place legal holds and ask for their release; none of the rest |
//!
//! Every change is authorised by the policies, written down *before* it is made, and its outcome after. A change
//! whose intent cannot be written down is not made.

mod clients;
mod consents;
mod credentials;
mod departments;
mod devices;
mod dissents;
mod founding;
mod keys;
mod own_consents;
mod people;
mod rights;
mod sessions;
mod setup;

pub use clients::{NewClient, NewClientSecret};
pub use consents::{ConsentRecord, NewConsent};
pub use credentials::NewCredential;
pub use dissents::NewDissent;
pub use founding::Officers;
pub use keys::{HeldRefs, KeyWork};
pub use people::{INVITATION_TIME, OneTimeLink};
pub use setup::{SETUP_ADDRESS_TIME, SETUP_BROWSER_TIME, Setup, SetupOfficer, SetupState};

use crate::access::{Access, Refusal};
use crate::decision::Resource;
use crate::ledger;
use crate::session::Session;
use serde::{Deserialize, Serialize};
use yingdun_audit::{AuditError, Event, EventKind, Outcome, ReasonCode, Receipt};
use yingdun_catalog::{CatalogError, Statement};
use yingdun_model::Action;

/// The database was lost while it committed: the change may have been made or not, and a person has to look.
const UNCONFIRMED: ReasonCode = ReasonCode::new("unconfirmed");

/// Why a change was not made.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The officer may not do this, or it could not be written down.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such account, role or relation in the institution of the officer.
    #[error("there is no such account, role or relation")]
    NotFound,
    /// The name is taken. Names are never given twice, also not after an account was disabled.
    #[error("the name is taken")]
    AlreadyExists,
    /// An officer holds no other role (三员分立), or the person holds the role already.
    #[error("an officer holds one role only, and nobody holds a role twice")]
    RoleConflict,
    /// The role belongs to machines.
    #[error("the role `{0}` cannot be given to a person")]
    NotARoleOfPeople(yingdun_model::Role),
    /// Who could send an officer a new invitation could become that officer.
    #[error("an officer's way to sign in is not made by another officer")]
    OfficerAccount,
    /// Who could do this to the own account would need no code.
    #[error(
        "an officer does not reset the own second factor: use a recovery code, or ask another security administrator"
    )]
    OwnSecondFactor,
    /// The installation has people already.
    #[error("the institution has accounts already, it is founded only once")]
    AlreadyFounded,
    /// Somebody has opened the first hour and named officers who hold their accounts by now, or it was founded in another way.
    #[error("the three officers have their accounts: there is nothing left to set up")]
    SetUp,
    /// The three officers must be three people.
    #[error("the three officers must be three different people")]
    OfficersNotDistinct,
    /// This can only be asked for from within the program.
    #[error("only the archive itself may do this")]
    SystemOnly,
    /// A redirect URI is neither HTTPS nor loopback, or there are too many.
    #[error("a client has at most {max} redirect URIs, each https:// or http://127.0.0.1, without fragment", max = clients::REDIRECT_URIS_MAX)]
    RedirectUri,
    /// More credentials than one client has.
    #[error("a client has at most {max} credentials; take one away that is over", max = yingdun_catalog::identity::credentials::CREDENTIALS_MAX)]
    TooManyCredentials,
    /// A credential that is over would open nothing.
    #[error("a credential must last beyond now")]
    CredentialIsOver,
    /// A care relation must end after it begins.
    #[error("a care relation must end after it begins")]
    EmptyInterval,
    /// A department has a name that people read.
    #[error("a department is called something, in at most 64 characters")]
    DepartmentName,
    /// A dissent, seal or consent of somebody of whom there is no study would be about nothing.
    #[error("there is no study of this patient, and it would be about nothing")]
    UnknownPatient,
    /// A consent that nothing shows.
    #[error("a consent says where its evidence is, in 1 to {max} characters", max = consents::REFERENCE_CHARACTERS_MAX)]
    ConsentReference,
    /// More persons than a seal names.
    #[error("a seal names at most 50 persons")]
    TooManyNamed,
    /// More departments than one device or study is of.
    #[error("a device or a study is of at most 16 departments")]
    TooManyDepartments,
    /// There is no such directory to which an account could be bound.
    #[error("no such directory is configured (identity.oidc, identity.ldap)")]
    NoDirectory,
    /// There are two directories, and none was named.
    #[error(
        "a provider and a directory are configured: say to which one the person is bound, `oidc` or `ldap`"
    )]
    WhichDirectory,
    /// The password of the account is that of a directory.
    #[error("the password of this account is kept in the directory (identity.ldap): it is set there")]
    PasswordElsewhere,
    /// What was given is no subject.
    #[error("a subject has 1 to 255 bytes and no control characters")]
    Subject,
    /// Registering what was seen would not let the device in.
    #[error(
        "registering this would not let it in: a device of this title is bound otherwise or disabled, or TLS refused its certificate"
    )]
    NotApprovable,
    /// The device called without TLS, and nobody said that it may.
    #[error("the device called without TLS: say `plain_allowed` if it cannot do better")]
    PlainNotSpelledOut,
    /// The accounts cannot be read or written. The ledger says that the change failed.
    #[error("the change was not made")]
    Unavailable(#[source] CatalogError),
    /// The change was made and its outcome could not be written down; its intent is on the ledger.
    #[error("the change was made, and the audit log did not accept its outcome")]
    OutcomeNotRecorded(#[source] AuditError),
}

/// What is sealed beside the leaf of a change: what was changed, on whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeDetail {
    /// The account concerned.
    pub subject: String,
    /// Role, scopes, called AE title or patient reference, as the change needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
}

impl ChangeDetail {
    pub(crate) fn of(subject: impl ToString) -> Self {
        Self { subject: subject.to_string(), what: None }
    }

    pub(crate) fn with(subject: impl ToString, what: impl ToString) -> Self {
        Self { subject: subject.to_string(), what: Some(what.to_string()) }
    }
}

/// One change: the right that it needs, the word and detail under which it is written down.
pub(crate) struct Change {
    pub(crate) action: Action,
    pub(crate) code: &'static str,
    pub(crate) detail: ChangeDetail,
}

impl Access {
    /// Authorises a change, writes it down, makes it, writes its outcome down.
    pub(crate) async fn change(
        &self,
        officer: &Session,
        change: Change,
        statements: Vec<Statement>,
    ) -> Result<Vec<u64>, AdminError> {
        let (permission, detail) = self.intend(officer, change).await?;
        self.carry_out(permission, detail, self.inner.identity.execute(statements).await).await
    }

    /// Decides and writes the intent down. The leaf says the change in place of the reason, which is always the
    /// office; a refusal says its reason.
    pub(crate) async fn intend(
        &self,
        officer: &Session,
        change: Change,
    ) -> Result<(Receipt, ChangeDetail), AdminError> {
        self.intend_on(officer, change, HeldRefs::default()).await
    }

    /// As [`Self::intend`], with a leaf that names a study or a patient.
    pub(crate) async fn intend_on(
        &self,
        officer: &Session,
        change: Change,
        on: HeldRefs,
    ) -> Result<(Receipt, ChangeDetail), AdminError> {
        let institution = officer.institution().clone();
        let resource = match change.action {
            Action::ManageKeys
            | Action::RequestDestruction
            | Action::ApproveDestruction
            | Action::ManageHolds
            | Action::ApproveRelease
            | Action::BreakGlass
            | Action::ReviewBreakGlass
            | Action::ReviewAlerts
            | Action::LiftStop
            | Action::ProposePolicy
            | Action::ApprovePolicy
            | Action::ActivatePolicy => Resource::Archive(institution),
            _ => Resource::Accounts(institution),
        };
        let (decision, policy_set) = self.decide_by(officer, change.action, &resource).await?;
        let decided = ledger::decided(officer, change.action, &resource, decision, policy_set);
        let reason =
            if decision.permitted { ledger::word(change.code) } else { ledger::code(decision.reason) };
        let event = Event { reason, study: on.study, patient: on.patient, ..decided };
        let receipt = self.record(event, &change.detail).await;
        let receipt = receipt.map_err(Refusal::AuditUnavailable)?;
        if !decision.permitted {
            return Err(Refusal::denied(decision.reason, officer.role()).into());
        }
        Ok((receipt, change.detail))
    }

    /// Writes the outcome of an intended change down.
    pub(crate) async fn carry_out<T>(
        &self,
        intent: Receipt,
        detail: ChangeDetail,
        outcome: Result<T, CatalogError>,
    ) -> Result<T, AdminError> {
        let word = if outcome.is_ok() { Outcome::Succeeded } else { Outcome::Failed };
        let mut event = Event { outcome: word, detail: None, ..intent.event().clone() };
        if matches!(outcome, Err(CatalogError::Unconfirmed(_))) {
            event.reason = UNCONFIRMED;
        }
        let recorded = self.record(event, &detail).await;
        match (outcome, recorded) {
            (Ok(value), Ok(_)) => Ok(value),
            (Ok(_), Err(error)) => Err(AdminError::OutcomeNotRecorded(error)),
            (Err(CatalogError::Constraint(_)), _) => Err(AdminError::AlreadyExists),
            (Err(CatalogError::UnexpectedRows { .. }), _) => Err(AdminError::NotFound),
            (Err(error), _) => Err(AdminError::Unavailable(error)),
        }
    }

    pub(crate) async fn record(&self, event: Event, detail: &ChangeDetail) -> Result<Receipt, AuditError> {
        let detail = ledger::sealed(&self.inner.detail_key, &event.institution, detail);
        self.inner.log.append_one(Event { kind: EventKind::Administration, detail, ..event }).await
    }

    /// Lets an officer read what only those know who give rights.
    async fn may_manage_rights(&self, officer: &Session) -> Result<(), AdminError> {
        let resource = Resource::Accounts(officer.institution().clone());
        let decision = self.decide(officer, Action::ManageRights, &resource).await?;
        if decision.permitted {
            return Ok(());
        }
        Err(Refusal::denied(decision.reason, officer.role()).into())
    }

    /// Lets an officer read accounts: whoever may change accounts or rights.
    async fn may_read_accounts(&self, officer: &Session) -> Result<(), AdminError> {
        let resource = Resource::Accounts(officer.institution().clone());
        let accounts = self.decide(officer, Action::ManageAccounts, &resource).await?;
        if accounts.permitted || self.decide(officer, Action::ManageRights, &resource).await?.permitted {
            return Ok(());
        }
        Err(Refusal::denied(accounts.reason, officer.role()).into())
    }
}
