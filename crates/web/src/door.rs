//! The door itself: from its configuration and the rooms behind it to a running server.

use crate::api::asked::Questions;
use crate::api::signals::Signals;
use crate::dicomweb::event_channel::Channels;
use crate::dicomweb::studio::Studio;
use crate::hooks::Hooks;
use crate::http::compress::Presses;
use crate::http::cors::Origins;
use crate::jobs::Jobs;
use crate::limits;
use crate::routes::{Service, mount};
use crate::server::{Answer, Listener, ListenerError, Peer, Transport};
use axum::Router;
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Request, Response};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use yingdun_access::Access;
use yingdun_archive::Archive;
use yingdun_audit::Log;
use yingdun_gateway::Gateway;
use yingdun_model::{InstitutionId, Secret};

/// How the door is set up.
pub struct DoorConfig {
    /// Where it listens. Port 0 takes a free one.
    pub address: SocketAddr,
    /// TLS, or plain HTTP on loopback where it is spelled out.
    pub transport: Transport,
    /// `https://host:port` as clients reach this server, without a slash at the end: the beginning of every
    /// address in answers. Never taken from a request, because a request can lie. `None` takes the bound
    /// address, for loopback.
    pub origin: Option<String>,
    /// The institution in which people sign in.
    pub institution: InstitutionId,
    /// Origins (`https://host[:port]`) whose scripts may use DICOMweb and the token endpoint from a browser. Empty
    /// means none.
    pub cors_origins: Vec<String>,
    /// A token with which a collector may read `/metrics` and nothing else.
    pub metrics_token: Option<Secret<String>>,
    /// What is let through.
    pub gateway: Gateway,
}

/// The rooms behind the door.
#[derive(Clone)]
pub struct Rooms {
    /// Who may do what.
    pub access: Access,
    /// The use cases.
    pub archive: Archive,
    /// The ledger, for the audit administrator.
    pub audit: Log,
    /// Views into the program.
    pub hooks: Hooks,
}

/// A bound door that does not accept yet.
pub struct Door {
    listener: Listener,
    origin: String,
    answerer: Answerer,
    channels: Channels,
    jobs: Jobs,
    signals: Arc<Signals>,
    audit: Log,
}

impl Door {
    /// Binds the address and builds every route of the table.
    ///
    /// # Errors
    /// [`ListenerError`] when the address cannot be bound or plain HTTP would leave this machine.
    pub async fn open(config: DoorConfig, rooms: Rooms) -> Result<Self, ListenerError> {
        let DoorConfig { address, transport, origin, institution, cors_origins, metrics_token, gateway } =
            config;
        let takes_certificates = matches!(&transport, Transport::Tls(tls) if tls.asks_for_certificate());
        let origins = Arc::new(Origins::new(&cors_origins));
        let channels = Channels::default();
        let listener = Listener::bind(address, transport).await?.with_gateway(gateway.clone());
        let scheme = if listener.is_tls() { "https" } else { "http" };
        let origin = origin.unwrap_or_else(|| format!("{scheme}://{}", listener.address()));
        let Rooms { access, archive, audit, hooks } = rooms;
        let jobs = Jobs::new(archive.clone());
        let (signals, log) = (Arc::<Signals>::default(), audit.clone());
        let service = Service {
            gateway,
            access,
            archive,
            audit,
            institution,
            hooks,
            origin: origin.clone(),
            metrics_token,
            takes_certificates,
            presses: Presses::new(),
            studio: Studio::new(),
            described: Semaphore::new(limits::STOW_DESCRIBED_AT_ONCE_MAX),
            signed_bodies: Arc::new(Semaphore::new(limits::SIGNED_BODIES_AT_ONCE_MAX)),
            device_calls: Semaphore::new(limits::DEVICE_CALLS_AT_ONCE_MAX),
            jobs: jobs.clone(),
            node_questions: Questions::default(),
            signals: Arc::clone(&signals),
            origins: Arc::clone(&origins),
            channels: channels.clone(),
        };
        let answerer = Answerer { router: mount::router(&Arc::new(service)), origins };
        Ok(Self { listener, origin, answerer, channels, jobs, signals, audit: log })
    }

    /// The bound address.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The beginning of every address in answers.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Serves until `stop` is ready, then lets open requests finish within
    /// [`DRAIN_TIME_MAX`](crate::limits::DRAIN_TIME_MAX).
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let (channels, jobs) = (self.channels.clone(), self.jobs.clone());
        let stop = async move {
            stop.await;
            channels.stop();
            jobs.stop();
        };
        let closed = CancellationToken::new();
        let telling = tokio::spawn(self.signals.keep(self.audit, closed.clone()));
        let open = closed.drop_guard();
        self.listener.serve(self.answerer, stop).await;
        drop(open);
        self.channels.ended().await;
        self.jobs.ended().await;
        if let Err(error) = telling.await {
            tracing::error!(%error, "what viewers told was not written down to its end");
        }
    }
}

/// Answers every request: bounds of the head first, then the route, then the headers that every answer has.
#[derive(Clone)]
struct Answerer {
    router: Router,
    origins: Arc<Origins>,
}

impl Answer for Answerer {
    fn answer(
        &self,
        request: Request<Body>,
        peer: Peer,
    ) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        let (router, origins) = (self.router.clone(), Arc::clone(&self.origins));
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let shared = origins.shared(&parts);
            let preflight = shared.as_ref().and_then(|shared| shared.preflight(&parts));
            let mut response = match (mount::check_fields(&parts), preflight) {
                (Err(problem), _) => problem.into_response(),
                (Ok(()), Some(preflight)) => preflight,
                (Ok(()), None) => {
                    parts.extensions.insert(peer);
                    let answered = router.oneshot(Request::from_parts(parts, body)).await;
                    answered.unwrap_or_else(|never| match never {})
                }
            };
            if let Some(shared) = shared {
                shared.allow(response.headers_mut());
            }
            harden(response.headers_mut(), peer.tls);
            response
        })
    }
}

/// Headers of every answer. A handler may have set a stricter or a more precise one.
pub(crate) fn harden(headers: &mut HeaderMap, tls: bool) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    // Images and names must not stay behind in a browser or a proxy.
    set(CACHE_CONTROL, "no-store");
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "no-referrer");
    set(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if tls {
        set(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}
