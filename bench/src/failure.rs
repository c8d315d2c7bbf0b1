//! Why a benchmark stopped: one sentence. A number that could not be measured is no number, so every failure
//! ends the run.

use std::fmt;

/// A sentence for the person who runs the benchmark.
#[derive(Debug)]
pub(crate) struct Failure(String);

/// What every step gives.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// Says what was tried when something fails.
pub(crate) trait While<T> {
    /// Turns the error into `what: error`.
    fn or_fail(self, what: impl fmt::Display) -> Outcome<T>;
}

impl<T, E: fmt::Display> While<T> for Result<T, E> {
    fn or_fail(self, what: impl fmt::Display) -> Outcome<T> {
        self.map_err(|error| Failure(format!("{what}: {error}")))
    }
}

impl<T> While<T> for Option<T> {
    fn or_fail(self, what: impl fmt::Display) -> Outcome<T> {
        self.ok_or_else(|| Failure(what.to_string()))
    }
}
