//! Whether a replica can be spared, and what one lacks that comes instead.

use super::{Answers, Copy, Pack, Phase, Replicas, Shortfall, State};
use crate::ReplicaState;
use crate::store::recover::Listing;

impl State {
    /// Takes a replica out of service; what those that take writes would lack without it when they are not enough.
    pub(crate) fn drain(&mut self, index: usize) -> Result<Answers, Shortfall> {
        let others = self.able().without(Replicas::default().with(index));
        match self.limits.quorum.shortfall(others) {
            Some(shortfall) => Err(shortfall),
            None => Ok(self.replica_out(index, ReplicaState::Draining)),
        }
    }

    /// How many packs on a replica have fewer good copies on the others than a write needs, or in fewer failure domains, or
    /// are still to be sealed there.
    pub(crate) fn needed_on(&self, index: usize) -> u64 {
        let stays = |other: &usize| {
            let state = self.replicas.get(*other).map(|replica| &replica.state);
            *other != index && matches!(state, Some(ReplicaState::Ready | ReplicaState::Full))
        };
        let others: Vec<usize> = (0..self.replicas.len()).filter(stays).collect();
        // The keeper would look for it on a disk that was taken away, and take out the one that came instead.
        let unsealed = |pack: &Pack| {
            pack.phase == Phase::Closing && matches!(pack.copies.get(index), Some(Copy::Growing { .. }))
        };
        let spared = |pack: &&Pack| {
            let good = others.iter().copied().filter(|other| pack.is_good_on(*other)).collect();
            !unsealed(pack) && (self.limits.quorum.is_met(good) || pack.durable_on(index) == 0)
        };
        self.packs.values().filter(|pack| !spared(pack)).count() as u64
    }

    /// Bytes of the packs that a replica lacks.
    pub(crate) fn lacking_bytes(&self, index: usize) -> u64 {
        let lacks =
            |pack: &&Pack| pack.phase == Phase::Sealed && pack.copies.get(index) == Some(&Copy::Lacking);
        self.packs.values().filter(lacks).map(|pack| pack.end).sum()
    }

    /// Whether a replica is out of service for good.
    pub(crate) fn is_drained(&self, index: usize) -> bool {
        self.replicas.get(index).is_some_and(|replica| replica.state == ReplicaState::Drained)
    }

    /// A replica goes into service with another folder, or with the one that it had: what is not listed there with the
    /// right length is written anew.
    pub(crate) fn replaced(&mut self, index: usize, listed: &Listing) {
        let numbers: Vec<u64> = self.packs.keys().copied().collect();
        for number in numbers {
            let Some(pack) = self.packs.get_mut(&number) else { continue };
            let whole = pack.phase == Phase::Sealed && listed.sealed(number) == Some(pack.end);
            if let Some(copy) = pack.copies.get_mut(index) {
                *copy = if whole { Copy::Whole } else { Copy::Lacking };
            }
            pack.bad.retain(|(of, _)| *of != index || whole);
            pack.digests.remove(&index);
            self.rank(number);
        }
        self.replica_ready(index);
    }
}
