//! Associations: the conversation between two application entities (PS3.8 §7 and §9.2).
//!
//! [`Pending`] is a request that was read and not answered yet, [`Association`] an agreed conversation. Both
//! stand on a [`Connection`], which is generic over the byte stream: TLS and plain TCP are one path, and a test
//! may use any other pair of pipes. This module knows the protocol's states, time-outs and reasons; it does not
//! know who may speak or what a message means.

mod accept;
mod connection;
mod request;

pub use accept::{Agreement, Answer, Pending};
pub use connection::Connection;
pub use request::{Proposal, Proposals, ProposalsError, request};

use crate::pdu::{
    Abort, AbortSource, AssociateRj, HEADER_BYTES, PDV_HEADER_BYTES, Pdu, PduError, PduKind, Pdv,
    UserInformation,
};
use bytes::{BufMut, BytesMut};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use yingdun_dicom::part10::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};
use yingdun_model::{AeTitle, Uid};

/// Longest P-DATA-TF body that is advertised and read, in bytes: with its header a unit is 128 KiB, exactly
/// eight full TLS records.
pub const DATA_BYTES_MAX: usize = 128 * 1024 - HEADER_BYTES;

/// Shortest P-DATA-TF body a peer may demand, in bytes: a fragment header and two bytes of data.
pub const DATA_BYTES_MIN: usize = PDV_HEADER_BYTES + 2;

/// Operations that one side lets the other have without an answer, at most. Enough to hide the sync of the disks behind
/// the objects that follow; each holds what of its object is in memory.
pub const OPERATIONS_MAX: u16 = 16;

/// How long each side may keep the other waiting. Every wait in this crate is one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP connection and TLS handshake.
    pub handshake: Duration,
    /// ARTIM (PS3.8 §9.1.5): from the transport connection to the end of A-ASSOCIATE.
    pub artim: Duration,
    /// Between two messages of an association.
    pub idle: Duration,
    /// For one unit, from its first byte to its last, in either direction. A peer that drips bytes is gone
    /// after this.
    pub unit: Duration,
    /// For the answer to a message that was sent.
    pub response: Duration,
    /// For the peer to close its side at the end.
    pub close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            artim: Duration::from_secs(30),
            // Scanners keep an association open while the next series is acquired.
            idle: Duration::from_secs(300),
            unit: Duration::from_secs(30),
            response: Duration::from_secs(120),
            close: Duration::from_secs(5),
        }
    }
}

/// A presentation context that both sides agreed upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Its number in this association.
    pub id: u8,
    /// The SOP class.
    pub abstract_syntax: Uid,
    /// The encoding of data sets.
    pub transfer_syntax: Uid,
    /// The side that asked for the association takes requests in this context (role selection, PS3.7 §D.3.3.4): what a
    /// C-GET needs.
    pub requestor_is_scp: bool,
}

/// An agreed association.
pub struct Association<S> {
    connection: Connection<S>,
    timeouts: Timeouts,
    contexts: Vec<Context>,
    calling: AeTitle,
    called: AeTitle,
    /// Longest P-DATA-TF body that is sent, in bytes.
    send_bytes_max: usize,
    /// Operations that the requestor may have without an answer, 1 unless more was agreed upon.
    window: u16,
    /// Operations that the acceptor may have without an answer, likewise; known on its side only.
    window_of_acceptor: u16,
    /// Fragments of the last unit that were not handed out yet.
    fragments: std::vec::IntoIter<Pdv>,
}

/// What an agreed association brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A fragment of a message.
    Fragment(Pdv),
    /// The peer wants to release; answer with [`Association::confirm_release`].
    Release,
}

/// Why an association could not be made or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum AssociationError {
    /// The operating system or TLS reports an error.
    #[error("connection failed: {0}")]
    Io(#[from] std::io::Error),
    /// The peer closed the connection where the protocol does not allow it.
    #[error("the peer closed the connection {0}")]
    Closed(&'static str),
    /// The peer kept us waiting.
    #[error("expected {what} within {} s, none came", .after.as_secs_f32())]
    TimedOut {
        /// What was awaited.
        what: &'static str,
        /// For how long.
        after: Duration,
    },
    /// What came is not a legal unit.
    #[error("illegal PDU: {0}")]
    Pdu(#[from] PduError),
    /// A legal unit at the wrong time.
    #[error("expected {expected}, got a PDU of type {came:?}")]
    Unexpected {
        /// What may come now.
        expected: &'static str,
        /// What came.
        came: PduKind,
    },
    /// The peer refused the association.
    #[error("association rejected: {}{}", .0.reason, if .0.transient { " (try again later)" } else { "" })]
    Rejected(AssociateRj),
    /// The peer ended the association.
    #[error("association aborted by the peer: {0}")]
    Aborted(AbortSource),
    /// A fragment in a context that was not agreed, or the peer accepted what was not proposed.
    #[error("presentation context {0} was not agreed upon")]
    UnknownContext(u8),
    /// The peer's limit for P-DATA-TF leaves no room for data.
    #[error("the peer reads PDUs of at most {0} bytes, which leaves no room for data")]
    PeerLimit(u32),
    /// The data to send could not be read.
    #[error("the data to send could not be read: {0}")]
    Source(#[source] std::io::Error),
}

impl AssociationError {
    /// What to tell the peer in an A-ABORT; `None` when nobody is there to be told.
    #[must_use]
    pub const fn abort_source(&self) -> Option<AbortSource> {
        match self {
            Self::Io(_) | Self::Closed(_) | Self::Aborted(_) | Self::Rejected(_) => None,
            Self::TimedOut { .. } => Some(AbortSource::Unspecified),
            Self::Pdu(PduError::UnknownKind(_)) => Some(AbortSource::UnrecognisedPdu),
            Self::Pdu(_) | Self::UnknownContext(_) | Self::PeerLimit(_) => {
                Some(AbortSource::InvalidParameter)
            }
            Self::Unexpected { .. } => Some(AbortSource::UnexpectedPdu),
            Self::Source(_) => Some(AbortSource::User),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Association<S> {
    /// The contexts that both sides agreed upon.
    #[must_use]
    pub fn contexts(&self) -> &[Context] {
        &self.contexts
    }

    /// The context with this number.
    ///
    /// # Errors
    /// [`AssociationError::UnknownContext`] when it was not agreed upon.
    pub fn context(&self, id: u8) -> Result<&Context, AssociationError> {
        self.contexts.iter().find(|context| context.id == id).ok_or(AssociationError::UnknownContext(id))
    }

    /// The title of the side that asked for the association.
    #[must_use]
    pub const fn calling(&self) -> &AeTitle {
        &self.calling
    }

    /// The title of the side that was asked.
    #[must_use]
    pub const fn called(&self) -> &AeTitle {
        &self.called
    }

    /// How many operations the side that asked for the association may have without an answer (PS3.7 §D.3.3.3).
    #[must_use]
    pub const fn window(&self) -> u16 {
        self.window
    }

    /// How many operations the side that was asked for the association may have without an answer (PS3.7 §D.3.3.3); 1 where
    /// this is the side that asked.
    #[must_use]
    pub const fn window_of_acceptor(&self) -> u16 {
        self.window_of_acceptor
    }

    /// The waits of this association.
    #[must_use]
    pub const fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// Sends no P-DATA-TF body of more than so many bytes from now on, whatever the peer says it reads.
    pub fn send_at_most(&mut self, bytes: Option<u32>) {
        if let Some(bytes) = bytes.and_then(|bytes| usize::try_from(bytes).ok()) {
            self.send_bytes_max = self.send_bytes_max.min(bytes.max(DATA_BYTES_MIN) & !1);
        }
    }

    /// The next fragment, or the peer's wish to release. `wait` is the time until the first byte of the next
    /// unit. May be cancelled and called again without losing anything.
    ///
    /// # Errors
    /// [`AssociationError`]; the association is over, call [`Self::abort`] with what
    /// [`AssociationError::abort_source`] says.
    pub async fn receive(&mut self, wait: Duration) -> Result<Received, AssociationError> {
        loop {
            if let Some(fragment) = self.fragments.next() {
                return Ok(Received::Fragment(fragment));
            }
            match self.connection.read(wait, self.timeouts.unit).await? {
                Pdu::Data(values) => self.fragments = values.into_iter(),
                Pdu::ReleaseRq => return Ok(Received::Release),
                Pdu::Abort(abort) => return Err(AssociationError::Aborted(abort.source)),
                other
                @ (Pdu::AssociateRq(_) | Pdu::AssociateAc(_) | Pdu::AssociateRj(_) | Pdu::ReleaseRp) => {
                    return Err(AssociationError::Unexpected {
                        expected: "data or the end of the association",
                        came: other.kind(),
                    });
                }
            }
        }
    }

    /// Sends a whole command set, cut into fragments as the peer demands.
    ///
    /// # Errors
    /// [`AssociationError`] when the connection fails or the peer does not read.
    pub async fn send_command(&mut self, context_id: u8, command: &[u8]) -> Result<(), AssociationError> {
        let mut batch = Batch::new(context_id, self.fragment_bytes_max());
        batch.put(command, true);
        self.connection.write_raw(&batch.units, self.timeouts.unit).await
    }

    /// Sends a command set with a data set that is in memory, both in one go.
    ///
    /// # Errors
    /// As [`Self::send_command`].
    pub async fn send_message(
        &mut self,
        context_id: u8,
        command: &[u8],
        data_set: &[u8],
    ) -> Result<(), AssociationError> {
        let mut batch = Batch::new(context_id, self.fragment_bytes_max());
        batch.put(command, true);
        batch.put(data_set, false);
        self.connection.write_raw(&batch.units, self.timeouts.unit).await
    }

    /// Sends a command set and a data set from `source` to its end, in fragments as long as the peer allows. Several
    /// fragments are written at once where they are short, so that a peer that takes little at a time costs no system
    /// call for each; at most `BATCH_BYTES` twice are in memory. Returns the bytes of data sent.
    ///
    /// # Errors
    /// [`AssociationError::Source`] when `source` fails: the message is incomplete then, and the association
    /// must be aborted. Otherwise as [`Self::send_command`].
    pub async fn send_object<R: AsyncRead + Unpin>(
        &mut self,
        context_id: u8,
        command: &[u8],
        source: &mut R,
    ) -> Result<u64, AssociationError> {
        let mut batch = Batch::new(context_id, self.fragment_bytes_max());
        let mut next = Batch::new(context_id, self.fragment_bytes_max());
        batch.put(command, true);
        let mut sent = batch.fill(source).await?;
        if sent == 0 {
            let begin = batch.start_unit();
            batch.finish_unit(begin, false, false);
        }
        loop {
            // Only what follows tells whether the last fragment of this batch is the last of all.
            let following = next.fill(source).await?;
            if following == 0 {
                batch.end_message();
            }
            self.connection.write_raw(&batch.units, self.timeouts.unit).await?;
            if following == 0 {
                return Ok(sent);
            }
            sent += following;
            std::mem::swap(&mut batch, &mut next);
            next.clear();
        }
    }

    /// What has come already, without waiting for it; `None` when nothing has. For looking between two messages of our
    /// own whether the peer has something to say.
    ///
    /// # Errors
    /// As [`Self::receive`].
    pub async fn received_already(&mut self) -> Result<Option<Received>, AssociationError> {
        let wait = self.timeouts.unit;
        tokio::select! {
            biased;
            received = self.receive(wait) => received.map(Some),
            () = std::future::ready(()) => Ok(None),
        }
    }

    /// Ends the association in agreement: the requestor's side. A peer that asks for release at the same moment
    /// is answered first (release collision, PS3.8 §9.2.3 states Sta9 and Sta11).
    ///
    /// # Errors
    /// [`AssociationError`] when the peer does not agree in time.
    pub async fn release(mut self) -> Result<(), AssociationError> {
        self.connection.write(&Pdu::ReleaseRq, self.timeouts.unit).await?;
        loop {
            match self.connection.read(self.timeouts.response, self.timeouts.unit).await? {
                Pdu::ReleaseRp => break,
                Pdu::ReleaseRq => self.connection.write(&Pdu::ReleaseRp, self.timeouts.unit).await?,
                // Fragments that were under way when we asked.
                Pdu::Data(_) => {}
                Pdu::Abort(abort) => return Err(AssociationError::Aborted(abort.source)),
                other @ (Pdu::AssociateRq(_) | Pdu::AssociateAc(_) | Pdu::AssociateRj(_)) => {
                    return Err(AssociationError::Unexpected {
                        expected: "the answer to a release",
                        came: other.kind(),
                    });
                }
            }
        }
        self.connection.close(self.timeouts.close).await;
        Ok(())
    }

    /// Agrees to a release that the peer asked for, and waits until the peer closes.
    ///
    /// # Errors
    /// [`AssociationError`] when the answer cannot be sent.
    pub async fn confirm_release(mut self) -> Result<(), AssociationError> {
        self.connection.write(&Pdu::ReleaseRp, self.timeouts.unit).await?;
        self.connection.linger(self.timeouts.close).await;
        Ok(())
    }

    /// Ends the association at once. Errors are of no interest any more.
    pub async fn abort(mut self, source: AbortSource) {
        self.connection.abort(source, self.timeouts.close).await;
    }

    const fn fragment_bytes_max(&self) -> usize {
        self.send_bytes_max - PDV_HEADER_BYTES
    }
}

// === helpers ===

/// The longest P-DATA-TF body to send to a peer that advertised `max_length`. No limit (0, or no item) and
/// limits beyond our own are clamped: nothing is won by longer units, and memory would follow the peer's wish.
fn send_bytes_max(user: &UserInformation) -> Result<usize, AssociationError> {
    match user.max_length {
        None | Some(0) => Ok(DATA_BYTES_MAX),
        Some(length) => match usize::try_from(length).unwrap_or(usize::MAX) {
            too_short if too_short < DATA_BYTES_MIN => Err(AssociationError::PeerLimit(length)),
            // Fragments have even lengths, so an odd limit is rounded down (PS3.8 annex D.1).
            limit => Ok(limit.min(DATA_BYTES_MAX) & !1),
        },
    }
}

/// What this side says about itself.
fn own_user_information() -> UserInformation {
    UserInformation {
        max_length: u32::try_from(DATA_BYTES_MAX).ok(),
        implementation_class: Uid::new(IMPLEMENTATION_CLASS_UID).ok(),
        implementation_version: Some(IMPLEMENTATION_VERSION_NAME.to_owned()),
        ..UserInformation::default()
    }
}

const UNIT_HEAD_BYTES: usize = HEADER_BYTES + PDV_HEADER_BYTES;

/// Bytes of units that are written at once: two of the longest. More would only let the peer wait for the first.
const BATCH_BYTES: usize = 2 * (DATA_BYTES_MAX + HEADER_BYTES);

/// The bit of a fragment's control byte that says that it is the last (PS3.8 annex E.2).
const LAST: u8 = 0b10;

/// P-DATA-TF units of one message, each with one fragment.
struct Batch {
    units: BytesMut,
    context_id: u8,
    fragment_max: usize,
    /// Where the last unit begins.
    last_at: usize,
}

impl Batch {
    fn new(context_id: u8, fragment_max: usize) -> Self {
        Self { units: BytesMut::new(), context_id, fragment_max, last_at: 0 }
    }

    fn clear(&mut self) {
        self.units.clear();
    }

    /// Adds all of a command or data set that is in memory.
    fn put(&mut self, bytes: &[u8], is_command: bool) {
        self.units.reserve(bytes.len() + UNIT_HEAD_BYTES * (bytes.len() / self.fragment_max + 1));
        let mut fragments = bytes.chunks(self.fragment_max).peekable();
        while let Some(fragment) = fragments.next() {
            let begin = self.start_unit();
            self.units.put_slice(fragment);
            self.finish_unit(begin, is_command, fragments.peek().is_none());
        }
    }

    /// Adds fragments from `source` until the batch is full or `source` ends. Returns the bytes of data.
    async fn fill<R: AsyncRead + Unpin>(&mut self, source: &mut R) -> Result<u64, AssociationError> {
        let batch_at = self.units.len();
        self.units.reserve(BATCH_BYTES);
        let mut filled = 0;
        while filled == 0 || self.units.len() - batch_at + UNIT_HEAD_BYTES + self.fragment_max <= BATCH_BYTES
        {
            let begin = self.start_unit();
            let mut left = self.fragment_max;
            while left > 0 {
                let mut room = (&mut self.units).limit(left);
                match source.read_buf(&mut room).await.map_err(AssociationError::Source)? {
                    0 => break,
                    read => left -= read,
                }
            }
            if left == self.fragment_max {
                self.units.truncate(begin);
                break;
            }
            self.finish_unit(begin, false, false);
            filled += self.fragment_max - left;
            if left > 0 {
                break;
            }
        }
        Ok(filled as u64)
    }

    /// Starts a unit and says where; its head is written by [`Self::finish_unit`], when the length is known.
    fn start_unit(&mut self) -> usize {
        let begin = self.units.len();
        self.units.put_bytes(0, UNIT_HEAD_BYTES);
        begin
    }

    /// Writes the head of the unit that begins there and ends the batch. Lengths fit: a unit is never longer than
    /// [`DATA_BYTES_MAX`].
    fn finish_unit(&mut self, begin: usize, is_command: bool, is_last: bool) {
        let body = (self.units.len() - begin - HEADER_BYTES) as u32;
        let [l0, l1, l2, l3] = body.to_be_bytes();
        let [p0, p1, p2, p3] = (body - 4).to_be_bytes();
        let control = u8::from(is_command) | if is_last { LAST } else { 0 };
        let head = [PduKind::Data.byte(), 0, l0, l1, l2, l3, p0, p1, p2, p3, self.context_id, control];
        if let Some(slot) = self.units.get_mut(begin..begin + UNIT_HEAD_BYTES) {
            slot.copy_from_slice(&head);
        }
        self.last_at = begin;
    }

    /// The last unit ends its data set.
    fn end_message(&mut self) {
        if let Some(control) = self.units.get_mut(self.last_at + UNIT_HEAD_BYTES - 1) {
            *control |= LAST;
        }
    }
}

/// The abort unit for a reason.
const fn abort_unit(source: AbortSource) -> Pdu {
    Pdu::Abort(Abort { source })
}

#[cfg(test)]
mod tests;
