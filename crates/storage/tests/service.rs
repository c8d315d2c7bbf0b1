//! A disk is taken out and another one put in while the store serves: writes keep their quorum, reads go on, and the
//! new folder is filled, also over restarts.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use support::fault::MockFaultDisk;
use support::{Heard, all_replicas, config, is_whole, open, open_heard, record, until, verifies};
use tempfile::tempdir;
use yingdun_storage::{Disk, Location, RealDisk, ReplicaState, ServiceError, Store, StoreConfig, StoreEvent};

async fn fill(store: &Store, from: u64, count: u64) -> Vec<Location> {
    let mut locations = Vec::new();
    for number in from..from + count {
        locations.push(store.append(record(number, 3000)).await.unwrap());
    }
    locations
}

fn directory(root: &Path, replica: usize) -> PathBuf {
    root.join(format!("replica-{replica}"))
}

/// Takes the disk of a replica away; a thread of the store may be about to leave it.
async fn take_away(directory: &Path) {
    until("nothing is written there any more", || {
        fs::remove_dir_all(directory).is_ok() || !directory.exists()
    })
    .await;
}

/// The store after a new start, whole: what the end of the old one sealed, it had no time to fill.
async fn opened_again(store: Store, settings: &StoreConfig, disk: Arc<dyn Disk>) -> Store {
    store.close().await;
    drop(store);
    let store = open(settings, disk).await;
    until("the last pack is everywhere", || is_whole(&store)).await;
    store
}

async fn become_state(store: &Store, replica: usize, state: ReplicaState) {
    until("the replica is in that state", || store.status().replicas[replica].state == state).await;
}

async fn everything_is_on(store: &Store, replica: usize, locations: &[Location]) {
    let replica = all_replicas(store)[replica];
    for location in locations {
        assert!(verifies(store, location, replica).await, "{location:?}");
    }
}

/// The names of files that this process has open below a folder.
fn open_below(folder: &Path) -> Vec<PathBuf> {
    let open =
        fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    open.filter(|path| path.starts_with(folder)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_is_drained_taken_away_and_replaced_by_an_empty_one_while_the_store_serves() {
    let root = tempdir().unwrap();
    let heard = Arc::new(Heard::default());
    let settings = config(root.path(), 3);
    let store = open_heard(&settings, Arc::new(RealDisk), Arc::clone(&heard)).await;
    let mut locations = fill(&store, 0, 60).await;
    let old = all_replicas(&store)[1];
    store.drain(old).await.unwrap();
    store.drain(old).await.unwrap();
    become_state(&store, 1, ReplicaState::Drained).await;
    assert_eq!(store.status().replicas[1].needed_packs, 0);
    until("nothing of it is open", || open_below(&directory(root.path(), 1)).is_empty()).await;
    let before = fs::read_dir(directory(root.path(), 1).join("packs")).unwrap().count();
    locations.extend(fill(&store, 60, 40).await);
    assert_eq!(
        fs::read_dir(directory(root.path(), 1).join("packs")).unwrap().count(),
        before,
        "nothing is written"
    );
    assert!(open_below(&directory(root.path(), 1)).is_empty(), "nothing of it is read");

    take_away(&directory(root.path(), 1)).await;
    store.replace(old).await.unwrap();
    locations.extend(fill(&store, 100, 20).await);
    until("it is filled", || is_whole(&store)).await;
    assert_eq!(store.status().replicas[1].bytes_awaiting_repair, 0);
    let told = [
        StoreEvent::ReplicaDraining { replica: old },
        StoreEvent::ReplicaDrained { replica: old },
        StoreEvent::ReplicaReady { replica: old },
    ];
    until("all of it is told", || {
        let heard = heard.0.lock().unwrap();
        heard.iter().filter(|event| told.contains(event)).eq(&told)
    })
    .await;
    let store = opened_again(store, &settings, Arc::new(RealDisk)).await;
    everything_is_on(&store, 1, &locations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_the_quorum_needs_is_not_given_away() {
    let root = tempdir().unwrap();
    let store = open(&config(root.path(), 3), Arc::new(RealDisk)).await;
    fill(&store, 0, 5).await;
    let replicas = all_replicas(&store);
    store.drain(replicas[0]).await.unwrap();
    let refused = store.drain(replicas[2]).await;
    assert!(matches!(refused, Err(ServiceError::StillNeeded { required: 2, able: 1 })), "{refused:?}");
    fill(&store, 5, 5).await;
    let refused = store.replace(replicas[1]).await;
    assert!(matches!(refused, Err(ServiceError::WrongState { found: "ready", .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_replica_of_a_failure_domain_that_writes_need_is_not_given_away() {
    let root = tempdir().unwrap();
    let mut settings = config(root.path(), 3);
    settings.write_domains = 2;
    settings.replicas[1].failure_domain = "disk-0".into();
    let store = open(&settings, Arc::new(RealDisk)).await;
    fill(&store, 0, 5).await;
    let replicas = all_replicas(&store);
    let refused = store.drain(replicas[2]).await.unwrap_err();
    assert!(
        matches!(&refused, ServiceError::DomainStillNeeded { required: 2, able: 1, missing } if missing == "disk-2"),
        "{refused}"
    );
    store.drain(replicas[0]).await.unwrap();
    become_state(&store, 0, ReplicaState::Drained).await;
    fill(&store, 5, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_too_few_others_have_is_copied_before_a_replica_can_be_spared() {
    let root = tempdir().unwrap();
    let disk = Arc::new(MockFaultDisk::default());
    let settings = config(root.path(), 4);
    let faults = disk.below(&settings.replicas[3].directory);
    let mut settings = settings;
    settings.write_quorum = 2;
    let store = open(&settings, disk).await;
    faults.room.store(0, Ordering::SeqCst);
    fill(&store, 0, 40).await;
    become_state(&store, 3, ReplicaState::Full).await;
    let replicas = all_replicas(&store);
    // Two of the three that hold everything go; the quorum of two would be one copy.
    store.drain(replicas[0]).await.unwrap();
    become_state(&store, 0, ReplicaState::Drained).await;
    faults.room.store(-1, Ordering::SeqCst);
    become_state(&store, 3, ReplicaState::Ready).await;
    store.drain(replicas[1]).await.unwrap();
    become_state(&store, 1, ReplicaState::Drained).await;
    let status = store.status();
    assert_eq!((status.replicas[2].packs, status.replicas[3].packs), (status.packs, status.packs));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_failed_is_replaced_without_a_restart_and_only_by_an_empty_one() {
    let root = tempdir().unwrap();
    let disk = Arc::new(MockFaultDisk::default());
    let settings = config(root.path(), 3);
    let faults = disk.below(&settings.replicas[2].directory);
    let store = open(&settings, disk.clone()).await;
    let mut locations = fill(&store, 0, 30).await;
    faults.sync_fails_in.store(1, Ordering::SeqCst);
    locations.extend(fill(&store, 30, 30).await);
    let failed = || matches!(store.status().replicas[2].state, ReplicaState::Failed(_));
    until("it failed", failed).await;
    let replica = all_replicas(&store)[2];
    assert!(matches!(store.drain(replica).await, Err(ServiceError::WrongState { found: "failed", .. })));
    assert!(matches!(store.replace(replica).await, Err(ServiceError::NotEmpty { .. })));
    take_away(&directory(root.path(), 2)).await;
    store.replace(replica).await.unwrap();
    until("it is filled", || is_whole(&store)).await;
    let store = opened_again(store, &settings, disk).await;
    everything_is_on(&store, 2, &locations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_of_another_store_is_not_taken() {
    let (root, other) = (tempdir().unwrap(), tempdir().unwrap());
    let foreign = open(&config(other.path(), 1), Arc::new(RealDisk)).await;
    fill(&foreign, 0, 3).await;
    foreign.close().await;
    drop(foreign);
    let store = open(&config(root.path(), 3), Arc::new(RealDisk)).await;
    let replica = all_replicas(&store)[0];
    fill(&store, 0, 3).await;
    store.drain(replica).await.unwrap();
    become_state(&store, 0, ReplicaState::Drained).await;
    take_away(&directory(root.path(), 0)).await;
    fs::rename(directory(other.path(), 0), directory(root.path(), 0)).unwrap();
    assert!(matches!(store.replace(replica).await, Err(ServiceError::Foreign { .. })));
    assert_eq!(store.status().replicas[0].state, ReplicaState::Drained);
    assert!(open_below(&directory(root.path(), 0)).is_empty(), "it can be taken out again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_disk_that_comes_back_gets_only_what_it_lacks() {
    let root = tempdir().unwrap();
    let settings = config(root.path(), 3);
    let store = open(&settings, Arc::new(RealDisk)).await;
    let mut locations = fill(&store, 0, 100).await;
    store.drain(all_replicas(&store)[0]).await.unwrap();
    become_state(&store, 0, ReplicaState::Drained).await;
    locations.extend(fill(&store, 100, 1).await);
    store.close().await;
    drop(store);
    // A restart changes nothing about it.
    let store = open(&settings, Arc::new(RealDisk)).await;
    become_state(&store, 0, ReplicaState::Drained).await;
    locations.extend(fill(&store, 101, 1).await);
    store.replace(all_replicas(&store)[0]).await.unwrap();
    until("it has everything", || is_whole(&store)).await;
    assert!(store.status().replicas[0].repaired <= 3, "only what came meanwhile");
    let store = opened_again(store, &settings, Arc::new(RealDisk)).await;
    assert!(store.status().replicas[0].repaired <= 3, "only what came meanwhile");
    everything_is_on(&store, 0, &locations).await;
    assert_eq!(store.status().replicas[0].state, ReplicaState::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn filling_goes_on_after_a_restart_and_writes_keep_their_quorum_meanwhile() {
    let root = tempdir().unwrap();
    let disk = Arc::new(MockFaultDisk::default());
    let settings = config(root.path(), 3);
    let faults = disk.below(&settings.replicas[1].directory);
    let store = open(&settings, disk.clone()).await;
    let mut locations = fill(&store, 0, 120).await;
    let replica = all_replicas(&store)[1];
    store.drain(replica).await.unwrap();
    become_state(&store, 1, ReplicaState::Drained).await;
    take_away(&directory(root.path(), 1)).await;
    // A slow new disk.
    faults.delay_ms.store(50, Ordering::SeqCst);
    store.replace(replica).await.unwrap();
    until("a part is filled", || store.status().replicas[1].repaired >= 2).await;
    let left = store.status().replicas[1].bytes_awaiting_repair;
    assert!(left > 0 && !directory(root.path(), 1).join("store-id").exists(), "{left} bytes left");
    for number in 200..210 {
        let location = store.append(record(number, 3000)).await.unwrap();
        let mut sound = 0;
        for replica in all_replicas(&store) {
            sound += usize::from(verifies(&store, &location, replica).await);
        }
        assert!(sound >= 2, "acknowledged on the quorum");
        locations.push(location);
    }
    drop(store);
    faults.delay_ms.store(0, Ordering::SeqCst);
    let store = open(&settings, disk).await;
    until("the rest is filled", || is_whole(&store)).await;
    assert!(store.status().replicas[1].bytes_awaiting_repair < left);
    everything_is_on(&store, 1, &locations).await;
    until("it belongs to the store", || directory(root.path(), 1).join("store-id").exists()).await;
}
