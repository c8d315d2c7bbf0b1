//! How a log is opened: where it lies, who signs, and how often.

use crate::disk::{Disk, RealDisk};
use crate::leaf::NodeName;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use yingdun_crypto::sign::{SigningKey, Sm2SigningKey};
use yingdun_model::{Clock, SystemClock};

/// The default time between an append and the start of its integration: with the work itself, a leaf is
/// signed within a second.
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(500);

/// The default size of a journal segment, in bytes: two thousand lone appends or twelve thousand shared ones.
pub(crate) const SEGMENT_BYTES: u64 = 8 << 20;

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
    /// Signs the checkpoints of a second tree, over SM3. With a key there is one from now on, built from the leaves that are
    /// there; a log that has one is not opened without.
    pub sm3_signing_key: Option<Sm2SigningKey>,
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
            sm3_signing_key: None,
            node,
            clock: Arc::new(SystemClock),
            checkpoint_interval: CHECKPOINT_INTERVAL,
            segment_bytes: SEGMENT_BYTES,
            disk: Arc::new(RealDisk),
        }
    }
}
