//! What a change of rules would change, and which rights nobody uses. Each reading is a leaf before the answer.

use super::audit::parsed;
use super::policies::{number, of_policy};
use super::problems::of_admin;
use crate::http::answer;
use crate::http::problem::Problem;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use yingdun_access::{Listed, PolicyComparison, PolicyReplay, UNUSED_DAYS_MAX, UnusedRights};
use yingdun_audit::Cursor;
use yingdun_model::Action;

/// How far back unused rights are looked for unless something else is said: a quarter of a year, in which everybody was at work.
const UNUSED_DAYS: u32 = 90;

/// What a version newly forbids and allows.
pub(crate) async fn compare(call: Call) -> Result<Response<Body>, Problem> {
    let version = number(&call, "policy")?;
    let found = call.service.access.compare_policy(call.session()?, version).await.map_err(of_policy)?;
    Ok(answer::json(StatusCode::OK, &compared(version, &found)))
}

/// What it would have changed in the last thirty days.
pub(crate) async fn replay(call: Call) -> Result<Response<Body>, Problem> {
    let version = number(&call, "policy")?;
    let cursor = parsed::<Cursor>(&call, "cursor", "what the last page gave as the next one")?;
    let found = call.service.access.replay_policy(call.session()?, version, cursor).await;
    let mut answer = replayed(version, &found.map_err(of_policy)?);
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("logs".to_owned(), json!(logs(&call).await?));
    }
    Ok(answer::json(StatusCode::OK, &answer))
}

/// What nobody used.
pub(crate) async fn unused(call: Call) -> Result<Response<Body>, Problem> {
    let days = parsed::<u32>(&call, "days", "a number of days")?.unwrap_or(UNUSED_DAYS);
    if days == 0 || days > UNUSED_DAYS_MAX {
        return Err(Problem::bad_request(format!("1 to {UNUSED_DAYS_MAX} days"), days.to_string()));
    }
    let found = call.service.access.unused_rights(call.session()?, days).await.map_err(of_admin)?;
    Ok(answer::json(StatusCode::OK, &of_unused(days, &found, logs(&call).await?)))
}

// === helpers ===

/// How many logs the installation has: each node reads its own.
async fn logs(call: &Call) -> Result<u64, Problem> {
    let logs = call.service.archive.audit_logs(call.session()?.institution()).await;
    logs.map(|logs| logs as u64).map_err(|error| crate::dicomweb::problems::of_unavailable(&error))
}

fn compared(version: u64, found: &PolicyComparison) -> Value {
    let changes: Vec<Value> = found
        .changes
        .iter()
        .map(|change| {
            json!({
                "role": change.role,
                "action": change.action,
                "newly_forbidden": change.forbidden,
                "of_these_in_emergency": change.forbidden_in_emergency,
                "newly_allowed": change.allowed,
            })
        })
        .collect();
    let examples: Vec<Value> = found
        .examples
        .iter()
        .map(|example| {
            json!({
                "newly": if example.allowed { "allowed" } else { "forbidden" },
                "role": example.role,
                "action": example.action,
                "by": example.by.as_str(),
                "purpose": example.purpose,
                "grade": example.grade,
                "received_today": example.today,
                "second_factor": example.strong,
                "tls": example.tls,
                "address": example.address,
            })
        })
        .collect();
    json!({
        "version": version,
        "questions": found.questions,
        "asked": found.asked,
        "changes": changes,
        "examples": examples,
    })
}

fn replayed(version: u64, found: &PolicyReplay) -> Value {
    let changes: Vec<Value> = found
        .changes
        .iter()
        .map(|change| {
            json!({
                "role": change.role,
                "action": change.action,
                "refused": change.refused,
                "perhaps_refused": change.perhaps_refused,
                "perhaps_allowed": change.perhaps_allowed,
            })
        })
        .collect();
    let examples: Vec<Value> = found
        .examples
        .iter()
        .map(|example| {
            json!({
                "index": example.index,
                "at_ms": example.at,
                "role": example.role,
                "action": example.action,
                "study": example.study,
                "outlook": example.outlook,
            })
        })
        .collect();
    json!({
        "version": version,
        "log": found.log,
        "from_ms": found.from,
        "reached_ms": found.reached,
        "leaves": found.leaves,
        "decisions": found.decisions,
        "unknown": found.unknown,
        "actors": found.actors,
        "changes": changes,
        "examples": examples,
        "next": found.next.map(|next| next.to_string()),
    })
}

fn of_unused(days: u32, found: &UnusedRights, logs: u64) -> Value {
    fn list<T>(of: &Listed<T>, row: impl Fn(&T) -> Value) -> Value {
        json!({"count": of.count, "first": of.first.iter().map(row).collect::<Vec<_>>()})
    }
    // Nothing is proposed while something was not read: other logs may tell of it.
    let is_whole = found.is_whole && logs <= 1;
    let actions: Vec<Value> = found
        .actions
        .iter()
        .map(|(role, action, holders)| {
            json!({
                "role": role,
                "action": action,
                "holders": holders,
                "suggestion": is_whole.then(|| suggestion(days, role.as_str(), *action)),
            })
        })
        .collect();
    json!({
        "days": days,
        "log": found.log,
        "logs": logs,
        "from_ms": found.from,
        "reached_ms": found.reached,
        "is_whole": is_whole,
        "leaves": found.leaves,
        "accounts": list(&found.accounts, |(kind, actor)| json!({"kind": kind, "name": actor})),
        "roles": list(&found.roles, |(actor, role)| json!({"name": actor, "role": role})),
        "actions": actions,
        "care_relations": list(&found.care, |(actor, patient)| json!({"name": actor, "patient": patient})),
        "grants": list(&found.grants, |(grant, actor)| json!({"grant": grant, "name": actor})),
    })
}

/// A sentence for a person, in both languages.
#[derive(Serialize)]
struct Suggestion {
    en: String,
    zh: String,
}

fn suggestion(days: u32, role: &str, action: Action) -> Suggestion {
    Suggestion {
        en: format!("In {days} days nobody in the role {role} used {action}: a rule may forbid it."),
        zh: format!("{days} 天内没有人以角色 {role} 使用过 {action}：可以用规则禁止。"),
    }
}
