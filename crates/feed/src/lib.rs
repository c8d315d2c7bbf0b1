//! Door outwards: events of studies to a stream of NATS JetStream, for programs that listen to one.
//!
//! ```text
//!  archive: EventFeed ──► publish ──► connection ──► nats-server ─ stream ─► subscribers
//!      ▲  position, after           wire, TLS            │                        │
//!      └─ the stream's ack ◄─────────────────────────────┘                        │
//!      door (`web`): what stands behind a number, decided for the session ◄───────┘
//! ```
//!
//! * **At least once, in order.** One event is sent at a time, and the next one when the stream has acknowledged it. Then the
//!   position is written to the catalogue. What was sent and not written down is sent again, under the same `Nats-Msg-Id`:
//!   within its duplicate window the stream keeps one of them.
//! * **Nothing personal.** Who may read a stream is decided by whoever runs it, and not by us. So a message holds the number,
//!   the institution, the kind and a keyed pseudonym of the study; who wants more asks the archive, with a session.
//! * **Nobody waits for it** (promise I8). A stream that is away costs a query and a connection every half minute.
//! * **The stream is looked at, not trusted**: [`judge`] says what of its settings may lose what it acknowledged.
//! * **The client is ours**: one connection, one publisher, six words of a text protocol, everything within bounds. Nothing in the
//!   greeting that comes before TLS is believed.

mod address;
mod connection;
mod error;
mod inspect;
mod publish;
mod stream;
mod wire;

pub use address::{Names, ServerAddress};
pub use error::FeedError;
pub use inspect::{Node, NodeReport, inspect};
pub use publish::Feed;
pub use stream::{Remark, StreamInfo, Weight, judge};

use rustls::ClientConfig;
use std::sync::Arc;

/// The most servers that are named: a cluster has three or five.
pub const SERVERS_MAX: usize = 16;

/// Where events go.
#[derive(Clone, Debug)]
pub struct FeedConfig {
    /// Servers of one cluster, any of which will do; at least one.
    pub servers: Vec<ServerAddress>,
    /// The stream and the subjects.
    pub names: Names,
    /// Whom to believe and what to show, for servers with TLS.
    pub tls: Option<Arc<ClientConfig>>,
}
