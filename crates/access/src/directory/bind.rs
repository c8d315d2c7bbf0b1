//! Binding an account to an identity of another directory, by the system administrator.

use super::{Source, Subject};
use crate::access::Access;
use crate::admin::{AdminError, Change, ChangeDetail};
use crate::session::Session;
use yingdun_catalog::identity::directories::{self, DirectoryIdentity};
use yingdun_catalog::identity::people;
use yingdun_catalog::identity::sessions;
use yingdun_model::{Action, ActorId, ActorKind};

/// The longest subject that is bound.
const SUBJECT_BYTES_MAX: usize = 255;

impl Access {
    /// Binds an account to its identity at the provider of sign-ins, by the subject that the provider gives it.
    ///
    /// # Errors
    /// [`AdminError::NoDirectory`] where none is configured; [`AdminError::OfficerAccount`]; [`AdminError::NotFound`];
    /// [`AdminError::AlreadyExists`] when account or subject is bound already.
    pub async fn bind_person(
        &self,
        officer: &Session,
        actor: &ActorId,
        subject: &str,
    ) -> Result<(), AdminError> {
        let change = Change {
            action: Action::ManageAccounts,
            code: "bind-person",
            detail: ChangeDetail::with(actor, subject),
        };
        if subject.is_empty() || subject.len() > SUBJECT_BYTES_MAX || subject.chars().any(char::is_control) {
            return Err(AdminError::Subject);
        }
        let institution = officer.institution();
        let (intent, detail) = self.intend(officer, change).await?;
        let Some(oidc) = &self.inner.oidc else {
            let outcome = Err(yingdun_catalog::CatalogError::Constraint("no provider".into()));
            self.carry_out::<()>(intent, detail, outcome).await.err();
            return Err(AdminError::NoDirectory);
        };
        let subject = Subject { directory: oidc.rules.issuer.clone(), subject: subject.to_owned() };
        let person = people::find(&self.inner.identity, institution, actor).await;
        let person = person.map_err(AdminError::Unavailable)?;
        let fault = match &person {
            None => Some(AdminError::NotFound),
            // Who binds the account of another officer to an own identity would hold two offices.
            Some(person) if person.roles.iter().any(|role| role.is_officer()) => {
                Some(AdminError::OfficerAccount)
            }
            Some(_) => None,
        };
        let sealed = self.seal_subject(actor, &subject).ok();
        let (Some(sealed), None) = (sealed, &fault) else {
            let outcome = Err(yingdun_catalog::CatalogError::Constraint("not this person".into()));
            self.carry_out::<()>(intent, detail, outcome).await.err();
            return Err(fault.unwrap_or(AdminError::Subject));
        };
        let identity = DirectoryIdentity {
            actor: actor.clone(),
            source: Source::Oidc.as_str().to_owned(),
            subject_hash: subject.digest(Source::Oidc),
            sealed,
            bound: self.inner.clock.now(),
            bound_by: officer.actor().clone(),
        };
        let bind = vec![directories::insert(institution, &identity)];
        self.carry_out(intent, detail, self.inner.identity.execute(bind).await).await.map(|_| ())
    }

    /// Takes the identity of another directory from an account, with the roles that came by it, and ends the sessions of the person.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when none is bound.
    pub async fn unbind_person(&self, officer: &Session, actor: &ActorId) -> Result<(), AdminError> {
        let institution = officer.institution();
        let change =
            Change { action: Action::ManageAccounts, code: "unbind-person", detail: ChangeDetail::of(actor) };
        let mut changes: Vec<_> = directories::remove(institution, actor).into();
        let now = self.inner.clock.now();
        changes.push(sessions::revoke_actor(institution, actor, ActorKind::Person, now));
        self.change(officer, change, changes).await.map(|_| ())
    }
}
