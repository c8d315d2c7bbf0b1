//! The section `[nats]`: a stream that is told of studies at rest.

use super::Finding;
use super::finding::{Severity, readable_by_others};
use serde::Deserialize;
use std::path::PathBuf;
use yingdun_feed::{Names, SERVERS_MAX, ServerAddress};

/// A stream of NATS JetStream. Unset means none is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nats {
    /// Servers of one cluster, as in `tls://nats-1.example:4222`.
    pub(crate) servers: Vec<String>,
    /// The stream, which must be there.
    #[serde(default = "default_stream")]
    pub(crate) stream: String,
    /// What subjects begin with; institution and kind follow.
    #[serde(default = "default_subject")]
    pub(crate) subject: String,
    /// The authorities that certificates of the servers must come from.
    pub(crate) ca_file: Option<PathBuf>,
    /// The certificate that we show, and its key.
    pub(crate) certificate_file: Option<PathBuf>,
    pub(crate) private_key_file: Option<PathBuf>,
    /// Whether servers on loopback may be reached without TLS.
    #[serde(default)]
    pub(crate) plain_on_loopback: bool,
}

impl Nats {
    /// The addresses that can be read; the others were told by [`check`].
    pub(crate) fn addresses(&self) -> Vec<ServerAddress> {
        self.servers.iter().filter_map(|server| server.parse().ok()).collect()
    }

    /// The names, or what is wrong with them.
    pub(crate) fn names(&self) -> Result<Names, String> {
        Names::new(&self.stream, &self.subject)
    }

    /// The files for TLS: authorities, certificate, key; none where one is not named.
    pub(crate) fn tls_files(&self) -> Option<[&PathBuf; 3]> {
        Some([self.ca_file.as_ref()?, self.certificate_file.as_ref()?, self.private_key_file.as_ref()?])
    }

    /// The paths in it, to be taken from the folder of the configuration.
    pub(super) fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [self.ca_file.as_mut(), self.certificate_file.as_mut(), self.private_key_file.as_mut()]
            .into_iter()
            .flatten()
    }
}

/// Judges the section.
pub(super) fn check(nats: &Nats) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |severity, option, cause: String, remedy| {
        findings.push(Finding { severity, option, cause, remedy });
    };
    if nats.servers.is_empty() || nats.servers.len() > SERVERS_MAX {
        let cause = format!("there are {} servers, not 1 to {SERVERS_MAX}", nats.servers.len());
        say(
            Severity::Error,
            "nats.servers",
            cause,
            "name the servers of one cluster, or take the section away",
        );
    }
    for server in &nats.servers {
        match server.parse::<ServerAddress>() {
            Err(cause) => say(Severity::Error, "nats.servers", cause, "write tls://HOST:PORT"),
            Ok(address) if address.is_tls() => {}
            Ok(_) if nats.plain_on_loopback => say(
                Severity::Warning,
                "nats.servers",
                format!("{server} is reached without TLS, on loopback"),
                "use tls:// and certificates, unless this is for trying",
            ),
            Ok(_) => say(
                Severity::Error,
                "nats.servers",
                format!("{server} has no TLS"),
                "use tls://; for servers on this machine, set nats.plain_on_loopback = true",
            ),
        }
    }
    if let Err(cause) = nats.names() {
        say(
            Severity::Error,
            "nats.stream",
            cause,
            "for example stream = \"YINGDUN\", subject = \"yingdun.events\"",
        );
    }
    let files = [
        ("nats.ca_file", &nats.ca_file),
        ("nats.certificate_file", &nats.certificate_file),
        ("nats.private_key_file", &nats.private_key_file),
    ];
    let needs_tls = nats.addresses().iter().any(ServerAddress::is_tls);
    for (option, file) in files {
        match file {
            Some(path) if !path.is_file() => {
                let cause = format!("there is no file `{}`", path.display());
                say(
                    Severity::Error,
                    option,
                    cause,
                    "name a PEM file; a certificate for this archive comes from whoever runs NATS",
                );
            }
            Some(path) if option == "nats.private_key_file" && readable_by_others(path) => {
                let cause = format!("`{}` can be read by other accounts", path.display());
                say(Severity::Error, option, cause, "chmod 600 it");
            }
            Some(_) => {}
            None if needs_tls => {
                let cause = "a server with TLS is named, and this file is not".to_owned();
                say(Severity::Error, option, cause, "name it: both sides prove who they are");
            }
            None => {}
        }
    }
    findings
}

// === helpers ===

fn default_stream() -> String {
    "YINGDUN".to_owned()
}

fn default_subject() -> String {
    "yingdun.events".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(section: &str) -> Vec<(&'static str, Severity)> {
        let nats = toml::from_str(section).unwrap();
        check(&nats).into_iter().map(|finding| (finding.option, finding.severity)).collect()
    }

    #[test]
    fn a_server_without_tls_is_refused_but_on_loopback_by_an_explicit_word() {
        let local = "servers = [\"nats://127.0.0.1:4222\"]\n";
        assert_eq!(told(local), [("nats.servers", Severity::Error)]);
        assert_eq!(told(&format!("{local}plain_on_loopback = true")), [("nats.servers", Severity::Warning)]);
        let far = "servers = [\"nats://10.0.0.7:4222\"]\nplain_on_loopback = true";
        assert_eq!(told(far), [("nats.servers", Severity::Error)]);
        assert_eq!(told("servers = []"), [("nats.servers", Severity::Error)]);
    }

    #[test]
    fn tls_needs_an_authority_and_a_certificate_whose_key_nobody_else_reads() {
        let far = "servers = [\"tls://nats-1.example\"]\n";
        let files = ["nats.ca_file", "nats.certificate_file", "nats.private_key_file"];
        assert_eq!(told(far), files.map(|option| (option, Severity::Error)));
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("nats.key");
        let path = format!("{:?}", key.display().to_string());
        let section =
            format!("{far}ca_file = {path}\ncertificate_file = {path}\nprivate_key_file = {path}\n");
        for (mode, expected) in [(0o644, vec![("nats.private_key_file", Severity::Error)]), (0o600, vec![])] {
            let _ = std::fs::remove_file(&key);
            crate::process::private::write_new(&key, b"", mode).unwrap();
            assert_eq!(told(&section), expected);
        }
    }

    #[test]
    fn a_name_with_wildcards_is_refused() {
        let local = "servers = [\"nats://127.0.0.1:4222\"]\nplain_on_loopback = true\n";
        for wrong in ["stream = \"A.B\"", "subject = \"yingdun.>\""] {
            assert!(told(&format!("{local}{wrong}")).contains(&("nats.stream", Severity::Error)), "{wrong}");
        }
    }
}
