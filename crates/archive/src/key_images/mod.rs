//! Key images: somebody who may look at a study says which of its images are the ones to look at, and the archive makes a selection of them
//! (PS3.3 A.35.4) and stores it with the study, the way every object is stored.
//!
//! Two decisions: that the session may look, and that it may mark. What is stored is made here from the study's own metadata and a few words;
//! no byte of an object comes from outside.

mod document;

use crate::error::{IngestError, OpenError, Unavailable};
use crate::open::OpenStudy;
use crate::receive::Incoming;
use crate::request::{Declared, Door, InstanceEntry, Stored};
use crate::shared::Core;
use document::{Author, Chosen};
use std::collections::HashMap;
use std::sync::Arc;
use yingdun_access::Session;
use yingdun_dicom::transfer_syntax::{EXPLICIT_VR_LITTLE_ENDIAN, Encoding};
use yingdun_dicom::{from_json, write};
use yingdun_model::{Action, Uid};

pub use document::KEY_TITLES;

/// Images of one selection; who marks more has marked nothing.
pub const KEY_IMAGES_MAX: usize = 256;

/// Frames of one object in a selection.
pub const KEY_FRAMES_MAX: usize = 256;

/// What somebody marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyImagesRequest {
    /// The study.
    pub study: Uid,
    /// Why, as a code of [`KEY_TITLES`].
    pub title: String,
    /// In words, if there are any.
    pub description: Option<String>,
    /// Which.
    pub images: Vec<KeyImage>,
}

/// An object of the study, or frames of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyImage {
    /// SOP Instance UID.
    pub instance: Uid,
    /// Numbers of frames from 1; all where none is named.
    pub frames: Vec<u32>,
}

/// Why nothing was marked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyImagesError {
    /// The study does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The selection was not stored.
    #[error(transparent)]
    Store(#[from] IngestError),
    /// Something is not in the study that was to be marked, or has no picture.
    #[error("`{0}` is no image of this study")]
    NoImage(String),
    /// There is no such frame.
    #[error("`{instance}` has {frames} frames")]
    NoFrame {
        /// The object.
        instance: String,
        /// How many it has.
        frames: u32,
    },
    /// The code is none of those that are offered.
    #[error("the title is a code of CID 7010 that the API names")]
    NoTitle,
    /// Too few or too many.
    #[error("1 to {KEY_IMAGES_MAX} images, each once, with at most {KEY_FRAMES_MAX} frames")]
    HowMany,
}

/// Makes the selection and stores it.
pub(crate) async fn mark(
    core: &Arc<Core>,
    session: &Session,
    request: KeyImagesRequest,
) -> Result<Stored, KeyImagesError> {
    let title = document::title(&request.title).ok_or(KeyImagesError::NoTitle)?;
    let study = OpenStudy::open(core, session, &request.study, Action::View).await?;
    let entries = study.instances(None, None).await?;
    let chosen = chosen(&entries, &request.images)?;
    let first = chosen.first().ok_or(KeyImagesError::HowMany)?;
    let about = study.unmasked_attributes(first.entry).await?;
    let author = Author {
        name: session.actor().as_str(),
        at: core.clock.now(),
        utc_offset_minutes: core.access.utc_offset_minutes(),
    };
    let (series, instance) = (random_uid()?, random_uid()?);
    let number =
        entries.iter().filter_map(|entry| entry.row.series_number).max().unwrap_or(0).saturating_add(1);
    let document = document::selection(
        &about,
        &chosen,
        title,
        request.description.as_deref(),
        &author,
        &document::Place { study: &request.study, series: &series, number, instance: &instance },
    );
    let bytes = write::data_set(&from_json::data_set(&document), Encoding::ExplicitLe);
    let declared = Declared {
        transfer_syntax: known_uid(EXPLICIT_VR_LITTLE_ENDIAN)?,
        sop_class: Some(known_uid(document::KEY_OBJECT_SELECTION)?),
        sop_instance: Some(instance),
        study: Some(request.study),
        door: Door::KeyImages,
        habits: Arc::default(),
    };
    let mut incoming = Incoming::new(Arc::clone(core), session.clone(), declared);
    incoming.write(bytes.into()).await?;
    Ok(incoming.finish().await?)
}

// === helpers ===

/// The entries that are meant, each once, with frames that they have.
fn chosen<'e>(entries: &'e [InstanceEntry], images: &[KeyImage]) -> Result<Vec<Chosen<'e>>, KeyImagesError> {
    if images.is_empty() || images.len() > KEY_IMAGES_MAX {
        return Err(KeyImagesError::HowMany);
    }
    let known: HashMap<&str, &InstanceEntry> =
        entries.iter().map(|entry| (entry.sop_instance.as_str(), entry)).collect();
    let mut chosen: Vec<Chosen<'e>> = Vec::with_capacity(images.len());
    for KeyImage { instance, frames } in images {
        let entry = known.get(instance.as_str()).filter(|entry| entry.is_image());
        let entry = *entry.ok_or_else(|| KeyImagesError::NoImage(instance.to_string()))?;
        if chosen.iter().any(|other| other.entry.sop_instance == *instance) || frames.len() > KEY_FRAMES_MAX {
            return Err(KeyImagesError::HowMany);
        }
        let count = entry.number_of_frames;
        if frames.iter().any(|frame| *frame == 0 || *frame > count) {
            return Err(KeyImagesError::NoFrame { instance: instance.to_string(), frames: count });
        }
        let mut frames = if count > 1 { frames.clone() } else { Vec::new() };
        frames.sort_unstable();
        frames.dedup();
        chosen.push(Chosen { entry, frames });
    }
    Ok(chosen)
}

/// A UID of its own, derived from a random number (PS3.5 §B.2).
fn random_uid() -> Result<Uid, IngestError> {
    known_uid(&format!("2.25.{}", u128::from_be_bytes(yingdun_crypto::random::array())))
}

fn known_uid(text: &str) -> Result<Uid, IngestError> {
    Uid::new(text).map_err(|error| IngestError::Unavailable(Unavailable::new("archive", error)))
}
