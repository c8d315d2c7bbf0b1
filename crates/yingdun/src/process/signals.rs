//! The signals that ask the program to stop.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT, caught from the moment this is made.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Begins to catch them.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for either.
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Does the work, and sets `stop` at the first signal: the work then begins nothing new, and what is on its way is finished.
/// `None` after a second signal.
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
