//! What was rehearsed: one signed note each, for whoever has to prove that restores are tried.

use crate::manifest::{numbers_of, read_note, write_note};
use crate::vault::now_ms;
use crate::{RunningTime, Vault, VaultError, files};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

const FOLDER: &str = "rehearsals";
const SUFFIX: &str = "rehearsal";

/// A restore that was rehearsed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rehearsal {
    /// From 1.
    pub number: u64,
    /// When it ended, by the clock of this host, in milliseconds since 1970.
    pub at_ms: i64,
    /// The running time of this host then.
    pub running: RunningTime,
    /// Of which snapshot.
    pub snapshot: u64,
    /// When the packs of the snapshot were listed, by the clock of this host, in milliseconds since 1970.
    pub taken_ms: i64,
    /// How long it took from the first byte to the last check, in seconds.
    pub rto_seconds: f64,
    /// How old the snapshot was when it began, in seconds.
    pub rpo_seconds: u64,
    /// Whether everything that was not destroyed opened.
    pub good: bool,
    /// What was found, in the words of the report.
    pub found: Value,
}

impl Vault {
    /// Signs what a rehearsal of a snapshot found and keeps it; gives it with its number.
    ///
    /// # Errors
    /// [`VaultError`] when it cannot be written.
    pub fn note_rehearsal(&self, rehearsal: Rehearsal) -> Result<Rehearsal, VaultError> {
        let folder = self.rehearsals_folder();
        files::make_folder(&folder)?;
        let number = numbers_of(&folder, SUFFIX)?.last().map_or(1, |last| last + 1);
        let rehearsal = Rehearsal { number, at_ms: now_ms(), running: self.running_time()?, ..rehearsal };
        write_note(&path_of(&folder, number), &self.signer, &rehearsal)?;
        Ok(rehearsal)
    }

    /// What was rehearsed, oldest first, each with its signature checked.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] when one is not what this vault signed.
    pub fn rehearsals(&self) -> Result<Vec<Rehearsal>, VaultError> {
        let folder = self.rehearsals_folder();
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let read = |number: u64| {
            let path = path_of(&folder, number);
            let (_, rehearsal): (_, Rehearsal) = read_note(&path, self.signer.verifier())?;
            match rehearsal.number == number {
                true => Ok(rehearsal),
                false => Err(VaultError::damaged(&path, format!("it is rehearsal {}", rehearsal.number))),
            }
        };
        numbers_of(&folder, SUFFIX)?.into_iter().map(read).collect()
    }

    fn rehearsals_folder(&self) -> PathBuf {
        self.folder.join(FOLDER)
    }
}

fn path_of(folder: &std::path::Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.{SUFFIX}"))
}
