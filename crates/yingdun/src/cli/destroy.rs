//! Words for destruction, and for the legal holds that stand against it.

use crate::cli::AdminArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum DestroyCommand {
    /// Print what would be destroyed, and destroy nothing
    Plan {
        #[command(flatten)]
        target: DestroyTarget,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Ask for a destruction (security administrator); nothing happens until somebody else approves it
    Request {
        #[command(flatten)]
        target: DestroyTarget,
        /// Why: retention-over, patient-wish, ordered, mistake or trial
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Approve what somebody else asked for (audit administrator); it is carried out at once and cannot be undone
    Approve {
        /// The name of the destruction
        id: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Take a request back, or refuse it
    Withdraw {
        /// The name of the destruction
        id: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List destructions, the newest first
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show how far a destruction is; with --json its whole record
    Show {
        /// The name of the destruction
        id: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// What is meant.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct DestroyTarget {
    /// The study, by its Study Instance UID
    #[arg(long, value_name = "UID")]
    pub(crate) study: Option<String>,
    /// Every study of a patient: a file with the patient ID, or `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) patient_id_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// Place a hold (audit administrator): nothing of it is destroyed until it is released
    Place {
        #[command(flatten)]
        target: DestroyTarget,
        /// Why: litigation, investigation, incident, ordered or trial
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Ask for the release of a hold (audit administrator); it stands until somebody else approves that
    Release {
        /// The name of the hold
        id: String,
        /// Why: ended, ordered, mistake or trial
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Approve the release that somebody else asked for (security administrator)
    Approve {
        /// The name of the hold
        id: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Take a request for release back, or refuse it; the hold stands
    Withdraw {
        /// The name of the hold
        id: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List holds: those in force first, and of each the newest
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show a hold: on what, who placed it, why, and how it ended
    Show {
        /// The name of the hold
        id: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}
