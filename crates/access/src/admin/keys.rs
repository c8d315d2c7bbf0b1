//! Work on keys: an office of the security administrator, and of the archive itself where a clock calls for it. What is
//! done to keys is done elsewhere; here it is decided and written down, before and after.

use super::{AdminError, Change, ChangeDetail};
use crate::access::{Access, Refusal};
use crate::decision::Resource;
use crate::session::Session;
use yingdun_audit::{AuditError, Counts, Event, Outcome, Receipt};
use yingdun_model::{Action, PatientRef, StudyRef};

/// Work on keys that was permitted and written down, and is to be concluded.
#[derive(Debug)]
#[must_use = "work on keys that is not concluded has no outcome on the ledger"]
pub struct KeyWork {
    intent: Receipt,
    detail: ChangeDetail,
}

impl KeyWork {
    /// The leaf that says that it is intended, by its place in the log.
    #[must_use]
    pub const fn leaf(&self) -> u64 {
        self.intent.index()
    }
}

/// What a legal hold is on, as its leaves name it: by keyed pseudonyms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldRefs {
    /// The study; none where it is on a patient.
    pub study: Option<StudyRef>,
    /// The patient, where that is known.
    pub patient: Option<PatientRef>,
}

impl Access {
    /// Lets somebody see the versions of keys. Opens nothing and writes nothing down.
    ///
    /// # Errors
    /// [`AdminError::Refused`].
    pub async fn may_manage_keys(&self, session: &Session) -> Result<(), AdminError> {
        let resource = Resource::Archive(session.institution().clone());
        let decision = self.decide(session, Action::ManageKeys, &resource).await?;
        if decision.permitted {
            return Ok(());
        }
        Err(Refusal::denied(decision.reason, session.role()).into())
    }

    /// Lets somebody see what was destroyed and what is to be: who may ask for it, or approve it. Opens nothing and writes nothing
    /// down.
    ///
    /// # Errors
    /// [`AdminError::Refused`].
    pub async fn may_see_destructions(&self, session: &Session) -> Result<(), AdminError> {
        self.may_one_of(session, Action::RequestDestruction, Action::ApproveDestruction).await
    }

    /// Lets somebody see legal holds: who may place one, or approve a release. Opens nothing and writes nothing down.
    ///
    /// # Errors
    /// [`AdminError::Refused`].
    pub async fn may_see_holds(&self, session: &Session) -> Result<(), AdminError> {
        self.may_one_of(session, Action::ManageHolds, Action::ApproveRelease).await
    }

    pub(crate) async fn may_one_of(
        &self,
        session: &Session,
        one: Action,
        other: Action,
    ) -> Result<(), AdminError> {
        let resource = Resource::Archive(session.institution().clone());
        let decision = self.decide(session, one, &resource).await?;
        if decision.permitted || self.decide(session, other, &resource).await?.permitted {
            return Ok(());
        }
        Err(Refusal::denied(decision.reason, session.role()).into())
    }

    /// Decides whether somebody may take a step on the way to a destruction, and writes down that it is intended. `action` is
    /// [`Action::RequestDestruction`] or [`Action::ApproveDestruction`], `code` names the step in the leaf; `subject`, which
    /// destruction, is sealed beside it.
    ///
    /// # Errors
    /// [`AdminError::Refused`]; the step must not be taken then.
    pub async fn intend_destruction(
        &self,
        session: &Session,
        action: Action,
        code: &'static str,
        subject: impl ToString,
    ) -> Result<KeyWork, AdminError> {
        let change = Change { action, code, detail: ChangeDetail::of(subject) };
        let (intent, detail) = self.intend(session, change).await?;
        Ok(KeyWork { intent, detail })
    }

    /// Decides whether somebody may take a step with a legal hold, and writes down that it is intended, on what. `action` is
    /// [`Action::ManageHolds`] or [`Action::ApproveRelease`], `code` names the step in the leaf; `subject`, which hold, is sealed
    /// beside it.
    ///
    /// # Errors
    /// [`AdminError::Refused`]; the step must not be taken then.
    pub async fn intend_hold(
        &self,
        session: &Session,
        action: Action,
        code: &'static str,
        subject: impl ToString,
        on: HeldRefs,
    ) -> Result<KeyWork, AdminError> {
        let change = Change { action, code, detail: ChangeDetail::of(subject) };
        let (intent, detail) = self.intend_on(session, change, on).await?;
        Ok(KeyWork { intent, detail })
    }

    /// Decides whether work on keys may be done, and writes down what is intended. `code` names the work in the leaf;
    /// `subject`, on which key, is sealed beside it.
    ///
    /// # Errors
    /// [`AdminError::Refused`]; the work must not be done then.
    pub async fn intend_key_work(
        &self,
        session: &Session,
        code: &'static str,
        subject: impl ToString,
    ) -> Result<KeyWork, AdminError> {
        let change = Change { action: Action::ManageKeys, code, detail: ChangeDetail::of(subject) };
        let (intent, detail) = self.intend(session, change).await?;
        Ok(KeyWork { intent, detail })
    }

    /// Writes down what the archive itself did with keys, with a detail that is sealed beside the leaf. Gives the place of the leaf.
    ///
    /// # Errors
    /// [`AuditError`] when the log does not take it.
    pub async fn record_with_detail(
        &self,
        event: Event,
        subject: impl ToString,
        what: impl ToString,
    ) -> Result<u64, AuditError> {
        Ok(self.record(event, &ChangeDetail::with(subject, what)).await?.index())
    }

    /// Writes down how work on keys ended, and how much it was.
    ///
    /// # Errors
    /// [`AdminError::OutcomeNotRecorded`]; the intent is on the ledger.
    pub async fn conclude_key_work(
        &self,
        work: KeyWork,
        outcome: Outcome,
        counts: Counts,
    ) -> Result<(), AdminError> {
        let KeyWork { intent, detail } = work;
        let event = Event { outcome, counts, detail: None, ..intent.event().clone() };
        self.record(event, &detail).await.map(|_| ()).map_err(AdminError::OutcomeNotRecorded)
    }
}
