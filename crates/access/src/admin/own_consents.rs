//! Consents as the patient has them in the own account: listed, withdrawn. To withdraw has to be as easy as it was to agree (PIPL Art. 15), so no office
//! and no rule of an institution stands before it: the account is bound to the record, and the consent is one of this record.

use super::{AdminError, ChangeDetail};
use crate::access::{Access, Refusal};
use crate::ledger;
use crate::session::Session;
use yingdun_audit::{Event, EventKind, Outcome};
use yingdun_catalog::catalogue::consents::{self, Consent};
use yingdun_model::Action;

/// The most of one list: far more than a patient can have in force.
const LISTED_MAX: u32 = 1_000;

impl Access {
    /// To what the patient who asks agreed, the newest first: what is not over, or with `all` what there ever was.
    ///
    /// # Errors
    /// [`AdminError::Refused`] to everybody whose account is bound to no record.
    pub async fn own_consents(&self, session: &Session, all: bool) -> Result<Vec<Consent>, AdminError> {
        let patient = self.own_record(session).await?;
        let not_over = (!all).then(|| self.inner.clock.now());
        let institution = session.institution();
        let found =
            consents::of_patient(&self.inner.catalogue, institution, patient, not_over, LISTED_MAX).await;
        found.map_err(AdminError::Unavailable)
    }

    /// Withdraws a consent of the patient who asks, now. What rests on it ends within seconds.
    ///
    /// # Errors
    /// [`AdminError::Refused`] to everybody whose account is bound to no record; [`AdminError::NotFound`] when there is none of this patient that
    /// lasts.
    pub async fn withdraw_own_consent(&self, session: &Session, number: u64) -> Result<(), AdminError> {
        let patient = self.own_record(session).await?;
        let (institution, now) = (session.institution(), self.inner.clock.now());
        let event = Event {
            kind: EventKind::Administration,
            outcome: Outcome::Permitted,
            action: Some(Action::ManageRights),
            patient: Some(patient),
            ..ledger::session_leaf(session, ledger::word("withdraw-consent"))
        };
        let detail = ChangeDetail::with("consent", number);
        let intent = self.record(event, &detail).await.map_err(Refusal::AuditUnavailable)?;
        // Whose it is, is asked by the change itself.
        let withdraw = consents::withdraw_of(institution, patient, number, session.actor(), now);
        self.carry_out(intent, detail, self.inner.catalogue.execute(vec![withdraw]).await).await.map(drop)
    }
}
