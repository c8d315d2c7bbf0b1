//! Whoever waits for rows that others write is woken when there may be some: within this process by a bell, and from one
//! process to the other by `NOTIFY` where the engine has it.
//!
//! A bell says that it is worth to look, never what there is. It may ring for nothing, and it is not heard while no connection
//! listens; so everybody who waits for it looks again after a while too.

use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// The bell of one database. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Bell(watch::Sender<()>);

/// Somebody who waits for a bell. What rings between two waits ends the second one at once.
#[derive(Debug)]
pub struct Told(watch::Receiver<()>);

impl Bell {
    pub(super) fn ring(&self) {
        self.0.send_replace(());
    }

    pub(super) fn told(&self) -> Told {
        Told(self.0.subscribe())
    }
}

impl Told {
    /// Waits until there may be something to see, at most this long. May be given up at any moment.
    pub async fn wait(&mut self, at_most: Duration) {
        if let Ok(Err(_)) = timeout(at_most, self.0.changed()).await {
            // Nobody can ring any more; who waits in a loop still waits.
            tokio::time::sleep(at_most).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_rings_before_the_wait_is_heard_and_silence_ends_after_a_while() {
        let bell = Bell::default();
        let mut told = bell.told();
        bell.ring();
        bell.ring();
        let heard = timeout(Duration::from_secs(60), told.wait(Duration::MAX)).await;
        assert!(heard.is_ok(), "it was rung before");
        let again = timeout(Duration::from_millis(10), told.wait(Duration::MAX)).await;
        assert!(again.is_err(), "it was rung once for whoever waits");
        told.wait(Duration::from_millis(1)).await;
        drop(bell);
        let silent = timeout(Duration::from_millis(10), told.wait(Duration::MAX)).await;
        assert!(silent.is_err(), "a wait for nobody is a wait");
    }
}
