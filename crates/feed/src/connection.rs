//! One connection to a NATS server: TLS, CONNECT, and questions that are answered to an inbox of ours.

use crate::address::ServerAddress;
use crate::error::{FeedError, said};
use crate::wire::{self, Frame};
use bytes::{Bytes, BytesMut};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long a connection may take until the server takes publications.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// How long an answer may take: a stream on three servers acknowledges within milliseconds, and elects a leader within seconds.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// What is asked of the socket at once, in bytes.
const READ_BYTES: usize = 16 * 1024;

/// A socket, with TLS or without.
trait Duplex: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Duplex for T {}

/// What a server says of itself. It comes before TLS, so nothing depends on it but words for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Greeting {
    pub(crate) server_name: String,
    pub(crate) version: String,
    pub(crate) tls_required: bool,
    pub(crate) headers: bool,
}

/// An answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// `503` where nobody listens.
    pub(crate) status: Option<u16>,
    pub(crate) payload: Bytes,
}

/// A connection that takes publications. After an error it is of no use.
pub(crate) struct Connection {
    server: ServerAddress,
    socket: Box<dyn Duplex>,
    received: BytesMut,
    greeting: Greeting,
    inbox: String,
    asked: u64,
}

impl Connection {
    /// Connects, with TLS wherever the address says so, and proves who we are.
    pub(crate) async fn open(
        server: &ServerAddress,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<Self, FeedError> {
        match timeout(CONNECT_TIME_MAX, Self::begin(server, tls)).await {
            Ok(opened) => opened,
            Err(_) => Err(silent(server, CONNECT_TIME_MAX)),
        }
    }

    /// Where it leads.
    pub(crate) const fn server(&self) -> &ServerAddress {
        &self.server
    }

    /// What the server said of itself.
    pub(crate) const fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// Publishes, and waits for the answer.
    pub(crate) async fn ask(
        &mut self,
        subject: &str,
        headers: &[(&str, &str)],
        payload: &[u8],
    ) -> Result<Answer, FeedError> {
        self.asked += 1;
        let reply = format!("{}.{}", self.inbox, self.asked);
        let publication = wire::publication(subject, &reply, headers, payload);
        let server = self.server.clone();
        let answered = timeout(ANSWER_TIME_MAX, async {
            self.write(&publication).await?;
            loop {
                match self.next().await? {
                    // Answers to what was given up before come late, and to another subject.
                    Frame::Message { subject, status, payload } if subject == reply => {
                        return Ok(Answer { status, payload });
                    }
                    frame => self.handle(frame).await?,
                }
            }
        });
        answered.await.unwrap_or_else(|_| Err(silent(&server, ANSWER_TIME_MAX)))
    }

    /// Waits for bytes of the server while nothing is asked. May be given up at any moment; [`Self::tend`] sees to what came.
    pub(crate) async fn fill(&mut self) -> Result<(), FeedError> {
        let room = self.socket.read_buf(&mut self.received).await;
        match room.map_err(|error| unreachable(&self.server, &error))? {
            0 => Err(unreachable(&self.server, &"it closed the connection")),
            _ => Ok(()),
        }
    }

    /// Answers what came while nothing was asked.
    pub(crate) async fn tend(&mut self) -> Result<(), FeedError> {
        while let Some(frame) = self.take()? {
            self.handle(frame).await?;
        }
        Ok(())
    }

    // === helpers ===

    async fn begin(server: &ServerAddress, tls: Option<&Arc<ClientConfig>>) -> Result<Self, FeedError> {
        let socket = TcpStream::connect((server.host(), server.port())).await;
        let mut socket = socket.map_err(|error| unreachable(server, &error))?;
        let _ = socket.set_nodelay(true);
        let mut received = BytesMut::with_capacity(READ_BYTES);
        let greeting = greeting(server, &mut socket, &mut received).await?;
        let socket: Box<dyn Duplex> = if server.is_tls() {
            // What came behind the greeting came from nobody: it must not be taken for something that came through TLS.
            if !received.is_empty() {
                return Err(protocol(server, "it sends more than its greeting before TLS"));
            }
            let tls = tls.ok_or_else(|| unreachable(server, &"there are no certificates for TLS"))?;
            let name = ServerName::try_from(server.host().to_owned());
            let name = name.map_err(|_| unreachable(server, &"its name cannot stand in a certificate"))?;
            let secured = TlsConnector::from(Arc::clone(tls)).connect(name, socket).await;
            Box::new(secured.map_err(|error| unreachable(server, &error))?)
        } else if greeting.tls_required {
            return Err(refused(server, "it wants TLS: write tls:// in its address"));
        } else {
            Box::new(socket)
        };
        if !greeting.headers {
            return Err(refused(server, "it knows no headers: NATS 2.2 or newer is needed"));
        }
        let inbox = format!("_INBOX.{}", hex::encode(yingdun_crypto::random::array::<16>()));
        let mut connection = Self { server: server.clone(), socket, received, greeting, inbox, asked: 0 };
        connection.introduce().await?;
        Ok(connection)
    }

    /// CONNECT, the inbox, and a PING whose answer says that both were taken.
    async fn introduce(&mut self) -> Result<(), FeedError> {
        let connect = serde_json::json!({
            "verbose": false, "pedantic": false, "tls_required": self.server.is_tls(), "name": "yingdun", "lang": "rust",
            "version": env!("CARGO_PKG_VERSION"), "protocol": 1, "headers": true, "no_responders": true, "echo": false,
        });
        let introduction = format!("CONNECT {connect}\r\nSUB {}.* 1\r\nPING\r\n", self.inbox);
        self.write(introduction.as_bytes()).await?;
        loop {
            match self.next().await? {
                Frame::Pong => return Ok(()),
                frame => self.handle(frame).await?,
            }
        }
    }

    /// The next frame, waiting for it.
    async fn next(&mut self) -> Result<Frame, FeedError> {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(frame);
            }
            self.fill().await?;
        }
    }

    fn take(&mut self) -> Result<Option<Frame>, FeedError> {
        wire::take(&mut self.received).map_err(|error| protocol(&self.server, &error.to_string()))
    }

    async fn handle(&mut self, frame: Frame) -> Result<(), FeedError> {
        match frame {
            Frame::Ping => self.write(b"PONG\r\n").await,
            Frame::Error(words) => Err(refused(&self.server, &words)),
            Frame::Info(_) | Frame::Pong | Frame::Done | Frame::Message { .. } => Ok(()),
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), FeedError> {
        let server = &self.server;
        self.socket.write_all(bytes).await.map_err(|error| unreachable(server, &error))?;
        self.socket.flush().await.map_err(|error| unreachable(server, &error))
    }
}

/// Reads the greeting, which is the first thing that a server sends.
async fn greeting(
    server: &ServerAddress,
    socket: &mut TcpStream,
    received: &mut BytesMut,
) -> Result<Greeting, FeedError> {
    loop {
        match wire::take(received).map_err(|error| protocol(server, &error.to_string()))? {
            Some(Frame::Info(json)) => {
                return serde_json::from_slice(&json)
                    .map_err(|_| protocol(server, "its greeting is not the JSON that it should be"));
            }
            Some(Frame::Error(words)) => return Err(refused(server, &words)),
            Some(_) => return Err(protocol(server, "it does not begin with INFO")),
            None => {
                let read = socket.read_buf(received).await.map_err(|error| unreachable(server, &error))?;
                if read == 0 {
                    return Err(unreachable(server, &"it closed the connection"));
                }
            }
        }
    }
}

fn unreachable(server: &ServerAddress, cause: &dyn std::fmt::Display) -> FeedError {
    FeedError::Unreachable { server: server.to_string(), cause: said(&cause.to_string()) }
}

fn protocol(server: &ServerAddress, what: &str) -> FeedError {
    FeedError::Protocol { server: server.to_string(), what: said(what) }
}

fn refused(server: &ServerAddress, words: &str) -> FeedError {
    FeedError::Refused { server: server.to_string(), said: said(words) }
}

fn silent(server: &ServerAddress, waited: Duration) -> FeedError {
    FeedError::Silent { server: server.to_string(), seconds: waited.as_secs() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// A mock of a server that says what no real one does; what it is sent.
    async fn mock_server(says: &'static [u8]) -> (ServerAddress, tokio::task::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.write_all(says).await.unwrap();
            let mut heard = Vec::new();
            let _ = socket.read_to_end(&mut heard).await;
            heard
        });
        (format!("nats://127.0.0.1:{port}").parse().unwrap(), served)
    }

    fn over_tls(plain: &ServerAddress) -> ServerAddress {
        plain.to_string().replace("nats://", "tls://").parse().unwrap()
    }

    #[tokio::test]
    async fn what_stands_behind_the_greeting_is_not_taken_for_something_that_came_through_tls() {
        let (server, heard) = mock_server(b"INFO {\"headers\":true}\r\nPONG\r\n").await;
        let error = Connection::open(&over_tls(&server), None).await.err().unwrap();
        assert!(matches!(error, FeedError::Protocol { .. }), "{error}");
        assert_eq!(heard.await.unwrap(), b"", "nothing was said without TLS");
    }

    #[tokio::test]
    async fn a_server_that_offers_no_tls_is_told_nothing_where_tls_was_asked_for() {
        let (server, heard) = mock_server(b"INFO {\"headers\":true,\"tls_required\":false}\r\n").await;
        let error = Connection::open(&over_tls(&server), None).await.err().unwrap();
        assert!(matches!(error, FeedError::Unreachable { .. }), "{error}");
        assert_eq!(heard.await.unwrap(), b"");
    }

    #[tokio::test]
    async fn a_server_that_refuses_or_speaks_something_else_is_told_of_in_its_words() {
        for (says, expected) in [
            (
                b"INFO {\"headers\":true}\r\n-ERR 'Authorization Violation'\r\n".as_slice(),
                "Authorization Violation",
            ),
            (b"INFO {\"headers\":true,\"tls_required\":true}\r\n", "wants TLS"),
            (b"INFO {}\r\n", "no headers"),
            (b"SSH-2.0-x\r\n", "does not speak"),
            (b"INFO nothing\r\n", "JSON"),
        ] {
            let (server, _) = mock_server(says).await;
            let error = Connection::open(&server, None).await.err().unwrap().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
