//! Every file that should be in the archive and is not, with the reason, in a file that can be as long as it has to be.

use crate::TransferError;
use crate::tally::Fault;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A list of faults, one JSON object in a line. Names of files can name patients: it is for its owner alone.
#[derive(Debug)]
pub struct FaultList {
    path: PathBuf,
    file: File,
}

impl FaultList {
    /// Begins a list, or goes on with one.
    ///
    /// # Errors
    /// [`TransferError::File`].
    pub fn open(path: &Path) -> Result<Self, TransferError> {
        let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        let file = opened.map_err(|cause| TransferError::File { path: path.to_owned(), cause })?;
        Ok(Self { path: path.to_owned(), file })
    }

    pub(super) fn add(&mut self, faults: &[Fault]) -> Result<(), TransferError> {
        if faults.is_empty() {
            return Ok(());
        }
        let mut write = || -> io::Result<()> {
            let mut text = Vec::new();
            for fault in faults {
                serde_json::to_writer(&mut text, fault)?;
                text.push(b'\n');
            }
            self.file.write_all(&text)
        };
        write().map_err(|cause| TransferError::File { path: self.path.clone(), cause })
    }
}
