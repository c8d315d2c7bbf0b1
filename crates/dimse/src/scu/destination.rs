//! Where to send: `AE@host:port`.

use std::fmt;
use std::str::FromStr;
use yingdun_model::{AeTitle, AeTitleError};

/// An application on a host, written `AE@host:port`. IPv6 addresses stand in brackets: `CT01@[::1]:104`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The title to call.
    pub ae_title: AeTitle,
    /// Host name or address, without brackets. With TLS the peer's certificate must be valid for it.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// Why a text is not a destination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// A part is missing.
    #[error("expected AE@host:port, got `{0}`")]
    Form(String),
    /// The title is none.
    #[error("in AE@host:port the AE title is wrong: {0}")]
    AeTitle(#[from] AeTitleError),
    /// The port is no number from 1 to 65535.
    #[error("in AE@host:port the port must be 1 to 65535, got `{0}`")]
    Port(String),
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || DestinationError::Form(text.chars().take(64).collect());
        // A title may hold an `@`, a host name cannot.
        let (title, place) = text.rsplit_once('@').ok_or_else(form)?;
        let (host, port) = place.rsplit_once(':').ok_or_else(form)?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        if host.is_empty() || (bracketed.is_none() && host.contains(':')) {
            return Err(form());
        }
        let number = port.parse().ok().filter(|port| *port != 0);
        Ok(Self {
            ae_title: AeTitle::new(title)?,
            host: host.to_owned(),
            port: number.ok_or_else(|| DestinationError::Port(port.chars().take(16).collect()))?,
        })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "{}@[{}]:{}", self.ae_title, self.host, self.port)
        } else {
            write!(f, "{}@{}:{}", self.ae_title, self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_read_back_as_they_are_written() {
        for text in ["CT01@pacs.example:11112", "A B@192.0.2.1:104", "X@[2001:db8::1]:2762"] {
            assert_eq!(text.parse::<Destination>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(matches!("pacs:104".parse::<Destination>(), Err(DestinationError::Form(_))));
        assert!(matches!("CT01@pacs".parse::<Destination>(), Err(DestinationError::Form(_))));
        assert!(matches!("CT01@::1:104".parse::<Destination>(), Err(DestinationError::Form(_))));
        assert!(matches!("@pacs:104".parse::<Destination>(), Err(DestinationError::AeTitle(_))));
        assert!(matches!("CT01@pacs:0".parse::<Destination>(), Err(DestinationError::Port(_))));
        assert!(matches!("CT01@pacs:70000".parse::<Destination>(), Err(DestinationError::Port(_))));
    }
}
