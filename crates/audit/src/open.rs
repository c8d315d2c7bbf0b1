//! Opens a log: what must hold before the first append is accepted.
//!
//! 1. Nobody else has the directory (`lock`).
//! 2. The checkpoint is signed by our key, and the right edge of the tiles gives its root; so for the SM3 tree (`sm3.rs`).
//! 3. The journal is whole, joins the tiles without a gap, and where both hold a record they agree.
//! 4. Partial tiles that a killed process may have cut off are removed.
//! 5. What only the journal holds is integrated and signed; then a new segment is begun and the old ones go.
//!
//! Step 5 also heals what a failed sync may have left: records that were read back from a cache are written
//! once more, to files that are synced from the start.

use crate::checkpoint::{CHECKPOINT_FILE, Checkpoint, Checkpoints, read_checkpoint};
use crate::config::LogConfig;
use crate::error::AuditError;
use crate::files::{self, make_directories};
use crate::grow::{Growing, Head};
use crate::integrate::{Integrator, remove_unsigned_partials};
use crate::journal::replay::{Replay, replay};
use crate::journal::write::{FILE_MODE, OpenSegment, SegmentMaker};
use crate::journal::{JOURNAL_DIRECTORY, Record, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};
use crate::sm3;
use crate::tile::TILE_WIDTH;
use crate::tile::read::TileFiles;
use crate::tree::{PerTree, Tree};
use rustix::fs::{FlockOperation, flock};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yingdun_crypto::digest::sha256;
use yingdun_crypto::sign::{NoteSigner, NoteVerifier, SigningKey};

/// Records integrated in one step while the journal is replayed.
const REPLAY_STEP_RECORDS: usize = 64 * TILE_WIDTH;

/// How long is waited for whoever lets go at this moment. A process that is just being started holds, until its own
/// program runs, a copy of every file that its parent has open.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// A log that is ready to take appends.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) checkpoints: Checkpoints,
    pub(crate) end: u64,
    pub(crate) segment: OpenSegment,
    pub(crate) maker: SegmentMaker,
    pub(crate) integrator: Integrator,
    pub(crate) verifiers: PerTree<NoteVerifier>,
    pub(crate) lock: File,
}

pub(crate) fn open(config: &LogConfig) -> Result<Opened, AuditError> {
    check(config)?;
    let dir = config.dir.as_path();
    let signers = PerTree { sha256: signer_of(config)?, sm3: sm3::signer_of(config)? };
    let verifiers = signers.map(|signer| signer.verifier().clone());
    let made = make_directories_of(dir).map_err(|error| AuditError::io("cannot make", dir, error))?;
    files::sync_directories(config.disk.as_ref(), &made)?;
    let lock = lock(dir)?;
    let maker = SegmentMaker::new(dir, config.segment_bytes, Arc::clone(&config.disk));
    maker.remove_leftovers()?;
    let journal = replay(dir)?;
    let checkpoint_path = dir.join(CHECKPOINT_FILE);
    let (integrator, checkpoints, end, segment) = match fs::read(&checkpoint_path) {
        Ok(note) => {
            let checkpoint = read_checkpoint(&checkpoint_path, &verifiers.sha256, &note)?;
            resume(config, &maker, signers, checkpoint, journal)?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => start(config, &maker, signers, journal)?,
        Err(error) => return Err(AuditError::io("cannot read", &checkpoint_path, error)),
    };
    Ok(Opened { checkpoints, end, segment, maker, integrator, verifiers, lock })
}

/// Checks that records which both journal and tiles hold are the same.
pub(crate) fn check_overlap(dir: &Path, tree: Tree, size: u64, records: &[Record]) -> Result<(), AuditError> {
    let files = TileFiles::new(dir, tree);
    let covered = records.iter().take_while(|record| record.index < size).collect::<Vec<_>>();
    for run in covered.chunk_by(|a, b| a.index / TILE_WIDTH as u64 == b.index / TILE_WIDTH as u64) {
        let Some(first) = run.first() else { continue };
        let number = first.index / TILE_WIDTH as u64;
        let width = (size - number * TILE_WIDTH as u64).min(TILE_WIDTH as u64);
        let hashes = files.hashes(0, number, usize::try_from(width).unwrap_or(TILE_WIDTH))?;
        let mut hashes = hashes.iter().skip(usize::try_from(first.index % TILE_WIDTH as u64).unwrap_or(0));
        if let Some(record) = run.iter().find(|record| hashes.next() != Some(&record.hash_in(tree))) {
            let why = format!("record {} of the journal is not the one in the tiles", record.index);
            return Err(AuditError::TilesMismatch { size, why });
        }
    }
    Ok(())
}

type Begun = (Integrator, Checkpoints, u64, OpenSegment);

fn start(
    config: &LogConfig,
    maker: &SegmentMaker,
    signers: PerTree<NoteSigner>,
    journal: Option<Replay>,
) -> Result<Begun, AuditError> {
    // The checkpoint of size 0 is signed before the first append, so without a checkpoint nothing may be there.
    let dir = &config.dir;
    let has_records = journal.is_some_and(|journal| journal.end > 0);
    if has_records || ["tile", "detail", "sm3/tile"].iter().any(|name| dir.join(name).exists()) {
        let why = "there are records or tiles but no checkpoint".to_owned();
        return Err(AuditError::Incomplete { dir: dir.clone(), why });
    }
    let segment = maker.start(maker.prepare()?, 0, sha256(config.origin.as_bytes()))?;
    if signers.sm3.is_some() {
        sm3::make_directory(config)?;
    }
    let trees = PerTree {
        sha256: Growing::empty(dir, Head::Signed(signers.sha256)),
        sm3: signers.sm3.map(|signer| Growing::empty(dir, Head::Signed(signer))),
    };
    let mut integrator = Integrator::resume(dir, Arc::clone(&config.disk), trees)?;
    let checkpoints = integrator.integrate(&[])?;
    Ok((integrator, checkpoints, 0, segment))
}

fn resume(
    config: &LogConfig,
    maker: &SegmentMaker,
    signers: PerTree<NoteSigner>,
    checkpoint: Checkpoint,
    journal: Option<Replay>,
) -> Result<Begun, AuditError> {
    let dir = config.dir.as_path();
    let size = checkpoint.size();
    let incomplete = |why: String| AuditError::Incomplete { dir: dir.to_owned(), why };
    let sha256 = Growing::at(dir, Head::Signed(signers.sha256), &checkpoint)?;
    let Some(journal) = journal else {
        return Err(incomplete(format!("the journal is missing, records after {size} may be lost")));
    };
    let first = journal.segments.first().map_or(journal.end, |(first, _)| *first);
    if first > size || journal.end < size {
        return Err(incomplete(format!(
            "the checkpoint covers records 0 to {size}, the journal holds {first} to {}",
            journal.end
        )));
    }
    check_overlap(dir, Tree::Sha256, size, &journal.records)?;
    let waiting: Vec<Record> = journal.records.into_iter().filter(|record| record.index >= size).collect();
    let sm3 =
        signers.sm3.map(|signer| sm3::open(config, signer, &sha256, &checkpoint, &waiting)).transpose()?;
    let sm3_signed = sm3.as_ref().map_or(size, |sm3| sm3.checkpoint.size());
    // All files of a pass are synced before the first of its heads is signed.
    remove_unsigned_partials(dir, sm3_signed, journal.end)?;
    if let Some((path, offset)) = &journal.torn {
        tracing::warn!(path = %path.display(), offset, "dropped a batch that was cut off before it was acknowledged");
    }
    let (sm3, sm3_checkpoint) = sm3.map(|sm3| (sm3.tree, sm3.checkpoint)).unzip();
    let mut checkpoints = Checkpoints { sha256: checkpoint, sm3: sm3_checkpoint };
    let mut integrator = Integrator::resume(dir, Arc::clone(&config.disk), PerTree { sha256, sm3 })?;
    let waiting: Vec<Arc<Record>> = waiting.into_iter().map(Arc::new).collect();
    // What the SM3 tree is ahead comes in one step, so that none of its checkpoints is smaller than one before.
    let (ahead, rest) = waiting.split_at(usize::try_from(sm3_signed - size).unwrap_or(0));
    for step in [ahead].into_iter().filter(|ahead| !ahead.is_empty()).chain(rest.chunks(REPLAY_STEP_RECORDS))
    {
        checkpoints = integrator.integrate(step)?;
    }
    let segment = maker.start(maker.prepare()?, journal.end, journal.chain)?;
    for (_, path) in journal.segments {
        if path != segment.path() {
            fs::remove_file(&path).map_err(|error| AuditError::io("cannot remove", &path, error))?;
        }
    }
    Ok((integrator, checkpoints, journal.end, segment))
}

fn check(config: &LogConfig) -> Result<(), AuditError> {
    if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&config.segment_bytes) {
        let why = format!(
            "a journal segment has {SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX} bytes, got {}",
            config.segment_bytes
        );
        return Err(AuditError::Config { why });
    }
    Ok(())
}

fn signer_of(config: &LogConfig) -> Result<NoteSigner, AuditError> {
    let key = SigningKey::from_seed(config.signing_key.seed());
    NoteSigner::new(&config.origin, key).map_err(|error| AuditError::Config { why: error.to_string() })
}

pub(crate) fn make_directories_of(dir: &Path) -> io::Result<BTreeSet<std::path::PathBuf>> {
    let mut made = BTreeSet::new();
    if !dir.is_dir() {
        fs::create_dir_all(dir)?;
        made.extend(dir.parent().map(Path::to_owned));
    }
    make_directories(dir, &dir.join(JOURNAL_DIRECTORY), &mut made)?;
    Ok(made)
}

fn lock(dir: &Path) -> Result<File, AuditError> {
    let path = dir.join("lock");
    let fail = |error| AuditError::io("cannot lock", &path, error);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(&path)
        .map_err(fail)?;
    let until = Instant::now() + LOCK_WAIT_MAX;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < until => std::thread::sleep(LOCK_PAUSE),
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(AuditError::Locked { dir: dir.to_owned() }),
            Err(error) => return Err(fail(error.into())),
        }
    }
}
