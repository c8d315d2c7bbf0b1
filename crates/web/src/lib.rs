//! Door: DICOMweb, OAuth 2, administration, health and metrics over HTTPS.
//!
//! ```text
//!  TCP ─► TLS ─► HTTP/1.1 or 2 ─► bounds ─► route table ─► gate ─► handler ─► access, archive, audit
//!  [server]                       [door]    [routes]       body form,         (the only rooms that
//!   connections, time-outs,                  one row per   identity            a handler may call)
//!   client certificate, drain                route
//! ```
//!
//! # What holds
//!
//! * **The route table is the door.** [`RouteId`] and [`RouteId::describe`] make the router, the OpenAPI
//!   document at `/api/openapi.json` and the route × identity matrix of the tests. A route without a handler, a
//!   description and an expected row per identity does not compile; nothing can be mounted beside the table.
//! * **A bound on everything**, in one file: [`limits`].
//! * **No rights of its own.** Every handler hands the caller's session to `yingdun-access` or
//!   `yingdun-archive`, which decide. This crate holds no key and opens no file.
//! * **Nothing is told to strangers.** What does not exist and what one may not see are the same 404; a failed
//!   sign-in has one answer; logs name routes, never paths or queries.
//! * **Whole or broken.** An answer that cannot be finished ends its connection before the announced length;
//!   an upload that is cut is a 400, never a short study.
//!
//! # Example
//!
//! ```no_run
//! # async fn example(rooms: yingdun_web::Rooms, pem: (&[u8], &[u8])) -> Result<(), Box<dyn std::error::Error>> {
//! use yingdun_web::{Door, DoorConfig, TlsFiles, Transport, server_config};
//!
//! let tls = server_config(&TlsFiles { certificate_chain: pem.0, private_key: pem.1, client_roots: None,
//!     self_signed_clients: false })?;
//! let config = DoorConfig {
//!     address: "127.0.0.1:8443".parse()?,
//!     transport: Transport::Tls(tls),
//!     origin: Some("https://archive.example:8443".into()),
//!     institution: yingdun_model::InstitutionId::new("h1")?,
//!     cors_origins: Vec::new(),
//!     metrics_token: None,
//!     gateway: yingdun_gateway::Gateway::new(Default::default())?,
//! };
//! let door = Door::open(config, rooms).await?;
//! door.serve(async { tokio::signal::ctrl_c().await.unwrap_or_default() }).await;
//! # Ok(())
//! # }
//! ```
//!
//! # What this crate never does
//!
//! It decides nothing, caches nothing, changes no stored object, and serves no file from disk.

mod api;
mod dicomweb;
mod door;
mod fhir;
mod hooks;
mod http;
mod identity;
mod jobs;
pub mod limits;
pub mod multipart;
mod network;
mod oauth;
mod other_logs;
mod page;
mod passkeys;
mod routes;
mod sealed;
mod server;

pub use door::{Door, DoorConfig, Rooms};
pub use hooks::{
    Custody, DicomDoor, Hooks, Protection, Readiness, SealProgress, Sealing, VaultBytes, VaultPart,
};
pub use network::{
    CallFault, Counts, Device, DeviceAnswer, Holding, Network, Question, Sent, Sought, Told, Way,
    WorklistQuestion,
};
pub use other_logs::{Absence, OtherLogs};
pub use routes::{
    Authentication, BodyRule, Family, Interface, Method, Needs, Owner, Parameter, Place, Route, RouteId,
    Schema, Shape, interfaces,
};
pub use sealed::SealedDoor;
pub use server::{
    Answer, Listener, ListenerError, Peer, ServerTls, TlsConfigError, TlsFiles, Transport, server_config,
};
