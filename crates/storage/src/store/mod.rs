//! The store: one face for callers, a writer thread per replica, a keeper and a repairer behind it.

mod append;
mod keeper;
mod large;
mod moved;
mod offsite;
mod open;
mod read;
mod recover;
mod removal;
mod repair;
mod rewrite;
mod scan;
mod scrub;
mod sealed;
mod service;
mod shared;
mod state;
mod walk;
mod writer;

pub use large::LargeRecord;
pub use offsite::{
    CopiesElsewhere, RestoreError, RestorePlan, Restored, plan_restore, probe_bucket, restore,
};
pub use scan::Scan;
pub use scrub::last_scrub;
pub use sealed::{PACK_READ_BYTES_MAX, PackExtent};
pub use state::may_be_made_of;

pub(crate) use recover::encode_identity;
pub(crate) use walk::{Extent, Source, first_beside_zero, read_record, records_of};

use crate::{
    DomainStatus, Location, PackPosition, ReplicaId, ReplicaState, ReplicaStatus, ScrubStatus, StoreStatus,
};
use read::blocking;
use shared::Shared;
use state::{Copy, Phase, Replicas};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often [`Store::close`] looks whether the writers are done.
const CLOSE_LOOK: Duration = Duration::from_millis(2);

/// How long the end of a store waits for a place elsewhere; what is cut off there is sent again.
const COURIER_TIME_MAX: Duration = Duration::from_secs(5);

/// An open store. Cheap to clone; when the last clone is dropped its threads finish what they do and end.
#[derive(Clone, Debug)]
pub struct Store {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    threads: Mutex<Vec<(Work, JoinHandle<()>)>>,
}

/// What a thread of the store does, as far as its end is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// It writes a replica, and may hang in a call of the operating system.
    Writer(usize),
    /// It calls a place elsewhere, which may take its time to answer.
    Courier,
    /// It ends soon by itself.
    Other,
}

impl Store {
    /// Says that the catalogue now holds a record durably.
    pub fn mark_applied(&self, location: &Location) {
        self.shared().state().forget_unapplied(location.position());
    }

    /// Where a replay after a crash has to begin: every record before this position was [`Self::mark_applied`].
    /// Store it with the catalogue. It says nothing about records from before this start: an owner first applies
    /// what [`Self::scan`] gives after opening, and only then stores positions.
    #[must_use]
    pub fn replay_from(&self) -> PackPosition {
        self.shared().state().replay_from()
    }

    /// Begins no pack with a number up to this position's: for an owner whose catalogue knows a position behind
    /// everything that the replicas show, because replicas are away or were emptied. What is stored from then on
    /// lies behind the position. Call it before the first record is stored.
    pub fn number_from(&self, position: PackPosition) {
        self.shared().state().number_from(position.pack);
    }

    /// How the store stands. Cheap, but it walks the list of packs: for people and probes, not for every request.
    #[must_use]
    pub fn status(&self) -> StoreStatus {
        let shared = self.shared();
        // Devices are asked before the state is locked: a question to the file system may take time.
        let devices: Vec<Option<u64>> = shared.backends.iter().map(|backend| backend.device().ok()).collect();
        let same = |index: usize, other: usize| index != other && devices.get(index) == devices.get(other);
        let known = |index: usize| devices.get(index).is_some_and(Option::is_some);
        let count = shared.backends.len();
        let state = shared.state();
        let unfinished = state.packs.values().filter(|pack| pack.phase == Phase::Unfinished).count();
        let replicas = shared.config.replicas.iter().zip(&state.replicas).enumerate();
        let replicas = replicas.map(|(index, (config, replica))| {
            let whole = state.packs.values().filter(|pack| pack.copies.get(index) == Some(&Copy::Whole));
            let (packs, bytes) = whole.fold((0, 0), |(packs, bytes), pack| (packs + 1, bytes + pack.end));
            let behind = state
                .packs
                .values()
                .filter(|pack| matches!(pack.copies.get(index), Some(Copy::Growing { .. })));
            ReplicaStatus {
                replica: ReplicaId(index),
                label: config.label.clone(),
                failure_domain: config.failure_domain.clone(),
                state: replica.state.clone(),
                packs,
                bytes,
                free_bytes: replica.free_bytes,
                lag_bytes: behind.map(|pack| pack.end.saturating_sub(pack.durable_on(index))).sum(),
                quarantined: state
                    .packs
                    .values()
                    .filter(|pack| pack.bad.iter().any(|(of, _)| *of == index))
                    .count() as u64,
                awaiting_repair: (state.repairs.iter().filter(|(_, of)| *of == index).count() + unfinished)
                    as u64,
                bytes_awaiting_repair: state.lacking_bytes(index),
                needed_packs: if replica.state == ReplicaState::Draining {
                    state.needed_on(index)
                } else {
                    0
                },
                repaired: replica.repaired,
                scrub: shared.scrubs.get(index).map_or_else(ScrubStatus::default, |scrub| {
                    scrub.status(|from| scrub::bytes_from(&state, index, from))
                }),
                same_device_as: (0..count)
                    .filter(|o| known(index) && same(index, *o))
                    .map(ReplicaId)
                    .collect(),
                same_domain_as: (0..count)
                    .filter(|other| *other != index)
                    .filter(|other| {
                        shared
                            .config
                            .replicas
                            .get(*other)
                            .is_some_and(|o| o.failure_domain == config.failure_domain)
                    })
                    .map(ReplicaId)
                    .collect(),
            }
        });
        let (quorum, able) = (&state.limits.quorum, state.able());
        let short_of = state.require_quorum(able).err().map(|error| error.to_string());
        let domain = |(name, of): (&str, Replicas)| DomainStatus {
            name: name.to_owned(),
            replicas: of.iter().map(ReplicaId).collect(),
            writable: of.iter().any(|index| able.contains(index)),
        };
        let mut status = StoreStatus {
            write_quorum: quorum.copies(),
            write_domains: quorum.domains(),
            domains: quorum.by_domain().map(domain).collect(),
            writable: !state.closed && short_of.is_none(),
            short_of,
            packs: state.packs.len() as u64,
            bytes: state.packs.values().map(|pack| pack.end).sum(),
            replicas: replicas.collect(),
            offsite: Vec::new(),
        };
        let (wanted, _known) = state.wanted();
        drop(state);
        let offsite = shared.offsite.iter().enumerate();
        status.offsite = offsite.map(|(index, of)| of.status(shared.offsite_id(index), &wanted)).collect();
        status
    }

    /// Looks at all directories and files now instead of at the next interval.
    pub async fn check_now(&self) {
        let shared = Arc::clone(self.shared());
        let checked = blocking(move || {
            keeper::notice_missing(&shared);
            keeper::check(&shared, true);
            Ok(())
        });
        if let Err(error) = checked.await {
            tracing::warn!(%error, "the replicas could not be checked");
        }
    }

    /// Takes no more records, waits for those under way, seals the active pack and ends the threads.
    pub async fn close(&self) {
        {
            let mut state = self.shared().state();
            state.closed = true;
            state.close_active();
        }
        self.shared().keeper.wake();
        while self.shared().state().has_closing() {
            self.shared().keeper.wake();
            tokio::time::sleep(CLOSE_LOOK).await;
        }
        let handle = Arc::clone(&self.handle);
        let ended = blocking(move || {
            handle.end();
            Ok(())
        });
        if let Err(error) = ended.await {
            tracing::warn!(%error, "the threads of the store could not be waited for");
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }
}

impl Handle {
    fn end(&self) {
        self.shared.stop();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let begun = Instant::now();
        for (work, thread) in threads {
            let left = match work {
                Work::Writer(index) => self.shared.state().replicas.get(index).is_some_and(|r| r.hung),
                Work::Courier => {
                    while !thread.is_finished() && begun.elapsed() < COURIER_TIME_MAX {
                        std::thread::sleep(CLOSE_LOOK);
                    }
                    !thread.is_finished()
                }
                Work::Other => false,
            };
            // What hangs in a call cannot be waited for.
            if !left && thread.join().is_err() {
                tracing::error!("a thread of the store had panicked");
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.end();
    }
}
