//! Storage commitment: what is promised is on the disks, and no acknowledged request goes unanswered.

use crate::house::Open;
use crate::{House, files, stop};
use yingdun_archive::{
    COMMITMENT_REFERENCES_MAX, CommitmentError, CommitmentFailure, CommitmentReport, CommitmentRequest,
    SopReference,
};
use yingdun_audit::{EventKind, Filter, Outcome};
use yingdun_dicom::synthetic::{Instance, Kind, Study};
use yingdun_model::{AeTitle, Uid};

crate::on_both_engines! {
    what_is_kept_is_committed_and_what_is_not_is_named_with_its_reason
    a_request_survives_a_restart_and_is_reported_until_the_peer_took_it
    the_same_transaction_again_is_the_same_and_one_with_other_references_is_refused
}

pub(crate) fn reference(instance: &Instance) -> SopReference {
    (instance.sop_class.clone(), instance.sop_instance.clone()).into()
}

pub(crate) fn request(transaction: u32, references: Vec<SopReference>) -> CommitmentRequest {
    CommitmentRequest {
        peer: AeTitle::new("CT01").unwrap(),
        called: AeTitle::new("YINGDUN").unwrap(),
        transaction: Uid::new(&format!("1.2.{transaction}")).unwrap(),
        references,
    }
}

/// Asks, waits, and takes the report as a peer does that stays on its association.
async fn commit(open: &Open, transaction: u32, references: Vec<SopReference>) -> CommitmentReport {
    let asked = open.archive.request_commitment(&open.gateway, request(transaction, references)).await;
    let report = asked.unwrap().report().await.unwrap();
    open.archive.commitment_reported(&report).await.unwrap();
    report
}

async fn store(open: &Open, study: &Study) -> Vec<SopReference> {
    let mut references = Vec::new();
    for instance in study.instances() {
        open.store(&instance).await.unwrap();
        references.push(reference(&instance));
    }
    references
}

/// Waits for the replica that was not needed for the acknowledgement.
async fn every_replica_has_all(open: &Open) {
    let lags = || open.archive.store().status().replicas.iter().any(|replica| replica.lag_bytes > 0);
    let has_all = async {
        while lags() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), has_all).await.unwrap();
}

async fn what_is_kept_is_committed_and_what_is_not_is_named_with_its_reason(house: House) {
    let open = house.open().await;
    let kept = store(&open, &Study::new(900, Kind::CtMatrix { slices: 3, matrix: 32 })).await;
    let report = commit(&open, 1, kept.clone()).await;
    assert_eq!((report.committed, report.failed), (kept.clone(), vec![]));

    let unknown = reference(&Study::new(901, Kind::Sr).instance(0));
    let other_class: SopReference = (unknown.sop_class.clone(), kept[0].sop_instance.clone()).into();
    let asked = vec![kept[1].clone(), unknown.clone(), other_class.clone()];
    let report = commit(&open, 2, asked).await;
    assert_eq!(report.committed, [kept[1].clone()]);
    let reasons = [
        (unknown, CommitmentFailure::NoSuchObjectInstance),
        (other_class, CommitmentFailure::ClassInstanceConflict),
    ];
    assert_eq!(report.failed, reasons);

    // Three reads of one study by the archive itself are one leaf and one key; storing was the other.
    assert_eq!(open.archive.key_unwraps(), open.access_leaves().await, "promise I1");
    let promised = Filter { kinds: vec![EventKind::Commitment], ..Filter::default() };
    let leaves: Vec<_> = open.log.reader().search(promised).map(|found| found.unwrap().leaf).collect();
    let said = |outcome| leaves.iter().filter(|leaf| leaf.outcome == outcome).count();
    // Two were asked for, one was found whole and one not, and both were told.
    assert_eq!([Outcome::Permitted, Outcome::Succeeded, Outcome::Failed].map(said), [2, 3, 1]);
}

async fn a_request_survives_a_restart_and_is_reported_until_the_peer_took_it(house: House) {
    let kept = {
        let open = house.open().await;
        let kept = store(&open, &Study::new(910, Kind::Sr)).await;
        drop(open.archive.request_commitment(&open.gateway, request(1, kept.clone())).await.unwrap());
        stop(open).await;
        kept
    };
    let open = house.open().await;
    let due = async || loop {
        let due = open.archive.due_commitment_reports().await.unwrap();
        if !due.is_empty() {
            return due;
        }
    };
    let reports = due().await;
    assert_eq!((reports.len(), &reports[0].committed), (1, &kept));
    open.archive.commitment_not_reported(&reports[0]).await.unwrap();
    assert_eq!(open.archive.due_commitment_reports().await.unwrap(), [], "it is put off for a while");

    // The peer asks again, waits, and leaves before it hears.
    let again = open.archive.request_commitment(&open.gateway, request(1, kept.clone())).await;
    let report = again.unwrap().report().await.unwrap();
    assert_eq!(open.archive.due_commitment_reports().await.unwrap(), [], "it is left to whoever waits");
    open.archive.commitment_peer_left(&report).await.unwrap();
    let reports = due().await;
    assert_eq!(reports[0].committed, kept);
    open.archive.commitment_reported(&reports[0]).await.unwrap();
    assert_eq!(open.archive.due_commitment_reports().await.unwrap(), [], "what was told is not told again");
}

async fn the_same_transaction_again_is_the_same_and_one_with_other_references_is_refused(house: House) {
    let open = house.open().await;
    let kept = store(&open, &Study::new(920, Kind::CtMatrix { slices: 2, matrix: 32 })).await;
    let report = commit(&open, 1, kept.clone()).await;
    let turned: Vec<SopReference> = kept.iter().rev().cloned().collect();
    assert_eq!(commit(&open, 1, turned).await.committed, report.committed);
    let ask = async |request| open.archive.request_commitment(&open.gateway, request).await;
    let other = ask(request(1, kept[..1].to_vec())).await;
    assert!(matches!(other, Err(CommitmentError::TransactionUsed)), "{other:?}");

    let none = ask(request(2, vec![])).await;
    assert!(matches!(none, Err(CommitmentError::References(0))), "{none:?}");
    let too_many = ask(request(2, vec![kept[0].clone(); COMMITMENT_REFERENCES_MAX + 1])).await;
    assert!(matches!(too_many, Err(CommitmentError::References(_))), "{too_many:?}");
    let not_granted = open.archive.request_commitment(&open.index, request(2, kept)).await;
    assert!(matches!(not_granted, Err(CommitmentError::Refused { .. })), "{not_granted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_is_committed_as_long_as_the_quorum_holds_it_intact() {
    let house = House::new(crate::Engine::Sqlite);
    let open = house.open().await;
    let kept = store(&open, &Study::new(930, Kind::Sr)).await;
    every_replica_has_all(&open).await;
    std::fs::remove_dir_all(house.replica(0)).unwrap();
    assert_eq!(commit(&open, 1, kept.clone()).await.failed, []);
    drop(open);

    // Damaged where no start looks, so that nothing was repaired before it is asked for.
    let house = House::new(crate::Engine::Sqlite);
    let kept = {
        let open = house.open().await;
        let kept = store(&open, &Study::new(931, Kind::Sr)).await;
        stop(open).await;
        kept
    };
    for number in [0, 1] {
        for pack in files(&house.replica(number).join("packs")) {
            let mut bytes = std::fs::read(&pack).unwrap();
            let in_object = bytes.len() - 20;
            bytes[in_object] ^= 1;
            std::fs::write(&pack, bytes).unwrap();
        }
    }
    let open = house.open().await;
    let report = commit(&open, 1, kept.clone()).await;
    assert_eq!(report.failed, [(kept[0].clone(), CommitmentFailure::ProcessingFailure)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_whose_key_is_gone_is_not_committed() {
    let house = House::new(crate::Engine::Sqlite);
    let kept = {
        let open = house.open().await;
        let kept = store(&open, &Study::new(940, Kind::Sr)).await;
        let shred = yingdun_catalog::Statement::new("DELETE FROM study_key", vec![]);
        open.keys.execute(vec![shred]).await.unwrap();
        stop(open).await;
        kept
    };
    let open = house.open().await;
    let report = commit(&open, 1, kept.clone()).await;
    assert_eq!(report.failed, [(kept[0].clone(), CommitmentFailure::ProcessingFailure)]);
}
