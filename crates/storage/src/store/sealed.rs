//! Packs as they lie on the replicas, for a copy that is kept elsewhere: which there are, their bytes, and whether they still
//! are what that copy holds. Bytes that leave here are ciphertext; whoever receives them checks the digests of the records
//! ([`check_pack`](crate::check_pack)).

use super::Store;
use super::read::{blocking, known, read_error};
use super::walk::BLOCK_BYTES;
use crate::disk::read_exact_at;
use crate::{ReadError, ReplicaId};
use bytes::Bytes;
use std::io;
use std::ops::{Bound, Range};
use std::sync::atomic::Ordering;

/// Bytes of one read of a pack: large enough for the disk, small enough to hold for every connection.
pub const PACK_READ_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// How much of a pack is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackExtent {
    /// The pack.
    pub pack: u64,
    /// Its acknowledged bytes from the beginning; they never change and never become fewer.
    pub bytes: u64,
}

impl Store {
    /// The random name of the store, which stands in every header.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        self.shared().store_id
    }

    /// Every configured replica.
    #[must_use]
    pub fn replicas(&self) -> Vec<ReplicaId> {
        (0..self.shared().backends.len()).map(ReplicaId).collect()
    }

    /// The packs behind one, in the order of their numbers, at most `limit` of them.
    #[must_use]
    pub fn packs_after(&self, after: Option<u64>, limit: usize) -> Vec<PackExtent> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.shared().state();
        let packs = state.packs.range((from, Bound::Unbounded)).take(limit);
        packs.map(|(pack, held)| PackExtent { pack: *pack, bytes: held.end }).collect()
    }

    /// The acknowledged bytes of one pack; none when there is no such pack.
    #[must_use]
    pub fn pack_extent(&self, pack: u64) -> Option<PackExtent> {
        self.shared().state().packs.get(&pack).map(|held| PackExtent { pack, bytes: held.end })
    }

    /// Reads acknowledged bytes of a pack from one replica, at most [`PACK_READ_BYTES_MAX`]. Nothing is verified.
    ///
    /// # Errors
    /// [`ReadError`]; another replica may still answer.
    pub async fn read_pack(
        &self,
        pack: u64,
        range: Range<u64>,
        replica: ReplicaId,
    ) -> Result<Bytes, ReadError> {
        let bytes = self.pack_extent(pack).map_or(0, |extent| extent.bytes);
        if range.start > range.end || range.end > bytes || range.end - range.start > PACK_READ_BYTES_MAX {
            return Err(ReadError::OutOfRange { start: range.start, end: range.end, record_bytes: bytes });
        }
        let shared = known(self, replica)?;
        shared.foreground.fetch_add(1, Ordering::Relaxed);
        let work = move || {
            let file = shared.file(replica.index(), pack)?;
            let mut buffer = Vec::new();
            let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            read_exact_at(file.as_ref(), &mut buffer, wanted, range.start)?;
            Ok(Bytes::from(buffer))
        };
        blocking(work).await.map_err(|source| read_error(replica, source))
    }

    /// BLAKE3, under a key of the asker, of the first bytes of a pack on one replica. Whoever has the same bytes learns whether
    /// they are still here: the key is new each time, so the answer cannot be had without the bytes. The file is opened anew,
    /// so one whose name is gone does not count.
    ///
    /// # Errors
    /// [`ReadError`] when the replica does not have so many bytes of it.
    pub async fn digest_pack(
        &self,
        extent: PackExtent,
        replica: ReplicaId,
        key: [u8; 32],
    ) -> Result<[u8; 32], ReadError> {
        let shared = known(self, replica)?;
        let work = move || {
            if shared.state().is_drained(replica.index()) {
                return Err(io::ErrorKind::NotFound.into());
            }
            let backend = shared.backends.get(replica.index()).ok_or(io::ErrorKind::NotFound)?;
            let file = backend.open(extent.pack, false)?;
            let mut hasher = blake3::Hasher::new_keyed(&key);
            let (mut offset, mut block) = (0, Vec::new());
            while offset < extent.bytes {
                if shared.stopping() {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                block.clear();
                let wanted = usize::try_from(extent.bytes - offset).unwrap_or(usize::MAX).min(BLOCK_BYTES);
                read_exact_at(file.as_ref(), &mut block, wanted, offset)?;
                hasher.update(&block);
                offset += block.len() as u64;
            }
            Ok(*hasher.finalize().as_bytes())
        };
        blocking(work).await.map_err(|source| read_error(replica, source))
    }
}
