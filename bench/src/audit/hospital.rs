//! Leaves as a large hospital writes them, from a seed: who looks, at whose images, and what devices send.

use crate::failure::{Outcome as Measured, While};
use yingdun_audit::{Counts, Event, EventKind, Filter, Outcome, ReasonCode};
use yingdun_model::{
    Action, ActorId, ActorKind, InstitutionId, PatientRef, PurposeOfUse, Role, StudyRef, Timestamp,
};

/// People who look at images.
const PEOPLE: u64 = 4000;
/// Devices that send them.
const DEVICES: u64 = 120;
/// Leaves about one study: stored, looked at, looked at again.
const LEAVES_OF_A_STUDY: u64 = 20;
const STUDIES_OF_A_PATIENT: u64 = 4;

/// What is searched for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Question {
    Nothing,
    Person,
    Device,
    Patient,
    Study,
    Action,
    RefusedToPerson,
    StoredByDevice,
    PersonAndPatient,
    /// Two lists of millions that have nothing in common.
    StoredAndRefused,
    PersonInAMonth,
    RefusedInAWeek,
    EverythingOfADay,
    AllConditions,
}

/// Every kind of search that is measured.
pub(super) const QUESTIONS: [Question; 14] = [
    Question::Nothing,
    Question::Person,
    Question::Device,
    Question::Patient,
    Question::Study,
    Question::Action,
    Question::RefusedToPerson,
    Question::StoredByDevice,
    Question::PersonAndPatient,
    Question::StoredAndRefused,
    Question::PersonInAMonth,
    Question::RefusedInAWeek,
    Question::EverythingOfADay,
    Question::AllConditions,
];

/// A hospital whose log has so many leaves.
#[derive(Debug)]
pub(super) struct Hospital {
    leaves: u64,
    institution: InstitutionId,
    people: Vec<ActorId>,
    devices: Vec<ActorId>,
    /// When the first and the last leaf were written, in milliseconds.
    times: (i64, i64),
}

impl Hospital {
    pub(super) fn of(leaves: u64) -> Measured<Self> {
        let named = |prefix: &str, count: u64| {
            let names = (0..count).map(|number| ActorId::new(&format!("{prefix}{number:04}")));
            names.map(|name| name.or_fail("naming")).collect::<Measured<Vec<_>>>()
        };
        Ok(Self {
            leaves,
            institution: InstitutionId::new("renmin").or_fail("naming")?,
            people: named("dr.", PEOPLE)?,
            devices: named("CT", DEVICES)?,
            times: (0, 0),
        })
    }

    /// The same, whose leaves were written from one moment to another.
    pub(super) fn written(self, first: Timestamp, last: Timestamp) -> Self {
        Self { times: (first.as_ms(), last.as_ms()), ..self }
    }

    /// The event of a number. The newest leaves are about the newest studies, and some about any.
    pub(super) fn event(&self, n: u64) -> Event {
        let dice = mixed(n);
        let recent = n / LEAVES_OF_A_STUDY;
        let study = if dice.is_multiple_of(4) { mixed(dice) % (recent + 1) } else { recent };
        let stored = (dice >> 8).is_multiple_of(5);
        let refused = !stored && (dice >> 16).is_multiple_of(50);
        let (kind, action, actor_kind, actor) = match stored {
            true => (EventKind::Stored, Action::Store, ActorKind::Device, at(&self.devices, dice >> 20)),
            false => (EventKind::Access, Action::View, ActorKind::Person, at(&self.people, dice >> 20)),
        };
        Event {
            kind,
            outcome: match (stored, refused) {
                (true, _) => Outcome::Succeeded,
                (false, true) => Outcome::Refused,
                (false, false) => Outcome::Permitted,
            },
            institution: self.institution.clone(),
            actor,
            actor_kind,
            role: Some(if stored { Role::Device } else { Role::Radiologist }),
            purpose: Some(PurposeOfUse::Treatment),
            action: Some(action),
            patient: Some(PatientRef::from_bytes(reference(study / STUDIES_OF_A_PATIENT, 1))),
            study: Some(StudyRef::from_bytes(reference(study, 2))),
            instance: None,
            policy_set: Some([3; 32]),
            reason: const { ReasonCode::new("in-care") },
            counts: Counts::new().with("instances", n % 300),
            content: None,
            detail: None,
        }
    }

    /// A search of a kind, with other values for each seed.
    pub(super) fn filter(&self, question: Question, seed: u64) -> Filter {
        let dice = mixed(seed.wrapping_add(77));
        let study = mixed(dice) % (self.leaves / LEAVES_OF_A_STUDY).max(1);
        let person = Some(at(&self.people, dice));
        let patient = Some(PatientRef::from_bytes(reference(study / STUDIES_OF_A_PATIENT, 1)));
        // The log was written in some minutes: a share of them stands for a day, a week, a month of three years.
        let (first, last) = self.times;
        let from = first + (last - first) * i64::try_from(dice % 900).unwrap_or(0) / 1000;
        let until = |share: i64| from + (last - first) / share;
        let within = |share| (Some(Timestamp::from_ms(from)), Some(Timestamp::from_ms(until(share))));
        let all = Filter { institution: Some(self.institution.clone()), ..Filter::default() };
        let timed = |(from, until), filter: Filter| Filter { from, until, ..filter };
        let refused = Filter { outcome: Some(Outcome::Refused), ..all.clone() };
        match question {
            Question::Nothing => all,
            Question::Person => Filter { actor: person, ..all },
            Question::Device => {
                Filter { actor: Some(at(&self.devices, dice)), actor_kind: Some(ActorKind::Device), ..all }
            }
            Question::Patient => Filter { patient, ..all },
            Question::Study => Filter { study: Some(StudyRef::from_bytes(reference(study, 2))), ..all },
            Question::Action => Filter { action: Some(Action::View), ..all },
            Question::RefusedToPerson => Filter { actor: person, ..refused },
            Question::StoredByDevice => {
                Filter { actor: Some(at(&self.devices, dice)), kinds: vec![EventKind::Stored], ..all }
            }
            Question::PersonAndPatient => Filter { actor: person, patient, ..all },
            Question::StoredAndRefused => Filter { kinds: vec![EventKind::Stored], ..refused },
            Question::PersonInAMonth => timed(within(36), Filter { actor: person, ..all }),
            Question::RefusedInAWeek => timed(within(156), refused),
            Question::EverythingOfADay => timed(within(1000), all),
            Question::AllConditions => timed(
                within(36),
                Filter {
                    actor: person,
                    actor_kind: Some(ActorKind::Person),
                    action: Some(Action::View),
                    kinds: vec![EventKind::Access, EventKind::Query],
                    outcome: Some(Outcome::Permitted),
                    ..all
                },
            ),
        }
    }
}

// === helpers ===

/// One of them; there are some.
#[allow(clippy::indexing_slicing, reason = "the remainder by their number is below it")]
fn at(actors: &[ActorId], dice: u64) -> ActorId {
    actors[usize::try_from(dice % actors.len() as u64).unwrap_or(0)].clone()
}

/// A number that looks as if it were thrown (the finaliser of MurmurHash3).
const fn mixed(n: u64) -> u64 {
    let n = (n ^ (n >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let n = (n ^ (n >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    n ^ (n >> 33)
}

fn reference(number: u64, salt: u64) -> [u8; 16] {
    let (high, low) = (mixed(number.wrapping_mul(3).wrapping_add(salt)), mixed(number ^ salt << 60));
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}
