//! Binding an account to an identity of another directory, by the system administrator.

use super::{Source, Subject};
use crate::access::Access;
use crate::admin::{AdminError, Change, ChangeDetail};
use crate::session::Session;
use yingdun_catalog::identity::directories::{self, DirectoryIdentity};
use yingdun_catalog::identity::sessions;
use yingdun_catalog::identity::{links, people};
use yingdun_model::{Action, ActorId, ActorKind};

/// The longest subject that is bound.
const SUBJECT_BYTES_MAX: usize = 255;

impl Access {
    /// Binds an account to its identity in the one other directory that is configured, by the subject that it has there.
    ///
    /// # Errors
    /// As [`Self::bind_person_in`]; [`AdminError::WhichDirectory`] where two are configured.
    pub async fn bind_person(
        &self,
        officer: &Session,
        actor: &ActorId,
        subject: &str,
    ) -> Result<(), AdminError> {
        self.bind_person_in(officer, actor, None, subject).await
    }

    /// Binds an account to its identity in another directory, by the subject that it has there. Of an account that belongs to a directory
    /// with passwords of its own, the password here opens nothing from then on.
    ///
    /// # Errors
    /// [`AdminError::NoDirectory`] where none is configured; [`AdminError::OfficerAccount`]; [`AdminError::NotFound`];
    /// [`AdminError::AlreadyExists`] when account or subject is bound already.
    pub async fn bind_person_in(
        &self,
        officer: &Session,
        actor: &ActorId,
        source: Option<Source>,
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
        let (source, directory) = match self.directory_of(source) {
            Ok(chosen) => chosen,
            Err(fault) => {
                let outcome = Err(yingdun_catalog::CatalogError::Constraint("no such directory".into()));
                self.carry_out::<()>(intent, detail, outcome).await.err();
                return Err(fault);
            }
        };
        let subject = Subject { directory, subject: subject.to_owned() };
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
            source: source.as_str().to_owned(),
            subject_hash: subject.digest(source),
            sealed,
            bound: self.inner.clock.now(),
            bound_by: officer.actor().clone(),
        };
        let mut bind = vec![directories::insert(institution, &identity)];
        if source == Source::Ldap {
            // What was opened with the password here does not go on behind the back of the directory.
            let now = self.inner.clock.now();
            bind.push(sessions::revoke_actor(institution, actor, ActorKind::Person, now));
            bind.push(links::withdraw(institution, actor, now));
        }
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

    /// Which directory is meant, and how it is called.
    fn directory_of(&self, source: Option<Source>) -> Result<(Source, String), AdminError> {
        let oidc = self.inner.oidc.as_ref().map(|oidc| (Source::Oidc, oidc.rules.issuer.clone()));
        let ldap = self.inner.ldap.as_ref().map(|ldap| (Source::Ldap, ldap.rules.directory.clone()));
        match (source, oidc, ldap) {
            (None, Some(_), Some(_)) => Err(AdminError::WhichDirectory),
            (Some(Source::Oidc) | None, Some(oidc), _) => Ok(oidc),
            (Some(Source::Ldap) | None, _, Some(ldap)) => Ok(ldap),
            _ => Err(AdminError::NoDirectory),
        }
    }
}
