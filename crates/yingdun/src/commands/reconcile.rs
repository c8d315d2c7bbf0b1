//! `audit reconcile`: walks along a log and compares what its heartbeats tell with what its leaves say, from files and the public key alone.

use super::{CommandError, Verdict};
use crate::messages::Language;
use crate::output::Output;
use serde_json::json;
use std::path::Path;
use yingdun_audit::Reader;
use yingdun_audit::complete::{Finding, Summary, Walk};
use yingdun_crypto::sign::NoteVerifier;
use yingdun_model::{Clock, SystemClock, Timestamp};

/// Leaves that are in memory at once.
const LEAVES_AT_ONCE: u64 = 4096;

/// Walks along a log from a leaf on, and says what it found.
pub(super) fn reconcile(
    directory: &Path,
    verifier: &NoteVerifier,
    from: u64,
    heartbeat_within_s: Option<u64>,
    output: Output,
) -> Result<Verdict, CommandError> {
    let reader = Reader::of_directory(directory, verifier)?;
    let mut walk = Walk::new();
    let mut at = from;
    while at < reader.size() {
        let until = (at / LEAVES_AT_ONCE + 1) * LEAVES_AT_ONCE;
        for found in reader.read(at..until)? {
            walk.see(found.index, &found.leaf);
        }
        at = until;
    }
    let summary = walk.summary();
    let late = heartbeat_within_s.is_some_and(|within| !heard_within(&summary, within, SystemClock.now()));
    let good = summary.discrepancies == 0 && !late;
    let document = json!({
        "ok": good, "late": late, "log": verifier.name(), "from": from, "summary": summary, "findings": walk.findings(),
    });
    output.say(&document, |language| said(&summary, walk.findings(), late, language))?;
    Ok(Verdict::of(good))
}

// === helpers ===

/// Whether the newest heartbeat is younger than so many seconds.
fn heard_within(summary: &Summary, seconds: u64, now: Timestamp) -> bool {
    let within_ms = i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
    summary.heartbeat_ms.is_some_and(|heard| now.as_ms().saturating_sub(heard) <= within_ms)
}

fn said(summary: &Summary, findings: &[Finding], late: bool, language: Language) -> String {
    let Summary { leaves, heartbeats, discrepancies, .. } = *summary;
    let mut lines = vec![match discrepancies {
        0 => language.log_is_complete(leaves, heartbeats),
        _ => language.log_is_incomplete(leaves, discrepancies),
    }];
    lines.push(language.log_runs(summary.boots, summary.crashes));
    if summary.permits_unused > 0 {
        lines.push(language.log_permits_unused(summary.permits_unused));
    }
    if late {
        lines.push(language.heartbeat_is_late());
    }
    lines.extend(findings.iter().map(|found| {
        let mark = if found.fault.is_discrepancy() { "!" } else { "-" };
        format!("  {mark} {}: {}", found.index, found.fault)
    }));
    let more = summary.discrepancies + summary.notes - findings.len() as u64;
    if more > 0 {
        lines.push(format!("  … {more}"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_without_heartbeat_was_not_heard_and_one_in_the_time_was() {
        let heard = |at, now| {
            let summary = Summary { heartbeat_ms: at, ..Summary::default() };
            heard_within(&summary, 10, Timestamp::from_ms(now))
        };
        assert!(!heard(None, 0));
        assert!(heard(Some(5_000), 15_000));
        assert!(!heard(Some(5_000), 15_001));
    }
}
