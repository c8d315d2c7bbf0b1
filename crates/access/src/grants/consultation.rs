//! Consultations: a study that is assigned to a remote expert as a task, and closes with the report.

use super::give::{Gift, Handed, TIME_MIN, draw_number};
use super::record::{Words, checked_words, seal_words};
use super::{GrantError, GrantRecord, GrantedStudies};
use crate::access::Access;
use crate::session::Session;
use std::time::Duration;
use yingdun_catalog::identity::grants::TimedGrant;
use yingdun_catalog::identity::people;
use yingdun_model::{Action, ActorId, GrantKind, PurposeOfUse, Role};

/// How long a consultation lasts unless something else is said: until tomorrow.
pub const CONSULTATION_TIME: Duration = Duration::from_secs(24 * 3600);

/// How long it lasts at most. An expert who needs longer has it assigned anew, by another decision.
pub const CONSULTATION_TIME_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// A consultation that is to be assigned.
#[derive(Clone, Debug)]
pub struct NewConsultation {
    /// The remote expert.
    pub expert: ActorId,
    /// About what.
    pub on: GrantedStudies,
    /// Whether the archive has it.
    pub is_known: bool,
    /// For how long at most; it ends before with the report.
    pub lasts: Duration,
    /// What the expert is asked, in words.
    pub words: String,
}

impl Access {
    /// Assigns a study or a patient to a remote expert. Who assigns must be of a role that does, and must be permitted to view the same at this
    /// moment, by a right of the own. It ends with the care relation by which it was assigned.
    ///
    /// # Errors
    /// [`GrantError`]; [`GrantError::NotFound`] also where who assigns may not see the study.
    pub async fn assign_consultation(
        &self,
        giver: &Session,
        new: NewConsultation,
    ) -> Result<GrantRecord, GrantError> {
        let now = self.inner.clock.now();
        let words = checked_words(&new.words)?.to_owned();
        if new.lasts < TIME_MIN || new.lasts > CONSULTATION_TIME_MAX {
            return Err(GrantError::ConsultationTime);
        }
        let number = draw_number();
        let gift =
            Gift { action: Action::AssignConsultation, own: Action::View, code: "assign-consultation" };
        let to = Handed { actor: &new.expert, on: &new.on, is_known: new.is_known };
        let (intent, detail, own_until) = self.intend_gift(giver, gift, to, number).await?;
        if !new.is_known {
            return self.not_given(intent, detail, GrantError::NotFound).await;
        }
        if new.expert == *giver.actor() {
            return self.not_given(intent, detail, GrantError::Oneself).await;
        }
        let institution = giver.institution();
        let expert = people::find(&self.inner.identity, institution, &new.expert).await?;
        let Some(expert) = expert.filter(|expert| !expert.disabled) else {
            return self.not_given(intent, detail, GrantError::NotFound).await;
        };
        if !expert.roles.contains(&Role::RemoteExpert) {
            return self.not_given(intent, detail, GrantError::NoExpert).await;
        }
        if now >= own_until {
            return self.not_given(intent, detail, GrantError::ConsultationTime).await;
        }
        let consultation = TimedGrant {
            number,
            kind: GrantKind::Consultation,
            actor: new.expert,
            on: new.on.granted(),
            export: false,
            purpose: PurposeOfUse::Treatment,
            reason: "words".to_owned(),
            words: seal_words(&self.inner.detail_key, institution, number, Words::Given, &words),
            given_by: giver.actor().clone(),
            given: now,
            valid_from: now,
            valid_until: now.after(new.lasts).min(own_until),
            ended: None,
            ended_by: None,
            review_due: None,
            review: None,
        };
        self.kept(giver, consultation, intent, detail, now).await
    }

    /// Consultations: of everybody for the officers who give rights or review, otherwise those that the person has or assigned.
    ///
    /// # Errors
    /// [`GrantError`].
    pub async fn consultations(&self, session: &Session) -> Result<Vec<GrantRecord>, GrantError> {
        let of =
            if self.sees_all(session, GrantKind::Consultation).await? { None } else { Some(session.actor()) };
        self.listed(session, GrantKind::Consultation, of).await
    }

    /// One consultation, for who may see it.
    ///
    /// # Errors
    /// [`GrantError::NotFound`].
    pub async fn consultation(&self, session: &Session, number: u64) -> Result<GrantRecord, GrantError> {
        self.seen(session, GrantKind::Consultation, number).await
    }

    /// Says that the report is done: the consultation ends now. Only the expert who has it says so.
    ///
    /// # Errors
    /// [`GrantError::NotTheExpert`]; [`GrantError::State`] when it is over.
    pub async fn complete_consultation(
        &self,
        session: &Session,
        number: u64,
    ) -> Result<GrantRecord, GrantError> {
        self.end_consultation(session, number, true).await
    }

    /// Takes a consultation back: by who assigned it, or an officer who gives rights.
    ///
    /// # Errors
    /// [`GrantError::NotTheExpert`]; [`GrantError::State`] when it is over.
    pub async fn withdraw_consultation(
        &self,
        session: &Session,
        number: u64,
    ) -> Result<GrantRecord, GrantError> {
        self.end_consultation(session, number, false).await
    }

    async fn end_consultation(
        &self,
        session: &Session,
        number: u64,
        by_expert: bool,
    ) -> Result<GrantRecord, GrantError> {
        let found = self.seen(session, GrantKind::Consultation, number).await?;
        if (found.grant.actor == *session.actor()) != by_expert {
            return Err(GrantError::NotTheExpert);
        }
        self.revoke_grant(session, GrantKind::Consultation, number).await
    }
}

/// How a consultation ended, as a word for people; none while it lasts.
#[must_use]
pub fn consultation_end(record: &GrantRecord) -> Option<&'static str> {
    match &record.grant.ended_by {
        Some(by) if *by == record.grant.actor => Some("completed"),
        Some(_) => Some("withdrawn"),
        None if record.open => None,
        None => Some("time-over"),
    }
}
