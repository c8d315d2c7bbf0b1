//! The archive: what the doors hold.

use crate::availability::{self, AvailabilityTurn, ToldDevice};
use crate::background::{Background, Turns};
use crate::catalogue::{Catalogue, Rests};
use crate::commit::{
    self, CommitmentError, CommitmentPending, CommitmentReport, CommitmentRequest, SopReference,
};
use crate::commit_elsewhere::{self, AnswerError, CommitmentAnswer, CommitmentElsewhere, CommitmentTurn};
use crate::compact::{self, Compaction, CompactionError, Compactor};
use crate::conflicts::{self, Conflicts};
use crate::destroy::{self, DestroyError, DestroyReason, DestructionRecord, RecordedStudy, StudiesOf};
use crate::elsewhere::SearchElsewhere;
use crate::error::{FindError, IngestError, OpenError, Unavailable, unavailable};
use crate::events::{self, EventFeed, Events, EventsRequest};
use crate::export::{Export, ExportError};
use crate::find::Search;
use crate::grants;
use crate::hold::{self, HoldError, HoldReason, HoldRecord, ReleaseReason};
use crate::jobs::{self, JobError, JobOrder, JobReport, Jobs, RunningJob};
use crate::keys::{self, KeyCareError, KeyReport, RewrapOutlook, Rotation};
use crate::open::OpenStudy;
use crate::others::{self, SpanError};
use crate::performed::{self, PerformedError, PerformedRequest, PerformedStep, SeriesArrival};
use crate::receive::Incoming;
use crate::recover::{self, Recovered};
use crate::rehearse::{ReadThrough, Sample};
use crate::request::{Declared, FindRequest, Found};
use crate::shared::{ArchiveLimits, Core};
use crate::source::OtherNodes;
use crate::ups::{
    self, Created, EventChannel, SubscriptionTarget, Ups, WorkitemError, WorkitemSearch, WorkitemsFound,
};
use crate::window::{SWEEP_INTERVAL, Windows};
use crate::worklist::{self, WorklistElsewhere, WorklistEntry, WorklistError, WorklistRequest};
use bytes::Bytes;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::{RwLock, Semaphore};
use yingdun_access::{Access, Session, StudyFacts};
use yingdun_audit::Log;
use yingdun_catalog::Database;
use yingdun_catalog::catalogue as tables;
use yingdun_dicom::Tag;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::matching::Keys;
use yingdun_keys::{EpochNode, KeyStore};
use yingdun_model::{
    Action, AeTitle, Clock, Grade, InstitutionId, JobKind, PatientRef, PerformedStepRef, PurposeOfUse,
    StepRef, StudyRef, Timestamp, Uid, WorkitemState,
};
use yingdun_storage::{Store, StoreLocation};

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

    /// Searches, for those who want one page. Skipping rows costs as much as reading them.
    ///
    /// # Errors
    /// [`FindError`].
    pub async fn find(&self, session: &Session, request: FindRequest) -> Result<Found, FindError> {
        crate::find::find(&self.core, session, request).await
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

    /// Takes a request for storage commitment (PS3.4 annex J). When this returns, the request survives a crash, and
    /// its report will be handed out: to the holder of what is returned, or by [`Self::due_commitment_reports`].
    ///
    /// # Errors
    /// [`CommitmentError`]; nothing was acknowledged.
    pub async fn request_commitment(
        &self,
        session: &Session,
        request: CommitmentRequest,
    ) -> Result<CommitmentPending, CommitmentError> {
        commit::request(&self.core, session, request).await
    }

    /// Reports of storage commitment that nobody waits for on an association, waiting for some when there are none.
    /// Say of each how it went with [`Self::commitment_reported`] or [`Self::commitment_not_reported`].
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer.
    pub async fn due_commitment_reports(&self) -> Result<Vec<CommitmentReport>, Unavailable> {
        commit::due_reports(&self.core).await
    }

    /// Says that a peer took its report: it is not sent again.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer; the report will be sent again.
    pub async fn commitment_reported(&self, report: &CommitmentReport) -> Result<(), Unavailable> {
        commit::reported(&self.core, report).await
    }

    /// Says that the association on which a report was awaited has ended without it: it is due at once.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer; the report is due a little later then.
    pub async fn commitment_peer_left(&self, report: &CommitmentReport) -> Result<(), Unavailable> {
        commit::due_now(&self.core, report).await
    }

    /// Says that a peer did not take its report: it is due again after a pause, and given up after many tries.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer; the report stays due.
    pub async fn commitment_not_reported(&self, report: &CommitmentReport) -> Result<(), Unavailable> {
        commit::not_reported(&self.core, report).await
    }

    /// Asks a device whether it keeps these instances (PS3.4 annex J, as its user). When this returns, the question survives
    /// a crash, and is handed out by [`Self::due_commitment_requests`]. Whoever calls has opened each study for the asker, and
    /// let the device be called.
    ///
    /// # Errors
    /// [`CommitmentError`]; nothing is asked.
    pub async fn ask_commitment(
        &self,
        session: &Session,
        device: AeTitle,
        calling: AeTitle,
        references: Vec<SopReference>,
    ) -> Result<CommitmentElsewhere, CommitmentError> {
        commit_elsewhere::ask(&self.core, session, device, calling, references).await
    }

    /// A question of whoever asks, and what came of it.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn commitment_asked(
        &self,
        session: &Session,
        transaction: Uid,
    ) -> Result<Option<CommitmentElsewhere>, Unavailable> {
        commit_elsewhere::find(&self.core, session, transaction).await
    }

    /// The questions of whoever asks, the newest first.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn commitments_asked(
        &self,
        session: &Session,
        limit: u32,
    ) -> Result<Vec<CommitmentElsewhere>, Unavailable> {
        commit_elsewhere::list(&self.core, session, limit).await
    }

    /// Questions to devices that are to be put, waiting for some when there are none. Say of each how it went with
    /// [`Self::commitment_taken`] or [`Self::commitment_not_taken`].
    ///
    /// # Errors
    /// [`Unavailable`]; they are handed out again later.
    pub async fn due_commitment_requests(&self) -> Result<Vec<CommitmentTurn>, Unavailable> {
        commit_elsewhere::due(&self.core).await
    }

    /// The device has taken a question and owes the answer.
    ///
    /// # Errors
    /// [`Unavailable`]; the question is put again.
    pub async fn commitment_taken(&self, turn: &CommitmentTurn) -> Result<(), Unavailable> {
        commit_elsewhere::taken(&self.core, turn).await
    }

    /// The device has not taken a question, and why, without personal data. It is put again later, unless that `is_final`.
    ///
    /// # Errors
    /// [`Unavailable`]; the question is put again.
    pub async fn commitment_not_taken(
        &self,
        turn: &CommitmentTurn,
        fault: &str,
        is_final: bool,
    ) -> Result<(), Unavailable> {
        commit_elsewhere::not_taken(&self.core, turn, fault, is_final).await
    }

    /// Takes the answer of a device to a question. When this returns, it survives a crash.
    ///
    /// # Errors
    /// [`AnswerError`]; nothing was taken.
    pub async fn commitment_answered(
        &self,
        device: &Session,
        title: &AeTitle,
        answer: CommitmentAnswer,
    ) -> Result<(), AnswerError> {
        commit_elsewhere::answered(&self.core, device, title, answer).await
    }

    /// Enters a scheduled procedure step: attributes in the DICOM JSON model, with all that PS3.4 table K.6-1 demands.
    ///
    /// # Errors
    /// [`WorklistError`].
    pub async fn enter_step(
        &self,
        session: &Session,
        attributes: Map<String, Value>,
    ) -> Result<StepRef, WorklistError> {
        worklist::enter(&self.core, session, attributes).await
    }

    /// Describes a scheduled procedure step anew; one that was cancelled or discontinued is scheduled again.
    ///
    /// # Errors
    /// [`WorklistError`].
    pub async fn replace_step(
        &self,
        session: &Session,
        step: StepRef,
        attributes: Map<String, Value>,
    ) -> Result<(), WorklistError> {
        worklist::replace(&self.core, session, step, attributes).await
    }

    /// Cancels a scheduled procedure step: no modality is told of it any more.
    ///
    /// # Errors
    /// [`WorklistError`].
    pub async fn cancel_step(&self, session: &Session, step: StepRef) -> Result<(), WorklistError> {
        worklist::cancel(&self.core, session, step).await
    }

    /// Lists steps as they were entered, the earliest first.
    ///
    /// # Errors
    /// [`WorklistError`].
    pub async fn worklist(
        &self,
        session: &Session,
        request: &WorklistRequest,
    ) -> Result<Vec<WorklistEntry>, WorklistError> {
        worklist::list(&self.core, session, request).await
    }

    /// Answers a query of the Modality Worklist Information Model: the steps that wait or are begun and match, each with what was
    /// asked for, texts in UTF-8.
    ///
    /// # Errors
    /// [`WorklistError`].
    pub async fn find_steps(&self, session: &Session, asked: &Keys) -> Result<Vec<DataSet>, WorklistError> {
        worklist::find(&self.core, session, asked).await
    }

    /// Takes the report of a device that a procedure step begins (N-CREATE of PS3.4 §F.7.2.1). What it names of the
    /// worklist is started.
    ///
    /// # Errors
    /// [`PerformedError`].
    pub async fn begin_performed_step(
        &self,
        session: &Session,
        reporter: &AeTitle,
        instance: &Uid,
        report: &DataSet,
    ) -> Result<(), PerformedError> {
        performed::begin(&self.core, session, reporter, instance, report).await
    }

    /// Takes the report of a device that a procedure step changes or is over (N-SET of PS3.4 §F.7.2.2). Returns the
    /// attributes that were to be changed and cannot be: they stay as they were.
    ///
    /// # Errors
    /// [`PerformedError`].
    pub async fn change_performed_step(
        &self,
        session: &Session,
        reporter: &AeTitle,
        instance: &Uid,
        report: &DataSet,
    ) -> Result<Vec<Tag>, PerformedError> {
        performed::change(&self.core, session, reporter, instance, report).await
    }

    /// Lists performed procedure steps, the newest first, without their series.
    ///
    /// # Errors
    /// [`PerformedError`].
    pub async fn performed_steps(
        &self,
        session: &Session,
        request: &PerformedRequest,
    ) -> Result<Vec<PerformedStep>, PerformedError> {
        performed::list(&self.core, session, request).await
    }

    /// A performed procedure step, and of each of its series how many of the instances have arrived.
    ///
    /// # Errors
    /// [`PerformedError`].
    pub async fn performed_step(
        &self,
        session: &Session,
        step: PerformedStepRef,
    ) -> Result<(PerformedStep, Vec<SeriesArrival>), PerformedError> {
        performed::read(&self.core, session, step).await
    }

    /// The attributes of a performed procedure step by its SOP Instance UID, texts in UTF-8 (N-GET of PS3.4 §F.8.2.1).
    ///
    /// # Errors
    /// [`PerformedError`].
    pub async fn performed_attributes(
        &self,
        session: &Session,
        instance: &Uid,
    ) -> Result<DataSet, PerformedError> {
        performed::attributes(&self.core, session, instance).await
    }

    /// Creates a workitem of the unified worklist, under a UID of the creator's or a new one (PS3.18 §11.4).
    ///
    /// # Errors
    /// [`WorkitemError`].
    pub async fn create_workitem(
        &self,
        session: &Session,
        uid: Option<Uid>,
        attributes: Map<String, Value>,
    ) -> Result<Created, WorkitemError> {
        ups::create(&self.core, session, uid, attributes).await
    }

    /// Reads a workitem (PS3.18 §11.5). No answer ever holds the Transaction UID of who claimed it.
    ///
    /// # Errors
    /// [`WorkitemError`].
    pub async fn workitem(&self, session: &Session, uid: &Uid) -> Result<Map<String, Value>, WorkitemError> {
        ups::retrieve(&self.core, session, uid).await
    }

    /// Changes attributes of a workitem (PS3.18 §11.6). A claimed one is changed only under its Transaction UID.
    ///
    /// # Errors
    /// [`WorkitemError`]; nothing was changed.
    pub async fn update_workitem(
        &self,
        session: &Session,
        uid: &Uid,
        transaction: Option<&Uid>,
        changes: Map<String, Value>,
    ) -> Result<(), WorkitemError> {
        ups::update(&self.core, session, uid, transaction, changes).await
    }

    /// Claims, completes or cancels a workitem (PS3.18 §11.7). Gives the state in which it was already, where nothing
    /// changed. Of several who claim one at the same time, one does.
    ///
    /// # Errors
    /// [`WorkitemError`]; nothing was changed.
    pub async fn change_workitem_state(
        &self,
        session: &Session,
        uid: &Uid,
        transaction: Option<&Uid>,
        to: WorkitemState,
    ) -> Result<Option<WorkitemState>, WorkitemError> {
        ups::change_state(&self.core, session, uid, transaction, to).await
    }

    /// Asks that a workitem be cancelled (PS3.18 §11.8): one that nobody has claimed is, of a claimed one the subscribers
    /// are told. Gives whether it was cancelled already.
    ///
    /// # Errors
    /// [`WorkitemError`]; nobody was told.
    pub async fn request_workitem_cancellation(
        &self,
        session: &Session,
        uid: &Uid,
        words: &Map<String, Value>,
    ) -> Result<bool, WorkitemError> {
        ups::request_cancellation(&self.core, session, uid, words).await
    }

    /// Searches workitems (PS3.18 §11.9), the earliest first.
    ///
    /// # Errors
    /// [`WorkitemError`].
    pub async fn search_workitems(
        &self,
        session: &Session,
        search: &WorkitemSearch,
    ) -> Result<WorkitemsFound, WorkitemError> {
        ups::search(&self.core, session, search).await
    }

    /// Answers a question about workitems as a device asks it (PS3.4 §CC.2.8): what is asked for of each that matches, texts in
    /// UTF-8, the earliest first.
    ///
    /// # Errors
    /// [`WorkitemError`].
    pub async fn find_workitems(
        &self,
        session: &Session,
        identifier: &DataSet,
    ) -> Result<Vec<DataSet>, WorkitemError> {
        ups::answers(&self.core, session, identifier).await
    }

    /// Subscribes an AE title to changes of workitems (PS3.18 §11.10). The title belongs to the account that subscribes
    /// with it first, until nothing is subscribed with it any more. Subscriptions survive a restart.
    ///
    /// # Errors
    /// [`WorkitemError`].
    pub async fn subscribe_to_workitems(
        &self,
        session: &Session,
        title: &AeTitle,
        target: &SubscriptionTarget,
        deletion_lock: bool,
    ) -> Result<(), WorkitemError> {
        ups::subscribe(&self.core, session, title, target, deletion_lock).await
    }

    /// Ends a subscription (PS3.18 §11.11): that to one workitem, or all of the title.
    ///
    /// # Errors
    /// [`WorkitemError`].
    pub async fn unsubscribe_from_workitems(
        &self,
        session: &Session,
        title: &AeTitle,
        target: &SubscriptionTarget,
    ) -> Result<(), WorkitemError> {
        ups::unsubscribe(&self.core, session, title, target).await
    }

    /// Ends the subscription to workitems to come (PS3.18 §11.12).
    ///
    /// # Errors
    /// [`WorkitemError`].
    pub async fn suspend_workitem_subscription(
        &self,
        session: &Session,
        title: &AeTitle,
    ) -> Result<(), WorkitemError> {
        ups::suspend(&self.core, session, title).await
    }

    /// Opens the channel through which a subscriber is told of changes (PS3.18 §8.10.4), in the place of the one that it
    /// may have open.
    ///
    /// # Errors
    /// [`WorkitemError`].
    pub async fn open_event_channel(
        &self,
        session: &Session,
        title: AeTitle,
    ) -> Result<EventChannel, WorkitemError> {
        ups::open_channel(&self.core, session, title).await
    }

    /// Removes the workitems that ended before a moment and that no subscriber locks, as happens by itself after a month.
    /// Gives how many.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue or the ledger does not answer.
    pub async fn remove_ended_workitems(&self, ended_before: Timestamp) -> Result<u64, Unavailable> {
        ups::remove_ended(&self.core, ended_before).await
    }

    /// What happened to studies that the session may see, behind an event that it has seen. Waits for some when there are
    /// none.
    ///
    /// # Errors
    /// [`FindError`].
    pub async fn events(&self, session: &Session, request: EventsRequest) -> Result<Events, FindError> {
        events::events(&self.core, session, request).await
    }

    /// Those of the devices that are told of studies (PS3.4 annex R), of which there is something to tell now. Say of each how
    /// it went with [`Self::availability_told`] or [`Self::availability_not_told`].
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer.
    pub async fn availability_turns(
        &self,
        institution: &InstitutionId,
        wanted: &BTreeSet<ToldDevice>,
    ) -> Result<Vec<AvailabilityTurn>, Unavailable> {
        availability::turns(&self.core, institution, wanted).await
    }

    /// Says that a device was told of events up to one: it is not told of them again.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer; it will be told again.
    pub async fn availability_told(&self, device: &ToldDevice, sequence: u64) -> Result<(), Unavailable> {
        availability::told(&self.core, device, sequence).await
    }

    /// Says that a device could not be told: it is tried again after a pause.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer; it stays due.
    pub async fn availability_not_told(&self, turn: &AvailabilityTurn) -> Result<(), Unavailable> {
        availability::not_told(&self.core, turn).await
    }

    /// Whether a certificate is that of another node of this installation, as the catalogue says now; never where this node asks no
    /// others. SHA-256 over its DER form.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer.
    pub async fn is_node(&self, certificate_sha256: &[u8; 32]) -> Result<bool, Unavailable> {
        others::is_node(&self.core, certificate_sha256).await
    }

    /// The key of an epoch as it lies in the file here, for the node with this certificate, whose file lacks it; nothing for anybody else, or
    /// where it is not here.
    ///
    /// # Errors
    /// [`Unavailable`] when a part does not answer; nothing is given without its leaf.
    pub async fn give_epoch(
        &self,
        certificate_sha256: &[u8; 32],
        epoch: u64,
    ) -> Result<Option<Vec<u8>>, Unavailable> {
        others::epoch(&self.core, certificate_sha256, epoch).await
    }

    /// Sealed bytes of a record that lies here, for another node: a range in it, at most [`PACK_READ_BYTES_MAX`](crate::PACK_READ_BYTES_MAX)
    /// bytes, from one of its copies, counted from 0; nothing when there are fewer. They are not verified here, and asking for another copy
    /// makes this node look at the one before.
    ///
    /// # Errors
    /// [`SpanError`].
    pub async fn sealed_span(
        &self,
        place: &StoreLocation,
        range: Range<u64>,
        copy: usize,
    ) -> Result<Option<Bytes>, SpanError> {
        others::span(&self.core, place, range, copy).await
    }

    /// Whether a record that lies here is whole on so many replicas as an acknowledgement needs, for another node.
    ///
    /// # Errors
    /// [`SpanError::NotHere`].
    pub async fn is_sound(&self, place: &StoreLocation) -> Result<bool, SpanError> {
        others::is_sound(&self.core, place).await
    }

    /// Begins a search in another archive. What it finds there is seen through [`SearchElsewhere::seen`] only.
    ///
    /// # Errors
    /// [`FindError`]; in particular when the session may not search.
    pub async fn search_elsewhere(&self, session: &Session) -> Result<SearchElsewhere, FindError> {
        SearchElsewhere::begin(&self.core, session).await
    }

    /// Begins a question to the worklist of another system. What it tells is seen through [`WorklistElsewhere::seen`] only.
    ///
    /// # Errors
    /// [`WorklistError`].
    pub async fn worklist_elsewhere(&self, session: &Session) -> Result<WorklistElsewhere, WorklistError> {
        WorklistElsewhere::begin(&self.core, session).await
    }

    /// Studies that somebody has to look at, as far as the session may see them.
    ///
    /// # Errors
    /// [`FindError`].
    pub async fn conflicts(&self, session: &Session, limit: u32) -> Result<Conflicts, FindError> {
        conflicts::conflicts(&self.core, session, limit).await
    }

    /// The keys of the institution in numbers: versions of key-encryption keys, and how far wrapping again is.
    ///
    /// # Errors
    /// [`KeyCareError`].
    pub async fn key_report(&self, session: &Session) -> Result<KeyReport, KeyCareError> {
        keys::report(&self.core, session).await
    }

    /// Replaces the active key-encryption keys of one grade, or of all; with `dry_run` only says which. Keys under the
    /// versions before are wrapped again by themselves within minutes, or at once by [`Self::begin_rewrap`].
    ///
    /// # Errors
    /// [`KeyCareError`].
    pub async fn rotate_keks(
        &self,
        session: &Session,
        grade: Option<Grade>,
        dry_run: bool,
    ) -> Result<Vec<Rotation>, KeyCareError> {
        keys::rotate(&self.core, session, grade, dry_run).await
    }

    /// Says that a node is gone for good and its disk destroyed, or what that would mean: no destruction waits for it any more, and
    /// no other node gives it anything.
    ///
    /// # Errors
    /// [`KeyCareError`]; then nothing has changed.
    pub async fn forget_node(
        &self,
        session: &Session,
        name: &str,
        dry_run: bool,
    ) -> Result<EpochNode, KeyCareError> {
        keys::forget_node(&self.core, session, name, dry_run).await
    }

    /// Begins to wrap keys again that stand under retired versions, or goes on with it; with `dry_run` only says how many
    /// there are. It ends with the destruction of those versions, which cannot be undone.
    ///
    /// # Errors
    /// [`KeyCareError`], in particular when it is going on already.
    pub async fn begin_rewrap(
        &self,
        session: &Session,
        dry_run: bool,
    ) -> Result<RewrapOutlook, KeyCareError> {
        keys::begin_rewrap(&self.core, session, dry_run).await
    }

    /// Stops wrapping keys again until somebody begins it, also over restarts.
    ///
    /// # Errors
    /// [`KeyCareError`], in particular when it is not going on.
    pub async fn stop_rewrap(&self, session: &Session) -> Result<(), KeyCareError> {
        keys::stop_rewrap(&self.core, session).await
    }

    /// What a destruction would destroy. Changes nothing.
    ///
    /// # Errors
    /// [`DestroyError`].
    pub async fn plan_destruction(
        &self,
        session: &Session,
        target: &StudiesOf,
    ) -> Result<Vec<RecordedStudy>, DestroyError> {
        destroy::plan(&self.core, session, target).await
    }

    /// Asks for a destruction. Nothing is destroyed until another person approves it.
    ///
    /// # Errors
    /// [`DestroyError`].
    pub async fn request_destruction(
        &self,
        session: &Session,
        target: &StudiesOf,
        reason: DestroyReason,
    ) -> Result<DestructionRecord, DestroyError> {
        destroy::request(&self.core, session, target, reason).await
    }

    /// Approves what another person asked for. It is carried out by itself, within seconds, and cannot be undone.
    ///
    /// # Errors
    /// [`DestroyError`].
    pub async fn approve_destruction(
        &self,
        session: &Session,
        id: &str,
    ) -> Result<DestructionRecord, DestroyError> {
        destroy::approve(&self.core, session, id).await
    }

    /// Takes a request for destruction back that was not approved yet, or refuses it.
    ///
    /// # Errors
    /// [`DestroyError`].
    pub async fn withdraw_destruction(
        &self,
        session: &Session,
        id: &str,
    ) -> Result<DestructionRecord, DestroyError> {
        destroy::withdraw(&self.core, session, id).await
    }

    /// Destructions, the newest first: asked for, going on and done.
    ///
    /// # Errors
    /// [`DestroyError`].
    pub async fn destructions(&self, session: &Session) -> Result<Vec<DestructionRecord>, DestroyError> {
        destroy::list(&self.core, session).await
    }

    /// One destruction: how far it is, and its record when it is done.
    ///
    /// # Errors
    /// [`DestroyError`].
    pub async fn destruction(&self, session: &Session, id: &str) -> Result<DestructionRecord, DestroyError> {
        destroy::find(&self.core, session, id).await
    }

    /// Places a legal hold: from here on no destruction of it is approved.
    ///
    /// # Errors
    /// [`HoldError`], in particular when a destruction of it was approved already.
    pub async fn place_hold(
        &self,
        session: &Session,
        target: &StudiesOf,
        reason: HoldReason,
    ) -> Result<HoldRecord, HoldError> {
        hold::place(&self.core, session, target, reason).await
    }

    /// Asks for the release of a legal hold. It stands until another person approves that.
    ///
    /// # Errors
    /// [`HoldError`].
    pub async fn request_release(
        &self,
        session: &Session,
        id: &str,
        reason: ReleaseReason,
    ) -> Result<HoldRecord, HoldError> {
        hold::request_release(&self.core, session, id, reason).await
    }

    /// Approves the release that another person asked for.
    ///
    /// # Errors
    /// [`HoldError`].
    pub async fn approve_release(&self, session: &Session, id: &str) -> Result<HoldRecord, HoldError> {
        hold::approve_release(&self.core, session, id).await
    }

    /// Takes a request for release back, or refuses it. The hold stands.
    ///
    /// # Errors
    /// [`HoldError`].
    pub async fn withdraw_release(&self, session: &Session, id: &str) -> Result<HoldRecord, HoldError> {
        hold::withdraw_release(&self.core, session, id).await
    }

    /// Legal holds: those in force first, and of each the newest.
    ///
    /// # Errors
    /// [`HoldError`].
    pub async fn holds(&self, session: &Session) -> Result<Vec<HoldRecord>, HoldError> {
        hold::list(&self.core, session).await
    }

    /// One legal hold.
    ///
    /// # Errors
    /// [`HoldError`].
    pub async fn hold(&self, session: &Session, id: &str) -> Result<HoldRecord, HoldError> {
        hold::find(&self.core, session, id).await
    }

    /// Looks which packs hold nothing but records of destroyed studies, and removes them unless it is only to be said which. Where
    /// at least `dead_percent` of the bytes of a pack (1 to 100, what the configuration says where none is given) belong to such
    /// records, what lives is copied first. It goes on by itself; [`Self::compaction`] says how far it is.
    ///
    /// # Errors
    /// [`CompactionError`].
    pub fn begin_compaction(
        &self,
        dry_run: bool,
        dead_percent: Option<u8>,
    ) -> Result<Compaction, CompactionError> {
        let dead_percent = dead_percent.unwrap_or(self.core.limits.compact_dead_percent);
        self.core.compaction.want(dry_run, dead_percent)
    }

    /// How far the compaction of packs is, or what the last one found.
    #[must_use]
    pub fn compaction(&self) -> Compaction {
        self.core.compaction.status()
    }

    /// Begins a job with a device, of as many objects as are known by now. Its row is durable when this returns; whoever holds what
    /// is returned does the work. Whoever calls has opened each study for the asker, and let the device be called.
    ///
    /// # Errors
    /// [`JobError`]; nothing was begun.
    pub async fn begin_job(
        &self,
        session: &Session,
        kind: JobKind,
        order: JobOrder,
        total: u64,
    ) -> Result<RunningJob, JobError> {
        jobs::begin(&self.core, session, kind, order, total).await
    }

    /// The jobs of whoever asks, at whatever node they work or worked, the newest first.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer.
    pub async fn jobs(&self, session: &Session) -> Result<Vec<JobReport>, Unavailable> {
        jobs::list(&self.core, session).await
    }

    /// A job of whoever asks, by its id in hexadecimal digits. That of somebody else is none.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer.
    pub async fn job(&self, session: &Session, id: &str) -> Result<Option<JobReport>, Unavailable> {
        jobs::find(&self.core, session, id).await
    }

    /// Asks a job of whoever asks to end, at whatever node it works: it does within a second or two, behind the object that is on
    /// its way.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer.
    pub async fn cancel_job(&self, session: &Session, id: &str) -> Result<Option<JobReport>, Unavailable> {
        jobs::cancel(&self.core, session, id).await
    }

    /// Tells the jobs that work at this node to end, because it stops.
    pub fn stop_jobs(&self) {
        jobs::stop(&self.core);
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
        let keys = self.core.keys.keys_of_patient(institution, patient, 1).await;
        keys.map(|keys| !keys.is_empty()).map_err(|error| Unavailable::new("keys", error))
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
