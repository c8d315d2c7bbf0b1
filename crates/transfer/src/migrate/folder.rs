//! What a migration knows, in a folder that survives it: the list of studies, and a line for each that was worked on.

use super::listing::{Dates, Gaps, Listed, key};
use super::report::StudyReport;
use crate::TransferError;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The studies of the source.
const LIST: &str = "studies.jsonl";

/// What is moved, and what its list lacks. Written when the list is whole.
const ABOUT: &str = "about.json";

const REPORT: &str = "report.jsonl";

/// What is moved, and where to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    from: String,
    to: String,
    since: Option<String>,
    until: Option<String>,
}

/// The same, with what is known when the list is whole.
#[derive(Debug, Serialize, Deserialize)]
struct Listing {
    about: About,
    gaps: Gaps,
}

/// The folder of one migration.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    about: About,
}

impl Folder {
    /// Begins a migration from one address to another, or goes on with one.
    ///
    /// # Errors
    /// [`TransferError::JournalThere`] when one is there and nobody said to go on with it,
    /// [`TransferError::JournalWrong`] when it is that of another migration.
    pub fn open(
        path: &Path,
        from: &str,
        to: &str,
        dates: &Dates,
        resume: bool,
    ) -> Result<Self, TransferError> {
        let Dates { since, until } = dates.clone();
        let about = About { from: from.to_owned(), to: to.to_owned(), since, until };
        let folder = Self { path: path.to_owned(), about };
        match folder.listing()? {
            Some(_) if !resume => {
                let what = "a migration that was begun";
                Err(TransferError::JournalThere { path: folder.path, what })
            }
            Some(Listing { about, .. }) if about != folder.about => {
                let why = "it is about another source, another server or other dates";
                Err(TransferError::JournalWrong { path: folder.path, why })
            }
            Some(_) => Ok(folder),
            None => {
                let mut builder = DirBuilder::new();
                let made = builder.recursive(true).mode(0o700).create(&folder.path);
                made.map_err(|cause| folder.failed(cause))?;
                // A list that was interrupted is begun anew.
                folder.write(LIST, b"")?;
                Ok(folder)
            }
        }
    }

    /// Whether the list is whole.
    pub(super) fn is_listed(&self) -> Result<bool, TransferError> {
        self.listing().map(|listing| listing.is_some())
    }

    /// What the list may lack.
    pub(super) fn gaps(&self) -> Result<Gaps, TransferError> {
        Ok(self.listing()?.map(|listing| listing.gaps).unwrap_or_default())
    }

    /// Adds to the list that is being made.
    pub(super) fn list(&self, studies: &[Listed]) -> Result<(), TransferError> {
        if studies.is_empty() {
            return Ok(());
        }
        self.append(LIST, studies)
    }

    /// The list is whole.
    pub(super) fn listed(&self, gaps: &Gaps) -> Result<(), TransferError> {
        let listing = Listing { about: self.about.clone(), gaps: gaps.clone() };
        let text = serde_json::to_vec(&listing).map_err(|error| self.failed(error.into()))?;
        self.write("about.part", &text)?;
        std::fs::rename(self.path.join("about.part"), self.path.join(ABOUT))
            .map_err(|cause| self.failed(cause))
    }

    fn listing(&self) -> Result<Option<Listing>, TransferError> {
        match std::fs::read(self.path.join(ABOUT)) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|_| TransferError::JournalWrong {
                path: self.path.clone(),
                why: "it cannot be read",
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(self.failed(cause)),
        }
    }

    /// The studies that are not done, one after the other.
    pub(super) fn left(
        &self,
    ) -> Result<impl Iterator<Item = Result<Listed, TransferError>> + use<>, TransferError> {
        let done = self.done()?;
        let file = File::open(self.path.join(LIST)).map_err(|cause| self.failed(cause))?;
        let path = self.path.clone();
        let studies = BufReader::new(file).lines().map(move |line| {
            let parsed = line.and_then(|line| serde_json::from_str::<Listed>(&line).map_err(Into::into));
            parsed.map_err(|cause| TransferError::File { path: path.clone(), cause })
        });
        Ok(studies.filter(move |study| !study.as_ref().is_ok_and(|study| done.contains(&key(&study.study)))))
    }

    /// Everything that is known of studies that were worked on; of one that was worked on again, the last line counts.
    pub(super) fn reports(&self) -> Result<Vec<StudyReport>, TransferError> {
        let file = match File::open(self.path.join(REPORT)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(self.failed(cause)),
        };
        // A line that was cut by a crash is a study that is not done.
        let lines = BufReader::new(file).lines().map_while(Result::ok);
        Ok(lines.filter_map(|line| serde_json::from_str(&line).ok()).collect())
    }

    /// Writes down what became of a study.
    pub(super) fn report(&self, report: &StudyReport) -> Result<(), TransferError> {
        self.append(REPORT, std::slice::from_ref(report))
    }

    fn done(&self) -> Result<HashSet<[u8; 16]>, TransferError> {
        Ok(self
            .reports()?
            .iter()
            .filter(|report| report.is_good())
            .map(|report| key(&report.study))
            .collect())
    }

    /// Writes a file anew, for its owner alone.
    fn write(&self, name: &str, text: &[u8]) -> Result<(), TransferError> {
        let write = || {
            let mut options = OpenOptions::new();
            let mut file =
                options.write(true).create(true).truncate(true).mode(0o600).open(self.path.join(name))?;
            file.write_all(text)?;
            file.sync_all()
        };
        write().map_err(|cause| self.failed(cause))
    }

    /// Appends lines; each is written whole or cut at its end.
    fn append(&self, name: &str, lines: &[impl Serialize]) -> Result<(), TransferError> {
        let write = || {
            let mut text = Vec::new();
            for line in lines {
                serde_json::to_writer(&mut text, line)?;
                text.push(b'\n');
            }
            let mut options = OpenOptions::new();
            let mut file = options.append(true).create(true).mode(0o600).open(self.path.join(name))?;
            file.write_all(&text)?;
            file.sync_data()
        };
        write().map_err(|cause| self.failed(cause))
    }

    fn failed(&self, cause: io::Error) -> TransferError {
        TransferError::File { path: self.path.clone(), cause }
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Counts;
    use super::*;

    #[test]
    fn a_migration_goes_on_with_its_list_and_with_what_was_not_good() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("m");
        let open = |from: &str, resume| Folder::open(&path, from, "https://here", &Dates::default(), resume);
        let folder = open("http://pacs", false).unwrap();
        assert!(!folder.is_listed().unwrap());
        let study = |name: &str| Listed { study: name.to_owned(), instances: Some(1) };
        folder.list(&[study("0")]).unwrap();
        // A list that was interrupted is begun anew.
        let folder = open("http://pacs", false).unwrap();
        folder.list(&[study("1.1"), study("1.2"), study("1.3")]).unwrap();
        let gaps = Gaps { undated: true, spans: vec!["20200101".to_owned()] };
        folder.listed(&gaps).unwrap();
        let report = |study, listed, missing| StudyReport {
            counts: Counts { listed, same: 1, missing, ..Counts::default() },
            ..StudyReport::of(study)
        };
        folder.report(&report("1.1", 1, 0)).unwrap();
        folder.report(&report("1.2", 2, 1)).unwrap();
        let mut options = OpenOptions::new();
        let mut cut = options.append(true).open(path.join(REPORT)).unwrap();
        cut.write_all(b"{\"study\":\"1.3\",").unwrap();
        assert!(matches!(open("http://pacs", false), Err(TransferError::JournalThere { .. })));
        assert!(matches!(open("http://other", true), Err(TransferError::JournalWrong { .. })));
        let folder = open("http://pacs", true).unwrap();
        assert!(folder.is_listed().unwrap() && folder.gaps().unwrap() == gaps);
        let left: Vec<String> = folder.left().unwrap().map(|study| study.unwrap().study).collect();
        assert_eq!(left, ["1.2", "1.3"]);
    }
}
