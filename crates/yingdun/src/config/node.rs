//! The section `[node]`: this node, as the other nodes of the installation reach it.

use super::finding::{Finding, Severity};
use super::offsite::endpoint;
use super::{Config, DatabaseUrl, Offsite};
use serde::Deserialize;
use std::path::PathBuf;

/// This node among others. Unset means that it neither answers others nor asks them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Node {
    /// `https://host:port` of the web door, by which other nodes reach it.
    pub(crate) address: String,
    /// The authorities that the certificates of nodes come from.
    pub(crate) ca_file: PathBuf,
    /// The off-site replicas of other nodes, written as they are there: read while such a node is away.
    #[serde(default)]
    pub(crate) copies: Vec<Offsite>,
}

/// The most off-site replicas of others: two for each of eight nodes.
const COPIES_MAX: usize = 16;

/// Judges the section.
pub(super) fn check(node: &Node, config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say =
        |severity, option, cause, remedy| findings.push(Finding { severity, option, cause, remedy });
    if !is_address(&node.address) {
        say(
            Severity::Error,
            "node.address",
            format!("`{}` is not an https address without a path", node.address),
            "write it as in https://node-1.example:8443",
        );
    }
    if !node.ca_file.is_file() {
        say(
            Severity::Error,
            "node.ca_file",
            format!("there is no file `{}`", node.ca_file.display()),
            "name the authority of this installation, for example pki/ca.pem",
        );
    }
    if node.copies.len() > COPIES_MAX {
        say(
            Severity::Error,
            "node.copies",
            format!("there are {} places, at most {COPIES_MAX} can be", node.copies.len()),
            "name one for each of the other nodes",
        );
    }
    for copies in &node.copies {
        if let Some((severity, cause, remedy)) = endpoint(copies) {
            say(severity, "node.copies", cause, remedy);
        }
    }
    let is_file = |url: &DatabaseUrl| matches!(url, DatabaseUrl::Sqlite(_));
    let others = [&config.keys.database, &config.identity.database];
    if !is_file(&config.catalogue.database) && others.into_iter().any(is_file) {
        say(
            Severity::Error,
            "node",
            "nodes share the catalogue, and keys or accounts are in a file of this one alone".into(),
            "have all three databases on PostgreSQL (keys.database, identity.database), or take the section away",
        );
    }
    if is_file(&config.catalogue.database) {
        say(
            Severity::Warning,
            "node",
            "the catalogue is a file, which other nodes cannot share".into(),
            "take the section away, or have the databases on PostgreSQL",
        );
    }
    findings
}

/// Whether this is `https://host` with at most a port, and nothing else.
fn is_address(text: &str) -> bool {
    text.strip_prefix("https://").is_some_and(|host| {
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:[]".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_at_most_a_port() {
        for right in ["https://node-1.example", "https://10.0.0.5:8443", "https://[fd00::5]:8443"] {
            assert!(is_address(right), "{right}");
        }
        for wrong in ["", "https://", "http://node-1", "https://node-1/", "https://a@node-1", "https://a?b"] {
            assert!(!is_address(wrong), "{wrong}");
        }
    }
}
