//! From a request to a session: the bearer token of programs and viewers, the cookie of the plain pages, the
//! token of a metrics collector. Who may do what is decided elsewhere; here it is only found out who asks.

use crate::http::problem::{Kind, Problem, ProofError};
use crate::routes::Service;
use crate::server::Peer;
use axum::http::header::{AUTHORIZATION, COOKIE, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response};
use std::time::Duration;
use yingdun_access::{
    EXTERNAL_TOKEN_BYTES_MAX, PasskeyError, Presented, Scheme, Session, Setup, ShownProof, SignInError,
};
use yingdun_model::Secret;

/// The cookie of the plain pages. `__Host-` ties it to this host, HTTPS and the root path.
pub(crate) const SESSION_COOKIE: &str = "__Host-yingdun-session";

/// The cookie of somebody who signs in for a program and has not proved the second factor yet. Another one, so that it does not
/// take the place of the session of the pages.
pub(crate) const SIGNING_IN_COOKIE: &str = "__Host-yingdun-signing-in";

/// The cookie of a sign-in that is under way with a provider.
pub(crate) const PROVIDER_COOKIE: &str = "__Host-yingdun-provider";

/// The cookie of a browser at which somebody signed out: the provider has to ask anew who sits there.
pub(crate) const SIGNED_OUT_COOKIE: &str = "__Host-yingdun-signed-out";

/// The cookie of the browser that opened the first hour. It is no session: it opens the pages of `/setup` and nothing else.
pub(crate) const SETUP_COOKIE: &str = "__Host-yingdun-setup";

/// How long a browser remembers that: longer than providers remember whom they signed in.
const SIGNED_OUT_SECONDS: u64 = 30 * 24 * 3600;

/// The longest token in a cookie that is looked at, in bytes. Ours have 43, and no others are taken there.
const COOKIE_BYTES_MAX: usize = 256;

/// Which page asks, as the browser says it.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A proof of a key (RFC 9449 §4.1).
pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");

/// Seconds after which a client may try again when accounts or audit do not answer.
const RETRY_SECONDS: u32 = 5;

/// What of a request says whose it is.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) method: &'a str,
    /// The address of the request without query, as programs reach it.
    pub(crate) uri: &'a str,
    pub(crate) peer: Peer,
}

impl<'a> Shown<'a> {
    /// What is shown beside token or secret: the certificate of the connection, and the one proof of a key.
    pub(crate) fn presented(&self, scheme: Scheme) -> Result<Presented<'a>, Problem> {
        let mut proofs = self.headers.get_all(DPOP).iter();
        let malformed = || Problem::proof_needed(ProofError::Proof, None);
        let proof = match (proofs.next(), proofs.next()) {
            (None, _) => None,
            (Some(_), Some(_)) => return Err(malformed()),
            (Some(proof), None) => Some(ShownProof {
                jwt: proof.to_str().map_err(|_| malformed())?,
                method: self.method,
                uri: self.uri,
            }),
        };
        Ok(Presented { certificate: self.peer.certificate, proof, scheme })
    }
}

/// The session of an access token (RFC 6750 §2.1, RFC 9449 §7.1), with what it is bound to; or that of our own page in a browser. Tokens in
/// forms and addresses are not looked at: they end up in logs and histories.
pub(crate) async fn of_token(service: &Service, shown: Shown<'_>) -> Result<Session, Problem> {
    let Some((scheme, token)) = scheme_and_token(shown.headers)? else {
        let token = of_own_page(service, shown)?;
        let found = service.access.bearer(token, shown.peer.into()).await;
        return found.map_err(|error| of_refused_token(service, Scheme::Bearer, &error));
    };
    let presented = shown.presented(scheme)?;
    let found = service.access.bearer_with(token, shown.peer.into(), &presented).await;
    found.map_err(|error| of_refused_token(service, scheme, &error))
}

/// The session of an access token, also one whose sign-in is not finished.
pub(crate) async fn of_token_in_part(service: &Service, shown: Shown<'_>) -> Result<Session, Problem> {
    let Some((scheme, token)) = scheme_and_token(shown.headers)? else {
        let token = of_own_page(service, shown)?;
        let found = service.access.bearer_in_part(token, shown.peer.into()).await;
        return found.map_err(|error| of_refused_token(service, Scheme::Bearer, &error));
    };
    let presented = shown.presented(scheme)?;
    let found = service.access.bearer_in_part_with(token, shown.peer.into(), &presented).await;
    found.map_err(|error| of_refused_token(service, scheme, &error))
}

/// The token in the cookie of a request that a page of our own sent.
fn of_own_page<'a>(service: &Service, shown: Shown<'a>) -> Result<&'a str, Problem> {
    let changes = !matches!(shown.method, "GET" | "HEAD");
    let of_this_origin = || {
        let mut values = shown.headers.get_all(ORIGIN).iter();
        matches!((values.next(), values.next()), (Some(one), None) if one.as_bytes() == service.origin.as_bytes())
    };
    own_page_token(shown.headers)
        .filter(|_| !changes || of_this_origin())
        .ok_or_else(|| Problem::unauthenticated(None))
}

/// The token in the session cookie, if the browser says that a page of this very origin asks (W3C Fetch Metadata §2.2). No page can write
/// that header, and none of another origin gets this value, so no other site can have a browser ask in somebody's name; the cookie itself
/// is strict besides. A browser that does not say it gets the plain pages.
pub(crate) fn own_page_token(headers: &HeaderMap) -> Option<&str> {
    let mut sites = headers.get_all(FETCH_SITE).iter();
    let (Some(site), None) = (sites.next(), sites.next()) else { return None };
    let token = cookie(headers, SESSION_COOKIE).filter(|token| token.len() <= COOKIE_BYTES_MAX);
    token.filter(|token| site == "same-origin" && !token.is_empty())
}

/// From a refused token to an answer in the words of its scheme.
fn of_refused_token(service: &Service, scheme: Scheme, error: &SignInError) -> Problem {
    let nonce = || service.access.proof_nonce();
    match (error, scheme) {
        (SignInError::Refused, Scheme::Bearer) => Problem::unauthenticated(Some("invalid_token")),
        (SignInError::Refused, Scheme::Dpop) => Problem::proof_needed(ProofError::Token, None),
        (SignInError::BadProof, _) => Problem::proof_needed(ProofError::Proof, nonce().as_deref()),
        (SignInError::NonceNeeded, _) => Problem::proof_needed(ProofError::Nonce, nonce().as_deref()),
        (other, _) => of_sign_in(other),
    }
}

/// The session of a cookie, also one whose sign-in is not finished; `None` when there is none that lives.
pub(crate) async fn of_cookie_in_part(
    service: &Service,
    headers: &HeaderMap,
    name: &str,
    peer: Peer,
) -> Result<Option<Session>, Problem> {
    let Some(token) = cookie(headers, name).filter(|token| token.len() <= COOKIE_BYTES_MAX) else {
        return Ok(None);
    };
    match service.access.bearer_in_part(token, peer.into()).await {
        Ok(session) => Ok(Some(session)),
        Err(SignInError::Refused) => Ok(None),
        Err(other) => Err(of_sign_in(&other)),
    }
}

/// The session of a page cookie; `None` when there is none that lives.
pub(crate) async fn of_cookie(
    service: &Service,
    headers: &HeaderMap,
    peer: Peer,
) -> Result<Option<Session>, Problem> {
    let Some(token) = cookie(headers, SESSION_COOKIE).filter(|token| token.len() <= COOKIE_BYTES_MAX) else {
        return Ok(None);
    };
    match service.access.bearer(token, peer.into()).await {
        Ok(session) => Ok(Some(session)),
        // To pages that show images, a sign-in that is not finished is none.
        Err(SignInError::Refused | SignInError::SecondFactorNeeded) => Ok(None),
        Err(other) => Err(of_sign_in(&other)),
    }
}

/// The configured metrics token (no session), or any bearer token (a session that is decided on later).
pub(crate) async fn of_scraper(service: &Service, shown: Shown<'_>) -> Result<Option<Session>, Problem> {
    if let (Some(expected), Some(sent)) = (&service.metrics_token, bearer(shown.headers)?) {
        // Digests are compared, so that the time of the comparison tells nothing of the token.
        let digest = |text: &str| yingdun_crypto::digest::sha256(text.as_bytes());
        if digest(expected.expose()) == digest(sent) {
            return Ok(None);
        }
    }
    of_token(service, shown).await.map(Some)
}

/// Another node of the installation: its certificate came from our authority, and the catalogue names it. It has no session,
/// and can do nothing but read ciphertext.
pub(crate) async fn of_node(service: &Service, peer: Peer) -> Result<(), Problem> {
    let known = match peer.certificate_sha256 {
        Some(certificate) => service.archive.is_node(&certificate).await.map_err(|error| {
            tracing::error!(%error, "it could not be found out whether another node asks");
            Problem::new(Kind::Unavailable).expected("the catalogue to answer").retry_after(RETRY_SECONDS)
        })?,
        None => false,
    };
    if known {
        return Ok(());
    }
    metrics::counter!("yingdun_node_refusals_total").increment(1);
    Err(Problem::new(Kind::Unauthenticated)
        .expected("the certificate of another node of this installation")
        .remedy(
            "set the section [node] on both nodes and start them anew: each tells the others its certificate",
        ))
}

/// Gives a page its session.
pub(crate) fn set_session_cookie<B>(response: &mut Response<B>, token: &Secret<String>, lasts: Duration) {
    set_cookie(response, SESSION_COOKIE, token.expose(), lasts.as_secs());
}

/// Takes the session cookie away.
pub(crate) fn clear_session_cookie<B>(response: &mut Response<B>) {
    set_cookie(response, SESSION_COOKIE, "", 0);
}

/// Gives the sign-in page of a program a session that is not whole yet.
pub(crate) fn set_signing_in_cookie<B>(response: &mut Response<B>, token: &Secret<String>, lasts: Duration) {
    set_cookie(response, SIGNING_IN_COOKIE, token.expose(), lasts.as_secs());
}

/// Takes that away.
pub(crate) fn clear_signing_in_cookie<B>(response: &mut Response<B>) {
    set_cookie(response, SIGNING_IN_COOKIE, "", 0);
}

/// Gives the browser that opened the first hour what it goes on by.
pub(crate) fn set_setup_cookie<B>(response: &mut Response<B>, secret: &Secret<String>, lasts: Duration) {
    set_cookie(response, SETUP_COOKIE, secret.expose(), lasts.as_secs());
}

/// Takes that away.
pub(crate) fn clear_setup_cookie<B>(response: &mut Response<B>) {
    set_cookie(response, SETUP_COOKIE, "", 0);
}

/// The browser that opened the first hour, if this is the one.
pub(crate) async fn setup_of(service: &Service, headers: &HeaderMap) -> Result<Option<Setup>, Problem> {
    let Some(secret) = cookie(headers, SETUP_COOKIE).filter(|secret| secret.len() <= COOKIE_BYTES_MAX) else {
        return Ok(None);
    };
    service.access.setup_of(secret).await.map_err(|error| of_sign_in(&error))
}

/// Gives the browser what it brings back from the provider. That comes from another site, so the cookie is not strict.
pub(crate) fn set_provider_cookie<B>(response: &mut Response<B>, value: &Secret<String>, lasts: Duration) {
    set_cookie_for(response, PROVIDER_COOKIE, value.expose(), lasts.as_secs(), "Lax");
}

/// Takes that away.
pub(crate) fn clear_provider_cookie<B>(response: &mut Response<B>) {
    set_cookie_for(response, PROVIDER_COOKIE, "", 0, "Lax");
}

/// Has the browser remember that somebody signed out at it.
pub(crate) fn set_signed_out_cookie<B>(response: &mut Response<B>) {
    set_cookie(response, SIGNED_OUT_COOKIE, "1", SIGNED_OUT_SECONDS);
}

/// Takes that away: somebody was asked since.
pub(crate) fn clear_signed_out_cookie<B>(response: &mut Response<B>) {
    set_cookie(response, SIGNED_OUT_COOKIE, "", 0);
}

/// Whether a session of this browser is over: somebody signed out, or it rested, or it was ended elsewhere.
pub(crate) async fn was_left(service: &Service, headers: &HeaderMap, peer: Peer) -> Result<bool, Problem> {
    if sent(headers, SIGNED_OUT_COOKIE) {
        return Ok(true);
    }
    Ok(sent(headers, SESSION_COOKIE)
        && of_cookie_in_part(service, headers, SESSION_COOKIE, peer).await?.is_none())
}

/// Whether a cookie came, however often.
fn sent(headers: &HeaderMap, name: &str) -> bool {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    pairs
        .flat_map(|value| value.split(';'))
        .any(|pair| pair.trim().split_once('=').is_some_and(|(key, value)| key == name && !value.is_empty()))
}

fn set_cookie<B>(response: &mut Response<B>, name: &str, value: &str, seconds: u64) {
    set_cookie_for(response, name, value, seconds, "Strict");
}

fn set_cookie_for<B>(response: &mut Response<B>, name: &str, value: &str, seconds: u64, site: &str) {
    let cookie = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite={site}; Max-Age={seconds}");
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// The value of a cookie that came exactly once.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    let first = values.next();
    if values.next().is_some() { None } else { first }
}

/// From a refused sign-in to an answer. Why it was refused is on the ledger only.
pub(crate) fn of_sign_in(error: &SignInError) -> Problem {
    match error {
        SignInError::Refused => Problem::new(Kind::Unauthenticated)
            .expected("credentials of an account that is not disabled, and not too many failed attempts")
            .remedy("check name, password and role; after several failures wait, or sign in where it worked before"),
        SignInError::ChooseRole { .. } => Problem::new(Kind::BadRequest)
            .expected("one of the roles that the account holds")
            .remedy("name the role to act in"),
        SignInError::SecondFactorNeeded => Problem::second_factor_needed(),
        SignInError::SecondFactorExists | SignInError::NoSecondFactor => {
            Problem::new(Kind::Conflict).came(error.to_string())
        }
        SignInError::Passkey(PasskeyError::NotFresh) => Problem::new(Kind::Forbidden)
            .expected(error.to_string())
            .remedy("prove it at POST /api/v1/me/passkeys/proof or /api/v1/me/second-factor/proof, and ask again"),
        SignInError::Passkey(PasskeyError::Unknown) => Problem::new(Kind::NotFound).came(error.to_string()),
        SignInError::Passkey(PasskeyError::Name) => Problem::new(Kind::BadRequest).expected(error.to_string()),
        SignInError::Passkey(_) => Problem::new(Kind::Conflict).came(error.to_string()),
        SignInError::SecondFactorDamaged => {
            tracing::error!(%error, "a second factor does not open");
            Problem::new(Kind::Conflict)
                .came(error.to_string())
                .remedy("ask the security administrator to reset it")
        }
        SignInError::BadProof => Problem::proof_needed(ProofError::Proof, None),
        SignInError::NonceNeeded => Problem::proof_needed(ProofError::Nonce, None),
        SignInError::TooManyProofs => Problem::new(Kind::TooMany)
            .expected("fewer requests with proofs of keys or signatures")
            .remedy("ask more slowly")
            .retry_after(RETRY_SECONDS),
        SignInError::PasswordLength => Problem::new(Kind::BadRequest).expected(error.to_string()),
        SignInError::Busy => Problem::new(Kind::TooMany)
            .expected("fewer sign-ins at the same time")
            .remedy("try again")
            .retry_after(RETRY_SECONDS),
        SignInError::NameTaken => Problem::new(Kind::Unauthenticated)
            .expected("a name that no account here has which belongs to somebody else, or to nobody there")
            .remedy("have the system administrator bind that account to you, if it is yours"),
        SignInError::Frozen => Problem::new(Kind::Unauthenticated)
            .expected("an account that no officer has frozen")
            .came("account-frozen")
            .remedy(
                "call the security administrator, who lifts it after another person has looked into it; in an emergency ask a colleague to open the patient",
            ),
        SignInError::PasswordElsewhere => Problem::new(Kind::Conflict)
            .came(error.to_string())
            .remedy("change it where you sign in to everything else"),
        SignInError::NoDirectory => Problem::new(Kind::NotFound)
            .expected("an installation that signs people in with a provider (identity.oidc)"),
        SignInError::DirectoryUnavailable(_) => {
            tracing::warn!(%error, "people or programs of another directory cannot sign in");
            Problem::new(Kind::Unavailable)
                .expected("the provider of sign-ins, the directory or the issuer of the token to answer")
                .remedy("try again, or sign in with a credential of this archive; open sessions go on")
                .retry_after(RETRY_SECONDS)
        }
        SignInError::AuditUnavailable(_) | SignInError::Unavailable(_) => {
            tracing::error!(%error, "a sign-in could not be decided");
            Problem::new(Kind::Unavailable)
                .expected("accounts and audit log to answer")
                .remedy("try again")
                .retry_after(RETRY_SECONDS)
        }
    }
}

/// The access token of a request, by whatever scheme; nothing where it has none.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    Ok(scheme_and_token(headers)?.map(|(_, token)| token))
}

/// The access token of a request and its scheme; nothing where it has none.
pub(crate) fn scheme_and_token(headers: &HeaderMap) -> Result<Option<(Scheme, &str)>, Problem> {
    let malformed = || Problem::unauthenticated(Some("invalid_request"));
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed());
    }
    let text = value.to_str().map_err(|_| malformed())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(malformed)?;
    let scheme = match scheme {
        scheme if scheme.eq_ignore_ascii_case("bearer") => Scheme::Bearer,
        scheme if scheme.eq_ignore_ascii_case("dpop") => Scheme::Dpop,
        _ => return Err(malformed()),
    };
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    if token.is_empty() || !token.bytes().all(legal) {
        return Err(malformed());
    }
    // Those of other issuers are the longest.
    if token.len() > EXTERNAL_TOKEN_BYTES_MAX {
        return Err(Problem::unauthenticated(Some("invalid_token")));
    }
    Ok(Some((scheme, token)))
}

impl From<Peer> for yingdun_access::Peer {
    fn from(peer: Peer) -> Self {
        Self { address: peer.address.ip(), tls: peer.tls }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: axum::http::HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn one_well_formed_bearer_token_is_read_and_anything_else_is_refused() {
        assert_eq!(bearer(&HeaderMap::new()).unwrap(), None);
        assert_eq!(bearer(&headers(AUTHORIZATION, &["Bearer abc"])).unwrap(), Some("abc"));
        assert_eq!(bearer(&headers(AUTHORIZATION, &["bearer a.b-c~+/="])).unwrap(), Some("a.b-c~+/="));
        let long = format!("Bearer {}", "a".repeat(EXTERNAL_TOKEN_BYTES_MAX + 1));
        for wrong in [
            &["Basic YTpi"][..],
            &["Bearer"],
            &["Bearer "],
            &["Bearer a b"],
            &["Bearer a", "Bearer b"],
            &[long.as_str()],
        ] {
            assert!(bearer(&headers(AUTHORIZATION, wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_cookie_that_comes_twice_is_no_cookie() {
        let one = headers(COOKIE, &["a=1; __Host-yingdun-session=t; b=2"]);
        assert_eq!(cookie(&one, SESSION_COOKIE), Some("t"));
        let two = headers(COOKIE, &["__Host-yingdun-session=t", "__Host-yingdun-session=u"]);
        assert_eq!(cookie(&two, SESSION_COOKIE), None);
    }

    #[test]
    fn only_what_a_browser_says_of_a_page_of_this_origin_makes_a_token_of_a_cookie() {
        let with = |sites: &[&str], cookies: &[&str]| {
            let mut sent = headers(COOKIE, cookies);
            sent.extend(sites.iter().map(|site| (FETCH_SITE, HeaderValue::from_str(site).unwrap())));
            own_page_token(&sent).map(str::to_owned)
        };
        let one = &["__Host-yingdun-session=t"][..];
        assert_eq!(with(&["same-origin"], one).as_deref(), Some("t"));
        for sites in [
            &[][..],
            &["same-site"],
            &["cross-site"],
            &["none"],
            &["same-origin", "same-origin"],
            &["Same-Origin"],
        ] {
            assert_eq!(with(sites, one), None, "{sites:?}");
        }
        assert_eq!(with(&["same-origin"], &[]), None);
        assert_eq!(with(&["same-origin"], &["__Host-yingdun-session="]), None);
        assert_eq!(with(&["same-origin"], &["__Host-yingdun-session=t", "__Host-yingdun-session=u"]), None);
    }

    #[test]
    fn the_session_cookie_is_out_of_reach_of_other_sites_and_scripts() {
        let mut response = Response::new(());
        set_session_cookie(&mut response, &Secret::new("t".into()), Duration::from_secs(60));
        let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
        for attribute in ["__Host-", "Path=/", "Secure", "HttpOnly", "SameSite=Strict", "Max-Age=60"] {
            assert!(cookie.contains(attribute), "{attribute}");
        }
    }
}
