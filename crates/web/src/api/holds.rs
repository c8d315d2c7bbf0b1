//! Legal holds: placed by the audit administrator, released when the security administrator approves that.

use super::destructions::studies_of;
use super::problems::of_admin;
use crate::dicomweb::problems::of_unavailable;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use yingdun_archive::{HoldError, HoldReason, ReleaseReason};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceBody {
    study: Option<String>,
    patient_id: Option<String>,
    #[serde(default)]
    issuer: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseBody {
    reason: String,
}

/// Places a hold.
pub(crate) async fn place(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: PlaceBody = json_of(body).await?;
    let target = studies_of(body.study.as_deref(), body.patient_id.as_deref(), &body.issuer)?;
    let reason = body.reason.parse().ok().filter(|reason| *reason != HoldReason::FromLog);
    let reason = reason.ok_or_else(|| {
        Problem::bad_request(
            "a reason: litigation, investigation, incident, ordered or trial",
            "another word",
        )
    })?;
    let placed = call.service.archive.place_hold(call.session()?, &target, reason).await;
    Ok(answer::json(StatusCode::CREATED, &json!(placed.map_err(of_hold)?)))
}

/// Every hold: those in force first, and of each the newest.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let holds = call.service.archive.holds(call.session()?).await.map_err(of_hold)?;
    Ok(answer::json(StatusCode::OK, &json!(holds)))
}

/// One hold.
pub(crate) async fn read(call: Call) -> Result<Response<Body>, Problem> {
    let hold = call.service.archive.hold(call.session()?, id(&call)?).await;
    Ok(answer::json(StatusCode::OK, &json!(hold.map_err(of_hold)?)))
}

/// Asks for the release of a hold.
pub(crate) async fn request_release(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: ReleaseBody = json_of(body).await?;
    let reason: ReleaseReason = body
        .reason
        .parse()
        .map_err(|_| Problem::bad_request("a reason: ended, ordered, mistake or trial", "another word"))?;
    let asked = call.service.archive.request_release(call.session()?, id(&call)?, reason).await;
    Ok(answer::json(StatusCode::OK, &json!(asked.map_err(of_hold)?)))
}

/// Approves the release that somebody else asked for.
pub(crate) async fn approve_release(call: Call) -> Result<Response<Body>, Problem> {
    let released = call.service.archive.approve_release(call.session()?, id(&call)?).await;
    Ok(answer::json(StatusCode::OK, &json!(released.map_err(of_hold)?)))
}

/// Takes a request for release back, or refuses it.
pub(crate) async fn withdraw_release(call: Call) -> Result<Response<Body>, Problem> {
    let held = call.service.archive.withdraw_release(call.session()?, id(&call)?).await;
    held.map_err(of_hold)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

// === helpers ===

fn id(call: &Call) -> Result<&str, Problem> {
    call.in_path("hold").ok_or_else(|| Problem::new(Kind::NotFound))
}

fn of_hold(error: HoldError) -> Problem {
    let words = error.to_string();
    match error {
        HoldError::Refused(refused) => of_admin(refused),
        HoldError::NotFound => {
            Problem::new(Kind::NotFound).expected("a study, patient or hold of this institution")
        }
        HoldError::SamePerson => {
            Problem::new(Kind::Forbidden).expected("another person than who asked").came(words)
        }
        HoldError::BeingDestroyed { destruction } => Problem::new(Kind::Conflict)
            .expected("a study or patient of which no destruction is approved")
            .came(format!("destruction {destruction}, which cannot be stopped"))
            .remedy("place the hold again in a moment, for what is left of the patient then"),
        HoldError::State { .. } | HoldError::Overtaken => Problem::new(Kind::Conflict).came(words),
        HoldError::Unavailable(unavailable) => of_unavailable(&unavailable),
    }
}
