//! What came of writes: who is answered, which replica is out, and which packs can be sealed.

use super::{Answers, Copy, Pack, Phase, Placed, SealPlan, State};
use crate::ReplicaState;
use crate::record::format::PACK_HEADER_BYTES;
use std::sync::Arc;

impl State {
    /// The front of a replica's queue is durable there.
    pub(crate) fn written(&mut self, index: usize, batch: &[Arc<Placed>]) -> Answers {
        let mut answers = Answers::new();
        for record in batch {
            if let Some(replica) = self.replicas.get_mut(index) {
                replica.queue.pop_front();
                replica.queued_bytes -= record.location.record_bytes();
            }
            let Some(pack) = self.packs.get_mut(&record.location.pack) else { continue };
            if let Some(Copy::Growing { durable, .. }) = pack.copies.get_mut(index) {
                *durable = record.location.end();
            }
            if self.limits.quorum.is_met(record.durable_on(index)) {
                // INVARIANT: replicas write in order and stop at their first error, so everything before this
                // record is durable on the quorum too.
                pack.end = pack.end.max(record.location.end());
                let position = record.location.position();
                answers.extend(record.take_reply().map(|reply| (position, reply, Ok(()))));
            }
        }
        answers
    }

    /// A replica takes no more writes in its present state: what waits for it fails there, and every pack it was
    /// writing goes on without it.
    pub(crate) fn replica_out(&mut self, index: usize, state: ReplicaState) -> Answers {
        self.change(index, state);
        let Some(replica) = self.replicas.get_mut(index) else { return Answers::new() };
        replica.times_out += 1;
        let waiting = std::mem::take(&mut replica.queue);
        replica.queued_bytes = 0;
        let mut was_in_active = false;
        for id in self.closing.iter().copied().chain(self.active) {
            let copy = self.packs.get_mut(&id).and_then(|pack| pack.copies.get_mut(index));
            if let Some(Copy::Growing { out, .. }) = copy {
                *out = true;
                was_in_active |= self.active == Some(id);
            }
        }
        if was_in_active {
            self.close_active();
        }
        let mut answers = Answers::new();
        for record in waiting {
            if let Err(refusal) = self.require_quorum(record.failed_on(index))
                && let Some(reply) = record.take_reply()
            {
                self.unapplied.remove(&record.location.position());
                answers.push((record.location.position(), reply, Err(refusal)));
            }
        }
        answers
    }

    /// What is known of a replica from now on, and what is told of it.
    pub(crate) fn change(&mut self, index: usize, now: ReplicaState) {
        let Some(replica) = self.replicas.get_mut(index) else { return };
        if replica.state != now {
            replica.state = now.clone();
            self.changes.push((index, now));
        }
    }

    /// How replicas changed since this was asked last; those that were found out of service count as changed.
    pub(crate) fn take_changes(&mut self) -> Vec<(usize, ReplicaState)> {
        std::mem::take(&mut self.changes)
    }

    /// A replica takes writes (again): the next pack includes it.
    pub(crate) fn replica_ready(&mut self, index: usize) {
        if index < self.replicas.len() {
            self.change(index, ReplicaState::Ready);
            self.close_active();
        }
    }

    /// Whether a pack waits to be sealed.
    pub(crate) fn has_closing(&self) -> bool {
        !self.closing.is_empty()
    }

    /// Closing packs to which nothing is being written any more.
    pub(crate) fn sealable(&self) -> Vec<SealPlan> {
        let closing = self.closing.iter().filter_map(|id| self.packs.get_key_value(id));
        let settled = closing.filter(|(id, _)| {
            !self
                .replicas
                .iter()
                .any(|replica| replica.queue.iter().any(|record| record.location.pack == **id))
        });
        let plan = |(id, pack): (&u64, &Pack)| SealPlan {
            pack: *id,
            end: pack.end,
            complete: (0..pack.copies.len())
                .filter(|index| pack.end > PACK_HEADER_BYTES && pack.durable_on(*index) >= pack.end)
                .collect(),
        };
        settled.map(plan).collect()
    }

    /// A pack was sealed on these replicas; the others need a copy. A pack without records is forgotten.
    pub(crate) fn sealed(&mut self, plan: &SealPlan, on: &[usize]) {
        self.closing.remove(&plan.pack);
        if plan.end == PACK_HEADER_BYTES {
            self.packs.remove(&plan.pack);
            return;
        }
        let Some(pack) = self.packs.get_mut(&plan.pack) else { return };
        pack.phase = Phase::Sealed;
        for (index, copy) in pack.copies.iter_mut().enumerate() {
            if on.contains(&index) {
                *copy = Copy::Whole;
            } else {
                *copy = Copy::Lacking;
            }
        }
        self.rank(plan.pack);
    }
}
