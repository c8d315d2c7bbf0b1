//! Inclusion and consistency proofs (RFC 6962 §2.1.1 and §2.1.2): which hashes to give, and how to check them.
//! Hashes of full subtrees come from a source that is handed in, so a proof costs a few tiles, never the tree.

use super::{Hash, Tree};

/// Gives the hash of the full subtree of `2^height` leaves that starts at leaf `number * 2^height`.
pub(crate) trait Subtrees {
    /// Why a hash could not be had.
    type Error;
    /// The tree.
    fn tree(&self) -> Tree;
    /// The hash of one full subtree.
    fn subtree(&mut self, height: u32, number: u64) -> Result<Hash, Self::Error>;
}

/// The hashes that prove that leaf `index` is in the tree of `size` leaves, leaf's sibling first.
/// `index < size` is the caller's duty.
pub(crate) fn inclusion<S: Subtrees>(source: &mut S, index: u64, size: u64) -> Result<Vec<Hash>, S::Error> {
    let mut path = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let split = start + split_of(end - start);
        if index < split {
            path.push(range(source, split, end)?);
            end = split;
        } else {
            path.push(range(source, start, split)?);
            start = split;
        }
    }
    path.reverse();
    Ok(path)
}

/// The hashes that prove that the tree of `old` leaves is the beginning of the tree of `new` leaves.
/// `1 <= old <= new` is the caller's duty; equal sizes need no hashes.
pub(crate) fn consistency<S: Subtrees>(source: &mut S, old: u64, new: u64) -> Result<Vec<Hash>, S::Error> {
    let mut path = Vec::new();
    let (mut start, mut end) = (0, new);
    // RFC 6962 SUBPROOF(m, D[n], b): `start == 0` is its flag b, the old root is then known to the asker.
    while old != end {
        let split = start + split_of(end - start);
        if old <= split {
            path.push(range(source, split, end)?);
            end = split;
        } else {
            path.push(range(source, start, split)?);
            start = split;
        }
    }
    if start > 0 {
        path.push(range(source, start, end)?);
    }
    path.reverse();
    Ok(path)
}

/// The root that an inclusion path gives for a leaf (RFC 9162 §2.1.3.2); none when the path has a wrong length.
#[must_use]
pub(crate) fn root_from_inclusion(
    tree: Tree,
    leaf: &[u8],
    index: u64,
    size: u64,
    path: &[Hash],
) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut root = tree.leaf_hash(leaf);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            root = tree.node_hash(sibling, &root);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            root = tree.node_hash(&root, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(root)
}

/// Whether a consistency path joins the two roots (RFC 9162 §2.1.4.2).
#[must_use]
pub(crate) fn consistency_holds(
    tree: Tree,
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    path: &[Hash],
) -> bool {
    if old == 0 || old > new {
        return false;
    }
    if old == new {
        return path.is_empty() && old_root == new_root;
    }
    let mut rest = path.iter();
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let first = if node == 0 { Some(old_root) } else { rest.next() };
    let Some(first) = first else { return false };
    let (mut from_old, mut from_new) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            from_old = tree.node_hash(sibling, &from_old);
            from_new = tree.node_hash(sibling, &from_new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            from_new = tree.node_hash(&from_new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && from_old == *old_root && from_new == *new_root
}

/// The largest power of two below `width`; `width >= 2`.
fn split_of(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}

/// The hash over leaves `start..end`, which the proof algorithms only ask for where it is a node of the tree.
fn range<S: Subtrees>(source: &mut S, start: u64, end: u64) -> Result<Hash, S::Error> {
    let width = end - start;
    if width.is_power_of_two() {
        let height = width.trailing_zeros();
        return source.subtree(height, start >> height);
    }
    let split = start + split_of(width);
    let left = range(source, start, split)?;
    let right = range(source, split, end)?;
    Ok(source.tree().node_hash(&left, &right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    struct InMemory(Tree, Vec<Hash>);

    impl Subtrees for InMemory {
        type Error = Infallible;
        fn tree(&self) -> Tree {
            self.0
        }
        fn subtree(&mut self, height: u32, number: u64) -> Result<Hash, Infallible> {
            let width = 1_usize << height;
            let start = number as usize * width;
            Ok(self.0.root_of(&self.1[start..start + width]).unwrap())
        }
    }

    fn leaf(i: u64) -> [u8; 8] {
        i.to_be_bytes()
    }

    fn root(tree: &InMemory, size: u64) -> Hash {
        tree.0.root_of(&tree.1[..size as usize]).unwrap()
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proved_and_no_other() {
        Tree::ALL.iter().for_each(|&kind| every_leaf_is_proved(kind));
    }

    fn every_leaf_is_proved(kind: Tree) {
        let mut tree = InMemory(kind, (0..40).map(|i| kind.leaf_hash(&leaf(i))).collect());
        for size in 1..40 {
            for index in 0..size {
                let path = inclusion(&mut tree, index, size).unwrap();
                let right = root(&tree, size);
                assert_eq!(root_from_inclusion(kind, &leaf(index), index, size, &path), Some(right));
                assert_ne!(root_from_inclusion(kind, &leaf(index + 1), index, size, &path), Some(right));
                if size > 1 {
                    let other = (index + 1) % size;
                    assert_ne!(root_from_inclusion(kind, &leaf(index), other, size, &path), Some(right));
                    assert_ne!(root_from_inclusion(kind, &leaf(index), index, size, &path[1..]), Some(right));
                }
                let mut long = path;
                long.push([0; 32]);
                assert_ne!(root_from_inclusion(kind, &leaf(index), index, size, &long), Some(right));
            }
        }
    }

    #[test]
    fn every_pair_of_sizes_is_consistent_and_a_changed_past_is_not() {
        Tree::ALL.iter().for_each(|&kind| every_pair_is_consistent(kind));
    }

    fn every_pair_is_consistent(kind: Tree) {
        let mut tree = InMemory(kind, (0..40).map(|i| kind.leaf_hash(&leaf(i))).collect());
        for new in 1..40 {
            for old in 1..=new {
                let path = consistency(&mut tree, old, new).unwrap();
                let (old_root, new_root) = (root(&tree, old), root(&tree, new));
                assert!(consistency_holds(kind, old, &old_root, new, &new_root, &path), "{old} {new}");
                assert!(!consistency_holds(kind, old, &[9; 32], new, &new_root, &path));
                assert!(!consistency_holds(kind, old, &old_root, new, &[9; 32], &path));
                if let Some((_, shorter)) = path.split_first() {
                    assert!(!consistency_holds(kind, old, &old_root, new, &new_root, shorter));
                }
                let mut long = path;
                long.push([1; 32]);
                assert!(!consistency_holds(kind, old, &old_root, new, &new_root, &long), "{old} {new}");
            }
        }
    }
}
