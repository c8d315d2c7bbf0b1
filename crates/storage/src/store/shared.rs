//! What the store's threads and its callers share: settings, replicas, the state behind its lock, open files.

use super::moved::Moves;
use super::offsite::{Memories, Offsite};
use super::scrub::Scrub;
use super::state::{Answers, State};
use crate::disk::DiskFile;
use crate::events::{StoreEvent, StoreEvents};
use crate::record::format::StoreId;
use crate::replica::Backend;
use crate::{ReplicaState, StoreConfig};
use std::any::Any;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Open files kept per store: far below the usual limit of 1024 per process, enough for the packs of a busy day.
const OPEN_FILES_MAX: usize = 256;

/// Shared by all handles and threads of one store.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: StoreConfig,
    pub(crate) store_id: StoreId,
    pub(crate) backends: Vec<Arc<dyn Backend>>,
    pub(crate) events: Arc<dyn StoreEvents>,
    /// Shares of the queue, in KiB.
    pub(crate) queue: Arc<Semaphore>,
    pub(crate) files: Files,
    /// Where records are that lay in packs which are gone.
    pub(crate) moves: Moves,
    /// Wakes the writer of one replica.
    pub(crate) writers: Vec<Condvar>,
    pub(crate) keeper: Signal,
    pub(crate) repairer: Signal,
    /// The off-site replicas.
    pub(crate) offsite: Vec<Offsite>,
    /// What has to be known of them after a restart.
    pub(crate) memories: Memories,
    /// The scrub of each replica.
    pub(crate) scrubs: Vec<Scrub>,
    /// Counts reads and writes of callers, also those that memory answers: who is not alone makes room on disks and processors.
    pub(crate) foreground: AtomicU64,
    pub(crate) stopping: AtomicBool,
    /// Held while packs from before the start are judged, which writes to their files.
    pub(crate) judging: Mutex<()>,
    /// Held until the last thread is gone, or the replica is out of service.
    pub(crate) locks: Locks,
    pub(crate) state: Mutex<State>,
}

/// What keeps other processes out of each replica.
#[derive(Debug)]
pub(crate) struct Locks(Mutex<Vec<Option<Box<dyn Any + Send + Sync>>>>);

impl Locks {
    pub(crate) fn new(held: Vec<Option<Box<dyn Any + Send + Sync>>>) -> Self {
        Self(Mutex::new(held))
    }

    pub(crate) fn hold(&self, index: usize, lock: Box<dyn Any + Send + Sync>) {
        self.put(index, Some(lock));
    }

    pub(crate) fn release(&self, index: usize) {
        self.put(index, None);
    }

    fn put(&self, index: usize, lock: Option<Box<dyn Any + Send + Sync>>) {
        if let Some(place) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(index) {
            *place = lock;
        }
    }
}

/// Wakes a background thread. A wake that comes while the thread works is not lost.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    woken: Mutex<bool>,
    changed: Condvar,
}

/// Files that are open for reading, the least recently used dropped first.
#[derive(Debug, Default)]
pub(crate) struct Files {
    open: Mutex<OpenFiles>,
}

#[derive(Debug, Default)]
struct OpenFiles {
    by_place: HashMap<(usize, u64), (Arc<dyn DiskFile>, u64)>,
    uses: u64,
    /// How often something was forgotten.
    forgotten: u64,
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Ends all threads as soon as they have finished what they do.
    pub(crate) fn stop(&self) {
        {
            let mut state = self.state();
            state.closed = true;
            self.stopping.store(true, Ordering::SeqCst);
        }
        self.queue.close();
        self.writers.iter().for_each(Condvar::notify_all);
        self.keeper.wake();
        self.repairer.wake();
        self.scrubs.iter().for_each(|scrub| scrub.signal.wake());
        self.offsite.iter().for_each(|offsite| offsite.signal.wake());
    }

    pub(crate) fn label(&self, index: usize) -> String {
        self.config.replicas.get(index).map_or_else(String::new, |replica| replica.label.clone())
    }

    pub(crate) fn emit(&self, event: &StoreEvent) {
        self.events.on_event(event);
    }

    /// The file of a pack on a replica, opened when it is not open yet. Blocks.
    pub(crate) fn file(&self, index: usize, pack: u64) -> io::Result<Arc<dyn DiskFile>> {
        self.files.get_or_open(index, pack, || {
            if self.state().is_drained(index) {
                // Whoever opened a file of it would keep its disk from being taken away.
                return Err(io::ErrorKind::NotFound.into());
            }
            let backend = self.backends.get(index).ok_or(io::ErrorKind::NotFound)?;
            backend.open(pack, false)
        })
    }

    /// Takes a replica out after an error and answers those who can no longer get their quorum.
    pub(crate) fn replica_out(&self, index: usize, error: &io::Error) {
        let mut state = self.state();
        let answers = state.replica_out(index, state_after(error));
        answer(&mut state, answers);
        drop(state);
        self.keeper.wake();
    }
}

/// What an error of a write, a sync or a creation means for its replica.
pub(crate) fn state_after(error: &io::Error) -> ReplicaState {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ReplicaState::Full,
        io::ErrorKind::NotFound => ReplicaState::Missing,
        _ => ReplicaState::Failed(error.to_string()),
    }
}

/// Answers waiting callers. Positions of callers that went away do not hold back the replay position.
pub(crate) fn answer(state: &mut State, answers: Answers) {
    for (position, reply, result) in answers {
        if reply.send(result).is_err() {
            state.forget_unapplied(position);
        }
    }
}

impl Signal {
    pub(crate) fn wake(&self) {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits until woken or until the time is over; true when woken.
    pub(crate) fn wait(&self, at_most: Duration) -> bool {
        let woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(woken, at_most, |woken| !*woken);
        let (mut woken, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *woken)
    }
}

impl Files {
    pub(crate) fn get(&self, index: usize, pack: u64) -> Option<Arc<dyn DiskFile>> {
        let mut open = self.open();
        open.uses += 1;
        let now = open.uses;
        let (file, used) = open.by_place.get_mut(&(index, pack))?;
        *used = now;
        Some(Arc::clone(file))
    }

    /// The file that is open, or the one that `open` opens. It is kept unless something was forgotten meanwhile: it may have
    /// been opened before a repaired copy took its name, and would be read as this replica's copy from then on.
    fn get_or_open(
        &self,
        index: usize,
        pack: u64,
        open: impl FnOnce() -> io::Result<Arc<dyn DiskFile>>,
    ) -> io::Result<Arc<dyn DiskFile>> {
        if let Some(file) = self.get(index, pack) {
            return Ok(file);
        }
        let forgotten = self.open().forgotten;
        let file = open()?;
        let mut open = self.open();
        if open.forgotten == forgotten {
            open.put(index, pack, Arc::clone(&file));
        }
        Ok(file)
    }

    /// To be called after the name was given to another file, or was removed.
    pub(crate) fn forget(&self, index: usize, pack: u64) {
        let mut open = self.open();
        open.forgotten += 1;
        open.by_place.remove(&(index, pack));
    }

    pub(crate) fn forget_replica(&self, index: usize) {
        let mut open = self.open();
        open.forgotten += 1;
        open.by_place.retain(|(of, _), _| *of != index);
    }

    fn open(&self) -> MutexGuard<'_, OpenFiles> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenFiles {
    fn put(&mut self, index: usize, pack: u64, file: Arc<dyn DiskFile>) {
        if self.by_place.len() >= OPEN_FILES_MAX {
            let oldest = self.by_place.iter().min_by_key(|(_, (_, used))| *used).map(|(place, _)| *place);
            oldest.map(|place| self.by_place.remove(&place));
        }
        self.uses += 1;
        self.by_place.insert((index, pack), (file, self.uses));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, RealDisk};

    #[test]
    fn a_file_that_was_opened_before_its_place_was_forgotten_is_not_kept() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("pack");
        let open = || {
            RealDisk.create(&path)?;
            RealDisk.open(&path, false)
        };
        let files = Files::default();
        for forget in [&|| files.forget(0, 7) as _, &|| files.forget_replica(0)] as [&dyn Fn(); 2] {
            let overtaken = || {
                let file = open();
                forget();
                file
            };
            files.get_or_open(0, 7, overtaken).unwrap();
            assert!(files.get(0, 7).is_none());
        }
        files.get_or_open(0, 7, open).unwrap();
        assert!(files.get(0, 7).is_some());
        files.get_or_open(0, 7, || panic!("it is open")).unwrap();
    }
}
