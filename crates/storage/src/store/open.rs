//! Opening a store: directories, locks, identity, recovery, threads.

use super::append::queue_shares;
use super::moved::Moves;
use super::offsite::{Memories, Offsite};
use super::recover::{Listing, Witnesses, encode_identity, owner_of, recover};
use super::scrub::Scrub;
use super::service::{is_restoring, was_draining};
use super::shared::{Files, Locks, Shared, Signal};
use super::state::{Limits, Quorum, Replica, State};
use super::{Handle, Store, Work, keeper, offsite, repair, scrub, writer};
use crate::config::{PACK_BYTES_MAX, REPLICAS_MAX, ReplicaConfig};
use crate::record::format::StoreId;
use crate::replica::{Backend, Directory, Listed};
use crate::{Disk, OFFSITE_MAX, ReplicaState, StoreConfig, StoreError, StoreEvents};
use std::any::Any;
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use tokio::sync::Semaphore;

/// A replica that was opened, or why it could not be.
type Opened = Result<Found, io::Error>;

/// What an opened replica says.
#[derive(Debug)]
struct Found {
    lock: Box<dyn Any + Send + Sync>,
    owner: Option<StoreId>,
    /// Whether it carried the identity of the store before this start; all do when the store is new.
    known: bool,
    packs: Vec<Listed>,
}

impl Store {
    /// Opens a store: makes missing directories, locks them, recovers packs that were open at a crash, starts
    /// the writers, and the repair of what is missing. A replica that cannot be opened counts as failed; the store
    /// opens when one can be read, and takes records when the write quorum can be written.
    ///
    /// A pack that was open at a crash is completed when so many replicas are there that every acknowledged record was
    /// seen by one of them (replicas − write quorum + 1). Until then it is served as it is, nothing of it is cut off,
    /// and it counts among [`ReplicaStatus::awaiting_repair`](crate::ReplicaStatus::awaiting_repair).
    ///
    /// # Errors
    /// [`StoreError::Config`], [`StoreError::ForeignReplica`], [`StoreError::InUse`]; [`StoreError::Io`] when no
    /// replica can be opened.
    pub async fn open(
        config: StoreConfig,
        disk: Arc<dyn Disk>,
        events: Arc<dyn StoreEvents>,
    ) -> Result<Self, StoreError> {
        let opened = tokio::task::spawn_blocking(move || open(config, &disk, events)).await;
        opened.map_err(|_| StoreError::Closed)?
    }
}

fn open(
    config: StoreConfig,
    disk: &Arc<dyn Disk>,
    events: Arc<dyn StoreEvents>,
) -> Result<Store, StoreError> {
    check_config(&config)?;
    let places = config.offsite.iter().map(|place| {
        let wrong = |error| StoreError::Config(format!("off-site replica `{}`: {error}", place.label));
        Offsite::new(disk, place).map_err(wrong)
    });
    let offsite = places.collect::<Result<Vec<Offsite>, StoreError>>()?;
    let backends: Vec<Arc<dyn Backend>> = config
        .replicas
        .iter()
        .map(|replica| -> Arc<dyn Backend> {
            Arc::new(Directory::new(Arc::clone(disk), replica.directory.clone()))
        })
        .collect();
    let mut opened = Vec::new();
    for (backend, replica) in backends.iter().zip(&config.replicas) {
        opened.push(open_replica(backend.as_ref(), replica)?);
    }
    if opened.iter().all(|opened| opened.as_ref().is_ok_and(|found| found.owner.is_none())) {
        check_is_new(&offsite)?;
    }
    let store_id = agree_on_store(&config, &backends, &mut opened)?;
    let usable: Vec<Option<Arc<dyn Backend>>> = backends
        .iter()
        .zip(&opened)
        .map(|(backend, opened)| opened.is_ok().then(|| Arc::clone(backend)))
        .collect();
    let listings: Vec<Listing> = opened
        .iter()
        .map(|opened| opened.as_ref().map_or_else(|_| Listing::default(), |found| Listing::new(&found.packs)))
        .collect();
    let known = opened.iter().map(|opened| opened.as_ref().is_ok_and(|found| found.known)).collect();
    let witnesses = Witnesses::new(known, config.write_quorum);
    let packs = recover(&store_id, &usable, &listings, &witnesses);

    let limits = Limits {
        quorum: Quorum::new(&config),
        pack_bytes_max: config.pack_bytes_max,
        reserve_bytes: config.reserve_bytes,
    };
    let replica = |(backend, opened): (&Arc<dyn Backend>, &Opened)| Replica {
        state: match opened {
            Ok(_) if was_draining(backend.as_ref()) => ReplicaState::Draining,
            Ok(_) => ReplicaState::Ready,
            Err(error) => ReplicaState::Failed(error.to_string()),
        },
        free_bytes: backend.space().map_or(0, |space| space.free_bytes),
        queue: VecDeque::new(),
        queued_bytes: 0,
        busy_since: None,
        times_out: 0,
        hung: false,
        repaired: 0,
    };
    let replicas = backends.iter().zip(&opened).map(replica).collect();
    let mut state = State::new(limits, replicas, packs);
    if !witnesses.suffice_for_all() {
        state.hold_replay();
    }
    for (index, backend) in usable.iter().enumerate() {
        let Some(backend) = backend else { continue };
        let new = witnesses.known.get(index) == Some(&false);
        if new && state.is_complete_on(index) {
            // The keeper tries again what fails here.
            if let Err(error) = backend.set_identity(&encode_identity(&store_id)) {
                tracing::warn!(replica = index, %error, "a new replica could not be given its identity");
            }
        }
    }
    let shared = Arc::new(Shared {
        store_id,
        events,
        queue: Arc::new(Semaphore::new(queue_shares(config.queue_bytes_max))),
        files: Files::default(),
        moves: Moves::default(),
        memories: Memories::recall(&backends),
        offsite,
        writers: backends.iter().map(|_| Condvar::new()).collect(),
        keeper: Signal::default(),
        repairer: Signal::default(),
        scrubs: backends.iter().map(|backend| Scrub::recall(backend.as_ref())).collect(),
        foreground: AtomicU64::new(0),
        stopping: AtomicBool::new(false),
        judging: Mutex::new(()),
        locks: Locks::new(opened.into_iter().map(|opened| opened.ok().map(|found| found.lock)).collect()),
        state: Mutex::new(state),
        backends,
        config,
    });
    start(shared)
}

/// Refuses to begin a new store beside a copy of an older one: the replicas are not mounted, or they are lost.
fn check_is_new(offsite: &[Offsite]) -> Result<(), StoreError> {
    for offsite in offsite {
        let label = offsite.config.label.clone();
        match offsite::owner(offsite.place.as_ref()) {
            Ok(None) => {}
            Ok(Some(_)) => return Err(StoreError::OnlyOffsite { label }),
            Err(source) => return Err(StoreError::MaybeOffsite { label, source }),
        }
    }
    Ok(())
}

fn check_config(config: &StoreConfig) -> Result<(), StoreError> {
    let (replicas, quorum) = (config.replicas.len(), config.write_quorum);
    let wrong = |what: String| Err(StoreError::Config(what));
    if !(1..=REPLICAS_MAX).contains(&replicas) {
        return wrong(format!("a store has 1 to {REPLICAS_MAX} replicas, {replicas} are configured"));
    }
    if !(1..=replicas).contains(&quorum) {
        return wrong(format!("the write quorum is 1 to {replicas} (the replicas), {quorum} is configured"));
    }
    let domains: BTreeSet<&str> =
        config.replicas.iter().map(|replica| replica.failure_domain.as_str()).collect();
    let (wanted, most) = (config.write_domains, quorum.min(domains.len()));
    if !(1..=most).contains(&wanted) {
        return wrong(format!(
            "a record lies in 1 to {most} failure domains (the write quorum is {quorum}, the replicas lie in {}), \
             {wanted} are configured",
            domains.len()
        ));
    }
    if config.pack_bytes_max == 0 || config.pack_bytes_max > PACK_BYTES_MAX {
        let bytes = config.pack_bytes_max;
        return wrong(format!("a pack has 1 to {PACK_BYTES_MAX} bytes, {bytes} are configured"));
    }
    if config.offsite.len() > OFFSITE_MAX {
        let count = config.offsite.len();
        return wrong(format!("a store has at most {OFFSITE_MAX} off-site replicas, {count} are configured"));
    }
    for (index, replica) in config.replicas.iter().enumerate() {
        if config.replicas.iter().skip(index + 1).any(|other| other.directory == replica.directory) {
            return wrong(format!("each replica has its own directory, `{}` shares one", replica.label));
        }
    }
    Ok(())
}

fn open_replica(backend: &dyn Backend, config: &ReplicaConfig) -> Result<Opened, StoreError> {
    let opened = backend.prepare().and_then(|()| {
        let lock = backend.lock()?;
        if is_restoring(backend) {
            return Ok(Err(()));
        }
        backend.sweep()?;
        let packs = backend.list()?;
        let owner = owner_of(backend, &packs)?;
        // An identity that is there but damaged was the store's own when a pack says so.
        let known = owner.is_some() && backend.identity()?.is_some();
        Ok(Ok(Found { lock, owner, known, packs }))
    });
    match opened {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(StoreError::InUse { label: config.label.clone() })
        }
        Ok(Err(())) => Err(StoreError::Unrestored { label: config.label.clone() }),
        Ok(Ok(found)) => Ok(Ok(found)),
        Err(error) => Ok(Err(error)),
    }
}

/// The store to which all replicas belong: that of the first replica that says so, or a new one. The replicas of a
/// new store and those whose identity is damaged are told. A replica that comes empty to a store is told only when it
/// holds everything: until then it must not pass for one that has seen what it was never given.
fn agree_on_store(
    config: &StoreConfig,
    backends: &[Arc<dyn Backend>],
    opened: &mut [Opened],
) -> Result<StoreId, StoreError> {
    let known = opened.iter().flatten().find_map(|found| found.owner);
    let store_id = match known {
        Some(store_id) => store_id,
        None => {
            let mut fresh = StoreId::default();
            getrandom::fill(&mut fresh).map_err(|error| {
                StoreError::Config(format!("the system gives no random numbers: {error}"))
            })?;
            fresh
        }
    };
    for ((replica, backend), opened) in config.replicas.iter().zip(backends).zip(opened.iter_mut()) {
        let Ok(found) = opened else { continue };
        found.known |= known.is_none();
        if let Some(found) = found.owner.filter(|found| *found != store_id) {
            return Err(StoreError::ForeignReplica {
                label: replica.label.clone(),
                expected: hex::encode(store_id),
                found: hex::encode(found),
            });
        }
        let identity = encode_identity(&store_id);
        let told = match backend.identity() {
            Ok(Some(present)) if present == identity => Ok(()),
            Ok(_) if !found.known => Ok(()),
            Ok(_) => backend.set_identity(&identity),
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            *opened = Err(error);
        }
    }
    if opened.iter().any(Result::is_ok) {
        return Ok(store_id);
    }
    let failed = config.replicas.iter().zip(opened.iter_mut()).next();
    let (label, source) = match failed {
        Some((replica, Err(error))) => {
            (replica.label.clone(), std::mem::replace(error, io::ErrorKind::Other.into()))
        }
        Some((replica, Ok(_))) => (replica.label.clone(), io::ErrorKind::Other.into()),
        None => (String::new(), io::ErrorKind::Other.into()),
    };
    Err(StoreError::Io { label, doing: "open any replica; the first failed", source })
}

fn start(shared: Arc<Shared>) -> Result<Store, StoreError> {
    let mut threads = Vec::new();
    let mut spawn = |name: String, kind: Work, work: Box<dyn FnOnce(&Shared) + Send>| {
        let shared_here = Arc::clone(&shared);
        let spawned = thread::Builder::new().name(name).spawn(move || work(&shared_here));
        spawned.map(|thread| threads.push((kind, thread))).map_err(|source| StoreError::Io {
            label: String::new(),
            doing: "start the threads",
            source,
        })
    };
    for index in 0..shared.backends.len() {
        spawn(
            format!("storage-write-{index}"),
            Work::Writer(index),
            Box::new(move |shared| writer::run(shared, index)),
        )?;
    }
    for index in 0..shared.backends.len() {
        spawn(
            format!("storage-scrub-{index}"),
            Work::Other,
            Box::new(move |shared| scrub::run(shared, index)),
        )?;
    }
    spawn("storage-keep".to_owned(), Work::Other, Box::new(keeper::run))?;
    spawn("storage-repair".to_owned(), Work::Other, Box::new(repair::run))?;
    for index in 0..shared.offsite.len() {
        let work = Box::new(move |shared: &Shared| offsite::run(shared, index));
        spawn(format!("storage-send-{index}"), Work::Courier, work)?;
    }
    let handle = Handle { shared, threads: Mutex::new(threads) };
    Ok(Store { handle: Arc::new(handle) })
}
