//! Why an archive does not start.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What stopped the start. Nothing is served then, and what was opened is closed again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The configuration has findings of severity error.
    #[error("the configuration has errors; `yingdun check-config` explains them: {}", .0.join("; "))]
    Configuration(Vec<String>),
    /// Zones or rates cannot be used.
    #[error(transparent)]
    Gateway(#[from] yingdun_gateway::SettingsError),
    /// A file that the configuration names cannot be read.
    #[error("`{}` cannot be read: {cause}", path.display())]
    File { path: PathBuf, cause: std::io::Error },
    /// A file of the monitor says nothing that can be used.
    #[error("`{}` cannot be used by the monitor: {cause}", path.display())]
    Monitor { path: PathBuf, cause: String },
    /// A file holds no certificate.
    #[error("`{}` holds no certificate in PEM", .0.display())]
    NoCertificate(PathBuf),
    /// The passphrase file is empty.
    #[error("the passphrase file `{}` is empty", .0.display())]
    EmptyPassphrase(PathBuf),
    /// A passphrase opens the root-key file, and none is configured.
    #[error("the root-key file is opened by a passphrase; set keys.passphrase_file")]
    NoPassphrase,
    /// Shares open the root-key file, and only `serve` waits for them.
    #[error("the root-key file is opened by shares: `yingdun serve` waits for them")]
    Sealed,
    /// The configuration does not say where the root key is.
    #[error("the root key has no place: set {option}")]
    NoRoot { option: &'static str },
    /// There is no PIN for the token.
    #[error("the token needs a PIN; set keys.pkcs11.pin_file, or the environment variable YINGDUN_PIN")]
    NoPin,
    /// Who keeps the root key does not give it.
    #[error(transparent)]
    Root(#[from] yingdun_keys::RootError),
    /// The root-key file does not open.
    #[error(transparent)]
    RootKey(#[from] yingdun_keys::RootFileError),
    /// A database does not open.
    #[error("the {what} database does not open: {cause}")]
    Database { what: &'static str, cause: yingdun_catalog::CatalogError },
    /// The catalogue was filled from other packs than these.
    #[error(
        "the catalogue was filled from other packs than those of storage.replicas. Two servers with packs of their own cannot share a \
         database: give this one databases of its own. If the packs of this catalogue are lost for good, say so: \
         DELETE FROM pack_store"
    )]
    OtherPacks,
    /// The packs of this node are none of those that fill the catalogue.
    #[error(
        "the catalogue is filled by other nodes, and does not know the packs of storage.replicas. Where they are folders of disks \
         that are not mounted, mount them; where this is a new node, let it join: `yingdun nodes join`"
    )]
    NotJoined,
    /// The audit log belongs to the packs of another node.
    #[error(
        "the audit log `{origin}` is that of the node with store {store}: give this one a log of its own (audit.origin, \
         audit.directory), and begin it (`yingdun nodes join`)"
    )]
    LogOfAnother { origin: String, store: yingdun_model::StoreNumber },
    /// The same packs, or the same audit log, are in use at another node: one of both is a copy.
    #[error(
        "{what} of this node is in use by another server (`{by}`): one of both is a copy. Stop that one, or give this one packs and a \
         log of its own"
    )]
    InUse { what: &'static str, by: String },
    /// Another server works on the databases.
    #[error(
        "{0}. One server at a time works on them, unless all have the section [node]: stop that one first, or give this one databases \
         of its own"
    )]
    Occupied(yingdun_catalog::CatalogError),
    /// The key store does not open.
    #[error("the key store does not open: {0}")]
    Keys(#[from] yingdun_keys::KeysError),
    /// The audit log of this installation is not where the configuration says.
    #[error(
        "there is no audit log in `{}`, but this installation has one; restore it, or find out who took it away: \
         nothing is served without it",
        .0.display()
    )]
    AuditMissing(PathBuf),
    /// The audit log does not open.
    #[error("the audit log does not open: {0}")]
    Audit(#[from] yingdun_audit::AuditError),
    /// The rules by which roles are masked cannot be.
    #[error(transparent)]
    Masking(#[from] crate::config::MaskingError),
    /// The rules by which pictures are marked cannot be.
    #[error(transparent)]
    Watermarks(#[from] crate::config::WatermarkError),
    /// The policies cannot be trusted.
    #[error("the access policies do not load: {0}")]
    Policies(#[from] yingdun_access::PolicyError),
    /// The replicas do not open.
    #[error("the replicas do not open: {0}")]
    Store(#[from] yingdun_storage::StoreError),
    /// The archive does not open.
    #[error("the archive does not open: {0}")]
    Archive(yingdun_archive::Unavailable),
    /// Certificates for the DICOM door cannot be used.
    #[error("the DICOM door: {0}")]
    DicomTls(#[from] yingdun_dimse::tls::TlsError),
    /// Certificates for the stream of events cannot be used.
    #[error("the stream of events (section [nats]): {0}")]
    NatsTls(yingdun_dimse::tls::TlsError),
    /// Certificates for the collector of audit records cannot be used.
    #[error("the collector of audit records (section [syslog]): {0}")]
    SyslogTls(yingdun_dimse::tls::TlsError),
    /// The time-stamping authority cannot be asked.
    #[error("section [time_stamps]: {0}")]
    TimeStamps(#[from] yingdun_timestamp::TimeStampError),
    /// Certificates for other nodes cannot be used.
    #[error("other nodes (section [node]): {0}")]
    NodeTls(reqwest::Error),
    /// Certificates for the provider of sign-ins cannot be used.
    #[error("the provider of sign-ins (section [identity.oidc]): {0}")]
    OidcTls(reqwest::Error),
    /// Certificates for an issuer of tokens cannot be used.
    #[error("an issuer of tokens (section [[identity.token_issuers]]): {0}")]
    TokenIssuerTls(reqwest::Error),
    /// There is no secret for the provider of sign-ins.
    #[error("there is no client secret in `{}` (identity.oidc.client_secret_file)", .0.display())]
    NoOidcSecret(PathBuf),
    /// Certificates for the directory cannot be used.
    #[error("the directory (section [identity.ldap]): {0}")]
    LdapTls(yingdun_dimse::tls::TlsError),
    /// There is no password for the directory.
    #[error("there is no password in `{}` (identity.ldap.bind_password_file)", .0.display())]
    NoLdapPassword(PathBuf),
    /// The places with copies of other nodes' packs cannot be used.
    #[error("the copies of other nodes (node.copies): {0}")]
    NodeCopies(std::io::Error),
    /// Certificates for the web door cannot be used.
    #[error("the web door: {0}")]
    WebTls(#[from] yingdun_web::TlsConfigError),
    /// The web door cannot listen.
    #[error("the web door: {0}")]
    WebListen(#[from] yingdun_web::ListenerError),
    /// The DICOM door cannot listen.
    #[error("the DICOM door cannot listen on {address}: {cause}")]
    DicomListen { address: SocketAddr, cause: std::io::Error },
    /// A thread that opens something ended without an answer.
    #[error("opening {0} was broken off")]
    BrokenOff(&'static str),
    /// The witness policy cannot be used.
    #[error(transparent)]
    WitnessPolicy(#[from] crate::config::PolicyFileError),
    /// The witness policy is one for other logs.
    #[error("the witness policy `{}` names other logs than that of this archive; name the key in audit.vkey, or none", .0.display())]
    WitnessesOfOthers(PathBuf),
    /// The witness of this node watches the log of this node.
    #[error("the witness in `{}` watches the log of this node; take its key out of witness.toml: who has this node has both", .0.display())]
    OwnLogWitnessed(PathBuf),
    /// The witness of this node cannot work.
    #[error("audit.witness_directory: {0}")]
    Witness(#[from] yingdun_witness::WitnessError),
    /// Witnesses cannot be asked.
    #[error("audit.witness_ca_file: {0}")]
    Witnesses(#[from] yingdun_witness::AskError),
    /// The metrics cannot be collected.
    #[error("metrics cannot be collected: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

/// Reads a file that the configuration names.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, StartError> {
    std::fs::read(path).map_err(|cause| StartError::File { path: path.to_owned(), cause })
}
