//! Taking a replica out of service and putting another folder in its place, while the store serves.

use super::Store;
use super::recover::{Listing, owner_of};
use super::shared::{Shared, answer};
use super::state::Shortfall;
use crate::replica::{Backend, Listed, Note};
use crate::{ReplicaId, ReplicaState, ServiceError};
use std::io;
use std::sync::{Arc, PoisonError};

/// What the note of a replica says while it is taken out of service, also after a restart.
const DRAINING: &[u8] = b"draining\n";
pub(crate) const SERVING: &[u8] = b"serving\n";
/// What it says while it is filled from an off-site replica and no store may be opened on it.
pub(crate) const RESTORING: &[u8] = b"restoring\n";

impl Store {
    /// The replica with a label.
    #[must_use]
    pub fn replica_named(&self, label: &str) -> Option<ReplicaId> {
        let config = &self.shared().config;
        let labels = config.replicas.iter().map(|replica| &replica.label);
        let offsite = config.offsite.iter().map(|offsite| &offsite.label);
        labels.chain(offsite).position(|other| other == label).map(ReplicaId)
    }

    /// Takes a replica out of service, also over restarts: it takes no more writes, and what too few others have is
    /// copied from it. When its state is [`ReplicaState::Drained`], nothing on it is needed and its disk may be taken away.
    ///
    /// # Errors
    /// [`ServiceError::StillNeeded`] and [`ServiceError::DomainStillNeeded`] when the others cannot reach the write
    /// quorum; [`ServiceError::WrongState`] when it is out already for another reason; [`ServiceError::Offsite`] for an off-site replica, of which nothing is ever
    /// needed.
    pub async fn drain(&self, replica: ReplicaId) -> Result<(), ServiceError> {
        if let Some(offsite) = self.shared().offsite_of(replica) {
            return Err(ServiceError::Offsite { label: offsite.config.label.clone() });
        }
        self.in_background(replica, drain).await
    }

    /// Puts a replica into service with what lies in its folder now: an empty folder, which is filled from the others
    /// and meanwhile takes part in writes; or, when it was drained, the folder that it had. An off-site replica is looked
    /// at anew: a place that is empty now is taken and filled.
    ///
    /// # Errors
    /// [`ServiceError`]; in particular a replica that failed comes back with an empty folder only, because nothing
    /// about what it holds is certain.
    pub async fn replace(&self, replica: ReplicaId) -> Result<(), ServiceError> {
        if let Some(offsite) = self.shared().offsite_of(replica) {
            offsite.replace();
            return Ok(());
        }
        self.in_background(replica, replace).await
    }

    async fn in_background(
        &self,
        replica: ReplicaId,
        work: fn(&Shared, usize, &dyn Backend) -> Result<(), ServiceError>,
    ) -> Result<(), ServiceError> {
        let shared = Arc::clone(self.shared());
        let Some(backend) = shared.backends.get(replica.index()).cloned() else {
            return Err(ServiceError::Unknown(replica));
        };
        let done = tokio::task::spawn_blocking(move || {
            let _one_at_a_time = shared.judging.lock().unwrap_or_else(PoisonError::into_inner);
            work(&shared, replica.index(), backend.as_ref())
        });
        done.await.map_err(|_| ServiceError::Unknown(replica))?
    }
}

/// Whether a replica was being taken out of service when the store was closed or killed.
pub(crate) fn was_draining(backend: &dyn Backend) -> bool {
    backend.note(Note::Service).ok().flatten().as_deref() == Some(DRAINING)
}

/// Whether a replica was being filled from an off-site replica, and is not complete.
pub(crate) fn is_restoring(backend: &dyn Backend) -> bool {
    backend.note(Note::Service).ok().flatten().as_deref() == Some(RESTORING)
}

/// Closes everything of a replica that is draining and not needed any more.
pub(crate) fn release_unneeded(shared: &Shared, index: usize) {
    {
        let mut state = shared.state();
        let needed = state.needed_on(index) > 0;
        let Some(replica) = state.replicas.get(index) else { return };
        if replica.state != ReplicaState::Draining || replica.busy_since.is_some() || needed {
            return;
        }
        state.change(index, ReplicaState::Drained);
    }
    shared.files.forget_replica(index);
    shared.locks.release(index);
}

fn drain(shared: &Shared, index: usize, backend: &dyn Backend) -> Result<(), ServiceError> {
    match state_of(shared, index) {
        ReplicaState::Draining | ReplicaState::Drained => return Ok(()),
        ReplicaState::Ready | ReplicaState::Full => {}
        other @ (ReplicaState::Missing | ReplicaState::Failed(_)) => {
            return Err(wrong_state(shared, index, "ready or full", &other));
        }
    }
    {
        let mut state = shared.state();
        let answers = state.drain(index).map_err(|shortfall| match shortfall {
            Shortfall::Copies { required, able } => ServiceError::StillNeeded { required, able },
            Shortfall::Domains { required, able, missing } => {
                ServiceError::DomainStillNeeded { required, able, missing }
            }
        })?;
        answer(&mut state, answers);
    }
    if let Some(writer) = shared.writers.get(index) {
        writer.notify_one();
    }
    shared.keeper.wake();
    backend.set_note(Note::Service, DRAINING).map_err(io_error(
        shared,
        index,
        "write down that it is drained",
    ))
}

fn replace(shared: &Shared, index: usize, backend: &dyn Backend) -> Result<(), ServiceError> {
    let label = || shared.label(index);
    let drained = match state_of(shared, index) {
        ReplicaState::Draining | ReplicaState::Drained => true,
        ReplicaState::Failed(_) | ReplicaState::Missing => false,
        other @ (ReplicaState::Ready | ReplicaState::Full) => {
            return Err(wrong_state(shared, index, "drained, missing or failed", &other));
        }
    };
    let busy = |replica: &super::state::Replica| replica.hung || replica.busy_since.is_some();
    if shared.state().replicas.get(index).is_some_and(busy) {
        return Err(ServiceError::Hung { label: label() });
    }
    shared.files.forget_replica(index);
    shared.locks.release(index);
    backend.prepare().map_err(io_error(shared, index, "make the folder"))?;
    let lock = backend.lock().map_err(io_error(shared, index, "lock the folder"))?;
    let packs = match acceptable(shared, index, backend, drained) {
        Ok(packs) => packs,
        Err(refusal) => {
            // A folder that is not taken is let go, so that its disk can be taken out again.
            if state_of(shared, index) == ReplicaState::Draining {
                shared.locks.hold(index, lock);
            }
            return Err(refusal);
        }
    };
    shared.locks.hold(index, lock);
    backend.sweep().map_err(io_error(shared, index, "remove what a crash left"))?;
    if was_draining(backend) {
        let written = backend.set_note(Note::Service, SERVING);
        written.map_err(io_error(shared, index, "write down that it serves"))?;
    }
    shared.state().replaced(index, &Listing::new(&packs));
    if let Some(scrub) = shared.scrubs.get(index) {
        scrub.begin_anew();
    }
    shared.keeper.wake();
    shared.repairer.wake();
    Ok(())
}

/// The packs in the folder of a replica, when it may go into service with them: none, or those of a replica that was
/// taken out in good order.
fn acceptable(
    shared: &Shared,
    index: usize,
    backend: &dyn Backend,
    drained: bool,
) -> Result<Vec<Listed>, ServiceError> {
    let label = || shared.label(index);
    let packs = backend.list().map_err(io_error(shared, index, "list the folder"))?;
    let owner = owner_of(backend, &packs).map_err(io_error(shared, index, "look into the folder"))?;
    if owner.is_some_and(|owner| owner != shared.store_id) {
        return Err(ServiceError::Foreign { label: label() });
    }
    if packs.is_empty() || (drained && owner.is_some()) {
        return Ok(packs);
    }
    Err(ServiceError::NotEmpty { label: label(), packs: packs.len() })
}

fn state_of(shared: &Shared, index: usize) -> ReplicaState {
    let state = shared.state();
    state.replicas.get(index).map_or(ReplicaState::Missing, |replica| replica.state.clone())
}

fn wrong_state(shared: &Shared, index: usize, expected: &'static str, found: &ReplicaState) -> ServiceError {
    let found = match found {
        ReplicaState::Ready => "ready",
        ReplicaState::Full => "full",
        ReplicaState::Missing => "missing",
        ReplicaState::Failed(_) => "failed",
        ReplicaState::Draining => "draining",
        ReplicaState::Drained => "drained",
    };
    ServiceError::WrongState { label: shared.label(index), expected, found }
}

fn io_error(shared: &Shared, index: usize, doing: &'static str) -> impl Fn(io::Error) -> ServiceError {
    let label = shared.label(index);
    move |source| ServiceError::Io { label: label.clone(), doing, source }
}
