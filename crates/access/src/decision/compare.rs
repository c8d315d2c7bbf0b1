//! What a change of the rules of an institution would change: over questions that are made up, and over those that leaves tell of. Pure.
//!
//! Rules of an institution only forbid. So what the program refuses is refused under either set, and nothing but what it permits is looked at;
//! and they say for whom and of what they speak, so nothing but that is asked.

use super::engine::Engine;
use super::question::{
    CareInterval, Circumstances, DissentInterval, GrantInterval, MaintenanceInterval, Principal, Scope,
    Target, Ties,
};
use crate::consents::ConsentRules;
use crate::reason::Reason;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::{Duration, Instant};
use yingdun_model::{Action, ActorId, ActorKind, Grade, InstitutionId, PurposeOfUse, Role, Timestamp};

/// The most questions that are made up, and the longest time for them. Where there are more, every so many-th is asked, so that what was left out
/// is spread over all of them; the report says how many there are.
const QUESTIONS_MAX: u64 = 60_000;
const TIME_MAX: Duration = Duration::from_secs(8);
/// Examples that are kept: a few of each kind of change.
const EXAMPLES_OF_ONE_MAX: usize = 2;
const EXAMPLES_MAX: usize = 20;
/// Addresses that are tried: two of everybody, and those that rules name.
const ADDRESSES_MAX: usize = 6;
/// A prime above any number of questions, which visits all of them, far from one another.
const STRIDE: u64 = 2_147_483_647;

/// The three sets: that of the program alone, with the rules in force, and with those that are proposed.
pub(crate) struct Sets {
    pub(crate) program: Engine,
    pub(crate) before: Engine,
    pub(crate) after: Engine,
    /// For whom and of what the rules before or after speak.
    pub(crate) spoken: BTreeMap<String, BTreeSet<Action>>,
    /// Addresses worth trying.
    pub(crate) addresses: Vec<IpAddr>,
}

/// Under what an installation decides.
pub(crate) struct Setting {
    pub(crate) institution: InstitutionId,
    /// Anybody: no rule names one.
    pub(crate) actor: ActorId,
    pub(crate) step_up: bool,
    pub(crate) masked: BTreeSet<Role>,
    pub(crate) consents: ConsentRules,
}

/// What the questions found that were made up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyComparison {
    /// Questions that there are.
    pub questions: u64,
    /// Of these asked.
    pub asked: u64,
    /// What comes out otherwise, by role and action.
    pub changes: Vec<PolicyChange>,
    /// Some of these questions.
    pub examples: Vec<PolicyExample>,
}

/// How many answers change for a role and an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyChange {
    /// Who asks.
    pub role: Role,
    /// For what.
    pub action: Action,
    /// Permitted before and refused after.
    pub forbidden: u64,
    /// Of these under broken glass: an emergency that the rules would end.
    pub forbidden_in_emergency: u64,
    /// Refused before and permitted after.
    pub allowed: u64,
}

/// A question that comes out otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyExample {
    /// Whether it is permitted after the change.
    pub allowed: bool,
    /// Who asks.
    pub role: Role,
    /// For what.
    pub action: Action,
    /// Why in the words of leaves: the right by which it is permitted before or after.
    pub by: Reason,
    /// The purpose.
    pub purpose: PurposeOfUse,
    /// The grade of the study, where it is about one.
    pub grade: Option<Grade>,
    /// Whether the study arrived today.
    pub today: Option<bool>,
    /// Whether a second factor was proved a short while ago.
    pub strong: bool,
    /// Whether the connection is protected.
    pub tls: bool,
    /// From where.
    pub address: IpAddr,
}

/// What a leaf tells of a question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Told {
    pub(crate) kind: ActorKind,
    pub(crate) role: Role,
    pub(crate) action: Action,
    pub(crate) purpose: PurposeOfUse,
    pub(crate) by: Reason,
    pub(crate) grade: Option<Grade>,
    pub(crate) today: Option<bool>,
}

/// What would have come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// The same.
    Same,
    /// It was permitted, and would be refused.
    Refused,
    /// It was permitted, and might be refused: it depends on what the leaf does not tell.
    PerhapsRefused,
    /// A rule of the institution refused it, and it might be permitted.
    PerhapsAllowed,
    /// What the leaf tells does not fit the policies of the program: they were others, or facts have changed since.
    Unknown,
}

impl Sets {
    /// Whether the rules before or after speak of this.
    pub(crate) fn speak_of(&self, kind: ActorKind, action: Action) -> bool {
        type_of(kind).and_then(|kind| self.spoken.get(kind)).is_some_and(|actions| actions.contains(&action))
    }

    /// Asks made-up questions of the sets.
    pub(crate) fn compare(&self, setting: &Setting) -> PolicyComparison {
        let blocks = self.blocks(setting);
        let circumstances = self.circumstances(setting);
        let sizes = blocks.iter().map(|block| (block.targets.len() * circumstances.len()) as u64);
        let questions: u64 = sizes.sum();
        let begun = Instant::now();
        let (mut asked, mut found) = (0, Found::default());
        while asked < questions.min(QUESTIONS_MAX) && begun.elapsed() < TIME_MAX {
            let mut place = (asked.wrapping_mul(STRIDE) % questions.max(1)) as usize;
            asked += 1;
            let Some(block) = blocks.iter().find(|block| {
                let size = block.targets.len() * circumstances.len();
                let is_here = place < size;
                place -= if is_here { 0 } else { size };
                is_here
            }) else {
                continue;
            };
            let target = block.targets.get(place % block.targets.len().max(1));
            let when = circumstances.get(place / block.targets.len().max(1));
            let (Some(on), Some(when)) = (target, when) else { continue };
            let when = &with_facts(when, &block.who, on, setting);
            let by = self.program.decide(&block.who, block.action, on, when);
            if !by.permitted {
                continue;
            }
            let before = self.before.decide(&block.who, block.action, on, when).permitted;
            let after = self.after.decide(&block.who, block.action, on, when).permitted;
            if before != after {
                found.note(&block.who, block.action, on, when, by.reason, after);
            }
        }
        let Found { changes, examples, .. } = found;
        let mut changes: Vec<PolicyChange> = changes.into_values().collect();
        changes.sort_by_key(|change| (change.role, change.action.as_str()));
        PolicyComparison { questions, asked, changes, examples }
    }

    /// What would have come of what a leaf tells, under every circumstance that it leaves open.
    pub(crate) fn outlook(&self, told: &Told, setting: &Setting) -> Outlook {
        let who = principal(told.kind, told.role, setting);
        let was_refused = !told.by.permits();
        let (mut considered, mut refused) = (0_u32, 0_u32);
        for on in targets_of(told, setting) {
            for when in self.circumstances(setting).iter().filter(|when| when.purpose == told.purpose) {
                let when = &with_facts(when, &who, &on, setting);
                let by = self.program.decide(&who, told.action, &on, when);
                // What the program refuses, or permits for another reason, is not what happened.
                if !by.permitted || (!was_refused && by.reason != told.by) {
                    continue;
                }
                considered += 1;
                refused += u32::from(!self.after.decide(&who, told.action, &on, when).permitted);
            }
        }
        match (considered, refused) {
            (0, _) => Outlook::Unknown,
            (all, refused) if was_refused && refused < all => Outlook::PerhapsAllowed,
            (_, _) if was_refused => Outlook::Same,
            (_, 0) => Outlook::Same,
            (all, refused) if all == refused => Outlook::Refused,
            _ => Outlook::PerhapsRefused,
        }
    }

    /// Who may ask for what, with everything on which that could be.
    fn blocks(&self, setting: &Setting) -> Vec<Block> {
        let mut blocks = Vec::new();
        for kind in [ActorKind::Person, ActorKind::Device, ActorKind::Service] {
            for action in Action::ALL.iter().filter(|action| self.speak_of(kind, **action)) {
                for role in roles_of(kind) {
                    let who = principal(kind, role, setting);
                    let targets = targets(*action, &setting.institution);
                    blocks.push(Block { who, action: *action, targets });
                }
            }
        }
        blocks
    }

    fn circumstances(&self, setting: &Setting) -> Vec<Circumstances> {
        let mut all = Vec::new();
        for purpose in PurposeOfUse::ALL {
            for (tls, strong) in [(true, true), (true, false), (false, true), (false, false)] {
                for address in &self.addresses {
                    all.push(Circumstances {
                        now: NOW,
                        purpose: *purpose,
                        tls,
                        address: *address,
                        strong,
                        step_up: setting.step_up,
                        departments: false,
                        masked: false,
                        consents: setting.consents,
                        maintenance: None,
                    });
                }
            }
        }
        all
    }
}

/// Addresses that are worth trying for these rules: of this machine, of elsewhere, and those that they name.
pub(crate) fn addresses_in(texts: &[&str]) -> Vec<IpAddr> {
    let named = texts.iter().flat_map(|text| {
        text.split("ip(\"").skip(1).filter_map(|rest| {
            let literal = rest.split('"').next()?;
            literal.split('/').next()?.parse::<IpAddr>().ok()
        })
    });
    let mut addresses: Vec<IpAddr> = vec![IpAddr::from([192, 0, 2, 1]), IpAddr::from([127, 0, 0, 1])];
    for address in named {
        if addresses.len() < ADDRESSES_MAX && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// What the policies of the program permit a role at all, in some circumstances: what could be used.
pub(crate) fn permitted_at_all(program: &Engine, role: Role, setting: &Setting) -> Vec<Action> {
    let kind = ActorKind::Person;
    let who = principal(kind, role, setting);
    let sometimes = |action: &Action| {
        targets(*action, &setting.institution).iter().any(|on| {
            [PurposeOfUse::Treatment, PurposeOfUse::HealthcareOperations, PurposeOfUse::HealthcareResearch]
                .iter()
                .any(|purpose| {
                    let when = Circumstances {
                        now: NOW,
                        purpose: *purpose,
                        tls: true,
                        address: IpAddr::from([127, 0, 0, 1]),
                        strong: true,
                        step_up: setting.step_up,
                        departments: false,
                        masked: false,
                        consents: setting.consents,
                        maintenance: None,
                    };
                    program.decide(&who, *action, on, &with_facts(&when, &who, on, setting)).permitted
                })
        })
    };
    Action::ALL.iter().copied().filter(sometimes).collect()
}

// === helpers ===

/// A moment in the middle of every interval that is made up.
const NOW: Timestamp = Timestamp::from_ms(1_795_000_000_000);
const SPAN: CareInterval = CareInterval {
    valid_from: Timestamp::from_ms(1_794_999_999_000),
    valid_until: Timestamp::from_ms(1_795_000_001_000),
};

struct Block {
    who: Principal,
    action: Action,
    targets: Vec<Target>,
}

#[derive(Default)]
struct Found {
    changes: HashMap<(Role, Action), PolicyChange>,
    examples: Vec<PolicyExample>,
    of_one: HashMap<(Role, Action, bool), usize>,
}

impl Found {
    fn note(
        &mut self,
        who: &Principal,
        action: Action,
        on: &Target,
        when: &Circumstances,
        by: Reason,
        allowed: bool,
    ) {
        let role = who.role;
        let change = self.changes.entry((role, action)).or_insert(PolicyChange {
            role,
            action,
            forbidden: 0,
            forbidden_in_emergency: 0,
            allowed: 0,
        });
        change.allowed += u64::from(allowed);
        change.forbidden += u64::from(!allowed);
        change.forbidden_in_emergency += u64::from(!allowed && by.is_broken_glass());
        let of_one = self.of_one.entry((role, action, allowed)).or_default();
        if *of_one < EXAMPLES_OF_ONE_MAX && self.examples.len() < EXAMPLES_MAX {
            *of_one += 1;
            let (grade, today) = match on {
                Target::Study { grade, received_today, .. } => (Some(*grade), Some(*received_today)),
                _ => (None, None),
            };
            let Circumstances { purpose, strong, tls, address, .. } = *when;
            self.examples.push(PolicyExample {
                allowed,
                role,
                action,
                by,
                purpose,
                grade,
                today,
                strong,
                tls,
                address,
            });
        }
    }
}

const fn type_of(kind: ActorKind) -> Option<&'static str> {
    match kind {
        ActorKind::Person => Some("Person"),
        ActorKind::Device => Some("Device"),
        ActorKind::Service => Some("Service"),
        ActorKind::System => None,
    }
}

fn roles_of(kind: ActorKind) -> Vec<Role> {
    let fits = |role: &&Role| match role {
        Role::Device => kind == ActorKind::Device,
        Role::Service => kind == ActorKind::Service,
        Role::System => false,
        _ => kind == ActorKind::Person,
    };
    Role::ALL.iter().filter(fits).copied().collect()
}

fn principal(kind: ActorKind, role: Role, setting: &Setting) -> Principal {
    let is_machine = matches!(kind, ActorKind::Device | ActorKind::Service);
    Principal {
        kind,
        actor: setting.actor.clone(),
        institution: setting.institution.clone(),
        role,
        disabled: false,
        scopes: if is_machine { Scope::ALL.iter().copied().collect() } else { BTreeSet::new() },
    }
}

/// A tie with a department is there only where there are departments; a role is masked or not.
fn with_facts(when: &Circumstances, who: &Principal, on: &Target, setting: &Setting) -> Circumstances {
    let departments =
        matches!(on, Target::Study { ties, .. } if ties.department.is_some() || ties.acquired.is_some());
    // A vendor is in a session that opens everything that one can open, and nobody else in any.
    let (valid_from, valid_until) = (SPAN.valid_from, SPAN.valid_until);
    let all =
        MaintenanceInterval { valid_from, valid_until, health: true, metrics: true, configuration: true };
    let maintenance = (who.kind == ActorKind::Person && who.role == Role::Vendor).then_some(all);
    Circumstances { departments, masked: setting.masked.contains(&who.role), maintenance, ..*when }
}

fn some_ties() -> [Ties; 11] {
    let none = Ties::default();
    let grant = GrantInterval {
        valid_from: SPAN.valid_from,
        valid_until: SPAN.valid_until,
        purpose: PurposeOfUse::Treatment,
        export: true,
    };
    let dissent =
        DissentInterval { valid_from: SPAN.valid_from, valid_until: SPAN.valid_until, break_glass: true };
    let broken = Ties { break_glass: Some(SPAN), ..none };
    [
        none,
        Ties { care: Some(SPAN), ..none },
        Ties { grant: Some(grant), ..none },
        broken,
        Ties { department: Some(SPAN), ..none },
        Ties { acquired: Some(SPAN), ..none },
        Ties { consultation: Some(SPAN), ..none },
        Ties { own: Some(SPAN), ..none },
        Ties { care: Some(SPAN), department: Some(SPAN), acquired: Some(SPAN), ..none },
        Ties { dissent: Some(dissent), ..broken },
        Ties {
            department: Some(SPAN),
            consultation: Some(SPAN),
            consented_research: Some(SPAN),
            consented_sharing: Some(SPAN),
            ..none
        },
    ]
}

/// Everything of one institution on which an action could be asked for.
fn targets(action: Action, institution: &InstitutionId) -> Vec<Target> {
    let mut studies = Vec::new();
    for grade in Grade::ALL {
        for received_today in [true, false] {
            for ties in some_ties() {
                let institution = institution.clone();
                studies.push(Target::Study { institution, grade: *grade, received_today, ties });
            }
        }
    }
    let wholes = [
        Target::Archive(institution.clone()),
        Target::AuditLog(institution.clone()),
        Target::Accounts(institution.clone()),
    ];
    studies.into_iter().chain(wholes).filter(|on| super::engine::applies_to(action, on)).collect()
}

/// What a leaf leaves open of that on which an action was asked for.
fn targets_of(told: &Told, setting: &Setting) -> Vec<Target> {
    let fits = |on: &Target| match on {
        Target::Study { grade, received_today, .. } => {
            told.grade.is_none_or(|known| known == *grade)
                && told.today.is_none_or(|known| known == *received_today)
        }
        _ => true,
    };
    targets(told.action, &setting.institution).into_iter().filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::super::policies::PolicySource;
    use super::*;

    fn sets(before: &str, after: &str) -> Sets {
        let program = Engine::load(&PolicySource::Builtin).unwrap();
        let mut spoken = Engine::local_speaks_of(before).unwrap();
        for (kind, actions) in Engine::local_speaks_of(after).unwrap() {
            spoken.entry(kind).or_default().extend(actions);
        }
        Sets {
            before: program.with_local(Some(before)).unwrap(),
            after: program.with_local(Some(after)).unwrap(),
            program,
            spoken,
            addresses: addresses_in(&[before, after]),
        }
    }

    fn setting() -> Setting {
        let institution = InstitutionId::new("renmin").unwrap();
        Setting {
            institution,
            actor: ActorId::new("somebody").unwrap(),
            step_up: false,
            masked: BTreeSet::new(),
            consents: ConsentRules::default(),
        }
    }

    const INSIDE: &str = r#"@id("local-inside") forbid (principal is Person, action == Action::"export", resource)
        unless { context.address.isInRange(ip("10.20.0.0/16")) };"#;

    #[test]
    fn what_is_newly_forbidden_and_allowed_is_found_with_examples() {
        let found = sets("", INSIDE).compare(&setting());
        assert!(found.asked > 0 && found.asked <= found.questions);
        assert!(!found.changes.is_empty());
        assert!(
            found
                .changes
                .iter()
                .all(|change| change.action == Action::Export && change.allowed == 0 && change.forbidden > 0)
        );
        assert!(found.changes.iter().any(|change| change.role == Role::Chief), "{:?}", found.changes);
        let inside: IpAddr = "10.20.0.0".parse().unwrap();
        assert!(
            found
                .examples
                .iter()
                .all(|example| !example.allowed && example.address != inside && example.by.permits())
        );
        let back = sets(INSIDE, "").compare(&setting());
        assert!(
            back.changes.iter().all(|change| change.forbidden == 0 && change.allowed > 0)
                && !back.changes.is_empty()
        );
        assert_eq!(sets(INSIDE, INSIDE).compare(&setting()).changes, []);
        let nothing = sets("", "").compare(&setting());
        assert_eq!((nothing.questions, nothing.asked), (0, 0));
    }

    #[test]
    fn a_rule_that_ends_emergencies_is_told_as_such() {
        let closes = r#"@id("local-a") forbid (principal is Person, action in [Action::"list", Action::"view"], resource)
            when { principal.role == Role::"clinician" };"#;
        let found = sets("", closes).compare(&setting());
        let view = found.changes.iter().find(|change| change.action == Action::View).unwrap();
        assert!(view.role == Role::Clinician && view.forbidden_in_emergency > 0, "{view:?}");
    }

    /// A kind of tie that is not tried is a change that nobody is told of.
    #[test]
    fn every_role_that_looks_is_found_when_looking_is_closed_and_its_leaves_are_judged() {
        let closes = r#"@id("local-all") forbid (principal is Person, action in [Action::"list", Action::"view"], resource);"#;
        let (sets, setting) = (sets("", closes), setting());
        let found = sets.compare(&setting);
        for (role, by) in [
            (Role::Clinician, Reason::InCare),
            (Role::Radiologist, Reason::ReadsForInstitution),
            (Role::Specialist, Reason::InDepartment),
            (Role::Chief, Reason::CrossDepartment),
            (Role::Technician, Reason::AcquiredToday),
            (Role::RemoteExpert, Reason::Consultation),
            (Role::Patient, Reason::OwnRecord),
        ] {
            let closed = |change: &&PolicyChange| change.role == role && change.action == Action::View;
            assert!(found.changes.iter().find(closed).is_some_and(|change| change.forbidden > 0), "{role}");
            let (purpose, today) = match role {
                Role::Patient => (PurposeOfUse::PatientRequest, Some(false)),
                Role::Technician => (PurposeOfUse::Treatment, Some(true)),
                _ => (PurposeOfUse::Treatment, Some(false)),
            };
            let (kind, action, grade) = (ActorKind::Person, Action::View, Some(Grade::L4));
            let told = Told { kind, role, action, purpose, by, grade, today };
            assert_eq!(sets.outlook(&told, &setting), Outlook::Refused, "{role}");
            assert!(permitted_at_all(&sets.program, role, &setting).contains(&Action::View), "{role}");
        }
    }

    #[test]
    fn a_leaf_is_judged_by_what_it_tells_and_says_where_it_does_not() {
        let told = |role, action, by| Told {
            kind: ActorKind::Person,
            role,
            action,
            purpose: PurposeOfUse::Treatment,
            by,
            grade: Some(Grade::L4),
            today: Some(false),
        };
        let export = told(Role::Chief, Action::Export, Reason::ExportsForInstitution);
        let all = r#"@id("local-all") forbid (principal is Person, action == Action::"export", resource);"#;
        assert_eq!(sets("", all).outlook(&export, &setting()), Outlook::Refused);
        assert_eq!(
            sets("", INSIDE).outlook(&export, &setting()),
            Outlook::PerhapsRefused,
            "no leaf tells the address"
        );
        let sensitive = all.replace(';', r#" when { resource.grade == Grade::"L4S" };"#);
        assert_eq!(sets("", &sensitive).outlook(&export, &setting()), Outlook::Same);
        let unknown = Told { grade: None, ..export.clone() };
        assert_eq!(sets("", &sensitive).outlook(&unknown, &setting()), Outlook::PerhapsRefused);
        let strange = told(Role::Clinician, Action::Export, Reason::ExportsForInstitution);
        assert_eq!(sets("", all).outlook(&strange, &setting()), Outlook::Unknown);
        let refused = told(Role::Chief, Action::Export, Reason::LocalRule);
        assert_eq!(sets(all, "").outlook(&refused, &setting()), Outlook::PerhapsAllowed);
        assert_eq!(sets(all, all).outlook(&refused, &setting()), Outlook::Same);
    }

    #[test]
    fn what_a_role_could_use_is_what_the_program_permits_it() {
        let program = Engine::load(&PolicySource::Builtin).unwrap();
        let of = |role| permitted_at_all(&program, role, &setting());
        assert!(
            of(Role::Chief).contains(&Action::Export) && !of(Role::Chief).contains(&Action::ManageRights)
        );
        assert!(of(Role::Clinician).contains(&Action::BreakGlass));
        assert!(of(Role::AuditAdministrator).contains(&Action::ReadAudit));
        assert!(!of(Role::AuditAdministrator).contains(&Action::View));
    }
}
