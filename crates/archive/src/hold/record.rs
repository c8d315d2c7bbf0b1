//! What is kept of a legal hold, as officers see it.

use serde::{Deserialize, Serialize};
use yingdun_keys::{Held, LegalHold};
use yingdun_model::{ActorId, PatientRef, StudyRef, Timestamp, Uid, word_enum};

word_enum! {
    /// How far a hold is.
    HoldState, "state of a legal hold" {
        /// It stands.
        Held => "held",
        /// It stands; its release is asked for.
        ReleaseRequested => "release-requested",
        /// It stands no more.
        Released => "released",
    }
}

word_enum! {
    /// Why something is held.
    HoldReason, "reason of a legal hold" {
        /// A dispute with a patient, or before a court.
        Litigation => "litigation",
        /// An authority investigates.
        Investigation => "investigation",
        /// An incident of security is looked into.
        Incident => "incident",
        /// A court or an authority ordered it.
        Ordered => "ordered",
        /// It was placed to try something.
        Trial => "trial",
        /// The log knew of it and the database did not: that was brought back from a copy.
        FromLog => "from-log",
    }
}

word_enum! {
    /// Why a hold is released.
    ReleaseReason, "reason of a release" {
        /// What it was placed for is over.
        Ended => "ended",
        /// A court or an authority ordered it.
        Ordered => "ordered",
        /// It was placed by mistake.
        Mistake => "mistake",
        /// It was placed to try something.
        Trial => "trial",
    }
}

word_enum! {
    /// What a hold is on.
    HoldSubject, "subject of a legal hold" {
        /// One study.
        Study => "study",
        /// Every study of a patient, also one that comes later.
        Patient => "patient",
    }
}

/// A legal hold: on what, who placed it and why, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRecord {
    /// Its name: 32 hexadecimal digits.
    pub id: String,
    /// How far it is.
    pub state: HoldState,
    /// What it is on.
    pub subject: HoldSubject,
    /// The Study Instance UID, as long as the hold stands and where it is on one study.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Uid>,
    /// The keyed pseudonym of the study, where it is on one, as in the leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study: Option<StudyRef>,
    /// That of the patient. One that was placed again from the log, on a study, does not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<PatientRef>,
    /// Why.
    pub reason: HoldReason,
    /// Who placed it.
    pub placed_by: ActorId,
    /// When.
    pub placed_ms: i64,
    /// The leaf of that.
    pub placed_leaf: u64,
    /// What was asked and decided about its release.
    #[serde(flatten)]
    pub release: Release,
}

/// How a hold ended, or is to end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_requested_by: Option<ActorId>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_requested_ms: Option<i64>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_reason: Option<ReleaseReason>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_by: Option<ActorId>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_ms: Option<i64>,
    /// The leaf of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_leaf: Option<u64>,
}

impl HoldRecord {
    /// What is kept of it; nothing when it names nothing that could be held.
    pub(super) fn row(&self) -> Option<LegalHold> {
        let held = match self.subject {
            HoldSubject::Study => Held::Study(self.study?),
            HoldSubject::Patient => Held::Patient(self.patient?),
        };
        Some(LegalHold {
            id: self.id.clone(),
            held,
            placed: Timestamp::from_ms(self.placed_ms),
            in_force: self.state != HoldState::Released,
            state: self.state.as_str().to_owned(),
            record: serde_json::to_string(self).ok()?,
        })
    }

    /// A record as it was kept; nothing when it is none.
    pub(super) fn of_row(row: &LegalHold) -> Option<Self> {
        serde_json::from_str(&row.record).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_and_stands_until_it_is_released() {
        let record = HoldRecord {
            id: "ab".to_owned(),
            state: HoldState::ReleaseRequested,
            subject: HoldSubject::Study,
            uid: Some(Uid::new("1.2.3").unwrap()),
            study: Some(StudyRef::from_bytes([1; 16])),
            patient: Some(PatientRef::from_bytes([2; 16])),
            reason: HoldReason::Litigation,
            placed_by: ActorId::new("aud").unwrap(),
            placed_ms: 7,
            placed_leaf: 3,
            release: Release {
                release_requested_by: Some(ActorId::new("aud").unwrap()),
                release_requested_ms: Some(8),
                release_reason: Some(ReleaseReason::Ended),
                ..Release::default()
            },
        };
        let row = record.row().unwrap();
        assert_eq!((row.held, row.in_force), (Held::Study(StudyRef::from_bytes([1; 16])), true));
        assert_eq!(HoldRecord::of_row(&row), Some(record.clone()));
        let released = HoldRecord { state: HoldState::Released, ..record.clone() };
        assert!(!released.row().unwrap().in_force);
        assert_eq!(HoldRecord { study: None, ..record }.row(), None);
    }
}
