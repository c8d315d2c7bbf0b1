//! Words for keys: unsealing, versions, rotation.

use crate::cli::{AdminArgs, ConfigArgs, OpenerArgs, RootArgs, ServerArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;

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
}

#[derive(Debug, Args)]
pub(crate) struct MoveRootArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// A file with a share, where shares open the root-key file now; give it once per share
    #[arg(long, value_name = "FILE")]
    pub(crate) share_file: Vec<PathBuf>,
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
    pub(crate) config: ConfigArgs,
    /// A file with a share, where shares open the root key of the archive now; give it once per share
    #[arg(long, value_name = "FILE")]
    pub(crate) share_file: Vec<PathBuf>,
    /// Prove that the archive opens without it, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ResealArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// A file with a share, where shares open it now; give it once per share
    #[arg(long, value_name = "FILE")]
    pub(crate) share_file: Vec<PathBuf>,
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
