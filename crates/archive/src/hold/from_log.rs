//! Holds of which the log tells and the database of keys does not, because it was brought back from a copy: they are placed again.

use super::HoldError;
use super::record::{HoldReason, HoldRecord, HoldState, HoldSubject, Release};
use super::request::{ATTEMPTS_MAX, PLACE, PLACED_MS, RELEASE, kept};
use crate::shared::Core;
use yingdun_audit::{Leaf, Outcome};
use yingdun_crypto::random;
use yingdun_keys::{Held, KeysError, LegalHold};
use yingdun_model::{Action, ActorId, InstitutionId, PatientRef, StudyRef, Timestamp};

/// The holds that a part of the log says were placed, and not released.
#[derive(Debug, Default)]
pub(crate) struct HoldLeaves(Vec<HoldLeaf>);

#[derive(Debug)]
struct HoldLeaf {
    held: Held,
    study: Option<StudyRef>,
    patient: Option<PatientRef>,
    placed: Timestamp,
    by: ActorId,
    index: u64,
}

impl HoldLeaves {
    /// Takes note of a leaf. A hold that was released is forgotten.
    pub(crate) fn note(&mut self, index: u64, leaf: &Leaf, institution: &InstitutionId) {
        if leaf.outcome != Outcome::Succeeded || leaf.institution != *institution {
            return;
        }
        let places = match leaf.action {
            Some(Action::ManageHolds) if leaf.reason.as_str() == PLACE => true,
            Some(Action::ApproveRelease) if leaf.reason.as_str() == RELEASE => false,
            _ => return,
        };
        let held = leaf.study.map(Held::Study).or(leaf.patient.map(Held::Patient));
        let placed = leaf.counts.get(PLACED_MS).and_then(|ms| i64::try_from(ms).ok());
        let (Some(held), Some(placed)) = (held, placed.map(Timestamp::from_ms)) else { return };
        self.0.retain(|hold| hold.held != held || hold.placed != placed);
        if places {
            let (study, patient, by) = (leaf.study, leaf.patient, leaf.actor.clone());
            self.0.push(HoldLeaf { held, study, patient, placed, by, index });
        }
    }
}

/// Places again what the database does not know, and gives how many holds that were.
pub(crate) async fn place_again(
    core: &Core,
    institution: &InstitutionId,
    leaves: HoldLeaves,
) -> Result<u64, HoldError> {
    let mut again = 0;
    for leaf in leaves.0 {
        if core.keys.hold_was_placed(institution, leaf.held, leaf.placed).await? {
            continue;
        }
        let record = HoldRecord {
            id: hex::encode(random::array::<16>()),
            state: HoldState::Held,
            subject: match leaf.held {
                Held::Study(_) => HoldSubject::Study,
                Held::Patient(_) => HoldSubject::Patient,
            },
            uid: None,
            study: leaf.study,
            patient: leaf.patient,
            reason: HoldReason::FromLog,
            placed_by: leaf.by,
            placed_ms: leaf.placed.as_ms(),
            placed_leaf: leaf.index,
            release: Release::default(),
        };
        keep(core, institution, &kept(&record)?).await?;
        again += 1;
    }
    Ok(again)
}

/// Keeps a hold whatever else is decided: it stood before.
async fn keep(core: &Core, institution: &InstitutionId, hold: &LegalHold) -> Result<(), HoldError> {
    for _ in 0..ATTEMPTS_MAX {
        let turn = core.keys.destruction_turn(institution).await?;
        match core.keys.place_hold(institution, turn, hold).await {
            Err(KeysError::TurnTaken) => {}
            placed => return Ok(placed?),
        }
    }
    Err(HoldError::Overtaken)
}
