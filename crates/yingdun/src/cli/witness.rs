//! Words for a witness of audit logs.

use clap::{Args, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// The folder of a witness.
#[derive(Clone, Debug, Args)]
pub(crate) struct WitnessArgs {
    /// The folder of the witness
    #[arg(long, value_name = "DIR", env = "YINGDUN_WITNESS")]
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WitnessCommand {
    /// Make a witness with a key of its own
    Init(WitnessInitArgs),
    /// Cosign the checkpoints of the logs that it watches (C2SP tlog-witness), until SIGTERM or SIGINT
    Serve {
        #[command(flatten)]
        witness: WitnessArgs,
    },
    /// What it has seen of each log, and its public key
    Show {
        #[command(flatten)]
        witness: WitnessArgs,
    },
}

#[derive(Clone, Debug, Args)]
pub(crate) struct WitnessInitArgs {
    #[command(flatten)]
    pub(crate) witness: WitnessArgs,
    /// What it is called in its cosignatures, as in `hospital.example/witness`
    #[arg(long)]
    pub(crate) name: String,
    /// Where it listens (HTTPS)
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8444")]
    pub(crate) listen: SocketAddr,
    /// The certificate of its door, in PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate_file: PathBuf,
    /// The private key of that certificate
    #[arg(long, value_name = "FILE")]
    pub(crate) private_key_file: PathBuf,
    /// The public key of a log to watch (`audit.vkey`), handed over by a person; several, one after the other. More can be added
    /// to witness.toml
    #[arg(long = "log", value_name = "FILE")]
    pub(crate) logs: Vec<PathBuf>,
}
