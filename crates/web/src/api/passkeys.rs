//! The own passkeys, for programs: a page of the archive's own origin that holds a token, and tests.

use super::me::{of_refused, recovery_codes, secret};
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::Problem;
use crate::passkeys;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use yingdun_model::{Secret, Timestamp};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BeginBody {
    #[serde(default)]
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBody {
    name: String,
    credential: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofBody {
    credential: Value,
}

/// The own passkeys.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let found = call.service.access.own_passkeys(call.session()?).await.map_err(of_refused)?;
    let rows = found.iter().map(|view| {
        json!({
            "passkey": view.reference,
            "name": view.name,
            "created_ms": view.created.as_ms(),
            "last_used_ms": view.last_used.map(Timestamp::as_ms),
        })
    });
    Ok(answer::json(StatusCode::OK, &rows.collect()))
}

/// A question for a new one.
pub(crate) async fn begin(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let BeginBody { password } = json_of(body).await?;
    let asked = call.service.access.begin_passkey(call.session()?, Secret::new(password)).await;
    Ok(secret(answer::json(StatusCode::OK, &passkeys::question(&asked.map_err(of_refused)?))))
}

/// The answer to it.
pub(crate) async fn confirm(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let NewBody { name, credential } = json_of(body).await?;
    let new = passkeys::new_passkey(&name, credential)?;
    let codes = call.service.access.confirm_passkey(call.session()?, &new).await.map_err(of_refused)?;
    Ok(match codes {
        Some(codes) => recovery_codes(&codes),
        None => secret(answer::json(StatusCode::OK, &json!({"recovery_codes": []}))),
    })
}

/// A question for the proof of one that is there.
pub(crate) async fn ask(call: Call) -> Result<Response<Body>, Problem> {
    let asked = call.service.access.ask_for_passkey(call.session()?).await.map_err(of_refused)?;
    Ok(secret(answer::json(StatusCode::OK, &passkeys::question(&asked))))
}

/// The answer to it.
pub(crate) async fn prove(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let ProofBody { credential } = json_of(body).await?;
    let proof = passkeys::proof(credential)?;
    let until = call.service.access.prove_passkey(call.session()?, &proof).await.map_err(of_refused)?;
    Ok(answer::json(StatusCode::OK, &json!({"strong_until_ms": until.as_ms()})))
}

/// Removes one.
pub(crate) async fn remove(call: Call) -> Result<Response<Body>, Problem> {
    let named = call.in_path("passkey").unwrap_or_default();
    call.service.access.remove_passkey(call.session()?, named).await.map_err(of_refused)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}
