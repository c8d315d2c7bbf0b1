//! Alerts of the monitor: reading them, judging them, and lifting what they stopped.

use super::problems::of_admin;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use yingdun_access::{AlertError, AlertRow};
use yingdun_model::AlertVerdict;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AcknowledgeBody {
    verdict: Option<String>,
}

/// Alerts, the newest first.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let new_only = match call.query.one("new")? {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::bad_request("`new` as true or false", "another word")),
    };
    let alerts = call.service.access.alerts(call.session()?, new_only).await.map_err(of_alert)?;
    Ok(answer::json(StatusCode::OK, &Value::Array(alerts.iter().map(shown).collect())))
}

/// One alert.
pub(crate) async fn read(call: Call) -> Result<Response<Body>, Problem> {
    let alert = call.service.access.alert(call.session()?, number(&call)?).await.map_err(of_alert)?;
    Ok(answer::json(StatusCode::OK, &shown(&alert)))
}

/// Notes that somebody looked at it, and what was found.
pub(crate) async fn acknowledge(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: AcknowledgeBody = json_of(body).await?;
    let verdict = body.verdict.map(|word| word.parse::<AlertVerdict>()).transpose().map_err(|_| {
        Problem::bad_request("a verdict: true-positive or false-positive, or none", "another word")
    })?;
    let alert = call.service.access.acknowledge_alert(call.session()?, number(&call)?, verdict).await;
    Ok(answer::json(StatusCode::OK, &shown(&alert.map_err(of_alert)?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FreezeBody {
    reason: String,
}

/// Freezes the person of an alert.
pub(crate) async fn freeze(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: FreezeBody = json_of(body).await?;
    let frozen = call.service.access.freeze(call.session()?, number(&call)?, &body.reason).await;
    Ok(answer::json(StatusCode::CREATED, &shown(&frozen.map_err(of_alert)?)))
}

/// Lifts what is stopped for the person of an alert.
pub(crate) async fn lift(call: Call) -> Result<Response<Body>, Problem> {
    let alert = call.service.access.lift_stop(call.session()?, number(&call)?).await.map_err(of_alert)?;
    Ok(answer::json(StatusCode::OK, &shown(&alert)))
}

// === helpers ===

fn number(call: &Call) -> Result<u64, Problem> {
    let number = call.in_path("alert").and_then(|word| word.parse().ok());
    number.ok_or_else(|| Problem::new(Kind::NotFound).expected("the number of an alert"))
}

fn shown(alert: &AlertRow) -> Value {
    let (lifted, acknowledged) = (alert.lifted.as_ref(), alert.acknowledged.as_ref());
    json!({
        "alert": alert.number,
        "kind": alert.kind,
        "name": alert.actor,
        "actor_kind": alert.actor_kind,
        "role": alert.role,
        "step": alert.step,
        "patient": alert.patient,
        "study": alert.study,
        "measure": alert.measure,
        "counted": alert.counted,
        "at_most": alert.at_most,
        "within_minutes": alert.within_minutes,
        "at_ms": alert.at,
        "stops": alert.stops,
        "stops_until_ms": alert.stops_until,
        "lifted_ms": lifted.map(|(at, _)| at),
        "lifted_by": lifted.map(|(_, by)| by),
        "acknowledged_ms": acknowledged.map(|(at, _)| at),
        "acknowledged_by": acknowledged.map(|(_, by)| by),
        "verdict": alert.verdict,
        "explained": alert.explained.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()),
    })
}

fn of_alert(error: AlertError) -> Problem {
    let words = error.to_string();
    match error {
        AlertError::Admin(error) => of_admin(error),
        AlertError::NotFound => Problem::new(Kind::NotFound).expected("an alert of this institution"),
        AlertError::SamePerson => Problem::new(Kind::Forbidden).expected("another person").came(words),
        AlertError::Words => Problem::new(Kind::BadRequest).expected(words),
        AlertError::NotAPerson | AlertError::LastLifter | AlertError::Frozen => {
            Problem::new(Kind::Conflict).came(words)
        }
        AlertError::State => Problem::new(Kind::Conflict).came(words),
        // The list may grow below us; what we do not know yet is not the client's fault.
        other => super::problems::unavailable(&other),
    }
}
