//! Accounts of patients: an officer finds that an account is a patient's and whose, and the account sees that record, and who looked at it.

use super::give::draw_number;
use super::record::{Words, checked_words, seal_words};
use super::{GrantError, GrantRecord};
use crate::access::{Access, Refusal};
use crate::admin::{Change, ChangeDetail, HeldRefs};
use crate::reason::Reason;
use crate::session::Session;
use std::time::Duration;
use yingdun_catalog::catalogue::departments;
use yingdun_catalog::identity::grants::{Granted, TimedGrant};
use yingdun_catalog::identity::people;
use yingdun_crypto::digest::{derived_blake3, keyed_blake3};
use yingdun_model::{Action, ActorId, ActorKind, GrantKind, PatientRef, PurposeOfUse, Role, Timestamp, Unit};

/// How long an account stays bound to a record: a year, after which somebody looks at an identity card again. Who may no longer see it is
/// unbound before.
pub const PATIENT_ACCOUNT_TIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// From how many bytes a member of staff is known again to one patient: enough that no two of a hospital are one.
const PSEUDONYM_BYTES: usize = 5;

/// An account that is to be bound to a record.
#[derive(Clone, Debug)]
pub struct NewPatientAccount {
    /// The account. It has the role of a patient, and no other.
    pub actor: ActorId,
    /// Whose record.
    pub patient: PatientRef,
    /// Whether the archive has anything of this patient.
    pub is_known: bool,
    /// How it was made sure that the account is this patient's, in words.
    pub checked: String,
}

/// Who looked, as a patient is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRecordLook {
    /// By what the patient knows the same person again. To another patient the same person is another one.
    pub pseudonym: String,
    /// The departments to which the person belongs now.
    pub departments: Vec<String>,
    /// Whether it was the patient.
    pub oneself: bool,
}

impl Access {
    /// Binds an account to the record of one patient. The system administrator made the account; the security administrator binds it.
    ///
    /// # Errors
    /// [`GrantError::NoPatient`] for an account of somebody else; [`GrantError::TooMany`] while it is bound.
    pub async fn bind_patient_account(
        &self,
        officer: &Session,
        new: NewPatientAccount,
    ) -> Result<GrantRecord, GrantError> {
        let checked = checked_words(&new.checked)?.to_owned();
        let (now, number, institution) = (self.inner.clock.now(), draw_number(), officer.institution());
        let detail = ChangeDetail::with(&new.actor, number);
        let change = Change { action: Action::ManageRights, code: "bind-patient-account", detail };
        let on = HeldRefs { study: None, patient: Some(new.patient) };
        let (intent, detail) = self.intend_on(officer, change, on).await?;
        let person = people::find(&self.inner.identity, institution, &new.actor).await?;
        let Some(person) = person.filter(|person| !person.disabled && new.is_known) else {
            return self.not_given(intent, detail, GrantError::NotFound).await;
        };
        if person.roles != [Role::Patient] {
            return self.not_given(intent, detail, GrantError::NoPatient).await;
        }
        let bound = TimedGrant {
            number,
            kind: GrantKind::OwnRecord,
            actor: new.actor,
            on: Granted::Patient(new.patient),
            export: false,
            purpose: PurposeOfUse::PatientRequest,
            reason: "words".to_owned(),
            words: seal_words(&self.inner.detail_key, institution, number, Words::Given, &checked),
            given_by: officer.actor().clone(),
            given: now,
            valid_from: now,
            valid_until: now.after(PATIENT_ACCOUNT_TIME),
            ended: None,
            ended_by: None,
            review_due: None,
            review: None,
        };
        match self.kept(officer, bound, intent, detail, now).await {
            Err(GrantError::TooMany) => Err(GrantError::Bound),
            other => other,
        }
    }

    /// Accounts of patients, for the officers who give rights or review; to a patient the own one.
    ///
    /// # Errors
    /// [`GrantError`].
    pub async fn patient_accounts(&self, session: &Session) -> Result<Vec<GrantRecord>, GrantError> {
        let of =
            if self.sees_all(session, GrantKind::OwnRecord).await? { None } else { Some(session.actor()) };
        self.listed(session, GrantKind::OwnRecord, of).await
    }

    /// Unbinds an account now: the security administrator, or the patient. So it is done where records are merged or were mixed up;
    /// it is bound anew by another look at who that is.
    ///
    /// # Errors
    /// [`GrantError::State`] when it is over.
    pub async fn unbind_patient_account(
        &self,
        session: &Session,
        number: u64,
    ) -> Result<GrantRecord, GrantError> {
        self.revoke_grant(session, GrantKind::OwnRecord, number).await
    }

    /// The record of the patient who asks.
    ///
    /// # Errors
    /// [`Refusal`] to everybody whose role is another one, and to an account that is bound to none.
    pub async fn own_record(&self, session: &Session) -> Result<PatientRef, Refusal> {
        let now = self.inner.clock.now();
        let standing = self.standing(session, now).await?;
        let principal = standing.map_err(|reason| Refusal::denied(reason, session.role()))?.principal;
        let is_patient = principal.kind == ActorKind::Person && principal.role == Role::Patient;
        if principal.disabled || !is_patient {
            let reason = if principal.disabled { Reason::AccountDisabled } else { Reason::NoRulePermits };
            return Err(Refusal::denied(reason, session.role()));
        }
        let held = self.held_grants(&principal, now).await.map_err(Refusal::FactsUnavailable)?;
        held.own_patient(now).ok_or_else(|| Refusal::denied(Reason::NoRulePermits, session.role()))
    }

    /// What a patient is told of somebody who looked: no name, but always the same word for the same person, and where that person works.
    ///
    /// # Errors
    /// [`Refusal::FactsUnavailable`].
    pub async fn told_to_patient(
        &self,
        session: &Session,
        patient: PatientRef,
        actor: &ActorId,
        kind: ActorKind,
    ) -> Result<OwnRecordLook, Refusal> {
        let (institution, now) = (session.institution(), self.inner.clock.now());
        let parts = [self.inner.detail_key.expose_secret().as_slice(), institution.as_str().as_bytes()];
        let key = derived_blake3("yingdun 2026-11 who looked, as a patient is told", &parts);
        let patient = patient.to_string();
        let whose = [patient.as_bytes(), &[0], kind.as_str().as_bytes(), &[0], actor.as_str().as_bytes()];
        let digest = keyed_blake3(&key, &whose);
        let pseudonym = digest.iter().take(PSEUDONYM_BYTES).map(|byte| format!("{byte:02x}")).collect();
        let oneself = kind == ActorKind::Person && actor == session.actor();
        let departments = if kind == ActorKind::Person && !oneself {
            self.departments_of(institution, actor, now).await?
        } else {
            Vec::new()
        };
        Ok(OwnRecordLook { pseudonym, departments, oneself })
    }

    async fn departments_of(
        &self,
        institution: &yingdun_model::InstitutionId,
        actor: &ActorId,
        now: Timestamp,
    ) -> Result<Vec<String>, Refusal> {
        let held = departments::of_actor(institution, actor, now).alone(&self.inner.catalogue).await;
        let held = held.map_err(Refusal::FactsUnavailable)?;
        let of = held.into_iter().filter(|held| held.valid_from <= now).filter_map(|held| match held.unit {
            Unit::Department(department) => Some(department.to_string()),
            Unit::Device(_) => None,
        });
        Ok(of.collect())
    }
}
