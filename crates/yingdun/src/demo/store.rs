//! Stage two: everything lies sealed on three replicas, no name stands anywhere on the disk, and a replica that is
//! deleted changes nothing.

use super::board::Shown;
use super::house::House;
use super::search::{search, spellings, stands_in};
use super::studies::Sample;
use super::view::open_instance;
use super::{DemoError, expect, instances};
use crate::messages::Language;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};
use yingdun_storage::{ReplicaState, StoreStatus};

/// How long replicas may take to catch up or to be repaired: far more than this little data needs.
const REPAIR_TIME_MAX: Duration = Duration::from_secs(60);

/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Counts, searches, deletes a replica, reads, and waits for its repair.
pub(super) async fn store(house: &House, samples: &[Sample], language: Language) -> Result<Shown, DemoError> {
    until_whole(house).await?;
    let replicas = house.config.storage.replicas.len();
    let status = house.system.archive().store().status();
    let stored_bytes = status.bytes.saturating_mul(replicas as u64);

    let spellings = spellings(samples.iter().map(|sample| &sample.study.patient));
    // The search itself is tried first: what was sent holds the names.
    let sent_with_name = instances(samples).all(|(_, instance)| stands_in(&instance.data_set, &spellings));
    expect(sent_with_name, || "the search does not even find the names in what was sent".into())?;
    let folder = data_folder(house)?.to_owned();
    let count = spellings.len();
    let searched = tokio::task::spawn_blocking(move || search(&folder, &spellings)).await;
    let searched = searched.map_err(std::io::Error::other)??;
    expect(searched.found.is_none(), || {
        let place = searched.found.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        format!("a name stands in `{place}`")
    })?;

    let [first, second, ..] = house.config.storage.replicas.as_slice() else {
        return Err(DemoError::NotSo("there are no two replicas".into()));
    };
    let began = Instant::now();
    std::fs::remove_dir_all(&first.directory)?;
    for (sample, instance) in instances(samples).take(1) {
        let opened = open_instance(house, &house.people.doctor, sample, instance).await?;
        expect(opened == instance.data_set, || "the image that opened is not the one that was sent".into())?;
    }
    let deadline = began + REPAIR_TIME_MAX;
    loop {
        until_whole(house).await?;
        // The disk itself is asked: what was deleted is there again, byte for byte.
        if same_packs(&first.directory, &second.directory)? {
            break;
        }
        expect(Instant::now() < deadline, || "the repaired replica differs from the others".into())?;
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    let repaired_ms = began.elapsed().as_secs_f64() * 1000.0;

    let megabytes = stored_bytes as f64 / 1e6;
    let figures = json!({
        "replicas": replicas,
        "write_quorum": status.write_quorum,
        "stored_megabytes": megabytes,
        "searched_files": searched.files,
        "searched_megabytes": searched.bytes as f64 / 1e6,
        "spellings": count,
        "found": 0,
        "repaired_ms": repaired_ms,
    });
    let detail = language.demo_stored(
        replicas,
        format_args!("{megabytes:.0}"),
        count,
        searched.files,
        format_args!("{repaired_ms:.0}"),
    );
    Ok(Shown { figures, detail })
}

/// Waits until every replica holds everything.
async fn until_whole(house: &House) -> Result<(), DemoError> {
    let store = house.system.archive().store();
    let deadline = Instant::now() + REPAIR_TIME_MAX;
    loop {
        store.check_now().await;
        if is_whole(&store.status()) {
            return Ok(());
        }
        expect(Instant::now() < deadline, || {
            format!("the replicas are not whole after {} s", REPAIR_TIME_MAX.as_secs())
        })?;
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

fn is_whole(status: &StoreStatus) -> bool {
    status.replicas.iter().all(|replica| {
        replica.state == ReplicaState::Ready
            && replica.lag_bytes == 0
            && replica.awaiting_repair == 0
            && replica.quarantined == 0
    })
}

/// Whether two replicas hold the same packs; whether one is sealed yet does not matter.
fn same_packs(one: &Path, other: &Path) -> Result<bool, DemoError> {
    let (one, other) = (packs(one)?, packs(other)?);
    Ok(!other.is_empty() && one == other)
}

/// The packs of a replica by their number; none while its folder is missing.
pub(super) fn packs(replica: &Path) -> Result<BTreeMap<String, Vec<u8>>, DemoError> {
    let mut packs = BTreeMap::new();
    let entries = match std::fs::read_dir(replica.join("packs")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(packs),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        let path = entry?.path();
        let number = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        match std::fs::read(&path) {
            Ok(bytes) => drop(packs.insert(number, bytes)),
            // A copy under way was renamed between the two looks.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(packs)
}

/// The folder that holds replicas, databases, keys and log.
fn data_folder(house: &House) -> Result<&Path, DemoError> {
    house
        .config
        .audit
        .directory
        .parent()
        .ok_or_else(|| DemoError::NotSo("the audit log has no folder above it".into()))
}
