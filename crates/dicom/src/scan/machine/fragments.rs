//! Encapsulated data (PS3.5 §A.4): the Basic Offset Table and the lengths of fragments.

use super::{Machine, State};
use crate::data_set::{Element, Value};
use crate::dictionary;
use crate::scan::header::{Header, UNDEFINED};
use crate::scan::{Fragments, PixelExtent, PixelLayout, ScanError};
use crate::tag::{Tag, tags};
use crate::vr::Vr;

/// Encapsulated data whose delimiter has not come yet.
pub(super) struct OpenFragments {
    pub(super) tag: Tag,
    pub(super) vr: Vr,
    pub(super) start: u64,
    pub(super) table_read: bool,
    /// Pixel data of the data set itself, whose fragments are recorded; not an icon inside a sequence.
    pub(super) recorded: bool,
    pub(super) big_endian: bool,
}

impl Machine {
    pub(super) fn open_fragments(&mut self, header: Header, offset: u64) -> Result<(), ScanError> {
        let tag = header.tag;
        if !matches!(header.vr, Vr::OB | Vr::OW | Vr::OF | Vr::OD | Vr::OL | Vr::OV | Vr::UN) {
            return Err(ScanError::UndefinedLength { tag, offset });
        }
        let recorded = self.open.is_empty() && dictionary::is_pixel_data(tag) && self.pixels.is_none();
        let start = self.position;
        if recorded {
            self.pixels = Some(PixelLayout {
                tag,
                vr: header.vr,
                offset: start,
                extent: PixelExtent::Encapsulated(Fragments::default()),
            });
        }
        let big_endian = header.inside.big_endian;
        self.fragments =
            Some(OpenFragments { tag, vr: header.vr, start, table_read: false, recorded, big_endian });
        Ok(())
    }

    pub(super) fn enter_fragment(&mut self, header: Header, offset: u64) -> Result<(), ScanError> {
        // Fragments have a bound of their own.
        self.elements -= 1;
        let Some(open) = &mut self.fragments else { return Ok(()) };
        let (recorded, first) = (open.recorded, !open.table_read);
        open.table_read = true;
        match header.tag {
            tags::SEQUENCE_DELIMITATION => {
                self.close_fragments(offset);
                return Ok(());
            }
            tags::ITEM => {}
            tag => {
                return Err(ScanError::Unexpected {
                    expected: "a fragment or the end of fragments",
                    tag,
                    offset,
                });
            }
        }
        if header.length == UNDEFINED {
            return Err(ScanError::UndefinedLength { tag: header.tag, offset });
        }
        self.end_of(header, offset)?;
        let length = u64::from(header.length);
        let tag = header.tag;
        if recorded && first {
            let max = self.limits.offset_table_bytes_max;
            let bytes = usize::try_from(length).ok().filter(|bytes| *bytes <= max && bytes % 4 == 0);
            let Some(length) = bytes else { return Err(ScanError::OffsetTable { length, max }) };
            self.state = State::OffsetTable { bytes: Vec::new(), length };
            self.finish_offset_table();
            return Ok(());
        }
        if let (true, Some(PixelLayout { extent: PixelExtent::Encapsulated(fragments), .. })) =
            (recorded, &mut self.pixels)
        {
            if fragments.lengths.len() >= self.limits.fragments_max {
                return Err(ScanError::TooManyFragments { max: self.limits.fragments_max });
            }
            fragments.lengths.push(header.length);
        }
        if length > 0 {
            self.state = State::Pass { tag, header_at: offset, length, remain: length };
        }
        Ok(())
    }

    pub(super) fn finish_offset_table(&mut self) {
        let position = self.position;
        let State::OffsetTable { bytes, length } = &self.state else { return };
        if bytes.len() < *length {
            return;
        }
        if let Some(PixelLayout { extent: PixelExtent::Encapsulated(fragments), .. }) = &mut self.pixels {
            let (offsets, _) = bytes.as_chunks::<4>();
            fragments.basic_offset_table = offsets.iter().map(|four| u32::from_le_bytes(*four)).collect();
            fragments.first_offset = position;
        }
        self.state = State::Header;
    }

    fn close_fragments(&mut self, offset: u64) {
        let Some(open) = self.fragments.take() else { return };
        if let (true, Some(PixelLayout { extent: PixelExtent::Encapsulated(fragments), .. })) =
            (open.recorded, &mut self.pixels)
        {
            fragments.complete = true;
            fragments.lengths.shrink_to_fit();
        }
        let value = Value::Extent { length: offset - open.start, encapsulated: true };
        self.add(Element { tag: open.tag, vr: open.vr, offset: open.start, value });
    }
}
