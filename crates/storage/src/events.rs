//! What the store tells its owner, so that faults reach the audit log and the people on duty.

use crate::{ReplicaId, ScrubPass};
use std::fmt;

/// Something that happened to a replica. Labels and pack numbers only; no event names a person or a study.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreEvent {
    /// A replica takes writes again.
    ReplicaReady {
        /// Which one.
        replica: ReplicaId,
    },
    /// A replica has no room beyond the reserve; it takes no writes until space returns.
    ReplicaFull {
        /// Which one.
        replica: ReplicaId,
    },
    /// The directory of a replica is gone; it is made again and refilled.
    ReplicaMissing {
        /// Which one.
        replica: ReplicaId,
    },
    /// A replica failed and takes no writes until the store is opened again.
    ReplicaFailed {
        /// Which one.
        replica: ReplicaId,
        /// The error, in words.
        reason: String,
    },
    /// A replica is being taken out of service.
    ReplicaDraining {
        /// Which one.
        replica: ReplicaId,
    },
    /// Nothing on a replica is needed any more, and nothing of it is open.
    ReplicaDrained {
        /// Which one.
        replica: ReplicaId,
    },
    /// A replica that came empty holds everything now.
    ReplicaFilled {
        /// Which one.
        replica: ReplicaId,
    },
    /// Bytes of a pack on one replica are not trusted until they are repaired.
    Quarantined {
        /// Which replica.
        replica: ReplicaId,
        /// Which pack.
        pack: u64,
        /// Offset of the record in the pack.
        offset: u64,
        /// Why, in words.
        reason: String,
    },
    /// A pack on a replica was written anew from records that verified.
    Repaired {
        /// Which replica.
        replica: ReplicaId,
        /// Which pack.
        pack: u64,
        /// Bytes written.
        bytes: u64,
    },
    /// A repair could not be done now; it is tried again.
    RepairDelayed {
        /// Which replica.
        replica: ReplicaId,
        /// Which pack.
        pack: u64,
        /// Why, in words.
        reason: String,
    },
    /// Copies of a pack are sound by themselves and not the same, and there is no most to say which one is right.
    CopiesDiffer {
        /// Which pack.
        pack: u64,
    },
    /// Every sealed pack of a replica was read and checked.
    ScrubFinished {
        /// Which replica.
        replica: ReplicaId,
        /// What came of it.
        pass: ScrubPass,
    },
    /// An off-site replica answers.
    OffsiteReady {
        /// Which one.
        replica: ReplicaId,
    },
    /// An off-site replica does not answer, or must not be written to; it is tried again.
    OffsiteUnreachable {
        /// Which one.
        replica: ReplicaId,
        /// The error, in words.
        reason: String,
    },
    /// Something acknowledged has been missing off-site for longer than the configured bound.
    OffsiteBehind {
        /// Which one.
        replica: ReplicaId,
        /// For how long.
        seconds: u64,
        /// Bytes that are missing there.
        bytes: u64,
    },
    /// An off-site replica that was behind is within its bound again.
    OffsiteCaughtUp {
        /// Which one.
        replica: ReplicaId,
    },
    /// No replica holds a valid copy of a record (or of bytes that must have been a record).
    RecordLost {
        /// Which pack.
        pack: u64,
        /// Offset in the pack.
        offset: u64,
    },
}

/// Receives events. Called from the store's own threads: it must return soon and must not call the store.
pub trait StoreEvents: Send + Sync + fmt::Debug {
    /// Takes one event.
    fn on_event(&self, event: &StoreEvent);
}

/// Writes every event to the program log; for owners that want no more.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogEvents;

impl StoreEvents for LogEvents {
    fn on_event(&self, event: &StoreEvent) {
        tracing::warn!(?event, "storage");
    }
}
