//! Why an event did not reach the stream.

use yingdun_archive::Unavailable;

/// The longest text of a server that is passed on, in characters.
const SAID_CHARACTERS_MAX: usize = 200;

/// What went wrong. The event is sent again.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// No connection, or it broke.
    #[error("{server} cannot be reached: {cause}")]
    Unreachable {
        /// Which server.
        server: String,
        /// Why.
        cause: String,
    },
    /// The server did not answer in time.
    #[error("{server} did not answer within {seconds} s")]
    Silent {
        /// Which server.
        server: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The server speaks something else, or too much of it.
    #[error("{server} does not speak as a NATS server: {what}")]
    Protocol {
        /// Which server.
        server: String,
        /// What came.
        what: String,
    },
    /// The server says no.
    #[error("{server} refuses: {said}")]
    Refused {
        /// Which server.
        server: String,
        /// In its words.
        said: String,
    },
    /// There is no stream that takes the subject now: none of this name, or none that has a leader.
    #[error("no stream takes `{subject}` at {server}: the stream is missing, or has no leader now")]
    NoStream {
        /// Which server.
        server: String,
        /// What was published.
        subject: String,
    },
    /// The archive does not give its events.
    #[error("{0}")]
    Archive(Unavailable),
}

impl From<Unavailable> for FeedError {
    fn from(error: Unavailable) -> Self {
        Self::Archive(error)
    }
}

/// What a server says, fit for a log: bounded, without control characters.
pub(crate) fn said(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SAID_CHARACTERS_MAX).collect()
}
