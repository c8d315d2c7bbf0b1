//! The memory in which objects are held while they arrive: one budget for the whole process (promise I10).
//!
//! An object may hold a little without asking. For more it takes shares of the budget; when there is none for a
//! moment, it goes on as a large object does, into a pack of its own. So nobody waits for long while holding what
//! others wait for, and a sender that stalls stops nobody.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that any object may hold: it must have some before it says which study it belongs to. 256 associations at
/// once hold 32 MiB of them.
const FREE_BYTES: u64 = 128 << 10;

/// One share. A CT slice takes its shares in two or three steps.
const SHARE_BYTES: u64 = 256 << 10;

/// How long an object waits for a share. Commits take some tens of milliseconds, so a burst passes; a budget that is
/// spent for longer is held by senders that are slow.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// A budget of so many bytes; at least one share.
pub(crate) fn budget(bytes: u64) -> Arc<Semaphore> {
    let shares = usize::try_from(bytes / SHARE_BYTES).unwrap_or(usize::MAX);
    Arc::new(Semaphore::new(shares.clamp(1, Semaphore::MAX_PERMITS)))
}

/// What one object has of the budget. Given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

impl Share {
    pub(super) const fn new(budget: Arc<Semaphore>) -> Self {
        Self { budget, taken: None }
    }

    /// Whether the object may hold so many bytes in all.
    pub(super) async fn covers(&mut self, bytes: u64) -> bool {
        let needed = bytes.saturating_sub(FREE_BYTES).div_ceil(SHARE_BYTES);
        let has = self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) as u64;
        let Some(missing) = needed.checked_sub(has).filter(|missing| *missing > 0) else { return true };
        let Ok(missing) = u32::try_from(missing) else { return false };
        let taking = Arc::clone(&self.budget).acquire_many_owned(missing);
        let Ok(Ok(more)) = tokio::time::timeout(WAIT_MAX, taking).await else {
            metrics::counter!("yingdun_receive_budget_spent_total").increment(1);
            return false;
        };
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        true
    }

    /// Gives everything back: the object is held no longer.
    pub(super) fn give_back(&mut self) {
        self.taken = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn objects_hold_no_more_than_the_budget_and_what_is_given_back_goes_to_the_next() {
        let budget = budget(4 * SHARE_BYTES);
        let mut objects: Vec<Share> = (0..4).map(|_| Share::new(Arc::clone(&budget))).collect();
        for object in &mut objects {
            assert!(object.covers(FREE_BYTES).await, "a little is free");
        }
        assert_eq!(budget.available_permits(), 4);
        let mut covered = 0;
        for object in &mut objects {
            covered += usize::from(object.covers(FREE_BYTES + 2 * SHARE_BYTES).await);
        }
        assert_eq!((covered, budget.available_permits()), (2, 0));
        objects[0].give_back();
        assert!(objects[3].covers(FREE_BYTES + 1).await);
        assert!(objects[3].covers(FREE_BYTES + SHARE_BYTES).await, "what is taken is not taken twice");
        assert_eq!(budget.available_permits(), 1);
        drop(objects);
        assert_eq!(budget.available_permits(), 4);
    }

    #[tokio::test]
    async fn objects_that_want_more_of_a_spent_budget_wait_for_each_other_for_a_moment_only() {
        let budget = budget(2 * SHARE_BYTES);
        let (mut one, mut other) = (Share::new(Arc::clone(&budget)), Share::new(Arc::clone(&budget)));
        assert!(one.covers(FREE_BYTES + 1).await && other.covers(FREE_BYTES + 1).await);
        let more = FREE_BYTES + SHARE_BYTES + 1;
        let (one, other) = tokio::join!(one.covers(more), other.covers(more));
        assert!(!one && !other);
    }

    #[tokio::test]
    async fn what_no_budget_can_cover_is_refused() {
        assert!(!Share::new(budget(0)).covers(u64::MAX).await);
        assert!(!Share::new(budget(SHARE_BYTES)).covers(FREE_BYTES + 2 * SHARE_BYTES).await);
    }
}
