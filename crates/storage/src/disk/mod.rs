//! The file system as a small trait, so that full disks, failing syncs and power cuts can be simulated.
//!
//! All calls block; they are made from the store's own threads and from the blocking pool, never from an async
//! task. An implementation must not report a sync as done before the bytes would survive a power cut.

mod real;

pub use real::RealDisk;

use std::any::Any;
use std::fmt;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

/// A file in a directory listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name in the directory.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// The room on a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes this process may still use.
    pub free_bytes: u64,
    /// Bytes of the whole file system.
    pub total_bytes: u64,
}

/// A file system.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Makes a directory and its missing parents, durably.
    ///
    /// # Errors
    /// What the operating system reports.
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    /// Whether a directory exists.
    fn is_directory(&self, path: &Path) -> bool;

    /// The plain files in a directory, in no order.
    ///
    /// # Errors
    /// What the operating system reports; `NotFound` when the directory is missing.
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>>;

    /// Makes a new, empty file for reading and writing, replacing what had the name.
    ///
    /// # Errors
    /// What the operating system reports.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens an existing file; `writable` also for writing.
    ///
    /// # Errors
    /// What the operating system reports; `NotFound` when there is none.
    fn open(&self, path: &Path, writable: bool) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name in the same directory, replacing what had it. Durable after
    /// [`Disk::sync_directory`].
    ///
    /// # Errors
    /// What the operating system reports.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a second name in the same directory, unless that name is taken.
    ///
    /// # Errors
    /// `AlreadyExists`; what the operating system reports.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the operating system reports.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes names in a directory durable.
    ///
    /// # Errors
    /// What the operating system reports.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;

    /// The room on the file system of a path.
    ///
    /// # Errors
    /// What the operating system reports.
    fn space(&self, path: &Path) -> io::Result<Space>;

    /// A number that is equal for paths on one device.
    ///
    /// # Errors
    /// What the operating system reports.
    fn device(&self, path: &Path) -> io::Result<u64>;

    /// Takes an exclusive lock that lasts until the guard is dropped or the process ends.
    ///
    /// # Errors
    /// `WouldBlock` when another process holds it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>>;
}

/// An open file. Writers of one file take turns; readers may be many.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Writes some of the slices at an offset and says how many bytes.
    ///
    /// # Errors
    /// What the operating system reports; then any part may have been written.
    fn write_at(&self, slices: &[IoSlice<'_>], offset: u64) -> io::Result<usize>;

    /// Appends up to `bytes` bytes from an offset to `buffer` and says how many; 0 at the end of the file.
    ///
    /// # Errors
    /// What the operating system reports.
    fn read_at(&self, buffer: &mut Vec<u8>, bytes: usize, offset: u64) -> io::Result<usize>;

    /// Like [`Self::read_at`], but never waits for the device: it reads what the operating system holds in memory.
    ///
    /// # Errors
    /// `WouldBlock` when nothing of it is in memory, or when that cannot be known; what the operating system reports.
    fn read_cached_at(&self, buffer: &mut Vec<u8>, bytes: usize, offset: u64) -> io::Result<usize> {
        let _unused = (buffer, bytes, offset);
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Makes everything written so far durable, with the length. An error is final: the kernel may have dropped
    /// the pages, so a second call proves nothing. Fails with `NotFound` when the file no longer has a name.
    ///
    /// # Errors
    /// What the operating system reports.
    fn sync(&self) -> io::Result<()>;

    /// Reserves room for a range and extends the file over it, filled with zeros.
    ///
    /// # Errors
    /// What the operating system reports; `StorageFull` when there is no room.
    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()>;

    /// Cuts or extends the file.
    ///
    /// # Errors
    /// What the operating system reports.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// The length in bytes.
    ///
    /// # Errors
    /// What the operating system reports.
    fn length(&self) -> io::Result<u64>;

    /// Begins to write a range to the device without waiting, so that a later sync is short. A hint.
    fn start_writeback(&self, offset: u64, bytes: u64);

    /// Gives back the memory in which the operating system holds a range, so that the next read asks the device and a
    /// long walk does not drive out what others read. A hint.
    fn forget_cached(&self, offset: u64, bytes: u64);

    /// Says that a range will be read soon. A hint.
    fn will_need(&self, offset: u64, bytes: u64);
}

/// Writes all slices.
pub(crate) fn write_all_at(file: &dyn DiskFile, parts: &[&[u8]], mut offset: u64) -> io::Result<()> {
    // The kernel takes at most IOV_MAX = 1024 slices in one call.
    const SLICES_MAX: usize = 1024;
    for group in parts.chunks(SLICES_MAX) {
        let mut slices: Vec<IoSlice<'_>> = group.iter().map(|part| IoSlice::new(part)).collect();
        let mut rest = slices.as_mut_slice();
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            match file.write_at(rest, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    offset += written as u64;
                    IoSlice::advance_slices(&mut rest, written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Appends exactly `bytes` bytes to `buffer`; `UnexpectedEof` when the file is shorter.
pub(crate) fn read_exact_at(
    file: &dyn DiskFile,
    buffer: &mut Vec<u8>,
    bytes: usize,
    offset: u64,
) -> io::Result<()> {
    let mut done = 0;
    while done < bytes {
        match file.read_at(buffer, bytes - done, offset + done as u64) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
