//! The worklist: found by time and by token, described anew, and cancelled once.

use crate::on_both_engines;
use crate::records::{institution, token};
use std::collections::BTreeSet;
use yingdun_catalog::catalogue::worklist::{self, WorklistFilter, WorklistRow};
use yingdun_catalog::catalogue::{Date, TimeOfDay};
use yingdun_catalog::{CatalogError, Database};
use yingdun_model::{StepRef, StepState};

on_both_engines!(Catalogue:
    steps_come_in_the_order_of_their_time_page_by_page,
    conditions_hold_together,
    a_step_is_entered_once_described_anew_and_cancelled_once,
);

fn step(number: u8, day: u32, hour: u64, modality: &str) -> WorklistRow {
    WorklistRow {
        institution: institution("renmin"),
        reference: StepRef::from_bytes([number; 16]),
        state: StepState::Scheduled,
        modality: modality.into(),
        stations: "CT01\\CT02".into(),
        start_date: Date::new(2026, 3, day),
        start_time: TimeOfDay::new(hour, 0, 0, 0),
        sealed: vec![number],
    }
}

fn all() -> WorklistFilter {
    WorklistFilter {
        institution: institution("renmin"),
        state: StepState::Scheduled,
        start_date: None,
        modalities: vec![],
        tokens: vec![],
    }
}

fn named(names: &[&str]) -> BTreeSet<[u8; 16]> {
    names.iter().map(|name| token(name)).collect()
}

async fn enter(database: &Database, row: &WorklistRow, names: &[&str]) {
    database.execute(worklist::insert(row, &named(names))).await.unwrap();
}

async fn search(database: &Database, filter: &WorklistFilter) -> Vec<u8> {
    let rows = worklist::search(database, filter, None, 100).await.unwrap();
    rows.iter().map(|row| row.sealed[0]).collect()
}

async fn steps_come_in_the_order_of_their_time_page_by_page(database: Database) {
    for row in [step(1, 5, 9, "CT"), step(2, 4, 16, "CT"), step(3, 4, 8, "CT"), step(4, 5, 9, "CT")] {
        enter(&database, &row, &[]).await;
    }
    let first = worklist::search(&database, &all(), None, 2).await.unwrap();
    let rest = worklist::search(&database, &all(), Some(first[1].cursor()), 9).await.unwrap();
    let order: Vec<u8> = first.iter().chain(&rest).map(|row| row.sealed[0]).collect();
    assert_eq!(order, [3, 2, 1, 4]);
    assert_eq!(first[0], step(3, 4, 8, "CT"));
}

async fn conditions_hold_together(database: Database) {
    enter(&database, &step(1, 4, 8, "CT"), &["wang", "4711"]).await;
    enter(&database, &step(2, 4, 9, "MR"), &["wang", "4712"]).await;
    enter(&database, &step(3, 6, 9, "CT"), &["li", "4711"]).await;
    let elsewhere = WorklistRow { institution: institution("xiehe"), ..step(4, 4, 8, "CT") };
    enter(&database, &elsewhere, &["wang"]).await;

    let date = |day| Date::new(2026, 3, day).unwrap();
    assert_eq!(search(&database, &all()).await, [1, 2, 3]);
    let days = WorklistFilter { start_date: Some(date(5)..=date(6)), ..all() };
    assert_eq!(search(&database, &days).await, [3]);
    let modality = WorklistFilter { modalities: vec!["CT".into(), "US".into()], ..all() };
    assert_eq!(search(&database, &modality).await, [1, 3]);
    let patient = WorklistFilter { tokens: vec![vec![token("wang")], vec![token("4711")]], ..all() };
    assert_eq!(search(&database, &patient).await, [1]);
    let either = WorklistFilter { tokens: vec![vec![token("li"), token("4712")]], ..all() };
    assert_eq!(search(&database, &either).await, [2, 3]);
}

async fn a_step_is_entered_once_described_anew_and_cancelled_once(database: Database) {
    let row = step(1, 4, 8, "CT");
    enter(&database, &row, &["wang"]).await;
    let again = database.execute(worklist::insert(&row, &named(&[]))).await;
    assert!(matches!(again, Err(CatalogError::Constraint(_))));

    let later = WorklistRow { sealed: vec![9], ..step(1, 7, 10, "MR") };
    database.execute(worklist::replace(&later, &named(&["li"]))).await.unwrap();
    assert_eq!(worklist::find(&database, &institution("renmin"), row.reference).await.unwrap(), Some(later));
    let by = |name| WorklistFilter { tokens: vec![vec![token(name)]], ..all() };
    assert_eq!((search(&database, &by("wang")).await, search(&database, &by("li")).await), (vec![], vec![9]));

    let cancel = || vec![worklist::cancel(&institution("renmin"), row.reference)];
    database.execute(cancel()).await.unwrap();
    assert_eq!(search(&database, &all()).await, [] as [u8; 0]);
    assert!(matches!(database.execute(cancel()).await, Err(CatalogError::UnexpectedRows { .. })));
    let unknown = worklist::replace(&step(9, 4, 8, "CT"), &named(&[]));
    assert!(matches!(database.execute(unknown).await, Err(CatalogError::UnexpectedRows { .. })));
}
