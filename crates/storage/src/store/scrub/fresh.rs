//! A copy as the scrub reads it: from the device, and so that what others read stays in memory.
//!
//! ```text
//!   … released │ window that is read │ next window │ not looked at yet …
//!              └──── given back to the device: what is read now comes from there ────┘
//! ```
//!
//! What is in memory proves nothing about the device, so each window is given back before it is read. To give back the whole pack would have everybody
//! else wait for the device as well, as long as a pass takes over it. So it happens a window at a time, and of what was read only that goes again which
//! was not in memory before. The next window is looked at one ahead, because the operating system reads ahead.

use crate::disk::DiskFile;
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that are given back and read at a time: longer than what the operating system reads ahead.
const WINDOW_BYTES: u64 = 1024 * 1024;

/// Of so many bytes the first one tells whether they are in memory: asking costs a microsecond.
const GRAIN_BYTES: u64 = 64 * 1024;

/// A file that is read from its beginning to its end, once.
pub(super) struct Fresh {
    file: Arc<dyn DiskFile>,
    end: u64,
    windows: Mutex<Windows>,
}

#[derive(Debug, Default)]
struct Windows {
    /// Up to where windows were given back to the device.
    prepared: u64,
    /// Those which are not released yet, each with what of it was not in memory.
    open: VecDeque<(Range<u64>, Vec<Range<u64>>)>,
}

impl Fresh {
    /// The file up to an end.
    pub(super) fn new(file: Arc<dyn DiskFile>, end: u64) -> Self {
        Self { file, end, windows: Mutex::default() }
    }

    /// Gives back what is read next.
    fn prepare(&self, until: u64) {
        let mut windows = self.windows();
        let until = until.saturating_add(WINDOW_BYTES).min(self.end);
        while windows.prepared < until {
            let window = windows.prepared..windows.prepared.saturating_add(WINDOW_BYTES).min(self.end);
            windows.prepared = window.end;
            let cold = self.cold(&window);
            self.forget(&window);
            windows.open.push_back((window, cold));
        }
    }

    /// Lets go of what was read before an offset, as far as it was not in memory before.
    fn release(&self, before: u64) {
        let mut windows = self.windows();
        while windows.open.front().is_some_and(|(window, _)| window.end <= before) {
            let cold = windows.open.pop_front().map(|(_, cold)| cold).unwrap_or_default();
            cold.iter().for_each(|range| self.forget(range));
        }
    }

    /// What of a window is not in memory; all of it where that cannot be told.
    fn cold(&self, window: &Range<u64>) -> Vec<Range<u64>> {
        let mut cold: Vec<Range<u64>> = Vec::new();
        let (mut start, mut byte) = (window.start, Vec::with_capacity(1));
        while start < window.end {
            let end = (start + GRAIN_BYTES).min(window.end);
            byte.clear();
            if !matches!(self.file.read_cached_at(&mut byte, 1, start), Ok(1)) {
                match cold.last_mut() {
                    Some(last) if last.end == start => last.end = end,
                    Some(_) | None => cold.push(start..end),
                }
            }
            start = end;
        }
        cold
    }

    fn forget(&self, range: &Range<u64>) {
        self.file.forget_cached(range.start, range.end - range.start);
    }

    fn windows(&self) -> MutexGuard<'_, Windows> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fresh").field(&self.file).finish()
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        self.release(u64::MAX);
    }
}

impl DiskFile for Fresh {
    fn write_at(&self, slices: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        self.file.write_at(slices, offset)
    }

    fn read_at(&self, buffer: &mut Vec<u8>, bytes: usize, offset: u64) -> io::Result<usize> {
        self.prepare(offset.saturating_add(bytes as u64));
        let read = self.file.read_at(buffer, bytes, offset);
        self.release(offset);
        read
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        self.file.allocate(offset, bytes)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn start_writeback(&self, offset: u64, bytes: u64) {
        self.file.start_writeback(offset, bytes);
    }

    fn forget_cached(&self, offset: u64, bytes: u64) {
        self.file.forget_cached(offset, bytes);
    }

    fn will_need(&self, offset: u64, bytes: u64) {
        self.file.will_need(offset, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::read_exact_at;
    use std::collections::BTreeSet;

    /// A file of which the operating system holds some grains in memory, and does not know that the device has something else.
    #[derive(Debug)]
    struct MockFile {
        bytes: u64,
        cached: Mutex<BTreeSet<u64>>,
        /// What is in memory and not what the device has.
        stale: Mutex<BTreeSet<u64>>,
    }

    const DEVICE: u8 = 7;
    const STALE: u8 = 9;

    impl MockFile {
        fn new(bytes: u64, cached: &[u64]) -> Arc<Self> {
            let cached: BTreeSet<u64> = cached.iter().copied().collect();
            Arc::new(Self { bytes, stale: Mutex::new(cached.clone()), cached: Mutex::new(cached) })
        }

        fn cached(&self) -> Vec<u64> {
            self.cached.lock().unwrap().iter().copied().collect()
        }
    }

    impl DiskFile for MockFile {
        fn write_at(&self, _: &[IoSlice<'_>], _: u64) -> io::Result<usize> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn read_at(&self, buffer: &mut Vec<u8>, bytes: usize, offset: u64) -> io::Result<usize> {
            let stale = self.stale.lock().unwrap();
            for at in offset..offset + bytes as u64 {
                buffer.push(if stale.contains(&(at / GRAIN_BYTES)) { STALE } else { DEVICE });
            }
            // The operating system reads a little ahead.
            let last = (offset + bytes as u64 + 2 * GRAIN_BYTES).min(self.bytes).div_ceil(GRAIN_BYTES);
            self.cached.lock().unwrap().extend(offset / GRAIN_BYTES..last);
            Ok(bytes)
        }

        fn read_cached_at(&self, buffer: &mut Vec<u8>, bytes: usize, offset: u64) -> io::Result<usize> {
            if !self.cached.lock().unwrap().contains(&(offset / GRAIN_BYTES)) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            buffer.resize(buffer.len() + bytes, STALE);
            Ok(bytes)
        }

        fn sync(&self) -> io::Result<()> {
            Ok(())
        }

        fn allocate(&self, _: u64, _: u64) -> io::Result<()> {
            Ok(())
        }

        fn set_len(&self, _: u64) -> io::Result<()> {
            Ok(())
        }

        fn length(&self) -> io::Result<u64> {
            Ok(self.bytes)
        }

        fn start_writeback(&self, _: u64, _: u64) {}

        fn forget_cached(&self, offset: u64, bytes: u64) {
            let grains = offset / GRAIN_BYTES..(offset + bytes).div_ceil(GRAIN_BYTES);
            for held in [&self.cached, &self.stale] {
                held.lock().unwrap().retain(|grain| !grains.contains(grain));
            }
        }

        fn will_need(&self, _: u64, _: u64) {}
    }

    #[test]
    fn what_is_read_comes_from_the_device_and_what_others_had_in_memory_is_there_afterwards() {
        let bytes = 5 * WINDOW_BYTES / 2 + 100;
        let hot = [0, 1, 5, 15, 16, 17, 31, 40];
        let file = MockFile::new(bytes, &hot);
        let fresh = Fresh::new(Arc::clone(&file) as Arc<dyn DiskFile>, bytes);
        let (mut offset, mut lengths) = (0, [100, 4096, 700_000, 64 << 10, 1 << 20].into_iter().cycle());
        while offset < bytes {
            let wanted = lengths.next().unwrap().min(usize::try_from(bytes - offset).unwrap());
            let mut read = Vec::new();
            read_exact_at(&fresh, &mut read, wanted, offset).unwrap();
            assert!(read.iter().all(|byte| *byte == DEVICE), "at {offset}");
            offset += wanted as u64;
            assert!(fresh.windows().open.len() <= 4, "what is behind is let go of");
        }
        drop(fresh);
        assert_eq!(file.cached(), hot);
    }

    #[test]
    fn of_a_check_that_ends_early_nothing_stays_that_was_not_there() {
        let file = MockFile::new(10 * WINDOW_BYTES, &[3, 100]);
        let fresh = Fresh::new(Arc::clone(&file) as Arc<dyn DiskFile>, 10 * WINDOW_BYTES);
        read_exact_at(&fresh, &mut Vec::new(), 500_000, 0).unwrap();
        drop(fresh);
        assert_eq!(file.cached(), [3, 100]);
    }
}
