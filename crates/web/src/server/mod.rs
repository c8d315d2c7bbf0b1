//! The listening end: sockets, TLS, HTTP connections, limits and the orderly end of all of them.
//!
//! Our own accept loop, because a route must know the client's certificate, because a handshake must end in
//! time, and because a stop must let open answers finish. It knows nothing of routes: it hands every request,
//! with the [`Peer`] it came from, to one service.

mod accept;
mod connections;
mod lingering;
mod patient;
mod peer;
mod tls;

pub use accept::{Answer, Listener, ListenerError, Transport};
pub(crate) use connections::Standing;
pub use peer::Peer;
pub use tls::{ServerTls, TlsConfigError, TlsFiles, server_config};
