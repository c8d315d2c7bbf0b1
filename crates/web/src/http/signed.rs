//! Requests that have to be signed (RFC 9421), and their bodies: whole, and what was signed, before anything of them takes effect.

use super::body::collect;
use super::held;
use super::problem::{Kind, Problem};
use crate::identity;
use crate::limits;
use crate::routes::Service;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use axum::http::request::Parts;
use yingdun_access::{Message, MessageError, MessageFault, Session, body_digest};
use yingdun_crypto::digest::{same, sha256};

/// The digest of a body (RFC 9530).
const CONTENT_DIGEST: &str = "content-digest";

/// Verifies signature and body of a request whose account demands it, and gives the body back.
pub(crate) async fn whole(
    service: &Service,
    session: &Session,
    parts: &Parts,
    body: Body,
) -> Result<Body, Problem> {
    let has_body = announces_body(&parts.headers);
    let field = |name: &str| combined(&parts.headers, name);
    let message = Message {
        method: parts.method.as_str(),
        origin: &service.origin,
        path: parts.uri.path(),
        query: parts.uri.query(),
        has_body,
        field: &field,
    };
    let verified = service.access.verify_message(session, &message).await;
    verified.map_err(|error| refused(&error))?;
    let turn = service.signed_bodies.clone().try_acquire_owned().map_err(|_| {
        Problem::new(Kind::Unavailable)
            .expected("fewer signed bodies at the same time")
            .retry_after(RETRY_SECONDS)
    })?;
    let bytes = collect(body, limits::SIGNED_BODY_BYTES_MAX).await.map_err(|problem| {
        problem.remedy("send fewer objects in one request, or larger bodies by an account of which no signature is demanded")
    })?;
    let is_signed = if has_body {
        field(CONTENT_DIGEST)
            .and_then(|field| body_digest(&field))
            .is_some_and(|signed| same(&signed, &sha256(&bytes)))
    } else {
        bytes.is_empty()
    };
    if !is_signed {
        return Err(refused(&service.access.refuse_message(session, MessageFault::Body).await));
    }
    Ok(held::until_taken(Body::from(bytes), turn))
}

// === helpers ===

/// Seconds after which somebody may try again for whose body there was no room.
const RETRY_SECONDS: u32 = 1;

fn announces_body(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0");
    length || headers.contains_key(TRANSFER_ENCODING)
}

/// All that came under a name (RFC 9421 §2.1); none where nothing came, or what is no text.
fn combined(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(name).iter().map(|value| value.to_str().map(str::trim));
    let values: Vec<&str> = values.collect::<Result<_, _>>().ok()?;
    (!values.is_empty()).then(|| values.join(", "))
}

fn refused(error: &MessageError) -> Problem {
    match error {
        MessageError::Refused(fault) => Problem::unauthenticated(None)
            .expected("a request that is signed (RFC 9421) by a registered key, over method, address, authorization and body")
            .came(fault.as_str())
            .remedy(
                "cover @method, @target-uri, authorization, and content-type and content-digest (sha-256) where there is a body; with \
                 created, keyid and a nonce that never came before",
            ),
        MessageError::Undecided(error) => identity::of_sign_in(error),
    }
}
