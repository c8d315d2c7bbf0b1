//! What somebody is told about the own session and account, so that a console draws what can work and nothing else.

use crate::access::{Access, Refusal, Standing};
use crate::acting::Acting;
use crate::decision::{Circumstances, offered};
use crate::session::Session;
use std::sync::atomic::Ordering;
use yingdun_catalog::catalogue::departments::Membership;
use yingdun_catalog::identity::people;
use yingdun_model::{Action, ActorKind, Role, Timestamp};

/// The own account as it stands now.
#[derive(Clone, Debug)]
pub struct OwnAccount {
    /// Every role that was given to the person; one of them is active in the session. Of others than people the active one.
    pub roles: Vec<Role>,
    /// What the session may ask for: each action that the policies in force permit on something. None while the sign-in is not finished.
    pub actions: Vec<Action>,
    /// To which departments and devices the person belongs now.
    pub units: Vec<Membership>,
    /// Whether names and identifiers are masked for the active role.
    pub is_masked: bool,
    /// When the session ends if it is used no more. What is used now is noted every half minute. None of others than people.
    pub idle_until: Option<Timestamp>,
}

impl Access {
    /// The own account, also for a session whose sign-in is not finished.
    ///
    /// # Errors
    /// [`Refusal::FactsUnavailable`] when a database does not answer.
    pub async fn own_account(&self, session: &Session) -> Result<OwnAccount, Refusal> {
        let now = self.inner.clock.now();
        let (institution, actor) = (session.institution(), session.actor());
        let is_person = session.actor_kind() == ActorKind::Person;
        let person = match is_person {
            true => people::find(&self.inner.identity, institution, actor).await,
            false => Ok(None),
        };
        let person = person.map_err(Refusal::FactsUnavailable)?;
        let units = match is_person {
            true => self.memberships_of(institution, actor, now).await?.memberships,
            false => Vec::new(),
        };
        let rest = self.inner.rules.idle.limit(session.role(), session.peer().address);
        let last_used = Timestamp::from_ms(session.last_used().load(Ordering::Relaxed));
        Ok(OwnAccount {
            roles: person.map_or_else(|| vec![session.role()], |person| person.roles),
            actions: self.offered_to(session, now).await?,
            units: units.into_iter().filter(|unit| unit.valid_from <= now).collect(),
            is_masked: self.is_masked(session.role()),
            idle_until: is_person.then(|| last_used.after(rest).min(session.expires())),
        })
    }

    /// What the policies in force permit to a session on something. Nothing is decided about anything that there is.
    ///
    /// # Errors
    /// [`Refusal::FactsUnavailable`] when a database does not answer.
    pub async fn actions(&self, session: &Session) -> Result<Vec<Action>, Refusal> {
        self.offered_to(session, self.inner.clock.now()).await
    }

    async fn offered_to(&self, session: &Session, now: Timestamp) -> Result<Vec<Action>, Refusal> {
        // Of all that is open to a vendor, the session counts that opens the health.
        let Ok(acting) = self.acting(session, Action::ReadHealth, &[], now).await? else {
            return Ok(Vec::new());
        };
        let Acting { standing: Standing { principal, strong, .. }, maintenance, .. } = acting;
        let peer = session.peer();
        let when = Circumstances {
            now,
            purpose: session.purpose(),
            tls: peer.tls,
            address: peer.address.to_canonical(),
            strong,
            step_up: self.inner.rules.step_up,
            departments: false,
            masked: self.is_masked(session.role()),
            maintenance: maintenance.map(|session| session.interval),
            consents: self.inner.consents,
        };
        let engine = self.inner.policies.now();
        Ok(offered(&engine, &principal, &when))
    }
}
