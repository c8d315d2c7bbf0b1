//! Files that a page made of a list: the console writes them in the browser, of rows whose reading is on the record already. That a file of them
//! was taken away, how many rows it has and which bytes, is told by the page itself before it is saved.

use super::problems::unavailable;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use yingdun_access::session_leaf;
use yingdun_audit::{Counts, Event, EventKind, Outcome, ReasonCode};
use yingdun_model::ActorKind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileBody {
    list: String,
    rows: u64,
    sha256: String,
}

/// Writes down that a file was made of a list.
pub(crate) async fn told(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let session = call.session()?;
    if session.actor_kind() != ActorKind::Person {
        return Err(Problem::new(Kind::Forbidden).expected("the session of a person"));
    }
    let FileBody { list, rows, sha256 } = json_of(body).await?;
    let reason = ReasonCode::parse(&format!("file-of-{list}"))
        .ok_or_else(|| Problem::bad_request("the name of a list as `list`", "another word"))?;
    let content = hex::decode(&sha256).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let content =
        content.ok_or_else(|| Problem::bad_request("64 hexadecimal digits as `sha256`", "something else"))?;
    let event = Event {
        kind: EventKind::Copied,
        outcome: Outcome::Succeeded,
        counts: Counts::new().with("rows", rows),
        content: Some(content),
        ..session_leaf(session, reason)
    };
    call.service.audit.append_one(event).await.map_err(|error| unavailable(&error))?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}
