//! Off-site replicas: everything arrives there, nobody waits for it, nothing there is believed, and everything comes back.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use support::fault::MockFaultDisk;
use support::power::{Dice, MockPowerCutDisk};
use support::{Heard, filled, is_whole, object_of, open, open_heard, read_object, record, scan_all, until};
use tempfile::tempdir;
use yingdun_storage::{
    Disk, Location, OffsiteConfig, OffsitePlace, OffsiteState, OffsiteStatus, PackPosition, RealDisk,
    RestoreError, ScrubState, ServiceError, Store, StoreConfig, StoreError, StoreEvent, plan_restore,
    restore,
};

type Stored = Vec<(u64, Location)>;

fn config(root: &Path) -> StoreConfig {
    let mut config = support::config(root, 3);
    let place = OffsitePlace::Directory(root.join("offsite"));
    let mut offsite = OffsiteConfig::new(place, "far", "site-2");
    offsite.tail_delay = Duration::from_millis(50);
    config.offsite = vec![offsite];
    config
}

async fn append(store: &Store, stored: &mut Stored, count: u64) {
    for _ in 0..count {
        let number = stored.len() as u64;
        stored.push((number, store.append(record(number, 3000)).await.unwrap()));
    }
}

fn far(store: &Store) -> OffsiteStatus {
    store.status().offsite[0].clone()
}

async fn until_sent(store: &Store) {
    until("everything is off-site", || {
        let far = far(store);
        far.state == OffsiteState::Ready && far.lag_packs == 0 && far.packs + 1 >= store.status().packs
    })
    .await;
}

fn lose_replicas(root: &Path) {
    for replica in 0..3 {
        fs::remove_dir_all(root.join(format!("replica-{replica}"))).unwrap();
    }
}

/// A site of 60 records that was lost after all of it had arrived off-site.
async fn lost_site(root: &Path) -> StoreConfig {
    let config = config(root);
    let store = open(&config, Arc::new(RealDisk)).await;
    append(&store, &mut Vec::new(), 60).await;
    until_sent(&store).await;
    store.close().await;
    drop(store);
    lose_replicas(root);
    config
}

fn packs_of(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder.join("packs")).unwrap().map(Result::unwrap);
    let sealed =
        entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "pack"));
    let mut packs: Vec<_> = sealed
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    packs.sort();
    packs
}

async fn all_read(store: &Store, stored: &Stored) {
    for (number, location) in stored {
        let replica = store.replicas_for(location)[0];
        let expected = object_of(&record(*number, 3000));
        assert_eq!(read_object(store, location, replica).await.unwrap(), expected, "record {number}");
    }
}

#[tokio::test]
async fn every_pack_arrives_byte_for_byte_and_so_does_what_is_still_being_written() {
    let root = tempdir().unwrap();
    let store = open(&config(root.path()), Arc::new(RealDisk)).await;
    let mut stored = Vec::new();
    append(&store, &mut stored, 50).await;
    let large = {
        let mut large = store.append_large(support::header(9)).await.unwrap();
        large.write(filled(9, 300_000)).await.unwrap();
        large.finish(filled(1, 50), filled(2, 50)).await.unwrap()
    };
    until_sent(&store).await;
    let (last, location) = stored.last().unwrap();
    let replica = store.offsite_for(location)[0];
    let read = read_object(&store, location, replica).await.unwrap();
    assert_eq!(read, object_of(&record(*last, 3000)), "from a pack that is not sealed yet");
    store.verify_record(&large, store.offsite_for(&large)[0]).await.unwrap();
    store.close().await;
    drop(store);

    let store = open(&config(root.path()), Arc::new(RealDisk)).await;
    until_sent(&store).await;
    until("no piece is left", || fs::read_dir(root.path().join("offsite/tail")).unwrap().count() == 0).await;
    assert_eq!(packs_of(&root.path().join("offsite")), packs_of(&root.path().join("replica-0")));
}

#[tokio::test]
async fn a_place_that_does_not_answer_holds_nobody_up_and_catches_up_when_it_does() {
    let root = tempdir().unwrap();
    let mut config = config(root.path());
    config.offsite[0].lag_limit = Duration::from_millis(1);
    // A file where the folder should be: every call fails.
    fs::write(root.path().join("offsite"), b"in the way").unwrap();
    let heard = Arc::new(Heard::default());
    // The start of a new store asks whether there is a copy of an older one, so the store begins without the place.
    let without = StoreConfig { offsite: Vec::new(), ..config.clone() };
    open(&without, Arc::new(RealDisk)).await.close().await;
    let store = open_heard(&config, Arc::new(RealDisk), Arc::clone(&heard)).await;
    let mut stored = Vec::new();
    append(&store, &mut stored, 40).await;
    until("the lag is told", || {
        let far = far(&store);
        matches!(far.state, OffsiteState::Unreachable(_)) && far.lag_bytes > 100_000 && far.behind
    })
    .await;
    assert!(store.status().writable);
    assert_eq!(store.offsite_for(&stored[0].1), []);
    store.close().await;
    drop(store);

    // Since when it lags is known after a restart.
    let store = open_heard(&config, Arc::new(RealDisk), Arc::clone(&heard)).await;
    append(&store, &mut stored, 1).await;
    fs::remove_file(root.path().join("offsite")).unwrap();
    until_sent(&store).await;
    until("that is told", || {
        let heard = heard.0.lock().unwrap();
        let caught_up = |event: &StoreEvent| matches!(event, StoreEvent::OffsiteCaughtUp { .. });
        heard.iter().any(caught_up)
    })
    .await;
    let heard = heard.0.lock().unwrap();
    assert!(heard.iter().any(|event| matches!(event, StoreEvent::OffsiteBehind { .. })));
    assert!(heard.iter().any(|event| matches!(event, StoreEvent::OffsiteUnreachable { .. })));
}

#[tokio::test]
async fn what_no_replica_has_any_more_is_read_from_off_site_and_repaired_from_there() {
    let root = tempdir().unwrap();
    let store = open(&config(root.path()), Arc::new(RealDisk)).await;
    let mut stored = Vec::new();
    append(&store, &mut stored, 40).await;
    until_sent(&store).await;
    let (number, location) = stored[0];
    for replica in 0..3 {
        let pack = format!("replica-{replica}/packs/{:016x}.pack", location.pack);
        fs::remove_file(root.path().join(pack)).unwrap();
    }
    let far = store.offsite_for(&location);
    let read = read_object(&store, &location, far[0]).await.unwrap();
    assert_eq!(read, object_of(&record(number, 3000)));
    assert!(!store.is_held(&location).await, "what is far away does not count as durable here");
    store.check_now().await;
    until("it is repaired", || is_whole(&store)).await;
    all_read(&store, &stored).await;
    assert_eq!(
        packs_of(&root.path().join("replica-1")).first(),
        packs_of(&root.path().join("offsite")).first()
    );
}

#[tokio::test]
async fn damage_off_site_is_found_by_a_check_and_mended_from_the_replicas() {
    let root = tempdir().unwrap();
    let heard = Arc::new(Heard::default());
    let store = open_heard(&config(root.path()), Arc::new(RealDisk), Arc::clone(&heard)).await;
    let mut stored = Vec::new();
    append(&store, &mut stored, 60).await;
    until_sent(&store).await;
    let folder = root.path().join("offsite");
    let good = packs_of(&folder);
    let path = |index: usize| folder.join("packs").join(&good[index].0);
    let mut flipped = good[0].1.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    fs::write(path(0), flipped).unwrap();
    fs::remove_file(path(1)).unwrap();
    store.scrub_now();
    until("it is mended", || {
        let far = far(&store);
        let repaired = |event: &&StoreEvent| matches!(event, StoreEvent::Repaired { replica, .. } if replica.index() == 3);
        let mended = heard.0.lock().unwrap().iter().filter(repaired).count();
        mended == 2 && far.scrub.state == ScrubState::Resting && far.scrub.last.is_some_and(|last| last.found >= 2)
    })
    .await;
    assert_eq!(packs_of(&folder)[..good.len()], good[..]);
}

#[tokio::test]
async fn a_reader_who_gets_wrong_bytes_from_off_site_sets_its_repair_going() {
    let root = tempdir().unwrap();
    let store = open(&config(root.path()), Arc::new(RealDisk)).await;
    let mut stored = Vec::new();
    append(&store, &mut stored, 40).await;
    until_sent(&store).await;
    let (_, location) = stored[0];
    let path = root.path().join(format!("offsite/packs/{:016x}.pack", location.pack));
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[location.offset as usize + 300] ^= 1;
    fs::write(&path, bad).unwrap();
    let far = store.offsite_for(&location)[0];
    assert!(store.verify_record(&location, far).await.is_err());
    store.report_bad(&location, far, "it does not verify");
    until("it is mended", || fs::read(&path).unwrap() == good).await;
}

#[tokio::test]
async fn a_place_of_another_store_is_not_touched() {
    let root = tempdir().unwrap();
    let other = StoreConfig { offsite: Vec::new(), ..config(&root.path().join("other")) };
    open(&other, Arc::new(RealDisk)).await.close().await;
    let without = StoreConfig { offsite: Vec::new(), ..config(root.path()) };
    open(&without, Arc::new(RealDisk)).await.close().await;
    let theirs = root.path().join("offsite");
    fs::rename(root.path().join("other/replica-0"), &theirs).unwrap();
    let store = open(&config(root.path()), Arc::new(RealDisk)).await;
    append(&store, &mut Vec::new(), 40).await;
    until(
        "it is refused",
        || matches!(&far(&store).state, OffsiteState::Unreachable(why) if why.contains("another store")),
    )
    .await;
    store.replace(store.replica_named("far").unwrap()).await.unwrap();
    until(
        "and again",
        || matches!(&far(&store).state, OffsiteState::Unreachable(why) if why.contains("another store")),
    )
    .await;
    assert!(packs_of(&theirs).is_empty());
}

#[tokio::test]
async fn an_emptied_place_is_filled_only_when_somebody_says_that_it_is_meant() {
    let root = tempdir().unwrap();
    let store = open(&config(root.path()), Arc::new(RealDisk)).await;
    let mut stored = Vec::new();
    append(&store, &mut stored, 40).await;
    until_sent(&store).await;
    store.close().await;
    drop(store);
    let place = root.path().join("offsite");
    fs::rename(&place, root.path().join("unmounted")).unwrap();
    let store = open(&config(root.path()), Arc::new(RealDisk)).await;
    until(
        "it is refused",
        || matches!(&far(&store).state, OffsiteState::Unreachable(why) if why.contains("not mounted")),
    )
    .await;
    assert!(!place.exists());
    let replica = store.replica_named("far").unwrap();
    assert!(matches!(store.drain(replica).await, Err(ServiceError::Offsite { .. })));
    store.replace(replica).await.unwrap();
    until_sent(&store).await;
    assert_eq!(packs_of(&place), packs_of(&root.path().join("replica-0")));
}

#[tokio::test]
async fn a_lost_site_comes_back_from_off_site_and_no_new_store_begins_beside_the_copy() {
    let root = tempdir().unwrap();
    let config = config(root.path());
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let store = open(&config, Arc::clone(&disk)).await;
    let mut stored = Vec::new();
    append(&store, &mut stored, 50).await;
    until_sent(&store).await;
    // The power goes: the pack that is being written is off-site in pieces only.
    drop(store);
    let pieces = fs::read_dir(root.path().join("offsite/tail")).unwrap().count();
    assert!(pieces > 0);
    lose_replicas(root.path());
    let refused = Store::open(config.clone(), Arc::clone(&disk), Arc::new(Heard::default())).await;
    assert!(matches!(refused, Err(StoreError::OnlyOffsite { label }) if label == "far"));

    let target = root.path().join("replica-0");
    let plan = plan_restore(&disk, &config.offsite[0], &target).unwrap();
    assert_eq!((plan.unsealed_packs, plan.present_packs, plan.bytes_to_fetch), (1, 0, plan.bytes));
    let mut told = (0, 0);
    let restored = restore(&disk, &config.offsite[0], &target, |done, of| told = (done, of)).unwrap();
    assert_eq!((restored.records, restored.damaged_records, restored.packs), (50, 0, plan.packs));
    assert_eq!(told, (plan.bytes, plan.bytes));
    let again = plan_restore(&disk, &config.offsite[0], &target).unwrap();
    assert_eq!((again.present_packs, again.bytes_to_fetch), (plan.packs, 0));

    let store = open(&config, Arc::clone(&disk)).await;
    assert_eq!(scan_all(&store, PackPosition::START).await.len(), 50);
    all_read(&store, &stored).await;
    until("the others are filled", || is_whole(&store)).await;
    append(&store, &mut stored, 10).await;
    until_sent(&store).await;
    all_read(&store, &stored).await;
}

#[tokio::test]
async fn a_restore_that_was_cut_off_goes_on_and_no_store_opens_on_half_of_it() {
    let root = tempdir().unwrap();
    let config = lost_site(root.path()).await;
    let faults = Arc::new(MockFaultDisk::default());
    let target = root.path().join("replica-0");
    let below = faults.below(&target.join("packs"));
    below.room.store(150_000, Ordering::SeqCst);
    let disk: Arc<dyn Disk> = faults;
    let cut = restore(&disk, &config.offsite[0], &target, |_, _| ());
    assert!(matches!(cut, Err(RestoreError::Io { .. })));
    let refused = Store::open(config.clone(), Arc::clone(&disk), Arc::new(Heard::default())).await;
    assert!(matches!(refused, Err(StoreError::Unrestored { label }) if label == "r0"));
    let plan = plan_restore(&disk, &config.offsite[0], &target).unwrap();
    assert!(plan.present_packs > 0 && plan.bytes_to_fetch > 0);
    below.room.store(-1, Ordering::SeqCst);
    let rest = restore(&disk, &config.offsite[0], &target, |_, _| ()).unwrap();
    assert_eq!(rest.packs, plan.packs - plan.present_packs);
    let store = open(&config, disk).await;
    assert_eq!(scan_all(&store, PackPosition::START).await.len(), 60);
}

#[tokio::test]
async fn a_place_that_stops_answering_during_a_restore_is_not_taken_for_the_end_of_its_packs() {
    let root = tempdir().unwrap();
    let config = lost_site(root.path()).await;
    let faults = Arc::new(MockFaultDisk::default());
    let target = root.path().join("replica-0");
    let below = faults.below(&root.path().join("offsite"));
    let disk: Arc<dyn Disk> = faults;
    let mut restored = 0;
    let mut cuts = 0;
    for reads in 2.. {
        below.reads_fail_in.store(reads, Ordering::SeqCst);
        match restore(&disk, &config.offsite[0], &target, |_, _| ()) {
            Ok(rest) => {
                restored += rest.records;
                break;
            }
            Err(error) => {
                assert!(matches!(error, RestoreError::Io { .. }), "{error}");
                cuts += 1;
            }
        }
    }
    assert!(cuts > 2 && restored > 0, "{cuts} cuts, {restored} records at last");
    below.reads_fail_in.store(0, Ordering::SeqCst);
    let store = open(&config, disk).await;
    assert_eq!(scan_all(&store, PackPosition::START).await.len(), 60);
}

#[tokio::test]
async fn a_folder_of_another_store_is_not_restored_into_and_an_empty_place_restores_nothing() {
    let root = tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let config = config(root.path());
    let store = open(&config, Arc::clone(&disk)).await;
    append(&store, &mut Vec::new(), 40).await;
    until_sent(&store).await;
    let busy = restore(&disk, &config.offsite[0], &root.path().join("replica-0"), |_, _| ());
    assert!(matches!(busy, Err(RestoreError::InUse)));
    store.close().await;
    drop(store);
    let other = StoreConfig { offsite: Vec::new(), ..self::config(&root.path().join("other")) };
    open(&other, Arc::clone(&disk)).await.close().await;
    let theirs: PathBuf = root.path().join("other/replica-0");
    let before = packs_of(&theirs);
    let refused = restore(&disk, &config.offsite[0], &theirs, |_, _| ());
    assert!(matches!(refused, Err(RestoreError::Foreign { .. })));
    assert_eq!(packs_of(&theirs), before);
    let nothing = OffsiteConfig::new(OffsitePlace::Directory(root.path().join("nothing")), "n", "n");
    assert!(matches!(restore(&disk, &nothing, &theirs, |_, _| ()), Err(RestoreError::Empty { .. })));
    assert!(!root.path().join("nothing").exists());
}

/// Cuts the power at any moment, also while the courier is at work: what lies off-site then never holds a wrong record,
/// the store loses nothing, and when it was opened again everything arrives.
#[tokio::test]
async fn a_power_cut_while_packs_are_sent_never_makes_a_wrong_or_lost_record() {
    let mut seen = 0;
    for seed in 0..60 {
        let mut dice = Dice::new(seed);
        let disk = MockPowerCutDisk::default();
        let root = tempdir().unwrap();
        let mut config = config(Path::new("mock"));
        config.pack_bytes_max = 8192 + dice.roll(30_000);
        config.offsite[0].tail_delay = Duration::ZERO;
        config.check_interval = Duration::from_millis(1);
        let store = open(&config, Arc::new(disk.clone())).await;
        disk.cut_after(30 + dice.roll(500));
        let mut stored = Vec::new();
        for number in 0..60 {
            let Ok(location) = store.append(record(number, 3000)).await else { break };
            stored.push((number, location));
            tokio::time::sleep(Duration::from_millis(dice.roll(3))).await;
        }
        disk.cut();
        drop(store);

        let found: Arc<dyn Disk> = Arc::new(disk.after_the_cut(&mut dice));
        seen += from_what_lies_off_site(&found, &config, root.path(), &stored).await;
        let store = open(&config, Arc::clone(&found)).await;
        for (number, location) in &stored {
            let replica = store.replicas_for(location)[0];
            let read = read_object(&store, location, replica).await;
            assert_eq!(read, Some(object_of(&record(*number, 3000))), "seed {seed}");
        }
        until_sent(&store).await;
        for (_, location) in &stored {
            let far = store.offsite_for(location)[0];
            store.verify_record(location, far).await.unwrap();
        }
    }
    assert!(seen > 60, "hardly anything was off-site at the cuts: {seen} records");
}

/// Restores from what lies off-site after a cut, and counts the records: each is one that was stored.
async fn from_what_lies_off_site(
    disk: &Arc<dyn Disk>,
    config: &StoreConfig,
    root: &Path,
    stored: &Stored,
) -> usize {
    let target = Path::new("mock/elsewhere");
    match restore(disk, &config.offsite[0], target, |_, _| ()) {
        Ok(restored) => assert_eq!(restored.damaged_records, 0),
        Err(RestoreError::Empty { .. }) => return 0,
        Err(error) => panic!("{error:?}"),
    }
    let mut alone = support::config(root, 1);
    alone.replicas[0].directory = target.to_owned();
    let store = open(&alone, Arc::clone(disk)).await;
    let scanned = scan_all(&store, PackPosition::START).await;
    let replica = store.status().replicas[0].replica;
    for scanned in &scanned {
        store.verify_record(&scanned.location, replica).await.unwrap();
        // A record whose acknowledgement was cut off is whole too; what was acknowledged is where it was.
        if let Some((number, _)) = stored.iter().find(|(_, location)| *location == scanned.location) {
            let read = read_object(&store, &scanned.location, replica).await;
            assert_eq!(read, Some(object_of(&record(*number, 3000))));
        }
    }
    scanned.len()
}
