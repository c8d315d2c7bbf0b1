//! A copy of somebody else's log, which only ever grows.
//!
//! Whoever keeps a log can write it anew, with all its signatures. Whoever follows it keeps what was there: new leaves are
//! hashed onto the tree that is here already, and only when that gives the root of the checkpoint that came with them is
//! anything written. A log that became shorter, or has another past, is told and changes nothing.

use crate::checkpoint::{CHECKPOINT_FILE, Checkpoint};
use crate::config::SEGMENT_BYTES;
use crate::disk::{Disk, RealDisk};
use crate::error::AuditError;
use crate::grow::{Growing, Growth, Head};
use crate::integrate::Integrator;
use crate::journal::Record;
use crate::journal::write::SegmentMaker;
use crate::open::{make_directories_of, read_checkpoint};
use crate::raw::RawLeaf;
use crate::read::Reader;
use crate::tile::TILE_WIDTH;
use crate::tree::{PerTree, Tree};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yingdun_crypto::digest::sha256;
use yingdun_crypto::sign::NoteVerifier;

/// Records that are hashed and written in one step: 16 full bundles, some megabytes of memory.
const STEP_RECORDS: usize = 16 * TILE_WIDTH;

/// Why a log cannot be followed any further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// The log ends before what is kept here: leaves were taken away.
    #[error("the log shrank: {known} records are kept here, its checkpoint covers {came}")]
    Shrank {
        /// How many are kept here.
        known: u64,
        /// How many it covers.
        came: u64,
    },
    /// The signed root is not that of the records kept here and those that came.
    #[error(
        "the log forked: its checkpoint of {size} records does not continue the {known} that are kept here"
    )]
    Forked {
        /// How many are kept here.
        known: u64,
        /// How many the other past has.
        size: u64,
    },
    /// The checkpoint is not signed by the key of the log, or is not one.
    #[error("the checkpoint that came cannot be trusted: {0}")]
    Checkpoint(String),
    /// Fewer leaves came than the checkpoint covers.
    #[error("{came} records came, the checkpoint covers {size}")]
    CutOff {
        /// Records that are there.
        came: u64,
        /// Records that it covers.
        size: u64,
    },
    /// The leaves that came cannot be read.
    #[error("the records that came cannot be read: {0}")]
    Source(#[from] io::Error),
    /// The copy here cannot be read or written.
    #[error(transparent)]
    Log(#[from] AuditError),
}

/// The copy of a log.
#[derive(Debug)]
pub struct Mirror {
    dir: PathBuf,
    verifier: NoteVerifier,
    checkpoint: Option<Checkpoint>,
}

impl Mirror {
    /// Opens the copy in a directory, or begins one.
    ///
    /// # Errors
    /// [`MirrorError::Log`] when what is there is not a copy of the log of this key.
    pub fn open(dir: &Path, verifier: NoteVerifier) -> Result<Self, MirrorError> {
        make_directories_of(dir).map_err(|error| AuditError::io("cannot make", dir, error))?;
        let path = dir.join(CHECKPOINT_FILE);
        let checkpoint = match fs::read(&path) {
            Ok(note) => Some(read_checkpoint(&path, &verifier, &note)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(AuditError::io("cannot read", &path, error).into()),
        };
        Ok(Self { dir: dir.to_owned(), verifier, checkpoint })
    }

    /// The newest checkpoint that was followed.
    #[must_use]
    pub const fn checkpoint(&self) -> Option<&Checkpoint> {
        self.checkpoint.as_ref()
    }

    /// How many records are kept here.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.checkpoint.as_ref().map_or(0, Checkpoint::size)
    }

    /// A view of what is kept here; none before the first checkpoint.
    #[must_use]
    pub fn reader(&self) -> Option<Reader> {
        self.checkpoint.clone().map(|checkpoint| Reader::new(&self.dir, checkpoint, Vec::new()))
    }

    /// Follows the log to a newer checkpoint. `open` gives the records behind those kept here, each as
    /// [`RawLeaf::write_to`] wrote it; it is asked twice, because nothing is written before the root was found right.
    ///
    /// # Errors
    /// [`MirrorError`]; what was kept here is kept, whatever came.
    pub fn follow<R: Read>(
        &mut self,
        note: &str,
        mut open: impl FnMut() -> io::Result<R>,
    ) -> Result<(), MirrorError> {
        let new = Checkpoint::verify(&self.verifier, note).map_err(MirrorError::Checkpoint)?;
        let (known, size) = (self.size(), new.size());
        if size < known {
            return Err(MirrorError::Shrank { known, came: size });
        }
        self.check_root(&new, open()?)?;
        if self.checkpoint.as_ref().is_some_and(|kept| kept.size() == size) {
            return Ok(());
        }
        let mut integrator = self.integrator(&new)?;
        let mut source = open()?;
        while integrator.size() < size {
            let wanted = usize::try_from(size - integrator.size()).unwrap_or(usize::MAX).min(STEP_RECORDS);
            let mut step = Vec::with_capacity(wanted);
            for index in (integrator.size()..).take(wanted) {
                let Some(RawLeaf { leaf, detail }) = RawLeaf::read_from(&mut source)? else {
                    return Err(MirrorError::CutOff { came: index, size });
                };
                step.push(Arc::new(Record { index, leaf_hash: Tree::Sha256.leaf_hash(&leaf), leaf, detail }));
            }
            integrator.add(&step)?;
        }
        integrator.publish()?;
        self.checkpoint = Some(new);
        Ok(())
    }

    /// Hashes every record that is kept here and compares the root with the signed one.
    ///
    /// # Errors
    /// [`MirrorError::Log`] names what does not fit.
    pub fn check(&self) -> Result<u64, MirrorError> {
        let (Some(reader), Some(checkpoint)) = (self.reader(), &self.checkpoint) else { return Ok(0) };
        let mut growth = Growing::empty(&self.dir, Head::Followed(checkpoint.clone())).growth();
        while growth.size() < checkpoint.size() {
            for RawLeaf { leaf, .. } in reader.raw(growth.size())? {
                add(&mut growth, &leaf);
            }
        }
        if growth.root() == *checkpoint.root() {
            return Ok(checkpoint.size());
        }
        let why = "the records give another root than the signed one".to_owned();
        Err(AuditError::TilesMismatch { size: checkpoint.size(), why }.into())
    }

    /// Makes of the copy a log that can be opened and goes on where the checkpoint ends: begins its journal. For an
    /// installation that is made anew; a copy that is still followed has none.
    ///
    /// # Errors
    /// [`MirrorError::Log`] when the journal cannot be written.
    pub fn into_log(self) -> Result<(), MirrorError> {
        let (size, note) =
            self.checkpoint.map_or((0, String::new()), |kept| (kept.size(), kept.note().to_owned()));
        let maker = SegmentMaker::new(&self.dir, SEGMENT_BYTES, Arc::new(RealDisk));
        maker.start(maker.prepare()?, size, sha256(note.as_bytes()))?;
        Ok(())
    }

    /// Hashes what came onto the tree that is here, in memory, and compares the root.
    fn check_root(&self, new: &Checkpoint, mut source: impl Read) -> Result<(), MirrorError> {
        let (known, size) = (self.size(), new.size());
        // What is kept here must itself be sound before it judges others.
        let mut growth = self.integrator(new)?.growth();
        while growth.size() < size {
            let Some(raw) = RawLeaf::read_from(&mut source)? else {
                return Err(MirrorError::CutOff { came: growth.size(), size });
            };
            add(&mut growth, &raw.leaf);
        }
        if growth.root() == *new.root() { Ok(()) } else { Err(MirrorError::Forked { known, size }) }
    }

    /// Goes on where this copy ends, to the tree of a newer checkpoint.
    fn integrator(&self, new: &Checkpoint) -> Result<Integrator, AuditError> {
        let head = Head::Followed(new.clone());
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let sha256 = match &self.checkpoint {
            Some(kept) => Growing::at(&self.dir, head, kept)?,
            None => Growing::empty(&self.dir, head),
        };
        Integrator::resume(&self.dir, disk, PerTree { sha256, sm3: None })
    }
}

/// Adds a leaf to a tree of which only the root is wanted.
fn add(growth: &mut Growth, leaf: &[u8]) {
    growth.push(growth.tree().leaf_hash(leaf));
    growth.forget_tiles();
}
