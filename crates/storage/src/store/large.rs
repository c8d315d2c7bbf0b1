//! Streaming a large object into a pack of its own, in constant memory.
//!
//! The object is written behind the reserved headers while it arrives, synced now and then so that the last sync is
//! short; descriptor and metadata follow it; both headers are written last, when lengths and digest are known. Until
//! then the file has a name that no reader looks for.

use super::Store;
use super::append::{check, check_parts, random_bits};
use super::shared::{Shared, state_after};
use super::state::{Copy, Pack, Replicas};
use crate::config::OBJECT_BYTES_MAX;
use crate::disk::write_all_at;
use crate::record::format::{PACK_HEADER_BYTES, RECORD_HEADER_BYTES, Sealed, encode_pack_header};
use crate::replica::Staged;
use crate::{Layout, Location, RecordHeader, ReplicaState, StoreError};
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Bytes gathered before they are written: one block is written while the next is gathered.
const BLOCK_BYTES: u64 = 4 * 1024 * 1024;
/// Bytes between syncs, which bound both the dirty pages and the length of the last sync.
const SYNC_EVERY_BYTES: u64 = 32 * 1024 * 1024;
/// Where the object begins in its pack.
const OBJECT_OFFSET: u64 = PACK_HEADER_BYTES + RECORD_HEADER_BYTES;

/// A large record that is being streamed. Dropping it abandons it; what was written is removed.
#[derive(Debug)]
pub struct LargeRecord {
    shared: Arc<Shared>,
    header: RecordHeader,
    digest: blake3::Hasher,
    object_bytes: u64,
    gathered: Vec<Bytes>,
    gathered_bytes: u64,
    copies: Vec<(usize, CopyInProgress)>,
    /// A copy was given up because its disk is full.
    met_full_disk: bool,
}

#[derive(Debug)]
enum CopyInProgress {
    Idle(Box<dyn Staged>),
    Writing(JoinHandle<io::Result<Box<dyn Staged>>>),
}

impl Store {
    /// Begins a record whose object is streamed (above about 8 MiB).
    ///
    /// # Errors
    /// As [`Store::append`].
    pub async fn append_large(&self, header: RecordHeader) -> Result<LargeRecord, StoreError> {
        let shared = Arc::clone(self.shared());
        let ready: Vec<usize> = {
            let mut state = shared.state();
            if state.closed {
                return Err(StoreError::Closed);
            }
            // How large it will be nobody knows yet.
            state.mark_full(1);
            let ready = |replica: &super::state::Replica| replica.state == ReplicaState::Ready;
            state.replicas.iter().enumerate().filter(|(_, r)| ready(r)).map(|(index, _)| index).collect()
        };
        let mut record = LargeRecord {
            shared,
            header,
            digest: blake3::Hasher::new(),
            object_bytes: 0,
            gathered: Vec::new(),
            gathered_bytes: 0,
            copies: Vec::new(),
            met_full_disk: false,
        };
        for index in ready {
            let Some(backend) = record.shared.backends.get(index).cloned() else { continue };
            let begun = tokio::task::spawn_blocking(move || backend.stage());
            match begun.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
                Ok(staged) => record.copies.push((index, CopyInProgress::Idle(staged))),
                Err(error) => record.copy_failed(index, &error),
            }
        }
        record.require_quorum(record.going_on())?;
        Ok(record)
    }
}

impl LargeRecord {
    /// Appends sealed bytes of the object.
    ///
    /// # Errors
    /// As [`Store::append`]; the record is then of no use and is dropped.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.object_bytes += bytes.len() as u64;
        check("an object", self.object_bytes, OBJECT_BYTES_MAX)?;
        self.digest.update(&bytes);
        self.gathered_bytes += bytes.len() as u64;
        self.gathered.push(bytes);
        if self.gathered_bytes >= BLOCK_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Completes the record and returns when it is durable on the write quorum. Await it to the end: a dropped
    /// future leaves open whether the record is kept, and holds back [`Store::replay_from`] until the next open.
    ///
    /// # Errors
    /// As [`Store::append`]; nothing of the record is served then.
    pub async fn finish(mut self, descriptor: Bytes, metadata: Bytes) -> Result<Location, StoreError> {
        check_parts(&descriptor, &metadata)?;
        self.flush().await?;
        self.settle().await?;
        self.digest.update(&descriptor);
        self.digest.update(&metadata);
        let sealed = Sealed::new(
            &self.header,
            Layout::ObjectFirst,
            &descriptor,
            metadata.len() as u64,
            self.object_bytes,
            self.digest.clone(),
        );
        let shared = Arc::clone(&self.shared);
        let pack = shared.state().number_large(random_bits());
        let (location, header) = sealed.place(pack, PACK_HEADER_BYTES, &shared.store_id);
        let front = Bytes::from([encode_pack_header(pack, &shared.store_id), header.to_vec()].concat());
        let tail = [descriptor, metadata, sealed.padding()];
        let tail_offset = OBJECT_OFFSET + self.object_bytes;

        let mut published = Vec::new();
        let mut publishing = Vec::new();
        for (index, copy) in std::mem::take(&mut self.copies) {
            let CopyInProgress::Idle(staged) = copy else { continue };
            let (front, tail) = (front.clone(), tail.clone());
            let work = tokio::task::spawn_blocking(move || {
                let file = staged.file();
                let tail: Vec<&[u8]> =
                    tail.iter().map(AsRef::as_ref).filter(|part| !part.is_empty()).collect();
                write_all_at(file.as_ref(), &tail, tail_offset)?;
                write_all_at(file.as_ref(), &[&front], 0)?;
                file.sync()?;
                staged.publish(pack)
            });
            publishing.push((index, work));
        }
        for (index, work) in publishing {
            match work.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
                Ok(()) => published.push(index),
                Err(error) => self.copy_failed(index, &error),
            }
        }
        let Err(refusal) = self.require_quorum(published.iter().copied().collect()) else {
            register(&shared, &location, &published);
            return Ok(location);
        };
        shared.state().forget_unapplied(location.position());
        let backends = published.iter().filter_map(|index| shared.backends.get(*index)).cloned();
        let backends: Vec<_> = backends.collect();
        // A copy that stays behind is found at the next open; it was never acknowledged.
        let _removed = tokio::task::spawn_blocking(move || {
            backends.iter().filter(|backend| backend.remove(pack).is_ok()).count()
        })
        .await;
        Err(refusal)
    }

    /// Abandons the record and waits until what was written is removed.
    pub async fn abort(mut self) {
        // The error does not matter: everything is dropped, and dropping removes.
        let _settled = self.settle().await;
    }

    /// Says why these copies are not enough, when they are not. A replica that was full for one of them may be used
    /// again by now.
    fn require_quorum(&self, able: Replicas) -> Result<(), StoreError> {
        match self.shared.state().require_quorum(able) {
            Err(StoreError::QuorumLost { required, able }) if self.met_full_disk => {
                Err(StoreError::OutOfSpace { required, able })
            }
            other => other,
        }
    }

    /// The replicas whose copies go on.
    fn going_on(&self) -> Replicas {
        self.copies.iter().map(|(index, _)| *index).collect()
    }

    /// A copy goes no further, and its replica takes no more.
    fn copy_failed(&mut self, index: usize, error: &io::Error) {
        self.met_full_disk |= state_after(error) == ReplicaState::Full;
        self.shared.replica_out(index, error);
    }

    /// Hands what was gathered to every copy, once the block before it is written.
    async fn flush(&mut self) -> Result<(), StoreError> {
        self.settle().await?;
        let block: Arc<Vec<Bytes>> = Arc::new(std::mem::take(&mut self.gathered));
        let bytes = std::mem::take(&mut self.gathered_bytes);
        let offset = OBJECT_OFFSET + self.object_bytes - bytes;
        let sync = (offset + bytes) / SYNC_EVERY_BYTES > offset / SYNC_EVERY_BYTES;
        let reserve = self.shared.config.reserve_bytes;
        for (index, copy) in std::mem::take(&mut self.copies) {
            let CopyInProgress::Idle(staged) = copy else { continue };
            let Some(backend) = self.shared.backends.get(index).cloned() else { continue };
            let block = Arc::clone(&block);
            let work = move || {
                if backend.space()?.free_bytes < reserve.saturating_add(bytes) {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                let parts: Vec<&[u8]> =
                    block.iter().map(AsRef::as_ref).filter(|part| !part.is_empty()).collect();
                let file = staged.file();
                write_all_at(file.as_ref(), &parts, offset)?;
                if sync {
                    file.sync()?;
                } else {
                    file.start_writeback(offset, bytes);
                }
                Ok(staged)
            };
            self.copies.push((index, CopyInProgress::Writing(tokio::task::spawn_blocking(work))));
        }
        Ok(())
    }

    /// Waits for the block under way; copies that failed are left behind.
    async fn settle(&mut self) -> Result<(), StoreError> {
        for (index, copy) in std::mem::take(&mut self.copies) {
            let staged = match copy {
                CopyInProgress::Idle(staged) => Ok(staged),
                CopyInProgress::Writing(work) => {
                    work.await.unwrap_or_else(|error| Err(io::Error::other(error)))
                }
            };
            match staged {
                Ok(staged) => self.copies.push((index, CopyInProgress::Idle(staged))),
                Err(error) => self.copy_failed(index, &error),
            }
        }
        self.require_quorum(self.going_on())
    }
}

/// Makes a published pack known.
fn register(shared: &Shared, location: &Location, published: &[usize]) {
    let mut state = shared.state();
    let copy = |index| if published.contains(&index) { Copy::Whole } else { Copy::Lacking };
    let copies: Vec<Copy> = (0..shared.backends.len()).map(copy).collect();
    state.packs.insert(location.pack, Pack::sealed(location.end(), copies));
    state.rank(location.pack);
    drop(state);
    shared.repairer.wake();
}
