//! The authorization endpoint (RFC 6749 §3.1 with PKCE, RFC 7636): a person signs in on our page and the
//! browser goes back to the client with a code.
//!
//! A client or an address that is not registered is told so on our own page and never redirected to
//! (RFC 6749 §4.1.2.1). Everything else that is wrong with a request goes back to the client.

use super::refusal::OAuthError;
use crate::http::answer;
use crate::http::body::form_of;
use crate::http::form::{Parameters, encode};
use crate::http::problem::{Kind, Problem};
use crate::identity;
use crate::page::reader::Reader;
use crate::page::second_factor::Proved;
use crate::page::{form_token, second_factor, sign_in};
use crate::routes::Call;
use axum::body::Body;
use axum::http::Response;
use yingdun_access::{CodeRequest, Session, SignedIn, Stage};
use yingdun_model::ActorId;

/// The parameters of a request that the sign-in form carries along.
pub(crate) const CARRIED: [&str; 6] =
    ["response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method"];

/// Shows the sign-in form.
pub(crate) async fn form(call: Call) -> Result<Response<Body>, Problem> {
    match read(&call, &call.query).await? {
        Ok(request) => Ok(sign_in::form(&target(&call, &call.query, &request)?, None)),
        Err(redirect) => Ok(redirect),
    }
}

/// Signs the person in and sends the browser back with a code.
pub(crate) async fn submit(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let form = form_of(body).await?;
    form_token::check(&call.headers, &form, &call.service.origin)?;
    let request = match read(&call, &form).await? {
        Ok(request) => request,
        Err(redirect) => return Ok(redirect),
    };
    if form.one("one_time_code")?.is_some() || form.one("passkey")?.is_some() {
        return prove(&call, &form, &request).await;
    }
    let signed_in = match sign_in::sign_in(&call, &form).await? {
        Ok(signed_in) => signed_in,
        Err(notice) => return Ok(sign_in::form(&target(&call, &form, &request)?, Some(&notice))),
    };
    enter(&call, &form, &request, &signed_in).await
}

/// Goes on with a request for which a provider has signed the person in; it is judged once more.
pub(crate) async fn go_on(
    call: &Call,
    parameters: &Parameters,
    signed_in: &SignedIn,
) -> Result<Response<Body>, Problem> {
    match read(call, parameters).await? {
        Ok(request) => enter(call, parameters, &request, signed_in).await,
        Err(redirect) => Ok(redirect),
    }
}

/// Sends somebody who has just signed in back with a code, or on to the second factor.
async fn enter(
    call: &Call,
    form: &Parameters,
    request: &CodeRequest,
    signed_in: &SignedIn,
) -> Result<Response<Body>, Problem> {
    match signed_in.session.stage() {
        Stage::Whole => send_back(call, form, request, &signed_in.session).await,
        Stage::Prove => {
            let target = target(call, form, request)?;
            let mut response = second_factor::ask(call, &signed_in.session, &target, None).await?;
            identity::set_signing_in_cookie(&mut response, &signed_in.token, signed_in.expires_in);
            Ok(response)
        }
        Stage::Enrol => Ok(second_factor::set_up_first(call)),
    }
}

/// The step behind the password: proves the second factor of whoever signs in, and sends the browser back with a code.
async fn prove(call: &Call, form: &Parameters, request: &CodeRequest) -> Result<Response<Body>, Problem> {
    let cookie = identity::SIGNING_IN_COOKIE;
    let found = identity::of_cookie_in_part(&call.service, &call.headers, cookie, call.peer).await?;
    let Some(session) = found else { return Ok(sign_in::form(&target(call, form, request)?, None)) };
    match second_factor::tried(call, &session, form).await? {
        Proved::Yes => {
            let mut response = send_back(call, form, request, &session).await?;
            identity::clear_signing_in_cookie(&mut response);
            Ok(response)
        }
        Proved::AndNow => Ok(second_factor::set_up_first(call)),
        Proved::No(notice) => {
            second_factor::ask(call, &session, &target(call, form, request)?, Some(notice)).await
        }
    }
}

/// Sends the browser back to the client with a code in the name of the session.
async fn send_back(
    call: &Call,
    form: &Parameters,
    request: &CodeRequest,
    session: &Session,
) -> Result<Response<Body>, Problem> {
    let code = call
        .service
        .access
        .issue_code(session, request)
        .await
        .map_err(|error| identity::of_sign_in(&error))?;
    let fields = [("code", code.expose().as_str())];
    Ok(back(&request.redirect_uri, &fields, form.one("state")?, &call.service.origin))
}

/// Reads a request: a code request, or a redirect that tells the client what is wrong with it.
pub(crate) async fn read(
    call: &Call,
    parameters: &Parameters,
) -> Result<Result<CodeRequest, Response<Body>>, Problem> {
    let client_id = ActorId::new(parameters.required("client_id")?)
        .ok_or_else(|| Problem::bad_request("a client_id", "another text"))?;
    let redirect_uri = parameters.required("redirect_uri")?.to_owned();
    let registered = call
        .service
        .access
        .accepts_redirect(&client_id, &redirect_uri)
        .await
        .map_err(|error| identity::of_sign_in(&error))?;
    if !registered {
        return Err(Problem::new(Kind::BadRequest)
            .expected("a registered client and one of its registered redirect addresses")
            .remedy("ask the system administrator to register the address of this program"));
    }
    let state = parameters.one("state")?;
    let refuse = |error: OAuthError| {
        Ok(Err(back(&redirect_uri, &[("error", error.as_str())], state, &call.service.origin)))
    };
    if parameters.one("response_type")? != Some("code") {
        return refuse(OAuthError::UnsupportedResponseType);
    }
    let challenge = parameters.one("code_challenge")?.unwrap_or_default();
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    if parameters.one("code_challenge_method")? != Some("S256")
        || challenge.len() != 43
        || !challenge.bytes().all(legal)
    {
        return refuse(OAuthError::InvalidRequest);
    }
    Ok(Ok(CodeRequest { client_id, redirect_uri: redirect_uri.clone(), challenge: challenge.to_owned() }))
}

/// Where the sign-in form leads.
fn target(call: &Call, parameters: &Parameters, request: &CodeRequest) -> Result<sign_in::Target, Problem> {
    let mut carried = Vec::new();
    for name in CARRIED {
        if let Some(value) = parameters.one(name)? {
            carried.push((name, value.to_owned()));
        }
    }
    let query: Vec<String> =
        carried.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    Ok(sign_in::Target {
        reader: Reader::of(call),
        here: Some(format!("/oauth2/authorize?{}", query.join("&"))),
        action: "/oauth2/authorize",
        provider: sign_in::provider_of(call, &carried),
        carried,
        for_client: Some(request.client_id.clone()),
        leads_to: origin_of(&request.redirect_uri),
    })
}

/// Sends the browser back to the client, with our name (RFC 9207) and the client's own state.
fn back(redirect_uri: &str, fields: &[(&str, &str)], state: Option<&str>, issuer: &str) -> Response<Body> {
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    let mut address = format!("{redirect_uri}{separator}iss={}", encode(issuer));
    for (name, value) in fields.iter().copied().chain(state.map(|state| ("state", state))) {
        address.push_str(&format!("&{name}={}", encode(value)));
    }
    answer::see_other(&address)
}

/// Scheme, host and port of an address, for the content security policy.
fn origin_of(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let legal = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
    (matches!(scheme, "https" | "http") && !host.is_empty() && host.bytes().all(legal))
        .then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::LOCATION;

    #[test]
    fn the_way_back_carries_state_and_issuer_and_cannot_be_split() {
        let response =
            back("https://viewer/cb?x=1", &[("code", "c")], Some("a&b\r\nSet-Cookie: c"), "https://archive");
        assert_eq!(
            response.headers()[LOCATION],
            "https://viewer/cb?x=1&iss=https%3A%2F%2Farchive&code=c&state=a%26b%0D%0ASet-Cookie%3A%20c"
        );
    }

    #[test]
    fn only_a_web_origin_is_named_in_the_policy() {
        assert_eq!(origin_of("https://viewer:8443/cb?x").as_deref(), Some("https://viewer:8443"));
        for other in ["javascript:alert(1)", "https:///cb", "https://a;script-src *", "app.viewer:/cb"] {
            assert_eq!(origin_of(other), None, "{other}");
        }
    }
}
