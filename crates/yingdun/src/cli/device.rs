//! Words for devices, service clients and the jobs that they are asked for.

use crate::cli::{AdminArgs, CredentialCommand};
use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// Register a device
    Add {
        /// The AE title that the device calls itself
        ae_title: String,
        /// The AE title by which it calls us
        #[arg(long, value_name = "AE", default_value = "YINGDUN")]
        called: String,
        /// Its certificate
        #[arg(long, value_name = "FILE")]
        certificate_file: Option<PathBuf>,
        /// Address or network from which it may call; give it once per network, or `any`
        #[arg(long, value_name = "ADDR", required = true)]
        address: Vec<String>,
        /// Let it connect without TLS
        #[arg(long)]
        plain: bool,
        /// Where it takes images that are sent to it (C-MOVE): HOST:PORT, or `plain://HOST:PORT` without TLS
        #[arg(long, value_name = "HOST:PORT")]
        destination: Option<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Replace its scopes: store, search, view, export, worklist, workitems (security administrator)
    Grant {
        ae_title: String,
        scopes: Vec<String>,
        #[arg(long, value_name = "AE", default_value = "YINGDUN")]
        called: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List devices
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List devices that called in vain: titles, address, certificate, how often, and why they are turned away
    Waiting {
        /// Those, too, that somebody dismissed
        #[arg(long)]
        dismissed: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Register a waiting device with the titles and the certificate that were seen
    Approve {
        /// As `device waiting` shows it
        attempt: String,
        /// Address or network from which it may call, instead of the one from which it called; give it once per network
        #[arg(long, value_name = "ADDR")]
        address: Vec<String>,
        /// Let it go on without TLS, where it called without
        #[arg(long)]
        plain: bool,
        /// Where it takes images that are sent to it (C-MOVE): HOST:PORT, or `plain://HOST:PORT` without TLS
        #[arg(long, value_name = "HOST:PORT")]
        destination: Option<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Take a waiting device out of sight, or bring it back
    Dismiss {
        /// As `device waiting` shows it
        attempt: String,
        /// For how long
        #[arg(long, value_name = "N", default_value_t = 30)]
        days: u32,
        /// Bring it back
        #[arg(long, conflicts_with = "days")]
        undo: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Disable a device
    Disable {
        ae_title: String,
        #[arg(long, value_name = "AE", default_value = "YINGDUN")]
        called: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Have the archive verify the connection to a device (C-ECHO), or say at which step it fails, why, and what to do
    Echo {
        ae_title: String,
        #[arg(long, value_name = "AE", default_value = "YINGDUN")]
        called: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Have the archive search at a device (C-FIND) and show what the asker may see
    Find {
        ae_title: String,
        /// Where to look
        #[arg(long, value_enum, default_value = "study")]
        level: DeviceLevel,
        /// An attribute, by keyword or eight hexadecimal digits, and what it is to match; give it once per attribute
        #[arg(long = "key", short = 'k', value_name = "NAME[=VALUE]", required = true)]
        keys: Vec<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Have the archive ask a device for its modality worklist (C-FIND)
    Worklist {
        ae_title: String,
        /// An attribute and what it is to match, that of a step behind ScheduledProcedureStepSequence and a dot; give it once
        /// per attribute
        #[arg(long = "key", short = 'k', value_name = "NAME[=VALUE]")]
        keys: Vec<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Bring studies of a device into the archive: a job
    Retrieve {
        ae_title: String,
        /// Study Instance UIDs
        #[arg(required = true, value_name = "STUDY")]
        studies: Vec<String>,
        /// C-MOVE, for which the device calls the archive back, or C-GET over the association of the archive
        #[arg(long, value_enum, default_value = "move")]
        by: DeviceWay,
        /// Wait until the job has ended
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Have the archive send studies to a device (C-STORE): a job
    Store {
        ae_title: String,
        /// Study Instance UIDs
        #[arg(required = true, value_name = "STUDY")]
        studies: Vec<String>,
        /// Only this series of them; give it once per series
        #[arg(long, value_name = "UID")]
        series: Vec<String>,
        /// Only this instance of them; give it once per instance
        #[arg(long, value_name = "UID")]
        instance: Vec<String>,
        /// Wait until the job has ended
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Have the archive ask a device whether it keeps what was sent to it (storage commitment)
    Commit {
        ae_title: String,
        /// Study Instance UIDs
        #[arg(required = true, value_name = "STUDY")]
        studies: Vec<String>,
        /// Only this series of them; give it once per series
        #[arg(long, value_name = "UID")]
        series: Vec<String>,
        /// Only this instance of them; give it once per instance
        #[arg(long, value_name = "UID")]
        instance: Vec<String>,
        /// Wait until the device has answered, or cannot
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show how a device differs from others, or replace it: PDU length, character sets, wildcards, transfer syntaxes, rules
    Habits {
        ae_title: String,
        /// The habits as a JSON object; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        set: Option<PathBuf>,
        #[arg(long, value_name = "AE", default_value = "YINGDUN")]
        called: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show what the rules of a device would make of an object, without sending it
    Coerce {
        ae_title: String,
        /// A DICOM file
        #[arg(long, value_name = "FILE")]
        dry_run: PathBuf,
        /// Try these habits instead of those of the record; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        habits: Option<PathBuf>,
        #[arg(long, value_name = "AE", default_value = "YINGDUN")]
        called: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// Where a search at a device looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeviceLevel {
    Study,
    Series,
    Instance,
}

/// How studies of a device come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeviceWay {
    Move,
    Get,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CommitmentCommand {
    /// List the own questions, the newest first
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show what a device says of each instance
    Show {
        /// As the command that asked has shown it
        transaction: String,
        /// Wait until the device has answered, or cannot
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// List the own jobs, the newest first
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show how far a job is
    Show {
        /// As the command that began it has shown it
        job: String,
        /// Wait until it has ended
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// End a job behind the object that is on its way
    Cancel {
        job: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Register a service client and print its secret
    Add {
        client_id: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Replace its scopes: store, search, view, export, worklist, workitems, vault, introspect
    Grant {
        client_id: String,
        scopes: Vec<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List service clients
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// What it is known by beside its secret
    #[command(subcommand)]
    Credential(CredentialCommand),
    /// Replace what it has to show with each request: certificate, dpop, signature; nothing where none is named, and then its scopes have to be
    /// granted anew
    Demand {
        client_id: String,
        demands: Vec<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Disable a service client, or enable again
    Disable {
        client_id: String,
        #[arg(long)]
        enable: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
}
