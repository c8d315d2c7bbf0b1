//! Why a bulk transfer cannot go on.

use reqwest::StatusCode;
use std::path::PathBuf;

/// One sentence that says what was expected and what came. What is wrong with one file is no error: it is in the report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransferError {
    #[error("`{}` cannot be used: {cause}", path.display())]
    File { path: PathBuf, cause: std::io::Error },
    #[error("no token: name --client-id with --client-secret-file, or --token-file, or set YINGDUN_TOKEN")]
    NoIdentity,
    #[error("the server does not accept the token or the client secret")]
    NotSignedIn,
    #[error("the server did not answer for {seconds} s: {words}")]
    GaveUp { seconds: u64, words: String },
    #[error("the server answered {status}: {words}")]
    Refused { status: StatusCode, words: String },
    #[error("the archive has no space left")]
    OutOfSpace,
    #[error("the server answered with something else than this program expects: {0}")]
    Unexpected(&'static str),
    #[error("the server cannot be reached")]
    Http(#[from] reqwest::Error),
    #[error(transparent)]
    Server(#[from] crate::commands::AdminClientError),
    #[error("`{}` is the journal of {what}; go on with --resume, or remove it to begin anew", path.display())]
    JournalThere { path: PathBuf, what: String },
    #[error("`{}` is no journal of this transfer: {why}", path.display())]
    JournalWrong { path: PathBuf, why: &'static str },
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
