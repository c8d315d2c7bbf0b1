//! What the packs hold that a restart must not believe, and must not stumble over.

use crate::house::{House, Open, institution};
use crate::stop;
use bytes::Bytes;
use std::sync::atomic::{AtomicU64, Ordering};
use yingdun_archive::{OpenError, ReadThrough, Sample, StoredOutcome};
use yingdun_audit::{Event, EventKind, Filter, Outcome, ReasonCode};
use yingdun_catalog::keyring::{
    KekLine, keks,
    patient_keys::{self, PatientKey},
    study_keys::{self, StudyKey},
};
use yingdun_catalog::{Statement, catalogue};
use yingdun_dicom::synthetic::{Kind, Study};
use yingdun_model::{Grade, InstitutionId, PatientRef, StudyRef, Timestamp};
use yingdun_storage::{Record, RecordHeader, RecordKind};

crate::on_both_engines! {
    a_record_of_another_institution_is_passed_over
    a_damaged_study_key_costs_its_study_and_not_the_start
    what_was_retracted_stays_retracted_and_what_was_sent_again_counts
    studies_are_read_to_the_last_byte_and_one_that_does_not_open_is_told
}

/// Opens the archive anew, with a catalogue that has to be read from the packs.
async fn reopened(house: &House, open: Open) -> Open {
    let database = open.catalogue.clone();
    stop(open).await;
    catalogue::wipe(&database).await.unwrap();
    drop(database);
    house.open().await
}

async fn a_record_of_another_institution_is_passed_over(house: House) {
    let open = house.open().await;
    let study = Study::new(90, Kind::Sr);
    open.store(&study.instance(0)).await.unwrap();
    // A key room that serves several institutions knows a key for it, and a policy that lets nobody have it.
    let elsewhere = InstitutionId::new("xiehe").unwrap();
    let (foreign, patient) = (StudyRef::from_bytes([7; 16]), PatientRef::from_bytes([8; 16]));
    let line = KekLine { institution: elsewhere.clone(), grade: Grade::L4, suite: "aes-256".to_owned() };
    let (wrapped, now) = (vec![1; 40], Timestamp::from_ms(0));
    let of_patient = PatientKey { kek_version: 1, wrapped: wrapped.clone() };
    let of_study =
        StudyKey { line: line.clone(), study: foreign, patient, kek_version: 1, wrapped, made: now };
    let rows = vec![
        keks::insert_active(&line, 1, 1, &of_patient.wrapped, now),
        patient_keys::insert(&line, patient, &of_patient, now),
        study_keys::insert(&of_study),
    ];
    open.keys.execute(rows).await.unwrap();
    let record = Record {
        header: RecordHeader { institution: elsewhere, study: foreign, kind: RecordKind::INSTANCE },
        descriptor: Bytes::from(vec![5; 100]),
        metadata: Bytes::from_static(b"sealed"),
        object: vec![Bytes::from_static(b"sealed")],
    };
    open.archive.store().append(record).await.unwrap();
    let behind = Study::new(91, Kind::Sr);
    open.store(&behind.instance(0)).await.unwrap();

    let open = reopened(&house, open).await;
    assert_eq!((open.recovered.records, open.recovered.foreign), (3, 1));
    for study in [&study, &behind] {
        open.read_back(&study.study, &study.instance(0).sop_instance).await.unwrap();
    }
    let made = "SELECT count(*) FROM institution_secret WHERE institution = 'xiehe'";
    let made = open.keys.query(Statement::new(made, vec![])).await.unwrap();
    assert_eq!(made[0].get_i64(0), Ok(0), "nothing is made for an institution that is not here");
}

async fn a_damaged_study_key_costs_its_study_and_not_the_start(house: House) {
    let open = house.open().await;
    let (lost, kept) = (Study::new(92, Kind::Sr), Study::new(93, Kind::Sr));
    for study in [&lost, &kept] {
        open.store(&study.instance(0)).await.unwrap();
    }
    let reference = open.archive.study_reference(&institution(), &lost.study).await.unwrap();
    let damage = "UPDATE study_key SET wrapped = $1 WHERE study_ref = $2";
    let damage = Statement::new(damage, vec![vec![0_u8; 40].as_slice().into(), reference.into()]);
    open.keys.execute(vec![damage]).await.unwrap();

    let open = reopened(&house, open).await;
    assert_eq!((open.recovered.records, open.recovered.unreadable), (2, 1));
    open.read_back(&kept.study, &kept.instance(0).sop_instance).await.unwrap();
}

async fn what_was_retracted_stays_retracted_and_what_was_sent_again_counts(house: House) {
    let open = house.open().await;
    let study = Study::new(94, Kind::Sr);
    let first = study.instance(0);
    open.store(&first).await.unwrap();
    // As if its write had reached one replica only: the sender hears an error, the ledger says so, and after a crash
    // the record is whole in its pack.
    retract(&open).await;
    let open = reopened(&house, open).await;
    assert_eq!((open.recovered.records, open.recovered.retracted), (1, 1));
    let nothing = open.read_back(&study.study, &first.sop_instance).await;
    assert!(matches!(nothing, Err(OpenError::NotFound)));

    let mut again = first.clone();
    let at = again.data_set.len() - 3;
    again.data_set[at] ^= 1;
    assert_eq!(open.store(&again).await.unwrap().outcome, StoredOutcome::New);
    let open = reopened(&house, open).await;
    assert_eq!((open.recovered.records, open.recovered.retracted), (2, 0));
    let back = open.read_back(&study.study, &first.sop_instance).await.unwrap();
    assert!(back == again.data_set, "what was acknowledged is what is served");
    assert_eq!(open.archive.counts(&institution()).await.unwrap().instances, 1);
}

/// Writes to the ledger that the newest *stored* leaf does not hold, as a failed write does.
async fn retract(open: &Open) {
    open.log.checkpoint().await.unwrap();
    let filter = Filter { kinds: vec![EventKind::Stored], limit: Some(1), ..Filter::default() };
    let leaf = open.log.reader().search(filter).next().unwrap().unwrap().leaf;
    let retraction = Event {
        kind: leaf.kind,
        outcome: Outcome::Failed,
        institution: leaf.institution,
        actor: leaf.actor,
        actor_kind: leaf.actor_kind,
        role: leaf.role,
        purpose: leaf.purpose,
        action: leaf.action,
        patient: leaf.patient,
        study: leaf.study,
        instance: leaf.instance,
        policy_set: None,
        reason: ReasonCode::new("not-stored"),
        counts: leaf.counts,
        content: None,
        detail: None,
    };
    open.log.append_one(retraction).await.unwrap();
}

async fn studies_are_read_to_the_last_byte_and_one_that_does_not_open_is_told(house: House) {
    let studies: Vec<Study> = (100..105).map(|seed| Study::new(seed, Kind::Ct { slices: 1 })).collect();
    let bytes = studies.iter().map(|study| study.instance(0).data_set.len() as u64).sum();
    let open = house.open().await;
    for study in &studies {
        open.store(&study.instance(0)).await.unwrap();
    }
    let (read, before) = (AtomicU64::new(0), open.access_leaves().await);
    let whole = ReadThrough { studies: 5, instances: 5, bytes, damaged: 0 };
    for sample in [Sample::All, Sample::Some(5), Sample::Some(9)] {
        assert_eq!(open.archive.read_through(sample, &read).await.unwrap(), whole, "{sample:?}");
    }
    assert_eq!(read.load(Ordering::Relaxed), 3 * bytes);
    let some = open.archive.read_through(Sample::Some(2), &read).await.unwrap();
    assert!(
        (1..=2).contains(&some.studies) && some.instances == some.studies && some.damaged == 0,
        "{some:?}"
    );
    // What was read by the archive's own right is on the ledger.
    assert!(open.access_leaves().await >= before + 5);

    let reference = open.archive.study_reference(&institution(), &studies[0].study).await.unwrap();
    let damage = "UPDATE study_key SET wrapped = $1 WHERE study_ref = $2";
    let damage = Statement::new(damage, vec![vec![0_u8; 40].as_slice().into(), reference.into()]);
    open.keys.execute(vec![damage]).await.unwrap();
    stop(open).await;
    let open = house.open().await;
    let all = open.archive.read_through(Sample::All, &read).await.unwrap();
    assert_eq!((all.studies, all.instances, all.damaged), (4, 4, 1));
}
