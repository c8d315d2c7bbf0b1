//! Destruction: asked for by the security administrator, approved by the audit administrator, carried out by the archive.

use super::problems::of_admin;
use crate::dicomweb::problems::of_unavailable;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::limits::PATIENT_ID_BYTES_MAX;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use yingdun_archive::{DestroyError, DestroyReason, DestructionRecord, RecordedStudy, StudiesOf};
use yingdun_model::Uid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestBody {
    study: Option<String>,
    patient_id: Option<String>,
    #[serde(default)]
    issuer: String,
    reason: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

/// Asks for a destruction, or says what it would be.
pub(crate) async fn request(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: RequestBody = json_of(body).await?;
    let (archive, session) = (&call.service.archive, call.session()?);
    let target = studies_of(body.study.as_deref(), body.patient_id.as_deref(), &body.issuer)?;
    if body.dry_run {
        let plan = archive.plan_destruction(session, &target).await.map_err(of_destroy)?;
        return Ok(answer::json(StatusCode::OK, &planned(&plan)));
    }
    let reason = reason(body.reason.as_deref())?;
    let record = archive.request_destruction(session, &target, reason).await.map_err(of_destroy)?;
    Ok(answer::json(StatusCode::CREATED, &shown(&record)))
}

/// Every destruction, the newest first.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let records = call.service.archive.destructions(call.session()?).await.map_err(of_destroy)?;
    let rows: Vec<Value> = records.iter().map(summed).collect();
    Ok(answer::json(StatusCode::OK, &Value::Array(rows)))
}

/// One destruction, with its record.
pub(crate) async fn read(call: Call) -> Result<Response<Body>, Problem> {
    let record = call.service.archive.destruction(call.session()?, id(&call)?).await;
    Ok(answer::json(StatusCode::OK, &shown(&record.map_err(of_destroy)?)))
}

/// Approves what somebody else asked for.
pub(crate) async fn approve(call: Call) -> Result<Response<Body>, Problem> {
    let record = call.service.archive.approve_destruction(call.session()?, id(&call)?).await;
    Ok(answer::json(StatusCode::OK, &summed(&record.map_err(of_destroy)?)))
}

/// Takes a request back, or refuses it.
pub(crate) async fn withdraw(call: Call) -> Result<Response<Body>, Problem> {
    let withdrawn = call.service.archive.withdraw_destruction(call.session()?, id(&call)?).await;
    withdrawn.map_err(of_destroy)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

// === helpers ===

/// The one study, or the patient, that a body names.
pub(super) fn studies_of(
    study: Option<&str>,
    patient_id: Option<&str>,
    issuer: &str,
) -> Result<StudiesOf, Problem> {
    match (study, patient_id) {
        (Some(study), None) => {
            let uid = Uid::new(study);
            Ok(StudiesOf::Study(uid.map_err(|error| {
                Problem::new(Kind::BadRequest).expected("a Study Instance UID").came(error.to_string())
            })?))
        }
        (None, Some(patient_id)) => {
            let patient_id = patient_id.trim();
            if patient_id.is_empty() || patient_id.len() > PATIENT_ID_BYTES_MAX {
                return Err(Problem::new(Kind::BadRequest).expected("a patient ID"));
            }
            let (issuer, patient_id) = (issuer.trim().to_owned(), patient_id.to_owned());
            Ok(StudiesOf::Patient { issuer, patient_id })
        }
        (None, None) | (Some(_), Some(_)) => {
            Err(Problem::new(Kind::BadRequest).expected("either `study` or `patient_id`"))
        }
    }
}

fn reason(word: Option<&str>) -> Result<DestroyReason, Problem> {
    let asked = word.and_then(|word| word.parse().ok()).filter(|reason| *reason != DestroyReason::FromLog);
    asked.ok_or_else(|| {
        Problem::bad_request(
            "a reason: retention-over, patient-wish, ordered, mistake or trial",
            if word.is_some() { "another word" } else { "none" },
        )
    })
}

fn id(call: &Call) -> Result<&str, Problem> {
    call.in_path("destruction").ok_or_else(|| Problem::new(Kind::NotFound))
}

fn planned(studies: &[RecordedStudy]) -> Value {
    json!({
        "dry_run": true,
        "instances": studies.iter().map(|study| study.instances).sum::<u64>(),
        "bytes": studies.iter().map(|study| study.bytes).sum::<u64>(),
        "studies": studies,
    })
}

fn shown(record: &DestructionRecord) -> Value {
    json!(record)
}

/// A destruction without its studies, for lists.
fn summed(record: &DestructionRecord) -> Value {
    json!({
        "id": record.id,
        "state": record.state,
        "subject": record.subject,
        "reason": record.reason,
        "studies": record.studies.len(),
        "instances": record.instances,
        "bytes": record.bytes,
        "requested_by": record.requested_by,
        "requested_ms": record.requested_ms,
        "decided_by": record.decided_by,
        "decided_ms": record.decided_ms,
        "shredded_ms": record.shredded_ms,
        "epoch": record.epoch,
        "waits_for": record.waits_for,
        "done_ms": record.done_ms,
    })
}

fn of_destroy(error: DestroyError) -> Problem {
    let words = error.to_string();
    match error {
        DestroyError::Refused(refused) => of_admin(refused),
        DestroyError::NotFound => {
            Problem::new(Kind::NotFound).expected("a study, patient or destruction of this institution")
        }
        DestroyError::SamePerson => {
            Problem::new(Kind::Forbidden).expected("another person than who asked").came(words)
        }
        DestroyError::Held { hold } => Problem::new(Kind::Conflict)
            .expected("nothing that is under a legal hold")
            .came(format!("legal hold {hold}"))
            .remedy(format!(
                "have it released first: the audit administrator asks (yingdun hold release {hold}), the security administrator approves"
            )),
        DestroyError::TooMany
        | DestroyError::Settled { .. }
        | DestroyError::Changed
        | DestroyError::Overtaken => Problem::new(Kind::Conflict).came(words),
        DestroyError::Unavailable(unavailable) => of_unavailable(&unavailable),
    }
}
