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
    use super::super::engine::Names;
    use super::super::policies::{PolicySource, load};
    use super::{Applicable, may_speak};
    use yingdun_model::Action;

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
    fn no_policy_is_lost() {
        let names = Names::new().unwrap();
        let all = load(&PolicySource::Builtin).unwrap().set;
        let schema = cedar_policy::Schema::from_cedarschema_str(super::super::policies::SCHEMA).unwrap().0;
        assert_eq!(schema.action_groups().count(), 0);
        for policy in all.policies() {
            let kinds = [&names.person, &names.device, &names.service, &names.system];
            let somebody =
                kinds.iter().any(|kind| names.actions.values().any(|action| may_speak(policy, kind, action)));
            assert!(somebody, "{} speaks about nobody", policy.id());
        }
    }
}
