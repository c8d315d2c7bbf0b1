//! The scrub as a person meets it: what it reads, what it remembers, what it says, and what it leaves alone.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use support::corruption::is_through;
use support::fault::MockFaultDisk;
use support::{Heard, all_replicas, config, is_whole, open, open_heard, record, until, verifies};
use tempfile::tempdir;
use yingdun_storage::{Location, RealDisk, ScrubState, Store, StoreEvent, last_scrub};

async fn fill(store: &Store, count: u64) -> Vec<Location> {
    let mut locations = Vec::new();
    for number in 0..count {
        locations.push(store.append(record(number, 3000)).await.unwrap());
    }
    locations
}

async fn scrub(store: &Store) {
    store.scrub_now();
    until("the pass is through", || is_through(store)).await;
}

fn pack_file(root: &Path, replica: usize, location: &Location) -> PathBuf {
    root.join(format!("replica-{replica}/packs/{:016x}.pack", location.pack))
}

/// Changes one byte in the object of a record.
fn damage(root: &Path, replica: usize, location: &Location) {
    let path = pack_file(root, replica, location);
    let mut bytes = fs::read(&path).unwrap();
    bytes[(location.offset + location.object_range().start) as usize + replica] ^= 1;
    fs::write(&path, &bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_reads_everything_that_was_acknowledged_and_says_so() {
    let root = tempdir().unwrap();
    let settings = config(root.path(), 3);
    let heard = Arc::new(Heard::default());
    let store = open_heard(&settings, Arc::new(RealDisk), Arc::clone(&heard)).await;
    fill(&store, 50).await;
    scrub(&store).await;
    let status = store.status();
    for (replica, settings) in status.replicas.iter().zip(&settings.replicas) {
        let last = replica.scrub.last.unwrap();
        assert_eq!((last.records, last.bytes, last.found, last.lost), (50, status.bytes, 0, 0));
        assert_eq!(last_scrub(&RealDisk, &settings.directory).unwrap(), Some(last));
    }
    let finished = |event: &&StoreEvent| matches!(event, StoreEvent::ScrubFinished { .. });
    assert_eq!(heard.0.lock().unwrap().iter().filter(finished).count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_was_cut_off_goes_on_where_it_was() {
    let root = tempdir().unwrap();
    let disk = Arc::new(MockFaultDisk::default());
    let settings = config(root.path(), 2);
    let faults = disk.below(&settings.replicas[0].directory);
    let store = open(&settings, disk.clone()).await;
    fill(&store, 100).await;
    faults.read_delay_ms.store(2, Ordering::SeqCst);
    store.scrub_now();
    until("a part is done", || store.status().replicas[0].scrub.checked_records > 50).await;
    drop(store);
    faults.read_delay_ms.store(0, Ordering::SeqCst);
    let note = fs::read(settings.replicas[0].directory.join("scrub")).unwrap();
    // Also when nothing more could be written down.
    for note in [None, Some(note)] {
        if let Some(note) = note {
            fs::write(settings.replicas[0].directory.join("scrub"), note).unwrap();
        }
        disk.packs_opened.store(0, Ordering::SeqCst);
        let store = open(&settings, disk.clone()).await;
        until("the rest is done", || is_through(&store)).await;
        let last = store.status().replicas[0].scrub.last.unwrap();
        assert_eq!((last.records, last.found), (100, 0));
        let packs = store.status().packs;
        let opened = disk.packs_opened.load(Ordering::SeqCst);
        assert!(opened < 2 * packs, "{opened} opened: the first packs were not read again ({packs})");
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_that_is_damaged_begins_the_pass_anew() {
    let root = tempdir().unwrap();
    let settings = config(root.path(), 1);
    let store = open(&settings, Arc::new(RealDisk)).await;
    fill(&store, 5).await;
    scrub(&store).await;
    store.close().await;
    drop(store);
    fs::write(settings.replicas[0].directory.join("scrub"), b"YDSCRUB1 and nothing").unwrap();
    let store = open(&settings, Arc::new(RealDisk)).await;
    assert_eq!(store.status().replicas[0].scrub.last, None);
    scrub(&store).await;
    assert_eq!(store.status().replicas[0].scrub.last.unwrap().records, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_nobody_has_is_told_and_its_remains_are_left_alone() {
    let root = tempdir().unwrap();
    let settings = config(root.path(), 3);
    let heard = Arc::new(Heard::default());
    let store = open_heard(&settings, Arc::new(RealDisk), Arc::clone(&heard)).await;
    let locations = fill(&store, 40).await;
    scrub(&store).await;
    let (gone, hurt) = (locations[2], locations[3]);
    (0..3).for_each(|replica| damage(root.path(), replica, &gone));
    let remains = [0, 1, 2].map(|replica| fs::read(pack_file(root.path(), replica, &gone)).unwrap());
    scrub(&store).await;
    let lost = |event: &StoreEvent| matches!(event, StoreEvent::RecordLost { pack, offset } if (*pack, *offset) == (gone.pack, gone.offset));
    let times_told = || heard.0.lock().unwrap().iter().filter(|event| lost(event)).count();
    until("it is told", || times_told() > 0).await;
    assert_eq!(times_told(), 1, "once");
    for (replica, remains) in remains.iter().enumerate() {
        assert_eq!(store.status().replicas[replica].scrub.last.unwrap().lost, 1);
        assert_eq!(&fs::read(pack_file(root.path(), replica, &gone)).unwrap(), remains, "as it was");
    }
    // Another record of the same pack is repaired, and what was replaced is kept beside.
    assert_eq!(hurt.pack, gone.pack);
    damage(root.path(), 1, &hurt);
    let evidence = fs::read(pack_file(root.path(), 1, &hurt)).unwrap();
    scrub(&store).await;
    until("the other record is repaired", || is_whole(&store)).await;
    assert!(verifies(&store, &hurt, all_replicas(&store)[1]).await);
    let kept = pack_file(root.path(), 1, &hurt).with_extension("damaged");
    assert_eq!(fs::read(&kept).unwrap(), evidence);
    // Somebody finds a good copy: everything heals.
    let path = pack_file(root.path(), 2, &gone);
    let mut bytes = fs::read(&path).unwrap();
    bytes[(gone.offset + gone.object_range().start) as usize + 2] ^= 1;
    fs::write(&path, &bytes).unwrap();
    scrub(&store).await;
    scrub(&store).await;
    until("everything is whole", || is_whole(&store)).await;
    for replica in all_replicas(&store) {
        assert!(verifies(&store, &gone, replica).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_with_a_good_copy_on_each_replica_only_by_turns_is_put_together() {
    let root = tempdir().unwrap();
    let store = open(&config(root.path(), 3), Arc::new(RealDisk)).await;
    let locations = fill(&store, 3).await;
    scrub(&store).await;
    for (number, location) in locations.iter().enumerate() {
        (0..3)
            .filter(|replica| *replica != number)
            .for_each(|replica| damage(root.path(), replica, location));
    }
    scrub(&store).await;
    until("everything is whole", || is_whole(&store)).await;
    for location in &locations {
        for replica in all_replicas(&store) {
            assert!(verifies(&store, location, replica).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_away_is_not_condemned_and_its_pass_waits() {
    let root = tempdir().unwrap();
    let mut settings = config(root.path(), 2);
    settings.write_quorum = 1;
    let heard = Arc::new(Heard::default());
    let disk = Arc::new(MockFaultDisk::default());
    let faults = disk.below(&settings.replicas[1].directory);
    let store = open_heard(&settings, disk, Arc::clone(&heard)).await;
    fill(&store, 40).await;
    scrub(&store).await;
    heard.0.lock().unwrap().clear();
    faults.sync_fails_in.store(1, Ordering::SeqCst);
    fill(&store, 3).await;
    let failed = || matches!(store.status().replicas[1].state, yingdun_storage::ReplicaState::Failed(_));
    until("the replica has failed", failed).await;
    store.scrub_now();
    until("the other one is through", || store.status().replicas[0].scrub.state == ScrubState::Resting).await;
    assert_eq!(store.status().replicas[1].scrub.state, ScrubState::Running);
    let quarantined = |event: &StoreEvent| matches!(event, StoreEvent::Quarantined { .. });
    assert!(!heard.0.lock().unwrap().iter().any(quarantined));
}
