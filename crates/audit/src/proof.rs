//! Proofs that leave the log: C2SP tlog-proof text for one leaf, and checking of both kinds of proof without
//! the log. A proof in the SM3 tree has the same form under a first line of its own, because the specification speaks of
//! SHA-256 alone.

use crate::checkpoint::Checkpoint;
use crate::error::AuditError;
use crate::tree::path::{consistency_holds, root_from_inclusion};
use crate::tree::{Hash, Tree};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use std::fmt::Write;
use yingdun_crypto::sign::NoteVerifier;

/// The first line of a proof: in the SHA-256 tree that of C2SP tlog-proof (Format), in the SM3 tree ours.
const fn header(tree: Tree) -> &'static str {
    match tree {
        Tree::Sha256 => "c2sp.org/tlog-proof@v1",
        Tree::Sm3 => "yingdun/sm3-tlog-proof@v1",
    }
}

/// The most hashes in a proof: a tree of 2^64 leaves is 64 high.
const PROOF_HASHES_MAX: usize = 64;

/// The text of an inclusion proof.
pub(crate) fn encode_inclusion(index: u64, path: &[Hash], checkpoint: &Checkpoint) -> String {
    let mut text = format!("{}\nindex {index}\n", header(checkpoint.tree()));
    for hash in path {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", BASE64.encode(hash));
    }
    text.push('\n');
    text.push_str(checkpoint.note());
    text
}

/// Checks that a proof text shows `leaf` (its canonical bytes) in the log of the verifier, and returns its
/// number and the checkpoint that covers it.
///
/// # Errors
/// [`AuditError::Proof`] says what does not hold.
pub fn verify_inclusion(
    proof: &str,
    leaf: &[u8],
    verifier: &NoteVerifier,
) -> Result<(u64, Checkpoint), AuditError> {
    let fail = |why: &str| AuditError::Proof { why: why.to_owned() };
    let (head, note) = proof.split_once("\n\n").ok_or_else(|| fail("it has no checkpoint"))?;
    let mut lines = head.split('\n').peekable();
    let tree = Tree::of(verifier);
    if lines.next() != Some(header(tree)) {
        return Err(fail(&format!("expected the first line {}", header(tree))));
    }
    // Extra data is for applications; it is not authenticated and not used here.
    lines.next_if(|line| line.starts_with("extra "));
    let index_text = lines.next().and_then(|line| line.strip_prefix("index ")).unwrap_or_default();
    let index = index_text
        .parse::<u64>()
        .ok()
        .filter(|index| index.to_string() == index_text)
        .ok_or_else(|| fail("the index line is not a decimal number"))?;
    let mut path = Vec::new();
    for line in lines {
        let hash = BASE64.decode(line).ok().and_then(|bytes| Hash::try_from(bytes).ok());
        path.push(hash.ok_or_else(|| fail("a line of the path is not the base64 of 32 bytes"))?);
        if path.len() > PROOF_HASHES_MAX {
            return Err(fail("the path is longer than any tree is high"));
        }
    }
    let checkpoint = Checkpoint::verify(verifier, note).map_err(|why| AuditError::Proof { why })?;
    if root_from_inclusion(tree, leaf, index, checkpoint.size(), &path) != Some(*checkpoint.root()) {
        return Err(fail("the path does not lead from the leaf to the signed root"));
    }
    Ok((index, checkpoint))
}

/// Checks that the log of `new` is a continuation of the log of `old`: nothing was removed or changed.
///
/// # Errors
/// [`AuditError::Proof`] when it is not.
pub fn verify_consistency(old: &Checkpoint, new: &Checkpoint, path: &[Hash]) -> Result<(), AuditError> {
    // Every log is a continuation of the empty one, for which there is nothing to prove.
    let tree = new.tree();
    let holds = (old.size() == 0 && path.is_empty())
        || consistency_holds(tree, old.size(), old.root(), new.size(), new.root(), path);
    if old.tree() == tree && holds {
        return Ok(());
    }
    Err(AuditError::Proof { why: format!("size {} does not continue size {}", new.size(), old.size()) })
}
