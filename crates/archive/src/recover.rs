//! After a stop of any kind: the tail of the packs is replayed into the catalogue; or, when the catalogue is lost, all
//! of it.
//!
//! Descriptors are sealed, so replay asks for permits like everyone else: the archive itself is the actor, the
//! action is *recover*, and the leaves say which studies were touched.

use crate::catalogue::{STORE_NAME, unavailable};
use crate::descriptor::Descriptor;
use crate::error::Unavailable;
use crate::record::DescriptorPrefix;
use crate::rows;
use crate::shared::{Core, InstitutionKeys};
use std::collections::HashMap;
use std::sync::Arc;
use yingdun_access::{Resource, StudyFacts};
use yingdun_catalog::catalogue;
use yingdun_crypto::{Sealed, SealingKey};
use yingdun_keys::{KeysError, StudyKey};
use yingdun_model::{Action, StudyRef};
use yingdun_storage::{PackPosition, RecordKind, ScannedRecord};

/// What a replay did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Records that were read behind the watermark.
    pub records: u64,
    /// Records whose key no longer exists: destroyed, and rightly left out.
    pub without_key: u64,
    /// Records that did not open. They stay in the packs and are named in the log of the program.
    pub unreadable: u64,
}

/// Applies every record behind the watermark.
pub(crate) async fn replay(core: &Arc<Core>) -> Result<Recovered, Unavailable> {
    let watermark = catalogue::watermark(core.catalogue.database(), STORE_NAME).await.map_err(unavailable)?;
    let from =
        watermark.map_or(PackPosition::START, |mark| PackPosition { pack: mark.pack, offset: mark.offset });
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
    let mut recovered = Recovered::default();
    while let Some(record) = scan.next().await.map_err(|error| Unavailable::new("storage", error))? {
        if record.header.kind != RecordKind::INSTANCE {
            continue;
        }
        recovered.records += 1;
        match replay_one(core, &mut keys, &record).await? {
            Replayed::Applied => {}
            Replayed::WithoutKey => {
                core.store.mark_applied(&record.location);
                recovered.without_key += 1;
            }
            Replayed::Unreadable(why) => {
                tracing::error!(
                    pack = record.location.pack,
                    offset = record.location.offset,
                    why,
                    "a record does not open"
                );
                core.store.mark_applied(&record.location);
                recovered.unreadable += 1;
            }
        }
    }
    core.catalogue.end_replay(&core.store).await?;
    Ok(recovered)
}

enum Replayed {
    Applied,
    WithoutKey,
    Unreadable(&'static str),
}

async fn replay_one(
    core: &Arc<Core>,
    keys: &mut StudyKeys,
    record: &ScannedRecord,
) -> Result<Replayed, Unavailable> {
    let institution = core.institution_keys(&record.header.institution).await?;
    let Some((prefix, sealed)) = DescriptorPrefix::split(&record.descriptor) else {
        return Ok(Replayed::Unreadable("the descriptor is too short"));
    };
    let Some(key) = keys.of(core, &institution, record.header.study).await? else {
        return Ok(Replayed::WithoutKey);
    };
    let context = prefix.context(&record.header.institution, record.header.study);
    let Ok(descriptor) = open_descriptor(key.key(), sealed, &context) else {
        return Ok(Replayed::Unreadable("the descriptor does not open under its study key"));
    };
    let row = rows::row(&institution, record.header.study, prefix.instance, descriptor, &record.location);
    core.catalogue.submit(row, record.location).await;
    Ok(Replayed::Applied)
}

fn open_descriptor(
    key: &SealingKey,
    sealed: &[u8],
    context: &yingdun_crypto::Context,
) -> Result<Descriptor, yingdun_crypto::OpenError> {
    Sealed::<Descriptor>::from_bytes(sealed.to_vec()).open(key, context)
}

/// The study keys of a replay, one permit each. Records of a study lie close together, so few are kept.
#[derive(Default)]
struct StudyKeys(HashMap<StudyRef, Option<StudyKey>>);

/// Studies whose keys a replay keeps at once.
const KEPT_KEYS_MAX: usize = 256;

impl StudyKeys {
    async fn of(
        &mut self,
        core: &Core,
        institution: &InstitutionKeys,
        study: StudyRef,
    ) -> Result<Option<&StudyKey>, Unavailable> {
        if !self.0.contains_key(&study) {
            if self.0.len() >= KEPT_KEYS_MAX {
                self.0.clear();
            }
            let key = unwrap(core, institution, study).await?;
            self.0.insert(study, key);
        }
        Ok(self.0.get(&study).and_then(Option::as_ref))
    }
}

async fn unwrap(
    core: &Core,
    institution: &InstitutionKeys,
    study: StudyRef,
) -> Result<Option<StudyKey>, Unavailable> {
    let failed = |error: KeysError| Unavailable::new("keys", error);
    // The key row knows whose study it is and how it is graded; the catalogue may not.
    let Some((patient, grade)) = core.keys.owner(&institution.institution, study).await.map_err(failed)?
    else {
        return Ok(None);
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
    core.keys.unwrap(&permit).await.map(Some).map_err(failed)
}
