//! Asking for a destruction, seeing what it would be, approving it, taking it back.

use super::record::{DESTRUCTION_STUDIES_MAX, RecordedStudy};
use super::{
    DestroyError, DestroyReason, DestructionRecord, DestructionState, DestructionSubject, StudiesOf,
};
use crate::error::unavailable;
use crate::shared::Core;
use yingdun_access::{KeyWork, Resource, Session};
use yingdun_audit::{Counts, Outcome};
use yingdun_catalog::catalogue::{Page, StudyFilter, Visibility, remove, studies};
use yingdun_crypto::random;
use yingdun_keys::{KeyIdentity, KeysError};
use yingdun_model::{Action, InstitutionId, Uid};

/// The most destructions that a list shows.
const LISTED_MAX: u32 = 1000;

/// How often it is decided anew when somebody else placed a hold or decided of a destruction meanwhile.
const ATTEMPTS_MAX: u32 = 8;

/// What would be destroyed. Writes nothing down and changes nothing.
pub(crate) async fn plan(
    core: &Core,
    session: &Session,
    target: &StudiesOf,
) -> Result<Vec<RecordedStudy>, DestroyError> {
    core.access.may_see_destructions(session).await?;
    free(core, session.institution(), target).await
}

/// Asks for a destruction, which somebody else has to approve.
pub(crate) async fn request(
    core: &Core,
    session: &Session,
    target: &StudiesOf,
    reason: DestroyReason,
) -> Result<DestructionRecord, DestroyError> {
    let id = hex::encode(random::array::<16>());
    let step =
        core.access.intend_destruction(session, Action::RequestDestruction, "request-destruction", &id);
    let step = step.await?;
    let kept = keep_request(core, session, target, reason, id, &step).await;
    conclude(core, step, kept).await
}

/// Approves what somebody else asked for. From here on it happens by itself.
pub(crate) async fn approve(
    core: &Core,
    session: &Session,
    id: &str,
) -> Result<DestructionRecord, DestroyError> {
    let step = core.access.intend_destruction(session, Action::ApproveDestruction, "approve-destruction", id);
    let step = step.await?;
    let approved = decide(core, session, id, DestructionState::Approved, &step).await;
    conclude(core, step, approved).await
}

/// Takes a request back, or refuses it: who may ask for one may, and who may approve one.
pub(crate) async fn withdraw(
    core: &Core,
    session: &Session,
    id: &str,
) -> Result<DestructionRecord, DestroyError> {
    let archive = Resource::Archive(session.institution().clone());
    let asks = core.access.decide(session, Action::RequestDestruction, &archive).await;
    let asks = asks.is_ok_and(|decision| decision.permitted);
    let action = if asks { Action::RequestDestruction } else { Action::ApproveDestruction };
    let step = core.access.intend_destruction(session, action, "withdraw-destruction", id).await?;
    let withdrawn = decide(core, session, id, DestructionState::Withdrawn, &step).await;
    conclude(core, step, withdrawn).await
}

/// Destructions, the newest first.
pub(crate) async fn list(core: &Core, session: &Session) -> Result<Vec<DestructionRecord>, DestroyError> {
    core.access.may_see_destructions(session).await?;
    let rows = core.keys.destructions(session.institution(), LISTED_MAX).await?;
    let mut records: Vec<_> = rows.iter().filter_map(DestructionRecord::of_row).collect();
    for record in &mut records {
        record.waits_for = waits_for(core, record).await?;
    }
    Ok(records)
}

/// One destruction.
pub(crate) async fn find(
    core: &Core,
    session: &Session,
    id: &str,
) -> Result<DestructionRecord, DestroyError> {
    core.access.may_see_destructions(session).await?;
    let record = read(core, session.institution(), id).await?;
    Ok(DestructionRecord { waits_for: waits_for(core, &record).await?, ..record })
}

// === helpers ===

/// The nodes that may still keep the key of an epoch before that of a destruction that is not done for that reason.
async fn waits_for(core: &Core, record: &DestructionRecord) -> Result<Vec<String>, DestroyError> {
    match record.epoch.filter(|_| record.state == DestructionState::Rolling) {
        Some(epoch) => Ok(core.keys.nodes_before(epoch).await?),
        None => Ok(Vec::new()),
    }
}

async fn keep_request(
    core: &Core,
    session: &Session,
    target: &StudiesOf,
    reason: DestroyReason,
    id: String,
    step: &KeyWork,
) -> Result<DestructionRecord, DestroyError> {
    let studies = free(core, session.institution(), target).await?;
    let subject = match target {
        StudiesOf::Study(_) => DestructionSubject::Study,
        StudiesOf::Patient { .. } => DestructionSubject::Patient,
    };
    let (by, now) = (session.actor().clone(), core.clock.now());
    let mut record = DestructionRecord::new(id, subject, reason, by, now, studies);
    record.request_leaf = step.leaf();
    core.keys.keep_destruction(session.institution(), &record.row()).await?;
    Ok(record)
}

/// Decides what becomes of a request; anew when a hold was placed or another one approved meanwhile.
async fn decide(
    core: &Core,
    session: &Session,
    id: &str,
    to: DestructionState,
    step: &KeyWork,
) -> Result<DestructionRecord, DestroyError> {
    let institution = session.institution();
    for _ in 0..ATTEMPTS_MAX {
        let turn = core.keys.destruction_turn(institution).await?;
        let record = read(core, institution, id).await?;
        let approves = to == DestructionState::Approved;
        if record.state != DestructionState::Requested {
            return Err(DestroyError::Settled { state: record.state });
        }
        if approves && record.requested_by == *session.actor() {
            return Err(DestroyError::SamePerson);
        }
        if approves {
            not_held(core, institution, &record.studies).await?;
        }
        if approves && !still_there(core, institution, &record).await? {
            return Err(DestroyError::Changed);
        }
        let from = record.state.as_str();
        let decided = DestructionRecord {
            state: to,
            decided_by: Some(session.actor().clone()),
            decided_ms: Some(core.clock.now().as_ms()),
            decision_leaf: Some(step.leaf()),
            ..record
        };
        match core.keys.decide_destruction(institution, turn, from, &decided.row()).await {
            Err(KeysError::TurnTaken) => {}
            kept => return Ok(kept.map(|()| decided)?),
        }
    }
    Err(DestroyError::Overtaken)
}

/// Whether the studies of a request are there, each under the key that it had; and of a patient no other.
async fn still_there(
    core: &Core,
    institution: &InstitutionId,
    record: &DestructionRecord,
) -> Result<bool, DestroyError> {
    for study in &record.studies {
        let key = study.key(institution);
        if core.keys.key_of_study(institution, study.study).await?.as_ref() != Some(&key) {
            return Ok(false);
        }
    }
    match (record.subject, record.studies.first()) {
        (DestructionSubject::Patient, Some(first)) => {
            let now =
                core.keys.keys_of_patient(institution, first.patient, DESTRUCTION_STUDIES_MAX + 1).await?;
            Ok(now.len() == record.studies.len())
        }
        _ => Ok(true),
    }
}

async fn read(core: &Core, institution: &InstitutionId, id: &str) -> Result<DestructionRecord, DestroyError> {
    let row = core.keys.destruction(institution, id).await?.ok_or(DestroyError::NotFound)?;
    DestructionRecord::of_row(&row).ok_or(DestroyError::NotFound)
}

/// The studies that are meant, if none of them is held.
async fn free(
    core: &Core,
    institution: &InstitutionId,
    target: &StudiesOf,
) -> Result<Vec<RecordedStudy>, DestroyError> {
    let studies = found(core, institution, target).await?;
    not_held(core, institution, &studies).await?;
    Ok(studies)
}

async fn not_held(
    core: &Core,
    institution: &InstitutionId,
    studies: &[RecordedStudy],
) -> Result<(), DestroyError> {
    for study in studies {
        if let Some(hold) = core.keys.hold_against(institution, study.study, study.patient).await? {
            return Err(DestroyError::Held { hold: hold.id });
        }
    }
    Ok(())
}

/// The studies that are meant, with what there is of each.
async fn found(
    core: &Core,
    institution: &InstitutionId,
    target: &StudiesOf,
) -> Result<Vec<RecordedStudy>, DestroyError> {
    let pseudonyms = &core.institution_keys(institution).await?.pseudonyms;
    let keys: Vec<KeyIdentity> = match target {
        StudiesOf::Study(uid) => {
            core.keys.key_of_study(institution, pseudonyms.study(uid)).await?.into_iter().collect()
        }
        StudiesOf::Patient { issuer, patient_id } => {
            let patient = pseudonyms.identified_patient(issuer, patient_id);
            core.keys.keys_of_patient(institution, patient, DESTRUCTION_STUDIES_MAX + 1).await?
        }
    };
    match u32::try_from(keys.len()) {
        Ok(0) => return Err(DestroyError::NotFound),
        Ok(1..=DESTRUCTION_STUDIES_MAX) => {}
        Ok(_) | Err(_) => return Err(DestroyError::TooMany),
    }
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        found.push(described(core, institution, key).await?);
    }
    Ok(found)
}

/// How much there is of a study. One that has a key and no row was never stored whole.
async fn described(
    core: &Core,
    institution: &InstitutionId,
    key: KeyIdentity,
) -> Result<RecordedStudy, DestroyError> {
    let database = core.catalogue.caught_up().await?;
    let size = remove::size(database, key.study).await.map_err(unavailable)?;
    Ok(RecordedStudy {
        uid: uid_of(core, institution, &key).await?,
        study: key.study,
        patient: key.patient,
        grade: key.line.grade,
        suite: key.line.suite,
        key_made_ms: key.made.as_ms(),
        instances: size.instances,
        bytes: size.bytes,
        intent_leaf: None,
        outcome_leaf: None,
    })
}

async fn uid_of(
    core: &Core,
    institution: &InstitutionId,
    key: &KeyIdentity,
) -> Result<Option<Uid>, DestroyError> {
    let mut filter = StudyFilter::all(institution.clone(), Visibility::Institution);
    filter.studies.push(key.study);
    let rows = studies::search(core.catalogue.database(), &filter, Page::first(1)).await;
    Ok(rows.map_err(unavailable)?.into_iter().next().map(|row| row.uid))
}

/// Writes down how a step ended, and gives what it gave.
async fn conclude(
    core: &Core,
    step: KeyWork,
    ended: Result<DestructionRecord, DestroyError>,
) -> Result<DestructionRecord, DestroyError> {
    let (outcome, counts) = match &ended {
        Ok(record) => {
            let counts = Counts::new().with("studies", record.studies.len() as u64);
            (Outcome::Succeeded, counts.with("instances", record.instances).with("bytes", record.bytes))
        }
        Err(_) => (Outcome::Failed, Counts::new()),
    };
    let concluded = core.access.conclude_key_work(step, outcome, counts).await;
    let record = ended?;
    concluded?;
    Ok(record)
}
