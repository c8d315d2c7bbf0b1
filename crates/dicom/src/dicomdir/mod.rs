//! The directory of a medium (DICOMDIR: PS3.3 Annex F, PS3.10 §8): which files it names, and a new one for what leaves.

mod read;
mod records;
mod write;

pub use read::{DirectoryError, referenced_files};
pub use write::{Directory, DirectoryFile, MEDIA_STORAGE_DIRECTORY};
