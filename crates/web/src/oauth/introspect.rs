//! Token introspection (RFC 7662): a resource server asks whether a token works, and whose it is. It asks with a token of its own, as
//! a service client with the scope `introspect`.

use crate::http::answer;
use crate::http::body::form_of;
use crate::http::problem::{Kind, Problem};
use crate::identity;
use crate::routes::Call;
use axum::body::Body;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use yingdun_access::{SignInError, TokenView};
use yingdun_model::ActorKind;

const MS_PER_SECOND: i64 = 1000;

/// Tells of a token. One that does not work, or belongs elsewhere, is told nothing of (RFC 7662 §2.2).
pub(crate) async fn introspect(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let form = form_of(body).await?;
    let token = form.required("token")?;
    let session = call.session()?;
    let found = match Box::pin(call.service.access.introspect(session, token)).await {
        Ok(found) => found,
        Err(SignInError::Refused) => {
            return Err(Problem::new(Kind::Forbidden)
                .expected("a service client with the scope `introspect`")
                .remedy("ask the security administrator to grant it"));
        }
        Err(error) => return Err(identity::of_sign_in(&error)),
    };
    let told = found.map_or_else(|| json!({"active": false}), |view| told(&view, &call.service.origin));
    let mut response = answer::json(StatusCode::OK, &told);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

// === helpers ===

/// A token that works, in the words of RFC 7662 §2.2, RFC 8705 §3.2 and RFC 9449 §6.2.
fn told(view: &TokenView, issuer: &str) -> Value {
    let seconds = |at: yingdun_model::Timestamp| at.as_ms().div_euclid(MS_PER_SECOND);
    let mut told = Map::new();
    let mut put = |name: &str, value: Value| drop(told.insert(name.to_owned(), value));
    put("active", json!(true));
    put("sub", json!(view.actor.as_str()));
    put("role", json!(view.role.as_str()));
    put("iss", json!(issuer));
    put("iat", json!(seconds(view.issued)));
    put("exp", json!(seconds(view.expires)));
    put("token_type", json!(if view.bound.key.is_some() { "DPoP" } else { "Bearer" }));
    if view.kind == ActorKind::Service {
        put("client_id", json!(view.actor.as_str()));
    }
    if !view.scopes.is_empty() {
        let scopes: Vec<&str> = view.scopes.iter().map(|scope| scope.as_str()).collect();
        put("scope", json!(scopes.join(" ")));
    }
    let bound = [("x5t#S256", view.bound.certificate), ("jkt", view.bound.key)];
    let cnf: Map<String, Value> = bound
        .into_iter()
        .filter_map(|(name, digest)| Some((name.to_owned(), json!(URL_SAFE_NO_PAD.encode(digest?)))))
        .collect();
    if !cnf.is_empty() {
        put("cnf", Value::Object(cnf));
    }
    Value::Object(told)
}
