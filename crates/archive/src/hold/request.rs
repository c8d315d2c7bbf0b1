//! Placing a hold, asking for its release, approving that, taking it back.

use super::HoldError;
use super::record::{HoldReason, HoldRecord, HoldState, HoldSubject, Release, ReleaseReason};
use crate::destroy::{DestructionRecord, DestructionState, StudiesOf};
use crate::shared::Core;
use yingdun_access::{HeldRefs, KeyWork, Resource, Session};
use yingdun_audit::{Counts, Outcome};
use yingdun_crypto::random;
use yingdun_keys::{KeysError, LegalHold};
use yingdun_model::{Action, InstitutionId, PatientRef, StudyRef, Uid};

/// The most holds that a list shows.
const LISTED_MAX: u32 = 1000;

/// How often it is decided anew when somebody else placed a hold or approved a destruction meanwhile.
pub(super) const ATTEMPTS_MAX: u32 = 8;

/// The change that places a hold, as its leaf names it.
pub(super) const PLACE: &str = "place-hold";
/// The change that releases one.
pub(super) const RELEASE: &str = "approve-release";
/// Which hold on this study or patient, in the counts of these leaves.
pub(super) const PLACED_MS: &str = "placed-ms";

/// Places a hold on what is there.
pub(crate) async fn place(
    core: &Core,
    session: &Session,
    target: &StudiesOf,
    reason: HoldReason,
) -> Result<HoldRecord, HoldError> {
    let id = hex::encode(random::array::<16>());
    let on = On::of(core, session.institution(), target).await?;
    let step = core.access.intend_hold(session, Action::ManageHolds, PLACE, &id, on.refs()).await?;
    let record = HoldRecord {
        id,
        state: HoldState::Held,
        subject: on.subject,
        uid: on.uid,
        study: on.study,
        patient: on.patient,
        reason,
        placed_by: session.actor().clone(),
        placed_ms: core.clock.now().as_ms(),
        placed_leaf: step.leaf(),
        release: Release::default(),
    };
    let placed = keep(core, session.institution(), record).await;
    conclude(core, step, placed).await
}

/// Asks for the release of a hold, which somebody else has to approve. It stands until then.
pub(crate) async fn request_release(
    core: &Core,
    session: &Session,
    id: &str,
    reason: ReleaseReason,
) -> Result<HoldRecord, HoldError> {
    let found = read(core, session.institution(), id).await;
    let step = intend(core, session, Action::ManageHolds, "request-release", id, &found).await?;
    let asked = match found {
        Ok(record) if record.state == HoldState::Held => {
            let asked = HoldRecord {
                state: HoldState::ReleaseRequested,
                release: Release {
                    release_requested_by: Some(session.actor().clone()),
                    release_requested_ms: Some(core.clock.now().as_ms()),
                    release_reason: Some(reason),
                    ..Release::default()
                },
                ..record
            };
            advance(core, session.institution(), HoldState::Held, asked).await
        }
        Ok(record) => Err(HoldError::State { state: record.state }),
        Err(error) => Err(error),
    };
    conclude(core, step, asked).await
}

/// Approves the release that somebody else asked for.
pub(crate) async fn approve_release(
    core: &Core,
    session: &Session,
    id: &str,
) -> Result<HoldRecord, HoldError> {
    let found = read(core, session.institution(), id).await;
    let step = intend(core, session, Action::ApproveRelease, RELEASE, id, &found).await?;
    let released = match found {
        Ok(record) if record.state != HoldState::ReleaseRequested => {
            Err(HoldError::State { state: record.state })
        }
        Ok(record) if record.release.release_requested_by.as_ref() == Some(session.actor()) => {
            Err(HoldError::SamePerson)
        }
        Ok(record) => {
            let released = HoldRecord {
                state: HoldState::Released,
                // The study may be destroyed from here on, and then nothing names it.
                uid: None,
                release: Release {
                    released_by: Some(session.actor().clone()),
                    released_ms: Some(core.clock.now().as_ms()),
                    release_leaf: Some(step.leaf()),
                    ..record.release
                },
                ..record
            };
            advance(core, session.institution(), HoldState::ReleaseRequested, released).await
        }
        Err(error) => Err(error),
    };
    conclude(core, step, released).await
}

/// Takes the request for a release back, or refuses it: who may ask for one may, and who may approve one. The hold stands.
pub(crate) async fn withdraw_release(
    core: &Core,
    session: &Session,
    id: &str,
) -> Result<HoldRecord, HoldError> {
    let found = read(core, session.institution(), id).await;
    let archive = Resource::Archive(session.institution().clone());
    let asks = core.access.decide(session, Action::ManageHolds, &archive).await;
    let asks = asks.is_ok_and(|decision| decision.permitted);
    let action = if asks { Action::ManageHolds } else { Action::ApproveRelease };
    let step = intend(core, session, action, "withdraw-release", id, &found).await?;
    let held = match found {
        Ok(record) if record.state == HoldState::ReleaseRequested => {
            let held = HoldRecord { state: HoldState::Held, release: Release::default(), ..record };
            advance(core, session.institution(), HoldState::ReleaseRequested, held).await
        }
        Ok(record) => Err(HoldError::State { state: record.state }),
        Err(error) => Err(error),
    };
    conclude(core, step, held).await
}

/// Holds: those in force first, and of each the newest.
pub(crate) async fn list(core: &Core, session: &Session) -> Result<Vec<HoldRecord>, HoldError> {
    core.access.may_see_holds(session).await?;
    let rows = core.keys.holds(session.institution(), LISTED_MAX).await?;
    Ok(rows.iter().filter_map(HoldRecord::of_row).collect())
}

/// One hold.
pub(crate) async fn find(core: &Core, session: &Session, id: &str) -> Result<HoldRecord, HoldError> {
    core.access.may_see_holds(session).await?;
    read(core, session.institution(), id).await
}

// === helpers ===

/// What a hold is to be on.
struct On {
    subject: HoldSubject,
    uid: Option<Uid>,
    study: Option<StudyRef>,
    patient: Option<PatientRef>,
}

impl On {
    async fn of(core: &Core, institution: &InstitutionId, target: &StudiesOf) -> Result<Self, HoldError> {
        let pseudonyms = &core.institution_keys(institution).await?.pseudonyms;
        match target {
            StudiesOf::Study(uid) => {
                let study = pseudonyms.study(uid);
                let key = core.keys.key_of_study(institution, study).await?;
                let (subject, uid) = (HoldSubject::Study, Some(uid.clone()));
                Ok(Self { subject, uid, study: Some(study), patient: key.map(|key| key.patient) })
            }
            StudiesOf::Patient { issuer, patient_id } => {
                let patient = pseudonyms.identified_patient(issuer, patient_id);
                Ok(Self { subject: HoldSubject::Patient, uid: None, study: None, patient: Some(patient) })
            }
        }
    }

    fn refs(&self) -> HeldRefs {
        HeldRefs { study: self.study, patient: self.patient }
    }
}

/// Keeps a new hold on what is there, unless a destruction of it was approved: decided anew as often as somebody else was faster.
async fn keep(core: &Core, institution: &InstitutionId, record: HoldRecord) -> Result<HoldRecord, HoldError> {
    let row = kept(&record)?;
    for _ in 0..ATTEMPTS_MAX {
        let turn = core.keys.destruction_turn(institution).await?;
        let approved = DestructionState::Approved.as_str();
        let going = core.keys.destructions_in(institution, [approved; 3]).await?;
        let going: Vec<_> = going.iter().filter_map(DestructionRecord::of_row).collect();
        if let Some(destruction) = going.into_iter().find(|going| is_of(going, &record)) {
            return Err(HoldError::BeingDestroyed { destruction: destruction.id });
        }
        // After that look: what was approved before it and is not approved any more has lost its key.
        if !is_there(core, institution, &record).await? {
            return Err(HoldError::NotFound);
        }
        match core.keys.place_hold(institution, turn, &row).await {
            Err(KeysError::TurnTaken) => {}
            placed => return Ok(placed.map(|()| record)?),
        }
    }
    Err(HoldError::Overtaken)
}

/// Whether a destruction takes something of what a hold is on.
fn is_of(destruction: &DestructionRecord, hold: &HoldRecord) -> bool {
    destruction.studies.iter().any(|study| match hold.subject {
        HoldSubject::Study => hold.study == Some(study.study),
        HoldSubject::Patient => hold.patient == Some(study.patient),
    })
}

/// Whether there is a study that a hold would be on.
async fn is_there(core: &Core, institution: &InstitutionId, hold: &HoldRecord) -> Result<bool, HoldError> {
    match (hold.subject, hold.study, hold.patient) {
        (HoldSubject::Study, Some(study), _) => {
            Ok(core.keys.key_of_study(institution, study).await?.is_some())
        }
        (HoldSubject::Patient, _, Some(patient)) => {
            Ok(!core.keys.keys_of_patient(institution, patient, 1).await?.is_empty())
        }
        (HoldSubject::Study, None, _) | (HoldSubject::Patient, _, None) => Ok(false),
    }
}

async fn advance(
    core: &Core,
    institution: &InstitutionId,
    from: HoldState,
    to: HoldRecord,
) -> Result<HoldRecord, HoldError> {
    match core.keys.advance_hold(institution, from.as_str(), &kept(&to)?).await {
        Ok(()) => Ok(to),
        Err(KeysError::HoldState) => {
            Err(HoldError::State { state: read(core, institution, &to.id).await?.state })
        }
        Err(error) => Err(error.into()),
    }
}

async fn read(core: &Core, institution: &InstitutionId, id: &str) -> Result<HoldRecord, HoldError> {
    let row = core.keys.hold(institution, id).await?.ok_or(HoldError::NotFound)?;
    HoldRecord::of_row(&row).ok_or(HoldError::NotFound)
}

pub(super) fn kept(record: &HoldRecord) -> Result<LegalHold, HoldError> {
    record.row().ok_or(HoldError::NotFound)
}

/// Decides and writes down that a step is intended, on what the hold is on, where there is one.
async fn intend(
    core: &Core,
    session: &Session,
    action: Action,
    code: &'static str,
    id: &str,
    found: &Result<HoldRecord, HoldError>,
) -> Result<KeyWork, HoldError> {
    let refs = match found {
        Ok(record) => HeldRefs { study: record.study, patient: record.patient },
        Err(_) => HeldRefs::default(),
    };
    Ok(core.access.intend_hold(session, action, code, id, refs).await?)
}

/// Writes down how a step ended, and gives what it gave.
async fn conclude(
    core: &Core,
    step: KeyWork,
    ended: Result<HoldRecord, HoldError>,
) -> Result<HoldRecord, HoldError> {
    let (outcome, counts) = match &ended {
        Ok(record) => {
            let placed = u64::try_from(record.placed_ms).unwrap_or_default();
            (Outcome::Succeeded, Counts::new().with(PLACED_MS, placed))
        }
        Err(_) => (Outcome::Failed, Counts::new()),
    };
    let concluded = core.access.conclude_key_work(step, outcome, counts).await;
    let record = ended?;
    concluded?;
    Ok(record)
}
