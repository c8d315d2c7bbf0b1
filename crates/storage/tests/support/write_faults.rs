//! A rig with a seed: a fixed series of records is stored while the disk fails at one place, and once more for every place at
//! which something is written, synced, made, renamed or removed. The device fails once (EIO), or there is no space from there
//! on until it returns (ENOSPC), announced or not. Then the power goes, and what was acknowledged is looked for. The same while a
//! store is opened that has to recover. A store that ignores what the disk says shows that the rig can fail.

use super::power::{Dice, Fault, FaultKind, MockPowerCutDisk};
use super::power_cut::{Acknowledged, examine};
use super::{config, filled, header, is_whole, open, read_object, record, until};
use bytes::Bytes;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use yingdun_storage::{Location, ReplicaState, Store, StoreConfig, StoreError};

const REPLICAS: usize = 3;
/// Records of a series; with packs of this size some are closed.
const RECORDS: u64 = 12;
const PACK_BYTES_MAX: u64 = 12_000;
/// One record in so many is streamed.
const RECORDS_PER_STREAM: u64 = 4;
/// Lives that run at the same time: most of a life is waiting.
const AT_ONCE: usize = 16;

const KINDS: [FaultKind; 3] = [FaultKind::Device, FaultKind::NoSpace, FaultKind::NoSpaceUnannounced];

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) runs: u64,
    pub(crate) acknowledged: u64,
    /// Faults that happened.
    pub(crate) injected: u64,
    pub(crate) lost: u64,
    pub(crate) wrong: u64,
    pub(crate) seed: u64,
    /// What was not as it must be, in words; lost and wrong records are no part of it.
    pub(crate) complaints: Vec<String>,
}

impl Outcome {
    pub(crate) fn is_perfect(&self) -> bool {
        self.lost + self.wrong == 0 && self.complaints.is_empty()
    }

    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.acknowledged += other.acknowledged;
        self.injected += other.injected;
        self.lost += other.lost;
        self.wrong += other.wrong;
        self.complaints.extend(other.complaints);
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, acknowledged, injected, lost, wrong, seed, complaints } = self;
        write!(
            f,
            "{{\"rig\": \"write-faults\", \"runs\": {runs}, \"acknowledged\": {acknowledged}, \"lost\": {lost}, \
             \"wrong\": {wrong}, \"injected\": {injected}, \"detected\": null, \"repaired\": null, \"seed\": {seed}, \
             \"complaints\": {complaints:?}}}"
        )
    }
}

/// When in the life of a store something fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Storing,
    Opening,
}

/// Lets the disk fail at every place of so many series of records, or at one in `step` of the places.
pub(crate) async fn run(seed: u64, series: u64, step: usize, is_ignored: bool) -> Outcome {
    let mut outcome = Outcome { seed, ..Outcome::default() };
    for number in 0..series {
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(number);
        let mut lives = Vec::new();
        for moment in [Moment::Storing, Moment::Opening] {
            let places = places(seed, moment).await;
            for kind in KINDS {
                let fault = |after| (moment, Fault { kind, after, is_ignored });
                lives.extend((0..places).skip((seed % step as u64) as usize).step_by(step).map(fault));
            }
        }
        for group in lives.chunks(AT_ONCE) {
            let lives = group.iter().map(|(moment, fault)| tokio::spawn(live(seed, *moment, *fault)));
            for life in lives.collect::<Vec<_>>() {
                outcome.add(life.await.unwrap());
            }
        }
    }
    outcome
}

fn settings() -> StoreConfig {
    let mut settings = config(Path::new("mock"), REPLICAS);
    settings.pack_bytes_max = PACK_BYTES_MAX;
    settings
}

/// How many places there are at which something can fail.
async fn places(seed: u64, moment: Moment) -> u64 {
    let disk = MockPowerCutDisk::default();
    let store = open(&settings(), Arc::new(disk.clone())).await;
    let begun = disk.operations();
    let mut acknowledged = Acknowledged::new();
    store_series(&store, seed, &mut acknowledged, |_| {}).await;
    let stored = disk.operations() - begun;
    if moment == Moment::Storing {
        return stored;
    }
    disk.cut();
    drop(store);
    let found = disk.after_the_cut(&mut Dice::new(seed));
    let store = open(&settings(), Arc::new(found.clone())).await;
    until("all replicas are whole", || is_whole(&store)).await;
    found.operations()
}

/// One life of a store with one fault.
async fn live(seed: u64, moment: Moment, fault: Fault) -> Outcome {
    let disk = MockPowerCutDisk::default();
    let store = open(&settings(), Arc::new(disk.clone())).await;
    let mut life = Life { outcome: Outcome { runs: 1, ..Outcome::default() }, moment, fault };
    let mut acknowledged = Acknowledged::new();
    if moment == Moment::Storing {
        disk.fail(fault);
    }
    store_series(&store, seed, &mut acknowledged, |error| life.judge_refusal(error)).await;
    let mut disk = disk;
    if moment == Moment::Storing {
        life.outcome.injected += 1;
        life.judge_store(&store, &disk, &mut acknowledged).await;
    }
    disk.cut();
    drop(store);
    let mut dice = Dice::new(seed ^ fault.after);
    disk = disk.after_the_cut(&mut dice);
    if moment == Moment::Opening {
        life.outcome.injected += 1;
        disk.fail(fault);
        let opened = Store::open(settings(), Arc::new(disk.clone()), Arc::new(super::Heard::default())).await;
        if let Ok(store) = opened {
            life.judge_reads(&store, &acknowledged).await;
            store.check_now().await;
        }
        disk.heal();
        disk.cut();
        disk = disk.after_the_cut(&mut dice);
    }
    let damage = examine(&settings(), Arc::new(disk), &acknowledged, !fault.is_ignored).await;
    life.outcome.acknowledged += acknowledged.len() as u64;
    life.outcome.lost += damage.lost;
    life.outcome.wrong += damage.wrong;
    life.outcome
}

/// A life and what is to be said of it.
struct Life {
    outcome: Outcome,
    moment: Moment,
    fault: Fault,
}

impl Life {
    fn complain(&mut self, what: &str) {
        self.outcome.complaints.push(format!("{:?}, {:?}: {what}", self.moment, self.fault));
    }

    /// A caller was refused something.
    fn judge_refusal(&mut self, error: &StoreError) {
        let is_right = match self.fault.kind {
            // It fails on one replica of three.
            FaultKind::Device => false,
            FaultKind::NoSpace | FaultKind::NoSpaceUnannounced => {
                matches!(error, StoreError::OutOfSpace { .. })
            }
        };
        if !is_right {
            self.complain(&format!("a caller was refused: {error}"));
        }
    }

    /// Whatever fails, everything acknowledged can be read, from one replica or the next.
    async fn judge_reads(&mut self, store: &Store, acknowledged: &Acknowledged) {
        for (number, bytes, location) in acknowledged {
            let expected = filled(*number, *bytes);
            let mut copies = Vec::new();
            for replica in store.replicas_for(location) {
                copies.push(read_object(store, location, replica).await.is_some_and(|read| read == expected));
            }
            if !copies.contains(&true) {
                self.complain(&format!("record {number} could not be read"));
            }
        }
    }

    /// The series is over, and the store still open: what it says of its replicas, and whether it goes on.
    async fn judge_store(&mut self, store: &Store, disk: &MockPowerCutDisk, acknowledged: &mut Acknowledged) {
        self.judge_reads(store, acknowledged).await;
        disk.heal();
        if self.fault.is_ignored {
            return;
        }
        match self.fault.kind {
            FaultKind::Device => {
                store.check_now().await;
                if disk.retried_syncs() > 0 {
                    self.complain("a sync was tried again after one that failed");
                }
                let failed = |replica: &yingdun_storage::ReplicaStatus| {
                    matches!(replica.state, ReplicaState::Failed(_))
                };
                if store.status().replicas.iter().filter(|replica| failed(replica)).count() > 1 {
                    self.complain("one fault took more than one replica out");
                }
            }
            FaultKind::NoSpace | FaultKind::NoSpaceUnannounced => {
                let ready = |store: &Store| {
                    store.status().replicas.iter().all(|replica| replica.state == ReplicaState::Ready)
                };
                until("every replica is used again", || ready(store)).await;
            }
        }
        let (number, bytes) = (RECORDS, 700);
        match store.append(record(number, bytes)).await {
            Ok(location) => acknowledged.push((number, bytes, location)),
            Err(error) => self.complain(&format!("it did not take records again: {error}")),
        }
    }
}

/// Stores a series of records, one after the other, and closes packs on the way.
async fn store_series(
    store: &Store,
    seed: u64,
    acknowledged: &mut Acknowledged,
    mut refused: impl FnMut(&StoreError),
) {
    let mut dice = Dice::new(seed);
    for number in 0..RECORDS {
        let bytes = dice.roll(4000) as usize;
        let stored = if number % RECORDS_PER_STREAM == 1 {
            stream(store, number, bytes).await
        } else {
            store.append(record(number, bytes)).await
        };
        match stored {
            Ok(location) => acknowledged.push((number, bytes, location)),
            Err(error) => refused(&error),
        }
    }
}

async fn stream(store: &Store, number: u64, bytes: usize) -> Result<Location, StoreError> {
    let mut large = store.append_large(header(number)).await?;
    large.write(filled(number, bytes)).await?;
    large.finish(filled(number ^ 0xd, 40), Bytes::new()).await
}
