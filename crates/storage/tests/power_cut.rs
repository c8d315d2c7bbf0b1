//! After a power cut at any moment, every acknowledged record is whole on the write quorum before anything is
//! repaired, and on every replica after the store was opened again. The long version: `script/soak --rig power-cut`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::sync::Arc;
use support::power::{Dice, Lie, MockPowerCutDisk};
use support::power_cut::run;
use support::{config, filled, header, open, read_object, scan_all};
use yingdun_storage::{PackPosition, ReplicaId};

/// Cuts of the short version.
const CUTS: u64 = 600;
/// Cuts with which a careless store is tried.
const CUTS_FOR_LIES: u64 = 60;
const REPLICAS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn acknowledged_records_survive_a_power_cut() {
    let outcome = run(1, 0..CUTS, None).await;
    assert_eq!((outcome.lost, outcome.wrong), (0, 0), "{outcome}");
    // The rig is of no use when cuts come before anything is acknowledged.
    assert!(outcome.acknowledged > 3 * CUTS, "{outcome}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_that_acknowledges_before_it_syncs_is_caught() {
    let outcome = run(2, 0..CUTS_FOR_LIES, Some(Lie::Unsynced)).await;
    assert!(outcome.lost > CUTS_FOR_LIES, "{outcome}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_that_does_not_sync_directories_is_caught() {
    let outcome = run(3, 0..CUTS_FOR_LIES, Some(Lie::UnsyncedNames)).await;
    assert!(outcome.lost > 0, "{outcome}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_that_believes_the_second_sync_after_one_that_failed_is_caught() {
    // A sync has to fail and the power to go soon after: one series in five shows nothing, six in a row do.
    let outcome = run(4, 0..6 * CUTS_FOR_LIES, Some(Lie::Retried)).await;
    assert!(outcome.lost + outcome.wrong > 0, "{outcome}");
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
