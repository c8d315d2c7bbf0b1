//! The metadata part of a record: where things are in the object, and its DICOM JSON.

use crate::error::{IngestError, Unavailable};
use crate::layout::{self, FileHeader, ObjectLayout};
use crate::packing::Packing;
use crate::record::Place;
use bytes::Bytes;
use yingdun_crypto::{SealingKey, seal};
use yingdun_dicom::charset::CharacterSets;
use yingdun_dicom::frames::{FrameTable, ImageShape};
use yingdun_dicom::json;
use yingdun_dicom::scan::Scanned;

/// Seals what is known of an object that has arrived.
pub(super) fn seal_metadata(
    key: &SealingKey,
    place: &Place,
    header: FileHeader,
    sets: &CharacterSets,
    scanned: &Scanned,
    packing: Option<Packing>,
) -> Result<Bytes, IngestError> {
    let rendered = json::render_in(&scanned.data_set, sets);
    let layout = ObjectLayout {
        header,
        encoding: scanned.encoding,
        frames: frame_table(scanned),
        bulk: rendered.bulk,
        packing,
    };
    let metadata = layout::frame(&layout, &rendered.template)
        .map_err(|error| IngestError::Unavailable(Unavailable::new("archive", error)))?;
    Ok(seal(key, &place.metadata_context(), &metadata).into())
}

/// Where the frames are; nothing when the data set does not say, which costs frame access and nothing else.
fn frame_table(scanned: &Scanned) -> Option<FrameTable> {
    let pixels = scanned.pixels.as_ref()?;
    FrameTable::build(pixels, ImageShape::of(&scanned.data_set)).ok()
}
