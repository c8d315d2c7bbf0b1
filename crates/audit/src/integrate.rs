//! The integration thread: turns durable records into bundles and tiles, reads them back, recomputes the root,
//! and only then signs the checkpoint (promise I3). Segments of the journal that a checkpoint covers are removed.

use crate::checkpoint::{CHECKPOINT_FILE, Checkpoint};
use crate::disk::Disk;
use crate::error::AuditError;
use crate::journal::Record;
use crate::journal::write::{FILE_MODE, SegmentMaker};
use crate::shared::{FailOnPanic, ROOM_RETRY, Shared};
use crate::tile::read::TileFiles;
use crate::tile::{Kind, TILE_WIDTH, encode_bundle, encode_hashes, partial_directory_of, path_of};
use crate::tree::edge::{Edge, FullTile};
use crate::tree::{leaf_hash, root_of};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use yingdun_crypto::sign::NoteSigner;

/// So many waiting records start an integration before the interval is over: 64 full bundles, about the work
/// that one pass does well together.
const INTEGRATE_RECORDS: usize = 64 * TILE_WIDTH;
/// One pass takes at most so many records, so that a long backlog is signed in steps.
const PASS_RECORDS_MAX: usize = 4 * INTEGRATE_RECORDS;

const DIRECTORY_MODE: u32 = 0o700;

/// Writes the tree. Used by the thread while the log is open, and by `open` to integrate the replayed journal.
#[derive(Debug)]
pub(crate) struct Integrator {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    head: Head,
    files: TileFiles,
    edge: Edge,
    /// Leaf and detail of the records in the last, partial bundle.
    open_bundle: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Who says what the head of the tree is.
#[derive(Debug)]
pub(crate) enum Head {
    /// We do: it is our log.
    Signed(NoteSigner),
    /// Somebody else did, and the tree must come out so: the log is followed.
    Followed(Checkpoint),
}

/// A file of one pass and what it must hold.
struct Written {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Integrator {
    /// Continues the tree that a verified checkpoint signed: loads its right edge and checks that it gives the
    /// signed root.
    pub(crate) fn resume(
        dir: &Path,
        disk: Arc<dyn Disk>,
        head: Head,
        checkpoint: &Checkpoint,
    ) -> Result<Self, AuditError> {
        let size = checkpoint.size();
        let files = TileFiles::new(dir);
        let mismatch = |why: String| AuditError::TilesMismatch { size, why };
        let edge = files.edge(size).map_err(|error| mismatch(error.to_string()))?;
        if edge.root() != *checkpoint.root() {
            return Err(mismatch(
                "the right edge of the tree gives another root than the signed one".to_owned(),
            ));
        }
        let number = size / TILE_WIDTH as u64;
        let width = usize::try_from(size % TILE_WIDTH as u64).unwrap_or(0);
        let open_bundle = if width == 0 {
            Vec::new()
        } else {
            let leaves = files.entries(number, width).map_err(|error| mismatch(error.to_string()))?;
            let hashes = edge.levels().next().map_or(&[][..], |(_, hashes)| hashes);
            if let Some(place) = leaves.iter().zip(hashes).position(|(leaf, hash)| leaf_hash(leaf) != *hash) {
                let index = number * TILE_WIDTH as u64 + place as u64;
                return Err(mismatch(format!("record {index} does not match its hash")));
            }
            let details = files.details(number, width)?.unwrap_or_else(|| vec![Vec::new(); width]);
            leaves.into_iter().zip(details).collect()
        };
        Ok(Self { dir: dir.to_owned(), disk, head, files, edge, open_bundle })
    }

    /// Starts the tree of a new log: an empty one, signed.
    pub(crate) fn start(
        dir: &Path,
        disk: Arc<dyn Disk>,
        signer: NoteSigner,
    ) -> Result<(Self, Checkpoint), AuditError> {
        let mut integrator = Self::empty(dir, disk, Head::Signed(signer));
        let checkpoint = integrator.publish()?;
        Ok((integrator, checkpoint))
    }

    /// The tree without leaves, of which nothing is on the disk.
    pub(crate) fn empty(dir: &Path, disk: Arc<dyn Disk>, head: Head) -> Self {
        let files = TileFiles::new(dir);
        Self { dir: dir.to_owned(), disk, head, files, edge: Edge::default(), open_bundle: Vec::new() }
    }

    /// The right edge of the tree.
    pub(crate) fn into_edge(self) -> Edge {
        self.edge
    }

    /// The number of records in the tree.
    pub(crate) fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Adds records, which must continue the tree, and returns the checkpoint that covers them, durable. It may be called again
    /// with the same records when there was no room: what was added is not added again.
    pub(crate) fn integrate(&mut self, records: &[Arc<Record>]) -> Result<Checkpoint, AuditError> {
        let started = Instant::now();
        let added = records.partition_point(|record| record.index < self.edge.size());
        if let Some(new @ [_, ..]) = records.get(added..) {
            self.add(new)?;
        }
        let checkpoint = self.publish()?;
        metrics::gauge!("yingdun_audit_checkpoint_size").set(checkpoint.size() as f64);
        metrics::histogram!("yingdun_audit_integrate_seconds").record(started.elapsed().as_secs_f64());
        Ok(checkpoint)
    }

    /// Adds records, which must continue the tree, and checks what is on the disk then. No checkpoint covers them yet.
    /// After an error the tree is what it was.
    pub(crate) fn add(&mut self, records: &[Arc<Record>]) -> Result<(), AuditError> {
        let open_bundle = self.open_bundle.clone();
        let outcome = self.extend(records);
        if outcome.is_err() {
            self.open_bundle = open_bundle;
        }
        outcome
    }

    fn extend(&mut self, records: &[Arc<Record>]) -> Result<(), AuditError> {
        let mut edge = self.edge.clone();
        let mut full_tiles = Vec::new();
        let mut full_bundles = Vec::new();
        let mut written = Vec::new();
        for record in records {
            if record.index != edge.size() {
                let why = format!("record {} came where record {} was expected", record.index, edge.size());
                return Err(AuditError::TilesMismatch { size: edge.size(), why });
            }
            edge.push(record.leaf_hash, &mut full_tiles);
            self.open_bundle.push((record.leaf.clone(), record.detail.clone()));
            if self.open_bundle.len() == TILE_WIDTH {
                let number = record.index / TILE_WIDTH as u64;
                full_bundles.push(number);
                self.add_bundle(number, &mut written);
                self.open_bundle.clear();
            }
        }
        if !self.open_bundle.is_empty() {
            self.add_bundle(edge.size() / TILE_WIDTH as u64, &mut written);
        }
        self.add_tiles(&edge, &full_tiles, &mut written);
        if let Err(error) = self.write(&written) {
            if error.is_for_want_of_room() {
                remove_unsigned_partials(&self.dir, self.edge.size(), edge.size())?;
            }
            return Err(error);
        }
        self.check_what_is_on_disk(&edge, &full_tiles, &written)?;
        self.edge = edge;
        // A checkpoint that named them reads the full ones in their place.
        self.remove_replaced_partials(&full_tiles, &full_bundles);
        Ok(())
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

    fn add_tiles(&self, edge: &Edge, full: &[FullTile], written: &mut Vec<Written>) {
        for tile in full {
            let path = path_of(Kind::Hashes(tile.level), tile.number, TILE_WIDTH);
            written.push(Written { path, bytes: encode_hashes(&tile.hashes) });
        }
        for (level, hashes) in edge.levels() {
            let unchanged = self.edge.levels().any(|(at, before)| at == level && before == hashes);
            if !hashes.is_empty() && !unchanged {
                let number = edge.size() >> (8 * (u32::from(level) + 1)).min(63);
                let path = path_of(Kind::Hashes(level), number, hashes.len());
                written.push(Written { path, bytes: encode_hashes(hashes) });
            }
        }
    }

    /// Writes all files, then syncs all files, then all directories that got a name. What lies under these
    /// names is not covered by any checkpoint yet, so writing in place endangers nothing.
    fn write(&self, written: &[Written]) -> Result<(), AuditError> {
        let mut directories = BTreeSet::new();
        let mut open = Vec::with_capacity(written.len());
        for Written { path, bytes } in written {
            let path = self.dir.join(path);
            let fail = |error| AuditError::io("cannot write", &path, error);
            let parent = path.parent().unwrap_or(&self.dir);
            make_directories(&self.dir, parent, &mut directories).map_err(fail)?;
            let file = create(&path).map_err(fail)?;
            self.disk.write_at(&file, bytes, 0).map_err(fail)?;
            open.push((path, file));
        }
        for (path, file) in &open {
            self.disk.sync_data(file).map_err(|error| AuditError::io("cannot sync", path, error))?;
            // The check that follows shall read the disk, not the cache; where that is not possible it reads the cache.
            let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
        }
        for directory in &directories {
            self.disk
                .sync_directory(directory)
                .map_err(|error| AuditError::io("cannot sync", directory, error))?;
        }
        Ok(())
    }

    /// Promise I3: everything new is read back; leaves hash to their tile, full tiles hash into the tile above,
    /// and the right edge, read from disk, gives the root that is about to be signed.
    fn check_what_is_on_disk(
        &self,
        edge: &Edge,
        full: &[FullTile],
        written: &[Written],
    ) -> Result<(), AuditError> {
        let size = edge.size();
        let mismatch = |why: String| AuditError::TilesMismatch { size, why };
        for Written { path, bytes } in written {
            let path = self.dir.join(path);
            let found = fs::read(&path).map_err(|error| AuditError::io("cannot read", &path, error))?;
            if found != *bytes {
                return Err(mismatch(format!("{} does not hold what was written", path.display())));
            }
        }
        let hashes_at = |level: u8, number: u64| {
            let span = 8 * u32::from(level);
            let width = ((size >> span) - number * TILE_WIDTH as u64).min(TILE_WIDTH as u64);
            self.files.hashes(level, number, usize::try_from(width).unwrap_or(TILE_WIDTH))
        };
        for number in self.edge.size() / TILE_WIDTH as u64..size.div_ceil(TILE_WIDTH as u64) {
            let hashes = hashes_at(0, number)?;
            let leaves = self.files.entries(number, hashes.len())?;
            if let Some(place) = leaves.iter().zip(&hashes).position(|(leaf, hash)| leaf_hash(leaf) != *hash)
            {
                let index = number * TILE_WIDTH as u64 + place as u64;
                return Err(mismatch(format!("record {index} as read back does not match its hash")));
            }
        }
        for tile in full {
            let above = hashes_at(tile.level + 1, tile.number / TILE_WIDTH as u64)?;
            let place = usize::try_from(tile.number % TILE_WIDTH as u64).unwrap_or(0);
            if root_of(&hashes_at(tile.level, tile.number)?).as_ref() != above.get(place) {
                return Err(mismatch(format!(
                    "tile {} of level {} does not match the tile above",
                    tile.number, tile.level
                )));
            }
        }
        if self.files.edge(size)?.root() != edge.root() {
            return Err(mismatch("the right edge as read back gives another root".to_owned()));
        }
        Ok(())
    }

    /// Replaces the checkpoint file, in one step, by one of the tree as it is: signed here, or the one that is followed.
    pub(crate) fn publish(&mut self) -> Result<Checkpoint, AuditError> {
        let path = self.dir.join(CHECKPOINT_FILE);
        let (size, root) = (self.edge.size(), self.edge.root());
        let checkpoint = match &self.head {
            Head::Signed(signer) => Checkpoint::sign(signer, size, root)
                .map_err(|why| AuditError::Checkpoint { path: path.clone(), why })?,
            Head::Followed(expected) if expected.size() == size && *expected.root() == root => {
                expected.clone()
            }
            Head::Followed(expected) => {
                let why =
                    format!("{size} records give another root than the one signed for {}", expected.size());
                return Err(AuditError::TilesMismatch { size: expected.size(), why });
            }
        };
        let fail = |error| AuditError::io("cannot replace", &path, error);
        let new = self.dir.join("checkpoint.new");
        let file = create(&new).map_err(fail)?;
        self.disk.write_at(&file, checkpoint.note().as_bytes(), 0).map_err(fail)?;
        self.disk.sync_data(&file).map_err(fail)?;
        self.disk.rename(&new, &path).map_err(fail)?;
        self.disk.sync_directory(&self.dir).map_err(fail)?;
        Ok(checkpoint)
    }

    /// tlog-tiles lets partial tiles go once the full one is there. A leftover does no harm.
    fn remove_replaced_partials(&self, tiles: &[FullTile], bundles: &[u64]) {
        let tiles = tiles.iter().map(|tile| (Kind::Hashes(tile.level), tile.number));
        let bundles = bundles.iter().flat_map(|number| [(Kind::Entries, *number), (Kind::Detail, *number)]);
        for (kind, number) in tiles.chain(bundles) {
            let directory = self.dir.join(partial_directory_of(kind, number));
            match fs::remove_dir_all(&directory) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(path = %directory.display(), %error, "cannot remove replaced partial tiles");
                }
                Ok(()) | Err(_) => {}
            }
        }
    }
}

/// Removes partial files that no checkpoint has named: a process that was killed while it integrated, or a disk that
/// was full, may have left one cut off, and nobody would write it again, because the tree grows past that width. Records `size` to
/// `end` are in the journal.
pub(crate) fn remove_unsigned_partials(dir: &Path, size: u64, end: u64) -> Result<(), AuditError> {
    let bundles = [Kind::Entries, Kind::Detail].map(|kind| (kind, size, end));
    let levels = (0_u8..8).map(|level| (Kind::Hashes(level), size >> (8 * level), end >> (8 * level)));
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
    let mut waits_for_room = false;
    loop {
        match step(&mut integrator, shared, maker, interval) {
            Ok(true) => waits_for_room = false,
            Ok(false) => {
                drop(lock);
                return shared.close();
            }
            // What is durable stays in the journal meanwhile. Who shuts down does not wait: the next start reads it.
            Err(error) if error.is_for_want_of_room() && !shared.lock().commits_ended => {
                if !waits_for_room {
                    tracing::error!(%error, "the audit log has no room to sign what it holds, and waits for it");
                }
                waits_for_room = true;
                std::thread::sleep(ROOM_RETRY);
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
        let may_try = state.no_room_until.is_none_or(|until| Instant::now() >= until);
        if state.spare.is_none() && !state.commits_ended && may_try {
            drop(state);
            let spare = maker.prepare();
            if let Err(error) = &spare
                && error.is_for_want_of_room()
            {
                shared.note_no_room(error);
                state = shared.lock();
            } else {
                state = shared.lock();
                state.spare = Some(spare?);
                state.no_room_until = None;
            }
        }
        shared.check_open()?;
        let waited = state.tail_since.map(|since| since.elapsed());
        let due = state.tail.len() >= INTEGRATE_RECORDS
            || (waited.is_some() && (integrator.size() < state.wanted || state.commits_ended))
            || waited.is_some_and(|waited| waited >= interval);
        if due {
            let take = state.tail.len().min(PASS_RECORDS_MAX);
            break (state.tail.iter().take(take).cloned().collect::<Vec<_>>(), false);
        }
        if state.commits_ended {
            break (Vec::new(), true);
        }
        let for_room = state.no_room_until.map_or(Duration::MAX, |_| ROOM_RETRY);
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
    let checkpoint = integrator.integrate(&records)?;
    let mut state = shared.lock();
    for _ in &records {
        if let Some(record) = state.tail.pop_front() {
            state.tail_bytes -= record.body_bytes();
        }
    }
    state.tail_since = (!state.tail.is_empty()).then(Instant::now);
    let mut covered = Vec::new();
    while state.segments.get(1).is_some_and(|(first, _)| *first <= checkpoint.size()) {
        covered.extend(state.segments.pop_front());
    }
    // Tail and head change under one lock, so that a reader never sees a gap between them.
    shared.publish(checkpoint);
    drop(state);
    shared.room.notify_all();
    for (_, path) in covered {
        fs::remove_file(&path).map_err(|error| AuditError::io("cannot remove", &path, error))?;
    }
    Ok(true)
}

/// Makes the missing directories between `root` and `leaf`, for the account of the archive alone, and notes
/// which directories must be synced: all of them, because one that is there already may be the leftover of a
/// process that was killed before it synced the name.
pub(crate) fn make_directories(root: &Path, leaf: &Path, to_sync: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let known = !to_sync.insert(leaf.to_owned());
    if known || leaf == root {
        return Ok(());
    }
    if let Some(parent) = leaf.parent() {
        make_directories(root, parent, to_sync)?;
    }
    match DirBuilder::new().mode(DIRECTORY_MODE).create(leaf) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome,
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(path)
}
