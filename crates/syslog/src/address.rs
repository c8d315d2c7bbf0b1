//! Where a collector is.

use std::fmt;
use std::str::FromStr;

/// The port of syslog over TLS (RFC 5425 §4.1).
const PORT: u16 = 6514;

/// A collector: `tls://HOST:PORT`. There is no other way to one: audit trails go over TLS or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectorAddress {
    host: String,
    port: u16,
}

impl CollectorAddress {
    /// Host name or address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for CollectorAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("a collector is `tls://HOST:PORT`, port {PORT} unless told; this is `{text}`");
        let authority = text.strip_prefix("tls://").ok_or_else(wrong)?;
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or_else(wrong)?;
                (host, port.strip_prefix(':').or(port.is_empty().then_some("")))
            }
            None => {
                authority.split_once(':').map_or((authority, Some("")), |(host, port)| (host, Some(port)))
            }
        };
        let port = match port.ok_or_else(wrong)? {
            "" => PORT,
            digits => digits.parse().map_err(|_| wrong())?,
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        if host.is_empty() || port == 0 || !host.chars().all(is_host) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for CollectorAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "tls://[{}]:{}", self.host, self.port),
            false => write!(f, "tls://{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_tls_a_host_and_the_port_of_the_standard_unless_told() {
        for (text, host, port) in [
            ("tls://siem.example", "siem.example", 6514),
            ("tls://10.0.0.7:601", "10.0.0.7", 601),
            ("tls://[fd00::7]:6514", "fd00::7", 6514),
        ] {
            let address: CollectorAddress = text.parse().unwrap();
            assert_eq!((address.host(), address.port()), (host, port));
            assert_eq!(address.to_string().parse::<CollectorAddress>().unwrap(), address);
        }
        for wrong in [
            "siem.example",
            "tcp://a:1",
            "udp://a",
            "tls://",
            "tls://a:0",
            "tls://a:x",
            "tls://a b",
            "tls://[::1",
        ] {
            assert!(wrong.parse::<CollectorAddress>().is_err(), "{wrong}");
        }
    }
}
