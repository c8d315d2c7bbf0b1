//! Work on the replicas: what is being checked, and what somebody sets going. The office of the system administrator.

use super::problems::of_refusal;
use super::system::may_read;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::error::Error;
use yingdun_access::Resource;
use yingdun_archive::{CompactionError, ReplicaId, ServiceError, Store};
use yingdun_model::Action;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompactionBody {
    #[serde(default)]
    dry_run: bool,
    dead_percent: Option<u8>,
}

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

/// How each replica stands.
pub(crate) async fn replicas(call: Call) -> Result<Response<Body>, Problem> {
    may_read(&call, call.session()?).await?;
    Ok(answer::json(StatusCode::OK, &rows(call.service.archive.store())))
}

/// Takes a replica out of service.
pub(crate) async fn drain(call: Call) -> Result<Response<Body>, Problem> {
    authorise(&call).await?;
    let (store, replica) = named(&call)?;
    store.drain(replica).await.map_err(of_service)?;
    Ok(answer::json(StatusCode::ACCEPTED, &rows(store)))
}

/// Puts a replica into service with the folder that is there now.
pub(crate) async fn replace(call: Call) -> Result<Response<Body>, Problem> {
    authorise(&call).await?;
    let (store, replica) = named(&call)?;
    store.replace(replica).await.map_err(of_service)?;
    Ok(answer::json(StatusCode::ACCEPTED, &rows(store)))
}

/// How far the compaction of packs is.
pub(crate) async fn compaction(call: Call) -> Result<Response<Body>, Problem> {
    may_read(&call, call.session()?).await?;
    Ok(answer::json(StatusCode::OK, &json!(call.service.archive.compaction())))
}

/// Removes packs in which nothing lives and rewrites those in which little does, or says which these are.
pub(crate) async fn begin_compaction(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: CompactionBody = json_of(body).await?;
    authorise(&call).await?;
    match call.service.archive.begin_compaction(body.dry_run, body.dead_percent) {
        Ok(begun) => Ok(answer::json(StatusCode::ACCEPTED, &json!(begun))),
        Err(running @ CompactionError::Running) => {
            Err(Problem::new(Kind::Conflict).came(running.to_string()))
        }
        Err(percent @ CompactionError::Percent(_)) => {
            Err(Problem::new(Kind::BadRequest).came(percent.to_string()))
        }
    }
}

fn named(call: &Call) -> Result<(&Store, ReplicaId), Problem> {
    let store = call.service.archive.store();
    let replica = call.in_path("replica").and_then(|label| store.replica_named(label));
    Ok((store, replica.ok_or_else(|| Problem::new(Kind::NotFound))?))
}

fn of_service(error: ServiceError) -> Problem {
    match &error {
        ServiceError::StillNeeded { .. } | ServiceError::DomainStillNeeded { .. } => {
            Problem::new(Kind::Conflict)
                .expected(error.to_string())
                .remedy("repair or replace another replica first")
        }
        ServiceError::NotEmpty { .. } | ServiceError::Foreign { .. } => Problem::new(Kind::Conflict)
            .expected("the empty folder of a new disk")
            .came(error.to_string())
            .remedy("mount the new disk, or move what is there aside; nothing was changed"),
        ServiceError::WrongState { .. } | ServiceError::Offsite { .. } => {
            Problem::new(Kind::Conflict).came(error.to_string())
        }
        ServiceError::Hung { .. } | ServiceError::Io { .. } => {
            tracing::error!(%error, cause = error.source().map(ToString::to_string), "a replica could not change its service");
            Problem::new(Kind::Unavailable).came(error.to_string())
        }
        _ => Problem::new(Kind::NotFound),
    }
}

/// Replicas that count for the write quorum (`sync`), and behind them those that are off-site (`async`).
fn rows(store: &Store) -> Value {
    let status = store.status();
    let sync = status.replicas.iter().map(|replica| (json!(replica), "sync"));
    let offsite = status.offsite.iter().map(|offsite| (json!(offsite), "async"));
    let row = |(mut row, mode): (Value, &str)| {
        if let Some(row) = row.as_object_mut() {
            row.insert("mode".to_owned(), json!(mode));
        }
        row
    };
    sync.chain(offsite).map(row).collect()
}

fn scrubs(call: &Call) -> Value {
    let status = call.service.archive.store().status();
    let replicas = status.replicas.into_iter().map(|replica| {
        json!({
            "label": replica.label,
            "quarantined": replica.quarantined,
            "awaiting_repair": replica.awaiting_repair,
            "scrub": replica.scrub,
        })
    });
    let offsite = status.offsite.into_iter().map(|offsite| {
        json!({
            "label": offsite.label,
            "quarantined": 0,
            "awaiting_repair": offsite.lag_packs,
            "scrub": offsite.scrub,
        })
    });
    replicas.chain(offsite).collect()
}

/// Decides, and writes down that somebody sets work going.
async fn authorise(call: &Call) -> Result<(), Problem> {
    let session = call.session()?;
    let resource = Resource::Archive(session.institution().clone());
    let permit = call.service.access.authorise(session, Action::ManageStorage, resource).await;
    permit.map(|_permit| ()).map_err(|refusal| of_refusal(&refusal))
}
