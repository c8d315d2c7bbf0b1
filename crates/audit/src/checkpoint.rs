//! The signed head of the log (C2SP tlog-checkpoint): origin, size, root, under a signed note.

use crate::error::AuditError;
use crate::tree::{Hash, PerTree, Tree};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use std::path::Path;
use yingdun_crypto::sign::{NoteSigner, NoteVerifier};

/// The name of the checkpoint file in the directory of the log.
pub(crate) const CHECKPOINT_FILE: &str = "checkpoint";

/// A signed tree head, verified or made here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    tree: Tree,
    size: u64,
    root: Hash,
    note: String,
}

impl Checkpoint {
    /// Signs a tree head. The caller has recomputed the root from disk (promise I3).
    pub(crate) fn sign(signer: &NoteSigner, size: u64, root: Hash) -> Result<Self, String> {
        let text = format!("{}\n{size}\n{}\n", signer.verifier().name(), BASE64.encode(root));
        let note = signer.sign(&text).map_err(|error| error.to_string())?;
        Ok(Self { tree: Tree::of(signer.verifier()), size, root, note })
    }

    /// Verifies a note as a checkpoint of the log whose origin is the verifier's name.
    ///
    /// # Errors
    /// One sentence that says what is wrong.
    pub fn verify(verifier: &NoteVerifier, note: &str) -> Result<Self, String> {
        let text = verifier.verify(note).map_err(|error| error.to_string())?;
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err("a checkpoint begins with three lines: origin, size, root".to_owned());
        };
        // Other logs than ours may write extension lines; what they say is no business of anybody here.
        if lines.any(str::is_empty) {
            return Err("an extension line of a checkpoint is not empty".to_owned());
        }
        if origin != verifier.name() {
            return Err(format!("expected origin `{}`", verifier.name()));
        }
        let size = size
            .parse::<u64>()
            .ok()
            .filter(|number| number.to_string() == size)
            .ok_or("the size line is not a decimal number without leading zeros")?;
        let root = BASE64
            .decode(root)
            .ok()
            .and_then(|bytes| Hash::try_from(bytes).ok())
            .ok_or("the root line is not the base64 of 32 bytes")?;
        Ok(Self { tree: Tree::of(verifier), size, root, note: note.to_owned() })
    }

    /// The tree whose head it is.
    #[must_use]
    pub const fn tree(&self) -> Tree {
        self.tree
    }

    /// The name of the log, and of its tree, as its first line says.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.note.lines().next().unwrap_or_default()
    }

    /// The number of leaves it covers.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree of these leaves.
    #[must_use]
    pub const fn root(&self) -> &Hash {
        &self.root
    }

    /// The whole signed note.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }
}

/// The newest heads of the trees of one log, which are equally large.
pub(crate) type Checkpoints = PerTree<Checkpoint>;

/// Reads and verifies the text of a checkpoint file.
pub(crate) fn read_checkpoint(
    path: &Path,
    verifier: &NoteVerifier,
    note: &[u8],
) -> Result<Checkpoint, AuditError> {
    let fail = |why: String| AuditError::Checkpoint { path: path.to_owned(), why };
    let note = std::str::from_utf8(note).map_err(|_| fail("it is not UTF-8 text".to_owned()))?;
    Checkpoint::verify(verifier, note).map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_crypto::sign::SigningKey;

    #[test]
    fn a_checkpoint_reads_back_and_another_origin_or_size_spelling_is_refused() {
        let signer = NoteSigner::new("renmin.example/audit", SigningKey::generate()).unwrap();
        let checkpoint = Checkpoint::sign(&signer, 7, [3; 32]).unwrap();
        assert_eq!(Checkpoint::verify(signer.verifier(), checkpoint.note()), Ok(checkpoint));
        for text in [
            "other\n7\nAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n",
            "renmin.example/audit\n07\nAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n",
            "renmin.example/audit\n7\nAwMD\n",
            "renmin.example/audit\n7\n",
            "renmin.example/audit\n7\nAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n\n",
        ] {
            let note = signer.sign(text).unwrap();
            assert!(Checkpoint::verify(signer.verifier(), &note).is_err(), "{text}");
        }
        let extended = "renmin.example/audit\n7\nAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\nmore\n";
        let extended = Checkpoint::verify(signer.verifier(), &signer.sign(extended).unwrap()).unwrap();
        assert_eq!((extended.size(), *extended.root()), (7, [3; 32]));
    }
}
