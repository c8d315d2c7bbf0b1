//! Curiosity: few patients, each with a reason that no record has.

use super::{CURIOUS, attacker, while_working};
use crate::calendar::{HOUR, MINUTE};
use crate::patients::PatientId;
use crate::people::StaffId;
use crate::scheme::Scheme;
use crate::shape::Work;
use crate::world::{About, Look, World};
use yingdun_monitor::record::FactKind;

/// Somebody whom everybody knows, mostly by people of other wards.
pub(super) fn prominent(world: &mut World, scheme: &mut Scheme) -> bool {
    let Some(target) = one_of(world, |world, patient| world.house.patients[patient].prominent) else {
        return false;
    };
    let ward = world.house.patients[target].department;
    let elsewhere = world.random.chance(0.85);
    let Some(person) = attacker(world, scheme, &CURIOUS, |world, person| {
        !elsewhere || world.house.members[person].department != ward
    }) else {
        return false;
    };
    peek(world, scheme, person, target)
}

/// A colleague, mostly of the same department.
pub(super) fn colleague(world: &mut World, scheme: &mut Scheme) -> bool {
    if let (Some(person), Some(target)) = (scheme.people.first().copied(), scheme.patients.first().copied()) {
        return world.random.chance(0.5) && peek(world, scheme, person, target);
    }
    let Some(person) = attacker(world, scheme, &CURIOUS, |_, _| true) else { return false };
    let department = world.house.members[person].department;
    let near = world.random.chance(0.7);
    let target = one_of(world, |world, patient| {
        let staff = world.house.patients[patient].staff.filter(|staff| *staff != person);
        staff.is_some_and(|staff| !near || world.house.members[staff].department == department)
    });
    let target = target.or_else(|| {
        one_of(world, |world, patient| {
            world.house.patients[patient].staff.is_some_and(|staff| staff != person)
        })
    });
    target.is_some_and(|target| peek(world, scheme, person, target))
}

/// A relative at home, or somebody who used to be one and of whom no record tells; again and again.
pub(super) fn household(world: &mut World, scheme: &mut Scheme) -> bool {
    if let (Some(person), Some(target)) = (scheme.people.first().copied(), scheme.patients.first().copied()) {
        return world.random.chance(0.6) && peek(world, scheme, person, target);
    }
    let at_home = world.random.chance(0.6);
    let Some(person) = attacker(world, scheme, &CURIOUS, |world, person| {
        !at_home || relatives(world, person).next().is_some()
    }) else {
        return false;
    };
    let target = if at_home {
        let relatives: Vec<PatientId> = relatives(world, person).collect();
        world.random.pick(&relatives)
    } else {
        let neighbourhood = world.house.members[person].neighbourhood;
        let near = world.random.chance(0.5);
        one_of(world, |world, patient| {
            let patient = &world.house.patients[patient];
            patient.staff.is_none() && (!near || patient.neighbourhood == neighbourhood)
        })
    };
    target.is_some_and(|target| peek(world, scheme, person, target))
}

/// A few people of the same estate.
pub(super) fn neighbour(world: &mut World, scheme: &mut Scheme) -> bool {
    let Some(person) = attacker(world, scheme, &CURIOUS, |_, _| true) else { return false };
    let (own, home) = (world.house.members[person].household, world.house.members[person].neighbourhood);
    let mut done = false;
    for _ in 0..world.random.between(1, 4) {
        let target = one_of(world, |world, patient| {
            let patient = &world.house.patients[patient];
            patient.neighbourhood == home && Some(patient.household) != own && patient.staff != Some(person)
        });
        done |= target.is_some_and(|target| peek(world, scheme, person, target));
    }
    done
}

/// A patient who does not exist.
pub(super) fn decoy(world: &mut World, scheme: &mut Scheme) -> bool {
    let Some(target) = one_of(world, |world, patient| world.house.patients[patient].decoy) else {
        return false;
    };
    let Some(person) = attacker(world, scheme, &CURIOUS, |_, _| true) else { return false };
    peek(world, scheme, person, target)
}

/// The glass is broken, and there is a case; only there was no emergency.
pub(super) fn break_glass(world: &mut World, scheme: &mut Scheme) -> bool {
    let works = [Work::Physician, Work::Resident, Work::Chief];
    let Some(person) = attacker(world, scheme, &works, |_, _| true) else { return false };
    let Some(mut now) = while_working(world, person) else { return false };
    let incident = scheme.incident(world);
    for _ in 0..world.random.between(1, 3) {
        let kind = world.random.weighted(&[3.0, 3.0, 4.0]);
        let target = one_of(world, |world, patient| {
            let bed = world.in_bed[patient];
            let patient = &world.house.patients[patient];
            match kind {
                0 => patient.prominent,
                1 => patient.staff.is_some_and(|staff| staff != person),
                _ => !bed,
            }
        });
        let Some(patient) = target else { continue };
        let look = Look { views: 2.0, purpose: Some("BTG"), incident, ..Look::default() };
        world.deed(person, Some(patient), "break-glass", now, look);
        let about = About { person: Some(person), patient: Some(patient), department: None };
        world.certain_fact(FactKind::BreakGlass, about, now, now + 4 * HOUR, now);
        now = world.look(person, patient, now + MINUTE, look) + world.random.between(2, 40) * MINUTE;
    }
    true
}

// === helpers ===

/// Searches, opens, closes.
fn peek(world: &mut World, scheme: &mut Scheme, person: StaffId, target: PatientId) -> bool {
    let Some(at_ms) = while_working(world, person) else { return false };
    if !scheme.patients.contains(&target) {
        scheme.patients.push(target);
    }
    let incident = scheme.incident(world);
    let views = 1.0 + world.random.share() * 2.0;
    let searched = world.random.chance(0.7);
    world.look(person, target, at_ms, Look { views, incident, searched, ..Look::default() });
    true
}

/// Somebody of whom something is true.
fn one_of(world: &mut World, is: impl Fn(&World, PatientId) -> bool) -> Option<PatientId> {
    let all = world.house.patients.len();
    let start = world.random.index(all);
    let known = |patient: &PatientId| world.house.patients[*patient].from_day <= world.day;
    (0..all).map(|step| (start + step) % all).filter(known).find(|patient| is(world, *patient))
}

/// The patients of somebody's household, without that person and without decoys.
fn relatives(world: &World, person: StaffId) -> impl Iterator<Item = PatientId> {
    let home = world.house.members[person].household;
    let patients = &world.house.patients;
    (0..patients.len()).filter(move |patient| {
        let patient = &patients[*patient];
        Some(patient.household) == home && patient.staff != Some(person) && !patient.decoy
    })
}
