//! A medium with a DICOMDIR (PS3.10 §8): the files that it names.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use yingdun_dicom::dicomdir;

/// How the directory of a medium is called (PS3.10 §8.6).
const NAME: &str = "DICOMDIR";

/// Bytes of a DICOMDIR that are read: some hundred per image. A medium with a longer one is read file by file.
const TABLE_BYTES_MAX: u64 = 256 << 20;

/// Whether a file is called so.
pub(super) fn is_table(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.eq_ignore_ascii_case(NAME))
}

/// The DICOMDIR of a folder, in whatever case the file system shows its name.
pub(super) fn table_in(folder: &Path) -> Option<PathBuf> {
    let lower = NAME.to_ascii_lowercase();
    [NAME, &lower].into_iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// Paths of all referenced files, relative to the folder and sorted; `None` when the DICOMDIR cannot be read or names
/// nothing.
pub(super) fn references(folder: &Path, table: &Path) -> Option<Vec<PathBuf>> {
    let mut bytes = Vec::new();
    File::open(table).ok()?.take(TABLE_BYTES_MAX + 1).read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 > TABLE_BYTES_MAX {
        return None;
    }
    let ids = dicomdir::referenced_files(&bytes).ok()?;
    let mut names = Names::default();
    let mut paths: Vec<PathBuf> = ids.iter().map(|id| names.resolve(folder, id)).collect();
    paths.sort_unstable();
    paths.dedup();
    (!paths.is_empty()).then_some(paths)
}

/// The names in folders of a medium by their upper-case form: file systems often show them in lower case.
#[derive(Default)]
struct Names {
    folders: HashMap<PathBuf, HashMap<String, OsString>>,
}

impl Names {
    /// A file ID as a path, each component as the file system spells it. One that does not exist stays as it is, and will
    /// be found missing.
    fn resolve(&mut self, folder: &Path, id: &[String]) -> PathBuf {
        let mut relative = PathBuf::new();
        for component in id {
            let here = folder.join(&relative);
            let names = self.folders.entry(relative.clone()).or_insert_with(|| list(&here));
            match names.get(&component.to_ascii_uppercase()) {
                Some(name) => relative.push(name),
                None => relative.push(component),
            }
        }
        relative
    }
}

fn list(folder: &Path) -> HashMap<String, OsString> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries
        .map(|entry| entry.file_name())
        .map(|name| (name.to_string_lossy().to_ascii_uppercase(), name))
        .collect()
}
