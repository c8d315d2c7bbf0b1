//! Witnesses of the audit log: whether they answer, and how far they have seen it.

use super::super::witness::at;
use super::super::witnessed::Witnessed;
use super::{error, note, warning};
use crate::config::{Config, Finding, witness_policy};
use crate::wiring;
use yingdun_crypto::sign::NoteVerifier;

const OPTION: &str = "audit.witness_policy_file";

/// What is to be said, and checkpoints that the log must continue.
pub(super) async fn witnesses(config: &Config, log: Option<&NoteVerifier>) -> (Vec<Finding>, Vec<String>) {
    let Some(path) = &config.audit.witness_policy_file else {
        let cause = "nobody elsewhere remembers what the audit log has signed".to_owned();
        let remedy = "agree with another institution to witness each other's logs; or keep `audit/checkpoint` elsewhere yourself";
        return (vec![note(OPTION, cause, remedy)], Vec::new());
    };
    // What cannot be used was told with the configuration, a key that is not open with the root key.
    let (Ok(policy), Some(log)) = (witness_policy(path), log) else { return (Vec::new(), Vec::new()) };
    if !policy.is_for(log) {
        let cause = "the witness policy names other logs than this one".to_owned();
        return (
            vec![error(OPTION, cause, "name the public key of this log (audit.vkey) in it, or none")],
            Vec::new(),
        );
    }
    let asker = match wiring::asker(config.audit.witness_ca_file.as_deref()) {
        Ok(asker) => asker,
        Err(cause) => {
            let remedy = "name a file with the certificates of the witnesses' authorities in PEM";
            return (vec![error("audit.witness_ca_file", cause.to_string(), remedy)], Vec::new());
        }
    };
    let found = Witnessed::find(&config.audit.directory, log, policy, Some(&asker)).await;
    let mut findings: Vec<Finding> = found
        .silent
        .iter()
        .map(|(name, why)| {
            let cause = format!("witness `{name}` cannot be asked: {why}");
            warning(
                OPTION,
                cause,
                "look whether it runs, and whether it knows the public key of this log (audit.vkey)",
            )
        })
        .collect();
    if let Some(why) = &found.bad {
        let cause = format!("the cosigned checkpoint beside the audit log cannot be used: {why}");
        findings.push(error(
            OPTION,
            cause,
            "keep the folder as evidence; a running archive writes another one",
        ));
    }
    findings.push(match found.quorum {
        Some(quorum) => {
            let cause =
                format!("enough witnesses have seen {} records, at {}", quorum.size, at(quorum.time_s));
            note(
                OPTION,
                cause,
                "nothing; a time long ago means that the archive or its witnesses stood still",
            )
        }
        None => {
            let cause = "not enough witnesses have seen the audit log".to_owned();
            warning(
                OPTION,
                cause,
                "start the archive and its witnesses; each must know the other's public key",
            )
        }
    });
    (findings, found.notes)
}
