//! The integration thread: turns durable records into bundles and tiles, reads them back, recomputes the roots,
//! and only then signs the checkpoints (promise I3). Segments of the journal that a checkpoint covers are removed.

use crate::checkpoint::{CHECKPOINT_FILE, Checkpoints};
use crate::disk::Disk;
use crate::error::AuditError;
use crate::files::{self, Written};
use crate::grow::{Growing, Growth, remove_partials};
use crate::journal::Record;
use crate::journal::write::SegmentMaker;
use crate::shared::{FailOnPanic, Shared, TRY_AGAIN_AFTER};
use crate::tile::{Kind, TILE_WIDTH, encode_bundle, partial_directory_of, path_of};
use crate::tree::{PerTree, Tree};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// So many waiting records start an integration before the interval is over: 64 full bundles, about the work
/// that one pass does well together.
const INTEGRATE_RECORDS: usize = 64 * TILE_WIDTH;
/// One pass takes at most so many records, so that a long backlog is signed in steps.
const PASS_RECORDS_MAX: usize = 4 * INTEGRATE_RECORDS;

/// How often in a row a pass is tried again whose disk fails, a second apart: then what it would sign waits for a person. One without room waits as
/// long as it takes.
const TRIES_MAX: u32 = 60;

/// Writes the trees. Used by the thread while the log is open, and by `open` to integrate the replayed journal.
#[derive(Debug)]
pub(crate) struct Integrator {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    trees: PerTree<Growing>,
    /// Leaf and detail of the records in the last, partial bundle.
    open_bundle: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Integrator {
    /// Continues trees of one size: loads the last, partial bundle and checks it against them.
    pub(crate) fn resume(
        dir: &Path,
        disk: Arc<dyn Disk>,
        trees: PerTree<Growing>,
    ) -> Result<Self, AuditError> {
        let size = trees.sha256.size();
        let mismatch = |why: String| AuditError::TilesMismatch { size, why };
        let number = size / TILE_WIDTH as u64;
        let width = usize::try_from(size % TILE_WIDTH as u64).unwrap_or(0);
        let open_bundle = if width == 0 {
            Vec::new()
        } else {
            let files = trees.sha256.files();
            let leaves = files.entries(number, width).map_err(|error| mismatch(error.to_string()))?;
            for growing in trees.iter() {
                let tree = growing.tree();
                let mut hashes = leaves.iter().zip(growing.open_hashes());
                if let Some(place) = hashes.position(|(leaf, hash)| tree.leaf_hash(leaf) != *hash) {
                    let index = number * TILE_WIDTH as u64 + place as u64;
                    return Err(mismatch(format!("record {index} does not match its {tree} hash")));
                }
            }
            let details = files.details(number, width)?.unwrap_or_else(|| vec![Vec::new(); width]);
            leaves.into_iter().zip(details).collect()
        };
        Ok(Self { dir: dir.to_owned(), disk, trees, open_bundle })
    }

    /// The number of records in the trees.
    pub(crate) fn size(&self) -> u64 {
        self.trees.sha256.size()
    }

    /// What further leaves make of the trees.
    pub(crate) fn growths(&self) -> PerTree<Growth> {
        self.trees.map(Growing::growth)
    }

    /// Adds records, which must continue the trees, and returns the checkpoints that cover them, durable. It may be called again
    /// with the same records when there was no room or the disk failed: what was added is not added again.
    pub(crate) fn integrate(&mut self, records: &[Arc<Record>]) -> Result<Checkpoints, AuditError> {
        let started = Instant::now();
        let added = records.partition_point(|record| record.index < self.size());
        if let Some(new @ [_, ..]) = records.get(added..) {
            self.add(new)?;
        }
        let checkpoints = self.publish()?;
        metrics::gauge!("yingdun_audit_checkpoint_size").set(checkpoints.sha256.size() as f64);
        metrics::histogram!("yingdun_audit_integrate_seconds").record(started.elapsed().as_secs_f64());
        Ok(checkpoints)
    }

    /// Adds records, which must continue the trees, and checks what is on the disk then. No checkpoint covers them yet.
    /// After an error the trees are what they were.
    pub(crate) fn add(&mut self, records: &[Arc<Record>]) -> Result<(), AuditError> {
        let open_bundle = self.open_bundle.clone();
        let outcome = self.extend(records);
        if outcome.is_err() {
            self.open_bundle = open_bundle;
        }
        outcome
    }

    fn extend(&mut self, records: &[Arc<Record>]) -> Result<(), AuditError> {
        let mut growths = self.trees.map(Growing::growth);
        let mut full_bundles = Vec::new();
        let mut written = Vec::new();
        for (record, expected) in records.iter().zip(self.size()..) {
            if record.index != expected {
                let why = format!("record {} came where record {expected} was expected", record.index);
                return Err(AuditError::TilesMismatch { size: expected, why });
            }
            growths.iter_mut().for_each(|growth| growth.push(record.hash_in(growth.tree())));
            self.open_bundle.push((record.leaf.clone(), record.detail.clone()));
            if self.open_bundle.len() == TILE_WIDTH {
                let number = record.index / TILE_WIDTH as u64;
                full_bundles.push(number);
                self.add_bundle(number, &mut written);
                self.open_bundle.clear();
            }
        }
        let size = growths.sha256.size();
        if !self.open_bundle.is_empty() {
            self.add_bundle(size / TILE_WIDTH as u64, &mut written);
        }
        self.trees.iter().zip(growths.iter()).for_each(|(tree, growth)| tree.add_tiles(growth, &mut written));
        if let Err(error) = files::write(&self.dir, self.disk.as_ref(), &written) {
            if error.may_pass() {
                remove_unsigned_partials(&self.dir, self.size(), size)?;
            }
            return Err(error);
        }
        files::check(&self.dir, size, &written)?;
        self.trees.iter().zip(growths.iter()).try_for_each(|(tree, growth)| tree.check(growth))?;
        self.trees.iter_mut().zip(growths.into_values()).for_each(|(tree, growth)| tree.advance(growth));
        for number in full_bundles {
            [Kind::Entries, Kind::Detail]
                .into_iter()
                .for_each(|kind| remove_partials(&self.dir, kind, number));
        }
        Ok(())
    }

    /// Makes what is there the head of the log. The SM3 tree comes first, so that it is never behind: a process that is
    /// killed between the two leaves it ahead by records that the journal still holds.
    pub(crate) fn publish(&self) -> Result<Checkpoints, AuditError> {
        let publish = |tree: &Growing| tree.publish(self.disk.as_ref(), CHECKPOINT_FILE);
        let sm3 = self.trees.sm3.as_ref().map(publish).transpose()?;
        Ok(Checkpoints { sha256: publish(&self.trees.sha256)?, sm3 })
    }

    fn add_bundle(&self, number: u64, written: &mut Vec<Written>) {
        let width = self.open_bundle.len();
        let leaves = self.open_bundle.iter().map(|(leaf, _)| leaf.as_slice());
        written.push(Written { path: path_of(Kind::Entries, number, width), bytes: encode_bundle(leaves) });
        if self.open_bundle.iter().any(|(_, detail)| !detail.is_empty()) {
            let details = self.open_bundle.iter().map(|(_, detail)| detail.as_slice());
            written
                .push(Written { path: path_of(Kind::Detail, number, width), bytes: encode_bundle(details) });
        }
    }
}

/// Removes partial files that no checkpoint has named: a process that was killed while it integrated, or a disk that
/// was full, may have left one cut off, and nobody would write it again, because the tree grows past that width. Records `size` to
/// `end` are in the journal.
pub(crate) fn remove_unsigned_partials(dir: &Path, size: u64, end: u64) -> Result<(), AuditError> {
    let bundles = [Kind::Entries, Kind::Detail].map(|kind| (kind, size, end));
    let levels = Tree::ALL.iter().flat_map(|&tree| {
        (0_u8..8).map(move |level| (Kind::Hashes(tree, level), size >> (8 * level), end >> (8 * level)))
    });
    for (kind, signed, end) in bundles.into_iter().chain(levels) {
        let width = TILE_WIDTH as u64;
        for number in signed / width..=end / width {
            let partials = dir.join(partial_directory_of(kind, number));
            let Ok(listing) = fs::read_dir(&partials) else { continue };
            for entry in listing.flatten() {
                let covers = entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok());
                if covers.is_some_and(|covers| number * width + covers > signed) {
                    let path = entry.path();
                    fs::remove_file(&path).map_err(|error| AuditError::io("cannot remove", &path, error))?;
                }
            }
        }
    }
    Ok(())
}

/// Runs until no more records come and all are signed, or the log fails.
pub(crate) fn run(
    mut integrator: Integrator,
    shared: &Arc<Shared>,
    maker: &SegmentMaker,
    interval: Duration,
    lock: File,
) {
    let _guard = FailOnPanic(Arc::clone(shared));
    let (mut waits, mut tries) = (false, 0);
    loop {
        match step(&mut integrator, shared, maker, interval) {
            Ok(true) => (waits, tries) = (false, 0),
            Ok(false) => {
                drop(lock);
                return shared.close();
            }
            // What is durable stays in the journal meanwhile. Who shuts down does not wait: the next start reads it.
            Err(error)
                if error.may_pass()
                    && !shared.lock().commits_ended
                    && (tries < TRIES_MAX || error.is_for_want_of_room()) =>
            {
                tries += 1;
                if !waits {
                    tracing::error!(%error, "the audit log cannot write what it would sign, and tries again");
                }
                waits = true;
                std::thread::sleep(TRY_AGAIN_AFTER);
            }
            Err(error) => {
                // Kept locked on purpose: a log that failed is not opened again by this process.
                std::mem::forget(lock);
                return shared.fail(&error);
            }
        }
    }
}

/// One round: a spare segment where one is missing, then one integration when it is due. False when all is done.
fn step(
    integrator: &mut Integrator,
    shared: &Shared,
    maker: &SegmentMaker,
    interval: Duration,
) -> Result<bool, AuditError> {
    let mut state = shared.lock();
    let (records, last) = loop {
        let may_try = state.none_until.as_ref().is_none_or(|(until, _)| Instant::now() >= *until);
        if state.spare.is_none() && !state.commits_ended && may_try {
            drop(state);
            let spare = maker.prepare();
            if let Err(error) = &spare
                && error.may_pass()
            {
                shared.note_none(error, maker.directory());
                state = shared.lock();
            } else {
                state = shared.lock();
                state.spare = Some(spare?);
                state.none_until = None;
            }
        }
        shared.check_open()?;
        let waited = state.tail_since.map(|since| since.elapsed());
        // Not what is in the trees: a head that could not be published is tried again at once.
        let signed = shared.head().checkpoints.sha256.size();
        let due = state.tail.len() >= INTEGRATE_RECORDS
            || (waited.is_some() && (signed < state.wanted || state.commits_ended))
            || waited.is_some_and(|waited| waited >= interval);
        if due {
            let take = state.tail.len().min(PASS_RECORDS_MAX);
            break (state.tail.iter().take(take).cloned().collect::<Vec<_>>(), false);
        }
        if state.commits_ended {
            break (Vec::new(), true);
        }
        let for_room = state.none_until.as_ref().map_or(Duration::MAX, |_| TRY_AGAIN_AFTER);
        let patience = waited.map_or(Duration::MAX, |waited| interval.saturating_sub(waited)).min(for_room);
        state = if patience == Duration::MAX {
            shared.work.wait(state).unwrap_or_else(PoisonError::into_inner)
        } else {
            shared.work.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0
        };
    };
    drop(state);
    if last {
        return Ok(false);
    }
    let checkpoints = integrator.integrate(&records)?;
    let mut state = shared.lock();
    for _ in &records {
        if let Some(record) = state.tail.pop_front() {
            state.tail_bytes -= record.body_bytes();
        }
    }
    state.tail_since = (!state.tail.is_empty()).then(Instant::now);
    let mut covered = Vec::new();
    while state.segments.get(1).is_some_and(|(first, _)| *first <= checkpoints.sha256.size()) {
        covered.extend(state.segments.pop_front());
    }
    // Tail and head change under one lock, so that a reader never sees a gap between them.
    shared.publish(checkpoints);
    drop(state);
    shared.room.notify_all();
    for (_, path) in covered {
        // The next one must not go before this one.
        fs::remove_file(&path).map_err(|error| AuditError::names("cannot remove", &path, error))?;
    }
    Ok(true)
}
