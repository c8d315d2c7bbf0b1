//! Off-site replicas: what the rest of the store sees of them. One thread each (`courier`) does the work.
//!
//! | module | |
//! |---|---|
//! | `plan` | what is sent next: pure |
//! | `courier` | the thread: connects, sends, checks, measures the lag, tries again |
//! | `content` | a pack or a piece of one, from copies whose records verify |
//! | `check` | reads what lies there |
//! | `memory` | what has to be known after a restart |
//! | `restore` | back from there, when no replica is left |
//! | `elsewhere` | copies of other stores' packs, while their nodes are away |
//!
//! Nothing here holds up a writer, the keeper or the repairer: they never call a place unless no replica has the bytes.

mod check;
mod content;
mod courier;
mod elsewhere;
mod memory;
mod plan;
mod restore;

pub(crate) use courier::run;
pub use elsewhere::CopiesElsewhere;
pub(crate) use memory::Memories;
pub(crate) use plan::Wanted;
pub use restore::{RestoreError, RestorePlan, Restored, plan_restore, restore};

use super::Store;
use super::recover::{IDENTITY_BYTES, decode_identity};
use super::scrub::Note;
use super::shared::{Shared, Signal};
use super::walk::Source;
use crate::record::format::{PACK_HEADER_BYTES, StoreId, decode_pack_header};
use crate::replica::place::{BucketPlace, BucketProbe, DirectoryPlace, Inventory, Object, Place, PlaceFile};
use crate::{
    BucketConfig, Disk, Location, OffsiteConfig, OffsitePlace, OffsiteState, OffsiteStatus, ReplicaId,
    ScrubState, ScrubStatus,
};
use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use yingdun_model::{Clock, SystemClock, Timestamp};

/// An off-site replica as others see it.
#[derive(Debug)]
pub(crate) struct Offsite {
    pub(crate) config: OffsiteConfig,
    pub(crate) place: Arc<dyn Place>,
    pub(crate) signal: Signal,
    wanted_now: AtomicBool,
    replaced: AtomicBool,
    view: Mutex<View>,
}

#[derive(Debug, Default)]
struct View {
    state: OffsiteState,
    inventory: Inventory,
    unknown_packs: u64,
    behind_since: Option<Timestamp>,
    sent_bytes: u64,
    note: Note,
    /// Packs somebody found damaged there.
    suspects: BTreeSet<u64>,
    /// Packs that are being removed, of which nothing lies there or is on its way any more.
    released: BTreeSet<u64>,
}

/// The store to which a place belongs: from its identity, or when that is damaged or gone, from the header of a pack.
pub(crate) fn owner(place: &dyn Place) -> io::Result<Option<StoreId>> {
    if let Some(store) = read_start(place, Object::Identity)?.as_deref().and_then(decode_identity) {
        return Ok(Some(store));
    }
    for (object, _) in place.list()? {
        if matches!(object, Object::Pack(_) | Object::Tail { from: 0, .. })
            && let Some(bytes) = read_start(place, object)?
            && let Some((_, store)) = bytes.get(..PACK_HEADER_BYTES as usize).and_then(decode_pack_header)
        {
            return Ok(Some(store));
        }
    }
    Ok(None)
}

/// The first bytes of an object, when it is there.
fn read_start(place: &dyn Place, object: Object) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match place.read_at(object, &mut bytes, IDENTITY_BYTES.max(PACK_HEADER_BYTES as usize), 0) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(|_| Some(bytes)),
    }
}

/// The place that a configuration names.
pub(crate) fn place_of(disk: &Arc<dyn Disk>, place: &OffsitePlace) -> io::Result<Arc<dyn Place>> {
    Ok(match place {
        OffsitePlace::Directory(root) => Arc::new(DirectoryPlace::new(Arc::clone(disk), root.clone())),
        OffsitePlace::Bucket(config) => Arc::new(BucketPlace::new(config)?),
    })
}

/// Tries out what a bucket does, with an object of its own beside the packs: writes it, reads it back, reads a range of it,
/// lists it, and removes it. Blocks, for a bounded time.
///
/// # Errors
/// What the first thing says that does not work.
pub fn probe_bucket(config: &BucketConfig) -> io::Result<BucketProbe> {
    BucketPlace::new(config)?.probe()
}

impl Offsite {
    /// # Errors
    /// `InvalidInput` when the place has an address that is none.
    pub(crate) fn new(disk: &Arc<dyn Disk>, config: &OffsiteConfig) -> io::Result<Self> {
        Ok(Self {
            config: config.clone(),
            place: place_of(disk, &config.place)?,
            signal: Signal::default(),
            wanted_now: AtomicBool::new(false),
            replaced: AtomicBool::new(false),
            view: Mutex::default(),
        })
    }

    /// Reads everything that lies there soon.
    pub(crate) fn check_now(&self) {
        self.wanted_now.store(true, Ordering::SeqCst);
        self.signal.wake();
    }

    /// Another place, or an emptied one, is there in its stead.
    pub(crate) fn replace(&self) {
        self.replaced.store(true, Ordering::SeqCst);
        self.signal.wake();
    }

    /// A pack there was found damaged by somebody who read it.
    pub(crate) fn suspect(&self, pack: u64) {
        self.view().suspects.insert(pack);
        self.signal.wake();
    }

    /// Whether nothing of a pack that is being removed lies there or is on its way; `None` while the place does not answer.
    pub(crate) fn has_released(&self, pack: u64) -> Option<bool> {
        let view = self.view();
        (view.state == OffsiteState::Ready).then(|| view.released.contains(&pack))
    }

    /// Whether a sealed pack lies there whole and was read back; `None` while the place does not answer.
    pub(crate) fn has_whole(&self, pack: u64, bytes: u64) -> Option<bool> {
        let view = self.view();
        let whole = view.inventory.packs().get(&pack) == Some(&bytes) && !view.suspects.contains(&pack);
        (view.state == OffsiteState::Ready).then_some(whole)
    }

    /// A pack is removed, or is not going to be.
    pub(crate) fn forget_released(&self, pack: u64) {
        self.view().released.remove(&pack);
    }

    /// A pack as far as the place has it, when the place was reached last. Asks nothing of it yet.
    pub(crate) fn file(&self, pack: u64) -> Option<PlaceFile> {
        let view = self.view();
        (view.state == OffsiteState::Ready)
            .then(|| PlaceFile::of(&self.place, &view.inventory, pack))
            .flatten()
    }

    /// How it stands against what it should have now.
    pub(crate) fn status(&self, replica: ReplicaId, wanted: &Wanted) -> OffsiteStatus {
        let view = self.view();
        let missing = plan::missing(&view.inventory, wanted);
        let behind_since = view.behind_since.unwrap_or_else(|| SystemClock.now());
        let lag_seconds = Some(behind_since).filter(|_| missing.packs > 0).map_or(0, |since| {
            let ms = SystemClock.now().as_ms().saturating_sub(since.as_ms());
            // Something that has just come is a second old, so that 0 always means that nothing is missing.
            u64::try_from(ms / 1000).unwrap_or(0).max(1)
        });
        let limit = self.config.lag_limit.as_secs();
        let running = view.note.next_pack.is_some() || self.wanted_now.load(Ordering::SeqCst);
        let packs = view.inventory.packs();
        OffsiteStatus {
            replica,
            label: self.config.label.clone(),
            failure_domain: self.config.failure_domain.clone(),
            address: self.place.address(),
            state: view.state.clone(),
            packs: packs.len() as u64,
            bytes: packs.values().sum(),
            lag_packs: missing.packs,
            lag_bytes: missing.bytes,
            lag_seconds,
            lag_limit_seconds: limit,
            behind: lag_seconds > limit,
            unknown_packs: view.unknown_packs,
            sent_bytes: view.sent_bytes,
            scrub: ScrubStatus {
                state: if running { ScrubState::Running } else { ScrubState::Resting },
                begun_ms: view.note.begun.filter(|_| running).map(Timestamp::as_ms),
                checked_bytes: view.note.done.bytes,
                bytes_left: view
                    .note
                    .next_pack
                    .map_or(0, |from| packs.range(from..).map(|(_, bytes)| bytes).sum()),
                checked_records: view.note.done.records,
                found: view.note.done.found,
                lost: view.note.done.lost,
                bytes_per_second: self.config.bytes_per_second_max,
                last: view.note.last,
            },
        }
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// The number under which an off-site replica is known.
    pub(crate) fn offsite_id(&self, index: usize) -> ReplicaId {
        ReplicaId(self.backends.len() + index)
    }

    /// The off-site replica of a number.
    pub(crate) fn offsite_of(&self, replica: ReplicaId) -> Option<&Offsite> {
        self.offsite.get(replica.index().checked_sub(self.backends.len())?)
    }

    /// A pack in the places that have any of it: for those who found no good bytes on a replica.
    pub(crate) fn offsite_sources(&self, pack: u64) -> Vec<Source> {
        let files = self.offsite.iter().enumerate().filter_map(|(index, offsite)| {
            let file = offsite.file(pack)?;
            Some(Source { replica: self.offsite_id(index).index(), file: Arc::new(file) })
        });
        files.collect()
    }
}

impl Store {
    /// The off-site replicas that have a record, for a reader to whom no replica of [`Self::replicas_for`] gave good
    /// bytes. They are slow, and they prove nothing about what is durable here.
    #[must_use]
    pub fn offsite_for(&self, location: &Location) -> Vec<ReplicaId> {
        let shared = self.shared();
        let has = |index: &usize| {
            let file = shared.offsite.get(*index).and_then(|offsite| offsite.file(location.pack));
            file.is_some_and(|file| file.end() >= location.end())
        };
        (0..shared.offsite.len()).filter(has).map(|index| shared.offsite_id(index)).collect()
    }
}
