//! The few disk operations on which durability rests, handed in so that tests can make each of them fail.
//! Reading needs no trait: a lie in what is read is found by hashes.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Writing, syncing and renaming. A file of which any of them fails is never used again: what it was to hold is written as a whole into a
/// fresh one. A failure to make names durable fails the log for the life of the process.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Writes all bytes at an offset.
    ///
    /// # Errors
    /// What the operating system says.
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    /// Makes the content of a file durable (`fdatasync`).
    ///
    /// # Errors
    /// What the operating system says.
    fn sync_data(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    /// Makes names in a directory durable (`fsync` of the directory).
    ///
    /// # Errors
    /// What the operating system says.
    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }

    /// Gives a file its final name, replacing what had it before.
    ///
    /// # Errors
    /// What the operating system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }
}

/// The disk of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {}
