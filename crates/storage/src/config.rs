//! What an operator decides about a store, and the bounds that nobody decides.

use crate::OffsiteConfig;
use std::path::PathBuf;
use std::time::Duration;

/// Bytes of one pack before the next one is begun: large enough that sealing and renaming cost nothing per
/// record, small enough that one repair or one crash recovery reads it in about a second.
pub const PACK_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Bytes of one record that [`crate::Store::append`] takes. Larger objects are streamed by
/// [`crate::Store::append_large`], so that memory stays bounded.
pub const RECORD_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Bytes of a descriptor: it is read on every scan, so it stays small.
pub const DESCRIPTOR_BYTES_MAX: u64 = 1024 * 1024;

/// Bytes of the metadata part: an enhanced multi-frame header with tens of thousands of frames fits.
pub const METADATA_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Bytes of the object part: 1 TiB, far above any image and far below an overflow of 64-bit arithmetic.
pub const OBJECT_BYTES_MAX: u64 = 1 << 40;

/// Within this time every byte of every replica is read again: disks lose bits silently, and two copies of a record must
/// not go bad before the first is noticed. Deep scrubs of other stores take one to five weeks.
pub const SCRUB_INTERVAL: Duration = Duration::from_secs(7 * 24 * 3600);

/// Replicas of one store.
pub const REPLICAS_MAX: usize = 16;

/// One directory that holds a full copy of every pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaConfig {
    /// The directory; created when it is missing.
    pub directory: PathBuf,
    /// The name under which people see this replica in status, events and metrics.
    pub label: String,
    /// What fails together: a disk, a host, a room. Two replicas in one domain are reported, and count once for
    /// [`StoreConfig::write_domains`].
    pub failure_domain: String,
}

/// The settings of a store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The replicas; their order is their [`crate::ReplicaId`].
    pub replicas: Vec<ReplicaConfig>,
    /// Copies elsewhere that are filled in the background; their numbers follow those of the replicas.
    pub offsite: Vec<OffsiteConfig>,
    /// Replicas on which a record is durable before it is acknowledged.
    pub write_quorum: usize,
    /// Failure domains in which these replicas lie at least: 1 to [`Self::write_quorum`], 1 as long as nobody asks for more.
    pub write_domains: usize,
    /// Bytes of one pack before the next is begun; [`PACK_BYTES_MAX`] unless a test wants less.
    pub pack_bytes_max: u64,
    /// Bytes of each file system that are left free: a full disk is an outage for everything else on it.
    pub reserve_bytes: u64,
    /// Bytes that may wait for the slowest replica before callers wait too.
    pub queue_bytes_max: u64,
    /// How often directories, files and free space are looked at.
    pub check_interval: Duration,
    /// How long it may take until every byte of every replica was read again and checked.
    pub scrub_interval: Duration,
    /// How long one write or sync may take before its replica counts as failed, so that one hung disk or
    /// mount does not hold the others.
    pub stall_limit: Duration,
}

impl StoreConfig {
    /// The defaults for a list of replicas and none off-site: a majority as write quorum (2 of 3, 1 of 1) in whatever domains, 256 MiB packs,
    /// 1 GiB kept free, 64 MiB of queue, a look every 5 s, all bytes checked within 7 days, 30 s until a hung replica is given up.
    #[must_use]
    pub fn new(replicas: Vec<ReplicaConfig>) -> Self {
        let write_quorum = replicas.len() / 2 + 1;
        Self {
            replicas,
            offsite: Vec::new(),
            write_quorum,
            write_domains: 1,
            pack_bytes_max: PACK_BYTES_MAX,
            reserve_bytes: 1024 * 1024 * 1024,
            queue_bytes_max: 64 * 1024 * 1024,
            check_interval: Duration::from_secs(5),
            scrub_interval: SCRUB_INTERVAL,
            stall_limit: Duration::from_secs(30),
        }
    }
}
