//! After a power cut at any moment, every acknowledged record is whole on the write quorum before anything is
//! repaired, and on every replica after the store was opened again.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use support::power::{Dice, MockPowerCutDisk};
use support::{
    all_replicas, config, filled, header, is_whole, object_of, open, read_object, record, scan_all,
};
use yingdun_storage::{Disk, Location, PackPosition, ReplicaId, Store};

const SEEDS: u64 = 600;
const REPLICAS: usize = 3;

/// What one life of a store acknowledged: number, object bytes, location.
type Acknowledged = Vec<(u64, usize, Location)>;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn acknowledged_records_survive_a_power_cut() {
    let mut acknowledged = 0;
    for seed in 0..SEEDS {
        let (kept, lost) = one_cut(seed, false).await;
        assert_eq!(lost, Vec::<String>::new(), "seed {seed}");
        acknowledged += kept;
    }
    // The rig is of no use when cuts come before anything is acknowledged.
    assert!(acknowledged > SEEDS as usize * 3, "{acknowledged} records were acknowledged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_that_acknowledges_before_it_syncs_is_caught() {
    let mut caught = 0;
    for seed in 0..20 {
        caught += usize::from(!one_cut(seed, true).await.1.is_empty());
    }
    assert!(caught >= 15, "{caught} of 20 cuts showed the lie");
}

/// One life, one cut, one recovery: how many records were acknowledged, and what is wrong with them.
async fn one_cut(seed: u64, lie: bool) -> (usize, Vec<String>) {
    let mut dice = Dice::new(seed);
    let disk = MockPowerCutDisk::default();
    let mut config = config(Path::new("mock"), REPLICAS);
    config.pack_bytes_max = 4096 + dice.roll(60_000);
    let store = open(&config, Arc::new(disk.clone())).await;
    if lie {
        disk.lie_about_sync();
    }
    disk.cut_after(5 + dice.roll(150));
    let acknowledged = append_until_the_cut(&store, &disk, &mut dice).await;
    disk.cut();
    drop(store);

    let found = disk.after_the_cut(&mut dice);
    let mut wrong = missing_before_recovery(&found, &acknowledged);
    let store = open(&config, Arc::new(found.clone())).await;
    for (number, bytes, location) in &acknowledged {
        let expected = object_of(&record(*number, *bytes));
        let first = store.replicas_for(location)[0];
        if read_object(&store, location, first).await.as_deref() != Some(expected.as_slice()) {
            wrong.push(format!("record {number} cannot be read"));
        }
    }
    let scanned = scan_all(&store, PackPosition::START).await;
    let places: HashSet<Location> = scanned.iter().map(|record| record.location).collect();
    wrong.extend(
        acknowledged
            .iter()
            .filter(|(_, _, location)| !places.contains(location))
            .map(|(number, _, _)| format!("record {number} is not met by a scan")),
    );
    if !lie {
        support::until("all replicas are whole", || is_whole(&store)).await;
        for scanned in &scanned {
            for replica in all_replicas(&store) {
                if let Err(error) = store.verify_record(&scanned.location, replica).await {
                    wrong.push(format!("{error} after recovery at {:?}", scanned.location));
                }
            }
        }
    }
    (acknowledged.len(), wrong)
}

async fn append_until_the_cut(store: &Store, disk: &MockPowerCutDisk, dice: &mut Dice) -> Acknowledged {
    let writers = 1 + dice.roll(4);
    let mut tasks = Vec::new();
    for writer in 0..writers {
        let (store, disk, mut dice) = (store.clone(), disk.clone(), Dice::new(dice.roll(u64::MAX)));
        tasks.push(tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for number in (writer * 1000..).take(60) {
                let bytes = dice.roll(5000) as usize;
                match store.append(record(number, bytes)).await {
                    Ok(location) => acknowledged.push((number, bytes, location)),
                    Err(_) => break,
                }
            }
            assert!(disk.is_off() || acknowledged.len() == 60, "only the cut ends a writer");
            acknowledged
        }));
    }
    let mut acknowledged = Vec::new();
    for task in tasks {
        acknowledged.extend(task.await.unwrap());
    }
    acknowledged
}

/// Reads the files themselves, without the store: each record must be whole on two replicas.
fn missing_before_recovery(disk: &MockPowerCutDisk, acknowledged: &Acknowledged) -> Vec<String> {
    let mut missing = Vec::new();
    for (number, bytes, location) in acknowledged {
        let expected = object_of(&record(*number, *bytes));
        let holds = |replica: usize| {
            let name = |form| format!("mock/replica-{replica}/packs/{:016x}.{form}", location.pack);
            let file = disk
                .open(Path::new(&name("pack")), false)
                .or_else(|_| disk.open(Path::new(&name("open")), false));
            let Ok(file) = file else { return false };
            let mut read = Vec::new();
            let offset = location.offset + location.object_range().start;
            let outcome = file.read_at(&mut read, expected.len(), offset);
            outcome.is_ok() && read == expected
        };
        let copies = (0..REPLICAS).filter(|replica| holds(*replica)).count();
        if copies < 2 {
            missing.push(format!("record {number} is whole on {copies} replicas"));
        }
    }
    missing
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_large_object_is_whole_or_unseen_after_a_power_cut() {
    for seed in 0..60 {
        let mut dice = Dice::new(seed);
        let disk = MockPowerCutDisk::default();
        let config = config(Path::new("mock"), REPLICAS);
        let store = open(&config, Arc::new(disk.clone())).await;
        disk.cut_after(dice.roll(25));
        let object = filled(seed, 20_000);
        let stored = async {
            let mut large = store.append_large(header(seed)).await.ok()?;
            large.write(object.slice(..7000)).await.ok()?;
            large.write(object.slice(7000..)).await.ok()?;
            large.finish(filled(1, 50), filled(2, 500)).await.ok()
        };
        let stored = stored.await;
        disk.cut();
        drop(store);
        let store = open(&config, Arc::new(disk.after_the_cut(&mut dice))).await;
        let scanned = scan_all(&store, PackPosition::START).await;
        if let Some(location) = stored {
            assert_eq!(scanned.iter().map(|s| s.location).collect::<Vec<_>>(), [location], "seed {seed}");
        }
        for scanned in scanned {
            let replica: ReplicaId = store.replicas_for(&scanned.location)[0];
            let read = read_object(&store, &scanned.location, replica).await;
            assert_eq!(read.as_deref(), Some(object.as_ref()), "seed {seed}");
        }
    }
}
