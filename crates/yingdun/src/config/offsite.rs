//! Off-site replicas in the configuration: `[[storage.offsite]]`.

use super::{Finding, Severity, Storage};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use yingdun_storage::{OFFSITE_MAX, OffsiteConfig, OffsitePlace};

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
}

/// Where an off-site replica is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum OffsiteUrl {
    /// `file:PATH`: another disk, or what another machine exports.
    Directory(PathBuf),
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
        Err("an off-site replica is at `file:///PATH`".to_owned())
    }
}

impl Offsite {
    /// The paths in it, to be taken from the folder of the configuration.
    pub(super) fn paths(&mut self) -> Vec<&mut PathBuf> {
        let OffsiteUrl::Directory(directory) = &mut self.url;
        vec![directory]
    }

    /// What the store is told.
    pub(crate) fn settings(&self) -> OffsiteConfig {
        let OffsiteUrl::Directory(directory) = &self.url;
        let place = OffsitePlace::Directory(directory.clone());
        OffsiteConfig {
            lag_limit: MINUTE * self.lag_limit_minutes,
            tail_delay: Duration::from_secs(u64::from(self.send_open_pack_after_s)),
            bytes_per_second_max: u64::from(self.mebibytes_per_second) * MEBIBYTE,
            check_interval: DAY * self.check_days,
            ..OffsiteConfig::new(place, &self.label, &self.failure_domain)
        }
    }
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
        let OffsiteUrl::Directory(directory) = &offsite.url;
        if storage.replicas.iter().any(|replica| replica.directory == *directory) {
            let cause = format!("off-site replica `{label}` is the folder of a replica");
            say(Severity::Error, cause, "name a folder on another machine");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_file_url_and_nothing_else() {
        let place = |text: &str| OffsiteUrl::try_from(text.to_owned());
        assert_eq!(place("file:///mnt/far"), Ok(OffsiteUrl::Directory("/mnt/far".into())));
        assert_eq!(place("file:far"), Ok(OffsiteUrl::Directory("far".into())));
        for wrong in ["", "file:", "file://", "/mnt/far", "ftp://far/x"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
