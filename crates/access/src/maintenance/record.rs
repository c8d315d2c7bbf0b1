//! A maintenance session as people read it, and the words that are sealed in its row.

use crate::access::Access;
use crate::office::has_lapsed;
use yingdun_catalog::identity::maintenance::MaintenanceRow;
use yingdun_crypto::{Context, Sealed, SealingKey};
use yingdun_model::{InstitutionId, Timestamp};

/// A session, with what people wrote.
#[derive(Clone, Debug)]
pub struct MaintenanceRecord {
    /// The row.
    pub row: MaintenanceRow,
    /// Why it was opened, in words; none where they cannot be opened any more.
    pub words: Option<String>,
    /// How it stands at the moment of reading.
    pub state: MaintenanceState,
}

/// How a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaintenanceState {
    /// It waits for the approval of a second officer.
    Waiting,
    /// It was approved and has not begun.
    Approved,
    /// It opens something now.
    Open,
    /// An officer ended it.
    Ended,
    /// An officer withdrew it before it was approved.
    Withdrawn,
    /// Its time is over.
    TimeOver,
    /// Nobody approved it before its time was over.
    Lapsed,
    /// Who approved it has lost the office since: it opens nothing until another officer approves it.
    ApprovalLapsed,
}

impl MaintenanceState {
    /// The word in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Open => "open",
            Self::Ended => "ended",
            Self::Withdrawn => "withdrawn",
            Self::TimeOver => "time-over",
            Self::Lapsed => "lapsed",
            Self::ApprovalLapsed => "approval-lapsed",
        }
    }

    fn of(row: &MaintenanceRow, now: Timestamp) -> Self {
        let is_approved = row.approved.is_some();
        if row.ended_by.is_some() {
            return if is_approved { Self::Ended } else { Self::Withdrawn };
        }
        if row.ended.is_some() || row.valid_until <= now {
            return if is_approved { Self::TimeOver } else { Self::Lapsed };
        }
        if approval_lapsed(row) {
            return Self::ApprovalLapsed;
        }
        match (is_approved, row.valid_from <= now) {
            (false, _) => Self::Waiting,
            (true, false) => Self::Approved,
            (true, true) => Self::Open,
        }
    }
}

/// Whether a session was approved by somebody who has lost the office since. It opens nothing then, whether it has begun or not.
pub(super) fn approval_lapsed(row: &MaintenanceRow) -> bool {
    row.approved.as_ref().is_some_and(|(_, at)| has_lapsed(&row.approver, *at))
}

impl Access {
    pub(super) fn maintenance_shown(
        &self,
        institution: &InstitutionId,
        row: MaintenanceRow,
        now: Timestamp,
    ) -> MaintenanceRecord {
        let context = words_context(institution, row.number);
        let sealed = Sealed::<String>::from_bytes(row.words.clone());
        let words = sealed.open(&self.inner.detail_key, &context).ok();
        let state = MaintenanceState::of(&row, now);
        MaintenanceRecord { row, words, state }
    }
}

pub(super) fn seal_words(key: &SealingKey, institution: &InstitutionId, number: u64, words: &str) -> Vec<u8> {
    let sealed = Sealed::seal(key, &words_context(institution, number), &words.to_owned());
    // What cannot be sealed is left out: no reason of a person lies in the clear.
    sealed.map(Sealed::into_bytes).unwrap_or_default()
}

/// What sealed words are bound to: moved to another session, they do not open.
fn words_context(institution: &InstitutionId, number: u64) -> Context {
    Context::new("yingdun/maintenance-words/v1").field(institution.as_str()).field(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use yingdun_catalog::identity::people::Holding;
    use yingdun_model::ActorId;

    #[test]
    fn a_session_waits_opens_and_is_over_at_its_second() {
        let at = Timestamp::from_ms;
        let actor = ActorId::new("siemens-1").unwrap();
        let waiting = MaintenanceRow {
            number: 1,
            actor: actor.clone(),
            scopes: BTreeSet::new(),
            words: Vec::new(),
            opened_by: actor.clone(),
            opened: at(0),
            valid_from: at(10),
            valid_until: at(20),
            approved: None,
            approver: Holding::default(),
            ended: None,
            ended_by: None,
        };
        let holds = Holding { since: Some(at(0)), ..Holding::default() };
        let approved =
            MaintenanceRow { approved: Some((actor.clone(), at(1))), approver: holds, ..waiting.clone() };
        let state = |row: &MaintenanceRow, now| MaintenanceState::of(row, at(now));
        assert_eq!(state(&waiting, 5), MaintenanceState::Waiting);
        assert_eq!(state(&waiting, 19), MaintenanceState::Waiting);
        assert_eq!(state(&waiting, 20), MaintenanceState::Lapsed);
        assert_eq!(state(&approved, 9), MaintenanceState::Approved);
        assert_eq!(state(&approved, 10), MaintenanceState::Open);
        assert_eq!(state(&approved, 19), MaintenanceState::Open);
        assert_eq!(state(&approved, 20), MaintenanceState::TimeOver);
        let by = |row: &MaintenanceRow| MaintenanceRow {
            ended: Some(at(12)),
            ended_by: Some(actor.clone()),
            ..row.clone()
        };
        assert_eq!(state(&by(&waiting), 12), MaintenanceState::Withdrawn);
        assert_eq!(state(&by(&approved), 12), MaintenanceState::Ended);
        // Without the office nothing is open, begun or not; what was over before is told as it was.
        let lapsed = MaintenanceRow { approver: Holding::default(), ..approved.clone() };
        assert_eq!(state(&lapsed, 9), MaintenanceState::ApprovalLapsed);
        assert_eq!(state(&lapsed, 10), MaintenanceState::ApprovalLapsed);
        assert_eq!(state(&lapsed, 20), MaintenanceState::TimeOver);
        assert_eq!(state(&by(&lapsed), 12), MaintenanceState::Ended);
    }
}
