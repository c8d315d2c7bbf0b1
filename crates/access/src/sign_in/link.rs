//! One-time links: an invitation sets a password, a login link opens a session.

use super::bearer::NewSession;
use super::token::hash_of;
use super::{Claim, Fault, SignInError, SignedIn};
use crate::access::Access;
use crate::ledger;
use crate::password;
use crate::session::{Peer, SignIn};
use std::collections::BTreeSet;
use yingdun_audit::complete::Act;
use yingdun_audit::{EventKind, Outcome};
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::links::{self, Link, LinkPurpose};
use yingdun_catalog::identity::{people, second_factors, sessions};
use yingdun_model::{ActorId, ActorKind, Role, Secret};

impl Access {
    /// Sets the password of the person for whom an invitation was made, and ends every older session of that
    /// person. The invitation is spent.
    ///
    /// # Errors
    /// [`SignInError::PasswordLength`] before anything is spent; [`SignInError::Refused`] when the invitation is
    /// unknown, spent or expired.
    pub async fn accept_invitation(
        &self,
        token: &str,
        password: Secret<String>,
        peer: Peer,
    ) -> Result<ActorId, SignInError> {
        if !password::acceptable(&password) {
            return Err(SignInError::PasswordLength);
        }
        let link = self.usable_link(token, LinkPurpose::Invitation, peer).await?;
        let phc = self.inner.passwords.hash(password).await?;
        let event = ledger::of_claim(
            EventKind::Authentication,
            Outcome::Permitted,
            &link.institution,
            &link.actor,
            ActorKind::Person,
            None,
            ledger::word("invitation-accepted"),
        );
        let begun = self.inner.tally.begin();
        self.inner.log.append_one(event).await.map_err(SignInError::AuditUnavailable)?;
        let now = self.inner.clock.now();
        let mut changes = vec![
            links::spend(&link.token_hash, now),
            people::set_password(&link.institution, &link.actor, &phc),
            second_factors::forget_begun(&link.institution, &link.actor),
            sessions::revoke_actor(&link.institution, &link.actor, ActorKind::Person, now),
        ];
        changes.extend(self.begin_counts_anew(&link.institution, &link.actor, peer.address, now).await?);
        self.spend(self.inner.identity.execute(changes).await, &link, peer).await?;
        begun.done(Act::SignIn);
        Ok(link.actor)
    }

    /// Opens a session with a login link. The link is spent. It is worth a password: a second factor is asked for behind it.
    ///
    /// # Errors
    /// [`SignInError::Refused`] when the link is unknown, spent or expired, or when the account is disabled or no
    /// longer holds the role.
    pub async fn redeem_login_link(&self, token: &str, peer: Peer) -> Result<SignedIn, SignInError> {
        let link = self.usable_link(token, LinkPurpose::Login, peer).await?;
        let person = people::find(&self.inner.identity, &link.institution, &link.actor).await;
        let person = person.map_err(SignInError::Unavailable)?;
        let held = |role: &Role| person.as_ref().is_some_and(|person| person.roles.contains(role));
        let Some(role) = link.role.filter(held) else {
            return Err(self.refuse_sign_in(claim(&link, peer), Fault::NoSuchRole).await);
        };
        if person.is_some_and(|person| person.disabled) {
            return Err(self.refuse_sign_in(claim(&link, peer), Fault::AccountDisabled).await);
        }
        let new = NewSession {
            institution: &link.institution,
            actor: &link.actor,
            kind: ActorKind::Person,
            role,
            scopes: BTreeSet::new(),
            sign_in: SignIn::LoginLink,
            code_hash: None,
            peer,
            stage: self.stage_after_password(&link.institution, &link.actor, role).await?,
            proved: None,
            program: None,
            directory: None,
        };
        let spend = links::spend(&link.token_hash, self.inner.clock.now());
        match self.open_session(new, vec![spend]).await {
            Err(SignInError::Unavailable(error)) => {
                self.spend(Err(error), &link, peer).await?;
                Err(SignInError::Refused)
            }
            other => other,
        }
    }

    async fn usable_link(&self, token: &str, purpose: LinkPurpose, peer: Peer) -> Result<Link, SignInError> {
        let Some(hash) = hash_of(token) else {
            return Err(self.refuse_unknown(peer, Fault::UnknownLink).await);
        };
        let link = links::find(&self.inner.identity, &hash).await.map_err(SignInError::Unavailable)?;
        let Some(link) = link.filter(|link| link.purpose == purpose) else {
            return Err(self.refuse_unknown(peer, Fault::UnknownLink).await);
        };
        let fault = match link.used {
            Some(_) => Some(Fault::UsedLink),
            None if link.expires <= self.inner.clock.now() => Some(Fault::ExpiredLink),
            None => None,
        };
        match fault {
            Some(fault) => Err(self.refuse_sign_in(claim(&link, peer), fault).await),
            None => Ok(link),
        }
    }

    /// Reads the outcome of spending a link: whoever comes second is refused as if the link had been used before.
    async fn spend(
        &self,
        outcome: Result<Vec<u64>, CatalogError>,
        link: &Link,
        peer: Peer,
    ) -> Result<(), SignInError> {
        match outcome {
            Ok(_) => Ok(()),
            Err(CatalogError::UnexpectedRows { statement: 0, .. }) => {
                Err(self.refuse_sign_in(claim(link, peer), Fault::UsedLink).await)
            }
            Err(error) => Err(SignInError::Unavailable(error)),
        }
    }
}

fn claim(link: &Link, peer: Peer) -> Claim<'_> {
    Claim {
        institution: &link.institution,
        actor: &link.actor,
        kind: ActorKind::Person,
        role: link.role,
        address: peer.address,
    }
}
