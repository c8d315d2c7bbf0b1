//! Dissents of patients, and restrictions: entered, listed, ended.

use super::accounts::actor;
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
use yingdun_access::{Against, Dissent, NewDissent};
use yingdun_model::{ActorId, DissentKind, Timestamp};

/// The patient is named in the body and never in a path, so that no patient ID ends up in a log of addresses.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DissentBody {
    patient_id: String,
    #[serde(default)]
    issuer: String,
    against: String,
    name: Option<String>,
    department: Option<String>,
    names: Option<Vec<String>>,
    #[serde(default)]
    break_glass: bool,
    valid_from_ms: Option<i64>,
    valid_until_ms: Option<i64>,
    /// That there may be no study of the patient yet.
    #[serde(default)]
    unknown: bool,
}

/// Enters one.
pub(crate) async fn enter(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: DissentBody = json_of(body).await?;
    let against = against(&body)?;
    let session = call.session()?;
    let (patient, studies) = patient_with_studies(&call, &body.issuer, &body.patient_id).await?;
    let new = NewDissent {
        patient,
        is_known: studies > 0 || body.unknown,
        against,
        break_glass: body.break_glass,
        valid_from: body.valid_from_ms.map(Timestamp::from_ms),
        valid_until: body.valid_until_ms.map(Timestamp::from_ms),
    };
    let entered = call.service.access.enter_dissent(session, new).await.map_err(of_admin)?;
    Ok(answer::json(StatusCode::CREATED, &with_studies(shown(&entered), studies)))
}

/// All that are not over.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let all = call.service.access.dissents(call.session()?).await.map_err(of_admin)?;
    Ok(answer::json(StatusCode::OK, &Value::Array(all.iter().map(shown).collect())))
}

/// Ends one now.
pub(crate) async fn end(call: Call) -> Result<Response<Body>, Problem> {
    let number = call.in_path("dissent").and_then(|text| text.parse().ok());
    let number = number.ok_or_else(|| Problem::new(Kind::NotFound).expected("the number of a dissent"))?;
    call.service.access.end_dissent(call.session()?, number).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

// === helpers ===

/// The number as text: it has 64 bits, and many programs read numbers of JSON as floating-point.
fn shown(dissent: &Dissent) -> Value {
    let texts = |names: &[ActorId]| names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
    let mut row = json!({
        "dissent": dissent.number.to_string(),
        "patient": dissent.patient.to_string(),
        "against": dissent.against.kind().as_str(),
        "break_glass": dissent.break_glass,
        "valid_from_ms": dissent.valid_from.as_ms(),
        "valid_until_ms": dissent.valid_until.as_ms(),
        "given_by": dissent.given_by.as_str(),
    });
    if let Some(row) = row.as_object_mut() {
        match &dissent.against {
            Against::Research | Against::Sharing => None,
            Against::Person(person) => row.insert("name".to_owned(), json!(person.as_str())),
            Against::Department(department) => {
                row.insert("department".to_owned(), json!(department.as_str()))
            }
            Against::AllBut(named) => row.insert("names".to_owned(), json!(texts(named))),
        };
    }
    row
}

fn against(body: &DissentBody) -> Result<Against, Problem> {
    let expected = |what: &str| Problem::new(Kind::BadRequest).expected(what.to_owned());
    let kind = body.against.parse::<DissentKind>();
    let kind = kind.map_err(|_| expected("`research`, `sharing`, `person`, `department` or `sealed`"))?;
    match (kind, &body.name, &body.department, &body.names) {
        (DissentKind::Research, None, None, None) => Ok(Against::Research),
        (DissentKind::Sharing, None, None, None) => Ok(Against::Sharing),
        (DissentKind::Person, Some(name), None, None) => Ok(Against::Person(actor(name)?)),
        (DissentKind::Department, None, Some(name), None) => Ok(Against::Department(department(name)?)),
        (DissentKind::Sealed, None, None, Some(names)) => {
            names.iter().map(|name| actor(name)).collect::<Result<_, _>>().map(Against::AllBut)
        }
        _ => Err(expected(
            "`name` for a person, `department` for a department, `names` for a seal, and nothing else",
        )),
    }
}
