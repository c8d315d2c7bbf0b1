//! What a migration knows, in a folder that survives it: the list of studies, and a line for each that was worked on.

use super::study::StudyReport;
use crate::process::private::make_directory;
use crate::transfer::TransferError;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const LIST: &str = "studies.jsonl";
const REPORT: &str = "report.jsonl";

/// The first line of the list: what is moved, and where to.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct About {
    from: String,
    to: String,
    dates: String,
}

/// A study of the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) study: String,
    /// Instances, where the source says so.
    pub(crate) instances: Option<u64>,
}

/// The folder of one migration.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Begins a migration, or goes on with one.
    ///
    /// # Errors
    /// [`TransferError::JournalThere`] when one is there and nobody said to go on with it,
    /// [`TransferError::JournalWrong`] when it is that of another migration.
    pub(crate) fn open(path: &Path, about: [&str; 3], resume: bool) -> Result<(Self, bool), TransferError> {
        let [from, to, dates] = about.map(str::to_owned);
        let about = About { from, to, dates };
        let folder = Self { path: path.to_owned() };
        let listed = match File::open(folder.path.join(LIST)) {
            Ok(file) => {
                let mut line = String::new();
                BufReader::new(file).read_line(&mut line).map_err(|cause| folder.failed(cause))?;
                let wrong = |why| TransferError::JournalWrong { path: folder.path.clone(), why };
                let present: About = serde_json::from_str(&line).map_err(|_| wrong("it cannot be read"))?;
                if !resume {
                    let what = "a migration that was begun".to_owned();
                    return Err(TransferError::JournalThere { path: folder.path, what });
                }
                if present != about {
                    return Err(wrong("it is about another source, another server or other dates"));
                }
                true
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_directory(&folder.path).map_err(|cause| folder.failed(cause))?;
                // The list has its name only when it is whole.
                let mut file = folder.create("studies.part")?;
                let mut line = serde_json::to_vec(&about).map_err(|error| folder.failed(error.into()))?;
                line.push(b'\n');
                file.write_all(&line).map_err(|cause| folder.failed(cause))?;
                false
            }
            Err(cause) => return Err(folder.failed(cause)),
        };
        Ok((folder, listed))
    }

    /// Adds to the list that is being made.
    pub(crate) fn list(&self, studies: &[Listed]) -> Result<(), TransferError> {
        self.append("studies.part", studies)
    }

    /// The list is whole.
    pub(crate) fn listed(&self) -> Result<(), TransferError> {
        let part = self.path.join("studies.part");
        let whole = || {
            File::open(&part)?.sync_all()?;
            std::fs::rename(&part, self.path.join(LIST))
        };
        whole().map_err(|cause| self.failed(cause))
    }

    /// The studies that are not done, one after the other.
    pub(crate) fn left(
        &self,
    ) -> Result<impl Iterator<Item = Result<Listed, TransferError>> + use<>, TransferError> {
        let done = self.done()?;
        let file = File::open(self.path.join(LIST)).map_err(|cause| self.failed(cause))?;
        let path = self.path.clone();
        let studies = BufReader::new(file).lines().skip(1).map(move |line| {
            let parsed = line.and_then(|line| serde_json::from_str::<Listed>(&line).map_err(Into::into));
            parsed.map_err(|cause| TransferError::File { path: path.clone(), cause })
        });
        Ok(studies.filter(move |study| !study.as_ref().is_ok_and(|study| done.contains(&key(&study.study)))))
    }

    /// Everything that is known of studies that were worked on; of one that was worked on again, the last line counts.
    pub(crate) fn reports(&self) -> Result<Vec<StudyReport>, TransferError> {
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
    pub(crate) fn report(&self, report: &StudyReport) -> Result<(), TransferError> {
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

    fn create(&self, name: &str) -> Result<File, TransferError> {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.path.join(name))
            .map_err(|cause| self.failed(cause))
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

/// A study in 16 bytes, so that a million of them take little memory.
fn key(study: &str) -> [u8; 16] {
    let digest = yingdun_crypto::digest::sha256(study.as_bytes());
    let mut key = [0; 16];
    key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_goes_on_with_its_list_and_with_what_was_not_good() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("m");
        let about = ["http://pacs", "https://here", ""];
        let (folder, listed) = Folder::open(&path, about, false).unwrap();
        assert!(!listed);
        let study = |name: &str| Listed { study: name.to_owned(), instances: Some(1) };
        folder.list(&[study("1.1"), study("1.2"), study("1.3")]).unwrap();
        folder.listed().unwrap();
        folder.report(&StudyReport { listed: 1, same: 1, ..StudyReport::of("1.1") }).unwrap();
        folder.report(&StudyReport { listed: 2, same: 1, missing: 1, ..StudyReport::of("1.2") }).unwrap();
        std::fs::OpenOptions::new()
            .append(true)
            .open(path.join(REPORT))
            .unwrap()
            .write_all(b"{\"study\":\"1.3\",")
            .unwrap();
        assert!(matches!(Folder::open(&path, about, false), Err(TransferError::JournalThere { .. })));
        let other = ["http://other", "https://here", ""];
        assert!(matches!(Folder::open(&path, other, true), Err(TransferError::JournalWrong { .. })));
        let (folder, listed) = Folder::open(&path, about, true).unwrap();
        assert!(listed);
        let left: Vec<String> = folder.left().unwrap().map(|study| study.unwrap().study).collect();
        assert_eq!(left, ["1.2", "1.3"]);
        // An interrupted listing is begun anew.
        let (again, listed) = Folder::open(&root.path().join("n"), about, true).unwrap();
        assert!(!listed && again.left().is_err());
    }
}
