//! What lives in a pack goes into a new one: the same bytes, in the same order, on every replica; the old place stays valid for
//! whoever has it; and wherever the power is cut, each record is in one of both.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use bytes::Bytes;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::power::{Dice, MockPowerCutDisk};
use support::{config, is_whole, open, record, scan_all, until};
use tempfile::tempdir;
use yingdun_storage::{
    Location, OffsiteConfig, OffsitePlace, PackPosition, RealDisk, RemovalError, Store, may_be_made_of,
};

const BYTES: usize = 9000;

/// Stores and applies records until a third pack has begun; those of the first pack.
async fn first_of_three(store: &Store) -> Vec<(u64, Location)> {
    let mut stored: Vec<(u64, Location)> = Vec::new();
    let packs = |stored: &[(u64, Location)]| {
        stored.iter().map(|(_, location)| location.pack).collect::<BTreeSet<u64>>()
    };
    while packs(&stored).len() < 3 {
        let number = stored.len() as u64;
        let location = store.append(record(number, BYTES)).await.unwrap();
        store.mark_applied(&location);
        stored.push((number, location));
    }
    let first = *packs(&stored).first().unwrap();
    stored.retain(|(_, location)| location.pack == first);
    while store.pack_records(first).await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    stored
}

/// Every second record.
fn half(of: &[(u64, Location)]) -> Vec<(u64, Location)> {
    of.iter().step_by(2).copied().collect()
}

fn places(of: &[(u64, Location)]) -> Vec<Location> {
    of.iter().map(|(_, location)| *location).collect()
}

async fn remove(store: &Store, pack: u64) -> Result<u64, RemovalError> {
    let begun = Instant::now();
    loop {
        match store.remove_pack(pack).await {
            Err(error @ (RemovalError::Busy { .. } | RemovalError::Behind { .. })) => {
                assert!(begun.elapsed() < Duration::from_secs(60), "{error}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            other => return other,
        }
    }
}

/// The parts of a record behind its header, from its place on every replica.
async fn read_at(store: &Store, location: &Location) -> Vec<Bytes> {
    let mut read = Vec::new();
    for replica in store.replicas() {
        assert!(store.verify_record(location, replica).await.is_ok(), "{location:?}");
        let parts =
            [location.descriptor_range(), location.metadata_range(), location.object_range()].map(|range| {
                let store = store.clone();
                let location = *location;
                async move { store.read(&location, range, replica).await.unwrap() }
            });
        for part in parts {
            read.push(part.await);
        }
    }
    read
}

/// Each of these reads as it was stored, by its old place, wherever it is now.
async fn read_as_stored(store: &Store, stored: &[(u64, Location)]) {
    for (number, location) in stored {
        let record = record(*number, BYTES);
        let object = Bytes::from(record.object.concat());
        let parts = [record.descriptor, record.metadata, object];
        assert_eq!(read_at(store, location).await, [&parts[..], &parts, &parts].concat(), "record {number}");
    }
}

#[tokio::test]
async fn what_lives_goes_on_in_a_pack_right_behind_the_old_one_and_old_places_stay_valid() {
    let root = tempdir().unwrap();
    let mut config = config(root.path(), 3);
    let far = OffsitePlace::Directory(root.path().join("offsite"));
    config.offsite = vec![OffsiteConfig::new(far, "far", "site-2")];
    let store = open(&config, Arc::new(RealDisk)).await;
    let stored = first_of_three(&store).await;
    let old = stored[0].1.pack;
    let before = scan_all(&store, PackPosition::START).await;
    let living = half(&stored);
    let copy = store.copy_records(old, places(&living)).await.unwrap();
    assert!(
        may_be_made_of(copy, old) && !may_be_made_of(old, copy) && !may_be_made_of(copy + (1 << 24), old)
    );
    assert_eq!(store.packs_made_of(old), [copy]);
    let made = store.pack_records(copy).await.unwrap().unwrap();
    let digests = |places: Vec<Location>| places.iter().map(|place| place.digest).collect::<Vec<_>>();
    assert_eq!(digests(made.iter().map(|held| held.location).collect()), digests(places(&living)));
    let file = |replica: usize| root.path().join(format!("replica-{replica}/packs/{copy:016x}.pack"));
    assert!((1..3).all(|replica| fs::read(file(replica)).unwrap() == fs::read(file(0)).unwrap()));

    remove(&store, old).await.unwrap();
    assert!(root.path().join(format!("offsite/packs/{copy:016x}.pack")).exists(), "it was there before");
    assert!(!root.path().join(format!("offsite/packs/{old:016x}.pack")).exists());
    read_as_stored(&store, &living).await;
    let dead = stored[1].1;
    assert!(store.read(&dead, dead.object_range(), store.replicas()[0]).await.is_err());
    // The order is what it was, and so is what a scan says of each record.
    let kept: Vec<_> = before
        .into_iter()
        .filter(|was| was.location.pack != old || living.iter().any(|(_, place)| *place == was.location))
        .map(|was| (was.location.digest, was.descriptor))
        .collect();
    let scanned = scan_all(&store, PackPosition::START).await;
    assert_eq!(
        scanned.iter().map(|is| (is.location.digest, is.descriptor.clone())).collect::<Vec<_>>(),
        kept
    );

    // Again: the first place of all is still found.
    let quarter = half(&living);
    let of =
        |held: &yingdun_storage::HeldRecord| quarter.iter().any(|(_, at)| at.digest == held.location.digest);
    let again: Vec<Location> = made.iter().filter(|held| of(held)).map(|held| held.location).collect();
    let second = store.copy_records(copy, again).await.unwrap();
    assert!(may_be_made_of(second, old) && second > copy);
    remove(&store, copy).await.unwrap();
    read_as_stored(&store, &quarter).await;
    store.close().await;
    drop(store);
    let store = open(&config, Arc::new(RealDisk)).await;
    read_as_stored(&store, &quarter).await;
    assert!(store.append(record(7, BYTES)).await.unwrap().pack > second);
}

#[tokio::test]
async fn what_is_not_whole_everywhere_keeps_the_old_pack() {
    let root = tempdir().unwrap();
    let config = config(root.path(), 3);
    let store = open(&config, Arc::new(RealDisk)).await;
    let stored = first_of_three(&store).await;
    let old = stored[0].1.pack;
    let living = half(&stored);
    let newest = store.append(record(99, BYTES)).await.unwrap();
    assert!(matches!(
        store.copy_records(newest.pack, vec![newest]).await,
        Err(RemovalError::Newest(_) | RemovalError::Unapplied(_))
    ));
    let copy = store.copy_records(old, places(&living)).await.unwrap();
    // A copy that is gone, or out of service with its replica, is written anew before the old pack goes.
    let drained = store.replica_named("r2").unwrap();
    store.drain(drained).await.unwrap();
    let refused = store.remove_pack(old).await;
    assert!(matches!(refused, Err(RemovalError::Replica { .. } | RemovalError::Copy { .. })), "{refused:?}");
    store.replace(drained).await.unwrap();
    until("it serves again", || is_whole(&store)).await;
    remove(&store, old).await.unwrap();
    read_as_stored(&store, &living).await;
    assert!(store.pack_extent(copy).is_some());
}

#[tokio::test]
async fn a_record_that_is_whole_nowhere_is_not_copied_and_one_that_is_damaged_somewhere_is_whole_in_the_copy()
{
    let root = tempdir().unwrap();
    let mut config = config(root.path(), 3);
    config.check_interval = Duration::from_secs(3600);
    let store = open(&config, Arc::new(RealDisk)).await;
    let stored = first_of_three(&store).await;
    let (old, place) = (stored[0].1.pack, stored[0].1);
    let flip = |replica: usize| {
        let path = root.path().join(format!("replica-{replica}/packs/{old:016x}.pack"));
        let mut bytes = fs::read(&path).unwrap();
        bytes[usize::try_from(place.end() - 100).unwrap()] ^= 1;
        fs::write(&path, bytes).unwrap();
    };
    let first = store.replicas_for(&place)[0].index();
    flip(first);
    let copy = store.copy_records(old, vec![place]).await.unwrap();
    let now = store.pack_records(copy).await.unwrap().unwrap()[0].location;
    assert_eq!(read_at(&store, &now).await.len(), 9, "what one replica had wrong came from another");
    (0..3).filter(|replica| *replica != first).for_each(flip);
    let lost = store.copy_records(old, vec![place]).await;
    assert!(matches!(lost, Err(RemovalError::Lost { offset, .. }) if offset == place.offset), "{lost:?}");
    assert_eq!(store.packs_made_of(old), [copy]);
}

#[tokio::test]
async fn a_power_cut_at_any_moment_leaves_each_living_record_in_one_of_both_packs_on_every_replica() {
    let mut removed = 0;
    for seed in 0..40 {
        let mut dice = Dice::new(seed);
        let disk = MockPowerCutDisk::default();
        let config = config(Path::new("mock"), 3);
        let store = open(&config, Arc::new(disk.clone())).await;
        let stored = first_of_three(&store).await;
        let old = stored[0].1.pack;
        let living = half(&stored);
        disk.cut_after(dice.roll(70));
        if store.copy_records(old, places(&living)).await.is_ok() {
            let _cut_somewhere = store.remove_pack(old).await;
        }
        disk.cut();
        drop(store);

        let store = open(&config, Arc::new(disk.after_the_cut(&mut dice))).await;
        until("nothing waits for repair", || is_whole(&store)).await;
        read_as_stored(&store, &living).await;
        // What was begun is found again, whole; and whoever goes on with it comes to the end.
        let mut made = store.packs_made_of(old);
        if store.pack_extent(old).is_some() {
            if made.is_empty() {
                made.push(store.copy_records(old, places(&living)).await.unwrap());
            }
            remove(&store, old).await.unwrap();
        } else {
            removed += 1;
        }
        assert_eq!(made.len(), 1, "seed {seed}");
        let there = store.pack_records(made[0]).await.unwrap().unwrap();
        assert_eq!(there.len(), living.len(), "seed {seed}");
        read_as_stored(&store, &living).await;
    }
    assert!(removed < 40, "a cut has to meet the copying too");
}
