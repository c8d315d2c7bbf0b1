//! What is known to be wrong and has to be written anew, also of packs from before the start.

use super::{Copy, Pack, Phase, State};
use crate::{Location, PackPosition, ReplicaState};
use std::collections::BTreeSet;

impl State {
    /// A copy is known to be missing or of the wrong length.
    pub(crate) fn lacking(&mut self, id: u64, index: usize) -> bool {
        let Some(pack) = self.packs.get_mut(&id) else { return false };
        match pack.copies.get_mut(index) {
            Some(copy) if *copy == Copy::Whole => {
                *copy = Copy::Lacking;
                self.repairs.insert((id, index));
                true
            }
            Some(_) | None => false,
        }
    }

    /// Quarantines a record on a replica; false when that changes nothing.
    pub(crate) fn quarantine(&mut self, location: &Location, index: usize) -> bool {
        let range = location.offset..location.end();
        if self.lost.contains(&location.position()) {
            return false;
        }
        let Some(pack) = self.packs.get_mut(&location.pack) else { return false };
        let unknown = range.end > pack.end || pack.durable_on(index) < range.end;
        if unknown || pack.bad.contains(&(index, range.clone())) {
            return false;
        }
        pack.bad.push((index, range));
        if pack.phase == Phase::Sealed {
            self.repairs.insert((location.pack, index));
        } else if self.active == Some(location.pack) {
            // A pack is repaired by replacing it, so it must be sealed first.
            self.close_active();
        }
        true
    }

    /// The next pack to write anew on a replica that can take it, apart from those that were tried just now.
    pub(crate) fn next_repair(&self, tried: &BTreeSet<(u64, usize)>) -> Option<(u64, usize)> {
        let can = |work: &&(u64, usize)| {
            let (pack, index) = work;
            !tried.contains(*work)
                && self.replicas.get(*index).is_some_and(|replica| replica.state == ReplicaState::Ready)
                && self.packs.get(pack).is_some_and(|pack| pack.phase == Phase::Sealed)
        };
        self.repairs.iter().find(can).copied()
    }

    /// A damaged copy is the only one: it stays as it is, and in quarantine.
    pub(crate) fn nothing_to_repair_from(&mut self, id: u64, index: usize) {
        self.repairs.remove(&(id, index));
    }

    /// Whether a pack has to be judged: it was not begun since the start, and it is new or undecided.
    pub(crate) fn is_undecided(&self, id: u64) -> bool {
        let known = self.packs.get(&id).is_none_or(|pack| pack.phase == Phase::Unfinished);
        known && !self.numbered.contains(&id)
    }

    /// Whether replicas may hold more of a pack than is known.
    pub(crate) fn is_from_before(&self, id: u64) -> bool {
        !self.numbered.contains(&id)
    }

    /// Keeps the replay position where it was stored last: replicas that are away may hold records that nobody
    /// could scan at this start.
    pub(crate) fn hold_replay(&mut self) {
        self.unapplied.insert(PackPosition::START);
    }

    /// Takes up what was judged of a pack from before the start.
    pub(crate) fn judged(&mut self, id: u64, pack: Option<Pack>) {
        self.repairs.retain(|(of, _)| *of != id);
        let Some(pack) = pack else {
            self.packs.remove(&id);
            return;
        };
        self.number_from(id);
        self.hold_replay();
        if pack.phase == Phase::Sealed {
            let lacking = pack.copies.iter().enumerate().filter(|(_, copy)| **copy == Copy::Lacking);
            self.repairs.extend(lacking.map(|(index, _)| (id, index)));
        }
        self.packs.insert(id, pack);
    }

    /// A sealed pack turned out to be longer on a replica: every shorter copy is written anew.
    pub(crate) fn extended(&mut self, id: u64, end: u64) {
        self.hold_replay();
        let Some(pack) = self.packs.get_mut(&id) else { return };
        (pack.end, pack.assigned) = (end, end);
        for (index, copy) in pack.copies.iter_mut().enumerate() {
            *copy = Copy::Lacking;
            self.repairs.insert((id, index));
        }
    }

    /// Whether a replica holds everything that it should: only then it may say so by carrying the identity.
    pub(crate) fn is_complete_on(&self, index: usize) -> bool {
        self.packs.values().all(|pack| pack.is_settled_on(index))
    }

    /// A copy was written anew and is whole.
    pub(crate) fn repaired(&mut self, id: u64, index: usize) {
        self.repairs.remove(&(id, index));
        if let Some(pack) = self.packs.get_mut(&id) {
            pack.bad.retain(|(of, _)| *of != index);
            if let Some(copy) = pack.copies.get_mut(index) {
                *copy = Copy::Whole;
            }
        }
        if let Some(replica) = self.replicas.get_mut(index) {
            replica.repaired += 1;
        }
    }
}
