//! Why a vault could not do what was asked.

use std::io;
use std::path::{Path, PathBuf};
use yingdun_audit::MirrorError;
use yingdun_catalog::DumpError;
use yingdun_transfer::TransferError;

/// One sentence that says what was expected and what came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// A file or folder of the vault.
    #[error("`{}` cannot be used: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// There is a vault already.
    #[error("there is a vault in `{}` already; it is never overwritten", .0.display())]
    Exists(PathBuf),
    /// Another process works on the vault.
    #[error("another process works on the vault in `{}`", .0.display())]
    Busy(PathBuf),
    /// The settings cannot be used.
    #[error("the settings `{}` cannot be used: {why}", path.display())]
    Settings {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The passphrase is not the one under which the keys are kept.
    #[error("the passphrase is not the one under which `{}` keeps the keys", .0.display())]
    Passphrase(PathBuf),
    /// What is kept here is not what was put here.
    #[error("`{}` is not what the vault put there: {why}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// No such snapshot.
    #[error("there is no snapshot {0}; `yingdun vault list` shows which there are")]
    NoSnapshot(u64),
    /// Everything here is newer.
    #[error("every snapshot is newer than that; the oldest is {oldest}, see `yingdun vault list`")]
    NoneBefore {
        /// The oldest snapshot.
        oldest: u64,
    },
    /// Nothing was pulled yet.
    #[error("there is no snapshot yet; `yingdun vault pull` takes the first")]
    Empty,
    /// The keys of a snapshot were removed when their time was over.
    #[error(
        "the keys of snapshot {snapshot} are gone, they are kept for {days} days; name a newer snapshot whose keys are to be used"
    )]
    KeysGone {
        /// Which snapshot.
        snapshot: u64,
        /// How long keys are kept.
        days: u32,
    },
    /// Somebody has to look first.
    #[error(
        "{count} alarms wait for a person; look at them with `yingdun vault alarms`, then acknowledge them"
    )]
    Alarmed {
        /// How many.
        count: usize,
    },
    /// The archive does not give what a vault needs.
    #[error(transparent)]
    Archive(#[from] TransferError),
    /// The archive answered with something else.
    #[error("the archive answered with something else than this program expects: {0}")]
    Unexpected(&'static str),
    /// The archive belongs to another installation than the one that is kept here.
    #[error("this vault keeps store {expected}, the archive shows store {found}")]
    OtherStore {
        /// What is kept here.
        expected: String,
        /// What came.
        found: String,
    },
    /// The log cannot be followed.
    #[error("the audit log cannot be followed: {0}")]
    Log(#[from] MirrorError),
    /// Rows of a database.
    #[error(transparent)]
    Rows(#[from] DumpError),
    /// There is no room for a copy.
    #[error("`{}` has {free} bytes free, {needed} are needed", folder.display())]
    NoRoom {
        /// Where.
        folder: PathBuf,
        /// Bytes that are needed.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// A folder is not what it should be for a disc of this vault.
    #[error("`{}` is no disc that can be used: {why}", folder.display())]
    Disc {
        /// Where.
        folder: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// No disc has this label.
    #[error("no disc has the label `{0}`; `yingdun vault disc list` shows which there are")]
    NoDisc(String),
    /// A disc has this label already.
    #[error("a disc has the label `{0}` already; each disc has its own")]
    LabelTaken(String),
    /// A label that not every file system takes.
    #[error("expected a label of 1 to 32 capital letters, digits and `_`, got `{0}`")]
    Label(String),
    /// A disc would stay emptier than it could be.
    #[error(
        "{packs} packs wait, {bytes} bytes, and a disc takes {usable}: more will come; `--underfull` writes it all the same"
    )]
    DiscNotFull {
        /// Packs that would be on it.
        packs: u64,
        /// Their bytes.
        bytes: u64,
        /// Bytes that fit.
        usable: u64,
    },
    /// A disc cannot hold what has to be on it.
    #[error("what has to be on the disc takes {needed} bytes, it has room for {usable}")]
    DiscTooSmall {
        /// Bytes that fit.
        usable: u64,
        /// Bytes that are needed.
        needed: u64,
    },
    /// Every pack is on as many discs as asked for.
    #[error("no sealed pack waits for a disc")]
    NothingForDisc,
    /// The rows on a disc cannot be opened any more.
    #[error(
        "the key of the rows of snapshot {0} on that disc is not in the folder with keys: it ended there; use a newer disc, or an older copy of the folder"
    )]
    DiscKeyGone(u64),
    /// Discs without a snapshot.
    #[error("none of these discs holds a snapshot; one that was written with `--with-snapshot` does")]
    NoSnapshotOnDiscs,
    /// Where an installation is to be made, there is something.
    #[error("`{}` is not empty; only new folders are written into", .0.display())]
    NotEmpty(PathBuf),
}

impl VaultError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |cause| Self::File { path, cause }
    }

    pub(crate) fn damaged(path: &Path, why: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), why: why.into() }
    }
}
