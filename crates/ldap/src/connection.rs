//! One connection to a directory: opened with TLS or not at all, asked one question at a time.

use crate::address::ServerAddress;
use crate::ber::Malformed;
use crate::error::LdapError;
use crate::filter::Filter;
use crate::message::{self, Answer, Entry, Message, Messages, Question};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use yingdun_model::Secret;

/// The longest message that is read: a person with thousands of groups.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// The longest message that is read before TLS: the answer to StartTLS.
const PLAIN_BYTES_MAX: usize = 4096;
/// The most bytes of all answers to one search.
const SEARCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What is asked of the socket at once, in bytes.
const READ_BYTES: usize = 16 * 1024;

/// How long a directory may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Until questions can be asked: name, TCP and TLS.
    pub connect: Duration,
    /// For one question.
    pub answer: Duration,
}

/// How far below the base is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The base itself only.
    Base,
    /// Everything below, and the base.
    Subtree,
}

/// What is searched for.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// Where.
    pub base: &'a str,
    /// How far below.
    pub scope: Scope,
    /// Who.
    pub filter: &'a Filter,
    /// What comes into the places of the filter.
    pub values: &'a [(&'a str, &'a [u8])],
    /// What is wanted of each entry.
    pub attributes: &'a [&'a str],
    /// The most entries that are taken.
    pub entries_max: u32,
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// The entries, as they came.
    pub entries: Vec<Entry>,
    /// Whether there are more than were taken.
    pub more: bool,
    /// How often the server pointed to another one, which was not asked.
    pub references: usize,
}

/// What became of a bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The connection is that of this entry now.
    Yes,
    /// The password does not open this entry, or nothing does at the moment.
    No,
}

/// A connection over TLS. After an error it is of no use.
pub struct Connection {
    server: String,
    socket: TlsStream<TcpStream>,
    received: Messages,
    answer_time: Duration,
    asked: u32,
}

impl Connection {
    /// Connects, and begins TLS with a server whose certificate comes from an authority of `tls`.
    ///
    /// # Errors
    /// [`LdapError::Unreachable`], [`LdapError::NoTls`], [`LdapError::Untrusted`], [`LdapError::Silent`].
    pub async fn open(
        address: &ServerAddress,
        tls: &Arc<ClientConfig>,
        times: Times,
    ) -> Result<Self, LdapError> {
        let server = address.to_string();
        match timeout(times.connect, connect(address, tls, &server)).await {
            Ok(socket) => Ok(Self {
                server,
                socket: socket?,
                received: Messages::new(MESSAGE_BYTES_MAX),
                answer_time: times.answer,
                asked: 1,
            }),
            Err(_) => Err(LdapError::Silent { server, seconds: times.connect.as_secs() }),
        }
    }

    /// The certificate of the server, as DER.
    #[must_use]
    pub fn certificate(&self) -> Option<&[u8]> {
        self.socket.get_ref().1.peer_certificates()?.first().map(AsRef::as_ref)
    }

    /// Becomes an entry, by its password. An empty password is not sent.
    ///
    /// # Errors
    /// [`LdapError::EmptyPassword`]; [`LdapError::Refused`] when the server answers otherwise than yes or no.
    pub async fn bind(&mut self, dn: &str, password: &Secret<String>) -> Result<Bound, LdapError> {
        if password.expose().is_empty() || dn.is_empty() {
            return Err(LdapError::EmptyPassword);
        }
        let id = self.next_id();
        let request = message::bind(id, dn, password.expose());
        let result = self.timed(|connection| Box::pin(connection.bound(id, request))).await?;
        match result {
            message::SUCCESS => Ok(Bound::Yes),
            other if message::is_not_this_password(other) => Ok(Bound::No),
            other => Err(self.refused("bind", other)),
        }
    }

    /// Asks for entries. When there are more than were taken, the connection is of no use any more.
    ///
    /// # Errors
    /// [`LdapError::NoBase`]; [`LdapError::Refused`]; [`LdapError::Protocol`] for an answer beyond the bounds.
    pub async fn search(&mut self, search: Search<'_>) -> Result<Found, LdapError> {
        let filter = search.filter.encode(search.values)?;
        let id = self.next_id();
        let request = message::search(
            id,
            &Question {
                base: search.base,
                scope: match search.scope {
                    Scope::Base => 0,
                    Scope::Subtree => 2,
                },
                // One more than is taken says that there are more.
                entries_max: search.entries_max.saturating_add(1),
                seconds_max: u32::try_from(self.answer_time.as_secs())
                    .unwrap_or(u32::MAX)
                    .clamp(1, 0x7fff_ffff),
                filter: &filter,
                attributes: search.attributes,
            },
        );
        let max = usize::try_from(search.entries_max).unwrap_or(usize::MAX);
        let (found, result) = self.timed(|connection| Box::pin(connection.found(id, request, max))).await?;
        match result {
            message::SUCCESS | message::SIZE_LIMIT | message::REFERRAL => Ok(Found {
                more: found.more || result == message::SIZE_LIMIT,
                references: found.references + usize::from(result == message::REFERRAL),
                entries: found.entries,
            }),
            message::NO_SUCH_OBJECT => {
                Err(LdapError::NoBase { server: self.server.clone(), base: search.base.to_owned() })
            }
            other => Err(self.refused("search", other)),
        }
    }

    /// Says good-bye. A server that does not hear it is not waited for.
    pub async fn close(mut self) {
        let request = message::unbind(self.next_id());
        let said = async {
            self.socket.write_all(&request).await?;
            self.socket.shutdown().await
        };
        // It is over in any case.
        let _ = timeout(self.answer_time, said).await;
    }

    // === helpers ===

    fn next_id(&mut self) -> u32 {
        self.asked = self.asked % 0x7fff_ffff + 1;
        self.asked
    }

    async fn timed<T>(
        &mut self,
        ask: impl for<'a> FnOnce(
            &'a mut Self,
        )
            -> std::pin::Pin<Box<dyn Future<Output = Result<T, LdapError>> + Send + 'a>>,
    ) -> Result<T, LdapError> {
        let (time, server) = (self.answer_time, self.server.clone());
        match timeout(time, ask(self)).await {
            Ok(answered) => answered,
            Err(_) => Err(LdapError::Silent { server, seconds: time.as_secs() }),
        }
    }

    async fn bound(&mut self, id: u32, request: zeroize::Zeroizing<Vec<u8>>) -> Result<u32, LdapError> {
        self.write(&request).await?;
        drop(request);
        loop {
            match self.answer(id).await? {
                (Answer::Bound(result), _) => return Ok(result),
                (Answer::Passing, _) => {}
                _ => return Err(self.protocol("a bind is answered by something else")),
            }
        }
    }

    async fn found(&mut self, id: u32, request: Vec<u8>, max: usize) -> Result<(Found, u32), LdapError> {
        self.write(&request).await?;
        let mut found = Found { entries: Vec::new(), more: false, references: 0 };
        let mut bytes = 0_usize;
        loop {
            let (answer, length) = self.answer(id).await?;
            bytes = bytes.saturating_add(length);
            if bytes > SEARCH_BYTES_MAX {
                return Err(self.protocol("an answer is longer than every bound"));
            }
            match answer {
                Answer::Entry(_) if found.entries.len() == max => {
                    found.more = true;
                    return Ok((found, message::SUCCESS));
                }
                Answer::Entry(entry) => found.entries.push(entry),
                Answer::Reference => found.references += 1,
                Answer::Done(result) => return Ok((found, result)),
                Answer::Passing => {}
                Answer::Bound(_) | Answer::Extended(_) => {
                    return Err(self.protocol("a search is answered by something else"));
                }
            }
        }
    }

    /// The next answer to a question, and its length.
    async fn answer(&mut self, id: u32) -> Result<(Answer, usize), LdapError> {
        let message = next(&mut self.socket, &mut self.received).await;
        match message.map_err(|error| error.at(&self.server))? {
            Message { id: of, answer, bytes } if of == id => Ok((answer, bytes)),
            // The notice of disconnection (§4.4.1) is an answer to nothing.
            Message { id: 0, answer: Answer::Extended(result), .. } => Err(LdapError::Unreachable {
                server: self.server.clone(),
                cause: format!("it ends the connection: {}", message::words(result)),
            }),
            _ => Err(self.protocol("an answer is one to another question")),
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), LdapError> {
        let written = async {
            self.socket.write_all(bytes).await?;
            self.socket.flush().await
        };
        written.await.map_err(|error| Broken::Io(error).at(&self.server))
    }

    fn protocol(&self, what: &str) -> LdapError {
        LdapError::Protocol { server: self.server.clone(), what: what.to_owned() }
    }

    fn refused(&self, question: &'static str, result: u32) -> LdapError {
        LdapError::Refused { server: self.server.clone(), question, result: message::words(result) }
    }
}

/// Why no message came.
enum Broken {
    Io(std::io::Error),
    Closed,
    Malformed(Malformed),
}

impl Broken {
    fn at(self, server: &str) -> LdapError {
        let server = server.to_owned();
        match self {
            Self::Io(error) => LdapError::Unreachable { server, cause: error.to_string() },
            Self::Closed => LdapError::Unreachable { server, cause: "it closed the connection".into() },
            Self::Malformed(error) => LdapError::Protocol { server, what: error.0.to_owned() },
        }
    }
}

async fn connect(
    address: &ServerAddress,
    tls: &Arc<ClientConfig>,
    server: &str,
) -> Result<TlsStream<TcpStream>, LdapError> {
    let socket = TcpStream::connect((address.host(), address.port())).await;
    let mut socket = socket.map_err(|error| Broken::Io(error).at(server))?;
    let _ = socket.set_nodelay(true);
    if address.start_tls() {
        start_tls(&mut socket, server).await?;
    }
    let untrusted = |cause: String| LdapError::Untrusted { server: server.to_owned(), cause };
    let name = ServerName::try_from(address.host().to_owned());
    let name = name.map_err(|_| untrusted("its name cannot stand in a certificate".into()))?;
    let secured = TlsConnector::from(Arc::clone(tls)).connect(name, socket).await;
    secured.map_err(|error| untrusted(error.to_string()))
}

/// Asks for TLS, and believes nothing else that comes before it.
async fn start_tls(socket: &mut TcpStream, server: &str) -> Result<(), LdapError> {
    const ID: u32 = 1;
    socket.write_all(&message::start_tls(ID)).await.map_err(|error| Broken::Io(error).at(server))?;
    let mut received = Messages::new(PLAIN_BYTES_MAX);
    let message = next(socket, &mut received).await.map_err(|error| error.at(server))?;
    match (message.id, message.answer) {
        (ID, Answer::Extended(message::SUCCESS)) if received.is_empty() => Ok(()),
        (ID, Answer::Extended(message::SUCCESS)) => {
            Err(Broken::Malformed(Malformed("it sends more than its answer before TLS")).at(server))
        }
        (_, Answer::Extended(result)) => {
            Err(LdapError::NoTls { server: server.to_owned(), result: message::words(result) })
        }
        _ => Err(Broken::Malformed(Malformed("StartTLS is answered by something else")).at(server)),
    }
}

/// The next message. What came behind it stays in `received`.
async fn next(socket: &mut (impl AsyncRead + Unpin), received: &mut Messages) -> Result<Message, Broken> {
    loop {
        if let Some(message) = received.next_message().map_err(Broken::Malformed)? {
            return Ok(message);
        }
        let mut bytes = vec![0; READ_BYTES];
        match socket.read(&mut bytes).await.map_err(Broken::Io)? {
            0 => return Err(Broken::Closed),
            count => received.push(bytes.get(..count).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests;
