//! Files of a witness: for its owner alone, whole or not there, and on the disk when they are said to be.

use crate::WitnessError;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// Makes a folder and those above it; their names are on the disk when this returns.
pub(crate) fn make_folder(path: &Path) -> Result<(), WitnessError> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path).map_err(WitnessError::file(path))?;
    sync_parent(path)
}

/// Writes a new file.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), WitnessError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path);
    let mut file = file.map_err(WitnessError::file(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(WitnessError::file(path))?;
    sync_parent(path)
}

/// Writes a file in one step: afterwards it is the old one or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), WitnessError> {
    let new = path.with_extension("new");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&new);
    let mut file = file.map_err(WitnessError::file(&new))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(WitnessError::file(&new))?;
    fs::rename(&new, path).map_err(WitnessError::file(path))?;
    sync_parent(path)
}

/// Reads a text of at most so many bytes; none where there is no such file.
pub(crate) fn read(path: &Path, bytes_max: usize) -> Result<Option<String>, WitnessError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(WitnessError::file(path)(error)),
    };
    let mut text = String::new();
    let read = file.take(bytes_max as u64 + 1).read_to_string(&mut text).map_err(WitnessError::file(path))?;
    if read > bytes_max {
        return Err(WitnessError::Damaged {
            path: path.to_owned(),
            why: format!("it is longer than {bytes_max} bytes"),
        });
    }
    Ok(Some(text))
}

/// Keeps other processes out until the file is dropped.
pub(crate) fn lock(folder: &Path) -> Result<File, WitnessError> {
    let path = folder.join("lock");
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(&path);
    let file = file.map_err(WitnessError::file(&path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(WitnessError::Busy(folder.to_owned())),
        Err(error) => Err(WitnessError::file(&path)(error.into())),
    }
}

fn sync_parent(path: &Path) -> Result<(), WitnessError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(WitnessError::file(folder))
}
