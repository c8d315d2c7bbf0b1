//! The newest checkpoint that a quorum of witnesses has seen, beside the log: with it, a copy of the folder shows how far the log is
//! witnessed, and no head before it can be passed off as the newest.

use crate::disk::RealDisk;
use crate::error::AuditError;
use crate::files::replace;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use yingdun_crypto::sign::NOTE_BYTES_MAX;

/// The name of the file in the directory of the log.
const WITNESSED_FILE: &str = "witnessed";

/// Puts a cosigned checkpoint beside the log, in the place of the one before, in one step. It is on the disk when this returns.
///
/// # Errors
/// [`AuditError::Io`]; the log itself is not concerned.
pub fn keep_witnessed(dir: &Path, note: &str) -> Result<(), AuditError> {
    replace(&RealDisk, &dir.join(WITNESSED_FILE), note.as_bytes())
}

/// The cosigned checkpoint beside a log, not verified; none where there is none.
///
/// # Errors
/// [`AuditError::Io`] when it cannot be read, or is longer than any note.
pub fn read_witnessed(dir: &Path) -> Result<Option<String>, AuditError> {
    let path = dir.join(WITNESSED_FILE);
    let fail = |error| AuditError::io("cannot read", &path, error);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    let mut note = String::new();
    let bytes = file.take(NOTE_BYTES_MAX as u64 + 1).read_to_string(&mut note).map_err(fail)?;
    if bytes > NOTE_BYTES_MAX {
        return Err(fail(io::Error::new(io::ErrorKind::InvalidData, "it is longer than any checkpoint")));
    }
    Ok(Some(note))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_reads_back_and_what_no_note_can_be_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_witnessed(folder.path()).unwrap(), None);
        for note in ["one", "two"] {
            keep_witnessed(folder.path(), note).unwrap();
            assert_eq!(read_witnessed(folder.path()).unwrap().as_deref(), Some(note));
        }
        keep_witnessed(folder.path(), &"x".repeat(NOTE_BYTES_MAX + 1)).unwrap();
        assert!(read_witnessed(folder.path()).is_err());
        std::fs::write(folder.path().join(WITNESSED_FILE), [0xff]).unwrap();
        assert!(read_witnessed(folder.path()).is_err());
    }
}
