//! Which policies can speak about a kind of principal, its role and an action at all. Deciding costs time in proportion to the
//! policies that are looked at, and most of them are about somebody else.
//!
//! A policy whose scope names another type of principal or other actions neither permits nor forbids, and cannot end in an
//! error, as its conditions are never looked at. Nor does one whose condition begins with a comparison of the role that this role
//! fails: Cedar evaluates from left to right, and what begins false ends there. So both are left out. What is not understood here
//! stays in.
//!
//! Within such a set every scope is met, and every comparison of the role has a known end. So policies stand in it without either, which Cedar
//! would compare again with each question.

use super::engine::Names;
use super::policies::PolicyError;
use cedar_policy::{
    ActionConstraint, EntityTypeName, EntityUid, Policy, PolicySet, PrincipalConstraint, ResourceConstraint,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use yingdun_model::{Action, ActorKind, Role};

/// Sets of policies, one for each type of principal, role and action.
pub(super) struct Applicable {
    sets: HashMap<(ActorKind, Role, Action), PolicySet>,
}

impl Applicable {
    /// Sorts the policies of a set.
    pub(super) fn of(all: &PolicySet, names: &Names) -> Result<Self, PolicyError> {
        let mut prepared = Vec::new();
        for policy in all.policies() {
            let form = policy.to_json().map_err(invalid)?;
            prepared.push((policy, bare_for_roles(policy, &form)?));
        }
        let mut sets = HashMap::new();
        for (kind, named) in names.kinds() {
            for (action, uid) in &names.actions {
                let speaking: Vec<_> =
                    prepared.iter().filter(|(policy, _)| may_speak(policy, named, uid)).collect();
                for role in Role::ALL.iter().copied() {
                    let policies = speaking.iter().filter_map(|(_, bare)| bare.get(&role).cloned());
                    let set = PolicySet::from_policies(policies);
                    sets.insert((kind, role, *action), set.map_err(invalid)?);
                }
            }
        }
        Ok(Self { sets })
    }

    /// Every policy for everybody, which the sets above must not differ from.
    #[cfg(test)]
    pub(super) fn undivided(all: &PolicySet) -> Self {
        let kinds = ActorKind::ALL.iter().flat_map(|kind| Role::ALL.iter().map(move |role| (*kind, *role)));
        let each = kinds.flat_map(|(kind, role)| Action::ALL.iter().map(move |action| (kind, role, *action)));
        Self { sets: each.map(|key| (key, all.clone())).collect() }
    }

    /// The policies that can speak about such a principal and this action.
    pub(super) fn to(&self, kind: ActorKind, role: Role, action: Action) -> Option<&PolicySet> {
        self.sets.get(&(kind, role, action))
    }
}

// === helpers ===

fn invalid(error: impl std::fmt::Display) -> PolicyError {
    PolicyError::Invalid(error.to_string())
}

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

/// The policy as it is for each role about which it can speak.
fn bare_for_roles(policy: &Policy, form: &Value) -> Result<HashMap<Role, Policy>, PolicyError> {
    let mut made: Vec<(Value, Policy)> = Vec::new();
    let mut bare = HashMap::new();
    for role in Role::ALL.iter().copied().filter(|role| !never(form, *role)) {
        let form = for_role(form.clone(), role);
        let known = made.iter().find(|(known, _)| *known == form).map(|(_, policy)| policy.clone());
        let one = match known {
            Some(one) => one,
            None => {
                let one = without_scope(policy, form.clone())?;
                made.push((form, one.clone()));
                one
            }
        };
        bare.insert(role, one);
    }
    Ok(bare)
}

/// The policy in Cedar's JSON form as it is for a role: what is known of its conditions is written in their place.
fn for_role(mut form: Value, role: Role) -> Value {
    if let Some(conditions) = form.get_mut("conditions").and_then(Value::as_array_mut) {
        for body in conditions.iter_mut().filter_map(|condition| condition.get_mut("body")) {
            *body = reduced(body, role);
        }
    }
    form
}

/// An expression without the comparisons of the role that stand in its conjunctions and disjunctions. What is evaluated before such a comparison is
/// still evaluated, and may still end in an error; the comparison itself never does.
fn reduced(expression: &Value, role: Role) -> Value {
    let literal = |truth: bool| json!({"Value": truth});
    if let Some(truth) = truth(expression, role) {
        return literal(truth);
    }
    let operator = ["&&", "||"].into_iter().find(|operator| expression.get(*operator).is_some());
    let Some(operator) = operator else { return expression.clone() };
    let side = |name: &str| expression.get(operator)?.get(name).map(|side| reduced(side, role));
    let (Some(left), Some(right)) = (side("left"), side("right")) else { return expression.clone() };
    // What ends by its left side is known to be true or false above.
    let goes_on = literal(operator == "&&");
    if left == goes_on {
        return right;
    }
    if right == goes_on {
        return left;
    }
    json!({operator: {"left": left, "right": right}})
}

/// The policy for questions that its scope has been compared with: without what [`may_speak`] decides for good.
fn without_scope(policy: &Policy, mut form: Value) -> Result<Policy, PolicyError> {
    let anything = json!({"op": "All"});
    let Some(parts) = form.as_object_mut() else { return Ok(policy.clone()) };
    parts.insert("action".to_owned(), anything.clone());
    if matches!(policy.principal_constraint(), PrincipalConstraint::Is(_)) {
        parts.insert("principal".to_owned(), anything);
    }
    let bare = Policy::from_json(Some(policy.id().clone()), form).map_err(invalid)?;
    debug_assert!(matches!(bare.action_constraint(), ActionConstraint::Any));
    debug_assert_eq!(
        matches!(bare.resource_constraint(), ResourceConstraint::Any),
        matches!(policy.resource_constraint(), ResourceConstraint::Any)
    );
    Ok(bare)
}

/// Whether the first condition of a policy, in Cedar's JSON form, fails for a role whatever else is asked.
fn never(form: &Value, role: Role) -> bool {
    let Some(first) = form.get("conditions").and_then(|conditions| conditions.get(0)) else { return false };
    let Some(body) = first.get("body") else { return false };
    match first.get("kind").and_then(Value::as_str) {
        Some("when") => truth(body, role) == Some(false),
        Some("unless") => truth(body, role) == Some(true),
        _ => false,
    }
}

/// What an expression is for a role, where that depends on nothing else and is known before anything else is evaluated.
fn truth(expression: &Value, role: Role) -> Option<bool> {
    let (operator, operands) = expression.as_object().filter(|parts| parts.len() == 1)?.iter().next()?;
    let side = |name: &str| operands.get(name);
    match operator.as_str() {
        "&&" => match truth(side("left")?, role)? {
            false => Some(false),
            true => truth(side("right")?, role),
        },
        "||" => match truth(side("left")?, role)? {
            true => Some(true),
            false => truth(side("right")?, role),
        },
        "!" => truth(side("arg")?, role).map(|truth| !truth),
        "==" if is_role_of_principal(side("left")?) => Some(role_named(side("right")?)? == role.as_str()),
        "contains" if is_role_of_principal(side("right")?) => {
            let listed = side("left")?.get("Set")?.as_array()?;
            let named: Option<Vec<&str>> = listed.iter().map(role_named).collect();
            Some(named?.contains(&role.as_str()))
        }
        _ => None,
    }
}

fn is_role_of_principal(expression: &Value) -> bool {
    *expression == json!({".": {"left": {"Var": "principal"}, "attr": "role"}})
}

/// The role that a constant names.
fn role_named(expression: &Value) -> Option<&str> {
    let entity = expression.get("Value")?.get("__entity")?;
    (entity.get("type")? == "Role").then(|| entity.get("id")?.as_str())?
}

#[cfg(test)]
mod tests {
    use super::super::engine::{Engine, Names};
    use super::super::oracle::Chance;
    use super::super::policies::{PolicySource, load};
    use super::{Applicable, for_role, never, without_scope};
    use cedar_policy::Policy;
    use std::collections::BTreeSet;
    use yingdun_model::{Action, ActorKind, Role};

    /// Random questions of each kind of principal and action, and of people who look at images: these meet most policies at once. So
    /// many that the loss of any one policy is seen.
    const QUESTIONS: u32 = 120;
    const QUESTIONS_ABOUT_IMAGES: u32 = 4000;

    #[test]
    fn a_person_who_views_meets_no_policy_about_machines_or_offices_and_every_guardrail_for_views() {
        let names = Names::new().unwrap();
        let all = load(&PolicySource::Builtin).unwrap().set;
        let sets = Applicable::of(&all, &names).unwrap();
        let set = sets.to(ActorKind::Person, Role::Clinician, Action::View).unwrap();
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
        for other in ["guardrail-researchers-see-no-identity", "guardrail-officers-see-no-images"] {
            assert!(!named.contains(&other.to_owned()), "a clinician is neither: {named:?}");
        }
        let researcher = sets.to(ActorKind::Person, Role::Researcher, Action::View).unwrap();
        assert!(
            researcher.policies().any(|one| one.id().to_string() == "guardrail-researchers-see-no-identity")
        );
    }

    /// What begins with the role is known; what could end in an error before it, or depends on more, is not.
    #[test]
    fn only_what_begins_with_the_role_is_decided_before_the_question() {
        let first = |condition: &str| {
            let text = format!("permit (principal, action, resource) {condition};");
            let policy = Policy::parse(None, text).unwrap().to_json().unwrap();
            [Role::Clinician, Role::Researcher].map(|role| never(&policy, role))
        };
        let clinician = r#"principal.role == Role::"clinician""#;
        assert_eq!(first(&format!("when {{ {clinician} }}")), [false, true]);
        assert_eq!(first(&format!("unless {{ {clinician} }}")), [true, false]);
        assert_eq!(first(&format!("when {{ !({clinician}) && context.strong }}")), [true, false]);
        assert_eq!(
            first(&format!("when {{ {clinician} && resource.grade == Grade::\"L1\" }}")),
            [false, true]
        );
        assert_eq!(first(&format!("when {{ {clinician} || context.strong }}")), [false, false]);
        assert_eq!(
            first(&format!("when {{ context.strong && {clinician} }}")),
            [false, false],
            "it could fail first"
        );
        assert_eq!(first(&format!("when {{ context.strong }} when {{ {clinician} }}")), [false, false]);
        let both = r#"[Role::"clinician", Role::"chief"].contains(principal.role)"#;
        assert_eq!(first(&format!("when {{ {both} }}")), [false, true]);
        assert_eq!(
            first(r#"when { [Role::"clinician", principal.role].contains(principal.role) }"#),
            [false, false]
        );
        assert_eq!(first(r#"when { resource.role == Role::"clinician" }"#), [false, false]);
        assert_eq!(first(r#"when { principal.role == Grade::"clinician" }"#), [false, false]);
        assert_eq!(first(""), [false, false]);
    }

    #[test]
    fn what_is_known_of_a_role_is_not_compared_again() {
        let of = |condition: &str| {
            let text = format!("permit (principal, action, resource) {condition};");
            let policy = Policy::parse(None, text).unwrap();
            let bare = Policy::from_json(None, for_role(policy.to_json().unwrap(), Role::Clinician)).unwrap();
            let text = bare.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            text.trim_start_matches("permit(principal, action, resource) ").trim_end_matches(';').to_owned()
        };
        let clinician = r#"principal.role == Role::"clinician""#;
        let chief = r#"principal.role == Role::"chief""#;
        assert_eq!(
            of(&format!("when {{ {clinician} && context.strong && context.tls }}")),
            "when { context.strong && context.tls }"
        );
        assert_eq!(
            of(&format!("when {{ context.strong && {clinician} && context.tls }}")),
            "when { context.strong && context.tls }",
            "in the middle, too"
        );
        assert_eq!(of(&format!("unless {{ {chief} || context.strong }}")), "unless { context.strong }");
        assert_eq!(
            of(&format!("when {{ context.strong && {chief} }}")),
            "when { context.strong && false }",
            "what stands before it may end in an error, and is still looked at"
        );
        assert_eq!(
            of(&format!("when {{ context.strong || {clinician} }}")),
            "when { context.strong || true }"
        );
        assert_eq!(of("when { context.strong }"), "when { context.strong }");
    }

    #[test]
    fn what_a_scope_says_of_resources_stays() {
        let text = r#"permit (principal is Person, action == Action::"view", resource is Study) when { context.strong };"#;
        let policy = Policy::parse(None, text).unwrap();
        let bare = without_scope(&policy, policy.to_json().unwrap()).unwrap();
        assert_eq!(
            bare.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
            "permit(principal, action, resource is Study) when { context.strong };"
        );
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
