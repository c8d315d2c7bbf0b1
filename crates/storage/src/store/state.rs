//! What the store knows and decides. Pure: it touches no disk and no clock; the store's threads ask it what to do
//! and tell it what came of it, always under one lock.
//!
//! The life of a pack: *active* (records are assigned to it) → *closing* (full, or a replica failed; writes under
//! way finish) → *sealed* (immutable). A replica that fails during a pack is out for the rest of that pack, so what
//! was acknowledged is always a prefix: every record up to `end` is durable on the write quorum.

use crate::record::format::PACK_HEADER_BYTES;
use crate::{Location, PackPosition, ReplicaState, StoreError};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// Pack numbers carry a sequence in the upper bits and this many random bits below, so that a replica that was
/// away while a number was given out cannot come back with other content under the same number.
const RANDOM_BITS: u32 = 24;

/// The numbers a decision needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) write_quorum: usize,
    pub(crate) pack_bytes_max: u64,
    pub(crate) reserve_bytes: u64,
}

/// What a caller waits for.
pub(crate) type Reply = oneshot::Sender<Result<(), StoreError>>;

/// Answers to send once the lock is released.
pub(crate) type Answers = Vec<(PackPosition, Reply, Result<(), StoreError>)>;

/// A record with its place, on its way to the replicas. Dropped when the last replica is done with it, which
/// returns its share of the queue.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) location: Location,
    pub(crate) parts: Vec<Bytes>,
    members: usize,
    durable: AtomicUsize,
    failed: AtomicUsize,
    reply: Mutex<Option<Reply>>,
    _queue_share: Option<OwnedSemaphorePermit>,
}

/// A pack on one replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copy {
    /// Sealed, with the right length.
    Whole,
    /// Being written: durable up to this offset; no longer written when `out`.
    Growing { durable: u64, out: bool },
    /// Missing, incomplete, or with the wrong length.
    Lacking,
}

/// Where a pack stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Active,
    Closing,
    Sealed,
    /// Left open by a crash, and too few replicas have been seen to say where it ends: read, but not touched.
    Unfinished,
}

/// One pack.
#[derive(Clone, Debug)]
pub(crate) struct Pack {
    pub(crate) phase: Phase,
    /// The end of what is acknowledged; the length of the file once sealed.
    pub(crate) end: u64,
    assigned: u64,
    pub(crate) copies: Vec<Copy>,
    /// Ranges that are not trusted, by replica.
    pub(crate) bad: Vec<(usize, Range<u64>)>,
}

/// One replica.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) state: ReplicaState,
    pub(crate) free_bytes: u64,
    pub(crate) queue: VecDeque<Arc<Placed>>,
    /// Bytes of the records in the queue.
    pub(crate) queued_bytes: u64,
    /// Since when the writer is in a call, if it is.
    pub(crate) busy_since: Option<Instant>,
    /// Counts how often the replica was taken out: a writer that returns from a call of an earlier time finds its
    /// records answered already.
    pub(crate) times_out: u64,
    /// Its writer did not come back from a call in time.
    pub(crate) hung: bool,
    pub(crate) repaired: u64,
}

/// A pack whose writes are done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SealPlan {
    pub(crate) pack: u64,
    pub(crate) end: u64,
    /// Replicas that hold everything up to `end`.
    pub(crate) complete: Vec<usize>,
}

/// Everything the store knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) limits: Limits,
    pub(crate) closed: bool,
    pub(crate) packs: BTreeMap<u64, Pack>,
    pub(crate) replicas: Vec<Replica>,
    /// (pack, replica) pairs to write anew, oldest pack first.
    pub(crate) repairs: BTreeSet<(u64, usize)>,
    /// Records of which no replica has a valid copy: reporting them again changes nothing.
    pub(crate) lost: BTreeSet<PackPosition>,
    active: Option<u64>,
    closing: BTreeSet<u64>,
    next_sequence: u64,
    /// Numbers given out since the start. What is known of these packs is certain; of others, replicas may know more.
    numbered: BTreeSet<u64>,
    unapplied: BTreeSet<PackPosition>,
}

impl Placed {
    pub(crate) fn new(
        location: Location,
        parts: Vec<Bytes>,
        members: usize,
        reply: Reply,
        queue_share: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            location,
            parts,
            members,
            durable: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            reply: Mutex::new(Some(reply)),
            _queue_share: queue_share,
        }
    }

    fn take_reply(&self) -> Option<Reply> {
        self.reply.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Pack {
    /// A pack that was found or made whole: on which replicas it is so.
    pub(crate) fn sealed(end: u64, copies: Vec<Copy>) -> Self {
        Self { phase: Phase::Sealed, end, assigned: end, copies, bad: Vec::new() }
    }

    /// A pack left open by a crash whose end cannot be decided yet, as far as its records are whole somewhere.
    pub(crate) fn unfinished(end: u64, copies: Vec<Copy>) -> Self {
        Self { phase: Phase::Unfinished, ..Self::sealed(end, copies) }
    }

    /// Whether a replica holds what it was given of the pack, or is being given it.
    pub(crate) fn is_settled_on(&self, replica: usize) -> bool {
        let holds = matches!(self.copies.get(replica), Some(Copy::Whole | Copy::Growing { out: false, .. }));
        self.phase != Phase::Unfinished && holds
    }

    /// How far a replica holds the pack durably.
    pub(crate) fn durable_on(&self, replica: usize) -> u64 {
        match self.copies.get(replica) {
            Some(Copy::Whole) => self.end,
            Some(Copy::Growing { durable, .. }) => *durable,
            Some(Copy::Lacking) | None => 0,
        }
    }

    pub(crate) fn is_bad(&self, replica: usize, range: &Range<u64>) -> bool {
        self.bad.iter().any(|(of, bad)| *of == replica && bad.start < range.end && range.start < bad.end)
    }
}

impl State {
    pub(crate) fn new(limits: Limits, replicas: Vec<Replica>, packs: BTreeMap<u64, Pack>) -> Self {
        let next_sequence = packs.last_key_value().map_or(1, |(pack, _)| (pack >> RANDOM_BITS) + 1);
        let mut state = Self {
            limits,
            closed: false,
            packs,
            replicas,
            repairs: BTreeSet::new(),
            lost: BTreeSet::new(),
            active: None,
            closing: BTreeSet::new(),
            next_sequence,
            numbered: BTreeSet::new(),
            unapplied: BTreeSet::new(),
        };
        state.repairs = state
            .packs
            .iter()
            .filter(|(_, of)| of.phase == Phase::Sealed)
            .flat_map(|(pack, of)| {
                of.copies.iter().enumerate().map(move |(replica, copy)| (*pack, replica, copy))
            })
            .filter(|(_, _, copy)| **copy == Copy::Lacking)
            .map(|(pack, replica, _)| (pack, replica))
            .collect();
        state
    }

    // === placing records ===

    /// Finds the place of a record of `bytes` bytes: pack, offset, and the replicas that will hold it.
    /// `random` supplies the low bits of the number of a new pack.
    pub(crate) fn place(&mut self, bytes: u64, random: u32) -> Result<(u64, u64, Vec<usize>), StoreError> {
        if self.closed {
            return Err(StoreError::Closed);
        }
        for index in 0..self.replicas.len() {
            self.mark_full_if_short(index, bytes);
        }
        let fits = |pack: &Pack| {
            pack.assigned == PACK_HEADER_BYTES || pack.assigned + bytes <= self.limits.pack_bytes_max
        };
        let current = self.active.filter(|id| self.packs.get(id).is_some_and(fits));
        let id = match current {
            Some(id) => id,
            None => {
                let able = self.able();
                if able < self.limits.write_quorum {
                    return Err(self.quorum_error(able));
                }
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
    pub(crate) fn enqueue(&mut self, record: &Arc<Placed>, members: &[usize]) {
        for member in members {
            if let Some(replica) = self.replicas.get_mut(*member) {
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
    pub(crate) fn able(&self) -> usize {
        self.replicas.iter().filter(|replica| replica.state == ReplicaState::Ready).count()
    }

    /// Why too few replicas can take a record.
    pub(crate) fn quorum_error(&self, able: usize) -> StoreError {
        let required = self.limits.write_quorum;
        if self.replicas.iter().any(|replica| replica.state == ReplicaState::Full) {
            StoreError::OutOfSpace { required, able }
        } else {
            StoreError::QuorumLost { required, able }
        }
    }

    fn mark_full_if_short(&mut self, index: usize, bytes: u64) {
        let Some(replica) = self.replicas.get_mut(index) else { return };
        let needed = self.limits.reserve_bytes.saturating_add(bytes).saturating_add(replica.queued_bytes);
        if replica.state == ReplicaState::Ready && replica.free_bytes < needed {
            // Records already assigned are within the reserve; only the next pack goes without this replica.
            replica.state = ReplicaState::Full;
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
            ReplicaState::Full | ReplicaState::Missing | ReplicaState::Failed(_) => Copy::Lacking,
        });
        let pack = Pack {
            phase: Phase::Active,
            end: PACK_HEADER_BYTES,
            assigned: PACK_HEADER_BYTES,
            copies: copies.collect(),
            bad: Vec::new(),
        };
        self.packs.insert(id, pack);
        self.active = Some(id);
        id
    }

    /// Assigns no more records to the active pack.
    pub(crate) fn close_active(&mut self) {
        let Some(id) = self.active.take() else { return };
        if let Some(pack) = self.packs.get_mut(&id) {
            pack.phase = Phase::Closing;
            self.closing.insert(id);
        }
    }

    // === what came of writes ===

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
            let votes = record.durable.fetch_add(1, Ordering::Relaxed) + 1;
            if votes == self.limits.write_quorum {
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
        let Some(replica) = self.replicas.get_mut(index) else { return Answers::new() };
        replica.state = state;
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
            let failed = record.failed.fetch_add(1, Ordering::Relaxed) + 1;
            if record.members.saturating_sub(failed) < self.limits.write_quorum
                && let Some(reply) = record.take_reply()
            {
                self.unapplied.remove(&record.location.position());
                let refusal = self.quorum_error(record.members - failed);
                answers.push((record.location.position(), reply, Err(refusal)));
            }
        }
        answers
    }

    /// A replica takes writes (again): the next pack includes it.
    pub(crate) fn replica_ready(&mut self, index: usize) {
        if let Some(replica) = self.replicas.get_mut(index) {
            replica.state = ReplicaState::Ready;
            self.close_active();
        }
    }

    // === sealing ===

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
            if *copy == Copy::Lacking || pack.bad.iter().any(|(of, _)| *of == index) {
                self.repairs.insert((plan.pack, index));
            }
        }
    }

    // === repair ===

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

    // === packs from before the start ===

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

    // === reading ===

    /// Replicas in the order in which a record should be tried: trusted copies first, always the same one for one
    /// pack (its pages are in the cache), different ones for different packs; then whatever else might answer.
    pub(crate) fn preference(&self, pack_id: u64, range: &Range<u64>) -> Vec<usize> {
        let count = self.replicas.len();
        let first = usize::try_from(pack_id % (count.max(1) as u64)).unwrap_or(0);
        let mut order: Vec<usize> = (0..count).map(|index| (index + first) % count).collect();
        let pack = self.packs.get(&pack_id);
        order.sort_by_key(|index| {
            let holds = pack.is_some_and(|pack| pack.durable_on(*index) >= range.end);
            let bad = pack.is_some_and(|pack| pack.is_bad(*index, range));
            let well = self.replicas.get(*index).is_some_and(|r| !matches!(r.state, ReplicaState::Failed(_)));
            (!holds, bad, !well)
        });
        order
    }

    // === replay position ===

    /// A record is in the catalogue, or will never be (its caller went away or was refused).
    pub(crate) fn forget_unapplied(&mut self, position: PackPosition) {
        self.unapplied.remove(&position);
    }

    /// No record before this position waits to be applied.
    pub(crate) fn replay_from(&self) -> PackPosition {
        let next =
            self.active.and_then(|id| self.packs.get(&id).map(|pack| (id, pack.assigned))).map_or(
                PackPosition { pack: self.next_sequence << RANDOM_BITS, offset: 0 },
                |(pack, offset)| PackPosition { pack, offset },
            );
        self.unapplied.first().map_or(next, |first| next.min(*first))
    }
}

fn members_of(pack: &Pack) -> Vec<usize> {
    let member = |copy: &Copy| matches!(copy, Copy::Growing { out: false, .. });
    pack.copies.iter().enumerate().filter(|(_, copy)| member(copy)).map(|(index, _)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Layout;
    use proptest::prelude::*;
    use tokio::sync::oneshot::Receiver;
    use tokio::sync::oneshot::error::TryRecvError;

    fn state(replicas: usize, write_quorum: usize) -> State {
        let limits = Limits { write_quorum, pack_bytes_max: 1000, reserve_bytes: 50 };
        let replica = |_| Replica {
            state: ReplicaState::Ready,
            free_bytes: 1_000_000,
            queue: VecDeque::new(),
            queued_bytes: 0,
            busy_since: None,
            times_out: 0,
            hung: false,
            repaired: 0,
        };
        State::new(limits, (0..replicas).map(replica).collect(), BTreeMap::new())
    }

    fn append(state: &mut State, object_bytes: u64) -> (Arc<Placed>, Receiver<Result<(), StoreError>>) {
        let mut location = Location {
            pack: 0,
            offset: 0,
            descriptor_bytes: 0,
            metadata_bytes: 0,
            object_bytes,
            layout: Layout::DescriptorFirst,
            digest: [0; 32],
        };
        let (pack, offset, members) = state.place(location.record_bytes(), 7).unwrap();
        (location.pack, location.offset) = (pack, offset);
        let (reply, answer) = oneshot::channel();
        let record = Arc::new(Placed::new(location, Vec::new(), members.len(), reply, None));
        state.enqueue(&record, &members);
        (record, answer)
    }

    fn deliver(answers: Answers) {
        for (_, reply, result) in answers {
            drop(reply.send(result));
        }
    }

    #[test]
    fn a_record_is_acknowledged_by_the_replica_that_completes_the_quorum() {
        let mut state = state(3, 2);
        let (record, mut answer) = append(&mut state, 8);
        deliver(state.written(2, &[Arc::clone(&record)]));
        assert_eq!(answer.try_recv().unwrap_err(), TryRecvError::Empty);
        deliver(state.written(0, &[Arc::clone(&record)]));
        assert!(answer.try_recv().unwrap().is_ok());
        assert_eq!(state.packs[&record.location.pack].end, record.location.end());
    }

    #[test]
    fn a_record_is_refused_as_soon_as_the_quorum_is_out_of_reach() {
        let mut state = state(3, 2);
        let (_, mut answer) = append(&mut state, 8);
        deliver(state.replica_out(0, ReplicaState::Failed("x".into())));
        assert_eq!(answer.try_recv().unwrap_err(), TryRecvError::Empty);
        deliver(state.replica_out(1, ReplicaState::Full));
        let refusal = answer.try_recv().unwrap();
        assert!(matches!(refusal, Err(StoreError::OutOfSpace { required: 2, able: 1 })));
        assert!(matches!(state.place(8, 7), Err(StoreError::OutOfSpace { required: 2, able: 1 })));
    }

    #[test]
    fn a_replica_that_failed_in_a_pack_is_in_no_later_record_of_it() {
        let mut state = state(3, 2);
        let (first, _answer) = append(&mut state, 8);
        deliver(state.replica_out(1, ReplicaState::Missing));
        state.replica_ready(1);
        let (second, _answer) = append(&mut state, 8);
        assert!(second.location.pack > first.location.pack);
        let plan = |state: &State| state.sealable();
        assert_eq!(plan(&state), [], "two replicas still write");
        for replica in [0, 2] {
            deliver(state.written(replica, &[Arc::clone(&first)]));
        }
        let expected =
            SealPlan { pack: first.location.pack, end: first.location.end(), complete: vec![0, 2] };
        assert_eq!(plan(&state), std::slice::from_ref(&expected));
        state.sealed(&expected, &[0, 2]);
        assert_eq!(state.next_repair(&BTreeSet::new()), Some((first.location.pack, 1)));
    }

    #[test]
    fn a_full_pack_is_closed_and_a_pack_without_records_is_forgotten() {
        let mut state = state(1, 1);
        let (first, _answer) = append(&mut state, 600);
        let (second, _answer) = append(&mut state, 600);
        assert_ne!(first.location.pack, second.location.pack);
        deliver(state.replica_out(0, ReplicaState::Full));
        let plans = state.sealable();
        assert_eq!(plans.len(), 2);
        for plan in plans {
            assert_eq!(plan.complete, [0_usize; 0]);
            state.sealed(&plan, &[]);
        }
        assert!(state.packs.is_empty() && state.repairs.is_empty());
    }

    #[test]
    fn a_replica_without_room_beyond_the_reserve_is_left_out_before_it_is_written() {
        let mut state = state(2, 1);
        state.replicas[1].free_bytes = 300;
        let (record, _answer) = append(&mut state, 100);
        assert_eq!(state.replicas[1].state, ReplicaState::Full);
        assert_eq!(state.packs[&record.location.pack].durable_on(1), 0);
        assert!(state.replicas[1].queue.is_empty());
    }

    #[test]
    fn pack_numbers_grow_and_fit_a_signed_number() {
        let mut state = state(1, 1);
        let numbers: Vec<u64> = (0..100).map(|index| state.number_large(u32::MAX - index * 99)).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b));
        assert!(numbers.iter().all(|number| i64::try_from(*number).is_ok()));
    }

    #[test]
    fn trusted_copies_are_preferred_and_packs_are_spread() {
        let mut state = state(3, 2);
        let whole = || Pack::sealed(500, vec![Copy::Whole; 3]);
        state.packs.extend([(1, whole()), (2, whole())]);
        assert_eq!(state.preference(1, &(72..400)), [1, 2, 0]);
        assert_eq!(state.preference(2, &(72..400)), [2, 0, 1]);
        state.packs.get_mut(&1).unwrap().bad.push((1, 300..310));
        assert_eq!(state.preference(1, &(72..400)), [2, 0, 1]);
        assert_eq!(state.preference(1, &(72..300)), [1, 2, 0]);
        assert!(state.lacking(1, 2));
        assert_eq!(state.preference(1, &(72..400)), [0, 1, 2]);
    }

    proptest! {
        /// INVARIANT: what is acknowledged is a prefix of each pack that the write quorum holds.
        #[test]
        fn acknowledged_records_are_a_durable_prefix(steps in proptest::collection::vec((0_u8..8, 0_usize..3), 1..200)) {
            let mut state = state(3, 2);
            let mut appended = Vec::new();
            for (step, replica) in steps {
                match step {
                    0..=2 => {
                        if let Ok((pack, offset, members)) = state.place(232, 1) {
                            let location = Location {
                                pack, offset, descriptor_bytes: 0, metadata_bytes: 0, object_bytes: 8,
                                layout: Layout::DescriptorFirst, digest: [0; 32],
                            };
                            let (reply, answer) = oneshot::channel();
                            let record = Arc::new(Placed::new(location, Vec::new(), members.len(), reply, None));
                            state.enqueue(&record, &members);
                            appended.push((record, answer));
                        }
                    }
                    3..=5 => {
                        let front: Vec<_> = state.replicas[replica].queue.front().cloned().into_iter().collect();
                        let answers = state.written(replica, &front);
                        deliver(answers);
                    }
                    6 => deliver(state.replica_out(replica, ReplicaState::Missing)),
                    _ => state.replica_ready(replica),
                }
            }
            for (record, answer) in &mut appended {
                let pack = &state.packs[&record.location.pack];
                let holders = (0..3).filter(|index| pack.durable_on(*index) >= record.location.end()).count();
                match answer.try_recv() {
                    Ok(Ok(())) => prop_assert!(holders >= 2 && pack.end >= record.location.end()),
                    Ok(Err(_)) => prop_assert!(pack.end <= record.location.offset),
                    Err(_) => prop_assert!(holders < 2),
                }
            }
        }
    }
}
