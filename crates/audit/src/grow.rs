//! One tree of a log as it grows: which tiles new leaves make, whether they lie on the disk as they should (promise I3),
//! and the checkpoint over its head.

use crate::checkpoint::Checkpoint;
use crate::disk::Disk;
use crate::error::AuditError;
use crate::files::{self, Written};
use crate::tile::read::TileFiles;
use crate::tile::{Kind, TILE_WIDTH, encode_hashes, partial_directory_of, path_of};
use crate::tree::edge::{Edge, FullTile};
use crate::tree::{Hash, Tree};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use yingdun_crypto::sign::NoteSigner;

/// Who says what the head of a tree is.
#[derive(Debug)]
pub(crate) enum Head {
    /// We do: it is our log.
    Signed(NoteSigner),
    /// Somebody else did, and the tree must come out so: the log is followed.
    Followed(Checkpoint),
}

impl Head {
    const fn tree(&self) -> Tree {
        match self {
            Self::Signed(signer) => Tree::of(signer.verifier()),
            Self::Followed(checkpoint) => checkpoint.tree(),
        }
    }
}

/// A tree with everything that was written of it.
#[derive(Debug)]
pub(crate) struct Growing {
    dir: PathBuf,
    head: Head,
    files: TileFiles,
    edge: Edge,
}

/// What new leaves make of a tree.
#[derive(Debug)]
pub(crate) struct Growth {
    edge: Edge,
    full: Vec<FullTile>,
}

impl Growth {
    /// Adds the hash of a leaf.
    pub(crate) fn push(&mut self, leaf: Hash) {
        self.edge.push(leaf, &mut self.full);
    }

    /// Gives up the full tiles, for who wants the root alone.
    pub(crate) fn forget_tiles(&mut self) {
        self.full.clear();
    }

    /// The tree that grows.
    pub(crate) fn tree(&self) -> Tree {
        self.edge.tree()
    }

    /// The number of leaves.
    pub(crate) fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The root over all leaves.
    pub(crate) fn root(&self) -> Hash {
        self.edge.root()
    }
}

impl Growing {
    /// A tree without leaves.
    pub(crate) fn empty(dir: &Path, head: Head) -> Self {
        let (files, edge) = (TileFiles::new(dir, head.tree()), Edge::empty(head.tree()));
        Self { dir: dir.to_owned(), head, files, edge }
    }

    /// The tree that a verified checkpoint is the head of: its right edge gives that root.
    pub(crate) fn at(dir: &Path, head: Head, checkpoint: &Checkpoint) -> Result<Self, AuditError> {
        let size = checkpoint.size();
        let tree = Self::resume(dir, head, size, size)?;
        if tree.root() != *checkpoint.root() {
            let why = "the right edge of the tree gives another root than the signed one".to_owned();
            return Err(AuditError::TilesMismatch { size, why });
        }
        Ok(tree)
    }

    /// The tree of the first `size` leaves, from the tiles of a tree of `whole` leaves. Whether it is the right one is seen by
    /// [`Self::root`].
    pub(crate) fn resume(dir: &Path, head: Head, size: u64, whole: u64) -> Result<Self, AuditError> {
        let empty = Self::empty(dir, head);
        let edge = empty.files.edge_within(size, whole);
        let edge = edge.map_err(|error| AuditError::TilesMismatch { size, why: error.to_string() })?;
        Ok(Self { edge, ..empty })
    }

    pub(crate) fn tree(&self) -> Tree {
        self.files.tree()
    }

    pub(crate) fn files(&self) -> &TileFiles {
        &self.files
    }

    /// The number of leaves.
    pub(crate) fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The root over all leaves.
    pub(crate) fn root(&self) -> Hash {
        self.edge.root()
    }

    /// The hashes of the leaves in the last, partial bundle.
    pub(crate) fn open_hashes(&self) -> &[Hash] {
        self.edge.levels().next().map_or(&[], |(_, hashes)| hashes)
    }

    /// The growth of the first `size` leaves of this tree, to make it a second time.
    pub(crate) fn growth_from(&self, size: u64) -> Result<Growth, AuditError> {
        Ok(Growth { edge: self.files.edge_within(size, self.size())?, full: Vec::new() })
    }

    /// The same tree, signed by another signer from now on.
    pub(crate) fn signed_by(self, signer: NoteSigner) -> Self {
        Self { head: Head::Signed(signer), ..self }
    }

    /// The beginning of growth.
    pub(crate) fn growth(&self) -> Growth {
        Growth { edge: self.edge.clone(), full: Vec::new() }
    }

    /// The tiles that growth makes or changes.
    pub(crate) fn add_tiles(&self, growth: &Growth, written: &mut Vec<Written>) {
        for tile in &growth.full {
            let path = path_of(Kind::Hashes(self.tree(), tile.level), tile.number, TILE_WIDTH);
            written.push(Written { path, bytes: encode_hashes(&tile.hashes) });
        }
        for (level, hashes) in growth.edge.levels() {
            let unchanged = self.edge.levels().any(|(at, before)| at == level && before == hashes);
            if !hashes.is_empty() && !unchanged {
                let number = growth.size() >> (8 * (u32::from(level) + 1)).min(63);
                let path = path_of(Kind::Hashes(self.tree(), level), number, hashes.len());
                written.push(Written { path, bytes: encode_hashes(hashes) });
            }
        }
    }

    /// Promise I3: leaves as read back hash to their tile, full tiles hash into the tile above, and the right edge, read
    /// from disk, gives the root that is about to be signed.
    pub(crate) fn check(&self, growth: &Growth) -> Result<(), AuditError> {
        let (tree, size) = (self.tree(), growth.size());
        let mismatch = |why: String| AuditError::TilesMismatch { size, why };
        let hashes_at = |level: u8, number: u64| {
            let span = 8 * u32::from(level);
            let width = ((size >> span) - number * TILE_WIDTH as u64).min(TILE_WIDTH as u64);
            self.files.hashes(level, number, usize::try_from(width).unwrap_or(TILE_WIDTH))
        };
        for number in self.size() / TILE_WIDTH as u64..size.div_ceil(TILE_WIDTH as u64) {
            let hashes = hashes_at(0, number)?;
            let leaves = self.files.entries(number, hashes.len())?;
            let differs = leaves.iter().zip(&hashes).position(|(leaf, hash)| tree.leaf_hash(leaf) != *hash);
            if let Some(place) = differs {
                let index = number * TILE_WIDTH as u64 + place as u64;
                return Err(mismatch(format!("record {index} as read back does not match its {tree} hash")));
            }
        }
        for tile in &growth.full {
            let above = hashes_at(tile.level + 1, tile.number / TILE_WIDTH as u64)?;
            let place = usize::try_from(tile.number % TILE_WIDTH as u64).unwrap_or(0);
            if tree.root_of(&hashes_at(tile.level, tile.number)?).as_ref() != above.get(place) {
                return Err(mismatch(format!(
                    "{tree} tile {} of level {} does not match the tile above",
                    tile.number, tile.level
                )));
            }
        }
        if self.files.edge(size)?.root() != growth.root() {
            return Err(mismatch(format!("the right edge as read back gives another {tree} root")));
        }
        Ok(())
    }

    /// Takes growth over, now that it is on the disk. tlog-tiles lets partial tiles go once the full one is there: a
    /// checkpoint that named them reads the full ones in their place.
    pub(crate) fn advance(&mut self, growth: Growth) {
        for tile in &growth.full {
            remove_partials(&self.dir, Kind::Hashes(self.tree(), tile.level), tile.number);
        }
        self.edge = growth.edge;
    }

    /// Replaces a file below the directory of the log, in one step, by a checkpoint of the tree as it is: signed here, or the one
    /// that is followed.
    pub(crate) fn publish(&self, disk: &dyn Disk, name: &str) -> Result<Checkpoint, AuditError> {
        let path = self.dir.join(self.tree().path(name));
        let (size, root) = (self.size(), self.root());
        let checkpoint = match &self.head {
            Head::Signed(signer) => Checkpoint::sign(signer, size, root)
                .map_err(|why| AuditError::Checkpoint { path: path.clone(), why })?,
            Head::Followed(expected) if expected.size() == size && *expected.root() == root => {
                expected.clone()
            }
            Head::Followed(expected) => {
                let why =
                    format!("{size} records give another root than the one signed for {}", expected.size());
                return Err(AuditError::TilesMismatch { size: expected.size(), why });
            }
        };
        files::replace(disk, &path, checkpoint.note().as_bytes())?;
        Ok(checkpoint)
    }
}

/// Removes the partial files of a number. A leftover does no harm.
pub(crate) fn remove_partials(dir: &Path, kind: Kind, number: u64) {
    let directory = dir.join(partial_directory_of(kind, number));
    match fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %directory.display(), %error, "cannot remove replaced partial tiles");
        }
        Ok(()) | Err(_) => {}
    }
}
