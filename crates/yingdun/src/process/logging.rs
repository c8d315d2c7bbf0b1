//! The log of the program: one line per event on standard error. It carries no personal data, because the rooms
//! that hold personal data give it no text form.

use crate::config::LogFormat;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The level is not one that can be set.
#[derive(Debug, thiserror::Error)]
#[error("`{level}` is not a log level; expected error, warn, info, debug or trace, or `target=level` pairs")]
pub(crate) struct LogLevelError {
    level: String,
}

/// Starts the log. A second call in the same process changes nothing.
///
/// # Errors
/// [`LogLevelError`].
pub(crate) fn start(format: LogFormat, level: &str) -> Result<(), LogLevelError> {
    let filter = EnvFilter::try_new(level).map_err(|_| LogLevelError { level: level.to_owned() })?;
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // An error means that a log was started before: that one goes on.
    drop(match format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
        LogFormat::Text => registry.with(lines).try_init(),
    });
    Ok(())
}
