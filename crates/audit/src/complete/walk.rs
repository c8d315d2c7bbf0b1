//! Reads a log in its order and compares what heartbeats tell with what the leaves say.

use super::class::Act;
use super::heartbeat::{Counted, Heartbeat, Part, Parts};
use crate::event::EventKind;
use crate::leaf::{BootId, Leaf};
use serde::Serialize;
use std::fmt;

/// The most findings that are kept; the rest is counted. More of them say no more.
const FINDINGS_MAX: usize = 1000;

/// How late a heartbeat may be beyond its pace: a machine that is busy beyond measure, a disk that stands still.
const LATE_MS_MAX: u64 = 30_000;

/// How far the wall clock may go its own way between two leaves before it is said.
const STEP_MS_MIN: i64 = 2000;

/// What is not as it should be, or should be known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum Fault {
    /// The leaf has another number than its place.
    Number {
        /// The number that it has.
        says: u64,
    },
    /// Fewer leaves tell of an act than were counted where it was done.
    LeavesMissing {
        /// What was done.
        act: Act,
        /// How often, by who did it.
        told: u64,
        /// How many leaves tell of it.
        leaves: u64,
    },
    /// More leaves tell of an act than were counted where it was done.
    LeavesUncounted {
        /// What was done.
        act: Act,
        /// How often at most, by who did it.
        told: u64,
        /// How many leaves tell of it.
        leaves: u64,
    },
    /// More keys were unwrapped than permits were given.
    UnwrapsUnpermitted {
        /// Unwrapped keys.
        unwraps: u64,
        /// Permits.
        permits: u64,
    },
    /// Leaves say of more refusals without leaf than were counted.
    SuppressedUncounted {
        /// How many were counted.
        told: u64,
        /// How many leaves say.
        leaves: u64,
    },
    /// A heartbeat is not there: the next one has a later number.
    HeartbeatMissing {
        /// The number that should have come.
        expected: u64,
        /// The one that came.
        came: u64,
    },
    /// A heartbeat is not whole.
    HeartbeatBroken,
    /// Nothing was heard for longer than the pace of heartbeats allows.
    Silence {
        /// For how long, by the clock that never goes back.
        ms: u64,
    },
    /// An archive that served did not stop: it crashed, or lost its power.
    Crash,
    /// The wall clock was set while the archive was running, or back between two runs.
    ClockStep {
        /// By how much; negative is backwards.
        by_ms: i64,
    },
}

impl Fault {
    /// Whether the log is not complete. What is not so happened to the machine, and is to be explained by it.
    #[must_use]
    pub const fn is_discrepancy(&self) -> bool {
        !matches!(self, Self::Crash | Self::ClockStep { .. })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word =
            |act: &Act| serde_json::to_value(act).ok().and_then(|word| Some(word.as_str()?.to_owned()));
        let word = |act: &Act| word(act).unwrap_or_default();
        match self {
            Self::Number { says } => write!(f, "the leaf says that its number is {says}"),
            Self::LeavesMissing { act, told, leaves } => {
                write!(f, "{}: {told} were counted, and {leaves} leaves tell of it", word(act))
            }
            Self::LeavesUncounted { act, told, leaves } => {
                write!(f, "{}: {leaves} leaves tell of it, and at most {told} were counted", word(act))
            }
            Self::UnwrapsUnpermitted { unwraps, permits } => {
                write!(f, "{unwraps} keys were unwrapped with {permits} permits")
            }
            Self::SuppressedUncounted { told, leaves } => {
                write!(f, "leaves speak of {leaves} refusals without leaf, {told} were counted")
            }
            Self::HeartbeatMissing { expected, came } => {
                write!(f, "heartbeat {expected} is missing, {came} came")
            }
            Self::HeartbeatBroken => f.write_str("a heartbeat is not whole"),
            Self::Silence { ms } => write!(f, "no heartbeat for {} s", ms / 1000),
            Self::Crash => f.write_str("the archive ended here without a stop"),
            Self::ClockStep { by_ms } => write!(f, "the clock was set by {by_ms} ms"),
        }
    }
}

/// Something that was found, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The number of the leaf at which it shows.
    pub index: u64,
    /// The wall time of that leaf, in milliseconds since 1970.
    pub time_ms: i64,
    /// What it is.
    #[serde(flatten)]
    pub fault: Fault,
}

/// What a walk saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Leaves that were read.
    pub leaves: u64,
    /// The number behind the last one.
    pub until: u64,
    /// The wall time of the first, in milliseconds since 1970.
    pub first_ms: i64,
    /// The wall time of the last.
    pub last_ms: i64,
    /// Openings of the log, each with a boot of its own.
    pub boots: u64,
    /// Of these, servers that ended without a stop. The last one may still run.
    pub crashes: u64,
    /// Whether the last opening is that of a server which has not stopped.
    pub last_is_open: bool,
    /// Whole heartbeats.
    pub heartbeats: u64,
    /// The wall time of the last one, in milliseconds since 1970; none where there was none.
    pub heartbeat_ms: Option<i64>,
    /// The pace that it named, in seconds.
    pub every_s: Option<u64>,
    /// The longest time between two leaves of one boot, by the clock that never goes back.
    pub silence_ms_max: u64,
    /// Permits of whole boots that opened nothing, at their last heartbeats: the caller hung up, or there was no key.
    pub permits_unused: u64,
    /// What is wrong with the log.
    pub discrepancies: u64,
    /// What happened to the machine.
    pub notes: u64,
}

/// A walk along a log. Give it every leaf in its order, from any leaf on.
#[derive(Debug, Default)]
pub struct Walk {
    summary: Summary,
    findings: Vec<Finding>,
    boot: Option<Boot>,
}

/// One opening of the log.
#[derive(Debug)]
struct Boot {
    id: BootId,
    /// Whether its first leaf was seen, so that its numbers are those of its leaves.
    whole: bool,
    serves: bool,
    stopped: bool,
    last_ms: i64,
    last_monotonic_ms: u64,
    leaves: Counted,
    parts: Option<(Parts, Counted)>,
    beat: Option<Beat>,
}

/// The newest heartbeat of a boot, and what the leaves said before it.
#[derive(Clone, Copy, Debug)]
struct Beat {
    told: Heartbeat,
    leaves: Counted,
    monotonic_ms: u64,
    late: bool,
}

impl Walk {
    /// At a place of the log; `0` is its beginning.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was seen until now.
    #[must_use]
    pub const fn summary(&self) -> Summary {
        self.summary
    }

    /// What was found, in the order of the log, at most a thousand.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Forgets what was found, and goes on where it is.
    pub fn begin_anew(&mut self) {
        self.findings.clear();
        let Summary { until, last_ms, last_is_open, heartbeat_ms, every_s, .. } = self.summary;
        self.summary = Summary {
            until,
            first_ms: last_ms,
            last_ms,
            last_is_open,
            heartbeat_ms,
            every_s,
            ..Summary::default()
        };
    }

    /// The next leaf.
    pub fn see(&mut self, index: u64, leaf: &Leaf) {
        let time_ms = leaf.time_ms.as_ms();
        let mut faults = Vec::new();
        if leaf.sequence != index {
            faults.push(Fault::Number { says: leaf.sequence });
        }
        if self.summary.until == 0 && self.summary.leaves == 0 {
            self.summary.first_ms = time_ms;
        }
        let begun = self.boot.as_ref().is_none_or(|boot| boot.id != leaf.boot);
        if begun {
            self.begin(index, leaf, &mut faults);
        }
        if let Some(boot) = &mut self.boot {
            boot.see(leaf, begun, &mut self.summary, &mut faults);
            self.summary.last_is_open = boot.serves && !boot.stopped;
        }
        self.summary.leaves += 1;
        self.summary.until = index + 1;
        self.summary.last_ms = time_ms;
        for fault in faults {
            match fault.is_discrepancy() {
                true => self.summary.discrepancies += 1,
                false => self.summary.notes += 1,
            }
            if self.findings.len() < FINDINGS_MAX {
                self.findings.push(Finding { index, time_ms, fault });
            }
        }
    }

    /// Another opening of the log begins.
    fn begin(&mut self, index: u64, leaf: &Leaf, faults: &mut Vec<Fault>) {
        let before = self.boot.take();
        if let Some(before) = &before {
            if before.parts.is_some() {
                faults.push(Fault::HeartbeatBroken);
            }
            if before.serves && !before.stopped {
                self.summary.crashes += 1;
                faults.push(Fault::Crash);
            }
            let by_ms = leaf.time_ms.as_ms().saturating_sub(before.last_ms);
            if by_ms <= -STEP_MS_MIN {
                faults.push(Fault::ClockStep { by_ms });
            }
        }
        self.summary.boots += 1;
        self.boot = Some(Boot {
            id: leaf.boot,
            whole: before.is_some() || index == 0,
            serves: false,
            stopped: false,
            last_ms: leaf.time_ms.as_ms(),
            last_monotonic_ms: leaf.monotonic_ns / 1_000_000,
            leaves: Counted::default(),
            parts: None,
            beat: None,
        });
    }
}

impl Boot {
    fn see(&mut self, leaf: &Leaf, first: bool, summary: &mut Summary, faults: &mut Vec<Fault>) {
        let (time_ms, monotonic_ms) = (leaf.time_ms.as_ms(), leaf.monotonic_ns / 1_000_000);
        let passed = monotonic_ms.saturating_sub(self.last_monotonic_ms);
        if !first {
            let passed = i64::try_from(passed).unwrap_or(i64::MAX);
            let by_ms = time_ms.saturating_sub(self.last_ms).saturating_sub(passed);
            if by_ms.abs() >= STEP_MS_MIN {
                faults.push(Fault::ClockStep { by_ms });
            }
        }
        summary.silence_ms_max = summary.silence_ms_max.max(passed);
        (self.last_ms, self.last_monotonic_ms) = (time_ms, monotonic_ms);
        self.listen(monotonic_ms, faults);
        if leaf.kind == EventKind::System {
            match leaf.reason.as_str() {
                "archive-started" => self.serves = true,
                "archive-stopped" => self.stopped = true,
                _ => {}
            }
        }
        match (Part::of(leaf), self.parts.take()) {
            (Part::Head, broken) => {
                if broken.is_some() {
                    faults.push(Fault::HeartbeatBroken);
                }
                self.serves = true;
                self.take(leaf, Parts::default(), self.leaves, summary, faults);
            }
            (Part::Further, Some((parts, before))) => self.take(leaf, parts, before, summary, faults),
            // The rest of one whose beginning was not read.
            (Part::Further, None) if !self.whole && self.beat.is_none() => {}
            (Part::Further, None) | (Part::None, Some(_)) => faults.push(Fault::HeartbeatBroken),
            (Part::None, None) => {}
        }
        if let Some(act) = Act::of(leaf) {
            self.leaves.add(act);
        }
        let suppressed = leaf.counts.get("suppressed").filter(|_| Part::of(leaf) == Part::None);
        self.leaves.suppressed = self.leaves.suppressed.saturating_add(suppressed.unwrap_or(0));
    }

    /// Whether the next heartbeat is due for too long.
    fn listen(&mut self, monotonic_ms: u64, faults: &mut Vec<Fault>) {
        let Some(beat) = &mut self.beat else { return };
        let ms = monotonic_ms.saturating_sub(beat.monotonic_ms);
        if !beat.late && ms > beat.told.every_s.saturating_mul(2000).saturating_add(LATE_MS_MAX) {
            beat.late = true;
            faults.push(Fault::Silence { ms });
        }
    }

    fn take(
        &mut self,
        leaf: &Leaf,
        mut parts: Parts,
        before: Counted,
        summary: &mut Summary,
        faults: &mut Vec<Fault>,
    ) {
        match parts.take(leaf) {
            None => faults.push(Fault::HeartbeatBroken),
            Some(None) => self.parts = Some((parts, before)),
            Some(Some(told)) => {
                summary.heartbeats += 1;
                summary.heartbeat_ms = Some(leaf.time_ms.as_ms());
                summary.every_s = Some(told.every_s);
                let next = Beat { told, leaves: before, monotonic_ms: self.last_monotonic_ms, late: false };
                let unused =
                    |beat: &Beat| beat.told.counted.permits.saturating_sub(beat.told.counted.unwraps);
                let unused_before = self.beat.as_ref().map_or(0, unused);
                summary.permits_unused += unused(&next).saturating_sub(unused_before);
                faults.extend(compare(self.beat.as_ref(), &next, self.whole));
                self.beat = Some(next);
            }
        }
    }
}

// === helpers ===

/// What two heartbeats of one boot say against the leaves before each of them.
fn compare(last: Option<&Beat>, next: &Beat, whole: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    let expected = last.map_or(1, |last| last.told.number + 1);
    let came = next.told.number;
    if came != expected && (whole || last.is_some()) {
        faults.push(Fault::HeartbeatMissing { expected, came });
    }
    let told = next.told.counted;
    let (permits, unwraps) = (told.permits, told.unwraps);
    if unwraps > permits {
        faults.push(Fault::UnwrapsUnpermitted { unwraps, permits });
    }
    if !whole {
        return faults;
    }
    for act in Act::ALL {
        let missing = match act.has_leaf_first() {
            // Every act had its leaf when it was counted.
            true => Some((told.of(act), next.leaves.of(act))),
            // What was counted at the last heartbeat has its leaf by now.
            false => last.map(|last| (last.told.counted.of(act), next.leaves.of(act))),
        };
        if let Some((told, leaves)) = missing
            && told > leaves
        {
            faults.push(Fault::LeavesMissing { act, told, leaves });
        }
        let uncounted = match act.has_leaf_first() {
            // Every leaf of before the last heartbeat belongs to an act that is counted, or to one that did not come to its end.
            true => last.map(|last| (told.of(act).saturating_add(told.unfinished), last.leaves.of(act))),
            false => last.map(|last| (told.of(act), last.leaves.of(act))),
        };
        if let Some((told, leaves)) = uncounted
            && leaves > told
        {
            faults.push(Fault::LeavesUncounted { act, told, leaves });
        }
    }
    if let Some(last) = last
        && last.leaves.suppressed > told.suppressed
    {
        faults.push(Fault::SuppressedUncounted { told: told.suppressed, leaves: last.leaves.suppressed });
    }
    faults
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
