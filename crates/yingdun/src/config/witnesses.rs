//! Witnesses of the audit log in the configuration.

use super::{Audit, Finding, Severity};
use std::path::{Path, PathBuf};
use yingdun_audit::{Policy, PolicyError};

const OPTION: &str = "audit.witness_policy_file";

/// The witness policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyFileError {
    #[error("`{}` cannot be read: {cause}", path.display())]
    File { path: PathBuf, cause: std::io::Error },
    #[error("`{}` is no witness policy (C2SP tlog-policy): {cause}", path.display())]
    Policy { path: PathBuf, cause: PolicyError },
}

/// Reads a witness policy.
pub(crate) fn witness_policy(path: &Path) -> Result<Policy, PolicyFileError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|cause| PolicyFileError::File { path: path.to_owned(), cause })?;
    Policy::parse(&text).map_err(|cause| PolicyFileError::Policy { path: path.to_owned(), cause })
}

/// Judges the witnesses of a configuration.
pub(super) fn check(audit: &Audit) -> Vec<Finding> {
    let finding =
        |cause: String, remedy| Finding { severity: Severity::Error, option: OPTION, cause, remedy };
    let mut findings = Vec::new();
    if let Some(path) = &audit.witness_policy_file {
        match witness_policy(path) {
            Ok(policy) => {
                let without =
                    |url: &Option<String>| url.as_ref().is_none_or(|url| !url.starts_with("https://"));
                let without = policy.witnesses().iter().filter(|witness| without(&witness.url));
                findings.extend(without.map(|witness| {
                    let cause =
                        format!("witness `{}` has no https address, so it cannot be asked", witness.name);
                    finding(cause, "write the address behind its key, as in https://witness.example:8444")
                }));
            }
            Err(cause) => findings
                .push(finding(cause.to_string(), "write it as the handbook says, or leave the option out")),
        }
    }
    if let Some(path) = audit.witness_ca_file.as_ref().filter(|path| !path.is_file()) {
        findings.push(Finding {
            option: "audit.witness_ca_file",
            ..finding(
                format!("there is no file `{}`", path.display()),
                "name a file with certificates in PEM",
            )
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_crypto::sign::{Cosigner, SigningKey};

    fn causes(policy: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy");
        std::fs::write(&path, policy).unwrap();
        let audit = Audit {
            directory: "audit".into(),
            origin: "renmin/audit".into(),
            sm3_tree: false,
            witness_policy_file: Some(path),
            witness_ca_file: None,
        };
        check(&audit).into_iter().map(|finding| finding.cause).collect()
    }

    #[test]
    fn a_policy_whose_witnesses_cannot_be_asked_is_an_error() {
        let key = Cosigner::new("w.example", SigningKey::generate()).unwrap().verifier().to_string();
        let policy = |url: &str| causes(&format!("witness w {key} {url}\nquorum w\n"));
        assert!(policy("https://w.example:8444").is_empty());
        for url in ["", "http://w.example"] {
            assert!(matches!(&policy(url)[..], [cause] if cause.contains("`w`")), "{url}");
        }
        assert!(causes("quorum none\n")[0].contains("line 1"));
    }
}
