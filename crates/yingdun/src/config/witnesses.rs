//! Witnesses of the audit log in the configuration.

use super::{Audit, Finding, Severity};
use std::path::{Path, PathBuf};
use yingdun_audit::{Policy, PolicyError};
use yingdun_witness::{Settings, Witness};

const OPTION: &str = "audit.witness_policy_file";

/// The longest time between two heartbeats of the log, in seconds: an hour.
const HEARTBEAT_EVERY_S_MAX: u64 = 3600;

/// The longest time between two comparisons of the log with what was counted, in seconds: a week.
const RECONCILE_EVERY_S_MAX: u64 = 604_800;

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
    for (option, seconds, max, remedy) in [
        ("audit.heartbeat_every_s", audit.heartbeat_every_s, HEARTBEAT_EVERY_S_MAX, "set 900"),
        ("audit.reconcile_every_s", audit.reconcile_every_s, RECONCILE_EVERY_S_MAX, "set 86400"),
    ] {
        if !(1..=max).contains(&seconds) {
            let cause = format!("{seconds} is not between 1 and {max}");
            findings.push(Finding { option, ..finding(cause, remedy) });
        }
    }
    findings.extend(audit.witness_directory.iter().flat_map(|folder| check_own(audit, folder)));
    findings
}

/// Judges the witness that is to serve within this program: it is one of others, and no word of it counts here.
fn check_own(audit: &Audit, folder: &Path) -> Vec<Finding> {
    let finding = |cause: String, remedy| Finding {
        severity: Severity::Error,
        option: "audit.witness_directory",
        cause,
        remedy,
    };
    let read = Settings::read(folder).and_then(|settings| Witness::verifier_in(folder, &settings));
    let own = match read {
        Ok(own) => own,
        Err(cause) => {
            let remedy = "make it with `yingdun witness init`, or leave the option out";
            return vec![finding(cause.to_string(), remedy)];
        }
    };
    let policy = audit.witness_policy_file.as_deref().and_then(|path| witness_policy(path).ok());
    let named =
        policy.iter().flat_map(|policy| policy.witnesses()).find(|named| named.key.key() == own.key());
    let counted = named.map(|named| {
        let cause = format!("the policy of this log counts the witness of this node, `{}`", named.name);
        finding(cause, "take it out of the witness policy: who has this node has both")
    });
    counted.into_iter().collect()
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
            witness_directory: None,
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

    #[test]
    fn the_witness_of_a_node_is_there_and_does_not_count_for_its_own_log() {
        let folder = tempfile::tempdir().unwrap();
        let (witness, policy) = (folder.path().join("witness"), folder.path().join("policy"));
        let made = || {
            let settings = Settings {
                name: "node-a.example/witness".into(),
                listen: "127.0.0.1:0".parse().unwrap(),
                certificate_file: "c.pem".into(),
                private_key_file: "k.pem".into(),
                logs: vec![],
                metrics_token_file: None,
            };
            Witness::create(&witness, &settings).unwrap()
        };
        let causes = |named: &str| -> Vec<String> {
            std::fs::write(&policy, format!("witness w {named} https://w.example\nquorum w\n")).unwrap();
            let audit = Audit {
                directory: "audit".into(),
                origin: "renmin/audit".into(),
                sm3_tree: false,
                witness_policy_file: Some(policy.clone()),
                witness_ca_file: None,
                witness_directory: Some(witness.clone()),
            };
            check(&audit).into_iter().map(|finding| finding.cause).collect()
        };
        let other = Cosigner::new("w.example", SigningKey::generate()).unwrap().verifier().to_string();
        assert!(matches!(&causes(&other)[..], [cause] if cause.contains("no such file")));
        let own = made();
        assert_eq!(causes(&other), [""; 0]);
        assert!(matches!(&causes(&own)[..], [cause] if cause.contains("counts the witness of this node")));
    }
}
