//! The right edge of a growing tree: for each tile level the hashes of its last, partial tile. This is all that
//! the writer keeps of the tree in memory, at most 255 hashes per level, however large the log is.

use super::{Hash, Tree};
use crate::tile::TILE_WIDTH;

/// The hashes of the partial tile of each level, for a tree of [`Edge::size`] leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    tree: Tree,
    size: u64,
    levels: Vec<Vec<Hash>>,
}

/// A tile that became full: its place and its 256 hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FullTile {
    pub(crate) level: u8,
    pub(crate) number: u64,
    pub(crate) hashes: Vec<Hash>,
}

impl Edge {
    /// The edge of an empty tree.
    pub(crate) fn empty(tree: Tree) -> Self {
        Self { tree, size: 0, levels: Vec::new() }
    }

    /// The edge of a tree of `size` leaves, from the hashes of each level's partial tile. None when a level
    /// does not hold as many hashes as the size demands.
    pub(crate) fn from_levels(tree: Tree, size: u64, levels: Vec<Vec<Hash>>) -> Option<Self> {
        let fits = (0_u8..).zip(&levels).all(|(level, hashes)| hashes.len() == partial_width(size, level));
        let complete = levels.len() == level_count(size);
        (fits && complete).then_some(Self { tree, size, levels })
    }

    /// The tree.
    pub(crate) fn tree(&self) -> Tree {
        self.tree
    }

    /// The number of leaves.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The partial tile of each level, lowest first; some may be empty.
    pub(crate) fn levels(&self) -> impl Iterator<Item = (u8, &[Hash])> {
        (0_u8..).zip(self.levels.iter().map(Vec::as_slice))
    }

    /// Adds a leaf and hands out the tiles that it completed.
    pub(crate) fn push(&mut self, leaf: Hash, completed: &mut Vec<FullTile>) {
        let mut carry = leaf;
        let mut level = 0_u8;
        let mut span = 1_u64;
        loop {
            if self.levels.len() == usize::from(level) {
                self.levels.push(Vec::with_capacity(TILE_WIDTH));
            }
            let Some(row) = self.levels.get_mut(usize::from(level)) else { break };
            row.push(carry);
            if row.len() < TILE_WIDTH {
                break;
            }
            let hashes = std::mem::take(row);
            carry = self.tree.root_of(&hashes).unwrap_or_default();
            span = span.saturating_mul(TILE_WIDTH as u64);
            completed.push(FullTile { level, number: self.size / span, hashes });
            level += 1;
        }
        self.size += 1;
    }

    /// The root of the tree (RFC 6962 §2.1): the full subtrees along the edge, joined from the smallest to
    /// the largest.
    pub(crate) fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        for row in &self.levels {
            // The subtrees of one row, largest first, are the binary digits of its length; the smallest lies
            // rightmost and is joined first.
            let mut end = row.len();
            while end > 0 {
                let width = 1_usize << end.trailing_zeros();
                let subtree =
                    row.get(end - width..end).and_then(|row| self.tree.root_of(row)).unwrap_or_default();
                root = Some(root.map_or(subtree, |right| self.tree.node_hash(&subtree, &right)));
                end -= width;
            }
        }
        root.unwrap_or_else(|| self.tree.empty_root())
    }
}

/// How many hashes the partial tile of a level has in a tree of `size` leaves (tlog-tiles, Partial Tiles).
pub(crate) fn partial_width(size: u64, level: u8) -> usize {
    usize::try_from(size.checked_shr(8 * u32::from(level)).unwrap_or(0) % TILE_WIDTH as u64).unwrap_or(0)
}

/// How many tile levels a tree of `size` leaves has.
pub(crate) fn level_count(size: u64) -> usize {
    (0_u32..8).take_while(|level| size >> (8 * level) > 0).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive_root(tree: Tree, hashes: &[Hash]) -> Hash {
        match hashes.len() {
            0 => tree.empty_root(),
            1 => hashes[0],
            n => {
                let split = n.next_power_of_two() / 2;
                tree.node_hash(&naive_root(tree, &hashes[..split]), &naive_root(tree, &hashes[split..]))
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn the_edge_gives_the_root_of_the_whole_tree(
            size in 0_u64..1500,
            tree in prop::sample::select(Tree::ALL),
        ) {
            let leaves: Vec<Hash> = (0..size).map(|i| tree.leaf_hash(&i.to_be_bytes())).collect();
            let mut edge = Edge::empty(tree);
            let mut full = Vec::new();
            for leaf in &leaves { edge.push(*leaf, &mut full); }
            prop_assert_eq!(edge.root(), naive_root(tree, &leaves));
            prop_assert_eq!(edge.size(), size);
            let levels = edge.levels().map(|(_, row)| row.to_vec()).collect();
            prop_assert_eq!(Edge::from_levels(tree, size, levels), Some(edge));
            let zero: Vec<u64> = full.iter().filter(|t| t.level == 0).map(|t| t.number).collect();
            prop_assert_eq!(zero, (0..size / 256).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_tree_of_70000_has_the_tiles_that_the_specification_counts() {
        let mut edge = Edge::empty(Tree::Sha256);
        let mut full = Vec::new();
        for i in 0..70_000_u64 {
            edge.push(Tree::Sha256.leaf_hash(&i.to_be_bytes()), &mut full);
        }
        assert_eq!(full.iter().filter(|tile| tile.level == 0).count(), 273);
        assert_eq!(full.iter().filter(|tile| tile.level == 1).count(), 1);
        let widths: Vec<usize> = edge.levels().map(|(_, row)| row.len()).collect();
        assert_eq!(widths, [112, 17, 1]);
    }
}
