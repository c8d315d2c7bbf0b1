//! After a stop of any kind: the tail of the packs is replayed into the catalogue; or, when the catalogue is lost, all
//! of it.
//!
//! Descriptors are sealed, so replay asks for permits like everyone else: the archive itself is the actor, the
//! action is *recover*, and the leaves say which studies were touched.

use crate::background::Turns;
use crate::catalogue::Late;
use crate::descriptor::Descriptor;
use crate::error::{Unavailable, unavailable};
use crate::pseudonym::InstitutionKeys;
use crate::record::DescriptorPrefix;
use crate::rows;
use crate::shared::Core;
use crate::window::key_for;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use yingdun_access::{Resource, StudyFacts};
use yingdun_audit::{AuditError, EventKind, Filter, Leaf, Order, Outcome};
use yingdun_catalog::{CatalogError, catalogue};
use yingdun_crypto::{Sealed, SealingKey};
use yingdun_keys::{KeysError, StudyKey};
use yingdun_model::{Action, InstanceRef, StudyRef};
use yingdun_storage::{PackPosition, RecordKind, ScannedRecord, StoreLocation};

/// How often it is looked whether the catalogue was emptied: one row by its key.
const EMPTIED_LOOK: Duration = Duration::from_secs(5);

/// What a replay did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Records that were read behind the watermark.
    pub records: u64,
    /// Records whose key no longer exists: destroyed, and rightly left out.
    pub without_key: u64,
    /// Records that did not open. They stay in the packs and are named in the log of the program.
    pub unreadable: u64,
    /// Records of another institution, passed over like those that did not open.
    pub foreign: u64,
    /// Records whose sender was told that they are not stored, and which a crash kept all the same.
    pub retracted: u64,
    /// Studies that the log says are destroyed, and that a copy of the databases brought back: destroyed again.
    pub destroyed_again: u64,
}

/// Applies every record behind the watermark.
pub(crate) async fn replay(core: &Arc<Core>) -> Result<Recovered, Unavailable> {
    let number = core.catalogue.store_number();
    let from = match catalogue::watermark(core.catalogue.database(), number).await {
        Ok(Some(mark)) => PackPosition { pack: mark.pack, offset: mark.offset },
        Ok(None) => PackPosition::START,
        Err(error @ CatalogError::Corrupt(_)) => {
            tracing::error!(%error, "the watermark of the catalogue is damaged; all packs are replayed");
            PackPosition::START
        }
        Err(error) => return Err(unavailable(error)),
    };
    core.catalogue.begin_replay(from).await?;
    let end = core.store.replay_from();
    if from > end {
        tracing::error!(
            catalogued_pack = from.pack,
            newest_pack = end.pack,
            "the packs end before what the catalogue holds: replicas are missing or were emptied"
        );
    }
    // What is stored from now on must lie behind the watermark, or the next replay would pass over it.
    core.store.number_from(from);
    let mut scan = core.store.scan(from);
    let mut keys = StudyKeys::default();
    let mut retracted = None;
    let mut recovered = Recovered::default();
    while let Some(record) = scan.next().await.map_err(|error| Unavailable::new("storage", error))? {
        if record.header.kind != RecordKind::INSTANCE {
            continue;
        }
        recovered.records += 1;
        let retracted = match &retracted {
            Some(known) => known,
            None => retracted.insert(read_retracted(core).await?),
        };
        let why = match replay_one(core, &mut keys, retracted, &record).await? {
            Replayed::Applied => continue,
            Replayed::WithoutKey => {
                recovered.without_key += 1;
                let (study, pack) = (record.header.study, record.location.pack);
                core.catalogue.put_late([Late { study, key_made: None, pack }]);
                core.store.mark_applied(&record.location);
                continue;
            }
            Replayed::Retracted => {
                recovered.retracted += 1;
                "its sender was told that it is not stored"
            }
            Replayed::Foreign => {
                recovered.foreign += 1;
                "it belongs to another institution"
            }
            Replayed::Unreadable(why) => {
                recovered.unreadable += 1;
                why
            }
        };
        metrics::counter!("yingdun_records_passed_over_total").increment(1);
        tracing::error!(
            pack = record.location.pack,
            offset = record.location.offset,
            why,
            "a record is passed over and stays in its pack"
        );
        core.store.mark_applied(&record.location);
    }
    core.catalogue.end_replay(&core.store).await?;
    Ok(recovered)
}

/// Looks every few seconds whether the catalogue was emptied under this node, as long as the archive is open: also where nothing arrives
/// that would meet it.
pub(crate) async fn look_if_emptied(turns: Turns<Core>) {
    loop {
        let Some(core) = turns.next() else { return };
        if let Err(error) = core.catalogue.look_if_emptied().await {
            tracing::debug!(%error, "it was not found out whether the catalogue was emptied");
        }
        drop(core);
        turns.pause(EMPTIED_LOOK).await;
    }
}

enum Replayed {
    Applied,
    WithoutKey,
    Retracted,
    Foreign,
    Unreadable(&'static str),
}

async fn replay_one(
    core: &Arc<Core>,
    keys: &mut StudyKeys,
    retracted: &Retracted,
    record: &ScannedRecord,
) -> Result<Replayed, Unavailable> {
    if record.header.institution != *core.access.system_session().institution() {
        return Ok(Replayed::Foreign);
    }
    let institution = core.institution_keys(&record.header.institution).await?;
    let Some((prefix, sealed)) = DescriptorPrefix::split(&record.descriptor) else {
        return Ok(Replayed::Unreadable("the descriptor is too short"));
    };
    if retracted.contains(&(prefix.instance, prefix.version)) {
        return Ok(Replayed::Retracted);
    }
    let key = match keys.of(core, &institution, record.header.study).await? {
        KeptKey::Open(key) => key,
        KeptKey::None => return Ok(Replayed::WithoutKey),
        KeptKey::Damaged => return Ok(Replayed::Unreadable("its study key does not unwrap")),
    };
    let context = prefix.context(&record.header.institution, record.header.study);
    let Ok(descriptor) = open_descriptor(key.key(), sealed, &context) else {
        // A study that was destroyed and came again has another key, which opens only what came since.
        let destroyed = core.keys.was_destroyed(&record.header.institution, record.header.study).await;
        if destroyed.map_err(|error| Unavailable::new("keys", error))? {
            return Ok(Replayed::WithoutKey);
        }
        return Ok(Replayed::Unreadable("the descriptor does not open under its study key"));
    };
    let location = StoreLocation { store: core.catalogue.store_number(), location: record.location };
    let row = rows::row(&institution, record.header.study, prefix.instance, descriptor, &location);
    match core.catalogue.submit(row, location, key.made()).await {
        true => Ok(Replayed::Applied),
        false => Ok(Replayed::WithoutKey),
    }
}

fn open_descriptor(
    key: &SealingKey,
    sealed: &[u8],
    context: &yingdun_crypto::Context,
) -> Result<Descriptor, yingdun_crypto::OpenError> {
    Sealed::<Descriptor>::from_bytes(sealed.to_vec()).open(key, context)
}

/// Versions of instances whose last word on the ledger is that they were not stored.
type Retracted = HashSet<(InstanceRef, u32)>;

/// A write that failed on the quorum may be whole on one replica, and a crash before its pack was cut makes it look
/// like any other record. The ledger knows better: the retraction was durable before its sender got the answer.
async fn read_retracted(core: &Arc<Core>) -> Result<Retracted, Unavailable> {
    let unreadable = |error: AuditError| Unavailable::new("audit", error);
    core.audit.checkpoint().await.map_err(unreadable)?;
    let reader = core.audit.reader();
    let read = tokio::task::spawn_blocking(move || {
        let failed = Filter {
            kinds: vec![EventKind::Stored],
            outcome: Some(Outcome::Failed),
            order: Order::OldestFirst,
            ..Filter::default()
        };
        let mut retracted = Retracted::new();
        for found in reader.search(failed) {
            retracted.extend(version_of(&found?.leaf));
        }
        if retracted.is_empty() {
            return Ok(retracted);
        }
        // What was sent again and stored then counts; so the last leaf of each decides.
        let stored =
            Filter { kinds: vec![EventKind::Stored], order: Order::OldestFirst, ..Filter::default() };
        for found in reader.search(stored) {
            let leaf = found?.leaf;
            let Some(version) = version_of(&leaf) else { continue };
            if leaf.outcome == Outcome::Failed {
                retracted.insert(version);
            } else {
                retracted.remove(&version);
            }
        }
        Ok(retracted)
    });
    read.await.map_err(|error| Unavailable::new("audit", error))?.map_err(unreadable)
}

fn version_of(leaf: &Leaf) -> Option<(InstanceRef, u32)> {
    let version = leaf.counts.get("version").and_then(|version| u32::try_from(version).ok())?;
    Some((leaf.instance?, version))
}

/// The study keys of a replay, one permit each. Records of a study lie close together, so few are kept.
#[derive(Default)]
struct StudyKeys(HashMap<StudyRef, KeptKey>);

enum KeptKey {
    Open(StudyKey),
    /// Destroyed.
    None,
    /// Its row is damaged: one study is lost to this catalogue, and the others are not.
    Damaged,
}

/// Studies whose keys a replay keeps at once.
const KEPT_KEYS_MAX: usize = 256;

impl StudyKeys {
    async fn of(
        &mut self,
        core: &Core,
        institution: &InstitutionKeys,
        study: StudyRef,
    ) -> Result<&KeptKey, Unavailable> {
        if !self.0.contains_key(&study) {
            if self.0.len() >= KEPT_KEYS_MAX {
                self.0.clear();
            }
            let key = unwrap(core, institution, study).await?;
            self.0.insert(study, key);
        }
        Ok(self.0.get(&study).unwrap_or(&KeptKey::None))
    }
}

async fn unwrap(core: &Core, institution: &InstitutionKeys, study: StudyRef) -> Result<KeptKey, Unavailable> {
    let failed = |error: KeysError| Unavailable::new("keys", error);
    // The key row knows whose study it is and how it is graded; the catalogue may not.
    let Some((patient, grade)) = core.keys.owner(&institution.institution, study).await.map_err(failed)?
    else {
        return Ok(KeptKey::None);
    };
    let facts = StudyFacts {
        institution: institution.institution.clone(),
        study,
        patient,
        grade,
        received: core.clock.now(),
    };
    let session = core.access.system_session();
    let permit = core
        .access
        .authorise(&session, Action::Recover, Resource::Study(facts))
        .await
        .map_err(|refusal| Unavailable::new("access", refusal))?;
    let key = key_for(&core.access, &core.keys, &session, &permit, None).await;
    match key.map_err(|refusal| Unavailable::new("access", refusal))? {
        Ok(key) => Ok(KeptKey::Open(key)),
        Err(KeysError::Damaged { .. } | KeysError::UnknownSuite | KeysError::KekMissing { .. }) => {
            Ok(KeptKey::Damaged)
        }
        Err(error) => Err(failed(error)),
    }
}
