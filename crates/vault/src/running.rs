//! The time that this host has been running: the only measure of age in a vault.
//!
//! A wall clock can be set by whoever reaches the time server, and a clock set forward would make every snapshot old. The time
//! since boot cannot be set. What was counted before a boot is added to it; time in which the host was off is not counted. So
//! a snapshot never becomes old early, and may become old late.

use crate::{VaultError, files};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const FILE: &str = "running.json";

/// Milliseconds that the host has been running since the vault was made, as far as the vault has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunningTime(pub u64);

impl RunningTime {
    /// How much later this is.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// What was counted until a moment of a boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Count {
    boot: String,
    since_boot_ms: u64,
    total_ms: u64,
}

/// Counts.
#[derive(Debug)]
pub(crate) struct Running {
    path: PathBuf,
}

impl Running {
    pub(crate) fn of(folder: &Path) -> Self {
        Self { path: folder.join(FILE) }
    }

    /// The time until now, written down; never less than `at_least`, which a signed manifest says.
    pub(crate) fn now(&self, at_least: RunningTime) -> Result<RunningTime, VaultError> {
        let boot_file = Path::new("/proc/sys/kernel/random/boot_id");
        let boot = fs::read_to_string(boot_file).map_err(VaultError::file(boot_file))?.trim().to_owned();
        let time = clock_gettime(ClockId::Boottime);
        let since_boot_ms = u64::try_from(time.tv_sec).unwrap_or(0) * 1000
            + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000;
        let before = match fs::read(&self.path) {
            // A count that cannot be read is none: time is lost, which only lengthens lives.
            Ok(bytes) => serde_json::from_slice(&bytes).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(VaultError::file(&self.path)(error)),
        };
        let count = counted(before.as_ref(), boot, since_boot_ms, at_least);
        let total = RunningTime(count.total_ms);
        let text = serde_json::to_vec(&count).unwrap_or_default();
        files::replace(&self.path, &text)?;
        Ok(total)
    }
}

/// The count at a moment of a boot, from what was counted before.
fn counted(before: Option<&Count>, boot: String, since_boot_ms: u64, at_least: RunningTime) -> Count {
    let (known, passed) = match before {
        Some(before) if before.boot == boot => {
            (before.total_ms, since_boot_ms.saturating_sub(before.since_boot_ms))
        }
        Some(before) => (before.total_ms, since_boot_ms),
        None => (0, 0),
    };
    let total_ms = known.max(at_least.0).saturating_add(passed);
    Count { boot, since_boot_ms, total_ms }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn count(boot: &str, since_boot_ms: u64, total_ms: u64) -> Count {
        Count { boot: boot.to_owned(), since_boot_ms, total_ms }
    }

    #[test]
    fn time_is_counted_within_a_boot_and_over_boots_without_what_lay_between() {
        let zero = RunningTime(0);
        assert_eq!(counted(None, "a".into(), 5000, zero), count("a", 5000, 0));
        assert_eq!(counted(Some(&count("a", 5000, 0)), "a".into(), 9000, zero), count("a", 9000, 4000));
        assert_eq!(counted(Some(&count("a", 9000, 4000)), "b".into(), 300, zero), count("b", 300, 4300));
        // A lost or older count goes on where a manifest says.
        assert_eq!(counted(None, "b".into(), 300, RunningTime(4300)), count("b", 300, 4300));
    }

    proptest! {
        #[test]
        fn time_never_goes_back_and_never_faster_than_the_host_ran(
            moments in prop::collection::vec((0_u8..3, 0_u64..1_000_000), 1..50),
        ) {
            let mut before: Option<Count> = None;
            let mut ran = 0_u64;
            for (boot, at) in moments {
                let boot = boot.to_string();
                let next = counted(before.as_ref(), boot.clone(), at, RunningTime(0));
                ran += match &before {
                    Some(before) if before.boot == boot => at.saturating_sub(before.since_boot_ms),
                    Some(_) => at,
                    None => 0,
                };
                prop_assert!(next.total_ms >= before.as_ref().map_or(0, |before| before.total_ms));
                prop_assert!(next.total_ms <= ran);
                before = Some(next);
            }
        }
    }

    #[test]
    fn the_running_time_grows_and_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let first = Running::of(folder.path()).now(RunningTime(7)).unwrap();
        assert_eq!(first, RunningTime(7));
        assert!(Running::of(folder.path()).now(RunningTime(0)).unwrap() >= first);
    }
}
