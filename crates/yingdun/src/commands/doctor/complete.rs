//! What the leaves of the audit log say of the log itself: how old it is, when it was heard of last, and whether it was found complete.

use super::{error, warning};
use crate::config::Finding;
use serde::Serialize;
use std::time::Duration;
use yingdun_audit::{AuditError, Reader};
use yingdun_model::Timestamp;

const OPTION: &str = "audit.directory";

/// Leaves that are read from the end, for the last heartbeat and the last comparison.
const LEAVES_READ_MAX: u64 = 20_000;

/// How late a heartbeat may be beyond twice its pace.
const LATE: Duration = Duration::from_secs(30);

/// What the log says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct LogFacts {
    /// How many leaves there are.
    pub(super) leaves: u64,
    /// The time of the first leaf: none is ever deleted.
    pub(super) oldest: Timestamp,
    /// The time of the newest.
    pub(super) newest: Timestamp,
    /// The newest heartbeat and its pace in seconds, where one is near the end.
    pub(super) heartbeat: Option<(Timestamp, u64)>,
    /// The number of the leaf of the newest comparison, where it found the log incomplete.
    pub(super) discrepancy: Option<u64>,
}

/// Reads it.
pub(super) fn facts_of(reader: &Reader) -> Result<Option<LogFacts>, AuditError> {
    let leaves = reader.size();
    if leaves == 0 {
        return Ok(None);
    }
    let oldest = reader.leaf(0)?.leaf.time_ms;
    let near = reader.tail(LEAVES_READ_MAX)?;
    let newest = near.last().map_or(oldest, |leaf| leaf.leaf.time_ms);
    let last =
        |reasons: &[&str]| near.iter().rev().find(|found| reasons.contains(&found.leaf.reason.as_str()));
    let heartbeat =
        last(&["heartbeat"]).and_then(|found| Some((found.leaf.time_ms, found.leaf.counts.get("every-s")?)));
    // The leaf of an alert has the same word and another kind.
    let compared = near.iter().rev().find(|found| found.leaf.counts.get("index-keys").is_some());
    let discrepancy = compared.filter(|found| found.leaf.reason.as_str() == "audit-discrepancy");
    let discrepancy = discrepancy.map(|found| found.index);
    Ok(Some(LogFacts { leaves, oldest, newest, heartbeat, discrepancy }))
}

/// What is to be said of the log of an archive that serves.
pub(super) fn late(facts: &LogFacts, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some((heard, every_s)) = facts.heartbeat {
        let latest = heard.after(Duration::from_secs(every_s.saturating_mul(2))).after(LATE);
        if latest < now {
            let cause = format!("its last heartbeat is older than twice its pace of {every_s} s");
            let remedy = "look into the log of the program: the archive serves and does not tell the audit log what it does";
            findings.push(error(OPTION, cause, remedy));
        }
    }
    if let Some(index) = facts.discrepancy {
        let cause = format!("the last comparison with what was counted found it incomplete (leaf {index})");
        let remedy = "run `yingdun audit reconcile` on it, keep a copy as evidence, and call whoever watches the audit";
        findings.push(warning(OPTION, cause, remedy));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_heartbeat_is_an_error_and_an_incomplete_log_a_warning() {
        let at = Timestamp::from_ms;
        let facts = LogFacts {
            leaves: 9,
            oldest: at(0),
            newest: at(0),
            heartbeat: Some((at(0), 900)),
            discrepancy: None,
        };
        assert!(late(&facts, at(1_830_000)).is_empty());
        assert_eq!(late(&facts, at(1_830_001)).len(), 1);
        assert_eq!(late(&LogFacts { heartbeat: None, discrepancy: Some(7), ..facts }, at(0)).len(), 1);
    }
}
