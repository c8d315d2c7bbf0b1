//! What the use cases share: the rooms, the keys of the institutions, and the facts of studies.

use crate::background::Background;
use crate::catalogue::Catalogue;
use crate::commit::Commitments;
use crate::compact::{Compactor, DEAD_PERCENT};
use crate::error::{OpenError, Unavailable, unavailable};
use crate::jobs::Jobs;
use crate::pseudonym::{InstitutionKeys, Pseudonyms};
use crate::receive::UnsettledRecords;
use crate::source::{OtherNodes, RecordSource};
use crate::ups::Ups;
use crate::window::Windows;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, RwLock, Semaphore};
use yingdun_access::{Access, StudyFacts};
use yingdun_audit::{Event, Log};
use yingdun_catalog::catalogue::instances::InstanceRow;
use yingdun_catalog::catalogue::{self as tables, Page, StudyFilter, Visibility};
use yingdun_crypto::TokenKey;
use yingdun_dicom::limits::Limits as DataSetLimits;
use yingdun_keys::{KeyStore, SecretName};
use yingdun_model::{Clock, Grade, InstitutionId, StoreNumber, StudyRef};
use yingdun_storage::{Store, StoreLocation};
use yingdun_watermark::MarkKey;

/// What arrives without a mark is ordinary clinical data.
pub(crate) const GRADE_ON_ARRIVAL: Grade = Grade::L4;

/// The bounds of the use cases.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveLimits {
    /// The largest object, in bytes of its data set.
    pub object_bytes_max: u64,
    /// Bytes that all objects together hold in memory while they arrive. Sealing one needs about as much again for
    /// a moment.
    pub held_bytes_max: u64,
    /// Within which a data set is read.
    pub data_set: DataSetLimits,
    /// How long a study receives nothing before it is said to be stable.
    pub study_stable_after: Duration,
    /// How old a key-encryption key gets before it is replaced.
    pub rotate_keys_after: Duration,
    /// Whether packs are compacted by themselves, after each destruction and once after a start.
    pub compact_after_destruction: bool,
    /// From how many percent of dead bytes on what lives in a pack is copied and the pack removed: 1 to 100, at which none is.
    pub compact_dead_percent: u8,
}

impl Default for ArchiveLimits {
    /// 16 GiB per object: above the largest whole-slide and enhanced multi-frame objects seen in practice. 128 MiB
    /// held: a CT slice of each of 256 associations, within the memory of a small machine. A minute of rest: scanners pause
    /// for seconds between two series, and other archives wait as long. Ninety days for a key-encryption key: well within the
    /// two years that NIST SP 800-57 part 1, table 1, gives a key-wrapping key. Nothing of a pack is removed unless somebody says so; and
    /// where it is, a pack is rewritten for as many bytes as it gives back.
    fn default() -> Self {
        Self {
            object_bytes_max: 16 << 30,
            held_bytes_max: 128 << 20,
            data_set: DataSetLimits::default(),
            study_stable_after: Duration::from_secs(60),
            rotate_keys_after: Duration::from_secs(90 * 24 * 3600),
            compact_after_destruction: false,
            compact_dead_percent: DEAD_PERCENT,
        }
    }
}

/// What the use cases share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) catalogue: Catalogue,
    pub(crate) keys: KeyStore,
    pub(crate) store: Store,
    /// None where no other node is asked.
    pub(crate) nodes: Option<Arc<dyn OtherNodes>>,
    /// Turns of checking whole records for other nodes.
    pub(crate) checks: Arc<Semaphore>,
    pub(crate) audit: Log,
    pub(crate) access: Access,
    pub(crate) windows: Arc<Windows>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: ArchiveLimits,
    /// What objects on their way in may hold together.
    pub(crate) held: Arc<Semaphore>,
    pub(crate) background: Background,
    pub(crate) commitments: Arc<Commitments>,
    pub(crate) ups: Ups,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) compaction: Compactor,
    /// Wakes those who wait for events of studies.
    pub(crate) told: Arc<Notify>,
    /// What is durable and waits for its leaf.
    pub(crate) unsettled: UnsettledRecords,
    pub(crate) institutions: RwLock<HashMap<InstitutionId, Arc<InstitutionKeys>>>,
}

/// Why there is no reading of a record here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoLocation {
    #[error("the row of an instance holds no location")]
    Damaged,
    /// Its location means nothing in the packs that are here, and no other node is asked.
    #[error("the record lies in store {0}, and this node asks no others; set node.address")]
    Elsewhere(StoreNumber),
}

impl From<NoLocation> for OpenError {
    fn from(no_location: NoLocation) -> Self {
        match no_location {
            NoLocation::Damaged => Self::Damaged,
            NoLocation::Elsewhere(_) => Self::Unavailable(Unavailable::new("storage", no_location)),
        }
    }
}

impl Core {
    /// Who has the record of an instance.
    pub(crate) fn source_of(&self, row: &InstanceRow) -> Result<RecordSource, NoLocation> {
        self.source_at(StoreLocation::from_bytes(&row.location).map_err(|_| NoLocation::Damaged)?)
    }

    /// Who has the record that lies there.
    pub(crate) fn source_at(&self, place: StoreLocation) -> Result<RecordSource, NoLocation> {
        if place.store == self.catalogue.store_number() {
            return Ok(RecordSource::Here(self.store.clone(), place.location));
        }
        let nodes = self.nodes.as_ref().ok_or(NoLocation::Elsewhere(place.store))?;
        Ok(RecordSource::There(Arc::clone(nodes), place))
    }

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
        let marks = self.keys.secret(institution, SecretName::Watermark).await.map_err(failed)?;
        let keys = Arc::new(InstitutionKeys {
            institution: institution.clone(),
            pseudonyms: Pseudonyms::new(TokenKey::from(&token)),
            index,
            marks: Arc::new(MarkKey::from(&marks)),
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

    /// Writes a leaf that an answer depends on. Gives its index in the log.
    pub(crate) async fn append_leaf(&self, leaf: Event) -> Result<u64, Unavailable> {
        let receipt = self.audit.append_one(leaf).await.map_err(|error| Unavailable::new("audit", error))?;
        Ok(receipt.index())
    }
}
