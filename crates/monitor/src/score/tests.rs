use super::*;
use crate::explain::explain;
use crate::record::{Fact, FactKind, Patient, Person};

fn person(name: &str, role: &str) -> Person {
    Person {
        at_ms: 0,
        person: name.into(),
        role: role.into(),
        department: "surgery".into(),
        household: Some("h1".into()),
        neighbourhood: Some("n1".into()),
        leaves_ms: None,
    }
}

fn patient(name: &str) -> Patient {
    Patient {
        at_ms: 0,
        patient: name.into(),
        department: Some("surgery".into()),
        staff: None,
        household: None,
        neighbourhood: None,
        prominent: false,
        decoy: false,
    }
}

fn view(person: &str, patient: &str, sequence: u64) -> Access {
    Access {
        at_ms: 1000 + i64::try_from(sequence).unwrap(),
        sequence,
        person: person.into(),
        session: "s".into(),
        device: None,
        place: None,
        action: "view".into(),
        purpose: None,
        patient: Some(patient.into()),
        study: None,
        instances: 1,
        bytes: 1,
        allowed: true,
    }
}

struct House {
    facts: Facts,
    scores: Scores,
    sequence: u64,
}

impl House {
    fn new() -> Self {
        Self { facts: Facts::default(), scores: Scores::new(ScoreRules::default()), sequence: 0 }
    }

    fn with(people: &[Person], patients: &[Patient]) -> Self {
        let mut house = Self::new();
        people.iter().for_each(|person| house.facts.person(person));
        patients.iter().for_each(|patient| house.facts.patient(patient));
        house
    }

    fn view(&mut self, person: &str, patient: &str) {
        self.sequence += 1;
        self.access(&view(person, patient, self.sequence));
    }

    fn access(&mut self, access: &Access) {
        let why = explain(&self.facts, access);
        let how = self.scores.circumstances(access);
        self.scores.access(&self.facts, access, why, how, &[], false);
    }

    fn alerts(&mut self) -> Vec<Incident> {
        self.scores.end_day()
    }
}

fn signals(incident: &Incident) -> Vec<Signal> {
    incident.reasons.iter().map(|reason| reason.signal).collect()
}

#[test]
fn looking_up_people_whom_one_knows_is_an_incident_with_reasons() {
    for (signal, of) in [
        (Signal::Prominent, Patient { prominent: true, ..patient("q") }),
        (Signal::Colleague, Patient { staff: Some("other".into()), ..patient("q") }),
        (Signal::Household, Patient { household: Some("h1".into()), ..patient("q") }),
        (Signal::Neighbour, Patient { neighbourhood: Some("n1".into()), ..patient("q") }),
        (Signal::Decoy, Patient { decoy: true, ..patient("q") }),
    ] {
        let mut house = House::with(&[person("p", "clinician")], &[of]);
        house.view("p", "q");
        house.view("p", "q");
        let alerts = house.alerts();
        assert_eq!(alerts.len(), 1, "{signal:?}");
        assert_eq!(signals(&alerts[0]), [signal, Signal::Unexplained]);
        assert_eq!(alerts[0].reasons[0].count, 1, "the same patient counts once");
        assert_eq!(alerts[0].score, score_of(&alerts[0].reasons));
        assert!(alerts[0].evidence.contains(&1));
    }
}

#[test]
fn who_has_a_reason_is_no_incident_whoever_the_patient_is() {
    let everybody = Patient {
        prominent: true,
        staff: Some("other".into()),
        household: Some("h1".into()),
        ..patient("q")
    };
    let mut house = House::with(&[person("p", "clinician")], &[everybody]);
    house.facts.fact(&Fact {
        at_ms: 0,
        fact: FactKind::CareRelation,
        person: Some("p".into()),
        department: None,
        patient: Some("q".into()),
        valid_from_ms: 0,
        valid_until_ms: 10_000,
    });
    house.view("p", "q");
    assert!(house.alerts().is_empty());
}

#[test]
fn the_own_record_is_no_colleague() {
    let own = Patient { staff: Some("p".into()), ..patient("q") };
    let mut house = House::with(&[person("p", "clinician")], &[own]);
    house.view("p", "q");
    assert!(house.alerts().is_empty());
}

#[test]
fn no_more_than_the_budget_and_the_weightiest_first() {
    let names: Vec<String> = (0..50).map(|n| format!("p{n:02}")).collect();
    let people: Vec<Person> = names.iter().map(|name| person(name, "clinician")).collect();
    let famous: Vec<Patient> =
        (0..3).map(|n| Patient { prominent: true, ..patient(&format!("q{n}")) }).collect();
    let mut house = House::with(&people, &famous);
    for (n, name) in names.iter().enumerate() {
        (0..=n % 3).for_each(|q| house.view(name, &format!("q{q}")));
    }
    let alerts = house.alerts();
    assert_eq!(alerts.len(), 20);
    assert!(alerts.windows(2).all(|two| two[0].score >= two[1].score));
    assert!(alerts.iter().take(16).all(|alert| alert.score == alerts[0].score));
    assert!(house.alerts().is_empty(), "a day ends once");
}

#[test]
fn leavers_vendors_researchers_and_who_is_off_duty_count_for_what_has_no_reason() {
    let leaver = Person { leaves_ms: Some(5 * DAY_MS), ..person("leaver", "clinician") };
    let people =
        [leaver, person("vendor", "vendor"), person("science", "researcher"), person("night", "nurse")];
    let mut house = House::with(&people, &[]);
    house.facts.fact(&Fact {
        at_ms: 0,
        fact: FactKind::Shift,
        person: Some("night".into()),
        department: None,
        patient: None,
        valid_from_ms: 20_000_000,
        valid_until_ms: 40_000_000,
    });
    for name in ["leaver", "vendor", "science", "night"] {
        (0..10).for_each(|n| house.view(name, &format!("q{n}")));
    }
    let alerts = house.alerts();
    for (name, signal) in [
        ("leaver", Signal::Leaver),
        ("vendor", Signal::VendorUnannounced),
        ("science", Signal::ResearchOverreach),
        ("night", Signal::OffRoster),
    ] {
        let alert = alerts.iter().find(|alert| alert.person == name).unwrap();
        assert!(signals(alert).contains(&signal), "{name}: {alert:?}");
        assert_eq!(signals(alert).len(), 2, "{name}: {alert:?}");
    }
}

#[test]
fn a_little_more_each_day_adds_up_to_an_incident() {
    let mut house = House::with(&[person("p", "clinician"), person("o", "clinician")], &[]);
    let mut told = None;
    for day in 0..40 {
        for name in ["p", "o"] {
            let many = if name == "p" && day >= 25 { 12 } else { 5 + day % 3 };
            (0..many).for_each(|n| house.view(name, &format!("{name}-{day}-{n}")));
        }
        for alert in house.alerts() {
            assert!(day >= 25 && alert.person == "p", "day {day}: {alert:?}");
            if signals(&alert).contains(&Signal::SlowCollection) {
                told = told.or(Some(day));
            }
        }
    }
    assert!(told.is_some_and(|day| day <= 30), "{told:?}");
}

#[test]
fn broken_glass_for_somebody_whom_one_knows_is_an_incident_and_for_a_stranger_none() {
    let colleague = Patient { staff: Some("other".into()), ..patient("colleague") };
    let mut house =
        House::with(&[person("p", "clinician"), person("o", "clinician")], &[colleague, patient("stranger")]);
    for (who, whom) in [("p", "colleague"), ("o", "stranger")] {
        house.facts.fact(&Fact {
            at_ms: 0,
            fact: FactKind::BreakGlass,
            person: Some(who.into()),
            department: None,
            patient: Some(whom.into()),
            valid_from_ms: 0,
            valid_until_ms: 10_000,
        });
        house.view(who, whom);
    }
    let alerts = house.alerts();
    assert_eq!(alerts.iter().map(|alert| alert.person.as_str()).collect::<Vec<_>>(), ["p"]);
    assert_eq!(signals(&alerts[0]), [Signal::BreakGlass]);
}

#[test]
fn somebody_looked_up_and_looked_up_again_weighs_more_than_somebody_met() {
    let colleague = |name: &str| Patient { staff: Some("other".into()), ..patient(name) };
    let people = [person("curious", "clinician"), person("met", "clinician")];
    let mut house = House::with(&people, &[colleague("q"), colleague("r")]);
    let search = Access { action: "search".into(), patient: None, ..view("curious", "q", 1) };
    house.access(&search);
    (0..3).for_each(|_| house.view("curious", "q"));
    house.view("met", "r");
    let alerts = house.alerts();
    assert_eq!(alerts[0].person, "curious");
    assert_eq!(
        signals(&alerts[0]),
        [Signal::Colleague, Signal::LookedUp, Signal::LookedThrough, Signal::Unexplained]
    );
    assert_eq!(signals(&alerts[1]), [Signal::Colleague, Signal::Unexplained]);

    house.access(&Access { at_ms: 2 * DAY_MS, ..view("curious", "q", 9) });
    let again = house.alerts();
    assert!(signals(&again[0]).contains(&Signal::CameBack), "{again:?}");
    house.access(&Access { at_ms: (SEEN_DAYS + 3) * DAY_MS, ..view("curious", "q", 10) });
    house.alerts();
    house.access(&Access { at_ms: (2 * SEEN_DAYS + 9) * DAY_MS, ..view("curious", "q", 11) });
    assert!(!signals(&house.alerts()[0]).contains(&Signal::CameBack), "a month is forgotten");
}

#[test]
fn that_the_own_department_treats_a_colleague_is_a_reason_but_not_a_full_one() {
    let colleague = Patient { staff: Some("other".into()), ..patient("colleague") };
    let people = [person("p", "clinician"), person("o", "clinician")];
    let mut house = House::with(&people, &[colleague, patient("stranger")]);
    for (who, whom, action) in
        [("p", "colleague", "view"), ("o", "stranger", "view"), ("p", "stranger", "export")]
    {
        house.sequence += 1;
        let access = Access { action: action.into(), ..view(who, whom, house.sequence) };
        let why = Explanations::default().with(Explanation::DepartmentCare);
        let how = house.scores.circumstances(&access);
        house.scores.access(&house.facts, &access, why, how, &[], false);
    }
    let alerts = house.alerts();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(signals(&alerts[0]), [Signal::TakenOut, Signal::OnlyDepartment]);
    assert_eq!(alerts[0].unexplained, 0);
}

#[test]
fn a_day_on_which_a_whole_department_has_no_reasons_is_a_fault_of_the_records() {
    let names: Vec<String> = (0..6).map(|n| format!("p{n}")).collect();
    let people: Vec<Person> = names.iter().map(|name| person(name, "clinician")).collect();
    let mut house = House::with(&people, &[]);
    let busy = |house: &mut House, day: usize, of: &dyn Fn(usize) -> usize| {
        for (index, name) in names.iter().enumerate() {
            (0..of(index)).for_each(|n| house.view(name, &format!("{name}-{day}-{n}")));
        }
        house.alerts()
    };
    for day in 0..20 {
        assert!(busy(&mut house, day, &|_| 2).is_empty());
    }
    let far_above = |alerts: &[Incident]| {
        let all = alerts.iter().filter(|alert| signals(alert).contains(&Signal::AboveOwnDays));
        all.map(|alert| alert.person.clone()).collect::<Vec<_>>()
    };
    assert!(far_above(&busy(&mut house, 20, &|_| 25)).is_empty());
    assert_eq!(far_above(&busy(&mut house, 21, &|index| if index == 0 { 25 } else { 2 })), ["p0"]);
}
