//! Which rows a search may walk at all: the policies' view of lists, as one condition for SQL.
//!
//! This is a coarse sieve that never hides what a policy would show; each row it lets through is decided
//! again under `list` before it leaves. A test holds the two together.

use crate::access::{Access, Refusal};
use crate::departments::{DepartmentFacts, depends_on_departments};
use crate::grants::HeldGrants;
use crate::session::Session;
use yingdun_catalog::catalogue::Visibility;
use yingdun_model::{Action, ActorId, ActorKind, Role, Stop, Timestamp};

impl Access {
    /// The studies that the session may come to see, for the search in the catalogue of its institution. Decide
    /// every row that it yields with [`Access::decide_many`].
    ///
    /// # Errors
    /// [`Refusal::FactsUnavailable`] when the grants cannot be read.
    pub async fn visibility(&self, session: &Session) -> Result<Visibility, Refusal> {
        let now = self.inner.clock.now();
        let (institution, actor) = (session.institution(), session.actor());
        let departments = if depends_on_departments(session.role()) {
            self.memberships_of(institution, actor, now).await?
        } else {
            DepartmentFacts::default()
        };
        let day_start = self.day_start(now);
        let plain = sieve(session.actor_kind(), session.role(), actor, &departments, now, day_start);
        if session.actor_kind() != ActorKind::Person || matches!(plain, Visibility::Nothing) {
            return Ok(plain);
        }
        let grants = self.held_grants_of(session.institution(), session.actor(), now).await;
        let grants = grants.map_err(Refusal::FactsUnavailable)?;
        if self.stop_of(session, Action::List, now).await? >= Some(Stop::Session) {
            return Ok(only_broken_glass(&grants, now));
        }
        Ok(with_grants(plain, &grants, now))
    }
}

/// The sieve with what was granted beside it. Who sees the institution needs no grant to find something.
pub(crate) fn with_grants(plain: Visibility, grants: &HeldGrants, now: Timestamp) -> Visibility {
    let (patients, studies) = grants.open_at(now);
    match plain {
        // Nothing but what was granted.
        Visibility::Granted { beside, .. } if patients.is_empty() && studies.is_empty() => *beside,
        Visibility::Granted { beside, .. } => Visibility::Granted { beside, patients, studies },
        Visibility::CareRelation { .. } | Visibility::ReceivedSince(_) | Visibility::OfUnits { .. }
            if !patients.is_empty() || !studies.is_empty() =>
        {
            Visibility::Granted { beside: Box::new(plain), patients, studies }
        }
        other => other,
    }
}

/// What is left to somebody for whom everything is stopped: the patients for whom the glass is broken. Nothing else is walked, as nothing
/// else would be listed.
fn only_broken_glass(grants: &HeldGrants, now: Timestamp) -> Visibility {
    let patients = grants.broken_at(now);
    if patients.is_empty() {
        return Visibility::Nothing;
    }
    Visibility::Granted { beside: Box::new(Visibility::Nothing), patients, studies: Vec::new() }
}

/// The sieve as a pure function.
pub(crate) fn sieve(
    kind: ActorKind,
    role: Role,
    actor: &ActorId,
    departments: &DepartmentFacts,
    now: Timestamp,
    day_start: Timestamp,
) -> Visibility {
    match (kind, role) {
        (ActorKind::Person, Role::Radiologist | Role::Chief)
        | (ActorKind::Service, Role::Service)
        | (ActorKind::Device, Role::Device) => Visibility::Institution,
        (ActorKind::Person, Role::Clinician) => Visibility::CareRelation { actor: actor.clone(), at: now },
        (ActorKind::Person, Role::Specialist | Role::Researcher) => {
            Visibility::OfUnits { units: departments.units_of_departments(now), since: None }
        }
        (ActorKind::Person, Role::Technician) if departments.exist => {
            Visibility::OfUnits { units: departments.units_of_acquisition(now), since: Some(day_start) }
        }
        (ActorKind::Person, Role::Technician) => Visibility::ReceivedSince(day_start),
        // What was assigned, or is the own record, and nothing beside it.
        (ActorKind::Person, Role::RemoteExpert | Role::Patient) => Visibility::Granted {
            beside: Box::new(Visibility::Nothing),
            patients: Vec::new(),
            studies: Vec::new(),
        },
        (ActorKind::Person | ActorKind::Device | ActorKind::Service | ActorKind::System, _) => {
            Visibility::Nothing
        }
    }
}
