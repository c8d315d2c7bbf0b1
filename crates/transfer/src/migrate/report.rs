//! What became of the studies of a migration.

use crate::tally::Fault;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Faults of one study that are named; the others are only counted.
const FAULTS_SHOWN_MAX: usize = 20;

/// Studies with faults that a summary names; the others are in the folder.
const STUDIES_SHOWN_MAX: usize = 20;

/// What became of instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Instances that the source listed, and those that it sent without having listed them.
    pub listed: u64,
    /// Instances that it sent.
    pub received: u64,
    /// Their bytes.
    pub bytes: u64,
    /// New in this archive.
    pub stored: u64,
    /// There already, with the same bytes.
    pub duplicate: u64,
    /// There already with other bytes: both are kept.
    pub new_version: u64,
    /// Not taken by this archive.
    pub refused: u64,
    /// Listed, and not sent.
    pub missing: u64,
    /// Sent, and not in this archive.
    pub absent: u64,
    /// In this archive with another data set.
    pub different: u64,
    /// In this archive with the same SHA-256 of the data set.
    pub same: u64,
    /// In this archive, whole and readable. The source sent it here past this program, which can compare names only.
    pub present: u64,
}

/// How many instances of a series are here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesCount {
    /// Its Series Instance UID.
    pub series: String,
    /// Instances that the source has.
    pub listed: u64,
    /// Those that are here as they are there.
    pub here: u64,
}

/// What became of one study: a line of the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StudyReport {
    /// Its Study Instance UID.
    pub study: String,
    /// All of its instances.
    #[serde(flatten)]
    pub counts: Counts,
    /// The same by series.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<SeriesCount>,
    /// Why the study was not gone through to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// The first instances that are not here as they are there, by SOP Instance UID.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// What became of all of them, as far as they were worked on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Studies that are here as they are there.
    pub studies_good: usize,
    /// The sums of all reports.
    #[serde(flatten)]
    pub counts: Counts,
    /// The first studies that are not.
    pub studies_bad: Vec<StudyReport>,
}

impl Counts {
    /// Adds the counts of others.
    pub(super) fn add(&mut self, other: &Self) {
        self.listed += other.listed;
        self.received += other.received;
        self.bytes += other.bytes;
        self.stored += other.stored;
        self.duplicate += other.duplicate;
        self.new_version += other.new_version;
        self.refused += other.refused;
        self.missing += other.missing;
        self.absent += other.absent;
        self.different += other.different;
        self.same += other.same;
        self.present += other.present;
    }

    /// Instances that are here as they are there.
    #[must_use]
    pub const fn here(&self) -> u64 {
        self.same + self.present
    }
}

impl StudyReport {
    pub(super) fn of(study: &str) -> Self {
        Self { study: study.to_owned(), ..Self::default() }
    }

    /// Whether everything that the source listed is here: bit for bit, where its bytes went through this program.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let Counts { listed, refused, missing, .. } = self.counts;
        self.failed.is_none() && self.counts.here() == listed && refused + missing == 0
    }

    pub(super) fn fault(&mut self, instance: &str, reason: &str) {
        if self.faults.len() < FAULTS_SHOWN_MAX {
            self.faults.push(Fault { file: instance.to_owned(), reason: reason.to_owned() });
        }
    }
}

impl Summary {
    /// Of a study that was worked on more than once, the last report counts.
    pub(super) fn of(reports: Vec<StudyReport>) -> Self {
        let mut last: HashMap<String, StudyReport> = HashMap::new();
        for report in reports {
            last.insert(report.study.clone(), report);
        }
        let mut summary = Self::default();
        for report in last.into_values() {
            summary.counts.add(&report.counts);
            if report.is_good() {
                summary.studies_good += 1;
            } else {
                summary.studies_bad.push(report);
            }
        }
        summary.studies_bad.sort_by(|a, b| a.study.cmp(&b.study));
        summary.studies_bad.truncate(STUDIES_SHOWN_MAX);
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(study: &str, counts: Counts) -> StudyReport {
        StudyReport { counts, ..StudyReport::of(study) }
    }

    #[test]
    fn a_study_is_good_only_when_every_listed_instance_is_here() {
        let good = Counts { listed: 3, received: 2, stored: 2, same: 2, present: 1, ..Counts::default() };
        assert!(report("1.2", good).is_good());
        for bad in [
            Counts { same: 1, different: 1, ..good },
            Counts { listed: 4, missing: 1, ..good },
            Counts { present: 0, absent: 1, ..good },
            Counts { refused: 1, ..good },
        ] {
            assert!(!report("1.2", bad).is_good(), "{bad:?}");
        }
        assert!(!StudyReport { failed: Some("x".into()), ..report("1.2", good) }.is_good());
    }

    #[test]
    fn the_last_report_of_a_study_counts() {
        let counts = |same| Counts { listed: 2, same, ..Counts::default() };
        let summary =
            Summary::of(vec![report("1", counts(1)), report("2", counts(1)), report("1", counts(2))]);
        assert_eq!((summary.studies_good, summary.counts.listed, summary.counts.same), (1, 4, 3));
        assert_eq!(summary.studies_bad.iter().map(|bad| bad.study.as_str()).collect::<Vec<_>>(), ["2"]);
    }
}
