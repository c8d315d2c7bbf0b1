//! What programs and people follow of studies beside searching: events, and what somebody has to look at.

use crate::dicomweb::problems::of_find;
use crate::http::answer;
use crate::http::problem::Problem;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use std::str::FromStr;
use std::time::Duration;
use yingdun_archive::{CONFLICTS_MAX, Conflict, EVENTS_WAIT_MAX, EventsRequest, StudyEvent};

/// Events in one answer unless another number is asked for.
const EVENTS_DEFAULT: u32 = 100;

/// What happened to studies, behind a number.
pub(crate) async fn events(call: Call) -> Result<Response<Body>, Problem> {
    let request = EventsRequest {
        after: parsed(&call, "after", "the number of an event")?.unwrap_or(0),
        limit: parsed(&call, "limit", "a number of events")?.unwrap_or(EVENTS_DEFAULT),
        wait: Duration::from_secs(parsed(&call, "wait", "a number of seconds")?.unwrap_or(0))
            .min(EVENTS_WAIT_MAX),
    };
    let found = call.service.archive.events(call.session()?, request).await.map_err(of_find)?;
    let events: Vec<Value> = found.events.iter().map(event).collect();
    Ok(answer::json(StatusCode::OK, &json!({ "events": events, "next": found.next })))
}

/// Studies that somebody has to look at.
pub(crate) async fn conflicts(call: Call) -> Result<Response<Body>, Problem> {
    let limit = parsed(&call, "limit", "a number of studies")?.unwrap_or(CONFLICTS_MAX);
    let found = call.service.archive.conflicts(call.session()?, limit).await.map_err(of_find)?;
    let studies = |conflicts: &[Conflict]| {
        let study = |one: &Conflict| json!({"study_uid": one.uid.as_str(), "study": one.study.to_string()});
        conflicts.iter().map(study).collect::<Vec<Value>>()
    };
    let accessions: Vec<Value> = found.accessions.iter().map(|group| studies(group).into()).collect();
    let body = json!({ "patients": studies(&found.patients), "accessions": accessions });
    Ok(answer::json(StatusCode::OK, &body))
}

// === helpers ===

fn event(event: &StudyEvent) -> Value {
    json!({
        "sequence": event.sequence,
        "kind": event.kind,
        "at_ms": event.at.as_ms(),
        "study_uid": event.uid.as_str(),
        "study": event.study.to_string(),
        "series": event.series,
        "instances": event.instances,
        "patient_conflict": event.patient_conflict,
        "accession_conflict": event.accession_conflict,
    })
}

fn parsed<T: FromStr>(call: &Call, name: &str, expected: &str) -> Result<Option<T>, Problem> {
    let text = call.query.one(name)?;
    text.map(|text| text.parse().map_err(|_| Problem::bad_request(expected, text))).transpose()
}
