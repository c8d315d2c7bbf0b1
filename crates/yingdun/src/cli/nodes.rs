//! Words for the nodes of an installation.

use crate::cli::{AdminArgs, ConfigArgs, LogArgs};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum NodesCommand {
    /// The nodes that share the databases of this one, where they are reached, and which of them serve
    List(ConfigArgs),
    /// Enter this machine as a further node: begins its audit log, makes its replicas, and names both in the catalogue; beside nodes
    /// that serve
    Join(JoinArgs),
    /// Show which epochs of keys the file of each node holds, and which still keeps the key of one that is over
    Epochs {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Say that a node is gone for good, so that no destruction waits for it and no other node gives it anything. Without
    /// --disk-destroyed it is only said what that means
    Forget {
        /// The name of its audit log, as `yingdun nodes list` shows it
        name: String,
        /// The disk with its epoch file was destroyed, or erased in a way that reaches every block of it. With that file copies of destroyed
        /// keys open
        #[arg(long)]
        disk_destroyed: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    #[command(flatten)]
    pub(crate) log: LogArgs,
    /// Say what would be entered and made, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
