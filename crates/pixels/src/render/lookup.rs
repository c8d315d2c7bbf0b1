//! Look-up tables of data sets (PS3.3 §C.11.1.1, §C.11.2.1.1, §C.7.6.3.1.5).

use crate::error::PixelError;
use crate::limits::LOOKUP_ENTRIES_MAX;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::{Tag, Vr};

/// A table from whole numbers to values of a number of bits.
#[derive(Clone, PartialEq)]
pub(crate) struct Lookup {
    first: i64,
    pub(crate) bits: u32,
    entries: Vec<u16>,
}

impl Lookup {
    /// Reads a table from its descriptor and its data. `signed` is whether values that go in have a sign.
    pub(crate) fn of(set: &DataSet, descriptor: Tag, data: Tag, signed: bool) -> Option<Self> {
        let (count, first, bits) = read_descriptor(set, descriptor, signed)?;
        let entries = read_entries(set.bytes(data)?, count, bits);
        (!entries.is_empty()).then_some(Self { first, bits, entries })
    }

    /// Reads a table of colours, plain or in segments.
    pub(crate) fn of_palette(
        set: &DataSet,
        descriptor: Tag,
        data: Tag,
        segmented: Tag,
    ) -> Result<Self, PixelError> {
        let missing = PixelError::Attribute {
            attribute: "Palette Color Lookup Table",
            expected: "there for a picture in palette colour",
        };
        if let Some(table) = Self::of(set, descriptor, data, false) {
            return Ok(table);
        }
        let (count, first, bits) = read_descriptor(set, descriptor, false).ok_or(missing.clone())?;
        let bytes = set.bytes(segmented).ok_or(missing)?;
        let entries = read_segments(bytes, count, bits).ok_or(PixelError::Attribute {
            attribute: "Segmented Palette Color Lookup Table Data",
            expected: "made of discrete, linear and indirect segments",
        })?;
        Ok(Self { first, bits, entries })
    }

    /// The entry of a value; values before the first and behind the last have theirs.
    pub(crate) fn entry(&self, value: i64) -> u16 {
        let last = self.entries.len() - 1;
        let place = usize::try_from(value.saturating_sub(self.first)).unwrap_or(0).min(last);
        self.entries.get(place).copied().unwrap_or(0)
    }

    /// The highest value that an entry may have.
    pub(crate) fn highest(&self) -> f64 {
        f64::from((1_u32 << self.bits) - 1)
    }
}

impl std::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lookup({} entries of {} bits)", self.entries.len(), self.bits)
    }
}

// === helpers ===

/// Number of entries, first value, bits of an entry.
fn read_descriptor(set: &DataSet, tag: Tag, signed: bool) -> Option<(usize, i64, u32)> {
    let bytes = set.bytes(tag)?;
    let [count, first, bits] = *bytes.as_chunks::<2>().0.first_chunk::<3>()?;
    let count = match usize::from(u16::from_le_bytes(count)) {
        0 => LOOKUP_ENTRIES_MAX,
        count => count,
    };
    let signed = signed || set.get(tag).is_some_and(|element| element.vr == Vr::SS);
    let first =
        if signed { i64::from(i16::from_le_bytes(first)) } else { i64::from(u16::from_le_bytes(first)) };
    let bits = u32::from(u16::from_le_bytes(bits));
    (1..=16).contains(&bits).then_some((count, first, bits))
}

/// Entries of 16 bits; of 8 where there are only so many bytes.
fn read_entries(bytes: &[u8], count: usize, bits: u32) -> Vec<u16> {
    if bits <= 8 && bytes.len() < 2 * count {
        return bytes.iter().take(count).map(|byte| u16::from(*byte)).collect();
    }
    bytes.as_chunks::<2>().0.iter().take(count).map(|word| u16::from_le_bytes(*word)).collect()
}

/// Puts segments together (PS3.3 §C.7.9.2): discrete values, straight lines, and copies of segments before.
fn read_segments(bytes: &[u8], count: usize, bits: u32) -> Option<Vec<u16>> {
    let words: Vec<u16> = if bits <= 8 {
        bytes.iter().map(|byte| u16::from(*byte)).collect()
    } else {
        bytes.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word)).collect()
    };
    let mut entries = Vec::with_capacity(count);
    let mut at = 0;
    while entries.len() < count && at < words.len() {
        let (kind, length) = (*words.get(at)?, usize::from(*words.get(at + 1)?));
        at += 2;
        if kind == 2 {
            // An offset in bytes, low word first, to `length` segments that are no copies themselves.
            let wide = bits > 8;
            let parts = if wide { 2 } else { 4 };
            let offset = words.get(at..at + parts)?.iter().rev();
            let offset =
                offset.fold(0_usize, |value, part| value << if wide { 16 } else { 8 } | usize::from(*part));
            let mut copied = if wide { offset / 2 } else { offset };
            at += parts;
            for _ in 0..length {
                copied = read_segment(&words, copied, count, &mut entries)?;
            }
        } else {
            at = read_segment(&words, at - 2, count, &mut entries)?;
        }
    }
    (entries.len() == count).then_some(entries)
}

/// Appends one segment; returns where the next one begins.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between two entries
fn read_segment(words: &[u16], at: usize, count: usize, entries: &mut Vec<u16>) -> Option<usize> {
    let (kind, length) = (*words.get(at)?, usize::from(*words.get(at + 1)?));
    if entries.len() + length > count {
        return None;
    }
    match kind {
        0 => {
            entries.extend_from_slice(words.get(at + 2..at + 2 + length)?);
            Some(at + 2 + length)
        }
        1 => {
            let (from, to) = (i64::from(*entries.last()?), i64::from(*words.get(at + 2)?));
            let steps = length as i64;
            entries.extend((1..=steps).map(|step| (from + (to - from) * step / steps) as u16));
            Some(at + 3)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_dicom::tags;

    fn table(descriptor: [u16; 3], data: &[u8]) -> DataSet {
        let mut set = DataSet::new();
        set.put_bytes(
            tags::LUT_DESCRIPTOR,
            Vr::US,
            descriptor.iter().flat_map(|n| n.to_le_bytes()).collect(),
        );
        set.put_bytes(tags::LUT_DATA, Vr::OW, data.to_vec());
        set
    }

    #[test]
    fn values_outside_have_the_entry_at_the_end() {
        let set = table([3, 0xfffe, 8], &[10, 20, 30, 0]);
        let lookup = Lookup::of(&set, tags::LUT_DESCRIPTOR, tags::LUT_DATA, true).unwrap();
        let entries: Vec<u16> = [-9, -2, -1, 0, 9].map(|value| lookup.entry(value)).to_vec();
        assert_eq!(entries, [10, 10, 20, 30, 30]);
    }

    #[test]
    fn a_descriptor_that_lies_gives_no_table() {
        for (descriptor, data) in [([0, 0, 17], &[1, 2][..]), ([0, 0, 0], &[1, 2]), ([2, 0, 16], &[])] {
            let set = table(descriptor, data);
            assert!(Lookup::of(&set, tags::LUT_DESCRIPTOR, tags::LUT_DATA, false).is_none());
        }
    }

    #[test]
    fn segments_are_put_together() {
        let words: Vec<u8> =
            [0, 2, 5, 100, 1, 4, 500, 2, 1, 0, 0].iter().flat_map(|w: &u16| w.to_le_bytes()).collect();
        assert_eq!(read_segments(&words, 8, 16).unwrap(), [5, 100, 200, 300, 400, 500, 5, 100]);
        assert_eq!(read_segments(&words, 9, 16), None);
        assert_eq!(read_segments(&[2, 255, 0, 0, 0, 0], 256, 8), None);
    }
}
