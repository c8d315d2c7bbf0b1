//! Where a device listens.

use std::fmt;
use std::str::FromStr;

/// The longest host name, in bytes (RFC 1035 §2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// In front of an endpoint that is called without TLS.
const PLAIN: &str = "plain://";

/// A host, a port, and whether to speak TLS there. Written `host:port`; a device that cannot do TLS has to be
/// spelled out as `plain://host:port`. IPv6 addresses stand in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Host name or address, without brackets. With TLS the certificate that is shown there must be valid for it.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether to speak TLS.
    pub tls: bool,
}

/// The text is not an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected host:port, or plain://host:port where TLS is impossible, got `{0}`")]
pub struct EndpointError(String);

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || EndpointError(text.chars().take(64).collect());
        let (place, tls) = text.strip_prefix(PLAIN).map_or((text, true), |place| (place, false));
        let (host, port) = place.rsplit_once(':').ok_or_else(wrong)?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let legal = match bracketed {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
            }
        };
        let host = bracketed.unwrap_or(host);
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
        if !legal || host.is_empty() || host.len() > HOST_BYTES_MAX {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port, tls })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = if self.tls { "" } else { PLAIN };
        if self.host.contains(':') {
            write!(f, "{plain}[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{plain}{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_speaks_tls_unless_the_opposite_is_spelled_out() {
        for (text, tls) in
            [("ws.example:2762", true), ("plain://10.0.0.7:104", false), ("[2001:db8::1]:104", true)]
        {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!((endpoint.to_string().as_str(), endpoint.tls), (text, tls));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for wrong in [
            "",
            "ws",
            "ws:",
            ":104",
            "ws:0",
            "ws:70000",
            "2001:db8::1:104",
            "tls://ws:104",
            "a b:1",
            "u@ws:1",
            "[ws]:1",
        ] {
            assert!(wrong.parse::<Endpoint>().is_err(), "{wrong}");
        }
    }
}
