//! Packs that an archive has no more: whether they may be gone. An archive that compacts removes packs in which nothing lives; so
//! does whoever wants to destroy it, and says the same. Therefore three things have to fit together, and two of them are here: the
//! log, which was followed, says that the pack was going to be removed; the copy that is here shows of which studies it has records;
//! and the log says of each of them that two people had it destroyed.

use crate::VaultError;
use crate::listing::PackEntry;
use crate::packs::Packs;
use std::collections::HashSet;
use yingdun_audit::{EventKind, Filter, Leaf, Order, Outcome, Reader};
use yingdun_model::{Action, InstitutionId, StudyRef};

/// What a leaf says before a pack is removed.
const REMOVAL: &str = "pack-removal";
/// What a leaf says when a study was destroyed.
const DESTROYED: &str = "study-destroyed";

/// What the log says of removals.
#[derive(Debug, Default)]
pub(crate) struct Removals {
    packs: HashSet<u64>,
    studies: HashSet<(InstitutionId, StudyRef)>,
}

impl Removals {
    /// Reads the log through.
    pub(crate) fn of(log: &Reader) -> Result<Self, VaultError> {
        let filter =
            Filter { kinds: vec![EventKind::Administration], order: Order::OldestFirst, ..Filter::default() };
        let mut removals = Self::default();
        for found in log.search(filter) {
            removals.add(found.map_err(yingdun_audit::MirrorError::from)?.leaf);
        }
        Ok(removals)
    }

    fn add(&mut self, leaf: Leaf) {
        match (leaf.action, leaf.outcome, leaf.reason.as_str()) {
            (Some(Action::ManageStorage), Outcome::Permitted, REMOVAL) => {
                self.packs.extend(leaf.counts.get("pack"));
            }
            (Some(Action::Destroy), Outcome::Succeeded, DESTROYED) => {
                self.studies.extend(leaf.study.map(|study| (leaf.institution, study)));
            }
            _ => {}
        }
    }

    /// Whether the log says of a pack that it was going to be removed.
    pub(crate) fn names(&self, pack: u64) -> bool {
        self.packs.contains(&pack)
    }

    /// Whether a pack that is kept here may be gone from the archive.
    pub(crate) fn explain(
        &self,
        entry: &PackEntry,
        packs: &Packs,
        store: [u8; 16],
    ) -> Result<bool, VaultError> {
        if !self.names(entry.pack) {
            return Ok(false);
        }
        let records = packs.records(entry.pack, entry.bytes, store)?;
        Ok(records.is_some_and(|records| {
            let destroyed = |header: &yingdun_storage::RecordHeader| {
                self.studies.contains(&(header.institution.clone(), header.study))
            };
            !records.is_empty() && records.iter().all(|record| destroyed(&record.header))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::sync::Arc;
    use yingdun_storage::{
        LogEvents, RealDisk, Record, RecordHeader, RecordKind, ReplicaConfig, Store, StoreConfig,
    };

    fn house() -> InstitutionId {
        InstitutionId::new("renmin").unwrap()
    }

    /// A pack with a record of each of these studies, as a vault keeps it.
    async fn pack_of(folder: &Path, studies: &[StudyRef]) -> (PackEntry, [u8; 16]) {
        let replica = ReplicaConfig {
            directory: folder.to_owned(),
            label: "a".to_owned(),
            failure_domain: "disk-a".to_owned(),
        };
        let config = StoreConfig { write_quorum: 1, reserve_bytes: 0, ..StoreConfig::new(vec![replica]) };
        let store = Store::open(config, Arc::new(RealDisk), Arc::new(LogEvents)).await.unwrap();
        let mut pack = 0;
        for study in studies {
            let header = RecordHeader { institution: house(), study: *study, kind: RecordKind::INSTANCE };
            let object = vec!["sealed".into()];
            let record = Record { header, descriptor: "sealed".into(), metadata: "sealed".into(), object };
            pack = store.append(record).await.unwrap().pack;
        }
        let bytes = store.pack_extent(pack).unwrap().bytes;
        store.close().await;
        (PackEntry { pack, bytes, digest: [0; 32] }, store.id())
    }

    #[tokio::test]
    async fn a_pack_may_be_gone_only_where_the_log_says_so_and_the_copy_shows_nothing_but_destroyed_studies()
    {
        let folder = tempfile::tempdir().unwrap();
        let [gone, too] = [1, 2].map(|number| StudyRef::from_bytes([number; 16]));
        let (entry, store) = pack_of(folder.path(), &[gone, too, gone]).await;
        let packs = Packs::new(folder.path().join("packs"));
        let may_be_gone = |said: &[u64], destroyed: &[(InstitutionId, StudyRef)]| {
            let removals = Removals {
                packs: said.iter().copied().collect(),
                studies: destroyed.iter().cloned().collect(),
            };
            removals.explain(&entry, &packs, store).unwrap()
        };
        let both = [(house(), gone), (house(), too)];
        assert!(may_be_gone(&[entry.pack], &both));
        assert!(!may_be_gone(&[], &both), "nobody said that it would be removed");
        assert!(!may_be_gone(&[entry.pack + 1], &both), "another was");
        assert!(!may_be_gone(&[entry.pack], &both[..1]), "a study in it lives");
        let elsewhere = [(InstitutionId::new("xiehe").unwrap(), gone), both[1].clone()];
        assert!(!may_be_gone(&[entry.pack], &elsewhere), "it lives in this institution");

        // What a damaged copy held cannot be told from it.
        let path = packs.path(entry.pack);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[100] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(!may_be_gone(&[entry.pack], &both));
    }
}
