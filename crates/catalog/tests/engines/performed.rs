//! Performed procedure steps: kept once, changed from what was read, followed by what was scheduled, found newest first.

use crate::on_both_engines;
use crate::records::{Stored, apply, instance, institution, record, study};
use std::collections::BTreeSet;
use yingdun_catalog::catalogue::performed::{self, PerformedFilter, PerformedLinks, PerformedRow};
use yingdun_catalog::catalogue::worklist::{self, WorklistRow};
use yingdun_catalog::catalogue::{Date, InstanceFacts, TimeOfDay};
use yingdun_catalog::{CatalogError, Database};
use yingdun_model::{AeTitle, PerformedState, PerformedStepRef, StepRef, StepState};

on_both_engines!(Catalogue:
    steps_come_newest_first_page_by_page_under_each_condition,
    a_step_is_kept_once_and_changed_only_from_what_was_read,
    what_is_scheduled_follows_what_is_performed,
    of_two_steps_that_end_at_the_same_moment_one_ends_the_entry,
    instances_that_are_here_are_told_once_and_of_their_studies_only,
);

fn row(number: u8, day: u32, station: &str) -> PerformedRow {
    PerformedRow {
        institution: institution("renmin"),
        reference: PerformedStepRef::from_bytes([number; 16]),
        state: PerformedState::InProgress,
        reporter: AeTitle::new("CT01").unwrap(),
        station: station.into(),
        modality: "CT".into(),
        start_date: Date::new(2026, 3, day),
        start_time: TimeOfDay::new(9, 0, 0, 0),
        revision: 0,
        sealed: vec![number],
    }
}

fn links(of_study: u64, scheduled: &[u8]) -> PerformedLinks {
    PerformedLinks {
        studies: [study(of_study)].into(),
        scheduled: scheduled.iter().map(|number| StepRef::from_bytes([*number; 16])).collect(),
    }
}

fn all() -> PerformedFilter {
    PerformedFilter {
        institution: institution("renmin"),
        study: None,
        state: None,
        station: None,
        start_date: None,
    }
}

async fn keep(database: &Database, row: &PerformedRow, links: &PerformedLinks) {
    database.execute(performed::insert(row, b"series", links)).await.unwrap();
}

async fn found(database: &Database, filter: &PerformedFilter) -> Vec<u8> {
    let rows = performed::search(database, filter, None, 100).await.unwrap();
    rows.iter().map(|row| row.sealed[0]).collect()
}

async fn steps_come_newest_first_page_by_page_under_each_condition(database: Database) {
    keep(&database, &row(1, 4, "CT01"), &links(1, &[])).await;
    keep(&database, &row(2, 6, "CT02"), &links(1, &[])).await;
    keep(&database, &row(3, 5, "CT01"), &links(2, &[])).await;
    keep(&database, &row(4, 5, "CT01"), &links(2, &[])).await;
    let elsewhere = PerformedRow { institution: institution("xiehe"), ..row(5, 5, "CT01") };
    keep(&database, &elsewhere, &links(1, &[])).await;
    let done = row(4, 5, "CT01");
    let change = performed::change(&done, b"more", PerformedState::Completed, &[4]);
    database.execute(vec![change]).await.unwrap();

    assert_eq!(found(&database, &all()).await, [2, 4, 3, 1]);
    let first = performed::search(&database, &all(), None, 2).await.unwrap();
    let rest = performed::search(&database, &all(), Some(first[1].cursor()), 9).await.unwrap();
    let order: Vec<u8> = first.iter().chain(&rest).map(|row| row.sealed[0]).collect();
    assert_eq!(order, [2, 4, 3, 1]);
    let day = |day| Date::new(2026, 3, day).unwrap();
    assert_eq!(found(&database, &PerformedFilter { study: Some(study(1)), ..all() }).await, [2, 1]);
    let completed = PerformedFilter { state: Some(PerformedState::Completed), ..all() };
    assert_eq!(found(&database, &completed).await, [4]);
    assert_eq!(found(&database, &PerformedFilter { station: Some("CT01".into()), ..all() }).await, [4, 3, 1]);
    assert_eq!(
        found(&database, &PerformedFilter { start_date: Some(day(5)..=day(6)), ..all() }).await,
        [2, 4, 3]
    );
}

async fn a_step_is_kept_once_and_changed_only_from_what_was_read(database: Database) {
    let step = row(1, 4, "CT01");
    keep(&database, &step, &links(1, &[7, 8])).await;
    let again = database.execute(performed::insert(&step, b"", &links(1, &[]))).await;
    assert!(matches!(again, Err(CatalogError::Constraint(_))), "{again:?}");
    assert_eq!(performed::links(&database, step.reference).await.unwrap(), links(1, &[7, 8]));

    let here = &step.institution;
    let (read, series) = performed::find(&database, here, step.reference).await.unwrap().unwrap();
    assert_eq!((&read, series.as_slice()), (&step, &b"series"[..]));
    let change = |state| vec![performed::change(&read, b"two", state, b"changed")];
    database.execute(change(PerformedState::InProgress)).await.unwrap();
    let late = database.execute(change(PerformedState::Completed)).await;
    assert!(matches!(late, Err(CatalogError::UnexpectedRows { .. })), "{late:?}");

    let (read, series) = performed::find(&database, here, step.reference).await.unwrap().unwrap();
    assert_eq!((read.revision, read.sealed.as_slice(), series.as_slice()), (1, &b"changed"[..], &b"two"[..]));
    let complete = performed::change(&read, b"three", PerformedState::Completed, b"done");
    database.execute(vec![complete]).await.unwrap();
    let (ended, _) = performed::find(&database, here, step.reference).await.unwrap().unwrap();
    assert_eq!(ended.state, PerformedState::Completed);
    let beyond =
        database.execute(vec![performed::change(&ended, b"", PerformedState::InProgress, b"")]).await;
    assert!(
        matches!(beyond, Err(CatalogError::UnexpectedRows { .. })),
        "what is over does not change: {beyond:?}"
    );
    assert_eq!(performed::find(&database, &institution("xiehe"), step.reference).await.unwrap(), None);
}

fn entry(number: u8) -> WorklistRow {
    WorklistRow {
        institution: institution("renmin"),
        reference: StepRef::from_bytes([number; 16]),
        state: StepState::Scheduled,
        modality: "CT".into(),
        stations: "CT01".into(),
        start_date: Date::new(2026, 3, 4),
        start_time: None,
        sealed: vec![number],
    }
}

async fn state_of(database: &Database, number: u8) -> StepState {
    let found = worklist::find(database, &institution("renmin"), StepRef::from_bytes([number; 16])).await;
    found.unwrap().unwrap().state
}

async fn of_two_steps_that_end_at_the_same_moment_one_ends_the_entry(database: Database) {
    for number in 0..40 {
        let started = WorklistRow { state: StepState::Started, ..entry(number) };
        database.execute(worklist::insert(&started, &BTreeSet::new())).await.unwrap();
        let steps = [row(number, 4, "CT01"), row(100 + number, 4, "CT02")];
        let links = links(1, &[number]);
        for step in &steps {
            keep(&database, step, &links).await;
        }
        let [first, second] = steps.map(|step| {
            let mut statements = vec![performed::change(&step, b"", PerformedState::Discontinued, b"")];
            let scheduled = &links.scheduled;
            let here = &step.institution;
            statements.extend(performed::follow(here, step.reference, scheduled, StepState::Discontinued));
            let database = database.clone();
            tokio::spawn(async move { database.execute(statements).await })
        });
        first.await.unwrap().unwrap();
        second.await.unwrap().unwrap();
        assert_eq!(state_of(&database, number).await, StepState::Discontinued, "entry {number}");
    }
}

async fn what_is_scheduled_follows_what_is_performed(database: Database) {
    for number in [1, 2] {
        database.execute(worklist::insert(&entry(number), &BTreeSet::new())).await.unwrap();
    }
    let state = async |number| state_of(&database, number).await;
    let follow = async |step: &PerformedRow, to| {
        let scheduled = performed::links(&database, step.reference).await.unwrap().scheduled;
        let changes = performed::follow(&institution("renmin"), step.reference, &scheduled, to);
        database.execute(changes).await.unwrap();
    };
    let end = async |step: &PerformedRow, to| {
        database.execute(vec![performed::change(step, b"", to, b"")]).await.unwrap();
    };
    let (first, second) = (row(1, 4, "CT01"), row(2, 4, "CT01"));
    keep(&database, &first, &links(1, &[1])).await;
    follow(&first, StepState::Started).await;
    assert_eq!((state(1).await, state(2).await), (StepState::Started, StepState::Scheduled));

    keep(&database, &second, &links(1, &[1])).await;
    end(&first, PerformedState::Discontinued).await;
    follow(&first, StepState::Discontinued).await;
    assert_eq!(state(1).await, StepState::Started, "another step still performs it");
    end(&second, PerformedState::Discontinued).await;
    follow(&second, StepState::Discontinued).await;
    assert_eq!(state(1).await, StepState::Discontinued);

    // Begun anew and described anew meanwhile, completed, and then added to.
    let (third, fourth) = (row(3, 4, "CT01"), row(4, 4, "CT01"));
    keep(&database, &third, &links(1, &[1])).await;
    follow(&third, StepState::Started).await;
    database.execute(worklist::replace(&entry(1), &BTreeSet::new())).await.unwrap();
    assert_eq!(state(1).await, StepState::Started);
    end(&third, PerformedState::Completed).await;
    follow(&third, StepState::Completed).await;
    keep(&database, &fourth, &links(1, &[1])).await;
    follow(&fourth, StepState::Started).await;
    follow(&fourth, StepState::Discontinued).await;
    assert_eq!(state(1).await, StepState::Completed);
    assert_eq!(
        performed::follow(&institution("renmin"), first.reference, &BTreeSet::new(), StepState::Started),
        []
    );
}

async fn instances_that_are_here_are_told_once_and_of_their_studies_only(database: Database) {
    let second_version = Stored {
        instance: InstanceFacts { version: 2, ..record(1, 1, 1, 1).instance },
        ..record(1, 1, 1, 1)
    };
    let stored = [record(1, 1, 1, 1), second_version, record(1, 1, 1, 2), record(1, 2, 2, 3)];
    apply(&database, &stored, None).await.unwrap();
    let asked = [instance(1), instance(2), instance(3), instance(4)];
    for (at, studies, expected) in [
        ("renmin", vec![1], vec![1, 2]),
        ("renmin", vec![1, 2], vec![1, 2, 3]),
        ("renmin", vec![9], vec![]),
        ("xiehe", vec![1], vec![]),
    ] {
        let of = studies.into_iter().map(study).collect();
        let held = performed::held(&database, &institution(at), &of, &asked).await.unwrap();
        assert_eq!(held, expected.into_iter().map(instance).collect(), "{at} {of:?}");
    }
}
