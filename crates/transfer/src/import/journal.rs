//! Where an import is, in a small file that survives it: everything up to one place of a fixed order is done.
//!
//! Names of files can name patients: the file is for its owner alone, and it is removed when the import is complete.

use crate::TransferError;
use crate::source::{Place, PlaceWords};
use crate::tally::Tally;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Bytes of a journal: a place and a tally have some thousand.
const JOURNAL_BYTES_MAX: u64 = 4 << 20;

/// What is written down.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// What is imported, and where to: another import must not go on with this.
    what: Vec<String>,
    place: Option<PlaceWords>,
    tally: Tally,
}

/// The journal of one import.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    record: Record,
}

impl Journal {
    /// Begins a journal, or goes on with one.
    ///
    /// # Errors
    /// [`TransferError::JournalThere`] when one is there and nobody said to go on with it,
    /// [`TransferError::JournalWrong`] when it is that of another import.
    pub fn open(path: &Path, what: Vec<String>, resume: bool) -> Result<Self, TransferError> {
        let path = path.to_owned();
        let failed = |cause| TransferError::File { path: path.clone(), cause };
        let present = match File::open(&path) {
            Ok(file) => {
                let mut text = Vec::new();
                io::Read::read_to_end(&mut io::Read::take(file, JOURNAL_BYTES_MAX), &mut text)
                    .map_err(failed)?;
                Some(text)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        match present {
            None => Ok(Self { path, record: Record { what, place: None, tally: Tally::default() } }),
            Some(_) if !resume => {
                Err(TransferError::JournalThere { path, what: "an import that was interrupted" })
            }
            Some(text) => {
                let wrong = |why| TransferError::JournalWrong { path: path.clone(), why };
                let record: Record = serde_json::from_slice(&text).map_err(|_| wrong("it cannot be read"))?;
                if record.what != what {
                    return Err(wrong("it is about other paths or another server"));
                }
                Ok(Self { path, record })
            }
        }
    }

    /// The last place that is done, if any.
    pub(crate) fn place(&self) -> Option<Place> {
        self.record.place.clone().and_then(Place::of_words)
    }

    /// What became of everything up to there.
    pub(crate) const fn tally(&self) -> &Tally {
        &self.record.tally
    }

    /// Everything up to this place is done.
    pub(crate) fn advance(&mut self, place: &Place, tally: Tally) {
        self.record.place = Some(place.to_words());
        self.record.tally.merge(tally);
    }

    /// Writes it down: the file holds the old state or the new one, whatever happens.
    pub(crate) fn save(&self) -> Result<(), TransferError> {
        let mut next = self.path.clone().into_os_string();
        next.push(".next");
        let write = || -> io::Result<()> {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
            file.write_all(&serde_json::to_vec(&self.record)?)?;
            file.sync_all()?;
            fs::rename(&next, &self.path)
        };
        write().map_err(|cause| TransferError::File { path: self.path.clone(), cause })
    }

    /// The import is complete.
    pub(crate) fn remove(self) -> Result<(), TransferError> {
        match fs::remove_file(&self.path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(TransferError::File { path: self.path, cause })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Verdict;

    #[test]
    fn a_journal_goes_on_where_it_was_and_only_when_told_and_only_for_the_same_import() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let what = vec!["https://a".to_owned(), "/cd".to_owned()];
        let mut journal = Journal::open(&path, what.clone(), true).unwrap();
        assert_eq!(journal.place(), None);
        let place = Place { source: 0, path: "a/b".into(), entry: vec![3] };
        let mut tally = Tally::default();
        assert_eq!(tally.add("a/b", 7, Verdict::Stored), None);
        journal.advance(&place, tally);
        journal.save().unwrap();
        assert!(matches!(Journal::open(&path, what.clone(), false), Err(TransferError::JournalThere { .. })));
        assert!(matches!(Journal::open(&path, vec![], true), Err(TransferError::JournalWrong { .. })));
        let again = Journal::open(&path, what.clone(), true).unwrap();
        assert_eq!((again.place(), again.tally().stored), (Some(place), 1));
        again.remove().unwrap();
        assert!(!path.exists());
        fs::write(&path, "no journal").unwrap();
        assert!(matches!(Journal::open(&path, what, true), Err(TransferError::JournalWrong { .. })));
    }
}
