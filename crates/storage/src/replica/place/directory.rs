//! A place that is a directory: another disk, or what another machine exports.

use super::{Content, Object, Place};
use crate::disk::{Disk, write_all_at};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes that are read and written at once.
const BLOCK_BYTES: u64 = 1024 * 1024;

/// The ending of what is on its way.
const STAGE: &str = ".stage";

/// A directory with a copy.
#[derive(Debug)]
pub(crate) struct DirectoryPlace {
    disk: Arc<dyn Disk>,
    root: PathBuf,
}

impl DirectoryPlace {
    pub(crate) fn new(disk: Arc<dyn Disk>, root: PathBuf) -> Self {
        Self { disk, root }
    }

    fn path(&self, object: Object) -> PathBuf {
        self.root.join(object.name())
    }

    fn folders(&self) -> [PathBuf; 2] {
        [self.root.join("packs"), self.root.join("tail")]
    }
}

impl Place for DirectoryPlace {
    fn prepare(&self) -> io::Result<()> {
        for folder in self.folders() {
            self.disk.create_directory(&folder)?;
            for entry in self.disk.list(&folder)? {
                if entry.name.ends_with(STAGE) {
                    self.disk.remove(&folder.join(&entry.name))?;
                }
            }
        }
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<(Object, u64)>> {
        let mut objects = Vec::new();
        for (folder, name) in self.folders().iter().zip(["packs", "tail"]) {
            let entries = match self.disk.list(folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                other => other?,
            };
            let object = |entry: &crate::Entry| {
                Some((Object::of_name(&format!("{name}/{}", entry.name))?, entry.bytes))
            };
            objects.extend(entries.iter().filter_map(object));
        }
        Ok(objects)
    }

    fn put(&self, object: Object, content: &dyn Content) -> io::Result<()> {
        let path = self.path(object);
        let folder = path.parent().unwrap_or(&self.root).to_owned();
        let mut staged = path.clone().into_os_string();
        staged.push(STAGE);
        let staged = PathBuf::from(staged);
        let file = self.disk.create(&staged)?;
        let mut offset = 0;
        let mut block = Vec::new();
        while offset < content.bytes() {
            block.clear();
            let wanted = (content.bytes() - offset).min(BLOCK_BYTES) as usize;
            content.read(offset, wanted, &mut block)?;
            write_all_at(file.as_ref(), &[&block], offset)?;
            file.start_writeback(offset, wanted as u64);
            offset += wanted as u64;
        }
        file.sync()?;
        self.disk.rename(&staged, &path)?;
        self.disk.sync_directory(&folder)
    }

    fn read_at(&self, object: Object, buffer: &mut Vec<u8>, bytes: usize, offset: u64) -> io::Result<usize> {
        self.disk.open(&self.path(object), false)?.read_at(buffer, bytes, offset)
    }

    fn remove(&self, object: Object) -> io::Result<()> {
        match self.disk.remove(&self.path(object)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn address(&self) -> String {
        format!("file://{}", self.root.display())
    }
}
