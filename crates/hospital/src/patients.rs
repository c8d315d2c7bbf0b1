//! The patients: families, neighbours, staff who are ill, people whom everybody knows, and people who do not exist.

use crate::Plan;
use crate::names::{Name, Names};
use crate::people::{Member, StaffId};
use crate::random::Random;
use crate::shape::{Shape, Work};

/// Index of a patient.
pub(crate) type PatientId = usize;

/// Somebody who is or was treated, or a decoy.
#[derive(Clone, Debug)]
pub(crate) struct Patient {
    pub(crate) pseudonym: String,
    pub(crate) name: Name,
    /// The ward that mostly treats.
    pub(crate) department: usize,
    pub(crate) staff: Option<StaffId>,
    pub(crate) household: usize,
    pub(crate) neighbourhood: usize,
    pub(crate) household_known: bool,
    pub(crate) neighbourhood_known: bool,
    pub(crate) prominent: bool,
    pub(crate) decoy: bool,
    /// The day on which the hospital hears of this patient; negative for nearly all.
    pub(crate) from_day: i64,
    /// Number of studies.
    pub(crate) studies: u32,
}

/// Makes the patients, family by family, and gives members of the staff their families.
pub(crate) fn register(plan: &Plan, shape: &Shape, members: &mut [Member]) -> Vec<Patient> {
    let mut random = plan.stream("patients", 0);
    let names = Names::new();
    let wanted = plan.scaled(shape.patients, 400);
    let mut patients: Vec<Patient> = Vec::with_capacity(wanted);
    let mut household = 0;
    while patients.len() < wanted {
        let (surname, neighbourhood) = (names.surname(&mut random), random.index(shape.neighbourhoods));
        let size = 1 + random.weighted(&[3.0, 3.0, 3.0, 1.5, 0.5]);
        for number in 0..size.min(wanted - patients.len()) {
            // The second of a family is the wife, who keeps her name.
            let surname = if number == 1 { names.surname(&mut random) } else { surname };
            let new = random.chance(0.06);
            patients.push(Patient {
                pseudonym: plan.pseudonym('p', "patient", patients.len() as u64),
                name: Name { surname, given: names.given(&mut random) },
                department: random.index(shape.wards.len()),
                staff: None,
                household,
                neighbourhood,
                household_known: random.chance(shape.household_known),
                neighbourhood_known: random.chance(shape.neighbourhood_known),
                prominent: false,
                decoy: false,
                from_day: if new { random.between(0, i64::from(plan.days) - 1) } else { -1 },
                studies: 1 + u32::try_from(random.weighted(&[4.0, 3.0, 2.0, 1.0, 1.0, 0.5])).unwrap_or(0),
            });
        }
        household += 1;
    }
    for _ in 0..plan.scaled(shape.prominent, 4) {
        mark(&mut random, &mut patients, |patient| patient.prominent = true);
    }
    for _ in 0..plan.scaled(shape.decoys, 6) {
        mark(&mut random, &mut patients, |patient| {
            patient.decoy = true;
            patient.household_known = false;
        });
    }
    for (person, member) in members.iter_mut().enumerate() {
        if matches!(member.work, Work::Vendor | Work::Service) {
            continue;
        }
        let relative = random.index(patients.len());
        let patient = &mut patients[relative];
        if patient.staff.is_some() || patient.prominent || patient.decoy || random.chance(0.08) {
            continue;
        }
        member.household = Some(patient.household);
        member.neighbourhood = patient.neighbourhood;
        if random.chance(0.62) {
            patient.staff = Some(person);
            patient.from_day = -1;
            member.patient = Some(relative);
        }
    }
    patients
}

/// Changes one who was there before the first day and is nobody special yet.
fn mark(random: &mut Random, patients: &mut [Patient], change: impl Fn(&mut Patient)) {
    for _ in 0..1_000 {
        let index = random.index(patients.len());
        let patient = &mut patients[index];
        if !patient.prominent && !patient.decoy && patient.staff.is_none() && patient.from_day < 0 {
            change(patient);
            return;
        }
    }
}
