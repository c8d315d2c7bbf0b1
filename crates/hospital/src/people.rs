//! The staff: who there is, who comes and goes, and who works when.

use crate::Plan;
use crate::calendar::{Calendar, HOUR};
use crate::random::Random;
use crate::shape::{Shape, Work};

/// Index of somebody of the staff.
pub(crate) type StaffId = usize;

/// Index of a department: wards first, then offices.
pub(crate) type Department = usize;

/// The emergency room.
pub(crate) const EMERGENCY: Department = 0;
/// Intensive care.
pub(crate) const INTENSIVE: Department = 1;
/// Chest and flu.
pub(crate) const CHEST: Department = 2;
/// Tumours.
pub(crate) const ONCOLOGY: Department = 3;

/// An office, behind the wards.
#[derive(Clone, Copy)]
pub(crate) enum Office {
    Radiology,
    Research,
    Quality,
    Records,
    Technology,
    Outside,
}

impl Shape {
    /// The department that an office is.
    pub(crate) fn office(&self, office: Office) -> Department {
        self.wards.len() + office as usize
    }

    /// The word for a department.
    pub(crate) fn department(&self, department: Department) -> &'static str {
        let ward = self.wards.get(department).copied();
        ward.or_else(|| self.offices.get(department - self.wards.len()).copied()).unwrap_or_default()
    }

    pub(crate) fn is_ward(&self, department: Department) -> bool {
        department < self.wards.len()
    }
}

/// Somebody of the staff.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) pseudonym: String,
    pub(crate) work: Work,
    pub(crate) department: Department,
    pub(crate) household: Option<usize>,
    pub(crate) neighbourhood: usize,
    /// Whether household and neighbourhood are on record.
    pub(crate) household_known: bool,
    pub(crate) neighbourhood_known: bool,
    /// The patient who this member is.
    pub(crate) patient: Option<usize>,
    /// First day of work; negative for nearly all.
    pub(crate) from_day: i64,
    /// Last day of work, where there is one.
    pub(crate) until_day: Option<i64>,
    /// The device at which this member mostly sits, a number within the department.
    pub(crate) device: usize,
    pub(crate) place: usize,
}

impl Member {
    /// Whether employed or under contract on a day.
    pub(crate) fn is_employed(&self, day: i64) -> bool {
        self.from_day <= day && self.until_day.is_none_or(|until| day <= until)
    }

    pub(crate) fn treats(&self) -> bool {
        Work::TREATING.contains(&self.work)
    }
}

/// Makes the staff, without their households.
pub(crate) fn hire(plan: &Plan, shape: &Shape) -> Vec<Member> {
    let mut random = plan.stream("staff", 0);
    let days = i64::from(plan.days);
    let mut members = Vec::new();
    for (work, whole) in Work::ALL.into_iter().zip(shape.staff) {
        for number in 0..plan.scaled(whole, 2) {
            let department = department_of(work, number, shape, &mut random);
            let (mut from_day, mut until_day) = (-random.between(60, 4000), None);
            match work {
                // One is there all the time.
                Work::Locum if number == 0 => (from_day, until_day) = (-20, Some(days + 20)),
                Work::Locum => {
                    from_day = random.between(-20, days / 2);
                    until_day = Some(from_day + random.between(10, 40));
                }
                Work::Vendor => until_day = Some(random.between(days / 2, days + 300)),
                Work::Service => {}
                _ if random.chance(0.015) => from_day = random.between(0, (days / 2).max(1)),
                _ if random.chance(0.03) => until_day = Some(random.between(days / 3, days + 25)),
                _ => {}
            }
            let unique = members.len() as u64;
            let department_size = if shape.is_ward(department) { 14 } else { 20 };
            members.push(Member {
                pseudonym: plan.pseudonym('s', "staff", unique),
                work,
                department,
                household: None,
                neighbourhood: random.index(shape.neighbourhoods),
                household_known: random.chance(shape.household_known),
                neighbourhood_known: random.chance(shape.neighbourhood_known),
                patient: None,
                from_day,
                until_day,
                device: random.index(department_size),
                place: if random.chance(0.75) { 0 } else { random.index(shape.places.len()) },
            });
        }
    }
    members
}

fn department_of(work: Work, number: usize, shape: &Shape, random: &mut Random) -> Department {
    match work {
        // Everybody once, so that no ward is empty; the emergency room and intensive care have more.
        Work::Physician | Work::Nurse | Work::Resident | Work::Chief | Work::Locum => {
            if number < shape.wards.len() {
                number
            } else if random.chance(0.2) {
                random.index(2)
            } else {
                random.index(shape.wards.len())
            }
        }
        Work::Radiologist | Work::Technician => shape.office(Office::Radiology),
        Work::Researcher => shape.office(Office::Research),
        Work::Quality => shape.office(Office::Quality),
        Work::Clerk => shape.office(Office::Records),
        Work::Administrator | Work::Service => shape.office(Office::Technology),
        Work::Vendor => shape.office(Office::Outside),
    }
}

/// When somebody works.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift {
    pub(crate) person: StaffId,
    pub(crate) from_ms: i64,
    pub(crate) until_ms: i64,
    pub(crate) night: bool,
}

/// The roster of a day. `rested` had the night before.
pub(crate) fn roster(
    random: &mut Random,
    members: &[Member],
    rested: &[StaffId],
    shape: &Shape,
    calendar: &Calendar,
    day: i64,
) -> Vec<Shift> {
    let midnight = calendar.starts(day);
    let attendance = if calendar.is_holiday(day) {
        shape.holiday
    } else if calendar.is_weekend(day) {
        shape.weekend
    } else {
        0.9
    };
    let mut shifts = Vec::new();
    for (person, member) in members.iter().enumerate() {
        if !member.is_employed(day) || rested.contains(&person) {
            continue;
        }
        let at_bedside = member.treats() || member.work == Work::Nurse;
        let reads = matches!(member.work, Work::Radiologist | Work::Technician);
        let night_share = match member.work {
            _ if member.department == EMERGENCY || member.department == INTENSIVE => 0.24,
            Work::Chief | Work::Locum => 0.0,
            _ if at_bedside || reads => shape.nights,
            _ => 0.0,
        };
        let last = shape.shifts.len() - 1;
        let stays = member.until_day != Some(day);
        let number = if random.chance(night_share) && stays {
            last
        } else if !at_bedside && !reads {
            // Offices rest on weekends; vendors come when they are called.
            let comes = match member.work {
                Work::Vendor | Work::Service => 0.0,
                _ if calendar.is_workday(day) => 0.9,
                _ => 0.04,
            };
            if !random.chance(comes) {
                continue;
            }
            0
        } else {
            let share = if member.department <= INTENSIVE { attendance.max(0.5) } else { attendance };
            if !random.chance(share) {
                continue;
            }
            // Where there are three shifts, few have the second one.
            if last > 1 && random.chance(0.18) { 1 } else { 0 }
        };
        let (from, until) = shape.shifts[number];
        shifts.push(Shift {
            person,
            from_ms: midnight + from * HOUR,
            until_ms: midnight + until * HOUR,
            night: number == last,
        });
    }
    shifts
}
