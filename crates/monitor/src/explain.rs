//! Layer 0: which reasons there are for an access. Pure, and never an accusation: what no reason is known for is neutral.
//!
//! A reason counts from the first millisecond of its fact to the last (`Facts`), so expiry is exact.

use crate::facts::Facts;
use crate::key::Key;
use crate::record::{Access, FactKind};
use serde::Serialize;
use std::fmt;

macro_rules! explanations {
    ($($(#[$meta:meta])* $variant:ident => $word:literal,)+) => {
        /// One reason for an access.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Explanation {
            $($(#[$meta])* $variant,)+
        }

        impl Explanation {
            /// Every reason there is.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The stable word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

explanations! {
    /// The person treats the patient.
    CareRelation => "care-relation",
    /// The person ordered an examination.
    Order => "order",
    /// The patient is expected by the person or the department.
    Appointment => "appointment",
    /// The patient is in the department of the person.
    DepartmentEncounter => "department-encounter",
    /// The person performs the examination.
    Worklist => "worklist",
    /// The report is to be written or checked by the person.
    Report => "report",
    /// The person wrote or checked a report on the patient before.
    PriorAuthor => "prior-author",
    /// The person treated the patient within the last two weeks.
    FollowUp => "follow-up",
    /// The person was asked for an opinion.
    Consult => "consult",
    /// Somebody granted it.
    Grant => "grant",
    /// The glass is broken.
    BreakGlass => "break-glass",
    /// The person is on call where the patient is.
    OnCall => "on-call",
    /// A board will speak about the patient.
    Board => "board",
    /// A quality audit.
    QualityAudit => "quality-audit",
    /// A teaching collection.
    Teaching => "teaching",
    /// A research project.
    Research => "research",
    /// Announced maintenance or migration.
    Maintenance => "maintenance",
    /// The department of the person treats the patient, did within the last two weeks, or will within half a day.
    DepartmentCare => "department-care",
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Explanation {
    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// The reasons for one access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Explanations(u32);

impl Explanations {
    /// With one more.
    #[must_use]
    pub const fn with(self, explanation: Explanation) -> Self {
        Self(self.0 | explanation.bit())
    }

    /// Whether this one is among them.
    #[must_use]
    pub const fn has(self, explanation: Explanation) -> bool {
        self.0 & explanation.bit() != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether one of them is more than broken glass, which whoever breaks it gives to themselves.
    pub(crate) const fn is_weighty(self) -> bool {
        self.0 & !Explanation::BreakGlass.bit() != 0
    }

    /// Each of them, in the order of [`Explanation::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Explanation> {
        Explanation::ALL.iter().copied().filter(move |explanation| self.has(*explanation))
    }
}

impl Serialize for Explanations {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Explanation::as_str))
    }
}

impl FromIterator<Explanation> for Explanations {
    fn from_iter<I: IntoIterator<Item = Explanation>>(each: I) -> Self {
        each.into_iter().fold(Self::default(), Self::with)
    }
}

/// The reasons for an access to a patient. An access without patient (a sign-in, a search) needs none and has none.
#[must_use]
pub fn explain(facts: &Facts, access: &Access) -> Explanations {
    let Some(patient) = access.patient.as_deref().map(Key::of) else { return Explanations::default() };
    explain_keys(facts, Key::of(&access.person), patient, access.at_ms)
}

/// The reasons for an access as they are at the end of its day: those of [`explain`], and what follows from how departments work. A team shares
/// its patients, whoever is named in the order. Enough to rank somebody lower, too little to let somebody take out more.
#[must_use]
pub fn explain_afterwards(facts: &Facts, access: &Access) -> Explanations {
    let why = explain(facts, access);
    let (Some(patient), Some(person)) =
        (access.patient.as_deref().map(Key::of), facts.known_person(Key::of(&access.person)))
    else {
        return why;
    };
    if !why.is_weighty() && facts.is_cared_for_by(person.department, patient, access.at_ms) {
        return why.with(Explanation::DepartmentCare);
    }
    why
}

pub(crate) fn explain_keys(facts: &Facts, person: Key, patient: Key, now_ms: i64) -> Explanations {
    let mut found: Explanations = facts.of_pair(person, patient, now_ms).filter_map(of_one).collect();
    if let Some(known) = facts.known_person(person) {
        found = facts
            .of_department(known.department, patient, now_ms)
            .filter_map(|fact| match fact {
                FactKind::Encounter => Some(Explanation::DepartmentEncounter),
                other => of_one(other),
            })
            .fold(found, Explanations::with);
    }
    found = facts.of_patient(patient, now_ms).filter_map(of_many).fold(found, Explanations::with);
    found = facts.of_person(person, now_ms).filter_map(of_many).fold(found, Explanations::with);
    if facts.is_on_call_for(person, patient, now_ms) {
        found = found.with(Explanation::OnCall);
    }
    if facts.wrote_on(person, patient, now_ms) {
        found = found.with(Explanation::PriorAuthor);
    }
    if facts.treated(person, patient, now_ms) {
        found = found.with(Explanation::FollowUp);
    }
    found
}

// === helpers ===

/// What a fact about a person (or a department) and a patient explains.
const fn of_one(fact: FactKind) -> Option<Explanation> {
    Some(match fact {
        FactKind::CareRelation | FactKind::Encounter => Explanation::CareRelation,
        FactKind::Order => Explanation::Order,
        FactKind::Appointment => Explanation::Appointment,
        FactKind::WorklistStep => Explanation::Worklist,
        FactKind::ReportAssignment => Explanation::Report,
        FactKind::Consult => Explanation::Consult,
        FactKind::Grant => Explanation::Grant,
        FactKind::BreakGlass => Explanation::BreakGlass,
        FactKind::OnCall => Explanation::OnCall,
        FactKind::Board => Explanation::Board,
        FactKind::QualityAudit => Explanation::QualityAudit,
        FactKind::Teaching => Explanation::Teaching,
        FactKind::Research => Explanation::Research,
        FactKind::Maintenance => Explanation::Maintenance,
        FactKind::Shift => return None,
    })
}

/// What a fact about a person alone, or a patient alone, explains: announced work on many, and nothing that is of one patient.
const fn of_many(fact: FactKind) -> Option<Explanation> {
    match fact {
        FactKind::Board | FactKind::QualityAudit | FactKind::Teaching | FactKind::Maintenance => of_one(fact),
        // To be on call, on duty or in a project says nothing of which patients.
        FactKind::CareRelation
        | FactKind::Order
        | FactKind::Appointment
        | FactKind::Encounter
        | FactKind::WorklistStep
        | FactKind::ReportAssignment
        | FactKind::Consult
        | FactKind::Grant
        | FactKind::BreakGlass
        | FactKind::OnCall
        | FactKind::Shift
        | FactKind::Research => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Fact, Person};

    fn facts() -> Facts {
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
        facts
    }

    fn fact(kind: FactKind, person: Option<&str>, department: Option<&str>, patient: Option<&str>) -> Fact {
        Fact {
            at_ms: 0,
            fact: kind,
            person: person.map(str::to_owned),
            department: department.map(str::to_owned),
            patient: patient.map(str::to_owned),
            valid_from_ms: 1000,
            valid_until_ms: 2000,
        }
    }

    fn words(facts: &Facts, at_ms: i64) -> Vec<&'static str> {
        let found = explain_keys(facts, Key::of("p"), Key::of("q"), at_ms);
        found.iter().map(Explanation::as_str).collect()
    }

    #[test]
    fn a_reason_counts_to_the_millisecond() {
        for kind in [FactKind::Grant, FactKind::BreakGlass, FactKind::Board] {
            let mut facts = facts();
            facts.fact(&fact(kind, Some("p"), None, Some("q")));
            let counts: Vec<bool> = [999, 1000, 1999, 2000].map(|at| !words(&facts, at).is_empty()).into();
            assert_eq!(counts, [false, true, true, false], "{kind:?}");
        }
    }

    #[test]
    fn a_reason_of_somebody_else_or_for_somebody_else_explains_nothing() {
        let mut facts = facts();
        facts.fact(&fact(FactKind::CareRelation, Some("other"), None, Some("q")));
        facts.fact(&fact(FactKind::CareRelation, Some("p"), None, Some("other")));
        facts.fact(&fact(FactKind::Encounter, None, Some("medicine"), Some("q")));
        facts.fact(&fact(FactKind::Shift, Some("p"), None, None));
        facts.fact(&fact(FactKind::Research, Some("p"), None, None));
        assert!(words(&facts, 1500).is_empty());
    }

    #[test]
    fn a_patient_in_the_department_and_one_on_call_elsewhere_are_explained() {
        let mut here = facts();
        here.fact(&fact(FactKind::Encounter, None, Some("surgery"), Some("q")));
        assert_eq!(words(&here, 1500), ["department-encounter"]);
        let mut there = facts();
        there.fact(&fact(FactKind::Encounter, None, Some("medicine"), Some("q")));
        there.fact(&fact(FactKind::OnCall, Some("p"), Some("surgery"), None));
        assert!(words(&there, 1500).is_empty(), "on call for another department than that of the patient");
        there.fact(&fact(FactKind::OnCall, Some("p"), Some("medicine"), None));
        assert_eq!(words(&there, 1500), ["on-call"]);
    }

    #[test]
    fn what_a_department_shares_is_a_reason_afterwards_and_for_no_limit() {
        let mut facts = facts();
        for (person, department) in [("peer", "surgery"), ("far", "medicine")] {
            facts.person(&Person {
                at_ms: 0,
                person: person.into(),
                role: "clinician".into(),
                department: department.into(),
                household: None,
                neighbourhood: None,
                leaves_ms: None,
            });
        }
        facts.fact(&fact(FactKind::Order, Some("peer"), None, Some("q")));
        let access = |person: &str| {
            let line = format!(
                r#"{{"kind":"access","at_ms":1500,"sequence":1,"person":"{person}","session":"s","action":"view","patient":"q","allowed":true}}"#
            );
            let Ok(crate::record::Record::Access(access)) = serde_json::from_str(&line) else {
                panic!("no access: {line}")
            };
            access
        };
        let afterwards = |person: &str| -> Vec<&'static str> {
            explain_afterwards(&facts, &access(person)).iter().map(Explanation::as_str).collect()
        };
        assert!(explain(&facts, &access("p")).is_empty());
        assert_eq!(afterwards("p"), ["department-care"]);
        assert_eq!(afterwards("peer"), ["order", "follow-up"], "what is known of the person is enough");
        assert!(afterwards("far").is_empty() && afterwards("nobody").is_empty());
    }

    #[test]
    fn announced_work_on_many_patients_explains_each() {
        for (kind, word) in [
            (FactKind::QualityAudit, "quality-audit"),
            (FactKind::Maintenance, "maintenance"),
            (FactKind::Teaching, "teaching"),
        ] {
            let mut facts = facts();
            facts.fact(&fact(kind, Some("p"), None, None));
            assert_eq!(words(&facts, 1500), [word]);
            assert!(words(&facts, 2000).is_empty());
        }
    }

    #[test]
    fn who_treated_follows_up_for_two_weeks_and_who_wrote_reads_for_years() {
        let mut facts = facts();
        facts.fact(&fact(FactKind::Order, Some("p"), None, Some("q")));
        let two_weeks = 14 * 86_400_000;
        assert_eq!(words(&facts, 2000 + two_weeks - 1), ["follow-up"]);
        assert!(words(&facts, 2000 + two_weeks).is_empty());
        facts.fact(&fact(FactKind::ReportAssignment, Some("p"), None, Some("q")));
        assert_eq!(words(&facts, 2000 + two_weeks), ["prior-author"]);
    }

    #[test]
    fn each_explanation_has_a_bit_and_a_word_of_its_own() {
        let all: Explanations = Explanation::ALL.iter().copied().collect();
        assert_eq!(all.iter().count(), Explanation::ALL.len());
        for one in Explanation::ALL {
            assert_eq!(Explanations::default().with(*one).iter().collect::<Vec<_>>(), [*one]);
        }
    }
}
