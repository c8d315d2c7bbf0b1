//! The Merkle tree of RFC 6962 as a stack of full subtrees, in the manner of a binary counter: adding a leaf
//! adds one and carries. Whenever a carry completes a subtree of 256^L leaves, its hash belongs into a tile of
//! level L and is handed out.

use crate::tree::{Hash, Tree};
use yingdun_crypto::digest::{Sha256, Sm3, sha256, sm3};

/// A growing tree.
#[derive(Debug)]
pub(super) struct Stack {
    tree: Tree,
    /// Height and hash of full subtrees, higher ones first.
    stack: Vec<(u32, Hash)>,
}

/// A hash that must stand in a tile.
#[derive(Clone, Copy, Debug)]
pub(super) struct TileHash {
    pub(super) level: u8,
    pub(super) hash: Hash,
}

impl Stack {
    pub(super) fn new(tree: Tree) -> Self {
        Self { tree, stack: Vec::new() }
    }

    /// Adds a leaf hash; `tile_hashes` receives what belongs into tiles, lowest level first.
    pub(super) fn push(&mut self, leaf: Hash, tile_hashes: &mut Vec<TileHash>) {
        tile_hashes.clear();
        let (mut height, mut hash) = (0_u32, leaf);
        loop {
            if height.is_multiple_of(8) {
                tile_hashes.push(TileHash { level: u8::try_from(height / 8).unwrap_or(u8::MAX), hash });
            }
            match self.stack.pop() {
                Some((left_height, left)) if left_height == height => {
                    hash = joined(self.tree, &left, &hash);
                    height += 1;
                }
                other => {
                    self.stack.extend(other);
                    self.stack.push((height, hash));
                    return;
                }
            }
        }
    }

    /// The root of what was added so far.
    pub(super) fn root(&self) -> Hash {
        let mut subtrees = self.stack.iter().rev().map(|(_, hash)| *hash);
        let last = subtrees.next().unwrap_or_else(|| whole(self.tree, &[]));
        subtrees.fold(last, |right, left| joined(self.tree, &left, &right))
    }
}

/// The hash of a leaf: prefix 0.
pub(super) fn of_leaf(tree: Tree, leaf: &[u8]) -> Hash {
    match tree {
        Tree::Sha256 => {
            let mut sha = Sha256::new();
            sha.update(b"\x00");
            sha.update(leaf);
            sha.finish()
        }
        Tree::Sm3 => {
            let mut sm3 = Sm3::new();
            sm3.update(b"\x00");
            sm3.update(leaf);
            sm3.finish()
        }
    }
}

/// The hash of a node: prefix 1.
fn joined(tree: Tree, left: &Hash, right: &Hash) -> Hash {
    let mut node = [1_u8; 65];
    let (_, children) = node.split_at_mut(1);
    let (first, second) = children.split_at_mut(32);
    first.copy_from_slice(left);
    second.copy_from_slice(right);
    whole(tree, &node)
}

fn whole(tree: Tree, bytes: &[u8]) -> Hash {
    match tree {
        Tree::Sha256 => sha256(bytes),
        Tree::Sm3 => sm3(bytes),
    }
}
