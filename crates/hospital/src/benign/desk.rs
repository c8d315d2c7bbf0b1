//! Unusual work of one or two people, or of a program.

use crate::calendar::{DAY, HOUR, MINUTE, SECOND};
use crate::care;
use crate::people::{EMERGENCY, ONCOLOGY, Office, StaffId};
use crate::scheme::Scheme;
use crate::shape::Work;
use crate::world::{About, Look, World};
use yingdun_monitor::record::FactKind;

/// One evening, twenty and more patients of all wards. The list is entered; what was added in the afternoon is not always.
pub(super) fn tumour_board(world: &mut World, scheme: &mut Scheme) -> bool {
    let mut now = world.moment(15, 16);
    // In a small house somebody else presents.
    let own = world.on_duty(ONCOLOGY, &Work::TREATING, now);
    let Some(person) = own.or_else(|| world.anybody(&Work::TREATING, now)) else { return false };
    let incident = scheme.incident(world);
    for _ in 0..world.random.between(20, 34) {
        let patient = world.any_patient();
        let board_ms = world.starts() + DAY + 8 * HOUR;
        let by_person = world.random.chance(world.house.shape.by_person);
        let about = About {
            person: by_person.then_some(person),
            department: (!by_person).then_some(world.house.members[person].department),
            patient: Some(patient),
        };
        world.fact(FactKind::Board, about, board_ms - 3 * DAY, board_ms + DAY, world.starts() + 9 * HOUR);
        let look = Look { views: 2.5, purpose: Some("TREAT"), incident, ..Look::default() };
        now = world.look(person, patient, now, look) + world.random.between(10, 120) * SECOND;
    }
    true
}

/// A chief and the quality officers go through a hundred cases. It was announced, sometimes afterwards.
pub(super) fn quality_audit(world: &mut World, scheme: &mut Scheme) -> bool {
    if scheme.people.is_empty() {
        let at_ms = world.starts() + 10 * HOUR;
        let chief = world.anybody(&[Work::Chief], at_ms);
        let officer = world.anybody(&[Work::Quality], at_ms);
        let (Some(chief), Some(officer)) = (chief, officer) else { return false };
        scheme.people = vec![chief, officer];
        let about = About { person: Some(chief), ..About::default() };
        let from_ms = world.starts();
        world.fact(FactKind::QualityAudit, about, from_ms, from_ms + 4 * DAY, from_ms + 7 * HOUR);
    }
    let incident = scheme.incident(world);
    for person in scheme.people.clone() {
        let Some(shift) = world.shift_of(person).filter(|shift| shift.from_ms >= world.starts()) else {
            continue;
        };
        let mut now = shift.from_ms + world.random.between(20, 90) * MINUTE;
        for _ in 0..world.random.between(40, 75) {
            let patient = world.any_patient();
            let look = Look { views: 1.3, purpose: Some("HOPERAT"), incident, ..Look::default() };
            now = world.look(person, patient, now, look) + world.random.between(10, 150) * SECOND;
        }
    }
    true
}

/// A radiologist exports forty cases and more for a lecture.
pub(super) fn teaching_set(world: &mut World, scheme: &mut Scheme) -> bool {
    let mut now = world.moment(12, 14);
    let Some(person) = world.anybody(&[Work::Radiologist], now) else { return false };
    let incident = scheme.incident(world);
    let about = About { person: Some(person), ..About::default() };
    world.fact(FactKind::Teaching, about, now - DAY, now + 10 * DAY, world.starts() + 8 * HOUR);
    for _ in 0..world.random.between(30, 60) {
        let patient = world.any_patient();
        let look = Look { views: 1.0, incident, ..Look::default() };
        now = world.look(person, patient, now, look) + world.random.between(5, 60) * SECOND;
        if world.random.chance(0.6) {
            world.deed(person, Some(patient), "export", now, look);
        }
    }
    true
}

/// A program takes thousands, a second each. The night was announced.
pub(super) fn migration_job(world: &mut World, scheme: &mut Scheme) -> bool {
    if scheme.people.is_empty() {
        let members = &world.house.members;
        let services: Vec<StaffId> =
            (0..members.len()).filter(|person| members[*person].work == Work::Service).collect();
        let Some(service) = world.random.pick(&services) else { return false };
        scheme.people.push(service);
    }
    let Some(service) = scheme.people.first().copied() else { return false };
    let incident = scheme.incident(world);
    let mut now = world.moment(1, 2);
    let about = About { person: Some(service), ..About::default() };
    let morning = world.starts();
    world.certain_fact(FactKind::Maintenance, about, morning, morning + 8 * HOUR, morning + MINUTE);
    let technology = world.house.shape.office(Office::Technology);
    let place = world.house.shape.places[0].to_owned();
    let device = world.house.device(technology, 99);
    let seat = Some(world.journal.seat(Some(device), Some(place)));
    let first = world.random.index(world.house.patients.len());
    for step in 0..world.house.plan.scaled(1500, 150) {
        // One after the other, as they lie: decoys too.
        let patient = (first + step) % world.house.patients.len();
        let look = Look { purpose: Some("HOPERAT"), seat, incident, ..Look::default() };
        if world.house.patients[patient].from_day <= world.day {
            world.deed(service, Some(patient), "export", now, look);
        }
        now += world.random.between(800, 2600);
    }
    true
}

/// Somebody reads again what was read years ago: assigned, case by case.
pub(super) fn priors_reread(world: &mut World, scheme: &mut Scheme) -> bool {
    let mut now = world.moment(9, 12);
    let Some(person) = world.anybody(&[Work::Radiologist], now) else { return false };
    let incident = scheme.incident(world);
    for _ in 0..world.random.between(35, 60) {
        let patient = world.any_patient();
        let about = About { person: Some(person), patient: Some(patient), department: None };
        world.fact(FactKind::ReportAssignment, about, now - DAY, now + 7 * DAY, world.starts() + 7 * HOUR);
        now = world.look(person, patient, now, Look { views: 2.2, incident, ..Look::default() })
            + world.random.between(20, 180) * SECOND;
    }
    true
}

/// The same radiologist signs in at home while the session in the reading room is still open, and uses both.
pub(super) fn two_sites(world: &mut World, scheme: &mut Scheme) -> bool {
    let mut now = world.moment(14, 16);
    let Some(person) = world.anybody(&[Work::Radiologist], now) else { return false };
    let incident = scheme.incident(world);
    let home = world.house.plan.pseudonym('d', "home", person as u64);
    let remote = world.house.shape.remote.to_owned();
    let seat = Some(world.journal.seat(Some(home), Some(remote)));
    world.deed(person, None, "sign-in", now - MINUTE, Look { seat, incident, ..Look::default() });
    for turn in 0..world.random.between(12, 22) {
        let patient = world.any_patient();
        let about = About { person: Some(person), patient: Some(patient), department: None };
        world.fact(FactKind::ReportAssignment, about, now - HOUR, now + 3 * DAY, now - 10 * MINUTE);
        let seat = seat.filter(|_| turn % 3 != 0);
        let look = Look { views: 1.8, seat, incident, ..Look::default() };
        now = world.look(person, patient, now, look) + world.random.between(0, 120) * SECOND;
    }
    true
}

/// Somebody works the night of a colleague, who told nobody.
pub(super) fn roster_swap(world: &mut World, scheme: &mut Scheme) -> bool {
    let ward = 1 + world.random.index(world.house.shape.wards.len() - 1);
    let Some(person) = care::employed(world, ward, &[Work::Physician, Work::Resident]) else { return false };
    let there: Vec<usize> =
        world.stays.iter().filter(|stay| stay.department == ward).map(|stay| stay.patient).collect();
    let mut now = world.moment(0, 1);
    if there.is_empty() || world.works_at(person, now) {
        return false;
    }
    let incident = scheme.incident(world);
    for _ in 0..world.random.between(9, 18) {
        let Some(patient) = world.random.pick(&there) else { break };
        now = world.look(person, patient, now, Look { views: 1.5, incident, ..Look::default() })
            + world.random.between(2, 25) * MINUTE;
    }
    true
}

/// On call for the emergency room, from home, on a holiday.
pub(super) fn holiday_on_call(world: &mut World, scheme: &mut Scheme) -> bool {
    let radiology = world.house.shape.office(Office::Radiology);
    let at_ms = world.starts() + 12 * HOUR;
    let free = (0..40).find_map(|_| {
        care::employed(world, radiology, &[Work::Radiologist])
            .filter(|person| !world.works_at(*person, at_ms))
    });
    let Some(person) = free else { return false };
    let incident = scheme.incident(world);
    let about = About { person: Some(person), department: Some(EMERGENCY), patient: None };
    let morning = world.starts();
    world.fact(FactKind::OnCall, about, morning, morning + DAY, morning + MINUTE);
    let home = world.house.plan.pseudonym('d', "home", person as u64);
    let remote = world.house.shape.remote.to_owned();
    let seat = Some(world.journal.seat(Some(home), Some(remote)));
    let mut now = world.moment(8, 10);
    world.deed(person, None, "sign-in", now - MINUTE, Look { seat, incident, ..Look::default() });
    for _ in 0..world.random.between(10, 25) {
        let patient = world.any_patient();
        let about = About { department: Some(EMERGENCY), patient: Some(patient), person: None };
        world.fact(FactKind::Encounter, about, now - 2 * HOUR, now + DAY, now - HOUR);
        now = world.look(person, patient, now, Look { views: 1.7, seat, incident, ..Look::default() })
            + world.random.between(3, 40) * MINUTE;
    }
    true
}
