//! Where each frame lies in the data set (DICOM PS3.3 §C.7.6.3, PS3.5 §8 and §A.4), so that one frame is read
//! without the rest. Arithmetic only: it never sees pixel bytes.

// A frame is often one range: a vector of one range is meant.
#![allow(clippy::single_range_in_vec_init)]

use crate::charset::CharacterSets;
use crate::data_set::DataSet;
use crate::scan::{PixelExtent, PixelLayout};
use crate::tag::tags;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The geometry of the pixels of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageShape {
    /// Rows of a frame.
    pub rows: u32,
    /// Columns of a frame.
    pub columns: u32,
    /// Samples per pixel as stored: 2 for native YBR_FULL_422, whose pixels share their chroma.
    pub samples: u32,
    /// Bits of memory per sample.
    pub bits_allocated: u32,
    /// Number of frames, at least 1.
    pub frames: u32,
}

/// Finds the bytes of any frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameTable {
    frames: u32,
    arrangement: Arrangement,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Arrangement {
    /// Frame after frame, each a whole number of bytes.
    Bytes { offset: u64, frame_bytes: u64 },
    /// Frame after frame, bit after bit: a frame may begin inside a byte (PS3.5 §8.1.1, Bits Allocated 1).
    Bits { offset: u64, frame_bits: u64 },
    /// One or more fragments per frame.
    Fragments {
        first_offset: u64,
        lengths: Vec<u32>,
        /// Index of the first fragment of each frame; empty if every frame has one fragment.
        starts: Vec<u32>,
    },
}

/// The bytes of one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FramePlace {
    /// Byte ranges of the (inflated) data set, to be joined in this order.
    pub parts: Vec<Range<u64>>,
    /// Bits at the start of the first byte that belong to the frame before; 0 but for 1-bit images. Shift by
    /// this count (lowest bit first) to serve the frame.
    pub skip_bits: u8,
}

/// Why frames cannot be addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Rows, Columns, Samples per Pixel or Bits Allocated are missing or absurd.
    #[error("the geometry of the image is missing or beyond 2^40 bytes per frame")]
    NoGeometry,
    /// The pixel data is shorter than its geometry says.
    #[error("{frames} frames need {needed} bytes of pixel data, the element has {length}")]
    TooShort {
        /// Number of Frames.
        frames: u32,
        /// Bytes by the geometry.
        needed: u64,
        /// Bytes of the element.
        length: u64,
    },
    /// Several fragments per frame and no usable offset table.
    #[error("{fragments} fragments do not tell where each of {frames} frames begins")]
    NoBoundaries {
        /// Number of Frames.
        frames: u32,
        /// Number of fragments.
        fragments: usize,
    },
    /// A frame number beyond the image. Numbers start at 1.
    #[error("there are frames 1 to {frames}, not {number}")]
    NoSuchFrame {
        /// Number of Frames.
        frames: u32,
        /// What was asked for.
        number: u32,
    },
}

impl ImageShape {
    /// Reads the geometry of a data set; `None` if an attribute is missing.
    #[must_use]
    pub fn of(set: &DataSet) -> Option<Self> {
        let photometric = set.first_text(tags::PHOTOMETRIC_INTERPRETATION, &CharacterSets::default());
        let samples = set.u32(tags::SAMPLES_PER_PIXEL).unwrap_or(1);
        let shares_chroma = samples == 3 && photometric.as_deref() == Some("YBR_FULL_422");
        Some(Self {
            rows: set.u32(tags::ROWS)?,
            columns: set.u32(tags::COLUMNS)?,
            samples: if shares_chroma { 2 } else { samples },
            bits_allocated: set.u32(tags::BITS_ALLOCATED)?,
            frames: set.u32(tags::NUMBER_OF_FRAMES).unwrap_or(1).max(1),
        })
    }

    /// Bits of one frame; `None` if zero or absurdly many.
    #[must_use]
    pub fn frame_bits(&self) -> Option<u64> {
        // 1 TiB per frame: far beyond any image, far below overflow in later sums.
        const BITS_MAX: u64 = 8 << 40;
        let pixels = u64::from(self.rows) * u64::from(self.columns);
        let bits =
            pixels.checked_mul(u64::from(self.samples))?.checked_mul(u64::from(self.bits_allocated))?;
        (1..=BITS_MAX).contains(&bits).then_some(bits)
    }
}

impl FrameTable {
    /// Works out where the frames are.
    ///
    /// # Errors
    /// [`FrameError`] if geometry and pixel data do not fit each other. Such an object can still be stored
    /// and retrieved as a whole.
    pub fn build(layout: &PixelLayout, shape: Option<ImageShape>) -> Result<Self, FrameError> {
        match &layout.extent {
            PixelExtent::Native { length } => {
                let shape = shape.ok_or(FrameError::NoGeometry)?;
                let frame_bits = shape.frame_bits().ok_or(FrameError::NoGeometry)?;
                let needed = (frame_bits * u64::from(shape.frames)).div_ceil(8);
                if needed > *length {
                    return Err(FrameError::TooShort { frames: shape.frames, needed, length: *length });
                }
                let offset = layout.offset;
                let arrangement = if frame_bits % 8 == 0 {
                    Arrangement::Bytes { offset, frame_bytes: frame_bits / 8 }
                } else {
                    Arrangement::Bits { offset, frame_bits }
                };
                Ok(Self { frames: shape.frames, arrangement })
            }
            PixelExtent::Encapsulated(fragments) => {
                let frames = shape.map_or(1, |shape| shape.frames);
                let lengths = fragments.lengths.clone();
                let unknown = FrameError::NoBoundaries { frames, fragments: lengths.len() };
                let starts = if lengths.is_empty() {
                    return Err(unknown);
                } else if usize::try_from(frames) == Ok(lengths.len()) {
                    Vec::new()
                } else if frames == 1 {
                    vec![0]
                } else {
                    starts(&fragments.basic_offset_table, &lengths, frames).ok_or(unknown)?
                };
                let first_offset = fragments.first_offset;
                Ok(Self { frames, arrangement: Arrangement::Fragments { first_offset, lengths, starts } })
            }
        }
    }

    /// Number of frames.
    #[must_use]
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Finds a frame. Numbers start at 1, as in DICOMweb.
    ///
    /// # Errors
    /// [`FrameError::NoSuchFrame`].
    pub fn frame(&self, number: u32) -> Result<FramePlace, FrameError> {
        let missing = FrameError::NoSuchFrame { frames: self.frames, number };
        let index = number.checked_sub(1).filter(|index| *index < self.frames).ok_or(missing)?;
        match &self.arrangement {
            Arrangement::Bytes { offset, frame_bytes } => {
                let start = offset + frame_bytes * u64::from(index);
                Ok(FramePlace { parts: vec![start..start + frame_bytes], skip_bits: 0 })
            }
            Arrangement::Bits { offset, frame_bits } => {
                let first = frame_bits * u64::from(index);
                let part = offset + first / 8..offset + (first + frame_bits).div_ceil(8);
                #[allow(clippy::cast_possible_truncation)] // below 8
                let skip_bits = (first % 8) as u8;
                Ok(FramePlace { parts: vec![part], skip_bits })
            }
            Arrangement::Fragments { first_offset, lengths, starts } => {
                let index = usize::try_from(index).map_err(|_| missing)?;
                let (from, until) = if starts.is_empty() {
                    (index, index + 1)
                } else {
                    let place = |at: usize| starts.get(at).and_then(|start| usize::try_from(*start).ok());
                    (place(index).ok_or(missing)?, place(index + 1).unwrap_or(lengths.len()))
                };
                let before: u64 = lengths.iter().take(from).map(|length| item_bytes(*length)).sum();
                let mut at = first_offset + before;
                let mut parts = Vec::with_capacity(until.saturating_sub(from));
                for length in lengths.get(from..until).ok_or(missing)? {
                    let start = at + ITEM_HEADER_BYTES;
                    parts.push(start..start + u64::from(*length));
                    at += item_bytes(*length);
                }
                Ok(FramePlace { parts, skip_bits: 0 })
            }
        }
    }
}

impl FramePlace {
    /// Bytes of all parts.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.parts.iter().map(|part| part.end - part.start).sum()
    }
}

// === helpers ===

/// Tag and length of an item (PS3.5 §7.5.1).
const ITEM_HEADER_BYTES: u64 = 8;

fn item_bytes(length: u32) -> u64 {
    ITEM_HEADER_BYTES + u64::from(length)
}

/// The first fragment of each frame, by the Basic Offset Table. `None` if the table does not fit.
fn starts(table: &[u32], lengths: &[u32], frames: u32) -> Option<Vec<u32>> {
    if usize::try_from(frames) != Ok(table.len()) {
        return None;
    }
    let mut starts = Vec::with_capacity(table.len());
    let mut fragments = lengths.iter().enumerate();
    let mut position = 0_u64;
    for wanted in table {
        // Offsets ascend, so one walk over the fragments finds them all.
        let index = loop {
            let (index, length) = fragments.next()?;
            let here = position;
            position += item_bytes(*length);
            if here == u64::from(*wanted) {
                break index;
            }
            if here > u64::from(*wanted) {
                return None;
            }
        };
        starts.push(u32::try_from(index).ok()?);
    }
    Some(starts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Fragments;
    use crate::vr::Vr;

    fn layout(extent: PixelExtent) -> PixelLayout {
        PixelLayout { tag: tags::PIXEL_DATA, vr: Vr::OW, offset: 1_000, extent }
    }

    fn shape(bits_allocated: u32, frames: u32) -> ImageShape {
        ImageShape { rows: 3, columns: 3, samples: 1, bits_allocated, frames }
    }

    #[test]
    fn native_frames_follow_each_other() {
        let native = layout(PixelExtent::Native { length: 36 });
        let table = FrameTable::build(&native, Some(shape(16, 2))).unwrap();
        assert_eq!(table.frame(2).unwrap().parts, vec![1_018..1_036]);
        assert_eq!(table.frame(3), Err(FrameError::NoSuchFrame { frames: 2, number: 3 }));
        assert_eq!(table.frame(0), Err(FrameError::NoSuchFrame { frames: 2, number: 0 }));
    }

    #[test]
    fn one_bit_frames_may_begin_inside_a_byte() {
        let native = layout(PixelExtent::Native { length: 4 });
        let table = FrameTable::build(&native, Some(shape(1, 3))).unwrap();
        assert_eq!(table.frame(2).unwrap(), FramePlace { parts: vec![1_001..1_003], skip_bits: 1 });
        assert_eq!(table.frame(3).unwrap(), FramePlace { parts: vec![1_002..1_004], skip_bits: 2 });
    }

    #[test]
    fn pixel_data_shorter_than_its_geometry_is_an_error_that_says_so() {
        let native = layout(PixelExtent::Native { length: 17 });
        let error = FrameTable::build(&native, Some(shape(16, 1))).unwrap_err();
        assert_eq!(error.to_string(), "1 frames need 18 bytes of pixel data, the element has 17");
        let absurd = ImageShape { rows: u32::MAX, columns: u32::MAX, ..shape(16, 1) };
        assert_eq!(FrameTable::build(&native, Some(absurd)), Err(FrameError::NoGeometry));
        assert_eq!(FrameTable::build(&native, None), Err(FrameError::NoGeometry));
    }

    #[test]
    fn fragments_are_joined_by_the_offset_table() {
        let fragments = |basic_offset_table: Vec<u32>, lengths: Vec<u32>| {
            let fragments = Fragments { basic_offset_table, first_offset: 1_008, lengths, complete: true };
            layout(PixelExtent::Encapsulated(fragments))
        };
        let two = fragments(vec![0, 36], vec![10, 10, 20]);
        let table = FrameTable::build(&two, Some(shape(8, 2))).unwrap();
        assert_eq!(table.frame(1).unwrap().parts, vec![1_016..1_026, 1_034..1_044]);
        assert_eq!(table.frame(2).unwrap().parts, vec![1_052..1_072]);
        assert_eq!(table.frame(1).unwrap().length(), 20);

        let one_each = FrameTable::build(&fragments(vec![], vec![10, 12]), Some(shape(8, 2))).unwrap();
        assert_eq!(one_each.frame(2).unwrap().parts, vec![1_034..1_046]);

        let all = FrameTable::build(&fragments(vec![], vec![10, 12]), Some(shape(8, 1))).unwrap();
        assert_eq!(all.frame(1).unwrap().parts.len(), 2);

        for lying in [vec![], vec![0, 35], vec![36, 0], vec![0, 999]] {
            let lying = fragments(lying, vec![10, 10, 20]);
            let error = FrameError::NoBoundaries { frames: 2, fragments: 3 };
            assert_eq!(FrameTable::build(&lying, Some(shape(8, 2))), Err(error));
        }
    }
}
