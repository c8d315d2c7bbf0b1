//! What everybody may see and change about the own account: password, second factor, sessions.

use super::accounts::session_row;
use super::problems::unavailable;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::identity::of_sign_in;
use crate::routes::Call;
use axum::body::Body;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use yingdun_access::{AlertRow, Membership, RecoveryCodes, SignInError};
use yingdun_model::{ActorKind, Secret, Timestamp, Unit};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordBody {
    present: String,
    new: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PresentBody {
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeBody {
    code: String,
}

/// Whose session this is, and what a client needs to know before it draws anything.
pub(crate) async fn who(call: Call) -> Result<Response<Body>, Problem> {
    let session = call.session()?;
    if session.actor_kind() != ActorKind::Person {
        return Err(Problem::new(Kind::Forbidden).expected("the session of a person"));
    }
    let account = call.service.access.own_account(session).await.map_err(|error| unavailable(&error))?;
    let words = |unit: &Membership| match &unit.unit {
        Unit::Department(department) => json!({"department": department.as_str()}),
        Unit::Device(device) => json!({"device": device.as_str()}),
    };
    let body = json!({
        "name": session.actor().as_str(),
        "role": session.role().as_str(),
        "roles": account.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        "institution": session.institution().as_str(),
        "session": session.reference(),
        "sign_in": session.sign_in().as_str(),
        "purpose": session.purpose().as_str(),
        "stage": session.stage().as_str(),
        "expires_ms": session.expires().as_ms(),
        "idle_until_ms": account.idle_until.map(Timestamp::as_ms),
        "actions": account.actions.iter().map(|action| action.as_str()).collect::<Vec<_>>(),
        "units": account.units.iter().map(words).collect::<Vec<_>>(),
        "masked": account.is_masked,
        "version": env!("CARGO_PKG_VERSION"),
    });
    Ok(secret(answer::json(StatusCode::OK, &body)))
}

/// How the own second factor stands, and what this session is worth.
pub(crate) async fn second_factor(call: Call) -> Result<Response<Body>, Problem> {
    let session = call.session()?;
    let state = call.service.access.second_factor(session).await.map_err(of_refused)?;
    let body = json!({
        "confirmed_ms": state.confirmed.map(Timestamp::as_ms),
        "passkeys": state.passkeys,
        "passkeys_offered": state.passkeys_offered,
        "passkey_required": state.passkey_required,
        "recovery_codes_left": state.recovery_codes_left,
        "required": state.required,
        "strong_until_ms": state.strong_until.map(Timestamp::as_ms),
        "stage": session.stage().as_str(),
        "amr": session.methods(),
    });
    Ok(secret(answer::json(StatusCode::OK, &body)))
}

/// Makes a secret for an app; it is shown once.
pub(crate) async fn begin_second_factor(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let PresentBody { password } = json_of(body).await?;
    let made = call.service.access.begin_second_factor(call.session()?, Secret::new(password)).await;
    let made = made.map_err(of_refused)?;
    let body = json!({"secret": made.secret.expose(), "uri": made.uri.expose()});
    Ok(secret(answer::json(StatusCode::OK, &body)))
}

/// Confirms it by its first code.
pub(crate) async fn confirm_second_factor(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let code = code_of(body).await?;
    let codes = call.service.access.confirm_second_factor(call.session()?, &code).await;
    Ok(recovery_codes(&codes.map_err(of_refused)?))
}

/// Finishes the sign-in, or makes the session strong for a while.
pub(crate) async fn prove_second_factor(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let code = code_of(body).await?;
    let until = call.service.access.prove_second_factor(call.session()?, &code).await.map_err(of_refused)?;
    Ok(answer::json(StatusCode::OK, &json!({"strong_until_ms": until.as_ms()})))
}

/// Ten new recovery codes.
pub(crate) async fn renew_recovery_codes(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let code = code_of(body).await?;
    let codes = call.service.access.renew_recovery_codes(call.session()?, &code).await;
    Ok(recovery_codes(&codes.map_err(of_refused)?))
}

/// Removes the own second factor.
pub(crate) async fn remove_second_factor(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let code = code_of(body).await?;
    call.service.access.remove_second_factor(call.session()?, &code).await.map_err(of_refused)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// The own sessions.
pub(crate) async fn sessions(call: Call) -> Result<Response<Body>, Problem> {
    let session = call.session()?;
    let seen = call.service.access.own_sessions(session).await.map_err(of_refused)?;
    let present = session.reference();
    let notice = call.service.access.own_notice(session).await.map_err(|error| unavailable(&error))?;
    let notice = notice.as_ref().map_or(Value::Null, notice_of);
    let row = |view| {
        let mut row = session_row(view, Some(&present));
        if let Value::Object(fields) = &mut row {
            fields.insert("notice".to_owned(), notice.clone());
        }
        row
    };
    Ok(answer::json(StatusCode::OK, &seen.iter().map(row).collect()))
}

/// Ends one of them.
pub(crate) async fn end_session(call: Call) -> Result<Response<Body>, Problem> {
    let reference = call.in_path("session").unwrap_or_default();
    let ended = call.service.access.end_own_session(call.session()?, reference).await.map_err(of_refused)?;
    if ended { Ok(answer::empty(StatusCode::NO_CONTENT)) } else { Err(Problem::new(Kind::NotFound)) }
}

/// Sets a new password for the bearer of the token.
pub(crate) async fn change_password(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let PasswordBody { present, new } = json_of(body).await?;
    let (present, new) = (Secret::new(present), Secret::new(new));
    match call.service.access.change_password(call.session()?, present, new).await {
        Ok(()) => Ok(answer::empty(StatusCode::NO_CONTENT)),
        // The token is good: only the password is not.
        Err(SignInError::Refused) => Err(Problem::new(Kind::Forbidden)
            .expected("the present password of a person, and not too many failed attempts")
            .remedy("after several failures wait a quarter of an hour")),
        Err(other) => Err(of_sign_in(&other)),
    }
}

// === helpers ===

/// What the monitor says to somebody about the own account: how much was counted, and what is well.
fn notice_of(alert: &AlertRow) -> Value {
    json!({
        "step": alert.step,
        "measure": alert.measure,
        "counted": alert.counted,
        "at_most": alert.at_most,
        "within_minutes": alert.within_minutes,
        "since_ms": alert.at,
        "until_ms": alert.stops_until,
        "stops": alert.stops,
    })
}

async fn code_of(body: Body) -> Result<Secret<String>, Problem> {
    let CodeBody { code } = json_of(body).await?;
    Ok(Secret::new(code))
}

pub(super) fn recovery_codes(codes: &RecoveryCodes) -> Response<Body> {
    let codes: Vec<&String> = codes.0.iter().map(Secret::expose).collect();
    secret(answer::json(StatusCode::OK, &json!({"recovery_codes": codes})))
}

/// What is shown once is kept by no cache.
pub(super) fn secret(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The token is good: only the password or the code is not.
pub(super) fn of_refused(error: SignInError) -> Problem {
    match error {
        SignInError::Refused => Problem::new(Kind::Forbidden)
            .expected("the password, an unused code or the answer of a passkey of a person, and not too many failed attempts")
            .remedy("wait for the next code of the app, or ask for a new challenge; after several failures wait a quarter of an hour"),
        other => of_sign_in(&other),
    }
}
