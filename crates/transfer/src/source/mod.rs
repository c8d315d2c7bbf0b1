//! What is to be imported: files of folders, of media and of archives, one after the other in an order that is the same
//! in every run, so that an interrupted import knows where it was.
//!
//! Nothing is unpacked to disk, no link is followed, and what is held in memory is the names of one path of folders or the
//! table of one archive.

mod archive;
mod medium;
mod walk;

use crate::tally::{Skip, Verdict};
use archive::{DEPTH_MAX, Entry, Named, Open, Span, What, Zipped, named};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{ffi::OsString, fmt};
use walk::Walk;

/// Where a file stands in the order of an import: the named path, the file below it, and the entry of an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) source: usize,
    pub(crate) path: PathBuf,
    /// Where that is an archive: the entry, and the entry of the archive that it is, and so on.
    pub(crate) entry: Vec<usize>,
}

/// A file, or why there is none.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) place: Place,
    /// Its name for people.
    pub(crate) name: String,
    pub(crate) what: Result<Candidate, Verdict>,
}

/// A file that may be a DICOM object.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) bytes: u64,
    origin: Origin,
}

#[derive(Clone)]
enum Origin {
    File(PathBuf),
    Entry(Arc<Zipped>, usize),
    Span(Span),
}

impl Candidate {
    /// Opens it and hands its bytes to `work`.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&mut dyn Read) -> T) -> io::Result<T> {
        match &self.origin {
            Origin::File(path) => File::open(path).map(|mut file| work(&mut file)),
            Origin::Entry(archive, index) => archive.read(*index, work),
            Origin::Span(span) => Ok(work(&mut span.reader())),
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Entry(_, index) => write!(f, "entry {index}"),
            Self::Span(span) => write!(f, "{} bytes", span.bytes()),
        }
    }
}

impl Place {
    /// The place as a journal keeps it: names of old media are not always text.
    pub(crate) fn to_words(&self) -> PlaceWords {
        (self.source, hex::encode(self.path.as_os_str().as_bytes()), self.entry.clone())
    }

    pub(crate) fn of_words((source, path, entry): PlaceWords) -> Option<Self> {
        let path = PathBuf::from(OsString::from_vec(hex::decode(path).ok()?));
        Some(Self { source, path, entry })
    }
}

/// A place as a journal keeps it.
pub(crate) type PlaceWords = (usize, String, Vec<usize>);

/// An archive that is being read: where it stands, its name, and the number of its next entry.
struct Inside {
    archive: Open,
    place: Place,
    name: String,
    next: usize,
}

/// Everything below the named paths.
pub(crate) struct Sources {
    paths: Vec<PathBuf>,
    all_files: bool,
    next: usize,
    /// The walk of the named path that is being read.
    walk: Option<Walk>,
    /// The archives that are being read, the innermost last.
    inside: Vec<Inside>,
}

impl Sources {
    /// Prepares to read. With `all_files`, a DICOMDIR says nothing about which files of its medium are read.
    ///
    /// # Errors
    /// The first path that is not there.
    pub(crate) fn new(paths: Vec<PathBuf>, all_files: bool) -> Result<Self, (PathBuf, io::Error)> {
        for path in &paths {
            path.metadata().map_err(|cause| (path.clone(), cause))?;
        }
        Ok(Self { paths, all_files, next: 0, walk: None, inside: Vec::new() })
    }

    fn open_next(&mut self) -> Option<()> {
        let path = self.paths.get(self.next)?;
        let (folder, table) = if path.is_dir() {
            (path.clone(), medium::table_in(path))
        } else if medium::is_table(path) {
            (path.parent().map(Path::to_owned).unwrap_or_default(), Some(path.clone()))
        } else {
            (path.clone(), None)
        };
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        // A DICOMDIR that cannot be read is no reason to leave images behind: then every file is read.
        let named = table.filter(|_| !self.all_files).and_then(|table| medium::references(&folder, &table));
        self.walk = Some(match named {
            Some(references) => Walk::of_list(folder, references),
            None if folder.is_dir() => Walk::of_folder(folder),
            None => Walk::of_file(folder),
        });
        self.next += 1;
        Some(())
    }

    /// The next file in the archives that are open.
    fn entry(&mut self) -> Option<Found> {
        loop {
            let depth = self.inside.len();
            let Inside { archive, place, name, next } = self.inside.last_mut()?;
            let Some(Entry { name: inner, what }) = archive.next() else {
                self.inside.pop();
                continue;
            };
            let mut place = place.clone();
            place.entry.push(*next);
            *next += 1;
            let name = format!("{name}:{inner}");
            let what = match what {
                What::File(what) => what,
                What::Archive(..) if depth >= DEPTH_MAX => {
                    Err(Verdict::Unreadable(format!("more than {DEPTH_MAX} archives inside each other")))
                }
                What::Archive(kind, span) => match Open::span(kind, span) {
                    Ok(archive) => {
                        self.inside.push(Inside { archive, place, name, next: 0 });
                        continue;
                    }
                    Err(reason) => Err(Verdict::Unreadable(reason)),
                },
            };
            return Some(Found { place, name, what });
        }
    }
}

impl Iterator for Sources {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            if let Some(found) = self.entry() {
                return Some(found);
            }
            let Some((path, kind)) = self.walk.as_mut().and_then(Walk::next) else {
                self.walk = None;
                self.open_next()?;
                continue;
            };
            let root = self.walk.as_ref().map(|walk| walk.root.clone()).unwrap_or_default();
            let full = if path.as_os_str().is_empty() { root } else { root.join(&path) };
            let name = full.display().to_string();
            let place = Place { source: self.next - 1, path, entry: Vec::new() };
            let what = match (kind, named(&full)) {
                (walk::Kind::File(_), Named::Archive(kind)) => match Open::file(kind, &full) {
                    Ok(archive) => {
                        self.inside.push(Inside { archive, place, name, next: 0 });
                        continue;
                    }
                    Err(reason) => Err(Verdict::Unreadable(reason)),
                },
                (walk::Kind::File(_), Named::OtherArchive) => Err(Verdict::Skipped(Skip::OtherArchive)),
                (walk::Kind::File(_), Named::Plain) if medium::is_table(&full) => {
                    Err(Verdict::Skipped(Skip::MediaDirectory))
                }
                (walk::Kind::File(bytes), Named::Plain) => {
                    Ok(Candidate { bytes, origin: Origin::File(full) })
                }
                (walk::Kind::Link, _) => Err(Verdict::Skipped(Skip::SymbolicLink)),
                (walk::Kind::Special, _) => Err(Verdict::Skipped(Skip::SpecialFile)),
                (walk::Kind::Missing, _) => Err(Verdict::Missing),
                (walk::Kind::Unreadable(reason), _) => Err(Verdict::Unreadable(reason)),
            };
            return Some(Found { place, name, what });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::SimpleFileOptions;

    fn names(paths: &[&Path], all_files: bool) -> Vec<String> {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let found: Vec<Found> = Sources::new(paths, all_files).unwrap().collect();
        assert!(found.iter().map(|found| &found.place).is_sorted(), "{found:#?}");
        found
            .iter()
            .map(|found| {
                let kind = match &found.what {
                    Ok(candidate) => candidate.bytes.to_string(),
                    Err(verdict) => format!("{verdict:?}").split('(').next().unwrap().to_owned(),
                };
                format!("{} {kind}", found.name.rsplit('/').next().unwrap())
            })
            .collect()
    }

    fn zip_of(path: &Path, entries: &[(&str, &[u8])]) {
        let mut writer = zip::ZipWriter::new(File::create(path).unwrap());
        for (name, bytes) in entries {
            let method = zip::CompressionMethod::Deflated;
            writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap();
    }

    #[test]
    fn a_tree_is_read_in_the_order_of_its_paths_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("b/deep")).unwrap();
        for (name, text) in [("a", "1"), ("b/deep/x", "12"), ("b.txt", "123"), ("c", "1234")] {
            std::fs::write(root.join(name), text).unwrap();
        }
        std::os::unix::fs::symlink("/etc", root.join("d")).unwrap();
        zip_of(&root.join("b/y.zip"), &[("one", b"12345"), ("../../two", b"123456")]);
        let all = ["a 1", "x 2", "y.zip:one 5", "two 6", "b.txt 3", "c 4", "d Skipped"];
        assert_eq!(names(&[root], false), all);
        assert_eq!(names(&[&root.join("c"), &root.join("a")], false), ["c 4", "a 1"]);
        assert!(Sources::new(vec![root.join("nowhere")], false).is_err());
    }

    /// A header of a tar archive with its content, filled up.
    fn tar_entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut block = vec![0; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        block[156] = kind;
        block[257..263].copy_from_slice(b"ustar\0");
        block[148..156].fill(b' ');
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        block.extend_from_slice(content);
        block.resize(block.len().next_multiple_of(512), 0);
        block
    }

    #[test]
    fn archives_that_lie_in_others_as_they_are_are_read_in_place_and_packed_ones_are_faults() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        zip_of(&root.join("inner.zip"), &[("one", b"1")]);
        let inner = std::fs::read(root.join("inner.zip")).unwrap();
        std::fs::remove_file(root.join("inner.zip")).unwrap();
        let long = "n".repeat(200);
        let tar = [
            tar_entry("folder/", b'5', b""),
            tar_entry("x", b'x', format!("{} path={long}\n", 10 + long.len()).as_bytes()),
            tar_entry("short", b'0', b"long name"),
            tar_entry("L", b'L', b"from GNU\0"),
            tar_entry("short", b'0', b"12"),
            tar_entry("link", b'2', b""),
            tar_entry("inner.zip", b'0', &inner),
            vec![0; 1024],
        ]
        .concat();
        let mut writer = zip::ZipWriter::new(File::create(root.join("outer.zip")).unwrap());
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        let packed = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        for (name, options, content) in [
            ("a.tar", stored, &tar),
            ("b.zip", stored, &inner),
            ("c.zip", packed, &inner),
            ("d.7z", stored, &inner),
        ] {
            writer.start_file(name, options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap();
        let expected = [
            format!("outer.zip:a.tar:{long} 9"),
            "outer.zip:a.tar:from GNU 2".to_owned(),
            "outer.zip:a.tar:link Skipped".to_owned(),
            "outer.zip:a.tar:inner.zip:one 1".to_owned(),
            "outer.zip:b.zip:one 1".to_owned(),
            "outer.zip:c.zip Unreadable".to_owned(),
            "outer.zip:d.7z Skipped".to_owned(),
        ];
        assert_eq!(names(&[root], false), expected);
        for found in Sources::new(vec![root.to_owned()], false).unwrap() {
            let Ok(candidate) = found.what else { continue };
            let mut content = Vec::new();
            candidate.read(|reader| reader.read_to_end(&mut content)).unwrap().unwrap();
            assert_eq!(content.len() as u64, candidate.bytes, "{}", found.name);
        }
    }

    #[test]
    fn any_bytes_under_the_name_of_a_tar_archive_end_in_a_fault_and_what_was_before_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        let whole = [tar_entry("one", b'0', b"first"), tar_entry("two", b'0', &[7; 600])].concat();
        std::fs::write(&path, &whole[..1400]).unwrap();
        assert_eq!(names(&[&path], false), ["a.tar:one 5", "a.tar:1024 Unreadable"]);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            std::fs::write(&path, &bytes).unwrap();
            assert!(Sources::new(vec![path.clone()], false).unwrap().count() <= 3, "byte {at}");
        }
    }

    #[test]
    fn places_come_back_from_a_journal_whatever_bytes_their_names_have() {
        let path = PathBuf::from(OsString::from_vec(b"\xcd\xf5/IM1".to_vec()));
        let place = Place { source: 1, path, entry: vec![7, 0] };
        assert_eq!(Place::of_words(place.to_words()), Some(place));
        assert_eq!(Place::of_words((0, "no hex".to_owned(), Vec::new())), None);
    }

    #[test]
    fn an_entry_is_read_up_to_what_it_says_and_a_bomb_is_not_read_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bomb.zip");
        zip_of(&path, &[("zeros", &vec![0; 4 << 20]), ("text", b"hello")]);
        let found: Vec<Found> = Sources::new(vec![path.clone()], false).unwrap().collect();
        assert!(matches!(&found[0].what, Err(Verdict::Unreadable(_))), "{found:?}");
        let mut text = String::new();
        found[1].what.as_ref().unwrap().read(|reader| reader.read_to_string(&mut text)).unwrap().unwrap();
        assert_eq!(text, "hello");
        // A damaged archive is one fault, and a damaged entry ends in an error and not in other bytes.
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 10]).unwrap();
        assert_eq!(names(&[&path], false), ["bomb.zip Unreadable"]);
    }

    #[test]
    fn any_bytes_under_the_name_of_an_archive_are_a_fault_and_no_crash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        zip_of(&path, &[("one", b"first"), ("two", b"second, which is longer")]);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            std::fs::write(&path, &bytes).unwrap();
            for found in Sources::new(vec![path.clone()], false).unwrap() {
                if let Ok(candidate) = found.what {
                    let mut text = Vec::new();
                    if let Ok(Ok(_)) = candidate.read(|reader| reader.read_to_end(&mut text)) {
                        let known: [&[u8]; 2] = [b"first", b"second, which is longer"];
                        assert!(known.contains(&text.as_slice()), "byte {at}");
                    }
                }
            }
        }
    }
}
