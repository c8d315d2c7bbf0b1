//! Replicas that come late: whatever the start finds without them, no acknowledged record is cut off, and when they
//! are back every record is whole on every replica.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use support::fault::MockFaultDisk;
use support::{
    Heard, all_replicas, config, is_whole, object_of, open, open_heard, read_object, record, scan_all, until,
    verifies,
};
use tempfile::{TempDir, tempdir};
use yingdun_storage::{Location, PackPosition, RealDisk, Store, StoreConfig, StoreEvent};

/// Records that replica 2 still holds after the crash.
const SEEN_BY_ALL: usize = 5;

/// What was acknowledged: number and location.
type Acknowledged = Vec<(u64, Location)>;

fn directory(root: &Path, replica: usize) -> PathBuf {
    root.join(format!("replica-{replica}"))
}

fn open_file(root: &Path, replica: usize, location: &Location) -> PathBuf {
    directory(root, replica).join(format!("packs/{:016x}.open", location.pack))
}

/// Replicas 0 and 1 are not mounted.
fn hide(root: &Path) {
    for replica in 0..2 {
        fs::rename(directory(root, replica), root.join(format!("hidden-{replica}"))).unwrap();
    }
}

/// Replicas 0 and 1 are mounted again, over whatever was made in their place.
async fn bring_back(root: &Path) {
    for replica in 0..2 {
        let place = directory(root, replica);
        // A running store may be making a file in it at this moment.
        let aside = root.join(format!("aside-{replica}"));
        until("the place is free", || !place.exists() || fs::rename(&place, &aside).is_ok()).await;
        let hidden = root.join(format!("hidden-{replica}"));
        until("it is back", || {
            if place.exists() {
                let _not_empty_yet = fs::remove_dir_all(&place);
            }
            fs::rename(&hidden, &place).is_ok()
        })
        .await;
    }
}

async fn append(store: &Store, stored: &mut Acknowledged, count: u64) {
    for _ in 0..count {
        let number = stored.len() as u64;
        stored.push((number, store.append(record(number, 2000)).await.unwrap()));
    }
}

/// A store whose process was killed: replicas 0 and 1 hold twelve records, replica 2 the first five of them.
async fn crashed() -> (TempDir, StoreConfig, Acknowledged) {
    let root = tempdir().unwrap();
    let mut settings = config(root.path(), 3);
    settings.pack_bytes_max = 1024 * 1024;
    let store = open(&settings, Arc::new(RealDisk)).await;
    let mut stored = Acknowledged::new();
    append(&store, &mut stored, 12).await;
    drop(store);
    let lagging = open_file(root.path(), 2, &stored[0].1);
    let file = fs::OpenOptions::new().write(true).open(lagging).unwrap();
    file.set_len(stored[SEEN_BY_ALL].1.offset).unwrap();
    (root, settings, stored)
}

async fn everything_is_everywhere(store: &Store, stored: &Acknowledged) {
    until("all is whole", || is_whole(store)).await;
    for (number, location) in stored {
        for replica in all_replicas(store) {
            assert!(verifies(store, location, replica).await, "record {number} on {replica:?}");
            assert_eq!(read_object(store, location, replica).await, Some(object_of(&record(*number, 2000))));
        }
    }
    let scanned = scan_all(store, PackPosition::START).await;
    for (number, location) in stored {
        assert!(scanned.iter().any(|scanned| scanned.location == *location), "record {number} is not met");
    }
}

async fn readable(store: &Store, stored: &[(u64, Location)]) {
    for (number, location) in stored {
        let replica = store.replicas_for(location)[0];
        assert_eq!(read_object(store, location, replica).await, Some(object_of(&record(*number, 2000))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lagging_replica_alone_does_not_decide_where_a_pack_ends() {
    let (root, settings, mut stored) = crashed().await;
    hide(root.path());
    let store = open(&settings, Arc::new(RealDisk)).await;
    readable(&store, &stored[..SEEN_BY_ALL]).await;
    assert!(open_file(root.path(), 2, &stored[0].1).exists(), "neither sealed nor cut");
    assert!(!is_whole(&store), "it waits for the others");
    let new = store.append(record(99, 2000)).await.unwrap();
    assert!(new.pack > stored[0].1.pack);
    assert_eq!(scan_all(&store, PackPosition::START).await.len(), SEEN_BY_ALL + 1);
    assert_eq!(store.replay_from(), PackPosition::START, "nobody has scanned what the others hold");
    drop(store);
    bring_back(root.path()).await;
    let store = open(&settings, Arc::new(RealDisk)).await;
    everything_is_everywhere(&store, &stored).await;
    assert!(verifies(&store, &new, all_replicas(&store)[0]).await);
    append(&store, &mut stored, 1).await;
    store.close().await;
    drop(store);
    let store = open(&settings, Arc::new(RealDisk)).await;
    everything_is_everywhere(&store, &stored).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_come_back_while_the_store_serves_complete_the_pack() {
    let (root, settings, stored) = crashed().await;
    hide(root.path());
    let store = open(&settings, Arc::new(RealDisk)).await;
    let new = store.append(record(99, 2000)).await.unwrap();
    store.check_now().await;
    assert!(open_file(root.path(), 2, &stored[0].1).exists(), "empty directories decide nothing");
    bring_back(root.path()).await;
    store.check_now().await;
    everything_is_everywhere(&store, &stored).await;
    until("the new record too", || is_whole(&store)).await;
    assert!(verifies(&store, &new, all_replicas(&store)[2]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn directories_that_were_made_at_one_start_are_still_new_at_the_next() {
    let (root, settings, stored) = crashed().await;
    hide(root.path());
    for _ in 0..3 {
        let store = open(&settings, Arc::new(RealDisk)).await;
        store.append(record(99, 2000)).await.unwrap();
        for _ in 0..3 {
            store.check_now().await;
        }
        assert!(open_file(root.path(), 2, &stored[0].1).exists());
        store.close().await;
        drop(store);
    }
    bring_back(root.path()).await;
    let store = open(&settings, Arc::new(RealDisk)).await;
    everything_is_everywhere(&store, &stored).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn packs_that_only_the_late_replicas_hold_are_taken_up() {
    for running in [false, true] {
        let root = tempdir().unwrap();
        let disk = Arc::new(MockFaultDisk::default());
        let settings = config(root.path(), 3);
        let faults = disk.below(&settings.replicas[2].directory);
        let store = open(&settings, disk.clone()).await;
        let mut stored = Acknowledged::new();
        append(&store, &mut stored, 3).await;
        faults.torn.store(true, Ordering::SeqCst);
        append(&store, &mut stored, 60).await;
        drop(store);
        faults.torn.store(false, Ordering::SeqCst);
        assert!(!directory(root.path(), 2).join(format!("packs/{:016x}.open", stored[62].1.pack)).exists());
        hide(root.path());
        let mut store = open(&settings, disk.clone()).await;
        store.append(record(99, 2000)).await.unwrap();
        if running {
            bring_back(root.path()).await;
            store.check_now().await;
        } else {
            drop(store);
            bring_back(root.path()).await;
            store = open(&settings, disk.clone()).await;
        }
        everything_is_everywhere(&store, &stored).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_longer_open_copy_wins_over_shorter_sealed_ones() {
    for running in [false, true] {
        let (root, settings, stored) = crashed().await;
        // A shorter end was agreed upon without the others.
        let open_form = open_file(root.path(), 2, &stored[0].1);
        fs::rename(&open_form, open_form.with_extension("pack")).unwrap();
        if running {
            hide(root.path());
        }
        let store = open(&settings, Arc::new(RealDisk)).await;
        if running {
            until("the short pack is everywhere", || is_whole(&store)).await;
            bring_back(root.path()).await;
            store.check_now().await;
        }
        everything_is_everywhere(&store, &stored).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lost_replica_does_not_hold_back_the_others() {
    let (root, settings, stored) = crashed().await;
    fs::remove_dir_all(directory(root.path(), 0)).unwrap();
    let store = open(&settings, Arc::new(RealDisk)).await;
    assert!(!open_file(root.path(), 2, &stored[0].1).exists(), "two of three decide");
    everything_is_everywhere(&store, &stored).await;
    until("it belongs to the store", || directory(root.path(), 0).join("store-id").exists()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_pack_is_numbered_below_a_position_that_was_once_given_out() {
    let root = tempdir().unwrap();
    let settings = config(root.path(), 2);
    let store = open(&settings, Arc::new(RealDisk)).await;
    let first = store.append(record(1, 10)).await.unwrap();
    let watermark = PackPosition { pack: first.pack + (5 << 24), offset: 400 };
    store.number_from(watermark);
    let next = store.append(record(2, 10)).await.unwrap();
    assert!(next.position() > watermark, "also when a pack was active");
    store.number_from(first.position());
    let same = store.append(record(3, 10)).await.unwrap();
    assert_eq!(same.pack, next.pack, "a position behind changes nothing");
    store.number_from(PackPosition { pack: u64::MAX, offset: 0 });
    let sane = store.append(record(4, 10)).await.unwrap();
    assert!(i64::try_from(sane.pack).is_ok());
    assert_eq!(scan_all(&store, PackPosition::START).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_tore_before_a_whole_record_behind_the_agreed_end_is_no_record() {
    let root = tempdir().unwrap();
    let settings = config(root.path(), 3);
    let store = open(&settings, Arc::new(RealDisk)).await;
    let mut stored = Acknowledged::new();
    append(&store, &mut stored, 3).await;
    let [(_, agreed), (_, torn), (_, whole)] = [stored[0], stored[1], stored[2]];
    until("everything is on replica 2", || store.status().replicas[2].lag_bytes == 0).await;
    let mut left_open = fs::read(open_file(root.path(), 2, &agreed)).unwrap();
    store.close().await;
    drop(store);
    // Two replicas were sealed behind the first record. Of what the third had not synced, the middle is missing.
    for replica in 0..3 {
        let sealed = open_file(root.path(), replica, &agreed).with_extension("pack");
        if replica < 2 {
            fs::File::options().write(true).open(sealed).unwrap().set_len(agreed.end()).unwrap();
        } else {
            fs::remove_file(sealed).unwrap();
        }
    }
    left_open[(torn.offset + torn.object_range().start) as usize] ^= 1;
    fs::write(open_file(root.path(), 2, &agreed), left_open).unwrap();

    let heard = Arc::new(Heard::default());
    let store = open_heard(&settings, Arc::new(RealDisk), Arc::clone(&heard)).await;
    for _ in 0..2 {
        let found: Vec<Location> =
            scan_all(&store, PackPosition::START).await.iter().map(|record| record.location).collect();
        assert_eq!(found, [agreed, whole]);
        until("it is repaired", || is_whole(&store)).await;
    }
    for replica in all_replicas(&store) {
        assert!(verifies(&store, &whole, replica).await);
    }
    let lost = |event: &StoreEvent| matches!(event, StoreEvent::RecordLost { .. });
    assert!(!heard.0.lock().unwrap().iter().any(lost), "it was never acknowledged");
}
