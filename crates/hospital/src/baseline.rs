//! What anybody would try first: whose accesses have the most patients without a reason on record? A figure to be better than, and the
//! rule by which this crate says what share of accesses its records explain.
//!
//! The rule is deliberately plain: a fact that holds at that moment. No tolerance, no history, no household, no roster.

use crate::calendar::local_day;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use yingdun_monitor::record::{Access, Fact, FactKind, Record};

/// Somebody to look at, as the format of `docs/design/004-synthetic-hospital.md` has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Day on the wall.
    pub day: String,
    /// 1 for the first of the day.
    pub rank: u32,
    /// Who.
    pub person: String,
    /// What about.
    pub sequences: Vec<u64>,
}

/// What the baseline says about a run.
#[derive(Debug, Default)]
pub struct Judged {
    /// Whom to look at.
    pub alerts: Vec<Alert>,
    /// Accesses without a reason at the end of their day.
    pub unexplained: Vec<u64>,
}

/// Facts, and where people and patients belong: as far as they were told.
#[derive(Debug, Default)]
pub struct Book {
    departments: HashMap<String, String>,
    wards: HashMap<String, String>,
    by_patient: HashMap<String, Vec<Fact>>,
    by_person: HashMap<String, Vec<Fact>>,
}

impl Book {
    /// Takes what a record tells; accesses tell nothing.
    pub fn learn(&mut self, record: &Record) {
        self.learn_people(record);
        let Record::Fact(fact) = record else { return };
        let (index, key) = match (&fact.patient, &fact.person) {
            (Some(patient), _) => (&mut self.by_patient, patient),
            (None, Some(person)) => (&mut self.by_person, person),
            (None, None) => return,
        };
        index.entry(key.clone()).or_default().push(fact.clone());
    }

    /// Takes where people and patients belong, and no fact: for whoever has all facts beforehand.
    pub fn learn_people(&mut self, record: &Record) {
        match record {
            Record::Person(person) => {
                self.departments.insert(person.person.clone(), person.department.clone());
            }
            Record::Patient(patient) => {
                if let Some(department) = &patient.department {
                    self.wards.insert(patient.patient.clone(), department.clone());
                }
            }
            Record::Fact(_) | Record::Access(_) => {}
        }
    }

    /// The fact that explains an access to a patient, if there is one.
    #[must_use]
    pub fn reason(&self, access: &Access) -> Option<FactKind> {
        let patient = access.patient.as_ref()?;
        let holds = |fact: &&Fact| (fact.valid_from_ms..fact.valid_until_ms).contains(&access.at_ms);
        let department = self.departments.get(&access.person);
        let of_patient = self.by_patient.get(patient).map_or(&[][..], Vec::as_slice);
        let own = of_patient.iter().filter(holds).find(|fact| match &fact.person {
            Some(person) => *person == access.person,
            None => fact.department.is_some() && fact.department.as_ref() == department,
        });
        if let Some(fact) = own {
            return Some(fact.fact);
        }
        let of_person = self.by_person.get(&access.person).map_or(&[][..], Vec::as_slice);
        let general = of_person.iter().filter(holds).find(|fact| match fact.fact {
            FactKind::QualityAudit | FactKind::Teaching | FactKind::Maintenance => true,
            FactKind::OnCall => {
                let there = |encounter: &&Fact| encounter.department == fact.department;
                of_patient.iter().filter(holds).any(|one| there(&one))
                    || self.wards.get(patient) == fact.department.as_ref()
            }
            _ => false,
        });
        general.map(|fact| fact.fact)
    }

    /// Forgets facts that hold no more.
    fn forget(&mut self, before_ms: i64) {
        for index in [&mut self.by_patient, &mut self.by_person] {
            index.retain(|_, facts| {
                facts.retain(|fact| fact.valid_until_ms >= before_ms);
                !facts.is_empty()
            });
        }
    }
}

/// Counts, for each day, for how many patients somebody has no reason at the end of it.
#[derive(Debug)]
pub struct Baseline {
    book: Book,
    budget: usize,
    today: Option<String>,
    accesses: Vec<Access>,
    judged: Judged,
}

impl Baseline {
    /// With so many alerts a day.
    #[must_use]
    pub fn new(budget: usize) -> Self {
        Self { book: Book::default(), budget, today: None, accesses: Vec::new(), judged: Judged::default() }
    }

    /// Takes the next record.
    pub fn take(&mut self, record: &Record) {
        if let Record::Access(access) = record {
            let day = local_day(access.at_ms);
            if day != self.today {
                self.rank();
                self.today = day;
                self.book.forget(access.at_ms);
            }
            if access.patient.is_some() && access.allowed {
                self.accesses.push(access.clone());
            }
        }
        self.book.learn(record);
    }

    /// What it says of all days.
    #[must_use]
    pub fn finish(mut self) -> Judged {
        self.rank();
        self.judged
    }

    fn rank(&mut self) {
        let Some(day) = self.today.take() else { return };
        let mut people: BTreeMap<String, (BTreeSet<String>, Vec<u64>)> = BTreeMap::new();
        for access in self.accesses.drain(..) {
            if self.book.reason(&access).is_none() {
                let (patients, sequences) = people.entry(access.person).or_default();
                patients.extend(access.patient);
                sequences.push(access.sequence);
                self.judged.unexplained.push(access.sequence);
            }
        }
        let mut ranked: Vec<_> = people.into_iter().collect();
        ranked.sort_by_key(|(_, (patients, _))| std::cmp::Reverse(patients.len()));
        for (rank, (person, (_, sequences))) in (1..).zip(ranked.into_iter().take(self.budget)) {
            self.judged.alerts.push(Alert { day: day.clone(), rank, person, sequences });
        }
    }
}
