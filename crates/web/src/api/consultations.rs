//! Consultations of remote experts: assigned by who may open the same, completed by the expert, withdrawn.

use super::accounts::actor;
use super::grants::{minutes, of_grant, on_what};
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use yingdun_access::{CONSULTATION_TIME, GrantRecord, Granted, NewConsultation, consultation_end};

/// The patient is named in the body and never in a path, so that no patient ID ends up in a log of addresses.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssignBody {
    name: String,
    study: Option<String>,
    patient_id: Option<String>,
    #[serde(default)]
    issuer: String,
    reason: String,
    minutes: Option<u64>,
}

/// Assigns a consultation.
pub(crate) async fn assign(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: AssignBody = json_of(body).await?;
    let session = call.session()?;
    let expert = actor(&body.name)?;
    let study = body.study.as_deref();
    let (on, is_known) = on_what(&call, session, study, body.patient_id.as_deref(), &body.issuer).await?;
    let lasts = minutes(body.minutes, CONSULTATION_TIME);
    let new = NewConsultation { expert, on, is_known, lasts, words: body.reason };
    let assigned = call.service.access.assign_consultation(session, new).await.map_err(of_grant)?;
    Ok(answer::json(StatusCode::CREATED, &shown(&assigned)))
}

/// Consultations: of everybody for officers, otherwise those that the asker has or assigned.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let all = call.service.access.consultations(call.session()?).await.map_err(of_grant)?;
    Ok(answer::json(StatusCode::OK, &Value::Array(all.iter().map(shown).collect())))
}

/// One consultation.
pub(crate) async fn read(call: Call) -> Result<Response<Body>, Problem> {
    let one = call.service.access.consultation(call.session()?, number(&call)?).await.map_err(of_grant)?;
    Ok(answer::json(StatusCode::OK, &shown(&one)))
}

/// The expert says that the report is done.
pub(crate) async fn complete(call: Call) -> Result<Response<Body>, Problem> {
    let (session, number) = (call.session()?, number(&call)?);
    let ended = call.service.access.complete_consultation(session, number).await.map_err(of_grant)?;
    Ok(answer::json(StatusCode::OK, &shown(&ended)))
}

/// Takes a consultation back.
pub(crate) async fn withdraw(call: Call) -> Result<Response<Body>, Problem> {
    let (session, number) = (call.session()?, number(&call)?);
    let ended = call.service.access.withdraw_consultation(session, number).await.map_err(of_grant)?;
    Ok(answer::json(StatusCode::OK, &shown(&ended)))
}

// === helpers ===

fn number(call: &Call) -> Result<u64, Problem> {
    let number = call.in_path("consultation").and_then(|word| word.parse().ok());
    number.ok_or_else(|| Problem::new(Kind::NotFound).expected("the number of a consultation"))
}

/// A consultation as people see it.
fn shown(record: &GrantRecord) -> Value {
    let GrantRecord { grant, words, open, .. } = record;
    let (study, patient) = match grant.on {
        Granted::Study(study) => (Some(study), None),
        Granted::Patient(patient) => (None, Some(patient)),
    };
    json!({
        "consultation": grant.number,
        "name": grant.actor,
        "study": study,
        "patient": patient,
        "reason": words,
        "assigned_by": grant.given_by,
        "assigned_ms": grant.given,
        "valid_from_ms": grant.valid_from,
        "valid_until_ms": grant.valid_until,
        "open": open,
        "ended_ms": grant.ended,
        "ended_by": grant.ended_by,
        "end": consultation_end(record),
    })
}
