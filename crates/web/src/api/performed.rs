//! Performed procedure steps: what modalities report to have done, and how much of it has arrived.

use super::worklist::{days, parsed};
use crate::dicomweb::problems::{of_unavailable, refused};
use crate::http::answer;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use yingdun_archive::{PerformedError, PerformedRequest, PerformedStep};
use yingdun_model::Uid;

/// Steps in one answer unless another number is asked for, and at most.
const STEPS_DEFAULT: u32 = 100;
const STEPS_MAX: u32 = 1_000;

/// Steps that fit all conditions, the newest first.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let study = call.query.one("study")?.map(Uid::new).transpose();
    let request = PerformedRequest {
        study: study.map_err(|_| Problem::bad_request("a Study Instance UID", "something else"))?,
        state: parsed(&call, "state", "in-progress, completed or discontinued")?,
        station: parsed(&call, "station", "an AE title")?,
        days: days(&call)?,
        after: parsed(&call, "after", "a step as 32 hexadecimal digits")?,
        limit: parsed(&call, "limit", "a number of steps")?.unwrap_or(STEPS_DEFAULT).min(STEPS_MAX),
    };
    let steps = call.service.archive.performed_steps(call.session()?, &request).await;
    let steps: Vec<Value> = steps.map_err(of_performed)?.iter().map(told).collect();
    Ok(answer::json(StatusCode::OK, &Value::Array(steps)))
}

/// One step with its series, and how many instances of each have arrived.
pub(crate) async fn read(call: Call) -> Result<Response<Body>, Problem> {
    let text = call.in_path("performed").unwrap_or_default();
    let step = text.parse().map_err(|_| Problem::bad_request("a step as 32 hexadecimal digits", text))?;
    let (step, series) =
        call.service.archive.performed_step(call.session()?, step).await.map_err(of_performed)?;
    let mut document = told(&step);
    if let Value::Object(members) = &mut document {
        let series = series
            .into_iter()
            .map(|of| json!({ "series": of.series, "referenced": of.referenced, "arrived": of.arrived }));
        members.insert("series".to_owned(), series.collect());
    }
    Ok(answer::json(StatusCode::OK, &document))
}

// === helpers ===

fn told(step: &PerformedStep) -> Value {
    json!({
        "step": step.reference.to_string(),
        "state": step.state.as_str(),
        "reporter": step.reporter.as_str(),
        "attributes": step.attributes,
    })
}

fn of_performed(error: PerformedError) -> Problem {
    match error {
        PerformedError::Refused { reason } => refused(&reason),
        PerformedError::NotFound => Problem::new(Kind::NotFound).expected("a performed step"),
        // Of reports, which do not come in here.
        PerformedError::Report(_)
        | PerformedError::Exists
        | PerformedError::Ended
        | PerformedError::OfAnother => Problem::new(Kind::Conflict).came(error.to_string()),
        PerformedError::Unavailable(unavailable) => of_unavailable(&unavailable),
    }
}
