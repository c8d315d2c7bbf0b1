//! Words for what watches accesses: replaying a log, alerts, and lifting what stops somebody.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum MonitorCommand {
    /// Judge a stream of records as the monitor would: what is explained, who is stopped, who should be looked at first
    Replay(ReplayArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Records, one JSON object a line; `-` for standard input
    pub(crate) file: PathBuf,
    /// How many incidents a day somebody looks at
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) budget: Option<u16>,
    /// A TOML file with limits and weights, instead of those that come with the program
    #[arg(long, value_name = "FILE")]
    pub(crate) limits: Option<PathBuf>,
}
