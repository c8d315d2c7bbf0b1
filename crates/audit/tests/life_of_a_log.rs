//! Appending, reading, searching, proving and reopening, on the real disk.

mod support;

use proptest::prelude::*;
use std::collections::HashSet;
use std::fs;
use support::{config, copy_directory, event, event_with_detail, fill, open, unhurried, verifier};
use yingdun_audit::verify::verify_directory;
use yingdun_audit::{
    AuditError, Detail, Event, EventKind, Filter, Log, LogConfig, Order, Outcome, Reader, Tree,
    verify_consistency, verify_inclusion,
};
use yingdun_model::{ActorId, InstitutionId};

#[tokio::test]
async fn receipts_number_the_leaves_and_the_leaves_say_what_was_reported() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let receipts = log.append(vec![event(0), event_with_detail(1), event(2)]).await.unwrap();
    assert_eq!(receipts.iter().map(|receipt| receipt.index()).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(log.size(), 3);
    for signed in [false, true] {
        let reader = log.reader();
        assert_eq!(reader.checkpoint().size(), if signed { 3 } else { 0 });
        for receipt in &receipts {
            let logged = reader.leaf(receipt.index()).unwrap();
            assert_eq!(logged.leaf_hash, *receipt.leaf_hash());
            assert_eq!(logged.leaf.sequence, receipt.index());
            assert_eq!(logged.leaf.time_ms, receipt.time());
            assert_eq!(logged.leaf.actor, receipt.event().actor);
            assert_eq!(logged.leaf.node.as_str(), "node-1");
        }
        assert_eq!(reader.detail(0).unwrap(), Detail::None);
        assert_eq!(
            reader.detail(1).unwrap(),
            Detail::Sealed(b"ciphertext of the detail of event 1".to_vec())
        );
        assert!(matches!(reader.leaf(3), Err(AuditError::OutOfRange { index: 3, size: 3 })));
        log.checkpoint().await.unwrap();
    }
}

#[tokio::test]
async fn a_leaf_is_signed_without_being_asked() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let started = std::time::Instant::now();
    log.append_one(event(0)).await.unwrap();
    while log.latest_checkpoint().size() < 1 {
        assert!(started.elapsed() < std::time::Duration::from_secs(60), "not signed in a minute");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_partial_tile_that_a_killed_process_cut_off_does_not_stay() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(vec![event(0); 10]).await.unwrap();
    log.shutdown().await.unwrap();
    drop(log);
    // A tree of 15 was being written when the process ended; its checkpoint never came.
    for partial in ["tile/entries/000.p/15", "tile/0/000.p/15", "detail/000.p/15"] {
        let path = dir.path().join(partial);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"cut o").unwrap();
    }
    let log = open(dir.path());
    log.append(vec![event_with_detail(1); 20]).await.unwrap();
    log.shutdown().await.unwrap();
    let report = verify_directory(dir.path(), &verifier()).unwrap();
    assert_eq!((report.first_bad, report.size), (None, 30));
}

#[tokio::test]
async fn a_reopened_log_continues_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut total = 0;
    let mut checkpoints = Vec::new();
    for step in [1_u64, 255, 0, 300, 1, 700] {
        let log = open(dir.path());
        assert_eq!(log.size(), total);
        fill(&log, total, total + step).await;
        total += step;
        checkpoints.push(log.checkpoint().await.unwrap());
        log.shutdown().await.unwrap();
        assert!(matches!(log.append_one(event(0)).await, Err(AuditError::Closed)));
    }
    let reader = Reader::of_directory(dir.path(), &verifier()).unwrap();
    let leaves = reader.read(0..u64::MAX).unwrap();
    assert_eq!(leaves.len() as u64, total);
    assert!((0..).zip(&leaves).all(|(index, logged)| logged.leaf.sequence == index && logged.index == index));
    let boots: HashSet<_> = leaves.iter().map(|logged| logged.leaf.boot).collect();
    assert_eq!(boots.len(), 5, "each opening that appended has its own boot id");
    for pair in checkpoints.windows(2) {
        let path = reader.prove_consistency(pair[0].size(), pair[1].size()).unwrap();
        verify_consistency(&pair[0], &pair[1], &path).unwrap();
        if pair[0].size() < pair[1].size() {
            assert!(verify_consistency(&pair[1], &pair[0], &path).is_err());
        }
    }
}

#[tokio::test]
async fn unsigned_records_survive_without_a_shutdown() {
    let dir = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let log = Log::open(unhurried(dir.path())).unwrap();
    fill(&log, 0, 300).await;
    log.checkpoint().await.unwrap();
    fill(&log, 300, 600).await;
    copy_directory(dir.path(), copy.path());
    assert_eq!(Reader::of_directory(copy.path(), &verifier()).unwrap().size(), 600);
    let again = open(copy.path());
    assert_eq!(again.size(), 600);
    assert_eq!(again.latest_checkpoint().size(), 600);
    assert_eq!(again.reader().read(0..600).unwrap(), log.reader().read(0..600).unwrap());
}

#[tokio::test]
async fn two_openings_at_once_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    assert!(matches!(Log::open(config(dir.path())), Err(AuditError::Locked { .. })));
    log.shutdown().await.unwrap();
    open(dir.path());
}

#[tokio::test]
async fn every_leaf_is_proved_and_the_proof_holds_for_no_other_leaf() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    fill(&log, 0, 700).await;
    for index in [0, 1, 255, 256, 511, 512, 699] {
        let proof = log.prove_inclusion(Tree::Sha256, index).await.unwrap();
        let reader = log.reader();
        let leaf = reader.leaf(index).unwrap().leaf.encode().unwrap();
        let (proved, checkpoint) = verify_inclusion(&proof, &leaf, log.verifier()).unwrap();
        assert_eq!((proved, checkpoint.size()), (index, 700));
        let other = reader.leaf((index + 1) % 700).unwrap().leaf.encode().unwrap();
        assert!(verify_inclusion(&proof, &other, log.verifier()).is_err());
        let renumbered = proof.replace(&format!("index {index}\n"), &format!("index {}\n", index + 1));
        assert!(verify_inclusion(&renumbered, &leaf, log.verifier()).is_err());
    }
    assert!(matches!(log.prove_inclusion(Tree::Sha256, 700).await, Err(AuditError::OutOfRange { .. })));
}

#[tokio::test]
async fn a_search_finds_exactly_what_the_filter_wants_in_both_orders() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(unhurried(dir.path())).unwrap();
    fill(&log, 0, 600).await;
    log.checkpoint().await.unwrap();
    fill(&log, 600, 900).await;
    let reader = log.reader();
    let all = reader.read(0..900).unwrap();
    let filters = [
        Filter::default(),
        Filter { actor: ActorId::new("doctor-3"), ..Filter::default() },
        Filter { study: Some(event(4).study.unwrap()), outcome: Some(Outcome::Refused), ..Filter::default() },
        Filter { kinds: vec![EventKind::Access], limit: Some(17), ..Filter::default() },
        Filter {
            kinds: vec![EventKind::Access, EventKind::Query],
            patient: event(0).patient,
            ..Filter::default()
        },
        Filter { institution: InstitutionId::new("other").ok(), ..Filter::default() },
        Filter { from: Some(all[300].leaf.time_ms), until: Some(all[899].leaf.time_ms), ..Filter::default() },
        Filter { limit: Some(0), ..Filter::default() },
    ];
    for filter in filters {
        let mut expected: Vec<_> = all.iter().filter(|logged| filter.wants(&logged.leaf)).cloned().collect();
        let limit = filter.limit.map_or(usize::MAX, |limit| limit as usize);
        let oldest_first = Filter { order: Order::OldestFirst, ..filter.clone() };
        let found: Vec<_> = reader.search(oldest_first).map(Result::unwrap).collect();
        assert_eq!(found, expected[..expected.len().min(limit)]);
        expected.reverse();
        let found: Vec<_> = reader.search(filter).map(Result::unwrap).collect();
        assert_eq!(found, expected[..expected.len().min(limit)]);
    }
    assert_eq!(reader.tail(10).unwrap(), all[890..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_appenders_get_distinct_consecutive_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let log = log.clone();
            tokio::spawn(async move {
                let mut indices = Vec::new();
                for n in 0..20 {
                    let pair = vec![event(task), event(n)];
                    let receipts = log.append(pair).await.unwrap();
                    assert_eq!(receipts[0].index() + 1, receipts[1].index());
                    indices.extend(receipts.iter().map(|receipt| receipt.index()));
                }
                indices
            })
        })
        .collect();
    let mut seen = HashSet::new();
    for task in tasks {
        for index in task.await.unwrap() {
            assert!(seen.insert(index));
        }
    }
    assert_eq!(seen.len(), 64 * 20 * 2);
    assert_eq!(log.checkpoint().await.unwrap().size(), 64 * 20 * 2);
}

#[tokio::test]
async fn segments_roll_over_and_covered_ones_go() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(unhurried(dir.path())).unwrap();
    let detail = |n| Event {
        detail: Some(yingdun_audit::SealedDetail::from_ciphertext(vec![n; 8192]).unwrap()),
        ..event(u64::from(n))
    };
    for n in 0..6 {
        log.append(vec![detail(n); 256]).await.unwrap();
    }
    let segments = || {
        let names = fs::read_dir(dir.path().join("journal")).unwrap().map(|entry| entry.unwrap().path());
        names.filter(|path| path.extension().is_some()).count()
    };
    assert_eq!(segments(), 6, "each append fills more than half a segment");
    log.checkpoint().await.unwrap();
    log.shutdown().await.unwrap();
    assert_eq!(segments(), 1);
    let again = open(dir.path());
    assert_eq!(again.size(), 6 * 256);
    assert_eq!(again.reader().detail(1535).unwrap(), Detail::Sealed(vec![5; 8192]));
}

#[tokio::test]
async fn a_call_with_no_or_too_many_events_is_refused_and_harms_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for count in [0, 257] {
        let outcome = log.append(vec![event(0); count]).await;
        assert!(matches!(outcome, Err(AuditError::EventCount { got, max: 256 }) if got == count));
    }
    assert_eq!(log.append_one(event(0)).await.unwrap().index(), 0);
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for bad in [
        LogConfig { segment_bytes: 1 << 20, ..config(dir.path()) },
        LogConfig { origin: "has space".to_owned(), ..config(dir.path()) },
    ] {
        assert!(matches!(Log::open(bad), Err(AuditError::Config { .. })));
    }
}

#[tokio::test]
async fn removed_details_are_reported_as_removed_and_proofs_still_hold() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    fill(&log, 0, 300).await;
    log.checkpoint().await.unwrap();
    fs::remove_dir_all(dir.path().join("detail")).unwrap();
    assert_eq!(log.reader().detail(1).unwrap(), Detail::Removed);
    let leaf = log.reader().leaf(1).unwrap().leaf.encode().unwrap();
    verify_inclusion(&log.prove_inclusion(Tree::Sha256, 1).await.unwrap(), &leaf, log.verifier()).unwrap();
    log.shutdown().await.unwrap();
    open(dir.path());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_rhythm_of_appends_checkpoints_and_restarts_gives_one_log(
        steps in proptest::collection::vec((0_u8..3, 1_u64..200), 1..12)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let mut log = Log::open(unhurried(dir.path())).unwrap();
            let mut total = 0;
            for (kind, count) in steps {
                match kind {
                    0 => { fill(&log, total, total + count).await; total += count; }
                    1 => assert_eq!(log.checkpoint().await.unwrap().size(), total),
                    _ => {
                        log.shutdown().await.unwrap();
                        log = Log::open(unhurried(dir.path())).unwrap();
                    }
                }
                assert_eq!(log.size(), total);
            }
            let leaves = log.reader().read(0..total).unwrap();
            assert!((0..total).zip(&leaves).all(|(n, logged)| logged.leaf.counts.get("instances") == Some(n)));
            assert_eq!(leaves.len() as u64, total);
        });
    }
}
