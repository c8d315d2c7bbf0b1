//! The end of an association, with its leaf: how it ended, and how much went through it.

use crate::access::Access;
use crate::ledger;
use crate::session::Session;
use yingdun_audit::complete::{ABORTED, Act, RELEASED};
use yingdun_audit::{AuditError, Counts, Event, EventKind, Outcome};

/// How an association ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssociationEnd {
    /// Whether it was released, and not aborted or lost.
    pub released: bool,
    /// Objects that it stored here.
    pub stored: u64,
    /// Objects that it sent and that were not stored.
    pub failed: u64,
    /// Objects that it was sent.
    pub sent: u64,
    /// Bytes that came.
    pub bytes: u64,
}

impl Access {
    /// Writes down that the association of a device is over.
    ///
    /// # Errors
    /// [`AuditError`]; the association is over all the same, and the next heartbeat shows that its leaf is missing.
    pub async fn association_ended(&self, device: &Session, end: AssociationEnd) -> Result<(), AuditError> {
        let (act, outcome, word) = match end.released {
            true => (Act::Release, Outcome::Succeeded, RELEASED),
            false => (Act::Abort, Outcome::Failed, ABORTED),
        };
        self.inner.tally.count(act);
        let counts =
            [("stored", end.stored), ("failed", end.failed), ("sent", end.sent), ("bytes", end.bytes)];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        let counts = counts.fold(Counts::new(), |counts, (name, count)| counts.with(name, count));
        let leaf = ledger::session_leaf(device, ledger::word(word));
        let event = Event { kind: EventKind::Association, outcome, counts, ..leaf };
        self.inner.log.append_one(event).await.map(drop)
    }
}
