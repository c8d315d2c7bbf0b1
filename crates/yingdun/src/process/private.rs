//! Keeps memory and files of the process to itself. Called first in `main`, before any secret is read.

use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask};
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Keys live in memory: no core dump may write them to a disk, no other process of the account may attach, and
/// no file is made that others can read.
///
/// # Errors
/// What the operating system says; the program must not go on then.
pub(crate) fn keep_private() -> io::Result<()> {
    umask(Mode::RWXG | Mode::RWXO);
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Makes a directory and those above it, for the owner alone. One that exists is left as it is.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a new file that is complete on the disk when this returns; one that exists is not overwritten.
pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    // The mask of the process would take from others what a public file grants them.
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    match path.parent() {
        // A bare file name has an empty parent: the current folder.
        Some(folder) if folder.as_os_str().is_empty() => std::fs::File::open(".")?.sync_all(),
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// A file that is complete on the disk, beside the one that it is to replace; removed again unless it is put in its place.
#[must_use = "the file is as it was until this is put in place"]
pub(crate) struct Replacement {
    path: PathBuf,
    beside: PathBuf,
}

impl Replacement {
    /// Writes it, with the mode of the file that is there.
    pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        // Through a link, as editors do it: the name that others know stays.
        let path = std::fs::canonicalize(path)?;
        let mode = path.metadata()?.permissions().mode() & 0o777;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let beside = path.with_file_name(format!(".{name}.new"));
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            // What a crash left.
            Ok(()) | Err(_) => {}
        }
        let replacement = Self { path, beside };
        write_new(&replacement.beside, bytes, mode)?;
        Ok(replacement)
    }

    /// Replaces the file. A crash leaves the old one or the new one.
    pub(crate) fn put_in_place(self) -> io::Result<()> {
        std::fs::rename(&self.beside, &self.path)?;
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        std::fs::File::open(folder)?.sync_all()
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        // Gone already where it was put in place.
        let _ = std::fs::remove_file(&self.beside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_file_is_for_its_owner_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write_new(&path, b"first", 0o600).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(write_new(&path, b"second", 0o600).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
    }

    #[test]
    fn a_replacement_keeps_the_mode_and_leaves_nothing_beside_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        write_new(&path, b"first", 0o640).unwrap();
        drop(Replacement::write(&path, b"second").unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        Replacement::write(&path, b"second").unwrap().put_in_place().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
