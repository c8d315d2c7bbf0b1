//! All layers over a stream of records: line by line, day by day, within bounds.

use crate::explain::{Explanation, Explanations, explain, explain_afterwards};
use crate::facts::Facts;
use crate::key::Key;
use crate::limits::{Act, Finding, Judgement, LimitRules, Limits, Look, RulesError};
use crate::record::{Access, Record};
use crate::score::{Circumstances, Incident, ScoreRules, Scores};
use crate::steps::StepRules;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest line. A record has a dozen short fields.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// Findings of limits that a day shows; what is more is counted.
const FINDINGS_MAX: usize = 1_000;
/// Accesses without a reason that a day names; what is more is counted.
const UNEXPLAINED_MAX: usize = 100_000;
/// Accesses that wait for the end of their day, about 500 bytes each; what is more is judged at once.
const WAITING_MAX: usize = 200_000;
/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// How a stream is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MonitorRules {
    /// Layer 1.
    pub limits: LimitRules,
    /// Layer 2.
    pub score: ScoreRules,
    /// The ladder of a running archive. A replay, where nobody can answer, climbs none.
    pub steps: StepRules,
}

/// What a day was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayReport {
    /// When the day began, milliseconds since 1970.
    pub from_ms: i64,
    /// What was counted.
    pub counts: Counts,
    /// What limits said, the first thousand.
    pub findings: Vec<Finding>,
    /// Incidents within the budget, the weightiest first.
    pub alerts: Vec<Incident>,
    /// Numbers of accesses of patients that were allowed and have no reason, the first hundred thousand.
    #[serde(skip)]
    pub unexplained: Vec<u64>,
}

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Accesses, sign-ins and searches among them.
    pub accesses: u64,
    /// Of them those of a patient that were allowed, which need a reason.
    pub of_patients: u64,
    /// Of these those that have one.
    pub explained: u64,
    /// How often each reason was one.
    pub explanations: BTreeMap<&'static str, u64>,
    /// Accesses that a limit stopped, or would have stopped.
    pub stopped: u64,
    /// Blocks that began.
    pub blocks: u64,
    /// What limits said.
    pub findings: u64,
    /// Incidents within the budget.
    pub alerts: u64,
}

impl Counts {
    /// The share of accesses of patients that have a reason, in hundredths of a per cent; all of them where there was none.
    #[must_use]
    pub fn explained_basis_points(&self) -> u64 {
        self.explained.saturating_mul(10_000).checked_div(self.of_patients).unwrap_or(10_000)
    }

    fn add(&mut self, other: &Self) {
        self.accesses = self.accesses.saturating_add(other.accesses);
        self.of_patients = self.of_patients.saturating_add(other.of_patients);
        self.explained = self.explained.saturating_add(other.explained);
        for (word, count) in &other.explanations {
            let sum = self.explanations.entry(word).or_default();
            *sum = sum.saturating_add(*count);
        }
        self.stopped = self.stopped.saturating_add(other.stopped);
        self.blocks = self.blocks.saturating_add(other.blocks);
        self.findings = self.findings.saturating_add(other.findings);
        self.alerts = self.alerts.saturating_add(other.alerts);
    }
}

/// What the whole stream was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Days that had an access.
    pub days: u64,
    /// All of them together.
    pub counts: Counts,
    /// Lines that were not kept, as there were more people, patients or facts than can be held.
    pub not_kept: u64,
    /// Accesses that lay more than a day before those that came earlier; judged, with what was known later.
    pub late: u64,
}

/// A line that is no record.
#[derive(Debug, thiserror::Error)]
#[error("line {line} is no record: {cause}")]
pub struct LineError {
    /// Which, counted from one.
    pub line: u64,
    /// What is wrong.
    pub cause: serde_json::Error,
}

/// A record, or nothing for a line that is blank.
///
/// # Errors
/// [`LineError`] names the line.
pub fn read_line(line: &str, number: u64) -> Result<Option<Record>, LineError> {
    let line_text = line.trim();
    if line_text.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(line_text).map(Some).map_err(|cause| LineError { line: number, cause })
}

/// A stream that is being judged.
#[derive(Debug)]
pub struct Replay {
    facts: Facts,
    limits: Limits,
    scores: Scores,
    offset_ms: i64,
    day: Option<i64>,
    today: Counts,
    findings: Vec<Finding>,
    unexplained: Vec<u64>,
    waiting: Vec<Waiting>,
    summary: Summary,
}

/// An access without a reason so far: at the end of its day more is known.
#[derive(Debug)]
struct Waiting {
    access: Access,
    how: Circumstances,
    findings: Vec<Finding>,
    stopped: bool,
}

impl Replay {
    /// Begins.
    ///
    /// # Errors
    /// [`RulesError`].
    pub fn new(rules: MonitorRules) -> Result<Self, RulesError> {
        let MonitorRules { limits, score, .. } = rules;
        Ok(Self {
            facts: Facts::default(),
            limits: Limits::new(limits)?,
            offset_ms: i64::from(score.utc_offset_minutes).saturating_mul(MINUTE_MS),
            scores: Scores::new(score),
            day: None,
            today: Counts::default(),
            findings: Vec::new(),
            unexplained: Vec::new(),
            waiting: Vec::new(),
            summary: Summary::default(),
        })
    }

    /// Takes the next record. Gives the day before, when a new one begins with it.
    pub fn take(&mut self, record: &Record) -> Option<DayReport> {
        let at_ms = match record {
            Record::Person(person) => person.at_ms,
            Record::Patient(patient) => patient.at_ms,
            Record::Fact(fact) => fact.at_ms,
            Record::Access(access) => access.at_ms,
        };
        // What becomes known in the night is not known at the end of the day before.
        let ended = self.begin(at_ms);
        match record {
            Record::Person(person) => self.facts.person(person),
            Record::Patient(patient) => self.facts.patient(patient),
            Record::Fact(fact) => self.facts.fact(fact),
            Record::Access(access) => self.access(access),
        }
        ended
    }

    /// Ends: the last day, and the whole.
    pub fn finish(mut self) -> (Option<DayReport>, Summary) {
        let last = self.end_day();
        self.summary.not_kept = self.facts.not_kept();
        (last, self.summary)
    }

    /// Ends the day when this moment is of a later one.
    fn begin(&mut self, at_ms: i64) -> Option<DayReport> {
        let day = self.scores.day_of(at_ms);
        if self.day.is_none_or(|today| day <= today) {
            return None;
        }
        let ended = self.end_day();
        self.day = Some(day);
        ended
    }

    fn access(&mut self, access: &Access) {
        let day = self.scores.day_of(access.at_ms);
        if self.day.is_some_and(|today| day < today) {
            self.summary.late = self.summary.late.saturating_add(1);
        }
        self.day = self.day.max(Some(day));
        self.judge(access);
    }

    /// Limits are asked at once, with what is known at this moment: what comes later stops nobody. What has no reason yet waits with its
    /// points for the end of the day.
    fn judge(&mut self, access: &Access) {
        let why = explain(&self.facts, access);
        let how = self.scores.circumstances(access);
        let judged = self.limits.look(&look_of(&self.facts, access, why));
        let counts = &mut self.today;
        counts.accesses = counts.accesses.saturating_add(1);
        counts.stopped = counts.stopped.saturating_add(u64::from(judged.stopped));
        counts.findings = counts.findings.saturating_add(judged.findings.len() as u64);
        let begun = judged.findings.iter().filter(|finding| finding.until_ms.is_some()).count();
        counts.blocks = counts.blocks.saturating_add(begun as u64);
        let room = FINDINGS_MAX.saturating_sub(self.findings.len());
        self.findings.extend(judged.findings.iter().take(room).cloned());
        if access.patient.is_some() && !why.is_weighty() && self.waiting.len() < WAITING_MAX {
            let Judgement { stopped, findings, .. } = judged;
            self.waiting.push(Waiting { access: access.clone(), how, findings, stopped });
            return;
        }
        self.conclude(access, why, how, &judged.findings, judged.stopped);
    }

    /// Counts an access with the reasons that it has in the end, and gives its points.
    fn conclude(
        &mut self,
        access: &Access,
        why: Explanations,
        how: Circumstances,
        findings: &[Finding],
        stopped: bool,
    ) {
        if access.patient.is_some() && access.allowed {
            let counts = &mut self.today;
            counts.of_patients = counts.of_patients.saturating_add(1);
            counts.explained = counts.explained.saturating_add(u64::from(!why.is_empty()));
            for word in why.iter().map(Explanation::as_str) {
                let count = counts.explanations.entry(word).or_default();
                *count = count.saturating_add(1);
            }
            if why.is_empty() && self.unexplained.len() < UNEXPLAINED_MAX {
                self.unexplained.push(access.sequence);
            }
        }
        self.scores.access(&self.facts, access, why, how, findings, stopped);
    }

    fn end_day(&mut self) -> Option<DayReport> {
        let day = self.day?;
        for Waiting { access, how, findings, stopped } in std::mem::take(&mut self.waiting) {
            let why = explain_afterwards(&self.facts, &access);
            self.conclude(&access, why, how, &findings, stopped);
        }
        if self.today.accesses == 0 {
            return None;
        }
        let alerts = self.scores.end_day();
        let mut counts = std::mem::take(&mut self.today);
        counts.alerts = alerts.len() as u64;
        self.summary.days = self.summary.days.saturating_add(1);
        self.summary.counts.add(&counts);
        let from_ms = day.saturating_mul(24 * 60 * MINUTE_MS).saturating_sub(self.offset_ms);
        let (findings, unexplained) =
            (std::mem::take(&mut self.findings), std::mem::take(&mut self.unexplained));
        Some(DayReport { from_ms, counts, findings, alerts, unexplained })
    }
}

/// What an access is to a limit.
fn look_of<'a>(facts: &'a Facts, access: &'a Access, why: Explanations) -> Look<'a> {
    let person = facts.known_person(Key::of(&access.person));
    let patient = access.patient.as_deref().and_then(|patient| facts.known_patient(Key::of(patient)));
    let act = match access.action.as_str() {
        "view" => Act::View,
        "print" => Act::Print,
        "export" => Act::Export,
        _ => Act::Other,
    };
    Look {
        sequence: access.sequence,
        at_ms: access.at_ms,
        person: &access.person,
        role: person.map_or("", |person| &person.role),
        session: &access.session,
        device: access.device.as_deref(),
        place: access.place.as_deref(),
        // What was refused gave nothing out.
        act: if access.allowed { act } else { Act::Other },
        patient: access.patient.as_deref(),
        study: access.study.as_deref(),
        instances: access.instances,
        bytes: access.bytes,
        why,
        emergency: matches!(access.purpose.as_deref(), Some("ETREAT" | "BTG")),
        decoy: patient.is_some_and(|patient| patient.decoy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ladder::Step;
    use crate::limits::{Limit, Measure, Of};
    use crate::score::score_of;

    const DAY_MS: i64 = 86_400_000;

    fn line(number: u64, at_ms: i64, person: &str, patient: &str) -> String {
        format!(
            r#"{{"kind":"access","at_ms":{at_ms},"sequence":{number},"person":"{person}","session":"s","action":"view","patient":"{patient}","allowed":true}}"#
        )
    }

    fn replay(rules: MonitorRules, lines: &[String]) -> (Vec<DayReport>, Summary) {
        let mut replay = Replay::new(rules).unwrap();
        let mut days = Vec::new();
        for (number, line) in lines.iter().enumerate() {
            let record = read_line(line, number as u64 + 1).unwrap();
            days.extend(record.and_then(|record| replay.take(&record)));
        }
        let (last, summary) = replay.finish();
        days.extend(last);
        (days, summary)
    }

    fn stream() -> Vec<String> {
        let mut lines = vec![
            r#"{"kind":"person","at_ms":0,"person":"p","role":"clinician","department":"surgery"}"#.to_owned(),
            r#"{"kind":"patient","at_ms":0,"patient":"famous","prominent":true}"#.to_owned(),
            r#"{"kind":"fact","at_ms":0,"fact":"care-relation","person":"p","patient":"q","valid_from_ms":0,"valid_until_ms":1000}"#.to_owned(),
            String::new(),
        ];
        lines.push(line(1, 500, "p", "q"));
        lines.push(line(2, 900, "p", "famous"));
        for n in 0..12 {
            lines.push(line(3 + n, 2 * DAY_MS + i64::try_from(n).unwrap(), "p", &format!("x{n}")));
        }
        lines
    }

    fn few() -> MonitorRules {
        let mut rules = MonitorRules::default();
        let step = Step::SuspendSession;
        rules.limits.usual = vec![Limit {
            measure: Measure::Patients,
            of: Of::Unexplained,
            within_minutes: 60,
            at_most: 10,
            step,
        }];
        rules
    }

    #[test]
    fn days_are_told_with_what_was_explained_stopped_and_worth_a_look() {
        let (days, summary) = replay(few(), &stream());
        assert_eq!(days.len(), 2);
        assert_eq!((days[0].counts.of_patients, days[0].counts.explained), (2, 1));
        assert_eq!(days[0].counts.explained_basis_points(), 5000);
        assert_eq!(days[0].alerts.len(), 1);
        assert_eq!(days[0].alerts[0].evidence, [2]);
        assert_eq!(days[0].from_ms, -8 * 60 * MINUTE_MS);
        // The eleventh is stopped, and the twelfth.
        assert_eq!((days[1].counts.stopped, days[1].counts.blocks), (2, 1));
        assert_eq!(days[1].findings.len(), 1);
        assert_eq!((summary.days, summary.counts.accesses, summary.counts.stopped), (2, 14, 2));
        for alert in days.iter().flat_map(|day| &day.alerts) {
            assert_eq!(alert.score, score_of(&alert.reasons));
        }
    }

    #[test]
    fn a_reason_that_comes_on_the_same_day_counts_and_one_of_the_next_day_does_not() {
        let fact = |at_ms: i64| {
            format!(
                r#"{{"kind":"fact","at_ms":{at_ms},"fact":"care-relation","person":"p","patient":"famous","valid_from_ms":800,"valid_until_ms":1000}}"#
            )
        };
        // The day ends at 16:00 UTC.
        for (at_ms, explained) in [(DAY_MS / 2, 2), (DAY_MS - 1, 1)] {
            let mut lines = stream();
            lines.insert(6, fact(at_ms));
            let (days, summary) = replay(few(), &lines);
            assert_eq!(days[0].counts.explained, explained, "known at {at_ms}");
            assert_eq!(days[0].unexplained, if explained == 2 { vec![] } else { vec![2] });
            assert_eq!((days.len(), summary.days), (2, 2), "a day with facts alone is none");
        }
    }

    #[test]
    fn what_comes_later_and_what_a_department_shares_lets_nobody_through_a_limit() {
        let mut lines = stream();
        lines.push(format!(
            r#"{{"kind":"fact","at_ms":{0},"fact":"maintenance","person":"p","valid_from_ms":0,"valid_until_ms":{0}}}"#,
            2 * DAY_MS + 1
        ));
        lines.extend((0..12).map(|n| {
            format!(
                r#"{{"kind":"fact","at_ms":{0},"fact":"encounter","department":"surgery","patient":"x{n}","valid_from_ms":{0},"valid_until_ms":{1}}}"#,
                2 * DAY_MS + 2,
                3 * DAY_MS
            )
        }));
        let (days, _) = replay(few(), &lines);
        assert_eq!((days[1].counts.stopped, days[1].counts.blocks), (2, 1));
        assert_eq!(days[1].counts.explained, days[1].counts.of_patients);
    }

    #[test]
    fn the_same_stream_gives_the_same_report() {
        let lines = stream();
        let once = serde_json::to_string(&replay(few(), &lines).0).unwrap();
        assert_eq!(once, serde_json::to_string(&replay(few(), &lines).0).unwrap());
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let error = read_line(r#"{"kind":"access"}"#, 7).unwrap_err();
        assert!(error.to_string().starts_with("line 7 is no record"), "{error}");
        assert!(read_line("  ", 1).unwrap().is_none());
        assert!(read_line(r#"{"kind":"patients","at_ms":0,"patient":"q"}"#, 1).is_err());
    }
}
