//! Samples of the audit log that somebody read: marking one, which is a leaf of the log itself, and reading what was marked.

use super::audit::{authorise, read, reader};
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
use yingdun_access::{AuditReview, AuditReviewError, AuditSample, Resource, SampledRecord};
use yingdun_audit::{AuditError, Tree};
use yingdun_model::Action;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReviewBody {
    drawn: String,
    of: u64,
    seed: String,
    #[serde(default)]
    filters: String,
    records: Vec<String>,
    words: String,
}

/// Marks a sample as reviewed.
pub(crate) async fn mark(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: ReviewBody = json_of(body).await?;
    let records = body.records.iter().map(|text| record_of(text)).collect::<Option<Vec<_>>>();
    let records =
        records.ok_or_else(|| Problem::new(Kind::BadRequest).expected("`number@log` for each record"))?;
    let session = call.session()?;
    let (access, resource) = (&call.service.access, Resource::AuditLog(session.institution().clone()));
    let decision = access.decide(session, Action::ReadAudit, &resource).await;
    // Whoever may not is refused below, with its leaf, and learns nothing of which records there are.
    if decision.map_err(|refusal| super::problems::of_refusal(&refusal))?.permitted {
        check_records(&call, &records).await?;
    }
    let ReviewBody { drawn, of, seed, filters, words, .. } = body;
    let sample = AuditSample { drawn, of, seed, filters, records };
    let review = access.review_audit_sample(session, sample, &words).await.map_err(of_review)?;
    Ok(answer::json(StatusCode::CREATED, &shown(&review)))
}

/// What was marked.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let sample = call.query.one("sample")?.map(|text| {
        let bytes = hex::decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        bytes.ok_or_else(|| Problem::bad_request("64 hexadecimal digits as `sample`", text))
    });
    let sample = sample.transpose()?;
    authorise(&call).await?;
    let reviews = call.service.access.audit_reviews(call.session()?, sample).await.map_err(of_review)?;
    Ok(answer::json(StatusCode::OK, &reviews.iter().map(shown).collect()))
}

// === helpers ===

fn record_of(text: &str) -> Option<SampledRecord> {
    let (index, log) = text.split_once('@')?;
    Some(SampledRecord { index: index.parse().ok()?, log: log.to_owned() })
}

/// Records of the log here are leaves of this institution, and those of other nodes are of logs that there are.
async fn check_records(call: &Call, records: &[SampledRecord]) -> Result<(), Problem> {
    let nothing = || Problem::new(Kind::NotFound).expected("records of the audit log of this institution");
    let institution = call.session()?.institution().clone();
    let names = call.service.archive.audit_log_names(&institution).await;
    let names = names.map_err(|error| of_unavailable(&error))?;
    let own = call.service.audit.verifier().name().to_owned();
    if records.iter().any(|record| record.log != own && !names.contains(&record.log)) {
        return Err(nothing());
    }
    let here: Vec<u64> =
        records.iter().filter(|record| record.log == own).map(|record| record.index).collect();
    let reader = reader(call, Tree::default())?;
    let are_there = read(reader, move |reader| {
        for index in here {
            match reader.leaf(index) {
                Ok(leaf) if leaf.leaf.institution == institution => {}
                Ok(_) | Err(AuditError::OutOfRange { .. }) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    });
    if are_there.await? { Ok(()) } else { Err(nothing()) }
}

fn shown(review: &AuditReview) -> Value {
    let (row, content) = (&review.row, review.content.as_ref());
    let sample = content.map(|(sample, _)| sample);
    let records = sample.map(|sample| {
        let name = |record: &SampledRecord| format!("{}@{}", record.index, record.log);
        sample.records.iter().map(name).collect::<Vec<String>>()
    });
    json!({
        "review": row.number,
        "name": row.by,
        "at_ms": row.at,
        "sample": hex::encode(row.sample),
        "drawn": sample.map(|sample| &sample.drawn),
        "of": sample.map(|sample| sample.of),
        "seed": sample.map(|sample| &sample.seed),
        "filters": sample.map(|sample| &sample.filters),
        "records": records,
        "words": content.map(|(_, words)| words),
    })
}

fn of_review(error: AuditReviewError) -> Problem {
    let words = error.to_string();
    match error {
        AuditReviewError::Admin(error) => of_admin(error),
        AuditReviewError::NotAPerson => Problem::new(Kind::Forbidden).expected("a person").came(words),
        AuditReviewError::Words => Problem::new(Kind::BadRequest).expected(words),
        AuditReviewError::Sample(expected) => Problem::new(Kind::Unprocessable).expected(expected),
        // The list may grow below us; what we do not know yet is not the client's fault.
        other => super::problems::unavailable(&other),
    }
}
