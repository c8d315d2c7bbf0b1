//! Layer 2: who should be looked at first. Ranks, and stops nobody.
//!
//! What a person does on a day is one incident. It gets points for what can be named and checked (`points`); their sum is the score.
//! At the end of the day the incidents with most points, as many as somebody can look at, are the alerts of the day.

mod baseline;
mod habits;
mod peers;
mod points;

pub use habits::Circumstances;
pub use points::{Reason, Signal, WEIGHTS, Weight, score_of};

use crate::explain::{Explanation, Explanations};
use crate::facts::{Facts, KnownPatient, KnownPerson};
use crate::key::Key;
use crate::ladder::{Ladder, Step};
use crate::limits::{Finding, What};
use crate::record::Access;
use baseline::{Baseline, RoleMean};
use habits::Habits;
use peers::Peers;
use points::{Signals, reasons};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// People of which a day is kept at once.
const PEOPLE_MAX: usize = 100_000;
/// Patients without a reason that are kept of a person and a day: the first ones are what a reviewer looks at.
const PATIENTS_MAX: usize = 2_000;
/// Accesses whose numbers an alert shows.
const EVIDENCE_MAX: usize = 50;
/// From how many accesses on a patient without a reason counts as looked through.
const LOOKED_THROUGH: u32 = 3;
/// People of a department on a day before what they have in common says something.
const COLLEAGUES_MIN: f64 = 4.0;
/// Patients without a reason that are remembered, and for how long: who comes back to them is curious, or has a reason that nobody wrote down.
const SEEN_MAX: usize = 1_000_000;
const SEEN_DAYS: i64 = 30;
/// How long before its end somebody's time counts as ending.
const LEAVING_MS: i64 = 30 * 86_400_000;
const DAY_MS: i64 = 86_400_000;

/// How scores are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScoreRules {
    /// How many incidents somebody looks at per day.
    pub budget: usize,
    /// Below this many points an incident is none.
    pub points_min: u32,
    /// Minutes east of UTC at which the day begins.
    pub utc_offset_minutes: i32,
    /// Words in the roles of people from outside, who work when it was announced.
    pub vendor_roles: Vec<String>,
    /// Words in the roles of people who do research.
    pub research_roles: Vec<String>,
    /// What is proposed for how many points.
    pub ladder: Ladder,
}

impl Default for ScoreRules {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            budget: 20,
            points_min: 10,
            utc_offset_minutes: 480,
            vendor_roles: words(&[
                "vendor",
                "supplier",
                "contractor",
                "service-engineer",
                "厂商",
                "供应商",
                "外包",
            ]),
            research_roles: words(&["research", "科研", "研究"]),
            ladder: Ladder::default(),
        }
    }
}

/// What a person did on a day, as far as somebody should look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incident {
    /// Who.
    pub person: String,
    /// In which role.
    pub role: String,
    /// The sum of the points of the reasons.
    pub score: u32,
    /// What is proposed.
    pub step: Step,
    /// Why, the weightiest first.
    pub reasons: Vec<Reason>,
    /// Numbers of accesses that a reviewer looks at first, at most fifty.
    pub evidence: Vec<u64>,
    /// Accesses of the day.
    pub accesses: u64,
    /// Of them those that need a reason and have none.
    pub unexplained: u64,
    /// When the first and the last piece of evidence was, milliseconds since 1970.
    pub from_ms: i64,
    /// When the last was.
    pub until_ms: i64,
}

/// Points of everybody, day by day.
#[derive(Debug)]
pub struct Scores {
    rules: ScoreRules,
    today: HashMap<Key, Day>,
    baselines: HashMap<Key, Baseline>,
    roles: HashMap<String, RoleMean>,
    peers: Peers,
    /// The first day on which somebody had a patient without a reason.
    seen: HashMap<(Key, Key), i64>,
    habits: Habits,
}

#[derive(Debug, Default)]
struct Day {
    person: String,
    role: String,
    signals: Signals,
    department: Option<Key>,
    /// How often each patient without a reason was opened.
    unexplained: HashMap<Key, u32>,
    /// Patients that gave points of a kind, so that each gives them once.
    marked: HashSet<(Signal, Key)>,
    accesses: u64,
    unexplained_accesses: u64,
    evidence: Vec<(u32, u64)>,
    from_ms: i64,
    until_ms: i64,
}

impl Scores {
    /// With these rules.
    #[must_use]
    pub fn new(rules: ScoreRules) -> Self {
        let (today, baselines, roles) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self {
            rules,
            today,
            baselines,
            roles,
            peers: Peers::default(),
            seen: HashMap::new(),
            habits: Habits::default(),
        }
    }

    /// The day of a moment, in the zone of the hospital.
    #[must_use]
    pub fn day_of(&self, at_ms: i64) -> i64 {
        at_ms
            .saturating_add(i64::from(self.rules.utc_offset_minutes).saturating_mul(60_000))
            .div_euclid(DAY_MS)
    }

    /// How an access came about. Asked for each access, in their order, before its points can be given.
    pub fn circumstances(&mut self, access: &Access) -> Circumstances {
        let day = self.day_of(access.at_ms);
        self.habits.of(access, day)
    }

    /// Takes an access with its reasons, how it came about, and what limits said of it.
    pub fn access(
        &mut self,
        facts: &Facts,
        access: &Access,
        why: Explanations,
        how: Circumstances,
        found: &[Finding],
        stopped: bool,
    ) {
        let date = self.day_of(access.at_ms);
        let key = Key::of(&access.person);
        if self.today.len() >= PEOPLE_MAX && !self.today.contains_key(&key) {
            return;
        }
        let person = facts.known_person(key);
        let day = self.today.entry(key).or_insert_with(|| Day::new(access, person));
        day.accesses = day.accesses.saturating_add(1);
        for finding in found {
            let signal = match finding.what {
                What::Decoy | What::Near { .. } => continue,
                What::TwoPlaces => Signal::SharedAccount,
                What::NewDevice { .. } => Signal::NewDevice,
                What::Limit { .. } if finding.step.suspends() => Signal::Stopped,
                What::Limit { .. } => continue,
            };
            day.give(signal, 1, access);
        }
        if !access.allowed && !stopped {
            day.signals.add(Signal::Refused, 1);
        }
        let Some(patient) = access.patient.as_deref().map(Key::of) else { return };
        let known = facts.known_patient(patient).copied();
        if let (Some(person), Some(to)) = (person, known.and_then(|known| known.department)) {
            self.peers.count(person.department, to);
        }
        let came_back = why.is_empty() && {
            let known = self.seen.len();
            match self.seen.get(&(key, patient)) {
                Some(first) => *first < date,
                None if known < SEEN_MAX => {
                    self.seen.insert((key, patient), date);
                    false
                }
                None => false,
            }
        };
        let seen = Seen { facts, access, key, person, patient, known, why, came_back, how };
        day.look(&seen, &self.rules, &self.peers);
    }

    /// Ends the day: its incidents with most points, within the budget, the weightiest first.
    pub fn end_day(&mut self) -> Vec<Incident> {
        let mut incidents = Vec::new();
        // In the order of names, so that a day told twice reads the same.
        let mut days: Vec<(Key, Day)> = std::mem::take(&mut self.today).into_iter().collect();
        days.sort_by(|(_, a), (_, b)| a.person.cmp(&b.person));
        let mut departments: HashMap<Key, (f64, f64)> = HashMap::new();
        for (_, day) in &days {
            if let Some(department) = day.department {
                let (patients, people) = departments.entry(department).or_default();
                *patients += f64::from(day.patients());
                *people += 1.0;
            }
        }
        if let Some(today) = days.first().map(|(_, day)| self.day_of(day.from_ms)) {
            self.seen.retain(|_, first| today < first.saturating_add(SEEN_DAYS));
        }
        for (key, mut day) in days {
            let unexplained = day.patients();
            let others = match day.department.and_then(|department| departments.get(&department)) {
                Some((patients, people)) if *people >= COLLEAGUES_MIN => {
                    (patients - f64::from(unexplained)) / (people - 1.0)
                }
                _ => 0.0,
            };
            if self.roles.len() < PEOPLE_MAX || self.roles.contains_key(&day.role) {
                let role = self.roles.entry(day.role.clone()).or_default();
                let mean = role.mean();
                role.day(unexplained);
                if self.baselines.len() < PEOPLE_MAX || self.baselines.contains_key(&key) {
                    let says = self.baselines.entry(key).or_default().day(unexplained, mean, others);
                    day.signals.add(Signal::AboveOwnDays, says.above);
                    day.signals.add(Signal::SlowCollection, says.slow);
                }
            }
            incidents.extend(day.incident(&self.rules));
        }
        incidents.sort_by_key(|incident| std::cmp::Reverse(incident.score));
        incidents.truncate(self.rules.budget);
        incidents
    }
}

/// An access to a patient with what is known of both.
struct Seen<'a> {
    facts: &'a Facts,
    access: &'a Access,
    key: Key,
    person: Option<&'a KnownPerson>,
    patient: Key,
    known: Option<KnownPatient>,
    why: Explanations,
    came_back: bool,
    how: Circumstances,
}

// === impl Day ===

impl Day {
    fn new(access: &Access, person: Option<&KnownPerson>) -> Self {
        let role = person.map_or_else(String::new, |person| person.role.clone());
        Self {
            person: access.person.clone(),
            role,
            department: person.map(|person| person.department),
            from_ms: access.at_ms,
            until_ms: access.at_ms,
            ..Self::default()
        }
    }

    /// How many patients have no reason.
    fn patients(&self) -> u32 {
        u32::try_from(self.unexplained.len()).unwrap_or(u32::MAX)
    }

    fn look(&mut self, seen: &Seen<'_>, rules: &ScoreRules, peers: &Peers) {
        let Seen { access, why, known, .. } = seen;
        let listed = why.has(Explanation::Maintenance) || why.has(Explanation::QualityAudit);
        if known.is_some_and(|known| known.decoy) && !listed {
            self.mark(Signal::Decoy, seen);
        }
        if only(*why, Explanation::BreakGlass) {
            let tied = !ties(seen).is_empty();
            self.mark(if tied { Signal::BreakGlass } else { Signal::GlassAlone }, seen);
        }
        if only(*why, Explanation::DepartmentCare) && !ties(seen).is_empty() {
            self.mark(Signal::OnlyDepartment, seen);
            if seen.how.searched {
                self.mark(Signal::SearchedFor, seen);
            }
        }
        let taken_out = matches!(access.action.as_str(), "export" | "print");
        if taken_out && only(*why, Explanation::DepartmentCare) {
            self.mark(Signal::TakenOut, seen);
        }
        if !why.is_empty() {
            return;
        }
        self.unexplained_accesses = self.unexplained_accesses.saturating_add(1);
        let known_today =
            self.unexplained.len() >= PATIENTS_MAX || self.unexplained.contains_key(&seen.patient);
        if let Some(times) = self.unexplained.get_mut(&seen.patient) {
            *times = times.saturating_add(1);
            if *times == LOOKED_THROUGH {
                self.give(Signal::LookedThrough, 1, access);
            }
        }
        if !known_today {
            self.unexplained.insert(seen.patient, 1);
            if seen.came_back {
                self.give(Signal::CameBack, 1, access);
            }
            if seen.how.searched {
                let tied = !ties(seen).is_empty();
                self.give(if tied { Signal::LookedUp } else { Signal::SearchedFor }, 1, access);
            }
            self.give(Signal::Unexplained, 1, access);
            if seen.how.unknown_device {
                self.give(Signal::UnknownDevice, 1, access);
            }
            self.of_person(seen, rules);
            let departments =
                seen.person.map(|person| person.department).zip(known.and_then(|known| known.department));
            if departments.is_some_and(|(from, to)| peers.is_unusual(from, to)) {
                self.give(Signal::UnusualDepartment, 1, access);
            }
        }
        for signal in ties(seen) {
            self.mark(signal, seen);
        }
        if taken_out {
            self.mark(Signal::TakenOut, seen);
        }
    }

    /// What follows from who it is, once for each patient without a reason.
    fn of_person(&mut self, seen: &Seen<'_>, rules: &ScoreRules) {
        let Seen { access, facts, .. } = seen;
        if facts.on_roster(seen.key, access.at_ms) == Some(false) {
            self.give(Signal::OffRoster, 1, access);
        }
        let research = access.purpose.as_deref() == Some("HRESCH");
        if research || is_one_of(&self.role, &rules.research_roles) {
            self.give(Signal::ResearchOverreach, 1, access);
        }
        if is_one_of(&self.role, &rules.vendor_roles) {
            self.give(Signal::VendorUnannounced, 1, access);
        }
        let leaves = seen.person.and_then(|person| person.leaves_ms);
        if leaves.is_some_and(|leaves| access.at_ms >= leaves.saturating_sub(LEAVING_MS)) {
            self.give(Signal::Leaver, 1, access);
        }
    }

    /// Gives points for a patient once.
    fn mark(&mut self, signal: Signal, seen: &Seen<'_>) {
        if self.marked.len() < PATIENTS_MAX && self.marked.insert((signal, seen.patient)) {
            self.give(signal, 1, seen.access);
        }
    }

    fn give(&mut self, signal: Signal, count: u32, access: &Access) {
        self.signals.add(signal, count);
        self.from_ms = self.from_ms.min(access.at_ms);
        self.until_ms = self.until_ms.max(access.at_ms);
        let each = WEIGHTS.iter().find(|weight| weight.signal == signal).map_or(0, |weight| weight.each);
        if let Some(known) = self.evidence.iter_mut().find(|(_, sequence)| *sequence == access.sequence) {
            known.0 = known.0.saturating_add(each);
        } else if self.evidence.len() < EVIDENCE_MAX {
            self.evidence.push((each, access.sequence));
        } else if let Some(least) = self.evidence.iter_mut().min_by_key(|(points, _)| *points)
            && least.0 < each
        {
            *least = (each, access.sequence);
        }
    }

    fn incident(self, rules: &ScoreRules) -> Option<Incident> {
        let reasons = reasons(&self.signals);
        let score = score_of(&reasons);
        if score < rules.points_min {
            return None;
        }
        let mut evidence = self.evidence;
        evidence.sort_by_key(|(points, sequence)| (std::cmp::Reverse(*points), *sequence));
        Some(Incident {
            person: self.person,
            role: self.role,
            score,
            step: rules.ladder.for_score(score),
            reasons,
            evidence: evidence.into_iter().map(|(_, sequence)| sequence).collect(),
            accesses: self.accesses,
            unexplained: self.unexplained_accesses,
            from_ms: self.from_ms,
            until_ms: self.until_ms,
        })
    }
}

// === helpers ===

/// Whether a role has one of these words in it.
fn is_one_of(role: &str, words: &[String]) -> bool {
    words.iter().any(|word| !word.is_empty() && role.contains(word.as_str()))
}

fn only(why: Explanations, reason: Explanation) -> bool {
    why.has(reason) && why.iter().count() == 1
}

/// How the person is tied to the patient otherwise than by work. Names say nothing: three surnames are a fifth of the country.
fn ties(seen: &Seen<'_>) -> Vec<Signal> {
    let Some(known) = seen.known else { return Vec::new() };
    let mut ties = Vec::new();
    if known.prominent {
        ties.push(Signal::Prominent);
    }
    if known.staff.is_some_and(|staff| staff != seen.key) {
        ties.push(Signal::Colleague);
    }
    let Some(person) = seen.person else { return ties };
    let same = |one: Option<Key>, other: Option<Key>| one.is_some() && one == other;
    if same(person.household, known.household) {
        ties.push(Signal::Household);
    } else if same(person.neighbourhood, known.neighbourhood) {
        ties.push(Signal::Neighbour);
    }
    ties
}

#[cfg(test)]
mod tests;
