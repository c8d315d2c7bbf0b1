//! What lives in a pack, copied into a new one: sealed as it is, without any key, every byte checked on the way and read back.
//!
//! The new pack has the sequence of the old one and more low bits in its number, so it takes the place of the old one in the order of
//! all records. It appears on each replica whole or not at all. Nothing is removed here: see [`super::removal`].

use super::Store;
use super::append::random_bits;
use super::removal::possible;
use super::scrub::{COURTESY_LATE, pause};
use super::shared::Shared;
use super::state::{Copy, Pack};
use super::walk::{Extent, Source, holds, read_record};
use crate::disk::write_all_at;
use crate::record::format::{PACK_HEADER_BYTES, ParsedHeader, encode_pack_header};
use crate::replica::Staged;
use crate::{Location, RemovalError};
use metrics::counter;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

/// Bytes a second that are copied at most: a pack of 256 MiB takes four seconds, and a hard disk has room for others beside it.
const BYTES_PER_SECOND_MAX: u64 = 64 * 1024 * 1024;

/// Pauses are saved up to this long, because shorter ones are not kept exactly.
const SLEEP_MIN: Duration = Duration::from_millis(5);

/// A pause is at most this long at once, so that the end of the store is noticed.
const SLEEP_MAX: Duration = Duration::from_millis(200);

impl Store {
    /// Packs that may have been made of a pack, by their numbers. Their records tell whether they were.
    #[must_use]
    pub fn packs_made_of(&self, pack: u64) -> Vec<u64> {
        self.shared().state().made_of(pack).map(|(copy, _)| copy).collect()
    }

    /// Copies records of a pack that could be removed into a new pack on every replica, in the order given, and says its number. It
    /// may be removed itself only when nobody needs it: until then each record has two places. Takes its time while others read
    /// or write.
    ///
    /// # Errors
    /// [`RemovalError`]; nothing was changed then, unless a crash left the new pack on a replica, from which the others get it.
    pub async fn copy_records(&self, pack: u64, records: Vec<Location>) -> Result<u64, RemovalError> {
        let shared = Arc::clone(self.shared());
        let copied = tokio::task::spawn_blocking(move || copy(&shared, pack, &records));
        copied.await.map_err(|_| RemovalError::Closed)?
    }
}

/// A pack that is being made, on one replica.
struct Target {
    index: usize,
    staged: Box<dyn Staged>,
}

fn copy(shared: &Shared, pack: u64, records: &[Location]) -> Result<u64, RemovalError> {
    let end = PACK_HEADER_BYTES + records.iter().map(Location::record_bytes).sum::<u64>();
    let (number, held_end, order) = {
        let mut state = shared.state();
        possible(shared, state.hindrance(pack), pack)?;
        let held_end = state.packs.get(&pack).ok_or(RemovalError::Unknown(pack))?.end;
        let number = state.number_copy(pack, random_bits()).ok_or(RemovalError::NoNumber(pack))?;
        (number, held_end, state.preference(pack, &(0..held_end)))
    };
    let failed =
        |index: usize| move |source| RemovalError::Rewrite { pack, label: shared.label(index), source };
    let mut targets = Vec::with_capacity(shared.backends.len());
    for (index, backend) in shared.backends.iter().enumerate() {
        let free = backend.space().map_err(failed(index))?.free_bytes;
        if free < end.saturating_add(shared.config.reserve_bytes) {
            return Err(RemovalError::NoRoom { label: shared.label(index), bytes: end });
        }
        let staged = backend.stage().map_err(failed(index))?;
        let begun = staged.file().allocate(0, end).and_then(|()| staged.file().set_len(end));
        begun.map_err(failed(index))?;
        targets.push(Target { index, staged });
    }
    write(&targets, &encode_pack_header(number, &shared.store_id), 0)
        .map_err(|(index, error)| failed(index)(error))?;

    let open = |replica| shared.file(replica, pack).ok().map(|file| Source { replica, file });
    let sources: Vec<Source> = order.into_iter().filter_map(open).collect();
    let extent = Extent { pack, end: held_end, store: &shared.store_id };
    let mut pace = Pace::new(shared);
    let mut offset = PACK_HEADER_BYTES;
    let mut copied = Vec::with_capacity(records.len());
    for record in records {
        let lost = || RemovalError::Lost { pack, offset: record.offset };
        let there = extent.header_at(&sources, record.offset).filter(|parsed| parsed.location == *record);
        let parsed = there.ok_or_else(lost)?;
        let moved = parsed.moved(number, offset, &shared.store_id);
        // What a damaged source gave is written over by the next one.
        let mut found = false;
        for source in &sources {
            found = copy_record(&parsed, &moved, source, &targets, &mut pace)
                .map_err(|(index, error)| failed(index)(error))?;
            if found {
                break;
            }
        }
        if !found {
            return Err(lost());
        }
        offset = moved.location.end();
        copied.push(moved);
    }
    for Target { index, staged } in &targets {
        staged.file().sync().map_err(failed(*index))?;
        let source = Source { replica: *index, file: Arc::clone(staged.file()) };
        for moved in &copied {
            if !holds(&source, moved) {
                return Err(failed(*index)(io::Error::other("it did not read back as it was written")));
            }
            pace.spend(moved.location.record_bytes()).map_err(failed(*index))?;
        }
    }
    publish(shared, pack, number, end, targets)?;
    counter!("yingdun_storage_rewritten_packs_total").increment(1);
    counter!("yingdun_storage_rewritten_bytes_total").increment(end);
    Ok(number)
}

/// An error of one replica.
type Failed = (usize, io::Error);

/// Copies one record from one source to all targets; false when the source does not have it whole.
fn copy_record(
    parsed: &ParsedHeader,
    moved: &ParsedHeader,
    source: &Source,
    targets: &[Target],
    pace: &mut Pace<'_>,
) -> Result<bool, Failed> {
    let (from, to) = (parsed.location.offset, moved.location.offset);
    let mut failed = None;
    let read = read_record(source, parsed, |at, bytes| {
        // The first block is the header, which names its place.
        let bytes = if at == from { moved.bytes.as_slice() } else { bytes };
        let written = write(targets, bytes, at - from + to);
        written
            .and_then(|()| pace.spend(bytes.len() as u64).map_err(|error| (source.replica, error)))
            .map_err(|(index, error)| {
                failed = Some((index, error));
                io::ErrorKind::Other.into()
            })
    });
    match failed {
        Some(failed) => Err(failed),
        None => Ok(read.unwrap_or(false)),
    }
}

fn write(targets: &[Target], bytes: &[u8], at: u64) -> Result<(), Failed> {
    if bytes.is_empty() {
        return Ok(());
    }
    for Target { index, staged } in targets {
        write_all_at(staged.file().as_ref(), &[bytes], at).map_err(|error| (*index, error))?;
    }
    Ok(())
}

/// Gives the new pack its name on every replica, or on none.
fn publish(
    shared: &Shared,
    pack: u64,
    number: u64,
    end: u64,
    targets: Vec<Target>,
) -> Result<(), RemovalError> {
    for Target { index, staged } in targets {
        let Err(source) = staged.publish(number) else { continue };
        for backend in &shared.backends {
            if let Err(error) = backend.remove(number) {
                // It is whole, and harmless: the next open finds it, and the next rewriting uses it.
                tracing::warn!(copy = number, %error, "a pack that was not made everywhere stays until the next start");
            }
        }
        return Err(RemovalError::Rewrite { pack, label: shared.label(index), source });
    }
    let copies = vec![Copy::Whole; shared.backends.len()];
    let mut state = shared.state();
    state.packs.insert(number, Pack::sealed(end, copies));
    state.rank(number);
    drop(state);
    shared.offsite.iter().for_each(|offsite| offsite.signal.wake());
    Ok(())
}

/// Slows the copying down.
struct Pace<'a> {
    shared: &'a Shared,
    /// What others had done at the last look.
    others: u64,
    since: Instant,
    owed: Duration,
}

impl<'a> Pace<'a> {
    fn new(shared: &'a Shared) -> Self {
        let others = shared.foreground.load(Ordering::Relaxed);
        Self { shared, others, since: Instant::now(), owed: Duration::ZERO }
    }

    /// So many bytes were read or written. `Interrupted` when the store stops.
    fn spend(&mut self, bytes: u64) -> io::Result<()> {
        let others = self.shared.foreground.load(Ordering::Relaxed);
        let busy = std::mem::replace(&mut self.others, others) != others;
        let courtesy = if busy { COURTESY_LATE } else { 0 };
        self.owed += pause(bytes, self.since.elapsed(), BYTES_PER_SECOND_MAX, courtesy);
        while self.owed >= SLEEP_MIN && !self.shared.stopping() {
            let sleep = self.owed.min(SLEEP_MAX);
            thread::sleep(sleep);
            self.owed -= sleep;
        }
        self.since = Instant::now();
        if self.shared.stopping() { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}
