//! Witnesses of the audit log: whether they answer, and how far they have seen it; and what the witness of this node has seen of the logs of
//! others.

use super::super::witness::at;
use super::super::witnessed::Witnessed;
use super::{error, note, warning};
use crate::config::{Config, Finding, witness_policy};
use crate::wiring;
use yingdun_crypto::sign::NoteVerifier;
use yingdun_witness::{Settings, Watched, Witness};

const OPTION: &str = "audit.witness_policy_file";
const OWN: &str = "audit.witness_directory";

/// What is to be said, and checkpoints that the log must continue.
pub(super) async fn witnesses(
    config: &Config,
    log: Option<&NoteVerifier>,
    logs: usize,
) -> (Vec<Finding>, Vec<String>) {
    let Some(path) = &config.audit.witness_policy_file else {
        if logs > 1 {
            let cause = format!(
                "the log of this node, `{}`, is witnessed by none of the other nodes",
                config.audit.origin
            );
            let remedy = "print a policy with their witnesses (`yingdun audit policy`), and name it here";
            return (vec![warning(OPTION, cause, remedy)], Vec::new());
        }
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

/// What is to be said of the logs of the other nodes: whether the witness of this one watches them, and has seen them.
pub(super) fn of_others(config: &Config, logs: &[NoteVerifier]) -> Vec<Finding> {
    let mut others = logs.iter().filter(|log| log.name() != config.audit.origin).peekable();
    let Some(folder) = &config.audit.witness_directory else {
        let cause = || "this node witnesses none of the logs of the other nodes".to_owned();
        let remedy = "make a witness (`yingdun witness init`) with their public keys (`yingdun audit logs`), and name it here";
        return others.peek().map(|_| note(OWN, cause(), remedy)).into_iter().collect();
    };
    // What cannot be used was told with the configuration.
    let Ok(settings) = Settings::read(folder) else { return Vec::new() };
    let unwatched = others.filter(|log| !settings.watches(log)).map(|log| {
        let cause =
            format!("the witness of this node does not watch `{}`, the log of another node", log.name());
        warning(
            OWN,
            cause,
            "add its public key (`yingdun audit logs`) to witness.toml, and start this node anew",
        )
    });
    let own = logs.iter().find(|log| log.name() == config.audit.origin).filter(|log| settings.watches(log));
    let own = own.map(|log| {
        let cause = format!("the witness of this node watches the log of this node, `{}`", log.name());
        error(
            OWN,
            cause,
            "take its key out of witness.toml: who has this node has both; it does not start so",
        )
    });
    let seen = match Witness::look(folder, &settings) {
        Ok((_, watched)) => watched.iter().map(|log| of_watched(log, &log.origin)).collect(),
        Err(cause) => {
            let remedy = "keep the folder as evidence, and make another witness with a new key";
            vec![error(OWN, cause.to_string(), remedy)]
        }
    };
    own.into_iter().chain(unwatched).chain(seen).collect()
}

fn of_watched(log: &Watched, origin: &str) -> Finding {
    match (log.forked, log.cosigned_size.zip(log.cosigned_s)) {
        (true, _) => {
            let cause = format!("ALARM: `{origin}` has signed two roots of one size: that log forked");
            error(
                OWN,
                cause,
                "stop its node, keep its folder and this one (`forked`), and compare the log with a copy",
            )
        }
        (false, None) => {
            let cause = format!("the witness of this node has seen nothing of `{origin}`");
            warning(OWN, cause, "name this witness in the witness policy of its node, and start both")
        }
        (false, Some((size, time_s))) => {
            let cause =
                format!("the witness of this node has seen {size} records of `{origin}`, at {}", at(time_s));
            note(OWN, cause, "nothing; a time long ago means that one of the nodes stood still")
        }
    }
}
