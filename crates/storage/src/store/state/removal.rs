//! Whether a pack can be removed, and what is left of it when that was broken off.

use super::{Copy, Pack, Phase, RANDOM_BITS, State};
use crate::ReplicaState;

/// Why a pack cannot be removed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hindrance {
    /// There is no such pack.
    Unknown,
    /// It is being written, or no pack has a higher number.
    Newest,
    /// A record of it has not been applied.
    Unapplied,
    /// This replica could bring it back.
    Replica(usize),
}

impl State {
    /// Why a pack cannot be removed now; nothing when it can. A replica that is away, or whose copy waits for repair, could bring it
    /// back; and with the newest pack its number would be forgotten, and given out again.
    pub(crate) fn hindrance(&self, id: u64) -> Option<Hindrance> {
        let Some(pack) = self.packs.get(&id) else { return Some(Hindrance::Unknown) };
        let newest = self.packs.last_key_value().is_none_or(|(last, _)| *last == id);
        if newest || pack.phase != Phase::Sealed {
            return Some(Hindrance::Newest);
        }
        if self.unapplied.iter().any(|position| position.pack == id) {
            return Some(Hindrance::Unapplied);
        }
        let serves = |index: usize| {
            let state = self.replicas.get(index).map(|replica| &replica.state);
            matches!(state, Some(ReplicaState::Ready | ReplicaState::Full)) && pack.is_good_on(index)
        };
        (0..self.replicas.len()).find(|index| !serves(*index)).map(Hindrance::Replica)
    }

    /// The store has the pack no more. Gives what was known of it.
    pub(crate) fn take_out(&mut self, id: u64) -> Option<Pack> {
        self.repairs.remove_pack(id);
        self.lost.retain(|position| position.pack != id);
        self.packs.remove(&id)
    }

    /// A removal was broken off: these replicas still hold the pack, and the others get it back from them.
    pub(crate) fn put_back(&mut self, id: u64, mut pack: Pack, left_on: &[usize]) {
        for (index, copy) in pack.copies.iter_mut().enumerate() {
            *copy = if left_on.contains(&index) { Copy::Whole } else { Copy::Lacking };
        }
        self.packs.insert(id, pack);
        self.rank(id);
    }

    /// Every record that was given a place lies in a pack below this number, and every later one does not.
    pub(crate) fn end_pack(&mut self) -> u64 {
        self.close_active();
        self.next_sequence << RANDOM_BITS
    }
}
