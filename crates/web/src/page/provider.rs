//! Signing in with a provider of OpenID Connect: off to it, back from it, and its word that somebody signed out there.
//!
//! The cookie between the two is `SameSite=Lax`, as the browser comes back from another site; that of the session is `Strict`, so a page of
//! ours leads on from where the provider sent the browser.

use super::html::{Frame, door, escape, two};
use super::reader::Reader;
use super::second_factor;
use super::sign_in::{self, Notice, Target, role_zh};
use crate::http::answer;
use crate::http::body::form_of;
use crate::http::form::{Parameters, encode};
use crate::http::problem::{Kind, Problem};
use crate::identity;
use crate::oauth::authorize;
use crate::routes::Call;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, HeaderName, USER_AGENT};
use axum::http::{HeaderValue, Response, StatusCode};
use yingdun_access::{OidcAnswer, OidcBegun, OidcJourney, SignInError, SignedIn};
use yingdun_model::Role;

/// Where a sign-in begins.
pub(crate) const START: &str = "/oidc/start";
/// Where the provider sends the browser.
const CALLBACK: &str = "/oidc/callback";
/// What stands for a sign-in of the pages where one for a program carries its request.
const CLIENT_ID: &str = "client_id";

/// Sends the browser to the provider.
pub(crate) async fn start(call: Call) -> Result<Response<Body>, Problem> {
    // A page from elsewhere signs nobody in.
    let from = call.headers.get(HeaderName::from_static("sec-fetch-site")).map(HeaderValue::as_bytes);
    if !matches!(from, None | Some(b"same-origin" | b"none")) {
        return Err(Problem::new(Kind::Forbidden)
            .expected("a sign-in that begins at this server")
            .remedy("open the sign-in page and begin there"));
    }
    let role = match call.query.one("role")? {
        None | Some("") => None,
        Some(word) => Some(word.parse::<Role>().map_err(|_| Problem::bad_request("a role", "another word"))?),
    };
    let asked = matches!(call.query.one("fresh")?, Some("true"));
    let fresh = asked || identity::was_left(&call.service, &call.headers, call.peer).await?;
    let mut carried = Vec::new();
    if call.query.one(CLIENT_ID)?.is_some() {
        // Judged before anybody goes anywhere; and again when the browser is back.
        if let Err(redirect) = authorize::read(&call, &call.query).await? {
            return Ok(redirect);
        }
        for name in authorize::CARRIED {
            if let Some(value) = call.query.one(name)? {
                carried.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    let begun = call.service.access.begin_oidc(role, fresh, carried, &callback_of(&call)).await;
    let OidcBegun { endpoint, parameters, cookie, lasts } = match begun {
        Ok(begun) => begun,
        Err(SignInError::DirectoryUnavailable(cause)) => return Ok(away(&call, &cause)),
        Err(SignInError::Refused) => {
            return Err(Problem::bad_request(
                "a request of a program that fits into a cookie",
                "a longer one",
            ));
        }
        Err(error) => return Err(identity::of_sign_in(&error)),
    };
    let query: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let separator = if endpoint.contains('?') { '&' } else { '?' };
    let mut response = answer::see_other(&format!("{endpoint}{separator}{}", query.join("&")));
    identity::set_provider_cookie(&mut response, &cookie, lasts);
    Ok(response)
}

/// Signs the person in whom the provider sent back.
pub(crate) async fn callback(call: Call) -> Result<Response<Body>, Problem> {
    let access = &call.service.access;
    let journey = identity::cookie(&call.headers, identity::PROVIDER_COOKIE)
        .and_then(|cookie| access.oidc_journey(cookie));
    let refused = call.query.one("error")?.is_some();
    let answered = OidcAnswer {
        state: call.query.one("state")?.unwrap_or_default().to_owned(),
        code: call.query.one("code")?.filter(|_| !refused).map(str::to_owned),
        issuer: call.query.one("iss")?.map(str::to_owned),
        redirect_uri: callback_of(&call),
        peer: call.peer.into(),
        program: call.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned),
    };
    let done = access.finish_oidc(journey.as_ref(), answered).await;
    // Also somebody who still has to choose a role has been asked who it is.
    let asked = journey.as_ref().is_some_and(OidcJourney::is_fresh)
        && matches!(done, Ok(_) | Err(SignInError::ChooseRole { .. }));
    let mut response = match (done, &journey) {
        (Ok(signed_in), Some(journey)) => enter(&call, &signed_in, journey).await?,
        (Err(SignInError::ChooseRole { held }), Some(journey)) => choose(&call, journey, &held),
        (Err(SignInError::DirectoryUnavailable(cause)), _) => away(&call, &cause),
        (Err(SignInError::NameTaken), _) => {
            sign_in::form(&Target::page(&call, None), Some(&sign_in::name_taken()))
        }
        (Err(SignInError::Frozen), _) => sign_in::form(&Target::page(&call, None), Some(&sign_in::frozen())),
        (Err(SignInError::Refused), _) | (Ok(_), None) => {
            sign_in::form(&Target::page(&call, None), Some(&refusal()))
        }
        (Err(error), _) => return Err(identity::of_sign_in(&error)),
    };
    identity::clear_provider_cookie(&mut response);
    if asked {
        identity::clear_signed_out_cookie(&mut response);
    }
    Ok(response)
}

/// Ends the sessions of which the provider says that they are over.
pub(crate) async fn logout(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    let token = sent.required("logout_token")?;
    let mut response = match call.service.access.oidc_logout(token, call.peer.into()).await {
        Ok(_) => answer::empty(StatusCode::OK),
        Err(SignInError::Refused) => {
            return Err(Problem::bad_request(
                "a logout token of the configured provider for this client",
                "another one",
            ));
        }
        Err(error) => return Err(identity::of_sign_in(&error)),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Where a link on a sign-in form leads that carries these parameters along.
pub(crate) fn link(carried: &[(&'static str, String)]) -> String {
    address(carried.iter().map(|(name, value)| (*name, value.as_str())))
}

// === helpers ===

fn callback_of(call: &Call) -> String {
    format!("{}{CALLBACK}", call.service.origin)
}

fn address<'a>(parameters: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let query: Vec<String> =
        parameters.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    if query.is_empty() { START.to_owned() } else { format!("{START}?{}", query.join("&")) }
}

/// Gives the browser its session, or sends it back to the program for which the person signed in.
async fn enter(call: &Call, signed_in: &SignedIn, journey: &OidcJourney) -> Result<Response<Body>, Problem> {
    if !journey.carried().is_empty() {
        let pairs: Vec<String> = journey
            .carried()
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        return authorize::go_on(call, &Parameters::parse(&pairs.join("&"))?, signed_in).await;
    }
    let to = second_factor::leads_to(signed_in.session.stage());
    let main = format!(
        "<p role=\"status\">{}</p><p><a class=\"button\" href=\"{to}\">{}</a></p>",
        two("登录成功。", "You are signed in."),
        two("继续", "Continue")
    );
    let reader = Reader::of(call);
    let mut response = door(&Frame::new(&reader, ("登录", "Sign in")), &main);
    if let Ok(refresh) = HeaderValue::from_str(&format!("0;url={to}")) {
        response.headers_mut().insert(HeaderName::from_static("refresh"), refresh);
    }
    sign_in::give_session(&mut response, signed_in);
    Ok(response)
}

/// Lets somebody who holds several roles name one; the provider knows who it is, and asks nothing again.
fn choose(call: &Call, journey: &OidcJourney, held: &[Role]) -> Response<Body> {
    let links: String = held
        .iter()
        .map(|role| {
            let carried = journey.carried().iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let to = address(std::iter::once(("role", role.as_str())).chain(carried));
            format!(
                "<li><a href=\"{}\">{}</a></li>",
                escape(&to),
                two(&format!("{} {role}", role_zh(*role)), role.as_str())
            )
        })
        .collect();
    let main = format!("<p>{}</p><ul>{links}</ul>", two("请选择角色。", "Choose the role to act in."));
    let reader = Reader::of(call);
    door(&Frame::new(&reader, ("选择角色", "Choose a role")), &main)
}

fn away(call: &Call, cause: &str) -> Response<Body> {
    tracing::warn!(cause, "the provider of sign-ins cannot be used");
    let notice = Notice::new(
        "统一登录暂时不可用。已登录的会话不受影响；本系统的账户仍可用密码登录。",
        "The provider of sign-ins does not answer. Open sessions go on; accounts with a password here can sign in below.",
        StatusCode::SERVICE_UNAVAILABLE,
    );
    sign_in::form(&Target::page(call, None), Some(&notice))
}

fn refusal() -> Notice {
    Notice::new(
        "统一登录未成功：请从本页重新开始；若仍不成功，请联系系统管理员（账户可能已停用、未开通或没有角色）。",
        "This sign-in did not succeed. Begin again from this page; if that does not help, ask the system administrator: the account may be disabled, unknown here, or without a role.",
        StatusCode::UNAUTHORIZED,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_carried_along_cannot_leave_its_parameter() {
        assert_eq!(link(&[]), "/oidc/start");
        assert_eq!(link(&[("state", "a&b=c#\"<".into())]), "/oidc/start?state=a%26b%3Dc%23%22%3C");
    }
}
