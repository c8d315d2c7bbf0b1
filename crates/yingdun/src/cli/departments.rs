//! Words for departments, and for what patients have against whom.

use crate::cli::AdminArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum DepartmentCommand {
    /// List departments, and who belongs to them
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Enter a department, or call it anew
    Enter {
        /// Its short name: lower-case letters, digits, hyphens
        department: String,
        /// What people call it
        #[arg(long)]
        called: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Make a person belong to a department or to a device, from now on
    Join {
        #[command(flatten)]
        member: MemberArgs,
        /// For how many days
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
    },
    /// End that now
    Leave {
        #[command(flatten)]
        member: MemberArgs,
    },
    /// Replace for which departments a device performs the studies that it sends from now on
    OfDevice {
        /// AE title that the device calls itself
        ae_title: String,
        /// Their short names; none takes all away
        departments: Vec<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Replace which departments asked for a study and performed it; also before it arrives
    OfStudy {
        /// Study Instance UID
        study: String,
        /// A department that asked for it; may be repeated
        #[arg(long, value_name = "DEPARTMENT")]
        requesting: Vec<String>,
        /// A department that performed it; may be repeated
        #[arg(long, value_name = "DEPARTMENT")]
        performing: Vec<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// Which person, and to what.
#[derive(Debug, Args)]
pub(crate) struct MemberArgs {
    /// Login name of the person
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) unit: UnitArgs,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

/// A department or a device.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct UnitArgs {
    /// Short name of a department
    #[arg(long)]
    pub(crate) department: Option<String>,
    /// AE title of a device
    #[arg(long, value_name = "AE_TITLE")]
    pub(crate) device: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DissentCommand {
    /// Enter what a patient has against whom, or seal the patient's studies
    Enter {
        #[command(flatten)]
        dissent: DissentArgs,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List dissents and seals that are not over; patients by their pseudonyms
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// End a dissent or a seal now
    End {
        /// Its number
        dissent: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// A dissent.
#[derive(Debug, Args)]
pub(crate) struct DissentArgs {
    /// A file whose only line is the patient ID, so that it does not stand in lists of processes; `-` is standard
    /// input
    #[arg(long, value_name = "FILE")]
    pub(crate) patient_id_file: PathBuf,
    /// Issuer of the patient ID
    #[arg(long, default_value = "")]
    pub(crate) issuer: String,
    /// Against what: research, sharing, person, department or sealed
    #[arg(long)]
    pub(crate) against: String,
    /// The person, with `--against person`
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The department, with `--against department`
    #[arg(long)]
    pub(crate) department: Option<String>,
    /// A person who still sees the studies, with `--against sealed`; may be repeated
    #[arg(long = "but", value_name = "NAME")]
    pub(crate) but: Vec<String>,
    /// Broken glass opens the patient all the same
    #[arg(long)]
    pub(crate) break_glass: bool,
    /// For how many days, from now on; without, until it is ended
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub(crate) days: Option<u32>,
    /// There may be no study of the patient yet
    #[arg(long)]
    pub(crate) unknown: bool,
}
