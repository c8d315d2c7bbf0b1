//! Limits as data: per role, and above all of them an absolute cap.

use crate::ladder::Step;
use crate::limits::window::DISTINCT_MAX;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest window of a limit: a fortnight.
pub const WITHIN_MINUTES_MAX: u32 = 14 * 24 * 60;
/// Limits of one role, so that a look stays cheap.
pub const LIMITS_MAX: usize = 32;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Different patients.
    Patients,
    /// Different studies.
    Studies,
    /// Instances that were given out.
    Instances,
    /// Bytes that were given out.
    Bytes,
    /// Prints.
    Prints,
    /// Exports: different studies that were taken out.
    Exports,
}

impl Measure {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patients => "patients",
            Self::Studies => "studies",
            Self::Instances => "instances",
            Self::Bytes => "bytes",
            Self::Prints => "prints",
            Self::Exports => "exports",
        }
    }
}

/// Of which accesses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// Of all of them.
    #[default]
    All,
    /// Of those for which no reason is known.
    Unexplained,
}

/// How much within a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// What is counted.
    pub measure: Measure,
    /// Of which accesses.
    #[serde(default)]
    pub of: Of,
    /// The window.
    pub within_minutes: u32,
    /// This much is well, and one more is too much.
    pub at_most: u64,
    /// What follows.
    #[serde(default = "suspend_session")]
    pub step: Step,
}

const fn suspend_session() -> Step {
    Step::SuspendSession
}

impl Limit {
    pub(crate) fn window_ms(&self) -> i64 {
        i64::from(self.within_minutes).saturating_mul(60_000)
    }
}

/// All limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitRules {
    /// For roles that have none of their own.
    pub usual: Vec<Limit>,
    /// For a role, instead of the usual ones.
    pub roles: BTreeMap<String, Vec<Limit>>,
    /// For everybody, above what is set or learnt.
    pub absolute: Vec<Limit>,
    /// After how many minutes a block ends by itself unless somebody has confirmed it.
    pub block_minutes: u32,
    /// By how much announced work (maintenance, a board, an audit, a collection for teaching) widens each limit.
    pub widen: u32,
    /// How many patients a person may open within an hour in an emergency without their being counted.
    pub emergency_patients: u32,
    /// Learn from what a role does: three times its own 99.9th percentile takes the place of the limit of a day, between half of that limit
    /// and the absolute cap.
    pub learn: bool,
    /// How many patients from a device that is new for the person are worth asking for a second factor.
    pub new_device_patients: u32,
    /// Within how many minutes an account that goes back and forth between two places is at both at once.
    pub two_places_minutes: u32,
}

impl Default for LimitRules {
    fn default() -> Self {
        let stop = Step::SuspendSession;
        let limit =
            |measure, of, within_minutes, at_most, step| Limit { measure, of, within_minutes, at_most, step };
        let gigabytes = 1_u64 << 30;
        Self {
            usual: vec![
                limit(Measure::Patients, Of::Unexplained, 60, 60, stop),
                limit(Measure::Patients, Of::Unexplained, 1440, 200, stop),
                limit(Measure::Patients, Of::All, 60, 150, stop),
                limit(Measure::Patients, Of::All, 1440, 500, stop),
                limit(Measure::Exports, Of::Unexplained, 1440, 40, Step::SuspendExport),
                limit(Measure::Exports, Of::All, 1440, 60, Step::SuspendExport),
                limit(Measure::Prints, Of::All, 1440, 200, Step::SuspendExport),
            ],
            roles: BTreeMap::new(),
            absolute: vec![
                limit(Measure::Patients, Of::All, 60, 400, stop),
                limit(Measure::Patients, Of::All, 1440, 1500, stop),
                limit(Measure::Studies, Of::All, 1440, 3000, stop),
                limit(Measure::Instances, Of::All, 1440, 5_000_000, stop),
                limit(Measure::Bytes, Of::All, 1440, 2048 * gigabytes, stop),
                limit(Measure::Exports, Of::All, 1440, 300, Step::SuspendExport),
            ],
            block_minutes: 30,
            widen: 10,
            emergency_patients: 5,
            learn: true,
            new_device_patients: 30,
            two_places_minutes: 5,
        }
    }
}

impl LimitRules {
    /// For a running archive, which knows few reasons why somebody opens something: nothing is held against what has none.
    #[must_use]
    pub fn for_archive() -> Self {
        let rules = Self::default();
        let limit = |measure, within_minutes, at_most, step| Limit {
            measure,
            of: Of::All,
            within_minutes,
            at_most,
            step,
        };
        let usual = vec![
            limit(Measure::Patients, 60, 300, Step::SuspendSession),
            limit(Measure::Patients, 1440, 1000, Step::SuspendSession),
            limit(Measure::Exports, 1440, 60, Step::SuspendExport),
            limit(Measure::Prints, 1440, 200, Step::SuspendExport),
        ];
        Self { usual, ..rules }
    }
}

/// What is wrong with limits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// A window or a count that cannot be kept.
    #[error(
        "a limit of {at_most} {} within {within_minutes} minutes cannot be counted: expected 1 to {WITHIN_MINUTES_MAX} minutes, and fewer than \
         {DISTINCT_MAX} different ones", measure.as_str()
    )]
    Limit {
        /// What it counts.
        measure: Measure,
        /// Its window.
        within_minutes: u32,
        /// How much.
        at_most: u64,
    },
    /// Too many limits.
    #[error("{count} limits for one role, and there may be {LIMITS_MAX}")]
    Many {
        /// How many.
        count: usize,
    },
    /// Nothing stops anybody.
    #[error(
        "there is no absolute limit: set one, or leave `absolute` out to have those that come with the program"
    )]
    NoCap,
    /// A number out of range.
    #[error("`{name}` is {value}: expected {expected}")]
    Range {
        /// Which.
        name: &'static str,
        /// What was set.
        value: u32,
        /// What may be set.
        expected: &'static str,
    },
}

impl LimitRules {
    /// Looks whether everything can be counted.
    ///
    /// # Errors
    /// [`RulesError`].
    pub fn check(&self) -> Result<(), RulesError> {
        if self.absolute.is_empty() {
            return Err(RulesError::NoCap);
        }
        let lists = [&self.usual, &self.absolute];
        for list in lists.into_iter().chain(self.roles.values()) {
            if list.len() > LIMITS_MAX {
                return Err(RulesError::Many { count: list.len() });
            }
            for limit in list {
                let Limit { measure, within_minutes, at_most, .. } = *limit;
                let sums = matches!(measure, Measure::Instances | Measure::Bytes | Measure::Prints);
                let counts = sums || at_most < DISTINCT_MAX as u64;
                if within_minutes == 0 || within_minutes > WITHIN_MINUTES_MAX || !counts {
                    return Err(RulesError::Limit { measure, within_minutes, at_most });
                }
            }
        }
        let ranges = [
            ("block_minutes", self.block_minutes, 1..=24 * 60, "1 to 1440 minutes"),
            ("widen", self.widen, 1..=1000, "1 to 1000 times"),
            ("emergency_patients", self.emergency_patients, 1..=100, "1 to 100 patients"),
            ("two_places_minutes", self.two_places_minutes, 1..=120, "1 to 120 minutes"),
        ];
        for (name, value, range, expected) in ranges {
            if !range.contains(&value) {
                return Err(RulesError::Range { name, value, expected });
            }
        }
        Ok(())
    }

    /// The limits of a role, without the absolute ones.
    #[must_use]
    pub fn of_role(&self, role: &str) -> &[Limit] {
        self.roles.get(role).unwrap_or(&self.usual)
    }
}
