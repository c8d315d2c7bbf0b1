//! Keys are replaced under studies that are stored and read.

use crate::house::{House, Open};
use crate::stop;
use std::time::Duration;
use yingdun_access::AdminError;
use yingdun_archive::{KeyCareError, KeyReport, RewrapState};
use yingdun_audit::{EventKind, Filter, Outcome};
use yingdun_dicom::synthetic::{Kind, Study};
use yingdun_model::Grade;

crate::on_both_engines! {
    a_version_that_is_old_is_replaced_and_destroyed_by_itself_and_everything_opens
    an_officer_replaces_wraps_again_and_stops_and_nobody_else_does
}

/// Small studies of three patients.
fn studies() -> Vec<Study> {
    (70..76).map(|seed| Study::new(seed, Kind::CtMatrix { slices: 1, matrix: 16 })).collect()
}

async fn store_all(open: &Open, studies: &[Study]) {
    for study in studies {
        open.store(&study.instance(0)).await.unwrap();
    }
}

async fn assert_all_open(open: &Open, studies: &[Study]) {
    for study in studies {
        let instance = study.instance(0);
        let back = open.read_back(&study.study, &instance.sop_instance).await.unwrap();
        assert!(back == instance.data_set);
    }
}

/// What the ledger says of keys, in the order in which it happened.
async fn told(open: &Open) -> Vec<(String, Outcome)> {
    const CODES: [&str; 5] = ["rotate-kek", "begin-rewrap", "stop-rewrap", "destroy-kek", "end-rewrap"];
    open.log.checkpoint().await.unwrap();
    let filter = Filter { kinds: vec![EventKind::Administration], ..Filter::default() };
    let mut leaves: Vec<_> = open
        .log
        .reader()
        .search(filter)
        .map(|found| found.unwrap().leaf)
        .map(|leaf| (leaf.reason.as_str().to_owned(), leaf.outcome))
        .filter(|(code, outcome)| CODES.contains(&code.as_str()) || *outcome == Outcome::Refused)
        .collect();
    leaves.reverse();
    leaves
}

async fn until(open: &Open, what: impl Fn(&KeyReport) -> bool) -> KeyReport {
    let officer = open.security_officer().await;
    let mut report = open.archive.key_report(&officer).await.unwrap();
    for _ in 0..600 {
        if what(&report) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        report = open.archive.key_report(&officer).await.unwrap();
    }
    assert!(what(&report), "it does not happen: {report:?}");
    report
}

fn is_done(report: &KeyReport) -> bool {
    report.rewrap.as_ref().is_some_and(|job| job.state == RewrapState::Done)
}

async fn a_version_that_is_old_is_replaced_and_destroyed_by_itself_and_everything_opens(mut house: House) {
    let studies = studies();
    let open = house.open().await;
    store_all(&open, &studies).await;
    let officer = open.security_officer().await;
    let young = open.archive.key_report(&officer).await.unwrap();
    assert_eq!((young.keys.keks.len(), young.rewrap), (1, None), "nothing is due");
    stop(open).await;

    house.limits.rotate_keys_after = Duration::ZERO;
    let open = house.open().await;
    let report = until(&open, is_done).await;
    assert_eq!(report.keys.keks.len(), 1);
    let kek = &report.keys.keks[0];
    assert_eq!((kek.version, kek.active, kek.keys), (2, true, young.keys.keks[0].keys));
    assert_all_open(&open, &studies).await;
    store_all(&open, &[Study::new(80, Kind::Sr)]).await;
    let each = |code: &str| [(code.to_owned(), Outcome::Permitted), (code.to_owned(), Outcome::Succeeded)];
    let expected: Vec<_> =
        ["rotate-kek", "begin-rewrap", "destroy-kek", "end-rewrap"].into_iter().flat_map(each).collect();
    assert_eq!(told(&open).await, expected);
}

async fn an_officer_replaces_wraps_again_and_stops_and_nobody_else_does(house: House) {
    let open = house.open().await;
    let officer = open.security_officer().await;
    let nothing_stored = open.archive.rotate_keks(&officer, None, false).await;
    assert!(matches!(nothing_stored, Err(KeyCareError::NoKek)), "{nothing_stored:?}");
    let studies = studies();
    store_all(&open, &studies).await;

    for other in [&open.gateway, &open.index, &open.technician("tech").await] {
        let refused = [
            open.archive.key_report(other).await.map(drop),
            open.archive.rotate_keks(other, None, false).await.map(drop),
            open.archive.rotate_keks(other, None, true).await.map(drop),
            open.archive.begin_rewrap(other, false).await.map(drop),
            open.archive.begin_rewrap(other, true).await.map(drop),
            open.archive.stop_rewrap(other).await,
        ];
        for refusal in refused {
            assert!(matches!(refusal, Err(KeyCareError::Refused(AdminError::Refused(_)))), "{refusal:?}");
        }
    }
    let refusals = told(&open).await;
    assert_eq!(refusals.len(), 9, "what would have changed something is on the ledger: {refusals:?}");

    let would = open.archive.rotate_keks(&officer, Some(Grade::L4), true).await.unwrap();
    assert_eq!((would.len(), would[0].before.version, would[0].version), (1, 1, 2));
    let report = open.archive.key_report(&officer).await.unwrap();
    assert_eq!(report.keys.keks.len(), 1, "a dry run changes nothing");
    let other_grade = open.archive.rotate_keks(&officer, Some(Grade::L5), false).await;
    assert!(matches!(other_grade, Err(KeyCareError::NoKek)), "{other_grade:?}");

    let rotated = open.archive.rotate_keks(&officer, None, false).await.unwrap();
    assert_eq!(rotated, would);
    let keys = report.keys.keks[0].keys;
    let outlook = open.archive.begin_rewrap(&officer, true).await.unwrap();
    assert_eq!((outlook.start, outlook.keys_left, outlook.destroys.len()), (None, keys, 1));
    assert_eq!(open.archive.key_report(&officer).await.unwrap().rewrap, None, "a dry run begins nothing");
    open.archive.begin_rewrap(&officer, false).await.unwrap();
    let report = until(&open, is_done).await;
    assert_eq!((report.keys.keks.len(), report.rewrap.map(|job| job.keys_done)), (1, Some(keys)));
    let idle = open.archive.stop_rewrap(&officer).await;
    assert!(matches!(idle, Err(KeyCareError::Otherwise(_))), "{idle:?}");
    assert_all_open(&open, &studies).await;
    assert_eq!(open.archive.key_unwraps(), open.access_leaves().await, "promise I1");
}
