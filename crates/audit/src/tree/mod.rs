//! The Merkle tree of RFC 6962 §2.1 as values, over SHA-256 or SM3: hashes of leaves and nodes, the right edge of a
//! growing tree ([`edge`]), inclusion and consistency paths ([`path`]). Knows nothing of files.

pub(crate) mod edge;
pub(crate) mod path;

use yingdun_crypto::digest::{Sha256, Sm3};
use yingdun_crypto::sign::{NoteKey, NoteVerifier};
use yingdun_model::word_enum;

/// A hash of a leaf, a node or a tree.
pub type Hash = [u8; 32];

word_enum! {
    /// One of the trees over the leaves of a log. They have one shape and the same leaves, and differ in hash, signature and
    /// origin.
    #[derive(Default)]
    Tree, "tree of the audit log" {
        /// SHA-256, signed with Ed25519: every log has it.
        #[default]
        Sha256 => "sha-256",
        /// SM3 (GB/T 32905), signed with SM2 (GB/T 32918.2): a log has it when it was given a key for it.
        Sm3 => "sm3",
    }
}

impl Tree {
    /// The tree whose checkpoints a key signs.
    #[must_use]
    pub const fn of(verifier: &NoteVerifier) -> Self {
        match verifier.key() {
            NoteKey::Ed25519(_) => Self::Sha256,
            NoteKey::Sm2(_) => Self::Sm3,
        }
    }

    /// The origin of this tree in the log of an origin: each tree signs under a name of its own.
    #[must_use]
    pub fn origin(self, log: &str) -> String {
        format!("{log}{}", if self == Self::Sm3 { "/sm3" } else { "" })
    }

    /// The path of something of this tree below the directory of the log.
    pub(crate) fn path(self, name: &str) -> String {
        format!("{}{name}", if self == Self::Sm3 { "sm3/" } else { "" })
    }

    /// The hash of a leaf: over `0x00` and the leaf (RFC 6962 §2.1).
    #[must_use]
    pub fn leaf_hash(self, leaf: &[u8]) -> Hash {
        self.hash(&[&[0], leaf])
    }

    /// The hash of a node: over `0x01` and both children (RFC 6962 §2.1).
    #[must_use]
    pub(crate) fn node_hash(self, left: &Hash, right: &Hash) -> Hash {
        self.hash(&[&[1], left, right])
    }

    /// The root of an empty tree: the hash of nothing (RFC 6962 §2.1).
    #[must_use]
    pub(crate) fn empty_root(self) -> Hash {
        self.hash(&[])
    }

    /// The root over a run of hashes of equally high full subtrees; none for an empty run.
    ///
    /// Works for any length: pairs are joined level by level and a last one without partner is carried up, which
    /// is the tree of RFC 6962.
    #[must_use]
    pub(crate) fn root_of(self, hashes: &[Hash]) -> Option<Hash> {
        let mut row = hashes.to_vec();
        while row.len() > 1 {
            row = row
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => self.node_hash(left, right),
                    single => single.first().copied().unwrap_or_default(),
                })
                .collect();
        }
        row.first().copied()
    }

    fn hash(self, parts: &[&[u8]]) -> Hash {
        match self {
            Self::Sha256 => {
                let mut sha = Sha256::new();
                parts.iter().for_each(|part| sha.update(part));
                sha.finish()
            }
            Self::Sm3 => {
                let mut sm3 = Sm3::new();
                parts.iter().for_each(|part| sm3.update(part));
                sm3.finish()
            }
        }
    }
}

/// One of something for each tree of a log.
#[derive(Clone, Debug)]
pub(crate) struct PerTree<T> {
    pub(crate) sha256: T,
    /// Where there is such a tree.
    pub(crate) sm3: Option<T>,
}

impl<T> PerTree<T> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        [&self.sha256].into_iter().chain(&self.sm3)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        [&mut self.sha256].into_iter().chain(&mut self.sm3)
    }

    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        [self.sha256].into_iter().chain(self.sm3)
    }

    pub(crate) fn map<U>(&self, what: impl Fn(&T) -> U) -> PerTree<U> {
        PerTree { sha256: what(&self.sha256), sm3: self.sm3.as_ref().map(what) }
    }

    pub(crate) fn of(&self, tree: Tree) -> Option<&T> {
        match tree {
            Tree::Sha256 => Some(&self.sha256),
            Tree::Sm3 => self.sm3.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962 §2.1, written as the text says it.
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

    #[test]
    fn the_published_roots_come_out() {
        // The empty tree and the one-leaf tree of RFC 9162's test material: SHA-256("") and SHA-256(00). Those of SM3 are from
        // `openssl dgst -sm3`.
        for (tree, empty, one) in [
            (
                Tree::Sha256,
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            ),
            (
                Tree::Sm3,
                "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b",
                "2daef60e7a0b8f5e024c81cd2ab3109f2b4f155cf83adeb2ae5532f74a157fdf",
            ),
        ] {
            assert_eq!(hex::encode(tree.empty_root()), empty);
            assert_eq!(hex::encode(tree.leaf_hash(b"")), one);
        }
    }

    #[test]
    fn rows_carry_a_last_one_without_partner_as_the_rfc_splits() {
        for &tree in Tree::ALL {
            for n in 1..70_u8 {
                let hashes: Vec<Hash> = (0..n).map(|i| tree.leaf_hash(&[i])).collect();
                assert_eq!(tree.root_of(&hashes), Some(naive_root(tree, &hashes)), "{tree} {n}");
            }
        }
    }
}
