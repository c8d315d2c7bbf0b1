//! The commit of one sealed object: place, version, descriptor, leaf, catalogue row.

use super::identify::Arrived;
use super::unsettled::Unsettled;
use crate::catalogue::Late;
use crate::description::Identity;
use crate::descriptor::Descriptor;
use crate::error::{IngestError, Unavailable};
use crate::pseudonym::InstitutionKeys;
use crate::record::{DescriptorPrefix, Place};
use crate::request::{Declared, Stored, StoredOutcome};
use crate::rows::{self, Latest, Row};
use crate::shared::{Core, GRADE_ON_ARRIVAL};
use crate::window::{Closed, StudyWindow};
use bytes::Bytes;
use std::sync::Arc;
use yingdun_access::{Session, StudyFacts, session_leaf};
use yingdun_audit::{AuditError, Counts, Event, EventKind, Outcome, ReasonCode};
use yingdun_crypto::Sealed;
use yingdun_dicom::index::InstanceIndex;
use yingdun_keys::KeysError;
use yingdun_model::{Action, InstanceRef};
use yingdun_storage::{Location, StoreError, StoreLocation};

const STORED: ReasonCode = ReasonCode::new("stored");
/// Stored, and named another patient than its study has: a person has to look at it.
const PATIENT_CONFLICT: ReasonCode = ReasonCode::new("patient-conflict");
const DUPLICATE: ReasonCode = ReasonCode::new("duplicate");
/// What a sender is told whose study is destroyed while it sends.
const DESTROYED: &str = "the study was destroyed while it was sent";
const NOT_STORED: ReasonCode = ReasonCode::new("not-stored");

/// An object that knows its study: the open store window, and where it will stand.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) keys: Arc<InstitutionKeys>,
    pub(super) facts: StudyFacts,
    pub(super) window: Arc<StudyWindow>,
    pub(super) instance: InstanceRef,
    /// As what storing it was decided.
    action: Action,
    identity: Identity,
}

impl Admitted {
    /// Decides whether this session may store into the study of this object, and opens the study key.
    pub(super) async fn decide(
        core: &Arc<Core>,
        session: &Session,
        action: Action,
        index: &InstanceIndex,
    ) -> Result<Self, IngestError> {
        let keys = core.institution_keys(session.institution()).await.map_err(IngestError::Unavailable)?;
        let study = keys.pseudonyms.study(&index.study);
        let patient = keys.pseudonyms.patient(
            index.issuer_of_patient_id.expose(),
            index.patient_id.expose(),
            &index.study,
        );
        let fresh = StudyFacts {
            institution: session.institution().clone(),
            study,
            patient,
            grade: GRADE_ON_ARRIVAL,
            received: core.clock.now(),
        };
        // The first object of a study decides whose study it is. A later one with another patient ID is kept with it
        // and flagged: an image is never lost, and nobody sees a study because one instance claims their patient.
        let facts = core.study_facts_or(study, fresh.clone()).await.map_err(IngestError::Unavailable)?;
        let window = match core.windows.enter_to_put(session, action, &facts, patient).await {
            // What was known is that of a study which was destroyed meanwhile: this is the first object of another one.
            Err(Closed::Key(KeysError::OtherFacts)) => {
                core.windows.enter_to_put(session, action, &fresh, patient).await
            }
            entered => entered,
        };
        let window = window.map_err(not_entered)?;
        let instance = keys.pseudonyms.instance(&index.sop_instance);
        let facts = window.facts().clone();
        let identity = Identity::of(&keys.pseudonyms, facts.patient, index);
        Ok(Self { keys, facts, window, instance, action, identity })
    }

    /// Stands on the store window of now: the open one while its decision holds, or a new one with a new leaf.
    pub(super) async fn renew(&mut self, core: &Core, session: &Session) -> Result<(), IngestError> {
        // No key is made for what has one.
        let window = match core.windows.enter(session, self.action, &self.facts).await {
            Err(Closed::Key(KeysError::NoKey)) => {
                return Err(IngestError::Unavailable(Unavailable::new("archive", DESTROYED)));
            }
            entered => entered.map_err(not_entered)?,
        };
        // What was sealed so far is sealed under the key that it began with.
        if window.key_made() != self.window.key_made() {
            return Err(IngestError::Unavailable(Unavailable::new("archive", DESTROYED)));
        }
        self.window = window;
        Ok(())
    }

    /// The newest version of the object, if there is one.
    ///
    /// A SOP Instance UID belongs to one study (PS3.5 §9): an object that carries that of an instance of another
    /// study is refused, because as its new version it would hide that instance from where it belongs.
    pub(super) async fn latest(&self, core: &Core) -> Result<Option<Latest>, IngestError> {
        let key_made = self.window.key_made();
        let latest = core.catalogue.latest(&self.facts.institution, self.instance, key_made).await;
        match latest.map_err(IngestError::Unavailable)? {
            Some(latest) if latest.study != self.facts.study => {
                Err(IngestError::Mismatch { what: "SOP instance, which is stored in another study" })
            }
            other => Ok(other),
        }
    }

    /// Whether a stored version is whole on as many replicas, in as many failure domains, as a write needs, where it lies. Only then may its sender be told that
    /// it is here already; otherwise the bytes that came are stored anew, which heals the loss. So they are when its node does not say.
    pub(super) async fn is_durable(&self, core: &Core, stored: &Latest) -> bool {
        let Ok(source) = core.source_at(stored.location) else { return false };
        match source.is_sound().await {
            Ok(sound) => sound,
            Err(error) => {
                tracing::warn!(%error, "what came again is stored again");
                false
            }
        }
    }

    /// Whether the bytes that came are those of the newest version, which is durable and opens: then nothing has to be stored.
    ///
    /// # Errors
    /// [`IngestError::Unavailable`] when the study was destroyed meanwhile, or nobody can say.
    pub(super) async fn is_stored(
        &self,
        core: &Core,
        latest: Option<&Latest>,
        evidence: [u8; 16],
    ) -> Result<Option<u32>, IngestError> {
        let Some(latest) = latest.filter(|latest| latest.evidence == evidence) else { return Ok(None) };
        if !self.is_durable(core, latest).await {
            return Ok(None);
        }
        match self.key_stands(core).await? {
            true => Ok(Some(latest.version)),
            false => Err(IngestError::Unavailable(Unavailable::new("archive", DESTROYED))),
        }
    }

    /// Whether the key of the study still stands. A destruction by another node is not known here, so the key is asked for again.
    async fn key_stands(&self, core: &Core) -> Result<bool, IngestError> {
        if !core.catalogue.is_shared() {
            return Ok(true);
        }
        let stands = core.keys.still_stands(self.window.study_key()).await;
        stands.map_err(|error| IngestError::Unavailable(Unavailable::new("keys", error)))
    }

    /// The place of a given version of the object.
    pub(super) fn place(&self, index: &InstanceIndex, version: u32) -> Place {
        Place {
            institution: self.facts.institution.clone(),
            study: self.facts.study,
            series: self.keys.pseudonyms.series(&index.study, &index.series),
            instance: self.instance,
            version,
            grade: self.facts.grade,
        }
    }

    /// The descriptor part of the record: what it says, and its sealed and framed bytes.
    pub(super) fn describe(
        &self,
        core: &Core,
        session: &Session,
        declared: &Declared,
        arrived: &Arrived,
        version: u32,
    ) -> Result<(Descriptor, Bytes), IngestError> {
        let descriptor = Descriptor {
            index: arrived.index.clone(),
            transfer_syntax: declared.transfer_syntax.clone(),
            patient: self.facts.patient,
            grade: self.facts.grade,
            version,
            received: core.clock.now(),
            sender: session.actor().clone(),
            data_set_bytes: arrived.data_set_bytes,
            data_set_sha256: arrived.data_set_sha256,
        };
        let prefix = DescriptorPrefix { instance: self.instance, version };
        let context = prefix.context(&self.facts.institution, self.facts.study);
        let sealed = Sealed::seal(self.window.key(), &context, &descriptor)
            .map_err(|error| IngestError::Unavailable(Unavailable::new("crypto", error)))?;
        Ok((descriptor, prefix.in_front_of(sealed.as_bytes()).into()))
    }

    /// The leaf that says that this instance was stored, or was there already.
    pub(super) fn stored_leaf(
        &self,
        session: &Session,
        arrived: &Arrived,
        version: u32,
        duplicate: bool,
    ) -> Event {
        let reason = match (duplicate, self.identity.is_conflict()) {
            (true, _) => DUPLICATE,
            (false, true) => PATIENT_CONFLICT,
            (false, false) => STORED,
        };
        Event {
            kind: EventKind::Stored,
            outcome: Outcome::Succeeded,
            institution: self.facts.institution.clone(),
            action: Some(self.action),
            patient: Some(self.facts.patient),
            study: Some(self.facts.study),
            instance: Some(self.instance),
            counts: Counts::new().with("bytes", arrived.data_set_bytes).with("version", u64::from(version)),
            ..session_leaf(session, reason)
        }
    }

    /// Makes the *stored* leaf durable while the record becomes so, and acknowledges the object when both are.
    pub(super) async fn commit(
        &self,
        core: &Core,
        session: &Session,
        descriptor: Descriptor,
        leaf: Event,
        record: impl Future<Output = Result<Location, StoreError>>,
    ) -> Result<Stored, IngestError> {
        // Before there is a row of the study, and not for a permission alone: what came whole says who sends it.
        if self.window.is_unused() {
            let noted = core.access.note_sender(session, self.facts.study).await;
            noted.map_err(|refusal| IngestError::Unavailable(Unavailable::new("access", refusal)))?;
        }
        let (location, receipt) = tokio::join!(record, core.audit.append_one(leaf.clone()));
        match (location, receipt) {
            (Ok(location), Ok(_)) => match self.acknowledge(core, descriptor, location, &leaf).await? {
                Some(stored) => Ok(stored),
                None => {
                    retract(core, leaf).await;
                    Err(IngestError::Unavailable(Unavailable::new("archive", DESTROYED)))
                }
            },
            (Err(error), Ok(_)) => {
                retract(core, leaf).await;
                Err(not_stored(error))
            }
            (Ok(location), Err(error @ (AuditError::OutOfSpace { .. } | AuditError::NotNow { .. }))) => {
                let (row, location) = self.row(core, descriptor, location);
                let key_made = self.window.key_made();
                core.unsettled.put_off(Unsettled { leaf, row, location, key_made });
                Err(IngestError::Unavailable(Unavailable::new("audit", error)))
            }
            (_, Err(error)) => Err(IngestError::Unavailable(Unavailable::new("audit", error))),
        }
    }

    /// Hands a durable record to the catalogue and says what was stored; nothing when the study was destroyed meanwhile.
    async fn acknowledge(
        &self,
        core: &Core,
        descriptor: Descriptor,
        location: Location,
        leaf: &Event,
    ) -> Result<Option<Stored>, IngestError> {
        // Now that the record is durable.
        let stands = match self.key_stands(core).await {
            Ok(stands) => stands,
            Err(error) => {
                // Nobody can say, so nothing is promised to the sender. The record has its leaf and gets its row: the catalogue itself
                // refuses one under a key that was destroyed.
                let (row, location) = self.row(core, descriptor, location);
                if !core.catalogue.submit(row, location, self.window.key_made()).await {
                    retract(core, leaf.clone()).await;
                    core.store.mark_applied(&location.location);
                }
                return Err(error);
            }
        };
        if !stands {
            core.catalogue.put_late([Late {
                study: self.facts.study,
                key_made: Some(self.window.key_made()),
                pack: location.pack,
            }]);
            core.store.mark_applied(&location);
            return Ok(None);
        }
        self.window.count(1, descriptor.data_set_bytes);
        if self.identity.is_conflict() {
            metrics::counter!("yingdun_patient_conflicts_total").increment(1);
        }
        let outcome = match descriptor.version {
            1 => StoredOutcome::New,
            version => StoredOutcome::NewVersion(version),
        };
        let stored = stored(&descriptor.index, outcome);
        let (row, location) = self.row(core, descriptor, location);
        let taken = core.catalogue.submit(row, location, self.window.key_made()).await;
        if !taken {
            // No row comes of it, and nothing waits for one.
            core.store.mark_applied(&location.location);
        }
        Ok(taken.then_some(stored))
    }

    /// What the catalogue is told of a record that lies there.
    fn row(&self, core: &Core, descriptor: Descriptor, location: Location) -> (Row, StoreLocation) {
        let location = StoreLocation { store: core.catalogue.store_number(), location };
        (rows::row(&self.keys, self.facts.study, self.instance, descriptor, &location), location)
    }
}

/// Takes back a *stored* leaf whose record did not reach the quorum, or gets no row. Both stay on the ledger.
pub(super) async fn retract(core: &Core, leaf: Event) {
    let retraction = Event { outcome: Outcome::Failed, reason: NOT_STORED, ..leaf };
    if let Err(error) = core.audit.append_one(retraction).await {
        tracing::error!(%error, "the audit log did not take a retraction");
    }
}

fn not_entered(closed: Closed) -> IngestError {
    match closed {
        Closed::Refused(refusal) => match refusal.reason() {
            Some(reason) => IngestError::Refused { reason: reason.to_string() },
            None => IngestError::Unavailable(Unavailable::new("access", refusal)),
        },
        Closed::Key(error) => IngestError::Unavailable(Unavailable::new("keys", error)),
        Closed::BrokenOff => IngestError::Unavailable(closed.into()),
    }
}

/// What the door answers.
pub(super) fn stored(index: &InstanceIndex, outcome: StoredOutcome) -> Stored {
    Stored {
        sop_class: index.sop_class.clone(),
        sop_instance: index.sop_instance.clone(),
        study: index.study.clone(),
        series: index.series.clone(),
        outcome,
    }
}

pub(super) fn not_stored(error: StoreError) -> IngestError {
    match error {
        StoreError::OutOfSpace { .. } => IngestError::OutOfSpace,
        StoreError::TooLarge { max, .. } => IngestError::TooLarge { limit_bytes: max },
        other => IngestError::Unavailable(Unavailable::new("storage", other)),
    }
}
