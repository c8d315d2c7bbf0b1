//! Grants as facts for decisions, and the running time that none of them outlives.

use crate::access::Access;
use crate::decision::{CareInterval, GrantInterval, Principal, StudyFacts};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::grants::{self, Granted, OpenGrant};
use yingdun_model::{
    Action, ActorId, GrantKind, InstitutionId, PatientRef, PurposeOfUse, StudyRef, Timestamp,
};

/// Grants of which the running time is watched at once. There are as many as are open; above it the wall clock alone decides.
const WATCHED_MAX: usize = 100_000;

/// Until when each grant lives by the time that this process has been running, from the first moment at which it was seen.
///
/// The wall clock decides when a grant ends, and whoever sets it back would lengthen every grant. So each look shortens this
/// end to what the wall clock says is left, and nothing ever lengthens it. A process that starts anew knows the wall clock only.
#[derive(Debug, Default)]
pub(crate) struct RunningTimes(Mutex<HashMap<u64, Duration>>);

impl RunningTimes {
    /// Until when a grant that ends at `until` lives, as a moment of the wall clock; nothing when its time is over.
    pub(crate) fn end(
        &self,
        number: u64,
        until: Timestamp,
        now: Timestamp,
        running: Duration,
    ) -> Option<Timestamp> {
        let left_ms = u64::try_from(until.as_ms().saturating_sub(now.as_ms())).unwrap_or(0);
        let end = running.saturating_add(Duration::from_millis(left_ms));
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = match ends.get_mut(&number) {
            Some(known) => {
                *known = end.min(*known);
                *known
            }
            None => {
                if ends.len() < WATCHED_MAX {
                    ends.insert(number, end);
                }
                end
            }
        };
        (end > running).then(|| now.after(end.saturating_sub(running)))
    }

    /// Forgets grants that are written down as ended.
    pub(crate) fn keep(&self, still: impl Fn(u64) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|number, _| still(*number));
    }
}

/// Grants of one person that are open or will be, all or those that cover what is asked about, with the ends that hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeldGrants(pub(crate) Vec<OpenGrant>);

impl Access {
    /// What was granted to the acting person.
    pub(crate) async fn held_grants(
        &self,
        principal: &Principal,
        now: Timestamp,
    ) -> Result<HeldGrants, CatalogError> {
        self.held_grants_of(&principal.institution, &principal.actor, now).await
    }

    pub(crate) async fn held_grants_of(
        &self,
        institution: &InstitutionId,
        actor: &ActorId,
        now: Timestamp,
    ) -> Result<HeldGrants, CatalogError> {
        let rows = grants::open_of(institution, actor, now).alone(&self.inner.identity).await?;
        Ok(self.living_grants(rows, now))
    }

    /// The same of rows that were read already: those of which the running time is not over.
    pub(crate) fn living_grants(&self, rows: Vec<OpenGrant>, now: Timestamp) -> HeldGrants {
        let (running, times) = (self.inner.clock.running(), &self.inner.running_times);
        let living = rows.into_iter().filter_map(|mut grant| {
            grant.valid_until = times.end(grant.number, grant.valid_until, now, running)?;
            Some(grant)
        });
        HeldGrants(living.collect())
    }
}

impl HeldGrants {
    /// The grant that covers a study best for this action and purpose, by its number. Policies compare one grant with the
    /// question; if any grant permits, this one does.
    pub(crate) fn granted(
        &self,
        study: &StudyFacts,
        action: Action,
        purpose: PurposeOfUse,
        now: Timestamp,
    ) -> Option<(u64, GrantInterval)> {
        let fits = |grant: &OpenGrant| grant.purpose == purpose && (grant.export || action != Action::Export);
        let covering = self.covering(study, GrantKind::Given);
        let best = covering.max_by_key(|grant| (fits(grant), preference(grant, now)))?;
        let OpenGrant { number, valid_from, valid_until, purpose, export, .. } = *best;
        Some((number, GrantInterval { valid_from, valid_until, purpose, export }))
    }

    /// The time for which the glass is broken for the patient of a study, by the number of its case.
    pub(crate) fn broken(&self, study: &StudyFacts, now: Timestamp) -> Option<(u64, CareInterval)> {
        let covering = self.covering(study, GrantKind::BreakGlass);
        let best = covering.max_by_key(|grant| preference(grant, now))?;
        Some((best.number, CareInterval { valid_from: best.valid_from, valid_until: best.valid_until }))
    }

    /// The time for which a study was assigned as a consultation, by the number of that.
    pub(crate) fn consultation(&self, study: &StudyFacts, now: Timestamp) -> Option<(u64, CareInterval)> {
        let covering = self.covering(study, GrantKind::Consultation);
        let best = covering.max_by_key(|grant| preference(grant, now))?;
        Some((best.number, CareInterval { valid_from: best.valid_from, valid_until: best.valid_until }))
    }

    /// The time for which a study is the person's own and released: so long after it came, and never where nothing is released.
    pub(crate) fn own_record(
        &self,
        study: &StudyFacts,
        release: Option<Duration>,
        now: Timestamp,
    ) -> Option<(u64, CareInterval)> {
        let released = study.received.after(release?);
        let best = self.covering(study, GrantKind::OwnRecord).max_by_key(|grant| preference(grant, now))?;
        let valid_from = best.valid_from.max(released);
        Some((best.number, CareInterval { valid_from, valid_until: best.valid_until }))
    }

    /// The patient whose the person is now.
    pub(crate) fn own_patient(&self, now: Timestamp) -> Option<PatientRef> {
        let open = |grant: &&OpenGrant| {
            grant.kind == GrantKind::OwnRecord && grant.valid_from <= now && now < grant.valid_until
        };
        match self.0.iter().find(open)?.on {
            Granted::Patient(patient) => Some(patient),
            Granted::Study(_) => None,
        }
    }

    /// Patients and studies that are open now.
    pub(crate) fn open_at(&self, now: Timestamp) -> (Vec<PatientRef>, Vec<StudyRef>) {
        let (mut patients, mut studies) = (Vec::new(), Vec::new());
        for grant in self.0.iter().filter(|grant| grant.valid_from <= now && now < grant.valid_until) {
            match grant.on {
                Granted::Patient(patient) => patients.push(patient),
                Granted::Study(study) => studies.push(study),
            }
        }
        (patients, studies)
    }

    /// Patients for whom the glass is broken now.
    pub(crate) fn broken_at(&self, now: Timestamp) -> Vec<PatientRef> {
        let open = |grant: &&OpenGrant| {
            grant.kind == GrantKind::BreakGlass && grant.valid_from <= now && now < grant.valid_until
        };
        let patient = |grant: &OpenGrant| match grant.on {
            Granted::Patient(patient) => Some(patient),
            Granted::Study(_) => None,
        };
        self.0.iter().filter(open).filter_map(patient).collect()
    }

    fn covering(&self, study: &StudyFacts, kind: GrantKind) -> impl Iterator<Item = &OpenGrant> {
        self.0.iter().filter(move |grant| {
            grant.kind == kind
                && match grant.on {
                    Granted::Patient(patient) => patient == study.patient,
                    Granted::Study(granted) => granted == study.study,
                }
        })
    }
}

/// Greater is preferred: open now, and then the longest.
fn preference(grant: &OpenGrant, now: Timestamp) -> (bool, Timestamp) {
    (grant.valid_from <= now && now < grant.valid_until, grant.valid_until)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use yingdun_catalog::identity::grants::TimedGrant;

    /// What a decision reads of such a grant.
    pub(crate) fn open_grant(number: u64, on: Granted, from_ms: i64, until_ms: i64) -> OpenGrant {
        let TimedGrant { kind, on, export, purpose, valid_from, valid_until, .. } =
            grant(number, on, from_ms, until_ms);
        OpenGrant { number, kind, on, export, purpose, valid_from, valid_until }
    }

    /// A grant of `actor` for tests.
    pub(crate) fn grant(number: u64, on: Granted, from_ms: i64, until_ms: i64) -> TimedGrant {
        let actor = ActorId::new("someone").unwrap();
        TimedGrant {
            number,
            kind: GrantKind::Given,
            actor: actor.clone(),
            on,
            export: false,
            purpose: PurposeOfUse::Treatment,
            reason: "words".to_owned(),
            words: Vec::new(),
            given_by: actor,
            given: Timestamp::from_ms(from_ms),
            valid_from: Timestamp::from_ms(from_ms),
            valid_until: Timestamp::from_ms(until_ms),
            ended: None,
            ended_by: None,
            review_due: None,
            review: None,
        }
    }

    fn study() -> StudyFacts {
        StudyFacts {
            institution: InstitutionId::new("renmin").unwrap(),
            study: StudyRef::from_bytes([1; 16]),
            patient: PatientRef::from_bytes([2; 16]),
            grade: yingdun_model::Grade::L4,
            received: Timestamp::from_ms(0),
        }
    }

    proptest! {
        #[test]
        fn if_any_grant_permits_the_chosen_one_does(
            grants in prop::collection::vec((-5_i64..5, 0_i64..5, any::<bool>(), any::<bool>(), 0_u8..3), 0..6),
            wants_export in any::<bool>(),
        ) {
            let now = Timestamp::from_ms(0);
            let held = HeldGrants(grants.iter().zip(0..).map(|((from, length, export, treat, on), number)| {
                let on = match on {
                    0 => Granted::Study(study().study),
                    1 => Granted::Patient(study().patient),
                    _ => Granted::Study(StudyRef::from_bytes([9; 16])),
                };
                let purpose = if *treat { PurposeOfUse::Treatment } else { PurposeOfUse::HealthcareOperations };
                OpenGrant { export: *export, purpose, ..open_grant(number, on, *from, from + length) }
            }).collect());
            let action = if wants_export { Action::Export } else { Action::View };
            let permits = |from: Timestamp, until: Timestamp, purpose, export: bool| {
                from <= now && now < until && purpose == PurposeOfUse::Treatment && (export || !wants_export)
            };
            let any = held.0.iter().any(|grant| {
                grant.on != Granted::Study(StudyRef::from_bytes([9; 16]))
                    && permits(grant.valid_from, grant.valid_until, grant.purpose, grant.export)
            });
            let chosen = held.granted(&study(), action, PurposeOfUse::Treatment, now);
            let chosen = chosen.is_some_and(|(_, grant)| {
                permits(grant.valid_from, grant.valid_until, grant.purpose, grant.export)
            });
            prop_assert_eq!(any, chosen);
        }

        /// Whatever the wall clock does, a grant lives no longer than it was to live when it was first seen.
        #[test]
        fn no_clock_lengthens_a_grant(jumps in prop::collection::vec((-100_000_i64..100_000, 0_u64..3000), 1..30)) {
            let (times, until) = (RunningTimes::default(), Timestamp::from_ms(10_000));
            let (mut wall, mut running) = (0_i64, 0_u64);
            prop_assert!(times.end(7, until, Timestamp::from_ms(0), Duration::ZERO).is_some());
            for (jump, passed_ms) in jumps {
                running += passed_ms;
                wall = wall + jump + i64::try_from(passed_ms).unwrap();
                let end = times.end(7, until, Timestamp::from_ms(wall), Duration::from_millis(running));
                prop_assert!(end.is_none() || running < 10_000, "lives at {running} ms");
                prop_assert!(end.is_none() || wall < 10_000);
                prop_assert!(end.is_none_or(|end| end <= until.max(Timestamp::from_ms(wall + 10_000))));
            }
        }
    }

    #[test]
    fn a_grant_lives_to_its_last_millisecond_by_a_clock_that_is_not_set() {
        let (times, until) = (RunningTimes::default(), Timestamp::from_ms(1000));
        for ms in [0, 500, 999] {
            let end = times.end(1, until, Timestamp::from_ms(ms), Duration::from_millis(ms.unsigned_abs()));
            assert_eq!(end, Some(until));
        }
        assert_eq!(times.end(1, until, Timestamp::from_ms(1000), Duration::from_secs(1)), None);
        assert_eq!(times.end(1, until, Timestamp::from_ms(0), Duration::from_secs(1)), None, "set back");
        times.keep(|number| number != 1);
        assert_eq!(times.end(1, until, Timestamp::from_ms(0), Duration::from_secs(1)), Some(until));
    }
}
