//! Studies are destroyed: by two people, for good, and nothing beside them.

use crate::house::{House, Open, institution};
use crate::{Engine, find, stop};
use bytes::Bytes;
use std::time::Duration;
use yingdun_access::Session;
use yingdun_archive::{
    DestroyError, DestroyReason, DestructionRecord, DestructionState, Level, OpenError, StoredOutcome,
    StudiesOf,
};
use yingdun_audit::{Filter, Outcome};
use yingdun_catalog::{Database, DatabaseKind, Statement, catalogue};
use yingdun_dicom::synthetic::{Kind, Study};
use yingdun_dicom::tags;

crate::on_both_engines! {
    a_destroyed_study_is_like_one_that_never_was_and_its_neighbours_open
    a_patient_is_destroyed_with_all_studies_and_comes_again_as_a_new_one
    nobody_destroys_alone_and_nothing_twice
    a_stream_that_is_open_ends_when_its_study_is_destroyed
}

fn study(seed: u64) -> Study {
    Study::new(seed, Kind::CtMatrix { slices: 1, matrix: 16 })
}

pub(crate) fn only(study: &Study) -> StudiesOf {
    StudiesOf::Study(study.study.clone())
}

/// Asks and approves, and waits until nothing is left to do.
pub(crate) async fn destroy(open: &Open, target: &StudiesOf) -> DestructionRecord {
    let (asks, approves) = (open.security_officer().await, open.audit_officer().await);
    let asked = open.archive.request_destruction(&asks, target, DestroyReason::Trial).await.unwrap();
    open.archive.approve_destruction(&approves, &asked.id).await.unwrap();
    done(open, &asks, &asked.id).await
}

pub(crate) async fn done(open: &Open, officer: &Session, id: &str) -> DestructionRecord {
    let mut record = open.archive.destruction(officer, id).await.unwrap();
    for _ in 0..1200 {
        if record.state == DestructionState::Done {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        record = open.archive.destruction(officer, id).await.unwrap();
    }
    assert_eq!(record.state, DestructionState::Done, "{record:?}");
    record
}

pub(crate) async fn opens(open: &Open, study: &Study) {
    let instance = study.instance(0);
    assert!(open.read_back(&study.study, &instance.sop_instance).await.unwrap() == instance.data_set);
}

async fn is_nowhere(open: &Open, study: &Study) {
    let back = open.read_back(&study.study, &study.instance(0).sop_instance).await;
    assert!(matches!(back, Err(OpenError::NotFound)), "{back:?}");
    let rows = find(open, Level::Study, &[(tags::STUDY_INSTANCE_UID, study.study.as_str())]).await;
    assert!(rows.is_empty(), "{rows:?}");
    let reference = open.archive.study_reference(&institution(), &study.study).await.unwrap();
    for sql in [
        "SELECT count(*) FROM study WHERE study_ref = $1",
        "SELECT count(*) FROM series WHERE study_ref = $1",
        "SELECT count(*) FROM study_arrival WHERE study_ref = $1",
        "SELECT count(*) FROM study_accession WHERE study_ref = $1",
    ] {
        let rows = open.catalogue.query(Statement::new(sql, vec![reference.into()])).await.unwrap();
        assert_eq!(rows[0].get_i64(0), Ok(0), "{sql}");
    }
}

async fn count(open: &Open, sql: &'static str, keys: bool) -> i64 {
    let database = if keys { &open.keys } else { &open.catalogue };
    database.query(Statement::new(sql, vec![])).await.unwrap()[0].get_i64(0).unwrap()
}

async fn a_destroyed_study_is_like_one_that_never_was_and_its_neighbours_open(house: House) {
    let open = house.open().await;
    let (gone, kept) = (study(300), study(301));
    for one in [&gone, &kept] {
        open.store(&one.instance(0)).await.unwrap();
    }
    opens(&open, &gone).await;
    let officer = open.security_officer().await;
    let plan = open.archive.plan_destruction(&officer, &only(&gone)).await.unwrap();
    assert_eq!((plan.len(), plan[0].instances, plan[0].uid.as_ref()), (1, 1, Some(&gone.study)));
    assert_eq!(plan[0].bytes, gone.instance(0).data_set.len() as u64);
    opens(&open, &gone).await;

    let record = destroy(&open, &only(&gone)).await;
    is_nowhere(&open, &gone).await;
    opens(&open, &kept).await;
    assert_eq!((record.instances, record.epoch), (1, Some(2)));
    assert_eq!((record.studies[0].uid.as_ref(), record.rolled.len()), (None, 1));
    assert_eq!(record.requested_by.as_str(), "sec");
    assert_eq!(record.decided_by.as_ref().map(|by| by.as_str()), Some("aud"));
    assert_eq!(count(&open, "SELECT count(*) FROM key_encryption_key WHERE version = 1", true).await, 0);
    assert_eq!(count(&open, "SELECT count(*) FROM study_key", true).await, 1);

    // The leaves that the record names are there, and say it.
    open.log.checkpoint().await.unwrap();
    let leaf = |index: Option<u64>| open.log.reader().leaf(index.unwrap()).unwrap().leaf;
    let [intent, outcome] = [record.studies[0].intent_leaf, record.studies[0].outcome_leaf].map(leaf);
    assert_eq!((intent.reason.as_str(), intent.outcome), ("destroy-study", Outcome::Permitted));
    assert_eq!((outcome.reason.as_str(), outcome.outcome), ("study-destroyed", Outcome::Succeeded));
    assert_eq!(intent.study, Some(record.studies[0].study));
    assert_eq!(leaf(record.record_leaf).reason.as_str(), "destruction-record");

    // Neither a restart nor a catalogue that is read anew from the packs brings it back.
    let database = open.catalogue.clone();
    stop(open).await;
    catalogue::wipe(&database).await.unwrap();
    drop(database);
    let open = house.open().await;
    assert_eq!((open.recovered.records, open.recovered.without_key), (2, 1));
    is_nowhere(&open, &gone).await;
    opens(&open, &kept).await;
}

async fn a_patient_is_destroyed_with_all_studies_and_comes_again_as_a_new_one(house: House) {
    let open = house.open().await;
    let (gone, kept) = (study(310), study(311));
    for one in [&gone, &kept] {
        open.store(&one.instance(0)).await.unwrap();
    }
    let patient = StudiesOf::Patient { issuer: String::new(), patient_id: gone.patient.id.clone() };
    let record = destroy(&open, &patient).await;
    assert_eq!(record.studies.len(), 1);
    is_nowhere(&open, &gone).await;
    assert_eq!(count(&open, "SELECT count(*) FROM patient_key", true).await, 1, "the neighbour's");
    assert_eq!(count(&open, "SELECT count(*) FROM patient", false).await, 1);

    // The same study again is a new one; what a rebuilt catalogue finds of the old one stays noise.
    let again = open.store(&gone.instance(0)).await.unwrap();
    assert_eq!(again.outcome, StoredOutcome::New);
    opens(&open, &gone).await;
    let database = open.catalogue.clone();
    stop(open).await;
    catalogue::wipe(&database).await.unwrap();
    drop(database);
    let open = house.open().await;
    let recovered = &open.recovered;
    assert_eq!((recovered.records, recovered.without_key, recovered.unreadable), (3, 1, 0));
    opens(&open, &gone).await;
    opens(&open, &kept).await;
}

async fn nobody_destroys_alone_and_nothing_twice(house: House) {
    let open = house.open().await;
    let one = study(320);
    open.store(&one.instance(0)).await.unwrap();
    let (asks, approves) = (open.security_officer().await, open.audit_officer().await);
    let archive = &open.archive;
    let reason = DestroyReason::Mistake;
    for session in [&approves, &open.gateway, &open.system] {
        let refused = archive.request_destruction(session, &only(&one), reason).await;
        assert!(matches!(refused, Err(DestroyError::Refused(_))), "{refused:?}");
    }
    let asked = archive.request_destruction(&asks, &only(&one), reason).await.unwrap();
    for session in [&asks, &open.gateway, &open.system] {
        let refused = archive.approve_destruction(session, &asked.id).await;
        assert!(matches!(refused, Err(DestroyError::Refused(_))), "{refused:?}");
    }
    assert!(matches!(archive.destructions(&open.gateway).await, Err(DestroyError::Refused(_))));
    assert_eq!(archive.destructions(&approves).await.unwrap(), std::slice::from_ref(&asked));

    // Withdrawn, it is not approved; and another request is another.
    archive.withdraw_destruction(&approves, &asked.id).await.unwrap();
    let late = archive.approve_destruction(&approves, &asked.id).await;
    assert!(matches!(late, Err(DestroyError::Settled { state: DestructionState::Withdrawn })), "{late:?}");
    opens(&open, &one).await;
    let nothing = archive.approve_destruction(&approves, &"0".repeat(32)).await;
    assert!(matches!(nothing, Err(DestroyError::NotFound)), "{nothing:?}");
    let unknown = archive.request_destruction(&asks, &only(&study(321)), reason).await;
    assert!(matches!(unknown, Err(DestroyError::NotFound)), "{unknown:?}");

    // Asked for twice, destroyed once: the second approval finds that something changed.
    let first = archive.request_destruction(&asks, &only(&one), reason).await.unwrap();
    let second = archive.request_destruction(&asks, &only(&one), reason).await.unwrap();
    archive.approve_destruction(&approves, &first.id).await.unwrap();
    done(&open, &asks, &first.id).await;
    let changed = archive.approve_destruction(&approves, &second.id).await;
    assert!(matches!(changed, Err(DestroyError::Changed)), "{changed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_copies_bring_back_is_destroyed_again_before_anything_is_served() {
    let house = House::new(Engine::Sqlite);
    let open = house.open().await;
    let (gone, kept) = (study(330), study(331));
    for one in [&gone, &kept] {
        open.store(&one.instance(0)).await.unwrap();
    }
    stop(open).await;
    let copies = tempfile::tempdir().unwrap();
    let files = ["keys.db", "epoch.key", "catalogue.db"];
    house.copy(&files, house.path(), copies.path());
    let open = house.open().await;
    destroy(&open, &only(&gone)).await;
    stop(open).await;
    house.copy(&files, copies.path(), house.path());

    let open = house.open().await;
    assert_eq!(open.recovered.destroyed_again, 1);
    is_nowhere(&open, &gone).await;
    opens(&open, &kept).await;
    let officer = open.security_officer().await;
    let again = open.archive.destructions(&officer).await.unwrap().remove(0);
    assert_eq!(again.reason, DestroyReason::FromLog);
    done(&open, &officer, &again.id).await;
    opens(&open, &kept).await;
    stop(open).await;
    assert_eq!(house.open().await.recovered.destroyed_again, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_an_older_catalogue_brings_back_are_removed_and_those_known_as_removed_not_looked_for() {
    let house = House::new(Engine::Sqlite);
    let open = house.open().await;
    let gone = study(340);
    open.store(&gone.instance(0)).await.unwrap();
    stop(open).await;
    let copies = tempfile::tempdir().unwrap();
    let files = ["catalogue.db"];
    house.copy(&files, house.path(), copies.path());
    let open = house.open().await;
    destroy(&open, &only(&gone)).await;
    stop(open).await;

    // As copied, and as a catalogue from before there was a mark.
    for forget_mark in ["", "DELETE FROM removed_until"] {
        house.copy(&files, copies.path(), house.path());
        change_catalogue(&house, forget_mark).await;
        let open = house.open().await;
        assert_eq!(open.recovered.destroyed_again, 0, "its key did not come back");
        is_nowhere(&open, &gone).await;
        stop(open).await;
    }
    // A start costs what was destroyed since the mark, not what was ever destroyed.
    house.copy(&files, copies.path(), house.path());
    change_catalogue(&house, "UPDATE removed_until SET leaf = 1000000").await;
    let open = house.open().await;
    assert_eq!(count(&open, "SELECT count(*) FROM study", false).await, 1);
    stop(open).await;
}

async fn change_catalogue(house: &House, change: &'static str) {
    if !change.is_empty() {
        let path = house.path().join("catalogue.db");
        let database = Database::open_sqlite(path, DatabaseKind::Catalogue).await.unwrap();
        database.execute(vec![Statement::new(change, vec![])]).await.unwrap();
    }
}

async fn a_stream_that_is_open_ends_when_its_study_is_destroyed(house: House) {
    let open = house.open().await;
    let gone = study(340);
    let instance = gone.instance(0);
    open.store(&instance).await.unwrap();
    let held = open.archive.open_study(&open.gateway, &gone.study, open.gateway.purpose()).await.unwrap();
    let entry = held.instances(None, Some(&instance.sop_instance)).await.unwrap().remove(0);
    drop(held.part10(&entry).await.unwrap());
    // A sender that is in the middle of another image of the study.
    let mut sending = open.receive(&gone.instance(0));
    let (first, rest) = instance.data_set.split_at(instance.data_set.len() / 2);
    sending.write(Bytes::copy_from_slice(first)).await.unwrap();
    destroy(&open, &only(&gone)).await;
    assert!(matches!(held.part10(&entry).await.map(drop), Err(OpenError::NotFound)));
    sending.write(Bytes::copy_from_slice(rest)).await.unwrap();
    // It is of the study that comes again, under a new key.
    assert_eq!(sending.finish().await.unwrap().outcome, StoredOutcome::New);
    opens(&open, &gone).await;
    let filter = Filter {
        study: Some(open.archive.study_reference(&institution(), &gone.study).await.unwrap()),
        ..Filter::default()
    };
    open.log.checkpoint().await.unwrap();
    assert!(open.log.reader().search(filter).count() > 4);
}
