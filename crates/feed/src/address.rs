//! Where servers are, and what stream and subjects are called.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use yingdun_model::InstitutionId;

/// The port that NATS servers listen on unless told otherwise.
const PORT: u16 = 4222;

/// The longest name of a stream, in bytes; servers take 255.
const STREAM_BYTES_MAX: usize = 64;

/// The longest beginning of our subjects, in bytes: with institution and kind well within what a server reads as one line.
const SUBJECT_BYTES_MAX: usize = 128;

/// A NATS server: `tls://HOST:PORT`, or `nats://` and an address of loopback, without TLS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerAddress {
    host: String,
    port: u16,
    tls: bool,
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

    /// Whether it is reached by TLS; what is not is on loopback.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.tls
    }
}

impl FromStr for ServerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || {
            format!(
                "a NATS server is `tls://HOST:PORT`, or `nats://127.0.0.1:PORT` on this machine; this is `{text}`"
            )
        };
        let (tls, authority) = match text.split_once("://") {
            Some(("tls", authority)) => (true, authority),
            Some(("nats", authority)) => (false, authority),
            Some(_) | None => return Err(expected()),
        };
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or_else(expected)?;
                (host, port.strip_prefix(':').or(port.is_empty().then_some("")))
            }
            None => {
                authority.split_once(':').map_or((authority, Some("")), |(host, port)| (host, Some(port)))
            }
        };
        let port = match port.ok_or_else(expected)? {
            "" => PORT,
            digits => digits.parse().map_err(|_| expected())?,
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(expected());
        }
        if !tls && !host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()) {
            return Err(format!(
                "`{text}` has no TLS and is not an address of loopback such as 127.0.0.1: write `tls://`"
            ));
        }
        Ok(Self { host: host.to_owned(), port, tls })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "tls" } else { "nats" };
        let Self { host, port, .. } = self;
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]:{port}")
        } else {
            write!(f, "{scheme}://{host}:{port}")
        }
    }
}

/// What the stream and the subjects are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    stream: String,
    subject: String,
}

impl Names {
    /// A stream, and what subjects begin with: tokens of letters, digits, `-` and `_`, with dots between.
    ///
    /// # Errors
    /// What was expected.
    pub fn new(stream: &str, subject: &str) -> Result<Self, String> {
        let token = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        if !token(stream) || stream.len() > STREAM_BYTES_MAX {
            return Err(format!(
                "a stream is named by up to {STREAM_BYTES_MAX} letters, digits, `-` and `_`, not `{stream}`"
            ));
        }
        if !subject.split('.').all(token) || subject.len() > SUBJECT_BYTES_MAX {
            return Err(format!(
                "a subject is words of letters, digits, `-` and `_` with dots between, up to {SUBJECT_BYTES_MAX} characters, \
                 not `{subject}`"
            ));
        }
        Ok(Self { stream: stream.to_owned(), subject: subject.to_owned() })
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// The subject of an event.
    #[must_use]
    pub fn subject_of(&self, institution: &InstitutionId, kind: &str) -> String {
        format!("{}.{institution}.{kind}", self.subject)
    }

    /// What the position in the catalogue is kept under: a stream of another name begins with the oldest event that is kept.
    #[must_use]
    pub fn feed(&self) -> String {
        format!("nats:{}", self.stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_reached_by_tls_or_on_loopback() {
        for (text, shown) in [
            ("tls://nats-1.example", "tls://nats-1.example:4222"),
            ("tls://10.0.0.7:4223", "tls://10.0.0.7:4223"),
            ("tls://[2001:db8::7]:4223", "tls://[2001:db8::7]:4223"),
            ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
            ("nats://[::1]", "nats://[::1]:4222"),
        ] {
            assert_eq!(text.parse::<ServerAddress>().unwrap().to_string(), shown);
        }
        for wrong in [
            "",
            "nats-1.example",
            "http://a",
            "tls://",
            "tls://a:b",
            "tls://a:70000",
            "tls://a/b",
            "tls://u@a",
            "tls://[::1",
            "tls://[::1]x",
            "nats://10.0.0.7",
            "nats://localhost",
            "nats://nats-1.example:4222",
        ] {
            assert!(wrong.parse::<ServerAddress>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_have_no_wildcards_and_reach_no_system_subject() {
        let names = Names::new("YINGDUN", "yingdun.events").unwrap();
        let institution = InstitutionId::new("renmin").unwrap();
        assert_eq!(names.subject_of(&institution, "study-stable"), "yingdun.events.renmin.study-stable");
        for (stream, subject) in [
            ("", "a"),
            ("a.b", "a"),
            ("A", ""),
            ("A", "a..b"),
            ("A", "a.>"),
            ("A", "*"),
            ("A", "$JS.API"),
            ("A", "a b"),
        ] {
            assert!(Names::new(stream, subject).is_err(), "{stream} {subject}");
        }
    }
}
