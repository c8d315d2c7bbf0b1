//! The Merkle tree of RFC 6962 §2.1 over SHA-256, as values: hashes of leaves and nodes, the right edge of a
//! growing tree ([`edge`]), inclusion and consistency paths ([`path`]). Knows nothing of files.

pub(crate) mod edge;
pub(crate) mod path;

use yingdun_crypto::digest::Sha256;

/// A SHA-256 hash of a leaf, a node or a tree.
pub type Hash = [u8; 32];

/// The hash of a leaf: SHA-256 over `0x00` and the leaf (RFC 6962 §2.1).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    let mut sha = Sha256::new();
    sha.update(&[0]);
    sha.update(leaf);
    sha.finish()
}

/// The hash of a node: SHA-256 over `0x01` and both children (RFC 6962 §2.1).
#[must_use]
pub(crate) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut sha = Sha256::new();
    sha.update(&[1]);
    sha.update(left);
    sha.update(right);
    sha.finish()
}

/// The root of an empty tree: SHA-256 of nothing (RFC 6962 §2.1).
#[must_use]
pub(crate) fn empty_root() -> Hash {
    Sha256::new().finish()
}

/// The root over a run of hashes of equally high full subtrees; none for an empty run.
///
/// Works for any length: pairs are joined level by level and a last one without partner is carried up, which
/// is the tree of RFC 6962.
#[must_use]
pub(crate) fn root_of(hashes: &[Hash]) -> Option<Hash> {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => node_hash(left, right),
                single => single.first().copied().unwrap_or_default(),
            })
            .collect();
    }
    row.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962 §2.1, written as the text says it.
    pub(crate) fn naive_root(hashes: &[Hash]) -> Hash {
        match hashes.len() {
            0 => empty_root(),
            1 => hashes[0],
            n => {
                let split = n.next_power_of_two() / 2;
                node_hash(&naive_root(&hashes[..split]), &naive_root(&hashes[split..]))
            }
        }
    }

    #[test]
    fn the_published_roots_come_out() {
        // The empty tree and the one-leaf tree of RFC 9162's test material: SHA-256("") and SHA-256(00).
        assert_eq!(
            hex::encode(empty_root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            hex::encode(leaf_hash(b"")),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
    }

    #[test]
    fn rows_carry_a_last_one_without_partner_as_the_rfc_splits() {
        for n in 1..70_u8 {
            let hashes: Vec<Hash> = (0..n).map(|i| leaf_hash(&[i])).collect();
            assert_eq!(root_of(&hashes), Some(naive_root(&hashes)), "{n}");
        }
    }
}
