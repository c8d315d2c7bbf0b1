//! Checks a log directory from the outside and names what is wrong.
//!
//! Nothing here uses the code that writes: tiles, tree, journal and their arithmetic are written a second time
//! and differently, so that one mistake does not hide behind itself. (A third time, in another language, in
//! `docs/verify/verify_audit.py`.) It trusts the public key and the origin, and nothing on the disk.
//!
//! What is checked, in one pass over the files with memory that does not grow with the log:
//!
//! - the checkpoint: form, origin, signature;
//! - every leaf: framing, its own number, its hash in the tile of level 0;
//! - every tile, full or partial: each hash is the one that the leaves give;
//! - the root: the leaves give the one that was signed;
//! - every detail that is still there: the one whose SHA-256 the leaf holds;
//! - the journal: no gap to the tiles, the same records where both hold them, a whole and canonical tail;
//! - remembered checkpoints, when there are some: the log is a continuation of each, not a rollback or a fork.
//!
//! The key says which tree is checked; with the keys of both trees each is, and that they end at the same leaf.

mod clock;
mod journal;
mod pass;
mod tree;

use crate::leaf::Leaf;
use crate::tree::{Hash, Tree};
pub use clock::ClockStep;
use pass::{Pass, folder};
use std::fmt;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use yingdun_crypto::sign::NoteVerifier;

/// How often the files are read again when something is wrong, and the pause in between: a writer at work
/// between two files looks like damage once, damage stays.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(50);
const LATELY: Duration = Duration::from_secs(1);

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The tree that was checked.
    pub tree: Tree,
    /// The signed size, in leaves.
    pub size: u64,
    /// The signed root.
    pub root: Hash,
    /// Leaves of the signed tree that were hashed.
    pub leaves_checked: u64,
    /// Durable records in the journal that no checkpoint covers yet.
    pub tail_unsigned: u64,
    /// Sealed details that match their leaf.
    pub details_checked: u64,
    /// Sealed details that were removed; proofs do not need them.
    pub details_removed: u64,
    /// Where a batch was cut off while it was written. It was never acknowledged, so nothing is lost.
    pub torn_tail: Option<String>,
    /// The largest step by which the wall clock was set back between two signed leaves: no damage, but something to ask about.
    pub clock_set_back: Option<ClockStep>,
    /// The first thing that is wrong; none when the log is as it was written.
    pub first_bad: Option<Bad>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.first_bad.is_none()
    }
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bad {
    /// The checkpoint is missing, malformed, of another log, not signed by the key, or signs something else.
    Checkpoint {
        /// What is wrong.
        why: String,
    },
    /// A leaf is missing, changed or moved.
    Record {
        /// The number of the leaf.
        index: u64,
        /// What the leaf says now, when it can still be read.
        says: Option<String>,
        /// What is wrong.
        why: String,
    },
    /// Leaves were replaced together with their hashes; the tiles above remember others.
    Records {
        /// The numbers of the leaves among which the change is.
        range: Range<u64>,
    },
    /// A hash tile, or an outdated partial file, is missing or changed; the leaves are right.
    Tile {
        /// The file, below the directory of the log.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A sealed detail is changed or moved.
    Detail {
        /// The number of its leaf.
        index: u64,
        /// What is wrong.
        why: String,
    },
    /// The journal is damaged, incomplete, or does not fit the tiles.
    Journal {
        /// The segment, below the directory of the log.
        path: PathBuf,
        /// Where in the segment, in bytes.
        offset: u64,
        /// The first record concerned.
        index: u64,
        /// What the record says, when it can be read.
        says: Option<String>,
        /// What is wrong.
        why: String,
    },
    /// The log is not a continuation of the remembered checkpoint.
    History {
        /// The remembered size.
        known_size: u64,
        /// What is wrong.
        why: String,
    },
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let saying =
            |says: &Option<String>| says.as_ref().map_or(String::new(), |says| format!("; it says: {says}"));
        match self {
            Self::Checkpoint { why } => write!(f, "checkpoint: {why}"),
            Self::Record { index, says, why } => write!(f, "record {index}: {why}{}", saying(says)),
            Self::Records { range: Range { start, end } } => write!(
                f,
                "records {start} to {}: replaced together with their hashes, the tile above remembers others",
                end.saturating_sub(1)
            ),
            Self::Tile { path, why } => write!(f, "{}: {why}", path.display()),
            Self::Detail { index, why } => write!(f, "detail of record {index}: {why}"),
            Self::Journal { path, offset, index, says, why } => {
                write!(f, "{} at byte {offset}, record {index}: {why}{}", path.display(), saying(says))
            }
            Self::History { known_size, why } => {
                write!(f, "remembered checkpoint of size {known_size}: {why}")
            }
        }
    }
}

/// Why a verification could not be done at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no such directory.
    #[error("cannot read the directory {}: {source}", dir.display())]
    Directory {
        /// The directory that was asked for.
        dir: PathBuf,
        /// The answer of the operating system.
        source: io::Error,
    },
    /// The remembered checkpoint is not one of this log.
    #[error("the remembered checkpoint cannot be used: {0}")]
    KnownCheckpoint(String),
}

/// Verifies the log in a directory: the tree whose checkpoints the key signs. Reads only.
///
/// # Errors
/// [`VerifyError`] when the question makes no sense; what is wrong with the log is in the [`Report`].
pub fn verify_directory(dir: &Path, verifier: &NoteVerifier) -> Result<Report, VerifyError> {
    verify_directory_since(dir, verifier, &[])
}

/// Verifies the trees of the log in a directory, one for each key, and that they belong together: the SM3 tree has the same
/// leaves as the SHA-256 tree and does not end before it. It may end later by what one interrupted checkpoint covers, which
/// the journal must hold. Each remembered checkpoint is one of any of these trees.
///
/// # Errors
/// [`VerifyError`] when the question makes no sense; what is wrong with the log is in the reports.
pub fn verify_trees(
    dir: &Path,
    verifiers: &[NoteVerifier],
    known_checkpoints: &[&str],
) -> Result<Vec<Report>, VerifyError> {
    let mut verifiers: Vec<&NoteVerifier> = verifiers.iter().collect();
    // A tree that is read later may only have grown.
    verifiers.sort_by_key(|verifier| Tree::of(verifier));
    for note in known_checkpoints {
        let mut judged = verifiers.iter().map(|verifier| Head::read(note, verifier));
        if let Some(Err(why)) = judged.next()
            && !judged.any(|head| head.is_ok())
        {
            return Err(VerifyError::KnownCheckpoint(why));
        }
    }
    let mut reports = Vec::with_capacity(verifiers.len());
    for verifier in verifiers {
        let of_tree = known_checkpoints.iter().copied().filter(|note| Head::read(note, verifier).is_ok());
        let of_tree: Vec<&str> = of_tree.collect();
        reports.push(verify_directory_since(dir, verifier, &of_tree)?);
    }
    if let [sha256, sm3] = reports.as_mut_slice()
        && sm3.size < sha256.size
    {
        let why = format!(
            "it ends at size {}, the SHA-256 tree at {}; a copy that was taken while the archive was running is to be taken again",
            sm3.size, sha256.size
        );
        sm3.first_bad.get_or_insert(Bad::Checkpoint { why });
    }
    Ok(reports)
}

/// Verifies one tree of the log in a directory, and that it continues checkpoints that were kept elsewhere. Only such a
/// memory can show that the whole directory was set back to an older state.
///
/// # Errors
/// [`VerifyError`] when the question makes no sense; what is wrong with the log is in the [`Report`].
pub fn verify_directory_since(
    dir: &Path,
    verifier: &NoteVerifier,
    known_checkpoints: &[&str],
) -> Result<Report, VerifyError> {
    fs::read_dir(dir).map_err(|source| VerifyError::Directory { dir: dir.to_owned(), source })?;
    let known = known_checkpoints.iter().map(|note| Head::read(note, verifier));
    let mut known = known.collect::<Result<Vec<_>, _>>().map_err(VerifyError::KnownCheckpoint)?;
    known.sort_by_key(|head| head.size);
    let mut attempt = 1;
    loop {
        let report = verify_once(dir, verifier, &known);
        if report.is_ok() || attempt == ATTEMPTS || !is_being_written(dir) {
            return Ok(report);
        }
        attempt += 1;
        std::thread::sleep(PAUSE);
    }
}

/// Whether something in the directory was written within the last second.
fn is_being_written(dir: &Path) -> bool {
    let segments =
        fs::read_dir(dir.join("journal")).into_iter().flatten().flatten().map(|entry| entry.path());
    segments.chain([dir.join("checkpoint")]).any(|path| {
        let modified = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        modified.and_then(|at| at.elapsed().ok()).is_some_and(|age| age < LATELY)
    })
}

/// The remembered heads are in the order of their sizes.
fn verify_once(dir: &Path, verifier: &NoteVerifier, known: &[Head]) -> Report {
    let tree = Tree::of(verifier);
    let head = fs::read_to_string(dir.join(folder(tree, "checkpoint")))
        .map_err(|error| format!("cannot be read: {error}"))
        .and_then(|note| Head::read(&note, verifier));
    let head = match head {
        Ok(head) => head,
        Err(why) => {
            return Report {
                tree,
                size: 0,
                root: [0; 32],
                leaves_checked: 0,
                tail_unsigned: 0,
                details_checked: 0,
                details_removed: 0,
                torn_tail: None,
                clock_set_back: None,
                first_bad: Some(Bad::Checkpoint { why }),
            };
        }
    };
    let journal = journal::read(dir, tree, head.size);
    let mut pass = Pass::new(dir, tree, &head, &journal, known);
    pass.run();
    let (mut report, tree_bad) = pass.finish();
    report.first_bad = tree_bad.or_else(|| rollback(&head, known)).or(journal.bad);
    report.tail_unsigned = journal.end.saturating_sub(head.size);
    report.torn_tail = journal.torn;
    report
}

fn rollback(head: &Head, known: &[Head]) -> Option<Bad> {
    let known = known.last().filter(|known| known.size > head.size)?;
    let why = format!("the log was set back, it ends at size {}", head.size);
    Some(Bad::History { known_size: known.size, why })
}

/// Size and root of a verified checkpoint.
#[derive(Clone, Debug)]
struct Head {
    size: u64,
    root: Hash,
}

impl Head {
    /// Verifies the signature and reads the three lines of C2SP tlog-checkpoint.
    fn read(note: &str, verifier: &NoteVerifier) -> Result<Self, String> {
        let text = verifier.verify(note).map_err(|error| error.to_string())?;
        let body = text.strip_prefix(verifier.name()).and_then(|rest| rest.strip_prefix('\n'));
        let body = body.ok_or_else(|| format!("it is not of the log `{}`", verifier.name()))?;
        let (size_text, rest) = body.split_once('\n').ok_or("it has no size line")?;
        let root_text = rest.strip_suffix('\n').ok_or("it has no root line")?;
        let size = size_text.parse::<u64>().map_err(|_| "its size is not a number")?;
        let root = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, root_text)
            .map_err(|_| "its root is not base64")?
            .try_into()
            .map_err(|_| "its root is not 32 bytes long")?;
        if size.to_string() != size_text {
            return Err("its size is not written in the one legal way".to_owned());
        }
        Ok(Self { size, root })
    }
}

/// What bytes say, when they are still a leaf.
fn saying(bytes: &[u8]) -> Option<String> {
    Leaf::decode(bytes).ok().map(|leaf| leaf.to_string())
}
