//! Walks a folder lazily: the names of one path of folders are held, and nothing is opened.

use std::ffi::OsString;
use std::fs::{FileType, read_dir};
use std::io;
use std::path::{Path, PathBuf};

/// Folders inside each other. A path of an operating system ends long before.
const DEPTH_MAX: usize = 128;

/// What stands under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file of so many bytes.
    File(u64),
    Link,
    Special,
    Missing,
    Unreadable(String),
}

/// Paths below a root, and what stands there, sorted by path.
pub(super) struct Walk {
    pub(super) root: PathBuf,
    state: State,
}

enum State {
    /// One file, which is the root itself.
    One(bool),
    /// Folders that are being read, the innermost last: each with the names that are left.
    Folders(Vec<(PathBuf, std::vec::IntoIter<OsString>)>),
    /// Paths that somebody has named.
    List(std::vec::IntoIter<PathBuf>),
}

impl Walk {
    pub(super) fn of_file(path: PathBuf) -> Self {
        Self { root: path, state: State::One(false) }
    }

    pub(super) fn of_folder(root: PathBuf) -> Self {
        // The root itself is the one name that is left to read.
        let first = vec![OsString::new()].into_iter();
        Self { root, state: State::Folders(vec![(PathBuf::new(), first)]) }
    }

    /// Paths below the root, sorted.
    pub(super) fn of_list(root: PathBuf, paths: Vec<PathBuf>) -> Self {
        Self { root, state: State::List(paths.into_iter()) }
    }

    pub(super) fn next(&mut self) -> Option<(PathBuf, Kind)> {
        match &mut self.state {
            State::One(true) => None,
            State::One(done) => {
                *done = true;
                let bytes = self.root.metadata().map(|metadata| metadata.len());
                let kind = bytes.map_or_else(|error| Kind::Unreadable(error.to_string()), Kind::File);
                Some((PathBuf::new(), kind))
            }
            State::List(paths) => {
                let path = paths.next()?;
                let over_a_link = path.ancestors().skip(1).any(|folder| self.root.join(folder).is_symlink());
                let kind = if over_a_link {
                    Kind::Link
                } else {
                    look(&self.root.join(&path))
                        .unwrap_or_else(|| Kind::Unreadable("a folder, not a file".into()))
                };
                Some((path, kind))
            }
            State::Folders(open) => loop {
                let (folder, names) = open.last_mut()?;
                let Some(name) = names.next() else {
                    open.pop();
                    continue;
                };
                let path = if name.is_empty() { PathBuf::new() } else { folder.join(name) };
                let full =
                    if path.as_os_str().is_empty() { self.root.clone() } else { self.root.join(&path) };
                // The root may be a link: whoever names it means what it points to.
                let kind = if path.as_os_str().is_empty() { None } else { look(&full) };
                match kind {
                    Some(kind) => return Some((path, kind)),
                    None if open.len() > DEPTH_MAX => {
                        let reason = format!("more than {DEPTH_MAX} folders inside each other");
                        return Some((path, Kind::Unreadable(reason)));
                    }
                    None => match names_of(&full) {
                        Ok(names) => open.push((path, names)),
                        Err(error) => return Some((path, Kind::Unreadable(error.to_string()))),
                    },
                }
            },
        }
    }
}

/// What stands at a path; `None` for a folder.
fn look(path: &Path) -> Option<Kind> {
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(Kind::Missing),
        Err(error) => return Some(Kind::Unreadable(error.to_string())),
    };
    let kind: FileType = metadata.file_type();
    if kind.is_dir() {
        None
    } else if kind.is_file() {
        Some(Kind::File(metadata.len()))
    } else if kind.is_symlink() {
        Some(Kind::Link)
    } else {
        Some(Kind::Special)
    }
}

/// The names in a folder, sorted as paths are.
fn names_of(folder: &Path) -> io::Result<std::vec::IntoIter<OsString>> {
    let mut names = read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names.into_iter())
}
