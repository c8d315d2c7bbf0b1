//! What can go wrong, in words an operator can act on. No error carries bytes of a record.

use crate::ReplicaId;
use std::io;

/// The store could not be opened or could not take a record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Too few replicas have room. Nothing was stored; the store takes records again when space returns.
    #[error("{required} replicas must have room for the record, {able} have")]
    OutOfSpace {
        /// The write quorum.
        required: usize,
        /// Replicas that could take it.
        able: usize,
    },
    /// Too few replicas can be written for a reason other than space.
    #[error("{required} replicas must take the record, {able} can")]
    QuorumLost {
        /// The write quorum.
        required: usize,
        /// Replicas that could take it.
        able: usize,
    },
    /// The record, or a part of it, is over its bound.
    #[error("{what} may have {max} bytes, {bytes} came")]
    TooLarge {
        /// Which part.
        what: &'static str,
        /// Bytes that came.
        bytes: u64,
        /// Bytes that are allowed.
        max: u64,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// No replica of a pack can be read.
    #[error("pack {pack:016x} cannot be read on any replica")]
    Unreadable {
        /// The pack.
        pack: u64,
    },
    /// The settings contradict themselves.
    #[error("{0}")]
    Config(String),
    /// A directory belongs to another store; writing into it would mix two archives.
    #[error("replica `{label}` belongs to store {found}, expected store {expected}")]
    ForeignReplica {
        /// The replica.
        label: String,
        /// Store identifier of the other replicas.
        expected: String,
        /// Store identifier found in the directory.
        found: String,
    },
    /// Another process has the replica open.
    #[error("replica `{label}` is in use by another process")]
    InUse {
        /// The replica.
        label: String,
    },
    /// The operating system refused something that the store cannot go on without.
    #[error("could not {doing} on replica `{label}`")]
    Io {
        /// The replica.
        label: String,
        /// What was tried.
        doing: &'static str,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// Bytes could not be read from one replica. Another replica may still have them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The range does not lie inside the record.
    #[error("range {start}..{end} lies outside the record of {record_bytes} bytes")]
    OutOfRange {
        /// First byte asked for.
        start: u64,
        /// End of the range asked for.
        end: u64,
        /// Bytes of the record.
        record_bytes: u64,
    },
    /// There is no such replica.
    #[error("there is no replica {0}")]
    UnknownReplica(ReplicaId),
    /// The replica does not hold this pack, or not up to this record.
    #[error("replica {0} does not hold the record")]
    NotThere(ReplicaId),
    /// The bytes on the replica are not the bytes that were stored.
    #[error("the record on replica {replica} is damaged: {what}")]
    Damaged {
        /// The replica.
        replica: ReplicaId,
        /// Which check failed.
        what: &'static str,
    },
    /// The operating system could not read.
    #[error("could not read from replica {replica}")]
    Io {
        /// The replica.
        replica: ReplicaId,
        /// The cause.
        #[source]
        source: io::Error,
    },
}
