//! Where the wall clock was set back. That is no damage: order is the number of a leaf, and clocks are corrected. But whoever wants something to have
//! happened earlier sets the clock back first, so a reader is told.

/// Less than this is a clock that is kept right.
const STEP_MS_MIN: i64 = 2000;

/// A step of the wall clock backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep {
    /// The first leaf after it.
    pub index: u64,
    /// By how much, in milliseconds.
    pub by_ms: i64,
}

/// Compares the times of leaves, in their order, and keeps the largest step back.
#[derive(Debug, Default)]
pub(super) struct ClockWatch {
    last: Option<Times>,
    pub(super) largest: Option<ClockStep>,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    time_ms: i64,
    monotonic_ms: i64,
    boot: [u8; 16],
}

impl ClockWatch {
    pub(super) fn see(&mut self, index: u64, leaf: &[u8]) {
        let Some(now) = times(leaf) else { return };
        if let Some(last) = self.last.replace(now) {
            // The other clock never goes back, within one opening of the log.
            let passed = if last.boot == now.boot { now.monotonic_ms - last.monotonic_ms } else { 0 };
            let by_ms = last.time_ms.saturating_add(passed).saturating_sub(now.time_ms);
            if by_ms >= STEP_MS_MIN && self.largest.is_none_or(|largest| largest.by_ms < by_ms) {
                self.largest = Some(ClockStep { index, by_ms });
            }
        }
    }
}

// === helpers ===

/// The fields that a leaf has right after its number.
fn times(leaf: &[u8]) -> Option<Times> {
    let text = std::str::from_utf8(leaf).ok()?;
    let (_, rest) = text.split_once(",\"time_ms\":")?;
    let (time, rest) = rest.split_once(",\"monotonic_ns\":")?;
    let (monotonic, rest) = rest.split_once(",\"boot\":\"")?;
    let boot = rest.as_bytes().first_chunk::<16>()?;
    let monotonic_ns = monotonic.parse::<u64>().ok()?;
    Some(Times {
        time_ms: time.parse().ok()?,
        monotonic_ms: i64::try_from(monotonic_ns / 1_000_000).ok()?,
        boot: *boot,
    })
}
