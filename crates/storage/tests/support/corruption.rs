//! A rig with a seed: corrupts copies of packs at random, while every record keeps one good copy, lets a scrub look for
//! it, and counts what was found and put right. Other scrubs than the real one show that the rig can fail.

use super::power::Dice;
use super::{Heard, config, filled, header, is_whole, open_heard, record, scan_all};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use yingdun_storage::{Location, PackPosition, RealDisk, ReplicaId, ScrubState, Store, StoreEvent};

const REPLICAS: usize = 3;
/// Bytes of a block that a disk could lose, repeat or write to the wrong place.
const BLOCK: usize = 4096;
/// Faults between two passes.
const FAULTS_MAX: u64 = 8;
/// After so many rounds a store is replaced by another one, with other records.
const ROUNDS_PER_STORE: u64 = 25;
/// A pass over a store of this size takes milliseconds; this is for machines with much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// Who looks for the faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scrubber {
    /// The scrub of the store.
    Real,
    /// Believes a copy whose length is right.
    MockTrustsLengths,
    /// Believes a copy whose date has not changed.
    MockTrustsDates,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) runs: u64,
    pub(crate) injected: u64,
    pub(crate) detected: u64,
    pub(crate) repaired: u64,
    /// Records that no replica gives any more.
    pub(crate) lost: u64,
    /// Copies of records that are read back as something else.
    pub(crate) wrong: u64,
    pub(crate) seed: u64,
}

impl Outcome {
    /// Everything was found and put right, and nothing else happened.
    pub(crate) fn is_perfect(&self) -> bool {
        (self.detected, self.repaired, self.lost, self.wrong) == (self.injected, self.injected, 0, 0)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, injected, detected, repaired, lost, wrong, seed } = self;
        write!(
            f,
            "{{\"rig\": \"corruption\", \"runs\": {runs}, \"acknowledged\": null, \"injected\": {injected}, \"detected\": {detected}, \
             \"repaired\": {repaired}, \"lost\": {lost}, \"wrong\": {wrong}, \"seed\": {seed}}}"
        )
    }
}

/// Injects `count` faults below a folder, in rounds.
pub(crate) async fn run(seed: u64, count: u64, scrubber: Scrubber, folder: &Path) -> Outcome {
    let mut dice = Dice::new(seed);
    let mut outcome = Outcome { seed, ..Outcome::default() };
    while outcome.injected < count {
        let root = tempfile::tempdir_in(folder).unwrap();
        let mut house = House::build(root.path(), dice.roll(1 << 40)).await;
        for _ in 0..ROUNDS_PER_STORE {
            let faults = 1 + dice.roll(FAULTS_MAX);
            let left = count - outcome.injected;
            let round = house.round(&mut dice, faults.min(left), scrubber).await;
            outcome.runs += 1;
            outcome.injected += round.injected;
            outcome.detected += round.detected;
            outcome.repaired += round.repaired;
            outcome.lost += round.lost;
            outcome.wrong += round.wrong;
            if outcome.injected >= count {
                break;
            }
        }
        house.store.close().await;
    }
    outcome
}

/// The ways in which a copy goes bad.
#[derive(Clone, Copy, Debug)]
enum Fault {
    FlippedBit,
    ZeroedRange,
    /// The end is missing.
    Cut,
    /// The end is missing, and zeros stand for it: as it was before it was written.
    Stale,
    Deleted,
    /// A block from another place of the same pack.
    MisdirectedBlock,
    /// Two blocks changed places.
    SwappedBlocks,
    /// Two records of the same length changed places.
    SwappedRecords,
    /// Two packs changed names.
    SwappedPacks,
    /// Bytes behind the end.
    Longer,
}

const FAULTS: [Fault; 10] = [
    Fault::FlippedBit,
    Fault::ZeroedRange,
    Fault::Cut,
    Fault::Stale,
    Fault::Deleted,
    Fault::MisdirectedBlock,
    Fault::SwappedBlocks,
    Fault::SwappedRecords,
    Fault::SwappedPacks,
    Fault::Longer,
];

type Copies = BTreeMap<(usize, u64), Option<Vec<u8>>>;

/// A store, and what belongs into it.
struct House {
    root: PathBuf,
    store: Store,
    heard: Arc<Heard>,
    good: BTreeMap<u64, Vec<u8>>,
    records: Vec<Location>,
}

impl House {
    async fn build(root: &Path, seed: u64) -> Self {
        let mut settings = config(root, REPLICAS);
        // Only the scrub looks.
        settings.check_interval = Duration::from_secs(24 * 3600);
        let heard = Arc::new(Heard::default());
        let store = open_heard(&settings, Arc::new(RealDisk), Arc::clone(&heard)).await;
        let mut dice = Dice::new(seed);
        for number in 0..60 {
            // Few lengths, so that there are records that fit into each other's places.
            let bytes = [0, 100, 3000, 9000][dice.roll(4) as usize];
            store.append(record(64 * dice.roll(1 << 20) + number % 2, bytes)).await.unwrap();
        }
        let mut large = store.append_large(header(seed)).await.unwrap();
        large.write(filled(seed, 70_000)).await.unwrap();
        large.finish(filled(1, 70), filled(2, 900)).await.unwrap();
        store.scrub_now();
        wait(|| is_through(&store) && is_whole(&store)).await;
        let records: Vec<Location> =
            scan_all(&store, PackPosition::START).await.iter().map(|scanned| scanned.location).collect();
        assert_eq!(records.len(), 61);
        let packs = records.iter().map(|location| location.pack);
        let good: BTreeMap<u64, Vec<u8>> =
            packs.map(|pack| (pack, fs::read(path(root, 0, pack)).unwrap())).collect();
        assert!(good.len() > 3);
        Self { root: root.to_owned(), store, heard, good, records }
    }

    async fn round(&mut self, dice: &mut Dice, faults: u64, scrubber: Scrubber) -> Outcome {
        self.heard.0.lock().unwrap().clear();
        let mut copies: Copies = BTreeMap::new();
        let mut injected: Vec<Vec<(usize, u64)>> = Vec::new();
        let mut tries = 0;
        while (injected.len() as u64) < faults && tries < 1000 {
            tries += 1;
            injected.extend(self.corrupt(dice, &mut copies));
        }
        let dates = self.dates();
        for ((replica, pack), bytes) in &copies {
            self.put(*replica, *pack, bytes.as_deref(), dice, &dates);
        }
        self.scrub(scrubber, &dates).await;

        let quarantined = self.quarantined();
        let is_good = |(replica, pack): &(usize, u64)| {
            fs::read(path(&self.root, *replica, *pack)).is_ok_and(|bytes| bytes == self.good[pack])
        };
        let all = |holds: &dyn Fn(&(usize, u64)) -> bool| {
            injected.iter().filter(|touched| touched.iter().all(holds)).count() as u64
        };
        let mut outcome = Outcome {
            injected: injected.len() as u64,
            detected: all(&|copy| quarantined.contains(copy)),
            repaired: all(&is_good),
            ..Outcome::default()
        };
        self.read_everything(&mut outcome).await;
        outcome
    }

    /// One fault on copies that have none yet, if it changes something and leaves every record a good copy; the copies
    /// that it touched.
    fn corrupt(&self, dice: &mut Dice, copies: &mut Copies) -> Option<Vec<(usize, u64)>> {
        let fault = FAULTS[dice.roll(FAULTS.len() as u64) as usize];
        let replica = dice.roll(REPLICAS as u64) as usize;
        let numbers: Vec<u64> = self.good.keys().copied().collect();
        let pick = |dice: &mut Dice| numbers[dice.roll(numbers.len() as u64) as usize];
        let (pack, other) = (pick(dice), pick(dice));
        let touched = match fault {
            Fault::SwappedPacks => vec![(replica, pack), (replica, other)],
            _ => vec![(replica, pack)],
        };
        if touched.iter().any(|copy| copies.contains_key(copy)) {
            return None;
        }
        let mut after = copies.clone();
        match fault {
            Fault::SwappedPacks => {
                after.insert((replica, pack), Some(self.good[&other].clone()));
                after.insert((replica, other), Some(self.good[&pack].clone()));
            }
            _ => drop(after.insert((replica, pack), self.damaged(fault, pack, dice)?)),
        }
        let changed =
            touched.iter().all(|copy| after[copy].as_deref() != Some(self.good[&copy.1].as_slice()));
        if !changed || !self.every_record_has_a_good_copy(&after) {
            return None;
        }
        *copies = after;
        Some(touched)
    }

    /// What one copy of a pack becomes.
    fn damaged(&self, fault: Fault, pack: u64, dice: &mut Dice) -> Option<Option<Vec<u8>>> {
        let good = &self.good[&pack];
        let mut bytes = good.clone();
        let length = bytes.len();
        let at = |dice: &mut Dice| dice.roll(length as u64) as usize;
        let block = |dice: &mut Dice| {
            let start = at(dice) / BLOCK * BLOCK;
            start..(start + BLOCK).min(length)
        };
        match fault {
            Fault::FlippedBit => bytes[at(dice)] ^= 1 << dice.roll(8),
            Fault::ZeroedRange => {
                let start = at(dice);
                let end = start + dice.roll((length - start) as u64 + 1) as usize;
                bytes[start..end].fill(0);
            }
            Fault::Cut => bytes.truncate(at(dice)),
            Fault::Stale => {
                let inside = self.records.iter().filter(|location| location.pack == pack);
                let starts: Vec<u64> = inside.map(|location| location.offset).collect();
                let from = starts[dice.roll(starts.len() as u64) as usize] as usize;
                bytes[from..].fill(0);
            }
            Fault::Deleted => return Some(None),
            Fault::MisdirectedBlock => {
                let (from, to) = (block(dice), block(dice));
                let common = from.len().min(to.len());
                bytes[to.start..to.start + common].copy_from_slice(&good[from.start..from.start + common]);
            }
            Fault::SwappedBlocks => {
                let (one, two) = (block(dice), block(dice));
                let common = one.len().min(two.len());
                bytes[one.start..one.start + common].copy_from_slice(&good[two.start..two.start + common]);
                bytes[two.start..two.start + common].copy_from_slice(&good[one.start..one.start + common]);
            }
            Fault::SwappedRecords => {
                let inside: Vec<&Location> =
                    self.records.iter().filter(|location| location.pack == pack).collect();
                let one = inside[dice.roll(inside.len() as u64) as usize];
                let same = |other: &&&Location| **other != one && other.record_bytes() == one.record_bytes();
                let two = inside.iter().find(same)?;
                let range = |of: &Location| of.offset as usize..of.end() as usize;
                bytes[range(one)].copy_from_slice(&good[range(two)]);
                bytes[range(two)].copy_from_slice(&good[range(one)]);
            }
            Fault::Longer => bytes.extend(filled(dice.roll(1 << 30), 1 + dice.roll(200) as usize)),
            Fault::SwappedPacks => return None,
        }
        Some(Some(bytes))
    }

    fn every_record_has_a_good_copy(&self, copies: &Copies) -> bool {
        let is_good = |location: &Location, replica: usize| match copies.get(&(replica, location.pack)) {
            None => true,
            Some(bytes) => {
                let range = location.offset as usize..location.end() as usize;
                let of = |bytes: &[u8]| bytes.get(range.clone()).map(<[u8]>::to_vec);
                bytes.as_deref().and_then(of) == of(&self.good[&location.pack])
            }
        };
        self.records.iter().all(|location| (0..REPLICAS).any(|replica| is_good(location, replica)))
    }

    /// Puts bytes in the place of a copy, into the same file or another one, with or without a trace in its date.
    fn put(
        &self,
        replica: usize,
        pack: u64,
        bytes: Option<&[u8]>,
        dice: &mut Dice,
        dates: &BTreeMap<(usize, u64), SystemTime>,
    ) {
        let path = path(&self.root, replica, pack);
        let Some(bytes) = bytes else { return fs::remove_file(path).unwrap() };
        if dice.roll(2) == 0 {
            fs::remove_file(&path).unwrap();
        }
        fs::write(&path, bytes).unwrap();
        if dice.roll(2) == 0 {
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(dates[&(replica, pack)]).unwrap();
        }
    }

    fn dates(&self) -> BTreeMap<(usize, u64), SystemTime> {
        let copies = (0..REPLICAS).flat_map(|replica| self.good.keys().map(move |pack| (replica, *pack)));
        let date = |(replica, pack): &(usize, u64)| {
            let metadata = fs::metadata(path(&self.root, *replica, *pack)).unwrap();
            metadata.modified().unwrap()
        };
        copies.map(|copy| (copy, date(&copy))).collect()
    }

    async fn scrub(&self, scrubber: Scrubber, dates: &BTreeMap<(usize, u64), SystemTime>) {
        match scrubber {
            Scrubber::Real => {
                self.store.scrub_now();
                wait(|| is_through(&self.store)).await;
            }
            Scrubber::MockTrustsLengths => self.store.check_now().await,
            Scrubber::MockTrustsDates => {
                for ((replica, pack), date) in dates {
                    let now = fs::metadata(path(&self.root, *replica, *pack)).and_then(|m| m.modified());
                    if !now.is_ok_and(|now| now == *date) {
                        self.report(*replica, *pack);
                    }
                }
            }
        }
        wait(|| is_whole(&self.store)).await;
    }

    fn report(&self, replica: usize, pack: u64) {
        let replica = self.store.status().replicas[replica].replica;
        for location in self.records.iter().filter(|location| location.pack == pack) {
            self.store.report_bad(location, replica, "its date has changed");
        }
    }

    fn quarantined(&self) -> Vec<(usize, u64)> {
        let heard = self.heard.0.lock().unwrap();
        let copy = |event: &StoreEvent| match event {
            StoreEvent::Quarantined { replica, pack, .. } => Some((replica.index(), *pack)),
            _ => None,
        };
        heard.iter().filter_map(copy).collect()
    }

    /// Reads every record from every replica.
    async fn read_everything(&self, outcome: &mut Outcome) {
        let replicas: Vec<ReplicaId> = self.store.status().replicas.iter().map(|r| r.replica).collect();
        for location in &self.records {
            let good = &self.good[&location.pack][location.offset as usize..location.end() as usize];
            let mut sound = 0;
            for replica in &replicas {
                match self.store.read(location, 0..location.record_bytes(), *replica).await {
                    Ok(bytes) if bytes == good => sound += 1,
                    Ok(_) => outcome.wrong += 1,
                    Err(_) => {}
                }
            }
            outcome.lost += u64::from(sound == 0);
        }
    }
}

fn path(root: &Path, replica: usize, pack: u64) -> PathBuf {
    root.join(format!("replica-{replica}/packs/{pack:016x}.pack"))
}

/// Every replica was read to the end.
pub(crate) fn is_through(store: &Store) -> bool {
    store.status().replicas.iter().all(|replica| replica.scrub.state == ScrubState::Resting)
}

async fn wait(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
