//! Maintenance sessions of vendors: opened by one officer, approved by another, ended by either.

use super::accounts::actor;
use super::grants::minutes;
use super::problems::{of_admin, unavailable};
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use yingdun_access::{MAINTENANCE_TIME, MaintenanceError, MaintenanceRecord, NewMaintenance};
use yingdun_model::{MaintenanceScope, Timestamp};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenBody {
    name: String,
    scopes: Vec<MaintenanceScope>,
    reason: String,
    from_ms: Option<i64>,
    minutes: Option<u64>,
}

/// Opens a session, which waits for its approval.
pub(crate) async fn open(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: OpenBody = json_of(body).await?;
    let new = NewMaintenance {
        actor: actor(&body.name)?,
        scopes: body.scopes.into_iter().collect(),
        from: body.from_ms.map(Timestamp::from_ms),
        lasts: minutes(body.minutes, MAINTENANCE_TIME),
        words: body.reason,
    };
    let opened = call.service.access.open_maintenance(call.session()?, new).await.map_err(of_maintenance)?;
    Ok(answer::json(StatusCode::CREATED, &shown(&opened)))
}

/// Sessions, the newest first.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let all = call.service.access.maintenance_sessions(call.session()?).await.map_err(of_maintenance)?;
    Ok(answer::json(StatusCode::OK, &Value::Array(all.iter().map(shown).collect())))
}

/// One session.
pub(crate) async fn read(call: Call) -> Result<Response<Body>, Problem> {
    let one = call.service.access.maintenance_session(call.session()?, number(&call)?).await;
    Ok(answer::json(StatusCode::OK, &shown(&one.map_err(of_maintenance)?)))
}

/// Approves a session.
pub(crate) async fn approve(call: Call) -> Result<Response<Body>, Problem> {
    let approved = call.service.access.approve_maintenance(call.session()?, number(&call)?).await;
    Ok(answer::json(StatusCode::OK, &shown(&approved.map_err(of_maintenance)?)))
}

/// Ends a session now.
pub(crate) async fn end(call: Call) -> Result<Response<Body>, Problem> {
    let ended = call.service.access.end_maintenance(call.session()?, number(&call)?).await;
    Ok(answer::json(StatusCode::OK, &shown(&ended.map_err(of_maintenance)?)))
}

// === helpers ===

fn number(call: &Call) -> Result<u64, Problem> {
    let number = call.in_path("maintenance").and_then(|word| word.parse().ok());
    number.ok_or_else(|| Problem::new(Kind::NotFound).expected("the number of a maintenance session"))
}

/// A session as people see it.
fn shown(record: &MaintenanceRecord) -> Value {
    let MaintenanceRecord { row, words, state } = record;
    json!({
        "maintenance": row.number,
        "name": row.actor,
        "scopes": row.scopes,
        "reason": words,
        "state": state.as_str(),
        "opened_by": row.opened_by,
        "opened_ms": row.opened,
        "approved_by": row.approved.as_ref().map(|(by, _)| by),
        "approved_ms": row.approved.as_ref().map(|(_, at)| at),
        "valid_from_ms": row.valid_from,
        "valid_until_ms": row.valid_until,
        "ended_ms": row.ended,
        "ended_by": row.ended_by,
    })
}

fn of_maintenance(error: MaintenanceError) -> Problem {
    let words = error.to_string();
    match error {
        MaintenanceError::Admin(error) => of_admin(error),
        MaintenanceError::NotFound => {
            Problem::new(Kind::NotFound).expected("a person or maintenance session of this institution")
        }
        MaintenanceError::NoVendor => Problem::new(Kind::Forbidden)
            .expected(words)
            .remedy("give the role with `yingdun role grant NAME vendor` to an account that has no other"),
        MaintenanceError::SamePerson => Problem::new(Kind::Forbidden).expected("another person").came(words),
        MaintenanceError::Time => Problem::new(Kind::Unprocessable).expected(words),
        MaintenanceError::Scope | MaintenanceError::Words => Problem::new(Kind::BadRequest).expected(words),
        MaintenanceError::TooMany | MaintenanceError::State => Problem::new(Kind::Conflict).came(words),
        // The list may grow below us; what we do not know yet is not the client's fault.
        other => unavailable(&other),
    }
}
