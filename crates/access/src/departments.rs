//! Departments as facts for decisions and for the sieve of the catalogue, and what a study is of when it arrives.

use crate::access::{Access, Refusal};
use crate::care::preference;
use crate::decision::{CareInterval, Principal};
use crate::session::{Proof, Session};
use std::collections::{BTreeSet, HashMap};
use yingdun_catalog::catalogue::departments::{self, Membership};
use yingdun_catalog::{Answers, CatalogError, Place, Together};
use yingdun_model::{
    Action, ActorId, ActorKind, DepartmentId, InstitutionId, Role, StudyRef, StudyUnit, Timestamp, Unit,
};

/// What departments say of one person and some studies.
#[derive(Clone, Debug, Default)]
pub(crate) struct DepartmentFacts {
    /// Whether the institution has entered any.
    pub(crate) exist: bool,
    /// To what the person belongs, or will.
    pub(crate) memberships: Vec<Membership>,
    /// Of what the studies are, as texts of units.
    pub(crate) studies: HashMap<StudyRef, BTreeSet<String>>,
}

impl DepartmentFacts {
    /// The time for which the person belongs to a department that asked for the study or performed it.
    pub(crate) fn department(&self, study: StudyRef, now: Timestamp) -> Option<CareInterval> {
        self.best(study, now, |member| member.unit.of_it())
    }

    /// The time for which the person belongs to the department that performed the study, or to the device that sent it.
    pub(crate) fn acquired(&self, study: StudyRef, now: Timestamp) -> Option<CareInterval> {
        self.best(study, now, |member| vec![member.unit.performed_by_it()])
    }

    /// Units of studies that are visible now to a specialist, or to a researcher.
    pub(crate) fn units_of_departments(&self, now: Timestamp) -> Vec<String> {
        self.units(now, |member| member.unit.of_it())
    }

    /// Units of studies that are visible now to a technician.
    pub(crate) fn units_of_acquisition(&self, now: Timestamp) -> Vec<String> {
        self.units(now, |member| vec![member.unit.performed_by_it()])
    }

    /// Policies compare one interval with the time: if any membership fits now, this one does.
    fn best(
        &self,
        study: StudyRef,
        now: Timestamp,
        units: impl Fn(&Membership) -> Vec<StudyUnit>,
    ) -> Option<CareInterval> {
        let of = self.studies.get(&study)?;
        self.memberships
            .iter()
            .filter(|member| units(member).iter().any(|unit| of.contains(&unit.to_string())))
            .map(|member| CareInterval { valid_from: member.valid_from, valid_until: member.valid_until })
            .max_by_key(|interval| preference(interval, now))
    }

    fn units(&self, now: Timestamp, units: impl Fn(&Membership) -> Vec<StudyUnit>) -> Vec<String> {
        let held = self.memberships.iter().filter(|held| held.valid_from <= now && now < held.valid_until);
        let texts: BTreeSet<String> = held.flat_map(units).map(|unit| unit.to_string()).collect();
        texts.into_iter().collect()
    }
}

/// What is asked about departments, and where the answers will be.
pub(crate) struct AskedDepartments {
    exist: Place<bool>,
    memberships: Place<Vec<Membership>>,
    studies: Option<Place<HashMap<StudyRef, BTreeSet<String>>>>,
}

impl AskedDepartments {
    pub(crate) fn ask(
        asked: &mut Together,
        institution: &InstitutionId,
        actor: &ActorId,
        studies: BTreeSet<StudyRef>,
        now: Timestamp,
    ) -> Self {
        Self {
            exist: asked.ask(departments::any(institution)),
            memberships: asked.ask(departments::of_actor(institution, actor, now)),
            studies: (!studies.is_empty()).then(|| asked.ask(departments::of_studies(institution, studies))),
        }
    }

    /// Where the institution has entered no department, nobody belongs to one.
    pub(crate) fn read(self, answers: &Answers) -> Result<DepartmentFacts, CatalogError> {
        if !answers.read(self.exist)? {
            return Ok(DepartmentFacts::default());
        }
        let (memberships, studies) = (answers.read(self.memberships)?, answers.read_asked(self.studies)?);
        Ok(DepartmentFacts { exist: true, memberships, studies })
    }
}

/// Whether a rule asks for departments with this action.
pub(crate) fn asks_departments(principal: &Principal, action: Action, studies: &BTreeSet<StudyRef>) -> bool {
    matches!(action, Action::List | Action::View | Action::AssignConsultation | Action::MarkKeyImages)
        && principal.kind == ActorKind::Person
        && depends_on_departments(principal.role)
        && !studies.is_empty()
}

impl Access {
    /// To what a person belongs, where there are departments at all.
    pub(crate) async fn memberships_of(
        &self,
        institution: &InstitutionId,
        actor: &ActorId,
        now: Timestamp,
    ) -> Result<DepartmentFacts, Refusal> {
        let mut asked = Together::default();
        let of = AskedDepartments::ask(&mut asked, institution, actor, BTreeSet::new(), now);
        let answers = asked.answers(&self.inner.catalogue).await;
        answers.and_then(|answers| of.read(&answers)).map_err(Refusal::FactsUnavailable)
    }

    /// The departments, projects among them, to which a person belongs or will. What was asked about departments for this decision is
    /// not asked again.
    pub(crate) async fn held_departments(
        &self,
        principal: &Principal,
        known: &DepartmentFacts,
        now: Timestamp,
    ) -> Result<Vec<(DepartmentId, CareInterval)>, Refusal> {
        let memberships = if known.exist {
            known.memberships.clone()
        } else {
            let held = departments::of_actor(&principal.institution, &principal.actor, now);
            held.alone(&self.inner.catalogue).await.map_err(Refusal::FactsUnavailable)?
        };
        let department = |held: Membership| match held.unit {
            Unit::Department(department) => {
                let (valid_from, valid_until) = (held.valid_from, held.valid_until);
                Some((department, CareInterval { valid_from, valid_until }))
            }
            Unit::Device(_) => None,
        };
        Ok(memberships.into_iter().filter_map(department).collect())
    }

    /// Notes who sends a study that is new, where there are departments. Whether it is new is decided with the row. Call it for an
    /// object that came whole: who may store, and knows an identifier ahead, has sent nothing yet.
    ///
    /// # Errors
    /// [`Refusal::FactsUnavailable`] when the catalogue does not answer.
    pub async fn note_sender(&self, session: &Session, study: StudyRef) -> Result<(), Refusal> {
        let sender = match (session.actor_kind(), session.proof()) {
            (ActorKind::Device, Proof::Device { facts, .. }) => StudyUnit::Device(facts.calling.clone()),
            (ActorKind::Service, _) => StudyUnit::Service(session.actor().clone()),
            _ => return Ok(()),
        };
        let (catalogue, institution) = (&self.inner.catalogue, session.institution());
        let exist = departments::any(institution).alone(catalogue).await;
        if !exist.map_err(Refusal::FactsUnavailable)? {
            return Ok(());
        }
        let note = departments::note_sender(institution, study, &sender);
        catalogue.execute(vec![note]).await.map(drop).map_err(Refusal::FactsUnavailable)
    }
}

/// Whether what a role sees rests on departments.
pub(crate) const fn depends_on_departments(role: Role) -> bool {
    matches!(role, Role::Specialist | Role::Chief | Role::Technician | Role::Researcher)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STUDY: StudyRef = StudyRef::from_bytes([1; 16]);

    fn member(unit: &str, from: i64, until: i64) -> Membership {
        Membership {
            institution: InstitutionId::new("renmin").unwrap(),
            actor: ActorId::new("doctor").unwrap(),
            unit: unit.parse().unwrap(),
            valid_from: Timestamp::from_ms(from),
            valid_until: Timestamp::from_ms(until),
            given_by: ActorId::new("officer").unwrap(),
        }
    }

    fn facts(memberships: Vec<Membership>, units: &[&str]) -> DepartmentFacts {
        let units = units.iter().map(|unit| (*unit).to_owned()).collect();
        DepartmentFacts { exist: true, memberships, studies: HashMap::from([(STUDY, units)]) }
    }

    #[test]
    fn who_asked_sees_the_study_and_who_performed_it_also_acquired_it() {
        let now = Timestamp::from_ms(0);
        let held = |unit: &str, of: &str| {
            let facts = facts(vec![member(unit, 0, 1)], &[of]);
            (facts.department(STUDY, now).is_some(), facts.acquired(STUDY, now).is_some())
        };
        assert_eq!(held("department:surgery", "requesting:surgery"), (true, false));
        assert_eq!(held("department:ct", "performing:ct"), (true, true));
        assert_eq!(held("department:ct", "performing:mr"), (false, false));
        assert_eq!(held("device:CT01", "device:CT01"), (false, true));
        assert_eq!(held("device:CT01", "service:CT01"), (false, false));
    }

    proptest! {
        /// The interval that is chosen and the units of the sieve agree with every membership together.
        #[test]
        fn if_any_membership_fits_now_the_chosen_one_does_and_the_sieve_lets_the_study_pass(
            spans in prop::collection::vec((-5_i64..5, 0_i64..5, 0_usize..3), 0..6),
            of in prop::collection::btree_set(0_usize..5, 0..4),
        ) {
            let own = ["department:a", "department:b", "device:C"];
            let studies = ["requesting:a", "performing:a", "performing:b", "device:C", "requesting:c"];
            let now = Timestamp::from_ms(0);
            let held = spans.iter().map(|(from, length, unit)| member(own[*unit], *from, from + length));
            let units: Vec<&str> = of.iter().map(|number| studies[*number]).collect();
            let facts = facts(held.collect(), &units);
            let holds = |span: Option<CareInterval>| {
                span.is_some_and(|span| span.valid_from <= now && now < span.valid_until)
            };
            let passes = |visible: Vec<String>| visible.iter().any(|unit| units.contains(&unit.as_str()));
            prop_assert_eq!(holds(facts.department(STUDY, now)), passes(facts.units_of_departments(now)));
            prop_assert_eq!(holds(facts.acquired(STUDY, now)), passes(facts.units_of_acquisition(now)));
        }
    }
}
