//! The configuration: one commented TOML file, overridden by `YINGDUN__SECTION__KEY`, secrets in files of their own.
//!
//! Unknown keys are errors, so that a misspelt security option is never silently ignored, and an option that
//! is not set means closed. What can be judged without starting anything is judged in [`check()`].

mod check;
mod consents;
mod domains;
mod edit;
mod finding;
mod gateway;
mod identity;
mod keys;
mod ldap;
mod masking;
mod monitor;
mod nats;
mod node;
mod offsite;
mod oidc;
mod syslog;
mod template;
mod time_stamps;
mod token_issuers;
mod watermark;
mod witnesses;

pub(crate) use check::check;
pub(crate) use edit::with_root;
pub(crate) use finding::{Finding, Severity};
pub(crate) use identity::Identity;
pub(crate) use keys::{Keys, PIN_VARIABLE, Pkcs11, Transit};
pub(crate) use ldap::{Ldap, LdapQuestions};
pub(crate) use masking::MaskingError;
pub(crate) use monitor::Monitor;
pub(crate) use nats::Nats;
pub(crate) use node::Node;
pub(crate) use offsite::{Offsite, OffsiteUrl};
pub(crate) use oidc::Oidc;
pub(crate) use syslog::Syslog;
pub(crate) use template::{RootValues, TemplateValues, render};
pub(crate) use time_stamps::TimeStamps;
pub(crate) use token_issuers::TokenIssuer;
pub(crate) use watermark::WatermarkError;
pub(crate) use witnesses::{PolicyFileError, witness_policy};

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use yingdun_model::InstitutionId;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Everything `serve` needs to know.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) institution: Institution,
    pub(crate) storage: Storage,
    pub(crate) catalogue: Catalogue,
    pub(crate) keys: Keys,
    pub(crate) identity: Identity,
    pub(crate) audit: Audit,
    pub(crate) dicom: Dicom,
    pub(crate) web: Web,
    /// How other nodes of this installation reach this one; unset means not at all.
    pub(crate) node: Option<Node>,
    /// A stream that is told of studies at rest; unset means none.
    pub(crate) nats: Option<Nats>,
    /// Zones and rates; unset means one zone, everywhere, and the rates of the program.
    #[serde(default)]
    pub(crate) gateway: yingdun_gateway::Settings,
    /// A collector of audit records; unset means none.
    pub(crate) syslog: Option<Syslog>,
    /// Who counts what people open.
    #[serde(default)]
    pub(crate) monitor: Monitor,
    /// An authority that stamps checkpoints of the audit log; unset means none.
    pub(crate) time_stamps: Option<TimeStamps>,
    #[serde(default)]
    pub(crate) log: Log,
}

/// The institution whose archive this is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Institution {
    /// The short name that every row, key and leaf carries.
    pub(crate) id: InstitutionId,
}

/// Where image bytes lie.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Storage {
    pub(crate) replicas: Vec<Replica>,
    /// Copies elsewhere that are filled in the background and count for no quorum; unset means none.
    #[serde(default)]
    pub(crate) offsite: Vec<Offsite>,
    /// How many replicas must be durable before an image is acknowledged.
    pub(crate) write_quorum: usize,
    /// In how many failure domains these replicas lie at least; unset means whatever.
    pub(crate) write_domains: Option<usize>,
    /// Space on each replica that images may not use.
    #[serde(default = "default_reserve_bytes")]
    pub(crate) reserve_bytes: u64,
    /// The largest object that is accepted.
    #[serde(default = "default_object_bytes_max")]
    pub(crate) object_bytes_max: u64,
    /// Days within which every byte of every replica is read again and checked.
    #[serde(default = "default_scrub_days")]
    pub(crate) scrub_days: u32,
    /// Whether packs in which nothing lives are removed by themselves, after each destruction and once after a start.
    #[serde(default)]
    pub(crate) compact_after_destruction: bool,
    /// From how many percent of dead bytes on what lives in a pack is copied and the pack removed; at 100 none is.
    #[serde(default = "default_compact_dead_percent")]
    pub(crate) compact_dead_percent: u8,
}

impl Storage {
    /// In how many failure domains an image lies at least before it is acknowledged.
    pub(crate) fn write_domains(&self) -> usize {
        self.write_domains.unwrap_or(1)
    }

    /// The time within which every byte of every replica is read again and checked.
    pub(crate) fn scrub_interval(&self) -> Duration {
        DAY * self.scrub_days
    }
}

/// One copy of every pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replica {
    pub(crate) directory: PathBuf,
    pub(crate) label: String,
    /// What fails together: a disk, a shelf, a room.
    pub(crate) failure_domain: String,
}

/// The derived catalogue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalogue {
    pub(crate) database: DatabaseUrl,
    /// Seconds without anything new after which a study is said to be stable.
    #[serde(default = "default_study_stable_after_s")]
    pub(crate) study_stable_after_s: u32,
}

/// The ledger.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Audit {
    pub(crate) directory: PathBuf,
    /// The name of the log in its checkpoints (C2SP tlog-checkpoint origin).
    pub(crate) origin: String,
    /// A second tree over the same leaves, with SM3 and SM2.
    #[serde(default)]
    pub(crate) sm3_tree: bool,
    /// Which witnesses are asked, and how many must have seen a checkpoint (C2SP tlog-policy); unset means that nobody is asked.
    pub(crate) witness_policy_file: Option<PathBuf>,
    /// The authorities of the certificates of witnesses; unset means those of the system.
    pub(crate) witness_ca_file: Option<PathBuf>,
    /// Seconds between two heartbeats in the log.
    #[serde(default = "default_heartbeat_every_s")]
    pub(crate) heartbeat_every_s: u64,
    /// Seconds between two comparisons of the log with what was counted.
    #[serde(default = "default_reconcile_every_s")]
    pub(crate) reconcile_every_s: u64,
    /// The folder of a witness of *other* logs, which serves within this program; unset means that there is none.
    pub(crate) witness_directory: Option<PathBuf>,
}

impl Audit {
    /// Where the public key of the SM3 tree is kept: beside the folder of the log.
    pub(crate) fn sm3_key_file(&self) -> PathBuf {
        self.directory.with_file_name("audit-sm3.vkey")
    }
}

/// The DICOM door.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dicom {
    /// DICOM over mutual TLS; unset means no such door.
    pub(crate) tls_listen: Option<SocketAddr>,
    /// DICOM without TLS; unset means no such door. Each device must be allowed to use it by name.
    pub(crate) plain_listen: Option<SocketAddr>,
    /// Whether `plain_listen` may be an address that other machines reach.
    #[serde(default)]
    pub(crate) plain_beyond_loopback: bool,
    pub(crate) certificate_file: PathBuf,
    pub(crate) private_key_file: PathBuf,
    /// The authorities that device certificates must come from.
    pub(crate) client_ca_file: PathBuf,
}

/// The HTTPS door.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Web {
    pub(crate) listen: SocketAddr,
    pub(crate) certificate_file: PathBuf,
    pub(crate) private_key_file: PathBuf,
    /// The address under which people reach this server, without a slash at the end; unset means the address
    /// it listens on, for an installation that only this machine uses.
    pub(crate) public_url: Option<String>,
    /// Origins (`https://host[:port]`) whose scripts may use DICOMweb from a browser; unset means none.
    #[serde(default)]
    pub(crate) cors_origins: Vec<String>,
    /// The authorities of certificates by which programs are known; unset means that no program is asked for one.
    pub(crate) client_ca_file: Option<PathBuf>,
    /// Whether programs may show certificates of no authority: they are known by what is registered alone.
    #[serde(default)]
    pub(crate) self_signed_clients: bool,
    /// A file with the bearer token that may read `/metrics`; unset means only a session that may read the system.
    pub(crate) metrics_token_file: Option<PathBuf>,
}

/// What the program says about itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    #[serde(default)]
    pub(crate) format: LogFormat,
    #[serde(default = "default_log_level")]
    pub(crate) level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::default(), level: default_log_level() }
    }
}

/// The shape of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// One JSON object per line.
    #[default]
    Json,
    /// For a person at a terminal.
    Text,
}

/// Where a database is: `sqlite:PATH`, or PostgreSQL as `postgres://…` or `host=… port=…` (libpq).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres(String),
}

impl TryFrom<String> for DatabaseUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if let Some(path) = text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if ["postgres://", "postgresql://", "host="].iter().any(|start| text.starts_with(start)) {
            return Ok(Self::Postgres(text));
        }
        Err("a database is named `sqlite:PATH`, `postgres://…` or `host=… port=… dbname=…`".to_owned())
    }
}

/// The configuration cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("there is no configuration at `{}`; `yingdun init` writes one", .0.display())]
    Missing(PathBuf),
    #[error("the configuration `{}` cannot be read: {cause}", path.display())]
    Malformed { path: PathBuf, cause: Box<figment::Error> },
}

impl Config {
    /// Reads the file and the overrides. Relative paths are taken from the folder of the file.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigError> {
        if !path.is_file() {
            return Err(ConfigError::Missing(path.to_owned()));
        }
        Self::extract(Figment::from(Toml::file_exact(path)), path)
    }

    /// Reads a text as if it stood in a file at `path`, for an installation that is just being made.
    pub(crate) fn of_text(text: &str, path: &Path) -> Result<Self, ConfigError> {
        Self::extract(Figment::from(Toml::string(text)), path)
    }

    fn extract(file: Figment, path: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = file
            .merge(Env::prefixed("YINGDUN__").split("__"))
            .extract()
            .map_err(|cause| ConfigError::Malformed { path: path.to_owned(), cause: Box::new(cause) })?;
        config.resolve_paths(path.parent().unwrap_or(Path::new(".")));
        Ok(config)
    }

    fn resolve_paths(&mut self, folder: &Path) {
        let resolve = |path: &mut PathBuf| {
            if path.is_relative() {
                *path = folder.join(path.as_path());
            }
        };
        self.storage.replicas.iter_mut().for_each(|replica| resolve(&mut replica.directory));
        self.storage.offsite.iter_mut().flat_map(Offsite::paths).for_each(resolve);
        for database in [&mut self.catalogue.database, &mut self.keys.database, &mut self.identity.database] {
            if let DatabaseUrl::Sqlite(path) = database {
                resolve(path);
            }
        }
        for path in [
            &mut self.audit.directory,
            &mut self.dicom.certificate_file,
            &mut self.dicom.private_key_file,
            &mut self.dicom.client_ca_file,
            &mut self.web.certificate_file,
            &mut self.web.private_key_file,
        ] {
            resolve(path);
        }
        for path in [
            &mut self.identity.policy_directory,
            &mut self.monitor.limits_file,
            &mut self.monitor.decoys_file,
            &mut self.web.metrics_token_file,
            &mut self.web.client_ca_file,
            &mut self.audit.witness_policy_file,
            &mut self.audit.witness_ca_file,
            &mut self.audit.witness_directory,
        ]
        .into_iter()
        .flatten()
        {
            resolve(path);
        }
        self.keys.paths_mut().for_each(resolve);
        if let Some(node) = &mut self.node {
            resolve(&mut node.ca_file);
            node.copies.iter_mut().flat_map(Offsite::paths).for_each(resolve);
        }
        self.identity.oidc.iter_mut().flat_map(Oidc::paths_mut).for_each(resolve);
        self.identity.token_issuers.iter_mut().for_each(|issuer| resolve(&mut issuer.ca_file));
        self.identity.ldap.iter_mut().flat_map(Ldap::paths_mut).for_each(resolve);
        self.nats.iter_mut().flat_map(Nats::paths_mut).for_each(resolve);
        self.syslog.iter_mut().flat_map(Syslog::paths_mut).for_each(resolve);
        self.time_stamps.iter_mut().flat_map(TimeStamps::paths_mut).for_each(resolve);
    }
}

/// 1 GiB: room for the audit log and the databases to go on when images must wait.
fn default_reserve_bytes() -> u64 {
    1 << 30
}

/// 16 GiB: above the largest whole-slide and enhanced multi-frame objects seen in practice.
fn default_object_bytes_max() -> u64 {
    16 << 30
}

/// A week: disks lose bits silently, and a second copy must not go bad before the first is noticed.
const fn default_compact_dead_percent() -> u8 {
    yingdun_archive::DEAD_PERCENT
}

fn default_scrub_days() -> u32 {
    7
}

/// A minute: scanners pause for seconds between two series, and other archives wait as long.
fn default_study_stable_after_s() -> u32 {
    60
}

/// A quarter of a year. There is no value for never.
fn default_rotate_after_days() -> u16 {
    90
}

/// A quarter of an hour: silence of the log is noticed within half an hour.
const fn default_heartbeat_every_s() -> u64 {
    900
}

/// A night.
const fn default_reconcile_every_s() -> u64 {
    86_400
}

fn default_log_level() -> String {
    "info".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_crypto::Suite;
    use yingdun_keys::Suites;
    use yingdun_model::Grade;

    fn write(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("yingdun.toml");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn the_written_template_reads_back_with_paths_taken_from_its_folder() {
        let (folder, path) = write(&render(&TemplateValues::example()));
        let config = Config::load(&path).unwrap();
        assert_eq!(config.storage.write_quorum, 2);
        assert!(config.dicom.plain_listen.is_none());
        assert!(config.audit.directory.starts_with(folder.path()));
    }

    #[test]
    fn the_suite_of_new_studies_is_chosen_in_whole_or_by_grade_and_is_the_default_when_unset() {
        let template = render(&TemplateValues::example());
        let suites = |lines: &str| {
            let (_folder, path) = write(&template.replace("suite = \"cobblestone-256\"", lines));
            Config::load(&path).map(|config| config.keys.suites())
        };
        let (aes, sm) = (Suite::Cobblestone256, Suite::Sm4GcmSm3);
        assert_eq!(suites("").unwrap(), Suites::default());
        let whole = suites("suite = \"sm4-gcm-sm3\"").unwrap();
        assert_eq!([Grade::L1, Grade::L5].map(|grade| whole.of(grade)), [sm, sm]);
        let by_grade = suites("suite_of_grade = { L4S = \"sm4-gcm-sm3\" }").unwrap();
        assert_eq!([Grade::L4, Grade::L4S].map(|grade| by_grade.of(grade)), [aes, sm]);
        for wrong in ["suite = \"sm4\"", "suite_of_grade = { L9 = \"sm4-gcm-sm3\" }"] {
            assert!(suites(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_misspelt_option_is_an_error_that_names_it() {
        let text = render(&TemplateValues::example()).replace("write_quorum", "write_qorum");
        let (_folder, path) = write(&text);
        let error = Config::load(&path).unwrap_err().to_string();
        assert!(error.contains("write_qorum"), "{error}");
    }

    #[test]
    fn a_missing_file_says_what_writes_one() {
        let error = Config::load(Path::new("/nonexistent/yingdun.toml")).unwrap_err().to_string();
        assert!(error.contains("yingdun init"), "{error}");
    }
}
