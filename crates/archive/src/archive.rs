//! The archive: what the doors hold, and what its use cases share.

use crate::catalogue::{Catalogue, unavailable};
use crate::error::{FindError, IngestError, OpenError, Unavailable};
use crate::open::OpenStudy;
use crate::pseudonym::Pseudonyms;
use crate::receive::Incoming;
use crate::recover::{self, Recovered};
use crate::request::{Declared, FindRequest, Found};
use crate::window::{SWEEP_INTERVAL, Windows};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};
use tokio::sync::RwLock;
use yingdun_access::{Access, Session, StudyFacts};
use yingdun_audit::{Event, Log};
use yingdun_catalog::Database;
use yingdun_catalog::catalogue::{self as tables, Page, StudyFilter, Visibility};
use yingdun_crypto::{SealingKey, TokenKey};
use yingdun_dicom::limits::Limits as DataSetLimits;
use yingdun_keys::{KeyStore, SecretName};
use yingdun_model::{Clock, InstitutionId, PurposeOfUse, StudyRef, Uid};
use yingdun_storage::Store;

/// The bounds of the use cases.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveLimits {
    /// The largest object, in bytes of its data set.
    pub object_bytes_max: u64,
    /// Within which a data set is read.
    pub data_set: DataSetLimits,
}

impl Default for ArchiveLimits {
    /// 16 GiB per object: above the largest whole-slide and enhanced multi-frame objects seen in practice.
    fn default() -> Self {
        Self { object_bytes_max: 16 << 30, data_set: DataSetLimits::default() }
    }
}

/// The rooms that an archive joins.
#[derive(Debug)]
pub struct ArchiveParts {
    /// The catalogue database.
    pub catalogue: Database,
    /// The key room.
    pub keys: KeyStore,
    /// The packs.
    pub store: Store,
    /// The ledger.
    pub audit: Log,
    /// The policy decision point.
    pub access: Access,
    /// For policy, never for order.
    pub clock: Arc<dyn Clock>,
    /// The bounds.
    pub limits: ArchiveLimits,
}

/// The use cases. Clones are the same archive.
#[derive(Clone, Debug)]
pub struct Archive {
    core: Arc<Core>,
}

impl Archive {
    /// Joins the rooms and replays what was acknowledged before the last stop but had not reached the catalogue.
    ///
    /// # Errors
    /// [`Unavailable`] names the part that does not answer; nothing is served then.
    pub async fn open(parts: ArchiveParts) -> Result<(Self, Recovered), Unavailable> {
        let ArchiveParts { catalogue, keys, store, audit, access, clock, limits } = parts;
        let core = Arc::new(Core {
            catalogue: Catalogue::start(catalogue, store.clone()),
            windows: Windows::new(access.clone(), keys.clone(), audit.clone(), Arc::clone(&clock)),
            institutions: RwLock::default(),
            store,
            keys,
            audit,
            access,
            clock,
            limits,
        });
        let recovered = recover::replay(&core).await?;
        tokio::spawn(sweep(Arc::downgrade(&core)));
        Ok((Self { core }, recovered))
    }

    /// Begins to receive an object. Cheap: the decision is taken when its study is known.
    ///
    /// # Errors
    /// [`IngestError::Unavailable`] never from here; reserved for doors that check admission early.
    pub fn receive(&self, session: &Session, declared: Declared) -> Result<Incoming, IngestError> {
        Ok(Incoming::new(Arc::clone(&self.core), session.clone(), declared))
    }

    /// Searches.
    ///
    /// # Errors
    /// [`FindError`].
    pub async fn find(&self, session: &Session, request: FindRequest) -> Result<Found, FindError> {
        crate::find::find(&self.core, session, request).await
    }

    /// Opens a study for reading: decides, writes the leaf, unwraps the key.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_study(
        &self,
        session: &Session,
        study: &Uid,
        purpose: PurposeOfUse,
    ) -> Result<OpenStudy, OpenError> {
        OpenStudy::open(&self.core, &session.for_purpose(purpose), study).await
    }

    /// The keyed pseudonym of a patient, for those who record care relations.
    ///
    /// # Errors
    /// [`Unavailable`] when the key room does not answer.
    pub async fn patient_reference(
        &self,
        institution: &InstitutionId,
        issuer: &str,
        patient_id: &str,
    ) -> Result<yingdun_model::PatientRef, Unavailable> {
        Ok(self.core.institution_keys(institution).await?.pseudonyms.identified_patient(issuer, patient_id))
    }

    /// The keyed pseudonym of a study, for those who search the audit log by study.
    ///
    /// # Errors
    /// [`Unavailable`] when the key room does not answer.
    pub async fn study_reference(
        &self,
        institution: &InstitutionId,
        study: &Uid,
    ) -> Result<StudyRef, Unavailable> {
        Ok(self.core.institution_keys(institution).await?.pseudonyms.study(study))
    }

    /// Key unwraps since the start, for the promise I1.
    #[must_use]
    pub fn key_unwraps(&self) -> u64 {
        self.core.keys.unwraps()
    }

    /// The store, for its status and checks.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.core.store
    }

    /// Waits until the catalogue has everything that was acknowledged, and counts what it holds.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer.
    pub async fn counts(&self, institution: &InstitutionId) -> Result<tables::Counts, Unavailable> {
        tables::counts(self.core.catalogue.caught_up().await?, institution).await.map_err(unavailable)
    }

    /// Closes what is open: access windows with their counts, the pack, the catalogue queue.
    pub async fn close(&self) {
        self.core.windows.close_all().await;
        self.core.store.close().await;
        if let Err(error) = self.core.catalogue.caught_up().await {
            tracing::warn!(%error, "the next start will replay what the catalogue has not taken");
        }
    }
}

/// What the use cases share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) catalogue: Catalogue,
    pub(crate) keys: KeyStore,
    pub(crate) store: Store,
    pub(crate) audit: Log,
    pub(crate) access: Access,
    pub(crate) windows: Windows,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: ArchiveLimits,
    institutions: RwLock<HashMap<InstitutionId, Arc<InstitutionKeys>>>,
}

/// The two keys of an institution that open no image: for pseudonyms and tokens, and for catalogue columns.
pub(crate) struct InstitutionKeys {
    pub(crate) institution: InstitutionId,
    pub(crate) pseudonyms: Pseudonyms,
    pub(crate) index: SealingKey,
}

impl fmt::Debug for InstitutionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstitutionKeys({})", self.institution)
    }
}

impl Core {
    /// The keys of an institution, unwrapped once per process.
    pub(crate) async fn institution_keys(
        &self,
        institution: &InstitutionId,
    ) -> Result<Arc<InstitutionKeys>, Unavailable> {
        if let Some(keys) = self.institutions.read().await.get(institution) {
            return Ok(Arc::clone(keys));
        }
        let failed = |error| Unavailable::new("keys", error);
        let token = self.keys.secret(institution, SecretName::Token).await.map_err(failed)?;
        let index = self.keys.secret(institution, SecretName::Index).await.map_err(failed)?;
        let keys = Arc::new(InstitutionKeys {
            institution: institution.clone(),
            pseudonyms: Pseudonyms::new(TokenKey::from(&token)),
            index,
        });
        self.institutions.write().await.insert(institution.clone(), Arc::clone(&keys));
        Ok(keys)
    }

    /// What decisions need to know of a study.
    pub(crate) async fn study_facts(
        &self,
        institution: &InstitutionId,
        study: StudyRef,
    ) -> Result<Option<StudyFacts>, Unavailable> {
        let database = self.catalogue.caught_up().await?;
        let mut filter = StudyFilter::all(institution.clone(), Visibility::Institution);
        filter.studies.push(study);
        let rows = tables::studies::search(database, &filter, Page::first(1)).await.map_err(unavailable)?;
        Ok(rows.into_iter().next().map(|row| StudyFacts {
            institution: institution.clone(),
            study: row.reference,
            patient: row.patient,
            grade: row.grade,
            received: row.received,
        }))
    }

    /// The facts of a study as catalogued, or `fresh` for a study that is new.
    pub(crate) async fn study_facts_or(
        &self,
        study: StudyRef,
        fresh: StudyFacts,
    ) -> Result<StudyFacts, Unavailable> {
        if let Some(facts) = self.windows.known_facts(study) {
            return Ok(facts);
        }
        Ok(self.study_facts(&fresh.institution, study).await?.unwrap_or(fresh))
    }

    /// Writes a leaf that an answer depends on.
    pub(crate) async fn append_leaf(&self, leaf: Event) -> Result<(), Unavailable> {
        self.audit.append_one(leaf).await.map(drop).map_err(|error| Unavailable::new("audit", error))
    }
}

/// Sweeps ended windows as long as the archive is open.
async fn sweep(core: Weak<Core>) {
    loop {
        tokio::time::sleep(SWEEP_INTERVAL).await;
        let Some(core) = core.upgrade() else { return };
        core.windows.sweep().await;
    }
}
