//! A second hand for every decision: the rules as straight-line Rust, written from their text and not from the
//! policies, compared with the engine on a hundred thousand random questions (`script/prove`: on ten million).
//!
//! The rules, in words:
//!
//! 1. Nobody crosses institutions; a disabled account does nothing; nobody destroys by one act: the security administrator asks
//!    and the audit administrator approves; the audit administrator places legal holds and asks for their release, and the security
//!    administrator approves that;
//!    the purpose of broken glass needs broken glass; people and services act over TLS or from the machine itself.
//! 2. L5 is listed and viewed only with a care relation that holds now, or where the glass is broken now; exported only with
//!    the relation, and never granted. Research as a purpose lists and views L1
//!    and L2, what lies between these and L5 while its patient consents to research by this principal, and L5 never; it exports L1 and L2
//!    only. Where the institution says so, it touches L2 with a consent only.
//!    Where the institution asks for a consent to sharing, what is above L2 is exported, assigned as a consultation and seen by a remote
//!    expert while its patient consents to sharing.
//!    Where the installation asks for it, a person views and exports L4S and L5 only with a second factor just proved.
//!    Whom a patient does not want, or a seal does not name, lists, views, exports and grants nothing of the patient; where the
//!    dissent says so, broken glass still lists and views. A dissent from research forbids research, also of L1 and L2, and one
//!    from sharing forbids export. No consent passes a dissent.
//! 3. A clinician lists and views studies of patients in care. Radiologist and chief list and view the
//!    institution. A specialist lists and views what a department asked for or performed to which that person belongs now. A
//!    technician stores, and lists and views what came today: where there are departments, of those and of the devices to which
//!    that person belongs now. These five search.
//!    The chief exports the institution, within the same bounds; nobody else does.
//!    Whose role is masked exports nothing, and neither reads nor changes the worklist.
//! 4. A researcher searches, and for research lists and views what a department asked for or performed to which that person belongs now,
//!    and does nothing else. Each officer has one office and no images. A device echoes, and who registers
//!    devices tries whether they echo. Devices and services
//!    store, search and view by scope; view lets them search and list too. A service exports by scope. Who stores may
//!    ask whether it is kept. Technicians and whoever has the scope read the worklist and report what is performed; of these, technicians and
//!    services change it. A device with the scope of workitems reads and changes it. The system recovers.
//! 5. Clinician, radiologist, specialist, chief and technician list and view what was granted to them, for its purpose, while it lasts, and
//!    export it where that was said. A chief gives grants, and a clinician for patients in care. Clinician, radiologist, specialist and chief
//!    break the glass and then list and view; the audit administrator reviews.
//! 6. A remote expert searches, and lists and views what was assigned to that person, while it lasts, and nothing else; not what a patient
//!    keeps from sharing. A patient searches, and lists and views the own studies while they are released and the account is bound to the
//!    record, and nothing else. A consultation is assigned by a chief or radiologist, by a specialist for the own departments and by a clinician for patients in
//!    care; nobody assigns L5, what the own eyes may not see, or what a patient keeps from sharing.
//! 7. A vendor reads health, metrics and configuration of the system, each where a maintenance session says so and while it lasts, and
//!    nothing else. It is opened by the system administrator, who reads them, too, and approved by the security administrator.

use super::engine::applies_to;
use super::{
    CareInterval, Circumstances, DissentInterval, Engine, GrantInterval, MaintenanceInterval, PolicySource,
    Principal, Resource, Scope, StudyFacts, Target, Ties,
};
use crate::consents::{ConsentFacts, ConsentRules};
use crate::departments::DepartmentFacts;
use crate::dissents::DissentFacts;
use crate::grants::{HeldGrants, grant_for_tests as grant};
use crate::reason::Reason;
use crate::visibility::{sieve, with_grants};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;
use yingdun_catalog::catalogue::Visibility;
use yingdun_catalog::catalogue::consents::{Consent, ConsentTo};
use yingdun_catalog::catalogue::departments::Membership;
use yingdun_catalog::catalogue::dissents::{Against, Dissent};
use yingdun_catalog::identity::grants::Granted;
use yingdun_model::{
    Action, ActorId, ActorKind, ConsentForm, ConsentGiver, ConsentKind, DepartmentId, Grade, GrantKind,
    InstitutionId, PatientRef, PurposeOfUse, Role, StudyRef, Timestamp,
};

const QUESTIONS: u32 = 120_000;

/// How many questions: what `script/prove` asks for, or [`QUESTIONS`].
fn questions() -> u32 {
    std::env::var("YINGDUN_ORACLE_QUESTIONS").map_or(QUESTIONS, |text| text.parse().unwrap())
}

const NOW_MS: i64 = 1_795_000_000_000;

/// What the rules say.
pub(super) fn oracle(who: &Principal, action: Action, on: &Target, when: &Circumstances) -> bool {
    let now = when.now.as_ms();
    let home = match on {
        Target::Study { institution, .. }
        | Target::Archive(institution)
        | Target::AuditLog(institution)
        | Target::Accounts(institution) => institution == &who.institution,
    };
    let human_or_program = who.kind == ActorKind::Person || who.kind == ActorKind::Service;
    let holds = |span: Option<CareInterval>| {
        span.is_some_and(|span| span.valid_from.as_ms() <= now && now < span.valid_until.as_ms())
    };
    let broken = matches!(on, Target::Study { ties, .. } if holds(ties.break_glass));
    // Whom the patient does not want, and whether broken glass passes that.
    let dissent = match on {
        Target::Study { ties, .. } => ties
            .dissent
            .filter(|dissent| dissent.valid_from.as_ms() <= now && now < dissent.valid_until.as_ms())
            .map(|dissent| dissent.break_glass),
        Target::Archive(_) | Target::AuditLog(_) | Target::Accounts(_) => None,
    };
    let no_research = matches!(on, Target::Study { ties, .. } if holds(ties.against_research));
    let agreed_to_research = matches!(on, Target::Study { ties, .. } if holds(ties.consented_research));
    let agreed_to_sharing = matches!(on, Target::Study { ties, .. } if holds(ties.consented_sharing));
    // Whether the institution lets a study out of the house without asking the patient, or the patient was asked.
    let nobody = matches!(on, Target::Study { grade: Grade::L1 | Grade::L2, .. });
    let may_get_out = nobody || agreed_to_sharing || !when.consents.sharing;
    let no_sharing = matches!(on, Target::Study { ties, .. } if holds(ties.against_sharing));
    if !home || who.disabled || action == Action::Destroy {
        return false;
    }
    if when.purpose == PurposeOfUse::BreakTheGlass && !broken {
        return false;
    }
    if human_or_program && !when.tls && !when.address.is_loopback() {
        return false;
    }
    let (study, in_care, today, grade, grant) = match on {
        Target::Study { grade, received_today, ties, .. } => {
            (true, holds(ties.care), *received_today, Some(*grade), ties.grant)
        }
        Target::Archive(_) | Target::AuditLog(_) | Target::Accounts(_) => (false, false, false, None, None),
    };
    let of_own_department = matches!(on, Target::Study { ties, .. } if holds(ties.department));
    let assigned = matches!(on, Target::Study { ties, .. } if holds(ties.consultation));
    let of_oneself = matches!(on, Target::Study { ties, .. } if holds(ties.own));
    let acquired_by_own = matches!(on, Target::Study { ties, .. } if holds(ties.acquired));
    let grant = grant.filter(|grant| {
        grant.valid_from.as_ms() <= now && now < grant.valid_until.as_ms() && grant.purpose == when.purpose
    });
    let person = |role| who.kind == ActorKind::Person && who.role == role;
    let treats = person(Role::Clinician)
        || person(Role::Radiologist)
        || person(Role::Specialist)
        || person(Role::Chief);
    let device = who.kind == ActorKind::Device && who.role == Role::Device;
    let service = who.kind == ActorKind::Service && who.role == Role::Service;
    let granted = |scope| (device || service) && who.scopes.contains(&scope);
    if when.masked && matches!(action, Action::Export | Action::ReadWorklist | Action::ManageWorklist) {
        return false;
    }
    let in_session = when.maintenance.filter(|session| {
        person(Role::Vendor) && session.valid_from.as_ms() <= now && now < session.valid_until.as_ms()
    });
    match action {
        Action::Store => study && (person(Role::Technician) || granted(Scope::Store)),
        Action::List | Action::View | Action::Export => {
            if !study || (grade == Some(Grade::L5) && !in_care && !(broken && action != Action::Export)) {
                return false;
            }
            match dissent {
                None => {}
                Some(true) if broken && action != Action::Export => {}
                Some(_) => return false,
            }
            if no_sharing && (action == Action::Export || who.role == Role::RemoteExpert) {
                return false;
            }
            if no_research && when.purpose == PurposeOfUse::HealthcareResearch {
                return false;
            }
            let research = when.purpose == PurposeOfUse::HealthcareResearch;
            let of_research = match grade {
                Some(Grade::L1) => true,
                Some(Grade::L2) => agreed_to_research || !when.consents.research,
                Some(Grade::L3 | Grade::L4 | Grade::L4S) => agreed_to_research && action != Action::Export,
                Some(Grade::L5) | None => false,
            };
            if research && !of_research {
                return false;
            }
            let gets_out = action == Action::Export || who.role == Role::RemoteExpert;
            if gets_out && !may_get_out {
                return false;
            }
            if who.role == Role::Researcher && (!research || action == Action::Export) {
                return false;
            }
            let sensitive = grade == Some(Grade::L4S) || grade == Some(Grade::L5);
            if action != Action::List
                && who.kind == ActorKind::Person
                && sensitive
                && when.step_up
                && !when.strong
            {
                return false;
            }
            let granted_to = treats || person(Role::Technician);
            if action == Action::Export {
                return person(Role::Chief)
                    || (service && who.scopes.contains(&Scope::Export))
                    || (granted_to && grant.is_some_and(|grant| grant.export));
            }
            (granted_to && grant.is_some())
                || (treats && broken)
                || (person(Role::RemoteExpert) && assigned)
                || (person(Role::Patient) && of_oneself)
                || (person(Role::Clinician) && in_care)
                || person(Role::Radiologist)
                || person(Role::Chief)
                || (person(Role::Specialist) && of_own_department)
                || (person(Role::Researcher) && of_own_department)
                || (person(Role::Technician) && today && (acquired_by_own || !when.departments))
                || granted(Scope::View)
        }
        Action::Search => {
            matches!(on, Target::Archive(_))
                && (treats
                    || person(Role::Technician)
                    || person(Role::Researcher)
                    || person(Role::RemoteExpert)
                    || person(Role::Patient)
                    || granted(Scope::Search)
                    || granted(Scope::View))
        }
        Action::Commit => {
            matches!(on, Target::Archive(_)) && (person(Role::Technician) || granted(Scope::Store))
        }
        Action::ReadWorklist => {
            matches!(on, Target::Archive(_))
                && (person(Role::Technician)
                    || granted(Scope::Worklist)
                    || (device && who.scopes.contains(&Scope::Workitems)))
        }
        Action::ReportStep => {
            matches!(on, Target::Archive(_)) && (person(Role::Technician) || granted(Scope::Worklist))
        }
        Action::ManageWorklist => {
            matches!(on, Target::Archive(_))
                && (person(Role::Technician)
                    || (service && granted(Scope::Worklist))
                    || (device && granted(Scope::Workitems)))
        }
        Action::Echo => matches!(on, Target::Archive(_)) && (device || person(Role::SystemAdministrator)),
        Action::ManageAccounts => matches!(on, Target::Accounts(_)) && person(Role::SystemAdministrator),
        Action::ManageRights => matches!(on, Target::Accounts(_)) && person(Role::SecurityAdministrator),
        Action::ReadAudit => matches!(on, Target::AuditLog(_)) && person(Role::AuditAdministrator),
        Action::ReadSystem | Action::ManageStorage => {
            matches!(on, Target::Archive(_)) && person(Role::SystemAdministrator)
        }
        Action::ManageKeys => {
            matches!(on, Target::Archive(_))
                && (person(Role::SecurityAdministrator)
                    || (who.kind == ActorKind::System && who.role == Role::System))
        }
        Action::Backup => matches!(on, Target::Archive(_)) && service && granted(Scope::Vault),
        Action::Recover => {
            matches!(on, Target::Archive(_) | Target::Study { .. })
                && who.kind == ActorKind::System
                && who.role == Role::System
        }
        Action::Destroy => false,
        Action::RequestDestruction => matches!(on, Target::Archive(_)) && person(Role::SecurityAdministrator),
        Action::ApproveDestruction => matches!(on, Target::Archive(_)) && person(Role::AuditAdministrator),
        Action::ManageHolds => matches!(on, Target::Archive(_)) && person(Role::AuditAdministrator),
        Action::ApproveRelease => matches!(on, Target::Archive(_)) && person(Role::SecurityAdministrator),
        Action::GiveGrant => {
            study
                && grade != Some(Grade::L5)
                && dissent.is_none()
                && (person(Role::Chief) || (person(Role::Clinician) && in_care))
        }
        Action::MarkKeyImages => {
            study
                && (person(Role::Radiologist)
                    || person(Role::Chief)
                    || (person(Role::Specialist) && of_own_department)
                    || (person(Role::Clinician) && in_care))
        }
        Action::AssignConsultation => {
            study
                && grade != Some(Grade::L5)
                && dissent.is_none()
                && !no_sharing
                && may_get_out
                && (person(Role::Chief)
                    || person(Role::Radiologist)
                    || (person(Role::Specialist) && of_own_department)
                    || (person(Role::Clinician) && in_care))
        }
        Action::BreakGlass => matches!(on, Target::Archive(_)) && treats,
        Action::ReviewBreakGlass | Action::ReviewAlerts => {
            matches!(on, Target::Archive(_)) && person(Role::AuditAdministrator)
        }
        Action::LiftStop | Action::ActivatePolicy => {
            matches!(on, Target::Archive(_)) && person(Role::SecurityAdministrator)
        }
        Action::ProposePolicy => {
            matches!(on, Target::Archive(_))
                && (person(Role::SystemAdministrator) || person(Role::SecurityAdministrator))
        }
        Action::ApprovePolicy => {
            matches!(on, Target::Archive(_))
                && (person(Role::SecurityAdministrator) || person(Role::AuditAdministrator))
        }
        Action::OpenMaintenance => matches!(on, Target::Archive(_)) && person(Role::SystemAdministrator),
        Action::ApproveMaintenance => matches!(on, Target::Archive(_)) && person(Role::SecurityAdministrator),
        Action::ReadHealth => {
            matches!(on, Target::Archive(_))
                && (person(Role::SystemAdministrator) || in_session.is_some_and(|session| session.health))
        }
        Action::ReadMetrics => {
            matches!(on, Target::Archive(_))
                && (person(Role::SystemAdministrator) || in_session.is_some_and(|session| session.metrics))
        }
        Action::ReadConfiguration => {
            matches!(on, Target::Archive(_))
                && (person(Role::SystemAdministrator)
                    || in_session.is_some_and(|session| session.configuration))
        }
        Action::ReviewRights => {
            matches!(on, Target::Accounts(_))
                && (person(Role::SecurityAdministrator) || person(Role::AuditAdministrator))
        }
    }
}

/// A small reproducible source of chance (xorshift64*).
pub(super) struct Chance(u64);

impl Chance {
    /// The same questions from the same seed, which is not 0.
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn one_in(&mut self, n: u64) -> bool {
        (self.next() >> 33).is_multiple_of(n)
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[((self.next() >> 33) % values.len() as u64) as usize]
    }

    fn institution(&mut self) -> InstitutionId {
        InstitutionId::new(if self.one_in(12) { "other" } else { "renmin" }).unwrap()
    }

    /// Somebody of this kind, in one of its roles or seldom in another.
    pub(super) fn principal_of(&mut self, kind: ActorKind) -> Principal {
        loop {
            let who = self.principal();
            if who.kind == kind {
                return who;
            }
        }
    }

    fn principal(&mut self) -> Principal {
        let role = self.of(Role::ALL);
        let kind = if self.one_in(6) { self.of(ActorKind::ALL) } else { kind_of(role) };
        let scopes = Scope::ALL.iter().copied().filter(|_| self.one_in(2)).collect();
        Principal {
            kind,
            actor: ActorId::new("someone").unwrap(),
            institution: self.institution(),
            role,
            disabled: self.one_in(12),
            scopes: if matches!(kind, ActorKind::Service | ActorKind::Device) {
                scopes
            } else {
                BTreeSet::new()
            },
        }
    }

    /// Half of all care relations begin or end within a millisecond of now.
    fn care(&mut self) -> Option<CareInterval> {
        let edge = self.of(&[-1, 0, 1]);
        let (from, until) =
            self.of(&[(-1000, 1000), (edge, 1000), (-1000, edge), (edge, edge), (-9, -5), (5, 9)]);
        let at = |offset: i64| Timestamp::from_ms(NOW_MS + offset);
        (!self.one_in(3)).then(|| CareInterval { valid_from: at(from), valid_until: at(until) })
    }

    /// As [`Self::care`], for any purpose.
    fn grant(&mut self) -> Option<GrantInterval> {
        let CareInterval { valid_from, valid_until } = self.care().filter(|_| self.one_in(2))?;
        let purpose = if self.one_in(3) { self.of(PurposeOfUse::ALL) } else { PurposeOfUse::Treatment };
        Some(GrantInterval { valid_from, valid_until, purpose, export: self.one_in(2) })
    }

    fn ties(&mut self) -> Ties {
        let (care, grant) = (self.care(), self.grant());
        let break_glass = if self.one_in(4) { self.care() } else { None };
        let department = if self.one_in(2) { self.care() } else { None };
        let acquired = if self.one_in(2) { self.care() } else { None };
        let consultation = if self.one_in(2) { self.care() } else { None };
        let own = if self.one_in(2) { self.care() } else { None };
        let mut seldom = || if self.one_in(4) { self.care() } else { None };
        let (dissent, against_research, against_sharing) = (seldom(), seldom(), seldom());
        let consented_research = if self.one_in(2) { self.care() } else { None };
        let consented_sharing = if self.one_in(2) { self.care() } else { None };
        let dissent = dissent.map(|CareInterval { valid_from, valid_until }| DissentInterval {
            valid_from,
            valid_until,
            break_glass: self.one_in(2),
        });
        Ties {
            care,
            grant,
            break_glass,
            department,
            acquired,
            consultation,
            own,
            dissent,
            against_research,
            against_sharing,
            consented_research,
            consented_sharing,
        }
    }

    pub(super) fn target(&mut self, action: Action) -> Target {
        let institution = self.institution();
        let study = Target::Study {
            institution: institution.clone(),
            grade: self.of(Grade::ALL),
            received_today: self.one_in(2),
            ties: self.ties(),
        };
        let all = [
            study,
            Target::Archive(institution.clone()),
            Target::AuditLog(institution.clone()),
            Target::Accounts(institution),
        ];
        // One question in eight is asked of the wrong kind of resource.
        let any = self.one_in(8);
        let fitting: Vec<_> = all.iter().filter(|target| any || applies_to(action, target)).collect();
        fitting[((self.next() >> 33) % fitting.len() as u64) as usize].clone()
    }

    /// A session of anybody, also where there can be none.
    fn maintenance(&mut self) -> Option<MaintenanceInterval> {
        let CareInterval { valid_from, valid_until } = self.care().filter(|_| self.one_in(2))?;
        let (health, metrics, configuration) = (self.one_in(2), self.one_in(2), self.one_in(2));
        Some(MaintenanceInterval { valid_from, valid_until, health, metrics, configuration })
    }

    pub(super) fn circumstances(&mut self) -> Circumstances {
        let addresses = ["127.0.0.1", "::1", "192.0.2.1", "2001:db8::1"];
        let address: IpAddr = self.of(&addresses).parse().unwrap();
        let purpose = if self.one_in(3) { self.of(PurposeOfUse::ALL) } else { PurposeOfUse::Treatment };
        let (strong, step_up, departments) = (self.one_in(2), self.one_in(2), self.one_in(2));
        let masked = self.one_in(4);
        let now = Timestamp::from_ms(NOW_MS);
        let maintenance = self.maintenance();
        let tls = !self.one_in(4);
        let consents = ConsentRules { research: self.one_in(2), sharing: self.one_in(2) };
        Circumstances {
            now,
            purpose,
            tls,
            address,
            strong,
            step_up,
            departments,
            masked,
            consents,
            maintenance,
        }
    }
}

fn kind_of(role: Role) -> ActorKind {
    match role {
        Role::Device => ActorKind::Device,
        Role::Service => ActorKind::Service,
        Role::System => ActorKind::System,
        Role::Clinician
        | Role::Radiologist
        | Role::Specialist
        | Role::Chief
        | Role::Technician
        | Role::RemoteExpert
        | Role::Patient
        | Role::Vendor
        | Role::Researcher
        | Role::SystemAdministrator
        | Role::SecurityAdministrator
        | Role::AuditAdministrator => ActorKind::Person,
    }
}

#[test]
fn the_engine_and_the_rules_in_words_agree_on_every_random_question() {
    let engine = &Engine::load(&PolicySource::Builtin).unwrap();
    let questions = questions();
    let permitted: u32 = std::thread::scope(|scope| {
        let parts: Vec<_> = (1..=4)
            .map(|seed: u64| {
                scope.spawn(move || {
                    let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
                    let mut permitted = 0;
                    for _ in 0..questions / 4 {
                        let action = chance.of(Action::ALL);
                        let (who, on) = (chance.principal(), chance.target(action));
                        let when = chance.circumstances();
                        let decision = engine.decide(&who, action, &on, &when);
                        let expected = oracle(&who, action, &on, &when);
                        assert_eq!(
                            decision.permitted, expected,
                            "seed {seed}: {who:?} {action} {on:?} {when:?}: {decision:?}"
                        );
                        assert_eq!(decision.permitted, decision.reason.permits(), "{decision:?}");
                        permitted += u32::from(decision.permitted);
                    }
                    permitted
                })
            })
            .collect();
        parts.into_iter().map(|part| part.join().unwrap()).sum()
    });
    // Both answers must be well represented, or agreement says little.
    assert!(permitted > questions / 20, "{permitted} of {questions}");
    println!("{questions} random questions, {permitted} of them permitted: engine and rules agree on all");
}

#[test]
fn what_the_engine_asks_always_fits_the_schema_and_nothing_else_is_asked() {
    let engine = Engine::load(&PolicySource::Builtin).unwrap();
    let schema = cedar_policy::Schema::from_cedarschema_str(super::policies::SCHEMA).unwrap().0;
    let mut chance = Chance(7);
    for _ in 0..3000 {
        let action = chance.of(Action::ALL);
        let (who, on, when) = (chance.principal(), chance.target(action), chance.circumstances());
        assert_eq!(
            engine.fits_schema(&schema, &who, action, &on, &when),
            applies_to(action, &on),
            "{who:?} {action} {on:?}"
        );
    }
}

#[test]
fn many_decisions_at_once_are_the_single_decisions_in_the_same_order() {
    let engine = Engine::load(&PolicySource::Builtin).unwrap();
    let mut chance = Chance(11);
    for _ in 0..50 {
        let action = chance.of(&[Action::List, Action::View]);
        let (who, when) = (chance.principal(), chance.circumstances());
        let targets: Vec<Target> = (0..40).map(|_| chance.target(action)).collect();
        let single: Vec<_> = targets.iter().map(|on| engine.decide(&who, action, on, &when)).collect();
        assert_eq!(engine.decide_many(&who, action, &targets, &when), single);
    }
}

/// Promise I5: the sieve of the catalogue never hides a study that the policies would list.
#[test]
fn a_study_that_may_be_listed_passes_the_sieve_of_the_catalogue() {
    let engine = Engine::load(&PolicySource::Builtin).unwrap();
    let now = Timestamp::from_ms(NOW_MS);
    let mut chance = Chance(13);
    let (mut listed, mut by_grant) = (0, 0);
    for _ in 0..20_000 {
        let (who, on, when) = (chance.principal(), chance.target(Action::List), chance.circumstances());
        let Target::Study { institution, received_today, ties, .. } = &on else { continue };
        let decision = engine.decide(&who, Action::List, &on, &when);
        if !decision.permitted {
            continue;
        }
        listed += 1;
        assert_eq!(institution, &who.institution);
        // The grants from which these ties were made, as rows.
        let (patient, study) = (PatientRef::from_bytes([2; 16]), StudyRef::from_bytes([1; 16]));
        let row = |on, from: Timestamp, until: Timestamp| grant(1, on, from.as_ms(), until.as_ms());
        let given = ties.grant.map(|tie| row(Granted::Study(study), tie.valid_from, tie.valid_until));
        let broken =
            ties.break_glass.map(|tie| row(Granted::Patient(patient), tie.valid_from, tie.valid_until));
        let assigned =
            ties.consultation.map(|tie| row(Granted::Study(study), tie.valid_from, tie.valid_until));
        let of_oneself = ties.own.map(|tie| row(Granted::Patient(patient), tie.valid_from, tie.valid_until));
        let held = HeldGrants(given.into_iter().chain(broken).chain(assigned).chain(of_oneself).collect());
        let departments = department_facts(&who, study, ties, when.departments);
        let plain = |visibility: &Visibility| match visibility {
            Visibility::Nothing | Visibility::Granted { .. } => false,
            Visibility::OfUnits { units, since } => {
                departments.studies.values().flatten().any(|unit| units.contains(unit))
                    && (since.is_none() || *received_today)
            }
            Visibility::Institution => true,
            Visibility::CareRelation { at, .. } => {
                ties.care.is_some_and(|care| care.valid_from <= *at && *at < care.valid_until)
            }
            Visibility::ReceivedSince(_) => *received_today,
        };
        let passes =
            match with_grants(sieve(who.kind, who.role, &who.actor, &departments, now, now), &held, now) {
                Visibility::Granted { beside, patients, studies } => {
                    patients.contains(&patient) || studies.contains(&study) || plain(&beside)
                }
                other => plain(&other),
            };
        assert!(passes, "{who:?} {on:?}");
        by_grant += u32::from(matches!(
            decision.reason,
            Reason::TimedGrant
                | Reason::Consultation
                | Reason::OwnRecord
                | Reason::BreakGlass
                | Reason::BreakGlassAgainstDissent
        ));
    }
    assert!(listed > 600 && by_grant > 100, "{listed}, {by_grant} by grants");
}

/// The memberships from which these ties were made, as rows.
fn department_facts(who: &Principal, study: StudyRef, ties: &Ties, exist: bool) -> DepartmentFacts {
    let row = |unit: &str, held: CareInterval| Membership {
        institution: who.institution.clone(),
        actor: who.actor.clone(),
        unit: unit.parse().unwrap(),
        valid_from: held.valid_from,
        valid_until: held.valid_until,
        given_by: who.actor.clone(),
    };
    let department = ties.department.map(|held| row("department:surgery", held));
    let device = ties.acquired.map(|held| row("device:CT01", held));
    let units = ["requesting:surgery", "device:CT01"].map(str::to_owned);
    DepartmentFacts {
        exist,
        memberships: department.into_iter().chain(device).collect(),
        studies: HashMap::from([(study, BTreeSet::from(units))]),
    }
}

/// A second factor is asked for only where it would open something, so that the question tells nobody what there is.
#[test]
fn a_second_factor_is_asked_of_those_whom_it_would_help_and_of_nobody_else() {
    let engine = Engine::load(&PolicySource::Builtin).unwrap();
    let mut chance = Chance(17);
    let mut asked = 0;
    for _ in 0..30_000 {
        let action = chance.of(&[Action::View, Action::Export]);
        let (who, on) = (chance.principal(), chance.target(action));
        let when = Circumstances { step_up: true, strong: false, masked: false, ..chance.circumstances() };
        let decision = engine.decide(&who, action, &on, &when);
        let with = engine.decide(&who, action, &on, &Circumstances { strong: true, ..when });
        if decision.reason == crate::reason::Reason::SecondFactorNeeded {
            assert!(with.permitted, "{who:?} {on:?}");
            asked += 1;
        } else {
            assert_eq!(decision, with, "{who:?} {on:?}");
        }
    }
    assert!(asked > 300, "{asked}");
}

/// Promise I5, both ways, over facts as rows: what the sieve lets pass and the policies list opens, and nothing that opens is
/// missing from the list.
#[test]
fn a_hundred_thousand_random_users_list_what_they_open_and_nothing_else() {
    const USERS: u64 = 100_000;
    const STUDIES_OF_ONE: u8 = 1;
    let engine = Engine::load(&PolicySource::Builtin).unwrap();
    let threads = std::thread::available_parallelism().map_or(4, std::num::NonZero::get).min(16) as u64;
    let opened: u64 = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|thread| {
                let engine = &engine;
                scope.spawn(move || {
                    let mut chance = Chance(0x5EED + thread);
                    (0..USERS / threads)
                        .map(|_| listed_and_opened(engine, &mut chance, STUDIES_OF_ONE))
                        .sum::<u64>()
                })
            })
            .collect();
        parts.into_iter().map(|part| part.join().unwrap()).sum::<u64>()
    });
    assert!(opened > USERS / 10, "{opened} of {} open", USERS * u64::from(STUDIES_OF_ONE));
}

/// One user, some studies of other patients, departments and days, and rows of every kind; how many studies open.
fn listed_and_opened(engine: &Engine, chance: &mut Chance, studies: u8) -> u64 {
    let now = Timestamp::from_ms(NOW_MS);
    let who = Principal {
        institution: InstitutionId::new("renmin").unwrap(),
        disabled: false,
        ..chance.principal()
    };
    let exist = chance.one_in(2);
    let mut when = Circumstances { tls: true, step_up: false, departments: exist, ..chance.circumstances() };
    if who.role == Role::Researcher {
        // As their sessions are.
        when.purpose = PurposeOfUse::HealthcareResearch;
    }
    let mut facts = DepartmentFacts { exist, ..DepartmentFacts::default() };
    let (mut dissents, mut consents) = (DissentFacts::default(), ConsentFacts::default());
    let (mut held, mut care) = (HeldGrants::default(), HashMap::new());
    for unit in ["department:a", "department:b", "device:C"] {
        let Some(span) = chance.care().filter(|_| exist) else { continue };
        facts.memberships.push(Membership {
            institution: who.institution.clone(),
            actor: who.actor.clone(),
            unit: unit.parse().unwrap(),
            valid_from: span.valid_from,
            valid_until: span.valid_until,
            given_by: who.actor.clone(),
        });
        if let Some(department) = unit.strip_prefix("department:") {
            consents.departments.push((DepartmentId::new(department).unwrap(), span));
        }
    }
    let resources: Vec<StudyFacts> = (0..studies)
        .map(|number| {
            let (study, patient) = (StudyRef::from_bytes([number; 16]), PatientRef::from_bytes([number; 16]));
            let units = ["requesting:a", "performing:a", "performing:b", "device:C", "requesting:z"];
            let of = units.iter().filter(|_| chance.one_in(4)).map(|unit| (*unit).to_owned()).collect();
            facts.studies.insert(study, of);
            if let Some(span) = chance.care().filter(|_| who.kind == ActorKind::Person) {
                care.insert(patient, span);
            }
            for on in [Granted::Study(study), Granted::Patient(patient)] {
                let Some(span) = chance.care().filter(|_| chance.one_in(4)) else { continue };
                let mut row = grant(number.into(), on, span.valid_from.as_ms(), span.valid_until.as_ms());
                if chance.one_in(3) {
                    row.kind = GrantKind::Consultation;
                } else if matches!(on, Granted::Patient(_)) && chance.one_in(2) {
                    row.kind = GrantKind::OwnRecord;
                } else if matches!(on, Granted::Patient(_)) && chance.one_in(2) {
                    row.kind = GrantKind::BreakGlass;
                }
                if who.kind == ActorKind::Person {
                    held.0.push(row);
                }
            }
            if let Some(span) = chance.care().filter(|_| chance.one_in(4)) {
                let against = match chance.next() % 3 {
                    0 => Against::Research,
                    1 => Against::Person(who.actor.clone()),
                    _ => Against::AllBut(vec![]),
                };
                dissents.dissents.push(Dissent {
                    number: number.into(),
                    patient,
                    against,
                    break_glass: chance.one_in(2),
                    valid_from: span.valid_from,
                    valid_until: span.valid_until,
                    given_by: who.actor.clone(),
                });
            }
            if let Some(span) = chance.care().filter(|_| chance.one_in(2)) {
                consents.consents.push(consent(chance, patient, span));
            }
            let received = Timestamp::from_ms(NOW_MS - if chance.one_in(2) { 0 } else { 1 });
            StudyFacts {
                institution: who.institution.clone(),
                study,
                patient,
                grade: chance.of(Grade::ALL),
                received,
            }
        })
        .collect();
    // Closed, at once, or a while after a study came.
    let release = chance.of(&[None, Some(Duration::ZERO), Some(Duration::from_millis(1))]);
    let visible = with_grants(sieve(who.kind, who.role, &who.actor, &facts, now, now), &held, now);
    let mut opened = 0;
    for study in &resources {
        let decide = |action| {
            let ties = Ties {
                care: care.get(&study.patient).copied(),
                grant: held.granted(study, action, when.purpose, now).map(|(_, tie)| tie),
                break_glass: held.broken(study, now).map(|(_, tie)| tie),
                department: facts.department(study.study, now),
                acquired: facts.acquired(study.study, now),
                consultation: held.consultation(study, now).map(|(_, tie)| tie),
                own: held.own_record(study, release, now).map(|(_, tie)| tie),
                dissent: dissents.against(&who, study.patient, now),
                against_research: dissents.against_research(study.patient, now),
                against_sharing: dissents.against_sharing(study.patient, now),
                consented_research: consents.interval(ConsentKind::Research, study.patient, now),
                consented_sharing: consents.interval(ConsentKind::Sharing, study.patient, now),
            };
            let target = Target::new(&Resource::Study(study.clone()), now, ties);
            engine.decide(&who, action, &target, &when).permitted
        };
        let listed = passes(&visible, study, &care, &facts) && decide(Action::List);
        let opens = decide(Action::View);
        assert_eq!(listed, opens, "{who:?} {study:?} {visible:?} {when:?} {held:?} {facts:?}");
        opened += u64::from(opens);
    }
    opened
}

/// One to sharing, to research, or to research of a project to which the user may belong.
fn consent(chance: &mut Chance, patient: PatientRef, span: CareInterval) -> Consent {
    let to = match chance.next() % 4 {
        0 => ConsentTo::Sharing,
        1 => ConsentTo::Research(Some(DepartmentId::new("a").unwrap())),
        2 => ConsentTo::Research(Some(DepartmentId::new("z").unwrap())),
        _ => ConsentTo::Research(None),
    };
    Consent {
        number: chance.next(),
        patient,
        to,
        form: ConsentForm::Paper,
        giver: ConsentGiver::Patient,
        reference: vec![],
        valid_from: span.valid_from,
        valid_until: span.valid_until,
        entered_by: ActorId::new("officer").unwrap(),
        withdrawn: None,
    }
}

/// What the sieve does with a row, in words of SQL's conditions.
fn passes(
    visible: &Visibility,
    study: &StudyFacts,
    care: &HashMap<PatientRef, CareInterval>,
    facts: &DepartmentFacts,
) -> bool {
    match visible {
        Visibility::Nothing => false,
        Visibility::Institution => true,
        Visibility::CareRelation { at, .. } => {
            care.get(&study.patient).is_some_and(|span| span.valid_from <= *at && *at < span.valid_until)
        }
        Visibility::ReceivedSince(since) => study.received >= *since,
        Visibility::OfUnits { units, since } => {
            facts.studies.get(&study.study).is_some_and(|of| units.iter().any(|unit| of.contains(unit)))
                && since.is_none_or(|since| study.received >= since)
        }
        Visibility::Granted { beside, patients, studies } => {
            patients.contains(&study.patient)
                || studies.contains(&study.study)
                || passes(beside, study, care, facts)
        }
    }
}
