//! Nodes that did not answer in time, of whose packs there are copies: these are asked first for a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use yingdun_model::StoreNumber;

/// How long nobody waits for a node that was late. Then one reader asks it again, while all others go on with the copies.
const PAUSE: Duration = Duration::from_secs(2);

/// The nodes that were late, and when each was last waited for.
#[derive(Debug, Default)]
pub(super) struct Late(Mutex<HashMap<StoreNumber, Instant>>);

impl Late {
    /// Whether who reads now asks the copies first. One of those who come after the pause does not, and is the one that finds out
    /// whether the node answers in time again.
    pub(super) fn asks_copies_first(&self, store: StoreNumber, now: Instant) -> bool {
        let mut waited = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match waited.get_mut(&store) {
            None => false,
            Some(last) if now.saturating_duration_since(*last) < PAUSE => true,
            Some(last) => {
                *last = now;
                false
            }
        }
    }

    /// It did not answer in time.
    pub(super) fn note(&self, store: StoreNumber, now: Instant) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(store, now);
    }

    /// It answered in time.
    pub(super) fn forget(&self, store: StoreNumber) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&store);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_pause_one_reader_waits_for_a_node_that_was_late_and_all_do_when_it_answered() {
        let (late, began) = (Late::default(), Instant::now());
        let (store, other) = (StoreNumber::new(1).unwrap(), StoreNumber::new(2).unwrap());
        assert!(!late.asks_copies_first(store, began));
        late.note(store, began);
        assert!(late.asks_copies_first(store, began + PAUSE / 2));
        assert!(!late.asks_copies_first(other, began + PAUSE / 2));
        let again = began + PAUSE;
        let asked = [again; 3].map(|now| late.asks_copies_first(store, now));
        assert_eq!(asked, [false, true, true], "one finds out, and nobody else waits meanwhile");
        assert!(late.asks_copies_first(store, again + PAUSE / 2));
        assert!(
            !late.asks_copies_first(store, again + PAUSE),
            "somebody else, when the first one has not come back"
        );
        late.forget(store);
        assert!(!late.asks_copies_first(store, again + PAUSE));
    }
}
