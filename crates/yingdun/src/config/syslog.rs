//! The section `[syslog]`: a collector of audit records.

use super::Finding;
use super::finding::{Severity, readable_by_others};
use serde::Deserialize;
use std::path::PathBuf;
use yingdun_syslog::CollectorAddress;

/// A collector that is sent every leaf of the audit log, by syslog over mutual TLS. Unset means none is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Syslog {
    /// The collector, as in `tls://siem.example:6514`.
    pub(crate) collector: String,
    /// The authorities that its certificate must come from.
    pub(crate) ca_file: PathBuf,
    /// The certificate that we show, and its key.
    pub(crate) certificate_file: PathBuf,
    pub(crate) private_key_file: PathBuf,
}

impl Syslog {
    /// The address, or what is wrong with it.
    pub(crate) fn address(&self) -> Result<CollectorAddress, String> {
        self.collector.parse()
    }

    /// The paths in it, to be taken from the folder of the configuration.
    pub(super) fn paths_mut(&mut self) -> [&mut PathBuf; 3] {
        [&mut self.ca_file, &mut self.certificate_file, &mut self.private_key_file]
    }
}

/// Judges the section.
pub(super) fn check(syslog: &Syslog) -> Vec<Finding> {
    let error = |option, cause, remedy| Finding { severity: Severity::Error, option, cause, remedy };
    let mut findings = Vec::new();
    if let Err(cause) = syslog.address() {
        findings.push(error("syslog.collector", cause, "write tls://HOST:PORT; there is no way without TLS"));
    }
    let key = "syslog.private_key_file";
    for (option, path) in [
        ("syslog.ca_file", &syslog.ca_file),
        ("syslog.certificate_file", &syslog.certificate_file),
        (key, &syslog.private_key_file),
    ] {
        if !path.is_file() {
            let cause = format!("there is no file `{}`", path.display());
            findings.push(error(option, cause, "name a PEM file; both sides prove who they are"));
        } else if option == key && readable_by_others(path) {
            let cause = format!("`{}` can be read by other accounts", path.display());
            findings.push(error(option, cause, "chmod 600 it"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_reached_by_tls_with_files_that_are_there_and_a_key_that_nobody_else_reads() {
        let folder = tempfile::tempdir().unwrap();
        let told = |collector: &str, mode| -> Vec<&'static str> {
            let key = folder.path().join("key.pem");
            let _ = std::fs::remove_file(&key);
            crate::process::private::write_new(&key, b"", mode).unwrap();
            let syslog = Syslog {
                collector: collector.to_owned(),
                ca_file: key.clone(),
                certificate_file: folder.path().join("missing.pem"),
                private_key_file: key,
            };
            check(&syslog).into_iter().map(|finding| finding.option).collect()
        };
        assert_eq!(told("tls://siem.example", 0o600), ["syslog.certificate_file"]);
        assert_eq!(
            told("udp://siem.example", 0o644),
            ["syslog.collector", "syslog.certificate_file", "syslog.private_key_file"]
        );
    }
}
