//! Words for images in bulk: import, export, migrate.

use crate::cli::{IdentityArgs, ServerArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use yingdun_dimse::scu::{Destination, DestinationError};
use yingdun_model::AeTitle;

/// The archive that images are moved into. A dry run needs none.
#[derive(Clone, Debug, Args)]
pub(crate) struct TargetArgs {
    /// The server, as in `https://archive.example:8443`
    #[arg(long, value_name = "URL", env = "YINGDUN_SERVER", required_unless_present = "dry_run")]
    pub(crate) server: Option<String>,
    /// The authority of the server's certificate; the authorities of the system when absent
    #[arg(long, value_name = "FILE", env = "YINGDUN_CA_FILE")]
    pub(crate) ca_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Folders, media with a DICOMDIR, zip and tar archives and DICOM files. Links inside folders are not followed
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Look at every file, and send none
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Import every file of a medium, not only those that its DICOMDIR names
    #[arg(long)]
    pub(crate) all_files: bool,
    /// Go on where an interrupted import stopped
    #[arg(long)]
    pub(crate) resume: bool,
    /// Where an import that is not complete keeps how far it is
    #[arg(long, value_name = "FILE", default_value = "yingdun-import.journal")]
    pub(crate) journal: PathBuf,
    /// A list of every file that should be in the archive and is not, with the reason: one JSON object in a line, appended
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Requests that are sent at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) connections: u8,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) identity: IdentityArgs,
}

#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    /// The source: its DICOMweb service, as in `http://orthanc:8042/dicom-web` or
    /// `https://pacs.example/dcm4chee-arc/aets/DCM4CHEE/rs`, or its DICOM node, as in `PACS@pacs.example:104`
    #[arg(long, value_name = "URL|AE@HOST:PORT")]
    pub(crate) from: MigrationSource,
    /// The authority of the source's certificate. DICOMweb: those of the system when absent; DIMSE: with it, the connection uses TLS
    #[arg(long, value_name = "FILE")]
    pub(crate) from_ca_file: Option<PathBuf>,
    /// DICOMweb: a file with a bearer token for the source
    #[arg(long, value_name = "FILE", conflicts_with = "from_basic_file")]
    pub(crate) from_token_file: Option<PathBuf>,
    /// DICOMweb: a file with `user:password` for the source
    #[arg(long, value_name = "FILE")]
    pub(crate) from_basic_file: Option<PathBuf>,
    /// DIMSE: our certificate
    #[arg(long, value_name = "FILE", requires_all = ["from_ca_file", "from_private_key_file"])]
    pub(crate) from_certificate_file: Option<PathBuf>,
    /// DIMSE: its private key
    #[arg(long, value_name = "FILE", requires = "from_certificate_file")]
    pub(crate) from_private_key_file: Option<PathBuf>,
    /// DIMSE: the title that we use for ourselves
    #[arg(long, value_name = "AE", default_value = "YINGDUN", value_parser = AeTitle::new)]
    pub(crate) calling: AeTitle,
    /// DIMSE: how objects are brought here; C-GET where it is offered, otherwise C-MOVE, when absent
    #[arg(long, value_enum)]
    pub(crate) retrieve: Option<RetrievalArg>,
    /// DIMSE: the title under which the source knows this archive, for C-MOVE. The source has to be a device of this archive that
    /// may store
    #[arg(long, value_name = "AE", value_parser = AeTitle::new, required_if_eq("retrieve", "move"))]
    pub(crate) move_to: Option<AeTitle>,
    /// A question that gets this many studies is asked again by shorter spans of time: many sources stop at a limit and do not
    /// say so
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u16).range(2..))]
    pub(crate) window_studies: u16,
    /// No more than this from the source, in MB/s
    #[arg(long, value_name = "MB", value_parser = positive)]
    pub(crate) rate: Option<f64>,
    /// Only studies of this date or later, as in 20200131
    #[arg(long, value_name = "DATE", value_parser = dicom_date)]
    pub(crate) since: Option<String>,
    /// Only studies of this date or earlier
    #[arg(long, value_name = "DATE", value_parser = dicom_date)]
    pub(crate) until: Option<String>,
    /// Count what the source has, and move nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Compare what is here with the source, and store nothing
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) verify_only: bool,
    /// Go on with a migration that was begun: studies that are not here as they are there
    #[arg(long)]
    pub(crate) resume: bool,
    /// Where the list of studies and the report are kept
    #[arg(long, value_name = "DIR", default_value = "yingdun-migrate")]
    pub(crate) folder: PathBuf,
    /// Studies that are moved at the same time
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) connections: u8,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) identity: IdentityArgs,
}

/// Where studies come from.
#[derive(Clone, Debug)]
pub(crate) enum MigrationSource {
    Web(String),
    Dimse(Destination),
}

impl std::str::FromStr for MigrationSource {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains("://") { Ok(Self::Web(text.to_owned())) } else { Ok(Self::Dimse(text.parse()?)) }
    }
}

impl std::fmt::Display for MigrationSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Web(address) => f.write_str(address),
            Self::Dimse(destination) => destination.fmt(f),
        }
    }
}

/// How objects are brought here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RetrievalArg {
    /// C-GET
    Get,
    /// C-MOVE
    Move,
}

/// A date as DICOM writes it (PS3.5 §6.2, DA).
fn dicom_date(text: &str) -> Result<String, &'static str> {
    let legal = text.len() == 8 && jiff::civil::Date::strptime("%Y%m%d", text).is_ok();
    legal.then(|| text.to_owned()).ok_or("a date has eight digits, as in 20200131")
}

fn positive(text: &str) -> Result<f64, &'static str> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or("a rate is a number above zero")
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Study Instance UIDs
    #[arg(value_name = "STUDY", required_unless_present = "patient_id_file")]
    pub(crate) studies: Vec<String>,
    /// All studies of a patient: a file whose only line is the patient ID, so that it does not stand in lists of processes
    #[arg(long, value_name = "FILE", conflicts_with = "studies")]
    pub(crate) patient_id_file: Option<PathBuf>,
    /// Only this series of the one study
    #[arg(long, value_name = "UID")]
    pub(crate) series: Option<String>,
    /// The zip archive to write; one that exists is not overwritten
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(flatten)]
    pub(crate) identity: IdentityArgs,
}
