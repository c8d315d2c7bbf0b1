//! Words for the audit log.

use crate::cli::{AdminArgs, ConfigArgs};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// The newest leaves
    Tail {
        #[arg(long, default_value_t = 20)]
        count: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// The leaves that fit all conditions, the newest first, and how many there are
    Search {
        /// By this person, device or program
        #[arg(long)]
        actor: Option<String>,
        /// By this device (AE title)
        #[arg(long, conflicts_with = "actor")]
        device: Option<String>,
        /// An action, as in view, export, store
        #[arg(long)]
        action: Option<String>,
        /// The reference of a patient, as leaves have it
        #[arg(long)]
        patient: Option<String>,
        /// Written at or after this moment, in milliseconds since 1970
        #[arg(long)]
        from_ms: Option<i64>,
        /// Written before this moment, in milliseconds since 1970
        #[arg(long)]
        until_ms: Option<i64>,
        /// Study Instance UID
        #[arg(long)]
        study: Option<String>,
        /// A kind of event, as in access, stored, authentication
        #[arg(long)]
        kind: Option<String>,
        /// permitted, refused, succeeded or failed
        #[arg(long)]
        outcome: Option<String>,
        #[arg(long, default_value_t = 100)]
        limit: u64,
        /// Where to go on: `next` of the page before
        #[arg(long)]
        cursor: Option<String>,
        /// Only in the log of this name; in the logs of all nodes when absent
        #[arg(long, value_name = "ORIGIN")]
        log: Option<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Who looked at the images of a study or a patient, and who was refused, the newest first
    #[command(group = clap::ArgGroup::new("whose").required(true))]
    Accesses {
        /// Study Instance UID
        #[arg(long, group = "whose")]
        study: Option<String>,
        /// A file with the patient ID, or `-` for standard input
        #[arg(long, value_name = "FILE", group = "whose")]
        patient_id_file: Option<PathBuf>,
        /// Who issued the patient ID
        #[arg(long, default_value = "", requires = "patient_id_file")]
        issuer: String,
        #[arg(long, default_value_t = 100)]
        limit: u64,
        /// Where to go on: `next` of the page before
        #[arg(long)]
        cursor: Option<String>,
        /// Only in the log of this name; in the logs of all nodes when absent
        #[arg(long, value_name = "ORIGIN")]
        log: Option<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Samples of the log that were marked as reviewed in the console, the newest first: by whom, what was drawn and how, and what was found
    Reviews {
        /// Only of the sample of this digest (SHA-256)
        #[arg(long, value_name = "DIGEST")]
        sample: Option<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Make an evidence bundle: every leaf about a study or a patient, or by somebody, with the proof of each, a report for people, and the
    /// programs that check it offline. 1000 leaves at most
    #[command(group = clap::ArgGroup::new("about").required(true))]
    Bundle {
        /// Study Instance UID
        #[arg(long, group = "about")]
        study_uid: Option<String>,
        /// A file with the patient ID, or `-` for standard input
        #[arg(long, value_name = "FILE", group = "about")]
        patient_id_file: Option<PathBuf>,
        /// Who issued the patient ID
        #[arg(long, default_value = "", requires = "patient_id_file")]
        issuer: String,
        /// By this person, device or program
        #[arg(long, value_name = "NAME", group = "about")]
        actor: Option<String>,
        /// Written at or after this moment, in milliseconds since 1970
        #[arg(long)]
        from_ms: Option<i64>,
        /// Written before this moment, in milliseconds since 1970
        #[arg(long)]
        until_ms: Option<i64>,
        /// Leaves at most
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=1000))]
        limit: u64,
        /// Where to go on: `next` of the bundle before
        #[arg(long)]
        cursor: Option<String>,
        /// The file of the bundle, a zip; it must not be there yet
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Check an evidence bundle, offline
    VerifyBundle {
        /// The bundle
        file: PathBuf,
        /// The public key of the log (C2SP vkey), had from somewhere else than the bundle
        #[arg(long, value_name = "FILE")]
        public_key: PathBuf,
        /// The policy (C2SP tlog-policy) whose witnesses must have seen the log
        #[arg(long, value_name = "FILE")]
        witness_policy: Option<PathBuf>,
    },
    /// Check a log directory, or a copy of it, offline
    Verify {
        directory: PathBuf,
        /// The public key of the log (C2SP vkey), as `init` wrote it. With that of the SM3 tree (audit-sm3.vkey) that tree is
        /// checked; with both, given one after the other, each is, and that they belong together
        #[arg(long, value_name = "FILE", required = true)]
        public_key: Vec<PathBuf>,
        /// A checkpoint that was kept elsewhere: the log must continue it
        #[arg(long, value_name = "FILE")]
        known_checkpoint: Option<PathBuf>,
        /// The certificate of the time-stamping authority, once per certificate that it had: every stamp beside the log must be by one
        /// of them, and the log continue what was stamped
        #[arg(long, value_name = "FILE")]
        time_stamp_certificate: Vec<PathBuf>,
        /// No record may have waited longer for its time-stamp, by its own time: shows that stamps were removed
        #[arg(long, value_name = "HOURS", requires = "time_stamp_certificate")]
        time_stamped_within: Option<u32>,
        #[command(flatten)]
        witnesses: WitnessedArgs,
    },
    /// Whether a log is complete: compare what its heartbeats tell of what was done with what its leaves say, offline
    Reconcile {
        directory: PathBuf,
        /// The public key of the log (C2SP vkey), as `init` wrote it
        #[arg(long, value_name = "FILE")]
        public_key: PathBuf,
        /// The number of the first leaf to look at. What was counted is compared from the next start of the archive on
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// The newest heartbeat must be younger, by the clock of this machine
        #[arg(long, value_name = "SECONDS")]
        heartbeat_within: Option<u64>,
    },
    /// Print the proof that a leaf is in the log (C2SP tlog-proof), offline
    Prove {
        directory: PathBuf,
        index: u64,
        /// The public key of the log (C2SP vkey), as `init` wrote it, or that of the SM3 tree for a proof in that tree
        #[arg(long, value_name = "FILE")]
        public_key: PathBuf,
    },
    /// Print leaves of a log directory, or of a copy of it, in a form that others understand, one line each, offline. Patients and
    /// studies are pseudonyms
    Render {
        directory: PathBuf,
        /// The public key of the log (C2SP vkey), as `init` wrote it
        #[arg(long, value_name = "FILE")]
        public_key: PathBuf,
        /// The form
        #[arg(long = "as", value_enum)]
        form: AuditForm,
        /// The number of the first leaf
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// How many at most
        #[arg(long, default_value_t = 1000)]
        count: u64,
    },
    /// The audit logs of the installation, one for each node, with their public keys; beside nodes that serve
    Logs(LogArgs),
    /// Print a witness policy (C2SP tlog-policy) for `audit.witness_policy_file`: that of a log names the witnesses of the other nodes
    Policy {
        /// A witness, once per witness: its public key, as `witness init` and `witness show` print it, and its https address
        #[arg(long, num_args = 2, value_names = ["KEY", "URL"], required = true)]
        witness: Vec<String>,
        /// How many of them have to have seen a checkpoint. All of them: who holds one node more than that of the log is found out
        /// too, but while one is away nobody has seen enough
        #[arg(long, value_name = "COUNT", default_value_t = 1)]
        least: usize,
    },
    /// Begin the audit log of a further node: under the origin and in the folder of its configuration, with keys of its own
    Begin(LogArgs),
}

/// A form of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditForm {
    /// DICOM PS3.15 A.5 audit message, XML
    Dicom,
    /// FHIR R4 AuditEvent, JSON
    Fhir,
}

/// What opens the names and keys of audit logs.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// A file with a share, where shares open the root key; give it once per share
    #[arg(long, value_name = "FILE")]
    pub(crate) share_file: Vec<PathBuf>,
}

/// What others must have seen of a log.
#[derive(Clone, Debug, Args)]
pub(crate) struct WitnessedArgs {
    /// Whose cosignatures count, and how many (C2SP tlog-policy): say how far the log is witnessed, and demand that it continues
    /// that
    #[arg(long, value_name = "FILE")]
    pub(crate) witness_policy: Option<PathBuf>,
    /// Ask the witnesses of the policy what they have seen, too: shows a log that was set back together with everything beside it
    #[arg(long, requires = "witness_policy")]
    pub(crate) ask_witnesses: bool,
    /// The authorities of the certificates of witnesses; the authorities of the system when absent
    #[arg(long, value_name = "FILE", requires = "ask_witnesses")]
    pub(crate) witness_ca_file: Option<PathBuf>,
    /// Enough witnesses must have said so within as many minutes
    #[arg(long, value_name = "MINUTES", requires = "witness_policy")]
    pub(crate) witnessed_within: Option<u32>,
}
