//! Reads a log: single leaves, ranges, the newest ones, details, proofs. A [`Reader`] is a view of one moment;
//! it sees the signed tree through the tiles and the not yet signed tail from memory or from the journal.
//!
//! Every leaf that is handed out was compared with its hash in the tile; whether the tiles themselves are
//! right is the business of [`crate::verify`].

use crate::checkpoint::{CHECKPOINT_FILE, Checkpoint, read_checkpoint};
use crate::error::AuditError;
use crate::journal::Record;
use crate::journal::replay::replay;
use crate::leaf::Leaf;
use crate::open::check_overlap;
use crate::proof::encode_inclusion;
use crate::raw::RawLeaf;
use crate::tile::TILE_WIDTH;
use crate::tile::read::{TileFiles, TileSubtrees};
use crate::tree::path::{consistency, inclusion};
use crate::tree::{Hash, Tree};
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use yingdun_crypto::digest::sha256;
use yingdun_crypto::sign::NoteVerifier;

/// How often a directory is read again when a writer was seen at work in it, and how long to wait in between.
const READ_ATTEMPTS: u32 = 5;
const READ_PAUSE: Duration = Duration::from_millis(20);

/// A leaf with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedLeaf {
    /// The number of the leaf, from 0.
    pub index: u64,
    /// Its RFC 6962 hash in the tree that was read.
    pub leaf_hash: Hash,
    /// What it says.
    pub leaf: Leaf,
}

/// What lies beside a leaf.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Detail {
    /// The leaf never had a detail.
    None,
    /// The leaf had one and it was removed.
    Removed,
    /// The ciphertext, which matches the SHA-256 in the leaf.
    Sealed(Vec<u8>),
}

/// A view of a log at one moment, through one of its trees.
#[derive(Clone, Debug)]
pub struct Reader {
    files: TileFiles,
    checkpoint: Checkpoint,
    /// Records from the checkpoint's size on, without gaps.
    tail: Vec<Arc<Record>>,
}

impl Reader {
    pub(crate) fn new(dir: &Path, checkpoint: Checkpoint, tail: Vec<Arc<Record>>) -> Self {
        Self { files: TileFiles::new(dir, checkpoint.tree()), checkpoint, tail }
    }

    /// Reads a log directory without opening the log: a copy, a stopped log, or one that another process is
    /// writing. Reads through the tree whose checkpoints the key signs. Changes nothing.
    ///
    /// # Errors
    /// [`AuditError`] when checkpoint, tiles and journal do not fit together.
    pub fn of_directory(dir: &Path, verifier: &NoteVerifier) -> Result<Self, AuditError> {
        let mut attempt = 1;
        loop {
            match Self::read_directory(dir, verifier) {
                Err(_) if attempt < READ_ATTEMPTS => std::thread::sleep(READ_PAUSE),
                outcome => return outcome,
            }
            attempt += 1;
        }
    }

    fn read_directory(dir: &Path, verifier: &NoteVerifier) -> Result<Self, AuditError> {
        let tree = Tree::of(verifier);
        let path = dir.join(tree.path(CHECKPOINT_FILE));
        let note = fs::read(&path).map_err(|error| AuditError::io("cannot read", &path, error))?;
        let checkpoint = read_checkpoint(&path, verifier, &note)?;
        let size = checkpoint.size();
        let incomplete = |why: String| AuditError::Incomplete { dir: dir.to_owned(), why };
        let journal = replay(dir)?.ok_or_else(|| incomplete("the journal is missing".to_owned()))?;
        let first = journal.segments.first().map_or(journal.end, |(first, _)| *first);
        if first > size || journal.end < size {
            return Err(incomplete(format!(
                "the checkpoint covers records 0 to {size}, the journal holds {first} to {}",
                journal.end
            )));
        }
        check_overlap(dir, tree, size, &journal.records)?;
        let tail = journal.records.into_iter().filter(|record| record.index >= size).map(Arc::new).collect();
        Ok(Self::new(dir, checkpoint, tail))
    }

    /// The directory of the log.
    pub(crate) fn dir(&self) -> &Path {
        self.files.dir()
    }

    /// The number of durable leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.checkpoint.size() + self.tail.len() as u64
    }

    /// The signed checkpoint; leaves from its size on are durable and not yet signed.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// One leaf.
    ///
    /// # Errors
    /// [`AuditError::OutOfRange`] when there is no such leaf, others when it cannot be read.
    pub fn leaf(&self, index: u64) -> Result<LoggedLeaf, AuditError> {
        let number = index / TILE_WIDTH as u64;
        let place = usize::try_from(index % TILE_WIDTH as u64).unwrap_or(0);
        let raw = self.bundle(number)?.into_iter().nth(place);
        raw.ok_or(AuditError::OutOfRange { index, size: self.size() })?.decode()
    }

    /// A range of leaves, cut at the end of the log.
    ///
    /// # Errors
    /// [`AuditError`] when a leaf cannot be read.
    pub fn read(&self, range: Range<u64>) -> Result<Vec<LoggedLeaf>, AuditError> {
        let end = range.end.min(self.size());
        let mut leaves = Vec::new();
        let mut index = range.start;
        while index < end {
            let number = index / TILE_WIDTH as u64;
            for raw in self.bundle(number)? {
                if raw.index >= index && raw.index < end {
                    leaves.push(raw.decode()?);
                }
            }
            index = (number + 1) * TILE_WIDTH as u64;
        }
        Ok(leaves)
    }

    /// The newest leaves, oldest of them first.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn tail(&self, count: u64) -> Result<Vec<LoggedLeaf>, AuditError> {
        self.read(self.size().saturating_sub(count)..self.size())
    }

    /// The sealed detail of a leaf.
    ///
    /// # Errors
    /// [`AuditError::Tile`] when what lies there does not match the leaf.
    pub fn detail(&self, index: u64) -> Result<Detail, AuditError> {
        let Some(expected) = self.leaf(index)?.leaf.detail_sha256 else { return Ok(Detail::None) };
        let size = self.checkpoint.size();
        let found = if index < size {
            let number = index / TILE_WIDTH as u64;
            let width = width_of(number, size);
            let place = usize::try_from(index % TILE_WIDTH as u64).unwrap_or(0);
            self.files.details(number, width)?.and_then(|details| details.into_iter().nth(place))
        } else {
            let place = usize::try_from(index - size).unwrap_or(usize::MAX);
            self.tail.get(place).map(|record| record.detail.clone())
        };
        match found.filter(|detail| !detail.is_empty()) {
            None => Ok(Detail::Removed),
            Some(detail) if sha256(&detail) == expected.0 => Ok(Detail::Sealed(detail)),
            Some(_) => Err(AuditError::Tile {
                path: crate::tile::path_of(crate::tile::Kind::Detail, index / TILE_WIDTH as u64, TILE_WIDTH),
                why: format!("the detail of record {index} does not match its leaf"),
            }),
        }
    }

    /// The proof, as C2SP tlog-proof text (for SM3 under a first line of its own), that a leaf is in the tree of this view's
    /// checkpoint.
    ///
    /// # Errors
    /// [`AuditError::OutOfRange`] when the leaf is not covered by the checkpoint.
    pub fn prove_inclusion(&self, index: u64) -> Result<String, AuditError> {
        let size = self.checkpoint.size();
        if index >= size {
            return Err(AuditError::OutOfRange { index, size });
        }
        let path = inclusion(&mut TileSubtrees::new(&self.files, size), index, size)?;
        Ok(encode_inclusion(index, &path, &self.checkpoint))
    }

    /// The hashes that prove that the tree of `old` leaves is the beginning of the tree of `new` leaves
    /// (RFC 6962 §2.1.2); check them with [`crate::verify_consistency`].
    ///
    /// # Errors
    /// [`AuditError::ProofRange`] when the sizes are not `1 <= old <= new <= ` the signed size.
    pub fn prove_consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, AuditError> {
        let size = self.checkpoint.size();
        if old == 0 || old > new || new > size {
            return Err(AuditError::ProofRange { old, new, size });
        }
        consistency(&mut TileSubtrees::new(&self.files, size), old, new)
    }

    /// Signed leaves from a number on, as they lie on the disk, with their details: as many as the bundle holds in which that
    /// number lies, none at the signed end. For whoever keeps a second copy of the log.
    ///
    /// # Errors
    /// [`AuditError`] when they cannot be read or do not match their hashes.
    pub fn raw(&self, from: u64) -> Result<Vec<RawLeaf>, AuditError> {
        let size = self.checkpoint.size();
        if from >= size {
            return Ok(Vec::new());
        }
        let number = from / TILE_WIDTH as u64;
        let width = width_of(number, size);
        let details = self.files.details(number, width)?.unwrap_or_else(|| vec![Vec::new(); width]);
        let leaves = self.bundle(number)?.into_iter().zip(details);
        Ok(leaves
            .filter(|(leaf, _)| leaf.index >= from)
            .map(|(leaf, detail)| RawLeaf { leaf: leaf.bytes, detail })
            .collect())
    }

    /// The leaves of one bundle, signed and unsigned ones, as bytes.
    pub(crate) fn bundle(&self, number: u64) -> Result<Vec<UnreadLeaf>, AuditError> {
        self.some_of_bundle(number, |_| true)
    }

    /// Those leaves of one bundle that are wanted; only they are compared with their hashes.
    pub(crate) fn some_of_bundle(
        &self,
        number: u64,
        wanted: impl Fn(u64) -> bool,
    ) -> Result<Vec<UnreadLeaf>, AuditError> {
        let size = self.checkpoint.size();
        let start = number * TILE_WIDTH as u64;
        let tree = self.files.tree();
        let mut leaves = Vec::with_capacity(TILE_WIDTH);
        if start < size {
            let width = width_of(number, size);
            let entries = self.files.entries(number, width)?;
            let hashes = self.files.hashes(0, number, width)?;
            let all = (start..).zip(entries).zip(hashes);
            for ((index, bytes), expected) in all.filter(|((index, _), _)| wanted(*index)) {
                if tree.leaf_hash(&bytes) != expected {
                    let why = format!("record {index} does not match its hash");
                    return Err(AuditError::TilesMismatch { size, why });
                }
                leaves.push(UnreadLeaf { index, leaf_hash: expected, bytes });
            }
        }
        let end = start + TILE_WIDTH as u64;
        let from = usize::try_from(start.saturating_sub(size)).unwrap_or(usize::MAX);
        let unsigned = self.tail.iter().skip(from).take_while(|record| record.index < end);
        for record in unsigned.filter(|record| wanted(record.index)) {
            leaves.push(UnreadLeaf {
                index: record.index,
                leaf_hash: record.hash_in(tree),
                bytes: record.leaf.clone(),
            });
        }
        Ok(leaves)
    }
}

/// A leaf that was not yet looked into.
#[derive(Clone, Debug)]
pub(crate) struct UnreadLeaf {
    pub(crate) index: u64,
    pub(crate) leaf_hash: Hash,
    pub(crate) bytes: Vec<u8>,
}

impl UnreadLeaf {
    pub(crate) fn decode(self) -> Result<LoggedLeaf, AuditError> {
        let place = usize::try_from(self.index).unwrap_or(usize::MAX);
        let leaf = Leaf::decode(&self.bytes).map_err(|source| AuditError::Leaf { index: place, source })?;
        Ok(LoggedLeaf { index: self.index, leaf_hash: self.leaf_hash, leaf })
    }
}

fn width_of(number: u64, size: u64) -> usize {
    let left = size.saturating_sub(number * TILE_WIDTH as u64);
    usize::try_from(left).unwrap_or(TILE_WIDTH).min(TILE_WIDTH)
}
