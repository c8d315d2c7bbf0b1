//! A replica in a local directory:
//!
//! ```text
//! <directory>/store-id            which store this is
//! <directory>/scrub               how far it was scrubbed
//! <directory>/service             `draining` while somebody takes it out of service, `restoring` while it is filled from off-site
//! <directory>/offsite             what is known of off-site replicas
//! <directory>/lock                held while a process has it open
//! <directory>/packs/<16 hex>.pack sealed packs
//! <directory>/packs/<16 hex>.open the pack being written
//! <directory>/packs/<16 hex>.damaged what a repair replaced although a record of it was whole nowhere
//! <directory>/packs/<n>.stage     copies and large objects under way; removed at the next open
//! ```

use super::{Backend, Form, Listed, Note, Staged};
use crate::disk::{Disk, DiskFile, Space, read_exact_at, write_all_at};
use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Notes have less than 2000 bytes; anything far longer is not ours and is not read into memory.
const NOTE_BYTES_MAX: u64 = 4096;

/// A local directory.
#[derive(Debug)]
pub(crate) struct Directory {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    packs: PathBuf,
    next_stage: AtomicU64,
}

#[derive(Debug)]
struct StagedFile {
    disk: Arc<dyn Disk>,
    packs: PathBuf,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    published: bool,
}

impl Directory {
    pub(crate) fn new(disk: Arc<dyn Disk>, root: PathBuf) -> Self {
        let packs = root.join("packs");
        Self { disk, root, packs, next_stage: AtomicU64::new(0) }
    }

    fn path(&self, pack: u64, form: Form) -> PathBuf {
        pack_path(&self.packs, pack, form)
    }
}

impl Backend for Directory {
    fn prepare(&self) -> io::Result<()> {
        self.disk.create_directory(&self.packs)
    }

    fn exists(&self) -> bool {
        self.disk.is_directory(&self.packs)
    }

    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        self.disk.lock(&self.root.join("lock"))
    }

    fn sweep(&self) -> io::Result<()> {
        for entry in self.disk.list(&self.packs)? {
            if entry.name.ends_with(".stage") {
                self.disk.remove(&self.packs.join(&entry.name))?;
            }
        }
        Ok(())
    }

    fn note(&self, note: Note) -> io::Result<Option<Vec<u8>>> {
        read_note(self.disk.as_ref(), &self.root, note)
    }

    fn set_note(&self, note: Note, bytes: &[u8]) -> io::Result<()> {
        let path = self.root.join(note_name(note));
        let new = path.with_extension("new");
        let file = self.disk.create(&new)?;
        write_all_at(file.as_ref(), &[bytes], 0)?;
        file.sync()?;
        self.disk.rename(&new, &path)?;
        self.disk.sync_directory(&self.root)
    }

    fn list(&self) -> io::Result<Vec<Listed>> {
        let entries = self.disk.list(&self.packs)?;
        let listed = entries.iter().filter_map(|entry| {
            let (pack, form) = parse_name(&entry.name)?;
            Some(Listed { pack, form, bytes: entry.bytes })
        });
        Ok(listed.collect())
    }

    fn create(&self, pack: u64, header: &[u8]) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.disk.create(&self.path(pack, Form::Open))?;
        write_all_at(file.as_ref(), &[header], 0)?;
        self.disk.sync_directory(&self.packs)?;
        Ok(file)
    }

    fn open(&self, pack: u64, writable: bool) -> io::Result<Arc<dyn DiskFile>> {
        // A pack may be sealed between the two looks, so the first name is tried once more.
        let attempt = |form| self.disk.open(&self.path(pack, form), writable);
        let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        attempt(Form::Sealed)
            .or_else(|error| if missing(&error) { attempt(Form::Open) } else { Err(error) })
            .or_else(|error| if missing(&error) { attempt(Form::Sealed) } else { Err(error) })
    }

    fn seal(&self, pack: u64, bytes: u64) -> io::Result<()> {
        let open = self.path(pack, Form::Open);
        let file = self.disk.open(&open, true)?;
        file.set_len(bytes)?;
        file.sync()?;
        self.disk.rename(&open, &self.path(pack, Form::Sealed))?;
        self.disk.sync_directory(&self.packs)
    }

    fn keep_evidence(&self, pack: u64) -> io::Result<()> {
        let sealed = self.path(pack, Form::Sealed);
        match self.disk.link(&sealed, &sealed.with_extension("damaged")) {
            // A copy that is missing is no evidence.
            Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
                Ok(())
            }
            Err(error) => Err(error),
            Ok(()) => self.disk.sync_directory(&self.packs),
        }
    }

    fn remove(&self, pack: u64) -> io::Result<()> {
        let sealed = self.path(pack, Form::Sealed);
        for path in [self.path(pack, Form::Open), sealed.with_extension("damaged"), sealed] {
            match self.disk.remove(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        self.disk.sync_directory(&self.packs)
    }

    fn stage(&self) -> io::Result<Box<dyn Staged>> {
        let number = self.next_stage.fetch_add(1, Ordering::Relaxed);
        let path = self.packs.join(format!("{number}.stage"));
        Ok(Box::new(StagedFile {
            file: self.disk.create(&path)?,
            disk: Arc::clone(&self.disk),
            packs: self.packs.clone(),
            path,
            published: false,
        }))
    }

    fn space(&self) -> io::Result<Space> {
        self.disk.space(&self.packs)
    }

    fn device(&self) -> io::Result<u64> {
        self.disk.device(&self.packs)
    }
}

impl Staged for StagedFile {
    fn file(&self) -> &Arc<dyn DiskFile> {
        &self.file
    }

    fn publish(mut self: Box<Self>, pack: u64) -> io::Result<()> {
        self.disk.rename(&self.path, &pack_path(&self.packs, pack, Form::Sealed))?;
        self.published = true;
        match self.disk.remove(&pack_path(&self.packs, pack, Form::Open)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        self.disk.sync_directory(&self.packs)
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed now is swept at the next open.
            let _swept_later = self.disk.remove(&self.path);
        }
    }
}

/// The bytes of a note below the directory of a replica, if there is one.
pub(crate) fn read_note(disk: &dyn Disk, root: &Path, note: Note) -> io::Result<Option<Vec<u8>>> {
    let file = match disk.open(&root.join(note_name(note)), false) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    let length = file.length()?.min(NOTE_BYTES_MAX);
    read_exact_at(file.as_ref(), &mut bytes, length as usize, 0)?;
    Ok(Some(bytes))
}

const fn note_name(note: Note) -> &'static str {
    match note {
        Note::Identity => "store-id",
        Note::Scrub => "scrub",
        Note::Service => "service",
        Note::Offsite => "offsite",
    }
}

fn pack_path(packs: &Path, pack: u64, form: Form) -> PathBuf {
    let extension = match form {
        Form::Open => "open",
        Form::Sealed => "pack",
    };
    packs.join(format!("{pack:016x}.{extension}"))
}

fn parse_name(name: &str) -> Option<(u64, Form)> {
    let (stem, extension) = name.split_once('.')?;
    let form = match extension {
        "open" => Form::Open,
        "pack" => Form::Sealed,
        _ => return None,
    };
    let digits = stem.len() == 16 && stem.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    digits.then(|| u64::from_str_radix(stem, 16).ok()).flatten().map(|pack| (pack, form))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_names_of_packs_are_packs() {
        assert_eq!(parse_name("00000000000000ff.pack"), Some((255, Form::Sealed)));
        assert_eq!(parse_name("00000000000000ff.open"), Some((255, Form::Open)));
        for other in ["ff.pack", "00000000000000FF.pack", "3.stage", "lock", "00000000000000ff", "é.pack"] {
            assert_eq!(parse_name(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_pack_is_found_by_its_name(pack: u64) {
            let path = pack_path(Path::new("p"), pack, Form::Sealed);
            let name = path.file_name().unwrap().to_str().unwrap();
            prop_assert_eq!(parse_name(name), Some((pack, Form::Sealed)));
        }
    }
}
