//! With which departments a department has to do: how many of its accesses go where. What is seldom is unusual.

use crate::key::Key;
use std::collections::HashMap;

/// Departments of which it is counted.
const DEPARTMENTS_MAX: usize = 512;
/// Accesses before anything can be called unusual.
const ENOUGH: u32 = 500;
/// What has a smaller share than one in so many is unusual.
const ONE_IN: u32 = 200;
/// When a department has so many, all its counts are halved, so that it forgets.
const HALVED_AT: u32 = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct Peers {
    of: HashMap<Key, Row>,
}

#[derive(Debug, Default)]
struct Row {
    all: u32,
    to: HashMap<Key, u32>,
}

impl Peers {
    /// Counts an access from one department to a patient of another.
    pub(super) fn count(&mut self, from: Key, to: Key) {
        if self.of.len() >= DEPARTMENTS_MAX && !self.of.contains_key(&from) {
            return;
        }
        let row = self.of.entry(from).or_default();
        if row.to.len() >= DEPARTMENTS_MAX && !row.to.contains_key(&to) {
            return;
        }
        row.all = row.all.saturating_add(1);
        let count = row.to.entry(to).or_default();
        *count = count.saturating_add(1);
        if row.all >= HALVED_AT {
            row.to.values_mut().for_each(|count| *count /= 2);
            row.all = row.to.values().sum();
        }
    }

    /// Whether the one department seldom has to do with the other.
    pub(super) fn is_unusual(&self, from: Key, to: Key) -> bool {
        let Some(row) = self.of.get(&from).filter(|row| from != to && row.all >= ENOUGH) else {
            return false;
        };
        row.to.get(&to).copied().unwrap_or(0).saturating_mul(ONE_IN) < row.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seldom_is_unusual_once_enough_is_known() {
        let mut peers = Peers::default();
        let [surgery, medicine, skin] = ["surgery", "medicine", "skin"].map(Key::of);
        for _ in 0..ENOUGH - 1 {
            peers.count(surgery, medicine);
        }
        assert!(!peers.is_unusual(surgery, skin), "too little is known");
        peers.count(surgery, skin);
        assert!(peers.is_unusual(surgery, skin) && !peers.is_unusual(surgery, medicine));
        assert!(!peers.is_unusual(surgery, surgery) && !peers.is_unusual(medicine, skin));
    }
}
