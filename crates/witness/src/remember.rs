//! What a witness remembers of one log, on its disk.

use crate::{WitnessError, files};
use std::fs;
use std::path::{Path, PathBuf};
use yingdun_audit::Checkpoint;
use yingdun_crypto::digest::sha256;
use yingdun_crypto::sign::{NOTE_BYTES_MAX, NoteVerifier};

/// The folder of one log.
#[derive(Debug)]
pub(crate) struct Memory {
    folder: PathBuf,
}

impl Memory {
    /// Where a log is remembered. Nothing is made.
    pub(crate) fn of(witness: &Path, origin: &str) -> Self {
        Self { folder: witness.join("logs").join(hex::encode(sha256(origin.as_bytes()))) }
    }

    /// Makes the folder.
    pub(crate) fn make(&self) -> Result<(), WitnessError> {
        self.folder.parent().map_or(Ok(()), files::make_folder)?;
        files::make_folder(&self.folder)
    }

    /// The newest checkpoint that was seen.
    pub(crate) fn latest(&self, log: &NoteVerifier) -> Result<Option<Checkpoint>, WitnessError> {
        let path = self.folder.join("latest");
        let Some(note) = files::read(&path, NOTE_BYTES_MAX)? else {
            // It is written first and never removed.
            return match self.folder.join("cosigned").exists() {
                true => Err(WitnessError::Damaged {
                    path,
                    why: "it is gone, and what was cosigned is there".into(),
                }),
                false => Ok(None),
            };
        };
        let read = Checkpoint::verify(log, &note).map_err(|why| WitnessError::Damaged { path, why });
        read.map(Some)
    }

    /// Remembers a checkpoint as the newest that was seen. On the disk when this returns.
    pub(crate) fn see(&self, note: &str) -> Result<(), WitnessError> {
        files::replace(&self.folder.join("latest"), note.as_bytes())
    }

    /// The newest checkpoint that was cosigned, with the cosignature.
    pub(crate) fn cosigned(&self) -> Result<Option<String>, WitnessError> {
        files::read(&self.folder.join("cosigned"), NOTE_BYTES_MAX)
    }

    /// Keeps a cosigned checkpoint.
    pub(crate) fn keep_cosigned(&self, note: &str) -> Result<(), WitnessError> {
        files::replace(&self.folder.join("cosigned"), note.as_bytes())
    }

    /// The proof that the log forked; none where there is none.
    pub(crate) fn forked(&self) -> Result<Option<String>, WitnessError> {
        files::read(&self.folder.join("forked"), NOTE_BYTES_MAX)
    }

    /// Keeps the first proof that the log forked. A later one says nothing more, and would be a way to fill the disk.
    pub(crate) fn keep_fork(&self, note: &str) -> Result<(), WitnessError> {
        let path = self.folder.join("forked");
        if fs::exists(&path).map_err(WitnessError::file(&path))? {
            return Ok(());
        }
        files::replace(&path, note.as_bytes())
    }
}
