//! Leaves that leave the house as evidence: each with the proof that it is in the log, all under one checkpoint, and what a stranger needs
//! to judge them. The reading is a leaf before the answer.

use super::accesses::reference_of;
use super::across::page_of;
use super::audit::authorise;
use super::problems::unavailable;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;
use serde_json::{Value, json};
use yingdun_audit::{AuditError, Checkpoint, Count, Cursor, Filter, LoggedLeaf, Reader, read_witnessed};
use yingdun_crypto::sign::NoteVerifier;
use yingdun_model::{ActorId, Timestamp};

/// Which leaves. A body, because a patient ID does not belong into addresses.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    study_uid: Option<String>,
    patient_id: Option<String>,
    #[serde(default)]
    issuer: String,
    actor: Option<String>,
    from_ms: Option<i64>,
    until_ms: Option<i64>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// The newest leaves about a study or a patient, or by an actor, with the proof of each.
pub(crate) async fn bundle(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let asked: Asked = json_of(body).await?;
    authorise(&call).await?;
    let institution = call.session()?.institution().clone();
    let mut filter = Filter {
        institution: Some(institution.clone()),
        from: asked.from_ms.map(Timestamp::from_ms),
        until: asked.until_ms.map(Timestamp::from_ms),
        ..Filter::default()
    };
    match (asked.study_uid, asked.patient_id, asked.actor) {
        (Some(uid), None, None) => filter.study = Some(reference_of(&call, &uid).await?),
        (None, Some(patient_id), None) => {
            let session = call.session()?;
            filter.patient =
                Some(super::grants::patient_of(&call, session, &asked.issuer, &patient_id).await?);
        }
        (None, None, Some(actor)) => {
            filter.actor =
                Some(ActorId::new(&actor).ok_or_else(|| bad_request("the name of an actor as `actor`"))?);
        }
        _ => return Err(bad_request("one of `study_uid`, `patient_id` and `actor`")),
    }
    let cursor = asked.cursor.map(|text| text.parse::<Cursor>()).transpose();
    let cursor = cursor.map_err(|error| bad_request(&error.to_string()))?;
    let limit = asked.limit.unwrap_or(limits::AUDIT_LEAVES_MAX).min(limits::AUDIT_LEAVES_MAX);
    let log = call.service.audit.clone();
    let found = page_of(log.clone(), filter.clone(), cursor, limit).await?;
    // Found first, signed then: so one checkpoint covers every leaf.
    log.checkpoint().await.map_err(|error| unavailable(&error))?;
    let (verifier, leaves) = (log.verifier().clone(), found.leaves);
    let proving = tokio::task::spawn_blocking(move || {
        // Read before the log, which may only grow in between.
        let seen = read_witnessed(log.dir())?;
        let reader = log.reader();
        let leaves = leaves.iter().map(|leaf| proved(&reader, leaf)).collect::<Result<Vec<_>, _>>()?;
        let witnessed = witnessed(&reader, log.verifier(), seen)?;
        Ok::<_, AuditError>((leaves, witnessed, reader.checkpoint().note().to_owned()))
    });
    let proved = proving.await.map_err(|_| Problem::new(Kind::Internal))?;
    let (leaves, witnessed, checkpoint) = proved.map_err(|error| unavailable(&error))?;
    let (policy_set, policy_files) = call.service.access.policies_in_force();
    let found_in_all = found.count.map(|count| match count {
        Count::Exactly(count) => json!({"leaves": count, "is_exact": true}),
        Count::AtLeast(count) => json!({"leaves": count, "is_exact": false}),
    });
    let document = json!({
        "about": {
            "institution": institution,
            "study": filter.study,
            "patient": filter.patient,
            "actor": filter.actor,
            "from_ms": asked.from_ms,
            "until_ms": asked.until_ms,
        },
        "found": found_in_all,
        "next": found.next.map(|next| next.to_string()),
        "public_key": verifier.to_string(),
        "checkpoint": checkpoint,
        "leaves": leaves,
        "witnessed": witnessed,
        "policy_set": {"sha256": hex::encode(policy_set), "files": policy_files},
    });
    Ok(answer::json(StatusCode::OK, &document))
}

// === helpers ===

/// A leaf as it was hashed, and its proof.
fn proved(reader: &Reader, found: &LoggedLeaf) -> Result<Value, AuditError> {
    let leaf = found.leaf.encode().map_err(|source| AuditError::Leaf {
        index: usize::try_from(found.index).unwrap_or(usize::MAX),
        source,
    })?;
    let proof = reader.prove_inclusion(found.index)?;
    Ok(json!({"index": found.index, "leaf": String::from_utf8_lossy(&leaf), "proof": proof}))
}

/// What enough witnesses have seen, and the proof that the checkpoint continues it; nothing where there is none, or none that can be shown.
fn witnessed(
    reader: &Reader,
    verifier: &NoteVerifier,
    note: Option<String>,
) -> Result<Option<Value>, AuditError> {
    let Some(note) = note else { return Ok(None) };
    let Ok(seen) = Checkpoint::verify(verifier, &note) else { return Ok(None) };
    let size = reader.checkpoint().size();
    if seen.size() == 0 || seen.size() > size {
        return Ok(None);
    }
    let path = reader.prove_consistency(seen.size(), size)?;
    let path: Vec<String> = path.iter().map(|hash| BASE64.encode(hash)).collect();
    Ok(Some(json!({"checkpoint": note, "consistency": path})))
}

fn bad_request(expected: &str) -> Problem {
    Problem::new(Kind::BadRequest).expected(expected)
}
