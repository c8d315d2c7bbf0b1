//! What is asked of the subjects. Each file is one part of the work; each puts its numbers into [`Measured`].
//!
//! Names of cases say what varies, names of metrics carry the unit.

pub(crate) mod dimse;
pub(crate) mod ingest;
pub(crate) mod large;
pub(crate) mod limits;
pub(crate) mod query;
pub(crate) mod retrieve;
pub(crate) mod transfer;
pub(crate) mod transform;

use crate::statistics::median;
use std::collections::BTreeMap;

/// How much work is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) studies: u64,
    pub(crate) slices: u32,
    /// The same in the part with several nodes.
    pub(crate) node_slices: u32,
    /// How often each measurement is repeated; the subjects take turns.
    pub(crate) rounds: usize,
    pub(crate) searched_studies: u64,
    pub(crate) searched_slices: u32,
    /// Requests of one client in a measurement of latency.
    pub(crate) requests: usize,
    /// Instances of the series of which metadata are asked.
    pub(crate) described: u32,
    /// Frames of 512 KiB of the large object.
    pub(crate) large_frames: u32,
    /// Small files in the folder that is imported.
    pub(crate) imported: u32,
}

impl Size {
    /// The work of the published table.
    pub(crate) const FULL: Self = Self {
        studies: 5,
        slices: 300,
        node_slices: 300,
        rounds: 3,
        searched_studies: 5_000,
        searched_slices: 20,
        requests: 200,
        described: 1_000,
        large_frames: 9_600,
        imported: 100_000,
    };
    /// Enough to see that everything works.
    pub(crate) const QUICK: Self = Self {
        studies: 2,
        slices: 60,
        node_slices: 12,
        rounds: 1,
        searched_studies: 200,
        searched_slices: 10,
        requests: 50,
        described: 100,
        large_frames: 400,
        imported: 2_000,
    };

    /// Instances that are searched.
    pub(crate) fn searched_instances(self) -> u64 {
        self.searched_studies * u64::from(self.searched_slices)
    }
}

/// Which subject showed what in which case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) case: String,
    pub(crate) subject: &'static str,
    pub(crate) metric: &'static str,
}

/// Every number, of every round.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    values: BTreeMap<Key, Vec<f64>>,
    /// Cases in the order in which they were first measured.
    cases: Vec<String>,
}

impl Measured {
    /// Adds the number of one round.
    pub(crate) fn add(&mut self, case: &str, subject: &'static str, metric: &'static str, value: f64) {
        if !self.cases.iter().any(|known| known == case) {
            self.cases.push(case.to_owned());
        }
        let key = Key { case: case.to_owned(), subject, metric };
        self.values.entry(key).or_default().push(value);
    }

    /// The median of all rounds.
    pub(crate) fn median(&self, case: &str, subject: &str, metric: &str) -> Option<f64> {
        let (_, values) = self
            .values
            .iter()
            .find(|(key, _)| key.case == case && key.subject == subject && key.metric == metric)?;
        Some(median(values))
    }

    /// Cases in the order in which they were measured.
    pub(crate) fn cases(&self) -> &[String] {
        &self.cases
    }

    /// The medians of one case.
    pub(crate) fn of_case<'a>(&'a self, case: &'a str) -> impl Iterator<Item = (&'a Key, f64)> + 'a {
        self.values.iter().filter(move |(key, _)| key.case == case).map(|(key, values)| (key, median(values)))
    }
}
