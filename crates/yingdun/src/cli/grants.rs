//! Words for timed grants, and for broken glass and its review.

use crate::cli::{AdminArgs, DestroyTarget};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum GrantCommand {
    /// Grant another person a study or a patient for a while, 24 hours at most: what you may open yourself
    Give {
        /// Login name of the person who gets it
        name: String,
        #[command(flatten)]
        target: DestroyTarget,
        /// Issuer of the patient ID
        #[arg(long, default_value = "")]
        issuer: String,
        /// Why, in words; kept sealed
        #[arg(long)]
        reason: String,
        /// For how many minutes
        #[arg(long, default_value_t = 1440, value_parser = clap::value_parser!(u64).range(1..=1440))]
        minutes: u64,
        /// For what: TREAT, and nothing else yet
        #[arg(long, default_value = "TREAT")]
        purpose: String,
        /// It may also be taken out as a medium
        #[arg(long)]
        export: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List grants: your own, or everybody's for officers
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show a grant
    Show {
        /// The number of the grant
        number: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// End a grant now: one that you gave or have, or any as security administrator
    Revoke {
        /// The number of the grant
        number: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum BreakGlassCommand {
    /// Open one patient in an emergency, for an hour unless something else is said; a review follows
    Open {
        #[command(flatten)]
        emergency: EmergencyArgs,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List cases: your own, or everybody's for officers
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show a case
    Show {
        /// The number of the case
        number: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// End it before its time; the review is due all the same
    End {
        /// The number of the case
        number: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Judge a case (audit administrator)
    Review {
        /// The number of the case
        number: u64,
        /// justified or not-justified
        #[arg(long)]
        verdict: String,
        /// Why, in words; kept sealed
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// An emergency.
#[derive(Debug, Args)]
pub(crate) struct EmergencyArgs {
    /// A file with the patient ID, or `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) patient_id_file: PathBuf,
    /// Issuer of the patient ID
    #[arg(long, default_value = "")]
    pub(crate) issuer: String,
    /// Why: emergency-treatment, unconscious-patient, on-call-cover, system-failure or other
    #[arg(long)]
    pub(crate) code: String,
    /// Why, in words; kept sealed
    #[arg(long)]
    pub(crate) reason: String,
    /// For how many minutes
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=240))]
    pub(crate) minutes: u64,
    /// A file with your password; may be left out within five minutes of a sign-in with it
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}
