//! The file system of the operating system.

use super::{Disk, DiskFile, Entry, Space};
use rustix::buffer::spare_capacity;
use rustix::fs::{Advice, FallocateFlags, FlockOperation};
use rustix::io::ReadWriteFlags;
use std::any::Any;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, IoSliceMut};
use std::num::NonZeroU64;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Packs are for this service alone, although they hold ciphertext only.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// How long is waited for whoever lets go at this moment. A process that is just being started holds, until its own
/// program runs, a copy of every file that its parent has open.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The real file system (Linux).
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

#[derive(Debug)]
struct RealFile(File);

impl Disk for RealDisk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let made: Vec<&Path> =
            path.ancestors().take_while(|part| !part.as_os_str().is_empty() && !part.is_dir()).collect();
        fs::DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path)?;
        // A new name is durable when its parent is synced.
        for part in made {
            match part.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => self.sync_directory(parent)?,
                Some(_) | None => self.sync_directory(Path::new("."))?,
            }
        }
        Ok(())
    }

    fn is_directory(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // A file that went away between listing and looking is simply not there.
            let Ok(metadata) = entry.metadata() else { continue };
            if let (true, Ok(name)) = (metadata.is_file(), entry.file_name().into_string()) {
                entries.push(Entry { name, bytes: metadata.len() });
            }
        }
        Ok(entries)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(FILE_MODE);
        Ok(Arc::new(RealFile(options.open(path)?)))
    }

    fn open(&self, path: &Path, writable: bool) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(writable).open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let space = rustix::fs::statvfs(path)?;
        Ok(Space {
            free_bytes: space.f_bavail.saturating_mul(space.f_frsize),
            total_bytes: space.f_blocks.saturating_mul(space.f_frsize),
        })
    }

    fn device(&self, path: &Path) -> io::Result<u64> {
        Ok(fs::metadata(path)?.dev())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)?;
        let until = Instant::now() + LOCK_WAIT_MAX;
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < until => {
                    std::thread::sleep(LOCK_PAUSE)
                }
                taken => break taken?,
            }
        }
        Ok(Box::new(file))
    }
}

impl DiskFile for RealFile {
    fn write_at(&self, slices: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        Ok(rustix::io::pwritev(&self.0, slices, offset)?)
    }

    fn read_at(&self, buffer: &mut Vec<u8>, bytes: usize, offset: u64) -> io::Result<usize> {
        // The kernel fills the spare room of the vector: no zeroing, no second copy. The vector may have more
        // room than was asked for; what it read beyond that is dropped.
        buffer.reserve_exact(bytes);
        let before = buffer.len();
        let read = rustix::io::pread(&self.0, spare_capacity(buffer), offset)?.min(bytes);
        buffer.truncate(before + read);
        Ok(read)
    }

    fn read_cached_at(&self, buffer: &mut Vec<u8>, bytes: usize, offset: u64) -> io::Result<usize> {
        let before = buffer.len();
        buffer.resize(before + bytes, 0);
        let mut room = [IoSliceMut::new(buffer.get_mut(before..).unwrap_or_default())];
        let read = rustix::io::preadv2(&self.0, &mut room, offset, ReadWriteFlags::NOWAIT);
        buffer.truncate(before + read.unwrap_or(0));
        Ok(read?)
    }

    fn sync(&self) -> io::Result<()> {
        rustix::fs::fdatasync(&self.0)?;
        // Bytes in a file that was deleted behind our back are gone with the last handle.
        if rustix::fs::fstat(&self.0)?.st_nlink == 0 {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(())
    }

    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&self.0, FallocateFlags::empty(), offset, bytes) {
            // Some file systems cannot reserve; then room is found out by writing.
            Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
            other => Ok(other?),
        }
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn start_writeback(&self, offset: u64, bytes: u64) {
        // Without unsafe code there is no sync_file_range; POSIX_FADV_DONTNEED starts writing dirty pages back and
        // drops only those that are clean already.
        let _hint = rustix::fs::fadvise(&self.0, offset, NonZeroU64::new(bytes), Advice::DontNeed);
    }

    fn forget_cached(&self, offset: u64, bytes: u64) {
        let _hint = rustix::fs::fadvise(&self.0, offset, NonZeroU64::new(bytes), Advice::DontNeed);
    }

    fn will_need(&self, offset: u64, bytes: u64) {
        let _hint = rustix::fs::fadvise(&self.0, offset, NonZeroU64::new(bytes), Advice::WillNeed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{read_exact_at, write_all_at};

    #[test]
    fn directories_are_made_with_their_parents_for_this_user_alone() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b/c");
        RealDisk.create_directory(&path).unwrap();
        RealDisk.create_directory(&path).unwrap();
        assert!(RealDisk.is_directory(&path));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, DIRECTORY_MODE);
    }

    #[test]
    fn more_slices_than_the_kernel_takes_at_once_are_written_in_order() {
        let root = tempfile::tempdir().unwrap();
        let file = RealDisk.create(&root.path().join("file")).unwrap();
        let bytes: Vec<u8> = (0..5000_u32).map(|index| index as u8).collect();
        let slices: Vec<&[u8]> = bytes.chunks(1).collect();
        write_all_at(file.as_ref(), &slices, 7).unwrap();
        let mut read = b"before".to_vec();
        read_exact_at(file.as_ref(), &mut read, 5000, 7).unwrap();
        assert_eq!(read, [b"before".as_slice(), &bytes].concat());
        let beyond = read_exact_at(file.as_ref(), &mut read, 5000, 8).unwrap_err();
        assert_eq!(beyond.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_was_just_written_is_read_from_memory_behind_what_the_buffer_holds() {
        let root = tempfile::tempdir().unwrap();
        let file = RealDisk.create(&root.path().join("file")).unwrap();
        write_all_at(file.as_ref(), &[b"0123456789"], 0).unwrap();
        let mut read = b"x".to_vec();
        match file.read_cached_at(&mut read, 4, 3) {
            Ok(4) => assert_eq!(read, b"x3456"),
            // Some file systems cannot tell what is in memory.
            Err(error) => assert_eq!((error.kind(), read.len()), (io::ErrorKind::Unsupported, 1)),
            Ok(other) => panic!("{other} bytes"),
        }
        let before = read.len();
        assert!(!matches!(file.read_cached_at(&mut read, 4, 10), Ok(1..)));
        assert_eq!(read.len(), before);
    }

    #[test]
    fn a_sync_of_a_file_that_was_deleted_fails() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        let file = RealDisk.create(&path).unwrap();
        file.sync().unwrap();
        RealDisk.remove(&path).unwrap();
        assert_eq!(file.sync().unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_lock_keeps_a_second_holder_out_until_it_is_dropped() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let held = RealDisk.lock(&path).unwrap();
        assert_eq!(RealDisk.lock(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(held);
        assert!(RealDisk.lock(&path).is_ok());
    }
}
