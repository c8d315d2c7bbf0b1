//! The archive: what the doors hold. Its use cases stand by what they are about in the files beside.

mod among_nodes;
mod commitments;
mod custody;
mod devices;
mod steps;
mod traces;
mod workitems;

use crate::background::{Background, Turns};
use crate::catalogue::{Catalogue, Rests};
use crate::commit;
use crate::compact::{self, Compactor};
use crate::conflicts::{self, Conflicts};
use crate::destroy;
use crate::error::{FindError, IngestError, OpenError, Unavailable, unavailable};
use crate::events::{self, EventFeed, Events, EventsRequest};
use crate::export::{Export, ExportError};
use crate::find::Search;
use crate::grants;
use crate::jobs::{self, Jobs};
use crate::key_images::{KeyImagesError, KeyImagesRequest};
use crate::keys;
use crate::open::OpenStudy;
use crate::others;
use crate::receive::Incoming;
use crate::recover::{self, Recovered};
use crate::rehearse::{ReadThrough, Sample};
use crate::request::{Declared, FindRequest, Found, FoundStudies, Stored, TypedSearch};
use crate::shared::{ArchiveLimits, Core};
use crate::source::OtherNodes;
use crate::ups::{self, Ups};
use crate::window::{SWEEP_INTERVAL, Windows};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::{RwLock, Semaphore};
use yingdun_access::{Access, Session, StudyFacts};
use yingdun_audit::Log;
use yingdun_catalog::{Database, catalogue as tables};
use yingdun_keys::KeyStore;
use yingdun_model::{Action, Clock, Grade, InstitutionId, PatientRef, PurposeOfUse, StudyRef, Uid};
use yingdun_storage::Store;

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
    /// The other nodes, which have packs of their own; none where there are none.
    pub nodes: Option<Arc<dyn OtherNodes>>,
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
        let ArchiveParts { catalogue, keys, store, audit, access, nodes, clock, limits } = parts;
        let number = tables::stores::enter(&catalogue, &store.id()).await.map_err(unavailable)?;
        // Others may come while this one serves.
        let several = nodes.is_some() || tables::stores::several(&catalogue).await.map_err(unavailable)?;
        let core = Arc::new(Core {
            catalogue: Catalogue::start(
                catalogue,
                store.clone(),
                number,
                several,
                Rests { clock: Arc::clone(&clock), after: limits.study_stable_after },
            ),
            windows: Arc::new(Windows::new(access.clone(), keys.clone(), audit.clone(), Arc::clone(&clock))),
            institutions: RwLock::default(),
            held: crate::receive::budget(limits.held_bytes_max),
            store,
            nodes,
            checks: Arc::new(Semaphore::new(others::CHECKS_MAX)),
            keys,
            audit,
            access,
            clock,
            limits,
            commitments: Arc::default(),
            ups: Ups::default(),
            jobs: Arc::new(Jobs::new(number)),
            compaction: Compactor::new(
                limits.compact_after_destruction.then_some(limits.compact_dead_percent),
            ),
            told: Arc::default(),
            unsettled: crate::receive::UnsettledRecords::default(),
            background: Background::default(),
        });
        let came_back = destroy::catch_up(&core).await?;
        let recovered = Recovered { destroyed_again: came_back, ..recover::replay(&core).await? };
        core.background.begin(&core, sweep);
        core.background.begin(&core, grants::work);
        core.background.begin(&core, commit::work);
        core.background.begin(&core, crate::receive::settle);
        jobs::enter(&core).await?;
        core.background.begin(&core, ups::work);
        core.background.begin(&core, jobs::work);
        core.background.begin(&core, jobs::watch);
        core.background.begin(&core, events::work);
        core.background.begin(&core, keys::work);
        core.background.begin(&core, destroy::work);
        core.background.begin(&core, compact::work);
        core.background.begin(&core, recover::look_if_emptied);
        Ok((Self { core }, recovered))
    }

    /// Waits until the catalogue was emptied, or an older copy of it brought back, while this archive is open. What it acknowledged is in the
    /// packs, and comes into the catalogue when the archive is opened anew; until then nothing more of it does.
    pub async fn catalogue_emptied(&self) {
        self.core.catalogue.emptied().await;
    }

    /// Begins to receive an object. Cheap: the decision is taken when its study is known.
    ///
    /// # Errors
    /// [`IngestError::Unavailable`] never from here; reserved for doors that check admission early.
    pub fn receive(&self, session: &Session, declared: Declared) -> Result<Incoming, IngestError> {
        Ok(Incoming::new(Arc::clone(&self.core), session.clone(), declared))
    }

    /// Makes a selection of key images of a study and stores it there, for a session that may look at the study and mark its images.
    ///
    /// # Errors
    /// [`KeyImagesError`].
    pub async fn mark_key_images(
        &self,
        session: &Session,
        request: KeyImagesRequest,
    ) -> Result<Stored, KeyImagesError> {
        crate::key_images::mark(&self.core, session, request).await
    }

    /// Searches, for those who want one page. Skipping rows costs as much as reading them.
    ///
    /// # Errors
    /// [`FindError`].
    pub async fn find(&self, session: &Session, request: FindRequest) -> Result<Found, FindError> {
        crate::find::find(&self.core, session, request).await
    }

    /// The newest studies that fit what somebody types, a page of them, each with what would be said to its being opened. Rows are decided
    /// and written down as those of [`Self::find`].
    ///
    /// # Errors
    /// [`FindError`].
    pub async fn find_typed(
        &self,
        session: &Session,
        request: TypedSearch,
    ) -> Result<FoundStudies, FindError> {
        crate::find::find_typed(&self.core, session, request).await
    }

    /// Begins a search whose matches are taken page by page, in memory that does not grow with them, for those who want
    /// all.
    ///
    /// # Errors
    /// [`FindError`].
    pub async fn search(&self, session: &Session, request: FindRequest) -> Result<Search, FindError> {
        Search::begin(&self.core, session, request).await
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
        OpenStudy::open(&self.core, &session.for_purpose(purpose), study, Action::View).await
    }

    /// Takes studies out of the archive as a medium: one zip archive with a DICOMDIR. One leaf per study says so. With
    /// `series`, only instances of that series.
    ///
    /// # Errors
    /// [`ExportError`]; nothing has left then.
    pub async fn export(
        &self,
        session: &Session,
        studies: &[Uid],
        series: Option<&Uid>,
    ) -> Result<Export, ExportError> {
        Export::open(&self.core, session, studies, series).await
    }

    /// What happened to studies that the session may see, behind an event that it has seen. Waits for some when there are
    /// none.
    ///
    /// # Errors
    /// [`FindError`].
    pub async fn events(&self, session: &Session, request: EventsRequest) -> Result<Events, FindError> {
        events::events(&self.core, session, request).await
    }

    /// Studies that somebody has to look at, as far as the session may see them.
    ///
    /// # Errors
    /// [`FindError`].
    pub async fn conflicts(&self, session: &Session, limit: u32) -> Result<Conflicts, FindError> {
        conflicts::conflicts(&self.core, session, limit).await
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
    ) -> Result<PatientRef, Unavailable> {
        Ok(self.core.institution_keys(institution).await?.pseudonyms.identified_patient(issuer, patient_id))
    }

    /// What a decision about a study needs to know of it, for those who grant it; nothing when it is not there.
    ///
    /// # Errors
    /// [`Unavailable`] when catalogue or key room do not answer.
    pub async fn facts_of_study(
        &self,
        institution: &InstitutionId,
        study: &Uid,
    ) -> Result<Option<StudyFacts>, Unavailable> {
        let reference = self.core.institution_keys(institution).await?.pseudonyms.study(study);
        self.core.study_facts(institution, reference).await
    }

    /// Whether there is a study of a patient, of whatever grade.
    ///
    /// # Errors
    /// [`Unavailable`] when the key room does not answer.
    pub async fn knows_patient(
        &self,
        institution: &InstitutionId,
        patient: PatientRef,
    ) -> Result<bool, Unavailable> {
        self.studies_of_patient(institution, patient, 1).await.map(|studies| studies > 0)
    }

    /// How many studies of a patient there are, of whatever grade, counted to `most`.
    ///
    /// # Errors
    /// [`Unavailable`] when the key room does not answer.
    pub async fn studies_of_patient(
        &self,
        institution: &InstitutionId,
        patient: PatientRef,
        most: u32,
    ) -> Result<usize, Unavailable> {
        let keys = self.core.keys.keys_of_patient(institution, patient, most).await;
        keys.map(|keys| keys.len()).map_err(|error| Unavailable::new("keys", error))
    }

    /// Whether there is a study of a patient that can be granted. Special care cannot, and must not show by being there.
    ///
    /// # Errors
    /// [`Unavailable`] when the key room does not answer.
    pub async fn knows_patient_to_grant(
        &self,
        institution: &InstitutionId,
        patient: PatientRef,
    ) -> Result<bool, Unavailable> {
        let has = self.core.keys.has_keys_but(institution, patient, Grade::L5).await;
        has.map_err(|error| Unavailable::new("keys", error))
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

    /// How many audit logs the institution has: one for each node.
    ///
    /// # Errors
    /// [`Unavailable`] when the key room does not answer.
    pub async fn audit_logs(&self, institution: &InstitutionId) -> Result<usize, Unavailable> {
        let logs = self.core.keys.logs(institution).await;
        logs.map(|logs| logs.len()).map_err(|error| Unavailable::new("keys", error))
    }

    /// The names of the audit logs of the institution that have begun, the oldest first.
    ///
    /// # Errors
    /// [`Unavailable`] when the key room does not answer.
    pub async fn audit_log_names(&self, institution: &InstitutionId) -> Result<Vec<String>, Unavailable> {
        let logs = self.core.keys.logs(institution).await;
        let logs = logs.map_err(|error| Unavailable::new("keys", error))?;
        // One that has no leaf yet has nothing to tell.
        Ok(logs.into_iter().filter(|log| log.first_leaf.is_some()).map(|log| log.origin).collect())
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

    /// Studies that hold an instance which names another patient, at most so many: what an administrator has to look
    /// at.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer.
    pub async fn patient_conflicts(
        &self,
        institution: &InstitutionId,
        limit: u32,
    ) -> Result<Vec<StudyRef>, Unavailable> {
        let database = self.core.catalogue.caught_up().await?;
        tables::studies::in_patient_conflict(database, institution, limit).await.map_err(unavailable)
    }

    /// A feed by its name, which tells of all events of an institution from where it was.
    #[must_use]
    pub fn event_feed(&self, institution: InstitutionId, name: String) -> EventFeed {
        EventFeed::new(Arc::clone(&self.core), institution, name)
    }

    /// Opens every byte of studies by the archive's own right and hands out none, to rehearse a restore. `read` counts the bytes
    /// meanwhile.
    ///
    /// # Errors
    /// [`Unavailable`] when a part of the archive does not answer; what does not open is in the answer.
    pub async fn read_through(&self, sample: Sample, read: &AtomicU64) -> Result<ReadThrough, Unavailable> {
        crate::rehearse::read_through(&self.core, sample, read).await
    }

    /// Closes what is open: work in the background, access windows with their counts, the pack, the catalogue queue.
    pub async fn close(&self) {
        self.core.background.end().await;
        if let Err(error) = jobs::keep(&self.core).await {
            tracing::warn!(%error, "rows of jobs were not written, and the next start finds them interrupted");
        }
        self.core.windows.close_all().await;
        self.core.store.close().await;
        if let Err(error) = self.core.catalogue.caught_up().await {
            tracing::warn!(%error, "the next start will replay what the catalogue has not taken");
        }
    }
}

/// Sweeps ended windows as long as the archive is open.
async fn sweep(turns: Turns<Core>) {
    loop {
        turns.pause(SWEEP_INTERVAL).await;
        let Some(core) = turns.next() else { return };
        core.windows.sweep().await;
    }
}
