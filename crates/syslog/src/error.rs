//! What goes wrong between the log and a collector.

use std::path::PathBuf;
use yingdun_audit::AuditError;

/// Why leaves are not sent. Whatever it is, they wait in the log.
#[derive(Debug, thiserror::Error)]
pub enum SyslogError {
    /// The collector cannot be reached, refuses the certificate or closed the connection.
    #[error("the collector {collector} cannot be reached: {cause}")]
    Unreachable {
        /// Its address.
        collector: String,
        /// What the network said.
        cause: String,
    },
    /// The collector takes nothing any more.
    #[error("the collector {collector} has taken nothing for {seconds} s")]
    Silent {
        /// Its address.
        collector: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The log cannot be read.
    #[error("the audit log cannot be read: {0}")]
    Log(#[from] AuditError),
    /// The position cannot be written down.
    #[error("the position `{}` cannot be kept: {cause}", path.display())]
    Position {
        /// Its file.
        path: PathBuf,
        /// What the file system said.
        cause: std::io::Error,
    },
    /// A task was broken off.
    #[error("reading the audit log was broken off")]
    BrokenOff,
}
