//! How an object lies inside its sealed part: where frames and bulk data are, and how native pixels are packed.
//!
//! The layout stands, as JSON behind its length, in front of the DICOM JSON in the metadata part of a record.
//! So whoever reads a frame reads a few kilobytes of layout and then exactly the bytes of the frame.

use serde::{Deserialize, Serialize};
use yingdun_dicom::frames::FrameTable;
use yingdun_dicom::json::BulkRef;
use yingdun_dicom::transfer_syntax::Encoding;
use yingdun_model::Uid;

/// The bytes of a layout in front of its JSON: the length, big-endian.
pub(crate) const LENGTH_BYTES: u64 = 8;

/// The longest layout that is read back, in bytes: a million fragments in JSON.
pub(crate) const LAYOUT_BYTES_MAX: u64 = 64 << 20;

/// Where things are in one object. Offsets count bytes of the data set as it was sent (after inflation, if it
/// was deflated).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectLayout {
    /// What is written in front of the object when it leaves.
    pub(crate) header: FileHeader,
    /// How the elements are written.
    pub(crate) encoding: Encoding,
    /// Where frames are; none without pixel data or when its boundaries cannot be known.
    pub(crate) frames: Option<FrameTable>,
    /// What has an address of its own.
    pub(crate) bulk: Vec<BulkRef>,
    /// Native pixel data that was packed; none when the object is stored as it was sent.
    pub(crate) packing: Option<crate::packing::Packing>,
}

/// Of what the header of a DICOM file is made, and how long the file is. The catalogue says the same in plain columns,
/// which anybody who writes to the database can change; this is sealed with the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileHeader {
    pub(crate) sop_class: Uid,
    pub(crate) sop_instance: Uid,
    pub(crate) transfer_syntax: Uid,
    /// Bytes of the data set as it was sent.
    pub(crate) data_set_bytes: u64,
}

/// Layout and DICOM JSON as one metadata part.
///
/// A layout that would be too long to be read back leaves out first the frames and then the addresses of bulk data:
/// the whole object can be read without them.
pub(crate) fn frame(layout: &ObjectLayout, template: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let without_frames = || ObjectLayout { frames: None, ..layout.clone() };
    let bare = || ObjectLayout { bulk: Vec::new(), ..without_frames() };
    let mut layout = serde_json::to_vec(layout)?;
    if layout.len() as u64 > LAYOUT_BYTES_MAX {
        layout = serde_json::to_vec(&without_frames())?;
    }
    if layout.len() as u64 > LAYOUT_BYTES_MAX {
        layout = serde_json::to_vec(&bare())?;
    }
    let mut part = Vec::with_capacity(LENGTH_BYTES as usize + layout.len() + template.len());
    part.extend_from_slice(&(layout.len() as u64).to_be_bytes());
    part.extend_from_slice(&layout);
    part.extend_from_slice(template);
    Ok(part)
}
