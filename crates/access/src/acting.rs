//! What the identity database says of who acts, at the moment of a decision: standing, grants, stops, maintenance session. Asked at once, because
//! a trip to the database takes longer than what it finds there.
//!
//! Nothing of it is remembered: each decision reads the rows of its moment, so that what was taken from somebody is gone with the next one.

use crate::access::{Access, Refusal, Standing};
use crate::decision::Resource;
use crate::grants::HeldGrants;
use crate::maintenance::OpenMaintenance;
use crate::reason::Reason;
use crate::session::{Proof, Session};
use crate::watch::{Who, may_be_stopped};
use yingdun_catalog::identity::grants::OpenGrant;
use yingdun_catalog::identity::{alerts, grants, maintenance, sessions};
use yingdun_catalog::{LookUp, Together};
use yingdun_model::{Action, ActorKind, Role, Stop, Timestamp};

/// Who acts, and what rests on that account for one action.
pub(crate) struct Acting {
    pub(crate) standing: Standing,
    pub(crate) grants: HeldGrants,
    pub(crate) stop: Option<Stop>,
    pub(crate) maintenance: Option<OpenMaintenance>,
}

impl Access {
    /// The acting account as it stands now, with what an action on some resources asks of it; or why its session has no standing any more.
    pub(crate) async fn acting(
        &self,
        session: &Session,
        action: Action,
        resources: &[Resource],
        now: Timestamp,
    ) -> Result<Result<Acting, Reason>, Refusal> {
        if session.expires() <= now {
            return Ok(Err(Reason::SessionEnded));
        }
        let (institution, actor, kind) = (session.institution(), session.actor(), session.actor_kind());
        let is_person = kind == ActorKind::Person;
        // Of a person always: whose account is frozen does nothing at all.
        let asks_stops = is_person || (may_be_stopped(action) && kind != ActorKind::System);
        let asks_grants = is_person && matches!(action, Action::List | Action::View | Action::Export);
        // Before the rows: what is being written down is seen here or there.
        let pending = if asks_stops { self.inner.stops.pending_for(&Who::of(session), now) } else { None };

        let mut asked = Together::default();
        let stands = match session.proof() {
            Proof::Token(token_hash) => Some(asked.ask(sessions::stands(token_hash))),
            Proof::System | Proof::Device { .. } => None,
        };
        let held = asks_grants.then(|| grants_for(session, resources, now)).flatten();
        let held = held.map(|held| asked.ask(held));
        let stops = asks_stops.then(|| asked.ask(alerts::stops(institution, actor, kind, now)));
        let sessions = (is_person && session.role() == Role::Vendor)
            .then(|| asked.ask(maintenance::open_of(institution, actor, now)));
        let answers = asked.answers(&self.inner.identity).await.map_err(Refusal::FactsUnavailable)?;

        let found = match stands {
            Some(stands) => {
                let found = answers.read(stands).map_err(Refusal::FactsUnavailable)?;
                self.standing_by_row(session, found, now)
            }
            None => self.standing(session, now).await?,
        };
        let standing = match found {
            Ok(standing) => standing,
            Err(reason) => return Ok(Err(reason)),
        };
        let held = answers.read_asked(held).map_err(Refusal::FactsUnavailable)?;
        let stops = answers.read_asked(stops).map_err(Refusal::FactsUnavailable)?;
        let sessions = answers.read_asked(sessions).map_err(Refusal::FactsUnavailable)?;
        if stops == Some(Stop::Account) {
            // Freezing ends the sessions that there are; one that began in the same moment has no standing either.
            return Ok(Err(Reason::SessionEnded));
        }
        Ok(Ok(Acting {
            standing,
            grants: self.living_grants(held, now),
            stop: pending.max(stops),
            maintenance: self.open_maintenance_of(sessions, action, now),
        }))
    }
}

/// The grants that a decision about these resources compares: of one study those that cover it, of many all that the person has. None where no
/// study is asked about.
fn grants_for(session: &Session, resources: &[Resource], now: Timestamp) -> Option<LookUp<Vec<OpenGrant>>> {
    let (institution, actor) = (session.institution(), session.actor());
    let mut studies = resources.iter().filter_map(Resource::study);
    let first = studies.next()?;
    Some(match studies.next() {
        None => grants::covering(institution, actor, first.study, first.patient, now),
        Some(_) => grants::open_of(institution, actor, now),
    })
}
