//! A copy of somebody else's log, which only ever grows.
//!
//! Whoever keeps a log can write it anew, with all its signatures. Whoever follows it keeps what was there: new leaves are
//! hashed onto the tree that is here already, and only when that gives the root of the checkpoint that came with them is
//! anything written. A log that became shorter, or has another past, is told and changes nothing.
//!
//! Who has the key of the SM3 tree follows that one too: the same leaves must give both roots. What it lacks because the key came
//! later, or because a process was killed, is made of the leaves that are here.

use crate::checkpoint::{CHECKPOINT_FILE, Checkpoint, read_checkpoint};
use crate::config::SEGMENT_BYTES;
use crate::disk::{Disk, RealDisk};
use crate::error::AuditError;
use crate::files;
use crate::grow::{Growing, Growth, Head};
use crate::integrate::Integrator;
use crate::journal::Record;
use crate::journal::write::SegmentMaker;
use crate::open::make_directories_of;
use crate::raw::RawLeaf;
use crate::read::Reader;
use crate::tile::TILE_WIDTH;
use crate::tree::{PerTree, Tree};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yingdun_crypto::digest::sha256;
use yingdun_crypto::sign::NoteVerifier;

/// Records that are hashed and written in one step: 16 full bundles, some megabytes of memory.
const STEP_RECORDS: usize = 16 * TILE_WIDTH;

/// The signed heads of a log at one moment, as notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads<'n> {
    /// Of the SHA-256 tree.
    pub sha256: &'n str,
    /// Of the SM3 tree, where there is one.
    pub sm3: Option<&'n str>,
}

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
        "the log forked: its {tree} checkpoint of {size} records does not continue the {known} that are kept here"
    )]
    Forked {
        /// Whose root it is.
        tree: Tree,
        /// How many are kept here.
        known: u64,
        /// How many the other past has.
        size: u64,
    },
    /// The checkpoint is not signed by the key of the log, or is not one.
    #[error("the checkpoint that came cannot be trusted: {0}")]
    Checkpoint(String),
    /// The log shows no head of the SM3 tree that is followed, or one of another size than that of its SHA-256 tree.
    #[error("no head of the SM3 tree came that is as large as the SHA-256 tree")]
    NoSm3Tree,
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
    verifiers: PerTree<NoteVerifier>,
    checkpoint: Option<Checkpoint>,
    /// May be of another size than that of the SHA-256 tree, by which everything goes.
    sm3: Option<Checkpoint>,
}

impl Mirror {
    /// Opens the copy in a directory, or begins one; with the key of the SM3 tree that one is followed too.
    ///
    /// # Errors
    /// [`MirrorError::Log`] when what is there is not a copy of the log of these keys.
    pub fn open(dir: &Path, verifier: NoteVerifier, sm3: Option<NoteVerifier>) -> Result<Self, MirrorError> {
        make_directories_of(dir).map_err(|error| AuditError::io("cannot make", dir, error))?;
        let newest = |verifier: &NoteVerifier| {
            let path = dir.join(Tree::of(verifier).path(CHECKPOINT_FILE));
            match fs::read(&path) {
                Ok(note) => read_checkpoint(&path, verifier, &note).map(Some),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(AuditError::io("cannot read", &path, error)),
            }
        };
        let checkpoint = newest(&verifier)?;
        let sm3_checkpoint = sm3.as_ref().map(newest).transpose()?.flatten();
        let verifiers = PerTree { sha256: verifier, sm3 };
        Ok(Self { dir: dir.to_owned(), verifiers, checkpoint, sm3: sm3_checkpoint })
    }

    /// The newest checkpoint that was followed.
    #[must_use]
    pub const fn checkpoint(&self) -> Option<&Checkpoint> {
        self.checkpoint.as_ref()
    }

    /// The newest checkpoint of the SM3 tree that was followed, when it covers as much as [`Self::checkpoint`].
    #[must_use]
    pub fn sm3_checkpoint(&self) -> Option<&Checkpoint> {
        self.sm3.as_ref().filter(|sm3| sm3.size() == self.size())
    }

    /// How many records are kept here.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.checkpoint.as_ref().map_or(0, Checkpoint::size)
    }

    /// A view of what is kept here; none before the first checkpoint.
    #[must_use]
    pub fn reader(&self) -> Option<Reader> {
        self.reader_at(self.checkpoint())
    }

    /// The same view through the SM3 tree, where there is one.
    #[must_use]
    pub fn sm3_reader(&self) -> Option<Reader> {
        self.reader_at(self.sm3_checkpoint())
    }

    /// Follows the log to newer heads. `open` gives the records behind those kept here, each as
    /// [`RawLeaf::write_to`] wrote it; it is asked twice, because nothing is written before the roots were found right.
    ///
    /// # Errors
    /// [`MirrorError`]; what was kept here is kept, whatever came.
    pub fn follow<R: Read>(
        &mut self,
        heads: Heads<'_>,
        mut open: impl FnMut() -> io::Result<R>,
    ) -> Result<(), MirrorError> {
        let new = self.verified(heads)?;
        let (known, size) = (self.size(), new.sha256.size());
        if size < known {
            return Err(MirrorError::Shrank { known, came: size });
        }
        self.check_roots(&new, open()?)?;
        let is_here = |kept: &Option<Checkpoint>| kept.as_ref().is_some_and(|kept| kept.size() == size);
        if is_here(&self.checkpoint) && (new.sm3.is_none() || is_here(&self.sm3)) {
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
        self.checkpoint = Some(new.sha256);
        self.sm3 = new.sm3.or_else(|| self.sm3.take());
        Ok(())
    }

    /// Hashes every record that is kept here and compares the roots with the signed ones.
    ///
    /// # Errors
    /// [`MirrorError::Log`] names what does not fit.
    pub fn check(&self) -> Result<u64, MirrorError> {
        let (Some(reader), Some(checkpoint)) = (self.reader(), &self.checkpoint) else { return Ok(0) };
        let signed = [Some(checkpoint), self.sm3_checkpoint()];
        let mut growths: Vec<(Growth, &Checkpoint)> = signed
            .into_iter()
            .flatten()
            .map(|signed| (Growing::empty(&self.dir, Head::Followed(signed.clone())).growth(), signed))
            .collect();
        let mut at = 0;
        while at < checkpoint.size() {
            for RawLeaf { leaf, .. } in reader.raw(at)? {
                growths.iter_mut().for_each(|(growth, _)| add(growth, &leaf));
                at += 1;
            }
        }
        match growths.iter().find(|(growth, signed)| growth.root() != *signed.root()) {
            None => Ok(checkpoint.size()),
            Some((growth, _)) => {
                let why = format!("the records give another {} root than the signed one", growth.tree());
                Err(AuditError::TilesMismatch { size: checkpoint.size(), why }.into())
            }
        }
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

    fn reader_at(&self, checkpoint: Option<&Checkpoint>) -> Option<Reader> {
        checkpoint.map(|checkpoint| Reader::new(&self.dir, checkpoint.clone(), Vec::new()))
    }

    /// The heads that came, when they are signed and of one size.
    fn verified(&self, heads: Heads<'_>) -> Result<PerTree<Checkpoint>, MirrorError> {
        let verified = |verifier: &NoteVerifier, note: &str| {
            Checkpoint::verify(verifier, note).map_err(MirrorError::Checkpoint)
        };
        let sha256 = verified(&self.verifiers.sha256, heads.sha256)?;
        let sm3 = match &self.verifiers.sm3 {
            Some(verifier) => Some(verified(verifier, heads.sm3.ok_or(MirrorError::NoSm3Tree)?)?),
            None => None,
        };
        if sm3.as_ref().is_some_and(|sm3| sm3.size() != sha256.size()) {
            return Err(MirrorError::NoSm3Tree);
        }
        Ok(PerTree { sha256, sm3 })
    }

    /// Hashes what came onto the trees that are here, in memory, and compares the roots.
    fn check_roots(&self, new: &PerTree<Checkpoint>, mut source: impl Read) -> Result<(), MirrorError> {
        let (known, size) = (self.size(), new.sha256.size());
        // What is kept here must itself be sound before it judges others.
        let mut growths = self.integrator(new)?.growths();
        while growths.sha256.size() < size {
            let Some(raw) = RawLeaf::read_from(&mut source)? else {
                return Err(MirrorError::CutOff { came: growths.sha256.size(), size });
            };
            growths.iter_mut().for_each(|growth| add(growth, &raw.leaf));
        }
        let other = growths.iter().zip(new.iter()).find(|(growth, new)| growth.root() != *new.root());
        other.map_or(Ok(()), |(growth, _)| Err(MirrorError::Forked { tree: growth.tree(), known, size }))
    }

    /// Goes on where this copy ends, to the trees of newer heads.
    fn integrator(&self, new: &PerTree<Checkpoint>) -> Result<Integrator, AuditError> {
        let head = Head::Followed(new.sha256.clone());
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let sha256 = match &self.checkpoint {
            Some(kept) => Growing::at(&self.dir, head, kept)?,
            None => Growing::empty(&self.dir, head),
        };
        let sm3 = match &new.sm3 {
            Some(new) => Some(self.caught_up(Head::Followed(new.clone()), disk.as_ref())?),
            None => None,
        };
        Integrator::resume(&self.dir, disk, PerTree { sha256, sm3 })
    }

    /// The SM3 tree of what is kept here. A process that was killed left it ahead; with a key that came later it is behind,
    /// and made of the leaves. Whether it is the right one is seen by the root that is signed next.
    fn caught_up(&self, head: Head, disk: &dyn Disk) -> Result<Growing, AuditError> {
        let (size, there) = (self.size(), self.sm3.as_ref().map_or(0, Checkpoint::size));
        let mut made = BTreeSet::new();
        let directory = self.dir.join(Tree::Sm3.path(""));
        files::make_directories(&self.dir, &directory, &mut made)
            .map_err(|error| AuditError::io("cannot make", &directory, error))?;
        files::sync_directories(disk, &made)?;
        let mut tree = match self.sm3_checkpoint() {
            Some(kept) => Growing::at(&self.dir, head, kept)?,
            None => Growing::resume(&self.dir, head, there.min(size), there)?,
        };
        let Some(reader) = self.reader() else { return Ok(tree) };
        while tree.size() < size {
            let (mut growth, mut written) = (tree.growth(), Vec::new());
            let step = STEP_RECORDS as u64;
            while growth.size() < size && growth.size() - tree.size() < step {
                let leaves = reader.raw(growth.size())?;
                leaves.iter().for_each(|raw| growth.push(Tree::Sm3.leaf_hash(&raw.leaf)));
            }
            tree.add_tiles(&growth, &mut written);
            files::write(&self.dir, disk, &written)?;
            files::check(&self.dir, growth.size(), &written)?;
            tree.advance(growth);
        }
        Ok(tree)
    }
}

/// Adds a leaf to a tree of which only the root is wanted.
fn add(growth: &mut Growth, leaf: &[u8]) {
    growth.push(growth.tree().leaf_hash(leaf));
    growth.forget_tiles();
}
