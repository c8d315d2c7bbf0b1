//! Breaking the glass, and the review that follows.

use super::give::{draw_number, of_grant};
use super::quota::{BREAK_GLASS_TIME_MAX, BreakGlassQuota, REMEMBERED, quota};
use super::record::{Words, checked_words, seal_words};
use super::{GrantError, GrantRecord};
use crate::access::{Access, Refusal};
use crate::admin::{AdminError, Change, ChangeDetail, HeldRefs};
use crate::decision::Resource;
use crate::ledger;
use crate::reason::Reason;
use crate::session::Session;
use std::time::Duration;
use yingdun_audit::{Event, Receipt};
use yingdun_catalog::identity::grants::{self, Granted, Review, TimedGrant};
use yingdun_catalog::{CatalogError, Statement};
use yingdun_model::{
    Action, ActorKind, BreakGlassReason, GrantKind, PatientRef, PurposeOfUse, ReviewVerdict, Secret,
    Timestamp,
};

/// Until when a case is to be reviewed.
const REVIEW_WITHIN: Duration = Duration::from_secs(72 * 3600);

/// The shortest time: shorter ones are a mistake in the unit.
const TIME_MIN: Duration = Duration::from_secs(60);

/// An emergency.
#[derive(Debug)]
pub struct NewBreakGlass {
    /// Whom it is about.
    pub patient: PatientRef,
    /// Whether the archive has anything of this patient.
    pub is_known: bool,
    /// Why.
    pub reason: BreakGlassReason,
    /// The same in words.
    pub words: String,
    /// For how long; a quota may make it less.
    pub lasts: Duration,
    /// The password; may be left out within five minutes of a sign-in with it.
    pub password: Option<Secret<String>>,
}

/// A case that was just opened, and what is left to the person.
#[derive(Clone, Debug)]
pub struct BrokenGlass {
    /// The case.
    pub record: GrantRecord,
    /// The quota by which its time was measured.
    pub quota: BreakGlassQuota,
}

/// Cases that wait for their review.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReviewsDue {
    /// All of them.
    pub waiting: u64,
    /// Those that have waited too long.
    pub overdue: u64,
}

impl Access {
    /// Opens one patient for a person who breaks the glass, until it ends or the time is over, and a case for review.
    ///
    /// # Errors
    /// [`GrantError`]; [`GrantError::StepUp`] without the password.
    pub async fn break_glass(
        &self,
        session: &Session,
        new: NewBreakGlass,
    ) -> Result<BrokenGlass, GrantError> {
        let words = checked_words(&new.words)?.to_owned();
        if new.lasts < TIME_MIN || new.lasts > BREAK_GLASS_TIME_MAX {
            return Err(GrantError::BreakGlassTime);
        }
        let (institution, number) = (session.institution(), draw_number());
        let (intent, detail) = self.intend_broken(session, &new, number).await?;
        if let Err(error) = self.step_up(session, new.password).await {
            return self.not_given(intent, detail, error.into()).await;
        }
        let now = self.inner.clock.now();
        let since =
            Timestamp::from_ms(now.as_ms().saturating_sub(Timestamp::from_ms(0).after(REMEMBERED).as_ms()));
        let (identity, actor) = (&self.inner.identity, session.actor());
        let words = seal_words(&self.inner.detail_key, institution, number, Words::Given, &words);
        // Each time round somebody opened a case in between, and so often the quota lets nobody.
        let (grant, quota, ended, outcome) = loop {
            let cases = grants::broken_since(identity, institution, actor, since).await?;
            // The quota first: above it nobody learns whom the archive knows.
            let Some(quota) = quota(&cases, now) else {
                return self.not_given(intent, detail, GrantError::Quota).await;
            };
            if !new.is_known {
                return self.not_given(intent, detail, GrantError::NotFound).await;
            }
            let grant = TimedGrant {
                number,
                kind: GrantKind::BreakGlass,
                actor: actor.clone(),
                on: Granted::Patient(new.patient),
                export: false,
                purpose: PurposeOfUse::BreakTheGlass,
                reason: new.reason.as_str().to_owned(),
                words: words.clone(),
                given_by: actor.clone(),
                given: now,
                valid_from: now,
                valid_until: now.after(new.lasts.min(quota.time_max)),
                ended: None,
                ended_by: None,
                review_due: Some(now.after(REVIEW_WITHIN)),
                review: None,
            };
            let mut changes: Vec<Statement> =
                grants::still_broken(institution, actor, since, cases.len()).into();
            changes.push(grants::insert(institution, &grant));
            let mut ended = Vec::new();
            for case in cases.iter().filter(|case| quota.ends_others && is_open(case, now)) {
                let detail = ChangeDetail::with(&case.actor, case.number);
                let leaf = self.record(of_grant(session, case, "end-break-glass"), &detail).await;
                ended.push((leaf.map_err(Refusal::AuditUnavailable)?, detail));
                changes.push(grants::end(institution, case.number, now, Some(actor)));
            }
            match identity.execute(changes).await {
                Err(error @ CatalogError::UnexpectedRows { statement: 1, .. }) => {
                    self.note_ended(ended, &Err(error)).await?;
                }
                outcome => break (grant, quota, ended, outcome),
            }
        };
        let noted = self.note_ended(ended, &outcome).await;
        self.carry_out(intent, detail, outcome).await?;
        noted?;
        self.watch(&grant, now);
        self.notice_broken_glass(session, new.patient, now).await;
        metrics::counter!("yingdun_break_glass_total", "reason" => new.reason.as_str()).increment(1);
        Ok(BrokenGlass { record: self.shown(institution, grant, now), quota })
    }

    /// Cases of broken glass: of everybody for who reviews them, otherwise the own ones.
    ///
    /// # Errors
    /// [`GrantError`].
    pub async fn broken_glass(&self, session: &Session) -> Result<Vec<GrantRecord>, GrantError> {
        let of =
            if self.sees_all(session, GrantKind::BreakGlass).await? { None } else { Some(session.actor()) };
        self.listed(session, GrantKind::BreakGlass, of).await
    }

    /// One case, for who may see it.
    ///
    /// # Errors
    /// [`GrantError::NotFound`].
    pub async fn break_glass_case(&self, session: &Session, number: u64) -> Result<GrantRecord, GrantError> {
        self.seen(session, GrantKind::BreakGlass, number).await
    }

    /// Judges a case. A person who had no reason may break less glass from now on.
    ///
    /// # Errors
    /// [`GrantError::SamePerson`]; [`GrantError::State`] when it was reviewed already.
    pub async fn review_break_glass(
        &self,
        session: &Session,
        number: u64,
        verdict: ReviewVerdict,
        words: &str,
    ) -> Result<GrantRecord, GrantError> {
        let words = checked_words(words)?;
        let institution = session.institution();
        let found = grants::find(&self.inner.identity, institution, number).await?;
        let found = found.filter(|case| case.kind == GrantKind::BreakGlass);
        let patient = found.as_ref().and_then(|case| match case.on {
            Granted::Patient(patient) => Some(patient),
            Granted::Study(_) => None,
        });
        let subject = found.as_ref().map_or_else(|| "unknown".to_owned(), |case| case.actor.to_string());
        let code = match verdict {
            ReviewVerdict::Justified => "review-justified",
            ReviewVerdict::NotJustified => "review-not-justified",
        };
        let change =
            Change { action: Action::ReviewBreakGlass, code, detail: ChangeDetail::with(subject, number) };
        let (intent, detail) = self.intend_on(session, change, HeldRefs { study: None, patient }).await?;
        let Some(case) = found else {
            return self.not_given(intent, detail, GrantError::NotFound).await;
        };
        if case.actor == *session.actor() {
            return self.not_given(intent, detail, GrantError::SamePerson).await;
        }
        let now = self.inner.clock.now();
        let review = Review {
            by: session.actor().clone(),
            at: now,
            verdict,
            words: seal_words(&self.inner.detail_key, institution, number, Words::Review, words),
        };
        let change = grants::review(institution, number, &review);
        match self.carry_out(intent, detail, self.inner.identity.execute(vec![change]).await).await {
            Err(AdminError::NotFound) => return Err(GrantError::State),
            other => other.map(|_| ())?,
        }
        Ok(self.shown(institution, TimedGrant { review: Some(review), ..case }, now))
    }

    /// Cases of this installation that wait for a review.
    ///
    /// # Errors
    /// [`CatalogError`] when they cannot be read.
    pub async fn reviews_due(&self) -> Result<ReviewsDue, CatalogError> {
        let now = self.inner.clock.now();
        let (waiting, overdue) =
            grants::to_review(&self.inner.identity, &self.inner.institution, now).await?;
        Ok(ReviewsDue { waiting, overdue })
    }

    /// Writes down whether the cases ended that a new one was to end.
    async fn note_ended(
        &self,
        ended: Vec<(Receipt, ChangeDetail)>,
        outcome: &Result<Vec<u64>, CatalogError>,
    ) -> Result<(), GrantError> {
        for (intent, detail) in ended {
            let outcome = outcome.as_ref().map(|_| ()).map_err(Clone::clone);
            // What else failed is told by the case that was to be opened.
            if let Err(AdminError::OutcomeNotRecorded(lost)) = self.carry_out(intent, detail, outcome).await {
                return Err(AdminError::OutcomeNotRecorded(lost).into());
            }
        }
        Ok(())
    }

    /// Decides whether somebody may break the glass, and writes it down before anything is tried.
    async fn intend_broken(
        &self,
        session: &Session,
        new: &NewBreakGlass,
        number: u64,
    ) -> Result<(Receipt, ChangeDetail), GrantError> {
        let resource = Resource::Archive(session.institution().clone());
        let (decision, policy_set) = self.decide_by(session, Action::BreakGlass, &resource).await?;
        let decided = ledger::decided(session, Action::BreakGlass, &resource, decision, policy_set);
        let counts = decided.counts.clone().with(ledger::GRANT, number);
        let reason = if decision.permitted { ledger::word(code_of(new.reason)) } else { decided.reason };
        let event = Event { reason, patient: Some(new.patient), counts, ..decided };
        let detail = ChangeDetail::with(session.actor(), number);
        let intent = self.record(event, &detail).await.map_err(Refusal::AuditUnavailable)?;
        if decision.permitted && session.actor_kind() == ActorKind::Person {
            return Ok((intent, detail));
        }
        let reason = if decision.permitted { Reason::NoRulePermits } else { decision.reason };
        Err(Refusal::denied(reason, session.role()).into())
    }
}

fn is_open(case: &TimedGrant, now: Timestamp) -> bool {
    case.ended.is_none() && now < case.valid_until
}

/// The code of the leaf that opens a case.
const fn code_of(reason: BreakGlassReason) -> &'static str {
    match reason {
        BreakGlassReason::EmergencyTreatment => "break-glass-emergency",
        BreakGlassReason::UnconsciousPatient => "break-glass-unconscious",
        BreakGlassReason::OnCallCover => "break-glass-on-call",
        BreakGlassReason::SystemFailure => "break-glass-system-failure",
        BreakGlassReason::Other => "break-glass-other",
    }
}
