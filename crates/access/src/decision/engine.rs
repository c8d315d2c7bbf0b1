//! The engine: Cedar with everything prepared that does not depend on the question.

use super::applicable::Applicable;
use super::local::{self, LOCAL_FILE, LocalPolicyError};
use super::policies::{LoadedPolicies, PolicyError, PolicySource, SCHEMA, assemble, load};
use super::question::{
    CareInterval, Circumstances, DissentInterval, GrantInterval, MaintenanceInterval, Principal, Scope,
    Target,
};
use crate::reason::Reason;
use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicyId, Request, Response,
    RestrictedExpression,
};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use yingdun_model::{Action, ActorKind, Grade, PurposeOfUse, Role};

/// How many addresses of actors, and how many actors as they stood, are kept in Cedar's form, some hundred bytes each; then it begins anew.
const FORMS_MAX: usize = 4096;

/// The outcome of a decision and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    /// Whether it is permitted.
    pub permitted: bool,
    /// Why.
    pub reason: Reason,
}

impl Decision {
    pub(crate) const fn refused(reason: Reason) -> Self {
        Self { permitted: false, reason }
    }
}

/// Policies, and the entity names that they use.
pub(crate) struct Engine {
    authorizer: Authorizer,
    policies: Applicable,
    reasons: HashMap<PolicyId, Reason>,
    digest: [u8; 32],
    files: BTreeMap<String, String>,
    names: Names,
}

impl Engine {
    /// Loads and validates the policies.
    pub(crate) fn load(source: &PolicySource) -> Result<Self, PolicyError> {
        Self::of(load(source)?)
    }

    /// The same policies with other rules of the institution, or none.
    pub(crate) fn with_local(&self, text: Option<&str>) -> Result<Self, PolicyError> {
        let mut files = self.files.clone();
        files.remove(LOCAL_FILE);
        Self::of(assemble(files, text)?)
    }

    /// The same policies while the rules of the institution cannot be read: nothing is open but the way back.
    pub(crate) fn locked(&self) -> Result<Self, PolicyError> {
        self.with_local(Some(&local::locked()))
    }

    /// The text of the rules of the institution, where there are any.
    pub(crate) fn local_text(&self) -> Option<&str> {
        self.files.get(LOCAL_FILE).map(String::as_str)
    }

    /// For which kinds of actors and of which actions a text of rules of an institution speaks.
    pub(crate) fn local_speaks_of(
        text: &str,
    ) -> Result<BTreeMap<String, BTreeSet<Action>>, LocalPolicyError> {
        Ok(local::speaks_of(&local::read(text, SCHEMA)?))
    }

    fn of(loaded: LoadedPolicies) -> Result<Self, PolicyError> {
        let LoadedPolicies { set, reasons, digest, files } = loaded;
        let names =
            Names::new().ok_or_else(|| PolicyError::Invalid("an entity type has no legal name".into()))?;
        let policies = Applicable::of(&set, &names)?;
        Ok(Self { authorizer: Authorizer::new(), policies, reasons, digest, files, names })
    }

    /// The same without leaving out policies that cannot speak about a question.
    #[cfg(test)]
    pub(super) fn undivided(source: &PolicySource) -> Result<Self, PolicyError> {
        let engine = Self::load(source)?;
        let policies = Applicable::undivided(&load(source)?.set);
        Ok(Self { policies, ..engine })
    }

    /// SHA-256 of the policy set, which goes into every leaf.
    pub(crate) const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The text of the policy set, file by file.
    pub(crate) const fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// Decides one question.
    pub(crate) fn decide(
        &self,
        who: &Principal,
        action: Action,
        on: &Target,
        when: &Circumstances,
    ) -> Decision {
        let Some(asked) = self.ask(who, when) else { return Decision::refused(Reason::PolicyError) };
        self.decide_asked(&asked, action, on)
    }

    /// Decides one action of one principal on many targets at one moment, in the order of the targets.
    ///
    /// Targets that are equal in everything that a policy can compare are decided once. This is no cache: the
    /// table of answers lives for this call only, in which the time stands still.
    pub(crate) fn decide_many(
        &self,
        who: &Principal,
        action: Action,
        on: &[Target],
        when: &Circumstances,
    ) -> Vec<Decision> {
        let Some(asked) = self.ask(who, when) else {
            return vec![Decision::refused(Reason::PolicyError); on.len()];
        };
        let mut answers: HashMap<&Target, Decision> = HashMap::new();
        on.iter()
            .map(|target| *answers.entry(target).or_insert_with(|| self.decide_asked(&asked, action, target)))
            .collect()
    }

    /// The half of a question that does not depend on the target.
    fn ask(&self, who: &Principal, when: &Circumstances) -> Option<Asked> {
        let principal = self.names.principal(who)?;
        let context = self.names.context(when)?;
        Some(Asked {
            kind: who.kind,
            role: who.role,
            principal,
            context,
            when: *when,
            stronger: OnceCell::new(),
        })
    }

    fn decide_asked(&self, asked: &Asked, action: Action, on: &Target) -> Decision {
        if !applies_to(action, on) {
            return Decision::refused(Reason::NotApplicable);
        }
        let decision = self.decide_in(asked, &asked.context, action, on);
        if decision.reason != Reason::SecondFactorNeeded {
            return decision;
        }
        // Only who would see it with a second factor hears that one is needed: to all others the answer is the usual one.
        let stronger =
            asked.stronger.get_or_init(|| self.names.context(&Circumstances { strong: true, ..asked.when }));
        let Some(stronger) = stronger else { return Decision::refused(Reason::PolicyError) };
        match self.decide_in(asked, stronger, action, on) {
            Decision { permitted: true, .. } => decision,
            refused => refused,
        }
    }

    fn decide_in(&self, asked: &Asked, context: &Context, action: Action, on: &Target) -> Decision {
        let Some((request, entities)) = self.names.question(&asked.principal, context, action, on) else {
            return Decision::refused(Reason::PolicyError);
        };
        let Some(policies) = self.policies.to(asked.kind, asked.role, action) else {
            return Decision::refused(Reason::PolicyError);
        };
        self.explain(&self.authorizer.is_authorized(&request, policies, &entities))
    }

    /// Reads the answer. A policy that fails to evaluate is skipped by Cedar, which would drop a forbid, so any
    /// such error refuses.
    fn explain(&self, response: &Response) -> Decision {
        if response.diagnostics().errors().next().is_some() {
            return Decision::refused(Reason::PolicyError);
        }
        let reasons = response.diagnostics().reason().filter_map(|id| self.reasons.get(id).copied());
        match (response.decision(), reasons.min()) {
            (cedar_policy::Decision::Allow, Some(reason)) => Decision { permitted: true, reason },
            (cedar_policy::Decision::Allow, None) => Decision::refused(Reason::PolicyError),
            (cedar_policy::Decision::Deny, reason) => {
                Decision::refused(reason.unwrap_or(Reason::NoRulePermits))
            }
        }
    }

    /// Whether a question built by this engine fits the schema. The hot path relies on the types instead.
    #[cfg(test)]
    pub(super) fn fits_schema(
        &self,
        schema: &cedar_policy::Schema,
        who: &Principal,
        action: Action,
        on: &Target,
        when: &Circumstances,
    ) -> bool {
        let asked = self.ask(who, when).unwrap();
        let (request, entities) = self.names.question(&asked.principal, &asked.context, action, on).unwrap();
        let (who, act, what) =
            (request.principal().unwrap(), request.action().unwrap(), request.resource().unwrap());
        Request::new(who.clone(), act.clone(), what.clone(), asked.context.clone(), Some(schema)).is_ok()
            && Entities::from_entities(entities.iter().cloned(), Some(schema)).is_ok()
    }
}

/// A principal and its circumstances, ready for Cedar.
struct Asked {
    kind: ActorKind,
    role: Role,
    principal: Entity,
    context: Context,
    when: Circumstances,
    /// The context, if a second factor had just been proved; made when somebody needs it.
    stronger: OnceCell<Option<Context>>,
}

/// Entity types and fixed words, parsed once.
pub(super) struct Names {
    pub(super) person: EntityTypeName,
    pub(super) device: EntityTypeName,
    pub(super) service: EntityTypeName,
    pub(super) system: EntityTypeName,
    study: EntityTypeName,
    archive: EntityTypeName,
    audit_log: EntityTypeName,
    accounts: EntityTypeName,
    pub(super) actions: HashMap<Action, EntityUid>,
    roles: HashMap<Role, EntityUid>,
    grades: HashMap<Grade, EntityUid>,
    purposes: HashMap<PurposeOfUse, EntityUid>,
    scopes: HashMap<Scope, EntityUid>,
    addresses: Forms<IpAddr, RestrictedExpression>,
    principals: Forms<Principal, Entity>,
}

/// Values in Cedar's form, which takes longer to make than most policies to evaluate. No facts: a form is found by all that went into it, so one
/// that is found is the one that would be made.
struct Forms<K, F>(Mutex<HashMap<K, F>>);

impl<K, F> Default for Forms<K, F> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash + Clone, F: Clone> Forms<K, F> {
    fn of(&self, value: &K, make: impl FnOnce(&K) -> Option<F>) -> Option<F> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(form) = known.get(value) {
            return Some(form.clone());
        }
        let form = make(value)?;
        if known.len() >= FORMS_MAX {
            known.clear();
        }
        known.insert(value.clone(), form.clone());
        Some(form)
    }
}

impl Names {
    pub(super) fn new() -> Option<Self> {
        let named = |name: &str| EntityTypeName::from_str(name).ok();
        let uid = |of: &EntityTypeName, word: &str| {
            EntityUid::from_type_name_and_id(of.clone(), EntityId::new(word))
        };
        let (action, role, grade) = (named("Action")?, named("Role")?, named("Grade")?);
        let (purpose, scope) = (named("Purpose")?, named("Scope")?);
        Some(Self {
            person: named("Person")?,
            device: named("Device")?,
            service: named("Service")?,
            system: named("System")?,
            study: named("Study")?,
            archive: named("Archive")?,
            audit_log: named("AuditLog")?,
            accounts: named("Accounts")?,
            actions: Action::ALL.iter().map(|word| (*word, uid(&action, word.as_str()))).collect(),
            roles: Role::ALL.iter().map(|word| (*word, uid(&role, word.as_str()))).collect(),
            grades: Grade::ALL.iter().map(|word| (*word, uid(&grade, word.as_str()))).collect(),
            purposes: PurposeOfUse::ALL.iter().map(|word| (*word, uid(&purpose, word.as_str()))).collect(),
            scopes: Scope::ALL.iter().map(|word| (*word, uid(&scope, word.as_str()))).collect(),
            addresses: Forms::default(),
            principals: Forms::default(),
        })
    }

    /// The type of each kind of principal.
    pub(super) fn kinds(&self) -> [(ActorKind, &EntityTypeName); 4] {
        [
            (ActorKind::Person, &self.person),
            (ActorKind::Device, &self.device),
            (ActorKind::Service, &self.service),
            (ActorKind::System, &self.system),
        ]
    }

    fn principal(&self, who: &Principal) -> Option<Entity> {
        self.principals.of(who, |who| self.principal_made(who))
    }

    fn principal_made(&self, who: &Principal) -> Option<Entity> {
        let kind = match who.kind {
            ActorKind::Person => &self.person,
            ActorKind::Device => &self.device,
            ActorKind::Service => &self.service,
            ActorKind::System => &self.system,
        };
        let mut attributes = HashMap::from([
            ("institution".to_owned(), text(who.institution.as_str())),
            ("role".to_owned(), RestrictedExpression::new_entity_uid(self.roles.get(&who.role)?.clone())),
            ("disabled".to_owned(), RestrictedExpression::new_bool(who.disabled)),
        ]);
        if matches!(who.kind, ActorKind::Service | ActorKind::Device) {
            let scopes = who.scopes.iter().filter_map(|scope| self.scopes.get(scope));
            let scopes = scopes.map(|uid| RestrictedExpression::new_entity_uid(uid.clone()));
            attributes.insert("scopes".to_owned(), RestrictedExpression::new_set(scopes));
        }
        let uid = EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(who.actor.as_str()));
        Entity::new(uid, attributes, HashSet::new()).ok()
    }

    fn context(&self, when: &Circumstances) -> Option<Context> {
        let maintenance = match &when.maintenance {
            Some(session) => Some(("maintenance".to_owned(), maintenance_record(session)?)),
            None => None,
        };
        let usual = [
            ("now".to_owned(), RestrictedExpression::new_long(when.now.as_ms())),
            (
                "purpose".to_owned(),
                RestrictedExpression::new_entity_uid(self.purposes.get(&when.purpose)?.clone()),
            ),
            ("tls".to_owned(), RestrictedExpression::new_bool(when.tls)),
            ("address".to_owned(), self.address(when.address)?),
            ("strong".to_owned(), RestrictedExpression::new_bool(when.strong)),
            ("step_up".to_owned(), RestrictedExpression::new_bool(when.step_up)),
            ("masked".to_owned(), RestrictedExpression::new_bool(when.masked)),
            ("research_consent".to_owned(), RestrictedExpression::new_bool(when.consents.research)),
            ("sharing_consent".to_owned(), RestrictedExpression::new_bool(when.consents.sharing)),
            ("departments".to_owned(), RestrictedExpression::new_bool(when.departments)),
        ];
        Context::from_pairs(usual.into_iter().chain(maintenance)).ok()
    }

    /// An address as Cedar knows it. Making one parses the name of the constructor every time, and addresses are few.
    fn address(&self, address: IpAddr) -> Option<RestrictedExpression> {
        self.addresses.of(&address, |address| Some(RestrictedExpression::new_ip(address.to_string())))
    }

    fn question(
        &self,
        principal: &Entity,
        context: &Context,
        action: Action,
        on: &Target,
    ) -> Option<(Request, Entities)> {
        let target = self.target(on)?;
        let request = Request::new(
            principal.uid(),
            self.actions.get(&action)?.clone(),
            target.uid(),
            context.clone(),
            None,
        );
        let entities = Entities::from_entities([principal.clone(), target], None);
        Some((request.ok()?, entities.ok()?))
    }

    /// The target as an entity. Policies compare attributes, never the identity of one study, so the entity is
    /// named by its institution alone.
    fn target(&self, on: &Target) -> Option<Entity> {
        let (kind, institution) = match on {
            Target::Study { institution, .. } => (&self.study, institution),
            Target::Archive(institution) => (&self.archive, institution),
            Target::AuditLog(institution) => (&self.audit_log, institution),
            Target::Accounts(institution) => (&self.accounts, institution),
        };
        let mut attributes = HashMap::from([("institution".to_owned(), text(institution.as_str()))]);
        if let Target::Study { grade, received_today, ties, .. } = on {
            let grade = RestrictedExpression::new_entity_uid(self.grades.get(grade)?.clone());
            attributes.insert("grade".to_owned(), grade);
            attributes.insert("received_today".to_owned(), RestrictedExpression::new_bool(*received_today));
            let intervals = [
                ("care", &ties.care),
                ("break_glass", &ties.break_glass),
                ("department", &ties.department),
                ("acquired", &ties.acquired),
                ("consultation", &ties.consultation),
                ("own", &ties.own),
                ("against_research", &ties.against_research),
                ("against_sharing", &ties.against_sharing),
                ("consented_research", &ties.consented_research),
                ("consented_sharing", &ties.consented_sharing),
            ];
            for (name, interval) in intervals {
                if let Some(interval) = interval {
                    attributes.insert(name.to_owned(), interval_record(interval)?);
                }
            }
            if let Some(dissent) = &ties.dissent {
                attributes.insert("dissent".to_owned(), dissent_record(dissent)?);
            }
            if let Some(grant) = &ties.grant {
                attributes.insert("grant".to_owned(), self.grant_record(grant)?);
            }
        }
        let uid = EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(institution.as_str()));
        Entity::new(uid, attributes, HashSet::new()).ok()
    }

    fn grant_record(&self, grant: &GrantInterval) -> Option<RestrictedExpression> {
        let purpose = self.purposes.get(&grant.purpose)?.clone();
        RestrictedExpression::new_record([
            ("valid_from".to_owned(), RestrictedExpression::new_long(grant.valid_from.as_ms())),
            ("valid_until".to_owned(), RestrictedExpression::new_long(grant.valid_until.as_ms())),
            ("purpose".to_owned(), RestrictedExpression::new_entity_uid(purpose)),
            ("export".to_owned(), RestrictedExpression::new_bool(grant.export)),
        ])
        .ok()
    }
}

/// Whether an action can be asked for a kind of resource at all, as the schema says. The hot path does not validate
/// requests, so a question outside the schema is stopped here.
pub(super) const fn applies_to(action: Action, on: &Target) -> bool {
    match action {
        Action::Store
        | Action::List
        | Action::View
        | Action::Export
        | Action::Destroy
        | Action::GiveGrant
        | Action::AssignConsultation
        | Action::MarkKeyImages => matches!(on, Target::Study { .. }),
        Action::Search
        | Action::Commit
        | Action::ReadWorklist
        | Action::ManageWorklist
        | Action::ReportStep
        | Action::Echo
        | Action::ReadSystem
        | Action::ManageStorage
        | Action::Backup
        | Action::ManageKeys
        | Action::RequestDestruction
        | Action::ApproveDestruction
        | Action::ManageHolds
        | Action::ApproveRelease
        | Action::BreakGlass
        | Action::ReviewBreakGlass
        | Action::ReviewAlerts
        | Action::LiftStop
        | Action::ProposePolicy
        | Action::ApprovePolicy
        | Action::ActivatePolicy
        | Action::OpenMaintenance
        | Action::ApproveMaintenance
        | Action::ReadHealth
        | Action::ReadMetrics
        | Action::ReadConfiguration => matches!(on, Target::Archive(_)),
        Action::Recover => matches!(on, Target::Study { .. } | Target::Archive(_)),
        Action::ManageAccounts | Action::ManageRights | Action::ReviewRights => {
            matches!(on, Target::Accounts(_))
        }
        Action::ReadAudit => matches!(on, Target::AuditLog(_)),
    }
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn dissent_record(dissent: &DissentInterval) -> Option<RestrictedExpression> {
    RestrictedExpression::new_record([
        ("valid_from".to_owned(), RestrictedExpression::new_long(dissent.valid_from.as_ms())),
        ("valid_until".to_owned(), RestrictedExpression::new_long(dissent.valid_until.as_ms())),
        ("break_glass".to_owned(), RestrictedExpression::new_bool(dissent.break_glass)),
    ])
    .ok()
}

fn maintenance_record(session: &MaintenanceInterval) -> Option<RestrictedExpression> {
    RestrictedExpression::new_record([
        ("valid_from".to_owned(), RestrictedExpression::new_long(session.valid_from.as_ms())),
        ("valid_until".to_owned(), RestrictedExpression::new_long(session.valid_until.as_ms())),
        ("health".to_owned(), RestrictedExpression::new_bool(session.health)),
        ("metrics".to_owned(), RestrictedExpression::new_bool(session.metrics)),
        ("configuration".to_owned(), RestrictedExpression::new_bool(session.configuration)),
    ])
    .ok()
}

fn interval_record(care: &CareInterval) -> Option<RestrictedExpression> {
    RestrictedExpression::new_record([
        ("valid_from".to_owned(), RestrictedExpression::new_long(care.valid_from.as_ms())),
        ("valid_until".to_owned(), RestrictedExpression::new_long(care.valid_until.as_ms())),
    ])
    .ok()
}
