//! What goes wrong with time-stamps.

use std::path::PathBuf;

/// Why an answer is no time-stamp for what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is not what RFC 3161 says.
    #[error("the answer is no time-stamp of RFC 3161: {0}")]
    Malformed(&'static str),
    /// The authority says no.
    #[error("the authority does not stamp (PKIStatus {0})")]
    Status(u64),
    /// For another hash.
    #[error("the time-stamp is for something else")]
    Imprint,
    /// For another request.
    #[error("the time-stamp answers another request: its nonce is not ours")]
    Nonce,
    /// By another certificate.
    #[error("the time-stamp is not signed with the configured certificate")]
    Signature,
    /// With algorithms that are not taken.
    #[error("the time-stamp uses an algorithm that is not taken: {0}")]
    Algorithm(String),
    /// The certificate was not valid at the moment that the stamp tells.
    #[error("the certificate of the authority was not valid at the moment that the time-stamp tells")]
    Expired,
    /// The certificate may not stamp.
    #[error("the certificate is not one for time-stamping: {0}")]
    Certificate(&'static str),
}

/// Why there is no new time-stamp.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TimeStampError {
    /// Nobody answered, or not as an authority does.
    #[error("the time-stamping authority does not answer: {0}")]
    Silent(String),
    /// What it answered is none.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A file beside the log.
    #[error("`{}` cannot be kept or read: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the file system said.
        cause: std::io::Error,
    },
    /// The client cannot be made.
    #[error("calls to the time-stamping authority cannot be made: {0}")]
    Client(String),
    /// A task was broken off.
    #[error("keeping a time-stamp was broken off")]
    BrokenOff,
}
