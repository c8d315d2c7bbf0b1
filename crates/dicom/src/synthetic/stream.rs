//! An enhanced CT of any size as a stream of pieces, so that an object of many gigabytes is made in constant
//! memory.

use super::attributes::{self, known_uid, uid};
use super::rng::Rng;
use super::{Kind, Study, anatomy};
use crate::data_set::DataSet;
use crate::tag::{Tag, tags};
use crate::transfer_syntax::{ENCAPSULATED_UNCOMPRESSED, EXPLICIT_VR_LITTLE_ENDIAN, Encoding};
use crate::vr::Vr;
use crate::write;
use yingdun_model::Uid;

/// Rows and columns of a frame.
const MATRIX: u16 = 512;

/// Bytes of a frame.
const FRAME_BYTES: u32 = 2 * MATRIX as u32 * MATRIX as u32;

/// Different frames that are really painted; later ones repeat them, so that making an object is as fast as
/// copying it.
const PAINTED_FRAMES: u32 = 16;

/// A multi-frame CT instance whose bytes are made as they are asked for. Up to 4 GiB its pixels are native;
/// a longer element does not exist in DICOM, so beyond that they are Encapsulated Uncompressed, one fragment
/// per frame (PS3.5 §A.4.11).
#[derive(Debug)]
pub struct EnhancedCt {
    /// SOP Class UID: Enhanced CT Image Storage.
    pub sop_class: Uid,
    /// SOP Instance UID.
    pub sop_instance: Uid,
    /// Study Instance UID.
    pub study: Uid,
    /// Transfer syntax of the data set.
    pub transfer_syntax: Uid,
    header: Option<Vec<u8>>,
    painted: Vec<Vec<u8>>,
    encapsulated: bool,
    frames: u32,
    next_frame: u32,
    header_bytes: u64,
}

impl EnhancedCt {
    /// Prepares an instance of this many frames, 512 KiB each.
    #[must_use]
    pub fn new(seed: u64, frames: u32) -> Self {
        let frames = frames.max(1);
        let study = Study::new(seed, Kind::Ct { slices: frames });
        let mut rng = Rng::new(seed ^ 0x454e_4354);
        let sop_class = known_uid("1.2.840.10008.5.1.4.1.1.2.1");
        let sop_instance = uid(&mut rng);
        let encapsulated = u64::from(frames) * u64::from(FRAME_BYTES) > u64::from(u32::MAX - 1);
        let mut set = study.common(sop_class.as_str(), &sop_instance, "CT", 1);
        attributes::image(&mut set, MATRIX, MATRIX, 12, false);
        set.put_text(tags::NUMBER_OF_FRAMES, Vr::IS, &frames.to_string());
        let mut shared = DataSet::new();
        let mut transformation = DataSet::new();
        attributes::hounsfield(&mut transformation);
        shared.put_items(Tag(0x0028, 0x9145), vec![transformation]);
        set.put_items(Tag(0x5200, 0x9229), vec![shared]);
        set.put_items(Tag(0x5200, 0x9230), (1..=frames).map(functional_groups).collect());
        let mut header = write::data_set(&set, Encoding::ExplicitLe);
        let length = (!encapsulated).then_some(FRAME_BYTES.wrapping_mul(frames));
        let vr = if encapsulated { Vr::OB } else { Vr::OW };
        write::element_header(tags::PIXEL_DATA, vr, length, Encoding::ExplicitLe, &mut header);
        if encapsulated {
            item_header(0, &mut header);
        }
        let painted = (1..=PAINTED_FRAMES.min(frames))
            .map(|number| anatomy::chest_ct(seed, number, PAINTED_FRAMES, MATRIX, &mut rng).words())
            .collect();
        let syntax = if encapsulated { ENCAPSULATED_UNCOMPRESSED } else { EXPLICIT_VR_LITTLE_ENDIAN };
        Self {
            sop_class,
            sop_instance,
            study: study.study,
            transfer_syntax: known_uid(syntax),
            header_bytes: header.len() as u64,
            header: Some(header),
            painted,
            encapsulated,
            frames,
            next_frame: 0,
        }
    }

    /// Bytes of the whole data set.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        let (per_item, end) = if self.encapsulated { (8, 8) } else { (0, 0) };
        self.header_bytes + u64::from(self.frames) * (u64::from(FRAME_BYTES) + per_item) + end
    }
}

impl Iterator for EnhancedCt {
    type Item = Vec<u8>;

    /// The next piece of the data set: first everything before the pixels, then frame after frame.
    fn next(&mut self) -> Option<Vec<u8>> {
        if let Some(header) = self.header.take() {
            return Some(header);
        }
        if self.next_frame >= self.frames {
            return None;
        }
        let at = usize::try_from(self.next_frame % PAINTED_FRAMES).unwrap_or(0);
        let frame = self.painted.get(at)?;
        self.next_frame += 1;
        let mut piece = Vec::with_capacity(frame.len() + 16);
        if self.encapsulated {
            item_header(FRAME_BYTES, &mut piece);
        }
        piece.extend_from_slice(frame);
        if self.encapsulated && self.next_frame == self.frames {
            write::element_header(
                tags::SEQUENCE_DELIMITATION,
                Vr::UN,
                Some(0),
                Encoding::ExplicitLe,
                &mut piece,
            );
        }
        Some(piece)
    }
}

// === helpers ===

fn item_header(length: u32, out: &mut Vec<u8>) {
    write::element_header(tags::ITEM, Vr::UN, Some(length), Encoding::ExplicitLe, out);
}

/// Frame content and plane position of one frame (PS3.3 §C.7.6.16).
fn functional_groups(number: u32) -> DataSet {
    let mut content = DataSet::new();
    content.put(Tag(0x0020, 0x9157), Vr::UL, crate::data_set::Value::Bytes(number.to_le_bytes().to_vec()));
    let mut plane = DataSet::new();
    let z = -f64::from(number) * 0.625;
    plane.put_text(tags::IMAGE_POSITION_PATIENT, Vr::DS, &format!("-180\\-180\\{z}"));
    let mut groups = DataSet::new();
    groups.put_items(Tag(0x0020, 0x9111), vec![content]);
    groups.put_items(Tag(0x0020, 0x9113), vec![plane]);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::{FrameTable, ImageShape};
    use crate::limits::Limits;
    use crate::scan::Scanner;
    use crate::transfer_syntax;

    #[test]
    fn a_native_stream_is_a_complete_object_of_the_stated_length() {
        let object = EnhancedCt::new(1, 20);
        let (total, syntax) = (object.total_bytes(), object.transfer_syntax.clone());
        let mut scanner = Scanner::new(transfer_syntax::lookup(&syntax), Limits::default());
        for piece in object {
            scanner.feed(&piece).unwrap();
        }
        let scanned = scanner.finish().unwrap();
        assert_eq!(scanned.length, total);
        let table = FrameTable::build(&scanned.pixels.unwrap(), ImageShape::of(&scanned.data_set)).unwrap();
        assert_eq!(table.frames(), 20);
    }

    #[test]
    fn an_object_over_4_gib_is_scanned_in_bounded_memory_and_its_last_frame_is_found() {
        let object = EnhancedCt::new(1, 8_200);
        let (total, syntax) = (object.total_bytes(), object.transfer_syntax.clone());
        assert_eq!(syntax.as_str(), ENCAPSULATED_UNCOMPRESSED);
        let mut scanner = Scanner::new(transfer_syntax::lookup(&syntax), Limits::default());
        for piece in object {
            scanner.feed(&piece).unwrap();
        }
        let scanned = scanner.finish().unwrap();
        assert_eq!(scanned.length, total);
        assert!(total > 4 << 30);
        let table = FrameTable::build(&scanned.pixels.unwrap(), ImageShape::of(&scanned.data_set)).unwrap();
        let last = table.frame(8_200).unwrap();
        assert_eq!(last.parts, vec![total - 8 - u64::from(FRAME_BYTES)..total - 8]);
    }
}
