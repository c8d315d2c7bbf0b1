//! The writer of one replica: takes what waits, writes it with one call, syncs once, reports.
//!
//! There is no artificial delay and no dispatcher between callers and writers. While a sync runs, records gather in
//! the queue; the next round takes them all. A slow replica therefore makes larger rounds, by itself.

use super::shared::{Shared, answer, state_after};
use super::state::Placed;
use crate::ReplicaState;
use crate::disk::{DiskFile, write_all_at};
use crate::record::format::encode_pack_header;
use metrics::{counter, histogram};
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

/// Bytes of one round: at 270 MB/s a sync of this takes 60 ms, which bounds how long a late record waits.
const ROUND_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Room is reserved in steps of this size, so that most syncs find the file's length and blocks already recorded.
const ALLOCATE_STEP_BYTES: u64 = 32 * 1024 * 1024;

/// The pack a writer is in.
#[derive(Debug)]
struct OpenPack {
    pack: u64,
    file: Arc<dyn DiskFile>,
    allocated: u64,
}

/// Runs until the store stops and the queue is empty.
pub(crate) fn run(shared: &Shared, index: usize) {
    let label = shared.label(index);
    let mut open: Option<OpenPack> = None;
    while let Some((times_out, round)) = next_round(shared, index, &mut open) {
        shared.foreground.fetch_add(1, Ordering::Relaxed);
        let begun = Instant::now();
        let outcome = write_round(shared, index, &mut open, &round);
        let bytes: u64 = round.iter().map(|record| record.location.record_bytes()).sum();
        let free = shared.backends.get(index).and_then(|backend| backend.space().ok());

        let mut state = shared.state();
        let Some(replica) = state.replicas.get_mut(index) else { return };
        replica.busy_since = None;
        replica.free_bytes = free.map_or(replica.free_bytes, |space| space.free_bytes);
        if replica.times_out != times_out {
            // The keeper took this replica out meanwhile; whoever waited was answered then.
            open = None;
            continue;
        }
        let answers = match outcome {
            Ok(()) => {
                counter!("yingdun_storage_written_bytes_total", "replica" => label.clone()).increment(bytes);
                counter!("yingdun_storage_rounds_total", "replica" => label.clone()).increment(1);
                histogram!("yingdun_storage_round_records", "replica" => label.clone())
                    .record(round.len() as f64);
                histogram!("yingdun_storage_round_seconds", "replica" => label.clone())
                    .record(begun.elapsed());
                state.written(index, &round)
            }
            Err(error) => {
                tracing::error!(replica = %label, %error, "a replica could not be written");
                open = None;
                state.replica_out(index, state_after(&error))
            }
        };
        answer(&mut state, answers);
        let wake = state.has_closing();
        drop(state);
        if wake {
            shared.keeper.wake();
        }
    }
}

/// Waits for records and takes those of one pack, up to a bound; they stay in the queue until they are durable.
fn next_round(shared: &Shared, index: usize, open: &mut Option<OpenPack>) -> Option<(u64, Vec<Arc<Placed>>)> {
    let mut state = shared.state();
    loop {
        let replica = state.replicas.get_mut(index)?;
        if let Some(first) = replica.queue.front() {
            let pack = first.location.pack;
            let mut bytes = 0;
            let round = replica.queue.iter().take_while(|record| {
                let before = bytes;
                bytes += record.location.record_bytes();
                record.location.pack == pack && (before == 0 || bytes <= ROUND_BYTES_MAX)
            });
            let round = round.cloned().collect();
            replica.busy_since = Some(Instant::now());
            return Some((replica.times_out, round));
        }
        if shared.stopping() {
            return None;
        }
        if matches!(replica.state, ReplicaState::Draining | ReplicaState::Drained) {
            // Its disk is to be taken away.
            *open = None;
        }
        state = shared.writers.get(index)?.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

fn write_round(
    shared: &Shared,
    index: usize,
    open: &mut Option<OpenPack>,
    round: &[Arc<Placed>],
) -> io::Result<()> {
    let (Some(first), Some(last)) = (round.first(), round.last()) else { return Ok(()) };
    let pack = first.location.pack;
    if open.as_ref().is_none_or(|open| open.pack != pack) {
        let backend = shared.backends.get(index).ok_or(io::ErrorKind::NotFound)?;
        let file = backend.create(pack, &encode_pack_header(pack, &shared.store_id))?;
        *open = Some(OpenPack { pack, file, allocated: 0 });
    }
    let Some(open) = open else { return Ok(()) };
    let end = last.location.end();
    if end > open.allocated {
        let step = ALLOCATE_STEP_BYTES.min(shared.config.pack_bytes_max).max(end - open.allocated);
        open.file.allocate(open.allocated, step)?;
        open.allocated += step;
    }
    let parts: Vec<&[u8]> = round.iter().flat_map(|record| record.parts.iter().map(AsRef::as_ref)).collect();
    write_all_at(open.file.as_ref(), &parts, first.location.offset)?;
    let begun = Instant::now();
    open.file.sync()?;
    histogram!("yingdun_storage_sync_seconds", "replica" => shared.label(index)).record(begun.elapsed());
    Ok(())
}
