//! `audit logs`, `audit begin`: which audit logs an installation has, and one more of them for a further node.

use super::root::open;
use super::{CommandError, Verdict, key_backup};
use crate::cli::LogArgs;
use crate::config::Config;
use crate::installation::{AUDIT_KEY_FILE, rfc3339};
use crate::output::Output;
use crate::wiring::{InstalledLog, StartError, begin_log, database, hand_out_public_key, installed_logs};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use yingdun_catalog::{Database, DatabaseKind};
use yingdun_keys::KeyStore;
use yingdun_model::SystemClock;

#[derive(Serialize)]
struct Listed {
    /// The origin of its checkpoints.
    origin: String,
    number: u32,
    /// Public keys (C2SP vkey): of the first tree, and of the SM3 tree where there is one.
    public_keys: Vec<String>,
    /// The hash of its first leaf; none as long as it has no leaf.
    first_leaf: Option<String>,
    /// RFC 3339.
    entered: String,
    /// Whether it is the log of the node whose configuration this is.
    of_this_node: bool,
}

#[derive(Serialize)]
struct Begun {
    origin: String,
    public_key: String,
    directory: PathBuf,
    public_key_file: PathBuf,
}

/// Lists the audit logs of the installation; beside nodes that serve.
pub(super) async fn list(args: LogArgs, output: Output) -> Result<Verdict, CommandError> {
    let config = Config::load(&args.config.config)?;
    let keys = secrets(&config, &args, key_backup::database(&config).await?).await?;
    let listed = |InstalledLog { log, verifiers }: InstalledLog| Listed {
        of_this_node: log.origin == config.audit.origin,
        public_keys: verifiers.iter().map(ToString::to_string).collect(),
        first_leaf: log.first_leaf.map(hex::encode),
        entered: rfc3339(log.entered),
        number: log.number,
        origin: log.origin,
    };
    let logs: Vec<Listed> =
        installed_logs(&config.institution.id, &keys).await?.into_iter().map(listed).collect();
    output.say(&serde_json::json!({ "logs": logs }), |language| {
        if logs.is_empty() {
            return language.no_audit_logs();
        }
        let line = |log: &Listed| {
            let here = if log.of_this_node { language.log_of_this_node() } else { String::new() };
            format!("{}  {}{here}\n   {}", log.number, log.origin, log.public_keys.join("\n   "))
        };
        logs.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    Ok(Verdict::Good)
}

/// Begins the audit log of a further node; beside nodes that serve.
pub(super) async fn begin(args: LogArgs, output: Output) -> Result<Verdict, CommandError> {
    let config = Config::load(&args.config.config)?;
    // Looked into first: the schema is not brought up to date under nodes that serve.
    key_backup::database(&config).await?;
    let rows = database("key", &config.keys.database, DatabaseKind::Keys).await?;
    let keys = secrets(&config, &args, rows).await?;
    let verifier = begin_log(&config, &keys).await?;
    let public_key_file = args.config.config.with_file_name(AUDIT_KEY_FILE);
    hand_out_public_key(&public_key_file, &verifier);
    let begun = Begun {
        origin: config.audit.origin.clone(),
        public_key: verifier.to_string(),
        directory: config.audit.directory.clone(),
        public_key_file,
    };
    output.say(&begun, |language| {
        language.audit_log_begun(&begun.origin, begun.directory.display(), &begun.public_key)
    })?;
    Ok(Verdict::Good)
}

/// The secrets of the key database.
pub(super) async fn secrets(
    config: &Config,
    args: &LogArgs,
    rows: Database,
) -> Result<KeyStore, CommandError> {
    let root = open(&config.keys, config, &args.share_file).await?;
    let keys = KeyStore::open_secrets(rows, root, Arc::new(SystemClock)).await;
    Ok(keys.map_err(StartError::from)?)
}
