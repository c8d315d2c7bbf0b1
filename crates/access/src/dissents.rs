//! Dissents and restrictions as facts for decisions.

use crate::decision::{CareInterval, DissentInterval, Principal};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use yingdun_catalog::catalogue::dissents::{Against, Dissent};
use yingdun_model::{Action, ActorKind, DepartmentId, PatientRef, Timestamp};

/// What stands against one principal and some patients.
#[derive(Clone, Debug, Default)]
pub(crate) struct DissentFacts {
    /// All that are not over.
    pub(crate) dissents: Vec<Dissent>,
    /// The departments to which the person belongs now.
    pub(crate) departments: BTreeSet<DepartmentId>,
}

impl DissentFacts {
    /// What stands against somebody who belongs, or will, to some departments.
    pub(crate) fn new(
        dissents: Vec<Dissent>,
        departments: &[(DepartmentId, CareInterval)],
        now: Timestamp,
    ) -> Self {
        let now_held = |held: &CareInterval| held.valid_from <= now && now < held.valid_until;
        let departments = departments.iter().filter(|(_, held)| now_held(held));
        Self { dissents, departments: departments.map(|(department, _)| department.clone()).collect() }
    }

    /// What stands against the principal itself. Policies compare one interval with the time: the strictest that holds now.
    pub(crate) fn against(
        &self,
        principal: &Principal,
        patient: PatientRef,
        now: Timestamp,
    ) -> Option<DissentInterval> {
        let is_person = principal.kind == ActorKind::Person;
        let stands = |dissent: &&Dissent| match &dissent.against {
            Against::Research | Against::Sharing => false,
            Against::Person(person) => is_person && *person == principal.actor,
            Against::Department(department) => is_person && self.departments.contains(department),
            // A device or program is nobody who was named.
            Against::AllBut(named) => !(is_person && named.contains(&principal.actor)),
        };
        self.of(patient)
            .filter(stands)
            .max_by_key(|dissent| (holds(dissent, now), !dissent.break_glass, dissent.valid_until))
            .map(|dissent| DissentInterval {
                valid_from: dissent.valid_from,
                valid_until: dissent.valid_until,
                break_glass: dissent.break_glass,
            })
    }

    /// A dissent from research.
    pub(crate) fn against_research(&self, patient: PatientRef, now: Timestamp) -> Option<CareInterval> {
        self.against_use(patient, &Against::Research, now)
    }

    /// A dissent from being carried away.
    pub(crate) fn against_sharing(&self, patient: PatientRef, now: Timestamp) -> Option<CareInterval> {
        self.against_use(patient, &Against::Sharing, now)
    }

    fn against_use(&self, patient: PatientRef, of: &Against, now: Timestamp) -> Option<CareInterval> {
        self.of(patient)
            .filter(|dissent| dissent.against == *of)
            .max_by_key(|dissent| (holds(dissent, now), dissent.valid_until, Reverse(dissent.valid_from)))
            .map(|dissent| CareInterval { valid_from: dissent.valid_from, valid_until: dissent.valid_until })
    }

    fn of(&self, patient: PatientRef) -> impl Iterator<Item = &Dissent> {
        self.dissents.iter().filter(move |dissent| dissent.patient == patient)
    }
}

/// Whether an action asks for what stands against it.
pub(crate) fn asks_dissents(action: Action, patients: &BTreeSet<PatientRef>) -> bool {
    let asks = matches!(
        action,
        Action::List | Action::View | Action::Export | Action::GiveGrant | Action::AssignConsultation
    );
    asks && !patients.is_empty()
}

fn holds(dissent: &Dissent, now: Timestamp) -> bool {
    dissent.valid_from <= now && now < dissent.valid_until
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use yingdun_model::{ActorId, InstitutionId, Role};

    const PATIENT: PatientRef = PatientRef::from_bytes([1; 16]);

    fn actor(name: &str) -> ActorId {
        ActorId::new(name).unwrap()
    }

    fn principal(kind: ActorKind, name: &str) -> Principal {
        Principal {
            kind,
            actor: actor(name),
            institution: InstitutionId::new("renmin").unwrap(),
            role: Role::Radiologist,
            disabled: false,
            scopes: BTreeSet::new(),
        }
    }

    fn dissent(against: Against, from: i64, until: i64, break_glass: bool) -> Dissent {
        Dissent {
            number: 1,
            patient: PATIENT,
            against,
            break_glass,
            valid_from: Timestamp::from_ms(from),
            valid_until: Timestamp::from_ms(until),
            given_by: actor("officer"),
        }
    }

    #[test]
    fn a_seal_stands_against_all_but_the_named_persons_and_a_dissent_against_those_it_names() {
        let surgery = DepartmentId::new("surgery").unwrap();
        let stands = |against: Against, kind, name| {
            let facts = DissentFacts {
                dissents: vec![dissent(against, 0, 9, false)],
                departments: BTreeSet::from([surgery.clone()]),
            };
            facts.against(&principal(kind, name), PATIENT, Timestamp::from_ms(1)).is_some()
        };
        let sealed = || Against::AllBut(vec![actor("li")]);
        assert!(!stands(sealed(), ActorKind::Person, "li"));
        assert!(stands(sealed(), ActorKind::Person, "wang"));
        assert!(
            stands(sealed(), ActorKind::Service, "li"),
            "a program of the same name is nobody who was named"
        );
        assert!(stands(Against::Person(actor("wang")), ActorKind::Person, "wang"));
        assert!(!stands(Against::Person(actor("wang")), ActorKind::Person, "li"));
        assert!(stands(Against::Department(surgery.clone()), ActorKind::Person, "li"));
        let other = DepartmentId::new("other").unwrap();
        assert!(!stands(Against::Department(other), ActorKind::Person, "li"));
        assert!(!stands(Against::Research, ActorKind::Person, "li"));
    }

    proptest! {
        /// Whatever there is, the chosen interval forbids what any of them forbids, with broken glass and without.
        #[test]
        fn the_chosen_dissent_is_the_strictest_of_all_that_hold(
            all in prop::collection::vec((-5_i64..5, 0_i64..5, any::<bool>()), 0..6),
            broken in any::<bool>(),
        ) {
            let now = Timestamp::from_ms(0);
            let dissents = all.iter().map(|(from, length, passes)| {
                dissent(Against::Person(actor("wang")), *from, from + length, *passes)
            });
            let facts = DissentFacts { dissents: dissents.collect(), departments: BTreeSet::new() };
            let forbids = |from: Timestamp, until: Timestamp, passes: bool| {
                from <= now && now < until && !(passes && broken)
            };
            let any = facts.dissents.iter().any(|one| forbids(one.valid_from, one.valid_until, one.break_glass));
            let chosen = facts.against(&principal(ActorKind::Person, "wang"), PATIENT, now);
            let chosen = chosen.is_some_and(|one| forbids(one.valid_from, one.valid_until, one.break_glass));
            prop_assert_eq!(any, chosen);
        }
    }
}
