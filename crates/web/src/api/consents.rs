//! Consents of patients: entered, listed, withdrawn.

use super::departments::department;
use super::problems::of_admin;
use super::rights::{patient_with_studies, with_studies};
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use yingdun_access::{ConsentRecord, ConsentTo, NewConsent};
use yingdun_model::{ActorId, ConsentForm, ConsentGiver, ConsentKind, DepartmentId, Timestamp};

/// The patient is named in the body and never in a path, so that no patient ID ends up in a log of addresses.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentBody {
    patient_id: String,
    #[serde(default)]
    issuer: String,
    to: String,
    project: Option<String>,
    form: String,
    giver: String,
    reference: String,
    valid_from_ms: Option<i64>,
    valid_until_ms: Option<i64>,
    /// That there may be no study of the patient yet.
    #[serde(default)]
    unknown: bool,
}

/// Enters one.
pub(crate) async fn enter(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: ConsentBody = json_of(body).await?;
    let to = to(&body)?;
    let form: ConsentForm = word(&body.form, "`paper` or `electronic`")?;
    let giver: ConsentGiver = word(&body.giver, "`patient` or `guardian`")?;
    let session = call.session()?;
    let (patient, studies) = patient_with_studies(&call, &body.issuer, &body.patient_id).await?;
    let new = NewConsent {
        patient,
        is_known: studies > 0 || body.unknown,
        to,
        form,
        giver,
        reference: body.reference,
        valid_from: body.valid_from_ms.map(Timestamp::from_ms),
        valid_until: body.valid_until_ms.map(Timestamp::from_ms),
    };
    let entered = call.service.access.enter_consent(session, new).await.map_err(of_admin)?;
    Ok(answer::json(StatusCode::CREATED, &with_studies(shown(&entered), studies)))
}

/// Those that are not over, or with `over` all that there ever were.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let over = match call.query.one("over")? {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::bad_request("`over` as true or false", "another word")),
    };
    let all = call.service.access.consents(call.session()?, over).await.map_err(of_admin)?;
    Ok(answer::json(StatusCode::OK, &Value::Array(all.iter().map(shown).collect())))
}

/// Withdraws one now.
pub(crate) async fn withdraw(call: Call) -> Result<Response<Body>, Problem> {
    let number = call.in_path("consent").and_then(|text| text.parse().ok());
    let number = number.ok_or_else(|| Problem::new(Kind::NotFound).expected("the number of a consent"))?;
    call.service.access.withdraw_consent(call.session()?, number).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

// === helpers ===

/// The number as text: it has 64 bits, and many programs read numbers of JSON as floating-point.
fn shown(record: &ConsentRecord) -> Value {
    let consent = &record.consent;
    let withdrawn = consent.withdrawn.as_ref();
    json!({
        "consent": consent.number.to_string(),
        "patient": consent.patient.to_string(),
        "to": consent.to.kind().as_str(),
        "project": consent.to.project().map(DepartmentId::to_string),
        "form": consent.form.as_str(),
        "giver": consent.giver.as_str(),
        "reference": record.reference,
        "valid_from_ms": consent.valid_from.as_ms(),
        "valid_until_ms": consent.valid_until.as_ms(),
        "entered_by": consent.entered_by.as_str(),
        "withdrawn_ms": withdrawn.map(|(at, _)| at.as_ms()),
        "withdrawn_by": withdrawn.map(|(_, by)| ActorId::as_str(by)),
    })
}

fn to(body: &ConsentBody) -> Result<ConsentTo, Problem> {
    let kind: ConsentKind = word(&body.to, "`research` or `sharing`")?;
    match (kind, &body.project) {
        (ConsentKind::Research, None) => Ok(ConsentTo::Research(None)),
        (ConsentKind::Research, Some(project)) => Ok(ConsentTo::Research(Some(department(project)?))),
        (ConsentKind::Sharing, None) => Ok(ConsentTo::Sharing),
        (ConsentKind::Sharing, Some(_)) => {
            Err(Problem::new(Kind::BadRequest).expected("`project` with a consent to research only"))
        }
    }
}

fn word<T: std::str::FromStr>(text: &str, expected: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::new(Kind::BadRequest).expected(expected.to_owned()))
}
