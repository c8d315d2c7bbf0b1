//! Alerts: what whoever watches has noticed becomes a leaf and a row; officers read it, judge it, and lift what it stopped.

mod freeze;
mod scored;

pub use scored::ScoredDay;

use crate::access::{Access, Refusal};
use crate::admin::{AdminError, Change, ChangeDetail, HeldRefs};
use crate::decision::Resource;
use crate::grants::draw_number;
use crate::ledger::{self, session_leaf};
use crate::permit::Permit;
use crate::reason::Reason;
use crate::session::Session;
use crate::watch::{Asks, Given, HeldStep, Noticed, Opening, Who};
use std::collections::HashSet;
use yingdun_audit::{AuditError, Event, Outcome};
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::alerts::{self, AlertRow, Stopped};
use yingdun_model::{Action, ActorKind, AlertVerdict, PatientRef, StudyRef, Timestamp};

/// Alerts that a list shows, the newest.
const LISTED_MAX: u32 = 1000;
/// Stops that are followed at once. Above it the decisions of this node still read each row; only open streams end later.
const FOLLOWED_MAX: u32 = 10_000;
/// Until when a stop lasts that was found to be right: the end of the year 9999, as nothing but a person lifts it.
const LASTING: Timestamp = Timestamp::from_ms(253_402_300_799_000);
/// What the leaves of an alert count.
const ALERT: &str = "alert";

/// Why an alert was not read, judged or lifted.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AlertError {
    /// Who asks may not, or it could not be written down or kept.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// There is no such alert.
    #[error("there is no such alert")]
    NotFound,
    /// Nobody judges or lifts what is about the own account.
    #[error("nobody judges an alert, or lifts a stop, of the own account")]
    SamePerson,
    /// Who cannot sign in is not frozen: a device or a program is disabled where it is registered.
    #[error(
        "people are frozen; a device or a program is disabled by the system administrator, who can see what it would lose"
    )]
    NotAPerson,
    /// Nobody would be left who lifts it.
    #[error(
        "nobody would be left who can lift it: there must be another security administrator who is not disabled or frozen"
    )]
    LastLifter,
    /// The person is frozen already.
    #[error("the account is frozen already")]
    Frozen,
    /// The words are missing or too long.
    #[error("say why, in 1 to {} characters", freeze::WORDS_MAX)]
    Words,
    /// It was judged already, or stops nothing any more.
    #[error("it was judged already, or stops nothing any more")]
    State,
}

impl From<Refusal> for AlertError {
    fn from(refusal: Refusal) -> Self {
        Self::Admin(refusal.into())
    }
}

impl From<CatalogError> for AlertError {
    fn from(error: CatalogError) -> Self {
        Self::Admin(AdminError::Unavailable(error))
    }
}

/// An alert was not written down.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RaiseError {
    /// The log did not take its leaf.
    #[error("the audit log does not accept an alert")]
    Audit(#[from] AuditError),
    /// The database did not take its row.
    #[error("an alert cannot be kept")]
    Rows(#[from] CatalogError),
}

impl From<RaiseError> for Refusal {
    fn from(error: RaiseError) -> Self {
        match error {
            RaiseError::Audit(error) => Self::AuditUnavailable(error),
            RaiseError::Rows(error) => Self::FactsUnavailable(error),
        }
    }
}

/// By what right something is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Right {
    /// The reason of the decision.
    pub(crate) reason: Reason,
    /// What connects the person with the patient.
    pub(crate) tie: Option<Reason>,
    /// When a second factor was last proved in the session.
    pub(crate) proved: Option<Timestamp>,
    /// Whether one picture is copied.
    pub(crate) is_copy: bool,
}

/// What whoever watches said of an opening, when all of it was written down.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Why it does not go on.
    pub(crate) refused: Option<Reason>,
    /// How long to wait, where that is why.
    pub(crate) wait_seconds: Option<u32>,
    /// The number of the reason that the person gave, where one was asked for.
    pub(crate) stated: Option<u64>,
}

impl Access {
    /// Asks whoever watches about a study that a policy lets somebody open. What was noticed is written down before the answer.
    pub(crate) async fn watched(
        &self,
        session: &Session,
        action: Action,
        resource: &Resource,
        right: Right,
        now: Timestamp,
    ) -> Result<Seen, Refusal> {
        let Some(study) = resource.study().filter(|_| matches!(action, Action::View | Action::Export)) else {
            return Ok(Seen::default());
        };
        if session.actor_kind() == ActorKind::System {
            return Ok(Seen::default());
        }
        let (patient, study) = (study.patient, study.study);
        let Right { reason, tie, proved, is_copy } = right;
        let is_stated = false;
        let opening =
            Opening { session, action, is_copy, patient, study, reason, tie, is_stated, proved, now };
        let mut watched = self.inner.watch.opening(&opening);
        let mut stated = None;
        // Looked up only where it is asked for: whoever climbs no step waits for nothing.
        if watched.asks == Some(Asks::Reason) {
            stated = self.reason_stated(session, patient, now).await?;
            if stated.is_some() {
                let noticed = watched.noticed;
                watched = self.inner.watch.opening(&Opening { is_stated: true, ..opening });
                watched.noticed.splice(0..0, noticed);
            }
        }
        let noticed = self.begin_stops(session, watched.noticed);
        self.raise(session, noticed, (Some(patient), Some(study)), now).await?;
        let (refused, wait_seconds) = match (watched.stopped, watched.asks) {
            (true, _) => (Some(Reason::MonitorLimit), None),
            (false, None) => (None, None),
            (false, Some(Asks::Reason)) => (Some(Reason::ReasonRequired), None),
            (false, Some(Asks::Proof)) => (Some(Reason::SecondFactorNeeded), None),
            (false, Some(Asks::Wait { seconds })) => (Some(Reason::SlowedDown), Some(seconds)),
        };
        Ok(Seen { refused, wait_seconds, stated })
    }

    /// What the monitor says to the person of a session about the own account: the newest step or stop that holds.
    ///
    /// # Errors
    /// [`CatalogError`] when the rows cannot be read.
    pub async fn own_notice(&self, session: &Session) -> Result<Option<AlertRow>, CatalogError> {
        let (institution, actor, kind) = (session.institution(), session.actor(), session.actor_kind());
        alerts::newest_of(&self.inner.identity, institution, actor, kind, self.inner.clock.now()).await
    }

    /// Tells whoever watches that something of an open study was given out. A stop that follows holds at once; its leaf and row come right
    /// behind.
    pub fn given_out(&self, session: &Session, permit: &Permit, instances: u64, bytes: u64) {
        if session.actor_kind() == ActorKind::System
            || !matches!(permit.action(), Action::View | Action::Export)
        {
            return;
        }
        let now = self.inner.clock.now();
        let broken_glass = permit.is_broken_glass();
        let watched = self.inner.watch.given(&Given { session, broken_glass, instances, bytes, now });
        if watched.noticed.is_empty() {
            return;
        }
        let noticed = self.begin_stops(session, watched.noticed);
        let (access, session) = (self.clone(), session.clone());
        let on = (permit.patient(), permit.study());
        tokio::spawn(async move {
            if let Err(error) = access.raise(&session, noticed, on, now).await {
                tracing::error!(%error, "an alert was not written down; what it stops is stopped until its end");
            }
        });
    }

    /// Lets officers hear at once that the glass was broken. That they cannot takes nothing from the emergency: its case waits for a review
    /// either way.
    pub(crate) async fn notice_broken_glass(&self, session: &Session, patient: PatientRef, now: Timestamp) {
        let noticed = vec![(draw_number(), plain("monitor-break-glass"))];
        if let Err(error) = self.raise(session, noticed, (Some(patient), None), now).await {
            tracing::error!(%error, "no alert tells that the glass was broken; its case waits for a review");
        }
    }

    /// Lets officers hear at once that a maintenance session was opened, as one of them has to approve it. That they cannot holds nothing up: it
    /// waits for an approval either way.
    pub(crate) async fn notice_maintenance(&self, officer: &Session, now: Timestamp) {
        let noticed = vec![(draw_number(), plain("maintenance-opened"))];
        if let Err(error) = self.raise(officer, noticed, (None, None), now).await {
            tracing::error!(%error, "no alert tells that a maintenance session was opened; it waits for its approval");
        }
    }

    /// Raises an alert about the audit log of this node itself: it is not complete.
    ///
    /// # Errors
    /// [`Refusal`] when leaf or row cannot be written.
    pub async fn audit_discrepancy(&self, found: u64) -> Result<(), Refusal> {
        let session = self.system_session();
        let noticed = vec![(draw_number(), Noticed { counted: found, ..plain("audit-discrepancy") })];
        Ok(self.raise(&session, noticed, (None, None), self.inner.clock.now()).await?)
    }

    /// Learns what other nodes stopped and what is over. To be called every second. Gives how many alerts nobody has looked at.
    ///
    /// # Errors
    /// [`CatalogError`] when the rows cannot be read.
    pub async fn follow_stops(&self) -> Result<u64, CatalogError> {
        let (identity, institution) = (&self.inner.identity, &self.inner.institution);
        let now = self.inner.clock.now();
        let rows = alerts::stopped(identity, institution, now, FOLLOWED_MAX).await?;
        let held: Vec<HeldStep> = rows.iter().map(held_step).collect();
        self.inner.watch.hold(&held);
        let stopping: HashSet<u64> =
            rows.iter().filter(|row| row.stops.is_some()).map(|row| row.number).collect();
        let rows = rows.into_iter().map(|row| (row.number, (row.actor, row.actor_kind))).collect();
        for (number, (actor, kind)) in self.inner.stops.follow(rows, |number| stopping.contains(&number)) {
            // What a person lifted is forgiven here as on that person's node. What is over by itself is not, or waiting would evade limits.
            let alert = alerts::find(identity, institution, number).await?;
            if alert.is_some_and(|alert| alert.lifted.is_some()) {
                self.inner.watch.forgive(institution, &actor, kind);
            }
            self.inner.stops.settle(number);
        }
        alerts::to_see(identity, institution).await
    }

    /// Alerts, the newest first, for who judges them and who lifts what they stop.
    ///
    /// # Errors
    /// [`AlertError`].
    pub async fn alerts(&self, session: &Session, new_only: bool) -> Result<Vec<AlertRow>, AlertError> {
        self.may_read_alerts(session).await?;
        Ok(alerts::list(&self.inner.identity, session.institution(), new_only, LISTED_MAX).await?)
    }

    /// One alert.
    ///
    /// # Errors
    /// [`AlertError`].
    pub async fn alert(&self, session: &Session, number: u64) -> Result<AlertRow, AlertError> {
        self.may_read_alerts(session).await?;
        let found = alerts::find(&self.inner.identity, session.institution(), number).await?;
        found.ok_or(AlertError::NotFound)
    }

    /// Notes that somebody looked at an alert, and what was found, if that is said. What was right lasts until it is lifted.
    ///
    /// # Errors
    /// [`AlertError`].
    pub async fn acknowledge_alert(
        &self,
        session: &Session,
        number: u64,
        verdict: Option<AlertVerdict>,
    ) -> Result<AlertRow, AlertError> {
        let code = match verdict {
            None => "acknowledge-alert",
            Some(AlertVerdict::TruePositive) => "alert-true-positive",
            Some(AlertVerdict::FalsePositive) => "alert-false-positive",
        };
        let (intent, detail, alert) =
            self.intend_alert(session, Action::ReviewAlerts, code, number, None).await?;
        let (institution, now) = (session.institution(), self.inner.clock.now());
        let mut changes = vec![alerts::acknowledge(institution, number, now, session.actor(), verdict)];
        if verdict == Some(AlertVerdict::TruePositive) && alert.stops_until.is_some_and(|until| now < until) {
            changes.push(alerts::last_until(institution, number, now, LASTING));
        }
        let outcome = self.inner.identity.execute(changes).await;
        self.carry_out_alert(intent, detail, outcome).await?;
        alerts::find(&self.inner.identity, institution, number).await?.ok_or(AlertError::NotFound)
    }

    /// Lifts everything that is stopped for the person of an alert, at once and on every node.
    ///
    /// # Errors
    /// [`AlertError`]; [`AlertError::SamePerson`] for the own account.
    pub async fn lift_stop(&self, session: &Session, number: u64) -> Result<AlertRow, AlertError> {
        let (intent, detail, alert) =
            self.intend_alert(session, Action::LiftStop, "lift-stop", number, None).await?;
        let (institution, now) = (session.institution(), self.inner.clock.now());
        let lift = alerts::lift(institution, &alert.actor, alert.actor_kind, now, session.actor());
        let outcome = match self.inner.identity.execute(vec![lift]).await {
            Ok(rows) if rows.iter().sum::<u64>() == 0 => {
                Err(CatalogError::UnexpectedRows { statement: 0, expected: 1, came: 0 })
            }
            other => other,
        };
        self.carry_out_alert(intent, detail, outcome).await?;
        self.inner.watch.forgive(institution, &alert.actor, alert.actor_kind);
        alerts::find(&self.inner.identity, institution, number).await?.ok_or(AlertError::NotFound)
    }

    /// Decides, writes the intent down, and finds the alert, which is never about who asks.
    async fn intend_alert(
        &self,
        session: &Session,
        action: Action,
        code: &'static str,
        number: u64,
        words: Option<&str>,
    ) -> Result<(yingdun_audit::Receipt, ChangeDetail, AlertRow), AlertError> {
        let found = alerts::find(&self.inner.identity, session.institution(), number).await?;
        let subject = found.as_ref().map_or_else(|| "unknown".to_owned(), |alert| alert.actor.to_string());
        let what = words.map_or_else(|| number.to_string(), |words| format!("{number}: {words}"));
        let change = Change { action, code, detail: ChangeDetail::with(subject, what) };
        let (intent, detail) = self.intend_on(session, change, HeldRefs::default()).await?;
        let error = match found {
            Some(alert) if alert.actor_kind == session.actor_kind() && alert.actor == *session.actor() => {
                AlertError::SamePerson
            }
            Some(alert) => return Ok((intent, detail, alert)),
            None => AlertError::NotFound,
        };
        self.alert_not_done(&intent, &detail).await?;
        Err(error)
    }

    /// Writes down that an intended change was not made.
    async fn alert_not_done(
        &self,
        intent: &yingdun_audit::Receipt,
        detail: &ChangeDetail,
    ) -> Result<(), AlertError> {
        let failed = Event { outcome: Outcome::Failed, detail: None, ..intent.event().clone() };
        self.record(failed, detail).await.map_err(Refusal::AuditUnavailable)?;
        Ok(())
    }

    async fn carry_out_alert(
        &self,
        intent: yingdun_audit::Receipt,
        detail: ChangeDetail,
        outcome: Result<Vec<u64>, CatalogError>,
    ) -> Result<(), AlertError> {
        match self.carry_out(intent, detail, outcome).await {
            Err(AdminError::NotFound) => Err(AlertError::State),
            other => Ok(other.map(|_| ())?),
        }
    }

    async fn may_read_alerts(&self, session: &Session) -> Result<(), AlertError> {
        let resource = Resource::Archive(session.institution().clone());
        let judges = self.decide(session, Action::ReviewAlerts, &resource).await?;
        if judges.permitted || self.decide(session, Action::LiftStop, &resource).await?.permitted {
            return Ok(());
        }
        Err(Refusal::denied(judges.reason, session.role()).into())
    }

    /// Gives each alert its number, and stops at once what it stops.
    fn begin_stops(&self, session: &Session, noticed: Vec<Noticed>) -> Vec<(u64, Noticed)> {
        let numbered: Vec<_> = noticed.into_iter().map(|noticed| (draw_number(), noticed)).collect();
        for (number, noticed) in &numbered {
            if let Some((stop, until)) = noticed.stops {
                self.inner.stops.begin(&Who::of(session), *number, stop, until);
            }
        }
        numbered
    }

    /// Writes alerts down: the leaf, then the row.
    async fn raise(
        &self,
        session: &Session,
        numbered: Vec<(u64, Noticed)>,
        on: (Option<PatientRef>, Option<StudyRef>),
        now: Timestamp,
    ) -> Result<(), RaiseError> {
        for (number, noticed) in numbered {
            let row = row_of(session, number, &noticed, on, now);
            let leaf = Event {
                outcome: Outcome::Succeeded,
                patient: row.patient,
                study: row.study,
                ..session_leaf(session, ledger::word(noticed.code))
            };
            let counts = leaf
                .counts
                .clone()
                .with(ALERT, row.number)
                .with("counted", row.counted)
                .with("limit", row.at_most);
            self.inner.log.append_one(Event { counts, ..leaf }).await?;
            self.inner.identity.execute(vec![alerts::insert(session.institution(), &row)]).await?;
            if row.stops.is_some() {
                self.inner.stops.written(&Who::of(session), row.number);
            }
            metrics::counter!("yingdun_monitor_alerts_total", "kind" => noticed.code).increment(1);
            tracing::warn!(
                alert = row.number,
                kind = noticed.code,
                step = noticed.step,
                "the monitor noticed something"
            );
        }
        Ok(())
    }
}

// === helpers ===

/// Something to read of, and nothing that was counted or is stopped.
const fn plain(code: &'static str) -> Noticed {
    let (stops, holds_until) = (None, None);
    Noticed {
        code,
        step: "note",
        measure: None,
        counted: 0,
        at_most: 0,
        within_minutes: 0,
        stops,
        holds_until,
    }
}

fn held_step(row: &Stopped) -> HeldStep {
    HeldStep {
        actor: row.actor.clone(),
        actor_kind: row.actor_kind,
        step: row.step.clone(),
        since: row.at,
        until: row.until,
    }
}

fn row_of(
    session: &Session,
    number: u64,
    noticed: &Noticed,
    (patient, study): (Option<PatientRef>, Option<StudyRef>),
    now: Timestamp,
) -> AlertRow {
    AlertRow {
        number,
        kind: noticed.code.to_owned(),
        actor: session.actor().clone(),
        actor_kind: session.actor_kind(),
        role: session.role(),
        step: noticed.step.to_owned(),
        patient,
        study,
        measure: noticed.measure.map(str::to_owned),
        counted: noticed.counted,
        at_most: noticed.at_most,
        within_minutes: noticed.within_minutes.into(),
        at: now,
        stops: noticed.stops.map(|(stop, _)| stop),
        stops_until: noticed.stops.map(|(_, until)| until).or(noticed.holds_until),
        explained: None,
        lifted: None,
        acknowledged: None,
        verdict: None,
    }
}
