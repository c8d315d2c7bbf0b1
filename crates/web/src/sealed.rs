//! The door of an archive that is sealed: it tells that it is, and takes shares. Everything else waits.
//!
//! | request | answer |
//! |---|---|
//! | `GET /health/live` | 200 |
//! | `GET /health/ready` | 503, `sealed`, how many shares were given and are needed |
//! | `GET /api/v1/seal` | 200, the same |
//! | `POST /api/v1/seal/shares`, JSON `share` | 200, the same; 400 when the share is none of this root key |
//! | anything else | 503 |
//!
//! Nobody can sign in at a sealed archive. Whoever reaches this door may offer shares: a right one has 256 random bits, and a wrong
//! one changes nothing.

use crate::door::harden;
use crate::hooks::{SealProgress, Sealing};
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::mount::{check_address, check_fields};
use crate::server::{Answer, Listener, ListenerError, Peer, Transport};
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use yingdun_gateway::Gateway;
use yingdun_model::Secret;

/// Seconds after which a client may try again: people bring shares in minutes.
const RETRY_SECONDS: u32 = 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShareBody {
    share: String,
}

/// A bound door of a sealed archive that does not accept yet.
pub struct SealedDoor {
    listener: Listener,
    sealing: Sealing,
}

impl SealedDoor {
    /// Binds the address.
    ///
    /// # Errors
    /// [`ListenerError`] when the address cannot be bound or plain HTTP would leave this machine.
    pub async fn open(
        address: SocketAddr,
        transport: Transport,
        sealing: Sealing,
        gateway: Gateway,
    ) -> Result<Self, ListenerError> {
        let listener = Listener::bind(address, transport).await?.with_gateway(gateway);
        Ok(Self { listener, sealing })
    }

    /// The bound address.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Serves until `stop` is ready, then lets open requests finish within
    /// [`DRAIN_TIME_MAX`](crate::limits::DRAIN_TIME_MAX).
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        self.listener.serve(Answerer(self.sealing), stop).await;
    }
}

#[derive(Clone)]
struct Answerer(Sealing);

impl Answer for Answerer {
    fn answer(
        &self,
        request: Request<Body>,
        peer: Peer,
    ) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        let sealing = self.0.clone();
        Box::pin(async move {
            let answered = respond(&sealing, request).await;
            let mut response = answered.unwrap_or_else(Problem::into_response);
            harden(response.headers_mut(), peer.tls);
            response
        })
    }
}

async fn respond(sealing: &Sealing, request: Request<Body>) -> Result<Response<Body>, Problem> {
    let (parts, body) = request.into_parts();
    check_fields(&parts)?;
    check_address(&parts)?;
    match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/health/live") => Ok(answer::json(StatusCode::OK, &json!({"status": "live"}))),
        (&Method::GET, "/health/ready") => {
            Ok(answer::json(StatusCode::SERVICE_UNAVAILABLE, &shown((sealing.progress)())))
        }
        (&Method::GET, "/api/v1/seal") => Ok(answer::json(StatusCode::OK, &shown((sealing.progress)()))),
        (&Method::POST, "/api/v1/seal/shares") => {
            let ShareBody { share } = json_of(body).await?;
            match (sealing.give)(Secret::new(share)) {
                Ok(progress) => Ok(answer::json(StatusCode::OK, &shown(progress))),
                Err(refusal) => {
                    Err(Problem::new(Kind::BadRequest).expected("a share of this root key").came(refusal))
                }
            }
        }
        _ => Err(Problem::new(Kind::Unavailable)
            .expected("an archive that is not sealed")
            .remedy("wait until enough officers have given their shares (`yingdun unseal`)")
            .retry_after(RETRY_SECONDS)),
    }
}

fn shown(SealProgress { given, needed }: SealProgress) -> Value {
    let status = if given < needed { "sealed" } else { "opening" };
    json!({"status": status, "shares_given": given, "shares_needed": needed})
}
