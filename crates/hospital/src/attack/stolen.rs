//! Accounts in wrong hands, or at wrong times and places.

use super::bulk::{ANYBODY, bounded};
use super::{attacker, while_working};
use crate::calendar::{HOUR, MINUTE, SECOND};
use crate::people::StaffId;
use crate::scheme::Scheme;
use crate::shape::Work;
use crate::world::{Look, World};

/// Browsing through other wards at night: by somebody on the night shift, or by somebody who is not on any.
pub(super) fn night(world: &mut World, scheme: &mut Scheme) -> bool {
    let on_shift = world.random.chance(0.5);
    let known = scheme.people.first().copied();
    let person = known.or_else(|| {
        let morning = world.starts();
        let (day, works) = (world.day, [Work::Physician, Work::Nurse, Work::Resident, Work::Technician]);
        let candidates: Vec<StaffId> = (0..world.house.members.len())
            .filter(|person| {
                let member = &world.house.members[*person];
                let rostered = world
                    .shifts
                    .iter()
                    .any(|shift| shift.person == *person && shift.night && shift.from_ms < morning);
                let any = world
                    .shifts
                    .iter()
                    .any(|shift| shift.person == *person && shift.from_ms < morning + 6 * HOUR);
                let fits = if on_shift { rostered } else { !any };
                fits && member.is_employed(day) && works.contains(&member.work) && !world.taken[*person]
            })
            .collect();
        world.random.pick(&candidates)
    });
    let Some(person) = person else { return false };
    if known.is_none() {
        world.taken[person] = true;
        scheme.people.push(person);
    }
    let incident = scheme.incident(world);
    let mut now = world.moment(0, 4);
    for _ in 0..world.random.between(3, 20) {
        let patient = world.any_patient();
        now = world.look(person, patient, now, Look { views: 1.3, incident, ..Look::default() })
            + world.random.between(0, 5) * MINUTE;
    }
    true
}

/// A colleague works under somebody's account: at another device, with patients of that colleague, while the owner works too.
pub(super) fn shared(world: &mut World, scheme: &mut Scheme) -> bool {
    let works = [Work::Physician, Work::Nurse, Work::Resident, Work::Radiologist];
    let Some(owner) = attacker(world, scheme, &works, |_, _| true) else { return false };
    let borrower = match scheme.people.get(1).copied() {
        Some(borrower) => borrower,
        None => {
            let at_ms = world.starts() + 10 * HOUR;
            let own = world.house.members[owner].department;
            let found = (0..30).find_map(|_| {
                let other = world.anybody(&works, at_ms)?;
                (other != owner && world.house.members[other].department != own && !world.taken[other])
                    .then_some(other)
            });
            let Some(borrower) = found else { return false };
            scheme.people.push(borrower);
            borrower
        }
    };
    let Some(mut now) = while_working(world, owner) else { return scheme.incident.is_some() };
    let incident = scheme.incident(world);
    let (ward, number) = (world.house.members[borrower].department, world.house.members[borrower].device);
    let device = world.house.device(ward, number);
    let place = world.house.shape.places[world.house.members[borrower].place].to_owned();
    let seat = Some(world.journal.seat(Some(device), Some(place)));
    world.deed(owner, None, "sign-in", now - 20 * SECOND, Look { seat, incident, ..Look::default() });
    let mine: Vec<usize> =
        world.past.iter().filter(|(who, _)| *who == borrower).map(|(_, patient)| *patient).collect();
    for _ in 0..world.random.between(2, 10) {
        let patient = match world.random.pick(&mine) {
            Some(patient) => patient,
            None => world.any_patient(),
        };
        now = world.look(owner, patient, now, Look { views: 1.5, seat, incident, ..Look::default() })
            + world.random.between(0, 9) * MINUTE;
    }
    true
}

/// A vendor comes in when nobody called.
pub(super) fn vendor(world: &mut World, scheme: &mut Scheme) -> bool {
    let (day, members) = (world.day, &world.house.members);
    let candidates: Vec<StaffId> = (0..members.len())
        .filter(|person| {
            let member = &members[*person];
            member.work == Work::Vendor && member.is_employed(day) && !world.taken[*person]
        })
        .collect();
    let Some(person) = world.random.pick(&candidates) else { return false };
    world.taken[person] = true;
    scheme.people.push(person);
    let incident = scheme.incident(world);
    let mut now = world.moment(6, 22);
    for _ in 0..bounded(world, 3, 35) {
        let patient = world.any_patient();
        let purpose = Some("HOPERAT").filter(|_| now % 2 == 0);
        now = world.look(person, patient, now, Look { views: 1.2, purpose, incident, ..Look::default() })
            + world.random.between(0, 90) * SECOND;
    }
    true
}

/// Somebody else has the token of an open session, and uses it from elsewhere while its owner works.
pub(super) fn session(world: &mut World, scheme: &mut Scheme) -> bool {
    let Some(person) = attacker(world, scheme, &ANYBODY, |_, _| true) else { return false };
    let Some(mut now) = while_working(world, person) else { return false };
    let incident = scheme.incident(world);
    let number = world.random.next();
    let device = world.house.plan.pseudonym('d', "foreign", number);
    let place = if world.random.chance(0.6) { world.house.shape.remote } else { "unknown" };
    let known = world.random.chance(0.7).then_some(device);
    let seat = Some(world.journal.seat_in_open_session(known, Some(place.to_owned())));
    // The owner is at work: so the session is open.
    world.deed(person, None, "search", now - 10 * MINUTE, Look::default());
    for _ in 0..world.random.between(3, 30) {
        let patient = world.any_patient();
        now = world.look(person, patient, now, Look { views: 1.0, seat, incident, ..Look::default() })
            + world.random.between(0, 40) * SECOND;
    }
    true
}
