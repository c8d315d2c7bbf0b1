//! The store in good weather and with damaged, missing or foreign files: what is stored comes back, what is damaged
//! is noticed, passed over and repaired while the store serves.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::{
    Heard, all_replicas, config, filled, header, is_whole, object_of, open, open_heard, read_object, record,
    scan_all, until, verifies,
};
use tempfile::tempdir;
use yingdun_storage::{
    Location, PackPosition, ReadError, RealDisk, ReplicaState, Store, StoreError, StoreEvent, begin_replica,
    check_pack, read_pack_header,
};

fn pack_file(root: &Path, replica: usize, location: &Location) -> PathBuf {
    root.join(format!("replica-{replica}/packs/{:016x}.pack", location.pack))
}

async fn fill(store: &Store, count: u64) -> Vec<Location> {
    let appends = (0..count).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { store.append(record(number, 3000)).await.unwrap() })
    });
    let mut locations = Vec::new();
    for append in appends.collect::<Vec<_>>() {
        locations.push(append.await.unwrap());
    }
    locations
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_appended_is_read_back_from_every_replica() {
    let root = tempdir().unwrap();
    let store = open(&config(root.path(), 3), Arc::new(RealDisk)).await;
    let locations = fill(&store, 100).await;
    store.close().await;
    for (number, location) in locations.iter().enumerate() {
        let original = record(number as u64, 3000);
        for replica in all_replicas(&store) {
            assert_eq!(read_object(&store, location, replica).await, Some(object_of(&original)));
            let metadata = store.read(location, location.metadata_range(), replica).await.unwrap();
            assert_eq!(metadata, original.metadata);
            assert!(verifies(&store, location, replica).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_can_be_carried_elsewhere_checked_there_and_made_a_replica_again() {
    let root = tempdir().unwrap();
    let store = open(&config(root.path(), 3), Arc::new(RealDisk)).await;
    let locations = fill(&store, 30).await;
    let [first, second] = [7_u8, 8].map(|byte| [byte; 32]);
    let elsewhere = root.path().join("elsewhere");
    begin_replica(&elsewhere, store.id()).unwrap();
    let mut records = 0;
    for extent in store.packs_after(None, usize::MAX) {
        let copy = yingdun_storage::pack_file(&elsewhere, extent.pack);
        let bytes = store.read_pack(extent.pack, 0..extent.bytes, all_replicas(&store)[1]).await.unwrap();
        fs::write(&copy, &bytes).unwrap();
        assert_eq!(read_pack_header(&bytes), Some((extent.pack, store.id())));
        let check = check_pack(&copy, extent.pack, store.id(), 0, extent.bytes).unwrap();
        assert_eq!(check.damaged_at, None);
        records += check.records;
        // Everywhere the same bytes, and no answer without them.
        for replica in store.replicas() {
            let said = store.digest_pack(extent, replica, first).await.unwrap();
            assert_eq!(said, *blake3::keyed_hash(&first, &bytes).as_bytes());
            assert_ne!(said, store.digest_pack(extent, replica, second).await.unwrap());
        }
        for flip in [0, 100, bytes.len() / 2] {
            let mut wrong = bytes.to_vec();
            wrong[flip] ^= 1;
            fs::write(&copy, &wrong).unwrap();
            let check = check_pack(&copy, extent.pack, store.id(), 0, extent.bytes).unwrap();
            assert!(check.damaged_at.is_some(), "byte {flip}");
        }
        assert!(check_pack(&copy, extent.pack, [9; 16], 0, extent.bytes).unwrap().damaged_at.is_some());
        fs::write(&copy, &bytes).unwrap();
    }
    assert_eq!(records, 30);
    let last = store.packs_after(None, usize::MAX).pop().unwrap();
    assert!(store.read_pack(last.pack, 0..last.bytes + 1, all_replicas(&store)[0]).await.is_err());
    store.close().await;
    let mut restored = config(root.path(), 1);
    restored.replicas[0].directory = elsewhere;
    let store = open(&restored, Arc::new(RealDisk)).await;
    for (number, location) in locations.iter().enumerate() {
        let original = record(number as u64, 3000);
        assert_eq!(read_object(&store, location, all_replicas(&store)[0]).await, Some(object_of(&original)));
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_packs_are_byte_identical_and_named_by_their_number() {
    let root = tempdir().unwrap();
    let store = open(&config(root.path(), 3), Arc::new(RealDisk)).await;
    let locations = fill(&store, 60).await;
    store.close().await;
    let packs: std::collections::BTreeSet<u64> = locations.iter().map(|location| location.pack).collect();
    assert!(packs.len() > 2, "64 KiB packs roll");
    for location in &locations {
        let first = fs::read(pack_file(root.path(), 0, location)).unwrap();
        assert!(first.len() as u64 <= 64 * 1024);
        for replica in 1..3 {
            assert_eq!(fs::read(pack_file(root.path(), replica, location)).unwrap(), first);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_meets_every_record_once_in_order_and_from_any_position() {
    let root = tempdir().unwrap();
    let settings = config(root.path(), 2);
    let store = open(&settings, Arc::new(RealDisk)).await;
    let mut locations = fill(&store, 80).await;
    locations.sort_by_key(Location::position);
    store.close().await;
    drop(store);
    let store = open(&settings, Arc::new(RealDisk)).await;
    let met: Vec<Location> = scan_all(&store, PackPosition::START).await.iter().map(|s| s.location).collect();
    assert_eq!(met, locations);
    for (index, location) in locations.iter().enumerate() {
        let tail = scan_all(&store, location.position()).await;
        assert_eq!(tail.len(), locations.len() - index);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_start_never_appends_to_an_old_pack() {
    let root = tempdir().unwrap();
    let settings = config(root.path(), 3);
    let mut last = 0;
    for close in [true, false, true, false] {
        let store = open(&settings, Arc::new(RealDisk)).await;
        let location = store.append(record(1, 10)).await.unwrap();
        assert!(location.pack > last);
        last = location.pack;
        if close {
            store.close().await;
        }
    }
    let store = open(&settings, Arc::new(RealDisk)).await;
    assert_eq!(scan_all(&store, PackPosition::START).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_object_comes_back_and_is_met_by_scans() {
    let root = tempdir().unwrap();
    let settings = config(root.path(), 3);
    let store = open(&settings, Arc::new(RealDisk)).await;
    let object = filled(9, 10_000_003);
    let mut large = store.append_large(header(9)).await.unwrap();
    for piece in object.chunks(100_000) {
        large.write(bytes::Bytes::copy_from_slice(piece)).await.unwrap();
    }
    assert_eq!(scan_all(&store, PackPosition::START).await, [], "unseen until finished");
    let location = large.finish(filled(1, 77), filled(2, 999)).await.unwrap();
    for replica in all_replicas(&store) {
        assert!(verifies(&store, &location, replica).await);
        assert_eq!(read_object(&store, &location, replica).await.as_deref(), Some(object.as_ref()));
        let span = location.object_range().start + 5_000_000..location.object_range().start + 5_000_010;
        assert_eq!(store.read(&location, span, replica).await.unwrap(), object[5_000_000..5_000_010]);
    }
    let scanned = scan_all(&store, PackPosition::START).await;
    assert_eq!(scanned.len(), 1);
    assert_eq!(scanned[0].descriptor, filled(1, 77));
    assert_eq!(scanned[0].header, header(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_stream_leaves_nothing() {
    let root = tempdir().unwrap();
    let store = open(&config(root.path(), 2), Arc::new(RealDisk)).await;
    for abort in [true, false] {
        let mut large = store.append_large(header(1)).await.unwrap();
        large.write(filled(1, 5_000_000)).await.unwrap();
        if abort {
            large.abort().await;
        } else {
            drop(large);
        }
    }
    let packs = root.path().join("replica-0/packs");
    until("the files are gone", || fs::read_dir(&packs).unwrap().count() == 0).await;
    // What a crash leaves behind is removed at the next open.
    store.close().await;
    drop(store);
    fs::write(packs.join("7.stage"), b"left").unwrap();
    let _store = open(&config(root.path(), 2), Arc::new(RealDisk)).await;
    assert_eq!(fs::read_dir(&packs).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_over_their_bounds_are_refused() {
    let root = tempdir().unwrap();
    let store = open(&config(root.path(), 1), Arc::new(RealDisk)).await;
    let mut wide = record(1, 1);
    wide.descriptor = vec![0; 1024 * 1024 + 1].into();
    assert!(matches!(store.append(wide).await, Err(StoreError::TooLarge { what: "a descriptor", .. })));
    let mut long = record(1, 1);
    long.object = vec![vec![0; 33 * 1024 * 1024].into()];
    assert!(matches!(store.append(long).await, Err(StoreError::TooLarge { what: "a record", .. })));
    let location = store.append(record(1, 10)).await.unwrap();
    let beyond = store.read(&location, 0..location.record_bytes() + 1, all_replicas(&store)[0]).await;
    assert!(matches!(beyond, Err(ReadError::OutOfRange { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reported_record_is_passed_over_and_repaired_while_the_store_serves() {
    let root = tempdir().unwrap();
    let heard = Arc::new(Heard::default());
    let store = open_heard(&config(root.path(), 3), Arc::new(RealDisk), Arc::clone(&heard)).await;
    // The first pack is still active: it has to be sealed before it can be replaced.
    let location = store.append(record(4, 3000)).await.unwrap();
    until("all replicas have it", || store.status().replicas.iter().all(|r| r.lag_bytes == 0)).await;
    let replica = store.replicas_for(&location)[0];
    let open_file = pack_file(root.path(), replica.index(), &location).with_extension("open");
    let mut bytes = fs::read(&open_file).unwrap();
    let at = (location.offset + location.object_range().start + 5) as usize;
    bytes[at] ^= 1;
    fs::write(&open_file, &bytes).unwrap();

    assert!(matches!(store.verify_record(&location, replica).await, Err(ReadError::Damaged { .. })));
    store.report_bad(&location, replica, "did not open");
    assert_ne!(store.replicas_for(&location)[0], replica);
    let append = store.append(record(5, 10)).await.unwrap();
    assert!(append.pack > location.pack);
    until("it is repaired", || is_whole(&store) && store.status().replicas[replica.index()].repaired == 1)
        .await;
    assert!(verifies(&store, &location, replica).await);
    assert_eq!(store.replicas_for(&location)[0], replica, "trusted again");
    let heard = heard.0.lock().unwrap();
    assert!(heard.iter().any(|event| matches!(event, StoreEvent::Quarantined { .. })));
    assert!(heard.iter().any(|event| matches!(event, StoreEvent::Repaired { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_replica_is_made_again_and_refilled() {
    let root = tempdir().unwrap();
    let settings = config(root.path(), 3);
    let heard = Arc::new(Heard::default());
    let store = open_heard(&settings, Arc::new(RealDisk), Arc::clone(&heard)).await;
    let locations = fill(&store, 100).await;
    for deleted in 0..3 {
        // Away in one step: the store may be making files in it at this moment, and would begin anew in one half deleted.
        let (directory, gone) = (format!("replica-{deleted}"), format!("gone-{deleted}"));
        fs::rename(root.path().join(directory), root.path().join(&gone)).unwrap();
        fs::remove_dir_all(root.path().join(gone)).unwrap();
        for (number, location) in locations.iter().enumerate() {
            let mut read = None;
            for replica in store.replicas_for(location) {
                read = read_object(&store, location, replica).await;
                if read.is_some() {
                    break;
                }
            }
            assert_eq!(read, Some(object_of(&record(number as u64, 3000))));
        }
        let gone = || {
            let heard = heard.0.lock().unwrap();
            heard.iter().any(
                |event| matches!(event, StoreEvent::ReplicaMissing { replica } if replica.index() == deleted),
            )
        };
        until("the loss is noticed", gone).await;
        store.append(record(1000, 50)).await.unwrap();
        store.check_now().await;
        let ready = |store: &Store| store.status().replicas.iter().all(|r| r.state == ReplicaState::Ready);
        until("it is whole again", || {
            ready(&store) && is_whole(&store) && store.status().replicas[deleted].repaired > 2
        })
        .await;
        let replica = all_replicas(&store)[deleted];
        for location in &locations {
            assert!(verifies(&store, location, replica).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_empty_or_shortened_at_the_start_is_refilled() {
    let root = tempdir().unwrap();
    let settings = config(root.path(), 3);
    let store = open(&settings, Arc::new(RealDisk)).await;
    let locations = fill(&store, 60).await;
    store.close().await;
    drop(store);
    fs::remove_dir_all(root.path().join("replica-1")).unwrap();
    let short = pack_file(root.path(), 2, &locations[0]);
    fs::OpenOptions::new().write(true).open(&short).unwrap().set_len(500).unwrap();
    let store = open(&settings, Arc::new(RealDisk)).await;
    until("all is whole", || is_whole(&store)).await;
    for location in &locations {
        for replica in all_replicas(&store) {
            assert!(verifies(&store, location, replica).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flip_of_any_byte_of_a_pack_is_noticed_and_costs_at_most_its_own_record() {
    let root = tempdir().unwrap();
    let settings = config(root.path(), 1);
    let store = open(&settings, Arc::new(RealDisk)).await;
    let mut locations = Vec::new();
    for number in 0..3 {
        locations.push(store.append(record(number, 100)).await.unwrap());
    }
    store.close().await;
    drop(store);
    let file = pack_file(root.path(), 0, &locations[0]);
    let good = fs::read(&file).unwrap();
    let store = open(&settings, Arc::new(RealDisk)).await;
    let replica = all_replicas(&store)[0];
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        // In place, so that the file which the store has open is the one that changes.
        fs::write(&file, &bad).unwrap();
        let mut sound = Vec::new();
        for location in &locations {
            sound.push(verifies(&store, location, replica).await);
        }
        let hit = locations.iter().position(|l| (l.offset..l.end()).contains(&(at as u64)));
        let in_pack_header = (at as u64) < locations[0].offset;
        assert!(hit.is_some() || in_pack_header, "byte {at} belongs to nothing");
        let expected: Vec<bool> = (0..3).map(|index| Some(index) != hit && !in_pack_header).collect();
        assert_eq!(sound, expected, "byte {at}");
        if at % 5 != 0 {
            continue; // A scan reads as much as all checks together.
        }
        // No record is read through the header of its pack, so damage there costs none.
        let met = scan_all(&store, PackPosition::START).await;
        assert!(
            met.len() >= if in_pack_header { 3 } else { 2 },
            "byte {at}: a scan loses at most one record"
        );
        assert!(met.iter().all(|scanned| locations.contains(&scanned.location)), "byte {at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_left_open_with_a_flipped_byte_is_completed_from_the_other_replica() {
    let root = tempdir().unwrap();
    let settings = config(root.path(), 2);
    let store = open(&settings, Arc::new(RealDisk)).await;
    let mut locations = Vec::new();
    for number in 0..3 {
        locations.push(store.append(record(number, 60)).await.unwrap());
    }
    store.close().await;
    drop(store);
    let sealed = pack_file(root.path(), 0, &locations[0]);
    let good = fs::read(&sealed).unwrap();
    for at in (0..good.len()).step_by(3) {
        for replica in 0..2 {
            let sealed = pack_file(root.path(), replica, &locations[0]);
            let mut bytes = good.clone();
            bytes[at] ^= if replica == at % 2 { 0x10 } else { 0 };
            bytes.extend([0; 4096]);
            fs::write(sealed.with_extension("open"), &bytes).unwrap();
            fs::remove_file(&sealed).unwrap();
        }
        let store = open(&settings, Arc::new(RealDisk)).await;
        assert_eq!(scan_all(&store, PackPosition::START).await.len(), 3, "byte {at}");
        store.close().await;
        drop(store);
        for replica in 0..2 {
            assert_eq!(fs::read(pack_file(root.path(), replica, &locations[0])).unwrap(), good, "byte {at}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_pack_header_is_put_right_from_any_other_replica() {
    let root = tempdir().unwrap();
    let settings = config(root.path(), 2);
    let store = open(&settings, Arc::new(RealDisk)).await;
    let location = store.append(record(1, 100)).await.unwrap();
    store.close().await;
    drop(store);
    let file = pack_file(root.path(), 1, &location);
    let good = fs::read(&file).unwrap();
    let mut bad = good.clone();
    bad[20] ^= 1;
    fs::write(&file, &bad).unwrap();
    let store = open(&settings, Arc::new(RealDisk)).await;
    let replica = all_replicas(&store)[1];
    let Err(ReadError::Damaged { what, .. }) = store.verify_record(&location, replica).await else {
        panic!("the damage went unnoticed");
    };
    store.report_bad(&location, replica, what);
    until("it is put right", || fs::read(&file).unwrap() == good).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flip_of_any_byte_of_every_identity_is_put_right_by_the_next_start() {
    let root = tempdir().unwrap();
    let settings = config(root.path(), 3);
    let store = open(&settings, Arc::new(RealDisk)).await;
    let location = store.append(record(1, 100)).await.unwrap();
    store.close().await;
    drop(store);
    let identities = [0, 1, 2].map(|replica| root.path().join(format!("replica-{replica}/store-id")));
    let good = fs::read(&identities[0]).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        for identity in &identities {
            fs::write(identity, &bad).unwrap();
        }
        let store = open(&settings, Arc::new(RealDisk)).await;
        for replica in all_replicas(&store) {
            assert!(verifies(&store, &location, replica).await, "byte {at}");
        }
        store.close().await;
        drop(store);
        for identity in &identities {
            assert_eq!(fs::read(identity).unwrap(), good, "byte {at}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_in_the_directories_is_ignored() {
    let root = tempdir().unwrap();
    let settings = config(root.path(), 2);
    let packs = root.path().join("replica-0/packs");
    fs::create_dir_all(&packs).unwrap();
    fs::write(packs.join("0000000000000001.open"), filled(1, 5000)).unwrap();
    fs::write(packs.join("0000000000000002.open"), b"").unwrap();
    fs::write(packs.join("notes.txt"), b"mine").unwrap();
    fs::write(root.path().join("replica-0/store-id"), b"damaged").unwrap();
    let store = open(&settings, Arc::new(RealDisk)).await;
    assert_eq!(scan_all(&store, PackPosition::START).await, []);
    assert!(store.append(record(1, 10)).await.is_ok());
    assert!(packs.join("notes.txt").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_of_another_store_and_a_second_process_are_refused() {
    let (one, two) = (tempdir().unwrap(), tempdir().unwrap());
    let settings = config(one.path(), 2);
    let store = open(&settings, Arc::new(RealDisk)).await;
    let again = Store::open(settings.clone(), Arc::new(RealDisk), Arc::new(Heard::default())).await;
    assert!(matches!(again, Err(StoreError::InUse { .. })));
    drop(store);
    drop(open(&config(two.path(), 2), Arc::new(RealDisk)).await);
    let mut mixed = settings.clone();
    mixed.replicas[1].directory = two.path().join("replica-1");
    let mixed = Store::open(mixed, Arc::new(RealDisk), Arc::new(Heard::default())).await;
    assert!(matches!(mixed, Err(StoreError::ForeignReplica { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn contradicting_settings_are_refused() {
    let root = tempdir().unwrap();
    let mut none = config(root.path(), 0);
    none.write_quorum = 1;
    let mut greedy = config(root.path(), 2);
    greedy.write_quorum = 3;
    let mut twice = config(root.path(), 2);
    twice.replicas[1].directory = twice.replicas[0].directory.clone();
    let mut rooms = config(root.path(), 3);
    rooms.write_domains = 3;
    let mut one_room = config(root.path(), 3);
    one_room.write_domains = 2;
    one_room.replicas.iter_mut().for_each(|replica| replica.failure_domain = "room".into());
    let mut no_room = config(root.path(), 3);
    no_room.write_domains = 0;
    for wrong in [none, greedy, twice, rooms, one_room, no_room] {
        let opened = Store::open(wrong, Arc::new(RealDisk), Arc::new(Heard::default())).await;
        assert!(matches!(opened, Err(StoreError::Config(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_on_one_device_or_in_one_domain_are_told() {
    let root = tempdir().unwrap();
    let mut settings = config(root.path(), 3);
    settings.replicas[2].failure_domain = "disk-0".into();
    let store = open(&settings, Arc::new(RealDisk)).await;
    let status = store.status();
    let indexes = |of: &[yingdun_storage::ReplicaId]| of.iter().map(|r| r.index()).collect::<Vec<_>>();
    assert_eq!(indexes(&status.replicas[0].same_device_as), [1, 2]);
    assert_eq!(indexes(&status.replicas[0].same_domain_as), [2]);
    assert_eq!(indexes(&status.replicas[1].same_domain_as), [0_usize; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_replay_position_waits_for_the_oldest_record_that_is_not_applied() {
    let root = tempdir().unwrap();
    let store = open(&config(root.path(), 1), Arc::new(RealDisk)).await;
    let locations = fill(&store, 30).await;
    let first = locations.iter().min_by_key(|location| location.position()).unwrap();
    assert_eq!(store.replay_from(), first.position());
    for location in locations.iter().filter(|location| *location != first) {
        store.mark_applied(location);
        assert_eq!(store.replay_from(), first.position());
    }
    store.mark_applied(first);
    let next = store.replay_from();
    assert!(locations.iter().all(|location| location.position() < next));
    let after = store.append(record(99, 10)).await.unwrap();
    assert!(after.position() >= next);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_takes_nothing_more() {
    let root = tempdir().unwrap();
    let store = open(&config(root.path(), 2), Arc::new(RealDisk)).await;
    store.close().await;
    store.close().await;
    assert!(matches!(store.append(record(1, 1)).await, Err(StoreError::Closed)));
    assert!(matches!(store.append_large(header(1)).await, Err(StoreError::Closed)));
    assert!(!store.status().writable);
}
