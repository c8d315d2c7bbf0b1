//! What the tests of the store share: replicas in a temporary directory, records with known content, and disks
//! that fail on command.
#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod corruption;
pub(crate) mod fault;
pub(crate) mod power;
pub(crate) mod power_cut;
pub(crate) mod write_faults;

use bytes::Bytes;
use std::env;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use yingdun_model::{InstitutionId, StudyRef};
use yingdun_storage::{
    Disk, Location, PackPosition, Record, RecordHeader, RecordKind, ReplicaConfig, ReplicaId, ScannedRecord,
    Store, StoreConfig, StoreEvent, StoreEvents,
};

/// Keeps events for a test to look at.
#[derive(Debug, Default)]
pub(crate) struct Heard(pub(crate) Mutex<Vec<StoreEvent>>);

impl StoreEvents for Heard {
    fn on_event(&self, event: &StoreEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// Settings for `count` replicas below a directory, quick to notice things.
pub(crate) fn config(root: &Path, count: usize) -> StoreConfig {
    let replica = |index: usize| ReplicaConfig {
        directory: root.join(format!("replica-{index}")),
        label: format!("r{index}"),
        failure_domain: format!("disk-{index}"),
    };
    let mut config = StoreConfig::new((0..count).map(replica).collect());
    config.reserve_bytes = 0;
    config.pack_bytes_max = 64 * 1024;
    config.check_interval = Duration::from_millis(50);
    config
}

pub(crate) async fn open(config: &StoreConfig, disk: Arc<dyn Disk>) -> Store {
    open_heard(config, disk, Arc::new(Heard::default())).await
}

pub(crate) async fn open_heard(config: &StoreConfig, disk: Arc<dyn Disk>, heard: Arc<Heard>) -> Store {
    Store::open(config.clone(), disk, heard).await.unwrap()
}

/// A record whose every byte follows from its number.
pub(crate) fn record(number: u64, object_bytes: usize) -> Record {
    Record {
        header: header(number),
        descriptor: filled(number ^ 0xd, 40 + (number % 64) as usize),
        metadata: filled(number ^ 0xe, (number % 300) as usize),
        object: filled(number, object_bytes).chunks(1000).map(Bytes::copy_from_slice).collect(),
    }
}

pub(crate) fn header(number: u64) -> RecordHeader {
    RecordHeader {
        institution: InstitutionId::new("hospital-1").unwrap(),
        study: StudyRef::from_bytes([number as u8; 16]),
        kind: RecordKind::INSTANCE,
    }
}

pub(crate) fn filled(seed: u64, bytes: usize) -> Bytes {
    let mut reader = blake3_stream(seed);
    (0..bytes).map(|_| reader()).collect::<Vec<u8>>().into()
}

// A xorshift generator: the content only has to differ from record to record and from zero.
fn blake3_stream(seed: u64) -> impl FnMut() -> u8 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    }
}

/// The object of a record, as one piece.
pub(crate) fn object_of(record: &Record) -> Vec<u8> {
    record.object.iter().flat_map(|segment| segment.to_vec()).collect()
}

pub(crate) async fn read_object(store: &Store, location: &Location, replica: ReplicaId) -> Option<Vec<u8>> {
    store.read(location, location.object_range(), replica).await.ok().map(|bytes| bytes.to_vec())
}

pub(crate) async fn scan_all(store: &Store, from: PackPosition) -> Vec<ScannedRecord> {
    let mut scan = store.scan(from);
    let mut records = Vec::new();
    while let Some(record) = scan.next().await.unwrap() {
        records.push(record);
    }
    records
}

/// Whether a record verifies on a replica.
pub(crate) async fn verifies(store: &Store, location: &Location, replica: ReplicaId) -> bool {
    store.verify_record(location, replica).await.is_ok()
}

/// Waits until a condition holds, at most a minute.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What stands behind an option of the command line of a rig.
pub(crate) fn option(name: &str) -> Option<String> {
    env::args().skip(1).skip_while(|argument| argument != name).nth(1)
}

/// The same as a number.
pub(crate) fn number(name: &str, otherwise: u64) -> u64 {
    option(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// Every replica of a store.
pub(crate) fn all_replicas(store: &Store) -> Vec<ReplicaId> {
    store.status().replicas.iter().map(|replica| replica.replica).collect()
}

/// Nothing waits for repair.
pub(crate) fn is_whole(store: &Store) -> bool {
    store.status().replicas.iter().all(|replica| replica.awaiting_repair == 0 && replica.quarantined == 0)
}
