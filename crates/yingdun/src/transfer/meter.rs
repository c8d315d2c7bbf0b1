//! How far a transfer is, for a person who waits: one line on standard error, rewritten on a terminal.

use crate::messages::Language;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often a terminal shows a new line, and how often a log file gets one.
const TERMINAL_INTERVAL: Duration = Duration::from_millis(500);
const LOG_INTERVAL: Duration = Duration::from_secs(15);

/// Counts that senders raise and the line shows.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Files that are done with, whatever became of them.
    pub(crate) files: AtomicU64,
    /// Bytes that were read.
    pub(crate) bytes: AtomicU64,
    /// Files found so far; all of them once `counted`.
    pub(crate) files_total: AtomicU64,
    /// Their bytes.
    pub(crate) bytes_total: AtomicU64,
    /// Whether everything has been found.
    pub(crate) counted: AtomicBool,
}

impl Meter {
    /// Shows the line until the future ends.
    pub(crate) async fn show<T>(self: &Arc<Self>, language: Language, work: impl Future<Output = T>) -> T {
        let terminal = io::stderr().is_terminal();
        let mut tick = tokio::time::interval(if terminal { TERMINAL_INTERVAL } else { LOG_INTERVAL });
        tick.tick().await;
        let began = Instant::now();
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => {
                    if terminal {
                        print("\r\x1b[K");
                    }
                    return done;
                }
                _ = tick.tick() => {
                    let line = self.line(language, began.elapsed());
                    print(&if terminal { format!("\r\x1b[K{line}") } else { format!("{line}\n") });
                }
            }
        }
    }

    fn line(&self, language: Language, elapsed: Duration) -> String {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (files, bytes) = (read(&self.files), read(&self.bytes));
        let (files_total, bytes_total) = (read(&self.files_total), read(&self.bytes_total));
        let rate = bytes as f64 / elapsed.as_secs_f64().max(1e-3);
        let rate_words = format!("{:.1}", rate / 1e6);
        let megabytes = format!("{:.0}", bytes as f64 / 1e6);
        if self.counted.load(Ordering::Relaxed) {
            let left = bytes_total.saturating_sub(bytes) as f64;
            let eta = if rate > 0.0 { clock(left / rate) } else { "?".to_owned() };
            language.progress(files, files_total, megabytes, rate_words, eta)
        } else {
            language.progress_counting(files, megabytes, rate_words)
        }
    }
}

/// Seconds as h:mm:ss.
fn clock(seconds: f64) -> String {
    // More than a hundred days is "long" for whoever waits.
    let seconds = seconds.clamp(0.0, 8_640_000.0) as u64;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn print(text: &str) {
    // Nobody is left to be told when standard error is closed.
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_what_is_left_once_everything_was_found() {
        let meter = Meter::default();
        meter.files.store(5, Ordering::Relaxed);
        meter.bytes.store(10_000_000, Ordering::Relaxed);
        meter.files_total.store(20, Ordering::Relaxed);
        meter.bytes_total.store(40_000_000, Ordering::Relaxed);
        let elapsed = Duration::from_secs(10);
        let early = meter.line(Language::English, elapsed);
        assert!(early.contains("1.0 MB/s") && !early.contains("of 20"), "{early}");
        meter.counted.store(true, Ordering::Relaxed);
        let line = meter.line(Language::English, elapsed);
        assert!(line.contains("5 of 20") && line.contains("0:00:30"), "{line}");
    }
}
