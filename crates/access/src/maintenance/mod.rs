//! Maintenance sessions: what a technician of a company may look at, for whom one officer asks and another says yes.
//!
//! ```text
//!  system administrator ─► open ─► waits ─► approve ◄─ security administrator ─► begins at its time ─► over: leaf, sign-ins end
//!                                    └─ withdrawn, or its time is over ─────────────────────┘ ended by either of the two
//! ```
//!
//! Its approval lapses when who gave it loses the office, also while it is open: then it waits for another officer.
//!
//! A session is a fact with an interval, like a grant, and Cedar compares the interval with the time: nothing has to run for one to end, and a
//! clock that is set back makes none longer. What it opens is the state of the system; two guardrails keep a vendor from everything else.

mod facts;
mod record;

pub use record::{MaintenanceRecord, MaintenanceState};

pub(crate) use facts::OpenMaintenance;

use crate::access::{Access, Decided, Refusal};
use crate::admin::{AdminError, ChangeDetail};
use crate::decision::Resource;
use crate::grants::{REASON_CHARACTERS_MAX, draw_number};
use crate::ledger;
use crate::reason::Reason;
use crate::session::Session;
use record::{approval_lapsed, seal_words};
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;
use yingdun_audit::{AuditError, Event, Outcome, Receipt};
use yingdun_catalog::identity::maintenance::{self, MaintenanceRow};
use yingdun_catalog::identity::people::{self, Holding};
use yingdun_catalog::identity::sessions;
use yingdun_catalog::{CatalogError, Statement};
use yingdun_model::{Action, ActorId, ActorKind, MaintenanceScope, Role, Timestamp};

/// How long a session lasts unless something else is said.
pub const MAINTENANCE_TIME: Duration = Duration::from_secs(2 * 3600);

/// How long it lasts at most: a working day. Who needs longer has one opened and approved anew.
pub const MAINTENANCE_TIME_MAX: Duration = Duration::from_secs(8 * 3600);

/// The shortest time: shorter ones are a mistake in the unit.
const TIME_MIN: Duration = Duration::from_secs(60);

/// How far ahead one may begin: a visit is arranged within the week.
const BEGINS_WITHIN: Duration = Duration::from_secs(7 * 24 * 3600);

/// Sessions of one vendor that are not over, waiting ones too. Each is a fact of every decision about that person.
const OF_ONE_MAX: usize = 4;

/// Sessions that a list shows, the newest.
const LISTED_MAX: u32 = 1000;

/// Why a session was not opened, approved or ended.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MaintenanceError {
    /// Who asks may not, or it could not be written down or kept.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// There is no such person or session.
    #[error("there is no such person or maintenance session")]
    NotFound,
    /// A session is opened for somebody of a company.
    #[error("this person does not have the role `vendor`")]
    NoVendor,
    /// Two officers, not one.
    #[error("a maintenance session is approved by another person than who opened it")]
    SamePerson,
    /// It begins too late, or lasts too short or too long.
    #[error(
        "a maintenance session begins within {days} days, and lasts at least a minute and at most {hours} hours",
        days = BEGINS_WITHIN.as_secs() / 86_400,
        hours = MAINTENANCE_TIME_MAX.as_secs() / 3600
    )]
    Time,
    /// It would open nothing.
    #[error("say what the session opens: `health`, `metrics`, `configuration`")]
    Scope,
    /// The reason in words is missing or too long.
    #[error("a reason in words is needed, of at most {REASON_CHARACTERS_MAX} characters")]
    Words,
    /// Too many sessions of this vendor are not over.
    #[error("this person has {OF_ONE_MAX} maintenance sessions that are not over")]
    TooMany,
    /// It was approved already, or is over.
    #[error("it was approved already, or is over")]
    State,
}

impl From<Refusal> for MaintenanceError {
    fn from(refusal: Refusal) -> Self {
        Self::Admin(refusal.into())
    }
}

impl From<CatalogError> for MaintenanceError {
    fn from(error: CatalogError) -> Self {
        Self::Admin(AdminError::Unavailable(error))
    }
}

/// Why the end of sessions was not written down.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MaintenanceEndError {
    /// The log does not accept it.
    #[error("the audit log does not accept the end of a maintenance session")]
    Audit(#[from] AuditError),
    /// The rows cannot be read or written.
    #[error("maintenance sessions cannot be read or written")]
    Rows(#[from] CatalogError),
}

/// A session that is to be opened.
#[derive(Clone, Debug)]
pub struct NewMaintenance {
    /// The account of the vendor.
    pub actor: ActorId,
    /// What it is to open.
    pub scopes: BTreeSet<MaintenanceScope>,
    /// From when on; now when absent.
    pub from: Option<Timestamp>,
    /// For how long.
    pub lasts: Duration,
    /// Why, and under which ticket, in words.
    pub words: String,
}

impl Access {
    /// Opens a session for a vendor: it waits for the approval of another officer, and opens nothing until then. Officers hear of it at once.
    ///
    /// # Errors
    /// [`MaintenanceError`].
    pub async fn open_maintenance(
        &self,
        officer: &Session,
        new: NewMaintenance,
    ) -> Result<MaintenanceRecord, MaintenanceError> {
        let (now, institution) = (self.inner.clock.now(), officer.institution());
        let words = new.words.trim();
        if words.is_empty() || words.chars().count() > REASON_CHARACTERS_MAX {
            return Err(MaintenanceError::Words);
        }
        if new.scopes.is_empty() {
            return Err(MaintenanceError::Scope);
        }
        let from = new.from.unwrap_or(now);
        let fits = (TIME_MIN..=MAINTENANCE_TIME_MAX).contains(&new.lasts);
        if !fits || from > now.after(BEGINS_WITHIN) || from.after(new.lasts) <= now {
            return Err(MaintenanceError::Time);
        }
        let number = draw_number();
        let detail = ChangeDetail::with(&new.actor, number);
        let (action, code) = (Action::OpenMaintenance, "open-maintenance");
        let (intent, detail) = self.intend_maintenance(officer, action, code, number, detail).await?;
        let person = people::find(&self.inner.identity, institution, &new.actor).await?;
        let Some(person) = person.filter(|person| !person.disabled) else {
            return self.not_maintained(intent, detail, MaintenanceError::NotFound).await;
        };
        if !person.roles.contains(&Role::Vendor) {
            return self.not_maintained(intent, detail, MaintenanceError::NoVendor).await;
        }
        let row = MaintenanceRow {
            number,
            actor: new.actor,
            scopes: new.scopes,
            words: seal_words(&self.inner.detail_key, institution, number, words),
            opened_by: officer.actor().clone(),
            opened: now,
            valid_from: from,
            valid_until: from.after(new.lasts),
            approved: None,
            approver: Holding::default(),
            ended: None,
            ended_by: None,
        };
        let mut changes: Vec<Statement> =
            maintenance::still_below(institution, &row.actor, now, OF_ONE_MAX).into();
        changes.push(maintenance::insert(institution, &row));
        let outcome = self.inner.identity.execute(changes).await;
        match self.carry_out(intent, detail, outcome).await {
            // Nobody deletes a person: it is the count that stood against it.
            Err(AdminError::NotFound) => return Err(MaintenanceError::TooMany),
            other => other.map(|_| ())?,
        }
        self.notice_maintenance(officer, now).await;
        Ok(self.maintenance_shown(institution, row, now))
    }

    /// Sessions, the newest first, for the officers who open and approve them.
    ///
    /// # Errors
    /// [`MaintenanceError`].
    pub async fn maintenance_sessions(
        &self,
        session: &Session,
    ) -> Result<Vec<MaintenanceRecord>, MaintenanceError> {
        self.office_of_maintenance(session).await?;
        let (institution, now) = (session.institution(), self.inner.clock.now());
        let rows = maintenance::list(&self.inner.identity, institution, LISTED_MAX).await?;
        Ok(rows.into_iter().map(|row| self.maintenance_shown(institution, row, now)).collect())
    }

    /// One session.
    ///
    /// # Errors
    /// [`MaintenanceError`].
    pub async fn maintenance_session(
        &self,
        session: &Session,
        number: u64,
    ) -> Result<MaintenanceRecord, MaintenanceError> {
        self.office_of_maintenance(session).await?;
        let (institution, now) = (session.institution(), self.inner.clock.now());
        let row = maintenance::find(&self.inner.identity, institution, number).await?;
        Ok(self.maintenance_shown(institution, row.ok_or(MaintenanceError::NotFound)?, now))
    }

    /// Approves a session that somebody else opened.
    ///
    /// # Errors
    /// [`MaintenanceError::SamePerson`] for who opened it, whatever office that person has now; [`MaintenanceError::State`].
    pub async fn approve_maintenance(
        &self,
        officer: &Session,
        number: u64,
    ) -> Result<MaintenanceRecord, MaintenanceError> {
        let (institution, now) = (officer.institution(), self.inner.clock.now());
        let found = maintenance::find(&self.inner.identity, institution, number).await?;
        let detail = detail_of(found.as_ref(), number);
        let (action, code) = (Action::ApproveMaintenance, "approve-maintenance");
        let (intent, detail) = self.intend_maintenance(officer, action, code, number, detail).await?;
        let row = match found {
            None => return self.not_maintained(intent, detail, MaintenanceError::NotFound).await,
            Some(row) if row.opened_by == *officer.actor() => {
                return self.not_maintained(intent, detail, MaintenanceError::SamePerson).await;
            }
            Some(row) if row.ended.is_some() || row.valid_until <= now => {
                return self.not_maintained(intent, detail, MaintenanceError::State).await;
            }
            Some(row) if row.approved.is_some() && !approval_lapsed(&row) => {
                return self.not_maintained(intent, detail, MaintenanceError::State).await;
            }
            Some(row) => row,
        };
        let lapsed =
            row.approved.as_ref().map(|(by, at)| maintenance::take_back(institution, number, by, *at));
        let approve = maintenance::approve(institution, number, officer.actor(), officer.role(), now);
        let changes = lapsed.into_iter().chain([approve.expecting(1)]).collect();
        self.maintained(intent, detail, changes).await?;
        // Its running time begins with the first look at it.
        self.inner.maintenance_times.end(number, row.valid_until, now, self.inner.clock.running());
        // As it was kept, with how the office is held.
        let row = maintenance::find(&self.inner.identity, institution, number).await?;
        Ok(self.maintenance_shown(institution, row.ok_or(MaintenanceError::NotFound)?, now))
    }

    /// Ends a session now, or withdraws one that waits: either of the officers who open and approve. The vendor is signed out everywhere.
    ///
    /// # Errors
    /// [`MaintenanceError::State`] when it is over.
    pub async fn end_maintenance(
        &self,
        officer: &Session,
        number: u64,
    ) -> Result<MaintenanceRecord, MaintenanceError> {
        let action = self.office_of_maintenance(officer).await?;
        let (institution, now) = (officer.institution(), self.inner.clock.now());
        let found = maintenance::find(&self.inner.identity, institution, number).await?;
        let row = found.ok_or(MaintenanceError::NotFound)?;
        let code = if row.approved.is_some() { "end-maintenance" } else { "withdraw-maintenance" };
        let detail = ChangeDetail::with(&row.actor, number);
        let (intent, detail) = self.intend_maintenance(officer, action, code, number, detail).await?;
        if row.ended.is_some() || row.valid_until <= now {
            return self.not_maintained(intent, detail, MaintenanceError::State).await;
        }
        let end = maintenance::end(institution, number, now, Some(officer.actor())).expecting(1);
        let sign_out = sessions::revoke_actor(institution, &row.actor, ActorKind::Person, now);
        self.maintained(intent, detail, vec![end, sign_out]).await?;
        let row = MaintenanceRow { ended: Some(now), ended_by: Some(officer.actor().clone()), ..row };
        Ok(self.maintenance_shown(institution, row, now))
    }

    /// Writes down which sessions are over, signs their vendors out, and learns the running time of the others. To be called every few
    /// seconds. Returns how many ended.
    ///
    /// # Errors
    /// [`MaintenanceEndError`]; what was not written down is, by the next call.
    pub async fn end_maintenance_sessions(&self) -> Result<u64, MaintenanceEndError> {
        let (now, running) = (self.inner.clock.now(), self.inner.clock.running());
        let (identity, institution) = (&self.inner.identity, &self.inner.institution);
        let session = self.system_session();
        let (mut living, mut ended) = (HashSet::new(), 0);
        for row in maintenance::not_ended(identity, institution).await? {
            if self.inner.maintenance_times.end(row.number, row.valid_until, now, running).is_some() {
                living.insert(row.number);
                continue;
            }
            let code = if row.approved.is_some() { "maintenance-ended" } else { "maintenance-lapsed" };
            let leaf = ledger::session_leaf(&session, ledger::word(code));
            let counts = leaf.counts.clone().with(ledger::MAINTENANCE, row.number);
            let leaf = Event { outcome: Outcome::Succeeded, counts, ..leaf };
            // The leaf first, as always: of several nodes that look at the same moment, more than one may write it.
            self.record(leaf, &ChangeDetail::with(&row.actor, row.number)).await?;
            let mut changes = vec![maintenance::end(institution, row.number, now, None)];
            if row.approved.is_some() {
                changes.push(sessions::revoke_actor(institution, &row.actor, ActorKind::Person, now));
            }
            ended += identity.execute(changes).await?.first().copied().unwrap_or_default();
        }
        self.inner.maintenance_times.keep(|number| living.contains(&number));
        Ok(ended)
    }

    /// Lets one request of a vendor through, or refuses it: a leaf either way, which names the maintenance session where there is one. What is
    /// let through is decided again by who answers.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn admit_vendor(&self, session: &Session, action: Action) -> Result<(), Refusal> {
        let archive = Resource::Archive(session.institution().clone());
        if matches!(action, Action::ReadHealth | Action::ReadMetrics | Action::ReadConfiguration) {
            return self.authorise(session, action, archive).await.map(|_| ());
        }
        let now = self.inner.clock.now();
        let Decided { mut decision, maintenance, policy_set, .. } =
            self.decide_at(session, action, &archive, now).await?;
        if decision.permitted || decision.reason == Reason::NotApplicable {
            // Of a study or an account, of which nothing is asked here.
            decision = crate::decision::Decision::refused(Reason::VendorsOnlyMaintain);
        }
        let event = ledger::decided(session, action, &archive, decision, policy_set);
        let event = ledger::in_maintenance(event, maintenance);
        self.inner.log.append_one(event).await.map_err(Refusal::AuditUnavailable)?;
        Err(Refusal::denied(decision.reason, session.role()))
    }

    // === helpers ===

    /// By which office somebody has a say in sessions.
    async fn office_of_maintenance(&self, session: &Session) -> Result<Action, MaintenanceError> {
        let resource = Resource::Archive(session.institution().clone());
        let opens = self.decide(session, Action::OpenMaintenance, &resource).await?;
        if opens.permitted {
            return Ok(Action::OpenMaintenance);
        }
        if self.decide(session, Action::ApproveMaintenance, &resource).await?.permitted {
            return Ok(Action::ApproveMaintenance);
        }
        Err(Refusal::denied(opens.reason, session.role()).into())
    }

    /// Decides and writes the intent down, with the number of the session.
    async fn intend_maintenance(
        &self,
        officer: &Session,
        action: Action,
        code: &'static str,
        number: u64,
        detail: ChangeDetail,
    ) -> Result<(Receipt, ChangeDetail), MaintenanceError> {
        let resource = Resource::Archive(officer.institution().clone());
        let (decision, policy_set) = self.decide_by(officer, action, &resource).await?;
        let decided = ledger::decided(officer, action, &resource, decision, policy_set);
        let reason = if decision.permitted { ledger::word(code) } else { ledger::code(decision.reason) };
        let event = ledger::in_maintenance(Event { reason, ..decided }, Some(number));
        let intent = self.record(event, &detail).await.map_err(Refusal::AuditUnavailable)?;
        if decision.permitted {
            return Ok((intent, detail));
        }
        Err(Refusal::denied(decision.reason, officer.role()).into())
    }

    async fn maintained(
        &self,
        intent: Receipt,
        detail: ChangeDetail,
        changes: Vec<Statement>,
    ) -> Result<(), MaintenanceError> {
        let outcome = self.inner.identity.execute(changes).await;
        match self.carry_out(intent, detail, outcome).await {
            // Somebody else was faster.
            Err(AdminError::NotFound) => Err(MaintenanceError::State),
            other => Ok(other.map(|_| ())?),
        }
    }

    /// Writes down that something that was permitted was not done, and says why.
    async fn not_maintained<T>(
        &self,
        intent: Receipt,
        detail: ChangeDetail,
        error: MaintenanceError,
    ) -> Result<T, MaintenanceError> {
        let failed = Err::<(), _>(CatalogError::Constraint("not done".to_owned()));
        match self.carry_out(intent, detail, failed).await {
            Err(AdminError::OutcomeNotRecorded(lost)) => Err(AdminError::OutcomeNotRecorded(lost).into()),
            Ok(()) | Err(_) => Err(error),
        }
    }
}

fn detail_of(row: Option<&MaintenanceRow>, number: u64) -> ChangeDetail {
    ChangeDetail::with(row.map_or("unknown", |row| row.actor.as_str()), number)
}
