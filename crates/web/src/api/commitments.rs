//! Storage commitment that devices are asked for: whether they keep what was sent to them, told instance by instance.

use super::network::{busy, device, holdings, title_in_path};
use crate::dicomweb::problems::{of_unavailable, refused};
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use yingdun_archive::{
    COMMITMENT_REFERENCES_MAX, CommitmentElsewhere, CommitmentError, SopReference, Verdict,
};
use yingdun_model::Uid;

/// Asks a device for studies of ours, or some of their series or instances. Each study is decided upon before the answer; the
/// question is put until the device takes it, whether the asker waits or not.
pub(crate) async fn ask(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let holdings = holdings(&call, &json_of(body).await?, COMMITMENT_REFERENCES_MAX).await?;
    let title = title_in_path(&call)?;
    let session = call.session()?;
    let device = device(title.clone(), call.service.access.commitment_destination(session, &title).await)?;
    let entries = holdings.into_iter().flat_map(|holding| holding.entries);
    let references: Vec<SopReference> =
        entries.map(|entry| (entry.sop_class, entry.sop_instance).into()).collect();
    let asked =
        call.service.archive.ask_commitment(session, device.title, device.at.calling, references).await;
    Ok(answer::json(StatusCode::ACCEPTED, &document(&asked.map_err(of_commitment)?, true)))
}

/// The own questions, the newest first, without their instances.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let asked = call.service.archive.commitments_asked(call.session()?, limits::COMMITMENTS_LISTED_MAX).await;
    let asked = asked.map_err(|unavailable| of_unavailable(&unavailable))?;
    let documents: Vec<Value> = asked.iter().map(|question| document(question, false)).collect();
    Ok(answer::json(StatusCode::OK, &Value::Array(documents)))
}

/// One of them, with what the device says of each instance.
pub(crate) async fn read(call: Call) -> Result<Response<Body>, Problem> {
    let text = call.in_path("transaction").unwrap_or_default();
    let transaction =
        Uid::new(text).map_err(|error| Problem::bad_request("a transaction UID", error.to_string()))?;
    let found = call.service.archive.commitment_asked(call.session()?, transaction).await;
    let found = found.map_err(|unavailable| of_unavailable(&unavailable))?;
    let found = found.ok_or_else(|| Problem::new(Kind::NotFound).expected("a question of yours"))?;
    Ok(answer::json(StatusCode::OK, &document(&found, true)))
}

// === helpers ===

fn document(question: &CommitmentElsewhere, with_instances: bool) -> Value {
    let said = |wanted: fn(Verdict) -> bool| {
        question.instances.iter().filter(|(_, verdict)| verdict.is_some_and(wanted)).count()
    };
    let mut document = json!({
        "transaction": question.transaction.as_str(),
        "device": question.device.as_str(),
        "state": question.state.as_str(),
        "began_ms": question.began.as_ms(),
        "ended_ms": question.ended.map(|ended| ended.as_ms()),
        "total": question.instances.len(),
        "committed": said(|verdict| verdict == Verdict::Committed),
        "failed": said(|verdict| verdict != Verdict::Committed),
        "fault": question.fault,
    });
    if let (true, Some(members)) = (with_instances, document.as_object_mut()) {
        let instances = question.instances.iter().map(|(reference, verdict)| {
            let failed = match verdict {
                Some(Verdict::Failed(reason)) => Some(*reason),
                Some(Verdict::Committed | Verdict::NotNamed) | None => None,
            };
            json!({
                "sop_class": reference.sop_class.as_str(),
                "instance": reference.sop_instance.as_str(),
                "committed": verdict.map(|verdict| verdict == Verdict::Committed),
                "failure_reason": failed.map(|reason| format!("{reason:04X}")),
                "reason": verdict.and_then(words),
            })
        });
        members.insert("instances".to_owned(), instances.collect());
    }
    document
}

/// Why an instance is not committed (PS3.3 §C.14.1.1); nothing where it is.
const fn words(verdict: Verdict) -> Option<&'static str> {
    Some(match verdict {
        Verdict::Committed => return None,
        Verdict::NotNamed => "the answer does not name it",
        Verdict::Failed(0x0110) => "processing failure",
        Verdict::Failed(0x0112) => "no such object instance",
        Verdict::Failed(0x0119) => "class and instance conflict",
        Verdict::Failed(0x0122) => "SOP class not supported",
        Verdict::Failed(0x0131) => "duplicate transaction UID",
        Verdict::Failed(0x0213) => "resource limitation",
        Verdict::Failed(_) => "a reason of its own",
    })
}

fn of_commitment(error: CommitmentError) -> Problem {
    match error {
        CommitmentError::Refused { reason } => refused(&reason),
        CommitmentError::References(count) => {
            let expected = format!("1 to {COMMITMENT_REFERENCES_MAX} instances at once");
            Problem::new(Kind::TooLarge).expected(expected).came(count.to_string())
        }
        CommitmentError::TooManyOpen => busy(),
        CommitmentError::TransactionUsed => Problem::new(Kind::Conflict).came(error.to_string()),
        CommitmentError::Unavailable(unavailable) => of_unavailable(&unavailable),
    }
}
