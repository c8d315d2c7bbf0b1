//! Epochs: what is forgotten when keys are destroyed, so that copies of them that were left behind open no more.
//!
//! The root key lives as long as the archive. Were key-encryption keys wrapped under it, every copy of a row that the write-ahead
//! log, a free page or a disk image still has would open with it for ever. So they are wrapped under the key of an *epoch*: 32
//! random bytes, themselves wrapped under the root key, in a small file beside it and in no database. When the epoch ends, its
//! slot of the file is overwritten, and all that was wrapped under its key is noise to everybody, also to who holds the root key.
//!
//! ```text
//!  write ─► announce ─► share ─► rewrap ─► retire ─► overwrite
//!    │          │          │         │         │          └ the slot of the old epoch, where it lies
//!    │          │          │         │         └ the row of the old epoch: the database refuses as long as a key stands under it
//!    │          │          │         └ every key-encryption key, under the new epoch: a few rows
//!    │          │          └ until another node that serves has it too: what stands under it is not lost with one disk
//!    │          └ a row of the new epoch, by which its key is recognised
//!    └ the new epoch into the free slot, durable and read back
//! ```
//!
//! Each step can be repeated, and whoever opens the store goes on where a crash ended it. One process at a time changes the file;
//! others meet an epoch that they do not know, and read it again. Nodes with files of their own ask each other ([`follow`]).

mod file;
mod follow;
mod move_root;
mod share;

pub use file::{EpochFile, EpochFileError};
pub use follow::{EpochGivers, GivenEpoch, KeyNode, ServingNodes};

use crate::{KeysError, RootError, RootKey, place};
use file::{SLOTS, Slot, Slots};
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use yingdun_catalog::keyring::epoch_nodes::ToldEpochs;
use yingdun_catalog::keyring::keks::{Kek, LineKek};
use yingdun_catalog::keyring::{KekLine, epoch_nodes, epochs, keks};
use yingdun_catalog::{CatalogError, Database};
use yingdun_crypto::{SealingKey, WrappingKey};
use yingdun_model::Clock;

/// Key-encryption keys that one transaction wraps again. There are a few dozen in all.
const KEKS_PER_TURN: u32 = 64;

/// How often the end of an epoch is tried while others make keys under it. Each try wraps again what came between.
const ATTEMPTS_MAX: u32 = 8;

/// The epochs of one database of keys, with their keys held in memory.
pub(crate) struct Epochs {
    database: Database,
    file: EpochFile,
    clock: Arc<dyn Clock>,
    held: RwLock<Arc<Held>>,
    /// Whose file it is; none for a store that stands alone.
    node: Option<KeyNode>,
    refused: tokio::sync::Mutex<follow::Refused>,
    /// Whether another node was left the time of one look to end what it began.
    waited: AtomicBool,
    /// Which epoch waits for another node to have it, and since when.
    sharing: Mutex<share::Sharing>,
}

/// The keys of the epochs that the file holds.
#[derive(Default)]
struct Held {
    keys: HashMap<u64, Arc<WrappingKey>>,
    /// The epoch that wraps.
    newest: u64,
}

/// A step of the change from one epoch to the next, after the new one has its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Announce,
    Share,
    Rewrap,
    Retire,
    Overwrite,
}

impl Step {
    const ALL: [Self; 5] = [Self::Announce, Self::Share, Self::Rewrap, Self::Retire, Self::Overwrite];
}

impl Epochs {
    /// Opens the epochs of a database, makes the first one where there is none, and ends a change that a crash broke off.
    pub(crate) async fn open(
        database: Database,
        file: EpochFile,
        root: &RootKey,
        clock: Arc<dyn Clock>,
        node: Option<KeyNode>,
    ) -> Result<Self, KeysError> {
        let epochs = Self { node, file, ..Self::none(database, clock) };
        let slots = epochs.read().await?;
        let known = epochs::all(&epochs.database).await?;
        if is_settled(&slots, &known)
            && keks::outside(&epochs.database, newest(&known), 1).await?.is_empty()
            && epochs.holds_or_has_to_follow(root, &slots, &known).await?
        {
            epochs.tell_at_start().await?;
            return Ok(epochs);
        }
        let slots = epochs.lock().await?;
        epochs.begin_first(root, &slots).await?;
        epochs.forget_unannounced_of_others(root, &slots).await?;
        epochs.follow(root, &slots).await?;
        // Nobody can have it from here before this node serves; then it goes on with its next look.
        epochs.settle_unless_waited_for(root, &slots).await?;
        epochs.tell_at_start().await?;
        Ok(epochs)
    }

    /// No epochs: for a store from which no study key is asked.
    pub(crate) fn none(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self {
            database,
            file: EpochFile::at(""),
            clock,
            held: RwLock::default(),
            node: None,
            refused: tokio::sync::Mutex::default(),
            waited: AtomicBool::new(false),
            sharing: Mutex::default(),
        }
    }

    /// Wraps a key-encryption key under the newest epoch. Gives its number too.
    pub(crate) fn wrap(
        &self,
        line: &KekLine,
        version: u32,
        key: &SealingKey,
    ) -> Result<(u64, Vec<u8>), KeysError> {
        let held = self.held();
        let epoch = held.keys.get(&held.newest).ok_or(KeysError::EpochMissing { epoch: held.newest })?;
        Ok((held.newest, epoch.wrap(&place::kek(line, version), key)))
    }

    /// Opens a key-encryption key. Another process may have begun an epoch since the file was read, so it is read again for one
    /// that is not known.
    pub(crate) async fn unwrap(
        &self,
        root: &RootKey,
        line: &KekLine,
        kek: &Kek,
    ) -> Result<SealingKey, KeysError> {
        if kek.epoch != 0 && !self.held().keys.contains_key(&kek.epoch) {
            self.refresh(root).await?;
        }
        unwrap(root, &self.held(), line, kek).await
    }

    /// Reads file and database again: another process ended the epoch, or another node, which is asked for the next one then.
    pub(crate) async fn refresh(&self, root: &RootKey) -> Result<(), KeysError> {
        let (slots, known) = (self.read().await?, epochs::all(&self.database).await?);
        match self.hold(root, &slots, &known).await {
            Err(KeysError::EpochMissing { .. } | KeysError::OtherEpoch { .. }) if self.node.is_some() => {
                self.follow_now(root).await
            }
            held => held,
        }
    }

    /// Ends the epoch and begins the next one, whose number it gives. All key-encryption keys are wrapped again under the new
    /// one; then the key of the old one is overwritten. What was wrapped under it before opens never again.
    pub(crate) async fn roll(&self, root: &RootKey) -> Result<u64, KeysError> {
        self.must_not_be_gone().await?;
        let slots = self.lock().await?;
        // What somebody else began, or a crash broke off, is ended first: there must be a free slot.
        self.follow(root, &slots).await?;
        self.settle(root, &slots).await?;
        let next = self.held().newest.saturating_add(1);
        self.begin(root, &slots, next).await?;
        match self.settle(root, &slots).await {
            // Another node announced one of this number first, or several. What it began came after this call, and ends the one
            // before as well; so it is taken, and not one more begun.
            Err(KeysError::OtherEpoch { .. } | KeysError::EpochMissing { .. }) if self.node.is_some() => {
                self.follow(root, &slots).await?;
                self.settle(root, &slots).await?;
            }
            settled => settled?,
        }
        self.tell().await?;
        Ok(self.held().newest)
    }

    /// Begins the first epoch of a database that has none.
    async fn begin_first(&self, root: &RootKey, slots: &Arc<Slots>) -> Result<(), KeysError> {
        let known = epochs::all(&self.database).await?;
        if holding(&slots.read()?).next().is_some() {
            return Ok(());
        }
        match known.last() {
            None => self.begin(root, slots, 1).await,
            // Another node has it.
            Some(_) if self.node.is_some() => Ok(()),
            Some((epoch, _)) => Err(KeysError::EpochMissing { epoch: *epoch }),
        }
    }

    /// Puts a new epoch into the free slot.
    async fn begin(&self, root: &RootKey, slots: &Arc<Slots>, epoch: u64) -> Result<(), KeysError> {
        let free = move_root::free_slot(&slots.read()?);
        let wrapped = root.wrap(&place::epoch(epoch), &SealingKey::generate()).await?;
        let slots = Arc::clone(slots);
        blocking(move || slots.write(free, epoch, &wrapped)).await
    }

    /// As [`Self::settle`]; while another node should have the newest epoch first, that stays announced, and the one before stays.
    async fn settle_unless_waited_for(&self, root: &RootKey, slots: &Arc<Slots>) -> Result<(), KeysError> {
        self.take_again(root, slots, &[Step::Announce]).await?;
        if self.may_go_on().await? {
            return self.settle(root, slots).await;
        }
        self.hold(root, &slots.read()?, &epochs::all(&self.database).await?).await
    }

    /// Takes every step that leads to one epoch. What is done already is done again without harm.
    async fn settle(&self, root: &RootKey, slots: &Arc<Slots>) -> Result<(), KeysError> {
        self.take_again(root, slots, &Step::ALL).await
    }

    async fn take_again(&self, root: &RootKey, slots: &Arc<Slots>, steps: &[Step]) -> Result<(), KeysError> {
        for _ in 1..ATTEMPTS_MAX {
            match self.take(root, slots, steps).await {
                // Somebody made a key under the epoch that ends, or wrapped one again, since we looked.
                Err(KeysError::Database(
                    CatalogError::Constraint(_) | CatalogError::UnexpectedRows { .. },
                )) => {}
                settled => return settled,
            }
        }
        self.take(root, slots, steps).await
    }

    async fn take(&self, root: &RootKey, slots: &Arc<Slots>, steps: &[Step]) -> Result<(), KeysError> {
        let now = slots.read()?;
        let newest = holding(&now).map(|(epoch, _)| epoch).max().unwrap_or_default();
        for step in steps {
            match step {
                Step::Announce => self.announce(root, &now, newest).await?,
                Step::Share => self.share().await?,
                Step::Rewrap => {
                    self.hold(root, &now, &epochs::all(&self.database).await?).await?;
                    self.rewrap(root, newest).await?;
                }
                Step::Retire => self.retire(newest).await?,
                Step::Overwrite => self.overwrite(slots, &now, newest).await?,
            }
        }
        Ok(())
    }

    /// Makes the new epoch known, unless it is. A file that is older than the database is not taken: it lacks what its keys are
    /// wrapped under.
    async fn announce(&self, root: &RootKey, slots: &[Slot; SLOTS], epoch: u64) -> Result<(), KeysError> {
        let known = epochs::all(&self.database).await?;
        let needed = known.last().map_or(0, |(epoch, _)| *epoch);
        if needed > epoch {
            return Err(KeysError::EpochMissing { epoch: needed });
        }
        if needed < epoch {
            let (_, wrapped) =
                holding(slots).find(|(held, _)| *held == epoch).ok_or(KeysError::EpochMissing { epoch })?;
            let key = open(root, epoch, wrapped).await?;
            let proof = key.wrap(&place::epoch_proof(epoch), &SealingKey::generate());
            let mut changes = vec![epochs::insert(epoch, &proof, self.clock.now())];
            if let Some(node) = &self.node {
                let oldest = holding(slots).map(|(held, _)| held).min().unwrap_or(epoch);
                let told = ToldEpochs { oldest, newest: epoch, proof };
                changes.push(epoch_nodes::tell(&node.institution, &node.name, &told));
            }
            self.database.execute(changes).await?;
        }
        Ok(())
    }

    /// Wraps every key-encryption key that stands under another epoch again.
    async fn rewrap(&self, root: &RootKey, newest: u64) -> Result<(), KeysError> {
        loop {
            let old = keks::outside(&self.database, newest, KEKS_PER_TURN).await?;
            if old.is_empty() {
                return Ok(());
            }
            let mut changes = Vec::with_capacity(old.len());
            for LineKek { line, kek } in old {
                let key = unwrap(root, &self.held(), &line, &kek).await?;
                let (epoch, wrapped) = self.wrap(&line, kek.version, &key)?;
                changes.push(keks::rewrap(&line, kek.version, kek.epoch, epoch, &wrapped));
            }
            self.database.execute(changes).await?;
        }
    }

    /// Deletes the rows of the epochs before. As long as a key-encryption key stands under one, the database refuses.
    async fn retire(&self, newest: u64) -> Result<(), KeysError> {
        let known = epochs::all(&self.database).await?;
        let over =
            known.iter().filter(|(epoch, _)| *epoch != newest).map(|(epoch, _)| epochs::delete(*epoch));
        self.database.execute(over.collect()).await?;
        Ok(())
    }

    /// Overwrites every slot but that of the newest epoch, and forgets their keys.
    async fn overwrite(&self, slots: &Arc<Slots>, now: &[Slot; SLOTS], newest: u64) -> Result<(), KeysError> {
        for (at, slot) in now.iter().enumerate() {
            let is_over = match slot {
                Slot::Empty => false,
                Slot::Torn => true,
                Slot::Holds(epoch, _) => *epoch != newest,
            };
            if is_over {
                let slots = Arc::clone(slots);
                blocking(move || slots.overwrite(at)).await?;
            }
        }
        self.forget_all_but(newest);
        // What the log of the database holds goes with it, at the latest with its next own emptying.
        match self.database.empty_write_ahead_log().await {
            Ok(()) | Err(CatalogError::Busy(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Wipes the keys of all epochs. The next use reads them again.
    pub(crate) fn forget(&self) {
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    fn forget_all_but(&self, newest: u64) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let keys = held.keys.get(&newest).map(|key| (newest, Arc::clone(key))).into_iter().collect();
        *held = Arc::new(Held { keys, newest });
    }

    /// Holds the keys of the epochs that file and database both know.
    async fn hold(
        &self,
        root: &RootKey,
        slots: &[Slot; SLOTS],
        known: &[(u64, Vec<u8>)],
    ) -> Result<(), KeysError> {
        let mut keys = HashMap::new();
        for (epoch, wrapped) in holding(slots) {
            let Some((_, proof)) = known.iter().find(|(known, _)| *known == epoch) else { continue };
            let key = open(root, epoch, wrapped).await?;
            key.unwrap(&place::epoch_proof(epoch), proof).map_err(|_| KeysError::OtherEpoch { epoch })?;
            keys.insert(epoch, Arc::new(key));
        }
        let newest = newest(known);
        if !keys.contains_key(&newest) {
            return Err(KeysError::EpochMissing { epoch: newest });
        }
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Held { keys, newest });
        Ok(())
    }

    /// Holds what a settled file has; false where another node has to be asked for it first.
    async fn holds_or_has_to_follow(
        &self,
        root: &RootKey,
        slots: &[Slot; SLOTS],
        known: &[(u64, Vec<u8>)],
    ) -> Result<bool, KeysError> {
        match self.hold(root, slots, known).await {
            Err(KeysError::OtherEpoch { .. }) if self.node.is_some() => Ok(false),
            held => held.map(|()| true),
        }
    }

    fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn read(&self) -> Result<[Slot; SLOTS], KeysError> {
        let file = self.file.clone();
        blocking(move || file.read()).await
    }

    async fn lock(&self) -> Result<Arc<Slots>, KeysError> {
        let file = self.file.clone();
        blocking(move || file.lock()).await.map(Arc::new)
    }
}

// === helpers ===

/// Whether file and database are of one epoch.
fn is_settled(slots: &[Slot; SLOTS], known: &[(u64, Vec<u8>)]) -> bool {
    matches!(
        (slots.as_slice(), known),
        ([Slot::Holds(held, _), Slot::Empty] | [Slot::Empty, Slot::Holds(held, _)], [(known, _)])
            if held == known
    )
}

fn newest(known: &[(u64, Vec<u8>)]) -> u64 {
    known.last().map_or(0, |(epoch, _)| *epoch)
}

fn holding(slots: &[Slot; SLOTS]) -> impl Iterator<Item = (u64, &[u8])> {
    slots.iter().filter_map(|slot| match slot {
        Slot::Holds(epoch, wrapped) => Some((*epoch, wrapped.as_slice())),
        Slot::Empty | Slot::Torn => None,
    })
}

async fn open(root: &RootKey, epoch: u64, wrapped: &[u8]) -> Result<WrappingKey, KeysError> {
    match root.unwrap(&place::epoch(epoch), wrapped).await {
        Ok(key) => Ok(key.into()),
        Err(RootError::WrongKey) => Err(KeysError::OtherEpoch { epoch }),
        Err(error) => Err(error.into()),
    }
}

async fn unwrap(root: &RootKey, held: &Held, line: &KekLine, kek: &Kek) -> Result<SealingKey, KeysError> {
    const WHAT: &str = "key-encryption key";
    let place = place::kek(line, kek.version);
    if kek.epoch == 0 {
        return root.unwrap_row(&place, &kek.wrapped, WHAT).await;
    }
    let epoch = held.keys.get(&kek.epoch).ok_or(KeysError::EpochMissing { epoch: kek.epoch })?;
    epoch.unwrap(&place, &kek.wrapped).map_err(|_| KeysError::Damaged { what: WHAT })
}

/// Work on the file, apart from the threads that serve others.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EpochFileError> + Send + 'static,
) -> Result<T, KeysError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(KeysError::BrokenOff),
    }
}

#[cfg(test)]
mod follow_tests;
#[cfg(test)]
mod share_tests;
#[cfg(test)]
mod tests;
