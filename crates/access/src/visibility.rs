//! Which rows a search may walk at all: the policies' view of lists, as one condition for SQL.
//!
//! This is a coarse sieve that never hides what a policy would show; each row it lets through is decided
//! again under `list` before it leaves. A test holds the two together.

use crate::access::Access;
use crate::session::Session;
use yingdun_catalog::catalogue::Visibility;
use yingdun_model::{ActorId, ActorKind, Role, Timestamp};

impl Access {
    /// The studies that the session may come to see, for the search in the catalogue of its institution. Decide
    /// every row that it yields with [`Access::decide_many`].
    #[must_use]
    pub fn visibility(&self, session: &Session) -> Visibility {
        let now = self.inner.clock.now();
        sieve(session.actor_kind(), session.role(), session.actor(), now, self.day_start(now))
    }
}

/// The sieve as a pure function.
pub(crate) fn sieve(
    kind: ActorKind,
    role: Role,
    actor: &ActorId,
    now: Timestamp,
    day_start: Timestamp,
) -> Visibility {
    match (kind, role) {
        (ActorKind::Person, Role::Radiologist | Role::Chief)
        | (ActorKind::Service, Role::Service)
        | (ActorKind::Device, Role::Device) => Visibility::Institution,
        (ActorKind::Person, Role::Clinician) => Visibility::CareRelation { actor: actor.clone(), at: now },
        (ActorKind::Person, Role::Technician) => Visibility::ReceivedSince(day_start),
        (ActorKind::Person | ActorKind::Device | ActorKind::Service | ActorKind::System, _) => {
            Visibility::Nothing
        }
    }
}
