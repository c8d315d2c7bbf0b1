//! Opens the SM3 tree of a log, or builds it from the leaves that are there.
//!
//! The tree is a function of the leaves, so nothing of it has to be believed:
//!
//! - Its checkpoint is signed before that of the SHA-256 tree. A process that was killed between the two left it ahead, by
//!   records that the journal still holds; they must give the root that it signed. A tree that is behind, or ahead of
//!   the journal, was not left so by this program, and the log does not open.
//! - Where there is no checkpoint yet, the tree is built: every leaf is read and hashed into both trees, and nothing is signed as
//!   the tree of the log unless the SHA-256 root is the one that was signed before. Every [`STEP_LEAVES`] leaves what is done is
//!   signed under a name that nobody takes for the log, in `sm3/building`; a process that was killed goes on from there.

use crate::checkpoint::{CHECKPOINT_FILE, Checkpoint, read_checkpoint};
use crate::config::LogConfig;
use crate::error::AuditError;
use crate::files;
use crate::grow::{Growing, Head};
use crate::journal::Record;
use crate::tile::TILE_WIDTH;
use crate::tree::Tree;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use yingdun_crypto::sign::{NoteSigner, Sm2SigningKey};

/// Leaves after which the building of a tree is written and signed: 64 bundles, some tenths of a second.
const STEP_LEAVES: u64 = 64 * TILE_WIDTH as u64;
/// How often the log of the program says how far the building is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);
/// How far a tree is that is being built.
const BUILDING_FILE: &str = "building";

/// The SM3 tree up to the size of the SHA-256 tree.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) tree: Growing,
    /// Its newest head, which covers as much or more.
    pub(crate) checkpoint: Checkpoint,
}

/// The signer of the tree; none where the configuration has no key for it and the log no such tree.
pub(crate) fn signer_of(config: &LogConfig) -> Result<Option<NoteSigner>, AuditError> {
    let directory = directory(&config.dir);
    match &config.sm3_signing_key {
        Some(key) => signer(&Tree::Sm3.origin(&config.origin), key).map(Some),
        None if directory.exists() => {
            let why =
                "the log has it and no key to sign it; ask for it again (`audit.sm3_tree = true`), or move \
                       the folder away to end the tree for good"
                    .to_owned();
            Err(AuditError::Sm3Tree { dir: directory, why })
        }
        None => Ok(None),
    }
}

/// Makes the directory of the tree.
pub(crate) fn make_directory(config: &LogConfig) -> Result<(), AuditError> {
    let directory = directory(&config.dir);
    let mut made = BTreeSet::new();
    files::make_directories(&config.dir, &directory, &mut made)
        .map_err(|error| AuditError::io("cannot make", &directory, error))?;
    files::sync_directories(config.disk.as_ref(), &made)
}

/// Opens the tree to go on from the size of the SHA-256 tree, whose head is `log`; records from there on are `waiting`.
pub(crate) fn open(
    config: &LogConfig,
    signer: NoteSigner,
    sha256: &Growing,
    log: &Checkpoint,
    waiting: &[Record],
) -> Result<Opened, AuditError> {
    let path = directory(&config.dir).join(CHECKPOINT_FILE);
    match fs::read(&path) {
        Ok(note) => {
            let checkpoint = read_checkpoint(&path, signer.verifier(), &note)?;
            resume(&config.dir, signer, log.size(), checkpoint, waiting)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => build(config, signer, sha256, log),
        Err(error) => Err(AuditError::io("cannot read", &path, error)),
    }
}

fn resume(
    dir: &Path,
    signer: NoteSigner,
    size: u64,
    checkpoint: Checkpoint,
    waiting: &[Record],
) -> Result<Opened, AuditError> {
    let fail = |why: String| AuditError::Sm3Tree { dir: directory(dir), why };
    let signed = checkpoint.size();
    let ahead = signed.checked_sub(size).and_then(|ahead| usize::try_from(ahead).ok());
    let Some(between) = ahead.and_then(|ahead| waiting.get(..ahead)) else {
        let more = waiting.len();
        return Err(fail(format!(
            "it was signed at {signed} records, the SHA-256 tree at {size}, and the journal has {more} more; \
             keep the folder as evidence and compare it with a copy"
        )));
    };
    let tree = Growing::resume(dir, Head::Signed(signer), size, signed)?;
    let mut growth = tree.growth();
    between.iter().for_each(|record| growth.push(record.hash_in(Tree::Sm3)));
    if growth.root() != *checkpoint.root() {
        return Err(fail("its tiles and the journal give another root than the signed one".to_owned()));
    }
    Ok(Opened { tree, checkpoint })
}

/// Builds the tree of a log that is older than its SM2 key.
fn build(
    config: &LogConfig,
    signer: NoteSigner,
    sha256: &Growing,
    log: &Checkpoint,
) -> Result<Opened, AuditError> {
    let (dir, disk, size) = (config.dir.as_path(), config.disk.as_ref(), log.size());
    make_directory(config)?;
    let mut tree = half_built(config, size)?;
    let mut first = sha256.growth_from(tree.size())?;
    let mut told = None;
    while tree.size() < size {
        if told.is_none_or(|told: Instant| told.elapsed() >= PROGRESS_INTERVAL) {
            tracing::info!(done = tree.size(), leaves = size, "building the SM3 tree of the audit log");
            told = Some(Instant::now());
        }
        let (from, until) = (tree.size(), size.min(tree.size() + STEP_LEAVES));
        let mut growth = tree.growth();
        for number in from / TILE_WIDTH as u64..until.div_ceil(TILE_WIDTH as u64) {
            let width = (size - number * TILE_WIDTH as u64).min(TILE_WIDTH as u64);
            for leaf in sha256.files().entries(number, usize::try_from(width).unwrap_or(TILE_WIDTH))? {
                first.push(Tree::Sha256.leaf_hash(&leaf));
                growth.push(Tree::Sm3.leaf_hash(&leaf));
            }
        }
        first.forget_tiles();
        let mut written = Vec::new();
        tree.add_tiles(&growth, &mut written);
        files::write(dir, disk, &written)?;
        files::check(dir, until, &written)?;
        tree.check(&growth)?;
        tree.advance(growth);
        if until < size {
            tree.publish(disk, BUILDING_FILE)?;
        }
    }
    if first.root() != *log.root() {
        let why = "the leaves give another root than the signed one, so no SM3 tree is made of them; \
                   `yingdun audit verify` names the first bad record"
            .to_owned();
        return Err(AuditError::TilesMismatch { size, why });
    }
    let tree = tree.signed_by(signer);
    let checkpoint = tree.publish(disk, CHECKPOINT_FILE)?;
    let path = directory(dir).join(BUILDING_FILE);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(AuditError::io("cannot remove", &path, error))
        }
        Ok(()) | Err(_) => Ok(Opened { tree, checkpoint }),
    }
}

/// The tree as far as an earlier process has built it, of a log of `size` leaves.
fn half_built(config: &LogConfig, size: u64) -> Result<Growing, AuditError> {
    // INVARIANT: a legal origin stays one with a suffix, and `signer_of` has taken it.
    let Some(key) = &config.sm3_signing_key else { unreachable!("a tree is built where there is a key") };
    let signer = signer(&format!("{}/{BUILDING_FILE}", Tree::Sm3.origin(&config.origin)), key)?;
    let path = directory(&config.dir).join(BUILDING_FILE);
    let note = match fs::read(&path) {
        Ok(note) => note,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Growing::empty(&config.dir, Head::Signed(signer)));
        }
        Err(error) => return Err(AuditError::io("cannot read", &path, error)),
    };
    let done = read_checkpoint(&path, signer.verifier(), &note)?;
    let fail = |why: &str| AuditError::Sm3Tree {
        dir: directory(&config.dir),
        why: format!("{why}; move the folder away to have it built from the beginning"),
    };
    if done.size() > size || !done.size().is_multiple_of(STEP_LEAVES) {
        return Err(fail("it was being built from more leaves than there are"));
    }
    let tree = Growing::resume(&config.dir, Head::Signed(signer), done.size(), done.size())?;
    if tree.root() != *done.root() {
        return Err(fail("what was built of it is not what is there"));
    }
    Ok(tree)
}

// === helpers ===

fn directory(dir: &Path) -> PathBuf {
    dir.join("sm3")
}

fn signer(name: &str, key: &Sm2SigningKey) -> Result<NoteSigner, AuditError> {
    NoteSigner::new(name, Sm2SigningKey::from_secret(key.secret()))
        .map_err(|error| AuditError::Config { why: error.to_string() })
}
