//! HTTP/1.1 requests over connections that stay open, with or without TLS, from one client or many.

use super::Load;
use crate::failure::{Failure, Outcome, While};
use crate::statistics::Latencies;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, AUTHORIZATION, HOST};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Bytes that the client reads at most at once: large, so that the client is not what is measured.
const READ_BYTES: usize = 1024 * 1024;

/// A server and how to talk to it.
#[derive(Clone)]
pub(crate) struct HttpTarget {
    pub(crate) address: SocketAddr,
    /// HTTPS when set.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    /// Sent with every request when set.
    pub(crate) bearer: Option<String>,
}

/// One thing to ask for, again and again.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) path: String,
    pub(crate) accept: &'static str,
    /// An answer with fewer bytes is a failure: a server that sends less is not faster.
    pub(crate) bytes_min: u64,
}

/// An open connection.
pub(crate) struct HttpClient {
    target: HttpTarget,
    sender: SendRequest<Full<Bytes>>,
}

/// Asks for everything in `asks` once, from `clients` connections that each take the next one.
pub(crate) async fn ask_all(target: &HttpTarget, asks: &Arc<Vec<Ask>>, clients: usize) -> Outcome<Load> {
    let mut connections = Vec::new();
    for _ in 0..clients {
        connections.push(HttpClient::connect(target).await?);
    }
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|mut client| {
            let (asks, next) = (asks.clone(), next.clone());
            tokio::spawn(async move {
                let (mut latencies, mut bytes) = (Vec::new(), 0);
                while let Some(ask) = asks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let asked = Instant::now();
                    bytes += client.ask(ask).await?;
                    latencies.push(asked.elapsed());
                }
                Outcome::Ok((latencies, bytes))
            })
        })
        .collect();
    let (mut latencies, mut bytes) = (Vec::new(), 0);
    for task in tasks {
        let (of_client, bytes_of_client) = task.await.or_fail("a client broke")??;
        latencies.extend(of_client);
        bytes += bytes_of_client;
    }
    Ok(Load { latencies: Latencies::new(latencies), bytes, elapsed: started.elapsed() })
}

impl HttpClient {
    pub(crate) async fn connect(target: &HttpTarget) -> Outcome<Self> {
        let what = format!("connecting to {}", target.address);
        let stream = TcpStream::connect(target.address).await.or_fail(&what)?;
        Self::connect_over(target, stream).await
    }

    /// Over a TCP connection that is there.
    pub(crate) async fn connect_over(target: &HttpTarget, stream: TcpStream) -> Outcome<Self> {
        let what = format!("connecting to {}", target.address);
        stream.set_nodelay(true).or_fail(&what)?;
        let mut builder = http1::Builder::new();
        builder.max_buf_size(READ_BYTES);
        let sender = match &target.tls {
            None => {
                let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.or_fail(&what)?;
                tokio::spawn(connection);
                sender
            }
            Some(tls) => {
                let name = ServerName::from(target.address.ip());
                let stream = TlsConnector::from(tls.clone()).connect(name, stream).await.or_fail(&what)?;
                let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.or_fail(&what)?;
                tokio::spawn(connection);
                sender
            }
        };
        Ok(Self { target: target.clone(), sender })
    }

    /// Asks, reads the whole answer and gives its number of bytes.
    pub(crate) async fn ask(&mut self, ask: &Ask) -> Outcome<u64> {
        let response = self.get(&ask.path, ask.accept).await?;
        let status = response.status();
        let mut body = response.into_body();
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.or_fail(format!("reading {}", ask.path))?;
            bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        if status != StatusCode::OK || bytes < ask.bytes_min {
            return Err(Failure::new(format!(
                "GET {}: expected 200 with at least {} bytes, got {status} with {bytes}",
                ask.path, ask.bytes_min
            )));
        }
        Ok(bytes)
    }

    /// Asks and keeps the answer.
    pub(crate) async fn text(&mut self, path: &str, accept: &str) -> Outcome<(StatusCode, Bytes)> {
        let response = self.get(path, accept).await?;
        let status = response.status();
        let body = response.into_body().collect().await.or_fail(format!("reading {path}"))?;
        Ok((status, body.to_bytes()))
    }

    /// Sends a body.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Outcome<(Response<()>, Bytes)> {
        let mut request = self.request(method, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).or_fail("making a request")?;
        let (head, body) = self.dispatch(request).await?.into_parts();
        let body = body.collect().await.or_fail(format!("reading {path}"))?;
        Ok((Response::from_parts(head, ()), body.to_bytes()))
    }

    async fn get(&mut self, path: &str, accept: &str) -> Outcome<Response<Incoming>> {
        let request = self.request(Method::GET, path).header(ACCEPT, accept);
        self.dispatch(request.body(Full::default()).or_fail("making a request")?).await
    }

    fn request(&self, method: Method, path: &str) -> hyper::http::request::Builder {
        let mut request =
            Request::builder().method(method).uri(path).header(HOST, self.target.address.to_string());
        if let Some(bearer) = &self.target.bearer {
            request = request.header(AUTHORIZATION, format!("Bearer {bearer}"));
        }
        request
    }

    /// Sends a request; over a new connection when the server closed this one after the last answer.
    async fn dispatch(&mut self, request: Request<Full<Bytes>>) -> Outcome<Response<Incoming>> {
        let what = format!("{} {}", request.method(), request.uri());
        if self.sender.ready().await.is_err() {
            *self = Self::connect(&self.target).await?;
            self.sender.ready().await.or_fail(&what)?;
        }
        self.sender.send_request(request).await.or_fail(what)
    }
}
