//! What is known to be wrong and has to be written anew, also of packs from before the start.

use super::{Copy, Pack, Phase, State};
use crate::{Location, PackPosition, ReplicaState};
use std::collections::BTreeSet;

/// Untrusted ranges of one copy before the whole copy counts as lacking: beyond that the copy as such is wrong, and a
/// list of its faults would help nobody.
const BAD_PER_COPY_MAX: usize = 64;

/// What the digests of the sound copies of a pack say about each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// All that are known are the same.
    Same,
    /// These replicas hold something else than most.
    Minority(Vec<usize>),
    /// There is no most.
    Tie,
}

impl State {
    /// A copy is known to be missing or of the wrong length.
    pub(crate) fn lacking(&mut self, id: u64, index: usize) -> bool {
        let Some(pack) = self.packs.get_mut(&id) else { return false };
        match pack.copies.get_mut(index) {
            Some(copy) if *copy == Copy::Whole => {
                *copy = Copy::Lacking;
                pack.digests.remove(&index);
                self.rank(id);
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
        pack.digests.remove(&index);
        if pack.phase == Phase::Sealed {
            let faults = pack.bad.iter().filter(|(of, _)| *of == index).count();
            if let Some(copy) = pack.copies.get_mut(index).filter(|_| faults > BAD_PER_COPY_MAX) {
                *copy = Copy::Lacking;
                pack.bad.retain(|(of, _)| *of != index);
            }
            self.rank(location.pack);
        } else if self.active == Some(location.pack) {
            // A pack is repaired by replacing it, so it must be sealed first.
            self.close_active();
        }
        true
    }

    /// The next pack to write anew on a replica that can take it, apart from those that were tried just now.
    pub(crate) fn next_repair(&self, tried: &BTreeSet<(u64, usize)>) -> Option<(u64, usize)> {
        let can = |work: &(u64, usize)| {
            let (pack, index) = work;
            !tried.contains(work)
                && self.replicas.get(*index).is_some_and(|replica| replica.state == ReplicaState::Ready)
                && self.packs.get(pack).is_some_and(|pack| pack.phase == Phase::Sealed)
        };
        self.repairs.iter().find(can)
    }

    /// A damaged copy is the only one: it stays as it is, and in quarantine.
    pub(crate) fn nothing_to_repair_from(&mut self, id: u64, index: usize) {
        self.repairs.remove(id, index);
    }

    /// Queues the copies of a pack that have to be written anew, by how many good copies its weakest record has.
    pub(crate) fn rank(&mut self, id: u64) {
        let Some(pack) = self.packs.get(&id).filter(|pack| pack.phase == Phase::Sealed) else {
            self.repairs.remove_pack(id);
            return;
        };
        let wanted = (0..pack.copies.len()).filter(|replica| pack.needs_repair(*replica));
        self.repairs.replace(id, pack.fewest_good_copies(), wanted);
    }

    /// Every byte of a copy was read and is sound by itself: how its digest stands to those of the other copies.
    pub(crate) fn compare(&mut self, id: u64, index: usize, digest: [u8; 32]) -> Agreement {
        let Some(pack) = self.packs.get_mut(&id) else { return Agreement::Same };
        pack.digests.insert(index, digest);
        let count = |of: &[u8; 32]| pack.digests.values().filter(|other| *other == of).count();
        let most = pack.digests.values().map(count).max().unwrap_or(0);
        let leaders: BTreeSet<&[u8; 32]> = pack.digests.values().filter(|of| count(of) == most).collect();
        if most == pack.digests.len() {
            return Agreement::Same;
        }
        if leaders.len() > 1 {
            return Agreement::Tie;
        }
        let differs = |(_, of): &(&usize, &[u8; 32])| !leaders.contains(of);
        Agreement::Minority(pack.digests.iter().filter(differs).map(|(replica, _)| *replica).collect())
    }

    /// A record that nobody had is whole again somewhere.
    pub(crate) fn found_again(&mut self, position: PackPosition) {
        self.lost.remove(&position);
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
        self.repairs.remove_pack(id);
        let Some(pack) = pack else {
            self.packs.remove(&id);
            return;
        };
        self.number_from(id);
        self.hold_replay();
        self.packs.insert(id, pack);
        self.rank(id);
    }

    /// A sealed pack turned out to be longer on a replica: every shorter copy is written anew.
    pub(crate) fn extended(&mut self, id: u64, end: u64) {
        self.hold_replay();
        let Some(pack) = self.packs.get_mut(&id) else { return };
        (pack.end, pack.assigned) = (end, end);
        pack.copies.iter_mut().for_each(|copy| *copy = Copy::Lacking);
        pack.digests.clear();
        self.rank(id);
    }

    /// Whether a replica holds everything that it should: only then it may say so by carrying the identity.
    pub(crate) fn is_complete_on(&self, index: usize) -> bool {
        self.packs.values().all(|pack| pack.is_settled_on(index))
    }

    /// A copy was written anew and is whole.
    pub(crate) fn repaired(&mut self, id: u64, index: usize) {
        if let Some(pack) = self.packs.get_mut(&id) {
            pack.bad.retain(|(of, _)| *of != index);
            pack.digests.remove(&index);
            if let Some(copy) = pack.copies.get_mut(index) {
                *copy = Copy::Whole;
            }
        }
        self.rank(id);
        if let Some(replica) = self.replicas.get_mut(index) {
            replica.repaired += 1;
        }
    }
}
