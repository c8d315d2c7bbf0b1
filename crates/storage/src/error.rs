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
    /// Enough replicas can be written, and they lie in too few failure domains. Nothing was stored; the store takes
    /// records again when a replica in another domain takes writes.
    #[error(
        "replicas in {required} failure domains must take the record, in {able} they can: none can in {missing}"
    )]
    DomainsLost {
        /// Failure domains in which a record must lie.
        required: usize,
        /// Failure domains with a replica that could take it.
        able: usize,
        /// The names of the others.
        missing: String,
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
    /// No replica holds anything, and an off-site replica does.
    #[error(
        "no replica holds a store, but off-site replica `{label}` does: mount the disks, or restore from it"
    )]
    OnlyOffsite {
        /// The off-site replica.
        label: String,
    },
    /// No replica holds anything, and an off-site replica may.
    #[error("no replica holds a store, and off-site replica `{label}` could not be asked whether it does")]
    MaybeOffsite {
        /// The off-site replica.
        label: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A replica was being restored, and is not complete.
    #[error(
        "replica `{label}` was being restored from an off-site replica and is not complete: restore it again"
    )]
    Unrestored {
        /// The replica.
        label: String,
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

/// A replica could not be taken out of service or put into it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// Without it too few replicas would take writes.
    #[error("{required} replicas must take writes, {able} would be left")]
    StillNeeded {
        /// The write quorum.
        required: usize,
        /// Replicas that could take writes without this one.
        able: usize,
    },
    /// Without it replicas in too few failure domains would take writes.
    #[error(
        "replicas in {required} failure domains must take writes, in {able} they would: none would in {missing}"
    )]
    DomainStillNeeded {
        /// Failure domains in which a record must lie.
        required: usize,
        /// Failure domains with a replica that could take writes without this one.
        able: usize,
        /// The names of the others.
        missing: String,
    },
    /// What was asked does not fit what the replica does now.
    #[error("replica `{label}` is {found}, expected {expected}")]
    WrongState {
        /// The replica.
        label: String,
        /// What it would have to be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// It is off-site: nothing on it is ever needed, so there is nothing to wait for.
    #[error("replica `{label}` is off-site; to take it out, remove it from the configuration")]
    Offsite {
        /// The replica.
        label: String,
    },
    /// A call to its disk has not come back.
    #[error("a call to the disk of replica `{label}` has not come back; only a restart gets rid of it")]
    Hung {
        /// The replica.
        label: String,
    },
    /// Its folder holds packs that are not trusted.
    #[error("the folder of replica `{label}` must be empty, it holds {packs} packs")]
    NotEmpty {
        /// The replica.
        label: String,
        /// Packs in it.
        packs: usize,
    },
    /// Its folder belongs to another store.
    #[error("the folder of replica `{label}` belongs to another store")]
    Foreign {
        /// The replica.
        label: String,
    },
    /// There is no such replica, or the store was closed.
    #[error("there is no replica {0}")]
    Unknown(ReplicaId),
    /// The operating system refused.
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

/// A pack is not removed or rewritten, or not yet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemovalError {
    /// There is no such pack.
    #[error("there is no pack {0:016x}")]
    Unknown(u64),
    /// It is being written, or no pack with a higher number is there: its number would be forgotten with it.
    #[error("pack {0:016x} is still being written, or it is the newest")]
    Newest(u64),
    /// A record of it waits to be applied by the owner of the store.
    #[error("a record of pack {0:016x} has not reached the catalogue yet")]
    Unapplied(u64),
    /// A copy that nobody can reach, or that is being written anew, would come back.
    #[error("replica `{label}` is out of service, or its copy of pack {pack:016x} waits for repair")]
    Replica {
        /// The pack.
        pack: u64,
        /// The replica.
        label: String,
    },
    /// An off-site replica cannot be told to remove its copy.
    #[error("off-site replica `{label}` does not answer")]
    Offsite {
        /// The off-site replica.
        label: String,
    },
    /// An off-site replica has been told, and has not done it yet: ask again.
    #[error("off-site replica `{label}` is busy and has not removed its copy yet")]
    Busy {
        /// The off-site replica.
        label: String,
    },
    /// A pack that was made of it is not everywhere yet.
    #[error(
        "replica `{label}` lacks pack {copy:016x}, which was made of pack {pack:016x}, or is out of service"
    )]
    Copy {
        /// The pack.
        pack: u64,
        /// The one that was made of it.
        copy: u64,
        /// The replica.
        label: String,
    },
    /// A pack that was made of it is on its way to an off-site replica: ask again.
    #[error("off-site replica `{label}` has not got pack {copy:016x} yet")]
    Behind {
        /// The pack that it has not got.
        copy: u64,
        /// The off-site replica.
        label: String,
    },
    /// A record of it is whole nowhere; what is left of it may be all that anybody will have.
    #[error("the record at {offset} of pack {pack:016x} is whole on no replica")]
    Lost {
        /// The pack.
        pack: u64,
        /// Where the record lies in it.
        offset: u64,
    },
    /// It was rewritten so often that there is no number left for one more pack.
    #[error("there is no number left for a pack that is made of pack {0:016x}")]
    NoNumber(u64),
    /// A replica has no room for a pack that would be made of it.
    #[error("replica `{label}` has no room for {bytes} bytes beside its reserve")]
    NoRoom {
        /// The replica.
        label: String,
        /// Bytes of the new pack.
        bytes: u64,
    },
    /// The new pack could not be written, or did not read back. Nothing was changed.
    #[error("could not write what lives in pack {pack:016x} to replica `{label}`")]
    Rewrite {
        /// The pack.
        pack: u64,
        /// The replica.
        label: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The operating system refused. The copies that were removed before are written anew from those that are left.
    #[error("could not remove pack {pack:016x} from replica `{label}`")]
    Io {
        /// The pack.
        pack: u64,
        /// The replica.
        label: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
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
