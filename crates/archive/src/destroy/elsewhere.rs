//! Destroyed studies in the packs of a node that did not destroy them: it notes these packs, with a leaf of its own for each study, so that
//! its compaction finds them and its log explains what is removed.
//!
//! A row of the key database alone is not believed, because whoever can write one could have any study removed. It has to carry a code
//! that is made with the keys of the institution, and no key of the study may be there. A study that came again before this node learned of
//! its destruction keeps its noise: nobody can tell which of its records is which without opening them.

use super::work::{DESTROYED, KEY_MADE, append, leaf_of};
use super::{DestroyError, DestructionRecord, DestructionState, DestructionSubject, Remains};
use crate::catalogue::Late;
use crate::pseudonym::InstitutionKeys;
use crate::shared::Core;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use yingdun_audit::{Counts, Event, Outcome};
use yingdun_model::{InstitutionId, StudyRef};

/// Destructions that are noted in one look.
const NOTED_PER_LOOK: u32 = 100;

/// Below which pack records of the study are noise, in the counts of the leaf of a node that did not destroy it.
pub(crate) const BELOW: &str = "below";

/// What a node has noted of a destruction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Noted {
    /// The packs of its store that held records of the studies, 16 hexadecimal digits each.
    packs: BTreeSet<String>,
    /// What lies in packs below this one was stored under the destroyed keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    below: Option<String>,
    /// Its leaf for each study.
    studies: Vec<NotedStudy>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct NotedStudy {
    study: StudyRef,
    leaf: u64,
}

/// What a node remembers of the destructions of others.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// Those that were not done when it looked last.
    rolling: BTreeSet<String>,
}

impl Elsewhere {
    /// Notes what this node does not know of yet. A store that is alone in its catalogue has nothing to note.
    pub(super) async fn note(
        &mut self,
        core: &Core,
        institution: &InstitutionId,
        rolling: &[DestructionRecord],
    ) -> Result<(), DestroyError> {
        if !core.catalogue.is_shared() {
            return Ok(());
        }
        let states = [DestructionState::Rolling.as_str(), DestructionState::Done.as_str()];
        let store = core.store.id();
        let rows = core.keys.destructions_not_noted(institution, states, &store, NOTED_PER_LOOK).await?;
        for row in &rows {
            let noted = match DestructionRecord::of_row(row) {
                Some(record) => noted(core, institution, &record).await?,
                None => Noted::default(),
            };
            keep(core, institution, &row.id, &noted).await?;
        }
        note_late(core, institution).await?;
        let now: BTreeSet<String> = rolling.iter().map(|record| record.id.clone()).collect();
        let is_done = self.rolling.iter().any(|id| !now.contains(id));
        if is_done && core.limits.compact_after_destruction {
            core.compaction.want_by_itself(core.limits.compact_dead_percent);
        }
        self.rolling = now;
        Ok(())
    }
}

/// The code by which nodes know that a destruction was carried out by one of them.
pub(super) fn seal_of(keys: &InstitutionKeys, record: &DestructionRecord) -> String {
    let mut words = vec![record.id.clone(), record.subject.as_str().to_owned()];
    words.extend(
        record
            .studies
            .iter()
            .flat_map(|study| [hex::encode(study.study.as_bytes()), study.key_made_ms.to_string()]),
    );
    hex::encode(keys.pseudonyms.destruction(&words))
}

/// Destructions with what this store has of them: those that this node noted stand in the place of what the other one did.
pub(crate) async fn noted_here(
    core: &Core,
    institution: &InstitutionId,
    records: Vec<DestructionRecord>,
) -> Result<Vec<DestructionRecord>, DestroyError> {
    let store = core.store.id();
    let noted = core.keys.remains(institution, &store).await?;
    let store = hex::encode(store);
    let of = |record: DestructionRecord| {
        if has_own(&record, &store) {
            return Some(record);
        }
        let (_, noted) = noted.iter().find(|(id, _)| *id == record.id)?;
        let Noted { packs, below, studies } = serde_json::from_str(noted).ok()?;
        let remains = Some(Remains { store: store.clone(), packs, below });
        let mut record = DestructionRecord { remains, ..record };
        record.studies.retain_mut(|study| {
            let noted = studies.iter().find(|noted| noted.study == study.study);
            study.outcome_leaf = noted.map(|noted| noted.leaf);
            noted.is_some()
        });
        Some(record)
    };
    Ok(records.into_iter().filter_map(of).collect())
}

// === helpers ===

/// Whether the record itself tells what is noise in this store: its node began the destruction, and cleared the studies as well.
fn has_own(record: &DestructionRecord, store: &str) -> bool {
    record.remains.as_ref().is_some_and(|remains| remains.store == store && remains.below.is_some())
}

/// Looks which packs here held the studies of a destruction, and below which pack they are noise; with its leaves.
async fn noted(
    core: &Core,
    institution: &InstitutionId,
    record: &DestructionRecord,
) -> Result<Noted, DestroyError> {
    let store = hex::encode(core.store.id());
    let is_own = has_own(record, &store);
    let is_sealed =
        record.seal.as_deref() == Some(&seal_of(&*core.institution_keys(institution).await?, record));
    // Of what a copy brought back nobody knows which keys it lacks.
    if is_own || !is_sealed || record.subject == DestructionSubject::Restored {
        return Ok(Noted::default());
    }
    let told = record.remains.iter().chain(&record.remains_elsewhere);
    let packs = told.filter(|remains| remains.store == store);
    let packs: BTreeSet<String> = packs.flat_map(|remains| remains.packs.iter().cloned()).collect();
    // In this order: what comes under a key that is made from now on lies behind, and one that was made before is found.
    let below = core.store.end_pack();
    let mut gone = Vec::with_capacity(record.studies.len());
    for study in &record.studies {
        if core.keys.key_of_study(institution, study.study).await?.is_none() {
            gone.push(study);
        }
    }
    let leaf = |study: &&super::RecordedStudy| Event {
        study: Some(study.study),
        patient: Some(study.patient),
        counts: Counts::new()
            .with(KEY_MADE, u64::try_from(study.key_made_ms).unwrap_or_default())
            .with(BELOW, below),
        ..leaf_of(core, DESTROYED, Outcome::Succeeded)
    };
    let leaves = append(core, gone.iter().map(leaf).collect()).await?;
    let studies = gone.iter().zip(leaves).map(|(study, leaf)| NotedStudy { study: study.study, leaf });
    Ok(Noted { packs, below: Some(format!("{below:016x}")), studies: studies.collect() })
}

/// Adds the packs of records that were acknowledged here, and dropped because their study was destroyed by another node meanwhile.
async fn note_late(core: &Core, institution: &InstitutionId) -> Result<(), DestroyError> {
    let late = core.catalogue.take_late();
    if late.is_empty() {
        return Ok(());
    }
    let store = core.store.id();
    let states = [DestructionState::Rolling, DestructionState::Done, DestructionState::Shredded];
    let rows = core.keys.destructions_in(institution, states.map(DestructionState::as_str)).await?;
    let known = core.keys.remains(institution, &store).await?;
    for record in rows.iter().filter_map(DestructionRecord::of_row) {
        let late: Vec<Late> = late.iter().copied().filter(|late| is_of(late, &record)).collect();
        if late.is_empty() {
            continue;
        }
        let noted = known.iter().find(|(id, _)| *id == record.id);
        match noted.and_then(|(_, noted)| serde_json::from_str::<Noted>(noted).ok()) {
            Some(mut noted) => {
                noted.packs.extend(late.iter().map(|late| format!("{:016x}", late.pack)));
                keep(core, institution, &record.id, &noted).await?;
            }
            // Its turn comes.
            None => core.catalogue.put_late(late),
        }
    }
    Ok(())
}

/// Whether a record was destroyed by a destruction.
fn is_of(late: &Late, record: &DestructionRecord) -> bool {
    record.studies.iter().any(|study| {
        let same_key = late.key_made.is_none_or(|made| made.as_ms() == study.key_made_ms);
        study.study == late.study && same_key
    })
}

async fn keep(core: &Core, institution: &InstitutionId, id: &str, noted: &Noted) -> Result<(), DestroyError> {
    // INVARIANT: a struct of texts and numbers has a JSON form.
    let record = serde_json::to_string(noted).unwrap_or_default();
    Ok(core.keys.note_remains(institution, id, &core.store.id(), &record).await?)
}
