//! One request that has passed the gate, as handlers see it.

use crate::api::asked::Questions;
use crate::api::signals::Signals;
use crate::dicomweb::event_channel::Channels;
use crate::dicomweb::studio::Studio;
use crate::hooks::Hooks;
use crate::http::compress::{Coding, Presses};
use crate::http::cors::Origins;
use crate::http::form::Parameters;
use crate::http::media::{Accept, Media};
use crate::http::problem::{Kind, Problem};
use crate::jobs::Jobs;
use crate::server::Peer;
use axum::extract::WebSocketUpgrade;
use axum::http::HeaderMap;
use std::sync::Arc;
use tokio::sync::Semaphore;
use yingdun_access::{Access, Session};
use yingdun_archive::Archive;
use yingdun_audit::Log;
use yingdun_gateway::Gateway;
use yingdun_model::{InstitutionId, Secret, Uid};

/// What handlers work with. One per server.
pub(crate) struct Service {
    /// What is let through.
    pub(crate) gateway: Gateway,
    pub(crate) access: Access,
    pub(crate) archive: Archive,
    pub(crate) audit: Log,
    /// The institution in which people sign in here.
    pub(crate) institution: InstitutionId,
    pub(crate) hooks: Hooks,
    /// `https://host:port`, as the configuration says it; never taken from a request.
    pub(crate) origin: String,
    pub(crate) metrics_token: Option<Secret<String>>,
    /// Whether programs may show certificates here.
    pub(crate) takes_certificates: bool,
    pub(crate) presses: Presses,
    pub(crate) studio: Studio,
    /// Turns of STOW-RS requests of metadata and bulk data.
    pub(crate) described: Semaphore,
    /// Turns of bodies that are read whole because they are signed.
    pub(crate) signed_bodies: Arc<Semaphore>,
    /// Turns of calls to devices that somebody waits for.
    pub(crate) device_calls: Semaphore,
    pub(crate) jobs: Jobs,
    /// What viewers told of late.
    pub(crate) signals: Arc<Signals>,
    /// What other nodes may ask of the audit log at this moment.
    pub(crate) node_questions: Questions,
    /// The origins of browsers that may open an event channel beside our own.
    pub(crate) origins: Arc<Origins>,
    pub(crate) channels: Channels,
}

/// A request within its bounds, of a known route, with the identity that the route needs.
pub(crate) struct Call {
    pub(crate) service: Arc<Service>,
    pub(crate) peer: Peer,
    pub(crate) headers: HeaderMap,
    pub(crate) path: Vec<(String, String)>,
    pub(crate) query: Parameters,
    pub(crate) accept: Accept,
    pub(crate) content_type: Option<Media>,
    /// How the answer will be compressed, for a handler whose validator depends on it.
    pub(crate) coding: Option<Coding>,
    pub(crate) identity: Option<Session>,
    /// The handshake of a WebSocket, on the one route that has one.
    pub(crate) upgrade: Option<WebSocketUpgrade>,
}

impl Call {
    /// The session. A handler that asks for one on a route that needs none is refused here, not served.
    pub(crate) fn session(&self) -> Result<&Session, Problem> {
        self.identity.as_ref().ok_or_else(|| Problem::unauthenticated(None))
    }

    /// A value of the path.
    pub(crate) fn in_path(&self, name: &str) -> Option<&str> {
        self.path.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A UID of the path, where the route has one of this name. Padding, which data sets have, does not belong
    /// into an address.
    pub(crate) fn uid(&self, name: &str) -> Result<Option<Uid>, Problem> {
        let Some(text) = self.in_path(name) else { return Ok(None) };
        let expected = || format!("a UID as {name}");
        let uid = Uid::new(text).map_err(|error| Problem::bad_request(expected(), error.to_string()))?;
        if uid.as_str() == text {
            Ok(Some(uid))
        } else {
            Err(Problem::bad_request(expected(), "a padded one"))
        }
    }

    /// A UID of the path that the route must have.
    pub(crate) fn required_uid(&self, name: &str) -> Result<Uid, Problem> {
        self.uid(name)?.ok_or_else(|| Problem::new(Kind::NotFound))
    }
}
