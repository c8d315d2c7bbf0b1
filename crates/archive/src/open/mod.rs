//! Opening a study: from a permit to verified bytes.
//!
//! An [`OpenStudy`] remembers who asked and what the catalogue says. Every read goes through the access window of
//! that session (see [`crate::window`]): the decision is as fresh as the window demands, the leaf is there, and
//! the key is the one that the leaf paid for.

mod copy;
mod image;
mod integrity;
mod mark;
mod object;

pub use copy::PictureSubject;
pub use integrity::{Integrity, IntegrityState};
pub(crate) use mark::FrameName;
pub use mark::PictureMark;

use crate::error::{OpenError, Unavailable, unavailable};
use crate::layout::{FileHeader, LAYOUT_BYTES_MAX, LENGTH_BYTES, ObjectLayout};
use crate::masked::Mask;
use crate::part::{OpenObject, PartKind, SealedPart};
use crate::pseudonym::InstitutionKeys;
use crate::record::Place;
use crate::request::{BulkValue, ByteStream, Frame, InstanceEntry};
use crate::shared::{Core, GRADE_ON_ARRIVAL};
use crate::window::{Closed, StudyWindow};
use bytes::Bytes;
use futures_util::stream;
use object::{ObjectReader, ahead, begun, while_open};
use std::ops::Range;
use std::sync::Arc;
use yingdun_access::{Help, Reason, Refusal, Resource, Scope, Session, Showing, StudyFacts};
use yingdun_catalog::catalogue::instances;
use yingdun_catalog::catalogue::instances::InstanceRow;
use yingdun_crypto::digest::sha256;
use yingdun_dicom::frames::FrameTable;
use yingdun_dicom::json;
use yingdun_dicom::masking::is_path_of_pixels;
use yingdun_dicom::part10;
use yingdun_dicom::transfer_syntax::{Encoding, frame_media_type};
use yingdun_keys::KeysError;
use yingdun_model::{Action, Uid};

/// Frames of one answer that are read before they are asked for. The others wait for their turn, so that a long list
/// of frames costs no more memory than a short one.
const FRAMES_AHEAD: usize = 4;

/// The path of the pixels of an object in its metadata.
const PIXEL_DATA: &str = "7FE00010";

/// A study that this session may read at this moment.
#[derive(Clone, Debug)]
pub struct OpenStudy {
    core: Arc<Core>,
    keys: Arc<InstitutionKeys>,
    session: Session,
    facts: StudyFacts,
    /// What it was opened for: to view it, or to export it.
    action: Action,
    /// What the session is not to learn of it.
    mask: Option<Mask>,
    /// In which form it is shown to the session.
    showing: Showing,
}

impl OpenStudy {
    /// Decides, writes the leaf and unwraps the key, or goes on in the window that is open already.
    pub(crate) async fn open(
        core: &Arc<Core>,
        session: &Session,
        study: &Uid,
        action: Action,
    ) -> Result<Self, OpenError> {
        let keys = core.institution_keys(session.institution()).await.map_err(OpenError::Unavailable)?;
        let reference = keys.pseudonyms.study(study);
        let facts = match core.windows.known_facts(reference) {
            Some(facts) => Some(facts),
            None => {
                core.study_facts(session.institution(), reference).await.map_err(OpenError::Unavailable)?
            }
        };
        let facts = match facts {
            Some(facts) => facts,
            None if opens_studies(session) => return Err(OpenError::NotFound),
            // Who may open no study hears the same refusal whether this one exists or not: a study that is not
            // there is decided as anybody's.
            None => StudyFacts {
                institution: session.institution().clone(),
                study: reference,
                patient: keys.pseudonyms.patient("", "", study),
                grade: GRADE_ON_ARRIVAL,
                received: core.clock.now(),
            },
        };
        match enter(core, session, &facts, action).await {
            Err(OpenError::NotFound) if action == Action::Export => {
                return Err(refused_export(core, session, &facts).await);
            }
            entered => drop(entered?),
        }
        let mask = Mask::of(core, session, &keys);
        let showing = core.access.showing(session, facts.grade);
        Ok(Self { core: Arc::clone(core), keys, session: session.clone(), facts, action, mask, showing })
    }

    /// Whether whole objects may be had of it. They cannot be masked or marked, so that a session whose role is gets none.
    ///
    /// # Errors
    /// [`OpenError::Refused`].
    pub fn gives_objects(&self) -> Result<(), OpenError> {
        self.gives_values()?;
        if self.mask.is_some() { Err(masked_role()) } else { Ok(()) }
    }

    /// Whether frames and values may be had as they are stored. They carry no mark, so that a session that is shown marked pictures only gets none.
    ///
    /// # Errors
    /// [`OpenError::Refused`].
    pub fn gives_values(&self) -> Result<(), OpenError> {
        if self.showing.rendered_only { Err(rendered_only()) } else { Ok(()) }
    }

    /// What answers about it are masked by, for validators: two sessions whose answers may differ have two of these.
    #[must_use]
    pub fn masking_digest(&self) -> Option<[u8; 32]> {
        let digest = self.mask.as_ref().map(Mask::digest);
        // Without pixels it is another answer.
        if self.showing.rendered_only {
            return Some(sha256(&[&b"without pixels"[..], &digest.unwrap_or_default()].concat()));
        }
        digest
    }

    /// Whether this session may also send the study to a device: what must not leave stays where it is looked at.
    ///
    /// # Errors
    /// [`OpenError::Refused`], written down; [`OpenError::Unavailable`].
    pub async fn may_be_sent(&self) -> Result<(), OpenError> {
        self.core.access.may_send(&self.session, &self.facts).await.map_err(|refusal| {
            match refusal.reason() {
                Some(reason) => OpenError::Refused { reason: reason.to_string() },
                None => OpenError::Unavailable(Unavailable::new("access", refusal)),
            }
        })
    }

    /// The instances, of one series or one instance if asked, by series and instance number.
    ///
    /// # Errors
    /// [`OpenError::Unavailable`] when the catalogue does not answer.
    pub async fn instances(
        &self,
        series: Option<&Uid>,
        instance: Option<&Uid>,
    ) -> Result<Vec<InstanceEntry>, OpenError> {
        let database = self.core.catalogue.caught_up().await.map_err(OpenError::Unavailable)?;
        let institution = &self.facts.institution;
        let rows = match instance {
            Some(instance) => {
                let reference = self.keys.pseudonyms.instance(instance);
                let row = instances::latest(database, institution, reference).await;
                row.map(|row| row.into_iter().filter(|row| row.study == self.facts.study).collect())
            }
            None => instances::of_study(database, institution, self.facts.study).await,
        };
        let rows = rows.map_err(|error| OpenError::Unavailable(unavailable(error)))?;
        let mut entries: Vec<InstanceEntry> = rows
            .into_iter()
            .filter(|row| series.is_none_or(|series| row.series_uid == *series))
            .map(entry)
            .collect();
        entries.sort_by(|a, b| (&a.series, a.row.number).cmp(&(&b.series, b.row.number)));
        Ok(entries)
    }

    /// The DICOM JSON of an instance, bulk data addressed under `bulk_base_url`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn metadata(&self, entry: &InstanceEntry, bulk_base_url: &str) -> Result<Bytes, OpenError> {
        let metadata = self.unmasked_metadata(entry, bulk_base_url).await?;
        let metadata = match self.showing.rendered_only {
            true => json::without_binaries(&metadata).map(Bytes::from).ok_or_else(rendered_only)?,
            false => metadata,
        };
        match &self.mask {
            None => Ok(metadata),
            Some(mask) => mask.document(&metadata).ok_or_else(masked_role),
        }
    }

    /// The same without addresses and as it is, for what the archive makes of it. None of it leaves to the session.
    pub(crate) async fn unmasked_attributes(
        &self,
        entry: &InstanceEntry,
    ) -> Result<serde_json::Map<String, serde_json::Value>, OpenError> {
        let metadata = self.unmasked_metadata(entry, "").await?;
        serde_json::from_slice(&metadata).map_err(|_| OpenError::Damaged)
    }

    async fn unmasked_metadata(&self, entry: &InstanceEntry, base_url: &str) -> Result<Bytes, OpenError> {
        let metadata = self.part(entry, PartKind::Metadata).await?;
        let whole = metadata.read(0..metadata.plain_bytes()).await?;
        let layout_end = LENGTH_BYTES + layout_bytes(&whole)?;
        let template =
            usize::try_from(layout_end).ok().and_then(|end| whole.get(end..)).ok_or(OpenError::Damaged)?;
        Ok(json::with_base(template, base_url).into())
    }

    /// The data set of an instance as it was sent, bit for bit: its length and its bytes.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn data_set(&self, entry: &InstanceEntry) -> Result<(u64, ByteStream), OpenError> {
        self.gives_objects()?;
        let reader = self.reader(entry).await?;
        let length = reader.layout().header.data_set_bytes;
        self.window().await?.count(1, length);
        let whole = 0..length;
        Ok((length, reader.stream(Bytes::new(), vec![whole])))
    }

    /// The instance as a DICOM file: its length and its bytes. The preamble is empty and the file meta information
    /// ours; the data set is what was sent, bit for bit.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn part10(&self, entry: &InstanceEntry) -> Result<(u64, ByteStream), OpenError> {
        let (reader, header, data_set_bytes) = self.file(entry).await?;
        let length = header.len() as u64 + data_set_bytes;
        self.window().await?.count(1, data_set_bytes);
        let whole = 0..data_set_bytes;
        Ok((length, reader.stream(header, vec![whole])))
    }

    /// A range of the bytes that [`Self::part10`] gives; what lies behind the end of the file is left out.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn part10_range(
        &self,
        entry: &InstanceEntry,
        range: Range<u64>,
    ) -> Result<ByteStream, OpenError> {
        let (reader, header, data_set_bytes) = self.file(entry).await?;
        let header_bytes = header.len() as u64;
        let in_header = |at: u64| usize::try_from(at.min(header_bytes)).unwrap_or(header.len());
        let in_data_set = |at: u64| at.saturating_sub(header_bytes).min(data_set_bytes);
        let header = header.slice(in_header(range.start.min(range.end))..in_header(range.end));
        let data_set = in_data_set(range.start.min(range.end))..in_data_set(range.end);
        self.window().await?.count(1, data_set.end - data_set.start);
        Ok(reader.stream(header, vec![data_set]))
    }

    /// Like [`Self::part10`], opened in a task of its own that also reads the first bytes: for an instance whose turn
    /// comes after others.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn part10_ahead(
        self: &Arc<Self>,
        entry: InstanceEntry,
    ) -> impl Future<Output = Result<(u64, ByteStream), OpenError>> + Send + use<> {
        let study = Arc::clone(self);
        let opened = tokio::spawn(async move {
            let (length, stream) = study.part10(&entry).await?;
            let begun = begun(stream).await;
            Ok((length, while_open((*study).clone(), begun)))
        });
        async move { opened.await.map_err(|error| OpenError::Unavailable(Unavailable::new("archive", error)))? }
    }

    /// Frames of an instance, by their numbers from 1.
    ///
    /// # Errors
    /// [`OpenError::NotFound`] when a frame does not exist or the object does not tell where its frames are.
    pub async fn frames(&self, entry: &InstanceEntry, numbers: &[u32]) -> Result<Vec<Frame>, OpenError> {
        self.gives_values()?;
        let reader = self.reader(entry).await?;
        let layout = reader.layout();
        if layout.encoding == Encoding::DeflatedExplicitLe {
            return Err(OpenError::NotAddressable);
        }
        let table = layout.frames.as_ref().ok_or(OpenError::NotFound)?;
        let media_type = frame_media_type(&entry.transfer_syntax);
        let mut frames = Vec::with_capacity(numbers.len());
        let mut bytes = 0;
        for (position, number) in numbers.iter().enumerate() {
            let place = table.frame(*number).map_err(|_| OpenError::NotFound)?;
            if place.skip_bits != 0 {
                return Err(OpenError::NotAddressable);
            }
            let length = place.length();
            bytes += length;
            let reader = reader.clone();
            let stream = reader.stream(Bytes::new(), place.parts);
            // The first one is asked for at once by whoever sends it.
            let stream = if (1..FRAMES_AHEAD).contains(&position) { ahead(stream) } else { stream };
            frames.push(Frame { media_type, bytes: length, stream });
        }
        self.window().await?.count(1, bytes);
        Ok(frames)
    }

    /// The values of an instance that have addresses of their own in its metadata, in their order. A session whose role is masked
    /// has pixels only.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn bulk_values(&self, entry: &InstanceEntry) -> Result<Vec<BulkValue>, OpenError> {
        self.gives_values()?;
        let reader = self.reader(entry).await?;
        let frames = reader.layout().frames.as_ref().map_or(0, FrameTable::frames);
        let given = |path: &str| self.mask.is_none() || is_path_of_pixels(path);
        let values = reader.layout().bulk.iter().filter(|value| given(&value.path)).map(|value| BulkValue {
            path: value.path.clone(),
            // Only the pixels of the object itself come in frames that can be told apart.
            frames: (value.encapsulated && value.path == PIXEL_DATA).then_some(frames),
        });
        Ok(values.collect())
    }

    /// A binary value by its path in the metadata, whether the metadata hold it or give its address.
    ///
    /// # Errors
    /// [`OpenError::NotFound`] when the metadata names no such value.
    pub async fn bulk(&self, entry: &InstanceEntry, path: &str) -> Result<(u64, ByteStream), OpenError> {
        let value = self.value(entry, path).await?;
        let bytes = value.bytes();
        self.window().await?.count(1, bytes);
        Ok((bytes, value.stream(0..bytes)))
    }

    /// The length of that value, bytes.
    ///
    /// # Errors
    /// As [`Self::bulk`].
    pub async fn bulk_bytes(&self, entry: &InstanceEntry, path: &str) -> Result<u64, OpenError> {
        self.value(entry, path).await.map(|value| value.bytes())
    }

    /// A range of the bytes that [`Self::bulk`] gives; what lies behind the end of the value is left out.
    ///
    /// # Errors
    /// As [`Self::bulk`].
    pub async fn bulk_range(
        &self,
        entry: &InstanceEntry,
        path: &str,
        range: Range<u64>,
    ) -> Result<ByteStream, OpenError> {
        let value = self.value(entry, path).await?;
        let end = range.end.min(value.bytes());
        let range = range.start.min(end)..end;
        self.window().await?.count(1, range.end - range.start);
        Ok(value.stream(range))
    }

    /// A binary value: where it lies in the object, or the few bytes that stand in the metadata.
    async fn value(&self, entry: &InstanceEntry, path: &str) -> Result<BinaryValue, OpenError> {
        self.gives_values()?;
        if self.mask.is_some() && !is_path_of_pixels(path) {
            return Err(masked_role());
        }
        let reader = self.reader(entry).await?;
        let layout = reader.layout();
        let Some(bulk) = layout.bulk.iter().find(|bulk| bulk.path == path) else {
            let metadata = self.unmasked_metadata(entry, "").await?;
            return json::inline_value(&metadata, path)
                .map(|bytes| BinaryValue::Inline(bytes.into()))
                .ok_or(OpenError::NotFound);
        };
        if layout.encoding == Encoding::DeflatedExplicitLe {
            return Err(OpenError::NotAddressable);
        }
        let place = bulk.offset..bulk.offset.saturating_add(bulk.length);
        Ok(BinaryValue::Stored(reader, place))
    }

    /// The object, the header that is written in front of it, and the length of its data set.
    async fn file(&self, entry: &InstanceEntry) -> Result<(ObjectReader, Bytes, u64), OpenError> {
        self.gives_objects()?;
        let reader = self.reader(entry).await?;
        let FileHeader { sop_class, sop_instance, transfer_syntax, data_set_bytes } = &reader.layout().header;
        let header = part10::write_header(sop_class, sop_instance, transfer_syntax, None);
        let data_set_bytes = *data_set_bytes;
        Ok((reader, header.into(), data_set_bytes))
    }

    async fn reader(&self, entry: &InstanceEntry) -> Result<ObjectReader, OpenError> {
        let window = self.window().await?;
        let version = (entry.row.reference, entry.row.version);
        let open = match window.opened(&version) {
            Some(open) => open,
            None => {
                let (metadata, object) = futures_util::try_join!(
                    self.part(entry, PartKind::Metadata),
                    self.part(entry, PartKind::Object)
                )?;
                let (layout, layout_bytes) = read_layout(&metadata).await?;
                let open = Arc::new(OpenObject { object, layout, layout_bytes });
                window.keep(version, Arc::clone(&open));
                open
            }
        };
        // The row was read anew for this request, even where the object is still open.
        if !is_of(entry, &open.layout.header) {
            return Err(altered_row("a UID or a length that its object does not have"));
        }
        Ok(ObjectReader::new(self.clone(), open))
    }

    async fn part(&self, entry: &InstanceEntry, kind: PartKind) -> Result<SealedPart, OpenError> {
        let source = self.core.source_of(&entry.row)?;
        let place = self.place(entry)?;
        let context = match kind {
            PartKind::Metadata => place.metadata_context(),
            PartKind::Object => place.object_context(),
        };
        let window = self.window().await?;
        SealedPart::open(source, kind, window.key(), &context).await
    }

    /// Where the parts of an instance are sealed. The UIDs of its row must be those that its references stand for.
    fn place(&self, entry: &InstanceEntry) -> Result<Place, OpenError> {
        let InstanceRow { reference: instance, series, version, .. } = entry.row;
        let pseudonyms = &self.keys.pseudonyms;
        if pseudonyms.study(&entry.study) != self.facts.study
            || pseudonyms.series(&entry.study, &entry.series) != series
            || pseudonyms.instance(&entry.sop_instance) != instance
        {
            return Err(altered_row("a UID that its reference does not stand for"));
        }
        Ok(Place {
            institution: self.facts.institution.clone(),
            study: self.facts.study,
            series,
            instance,
            version,
            grade: self.facts.grade,
        })
    }

    /// The window under which the next bytes may be read, decided anew when its time is over.
    async fn window(&self) -> Result<Arc<StudyWindow>, OpenError> {
        enter(&self.core, &self.session, &self.facts, self.action).await
    }

    /// Whether the stream may go on.
    pub(crate) async fn still_open(&self) -> Result<(), OpenError> {
        self.window().await.map(drop).map_err(|error| match error {
            OpenError::NotFound | OpenError::Refused { .. } | OpenError::SlowedDown { .. } => {
                OpenError::PermitEnded
            }
            other => other,
        })
    }
}

/// A binary value of a data set.
enum BinaryValue {
    Stored(ObjectReader, Range<u64>),
    Inline(Bytes),
}

impl BinaryValue {
    fn bytes(&self) -> u64 {
        match self {
            Self::Stored(_, place) => place.end - place.start,
            Self::Inline(bytes) => bytes.len() as u64,
        }
    }

    /// The bytes of a range that lies within the value.
    fn stream(self, range: Range<u64>) -> ByteStream {
        match self {
            Self::Stored(reader, place) => {
                let part = place.start + range.start..place.start + range.end;
                reader.stream(Bytes::new(), vec![part])
            }
            Self::Inline(bytes) => {
                let at = |offset: u64| usize::try_from(offset).unwrap_or(bytes.len()).min(bytes.len());
                Box::pin(stream::iter([Ok(bytes.slice(at(range.start)..at(range.end)))]))
            }
        }
    }
}

fn masked_role() -> OpenError {
    OpenError::Refused { reason: Reason::MaskedRole.to_string() }
}

fn rendered_only() -> OpenError {
    OpenError::Refused { reason: Reason::RenderedOnly.to_string() }
}

/// Who may look at the study, and only not carry it away, is told so: it is no secret from them that it exists.
async fn refused_export(core: &Core, session: &Session, facts: &StudyFacts) -> OpenError {
    let looked = core.access.decide(session, Action::View, &Resource::Study(facts.clone())).await;
    match looked {
        Ok(decision) if decision.permitted => {
            let masked = core.access.mask_of(session).is_some();
            let kept = core.access.showing(session, facts.grade).rendered_only;
            let reason = match (masked, kept) {
                (true, _) => Reason::MaskedRole,
                (false, true) => Reason::RenderedOnly,
                (false, false) => Reason::NoRulePermits,
            };
            OpenError::Refused { reason: reason.to_string() }
        }
        Ok(_) => OpenError::NotFound,
        Err(refusal) => OpenError::Unavailable(Unavailable::new("access", refusal)),
    }
}

async fn enter(
    core: &Core,
    session: &Session,
    facts: &StudyFacts,
    action: Action,
) -> Result<Arc<StudyWindow>, OpenError> {
    core.windows.enter(session, action, facts).await.map_err(|closed| match closed {
        // Never stored, or destroyed.
        Closed::Key(KeysError::NoKey) => OpenError::NotFound,
        Closed::Key(error) => OpenError::Unavailable(Unavailable::new("keys", error)),
        Closed::BrokenOff => OpenError::Unavailable(closed.into()),
        Closed::Refused(refusal) => match refusal.reason() {
            None => OpenError::Unavailable(Unavailable::new("access", refusal)),
            // Asked of those only whom it would help, who see the study in their lists.
            Some(Reason::SlowedDown) => OpenError::SlowedDown { seconds: pause_of(&refusal) },
            Some(reason @ (Reason::SecondFactorNeeded | Reason::MonitorLimit | Reason::ReasonRequired)) => {
                OpenError::Refused { reason: reason.to_string() }
            }
            // Who may see some studies must not learn whether this one exists; who may see none learns nothing
            // from being told so.
            Some(_) if opens_studies(session) => OpenError::NotFound,
            // Only a study that is there has a patient who dissents, or has not consented.
            Some(Reason::PatientDissents | Reason::ConsentNeeded) => {
                OpenError::Refused { reason: Reason::NoRulePermits.to_string() }
            }
            Some(reason) => OpenError::Refused { reason: reason.to_string() },
        },
    })
}

/// How long to wait; a second where it is not said.
const fn pause_of(refusal: &Refusal) -> u32 {
    match refusal {
        Refusal::Denied { help: Help::Wait { seconds }, .. } => *seconds,
        _ => 1,
    }
}

fn opens_studies(session: &Session) -> bool {
    use yingdun_model::Role;
    match session.role() {
        Role::Clinician
        | Role::Radiologist
        | Role::Specialist
        | Role::Chief
        | Role::Technician
        | Role::Researcher
        | Role::RemoteExpert
        | Role::Patient
        | Role::Service => true,
        Role::Device => session.scopes().contains(&Scope::View),
        Role::Vendor
        | Role::SystemAdministrator
        | Role::SecurityAdministrator
        | Role::AuditAdministrator
        | Role::System => false,
    }
}

/// The layout, and its bytes as it is written.
async fn read_layout(metadata: &SealedPart) -> Result<(ObjectLayout, u64), OpenError> {
    let length = layout_bytes(&metadata.read(0..LENGTH_BYTES).await?)?;
    let range: Range<u64> = LENGTH_BYTES..LENGTH_BYTES + length;
    let bytes = metadata.read(range).await?;
    let layout = serde_json::from_slice(&bytes).map_err(|_| OpenError::Damaged)?;
    Ok((layout, length))
}

fn layout_bytes(metadata: &[u8]) -> Result<u64, OpenError> {
    let length =
        metadata.first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes)).ok_or(OpenError::Damaged)?;
    if length > LAYOUT_BYTES_MAX { Err(OpenError::Damaged) } else { Ok(length) }
}

fn is_of(entry: &InstanceEntry, header: &FileHeader) -> bool {
    entry.sop_class == header.sop_class
        && entry.sop_instance == header.sop_instance
        && entry.transfer_syntax == header.transfer_syntax
        && entry.data_set_bytes == header.data_set_bytes
}

/// A row that was changed after it was written: nothing is served by it.
fn altered_row(has: &'static str) -> OpenError {
    metrics::counter!("yingdun_catalogue_rows_refused_total").increment(1);
    tracing::error!(has, "a row of the catalogue was altered; nothing of its instance is served");
    OpenError::Damaged
}

fn entry(row: InstanceRow) -> InstanceEntry {
    InstanceEntry {
        sop_class: row.sop_class.clone(),
        sop_instance: row.sop_instance.clone(),
        study: row.study_uid.clone(),
        series: row.series_uid.clone(),
        transfer_syntax: row.transfer_syntax.clone(),
        number_of_frames: row.frames.unwrap_or(1).max(1),
        data_set_bytes: row.object_bytes,
        row,
    }
}
