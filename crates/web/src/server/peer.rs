//! Who is at the other end of a connection, as far as the transport can tell.

use std::net::SocketAddr;
use yingdun_access::ClientCertificate;

/// Facts about the other end of a connection. They are facts, not an identity: an identity is made from
/// them, or from a token, by `yingdun-access`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address that the connection came from. No header can change it.
    pub address: SocketAddr,
    /// SHA-256 over the DER form of the client certificate, when one was presented and an authority of this door issued it.
    pub certificate_sha256: Option<[u8; 32]>,
    /// The client certificate, whoever issued it: the other end holds its key.
    pub certificate: Option<ClientCertificate>,
    /// Whether the connection is protected by TLS.
    pub tls: bool,
}
