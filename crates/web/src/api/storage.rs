//! Work on the replicas: what is being checked, and what somebody sets going. The office of the system administrator.

use super::problems::of_refusal;
use super::system::may_read;
use crate::http::answer;
use crate::http::problem::Problem;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use yingdun_access::Resource;
use yingdun_model::Action;

/// How far the scrub of each replica is, and what its last full pass found.
pub(crate) async fn scrub_status(call: Call) -> Result<Response<Body>, Problem> {
    may_read(&call, call.session()?).await?;
    Ok(answer::json(StatusCode::OK, &scrubs(&call)))
}

/// Begins a full pass over every replica.
pub(crate) async fn begin_scrub(call: Call) -> Result<Response<Body>, Problem> {
    authorise(&call).await?;
    call.service.archive.store().scrub_now();
    Ok(answer::json(StatusCode::ACCEPTED, &scrubs(&call)))
}

fn scrubs(call: &Call) -> Value {
    let replicas = call.service.archive.store().status().replicas.into_iter();
    let rows = replicas.map(|replica| {
        json!({
            "label": replica.label,
            "quarantined": replica.quarantined,
            "awaiting_repair": replica.awaiting_repair,
            "scrub": replica.scrub,
        })
    });
    rows.collect()
}

/// Decides, and writes down that somebody sets work going.
async fn authorise(call: &Call) -> Result<(), Problem> {
    let session = call.session()?;
    let resource = Resource::Archive(session.institution().clone());
    let permit = call.service.access.authorise(session, Action::ManageStorage, resource).await;
    permit.map(|_permit| ()).map_err(|refusal| of_refusal(&refusal))
}
