//! Departments: who belongs to them and when, of which a study is, and who can change that.

use crate::on_both_engines;
use crate::records::{apply, institution, record, study};
use std::collections::BTreeSet;
use yingdun_catalog::catalogue::departments::{self, Department, Membership};
use yingdun_catalog::{CatalogError, Database};
use yingdun_model::{ActorId, AeTitle, DepartmentId, InstitutionId, StudyUnit, Timestamp, Unit};

on_both_engines!(Catalogue:
    a_membership_ends_and_one_of_an_unknown_department_never_begins,
    a_study_is_of_what_sent_it_first_and_of_nothing_that_comes_later,
    what_an_officer_says_replaces_departments_and_keeps_the_sender,
);

fn here() -> InstitutionId {
    institution("renmin")
}

fn department(name: &str) -> DepartmentId {
    DepartmentId::new(name).unwrap()
}

fn device(title: &str) -> StudyUnit {
    StudyUnit::Device(AeTitle::new(title).unwrap())
}

fn membership(unit: &str, from: i64, until: i64) -> Membership {
    Membership {
        institution: here(),
        actor: ActorId::new("doctor").unwrap(),
        unit: unit.parse().unwrap(),
        valid_from: Timestamp::from_ms(from),
        valid_until: Timestamp::from_ms(until),
        given_by: ActorId::new("officer").unwrap(),
    }
}

async fn enter(database: &Database, names: &[&str]) {
    let enter = |name: &&str| {
        departments::enter(&here(), &Department { id: department(name), name: (*name).to_owned() })
    };
    database.execute(names.iter().map(enter).collect()).await.unwrap();
}

async fn units(database: &Database, number: u64) -> Vec<String> {
    let mut found = departments::of_studies(&here(), [study(number)]).alone(database).await.unwrap();
    found.remove(&study(number)).unwrap_or_default().into_iter().collect()
}

async fn a_membership_ends_and_one_of_an_unknown_department_never_begins(database: Database) {
    assert!(!departments::any(&here()).alone(&database).await.unwrap());
    let unknown = database.execute(vec![departments::join(&membership("department:surgery", 0, 10))]).await;
    assert!(matches!(unknown, Err(CatalogError::UnexpectedRows { .. })), "{unknown:?}");
    enter(&database, &["surgery"]).await;
    assert!(departments::any(&here()).alone(&database).await.unwrap());
    assert!(!departments::any(&institution("other")).alone(&database).await.unwrap());
    for (unit, from, until) in
        [("department:surgery", 0, 100), ("device:CT01", 0, 100), ("department:surgery", 500, 900)]
    {
        database.execute(vec![departments::join(&membership(unit, from, until))]).await.unwrap();
    }
    let actor = ActorId::new("doctor").unwrap();
    let held = async |at: i64| -> Vec<String> {
        let held = departments::of_actor(&here(), &actor, Timestamp::from_ms(at));
        let held = held.alone(&database).await.unwrap();
        held.into_iter().map(|held| format!("{} {}", held.unit, held.valid_until.as_ms())).collect()
    };
    assert_eq!(held(99).await, ["department:surgery 100", "device:CT01 100", "department:surgery 900"]);
    assert_eq!(held(100).await, ["department:surgery 900"], "over at its last millisecond");
    let unit: Unit = "department:surgery".parse().unwrap();
    let ended = vec![departments::leave(&here(), &actor, &unit, Timestamp::from_ms(50))];
    assert_eq!(database.execute(ended).await.unwrap(), [2]);
    assert_eq!(held(49).await, ["department:surgery 50", "device:CT01 100", "department:surgery 50"]);
    assert_eq!(held(50).await, ["device:CT01 100"]);
}

async fn a_study_is_of_what_sent_it_first_and_of_nothing_that_comes_later(database: Database) {
    enter(&database, &["ct-room", "mr-room"]).await;
    for (title, of) in [("CT01", "ct-room"), ("MR01", "mr-room")] {
        let set = departments::set_sender(&here(), &device(title), &BTreeSet::from([department(of)]));
        database.execute(set).await.unwrap();
    }
    let send = async |number, title| {
        let note = departments::note_sender(&here(), study(number), &device(title));
        database.execute(vec![note]).await.unwrap()
    };
    assert_eq!(send(1, "CT01").await, [2]);
    assert_eq!(send(1, "MR01").await, [0], "it is of the CT room");
    assert_eq!(units(&database, 1).await, ["device:CT01", "performing:ct-room"]);
    // A study from before there were departments: who sends to it does not get it.
    apply(&database, &[record(2, 2, 2, 2)], None).await.unwrap();
    assert_eq!(send(2, "MR01").await, [0]);
    assert!(units(&database, 2).await.is_empty());
    assert_eq!(send(3, "US01").await, [1], "a device of no department");
    assert_eq!(units(&database, 3).await, ["device:US01"]);
}

async fn what_an_officer_says_replaces_departments_and_keeps_the_sender(database: Database) {
    enter(&database, &["ct-room", "surgery"]).await;
    let note = departments::note_sender(&here(), study(1), &device("CT01"));
    database.execute(vec![note]).await.unwrap();
    let set = |requesting: &[&str], performing: &[&str]| {
        let all = |names: &[&str]| names.iter().map(|name| department(name)).collect();
        departments::set_study(&here(), study(1), &all(requesting), &all(performing))
    };
    database.execute(set(&["surgery"], &["ct-room"])).await.unwrap();
    assert_eq!(units(&database, 1).await, ["device:CT01", "performing:ct-room", "requesting:surgery"]);
    let unknown = database.execute(set(&["morgue"], &[])).await;
    assert!(matches!(unknown, Err(CatalogError::UnexpectedRows { .. })));
    assert_eq!(units(&database, 1).await.len(), 3, "nothing was replaced");
    database.execute(set(&[], &["ct-room"])).await.unwrap();
    assert_eq!(units(&database, 1).await, ["device:CT01", "performing:ct-room"]);
}
