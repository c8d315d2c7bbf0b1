//! For whom passkeys are made: a name of the network and the one origin whose pages may use them.

/// Why no passkey can be made for an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartyError {
    /// Browsers know passkeys on pages of HTTPS only.
    #[error("`{0}` is not an address of the form https://host or https://host:port")]
    NotHttps(String),
    /// Browsers refuse passkeys for addresses of the network.
    #[error("`{0}` is no name of a host: browsers make no passkey for the number of one")]
    NoName(String),
}

/// For whom passkeys are made (the "relying party").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    id: String,
    origin: String,
}

impl RelyingParty {
    /// The party whose pages people open under an address. A passkey is bound to the name of the host for ever: under another name it does
    /// not work any more.
    ///
    /// # Errors
    /// [`PartyError`] when browsers would make no passkey there.
    pub fn of_address(address: &str) -> Result<Self, PartyError> {
        let not_https = || PartyError::NotHttps(address.to_owned());
        let rest = address.strip_prefix("https://").ok_or_else(not_https)?;
        let authority = rest.split('/').next().unwrap_or_default().to_ascii_lowercase();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
            _ => (authority.as_str(), None),
        };
        let port = port.map(|port| port.parse::<u16>().map_err(|_| not_https())).transpose()?;
        let legal = |label: &str| {
            let bytes = label.as_bytes();
            (1..=63).contains(&bytes.len())
                && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        };
        // The last label of a number begins with a digit, that of a name never does.
        let number =
            host.rsplit('.').next().is_none_or(|last| last.starts_with(|first: char| first.is_ascii_digit()));
        if number || host.len() > 253 || !host.split('.').all(legal) {
            return Err(PartyError::NoName(host.to_owned()));
        }
        // As browsers write an origin (RFC 6454 §6.2): in lower case, without the usual port.
        let origin = match port {
            None | Some(443) => format!("https://{host}"),
            Some(port) => format!("https://{host}:{port}"),
        };
        Ok(Self { id: host.to_owned(), origin })
    }

    /// The name that passkeys are bound to.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The origin whose pages may use them.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_is_a_name_and_an_origin_as_browsers_write_it() {
        for (address, id, origin) in [
            ("https://archive.example", "archive.example", "https://archive.example"),
            ("https://Archive.Example:443/x", "archive.example", "https://archive.example"),
            ("https://localhost:8443", "localhost", "https://localhost:8443"),
            ("https://pacs-1:8443", "pacs-1", "https://pacs-1:8443"),
        ] {
            let party = RelyingParty::of_address(address).unwrap();
            assert_eq!((party.id(), party.origin()), (id, origin), "{address}");
        }
    }

    #[test]
    fn numbers_and_what_is_no_https_have_no_passkeys() {
        for address in [
            "https://127.0.0.1:8443",
            "https://[::1]:8443",
            "https://[::1]",
            "https://1",
            "https://",
            "https://a..b",
        ] {
            assert!(matches!(RelyingParty::of_address(address), Err(PartyError::NoName(_))), "{address}");
        }
        for address in ["http://archive.example", "archive.example", "https://archive.example:x"] {
            assert!(matches!(RelyingParty::of_address(address), Err(PartyError::NotHttps(_))), "{address}");
        }
    }
}
