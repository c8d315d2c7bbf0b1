//! `nodes list`, `nodes join`: the nodes of an installation, and one more of them.

use super::logs::secrets;
use super::{CommandError, Verdict, admin, key_backup};
use crate::cli::{ConfigArgs, JoinArgs, NodesCommand};
use crate::config::{self, Config, DatabaseUrl, Severity};
use crate::installation::AUDIT_KEY_FILE;
use crate::output::Output;
use crate::wiring::{self, KnownNode, StartError, database, hand_out_public_key};
use serde::Serialize;
use std::path::PathBuf;
use yingdun_catalog::DatabaseKind;

#[derive(Serialize)]
struct Listed {
    /// The number of its store in the catalogue.
    number: u32,
    /// The random name of its store, in hexadecimal.
    store: String,
    /// Where the others reach it; none where it is closed to them.
    address: Option<String>,
    certificate_sha256: Option<String>,
    /// The origin of its audit log.
    audit_log: Option<String>,
    /// The version of the program that it started last.
    program: Option<String>,
    serves: bool,
    /// The process that serves there, by the name of its machine and its number.
    process: Option<String>,
    of_this_node: bool,
}

#[derive(Serialize)]
struct Joined {
    dry_run: bool,
    /// The number of its store in the catalogue; none in a dry run.
    number: Option<u32>,
    address: String,
    audit_log: String,
    /// Whether the audit log is begun by this.
    log_begun: bool,
    replicas: Vec<PathBuf>,
    /// The public key of the audit log (C2SP vkey); none in a dry run.
    audit_public_key: Option<String>,
    other_nodes: Vec<Listed>,
}

/// Runs a command on the nodes of an installation.
pub(super) async fn nodes(command: NodesCommand, output: Output) -> Result<Verdict, CommandError> {
    match command {
        NodesCommand::List(args) => list(&args, output).await,
        NodesCommand::Join(args) => join(args, output).await,
        NodesCommand::Epochs { admin } => admin::node_epochs(&admin, output).await,
        NodesCommand::Forget { name, disk_destroyed, admin } => {
            admin::forget_node(&name, disk_destroyed, &admin, output).await
        }
    }
}

async fn list(args: &ConfigArgs, output: Output) -> Result<Verdict, CommandError> {
    let config = Config::load(&args.config)?;
    let nodes = listed(&config).await?;
    output.say(&serde_json::json!({ "nodes": nodes }), |language| {
        if nodes.is_empty() {
            return language.no_nodes();
        }
        let line = |node: &Listed| {
            let address = node.address.clone().unwrap_or_else(|| language.closed());
            let here = if node.of_this_node { language.log_of_this_node() } else { String::new() };
            let state = match &node.process {
                Some(process) => language.node_serves(process),
                None => language.node_does_not_serve(),
            };
            let log = node.audit_log.as_deref().unwrap_or("-");
            format!(
                "{}  {address}{here}  {log}  {}  {state}",
                node.number,
                node.program.as_deref().unwrap_or("-")
            )
        };
        nodes.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    Ok(Verdict::Good)
}

async fn join(args: JoinArgs, output: Output) -> Result<Verdict, CommandError> {
    let config = Config::load(&args.log.config.config)?;
    let address = may_join(&config)?;
    let mut report = Joined {
        dry_run: args.dry_run,
        number: None,
        address,
        audit_log: config.audit.origin.clone(),
        log_begun: !wiring::has_log(&config),
        replicas: config.storage.replicas.iter().map(|replica| replica.directory.clone()).collect(),
        audit_public_key: None,
        other_nodes: listed(&config).await?.into_iter().filter(|node| !node.of_this_node).collect(),
    };
    if let Some(other) = report.other_nodes.iter().find(|node| node.address.as_ref() == Some(&report.address))
    {
        return Err(CommandError::Usage(format!(
            "node {} is reached at {} already; give this one an address of its own (node.address)",
            other.number, report.address
        )));
    }
    // The root key is asked for also in a dry run: without it nothing would come of the rest.
    let found = key_backup::database(&config).await?;
    let rows = match args.dry_run {
        true => found,
        false => database("key", &config.keys.database, DatabaseKind::Keys).await?,
    };
    let keys = secrets(&config, &args.log, rows).await?;
    if !args.dry_run {
        let (number, verifier) = wiring::join(&config, &keys).await?;
        hand_out_public_key(&args.log.config.config.with_file_name(AUDIT_KEY_FILE), &verifier);
        report.number = Some(number.get());
        report.audit_public_key = Some(verifier.to_string());
    }
    output.say(&report, |language| match (report.number, &report.audit_public_key) {
        (Some(number), Some(key)) => language.node_joined(number, &report.address, &report.audit_log, key),
        _ => {
            let folders: Vec<String> =
                report.replicas.iter().map(|path| path.display().to_string()).collect();
            language.node_would_join(
                &report.address,
                &report.audit_log,
                folders.join(", "),
                report.other_nodes.len(),
            )
        }
    })?;
    Ok(Verdict::Good)
}

// === helpers ===

/// The address at which a node will be reached that may join.
fn may_join(config: &Config) -> Result<String, CommandError> {
    let wrong: Vec<String> = config::check(config)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| format!("{}: {}", finding.option, finding.cause))
        .collect();
    if !wrong.is_empty() {
        return Err(StartError::Configuration(wrong).into());
    }
    let usage = |words: &str| CommandError::Usage(words.to_owned());
    let Some(node) = &config.node else {
        return Err(usage(
            "the configuration has no section [node]: say there where the other nodes reach this one (node.address), and which \
             authority their certificates come from (node.ca_file)",
        ));
    };
    match &config.catalogue.database {
        DatabaseUrl::Postgres(_) => Ok(node.address.clone()),
        DatabaseUrl::Sqlite(_) => Err(usage(
            "the databases are files, which nodes cannot share: several nodes need PostgreSQL (catalogue.database, keys.database, \
             identity.database)",
        )),
    }
}

async fn listed(config: &Config) -> Result<Vec<Listed>, CommandError> {
    let known = wiring::known_nodes(config).await?;
    Ok(known
        .into_iter()
        .map(|KnownNode { node, served_by }| Listed {
            number: node.store.get(),
            store: hex::encode(node.id),
            certificate_sha256: node.said.door.as_ref().map(|door| hex::encode(door.certificate_sha256)),
            address: node.said.door.map(|door| door.address),
            of_this_node: node.said.log.as_ref() == Some(&config.audit.origin),
            audit_log: node.said.log,
            program: node.said.program,
            serves: served_by.is_some(),
            process: served_by,
        })
        .collect())
}
