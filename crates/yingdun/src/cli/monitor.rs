//! Words for what watches accesses: replaying a log, alerts, and lifting what stops somebody.

use crate::cli::AdminArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum MonitorCommand {
    /// Judge a stream of records as the monitor would: what is explained, who is stopped, who should be looked at first
    Replay(ReplayArgs),
    #[command(flatten)]
    Server(AlertCommand),
}

/// What is asked of a running archive.
#[derive(Debug, Subcommand)]
pub(crate) enum AlertCommand {
    /// List alerts, the newest first (audit or security administrator)
    Alerts {
        /// Only those at which nobody has looked yet
        #[arg(long)]
        new: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Note that you looked at an alert, and what you found (audit administrator)
    Acknowledge {
        /// The number of the alert
        number: u64,
        /// true-positive or false-positive; a stop that was right lasts until it is lifted
        #[arg(long)]
        verdict: Option<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Lift everything that is stopped for the person of an alert, who is never yourself (security administrator)
    Lift {
        /// The number of the alert
        number: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Records, one JSON object a line; `-` for standard input
    pub(crate) file: PathBuf,
    /// How many incidents a day somebody looks at
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) budget: Option<u16>,
    /// One JSON object a line as soon as it is known: alerts, blocks, accesses without a reason, and at the end a summary
    #[arg(long)]
    pub(crate) lines: bool,
    /// A TOML file with limits and weights, instead of those that come with the program
    #[arg(long, value_name = "FILE")]
    pub(crate) limits: Option<PathBuf>,
}
