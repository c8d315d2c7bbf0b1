//! Accounts of patients: bound to a record, unbound; and what a patient learns of who looked.

use super::accesses::reference_of;
use super::accounts::actor;
use super::across::{Found, Search, search};
use super::audit::{count, parsed};
use super::grants::{of_grant, patient_of};
use super::problems::{of_refusal, unavailable};
use crate::dicomweb::problems::of_unavailable;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use yingdun_access::{GrantRecord, Granted, NewPatientAccount, OwnRecordLook, session_leaf};
use yingdun_audit::across::Walk;
use yingdun_audit::{Event, EventKind, Filter, Leaf, Outcome, ReasonCode};
use yingdun_model::{Action, StudyRef};

/// The patient is named in the body and never in a path, so that no patient ID ends up in a log of addresses.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BindBody {
    name: String,
    patient_id: String,
    #[serde(default)]
    issuer: String,
    checked: String,
}

/// Binds an account to a record.
pub(crate) async fn bind(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: BindBody = json_of(body).await?;
    let session = call.session()?;
    let name = actor(&body.name)?;
    let patient = patient_of(&call, session, &body.issuer, &body.patient_id).await?;
    let known = call.service.archive.knows_patient_to_grant(session.institution(), patient).await;
    let is_known = known.map_err(|error| of_unavailable(&error))?;
    let new = NewPatientAccount { actor: name, patient, is_known, checked: body.checked };
    let bound = call.service.access.bind_patient_account(session, new).await.map_err(of_grant)?;
    Ok(answer::json(StatusCode::CREATED, &shown(&bound)))
}

/// Accounts: of everybody for officers, to a patient the own one.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let all = call.service.access.patient_accounts(call.session()?).await.map_err(of_grant)?;
    Ok(answer::json(StatusCode::OK, &Value::Array(all.iter().map(shown).collect())))
}

/// Unbinds an account now.
pub(crate) async fn unbind(call: Call) -> Result<Response<Body>, Problem> {
    let number = call.in_path("account").and_then(|word| word.parse().ok());
    let number = number.ok_or_else(|| Problem::new(Kind::NotFound).expected("the number of a binding"))?;
    let ended = call.service.access.unbind_patient_account(call.session()?, number).await;
    Ok(answer::json(StatusCode::OK, &shown(&ended.map_err(of_grant)?)))
}

/// Who looked at the images of the patient who asks. Names of people and programs are left out.
pub(crate) async fn accesses(call: Call) -> Result<Response<Body>, Problem> {
    let from = parsed::<Walk>(&call, "cursor", "what the last page gave as the next one")?;
    let limit = count(&call, "limit")?;
    let study = match call.query.one("study_uid")? {
        Some(uid) => Some(reference_of(&call, uid).await?),
        None => None,
    };
    let (found, looks) = looks(&call, study, from, limit).await?;
    let rows = looks.iter().map(|(leaf, who)| {
        json!({
            "time_ms": leaf.time_ms,
            "who": who.pseudonym,
            "oneself": who.oneself,
            "actor_kind": leaf.actor_kind,
            "role": leaf.role,
            "departments": who.departments,
            "purpose": leaf.purpose,
            "action": leaf.action,
            "reason": leaf.reason,
            "study": leaf.study,
        })
    });
    Ok(found.beside(answer::json(StatusCode::OK, &Value::Array(rows.collect()))))
}

/// A page of who looked, in the logs of all nodes, each as a patient is told. The leaf that it was asked comes before the answer.
pub(crate) async fn looks(
    call: &Call,
    study: Option<StudyRef>,
    from: Option<Walk>,
    limit: usize,
) -> Result<(Found, Vec<(Leaf, OwnRecordLook)>), Problem> {
    const OWN_RECORD_ACCESSES: ReasonCode = ReasonCode::new("own-record-accesses");
    let session = call.session()?;
    let access = &call.service.access;
    let patient = access.own_record(session).await.map_err(|refusal| of_refusal(&refusal))?;
    let event = Event {
        kind: EventKind::Query,
        action: Some(Action::ReadAudit),
        patient: Some(patient),
        ..session_leaf(session, OWN_RECORD_ACCESSES)
    };
    let receipt = call.service.audit.append_one(event).await.map_err(|error| unavailable(&error))?;
    let filter = Filter {
        institution: Some(session.institution().clone()),
        kinds: vec![EventKind::Access],
        outcome: Some(Outcome::Permitted),
        patient: Some(patient),
        // Of the own record; what is asked of another one finds nothing.
        study,
        ..Filter::default()
    };
    let found = search(call, Search { filter, from, limit, only: None, leaf: receipt.index() }).await?;
    let mut looks = Vec::with_capacity(found.leaves.len());
    for (_, logged) in &found.leaves {
        let leaf = &logged.leaf;
        let who = access.told_to_patient(session, patient, &leaf.actor, leaf.actor_kind).await;
        looks.push((leaf.clone(), who.map_err(|refusal| of_refusal(&refusal))?));
    }
    Ok((found, looks))
}

// === helpers ===

/// A binding as people see it.
fn shown(record: &GrantRecord) -> Value {
    let GrantRecord { grant, words, open, .. } = record;
    let patient = match grant.on {
        Granted::Patient(patient) => Some(patient),
        Granted::Study(_) => None,
    };
    json!({
        "account": grant.number,
        "name": grant.actor,
        "patient": patient,
        "checked": words,
        "bound_by": grant.given_by,
        "bound_ms": grant.given,
        "valid_until_ms": grant.valid_until,
        "open": open,
        "ended_ms": grant.ended,
        "ended_by": grant.ended_by,
    })
}
