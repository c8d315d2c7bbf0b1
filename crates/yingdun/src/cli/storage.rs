//! Words for where images lie: scrub, replicas, off-site replicas.

use crate::cli::{AdminArgs, ConfigArgs};
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct ScrubArgs {
    /// Begin a full pass over every replica now, and say how it begins
    #[arg(long, conflicts_with = "status")]
    pub(crate) now: bool,
    /// Say how far the passes are and what the last full ones found; so without any option
    #[arg(long)]
    pub(crate) status: bool,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ShareArgs {
    /// From how many percent of dead bytes on what lives in a pack is copied and the pack removed; at 100 none is
    /// [default: storage.compact_dead_percent]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) dead_percent: Option<u8>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CompactCommand {
    /// Say what `run` would remove and rewrite, and how much room destroyed studies take; nothing is changed
    Plan {
        #[command(flatten)]
        share: ShareArgs,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Copy what lives in packs that are mostly dead, remove these and the packs in which nothing lives from every replica, off-site
    /// first, and wait until that is done. It cannot be undone
    Run {
        #[command(flatten)]
        share: ShareArgs,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Say how far it is, or what the last one found
    Status {
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The label of the off-site replica
    pub(crate) label: String,
    /// The label of the replica whose folder is filled; the others are filled from it when the archive starts
    /// [default: the first]
    #[arg(long, value_name = "LABEL")]
    pub(crate) into: Option<String>,
    /// Only say what would be fetched
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReplicaCommand {
    /// How each replica stands: state, room, what it still lacks, with which others it is lost
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Take a replica out of service; when `list` says drained, its disk may be taken away
    Drain {
        /// Its label
        label: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Bring everything back from an off-site replica into the empty folder of a replica, while no archive runs
    Restore(RestoreArgs),
    /// Put a replica into service with the empty folder that is there now, and fill it from the others
    Replace {
        /// Its label
        label: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}
