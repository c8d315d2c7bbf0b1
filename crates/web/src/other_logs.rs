//! The audit logs of the other nodes of the installation, which the binary reaches: this door decides who may ask, and joins what comes.

use futures_util::future::BoxFuture;
use yingdun_audit::across::{Asked, Told};
use yingdun_model::{Timestamp, word_enum};

/// The logs of other nodes.
pub trait OtherLogs: Send + Sync {
    /// Puts a question to the node whose log is meant. Ends soon, whatever that node does; what it tells is judged by who asked.
    fn ask<'a>(&'a self, asked: &'a Asked) -> BoxFuture<'a, Result<Told, Absence>>;

    /// When the node of a log last answered this one, by the clock here; none where it has not since the start.
    fn last_seen(&self, log: &str) -> Option<Timestamp>;
}

word_enum! {
    /// Why a log is not in an answer.
    Absence, "absence" {
        /// Its node does not answer, or not in time.
        Silent => "silent",
        /// Its node refuses: it does not know this one, is starting, or does not know such questions yet.
        Refused => "refused",
        /// Its node was asked too often.
        Busy => "busy",
        /// What it answered does not fit the question.
        NotBelieved => "not-believed",
        /// No node says that the log is its own, or it is not to be reached by others.
        NoAddress => "no-address",
        /// This node has no section `[node]`, and asks no others.
        Closed => "closed",
        /// The question was about other logs.
        NotAsked => "not-asked",
        /// There are more logs than are searched together.
        TooMany => "too-many",
    }
}
