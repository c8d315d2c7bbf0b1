//! Words for pictures that were found outside.

use crate::cli::AdminArgs;
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum LeakCommand {
    /// Lay a found picture (JPEG or PNG) over the frames of a study, and say whose opening its mark is of
    Trace {
        /// The file
        file: PathBuf,
        /// The study that it is thought to show (Study Instance UID)
        #[arg(long)]
        study: String,
        /// Only this series of it; needed where a study has many frames
        #[arg(long)]
        series: Option<String>,
        /// Only this instance of it
        #[arg(long)]
        instance: Option<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Say whose opening the number is of that is read on a picture, such as WM-V07S-1TC3-63AY
    Mark {
        /// The number
        number: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}
