//! The directory of a medium (DICOMDIR: PS3.3 Annex F, PS3.10 §8).

mod read;

pub use read::{DirectoryError, referenced_files};
