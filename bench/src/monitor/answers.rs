//! The truth of one run: which accesses belong to what, and when they were. Records go to a file, and by the baseline, on their way.

use super::said::{Alert, Said, Summary};
use crate::failure::{Outcome, While};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use yingdun_hospital::{Baseline, Error, Sink, Truth, local_day};
use yingdun_monitor::record::Record;

/// Something planted.
#[derive(Debug, Default)]
pub(crate) struct Incident {
    pub(crate) word: String,
    pub(crate) benign: bool,
    /// Days on which something of it happened, on the wall.
    pub(crate) days: BTreeSet<String>,
    /// When each person did something of it, in order.
    pub(crate) moments: BTreeMap<String, Vec<i64>>,
}

/// An access, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    pub(crate) at_ms: i64,
    /// It names a patient and was allowed.
    pub(crate) counts: bool,
    /// Index of the incident to which it belongs.
    pub(crate) incident: Option<usize>,
}

/// The truth of one run.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) incidents: Vec<Incident>,
    accesses: Vec<Access>,
    names: HashMap<String, usize>,
    /// People with at least one access on a day, of all days.
    pub(crate) user_days: u64,
    today: Option<String>,
    people_today: BTreeSet<String>,
    file: Option<BufWriter<File>>,
    baseline: Option<Baseline>,
}

impl Answers {
    /// Records go to this file.
    pub(crate) fn write_to(records: &Path, budget: u32) -> Outcome<Self> {
        let file = File::create(records).or_fail(records.display())?;
        let baseline = Baseline::new(budget as usize);
        Ok(Self { file: Some(BufWriter::new(file)), baseline: Some(baseline), ..Self::empty() })
    }

    /// Ends the file, and gives what the baseline says.
    pub(crate) fn finish(&mut self) -> Outcome<Said> {
        if let Some(mut file) = self.file.take() {
            file.flush().or_fail("writing records")?;
        }
        self.user_days += self.people_today.len() as u64;
        self.people_today.clear();
        let judged = self.baseline.take().map(Baseline::finish).unwrap_or_default();
        let accesses = self.accesses.iter().filter(|access| access.counts).count() as u64;
        let summary =
            Summary { accesses, explained: accesses - judged.unexplained.len() as u64, seconds: 0.0 };
        let alerts = judged.alerts.into_iter().map(|alert| Alert {
            day: alert.day,
            rank: alert.rank,
            person: alert.person,
            sequences: alert.sequences,
        });
        let unexplained = judged.unexplained.into_iter().collect();
        Ok(Said { alerts: alerts.collect(), blocks: Vec::new(), unexplained, summary })
    }

    /// How many accesses there are.
    pub(crate) fn accesses(&self) -> usize {
        self.accesses.len()
    }

    /// The access of a number; nothing if there is none.
    pub(crate) fn access(&self, sequence: u64) -> Option<Access> {
        self.accesses.get(usize::try_from(sequence).ok()?).copied()
    }

    /// Every access with its number.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u64, &Access)> {
        (0..).zip(&self.accesses)
    }

    /// Without records.
    pub(crate) fn empty() -> Self {
        Self {
            incidents: Vec::new(),
            accesses: Vec::new(),
            names: HashMap::new(),
            user_days: 0,
            today: None,
            people_today: BTreeSet::new(),
            file: None,
            baseline: None,
        }
    }
}

impl Sink for Answers {
    fn record(&mut self, record: &Record) -> Result<(), Error> {
        if let Record::Access(access) = record {
            let counts = access.patient.is_some() && access.allowed;
            self.accesses.push(Access { at_ms: access.at_ms, counts, incident: None });
            let day = local_day(access.at_ms);
            if day != self.today {
                self.user_days += std::mem::take(&mut self.people_today).len() as u64;
                self.today = day;
            }
            if !self.people_today.contains(&access.person) {
                self.people_today.insert(access.person.clone());
            }
        }
        if let Some(baseline) = &mut self.baseline {
            baseline.take(record);
        }
        if let Some(file) = &mut self.file {
            serde_json::to_writer(&mut *file, record)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    }

    fn truth(&mut self, truth: &Truth) -> Result<(), Error> {
        let next = self.incidents.len();
        let index = *self.names.entry(truth.incident.clone()).or_insert(next);
        if index == next {
            let (word, benign) = (truth.r#type.clone(), truth.benign);
            self.incidents.push(Incident { word, benign, ..Incident::default() });
        }
        let Some(incident) = self.incidents.get_mut(index) else { return Ok(()) };
        for sequence in truth.sequences() {
            let access = usize::try_from(sequence).ok().and_then(|number| self.accesses.get_mut(number));
            let Some(access) = access else { continue };
            access.incident = Some(index);
            incident.days.extend(local_day(access.at_ms));
            incident.moments.entry(truth.person.clone()).or_default().push(access.at_ms);
        }
        Ok(())
    }
}
