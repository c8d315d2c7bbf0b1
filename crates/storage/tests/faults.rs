//! Full disks, failing syncs, torn and hanging writes: the store goes on with the replicas that are well, refuses in
//! the right words below the quorum, and recovers by itself where that is safe.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use support::fault::{Faults, MockFaultDisk};
use support::{
    all_replicas, config, filled, header, is_whole, object_of, open, read_object, record, scan_all, until,
    verifies,
};
use tempfile::tempdir;
use tokio::sync::Barrier;
use tokio::task::JoinHandle;
use yingdun_storage::{Location, PackPosition, RealDisk, ReplicaState, Store, StoreConfig, StoreError};

async fn all_read_back(store: &Store, stored: &[(u64, Location)]) {
    for (number, location) in stored {
        let replica = store.replicas_for(location)[0];
        assert_eq!(read_object(store, location, replica).await, Some(object_of(&record(*number, 2000))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_full_replica_is_left_out_and_refilled_when_space_returns() {
    let root = tempdir().unwrap();
    let disk = Arc::new(MockFaultDisk::default());
    let settings = config(root.path(), 3);
    let faults = disk.below(&settings.replicas[1].directory);
    let store = open(&settings, disk.clone()).await;
    faults.room.store(30_000, Ordering::SeqCst);
    let mut stored = Vec::new();
    for number in 0..50 {
        stored.push((number, store.append(record(number, 2000)).await.unwrap()));
    }
    until("it counts as full", || store.status().replicas[1].state == ReplicaState::Full).await;
    assert!(store.status().writable);
    faults.room.store(-1, Ordering::SeqCst);
    until("it is used again and whole", || {
        store.status().replicas[1].state == ReplicaState::Ready && is_whole(&store)
    })
    .await;
    stored.push((50, store.append(record(50, 2000)).await.unwrap()));
    all_read_back(&store, &stored).await;
    store.close().await;
    until("the last pack is everywhere", || is_whole(&store)).await;
    for (_, location) in &stored {
        assert!(verifies(&store, location, all_replicas(&store)[1]).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_refuses_serves_and_recovers_without_a_hand() {
    let root = tempdir().unwrap();
    let disk = Arc::new(MockFaultDisk::default());
    let settings = config(root.path(), 3);
    let faults = disk.below(root.path());
    let store = open(&settings, disk.clone()).await;
    let mut stored = vec![(0, store.append(record(0, 2000)).await.unwrap())];
    faults.room.store(40_000, Ordering::SeqCst);
    let mut refused = 0;
    for number in 1..40 {
        match store.append(record(number, 2000)).await {
            Ok(location) => stored.push((number, location)),
            Err(StoreError::OutOfSpace { required: 2, able }) => {
                assert!(able < 2);
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 20);
    let large = store.append_large(header(1)).await;
    assert!(matches!(large, Err(StoreError::OutOfSpace { .. })));
    all_read_back(&store, &stored).await;
    faults.room.store(-1, Ordering::SeqCst);
    until("it takes records again", || store.status().writable).await;
    stored.push((40, store.append(record(40, 2000)).await.unwrap()));
    all_read_back(&store, &stored).await;
    let scanned = scan_all(&store, PackPosition::START).await;
    let mut expected: Vec<Location> = stored.iter().map(|(_, location)| *location).collect();
    expected.sort_by_key(Location::position);
    assert_eq!(scanned.iter().map(|s| s.location).collect::<Vec<_>>(), expected, "nothing refused is served");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reserve_is_respected_before_anything_is_written() {
    let root = tempdir().unwrap();
    let mut settings = config(root.path(), 2);
    settings.reserve_bytes = u64::MAX / 2;
    let store = open(&settings, Arc::new(MockFaultDisk::default())).await;
    assert!(matches!(
        store.append(record(1, 10)).await,
        Err(StoreError::OutOfSpace { required: 2, able: 0 })
    ));
    assert_eq!(std::fs::read_dir(settings.replicas[0].directory.join("packs")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_begins_on_a_full_disk_is_told_so() {
    let root = tempdir().unwrap();
    let mut settings = config(root.path(), 2);
    settings.reserve_bytes = u64::MAX / 2;
    let store = open(&settings, Arc::new(MockFaultDisk::default())).await;
    let refused = store.append_large(header(1)).await;
    assert!(matches!(refused, Err(StoreError::OutOfSpace { required: 2, able: 0 })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_takes_the_replica_out_until_the_next_open() {
    let root = tempdir().unwrap();
    let disk = Arc::new(MockFaultDisk::default());
    let settings = config(root.path(), 3);
    let faults = disk.below(&settings.replicas[0].directory);
    let store = open(&settings, disk.clone()).await;
    let mut stored = Vec::new();
    for number in 0..30 {
        if number == 10 {
            faults.sync_fails_in.store(1, Ordering::SeqCst);
        }
        stored.push((number, store.append(record(number, 2000)).await.unwrap()));
    }
    let failed = |store: &Store| matches!(store.status().replicas[0].state, ReplicaState::Failed(_));
    until("it failed", || failed(&store)).await;
    store.check_now().await;
    assert!(failed(&store), "no check brings it back");
    all_read_back(&store, &stored).await;
    store.close().await;
    drop(store);
    let store = open(&settings, disk).await;
    until("it is refilled", || is_whole(&store)).await;
    for (_, location) in &stored {
        assert!(verifies(&store, location, all_replicas(&store)[0]).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn below_the_quorum_nothing_is_acknowledged_and_everything_stored_is_served() {
    let root = tempdir().unwrap();
    let disk = Arc::new(MockFaultDisk::default());
    let settings = config(root.path(), 3);
    let faults = [0, 1].map(|index| disk.below(&settings.replicas[index].directory));
    let store = open(&settings, disk.clone()).await;
    let stored = vec![(0, store.append(record(0, 2000)).await.unwrap())];
    faults.iter().for_each(|faults| faults.torn.store(true, Ordering::SeqCst));
    for number in 1..5 {
        assert!(matches!(
            store.append(record(number, 2000)).await,
            Err(StoreError::QuorumLost { required: 2, able: 1 })
        ));
    }
    assert!(!store.status().writable);
    all_read_back(&store, &stored).await;
    assert_eq!(scan_all(&store, PackPosition::START).await.len(), 1);
    drop(store);
    faults.iter().for_each(|faults| faults.torn.store(false, Ordering::SeqCst));
    let store = open(&settings, disk).await;
    all_read_back(&store, &stored).await;
    assert!(store.append(record(9, 10)).await.is_ok());
}

/// Settings of three replicas in two rooms, in both of which each record must lie.
fn in_two_rooms(root: &Path) -> StoreConfig {
    let mut settings = config(root, 3);
    let rooms = ["north", "north", "south"];
    settings.replicas.iter_mut().zip(rooms).for_each(|(replica, room)| replica.failure_domain = room.into());
    settings.write_domains = 2;
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_failure_domain_left_nothing_is_acknowledged_until_the_other_comes_back() {
    let root = tempdir().unwrap();
    let disk = Arc::new(MockFaultDisk::default());
    let settings = in_two_rooms(root.path());
    let [north, south] = [0, 2].map(|index| disk.below(&settings.replicas[index].directory));
    let store = open(&settings, disk.clone()).await;
    // One of the two in the north is not needed.
    north.torn.store(true, Ordering::SeqCst);
    let mut stored = Vec::new();
    for number in 0..5 {
        let location = store.append(record(number, 2000)).await.unwrap();
        assert!(verifies(&store, &location, all_replicas(&store)[2]).await, "the south has it");
        stored.push((number, location));
    }
    let mut large = store.append_large(header(5)).await.unwrap();
    large.write(filled(5, 100_000)).await.unwrap();
    large.finish(filled(6, 40), filled(7, 40)).await.unwrap();
    drop(store);

    north.torn.store(false, Ordering::SeqCst);
    let store = open(&settings, disk.clone()).await;
    south.torn.store(true, Ordering::SeqCst);
    let is_named = |refused: Option<StoreError>| match refused {
        Some(StoreError::DomainsLost { required: 2, able: 1, missing }) => missing == "south",
        _ => false,
    };
    assert!(is_named(store.append(record(6, 2000)).await.err()), "who waits for it");
    assert!(is_named(store.append(record(7, 2000)).await.err()), "who comes later");
    assert!(is_named(store.append_large(header(8)).await.err()), "who streams");
    let status = store.status();
    assert!(!status.writable && status.short_of.is_some_and(|why| why.contains("south")));
    let domains = status.domains.iter().map(|domain| (domain.name.as_str(), domain.writable));
    assert_eq!(domains.collect::<Vec<_>>(), [("north", true), ("south", false)]);
    all_read_back(&store, &stored).await;
    drop(store);
    south.torn.store(false, Ordering::SeqCst);
    let store = open(&settings, disk).await;
    stored.push((9, store.append(record(9, 2000)).await.unwrap()));
    all_read_back(&store, &stored).await;
    for (_, location) in &stored {
        assert!(store.is_held(location).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_in_one_failure_domain_leaves_nothing() {
    let root = tempdir().unwrap();
    let disk = Arc::new(MockFaultDisk::default());
    let settings = in_two_rooms(root.path());
    let south = disk.below(&settings.replicas[2].directory);
    let store = open(&settings, disk.clone()).await;
    let mut large = store.append_large(header(3)).await.unwrap();
    large.write(filled(3, 100_000)).await.unwrap();
    south.torn.store(true, Ordering::SeqCst);
    let refused = large.finish(filled(4, 40), filled(5, 40)).await;
    assert!(matches!(refused, Err(StoreError::DomainsLost { required: 2, able: 1, .. })), "{refused:?}");
    assert_eq!(scan_all(&store, PackPosition::START).await, []);
    drop(store);
    south.torn.store(false, Ordering::SeqCst);
    let store = open(&settings, disk).await;
    assert_eq!(scan_all(&store, PackPosition::START).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_whole_in_one_failure_domain_only_does_not_count_as_held() {
    let root = tempdir().unwrap();
    let settings = in_two_rooms(root.path());
    let store = open(&settings, Arc::new(RealDisk)).await;
    let location = store.append(record(1, 2000)).await.unwrap();
    // In a closed store nothing is written anew.
    store.close().await;
    assert!(store.is_held(&location).await);
    fs::remove_dir_all(settings.replicas[2].directory.join("packs")).unwrap();
    assert!(!store.is_held(&location).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_replica_does_not_hold_the_others_until_its_queue_is_full() {
    let root = tempdir().unwrap();
    let disk = Arc::new(MockFaultDisk::default());
    let mut settings = config(root.path(), 3);
    settings.queue_bytes_max = 100 * 1024;
    let faults = disk.below(&settings.replicas[2].directory);
    let store = open(&settings, disk.clone()).await;
    store.append(record(0, 10)).await.unwrap();
    faults.hung.store(true, Ordering::SeqCst);
    for number in 1..10 {
        store.append(record(number, 2000)).await.unwrap();
    }
    // The quorum is enough, up to what the queue holds.
    let store = Arc::new(store);
    let more = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for number in 10..80 {
                store.append(record(number, 4000)).await.unwrap();
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!more.is_finished(), "then callers wait for the slow one");
    faults.hung.store(false, Ordering::SeqCst);
    more.await.unwrap();
    store.close().await;
    assert_eq!(scan_all(&store, PackPosition::START).await.len(), 80);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_replica_is_given_up() {
    let root = tempdir().unwrap();
    let disk = Arc::new(MockFaultDisk::default());
    let mut settings = config(root.path(), 3);
    // The others are given no such reason by a busy machine.
    settings.stall_limit = Duration::from_secs(3);
    settings.queue_bytes_max = 20 * 1024;
    let faults = disk.below(&settings.replicas[2].directory);
    let store = open(&settings, disk.clone()).await;
    faults.hung.store(true, Ordering::SeqCst);
    // Together they fill the queue, and the writer that hangs takes as many of them in hand as there are by then.
    let (store, begin) = (Arc::new(store), Arc::new(Barrier::new(8)));
    let first: Vec<_> = (0..8)
        .map(|number| {
            let (store, begin) = (Arc::clone(&store), Arc::clone(&begin));
            tokio::spawn(async move {
                begin.wait().await;
                store.append(record(number, 2000)).await.unwrap();
            })
        })
        .collect();
    for one in first {
        one.await.unwrap();
    }
    for number in 8..30 {
        store.append(record(number, 2000)).await.unwrap();
    }
    assert!(matches!(store.status().replicas[2].state, ReplicaState::Failed(_)));
    faults.hung.store(false, Ordering::SeqCst);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_loses_its_quorum_leaves_nothing() {
    let root = tempdir().unwrap();
    let disk = Arc::new(MockFaultDisk::default());
    let settings = config(root.path(), 3);
    let faults = [0, 1].map(|index| disk.below(&settings.replicas[index].directory));
    let store = open(&settings, disk.clone()).await;
    let mut large = store.append_large(header(3)).await.unwrap();
    large.write(filled(3, 5_000_000)).await.unwrap();
    faults.iter().for_each(|faults| faults.room.store(0, Ordering::SeqCst));
    let mut outcome = Ok(());
    for _ in 0..4 {
        outcome = large.write(filled(3, 5_000_000)).await;
        if outcome.is_err() {
            break;
        }
    }
    assert!(matches!(outcome, Err(StoreError::OutOfSpace { required: 2, able: 1 })));
    drop(large);
    assert_eq!(scan_all(&store, PackPosition::START).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_a_store_that_was_closed_opens_no_pack() {
    let root = tempdir().unwrap();
    let disk = Arc::new(MockFaultDisk::default());
    let settings = config(root.path(), 3);
    let store = open(&settings, disk.clone()).await;
    for number in 0..100 {
        store.append(record(number, 2000)).await.unwrap();
    }
    store.close().await;
    drop(store);
    disk.packs_opened.store(0, Ordering::SeqCst);
    let store = open(&settings, disk.clone()).await;
    assert!(store.status().packs > 2);
    assert!(is_whole(&store));
    assert_eq!(disk.packs_opened.load(Ordering::SeqCst), 0);
    assert_eq!(scan_all(&store, PackPosition::START).await.len(), 100);
    assert!(disk.packs_opened.load(Ordering::SeqCst) > 0, "the counter counts");
}

/// A store with one pack, which a reader is just opening on replica 0: the disk holds it up behind the opening.
async fn with_a_reader_held_up(root: &Path) -> (Store, Arc<Faults>, Location, JoinHandle<Option<Vec<u8>>>) {
    let disk = Arc::new(MockFaultDisk::default());
    let faults = disk.below(&root.join("replica-0"));
    let settings = config(root, 3);
    let store = open(&settings, disk.clone()).await;
    let location = store.append(record(4, 3000)).await.unwrap();
    store.close().await;
    drop(store);
    let pack = root.join(format!("replica-0/packs/{:016x}.pack", location.pack));
    let mut bytes = fs::read(&pack).unwrap();
    bytes[(location.offset + location.object_range().start) as usize] ^= 1;
    fs::write(&pack, &bytes).unwrap();

    let store = open(&settings, disk).await;
    faults.holds_next_open.store(true, Ordering::SeqCst);
    let (reader, replica) = (store.clone(), store.replicas()[0]);
    let reading = tokio::spawn(async move { read_object(&reader, &location, replica).await });
    until("the reader is held up", || faults.open_held.load(Ordering::SeqCst)).await;
    (store, faults, location, reading)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_opening_a_copy_while_it_was_repaired_does_not_leave_the_old_one_open() {
    let root = tempdir().unwrap();
    let (store, faults, location, reading) = with_a_reader_held_up(root.path()).await;
    let replica = store.replicas()[0];
    store.report_bad(&location, replica, "did not open");
    until("it is repaired", || is_whole(&store) && store.status().replicas[0].repaired == 1).await;
    faults.open_held.store(false, Ordering::SeqCst);
    assert!(reading.await.unwrap() != Some(object_of(&record(4, 3000))), "it had the old copy");
    assert!(verifies(&store, &location, replica).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_opening_a_pack_while_it_was_removed_does_not_keep_it() {
    let root = tempdir().unwrap();
    let (store, faults, location, reading) = with_a_reader_held_up(root.path()).await;
    store.mark_applied(&location);
    store.append(record(5, 3000)).await.unwrap();
    store.remove_pack(location.pack).await.unwrap();
    faults.open_held.store(false, Ordering::SeqCst);
    assert!(reading.await.unwrap().is_some(), "it was open before");
    assert!(read_object(&store, &location, store.replicas()[0]).await.is_none(), "it is gone");
}
