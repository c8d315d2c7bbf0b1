//! Key-encryption keys: made on first use, counted, rotated, held in memory.

use crate::epoch::Epochs;
use crate::lease::{Lease, LeaseTimes, Look};
use crate::{KeysError, RootKey};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};
use yingdun_catalog::keyring::KekLine;
use yingdun_catalog::keyring::keks::{self, Kek, KekState, LineKek};
use yingdun_catalog::{CatalogError, Database, Statement};
use yingdun_crypto::{SealingKey, Suite, WrappingKey};
use yingdun_model::{Clock, Timestamp};

/// How many keys one version may wrap: 2^32, the hard stop that key-management guides set for one key (after
/// NIST SP 800-38D §8.3). A hospital of 1000 studies a day needs eight thousand years for it, so reaching it
/// means that something runs wild.
pub const KEK_USES_MAX: u64 = 1 << 32;

/// From here on a version is due to be replaced, whatever its age, and its use is a warning in the log.
pub const KEK_USES_ALARM: u64 = 1 << 31;

/// A new study of a new patient wraps two keys. A version with fewer uses left is exhausted.
pub(crate) const USES_PER_STUDY_MAX: u32 = 2;

/// Key-encryption keys held in memory: six grades of a few versions for a dozen institutions. When full, all are
/// wiped and read again as needed.
const KEKS_HELD_MAX: usize = 256;

/// One version of a key-encryption key, as a status page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KekStatus {
    /// Institution, grade and suite.
    pub line: KekLine,
    /// The version, from 1.
    pub version: u32,
    /// Whether it wraps new keys.
    pub active: bool,
    /// How many keys it has wrapped since it was made.
    pub uses: u64,
    /// How many patient and study keys are wrapped under it now.
    pub keys: u64,
    /// When it was made.
    pub created: Timestamp,
}

impl KekStatus {
    pub(crate) fn new(LineKek { line, kek }: LineKek, keys: u64) -> Self {
        let active = kek.state == KekState::Active;
        Self { line, version: kek.version, active, uses: kek.uses, keys, created: kek.created }
    }

    /// Whether the version is to be replaced: it wraps, and is as old as one may get, or was used too often.
    #[must_use]
    pub fn is_due(&self, now: Timestamp, age_max: Duration) -> bool {
        self.active && (now >= self.created.after(age_max) || self.uses >= KEK_USES_ALARM)
    }

    /// Whether nothing needs the version any more: it wraps no new keys, and no key is wrapped under it.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        !self.active && self.keys == 0
    }
}

/// A key-encryption key ready to wrap.
#[derive(Clone)]
pub(crate) struct ActiveKek {
    pub(crate) version: u32,
    pub(crate) key: Arc<WrappingKey>,
}

/// The key-encryption keys of one database, with those in use held in memory.
pub(crate) struct Keks {
    database: Database,
    root: RootKey,
    epochs: Epochs,
    clock: Arc<dyn Clock>,
    held: RwLock<Held>,
    lease: Mutex<Lease>,
    /// One at a time asks the root; who came meanwhile finds what it said.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Held {
    keys: HashMap<(KekLine, u32), Arc<WrappingKey>>,
    active: HashMap<KekLine, u32>,
}

impl Keks {
    pub(crate) fn new(
        database: Database,
        root: RootKey,
        epochs: Epochs,
        clock: Arc<dyn Clock>,
        times: LeaseTimes,
    ) -> Self {
        let lease = Mutex::new(Lease::begin(times, Instant::now()));
        Self {
            database,
            root,
            epochs,
            clock,
            held: RwLock::default(),
            lease,
            asking: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) const fn root(&self) -> &RootKey {
        &self.root
    }

    /// How long keys are used while the root does not answer, beyond the time that they are used without asking.
    pub(crate) fn set_outage(&self, outage: Duration) {
        self.lease().set_outage(outage);
    }

    /// Wipes all keys in memory when they were there as long as they may.
    pub(crate) fn sweep(&self) {
        let mut lease = self.lease();
        if lease.has_ended(Instant::now()) {
            lease.end();
            self.wipe();
        }
    }

    /// Makes sure that keys in memory may be used: asks the root when its last answer is old.
    async fn lease_keys(&self) -> Result<(), KeysError> {
        if let Some(known) = self.look() {
            return known;
        }
        let _turn = self.asking.lock().await;
        if let Some(known) = self.look() {
            return known;
        }
        // Whatever was destroyed or wrapped again elsewhere is seen after this.
        let answer = self.epochs.refresh(&self.root).await;
        let (mut lease, now) = (self.lease(), Instant::now());
        match answer {
            Ok(()) => {
                lease.renew(now);
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = Held::default();
                Ok(())
            }
            Err(KeysError::Root(error)) if error.may_pass() => {
                metrics::counter!("yingdun_root_unanswered_total").increment(1);
                let goes_on = lease.unanswered(error.clone(), now);
                tracing::warn!(%error, goes_on, "the root key did not answer");
                if goes_on {
                    return Ok(());
                }
                lease.end();
                self.wipe();
                Err(error.into())
            }
            Err(error @ KeysError::Root(_)) => {
                tracing::error!(%error, "the root key was taken away: keys in memory are wiped");
                lease.end();
                self.wipe();
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// What is known without asking; none when the root has to be asked.
    fn look(&self) -> Option<Result<(), KeysError>> {
        match self.lease().look(Instant::now()) {
            Look::Use => Some(Ok(())),
            Look::Wait(error) => Some(Err(error.into())),
            Look::Ask => None,
        }
    }

    /// Wipes all keys in memory, as after a time without use.
    #[cfg(test)]
    pub(crate) fn wiped(&self) {
        self.lease().end();
        self.wipe();
    }

    fn wipe(&self) {
        self.epochs.forget();
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Held::default();
    }

    fn lease(&self) -> MutexGuard<'_, Lease> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version that wraps new keys; made when there is none.
    ///
    /// INVARIANT: what this returns is durable, so that nothing is ever wrapped under a key that a crash loses.
    pub(crate) async fn active(&self, line: &KekLine) -> Result<ActiveKek, KeysError> {
        self.lease_keys().await?;
        if let Some(active) = self.held_active(line) {
            return Ok(active);
        }
        if let Some(kek) = keks::active(&self.database, line).await? {
            return self.hold_active(line, &kek).await;
        }
        match self.insert(line, 1, Vec::new()).await {
            // Another one made it at the same time.
            Ok(()) | Err(KeysError::Database(CatalogError::Constraint(_))) => {}
            Err(error) => return Err(error),
        }
        match keks::active(&self.database, line).await? {
            Some(kek) => self.hold_active(line, &kek).await,
            None => Err(KeysError::KekMissing { grade: line.grade, version: 1 }),
        }
    }

    /// One version, active or retired.
    pub(crate) async fn version(&self, line: &KekLine, version: u32) -> Result<Arc<WrappingKey>, KeysError> {
        self.lease_keys().await?;
        if let Some(key) = self.held_version(line, version) {
            return Ok(key);
        }
        match keks::version(&self.database, line, version).await? {
            Some(kek) => self.hold(line, &kek).await,
            None => Err(KeysError::KekMissing { grade: line.grade, version }),
        }
    }

    /// Retires version `from`, if it is still the active one, and makes the next one; returns its number. Keys wrapped
    /// under the retired version still unwrap.
    pub(crate) async fn rotate(&self, line: &KekLine, from: u32) -> Result<u32, KeysError> {
        self.lease_keys().await?;
        let version = from.saturating_add(1);
        let rotated = self.insert(line, version, vec![keks::retire(line, from)]).await;
        self.forget_active(line);
        match rotated {
            Ok(()) => Ok(version),
            Err(KeysError::Database(CatalogError::Constraint(_) | CatalogError::UnexpectedRows { .. })) => {
                Err(KeysError::KekNotActive { grade: line.grade, version: from })
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes a version that wraps no new keys and under which no key is wrapped, from the database and from memory.
    pub(crate) async fn destroy(&self, line: &KekLine, version: u32) -> Result<(), KeysError> {
        match self.database.execute(vec![keks::delete_retired(line, version)]).await {
            Ok(_) => {}
            Err(CatalogError::Constraint(_) | CatalogError::UnexpectedRows { .. }) => {
                return Err(KeysError::KekInUse { grade: line.grade, version });
            }
            Err(error) => return Err(error.into()),
        }
        self.held.write().unwrap_or_else(PoisonError::into_inner).keys.remove(&(line.clone(), version));
        // What the log of the database holds of it goes with it, at the latest with its next own emptying.
        match self.database.empty_write_ahead_log().await {
            Ok(()) | Err(CatalogError::Busy(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The epochs.
    pub(crate) const fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    /// Ends the epoch: wraps every key-encryption key again under the next one, whose number it gives.
    pub(crate) async fn roll_epoch(&self) -> Result<u64, KeysError> {
        self.epochs.roll(&self.root).await
    }

    /// Moves every key-encryption key to a new epoch under another root key, in one transaction with these changes. Gives the epoch and how
    /// many keys it wraps.
    pub(crate) async fn move_root(
        &self,
        to: &RootKey,
        changes: Vec<Statement>,
    ) -> Result<(u64, u64), KeysError> {
        self.epochs.move_root(&self.root, to, changes).await
    }

    /// The first steps of [`Self::move_root`], as a crash leaves them.
    #[cfg(test)]
    pub(crate) async fn move_root_until(
        &self,
        to: &RootKey,
        changes: Vec<Statement>,
        steps: u32,
    ) -> Result<(), KeysError> {
        self.epochs.move_root_until(&self.root, to, changes, steps).await
    }

    /// The epoch, and how many versions of key-encryption keys stand under it.
    pub(crate) async fn under_epoch(&self) -> Result<(u64, u64), KeysError> {
        self.epochs.under_newest().await
    }

    /// Reads the active version from the database again at its next use: it was rotated elsewhere.
    pub(crate) fn forget_active(&self, line: &KekLine) {
        self.held.write().unwrap_or_else(PoisonError::into_inner).active.remove(line);
    }

    async fn insert(
        &self,
        line: &KekLine,
        version: u32,
        mut statements: Vec<Statement>,
    ) -> Result<(), KeysError> {
        let key = SealingKey::generate_for(suite_of(line)?);
        let (epoch, wrapped) = self.epochs.wrap(line, version, &key)?;
        statements.push(keks::insert_active(line, version, epoch, &wrapped, self.clock.now()));
        let inserted = self.database.execute(statements).await;
        if matches!(inserted, Err(CatalogError::Constraint(_))) {
            // The version is there already; or another process ended the epoch, and the next try finds the new one.
            self.epochs.refresh(&self.root).await?;
        }
        inserted.map(|_| ()).map_err(Into::into)
    }

    fn held_version(&self, line: &KekLine, version: u32) -> Option<Arc<WrappingKey>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.keys.get(&(line.clone(), version)).map(Arc::clone)
    }

    fn held_active(&self, line: &KekLine) -> Option<ActiveKek> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let version = *held.active.get(line)?;
        let key = Arc::clone(held.keys.get(&(line.clone(), version))?);
        Some(ActiveKek { version, key })
    }

    async fn hold_active(&self, line: &KekLine, kek: &Kek) -> Result<ActiveKek, KeysError> {
        if kek.uses.saturating_add(USES_PER_STUDY_MAX.into()) > KEK_USES_MAX {
            return Err(KeysError::KekExhausted { grade: line.grade, version: kek.version });
        }
        if kek.uses >= KEK_USES_ALARM {
            tracing::warn!(
                institution = %line.institution, grade = %line.grade, version = kek.version, uses = kek.uses,
                "a key-encryption key has used half of its uses: rotate it"
            );
        }
        let key = self.hold(line, kek).await?;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.active.insert(line.clone(), kek.version);
        Ok(ActiveKek { version: kek.version, key })
    }

    async fn hold(&self, line: &KekLine, kek: &Kek) -> Result<Arc<WrappingKey>, KeysError> {
        let key = self.epochs.unwrap(&self.root, line, kek).await?;
        // The key of an epoch is of the default suite; what stands below the key-encryption key is of the suite of its line.
        let key = Arc::new(WrappingKey::from(key.given_to(suite_of(line)?)));
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if held.keys.len() >= KEKS_HELD_MAX {
            *held = Held::default();
        }
        held.keys.insert((line.clone(), kek.version), Arc::clone(&key));
        Ok(key)
    }
}

fn suite_of(line: &KekLine) -> Result<Suite, KeysError> {
    line.suite.parse().map_err(|_| KeysError::UnknownSuite)
}
