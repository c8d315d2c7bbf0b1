//! Name and password.

use super::bearer::NewSession;
use super::{Claim, Fault, SignInError, SignedIn};
use crate::access::Access;
use crate::session::{Peer, SignIn};
use std::collections::BTreeSet;
use std::time::Duration;
use yingdun_catalog::identity::people::{self, Person};
use yingdun_model::{ActorId, ActorKind, InstitutionId, Role, Secret};

/// How many failures in a row lock an account.
const FAILURES_MAX: u32 = 5;
/// For how long. Short enough that locking out a colleague on purpose is a nuisance and no weapon.
const LOCK: Duration = Duration::from_secs(15 * 60);

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
}

impl Access {
    /// Signs a person in with name and password and activates one role.
    ///
    /// Unknown names, wrong passwords, locked and disabled accounts take the same work and give the same answer.
    /// After five failures in a row an account is locked for 15 minutes; attempts are counted before the password
    /// is tried, so that many at once are not more than five either.
    ///
    /// # Errors
    /// [`SignInError`]; [`SignInError::ChooseRole`] only to somebody who knows the password.
    pub async fn login(&self, login: Login) -> Result<SignedIn, SignInError> {
        let Login { institution, actor, password, role, peer } = login;
        let claim = Claim {
            institution: &institution,
            actor: &actor,
            kind: ActorKind::Person,
            role,
            address: peer.address,
        };
        let person = self.prove(claim, password).await?;
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
        };
        self.open_session(new, Vec::new()).await
    }

    /// Proves that somebody knows the password of an account, or refuses.
    async fn prove(&self, claim: Claim<'_>, password: Secret<String>) -> Result<Person, SignInError> {
        let identity = &self.inner.identity;
        let now = self.inner.clock.now();
        let attempt =
            people::count_attempt(claim.institution, claim.actor, FAILURES_MAX, now.after(LOCK), now);
        let counted = identity.execute(vec![attempt]).await.map_err(SignInError::Unavailable)?;
        let may_try = counted.first().is_some_and(|rows| *rows == 1);
        let person = people::find(identity, claim.institution, claim.actor).await;
        let person = person.map_err(SignInError::Unavailable)?;

        let phc = person.as_ref().filter(|_| may_try).and_then(|person| person.password_hash.clone());
        let right = self.inner.passwords.verify(password, phc).await?;
        let fault = match &person {
            None => Some(Fault::UnknownAccount),
            Some(_) if !may_try => Some(Fault::LockedOut),
            Some(_) if !right => Some(Fault::WrongPassword),
            Some(person) if person.disabled => Some(Fault::AccountDisabled),
            Some(_) => None,
        };
        match (person, fault) {
            (Some(person), None) => {
                let forget = people::forget_attempts(claim.institution, claim.actor);
                identity.execute(vec![forget]).await.map_err(SignInError::Unavailable)?;
                Ok(person)
            }
            (_, fault) => Err(self.refuse_sign_in(claim, fault.unwrap_or(Fault::UnknownAccount)).await),
        }
    }
}
