//! Name and password of people of a directory.
//!
//! ```text
//!  name ─► account of the directory? ─ yes ─► count ─► its subject, looked up ─┐
//!             │ no                                                             ├─► bind as that entry ─► roles, leaf first ─► session
//!          somebody else's? ─ yes ─► password here                             │
//!             │ no                                                             │
//!          one entry of that name ─► its account, or who has none: count ──────┘
//! ```
//!
//! What is counted before the password is tried is the person, not the name that was typed: a directory knows one person by many spellings.
//! An attempt that the directory did not answer is counted no more. A name of an account here that belongs to nobody there is never looked
//! up there, and one of the directory never tried here: after a move of the name to somebody else, its account is still that of the first.

use super::attempts::{self, Counted, Strangers};
use super::bearer::NewSession;
use super::login::COUNTING_TRIES_MAX;
use super::{Claim, Fault, SignInError, SignedIn};
use crate::access::Access;
use crate::directory::{DirectoryError, LdapPerson, LdapSetup, NameFound, Source};
use crate::flood::network_of;
use crate::session::{Peer, SignIn};
use std::collections::BTreeSet;
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::directories::{self, DirectoryIdentity};
use yingdun_catalog::identity::directory_attempts::{self, Attempts};
use yingdun_catalog::identity::people::{self, Person};
use yingdun_catalog::identity::places;
use yingdun_catalog::identity::sessions::{Bound, DirectoryProof};
use yingdun_model::{ActorId, ActorKind, InstitutionId, Secret};

/// Where a password is tried.
pub(super) enum Way {
    /// Here.
    Here,
    /// In the directory; with the identity of the account, where one has that name.
    Directory(Option<DirectoryIdentity>),
}

impl Access {
    /// Whether an account belongs to the directory: its password is kept there, configured or not.
    pub(crate) async fn is_of_ldap(
        &self,
        institution: &InstitutionId,
        actor: &ActorId,
    ) -> Result<bool, CatalogError> {
        self.bound_to_ldap(institution, actor).await.map(|bound| bound.is_some())
    }

    pub(super) async fn bound_to_ldap(
        &self,
        institution: &InstitutionId,
        actor: &ActorId,
    ) -> Result<Option<DirectoryIdentity>, CatalogError> {
        let bound = directories::of_actor(&self.inner.identity, institution, actor).await?;
        Ok(bound.filter(|bound| bound.source == Source::Ldap.as_str()))
    }

    /// Where the password of a name is tried. The name of an account that is not of the directory is never taken there, in whatever case
    /// of letters it is typed.
    pub(super) async fn way_of(&self, claim: Claim<'_>) -> Result<Way, SignInError> {
        let (identity, institution) = (&self.inner.identity, claim.institution);
        let bound = self.bound_to_ldap(institution, claim.actor).await.map_err(SignInError::Unavailable)?;
        if bound.is_some() {
            return Ok(Way::Directory(bound));
        }
        if self.inner.ldap.is_none() {
            return Ok(Way::Here);
        }
        let source = Source::Ldap.as_str();
        let others =
            directories::is_name_of_others(identity, institution, claim.actor.as_str(), source).await;
        Ok(if others.map_err(SignInError::Unavailable)? { Way::Here } else { Way::Directory(None) })
    }

    /// Signs somebody of the directory in.
    pub(super) async fn login_by_directory(
        &self,
        claim: Claim<'_>,
        bound: Option<DirectoryIdentity>,
        password: Secret<String>,
        peer: Peer,
        program: Option<&str>,
    ) -> Result<SignedIn, SignInError> {
        let ldap = self.directory_or_refuse(claim).await?;
        let (shown, is_new) = match bound {
            Some(bound) => (self.prove_account(claim, &bound, &password).await?.1, false),
            None => self.prove_name(ldap, claim, &password).await?,
        };
        let introduced = ldap.rules.introduced(&shown);
        let subject_hash = introduced.subject.digest(Source::Ldap);
        let person = self.admit(&introduced, peer).await?;
        let institution = claim.institution;
        if is_new {
            self.note_first_place(institution, &person.actor, &subject_hash, peer).await?;
        }
        let role = self.role_from_elsewhere(&person, claim.role, peer).await?;
        let new = NewSession {
            institution,
            actor: &person.actor,
            kind: ActorKind::Person,
            role,
            scopes: BTreeSet::new(),
            sign_in: SignIn::Ldap,
            code_hash: None,
            peer,
            stage: self.stage_after_password(institution, &person.actor, role).await?,
            proved: None,
            proved_by: None,
            program,
            directory: Some(DirectoryProof {
                subject_hash,
                session_hash: None,
                authenticated: self.inner.clock.now(),
            }),
            bound: Bound::default(),
            ends: None,
            demands: BTreeSet::new(),
        };
        self.open_session(new, Vec::new()).await
    }

    /// Proves that somebody knows the password of the entry to which an account belongs.
    pub(super) async fn prove_account(
        &self,
        claim: Claim<'_>,
        bound: &DirectoryIdentity,
        password: &Secret<String>,
    ) -> Result<(Person, LdapPerson), SignInError> {
        let (person, counted) = self.count_or_refuse(claim).await?;
        let ldap = self.directory_or_refuse(claim).await?;
        let subject = self.open_subject(bound).filter(|subject| subject.directory == ldap.rules.directory);
        let found = match subject {
            Some(subject) => ldap.directory.look(&[subject.subject]).await,
            None => Ok(Vec::new()),
        };
        let shown = match found {
            Ok(found) => found.into_iter().next(),
            Err(error) => return Err(self.away(claim, error, &person, &counted).await),
        };
        let Some(shown) = shown else {
            return Err(self.refuse_sign_in(claim, Fault::LeftDirectory).await);
        };
        self.try_password(ldap, claim, &shown, password, &person, &counted).await?;
        let person = self.settle(claim, person, counted).await?;
        Ok((person, shown))
    }

    /// Proves that somebody knows the password of the one entry that has a name of which no account is. Says whether there is no account
    /// yet.
    async fn prove_name(
        &self,
        ldap: &LdapSetup,
        claim: Claim<'_>,
        password: &Secret<String>,
    ) -> Result<(LdapPerson, bool), SignInError> {
        let shown = match ldap.directory.find(claim.actor.as_str()).await {
            Ok(NameFound::One(shown)) => shown,
            Ok(NameFound::Nobody) => return Err(self.refuse_sign_in(claim, Fault::UnknownAccount).await),
            Ok(NameFound::Several) => return Err(self.refuse_sign_in(claim, Fault::SeveralEntries).await),
            Err(error) => return Err(self.refuse_away(claim, error).await),
        };
        let hash = ldap.rules.subject(&shown).digest(Source::Ldap);
        let bound = directories::find(&self.inner.identity, claim.institution, &hash).await;
        if let Some(bound) = bound.map_err(SignInError::Unavailable)? {
            let claim = Claim { actor: &bound.actor, ..claim };
            let (person, counted) = self.count_or_refuse(claim).await?;
            self.try_password(ldap, claim, &shown, password, &person, &counted).await?;
            self.settle(claim, person, counted).await?;
            return Ok((shown, false));
        }
        // Nothing would come of the right password, so none is tried.
        if !ldap.rules.provision {
            return Err(self.refuse_sign_in(claim, Fault::UnboundIdentity).await);
        }
        if ldap.rules.roles_of(&shown).is_empty() {
            return Err(self.refuse_sign_in(claim, Fault::NoRole).await);
        }
        let (before, counted) = self.count_stranger(claim, &hash).await?;
        match self.tried(ldap, &shown, password).await {
            Ok(true) => Ok((shown, true)),
            Ok(false) => Err(self.refuse_sign_in(claim, Fault::WrongPassword).await),
            Err(error) => {
                let before = before.unwrap_or(Attempts { failures: 0, wait_until: counted.wait_until });
                let back = directory_attempts::replace(claim.institution, &hash, Some(counted), before);
                self.take_back(vec![back]).await?;
                Err(self.refuse_away(claim, error).await)
            }
        }
    }

    /// Tries a password, or refuses; the attempt was counted before.
    async fn try_password(
        &self,
        ldap: &LdapSetup,
        claim: Claim<'_>,
        shown: &LdapPerson,
        password: &Secret<String>,
        person: &Person,
        counted: &Counted,
    ) -> Result<(), SignInError> {
        match self.tried(ldap, shown, password).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.refuse_sign_in(claim, Fault::WrongPassword).await),
            Err(error) => Err(self.away(claim, error, person, counted).await),
        }
    }

    /// Whether the password is right. An empty one is nobody's, and a directory would say yes to it.
    async fn tried(
        &self,
        ldap: &LdapSetup,
        shown: &LdapPerson,
        password: &Secret<String>,
    ) -> Result<bool, DirectoryError> {
        if password.expose().is_empty() {
            return Ok(false);
        }
        ldap.directory.prove(shown, password).await
    }

    async fn count_or_refuse(&self, claim: Claim<'_>) -> Result<(Person, Counted), SignInError> {
        match self.count_attempt(claim).await? {
            (None, _) => Err(self.refuse_sign_in(claim, Fault::UnknownAccount).await),
            (Some(_), Err(fault)) => Err(self.refuse_sign_in(claim, fault).await),
            (Some(person), Ok(counted)) => Ok((person, counted)),
        }
    }

    /// Counts an attempt at somebody who has no account yet. The count is compared and set. Gives what was there before, and what is now.
    async fn count_stranger(
        &self,
        claim: Claim<'_>,
        hash: &[u8; 32],
    ) -> Result<(Option<Attempts>, Attempts), SignInError> {
        let (identity, institution) = (&self.inner.identity, claim.institution);
        for _ in 0..COUNTING_TRIES_MAX {
            let found = directory_attempts::find(identity, institution, hash).await;
            let before = found.map_err(SignInError::Unavailable)?;
            let now = self.inner.clock.now();
            let strangers = match before {
                Some(Attempts { failures, wait_until }) => Strangers { failures, wait_until },
                None => Strangers { failures: 0, wait_until: now },
            };
            let Ok(Strangers { failures, wait_until }) = attempts::judge_strange(strangers, now) else {
                break;
            };
            let counted = Attempts { failures, wait_until };
            let count = directory_attempts::replace(institution, hash, before, counted);
            match identity.execute(vec![count]).await {
                Ok(_) => return Ok((before, counted)),
                // Somebody else was counted in between: look again.
                Err(CatalogError::UnexpectedRows { .. } | CatalogError::Constraint(_)) => {}
                Err(error) => return Err(SignInError::Unavailable(error)),
            }
        }
        Err(self.refuse_sign_in(claim, Fault::HeldBack).await)
    }

    /// The directory, or why there is none: an account of it does not become one of this house when its section is taken away.
    async fn directory_or_refuse(&self, claim: Claim<'_>) -> Result<&LdapSetup, SignInError> {
        match &self.inner.ldap {
            Some(ldap) => Ok(ldap),
            None => {
                let error = DirectoryError::Away("none is configured (identity.ldap)".into());
                Err(self.refuse_away(claim, error).await)
            }
        }
    }

    /// An attempt that the directory did not answer: it is counted no more.
    async fn away(
        &self,
        claim: Claim<'_>,
        error: DirectoryError,
        person: &Person,
        counted: &Counted,
    ) -> SignInError {
        let (institution, actor) = (claim.institution, claim.actor);
        let back = attempts::taken_back(counted.place);
        let mut changes = vec![places::replace(institution, actor, &counted.place, &back)];
        if let Some(Strangers { failures, wait_until }) = counted.strangers {
            let now =
                Person { strange_failures: failures, strangers_wait_until: wait_until, ..person.clone() };
            let (failures, wait_until) = (person.strange_failures, person.strangers_wait_until);
            changes.push(people::hold_back(institution, &now, failures, wait_until));
        }
        match self.take_back(changes).await {
            Ok(()) => self.refuse_away(claim, error).await,
            Err(error) => error,
        }
    }

    async fn take_back(&self, changes: Vec<yingdun_catalog::Statement>) -> Result<(), SignInError> {
        match self.inner.identity.execute(changes).await {
            // Somebody else was counted in between, and this attempt with them.
            Ok(_) | Err(CatalogError::UnexpectedRows { .. }) => Ok(()),
            Err(error) => Err(SignInError::Unavailable(error)),
        }
    }

    /// Writes down that somebody could not be signed in, as the directory does not answer, and says so.
    async fn refuse_away(&self, claim: Claim<'_>, error: DirectoryError) -> SignInError {
        if let DirectoryError::Busy = error {
            return SignInError::Busy;
        }
        match self.refuse_sign_in(claim, Fault::DirectoryAway).await {
            SignInError::Refused => SignInError::DirectoryUnavailable(error.to_string()),
            other => other,
        }
    }

    /// Somebody has an account since a moment ago: the failures before it are over, and the place is one where its owner signed in.
    async fn note_first_place(
        &self,
        institution: &InstitutionId,
        actor: &ActorId,
        hash: &[u8; 32],
        peer: Peer,
    ) -> Result<(), SignInError> {
        let digest = attempts::place_of(institution, actor, network_of(peer.address));
        let known = attempts::proved(digest, self.inner.clock.now());
        let changes =
            vec![directory_attempts::forget(institution, hash), places::insert(institution, actor, &known)];
        match self.inner.identity.execute(changes).await {
            // Whoever signed in twice at the same time is known already.
            Ok(_) | Err(CatalogError::Constraint(_)) => Ok(()),
            Err(error) => Err(SignInError::Unavailable(error)),
        }
    }
}
