//! The token endpoint (RFC 6749 §3.2) and revocation (RFC 7009).

use super::refusal::OAuthError;
use crate::http::answer;
use crate::http::body::form_of;
use crate::http::form::Parameters;
use crate::http::problem::{DPOP_NONCE, Problem};
use crate::identity::{self, Shown};
use crate::routes::{Call, RouteId};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use yingdun_access::{ClientSignIn, CodeExchange, Scheme, SignInError, SignedIn};
use yingdun_model::{ActorId, Secret};

/// Where tokens are asked for, as proofs of keys name it.
const TOKEN_PATH: &str = RouteId::Token.describe().path;

/// Gives a token for client credentials or for a code.
pub(crate) async fn token(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let Ok(form) = form_of(body).await else {
        return Ok(OAuthError::InvalidRequest.into_response("a form in UTF-8 is expected"));
    };
    let client = match Client::read(&call.headers, &form) {
        Ok(client) => client,
        Err((error, words)) => return Ok(error.into_response(words)),
    };
    let access = &call.service.access;
    let uri = format!("{}{TOKEN_PATH}", call.service.origin);
    let shown = Shown { headers: &call.headers, method: "POST", uri: &uri, peer: call.peer };
    let Ok(presented) = shown.presented(Scheme::Bearer) else {
        return Ok(OAuthError::InvalidProof.into_response("one proof of a key is expected"));
    };
    let grant = match form.required("grant_type") {
        Ok(grant) => grant,
        Err(_) => return Ok(OAuthError::InvalidRequest.into_response("exactly one grant_type is expected")),
    };
    let signed_in = match grant {
        "client_credentials" => {
            if client.secret.is_none() && presented.certificate.is_none() {
                let words = "the client has to prove its secret, or to show a registered certificate";
                return Ok(OAuthError::InvalidClient.into_response(words));
            }
            let shown = ClientSignIn {
                client_id: &client.id,
                secret: client.secret.as_ref(),
                presented,
                peer: call.peer.into(),
            };
            Box::pin(access.sign_client_in(shown))
                .await
                .map_err(|error| OAuthError::of_sign_in(&error, OAuthError::InvalidClient))
        }
        "authorization_code" => {
            let (Ok(code), Ok(redirect_uri), Ok(verifier)) =
                (form.required("code"), form.required("redirect_uri"), form.required("code_verifier"))
            else {
                return Ok(OAuthError::InvalidRequest
                    .into_response("code, redirect_uri and code_verifier are expected, once each"));
            };
            let exchange = CodeExchange {
                client_id: client.id,
                client_secret: client.secret,
                code: Secret::new(code.to_owned()),
                redirect_uri: redirect_uri.to_owned(),
                verifier: Secret::new(verifier.to_owned()),
                peer: call.peer.into(),
            };
            Box::pin(access.exchange_code_with(exchange, &presented))
                .await
                .map_err(|error| OAuthError::of_sign_in(&error, OAuthError::InvalidGrant))
        }
        _ => {
            return Ok(OAuthError::UnsupportedGrantType
                .into_response("grant_type is client_credentials or authorization_code"));
        }
    };
    Ok(match signed_in {
        Ok(signed_in) => granted(&signed_in),
        Err(error @ (OAuthError::InvalidProof | OAuthError::UseNonce)) => {
            let mut response =
                error.into_response("a proof of the key with the value of DPoP-Nonce is expected");
            let nonce = access.proof_nonce().and_then(|nonce| HeaderValue::from_str(&nonce).ok());
            if let Some(nonce) = nonce {
                response.headers_mut().insert(DPOP_NONCE, nonce);
            }
            response
        }
        Err(error) => error.into_response("the credentials are not accepted"),
    })
}

/// Ends the session of a token. Holding a token is the right to end it; a token that is none is answered
/// alike (RFC 7009 §2.2).
pub(crate) async fn revoke(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let form = form_of(body).await?;
    let token = form.required("token")?;
    match Box::pin(call.service.access.end_token(token, call.peer.into())).await {
        Ok(()) | Err(SignInError::Refused) => {}
        Err(error) => return Err(identity::of_sign_in(&error)),
    }
    Ok(answer::empty(StatusCode::OK))
}

fn granted(signed_in: &SignedIn) -> Response<Body> {
    let session = &signed_in.session;
    let scopes: Vec<&str> = session.scopes().iter().map(|scope| scope.as_str()).collect();
    let body = json!({
        "access_token": signed_in.token.expose(),
        "token_type": if session.bound().key.is_some() { "DPoP" } else { "Bearer" },
        "expires_in": signed_in.expires_in.as_secs(),
        "scope": scopes.join(" "),
        "role": session.role().as_str(),
    });
    let mut response = answer::json(StatusCode::OK, &body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `client_id` and `client_secret` of HTTP Basic.
type Pair = (String, Secret<String>);

/// The client, as it names and proves itself.
struct Client {
    id: ActorId,
    secret: Option<Secret<String>>,
}

impl Client {
    /// Reads `client_secret_basic` or `client_secret_post`, never both (RFC 6749 §2.3).
    fn read(headers: &HeaderMap, form: &Parameters) -> Result<Self, (OAuthError, &'static str)> {
        let twice = |_| (OAuthError::InvalidRequest, "a parameter came twice");
        let (form_id, form_secret) =
            (form.one("client_id").map_err(twice)?, form.one("client_secret").map_err(twice)?);
        let (id, secret) = match basic(headers)? {
            Some(_) if form_secret.is_some() => {
                return Err((OAuthError::InvalidRequest, "the client proves itself in one way, not in two"));
            }
            Some((id, _)) if form_id.is_some_and(|other| other != id) => {
                return Err((OAuthError::InvalidRequest, "two different client_id"));
            }
            Some((id, secret)) => (id, Some(secret)),
            None => (
                form_id.unwrap_or_default().to_owned(),
                form_secret.map(|secret| Secret::new(secret.to_owned())),
            ),
        };
        let id = ActorId::new(&id).ok_or((OAuthError::InvalidClient, "client_id is expected"))?;
        Ok(Self { id, secret })
    }
}

fn basic(headers: &HeaderMap) -> Result<Option<Pair>, (OAuthError, &'static str)> {
    let malformed =
        || (OAuthError::InvalidClient, "Authorization: Basic with client_id:client_secret is expected");
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed());
    }
    let encoded = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .map(|(_, encoded)| encoded.trim())
        .ok_or_else(malformed)?;
    let decoded = STANDARD.decode(encoded).map_err(|_| malformed())?;
    let pair = Secret::new(String::from_utf8(decoded).map_err(|_| malformed())?);
    let (id, secret) = pair.expose().split_once(':').ok_or_else(malformed)?;
    // Both are form-encoded before they are joined (RFC 6749 §2.3.1).
    let decode = |text: &str| {
        Parameters::parse(&format!("v={text}")).ok().and_then(|form| form.one("v").ok()?.map(str::to_owned))
    };
    Ok(Some((decode(id).ok_or_else(malformed)?, Secret::new(decode(secret).ok_or_else(malformed)?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(basic: Option<&str>, form: &str) -> Result<(String, Option<String>), OAuthError> {
        let mut headers = HeaderMap::new();
        if let Some(pair) = basic {
            let value = format!("Basic {}", STANDARD.encode(pair));
            headers.insert(AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
        }
        Client::read(&headers, &Parameters::parse(form).unwrap())
            .map(|client| (client.id.to_string(), client.secret.map(|secret| secret.expose().clone())))
            .map_err(|(error, _)| error)
    }

    #[test]
    fn a_client_proves_itself_in_the_header_or_in_the_form() {
        assert_eq!(read(Some("gateway:s%3Acret"), ""), Ok(("gateway".into(), Some("s:cret".into()))));
        assert_eq!(read(None, "client_id=gateway&client_secret=s"), Ok(("gateway".into(), Some("s".into()))));
        assert_eq!(read(None, "client_id=viewer"), Ok(("viewer".into(), None)));
    }

    #[test]
    fn two_proofs_or_none_are_refused() {
        assert_eq!(read(Some("a:b"), "client_secret=b"), Err(OAuthError::InvalidRequest));
        assert_eq!(read(Some("a:b"), "client_id=c"), Err(OAuthError::InvalidRequest));
        assert_eq!(read(None, ""), Err(OAuthError::InvalidClient));
        assert_eq!(read(Some("no-colon"), ""), Err(OAuthError::InvalidClient));
        assert_eq!(read(None, "client_id=a&client_id=b"), Err(OAuthError::InvalidRequest));
    }
}
