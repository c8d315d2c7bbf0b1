//! Broken glass: one patient, opened in an emergency, and the review that follows.

use super::grants::{minutes, number, of_grant, patient_of, shown};
use crate::dicomweb::problems::of_unavailable;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::Problem;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use yingdun_access::{BrokenGlass, NewBreakGlass};
use yingdun_model::{BreakGlassReason, GrantKind, ReviewVerdict, Secret};

/// How long glass stays broken unless something else is said: a look, a consult, a treatment that begins.
const MINUTES_DEFAULT: Duration = Duration::from_secs(3600);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BreakBody {
    patient_id: String,
    #[serde(default)]
    issuer: String,
    code: String,
    reason: String,
    minutes: Option<u64>,
    password: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReviewBody {
    verdict: String,
    reason: String,
}

/// Breaks the glass for one patient.
pub(crate) async fn open(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: BreakBody = json_of(body).await?;
    let session = call.session()?;
    let reason: BreakGlassReason = body.code.parse().map_err(|_| {
        Problem::bad_request(
            "a code: emergency-treatment, unconscious-patient, on-call-cover, system-failure or other",
            "another word",
        )
    })?;
    let patient = patient_of(&call, session, &body.issuer, &body.patient_id).await?;
    let knows = call.service.archive.knows_patient(session.institution(), patient).await;
    let new = NewBreakGlass {
        patient,
        is_known: knows.map_err(|unavailable| of_unavailable(&unavailable))?,
        reason,
        words: body.reason,
        lasts: minutes(body.minutes, MINUTES_DEFAULT),
        password: body.password.map(Secret::new),
    };
    let BrokenGlass { record, quota } =
        call.service.access.break_glass(session, new).await.map_err(of_grant)?;
    tracing::warn!(case = record.grant.number, code = record.grant.reason, "somebody broke the glass");
    let mut case = shown(&record);
    if let Value::Object(fields) = &mut case {
        let left = json!({
            "marks": quota.marks, "per_day": quota.per_day, "used": quota.used.saturating_add(1),
            "minutes_max": quota.time_max.as_secs() / 60, "ends_others": quota.ends_others,
        });
        fields.insert("quota".to_owned(), left);
    }
    Ok(answer::json(StatusCode::CREATED, &case))
}

/// Cases: of everybody for who reviews them, otherwise the own ones.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let cases = call.service.access.broken_glass(call.session()?).await.map_err(of_grant)?;
    Ok(answer::json(StatusCode::OK, &Value::Array(cases.iter().map(shown).collect())))
}

/// One case.
pub(crate) async fn read(call: Call) -> Result<Response<Body>, Problem> {
    let case = call.service.access.break_glass_case(call.session()?, number(&call)?).await;
    Ok(answer::json(StatusCode::OK, &shown(&case.map_err(of_grant)?)))
}

/// Ends it before its time. The review is due all the same.
pub(crate) async fn end(call: Call) -> Result<Response<Body>, Problem> {
    let (session, number) = (call.session()?, number(&call)?);
    let ended = call.service.access.revoke_grant(session, GrantKind::BreakGlass, number).await;
    Ok(answer::json(StatusCode::OK, &shown(&ended.map_err(of_grant)?)))
}

/// Judges a case.
pub(crate) async fn review(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: ReviewBody = json_of(body).await?;
    let verdict: ReviewVerdict = body
        .verdict
        .parse()
        .map_err(|_| Problem::bad_request("a verdict: justified or not-justified", "another word"))?;
    let reviewed =
        call.service.access.review_break_glass(call.session()?, number(&call)?, verdict, &body.reason).await;
    Ok(answer::json(StatusCode::OK, &shown(&reviewed.map_err(of_grant)?)))
}
