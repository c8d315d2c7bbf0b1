//! Where devices take calls: those that the archive makes on its own, and those that somebody asks for. Registered devices
//! only.

use super::check::{DeviceRecord, records};
use super::{DeviceHabits, Endpoint};
use crate::access::{Access, Refusal};
use crate::admin::ChangeDetail;
use crate::decision::Resource;
use crate::ledger;
use crate::reason::Reason;
use crate::session::Session;
use yingdun_audit::{Event, EventKind, Outcome};
use yingdun_catalog::identity::devices;
use yingdun_model::{Action, AeTitle, InstitutionId, Role};

/// A device that takes calls of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveDestination {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// The title by which it knows us.
    pub calling: AeTitle,
    /// How it differs from other devices.
    pub habits: DeviceHabits,
}

impl Access {
    /// Where a device of an institution listens. None for a device that is not registered under this pair of titles,
    /// is disabled, or has no destination: nobody is called whom the system administrator did not name.
    ///
    /// # Errors
    /// [`Refusal::FactsUnavailable`] when the records cannot be read.
    pub async fn destination(
        &self,
        institution: &InstitutionId,
        ae_title: &AeTitle,
        called_ae: &AeTitle,
    ) -> Result<Option<Endpoint>, Refusal> {
        let records = records(&self.inner.identity, ae_title).await.map_err(Refusal::FactsUnavailable)?;
        let mut fitting = records.into_iter().filter(|record| {
            record.institution == *institution && record.called_ae == *called_ae && !record.disabled
        });
        Ok(fitting.next().and_then(|record| record.destination))
    }

    /// The devices of this archive's institution that are to be told of studies: those whose records say so, that have a
    /// destination and are not disabled. What each is told is decided when it has answered.
    ///
    /// # Errors
    /// [`Refusal::FactsUnavailable`] when the records cannot be read.
    pub async fn devices_to_tell(&self) -> Result<Vec<(AeTitle, MoveDestination)>, Refusal> {
        let rows = devices::list(&self.inner.identity, &self.inner.institution).await;
        let records =
            rows.and_then(|rows| rows.into_iter().map(DeviceRecord::from_row).collect::<Result<Vec<_>, _>>());
        let records = records.map_err(Refusal::FactsUnavailable)?;
        let told = records.into_iter().filter(|record| record.habits.tell_availability && !record.disabled);
        let called = told.filter_map(|record| {
            let (calling, habits) = (record.called_ae, record.habits);
            Some((record.ae_title, MoveDestination { endpoint: record.destination?, calling, habits }))
        });
        Ok(called.collect())
    }

    /// The destination of a C-MOVE: what the record of a device of the session's institution says, if it takes images and
    /// is not disabled. Writes down for whom the session asks, found or not; what is sent is decided study by study.
    ///
    /// # Errors
    /// [`Refusal::FactsUnavailable`] and [`Refusal::AuditUnavailable`].
    pub async fn move_destination(
        &self,
        session: &Session,
        ae_title: &AeTitle,
    ) -> Result<Option<MoveDestination>, Refusal> {
        self.asked_for(session, ae_title, ["move-destination", "unknown-move-destination"]).await
    }

    /// The same of a search that the session asks for.
    ///
    /// # Errors
    /// As [`Self::move_destination`].
    pub async fn search_destination(
        &self,
        session: &Session,
        ae_title: &AeTitle,
    ) -> Result<Option<MoveDestination>, Refusal> {
        self.asked_for(session, ae_title, ["search-destination", "unknown-search-destination"]).await
    }

    /// The same of studies that the session has a device send here.
    ///
    /// # Errors
    /// As [`Self::move_destination`].
    pub async fn retrieve_origin(
        &self,
        session: &Session,
        ae_title: &AeTitle,
    ) -> Result<Option<MoveDestination>, Refusal> {
        self.asked_for(session, ae_title, ["retrieve-origin", "unknown-retrieve-origin"]).await
    }

    /// The same of a device that the session asks whether it keeps what was sent to it.
    ///
    /// # Errors
    /// As [`Self::move_destination`].
    pub async fn commitment_destination(
        &self,
        session: &Session,
        ae_title: &AeTitle,
    ) -> Result<Option<MoveDestination>, Refusal> {
        self.asked_for(session, ae_title, ["commitment-destination", "unknown-commitment-destination"]).await
    }

    /// `words`: what stands in the leaf when there is such a device, and when there is not.
    async fn asked_for(
        &self,
        session: &Session,
        ae_title: &AeTitle,
        words: [&'static str; 2],
    ) -> Result<Option<MoveDestination>, Refusal> {
        if let Some(reason) = calls_no_device(session.role()) {
            return self.no_device(session, ae_title, reason).await;
        }
        let records = records(&self.inner.identity, ae_title).await.map_err(Refusal::FactsUnavailable)?;
        let found = records
            .into_iter()
            .filter(|record| record.institution == *session.institution() && !record.disabled)
            .find_map(|record| {
                let (calling, habits) = (record.called_ae, record.habits);
                Some(MoveDestination { endpoint: record.destination?, calling, habits })
            });
        let [known, unknown] = words;
        let (outcome, word) = match found {
            Some(_) => (Outcome::Permitted, known),
            None => (Outcome::Refused, unknown),
        };
        let detail = ledger::sealed(
            &self.inner.detail_key,
            session.institution(),
            &ChangeDetail { subject: ae_title.to_string(), what: None },
        );
        let event = ledger::session_leaf(session, ledger::word(word));
        let event = Event { kind: EventKind::Association, outcome, detail, ..event };
        self.inner.log.append_one(event).await.map_err(Refusal::AuditUnavailable)?;
        Ok(found)
    }

    /// Writes down that somebody wanted a device called who has none called.
    async fn no_device<T>(
        &self,
        session: &Session,
        ae_title: &AeTitle,
        reason: Reason,
    ) -> Result<T, Refusal> {
        let detail = ChangeDetail { subject: ae_title.to_string(), what: None };
        let detail = ledger::sealed(&self.inner.detail_key, session.institution(), &detail);
        let event = ledger::session_leaf(session, ledger::code(reason));
        let event = Event { kind: EventKind::Association, outcome: Outcome::Refused, detail, ..event };
        self.inner.log.append_one(event).await.map_err(Refusal::AuditUnavailable)?;
        Err(Refusal::denied(reason, session.role()))
    }

    /// The record of a device of the session's institution, for who may verify connections to devices. Decides, and
    /// writes down which device was asked for, found or not.
    ///
    /// # Errors
    /// As [`Refusal`].
    pub async fn device_to_verify(
        &self,
        session: &Session,
        ae_title: &AeTitle,
        called_ae: &AeTitle,
    ) -> Result<Option<DeviceRecord>, Refusal> {
        let archive = Resource::Archive(session.institution().clone());
        let (decision, policy_set) = self.decide_by(session, Action::Echo, &archive).await?;
        let detail = ChangeDetail { subject: ae_title.to_string(), what: Some(called_ae.to_string()) };
        let detail = ledger::sealed(&self.inner.detail_key, session.institution(), &detail);
        let event = ledger::decided(session, Action::Echo, &archive, decision, policy_set);
        self.inner.log.append_one(Event { detail, ..event }).await.map_err(Refusal::AuditUnavailable)?;
        if !decision.permitted {
            return Err(Refusal::denied(decision.reason, session.role()));
        }
        let records = records(&self.inner.identity, ae_title).await.map_err(Refusal::FactsUnavailable)?;
        let mut fitting = records
            .into_iter()
            .filter(|record| record.institution == *session.institution() && record.called_ae == *called_ae);
        Ok(fitting.next())
    }
}

// === helpers ===

/// Who only looks at what is here has no device called: what a device sends or gets is nothing that such a person looks at.
fn calls_no_device(role: Role) -> Option<Reason> {
    if role == Role::Researcher {
        return Some(Reason::ResearchSeesNoIdentity);
    }
    role.is_outsider().then_some(Reason::OutsidersOnlyLook)
}
