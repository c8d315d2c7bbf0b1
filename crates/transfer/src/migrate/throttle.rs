//! A migration beside daily work: no more bytes a second than the source can spare.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Shares one rate among all who read.
pub(super) struct Throttle {
    bytes_per_second: Option<f64>,
    /// When the next bytes may be read.
    next: Mutex<Instant>,
}

impl Throttle {
    /// `None` holds nobody up.
    pub(super) fn new(bytes_per_second: Option<f64>) -> Self {
        Self { bytes_per_second, next: Mutex::new(Instant::now()) }
    }

    /// Waits until these bytes, which have been read, are paid for.
    pub(super) async fn spend(&self, bytes: u64) {
        let Some(rate) = self.bytes_per_second else { return };
        let until = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            *next = paid(*next, Instant::now(), bytes, rate);
            *next
        };
        tokio::time::sleep_until(until).await;
    }
}

/// When everything is paid for. What was not used in the past is gone.
fn paid(next: Instant, now: Instant, bytes: u64, rate: f64) -> Instant {
    next.max(now) + Duration::try_from_secs_f64(bytes as f64 / rate).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_cost_time_one_after_the_other_and_an_idle_past_is_not_saved_up() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let first = paid(start, start, 1000, 1000.0);
        assert_eq!(first, start + second);
        assert_eq!(paid(first, start, 500, 1000.0), start + second * 3 / 2);
        assert_eq!(paid(first, start + 60 * second, 1000, 1000.0), start + 61 * second);
    }
}
