//! Movers and leavers: who has a session and came from a directory is looked up there now and then.
//!
//! Whoever is gone or disabled loses every session and what the directory gave; whose groups have changed gets and loses roles and
//! memberships. Open streams end as for every session that ends. A directory that does not answer ends nothing.

use super::{LdapSetup, Source, Subject, subject_context};
use crate::access::Access;
use crate::admin::ChangeDetail;
use crate::sign_in::SignInError;
use std::collections::{BTreeSet, HashMap};
use yingdun_audit::{Event, EventKind, Outcome};
use yingdun_catalog::identity::directories::{self, DirectoryIdentity};
use yingdun_catalog::identity::{links, sessions};
use yingdun_crypto::Sealed;
use yingdun_model::{ActorId, ActorKind};

/// How many accounts are looked up at once.
const PAGE: u32 = 200;

/// What a look found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirectoryLook {
    /// Accounts with sessions that were looked up.
    pub looked: u64,
    /// Those who are gone, or disabled there: their sessions ended.
    pub gone: u64,
    /// Those whose roles or memberships have changed.
    pub changed: u64,
}

impl Access {
    /// Looks up everybody who came from the directory and has a session. Nothing happens where there is none.
    ///
    /// # Errors
    /// [`SignInError::DirectoryUnavailable`]: sessions go on. [`SignInError::AuditUnavailable`] or [`SignInError::Unavailable`]: what was
    /// not written down was not done.
    pub async fn look_at_directory(&self) -> Result<DirectoryLook, SignInError> {
        let Some(ldap) = &self.inner.ldap else { return Ok(DirectoryLook::default()) };
        let (identity, institution) = (&self.inner.identity, &self.inner.institution);
        let source = Source::Ldap.as_str();
        let mut sum = DirectoryLook::default();
        let mut after = String::new();
        loop {
            let now = self.inner.clock.now();
            let page = directories::with_sessions(identity, institution, source, &after, now, PAGE).await;
            let page = page.map_err(SignInError::Unavailable)?;
            let Some(last) = page.last() else { return Ok(sum) };
            last.actor.as_str().clone_into(&mut after);
            self.look_at_page(ldap, &page, &mut sum).await?;
            if u32::try_from(page.len()).is_ok_and(|length| length < PAGE) {
                return Ok(sum);
            }
        }
    }

    /// Writes down that the directory went away, or is back.
    ///
    /// # Errors
    /// [`SignInError::AuditUnavailable`].
    pub async fn note_directory(&self, away: bool) -> Result<(), SignInError> {
        let (outcome, word) = match away {
            true => (Outcome::Failed, "directory-unavailable"),
            false => (Outcome::Succeeded, "directory-available"),
        };
        let leaf = crate::ledger::session_leaf(&self.system_session(), crate::ledger::word(word));
        let event = Event { kind: EventKind::System, outcome, ..leaf };
        self.inner.log.append_one(event).await.map(drop).map_err(SignInError::AuditUnavailable)
    }

    /// How many people belong to no other directory, where accounts are made for those who come from one: each of them may get a second
    /// account. None where no accounts are made.
    ///
    /// # Errors
    /// [`SignInError::Unavailable`].
    pub async fn unbound_beside_provisioning(&self) -> Result<Option<u64>, SignInError> {
        let by_provider = self.inner.oidc.as_ref().is_some_and(|oidc| oidc.rules.provision);
        let by_directory = self.inner.ldap.as_ref().is_some_and(|ldap| ldap.rules.provision);
        if !by_provider && !by_directory {
            return Ok(None);
        }
        let unbound = directories::unbound(&self.inner.identity, &self.inner.institution).await;
        unbound.map(Some).map_err(SignInError::Unavailable)
    }

    /// By what the directory knows an account; none when what is kept of it does not open.
    pub(crate) fn open_subject(&self, bound: &DirectoryIdentity) -> Option<Subject> {
        let sealed = Sealed::<Subject>::from_bytes(bound.sealed.clone());
        let context = subject_context(&self.inner.institution, &bound.actor);
        sealed.open(&self.inner.identity_key, &context).ok()
    }

    async fn look_at_page(
        &self,
        ldap: &LdapSetup,
        page: &[DirectoryIdentity],
        sum: &mut DirectoryLook,
    ) -> Result<(), SignInError> {
        // Who is bound to another directory than the configured one, or whose subject does not open, is not there.
        let subject = |bound: &DirectoryIdentity| {
            let subject = self.open_subject(bound)?;
            (subject.directory == ldap.rules.directory).then_some(subject.subject)
        };
        let subjects: Vec<Option<String>> = page.iter().map(subject).collect();
        let asked: Vec<String> = subjects.iter().flatten().cloned().collect();
        let found = ldap.directory.look(&asked).await;
        let found = found.map_err(|error| SignInError::DirectoryUnavailable(error.to_string()))?;
        let found: HashMap<&str, _> = found.iter().map(|person| (person.subject.as_str(), person)).collect();
        for (bound, subject) in page.iter().zip(&subjects) {
            sum.looked += 1;
            match subject.as_deref().and_then(|subject| found.get(subject)) {
                None => {
                    self.left_directory(&bound.actor).await?;
                    sum.gone += 1;
                }
                Some(person) => {
                    let (roles, departments) =
                        (ldap.rules.roles_of(person), ldap.rules.departments_of(person));
                    let changed = self.map_roles(&bound.actor, Source::Ldap, &roles).await?;
                    let moved = self.map_departments(&bound.actor, departments.as_ref()).await?;
                    sum.changed += u64::from(changed || moved);
                }
            }
        }
        Ok(())
    }

    /// Ends what somebody has who is not in the directory any more, or is disabled there.
    async fn left_directory(&self, actor: &ActorId) -> Result<(), SignInError> {
        let (institution, now) = (&self.inner.institution, self.inner.clock.now());
        let end = vec![
            sessions::revoke_actor(institution, actor, ActorKind::Person, now),
            links::withdraw(institution, actor, now),
        ];
        self.change_of_system("left-directory", ChangeDetail::of(actor), end).await?;
        self.map_roles(actor, Source::Ldap, &BTreeSet::new()).await?;
        let maps = self.inner.ldap.as_ref().is_some_and(|ldap| !ldap.rules.departments.is_empty());
        self.map_departments(actor, maps.then(BTreeSet::new).as_ref()).await.map(drop)
    }
}
