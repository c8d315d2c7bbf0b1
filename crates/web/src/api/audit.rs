//! Reading the audit log: the office of the audit administrator. Every reading is a leaf itself, written
//! before the first line is answered, and shows leaves of one's own institution only.

use super::across::{self, Search};
use super::problems::{of_refusal, unavailable};
use crate::dicomweb::problems::of_unavailable;
use crate::http::answer;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::str::FromStr;
use yingdun_access::Resource;
use yingdun_audit::across::Walk;
use yingdun_audit::{AuditError, Filter, LoggedLeaf, Reader, Tree};
use yingdun_model::{Action, ActorId, ActorKind, StudyRef, Timestamp, Uid};

/// The newest leaves of the log here.
pub(crate) async fn tail(call: Call) -> Result<Response<Body>, Problem> {
    let limit = count(&call, "count")?;
    let only = call.service.audit.verifier().name().to_owned();
    leaves(call, Filter::default(), None, limit, Some(only)).await
}

/// The leaves that fit all conditions, the newest first, a page at a time.
pub(crate) async fn search(call: Call) -> Result<Response<Body>, Problem> {
    let (actor, actor_kind) = match (named(&call, "actor")?, named(&call, "device")?) {
        (Some(_), Some(_)) => return Err(together("`actor` or `device`", "both")),
        (actor, None) => (actor, word(&call, "actor_kind", "person, device, service or system")?),
        (None, device) => (device, Some(ActorKind::Device)),
    };
    let filter = Filter {
        from: parsed::<i64>(&call, "from_ms", "milliseconds since 1970")?.map(Timestamp::from_ms),
        until: parsed::<i64>(&call, "until_ms", "milliseconds since 1970")?.map(Timestamp::from_ms),
        actor,
        actor_kind,
        action: word(&call, "action", "an action, such as `view`")?,
        patient: parsed(&call, "patient", "a reference of 32 hexadecimal digits")?,
        study: study(&call).await?,
        kinds: word(&call, "kind", "a kind of event, such as `access`")?.into_iter().collect(),
        outcome: word(&call, "outcome", "permitted, refused, succeeded or failed")?,
        ..Filter::default()
    };
    let from = parsed::<Walk>(&call, "cursor", "what the last page gave as the next one")?;
    let limit = count(&call, "limit")?;
    let only = call.query.one("log")?.map(str::to_owned);
    leaves(call, filter, from, limit, only).await
}

/// The signed checkpoint, as a C2SP signed note.
pub(crate) async fn checkpoint(call: Call) -> Result<Response<Body>, Problem> {
    let tree = tree(&call)?;
    authorise(&call).await?;
    call.service.audit.checkpoint().await.map_err(|error| unavailable(&error))?;
    let checkpoint = reader(&call, tree)?.checkpoint().clone();
    Ok(answer::with_body(StatusCode::OK, "text/plain; charset=utf-8", checkpoint.note().to_owned()))
}

/// The proof that a leaf is in the log, as C2SP tlog-proof text. Leaves of other institutions are not there.
pub(crate) async fn proof(call: Call) -> Result<Response<Body>, Problem> {
    let text = call.in_path("index").unwrap_or_default();
    let index: u64 = text.parse().map_err(|_| Problem::bad_request("the number of a leaf", text))?;
    let tree = tree(&call)?;
    authorise(&call).await?;
    let institution = call.session()?.institution().clone();
    let reader = reader(&call, tree)?;
    let leaf = read(reader, move |reader| match reader.leaf(index) {
        Ok(leaf) => Ok(Some(leaf)),
        Err(AuditError::OutOfRange { .. }) => Ok(None),
        Err(error) => Err(error),
    })
    .await?;
    if leaf.is_none_or(|leaf| leaf.leaf.institution != institution) {
        return Err(Problem::new(Kind::NotFound).expected("the number of a leaf of this institution"));
    }
    let proof = call.service.audit.prove_inclusion(tree, index).await.map_err(|error| unavailable(&error))?;
    Ok(answer::with_body(StatusCode::OK, "text/plain; charset=utf-8", proof))
}

// === helpers ===

/// What is well formed by itself, and not together or not here.
fn together(expected: &str, came: &str) -> Problem {
    Problem::new(Kind::Unprocessable).expected(expected).came(came)
}

/// The tree that is asked for.
fn tree(call: &Call) -> Result<Tree, Problem> {
    let tree = call.query.one("tree")?;
    tree.map_or(Ok(Tree::default()), |text| {
        text.parse().map_err(|_| Problem::bad_request("`sha-256` or `sm3` as `tree`", text))
    })
}

/// The log as it is now, through a tree that it may not have.
pub(super) fn reader(call: &Call, tree: Tree) -> Result<Reader, Problem> {
    call.service.audit.reader_of(tree).map_err(|error| match error {
        AuditError::NoTree { .. } => Problem::new(Kind::NotFound)
            .expected("a tree that this log has (`audit.sm3_tree` in the configuration)"),
        error => unavailable(&error),
    })
}

/// A study, by its reference or by its UID.
async fn study(call: &Call) -> Result<Option<StudyRef>, Problem> {
    let reference = parsed(call, "study", "a reference of 32 hexadecimal digits")?;
    let Some(text) = call.query.one("study_uid")? else { return Ok(reference) };
    if reference.is_some() {
        return Err(together("`study` or `study_uid`", "both"));
    }
    let uid =
        Uid::new(text).map_err(|error| Problem::bad_request("a UID as `study_uid`", error.to_string()))?;
    let institution = call.session()?.institution();
    let found = call.service.archive.study_reference(institution, &uid).await;
    found.map(Some).map_err(|error| of_unavailable(&error))
}

async fn leaves(
    call: Call,
    filter: Filter,
    from: Option<Walk>,
    limit: usize,
    only: Option<String>,
) -> Result<Response<Body>, Problem> {
    let leaf = authorise(&call).await?;
    let filter = Filter { institution: Some(call.session()?.institution().clone()), ..filter };
    let found = across::search(&call, Search { filter, from, limit, only, leaf }).await?;
    let rows: Vec<Value> = found.leaves.iter().map(|(log, leaf)| row(log, leaf)).collect();
    Ok(found.beside(answer::json(StatusCode::OK, &Value::Array(rows))))
}

/// Why a search has no answer.
pub(crate) fn of_search(error: &AuditError) -> Problem {
    match error {
        AuditError::OtherLog { log } => together(
            &format!("a cursor of the logs of this installation, as of `{log}`"),
            "a cursor of another log",
        )
        .remedy(
            "begin again without a cursor; what answers from one log alone goes on at the node that gave it",
        ),
        error => unavailable(error),
    }
}

/// Decides, and writes down that the log is read: in the leaf of this number.
pub(crate) async fn authorise(call: &Call) -> Result<u64, Problem> {
    let session = call.session()?;
    let resource = Resource::AuditLog(session.institution().clone());
    let permit = call.service.access.authorise(session, Action::ReadAudit, resource).await;
    permit.map(|permit| permit.leaf_index()).map_err(|refusal| of_refusal(&refusal))
}

/// Reads files on a thread where that may take its time.
pub(crate) async fn read<T: Send + 'static>(
    reader: Reader,
    work: impl FnOnce(&Reader) -> Result<T, AuditError> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(move || work(&reader))
        .await
        .map_err(|_| Problem::new(Kind::Internal))?
        .map_err(|error| unavailable(&error))
}

fn row(log: &str, found: &LoggedLeaf) -> Value {
    json!({"log": log, "index": found.index, "leaf_hash": hex::encode(found.leaf_hash), "leaf": found.leaf})
}

/// One of the fixed words of the log.
fn word<T: DeserializeOwned>(call: &Call, name: &str, expected: &str) -> Result<Option<T>, Problem> {
    call.query
        .one(name)?
        .map(|text| {
            serde_json::from_value(Value::String(text.to_owned()))
                .map_err(|_| Problem::bad_request(format!("{expected} as `{name}`"), text))
        })
        .transpose()
}

pub(super) fn count(call: &Call, name: &str) -> Result<usize, Problem> {
    let wanted = parsed::<usize>(call, name, "a number of leaves")?.unwrap_or(limits::AUDIT_LEAVES_DEFAULT);
    Ok(wanted.min(limits::AUDIT_LEAVES_MAX))
}

/// The name of an actor.
fn named(call: &Call, name: &str) -> Result<Option<ActorId>, Problem> {
    call.query
        .one(name)?
        .map(|text| ActorId::new(text).ok_or_else(|| Problem::bad_request("the name of an actor", text)))
        .transpose()
}

pub(crate) fn parsed<T: FromStr>(call: &Call, name: &str, expected: &str) -> Result<Option<T>, Problem> {
    call.query
        .one(name)?
        .map(|text| text.parse().map_err(|_| Problem::bad_request(format!("{expected} as `{name}`"), text)))
        .transpose()
}
