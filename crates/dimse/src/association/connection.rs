//! One connection to a peer: whole units in, whole units out, every wait bounded.
//!
//! Reading never copies a byte after it left TLS: a unit is cut off the receive buffer and its fragments share
//! that memory. When the receiver has let go of them, the buffer is used again.

use super::{AssociationError, abort_unit};
use crate::pdu::{AbortSource, HEADER_BYTES, Pdu, PduError, PduKind, decode, encode};
use bytes::BytesMut;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Room for reading beyond the unit at hand, in bytes: one TLS record.
const READ_AHEAD_BYTES: usize = 16 * 1024;

/// Smallest piece of memory that is reserved for reading, in bytes. Whoever keeps a fragment keeps the piece it
/// lies in; pieces that hold several short units leave little of themselves unused.
const RESERVE_BYTES_MIN: usize = 64 * 1024;

/// Bytes that are read and thrown away while a peer is given time to close, at most.
const LINGER_BYTES_MAX: usize = 1024 * 1024;

/// A byte stream to a peer, seen as protocol data units.
pub struct Connection<S> {
    io: S,
    inbox: BytesMut,
    outbox: BytesMut,
    data_bytes_max: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Takes over a byte stream. P-DATA-TF bodies longer than `data_bytes_max` are refused.
    pub fn new(io: S, data_bytes_max: usize) -> Self {
        Self { io, inbox: BytesMut::new(), outbox: BytesMut::new(), data_bytes_max }
    }

    /// The byte stream.
    pub const fn io(&self) -> &S {
        &self.io
    }

    /// Reads one unit: its first byte within `wait`, the rest within `complete`. The length is checked before
    /// anything is reserved for it. May be cancelled and called again without losing anything.
    ///
    /// # Errors
    /// [`AssociationError`] for time-outs, closed connections and illegal units.
    pub async fn read(&mut self, wait: Duration, complete: Duration) -> Result<Pdu, AssociationError> {
        if self.inbox.is_empty() {
            timeout(wait, self.fill(1, "between two PDUs"))
                .await
                .map_err(|_| AssociationError::TimedOut { what: "a PDU", after: wait })??;
        }
        timeout(complete, self.read_started())
            .await
            .map_err(|_| AssociationError::TimedOut { what: "the rest of a PDU", after: complete })?
    }

    /// Writes one unit.
    ///
    /// # Errors
    /// [`AssociationError`] when the unit cannot be written, or not within `complete`.
    pub async fn write(&mut self, pdu: &Pdu, complete: Duration) -> Result<(), AssociationError> {
        let mut outbox = std::mem::take(&mut self.outbox);
        outbox.clear();
        encode(pdu, &mut outbox)?;
        let result = self.write_raw(&outbox, complete).await;
        self.outbox = outbox;
        result
    }

    /// Writes the bytes of a unit and flushes: TLS holds bytes back until it is asked.
    pub(super) async fn write_raw(
        &mut self,
        unit: &[u8],
        complete: Duration,
    ) -> Result<(), AssociationError> {
        let write = async {
            self.io.write_all(unit).await?;
            self.io.flush().await
        };
        match timeout(complete, write).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(AssociationError::TimedOut { what: "the peer to read", after: complete }),
        }
    }

    /// Says goodbye with an A-ABORT, if the peer still listens.
    pub async fn abort(&mut self, source: AbortSource, within: Duration) {
        if self.write(&abort_unit(source), within).await.is_ok() {
            self.linger(within).await;
        }
    }

    /// Closes our side without waiting for the peer's.
    pub(super) async fn close(&mut self, within: Duration) {
        // The association is over: a failure to say so changes nothing.
        let _ = timeout(within, self.io.shutdown()).await;
    }

    /// Gives the peer time to read the last unit and to close; closing first could destroy that unit on its way.
    pub(super) async fn linger(&mut self, within: Duration) {
        let drain = async {
            let mut left = LINGER_BYTES_MAX;
            loop {
                self.inbox.clear();
                self.inbox.reserve(READ_AHEAD_BYTES);
                match self.io.read_buf(&mut self.inbox).await {
                    Ok(read) if read > 0 && read < left => left -= read,
                    Ok(_) | Err(_) => break,
                }
            }
        };
        let _ = timeout(within, drain).await;
        self.close(within).await;
    }

    async fn read_started(&mut self) -> Result<Pdu, AssociationError> {
        self.fill(HEADER_BYTES, "inside a PDU header").await?;
        let (kind, body_bytes) = self.header()?;
        self.fill(HEADER_BYTES + body_bytes, "inside a PDU").await?;
        let mut unit = self.inbox.split_to(HEADER_BYTES + body_bytes);
        Ok(decode(kind, unit.split_off(HEADER_BYTES).freeze())?)
    }

    fn header(&self) -> Result<(PduKind, usize), PduError> {
        let Some(&[kind, _, l0, l1, l2, l3]) = self.inbox.first_chunk::<HEADER_BYTES>() else {
            return Err(PduError::Missing("a PDU header"));
        };
        let kind = PduKind::from_byte(kind)?;
        let claimed = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
        let max = kind.body_bytes_max(self.data_bytes_max);
        if claimed > max { Err(PduError::TooLong { claimed, max }) } else { Ok((kind, claimed)) }
    }

    /// Reads until the inbox holds `needed` bytes.
    async fn fill(&mut self, needed: usize, place: &'static str) -> Result<(), AssociationError> {
        while self.inbox.len() < needed {
            if self.inbox.capacity() < needed || self.inbox.capacity() == self.inbox.len() {
                let wanted = needed - self.inbox.len() + READ_AHEAD_BYTES;
                self.inbox.reserve(wanted.max(RESERVE_BYTES_MIN));
            }
            if self.io.read_buf(&mut self.inbox).await? == 0 {
                return Err(AssociationError::Closed(place));
            }
        }
        Ok(())
    }
}
