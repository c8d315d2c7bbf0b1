//! Words for the nodes of an installation.

use crate::cli::{ConfigArgs, LogArgs};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum NodesCommand {
    /// The nodes that share the databases of this one, where they are reached, and which of them serve
    List(ConfigArgs),
    /// Enter this machine as a further node: begins its audit log, makes its replicas, and names both in the catalogue; beside nodes
    /// that serve
    Join(JoinArgs),
}

#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    #[command(flatten)]
    pub(crate) log: LogArgs,
    /// Say what would be entered and made, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
