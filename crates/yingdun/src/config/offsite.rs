//! Off-site replicas in the configuration: `[[storage.offsite]]`.

use super::finding::{is_origin, readable_by_others};
use super::{Finding, Severity, Storage};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use yingdun_model::Secret;
use yingdun_storage::{
    BucketAddress, BucketConfig, BucketKeys, OFFSITE_MAX, OffsiteConfig, OffsitePlace, Retention,
    RetentionMode,
};
use zeroize::Zeroizing;

const OPTION: &str = "storage.offsite";
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);
const MEBIBYTE: u64 = 1 << 20;

/// The longest lag that nobody is told of, in minutes: a week, after which it is no longer a copy of the same archive.
const LAG_LIMIT_MINUTES_MAX: u32 = 7 * 24 * 60;

/// The longest wait before an open pack is sent in pieces, in seconds: an hour is lost with the building then.
const SEND_OPEN_PACK_AFTER_S_MAX: u32 = 3600;

/// The longest time for reading everything there again, in days: a year.
const CHECK_DAYS_MAX: u32 = 365;

/// The longest time for which a pack is locked at once, in days: ten years. Every check locks it anew, and nobody can take a lock back.
const RETAIN_DAYS_MAX: u32 = 3650;

/// The longest list of authorities, or file with credentials, that is read.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// A copy of every pack in another place.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Offsite {
    /// Where it is.
    pub(crate) url: OffsiteUrl,
    pub(crate) label: String,
    /// What fails together: another building than that of the replicas.
    pub(crate) failure_domain: String,
    /// Minutes for which something acknowledged may be missing there before somebody is told.
    #[serde(default = "default_lag_limit_minutes")]
    pub(crate) lag_limit_minutes: u32,
    /// Seconds for which a record waits for its pack to be sealed before it is sent in a piece.
    #[serde(default = "default_send_open_pack_after_s")]
    pub(crate) send_open_pack_after_s: u32,
    /// What is sent, and read back to be checked, in a second.
    #[serde(default = "default_mebibytes_per_second")]
    pub(crate) mebibytes_per_second: u32,
    /// Days within which every byte there is read again and checked.
    #[serde(default = "default_check_days")]
    pub(crate) check_days: u32,
    /// The address of the S3 server: `https://host[:port]`.
    pub(crate) endpoint: Option<String>,
    /// The region that signatures name.
    #[serde(default = "default_region")]
    pub(crate) region: String,
    /// Whether the bucket stands in the path of a request and not in the name of the host.
    #[serde(default = "default_path_style")]
    pub(crate) path_style: bool,
    /// A file (mode 0600) with `access_key_id` and `secret_access_key`; unset means the variables that `aws` uses.
    pub(crate) credentials_file: Option<PathBuf>,
    /// The authorities that the certificate of the server must come from; unset means those of the machine.
    pub(crate) ca_file: Option<PathBuf>,
    /// Whether the server may be spoken to without TLS.
    #[serde(default)]
    pub(crate) plain_http: bool,
    /// For how many days a pack is locked, from when it was last found whole; unset means as the rules of the bucket say.
    pub(crate) retain_days: Option<u32>,
    /// Whom a lock binds.
    #[serde(default)]
    pub(crate) retain_mode: RetainMode,
}

/// Whom a lock binds: everybody, or all but those who were given the right to pass over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RetainMode {
    Governance,
    /// What a thief of all keys cannot pass over either.
    #[default]
    Compliance,
}

/// What a file with credentials holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialsFile {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
}

/// Where an off-site replica is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum OffsiteUrl {
    /// `file:PATH`: another disk, or what another machine exports.
    Directory(PathBuf),
    /// `s3://BUCKET/PREFIX`.
    Bucket { bucket: String, prefix: String },
}

impl TryFrom<String> for OffsiteUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // `file:///absolute` and `file:relative`, as RFC 8089 and its appendix have them.
        if let Some(path) = text.strip_prefix("file:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if !path.is_empty() {
                return Ok(Self::Directory(PathBuf::from(path)));
            }
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            // Amazon S3 User Guide, "Bucket naming rules"; what stands in an address must not leave its place in it.
            let plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
            let named =
                (3..=63).contains(&bucket.len()) && bucket.bytes().all(plain) && !bucket.contains("..");
            let legal = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
            let prefixed = prefix.chars().all(legal)
                && prefix.trim_matches('/').split('/').all(|part| !matches!(part, "." | ".."));
            if named && prefixed {
                return Ok(Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() });
            }
        }
        Err("an off-site replica is at `file:///PATH` or `s3://BUCKET/PREFIX`".to_owned())
    }
}

impl Offsite {
    /// The paths in it, to be taken from the folder of the configuration.
    pub(super) fn paths(&mut self) -> Vec<&mut PathBuf> {
        let directory = match &mut self.url {
            OffsiteUrl::Directory(directory) => Some(directory),
            OffsiteUrl::Bucket { .. } => None,
        };
        directory.into_iter().chain(&mut self.credentials_file).chain(&mut self.ca_file).collect()
    }

    /// What the store is told. Reads the files that it names.
    ///
    /// # Errors
    /// The path of a file that cannot be read, or does not hold what it should, and why.
    pub(crate) fn settings(&self) -> Result<OffsiteConfig, (PathBuf, io::Error)> {
        let place = match &self.url {
            OffsiteUrl::Directory(directory) => OffsitePlace::Directory(directory.clone()),
            OffsiteUrl::Bucket { bucket, prefix } => OffsitePlace::Bucket(BucketConfig {
                address: BucketAddress {
                    endpoint: self.endpoint.clone().unwrap_or_default(),
                    bucket: bucket.clone(),
                    prefix: prefix.clone(),
                    region: self.region.clone(),
                    path_style: self.path_style,
                },
                keys: self.keys()?,
                ca_pem: self.ca_file.as_deref().map(read).transpose()?,
                retention: self.retain_days.map(|days| Retention {
                    mode: match self.retain_mode {
                        RetainMode::Governance => RetentionMode::Governance,
                        RetainMode::Compliance => RetentionMode::Compliance,
                    },
                    time: DAY * days,
                }),
            }),
        };
        Ok(OffsiteConfig {
            lag_limit: MINUTE * self.lag_limit_minutes,
            tail_delay: Duration::from_secs(u64::from(self.send_open_pack_after_s)),
            bytes_per_second_max: u64::from(self.mebibytes_per_second) * MEBIBYTE,
            check_interval: DAY * self.check_days,
            ..OffsiteConfig::new(place, &self.label, &self.failure_domain)
        })
    }

    fn keys(&self) -> Result<BucketKeys, (PathBuf, io::Error)> {
        let keys = match &self.credentials_file {
            Some(path) => {
                let refused =
                    |kind: io::ErrorKind, why: &'static str| (path.clone(), io::Error::new(kind, why));
                if readable_by_others(path) {
                    let why = "can be read by other accounts: chmod 600 it";
                    return Err(refused(io::ErrorKind::PermissionDenied, why));
                }
                let bytes = Zeroizing::new(read(path)?);
                // The words of the parser may repeat a line of the file.
                let why = "must hold access_key_id and secret_access_key, in TOML";
                let text = std::str::from_utf8(&bytes).ok();
                text.and_then(|text| toml::from_str(text).ok())
                    .ok_or_else(|| refused(io::ErrorKind::InvalidData, why))?
            }
            None => {
                let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
                let missing = || {
                    io::Error::new(
                        io::ErrorKind::NotFound,
                        "neither credentials_file nor this variable is set",
                    )
                };
                let needed = |name: &str| variable(name).ok_or_else(|| (PathBuf::from(name), missing()));
                CredentialsFile {
                    access_key_id: needed("AWS_ACCESS_KEY_ID")?,
                    secret_access_key: needed("AWS_SECRET_ACCESS_KEY")?,
                    session_token: variable("AWS_SESSION_TOKEN"),
                }
            }
        };
        Ok(BucketKeys {
            access_key_id: keys.access_key_id,
            secret_access_key: Secret::new(keys.secret_access_key),
            session_token: keys.session_token.map(Secret::new),
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, (PathBuf, io::Error)> {
    let failed = |cause| (path.to_owned(), cause);
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Judges the off-site replicas of a configuration.
pub(super) fn check(storage: &Storage) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |severity, cause: String, remedy| {
        findings.push(Finding { severity, option: OPTION, cause, remedy });
    };
    if storage.offsite.len() > OFFSITE_MAX {
        let cause =
            format!("there are {} off-site replicas, at most {OFFSITE_MAX} can be", storage.offsite.len());
        say(Severity::Error, cause, "each is sent everything: keep one or two");
    }
    let mut labels: BTreeSet<&str> = storage.replicas.iter().map(|replica| replica.label.as_str()).collect();
    for offsite in &storage.offsite {
        let label = offsite.label.as_str();
        if !labels.insert(label) {
            say(
                Severity::Error,
                format!("another replica is called `{label}` too"),
                "give each a label of its own",
            );
        }
        if storage.replicas.iter().any(|replica| replica.failure_domain == offsite.failure_domain) {
            let cause = format!("off-site replica `{label}` shares a failure domain with a replica");
            say(
                Severity::Warning,
                cause,
                "a copy that burns with the others is none: put it into another building",
            );
        }
        match &offsite.url {
            OffsiteUrl::Directory(directory) => {
                if storage.replicas.iter().any(|replica| replica.directory == *directory) {
                    let cause = format!("off-site replica `{label}` is the folder of a replica");
                    say(Severity::Error, cause, "name a folder on another machine");
                }
            }
            OffsiteUrl::Bucket { .. } => {}
        }
        if let Some((severity, cause, remedy)) = endpoint(offsite) {
            say(severity, cause, remedy);
        }
        if let Some(days) = offsite.retain_days {
            let least = offsite.check_days.saturating_mul(2);
            if matches!(offsite.url, OffsiteUrl::Directory(_)) {
                let cause = format!("off-site replica `{label}` is a folder, and has retain_days");
                say(Severity::Error, cause, "leave retain_days out: only a bucket can lock what is in it");
            } else if !(least..=RETAIN_DAYS_MAX).contains(&days) {
                let cause = format!(
                    "retain_days of off-site replica `{label}` is {days}, not between {least} and {RETAIN_DAYS_MAX}"
                );
                say(
                    Severity::Error,
                    cause,
                    "let it be twice check_days at least: each check locks packs anew",
                );
            }
        }
        for (name, value, max) in [
            ("lag_limit_minutes", offsite.lag_limit_minutes, LAG_LIMIT_MINUTES_MAX),
            ("send_open_pack_after_s", offsite.send_open_pack_after_s, SEND_OPEN_PACK_AFTER_S_MAX),
            ("mebibytes_per_second", offsite.mebibytes_per_second, u32::MAX),
            ("check_days", offsite.check_days, CHECK_DAYS_MAX),
        ] {
            if !(1..=max).contains(&value) {
                let cause =
                    format!("{name} of off-site replica `{label}` is {value}, not between 1 and {max}");
                say(Severity::Error, cause, "leave it out: 60 minutes, 20 s, 64 MiB/s, 30 days");
            }
        }
    }
    findings
}

/// What is wrong with the address of the server of a bucket, and what to do.
pub(super) fn endpoint(offsite: &Offsite) -> Option<(Severity, String, &'static str)> {
    let label = &offsite.label;
    match (&offsite.url, offsite.endpoint.as_deref()) {
        (OffsiteUrl::Directory(_), _) => None,
        (_, Some(endpoint)) if is_origin(endpoint) && endpoint.starts_with("https://") => None,
        (_, Some(endpoint)) if is_origin(endpoint) && offsite.plain_http => Some((
            Severity::Warning,
            format!("off-site replica `{label}` is sent without TLS"),
            "images are sealed; names, lengths and times of packs are not",
        )),
        (_, Some(endpoint)) if is_origin(endpoint) => Some((
            Severity::Error,
            format!("the server of off-site replica `{label}` has no TLS"),
            "use https://, or set plain_http = true",
        )),
        _ => Some((
            Severity::Error,
            format!("off-site replica `{label}` has no endpoint of the form https://host[:port]"),
            "name the S3 server: endpoint = \"https://s3.example\"",
        )),
    }
}

/// An hour: longer than a restart and a short outage of a line, short enough that a person hears of it the same day.
const fn default_lag_limit_minutes() -> u32 {
    60
}

/// Short enough that little is lost with the building, long enough that a busy hospital fills a pack before, and sends it once.
const fn default_send_open_pack_after_s() -> u32 {
    20
}

/// Half of a gigabit line.
const fn default_mebibytes_per_second() -> u32 {
    64
}

/// A month: what is far away is paid for by the byte, and is the fourth copy.
const fn default_check_days() -> u32 {
    30
}

/// What servers that have no regions expect.
fn default_region() -> String {
    "us-east-1".to_owned()
}

/// Names of buckets in the name of the host need a certificate and DNS entries for each.
const fn default_path_style() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_folder_or_a_bucket_and_nothing_else() {
        let place = |text: &str| OffsiteUrl::try_from(text.to_owned());
        assert_eq!(place("file:///mnt/far"), Ok(OffsiteUrl::Directory("/mnt/far".into())));
        assert_eq!(place("file:far"), Ok(OffsiteUrl::Directory("far".into())));
        let bucket =
            |bucket: &str, prefix: &str| OffsiteUrl::Bucket { bucket: bucket.into(), prefix: prefix.into() };
        assert_eq!(place("s3://images/a/b"), Ok(bucket("images", "a/b")));
        assert_eq!(place("s3://images"), Ok(bucket("images", "")));
        for wrong in [
            "s3://",
            "s3:///x",
            "s3://Images",
            "s3://a..b",
            "s3://images/../other",
            "s3://a@b.example/x",
            "s3://images/a b",
            "s3://images/a?b",
        ] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "file:", "file://", "/mnt/far", "ftp://far/x"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
