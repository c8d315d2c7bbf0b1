//! A rig with a seed: cuts the power at any moment of a store's life, with syncs that fail now and then, and counts which
//! acknowledged records are not whole on the write quorum (in every second life of two failure domains) before anything is repaired, and on every replica after the
//! store was opened again. Disks that do what a careless store would do show that the rig can fail.

use super::power::{Dice, Lie, MockPowerCutDisk};
use super::{all_replicas, config, is_whole, object_of, open, read_object, record, scan_all, until};
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use yingdun_storage::{Disk, Location, PackPosition, ReplicaConfig, Store, StoreConfig};

const REPLICAS: usize = 3;
/// The failure domains of the replicas, where two are asked for.
const DOMAINS: [&str; REPLICAS] = ["north", "north", "south"];
/// Records that each writer wants to store.
const RECORDS: usize = 60;
/// In every second life one in so many syncs of a file fails.
const SYNCS_PER_FAILURE: u64 = 40;

/// What one life of a store acknowledged: number, object bytes, location.
pub(crate) type Acknowledged = Vec<(u64, usize, Location)>;

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Lives that ended by a cut.
    pub(crate) runs: u64,
    pub(crate) acknowledged: u64,
    /// Acknowledged records that are not there, or not on the write quorum before anything was repaired.
    pub(crate) lost: u64,
    /// Records that are read back as something else.
    pub(crate) wrong: u64,
    pub(crate) seed: u64,
    /// The first life in which something was lost or wrong, counted from 0.
    pub(crate) first_bad: Option<u64>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, acknowledged, lost, wrong, seed, first_bad } = self;
        let first_bad = first_bad.map_or_else(|| "null".to_owned(), |life| life.to_string());
        write!(
            f,
            "{{\"rig\": \"power-cut\", \"runs\": {runs}, \"acknowledged\": {acknowledged}, \"lost\": {lost}, \
             \"wrong\": {wrong}, \"injected\": {runs}, \"detected\": null, \"repaired\": null, \"seed\": {seed}, \
             \"first_bad\": {first_bad}}}"
        )
    }
}

/// Cuts the power of stores, by their numbers.
pub(crate) async fn run(seed: u64, lives: Range<u64>, lie: Option<Lie>) -> Outcome {
    let mut outcome = Outcome { seed, ..Outcome::default() };
    for number in lives {
        let life = one_cut(seed.wrapping_mul(1_000_003).wrapping_add(number), lie).await;
        if life.lost + life.wrong > 0 {
            outcome.first_bad = outcome.first_bad.or(Some(number));
        }
        outcome.runs += 1;
        outcome.acknowledged += life.acknowledged;
        outcome.lost += life.lost;
        outcome.wrong += life.wrong;
    }
    outcome
}

/// One life, one cut, one recovery.
async fn one_cut(seed: u64, lie: Option<Lie>) -> Outcome {
    let mut dice = Dice::new(seed);
    let disk = MockPowerCutDisk::default();
    let mut config = config(Path::new("mock"), REPLICAS);
    config.pack_bytes_max = 4096 + dice.roll(60_000);
    if !seed.is_multiple_of(2) {
        config.write_domains = 2;
        config.replicas.iter_mut().zip(DOMAINS).for_each(|(replica, of)| replica.failure_domain = of.into());
    }
    let store = open(&config, Arc::new(disk.clone())).await;
    if let Some(lie) = lie {
        disk.lie(lie);
    }
    if dice.roll(2) == 0 {
        disk.fail_syncs(SYNCS_PER_FAILURE, Dice::new(dice.roll(u64::MAX)));
    }
    disk.cut_after(5 + dice.roll(150));
    let acknowledged = append_until_the_cut(&store, &mut dice).await;
    disk.cut();
    drop(store);

    let found = Arc::new(disk.after_the_cut(&mut dice));
    let damage = examine(&config, found, &acknowledged, lie.is_none()).await;
    Outcome { runs: 1, seed, acknowledged: acknowledged.len() as u64, ..damage }
}

/// What of the acknowledged records is lost or wrong: before anything is repaired, when the store was opened again, and,
/// if everything is to be put right, on every replica then.
pub(crate) async fn examine(
    config: &StoreConfig,
    disk: Arc<dyn Disk>,
    acknowledged: &Acknowledged,
    to_be_whole: bool,
) -> Outcome {
    let mut outcome =
        Outcome { lost: missing_before_recovery(disk.as_ref(), config, acknowledged), ..Outcome::default() };
    let store = open(config, disk).await;
    let scanned = scan_all(&store, PackPosition::START).await;
    let places: HashSet<Location> = scanned.iter().map(|record| record.location).collect();
    for (number, bytes, location) in acknowledged {
        let expected = object_of(&record(*number, *bytes));
        let mut read = Vec::new();
        // As whoever opens what is sealed does: a replica that has it not, or has it wrong, is passed over.
        for replica in store.replicas_for(location) {
            read.extend(read_object(&store, location, replica).await);
        }
        if read.is_empty() || !places.contains(location) {
            outcome.lost += 1;
        } else if !read.contains(&expected) {
            outcome.wrong += 1;
        }
    }
    if to_be_whole {
        until("all replicas are whole", || is_whole(&store)).await;
        for scanned in &scanned {
            for replica in all_replicas(&store) {
                if let Err(error) = store.verify_record(&scanned.location, replica).await {
                    outcome.wrong += 1;
                    #[allow(clippy::print_stderr, reason = "what went wrong, beside the count")]
                    {
                        eprintln!("wrong at {:?}: {error}", scanned.location.position());
                    }
                }
            }
        }
    }
    outcome
}

async fn append_until_the_cut(store: &Store, dice: &mut Dice) -> Acknowledged {
    let writers = 1 + dice.roll(4);
    let mut tasks = Vec::new();
    for writer in 0..writers {
        let (store, mut dice) = (store.clone(), Dice::new(dice.roll(u64::MAX)));
        tasks.push(tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for number in (writer * 1000..).take(RECORDS) {
                let bytes = dice.roll(5000) as usize;
                // The power is off, or so many syncs failed that the write quorum is gone.
                let Ok(location) = store.append(record(number, bytes)).await else { break };
                acknowledged.push((number, bytes, location));
            }
            acknowledged
        }));
    }
    let mut acknowledged = Vec::new();
    for task in tasks {
        acknowledged.extend(task.await.unwrap());
    }
    acknowledged
}

/// Reads the files themselves, without the store: how many records are not whole on the write quorum.
fn missing_before_recovery(disk: &dyn Disk, config: &StoreConfig, acknowledged: &Acknowledged) -> u64 {
    let holds = |replica: &ReplicaConfig, location: &Location, expected: &[u8]| {
        let path = |form| replica.directory.join(format!("packs/{:016x}.{form}", location.pack));
        let file = disk.open(&path("pack"), false).or_else(|_| disk.open(&path("open"), false));
        let Ok(file) = file else { return false };
        let mut read = Vec::new();
        let offset = location.offset + location.object_range().start;
        file.read_at(&mut read, expected.len(), offset).is_ok() && read == expected
    };
    let is_missing = |(number, bytes, location): &&(u64, usize, Location)| {
        let expected = object_of(&record(*number, *bytes));
        let copies = config.replicas.iter().filter(|replica| holds(replica, location, &expected));
        let domains: Vec<&str> = copies.map(|replica| replica.failure_domain.as_str()).collect();
        let distinct = domains.iter().collect::<HashSet<_>>().len();
        domains.len() < config.write_quorum || distinct < config.write_domains
    };
    acknowledged.iter().filter(is_missing).count() as u64
}
