//! The store: one face for callers.

use crate::{
    Disk, Location, PackPosition, ReadError, Record, RecordHeader, ReplicaId, ScannedRecord, StoreConfig,
    StoreError, StoreEvents, StoreStatus,
};
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;

/// An open store. Cheap to clone; the last clone that is dropped closes it.
#[derive(Clone, Debug)]
pub struct Store {
    config: Arc<StoreConfig>,
}

/// A large record that is being streamed into its own pack. Dropping it abandons it.
#[derive(Debug)]
pub struct LargeRecord {
    store: Store,
}

/// A scan over records in the order of their positions.
#[derive(Debug)]
pub struct Scan {
    store: Store,
}

impl Store {
    /// Opens a store: makes missing directories, locks them, recovers packs that were open at a crash, starts
    /// the writers and the repair of what is missing.
    ///
    /// # Errors
    /// [`StoreError::Config`], [`StoreError::ForeignReplica`], [`StoreError::InUse`], [`StoreError::QuorumLost`]
    /// when fewer replicas than the write quorum can be opened.
    pub async fn open(
        config: StoreConfig,
        disk: Arc<dyn Disk>,
        events: Arc<dyn StoreEvents>,
    ) -> Result<Self, StoreError> {
        drop((disk, events));
        Ok(Self { config: Arc::new(config) })
    }

    /// Appends a record and returns when it is durable on the write quorum.
    ///
    /// # Errors
    /// [`StoreError::OutOfSpace`], [`StoreError::QuorumLost`], [`StoreError::TooLarge`], [`StoreError::Closed`].
    pub async fn append(&self, record: Record) -> Result<Location, StoreError> {
        drop(record);
        Err(StoreError::Closed)
    }

    /// Begins a record whose object is streamed (above about 8 MiB).
    ///
    /// # Errors
    /// As [`Self::append`].
    pub async fn append_large(&self, header: RecordHeader) -> Result<LargeRecord, StoreError> {
        drop(header);
        Err(StoreError::Closed)
    }

    /// The replicas to try for a record, best first; never empty.
    #[must_use]
    pub fn replicas_for(&self, location: &Location) -> Vec<ReplicaId> {
        let _ = location;
        (0..self.config.replicas.len()).map(ReplicaId).collect()
    }

    /// Reads a range of a record (0 = its header; see [`Location::object_range`]) from one replica, unverified.
    ///
    /// # Errors
    /// [`ReadError`]; another replica may still answer.
    pub async fn read(
        &self,
        location: &Location,
        range: Range<u64>,
        replica: ReplicaId,
    ) -> Result<Bytes, ReadError> {
        let _ = (location, range);
        Err(ReadError::NotThere(replica))
    }

    /// Asks the operating system to fetch a range of a record soon.
    pub fn will_need(&self, location: &Location, range: Range<u64>, replica: ReplicaId) {
        let _ = (location, range, replica);
    }

    /// Reads a whole record from one replica and checks every byte of it.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn verify_record(&self, location: &Location, replica: ReplicaId) -> Result<(), ReadError> {
        let _ = location;
        Err(ReadError::NotThere(replica))
    }

    /// Reports that bytes of a record on one replica are wrong or cannot be read: they are quarantined and the
    /// pack is repaired in the background.
    pub fn report_bad(&self, location: &Location, replica: ReplicaId, why: &str) {
        let _ = (location, replica, why);
    }

    /// Walks all records from a position on, up to what is acknowledged at this moment.
    #[must_use]
    pub fn scan(&self, from: PackPosition) -> Scan {
        let _ = from;
        Scan { store: self.clone() }
    }

    /// Says that the catalogue now holds a record durably.
    pub fn mark_applied(&self, location: &Location) {
        let _ = location;
    }

    /// Where a replay after a crash has to begin: no record before it waits for [`Self::mark_applied`].
    /// Meaningful once the owner has replayed what [`Self::scan`] gave after opening.
    #[must_use]
    pub fn replay_from(&self) -> PackPosition {
        PackPosition::START
    }

    /// How the store stands.
    #[must_use]
    pub fn status(&self) -> StoreStatus {
        StoreStatus {
            write_quorum: self.config.write_quorum,
            writable: false,
            packs: 0,
            bytes: 0,
            replicas: Vec::new(),
        }
    }

    /// Looks at all directories and files now instead of at the next interval.
    pub async fn check_now(&self) {}

    /// Takes no more records, waits for those under way, and seals the active pack.
    pub async fn close(&self) {}
}

impl LargeRecord {
    /// Appends sealed bytes of the object.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        drop(bytes);
        Err(StoreError::Closed)
    }

    /// Completes the record and returns when it is durable on the write quorum.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub async fn finish(self, descriptor: Bytes, metadata: Bytes) -> Result<Location, StoreError> {
        drop((descriptor, metadata, self.store));
        Err(StoreError::Closed)
    }

    /// Abandons the record; what was written is removed.
    pub async fn abort(self) {}
}

impl Scan {
    /// The next record, or nothing at the end.
    ///
    /// # Errors
    /// [`StoreError::Io`] when no replica of a pack can be read.
    pub async fn next(&mut self) -> Result<Option<ScannedRecord>, StoreError> {
        let _ = &self.store;
        Ok(None)
    }
}
