//! Consents of patients: entered with what shows them, withdrawn, listed. The office of the security administrator, as that of dissents.

use super::{AdminError, Change, ChangeDetail, HeldRefs};
use crate::access::Access;
use crate::grants::draw_number;
use crate::session::Session;
use yingdun_catalog::CatalogError;
use yingdun_catalog::catalogue::consents::{self, Consent, ConsentTo};
use yingdun_catalog::catalogue::departments;
use yingdun_crypto::{Context, Sealed, SealingKey};
use yingdun_model::{Action, ConsentForm, ConsentGiver, InstitutionId, PatientRef, Timestamp};

/// The longest reference: a number, a place and a date, for whom else it is, and no copy of the paper.
pub(super) const REFERENCE_CHARACTERS_MAX: usize = 500;
/// The most of one list.
const LISTED_MAX: u32 = 10_000;

/// What is entered.
#[derive(Clone, Debug)]
pub struct NewConsent {
    /// Whose studies.
    pub patient: PatientRef,
    /// Whether there is a study of the patient, or the officer said that there is none yet: what names nobody opens nothing.
    pub is_known: bool,
    /// To what.
    pub to: ConsentTo,
    /// In what form it was given.
    pub form: ConsentForm,
    /// By whom.
    pub giver: ConsentGiver,
    /// Where the evidence is, in words; kept sealed.
    pub reference: String,
    /// From when on; now when absent.
    pub valid_from: Option<Timestamp>,
    /// Until when, exclusive; until it is withdrawn when absent.
    pub valid_until: Option<Timestamp>,
}

/// A consent as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentRecord {
    /// The consent.
    pub consent: Consent,
    /// Where the evidence is; nothing where it cannot be opened.
    pub reference: Option<String>,
}

impl Access {
    /// Enters a consent. It holds for the next decision.
    ///
    /// # Errors
    /// [`AdminError::EmptyInterval`]; [`AdminError::ConsentReference`]; [`AdminError::UnknownPatient`]; [`AdminError::NotFound`] for an
    /// unknown project, or where the patient has too many.
    pub async fn enter_consent(
        &self,
        officer: &Session,
        new: NewConsent,
    ) -> Result<ConsentRecord, AdminError> {
        let (institution, now) = (officer.institution(), self.inner.clock.now());
        let number = draw_number();
        let reference = checked(&new.reference)?.to_owned();
        let consent = Consent {
            number,
            patient: new.patient,
            to: new.to,
            form: new.form,
            giver: new.giver,
            reference: seal(&self.inner.identity_key, institution, number, &reference),
            valid_from: new.valid_from.unwrap_or(now),
            valid_until: new.valid_until.unwrap_or(Timestamp::from_ms(i64::MAX)),
            entered_by: officer.actor().clone(),
            withdrawn: None,
        };
        if consent.valid_from >= consent.valid_until || consent.valid_until <= now {
            return Err(AdminError::EmptyInterval);
        }
        let detail = ChangeDetail::with(consent.to.kind(), number);
        let change = Change { action: Action::ManageRights, code: "enter-consent", detail };
        let on = HeldRefs { study: None, patient: Some(consent.patient) };
        let (intent, detail) = self.intend_on(officer, change, on).await?;
        if !new.is_known {
            return match self.carry_out(intent, detail, Err::<(), _>(nothing())).await {
                Err(AdminError::NotFound) => Err(AdminError::UnknownPatient),
                Err(error) => Err(error),
                Ok(()) => Err(AdminError::UnknownPatient),
            };
        }
        let outcome = match self.knows_project(institution, &consent.to).await {
            Ok(true) => {
                let enter = consents::enter(institution, &consent, now);
                self.inner.catalogue.execute(vec![enter]).await
            }
            Ok(false) => Err(nothing()),
            Err(error) => Err(error),
        };
        self.carry_out(intent, detail, outcome).await?;
        Ok(ConsentRecord { consent, reference: Some(reference) })
    }

    /// Withdraws one now: as easy as to give it, no reason is asked for. What rests on it ends within seconds.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none that lasts.
    pub async fn withdraw_consent(&self, officer: &Session, number: u64) -> Result<(), AdminError> {
        let institution = officer.institution();
        // The leaf names the patient; whether there is one is found out again by the change.
        let found = consents::find(&self.inner.catalogue, institution, number).await;
        let patient = found.map_err(AdminError::Unavailable)?.map(|consent| consent.patient);
        let detail = ChangeDetail::with("consent", number);
        let change = Change { action: Action::ManageRights, code: "withdraw-consent", detail };
        let (intent, detail) = self.intend_on(officer, change, HeldRefs { study: None, patient }).await?;
        let withdraw = consents::withdraw(institution, number, officer.actor(), self.inner.clock.now());
        self.carry_out(intent, detail, self.inner.catalogue.execute(vec![withdraw]).await).await.map(drop)
    }

    /// The newest first: those that are not over, or with `all` what there ever was.
    ///
    /// # Errors
    /// As [`AdminError`].
    pub async fn consents(&self, officer: &Session, all: bool) -> Result<Vec<ConsentRecord>, AdminError> {
        self.may_manage_rights(officer).await?;
        let (institution, now) = (officer.institution(), self.inner.clock.now());
        let not_over = (!all).then_some(now);
        let found = consents::list(&self.inner.catalogue, institution, not_over, LISTED_MAX).await;
        let found = found.map_err(AdminError::Unavailable)?.into_iter();
        let opened = found.map(|consent| {
            let reference = open(&self.inner.identity_key, institution, &consent);
            ConsentRecord { consent, reference }
        });
        Ok(opened.collect())
    }

    async fn knows_project(&self, institution: &InstitutionId, to: &ConsentTo) -> Result<bool, CatalogError> {
        let Some(project) = to.project() else { return Ok(true) };
        let all = departments::list(&self.inner.catalogue, institution).await?;
        Ok(all.iter().any(|known| known.id == *project))
    }
}

// === helpers ===

const fn nothing() -> CatalogError {
    CatalogError::UnexpectedRows { statement: 0, expected: 1, came: 0 }
}

/// A consent that nothing shows is none (PIPL Art. 69: who processes has to show it).
fn checked(reference: &str) -> Result<&str, AdminError> {
    let reference = reference.trim();
    let fits = !reference.is_empty() && reference.chars().count() <= REFERENCE_CHARACTERS_MAX;
    if fits { Ok(reference) } else { Err(AdminError::ConsentReference) }
}

fn seal(key: &SealingKey, institution: &InstitutionId, number: u64, reference: &str) -> Vec<u8> {
    let sealed = Sealed::seal(key, &context(institution, number), &reference.to_owned());
    // What cannot be sealed is left out: nothing of a patient lies in the clear.
    sealed.map(Sealed::into_bytes).unwrap_or_default()
}

fn open(key: &SealingKey, institution: &InstitutionId, consent: &Consent) -> Option<String> {
    let context = context(institution, consent.number);
    Sealed::<String>::from_bytes(consent.reference.clone()).open(key, &context).ok()
}

/// To what the words are bound: moved to another consent they do not open.
fn context(institution: &InstitutionId, number: u64) -> Context {
    Context::new("yingdun/consent-reference/v1").field(institution.as_str()).field(number.to_string())
}
