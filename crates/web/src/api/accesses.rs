//! Who looked at images: of a patient or a study, for the audit administrator and whoever answers a patient; and of oneself, for everybody who signs in.
//! Both are leaves before the answer.

use super::across::{Search, search};
use super::audit::{authorise, count, parsed};
use super::grants::patient_of;
use super::problems::unavailable;
use crate::dicomweb::problems::of_unavailable;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use yingdun_audit::across::Walk;
use yingdun_audit::{Counts, Event, EventKind, Filter, LoggedLeaf, Outcome, ReasonCode};
use yingdun_model::{Action, ActorKind, Grade, PatientRef, StudyRef, Timestamp, Uid};

/// Whose images, and which page. A body, because a patient ID does not belong into addresses, which proxies write down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    study_uid: Option<String>,
    study: Option<StudyRef>,
    patient: Option<PatientRef>,
    patient_id: Option<String>,
    #[serde(default)]
    issuer: String,
    from_ms: Option<i64>,
    until_ms: Option<i64>,
    limit: Option<usize>,
    cursor: Option<String>,
    log: Option<String>,
}

/// Whether the archive knows the patient or the study: where it does not, nothing found says nothing.
const KNOWN: HeaderName = HeaderName::from_static("yingdun-known");

/// Who looked at the images of a patient or a study, and who was refused.
pub(crate) async fn of_images(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let asked: Asked = json_of(body).await?;
    let leaf = authorise(&call).await?;
    let session = call.session()?;
    let institution = session.institution();
    let mut filter = Filter {
        institution: Some(institution.clone()),
        kinds: vec![EventKind::Access],
        from: asked.from_ms.map(Timestamp::from_ms),
        until: asked.until_ms.map(Timestamp::from_ms),
        ..Filter::default()
    };
    let archive = &call.service.archive;
    // What the catalogue cannot say now is left open: the log answers without it. What is under special care must not show by being there.
    let mut known = None;
    match (asked.study_uid, asked.study, asked.patient, asked.patient_id) {
        (Some(uid), None, None, None) => {
            let uid = Uid::new(&uid)
                .map_err(|_| Problem::new(Kind::BadRequest).expected("a UID as `study_uid`"))?;
            let reference = archive.study_reference(institution, &uid).await;
            let facts = archive.facts_of_study(institution, &uid).await.ok();
            known = facts.map(|facts| facts.is_some_and(|facts| facts.grade != Grade::L5));
            filter.study = Some(reference.map_err(|error| of_unavailable(&error))?);
        }
        (None, Some(study), None, None) => filter.study = Some(study),
        (None, None, Some(patient), None) => {
            known = archive.knows_patient_to_grant(institution, patient).await.ok();
            filter.patient = Some(patient);
        }
        (None, None, None, Some(patient_id)) => {
            let patient = patient_of(&call, session, &asked.issuer, &patient_id).await?;
            known = archive.knows_patient_to_grant(institution, patient).await.ok();
            filter.patient = Some(patient);
        }
        _ => {
            return Err(Problem::new(Kind::BadRequest)
                .expected("one of `study_uid`, `study`, `patient` and `patient_id`"));
        }
    }
    let from = asked.cursor.map(|text| text.parse::<Walk>()).transpose();
    let from = from.map_err(|error| Problem::new(Kind::BadRequest).expected(error.to_string()))?;
    let limit = asked.limit.unwrap_or(limits::AUDIT_LEAVES_DEFAULT).min(limits::AUDIT_LEAVES_MAX);
    answered(&call, Search { filter, from, limit, only: asked.log, leaf }, known).await
}

/// What images the bearer of the token opened, or was refused.
pub(crate) async fn own(call: Call) -> Result<Response<Body>, Problem> {
    const OWN_ACCESSES: ReasonCode = ReasonCode::new("own-accesses");
    let session = call.session()?;
    if session.actor_kind() != ActorKind::Person {
        return Err(Problem::new(Kind::Forbidden).expected("a person"));
    }
    let filter = Filter {
        institution: Some(session.institution().clone()),
        kinds: vec![EventKind::Access],
        actor: Some(session.actor().clone()),
        actor_kind: Some(ActorKind::Person),
        ..Filter::default()
    };
    let from = parsed::<Walk>(&call, "cursor", "what the last page gave as the next one")?;
    let limit = count(&call, "limit")?;
    let event = Event {
        kind: EventKind::Query,
        outcome: Outcome::Permitted,
        institution: session.institution().clone(),
        actor: session.actor().clone(),
        actor_kind: session.actor_kind(),
        role: Some(session.role()),
        purpose: Some(session.purpose()),
        action: Some(Action::ReadAudit),
        patient: None,
        study: None,
        instance: None,
        policy_set: None,
        reason: OWN_ACCESSES,
        counts: Counts::new(),
        content: None,
        detail: None,
    };
    let receipt = call.service.audit.append_one(event).await.map_err(|error| unavailable(&error))?;
    let search = Search { filter, from, limit, only: None, leaf: receipt.index() };
    answered(&call, search, None).await
}

// === helpers ===

/// The reference of a study, by its UID.
pub(super) async fn reference_of(call: &Call, uid: &str) -> Result<StudyRef, Problem> {
    let uid = Uid::new(uid).map_err(|_| Problem::new(Kind::BadRequest).expected("a UID as `study_uid`"))?;
    let reference = call.service.archive.study_reference(call.session()?.institution(), &uid).await;
    reference.map_err(|error| of_unavailable(&error))
}

async fn answered(call: &Call, wanted: Search, known: Option<bool>) -> Result<Response<Body>, Problem> {
    let found = search(call, wanted).await?;
    let rows = found.leaves.iter().map(|(log, leaf)| row(log, leaf)).collect::<Vec<Value>>();
    let mut answer = found.beside(answer::json(StatusCode::OK, &Value::Array(rows)));
    // Who sees that somebody looked knows it anyhow.
    if let Some(known) = known.map(|known| known || !found.leaves.is_empty()) {
        answer.headers_mut().insert(KNOWN, HeaderValue::from_static(if known { "true" } else { "false" }));
    }
    Ok(answer)
}

/// Who, when, why and with what outcome; the whole leaf is behind its number.
fn row(log: &str, found: &LoggedLeaf) -> Value {
    let leaf = &found.leaf;
    json!({
        "log": log,
        "index": found.index,
        "time_ms": leaf.time_ms,
        "actor": leaf.actor,
        "actor_kind": leaf.actor_kind,
        "role": leaf.role,
        "purpose": leaf.purpose,
        "action": leaf.action,
        "outcome": leaf.outcome,
        "reason": leaf.reason,
        "patient": leaf.patient,
        "study": leaf.study,
        "node": leaf.node,
    })
}
