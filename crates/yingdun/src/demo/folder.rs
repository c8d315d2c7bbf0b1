//! The folder of a demonstration: a named one that stays, or one of its own that goes with it.

use crate::process::private::make_directory;
use std::io;
use std::path::{Path, PathBuf};

/// Removed when dropped, unless a person named it.
pub(super) struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    /// Takes the named folder, or makes one that nobody else can guess or read.
    pub(super) fn new(named: Option<&Path>) -> io::Result<Self> {
        let folder = match named {
            Some(path) => Self { path: std::path::absolute(path)?, temporary: false },
            None => {
                let name = format!("yingdun-demo-{}", hex::encode(yingdun_crypto::random::array::<8>()));
                Self { path: std::env::temp_dir().join(name), temporary: true }
            }
        };
        make_directory(&folder.path)?;
        Ok(folder)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "the demonstration's folder was not removed");
        }
    }
}
