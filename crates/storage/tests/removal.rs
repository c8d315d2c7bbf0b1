//! A pack that its owner gives up goes everywhere or nowhere, and nothing beside it is touched.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::power::{Dice, Fault, FaultKind, MockPowerCutDisk};
use support::{config, is_whole, object_of, open, read_object, record, scan_all, until};
use tempfile::tempdir;
use yingdun_storage::{
    Location, OffsiteConfig, OffsitePlace, PackPosition, RealDisk, RemovalError, Store, StoreConfig,
};

const BYTES: usize = 9000;

type Stored = Vec<(u64, Location)>;

/// Stores and applies records until there are so many packs.
async fn fill(store: &Store, packs: usize) -> Stored {
    let mut stored = Stored::new();
    while packs_of(&stored).len() < packs {
        let number = stored.len() as u64;
        let location = store.append(record(number, BYTES)).await.unwrap();
        store.mark_applied(&location);
        stored.push((number, location));
    }
    stored
}

fn packs_of(stored: &Stored) -> Vec<u64> {
    let packs: BTreeSet<u64> = stored.iter().map(|(_, location)| location.pack).collect();
    packs.into_iter().collect()
}

/// Asks again as long as a pack is just being sealed, or a place elsewhere takes a moment.
async fn remove(store: &Store, pack: u64) -> Result<u64, RemovalError> {
    let begun = Instant::now();
    loop {
        match store.remove_pack(pack).await {
            Err(error @ (RemovalError::Busy { .. } | RemovalError::Newest(_))) => {
                assert!(begun.elapsed() < Duration::from_secs(60), "{error}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            other => return other,
        }
    }
}

/// Every record but those of one pack reads as it was stored, on every replica.
async fn neighbours_read(store: &Store, stored: &Stored, without: u64) {
    for (number, location) in stored.iter().filter(|(_, location)| location.pack != without) {
        for replica in store.replicas() {
            let read = read_object(store, location, replica).await.unwrap();
            assert_eq!(read, object_of(&record(*number, BYTES)), "record {number}");
        }
    }
}

/// Files of a pack, in whatever form, on the replicas and off-site.
fn files_of(root: &Path, pack: u64) -> usize {
    let name = format!("{pack:016x}.");
    let places = ["replica-0/packs", "replica-1/packs", "replica-2/packs", "offsite/packs", "offsite/tail"];
    let entries = places.iter().filter_map(|place| fs::read_dir(root.join(place)).ok()).flatten();
    entries.filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().starts_with(&name)).count()
}

fn with_offsite(root: &Path) -> StoreConfig {
    let mut config = config(root, 3);
    let place = OffsitePlace::Directory(root.join("offsite"));
    let mut offsite = OffsiteConfig::new(place, "far", "site-2");
    offsite.tail_delay = Duration::from_millis(10);
    config.offsite = vec![offsite];
    config
}

#[tokio::test]
async fn a_pack_that_is_given_up_is_gone_everywhere_and_stays_so_and_its_neighbours_are_what_they_were() {
    let root = tempdir().unwrap();
    let config = with_offsite(root.path());
    let store = open(&config, Arc::new(RealDisk)).await;
    let stored = fill(&store, 4).await;
    let gone = packs_of(&stored)[1];
    until("it is off-site", || root.path().join(format!("offsite/packs/{gone:016x}.pack")).exists()).await;
    // What a repair once kept of it goes with it.
    fs::write(root.path().join(format!("replica-1/packs/{gone:016x}.damaged")), b"evidence").unwrap();
    let bytes = store.pack_extent(gone).unwrap().bytes;
    assert_eq!(remove(&store, gone).await.unwrap(), bytes);
    assert_eq!((files_of(root.path(), gone), store.pack_extent(gone)), (0, None));
    assert!(matches!(store.remove_pack(gone).await, Err(RemovalError::Unknown(pack)) if pack == gone));
    neighbours_read(&store, &stored, gone).await;
    store.check_now().await;
    let far = store.status().offsite[0].clone();
    assert_eq!((far.unknown_packs, store.status().replicas[0].quarantined), (0, 0));
    store.close().await;
    drop(store);

    let store = open(&config, Arc::new(RealDisk)).await;
    until("everything is off-site", || {
        let far = store.status().offsite[0].clone();
        far.lag_packs == 0 && far.packs == store.status().packs
    })
    .await;
    assert_eq!(files_of(root.path(), gone), 0);
    assert!(is_whole(&store));
    neighbours_read(&store, &stored, gone).await;
    let scanned = scan_all(&store, PackPosition::START).await;
    assert!(scanned.iter().all(|record| record.location.pack != gone));
    let next = store.append(record(7, BYTES)).await.unwrap();
    assert!(next.pack > *packs_of(&stored).last().unwrap());
}

#[tokio::test]
async fn the_records_of_a_pack_are_told_by_their_headers_and_a_byte_that_is_nobodys_is_noticed() {
    let root = tempdir().unwrap();
    let store = open(&config(root.path(), 1), Arc::new(RealDisk)).await;
    let stored = fill(&store, 2).await;
    let [first, newest] = packs_of(&stored)[..] else { panic!("two packs") };
    assert_eq!(store.pack_records(newest).await.unwrap(), None, "it is still written");
    let mut records = None;
    while records.is_none() {
        records = store.pack_records(first).await.unwrap();
    }
    let of_first: Stored = stored.iter().filter(|(_, location)| location.pack == first).copied().collect();
    let told: Vec<_> =
        records.unwrap().into_iter().map(|told| (told.header, told.location.record_bytes())).collect();
    let expected: Vec<_> =
        of_first.iter().map(|(number, at)| (support::header(*number), at.record_bytes())).collect();
    assert_eq!(told, expected);

    let path = root.path().join(format!("replica-0/packs/{first:016x}.pack"));
    let mut bytes = fs::read(&path).unwrap();
    bytes[usize::try_from(of_first[1].1.offset).unwrap()] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(store.pack_records(first).await.unwrap(), None, "a header is damaged");
}

#[tokio::test]
async fn what_could_come_back_or_is_still_needed_is_not_removed() {
    let root = tempdir().unwrap();
    let config = with_offsite(root.path());
    let store = open(&config, Arc::new(RealDisk)).await;
    let stored = fill(&store, 3).await;
    let packs = packs_of(&stored);
    assert!(matches!(store.remove_pack(packs[2]).await, Err(RemovalError::Newest(_))));
    let waiting = store.append(record(99, BYTES)).await.unwrap();
    let below = store.end_pack();
    let later = store.append(record(100, BYTES)).await.unwrap();
    assert!(waiting.pack < below && later.pack >= below);
    assert!(matches!(remove(&store, waiting.pack).await, Err(RemovalError::Unapplied(_))));
    assert!(store.pack_extent(waiting.pack).is_some());

    // A replica that is away would bring it back.
    let label = &config.replicas[2].label;
    store.drain(store.replica_named(label).unwrap()).await.unwrap();
    assert!(
        matches!(remove(&store, packs[0]).await, Err(RemovalError::Replica { label: of, .. }) if of == *label)
    );
    store.replace(store.replica_named(label).unwrap()).await.unwrap();
    until("it serves again", || is_whole(&store)).await;

    // So would a place elsewhere that does not answer.
    until("the place is there", || store.status().offsite[0].lag_packs == 0).await;
    fs::rename(root.path().join("offsite"), root.path().join("unmounted")).unwrap();
    fs::write(root.path().join("offsite"), b"in the way").unwrap();
    let last = store.append(record(101, BYTES)).await.unwrap();
    store.mark_applied(&last);
    until("it is noticed", || store.status().offsite[0].lag_packs > 0).await;
    let refused = remove(&store, packs[0]).await;
    assert!(matches!(refused, Err(RemovalError::Offsite { .. })), "{refused:?}");
    assert_eq!(files_of(root.path(), packs[0]), 3);

    // A removal that is taken back is one that never was: what the place gave up is sent again.
    fs::remove_file(root.path().join("offsite")).unwrap();
    fs::rename(root.path().join("unmounted"), root.path().join("offsite")).unwrap();
    store.keep_pack(packs[0]);
    until("it is off-site again", || store.status().offsite[0].lag_packs == 0).await;
    assert_eq!(files_of(root.path(), packs[0]), 4);
    neighbours_read(&store, &stored, packs[2]).await;
}

#[tokio::test]
async fn a_device_that_fails_in_the_middle_leaves_the_pack_whole_on_every_replica_or_nowhere() {
    for after in 0..9 {
        let mut tries = 0..20;
        while !a_removal_meets_a_fault(after).await {
            assert!(tries.next().is_some(), "after {after}: something else meets the fault each time");
        }
    }
}

/// Says whether it was the removal that met the fault, and not something that went on beside it.
async fn a_removal_meets_a_fault(after: u64) -> bool {
    let disk = MockPowerCutDisk::default();
    let store = open(&config(Path::new("mock"), 3), Arc::new(disk.clone())).await;
    let stored = fill(&store, 3).await;
    let packs = packs_of(&stored);
    let pack = packs[0];
    for closed in &packs[..2] {
        while store.pack_records(*closed).await.unwrap().is_none() {}
    }
    until("nothing is under way", || is_whole(&store)).await;
    disk.fail(Fault { kind: FaultKind::Device, after, is_ignored: false });
    let removed = remove(&store, pack).await;
    disk.heal();
    match &removed {
        Err(RemovalError::Replica { .. }) => return false,
        Err(RemovalError::Io { .. }) => {
            until("it is whole again", || is_whole(&store) && store.pack_extent(pack).is_some()).await;
            neighbours_read(&store, &stored, 0).await;
            remove(&store, pack).await.unwrap();
        }
        Err(error) => panic!("after {after}: {error}"),
        Ok(_) => {}
    }
    neighbours_read(&store, &stored, pack).await;
    assert_eq!(store.pack_extent(pack), None, "after {after}");
    true
}

#[tokio::test]
async fn a_power_cut_in_the_middle_leaves_the_pack_whole_on_every_replica_or_nowhere() {
    for seed in 0..60 {
        let mut dice = Dice::new(seed);
        let disk = MockPowerCutDisk::default();
        let config = config(Path::new("mock"), 3);
        let store = open(&config, Arc::new(disk.clone())).await;
        let stored = fill(&store, 3).await;
        let pack = packs_of(&stored)[0];
        while store.pack_records(pack).await.unwrap().is_none() {}
        disk.cut_after(dice.roll(9));
        let _cut_somewhere = store.remove_pack(pack).await;
        disk.cut();
        drop(store);

        let store = open(&config, Arc::new(disk.after_the_cut(&mut dice))).await;
        until("nothing waits for repair", || is_whole(&store)).await;
        let without = if store.pack_extent(pack).is_some() { 0 } else { pack };
        neighbours_read(&store, &stored, without).await;
        let scanned = scan_all(&store, PackPosition::START).await;
        let expected = stored.iter().filter(|(_, location)| location.pack != without).count();
        assert_eq!(scanned.len(), expected, "seed {seed}");
    }
}
