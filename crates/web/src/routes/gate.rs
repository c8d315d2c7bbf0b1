//! What every request passes before a handler sees it: bounds, form, identity. In this order, so that a
//! stranger costs as little as possible and learns nothing from the order of checks.

use super::checkpoint::{Checkpoint, Passed};
use super::dispatch::dispatch;
use super::{BodyRule, Call, Needs, RouteId, Service};
use super::{validate, vendor};
use crate::http::body::collect;
use crate::http::compress::Press;
use crate::http::form::Parameters;
use crate::http::media::{Accept, Media};
use crate::http::problem::{DPOP_NONCE, Kind, Problem};
use crate::http::signed;
use crate::identity::{self, Shown};
use crate::limits;
use crate::server::Peer;
use axum::body::Body;
use axum::extract::{FromRequestParts, RawPathParams, WebSocketUpgrade};
use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use std::sync::Arc;
use std::time::Instant;
use yingdun_gateway::Class;

/// Answers one request of a route: through the gate, to the handler, with a line in log and metrics.
pub(crate) async fn pass(id: RouteId, service: Arc<Service>, request: Request<Body>) -> Response<Body> {
    let started = Instant::now();
    let (parts, mut body) = request.into_parts();
    let proofs = parts.headers.contains_key(identity::DPOP).then(|| service.access.clone());
    let outcome = match admit(id, service, parts, &mut body).await {
        Ok((call, press, turn)) => {
            let answered = dispatch(id, call, body).await;
            let pressed = answered.map(|response| match press {
                Some(press) => press.press(response),
                None => response,
            });
            pressed.map(|response| turn.keep(response))
        }
        Err(problem) => Err(problem),
    };
    let mut response = outcome.unwrap_or_else(Problem::into_response);
    // Who proves a key is told what its next proof has to carry, before that is over.
    if let Some(access) = proofs.filter(|_| response.status().is_success())
        && let Some(nonce) = access.proof_nonce().and_then(|nonce| HeaderValue::from_str(&nonce).ok())
    {
        response.headers_mut().insert(DPOP_NONCE, nonce);
    }
    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    metrics::counter!("yingdun_http_requests_total", "route" => id.name(), "status" => status.to_string())
        .increment(1);
    metrics::histogram!("yingdun_http_request_seconds", "route" => id.name()).record(elapsed.as_secs_f64());
    // Paths and queries hold UIDs and names: the log names the route only.
    if status == StatusCode::TOO_MANY_REQUESTS.as_u16() {
        // A flood is counted above, and does not fill the disk with lines.
        tracing::debug!(route = id.name(), status, elapsed_us = elapsed.as_micros(), "request");
    } else {
        tracing::info!(route = id.name(), status, elapsed_us = elapsed.as_micros(), "request");
    }
    response
}

async fn admit(
    id: RouteId,
    service: Arc<Service>,
    mut parts: Parts,
    body: &mut Body,
) -> Result<(Call, Option<Press>, Passed), Problem> {
    check_address(&parts)?;
    let route = id.describe();
    let peer = *parts.extensions.get::<Peer>().ok_or_else(|| Problem::new(Kind::Internal))?;
    let checkpoint = Checkpoint::new(&service.gateway, &route, peer);
    checkpoint.arrival(&parts)?;
    let path = path_of(&mut parts).await?;
    let query = Parameters::parse(parts.uri.query().unwrap_or_default())?;
    let uri = format!("{}{}", service.origin, parts.uri.path());
    let shown = Shown { headers: &parts.headers, method: parts.method.as_str(), uri: &uri, peer };
    let identified = match route.needs {
        Needs::Nothing => Ok(None),
        Needs::Token(_) | Needs::OwnToken => Box::pin(identity::of_token(&service, shown)).await.map(Some),
        Needs::OwnTokenInPart => Box::pin(identity::of_token_in_part(&service, shown)).await.map(Some),
        Needs::OwnCookieInPart => {
            let cookie = identity::SESSION_COOKIE;
            identity::of_cookie_in_part(&service, &parts.headers, cookie, peer).await
        }
        Needs::Scrape => Box::pin(identity::of_scraper(&service, shown)).await,
        Needs::Node => identity::of_node(&service, peer).await.map(|()| None),
        Needs::Cookie(_) => identity::of_cookie(&service, &parts.headers, peer).await,
    };
    let identity = checkpoint.identified(identified, &service.access, &parts).await?;
    validate::path(&route, &path)?;
    validate::query(&route, &query)?;
    let content_type = check_body(route.body, &parts)?;
    let accept = accept_of(&parts, &query)?;
    let upgrade = match id {
        RouteId::OpenEventChannel => WebSocketUpgrade::from_request_parts(&mut parts, &()).await.ok(),
        _ => None,
    };
    if route.class() == Class::Open && route.body != BodyRule::None {
        // A stranger who announces a form and does not send it would keep a turn, of which there are few.
        *body = whole_form(std::mem::take(body)).await?;
    }
    let passed = checkpoint.turn(identity.as_ref()).await?;
    vendor::admit(&service.access, identity.as_ref(), &route).await?;
    if let Some(session) = identity.as_ref().filter(|session| session.has_to_sign()) {
        *body = Box::pin(signed::whole(&service, session, &parts, std::mem::take(body))).await?;
    }
    if id != RouteId::Token {
        // That one refuses in words of its own (RFC 6749 §5.2).
        validate::body(route.body, body).await?;
    }
    let headers = parts.headers;
    let press = if route.is_compressible() { service.presses.take(&headers) } else { None };
    let coding = press.as_ref().map(Press::coding);
    let call = Call { service, peer, headers, path, query, accept, content_type, coding, identity, upgrade };
    Ok((call, press, passed))
}

/// The form of somebody who may be a stranger: all of it, and soon.
async fn whole_form(body: Body) -> Result<Body, Problem> {
    let collected = tokio::time::timeout(limits::FORM_TIME_MAX, collect(body, limits::FORM_BYTES_MAX)).await;
    let late = |_| {
        Problem::new(Kind::Timeout).expected(format!("a form within {} s", limits::FORM_TIME_MAX.as_secs()))
    };
    Ok(Body::from(collected.map_err(late)??))
}

/// The bound of path and query, behind what the path is: an address of nothing, or with another method, is that first.
pub(crate) fn check_address(parts: &Parts) -> Result<(), Problem> {
    let uri = parts.uri.path().len() + parts.uri.query().map_or(0, |query| query.len() + 1);
    if uri > limits::URI_BYTES_MAX {
        return Err(Problem::new(Kind::UriTooLong)
            .expected(format!("path and query of at most {} bytes", limits::URI_BYTES_MAX)));
    }
    Ok(())
}

/// Bounds that hold before the path is known. An address of more than 64 KiB never comes so far: the library of HTTP refuses it.
pub(crate) fn check_fields(parts: &Parts) -> Result<(), Problem> {
    let bytes: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > limits::HEADER_BYTES_MAX || parts.headers.len() > limits::HEADER_FIELDS_MAX {
        return Err(Problem::new(Kind::HeadersTooLarge).expected(format!(
            "at most {} header fields with {} bytes",
            limits::HEADER_FIELDS_MAX,
            limits::HEADER_BYTES_MAX
        )));
    }
    Ok(())
}

async fn path_of(parts: &mut Parts) -> Result<Vec<(String, String)>, Problem> {
    let parameters = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|_| Problem::bad_request("a path in percent-encoded UTF-8", "other bytes"))?;
    Ok(parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn check_body(rule: BodyRule, parts: &Parts) -> Result<Option<Media>, Problem> {
    if rule == BodyRule::None {
        return Ok(None);
    }
    let announced = parts.headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0")
        || parts.headers.contains_key(TRANSFER_ENCODING);
    if rule == (BodyRule::DataSet { required: false })
        && !announced
        && !parts.headers.contains_key(CONTENT_TYPE)
    {
        return Ok(None);
    }
    if parts.headers.contains_key(CONTENT_ENCODING) {
        return Err(Problem::new(Kind::UnsupportedMediaType)
            .expected("a body without Content-Encoding")
            .remedy("send the body uncompressed"));
    }
    let declared =
        parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > rule.bytes_max()) {
        return Err(
            Problem::new(Kind::TooLarge).expected(format!("a body of at most {} bytes", rule.bytes_max()))
        );
    }
    let unsupported = || {
        Problem::new(Kind::UnsupportedMediaType)
            .expected(format!("Content-Type: {}", rule.media_types().join(" or ")))
    };
    let mut values = parts.headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(unsupported().came("none, or several"));
    };
    let text = value.to_str().map_err(|_| unsupported().came("other bytes than ASCII"))?;
    let media = Media::parse(text).map_err(|_| unsupported().came(text))?;
    if rule.media_types().iter().any(|essence| media.is(essence)) {
        Ok(Some(media))
    } else {
        Err(unsupported().came(text))
    }
}

/// What the client accepts: the query parameter `accept` where there is one (PS3.18 §8.3.3.1), or the header.
fn accept_of(parts: &Parts, query: &Parameters) -> Result<Accept, Problem> {
    let malformed =
        |error: crate::http::media::MediaError| Problem::bad_request(error.to_string(), "another value");
    if let Some(value) = query.one("accept")? {
        return Accept::parse([value]).map_err(malformed);
    }
    let mut values = Vec::new();
    for value in parts.headers.get_all(ACCEPT) {
        values.push(value.to_str().map_err(|_| Problem::bad_request("Accept in ASCII", "other bytes"))?);
    }
    Accept::parse(values).map_err(malformed)
}
