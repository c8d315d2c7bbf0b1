//! Whether a checkpoint may be cosigned: C2SP tlog-witness, "add-checkpoint", after the signature of the log was found good.

use yingdun_audit::{Checkpoint, Hash, verify_consistency};
use yingdun_crypto::digest::sha256;

/// What comes of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It continues what was seen.
    Cosign,
    /// The request does not make sense.
    Malformed(&'static str),
    /// The log thinks that another size was seen than this one.
    Conflict(u64),
    /// It is not shown to continue what was seen.
    Inconsistent,
}

/// Whether the log has signed two heads of one size: proof that it forked, whoever sent it and whatever he said beside it.
pub(crate) fn is_fork(seen: Option<&Checkpoint>, new: &Checkpoint) -> bool {
    seen.is_some_and(|seen| seen.size() == new.size() && seen.root() != new.root())
}

/// Judges a checkpoint by the newest one that was seen.
pub(crate) fn judge(seen: Option<&Checkpoint>, old: u64, new: &Checkpoint, proof: &[Hash]) -> Judgement {
    if old > new.size() {
        return Judgement::Malformed("the old size is larger than that of the checkpoint");
    }
    let seen_size = seen.map_or(0, Checkpoint::size);
    if old != seen_size {
        return Judgement::Conflict(seen_size);
    }
    if new.size() == 0 && *new.root() != sha256(b"") {
        return Judgement::Inconsistent;
    }
    let continues = match seen.filter(|seen| seen.size() > 0) {
        Some(seen) => verify_consistency(seen, new, proof).is_ok(),
        // The empty log is the beginning of every other.
        None => proof.is_empty(),
    };
    if continues { Judgement::Cosign } else { Judgement::Inconsistent }
}
