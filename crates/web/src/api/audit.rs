//! Reading the audit log: the office of the audit administrator. Every reading is a leaf itself, written
//! before the first line is answered, and shows leaves of one's own institution only.

use super::problems::{of_refusal, unavailable};
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
use yingdun_audit::{AuditError, Filter, LoggedLeaf, Reader, Tree};
use yingdun_model::{Action, ActorId, StudyRef, Timestamp, Uid};

/// The newest leaves.
pub(crate) async fn tail(call: Call) -> Result<Response<Body>, Problem> {
    let filter = Filter { limit: Some(count(&call, "count")?), ..Filter::default() };
    leaves(call, filter).await
}

/// The leaves that fit all conditions, the newest first.
pub(crate) async fn search(call: Call) -> Result<Response<Body>, Problem> {
    let filter = Filter {
        from: parsed::<i64>(&call, "from_ms", "milliseconds since 1970")?.map(Timestamp::from_ms),
        until: parsed::<i64>(&call, "until_ms", "milliseconds since 1970")?.map(Timestamp::from_ms),
        actor: call
            .query
            .one("actor")?
            .map(|text| ActorId::new(text).ok_or_else(|| Problem::bad_request("the name of an actor", text)))
            .transpose()?,
        patient: parsed(&call, "patient", "a reference of 32 hexadecimal digits")?,
        study: study(&call).await?,
        kinds: word(&call, "kind", "a kind of event, such as `access`")?.into_iter().collect(),
        outcome: word(&call, "outcome", "permitted, refused, succeeded or failed")?,
        limit: Some(count(&call, "limit")?),
        ..Filter::default()
    };
    leaves(call, filter).await
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

/// The tree that is asked for.
fn tree(call: &Call) -> Result<Tree, Problem> {
    let tree = call.query.one("tree")?;
    tree.map_or(Ok(Tree::default()), |text| {
        text.parse().map_err(|_| Problem::bad_request("`sha-256` or `sm3` as `tree`", text))
    })
}

/// The log as it is now, through a tree that it may not have.
fn reader(call: &Call, tree: Tree) -> Result<Reader, Problem> {
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
        return Err(Problem::bad_request("`study` or `study_uid`", "both"));
    }
    let uid =
        Uid::new(text).map_err(|error| Problem::bad_request("a UID as `study_uid`", error.to_string()))?;
    let institution = call.session()?.institution();
    let found = call.service.archive.study_reference(institution, &uid).await;
    found.map(Some).map_err(|error| crate::dicomweb::problems::of_unavailable(&error))
}

async fn leaves(call: Call, filter: Filter) -> Result<Response<Body>, Problem> {
    authorise(&call).await?;
    let filter = Filter { institution: Some(call.session()?.institution().clone()), ..filter };
    let reader = call.service.audit.reader();
    let found = read(reader, move |reader| reader.search(filter).collect::<Result<Vec<_>, _>>()).await?;
    let rows: Vec<Value> = found.iter().map(row).collect();
    Ok(answer::json(StatusCode::OK, &Value::Array(rows)))
}

/// Decides, and writes down that the log is read.
pub(crate) async fn authorise(call: &Call) -> Result<(), Problem> {
    let session = call.session()?;
    let resource = Resource::AuditLog(session.institution().clone());
    let permit = call.service.access.authorise(session, Action::ReadAudit, resource).await;
    permit.map(|_permit| ()).map_err(|refusal| of_refusal(&refusal))
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

fn row(found: &LoggedLeaf) -> Value {
    json!({"index": found.index, "leaf_hash": hex::encode(found.leaf_hash), "leaf": found.leaf})
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

fn count(call: &Call, name: &str) -> Result<u64, Problem> {
    let wanted = parsed::<u64>(call, name, "a number of leaves")?.unwrap_or(limits::AUDIT_LEAVES_DEFAULT);
    Ok(wanted.min(limits::AUDIT_LEAVES_MAX))
}

fn parsed<T: FromStr>(call: &Call, name: &str, expected: &str) -> Result<Option<T>, Problem> {
    call.query
        .one(name)?
        .map(|text| text.parse().map_err(|_| Problem::bad_request(format!("{expected} as `{name}`"), text)))
        .transpose()
}
