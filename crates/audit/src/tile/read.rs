//! Reads tiles and bundles of a log of known size, and the hashes of subtrees from them. Checks lengths and
//! framing; whether hashes fit together is the asker's to check.

use super::{Kind, TILE_WIDTH, path_of};
use crate::error::AuditError;
use crate::tree::edge::{Edge, level_count, partial_width};
use crate::tree::path::Subtrees;
use crate::tree::{Hash, Tree};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The leaves, the details, and the tiles of one tree below the directory of a log.
#[derive(Clone, Debug)]
pub(crate) struct TileFiles {
    dir: PathBuf,
    tree: Tree,
}

impl TileFiles {
    pub(crate) fn new(dir: &Path, tree: Tree) -> Self {
        Self { dir: dir.to_owned(), tree }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whose tiles these are.
    pub(crate) fn tree(&self) -> Tree {
        self.tree
    }

    /// The first `width` hashes of a tile.
    pub(crate) fn hashes(&self, level: u8, number: u64, width: usize) -> Result<Vec<Hash>, AuditError> {
        let (path, bytes) = self.bytes(Kind::Hashes(self.tree, level), number, width)?;
        let (hashes, rest) = bytes.as_chunks::<32>();
        let fits = rest.is_empty() && (hashes.len() == width || hashes.len() == TILE_WIDTH);
        let hashes = hashes.get(..width).filter(|_| fits).ok_or_else(|| AuditError::Tile {
            path,
            why: format!("expected {} bytes, got {}", width * 32, bytes.len()),
        })?;
        Ok(hashes.to_vec())
    }

    /// The first `width` leaves of a bundle.
    pub(crate) fn entries(&self, number: u64, width: usize) -> Result<Vec<Vec<u8>>, AuditError> {
        self.bundle(Kind::Entries, number, width)
    }

    /// The first `width` details of a bundle, empty where a leaf has none; none when the bundle is not there,
    /// because it was never needed or was removed.
    pub(crate) fn details(&self, number: u64, width: usize) -> Result<Option<Vec<Vec<u8>>>, AuditError> {
        match self.bundle(Kind::Detail, number, width) {
            Ok(details) => Ok(Some(details)),
            Err(AuditError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The right edge of the tree of `size` leaves.
    pub(crate) fn edge(&self, size: u64) -> Result<Edge, AuditError> {
        self.edge_within(size, size)
    }

    /// The right edge of the first `size` leaves, from the tiles of a tree of `whole` leaves.
    pub(crate) fn edge_within(&self, size: u64, whole: u64) -> Result<Edge, AuditError> {
        let mut levels = Vec::new();
        for level in (0_u8..).take(level_count(size)) {
            let width = partial_width(size, level);
            let number = size >> (8 * (u32::from(level) + 1)).min(63);
            let left = (whole >> (8 * u32::from(level))).saturating_sub(number * TILE_WIDTH as u64);
            let written = usize::try_from(left).unwrap_or(TILE_WIDTH).min(TILE_WIDTH);
            let mut hashes = if width == 0 { Vec::new() } else { self.hashes(level, number, written)? };
            hashes.truncate(width);
            levels.push(hashes);
        }
        Edge::from_levels(self.tree, size, levels).ok_or_else(|| AuditError::TilesMismatch {
            size,
            why: "the partial tiles do not have the widths that the size demands".to_owned(),
        })
    }

    fn bundle(&self, kind: Kind, number: u64, width: usize) -> Result<Vec<Vec<u8>>, AuditError> {
        let (path, bytes) = self.bytes(kind, number, width)?;
        let mut entries = Vec::with_capacity(width);
        let mut rest = bytes.as_slice();
        while let Some((length, tail)) = rest.split_first_chunk::<2>() {
            let Some((entry, tail)) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length))) else {
                break;
            };
            entries.push(entry.to_vec());
            rest = tail;
        }
        let fits = rest.is_empty() && (entries.len() == width || entries.len() == TILE_WIDTH);
        if !fits {
            let why = format!("expected {width} entries, {} can be read", entries.len());
            return Err(AuditError::Tile { path, why });
        }
        entries.truncate(width);
        Ok(entries)
    }

    /// The partial file, or the full one that has replaced it since.
    fn bytes(&self, kind: Kind, number: u64, width: usize) -> Result<(PathBuf, Vec<u8>), AuditError> {
        let path = self.dir.join(path_of(kind, number, width));
        match fs::read(&path) {
            Ok(bytes) => Ok((path, bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && width < TILE_WIDTH => {
                let full = self.dir.join(path_of(kind, number, TILE_WIDTH));
                match fs::read(&full) {
                    Ok(bytes) => Ok((full, bytes)),
                    Err(_) => Err(AuditError::io("cannot read", &path, error)),
                }
            }
            Err(error) => Err(AuditError::io("cannot read", &path, error)),
        }
    }
}

/// Subtree hashes of a tree of one size. Keeps the tiles of one proof in memory: a few per level.
#[derive(Debug)]
pub(crate) struct TileSubtrees<'a> {
    files: &'a TileFiles,
    size: u64,
    tiles: HashMap<(u8, u64), Vec<Hash>>,
}

impl<'a> TileSubtrees<'a> {
    pub(crate) fn new(files: &'a TileFiles, size: u64) -> Self {
        Self { files, size, tiles: HashMap::new() }
    }
}

impl Subtrees for TileSubtrees<'_> {
    type Error = AuditError;

    fn tree(&self) -> Tree {
        self.files.tree
    }

    fn subtree(&mut self, height: u32, number: u64) -> Result<Hash, AuditError> {
        let level = u8::try_from(height / 8).unwrap_or(u8::MAX);
        let run = 1_u64 << (height % 8);
        let first = number * run;
        let tile = first / TILE_WIDTH as u64;
        let hashes_in_level = self.size >> (8 * u32::from(level));
        let width =
            usize::try_from(hashes_in_level - tile * TILE_WIDTH as u64).unwrap_or(TILE_WIDTH).min(TILE_WIDTH);
        let key = (level, tile);
        if !self.tiles.contains_key(&key) {
            self.tiles.insert(key, self.files.hashes(level, tile, width)?);
        }
        let start = usize::try_from(first % TILE_WIDTH as u64).unwrap_or(0);
        let end = start + usize::try_from(run).unwrap_or(1);
        self.tiles
            .get(&key)
            .and_then(|hashes| hashes.get(start..end))
            .and_then(|run| self.files.tree.root_of(run))
            .ok_or_else(|| AuditError::OutOfRange {
                index: number.saturating_mul(1 << height.min(63)),
                size: self.size,
            })
    }
}
