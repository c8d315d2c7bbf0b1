//! Life beside the records: research, audits and vendors who are announced; and looks for which nothing is on record, by people who mean no
//! harm. The latter are what makes finding somebody who does hard.

use crate::calendar::{DAY, HOUR, MINUTE};
use crate::care;
use crate::patients::PatientId;
use crate::people::{EMERGENCY, Office};
use crate::shape::Work;
use crate::world::{About, Look, World};
use yingdun_monitor::record::FactKind;

/// A day beside care.
pub(crate) fn day(world: &mut World) {
    if world.day == 0 {
        standing_facts(world);
    }
    if world.calendar.is_workday(world.day) {
        research(world);
        audits(world);
        boards(world);
        conferences(world);
        vendors(world);
    }
    rotation(world);
    broken_glass(world);
    prominent_care(world);
    without_reason(world);
    idle(world);
}

/// The patients of a researcher's project, the same ones all the time.
pub(crate) fn cohort(world: &World, researcher: usize) -> Vec<PatientId> {
    let mut random = world.house.plan.stream("cohort", researcher as u64);
    let size = random.between(40, 90).min(i64::try_from(world.house.patients.len()).unwrap_or(0) / 8);
    let drawn = (0..size).map(|_| random.index(world.house.patients.len()));
    drawn
        .filter(|patient| {
            !world.house.patients[*patient].decoy && world.house.patients[*patient].from_day < 0
        })
        .collect()
}

// === helpers ===

fn people_of(world: &World, work: Work) -> Vec<usize> {
    (0..world.house.members.len()).filter(|person| world.house.members[*person].work == work).collect()
}

/// Projects and audits that were approved before the first day.
fn standing_facts(world: &mut World) {
    let (start, end) =
        (world.calendar.starts(-20), world.calendar.starts(i64::from(world.calendar.days()) + 30));
    for researcher in people_of(world, Work::Researcher) {
        for patient in cohort(world, researcher) {
            let about = About { person: Some(researcher), patient: Some(patient), department: None };
            world.fact(FactKind::Research, about, start, end, start);
        }
    }
    for officer in people_of(world, Work::Quality) {
        let about = About { person: Some(officer), ..About::default() };
        world.certain_fact(FactKind::QualityAudit, about, start, end, start);
    }
}

fn research(world: &mut World) {
    for researcher in people_of(world, Work::Researcher) {
        let Some(shift) = world.shift_of(researcher).filter(|_| world.random.chance(0.7)) else { continue };
        let cohort = cohort(world, researcher);
        let mut now = shift.from_ms + world.random.between(10, 180) * MINUTE;
        for _ in 0..world.random.between(5, 24) {
            let Some(patient) = world.random.pick(&cohort) else { break };
            let look = Look { views: 1.3, purpose: Some("HRESCH"), ..Look::default() };
            now = world.look(researcher, patient, now, look) + world.random.between(1, 12) * MINUTE;
        }
    }
}

fn audits(world: &mut World) {
    for officer in people_of(world, Work::Quality) {
        let Some(shift) = world.shift_of(officer) else { continue };
        let mut now = shift.from_ms + world.random.between(10, 60) * MINUTE;
        for _ in 0..world.random.between(8, 25) {
            let patient = world.any_patient();
            let look = Look { views: 1.2, purpose: Some("HOPERAT"), ..Look::default() };
            now = world.look(officer, patient, now, look) + world.random.between(2, 12) * MINUTE;
        }
    }
}

/// Each ward has a conference now and then, about its own patients and a few of others; who comes prepares.
fn boards(world: &mut World) {
    for department in 1..world.house.shape.wards.len() {
        if !world.random.chance(0.12) {
            continue;
        }
        let at_ms = world.moment(14, 17);
        let people: Vec<_> =
            (0..4).filter_map(|_| world.on_duty(department, &Work::TREATING, at_ms)).collect();
        for _ in 0..world.random.between(3, 6) {
            let patient = world.any_patient();
            let about = About { department: Some(department), patient: Some(patient), person: None };
            world.fact(FactKind::Board, about, at_ms - 3 * DAY, at_ms + DAY, at_ms - DAY / 4);
            for person in &people {
                if world.random.chance(0.6) {
                    let before = at_ms - world.random.between(5, 150) * MINUTE;
                    world.treat(*person, patient, before);
                }
            }
        }
    }
}

/// Conferences that nobody enters: a senior shows the young some cases of the week.
fn conferences(world: &mut World) {
    let mean = world.house.plan.scaled_mean(10.0).max(0.7);
    for _ in 0..world.random.about(mean) {
        let mut now = world.moment(8, 16);
        let Some(person) =
            world.anybody(&[Work::Chief, Work::Physician, Work::Radiologist, Work::Resident], now)
        else {
            continue;
        };
        for _ in 0..world.random.between(3, 10) {
            let Some(patient) = remembered(world) else { break };
            now = world.look(person, patient, now, Look { views: 1.3, ..Look::default() })
                + world.random.between(1, 6) * MINUTE;
        }
    }
}

fn vendors(world: &mut World) {
    let mean = world.house.plan.scaled_mean(1.2).max(0.4);
    let day = world.day;
    for _ in 0..world.random.about(mean) {
        let mut there = people_of(world, Work::Vendor);
        there.retain(|person| world.house.members[*person].is_employed(day));
        let Some(vendor) = world.random.pick(&there) else { return };
        let from_ms = world.moment(9, 15);
        let about = About { person: Some(vendor), ..About::default() };
        world.fact(FactKind::Maintenance, about, from_ms - HOUR, from_ms + 5 * HOUR, from_ms - DAY / 3);
        let mut now = from_ms;
        for _ in 0..world.random.between(2, 7) {
            let Some(patient) = remembered(world) else { break };
            let look = Look { views: 1.0, purpose: Some("HOPERAT"), ..Look::default() };
            now = world.look(vendor, patient, now, look) + world.random.between(5, 25) * MINUTE;
        }
    }
}

/// Residents go on to the next ward; the list says so a little later.
fn rotation(world: &mut World) {
    for resident in people_of(world, Work::Resident) {
        if world.random.chance(1.0 / 28.0) {
            let day = world.day;
            let wards = world.house.shape.wards.len();
            world.house.members[resident].department = world.random.index(wards);
            let delay = if world.random.chance(0.3) { world.random.between(6, 60) } else { 0 };
            let at_ms = world.calendar.starts(day + 1) + HOUR + delay * HOUR;
            world.tell_person(resident, at_ms);
        }
    }
}

/// Somebody is brought in whom nobody here treats, and the glass is broken for good reason.
fn broken_glass(world: &mut World) {
    let mean = world.house.plan.scaled_mean(2.5).max(0.4);
    for _ in 0..world.random.about(mean) {
        let at_ms = world.moment(0, 24);
        let Some(person) = world.on_duty(EMERGENCY, &Work::TREATING, at_ms) else { continue };
        let patient = world.any_patient();
        let about = About { person: Some(person), patient: Some(patient), department: None };
        let look = Look { views: 1.8, purpose: Some("BTG"), ..Look::default() };
        world.deed(person, Some(patient), "break-glass", at_ms, look);
        world.certain_fact(FactKind::BreakGlass, about, at_ms, at_ms + 4 * HOUR, at_ms);
        world.look(person, patient, at_ms + MINUTE, look);
        let room = About { department: Some(EMERGENCY), patient: Some(patient), person: None };
        world.fact(FactKind::Encounter, room, at_ms - HOUR, at_ms + DAY, at_ms + 30 * MINUTE);
    }
}

/// People whom everybody knows are ill like others, and discreetly: less is written down.
fn prominent_care(world: &mut World) {
    for patient in 0..world.house.patients.len() {
        if !world.house.patients[patient].prominent || !world.random.chance(0.1) {
            continue;
        }
        let department = world.house.patients[patient].department;
        let at_ms = world.moment(8, 17);
        let Some(doctor) = world.on_duty(department, &Work::TREATING, at_ms) else { continue };
        if world.random.chance(0.88) {
            let about = About { person: Some(doctor), department: Some(department), patient: Some(patient) };
            world.fact(FactKind::Appointment, about, at_ms - DAY / 2, at_ms + 7 * DAY, at_ms - 2 * HOUR);
        }
        world.treat(doctor, patient, at_ms);
        if world.random.chance(0.3) {
            let exam = crate::world::Exam { patient, department, orderer: doctor, at_ms: at_ms + HOUR };
            care::exam(world, exam, at_ms + 10 * MINUTE);
        }
    }
}

/// Looks without a record: asked in the corridor, mixed up with a namesake, how did it end, somebody who is to come.
fn without_reason(world: &mut World) {
    let contacts = world.house.plan.scaled_mean(world.house.shape.appointments * 4.0);
    let factor = if world.calendar.is_workday(world.day) { 1.0 } else { 0.4 };
    for _ in 0..world.random.about(contacts * world.house.shape.without_reason / 1000.0 * factor) {
        let at_ms = world.moment(7, 22);
        let works =
            [Work::Physician, Work::Resident, Work::Nurse, Work::Chief, Work::Radiologist, Work::Locum];
        let Some(person) = world.anybody(&works, at_ms) else { continue };
        let look = Look { views: world.house.shape.views, ..Look::default() };
        match world.random.weighted(&[3.0, 1.5, 3.5, 2.0]) {
            0 => {
                let Some(patient) = remembered(world) else { continue };
                world.look(person, patient, at_ms, look);
                if world.random.chance(0.35) {
                    let about = About { person: Some(person), patient: Some(patient), department: None };
                    let known_ms = at_ms + world.random.between(10, 44) * HOUR;
                    world.certain_fact(FactKind::Consult, about, at_ms - HOUR, at_ms + 3 * DAY, known_ms);
                }
            }
            1 => {
                // Opened, seen to be somebody else, closed.
                let Some(meant) = remembered(world) else { continue };
                let wrong = namesake(world, meant).unwrap_or_else(|| world.any_patient());
                world.look(person, wrong, at_ms, Look { views: 0.0, searched: true, ..look });
            }
            2 => {
                // Somebody whom the same person treated a while ago.
                let own: Vec<PatientId> = world
                    .past
                    .iter()
                    .filter(|(who, _)| *who == person)
                    .map(|(_, patient)| *patient)
                    .collect();
                let patient = match world.random.pick(&own) {
                    Some(patient) => patient,
                    None => world.any_patient(),
                };
                world.look(person, patient, at_ms, look);
            }
            _ => {
                let department = world.house.members[person].department;
                let ward = department.min(world.house.shape.wards.len() - 1);
                let Some(patient) = world.outpatient(ward) else { continue };
                world.look(person, patient, at_ms, look);
            }
        }
    }
}

/// People who sign in and search, and open nobody's images.
fn idle(world: &mut World) {
    for index in 0..world.shifts.len() {
        let shift = world.shifts[index];
        if shift.from_ms < world.starts() || !world.random.chance(0.35) {
            continue;
        }
        let at_ms = shift.from_ms + world.random.between(2, 200) * MINUTE;
        let outside =
            world.house.members[shift.person].department == world.house.shape.office(Office::Outside);
        if !outside {
            world.deed(shift.person, None, "search", at_ms, Look::default());
        }
    }
}

/// Somebody who was treated lately.
pub(crate) fn remembered(world: &mut World) -> Option<PatientId> {
    let index = world.random.index(world.past.len());
    world.past.get(index).map(|(_, patient)| *patient)
}

/// Somebody else of the same name, or of the same surname and nearly the same given name.
fn namesake(world: &mut World, meant: PatientId) -> Option<PatientId> {
    let name = &world.house.patients[meant].name;
    let same = world.namesakes.get(name)?;
    let others: Vec<PatientId> =
        same.iter().copied().filter(|other| *other != meant && !world.house.patients[*other].decoy).collect();
    world.random.pick(&others)
}
