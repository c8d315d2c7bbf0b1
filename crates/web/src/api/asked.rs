//! What another node asks of the audit log here. Nobody's session stands behind it: the node that asks has decided who may, and written it down. This node
//! writes down who asked it and by which leaf of theirs, before it answers; and bounds how often.

use super::across::page;
use super::problems::unavailable;
use crate::dicomweb::problems::of_unavailable;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use yingdun_audit::across::{Asked, Told};
use yingdun_audit::{Counts, Event, EventKind, Outcome, ReasonCode};
use yingdun_model::{Action, ActorId, StoreNumber};

/// The leaf that another node asked.
const ASKED_BY_NODE: ReasonCode = ReasonCode::new("asked-by-node");

/// Questions of one node in a second, in the long run: pages that several auditors turn.
const QUESTIONS_PER_SECOND: u32 = 10;

/// The same at once, after a rest.
const QUESTIONS_AT_ONCE: u32 = 60;

/// Questions of all nodes that are searched for at once: each reads files on a thread.
const SEARCHES_MAX: usize = 4;

/// How long a question waits for its turn: no longer than who asked waits.
const TURN_TIME_MAX: Duration = Duration::from_secs(2);

/// What the other nodes may ask at this moment.
#[derive(Debug)]
pub(crate) struct Questions {
    used: Mutex<HashMap<StoreNumber, Used>>,
    turns: Semaphore,
}

/// What a node has used of its rate: it runs out again as time goes by.
#[derive(Clone, Copy, Debug)]
struct Used {
    /// When all of it will have run out.
    until: Instant,
}

impl Default for Questions {
    fn default() -> Self {
        Self { used: Mutex::default(), turns: Semaphore::new(SEARCHES_MAX) }
    }
}

impl Questions {
    /// Whether a node may ask once more. There are as many entries as nodes.
    fn take(&self, of: StoreNumber, now: Instant) -> bool {
        let each = Duration::from_secs(1) / QUESTIONS_PER_SECOND;
        let mut all = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let used = all.entry(of).or_insert(Used { until: now });
        let until = used.until.max(now) + each;
        let is_free = until.saturating_duration_since(now) <= each * QUESTIONS_AT_ONCE;
        if is_free {
            used.until = until;
        }
        is_free
    }
}

/// A page of the log here, for another node.
pub(crate) async fn search(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let certificate = call.peer.certificate_sha256.ok_or_else(|| Problem::unauthenticated(None))?;
    let asker =
        call.service.archive.asking_node(&certificate).await.map_err(|error| of_unavailable(&error))?;
    let Some((store, log)) = asker else { return Err(Problem::unauthenticated(None)) };
    let asked: Asked = json_of(body).await?;
    let asked = Asked { limit: asked.limit.min(limits::AUDIT_LEAVES_MAX), ..asked };
    let own = call.service.audit.verifier().name();
    if asked.log != own {
        return Err(Problem::new(Kind::Unprocessable).expected(format!("a question about the log `{own}`")));
    }
    let busy = || {
        metrics::counter!("yingdun_node_audit_questions_refused_total").increment(1);
        Problem::new(Kind::TooMany).expected("fewer questions of one node").retry_after(1)
    };
    let questions = &call.service.node_questions;
    if !questions.take(store, Instant::now()) {
        return Err(busy());
    }
    let turn = tokio::time::timeout(TURN_TIME_MAX, questions.turns.acquire()).await.map_err(|_| busy())?;
    metrics::counter!("yingdun_node_audit_questions_total").increment(1);
    let leaf = leaf_of(&call, &asked, store, log.as_deref());
    call.service.audit.append_one(leaf).await.map_err(|error| unavailable(&error))?;
    let institution = call.service.institution.clone();
    let page = page(call.service.audit.clone(), &asked, institution).await?;
    drop(turn);
    let told = Told::of_page(own, page).map_err(|error| unavailable(&error))?;
    let told = serde_json::to_value(told).map_err(|_| Problem::new(Kind::Internal))?;
    Ok(answer::json(StatusCode::OK, &told))
}

// === helpers ===

/// Who asked: the node, by the name of its log and the number of its store, and the leaf there that says for whom. The name is that of the catalogue, not what
/// the question says.
fn leaf_of(call: &Call, asked: &Asked, store: StoreNumber, log: Option<&str>) -> Event {
    let system = call.service.access.system_session();
    let actor = log.and_then(ActorId::new).unwrap_or_else(|| system.actor().clone());
    let (institution, outcome) = (call.service.institution.clone(), Outcome::Permitted);
    Event {
        action: Some(Action::ReadAudit),
        patient: asked.patient,
        study: asked.study,
        counts: Counts::new().with("store", store.get().into()).with("leaf", asked.leaf),
        ..Event::of_system(institution, actor, EventKind::Query, outcome, ASKED_BY_NODE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_asks_so_often_and_another_one_besides() {
        let (questions, began) = (Questions::default(), Instant::now());
        let (one, other) = (StoreNumber::new(1).unwrap(), StoreNumber::new(2).unwrap());
        let taken =
            |of, at: Duration, times: u32| (0..times).filter(|_| questions.take(of, began + at)).count();
        assert_eq!(taken(one, Duration::ZERO, 200), QUESTIONS_AT_ONCE as usize);
        assert_eq!(taken(other, Duration::ZERO, 1), 1, "each has a rate of its own");
        assert_eq!(taken(one, Duration::from_secs(1), 200), QUESTIONS_PER_SECOND as usize);
        assert_eq!(
            taken(one, Duration::from_secs(3600), 200),
            QUESTIONS_AT_ONCE as usize,
            "and saves no more"
        );
    }
}
