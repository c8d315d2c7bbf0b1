//! Proofs that leave the log: C2SP tlog-proof text for one leaf, and checking of both kinds of proof without
//! the log.

use crate::checkpoint::Checkpoint;
use crate::error::AuditError;
use crate::tree::Hash;
use crate::tree::path::{consistency_holds, root_from_inclusion};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use std::fmt::Write;
use yingdun_crypto::sign::NoteVerifier;

/// The first line of a proof (C2SP tlog-proof, Format).
const PROOF_HEADER: &str = "c2sp.org/tlog-proof@v1";
/// The most hashes in a proof: a tree of 2^64 leaves is 64 high.
const PROOF_HASHES_MAX: usize = 64;

/// The text of an inclusion proof.
pub(crate) fn encode_inclusion(index: u64, path: &[Hash], checkpoint: &str) -> String {
    let mut text = format!("{PROOF_HEADER}\nindex {index}\n");
    for hash in path {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", BASE64.encode(hash));
    }
    text.push('\n');
    text.push_str(checkpoint);
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
    if lines.next() != Some(PROOF_HEADER) {
        return Err(fail("expected the first line c2sp.org/tlog-proof@v1"));
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
    if root_from_inclusion(leaf, index, checkpoint.size(), &path) != Some(*checkpoint.root()) {
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
    if (old.size() == 0 && path.is_empty())
        || consistency_holds(old.size(), old.root(), new.size(), new.root(), path)
    {
        return Ok(());
    }
    Err(AuditError::Proof { why: format!("size {} does not continue size {}", new.size(), old.size()) })
}
