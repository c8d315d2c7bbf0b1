//! What is known of people, patients and why they have to do with each other. Kept as long as it holds, within bounds.

use crate::key::Key;
use crate::record::{Fact, FactKind, Patient, Person};
use std::collections::HashMap;

/// People of the staff that are known at once: ten of the largest hospitals.
pub const PEOPLE_MAX: usize = 100_000;
/// Patients that are known at once. About 150 bytes each.
pub const PATIENTS_MAX: usize = 5_000_000;
/// Facts that hold at once. About 100 bytes each, so that facts take 400 MB at most.
pub const FACTS_MAX: usize = 4_000_000;
/// Pairs of people and patients of which is remembered that the one wrote a report on the other, or treated.
pub const REMEMBERED_MAX: usize = 4_000_000;

/// How long a fact is kept when it is over: an access is looked at once more at the end of its day, and what was written down late has to
/// be found then.
const LATE_MS: i64 = 36 * 3_600_000;
/// How often facts that are over are thrown away, in the time of the records.
const SWEEP_MS: i64 = 3_600_000;
/// For how long the writer of a report may look at it again.
const AUTHOR_MS: i64 = 5 * 366 * 86_400_000;
/// For how long who treated, ordered or was asked may look what became of it.
const FOLLOW_UP_MS: i64 = 14 * 86_400_000;

/// How long before it begins a department prepares what it does for a patient.
const PREPARE_MS: i64 = 12 * 3_600_000;

/// What is known at a moment of the stream.
#[derive(Debug, Default)]
pub struct Facts {
    people: HashMap<Key, KnownPerson>,
    patients: HashMap<Key, KnownPatient>,
    of_pair: HashMap<(Key, Key), Vec<Held>>,
    of_department: HashMap<(Key, Key), Vec<Held>>,
    of_person: HashMap<Key, Vec<Held>>,
    of_patient: HashMap<Key, Vec<Held>>,
    in_department: HashMap<Key, Vec<Held>>,
    /// Departments in which a patient lies, or is expected.
    encounters: HashMap<Key, Vec<(Key, Held)>>,
    /// Until when somebody may look again, as a writer or as one who treated.
    authors: HashMap<(Key, Key), i64>,
    treated: HashMap<(Key, Key), i64>,
    /// When a department, or somebody of it, had to do with a patient: the last such time, first and last millisecond.
    cared: HashMap<(Key, Key), (i64, i64)>,
    held: usize,
    not_kept: u64,
    swept_ms: i64,
}

/// Somebody of the staff, as far as detectors ask.
#[derive(Clone, Debug)]
pub(crate) struct KnownPerson {
    pub(crate) role: String,
    pub(crate) department: Key,
    pub(crate) household: Option<Key>,
    pub(crate) neighbourhood: Option<Key>,
    pub(crate) leaves_ms: Option<i64>,
}

/// A patient, as far as detectors ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownPatient {
    pub(crate) department: Option<Key>,
    pub(crate) staff: Option<Key>,
    pub(crate) household: Option<Key>,
    pub(crate) neighbourhood: Option<Key>,
    pub(crate) prominent: bool,
    pub(crate) decoy: bool,
}

/// A fact and when it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) fact: FactKind,
    pub(crate) from_ms: i64,
    pub(crate) until_ms: i64,
}

impl Held {
    /// Whether it holds at a moment: from the first millisecond to the last, and not one longer.
    pub(crate) const fn at(&self, now_ms: i64) -> bool {
        self.from_ms <= now_ms && now_ms < self.until_ms
    }
}

impl Facts {
    /// Takes somebody of the staff; a later line replaces an earlier one.
    pub fn person(&mut self, person: &Person) {
        let key = Key::of(&person.person);
        if self.people.len() >= PEOPLE_MAX && !self.people.contains_key(&key) {
            self.not_kept = self.not_kept.saturating_add(1);
            return;
        }
        let known = KnownPerson {
            role: person.role.clone(),
            department: Key::of(&person.department),
            household: person.household.as_deref().map(Key::of),
            neighbourhood: person.neighbourhood.as_deref().map(Key::of),
            leaves_ms: person.leaves_ms,
        };
        self.people.insert(key, known);
    }

    /// Takes a patient; a later line replaces an earlier one.
    pub fn patient(&mut self, patient: &Patient) {
        let key = Key::of(&patient.patient);
        if self.patients.len() >= PATIENTS_MAX && !self.patients.contains_key(&key) {
            self.not_kept = self.not_kept.saturating_add(1);
            return;
        }
        let known = KnownPatient {
            department: patient.department.as_deref().map(Key::of),
            staff: patient.staff.as_deref().map(Key::of),
            household: patient.household.as_deref().map(Key::of),
            neighbourhood: patient.neighbourhood.as_deref().map(Key::of),
            prominent: patient.prominent,
            decoy: patient.decoy,
        };
        self.patients.insert(key, known);
    }

    /// Takes a fact. One that is over already explains nothing that comes, but who wrote a report is remembered.
    pub fn fact(&mut self, fact: &Fact) {
        self.sweep(fact.at_ms);
        let held = Held { fact: fact.fact, from_ms: fact.valid_from_ms, until_ms: fact.valid_until_ms };
        let person = fact.person.as_deref().map(Key::of);
        let patient = fact.patient.as_deref().map(Key::of);
        let department = fact.department.as_deref().map(Key::of);
        if let (Some(person), Some(patient)) = (person, patient) {
            self.remember(person, patient, held);
        }
        if let (Some(department), Some(patient)) =
            (department.or_else(|| Some(self.people.get(&person?)?.department)), patient)
        {
            self.remember_care(department, patient, held);
        }
        if held.until_ms <= fact.at_ms.saturating_sub(LATE_MS) || held.until_ms <= held.from_ms {
            return;
        }
        if self.held >= FACTS_MAX {
            self.not_kept = self.not_kept.saturating_add(1);
            return;
        }
        self.held = self.held.saturating_add(1);
        match (person, department, patient) {
            (Some(person), _, Some(patient)) => self.of_pair.entry((person, patient)).or_default().push(held),
            (None, Some(department), Some(patient)) => {
                if matches!(held.fact, FactKind::Encounter | FactKind::Appointment) {
                    self.encounters.entry(patient).or_default().push((department, held));
                }
                self.of_department.entry((department, patient)).or_default().push(held);
            }
            (Some(person), department, None) => {
                if let (FactKind::OnCall, Some(department)) = (held.fact, department) {
                    // On call for a department: kept with it, and found by the person.
                    self.of_department.entry((department, person)).or_default().push(held);
                }
                self.of_person.entry(person).or_default().push(held);
            }
            (None, None, Some(patient)) => self.of_patient.entry(patient).or_default().push(held),
            (None, Some(department), None) => self.in_department.entry(department).or_default().push(held),
            (None, None, None) => self.held = self.held.saturating_sub(1),
        }
    }

    /// How many lines were not kept, as there were too many.
    #[must_use]
    pub const fn not_kept(&self) -> u64 {
        self.not_kept
    }

    /// How many facts are kept at this moment.
    #[must_use]
    pub const fn kept(&self) -> usize {
        self.held
    }

    pub(crate) fn known_person(&self, person: Key) -> Option<&KnownPerson> {
        self.people.get(&person)
    }

    pub(crate) fn known_patient(&self, patient: Key) -> Option<&KnownPatient> {
        self.patients.get(&patient)
    }

    /// Facts about this person and this patient that hold.
    pub(crate) fn of_pair(&self, person: Key, patient: Key, now_ms: i64) -> impl Iterator<Item = FactKind> {
        holding(self.of_pair.get(&(person, patient)), now_ms)
    }

    /// Facts about this department and this patient that hold.
    pub(crate) fn of_department(
        &self,
        department: Key,
        patient: Key,
        now_ms: i64,
    ) -> impl Iterator<Item = FactKind> {
        holding(self.of_department.get(&(department, patient)), now_ms)
    }

    /// Facts about this person alone, or the department alone, that hold.
    pub(crate) fn of_person(&self, person: Key, now_ms: i64) -> impl Iterator<Item = FactKind> {
        let department = self.people.get(&person).and_then(|known| self.in_department.get(&known.department));
        holding(self.of_person.get(&person), now_ms).chain(holding(department, now_ms))
    }

    /// Facts about this patient alone that hold.
    pub(crate) fn of_patient(&self, patient: Key, now_ms: i64) -> impl Iterator<Item = FactKind> {
        holding(self.of_patient.get(&patient), now_ms)
    }

    /// Whether the person is on call for a department in which the patient is now; without a department, whether the patient is anywhere.
    pub(crate) fn is_on_call_for(&self, person: Key, patient: Key, now_ms: i64) -> bool {
        let Some(encounters) = self.encounters.get(&patient) else { return false };
        let mut there =
            encounters.iter().filter(|(_, held)| held.fact == FactKind::Encounter && held.at(now_ms));
        let on_call = |department: Key| {
            holding(self.of_department.get(&(department, person)), now_ms)
                .any(|fact| fact == FactKind::OnCall)
        };
        there.any(|(department, _)| on_call(*department))
    }

    /// Whether the roster of the person is known at all, and whether the person is on it now.
    pub(crate) fn on_roster(&self, person: Key, now_ms: i64) -> Option<bool> {
        let mut shifts = self
            .of_person
            .get(&person)?
            .iter()
            .filter(|held| matches!(held.fact, FactKind::Shift | FactKind::OnCall));
        let first = shifts.next()?;
        Some(first.at(now_ms) || shifts.any(|held| held.at(now_ms)))
    }

    /// Whether the person wrote or checked a report on the patient.
    pub(crate) fn wrote_on(&self, person: Key, patient: Key, now_ms: i64) -> bool {
        self.authors.get(&(person, patient)).is_some_and(|until| now_ms < *until)
    }

    /// Whether the person treated the patient a short while ago.
    pub(crate) fn treated(&self, person: Key, patient: Key, now_ms: i64) -> bool {
        self.treated.get(&(person, patient)).is_some_and(|until| now_ms < *until)
    }

    /// Whether the department has to do with the patient, had until a short while ago, or will soon.
    pub(crate) fn is_cared_for_by(&self, department: Key, patient: Key, now_ms: i64) -> bool {
        self.cared.get(&(department, patient)).is_some_and(|(from, until)| {
            from.saturating_sub(PREPARE_MS) <= now_ms && now_ms < until.saturating_add(FOLLOW_UP_MS)
        })
    }

    fn remember_care(&mut self, department: Key, patient: Key, held: Held) {
        if !is_care(held.fact) || held.until_ms <= held.from_ms {
            return;
        }
        if let Some((from, until)) = self.cared.get_mut(&(department, patient)) {
            let apart = held.from_ms > until.saturating_add(FOLLOW_UP_MS);
            *from = if apart { held.from_ms } else { held.from_ms.min(*from) };
            *until = held.until_ms.max(*until);
        } else if self.cared.len() < REMEMBERED_MAX {
            self.cared.insert((department, patient), (held.from_ms, held.until_ms));
        } else {
            self.not_kept = self.not_kept.saturating_add(1);
        }
    }

    fn remember(&mut self, person: Key, patient: Key, held: Held) {
        let (memory, lasts) = match held.fact {
            FactKind::ReportAssignment => (&mut self.authors, AUTHOR_MS),
            FactKind::CareRelation
            | FactKind::Order
            | FactKind::Consult
            | FactKind::WorklistStep
            | FactKind::Appointment => (&mut self.treated, FOLLOW_UP_MS),
            FactKind::Encounter
            | FactKind::Grant
            | FactKind::BreakGlass
            | FactKind::OnCall
            | FactKind::Shift
            | FactKind::Board
            | FactKind::QualityAudit
            | FactKind::Teaching
            | FactKind::Research
            | FactKind::Maintenance => return,
        };
        let until = held.until_ms.saturating_add(lasts);
        if let Some(known) = memory.get_mut(&(person, patient)) {
            *known = until.max(*known);
        } else if memory.len() < REMEMBERED_MAX {
            memory.insert((person, patient), until);
        } else {
            self.not_kept = self.not_kept.saturating_add(1);
        }
    }

    /// Throws away what is over, once an hour of the records' time.
    fn sweep(&mut self, now_ms: i64) {
        if now_ms < self.swept_ms.saturating_add(SWEEP_MS) {
            return;
        }
        self.swept_ms = now_ms;
        let over = now_ms.saturating_sub(LATE_MS);
        let mut held = 0_usize;
        let mut keep = |facts: &mut Vec<Held>| {
            facts.retain(|fact| fact.until_ms > over);
            held = held.saturating_add(facts.len());
            !facts.is_empty()
        };
        self.of_pair.retain(|_, facts| keep(facts));
        self.of_person.retain(|_, facts| keep(facts));
        self.of_patient.retain(|_, facts| keep(facts));
        self.in_department.retain(|_, facts| keep(facts));
        let mut twice = 0_usize;
        self.of_department.retain(|_, facts| {
            facts.retain(|fact| fact.until_ms > over);
            // What stands with a person on call is counted with the person.
            twice = twice.saturating_add(facts.iter().filter(|fact| fact.fact != FactKind::OnCall).count());
            !facts.is_empty()
        });
        self.held = held.saturating_add(twice);
        self.encounters.retain(|_, facts| {
            facts.retain(|(_, fact)| fact.until_ms > over);
            !facts.is_empty()
        });
        self.authors.retain(|_, until| *until > over);
        self.treated.retain(|_, until| *until > over);
        self.cared.retain(|_, (_, until)| until.saturating_add(FOLLOW_UP_MS) > over);
    }
}

/// Whether such a fact says that a patient is treated or examined; grants, projects and collections say nothing of a team.
const fn is_care(fact: FactKind) -> bool {
    matches!(
        fact,
        FactKind::CareRelation
            | FactKind::Order
            | FactKind::Appointment
            | FactKind::Encounter
            | FactKind::WorklistStep
            | FactKind::ReportAssignment
            | FactKind::Consult
    )
}

fn holding(facts: Option<&Vec<Held>>, now_ms: i64) -> impl Iterator<Item = FactKind> {
    facts.into_iter().flatten().filter(move |held| held.at(now_ms)).map(|held| held.fact)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(kind: FactKind, person: &str, patient: &str, from: i64, until: i64) -> Fact {
        Fact {
            at_ms: from,
            fact: kind,
            person: Some(person.into()),
            department: None,
            patient: Some(patient.into()),
            valid_from_ms: from,
            valid_until_ms: until,
        }
    }

    #[test]
    fn what_is_over_is_thrown_away_and_counted_no_more() {
        let mut facts = Facts::default();
        for n in 0..1000 {
            facts.fact(&fact(FactKind::Grant, "p", &format!("q{n}"), 0, 1000));
        }
        assert_eq!(facts.kept(), 1000);
        facts.fact(&fact(FactKind::Grant, "p", "later", LATE_MS + 3 * SWEEP_MS, LATE_MS + 4 * SWEEP_MS));
        assert_eq!((facts.kept(), facts.of_pair.len()), (1, 1));
        assert_eq!(facts.not_kept(), 0);
    }

    #[test]
    fn a_department_has_to_do_with_a_patient_from_half_a_day_before_to_two_weeks_after() {
        let mut facts = Facts::default();
        facts.person(&Person {
            at_ms: 0,
            person: "p".into(),
            role: "clinician".into(),
            department: "surgery".into(),
            household: None,
            neighbourhood: None,
            leaves_ms: None,
        });
        let cared = |facts: &Facts, patient: &str, at_ms| {
            facts.is_cared_for_by(Key::of("surgery"), Key::of(patient), at_ms)
        };
        let begins = 2 * PREPARE_MS;
        facts.fact(&fact(FactKind::Order, "p", "q", begins, begins + 1000));
        let over = begins + 1000 + FOLLOW_UP_MS;
        for (at_ms, holds) in
            [(begins - PREPARE_MS - 1, false), (begins - PREPARE_MS, true), (over - 1, true), (over, false)]
        {
            assert_eq!(cared(&facts, "q", at_ms), holds, "{at_ms}");
        }
        assert!(!facts.is_cared_for_by(Key::of("medicine"), Key::of("q"), begins), "another department");
        // What was given to one person says nothing of the others.
        for kind in [FactKind::Grant, FactKind::BreakGlass, FactKind::Research, FactKind::Board] {
            facts.fact(&fact(kind, "p", "r", begins, begins + 1000));
        }
        assert!(!cared(&facts, "r", begins));
        // Weeks in between, in which nobody had to do with the patient, are not filled.
        facts.fact(&fact(FactKind::Order, "p", "q", 10 * FOLLOW_UP_MS, 11 * FOLLOW_UP_MS));
        assert!(!cared(&facts, "q", 5 * FOLLOW_UP_MS) && cared(&facts, "q", 10 * FOLLOW_UP_MS));
    }

    #[test]
    fn who_wrote_a_report_is_remembered_when_the_task_is_over() {
        let mut facts = Facts::default();
        facts.fact(&fact(FactKind::ReportAssignment, "p", "q", 0, 1000));
        facts.fact(&fact(FactKind::Grant, "x", "y", 10 * SWEEP_MS, 11 * SWEEP_MS));
        assert!(facts.wrote_on(Key::of("p"), Key::of("q"), 12 * SWEEP_MS));
        assert!(!facts.wrote_on(Key::of("p"), Key::of("q"), 1000 + AUTHOR_MS));
        assert!(!facts.wrote_on(Key::of("q"), Key::of("p"), 500));
    }
}
