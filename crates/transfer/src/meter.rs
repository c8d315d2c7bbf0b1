//! How far a transfer is: counts that its tasks raise while somebody looks on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Counts that grow while a transfer goes on.
#[derive(Debug, Default)]
pub struct Meter {
    /// Files that are done with, whatever became of them.
    files: AtomicU64,
    /// Bytes that were read.
    bytes: AtomicU64,
    /// Files found so far; all of them once `counted`.
    files_total: AtomicU64,
    /// Their bytes, where they are known before they are read.
    bytes_total: AtomicU64,
    /// Whether everything has been found.
    counted: AtomicBool,
}

/// What a meter showed at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Files that are done with, whatever became of them.
    pub files: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Bytes a second, since the beginning.
    pub bytes_per_second: f64,
    /// All files and how long the rest of them will take, once all have been found.
    pub total: Option<(u64, Option<Duration>)>,
}

impl Meter {
    /// What it shows after so much time.
    #[must_use]
    pub fn progress(&self, elapsed: Duration) -> Progress {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (files, bytes) = (read(&self.files), read(&self.bytes));
        let (files_total, bytes_total) = (read(&self.files_total), read(&self.bytes_total));
        let seconds = elapsed.as_secs_f64().max(1e-3);
        // A source that tells no sizes is measured in files.
        let (done, all) = if bytes_total > 0 { (bytes, bytes_total) } else { (files, files_total) };
        let total = self.counted.load(Ordering::Relaxed).then(|| (files_total, left(done, all, seconds)));
        Progress { files, bytes, bytes_per_second: bytes as f64 / seconds, total }
    }

    /// Counts bytes of files.
    pub fn read(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// They will be read again.
    pub(crate) fn unread(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Counts files that are done with.
    pub(crate) fn done(&self, files: u64) {
        self.files.fetch_add(files, Ordering::Relaxed);
    }

    /// Counts files that will come, and their bytes where they are known.
    pub(crate) fn found(&self, files: u64, bytes: u64) {
        self.files_total.fetch_add(files, Ordering::Relaxed);
        self.bytes_total.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Everything has been found.
    pub(crate) fn all_found(&self) {
        self.counted.store(true, Ordering::Relaxed);
    }
}

/// How long the rest takes when it goes on as it went.
fn left(done: u64, all: u64, seconds: f64) -> Option<Duration> {
    let left = all.saturating_sub(done) as f64 * seconds / done as f64;
    Duration::try_from_secs_f64(left).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_once_everything_was_found() {
        let meter = Meter::default();
        meter.done(5);
        meter.read(10_000_000);
        meter.found(20, 40_000_000);
        let early = meter.progress(Duration::from_secs(10));
        assert_eq!((early.files, early.bytes_per_second, early.total), (5, 1e6, None));
        meter.all_found();
        let total = meter.progress(Duration::from_secs(10)).total;
        assert_eq!(total, Some((20, Some(Duration::from_secs(30)))));
    }

    #[test]
    fn without_sizes_the_rest_is_told_by_files_and_before_the_first_one_not_at_all() {
        let meter = Meter::default();
        meter.found(20, 0);
        meter.all_found();
        assert_eq!(meter.progress(Duration::from_secs(10)).total, Some((20, None)));
        meter.done(5);
        let total = meter.progress(Duration::from_secs(10)).total;
        assert_eq!(total, Some((20, Some(Duration::from_secs(30)))));
    }
}
