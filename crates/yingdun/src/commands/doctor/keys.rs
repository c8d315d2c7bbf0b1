//! Who keeps the root key, whether what hangs on it is there, and what it opens; and without the root key, what can be told all the same.

use super::super::key_backup::Noted;
use super::{error, look_into, note, sm3_folder, warning};
use crate::config::{Config, Finding, Keys};
use crate::installation::{AUDIT_KEY_FILE, rfc3339};
use crate::wiring::{self, Root};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use yingdun_audit::Tree;
use yingdun_catalog::keyring::{epoch_nodes, epochs, keks};
use yingdun_catalog::{Database, DatabaseKind, Inspected};
use yingdun_crypto::sign::{NoteVerifier, SigningKey, Sm2SigningKey};
use yingdun_keys::{EpochFile, KeyStore, LogKey, RootFile, RootKey, RootKind, RootOpener, Suites};
use yingdun_model::{Clock, Grade, SystemClock, Timestamp};

/// A day of a reminder.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What was found out about keys.
pub(super) struct Looked {
    pub(super) findings: Vec<Finding>,
    /// The public keys of the audit log; none when there are none to be had.
    pub(super) verifiers: Option<Vec<NoteVerifier>>,
    /// The logs of the installation, that of this node among them; empty when they cannot be read.
    pub(super) logs: Vec<NoteVerifier>,
    pub(super) suites: Vec<SuiteInUse>,
    pub(super) root_key: RootFacts,
}

/// Who keeps the root key.
#[derive(Serialize)]
pub(super) struct RootFacts {
    pub(super) kept_by: RootKind,
    /// Whether it was asked, and opened what belongs to it.
    pub(super) opened: bool,
    /// How many shares open its file, and how many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shares_needed: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shares: Option<u8>,
    /// The newest epoch of the key database, and whether the epoch file holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) epoch: Option<u64>,
}

/// A suite that keys of a grade are wrapped under, or that new studies of the grade get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct SuiteInUse {
    pub(super) grade: Grade,
    pub(super) suite: String,
    pub(super) new_studies: bool,
}

/// Looks at the root key and at what hangs on it. `path` is the configuration file.
pub(super) async fn keys(config: &Config, path: &Path) -> Looked {
    let mut looked = Looked {
        findings: Vec::new(),
        verifiers: None,
        logs: Vec::new(),
        suites: Vec::new(),
        root_key: RootFacts {
            kept_by: config.keys.root,
            opened: false,
            shares_needed: None,
            shares: None,
            epoch: None,
        },
    };
    if let Some(RootOpener::Shares(unsealing)) =
        config.keys.root_file.as_deref().filter(|_| config.keys.root == RootKind::File).and_then(opener)
    {
        looked.root_key.shares_needed = Some(unsealing.progress().needed);
        looked.root_key.shares = Some(unsealing.shares());
    }
    let rows = look_into(&config.keys.database, DatabaseKind::Keys).await.ok();
    // A schema that is behind is told among the databases; until then its rows cannot be read.
    let readable = rows.as_ref().filter(|rows| rows.pending_steps == 0).map(|rows| &rows.database);
    if let Some(database) = readable {
        if let Ok(kept) = keks::of_institution(database, &config.institution.id).await {
            let kept = kept.into_iter().map(|kek| (kek.line.grade, kek.line.suite));
            looked.suites = suites_in_use(kept.collect(), &config.keys.suites());
        }
        epoch(config, database, &mut looked).await;
    }
    looked.findings.extend(reminders(&config.keys, SystemClock.now()));
    match wiring::root(config).await {
        Ok(Root::Open(root)) => match verifiers(config, root).await {
            Ok((verifiers, logs)) => {
                looked.root_key.opened = true;
                looked.verifiers = Some(verifiers);
                looked.logs = logs;
            }
            Err(cause) => looked.findings.push(unopened(config, cause)),
        },
        Ok(Root::Sealed(_)) => behind_shares(config, path, &mut looked),
        Err(cause) => looked.findings.push(unopened(config, cause.to_string())),
    }
    looked
}

// === helpers ===

fn opener(path: &Path) -> Option<RootOpener> {
    RootFile::opener(path).ok()
}

fn unopened(config: &Config, cause: String) -> Finding {
    let remedy = match config.keys.root {
        RootKind::File => "restore the root-key file and the passphrase that belong to the key database",
        RootKind::Transit => "look at the server, its seal, its key, and what the token may do",
        RootKind::Pkcs11 => "look at the token, its key and its PIN with the tool of its vendor",
    };
    error(config.keys.root_option(), cause, remedy)
}

/// What shares open is not looked at; the log is verified by the public key that was handed out.
fn behind_shares(config: &Config, path: &Path, looked: &mut Looked) {
    let mut verifiers = Vec::new();
    let handed_out = path.with_file_name(AUDIT_KEY_FILE);
    let mut files = vec![handed_out.clone()];
    if config.audit.sm3_tree && sm3_folder(config).exists() {
        files.push(config.audit.sm3_key_file());
    }
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        verifiers.extend(NoteVerifier::parse(text.trim()));
    }
    let log = if verifiers.len() == files.len() {
        looked.verifiers = Some(verifiers);
        format!(
            "; the audit log was verified by the public key in `{}`, and not whether that is the key of this archive",
            handed_out.display()
        )
    } else {
        String::new()
    };
    let cause = format!(
        "shares open the root key. Not looked at without them: whether it belongs to the key database, and whether the epoch, the secrets and \
         the wrapped keys open{log}"
    );
    let remedy = "nothing here; try the shares on a copy every quarter, and keep the public key of the log elsewhere too";
    looked.findings.push(note("keys.root_file", cause, remedy));
}

/// What was asked to be missed: a backup of the keys, or a rehearsal of one, that is too old or never was.
fn reminders(keys: &Keys, now: Timestamp) -> Vec<Finding> {
    let asked = [
        (
            Noted::Backup,
            keys.backup_days,
            "keys.backup_days",
            "backup of the keys",
            "run `yingdun keys backup`",
        ),
        (
            Noted::Rehearsal,
            keys.rehearsal_days,
            "keys.rehearsal_days",
            "rehearsal of a recovery",
            "stop the archive and run `yingdun keys rehearse`",
        ),
    ];
    let overdue = |(noted, days, option, what, remedy): (Noted, Option<u16>, _, &str, _)| {
        let days = days?;
        let last = noted.last(keys);
        let is_new = last.is_some_and(|last| now < last.after(DAY * u32::from(days)));
        let told = last
            .map_or_else(|| "there was none".to_owned(), |last| format!("the last was at {}", rfc3339(last)));
        (!is_new).then(|| warning(option, format!("no {what} within {days} days: {told}"), remedy))
    };
    asked.into_iter().filter_map(overdue).collect()
}

/// Whether the epoch file holds what the rows need. This is told without the root key.
async fn epoch(config: &Config, database: &Database, looked: &mut Looked) {
    const OPTION: &str = "keys.epoch_file";
    let Ok(known) = epochs::all(database).await else { return };
    // Without one, no key was ever made.
    let Some((newest, _)) = known.last() else { return };
    old_epochs(config, database, *newest, looked).await;
    let file = EpochFile::at(config.keys.epoch_file());
    let held = tokio::task::spawn_blocking(move || file.epochs()).await;
    match held {
        Ok(Ok(held)) if held.contains(newest) => looked.root_key.epoch = Some(*newest),
        Ok(Ok(_)) => looked.findings.push(error(
            OPTION,
            format!("it does not hold epoch {newest}, which the key database needs"),
            "bring back the epoch file that was copied with this database; where there are other nodes, start one that has it, \
             or copy its epoch file",
        )),
        Ok(Err(cause)) => {
            looked.findings.push(error(
                OPTION,
                cause.to_string(),
                "chmod 600, or bring it back with its database",
            ));
        }
        Err(_) => {}
    }
}

/// The nodes that still keep the key of an epoch that is over, as far as they told.
async fn old_epochs(config: &Config, database: &Database, newest: u64, looked: &mut Looked) {
    // A schema from before there was a table of them is brought up to date by the next start.
    let Ok(nodes) = epoch_nodes::all(database).await else { return };
    for node in nodes.into_iter().filter(|node| node.keeps_before(newest)) {
        let is_this = node.institution == config.institution.id && node.name == config.audit.origin;
        // A start tells what the file here holds.
        if is_this && node.told.is_none() {
            continue;
        }
        looked.findings.push(warning(
            "keys.epoch_file",
            format!(
                "node `{}` has not confirmed that it keeps no epoch before {newest}: copies of destroyed keys may open with its file",
                node.name
            ),
            "start that node and see that the nodes reach each other ([node]); if it is gone for good, destroy its disk and run `yingdun \
             nodes forget`",
        ));
    }
}

/// The public keys of the audit log of this node, from the keys that sign it, and those of all logs of the installation.
async fn verifiers(config: &Config, root: RootKey) -> Result<(Vec<NoteVerifier>, Vec<NoteVerifier>), String> {
    let Inspected { database, pending_steps } = look_into(&config.keys.database, DatabaseKind::Keys).await?;
    let keys = KeyStore::open_secrets(database, root, Arc::new(SystemClock)).await;
    let keys = keys.map_err(|error| error.to_string())?;
    let signing = keys.log_key(&config.institution.id, &config.audit.origin, LogKey::Ed25519).await;
    let signing = signing.map_err(|error| error.to_string())?;
    let mut verifiers = vec![
        NoteVerifier::new(&config.audit.origin, SigningKey::from(&signing).verifying_key())
            .map_err(|error| error.to_string())?,
    ];
    // Before the tree is there, its key is not either, and asking would make one.
    if config.audit.sm3_tree && sm3_folder(config).exists() {
        let signing = keys.log_key(&config.institution.id, &config.audit.origin, LogKey::Sm2).await;
        let key = Sm2SigningKey::from(&signing.map_err(|error| error.to_string())?);
        let verifier =
            NoteVerifier::new(&Tree::Sm3.origin(&config.audit.origin), key.verifying_key().clone());
        verifiers.push(verifier.map_err(|error| error.to_string())?);
    }
    // A schema that is behind has no list of them, and is told among the databases.
    let installed = match pending_steps {
        0 => {
            wiring::installed_logs(&config.institution.id, &keys).await.map_err(|error| error.to_string())?
        }
        _ => Vec::new(),
    };
    let logs = installed.into_iter().flat_map(|log| log.verifiers);
    Ok((verifiers, logs.filter(|verifier| Tree::of(verifier) == Tree::Sha256).collect()))
}

/// Which suites the grades have that keys are kept for, and the grade that every image has which says nothing else.
fn suites_in_use(kept: BTreeSet<(Grade, String)>, suites: &Suites) -> Vec<SuiteInUse> {
    let grades: BTreeSet<Grade> = kept.iter().map(|(grade, _)| *grade).chain([Grade::L4]).collect();
    let new = grades.into_iter().map(|grade| (grade, suites.of(grade).to_string()));
    let all: BTreeSet<(Grade, String)> = kept.into_iter().chain(new).collect();
    let in_use = |(grade, suite): (Grade, String)| {
        let new_studies = suites.of(grade).as_str() == suite;
        SuiteInUse { grade, suite, new_studies }
    };
    all.into_iter().map(in_use).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_crypto::Suite;

    #[test]
    fn suites_are_told_apart_by_whether_new_studies_get_them() {
        let (aes, sm) = (Suite::Cobblestone256, Suite::Sm4GcmSm3);
        let told = |kept: &[(Grade, Suite)], suites: Suites| -> Vec<(Grade, String, bool)> {
            let kept = kept.iter().map(|(grade, suite)| (*grade, suite.to_string())).collect();
            let told = suites_in_use(kept, &suites).into_iter();
            told.map(|told| (told.grade, told.suite, told.new_studies)).collect()
        };
        assert_eq!(told(&[], Suites::default()), [(Grade::L4, aes.to_string(), true)]);
        let switched = Suites { default: sm, ..Suites::default() };
        let older = [(Grade::L4, aes.to_string(), false), (Grade::L4, sm.to_string(), true)];
        assert_eq!(told(&[(Grade::L4, aes)], switched.clone()), older);
        assert_eq!(told(&[(Grade::L4, aes), (Grade::L4, sm)], switched), older);
    }
}
