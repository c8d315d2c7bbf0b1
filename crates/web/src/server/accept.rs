//! The accept loop: one task per connection, each within its bounds, all ended in order.

use super::connections::{Connections, Standing};
use super::lingering::{Bounds, Lingering, Unread, Watched};
use super::patient::Patient;
use super::peer::Peer;
use super::tls::ServerTls;
use crate::limits;
use axum::body::Body;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use yingdun_access::ClientCertificate;
use yingdun_gateway::Gateway;

/// How bytes travel.
#[derive(Clone)]
pub enum Transport {
    /// HTTPS.
    Tls(ServerTls),
    /// Plain HTTP, spelled out, and only on a loopback address.
    PlainLoopback,
}

/// Why the door cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenerError {
    /// Plain HTTP beyond loopback.
    #[error("plain HTTP is only served on a loopback address, the configuration asks for {0}; use TLS")]
    PlainBeyondLoopback(SocketAddr),
    /// The address cannot be bound.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The operating system's reason.
        #[source]
        source: std::io::Error,
    },
}

/// A bound socket, not yet accepting.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    transport: Transport,
    gateway: Option<Gateway>,
}

/// What answers a request. Handed to [`Listener::serve`]; the whole of the routes stands behind it, here and in other roles of the program.
pub trait Answer: Clone + Send + Sync + 'static {
    /// Answers one request.
    fn answer(
        &self,
        request: Request<Body>,
        peer: Peer,
    ) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>>;
}

impl Listener {
    /// Binds `address`.
    ///
    /// # Errors
    /// [`ListenerError::PlainBeyondLoopback`] before anything is bound, [`ListenerError::Bind`] with the
    /// operating system's reason.
    pub async fn bind(address: SocketAddr, transport: Transport) -> Result<Self, ListenerError> {
        if matches!(transport, Transport::PlainLoopback) && !address.ip().is_loopback() {
            return Err(ListenerError::PlainBeyondLoopback(address));
        }
        let bind = |source| ListenerError::Bind { address, source };
        let socket = TcpListener::bind(address).await.map_err(bind)?;
        let address = socket.local_addr().map_err(bind)?;
        Ok(Self { socket, address, transport, gateway: None })
    }

    /// The same, with zones and rates for connections.
    #[must_use]
    pub fn with_gateway(mut self, gateway: Gateway) -> Self {
        self.gateway = Some(gateway);
        self
    }

    /// The bound address, with the port that was chosen when port 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether answers travel by TLS.
    pub(crate) const fn is_tls(&self) -> bool {
        matches!(self.transport, Transport::Tls(_))
    }

    /// Serves until `stop` is ready, then lets open requests finish for at most
    /// [`crate::limits::DRAIN_TIME_MAX`], and cuts the rest off. When this returns, no connection works any more.
    pub async fn serve(self, answer: impl Answer, stop: impl Future<Output = ()>) {
        let connections = Connections::default();
        let graceful = GracefulShutdown::new();
        let tasks = Tasks::default();
        let protocol = Arc::new(protocol(tasks.clone()));
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = self.socket.accept() => accepted,
            };
            let (socket, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors or a connection that died in the queue: neither is a reason to
                    // stop, but a tight loop would burn a core.
                    tracing::warn!(kind = ?error.kind(), "accept failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            // Before TLS, which costs more than all that a refusal does.
            if let Some(gateway) = &self.gateway
                && let Err(refusal) = gateway.connection(address.ip())
            {
                refusal.note("http", None);
                continue;
            }
            let Some(slot) = connections.take(address.ip()) else {
                metrics::counter!("yingdun_http_connections_refused_total").increment(1);
                continue;
            };
            let (standing, cut) = (slot.standing(), slot.cut());
            let connection = connect(
                socket,
                address,
                self.transport.clone(),
                Arc::clone(&protocol),
                answer.clone(),
                standing,
                graceful.watcher(),
            );
            tasks.execute(async move {
                tokio::select! {
                    () = connection => {}
                    () = cut.cancelled_owned() => {}
                }
                drop(slot);
            });
        }
        drop(self.socket);
        if tokio::time::timeout(limits::DRAIN_TIME_MAX, graceful.shutdown()).await.is_err() {
            tracing::warn!("some answers were cut off when the time to finish was over");
        }
        tasks.cut().await;
    }
}

/// From TCP to the end of the connection.
async fn connect(
    socket: TcpStream,
    address: SocketAddr,
    transport: Transport,
    protocol: Arc<auto::Builder<Tasks>>,
    answer: impl Answer,
    standing: Standing,
    watcher: Watcher,
) {
    // Small answers must not wait for more to send; a failure here costs speed only.
    let _ = socket.set_nodelay(true);
    match transport {
        Transport::PlainLoopback => {
            let peer = Peer { address, certificate_sha256: None, certificate: None, tls: false };
            converse(socket, peer, &protocol, answer, standing, watcher).await;
        }
        Transport::Tls(tls) => {
            let handshake = TlsAcceptor::from(Arc::clone(&tls.config)).accept(socket);
            let mut stream = match tokio::time::timeout(limits::HANDSHAKE_TIME_MAX, handshake).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    metrics::counter!("yingdun_http_handshakes_failed_total").increment(1);
                    tracing::debug!(%address, kind = ?error.kind(), "TLS handshake failed");
                    return;
                }
                Err(_elapsed) => {
                    metrics::counter!("yingdun_http_handshakes_failed_total").increment(1);
                    tracing::debug!(%address, "TLS handshake took too long");
                    return;
                }
            };
            stream.get_mut().1.set_buffer_limit(Some(limits::TLS_BUFFER_BYTES));
            let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
            let certificate = chain.first().and_then(|der| ClientCertificate::read(der.as_ref()));
            let certificate_sha256 =
                certificate.filter(|_| tls.is_of_authority(chain)).map(|certificate| certificate.sha256);
            let peer = Peer { address, certificate_sha256, certificate, tls: true };
            converse(stream, peer, &protocol, answer, standing, watcher).await;
        }
    }
}

/// Speaks HTTP on one connection.
async fn converse<IO>(
    io: IO,
    peer: Peer,
    protocol: &auto::Builder<Tasks>,
    answer: impl Answer,
    standing: Standing,
    watcher: Watcher,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let unread = Unread::default();
    let seen = unread.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (seen, by_frames) = (seen.clone(), request.version() == Version::HTTP_2);
        if by_frames {
            seen.speaks_frames();
        }
        let (mut head, body) = request.into_parts();
        let (served, standing) = (standing.serves(), standing.clone());
        head.extensions.insert(standing.clone());
        let (body, ended) = Watched::watch(body);
        let answered = answer.answer(Request::from_parts(head, body), peer);
        async move {
            let response = answered.await;
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                standing.is_upgraded();
            }
            let mut response = response.map(|body| served.until_taken(body));
            seen.answered(ended.is_so());
            // What is left of the body would be taken for the next request. HTTP/2 ends the one stream.
            if !by_frames && !ended.is_so() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let io = TokioIo::new(Lingering::new(Patient::new(io, limits::WRITE_STALL_MAX), unread, Bounds::DOOR));
    let connection = protocol.serve_connection_with_upgrades(io, service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "HTTP connection ended early");
    }
}

/// HTTP/1.1 and HTTP/2 with the bounds of [`limits`].
fn protocol(tasks: Tasks) -> auto::Builder<Tasks> {
    let mut builder = auto::Builder::new(tasks);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEADER_TIME_MAX)
        .max_headers(limits::HEADER_FIELDS_MAX)
        .max_buf_size(limits::HTTP1_BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits::PING_INTERVAL)
        .keep_alive_timeout(limits::PING_INTERVAL)
        .max_concurrent_streams(limits::STREAMS_PER_CONNECTION_MAX)
        .max_header_list_size(u32::try_from(limits::HEADER_BYTES_MAX).unwrap_or(u32::MAX))
        .initial_stream_window_size(limits::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(limits::SEND_BUFFER_BYTES);
    builder
}

// === ending connections ===

/// Every task of this door: one per connection, and one per request on HTTP/2.
#[derive(Clone, Default)]
struct Tasks {
    running: TaskTracker,
    cut: CancellationToken,
}

impl Tasks {
    /// Ends what still runs, and waits until it is gone.
    async fn cut(self) {
        self.cut.cancel();
        self.running.close();
        if tokio::time::timeout(limits::CUT_TIME_MAX, self.running.wait()).await.is_err() {
            tracing::error!(left = self.running.len(), "connections did not end when they were cut off");
        }
    }
}

impl<F> Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, task: F) {
        let cut = self.cut.clone();
        self.running.spawn(async move {
            tokio::select! {
                biased;
                () = cut.cancelled_owned() => {}
                _ = task => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn plain_http_beyond_loopback_is_refused_before_anything_is_bound() {
        let address: SocketAddr = "0.0.0.0:0".parse().unwrap();
        let refused = Listener::bind(address, Transport::PlainLoopback).await;
        assert!(matches!(refused, Err(ListenerError::PlainBeyondLoopback(_))));
        let loopback =
            Listener::bind("127.0.0.1:0".parse().unwrap(), Transport::PlainLoopback).await.unwrap();
        assert!(loopback.address().port() > 0);
    }
}
