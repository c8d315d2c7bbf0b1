//! Words for an installation on this machine: to make, serve and judge one.

use clap::{Args, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use yingdun_keys::SHARES_MAX;
use yingdun_model::InstitutionId;

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
    #[command(flatten)]
    pub(crate) places: PlacesArgs,
    #[command(flatten)]
    pub(crate) databases: DatabasesArgs,
    #[command(flatten)]
    pub(crate) root: RootArgs,
    #[command(flatten)]
    pub(crate) opener: OpenerArgs,
    /// Name the three officers in a browser, behind one address that opens once, instead of inviting three accounts of fixed names
    #[arg(long)]
    pub(crate) setup_link: bool,
    /// Print what would be made, and make nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// The databases of an installation.
#[derive(Clone, Debug, Args)]
pub(crate) struct DatabasesArgs {
    /// Database of the catalogue: sqlite:PATH or postgres://…
    #[arg(long, value_name = "URL", default_value = Self::CATALOGUE)]
    pub(crate) catalogue_url: String,
    /// Database of wrapped keys
    #[arg(long, value_name = "URL", default_value = Self::KEYS)]
    pub(crate) keys_url: String,
    /// Database of accounts
    #[arg(long, value_name = "URL", default_value = Self::IDENTITY)]
    pub(crate) identity_url: String,
}

impl DatabasesArgs {
    const CATALOGUE: &str = "sqlite:db/catalogue.db";
    const KEYS: &str = "sqlite:db/keys.db";
    const IDENTITY: &str = "sqlite:db/identity.db";
}

/// Three files in the folder of the installation.
impl Default for DatabasesArgs {
    fn default() -> Self {
        Self {
            catalogue_url: Self::CATALOGUE.to_owned(),
            keys_url: Self::KEYS.to_owned(),
            identity_url: Self::IDENTITY.to_owned(),
        }
    }
}

/// Where an installation lies, and where it listens.
#[derive(Clone, Debug, Args)]
pub(crate) struct PlacesArgs {
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
}

/// What is to open a new root-key file, or a new backup of keys.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct OpenerArgs {
    /// A file with the passphrase that opens it, at least 12 characters; `init` makes one at random when absent
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Let shares of several people open it instead of a passphrase: how many there are, 2 to 16
    #[arg(long, value_name = "N", requires_all = ["unseal_threshold", "share_directory"], conflicts_with = "passphrase_file",
        value_parser = clap::value_parser!(u8).range(2..=i64::from(SHARES_MAX)))]
    pub(crate) unseal_shares: Option<u8>,
    /// How many of the shares are needed, at least 2
    #[arg(long, value_name = "M", requires = "unseal_shares", value_parser = clap::value_parser!(u8).range(2..=i64::from(SHARES_MAX)))]
    pub(crate) unseal_threshold: Option<u8>,
    /// Where the shares are written, one file each, to be handed to their keepers: a medium, not the disk of the archive
    #[arg(long, value_name = "FOLDER", requires = "unseal_shares")]
    pub(crate) share_directory: Option<PathBuf>,
}

/// Who keeps the root key, and how it is reached.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct RootArgs {
    /// Who keeps the root key: a sealed file, a hardware token, or the transit engine of a Vault or OpenBao server
    #[arg(long, value_name = "WHO", value_enum, default_value_t = RootArg::File)]
    pub(crate) root: RootArg,
    /// The PKCS#11 library of the token's vendor
    #[arg(long, value_name = "FILE", required_if_eq("root", "pkcs11"))]
    pub(crate) pkcs11_module: Option<PathBuf>,
    /// The label of the token
    #[arg(long, value_name = "LABEL", required_if_eq("root", "pkcs11"))]
    pub(crate) pkcs11_token: Option<String>,
    /// The label of the AES-256 key on the token; made there if there is none [default: yingdun-root]
    #[arg(long, value_name = "LABEL")]
    pub(crate) pkcs11_key: Option<String>,
    /// A file with the PIN of the token; taken from the environment variable YINGDUN_PIN when absent
    #[arg(long, value_name = "FILE")]
    pub(crate) pin_file: Option<PathBuf>,
    /// The address of the Vault or OpenBao server: https, without a slash at the end
    #[arg(long, value_name = "URL", required_if_eq("root", "transit"))]
    pub(crate) transit_address: Option<String>,
    /// Where its transit engine is mounted [default: transit]
    #[arg(long, value_name = "PATH")]
    pub(crate) transit_mount: Option<String>,
    /// The name of a key in the engine; it must be there [default: yingdun-root]
    #[arg(long, value_name = "NAME")]
    pub(crate) transit_key: Option<String>,
    /// A file with a token that may encrypt and decrypt with this key
    #[arg(long, value_name = "FILE", required_if_eq("root", "transit"))]
    pub(crate) transit_token_file: Option<PathBuf>,
    /// The authority of the server's certificate
    #[arg(long, value_name = "FILE", required_if_eq("root", "transit"))]
    pub(crate) transit_ca_file: Option<PathBuf>,
}

/// Who keeps the root key of a new installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum RootArg {
    #[default]
    File,
    Pkcs11,
    Transit,
}

impl RootArg {
    /// The word of the command line.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Pkcs11 => "pkcs11",
            Self::Transit => "transit",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "YINGDUN_CONFIG", default_value = "/etc/yingdun/yingdun.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Show the node, database servers, NATS servers and off-site replicas one by one, the healthy ones too
    #[arg(long)]
    pub(crate) cluster: bool,
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
