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
    /// Freeze the person of an alert, who is never yourself: every session ends, and none begins until it is lifted (audit administrator)
    Freeze {
        /// The number of the alert
        number: u64,
        /// Why, in words; kept sealed in the audit log
        #[arg(long)]
        reason: String,
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
    /// Say why you open a patient, when the monitor asked: for this patient and the rest of a shift
    Reason {
        /// Study Instance UID of the study that was refused
        #[arg(long, value_name = "UID")]
        study: String,
        /// asked-for-opinion, reporting, follow-up, standing-in, conference, quality, teaching or other
        #[arg(long)]
        code: String,
        /// Why, in words; kept sealed
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List the reasons that people gave when they were asked, the newest first (security administrator)
    Reasons {
        /// Only those that nobody has reviewed yet
        #[arg(long)]
        new: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Judge a reason that another person gave; what was none holds no longer (security administrator)
    ReviewReason {
        /// The number of the reason
        number: u64,
        /// justified or not-justified
        #[arg(long)]
        verdict: String,
        /// Why you find so, in words; kept sealed
        #[arg(long)]
        reason: String,
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
