//! The catalogue as the use cases see it: rows follow acknowledgements, and nobody sees the gap.
//!
//! A durable record is handed to a writer that applies whatever waits in one transaction. Until then its
//! version and evidence are remembered here, and a reader waits until everything that was acknowledged before
//! it came has been applied. The queue is bounded: when the database falls behind, acknowledgements wait.

use crate::error::{Unavailable, unavailable};
use crate::known::{self, Known, KnownError, Waiting};
use crate::pseudonym::InstitutionKeys;
use crate::rows::{self, Latest, Row};
use crate::versions::Versions;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedMutexGuard, mpsc, watch};
use yingdun_catalog::catalogue::events::Arrival;
use yingdun_catalog::catalogue::{self, Batch, Watermark, remove, versions};
use yingdun_catalog::{CatalogError, Database};
use yingdun_keys::KeyIdentity;
use yingdun_model::{Clock, InstanceRef, InstitutionId, StoreNumber, StudyRef, Timestamp};
use yingdun_storage::{Location, PackPosition, Store, StoreLocation};

/// Rows that may wait for the database. At 600 instances a second this is more than ten seconds of backlog;
/// a row has about 3 KB.
const WAITING_ROWS_MAX: usize = 8192;

/// Rows in one transaction: enough to make the commit cheap per row, few enough that readers wait briefly.
const ROWS_PER_TRANSACTION: usize = 256;

/// The first pause after the database refused a transaction; doubled up to [`RETRY_PAUSE_MAX`].
const RETRY_PAUSE: Duration = Duration::from_millis(50);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(5);

/// The pause before what another node described meanwhile is read and merged: about as long as its next transaction takes.
const MERGE_PAUSE: Duration = Duration::from_millis(5);

/// How often a study is read and removed while other nodes describe it anew. They stop when they see that its key is gone.
const REMOVALS_MAX: u32 = 64;

/// The longest that a reader waits for rows that were acknowledged before it came.
const CATCH_UP_MAX: Duration = Duration::from_secs(10);

/// A record that is applied longer than this after it was received comes from a catalogue that is filled anew: nobody
/// waits for the rest of its study any more.
const ARRIVAL_AGE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// Records of destroyed studies that are remembered until it is noted in which packs they lie. More are noise that nobody removes.
const LATE_MAX: usize = 4096;

/// A record of a study that was destroyed before its row came to the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late {
    pub(crate) study: StudyRef,
    /// Which key it is sealed under; none when that is not known any more.
    pub(crate) key_made: Option<Timestamp>,
    /// The pack in which it lies.
    pub(crate) pack: u64,
}

/// When studies rest.
#[derive(Clone, Debug)]
pub(crate) struct Rests {
    pub(crate) clock: Arc<dyn Clock>,
    /// How long a study receives nothing before it rests.
    pub(crate) after: Duration,
}

impl Rests {
    /// The studies of these records, each with its newest record.
    fn arrivals(&self, store: StoreNumber, waiting: &[Waiting]) -> BTreeMap<StudyRef, Arrival> {
        let now = self.clock.now();
        let mut arrivals: BTreeMap<StudyRef, Arrival> = BTreeMap::new();
        for instance in waiting.iter().map(|waiting| &waiting.row.instance) {
            if instance.received.after(ARRIVAL_AGE_MAX) < now {
                continue;
            }
            let arrival = arrivals.entry(instance.study).or_insert_with(|| Arrival {
                institution: instance.institution.clone(),
                store,
                location: Vec::new(),
                rests: now.after(self.after),
            });
            if instance.location > arrival.location {
                arrival.location.clone_from(&instance.location);
            }
        }
        arrivals
    }
}

/// Writes rows behind the acknowledgements and reads them in front of them.
#[derive(Debug)]
pub(crate) struct Catalogue {
    database: Database,
    number: StoreNumber,
    /// Where other nodes may give versions as well.
    versions: Option<Versions>,
    queue: mpsc::Sender<Waiting>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// The highest number below which every row has been applied.
    applied: watch::Sender<u64>,
    /// How far the catalogue certainly is with this store.
    reached: Mutex<Option<Watermark>>,
    /// Whether the catalogue was emptied, or an older copy of it brought back, since it was that far.
    emptied: watch::Sender<bool>,
    /// Whether the records of earlier starts have been applied. Until then the store cannot say where a replay
    /// would have to begin.
    replayed: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    issued: u64,
    /// Acknowledged versions that wait for the database, by the numbers of their rows, with the moment at which their key was made.
    recent: HashMap<InstanceRef, (u64, Latest, Timestamp)>,
    /// Keys of studies that were destroyed since the start, by study and moment: what was sealed under one comes too late.
    destroyed: HashSet<(StudyRef, Timestamp)>,
    /// Studies that the writer has to forget before it goes on.
    forgotten: Vec<StudyRef>,
    /// What lies in the packs of destroyed studies without ever having had a row.
    late: Vec<Late>,
    turns: HashMap<InstanceRef, Arc<tokio::sync::Mutex<()>>>,
}

/// The right to commit one instance. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    shared: Arc<Shared>,
    instance: InstanceRef,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Catalogue {
    /// Starts the writer for a store, which has a number in this catalogue. It ends when the last handle is dropped and everything
    /// has been applied.
    /// Where several stores may fill the catalogue, versions are claimed; a store that is alone has nobody to claim them from, and
    /// another one is refused while it serves.
    pub(crate) fn start(
        database: Database,
        store: Store,
        number: StoreNumber,
        several: bool,
        rests: Rests,
    ) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING_ROWS_MAX);
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            applied: watch::Sender::new(0),
            reached: Mutex::default(),
            emptied: watch::Sender::new(false),
            replayed: AtomicBool::new(false),
        });
        tokio::spawn(write(database.clone(), store, number, rests, Arc::clone(&shared), waiting));
        let versions = several.then(|| Versions::start(database.clone(), number));
        Self { database, number, versions, queue, shared }
    }

    /// The number of the store from which this catalogue is filled here.
    pub(crate) const fn store_number(&self) -> StoreNumber {
        self.number
    }

    /// The database, for reads that need not see what was acknowledged a moment ago.
    pub(crate) const fn database(&self) -> &Database {
        &self.database
    }

    /// Waits for the right to commit this instance: one commit at a time, so that versions are counted right.
    pub(crate) async fn turn(&self, instance: InstanceRef) -> Turn {
        let turn = Arc::clone(self.shared.state().turns.entry(instance).or_default());
        let guard = turn.lock_owned().await;
        Turn { shared: Arc::clone(&self.shared), instance, guard: Some(guard) }
    }

    /// The newest version of an instance, acknowledged ones included that wait for the database under the key that was made then.
    pub(crate) async fn latest(
        &self,
        institution: &InstitutionId,
        instance: InstanceRef,
        key_made: Timestamp,
    ) -> Result<Option<Latest>, Unavailable> {
        // What waits under another key was destroyed by another node, and gets no row.
        if let Some((_, latest, made)) = self.shared.state().recent.get(&instance)
            && *made == key_made
        {
            return Ok(Some(*latest));
        }
        let row =
            catalogue::instances::latest(&self.database, institution, instance).await.map_err(unavailable)?;
        row.map(|row| {
            rows::latest(&row)
                .ok_or_else(|| Unavailable::new("catalogue", "a row has no evidence or location"))
        })
        .transpose()
    }

    /// The version behind the newest that is known: this store is to give it, and no other does. Whoever asks has the turn of the
    /// instance, or looks once more when he has.
    pub(crate) async fn next_version(
        &self,
        instance: InstanceRef,
        latest: Option<&Latest>,
    ) -> Result<u32, Unavailable> {
        let next = latest.map_or(1, |latest| latest.version.saturating_add(1));
        match &self.versions {
            Some(versions) => versions.claim(instance, next).await,
            None => Ok(next),
        }
    }

    /// Hands over the row of a durable record, sealed under the key of its study that was made at a moment. Waits only when the
    /// database is far behind. False when that key was destroyed meanwhile: nobody opens the record any more.
    pub(crate) async fn submit(&self, row: Row, location: StoreLocation, key_made: Timestamp) -> bool {
        let Ok(place) = self.queue.reserve().await else {
            // The writer has ended: the record is durable, and the next start replays it.
            tracing::warn!("a durable record waits for the next start to be catalogued");
            return true;
        };
        // INVARIANT: rows stand in the queue in the order of their numbers, because both happen under one lock. Under the same lock
        // a destroyed key is entered; so its rows are either before the removal of the study, or nowhere.
        let mut state = self.shared.state();
        let study = row.instance.study;
        if state.destroyed.contains(&(study, key_made)) {
            let pack = location.location.pack;
            state.put_late(Late { study, key_made: Some(key_made), pack });
            return false;
        }
        state.issued += 1;
        let number = state.issued;
        let newest = row.newest(location);
        let is_newer =
            |(_, waits, made): &(u64, Latest, Timestamp)| *made == key_made && waits.version > newest.version;
        // A record that had to wait may come behind a newer version.
        if !state.recent.get(&row.instance.reference).is_some_and(is_newer) {
            state.recent.insert(row.instance.reference, (number, newest, key_made));
        }
        place.send(Waiting { number, row, location, key_made });
        true
    }

    /// Remembers where records of destroyed studies lie that never had a row.
    pub(crate) fn put_late(&self, late: impl IntoIterator<Item = Late>) {
        let mut state = self.shared.state();
        late.into_iter().for_each(|late| state.put_late(late));
    }

    /// What was remembered of such records since the last call.
    pub(crate) fn take_late(&self) -> Vec<Late> {
        std::mem::take(&mut self.shared.state().late)
    }

    /// Removes everything that tells of a study whose key was destroyed. What is on its way under that key is turned away from now on.
    pub(crate) async fn remove_study(
        &self,
        keys: &InstitutionKeys,
        key: &KeyIdentity,
    ) -> Result<(), Unavailable> {
        self.shared.state().destroyed.insert((key.study, key.made));
        self.caught_up().await?;
        self.remove(keys, key.study, Some(key.made)).await
    }

    /// Removes the rows of a study of which nothing is on its way.
    pub(crate) async fn remove_rows(
        &self,
        keys: &InstitutionKeys,
        study: StudyRef,
    ) -> Result<(), Unavailable> {
        self.remove(keys, study, None).await
    }

    async fn remove(
        &self,
        keys: &InstitutionKeys,
        study: StudyRef,
        key_made: Option<Timestamp>,
    ) -> Result<(), Unavailable> {
        self.shared.state().forgotten.push(study);
        for _ in 0..REMOVALS_MAX {
            let read = known::terms_of(&self.database, keys, study).await.map_err(unavailable)?;
            let removed =
                remove::remove(&self.database, &keys.institution, study, read.as_ref(), key_made).await;
            if removed.map_err(unavailable)? {
                return Ok(());
            }
            tokio::time::sleep(MERGE_PAUSE).await;
        }
        Err(Unavailable::new(
            "catalogue",
            "other nodes describe a study anew all the time that is to be removed",
        ))
    }

    /// Whether other nodes fill the catalogue as well, and may have destroyed what this one has open.
    pub(crate) const fn is_shared(&self) -> bool {
        self.versions.is_some()
    }

    /// Waits until every row that was acknowledged before this call has been applied.
    pub(crate) async fn caught_up(&self) -> Result<&Database, Unavailable> {
        let issued = self.shared.state().issued;
        let mut applied = self.shared.applied.subscribe();
        let wait = applied.wait_for(|applied| *applied >= issued);
        match tokio::time::timeout(CATCH_UP_MAX, wait).await {
            Ok(Ok(_)) => Ok(&self.database),
            Ok(Err(_)) | Err(_) => Err(Unavailable::new("catalogue", "rows wait for the database")),
        }
    }

    /// Notes where a replay begins. From now on the catalogue is at least so far, unless it is emptied.
    pub(crate) async fn begin_replay(&self, from: PackPosition) -> Result<(), Unavailable> {
        catalogue::begin(&self.database, self.number).await.map_err(unavailable)?;
        self.shared.reach(watermark(self.number, from));
        Ok(())
    }

    /// Looks whether the catalogue is still as far as it was brought from here.
    pub(crate) async fn look_if_emptied(&self) -> Result<(), CatalogError> {
        is_emptied(&self.database, &self.shared).await.map(drop)
    }

    /// Waits until the catalogue was emptied under this node.
    pub(crate) async fn emptied(&self) {
        // The sender lives as long as this does.
        drop(self.shared.emptied.subscribe().wait_for(|emptied| *emptied).await);
    }

    /// Waits for the rows of a replay, for as long as rows are being applied, and lets the watermark follow what
    /// is stored from now on.
    pub(crate) async fn end_replay(&self, store: &Store) -> Result<(), Unavailable> {
        let mut applied = *self.shared.applied.borrow();
        while let Err(error) = self.caught_up().await {
            let now = *self.shared.applied.borrow();
            if now == applied {
                return Err(error);
            }
            applied = now;
        }
        self.shared.replayed.store(true, Ordering::Release);
        let to = watermark(self.number, store.replay_from());
        let batch = Batch { goes_on: self.shared.reached(), ..Batch::default() };
        catalogue::apply(&self.database, &batch, Some(to.clone())).await.map_err(unavailable)?;
        self.shared.reach(to);
        // What is not in the catalogue now is in no pack of this store.
        self.database.execute(vec![versions::give_up(self.number)]).await.map(drop).map_err(unavailable)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.guard.take();
        let mut state = self.shared.state();
        // The last one out removes the entry: the map holds one, nobody else holds or waits for it.
        if state.turns.get(&self.instance).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            state.turns.remove(&self.instance);
        }
    }
}

impl Shared {
    fn reached(&self) -> Option<Watermark> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The catalogue is so far now, or was further.
    fn reach(&self, to: Watermark) {
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = reached.as_ref().is_none_or(|known| (known.pack, known.offset) < (to.pack, to.offset));
        if behind {
            *reached = Some(to);
        }
    }
}

impl State {
    fn put_late(&mut self, late: Late) {
        if self.late.len() < LATE_MAX && !self.late.contains(&late) {
            self.late.push(late);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds this lock; were it to, the maps would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Applies what waits, in the order of acknowledgement, until there is no one left to hand over rows.
async fn write(
    database: Database,
    store: Store,
    number: StoreNumber,
    rests: Rests,
    shared: Arc<Shared>,
    mut waiting: mpsc::Receiver<Waiting>,
) {
    let mut batch = Vec::with_capacity(ROWS_PER_TRANSACTION);
    // What is in no catalogue because another node destroyed its study.
    let mut dropped: Vec<Waiting> = Vec::new();
    let mut known = Known::default();
    let mut reached = PackPosition::START;
    while waiting.recv_many(&mut batch, ROWS_PER_TRANSACTION).await > 0 {
        for study in std::mem::take(&mut shared.state().forgotten) {
            known.forget(study);
        }
        let mut pause = RETRY_PAUSE;
        let replayed = shared.replayed.load(Ordering::Acquire);
        reached = batch.iter().map(|waiting| behind(&waiting.location.location)).fold(reached, Ord::max);
        let before =
            |batch: &[Waiting]| watermark(number, applied_before(&store, batch, replayed.then_some(reached)));
        while let Err(error) = apply(&database, &rests, &mut known, &shared, &batch, before(&batch)).await {
            // What the catalogue has of them is read again.
            known = Known::default();
            if let KnownError::Catalogue(CatalogError::UnexpectedRows { .. }) = error {
                if is_emptied(&database, &shared).await.unwrap_or(false) {
                    // What waits is in the packs; the next start begins with them.
                    return;
                }
                match removed_elsewhere(&database, &batch).await {
                    Ok(gone) if gone.is_empty() => {
                        tracing::debug!(
                            rows = batch.len(),
                            "another node described the same studies; merging again"
                        );
                        tokio::time::sleep(MERGE_PAUSE).await;
                        continue;
                    }
                    Ok(gone) => {
                        tracing::info!(
                            studies = gone.len(),
                            "another node destroyed studies; rows of them are dropped"
                        );
                        dropped
                            .extend(batch.extract_if(.., |waiting| gone.contains(&waiting.sealed_under())));
                        let mut state = shared.state();
                        state.destroyed.extend(gone);
                        for Waiting { row, location, key_made, .. } in &dropped {
                            let (study, pack) = (row.instance.study, location.location.pack);
                            state.put_late(Late { study, key_made: Some(*key_made), pack });
                        }
                        continue;
                    }
                    // Looked at again below, with a pause as after the error that led here.
                    Err(error) => tracing::error!(%error, "it was not found out who destroyed what"),
                }
            }
            tracing::error!(%error, rows = batch.len(), "the catalogue did not take rows; trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_PAUSE_MAX);
        }
        let mut state = shared.state();
        for applied in batch.drain(..).chain(dropped.drain(..)) {
            store.mark_applied(&applied.location.location);
            let instance = applied.row.instance.reference;
            if state.recent.get(&instance).is_some_and(|(number, ..)| *number == applied.number) {
                state.recent.remove(&instance);
            }
            shared.applied.send_if_modified(|highest| {
                let higher = applied.number > *highest;
                *highest = applied.number.max(*highest);
                higher
            });
        }
    }
}

async fn apply(
    database: &Database,
    rests: &Rests,
    known: &mut Known,
    shared: &Shared,
    batch: &[Waiting],
    watermark: Watermark,
) -> Result<(), KnownError> {
    let arrivals = rests.arrivals(watermark.store, batch);
    let batch = Batch { arrivals, goes_on: shared.reached(), ..known.take(database, batch).await? };
    catalogue::apply(database, &batch, Some(watermark.clone())).await?;
    shared.reach(watermark);
    Ok(())
}

/// Whether the catalogue is no longer as far as it was; then it is said.
async fn is_emptied(database: &Database, shared: &Shared) -> Result<bool, CatalogError> {
    let Some(known) = shared.reached() else { return Ok(false) };
    let is_emptied = !catalogue::reaches(database, &known).await?;
    if is_emptied && !shared.emptied.send_replace(true) {
        metrics::counter!("yingdun_catalogue_emptied_total").increment(1);
        tracing::error!(
            "the catalogue was emptied, or an older copy brought back, while this node serves: start it anew, and it fills the \
             catalogue from its packs"
        );
    }
    Ok(is_emptied)
}

/// Which of these studies another node has removed from the catalogue, with the keys that were destroyed.
async fn removed_elsewhere(
    database: &Database,
    batch: &[Waiting],
) -> Result<HashSet<(StudyRef, Timestamp)>, CatalogError> {
    let keys = batch.iter().map(Waiting::sealed_under).collect();
    Ok(remove::removed(database, &keys).await?.into_iter().collect())
}

/// Before which place every record has been applied when this batch has, which is not empty.
fn applied_before(store: &Store, batch: &[Waiting], reached: Option<PackPosition>) -> PackPosition {
    // INVARIANT: every acknowledged record before the watermark has been applied. A replay hands over records in
    // the order of their positions, so all before this batch have been; the store knows of none of them.
    // The watermark never passes the last record that exists either: a pack that was begun and lost gives its number back at the
    // next start, and what is stored there then must not lie before the watermark.
    match reached {
        Some(reached) => store.replay_from().min(reached),
        None => batch.first().map_or(PackPosition::START, |waiting| waiting.location.location.position()),
    }
}

/// The position behind a record.
fn behind(location: &Location) -> PackPosition {
    PackPosition { pack: location.pack, offset: location.end() }
}

fn watermark(store: StoreNumber, from: PackPosition) -> Watermark {
    Watermark { store, pack: from.pack, offset: from.offset }
}
