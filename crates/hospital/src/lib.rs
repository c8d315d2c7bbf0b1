//! A hospital that does not exist: what a monitor is told about it, and what was wrong in it. For tests and benchmarks only.
//!
//! ```text
//! Plan (hospital, seed, days) ─► people, patients ─► day by day: rosters, care, noise, look-alikes, attacks
//!                                                         │ facts and deeds, in any order
//!                                                         ▼
//!                                                      journal ─► records (`yingdun_monitor::record`) and the truth
//! ```
//!
//! The same plan gives the same bytes: there is no clock and no other source of chance. What is written, and how a monitor is
//! scored against it, is `docs/design/004-synthetic-hospital.md`. Whoever tunes a detector does not read `attack`.

#![forbid(unsafe_code)]
#![allow(
    clippy::indexing_slicing,
    reason = "tables are made here and indexed by what was drawn from them; a wrong index is a fault of this tool and shall end it"
)]
#![allow(clippy::cast_precision_loss, reason = "counts of a hospital fit a double")]

mod attack;
mod baseline;
mod benign;
mod calendar;
mod care;
mod journal;
mod names;
mod noise;
mod patients;
mod people;
mod random;
mod scheme;
mod shape;
mod split;
mod truth;
mod world;

pub use attack::AttackType;
pub use baseline::{Alert, Baseline, Book, Judged};
pub use benign::LookAlike;
pub use calendar::local_day;
pub use names::{FIRST_HUNDRED_PERCENT, Name};
pub use shape::Hospital;
pub use split::Split;
pub use truth::Truth;

use random::Random;
use std::io::Write;
use yingdun_monitor::record::Record;

/// The fewest days of a run: schemes take up to a week.
pub const DAYS_MIN: u32 = 7;

/// The most days of a run. Nothing grows with them but the files.
pub const DAYS_MAX: u32 = 366;

/// What is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Which hospital.
    pub hospital: Hospital,
    /// Where everything comes from.
    pub seed: u64,
    /// How many days.
    pub days: u32,
    /// How large the hospital is, in percent of its full size; for tests.
    pub percent: u32,
}

/// What a run contained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lines about accesses.
    pub accesses: u64,
    /// Lines about facts.
    pub facts: u64,
    /// Attacks that were planted.
    pub attacks: u64,
    /// Look-alikes that were planted.
    pub look_alikes: u64,
}

/// Where lines go.
pub trait Sink {
    /// Takes the next record.
    ///
    /// # Errors
    /// Whatever keeps it from being taken; the run ends then.
    fn record(&mut self, record: &Record) -> Result<(), Error>;

    /// Takes the next line of the truth.
    ///
    /// # Errors
    /// Whatever keeps it from being taken; the run ends then.
    fn truth(&mut self, truth: &Truth) -> Result<(), Error>;
}

/// Writes JSON Lines.
#[derive(Debug)]
pub struct Lines<R, T> {
    records: R,
    truth: T,
}

impl<R: Write, T: Write> Lines<R, T> {
    /// Records to one, the truth to the other.
    pub fn new(records: R, truth: T) -> Self {
        Self { records, truth }
    }

    /// Writes what is buffered, and gives both back.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn finish(mut self) -> Result<(R, T), Error> {
        self.records.flush()?;
        self.truth.flush()?;
        Ok((self.records, self.truth))
    }
}

impl<R: Write, T: Write> Sink for Lines<R, T> {
    fn record(&mut self, record: &Record) -> Result<(), Error> {
        serde_json::to_writer(&mut self.records, record)?;
        Ok(self.records.write_all(b"\n")?)
    }

    fn truth(&mut self, truth: &Truth) -> Result<(), Error> {
        serde_json::to_writer(&mut self.truth, truth)?;
        Ok(self.truth.write_all(b"\n")?)
    }
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The plan cannot be carried out.
    #[error(
        "{DAYS_MIN} to {DAYS_MAX} days and 10 to 100 percent are possible, not {days} days and {percent} percent"
    )]
    Plan {
        /// Days that were asked for.
        days: u32,
        /// Size that was asked for.
        percent: u32,
    },
    /// Lines could not be written.
    #[error("writing lines: {0}")]
    Write(#[from] std::io::Error),
    /// A line could not be made.
    #[error("making a line: {0}")]
    Json(#[from] serde_json::Error),
}

/// Generates a run, day by day.
///
/// # Errors
/// Where the plan is out of bounds or the sink takes no more.
pub fn generate(plan: Plan, sink: &mut dyn Sink) -> Result<Summary, Error> {
    let (days, percent) = (plan.days, plan.percent);
    if !(DAYS_MIN..=DAYS_MAX).contains(&days) || !(10..=100).contains(&percent) {
        return Err(Error::Plan { days, percent });
    }
    let mut world = world::World::new(plan);
    world.open_house();
    for day in 0..i64::from(days) {
        world.begin(day);
        care::day(&mut world);
        noise::day(&mut world);
        scheme::day(&mut world);
        world.end(sink)?;
    }
    world.journal.finish(sink)?;
    Ok(world.journal.summary)
}

/// The names of the patients of a run, which no record carries: for whoever checks how they are distributed.
#[must_use]
pub fn patient_names(plan: Plan) -> Vec<Name> {
    world::World::new(plan).house.patients.into_iter().map(|patient| patient.name).collect()
}

impl Plan {
    /// A number of the full hospital at the size of this one, but not below a least number.
    pub(crate) fn scaled(&self, whole: usize, least: usize) -> usize {
        (whole * self.percent as usize / 100).max(least)
    }

    /// A mean of the full hospital at the size of this one.
    pub(crate) fn scaled_mean(&self, whole: f64) -> f64 {
        whole * f64::from(self.percent) / 100.0
    }

    /// A pseudonym: it tells the kind and nothing else.
    pub(crate) fn pseudonym(&self, kind: char, word: &str, number: u64) -> String {
        format!("{kind}-{:012x}", self.stream(word, number).next() >> 16)
    }

    /// The numbers of one purpose: those of hospital B have nothing to do with those of A.
    pub(crate) fn stream(&self, word: &str, number: u64) -> Random {
        Random::of(self.seed ^ u64::from(u32::from(self.hospital.letter())) << 56, word, number)
    }
}
