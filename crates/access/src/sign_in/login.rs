//! Name and password.

use super::attempts::{self, Counted, Strangers};
use super::bearer::NewSession;
use super::ldap::Way;
use super::{Claim, Fault, SignInError, SignedIn, Stage};
use crate::access::Access;
use crate::flood::network_of;
use crate::session::{Peer, SignIn};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::people::{self, Person};
use yingdun_catalog::identity::places;
use yingdun_catalog::identity::sessions::Bound;
use yingdun_model::{ActorId, ActorKind, InstitutionId, Role, Secret};

/// How often an attempt that met another one at the same account is counted again: at most
/// five attempts get through one after the other before a stop or a wait settles the rest.
pub(super) const COUNTING_TRIES_MAX: usize = 8;

/// How long a refusal takes at least where people of a directory sign in: longer than such a directory takes to say no.
const REFUSAL_TIME: Duration = Duration::from_millis(500);

/// Places that are remembered per account: of one person, all desks, wards and homes; of strangers, the newest.
const PLACES_MAX: u32 = 32;

/// A person who wants to sign in.
#[derive(Debug)]
pub struct Login {
    /// Where the account is.
    pub institution: InstitutionId,
    /// The login name.
    pub actor: ActorId,
    /// The password.
    pub password: Secret<String>,
    /// The role to activate; may be left out by a person who holds exactly one.
    pub role: Option<Role>,
    /// The other end of the connection.
    pub peer: Peer,
    /// The program, as it calls itself.
    pub program: Option<String>,
}

impl Access {
    /// Signs a person in with name and password and activates one role. Of people of a directory, the directory tries the password
    /// (`sign_in::ldap`); a name belongs to one of both, and neither is asked for the other.
    ///
    /// Unknown names, wrong passwords, refused and disabled accounts take the same work and give the same answer.
    /// How failures are counted, and what they lead to, is told in `attempts`. Where the account has a second factor, or the role
    /// demands one, the session is not whole yet ([`Session::stage`](crate::Session::stage)).
    ///
    /// # Errors
    /// [`SignInError`]; [`SignInError::ChooseRole`] and [`SignInError::NameTaken`] only to somebody who knows the password.
    pub async fn login(&self, login: Login) -> Result<SignedIn, SignInError> {
        let began = Instant::now();
        let signed_in = self.login_now(login).await;
        // A directory takes another time than this house: with one, every refusal takes as long.
        if self.inner.ldap.is_some() && matches!(signed_in, Err(SignInError::Refused)) {
            tokio::time::sleep(REFUSAL_TIME.saturating_sub(began.elapsed())).await;
        }
        signed_in
    }

    async fn login_now(&self, login: Login) -> Result<SignedIn, SignInError> {
        let Login { institution, actor, password, role, peer, program } = login;
        let claim = Claim {
            institution: &institution,
            actor: &actor,
            kind: ActorKind::Person,
            role,
            address: peer.address,
        };
        if let Way::Directory(bound) = self.way_of(claim).await? {
            return self.login_by_directory(claim, bound, password, peer, program.as_deref()).await;
        }
        let person = self.prove_here(claim, password).await?;
        let role = match (role, person.roles.as_slice()) {
            (_, []) => return Err(self.refuse_sign_in(claim, Fault::NoRole).await),
            (None, [only]) => *only,
            (Some(role), held) if held.contains(&role) => role,
            (Some(_), held) => {
                let held = held.to_vec();
                return match self.refuse_sign_in(claim, Fault::NoSuchRole).await {
                    SignInError::Refused => Err(SignInError::ChooseRole { held }),
                    other => Err(other),
                };
            }
            (None, held) => return Err(SignInError::ChooseRole { held: held.to_vec() }),
        };
        let new = NewSession {
            institution: &institution,
            actor: &actor,
            kind: ActorKind::Person,
            role,
            scopes: BTreeSet::new(),
            sign_in: SignIn::Password,
            code_hash: None,
            peer,
            stage: self.stage_after_password(&institution, &actor, role).await?,
            proved: None,
            proved_by: None,
            program: program.as_deref(),
            directory: None,
            bound: Bound::default(),
            ends: None,
            demands: BTreeSet::new(),
        };
        self.open_session(new, Vec::new()).await
    }

    /// Proves that somebody knows the password of an account, here or in the directory to which it belongs, or refuses.
    pub(crate) async fn prove(
        &self,
        claim: Claim<'_>,
        password: Secret<String>,
    ) -> Result<Person, SignInError> {
        match self.bound_to_ldap(claim.institution, claim.actor).await.map_err(SignInError::Unavailable)? {
            Some(bound) => self.prove_account(claim, &bound, &password).await.map(|(person, _)| person),
            None => self.prove_here(claim, password).await,
        }
    }

    async fn prove_here(&self, claim: Claim<'_>, password: Secret<String>) -> Result<Person, SignInError> {
        let queued = self.inner.passwords.queue()?;
        let (person, counted) = self.count_attempt(claim).await?;
        let phc = person.as_ref().filter(|_| counted.is_ok()).and_then(|person| person.password_hash.clone());
        let right = self.inner.passwords.verify(queued, password, phc).await?;
        let (person, counted) = match (person, counted) {
            (None, _) => return Err(self.refuse_sign_in(claim, Fault::UnknownAccount).await),
            (Some(_), Err(fault)) => return Err(self.refuse_sign_in(claim, fault).await),
            (Some(person), Ok(counted)) => (person, counted),
        };
        if !right {
            return Err(self.refuse_sign_in(claim, Fault::WrongPassword).await);
        }
        self.settle(claim, person, counted).await
    }

    /// What follows from a right password: whoever is disabled stays out, and failures are forgotten.
    pub(super) async fn settle(
        &self,
        claim: Claim<'_>,
        person: Person,
        counted: Counted,
    ) -> Result<Person, SignInError> {
        if person.disabled {
            return Err(self.refuse_sign_in(claim, Fault::AccountDisabled).await);
        }
        if self.has_second_factor(claim.institution, claim.actor).await? {
            // Half a proof forgets no failure: who knows the password would guess codes without end.
            let taken_back = attempts::taken_back(counted.place);
            let replace = places::replace(claim.institution, claim.actor, &counted.place, &taken_back);
            return match self.inner.identity.execute(vec![replace]).await {
                // Somebody else was counted in between, and this attempt with them.
                Ok(_) | Err(CatalogError::UnexpectedRows { .. }) => Ok(person),
                Err(error) => Err(SignInError::Unavailable(error)),
            };
        }
        let now = self.inner.clock.now();
        let mut forget = vec![places::succeed(claim.institution, claim.actor, &counted.place.digest, now)];
        if counted.strangers.is_some() {
            forget.push(people::forget_strangers(claim.institution, claim.actor));
        }
        self.inner.identity.execute(forget).await.map_err(SignInError::Unavailable)?;
        Ok(person)
    }

    /// What a session is worth that was opened without a second factor.
    pub(crate) async fn stage_after_password(
        &self,
        institution: &InstitutionId,
        actor: &ActorId,
        role: Role,
    ) -> Result<Stage, SignInError> {
        if self.has_second_factor(institution, actor).await? {
            return Ok(Stage::Prove);
        }
        let demanded = self.inner.rules.demands_second_factor(role);
        Ok(if demanded { Stage::Enrol } else { Stage::Whole })
    }

    /// Whether an account has a passkey, or an app whose first code has come.
    pub(crate) async fn has_second_factor(
        &self,
        institution: &InstitutionId,
        actor: &ActorId,
    ) -> Result<bool, SignInError> {
        Ok(self.held_factors(institution, actor).await?.any())
    }

    /// Counts an attempt of somebody whose account is not disabled, or refuses.
    pub(crate) async fn counted(&self, claim: Claim<'_>) -> Result<Counted, SignInError> {
        match self.count_attempt(claim).await? {
            (None, _) => Err(self.refuse_sign_in(claim, Fault::UnknownAccount).await),
            (Some(_), Err(fault)) => Err(self.refuse_sign_in(claim, fault).await),
            (Some(person), Ok(_)) if person.disabled => {
                Err(self.refuse_sign_in(claim, Fault::AccountDisabled).await)
            }
            (Some(_), Ok(counted)) => Ok(counted),
        }
    }

    /// Counts an attempt before the password is tried. The count is compared and set, so that attempts made at the
    /// same time are counted like attempts in a row.
    pub(super) async fn count_attempt(
        &self,
        claim: Claim<'_>,
    ) -> Result<(Option<Person>, Result<Counted, Fault>), SignInError> {
        let (identity, institution, actor) = (&self.inner.identity, claim.institution, claim.actor);
        let digest = attempts::place_of(institution, actor, network_of(claim.address));
        let mut person = None;
        for _ in 0..COUNTING_TRIES_MAX {
            let found = people::find(identity, institution, actor).await;
            let place = places::find(identity, institution, actor, &digest).await;
            let place = place.map_err(SignInError::Unavailable)?;
            person = found.map_err(SignInError::Unavailable)?;
            let Some(person) = &person else { break };
            let strangers =
                Strangers { failures: person.strange_failures, wait_until: person.strangers_wait_until };
            let counted = match attempts::judge(digest, place.as_ref(), strangers, self.inner.clock.now()) {
                Ok(counted) => counted,
                Err(fault) => return Ok((Some(person.clone()), Err(fault))),
            };
            let mut changes = Vec::with_capacity(3);
            if let Some(Strangers { failures, wait_until }) = counted.strangers {
                changes.push(people::hold_back(institution, person, failures, wait_until));
            }
            match &place {
                Some(old) => changes.push(places::replace(institution, actor, old, &counted.place)),
                None => changes.extend([
                    places::insert(institution, actor, &counted.place),
                    places::keep(institution, actor, PLACES_MAX),
                ]),
            }
            match identity.execute(changes).await {
                Ok(_) => return Ok((Some(person.clone()), Ok(counted))),
                // Somebody else was counted in between: look again.
                Err(CatalogError::UnexpectedRows { .. } | CatalogError::Constraint(_)) => {}
                Err(error) => return Err(SignInError::Unavailable(error)),
            }
        }
        Ok((person, Err(Fault::HeldBack)))
    }
}
