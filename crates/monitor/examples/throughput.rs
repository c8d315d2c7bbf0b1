//! How many accesses a second layers 0 and 1, and all three, judge on one core, and how much memory that takes.
//!
//! `cargo run --release -p yingdun-monitor --example throughput`. Made-up records: 800 people, 20,000 patients, four facts a patient.

#![allow(clippy::print_stderr)]

use std::error::Error;
use yingdun_monitor::explain::explain;
use yingdun_monitor::facts::Facts;
use yingdun_monitor::limits::{Act, LimitRules, Limits, Look};
use yingdun_monitor::record::{Access, Fact, FactKind, Patient, Person, Record};
use yingdun_monitor::replay::{MonitorRules, Replay};

const PEOPLE: u64 = 800;
const PATIENTS: u64 = 20_000;
const ACCESSES: u64 = 1_000_000;
/// 25,000 accesses a day.
const BETWEEN_MS: i64 = 86_400_000 / 25_000;

fn main() -> Result<(), Box<dyn Error>> {
    let (known, accesses) = (known(), accesses());
    let mut facts = Facts::default();
    for record in &known {
        match record {
            Record::Person(person) => facts.person(person),
            Record::Patient(patient) => facts.patient(patient),
            Record::Fact(fact) => facts.fact(fact),
            Record::Access(_) => {}
        }
    }
    let mut limits = Limits::new(LimitRules::default())?;
    let (mut explained, mut stopped) = (0_u64, 0_u64);
    let begun = processor_ns();
    for access in &accesses {
        let why = explain(&facts, access);
        explained += u64::from(!why.is_empty());
        let look = Look {
            sequence: 0,
            at_ms: access.at_ms,
            person: &access.person,
            role: "clinician",
            session: &access.session,
            device: access.device.as_deref(),
            place: access.place.as_deref(),
            act: Act::View,
            patient: access.patient.as_deref(),
            study: access.study.as_deref(),
            instances: access.instances,
            bytes: access.bytes,
            why,
            emergency: false,
            decoy: false,
        };
        stopped += u64::from(limits.look(&look).stopped);
    }
    say("layers 0 and 1", begun);
    eprintln!("  {explained} explained, {stopped} stopped, {} people counted", limits.people());

    let mut replay = Replay::new(MonitorRules::default())?;
    for record in &known {
        replay.take(record);
    }
    let begun = processor_ns();
    let mut alerts = 0;
    for access in accesses {
        alerts += replay.take(&Record::Access(access)).map_or(0, |day| day.alerts.len());
    }
    say("all layers", begun);
    eprintln!("  {alerts} alerts");
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| eprintln!("{line}"));
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss)]
fn say(what: &str, begun: u64) {
    let seconds = processor_ns().saturating_sub(begun) as f64 / 1e9;
    eprintln!("{what}: {:.0} accesses in a second of one core", ACCESSES as f64 / seconds);
}

/// What this process has had of a core: what else runs on the machine does not count (proc(5), schedstat).
fn processor_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn known() -> Vec<Record> {
    let mut known = Vec::new();
    for n in 0..PEOPLE {
        known.push(Record::Person(Person {
            at_ms: 0,
            person: format!("person-{n}"),
            role: "clinician".to_owned(),
            department: format!("department-{}", n % 20),
            household: None,
            neighbourhood: None,
            leaves_ms: None,
        }));
    }
    for n in 0..PATIENTS {
        known.push(Record::Patient(Patient {
            at_ms: 0,
            patient: format!("patient-{n}"),
            department: Some(format!("department-{}", n % 20)),
            staff: None,
            household: None,
            neighbourhood: None,
            prominent: false,
            decoy: false,
        }));
        for k in 0..4 {
            known.push(Record::Fact(Fact {
                at_ms: 0,
                fact: if k == 0 { FactKind::Encounter } else { FactKind::CareRelation },
                person: (k > 0).then(|| format!("person-{}", (n * 7 + k) % PEOPLE)),
                department: (k == 0).then(|| format!("department-{}", n % 20)),
                patient: Some(format!("patient-{n}")),
                valid_from_ms: 0,
                valid_until_ms: i64::MAX,
            }));
        }
    }
    known
}

fn accesses() -> Vec<Access> {
    let mut state = 1_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut at_ms = 0;
    (0..ACCESSES)
        .map(|sequence| {
            at_ms += BETWEEN_MS;
            let patient = next(PATIENTS);
            let person = if next(25) == 0 { next(PEOPLE) } else { (patient * 7 + 1) % PEOPLE };
            Access {
                at_ms,
                sequence,
                person: format!("person-{person}"),
                session: format!("session-{person}"),
                device: Some(format!("device-{}", person % 300)),
                place: Some(format!("place-{}", person % 30)),
                action: "view".to_owned(),
                purpose: None,
                patient: Some(format!("patient-{patient}")),
                study: Some(format!("study-{patient}-{}", next(3))),
                instances: 100,
                bytes: 50_000_000,
                allowed: true,
            }
        })
        .collect()
}
