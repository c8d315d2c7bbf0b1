//! Consents of the patient who asks: listed, withdrawn. Who entered them and where the paper lies is the house's own and is left out.

use super::problems::of_admin;
use crate::http::answer;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use yingdun_access::Consent;
use yingdun_model::DepartmentId;

/// Those that are not over, or with `over` all that there ever were.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let over = call.query.one("over")? == Some("true");
    let all = call.service.access.own_consents(call.session()?, over).await.map_err(of_admin)?;
    Ok(answer::json(StatusCode::OK, &Value::Array(all.iter().map(shown).collect())))
}

/// Withdraws one now.
pub(crate) async fn withdraw(call: Call) -> Result<Response<Body>, Problem> {
    let number = call.in_path("consent").and_then(|text| text.parse().ok());
    let number = number.ok_or_else(|| Problem::new(Kind::NotFound).expected("the number of a consent"))?;
    call.service.access.withdraw_own_consent(call.session()?, number).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

// === helpers ===

/// The number as text: it has 64 bits, and many programs read numbers of JSON as floating-point.
fn shown(consent: &Consent) -> Value {
    json!({
        "consent": consent.number.to_string(),
        "to": consent.to.kind().as_str(),
        "project": consent.to.project().map(DepartmentId::to_string),
        "form": consent.form.as_str(),
        "giver": consent.giver.as_str(),
        "valid_from_ms": consent.valid_from.as_ms(),
        "valid_until_ms": consent.valid_until.as_ms(),
        "withdrawn_ms": consent.withdrawn.as_ref().map(|(at, _)| at.as_ms()),
    })
}
