//! Files of a vault: for its owner alone, whole or not there.

use crate::VaultError;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), VaultError> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path).map_err(VaultError::file(path))
}

/// Writes a file in one step: afterwards it is the old one or the new one. It is on the disk when this returns.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    put(path, bytes, true)
}

/// Writes a file in one step. Durable with the next [`sync_all`].
pub(crate) fn put_soon(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    put(path, bytes, false)
}

fn put(path: &Path, bytes: &[u8], durable: bool) -> Result<(), VaultError> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .open(&new)
        .map_err(VaultError::file(&new))?;
    file.write_all(bytes).map_err(VaultError::file(&new))?;
    if durable {
        file.sync_all().map_err(VaultError::file(&new))?;
    }
    fs::rename(&new, path).map_err(VaultError::file(path))?;
    if durable { sync_folder(path) } else { Ok(()) }
}

/// Writes a new file that is on the disk when this returns.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)
        .map_err(VaultError::file(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(VaultError::file(path))?;
    sync_folder(path)
}

/// Opens a file for reading and writing, made when it is not there.
pub(crate) fn open_to_write(path: &Path) -> Result<File, VaultError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)
        .map_err(VaultError::file(path))
}

/// Makes everything durable that was written to the file system of a folder.
pub(crate) fn sync_all(folder: &Path) -> Result<(), VaultError> {
    let file = File::open(folder).map_err(VaultError::file(folder))?;
    rustix::fs::syncfs(&file).map_err(|error| VaultError::file(folder)(error.into()))
}

/// Keeps other processes out until the file is dropped.
pub(crate) fn lock(folder: &Path) -> Result<File, VaultError> {
    let path = folder.join("lock");
    let file = open_to_write(&path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(VaultError::Busy(folder.to_owned())),
        Err(error) => Err(VaultError::file(&path)(error.into())),
    }
}

fn sync_folder(path: &Path) -> Result<(), VaultError> {
    let Some(folder) = path.parent() else { return Ok(()) };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(VaultError::file(folder))
}
