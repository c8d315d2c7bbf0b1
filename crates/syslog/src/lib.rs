//! Door outwards: leaves of the audit log to a collector, by syslog over TLS (RFC 5424, RFC 5425), as DICOM audit messages.
//!
//! ```text
//!  audit: Log ──read from a position──► message (PS3.15 A.5 in RFC 5424) ──TLS, both sides prove who they are──► collector
//!      ▲                                                                                   │
//!      └── position on the disk, half a minute behind what was sent ◄── connection still well ┘
//! ```
//!
//! * **The log is the spool.** Nothing is queued: what was not sent stands in the log, and is read from there when its turn comes. A
//!   collector that is away for a month costs a connection every half minute.
//! * **At least once, in order.** RFC 5425 has no acknowledgement, so nobody can know what a collector has. A leaf counts as delivered
//!   when the connection on which it was sent was well for [`SETTLED_AFTER`] more: by then its machine has acknowledged every byte (else
//!   the connection is given up, [`UNACKNOWLEDGED_MAX`]) and its program has had twenty seconds to write it down. After a break, and after
//!   a restart, everything that does not count yet is sent again. Each message carries the number of its leaf, by which a collector drops
//!   what it has.
//! * **What can be lost**: what a collector took and lost more than half a minute later. Its number is missing there, and the log has it.
//! * **Nobody waits for it** (promise I8).
//! * **Nothing personal**: renderings of leaves, which hold pseudonyms.

mod address;
mod connection;
mod error;
mod forward;
mod message;
mod position;

pub use address::CollectorAddress;
pub use connection::try_connection;
pub use error::SyslogError;
pub use forward::{Forwarded, Forwarder, News};
pub use position::{Position, position_of};

use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;

/// How long a connection has to live on before what was sent on it counts as delivered.
pub const SETTLED_AFTER: Duration = Duration::from_secs(30);

/// How long the machine of a collector may leave bytes unacknowledged before the connection is given up; well below [`SETTLED_AFTER`].
pub const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);

/// Where leaves go.
#[derive(Clone, Debug)]
pub struct SyslogConfig {
    /// The collector.
    pub collector: CollectorAddress,
    /// Whom to believe and what to show.
    pub tls: Arc<ClientConfig>,
}
