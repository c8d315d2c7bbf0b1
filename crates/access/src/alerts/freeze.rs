//! Freezing: who looks at an alert stops everything of its person at once, and another office lifts it.
//!
//! What the monitor stops by itself ends by itself, and lets emergencies go on, as a count may be wrong. A freeze is what a person does who has
//! seen enough to take an account for stolen or misused: no session of it goes on, none begins, and the glass is not broken with it.

use super::{AlertError, LASTING};
use crate::access::Access;
use crate::grants::draw_number;
use crate::session::Session;
use serde_json::json;
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::alerts::{self, AlertRow};
use yingdun_catalog::identity::{people, sessions};
use yingdun_model::{Action, ActorId, ActorKind, InstitutionId, Role, Stop};

/// Characters in which somebody says why.
pub(super) const WORDS_MAX: usize = 500;
/// The kind of the row of a freeze.
const KIND: &str = "account-frozen";
/// What the row proposes: it is done.
const STEP: &str = "freeze-account";

impl Access {
    /// Freezes the person of an alert: every session ends at once, on every node and in open streams, and no other begins, until somebody
    /// whose office that is [lifts](Access::lift_stop) it. The alert counts as looked at. Gives the row of the freeze.
    ///
    /// # Errors
    /// [`AlertError`]; [`AlertError::SamePerson`] for the own account, [`AlertError::LastLifter`] where nobody would be left who lifts it.
    pub async fn freeze(&self, session: &Session, number: u64, words: &str) -> Result<AlertRow, AlertError> {
        let words = words.trim();
        if words.is_empty() || words.chars().count() > WORDS_MAX {
            return Err(AlertError::Words);
        }
        let (intent, detail, alert) =
            self.intend_alert(session, Action::ReviewAlerts, STEP, number, Some(words)).await?;
        let (institution, now) = (session.institution(), self.inner.clock.now());
        if let Some(error) = self.why_not(institution, &alert).await? {
            self.alert_not_done(&intent, &detail).await?;
            return Err(error);
        }
        let frozen = AlertRow {
            number: draw_number(),
            kind: KIND.to_owned(),
            step: STEP.to_owned(),
            measure: None,
            counted: 0,
            at_most: 0,
            within_minutes: 0,
            at: now,
            explained: Some(json!({ "alert": alert.number }).to_string()),
            stops: Some(Stop::Account),
            stops_until: Some(LASTING),
            lifted: None,
            acknowledged: None,
            verdict: None,
            ..alert.clone()
        };
        let mut changes = vec![
            alerts::insert(institution, &frozen),
            // Who froze has looked: it waits for nobody.
            alerts::acknowledge(institution, frozen.number, now, session.actor(), None),
            sessions::revoke_actor(institution, &alert.actor, ActorKind::Person, now),
        ];
        if alert.acknowledged.is_none() && alert.verdict.is_none() {
            changes.push(alerts::acknowledge(institution, number, now, session.actor(), None));
        }
        let identity = &self.inner.identity;
        let mut outcome = identity.execute(changes).await;
        // Two who freeze the last two of them in one moment each see the other one: looked at again, both let go.
        let is_last = outcome.is_ok() && !self.somebody_lifts(institution, &alert.actor).await?;
        if is_last {
            let undo = alerts::lift_one(institution, frozen.number, now, session.actor());
            outcome = identity.execute(vec![undo]).await;
            outcome = outcome.and(Err(CatalogError::Constraint("nobody would lift it".into())));
        }
        if outcome.is_ok() {
            // Once more: a session that was being opened saw no freeze, and the first statement did not see it.
            let revoke = sessions::revoke_actor(institution, &alert.actor, ActorKind::Person, now);
            outcome = identity.execute(vec![revoke]).await;
            self.inner.stops.bell().ring();
        }
        let carried_out = self.carry_out_alert(intent, detail, outcome).await;
        if is_last {
            return Err(AlertError::LastLifter);
        }
        carried_out?;
        tracing::warn!(alert = frozen.number, "an account was frozen");
        alerts::find(identity, institution, frozen.number).await?.ok_or(AlertError::NotFound)
    }

    /// Whether somebody froze this person, and nobody lifted it.
    pub(crate) async fn is_frozen(
        &self,
        institution: &InstitutionId,
        actor: &ActorId,
    ) -> Result<bool, CatalogError> {
        let stops = alerts::stops(institution, actor, ActorKind::Person, self.inner.clock.now());
        Ok(stops.alone(&self.inner.identity).await? == Some(Stop::Account))
    }

    async fn why_not(
        &self,
        institution: &InstitutionId,
        alert: &AlertRow,
    ) -> Result<Option<AlertError>, CatalogError> {
        if alert.actor_kind != ActorKind::Person {
            return Ok(Some(AlertError::NotAPerson));
        }
        if self.is_frozen(institution, &alert.actor).await? {
            return Ok(Some(AlertError::Frozen));
        }
        let lifts = self.somebody_lifts(institution, &alert.actor).await?;
        Ok((!lifts).then_some(AlertError::LastLifter))
    }

    /// Whether somebody else has the office that lifts, and can use it.
    async fn somebody_lifts(
        &self,
        institution: &InstitutionId,
        frozen: &ActorId,
    ) -> Result<bool, CatalogError> {
        for person in people::list(&self.inner.identity, institution).await? {
            let lifts = person.roles.contains(&Role::SecurityAdministrator) && !person.disabled;
            if lifts && person.actor != *frozen && !self.is_frozen(institution, &person.actor).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
