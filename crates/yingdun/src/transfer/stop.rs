//! How a person stops a transfer: a first signal lets what is on its way be finished, a second one means now.

use crate::process::signals::StopSignals;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// Does the work, and sets `stop` at the first signal: the work then begins nothing new. `None` after a second signal.
///
/// # Errors
/// When signals cannot be caught.
pub(crate) async fn until_stopped<T>(
    stop: &AtomicBool,
    work: impl Future<Output = T>,
) -> io::Result<Option<T>> {
    let mut signals = StopSignals::catch()?;
    let stopped = async {
        signals.wait().await;
        stop.store(true, Ordering::Relaxed);
        signals.wait().await;
    };
    tokio::select! {
        done = work => Ok(Some(done)),
        () = stopped => Ok(None),
    }
}
