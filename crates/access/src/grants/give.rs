//! Giving a grant, reading grants, and revoking one.

use super::record::{Words, checked_words, seal_words};
use super::{GrantError, GrantRecord};
use crate::access::{Access, Decided, Refusal};
use crate::admin::{AdminError, ChangeDetail};
use crate::decision::{Decision, Resource, StudyFacts};
use crate::ledger;
use crate::reason::Reason;
use crate::session::Session;
use std::time::Duration;
use yingdun_audit::{Event, Receipt};
use yingdun_catalog::identity::grants::{self, Granted, TimedGrant};
use yingdun_catalog::identity::people;
use yingdun_catalog::{CatalogError, Statement};
use yingdun_crypto::random;
use yingdun_model::{
    Action, ActorId, ActorKind, Grade, GrantKind, PatientRef, PurposeOfUse, Role, StudyRef, Timestamp,
};

/// How long a grant lasts at most, and unless something else is said: a day. Who needs longer gets another one, by another
/// decision; a care relation is what lasts.
pub const GRANT_TIME_MAX: Duration = Duration::from_secs(24 * 3600);

/// How far ahead a grant may begin: a weekend's consult is arranged within the week.
pub(super) const BEGINS_WITHIN: Duration = Duration::from_secs(7 * 24 * 3600);

/// The shortest time: shorter ones are a mistake in the unit.
pub(super) const TIME_MIN: Duration = Duration::from_secs(60);

/// Open grants of one person at once. Each is a fact of every decision about that person.
pub(super) const OPEN_PER_PERSON_MAX: usize = 100;

/// Grants that a list shows, the newest.
pub(super) const LISTED_MAX: u32 = 1000;

/// Numbers are drawn below 2⁴⁰, which every reader of JSON keeps exactly.
const NUMBER_BYTES: usize = 5;

/// What a grant is to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantedStudies {
    /// One study.
    Study(StudyFacts),
    /// Every study of a patient, also one that comes later.
    Patient(PatientRef),
}

/// A grant that is to be given.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// To whom.
    pub actor: ActorId,
    /// On what.
    pub on: GrantedStudies,
    /// Whether the archive has it. What it has not is refused like what may not be seen, and written down.
    pub is_known: bool,
    /// Whether it may be taken out as a medium.
    pub export: bool,
    /// For what.
    pub purpose: PurposeOfUse,
    /// From when on; now when absent.
    pub from: Option<Timestamp>,
    /// For how long.
    pub lasts: Duration,
    /// Why, in words.
    pub words: String,
}

impl GrantedStudies {
    pub(super) const fn granted(&self) -> Granted {
        match self {
            Self::Study(study) => Granted::Study(study.study),
            Self::Patient(patient) => Granted::Patient(*patient),
        }
    }
}

/// How something is handed on: the right to hand on, what the giver must be able to do, and the word of the leaf.
#[derive(Clone, Copy)]
pub(super) struct Gift {
    pub(super) action: Action,
    pub(super) own: Action,
    pub(super) code: &'static str,
}

/// What is handed on, and to whom.
#[derive(Clone, Copy)]
pub(super) struct Handed<'a> {
    pub(super) actor: &'a ActorId,
    pub(super) on: &'a GrantedStudies,
    pub(super) is_known: bool,
}

impl Access {
    /// Gives another person a grant. The giver must be of a role that gives, and must be permitted the same at this moment; a
    /// grant that the giver got is none of the giver's rights to pass on. It ends with the care relation by which it was given.
    ///
    /// # Errors
    /// [`GrantError`]; [`GrantError::NotFound`] also where the giver may not see the study.
    pub async fn give_grant(&self, giver: &Session, new: NewGrant) -> Result<GrantRecord, GrantError> {
        let now = self.inner.clock.now();
        let words = checked_words(&new.words)?.to_owned();
        let from = new.from.unwrap_or(now);
        if new.lasts < TIME_MIN
            || new.lasts > GRANT_TIME_MAX
            || from > now.after(BEGINS_WITHIN)
            || from.after(new.lasts) <= now
        {
            return Err(GrantError::Time);
        }
        // People act for treatment at every door: a grant for anything else would open nothing, and say it had.
        if new.purpose != PurposeOfUse::Treatment {
            return Err(GrantError::Purpose);
        }
        let number = draw_number();
        let gift = Gift {
            action: Action::GiveGrant,
            own: if new.export { Action::Export } else { Action::View },
            code: "give-grant",
        };
        let to = Handed { actor: &new.actor, on: &new.on, is_known: new.is_known };
        let (intent, detail, own_until) = self.intend_gift(giver, gift, to, number).await?;
        if !new.is_known {
            return self.not_given(intent, detail, GrantError::NotFound).await;
        }
        if new.actor == *giver.actor() {
            return self.not_given(intent, detail, GrantError::Oneself).await;
        }
        let institution = giver.institution();
        let person = people::find(&self.inner.identity, institution, &new.actor).await?;
        if person.is_none_or(|person| person.disabled) {
            return self.not_given(intent, detail, GrantError::NotFound).await;
        }
        if from >= own_until {
            return self.not_given(intent, detail, GrantError::Time).await;
        }
        let on = new.on.granted();
        let grant = TimedGrant {
            number,
            kind: GrantKind::Given,
            actor: new.actor,
            on,
            export: new.export,
            purpose: new.purpose,
            reason: "words".to_owned(),
            words: seal_words(&self.inner.detail_key, institution, number, Words::Given, &words),
            given_by: giver.actor().clone(),
            given: now,
            valid_from: from,
            valid_until: from.after(new.lasts).min(own_until),
            ended: None,
            ended_by: None,
            review_due: None,
            review: None,
        };
        self.kept(giver, grant, intent, detail, now).await
    }

    /// Grants that the session may see: of everybody for the officers who give rights or review, otherwise those that the person
    /// has or gave.
    ///
    /// # Errors
    /// [`GrantError`].
    pub async fn grants(&self, session: &Session) -> Result<Vec<GrantRecord>, GrantError> {
        let of = if self.sees_all(session, GrantKind::Given).await? { None } else { Some(session.actor()) };
        self.listed(session, GrantKind::Given, of).await
    }

    /// One grant, for who may see it.
    ///
    /// # Errors
    /// [`GrantError::NotFound`].
    pub async fn grant(&self, session: &Session, number: u64) -> Result<GrantRecord, GrantError> {
        self.seen(session, GrantKind::Given, number).await
    }

    /// Ends a grant now: by who gave it, who has it, or an officer who gives rights. Broken glass ends the same way.
    ///
    /// # Errors
    /// [`GrantError::State`] when it is over.
    pub async fn revoke_grant(
        &self,
        session: &Session,
        kind: GrantKind,
        number: u64,
    ) -> Result<GrantRecord, GrantError> {
        let now = self.inner.clock.now();
        let GrantRecord { grant, .. } = self.seen(session, kind, number).await?;
        let institution = session.institution();
        // An officer who bound an account and is none any more has no say in it; the patient goes on having one.
        let own = grant.actor == *session.actor()
            || (kind != GrantKind::OwnRecord && grant.given_by == *session.actor());
        let accounts = Resource::Accounts(institution.clone());
        if !own {
            let office = self.decide(session, Action::ManageRights, &accounts).await?;
            if !office.permitted {
                return Err(Refusal::denied(office.reason, session.role()).into());
            }
        }
        if grant.ended.is_some() || grant.valid_until <= now {
            return Err(GrantError::State);
        }
        let code = match kind {
            GrantKind::Given => "revoke-grant",
            GrantKind::BreakGlass => "end-break-glass",
            GrantKind::Consultation if grant.actor == *session.actor() => "complete-consultation",
            GrantKind::Consultation => "withdraw-consultation",
            GrantKind::OwnRecord => "unbind-patient-account",
        };
        let detail = ChangeDetail::with(&grant.actor, number);
        let intent = self.record(of_grant(session, &grant, code), &detail).await;
        let intent = intent.map_err(Refusal::AuditUnavailable)?;
        let end = grants::end(institution, number, now, Some(session.actor()));
        let outcome = self.inner.identity.execute(vec![end.expecting(1)]).await;
        match self.carry_out(intent, detail, outcome).await {
            // Somebody else was faster.
            Err(AdminError::NotFound) => return Err(GrantError::State),
            other => other.map(|_| ())?,
        }
        let ended = TimedGrant { ended: Some(now), ended_by: Some(session.actor().clone()), ..grant };
        Ok(self.shown(institution, ended, now))
    }

    /// Grants of one kind, as records.
    pub(super) async fn listed(
        &self,
        session: &Session,
        kind: GrantKind,
        of: Option<&ActorId>,
    ) -> Result<Vec<GrantRecord>, GrantError> {
        let (now, institution) = (self.inner.clock.now(), session.institution());
        let rows = grants::list(&self.inner.identity, institution, kind, of, LISTED_MAX).await?;
        Ok(rows.into_iter().map(|row| self.shown(institution, row, now)).collect())
    }

    /// One of them, if the session may see it.
    pub(super) async fn seen(
        &self,
        session: &Session,
        kind: GrantKind,
        number: u64,
    ) -> Result<GrantRecord, GrantError> {
        let all = self.sees_all(session, kind).await?;
        let institution = session.institution();
        let grant = grants::find(&self.inner.identity, institution, number).await?;
        let own = |grant: &TimedGrant| {
            session.actor_kind() == ActorKind::Person
                && (grant.actor == *session.actor() || grant.given_by == *session.actor())
        };
        let grant = grant.filter(|grant| grant.kind == kind && (all || own(grant)));
        Ok(self.shown(institution, grant.ok_or(GrantError::NotFound)?, self.inner.clock.now()))
    }

    /// Whether somebody sees the grants of everybody. Who sees only the own ones must be a person who works with images.
    pub(super) async fn sees_all(&self, session: &Session, kind: GrantKind) -> Result<bool, GrantError> {
        let seen = self.may_one_of_grants(session).await?;
        let has_such = session.actor_kind() == ActorKind::Person
            && match kind {
                GrantKind::Given | GrantKind::BreakGlass => opens_some(session),
                GrantKind::Consultation => opens_some(session) || session.role() == Role::RemoteExpert,
                GrantKind::OwnRecord => session.role() == Role::Patient,
            };
        if seen || has_such {
            Ok(seen)
        } else {
            Err(Refusal::denied(Reason::NoRulePermits, session.role()).into())
        }
    }

    /// Keeps a grant that was written down, and says whether it was kept.
    pub(super) async fn kept(
        &self,
        giver: &Session,
        grant: TimedGrant,
        intent: Receipt,
        detail: ChangeDetail,
        now: Timestamp,
    ) -> Result<GrantRecord, GrantError> {
        let institution = giver.institution();
        // One account is one patient.
        let max = if grant.kind == GrantKind::OwnRecord { 1 } else { OPEN_PER_PERSON_MAX };
        let mut changes: Vec<Statement> = grants::still_below(institution, &grant.actor, now, max).into();
        changes.push(grants::insert(institution, &grant));
        let outcome = self.inner.identity.execute(changes).await;
        match self.carry_out(intent, detail, outcome).await {
            // Nobody deletes a person: it is the count that stood against it.
            Err(AdminError::NotFound) => return Err(GrantError::TooMany),
            other => other.map(|_| ())?,
        }
        self.watch(&grant, now);
        Ok(self.shown(institution, grant, now))
    }

    /// Learns the running time of a grant at its very beginning.
    pub(super) fn watch(&self, grant: &TimedGrant, now: Timestamp) {
        self.inner.running_times.end(grant.number, grant.valid_until, now, self.inner.clock.running());
    }

    /// Writes down that something that was permitted was not done, and says why.
    pub(super) async fn not_given<T>(
        &self,
        intent: Receipt,
        detail: ChangeDetail,
        error: GrantError,
    ) -> Result<T, GrantError> {
        let failed = Err::<(), _>(CatalogError::Constraint("not given".to_owned()));
        match self.carry_out(intent, detail, failed).await {
            Err(AdminError::OutcomeNotRecorded(lost)) => Err(AdminError::OutcomeNotRecorded(lost).into()),
            Ok(()) | Err(_) => Err(error),
        }
    }

    // === helpers ===

    async fn may_one_of_grants(&self, session: &Session) -> Result<bool, GrantError> {
        let accounts = Resource::Accounts(session.institution().clone());
        let archive = Resource::Archive(session.institution().clone());
        Ok(self.decide(session, Action::ManageRights, &accounts).await?.permitted
            || self.decide(session, Action::ReviewBreakGlass, &archive).await?.permitted)
    }

    /// Decides whether the giver may give, and may do the same, and writes the decision down. Says until when the giver's own
    /// right lasts.
    pub(super) async fn intend_gift(
        &self,
        giver: &Session,
        gift: Gift,
        new: Handed<'_>,
        number: u64,
    ) -> Result<(Receipt, ChangeDetail, Timestamp), GrantError> {
        let (now, studies) = (self.inner.clock.now(), asked_about(giver, new.on, self.inner.clock.now()));
        let mut decision = Decision { permitted: true, reason: Reason::GivesWhatIsHeld };
        let (mut sees, mut until) = (true, Timestamp::from_ms(i64::MAX));
        let mut policy_set = self.policy_set();
        for study in &studies {
            // By the giver's own right: what was granted to the giver is not passed on.
            let Decided { decision: held, basis, .. } = self.decide_at(giver, gift.own, study, now).await?;
            let given = self.decide_at(giver, gift.action, study, now).await?;
            let (gives, by) = (given.decision, given.policy_set);
            policy_set = by;
            let viewed = self.decide_at(giver, Action::View, study, now).await?.decision;
            sees &= viewed.permitted;
            until = until.min(basis.until);
            let held = if basis.grant.is_some() { Decision::refused(Reason::NoRulePermits) } else { held };
            for part in [gives, held] {
                if decision.permitted && !part.permitted {
                    decision = part;
                }
            }
        }
        let (study, patient) = match new.on {
            GrantedStudies::Study(study) => (Some(study.study), new.is_known.then_some(study.patient)),
            GrantedStudies::Patient(patient) => (None, Some(*patient)),
        };
        let reason = if decision.permitted { ledger::word(gift.code) } else { ledger::code(decision.reason) };
        let resource = Resource::Archive(giver.institution().clone());
        let decided = ledger::decided(giver, gift.action, &resource, decision, policy_set);
        let counts = decided.counts.clone().with(ledger::GRANT, number);
        let event = Event { reason, study, patient, counts, ..decided };
        let detail = ChangeDetail::with(new.actor, number);
        let intent = self.record(event, &detail).await.map_err(Refusal::AuditUnavailable)?;
        if decision.permitted {
            return Ok((intent, detail, until));
        }
        // Who opens studies must not learn that there is one that does not open.
        if (!sees || !new.is_known) && opens_some(giver) {
            return Err(GrantError::NotFound);
        }
        Err(Refusal::denied(decision.reason, giver.role()).into())
    }
}

/// What is decided for the giver: the study, or for a patient a study of each grade that may be granted, as none of them is to
/// open by a right that the giver does not have.
fn asked_about(giver: &Session, on: &GrantedStudies, now: Timestamp) -> Vec<Resource> {
    match on {
        GrantedStudies::Study(study) => vec![Resource::Study(study.clone())],
        GrantedStudies::Patient(patient) => Grade::ALL
            .iter()
            .filter(|grade| **grade != Grade::L5)
            .map(|grade| {
                Resource::Study(StudyFacts {
                    institution: giver.institution().clone(),
                    study: StudyRef::from_bytes([0; 16]),
                    patient: *patient,
                    grade: *grade,
                    // Not of today: who sees what came today does not see the patient.
                    received: Timestamp::from_ms(now.as_ms().saturating_sub(2 * 24 * 3600 * 1000)),
                })
            })
            .collect(),
    }
}

/// Whether somebody opens studies at all, and so hears of one that may not be opened that there is none.
fn opens_some(session: &Session) -> bool {
    matches!(
        session.role(),
        Role::Clinician | Role::Radiologist | Role::Specialist | Role::Chief | Role::Technician
    ) && session.actor_kind() == ActorKind::Person
}

/// A number by chance.
pub(crate) fn draw_number() -> u64 {
    random::array::<NUMBER_BYTES>().iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A leaf about a grant.
pub(super) fn of_grant(session: &Session, grant: &TimedGrant, code: &'static str) -> Event {
    let leaf = ledger::session_leaf(session, ledger::word(code));
    let (study, patient) = match grant.on {
        Granted::Study(study) => (Some(study), None),
        Granted::Patient(patient) => (None, Some(patient)),
    };
    let counts = leaf.counts.clone().with(ledger::GRANT, grant.number);
    Event { study, patient, counts, ..leaf }
}
