//! Which policies can speak about a kind of principal and an action at all. Deciding costs time in proportion to the
//! policies that are looked at, and most of them are about somebody else.
//!
//! A policy whose scope names another type of principal or other actions neither permits nor forbids, and cannot end in an
//! error, as its conditions are never looked at. So it is left out. What a scope says that is not understood here stays in.

use super::engine::Names;
use super::policies::PolicyError;
use cedar_policy::{ActionConstraint, EntityTypeName, EntityUid, Policy, PolicySet, PrincipalConstraint};
use std::collections::HashMap;
use yingdun_model::Action;

/// Sets of policies, one for each type of principal and action.
pub(super) struct Applicable {
    sets: HashMap<(EntityTypeName, Action), PolicySet>,
}

impl Applicable {
    /// Sorts the policies of a set.
    pub(super) fn of(all: &PolicySet, names: &Names) -> Result<Self, PolicyError> {
        let mut sets = HashMap::new();
        for kind in [&names.person, &names.device, &names.service, &names.system] {
            for (action, uid) in &names.actions {
                let policies = all.policies().filter(|policy| may_speak(policy, kind, uid)).cloned();
                let set = PolicySet::from_policies(policies)
                    .map_err(|error| PolicyError::Invalid(error.to_string()))?;
                sets.insert((kind.clone(), *action), set);
            }
        }
        Ok(Self { sets })
    }

    /// Every policy for everybody, which the sets above must not differ from.
    #[cfg(test)]
    pub(super) fn undivided(all: &PolicySet, names: &Names) -> Self {
        let kinds = [&names.person, &names.device, &names.service, &names.system];
        let each = kinds.into_iter().flat_map(|kind| names.actions.keys().map(move |action| (kind, action)));
        Self { sets: each.map(|(kind, action)| ((kind.clone(), *action), all.clone())).collect() }
    }

    /// The policies that can speak about such a principal and this action.
    pub(super) fn to(&self, principal: Option<&EntityUid>, action: Action) -> Option<&PolicySet> {
        self.sets.get(&(principal?.type_name().clone(), action))
    }
}

// === helpers ===

fn may_speak(policy: &Policy, kind: &EntityTypeName, action: &EntityUid) -> bool {
    let about = match policy.principal_constraint() {
        PrincipalConstraint::Is(named) | PrincipalConstraint::IsIn(named, _) => named == *kind,
        PrincipalConstraint::Any | PrincipalConstraint::In(_) | PrincipalConstraint::Eq(_) => true,
    };
    // Actions are in no groups here: to be in a list is to be one of it.
    let asked = match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::In(named) => named.contains(action),
        ActionConstraint::Eq(named) => named == *action,
    };
    about && asked
}

#[cfg(test)]
mod tests {
    use super::super::engine::{Engine, Names};
    use super::super::oracle::Chance;
    use super::super::policies::{PolicySource, load};
    use super::Applicable;
    use std::collections::BTreeSet;
    use yingdun_model::{Action, ActorKind};

    /// Random questions of each kind of principal and action, and of people who look at images: these meet most policies at once. So
    /// many that the loss of any one policy is seen.
    const QUESTIONS: u32 = 120;
    const QUESTIONS_ABOUT_IMAGES: u32 = 4000;

    #[test]
    fn a_person_who_views_meets_no_policy_about_machines_or_offices_and_every_guardrail_for_views() {
        let names = Names::new().unwrap();
        let all = load(&PolicySource::Builtin).unwrap().set;
        let sets = Applicable::of(&all, &names).unwrap();
        let set = sets.sets.get(&(names.person.clone(), Action::View)).unwrap();
        let named: Vec<String> = set.policies().map(|policy| policy.id().to_string()).collect();
        assert!(
            !named.iter().any(|name| name.starts_with("device-") || name.ends_with("-office")),
            "{named:?}"
        );
        for guardrail in
            ["one-institution", "disabled-account", "special-care", "transport", "break-the-glass"]
        {
            assert!(named.contains(&format!("guardrail-{guardrail}")), "{guardrail}: {named:?}");
        }
        assert!(named.len() * 2 < all.policies().count(), "{named:?}");
    }

    /// Groups of actions would make "in" more than a list.
    #[test]
    fn there_are_no_groups_of_actions() {
        let schema = cedar_policy::Schema::from_cedarschema_str(super::super::policies::SCHEMA).unwrap().0;
        assert_eq!(schema.action_groups().count(), 0);
    }

    #[test]
    fn no_policy_is_lost() {
        let divided = Engine::load(&PolicySource::Builtin).unwrap();
        let whole = Engine::undivided(&PolicySource::Builtin).unwrap();
        let mut chance = Chance::new(19);
        let mut reasons = BTreeSet::new();
        for (kind, action) in
            ActorKind::ALL.iter().flat_map(|kind| Action::ALL.iter().map(move |action| (*kind, *action)))
        {
            let looks = matches!(action, Action::List | Action::View | Action::Export);
            let about_images = kind == ActorKind::Person && looks;
            for _ in 0..if about_images { QUESTIONS_ABOUT_IMAGES } else { QUESTIONS } {
                let (who, on) = (chance.principal_of(kind), chance.target(action));
                let when = chance.circumstances();
                let decision = divided.decide(&who, action, &on, &when);
                let expected = whole.decide(&who, action, &on, &when);
                assert_eq!(decision, expected, "{who:?} {action} {on:?} {when:?}");
                reasons.insert(decision.reason);
            }
        }
        // Where policies decide nothing, two sets agree on anything.
        let permits = reasons.iter().filter(|reason| reason.permits()).count();
        assert!(permits >= 15 && reasons.len() >= permits + 10, "{reasons:?}");
    }
}
