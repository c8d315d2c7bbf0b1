//! Words for keys: unsealing, versions, rotation.

use crate::cli::{AdminArgs, ConfigArgs, OpenerArgs, RootArgs, ServerArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The most keys of studies that a rehearsal opens: minutes of work, and more than chance needs.
const STUDY_KEYS_MAX: i64 = 1_000_000;

#[derive(Debug, Args)]
pub(crate) struct UnsealArgs {
    /// A file with the share; read from standard input when absent, at a terminal without showing it
    #[arg(long, value_name = "FILE")]
    pub(crate) share_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    #[command(flatten)]
    Server(KeyWorkCommand),
    /// Change what opens the root-key file of a stopped archive: another passphrase, or new shares. The root key stays
    Reseal(ResealArgs),
    /// Give the root key of a stopped archive to another keeper: a new file, a token, a server
    MoveRoot(Box<MoveRootArgs>),
    /// Overwrite and remove a root-key file that was moved away from
    DestroyRootFile(DestroyRootFileArgs),
    /// Write the keys, and nothing of the images, into one sealed and signed file; beside an archive that serves
    Backup(Box<KeysBackupArgs>),
    /// Verify the signature of a backup of keys, and open it where what opens it is given
    VerifyBackup(VerifyBackupArgs),
    /// Prove that keys of studies open from a backup alone; the archive is stopped and not touched, but for a leaf of its log
    Rehearse(RehearseArgs),
    /// Put the keys of a backup where an installation has lost them; what was destroyed since is destroyed again at its start
    Recover(RecoverArgs),
}

/// An archive on this host, and what opens its root key.
#[derive(Debug, Args)]
pub(crate) struct ArchiveArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// A file with a share, where shares open the root key of the archive now; give it once per share
    #[arg(long, value_name = "FILE")]
    pub(crate) share_file: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct KeysBackupArgs {
    /// The file that is written; one that is there is not overwritten
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) archive: ArchiveArgs,
    /// What opens the backup: another passphrase, or other shares, than those of the root-key file
    #[command(flatten)]
    pub(crate) opener: OpenerArgs,
}

/// What opens a backup of keys.
#[derive(Debug, Args)]
pub(crate) struct BackupOpenerArgs {
    /// A file with the passphrase of the backup
    #[arg(long, value_name = "FILE", conflicts_with = "backup_share_file")]
    pub(crate) backup_passphrase_file: Option<PathBuf>,
    /// A file with a share of the backup; give it once per share
    #[arg(long, value_name = "FILE")]
    pub(crate) backup_share_file: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyBackupArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The public key of the audit log of the archive: audit.vkey
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: PathBuf,
    #[command(flatten)]
    pub(crate) opener: BackupOpenerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RehearseArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) archive: ArchiveArgs,
    #[command(flatten)]
    pub(crate) opener: BackupOpenerArgs,
    /// Keys of how many studies are opened, chosen by chance
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=STUDY_KEYS_MAX))]
    pub(crate) study_keys: u32,
}

#[derive(Debug, Args)]
pub(crate) struct RecoverArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) opener: BackupOpenerArgs,
    /// Open the backup and look at what is there, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MoveRootArgs {
    #[command(flatten)]
    pub(crate) archive: ArchiveArgs,
    #[command(flatten)]
    pub(crate) root: RootArgs,
    /// The new root-key file, for `--root file`; one that is there is taken, and opened as it was
    #[arg(long, value_name = "FILE")]
    pub(crate) root_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) opener: OpenerArgs,
    /// Open everything that hangs on the root key, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DestroyRootFileArgs {
    /// The root-key file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) archive: ArchiveArgs,
    /// Prove that the archive opens without it, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ResealArgs {
    #[command(flatten)]
    pub(crate) archive: ArchiveArgs,
    #[command(flatten)]
    pub(crate) opener: OpenerArgs,
    /// Open it with what opens it now, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyWorkCommand {
    /// Show versions, their age and uses, and how far wrapping again is
    Status {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Replace key-encryption keys by their next version now, instead of when they are due
    Rotate {
        /// Only of this grade: L1, L2, L3, L4, L4S or L5
        #[arg(long)]
        grade: Option<String>,
        /// Print what would be replaced, and replace nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Begin to wrap keys again under the newest versions, or go on with it. Versions under which nothing is left are destroyed
    Rewrap {
        /// Stop it, until it is begun again
        #[arg(long, conflicts_with = "dry_run")]
        stop: bool,
        /// Print how many keys are left and which versions would be destroyed, and do nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum NodesCommand {
    /// Show each node with the epochs that its file holds, and which still keeps the key of one that is over
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Say that a node is gone for good, so that no destruction waits for it and no other node gives it anything. Without
    /// --disk-destroyed it is only said what that means
    Forget {
        /// The name of its audit log, as `yingdun nodes list` shows it
        name: String,
        /// The disk with its epoch file was destroyed, or erased in a way that reaches every block of it. With that file copies of destroyed keys open
        #[arg(long)]
        disk_destroyed: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
}
