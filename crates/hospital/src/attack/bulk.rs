//! Quantity: many records, at once or a little more each day.

use super::{CURIOUS, attacker, while_working};
use crate::calendar::{HOUR, MINUTE, SECOND};
use crate::noise;
use crate::patients::PatientId;
use crate::people::StaffId;
use crate::scheme::Scheme;
use crate::shape::Work;
use crate::world::{Look, World};

/// Those who sit at a workstation long enough.
const DESK: [Work; 5] = [Work::Physician, Work::Resident, Work::Radiologist, Work::Clerk, Work::Technician];

/// Hundreds of patients, a few seconds each.
pub(super) fn fast(world: &mut World, scheme: &mut Scheme) -> bool {
    let Some(person) = attacker(world, scheme, &DESK, |_, _| true) else { return false };
    let Some(mut now) = while_working(world, person) else { return false };
    let incident = scheme.incident(world);
    let action = if world.random.chance(0.4) { "export" } else { "view" };
    let pause = world.random.between(3, 14);
    for _ in 0..bounded(world, 150, 480) {
        let patient = world.any_patient();
        world.deed(person, Some(patient), action, now, Look { incident, ..Look::default() });
        now += world.random.between(pause, pause * 2) * SECOND + world.random.between(0, 999);
    }
    true
}

/// As much again as the own work and more, in between, on every working day.
pub(super) fn slow(world: &mut World, scheme: &mut Scheme) -> bool {
    let Some(person) = attacker(world, scheme, &DESK, |_, _| true) else { return false };
    let department = world.house.members[person].department.min(world.house.shape.wards.len() - 1);
    for _ in 0..world.random.between(9, 34) {
        let Some(at_ms) = while_working(world, person) else { return scheme.incident.is_some() };
        let incident = scheme.incident(world);
        let own = if world.random.chance(0.5) { world.outpatient(department) } else { None };
        let patient = match own {
            Some(patient) => patient,
            None => world.any_patient(),
        };
        world.look(person, patient, at_ms, Look { views: 1.2, incident, ..Look::default() });
    }
    true
}

/// A few exports, or prints, a day: less than any limit.
pub(super) fn pieces(world: &mut World, scheme: &mut Scheme, action: &'static str) -> bool {
    let works = [Work::Physician, Work::Resident, Work::Radiologist, Work::Nurse];
    let Some(person) = attacker(world, scheme, &works, |_, _| true) else { return false };
    for _ in 0..world.random.between(1, 7) {
        let Some(at_ms) = while_working(world, person) else { return scheme.incident.is_some() };
        let incident = scheme.incident(world);
        let own: Vec<PatientId> = own_patients(world, person);
        let patient = match world.random.pick(&own).filter(|_| at_ms % 2 == 0) {
            Some(patient) => patient,
            None => world.any_patient(),
        };
        let look = Look { views: 0.0, incident, ..Look::default() };
        if world.random.chance(0.4) {
            world.deed(person, Some(patient), "view", at_ms, look);
        }
        world.deed(person, Some(patient), action, at_ms + 30 * SECOND, look);
    }
    true
}

/// A researcher takes those who are not in the project too.
pub(super) fn research(world: &mut World, scheme: &mut Scheme) -> bool {
    let Some(person) = attacker(world, scheme, &[Work::Researcher], |_, _| true) else { return false };
    let Some(mut now) = while_working(world, person) else { return false };
    let incident = scheme.incident(world);
    let cohort = noise::cohort(world, person);
    let exports = world.random.chance(0.35);
    for _ in 0..bounded(world, 6, 40) {
        let patient = world.any_patient();
        if cohort.contains(&patient) {
            continue;
        }
        let look = Look { views: 1.2, purpose: Some("HRESCH"), incident, ..Look::default() };
        now = world.look(person, patient, now, look) + world.random.between(10, 150) * SECOND;
        if exports && world.random.chance(0.5) {
            world.deed(person, Some(patient), "export", now, look);
        }
    }
    true
}

/// Somebody has given notice, and takes along those whom he or she treated, and others of the ward.
pub(super) fn leaver(world: &mut World, scheme: &mut Scheme) -> bool {
    let works = [Work::Physician, Work::Resident, Work::Radiologist, Work::Chief];
    let begins = scheme.people.is_empty();
    let Some(person) = attacker(world, scheme, &works, |_, _| true) else { return false };
    let Some(mut now) = while_working(world, person) else { return scheme.incident.is_some() };
    if begins {
        let soon = world.day + world.random.between(4, 14);
        let until =
            world.house.members[person].until_day.map_or(soon, |until| until.min(soon)).max(world.day);
        world.house.members[person].until_day = Some(until);
        let morning = world.starts() + 7 * HOUR;
        world.tell_person(person, morning);
    }
    let incident = scheme.incident(world);
    let department = world.house.members[person].department.min(world.house.shape.wards.len() - 1);
    let own = own_patients(world, person);
    let exports = world.random.chance(0.6);
    for _ in 0..bounded(world, 6, 35) {
        let known = world.random.pick(&own).filter(|_| now % 4 != 0);
        let Some(patient) = known.or_else(|| world.outpatient(department)) else { continue };
        let look = Look { views: 1.3, incident, ..Look::default() };
        if exports {
            world.deed(person, Some(patient), "export", now, look);
            now += world.random.between(20, 200) * SECOND + world.random.between(0, 999);
        } else {
            now = world.look(person, patient, now, look) + world.random.between(0, 3) * MINUTE;
        }
    }
    true
}

/// So many, but not more than a part of a small hospital.
pub(super) fn bounded(world: &mut World, least: i64, most: i64) -> i64 {
    let drawn = world.random.between(least, most);
    drawn.min(i64::try_from(world.house.patients.len() / 4).unwrap_or(drawn))
}

/// Whom somebody treated in the past days.
pub(super) fn own_patients(world: &World, person: StaffId) -> Vec<PatientId> {
    world.past.iter().filter(|(who, _)| *who == person).map(|(_, patient)| *patient).collect()
}

/// The works that a helper of this folder needs beside its own.
pub(super) const ANYBODY: [Work; 7] = CURIOUS;
