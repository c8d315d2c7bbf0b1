//! The client: calls a peer, verifies the connection, sends objects, asks for them and fetches them.
//!
//! ```no_run
//! # async fn example(tls: std::sync::Arc<rustls::ClientConfig>) -> Result<(), Box<dyn std::error::Error>> {
//! use yingdun_dimse::association::Proposals;
//! use yingdun_dimse::scu::{DicomFile, Scu, Settings};
//! use yingdun_model::AeTitle;
//!
//! let mut file = DicomFile::open("slice-001.dcm".as_ref()).await?;
//! let mut proposals = Proposals::new();
//! proposals.add(file.object.sop_class.clone(), file.object.transfer_syntax.clone())?;
//! let settings = Settings::new(AeTitle::new("CT01")?).with_tls(tls);
//! let mut scu = Scu::connect(&"YINGDUN@pacs.example:2762".parse()?, &settings, &proposals).await?;
//! let answer = scu.store(&file.object, &mut file.data_set).await?;
//! assert!(answer.status.is_stored());
//! scu.release().await?;
//! # Ok(())
//! # }
//! ```

mod cause;
mod classes;
mod commitment;
mod destination;
mod diagnosis;
mod error;
mod file;
mod normalized;
mod performed;
mod report;
mod retrieve;
mod sender;
mod worklist;

pub use cause::{Bilingual, Cause, Explanation};
pub use classes::COMMON_CLASSES;
pub use destination::{Destination, DestinationError};
pub use diagnosis::{Diagnosis, Fault, Step, diagnose};
pub use error::{CertificateFault, ScuError, TlsFault};
pub use file::{DicomFile, FileError};
pub use retrieve::Retrieved;
pub use sender::Sender;

use crate::association::{
    Association, Connection, DATA_BYTES_MAX, Proposals, ProposalsError, Received, Timeouts, request,
};
use crate::message::{Command, CommandField, Operation, Status, read_command};
use crate::pdu::AbortSource;
use crate::query::Model;
use crate::scp::Object;
use crate::tls::{BUFFER_BYTES, fingerprint, read_in_long_pieces};
use crate::{IMPLICIT_LITTLE_ENDIAN, VERIFICATION};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use yingdun_model::{AeTitle, Uid};

/// How to call.
#[derive(Clone)]
pub struct Settings {
    /// The title we use for ourselves.
    pub calling: AeTitle,
    /// TLS, see [`crate::tls::client_config`]; `None` calls in plain.
    pub tls: Option<Arc<ClientConfig>>,
    /// How long each wait may be.
    pub timeouts: Timeouts,
    /// The longest P-DATA-TF body to send, in bytes, to a peer that says it reads longer ones and does not; `None` sends
    /// what it says.
    pub pdu_bytes_max: Option<u32>,
}

/// A byte stream of any kind.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// An association in which we ask and the peer answers.
pub struct Scu {
    association: Association<Box<dyn Stream>>,
    last_message_id: u16,
    reached: Option<Reached>,
    /// A report of storage commitment that came before the answer to its question.
    early_report: Option<commitment::Report>,
}

/// Who answered a call, as this machine saw it: nothing of it is the peer's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Its address and port.
    pub address: SocketAddr,
    /// Whether the connection is protected by TLS.
    pub tls: bool,
    /// SHA-256 of its certificate, which TLS has verified for the host that was called; `None` on a plain connection.
    pub certificate_sha256: Option<[u8; 32]>,
}

/// What a peer answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: Status,
    /// Its words, if it had any.
    pub comment: Option<String>,
}

impl Settings {
    /// Plain, default waits.
    #[must_use]
    pub fn new(calling: AeTitle) -> Self {
        Self { calling, tls: None, timeouts: Timeouts::default(), pdu_bytes_max: None }
    }

    /// The same over TLS.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<ClientConfig>) -> Self {
        self.tls = Some(tls);
        self
    }
}

impl Proposals {
    /// Verification only: what a C-ECHO needs.
    ///
    /// # Errors
    /// [`ProposalsError`] never, as one proposal always fits.
    pub fn verification() -> Result<Self, ProposalsError> {
        let mut proposals = Self::new();
        if let (Ok(class), Ok(syntax)) = (Uid::new(VERIFICATION), Uid::new(IMPLICIT_LITTLE_ENDIAN)) {
            proposals.add(class, syntax)?;
        }
        Ok(proposals)
    }
}

impl Scu {
    /// Calls a peer: TCP, TLS if it is set, association.
    ///
    /// # Errors
    /// [`ScuError`] says what a person can do about it.
    pub async fn connect(
        destination: &Destination,
        settings: &Settings,
        proposals: &Proposals,
    ) -> Result<Self, ScuError> {
        let (stream, reached) = open(destination, settings, |_| ()).await?;
        let scu = Self::over(stream, &destination.ae_title, settings, proposals).await?;
        Ok(Self { reached: Some(reached), ..scu })
    }

    /// Asks for an association over a byte stream that is open already.
    ///
    /// # Errors
    /// [`ScuError`] when the peer does not agree.
    pub async fn over(
        stream: Box<dyn Stream>,
        called: &AeTitle,
        settings: &Settings,
        proposals: &Proposals,
    ) -> Result<Self, ScuError> {
        let connection = Connection::new(stream, DATA_BYTES_MAX);
        let mut association =
            request(connection, settings.timeouts, settings.calling.clone(), called.clone(), proposals)
                .await?;
        association.send_at_most(settings.pdu_bytes_max);
        Ok(Self { association, last_message_id: 0, reached: None, early_report: None })
    }

    /// Who answered the call; nothing for an association over a byte stream that was open already.
    #[must_use]
    pub const fn reached(&self) -> Option<&Reached> {
        self.reached.as_ref()
    }

    /// Whether the peer agreed to take this kind of object.
    #[must_use]
    pub fn accepts(&self, sop_class: &Uid, transfer_syntax: &Uid) -> bool {
        self.context(sop_class, transfer_syntax).is_some()
    }

    /// Whether the peer agreed to be asked this.
    #[must_use]
    pub fn offers(&self, model: Model) -> bool {
        let class = model.sop_class();
        self.association.contexts().iter().any(|context| Some(&context.abstract_syntax) == class.as_ref())
    }

    /// C-ECHO: is the peer there and does it talk to us?
    ///
    /// # Errors
    /// [`ScuError`]; the association is over.
    pub async fn echo(&mut self) -> Result<Answer, ScuError> {
        let context = self
            .association
            .contexts()
            .iter()
            .find(|context| context.abstract_syntax.as_str() == VERIFICATION)
            .ok_or(ScuError::NoVerification)?;
        let (context, class) = (context.id, context.abstract_syntax.clone());
        let message_id = self.next_message_id();
        let command = Command::echo_request(message_id, &class);
        self.association.send_command(context, &command.encode()).await?;
        self.answer(Operation::Echo, message_id).await
    }

    /// C-STORE: sends one object. `data_set` is the data set alone, without preamble and file meta information,
    /// in the transfer syntax that `object` declares; it is read to its end and never held in memory.
    ///
    /// A status that is not success is an [`Answer`], not an error: the association goes on.
    ///
    /// # Errors
    /// [`ScuError::NotAccepted`] before anything is sent; the association can be used on. Any other error ends
    /// it.
    pub async fn store<R: AsyncRead + Unpin>(
        &mut self,
        object: &Object,
        data_set: &mut R,
    ) -> Result<Answer, ScuError> {
        let message_id = self.send(object, data_set, None).await?;
        self.answer(Operation::Store, message_id).await
    }

    /// Sends one object and waits for nothing. Gives the number of the message.
    async fn send<R: AsyncRead + Unpin>(
        &mut self,
        object: &Object,
        data_set: &mut R,
        originator: Option<(&AeTitle, u16)>,
    ) -> Result<u16, ScuError> {
        let context = self.context(&object.sop_class, &object.transfer_syntax).ok_or_else(|| {
            ScuError::NotAccepted {
                sop_class: object.sop_class.clone(),
                transfer_syntax: object.transfer_syntax.clone(),
            }
        })?;
        let message_id = self.next_message_id();
        let mut command = Command::store_request(message_id, &object.sop_class, &object.sop_instance);
        if let Some((title, move_id)) = originator {
            command = command.on_behalf_of(title, move_id);
        }
        self.association.send_object(context, &command.encode(), data_set).await?;
        Ok(message_id)
    }

    /// Ends the association in agreement.
    ///
    /// # Errors
    /// [`ScuError`] when the peer does not agree; everything that was answered stays answered.
    pub async fn release(self) -> Result<(), ScuError> {
        Ok(self.association.release().await?)
    }

    /// Ends the association at once, e.g. after an error.
    pub async fn abort(self) {
        self.association.abort(AbortSource::User).await;
    }

    fn context(&self, sop_class: &Uid, transfer_syntax: &Uid) -> Option<u8> {
        let contexts = self.association.contexts().iter();
        let mut fitting = contexts.filter(|context| {
            context.abstract_syntax == *sop_class && context.transfer_syntax == *transfer_syntax
        });
        fitting.next().map(|context| context.id)
    }

    fn next_message_id(&mut self) -> u16 {
        self.last_message_id = self.last_message_id.wrapping_add(1);
        self.last_message_id
    }

    async fn answer(&mut self, operation: Operation, message_id: u16) -> Result<Answer, ScuError> {
        match self.any_answer(operation, message_id).await? {
            (answered, answer) if answered == message_id => Ok(answer),
            _ => Err(ScuError::WrongResponse { message_id }),
        }
    }

    /// The next answer to an operation, of several that are outstanding; `message_id` is the one that is named when
    /// something else comes.
    async fn any_answer(&mut self, operation: Operation, message_id: u16) -> Result<(u16, Answer), ScuError> {
        let wrong = || ScuError::WrongResponse { message_id };
        let wait = self.association.timeouts().response;
        let Received::Fragment(first) = self.association.receive(wait).await? else {
            return Err(wrong());
        };
        let (_, response) = read_command(&mut self.association, first).await?;
        let fits = response.field() == CommandField::Response(operation) && !response.has_data_set();
        match (response.status(), response.message_id_responded_to()) {
            (Some(status), Some(answered)) if fits => {
                Ok((answered, Answer { status, comment: response.error_comment() }))
            }
            _ => Err(wrong()),
        }
    }
}

// === helpers ===

/// Opens the byte stream, and says which step begins.
async fn open(
    destination: &Destination,
    settings: &Settings,
    begins: impl FnMut(Step),
) -> Result<(Box<dyn Stream>, Reached), ScuError> {
    let after = settings.timeouts.handshake;
    timeout(after, stream(destination, settings.tls.clone(), begins))
        .await
        .map_err(|_| ScuError::TimedOut { destination: destination.clone(), after })?
}

async fn stream(
    destination: &Destination,
    tls: Option<Arc<ClientConfig>>,
    mut begins: impl FnMut(Step),
) -> Result<(Box<dyn Stream>, Reached), ScuError> {
    begins(Step::Resolve);
    let found = lookup_host((destination.host.as_str(), destination.port)).await;
    let addresses: Vec<_> =
        found.map_err(|source| ScuError::NotResolved { destination: destination.clone(), source })?.collect();
    begins(Step::Connect);
    let unreachable = |source: io::Error| ScuError::Unreachable { destination: destination.clone(), source };
    let stream = TcpStream::connect(addresses.as_slice()).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let address = stream.peer_addr().map_err(unreachable)?;
    let Some(config) = tls else {
        return Ok((Box::new(stream), Reached { address, tls: false, certificate_sha256: None }));
    };
    begins(Step::Tls);
    let name = ServerName::try_from(destination.host.clone())
        .map_err(|_| ScuError::HostName(destination.host.clone()))?;
    let mut stream = TlsConnector::from(config)
        .connect(name, read_in_long_pieces(stream))
        .await
        .map_err(|error| ScuError::handshake(&error))?;
    stream.get_mut().1.set_buffer_limit(Some(BUFFER_BYTES));
    let certificate_sha256 =
        stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(fingerprint);
    Ok((Box::new(stream), Reached { address, tls: true, certificate_sha256 }))
}
