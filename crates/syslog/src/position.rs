//! How far a collector has the log: on the disk, and while it is not certain yet.

use crate::SETTLED_AFTER;
use crate::error::SyslogError;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// The name of the file in the directory of the log.
const POSITION_FILE: &str = "syslog-position";

/// The longest such file, in bytes: an origin, an address and a number.
const POSITION_BYTES_MAX: u64 = 4096;

/// The time within which sent leaves are counted together.
const TOGETHER: Duration = Duration::from_secs(1);

/// What a collector has for certain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The log, by its name.
    pub log: String,
    /// The collector, by its address.
    pub collector: String,
    /// The number of the first leaf that it may not have.
    pub next: u64,
}

/// What stands beside a log; none where nothing was sent yet, or the file is none of ours.
///
/// # Errors
/// [`SyslogError::Position`] when it cannot be read.
pub fn position_of(dir: &Path) -> Result<Option<Position>, SyslogError> {
    let path = dir.join(POSITION_FILE);
    let fail = |cause| SyslogError::Position { path: path.clone(), cause };
    match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
        Ok(found) if found.len() > POSITION_BYTES_MAX => return Ok(None),
        Ok(_) => {}
    }
    Ok(serde_json::from_slice(&fs::read(&path).map_err(fail)?).ok())
}

/// Writes a position down, in one step.
pub(crate) fn keep(dir: &Path, position: &Position) -> Result<(), SyslogError> {
    let path = dir.join(POSITION_FILE);
    replace(&path, position).map_err(|cause| SyslogError::Position { path, cause })
}

/// Where to begin: behind what this collector has of this log, and never behind its end. Another collector has nothing.
pub(crate) fn begin_at(kept: Option<&Position>, log: &str, collector: &str, size: u64) -> u64 {
    let known = kept.filter(|kept| kept.log == log && kept.collector == collector);
    known.map_or(0, |kept| kept.next.min(size))
}

/// What was sent on a connection and does not count as delivered yet.
#[derive(Debug, Default)]
pub(crate) struct Settling(VecDeque<(Duration, u64)>);

impl Settling {
    /// Notes that every leaf before `next` was sent, at a moment of a clock that never goes back.
    pub(crate) fn sent(&mut self, now: Duration, next: u64) {
        match self.0.back_mut() {
            Some((begun, last)) if now.saturating_sub(*begun) < TOGETHER => *last = next,
            _ => self.0.push_back((now, next)),
        }
    }

    /// The number before which everything counts as delivered by now, where it grew.
    pub(crate) fn settled(&mut self, now: Duration) -> Option<u64> {
        let mut settled = None;
        while let Some((begun, next)) = self.0.front()
            && now.saturating_sub(*begun) >= SETTLED_AFTER + TOGETHER
        {
            settled = Some(*next);
            self.0.pop_front();
        }
        settled
    }
}

// === helpers ===

fn replace(path: &Path, position: &Position) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(&serde_json::to_vec(position)?)?;
    file.sync_data()?;
    fs::rename(&new, path)?;
    File::open(path.parent().unwrap_or(path))?.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn position(next: u64) -> Position {
        Position { log: "renmin/audit".into(), collector: "tls://siem:6514".into(), next }
    }

    #[test]
    fn a_position_reads_back_and_what_is_none_counts_as_nothing_sent() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(position_of(folder.path()).unwrap(), None);
        for next in [7, 9] {
            keep(folder.path(), &position(next)).unwrap();
            assert_eq!(position_of(folder.path()).unwrap(), Some(position(next)));
        }
        for wrong in [b"{".to_vec(), b"{\"next\":1}".to_vec(), vec![b' '; 5000]] {
            fs::write(folder.path().join(POSITION_FILE), wrong).unwrap();
            assert_eq!(position_of(folder.path()).unwrap(), None);
        }
    }

    #[test]
    fn another_log_or_collector_begins_at_the_beginning_and_a_shorter_log_at_its_end() {
        let kept = position(9);
        let begin = |log, collector, size| begin_at(Some(&kept), log, collector, size);
        assert_eq!(begin("renmin/audit", "tls://siem:6514", 20), 9);
        assert_eq!(begin("renmin/audit", "tls://siem:6514", 4), 4);
        assert_eq!(begin("other/audit", "tls://siem:6514", 20), 0);
        assert_eq!(begin("renmin/audit", "tls://other:6514", 20), 0);
        assert_eq!(begin_at(None, "renmin/audit", "tls://siem:6514", 20), 0);
    }

    proptest! {
        #[test]
        fn nothing_counts_before_its_time_everything_does_after_it_and_little_is_remembered(
            pauses_ms in proptest::collection::vec(0_u64..2_000, 1..400)
        ) {
            let (mut settling, mut now, mut sent) = (Settling::default(), Duration::ZERO, Vec::new());
            let mut settled = 0;
            for (next, pause_ms) in (1_u64..).zip(&pauses_ms) {
                now += Duration::from_millis(*pause_ms);
                settling.sent(now, next);
                sent.push((now, next));
                if let Some(more) = settling.settled(now) {
                    prop_assert!(more > settled);
                    settled = more;
                }
                for (at, number) in &sent {
                    prop_assert!(*number > settled || now - *at >= SETTLED_AFTER);
                }
                prop_assert!(settling.0.len() <= 32 + 1);
            }
            let last = settling.settled(now + SETTLED_AFTER + TOGETHER).unwrap_or(settled);
            prop_assert_eq!(last, sent.len() as u64);
        }
    }
}
