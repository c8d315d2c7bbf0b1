//! What the program owes the operating system: no core dumps, private files, signals, readiness, logs.

pub(crate) mod anew;
pub(crate) mod logging;
pub(crate) mod notify;
pub(crate) mod private;
pub(crate) mod signals;
