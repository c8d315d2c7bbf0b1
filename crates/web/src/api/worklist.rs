//! The modality worklist: what is to be done, entered by people and programs in the DICOM JSON model.

use crate::dicomweb::problems::{of_unavailable, refused};
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value, json};
use std::ops::RangeInclusive;
use std::str::FromStr;
use yingdun_archive::{Date, WorklistError, WorklistRequest};
use yingdun_model::{StepRef, StepState};

/// Steps in one answer unless another number is asked for, and at most.
const STEPS_DEFAULT: u32 = 100;
const STEPS_MAX: u32 = 1_000;

/// The steps of some days in one state, the earliest first.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let days = days(&call)?;
    let expected = "scheduled, started, completed, discontinued or cancelled";
    let state = parsed(&call, "state", expected)?.unwrap_or(StepState::Scheduled);
    let limit = parsed(&call, "limit", "a number of steps")?.unwrap_or(STEPS_DEFAULT).min(STEPS_MAX);
    let request = WorklistRequest { state, days, limit };
    let steps = call.service.archive.worklist(call.session()?, &request).await.map_err(of_worklist)?;
    let steps: Vec<Value> = steps
        .into_iter()
        .map(|step| {
            json!({
                "step": step.reference.to_string(),
                "state": step.state.as_str(),
                "attributes": step.attributes,
            })
        })
        .collect();
    Ok(answer::json(StatusCode::OK, &Value::Array(steps)))
}

/// Enters a step.
pub(crate) async fn enter(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let attributes: Map<String, Value> = json_of(body).await?;
    let step = call.service.archive.enter_step(call.session()?, attributes).await.map_err(of_worklist)?;
    Ok(answer::json(StatusCode::CREATED, &json!({ "step": step.to_string() })))
}

/// Describes a step anew.
pub(crate) async fn replace(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let attributes: Map<String, Value> = json_of(body).await?;
    let step = step_in_path(&call)?;
    call.service.archive.replace_step(call.session()?, step, attributes).await.map_err(of_worklist)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Cancels a step.
pub(crate) async fn cancel(call: Call) -> Result<Response<Body>, Problem> {
    let step = step_in_path(&call)?;
    call.service.archive.cancel_step(call.session()?, step).await.map_err(of_worklist)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

// === helpers ===

/// The days from `from` until `until`; nothing where neither is asked for.
pub(super) fn days(call: &Call) -> Result<Option<RangeInclusive<Date>>, Problem> {
    let day = |name| parsed::<Day>(call, name, "a day as YYYYMMDD").map(|day| day.map(|day| day.0));
    Ok(match (day("from")?, day("until")?) {
        (None, None) => None,
        (from, until) => Some(from.unwrap_or(Date::MIN)..=until.unwrap_or(Date::MAX)),
    })
}

/// A day of a query.
struct Day(Date);

impl FromStr for Day {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Date::parse(text).map(Self).ok_or(())
    }
}

fn step_in_path(call: &Call) -> Result<StepRef, Problem> {
    let text = call.in_path("step").unwrap_or_default();
    text.parse().map_err(|_| Problem::bad_request("a step as 32 hexadecimal digits", text))
}

/// A parameter of the query; nothing where it is not asked for.
pub(super) fn parsed<T: FromStr>(call: &Call, name: &str, expected: &str) -> Result<Option<T>, Problem> {
    let text = call.query.one(name)?;
    text.map(|text| text.parse().map_err(|_| Problem::bad_request(expected, text))).transpose()
}

pub(super) fn of_worklist(error: WorklistError) -> Problem {
    match error {
        WorklistError::Refused { reason } => refused(&reason),
        WorklistError::Item(what) => Problem::bad_request("an item of a worklist (PS3.4 table K.6-1)", what),
        WorklistError::Exists => Problem::new(Kind::Conflict)
            .expected("a new step")
            .came(error.to_string())
            .remedy("describe it anew with PUT"),
        WorklistError::NotFound => Problem::new(Kind::NotFound).expected("a step that waits or is begun"),
        WorklistError::TooBroad => Problem::new(Kind::BadRequest).expected("a narrower search"),
        WorklistError::Unavailable(unavailable) => of_unavailable(&unavailable),
    }
}
