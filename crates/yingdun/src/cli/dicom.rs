//! Words for the DICOM client: echo, store, commit, find, get, move.

use clap::{Args, ValueEnum};
use std::path::PathBuf;
use yingdun_dimse::scu::Destination;
use yingdun_model::{AeTitle, Uid};

/// How we call a DICOM peer.
#[derive(Debug, Args)]
pub(crate) struct CallingArgs {
    /// The peer, as in YINGDUN@archive.example:2762
    #[arg(value_name = "AE@HOST:PORT")]
    pub(crate) destination: Destination,
    /// The title that we use for ourselves
    #[arg(long, value_name = "AE", default_value = "YINGDUN", value_parser = AeTitle::new)]
    pub(crate) calling: AeTitle,
    /// The authority of the peer's certificate; with it the connection uses TLS
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Our certificate
    #[arg(long, value_name = "FILE", requires_all = ["ca_file", "private_key_file"])]
    pub(crate) certificate_file: Option<PathBuf>,
    /// Its private key
    #[arg(long, value_name = "FILE", requires = "certificate_file")]
    pub(crate) private_key_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct EchoArgs {
    #[command(flatten)]
    pub(crate) calling: CallingArgs,
    /// Seconds that each step may take: 1 to 120
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=120))]
    pub(crate) wait: u16,
}

#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    #[command(flatten)]
    pub(crate) calling: CallingArgs,
    /// DICOM files, and folders that are searched for DICOM files
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Objects that may wait for their answers at once, as far as the peer agrees: 1 to 16
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=16))]
    pub(crate) operations: u16,
}

#[derive(Debug, Args)]
pub(crate) struct CommitArgs {
    #[command(flatten)]
    pub(crate) calling: CallingArgs,
    /// DICOM files, and folders that are searched for DICOM files
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Take the answer on this port as well, from a peer that calls back; over TLS where a certificate is named
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) listen: Option<u16>,
    /// Seconds to wait for the answer: 1 to 3600
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub(crate) wait: u16,
    /// Ask again in the words of an earlier question
    #[arg(long, value_name = "UID", value_parser = Uid::new)]
    pub(crate) transaction: Option<Uid>,
}

/// Which hierarchy a query walks.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ModelArg {
    /// Patient, study, series, image
    Patient,
    /// Study, series, image
    Study,
}

/// What is asked.
#[derive(Debug, Args)]
pub(crate) struct IdentifierArgs {
    #[command(flatten)]
    pub(crate) calling: CallingArgs,
    /// The information model
    #[arg(long, value_enum, default_value = "study")]
    pub(crate) model: ModelArg,
    /// PATIENT, STUDY, SERIES or IMAGE
    #[arg(long, value_name = "LEVEL", default_value = "STUDY")]
    pub(crate) level: String,
    /// An attribute, by keyword or eight hexadecimal digits, that of an item behind its sequence and a dot, and what it is to
    /// match; give it once per attribute
    #[arg(long = "key", short = 'k', value_name = "NAME[=VALUE]", required = true)]
    pub(crate) keys: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct FindArgs {
    #[command(flatten)]
    pub(crate) identifier: IdentifierArgs,
    /// Ask for the modality worklist; a key of a step stands behind ScheduledProcedureStepSequence and a dot
    #[arg(long, conflicts_with_all = ["model", "level"])]
    pub(crate) worklist: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    #[command(flatten)]
    pub(crate) identifier: IdentifierArgs,
    /// Where to write the files
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// SOP class to take; the common ones when absent
    #[arg(long, value_name = "UID", value_parser = Uid::new)]
    pub(crate) sop_class: Vec<Uid>,
    /// Transfer syntax to take; the native little-endian ones when absent
    #[arg(long, value_name = "UID", value_parser = Uid::new)]
    pub(crate) transfer_syntax: Vec<Uid>,
}

#[derive(Debug, Args)]
pub(crate) struct MoveArgs {
    #[command(flatten)]
    pub(crate) identifier: IdentifierArgs,
    /// The title to which the peer sends
    #[arg(long, value_name = "AE", value_parser = AeTitle::new)]
    pub(crate) to: AeTitle,
}
