//! The days of people, scored from the ledger: what `monitor replay` does with records, a running archive does with its own leaves.
//!
//! ```text
//! the last four weeks of the log ─► records ─► Replay ─► a day has ended ─► the heaviest are alerts
//! ```
//!
//! Nothing is asked of the databases: a leaf says who opened what, and by which right. Reading happens on a thread of its own, a bundle of
//! leaves at a time, so it neither holds up decisions nor grows with the log.

use super::monitor::LiveMonitor;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use yingdun_access::{Access, Reason, ScoredDay};
use yingdun_audit::{AuditError, EventKind, Leaf, Log, Outcome, Reader};
use yingdun_model::{Action, ActorId, ActorKind, Clock, InstitutionId, Role, Timestamp};
use yingdun_monitor::limits::RulesError;
use yingdun_monitor::record::{self, Fact, FactKind, Person, Record};
use yingdun_monitor::replay::{DayReport, Replay};
use yingdun_monitor::score::Incident;

/// How far back somebody's own days are known, as far as the scores look themselves.
const HISTORY: Duration = Duration::from_secs(28 * 24 * 3600);
/// Days before this one are history: nobody is alerted of them after the archive was away for longer.
const TOLD_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often it is looked whether a day has ended.
const LOOK_INTERVAL: Duration = Duration::from_secs(20);
/// Leaves that are read at once: some bundles.
const LEAVES_AT_ONCE: u64 = 4096;
/// People whose role is remembered, as many as a replay knows.
const PEOPLE_MAX: usize = 100_000;

/// What scores go by.
pub(super) struct Scores {
    log: Log,
    access: Access,
    clock: Arc<dyn Clock>,
    days: Days,
}

impl Scores {
    /// With the rules of the monitor.
    ///
    /// # Errors
    /// [`RulesError`], which its limits would have had before.
    pub(super) fn new(
        monitor: &LiveMonitor,
        log: Log,
        access: Access,
        clock: Arc<dyn Clock>,
        institution: InstitutionId,
    ) -> Result<Self, RulesError> {
        let rules = monitor.rules();
        let points_min = rules.score.points_min;
        let days =
            Days { institution, replay: Replay::new(rules)?, roles: HashMap::new(), next: 0, points_min };
        Ok(Self { log, access, clock, days })
    }

    /// Reads what was, then what comes, until the end.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let start = before(self.clock.now(), HISTORY);
        let reader = self.log.reader();
        match tokio::task::spawn_blocking(move || first_after(&reader, start)).await {
            Ok(Ok(first)) => self.days.next = first,
            Ok(Err(error)) => {
                tracing::error!(%error, "days are scored from now on only: the log cannot be read")
            }
            Err(_) => return,
        }
        loop {
            let (log, mut days, ended) = (self.log.clone(), self.days, stop.clone());
            let read = tokio::task::spawn_blocking(move || {
                let mut reports = Vec::new();
                let read = days.catch_up(&log.reader(), &ended, |day| reports.push(day));
                (days, reports, read)
            });
            let Ok((days, reports, read)) = read.await else {
                tracing::error!("days are not scored any more: the reader had panicked");
                return;
            };
            self.days = days;
            if let Err(error) = read {
                tracing::error!(%error, "the log cannot be read to score days; it is tried again");
            }
            for report in reports {
                self.tell(&report).await;
            }
            if stop.run_until_cancelled(tokio::time::sleep(LOOK_INTERVAL)).await.is_none() {
                return;
            }
        }
    }

    /// The heaviest of a day become alerts. One that cannot be kept is lost with the day: the next start reads the day again.
    async fn tell(&self, report: &DayReport) {
        if Timestamp::from_ms(report.from_ms) < before(self.clock.now(), TOLD_AFTER) {
            return;
        }
        for incident in &report.alerts {
            let origin = self.log.reader().checkpoint().origin().to_owned();
            let scored = scored(incident, origin, report.from_ms, self.days.points_min);
            let Some(scored) = scored else { continue };
            if let Err(error) = self.access.raise_score(scored).await {
                tracing::error!(%error, "an alert of a day was not written down");
            }
        }
    }
}

/// The log as far as it was read.
struct Days {
    /// Whose people are scored: leaves of another institution in this log are no evidence against them.
    institution: InstitutionId,
    replay: Replay,
    roles: HashMap<String, Role>,
    next: u64,
    points_min: u32,
}

impl Days {
    fn catch_up(
        &mut self,
        reader: &Reader,
        stop: &CancellationToken,
        mut ended: impl FnMut(DayReport),
    ) -> Result<(), AuditError> {
        while self.next < reader.size() && !stop.is_cancelled() {
            let until = self.next.saturating_add(LEAVES_AT_ONCE).min(reader.size());
            for logged in reader.read(self.next..until)? {
                for record in self.records(&logged.leaf) {
                    if let Some(day) = self.replay.take(&record) {
                        ended(day);
                    }
                }
            }
            self.next = until;
        }
        Ok(())
    }

    /// What a leaf says to the monitor: of whom it is heard for the first time or in another role, by which right, and what was done.
    fn records(&mut self, leaf: &Leaf) -> Vec<Record> {
        let mut records = Vec::new();
        if leaf.institution != self.institution {
            return records;
        }
        let (Some(role), Some(access)) = (leaf.role, access_of(leaf)) else { return records };
        if self.roles.get(&access.person) != Some(&role) {
            if self.roles.len() >= PEOPLE_MAX {
                self.roles.clear();
            }
            self.roles.insert(access.person.clone(), role);
            records.push(Record::Person(Person {
                at_ms: access.at_ms,
                person: access.person.clone(),
                role: role.as_str().to_owned(),
                department: String::new(),
                household: None,
                neighbourhood: None,
                leaves_ms: None,
            }));
        }
        let fact = Reason::from_word(leaf.reason.as_str()).filter(|_| access.allowed).and_then(fact_of);
        if let Some(fact) = fact.filter(|_| access.patient.is_some()) {
            records.push(Record::Fact(Fact {
                at_ms: access.at_ms,
                fact,
                person: Some(access.person.clone()),
                department: None,
                patient: access.patient.clone(),
                valid_from_ms: access.at_ms,
                valid_until_ms: access.at_ms.saturating_add(1),
            }));
        }
        records.push(Record::Access(access));
        records
    }
}

// === helpers ===

/// What a person did with images, or looked for.
fn access_of(leaf: &Leaf) -> Option<record::Access> {
    if leaf.kind != EventKind::Access || leaf.actor_kind != ActorKind::Person {
        return None;
    }
    let action = leaf
        .action
        .filter(|action| matches!(action, Action::View | Action::Export | Action::List | Action::Search))?;
    Some(record::Access {
        at_ms: leaf.time_ms.as_ms(),
        sequence: leaf.sequence,
        person: leaf.actor.to_string(),
        session: String::new(),
        device: None,
        place: None,
        action: action.as_str().to_owned(),
        purpose: leaf.purpose.map(|purpose| purpose.as_str().to_owned()),
        patient: leaf.patient.map(|patient| patient.to_string()),
        study: leaf.study.map(|study| study.to_string()),
        instances: 0,
        bytes: 0,
        // What a limit stopped was no refusal of a right: it counts towards the limits, which find it again.
        allowed: leaf.outcome == Outcome::Permitted || leaf.reason.as_str() == Reason::MonitorLimit.as_str(),
    })
}

/// The right by which something was opened, as a reason to open it. To read for the whole institution says nothing of a patient.
fn fact_of(reason: Reason) -> Option<FactKind> {
    if reason.is_broken_glass() {
        return Some(FactKind::BreakGlass);
    }
    match reason {
        Reason::InCare => Some(FactKind::CareRelation),
        // An officer found that it is the own record.
        Reason::TimedGrant | Reason::OwnRecord => Some(FactKind::Grant),
        Reason::Consultation => Some(FactKind::Consult),
        Reason::AcquiredToday => Some(FactKind::WorklistStep),
        Reason::InDepartment => Some(FactKind::Encounter),
        _ => None,
    }
}

/// An incident as an alert; nothing where the leaves named nobody that an account can be.
fn scored(incident: &Incident, origin: String, day_ms: i64, points_min: u32) -> Option<ScoredDay> {
    let explained = json!({
        "reasons": incident.reasons,
        "leaves": incident.evidence,
        "accesses": incident.accesses,
        "unexplained": incident.unexplained,
        "from_ms": incident.from_ms,
        "until_ms": incident.until_ms,
    });
    Some(ScoredDay {
        origin,
        actor: ActorId::new(&incident.person)?,
        actor_kind: ActorKind::Person,
        role: incident.role.parse().ok()?,
        points: incident.score.into(),
        points_min: points_min.into(),
        step: incident.step.as_str(),
        day: Timestamp::from_ms(day_ms),
        explained: explained.to_string(),
    })
}

fn before(now: Timestamp, span: Duration) -> Timestamp {
    let span_ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_ms(now.as_ms().saturating_sub(span_ms))
}

/// The first leaf of a moment or later, where times rise; near it where a clock was set back.
fn first_after(reader: &Reader, start: Timestamp) -> Result<u64, AuditError> {
    let (mut low, mut high) = (0, reader.size());
    while low < high {
        let middle = low + (high - low) / 2;
        if reader.leaf(middle)?.leaf.time_ms < start {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_that_names_a_patient_explains_and_none_that_does_not() {
        let explains: Vec<&str> = Reason::ALL
            .iter()
            .filter(|reason| fact_of(**reason).is_some())
            .map(|reason| reason.as_str())
            .collect();
        assert_eq!(
            explains,
            [
                "break-glass-against-dissent",
                "break-glass",
                "in-care",
                "in-department",
                "acquired-today",
                "timed-grant",
                "consultation",
                "own-record"
            ]
        );
    }
}
