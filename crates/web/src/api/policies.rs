//! Rules of the institution: proposed, looked at, approved, put into force, suspended.

use super::problems::of_admin;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use yingdun_access::{NewPolicy, PolicyApproval, PolicyChangeError, PolicyInForce, PolicyRecord};

/// For how long rules are suspended unless something else is said: until the morning after a bad evening.
const SUSPENDED_MINUTES: u32 = 240;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProposeBody {
    text: Option<String>,
    version: Option<u64>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckBody {
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DigestBody {
    digest: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SuspendBody {
    minutes: Option<u32>,
    reason: String,
}

/// Proposes a text, or that of an earlier version.
pub(crate) async fn propose(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: ProposeBody = json_of(body).await?;
    let new = match (body.text, body.version) {
        (Some(text), None) => NewPolicy::Text(text),
        (None, Some(version)) => NewPolicy::Version(version),
        _ => return Err(Problem::bad_request("`text` or `version`", "both or none")),
    };
    let record = call.service.access.propose_policy(call.session()?, new, &body.reason).await;
    Ok(answer::json(StatusCode::CREATED, &shown(&record.map_err(of_policy)?, true)))
}

/// Says whether a text could be proposed.
pub(crate) async fn check(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: CheckBody = json_of(body).await?;
    let checked = call.service.access.check_policy(call.session()?, body.text).await;
    let (digest, policy_set) = checked.map_err(of_policy)?;
    let answer = json!({"digest": hex::encode(digest), "policy_set": hex::encode(policy_set)});
    Ok(answer::json(StatusCode::OK, &answer))
}

/// What is in force, and every version.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let all = call.service.access.policies(call.session()?).await.map_err(of_policy)?;
    let versions: Vec<Value> = all.versions.iter().map(|record| shown(record, false)).collect();
    let answer = json!({"in_force": in_force(&all.in_force), "versions": versions});
    Ok(answer::json(StatusCode::OK, &answer))
}

/// One version with its text.
pub(crate) async fn read(call: Call) -> Result<Response<Body>, Problem> {
    let record = call.service.access.policy(call.session()?, number(&call, "policy")?).await;
    Ok(answer::json(StatusCode::OK, &shown(&record.map_err(of_policy)?, true)))
}

/// Says yes to it.
pub(crate) async fn approve(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let (version, digest) = (number(&call, "policy")?, digest_of(body).await?);
    let record = call.service.access.approve_policy(call.session()?, version, &digest).await;
    Ok(answer::json(StatusCode::OK, &shown(&record.map_err(of_policy)?, false)))
}

/// Says no to it.
pub(crate) async fn reject(call: Call) -> Result<Response<Body>, Problem> {
    let record = call.service.access.reject_policy(call.session()?, number(&call, "policy")?).await;
    Ok(answer::json(StatusCode::OK, &shown(&record.map_err(of_policy)?, false)))
}

/// Takes it back.
pub(crate) async fn withdraw(call: Call) -> Result<Response<Body>, Problem> {
    let record = call.service.access.withdraw_policy(call.session()?, number(&call, "policy")?).await;
    Ok(answer::json(StatusCode::OK, &shown(&record.map_err(of_policy)?, false)))
}

/// Puts it into force.
pub(crate) async fn activate(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let (version, digest) = (number(&call, "policy")?, digest_of(body).await?);
    let record = call.service.access.activate_policy(call.session()?, version, &digest).await;
    Ok(answer::json(StatusCode::OK, &shown(&record.map_err(of_policy)?, false)))
}

/// Lets the rules of the program alone count for a while.
pub(crate) async fn suspend(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: SuspendBody = json_of(body).await?;
    let minutes = body.minutes.unwrap_or(SUSPENDED_MINUTES);
    let now = call.service.access.suspend_policy(call.session()?, minutes, &body.reason).await;
    Ok(answer::json(StatusCode::OK, &in_force(&now.map_err(of_policy)?)))
}

/// Notes that somebody else looked at that.
pub(crate) async fn review(call: Call) -> Result<Response<Body>, Problem> {
    let activation = number(&call, "activation")?;
    let now = call.service.access.review_suspension(call.session()?, activation).await;
    Ok(answer::json(StatusCode::OK, &in_force(&now.map_err(of_policy)?)))
}

// === helpers ===

pub(super) fn number(call: &Call, name: &str) -> Result<u64, Problem> {
    let number = call.in_path(name).and_then(|word| word.parse().ok());
    number.ok_or_else(|| Problem::new(Kind::NotFound).expected("the number of a version"))
}

async fn digest_of(body: Body) -> Result<[u8; 32], Problem> {
    let body: DigestBody = json_of(body).await?;
    let mut digest = [0; 32];
    hex::decode_to_slice(&body.digest, &mut digest)
        .map_err(|_| Problem::bad_request("a digest of 64 hexadecimal digits", "another text"))?;
    Ok(digest)
}

fn shown(record: &PolicyRecord, with_text: bool) -> Value {
    let approvals: Vec<Value> = record
        .approvals
        .iter()
        .map(|approval| {
            let PolicyApproval { office, by, at, has_lapsed } = approval;
            json!({"office": office, "name": by, "at_ms": at, "has_lapsed": has_lapsed})
        })
        .collect();
    let mut shown = json!({
        "version": record.version,
        "state": record.state.as_str(),
        "digest": hex::encode(record.digest),
        "reason": record.words,
        "copy_of": record.copy_of,
        "proposed_by": record.by,
        "proposed_ms": record.at,
        "approvals": approvals,
        "activated_ms": record.activated,
        "closed_by": record.closed.as_ref().map(|(by, _)| by),
        "closed_ms": record.closed.as_ref().map(|(_, at)| at),
    });
    if let (true, Some(fields)) = (with_text, shown.as_object_mut()) {
        fields.insert("text".to_owned(), json!(record.text));
    }
    shown
}

fn in_force(now: &PolicyInForce) -> Value {
    let to_review: Vec<Value> = now
        .to_review
        .iter()
        .map(
            |(number, by, at, words)| json!({"activation": number, "name": by, "at_ms": at, "reason": words}),
        )
        .collect();
    json!({
        "policy_set": hex::encode(now.policy_set),
        "version": now.version,
        "activation": now.activation,
        "suspended_until_ms": now.suspended_until,
        "is_locked": now.is_locked,
        "to_review": to_review,
    })
}

pub(super) fn of_policy(error: PolicyChangeError) -> Problem {
    let words = error.to_string();
    match error {
        PolicyChangeError::Admin(error) => of_admin(error),
        PolicyChangeError::Text(_) | PolicyChangeError::Set(_) => Problem::new(Kind::BadRequest)
            .expected(format!("rules that an institution may have; {words}"))
            .remedy("write policies that forbid, as the chapter on rules of the institution shows"),
        PolicyChangeError::NotFound => {
            Problem::new(Kind::NotFound).expected("a version or suspension of this institution")
        }
        PolicyChangeError::SamePerson => Problem::new(Kind::Forbidden).expected("another person").came(words),
        PolicyChangeError::OtherDigest
        | PolicyChangeError::State(_)
        | PolicyChangeError::Lapsed { .. }
        | PolicyChangeError::TooManyWait => Problem::new(Kind::Conflict).came(words),
        PolicyChangeError::Words | PolicyChangeError::Minutes => {
            Problem::new(Kind::BadRequest).expected(words)
        }
        // The list may grow below us; what we do not know yet is not the client's fault.
        other => super::problems::unavailable(&other),
    }
}
