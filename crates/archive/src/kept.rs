//! What an access window keeps open, within a budget of all windows together (promise I10).

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that all windows together keep: sixteen thousand plain images. A layout has up to
/// [`LAYOUT_BYTES_MAX`](crate::layout::LAYOUT_BYTES_MAX), so that two of the largest are kept.
pub(crate) const KEPT_BYTES_MAX: u64 = 128 << 20;

/// What one window keeps at most: a viewer goes through a series, and comes back to a few of its images.
const KEPT_MAX: usize = 64;

/// The unit of the budget, so that its numbers are small.
const UNIT_BYTES: u64 = 1024;

/// What anything costs beside its own bytes: a key schedule, a location, its place here.
const OVERHEAD_BYTES: u64 = 8 * UNIT_BYTES;

/// A budget of so many bytes.
pub(crate) fn budget(bytes: u64) -> Arc<Semaphore> {
    let units = usize::try_from(bytes / UNIT_BYTES).unwrap_or(usize::MAX);
    Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS)))
}

/// Things by name. What does not fit is not kept: whoever needs it opens it again.
#[derive(Debug)]
pub(crate) struct Kept<N, T> {
    budget: Arc<Semaphore>,
    things: Mutex<HashMap<N, (Arc<T>, OwnedSemaphorePermit)>>,
}

impl<N: Eq + Hash, T> Kept<N, T> {
    pub(crate) fn new(budget: Arc<Semaphore>) -> Self {
        Self { budget, things: Mutex::default() }
    }

    pub(crate) fn get(&self, name: &N) -> Option<Arc<T>> {
        self.things().get(name).map(|(thing, _)| Arc::clone(thing))
    }

    /// Keeps a thing of so many bytes, if there is room when all else that this window keeps is given up.
    pub(crate) fn keep(&self, name: N, thing: Arc<T>, bytes: u64) {
        let units = bytes.saturating_add(OVERHEAD_BYTES).div_ceil(UNIT_BYTES);
        let Ok(units) = u32::try_from(units) else { return };
        let room = || Arc::clone(&self.budget).try_acquire_many_owned(units).ok();
        let mut things = self.things();
        if things.len() >= KEPT_MAX {
            things.clear();
        }
        let share = room().or_else(|| {
            things.clear();
            room()
        });
        if let Some(share) = share {
            things.insert(name, (thing, share));
        }
    }

    fn things(&self) -> MutexGuard<'_, HashMap<N, (Arc<T>, OwnedSemaphorePermit)>> {
        // No code panics while it holds this lock; were it to, the map would still be whole.
        self.things.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THING_BYTES: u64 = 1 << 20;

    fn of_budget(things: u64) -> (Arc<Semaphore>, [Kept<u32, u32>; 2]) {
        let budget = budget(things * (THING_BYTES + OVERHEAD_BYTES));
        let windows = [Kept::new(Arc::clone(&budget)), Kept::new(Arc::clone(&budget))];
        (budget, windows)
    }

    #[test]
    fn all_windows_together_keep_no_more_than_the_budget() {
        let (budget, [one, other]) = of_budget(4);
        for name in 0..3 {
            one.keep(name, Arc::new(name), THING_BYTES);
        }
        for name in 0..9 {
            other.keep(name, Arc::new(name), THING_BYTES);
            assert_eq!(other.get(&name).as_deref(), Some(&name), "a window keeps at least its newest");
        }
        assert_eq!((0..3).filter(|name| one.get(name).is_some()).count(), 3);
        assert_eq!((0..9).filter(|name| other.get(name).is_some()).count(), 1);
        assert_eq!(budget.available_permits(), 0);
        drop(one);
        other.keep(9, Arc::new(9), THING_BYTES);
        assert!(
            other.get(&8).is_some() && other.get(&9).is_some(),
            "what a window gave back is there for others"
        );
        drop(other);
        assert_eq!(budget.available_permits() as u64 * UNIT_BYTES, 4 * (THING_BYTES + OVERHEAD_BYTES));
    }

    #[test]
    fn what_is_larger_than_the_budget_is_not_kept() {
        let (budget, [one, _]) = of_budget(1);
        one.keep(1, Arc::new(1), 2 * THING_BYTES);
        one.keep(2, Arc::new(2), u64::MAX);
        assert_eq!((one.get(&1), one.get(&2)), (None, None));
        assert_eq!(budget.available_permits() as u64 * UNIT_BYTES, THING_BYTES + OVERHEAD_BYTES);
    }

    #[test]
    fn small_things_are_kept_up_to_a_number() {
        let (_, [one, _]) = of_budget(100);
        for name in 0..200 {
            one.keep(name, Arc::new(name), 1);
        }
        assert!((0..200).filter(|name| one.get(name).is_some()).count() <= KEPT_MAX);
        assert!(one.get(&199).is_some());
    }
}
