//! How the store stands, for `storage status`, health checks and the console.

use crate::OffsiteStatus;
use serde::Serialize;
use std::fmt;

/// The place of a replica in the configured list, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ReplicaId(pub(crate) usize);

impl ReplicaId {
    /// The index in [`crate::StoreConfig::replicas`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Whether a replica takes writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "state", content = "reason")]
pub enum ReplicaState {
    /// It takes reads and writes.
    Ready,
    /// No room beyond the reserve; writes return when space does.
    Full,
    /// Its directory is gone and is being made again.
    Missing,
    /// A write or sync failed; no more writes until the store is opened again. Reads of whole packs go on.
    Failed(String),
    /// Somebody takes it out of service: it takes no writes, and its packs are read until enough others have them.
    Draining,
    /// Out of service: nothing on it is needed, nothing of it is open, and its disk may be taken away.
    Drained,
}

/// Whether a replica is being read and checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ScrubState {
    /// The last pass is through and the next one not due.
    #[default]
    Resting,
    /// A pass is under way, or waits for its replica.
    Running,
}

/// A full pass over one replica. Moments are milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ScrubPass {
    /// When it began.
    pub begun_ms: i64,
    /// When it was through.
    pub ended_ms: i64,
    /// Bytes that were read and checked.
    pub bytes: u64,
    /// Records that were checked.
    pub records: u64,
    /// Faults of which another replica had a good copy.
    pub found: u64,
    /// Records of which no replica had a good copy.
    pub lost: u64,
}

/// How the bytes of a replica are being checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ScrubStatus {
    /// Whether a pass is under way.
    pub state: ScrubState,
    /// When it began, in milliseconds since 1970-01-01T00:00:00Z.
    pub begun_ms: Option<i64>,
    /// Bytes that it has checked.
    pub checked_bytes: u64,
    /// Bytes that it has before it.
    pub bytes_left: u64,
    /// Records that it has checked.
    pub checked_records: u64,
    /// Faults that it has found and of which another replica has a good copy.
    pub found: u64,
    /// Records that it has found whole on no replica.
    pub lost: u64,
    /// The pace at which it reads, at most.
    pub bytes_per_second: u64,
    /// The last full pass.
    pub last: Option<ScrubPass>,
}

/// One replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplicaStatus {
    /// Its place in the list.
    pub replica: ReplicaId,
    /// Its configured name.
    pub label: String,
    /// Its configured failure domain.
    pub failure_domain: String,
    /// Whether it takes writes.
    #[serde(flatten)]
    pub state: ReplicaState,
    /// Packs that are whole on it.
    pub packs: u64,
    /// Bytes of those packs.
    pub bytes: u64,
    /// Bytes free on its file system at the last look.
    pub free_bytes: u64,
    /// Bytes acknowledged but not yet durable here.
    pub lag_bytes: u64,
    /// Packs with untrusted ranges.
    pub quarantined: u64,
    /// Packs that are missing or incomplete here and wait for repair, and packs left open by a crash that wait for
    /// more replicas.
    pub awaiting_repair: u64,
    /// Bytes of the packs that are missing or incomplete here.
    pub bytes_awaiting_repair: u64,
    /// While it is draining: packs of which too few other replicas have a good copy.
    pub needed_packs: u64,
    /// Packs written anew since the store was opened.
    pub repaired: u64,
    /// How its bytes are being checked.
    pub scrub: ScrubStatus,
    /// Replicas on the same device (same `st_dev`): they are lost together.
    pub same_device_as: Vec<ReplicaId>,
    /// Replicas with the same configured failure domain.
    pub same_domain_as: Vec<ReplicaId>,
}

/// What fails together, by its configured name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DomainStatus {
    /// Its name.
    pub name: String,
    /// The replicas in it.
    pub replicas: Vec<ReplicaId>,
    /// Whether one of them takes writes.
    pub writable: bool,
}

/// The store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoreStatus {
    /// Replicas on which a record must be durable.
    pub write_quorum: usize,
    /// Failure domains in which these replicas must lie.
    pub write_domains: usize,
    /// Each failure domain, in the order of its first replica.
    pub domains: Vec<DomainStatus>,
    /// Why no record would be taken now for want of replicas, if so.
    pub short_of: Option<String>,
    /// Whether a record would be taken now.
    pub writable: bool,
    /// Packs known.
    pub packs: u64,
    /// Bytes of one copy of everything.
    pub bytes: u64,
    /// Each replica, in the configured order.
    pub replicas: Vec<ReplicaStatus>,
    /// Each off-site replica, in the configured order.
    pub offsite: Vec<OffsiteStatus>,
}
