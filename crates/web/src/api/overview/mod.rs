//! What an officer sees first: what waits for the office, and how the archive stands. Each part is made by the room that owns it and under the
//! right that its own route asks for; a part to which the role has no right is not there, which is something else than nothing in it.

mod days;
mod parts;

pub(crate) use parts::SEVERITIES;

use super::audit;
use super::problems::of_refusal;
use crate::http::answer;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value, json};
use yingdun_model::{Action, Clock, SystemClock, Timestamp};

/// The rights that have a part here.
const RIGHTS: [Action; 12] = [
    Action::ReadAudit,
    Action::ReadSystem,
    Action::ManageKeys,
    Action::ReviewBreakGlass,
    Action::ReviewAlerts,
    Action::LiftStop,
    Action::ApprovePolicy,
    Action::ActivatePolicy,
    Action::RequestDestruction,
    Action::ApproveDestruction,
    Action::ApproveMaintenance,
    Action::ApproveRelease,
];

/// The overview of the role that asks.
pub(crate) async fn read(call: Call) -> Result<Response<Body>, Problem> {
    let session = call.session()?;
    let may = call.service.access.actions(session).await.map_err(|refusal| of_refusal(&refusal))?;
    if !RIGHTS.iter().any(|right| may.contains(right)) {
        return Err(Problem::new(Kind::Forbidden)
            .expected("an officer: the system, security or audit administrator")
            .came(session.role().as_str()));
    }
    let now = SystemClock.now();
    let mut overview = Overview { parts: Map::new(), missing: Vec::new() };
    overview.put("health", Ok(Some(parts::health(&call))));
    if may.contains(&Action::ReadAudit) {
        // Whoever reads the log is in the log, also who reads sums of it.
        audit::authorise(&call).await?;
        overview.put("accesses", days::accesses(&call, now).await);
    }
    if may.contains(&Action::ReadAudit) || may.contains(&Action::ReadSystem) {
        overview.put("audit", Ok(Some(parts::audit(&call))));
    }
    if may.contains(&Action::ReadSystem) {
        overview.put("storage", Ok(Some(parts::storage(&call))));
        overview.put("certificates", Ok(parts::certificates(&call).await));
    }
    if may.contains(&Action::ManageKeys) {
        overview.put("keys", parts::keys(&call, now).await.map(Some));
    }
    if may.contains(&Action::ReviewBreakGlass) {
        overview.put("reviews", parts::reviews(&call).await.map(Some));
    }
    if may.contains(&Action::ReviewAlerts) || may.contains(&Action::LiftStop) {
        overview.put("alerts", parts::alerts(&call, now).await.map(Some));
    }
    if may.contains(&Action::LiftStop) {
        overview.put("reasons", parts::reasons(&call).await.map(Some));
    }
    overview.put("approvals", parts::approvals(&call, &may).await.map(Some));
    overview.put("jobs", parts::jobs(&call, &may).await.map(Some));
    let Overview { mut parts, missing } = overview;
    parts.insert("role".to_owned(), json!(session.role()));
    parts.insert("at_ms".to_owned(), json!(Timestamp::as_ms(now)));
    parts.insert("missing".to_owned(), json!(missing));
    Ok(answer::json(StatusCode::OK, &Value::Object(parts)))
}

// === helpers ===

struct Overview {
    parts: Map<String, Value>,
    /// Parts that the role may see and that could not be made now.
    missing: Vec<&'static str>,
}

impl Overview {
    /// Puts a part where it is there. One that fails takes nothing from the others.
    fn put(&mut self, name: &'static str, part: Result<Option<Value>, Failed>) {
        match part {
            Ok(Some(part)) => drop(self.parts.insert(name.to_owned(), part)),
            Ok(None) => {}
            Err(Failed) => self.missing.push(name),
        }
    }
}

/// A part could not be made. Why stands in the log.
#[derive(Debug)]
struct Failed;

/// Notes why a part is missing.
fn failed(error: &impl std::fmt::Display) -> Failed {
    tracing::error!(%error, "a part of the overview cannot be made");
    Failed
}
