//! What the archive does by itself, turn by turn, until it closes.

use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long closing waits for turns that have begun. A turn is a batch of rows or records: milliseconds, and what takes longer is
/// done again after the next start.
const END_MAX: Duration = Duration::from_secs(10);

/// Everything that runs in the background.
#[derive(Debug, Default)]
pub(crate) struct Background {
    closing: CancellationToken,
    running: TaskTracker,
}

/// The turns of one work on something that it does not keep open.
#[derive(Debug)]
pub(crate) struct Turns<T> {
    on: Weak<T>,
    closing: CancellationToken,
}

impl Background {
    /// Begins a work.
    pub(crate) fn begin<T, W>(&self, on: &Arc<T>, work: impl FnOnce(Turns<T>) -> W)
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let turns = Turns { on: Arc::downgrade(on), closing: self.closing.clone() };
        self.running.spawn(work(turns));
    }

    /// Ends all work: no turn begins any more, and those that have begun are waited for.
    pub(crate) async fn end(&self) {
        self.closing.cancel();
        self.running.close();
        if tokio::time::timeout(END_MAX, self.running.wait()).await.is_err() {
            tracing::warn!(
                "work in the background was left where it is, and is done again after the next start"
            );
        }
    }
}

impl<T> Turns<T> {
    /// What is worked on, for one turn; nothing when all work ends or it is gone.
    pub(crate) fn next(&self) -> Option<Arc<T>> {
        if self.closing.is_cancelled() { None } else { self.on.upgrade() }
    }

    /// Waits, or until all work ends.
    pub(crate) async fn pause(&self, pause: Duration) {
        let _ = tokio::time::timeout(pause, self.closing.cancelled()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Notify;

    #[tokio::test]
    async fn a_turn_that_has_begun_is_finished_and_lets_go_and_none_follows() {
        let (background, finished) = (Background::default(), Arc::new(AtomicUsize::new(0)));
        let begun = Arc::new(Notify::new());
        let tell = Arc::clone(&begun);
        background.begin(&finished, |turns| async move {
            while let Some(finished) = turns.next() {
                tell.notify_one();
                tokio::time::sleep(Duration::from_millis(20)).await;
                finished.fetch_add(1, Ordering::SeqCst);
                drop(finished);
                turns.pause(Duration::from_secs(3600)).await;
            }
        });
        begun.notified().await;
        background.end().await;
        assert_eq!((finished.load(Ordering::SeqCst), Arc::strong_count(&finished)), (1, 1));
    }
}
