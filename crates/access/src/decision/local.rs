//! Rules of the institution beside those of the program: policies that only close, in a shape that cannot close the way back.
//!
//! What is asked of them is asked of their form, before anything is decided with them:
//!
//! * each is a `forbid`, so that no rule of a hospital opens what a guardrail or a default closes;
//! * each says in its scope for which kind of actor and for which actions it speaks. The archive itself is none of them, and the
//!   actions by which rules, accounts and rights are changed and the log is read are none of these: so whatever the conditions say, and
//!   even if one cannot be evaluated, the officers who have to take a rule back are not met by it;
//! * `list` and `view` go together, or a list would show what does not open, or hide what does;
//! * none names a person, a device or a study: rights of one are data, not policies, and policies are shown to strangers as evidence.

use cedar_policy::{
    ActionConstraint, Effect, EntityTypeName, Policy, PolicyId, PolicySet, PrincipalConstraint, Schema,
    ValidationMode, Validator,
};
use miette::Diagnostic;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use yingdun_model::Action;

/// Under which name the text of these policies stands among the files of the set.
pub(crate) const LOCAL_FILE: &str = "local-rules.cedar";

/// The most bytes of the text: forty rules with their reasons in words.
pub const LOCAL_BYTES_MAX: usize = 32 * 1024;
/// The most policies. With those of the program they stay below what a decision evaluates at the price that is promised.
pub const LOCAL_POLICIES_MAX: usize = 40;
/// The most bytes of one policy, brackets that stand in each other, and operators: reading and deciding go as deep as they do.
const POLICY_BYTES_MAX: usize = 4096;
const DEPTH_MAX: usize = 16;
const OPERATORS_MAX: usize = 100;
/// How every name begins, so that none is that of a policy of the program.
const PREFIX: &str = "local-";
const NAME_BYTES_MAX: usize = 64;
/// The word that each may carry as its reason, and the only one.
const REASON: &str = "local-rule";

/// What no rule of an institution forbids: by these actions a bad rule is found and taken back.
pub const PROTECTED_ACTIONS: &[Action] = &[
    Action::ProposePolicy,
    Action::ApprovePolicy,
    Action::ActivatePolicy,
    Action::ManageAccounts,
    Action::ManageRights,
    Action::ReadAudit,
];

/// Why a text is no set of rules of an institution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct LocalPolicyError {
    /// Where, if it is at one place.
    pub place: Option<Place>,
    /// Which policy, if it is one that has a name.
    pub policy: Option<String>,
    /// What is wrong.
    pub fault: LocalFault,
}

/// A place in a text, both counted from 1; the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocalFault {
    /// The text is too long.
    #[error("at most {LOCAL_BYTES_MAX} bytes are read, these are {0}")]
    TooLarge(usize),
    /// Too many policies.
    #[error("at most {LOCAL_POLICIES_MAX} policies are read, these are {0}")]
    TooMany(usize),
    /// One policy is too long, too deep or has too many operators.
    #[error(
        "a policy has at most {POLICY_BYTES_MAX} bytes, {DEPTH_MAX} brackets in each other and {OPERATORS_MAX} operators"
    )]
    TooComplex,
    /// Not in the policy language.
    #[error("this is not valid Cedar: {0}")]
    Syntax(String),
    /// A template.
    #[error("templates are not used: write the whole policy")]
    Template,
    /// No name, or a name of another form.
    #[error(
        "a policy carries @id(\"{PREFIX}…\"), of at most {NAME_BYTES_MAX} lower-case letters, digits and hyphens"
    )]
    Name,
    /// A name that another policy has.
    #[error("another policy has this @id")]
    NameTaken,
    /// A reason that is not the one of rules of an institution.
    #[error("the reason of a rule of an institution is `{REASON}`, which may be left out")]
    Reason,
    /// It permits.
    #[error(
        "a rule of an institution forbids: rights are given as roles, care relations and grants, never by a rule"
    )]
    Permits,
    /// It speaks for everybody.
    #[error("say for whom it speaks: `principal is Person`, `principal is Device` or `principal is Service`")]
    ForWhom,
    /// It speaks of every action.
    #[error("say of which actions it speaks: `action in [Action::\"…\", …]`")]
    OfWhat,
    /// It speaks of an action by which a bad rule is taken back.
    #[error("no rule forbids `{0}`: it is needed to find a bad rule and to take it back")]
    Protected(Action),
    /// Of `list` and `view` it names one.
    #[error("`list` and `view` are forbidden together: lists show what opens, and nothing else")]
    ListWithoutView,
    /// It names somebody or something.
    #[error("a rule names roles, grades, purposes and scopes, and no {0}")]
    NamesOne(String),
    /// It asks for the action in a condition.
    #[error("the action stands in the scope, and not in a condition")]
    ActionInCondition,
    /// It does not fit the schema.
    #[error("this does not fit the schema: {0}")]
    Schema(String),
}

impl fmt::Display for LocalPolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Place { line, column }) = self.place {
            write!(f, "line {line}, column {column}: ")?;
        }
        if let Some(policy) = &self.policy {
            write!(f, "policy `{policy}`: ")?;
        }
        self.fault.fmt(f)
    }
}

/// The policies of a text, each under its own name.
///
/// # Errors
/// [`LocalPolicyError`], of the first fault in the order of the text.
pub(super) fn read(text: &str, schema: &str) -> Result<Vec<Policy>, LocalPolicyError> {
    if text.len() > LOCAL_BYTES_MAX {
        return Err(LocalFault::TooLarge(text.len()).nowhere());
    }
    if let Some(at) = too_complex(text) {
        return Err(LocalFault::TooComplex.at(text, at, None));
    }
    let parsed = PolicySet::from_str(text).map_err(|errors| {
        let offset = offset_of(&errors).or_else(|| errors.iter().find_map(|error| offset_of(error)));
        let detail = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        LocalFault::Syntax(detail).maybe_at(text, offset, None)
    })?;
    if parsed.templates().next().is_some() {
        return Err(LocalFault::Template.maybe_at(
            text,
            text.find("?principal").or(text.find("?resource")),
            None,
        ));
    }
    let count = parsed.policies().count();
    if count > LOCAL_POLICIES_MAX {
        return Err(LocalFault::TooMany(count).nowhere());
    }
    let mut policies = Vec::with_capacity(count);
    let mut named = BTreeSet::new();
    for policy in in_order(&parsed) {
        let (policy, place) = checked(policy, text)?;
        if !named.insert(policy.id().clone()) {
            let fault = LocalFault::NameTaken;
            return Err(LocalPolicyError { place, policy: Some(policy.id().to_string()), fault });
        }
        policies.push(policy);
    }
    validate(&policies, text, schema)?;
    Ok(policies)
}

/// A set that leaves nothing open but the way back: what is in force while the rules of an institution cannot be read. The archive's own work
/// goes on.
pub(super) fn locked() -> String {
    let actions: Vec<String> = Action::ALL
        .iter()
        .filter(|action| !PROTECTED_ACTIONS.contains(action))
        .map(|action| format!("Action::\"{action}\""))
        .collect();
    let actions = actions.join(", ");
    let forbid = |kind: &str| {
        format!(
            "@id(\"{PREFIX}locked-{}\") forbid (principal is {kind}, action in [{actions}], resource);\n",
            kind.to_lowercase()
        )
    };
    format!("// The rules of the institution cannot be read.\n{}", KINDS.map(forbid).concat())
}

/// For which kinds of actors, by the names of their types, and of which actions a set of these policies speaks.
pub(super) fn speaks_of(policies: &[Policy]) -> BTreeMap<String, BTreeSet<Action>> {
    let mut spoken: BTreeMap<String, BTreeSet<Action>> = BTreeMap::new();
    for policy in policies {
        if let (Some(kind), Some(actions)) = (kind_of(policy), actions_of(policy)) {
            spoken.entry(kind.to_string()).or_default().extend(actions);
        }
    }
    spoken
}

// === helpers ===

const KINDS: [&str; 3] = ["Person", "Device", "Service"];
/// The types of which a condition may name one: each is a list of fixed words.
const WORDS: [&str; 4] = ["Role", "Grade", "Purpose", "Scope"];

impl LocalFault {
    const fn nowhere(self) -> LocalPolicyError {
        LocalPolicyError { place: None, policy: None, fault: self }
    }

    fn at(self, text: &str, offset: usize, policy: Option<String>) -> LocalPolicyError {
        LocalPolicyError { place: Some(place_of(text, offset)), policy, fault: self }
    }

    fn maybe_at(self, text: &str, offset: Option<usize>, policy: Option<String>) -> LocalPolicyError {
        LocalPolicyError { place: offset.map(|offset| place_of(text, offset)), policy, fault: self }
    }
}

/// The policies in the order of the text, by which the parser numbers them.
fn in_order(parsed: &PolicySet) -> Vec<&Policy> {
    let number = |policy: &Policy| -> usize {
        let id: &str = policy.id().as_ref();
        id.trim_start_matches("policy").parse().unwrap_or(usize::MAX)
    };
    let mut policies: Vec<&Policy> = parsed.policies().collect();
    policies.sort_by_key(|policy| number(policy));
    policies
}

/// One policy under its own name, if its form is that of a rule of an institution; and where its name stands.
fn checked(policy: &Policy, text: &str) -> Result<(Policy, Option<Place>), LocalPolicyError> {
    let id = policy.annotation("id").unwrap_or_default();
    let is_name = id.len() > PREFIX.len()
        && id.len() <= NAME_BYTES_MAX
        && id.starts_with(PREFIX)
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let offset = text.find(&format!("\"{id}\"")).filter(|_| !id.is_empty());
    if !is_name {
        return Err(LocalFault::Name.maybe_at(text, offset, Some(id.chars().take(NAME_BYTES_MAX).collect())));
    }
    let refused = |fault: LocalFault| Err(fault.maybe_at(text, offset, Some(id.to_owned())));
    if policy.annotation("reason").is_some_and(|reason| reason != REASON) {
        return refused(LocalFault::Reason);
    }
    if policy.effect() != Effect::Forbid {
        return refused(LocalFault::Permits);
    }
    if kind_of(policy).is_none() {
        return refused(LocalFault::ForWhom);
    }
    let Some(actions) = actions_of(policy) else { return refused(LocalFault::OfWhat) };
    if let Some(action) = actions.iter().find(|action| PROTECTED_ACTIONS.contains(action)) {
        return refused(LocalFault::Protected(*action));
    }
    if actions.contains(&Action::List) != actions.contains(&Action::View) {
        return refused(LocalFault::ListWithoutView);
    }
    let Ok(json) = policy.to_json() else { return refused(LocalFault::TooComplex) };
    if let Some(fault) = json.get("conditions").and_then(named_in).or_else(|| named_in_resource(&json)) {
        return refused(fault);
    }
    Ok((policy.new_id(PolicyId::new(id)), offset.map(|offset| place_of(text, offset))))
}

/// For which kind of actor a policy speaks, if it says so and it is one of those for whom it may.
fn kind_of(policy: &Policy) -> Option<EntityTypeName> {
    match policy.principal_constraint() {
        PrincipalConstraint::Is(kind) if KINDS.contains(&kind.to_string().as_str()) => Some(kind),
        _ => None,
    }
}

/// Of which actions a policy speaks, if it says so and they are actions.
fn actions_of(policy: &Policy) -> Option<BTreeSet<Action>> {
    let named = match policy.action_constraint() {
        ActionConstraint::In(named) => named,
        ActionConstraint::Eq(named) => vec![named],
        ActionConstraint::Any => return None,
    };
    let actions: Option<BTreeSet<Action>> = named
        .iter()
        .map(|uid| {
            let word: &str = uid.id().as_ref();
            Action::ALL.iter().copied().find(|action| action.as_str() == word)
        })
        .collect();
    actions.filter(|actions| !actions.is_empty())
}

/// What a condition names that it must not.
fn named_in(condition: &Value) -> Option<LocalFault> {
    match condition {
        Value::Array(items) => items.iter().find_map(named_in),
        Value::Object(fields) => {
            if fields.get("Var").and_then(Value::as_str) == Some("action") {
                return Some(LocalFault::ActionInCondition);
            }
            if let Some(kind) = fields.get("__entity").and_then(|entity| entity.get("type")) {
                let kind = kind.as_str().unwrap_or_default();
                return (!WORDS.contains(&kind)).then(|| LocalFault::NamesOne(kind.to_lowercase()));
            }
            fields.values().find_map(named_in)
        }
        _ => None,
    }
}

/// The same of the scope: a resource may be of a kind, and not one.
fn named_in_resource(policy: &Value) -> Option<LocalFault> {
    let resource = policy.get("resource")?;
    (resource.get("entity").is_some() || resource.get("in").is_some())
        .then(|| LocalFault::NamesOne("single resource".to_owned()))
}

fn validate(policies: &[Policy], text: &str, schema: &str) -> Result<(), LocalPolicyError> {
    let invalid = |detail: String| LocalFault::Schema(detail).nowhere();
    let set =
        PolicySet::from_policies(policies.iter().cloned()).map_err(|error| invalid(error.to_string()))?;
    let (schema, _warnings) =
        Schema::from_cedarschema_str(schema).map_err(|error| invalid(error.to_string()))?;
    let result = Validator::new(schema).validate(&set, ValidationMode::Strict);
    let first = result
        .validation_errors()
        .map(|error| (error.policy_id().to_string(), offset_of(error), error.to_string()))
        .chain(
            result
                .validation_warnings()
                .map(|warning| (warning.policy_id().to_string(), offset_of(warning), warning.to_string())),
        )
        .min_by_key(|(_, offset, _)| offset.unwrap_or(usize::MAX));
    match first {
        None => Ok(()),
        Some((policy, offset, detail)) => {
            Err(LocalFault::Schema(detail).maybe_at(text, offset, Some(policy)))
        }
    }
}

/// Where what is wrong begins, in bytes.
fn offset_of(error: &dyn Diagnostic) -> Option<usize> {
    error.labels()?.map(|label| label.offset()).min()
}

fn place_of(text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    Place { line: before.matches('\n').count() + 1, column }
}

/// Where a policy begins to be longer, deeper or more than one may be. Read before the parser, which goes as deep as its text.
fn too_complex(text: &str) -> Option<usize> {
    let (mut bytes, mut depth, mut operators) = (0_usize, 0_usize, 0_usize);
    let (mut in_text, mut in_comment, mut escaped) = (false, false, false);
    let mut last = '\0';
    for (at, character) in text.char_indices() {
        if in_comment {
            in_comment = character != '\n';
        } else if in_text {
            in_text = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else {
            match character {
                '"' => in_text = true,
                '/' if last == '/' => in_comment = true,
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                ';' => (bytes, depth, operators) = (0, 0, 0),
                '&' | '|' | '+' | '-' | '*' | '!' | '.' | '<' | '>' => operators += 1,
                // The words `if`, `then`, `else`, `has`, `like`, `in` and `is` are operators too; each stands between blanks.
                ' ' | '\n' | '\t' | '\r' if last.is_alphabetic() => {
                    operators += usize::from(ends_in_word(text, at))
                }
                _ => {}
            }
        }
        last = character;
        bytes += if in_comment { 0 } else { character.len_utf8() };
        if depth > DEPTH_MAX || operators > OPERATORS_MAX || bytes > POLICY_BYTES_MAX {
            return Some(at);
        }
    }
    None
}

fn ends_in_word(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    ["if", "then", "else", "has", "like", "in", "is"].iter().any(|word| before.ends_with(word))
}

#[cfg(test)]
mod tests {
    use super::super::policies::SCHEMA;
    use super::*;

    const NIGHT: &str = r#"@id("local-no-export-outside")
forbid (principal is Person, action == Action::"export", resource)
unless { context.address.isInRange(ip("10.0.0.0/8")) };
"#;

    fn fault(text: &str) -> LocalFault {
        read(text, SCHEMA).unwrap_err().fault
    }

    fn rule(scope: &str, rest: &str) -> String {
        format!("@id(\"local-a\")\nforbid ({scope}) {rest};")
    }

    #[test]
    fn a_rule_that_closes_is_read_and_keeps_its_name() {
        let text = format!("// Exports stay in the house.\n{NIGHT}");
        let policies = read(&text, SCHEMA).unwrap();
        assert_eq!(
            policies.iter().map(|policy| policy.id().to_string()).collect::<Vec<_>>(),
            ["local-no-export-outside"]
        );
        let spoken = speaks_of(&policies);
        assert_eq!(spoken, BTreeMap::from([("Person".to_owned(), BTreeSet::from([Action::Export]))]));
        assert!(read("", SCHEMA).unwrap().is_empty() && read("// nothing\n", SCHEMA).unwrap().is_empty());
    }

    #[test]
    fn what_opens_or_closes_too_much_is_refused() {
        let person = "principal is Person";
        let export = r#"action == Action::"export""#;
        let view = r#"action in [Action::"list", Action::"view"]"#;
        assert_eq!(fault(&NIGHT.replace("forbid", "permit")), LocalFault::Permits);
        for everybody in [
            "principal",
            "principal is System",
            r#"principal == Person::"li""#,
            r#"principal in Role::"chief""#,
        ] {
            assert_eq!(
                fault(&rule(&format!("{everybody}, {export}, resource"), "")),
                LocalFault::ForWhom,
                "{everybody}"
            );
        }
        assert_eq!(fault(&rule(&format!("{person}, action, resource"), "")), LocalFault::OfWhat);
        for action in PROTECTED_ACTIONS {
            let scope = format!(r#"{person}, action in [Action::"export", Action::"{action}"], resource"#);
            assert_eq!(fault(&rule(&scope, "")), LocalFault::Protected(*action));
        }
        for one in ["list", "view"] {
            let scope = format!(r#"{person}, action == Action::"{one}", resource"#);
            assert_eq!(fault(&rule(&scope, "")), LocalFault::ListWithoutView);
        }
        let scope = format!("{person}, {view}, resource");
        assert_eq!(
            fault(&rule(&scope, r#"when { action == Action::"view" }"#)),
            LocalFault::ActionInCondition
        );
        assert_eq!(
            fault(&rule(&scope, r#"when { principal == Person::"li.na" }"#)),
            LocalFault::NamesOne("person".to_owned())
        );
        assert_eq!(
            fault(&rule(&format!(r#"{person}, {export}, resource == Study::"renmin""#), "")),
            LocalFault::NamesOne("single resource".to_owned())
        );
        assert_eq!(
            fault(
                r#"@id("local-a") @reason("account-disabled") forbid (principal is Person, action == Action::"export", resource);"#
            ),
            LocalFault::Reason
        );
        for name in ["", "a", "local-", "local-A", "local-a b"] {
            assert_eq!(fault(&rule(&scope, "").replace("local-a", name)), LocalFault::Name, "{name}");
        }
        assert_eq!(fault(&format!("forbid ({scope});")), LocalFault::Name);
        assert_eq!(fault(&rule(&scope, "").repeat(2)), LocalFault::NameTaken);
        assert_eq!(
            fault(&format!("@id(\"local-a\") forbid (principal == ?principal, {export}, resource);")),
            LocalFault::Template
        );
    }

    #[test]
    fn a_fault_says_its_line_and_column() {
        let broken = format!("{NIGHT}\n@id(\"local-b\")\nforbid (principal is Person, action ==, resource);");
        let error = read(&broken, SCHEMA).unwrap_err();
        assert!(matches!(error.fault, LocalFault::Syntax(_)), "{error}");
        assert_eq!(error.place.unwrap().line, 6, "{error}");
        let misspelt = NIGHT.replace("context.address", "context.adress");
        let error = read(&misspelt, SCHEMA).unwrap_err();
        assert!(matches!(&error.fault, LocalFault::Schema(_)), "{error}");
        assert_eq!(
            (error.place.unwrap().line, error.policy.as_deref()),
            (3, Some("local-no-export-outside")),
            "{error}"
        );
        let error = read(&NIGHT.replace("forbid", "permit"), SCHEMA).unwrap_err();
        assert_eq!(error.place, Some(Place { line: 1, column: 5 }));
        assert!(
            error.to_string().starts_with("line 1, column 5: policy `local-no-export-outside`: "),
            "{error}"
        );
        let role = rule(
            r#"principal is Person, action == Action::"export", resource"#,
            r#"when { principal.role == Role::"cheif" }"#,
        );
        assert!(matches!(fault(&role), LocalFault::Schema(_)));
    }

    #[test]
    fn a_text_without_bounds_is_refused_before_it_is_parsed() {
        assert!(matches!(fault(&" ".repeat(LOCAL_BYTES_MAX + 1)), LocalFault::TooLarge(_)));
        let scope = r#"principal is Person, action == Action::"export", resource"#;
        let many: String = (0..=LOCAL_POLICIES_MAX)
            .map(|n| rule(scope, "").replace("local-a", &format!("local-{n}")))
            .collect();
        assert_eq!(fault(&many), LocalFault::TooMany(LOCAL_POLICIES_MAX + 1));
        for (open, close) in
            [("(", ")"), ("[", "]"), ("{a: ", "}"), ("!", ""), ("-", ""), ("if true then true else ", "")]
        {
            let deep = format!("when {{ {}true{} }}", open.repeat(500), close.repeat(500));
            assert_eq!(fault(&rule(scope, &deep)), LocalFault::TooComplex, "{open}");
        }
        let long = format!("when {{ {}true }}", "true && ".repeat(400));
        assert_eq!(fault(&rule(scope, &long)), LocalFault::TooComplex);
        // Brackets in words and in comments are none.
        let quoted =
            format!("when {{ principal.institution == \"{}\" }} // {}\n", "(".repeat(100), "[".repeat(100));
        assert!(read(&rule(scope, &quoted), SCHEMA).is_ok());
    }

    #[test]
    fn what_is_locked_is_a_legal_set_and_leaves_the_way_back_open() {
        let policies = read(&locked(), SCHEMA).unwrap();
        let spoken = speaks_of(&policies);
        assert_eq!(spoken.len(), KINDS.len());
        for actions in spoken.values() {
            assert_eq!(actions.len() + PROTECTED_ACTIONS.len(), Action::ALL.len());
        }
    }
}
