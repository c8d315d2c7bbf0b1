//! The section `[time_stamps]`: an authority that stamps checkpoints of the audit log.

use super::Finding;
use super::finding::Severity;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;
use yingdun_timestamp::Authority;

/// The longest time between two stamps, in seconds: a day.
const INTERVAL_S_MAX: u64 = 86_400;

/// Less than a minute between two stamps is for tests: public authorities shut such callers out, and the folder fills.
const INTERVAL_S_USUAL: u64 = 60;

/// A time-stamping authority (RFC 3161). Unset means that nobody stamps.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimeStamps {
    /// Where requests go, `https://…` or `http://…`: an answer is signed.
    pub(crate) url: String,
    /// The certificate of the authority, which signs stamps: no other one is taken.
    pub(crate) certificate_file: PathBuf,
    /// The authorities of the server's certificate, for `https`; those of the system when unset.
    pub(crate) ca_file: Option<PathBuf>,
    /// Seconds between two stamps.
    #[serde(default = "default_interval_s")]
    pub(crate) interval_s: u64,
}

impl TimeStamps {
    /// The time between two stamps.
    pub(crate) const fn interval(&self) -> Duration {
        Duration::from_secs(self.interval_s)
    }

    /// The paths in it, to be taken from the folder of the configuration.
    pub(super) fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        std::iter::once(&mut self.certificate_file).chain(self.ca_file.as_mut())
    }
}

/// Judges the section.
pub(super) fn check(stamps: &TimeStamps) -> Vec<Finding> {
    let error = |option, cause, remedy| Finding { severity: Severity::Error, option, cause, remedy };
    let mut findings = Vec::new();
    let url = stamps.url.strip_prefix("https://").or(stamps.url.strip_prefix("http://"));
    if url.is_none_or(str::is_empty) {
        let cause = format!("`{}` is no address", stamps.url);
        findings.push(error("time_stamps.url", cause, "write https://HOST/PATH, as the authority says"));
    }
    let option = "time_stamps.certificate_file";
    match std::fs::read(&stamps.certificate_file).map_err(|cause| cause.to_string()) {
        Ok(pem) => {
            if let Err(cause) = Authority::from_pem(&pem) {
                let remedy =
                    "name the certificate with which the authority signs stamps, not that of its web server";
                findings.push(error(option, cause.to_string(), remedy));
            }
        }
        Err(cause) => {
            let cause = format!("`{}` cannot be read: {cause}", stamps.certificate_file.display());
            findings.push(error(option, cause, "name the certificate of the authority, in PEM"));
        }
    }
    if let Some(path) = stamps.ca_file.as_ref().filter(|path| !path.is_file()) {
        let cause = format!("there is no file `{}`", path.display());
        findings.push(error("time_stamps.ca_file", cause, "name a file with certificates in PEM"));
    }
    if !(1..=INTERVAL_S_MAX).contains(&stamps.interval_s) {
        let cause = format!("{} is not between 1 and {INTERVAL_S_MAX}", stamps.interval_s);
        findings.push(error("time_stamps.interval_s", cause, "set 3600"));
    }
    if (1..INTERVAL_S_USUAL).contains(&stamps.interval_s) {
        findings.push(Finding {
            severity: Severity::Warning,
            option: "time_stamps.interval_s",
            cause: format!("a stamp every {} s is more than an authority expects", stamps.interval_s),
            remedy: "set 3600; each stamp covers everything before it, and stays beside the log for ever",
        });
    }
    findings
}

/// An hour: evidence of order is in the log, and an authority may want money for each.
const fn default_interval_s() -> u64 {
    3600
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_a_certificate_for_stamping_and_a_bounded_interval_are_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let certificate_file = folder.path().join("tsa.pem");
        std::fs::write(&certificate_file, "no certificate").unwrap();
        let stamps = |url: &str, interval_s| TimeStamps {
            url: url.to_owned(),
            certificate_file: certificate_file.clone(),
            ca_file: Some(folder.path().join("missing.pem")),
            interval_s,
        };
        let told = |stamps| -> Vec<&'static str> {
            check(&stamps).into_iter().map(|finding| finding.option).collect()
        };
        let (certificate, ca) = ("time_stamps.certificate_file", "time_stamps.ca_file");
        assert_eq!(told(stamps("http://tsa.example/tsr", 3600)), [certificate, ca]);
        assert_eq!(
            told(stamps("tsa.example", 0)),
            ["time_stamps.url", certificate, ca, "time_stamps.interval_s"]
        );
        let often = check(&stamps("http://tsa.example/tsr", 59)).pop().unwrap();
        assert_eq!((often.option, often.severity), ("time_stamps.interval_s", Severity::Warning));
        assert_eq!(told(stamps("http://tsa.example/tsr", 60)), [certificate, ca]);
    }
}
