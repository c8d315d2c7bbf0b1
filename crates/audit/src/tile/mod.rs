//! Files of C2SP tlog-tiles: where they lie and what is in them. Reading is in [`read`].
//!
//! Three kinds of file share one naming scheme, `<kind>/<N>` for full ones and `<kind>/<N>.p/<W>` for partial
//! ones, with `N` in groups of three digits (`x001/x234/067`):
//!
//! | directory | content |
//! |---|---|
//! | `tile/<L>/` | 256 hashes of 32 bytes each |
//! | `tile/entries/` | 256 leaves, each after its length as a big-endian `u16` |
//! | `detail/` | 256 sealed details, each after its length as a big-endian `u16`; length 0 where a leaf has none |
//!
//! Tiles of the SM3 tree lie in `sm3/tile/`; both trees have the same leaves, which lie there once.
//!
//! `detail/` is ours: a bundle without any detail is not written, and any file of it may be removed later
//! without touching a proof.

pub(crate) mod read;

use crate::tree::{Hash, Tree};
use std::path::PathBuf;

/// Hashes in a full tile, entries in a full bundle (tlog-tiles, Merkle Tree).
pub(crate) const TILE_WIDTH: usize = 256;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Hashes of one tile level of one tree.
    Hashes(Tree, u8),
    /// Leaves.
    Entries,
    /// Sealed details.
    Detail,
}

/// The path of a file below the directory of the log. `width` is [`TILE_WIDTH`] for a full file.
pub(crate) fn path_of(kind: Kind, number: u64, width: usize) -> PathBuf {
    let directory = match kind {
        Kind::Hashes(tree, level) => tree.path(&format!("tile/{level}")),
        Kind::Entries => "tile/entries".to_owned(),
        Kind::Detail => "detail".to_owned(),
    };
    let suffix = if width < TILE_WIDTH { format!(".p/{width}") } else { String::new() };
    PathBuf::from(format!("{directory}/{}{suffix}", number_path(number)))
}

/// The directory that holds the partial files of one number.
pub(crate) fn partial_directory_of(kind: Kind, number: u64) -> PathBuf {
    let full = path_of(kind, number, TILE_WIDTH);
    let mut name = full.into_os_string();
    name.push(".p");
    PathBuf::from(name)
}

/// Hashes as a tile holds them.
pub(crate) fn encode_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.concat()
}

/// Byte strings as a bundle holds them. Lengths fit into 16 bits by the bounds of leaf and detail.
pub(crate) fn encode_bundle<'a>(entries: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        debug_assert!(entry.len() <= usize::from(u16::MAX));
        bytes.extend_from_slice(&u16::try_from(entry.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    bytes
}

fn number_path(number: u64) -> String {
    let mut path = format!("{:03}", number % 1000);
    let mut rest = number / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(
            path_of(Kind::Hashes(Tree::Sha256, 0), 1_234_067, 256),
            PathBuf::from("tile/0/x001/x234/067")
        );
        assert_eq!(path_of(Kind::Hashes(Tree::Sm3, 0), 1000, 7), PathBuf::from("sm3/tile/0/x001/000.p/7"));
        assert_eq!(path_of(Kind::Entries, 0, 5), PathBuf::from("tile/entries/000.p/5"));
        assert_eq!(path_of(Kind::Detail, 1000, 255), PathBuf::from("detail/x001/000.p/255"));
        assert_eq!(partial_directory_of(Kind::Hashes(Tree::Sha256, 2), 7), PathBuf::from("tile/2/007.p"));
    }
}
