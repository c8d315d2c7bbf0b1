//! Words for people who are not of the house.

use crate::cli::{AdminArgs, DestroyTarget};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum ConsultationCommand {
    /// Assign a study or a patient to a remote expert, for 7 days at most: what you may open yourself
    Assign {
        /// Login name of the remote expert
        name: String,
        #[command(flatten)]
        target: DestroyTarget,
        /// Issuer of the patient ID
        #[arg(long, default_value = "")]
        issuer: String,
        /// What the expert is asked, in words; kept sealed
        #[arg(long)]
        reason: String,
        /// For how many minutes at most; it ends before with the report
        #[arg(long, default_value_t = 1440, value_parser = clap::value_parser!(u64).range(1..=10080))]
        minutes: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List consultations: those that you have or assigned, or everybody's for officers
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show a consultation
    Show {
        /// The number of the consultation
        number: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Say that your report is done: the consultation ends, and with it what you see (remote expert)
    Complete {
        /// The number of the consultation
        number: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Take a consultation back: one that you assigned, or any as security administrator
    Withdraw {
        /// The number of the consultation
        number: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
}
