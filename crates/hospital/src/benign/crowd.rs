//! Unusual days of many people.

use crate::calendar::{DAY, HOUR, MINUTE};
use crate::care;
use crate::patients::PatientId;
use crate::people::{CHEST, Department, EMERGENCY, StaffId};
use crate::scheme::Scheme;
use crate::shape::Work;
use crate::world::{About, Look, World};
use yingdun_monitor::record::FactKind;

/// Dozens come within three hours of a night. Who is called in is on no roster, and registration follows when there is time.
pub(super) fn mass_casualty(world: &mut World, scheme: &mut Scheme) -> bool {
    let incident = scheme.incident(world);
    let begins_ms = world.moment(1, 3);
    let works = [Work::Physician, Work::Resident, Work::Chief, Work::Nurse];
    let mut called: Vec<StaffId> = Vec::new();
    for _ in 0..world.house.plan.scaled(24, 6) {
        let ward = 1 + world.random.index(world.house.shape.wards.len() - 1);
        if let Some(person) = care::employed(world, ward, &works).filter(|person| !called.contains(person)) {
            called.push(person);
            let about = About { person: Some(person), department: Some(EMERGENCY), patient: None };
            let known_ms = begins_ms + world.random.between(0, 600) * MINUTE;
            world.fact(FactKind::OnCall, about, begins_ms, begins_ms + 8 * HOUR, known_ms);
        }
    }
    for _ in 0..world.house.plan.scaled(48, 12) {
        let patient = world.any_patient();
        let at_ms = begins_ms + world.random.between(0, 180) * MINUTE;
        care::emergency(world, patient, at_ms, incident);
        for _ in 0..3 {
            let Some(person) = world.random.pick(&called) else { break };
            let seen_ms = at_ms + world.random.between(2, 120) * MINUTE;
            world.look(
                person,
                patient,
                seen_ms,
                Look { views: 1.5, purpose: Some("ETREAT"), incident, ..Look::default() },
            );
        }
    }
    true
}

/// A team of several wards. Much of it is on record, not all.
pub(super) fn prominent_team(world: &mut World, scheme: &mut Scheme) -> bool {
    if scheme.patients.is_empty() {
        let all = world.house.patients.len();
        let start = world.random.index(all);
        let found = (0..all)
            .map(|step| (start + step) % all)
            .find(|patient| world.house.patients[*patient].prominent);
        let Some(patient) = found else { return false };
        scheme.patients.push(patient);
        let ward = world.house.patients[patient].department.max(1);
        let at_ms = world.starts() + 30 * MINUTE;
        let about = About { department: Some(ward), patient: Some(patient), person: None };
        world.certain_fact(FactKind::Encounter, about, at_ms, at_ms + 6 * DAY, at_ms + HOUR);
        for _ in 0..9 {
            let other = 1 + world.random.index(world.house.shape.wards.len() - 1);
            let Some(person) = care::employed(world, other, &[Work::Physician, Work::Chief, Work::Resident])
            else {
                continue;
            };
            scheme.people.push(person);
            let about = About { person: Some(person), patient: Some(patient), department: None };
            let kind = if world.random.chance(0.5) { FactKind::Consult } else { FactKind::CareRelation };
            world.fact(kind, about, at_ms, at_ms + 6 * DAY, at_ms + 6 * HOUR);
        }
    }
    let incident = scheme.incident(world);
    let Some(patient) = scheme.patients.first().copied() else { return false };
    let ward = world.house.patients[patient].department.max(1);
    for _ in 0..14 {
        let at_ms = world.moment(7, 22);
        let works = [Work::Physician, Work::Nurse, Work::Resident, Work::Chief];
        if let Some(person) = world.on_duty(ward, &works, at_ms) {
            world.look(person, patient, at_ms, Look { views: 1.8, incident, ..Look::default() });
        }
    }
    for person in scheme.people.clone() {
        let at_ms = world.moment(8, 18);
        if world.works_at(person, at_ms) {
            world.look(person, patient, at_ms, Look { views: 2.0, incident, ..Look::default() });
        }
    }
    true
}

/// People of several wards work in another one from today; their lines follow within two days.
pub(super) fn new_ward(world: &mut World, scheme: &mut Scheme) -> bool {
    let day = world.day;
    if scheme.people.is_empty() {
        let ward = 1 + world.random.index(world.house.shape.wards.len() - 1);
        for _ in 0..12 {
            let from = 1 + world.random.index(world.house.shape.wards.len() - 1);
            let moved = care::employed(world, from, &[Work::Nurse, Work::Physician]);
            if let Some(person) = moved.filter(|person| from != ward && !scheme.people.contains(person)) {
                scheme.people.push(person);
                world.house.members[person].department = ward;
                let hours = world.random.between(-20, 40);
                let at_ms = (world.starts() + 7 * HOUR + hours * HOUR).max(world.starts());
                world.tell_person(person, at_ms);
            }
        }
    }
    let incident = scheme.incident(world);
    for person in scheme.people.clone() {
        let ward = world.house.members[person].department;
        if world.house.members[person].is_employed(day) {
            for patient in beds(world, ward, 7) {
                look_at_work(world, person, patient, incident);
            }
        }
    }
    true
}

/// Residents come to a ward, and the list says so days later.
pub(super) fn resident_first_week(world: &mut World, scheme: &mut Scheme) -> bool {
    if scheme.people.is_empty() {
        for _ in 0..world.house.plan.scaled(8, 2) {
            let from = world.random.index(world.house.shape.wards.len());
            let to = 1 + world.random.index(world.house.shape.wards.len() - 1);
            let Some(person) = care::employed(world, from, &[Work::Resident]) else { continue };
            scheme.people.push(person);
            world.house.members[person].department = to;
            let at_ms = world.starts() + world.random.between(2, 66) * HOUR;
            world.tell_person(person, at_ms);
        }
        if scheme.people.is_empty() {
            return false;
        }
    }
    let incident = scheme.incident(world);
    for person in scheme.people.clone() {
        let ward = world.house.members[person].department;
        // Who is new reads a lot, most of it of the own ward.
        for patient in beds(world, ward, 9) {
            look_at_work(world, person, patient, incident);
        }
    }
    true
}

/// Each day in another ward. The ward knows; the list of the staff does not.
pub(super) fn locum(world: &mut World, scheme: &mut Scheme) -> bool {
    let day = world.day;
    if scheme.people.is_empty() {
        let members = &world.house.members;
        let there: Vec<StaffId> = (0..members.len())
            .filter(|person| members[*person].work == Work::Locum && members[*person].is_employed(day))
            .collect();
        let Some(person) = world.random.pick(&there) else { return false };
        scheme.people.push(person);
    }
    let incident = scheme.incident(world);
    for person in scheme.people.clone() {
        if !world.house.members[person].is_employed(day) {
            continue;
        }
        let ward = 1 + world.random.index(world.house.shape.wards.len() - 1);
        for patient in beds(world, ward, 14) {
            let about = About { person: Some(person), patient: Some(patient), department: None };
            let at_ms = world.moment(12, 21);
            world.fact(FactKind::CareRelation, about, at_ms - 4 * HOUR, at_ms + 3 * DAY, at_ms - HOUR);
            world.look(person, patient, at_ms, Look { views: 1.6, incident, ..Look::default() });
        }
    }
    true
}

/// Three times as many in the chest clinic, and helpers from everywhere.
pub(super) fn flu_peak(world: &mut World, scheme: &mut Scheme) -> bool {
    let incident = scheme.incident(world);
    for _ in 0..world.house.plan.scaled(150, 25) {
        let patient = world.any_patient();
        let at_ms = world.moment(8, 20);
        let own = world.on_duty(CHEST, &Work::TREATING, at_ms);
        let helper = world.anybody(&[Work::Physician, Work::Resident], at_ms);
        let helps = world.random.chance(0.6);
        let Some(person) = (if helps { helper } else { own }).or(helper) else { continue };
        let about = About { department: Some(CHEST), patient: Some(patient), person: None };
        world.fact(FactKind::Encounter, about, at_ms - HOUR, at_ms + 2 * DAY, at_ms - 5 * MINUTE);
        if helps {
            let about = About { person: Some(person), patient: Some(patient), department: None };
            world.fact(FactKind::Appointment, about, at_ms - HOUR, at_ms + DAY, at_ms - 3 * MINUTE);
        }
        world.look(person, patient, at_ms, Look { views: 1.4, incident, ..Look::default() });
    }
    true
}

/// Everybody of a ward sits at a device that nobody has seen before.
pub(super) fn device_replacement(world: &mut World, scheme: &mut Scheme) -> bool {
    let incident = scheme.incident(world);
    let ward = 1 + world.random.index(world.house.shape.wards.len() - 1);
    let there: Vec<StaffId> = (0..10)
        .filter_map(|_| {
            let at_ms = world.moment(9, 16);
            world.on_duty(ward, &[Work::Physician, Work::Nurse, Work::Resident, Work::Chief], at_ms)
        })
        .collect();
    for person in there {
        let number = world.random.next();
        let device = world.house.plan.pseudonym('d', "replaced", number);
        let place = world.house.shape.places[world.house.members[person].place].to_owned();
        let seat = Some(world.journal.seat(Some(device), Some(place)));
        let Some(first_ms) = at_work(world, person) else { continue };
        world.deed(person, None, "sign-in", first_ms - MINUTE, Look { seat, incident, ..Look::default() });
        let mut now = first_ms;
        for patient in beds(world, ward, 5) {
            let look = Look { views: 1.5, seat, incident, ..Look::default() };
            now = world.look(person, patient, now, look) + world.random.between(1, 15) * MINUTE;
        }
    }
    true
}

// === helpers ===

/// Patients who lie in a ward.
fn beds(world: &mut World, ward: Department, most: usize) -> Vec<PatientId> {
    let there: Vec<PatientId> =
        world.stays.iter().filter(|stay| stay.department == ward).map(|stay| stay.patient).collect();
    let wanted = world.random.about(most as f64).min(there.len());
    (0..wanted).filter_map(|_| world.random.pick(&there)).collect()
}

/// A moment of the shift that somebody begins today.
pub(super) fn at_work(world: &mut World, person: StaffId) -> Option<i64> {
    let shift = world.shift_of(person).filter(|shift| shift.from_ms >= world.starts())?;
    Some(world.random.between(shift.from_ms + 10 * MINUTE, shift.until_ms - HOUR))
}

fn look_at_work(world: &mut World, person: StaffId, patient: PatientId, incident: Option<usize>) {
    if let Some(at_ms) = at_work(world, person) {
        world.look(person, patient, at_ms, Look { views: 1.5, incident, ..Look::default() });
    }
}
