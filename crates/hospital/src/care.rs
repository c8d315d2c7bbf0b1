//! Ordinary work: beds and rounds, appointments, the emergency room, examinations and their reports. What is looked at, and which
//! facts tell why, as far as this hospital writes them down.

use crate::calendar::{DAY, HOUR, MINUTE};
use crate::patients::PatientId;
use crate::people::{Department, EMERGENCY, Office, StaffId};
use crate::shape::Work;
use crate::world::{About, Exam, Look, Stay, Visit, World};
use yingdun_monitor::record::FactKind;

/// All the ordinary work of a day.
pub(crate) fn day(world: &mut World) {
    discharge(world);
    let factor = if world.calendar.is_workday(world.day) { 1.0 } else { 0.4 };
    admissions(world, factor);
    rounds(world);
    visits(world);
    emergencies(world, 1.0);
    planned_exams(world);
    appoint(world);
}

/// Patients come into beds.
pub(crate) fn admissions(world: &mut World, factor: f64) {
    let mean = world.house.plan.scaled_mean(world.house.shape.admissions) * factor;
    for _ in 0..world.random.about(mean) {
        let department = 1 + world.random.index(world.house.shape.wards.len() - 1);
        let Some(patient) = world.outpatient(department) else { continue };
        let at_ms = world.moment(7, 18);
        admit(world, patient, department, at_ms);
    }
}

/// One patient comes into a bed.
pub(crate) fn admit(world: &mut World, patient: PatientId, department: Department, at_ms: i64) {
    let until_ms = at_ms + world.random.between(30, 30 + 24 * 11) * HOUR;
    let attending = employed(world, department, &[Work::Physician, Work::Resident, Work::Locum]);
    let ward = About { department: Some(department), patient: Some(patient), person: None };
    let entered_ms = at_ms + world.random.between(-10, 40) * MINUTE;
    world.fact(FactKind::Encounter, ward, at_ms - HOUR, until_ms + 2 * DAY, entered_ms);
    if let Some(person) = attending {
        let about = About { person: Some(person), patient: Some(patient), department: None };
        world.fact(FactKind::CareRelation, about, at_ms - HOUR, until_ms + 14 * DAY, entered_ms + HOUR);
    }
    world.in_bed[patient] = true;
    world.stays.push(Stay { patient, department, attending, until_ms });
}

/// Appointments of tomorrow. Those of a department are entered today, those of a person when the roster is known.
pub(crate) fn appoint(world: &mut World) {
    let tomorrow = world.day + 1;
    let factor = if world.calendar.is_workday(tomorrow) { 1.0 } else { 0.2 };
    let mean = world.house.plan.scaled_mean(world.house.shape.appointments) * factor;
    world.visits.clear();
    for _ in 0..world.random.about(mean) {
        let department = 1 + world.random.index(world.house.shape.wards.len() - 1);
        let Some(patient) = world.outpatient(department) else { continue };
        let at_ms = world.moment(8, 17) + DAY;
        let entered = !world.random.chance(world.house.shape.by_person);
        if entered {
            let known_ms = at_ms - DAY + world.random.between(-60, 60) * MINUTE;
            let about = About { department: Some(department), patient: Some(patient), person: None };
            world.fact(FactKind::Appointment, about, at_ms - DAY / 2, at_ms + 7 * DAY, known_ms);
        }
        world.visits.push(Visit { patient, department, at_ms, entered });
    }
}

/// Examinations that were agreed before the first day.
pub(crate) fn waiting_list(world: &mut World) {
    let mean = world.house.plan.scaled_mean(world.house.shape.appointments) * 0.16 / 6.0;
    for day in 0..6 {
        for _ in 0..world.random.about(mean * (6.0 - day as f64)) {
            let department = 1 + world.random.index(world.house.shape.wards.len() - 1);
            let orderer = employed(world, department, &Work::TREATING);
            let (Some(patient), Some(orderer)) = (world.outpatient(department), orderer) else { continue };
            let at_ms = world.moment(8, 17) + (day + 1) * DAY;
            world.exams.push(Exam { patient, department, orderer, at_ms });
        }
    }
}

/// Patients come to the emergency room; `factor` is for nights on which more come.
pub(crate) fn emergencies(world: &mut World, factor: f64) {
    let mean = world.house.plan.scaled_mean(world.house.shape.emergencies) * factor;
    for _ in 0..world.random.about(mean) {
        let hour = world.random.weighted(&[2.0, 5.0, 6.0, 4.0]);
        let hour = i64::try_from(hour).unwrap_or(0) * 6;
        let at_ms = world.moment(hour, hour + 6);
        let patient = world.any_patient();
        emergency(world, patient, at_ms, None);
    }
}

/// One patient in the emergency room.
pub(crate) fn emergency(world: &mut World, patient: PatientId, at_ms: i64, incident: Option<usize>) {
    // Who is ill is treated first and entered then.
    let entered_ms = at_ms + world.random.between(-5, 35) * MINUTE;
    let room = About { department: Some(EMERGENCY), patient: Some(patient), person: None };
    world.fact(FactKind::Encounter, room, at_ms - HOUR, at_ms + DAY, entered_ms);
    let Some(doctor) = world.on_duty(EMERGENCY, &Work::TREATING, at_ms) else { return };
    look_or_treat(world, doctor, patient, at_ms, incident);
    if let Some(nurse) = world.on_duty(EMERGENCY, &[Work::Nurse], at_ms + 5 * MINUTE) {
        let nurse_ms = at_ms + world.random.between(5, 60) * MINUTE;
        look_or_treat(world, nurse, patient, nurse_ms, incident);
    }
    if world.random.chance(0.55) {
        let exam_ms = at_ms + world.random.between(15, 90) * MINUTE;
        exam(world, Exam { patient, department: EMERGENCY, orderer: doctor, at_ms: exam_ms }, at_ms);
    }
    if world.random.chance(0.22) {
        let department = world.house.patients[patient].department;
        let called_ms = at_ms + world.random.between(20, 120) * MINUTE;
        if let Some(specialist) = world.on_duty(department, &Work::TREATING, called_ms) {
            consult(world, specialist, patient, called_ms);
        }
    }
    if world.random.chance(0.12) && !world.in_bed[patient] {
        let department = world.house.patients[patient].department.max(1);
        admit(world, patient, department, at_ms + 3 * HOUR);
    }
}

/// Somebody is asked for an opinion, and looks.
pub(crate) fn consult(world: &mut World, person: StaffId, patient: PatientId, at_ms: i64) {
    let about = About { person: Some(person), patient: Some(patient), department: None };
    let known_ms = at_ms - world.random.between(2, 20) * MINUTE;
    world.fact(FactKind::Consult, about, known_ms, at_ms + 3 * DAY, known_ms);
    world.treat(person, patient, at_ms);
}

/// An examination that was ordered at a moment: worklist, images, report, result.
pub(crate) fn exam(world: &mut World, exam: Exam, ordered_ms: i64) {
    let Exam { patient, department, orderer, at_ms } = exam;
    let radiology = world.house.shape.office(Office::Radiology);
    let by_person = world.random.chance(world.house.shape.by_person.max(0.6));
    let ordered = About {
        person: by_person.then_some(orderer),
        department: (!by_person).then_some(department),
        patient: Some(patient),
    };
    world.fact(FactKind::Order, ordered, ordered_ms - 30 * MINUTE, ordered_ms + 30 * DAY, ordered_ms);
    let Some(technician) = world.on_duty(radiology, &[Work::Technician], at_ms) else { return };
    let by_person = world.random.chance(world.house.shape.by_person);
    let step = About {
        person: by_person.then_some(technician),
        department: (!by_person).then_some(radiology),
        patient: Some(patient),
    };
    world.fact(
        FactKind::WorklistStep,
        step,
        at_ms - HOUR,
        at_ms + DAY / 2,
        (at_ms - 20 * MINUTE).max(ordered_ms),
    );
    world.treat(technician, patient, at_ms);
    world.house.patients[patient].studies += 1;
    let read_ms = at_ms + world.random.between(15, 240) * MINUTE;
    for (delay, share) in [(0, 1.0), (world.random.between(20, 200), 0.65)] {
        let at_ms = read_ms + delay * MINUTE;
        let Some(reader) = world.on_duty(radiology, &[Work::Radiologist], at_ms) else { continue };
        if !world.random.chance(share) {
            continue;
        }
        let about = About { person: Some(reader), patient: Some(patient), department: None };
        let known_ms = at_ms - world.random.between(1, 15) * MINUTE;
        world.fact(FactKind::ReportAssignment, about, at_ms - HOUR, at_ms + 3 * DAY, known_ms);
        world.treat(reader, patient, at_ms);
    }
    let result_ms = read_ms + world.random.between(15, 300) * MINUTE;
    if world.works_at(orderer, result_ms) {
        world.treat(orderer, patient, result_ms);
    } else if world.random.chance(0.45)
        && let Some(colleague) = world.on_duty(department, &Work::TREATING, result_ms)
    {
        // The shift was handed over.
        let about = About { department: Some(department), patient: Some(patient), person: None };
        world.fact(
            FactKind::CareRelation,
            about,
            result_ms - 8 * HOUR,
            result_ms + DAY,
            result_ms - 4 * HOUR,
        );
        world.treat(colleague, patient, result_ms);
    }
}

/// Somebody employed in a department, whether at work or not.
pub(crate) fn employed(world: &mut World, department: Department, works: &[Work]) -> Option<StaffId> {
    let day = world.day;
    let members = &world.house.members;
    let there: Vec<StaffId> = (0..members.len())
        .filter(|person| {
            let member = &members[*person];
            member.department == department && member.is_employed(day) && works.contains(&member.work)
        })
        .collect();
    world.random.pick(&there)
}

// === helpers ===

fn look_or_treat(
    world: &mut World,
    person: StaffId,
    patient: PatientId,
    at_ms: i64,
    incident: Option<usize>,
) {
    if incident.is_none() {
        world.treat(person, patient, at_ms);
    } else {
        let look =
            Look { views: world.house.shape.views, purpose: Some("ETREAT"), incident, ..Look::default() };
        world.look(person, patient, at_ms, look);
    }
}

fn discharge(world: &mut World) {
    let morning = world.starts() + 6 * HOUR;
    let (gone, stay): (Vec<Stay>, Vec<Stay>) = world.stays.iter().partition(|stay| stay.until_ms <= morning);
    for one in gone {
        world.in_bed[one.patient] = false;
    }
    world.stays = stay;
}

fn rounds(world: &mut World) {
    let workday = world.calendar.is_workday(world.day);
    for index in 0..world.stays.len() {
        let Stay { patient, department, attending, .. } = world.stays[index];
        let round_ms = world.moment(8, 11);
        let present = attending.filter(|person| world.works_at(*person, round_ms));
        let doctor = present.or_else(|| world.on_duty(department, &Work::TREATING, round_ms));
        if let Some(doctor) = doctor.filter(|_| workday || round_ms % 2 == 0) {
            world.treat(doctor, patient, round_ms);
            if world.random.chance(0.16) {
                let at_ms = round_ms + world.random.between(60, 420) * MINUTE;
                exam(world, Exam { patient, department, orderer: doctor, at_ms }, round_ms + 5 * MINUTE);
            }
        }
        let more: [(&[Work], i64, i64, f64); 4] = [
            (&[Work::Resident, Work::Physician], 9, 17, 0.7),
            (&[Work::Nurse], 0, 24, 0.5),
            (&Work::TREATING, 13, 23, 0.35),
            (&[Work::Chief], 9, 17, 0.08),
        ];
        for (works, from, until, share) in more {
            if world.random.chance(share) {
                let at_ms = world.moment(from, until);
                if let Some(person) = world.on_duty(department, works, at_ms) {
                    world.treat(person, patient, at_ms);
                }
            }
        }
        if workday && world.random.chance(0.05) {
            let at_ms = world.moment(9, 17);
            let other = 1 + world.random.index(world.house.shape.wards.len() - 1);
            if let Some(specialist) = world.on_duty(other, &Work::TREATING, at_ms) {
                consult(world, specialist, patient, at_ms);
            }
        }
    }
}

fn visits(world: &mut World) {
    let records = world.house.shape.office(Office::Records);
    for Visit { patient, department, at_ms, entered } in std::mem::take(&mut world.visits) {
        let Some(doctor) = world.on_duty(department, &Work::TREATING, at_ms) else { continue };
        if !entered {
            let about = About { person: Some(doctor), department: Some(department), patient: Some(patient) };
            let known_ms = world.starts() + 6 * HOUR + world.random.between(0, 60) * MINUTE;
            world.fact(FactKind::Appointment, about, at_ms - DAY / 2, at_ms + 7 * DAY, known_ms);
        }
        if world.random.chance(0.5)
            && let Some(clerk) = world.on_duty(records, &[Work::Clerk], at_ms - 20 * MINUTE)
        {
            let about = About { department: Some(records), patient: Some(patient), person: None };
            world.fact(FactKind::Appointment, about, at_ms - DAY / 2, at_ms + DAY, at_ms - 30 * MINUTE);
            world.deed(clerk, Some(patient), "list", at_ms - 20 * MINUTE, Look::default());
            if world.random.chance(0.06) {
                // A disc to take home.
                let later_ms = at_ms + world.random.between(30, 120) * MINUTE;
                world.deed(clerk, Some(patient), "export", later_ms, Look::default());
            }
        }
        let done_ms = world.treat(doctor, patient, at_ms);
        let chance = world.random.share();
        if chance < 0.2 {
            let exam_ms = done_ms + world.random.between(25, 240) * MINUTE;
            exam(world, Exam { patient, department, orderer: doctor, at_ms: exam_ms }, done_ms);
        } else if chance < 0.36 {
            let days = world.random.between(1, 6);
            world.exams.push(Exam { patient, department, orderer: doctor, at_ms: at_ms + days * DAY });
        }
    }
}

fn planned_exams(world: &mut World) {
    let tonight = world.starts() + DAY;
    let exams = std::mem::take(&mut world.exams);
    let (today, later): (Vec<Exam>, Vec<Exam>) = exams.into_iter().partition(|exam| exam.at_ms < tonight);
    world.exams = later;
    for one in today {
        // It was ordered at the visit; the order is entered in full when the slot is confirmed in the morning.
        let confirmed_ms = world.starts() + 6 * HOUR;
        exam(world, one, confirmed_ms);
    }
}
