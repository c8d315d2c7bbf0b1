//! Consents as facts for decisions: for what one is needed, and which one holds.

use crate::care::preference;
use crate::decision::{CareInterval, Principal};
use std::collections::BTreeSet;
use yingdun_catalog::catalogue::consents::Consent;
use yingdun_model::{Action, ConsentKind, DepartmentId, Grade, PatientRef, PurposeOfUse, Role, Timestamp};

/// For which uses the institution asks for a consent, beside research on what is identifiable, for which nothing else will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConsentRules {
    /// Research on what is de-identified (L2), too.
    pub research: bool,
    /// What leaves the house, or is shown to somebody outside.
    pub sharing: bool,
}

impl ConsentRules {
    /// On which kind of consent a permission rests, if it is given; whatever the grade where that is not said.
    pub(crate) fn needed(
        self,
        purpose: PurposeOfUse,
        role: Role,
        action: Action,
        grade: Option<Grade>,
    ) -> Option<ConsentKind> {
        let identifiable = grade.is_none_or(|grade| !matches!(grade, Grade::L1 | Grade::L2));
        let looks = matches!(action, Action::List | Action::View);
        if purpose == PurposeOfUse::HealthcareResearch && (looks || action == Action::Export) {
            let needed = identifiable || (self.research && grade == Some(Grade::L2));
            return needed.then_some(ConsentKind::Research);
        }
        let leaves = matches!(action, Action::Export | Action::AssignConsultation);
        let outside = looks && role == Role::RemoteExpert;
        (self.sharing && identifiable && (leaves || outside)).then_some(ConsentKind::Sharing)
    }

    /// Whether an action of a principal asks to what these patients consent.
    pub(crate) fn asks(
        self,
        principal: &Principal,
        purpose: PurposeOfUse,
        action: Action,
        patients: &BTreeSet<PatientRef>,
    ) -> bool {
        self.needed(purpose, principal.role, action, None).is_some() && !patients.is_empty()
    }
}

/// To what some patients consent, as far as it concerns one principal.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConsentFacts {
    /// All that are not over.
    pub(crate) consents: Vec<Consent>,
    /// The departments, projects among them, to which the person belongs or will.
    pub(crate) departments: Vec<(DepartmentId, CareInterval)>,
}

impl ConsentFacts {
    /// The consent that counts, and for how long it lets this principal. Policies compare one interval with the time: if any holds
    /// now, this one does.
    pub(crate) fn to(
        &self,
        kind: ConsentKind,
        patient: PatientRef,
        now: Timestamp,
    ) -> Option<(u64, CareInterval)> {
        let of = self.consents.iter().filter(|one| one.patient == patient && one.to.kind() == kind);
        of.flat_map(|one| self.spans(one).into_iter().map(move |span| (one.number, span)))
            .max_by_key(|(number, span)| (preference(span, now), *number))
    }

    /// The interval of the policies.
    pub(crate) fn interval(
        &self,
        kind: ConsentKind,
        patient: PatientRef,
        now: Timestamp,
    ) -> Option<CareInterval> {
        self.to(kind, patient, now).map(|(_, span)| span)
    }

    /// For when a consent lets this principal: one to a project only while the person belongs to it.
    fn spans(&self, consent: &Consent) -> Vec<CareInterval> {
        let whole = CareInterval { valid_from: consent.valid_from, valid_until: consent.valid_until };
        let Some(project) = consent.to.project() else { return vec![whole] };
        let held = self.departments.iter().filter(|(department, _)| department == project);
        held.map(|(_, held)| CareInterval {
            valid_from: whole.valid_from.max(held.valid_from),
            valid_until: whole.valid_until.min(held.valid_until),
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use yingdun_catalog::catalogue::consents::ConsentTo;
    use yingdun_model::{ActorId, ConsentForm, ConsentGiver};

    const PATIENT: PatientRef = PatientRef::from_bytes([1; 16]);

    fn span(from: i64, until: i64) -> CareInterval {
        CareInterval { valid_from: Timestamp::from_ms(from), valid_until: Timestamp::from_ms(until) }
    }

    fn consent(number: u64, to: ConsentTo, from: i64, until: i64) -> Consent {
        Consent {
            number,
            patient: PATIENT,
            to,
            form: ConsentForm::Paper,
            giver: ConsentGiver::Patient,
            reference: vec![],
            valid_from: Timestamp::from_ms(from),
            valid_until: Timestamp::from_ms(until),
            entered_by: ActorId::new("officer").unwrap(),
            withdrawn: None,
        }
    }

    #[test]
    fn a_consent_to_a_project_is_one_for_its_members_while_they_are_members() {
        let lung = DepartmentId::new("lung-2026").unwrap();
        let facts = |departments| ConsentFacts {
            consents: vec![consent(7, ConsentTo::Research(Some(lung.clone())), 0, 10)],
            departments,
        };
        let to =
            |facts: ConsentFacts, patient| facts.to(ConsentKind::Research, patient, Timestamp::from_ms(5));
        assert_eq!(to(facts(vec![]), PATIENT), None);
        let other = DepartmentId::new("other").unwrap();
        assert_eq!(to(facts(vec![(other, span(0, 9))]), PATIENT), None);
        let member = || facts(vec![(lung.clone(), span(2, 30))]);
        assert_eq!(to(member(), PATIENT), Some((7, span(2, 10))));
        assert_eq!(to(member(), PatientRef::from_bytes([2; 16])), None);
        assert_eq!(member().to(ConsentKind::Sharing, PATIENT, Timestamp::from_ms(5)), None);
    }

    #[test]
    fn research_on_what_is_identifiable_always_rests_on_a_consent_and_treatment_never_does() {
        use PurposeOfUse::{HealthcareResearch as Research, Treatment};
        let rules = |research, sharing| ConsentRules { research, sharing };
        for (all, grade, expected) in [
            (false, Grade::L1, None),
            (false, Grade::L2, None),
            (false, Grade::L3, Some(ConsentKind::Research)),
            (false, Grade::L4S, Some(ConsentKind::Research)),
            (true, Grade::L1, None),
            (true, Grade::L2, Some(ConsentKind::Research)),
        ] {
            let needed = rules(all, true).needed(Research, Role::Researcher, Action::View, Some(grade));
            assert_eq!(needed, expected, "{all} {grade}");
        }
        let needed =
            |sharing, role, action, grade| rules(true, sharing).needed(Treatment, role, action, Some(grade));
        for action in [Action::List, Action::View, Action::GiveGrant] {
            assert_eq!(needed(true, Role::Chief, action, Grade::L4), None, "{action}");
        }
        for action in [Action::Export, Action::AssignConsultation] {
            assert_eq!(needed(true, Role::Chief, action, Grade::L4), Some(ConsentKind::Sharing), "{action}");
            assert_eq!(needed(true, Role::Chief, action, Grade::L2), None, "{action}");
            assert_eq!(needed(false, Role::Chief, action, Grade::L4), None, "{action}");
        }
        assert_eq!(needed(true, Role::RemoteExpert, Action::View, Grade::L4), Some(ConsentKind::Sharing));
    }

    proptest! {
        /// Whatever there is, the chosen interval holds now exactly when one of them does for somebody of this project.
        #[test]
        fn the_chosen_consent_holds_when_any_does(
            all in prop::collection::vec((-5_i64..5, 0_i64..5, any::<bool>()), 0..6),
            members in prop::collection::vec((-5_i64..5, 0_i64..5), 0..4),
        ) {
            let now = Timestamp::from_ms(0);
            let lung = DepartmentId::new("lung").unwrap();
            let consents = all.iter().zip(1..).map(|((from, length, of_project), number)| {
                let project = of_project.then(|| lung.clone());
                consent(number, ConsentTo::Research(project), *from, from + length)
            });
            let facts = ConsentFacts {
                consents: consents.collect(),
                departments: members.iter().map(|(from, length)| (lung.clone(), span(*from, from + length))).collect(),
            };
            let holds = |from: i64, length: i64| from <= 0 && 0 < from + length;
            let member = members.iter().any(|(from, length)| holds(*from, *length));
            let any = all.iter().any(|(from, length, of_project)| holds(*from, *length) && (member || !of_project));
            let chosen = facts.to(ConsentKind::Research, PATIENT, now);
            let chosen = chosen.is_some_and(|(_, span)| span.valid_from <= now && now < span.valid_until);
            prop_assert_eq!(any, chosen);
        }
    }
}
