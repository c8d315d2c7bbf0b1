//! What happened: append-only Merkle log, checkpoints, proofs, verification.
