//! Packs of which nobody can open a record any more: what lies in a pack, and its removal when its owner says so.
//!
//! A place elsewhere removes its copy first, and the replicas follow at once. A crash before leaves the pack on the replicas, and
//! the place is sent it again; a crash between two replicas leaves it on some, and the others get it back. Whoever wanted it gone
//! asks again. Nothing has to be remembered for that. Packs that were made of it ([`super::rewrite`]) have to be whole everywhere before.

use super::Store;
use super::read::blocking;
use super::shared::Shared;
use super::state::{Hindrance, Phase};
use super::walk::{Extent, Source, records_of};
use crate::{HeldRecord, RemovalError, StoreError};
use metrics::counter;
use std::io;
use std::sync::{Arc, PoisonError};

impl Store {
    /// The records of a sealed pack by their plain headers; nothing when it is not sealed, or when there are bytes in it that belong
    /// to no record. Only headers are read.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when no replica of the pack can be read.
    pub async fn pack_records(&self, pack: u64) -> Result<Option<Vec<HeldRecord>>, StoreError> {
        let shared = Arc::clone(self.shared());
        let read = blocking(move || records(&shared, pack)).await;
        read.map_err(|_| StoreError::Unreadable { pack })
    }

    /// Begins a new pack with the next record. Every record that was given a place until now lies in a pack below the number that
    /// this gives, and every later one does not; so it can be said of a whole pack that it is older than this moment.
    #[must_use]
    pub fn end_pack(&self) -> u64 {
        let below = self.shared().state().end_pack();
        self.shared().keeper.wake();
        below
    }

    /// Whether a pack can be removed now.
    ///
    /// # Errors
    /// [`RemovalError`] says why not.
    pub fn can_remove_pack(&self, pack: u64) -> Result<(), RemovalError> {
        let shared = self.shared();
        possible(shared, shared.state().hindrance(pack), pack)?;
        match shared.offsite.iter().find(|offsite| offsite.has_released(pack).is_none()) {
            Some(offsite) => Err(RemovalError::Offsite { label: offsite.config.label.clone() }),
            None => Ok(()),
        }
    }

    /// Removes a sealed pack from every off-site replica and then from every replica, and says how many bytes it had. What was in it
    /// and in no other pack is gone. Until it is gone it can be read, and [`Self::keep_pack`] takes the decision back.
    ///
    /// # Errors
    /// [`RemovalError`]; after [`RemovalError::Busy`] and [`RemovalError::Behind`] it is worth asking again soon.
    pub async fn remove_pack(&self, pack: u64) -> Result<u64, RemovalError> {
        let shared = Arc::clone(self.shared());
        let removed = tokio::task::spawn_blocking(move || remove(&shared, pack));
        removed.await.map_err(|_| RemovalError::Closed)?
    }

    /// A pack whose removal has begun is to stay: where a place elsewhere removed its copy already, it is sent again.
    pub fn keep_pack(&self, pack: u64) {
        stays(self.shared(), pack);
    }
}

fn records(shared: &Shared, pack: u64) -> io::Result<Option<Vec<HeldRecord>>> {
    let (end, order) = {
        let state = shared.state();
        match state.packs.get(&pack) {
            Some(held) if held.phase == Phase::Sealed => (held.end, state.preference(pack, &(0..held.end))),
            Some(_) | None => return Ok(None),
        }
    };
    let open = |replica| shared.file(replica, pack).ok().map(|file| Source { replica, file });
    let sources: Vec<Source> = order.into_iter().filter_map(open).collect();
    if sources.is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    records_of(&Extent { pack, end, store: &shared.store_id }, &sources)
}

fn remove(shared: &Shared, pack: u64) -> Result<u64, RemovalError> {
    let made: Vec<(u64, u64)> = {
        let state = shared.state();
        possible(shared, state.hindrance(pack), pack)?;
        state.made_of(pack).map(|(copy, held)| (copy, held.end)).collect()
    };
    for offsite in &shared.offsite {
        let label = || offsite.config.label.clone();
        for (copy, bytes) in &made {
            match offsite.has_whole(*copy, *bytes) {
                Some(true) => {}
                Some(false) => return Err(RemovalError::Behind { copy: *copy, label: label() }),
                None => return Err(RemovalError::Offsite { label: label() }),
            }
        }
    }
    shared.state().leaving.insert(pack);
    shared.offsite.iter().for_each(|offsite| offsite.signal.wake());
    for offsite in &shared.offsite {
        let label = || offsite.config.label.clone();
        match offsite.has_released(pack) {
            Some(true) => {}
            Some(false) => return Err(RemovalError::Busy { label: label() }),
            None => return Err(RemovalError::Offsite { label: label() }),
        }
    }
    // Whoever judges packs takes up what lies on a replica and is not known.
    let _one_at_a_time = shared.judging.lock().unwrap_or_else(PoisonError::into_inner);
    let held = {
        let mut state = shared.state();
        possible(shared, state.hindrance(pack), pack)?;
        state.take_out(pack).ok_or(RemovalError::Unknown(pack))?
    };
    let bytes = held.end;
    for (index, backend) in shared.backends.iter().enumerate() {
        let removed = backend.remove(pack);
        // Somebody who still has a place in it may have opened it meanwhile; the room comes back when it is closed.
        shared.files.forget(index, pack);
        let Err(source) = removed else { continue };
        let backends = shared.backends.iter().enumerate();
        let left_on: Vec<usize> =
            backends.filter(|(_, other)| other.open(pack, false).is_ok()).map(|(index, _)| index).collect();
        if left_on.is_empty() {
            // A crash may bring a name back that is not durably gone; then it is asked for again.
            tracing::warn!(replica = %shared.label(index), error = %source, "a pack is gone, perhaps not durably");
            continue;
        }
        shared.state().put_back(pack, held, &left_on);
        stays(shared, pack);
        shared.repairer.wake();
        return Err(RemovalError::Io { pack, label: shared.label(index), source });
    }
    stays(shared, pack);
    counter!("yingdun_storage_removed_packs_total").increment(1);
    counter!("yingdun_storage_removed_bytes_total").increment(bytes);
    Ok(bytes)
}

/// Nothing is being removed of this pack any more.
fn stays(shared: &Shared, pack: u64) {
    shared.state().leaving.remove(&pack);
    for offsite in &shared.offsite {
        offsite.forget_released(pack);
        offsite.signal.wake();
    }
}

pub(super) fn possible(shared: &Shared, hindrance: Option<Hindrance>, pack: u64) -> Result<(), RemovalError> {
    match hindrance {
        None => Ok(()),
        Some(Hindrance::Unknown) => Err(RemovalError::Unknown(pack)),
        Some(Hindrance::Newest) => Err(RemovalError::Newest(pack)),
        Some(Hindrance::Unapplied) => Err(RemovalError::Unapplied(pack)),
        Some(Hindrance::Replica(index)) => Err(RemovalError::Replica { pack, label: shared.label(index) }),
        Some(Hindrance::Copy(copy, index)) => {
            Err(RemovalError::Copy { pack, copy, label: shared.label(index) })
        }
    }
}
