//! Words for what patients agree to.

use crate::cli::AdminArgs;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum ConsentCommand {
    /// Enter to what a patient agreed, and what shows it
    Enter {
        #[command(flatten)]
        consent: ConsentArgs,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List consents that are not over; patients by their pseudonyms
    List {
        /// Also those that are over or were withdrawn
        #[arg(long)]
        over: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Withdraw a consent now; no reason is asked for
    Withdraw {
        /// Its number
        consent: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// A consent.
#[derive(Debug, Args)]
pub(crate) struct ConsentArgs {
    /// A file whose only line is the patient ID, so that it does not stand in lists of processes; `-` is standard
    /// input
    #[arg(long, value_name = "FILE")]
    pub(crate) patient_id_file: PathBuf,
    /// Issuer of the patient ID
    #[arg(long, default_value = "")]
    pub(crate) issuer: String,
    /// To what
    #[arg(long)]
    pub(crate) to: ConsentWord,
    /// Only for those who belong to this department, which is a project; with `--to research`
    #[arg(long, value_name = "DEPARTMENT")]
    pub(crate) project: Option<String>,
    /// In what form it was given
    #[arg(long)]
    pub(crate) form: FormWord,
    /// Who gave it: the patient, or who stands for the patient
    #[arg(long, default_value = "patient")]
    pub(crate) giver: GiverWord,
    /// Where the evidence is: the number of a form, a folder; kept sealed
    #[arg(long)]
    pub(crate) reference: String,
    /// For how many days, from now on; without, until it is withdrawn
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub(crate) days: Option<u32>,
    /// There may be no study of the patient yet
    #[arg(long)]
    pub(crate) unknown: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConsentWord {
    /// Use for research
    Research,
    /// Being carried out of the archive, or shown to somebody outside
    Sharing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormWord {
    /// Signed on paper
    Paper,
    /// Given electronically
    Electronic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GiverWord {
    /// The patient
    Patient,
    /// Who stands for the patient: of a child below fourteen always
    Guardian,
}
