//! What the store knows and decides. Pure: it touches no disk and no clock; the store's threads ask it what to do
//! and tell it what came of it, always under one lock.
//!
//! The life of a pack: *active* (records are assigned to it) → *closing* (full, or a replica failed; writes under
//! way finish) → *sealed* (immutable). A replica that fails during a pack is out for the rest of that pack, so what
//! was acknowledged is always a prefix: every record up to `end` is durable on the write quorum.
//!
//! | module | what is decided |
//! |---|---|
//! | `place` | the pack, the offset and the replicas of the next record |
//! | `written` | who is answered, which replica is out, which packs can be sealed |
//! | `mend` | what has to be written anew, also of packs from before the start |
//! | `quorum` | which replicas together are enough |
//! | `queue` | in which order |
//! | `removal` | whether a pack can be removed, and what is left of it when that was broken off |
//! | `service` | whether a replica can be spared, and what a new one lacks |

mod mend;
mod offsite;
mod place;
mod queue;
mod quorum;
mod removal;
mod service;
#[cfg(test)]
mod tests;
mod written;

pub(crate) use mend::Agreement;
pub(crate) use quorum::{Quorum, Replicas, Shortfall};
pub(crate) use removal::Hindrance;
pub use removal::may_be_made_of;

use crate::{Location, PackPosition, ReplicaState, StoreError};
use bytes::Bytes;
use queue::Repairs;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// Pack numbers carry a sequence in the upper bits and this many random bits below, so that a replica that was
/// away while a number was given out cannot come back with other content under the same number.
const RANDOM_BITS: u32 = 24;

/// The numbers a decision needs.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) quorum: Quorum,
    pub(crate) pack_bytes_max: u64,
    pub(crate) reserve_bytes: u64,
}

/// What a caller waits for.
pub(crate) type Reply = oneshot::Sender<Result<(), StoreError>>;

/// Answers to send once the lock is released.
pub(crate) type Answers = Vec<(PackPosition, Reply, Result<(), StoreError>)>;

/// A record with its place, on its way to the replicas. Its share of the queue returns when each replica has it or was taken
/// out: a writer that hangs in a call has a round of its own in its hands, and holds up nobody with it.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) location: Location,
    pub(crate) parts: Vec<Bytes>,
    members: Replicas,
    outcome: Mutex<Outcome>,
    reply: Mutex<Option<Reply>>,
    queue_share: Mutex<Option<OwnedSemaphorePermit>>,
}

/// On which replicas a record is durable, and on which it never will be.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    durable: Replicas,
    failed: Replicas,
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
    /// Digests of copies that were read and found sound, by replica: what one copy says is not judged by itself alone.
    pub(crate) digests: BTreeMap<usize, [u8; 32]>,
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
    /// How replicas changed, in their order, until the keeper tells of it. Only the keeper and people bring a replica
    /// back into service, so few can wait.
    changes: Vec<(usize, ReplicaState)>,
    /// Copies to write anew.
    pub(crate) repairs: Repairs,
    /// Records of which no replica has a valid copy: reporting them again changes nothing.
    pub(crate) lost: BTreeSet<PackPosition>,
    active: Option<u64>,
    closing: BTreeSet<u64>,
    next_sequence: u64,
    /// Numbers given out since the start. What is known of these packs is certain; of others, replicas may know more.
    numbered: BTreeSet<u64>,
    unapplied: BTreeSet<PackPosition>,
    /// Packs that are being removed: no place elsewhere is sent them any more.
    pub(crate) leaving: BTreeSet<u64>,
}

impl Placed {
    pub(crate) fn new(
        location: Location,
        parts: Vec<Bytes>,
        members: Replicas,
        reply: Reply,
        queue_share: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            location,
            parts,
            members,
            outcome: Mutex::default(),
            reply: Mutex::new(Some(reply)),
            queue_share: Mutex::new(queue_share),
        }
    }

    fn take_reply(&self) -> Option<Reply> {
        self.reply.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// One more replica has it; which have.
    fn durable_on(&self, replica: usize) -> Replicas {
        self.note(|outcome| outcome.durable = outcome.durable.with(replica)).durable
    }

    /// One more replica will not have it; which still may, or have.
    fn failed_on(&self, replica: usize) -> Replicas {
        let outcome = self.note(|outcome| outcome.failed = outcome.failed.with(replica));
        self.members.without(outcome.failed)
    }

    fn note(&self, what: impl FnOnce(&mut Outcome)) -> Outcome {
        let outcome = {
            let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
            what(&mut outcome);
            *outcome
        };
        if self.members.without(outcome.durable).without(outcome.failed) == Replicas::default() {
            self.queue_share.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        outcome
    }
}

impl Pack {
    /// A pack that was found or made whole: on which replicas it is so.
    pub(crate) fn sealed(end: u64, copies: Vec<Copy>) -> Self {
        Self { phase: Phase::Sealed, end, assigned: end, copies, bad: Vec::new(), digests: BTreeMap::new() }
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

    /// Whether a replica holds all that it was given, and nothing of it is in doubt.
    fn is_good_on(&self, replica: usize) -> bool {
        self.is_settled_on(replica) && !self.bad.iter().any(|(of, _)| *of == replica)
    }

    /// Whether a replica's copy has to be written anew.
    fn needs_repair(&self, replica: usize) -> bool {
        self.copies.get(replica) == Some(&Copy::Lacking) || self.bad.iter().any(|(of, _)| *of == replica)
    }

    /// How many good copies are known of that record of the pack which has the fewest.
    fn fewest_good_copies(&self) -> usize {
        let whole = (0..self.copies.len()).filter(|replica| self.copies.get(*replica) == Some(&Copy::Whole));
        let whole: Vec<usize> = whole.collect();
        let of = |range: &Range<u64>| whole.iter().filter(|replica| !self.is_bad(**replica, range)).count();
        self.bad.iter().map(|(_, range)| of(range)).min().unwrap_or(whole.len())
    }

    pub(crate) fn is_bad(&self, replica: usize, range: &Range<u64>) -> bool {
        self.bad.iter().any(|(of, bad)| *of == replica && bad.start < range.end && range.start < bad.end)
    }
}

impl State {
    pub(crate) fn new(limits: Limits, replicas: Vec<Replica>, packs: BTreeMap<u64, Pack>) -> Self {
        let next_sequence = packs.last_key_value().map_or(1, |(pack, _)| (pack >> RANDOM_BITS) + 1);
        let found = |(index, replica): (usize, &Replica)| {
            (replica.state != ReplicaState::Ready).then(|| (index, replica.state.clone()))
        };
        let changes = replicas.iter().enumerate().filter_map(found).collect();
        let mut state = Self {
            limits,
            closed: false,
            packs,
            replicas,
            changes,
            repairs: Repairs::default(),
            lost: BTreeSet::new(),
            active: None,
            closing: BTreeSet::new(),
            next_sequence,
            numbered: BTreeSet::new(),
            unapplied: BTreeSet::new(),
            leaving: BTreeSet::new(),
        };
        let numbers: Vec<u64> = state.packs.keys().copied().collect();
        numbers.into_iter().for_each(|number| state.rank(number));
        state
    }

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
