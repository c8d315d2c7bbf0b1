//! What an operator decides about an off-site replica, and how one stands.

use crate::{ReplicaId, ScrubStatus};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use yingdun_model::Secret;

/// Off-site replicas of one store: each is sent everything anew, over lines that are shared with others.
pub const OFFSITE_MAX: usize = 4;

/// A copy of every pack in another place. It is filled in the background from what verifies on the replicas; nobody waits
/// for it, it never counts for the write quorum, and reads and repairs use it when no replica has good bytes.
#[derive(Clone, Debug)]
pub struct OffsiteConfig {
    /// Where it is.
    pub place: OffsitePlace,
    /// The name under which people see it; unlike those of all replicas.
    pub label: String,
    /// What fails together.
    pub failure_domain: String,
    /// How long an acknowledged record may be missing there before somebody is told.
    pub lag_limit: Duration,
    /// How long records wait for the pack that they are in to be sealed before they are sent in pieces.
    pub tail_delay: Duration,
    /// Bytes a second that are sent, and read back to be checked, at most.
    pub bytes_per_second_max: u64,
    /// How long it may take until every byte there was read again and checked.
    pub check_interval: Duration,
}

/// Where an off-site replica is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OffsitePlace {
    /// A directory: another disk, or what another machine exports.
    Directory(PathBuf),
    /// A bucket behind the S3 protocol.
    Bucket(BucketConfig),
}

/// A bucket, and how to get in.
#[derive(Clone, Debug)]
pub struct BucketConfig {
    /// Where it is.
    pub address: BucketAddress,
    /// With what requests are signed.
    pub keys: BucketKeys,
    /// The authorities that the certificate of the server must come from, as PEM; unset means those of the machine.
    pub ca_pem: Option<Vec<u8>>,
    /// For how long packs are locked; unset means as the rules of the bucket say.
    pub retention: Option<Retention>,
}

/// For how long nobody may destroy a pack in a bucket with Object Lock. The time begins when the pack was read back, and anew
/// with every check that finds it whole: what is looked after stays locked, what was given up is free after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Whom it binds.
    pub mode: RetentionMode,
    /// For how long.
    pub time: Duration,
}

/// Whom a lock binds (Amazon S3 User Guide, "Object Lock retention modes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionMode {
    /// All but those who were given the right to pass over it.
    Governance,
    /// Everybody, the owner of the bucket included.
    Compliance,
}

impl RetentionMode {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Governance => "GOVERNANCE",
            Self::Compliance => "COMPLIANCE",
        }
    }
}

/// Where a bucket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketAddress {
    /// The address of the server: `https://host[:port]`.
    pub endpoint: String,
    /// The name of the bucket.
    pub bucket: String,
    /// What all names in the bucket begin with; may be empty.
    pub prefix: String,
    /// The region that signatures name.
    pub region: String,
    /// Whether the bucket stands in the path of a request and not in the name of the host.
    pub path_style: bool,
}

/// With what requests to a bucket are signed.
#[derive(Clone)]
pub struct BucketKeys {
    /// The name of the key.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: Secret<String>,
    /// What temporary keys need besides.
    pub session_token: Option<Secret<String>>,
}

impl fmt::Debug for BucketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BucketKeys(…)")
    }
}

impl OffsiteConfig {
    /// The defaults: told after an hour, pieces after 20 s, 64 MiB a second, all bytes read again within 30 days.
    #[must_use]
    pub fn new(place: OffsitePlace, label: &str, failure_domain: &str) -> Self {
        Self {
            place,
            label: label.to_owned(),
            failure_domain: failure_domain.to_owned(),
            lag_limit: Duration::from_secs(3600),
            tail_delay: Duration::from_secs(20),
            bytes_per_second_max: 64 * 1024 * 1024,
            check_interval: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

/// Whether an off-site replica can be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "state", content = "reason")]
pub enum OffsiteState {
    /// Nobody has asked it yet.
    #[default]
    Connecting,
    /// It answers.
    Ready,
    /// It does not answer, or must not be written to; it is tried again.
    Unreachable(String),
}

/// An off-site replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OffsiteStatus {
    /// Its number, behind those of all replicas.
    pub replica: ReplicaId,
    /// Its configured name.
    pub label: String,
    /// Its configured failure domain.
    pub failure_domain: String,
    /// Where it is.
    pub address: String,
    /// Whether it can be reached.
    #[serde(flatten)]
    pub state: OffsiteState,
    /// Packs that are whole there.
    pub packs: u64,
    /// Bytes of those packs.
    pub bytes: u64,
    /// Packs of which something acknowledged is missing there.
    pub lag_packs: u64,
    /// Bytes acknowledged and not yet there.
    pub lag_bytes: u64,
    /// For how long something acknowledged has been missing there; 0 when nothing is.
    pub lag_seconds: u64,
    /// After how long somebody is told.
    pub lag_limit_seconds: u64,
    /// Whether it is further behind than that.
    pub behind: bool,
    /// Packs there of which no replica knows.
    pub unknown_packs: u64,
    /// Bytes sent since the store was opened.
    pub sent_bytes: u64,
    /// How its bytes are being checked.
    pub scrub: ScrubStatus,
}
