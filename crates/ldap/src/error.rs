//! Why a directory gave no answer.

/// What went wrong. Nothing in it says of whom was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LdapError {
    /// No connection, or it broke.
    #[error("{server} cannot be reached: {cause}")]
    Unreachable {
        /// Which server.
        server: String,
        /// Why.
        cause: String,
    },
    /// The server proves to be somebody else, or speaks no TLS.
    #[error("{server} cannot be believed: {cause}")]
    Untrusted {
        /// Which server.
        server: String,
        /// Why.
        cause: String,
    },
    /// It takes no StartTLS. Nothing else was said to it.
    #[error("{server} begins no TLS (StartTLS: {result})")]
    NoTls {
        /// Which server.
        server: String,
        /// Its answer.
        result: String,
    },
    /// It did not answer in time.
    #[error("{server} did not answer within {seconds} s")]
    Silent {
        /// Which server.
        server: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// It speaks something else, or too much of it.
    #[error("{server} does not speak as a directory: {what}")]
    Protocol {
        /// Which server.
        server: String,
        /// What came.
        what: String,
    },
    /// It answers a question by a result that is none.
    #[error("{server} does not answer a {question}: {result}")]
    Refused {
        /// Which server.
        server: String,
        /// What was asked: a search, or a bind.
        question: &'static str,
        /// Its answer.
        result: String,
    },
    /// There is no such entry to search below.
    #[error("{server} has no entry `{base}`, or does not show it to us")]
    NoBase {
        /// Which server.
        server: String,
        /// What is missing.
        base: String,
    },
    /// An empty password is not sent.
    #[error("an empty password proves nothing, and is not sent")]
    EmptyPassword,
    /// A filter has a place for which nothing was given.
    #[error(transparent)]
    Filter(#[from] crate::FilterError),
}
