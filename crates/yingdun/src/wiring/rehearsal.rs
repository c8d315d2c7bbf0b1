//! A restored installation is opened to the end, without doors: every record by the key that belongs to it.
//!
//! The catalogue of the rehearsal is a scratch file that begins empty, so the archive reads all packs and opens the descriptor of
//! every record, as it would after the loss of its catalogue. The restored catalogue is laid beside it: what only that one has is in
//! no pack. Of some studies, or all, every byte is opened too.

use super::error::StartError;
use super::foundation::{Foundation, database};
use super::root::{Root, root};
use super::system::{archive_parts, store_config};
use crate::config::{Config, DatabaseUrl};
use serde::Serialize;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use yingdun_archive::{Archive, Sample};
use yingdun_catalog::catalogue::compare::{NamedInstance, instances_after};
use yingdun_catalog::catalogue::stores;
use yingdun_catalog::{Database, DatabaseKind};
use yingdun_storage::{LogEvents, RealDisk, Store, StoreLocation};

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
    /// Rows of the restored catalogue that no pack has: instances that are nowhere, or lead to a study or patient of somebody
    /// else.
    pub(crate) strangers: u64,
    /// Rows of instances that lie in the packs of other nodes, which have vaults of their own.
    pub(crate) of_other_nodes: u64,
    /// Studies whose every byte was opened.
    pub(crate) studies_read: u64,
    /// Instances of them.
    pub(crate) instances_read: u64,
    /// Their bytes.
    pub(crate) bytes_read: u64,
    /// Instances whose bytes did not all open.
    pub(crate) damaged: u64,
}

impl Rehearsed {
    /// Whether everything that was not destroyed opened, and nothing else is there.
    pub(crate) const fn is_good(&self) -> bool {
        self.unreadable == 0 && self.strangers == 0 && self.damaged == 0
    }
}

/// Rehearses; `read` counts the bytes that were opened meanwhile.
///
/// # Errors
/// [`StartError::Sealed`] where shares open the root key; otherwise what does not open.
pub(crate) async fn rehearse(
    config: &Config,
    sample: Sample,
    read: &AtomicU64,
) -> Result<Rehearsed, StartError> {
    let restored = database("catalogue", &config.catalogue.database, DatabaseKind::Catalogue).await?;
    let mut config = config.clone();
    let folder = match &config.catalogue.database {
        DatabaseUrl::Sqlite(path) => path.parent().unwrap_or(Path::new(".")).to_owned(),
        DatabaseUrl::Postgres(_) => config.audit.directory.parent().unwrap_or(Path::new(".")).to_owned(),
    };
    let scratch = folder.join(SCRATCH);
    config.catalogue.database = DatabaseUrl::Sqlite(scratch.clone());
    let Root::Open(root) = root(&config).await? else { return Err(StartError::Sealed) };
    let foundation = Foundation::open(&config, root).await?;
    let rehearsed = open(&config, &foundation, &restored, sample, read).await;
    foundation.close().await;
    for suffix in ["", "-wal", "-shm"] {
        // What stays is a file that nobody opens again.
        drop(std::fs::remove_file(folder.join(format!("{SCRATCH}{suffix}"))));
    }
    rehearsed
}

async fn open(
    config: &Config,
    foundation: &Foundation,
    restored: &Database,
    sample: Sample,
    read: &AtomicU64,
) -> Result<Rehearsed, StartError> {
    let store = Store::open(store_config(config)?, Arc::new(RealDisk), Arc::new(LogEvents)).await?;
    let id = store.id();
    let opened = Archive::open(archive_parts(config, foundation, store)).await;
    let (archive, recovered) = opened.map_err(StartError::Archive)?;
    let counts = archive.counts(&foundation.institution).await.map_err(StartError::Archive);
    let through = archive.read_through(sample, read).await.map_err(StartError::Archive);
    archive.close().await;
    let (counts, through) = (counts?, through?);
    let compared = compare(restored, foundation, &id).await?;
    Ok(Rehearsed {
        records: recovered.records,
        opened: counts.instances,
        without_key: recovered.without_key,
        unreadable: recovered.unreadable + recovered.foreign,
        strangers: compared.strangers,
        of_other_nodes: compared.of_other_nodes,
        studies_read: through.studies,
        instances_read: through.instances,
        bytes_read: through.bytes,
        damaged: through.damaged,
    })
}

/// Rows of the restored catalogue that the packs did not make.
#[derive(Default)]
struct Compared {
    strangers: u64,
    of_other_nodes: u64,
}

/// Lays the restored catalogue beside the one that the packs of a store make. It may lack what is newer than it is, and may
/// still have what was destroyed since.
async fn compare(
    restored: &Database,
    foundation: &Foundation,
    store: &[u8; 16],
) -> Result<Compared, StartError> {
    let number = stores::find(restored, store).await;
    let number = number.map_err(|cause| StartError::Database { what: "catalogue", cause })?;
    let lies_elsewhere = |row: &NamedInstance| {
        StoreLocation::from_bytes(&row.location).is_ok_and(|place| Some(place.store) != number)
    };
    let (mut here, mut made) = (Walk::of(restored), Walk::of(&foundation.catalogue));
    let mut compared = Compared::default();
    while let Some(row) = here.next().await? {
        while made.peek().await?.is_some_and(|other| place(&other) < place(&row)) {
            made.next().await?;
        }
        if made.peek().await?.is_some_and(|other| place(&other) == place(&row) && other.found == row.found) {
            continue;
        }
        if lies_elsewhere(&row) {
            compared.of_other_nodes += 1;
            continue;
        }
        let destroyed = match row.found {
            Some((study, _)) => foundation.keys.was_destroyed(&foundation.institution, study).await?,
            None => false,
        };
        if !destroyed {
            compared.strangers += 1;
        }
    }
    Ok(compared)
}

fn place(row: &NamedInstance) -> (&[u8; 16], i64) {
    (row.instance.as_bytes(), row.version)
}

/// The instances of a catalogue in one order, some of them in memory at a time.
struct Walk<'d> {
    database: &'d Database,
    waiting: VecDeque<NamedInstance>,
    last: Option<NamedInstance>,
    ended: bool,
}

impl<'d> Walk<'d> {
    const fn of(database: &'d Database) -> Self {
        Self { database, waiting: VecDeque::new(), last: None, ended: false }
    }

    async fn peek(&mut self) -> Result<Option<NamedInstance>, StartError> {
        if self.waiting.is_empty() && !self.ended {
            let rows = instances_after(self.database, self.last.as_ref()).await;
            let rows = rows.map_err(|cause| StartError::Database { what: "catalogue", cause })?;
            self.ended = rows.is_empty();
            self.last = rows.last().cloned().or(self.last.take());
            self.waiting = rows.into();
        }
        Ok(self.waiting.front().cloned())
    }

    async fn next(&mut self) -> Result<Option<NamedInstance>, StartError> {
        self.peek().await?;
        Ok(self.waiting.pop_front())
    }
}
