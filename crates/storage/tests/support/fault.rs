//! `MockFaultDisk`: the real file system with faults: no space after so many bytes, a failing sync, torn writes.

use std::any::Any;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use yingdun_storage::{Disk, DiskFile, Entry, RealDisk, Space};

/// Faults below one directory.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Bytes that may still be written; negative: no limit.
    pub(crate) room: AtomicI64,
    /// Syncs until one fails; 0: none fails.
    pub(crate) sync_fails_in: AtomicU64,
    /// Writes fail after half of their bytes.
    pub(crate) torn: AtomicBool,
    /// Files are not synced, and it is said that they are: a store that acknowledges before it syncs.
    pub(crate) skips_syncs: AtomicBool,
    /// Directories are not synced, and it is said that they are.
    pub(crate) skips_directory_syncs: AtomicBool,
    /// Reads until all fail; 0: none fails.
    pub(crate) reads_fail_in: AtomicU64,
    /// Reads wait this long, in milliseconds.
    pub(crate) read_delay_ms: AtomicU64,
    /// Writes wait this long, in milliseconds.
    pub(crate) delay_ms: AtomicU64,
    /// Writes wait until this is taken back.
    pub(crate) hung: AtomicBool,
    /// Whoever opens a pack next is held up when it is open.
    pub(crate) holds_next_open: AtomicBool,
    /// Somebody is held up, until this is taken back.
    pub(crate) open_held: AtomicBool,
}

impl Faults {
    pub(crate) fn none() -> Arc<Self> {
        Arc::new(Self { room: AtomicI64::new(-1), ..Self::default() })
    }
}

/// The real file system with faults below some directories.
#[derive(Debug, Default)]
pub(crate) struct MockFaultDisk {
    below: Mutex<Vec<(PathBuf, Arc<Faults>)>>,
    /// How many packs were opened.
    pub(crate) packs_opened: AtomicU64,
}

#[derive(Debug)]
struct MockFaultFile {
    inner: Arc<dyn DiskFile>,
    faults: Option<Arc<Faults>>,
}

impl MockFaultDisk {
    pub(crate) fn below(&self, path: &Path) -> Arc<Faults> {
        let faults = Faults::none();
        self.below.lock().unwrap().push((path.to_owned(), Arc::clone(&faults)));
        faults
    }

    fn faults(&self, path: &Path) -> Option<Arc<Faults>> {
        let below = self.below.lock().unwrap();
        below.iter().find(|(root, _)| path.starts_with(root)).map(|(_, faults)| Arc::clone(faults))
    }

    fn file(&self, path: &Path, inner: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(MockFaultFile { inner, faults: self.faults(path) })
    }
}

impl Disk for MockFaultDisk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        RealDisk.create_directory(path)
    }
    fn is_directory(&self, path: &Path) -> bool {
        RealDisk.is_directory(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        RealDisk.list(path)
    }
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(path, RealDisk.create(path)?))
    }
    fn open(&self, path: &Path, writable: bool) -> io::Result<Arc<dyn DiskFile>> {
        let is_pack = path.extension().is_some_and(|extension| extension == "pack");
        self.packs_opened.fetch_add(u64::from(is_pack), Ordering::SeqCst);
        let file = self.file(path, RealDisk.open(path, writable)?);
        let faults = self.faults(path).filter(|_| is_pack);
        if let Some(faults) = faults.filter(|faults| faults.holds_next_open.swap(false, Ordering::SeqCst)) {
            faults.open_held.store(true, Ordering::SeqCst);
            while faults.open_held.load(Ordering::SeqCst) {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        Ok(file)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.link(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let skips = |faults: Arc<Faults>| faults.skips_directory_syncs.load(Ordering::SeqCst);
        if self.faults(path).is_some_and(skips) {
            return Ok(());
        }
        RealDisk.sync_directory(path)
    }
    fn space(&self, path: &Path) -> io::Result<Space> {
        let mut space = RealDisk.space(path)?;
        // The file system looks roomy: only the write itself finds out, as with a quota.
        if self.faults(path).is_some_and(|faults| faults.room.load(Ordering::SeqCst) == 0) {
            space.free_bytes = 0;
        }
        Ok(space)
    }
    fn device(&self, path: &Path) -> io::Result<u64> {
        RealDisk.device(path)
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        RealDisk.lock(path)
    }
}

impl DiskFile for MockFaultFile {
    fn write_at(&self, slices: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let Some(faults) = &self.faults else { return self.inner.write_at(slices, offset) };
        std::thread::sleep(std::time::Duration::from_millis(faults.delay_ms.load(Ordering::SeqCst)));
        while faults.hung.load(Ordering::SeqCst) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let bytes: i64 = slices.iter().map(|slice| slice.len() as i64).sum();
        let room = faults.room.load(Ordering::SeqCst);
        let torn = faults.torn.load(Ordering::SeqCst);
        if (0..bytes).contains(&room) || torn {
            let half = if torn { bytes / 2 } else { room };
            let joined: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
            self.inner.write_at(&[IoSlice::new(&joined[..half as usize])], offset)?;
            faults.room.fetch_min(0, Ordering::SeqCst);
            let kind = if torn { io::ErrorKind::Other } else { io::ErrorKind::StorageFull };
            return Err(kind.into());
        }
        if room >= 0 {
            faults.room.fetch_sub(bytes, Ordering::SeqCst);
        }
        self.inner.write_at(slices, offset)
    }
    fn read_at(&self, buffer: &mut Vec<u8>, bytes: usize, offset: u64) -> io::Result<usize> {
        if let Some(faults) = &self.faults {
            std::thread::sleep(std::time::Duration::from_millis(faults.read_delay_ms.load(Ordering::SeqCst)));
            match faults.reads_fail_in.load(Ordering::SeqCst) {
                0 => {}
                1 => return Err(io::Error::from_raw_os_error(5)), // EIO
                left => faults.reads_fail_in.store(left - 1, Ordering::SeqCst),
            }
        }
        self.inner.read_at(buffer, bytes, offset)
    }
    fn sync(&self) -> io::Result<()> {
        if let Some(faults) = &self.faults {
            let left = faults.sync_fails_in.load(Ordering::SeqCst);
            faults.sync_fails_in.store(left.saturating_sub(1), Ordering::SeqCst);
            if left == 1 {
                return Err(io::Error::from_raw_os_error(5)); // EIO
            }
            if faults.skips_syncs.load(Ordering::SeqCst) {
                return Ok(());
            }
        }
        self.inner.sync()
    }
    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        self.inner.allocate(offset, bytes)
    }
    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.inner.set_len(bytes)
    }
    fn length(&self) -> io::Result<u64> {
        self.inner.length()
    }
    fn start_writeback(&self, offset: u64, bytes: u64) {
        self.inner.start_writeback(offset, bytes);
    }
    fn forget_cached(&self, offset: u64, bytes: u64) {
        self.inner.forget_cached(offset, bytes);
    }
    fn will_need(&self, offset: u64, bytes: u64) {
        self.inner.will_need(offset, bytes);
    }
}
