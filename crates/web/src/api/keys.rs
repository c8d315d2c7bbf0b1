//! Keys: their versions, the next version of a key-encryption key, wrapping keys again, and the seal. The office of the security
//! administrator.

use super::problems::of_admin;
use crate::dicomweb::problems::of_unavailable;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use yingdun_archive::{
    EpochNode, KEK_USES_ALARM, KEK_USES_MAX, KekStatus, KeyCareError, KeyReport, RewrapJob, RewrapStart,
    RewrapState,
};
use yingdun_audit::{Counts, Outcome};
use yingdun_model::{Grade, Timestamp};

const SECONDS_OF_DAY: u64 = 24 * 3600;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RotationBody {
    grade: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RewrapBody {
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForgetBody {
    name: String,
    #[serde(default)]
    dry_run: bool,
}

/// The keys of the institution, in numbers.
pub(crate) async fn read(call: Call) -> Result<Response<Body>, Problem> {
    let report = call.service.archive.key_report(call.session()?).await.map_err(of_key_care)?;
    Ok(answer::json(StatusCode::OK, &shown(&report)))
}

/// Replaces key-encryption keys.
pub(crate) async fn rotate(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: RotationBody = json_of(body).await?;
    let grade = body.grade.as_deref().map(grade).transpose()?;
    let rotations = call.service.archive.rotate_keks(call.session()?, grade, body.dry_run).await;
    let rotated: Vec<Value> = rotations
        .map_err(of_key_care)?
        .iter()
        .map(|rotation| {
            json!({
                "grade": rotation.before.line.grade.as_str(),
                "suite": rotation.before.line.suite,
                "version_before": rotation.before.version,
                "version": rotation.version,
            })
        })
        .collect();
    Ok(answer::json(StatusCode::OK, &json!({"dry_run": body.dry_run, "rotated": rotated})))
}

/// Begins to wrap keys again, or goes on with it.
pub(crate) async fn begin_rewrap(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: RewrapBody = json_of(body).await?;
    let outlook = call.service.archive.begin_rewrap(call.session()?, body.dry_run).await;
    let outlook = outlook.map_err(of_key_care)?;
    let start = outlook.start.map(|start| match start {
        RewrapStart::Begun(_) => "begun",
        RewrapStart::Resumed(_) => "resumed",
    });
    let destroys: Vec<Value> = outlook.destroys.iter().map(|kek| version(kek, None)).collect();
    let answer = json!({"start": start, "keys_left": outlook.keys_left, "destroys": destroys});
    Ok(answer::json(StatusCode::OK, &answer))
}

/// Stops wrapping keys again.
pub(crate) async fn stop_rewrap(call: Call) -> Result<Response<Body>, Problem> {
    match call.service.archive.stop_rewrap(call.session()?).await {
        Ok(()) => Ok(answer::empty(StatusCode::NO_CONTENT)),
        Err(KeyCareError::Otherwise(error)) => Err(Problem::new(Kind::NotFound)
            .expected("keys that are being wrapped again")
            .came(error.to_string())),
        Err(error) => Err(of_key_care(error)),
    }
}

/// Says that a node is gone for good, or what that would mean.
pub(crate) async fn forget_node(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: ForgetBody = json_of(body).await?;
    let archive = &call.service.archive;
    let node = archive.forget_node(call.session()?, &body.name, body.dry_run).await.map_err(of_key_care)?;
    let answer = json!({"dry_run": body.dry_run, "name": node.name, "store": node.store.map(hex::encode)});
    Ok(answer::json(StatusCode::OK, &answer))
}

/// Seals the archive: it closes, wipes its keys, and waits for shares.
pub(crate) async fn seal(call: Call) -> Result<Response<Body>, Problem> {
    let session = call.session()?;
    let access = &call.service.access;
    let work = access.intend_key_work(session, "seal", session.institution()).await.map_err(of_admin)?;
    let outcome = if call.service.hooks.seal.is_some() { Outcome::Succeeded } else { Outcome::Failed };
    access.conclude_key_work(work, outcome, Counts::new()).await.map_err(of_admin)?;
    match &call.service.hooks.seal {
        Some(seal) => seal(),
        None => {
            return Err(Problem::new(Kind::Conflict)
                .expected("an archive whose root key is opened by shares")
                .came("one that opens itself again at once")
                .remedy("stop the service instead"));
        }
    }
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

// === helpers ===

fn shown(report: &KeyReport) -> Value {
    let keks: Vec<Value> = report
        .keys
        .keks
        .iter()
        .map(|kek| version(kek, kek.active.then(|| kek.created.after(report.rotate_after))))
        .collect();
    json!({
        "patients": report.keys.patients,
        "studies": report.keys.studies,
        "rotate_after_days": report.rotate_after.as_secs() / SECONDS_OF_DAY,
        "uses_alarm": KEK_USES_ALARM,
        "uses_max": KEK_USES_MAX,
        "keks": keks,
        "keys_left": report.keys.keys_left(),
        "epoch": report.epoch,
        "nodes": report.nodes.iter().map(|node| node_of(node, report.epoch)).collect::<Vec<_>>(),
        "rewrap": report.rewrap.as_ref().map(|job| progress(job, report.keys.keys_left())),
    })
}

/// A node, and whether its file may still hold an epoch before this one.
fn node_of(node: &EpochNode, epoch: u64) -> Value {
    json!({
        "name": node.name,
        "store": node.store.map(hex::encode),
        "oldest_epoch": node.told.as_ref().map(|told| told.oldest),
        "newest_epoch": node.told.as_ref().map(|told| told.newest),
        "keeps_old_epoch": node.keeps_before(epoch),
        "gone_ms": node.gone.map(Timestamp::as_ms),
    })
}

/// A version, and when it is to be replaced.
fn version(kek: &KekStatus, due: Option<Timestamp>) -> Value {
    json!({
        "grade": kek.line.grade.as_str(),
        "suite": kek.line.suite,
        "version": kek.version,
        "state": if kek.active { "active" } else { "retired" },
        "uses": kek.uses,
        "keys": kek.keys,
        "created_ms": kek.created.as_ms(),
        "due_ms": due.map(Timestamp::as_ms),
    })
}

/// How far a job is, how fast it was while it worked, and how long the rest takes at that rate.
fn progress(job: &RewrapJob, keys_left: u64) -> Value {
    let worked = Duration::from_millis(job.worked_ms);
    let rate = job.keys_done as f64 / worked.as_secs_f64();
    let rate = Some(rate).filter(|rate| rate.is_finite() && *rate > 0.0);
    let goes_on = job.state == RewrapState::Running;
    json!({
        "state": job.state.as_str(),
        "begun_ms": job.begun.as_ms(),
        "keys_total": job.keys_total,
        "keys_done": job.keys_done,
        "worked_ms": job.worked_ms,
        "keys_per_second": rate.map(f64::round),
        "seconds_left": rate.filter(|_| goes_on).map(|rate| (keys_left as f64 / rate).ceil()),
    })
}

fn grade(word: &str) -> Result<Grade, Problem> {
    word.parse().map_err(|_| Problem::bad_request("a grade: L1, L2, L3, L4, L4S or L5", "another word"))
}

fn of_key_care(error: KeyCareError) -> Problem {
    let words = error.to_string();
    match error {
        KeyCareError::Refused(refused) => of_admin(refused),
        KeyCareError::NoKek => {
            Problem::new(Kind::NotFound).expected("a grade under which something was stored")
        }
        KeyCareError::NoNode => Problem::new(Kind::NotFound)
            .expected("the name of another node that is not forgotten yet")
            .came(words)
            .remedy("yingdun nodes list names them"),
        KeyCareError::NodeServes(_) => Problem::new(Kind::Conflict)
            .expected("a node that does not run, and never will again")
            .came(words)
            .remedy(
                "stop it there and destroy its disk first; where its machine cannot be reached, PostgreSQL lets go of what it holds \
                 as soon as it notices that the connection is gone",
            ),
        KeyCareError::Otherwise(_) => Problem::new(Kind::Conflict).came(words),
        KeyCareError::Unavailable(unavailable) => of_unavailable(&unavailable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_job_is_told_at_the_rate_at_which_it_worked() {
        let job = RewrapJob {
            state: RewrapState::Running,
            begun: Timestamp::from_ms(0),
            keys_total: 10_000,
            keys_done: 4000,
            worked_ms: 2000,
            holder: [0; 16],
            held_until: Timestamp::from_ms(0),
        };
        let shown = progress(&job, 6001);
        assert_eq!((&shown["keys_per_second"], &shown["seconds_left"]), (&json!(2000.0), &json!(4.0)));
        let begun = progress(&RewrapJob { keys_done: 0, worked_ms: 0, ..job.clone() }, 10_000);
        assert_eq!((&begun["keys_per_second"], &begun["seconds_left"]), (&Value::Null, &Value::Null));
        let stopped = progress(&RewrapJob { state: RewrapState::Stopped, ..job }, 6001);
        assert_eq!(stopped["seconds_left"], Value::Null);
    }
}
