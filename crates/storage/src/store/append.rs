//! Appending a record: check, digest, take a share of the queue, get a place, wait for the quorum.

use super::Store;
use super::shared::Shared;
use super::state::Placed;
use crate::config::{DESCRIPTOR_BYTES_MAX, METADATA_BYTES_MAX, RECORD_BYTES_MAX};
use crate::record::format::Sealed;
use crate::{Layout, Location, Record, StoreError};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// One share of the queue.
const SHARE_BYTES: u64 = 1024;

/// Above this many bytes the digest is computed on the blocking pool: 1 MiB takes about 0.25 ms.
const DIGEST_INLINE_BYTES: u64 = 1024 * 1024;

impl Store {
    /// Appends a record and returns when it is durable on the write quorum. Records that arrive together share one
    /// write and one sync per replica. When the returned future is dropped early the record may or may not be kept.
    ///
    /// # Errors
    /// [`StoreError::OutOfSpace`], [`StoreError::QuorumLost`], [`StoreError::DomainsLost`], [`StoreError::TooLarge`], [`StoreError::Closed`].
    pub async fn append(&self, record: Record) -> Result<Location, StoreError> {
        let bytes = check_bounds(&record)?;
        let sealed = if bytes > DIGEST_INLINE_BYTES {
            let record = record.clone();
            let digest = tokio::task::spawn_blocking(move || seal(&record)).await;
            digest.map_err(|_| StoreError::Closed)?
        } else {
            seal(&record)
        };
        let shared = self.shared();
        let share = queue_share(shared, sealed.record_bytes()).await?;
        let (location, durable) = place(shared, record, &sealed, share)?;
        match durable.await {
            Ok(outcome) => outcome.map(|()| location),
            // The writers answer everything before they end.
            Err(_gone) => Err(StoreError::Closed),
        }
    }
}

/// Random bits for the number of a new pack. Without them numbers are still unique on every replica that is present.
pub(crate) fn random_bits() -> u32 {
    getrandom::u32().unwrap_or_default()
}

/// Checks the lengths of the parts that both ways of appending have.
pub(crate) fn check_parts(descriptor: &Bytes, metadata: &Bytes) -> Result<(), StoreError> {
    check("a descriptor", descriptor.len() as u64, DESCRIPTOR_BYTES_MAX)?;
    check("the metadata", metadata.len() as u64, METADATA_BYTES_MAX)
}

pub(crate) fn check(what: &'static str, bytes: u64, max: u64) -> Result<(), StoreError> {
    if bytes <= max { Ok(()) } else { Err(StoreError::TooLarge { what, bytes, max }) }
}

fn check_bounds(record: &Record) -> Result<u64, StoreError> {
    check_parts(&record.descriptor, &record.metadata)?;
    let object: u64 = record.object.iter().map(|segment| segment.len() as u64).sum();
    let bytes = object + record.metadata.len() as u64 + record.descriptor.len() as u64;
    check("a record", bytes, RECORD_BYTES_MAX)?;
    Ok(bytes)
}

fn seal(record: &Record) -> Sealed {
    let mut parts = blake3::Hasher::new();
    parts.update(&record.descriptor);
    parts.update(&record.metadata);
    for segment in &record.object {
        parts.update(segment);
    }
    let metadata_bytes = record.metadata.len() as u64;
    let object_bytes = record.object.iter().map(|segment| segment.len() as u64).sum();
    Sealed::new(
        &record.header,
        Layout::DescriptorFirst,
        &record.descriptor,
        metadata_bytes,
        object_bytes,
        parts,
    )
}

/// Waits until the slowest replica has room in its queue for so many bytes.
async fn queue_share(shared: &Shared, bytes: u64) -> Result<OwnedSemaphorePermit, StoreError> {
    let all = shared.config.queue_bytes_max.div_ceil(SHARE_BYTES).max(1);
    let shares = u32::try_from(bytes.div_ceil(SHARE_BYTES).min(all)).unwrap_or(u32::MAX);
    Arc::clone(&shared.queue).acquire_many_owned(shares).await.map_err(|_| StoreError::Closed)
}

/// The number of shares of a queue.
pub(crate) fn queue_shares(queue_bytes_max: u64) -> usize {
    usize::try_from(queue_bytes_max.div_ceil(SHARE_BYTES).clamp(1, u64::from(u32::MAX))).unwrap_or(1)
}

fn place(
    shared: &Shared,
    record: Record,
    sealed: &Sealed,
    share: OwnedSemaphorePermit,
) -> Result<(Location, oneshot::Receiver<Result<(), StoreError>>), StoreError> {
    let (reply, durable) = oneshot::channel();
    let mut state = shared.state();
    let before = state.has_closing();
    let placed = state.place(sealed.record_bytes(), random_bits());
    let closing = state.has_closing() && !before;
    let (pack, offset, members) = match placed {
        Ok(place) => place,
        Err(error) => {
            drop(state);
            // The keeper looks at the free space at once, so that room is noticed as soon as it is there.
            shared.keeper.wake();
            return Err(error);
        }
    };
    let (location, header) = sealed.place(pack, offset, &shared.store_id);
    let mut parts = Vec::with_capacity(record.object.len() + 4);
    parts.extend([header, record.descriptor, record.metadata]);
    parts.extend(record.object);
    parts.push(sealed.padding());
    parts.retain(|part| !part.is_empty());
    let record = Arc::new(Placed::new(location, parts, members, reply, Some(share)));
    state.enqueue(&record, members);
    drop(state);
    for member in members.iter() {
        if let Some(writer) = shared.writers.get(member) {
            writer.notify_one();
        }
    }
    if closing {
        shared.keeper.wake();
    }
    Ok((location, durable))
}
