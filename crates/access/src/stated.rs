//! Reasons that people give when the monitor asks why they open a patient: the leaf, the row, and the review.
//!
//! A reason opens nothing that a policy does not permit. It answers a question of whoever watches, for one person and one patient, until
//! the end of a shift; and somebody else reads it.

use crate::access::{Access, Refusal};
use crate::admin::{AdminError, Change, ChangeDetail, HeldRefs};
use crate::decision::Resource;
use crate::grants::{REASON_CHARACTERS_MAX, draw_number};
use crate::ledger;
use crate::session::Session;
use yingdun_audit::{Event, Outcome};
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::grants::Review;
use yingdun_catalog::identity::stated_reasons::{self, StatedReasonRow};
use yingdun_crypto::{Context, Sealed, SealingKey};
use yingdun_model::{Action, ActorKind, InstitutionId, PatientRef, ReviewVerdict, StatedReason, Timestamp};

/// Reasons that a list shows, the newest.
const LISTED_MAX: u32 = 1000;
/// Reasons of one person that hold at once: who is asked so often has no shift, but a list.
const HELD_MAX: u64 = 200;

/// A reason, as people read it.
#[derive(Clone, Debug)]
pub struct StatedRecord {
    /// The row.
    pub row: StatedReasonRow,
    /// Why, in words; none where they cannot be opened any more.
    pub words: Option<String>,
    /// What the reviewer wrote.
    pub review_words: Option<String>,
    /// Whether it explains something at the moment of reading.
    pub holds: bool,
}

/// Why a reason was not taken, read or judged.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatedError {
    /// Who asks may not, or it could not be written down or kept.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// Only a person has reasons.
    #[error("only a person gives a reason")]
    NotAPerson,
    /// No words, or too many.
    #[error("expected 1 to {REASON_CHARACTERS_MAX} characters that say why")]
    Words,
    /// Too many hold already.
    #[error("there are {HELD_MAX} reasons already that hold")]
    TooMany,
    /// There is no such reason.
    #[error("there is no such reason")]
    NotFound,
    /// Nobody judges what is their own.
    #[error("nobody judges the own reason")]
    SamePerson,
    /// It was judged already.
    #[error("it was judged already")]
    State,
}

impl From<Refusal> for StatedError {
    fn from(refusal: Refusal) -> Self {
        Self::Admin(refusal.into())
    }
}

impl From<CatalogError> for StatedError {
    fn from(error: CatalogError) -> Self {
        Self::Admin(AdminError::Unavailable(error))
    }
}

impl Access {
    /// Takes the reason of a person for opening a patient. The answer says nothing of whether there is such a patient.
    ///
    /// # Errors
    /// [`StatedError`].
    pub async fn state_reason(
        &self,
        session: &Session,
        patient: PatientRef,
        code: StatedReason,
        words: &str,
    ) -> Result<StatedRecord, StatedError> {
        if session.actor_kind() != ActorKind::Person {
            return Err(StatedError::NotAPerson);
        }
        let words = checked(words)?;
        let (identity, institution, actor) = (&self.inner.identity, session.institution(), session.actor());
        let now = self.inner.clock.now();
        if stated_reasons::count_valid(identity, institution, actor, now).await? >= HELD_MAX {
            return Err(StatedError::TooMany);
        }
        let number = draw_number();
        let row = StatedReasonRow {
            number,
            actor: actor.clone(),
            role: session.role(),
            patient,
            code,
            words: seal(&self.inner.detail_key, institution, number, Words::Given, words),
            given: now,
            valid_until: now.after(self.inner.watch.reason_lasts()),
            review: None,
        };
        let leaf =
            Event { patient: Some(patient), ..ledger::session_leaf(session, ledger::word(word_of(code))) };
        let counts = leaf.counts.clone().with(ledger::STATED, number);
        let detail = ChangeDetail::with(actor, words);
        let intent = self.record(Event { counts, ..leaf }, &detail).await;
        let intent = intent.map_err(Refusal::AuditUnavailable)?;
        let outcome = identity.execute(vec![stated_reasons::insert(institution, &row)]).await;
        self.carry_out(intent, detail, outcome).await?;
        Ok(self.stated(row, now))
    }

    /// The reasons that the person of a session gave, the newest first.
    ///
    /// # Errors
    /// [`StatedError`].
    pub async fn own_stated_reasons(&self, session: &Session) -> Result<Vec<StatedRecord>, StatedError> {
        if session.actor_kind() != ActorKind::Person {
            return Err(StatedError::NotAPerson);
        }
        let rows =
            stated_reasons::list_of(&self.inner.identity, session.institution(), session.actor(), LISTED_MAX);
        let now = self.inner.clock.now();
        Ok(rows.await?.into_iter().map(|row| self.stated(row, now)).collect())
    }

    /// The reasons of everybody, the newest first, for who lifts what the monitor stops.
    ///
    /// # Errors
    /// [`StatedError`].
    pub async fn stated_reasons(
        &self,
        session: &Session,
        new_only: bool,
    ) -> Result<Vec<StatedRecord>, StatedError> {
        let resource = Resource::Archive(session.institution().clone());
        let decision = self.decide(session, Action::LiftStop, &resource).await?;
        if !decision.permitted {
            return Err(Refusal::denied(decision.reason, session.role()).into());
        }
        let rows = stated_reasons::list(&self.inner.identity, session.institution(), new_only, LISTED_MAX);
        let now = self.inner.clock.now();
        Ok(rows.await?.into_iter().map(|row| self.stated(row, now)).collect())
    }

    /// Judges a reason, as another person than who gave it. One that was none holds no longer.
    ///
    /// # Errors
    /// [`StatedError::SamePerson`]; [`StatedError::State`] when it was judged already.
    pub async fn review_stated_reason(
        &self,
        session: &Session,
        number: u64,
        verdict: ReviewVerdict,
        words: &str,
    ) -> Result<StatedRecord, StatedError> {
        let words = checked(words)?;
        let (identity, institution) = (&self.inner.identity, session.institution());
        let found = stated_reasons::find(identity, institution, number).await?;
        let code = match verdict {
            ReviewVerdict::Justified => "stated-justified",
            ReviewVerdict::NotJustified => "stated-not-justified",
        };
        let subject = found.as_ref().map_or_else(|| "unknown".to_owned(), |row| row.actor.to_string());
        let change = Change { action: Action::LiftStop, code, detail: ChangeDetail::with(subject, number) };
        let patient = found.as_ref().map(|row| row.patient);
        let (intent, detail) = self.intend_on(session, change, HeldRefs { study: None, patient }).await?;
        let refused = match found {
            None => Some(StatedError::NotFound),
            Some(row) if session.actor_kind() == ActorKind::Person && row.actor == *session.actor() => {
                Some(StatedError::SamePerson)
            }
            Some(_) => None,
        };
        if let Some(error) = refused {
            let failed = Event { outcome: Outcome::Failed, detail: None, ..intent.event().clone() };
            self.record(failed, &detail).await.map_err(Refusal::AuditUnavailable)?;
            return Err(error);
        }
        let now = self.inner.clock.now();
        let review = Review {
            by: session.actor().clone(),
            at: now,
            verdict,
            words: seal(&self.inner.detail_key, institution, number, Words::Review, words),
        };
        let mut changes = vec![stated_reasons::review(institution, number, &review)];
        if verdict == ReviewVerdict::NotJustified {
            changes.push(stated_reasons::end(institution, number, now));
        }
        match self.carry_out(intent, detail, identity.execute(changes).await).await {
            Err(AdminError::NotFound) => return Err(StatedError::State),
            other => other?,
        };
        let row = stated_reasons::find(identity, institution, number).await?;
        Ok(self.stated(row.ok_or(StatedError::NotFound)?, now))
    }

    /// The number of a reason that the person of a session gave for a patient and that still holds.
    pub(crate) async fn reason_stated(
        &self,
        session: &Session,
        patient: PatientRef,
        now: Timestamp,
    ) -> Result<Option<u64>, Refusal> {
        if session.actor_kind() != ActorKind::Person {
            return Ok(None);
        }
        let (identity, institution) = (&self.inner.identity, session.institution());
        let found = stated_reasons::valid(identity, institution, session.actor(), patient, now).await;
        found.map_err(Refusal::FactsUnavailable)
    }

    fn stated(&self, row: StatedReasonRow, now: Timestamp) -> StatedRecord {
        let (key, institution) = (&self.inner.detail_key, &self.inner.institution);
        let words = open(key, institution, row.number, Words::Given, &row.words);
        let review = row.review.as_ref();
        let review_words =
            review.and_then(|review| open(key, institution, row.number, Words::Review, &review.words));
        StatedRecord { words, review_words, holds: now < row.valid_until, row }
    }
}

// === helpers ===

/// Whose words they are.
#[derive(Clone, Copy, Debug)]
enum Words {
    Given,
    Review,
}

fn checked(words: &str) -> Result<&str, StatedError> {
    let words = words.trim();
    let fits = !words.is_empty() && words.chars().count() <= REASON_CHARACTERS_MAX;
    if fits { Ok(words) } else { Err(StatedError::Words) }
}

/// The word of a leaf that says which reason was given.
const fn word_of(code: StatedReason) -> &'static str {
    match code {
        StatedReason::AskedForOpinion => "stated-asked-for-opinion",
        StatedReason::Reporting => "stated-reporting",
        StatedReason::FollowUp => "stated-follow-up",
        StatedReason::StandingIn => "stated-standing-in",
        StatedReason::Conference => "stated-conference",
        StatedReason::Quality => "stated-quality",
        StatedReason::Teaching => "stated-teaching",
        StatedReason::Other => "stated-other",
    }
}

fn seal(key: &SealingKey, institution: &InstitutionId, number: u64, which: Words, words: &str) -> Vec<u8> {
    let sealed = Sealed::seal(key, &context(institution, number, which), &words.to_owned());
    // What cannot be sealed is left out: no reason of a person lies in the clear.
    sealed.map(Sealed::into_bytes).unwrap_or_default()
}

fn open(
    key: &SealingKey,
    institution: &InstitutionId,
    number: u64,
    which: Words,
    sealed: &[u8],
) -> Option<String> {
    Sealed::<String>::from_bytes(sealed.to_vec()).open(key, &context(institution, number, which)).ok()
}

/// What sealed words are bound to: moved to another row, or to the other column, they do not open.
fn context(institution: &InstitutionId, number: u64, which: Words) -> Context {
    let which = match which {
        Words::Given => "given",
        Words::Review => "review",
    };
    Context::new("yingdun/stated-reason/v1")
        .field(institution.as_str())
        .field(number.to_string())
        .field(which)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_a_word_of_its_own_in_leaves() {
        for code in StatedReason::ALL {
            assert_eq!(word_of(*code), format!("stated-{code}"));
            assert_eq!(ledger::word(word_of(*code)).as_str(), word_of(*code));
        }
    }
}
