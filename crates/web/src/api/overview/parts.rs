//! The parts of the overview, each from the room that owns it.

use super::{Failed, failed};
use crate::hooks::Readiness;
use crate::routes::Call;
use serde_json::{Value, json};
use yingdun_access::{AlertRow, GrantRecord, MaintenanceState, PolicyState, Session};
use yingdun_archive::{CompactionState, DestructionState, HoldState, RewrapState, ScrubState};
use yingdun_model::{Action, ActorId, Timestamp};

/// Rows of a list; how many there are stands beside it.
const LISTED_MAX: usize = 20;

/// What has to be looked after, as a load balancer hears it.
pub(super) fn health(call: &Call) -> Value {
    let (status, parts) = match (call.service.hooks.ready)() {
        Readiness::Ready => ("ready", Vec::new()),
        Readiness::Attention(parts) => ("attention", parts),
        Readiness::NotReady(parts) => ("not-ready", parts),
    };
    json!({"status": status, "parts": parts})
}

/// The log of this node: how long it is, what of it is signed, and whether it is complete.
pub(super) fn audit(call: &Call) -> Value {
    let log = &call.service.audit;
    let checkpoint = log.latest_checkpoint();
    let completeness = (call.service.hooks.completeness)();
    let known = |what: &str, member: &str| {
        completeness.get(what).and_then(|part| part.get(member)).cloned().unwrap_or_default()
    };
    json!({
        "log": log.verifier().name(),
        "leaves": log.size(),
        "signed_leaves": checkpoint.size(),
        "root": hex::encode(checkpoint.root()),
        "accepting": log.check().is_ok(),
        "indexed_leaves": log.index_state().map(|index| index.leaves),
        "heartbeat_age_s": known("heartbeat", "age_s"),
        "reconciled_age_s": known("reconciled", "age_s"),
        "complete": known("reconciled", "complete"),
        "discrepancies": known("reconciled", "discrepancies"),
    })
}

/// Whether records are taken, and how each replica stands.
pub(super) fn storage(call: &Call) -> Value {
    let status = call.service.archive.store().status();
    let replicas = status.replicas.iter().map(|replica| {
        json!({
            "label": replica.label,
            "failure_domain": replica.failure_domain,
            // Without the reason, which may hold a path.
            "state": json!(replica.state).get("state"),
            "free_bytes": replica.free_bytes,
            "lag_bytes": replica.lag_bytes,
            "quarantined": replica.quarantined,
            "awaiting_repair": replica.awaiting_repair,
            "scrub_checked_bytes": replica.scrub.checked_bytes,
            "scrub_bytes_left": replica.scrub.bytes_left,
            "scrub_ended_ms": replica.scrub.last.map(|last| last.ended_ms),
            "scrub_found": replica.scrub.last.map(|last| last.found),
            "lost": replica.scrub.lost,
        })
    });
    let offsite = status.offsite.iter().map(|offsite| {
        json!({
            "label": offsite.label,
            "behind": offsite.behind,
            "lag_packs": offsite.lag_packs,
            "lag_seconds": offsite.lag_seconds,
        })
    });
    json!({
        "writable": status.writable,
        "write_quorum": status.write_quorum,
        "packs": status.packs,
        "bytes": status.bytes,
        "replicas": replicas.collect::<Vec<_>>(),
        "offsite": offsite.collect::<Vec<_>>(),
    })
}

/// The certificates of the doors, what ends first before the others.
pub(super) async fn certificates(call: &Call) -> Option<Value> {
    let health = (call.service.hooks.health)().await;
    let mut listed: Vec<Value> = health
        .get("certificates")?
        .as_array()?
        .iter()
        .filter(|certificate| certificate.is_object())
        .map(|certificate| {
            json!({"subject": certificate.get("subject"), "not_after_ms": certificate.get("not_after_ms")})
        })
        .collect();
    listed.sort_by_key(|certificate| certificate.get("not_after_ms").and_then(Value::as_i64));
    listed.dedup();
    Some(Value::Array(listed))
}

/// The versions of key-encryption keys that wrap now: how old, and when the next one is due.
pub(super) async fn keys(call: &Call, now: Timestamp) -> Result<Value, Failed> {
    let report = call.service.archive.key_report(session(call)?).await.map_err(|error| failed(&error))?;
    let active = report.keys.keks.iter().filter(|kek| kek.active);
    let keks: Vec<Value> = active
        .map(|kek| {
            json!({
                "grade": kek.line.grade.as_str(),
                "version": kek.version,
                "created_ms": kek.created.as_ms(),
                "due_ms": kek.created.after(report.rotate_after).as_ms(),
                "is_due": kek.is_due(now, report.rotate_after),
                "uses": kek.uses,
            })
        })
        .collect();
    Ok(json!({
        "patients": report.keys.patients,
        "studies": report.keys.studies,
        "keys_left": report.keys.keys_left(),
        "epoch": report.epoch,
        "keks": keks,
    }))
}

/// Broken glass that waits for its review, what is due first before the others.
pub(super) async fn reviews(call: &Call) -> Result<Value, Failed> {
    let cases = call.service.access.broken_glass(session(call)?).await.map_err(|error| failed(&error))?;
    let mut waiting: Vec<&GrantRecord> = cases.iter().filter(|case| case.grant.review.is_none()).collect();
    waiting.sort_by_key(|case| case.grant.review_due);
    let rows = waiting.iter().take(LISTED_MAX).map(|case| {
        json!({
            "case": case.grant.number,
            "name": case.grant.actor,
            "code": case.grant.reason,
            "given_ms": case.grant.given.as_ms(),
            "due_ms": case.grant.review_due.map(Timestamp::as_ms),
            "overdue": case.overdue,
            "open": case.open,
        })
    });
    Ok(json!({
        "waiting": waiting.len(),
        "overdue": waiting.iter().filter(|case| case.overdue).count(),
        "first": rows.collect::<Vec<_>>(),
    }))
}

/// Alerts at which nobody has looked, and those that stop somebody now.
pub(super) async fn alerts(call: &Call, now: Timestamp) -> Result<Value, Failed> {
    let access = &call.service.access;
    let waiting = access.alerts(session(call)?, true).await.map_err(|error| failed(&error))?;
    let count = |severity: &str| waiting.iter().filter(|alert| severity_of(alert, now) == severity).count();
    let mut first: Vec<&AlertRow> = waiting.iter().collect();
    first.sort_by_key(|alert| {
        (SEVERITIES.iter().position(|word| *word == severity_of(alert, now)), std::cmp::Reverse(alert.at))
    });
    let rows = first.iter().take(LISTED_MAX).map(|alert| {
        json!({
            "alert": alert.number,
            "severity": severity_of(alert, now),
            "kind": alert.kind,
            "step": alert.step,
            "name": alert.actor,
            "at_ms": alert.at.as_ms(),
            "stops": is_stopping(alert, now),
        })
    });
    Ok(json!({
        "waiting": waiting.len(),
        "high": count("high"),
        "medium": count("medium"),
        "low": count("low"),
        "first": rows.collect::<Vec<_>>(),
    }))
}

/// How much an alert asks for somebody, the most first.
pub(crate) const SEVERITIES: &[&str] = &["high", "medium", "low"];

/// How many stated reasons nobody has reviewed.
pub(super) async fn reasons(call: &Call) -> Result<Value, Failed> {
    let reasons = call.service.access.stated_reasons(session(call)?, true).await;
    Ok(json!({"waiting": reasons.map_err(|error| failed(&error))?.len()}))
}

/// What waits for a second person and could be approved in this office. What one asked for oneself is among it and says so.
pub(super) async fn approvals(call: &Call, may: &[Action]) -> Result<Value, Failed> {
    let (session, mut rows) = (session(call)?, Vec::new());
    let (access, archive) = (&call.service.access, &call.service.archive);
    let mut row = |kind: &str, id: String, by: &ActorId, at_ms: i64| {
        rows.push(json!({"kind": kind, "id": id, "by": by, "since_ms": at_ms, "own": by == session.actor()}));
    };
    if may.contains(&Action::ApprovePolicy) || may.contains(&Action::ActivatePolicy) {
        let overview = access.policies(session).await.map_err(|error| failed(&error))?;
        for version in &overview.versions {
            let office = session.role();
            let is_mine = version.approvals.iter().any(|approval| approval.office == office);
            match version.state {
                PolicyState::Proposed if may.contains(&Action::ApprovePolicy) && !is_mine => {
                    row("policy", version.version.to_string(), &version.by, version.at.as_ms());
                }
                PolicyState::Approved if may.contains(&Action::ActivatePolicy) => {
                    row("policy-activation", version.version.to_string(), &version.by, version.at.as_ms());
                }
                _ => {}
            }
        }
    }
    if may.contains(&Action::ApproveDestruction) {
        let records = archive.destructions(session).await.map_err(|error| failed(&error))?;
        for record in records.iter().filter(|record| record.state == DestructionState::Requested) {
            row("destruction", record.id.clone(), &record.requested_by, record.requested_ms);
        }
    }
    if may.contains(&Action::ApproveRelease) {
        let holds = archive.holds(session).await.map_err(|error| failed(&error))?;
        for hold in holds.iter().filter(|hold| hold.state == HoldState::ReleaseRequested) {
            let by = hold.release.release_requested_by.as_ref().unwrap_or(&hold.placed_by);
            let at_ms = hold.release.release_requested_ms.unwrap_or(hold.placed_ms);
            row("hold-release", hold.id.clone(), by, at_ms);
        }
    }
    if may.contains(&Action::ApproveMaintenance) {
        let sessions = access.maintenance_sessions(session).await.map_err(|error| failed(&error))?;
        for waiting in sessions.iter().filter(|one| one.state == MaintenanceState::Waiting) {
            let maintenance = &waiting.row;
            row(
                "maintenance",
                maintenance.number.to_string(),
                &maintenance.opened_by,
                maintenance.opened.as_ms(),
            );
        }
    }
    Ok(Value::Array(rows))
}

/// What the archive works on by itself.
pub(super) async fn jobs(call: &Call, may: &[Action]) -> Result<Value, Failed> {
    let (session, archive, mut rows) = (session(call)?, &call.service.archive, Vec::new());
    let mut row =
        |kind: &str, what: Option<&str>, done: u64, total: u64, unit: &str, began_ms: Option<i64>| {
            rows.push(json!({
                "kind": kind, "what": what, "done": done, "total": total, "unit": unit, "began_ms": began_ms,
            }));
        };
    if may.contains(&Action::ReadSystem) {
        let status = archive.store().status();
        for replica in status.replicas.iter().filter(|replica| replica.scrub.state == ScrubState::Running) {
            let scrub = &replica.scrub;
            let total = scrub.checked_bytes.saturating_add(scrub.bytes_left);
            row("scrub", Some(&replica.label), scrub.checked_bytes, total, "bytes", scrub.begun_ms);
        }
        let compaction = archive.compaction();
        if compaction.state == CompactionState::Running {
            let total = compaction.packs_seen.saturating_add(compaction.packs_left);
            row("compaction", None, compaction.packs_seen, total, "packs", compaction.begun_ms);
        }
    }
    if may.contains(&Action::ManageKeys) {
        let report = archive.key_report(session).await.map_err(|error| failed(&error))?;
        if let Some(job) = report.rewrap.filter(|job| job.state == RewrapState::Running) {
            row("rewrap", None, job.keys_done, job.keys_total, "keys", Some(job.begun.as_ms()));
        }
    }
    if may.contains(&Action::RequestDestruction) || may.contains(&Action::ApproveDestruction) {
        let records = archive.destructions(session).await.map_err(|error| failed(&error))?;
        let goes_on = |state| {
            !matches!(
                state,
                DestructionState::Requested | DestructionState::Withdrawn | DestructionState::Done
            )
        };
        for record in records.iter().filter(|record| goes_on(record.state)) {
            let done = if record.shredded_ms.is_some() { record.instances } else { 0 };
            row("destruction", Some(&record.id), done, record.instances, "instances", record.decided_ms);
        }
    }
    Ok(Value::Array(rows))
}

// === helpers ===

fn session(call: &Call) -> Result<&Session, Failed> {
    call.session().map_err(|_| Failed)
}

fn is_stopping(alert: &AlertRow, now: Timestamp) -> bool {
    alert.stops.is_some() && alert.lifted.is_none() && alert.stops_until.is_some_and(|until| now < until)
}

/// How much an alert asks for somebody: what stops a person now, a log that is not complete, or a decoy that somebody opened, before
/// emergencies, limits and odd places, and those before scores and notes.
fn severity_of(alert: &AlertRow, now: Timestamp) -> &'static str {
    if is_stopping(alert, now) {
        return "high";
    }
    match alert.kind.as_str() {
        "audit-discrepancy" | "monitor-decoy" => "high",
        "monitor-limit" | "monitor-break-glass" | "monitor-two-places" | "maintenance-opened" => "medium",
        _ => "low",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_model::{ActorKind, Role, Stop};

    fn alert(kind: &str, stops_until: Option<i64>) -> AlertRow {
        AlertRow {
            number: 1,
            kind: kind.to_owned(),
            actor: ActorId::new("somebody").unwrap(),
            actor_kind: ActorKind::Person,
            role: Role::Radiologist,
            step: "note".to_owned(),
            patient: None,
            study: None,
            measure: None,
            counted: 0,
            at_most: 0,
            within_minutes: 0,
            at: Timestamp::from_ms(0),
            explained: None,
            stops: stops_until.map(|_| Stop::Session),
            stops_until: stops_until.map(Timestamp::from_ms),
            lifted: None,
            acknowledged: None,
            verdict: None,
        }
    }

    #[test]
    fn what_stops_somebody_now_comes_first_and_what_stopped_no_more_does_not() {
        let severity = |alert: &AlertRow| severity_of(alert, Timestamp::from_ms(10));
        assert_eq!(severity(&alert("monitor-limit", Some(11))), "high");
        assert_eq!(severity(&alert("monitor-limit", Some(10))), "medium");
        let lifted = Some((Timestamp::from_ms(5), ActorId::new("officer").unwrap()));
        assert_eq!(severity(&AlertRow { lifted, ..alert("monitor-limit", Some(11)) }), "medium");
        assert_eq!(severity(&alert("audit-discrepancy", None)), "high");
        assert_eq!(severity(&alert("monitor-score", None)), "low");
        assert_eq!(severity(&alert("a word of tomorrow", None)), "low");
    }
}
