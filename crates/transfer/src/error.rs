//! Why a bulk transfer cannot go on.

use reqwest::StatusCode;
use std::io;
use std::path::PathBuf;
use yingdun_dimse::scu::ScuError;

/// One sentence that says what was expected and what came. What is wrong with one file is no error: it is in the report.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// A file or folder of ours.
    #[error("`{}` cannot be used: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// The server refuses the token, and there is no way to another one.
    #[error("the server does not accept the token or the client secret")]
    NotSignedIn,
    /// A request was tried again for as long as it makes sense.
    #[error("the server did not answer for {seconds} s: {words}")]
    GaveUp {
        /// For how long.
        seconds: u64,
        /// How the last attempt ended.
        words: String,
    },
    /// A request was understood and not done.
    #[error("the server answered {status}: {words}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// Its words, as far as they are for people.
        words: String,
    },
    /// The disks of the archive are full.
    #[error("the archive has no space left")]
    OutOfSpace,
    /// Calling the source by DIMSE.
    #[error(transparent)]
    Peer(#[from] ScuError),
    /// A question of a migration.
    #[error("the source did not answer a query to its end: {0}")]
    NotAnswered(String),
    /// The source cannot say what it has.
    #[error("the source does not offer queries (C-FIND, Study Root)")]
    NoQuery,
    /// The source cannot give what it has.
    #[error(
        "the source does not offer the retrieval that is wanted; for C-MOVE, name with --move-to the AE title under which it \
         knows this archive"
    )]
    NoRetrieval,
    /// An answer that is none.
    #[error("the server answered with something else than this program expects: {0}")]
    Unexpected(&'static str),
    /// TCP, TLS or HTTP.
    #[error("the server cannot be reached")]
    Http(#[from] reqwest::Error),
    /// An interrupted transfer must not be begun anew by mistake.
    #[error("`{}` is the journal of {what}; go on with --resume, or remove it to begin anew", path.display())]
    JournalThere {
        /// The journal.
        path: PathBuf,
        /// Of what.
        what: &'static str,
    },
    /// A journal of something else.
    #[error("`{}` is no journal of this transfer: {why}", path.display())]
    JournalWrong {
        /// The journal.
        path: PathBuf,
        /// What does not fit.
        why: &'static str,
    },
    /// A task of this program ended before its work was done.
    #[error("a part of this program failed")]
    Task(#[from] tokio::task::JoinError),
}

/// An error with its causes, in one line: which of them matters differs.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        words.push_str(": ");
        words.push_str(&next.to_string());
        cause = next.source();
    }
    words
}
