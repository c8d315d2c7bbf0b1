//! The key store: the face of this room.

use crate::epoch::{EpochFile, Epochs};
use crate::kek::Keks;
use crate::lease::LeaseTimes;
use crate::study::StudyKeys;
use crate::{KekStatus, KeyNode, KeysError, RootError, RootKey, SecretName, Suites, nodes, place};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::watch;
use yingdun_catalog::keyring::{KekLine, keks, secrets, study_keys};
use yingdun_catalog::{CatalogError, Database};
use yingdun_crypto::{Context, SealingKey};
use yingdun_model::{Clock, Grade, InstitutionId, PatientRef, StudyRef};

/// How often is looked whether the time of keys in memory is over: a small part of that time.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The keys of every institution in one database, opened with the root key. Clones share everything.
#[derive(Clone)]
pub struct KeyStore(pub(crate) Arc<Inner>, pub(crate) Arc<Suites>);

pub(crate) struct Inner {
    pub(crate) keys: StudyKeys,
    pub(crate) unwraps: AtomicU64,
    /// Whether it was said of this node that it is gone.
    pub(crate) forgotten: watch::Sender<bool>,
}

impl Inner {
    fn new(keys: StudyKeys) -> Self {
        Self { keys, unwraps: AtomicU64::new(0), forgotten: watch::Sender::new(false) }
    }
}

/// The keys of an institution, as a status page shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStoreStatus {
    /// Patient keys.
    pub patients: u64,
    /// Study keys.
    pub studies: u64,
    /// Key-encryption keys, oldest version first within each grade and suite.
    pub keks: Vec<KekStatus>,
}

impl KeyStoreStatus {
    /// Keys that are wrapped under versions that wrap no new ones: what is to be wrapped again.
    #[must_use]
    pub fn keys_left(&self) -> u64 {
        self.keks.iter().filter(|kek| !kek.active).map(|kek| kek.keys).sum()
    }
}

impl KeyStore {
    /// Opens the store. On a new database the root key is tied to it, and the file of its epochs is made; later the same are needed.
    ///
    /// # Errors
    /// [`KeysError::WrongRoot`] when the database was made with another root key, [`KeysError::EpochMissing`] and
    /// [`KeysError::OtherEpoch`] when the epoch file is not the one that belongs to it, [`KeysError::Root`] when the provider of
    /// the root key does not answer.
    pub async fn open(
        database: Database,
        root: RootKey,
        epochs: EpochFile,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeysError> {
        Self::open_for(database, root, epochs, clock, LeaseTimes::default(), None).await
    }

    /// Opens the store of one node among others, whose file is brought to the newest epoch first and kept there.
    ///
    /// # Errors
    /// As [`Self::open`]; [`KeysError::EpochNotGiven`] when its file is behind, and no other node gives what it lacks.
    pub async fn open_on(
        database: Database,
        root: RootKey,
        epochs: EpochFile,
        clock: Arc<dyn Clock>,
        node: KeyNode,
    ) -> Result<Self, KeysError> {
        Self::open_for(database, root, epochs, clock, LeaseTimes::default(), Some(node)).await
    }

    pub(crate) async fn open_for(
        database: Database,
        root: RootKey,
        epochs: EpochFile,
        clock: Arc<dyn Clock>,
        times: LeaseTimes,
        node: Option<KeyNode>,
    ) -> Result<Self, KeysError> {
        check_root(&database, &root, clock.as_ref()).await?;
        let follows = node.is_some();
        let epochs = Epochs::open(database.clone(), epochs, &root, Arc::clone(&clock), node).await?;
        let keks = Keks::new(database.clone(), root, epochs, Arc::clone(&clock), times);
        let keys = StudyKeys { database, keks, clock };
        let store = Self(Arc::new(Inner::new(keys)), Arc::default());
        tokio::spawn(sweep(Arc::downgrade(&store.0)));
        if follows {
            tokio::spawn(nodes::keep_up(Arc::downgrade(&store.0)));
        }
        Ok(store)
    }

    /// Opens the store for its secrets and numbers only, without its epochs: no study key can be had from it. For programs that look
    /// while another one serves.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_secrets(
        database: Database,
        root: RootKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeysError> {
        check_root(&database, &root, clock.as_ref()).await?;
        let epochs = Epochs::none(database.clone(), Arc::clone(&clock));
        let keks = Keks::new(database.clone(), root, epochs, Arc::clone(&clock), LeaseTimes::default());
        let keys = StudyKeys { database, keks, clock };
        Ok(Self(Arc::new(Inner::new(keys)), Arc::default()))
    }

    /// The same store, which gives new studies these suites. Without it, they get the default suite.
    #[must_use]
    pub fn with_suites(self, suites: Suites) -> Self {
        Self(self.0, Arc::new(suites))
    }

    /// The same store, which uses keys in memory for so long while the root key does not answer: five minutes when this is not called.
    /// They are used for one minute without asking, and wiped when both have passed. A root that answers with a refusal has
    /// them wiped at once.
    #[must_use]
    pub fn with_outage(self, outage: Duration) -> Self {
        self.0.keys.keks.set_outage(outage);
        self
    }

    /// A secret of an institution, made and durable when it is first asked for. No permit is needed: secrets of
    /// an institution open no image.
    ///
    /// # Errors
    /// [`KeysError::Damaged`] when the row does not unwrap, [`KeysError::Database`] when it cannot be read or
    /// written.
    pub async fn secret(
        &self,
        institution: &InstitutionId,
        name: SecretName,
    ) -> Result<SealingKey, KeysError> {
        self.made(institution, name.as_str(), &place::secret(institution, name)).await
    }

    /// The secret of this name in this place, made and durable when it is first asked for.
    pub(crate) async fn made(
        &self,
        institution: &InstitutionId,
        name: &str,
        place: &Context,
    ) -> Result<SealingKey, KeysError> {
        let (database, root) = (&self.0.keys.database, self.0.keys.keks.root());
        let wrapped = match secrets::find(database, institution, name).await? {
            Some(wrapped) => wrapped,
            None => {
                let wrapped = root.wrap(place, &SealingKey::generate()).await?;
                let insert = secrets::insert(institution, name, &wrapped, self.0.keys.clock.now());
                match self.0.keys.database.execute(vec![insert]).await {
                    Ok(_) => wrapped,
                    // Somebody made it at the same time: theirs counts.
                    Err(CatalogError::Constraint(_)) => {
                        let kept = secrets::find(database, institution, name).await?;
                        kept.ok_or(KeysError::Contended { attempts: 1 })?
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        root.unwrap_row(place, &wrapped, "institution secret").await
    }

    /// Whose study it is and how it is graded, as its key row says; `None` when there is no key, because the study
    /// never came or was destroyed. Opens nothing: this is what a decision needs to know when the catalogue
    /// is lost.
    ///
    /// # Errors
    /// [`KeysError::Database`] when the row cannot be read.
    pub async fn owner(
        &self,
        institution: &InstitutionId,
        study: StudyRef,
    ) -> Result<Option<(PatientRef, Grade)>, KeysError> {
        let found = study_keys::find(&self.0.keys.database, institution, study).await?;
        Ok(found.map(|(row, _)| (row.patient, row.line.grade)))
    }

    /// Makes the version after `from` of a key-encryption key, which wraps from now on, and returns its number. What older
    /// versions wrapped still opens.
    ///
    /// # Errors
    /// [`KeysError::KekNotActive`] when somebody else rotated it at the same time.
    pub async fn rotate_kek(&self, line: &KekLine, from: u32) -> Result<u32, KeysError> {
        self.0.keys.keks.rotate(line, from).await
    }

    /// Deletes a version that wraps no new keys for good. Whatever was once wrapped under it and is left in a copy
    /// somewhere opens no more, unless the copy has this version too.
    ///
    /// # Errors
    /// [`KeysError::KekInUse`] as long as it is active or a key is wrapped under it.
    pub async fn destroy_kek(&self, line: &KekLine, version: u32) -> Result<(), KeysError> {
        self.0.keys.keks.destroy(line, version).await
    }

    /// Ends the epoch: every key-encryption key is wrapped again under a new epoch, whose number is given, and the key of the old one
    /// is overwritten in its file. A copy of a wrapped key-encryption key that was made before opens never again, with whatever key.
    /// A call that a crash breaks off is ended by the next [`Self::open`].
    ///
    /// # Errors
    /// [`KeysError::EpochFile`] when the file does not take it, [`KeysError::Database`] when the database fails.
    pub async fn roll_epoch(&self) -> Result<u64, KeysError> {
        self.0.keys.keks.roll_epoch().await
    }

    /// The keys of an institution, in numbers.
    ///
    /// # Errors
    /// [`KeysError::Database`] when they cannot be read.
    pub async fn status(&self, institution: &InstitutionId) -> Result<KeyStoreStatus, KeysError> {
        let counts = study_keys::counts(&self.0.keys.database, institution).await?;
        let mut under = keks::keys_under(&self.0.keys.database, institution).await?;
        let keks = keks::of_institution(&self.0.keys.database, institution).await?;
        let keks = keks.into_iter().map(|kek| {
            let keys = under.remove(&(kek.line.clone(), kek.kek.version)).unwrap_or_default();
            KekStatus::new(kek, keys)
        });
        let keks = keks.collect();
        Ok(KeyStoreStatus { patients: counts.patients, studies: counts.studies, keks })
    }
}

impl std::fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyStore").field("unwraps", &self.unwraps()).finish_non_exhaustive()
    }
}

/// Wipes keys in memory when their time is over, also when nobody asks for any.
async fn sweep(store: Weak<Inner>) {
    let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        ticks.tick().await;
        match store.upgrade() {
            Some(inner) => inner.keys.keks.sweep(),
            None => return,
        }
    }
}

/// Makes sure that the root key belongs to the database, before anything is wrapped under it.
async fn check_root(database: &Database, root: &RootKey, clock: &dyn Clock) -> Result<(), KeysError> {
    let place = place::root_check();
    if secrets::root_check(database).await?.is_none() {
        let wrapped = root.wrap(&place, &SealingKey::generate()).await?;
        match database.execute(vec![secrets::insert_root_check(&wrapped, clock.now())]).await {
            // Another node opened the same new database: its root key counts.
            Ok(_) | Err(CatalogError::Constraint(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let kept = secrets::root_check(database).await?.ok_or(KeysError::WrongRoot)?;
    match root.unwrap(&place, &kept).await {
        Ok(_) => Ok(()),
        Err(RootError::WrongKey) => Err(KeysError::WrongRoot),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod outage_tests;
#[cfg(test)]
mod tests;
