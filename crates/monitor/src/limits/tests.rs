use super::*;

const MINUTE: i64 = 60_000;

fn rules(at_most: u64) -> LimitRules {
    let limit = Limit {
        measure: Measure::Patients,
        of: Of::All,
        within_minutes: 60,
        at_most,
        step: Step::SuspendSession,
    };
    LimitRules { usual: vec![limit], ..LimitRules::default() }
}

fn limits(at_most: u64) -> Limits {
    Limits::new(rules(at_most)).unwrap()
}

fn view(patient: &str, at_ms: i64) -> Look<'_> {
    Look {
        sequence: 1,
        at_ms,
        person: "p",
        role: "radiologist",
        session: "s",
        device: None,
        place: None,
        act: Act::View,
        patient: Some(patient),
        study: None,
        instances: 1,
        bytes: 1,
        why: Explanations::default(),
        emergency: false,
        decoy: false,
    }
}

/// Opens so many patients one after the other, and says how many were let through.
fn open(
    limits: &mut Limits,
    names: std::ops::Range<usize>,
    at_ms: i64,
    change: impl Fn(Look<'_>) -> Look<'_>,
) -> usize {
    names
        .filter(|n| {
            let name = format!("patient-{n}");
            // The closure only changes plain fields; the name lives as long as the look.
            let look = change(view(&name, at_ms));
            !limits.look(&look).stopped
        })
        .count()
}

fn because(explanation: Explanation) -> impl Fn(Look<'_>) -> Look<'_> {
    move |look| Look { why: Explanations::default().with(explanation), ..look }
}

#[test]
fn bulk_stops_at_the_limit_and_says_so_once() {
    let mut limits = limits(10);
    assert_eq!(open(&mut limits, 0..10, 0, |look| look), 10);
    let judged = limits.look(&view("one-more", 1));
    assert!(judged.stopped);
    let [finding] = judged.findings.as_slice() else { panic!("{judged:?}") };
    let what =
        What::Limit { measure: Measure::Patients, of: Of::All, counted: 11, at_most: 10, within_minutes: 60 };
    assert_eq!((&finding.what, finding.until_ms), (&what, Some(1 + 30 * MINUTE)));
    // Neither another one nor one that was open before opens, and nothing more is said.
    for patient in ["two-more", "patient-1"] {
        assert_eq!(limits.look(&view(patient, 2)), Judgement { stopped: true, ..Judgement::default() });
    }
    // Somebody else goes on.
    assert!(!limits.look(&Look { person: "q", ..view("x", 3) }).stopped);
}

#[test]
fn the_same_patients_again_are_no_bulk() {
    let mut limits = limits(10);
    for round in 0..100 {
        assert_eq!(open(&mut limits, 0..10, round * 1000, |look| look), 10);
    }
}

#[test]
fn a_block_ends_by_itself_unless_it_is_confirmed() {
    let mut rules = rules(2);
    rules.usual[0].within_minutes = 30;
    let mut limits = Limits::new(rules).unwrap();
    open(&mut limits, 0..3, 0, |look| look);
    assert!(limits.look(&view("x", 30 * MINUTE - 1)).stopped);
    assert!(!limits.look(&view("x", 30 * MINUTE)).stopped, "to the millisecond, and the count begins anew");
    open(&mut limits, 10..13, 31 * MINUTE, |look| look);
    limits.confirm("p", 32 * MINUTE).unwrap();
    assert!(limits.look(&view("x", 300 * MINUTE)).stopped);
    assert_eq!(limits.lift("p", "p", 300 * MINUTE), Err(LiftError::SamePerson));
    limits.lift("p", "officer", 300 * MINUTE).unwrap();
    assert_eq!(open(&mut limits, 20..22, 300 * MINUTE, |look| look), 2);
    assert_eq!(limits.lift("p", "officer", 300 * MINUTE), Err(LiftError::NotBlocked));
}

#[test]
fn waiting_for_the_end_of_a_block_evades_neither_the_limit_of_a_day_nor_an_absolute_one() {
    let limit = |within_minutes, at_most| Limit { within_minutes, at_most, ..rules(0).usual[0] };
    // Whoever collects waits out each block, and opens nothing twice.
    let collected = |rules: LimitRules| {
        let mut limits = Limits::new(rules).unwrap();
        let round = |n: usize| (n * 100..n * 100 + 100, i64::try_from(n).unwrap() * 31 * MINUTE);
        (0..40).map(round).map(|(names, at_ms)| open(&mut limits, names, at_ms, |look| look)).sum::<usize>()
    };
    let usual = vec![limit(30, 20), limit(1440, 50)];
    assert_eq!(collected(LimitRules { usual, ..rules(0) }), 50);
    let (usual, absolute) = (vec![limit(30, 20)], vec![limit(1440, 70)]);
    assert_eq!(collected(LimitRules { usual, absolute, ..rules(0) }), 70);
    // An absolute limit of a short window slides, and is not forgiven either.
    let (usual, absolute) = (vec![limit(30, 1000)], vec![limit(30, 10)]);
    let mut limits =
        Limits::new(LimitRules { usual, absolute, block_minutes: 20, ..LimitRules::default() }).unwrap();
    assert_eq!(open(&mut limits, 0..20, 0, |look| look), 10);
    assert_eq!(open(&mut limits, 20..40, 20 * MINUTE, |look| look), 0, "stopped anew");
    assert_eq!(open(&mut limits, 40..60, 41 * MINUTE, |look| look), 10);
}

#[test]
fn what_a_person_lifts_is_forgiven_altogether() {
    let mut rules = rules(1000);
    rules.absolute = vec![Limit { within_minutes: 1440, at_most: 10, ..rules.usual[0] }];
    let mut limits = Limits::new(rules).unwrap();
    assert_eq!(open(&mut limits, 0..20, 0, |look| look), 10);
    limits.lift("p", "officer", MINUTE).unwrap();
    assert_eq!(open(&mut limits, 20..40, 2 * MINUTE, |look| look), 10);
    limits.forgive("p");
    assert_eq!(open(&mut limits, 40..60, 3 * MINUTE, |look| look), 10);
}

#[test]
fn broken_glass_and_single_emergencies_are_never_stopped_nor_counted() {
    let mut limits = limits(2);
    assert_eq!(open(&mut limits, 0..50, 0, because(Explanation::BreakGlass)), 50);
    assert_eq!(open(&mut limits, 50..60, 0, |look| look), 2, "blocked now");
    assert_eq!(open(&mut limits, 100..150, 1, because(Explanation::BreakGlass)), 50);
    fn emergency(look: Look<'_>) -> Look<'_> {
        Look { emergency: true, ..look }
    }
    assert_eq!(open(&mut limits, 200..220, 2, emergency), 5, "five patients of an emergency within an hour");
    assert!(!limits.look(&Look { emergency: true, ..view("patient-203", 3) }).stopped);
    let taken =
        Look { act: Act::Export, why: Explanations::default().with(Explanation::BreakGlass), ..view("z", 4) };
    assert!(limits.look(&taken).stopped, "nothing is carried away in an emergency");
}

#[test]
fn announced_work_widens_and_does_not_open_everything() {
    for announced in [Explanation::Board, Explanation::QualityAudit, Explanation::Teaching] {
        assert_eq!(open(&mut limits(10), 0..300, 0, because(announced)), 100, "{announced}");
    }
    // Who moves an archive has no limit of a role, but that of everybody.
    assert_eq!(open(&mut limits(10), 0..300, 0, because(Explanation::Maintenance)), 300);
    let mut rules = rules(10);
    let cap = Limit { at_most: 12, ..rules.usual[0] };
    rules.absolute = vec![cap];
    assert_eq!(open(&mut Limits::new(rules).unwrap(), 0..300, 0, because(Explanation::Maintenance)), 120);
    assert_eq!(open(&mut limits(10), 0..300, 0, because(Explanation::CareRelation)), 10);
}

#[test]
fn what_is_explained_does_not_count_as_unexplained() {
    let mut rules = rules(10);
    rules.usual[0].of = Of::Unexplained;
    let mut limits = Limits::new(rules).unwrap();
    assert_eq!(open(&mut limits, 0..100, 0, because(Explanation::Worklist)), 100);
    assert_eq!(open(&mut limits, 100..200, 0, |look| look), 10);
}

#[test]
fn no_role_passes_the_absolute_cap_and_changing_the_role_does_not_begin_anew() {
    let mut rules = rules(100_000 % DISTINCT_MAX as u64);
    let cap = Limit {
        measure: Measure::Patients,
        of: Of::All,
        within_minutes: 60,
        at_most: 20,
        step: Step::SuspendSession,
    };
    rules.absolute = vec![cap];
    rules.usual[0].at_most = 15_000;
    let mut limits = Limits::new(rules).unwrap();
    assert_eq!(open(&mut limits, 0..15, 0, |look| look), 15);
    assert_eq!(open(&mut limits, 15..30, 1, |look| Look { role: "chief", ..look }), 5);
}

#[test]
fn two_roles_in_turns_are_counted_as_each_of_them_alone() {
    let mut rules = rules(10);
    rules.roles.insert("technician".to_owned(), vec![Limit { at_most: 4, ..rules.usual[0] }]);
    let turns = |roles: [&'static str; 2]| {
        let mut limits = Limits::new(rules.clone()).unwrap();
        let mut role = |n: usize| {
            let role = roles[n % 2];
            open(&mut limits, n..n + 1, 0, |look| Look { role, ..look })
        };
        (0..200).map(&mut role).sum::<usize>()
    };
    // Stopped in one role is stopped in both.
    assert_eq!(turns(["clinician", "radiologist"]), 20);
    assert_eq!(turns(["technician", "radiologist"]), 8);
}

#[test]
fn roles_of_a_person_are_bounded_and_the_one_that_rested_longest_begins_anew() {
    let mut limits = limits(10);
    let names: Vec<String> = (0..3 * ROLES_MAX).map(|n| format!("role-{n}")).collect();
    for role in &names {
        assert!(!limits.look(&Look { role, ..view("q", 0) }).stopped);
        assert_eq!(open(&mut limits, 0..9, 0, |look| look), 9);
    }
    let counted = limits.people.values().next().unwrap();
    assert_eq!(counted.roles.len(), ROLES_MAX);
    // One that is used again and again does not begin anew, however many others there are.
    assert_eq!(open(&mut limits, 9..30, 0, |look| look), 1);
}

#[test]
fn exports_are_stopped_while_looking_goes_on() {
    let mut rules = rules(1000);
    rules.usual.push(Limit {
        measure: Measure::Exports,
        of: Of::All,
        within_minutes: 60,
        at_most: 3,
        step: Step::SuspendExport,
    });
    let mut limits = Limits::new(rules).unwrap();
    fn export(look: Look<'_>) -> Look<'_> {
        Look { act: Act::Export, ..look }
    }
    assert_eq!(open(&mut limits, 0..10, 0, export), 3);
    assert_eq!(open(&mut limits, 10..20, 1, |look| look), 10);
    assert_eq!(open(&mut limits, 20..30, 2, export), 0);
}

#[test]
fn a_limit_that_stops_exports_says_so_once_while_looking_goes_on() {
    let mut rules = rules(1000);
    rules.usual.push(Limit {
        measure: Measure::Bytes,
        of: Of::All,
        within_minutes: 60,
        at_most: 100,
        step: Step::SuspendExport,
    });
    let mut limits = Limits::new(rules).unwrap();
    let said = |limits: &mut Limits, at_ms| {
        let judged = limits.look(&Look { bytes: 90, ..view("q", at_ms) });
        assert!(!judged.stopped);
        judged.findings.len()
    };
    let told: usize = (0..100).map(|n| said(&mut limits, n)).sum();
    assert_eq!(told, 1);
    assert!(limits.look(&Look { act: Act::Export, ..view("q", 200) }).stopped);
}

#[test]
fn bytes_are_summed_within_the_window() {
    let mut rules = rules(1000);
    rules.usual.push(Limit {
        measure: Measure::Bytes,
        of: Of::All,
        within_minutes: 60,
        at_most: 1000,
        step: Step::SuspendSession,
    });
    let mut limits = Limits::new(rules).unwrap();
    let of = |bytes, at| Look { bytes, ..view("q", at) };
    assert!(!limits.look(&of(600, 0)).stopped);
    assert!(!limits.look(&of(600, 62 * MINUTE)).stopped, "the first has left the window");
    assert!(limits.look(&of(600, 63 * MINUTE)).stopped);
}

#[test]
fn a_decoy_is_told_once_an_hour_and_not_of_announced_maintenance() {
    let mut limits = limits(10);
    let decoy = Look { decoy: true, ..view("nobody", 0) };
    for (at_ms, told) in [(0, 1), (MINUTE, 0), (3 * 60 * MINUTE, 1)] {
        let judged = limits.look(&Look { at_ms, ..decoy });
        assert!(!judged.stopped);
        assert_eq!(judged.findings.iter().filter(|finding| finding.what == What::Decoy).count(), told);
    }
    let judged = limits.look(&Look { patient: Some("another"), at_ms: 3 * 60 * MINUTE, ..decoy });
    assert_eq!(judged.findings[0].what, What::Decoy);
    let decoy = Look { at_ms: 9 * 60 * MINUTE, ..decoy };
    let listed = Look { why: Explanations::default().with(Explanation::Maintenance), ..decoy };
    assert!(limits.look(&listed).findings.is_empty());
}

#[test]
fn one_account_at_two_places_at_once_is_told_and_one_that_walks_is_not() {
    let mut limits = limits(1000);
    let at = |place, session, at_ms| Look { place: Some(place), session, ..view("q", at_ms) };
    // Walks from ward to ward.
    for (n, place) in ["a", "b", "c"].into_iter().enumerate() {
        let at_ms = i64::try_from(n).unwrap() * MINUTE;
        assert!(limits.look(&at(place, "one", at_ms)).findings.is_empty());
    }
    let mut limits = Limits::new(rules(1000)).unwrap();
    let told = [("a", "one", 0), ("b", "two", MINUTE), ("a", "one", 2 * MINUTE), ("b", "two", 3 * MINUTE)]
        .map(|(place, session, at_ms)| limits.look(&at(place, session, at_ms)).findings.len());
    assert_eq!(told, [0, 0, 1, 0], "told once within an hour");
}

#[test]
fn many_patients_from_a_device_that_is_new_for_a_known_person_are_told() {
    let rules = LimitRules { new_device_patients: 5, ..rules(1000) };
    let mut limits = Limits::new(rules).unwrap();
    let mut told = |device: &'static str, at_ms: i64| {
        (0..10)
            .map(|n| {
                let name = format!("{device}-{n}");
                limits.look(&Look { device: Some(device), ..view(&name, at_ms) }).findings.len()
            })
            .sum::<usize>()
    };
    assert_eq!(told("old", 0), 0, "everything is new of who is new");
    assert_eq!(told("old", 5 * DAY_MS), 0);
    assert_eq!(told("new", 5 * DAY_MS), 1);
    assert_eq!(told("new", 7 * DAY_MS), 0, "no longer new");
}

#[test]
fn a_role_that_does_little_is_stopped_sooner_and_never_below_half() {
    let day = Limit {
        measure: Measure::Patients,
        of: Of::All,
        within_minutes: 1440,
        at_most: 100,
        step: Step::SuspendSession,
    };
    let rules = LimitRules { usual: vec![day], ..LimitRules::default() };
    let mut limits = Limits::new(rules).unwrap();
    for day in 0..400 {
        let person = format!("person-{}", day % 40);
        for n in 0..5 {
            let name = format!("q{n}");
            limits.look(&Look { person: &person, ..view(&name, i64::from(day / 40) * 2 * DAY_MS) });
        }
    }
    let now = 40 * DAY_MS;
    // Each person's last day is told when the next begins.
    for n in 0..40 {
        let person = format!("person-{n}");
        limits.look(&Look { person: &person, ..view("q", now) });
    }
    assert_eq!(open(&mut limits, 0..200, now, |look| look), 50);
}

#[test]
fn rules_that_cannot_be_counted_are_refused() {
    let none = LimitRules { absolute: Vec::new(), ..LimitRules::default() };
    assert_eq!(none.check(), Err(RulesError::NoCap));
    for (within_minutes, at_most) in [(0, 5), (WITHIN_MINUTES_MAX + 1, 5), (60, DISTINCT_MAX as u64)] {
        let mut wrong = LimitRules::default();
        wrong.usual[0] = Limit { within_minutes, at_most, ..wrong.usual[0] };
        assert!(matches!(wrong.check(), Err(RulesError::Limit { .. })));
    }
    let endless = LimitRules { block_minutes: 0, ..LimitRules::default() };
    assert!(matches!(endless.check(), Err(RulesError::Range { name: "block_minutes", .. })));
    LimitRules::default().check().unwrap();
}

// === the ladder of a running archive ===

/// Opens each of these patients one after the other, a minute apart, and says what was asked of each.
fn climb(
    limits: &mut Limits,
    patients: std::ops::Range<usize>,
    how: impl Fn(Look<'_>) -> Look<'_>,
    asked: Asked,
) -> Vec<Judgement> {
    let steps = StepRules { ask_reason_after: 3, ..StepRules::default() };
    let of = |patient: usize| {
        let name = format!("patient-{patient}");
        let look = how(view(&name, i64::try_from(patient).unwrap() * MINUTE));
        limits.look_and_ask(&look, &steps, asked)
    };
    patients.map(of).collect()
}

const PERSON: Asked = Asked { is_stated: false, proved_ms: None, is_person: true };

#[test]
fn each_step_is_told_once_and_asks_what_it_says() {
    let mut limits = limits(20);
    let in_care = because(Explanation::CareRelation);
    let judged = climb(&mut limits, 0..20, &in_care, PERSON);
    let told: Vec<(usize, Step)> = judged
        .iter()
        .enumerate()
        .flat_map(|(n, judged)| judged.findings.iter().map(move |finding| (n + 1, finding.step)))
        .collect();
    // Of twenty, at the nineteenth a second factor is asked for, and nothing is counted until it is there.
    assert_eq!(told, [(13, Step::Note), (17, Step::Throttle), (19, Step::StepUp)]);
    assert_eq!(judged.iter().position(|judged| judged.demand.is_some()), Some(18));
    assert!(judged[18..].iter().all(|judged| judged.demand == Some(Demand::Proof) && !judged.stopped));
    let proved = Asked { proved_ms: Some(19 * MINUTE), ..PERSON };
    let judged = climb(&mut limits, 20..23, &in_care, proved);
    // The twentieth patient ends exports; the one behind it is the limit.
    assert_eq!(judged[0].demand, None, "proved");
    assert_eq!(judged[1].findings[0].step, Step::SuspendExport);
    assert!(!judged[1].stopped && judged[1].demand.is_none());
    assert!(limits.look(&Look { act: Act::Export, ..view("patient-20", 22 * MINUTE) }).stopped);
    assert!(judged[2].stopped && judged[2].findings[0].step == Step::SuspendSession);
}

#[test]
fn who_is_slowed_waits_between_two_patients_and_not_for_one() {
    let mut limits = limits(20);
    let in_care = because(Explanation::CareRelation);
    climb(&mut limits, 0..17, &in_care, PERSON);
    let steps = StepRules::default();
    let now = 16 * MINUTE + 1000;
    let mut look =
        |patient: &str, at| limits.look_and_ask(&in_care(view(patient, at)), &steps, PERSON).demand;
    assert_eq!(look("patient-17", now), Some(Demand::Wait { seconds: 19 }));
    assert_eq!(look("patient-3", now), None, "one of the hour goes on");
    assert_eq!(look("patient-17", now + 19_000), None);
    assert_eq!(look("patient-18", now + 19_001), Some(Demand::Proof));
}

#[test]
fn who_opens_much_without_a_reason_is_asked_for_one_and_care_is_not() {
    let mut limits = limits(1000);
    let judged = climb(&mut limits, 0..6, |look| look, PERSON);
    let asked: Vec<bool> = judged.iter().map(|judged| judged.demand == Some(Demand::Reason)).collect();
    assert_eq!(asked, [false, false, false, true, true, true]);
    assert_eq!(judged[3].findings[0].step, Step::AskReason);
    assert!(judged[4].findings.is_empty(), "told once");
    for go_on in [
        climb(&mut limits, 6..9, because(Explanation::CareRelation), PERSON),
        climb(&mut limits, 9..12, |look| look, Asked { is_stated: true, ..PERSON }),
        climb(&mut limits, 12..15, because(Explanation::BreakGlass), PERSON),
        climb(&mut limits, 0..3, |look| look, PERSON),
        climb(&mut limits, 20..23, |look| look, Asked::default()),
    ] {
        assert!(go_on.iter().all(|judged| judged.demand.is_none() && !judged.stopped));
    }
}

#[test]
fn what_another_node_wrote_down_holds_here_until_it_ends_or_is_forgiven() {
    let held = Held { step: Step::AskReason, since_ms: 0, until_ms: 3 * MINUTE };
    let mut limits = limits(1000);
    limits.hold([("p", held), ("p", Held { step: Step::Note, ..held }), ("other", held)]);
    assert_eq!(climb(&mut limits, 0..1, |look| look, PERSON)[0].demand, Some(Demand::Reason));
    assert_eq!(climb(&mut limits, 3..4, |look| look, PERSON)[0].demand, None, "to the millisecond");
    assert_eq!(climb(&mut limits, 1..2, |look| look, PERSON)[0].demand, Some(Demand::Reason));
    // A harder one that ends sooner takes nothing from it, and who proved a factor since the first has answered both.
    let proof = Held { step: Step::StepUp, since_ms: 0, until_ms: 2 * MINUTE };
    let later = Held { step: Step::SuspendExport, since_ms: MINUTE, ..proof };
    limits.hold([("p", held), ("p", later), ("p", proof)]);
    let in_care = because(Explanation::CareRelation);
    assert_eq!(climb(&mut limits, 1..2, &in_care, PERSON)[0].demand, Some(Demand::Proof));
    let proved = Asked { proved_ms: Some(1), ..PERSON };
    let judged = climb(&mut limits, 1..2, &in_care, proved);
    assert!(!matches!(judged[0].demand, Some(Demand::Proof | Demand::Reason)), "{judged:?}");
    assert_eq!(climb(&mut limits, 2..3, |look| look, PERSON)[0].demand, Some(Demand::Reason));
    limits.forgive("p");
    assert_eq!(climb(&mut limits, 1..2, |look| look, PERSON)[0].demand, None);
    limits.hold([("p", held)]);
    limits.hold([]);
    assert_eq!(climb(&mut limits, 2..3, |look| look, PERSON)[0].demand, None);
}

#[test]
fn a_replay_asks_nobody() {
    let mut limits = limits(20);
    for n in 0..20_i64 {
        let name = format!("patient-{n}");
        let judged = limits.look(&view(&name, n));
        assert!(judged.demand.is_none() && judged.findings.is_empty() && !judged.stopped);
    }
}
