//! What other nodes of the installation are given: sealed bytes of records that lie in the packs here, and the wrapped key of an epoch
//! that they lack.
//!
//! Nobody's session stands behind these requests, and nothing is decided: who wants to see an image asked the other node, which has
//! taken the decision, written the leaf and unwrapped the key. What leaves here is what a thief of the disks would have.

use crate::dicomweb::problems::of_unavailable;
use crate::http::answer;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::json;
use yingdun_archive::{SpanError, StoreLocation};

/// Bytes of a range of a record from one of its copies.
pub(crate) async fn span(call: Call) -> Result<Response<Body>, Problem> {
    let place = place(&call)?;
    let number = |name| number_of(&call, name);
    let (Some(from), Some(to)) = (number("from")?, number("to")?) else {
        return Err(Problem::bad_request("`from` and `to` in bytes", "one of them or none"));
    };
    let copy = usize::try_from(number("copy")?.unwrap_or(0)).unwrap_or(usize::MAX);
    match call.service.archive.sealed_span(&place, from..to, copy).await {
        Ok(Some(bytes)) => {
            metrics::counter!("yingdun_node_given_bytes_total").increment(bytes.len() as u64);
            Ok(answer::with_body(StatusCode::OK, "application/octet-stream", Body::from(bytes)))
        }
        Ok(None) => Ok(answer::empty(StatusCode::NO_CONTENT)),
        Err(error) => Err(of_span(&error)),
    }
}

/// Whether a record is whole on so many replicas as an acknowledgement needs here.
pub(crate) async fn soundness(call: Call) -> Result<Response<Body>, Problem> {
    let sound = call.service.archive.is_sound(&place(&call)?).await.map_err(|error| of_span(&error))?;
    Ok(answer::json(StatusCode::OK, &json!({"sound": sound})))
}

/// The wrapped key of an epoch. Its leaf is durable before.
pub(crate) async fn epoch(call: Call) -> Result<Response<Body>, Problem> {
    let text = call.in_path("epoch").unwrap_or_default();
    let epoch = text.parse().map_err(|_| Problem::bad_request("the number of an epoch", text))?;
    let certificate = call.peer.certificate_sha256.ok_or_else(|| Problem::unauthenticated(None))?;
    match call.service.archive.give_epoch(&certificate, epoch).await {
        Ok(Some(wrapped)) => {
            Ok(answer::with_body(StatusCode::OK, "application/octet-stream", Body::from(wrapped)))
        }
        Ok(None) => Err(Problem::new(Kind::NotFound).expected("an epoch that the key database uses")),
        Err(error) => Err(of_unavailable(&error)),
    }
}

// === helpers ===

fn place(call: &Call) -> Result<StoreLocation, Problem> {
    let text = call.in_path("place").unwrap_or_default();
    let place = hex::decode(text).ok().and_then(|bytes| StoreLocation::from_bytes(&bytes).ok());
    place.ok_or_else(|| Problem::bad_request("the place of a record in hexadecimal digits", "something else"))
}

fn number_of(call: &Call, name: &str) -> Result<Option<u64>, Problem> {
    call.query
        .one(name)?
        .map(|text| {
            text.parse().map_err(|_| Problem::bad_request(format!("a whole number as `{name}`"), text))
        })
        .transpose()
}

fn of_span(error: &SpanError) -> Problem {
    match error {
        SpanError::Unreadable(error) => {
            tracing::warn!(%error, "another node could not be given a part of a record");
            Problem::new(Kind::Internal)
        }
        // The list of causes may grow below us; none of them is a record.
        _ => Problem::new(Kind::NotFound).expected(error.to_string()),
    }
}
