//! Writes the files of one pass and reads them back. All files are written before the first is synced, so that the
//! disk may take them together, whichever tree they belong to.

use crate::disk::Disk;
use crate::error::AuditError;
use crate::journal::write::FILE_MODE;
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const DIRECTORY_MODE: u32 = 0o700;

/// A file of one pass, below the directory of the log, and what it must hold.
pub(crate) struct Written {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// Writes all files, then syncs all files, then all directories that got a name. What lies under these
/// names is not covered by any checkpoint yet, so writing in place endangers nothing.
pub(crate) fn write(root: &Path, disk: &dyn Disk, written: &[Written]) -> Result<(), AuditError> {
    let mut directories = BTreeSet::new();
    let mut open = Vec::with_capacity(written.len());
    for Written { path, bytes } in written {
        let path = root.join(path);
        let fail = |error| AuditError::io("cannot write", &path, error);
        let parent = path.parent().unwrap_or(root);
        make_directories(root, parent, &mut directories).map_err(fail)?;
        let file = create(&path).map_err(fail)?;
        disk.write_at(&file, bytes, 0).map_err(fail)?;
        open.push((path, file));
    }
    for (path, file) in &open {
        disk.sync_data(file).map_err(|error| AuditError::io("cannot sync", path, error))?;
        // The check that follows shall read the disk, not the cache; where that is not possible it reads the cache.
        let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    }
    sync_directories(disk, &directories)
}

/// Reads all files back. `size` is that of the tree that they are to make.
pub(crate) fn check(root: &Path, size: u64, written: &[Written]) -> Result<(), AuditError> {
    for Written { path, bytes } in written {
        let path = root.join(path);
        let found = fs::read(&path).map_err(|error| AuditError::io("cannot read", &path, error))?;
        if found != *bytes {
            let why = format!("{} does not hold what was written", path.display());
            return Err(AuditError::TilesMismatch { size, why });
        }
    }
    Ok(())
}

/// Replaces a file in one step. Its directory is there.
pub(crate) fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), AuditError> {
    let fail = |error| AuditError::io("cannot replace", path, error);
    let new = path.with_extension("new");
    let file = create(&new).map_err(fail)?;
    disk.write_at(&file, bytes, 0).map_err(fail)?;
    disk.sync_data(&file).map_err(fail)?;
    disk.rename(&new, path).map_err(fail)?;
    let directory = path.parent().unwrap_or(path);
    disk.sync_directory(directory).map_err(|error| AuditError::names("cannot sync", directory, error))
}

/// Makes names in directories durable.
pub(crate) fn sync_directories(disk: &dyn Disk, directories: &BTreeSet<PathBuf>) -> Result<(), AuditError> {
    for directory in directories {
        disk.sync_directory(directory).map_err(|error| AuditError::names("cannot sync", directory, error))?;
    }
    Ok(())
}

/// Makes the missing directories between `root` and `leaf`, for the account of the archive alone, and notes
/// which directories must be synced: all of them, because one that is there already may be the leftover of a
/// process that was killed before it synced the name.
pub(crate) fn make_directories(root: &Path, leaf: &Path, to_sync: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let known = !to_sync.insert(leaf.to_owned());
    if known || leaf == root {
        return Ok(());
    }
    if let Some(parent) = leaf.parent() {
        make_directories(root, parent, to_sync)?;
    }
    match DirBuilder::new().mode(DIRECTORY_MODE).create(leaf) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome,
    }
}

/// Makes a file that is new: a sync of it says nothing of one before that had the name, and whose sync may have failed.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)
}
