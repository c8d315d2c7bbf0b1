//! Receiving: from the first byte of a data set to an acknowledgement that is worth something.
//!
//! ```text
//!  Incoming ── write ──► hashed, scanned, packed, held ──► more than 8 MiB, or than the budget of all objects
//!     │                                                    has room for? stream into a pack of its own
//!     │
//!   finish ──► identify ──► authorise store (window) ──► duplicate? ──► seal ──► ┬ replicas ┐
//!                                                                               └ leaf ────┴► Stored
//! ```
//!
//! What is acknowledged is durable on the write quorum with all that its catalogue row needs, and its leaf is
//! durable (promise I2). Dropping an [`Incoming`] abandons the object: nothing of it is visible.

mod commit;
mod held;
mod identify;
mod metadata;
mod share;
mod small;
mod stream;
mod unsettled;

use crate::error::{IngestError, Unavailable};
use crate::request::{Declared, Stored};
use crate::shared::Core;
use bytes::Bytes;
use held::Held;
use share::Share;
pub(crate) use share::budget;
use std::sync::Arc;
use stream::Streaming;
pub(crate) use unsettled::{UnsettledRecords, settle};
use yingdun_access::Session;
use yingdun_crypto::digest::Sha256;
use yingdun_dicom::scan::Scanner;
use yingdun_dicom::transfer_syntax::{self, Encoding};

/// Bytes of an object that are kept in memory. A CT slice has half a megabyte, a digital radiograph about 15;
/// what is larger streams to disk as it arrives.
pub(crate) const HELD_BYTES_MAX: u64 = 8 << 20;

/// Bytes that may arrive before an object says which study and instance it is. The identifying attributes stand
/// in the first groups of a data set; nothing legitimate comes near this.
pub(crate) const ANONYMOUS_BYTES_MAX: u64 = 32 << 20;

/// An object on its way in.
#[derive(Debug)]
pub struct Incoming {
    core: Arc<Core>,
    session: Session,
    declared: Declared,
    encoding: Encoding,
    scanner: Scanner,
    evidence: Sha256,
    received_bytes: u64,
    share: Share,
    body: Body,
}

/// Where the bytes of an object are while it arrives.
#[derive(Debug)]
enum Body {
    Held(Held),
    Streaming(Box<Streaming>),
    Failed,
}

impl Incoming {
    pub(crate) fn new(core: Arc<Core>, session: Session, declared: Declared) -> Self {
        let syntax = transfer_syntax::lookup(&declared.transfer_syntax);
        let scanner = Scanner::new(syntax, core.limits.data_set);
        let share = Share::new(Arc::clone(&core.held));
        Self {
            core,
            session,
            declared,
            encoding: syntax.encoding,
            scanner,
            evidence: Sha256::new(),
            received_bytes: 0,
            share,
            body: Body::Held(Held::new()),
        }
    }

    /// Takes the next bytes of the data set, without preamble and file meta information.
    ///
    /// # Errors
    /// [`IngestError`]; the object is lost to the archive then, and further calls fail. The sender may go on
    /// sending, the bytes are dropped.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), IngestError> {
        let taken = self.take(bytes).await;
        if taken.is_err() {
            self.body = Body::Failed;
            self.share.give_back();
        }
        taken
    }

    /// Declares the end of the data set and returns once it is durable.
    ///
    /// # Errors
    /// [`IngestError`]; nothing was acknowledged and nothing is visible.
    pub async fn finish(self) -> Result<Stored, IngestError> {
        let Self { core, session, declared, scanner, evidence, received_bytes, share, body, .. } = self;
        let scanned = scanner.finish().map_err(identify::unreadable)?;
        let arrived = identify::identify(&declared, scanned, evidence.finish(), received_bytes)?;
        let door = declared.door.as_str();
        // In a task of its own: a sender that goes away in the middle leaves no record that is durable and not
        // catalogued, and no leaf without its retraction.
        let commit = tokio::spawn(async move {
            let committed = match body {
                Body::Held(held) => Box::pin(small::store(&core, &session, &declared, arrived, held)).await,
                Body::Streaming(streaming) => {
                    Box::pin(streaming.finish(&core, &session, &declared, arrived)).await
                }
                Body::Failed => Err(IngestError::Invalid { reason: "the object had already failed".into() }),
            };
            drop(share);
            committed
        });
        let stored = commit
            .await
            .unwrap_or_else(|error| Err(IngestError::Unavailable(Unavailable::new("archive", error))));
        match &stored {
            Ok(_) => metrics::counter!("yingdun_instances_stored_total", "door" => door).increment(1),
            Err(_) => metrics::counter!("yingdun_instances_failed_total", "door" => door).increment(1),
        }
        metrics::counter!("yingdun_received_bytes_total", "door" => door).increment(received_bytes);
        stored
    }

    async fn take(&mut self, bytes: Bytes) -> Result<(), IngestError> {
        self.received_bytes += bytes.len() as u64;
        if self.received_bytes > self.core.limits.object_bytes_max {
            return Err(IngestError::TooLarge { limit_bytes: self.core.limits.object_bytes_max });
        }
        self.evidence.update(&bytes);
        self.scanner.feed(&bytes).map_err(identify::unreadable)?;
        match &mut self.body {
            Body::Failed => Err(IngestError::Invalid { reason: "the object had already failed".into() }),
            Body::Streaming(streaming) => streaming.write(&self.core, &self.session, bytes).await,
            Body::Held(held) => {
                held.push(bytes, &self.scanner, self.encoding);
                let covered = self.share.covers(self.received_bytes).await;
                if covered && self.received_bytes <= HELD_BYTES_MAX {
                    return Ok(());
                }
                match identify::early(&self.declared, &self.scanner) {
                    Some(index) => {
                        let held = std::mem::replace(held, Held::new());
                        let streaming = Streaming::begin(
                            &self.core,
                            (&self.session, self.declared.door.action()),
                            &self.scanner,
                            index,
                            self.encoding,
                            held,
                        )
                        .await?;
                        self.share.give_back();
                        self.body = Body::Streaming(Box::new(streaming));
                        Ok(())
                    }
                    None if self.received_bytes > ANONYMOUS_BYTES_MAX => Err(IngestError::Invalid {
                        reason: format!(
                            "no study, series and instance UID within {ANONYMOUS_BYTES_MAX} bytes"
                        ),
                    }),
                    None if covered => Ok(()),
                    // Nobody knows yet where it would stream to. Its sender tries again.
                    None => Err(IngestError::Unavailable(Unavailable::new(
                        "archive",
                        "the memory for objects that do not say yet what they are is spent",
                    ))),
                }
            }
        }
    }
}
