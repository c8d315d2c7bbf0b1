//! Who is told of changes to workitems (PS3.18 §11.10 to §11.12), and the handshake of the channel through which (§8.10.4).

use super::event_channel::pump;
use super::workitems::{base, keys_of, of_workitem};
use crate::http::answer;
use crate::http::form::encode;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::routes::Call;
use axum::body::Body;
use axum::http::header::{CONTENT_LOCATION, ORIGIN};
use axum::http::{HeaderValue, Response, StatusCode};
use yingdun_archive::{SubscriptionTarget, WorkitemError};
use yingdun_model::AeTitle;

/// Subscribes an AE title.
pub(crate) async fn subscribe(call: Call) -> Result<Response<Body>, Problem> {
    let title = title_of(&call)?;
    let lock = match call.query.one("deletionlock")? {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => return Err(Problem::bad_request("deletionlock=true or deletionlock=false", other)),
    };
    let keys = keys_of(&call.query, &["deletionlock", "accept", "charset"])?;
    let filters = !keys.is_empty();
    let target = SubscriptionTarget::of(call.required_uid("workitem")?, keys);
    if filters != matches!(target, SubscriptionTarget::Matching(_)) {
        return Err(Problem::bad_request(
            "keys with 1.2.840.10008.5.1.4.34.5.1, and with nothing else",
            if filters { "keys with another UID" } else { "no keys" },
        ));
    }
    let archive = &call.service.archive;
    let subscribed = archive.subscribe_to_workitems(call.session()?, &title, &target, lock).await;
    subscribed.map_err(|error| of_workitem(&call, error))?;
    let mut response = answer::empty(StatusCode::CREATED);
    let channel = format!("{}/subscribers/{}", base(&call), encode(title.as_str()));
    if let Ok(channel) = HeaderValue::try_from(channel.replacen("http", "ws", 1)) {
        response.headers_mut().insert(CONTENT_LOCATION, channel);
    }
    Ok(response)
}

/// Ends a subscription.
pub(crate) async fn unsubscribe(call: Call) -> Result<Response<Body>, Problem> {
    let title = title_of(&call)?;
    let target = SubscriptionTarget::of(call.required_uid("workitem")?, Vec::new());
    let ended = call.service.archive.unsubscribe_from_workitems(call.session()?, &title, &target).await;
    ended.map_err(|error| of_workitem(&call, error))?;
    Ok(answer::empty(StatusCode::OK))
}

/// Ends a subscription to workitems to come.
pub(crate) async fn suspend(call: Call) -> Result<Response<Body>, Problem> {
    let title = title_of(&call)?;
    let target = SubscriptionTarget::of(call.required_uid("workitem")?, Vec::new());
    if matches!(target, SubscriptionTarget::Workitem(_)) {
        let expected = "1.2.840.10008.5.1.4.34.5 or 1.2.840.10008.5.1.4.34.5.1";
        return Err(Problem::bad_request(expected, "a subscription to one workitem"));
    }
    let suspended = call.service.archive.suspend_workitem_subscription(call.session()?, &title).await;
    suspended.map_err(|error| of_workitem(&call, error))?;
    Ok(answer::empty(StatusCode::OK))
}

/// Opens the event channel of a subscriber.
pub(crate) async fn open_channel(mut call: Call) -> Result<Response<Body>, Problem> {
    let title = title_of(&call)?;
    let upgrade = call.upgrade.take();
    check_origin(&call)?;
    let opened = call.service.archive.open_event_channel(call.session()?, title).await;
    let channel = opened.map_err(|error: WorkitemError| of_workitem(&call, error))?;
    let upgrade = upgrade.ok_or_else(|| {
        Problem::bad_request("the handshake of a WebSocket over HTTP/1.1 (RFC 6455 §4.1)", "another request")
    })?;
    let channels = call.service.channels.clone();
    let counted = channels.count();
    Ok(upgrade
        .max_message_size(limits::CHANNEL_MESSAGE_BYTES_MAX)
        .max_frame_size(limits::CHANNEL_MESSAGE_BYTES_MAX)
        .on_upgrade(move |socket| async move {
            pump(socket, channel, &channels).await;
            drop(counted);
        }))
}

// === helpers ===

fn title_of(call: &Call) -> Result<AeTitle, Problem> {
    let text = call.in_path("aetitle").unwrap_or_default();
    AeTitle::new(text).map_err(|error| Problem::bad_request("an AE title", error.to_string()))
}

/// A browser says which page opens a WebSocket, and asks nobody before it does (RFC 6455 §10.2): pages of other origins
/// are let in only where the configuration lets their scripts in. What is no browser says nothing.
fn check_origin(call: &Call) -> Result<(), Problem> {
    match call.headers.get(ORIGIN) {
        Some(origin) if origin != call.service.origin.as_str() && !call.service.origins.allows(origin) => {
            Err(Problem::new(Kind::Forbidden).expected("a page of an origin that the configuration allows"))
        }
        Some(_) | None => Ok(()),
    }
}
