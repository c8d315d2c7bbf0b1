//! The hospital as it is on one day: who works, who lies where, what was agreed for tomorrow.

use crate::calendar::{Calendar, DAY, HOUR, MINUTE, SECOND};
use crate::journal::{Deed, Directory, Journal, Seat};
use crate::names::Name;
use crate::patients::{self, Patient, PatientId};
use crate::people::{self, Department, Member, Shift, StaffId};
use crate::random::Random;
use crate::scheme::Scheme;
use crate::shape::{Shape, Work};
use crate::{Error, Plan, Sink};
use std::collections::BTreeMap;
use yingdun_monitor::record::{self, Fact, FactKind, Record};

/// How many contacts of the past are remembered, from which later looks come.
const REMEMBERED: usize = 6_000;

/// What does not change from day to day, or little.
pub(crate) struct House {
    pub(crate) plan: Plan,
    pub(crate) shape: &'static Shape,
    pub(crate) members: Vec<Member>,
    pub(crate) patients: Vec<Patient>,
}

/// A patient in a bed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stay {
    pub(crate) patient: PatientId,
    pub(crate) department: Department,
    pub(crate) attending: Option<StaffId>,
    pub(crate) until_ms: i64,
}

/// Somebody comes tomorrow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit {
    pub(crate) patient: PatientId,
    pub(crate) department: Department,
    pub(crate) at_ms: i64,
    /// Whether the appointment was entered when it was made, for the department; otherwise on the day, for a person.
    pub(crate) entered: bool,
}

/// An examination of a later day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exam {
    pub(crate) patient: PatientId,
    pub(crate) department: Department,
    pub(crate) orderer: StaffId,
    pub(crate) at_ms: i64,
}

/// The hospital on one day.
pub(crate) struct World {
    pub(crate) house: House,
    pub(crate) calendar: Calendar,
    pub(crate) journal: Journal,
    pub(crate) random: Random,
    pub(crate) day: i64,
    pub(crate) shifts: Vec<Shift>,
    /// Indices of `shifts`, for each department.
    duty: Vec<Vec<usize>>,
    rested: Vec<StaffId>,
    pub(crate) stays: Vec<Stay>,
    pub(crate) in_bed: Vec<bool>,
    pub(crate) visits: Vec<Visit>,
    pub(crate) exams: Vec<Exam>,
    /// Who saw whom, the latest at the end.
    pub(crate) past: std::collections::VecDeque<(StaffId, PatientId)>,
    pub(crate) of_department: Vec<Vec<PatientId>>,
    pub(crate) namesakes: BTreeMap<Name, Vec<PatientId>>,
    /// A department whose interface is down, from when to when.
    outage: Option<(Department, i64, i64)>,
    pub(crate) schemes: Vec<Scheme>,
    /// Who is part of an attack in this run: each account once, so that it is clear what an alert is about.
    pub(crate) taken: Vec<bool>,
}

/// What a fact is about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About {
    pub(crate) person: Option<StaffId>,
    pub(crate) department: Option<Department>,
    pub(crate) patient: Option<PatientId>,
}

/// How somebody looks at a patient.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    /// Mean number of views; 0 is one study and no more.
    pub(crate) views: f64,
    pub(crate) purpose: Option<&'static str>,
    pub(crate) seat: Option<usize>,
    pub(crate) incident: Option<usize>,
    /// Whether there certainly is a search before.
    pub(crate) searched: bool,
}

impl World {
    pub(crate) fn new(plan: Plan) -> Self {
        let shape = plan.hospital.shape();
        let mut members = people::hire(&plan, shape);
        let patients = patients::register(&plan, shape, &mut members);
        let calendar = Calendar::new(&plan);
        let mut of_department = vec![Vec::new(); shape.wards.len()];
        let mut namesakes: BTreeMap<Name, Vec<PatientId>> = BTreeMap::new();
        for (id, patient) in patients.iter().enumerate() {
            of_department[patient.department].push(id);
            namesakes.entry(patient.name.clone()).or_default().push(id);
        }
        let (staff, people) = (members.len(), patients.len());
        let schemes = crate::scheme::plan(&plan, &calendar);
        Self {
            house: House { plan, shape, members, patients },
            calendar,
            journal: Journal::new(plan, staff),
            random: plan.stream("day", u64::MAX),
            day: -1,
            shifts: Vec::new(),
            duty: Vec::new(),
            rested: Vec::new(),
            stays: Vec::new(),
            in_bed: vec![false; people],
            visits: Vec::new(),
            exams: Vec::new(),
            past: std::collections::VecDeque::new(),
            of_department,
            namesakes,
            outage: None,
            schemes,
            taken: vec![false; staff],
        }
    }

    /// Tells who there is, and fills the beds.
    pub(crate) fn open_house(&mut self) {
        self.random = self.house.plan.stream("open", 0);
        for person in 0..self.house.members.len() {
            // A late locum or a new colleague is entered on the first day, or just before.
            let from = self.house.members[person].from_day;
            let at_ms =
                if from <= 0 { self.calendar.starts(-30) } else { self.calendar.starts(from) + 6 * HOUR };
            self.tell_person(person, at_ms);
        }
        for id in 0..self.house.patients.len() {
            let from = self.house.patients[id].from_day;
            let at_ms = if from < 0 { self.calendar.starts(-29) } else { self.calendar.starts(from) + HOUR };
            self.tell_patient(id, at_ms);
        }
        for before in (1..=12).rev() {
            self.day = -before;
            crate::care::admissions(self, 0.75);
        }
        self.day = -1;
        crate::care::waiting_list(self);
        crate::care::appoint(self);
    }

    /// Begins a day: rosters, and the interface that fails.
    pub(crate) fn begin(&mut self, day: i64) {
        self.day = day;
        let mut random = self.house.plan.stream("roster", day.unsigned_abs());
        let (shape, calendar) = (self.house.shape, &self.calendar);
        let today = people::roster(&mut random, &self.house.members, &self.rested, shape, calendar, day);
        self.rested = today.iter().filter(|shift| shift.night).map(|shift| shift.person).collect();
        let morning = self.starts();
        self.shifts.retain(|shift| shift.until_ms > morning);
        let known = self.shifts.len();
        self.shifts.extend(today);
        self.duty = vec![Vec::new(); shape.wards.len() + shape.offices.len()];
        for (index, shift) in self.shifts.iter().enumerate() {
            self.duty[self.house.members[shift.person].department].push(index);
        }
        self.random = self.house.plan.stream("day", day.unsigned_abs());
        self.outage = self.random.chance(0.2).then(|| {
            let from = morning + self.random.between(7, 15) * HOUR;
            let until = from + self.random.between(60, 240) * MINUTE;
            (self.random.index(shape.wards.len()), from, until)
        });
        for index in known..self.shifts.len() {
            let shift = self.shifts[index];
            let about = About { person: Some(shift.person), ..About::default() };
            self.fact(FactKind::Shift, about, shift.from_ms, shift.until_ms, morning + 5 * MINUTE);
        }
    }

    /// Writes the day.
    pub(crate) fn end(&mut self, sink: &mut dyn Sink) -> Result<(), Error> {
        let until_ms = self.starts() + DAY;
        self.journal.write_until(until_ms, &self.house, sink)
    }

    /// When this day begins.
    pub(crate) fn starts(&self) -> i64 {
        self.calendar.starts(self.day)
    }

    /// A moment of this day between two hours.
    pub(crate) fn moment(&mut self, from_hour: i64, until_hour: i64) -> i64 {
        let second = self.random.between(from_hour * HOUR / SECOND, until_hour * HOUR / SECOND - 1);
        self.starts() + second * SECOND + self.random.between(0, 999)
    }

    /// Somebody of a department and of some kinds of work who works at a moment.
    pub(crate) fn on_duty(&mut self, department: Department, works: &[Work], at_ms: i64) -> Option<StaffId> {
        let there = self.duty.get(department)?;
        let start = self.random.index(there.len());
        (0..there.len())
            .map(|step| self.shifts[there[(start + step) % there.len()]])
            .find(|shift| {
                (shift.from_ms..shift.until_ms).contains(&at_ms)
                    && works.contains(&self.house.members[shift.person].work)
            })
            .map(|shift| shift.person)
    }

    /// Somebody of some kinds of work, of whatever department.
    pub(crate) fn anybody(&mut self, works: &[Work], at_ms: i64) -> Option<StaffId> {
        let start = self.random.index(self.shifts.len());
        (0..self.shifts.len())
            .map(|step| self.shifts[(start + step) % self.shifts.len()])
            .find(|shift| {
                (shift.from_ms..shift.until_ms).contains(&at_ms)
                    && works.contains(&self.house.members[shift.person].work)
            })
            .map(|shift| shift.person)
    }

    /// The shift of somebody today, the one that begins today before one that ends today.
    pub(crate) fn shift_of(&self, person: StaffId) -> Option<Shift> {
        self.shifts.iter().rev().find(|shift| shift.person == person).copied()
    }

    pub(crate) fn works_at(&self, person: StaffId, at_ms: i64) -> bool {
        self.shifts
            .iter()
            .any(|shift| shift.person == person && (shift.from_ms..shift.until_ms).contains(&at_ms))
    }

    /// A patient of a ward whom the hospital knows, in no bed.
    pub(crate) fn outpatient(&mut self, department: Department) -> Option<PatientId> {
        for _ in 0..20 {
            let patient = self.random.pick(&self.of_department[department])?;
            if self.is_known(patient) && !self.in_bed[patient] {
                return Some(patient);
            }
        }
        None
    }

    /// Any patient whom the hospital knows.
    pub(crate) fn any_patient(&mut self) -> PatientId {
        loop {
            let patient = self.random.index(self.house.patients.len());
            if self.is_known(patient) {
                return patient;
            }
        }
    }

    /// Whether somebody is treated here at all, as of today. Prominent people have schemes of their own.
    fn is_known(&self, patient: PatientId) -> bool {
        let patient = &self.house.patients[patient];
        patient.from_day <= self.day && !patient.decoy && !patient.prominent
    }

    /// Writes a fact down as this hospital does: never, late or in time. `known_ms` is when it could be known first.
    pub(crate) fn fact(&mut self, fact: FactKind, about: About, from_ms: i64, until_ms: i64, known_ms: i64) {
        let shape = self.house.shape;
        let mut at_ms = known_ms;
        if self.random.chance(shape.missing(fact)) {
            return;
        }
        if self.random.chance(shape.late) {
            at_ms += self.random.between(60, shape.late_hours * 60) * MINUTE;
        }
        if let (Some((department, down_ms, up_ms)), Some(patient)) = (self.outage, about.patient)
            && (about.department == Some(department) || self.house.patients[patient].department == department)
            && (down_ms..up_ms).contains(&known_ms)
        {
            at_ms = at_ms.max(up_ms + self.random.between(2, 30) * HOUR);
        }
        self.certain_fact(fact, about, from_ms, until_ms, at_ms);
    }

    /// Writes a fact down.
    pub(crate) fn certain_fact(
        &mut self,
        fact: FactKind,
        about: About,
        from_ms: i64,
        until_ms: i64,
        at_ms: i64,
    ) {
        let house = &self.house;
        self.journal.fact(Fact {
            at_ms,
            fact,
            person: about.person.map(|person| house.members[person].pseudonym.clone()),
            department: about.department.map(|department| house.shape.department(department).to_owned()),
            patient: about.patient.map(|patient| house.patients[patient].pseudonym.clone()),
            valid_from_ms: from_ms,
            valid_until_ms: until_ms,
        });
    }

    /// Somebody does one thing.
    pub(crate) fn deed(
        &mut self,
        person: StaffId,
        patient: Option<PatientId>,
        action: &'static str,
        at_ms: i64,
        look: Look,
    ) {
        let study = match (patient, action) {
            (Some(patient), "view" | "print" | "export" | "list") => {
                let studies = self.house.patients[patient].studies.max(1);
                u32::try_from(self.random.between(0, i64::from(studies) - 1)).ok()
            }
            _ => None,
        };
        let study = if action == "list" { None } else { study };
        let Look { purpose, seat, incident, .. } = look;
        self.journal.deed(Deed {
            at_ms,
            person,
            action,
            patient,
            study,
            purpose,
            seat,
            incident,
            allowed: true,
        });
    }

    /// Somebody looks at a patient: a search perhaps, the list, some studies. Gives the moment at which it ends.
    pub(crate) fn look(&mut self, person: StaffId, patient: PatientId, at_ms: i64, look: Look) -> i64 {
        let mut now = at_ms;
        if look.searched || self.random.chance(self.house.shape.searched) {
            self.deed(person, None, "search", now, look);
            now += self.random.between(4, 25) * SECOND + self.random.between(0, 999);
        }
        if look.searched || self.random.chance(0.75) {
            self.deed(person, Some(patient), "list", now, look);
            now += self.random.between(3, 20) * SECOND + self.random.between(0, 999);
        }
        let more = self.random.about((look.views - 1.0).max(0.0));
        for _ in 0..=more {
            self.deed(person, Some(patient), "view", now, look);
            now += self.random.between(15, 150) * SECOND + self.random.between(0, 999);
        }
        now
    }

    /// The same as part of care: with the habits of this hospital, and remembered.
    pub(crate) fn treat(&mut self, person: StaffId, patient: PatientId, at_ms: i64) -> i64 {
        self.past.push_back((person, patient));
        if self.past.len() > REMEMBERED {
            self.past.pop_front();
        }
        let stated = self.random.chance(0.3);
        let look =
            Look { views: self.house.shape.views, purpose: stated.then_some("TREAT"), ..Look::default() };
        self.look(person, patient, at_ms, look)
    }

    /// Tells of somebody of the staff as of now.
    pub(crate) fn tell_person(&mut self, person: StaffId, at_ms: i64) {
        let (house, calendar) = (&self.house, &self.calendar);
        let member = &house.members[person];
        // Notice is on record two weeks before, and from the beginning for vendors and locums.
        let notice = |until: i64| {
            let known = matches!(member.work, Work::Vendor | Work::Locum) || until < 20;
            known.then(|| calendar.starts(until + 1))
        };
        let household = member.household.filter(|_| member.household_known);
        let neighbourhood = member.neighbourhood_known.then_some(member.neighbourhood);
        let line = record::Person {
            at_ms,
            person: member.pseudonym.clone(),
            role: house.shape.roles[member.work as usize].to_owned(),
            department: house.shape.department(member.department).to_owned(),
            household: household.map(|number| house.plan.pseudonym('h', "household", number as u64)),
            neighbourhood: neighbourhood
                .map(|number| house.plan.pseudonym('n', "neighbourhood", number as u64)),
            leaves_ms: member.until_day.and_then(notice),
        };
        self.journal.record(Record::Person(line));
    }

    fn tell_patient(&mut self, id: PatientId, at_ms: i64) {
        let house = &self.house;
        let patient = &house.patients[id];
        let household = patient.household_known.then_some(patient.household);
        let neighbourhood = patient.neighbourhood_known.then_some(patient.neighbourhood);
        let line = record::Patient {
            at_ms,
            patient: patient.pseudonym.clone(),
            department: Some(house.shape.department(patient.department).to_owned()),
            staff: patient.staff.map(|person| house.members[person].pseudonym.clone()),
            household: household.map(|number| house.plan.pseudonym('h', "household", number as u64)),
            neighbourhood: neighbourhood
                .map(|number| house.plan.pseudonym('n', "neighbourhood", number as u64)),
            prominent: patient.prominent,
            decoy: patient.decoy,
        };
        self.journal.record(Record::Patient(line));
    }
}

impl House {
    /// A device of a department.
    pub(crate) fn device(&self, department: Department, number: usize) -> String {
        self.plan.pseudonym('d', "device", (department as u64) << 20 | number as u64)
    }
}

impl Directory for House {
    fn person(&self, person: StaffId) -> &str {
        &self.members[person].pseudonym
    }

    fn patient(&self, patient: PatientId) -> &str {
        &self.patients[patient].pseudonym
    }

    fn usual_seat(&self, person: StaffId, _at_ms: i64, random: &mut Random) -> Seat {
        let member = &self.members[person];
        let from_home = matches!(member.work, Work::Radiologist | Work::Chief) && random.chance(0.04);
        let vendor = member.work == Work::Vendor;
        if from_home || vendor && random.chance(0.6) {
            let device = self.plan.pseudonym('d', "home", person as u64);
            return Seat {
                session: String::new(),
                device: Some(device),
                place: Some(self.shape.remote.to_owned()),
            };
        }
        let pool = if self.shape.is_ward(member.department) { 14 } else { 20 };
        let number = if random.chance(0.72) { member.device } else { random.index(pool) };
        let place = if random.chance(0.95) { member.place } else { random.index(self.shape.places.len()) };
        Seat {
            session: String::new(),
            device: random.chance(0.97).then(|| self.device(member.department, number)),
            place: random.chance(0.98).then(|| self.shape.places[place].to_owned()),
        }
    }
}
