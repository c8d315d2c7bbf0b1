//! The log of this process: opened once, appended to from everywhere, read while it grows.

use crate::checkpoint::Checkpoint;
use crate::disk::{Disk, RealDisk};
use crate::error::AuditError;
use crate::event::Event;
use crate::leaf::NodeName;
use crate::tree::Hash;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use yingdun_crypto::sign::{NoteVerifier, SigningKey};
use yingdun_model::{Clock, SystemClock, Timestamp};

/// How a log is opened.
#[derive(Debug)]
pub struct LogConfig {
    /// The directory of the log; made when it does not exist.
    pub dir: PathBuf,
    /// The origin line of checkpoints and the key name of their signatures, best a schema-less URL such as
    /// `pacs.renmin.example/audit/node-1`.
    pub origin: String,
    /// Signs checkpoints.
    pub signing_key: SigningKey,
    /// The name of this node, written into every leaf.
    pub node: NodeName,
    /// Gives the wall time of leaves.
    pub clock: Arc<dyn Clock>,
    /// The longest time between an append and the start of its integration into tiles and checkpoint.
    pub checkpoint_interval: Duration,
    /// The size of one journal segment, in bytes.
    pub segment_bytes: u64,
    /// Writes and syncs.
    pub disk: Arc<dyn Disk>,
}

impl LogConfig {
    /// A configuration with the defaults: wall clock, half a second to the checkpoint, 8 MiB segments, the real disk.
    #[must_use]
    pub fn new(dir: PathBuf, origin: &str, node: NodeName, signing_key: SigningKey) -> Self {
        Self {
            dir,
            origin: origin.to_owned(),
            signing_key,
            node,
            clock: Arc::new(SystemClock),
            checkpoint_interval: Duration::from_millis(500),
            segment_bytes: 8 << 20,
            disk: Arc::new(RealDisk),
        }
    }
}

/// Proof that an event is a durable leaf of the log. Only a durable append makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    index: u64,
    leaf_hash: Hash,
    time: Timestamp,
    event: Event,
}

impl Receipt {
    pub(crate) fn new(index: u64, leaf_hash: Hash, time: Timestamp, event: Event) -> Self {
        Self { index, leaf_hash, time, event }
    }

    /// The number of the leaf in the log, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The RFC 6962 hash of the leaf.
    #[must_use]
    pub const fn leaf_hash(&self) -> &Hash {
        &self.leaf_hash
    }

    /// The wall time that the leaf carries.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// What was reported.
    #[must_use]
    pub const fn event(&self) -> &Event {
        &self.event
    }
}

/// An open log. Clones are the same log.
#[derive(Clone, Debug)]
pub struct Log {
    verifier: NoteVerifier,
}

impl Log {
    /// The most events in one [`Log::append`].
    pub const APPEND_EVENTS_MAX: usize = 256;

    /// Opens a log: verifies checkpoint and tiles, replays the journal, starts the two threads. Blocks on the disk.
    ///
    /// # Errors
    /// [`AuditError`] says what does not fit together; nothing is repaired silently.
    pub fn open(config: LogConfig) -> Result<Self, AuditError> {
        Err(AuditError::Config { why: config.origin })
    }

    /// Appends events as consecutive leaves and returns once they are durable.
    ///
    /// # Errors
    /// [`AuditError::Failed`] for ever after the first disk error.
    pub async fn append(&self, events: Vec<Event>) -> Result<Vec<Receipt>, AuditError> {
        let _ = events;
        std::future::ready(Err(AuditError::Closed)).await
    }

    /// Appends one event and returns once it is durable.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub async fn append_one(&self, event: Event) -> Result<Receipt, AuditError> {
        self.append(vec![event]).await?.pop().ok_or(AuditError::Closed)
    }

    /// The number of durable leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        0
    }

    /// What others need to verify the checkpoints of this log.
    #[must_use]
    pub const fn verifier(&self) -> &NoteVerifier {
        &self.verifier
    }

    /// Integrates and signs what is durable now, and returns the checkpoint that covers it.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub async fn checkpoint(&self) -> Result<Checkpoint, AuditError> {
        std::future::ready(Err(AuditError::Closed)).await
    }

    /// Signs what is durable, stops the threads, releases the directory. Later appends answer [`AuditError::Closed`].
    ///
    /// # Errors
    /// As [`Log::append`].
    pub async fn shutdown(&self) -> Result<(), AuditError> {
        std::future::ready(Err(AuditError::Closed)).await
    }
}
