//! The keeper: seals packs, looks after replicas. A light check lists names and lengths and asks for free space; it
//! reads no pack. What is missing becomes work for the repairer.

use super::recover::{Listing, Witnesses, decode_identity, encode_identity, recover_pack};
use super::service::release_unneeded;
use super::shared::{Shared, answer};
use super::state::{Copy, Phase, SealPlan};
use crate::replica::Backend;
use crate::{ReplicaId, ReplicaState, StoreEvent};
use metrics::gauge;
use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// How often a hung replica is looked for.
const STALL_LOOK: Duration = Duration::from_secs(1);

/// The least time between two checks, so that a storm of refusals does not become a storm of listings.
const CHECK_PAUSE: Duration = Duration::from_millis(200);

/// One check in so many also lists every pack; the others look at the directory, its identity and the room.
const LIST_EVERY: u32 = 12;

/// Free bytes beyond the reserve before a full replica is used again, so that it does not flap.
const READY_AGAIN_BYTES: u64 = 64 * 1024 * 1024;

/// Runs until the store stops.
pub(crate) fn run(shared: &Shared) {
    let mut checked = Instant::now();
    let mut wanted = false;
    let mut checks: u32 = 0;
    loop {
        let pause = if wanted { CHECK_PAUSE } else { STALL_LOOK.min(shared.config.check_interval) };
        let woken = shared.keeper.wait(pause);
        give_up_hung(shared);
        seal_settled(shared);
        // Whoever is refused for want of a replica wakes the keeper: what was wrong may be right again.
        wanted |= woken && shared.state().able().count() < shared.backends.len();
        let since = checked.elapsed();
        if since >= shared.config.check_interval || (wanted && since >= CHECK_PAUSE) {
            notice_missing(shared);
            report(shared);
            checks = checks.wrapping_add(1);
            check(shared, checks.is_multiple_of(LIST_EVERY));
            checked = Instant::now();
            wanted = false;
        }
        report(shared);
        if shared.stopping() {
            return;
        }
    }
}

/// Takes out replicas whose place is gone.
pub(crate) fn notice_missing(shared: &Shared) {
    for (index, backend) in shared.backends.iter().enumerate() {
        if !backend.exists() {
            let mut state = shared.state();
            if state.replicas.get(index).is_some_and(|replica| replica.state == ReplicaState::Ready) {
                let answers = state.replica_out(index, ReplicaState::Missing);
                answer(&mut state, answers);
            }
        }
    }
}

/// Looks at every replica once, at all its packs when `list` is set.
pub(crate) fn check(shared: &Shared, list: bool) {
    for (index, backend) in shared.backends.iter().enumerate() {
        release_unneeded(shared, index);
        let out = |state: &ReplicaState| match state {
            ReplicaState::Failed(_) | ReplicaState::Draining | ReplicaState::Drained => true,
            ReplicaState::Ready | ReplicaState::Full | ReplicaState::Missing => false,
        };
        if shared.state().replicas.get(index).is_none_or(|replica| out(&replica.state)) {
            continue;
        }
        if let Err(error) = check_replica(shared, index, backend.as_ref(), list) {
            tracing::warn!(replica = %shared.label(index), %error, "a replica could not be checked");
            shared.replica_out(index, &error);
        }
    }
    if list {
        judge_packs(shared);
    }
}

/// Judges packs from before the start again: those that could not be decided for want of replicas, and those that
/// only a replica holds which was away.
fn judge_packs(shared: &Shared) {
    let _one_at_a_time = shared.judging.lock().unwrap_or_else(PoisonError::into_inner);
    let mut backends = Vec::new();
    let mut listings = Vec::new();
    let mut known = Vec::new();
    for (index, backend) in shared.backends.iter().enumerate() {
        let ready = |replica: &super::state::Replica| replica.state == ReplicaState::Ready;
        let usable = shared.state().replicas.get(index).is_some_and(ready);
        let listed = if usable { backend.list().ok() } else { None };
        let identity = backend.identity().ok().flatten().as_deref().and_then(decode_identity);
        known.push(listed.is_some() && identity == Some(shared.store_id));
        backends.push(listed.is_some().then(|| Arc::clone(backend)));
        listings.push(Listing::new(&listed.unwrap_or_default()));
    }
    let witnesses = Witnesses::new(known, shared.config.write_quorum);
    let numbers: BTreeSet<u64> = listings.iter().flat_map(Listing::packs).collect();
    for number in numbers {
        let worth_it = {
            let state = shared.state();
            // A pack is read in full when it is judged, so only when there is something new to learn.
            let held = |copy: &Copy| *copy != Copy::Lacking;
            let changed = state.packs.get(&number).is_none_or(|pack| {
                pack.copies.iter().zip(&listings).any(|(copy, listing)| held(copy) != listing.holds(number))
            });
            state.is_undecided(number) && (changed || witnesses.suffice(number, &listings, |_| true))
        };
        if worth_it && !shared.stopping() {
            let pack = recover_pack(&shared.store_id, number, &backends, &listings, &witnesses);
            (0..shared.backends.len()).for_each(|index| shared.files.forget(index, number));
            shared.state().judged(number, pack);
        }
    }
    shared.repairer.wake();
}

/// Seals what nobody writes any more.
pub(crate) fn seal_settled(shared: &Shared) {
    let plans = shared.state().sealable();
    for plan in plans {
        seal(shared, &plan);
    }
}

fn seal(shared: &Shared, plan: &SealPlan) {
    let mut done = Vec::new();
    for index in &plan.complete {
        let Some(backend) = shared.backends.get(*index) else { continue };
        match backend.seal(plan.pack, plan.end) {
            Ok(()) => done.push(*index),
            Err(error) => shared.replica_out(*index, &error),
        }
    }
    if plan.complete.is_empty() {
        // Nothing in this pack was ever acknowledged.
        for backend in &shared.backends {
            if let Err(error) = backend.remove(plan.pack) {
                tracing::debug!(%error, "an empty pack stays until the next open");
            }
        }
    }
    shared.state().sealed(plan, &done);
    shared.repairer.wake();
}

fn check_replica(shared: &Shared, index: usize, backend: &dyn Backend, list: bool) -> io::Result<()> {
    let missing = |replica: &super::state::Replica| replica.state == ReplicaState::Missing;
    let known_missing = shared.state().replicas.get(index).is_some_and(missing);
    let mut list = list || known_missing;
    let mut refilling = false;
    if !backend.exists() {
        if !known_missing {
            // Gone since it was looked for: told first, and made again at the next look.
            return Err(io::ErrorKind::NotFound.into());
        }
        list = true;
        shared.files.forget_replica(index);
        backend.prepare()?;
    }
    match backend.identity()? {
        None => {
            // The directory was emptied or made anew by someone else. It is told whose it is when it is refilled:
            // until then it must not pass for one that has seen what it was never given.
            list = true;
            refilling = true;
        }
        Some(bytes) => match decode_identity(&bytes) {
            Some(store) if store == shared.store_id => {}
            Some(_) => return Err(io::Error::other("the directory belongs to another store")),
            None => backend.set_identity(&encode_identity(&shared.store_id))?,
        },
    }
    if list {
        compare_packs(shared, index, backend)?;
    }
    if refilling && shared.state().is_complete_on(index) {
        backend.set_identity(&encode_identity(&shared.store_id))?;
        shared.emit(&StoreEvent::ReplicaFilled { replica: ReplicaId(index) });
    }
    let free = backend.space()?.free_bytes;
    let mut state = shared.state();
    let reserve = state.limits.reserve_bytes.saturating_add(READY_AGAIN_BYTES);
    let Some(replica) = state.replicas.get_mut(index) else { return Ok(()) };
    replica.free_bytes = free;
    let back = match replica.state {
        ReplicaState::Missing => true,
        ReplicaState::Full => free >= reserve,
        ReplicaState::Ready | ReplicaState::Failed(_) | ReplicaState::Draining | ReplicaState::Drained => {
            false
        }
    };
    if back {
        state.replica_ready(index);
    }
    drop(state);
    shared.repairer.wake();
    Ok(())
}

/// Compares the packs that should lie on a replica with those that do, by name and length.
fn compare_packs(shared: &Shared, index: usize, backend: &dyn Backend) -> io::Result<()> {
    // Expected first, listed second: a pack that appears in between is simply not looked at.
    let expected = expected(shared, index);
    let listed = Listing::new(&backend.list()?);
    let gone = |(pack, bytes): &(u64, Option<u64>)| match bytes {
        Some(_) => listed.sealed(*pack) != *bytes,
        None => !listed.holds(*pack),
    };
    for (pack, bytes) in expected.into_iter().filter(gone) {
        shared.files.forget(index, pack);
        let noticed = match bytes {
            Some(_) => shared.state().lacking(pack, index),
            None => {
                // The file under our hands lost its name.
                shared.replica_out(index, &io::ErrorKind::NotFound.into());
                false
            }
        };
        if noticed {
            let reason = "the pack is missing or has the wrong length".to_owned();
            shared.emit(&StoreEvent::Quarantined { replica: ReplicaId(index), pack, offset: 0, reason });
        }
    }
    Ok(())
}

/// Packs that should lie on a replica, with their length when it is final.
fn expected(shared: &Shared, index: usize) -> Vec<(u64, Option<u64>)> {
    let state = shared.state();
    let of = |(id, pack): (&u64, &super::state::Pack)| match pack.copies.get(index) {
        Some(Copy::Whole) => Some((*id, Some(pack.end))),
        Some(Copy::Growing { durable, out: false }) if *durable > 0 && pack.phase == Phase::Active => {
            Some((*id, None))
        }
        Some(Copy::Growing { .. } | Copy::Lacking) | None => None,
    };
    state.packs.iter().filter_map(of).collect()
}

fn give_up_hung(shared: &Shared) {
    let limit = shared.config.stall_limit;
    let mut state = shared.state();
    for index in 0..shared.backends.len() {
        let busy = state.replicas.get(index).and_then(|replica| replica.busy_since);
        if busy.is_some_and(|since| since.elapsed() > limit) {
            let reason = format!("a write took longer than {} s", limit.as_secs());
            if let Some(replica) = state.replicas.get_mut(index) {
                replica.hung = true;
                replica.busy_since = None;
            }
            let answers = state.replica_out(index, ReplicaState::Failed(reason));
            answer(&mut state, answers);
        }
    }
}

/// Tells the owner and the metrics how replicas changed: each change, also one that did not last.
fn report(shared: &Shared) {
    let (changes, ready, waiting, missing) = {
        let mut state = shared.state();
        let quorum = &state.limits.quorum;
        let missing = quorum.domains().saturating_sub(quorum.domains_among(state.able()));
        let ready: Vec<bool> =
            state.replicas.iter().map(|replica| replica.state == ReplicaState::Ready).collect();
        (state.take_changes(), ready, state.repairs.len(), missing)
    };
    gauge!("yingdun_storage_repairs_waiting").set(waiting as f64);
    gauge!("yingdun_storage_write_domains_missing").set(missing as f64);
    for (index, ready) in ready.into_iter().enumerate() {
        gauge!("yingdun_storage_replica_ready", "replica" => shared.label(index))
            .set(f64::from(u8::from(ready)));
    }
    for (index, now) in changes {
        let replica = ReplicaId(index);
        shared.emit(&match now {
            ReplicaState::Ready => StoreEvent::ReplicaReady { replica },
            ReplicaState::Full => StoreEvent::ReplicaFull { replica },
            ReplicaState::Missing => StoreEvent::ReplicaMissing { replica },
            ReplicaState::Failed(reason) => StoreEvent::ReplicaFailed { replica, reason },
            ReplicaState::Draining => StoreEvent::ReplicaDraining { replica },
            ReplicaState::Drained => StoreEvent::ReplicaDrained { replica },
        });
    }
}
