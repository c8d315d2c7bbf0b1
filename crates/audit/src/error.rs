//! What can go wrong with a log. No message carries the content of a leaf or of a detail.

use crate::leaf::LeafError;
use crate::tree::Tree;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the log could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuditError {
    /// The log accepts nothing until the process is started again: names could not be made durable, files are not what was written,
    /// or a thread panicked.
    #[error("the audit log failed and accepts nothing until a restart: {why}")]
    Failed {
        /// The first failure.
        why: Arc<str>,
    },
    /// There is no room for the next part of the journal. Nothing was appended; the log takes events again when there is.
    #[error("the audit log has no room in {}", dir.display())]
    OutOfSpace {
        /// The directory of the log.
        dir: PathBuf,
    },
    /// A write or sync failed, in a fresh file too. Nothing was acknowledged; the log takes events again when its disk does.
    #[error("the disk of the audit log failed, and the log tries again: {why}")]
    NotNow {
        /// What failed.
        why: Arc<str>,
    },
    /// The log was shut down.
    #[error("the audit log is shut down")]
    Closed,
    /// More events in one call than a batch may hold.
    #[error("one append takes 1 to {max} events, got {got}")]
    EventCount {
        /// How many came.
        got: usize,
        /// The bound.
        max: usize,
    },
    /// An event cannot become a leaf.
    #[error("event {index} of the append cannot become a leaf: {source}")]
    Leaf {
        /// Which event of the call, from 0.
        index: usize,
        /// Why.
        source: LeafError,
    },
    /// The operating system refused a file operation.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was tried, e.g. `cannot read`.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The answer of the operating system.
        source: Arc<std::io::Error>,
    },
    /// Names could not be made durable, or removed. Whether they are is unknown then, and a second try would prove nothing.
    #[error("{what} {}: {source}", path.display())]
    Names {
        /// What was tried.
        what: &'static str,
        /// The directory, or the file whose name it is.
        path: PathBuf,
        /// The answer of the operating system.
        source: Arc<std::io::Error>,
    },
    /// The segment that takes records was removed, replaced, linked or cut off by somebody else.
    #[error("lost the journal segment {}: {source}", path.display())]
    SegmentLost {
        /// The segment file.
        path: PathBuf,
        /// What is wrong.
        source: Arc<std::io::Error>,
    },
    /// Another process has the log open.
    #[error("the log in {} is open in another process", dir.display())]
    Locked {
        /// The directory of the log.
        dir: PathBuf,
    },
    /// The configuration is not usable.
    #[error("the log cannot be opened with this configuration: {why}")]
    Config {
        /// What is wrong.
        why: String,
    },
    /// The checkpoint cannot be trusted: bad form, other origin, bad signature.
    #[error("the checkpoint {} is not valid: {why}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The tiles on disk do not give the root that the checkpoint signed, or lack what it covers.
    #[error("the tiles do not match the checkpoint of size {size}: {why}")]
    TilesMismatch {
        /// The signed size, in leaves.
        size: u64,
        /// What is wrong.
        why: String,
    },
    /// The SM3 tree is not as large as the other one, or not wanted.
    #[error("the SM3 tree in {}: {why}", dir.display())]
    Sm3Tree {
        /// The directory of the tree.
        dir: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The log has no such tree.
    #[error("the log has no {tree} tree")]
    NoTree {
        /// The tree that was asked for.
        tree: Tree,
    },
    /// A tile or bundle has the wrong length or framing.
    #[error("tile {} is damaged: {why}", path.display())]
    Tile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A file of the index is not what was written. It is derived: it is given up and made again, and no search fails by it.
    #[error("the index of the log, {}: {why}", path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The journal is damaged at a place that no interrupted write explains, or does not join the tiles.
    #[error("the journal segment {} is damaged at byte {offset}, record {record}: {why}", path.display())]
    Journal {
        /// The segment file.
        path: PathBuf,
        /// Where in the segment, in bytes.
        offset: u64,
        /// The number of the first record that cannot be read.
        record: u64,
        /// What is wrong.
        why: String,
    },
    /// Parts of the log are gone.
    #[error("the log in {} is incomplete: {why}", dir.display())]
    Incomplete {
        /// The directory of the log.
        dir: PathBuf,
        /// What is missing.
        why: String,
    },
    /// A cursor that another log gave: its numbers say nothing here.
    #[error("the cursor is that of another log than `{log}`")]
    OtherLog {
        /// The log that was asked.
        log: String,
    },
    /// A record number beyond the end of what can be answered.
    #[error("record {index} was asked for, the log answers for {size} records")]
    OutOfRange {
        /// The number asked for.
        index: u64,
        /// How many records there are.
        size: u64,
    },
    /// A tree size that a consistency proof cannot start or end at.
    #[error("a consistency proof needs 1 <= old <= new <= {size}, got {old} and {new}")]
    ProofRange {
        /// The older size.
        old: u64,
        /// The newer size.
        new: u64,
        /// The signed size of the log.
        size: u64,
    },
    /// A proof text does not prove what it should.
    #[error("the proof does not hold: {why}")]
    Proof {
        /// What is wrong.
        why: String,
    },
}

impl AuditError {
    pub(crate) fn io(what: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), source: Arc::new(source) }
    }

    pub(crate) fn names(what: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Names { what, path: path.to_owned(), source: Arc::new(source) }
    }

    /// Whether there was no room for a file: what was to be written can be written again, as a whole, when there is.
    pub(crate) fn is_for_want_of_room(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, Self::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }

    /// Whether the device failed, or had no room, with the content of one file: that can be written again, as a whole and into a fresh file.
    /// What a failed write or sync left in the one before is unknown, so that one is never used again. What somebody removed or closed does
    /// not pass.
    pub(crate) fn may_pass(&self) -> bool {
        const PASSING: [rustix::io::Errno; 2] = [rustix::io::Errno::IO, rustix::io::Errno::TIMEDOUT];
        let passes = |number: i32| PASSING.iter().any(|errno| errno.raw_os_error() == number);
        self.is_for_want_of_room()
            || matches!(self, Self::Io { source, .. } if source.raw_os_error().is_some_and(passes))
    }

    /// What an appender is told that came meanwhile.
    pub(crate) fn refusal(&self, dir: &Path) -> Self {
        if self.is_for_want_of_room() {
            Self::OutOfSpace { dir: dir.to_owned() }
        } else {
            Self::NotNow { why: Arc::from(self.to_string()) }
        }
    }
}
