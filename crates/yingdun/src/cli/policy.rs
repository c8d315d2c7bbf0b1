//! Words for rules of the institution.

use crate::cli::AdminArgs;
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say whether a file of rules could be proposed, with line and column of what is wrong; nothing is kept
    Check {
        /// Policies in Cedar, which only forbid
        file: PathBuf,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Propose rules; one security and one audit administrator, who are not you, approve them (system or security administrator)
    Propose {
        /// Policies in Cedar, which only forbid
        file: PathBuf,
        /// What they are for
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Propose the text of an earlier version again; it is approved like any other
    Rollback {
        /// The earlier version
        number: u64,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// What is in force, and every version, the newest first
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// One version: its text, its digest, who approved it
    Show {
        /// Its number
        number: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// What a version would change: made-up questions, and the last thirty days of the audit log of the node that is asked
    Report {
        /// Its number
        number: u64,
        /// Read no more than so many parts of the log; the report says how far it came
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=10_000))]
        parts: u32,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Approve a version; name the digest that `show` printed (security or audit administrator)
    Approve {
        /// Its number
        number: u64,
        /// SHA-256 of the text that you looked at
        #[arg(long)]
        digest: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Reject a version, for good (security or audit administrator)
    Reject {
        /// Its number
        number: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Take the own proposal back
    Withdraw {
        /// Its number
        number: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Put an approved version into force, or end a suspension early (security administrator)
    Activate {
        /// Its number
        number: u64,
        /// SHA-256 of its text
        #[arg(long)]
        digest: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// In an emergency: let the rules of the program alone count for a while; it ends by itself and is reviewed (security administrator)
    Suspend {
        /// For how long
        #[arg(long, default_value_t = 240, value_parser = clap::value_parser!(u32).range(1..=1440))]
        minutes: u32,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Note that you looked at a suspension, which another person ordered (security or audit administrator)
    Review {
        /// The number of the suspension, as `list` shows it
        activation: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// What is asked about rights.
#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// Accounts, roles, actions of roles, care relations and grants that nobody used, with proposals (security or audit administrator)
    Unused {
        /// How many days back
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=365))]
        days: u32,
        #[command(flatten)]
        admin: AdminArgs,
    },
}
