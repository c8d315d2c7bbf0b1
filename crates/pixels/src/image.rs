//! How the samples of a frame are written: the Image Pixel module (PS3.3 §C.7.6.3) as a value, and a decoded frame.

use crate::error::PixelError;
use crate::limits::FRAME_BYTES_MAX;
use std::ops::Range;
use yingdun_dicom::charset::CharacterSets;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::{Vr, tags};

/// The attributes that say how a frame is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageAttributes {
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// Samples per Pixel: 1, 3 or 4.
    pub samples: u32,
    /// Bits Allocated: 1, 8, 16, 32 or 64.
    pub bits_allocated: u32,
    /// Bits Stored.
    pub bits_stored: u32,
    /// High Bit.
    pub high_bit: u32,
    /// Pixel Representation: whether samples are two's complement.
    pub signed: bool,
    /// Photometric Interpretation.
    pub photometric: Photometric,
    /// Planar Configuration: whether native samples come plane by plane.
    pub planar: bool,
}

/// Photometric Interpretation (PS3.3 §C.7.6.3.1.2): what samples mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Photometric {
    /// The lowest value is white.
    Monochrome1,
    /// The lowest value is black.
    Monochrome2,
    /// Values are places in a colour table.
    PaletteColor,
    /// Red, green, blue.
    Rgb,
    /// Luminance and chrominance of full range.
    YbrFull,
    /// The same; two pixels of a row share their chrominance.
    YbrFull422,
    /// The irreversible colour transform of JPEG 2000.
    YbrIct,
    /// The reversible colour transform of JPEG 2000.
    YbrRct,
    /// The colour transform of JPEG XL.
    Xyb,
}

impl Photometric {
    /// Reads the defined term; `None` for a retired or unknown one.
    #[must_use]
    pub fn from_term(term: &str) -> Option<Self> {
        Some(match term {
            "MONOCHROME1" => Self::Monochrome1,
            "MONOCHROME2" => Self::Monochrome2,
            "PALETTE COLOR" => Self::PaletteColor,
            "RGB" => Self::Rgb,
            "YBR_FULL" => Self::YbrFull,
            "YBR_FULL_422" => Self::YbrFull422,
            "YBR_ICT" => Self::YbrIct,
            "YBR_RCT" => Self::YbrRct,
            "XYB" => Self::Xyb,
            _ => return None,
        })
    }

    /// The defined term.
    #[must_use]
    pub const fn term(self) -> &'static str {
        match self {
            Self::Monochrome1 => "MONOCHROME1",
            Self::Monochrome2 => "MONOCHROME2",
            Self::PaletteColor => "PALETTE COLOR",
            Self::Rgb => "RGB",
            Self::YbrFull => "YBR_FULL",
            Self::YbrFull422 => "YBR_FULL_422",
            Self::YbrIct => "YBR_ICT",
            Self::YbrRct => "YBR_RCT",
            Self::Xyb => "XYB",
        }
    }

    /// Samples per pixel that this interpretation needs.
    const fn samples(self) -> u32 {
        match self {
            Self::Monochrome1 | Self::Monochrome2 | Self::PaletteColor => 1,
            Self::Rgb | Self::YbrFull | Self::YbrFull422 | Self::YbrIct | Self::YbrRct | Self::Xyb => 3,
        }
    }
}

impl ImageAttributes {
    /// Reads and checks the attributes of a data set.
    ///
    /// # Errors
    /// [`PixelError::Attribute`] for what is missing or makes no sense, [`PixelError::TooLarge`] for a frame beyond
    /// [`FRAME_BYTES_MAX`].
    pub fn of(set: &DataSet) -> Result<Self, PixelError> {
        let number = |tag, attribute| {
            set.u32(tag).ok_or(PixelError::Attribute { attribute, expected: "a whole number" })
        };
        let samples = set.u32(tags::SAMPLES_PER_PIXEL).unwrap_or(1);
        let photometric = match set.first_text(tags::PHOTOMETRIC_INTERPRETATION, &CharacterSets::default()) {
            Some(term) => Photometric::from_term(&term).ok_or(PixelError::Attribute {
                attribute: "Photometric Interpretation",
                expected: "a term that is not retired",
            })?,
            None if samples == 3 => Photometric::Rgb,
            None => Photometric::Monochrome2,
        };
        let bits_allocated = number(tags::BITS_ALLOCATED, "Bits Allocated")?;
        let bits_stored = set.u32(tags::BITS_STORED).unwrap_or(bits_allocated);
        let attributes = Self {
            rows: number(tags::ROWS, "Rows")?,
            columns: number(tags::COLUMNS, "Columns")?,
            samples,
            bits_allocated,
            bits_stored,
            high_bit: set.u32(tags::HIGH_BIT).unwrap_or(bits_stored.saturating_sub(1)),
            signed: set.u32(tags::PIXEL_REPRESENTATION) == Some(1),
            photometric,
            planar: samples > 1 && set.u32(tags::PLANAR_CONFIGURATION) == Some(1),
        };
        attributes.check()?;
        Ok(attributes)
    }

    /// Writes these attributes into a data set.
    pub fn put(&self, set: &mut DataSet) {
        let short = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
        set.put_u16(tags::SAMPLES_PER_PIXEL, short(self.samples));
        set.put_text(tags::PHOTOMETRIC_INTERPRETATION, Vr::CS, self.photometric.term());
        if self.samples > 1 {
            set.put_u16(tags::PLANAR_CONFIGURATION, u16::from(self.planar));
        }
        set.put_u16(tags::ROWS, short(self.rows));
        set.put_u16(tags::COLUMNS, short(self.columns));
        set.put_u16(tags::BITS_ALLOCATED, short(self.bits_allocated));
        set.put_u16(tags::BITS_STORED, short(self.bits_stored));
        set.put_u16(tags::HIGH_BIT, short(self.high_bit));
        set.put_u16(tags::PIXEL_REPRESENTATION, u16::from(self.signed));
    }

    /// Checks that the attributes fit each other and the bounds.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn check(&self) -> Result<(), PixelError> {
        let wrong = |attribute, expected| Err(PixelError::Attribute { attribute, expected });
        if !(1..=u32::from(u16::MAX)).contains(&self.rows) {
            return wrong("Rows", "between 1 and 65,535");
        }
        if !(1..=u32::from(u16::MAX)).contains(&self.columns) {
            return wrong("Columns", "between 1 and 65,535");
        }
        if self.samples != self.photometric.samples() {
            return wrong("Samples per Pixel", "what Photometric Interpretation needs");
        }
        if ![1, 8, 16, 32, 64].contains(&self.bits_allocated) {
            return wrong("Bits Allocated", "1, 8, 16, 32 or 64");
        }
        if self.bits_allocated == 1 && self.samples != 1 {
            return wrong("Bits Allocated", "at least 8 for a picture in colour");
        }
        if !(1..=self.bits_allocated).contains(&self.bits_stored) {
            return wrong("Bits Stored", "between 1 and Bits Allocated");
        }
        if !(self.bits_stored - 1..self.bits_allocated).contains(&self.high_bit) {
            return wrong("High Bit", "between Bits Stored - 1 and Bits Allocated - 1");
        }
        match self.decoded_bytes() {
            bytes if bytes > FRAME_BYTES_MAX => Err(PixelError::TooLarge { bytes, max: FRAME_BYTES_MAX }),
            _ => Ok(()),
        }
    }

    /// Bytes of a sample when decoded: a bit becomes a byte.
    #[must_use]
    pub const fn sample_bytes(&self) -> usize {
        match self.bits_allocated {
            16 => 2,
            32 => 4,
            64 => 8,
            _ => 1,
        }
    }

    /// Pixels of a frame.
    #[must_use]
    pub const fn pixels(&self) -> usize {
        self.rows as usize * self.columns as usize
    }

    /// Samples of a decoded frame, all components together.
    #[must_use]
    pub const fn frame_samples(&self) -> usize {
        self.pixels() * self.samples as usize
    }

    /// Bytes of a decoded frame.
    #[must_use]
    pub const fn decoded_bytes(&self) -> u64 {
        self.rows as u64 * self.columns as u64 * self.samples as u64 * self.sample_bytes() as u64
    }
}

/// A decoded frame: samples pixel by pixel, little-endian, in cells of 8, 16, 32 or 64 bits; what Explicit VR Little
/// Endian with Planar Configuration 0 has in Pixel Data.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// What the samples are: as declared, but for what decoding changes ([`crate::decode()`]).
    pub attributes: ImageAttributes,
    /// The samples: [`ImageAttributes::decoded_bytes`] of them.
    pub bytes: Vec<u8>,
}

impl Picture {
    /// Calls `with` for each sample, in order: cut out by High Bit and Bits Stored, with its sign.
    pub fn for_each_sample(&self, with: impl FnMut(i64)) {
        for_each_sample_of(&self.attributes, &self.bytes, with);
    }

    /// The same of some of them, counted from 0. Those that are not there are left out.
    pub(crate) fn for_each_sample_in(&self, samples: Range<usize>, with: impl FnMut(i64)) {
        let each = self.attributes.sample_bytes();
        let bytes = self.bytes.get(samples.start * each..samples.end * each).unwrap_or_default();
        for_each_sample_of(&self.attributes, bytes, with);
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({:?}, {} bytes)", self.attributes, self.bytes.len())
    }
}

// === helpers ===

fn for_each_sample_of(attributes: &ImageAttributes, bytes: &[u8], mut with: impl FnMut(i64)) {
    let cell = Cell::of(attributes);
    match attributes.sample_bytes() {
        1 => bytes.iter().for_each(|byte| with(cell.value(u64::from(*byte)))),
        2 => {
            let (words, _) = bytes.as_chunks::<2>();
            words.iter().for_each(|word| with(cell.value(u64::from(u16::from_le_bytes(*word)))));
        }
        4 => {
            let (words, _) = bytes.as_chunks::<4>();
            words.iter().for_each(|word| with(cell.value(u64::from(u32::from_le_bytes(*word)))));
        }
        _ => {
            let (words, _) = bytes.as_chunks::<8>();
            words.iter().for_each(|word| with(cell.value(u64::from_le_bytes(*word))));
        }
    }
}

/// Cuts the stored bits out of a cell.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    up: u32,
    down: u32,
    signed: bool,
}

impl Cell {
    pub(crate) const fn of(attributes: &ImageAttributes) -> Self {
        // Checked attributes keep both shifts between 0 and 63.
        let up = 63_u32.saturating_sub(attributes.high_bit);
        let down = 64_u32.saturating_sub(attributes.bits_stored);
        Self { up, down, signed: attributes.signed }
    }

    #[allow(clippy::cast_possible_wrap)] // a cell of 64 bits without sign does not occur with values beyond 2^63
    pub(crate) const fn value(self, cell: u64) -> i64 {
        let top = cell << self.up;
        if self.signed { (top as i64) >> self.down } else { (top >> self.down) as i64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::grey as unsigned;

    fn grey(bits_allocated: u32, bits_stored: u32, signed: bool) -> ImageAttributes {
        ImageAttributes { signed, ..unsigned(bits_allocated, bits_stored) }
    }

    #[test]
    fn attributes_written_to_a_data_set_are_read_back() {
        let mut set = DataSet::new();
        let attributes =
            ImageAttributes { samples: 3, photometric: Photometric::YbrFull422, ..grey(8, 8, false) };
        attributes.put(&mut set);
        assert_eq!(ImageAttributes::of(&set), Ok(attributes));
    }

    #[test]
    fn attributes_that_contradict_each_other_are_refused_by_name() {
        for (wrong, name) in [
            (ImageAttributes { rows: 0, ..grey(8, 8, false) }, "Rows"),
            (ImageAttributes { columns: 70_000, ..grey(8, 8, false) }, "Columns"),
            (ImageAttributes { samples: 3, ..grey(8, 8, false) }, "Samples per Pixel"),
            (ImageAttributes { bits_allocated: 12, ..grey(16, 8, false) }, "Bits Allocated"),
            (ImageAttributes { bits_stored: 0, ..grey(8, 8, false) }, "Bits Stored"),
            (ImageAttributes { high_bit: 3, ..grey(8, 8, false) }, "High Bit"),
            (ImageAttributes { high_bit: 8, ..grey(8, 8, false) }, "High Bit"),
        ] {
            assert!(wrong.check().unwrap_err().to_string().starts_with(name), "{wrong:?}");
        }
        let vast = ImageAttributes { rows: 65_535, columns: 65_535, ..grey(16, 16, false) };
        assert!(matches!(vast.check(), Err(PixelError::TooLarge { .. })));
    }

    #[test]
    fn a_sample_is_cut_out_of_its_cell_with_its_sign() {
        let value = |attributes: &ImageAttributes, cell| Cell::of(attributes).value(cell);
        assert_eq!(value(&grey(16, 12, true), 0xf800), -2048);
        assert_eq!(value(&grey(16, 12, true), 0x07ff), 2047);
        assert_eq!(value(&grey(16, 12, false), 0xf800), 2048);
        let high = ImageAttributes { high_bit: 15, ..grey(16, 12, false) };
        assert_eq!(value(&high, 0x1230), 0x123);
        assert_eq!(value(&grey(32, 32, true), 0xffff_ffff), -1);
    }
}
