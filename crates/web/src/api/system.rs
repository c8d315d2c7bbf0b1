//! The state of the program: health, readiness, metrics, status, and the description of this API.

use super::problems::of_refusal;
use crate::hooks::Readiness;
use crate::http::answer;
use crate::http::problem::{Kind, Problem};
use crate::routes::{Call, openapi};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::json;
use yingdun_access::{Resource, Session};
use yingdun_model::Action;

/// The process answers. Tells nothing else.
pub(crate) fn live() -> Response<Body> {
    answer::json(StatusCode::OK, &json!({"status": "live"}))
}

/// Whether the archive can serve; if not, which part cannot.
pub(crate) fn ready(call: &Call) -> Response<Body> {
    match (call.service.hooks.ready)() {
        Readiness::Ready => answer::json(StatusCode::OK, &json!({"status": "ready"})),
        Readiness::Attention(parts) => {
            answer::json(StatusCode::OK, &json!({"status": "ready", "attention": parts}))
        }
        Readiness::NotReady(parts) => {
            answer::json(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "not ready", "parts": parts}))
        }
    }
}

/// All metrics in the Prometheus text format. A session needs the right to read the state of the system; the
/// configured metrics token was checked at the gate and comes without a session.
pub(crate) async fn metrics(call: Call) -> Result<Response<Body>, Problem> {
    if let Some(session) = &call.identity {
        may(&call, session, Action::ReadMetrics).await?;
    }
    let text = (call.service.hooks.metrics)();
    Ok(answer::with_body(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text))
}

/// Replicas, keys, certificates, versions: what the system administrator watches.
pub(crate) async fn status(call: Call) -> Result<Response<Body>, Problem> {
    may_read(&call, call.session()?).await?;
    let status = (call.service.hooks.status)().await;
    Ok(answer::json(StatusCode::OK, &status))
}

/// Whether each part works: what a vendor may see of the state.
pub(crate) async fn health(call: Call) -> Result<Response<Body>, Problem> {
    may(&call, call.session()?, Action::ReadHealth).await?;
    let health = (call.service.hooks.health)().await;
    Ok(answer::json(StatusCode::OK, &health))
}

/// How the system is set up, without secrets.
pub(crate) async fn configuration(call: Call) -> Result<Response<Body>, Problem> {
    may(&call, call.session()?, Action::ReadConfiguration).await?;
    let configuration = (call.service.hooks.configuration)().await;
    Ok(answer::json(StatusCode::OK, &configuration))
}

/// The OpenAPI document of this server.
pub(crate) fn description(call: &Call) -> Response<Body> {
    answer::json(StatusCode::OK, &openapi::document(&call.service.origin))
}

pub(super) async fn may_read(call: &Call, session: &Session) -> Result<(), Problem> {
    may(call, session, Action::ReadSystem).await
}

async fn may(call: &Call, session: &Session, action: Action) -> Result<(), Problem> {
    let resource = Resource::Archive(session.institution().clone());
    let decision = call.service.access.decide(session, action, &resource).await;
    let decision = decision.map_err(|refusal| of_refusal(&refusal))?;
    if decision.permitted {
        return Ok(());
    }
    Err(Problem::new(Kind::Forbidden).expected("the system administrator").came(decision.reason.as_str()))
}
