//! The door of a witness: two routes of C2SP tlog-witness, and metrics, over the listener of the web door.

use crate::wire::{REQUEST_BYTES_MAX, SIZE_MEDIA_TYPE};
use crate::witness::Answer;
use crate::{Settings, Witness, WitnessError, files};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Method, Request, Response, StatusCode};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use yingdun_crypto::digest::sha256;
use yingdun_gateway::{Asked, Class, Gateway, Refusal};
use yingdun_web::{
    Authentication, Interface, Listener, Owner, Peer, ServerTls, TlsFiles, Transport, server_config,
};

/// Requests that are read and judged at the same time: 64 times 128 KiB are in memory then. Others wait.
const REQUESTS_AT_ONCE_MAX: usize = 64;

/// How long the body of a request may take: it is a few kilobytes.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// The longest file with a token, in bytes.
const TOKEN_FILE_BYTES_MAX: usize = 4096;

const TEXT: &str = "text/plain; charset=utf-8";

/// Renders the metrics of the process.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// A bound door that does not accept yet.
pub struct Door {
    listener: Listener,
    answerer: Answerer,
}

#[derive(Clone)]
struct Answerer {
    witness: Arc<Witness>,
    metrics: Metrics,
    /// Digest of the token for `/metrics`: comparing digests tells nothing of it.
    token: Option<[u8; 32]>,
    at_once: Arc<Semaphore>,
    gateway: Gateway,
}

/// What this door answers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Route {
    AddCheckpoint,
    Newest(String),
    Metrics,
}

impl Door {
    /// Reads certificate and token, and binds the address, behind the gateway of the process.
    ///
    /// # Errors
    /// [`WitnessError`]
    pub async fn open(
        witness: Witness,
        settings: &Settings,
        metrics: Metrics,
        gateway: Gateway,
    ) -> Result<Self, WitnessError> {
        let tls = tls(settings)?;
        let token = settings.metrics_token_file.as_deref().map(token_digest).transpose()?;
        let listener =
            Listener::bind(settings.listen, Transport::Tls(tls)).await?.with_gateway(gateway.clone());
        let at_once = Arc::new(Semaphore::new(REQUESTS_AT_ONCE_MAX));
        let witness = Arc::new(witness);
        Ok(Self { listener, answerer: Answerer { witness, metrics, token, at_once, gateway } })
    }

    /// The bound address.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Serves until `stop` is ready, then lets open requests finish.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        self.listener.serve(self.answerer, stop).await;
    }
}

/// How this door speaks TLS.
///
/// # Errors
/// [`WitnessError`] when certificate or key cannot be used.
pub fn tls(settings: &Settings) -> Result<ServerTls, WitnessError> {
    let (chain, key) = (read(&settings.certificate_file)?, read(&settings.private_key_file)?);
    let files = TlsFiles {
        certificate_chain: &chain,
        private_key: &key,
        client_roots: None,
        self_signed_clients: false,
    };
    Ok(server_config(&files)?)
}

/// Every way in at this door. It needs no credential but the signature of a log, except for metrics.
pub fn interfaces() -> impl Iterator<Item = Interface> {
    [Route::AddCheckpoint, Route::Newest("<log>".to_owned()), Route::Metrics].into_iter().map(|route| {
        let (name, address, authentication) = match &route {
            Route::AddCheckpoint => {
                ("WitnessAddCheckpoint", "POST /add-checkpoint".to_owned(), Authentication::None)
            }
            Route::Newest(log) => ("WitnessNewest", format!("GET /{log}/checkpoint"), Authentication::None),
            Route::Metrics => ("WitnessMetrics", "GET /metrics".to_owned(), Authentication::Token),
        };
        let (name, owner) = (name.to_owned(), Owner::AuditAdministration);
        Interface { name, address, owner, class: route.class(), authentication }
    })
}

impl Route {
    fn of(method: &Method, path: &str) -> Option<Self> {
        let newest = path.strip_prefix('/').and_then(|path| path.strip_suffix("/checkpoint"));
        match (method, path, newest) {
            (&Method::POST, "/add-checkpoint", _) => Some(Self::AddCheckpoint),
            (&Method::GET, "/metrics", _) => Some(Self::Metrics),
            (&Method::GET, _, Some(hash)) => Some(Self::Newest(hash.to_owned())),
            _ => None,
        }
    }

    const fn class(&self) -> Class {
        match self {
            Self::AddCheckpoint | Self::Newest(_) => Class::Open,
            Self::Metrics => Class::Operations,
        }
    }
}

impl yingdun_web::Answer for Answerer {
    fn answer(
        &self,
        request: Request<Body>,
        peer: Peer,
    ) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        let answerer = self.clone();
        Box::pin(async move { answerer.route(request, peer.address.ip()).await })
    }
}

impl Answerer {
    async fn route(self, request: Request<Body>, from: IpAddr) -> Response<Body> {
        let route = Route::of(request.method(), request.uri().path());
        // What is not there is asked for by strangers, too.
        let class = route.as_ref().map_or(Class::Open, Route::class);
        if let Err(refusal) = self.admit(&request, class, from) {
            refusal.note("witness", Some(class));
            return refused(refusal);
        }
        match route {
            Some(Route::AddCheckpoint) => self.add_checkpoint(request.into_body()).await,
            Some(Route::Metrics) => self.show_metrics(&request),
            Some(Route::Newest(hash)) => self.newest(hash).await,
            None => text(StatusCode::NOT_FOUND, "no such route\n"),
        }
    }

    /// Rules, zones and rates, before anything is read.
    fn admit(&self, request: &Request<Body>, class: Class, from: IpAddr) -> Result<(), Refusal> {
        let (uri, headers) = (request.uri(), request.headers());
        let query = uri.query().unwrap_or_default();
        let asked = Asked { method: request.method().as_str(), path: uri.path(), query };
        let values = |field: &str| headers.get_all(field).iter().map(HeaderValue::as_bytes).collect();
        self.gateway.rules(&asked, values)?;
        self.gateway.arrival(class, from)?;
        self.gateway.stranger(from)
    }

    async fn add_checkpoint(self, body: Body) -> Response<Body> {
        let Ok(_turn) = self.at_once.acquire().await else { return broken() };
        let read = tokio::time::timeout(BODY_TIME_MAX, axum::body::to_bytes(body, REQUEST_BYTES_MAX)).await;
        let body = match read {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => {
                return count(&Answer::Malformed("the body cannot be read, or is too long".to_owned()));
            }
            Err(_elapsed) => return text(StatusCode::REQUEST_TIMEOUT, "the body did not come in time\n"),
        };
        let Ok(body) = String::from_utf8(body.into()) else {
            return count(&Answer::Malformed("a request is UTF-8 text".to_owned()));
        };
        let witness = Arc::clone(&self.witness);
        match tokio::task::spawn_blocking(move || witness.add_checkpoint(&body)).await {
            Ok(Ok(answer)) => count(&answer),
            Ok(Err(error)) => {
                tracing::error!(%error, "a checkpoint could not be cosigned");
                broken()
            }
            Err(error) => {
                tracing::error!(%error, "judging a checkpoint was broken off");
                broken()
            }
        }
    }

    async fn newest(self, origin_hash: String) -> Response<Body> {
        let Ok(_turn) = self.at_once.acquire().await else { return broken() };
        let witness = Arc::clone(&self.witness);
        match tokio::task::spawn_blocking(move || witness.newest(&origin_hash)).await {
            Ok(Ok(Some(note))) => text(StatusCode::OK, note),
            Ok(Ok(None)) => text(StatusCode::NOT_FOUND, "no checkpoint of such a log was cosigned here\n"),
            Ok(Err(_)) | Err(_) => broken(),
        }
    }

    fn show_metrics(&self, request: &Request<Body>) -> Response<Body> {
        let sent =
            request.headers().get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        if self.token.is_none() || sent.map(sha256) != self.token {
            // Whoever has no token need not know that there is one.
            return text(StatusCode::NOT_FOUND, "no such route\n");
        }
        text(StatusCode::OK, (self.metrics)())
    }
}

// === helpers ===

/// The answer in HTTP, counted.
fn count(answer: &Answer) -> Response<Body> {
    let (word, response) = match answer {
        Answer::Cosigned(line) => ("cosigned", text(StatusCode::OK, line.clone())),
        Answer::Malformed(why) => ("malformed", text(StatusCode::BAD_REQUEST, format!("{why}\n"))),
        Answer::Unsigned => ("unsigned", text(StatusCode::FORBIDDEN, "the log has not signed this\n")),
        Answer::Unknown => ("unknown", text(StatusCode::NOT_FOUND, "this log is not watched here\n")),
        Answer::Conflict(size) => {
            let mut response = text(StatusCode::CONFLICT, format!("{size}\n"));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(SIZE_MEDIA_TYPE));
            ("conflict", response)
        }
        Answer::Inconsistent => {
            let why = "it is not shown to continue what was seen here\n";
            ("inconsistent", text(StatusCode::UNPROCESSABLE_ENTITY, why))
        }
    };
    metrics::counter!("yingdun_witness_requests_total", "answer" => word).increment(1);
    response
}

fn refused(refusal: Refusal) -> Response<Body> {
    let status = match refusal {
        Refusal::Zone | Refusal::Rule => StatusCode::FORBIDDEN,
        Refusal::Rate { .. } | Refusal::Quota { .. } => StatusCode::TOO_MANY_REQUESTS,
        Refusal::Busy => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut response = text(status, format!("expected {refusal}\n"));
    if let Some(seconds) = refusal.retry_after_s() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

fn broken() -> Response<Body> {
    text(StatusCode::INTERNAL_SERVER_ERROR, "the witness cannot answer now\n")
}

fn text(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn read(path: &Path) -> Result<Vec<u8>, WitnessError> {
    std::fs::read(path).map_err(WitnessError::file(path))
}

fn token_digest(path: &Path) -> Result<[u8; 32], WitnessError> {
    let empty = || WitnessError::Damaged { path: path.to_owned(), why: "there is no token in it".to_owned() };
    let token = files::read(path, TOKEN_FILE_BYTES_MAX)?.ok_or_else(empty)?;
    let token = token.trim();
    if token.is_empty() { Err(empty()) } else { Ok(sha256(token.as_bytes())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_in_the_list_and_every_row_of_the_list_is_a_route() {
        let rows: Vec<Interface> = interfaces().collect();
        for row in &rows {
            let (method, path) = row.address.split_once(' ').unwrap();
            let route = Route::of(&method.parse().unwrap(), path).unwrap();
            assert_eq!(route.class(), row.class, "{}", row.address);
        }
        assert_eq!(rows.len(), 3);
        assert_eq!(Route::of(&Method::GET, "/"), None);
    }
}
