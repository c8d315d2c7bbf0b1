//! Keeps the index: one thread follows the log, another fills gaps and merges, so that neither a rebuild nor a merge keeps new leaves from being found.

use super::find::{FindError, Finder, Page, Part, Sources, parts};
use super::folder::{self, Segments};
use super::lookup::Lookup;
use super::postings::Form;
use super::segment::Segment;
use super::sums::{Asked, Sums};
use super::tail::Tail;
use super::term::demands_of;
use super::{Count, Cursor, find};
use crate::disk::Disk;
use crate::error::AuditError;
use crate::read::Reader;
use crate::search::Filter;
use crate::shared::Shared;
use crate::tile::TILE_WIDTH;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use yingdun_crypto::digest::derived_blake3;
use yingdun_crypto::sign::SigningKey;
use yingdun_model::{InstitutionId, Secret, Timestamp};

/// The folder below that of the log.
const FOLDER: &str = "index";
/// How often is looked for new leaves: with the second until they are signed, they are found by the index within two, and by reading at once.
const LOOK: Duration = Duration::from_millis(200);
/// How long is waited after an error of the disk.
const RETRY: Duration = Duration::from_secs(5);

/// Leaves behind the index that are read for sums: what came within the last second, also while much comes.
const SUMMED_UNINDEXED_MAX: u64 = 1 << 16;

/// How an index is kept.
#[derive(Clone, Debug)]
pub struct IndexOptions {
    /// Leaves of a chunk: a multiple of 256, 65,536 at most. Another number makes another index.
    pub chunk_leaves: u32,
    /// Writes and syncs.
    pub disk: Arc<dyn Disk>,
}

impl Default for IndexOptions {
    fn default() -> Self {
        Self { chunk_leaves: 1 << 16, disk: Arc::new(crate::disk::RealDisk) }
    }
}

/// How far an index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexState {
    /// Leaves that are found by the index.
    pub leaves: u64,
    /// Leaves of the log.
    pub size: u64,
    /// Files.
    pub segments: usize,
    /// Bytes of the files.
    pub bytes: u64,
}

/// What makes terms and codes: nobody has it who has not the key that signs the log.
#[derive(Clone, Debug)]
pub(crate) struct IndexKey {
    pub(super) terms: Secret<[u8; 32]>,
    pub(super) blocks: Secret<[u8; 32]>,
}

impl IndexKey {
    pub(crate) fn of_log(key: &SigningKey, origin: &str) -> Self {
        let parts: [&[u8]; 2] = [key.seed().expose(), origin.as_bytes()];
        Self {
            terms: derived_blake3("yingdun 2026-11 audit index terms", &parts),
            blocks: derived_blake3("yingdun 2026-11 audit index blocks", &parts),
        }
    }
}

/// The index of an open log.
#[derive(Debug)]
pub(crate) struct Index {
    dir: PathBuf,
    key: IndexKey,
    options: IndexOptions,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    segments: Segments,
    /// A chunk that is full and not yet a segment.
    full: Option<Arc<Tail>>,
    tail: Tail,
}

impl Index {
    /// Opens the index of a log and keeps it until the log ends.
    pub(crate) fn start(
        log: &Path,
        shared: &Arc<Shared>,
        key: IndexKey,
        options: IndexOptions,
    ) -> Result<Arc<Self>, AuditError> {
        let legal = options.chunk_leaves.is_multiple_of(TILE_WIDTH as u32)
            && (TILE_WIDTH as u32..=1 << 16).contains(&options.chunk_leaves);
        if !legal {
            let why = format!("a chunk of the index has 256 to 65,536 leaves, got {}", options.chunk_leaves);
            return Err(AuditError::Config { why });
        }
        let dir = log.join(FOLDER);
        let reader = shared.reader(log);
        let segments = folder::load(&dir, &key, options.chunk_leaves, &reader)?;
        let chunk = chunk_of(reader.checkpoint().size(), options.chunk_leaves);
        let tail = Tail::of_chunk(chunk, options.chunk_leaves);
        let state = Mutex::new(State { segments, full: None, tail });
        let index = Arc::new(Self { dir, key, options, state });
        for (name, turn) in [
            ("audit-index", Self::follow as fn(&Self, &Reader) -> Result<bool, AuditError>),
            ("audit-merge", Self::tidy),
        ] {
            let (index, shared, log) = (Arc::clone(&index), Arc::clone(shared), log.to_owned());
            let body = move || index.run(&shared, &log, turn);
            let started = std::thread::Builder::new().name(name.to_owned()).spawn(body);
            started.map_err(|error| {
                AuditError::io("cannot start the threads of", &index_path(&reader), error)
            })?;
        }
        Ok(index)
    }

    /// A page of what a filter wants.
    pub(crate) fn search(
        &self,
        reader: &Reader,
        filter: &Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, AuditError> {
        self.find(reader, filter, (cursor, limit), 0..u64::MAX)
    }

    /// How many leaves of a range a filter wants.
    pub(crate) fn count(
        &self,
        reader: &Reader,
        filter: &Filter,
        range: Range<u64>,
    ) -> Result<Count, AuditError> {
        let page = self.find(reader, filter, (None, 0), range)?;
        Ok(page.count.unwrap_or(Count::AtLeast(0)))
    }

    /// How much there was of what is tallied, from a moment until another.
    pub(crate) fn sums(
        &self,
        reader: &Reader,
        institution: &InstitutionId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Sums, AuditError> {
        loop {
            let mut asked = Asked::new(&self.key, institution, from, until);
            let sources = {
                let state = self.lock();
                let tails: Vec<&Tail> = state.full.iter().map(Arc::as_ref).chain([&state.tail]).collect();
                for tail in &tails {
                    for (term, day) in asked.days.clone() {
                        let is_read = asked.add_entry(day, &tail.day(&term).unwrap_or_default());
                        debug_assert!(is_read, "it was encoded a moment ago");
                    }
                }
                Sources {
                    segments: state.segments.values().cloned().collect(),
                    tails: tails.iter().map(|tail| tail.view(&[])).collect(),
                    chunk_leaves: self.options.chunk_leaves,
                }
            };
            match sum(reader, &sources, asked) {
                Ok(sums) => return Ok(sums),
                Err(FindError::Log(error)) => return Err(error),
                // Each turn gives a segment up, so this ends.
                Err(FindError::Segment(segment, error)) => self.discard(&segment, &error),
            }
        }
    }

    fn find(
        &self,
        reader: &Reader,
        filter: &Filter,
        (cursor, limit): (Option<Cursor>, usize),
        range: Range<u64>,
    ) -> Result<Page, AuditError> {
        let demands = demands_of(&self.key, filter);
        loop {
            let sources = {
                let state = self.lock();
                let tails = state.full.iter().map(Arc::as_ref).chain([&state.tail]);
                Sources {
                    segments: state.segments.values().cloned().collect(),
                    tails: tails.map(|tail| tail.view(&demands)).collect(),
                    chunk_leaves: self.options.chunk_leaves,
                }
            };
            let finder = Finder::new(reader, filter, &demands, cursor, limit)?.within_range(range.clone());
            match finder.run(&sources) {
                Ok(page) => return Ok(page),
                Err(FindError::Log(error)) => return Err(error),
                // Each turn gives a segment up, so this ends.
                Err(FindError::Segment(segment, error)) => self.discard(&segment, &error),
            }
        }
    }

    /// How far the index is.
    pub(crate) fn state(&self, reader: &Reader) -> IndexState {
        let state = self.lock();
        let chunks = state.segments.values().map(|segment| u64::from(segment.span().chunks)).sum::<u64>();
        let full = u64::from(state.full.is_some());
        let begun = u64::from(state.tail.chunk()) * u64::from(self.options.chunk_leaves);
        IndexState {
            leaves: (chunks + full) * u64::from(self.options.chunk_leaves) + (state.tail.next() - begun),
            size: reader.size(),
            segments: state.segments.len(),
            bytes: state.segments.values().map(|segment| segment.bytes()).sum(),
        }
    }

    fn run(&self, shared: &Shared, log: &Path, turn: fn(&Self, &Reader) -> Result<bool, AuditError>) {
        while shared.check_open().is_ok() {
            let reader = shared.reader(log);
            let pause = match turn(self, &reader) {
                Ok(true) => continue,
                Ok(false) => LOOK,
                Err(error) => {
                    tracing::warn!(%error, "the audit index does not follow; searches read the log where it is behind");
                    RETRY
                }
            };
            let mut left = pause;
            while !left.is_zero() && shared.check_open().is_ok() {
                std::thread::sleep(LOOK.min(left));
                left = left.saturating_sub(LOOK);
            }
        }
    }

    /// Takes signed leaves into memory, and makes a segment of a full chunk; whether there was anything to do.
    fn follow(&self, reader: &Reader) -> Result<bool, AuditError> {
        self.write_full()?;
        let size = reader.checkpoint().size();
        let next = self.lock().tail.next();
        if next >= size {
            self.measure(reader);
            return Ok(false);
        }
        let leaves = reader.bundle(next / TILE_WIDTH as u64)?;
        let leaves = leaves.into_iter().filter(|leaf| (next..size).contains(&leaf.index));
        let leaves = leaves.map(crate::read::UnreadLeaf::decode).collect::<Result<Vec<_>, _>>()?;
        let mut state = self.lock();
        leaves.iter().for_each(|leaf| state.tail.push(&self.key, leaf));
        if state.tail.is_full() {
            let next = Tail::of_chunk(state.tail.chunk() + 1, self.options.chunk_leaves);
            state.full = Some(Arc::new(std::mem::replace(&mut state.tail, next)));
        }
        Ok(true)
    }

    fn write_full(&self) -> Result<(), AuditError> {
        let Some(full) = self.lock().full.clone() else { return Ok(()) };
        let segment = self.write(&full)?;
        let mut state = self.lock();
        state.segments.insert(full.chunk(), Arc::new(segment));
        state.full = None;
        Ok(())
    }

    /// Reads a chunk again that no segment has, or merges; whether there was anything to do.
    fn tidy(&self, reader: &Reader) -> Result<bool, AuditError> {
        let (missing, merged) = {
            let state = self.lock();
            let end = state.full.as_ref().map_or(state.tail.chunk(), |full| full.chunk());
            let spans = || state.segments.iter().map(|(first, segment)| (*first, segment.span().chunks));
            let missing = folder::first_missing(spans(), end);
            let merged = folder::merge_next(&spans().collect()).map(|(first, size)| {
                let end = first.saturating_add(size.saturating_mul(folder::MERGED_AT_ONCE));
                state.segments.range(first..end).map(|(_, part)| Arc::clone(part)).collect::<Vec<_>>()
            });
            (missing, merged)
        };
        if let Some(parts) = merged {
            self.merge(&parts)?;
            return Ok(true);
        }
        let Some(chunk) = missing else { return Ok(false) };
        let mut tail = Tail::of_chunk(chunk, self.options.chunk_leaves);
        while !tail.is_full() {
            for leaf in reader.bundle(tail.next() / TILE_WIDTH as u64)? {
                tail.push(&self.key, &leaf.decode()?);
            }
        }
        let segment = self.write(&tail)?;
        self.lock().segments.insert(chunk, Arc::new(segment));
        self.measure(reader);
        Ok(true)
    }

    fn merge(&self, parts: &[Arc<Segment>]) -> Result<(), AuditError> {
        let merged = match folder::merge(parts, &self.dir, &self.key, self.options.disk.as_ref()) {
            Ok(merged) => merged,
            Err(error) => {
                // Where one of them is damaged, the error names it; it is made again before the next try.
                let damaged = parts.iter().find(|part| is_about(&error, part.path()));
                damaged.into_iter().for_each(|part| self.discard(part, &error));
                return Err(error);
            }
        };
        let mut state = self.lock();
        // A search may have given a part up meanwhile. The merged one was checked block by block while it was made.
        parts.iter().for_each(|part| drop(state.segments.remove(&part.span().first)));
        state.segments.insert(merged.span().first, Arc::new(merged));
        drop(state);
        parts.iter().for_each(|part| {
            if part.path().exists() {
                folder::remove(part.path(), "its entries are in a larger one");
            }
        });
        Ok(())
    }

    fn write(&self, tail: &Tail) -> Result<Segment, AuditError> {
        let path = folder::path_of(&self.dir, tail.chunk(), 1);
        tail.write(&path, &self.key, self.options.disk.as_ref())?;
        Segment::open(&path, &self.key)
    }

    /// Gives a segment up that is not what was written; it is made again from the log.
    fn discard(&self, segment: &Arc<Segment>, error: &AuditError) {
        let mut state = self.lock();
        let kept = state.segments.get(&segment.span().first);
        if kept.is_some_and(|kept| Arc::ptr_eq(kept, segment)) {
            state.segments.remove(&segment.span().first);
            // Before anybody can have made it again.
            folder::remove(segment.path(), "it is damaged");
            drop(state);
            tracing::error!(%error, "a file of the audit index is damaged; it is made again from the log");
            metrics::counter!("yingdun_audit_index_discarded_total").increment(1);
        }
    }

    fn measure(&self, reader: &Reader) {
        metrics::gauge!("yingdun_audit_index_leaves").set(self.state(reader).leaves as f64);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same search of a log that has no index: it reads, within the same bounds.
pub(crate) fn search_without(
    reader: &Reader,
    filter: &Filter,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Page, AuditError> {
    let sources = Sources { segments: Vec::new(), tails: Vec::new(), chunk_leaves: TILE_WIDTH as u32 };
    let found = Finder::new(reader, filter, &[], cursor, limit)?.run(&sources);
    found.map_err(|error| match error {
        find::FindError::Log(error) | find::FindError::Segment(_, error) => error,
    })
}

// === helpers ===

/// Adds what segments say of the days, and what no index knows yet. What has to be made again is left out, and said so.
fn sum(reader: &Reader, sources: &Sources, mut asked: Asked) -> Result<Sums, FindError> {
    let size = reader.size();
    for part in parts(sources, size) {
        match part {
            // Counted already.
            Part::Memory(_) => {}
            Part::Segment(segment) => sum_segment(segment, &mut asked)
                .map_err(|error| FindError::Segment(Arc::clone(segment), error))?,
            Part::Read(range) if range.end == size && range.end - range.start <= SUMMED_UNINDEXED_MAX => {
                let bundles = range.start / TILE_WIDTH as u64..range.end.div_ceil(TILE_WIDTH as u64);
                for number in bundles {
                    let leaves =
                        reader.bundle(number)?.into_iter().filter(|leaf| range.contains(&leaf.index));
                    for leaf in leaves {
                        asked.add_leaf(&leaf.decode()?.leaf);
                    }
                }
            }
            Part::Read(_) => asked.sums.is_whole = false,
        }
    }
    Ok(asked.sums)
}

fn sum_segment(segment: &Segment, asked: &mut Asked) -> Result<(), AuditError> {
    let span = *segment.span();
    for (term, day) in asked.days.clone() {
        let mut lookup = Lookup::new(segment, term);
        let mut before = span.end();
        while let Some(chunk) = before.checked_sub(1).filter(|chunk| *chunk >= span.first) {
            let Some((at, form, bytes)) = lookup.at_or_before(chunk)? else { break };
            if form != Form::Tallies || !asked.add_entry(day, bytes) {
                return Err(segment.damaged("the tallies of a day have another form"));
            }
            before = at;
        }
    }
    Ok(())
}

fn chunk_of(leaf: u64, chunk_leaves: u32) -> u32 {
    u32::try_from(leaf / u64::from(chunk_leaves)).unwrap_or(u32::MAX)
}

fn is_about(error: &AuditError, path: &Path) -> bool {
    matches!(error, AuditError::Index { path: of, .. } | AuditError::Io { path: of, .. } if of == path)
}

fn index_path(reader: &Reader) -> PathBuf {
    reader.dir().join(FOLDER)
}
