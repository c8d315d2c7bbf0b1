//! The words of the command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use yingdun_dimse::scu::{Destination, DestinationError};
use yingdun_keys::SHARES_MAX;
use yingdun_model::{AeTitle, InstitutionId, Uid};

/// Yingdun (影盾): a protected archive for medical images.
#[derive(Debug, Parser)]
#[command(name = "yingdun", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Print one JSON document on standard output instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole archive on this machine with made-up studies
    Demo(DemoArgs),
    /// Make an installation: configuration, certificates, keys, databases, three invitations
    Init(InitArgs),
    /// Make an installation if there is none, then serve it
    Up(InitArgs),
    /// Serve until SIGTERM or SIGINT
    Serve(ConfigArgs),
    /// Judge a configuration file without starting anything
    CheckConfig(ConfigArgs),
    /// Judge the machine around a configuration: replicas, keys, certificates, databases, log, ports
    Doctor(ConfigArgs),
    /// Certificates of the installation's own authority
    #[command(subcommand)]
    Certificate(CertificateCommand),
    /// Verify a DICOM connection (C-ECHO), or say at which step it fails, why, and what to do
    Echo(EchoArgs),
    /// Send DICOM files (C-STORE)
    Store(StoreArgs),
    /// Import folders, media with a DICOMDIR, zip and tar archives into a running archive
    Import(ImportArgs),
    /// Ask for patients, studies, series or instances (C-FIND)
    Find(FindArgs),
    /// Fetch objects over the same connection (C-GET)
    Get(GetArgs),
    /// Have objects sent to a device that the peer knows (C-MOVE)
    Move(MoveArgs),
    /// Take studies out of a running archive as a medium: one zip archive with a DICOMDIR
    Export(ExportArgs),
    /// Move the studies of another archive into a running one (DICOMweb or DIMSE), and compare both
    Migrate(MigrateArgs),
    /// Sign in and keep the token in a file
    Login(LoginArgs),
    /// Change the own password; every other session ends
    Password(PasswordArgs),
    /// People (system administrator)
    #[command(subcommand)]
    Person(PersonCommand),
    /// Invitations (system administrator makes them, the invited person accepts)
    #[command(subcommand)]
    Invitation(InvitationCommand),
    /// Roles (security administrator)
    #[command(subcommand)]
    Role(RoleCommand),
    /// Care relations (security administrator)
    #[command(subcommand)]
    CareRelation(CareRelationCommand),
    /// Devices (system administrator; scopes: security administrator)
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Long work that one has asked the archive for
    #[command(subcommand)]
    Job(JobCommand),
    /// Service clients (system administrator; scopes: security administrator)
    #[command(subcommand)]
    Client(ClientCommand),
    /// Give one share to an archive that starts sealed
    Unseal(UnsealArgs),
    /// Close a running archive and wipe its keys; it waits for shares then (security administrator)
    Seal {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Key-encryption keys: versions, rotation, wrapping again (security administrator)
    #[command(subcommand)]
    Keys(KeysCommand),
    /// The modality worklist (technician, or a service client with the scope `worklist`)
    #[command(subcommand)]
    Worklist(WorklistCommand),
    /// Performed procedure steps: report them to a peer as a modality does, and read what was reported to an archive
    #[command(subcommand)]
    Mpps(MppsCommand),
    /// What happened to studies, behind a number: which have received nothing for a while
    Events(EventsArgs),
    /// Studies that somebody has to look at: of several patients, or with one accession number
    Conflicts {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Print the DICOM conformance statement of this program (PS3.2), in Markdown
    Conformance,
    /// Check every byte of every replica: how far that is and what was found; --now begins (system administrator)
    Scrub(ScrubArgs),
    /// Replicas: how they stand, and changing a disk while the archive runs (system administrator)
    #[command(subcommand)]
    Replica(ReplicaCommand),
    /// The audit log: online (audit administrator), or offline with nothing but its files and its public key
    #[command(subcommand)]
    Audit(AuditCommand),
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Run as a smoke test: smaller studies, stop at the end, exit 1 if any stage fails
    #[arg(long)]
    pub(crate) check: bool,
    /// Where to put the demonstration; a temporary folder that is removed at the end when absent
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct InitArgs {
    /// The folder of the installation
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Short name of the institution: lower-case letters, digits, inner hyphens. Cannot be changed later
    #[arg(long, value_name = "ID", default_value = "hospital", value_parser = InstitutionId::new)]
    pub(crate) institution: InstitutionId,
    /// Folder of a replica; give it once per disk [default: DIR/replica-a, -b, -c]
    #[arg(long, value_name = "PATH")]
    pub(crate) replica: Vec<PathBuf>,
    /// Name or address by which clients reach this machine; give it once per name
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Vec<String>,
    /// Where HTTPS listens; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub(crate) web_listen: SocketAddr,
    /// Where DICOM over TLS listens; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:2762")]
    pub(crate) dicom_tls_listen: SocketAddr,
    /// Where DICOM without TLS listens; closed when absent
    #[arg(long, value_name = "ADDR")]
    pub(crate) dicom_plain_listen: Option<SocketAddr>,
    /// Database of the catalogue: sqlite:PATH or postgres://…
    #[arg(long, value_name = "URL", default_value = "sqlite:db/catalogue.db")]
    pub(crate) catalogue_url: String,
    /// Database of wrapped keys
    #[arg(long, value_name = "URL", default_value = "sqlite:db/keys.db")]
    pub(crate) keys_url: String,
    /// Database of accounts
    #[arg(long, value_name = "URL", default_value = "sqlite:db/identity.db")]
    pub(crate) identity_url: String,
    /// A file with the passphrase of the root-key file; made at random when absent
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Open the root key with shares of several people instead of a passphrase: how many there are, 2 to 16
    #[arg(long, value_name = "N", requires_all = ["unseal_threshold", "share_directory"], conflicts_with = "passphrase_file",
        value_parser = clap::value_parser!(u8).range(2..=i64::from(SHARES_MAX)))]
    pub(crate) unseal_shares: Option<u8>,
    /// How many of the shares are needed, at least 2
    #[arg(long, value_name = "M", requires = "unseal_shares", value_parser = clap::value_parser!(u8).range(2..=i64::from(SHARES_MAX)))]
    pub(crate) unseal_threshold: Option<u8>,
    /// Where the shares are written, one file each, to be handed to their keepers: a medium, not the disk of the archive
    #[arg(long, value_name = "FOLDER", requires = "unseal_shares")]
    pub(crate) share_directory: Option<PathBuf>,
    /// Print what would be made, and make nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "YINGDUN_CONFIG", default_value = "/etc/yingdun/yingdun.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CertificateCommand {
    /// Issue a certificate with which a device or program proves itself
    Issue {
        /// Its name, as in CT01
        name: String,
        /// The folder of the installation
        #[arg(long, value_name = "DIR")]
        directory: PathBuf,
        /// Name or address at which it takes connections, such as images that are sent to it; give it once per name
        #[arg(long, value_name = "NAME")]
        host: Vec<String>,
        /// Where to write NAME.pem and NAME.key [default: DIR/pki/issued]
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
    /// Give the server a new key and certificate for the same names; the old ones stay as *.previous
    RenewServer {
        /// The folder of the installation
        #[arg(long, value_name = "DIR")]
        directory: PathBuf,
    },
}

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

/// As whom images are moved. A token lasts hours at most; who names a service client gets new ones for as long as it takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct IdentityArgs {
    /// A service client with the scopes that the transfer needs
    #[arg(long, value_name = "ID", requires = "client_secret_file")]
    pub(crate) client_id: Option<String>,
    /// A file with its secret
    #[arg(long, value_name = "FILE", requires = "client_id")]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// A file with a token; read again when the token ends
    #[arg(long, value_name = "FILE", conflicts_with = "client_id")]
    pub(crate) token_file: Option<PathBuf>,
    /// The token itself, from the environment only, so that it does not stand in lists of processes
    #[arg(long, env = "YINGDUN_TOKEN", hide = true, hide_env_values = true)]
    pub(crate) token: Option<String>,
}

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
    /// An attribute, by keyword or eight hexadecimal digits, and what it is to match; give it once per attribute
    #[arg(long = "key", short = 'k', value_name = "NAME[=VALUE]", required = true)]
    pub(crate) keys: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct FindArgs {
    #[command(flatten)]
    pub(crate) identifier: IdentifierArgs,
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

/// How we reach the administration of a server.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerArgs {
    /// The server, as in `https://archive.example:8443`
    #[arg(long, value_name = "URL", env = "YINGDUN_SERVER")]
    pub(crate) server: String,
    /// The authority of the server's certificate; the authorities of the system when absent
    #[arg(long, value_name = "FILE", env = "YINGDUN_CA_FILE")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// As whom we administrate.
#[derive(Clone, Debug, Args)]
pub(crate) struct AdminArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// A file with the token that `yingdun login` wrote
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The token itself, from the environment only, so that it does not stand in lists of processes
    #[arg(long, env = "YINGDUN_TOKEN", hide = true, hide_env_values = true)]
    pub(crate) token: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Login name
    pub(crate) name: String,
    /// A file with the password; read from standard input when absent
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// The role to act in; may be left out by who holds one only
    #[arg(long)]
    pub(crate) role: Option<String>,
    /// Where to keep the token (mode 0600)
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// A file with the present password
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: PathBuf,
    /// A file with the new password; read from standard input when absent
    #[arg(long, value_name = "FILE")]
    pub(crate) new_password_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PersonCommand {
    /// Create a person without roles and print the invitation
    Add {
        name: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List people
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Disable a person, or enable again
    Disable {
        name: String,
        #[arg(long)]
        enable: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum InvitationCommand {
    /// Make a new invitation for a person who lost the old one or the password
    Create {
        name: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Accept an invitation from the command line instead of the browser
    Accept {
        /// The link, or the token at its end
        link: String,
        /// A file with the new password; read from standard input when absent
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RoleCommand {
    /// Give a person a role
    Grant {
        name: String,
        role: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Take a role from a person
    Revoke {
        name: String,
        role: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// Which person and which patient.
#[derive(Debug, Args)]
pub(crate) struct CareArgs {
    /// Login name of the person
    pub(crate) name: String,
    /// A file whose only line is the patient ID, so that it does not stand in lists of processes; `-` is standard
    /// input
    #[arg(long, value_name = "FILE")]
    pub(crate) patient_id_file: PathBuf,
    /// Issuer of the patient ID
    #[arg(long, default_value = "")]
    pub(crate) issuer: String,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CareRelationCommand {
    /// Give a person a care relation with a patient, from now on
    Add {
        #[command(flatten)]
        care: CareArgs,
        /// For how many days
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
    },
    /// End a care relation now
    End {
        #[command(flatten)]
        care: CareArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct UnsealArgs {
    /// A file with the share; read from standard input when absent, at a terminal without showing it
    #[arg(long, value_name = "FILE")]
    pub(crate) share_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Show versions, their age and uses, and how far wrapping again is
    Status {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Replace key-encryption keys by their next version now, instead of when they are due
    Rotate {
        /// Only of this grade: L1, L2, L3, L4, L4S or L5
        #[arg(long)]
        grade: Option<String>,
        /// Print what would be replaced, and replace nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Begin to wrap keys again under the newest versions, or go on with it. Versions under which nothing is left are destroyed
    Rewrap {
        /// Stop it, until it is begun again
        #[arg(long, conflicts_with = "dry_run")]
        stop: bool,
        /// Print how many keys are left and which versions would be destroyed, and do nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

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
    /// Replace its scopes: store, search, view, export, worklist (security administrator)
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
    /// Have a device send studies to the archive (C-MOVE): a job
    Retrieve {
        ae_title: String,
        /// Study Instance UIDs
        #[arg(required = true, value_name = "STUDY")]
        studies: Vec<String>,
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

#[derive(Debug, Args)]
pub(crate) struct ScrubArgs {
    /// Begin a full pass over every replica now, and say how it begins
    #[arg(long, conflicts_with = "status")]
    pub(crate) now: bool,
    /// Say how far the passes are and what the last full ones found; so without any option
    #[arg(long)]
    pub(crate) status: bool,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReplicaCommand {
    /// How each replica stands: state, room, what it still lacks, with which others it is lost
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Take a replica out of service; when `list` says drained, its disk may be taken away
    Drain {
        /// Its label
        label: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Put a replica into service with the empty folder that is there now, and fill it from the others
    Replace {
        /// Its label
        label: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
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

#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Register a service client and print its secret
    Add {
        client_id: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Replace its scopes: store, search, view, export, worklist
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
    /// Disable a service client, or enable again
    Disable {
        client_id: String,
        #[arg(long)]
        enable: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// The newest leaves
    Tail {
        #[arg(long, default_value_t = 20)]
        count: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// The leaves that fit all conditions, the newest first
    Search {
        #[arg(long)]
        actor: Option<String>,
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
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Check a log directory, or a copy of it, offline
    Verify {
        directory: PathBuf,
        /// The public key of the log (C2SP vkey), as `init` wrote it
        #[arg(long, value_name = "FILE")]
        public_key: PathBuf,
        /// A checkpoint that was kept elsewhere: the log must continue it
        #[arg(long, value_name = "FILE")]
        known_checkpoint: Option<PathBuf>,
    },
    /// Print the proof that a leaf is in the log (C2SP tlog-proof), offline
    Prove {
        directory: PathBuf,
        index: u64,
        /// The public key of the log (C2SP vkey), as `init` wrote it
        #[arg(long, value_name = "FILE")]
        public_key: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
