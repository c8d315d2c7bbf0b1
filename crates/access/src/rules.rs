//! What an installation demands of people who sign in: for whom a second factor, how long it counts, and after how much
//! rest a session ends. Plain values and pure functions.

use crate::device::AddressList;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;
use yingdun_catalog::identity::sessions::{Factor, SessionRow, Stage};
use yingdun_crypto::webauthn::RelyingParty;
use yingdun_model::{ActorKind, Role, Timestamp};

/// How long a session may rest unless something else is said (GB/T 22239: a session that rests is ended).
const IDLE: Duration = Duration::from_secs(15 * 60);
/// How long a proved second factor counts as fresh unless something else is said: one list of sensitive studies.
const STRONG: Duration = Duration::from_secs(60 * 60);

/// What is demanded of people who sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInRules {
    /// The roles that nobody activates without a second factor, beside those of which nobody does anywhere.
    pub second_factor_for: BTreeSet<Role>,
    /// The roles that nobody activates without a passkey; codes do not stand in for it.
    pub passkey_for: BTreeSet<Role>,
    /// For whom passkeys are made; without it there are none.
    pub relying_party: Option<RelyingParty>,
    /// Whether people open what is sensitive (L4S, L5) only with a second factor that was proved a short while ago.
    pub step_up: bool,
    /// How long that is.
    pub strong: Duration,
    /// After how much rest a session of a person ends.
    pub idle: IdleRules,
}

impl Default for SignInRules {
    fn default() -> Self {
        Self {
            second_factor_for: BTreeSet::new(),
            passkey_for: BTreeSet::new(),
            relying_party: None,
            step_up: false,
            strong: STRONG,
            idle: IdleRules { usual: IDLE, roles: BTreeMap::new(), zones: Vec::new() },
        }
    }
}

impl SignInRules {
    /// Whether nobody activates this role without a second factor: where the installation says so, and always for who comes from
    /// outside.
    #[must_use]
    pub fn demands_second_factor(&self, role: Role) -> bool {
        self.second_factor_for.contains(&role) || self.passkey_for.contains(&role) || role.is_outsider()
    }

    /// How far a session has come by what is demanded now: one that was whole before its role demanded a passkey has to prove one.
    pub(crate) fn stage_of(&self, row: &SessionRow) -> Stage {
        let lacks = row.actor_kind == ActorKind::Person
            && row.proved_by != Some(Factor::Passkey)
            && self.passkey_for.contains(&row.role);
        if lacks && row.stage == Stage::Whole { Stage::Prove } else { row.stage }
    }

    /// Until when a second factor counts that was proved at a moment.
    #[must_use]
    pub fn strong_until(&self, proved: Timestamp) -> Timestamp {
        proved.after(self.strong)
    }

    /// Whether a second factor that was proved at a moment counts now. One from the future counts as none, so that no clock that
    /// was set back prolongs it.
    pub(crate) fn is_strong(&self, proved: Option<Timestamp>, now: Timestamp) -> bool {
        proved.is_some_and(|proved| proved <= now && now < self.strong_until(proved))
    }
}

/// After how much rest a session of a person ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleRules {
    /// Where nothing else is said.
    pub usual: Duration,
    /// For a role.
    pub roles: BTreeMap<Role, Duration>,
    /// For places, whatever the role: the first zone that holds the address counts.
    pub zones: Vec<IdleZone>,
}

/// A place with a rest of its own, such as the reading rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleZone {
    /// Its addresses.
    pub networks: AddressList,
    /// The rest.
    pub idle: Duration,
}

impl IdleRules {
    /// How long a session of this role may rest at this address.
    #[must_use]
    pub fn limit(&self, role: Role, address: IpAddr) -> Duration {
        let zone = self.zones.iter().find(|zone| zone.networks.contains(address));
        zone.map(|zone| zone.idle).or_else(|| self.roles.get(&role).copied()).unwrap_or(self.usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_comes_before_a_role_and_a_role_before_the_usual() {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        let rules = IdleRules {
            usual: minutes(15),
            roles: BTreeMap::from([(Role::Radiologist, minutes(20))]),
            zones: vec![
                IdleZone { networks: "10.1.2.0/24".parse().unwrap(), idle: minutes(30) },
                IdleZone { networks: "10.1.0.0/16".parse().unwrap(), idle: minutes(5) },
            ],
        };
        let at = |role, address: &str| rules.limit(role, address.parse().unwrap()).as_secs() / 60;
        assert_eq!(at(Role::Clinician, "192.0.2.1"), 15);
        assert_eq!(at(Role::Radiologist, "192.0.2.1"), 20);
        assert_eq!(at(Role::Radiologist, "10.1.2.7"), 30);
        assert_eq!(at(Role::Clinician, "10.1.2.7"), 30);
        assert_eq!(at(Role::Radiologist, "10.1.3.7"), 5);
    }

    #[test]
    fn a_proof_counts_for_its_time_and_never_from_the_future() {
        let rules = SignInRules { strong: Duration::from_millis(100), ..SignInRules::default() };
        let strong = |proved: i64, now: i64| {
            rules.is_strong(Some(Timestamp::from_ms(proved)), Timestamp::from_ms(now))
        };
        assert!(strong(1000, 1000) && strong(1000, 1099));
        assert!(!strong(1000, 1100) && !strong(1000, 999));
        assert!(!rules.is_strong(None, Timestamp::from_ms(0)));
    }
}
