//! Time-stamps beside the log: for each a checkpoint, and the answer of the authority as it came.

use crate::error::TimeStampError;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use yingdun_crypto::sign::NOTE_BYTES_MAX;

/// The folder in the directory of the log.
const FOLDER: &str = "time-stamps";
const CHECKPOINT: &str = "checkpoint";
const ANSWER: &str = "tsr";

/// The longest answer, in bytes: a token with the certificates of an authority takes less than a tenth.
pub(crate) const ANSWER_BYTES_MAX: usize = 128 * 1024;

/// The most time-stamps that are looked at: one an hour for thirty years.
const STAMPS_MAX: usize = 300_000;

/// A time-stamp as it lies beside the log. Nothing of it was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The checkpoint, a signed note.
    pub checkpoint: String,
    /// The answer of the authority.
    pub answer: Vec<u8>,
    /// The name of its files, without what comes behind the dot.
    pub name: String,
}

/// Puts a time-stamp beside the log; it is on the disk when this returns.
pub(crate) fn keep(dir: &Path, size: u64, checkpoint: &str, answer: &[u8]) -> Result<(), TimeStampError> {
    let folder = dir.join(FOLDER);
    let fail = |cause| TimeStampError::File { path: folder.clone(), cause };
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => {
            made.map_err(fail)?;
            File::open(dir).and_then(|dir| dir.sync_data()).map_err(fail)?;
        }
    }
    // Names in the order of the log. The answer comes last: what has one is whole.
    let name = format!("{size:020}");
    write(&folder, &format!("{name}.{CHECKPOINT}"), checkpoint.as_bytes()).map_err(fail)?;
    write(&folder, &format!("{name}.{ANSWER}"), answer).map_err(fail)
}

/// The time-stamps beside a log, oldest first, each read when it is asked for; none where there are none.
///
/// # Errors
/// [`TimeStampError::File`] when the folder cannot be listed. An item is an error when its files cannot be read, or are longer than any.
pub fn kept(dir: &Path) -> Result<impl Iterator<Item = Result<Kept, TimeStampError>>, TimeStampError> {
    let folder = dir.join(FOLDER);
    let fail = |cause| TimeStampError::File { path: folder.clone(), cause };
    let mut names = Vec::new();
    match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(fail(error)),
        Ok(entries) => {
            for entry in entries {
                let name = entry.map_err(fail)?.file_name();
                let name = name.to_str().and_then(|name| name.strip_suffix(ANSWER)?.strip_suffix('.'));
                names.extend(name.map(ToOwned::to_owned));
                if names.len() > STAMPS_MAX {
                    return Err(fail(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "there are too many time-stamps",
                    )));
                }
            }
        }
    }
    names.sort();
    Ok(names.into_iter().map(move |name| {
        let part = |end: &str, bytes_max| {
            let path = folder.join(format!("{name}.{end}"));
            read(&path, bytes_max).map_err(|cause| TimeStampError::File { path, cause })
        };
        let checkpoint = String::from_utf8(part(CHECKPOINT, NOTE_BYTES_MAX)?);
        let checkpoint = checkpoint.map_err(|_| TimeStampError::File {
            path: folder.join(format!("{name}.{CHECKPOINT}")),
            cause: io::Error::new(io::ErrorKind::InvalidData, "it is not text"),
        })?;
        Ok(Kept { checkpoint, answer: part(ANSWER, ANSWER_BYTES_MAX)?, name })
    }))
}

// === helpers ===

fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let new = folder.join(format!("{name}.new"));
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(&new, folder.join(name))?;
    File::open(folder)?.sync_data()
}

fn read(path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than any time-stamp"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_reads_back_in_the_order_of_the_log_and_what_is_half_there_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(kept(folder.path()).unwrap().count(), 0);
        for size in [1000, 7] {
            keep(folder.path(), size, &format!("note {size}"), &[1, 2]).unwrap();
        }
        fs::write(folder.path().join(FOLDER).join(format!("{:020}.{CHECKPOINT}", 2000)), "note").unwrap();
        let read: Vec<Kept> = kept(folder.path()).unwrap().map(Result::unwrap).collect();
        assert_eq!(
            read.iter().map(|kept| kept.checkpoint.as_str()).collect::<Vec<_>>(),
            ["note 7", "note 1000"]
        );
        fs::write(folder.path().join(FOLDER).join("x.tsr"), vec![0; ANSWER_BYTES_MAX + 1]).unwrap();
        assert!(kept(folder.path()).unwrap().any(|kept| kept.is_err()));
    }
}
