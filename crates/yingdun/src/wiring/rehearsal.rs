//! A restored installation is opened to the end, without doors: every record by the key that belongs to it.
//!
//! The catalogue of the rehearsal is a scratch file that begins empty, so the archive reads all packs and opens the descriptor of
//! every record, as it would after the loss of its catalogue.

use super::error::StartError;
use super::foundation::Foundation;
use super::root::{Root, root};
use super::system::{archive_parts, store_config};
use crate::config::{Config, DatabaseUrl};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use yingdun_archive::Archive;
use yingdun_storage::{LogEvents, RealDisk, Store};

/// The scratch catalogue, beside the databases.
const SCRATCH: &str = "rehearsal.db";

/// What a rehearsal found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Rehearsed {
    /// Records that were read.
    pub(crate) records: u64,
    /// Instances whose description opened.
    pub(crate) opened: u64,
    /// Records whose key was destroyed.
    pub(crate) without_key: u64,
    /// Records that did not open.
    pub(crate) unreadable: u64,
}

impl Rehearsed {
    /// Whether everything that was not destroyed opened.
    pub(crate) const fn is_good(&self) -> bool {
        self.unreadable == 0
    }
}

/// Rehearses.
///
/// # Errors
/// [`StartError::Sealed`] where shares open the root key; otherwise what does not open.
pub(crate) async fn rehearse(config: &Config) -> Result<Rehearsed, StartError> {
    let mut config = config.clone();
    let folder = match &config.catalogue.database {
        DatabaseUrl::Sqlite(path) => path.parent().unwrap_or(Path::new(".")).to_owned(),
        DatabaseUrl::Postgres(_) => std::env::temp_dir(),
    };
    let scratch = folder.join(SCRATCH);
    config.catalogue.database = DatabaseUrl::Sqlite(scratch.clone());
    let Root::Open(root) = root(&config).await? else { return Err(StartError::Sealed) };
    let foundation = Foundation::open(&config, root).await?;
    let rehearsed = open(&config, &foundation).await;
    foundation.close().await;
    for suffix in ["", "-wal", "-shm"] {
        // What stays is a file that nobody opens again.
        drop(std::fs::remove_file(folder.join(format!("{SCRATCH}{suffix}"))));
    }
    rehearsed
}

async fn open(config: &Config, foundation: &Foundation) -> Result<Rehearsed, StartError> {
    let store = Store::open(store_config(config)?, Arc::new(RealDisk), Arc::new(LogEvents)).await?;
    let opened = Archive::open(archive_parts(config, foundation, store)).await;
    let (archive, recovered) = opened.map_err(StartError::Archive)?;
    let counts = archive.counts(&foundation.institution).await.map_err(StartError::Archive);
    archive.close().await;
    Ok(Rehearsed {
        records: recovered.records,
        opened: counts?.instances,
        without_key: recovered.without_key,
        unreadable: recovered.unreadable + recovered.foreign,
    })
}
