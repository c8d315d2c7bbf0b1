//! Writes the journal: one write and one sync per batch. Notices when its segment was removed, replaced or
//! linked elsewhere. A segment that failed once is given up: its batch goes into a fresh one.

use super::{
    BATCH_HEADER_BYTES, JOURNAL_DIRECTORY, PAGE_BYTES, Record, encode_batch, encode_segment_header,
    segment_path,
};
use crate::disk::Disk;
use crate::error::AuditError;
use crate::tree::Hash;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Files of a log are for the account of the archive alone.
pub(crate) const FILE_MODE: u32 = 0o600;

/// How the names of prepared segments start.
const SPARE_PREFIX: &str = "spare-";

/// Zeros are written in pieces of this many bytes: large enough to be fast, small enough to hold.
const ZERO_PIECE_BYTES: usize = 1 << 20;

/// Where segments are made: directory, size, disk.
#[derive(Clone, Debug)]
pub(crate) struct SegmentMaker {
    dir: PathBuf,
    segment_bytes: u64,
    disk: Arc<dyn Disk>,
    spares: Arc<AtomicU64>,
}

/// A segment full of zeros that waits for its name.
#[derive(Debug)]
pub(crate) struct SpareSegment {
    file: File,
    path: PathBuf,
}

impl SegmentMaker {
    pub(crate) fn new(dir: &Path, segment_bytes: u64, disk: Arc<dyn Disk>) -> Self {
        Self { dir: dir.to_owned(), segment_bytes, disk, spares: Arc::default() }
    }

    /// The directory of the log.
    pub(crate) fn directory(&self) -> &Path {
        &self.dir
    }

    /// Removes prepared segments that an earlier process left unused.
    pub(crate) fn remove_leftovers(&self) -> Result<(), AuditError> {
        let directory = self.dir.join(JOURNAL_DIRECTORY);
        let fail = |error| AuditError::io("cannot tidy", &directory, error);
        for entry in fs::read_dir(&directory).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            if entry.file_name().to_string_lossy().starts_with(SPARE_PREFIX) {
                fs::remove_file(entry.path()).map_err(fail)?;
            }
        }
        Ok(())
    }

    /// Writes a segment full of zeros and makes it durable. What could not be finished takes no room.
    pub(crate) fn prepare(&self) -> Result<SpareSegment, AuditError> {
        // Commit and integration thread may each be preparing one.
        let number = self.spares.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(JOURNAL_DIRECTORY).join(format!("{SPARE_PREFIX}{number}"));
        match self.fill(&path) {
            Ok(file) => Ok(SpareSegment { file, path }),
            Err(error) => {
                // One that stays is removed by the next start.
                let _removed = fs::remove_file(&path);
                Err(AuditError::io("cannot prepare", &path, error))
            }
        }
    }

    fn fill(&self, path: &Path) -> io::Result<File> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(FILE_MODE)
            .open(path)?;
        let zeros = vec![0; ZERO_PIECE_BYTES];
        let mut offset = 0;
        while offset < self.segment_bytes {
            let left = usize::try_from(self.segment_bytes - offset).unwrap_or(usize::MAX);
            let piece = zeros.get(..left.min(zeros.len())).unwrap_or(&zeros);
            self.disk.write_at(&file, piece, offset)?;
            offset += piece.len() as u64;
        }
        self.disk.sync_data(&file)?;
        Ok(file)
    }

    /// Gives a spare segment its header and its name, durably.
    pub(crate) fn start(
        &self,
        spare: SpareSegment,
        first: u64,
        chain: Hash,
    ) -> Result<OpenSegment, AuditError> {
        let path = spare.path.clone();
        self.begin(spare, first, chain).inspect_err(|_| {
            // One that has its name by now is not there under this one, and takes no more room than it should.
            let _removed = fs::remove_file(path);
        })
    }

    fn begin(&self, spare: SpareSegment, first: u64, chain: Hash) -> Result<OpenSegment, AuditError> {
        let path = segment_path(&self.dir, first);
        let fail = |error| AuditError::io("cannot start", &path, error);
        let header = encode_segment_header(first, self.segment_bytes, &chain);
        self.disk.write_at(&spare.file, &header, 0).map_err(fail)?;
        self.disk.sync_data(&spare.file).map_err(fail)?;
        self.disk.rename(&spare.path, &path).map_err(fail)?;
        let directory = self.dir.join(JOURNAL_DIRECTORY);
        let unknown = |error| AuditError::names("cannot sync", &directory, error);
        self.disk.sync_directory(&directory).map_err(unknown)?;
        let inode = spare.file.metadata().map_err(fail)?.ino();
        Ok(OpenSegment {
            file: spare.file,
            path,
            inode,
            offset: PAGE_BYTES as u64,
            segment_bytes: self.segment_bytes,
            next: first,
            chain,
            given_up: false,
            disk: Arc::clone(&self.disk),
        })
    }
}

/// The segment that takes batches.
#[derive(Debug)]
pub(crate) struct OpenSegment {
    file: File,
    path: PathBuf,
    inode: u64,
    offset: u64,
    segment_bytes: u64,
    next: u64,
    chain: Hash,
    /// Whether a write or sync failed: what is in the file since then is unknown.
    given_up: bool,
    disk: Arc<dyn Disk>,
}

impl OpenSegment {
    /// The file of this segment.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The digest of the last batch, which the next segment continues.
    pub(crate) fn chain(&self) -> Hash {
        self.chain
    }

    /// Whether a batch with this body fits; none does after an error.
    pub(crate) fn has_room_for(&self, body_bytes: usize) -> bool {
        let span = (BATCH_HEADER_BYTES + body_bytes).next_multiple_of(PAGE_BYTES) as u64;
        !self.given_up && self.offset + span <= self.segment_bytes
    }

    /// Makes a batch durable. After an error the segment is given up, and must not be used again.
    pub(crate) fn commit(&mut self, records: &[Record]) -> Result<(), AuditError> {
        self.given_up = true;
        self.check_still_there()
            .map_err(|error| AuditError::SegmentLost { path: self.path.clone(), source: Arc::new(error) })?;
        let (bytes, digest) = encode_batch(self.next, records, &self.chain);
        self.disk
            .write_at(&self.file, &bytes, self.offset)
            .map_err(|error| AuditError::io("cannot write", &self.path, error))?;
        self.disk.sync_data(&self.file).map_err(|error| AuditError::io("cannot sync", &self.path, error))?;
        self.offset += bytes.len() as u64;
        self.next += records.len() as u64;
        self.chain = digest;
        self.given_up = false;
        Ok(())
    }

    /// The name still leads to this file and no other name does.
    fn check_still_there(&self) -> io::Result<()> {
        let named = fs::symlink_metadata(&self.path)?;
        if named.ino() != self.inode || named.nlink() != 1 || named.len() != self.segment_bytes {
            return Err(io::Error::other("the file was replaced, linked or cut off by somebody else"));
        }
        Ok(())
    }
}
