//! People: created by invitation, disabled, never deleted.

use super::{AdminError, Change, ChangeDetail};
use crate::access::Access;
use crate::session::Session;
use crate::sign_in::Token;
use std::time::Duration;
use yingdun_catalog::identity::links::{self, Link, LinkPurpose};
use yingdun_catalog::identity::people::{self, Person};
use yingdun_catalog::identity::sessions;
use yingdun_model::{Action, ActorId, ActorKind, InstitutionId, Role, Secret, Timestamp};

/// How long an invitation lives: over a long weekend.
pub const INVITATION_TIME: Duration = Duration::from_secs(72 * 3600);
/// How long a login link lives: it is shown and clicked.
const LOGIN_LINK: Duration = Duration::from_secs(10 * 60);

/// The token of a one-time link. It is shown once; only its SHA-256 is kept.
#[derive(Debug)]
pub struct OneTimeLink {
    /// For whom it is.
    pub actor: ActorId,
    /// What goes into the link.
    pub token: Secret<String>,
    /// From when on it is dead.
    pub expires: Timestamp,
}

impl Access {
    /// Creates a person without any role, and an invitation to set a password.
    ///
    /// Creating an account gives no right: the security administrator gives the roles.
    ///
    /// # Errors
    /// [`AdminError::AlreadyExists`] when the name was ever given in this institution.
    pub async fn create_person(&self, officer: &Session, actor: &ActorId) -> Result<OneTimeLink, AdminError> {
        let now = self.inner.clock.now();
        let (link, row) = invitation(officer.institution(), actor, now);
        let change =
            Change { action: Action::ManageAccounts, code: "create-person", detail: ChangeDetail::of(actor) };
        let insert = people::insert(officer.institution(), actor, now, officer.actor());
        self.change(officer, change, vec![insert, links::insert(&row)]).await?;
        Ok(link)
    }

    /// Makes a new invitation for a person who lost the old one or the password. Older links die.
    ///
    /// # Errors
    /// [`AdminError::OfficerAccount`] for an officer: who could reset another officer's password would hold two
    /// offices. [`AdminError::PasswordElsewhere`] for somebody of a directory. [`AdminError::NotFound`] for an unknown person.
    pub async fn invite_again(&self, officer: &Session, actor: &ActorId) -> Result<OneTimeLink, AdminError> {
        let now = self.inner.clock.now();
        let institution = officer.institution();
        let person = people::find(&self.inner.identity, institution, actor).await;
        let person = person.map_err(AdminError::Unavailable)?;
        let (link, row) = invitation(institution, actor, now);
        let change = Change {
            action: Action::ManageAccounts,
            code: "invite-person-again",
            detail: ChangeDetail::of(actor),
        };
        let (intent, detail) = self.intend(officer, change).await?;
        let elsewhere = self.is_of_ldap(institution, actor).await.map_err(AdminError::Unavailable)?;
        let fault = match &person {
            None => Some(AdminError::NotFound),
            Some(_) if elsewhere => Some(AdminError::PasswordElsewhere),
            Some(person) if person.roles.iter().any(|role| role.is_officer()) => {
                Some(AdminError::OfficerAccount)
            }
            Some(_) => None,
        };
        if let Some(fault) = fault {
            let outcome = Err(yingdun_catalog::CatalogError::Constraint("not this person".into()));
            self.carry_out::<()>(intent, detail, outcome).await.err();
            return Err(fault);
        }
        let statements = vec![links::withdraw(institution, actor, now), links::insert(&row)];
        self.carry_out(intent, detail, self.inner.identity.execute(statements).await).await?;
        Ok(link)
    }

    /// Disables a person, ends every session and lets every link die; or enables the person again.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for an unknown person.
    pub async fn set_person_disabled(
        &self,
        officer: &Session,
        actor: &ActorId,
        disabled: bool,
    ) -> Result<(), AdminError> {
        let (now, institution) = (self.inner.clock.now(), officer.institution());
        let code = if disabled { "disable-person" } else { "enable-person" };
        let change = Change { action: Action::ManageAccounts, code, detail: ChangeDetail::of(actor) };
        let mut statements = vec![people::set_disabled(institution, actor, disabled, now)];
        if disabled {
            statements.push(links::withdraw(institution, actor, now));
            statements.push(sessions::revoke_actor(institution, actor, ActorKind::Person, now));
        }
        self.change(officer, change, statements).await.map(|_| ())
    }

    /// Ends every session of a person or a service client at once. Returns how many.
    ///
    /// # Errors
    /// As [`AdminError`].
    pub async fn end_sessions(
        &self,
        officer: &Session,
        actor: &ActorId,
        kind: ActorKind,
    ) -> Result<u64, AdminError> {
        let change = Change {
            action: Action::ManageAccounts,
            code: "end-sessions",
            detail: ChangeDetail::with(actor, kind),
        };
        let revoke = sessions::revoke_actor(officer.institution(), actor, kind, self.inner.clock.now());
        Ok(self.change(officer, change, vec![revoke]).await?.iter().sum())
    }

    /// Everybody of the officer's institution.
    ///
    /// # Errors
    /// As [`AdminError`].
    pub async fn people(&self, officer: &Session) -> Result<Vec<Person>, AdminError> {
        self.may_read_accounts(officer).await?;
        people::list(&self.inner.identity, officer.institution()).await.map_err(AdminError::Unavailable)
    }
}

/// A fresh invitation and the row that keeps it.
pub(super) fn invitation(
    institution: &InstitutionId,
    actor: &ActorId,
    now: Timestamp,
) -> (OneTimeLink, Link) {
    link(institution, actor, LinkPurpose::Invitation, None, now, now.after(INVITATION_TIME))
}

/// A fresh login link and the row that keeps it.
pub(super) fn login_link(
    institution: &InstitutionId,
    actor: &ActorId,
    role: Role,
    now: Timestamp,
) -> (OneTimeLink, Link) {
    link(institution, actor, LinkPurpose::Login, Some(role), now, now.after(LOGIN_LINK))
}

fn link(
    institution: &InstitutionId,
    actor: &ActorId,
    purpose: LinkPurpose,
    role: Option<Role>,
    issued: Timestamp,
    expires: Timestamp,
) -> (OneTimeLink, Link) {
    let token = Token::generate();
    let row = Link {
        token_hash: token.hash,
        purpose,
        institution: institution.clone(),
        actor: actor.clone(),
        role,
        issued,
        expires,
        used: None,
    };
    (OneTimeLink { actor: actor.clone(), token: token.secret, expires }, row)
}
