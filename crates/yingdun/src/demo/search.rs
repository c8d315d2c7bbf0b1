//! Searches every file of a folder for names and identifiers, byte by byte, as a thief would.

use memchr::memmem::Finder;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use yingdun_dicom::synthetic::{Patient, Repertoire};

/// The shortest spelling that is searched for, in bytes. Shorter ones turn up in ciphertext by chance: among a
/// hundred megabytes of random bytes, six given ones in a row stand with a probability of one in a million.
const SPELLING_BYTES_MIN: usize = 6;

/// What was searched and found.
pub(super) struct Searched {
    pub(super) files: usize,
    pub(super) bytes: u64,
    /// Where a spelling was found.
    pub(super) found: Option<PathBuf>,
}

/// How a patient may stand in a file: name, each of its groups and the patient ID, as UTF-8, GB18030, Latin-1 and
/// UTF-16.
pub(super) fn spellings<'a>(patients: impl Iterator<Item = &'a Patient>) -> Vec<Vec<u8>> {
    let mut spellings = BTreeSet::new();
    for patient in patients {
        let texts = patient.name.split('=').chain([patient.name.as_str(), patient.id.as_str()]);
        for text in texts {
            for repertoire in [Repertoire::Utf8, Repertoire::Gb18030, Repertoire::Latin1] {
                // What a character set cannot write comes out as question marks and is no spelling.
                let bytes = repertoire.encode(text);
                if !bytes.contains(&b'?') {
                    spellings.insert(bytes);
                }
            }
            spellings.insert(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        }
    }
    spellings.into_iter().filter(|spelling| spelling.len() >= SPELLING_BYTES_MIN).collect()
}

/// Searches every file below a folder, with every processor.
pub(super) fn search(folder: &Path, spellings: &[Vec<u8>]) -> io::Result<Searched> {
    let mut files = Vec::new();
    list(folder, &mut files)?;
    let finders: Vec<Finder<'_>> = spellings.iter().map(Finder::new).collect();
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let work = || -> io::Result<(u64, Option<PathBuf>)> {
        let mut searched = 0;
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let bytes = match std::fs::read(path) {
                Ok(bytes) => bytes,
                // A journal that was recycled meanwhile is gone for a thief as well.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            searched += bytes.len() as u64;
            if finders.iter().any(|finder| finder.find(&bytes).is_some()) {
                return Ok((searched, Some(path.clone())));
            }
        }
        Ok((searched, None))
    };
    let parts: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
    });
    let mut whole = Searched { files: files.len(), bytes: 0, found: None };
    for part in parts {
        let (bytes, found) = part?;
        whole.bytes += bytes;
        whole.found = whole.found.or(found);
    }
    Ok(whole)
}

/// Whether one of the spellings stands in these bytes.
pub(super) fn stands_in(bytes: &[u8], spellings: &[Vec<u8>]) -> bool {
    spellings.iter().any(|spelling| memchr::memmem::find(bytes, spelling).is_some())
}

/// Every file below a folder.
pub(super) fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patient() -> Patient {
        Patient {
            name: "Wang^Xiaoming=王^小明".into(),
            id: "P0000042".into(),
            birth_date: "19700101".into(),
            sex: "M",
            repertoire: Repertoire::Gb18030,
        }
    }

    #[test]
    fn a_name_is_found_in_every_spelling_and_nothing_is_found_where_there_is_none() {
        let spellings = spellings([patient()].iter());
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("below")).unwrap();
        let path = folder.path().join("below/file");
        std::fs::write(&path, vec![0; 5000]).unwrap();
        assert!(search(folder.path(), &spellings).unwrap().found.is_none());
        for text in ["王^小明", "Wang^Xiaoming", "P0000042"] {
            let forms = [
                text.as_bytes().to_vec(),
                Repertoire::Gb18030.encode(text),
                text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            ];
            for form in forms {
                let bytes = [vec![1; 100], form, vec![2; 100]].concat();
                std::fs::write(&path, bytes).unwrap();
                assert_eq!(search(folder.path(), &spellings).unwrap().found.as_ref(), Some(&path), "{text}");
            }
        }
    }
}
