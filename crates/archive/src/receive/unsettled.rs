//! Records that are durable and were not acknowledged, because the audit log had no room for the leaf that says that they are stored.
//!
//! Their senders were told so and send again. But the record is there, and the watermark stands before it: nothing behind it could be
//! passed over at the next start. So its leaf is written as soon as the log has room, and its row follows. Where another record of the
//! same version was acknowledged meanwhile, that one counts, as in a replay. What still waits when the program ends is replayed.

use crate::background::Turns;
use crate::error::Unavailable;
use crate::rows::{Latest, Row};
use crate::shared::Core;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use yingdun_audit::{AuditError, Event};
use yingdun_model::Timestamp;
use yingdun_storage::StoreLocation;

/// Records that wait at most, of about three kilobytes each. A log without room takes nothing, so no more than what was under way comes at
/// once; further ones wait for the next start.
const WAITING_MAX: usize = 4096;

/// How often is looked whether the log has room.
const LOOK: Duration = Duration::from_secs(1);

/// A durable record without its leaf.
#[derive(Debug)]
pub(super) struct Unsettled {
    pub(super) leaf: Event,
    pub(super) row: Row,
    pub(super) location: StoreLocation,
    pub(super) key_made: Timestamp,
}

/// All of them, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct UnsettledRecords(Mutex<VecDeque<Unsettled>>);

impl UnsettledRecords {
    /// Remembers a record until the log has room.
    pub(super) fn put_off(&self, record: Unsettled) {
        let mut waiting = self.waiting();
        if waiting.len() < WAITING_MAX {
            waiting.push_back(record);
        } else {
            tracing::warn!("a durable record waits for the next start to be catalogued");
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Unsettled>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the leaves that had no room, and hands the rows on.
pub(crate) async fn settle(turns: Turns<Core>) {
    while let Some(core) = turns.next() {
        while let Some(record) = { core.unsettled.waiting().pop_front() } {
            match settle_one(&core, &record).await {
                Ok(()) => {}
                Err(NotSettled::NoRoom) => {
                    core.unsettled.waiting().push_front(record);
                    break;
                }
                Err(NotSettled::NotKnown(error)) => {
                    tracing::debug!(%error, "a durable record waits for what the catalogue has of its instance");
                    // It may be this one alone whose older row says nothing, so the others are next.
                    core.unsettled.waiting().push_back(record);
                    break;
                }
                Err(NotSettled::Here(error)) => {
                    tracing::error!(%error, "a durable record waits for the next start to be catalogued");
                }
            }
        }
        drop(core);
        turns.pause(LOOK).await;
    }
}

// === helpers ===

enum NotSettled {
    /// The log has no room, for this one or any other.
    NoRoom,
    /// What the catalogue has of the instance cannot be told.
    NotKnown(Unavailable),
    /// The log takes nothing more before a start.
    Here(AuditError),
}

impl From<Unavailable> for NotSettled {
    fn from(error: Unavailable) -> Self {
        Self::NotKnown(error)
    }
}

async fn settle_one(core: &Core, record: &Unsettled) -> Result<(), NotSettled> {
    let Unsettled { leaf, row, location, key_made } = record;
    let instance = &row.instance;
    let _turn = core.catalogue.turn(instance.reference).await;
    let latest = core.catalogue.latest(&instance.institution, instance.reference, *key_made).await?;
    // Its sender sent it again, and that was acknowledged.
    let is_over = |latest: Latest| {
        latest.version == instance.version
            && latest.location.location.position() > location.location.position()
    };
    if latest.is_some_and(is_over) {
        core.store.mark_applied(&location.location);
        return Ok(());
    }
    match core.audit.append_one(leaf.clone()).await {
        Ok(_) => {}
        Err(AuditError::OutOfSpace { .. } | AuditError::NotNow { .. }) => return Err(NotSettled::NoRoom),
        Err(error) => return Err(NotSettled::Here(error)),
    }
    if core.catalogue.submit(row.clone(), *location, *key_made).await {
        // Nobody counts versions on what is about to come.
        let _ = core.catalogue.caught_up().await;
    } else {
        super::commit::retract(core, leaf.clone()).await;
        core.store.mark_applied(&location.location);
    }
    Ok(())
}
