//! Native pixel data made smaller before it is sealed, and the exact bytes back.
//!
//! The transform itself is [`yingdun_dicom::compact`]. Here is decided when it is used, and how its block table is
//! kept in the layout.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use yingdun_dicom::compact::{CompactPlan, CompactTable, CompactWriter, PixelFormat};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::frames::ImageShape;
use yingdun_dicom::scan::{PixelExtent, PixelLayout};
use yingdun_dicom::tags;
use yingdun_dicom::transfer_syntax::Encoding;

/// Pixel data shorter than this is stored as it is: the table would cost what the transform gains.
const PIXEL_BYTES_MIN: u64 = 4096;

/// The block table of a packed object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Packing(pub(crate) CompactTable);

impl From<Packing> for String {
    fn from(packing: Packing) -> Self {
        STANDARD.encode(packing.0.to_bytes())
    }
}

impl TryFrom<String> for Packing {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = STANDARD.decode(text).map_err(|_| "a block table is written in base64")?;
        CompactTable::from_bytes(&bytes).map(Self).map_err(|_| "not a block table")
    }
}

/// Packs an object while it passes, or lets it pass unchanged.
#[derive(Debug)]
pub(crate) struct Packer(Option<CompactWriter>);

impl Packer {
    /// Decides by what has been read of the data set: packing needs native pixels whose place and geometry are
    /// known. A deflated data set is compressed already.
    pub(crate) fn new(set: &DataSet, pixels: Option<&PixelLayout>, encoding: Encoding) -> Self {
        Self(pixels.and_then(|pixels| plan(set, pixels, encoding)).map(CompactWriter::new))
    }

    /// Takes plain bytes and appends what is to be stored.
    pub(crate) fn push(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        match &mut self.0 {
            Some(writer) => writer.push(plain, out),
            None => out.extend_from_slice(plain),
        }
    }

    /// Whether bytes pass unchanged.
    pub(crate) const fn is_verbatim(&self) -> bool {
        self.0.is_none()
    }

    /// The block table, if the object was packed.
    ///
    /// # Errors
    /// When the object ended inside its pixel data.
    pub(crate) fn finish(self) -> Result<Option<Packing>, &'static str> {
        match self.0 {
            None => Ok(None),
            Some(writer) => match writer.finish() {
                Some(table) => Ok(Some(Packing(table))),
                None => Err("the object ended inside its pixel data"),
            },
        }
    }
}

fn plan(set: &DataSet, pixels: &PixelLayout, encoding: Encoding) -> Option<CompactPlan> {
    let PixelExtent::Native { length } = pixels.extent else { return None };
    if encoding == Encoding::DeflatedExplicitLe || length < PIXEL_BYTES_MIN {
        return None;
    }
    let shape = ImageShape::of(set)?;
    let planar = set.u32(tags::PLANAR_CONFIGURATION) == Some(1);
    let format = PixelFormat::of(&shape, encoding, planar)?;
    Some(CompactPlan {
        format,
        prefix_bytes: pixels.offset,
        pixel_bytes: length,
        frame_bytes: shape.frame_bits().map_or(0, |bits| bits.div_ceil(8)),
    })
}
