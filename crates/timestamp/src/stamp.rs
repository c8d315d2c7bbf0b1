//! Asks the authority for a stamp on the newest checkpoint, from time to time. Nobody waits for it.

use crate::error::TimeStampError;
use crate::keep::{ANSWER_BYTES_MAX, keep, kept};
use crate::token::{Authority, judge, request};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, StatusCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use yingdun_audit::{Checkpoint, Log};
use yingdun_crypto::digest::sha256;
use yingdun_crypto::random;
use yingdun_model::{Clock, Timestamp};

/// How long it may take to reach the authority, and to have its answer.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
const CALL_TIME_MAX: Duration = Duration::from_secs(30);

/// The first pause after an attempt failed; it doubles up to the interval.
const PAUSE_MIN: Duration = Duration::from_secs(10);

/// How often the age of the newest stamp is looked at and shown.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// How far our clock may be from that of the authority before somebody is told, in milliseconds: longer than any call takes.
const DIFFERENCE_MS_MAX: u64 = 60_000;

/// How many intervals may pass without a stamp before somebody is told.
const MISSED_MAX: u32 = 3;

/// Who stamps, and how often.
#[derive(Clone, Debug)]
pub struct TimeStampConfig {
    /// Where requests go. `http` will do: an answer is signed, and for one request.
    pub url: String,
    /// Whose stamps are taken.
    pub authority: Authority,
    /// The authorities of the server's certificate (PEM), for `https`; those of the system when absent.
    pub server_authorities: Option<Vec<u8>>,
    /// The time between two stamps.
    pub interval: Duration,
}

/// Something that a person should hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// There was no stamp for several intervals.
    Behind,
    /// There is one again.
    CaughtUp,
    /// Our clock and that of the authority differ, by so many seconds.
    ClocksDiffer {
        /// The difference, whichever is ahead.
        seconds: u64,
    },
}

/// Whether somebody has to look; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Stamped(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    behind: AtomicBool,
    clocks_differ: AtomicBool,
}

/// The work in the background.
#[derive(Debug)]
pub struct Stamper {
    log: Log,
    config: TimeStampConfig,
    http: Client,
    clock: Arc<dyn Clock>,
    stamped: Stamped,
    /// What went wrong last, so that it is said once.
    failing: Mutex<Option<String>>,
}

impl Stamped {
    /// Whether there was no stamp for several intervals, or clocks differ.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        self.0.behind.load(Ordering::Relaxed) || self.0.clocks_differ.load(Ordering::Relaxed)
    }
}

impl Stamper {
    /// Prepares, and asks nobody yet.
    ///
    /// # Errors
    /// [`TimeStampError::Client`].
    pub fn new(
        log: Log,
        config: TimeStampConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Stamped), TimeStampError> {
        let client = |error: reqwest::Error| TimeStampError::Client(error.to_string());
        let mut http = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIME_MAX)
            .timeout(CALL_TIME_MAX);
        if let Some(pem) = &config.server_authorities {
            http = http.tls_certs_only(Certificate::from_pem_bundle(pem).map_err(client)?);
        }
        let stamped = Stamped::default();
        let http = http.build().map_err(client)?;
        Ok((Self { log, config, http, clock, stamped: stamped.clone(), failing: Mutex::default() }, stamped))
    }

    /// Asks until `stop`; what people should hear of is told.
    pub async fn run(self, stop: CancellationToken, tell: impl Fn(News) + Send) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.work(&tell) => {}
        }
    }

    // === helpers ===

    async fn work(&self, tell: &(impl Fn(News) + Send)) {
        let (mut size, waited) = self.newest_kept().await;
        // What waited for a stamp before this start has waited.
        let mut since = Since { waited, at: Instant::now() };
        let mut pause = PAUSE_MIN;
        loop {
            let checkpoint = self.log.latest_checkpoint();
            // A log that rests needs no other stamp; a leaf a day is written by any archive that lives.
            let wait = if Some(checkpoint.size()) == size || checkpoint.size() == 0 {
                since = Since::now();
                pause.min(self.config.interval)
            } else {
                match self.stamp(&checkpoint, tell).await {
                    Ok(()) => {
                        metrics::counter!("yingdun_time_stamps_total").increment(1);
                        (since, size, pause) = (Since::now(), Some(checkpoint.size()), PAUSE_MIN);
                        self.is_well();
                        self.config.interval
                    }
                    Err(error) => {
                        metrics::counter!("yingdun_time_stamp_failures_total").increment(1);
                        self.is_failing(&error);
                        let now = pause.min(self.config.interval);
                        pause = (pause * 2).min(self.config.interval);
                        now
                    }
                }
            };
            let until = Instant::now() + wait;
            loop {
                self.judge_age(since, tell);
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                tokio::time::sleep(left.min(LOOK_INTERVAL)).await;
            }
        }
    }

    /// One stamp: asked for, judged, kept.
    async fn stamp(&self, checkpoint: &Checkpoint, tell: &impl Fn(News)) -> Result<(), TimeStampError> {
        let (hash, nonce) = (sha256(checkpoint.note().as_bytes()), u64::from_be_bytes(random::array()));
        let answer = self.ask(request(&hash, nonce)).await?;
        let stamp = judge(&answer, &hash, Some(nonce), &self.config.authority)?;
        let (dir, size, note) = (self.log.dir().to_owned(), checkpoint.size(), checkpoint.note().to_owned());
        let kept = tokio::task::spawn_blocking(move || keep(&dir, size, &note, &answer));
        kept.await.map_err(|_| TimeStampError::BrokenOff)??;
        let difference_ms = self.clock.now().as_ms().abs_diff(stamp.time.as_ms());
        metrics::gauge!("yingdun_time_stamp_clock_difference_seconds").set(difference_ms as f64 / 1000.0);
        let differ = difference_ms > DIFFERENCE_MS_MAX;
        if differ && !self.stamped.0.clocks_differ.swap(differ, Ordering::Relaxed) {
            let seconds = difference_ms / 1000;
            tracing::error!(
                seconds,
                "the clock of this machine and that of the time-stamping authority differ"
            );
            tell(News::ClocksDiffer { seconds });
        }
        self.stamped.0.clocks_differ.store(differ, Ordering::Relaxed);
        Ok(())
    }

    async fn ask(&self, request: Vec<u8>) -> Result<Vec<u8>, TimeStampError> {
        let silent = |error: reqwest::Error| TimeStampError::Silent(error.without_url().to_string());
        let call = self.http.post(&self.config.url).header(CONTENT_TYPE, "application/timestamp-query");
        let mut answer = call.body(request).send().await.map_err(silent)?;
        if answer.status() != StatusCode::OK {
            return Err(TimeStampError::Silent(format!("it answers HTTP {}", answer.status().as_u16())));
        }
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(silent)? {
            if bytes.len() + piece.len() > ANSWER_BYTES_MAX {
                return Err(TimeStampError::Silent("its answer is longer than any time-stamp".to_owned()));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// The size of the newest checkpoint that was stamped before this start, and for how long the first leaf has waited that it does not
    /// cover.
    async fn newest_kept(&self) -> (Option<u64>, Duration) {
        let (log, now) = (self.log.clone(), self.clock.now());
        let newest = tokio::task::spawn_blocking(move || {
            let last = kept(log.dir()).ok().and_then(|kept| kept.last()?.ok());
            let size = last.and_then(|last| Checkpoint::verify(log.verifier(), &last.checkpoint).ok());
            let size = size.map(|checkpoint| checkpoint.size());
            let first = log.reader().leaf(size.unwrap_or(0)).ok();
            (size, first.map_or(Duration::ZERO, |first| between(first.leaf.time_ms, now)))
        });
        newest.await.unwrap_or_default()
    }

    fn judge_age(&self, since: Since, tell: &impl Fn(News)) {
        let age = since.age();
        metrics::gauge!("yingdun_time_stamp_age_seconds").set(age.as_secs_f64());
        let behind = age > self.config.interval * MISSED_MAX;
        match (self.stamped.0.behind.swap(behind, Ordering::Relaxed), behind) {
            (false, true) => {
                tracing::error!("the audit log was not time-stamped for three intervals");
                tell(News::Behind);
            }
            (true, false) => tell(News::CaughtUp),
            _ => {}
        }
    }

    fn is_failing(&self, error: &TimeStampError) {
        let text = error.to_string();
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        if failing.as_ref() != Some(&text) {
            tracing::warn!(%error, "the audit log is not time-stamped");
            *failing = Some(text);
        }
    }

    fn is_well(&self) {
        if self.failing.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            tracing::info!("the audit log is time-stamped again");
        }
    }
}

/// Since when leaves wait for a stamp.
#[derive(Clone, Copy, Debug)]
struct Since {
    /// For how long before.
    waited: Duration,
    at: Instant,
}

impl Since {
    fn now() -> Self {
        Self { waited: Duration::ZERO, at: Instant::now() }
    }

    fn age(self) -> Duration {
        self.waited.saturating_add(self.at.elapsed())
    }
}

/// The time from one moment to another; none where the clock went back.
fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(to.as_ms().saturating_sub(from.as_ms())).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waited_before_a_start_counts_and_a_clock_that_went_back_makes_it_nothing() {
        let waited = between(Timestamp::from_ms(1_000), Timestamp::from_ms(61_000));
        assert_eq!(waited, Duration::from_secs(60));
        assert!(Since { waited, at: Instant::now() }.age() >= Duration::from_secs(60));
        assert!(Since::now().age() < Duration::from_secs(60));
        assert_eq!(between(Timestamp::from_ms(2), Timestamp::from_ms(1)), Duration::ZERO);
    }
}
