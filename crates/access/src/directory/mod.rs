//! People of other directories: an account here belongs to one identity there, by directory and subject, never by name or e-mail.
//!
//! ```text
//!  provider or directory says: who, which groups ─► subject ─► account? ─ no ─► made, where that is configured
//!                                                               │ yes
//!                                          disabled here? stays out
//!                                                               │
//!                              roles by the mapping, leaf first ─► one of them is activated ─► session
//! ```
//!
//! What another directory says gives the roles of its mapping and nothing else: no officer is appointed there, and an officer's role is not
//! activated by a sign-in from there (三员分立).

mod bind;
mod departments;
mod ldap;
mod look;

pub use ldap::{
    DirectoryCall, DirectoryError, GroupName, LdapDirectory, LdapPerson, LdapRules, LdapSetup, NameFound,
};
pub use look::DirectoryLook;

use crate::access::Access;
use crate::admin::ChangeDetail;
use crate::ledger;
use crate::session::Peer;
use crate::sign_in::{Claim, Fault, SignInError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::str::FromStr;
use yingdun_audit::{Event, EventKind, Outcome};
use yingdun_catalog::identity::directories::{self, DirectoryIdentity};
use yingdun_catalog::identity::people::{self, Person};
use yingdun_catalog::{CatalogError, Database, Statement};
use yingdun_crypto::digest::sha256;
use yingdun_crypto::{Context, Sealed};
use yingdun_model::{ActorId, ActorKind, DepartmentId, InstitutionId, Role};

/// The kind of another directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A provider of OpenID Connect.
    Oidc,
    /// A directory that is asked by LDAP.
    Ldap,
}

impl Source {
    /// The word in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oidc => "oidc",
            Self::Ldap => "ldap",
        }
    }
}

impl FromStr for Source {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Oidc, Self::Ldap].into_iter().find(|source| source.as_str() == word).ok_or(())
    }
}

/// Who somebody is in another directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subject {
    /// The directory: the issuer of a provider.
    pub(crate) directory: String,
    /// By what the directory tells people apart, for ever.
    pub(crate) subject: String,
}

impl Subject {
    /// By what an account is found.
    pub(crate) fn digest(&self, source: Source) -> [u8; 32] {
        digest("subject", source, &self.directory, &self.subject)
    }

    /// By what the sessions are found that rest on one session there.
    pub(crate) fn session_digest(source: Source, directory: &str, session: &str) -> [u8; 32] {
        digest("session", source, directory, session)
    }
}

/// What another directory says of somebody whom it has just authenticated.
pub(crate) struct Introduced {
    pub(crate) source: Source,
    pub(crate) subject: Subject,
    /// The name that an account gets which is made now.
    pub(crate) name: Option<String>,
    /// The roles by the mapping.
    pub(crate) roles: BTreeSet<Role>,
    /// The departments by the mapping; none where the directory has no say in them.
    pub(crate) departments: Option<BTreeSet<DepartmentId>>,
    /// Whether an account is made for somebody who has none.
    pub(crate) provision: bool,
}

impl Access {
    /// The account of somebody from another directory, with the roles that the directory gives now.
    pub(crate) async fn admit(&self, introduced: &Introduced, peer: Peer) -> Result<Person, SignInError> {
        let institution = &self.inner.institution;
        let hash = introduced.subject.digest(introduced.source);
        let found = directories::find(&self.inner.identity, institution, &hash).await;
        let actor = match found.map_err(SignInError::Unavailable)? {
            Some(bound) => bound.actor,
            None => self.provision(introduced, hash, peer).await?,
        };
        let claim =
            Claim { institution, actor: &actor, kind: ActorKind::Person, role: None, address: peer.address };
        let person = self.person_or_refuse(claim).await?;
        if person.disabled {
            return Err(self.refuse_sign_in(claim, Fault::AccountDisabled).await);
        }
        self.map_departments(&actor, introduced.departments.as_ref()).await?;
        self.map_roles(&actor, introduced.source, &introduced.roles).await?;
        // Read again also where nothing was changed here: the same person's other sign-in may just have.
        self.person_or_refuse(claim).await
    }

    /// The role in which somebody from another directory acts: never that of an officer or a patient.
    pub(crate) async fn role_from_elsewhere(
        &self,
        person: &Person,
        wanted: Option<Role>,
        peer: Peer,
    ) -> Result<Role, SignInError> {
        let claim = Claim {
            institution: &self.inner.institution,
            actor: &person.actor,
            kind: ActorKind::Person,
            role: wanted,
            address: peer.address,
        };
        let held: Vec<Role> = person.roles.iter().copied().filter(|role| !role.is_alone()).collect();
        match (wanted, held.as_slice()) {
            (_, []) => Err(self.refuse_sign_in(claim, Fault::NoRole).await),
            (None, [only]) => Ok(*only),
            (Some(role), held) if held.contains(&role) => Ok(role),
            (Some(_), _) => match self.refuse_sign_in(claim, Fault::NoSuchRole).await {
                SignInError::Refused => Err(SignInError::ChooseRole { held }),
                other => Err(other),
            },
            (None, _) => Err(SignInError::ChooseRole { held }),
        }
    }

    async fn person_or_refuse(&self, claim: Claim<'_>) -> Result<Person, SignInError> {
        let found = people::find(&self.inner.identity, claim.institution, claim.actor).await;
        match found.map_err(SignInError::Unavailable)? {
            Some(person) => Ok(person),
            None => Err(self.refuse_sign_in(claim, Fault::UnknownAccount).await),
        }
    }

    /// Makes an account for somebody who has none, where that is configured, under a name that nobody had.
    async fn provision(
        &self,
        introduced: &Introduced,
        hash: [u8; 32],
        peer: Peer,
    ) -> Result<ActorId, SignInError> {
        if !introduced.provision {
            return Err(self.refuse_unknown(peer, Fault::UnboundIdentity).await);
        }
        // Whoever has no business here gets no account.
        if introduced.roles.is_empty() {
            return Err(self.refuse_unknown(peer, Fault::NoRole).await);
        }
        let Some(actor) = introduced.name.as_deref().and_then(ActorId::new) else {
            return Err(self.refuse_unknown(peer, Fault::NoName).await);
        };
        let institution = &self.inner.institution;
        // Somebody called so, or so but for the case of letters, has an account that is not bound: a second one beside it would be
        // free of what was said against the first.
        let taken = directories::is_name_taken(&self.inner.identity, institution, actor.as_str()).await;
        if taken.map_err(SignInError::Unavailable)? {
            return self.identity_or_taken(&hash, peer).await;
        }
        let (now, by) = (self.inner.clock.now(), self.system_session().actor().clone());
        let identity = DirectoryIdentity {
            actor: actor.clone(),
            source: introduced.source.as_str().to_owned(),
            subject_hash: hash,
            sealed: self.seal_subject(&actor, &introduced.subject)?,
            bound: now,
            bound_by: by.clone(),
        };
        let make =
            vec![people::insert(institution, &actor, now, &by), directories::insert(institution, &identity)];
        let detail = ChangeDetail::with(&actor, introduced.source.as_str());
        match self.change_of_system("provision-person", detail, make).await {
            Ok(()) => Ok(actor),
            Err(SignInError::Unavailable(CatalogError::Constraint(_))) => {
                self.identity_or_taken(&hash, peer).await
            }
            Err(other) => Err(other),
        }
    }

    /// The account of somebody who signed in twice at the same time; or the name is somebody else's.
    async fn identity_or_taken(&self, hash: &[u8; 32], peer: Peer) -> Result<ActorId, SignInError> {
        let found = directories::find(&self.inner.identity, &self.inner.institution, hash).await;
        match found.map_err(SignInError::Unavailable)? {
            Some(bound) => Ok(bound.actor),
            None => match self.refuse_unknown(peer, Fault::NameTaken).await {
                SignInError::Refused => Err(SignInError::NameTaken),
                other => Err(other),
            },
        }
    }

    /// Gives and takes the roles that the directory gives, so that they are those of now. Returns whether anything changed.
    async fn map_roles(
        &self,
        actor: &ActorId,
        source: Source,
        roles: &BTreeSet<Role>,
    ) -> Result<bool, SignInError> {
        let institution = &self.inner.institution;
        let source = source.as_str();
        let mapped = directories::mapped_roles(&self.inner.identity, institution, actor, source).await;
        let mapped: BTreeSet<Role> = mapped.map_err(SignInError::Unavailable)?.into_iter().collect();
        let person = people::find(&self.inner.identity, institution, actor).await;
        let held = person.map_err(SignInError::Unavailable)?.map(|person| person.roles).unwrap_or_default();
        let wanted: BTreeSet<Role> = roles.iter().copied().filter(|role| !role.is_alone()).collect();
        let given: Vec<Role> = match held.iter().any(|role| role.is_alone()) {
            true => Vec::new(),
            false => wanted.iter().copied().filter(|role| !held.contains(role)).collect(),
        };
        let taken: Vec<Role> = mapped.difference(&wanted).copied().collect();
        if given.is_empty() && taken.is_empty() {
            return Ok(false);
        }
        let (now, by) = (self.inner.clock.now(), self.system_session().actor().clone());
        let words = |sign: char, roles: &[Role]| -> Vec<String> {
            roles.iter().map(|role| format!("{sign}{role}")).collect()
        };
        let told = [words('+', &given), words('-', &taken)].concat().join(" ");
        let mut changes = Vec::new();
        for role in given {
            changes.extend(directories::give_mapped(institution, actor, role, source, now, &by));
        }
        changes.extend(taken.iter().map(|role| directories::take_mapped(institution, actor, *role, source)));
        let detail = ChangeDetail::with(actor, format!("{source}: {told}"));
        self.change_of_system("roles-from-directory", detail, changes).await.map(|()| true)
    }

    /// A change that follows from what another directory says: written down before it is made, and again when it failed.
    async fn change_of_system(
        &self,
        word: &'static str,
        detail: ChangeDetail,
        changes: Vec<Statement>,
    ) -> Result<(), SignInError> {
        self.change_of_system_in(&self.inner.identity, word, detail, changes).await
    }

    /// As [`Self::change_of_system`], in one of the databases.
    async fn change_of_system_in(
        &self,
        database: &Database,
        word: &'static str,
        detail: ChangeDetail,
        changes: Vec<Statement>,
    ) -> Result<(), SignInError> {
        let event = Event {
            kind: EventKind::Administration,
            outcome: Outcome::Permitted,
            ..ledger::session_leaf(&self.system_session(), ledger::word(word))
        };
        self.record(event.clone(), &detail).await.map_err(SignInError::AuditUnavailable)?;
        let done = database.execute(changes).await;
        let outcome = if done.is_ok() { Outcome::Succeeded } else { Outcome::Failed };
        self.record(Event { outcome, ..event }, &detail).await.map_err(SignInError::AuditUnavailable)?;
        done.map(|_| ()).map_err(SignInError::Unavailable)
    }

    fn seal_subject(&self, actor: &ActorId, subject: &Subject) -> Result<Vec<u8>, SignInError> {
        let context = subject_context(&self.inner.institution, actor);
        // INVARIANT: two texts have a JSON form.
        let sealed = Sealed::seal(&self.inner.identity_key, &context, subject);
        sealed.map(Sealed::into_bytes).map_err(|_| SignInError::Refused)
    }
}

// === helpers ===

/// What a sealed subject is bound to: moved to another account it does not open.
fn subject_context(institution: &InstitutionId, actor: &ActorId) -> Context {
    Context::new("yingdun/directory-subject/v1").field(institution.as_str()).field(actor.as_str())
}

fn digest(what: &str, source: Source, directory: &str, name: &str) -> [u8; 32] {
    // The length of each part before it, so that no two different ones look alike.
    let mut text = b"yingdun/directory-digest/v1".to_vec();
    for part in [what, source.as_str(), directory, name] {
        text.extend(part.len().to_be_bytes());
        text.extend(part.as_bytes());
    }
    sha256(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_and_subject_together_are_who_somebody_is() {
        let subject =
            |directory: &str, subject: &str| Subject { directory: directory.into(), subject: subject.into() };
        let one = subject("https://a.example", "bc").digest(Source::Oidc);
        assert_eq!(one, subject("https://a.example", "bc").digest(Source::Oidc));
        for other in
            [subject("https://a.example", "BC"), subject("https://a.exampleb", "c"), subject("", "bc")]
        {
            assert_ne!(one, other.digest(Source::Oidc), "{other:?}");
        }
        assert_ne!(one, Subject::session_digest(Source::Oidc, "https://a.example", "bc"));
        assert_ne!(one, subject("https://a.example", "bc").digest(Source::Ldap));
    }
}
