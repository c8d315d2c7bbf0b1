//! The whole of the rules as one readable table, kept beside this file and compared with the engine.
//!
//! A change of a policy shows as a change of `golden.txt`, which a person reviews. After an intended change, run the
//! test with `YINGDUN_WRITE_GOLDEN=1` to write the table anew, and read the difference.

use super::oracle::oracle;
use super::{
    CareInterval, Circumstances, DissentInterval, Engine, GrantInterval, MaintenanceInterval, PolicySource,
    Principal, Scope, Target, Ties,
};
use crate::consents::ConsentRules;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use yingdun_model::{Action, ActorId, ActorKind, Grade, InstitutionId, PurposeOfUse, Role, Timestamp};

const NOW_MS: i64 = 1_795_000_000_000;
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/decision/golden.txt");

/// Who asks: the kind and scopes that go with a role.
fn askers() -> Vec<(String, Principal)> {
    let principal = |kind, role, scopes: &[Scope]| Principal {
        kind,
        actor: ActorId::new("someone").unwrap(),
        institution: home(),
        role,
        disabled: false,
        scopes: scopes.iter().copied().collect::<BTreeSet<_>>(),
    };
    let mut askers = Vec::new();
    for role in Role::ALL {
        match role {
            Role::System => askers.push((role.to_string(), principal(ActorKind::System, *role, &[]))),
            Role::Device | Role::Service => {
                let kind = if *role == Role::Device { ActorKind::Device } else { ActorKind::Service };
                askers.push((format!("{role}[]"), principal(kind, *role, &[])));
                for scope in Scope::ALL {
                    askers.push((format!("{role}[{}]", scope.as_str()), principal(kind, *role, &[*scope])));
                }
                askers.push((format!("{role}[all]"), principal(kind, *role, Scope::ALL)));
            }
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
            | Role::AuditAdministrator => {
                askers.push((role.to_string(), principal(ActorKind::Person, *role, &[])));
            }
        }
    }
    askers
}

fn home() -> InstitutionId {
    InstitutionId::new("renmin").unwrap()
}

fn usual() -> Circumstances {
    Circumstances {
        now: Timestamp::from_ms(NOW_MS),
        purpose: PurposeOfUse::Treatment,
        tls: true,
        address: "192.0.2.1".parse().unwrap(),
        strong: false,
        step_up: false,
        departments: false,
        masked: false,
        consents: ConsentRules::default(),
        maintenance: None,
    }
}

/// The care relations, grants and broken glass worth a line, around the millisecond in which the question is asked.
fn relations() -> [(&'static str, Ties); 41] {
    let span = |from: i64, until: i64| {
        let at = |offset| Timestamp::from_ms(NOW_MS + offset);
        CareInterval { valid_from: at(from), valid_until: at(until) }
    };
    let care = |from, until| Ties { care: Some(span(from, until)), ..Ties::default() };
    let own = |from, until| Ties { department: Some(span(from, until)), ..Ties::default() };
    let acquired = |from, until| Ties { acquired: Some(span(from, until)), ..Ties::default() };
    let broken = |from, until| Ties { break_glass: Some(span(from, until)), ..Ties::default() };
    let grant = |from, until, purpose, export| {
        let CareInterval { valid_from, valid_until } = span(from, until);
        Ties { grant: Some(GrantInterval { valid_from, valid_until, purpose, export }), ..Ties::default() }
    };
    let dissent = |until, break_glass| {
        let CareInterval { valid_from, valid_until } = span(-1000, until);
        Some(DissentInterval { valid_from, valid_until, break_glass })
    };
    // Whoever this is has every tie there is.
    let always = Some(span(-1000, 1000));
    let all = Ties {
        care: always,
        grant: grant(-1000, 1000, PurposeOfUse::Treatment, true).grant,
        break_glass: always,
        department: always,
        acquired: always,
        consultation: always,
        own: always,
        ..Ties::default()
    };
    let agreed = Ties { consented_research: always, consented_sharing: always, ..all };
    let research = |from, until| Ties { consented_research: Some(span(from, until)), ..all };
    let of_oneself = |from, until| Ties { own: Some(span(from, until)), ..Ties::default() };
    let assigned = |from, until| Ties { consultation: Some(span(from, until)), ..Ties::default() };
    let (treat, operate) = (PurposeOfUse::Treatment, PurposeOfUse::HealthcareOperations);
    [
        ("none", Ties::default()),
        ("in care", care(-1000, 1000)),
        ("begins now", care(0, 1000)),
        ("begins in 1 ms", care(1, 1000)),
        ("last ms", care(-1000, 1)),
        ("ends now", care(-1000, 0)),
        ("granted", grant(-1000, 1000, treat, false)),
        ("granted, export", grant(-1000, 1000, treat, true)),
        ("granted, others", grant(-1000, 1000, operate, true)),
        ("grant in 1 ms", grant(1, 1000, treat, true)),
        ("grant, last ms", grant(-1000, 1, treat, true)),
        ("grant ends now", grant(-1000, 0, treat, true)),
        ("broken glass", broken(-1000, 1000)),
        ("glass, last ms", broken(-1000, 1)),
        ("glass ends now", broken(-1000, 0)),
        ("care and glass", Ties { break_glass: broken(-9, 9).break_glass, ..care(-1000, 1000) }),
        ("own department", own(-1000, 1000)),
        ("own, last ms", own(-1000, 1)),
        ("own, ends now", own(-1000, 0)),
        ("own device", acquired(-1000, 1000)),
        ("device ends now", acquired(-1000, 0)),
        ("consultation", assigned(-1000, 1000)),
        ("consult, last ms", assigned(-1000, 1)),
        ("consult ends now", assigned(-1000, 0)),
        ("own record", of_oneself(-1000, 1000)),
        ("released in 1 ms", of_oneself(1, 1000)),
        ("bound, ends now", of_oneself(-1000, 0)),
        ("not wanted", Ties { dissent: dissent(1000, false), ..all }),
        ("unless emergency", Ties { dissent: dissent(1000, true), ..all }),
        ("not wanted, over", Ties { dissent: dissent(0, false), ..all }),
        ("not to share", Ties { against_sharing: Some(span(-1000, 1000)), ..all }),
        ("not for research", Ties { against_research: Some(span(-1000, 1000)), ..all }),
        ("every tie", all),
        ("agreed, no tie", Ties { consented_research: always, consented_sharing: always, ..Ties::default() }),
        ("agreed", agreed),
        ("agreed in 1 ms", research(1, 1000)),
        ("agreed, last ms", research(-1000, 1)),
        ("agreed, ends now", research(-1000, 0)),
        ("agreed, not wanted", Ties { dissent: dissent(1000, false), ..agreed }),
        ("agreed, not to share", Ties { against_sharing: always, ..agreed }),
        ("agreed, no research", Ties { against_research: always, ..agreed }),
    ]
}

/// The maintenance sessions worth a line, around the millisecond in which the question is asked.
fn maintenance_sessions() -> [(&'static str, MaintenanceInterval); 7] {
    let of = |from: i64, until: i64, [health, metrics, configuration]: [bool; 3]| {
        let at = |offset| Timestamp::from_ms(NOW_MS + offset);
        MaintenanceInterval { valid_from: at(from), valid_until: at(until), health, metrics, configuration }
    };
    let all = [true; 3];
    [
        ("of everything", of(-1000, 1000, all)),
        ("of health", of(-1000, 1000, [true, false, false])),
        ("of metrics", of(-1000, 1000, [false, true, false])),
        ("of configuration", of(-1000, 1000, [false, false, true])),
        ("last ms", of(-1000, 1, all)),
        ("ends now", of(-1000, 0, all)),
        ("begins in 1 ms", of(1, 1000, all)),
    ]
}

/// The grades for which something is permitted, as `all`, a list, or `-`. Each cell is one question, put to the rules in words
/// as well.
fn grades(engine: &Engine, who: &Principal, action: Action, ask: &Ask, tally: &mut Tally) -> String {
    let permitted: Vec<_> = Grade::ALL
        .iter()
        .filter(|grade| {
            let on = Target::Study {
                institution: home(),
                grade: **grade,
                received_today: ask.today,
                ties: ask.ties,
            };
            // A tie with a department is there only where there are departments.
            let departments = ask.ties.department.is_some() || ask.ties.acquired.is_some();
            let when = Circumstances { departments, purpose: ask.purpose, consents: ask.consents, ..usual() };
            let permitted = engine.decide(who, action, &on, &when).permitted;
            tally.count(permitted, oracle(who, action, &on, &when));
            // A role that is masked loses what cannot be masked, and nothing else.
            let when = Circumstances { masked: true, ..when };
            let masked = engine.decide(who, action, &on, &when).permitted;
            tally.count(masked, oracle(who, action, &on, &when));
            assert_eq!(masked, permitted && action != Action::Export, "{who:?} {action} {on:?}");
            permitted
        })
        .map(|grade| grade.as_str())
        .collect();
    match permitted.len() {
        0 => "-".to_owned(),
        n if n == Grade::ALL.len() => "all".to_owned(),
        _ => permitted.join("+"),
    }
}

/// Under what a cell of the table is asked.
struct Ask {
    ties: Ties,
    today: bool,
    purpose: PurposeOfUse,
    consents: ConsentRules,
}

/// How many cells there are, and in how many the policies are not what the rules say.
#[derive(Default)]
struct Tally {
    cells: u32,
    over_granted: u32,
    under_granted: u32,
}

impl Tally {
    fn count(&mut self, permitted: bool, expected: bool) {
        self.cells += 1;
        self.over_granted += u32::from(permitted && !expected);
        self.under_granted += u32::from(!permitted && expected);
    }
}

/// For each asker and purpose the rows that differ, each with everything for which it holds.
fn studies(engine: &Engine, tally: &mut Tally) -> String {
    let askers = askers();
    let parts: Vec<(String, Tally)> = std::thread::scope(|scope| {
        let parts: Vec<_> = askers
            .iter()
            .map(|(name, who)| {
                scope.spawn(move || {
                    let mut tally = Tally::default();
                    (studies_of(engine, name, who, &mut tally), tally)
                })
            })
            .collect();
        parts.into_iter().map(|part| part.join().unwrap()).collect()
    });
    for (_, part) in &parts {
        tally.cells += part.cells;
        tally.over_granted += part.over_granted;
        tally.under_granted += part.under_granted;
    }
    parts.into_iter().map(|(text, _)| text).collect()
}

fn studies_of(engine: &Engine, name: &str, who: &Principal, tally: &mut Tally) -> String {
    const LOOKS: [Action; 6] = [
        Action::List,
        Action::View,
        Action::Export,
        Action::GiveGrant,
        Action::AssignConsultation,
        Action::MarkKeyImages,
    ];
    const OTHERS: [Action; 3] = [Action::Store, Action::Recover, Action::Destroy];
    let mut out = String::new();
    for purpose in PurposeOfUse::ALL {
        // Machines act for operations, and for nothing else.
        let usual = if who.kind == ActorKind::Person {
            PurposeOfUse::Treatment
        } else {
            PurposeOfUse::HealthcareOperations
        };
        if who.kind != ActorKind::Person && *purpose != usual {
            continue;
        }
        // What is no look is asked for the usual purpose only.
        let others: &[Action] = if *purpose == usual { &OTHERS } else { &[] };
        let mut rows: Vec<(String, Vec<String>)> = Vec::new();
        for (relation, ties) in relations() {
            let mut cells = |today| {
                let consents = ConsentRules::default();
                let ask = Ask { ties, today, purpose: *purpose, consents };
                let cell = |action: &Action| {
                    let grades = grades(engine, who, *action, &ask, tally);
                    (grades != "-").then(|| format!("{action} {grades}"))
                };
                let cells: Vec<String> = LOOKS.iter().chain(others).filter_map(cell).collect();
                if cells.is_empty() { "nothing".to_owned() } else { cells.join("; ") }
            };
            let (today, earlier) = (cells(true), cells(false));
            let mut add = |cells: String, label: String| match rows.iter_mut().find(|row| row.0 == cells) {
                Some(row) => row.1.push(label),
                None => rows.push((cells, vec![label])),
            };
            if today == earlier {
                add(today, relation.to_owned());
            } else {
                add(today, format!("{relation} (today)"));
                add(earlier, format!("{relation} (earlier)"));
            }
        }
        writeln!(out, "{name}, {purpose}").unwrap();
        for (cells, labels) in rows {
            writeln!(out, "    {cells}\n        {}", labels.join(" | ")).unwrap();
        }
    }
    out
}

/// For each asker, action and purpose of which one depends on it: the grades for which it is permitted, with ties of every kind, without
/// a consent, with one, and with one that ends now.
fn where_consents_are_needed(engine: &Engine, tally: &mut Tally) -> String {
    let mut out = String::new();
    let relations = relations();
    let of = |label: &str| relations.iter().find(|(named, _)| *named == label).unwrap().1;
    let shared = |until| {
        let CareInterval { valid_from, .. } = of("agreed").consented_sharing.unwrap();
        let valid_until = Timestamp::from_ms(NOW_MS + until);
        Ties { consented_sharing: Some(CareInterval { valid_from, valid_until }), ..of("every tie") }
    };
    let all = [
        ("none", of("every tie")),
        ("given", of("agreed")),
        ("research, last ms", of("agreed, last ms")),
        ("research, ends now", of("agreed, ends now")),
        ("sharing, last ms", shared(1)),
        ("sharing, ends now", shared(0)),
        ("but not wanted", of("agreed, not wanted")),
        ("but not to share", of("agreed, not to share")),
        ("but no research", of("agreed, no research")),
    ];
    for (name, who) in askers() {
        for (purpose, action) in PurposeOfUse::ALL.iter().flat_map(|purpose| {
            [Action::List, Action::View, Action::Export, Action::GiveGrant, Action::AssignConsultation]
                .map(|action| (*purpose, action))
        }) {
            if who.kind != ActorKind::Person && purpose != PurposeOfUse::HealthcareOperations {
                continue;
            }
            let mut cells = |consents| {
                all.map(|(_, ties)| {
                    grades(engine, &who, action, &Ask { ties, today: true, purpose, consents }, tally)
                })
            };
            let (free, needed) =
                (cells(ConsentRules::default()), cells(ConsentRules { research: true, sharing: true }));
            if free == needed && needed[0] == needed[1] {
                continue;
            }
            let told: Vec<String> =
                all.iter().zip(needed).map(|((label, _), cell)| format!("{label}: {cell}")).collect();
            writeln!(out, "{name}, {purpose}, {action}\n        {}", told.join(" | ")).unwrap();
        }
    }
    out
}

fn table() -> String {
    let engine = Engine::load(&PolicySource::Builtin).unwrap();
    let mut tally = Tally::default();
    let mut out = String::from(
        "Studies: for each asker and purpose, what is permitted for which grades, and below by which ties and arrivals. Each cell is asked of a role that is masked, too: it differs by the export alone.\n\n",
    );
    out.push_str(&studies(&engine, &mut tally));
    out.push_str("\nWhere the institution asks for a consent to every research and to sharing: the same, as far as it differs by that.\n\n");
    out.push_str(&where_consents_are_needed(&engine, &mut tally));
    let Tally { cells, over_granted, under_granted } = tally;
    writeln!(out, "\n{cells} cells, {over_granted} over-granted, {under_granted} under-granted").unwrap();

    out.push_str("\nThe institution: what is permitted, and why.\n\n");
    let wholes = [
        (Action::Search, Target::Archive(home())),
        (Action::Commit, Target::Archive(home())),
        (Action::ReadWorklist, Target::Archive(home())),
        (Action::ManageWorklist, Target::Archive(home())),
        (Action::ReportStep, Target::Archive(home())),
        (Action::Echo, Target::Archive(home())),
        (Action::ReadSystem, Target::Archive(home())),
        (Action::ManageStorage, Target::Archive(home())),
        (Action::ManageKeys, Target::Archive(home())),
        (Action::Backup, Target::Archive(home())),
        (Action::RequestDestruction, Target::Archive(home())),
        (Action::ApproveDestruction, Target::Archive(home())),
        (Action::ManageHolds, Target::Archive(home())),
        (Action::ApproveRelease, Target::Archive(home())),
        (Action::BreakGlass, Target::Archive(home())),
        (Action::ReviewBreakGlass, Target::Archive(home())),
        (Action::ReviewAlerts, Target::Archive(home())),
        (Action::LiftStop, Target::Archive(home())),
        (Action::ProposePolicy, Target::Archive(home())),
        (Action::ApprovePolicy, Target::Archive(home())),
        (Action::ActivatePolicy, Target::Archive(home())),
        (Action::OpenMaintenance, Target::Archive(home())),
        (Action::ApproveMaintenance, Target::Archive(home())),
        (Action::ReadHealth, Target::Archive(home())),
        (Action::ReadMetrics, Target::Archive(home())),
        (Action::ReadConfiguration, Target::Archive(home())),
        (Action::Recover, Target::Archive(home())),
        (Action::ReadAudit, Target::AuditLog(home())),
        (Action::ManageAccounts, Target::Accounts(home())),
        (Action::ManageRights, Target::Accounts(home())),
        (Action::ReviewRights, Target::Accounts(home())),
    ];
    for (name, who) in askers() {
        for (action, on) in &wholes {
            let decision = engine.decide(&who, *action, on, &usual());
            let word = if decision.permitted { "yes" } else { "no" };
            writeln!(out, "{name:<28} {:<16} {word:<4} {}", action.as_str(), decision.reason).unwrap();
        }
    }

    out.push_str("\nIn a maintenance session: of what it opens, what is permitted, and why.\n\n");
    for (name, who) in askers() {
        for (session, maintenance) in maintenance_sessions() {
            let when = Circumstances { maintenance: Some(maintenance), ..usual() };
            let looks =
                [Action::ReadHealth, Action::ReadMetrics, Action::ReadConfiguration, Action::ReadSystem];
            let answers: Vec<String> = looks
                .iter()
                .map(|action| {
                    let on = Target::Archive(home());
                    let decision = engine.decide(&who, *action, &on, &when);
                    assert_eq!(decision.permitted, oracle(&who, *action, &on, &when), "{who:?} {action}");
                    let word = if decision.permitted { "yes" } else { "no" };
                    format!("{action} {word} {}", decision.reason)
                })
                .collect();
            writeln!(out, "{name:<28} {session:<18} {}", answers.join("; ")).unwrap();
        }
    }

    out.push_str(
        "\nWhere a second factor is asked for: in care, received today; what opens with and without one.\n\n",
    );
    for (name, who) in askers() {
        for (action, grade) in [Action::List, Action::View, Action::Export]
            .into_iter()
            .flat_map(|action| [Grade::L4, Grade::L4S, Grade::L5].map(|grade| (action, grade)))
        {
            let ties = relations()[1].1;
            let on = Target::Study { institution: home(), grade, received_today: true, ties };
            let decide = |strong| {
                let when = Circumstances { step_up: true, strong, ..usual() };
                engine.decide(&who, action, &on, &when).reason
            };
            writeln!(
                out,
                "{name:<28} {:<8} {:<4} {:<28} {}",
                action.as_str(),
                grade.as_str(),
                decide(false),
                decide(true)
            )
            .unwrap();
        }
    }

    out.push_str("\nOf a role that is masked: in care, received today.\n\n");
    for (name, who) in askers() {
        let when = Circumstances { masked: true, ..usual() };
        let study =
            |ties| Target::Study { institution: home(), grade: Grade::L4, received_today: true, ties };
        let cells = [Action::Search, Action::ReadWorklist, Action::ManageWorklist]
            .map(|action| (action, Target::Archive(home())))
            .into_iter()
            .chain(
                [Action::List, Action::View, Action::Export].map(|action| (action, study(relations()[1].1))),
            );
        for (action, on) in cells {
            let decision = engine.decide(&who, action, &on, &when);
            let word = if decision.permitted { "yes" } else { "no" };
            writeln!(out, "{name:<28} {:<16} {word:<4} {}", action.as_str(), decision.reason).unwrap();
        }
    }

    out.push_str("\nCircumstances: a view of an L4 study, in care, received today.\n\n");
    let on = |institution: &str| Target::Study {
        institution: InstitutionId::new(institution).unwrap(),
        grade: Grade::L4,
        received_today: true,
        ties: relations()[1].1,
    };
    for (name, who) in askers() {
        let disabled = Principal { disabled: true, ..who.clone() };
        let plain = Circumstances { tls: false, ..usual() };
        let local = Circumstances { address: "127.0.0.1".parse().unwrap(), ..plain };
        let mut line = |what: &str, who: &Principal, on: &Target, when: &Circumstances| {
            let decision = engine.decide(who, Action::View, on, when);
            let word = if decision.permitted { "yes" } else { "no" };
            writeln!(out, "{name:<28} {what:<28} {word:<4} {}", decision.reason).unwrap();
        };
        line("as usual", &who, &on("renmin"), &usual());
        line("of another institution", &who, &on("other"), &usual());
        line("with a disabled account", &disabled, &on("renmin"), &usual());
        line("without TLS", &who, &on("renmin"), &plain);
        line("without TLS, on the machine", &who, &on("renmin"), &local);
        let departments = Circumstances { departments: true, ..usual() };
        line("where there are departments", &who, &on("renmin"), &departments);
        for purpose in PurposeOfUse::ALL {
            let when = Circumstances { purpose: *purpose, ..usual() };
            line(&format!("for {purpose}"), &who, &on("renmin"), &when);
        }
        let when = Circumstances { purpose: PurposeOfUse::BreakTheGlass, ..usual() };
        let broken = |institution: &str| match on(institution) {
            Target::Study { institution, grade, received_today, .. } => {
                Target::Study { institution, grade, received_today, ties: relations()[12].1 }
            }
            other => other,
        };
        line("for BTG, broken glass", &who, &broken("renmin"), &when);
        line("of another, broken glass", &who, &broken("other"), &usual());
        line("disabled, broken glass", &disabled, &broken("renmin"), &usual());
    }
    out
}

#[test]
fn the_policies_are_the_reviewed_table() {
    let table = table();
    let counted = table.lines().find(|line| line.contains(" cells, ")).unwrap().to_owned();
    let cells: u32 = counted.split(' ').next().unwrap().parse().unwrap();
    assert!(cells >= 50_000 && counted.ends_with("0 over-granted, 0 under-granted"), "{counted}");
    if std::env::var_os("YINGDUN_WRITE_GOLDEN").is_some() {
        std::fs::write(FILE, &table).unwrap();
    }
    let reviewed = std::fs::read_to_string(FILE).unwrap();
    for (number, (now, before)) in table.lines().zip(reviewed.lines()).enumerate() {
        assert_eq!(now, before, "line {} of golden.txt", number + 1);
    }
    assert_eq!(table.lines().count(), reviewed.lines().count());
}
