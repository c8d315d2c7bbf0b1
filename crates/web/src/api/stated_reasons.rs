//! Reasons that people give when the monitor asks why they open a patient, and the review that follows.

use super::grants::patient_of;
use super::problems::of_admin;
use crate::dicomweb::problems::of_unavailable;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use yingdun_access::{Resource, Session, StatedError, StatedRecord};
use yingdun_model::{Action, PatientRef, ReviewVerdict, StatedReason, Uid};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateBody {
    study: Option<String>,
    patient_id: Option<String>,
    #[serde(default)]
    issuer: String,
    code: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReviewBody {
    verdict: String,
    reason: String,
}

/// Takes the reason of whoever asks.
pub(crate) async fn state(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: StateBody = json_of(body).await?;
    let session = call.session()?;
    let code: StatedReason = body.code.parse().map_err(|_| {
        let words: Vec<&str> = StatedReason::ALL.iter().map(|code| code.as_str()).collect();
        Problem::bad_request(format!("a code: {}", words.join(", ")), "another word")
    })?;
    let patient = match (body.study, body.patient_id) {
        (Some(study), None) => patient_of_study(&call, session, &study).await?,
        (None, Some(patient_id)) => patient_of(&call, session, &body.issuer, &patient_id).await?,
        (None, None) | (Some(_), Some(_)) => {
            return Err(Problem::new(Kind::BadRequest).expected("either `study` or `patient_id`"));
        }
    };
    let stated = call.service.access.state_reason(session, patient, code, &body.reason).await;
    Ok(answer::json(StatusCode::CREATED, &shown(&stated.map_err(of_stated)?)))
}

/// The own ones.
pub(crate) async fn own(call: Call) -> Result<Response<Body>, Problem> {
    let stated = call.service.access.own_stated_reasons(call.session()?).await.map_err(of_stated)?;
    Ok(answer::json(StatusCode::OK, &stated.iter().map(shown).collect()))
}

/// Those of everybody.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let new_only = match call.query.one("new")? {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::bad_request("`new` as true or false", "another word")),
    };
    let stated = call.service.access.stated_reasons(call.session()?, new_only).await.map_err(of_stated)?;
    Ok(answer::json(StatusCode::OK, &stated.iter().map(shown).collect()))
}

/// Judges one.
pub(crate) async fn review(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: ReviewBody = json_of(body).await?;
    let verdict: ReviewVerdict = body
        .verdict
        .parse()
        .map_err(|_| Problem::bad_request("a verdict: justified or not-justified", "another word"))?;
    let number = call.in_path("reason").and_then(|word| word.parse().ok());
    let number = number.ok_or_else(|| Problem::new(Kind::NotFound).expected("the number of a reason"))?;
    let access = &call.service.access;
    let stated = access.review_stated_reason(call.session()?, number, verdict, &body.reason).await;
    Ok(answer::json(StatusCode::OK, &shown(&stated.map_err(of_stated)?)))
}

// === helpers ===

/// Whose study it is, for who may view it; nobody else learns whether there is one.
async fn patient_of_study(call: &Call, session: &Session, study: &str) -> Result<PatientRef, Problem> {
    let uid = Uid::new(study.trim())
        .map_err(|_| Problem::new(Kind::BadRequest).expected("a Study Instance UID as `study`"))?;
    let facts = call.service.archive.facts_of_study(session.institution(), &uid).await;
    let nothing = || Problem::new(Kind::NotFound).expected("a study that the asker may view");
    let facts = facts.map_err(|error| of_unavailable(&error))?.ok_or_else(nothing)?;
    let patient = facts.patient;
    let decided = call.service.access.decide(session, Action::View, &Resource::Study(facts)).await;
    let decided = decided.map_err(|refusal| super::problems::of_refusal(&refusal))?;
    if decided.permitted { Ok(patient) } else { Err(nothing()) }
}

fn shown(stated: &StatedRecord) -> Value {
    let (row, review) = (&stated.row, stated.row.review.as_ref());
    json!({
        "reason": row.number,
        "name": row.actor,
        "role": row.role,
        "patient": row.patient,
        "code": row.code.as_str(),
        "words": stated.words,
        "given_ms": row.given,
        "valid_until_ms": row.valid_until,
        "holds": stated.holds,
        "reviewed_by": review.map(|review| &review.by),
        "reviewed_ms": review.map(|review| review.at),
        "verdict": review.map(|review| review.verdict.as_str()),
        "review_words": stated.review_words,
    })
}

fn of_stated(error: StatedError) -> Problem {
    let words = error.to_string();
    match error {
        StatedError::Admin(error) => of_admin(error),
        StatedError::NotAPerson => Problem::new(Kind::Forbidden).expected("a person").came(words),
        StatedError::SamePerson => Problem::new(Kind::Forbidden).expected("another person").came(words),
        StatedError::Words => Problem::new(Kind::BadRequest).expected(words),
        StatedError::NotFound => Problem::new(Kind::NotFound).expected("a reason of this institution"),
        StatedError::TooMany | StatedError::State => Problem::new(Kind::Conflict).came(words),
        // The list may grow below us; what we do not know yet is not the client's fault.
        other => super::problems::unavailable(&other),
    }
}
