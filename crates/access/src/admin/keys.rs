//! Work on keys: an office of the security administrator, and of the archive itself where a clock calls for it. What is
//! done to keys is done elsewhere; here it is decided and written down, before and after.

use super::{AdminError, Change, ChangeDetail};
use crate::access::{Access, Refusal};
use crate::decision::Resource;
use crate::session::Session;
use yingdun_audit::{Counts, Event, Outcome, Receipt};
use yingdun_model::Action;

/// Work on keys that was permitted and written down, and is to be concluded.
#[derive(Debug)]
#[must_use = "work on keys that is not concluded has no outcome on the ledger"]
pub struct KeyWork {
    intent: Receipt,
    detail: ChangeDetail,
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
