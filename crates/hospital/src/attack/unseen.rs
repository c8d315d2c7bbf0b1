//! What only held-out runs have.

use super::bulk::{bounded, own_patients};
use super::{attacker, while_working};
use crate::calendar::{DAY, MINUTE, SECOND};
use crate::people::StaffId;
use crate::scheme::Scheme;
use crate::shape::Work;
use crate::world::{About, Look, World};
use yingdun_monitor::record::FactKind;

const WORKS: [Work; 4] = [Work::Physician, Work::Resident, Work::Nurse, Work::Radiologist];

/// Three people share the work of one scraper: each takes little.
pub(super) fn shared_scrape(world: &mut World, scheme: &mut Scheme) -> bool {
    if attacker(world, scheme, &WORKS, |_, _| true).is_none() {
        return false;
    }
    let morning = world.starts();
    while scheme.people.len() < 3 {
        let free: Vec<StaffId> = world
            .shifts
            .iter()
            .filter(|shift| shift.from_ms >= morning && !world.taken[shift.person])
            .map(|shift| shift.person)
            .filter(|person| WORKS.contains(&world.house.members[*person].work))
            .collect();
        let Some(other) = world.random.pick(&free) else { break };
        world.taken[other] = true;
        scheme.people.push(other);
    }
    for person in scheme.people.clone() {
        let Some(mut now) = while_working(world, person) else { continue };
        let incident = scheme.incident(world);
        for _ in 0..world.random.between(4, 14) {
            let patient = world.any_patient();
            now = world.look(person, patient, now, Look { views: 1.2, incident, ..Look::default() })
                + world.random.between(0, 12) * MINUTE;
        }
    }
    scheme.incident.is_some()
}

/// Whoever may order, orders: and is explained by the order, to which no examination ever follows.
pub(super) fn self_made_reason(world: &mut World, scheme: &mut Scheme) -> bool {
    let works = [Work::Physician, Work::Resident];
    let Some(person) = attacker(world, scheme, &works, |_, _| true) else { return false };
    for _ in 0..world.random.between(2, 5) {
        let Some(at_ms) = while_working(world, person) else { return scheme.incident.is_some() };
        let incident = scheme.incident(world);
        let special: Vec<usize> = (0..world.house.patients.len())
            .filter(|patient| {
                let patient = &world.house.patients[*patient];
                patient.prominent || patient.staff.is_some_and(|staff| staff != person)
            })
            .collect();
        let Some(patient) = world.random.pick(&special) else { return false };
        let about = About { person: Some(person), patient: Some(patient), department: None };
        let ordered_ms = at_ms - world.random.between(1, 6) * MINUTE;
        world.certain_fact(FactKind::Order, about, ordered_ms, ordered_ms + 30 * DAY, ordered_ms);
        world.look(person, patient, at_ms, Look { views: 2.0, incident, searched: true, ..Look::default() });
    }
    true
}

/// Names and birth dates are worth something too: searches and lists, hardly an image.
pub(super) fn list_harvest(world: &mut World, scheme: &mut Scheme) -> bool {
    let works = [Work::Clerk, Work::Nurse, Work::Technician];
    let Some(person) = attacker(world, scheme, &works, |_, _| true) else { return false };
    let Some(mut now) = while_working(world, person) else { return scheme.incident.is_some() };
    let incident = scheme.incident(world);
    for _ in 0..bounded(world, 50, 140) {
        let patient = world.any_patient();
        let look = Look { incident, ..Look::default() };
        world.deed(person, None, "search", now, look);
        world.deed(person, Some(patient), "list", now + 6 * SECOND, look);
        if world.random.chance(0.03) {
            world.deed(person, Some(patient), "view", now + 12 * SECOND, look);
        }
        now += world.random.between(15, 120) * SECOND;
    }
    true
}

/// An account that hardly works any more wakes up, somewhere and at some hour, and looks around.
pub(super) fn sleeping_account(world: &mut World, scheme: &mut Scheme) -> bool {
    let (day, members) = (world.day, &world.house.members);
    let candidates: Vec<StaffId> = (0..members.len())
        .filter(|person| {
            let member = &members[*person];
            let idle = matches!(member.work, Work::Administrator | Work::Service | Work::Locum | Work::Clerk);
            idle && member.is_employed(day)
                && !world.taken[*person]
                && own_patients(world, *person).is_empty()
        })
        .collect();
    let Some(person) = world.random.pick(&candidates) else { return false };
    world.taken[person] = true;
    scheme.people.push(person);
    let incident = scheme.incident(world);
    let number = world.random.next();
    let device = world.house.plan.pseudonym('d', "foreign", number);
    let place = world.house.shape.places[0].to_owned();
    let seat = Some(world.journal.seat(Some(device), Some(place)));
    let mut now = world.moment(6, 21);
    world.deed(person, None, "sign-in", now - 30 * SECOND, Look { seat, incident, ..Look::default() });
    for _ in 0..world.random.between(10, 40) {
        let patient = world.any_patient();
        now = world.look(person, patient, now, Look { views: 1.2, seat, incident, ..Look::default() })
            + world.random.between(0, 120) * SECOND;
    }
    true
}
