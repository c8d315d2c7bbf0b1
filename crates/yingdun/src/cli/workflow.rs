//! Words for the work around images: what is planned, what was performed, what is new.

use crate::cli::{AdminArgs, CallingArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use yingdun_model::Uid;

#[derive(Debug, Subcommand)]
pub(crate) enum WorklistCommand {
    /// Enter a scheduled procedure step
    Add {
        /// A file with the attributes in the DICOM JSON model, or - for standard input
        file: PathBuf,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List steps, the earliest first
    List {
        /// scheduled, started, completed, discontinued or cancelled
        #[arg(long, default_value = "scheduled")]
        state: String,
        /// The first day
        #[arg(long, value_name = "YYYYMMDD")]
        from: Option<String>,
        /// The last day
        #[arg(long, value_name = "YYYYMMDD")]
        until: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Cancel a step
    Cancel {
        /// Its reference, as `list` shows it
        step: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MppsCommand {
    /// Report to a peer that a step begins (N-CREATE)
    Create {
        #[command(flatten)]
        calling: CallingArgs,
        /// Its attributes in the DICOM JSON model, or an item of a worklist; - for standard input. What else a peer expects is
        /// filled in
        file: PathBuf,
        /// Its SOP Instance UID; a new one when absent
        #[arg(long, value_name = "UID", value_parser = Uid::new)]
        uid: Option<Uid>,
    },
    /// Report to a peer that a step is completed (N-SET)
    Complete {
        #[command(flatten)]
        end: MppsEndArgs,
    },
    /// Report to a peer that a step is given up (N-SET)
    Discontinue {
        #[command(flatten)]
        end: MppsEndArgs,
        /// Why: a code of DCM, as in 110514 for a wrong entry of the worklist
        #[arg(long, value_name = "CODE")]
        reason: Option<String>,
    },
    /// List the steps that were reported to an archive, the newest first
    List {
        /// Of this study
        #[arg(long, value_name = "UID")]
        study: Option<String>,
        /// in-progress, completed or discontinued
        #[arg(long)]
        state: Option<String>,
        /// Performed by this station
        #[arg(long, value_name = "AE")]
        station: Option<String>,
        /// The first day
        #[arg(long, value_name = "YYYYMMDD")]
        from: Option<String>,
        /// The last day
        #[arg(long, value_name = "YYYYMMDD")]
        until: Option<String>,
        /// Behind this step, as `list` shows it
        #[arg(long, value_name = "STEP")]
        after: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show a step, and how many of its images have arrived
    Show {
        /// Its reference, as `list` shows it
        step: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// How a step ends.
#[derive(Debug, Args)]
pub(crate) struct MppsEndArgs {
    #[command(flatten)]
    pub(crate) calling: CallingArgs,
    /// The SOP Instance UID of the step
    #[arg(value_parser = Uid::new)]
    pub(crate) uid: Uid,
    /// The DICOM files that were made, and folders of them: they become the Performed Series Sequence
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Further attributes in the DICOM JSON model
    #[arg(long, value_name = "FILE")]
    pub(crate) attributes: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// The number of the last event that was seen
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) after: u64,
    /// Seconds to wait when there are none, up to 20
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(crate) wait: u32,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}
