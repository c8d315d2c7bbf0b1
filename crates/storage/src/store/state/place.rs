//! Where the next record goes: its pack, its offset, and the replicas that will hold it.

use super::{Copy, Pack, Phase, Placed, RANDOM_BITS, Replicas, Shortfall, State};
use crate::record::format::PACK_HEADER_BYTES;
use crate::{PackPosition, ReplicaState, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;

impl State {
    /// Finds the place of a record of `bytes` bytes: pack, offset, and the replicas that will hold it.
    /// `random` supplies the low bits of the number of a new pack.
    pub(crate) fn place(&mut self, bytes: u64, random: u32) -> Result<(u64, u64, Replicas), StoreError> {
        if self.closed {
            return Err(StoreError::Closed);
        }
        self.mark_full(bytes);
        let fits = |pack: &Pack| {
            pack.assigned == PACK_HEADER_BYTES || pack.assigned + bytes <= self.limits.pack_bytes_max
        };
        let current = self.active.filter(|id| self.packs.get(id).is_some_and(fits));
        let id = match current {
            Some(id) => id,
            None => {
                self.require_quorum(self.able())?;
                self.close_active();
                self.begin_pack(random)
            }
        };
        let Some(pack) = self.packs.get_mut(&id) else { return Err(StoreError::Closed) };
        let offset = pack.assigned;
        pack.assigned += bytes;
        let members = members_of(pack);
        self.unapplied.insert(PackPosition { pack: id, offset });
        Ok((id, offset, members))
    }

    /// Gives a placed record to the writers of its replicas.
    pub(crate) fn enqueue(&mut self, record: &Arc<Placed>, members: Replicas) {
        for member in members.iter() {
            if let Some(replica) = self.replicas.get_mut(member) {
                replica.queue.push_back(Arc::clone(record));
                replica.queued_bytes += record.location.record_bytes();
            }
        }
    }

    /// A number for a pack that is not the active one (a large record), with its place in the replay order.
    pub(crate) fn number_large(&mut self, random: u32) -> u64 {
        let id = self.next_id(random);
        self.unapplied.insert(PackPosition { pack: id, offset: PACK_HEADER_BYTES });
        id
    }

    /// Replicas that could take a record now.
    pub(crate) fn able(&self) -> Replicas {
        let ready = |(_, replica): &(usize, &super::Replica)| replica.state == ReplicaState::Ready;
        self.replicas.iter().enumerate().filter(ready).map(|(index, _)| index).collect()
    }

    /// Says why these replicas are not enough for a record, when they are not.
    pub(crate) fn require_quorum(&self, able: Replicas) -> Result<(), StoreError> {
        let full = self.replicas.iter().any(|replica| replica.state == ReplicaState::Full);
        match self.limits.quorum.shortfall(able) {
            None => Ok(()),
            Some(Shortfall::Copies { required, able }) if full => {
                Err(StoreError::OutOfSpace { required, able })
            }
            Some(Shortfall::Copies { required, able }) => Err(StoreError::QuorumLost { required, able }),
            Some(Shortfall::Domains { required, able, missing }) => {
                Err(StoreError::DomainsLost { required, able, missing })
            }
        }
    }

    /// Replicas without room for so many bytes beyond the reserve count as full from now on.
    pub(crate) fn mark_full(&mut self, bytes: u64) {
        for index in 0..self.replicas.len() {
            self.mark_full_if_short(index, bytes);
        }
    }

    fn mark_full_if_short(&mut self, index: usize, bytes: u64) {
        let Some(replica) = self.replicas.get_mut(index) else { return };
        let needed = self.limits.reserve_bytes.saturating_add(bytes).saturating_add(replica.queued_bytes);
        if replica.state == ReplicaState::Ready && replica.free_bytes < needed {
            // Records already assigned are within the reserve; only the next pack goes without this replica.
            self.change(index, ReplicaState::Full);
            self.close_active();
        }
    }

    fn next_id(&mut self, random: u32) -> u64 {
        let id = (self.next_sequence << RANDOM_BITS) | u64::from(random & ((1 << RANDOM_BITS) - 1));
        self.next_sequence += 1;
        self.numbered.insert(id);
        id
    }

    /// Gives out no number again up to that of a pack which was once given out, even if no replica shows it any
    /// more. Numbers that do not fit a signed number were never given out.
    pub(crate) fn number_from(&mut self, pack: u64) {
        let sequence = (pack >> RANDOM_BITS) + 1;
        if i64::try_from(pack).is_ok() && self.next_sequence < sequence {
            self.next_sequence = sequence;
            self.close_active();
        }
    }

    fn begin_pack(&mut self, random: u32) -> u64 {
        let id = self.next_id(random);
        let copies = self.replicas.iter().map(|replica| match replica.state {
            ReplicaState::Ready => Copy::Growing { durable: 0, out: false },
            ReplicaState::Full
            | ReplicaState::Missing
            | ReplicaState::Failed(_)
            | ReplicaState::Draining
            | ReplicaState::Drained => Copy::Lacking,
        });
        let pack = Pack {
            phase: Phase::Active,
            end: PACK_HEADER_BYTES,
            assigned: PACK_HEADER_BYTES,
            copies: copies.collect(),
            bad: Vec::new(),
            digests: BTreeMap::new(),
        };
        self.packs.insert(id, pack);
        self.active = Some(id);
        id
    }

    /// Assigns no more records to the active pack if it has any, so that it is sealed and can be checked.
    pub(crate) fn close_written(&mut self) {
        let active = self.active.and_then(|id| self.packs.get(&id));
        if active.is_some_and(|pack| pack.assigned > PACK_HEADER_BYTES) {
            self.close_active();
        }
    }

    /// Assigns no more records to the active pack.
    pub(crate) fn close_active(&mut self) {
        let Some(id) = self.active.take() else { return };
        if let Some(pack) = self.packs.get_mut(&id) {
            pack.phase = Phase::Closing;
            self.closing.insert(id);
        }
    }
}

fn members_of(pack: &Pack) -> Replicas {
    let member = |copy: &Copy| matches!(copy, Copy::Growing { out: false, .. });
    pack.copies.iter().enumerate().filter(|(_, copy)| member(copy)).map(|(index, _)| index).collect()
}
