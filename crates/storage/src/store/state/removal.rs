//! Whether a pack can be removed, what is left of it when that was broken off, and which packs were made of it.

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
    /// A pack that was made of it is not whole on this replica.
    Copy(u64, usize),
}

/// Low bits that the number of a copy has at most more than that of its original: random, so that one which a crash left on a replica
/// that is away is not met by another one, and few, so that a pack can be rewritten some five hundred times.
const COPY_STEP_MAX: u64 = 1 << 16;

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
        let serves = |pack: &Pack, index: usize| {
            let state = self.replicas.get(index).map(|replica| &replica.state);
            matches!(state, Some(ReplicaState::Ready | ReplicaState::Full)) && pack.is_good_on(index)
        };
        let lacks = |pack: &Pack| (0..self.replicas.len()).find(|index| !serves(pack, *index));
        lacks(pack).map(Hindrance::Replica).or_else(|| {
            let mut made = self.made_of(id);
            made.find_map(|(copy, pack)| Some(Hindrance::Copy(copy, lacks(pack)?)))
        })
    }

    /// Packs that were made of a pack, by their numbers: those with its sequence and more low bits. The numbers of two packs that
    /// were begun at the same time, one of them on a replica that is away since, look the same; so a number is never proof.
    pub(crate) fn made_of(&self, id: u64) -> impl Iterator<Item = (u64, &Pack)> {
        let above = id.saturating_add(1)..line_end(id).max(id.saturating_add(1));
        self.packs.range(above).map(|(copy, pack)| (*copy, pack))
    }

    /// A number for a copy of a pack: behind the pack, and before every other one that lies behind it. None when there is no room.
    pub(crate) fn number_copy(&mut self, id: u64, random: u32) -> Option<u64> {
        let next = self.made_of(id).next().map_or_else(|| line_end(id), |(copy, _)| copy);
        let room = next.saturating_sub(id).saturating_sub(1).min(COPY_STEP_MAX);
        let number = id + 1 + u64::from(random).checked_rem(room)?;
        self.numbered.insert(number);
        Some(number)
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

/// The first number of the next sequence.
const fn line_end(id: u64) -> u64 {
    ((id >> RANDOM_BITS) + 1) << RANDOM_BITS
}

/// Whether a pack may have been made of another one: its number says so. Proof is that it holds records of the same digests.
#[must_use]
pub const fn may_be_made_of(copy: u64, original: u64) -> bool {
    copy > original && copy >> RANDOM_BITS == original >> RANDOM_BITS
}
