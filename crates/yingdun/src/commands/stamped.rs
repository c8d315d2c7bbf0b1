//! How far an audit log is time-stamped, and when, by the stamps beside it.

use super::CommandError;
use crate::messages::Language;
use serde_json::{Value, json};
use std::path::Path;
use yingdun_audit::render::rfc3339;
use yingdun_audit::{AuditError, Checkpoint, Reader};
use yingdun_crypto::digest::sha256;
use yingdun_crypto::sign::NoteVerifier;
use yingdun_model::Timestamp;
use yingdun_timestamp::{Authority, Kept, judge, kept};

const MS_PER_HOUR: u64 = 3_600_000;

/// Leaves that are read together: a bundle of the log.
const LEAVES_AT_ONCE: u64 = 256;

/// What the stamps beside a log say.
pub(super) struct StampedLog {
    /// Checkpoints that were stamped: the log must continue each.
    pub(super) notes: Vec<String>,
    log: NoteVerifier,
    /// Sizes and moments, those that cover most last.
    stamps: Vec<(u64, Timestamp)>,
    /// The leaf that waited longest for a stamp; none where that was not looked at.
    longest: Option<Wait>,
    /// The first stamp that is none.
    bad: Option<String>,
}

/// How long a leaf waited for the first stamp that covers it; where none does, until the newest leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wait {
    record: u64,
    ms: u64,
}

impl StampedLog {
    /// Reads and judges every stamp: one of the authorities must have signed it, because certificates end and stamps do not. To be done
    /// before the log is read: it may only grow in between.
    pub(super) fn read(
        directory: &Path,
        log: &NoteVerifier,
        authorities: &[Authority],
    ) -> Result<Self, CommandError> {
        let (notes, log) = (Vec::new(), log.clone());
        let mut found = Self { notes, log, stamps: Vec::new(), longest: None, bad: None };
        for stamp in kept(directory)? {
            let Kept { checkpoint, answer, name } = stamp?;
            let judged = Checkpoint::verify(&found.log, &checkpoint).and_then(|head| {
                let time = stamped_at(&answer, &checkpoint, authorities)?;
                Ok((head.size(), time))
            });
            match judged {
                Ok(stamp) => {
                    found.notes.push(checkpoint);
                    found.stamps.push(stamp);
                }
                Err(why) => found.bad = found.bad.or(Some(format!("time-stamp {name}: {why}"))),
            }
        }
        found.stamps.sort_unstable();
        Ok(found)
    }

    /// Finds the leaf that waited longest. Reads the whole log, which must be whole. Without it one new stamp would hide that those
    /// before it were removed.
    pub(super) fn measure(&mut self, directory: &Path) -> Result<(), AuditError> {
        let reader = Reader::of_directory(directory, &self.log)?;
        let mut waits = Waits::new(self.stamps.clone());
        let mut from = 0;
        while from < reader.size() {
            for logged in reader.read(from..from + LEAVES_AT_ONCE)? {
                waits.leaf(logged.index, logged.leaf.time_ms);
            }
            from += LEAVES_AT_ONCE;
        }
        self.longest = waits.longest();
        Ok(())
    }

    /// Whether there is a stamp, none that is bad, and no leaf waited for longer than so many hours.
    pub(super) fn is_ok(&self, within_hours: Option<u32>) -> bool {
        let bound = within_hours.map(|hours| u64::from(hours) * MS_PER_HOUR);
        let in_time = bound.is_none_or(|bound| self.longest.is_some_and(|wait| wait.ms <= bound));
        self.bad.is_none() && !self.stamps.is_empty() && in_time
    }

    pub(super) fn described(&self, log_size: u64, within_hours: Option<u32>) -> Value {
        let newest = self.stamps.last();
        json!({
            "ok": self.is_ok(within_hours),
            "stamps": self.notes.len(),
            "size": newest.map(|(size, _)| size),
            "time_ms": newest.map(|(_, time)| time),
            "later": newest.map(|(size, _)| log_size.saturating_sub(*size)),
            "longest_wait_ms": self.longest.map(|wait| wait.ms),
            "longest_wait_record": self.longest.map(|wait| wait.record),
            "bad": self.bad,
        })
    }

    pub(super) fn said(&self, language: Language, log_size: u64) -> String {
        match (&self.bad, self.stamps.last()) {
            (Some(bad), _) => language.audit_bad(bad.clone()),
            (None, Some((size, time))) => {
                let later = log_size.saturating_sub(*size);
                let said = language.audit_stamped(self.notes.len(), size, rfc3339(*time), later);
                match self.longest {
                    Some(Wait { record, ms }) => {
                        format!("{said}\n{}", language.audit_longest_wait(record, ms.div_ceil(1000)))
                    }
                    None => said,
                }
            }
            (None, None) => language.audit_not_stamped(),
        }
    }
}

// === helpers ===

/// Finds the longest wait among leaves that come in the order of the log.
#[derive(Debug)]
struct Waits {
    /// Sizes, growing, and the earliest moment at which so many leaves or more were stamped.
    stamps: Vec<(u64, Timestamp)>,
    longest: Option<Wait>,
    /// The earliest leaf that no stamp covers, and the time of the newest leaf.
    uncovered: Option<(u64, Timestamp)>,
    newest: Timestamp,
}

impl Waits {
    fn new(mut stamps: Vec<(u64, Timestamp)>) -> Self {
        stamps.sort_unstable();
        let mut earliest = Timestamp::from_ms(i64::MAX);
        for (_, time) in stamps.iter_mut().rev() {
            earliest = earliest.min(*time);
            *time = earliest;
        }
        Self { stamps, longest: None, uncovered: None, newest: Timestamp::from_ms(i64::MIN) }
    }

    fn leaf(&mut self, record: u64, time: Timestamp) {
        self.newest = self.newest.max(time);
        let first = self.stamps.partition_point(|(size, _)| *size <= record);
        match self.stamps.get(first) {
            Some((_, stamped)) => self.longest = longer(self.longest, wait(record, time, *stamped)),
            None => {
                self.uncovered =
                    self.uncovered.filter(|(_, earliest)| *earliest <= time).or(Some((record, time)));
            }
        }
    }

    fn longest(self) -> Option<Wait> {
        let uncovered = self.uncovered.map(|(record, time)| wait(record, time, self.newest));
        uncovered.map_or(self.longest, |uncovered| longer(self.longest, uncovered))
    }
}

/// A leaf after its stamp, by another clock, did not wait.
fn wait(record: u64, time: Timestamp, stamped: Timestamp) -> Wait {
    let ms = stamped.as_ms().saturating_sub(time.as_ms());
    Wait { record, ms: u64::try_from(ms).unwrap_or(0) }
}

fn longer(known: Option<Wait>, other: Wait) -> Option<Wait> {
    known.filter(|known| known.ms >= other.ms).or(Some(other))
}

/// When one of the authorities stamped a checkpoint; or what the last of them has against it.
fn stamped_at(answer: &[u8], checkpoint: &str, authorities: &[Authority]) -> Result<Timestamp, String> {
    let hash = sha256(checkpoint.as_bytes());
    let mut why = "no certificate of an authority is given".to_owned();
    for authority in authorities {
        match judge(answer, &hash, None, authority) {
            Ok(stamp) => return Ok(stamp.time),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longest(stamps: &[(u64, i64)], times: &[i64]) -> Option<(u64, u64)> {
        let stamps = stamps.iter().map(|(size, time)| (*size, Timestamp::from_ms(*time))).collect();
        let mut waits = Waits::new(stamps);
        for (record, time) in (0..).zip(times) {
            waits.leaf(record, Timestamp::from_ms(*time));
        }
        waits.longest().map(|wait| (wait.record, wait.ms))
    }

    #[test]
    fn a_stamp_that_was_removed_makes_the_leaves_before_it_wait_longer() {
        let times = [100, 200, 300, 400, 500, 600];
        assert_eq!(longest(&[(2, 250), (4, 450), (6, 650)], &times), Some((0, 150)));
        assert_eq!(longest(&[(2, 250), (6, 650)], &times), Some((2, 350)), "the one in the middle");
        assert_eq!(longest(&[(6, 650)], &times), Some((0, 550)), "all but the newest");
        assert_eq!(longest(&[(2, 250), (4, 450)], &times), Some((0, 150)), "what is new is short");
        assert_eq!(longest(&[(2, 250)], &times), Some((2, 300)), "the newest ones");
        assert_eq!(longest(&[], &[]), None);
    }

    #[test]
    fn clocks_that_differ_do_not_hide_a_wait() {
        // A larger size was stamped earlier, a leaf is later than its stamp, a clock was set back.
        assert_eq!(longest(&[(1, 900), (2, 300)], &[100, 200]), Some((0, 200)));
        assert_eq!(longest(&[(1, 50)], &[100]), Some((0, 0)));
        assert_eq!(longest(&[(3, 1000)], &[500, 100, 600]), Some((1, 900)));
        assert_eq!(longest(&[(1, 10)], &[5, 500, 100, 600]), Some((2, 500)));
    }
}
