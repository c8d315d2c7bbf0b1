//! Where a directory is.

use std::fmt;
use std::str::FromStr;

/// The port of LDAP, on which StartTLS is asked for.
const PORT: u16 = 389;
/// The port of LDAP over TLS.
const TLS_PORT: u16 = 636;

/// A server: `ldaps://HOST:PORT`, or `ldap://HOST:PORT` where TLS begins with StartTLS. There is no way without TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    start_tls: bool,
    host: String,
    port: u16,
}

impl ServerAddress {
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

    /// Whether TLS begins with StartTLS.
    #[must_use]
    pub const fn start_tls(&self) -> bool {
        self.start_tls
    }
}

impl FromStr for ServerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!(
                "a directory is `ldaps://HOST`, or `ldap://HOST` with StartTLS, with :PORT where it is another one; this is `{text}`"
            )
        };
        let (start_tls, authority) = match (text.strip_prefix("ldaps://"), text.strip_prefix("ldap://")) {
            (Some(authority), _) => (false, authority),
            (None, Some(authority)) => (true, authority),
            (None, None) => return Err(wrong()),
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
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
            "" if start_tls => PORT,
            "" => TLS_PORT,
            digits => digits.parse().map_err(|_| wrong())?,
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        if host.is_empty() || port == 0 || !host.chars().all(is_host) {
            return Err(wrong());
        }
        Ok(Self { start_tls, host: host.to_owned(), port })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.start_tls { "ldap" } else { "ldaps" };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_tls_from_the_beginning_or_by_start_tls() {
        for (text, start_tls, host, port) in [
            ("ldaps://dc1.hospital.example", false, "dc1.hospital.example", 636),
            ("ldap://10.0.0.7", true, "10.0.0.7", 389),
            ("ldap://dc1:3389/", true, "dc1", 3389),
            ("ldaps://[fd00::7]:1636", false, "fd00::7", 1636),
        ] {
            let address: ServerAddress = text.parse().unwrap();
            assert_eq!((address.start_tls(), address.host(), address.port()), (start_tls, host, port));
            assert_eq!(address.to_string().parse::<ServerAddress>().unwrap(), address);
        }
        for wrong in [
            "dc1",
            "ldapi:///run/slapd",
            "ldap://",
            "ldaps://a:0",
            "ldaps://a:x",
            "ldaps://a/dc=b",
            "ldap://a b",
            "ldap://u@a",
            "cldap://a",
        ] {
            assert!(wrong.parse::<ServerAddress>().is_err(), "{wrong}");
        }
    }
}
