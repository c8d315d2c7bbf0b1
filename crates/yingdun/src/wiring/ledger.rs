//! The audit log of this node: opened under its name and with its keys, begun beside others, and which logs an installation has.

use super::error::StartError;
use super::foundation::{node_name, system_event};
use crate::config::Config;
use crate::process::private::write_new;
use std::path::Path;
use yingdun_audit::{AuditError, EventKind, IndexOptions, Log, LogConfig, Outcome, ReasonCode, Tree};
use yingdun_crypto::sign::{NoteError, NoteVerifier, SigningKey, Sm2SigningKey};
use yingdun_keys::{AuditLog, KeyStore, LogKey};
use yingdun_model::InstitutionId;

/// An audit log that the key database names, with the public keys of the keys that it holds.
pub(crate) struct InstalledLog {
    pub(crate) log: AuditLog,
    pub(crate) verifiers: Vec<NoteVerifier>,
}

/// Opens the audit log of this node, which the key database has to know under its name, or learns now where it knows none.
///
/// # Errors
/// [`StartError::Keys`] when the installation has other logs and none of this name, or one of this name that began otherwise;
/// [`StartError::Audit`] when it does not open.
pub(super) async fn open_log(config: &Config, keys: &KeyStore) -> Result<Log, StartError> {
    let (institution, origin) = (&config.institution.id, &config.audit.origin);
    let signing = keys.log_key(institution, origin, LogKey::Ed25519).await?;
    let directory = config.audit.directory.clone();
    let mut log = LogConfig::new(directory, origin, node_name(), SigningKey::from(&signing));
    if config.audit.sm3_tree {
        let signing = keys.log_key(institution, origin, LogKey::Sm2).await?;
        log.sm3_signing_key = Some(Sm2SigningKey::from(&signing));
    }
    let opening = tokio::task::spawn_blocking(move || {
        let log = Log::open(log)?;
        let first = match log.size() {
            0 => None,
            _ => Some(log.reader().leaf(0)?.leaf_hash),
        };
        Ok::<_, AuditError>((log, first))
    });
    let (log, first) = opening.await.map_err(|_| StartError::BrokenOff("the audit log"))??;
    if let Err(error) = keys.enter_log(institution, origin, first).await {
        // What stopped the start is the error that counts.
        drop(log.shutdown().await);
        return Err(error.into());
    }
    if let Ok(verifier) = log.verifier_of(Tree::Sm3) {
        hand_out_public_key(&config.audit.sm3_key_file(), verifier);
    }
    Ok(log)
}

/// Begins to keep the index of a log that serves. Without it a search reads the log, so nothing stops when it does not open.
pub(super) async fn start_index(log: &Log) {
    let log = log.clone();
    let started = tokio::task::spawn_blocking(move || log.start_index(IndexOptions::default()));
    match started.await.map_err(|_| StartError::BrokenOff("the audit index")) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the audit index does not open; searches read the log"),
        Err(error) => tracing::warn!(%error, "the audit index does not open; searches read the log"),
    }
}

/// Begins the audit log of one more node, with keys of its own and a first leaf, and gives its public key. What a crash broke off is
/// carried on.
///
/// # Errors
/// [`StartError::Keys`] when there is a log of this name that has begun, or none beside which it could begin; [`StartError::Audit`] when
/// something else lies in its folder.
pub(crate) async fn begin_log(config: &Config, keys: &KeyStore) -> Result<NoteVerifier, StartError> {
    let (institution, origin) = (&config.institution.id, &config.audit.origin);
    keys.begin_log(institution, origin).await?;
    let log = open_log(config, keys).await?;
    let begun = begin(&log, keys, institution, origin).await;
    let closed = log.shutdown().await;
    begun?;
    closed?;
    Ok(log.verifier().clone())
}

/// The audit logs of an installation, the oldest first.
///
/// # Errors
/// [`StartError::Keys`] when they, or their keys, cannot be read.
pub(crate) async fn installed_logs(
    institution: &InstitutionId,
    keys: &KeyStore,
) -> Result<Vec<InstalledLog>, StartError> {
    let mut installed = Vec::new();
    for log in keys.logs(institution).await? {
        let mut verifiers = Vec::new();
        if let Some(key) = keys.kept_log_key(institution, &log, LogKey::Ed25519).await? {
            let key = SigningKey::from(&key).verifying_key();
            verifiers.push(NoteVerifier::new(&log.origin, key).map_err(unfit)?);
        }
        if let Some(key) = keys.kept_log_key(institution, &log, LogKey::Sm2).await? {
            let key = Sm2SigningKey::from(&key).verifying_key().clone();
            verifiers.push(NoteVerifier::new(&Tree::Sm3.origin(&log.origin), key).map_err(unfit)?);
        }
        installed.push(InstalledLog { log, verifiers });
    }
    Ok(installed)
}

/// Writes a public key where people look for it. It can always be made again, so nothing stops when it cannot be written; a file
/// that holds another key is left for a person to look at.
pub(crate) fn hand_out_public_key(path: &Path, verifier: &NoteVerifier) {
    let key = verifier.to_string();
    match std::fs::read_to_string(path) {
        Ok(kept) if kept.trim() == key => {}
        Ok(_) => {
            tracing::warn!(path = %path.display(), key, "the file holds another key than that of the audit log");
        }
        Err(_) => match write_new(path, format!("{key}\n").as_bytes(), 0o644) {
            Ok(()) => tracing::info!(path = %path.display(), "wrote a public key of the audit log"),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, key, "cannot write a public key of the audit log");
            }
        },
    }
}

// === helpers ===

/// The first leaf, and that the log is recognised by it from now on.
async fn begin(
    log: &Log,
    keys: &KeyStore,
    institution: &InstitutionId,
    origin: &str,
) -> Result<(), StartError> {
    const BEGUN: ReasonCode = ReasonCode::new("audit-log-begun");
    if log.size() > 0 {
        return Ok(());
    }
    if let Some(event) = system_event(institution, EventKind::System, Outcome::Succeeded, BEGUN) {
        let receipt = log.append_one(event).await?;
        keys.enter_log(institution, origin, Some(*receipt.leaf_hash())).await?;
    }
    Ok(())
}

fn unfit(error: NoteError) -> StartError {
    AuditError::Config { why: error.to_string() }.into()
}
