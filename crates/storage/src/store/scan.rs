//! Walking through all records: to replay what the catalogue had not applied at a crash, or to rebuild it.
//!
//! Only headers and descriptors are read and checked; packs that were open at a crash were checked in full when the
//! store was opened.

use super::Store;
use super::read::{blocking, report_bad};
use super::repair::lost;
use super::shared::Shared;
use super::walk::{Extent, Source};
use crate::disk::read_exact_at;
use crate::record::format::{PACK_HEADER_BYTES, ParsedHeader};
use crate::{PackPosition, ReplicaId, ScannedRecord, StoreError};
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

/// Records read in one go: enough to pay for the hop to the blocking pool, few enough to hold in memory.
const BATCH_RECORDS: usize = 256;
/// Descriptor bytes after which a batch ends early.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// A scan over records in the order of their positions, up to what was acknowledged when it began.
#[derive(Debug)]
pub struct Scan {
    shared: Arc<Shared>,
    /// Pack, next offset, end.
    packs: VecDeque<(u64, u64, u64)>,
    ready: VecDeque<ScannedRecord>,
}

impl Store {
    /// Walks all records from a position on, up to what is acknowledged at this moment.
    #[must_use]
    pub fn scan(&self, from: PackPosition) -> Scan {
        let state = self.shared().state();
        let packs = state.packs.range(from.pack..).map(|(id, pack)| {
            let start = if *id == from.pack { from.offset.max(PACK_HEADER_BYTES) } else { PACK_HEADER_BYTES };
            (*id, start.next_multiple_of(8), pack.end)
        });
        Scan { shared: Arc::clone(self.shared()), packs: packs.collect(), ready: VecDeque::new() }
    }
}

impl Scan {
    /// The next record, or nothing at the end. Damaged copies are passed over and reported on the way.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when no replica of a pack can be opened; the next call goes on with the next pack.
    pub async fn next(&mut self) -> Result<Option<ScannedRecord>, StoreError> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Ok(Some(record));
            }
            let Some((pack, offset, end)) = self.packs.pop_front() else { return Ok(None) };
            if offset >= end {
                continue;
            }
            let shared = Arc::clone(&self.shared);
            let batch = blocking(move || Ok(read_batch(&shared, pack, offset, end))).await;
            let Ok(Some((records, next))) = batch else { return Err(StoreError::Unreadable { pack }) };
            self.ready.extend(records);
            self.packs.push_front((pack, next, end));
        }
    }
}

/// Records of one pack from an offset on, and the offset behind them; nothing when no replica can be opened.
fn read_batch(shared: &Shared, pack: u64, offset: u64, end: u64) -> Option<(Vec<ScannedRecord>, u64)> {
    let order = shared.state().preference(pack, &(offset..end));
    let open = |replica| shared.file(replica, pack).ok().map(|file| Source { replica, file });
    let mut sources: Vec<Source> = order.into_iter().filter_map(open).collect();
    sources.extend(shared.offsite_sources(pack));
    if sources.is_empty() {
        return None;
    }
    let extent = Extent { pack, end, store: &shared.store_id };
    let mut records = Vec::new();
    let mut bytes = 0;
    let mut next = offset;
    while next < end && records.len() < BATCH_RECORDS && bytes < BATCH_BYTES {
        let Some(parsed) = extent.next_header(&sources, next) else {
            lost(shared, PackPosition { pack, offset: next });
            next = end;
            break;
        };
        if parsed.location.offset > next && !all_zero(&sources, next) {
            lost(shared, PackPosition { pack, offset: next });
        }
        next = parsed.location.end();
        match descriptor(shared, &extent, &sources, &parsed) {
            Some(descriptor) => {
                bytes += descriptor.len();
                records.push(ScannedRecord { location: parsed.location, header: parsed.header, descriptor });
            }
            None => lost(shared, parsed.location.position()),
        }
    }
    Some((records, next))
}

/// The descriptor from the first source that has it right; sources before that one are reported.
fn descriptor(
    shared: &Shared,
    extent: &Extent<'_>,
    sources: &[Source],
    parsed: &ParsedHeader,
) -> Option<Bytes> {
    let location = &parsed.location;
    let mut wrong = Vec::new();
    for source in sources {
        let mut bytes = Vec::new();
        let at = location.offset + location.descriptor_range().start;
        let read = read_exact_at(source.file.as_ref(), &mut bytes, location.descriptor_bytes as usize, at);
        let sound = read.is_ok()
            && *blake3::hash(&bytes).as_bytes() == parsed.descriptor_digest
            && extent.header_on(source, location.offset).is_some_and(|own| own == *parsed);
        if sound {
            for replica in wrong {
                report_bad(
                    shared,
                    location,
                    ReplicaId(replica),
                    "a scan found its header or descriptor damaged",
                );
            }
            return Some(Bytes::from(bytes));
        }
        wrong.push(source.replica);
    }
    None
}

/// Whether the bytes where a record could begin are zeros on every source that goes so far: then there never was one.
fn all_zero(sources: &[Source], offset: u64) -> bool {
    sources.iter().all(|source| {
        let mut bytes = Vec::new();
        match read_exact_at(source.file.as_ref(), &mut bytes, 8, offset) {
            Ok(()) => bytes.iter().all(|byte| *byte == 0),
            Err(error) => error.kind() == io::ErrorKind::UnexpectedEof,
        }
    })
}
