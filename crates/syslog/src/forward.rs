//! Follows the log, and sends what it says to the collector: from a position, in order, again after a break.

use crate::SyslogConfig;
use crate::connection::Connection;
use crate::error::SyslogError;
use crate::message::write_frame;
use crate::position::{Position, Settling, begin_at, keep, position_of};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use yingdun_audit::Log;

/// Leaves that are read, rendered and sent together: a bundle of the log, less than a megabyte of messages.
const LEAVES_AT_ONCE: u64 = 256;

/// How long after a leaf the log is looked at again where nothing waits.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// How often the position is written to the disk at most; what comes twice after a restart grows by as much.
const KEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The first and the longest pause after the collector took nothing.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// How long a leaf may wait before somebody is told: longer than a collector restarts.
const WAIT_MAX: Duration = Duration::from_secs(5 * 60);

/// Something that a person should hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Leaves have waited for longer than a restart of the collector takes.
    Behind {
        /// How many wait.
        leaves: u64,
    },
    /// Nothing waits so long any more.
    CaughtUp,
}

/// How far the collector has the log, as far as is known; clones are the same.
#[derive(Clone, Debug)]
pub struct Forwarded(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The first leaf that was not sent, on the connection of now.
    next: u64,
    /// Since when leaves wait, and how many there were in the log then.
    waiting: Option<(Instant, u64)>,
    behind: bool,
    /// What went wrong last, so that it is said once.
    failing: Option<String>,
}

/// The work in the background.
#[derive(Debug)]
pub struct Forwarder {
    log: Log,
    config: SyslogConfig,
    forwarded: Forwarded,
    begun: Instant,
}

impl Forwarded {
    /// Whether leaves have waited for longer than a restart of the collector takes.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        self.lock().behind
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Forwarder {
    /// Prepares, and connects to nobody.
    #[must_use]
    pub fn new(log: Log, config: SyslogConfig) -> (Self, Forwarded) {
        let forwarded = Forwarded(Arc::default());
        (Self { log, config, forwarded: forwarded.clone(), begun: Instant::now() }, forwarded)
    }

    /// Sends until `stop`, also in the middle of something: what does not count as delivered is sent again. What people should hear of
    /// is told.
    pub async fn run(self, stop: CancellationToken, tell: impl Fn(News) + Send) {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let watch = async {
            loop {
                ticks.tick().await;
                self.measure(&tell);
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.work() => {}
            () = watch => {}
        }
    }

    // === helpers ===

    /// From connection to connection, for ever.
    async fn work(&self) {
        let mut pause = PAUSE_MIN;
        loop {
            let before = Instant::now();
            let Err(error) = self.serve().await;
            metrics::counter!("yingdun_syslog_failures_total").increment(1);
            self.is_failing(&error);
            // A connection that lived was none that is refused again and again.
            if before.elapsed() > PAUSE_MAX {
                pause = PAUSE_MIN;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Sends on one connection until it fails.
    async fn serve(&self) -> Result<Infallible, SyslogError> {
        let (log, collector) = (self.log.verifier().name().to_owned(), self.config.collector.to_string());
        let kept = self.blocking(|dir| position_of(&dir)).await?;
        let mut next = begin_at(kept.as_ref(), &log, &collector, self.log.size());
        self.forwarded.lock().next = next;
        let mut connection = Connection::open(&self.config).await?;
        let (mut settling, mut kept_at, mut settled) = (Settling::default(), Instant::now(), None);
        loop {
            let end = self.log.size().min(next.saturating_add(LEAVES_AT_ONCE));
            if next < end {
                let frames = self.frames(next, end, &log).await?;
                connection.send(&frames).await?;
                metrics::counter!("yingdun_syslog_sent_total").increment(end - next);
                next = end;
                settling.sent(self.begun.elapsed(), next);
                self.forwarded.lock().next = next;
            } else {
                connection.rest(LOOK_INTERVAL).await?;
                self.is_well();
            }
            settled = settling.settled(self.begun.elapsed()).or(settled);
            if let Some(number) = settled
                && kept_at.elapsed() >= KEEP_INTERVAL
            {
                let position = Position { log: log.clone(), collector: collector.clone(), next: number };
                self.blocking(move |dir| keep(&dir, &position)).await?;
                (kept_at, settled) = (Instant::now(), None);
            }
        }
    }

    /// The frames of a range of leaves, which are there.
    async fn frames(&self, from: u64, until: u64, origin: &str) -> Result<Vec<u8>, SyslogError> {
        let (reader, origin) = (self.log.reader(), origin.to_owned());
        let read = tokio::task::spawn_blocking(move || {
            let mut frames = Vec::new();
            for leaf in reader.read(from..until)? {
                write_frame(&leaf, &origin, &mut frames);
            }
            Ok(frames)
        });
        read.await.map_err(|_| SyslogError::BrokenOff)?
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(std::path::PathBuf) -> Result<T, SyslogError> + Send + 'static,
    ) -> Result<T, SyslogError> {
        let dir = self.log.dir().to_owned();
        tokio::task::spawn_blocking(move || work(dir)).await.map_err(|_| SyslogError::BrokenOff)?
    }

    fn is_failing(&self, error: &SyslogError) {
        let text = error.to_string();
        let mut state = self.forwarded.lock();
        if state.failing.as_ref() != Some(&text) {
            tracing::warn!(%error, "audit records are not sent to the collector, and wait in the log");
            state.failing = Some(text);
        }
    }

    fn is_well(&self) {
        if self.forwarded.lock().failing.take().is_some() {
            tracing::info!(collector = %self.config.collector, "audit records are sent again");
        }
    }

    /// Shows the lag, and tells when it became long or short.
    fn measure(&self, tell: &impl Fn(News)) {
        let (size, now) = (self.log.size(), Instant::now());
        let mut state = self.forwarded.lock();
        let leaves = size.saturating_sub(state.next);
        state.waiting = waits(state.waiting, state.next, size, now);
        let waited = state.waiting.map_or(Duration::ZERO, |(since, _)| now.saturating_duration_since(since));
        let behind = waited > WAIT_MAX;
        let before = std::mem::replace(&mut state.behind, behind);
        drop(state);
        metrics::gauge!("yingdun_syslog_lag_leaves").set(leaves as f64);
        metrics::gauge!("yingdun_syslog_lag_seconds").set(waited.as_secs_f64());
        match (before, behind) {
            (false, true) => {
                tracing::error!(leaves, "audit records have waited for the collector for five minutes");
                tell(News::Behind { leaves });
            }
            (true, false) => {
                tracing::info!("the collector has the audit records again");
                tell(News::CaughtUp);
            }
            _ => {}
        }
    }
}

/// Since when leaves wait: what was there at that moment has to be sent before the time begins anew.
fn waits(waiting: Option<(Instant, u64)>, next: u64, size: u64, now: Instant) -> Option<(Instant, u64)> {
    match waiting {
        Some((since, until)) if next < until => Some((since, until)),
        _ => (next < size).then_some((now, size)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_leaves_wait_begins_anew_only_when_those_that_waited_were_sent() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut waiting = waits(None, 5, 5, at(0));
        assert_eq!(waiting, None);
        waiting = waits(waiting, 5, 8, at(1));
        assert_eq!(waiting, Some((at(1), 8)));
        // New ones come, old ones wait on.
        waiting = waits(waiting, 7, 20, at(9));
        assert_eq!(waiting, Some((at(1), 8)));
        waiting = waits(waiting, 8, 20, at(10));
        assert_eq!(waiting, Some((at(10), 20)));
        assert_eq!(waits(waiting, 20, 20, at(11)), None);
        // After a break it goes back, and waits from then on.
        assert_eq!(waits(None, 3, 20, at(12)), Some((at(12), 20)));
    }
}
