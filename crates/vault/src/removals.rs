//! Packs that an archive has no more: whether they may be gone. An archive that compacts removes packs in which nothing lives; so
//! does whoever wants to destroy it, and says the same. Therefore three things have to fit together, and two of them are here: the
//! log, which was followed, says that the pack was going to be removed; the copy that is here shows of which studies it has records;
//! and the log says of each of them that two people had it destroyed. A record of which it does not say so has to be here in a pack
//! that was made of this one: the same record, by its digest, in a copy that was checked.

use crate::VaultError;
use crate::listing::PackEntry;
use crate::packs::Packs;
use std::collections::HashSet;
use yingdun_audit::{EventKind, Filter, Leaf, Order, Outcome, Reader};
use yingdun_model::{Action, InstitutionId, StudyRef};
use yingdun_storage::{HeldRecord, may_be_made_of};

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

    /// Whether a pack that is kept here may be gone from the archive. `others` are packs that are here and there.
    pub(crate) fn explain(
        &self,
        entry: &PackEntry,
        packs: &Packs,
        store: [u8; 16],
        others: &[PackEntry],
    ) -> Result<bool, VaultError> {
        if !self.names(entry.pack) {
            return Ok(false);
        }
        let Some(records) = packs.records(entry.pack, entry.bytes, store)? else { return Ok(false) };
        let destroyed = |record: &HeldRecord| {
            let header = &record.header;
            self.studies.contains(&(header.institution.clone(), header.study))
        };
        let living: Vec<&HeldRecord> = records.iter().filter(|record| !destroyed(record)).collect();
        let mut copied = HashSet::new();
        if !living.is_empty() {
            for made in others.iter().filter(|other| may_be_made_of(other.pack, entry.pack)) {
                let there = packs.records(made.pack, made.bytes, store)?.unwrap_or_default();
                copied.extend(there.iter().map(|record| record.location.digest));
            }
        }
        Ok(!records.is_empty() && living.iter().all(|record| copied.contains(&record.location.digest)))
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

    async fn open(folder: &Path) -> Store {
        let replica = ReplicaConfig {
            directory: folder.to_owned(),
            label: "a".to_owned(),
            failure_domain: "disk-a".to_owned(),
        };
        let config = StoreConfig { write_quorum: 1, reserve_bytes: 0, ..StoreConfig::new(vec![replica]) };
        Store::open(config, Arc::new(RealDisk), Arc::new(LogEvents)).await.unwrap()
    }

    /// A pack with a record of each of these studies, as a vault keeps it.
    async fn pack_of(folder: &Path, studies: &[StudyRef]) -> (PackEntry, [u8; 16]) {
        let store = open(folder).await;
        let mut pack = 0;
        for (number, study) in studies.iter().enumerate() {
            let header = RecordHeader { institution: house(), study: *study, kind: RecordKind::INSTANCE };
            let object = vec![format!("sealed {number}").into()];
            let record = Record { header, descriptor: "sealed".into(), metadata: "sealed".into(), object };
            let location = store.append(record).await.unwrap();
            store.mark_applied(&location);
            pack = location.pack;
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
            removals.explain(&entry, &packs, store, &[]).unwrap()
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

    #[tokio::test]
    async fn what_lives_in_a_pack_that_is_gone_has_to_be_in_one_that_was_made_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let [gone, kept] = [1, 2].map(|number| StudyRef::from_bytes([number; 16]));
        let (old, store_id) = pack_of(folder.path(), &[gone, kept, gone, kept]).await;
        let (newest, _) = pack_of(folder.path(), &[kept]).await;
        let store = open(folder.path()).await;
        let records = store.pack_records(old.pack).await.unwrap().unwrap();
        let of = |study| {
            let places = records.iter().filter(|record| record.header.study == study);
            places.map(|record| record.location).collect::<Vec<_>>()
        };
        let made = |pack| PackEntry { pack, bytes: store.pack_extent(pack).unwrap().bytes, digest: [0; 32] };
        let all = made(store.copy_records(old.pack, of(kept)).await.unwrap());
        let some = made(store.copy_records(old.pack, of(kept)[..1].to_vec()).await.unwrap());
        store.close().await;
        let packs = Packs::new(folder.path().join("packs"));
        let removals = Removals { packs: [old.pack].into(), studies: [(house(), gone)].into() };
        let may_be_gone = |others: &[PackEntry]| removals.explain(&old, &packs, store_id, others).unwrap();
        assert!(may_be_gone(&[some, all]));
        assert!(!may_be_gone(&[]) && !may_be_gone(&[some]), "one that lives is nowhere");
        assert!(!may_be_gone(&[newest]), "the same study, and not its records");
        let elsewhere = PackEntry { pack: all.pack + (1 << 24), ..all };
        assert!(!may_be_gone(&[elsewhere]), "a pack that cannot have been made of it");
    }
}
