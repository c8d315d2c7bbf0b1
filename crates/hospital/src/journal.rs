//! What happened, put in order: takes facts and deeds of one day in any order, gives deeds their sessions and numbers, and writes lines.
//!
//! Only what lies in the present and the next days is in memory.

use crate::calendar::{HOUR, SECOND};
use crate::patients::PatientId;
use crate::people::StaffId;
use crate::random::Random;
use crate::truth::Truth;
use crate::{Error, Plan, Sink, Summary};
use yingdun_monitor::record::{Access, Fact, Record};

/// A session ends when nothing was done for so long.
const REST: i64 = 3 * HOUR;

/// Something a person does, before it has a session and a number.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    pub(crate) at_ms: i64,
    pub(crate) person: StaffId,
    pub(crate) action: &'static str,
    pub(crate) patient: Option<PatientId>,
    /// Number of the study among those of the patient.
    pub(crate) study: Option<u32>,
    pub(crate) purpose: Option<&'static str>,
    /// A session of its own; the usual one otherwise.
    pub(crate) seat: Option<usize>,
    /// What it belongs to, where it was planted.
    pub(crate) incident: Option<usize>,
    pub(crate) allowed: bool,
}

/// Where somebody sits.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub(crate) session: String,
    pub(crate) device: Option<String>,
    pub(crate) place: Option<String>,
}

/// Something that was planted.
#[derive(Clone, Debug)]
pub(crate) struct Incident {
    pub(crate) name: String,
    pub(crate) word: &'static str,
    pub(crate) benign: bool,
}

/// What the journal has to know of the people and patients to write about them.
pub(crate) trait Directory {
    fn person(&self, person: StaffId) -> &str;
    fn patient(&self, patient: PatientId) -> &str;
    /// A new seat of somebody, where no other one was given.
    fn usual_seat(&self, person: StaffId, at_ms: i64, random: &mut Random) -> Seat;
}

enum Line {
    Record(Record),
    Deed(Deed),
}

impl Line {
    /// What is told first of what has the same time.
    fn order(&self) -> u8 {
        match self {
            Self::Record(Record::Person(_)) => 0,
            Self::Record(Record::Patient(_)) => 1,
            Self::Record(_) => 2,
            Self::Deed(_) => 3,
        }
    }
}

/// The lines that are not written yet, and what is known of open sessions.
pub(crate) struct Journal {
    plan: Plan,
    random: Random,
    pending: Vec<(i64, Line)>,
    seats: Vec<Seat>,
    incidents: Vec<Incident>,
    /// The seat of each person and when it was used last.
    open: Vec<Option<(Seat, i64)>>,
    next_sequence: u64,
    written_until_ms: i64,
    held: Option<Truth>,
    pub(crate) summary: Summary,
}

impl Journal {
    pub(crate) fn new(plan: Plan, staff: usize) -> Self {
        Self {
            plan,
            random: plan.stream("sessions", 0),
            pending: Vec::new(),
            seats: Vec::new(),
            incidents: Vec::new(),
            open: vec![None; staff],
            next_sequence: 0,
            written_until_ms: i64::MIN,
            held: None,
            summary: Summary::default(),
        }
    }

    /// Notes a person, a patient or a fact.
    pub(crate) fn record(&mut self, record: Record) {
        let at_ms = match &record {
            Record::Person(person) => person.at_ms,
            Record::Patient(patient) => patient.at_ms,
            Record::Fact(fact) => fact.at_ms,
            Record::Access(access) => access.at_ms,
        };
        self.pending.push((at_ms, Line::Record(record)));
    }

    /// Notes a fact. What would have been known on a day that is written already is known on the next one.
    pub(crate) fn fact(&mut self, mut fact: Fact) {
        fact.at_ms = fact.at_ms.max(self.written_until_ms);
        self.record(Record::Fact(fact));
    }

    /// Notes a deed.
    pub(crate) fn deed(&mut self, deed: Deed) {
        let at_ms = deed.at_ms.max(self.written_until_ms);
        self.pending.push((at_ms, Line::Deed(Deed { at_ms, ..deed })));
    }

    /// A session that somebody opens beside the usual one.
    pub(crate) fn seat(&mut self, device: Option<String>, place: Option<String>) -> usize {
        let session = self.session();
        self.seats.push(Seat { session, device, place });
        self.seats.len() - 1
    }

    /// The session that somebody has open at that time, from another device and place.
    pub(crate) fn seat_in_open_session(&mut self, device: Option<String>, place: Option<String>) -> usize {
        self.seats.push(Seat { session: String::new(), device, place });
        self.seats.len() - 1
    }

    /// Something that is planted from now on.
    pub(crate) fn incident(&mut self, word: &'static str, benign: bool) -> usize {
        let name = format!("{}-{}", if benign { 'b' } else { 'i' }, self.incidents.len());
        self.incidents.push(Incident { name, word, benign });
        self.incidents.len() - 1
    }

    /// Writes everything before a moment.
    pub(crate) fn write_until(
        &mut self,
        until_ms: i64,
        directory: &impl Directory,
        sink: &mut dyn Sink,
    ) -> Result<(), Error> {
        let pending = std::mem::take(&mut self.pending);
        let (mut now, later): (Vec<_>, Vec<_>) =
            pending.into_iter().partition(|(at_ms, _)| *at_ms < until_ms);
        self.pending = later;
        now.sort_by_key(|(at_ms, line)| (*at_ms, line.order()));
        let mut seated = Vec::with_capacity(now.len() + now.len() / 8);
        for (at_ms, line) in now {
            match line {
                Line::Record(record) => seated.push((at_ms, 0, record)),
                Line::Deed(deed) => {
                    self.sit(deed, directory, &mut seated);
                }
            }
        }
        // Sign-ins stand a little before what they were for.
        seated.sort_by_key(|(at_ms, _, _)| *at_ms);
        for (_, planted, mut record) in seated {
            if let Record::Access(access) = &mut record {
                access.sequence = self.next_sequence;
                self.next_sequence += 1;
                self.summary.accesses += 1;
                self.truth(planted, access, sink)?;
            } else if let Record::Fact(_) = record {
                self.summary.facts += 1;
            }
            sink.record(&record)?;
        }
        self.written_until_ms = until_ms;
        Ok(())
    }

    /// Writes what is left of the truth.
    pub(crate) fn finish(&mut self, sink: &mut dyn Sink) -> Result<(), Error> {
        if let Some(held) = self.held.take() {
            sink.truth(&held)?;
        }
        Ok(())
    }

    // === helpers ===

    fn session(&mut self) -> String {
        let number = self.random.next();
        self.plan.pseudonym('x', "session", number)
    }

    /// Makes the access of a deed, behind a sign-in where its session is new. Numbers of incidents count from 1 here; 0 is none.
    fn sit(&mut self, deed: Deed, directory: &impl Directory, seated: &mut Vec<(i64, usize, Record)>) {
        let planted = deed.incident.map_or(0, |incident| incident + 1);
        let (seat, new) = match deed.seat.and_then(|seat| self.seats.get(seat)) {
            Some(seat) => {
                let mut seat = seat.clone();
                if seat.session.is_empty() {
                    let open = self.open[deed.person].as_ref();
                    seat.session = open.map_or_else(
                        || self.plan.pseudonym('x', "other", 0),
                        |(open, _)| open.session.clone(),
                    );
                }
                (seat, false)
            }
            None => {
                let mut random = Random::of(self.random.next(), "seat", 0);
                let session = self.session();
                let slot = &mut self.open[deed.person];
                let fresh = slot.as_ref().is_none_or(|(_, used)| deed.at_ms - used > REST);
                if fresh {
                    let seat = directory.usual_seat(deed.person, deed.at_ms, &mut random);
                    *slot = Some((Seat { session, ..seat }, deed.at_ms));
                }
                match slot {
                    Some((seat, used)) => {
                        *used = deed.at_ms;
                        (seat.clone(), fresh)
                    }
                    None => return,
                }
            }
        };
        let person = directory.person(deed.person).to_owned();
        if new && deed.action != "sign-in" {
            let at_ms = (deed.at_ms - self.random.between(10, 50) * SECOND).max(self.written_until_ms);
            let access = Access {
                at_ms,
                sequence: 0,
                person: person.clone(),
                session: seat.session.clone(),
                device: seat.device.clone(),
                place: seat.place.clone(),
                action: "sign-in".into(),
                purpose: None,
                patient: None,
                study: None,
                instances: 0,
                bytes: 0,
                allowed: true,
            };
            seated.push((at_ms, 0, Record::Access(access)));
        }
        let study =
            deed.patient.zip(deed.study).map(|(patient, study)| (patient as u64) << 20 | u64::from(study));
        let (instances, bytes) = match (study, deed.action) {
            (Some(study), "view" | "print" | "export") => self.given_out(study, deed.action),
            _ => (0, 0),
        };
        let access = Access {
            at_ms: deed.at_ms,
            sequence: 0,
            person,
            session: seat.session,
            device: seat.device,
            place: seat.place,
            action: deed.action.into(),
            purpose: deed.purpose.map(Into::into),
            patient: deed.patient.map(|patient| directory.patient(patient).to_owned()),
            study: study.map(|study| self.plan.pseudonym('t', "study", study)),
            instances,
            bytes,
            allowed: deed.allowed,
        };
        seated.push((deed.at_ms, planted, Record::Access(access)));
    }

    /// A radiograph has two images, a CT hundreds; who looks rarely fetches all of them, who exports does.
    fn given_out(&mut self, study: u64, action: &str) -> (u64, u64) {
        let mut kind = self.plan.stream("instances", study);
        let (all, bytes) = match kind.weighted(&[45.0, 25.0, 18.0, 12.0]) {
            0 => (2, 8_000_000),
            1 => (u64::try_from(kind.between(120, 600)).unwrap_or(0), 525_000),
            2 => (u64::try_from(kind.between(20, 60)).unwrap_or(0), 300_000),
            _ => (u64::try_from(kind.between(150, 400)).unwrap_or(0), 260_000),
        };
        let share = match action {
            "view" => 35 + self.random.next() % 66,
            "print" => 1 + self.random.next() % 8,
            _ => 100,
        };
        let instances = (all * share / 100).max(1);
        (instances, instances * bytes)
    }

    fn truth(&mut self, planted: usize, access: &Access, sink: &mut dyn Sink) -> Result<(), Error> {
        let Some(incident) = planted.checked_sub(1).and_then(|index| self.incidents.get(index)) else {
            return Ok(());
        };
        if let Some(held) = &mut self.held
            && held.extend(access.sequence, &access.person, &incident.name)
        {
            return Ok(());
        }
        let truth = Truth {
            sequence: Some(access.sequence),
            range: None,
            person: access.person.clone(),
            incident: incident.name.clone(),
            r#type: incident.word.into(),
            benign: incident.benign,
        };
        if let Some(held) = self.held.replace(truth) {
            sink.truth(&held)?;
        }
        Ok(())
    }
}
