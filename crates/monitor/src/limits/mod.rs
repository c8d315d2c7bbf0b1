//! Layer 1: how much within a window, decoys, two places at once. The only layer that stops somebody.
//!
//! [`Limits::look`] is asked before each access. Broken glass, and the first few patients of an emergency, are never counted and
//! never stopped. What stops ends by itself, or when a second person lifts it. Only the second forgives what was counted until then: by
//! itself a count falls as its window slides, so that nobody passes the limit of a day by waiting.

mod climb;
mod history;
mod rules;
mod window;

pub use climb::{Asked, Held};
pub use rules::{LIMITS_MAX, Limit, LimitRules, Measure, Of, RulesError, WITHIN_MINUTES_MAX};
pub use window::DISTINCT_MAX;

use crate::explain::{Explanation, Explanations};
use crate::key::Key;
use crate::ladder::Step;
use crate::steps::{Demand, StepRules};
use climb::Climb;
use history::History;
use serde::Serialize;
use std::collections::HashMap;
use window::{Distinct, Sum};

/// People that are counted at once.
pub const COUNTED_MAX: usize = 100_000;
/// Roles in which a person is counted at once: an archive has fewer, and of a log with more the one that rested longest begins anew.
const ROLES_MAX: usize = 32;
/// Devices and places that are remembered of a person.
const REMEMBERED_MAX: usize = 64;
/// How long a device counts as new, and how long somebody is known before one can be new.
const NEW_DEVICE_MS: i64 = 86_400_000;
const KNOWN_MS: i64 = 3 * 86_400_000;
/// After how long without an access a person is forgotten.
const FORGOTTEN_MS: i64 = 90 * 86_400_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// What somebody is about to do.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Number of the access within its source.
    pub sequence: u64,
    /// Who.
    pub person: &'a str,
    /// In which role.
    pub role: &'a str,
    /// In which session.
    pub session: &'a str,
    /// From which device, where known.
    pub device: Option<&'a str>,
    /// From where, where known.
    pub place: Option<&'a str>,
    /// What it is.
    pub act: Act,
    /// Whose images.
    pub patient: Option<&'a str>,
    /// Which study.
    pub study: Option<&'a str>,
    /// Instances that are given out with it.
    pub instances: u64,
    /// Bytes that are given out with it.
    pub bytes: u64,
    /// Why.
    pub why: Explanations,
    /// Whether an emergency was stated.
    pub emergency: bool,
    /// Whether the patient is a decoy.
    pub decoy: bool,
}

/// What somebody does with images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Opens them, or lists an archive's studies of a patient.
    View,
    /// Prints them.
    Print,
    /// Takes them out.
    Export,
    /// Nothing that is counted.
    Other,
}

/// Something that a limit says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Number of the access.
    pub sequence: u64,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Who.
    pub person: String,
    /// In which role.
    pub role: String,
    /// What.
    pub what: What,
    /// What follows.
    pub step: Step,
    /// Until when, where it stops somebody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
}

/// What a limit says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum What {
    /// More than a limit.
    Limit {
        /// What was counted.
        measure: Measure,
        /// Of which accesses.
        of: Of,
        /// How much it would be.
        counted: u64,
        /// How much is well.
        at_most: u64,
        /// The window.
        within_minutes: u32,
    },
    /// Not more than a limit, and near it: a step of a running archive.
    Near {
        /// What was counted.
        measure: Measure,
        /// Of which accesses.
        of: Of,
        /// How much it would be.
        counted: u64,
        /// How much is well.
        at_most: u64,
        /// The window.
        within_minutes: u32,
    },
    /// A decoy was opened.
    Decoy,
    /// One account at two places at once.
    TwoPlaces,
    /// Many patients from a device that is new for the person.
    NewDevice {
        /// How many.
        patients: u64,
    },
}

impl What {
    /// The stable word.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Limit { .. } => "limit",
            Self::Near { .. } => "near",
            Self::Decoy => "decoy",
            Self::TwoPlaces => "two-places",
            Self::NewDevice { .. } => "new-device",
        }
    }
}

/// What becomes of an access.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Whether it is stopped.
    pub stopped: bool,
    /// What is asked before it goes on; only of a running archive.
    pub demand: Option<Demand>,
    /// What is said of it; a block that is open already says nothing new.
    pub findings: Vec<Finding>,
}

/// Why a block is not lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiftError {
    /// There is none.
    #[error("nothing is stopped for this person")]
    NotBlocked,
    /// It is one's own.
    #[error("nobody lifts what stops themselves")]
    SamePerson,
}

/// Counts of everybody.
#[derive(Debug)]
pub struct Limits {
    rules: LimitRules,
    history: History,
    people: HashMap<Key, Counted>,
    /// Steps that hold by what every node wrote down, this one too.
    held: HashMap<Key, Vec<Held>>,
    swept_ms: i64,
}

#[derive(Debug, Default)]
struct Counted {
    /// In each role in which the person acted, the one of this moment last.
    roles: Vec<InRole>,
    first_ms: i64,
    last_ms: i64,
    /// In the order of the absolute limits, whatever the role.
    absolute: Vec<Count>,
    block: Option<Block>,
    emergencies: Distinct,
    decoys: Distinct,
    devices: Vec<(Key, i64)>,
    on_new_device: Distinct,
    places: Vec<Place>,
    told: Vec<(&'static str, i64)>,
    climb: Climb,
    day: i64,
}

/// What a person did in one role. It stays when the role changes: two sessions that are used in turns do not begin anew with each look.
#[derive(Debug, Default)]
struct InRole {
    role: String,
    /// In the order of the limits of the role.
    counts: Vec<Count>,
    /// What the limits of a day held at most on this day.
    peaks: Vec<(Measure, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    step: Step,
    until_ms: i64,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    place: Key,
    session: Key,
    at_ms: i64,
}

#[derive(Debug)]
enum Count {
    Distinct(Distinct),
    Sum(Sum),
}

impl Limits {
    /// With these rules.
    ///
    /// # Errors
    /// [`RulesError`].
    pub fn new(rules: LimitRules) -> Result<Self, RulesError> {
        rules.check()?;
        let (people, held) = (HashMap::new(), HashMap::new());
        Ok(Self { rules, history: History::default(), people, held, swept_ms: i64::MIN })
    }

    /// Judges what somebody is about to do, and counts it if it goes on.
    pub fn look(&mut self, look: &Look<'_>) -> Judgement {
        self.judge(look, None)
    }

    /// The same in a running archive, where steps come before the limit. What is asked for something first is not counted.
    pub fn look_and_ask(&mut self, look: &Look<'_>, steps: &StepRules, asked: Asked) -> Judgement {
        self.judge(look, Some((steps, asked)))
    }

    fn judge(&mut self, look: &Look<'_>, ladder: Option<(&StepRules, Asked)>) -> Judgement {
        self.sweep(look.at_ms);
        let key = Key::of(look.person);
        if self.people.len() >= COUNTED_MAX && !self.people.contains_key(&key) {
            return self.above_all(look);
        }
        let Self { rules, history, people, held, .. } = self;
        let counted = people.entry(key).or_insert_with(|| Counted::new(rules, look));
        counted.begin(rules, history, look);
        let mut judgement = Judgement::default();
        if look.act == Act::Other {
            return judgement;
        }
        counted.notice(rules, look, &mut judgement);
        if counted.is_emergency(rules, look) {
            return judgement;
        }
        if counted.is_blocked(look) {
            judgement.stopped = true;
            return judgement;
        }
        if let Some(finding) = counted.exceeded(rules, history, look) {
            if finding.step.suspends() {
                // What stops less than this look needs is said once, not with each look that goes on.
                if !counted.is_stopped_by(finding.step, look.at_ms) {
                    let until_ms =
                        look.at_ms.saturating_add(i64::from(rules.block_minutes).saturating_mul(60_000));
                    counted.block = Some(Block { step: finding.step, until_ms });
                    judgement.findings.push(Finding { until_ms: Some(until_ms), ..finding });
                }
                judgement.stopped = counted.is_blocked(look);
            } else {
                judgement.findings.push(finding);
            }
        }
        if let Some((steps, asked)) = ladder.filter(|_| !judgement.stopped) {
            counted.rise(
                rules,
                steps,
                look,
                asked,
                held.get(&key).map_or(&[], Vec::as_slice),
                &mut judgement,
            );
        }
        if !judgement.stopped && judgement.demand.is_none() {
            counted.count(rules, look);
            if let Some((steps, asked)) = ladder {
                counted.climb.count(steps, look, asked);
            }
        }
        judgement
    }

    /// Learns which steps hold, by what every node wrote down. They take the place of those that were known.
    pub fn hold<'a>(&mut self, steps: impl IntoIterator<Item = (&'a str, Held)>) {
        self.held.clear();
        for (person, held) in steps.into_iter().take(COUNTED_MAX) {
            self.held.entry(Key::of(person)).or_default().push(held);
        }
    }

    /// Lifts what stops a person. What was counted until now is forgiven.
    ///
    /// # Errors
    /// [`LiftError`].
    pub fn lift(&mut self, person: &str, by: &str, now_ms: i64) -> Result<(), LiftError> {
        if person == by {
            return Err(LiftError::SamePerson);
        }
        let counted = self.people.get_mut(&Key::of(person));
        let Some(counted) =
            counted.filter(|counted| counted.block.is_some_and(|block| now_ms < block.until_ms))
        else {
            return Err(LiftError::NotBlocked);
        };
        counted.forgive(&self.rules);
        Ok(())
    }

    /// Forgets what was counted of a person, as when a second person lifted the block elsewhere.
    pub fn forgive(&mut self, person: &str) {
        self.held.remove(&Key::of(person));
        if let Some(counted) = self.people.get_mut(&Key::of(person)) {
            counted.forgive(&self.rules);
        }
    }

    /// Says that a block is right: it lasts until it is lifted.
    ///
    /// # Errors
    /// [`LiftError::NotBlocked`].
    pub fn confirm(&mut self, person: &str, now_ms: i64) -> Result<(), LiftError> {
        let block = self.people.get_mut(&Key::of(person)).and_then(|counted| counted.block.as_mut());
        let block = block.filter(|block| now_ms < block.until_ms).ok_or(LiftError::NotBlocked)?;
        block.until_ms = i64::MAX;
        Ok(())
    }

    /// How many people are counted at this moment.
    #[must_use]
    pub fn people(&self) -> usize {
        self.people.len()
    }

    /// Nobody more can be counted: who is not known is stopped unless it is an emergency, as what is not counted could be anything.
    fn above_all(&self, look: &Look<'_>) -> Judgement {
        let free = look.act == Act::Other || look.emergency || look.why.has(Explanation::BreakGlass);
        Judgement { stopped: !free, ..Judgement::default() }
    }

    fn sweep(&mut self, now_ms: i64) {
        if now_ms < self.swept_ms.saturating_add(HOUR_MS) {
            return;
        }
        self.swept_ms = now_ms;
        self.people.retain(|_, counted| {
            let lasting = counted.block.is_some_and(|block| now_ms < block.until_ms);
            lasting || now_ms.saturating_sub(counted.last_ms) < FORGOTTEN_MS
        });
    }
}

// === impl Counted ===

impl Counted {
    fn new(rules: &LimitRules, look: &Look<'_>) -> Self {
        let (absolute, day) = (counts_of(&rules.absolute), look.at_ms.div_euclid(DAY_MS));
        Self { absolute, day, first_ms: look.at_ms, ..Self::default() }
    }

    /// Brings the person to this moment: another role, another day, a block that is over.
    fn begin(&mut self, rules: &LimitRules, history: &mut History, look: &Look<'_>) {
        self.last_ms = look.at_ms.max(self.last_ms);
        let day = look.at_ms.div_euclid(DAY_MS);
        if day > self.day {
            for InRole { role, peaks, .. } in &mut self.roles {
                for (measure, peak) in peaks.drain(..) {
                    history.day(role, measure, peak);
                }
            }
            self.day = day;
        }
        self.act_in(look.role, rules);
        if self.block.is_some_and(|block| look.at_ms >= block.until_ms) {
            self.end(rules);
        }
    }

    /// Makes this role the last one, with what was counted in it before.
    fn act_in(&mut self, role: &str, rules: &LimitRules) {
        if self.roles.last().is_some_and(|last| last.role == role) {
            return;
        }
        let known = self.roles.iter().position(|known| known.role == role);
        let next = known.map(|index| self.roles.remove(index)).unwrap_or_else(|| InRole::new(role, rules));
        if self.roles.len() >= ROLES_MAX {
            self.roles.remove(0);
        }
        self.roles.push(next);
    }

    /// The block is over by itself: what it outlasted is over with it. The count of a longer window, and of an absolute limit, stays.
    fn end(&mut self, rules: &LimitRules) {
        self.block = None;
        for InRole { role, counts, .. } in &mut self.roles {
            for (limit, count) in rules.of_role(role).iter().zip(counts) {
                if limit.within_minutes <= rules.block_minutes {
                    *count = count_of(limit);
                }
            }
        }
    }

    /// Another person lifted the block: everything begins anew.
    fn forgive(&mut self, rules: &LimitRules) {
        self.block = None;
        self.climb = Climb::default();
        self.absolute = counts_of(&rules.absolute);
        for InRole { role, counts, .. } in &mut self.roles {
            *counts = counts_of(rules.of_role(role));
        }
    }

    fn is_stopped_by(&self, step: Step, now_ms: i64) -> bool {
        self.block.is_some_and(|block| now_ms < block.until_ms && step <= block.step)
    }

    fn is_blocked(&self, look: &Look<'_>) -> bool {
        self.block.is_some_and(|block| {
            look.at_ms < block.until_ms
                && match block.step {
                    Step::SuspendSession => true,
                    Step::SuspendExport => look.act != Act::View,
                    Step::Note | Step::AskReason | Step::Throttle | Step::StepUp => false,
                }
        })
    }

    /// Broken glass, or one of a few patients of a stated emergency. To take something out is no emergency.
    fn is_emergency(&mut self, rules: &LimitRules, look: &Look<'_>) -> bool {
        if look.act != Act::View {
            return false;
        }
        if look.why.has(Explanation::BreakGlass) {
            return true;
        }
        let Some(patient) = look.patient.map(Key::of).filter(|_| look.emergency) else { return false };
        let few = self.emergencies.with(patient, look.at_ms, HOUR_MS) <= u64::from(rules.emergency_patients);
        if few {
            self.emergencies.add(patient, look.at_ms, HOUR_MS);
        }
        few
    }

    /// What is worth a word and stops nobody.
    fn notice(&mut self, rules: &LimitRules, look: &Look<'_>, judgement: &mut Judgement) {
        let listed = look.why.has(Explanation::Maintenance) || look.why.has(Explanation::QualityAudit);
        if look.decoy && !listed && self.is_new_decoy(look) {
            judgement.findings.push(finding(look, What::Decoy, Step::AskReason));
        }
        if self.is_at_two_places(rules, look) && self.may_tell("two-places", look.at_ms) {
            judgement.findings.push(finding(look, What::TwoPlaces, Step::StepUp));
        }
        let Some(patients) = self.on_new_device(look).filter(|_| rules.new_device_patients > 0) else {
            return;
        };
        if patients > u64::from(rules.new_device_patients) && self.may_tell("new-device", look.at_ms) {
            judgement.findings.push(finding(look, What::NewDevice { patients }, Step::StepUp));
        }
    }

    /// Whether this decoy was not opened within the last hour: what is opened again and again is one alert.
    fn is_new_decoy(&mut self, look: &Look<'_>) -> bool {
        let Some(patient) = look.patient.map(Key::of) else { return false };
        let is_new = !self.decoys.holds(patient, look.at_ms, HOUR_MS);
        self.decoys.add(patient, look.at_ms, HOUR_MS);
        is_new
    }

    /// Whether the account was here, then elsewhere in another session, and is here again within a few minutes.
    fn is_at_two_places(&mut self, rules: &LimitRules, look: &Look<'_>) -> bool {
        let Some(place) = look.place.map(Key::of) else { return false };
        let session = Key::of(look.session);
        let since = look.at_ms.saturating_sub(i64::from(rules.two_places_minutes).saturating_mul(60_000));
        let here = self.places.iter().find(|known| known.place == place).map(|known| known.at_ms);
        let here = here.filter(|at| *at >= since);
        let both = here.is_some_and(|here| {
            self.places
                .iter()
                .any(|known| known.place != place && known.session != session && known.at_ms > here)
        });
        self.places.retain(|known| known.place != place && known.at_ms >= since);
        if self.places.len() < REMEMBERED_MAX {
            self.places.push(Place { place, session, at_ms: look.at_ms });
        }
        both
    }

    /// How many patients were opened from a device that is new for somebody who is known.
    fn on_new_device(&mut self, look: &Look<'_>) -> Option<u64> {
        let device = look.device.map(Key::of)?;
        let known = self.devices.iter().find(|(known, _)| *known == device).map(|(_, first)| *first);
        let first = known.unwrap_or(look.at_ms);
        if known.is_none() {
            if self.devices.len() >= REMEMBERED_MAX {
                self.devices.remove(0);
            }
            self.devices.push((device, look.at_ms));
        }
        let is_new = look.at_ms.saturating_sub(first) < NEW_DEVICE_MS
            && first.saturating_sub(self.first_ms) >= KNOWN_MS;
        let patient = look.patient.map(Key::of).filter(|_| is_new && look.why.is_empty())?;
        let patients = self.on_new_device.with(patient, look.at_ms, HOUR_MS);
        self.on_new_device.add(patient, look.at_ms, HOUR_MS);
        Some(patients)
    }

    /// The first limit that would be exceeded, those that stop before those that do not.
    fn exceeded(&mut self, rules: &LimitRules, history: &History, look: &Look<'_>) -> Option<Finding> {
        let mut worst: Option<(Limit, u64, u64)> = None;
        let widened = widens(look.why);
        let own = rules.of_role(look.role);
        let InRole { counts, peaks, .. } = self.roles.last_mut()?;
        let limits = own.iter().chain(&rules.absolute);
        let counts = counts.iter_mut().chain(&mut self.absolute);
        self.climb.begin();
        for (index, (limit, count)) in limits.zip(counts).enumerate() {
            // Who moves an archive opens all of it: only what holds for everybody is left, widened.
            if index < own.len() && look.why.has(Explanation::Maintenance) {
                continue;
            }
            let Some(counted) = count.with(limit, look) else { continue };
            let learnt = (rules.learn && index < own.len())
                .then(|| learnt(rules, history, look.role, limit))
                .flatten()
                .unwrap_or(limit.at_most);
            let at_most = if widened { learnt.saturating_mul(u64::from(rules.widen)) } else { learnt };
            self.climb.near(*limit, counted, at_most);
            // What a role does is what was done in it alone.
            if index < own.len() && limit.of == Of::All && limit.window_ms() == DAY_MS {
                peak(peaks, limit.measure, counted.min(at_most));
            }
            if counted > at_most && worst.is_none_or(|(before, ..)| before.step < limit.step) {
                worst = Some((*limit, counted, at_most));
            }
        }
        let (limit, counted, at_most) = worst?;
        if !limit.step.suspends() && !self.may_tell(limit.measure.as_str(), look.at_ms) {
            return None;
        }
        let Limit { measure, of, within_minutes, step, .. } = limit;
        Some(finding(look, What::Limit { measure, of, counted, at_most, within_minutes }, step))
    }

    /// Climbs: says which step is new, and what it asks. The step that stops exports is a stop like any other.
    fn rise(
        &mut self,
        rules: &LimitRules,
        steps: &StepRules,
        look: &Look<'_>,
        asked: Asked,
        held: &[Held],
        judgement: &mut Judgement,
    ) {
        let (told, demand) = self.climb.rise(steps, look, asked, held);
        judgement.demand = demand;
        let Some(told) = told else { return };
        if !told.step.suspends() {
            judgement.findings.push(told);
        } else if !self.is_stopped_by(told.step, look.at_ms) {
            let until_ms = look.at_ms.saturating_add(i64::from(rules.block_minutes).saturating_mul(60_000));
            self.block = Some(Block { step: told.step, until_ms });
            judgement.findings.push(Finding { until_ms: Some(until_ms), ..told });
            judgement.stopped = self.is_blocked(look);
        }
    }

    fn count(&mut self, rules: &LimitRules, look: &Look<'_>) {
        let Some(InRole { counts, .. }) = self.roles.last_mut() else { return };
        let limits = rules.of_role(look.role).iter().chain(&rules.absolute);
        for (limit, count) in limits.zip(counts.iter_mut().chain(&mut self.absolute)) {
            count.add(limit, look);
        }
    }

    /// Whether something of this kind was not said within the last hour.
    fn may_tell(&mut self, what: &'static str, now_ms: i64) -> bool {
        match self.told.iter_mut().find(|(told, _)| *told == what) {
            Some((_, at)) if now_ms < at.saturating_add(HOUR_MS) => false,
            Some((_, at)) => {
                *at = now_ms;
                true
            }
            None => {
                self.told.push((what, now_ms));
                true
            }
        }
    }
}

// === impl InRole ===

impl InRole {
    fn new(role: &str, rules: &LimitRules) -> Self {
        Self { role: role.to_owned(), counts: counts_of(rules.of_role(role)), peaks: Vec::new() }
    }
}

// === impl Count ===

impl Count {
    /// How much it would be with this; none when the limit does not speak of it.
    fn with(&mut self, limit: &Limit, look: &Look<'_>) -> Option<u64> {
        match self {
            Self::Distinct(distinct) => {
                Some(distinct.with(distinct_key(limit, look)?, look.at_ms, limit.window_ms()))
            }
            Self::Sum(sum) => Some(sum.with(amount(limit, look)?, look.at_ms, limit.window_ms())),
        }
    }

    fn add(&mut self, limit: &Limit, look: &Look<'_>) {
        match self {
            Self::Distinct(distinct) => {
                if let Some(key) = distinct_key(limit, look) {
                    distinct.add(key, look.at_ms, limit.window_ms());
                }
            }
            Self::Sum(sum) => {
                if let Some(amount) = amount(limit, look) {
                    sum.add(amount, look.at_ms, limit.window_ms());
                }
            }
        }
    }
}

// === helpers ===

fn counts_of(limits: &[Limit]) -> Vec<Count> {
    limits.iter().map(count_of).collect()
}

fn count_of(limit: &Limit) -> Count {
    match limit.measure {
        Measure::Patients | Measure::Studies | Measure::Exports => Count::Distinct(Distinct::default()),
        Measure::Instances | Measure::Bytes | Measure::Prints => Count::Sum(Sum::default()),
    }
}

fn speaks_of(limit: &Limit, look: &Look<'_>) -> bool {
    limit.of == Of::All || look.why.is_empty()
}

fn distinct_key(limit: &Limit, look: &Look<'_>) -> Option<Key> {
    let name = match limit.measure {
        Measure::Patients => look.patient,
        Measure::Studies => look.study.or(look.patient),
        Measure::Exports => look.study.or(look.patient).filter(|_| look.act == Act::Export),
        Measure::Instances | Measure::Bytes | Measure::Prints => None,
    };
    name.filter(|_| speaks_of(limit, look)).map(Key::of)
}

fn amount(limit: &Limit, look: &Look<'_>) -> Option<u64> {
    let amount = match limit.measure {
        Measure::Instances => look.instances,
        Measure::Bytes => look.bytes,
        Measure::Prints => u64::from(look.act == Act::Print),
        Measure::Patients | Measure::Studies | Measure::Exports => 0,
    };
    (amount > 0 && speaks_of(limit, look)).then_some(amount)
}

/// The limit of a day that the role's own history gives, between half of what is set and the absolute cap.
fn learnt(rules: &LimitRules, history: &History, role: &str, limit: &Limit) -> Option<u64> {
    if limit.of != Of::All || limit.window_ms() != DAY_MS {
        return None;
    }
    let learnt = history.limit(role, limit.measure)?;
    let caps = rules.absolute.iter().filter(|cap| cap.measure == limit.measure && cap.window_ms() == DAY_MS);
    let cap = caps.map(|cap| cap.at_most).min().unwrap_or(limit.at_most);
    Some(learnt.clamp((limit.at_most / 2).min(cap), cap))
}

fn widens(why: Explanations) -> bool {
    [Explanation::Maintenance, Explanation::Board, Explanation::QualityAudit, Explanation::Teaching]
        .into_iter()
        .any(|announced| why.has(announced))
}

fn peak(peaks: &mut Vec<(Measure, u64)>, measure: Measure, counted: u64) {
    match peaks.iter_mut().find(|(known, _)| *known == measure) {
        Some((_, most)) => *most = counted.max(*most),
        None => peaks.push((measure, counted)),
    }
}

fn finding(look: &Look<'_>, what: What, step: Step) -> Finding {
    let (person, role) = (look.person.to_owned(), look.role.to_owned());
    Finding { sequence: look.sequence, at_ms: look.at_ms, person, role, what, step, until_ms: None }
}

#[cfg(test)]
mod tests;
