//! What can truly be said of a study as a thing that is kept: how sensitive it is, when it came, and whether every copy of it was checked.
//!
//! What is read is verified as it is read (promise I4). Beside that stands what nobody reads for years: the last full pass of the scrub over
//! every replica. It speaks for a study only if the study was there when the pass began, lies in this store, and nothing is wrong with any
//! copy of the store.

use super::OpenStudy;
use crate::error::OpenError;
use yingdun_model::{Grade, Timestamp};
use yingdun_storage::{ReplicaStatus, StoreLocation};

/// What is known of a study as a thing that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integrity {
    /// How sensitive it is.
    pub grade: Grade,
    /// When its first object came.
    pub received: Timestamp,
    /// Its objects.
    pub instances: u64,
    /// Whether its copies were checked.
    pub state: IntegrityState,
    /// When the check ended that says so.
    pub checked: Option<Timestamp>,
}

/// Whether the copies of a study were checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntegrityState {
    /// Every replica was read from end to end since the newest object came, and nothing is wrong with any.
    Checked,
    /// There was no full pass over every replica since then.
    NotCheckedYet,
    /// Something is wrong with a copy of the store, which need not be of this study.
    UnderRepair,
    /// It lies in the store of another node, at least in part.
    Unknown,
}

impl IntegrityState {
    /// Every word.
    pub const WORDS: &[&str] = &["checked", "not-checked-yet", "under-repair", "unknown"];

    /// The word in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Checked => "checked",
            Self::NotCheckedYet => "not-checked-yet",
            Self::UnderRepair => "under-repair",
            Self::Unknown => "unknown",
        }
    }
}

impl OpenStudy {
    /// What is known of the study as a thing that is kept.
    ///
    /// # Errors
    /// [`OpenError`]: it is for who may look at the study.
    pub async fn integrity(&self) -> Result<Integrity, OpenError> {
        self.window().await?;
        let entries = self.instances(None, None).await?;
        let own = self.core.catalogue.store_number();
        let is_here = entries.iter().all(|entry| {
            StoreLocation::from_bytes(&entry.row.location).is_ok_and(|location| location.store == own)
        });
        let newest = entries.iter().map(|entry| entry.row.received).max();
        let replicas: Vec<Replica> = self.core.store.status().replicas.iter().map(Replica::of).collect();
        let (state, checked) = judged(is_here, newest, &replicas);
        Ok(Integrity {
            grade: self.facts.grade,
            received: self.facts.received,
            instances: entries.len() as u64,
            state,
            checked: checked.map(Timestamp::from_ms),
        })
    }
}

// === helpers ===

/// What one replica says.
#[derive(Clone, Copy, Debug)]
struct Replica {
    /// Begin and end of its last full pass.
    pass: Option<(i64, i64)>,
    is_sound: bool,
}

impl Replica {
    fn of(status: &ReplicaStatus) -> Self {
        let last = status.scrub.last;
        let lost = status.scrub.lost + last.map_or(0, |pass| pass.lost);
        Self {
            pass: last.map(|pass| (pass.begun_ms, pass.ended_ms)),
            is_sound: status.quarantined == 0 && status.awaiting_repair == 0 && lost == 0,
        }
    }
}

/// The state, and when the check ended that it rests on: the last of all replicas.
fn judged(is_here: bool, newest: Option<Timestamp>, replicas: &[Replica]) -> (IntegrityState, Option<i64>) {
    if !is_here || replicas.is_empty() {
        return (IntegrityState::Unknown, None);
    }
    if replicas.iter().any(|replica| !replica.is_sound) {
        return (IntegrityState::UnderRepair, None);
    }
    let newest = newest.map_or(i64::MAX, Timestamp::as_ms);
    let ends: Option<Vec<i64>> = replicas
        .iter()
        .map(|replica| replica.pass.filter(|(begun, _)| newest < *begun).map(|(_, ended)| ended))
        .collect();
    match ends.and_then(|ends| ends.into_iter().max()) {
        Some(ended) => (IntegrityState::Checked, Some(ended)),
        None => (IntegrityState::NotCheckedYet, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: Replica = Replica { pass: Some((100, 200)), is_sound: true };

    fn at(ms: i64) -> Option<Timestamp> {
        Some(Timestamp::from_ms(ms))
    }

    #[test]
    fn a_study_is_checked_when_every_replica_was_read_since_it_came() {
        let later = Replica { pass: Some((150, 300)), ..SOUND };
        assert_eq!(judged(true, at(99), &[SOUND, later]), (IntegrityState::Checked, Some(300)));
        // What came while a pass ran may have come behind it.
        assert_eq!(judged(true, at(100), &[SOUND, later]), (IntegrityState::NotCheckedYet, None));
        let never = Replica { pass: None, ..SOUND };
        assert_eq!(judged(true, at(1), &[SOUND, never]), (IntegrityState::NotCheckedYet, None));
    }

    #[test]
    fn nothing_good_is_said_of_what_is_elsewhere_or_under_repair() {
        let broken = Replica { is_sound: false, ..SOUND };
        assert_eq!(judged(true, at(1), &[SOUND, broken]).0, IntegrityState::UnderRepair);
        assert_eq!(judged(false, at(1), &[SOUND]).0, IntegrityState::Unknown);
        assert_eq!(judged(true, at(1), &[]).0, IntegrityState::Unknown);
        assert_eq!(judged(true, None, &[SOUND]).0, IntegrityState::NotCheckedYet);
    }

    #[test]
    fn every_state_has_a_word() {
        use IntegrityState::{Checked, NotCheckedYet, UnderRepair, Unknown};
        let words = [Checked, NotCheckedYet, UnderRepair, Unknown].map(IntegrityState::as_str);
        assert_eq!(words, IntegrityState::WORDS);
    }
}
