//! Words for people who are not of the house.

use crate::cli::{AdminArgs, DestroyTarget};
use clap::Subcommand;
use std::path::PathBuf;

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

#[derive(Debug, Subcommand)]
pub(crate) enum PatientAccountCommand {
    /// Bind an account to the record of one patient, for a year (security administrator)
    Bind {
        /// Login name of an account that has the role `patient`, and no other
        name: String,
        /// A file with the patient ID, or `-` for standard input
        #[arg(long, value_name = "FILE")]
        patient_id_file: PathBuf,
        /// Issuer of the patient ID
        #[arg(long, default_value = "")]
        issuer: String,
        /// How it was made sure that the account is this patient's, in words; kept sealed
        #[arg(long)]
        checked: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List accounts of patients; to a patient the own one
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Unbind an account now (security administrator, or the patient)
    Unbind {
        /// The number of the binding
        number: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Who looked at your images (patient)
    Accesses {
        #[arg(long, default_value_t = 100)]
        limit: u64,
        /// Where to go on: `next` of the page before
        #[arg(long)]
        cursor: Option<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// To what you agreed (patient)
    Consents {
        /// Also what is over or was withdrawn
        #[arg(long)]
        over: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Withdraw an own consent now; no reason is asked for (patient)
    WithdrawConsent {
        /// Its number
        consent: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}
