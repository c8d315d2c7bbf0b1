//! At every start, before anything is served: what the log says was destroyed, and a database that was brought back from a copy still
//! has, is destroyed again; and legal holds that it does not know are placed again.
//!
//! The leaves are the list. The database of keys and the catalogue note up to which leaf of each log they know them; so a start reads minutes of
//! the log, and one with an older copy of either as much as the copy is old. A node reads the log that it has: what another node
//! destroyed is in that one's, and destroyed again by that one.

use super::record::RecordedStudy;
use super::work::{INTENT, KEY_MADE, carry_out, known_until};
use super::{DestroyError, DestroyReason, DestructionRecord, DestructionState, DestructionSubject};
use crate::error::{Unavailable, unavailable};
use crate::hold::{HoldError, HoldLeaves, place_again};
use crate::shared::Core;
use std::collections::BTreeMap;
use yingdun_audit::{AuditError, Leaf, Outcome};
use yingdun_catalog::catalogue::remove;
use yingdun_crypto::random;
use yingdun_keys::KeyIdentity;
use yingdun_model::{Action, InstitutionId, StudyRef, Timestamp};

/// Leaves that are read at a time.
const LEAVES_PER_READ: u64 = 4096;

/// Destroyed studies that are compared with the catalogue at a time.
const STUDIES_PER_LOOK: u32 = 500;

/// Destroys again what came back, ends what a crash broke off, and gives how many studies came back.
pub(crate) async fn catch_up(core: &Core) -> Result<u64, Unavailable> {
    let caught_up = catch_up_with(core).await;
    caught_up.map_err(|error| match error {
        DestroyError::Unavailable(unavailable) => unavailable,
        other => Unavailable::new("destruction", other),
    })
}

async fn catch_up_with(core: &Core) -> Result<u64, DestroyError> {
    let institution = core.access.system_session().institution().clone();
    let log = core.audit.verifier().name();
    let known = core.keys.destruction_mark(&institution, log).await?;
    let removed = remove::mark(core.catalogue.database(), &institution, log).await.map_err(unavailable)?;
    let from = removed.map_or(known, |removed| removed.min(known));
    let (listed, holds, until) = read(core, &institution, from).await?;
    let held_again = place_again(core, &institution, holds).await.map_err(of_hold)?;
    if held_again > 0 {
        tracing::warn!(holds = held_again, "legal holds were lost with a copy; they are placed again");
    }
    let studies: Vec<StudyRef> = listed.keys().copied().collect();
    let mut back = Vec::new();
    for (study, made) in listed {
        let key = core.keys.key_of_study(&institution, study).await?;
        back.extend(key.filter(|key| made.contains(&key.made)));
    }
    let came_back = back.len() as u64;
    if came_back > 0 {
        tracing::warn!(
            studies = came_back,
            "destroyed studies came back with a copy; they are destroyed again"
        );
        for keys in back.chunks(super::DESTRUCTION_STUDIES_MAX as usize) {
            core.keys.keep_destruction(&institution, &again(core, keys, until).row()).await?;
        }
    }
    carry_out(core).await?;
    match removed {
        Some(_) => forget_rows(core, &institution, &studies).await?,
        None => forget_rows_of_all(core, &institution).await?,
    }
    known_until(core, &institution, until).await?;
    Ok(came_back)
}

/// Removes the rows of every study that was ever destroyed: for a catalogue that does not say up to where it knows.
async fn forget_rows_of_all(core: &Core, institution: &InstitutionId) -> Result<(), DestroyError> {
    let mut behind = StudyRef::from_bytes([0; 16]);
    loop {
        let tombstones = core.keys.tombstones(institution, behind, STUDIES_PER_LOOK).await?;
        let studies: Vec<StudyRef> = tombstones.iter().map(|tombstone| tombstone.study).collect();
        let Some(last) = studies.last() else { return Ok(()) };
        behind = *last;
        forget_rows(core, institution, &studies).await?;
    }
}

/// Removes the rows of destroyed studies that an older copy of the catalogue brought back.
async fn forget_rows(
    core: &Core,
    institution: &InstitutionId,
    studies: &[StudyRef],
) -> Result<(), DestroyError> {
    for studies in studies.chunks(STUDIES_PER_LOOK as usize) {
        let database = core.catalogue.database();
        for study in remove::present(database, studies).await.map_err(unavailable)? {
            // One that came again has a key, and its rows are its own.
            if core.keys.key_of_study(institution, study).await?.is_none() {
                core.catalogue.remove_rows(&*core.institution_keys(institution).await?, study).await?;
            }
        }
    }
    Ok(())
}

fn of_hold(error: HoldError) -> Unavailable {
    match error {
        HoldError::Unavailable(unavailable) => unavailable,
        other => Unavailable::new("keys", other),
    }
}

/// What the log says from a leaf on: for each study, when the keys were made that were destroyed; and which holds were placed. Also
/// gives how far it was read.
async fn read(
    core: &Core,
    institution: &InstitutionId,
    from: u64,
) -> Result<(BTreeMap<StudyRef, Vec<Timestamp>>, HoldLeaves, u64), Unavailable> {
    let unreadable = |error: AuditError| Unavailable::new("audit", error);
    let until = core.audit.checkpoint().await.map_err(unreadable)?.size();
    let (reader, institution) = (core.audit.reader(), institution.clone());
    let read = tokio::task::spawn_blocking(move || {
        let mut listed: BTreeMap<StudyRef, Vec<Timestamp>> = BTreeMap::new();
        let mut holds = HoldLeaves::default();
        let mut at = from.min(until);
        while at < until {
            let to = until.min(at + LEAVES_PER_READ);
            for logged in reader.read(at..to)? {
                holds.note(logged.index, &logged.leaf, &institution);
                if let Some((study, made)) = destroyed(&logged.leaf, &institution) {
                    listed.entry(study).or_default().push(made);
                }
            }
            at = to;
        }
        Ok((listed, holds))
    });
    let (listed, holds) =
        read.await.map_err(|error| Unavailable::new("audit", error))?.map_err(unreadable)?;
    Ok((listed, holds, until))
}

/// The study that a leaf says is going to be destroyed, and when its key was made.
fn destroyed(leaf: &Leaf, institution: &InstitutionId) -> Option<(StudyRef, Timestamp)> {
    let says = leaf.action == Some(Action::Destroy)
        && leaf.outcome == Outcome::Permitted
        && leaf.reason == INTENT
        && leaf.institution == *institution;
    let made = i64::try_from(leaf.counts.get(KEY_MADE)?).ok()?;
    says.then_some((leaf.study?, Timestamp::from_ms(made)))
}

/// The same destruction once more: it was asked for and approved when its leaf was written.
fn again(core: &Core, keys: &[KeyIdentity], leaf: u64) -> DestructionRecord {
    let studies = keys.iter().map(|key| RecordedStudy {
        uid: None,
        study: key.study,
        patient: key.patient,
        grade: key.line.grade,
        suite: key.line.suite.clone(),
        key_made_ms: key.made.as_ms(),
        instances: 0,
        bytes: 0,
        intent_leaf: None,
        outcome_leaf: None,
    });
    let system = core.access.system_session();
    let id = hex::encode(random::array::<16>());
    let (subject, reason) = (DestructionSubject::Restored, DestroyReason::FromLog);
    let record = DestructionRecord::new(
        id,
        subject,
        reason,
        system.actor().clone(),
        core.clock.now(),
        studies.collect(),
    );
    DestructionRecord { state: DestructionState::Approved, request_leaf: leaf, ..record }
}
