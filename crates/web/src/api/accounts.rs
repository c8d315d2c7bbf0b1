//! People, devices and service clients: the office of the system administrator.

use super::problems::of_admin;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use yingdun_access::{AddressList, DeviceHabits, DeviceRecord, NewClient, OneTimeLink, SessionView, Source};
use yingdun_model::{ActorId, ActorKind, AeTitle, Timestamp};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonBody {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectBody {
    subject: String,
    #[serde(default)]
    directory: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DisabledBody {
    disabled: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceBody {
    #[serde(default)]
    ae_title: Option<String>,
    called_ae: String,
    #[serde(default)]
    certificate_sha256: Option<String>,
    #[serde(default)]
    addresses: Vec<String>,
    #[serde(default)]
    plain_allowed: bool,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    destination: Option<String>,
    #[serde(default)]
    habits: DeviceHabits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientBody {
    client_id: String,
    #[serde(default = "yes")]
    confidential: bool,
    #[serde(default)]
    redirect_uris: Vec<String>,
}

const fn yes() -> bool {
    true
}

/// Everybody of the institution.
pub(crate) async fn people(call: Call) -> Result<Response<Body>, Problem> {
    let people = call.service.access.people(call.session()?).await.map_err(of_admin)?;
    let holders = call.service.access.second_factor_holders(call.session()?).await.map_err(of_admin)?;
    let rows: Vec<Value> = people
        .iter()
        .map(|person| {
            json!({
                "name": person.actor.as_str(),
                "roles": person.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
                "disabled": person.disabled,
                "enrolled": person.password_hash.is_some(),
                "second_factor": holders.contains(&person.actor),
                "new_places_wait_until_ms": person.strangers_wait_until.as_ms(),
            })
        })
        .collect();
    Ok(answer::json(StatusCode::OK, &Value::Array(rows)))
}

/// A new person without roles, and the link by which that person sets a password.
pub(crate) async fn create_person(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: PersonBody = json_of(body).await?;
    let link =
        call.service.access.create_person(call.session()?, &actor(&body.name)?).await.map_err(of_admin)?;
    Ok(answer::json(StatusCode::CREATED, &invitation(&call, &link)))
}

/// A new link for a person who lost the old one or the password.
pub(crate) async fn invite_again(call: Call) -> Result<Response<Body>, Problem> {
    let actor = actor_in_path(&call)?;
    let link = call.service.access.invite_again(call.session()?, &actor).await.map_err(of_admin)?;
    Ok(answer::json(StatusCode::CREATED, &invitation(&call, &link)))
}

/// Disables or enables a person.
pub(crate) async fn change_person(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let DisabledBody { disabled } = json_of(body).await?;
    let actor = actor_in_path(&call)?;
    call.service.access.set_person_disabled(call.session()?, &actor, disabled).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Binds a person to an identity at the provider of sign-ins, or in the directory.
pub(crate) async fn bind_person(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let SubjectBody { subject, directory } = json_of(body).await?;
    let actor = actor_in_path(&call)?;
    let source = directory.map(|word| word.parse::<Source>()).transpose();
    let source = source.map_err(|()| Problem::bad_request("`oidc` or `ldap`", "another directory"))?;
    let (access, session) = (&call.service.access, call.session()?);
    access.bind_person_in(session, &actor, source, &subject).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Takes the identity at the provider from a person.
pub(crate) async fn unbind_person(call: Call) -> Result<Response<Body>, Problem> {
    let actor = actor_in_path(&call)?;
    call.service.access.unbind_person(call.session()?, &actor).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Ends every session of a person.
pub(crate) async fn end_sessions(call: Call) -> Result<Response<Body>, Problem> {
    let actor = actor_in_path(&call)?;
    let ended = call
        .service
        .access
        .end_sessions(call.session()?, &actor, ActorKind::Person)
        .await
        .map_err(of_admin)?;
    Ok(answer::json(StatusCode::OK, &json!({"ended": ended})))
}

/// The living sessions of a person.
pub(crate) async fn sessions(call: Call) -> Result<Response<Body>, Problem> {
    let actor = actor_in_path(&call)?;
    let seen = call.service.access.sessions_of(call.session()?, &actor).await.map_err(of_admin)?;
    Ok(answer::json(StatusCode::OK, &seen.iter().map(|view| session_row(view, None)).collect()))
}

/// Ends one session of a person.
pub(crate) async fn end_session(call: Call) -> Result<Response<Body>, Problem> {
    let actor = actor_in_path(&call)?;
    let reference = call.in_path("session").unwrap_or_default();
    call.service.access.end_session(call.session()?, &actor, reference).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// A session as lists show it; `present` is the reference of the one that asks.
pub(super) fn session_row(view: &SessionView, present: Option<&str>) -> Value {
    json!({
        "session": view.reference,
        "role": view.role.as_str(),
        "sign_in": view.sign_in,
        "stage": view.stage.as_str(),
        "issued_ms": view.issued.as_ms(),
        "last_used_ms": view.last_used.as_ms(),
        "expires_ms": view.expires.as_ms(),
        "proved_ms": view.proved.map(Timestamp::as_ms),
        "address": view.origin.as_ref().map(|origin| origin.address.to_string()),
        "program": view.origin.as_ref().and_then(|origin| origin.program.clone()),
        "present": present.map(|present| present == view.reference),
    })
}

/// Every device of the institution.
pub(crate) async fn devices(call: Call) -> Result<Response<Body>, Problem> {
    let devices = call.service.access.devices(call.session()?).await.map_err(of_admin)?;
    let rows: Vec<Value> = devices
        .iter()
        .map(|device| {
            json!({
                "ae_title": device.ae_title.as_str(),
                "called_ae": device.called_ae.as_str(),
                "certificate_sha256": device.certificate_sha256.map(hex::encode),
                "addresses": device.addresses.to_string().split_whitespace().collect::<Vec<_>>(),
                "plain_allowed": device.plain_allowed,
                "disabled": device.disabled,
                "scopes": device.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(),
                "destination": device.destination.as_ref().map(ToString::to_string),
                "habits": device.habits,
            })
        })
        .collect();
    Ok(answer::json(StatusCode::OK, &Value::Array(rows)))
}

/// A new device.
pub(crate) async fn register_device(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: DeviceBody = json_of(body).await?;
    let title = body.ae_title.clone().unwrap_or_default();
    let record = device(&call, &title, body)?;
    call.service.access.register_device(call.session()?, &record).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::CREATED))
}

/// Another certificate, other addresses, plain access, destination or the disabled state of a device.
pub(crate) async fn update_device(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: DeviceBody = json_of(body).await?;
    let title = call.in_path("ae_title").unwrap_or_default().to_owned();
    if body.ae_title.as_ref().is_some_and(|other| *other != title) {
        return Err(Problem::bad_request("the AE title of the path, or none, in the body", "another one"));
    }
    let record = device(&call, &title, body)?;
    call.service.access.update_device(call.session()?, &record).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Every service client of the institution.
pub(crate) async fn clients(call: Call) -> Result<Response<Body>, Problem> {
    let clients = call.service.access.clients(call.session()?).await.map_err(of_admin)?;
    let rows: Vec<Value> = clients
        .iter()
        .map(|client| {
            json!({
                "client_id": client.client_id.as_str(),
                "confidential": client.secret_hash.is_some(),
                "redirect_uris": client.redirect_uris.lines().collect::<Vec<_>>(),
                "scopes": client.scopes.split_whitespace().collect::<Vec<_>>(),
                "disabled": client.disabled,
                "demands": client.demands.split_whitespace().collect::<Vec<_>>(),
            })
        })
        .collect();
    Ok(answer::json(StatusCode::OK, &Value::Array(rows)))
}

/// A new service client without scopes; its secret is shown once.
pub(crate) async fn create_client(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: ClientBody = json_of(body).await?;
    let new = NewClient {
        client_id: actor(&body.client_id)?,
        confidential: body.confidential,
        redirect_uris: body.redirect_uris,
    };
    let secret = call.service.access.create_client(call.session()?, &new).await.map_err(of_admin)?;
    let shown = secret.0.as_ref().map(|secret| secret.expose().as_str());
    Ok(answer::json(
        StatusCode::CREATED,
        &json!({"client_id": new.client_id.as_str(), "client_secret": shown}),
    ))
}

/// Disables or enables a service client.
pub(crate) async fn change_client(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let DisabledBody { disabled } = json_of(body).await?;
    let client = actor(call.in_path("client").unwrap_or_default())?;
    call.service.access.set_client_disabled(call.session()?, &client, disabled).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

// === helpers ===

/// The account that a path names. A text that cannot be a name is no account.
pub(super) fn actor_in_path(call: &Call) -> Result<ActorId, Problem> {
    call.in_path("actor").and_then(ActorId::new).ok_or_else(|| Problem::new(Kind::NotFound))
}

/// The account that a body names.
pub(super) fn actor(text: &str) -> Result<ActorId, Problem> {
    ActorId::new(text).ok_or_else(|| {
        Problem::new(Kind::BadRequest)
            .expected(format!("a name of 1 to {} bytes without blanks", ActorId::MAX_BYTES))
    })
}

/// The AE title that a path or a body names.
pub(super) fn ae_title(text: &str) -> Result<AeTitle, Problem> {
    AeTitle::new(text).map_err(|error| Problem::new(Kind::BadRequest).expected(error.to_string()))
}

fn invitation(call: &Call, link: &OneTimeLink) -> Value {
    json!({
        "name": link.actor.as_str(),
        "link": format!("{}/enrol/{}", call.service.origin, link.token.expose()),
        "expires_ms": link.expires.as_ms(),
    })
}

fn device(call: &Call, title: &str, body: DeviceBody) -> Result<DeviceRecord, Problem> {
    let certificate_sha256 = body
        .certificate_sha256
        .map(|text| {
            let mut digest = [0_u8; 32];
            hex::decode_to_slice(text.replace(':', ""), &mut digest).map(|()| digest).map_err(|_| {
                Problem::new(Kind::BadRequest).expected("certificate_sha256 as 64 hexadecimal digits")
            })
        })
        .transpose()?;
    let addresses: AddressList =
        body.addresses.join(" ").parse().map_err(|error: yingdun_access::AddressListError| {
            Problem::new(Kind::BadRequest).expected(error.to_string())
        })?;
    let destination = body.destination.as_deref().map(str::parse).transpose().map_err(
        |error: yingdun_access::EndpointError| Problem::new(Kind::BadRequest).expected(error.to_string()),
    )?;
    body.habits.check().map_err(|error| Problem::new(Kind::BadRequest).expected(error.to_string()))?;
    Ok(DeviceRecord {
        ae_title: ae_title(title)?,
        called_ae: ae_title(&body.called_ae)?,
        certificate_sha256,
        addresses,
        plain_allowed: body.plain_allowed,
        disabled: body.disabled,
        institution: call.session()?.institution().clone(),
        // The security administrator grants them; a new device may store.
        scopes: BTreeSet::new(),
        destination,
        habits: body.habits,
    })
}
