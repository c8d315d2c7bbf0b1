//! How far somebody has climbed the ladder of steps: kept beside the counts, so that no decision waits for it.

use super::window::Distinct;
use super::{Finding, HOUR_MS, Limit, Look, Measure, Of, What, finding};
use crate::key::Key;
use crate::ladder::Step;
use crate::steps::{Counts, Demand, Opening, STEPS_FROM_MIN, StepRules, demand_of, step_of};

/// What a running archive knows of whoever is about to open something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Whether the person said why this patient is to be opened.
    pub is_stated: bool,
    /// When a second factor was last proved in the session, in milliseconds since 1970.
    pub proved_ms: Option<i64>,
    /// Whether it is a person, who can answer. Nothing is asked of a machine.
    pub is_person: bool,
}

/// A step that holds for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub step: Step,
    /// Since when.
    pub since_ms: i64,
    /// The first moment at which it holds no more.
    pub until_ms: i64,
}

impl Held {
    const fn at(&self, now_ms: i64) -> bool {
        now_ms < self.until_ms
    }
}

/// Where a person stands.
#[derive(Debug, Default)]
pub(super) struct Climb {
    opened: Distinct,
    unexplained: Distinct,
    last_ms: Option<i64>,
    /// The hardest step that was told and still holds.
    risen: Option<Held>,
    /// Since when a second factor is asked for.
    proof_since_ms: Option<i64>,
    /// The nearest limit of those that suspend sessions, and of those that suspend exports.
    session: Option<Near>,
    export: Option<Near>,
}

/// A limit, and how much of it is used up.
#[derive(Clone, Copy, Debug)]
struct Near {
    limit: Limit,
    counted: u64,
    at_most: u64,
}

impl Near {
    fn is_nearer_than(&self, other: &Self) -> bool {
        let share = |one: &Self, by: &Self| u128::from(one.counted).saturating_mul(by.at_most.into());
        share(self, other) > share(other, self)
    }
}

impl Climb {
    /// Forgets which limits were near: those of this look come now.
    pub(super) fn begin(&mut self) {
        (self.session, self.export) = (None, None);
    }

    /// Notes how much of a limit this look would use up.
    pub(super) fn near(&mut self, limit: Limit, counted: u64, at_most: u64) {
        if at_most < STEPS_FROM_MIN || !limit.step.suspends() {
            return;
        }
        let place = if limit.step == Step::SuspendSession { &mut self.session } else { &mut self.export };
        let near = Near { limit, counted, at_most };
        if place.is_none_or(|before| near.is_nearer_than(&before)) {
            *place = Some(near);
        }
    }

    /// What holds from this look on: the finding where a step is new, and what is asked before it goes on.
    pub(super) fn rise(
        &mut self,
        rules: &StepRules,
        look: &Look<'_>,
        asked: Asked,
        held: &[Held],
    ) -> (Option<Finding>, Option<Demand>) {
        let is_explained = !look.why.is_empty() || asked.is_stated;
        let (now_ms, window_ms) = (look.at_ms, window_ms(rules));
        let patient = look.patient.map(Key::of);
        let unexplained = match patient.filter(|_| !is_explained) {
            Some(patient) => self.unexplained.with(patient, now_ms, window_ms),
            None => self.unexplained.len(now_ms, window_ms),
        };
        let cause = self.cause(rules, unexplained, is_explained);
        let counted = cause.as_ref().map(|(step, _)| *step);
        let told = self.tell(rules, look, cause);
        let held = || held.iter().filter(|held| held.at(now_ms));
        let risen = self.risen.filter(|risen| risen.at(now_ms));
        let step = counted.max(risen.map(|risen| risen.step)).max(held().map(|held| held.step).max());
        let Some(patient) = patient.filter(|_| asked.is_person) else { return (told, None) };
        // Who proved it since the first of these steps has answered all of them.
        let held_ms = held().filter(|held| held.step >= Step::StepUp).map(|held| held.since_ms).min();
        let since_ms = self.proof_since_ms.max(held_ms);
        let opening = Opening {
            is_explained,
            is_emergency: false,
            is_known: self.opened.holds(patient, now_ms, HOUR_MS),
            is_proved: asked.proved_ms.is_some_and(|proved| since_ms.is_none_or(|since| since <= proved)),
            since_last_ms: self.last_ms.map(|last| now_ms.saturating_sub(last)),
        };
        (told, demand_of(rules, step, &opening))
    }

    /// Counts what goes on.
    pub(super) fn count(&mut self, rules: &StepRules, look: &Look<'_>, asked: Asked) {
        let Some(patient) = look.patient.map(Key::of) else { return };
        if !self.opened.holds(patient, look.at_ms, HOUR_MS) {
            self.last_ms = Some(look.at_ms);
        }
        self.opened.add(patient, look.at_ms, HOUR_MS);
        if look.why.is_empty() && !asked.is_stated {
            self.unexplained.add(patient, look.at_ms, window_ms(rules));
        }
    }

    /// The hardest step that counts lead to, with what is to be said of it.
    fn cause(&self, rules: &StepRules, unexplained: u64, is_explained: bool) -> Option<(Step, What)> {
        let near = |near: Near| {
            let Near { limit, counted, at_most } = near;
            let of_session = limit.step == Step::SuspendSession;
            let counts = Counts { counted, at_most, of_session, unexplained: 0 };
            let Limit { measure, of, within_minutes, .. } = limit;
            let step = step_of(rules, &counts, is_explained, false)?;
            Some((step, What::Near { measure, of, counted, at_most, within_minutes }))
        };
        let reasons = step_of(rules, &Counts { unexplained, ..Counts::default() }, is_explained, false);
        let reasons = reasons.map(|step| {
            let (counted, at_most) = (unexplained, rules.ask_reason_after);
            let within_minutes = rules.ask_reason_within_minutes;
            (
                step,
                What::Near {
                    measure: Measure::Patients,
                    of: Of::Unexplained,
                    counted,
                    at_most,
                    within_minutes,
                },
            )
        });
        let causes = [self.export.and_then(near), reasons, self.session.and_then(near)];
        causes.into_iter().flatten().max_by_key(|(step, _)| *step)
    }

    /// Says a step once while it holds, and again when it goes on behind its end. What takes nothing out is said by
    /// the stop that it begins.
    fn tell(&mut self, rules: &StepRules, look: &Look<'_>, cause: Option<(Step, What)>) -> Option<Finding> {
        let (step, what) = cause?;
        let now_ms = look.at_ms;
        if self.risen.is_some_and(|risen| risen.at(now_ms) && step <= risen.step) {
            return None;
        }
        let until_ms = now_ms.saturating_add(i64::from(rules.step_minutes).saturating_mul(60_000));
        if step >= Step::StepUp
            && self.risen.is_none_or(|risen| !risen.at(now_ms) || risen.step < Step::StepUp)
        {
            self.proof_since_ms = Some(now_ms);
        }
        self.risen = Some(Held { step, since_ms: now_ms, until_ms });
        Some(Finding { until_ms: Some(until_ms), ..finding(look, what, step) })
    }
}

fn window_ms(rules: &StepRules) -> i64 {
    i64::from(rules.ask_reason_within_minutes).saturating_mul(60_000)
}
