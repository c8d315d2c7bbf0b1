//! How far a transfer is, for a person who waits: one line on standard error, rewritten on a terminal.

use crate::messages::Language;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};
use yingdun_transfer::meter::{Meter, Progress};

/// How often a terminal shows a new line, and how often a log file gets one.
const TERMINAL_INTERVAL: Duration = Duration::from_millis(500);
const LOG_INTERVAL: Duration = Duration::from_secs(15);

/// Shows how far a transfer is until the work ends.
pub(super) async fn show<T>(meter: &Meter, language: Language, work: impl Future<Output = T>) -> T {
    show_line(|elapsed| line(meter.progress(elapsed), language), work).await
}

/// Shows a line until the work ends.
pub(super) async fn show_line<T>(line: impl Fn(Duration) -> String, work: impl Future<Output = T>) -> T {
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
                let line = line(began.elapsed());
                print(&if terminal { format!("\r\x1b[K{line}") } else { format!("{line}\n") });
            }
        }
    }
}

fn line(progress: Progress, language: Language) -> String {
    let Progress { files, bytes, bytes_per_second, total } = progress;
    let megabytes = format!("{:.0}", bytes as f64 / 1e6);
    let rate = format!("{:.1}", bytes_per_second / 1e6);
    match total {
        Some((files_total, left)) => {
            let left = left.map_or_else(|| "?".to_owned(), clock);
            language.progress(files, files_total, megabytes, rate, left)
        }
        None => language.progress_counting(files, megabytes, rate),
    }
}

/// As h:mm:ss.
fn clock(time: Duration) -> String {
    // More than a hundred days is "long" for whoever waits.
    let seconds = time.as_secs().min(8_640_000);
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
    fn the_line_tells_how_far_it_is_and_how_long_it_takes() {
        let progress = Progress { files: 5, bytes: 10_000_000, bytes_per_second: 1e6, total: None };
        let early = line(progress, Language::English);
        assert!(early.contains("1.0 MB/s") && !early.contains("of 20"), "{early}");
        let total = Some((20, Some(Duration::from_secs(3630))));
        let later = line(Progress { total, ..progress }, Language::English);
        assert!(later.contains("5 of 20") && later.contains("1:00:30"), "{later}");
    }
}
