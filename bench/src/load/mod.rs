//! The load generator: the same for every subject. It keeps its objects in memory and its connections open.

pub(crate) mod fetch;
pub(crate) mod http;
pub(crate) mod sink;
pub(crate) mod store;

use crate::statistics::Latencies;
use std::time::Duration;

/// What a run of requests took.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// Of every request, from sending it to the last byte of its answer.
    pub(crate) latencies: Latencies,
    /// Of all answers.
    pub(crate) bytes: u64,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
}

impl Load {
    /// Megabytes (10⁶) of answers in a second.
    pub(crate) fn mb_per_s(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.elapsed.as_secs_f64()
    }

    /// Requests in a second.
    pub(crate) fn requests_per_s(&self) -> f64 {
        self.latencies.count() as f64 / self.elapsed.as_secs_f64()
    }
}
