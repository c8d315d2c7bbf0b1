//! A further node comes to an installation: its audit log begins, its store is made, and both are entered in the catalogue.

use super::error::StartError;
use super::foundation::{database, system_event};
use super::ledger::{begin_log, open_log};
use super::nodes::announce;
use super::system::store_config;
use crate::config::{Config, DatabaseUrl};
use std::sync::Arc;
use yingdun_audit::{EventKind, Outcome, ReasonCode};
use yingdun_catalog::catalogue::nodes::{self, Node};
use yingdun_catalog::catalogue::stores;
use yingdun_catalog::{CatalogError, Database, DatabaseKind, Exclusive, Inspected, holder};
use yingdun_crypto::sign::NoteVerifier;
use yingdun_keys::KeyStore;
use yingdun_model::StoreNumber;
use yingdun_storage::{LogEvents, RealDisk, Store};

/// A node as the catalogue knows it, and the process that serves there now.
pub(crate) struct KnownNode {
    pub(crate) node: Node,
    /// The name of the process, which begins with that of its machine.
    pub(crate) served_by: Option<String>,
}

/// The nodes of an installation, by the numbers of their stores. Changes nothing.
///
/// # Errors
/// [`StartError::Database`].
pub(crate) async fn known_nodes(config: &Config) -> Result<Vec<KnownNode>, StartError> {
    let failed = |cause| StartError::Database { what: "catalogue", cause };
    let catalogue = catalogue(config).await?;
    let mut known = Vec::new();
    for node in nodes::all(&catalogue).await.map_err(failed)? {
        let served_by = match catalogue.engine_name() {
            "postgresql" => holder(&catalogue, Exclusive::Store(&node.id)).await.map_err(failed)?,
            // One node works on a file, and nobody else sees which process that is.
            _ => None,
        };
        known.push(KnownNode { node, served_by });
    }
    Ok(known)
}

/// Whether there is an audit log of this node already: a leaf in its folder.
pub(crate) fn has_log(config: &Config) -> bool {
    config.audit.directory.join("checkpoint").is_file()
}

/// Enters this node. What a crash broke off is carried on; who has joined joins again without harm.
///
/// # Errors
/// [`StartError`]; [`StartError::Keys`] and [`StartError::Audit`] when the log of this name is that of somebody else,
/// [`StartError::Store`] when the replicas cannot be opened, or are in use.
pub(crate) async fn join(
    config: &Config,
    keys: &KeyStore,
) -> Result<(StoreNumber, NoteVerifier), StartError> {
    const JOINED: ReasonCode = ReasonCode::new("node-joined");
    let failed = |cause| StartError::Database { what: "catalogue", cause };
    // Looked into first: the schema is not brought up to date under nodes that serve.
    catalogue(config).await?;
    let catalogue = database("catalogue", &config.catalogue.database, DatabaseKind::Catalogue).await?;
    if !has_log(config) {
        begin_log(config, keys).await?;
    }
    let store = Store::open(store_config(config)?, Arc::new(RealDisk), Arc::new(LogEvents)).await?;
    let number = stores::enter(&catalogue, &store.id()).await.map_err(failed);
    let entered = match number {
        Ok(number) => announce(config, &catalogue, keys, &store).await.map(|()| number),
        Err(error) => Err(error),
    };
    store.close().await;
    let number = entered?;
    let log = open_log(config, keys).await?;
    let verifier = log.verifier().clone();
    if let Some(event) = system_event(&config.institution.id, EventKind::System, Outcome::Succeeded, JOINED) {
        log.append_one(event).await?;
    }
    log.shutdown().await?;
    Ok((number, verifier))
}

// === helpers ===

/// The catalogue, to be looked at.
pub(super) async fn catalogue(config: &Config) -> Result<Database, StartError> {
    let inspected = match &config.catalogue.database {
        DatabaseUrl::Sqlite(path) => Database::inspect_sqlite(path, DatabaseKind::Catalogue).await,
        DatabaseUrl::Postgres(address) => Database::inspect_postgres(address, DatabaseKind::Catalogue).await,
    };
    let failed = |cause| StartError::Database { what: "catalogue", cause };
    let Inspected { database, pending_steps } = inspected.map_err(failed)?;
    match pending_steps {
        0 => Ok(database),
        _ => Err(failed(CatalogError::Schema(
            "the schema is behind this program; start a node with it first".to_owned(),
        ))),
    }
}
