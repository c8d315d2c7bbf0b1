//! What lives in a pack goes on in another one: copied by the store, and then told to the catalogue.

use super::judge::Share;
use super::{Compaction, Step};
use crate::error::{Unavailable, unavailable};
use crate::record::DescriptorPrefix;
use crate::shared::Core;
use std::collections::{HashMap, HashSet};
use yingdun_access::session_leaf;
use yingdun_audit::{Counts, Event, Outcome, ReasonCode};
use yingdun_catalog::catalogue::{RELOCATIONS_MAX, Relocation, relocate};
use yingdun_model::Action;
use yingdun_storage::{Location, PackPosition, RecordKind, Scan, ScannedRecord, StoreError, StoreLocation};

/// The leaf that what lives in a pack is in another one, and that the catalogue knows.
const REWRITTEN: ReasonCode = ReasonCode::new("pack-rewritten");

/// A pack whose living records are in another one, of which the catalogue is being told.
pub(super) struct Placing {
    pack: u64,
    share: Share,
    copy: u64,
    /// By the digests of records: where they lay.
    from: HashMap<[u8; 32], Location>,
    /// What was made before this run is read again before anything rests on it.
    checks: bool,
    scan: Scan,
}

/// How far that is.
pub(super) enum Placed {
    /// More of them come.
    Partly(Placing),
    /// All are told.
    Through { pack: u64, share: Share },
    /// The old pack stays, and it is told why.
    Kept,
}

impl Placing {
    /// With a pack that was made before.
    pub(super) fn found(core: &Core, pack: u64, share: Share, living: Vec<Location>, copy: u64) -> Self {
        Self { checks: true, ..Self::made(core, pack, share, living, copy) }
    }

    fn made(core: &Core, pack: u64, share: Share, living: Vec<Location>, copy: u64) -> Self {
        let from = living.into_iter().map(|location| (location.digest, location)).collect();
        let scan = core.store.scan(PackPosition { pack: copy, offset: 0 });
        Self { pack, share, copy, from, checks: false, scan }
    }
}

/// The pack that was made of another one before and has all of these records.
pub(super) async fn copy_of(core: &Core, pack: u64, living: &[Location]) -> Step<Option<u64>> {
    for copy in core.store.packs_made_of(pack) {
        let records = match core.store.pack_records(copy).await {
            Ok(Some(records)) => records,
            Ok(None) | Err(StoreError::Unreadable { .. }) => continue,
            Err(error) => return Err(Unavailable::new("storage", error)),
        };
        let there: HashSet<[u8; 32]> = records.iter().map(|record| record.location.digest).collect();
        if living.iter().all(|location| there.contains(&location.digest)) {
            return Ok(Some(copy));
        }
    }
    Ok(None)
}

/// Copies what lives in a pack; nothing when it has to stay.
pub(super) async fn copy(
    core: &Core,
    told: &mut Compaction,
    pack: u64,
    share: Share,
    living: Vec<Location>,
) -> Option<Placing> {
    match core.store.copy_records(pack, living.clone()).await {
        Ok(copy) => {
            told.rewritten_packs += 1;
            told.copied_bytes += share.living_bytes();
            Some(Placing::made(core, pack, share, living, copy))
        }
        Err(hindrance) => {
            tracing::warn!(pack = format!("{pack:016x}"), error = %hindrance, "a pack could not be rewritten");
            told.keep(pack, hindrance.to_string());
            None
        }
    }
}

/// Tells the catalogue of the next records: one transaction.
pub(super) async fn place(core: &Core, told: &mut Compaction, mut placing: Placing) -> Step<Placed> {
    let mut batch = Vec::with_capacity(RELOCATIONS_MAX);
    let mut through = false;
    while batch.len() < RELOCATIONS_MAX && !through {
        let next = placing.scan.next().await.map_err(|error| Unavailable::new("storage", error))?;
        let Some(record) = next.filter(|record| record.location.pack == placing.copy) else {
            through = true;
            continue;
        };
        if placing.checks && core.store.sound_copies(&record.location).await < core.store.replicas().len() {
            let why = format!("its records in pack {:016x} are not whole everywhere", placing.copy);
            told.keep(placing.pack, why);
            return Ok(Placed::Kept);
        }
        if let Some(from) = placing.from.remove(&record.location.digest) {
            batch.extend(relocation(core, &record, from));
        }
    }
    relocate(core.catalogue.database(), &batch).await.map_err(unavailable)?;
    if !through {
        return Ok(Placed::Partly(placing));
    }
    let Placing { pack, share, copy, from, .. } = placing;
    if !from.is_empty() {
        told.keep(pack, format!("{} of its records cannot be read in pack {copy:016x}", from.len()));
        return Ok(Placed::Kept);
    }
    core.append_leaf(leaf(core, pack, copy, &share)).await?;
    Ok(Placed::Through { pack, share })
}

/// What the catalogue is told of a record; nothing when it has no row of such records.
fn relocation(core: &Core, record: &ScannedRecord, from: Location) -> Option<Relocation> {
    if record.header.kind != RecordKind::INSTANCE {
        return None;
    }
    let (prefix, _sealed) = DescriptorPrefix::split(&record.descriptor)?;
    let encoded = |location| StoreLocation { store: core.catalogue.store_number(), location }.to_bytes();
    Some(Relocation {
        instance: prefix.instance,
        version: prefix.version,
        study: record.header.study,
        from: encoded(from),
        to: encoded(record.location),
    })
}

fn leaf(core: &Core, pack: u64, copy: u64, share: &Share) -> Event {
    let leaf = session_leaf(&core.access.system_session(), REWRITTEN);
    let counts = Counts::new()
        .with("pack", pack)
        .with("into", copy)
        .with("records", share.living_records())
        .with("bytes", share.living_bytes());
    Event { action: Some(Action::ManageStorage), outcome: Outcome::Succeeded, counts, ..leaf }
}
