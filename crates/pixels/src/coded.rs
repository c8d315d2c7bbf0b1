//! What the compressed formats have in common: samples of up to 16 bits, pixel by pixel.

use crate::error::PixelError;
use crate::image::{Cell, ImageAttributes, Photometric, Picture};

/// A picture as it came out of a codec.
#[derive(Debug)]
pub(crate) struct Coded {
    pub(crate) rows: u32,
    pub(crate) columns: u32,
    pub(crate) components: u32,
    /// Bits of a sample.
    pub(crate) precision: u32,
    pub(crate) values: Vec<u16>,
}

impl Coded {
    /// Refuses a picture other than the declared one, before anything is allocated for it.
    pub(crate) fn check_shape(
        declared: &ImageAttributes,
        format: &'static str,
        [rows, columns, components]: [u32; 3],
    ) -> Result<(), PixelError> {
        let all = [
            ("the number of rows", declared.rows, rows),
            ("the number of columns", declared.columns, columns),
            ("the number of samples per pixel", declared.samples, components),
        ];
        for (what, declared, coded) in all {
            if declared != coded {
                let (declared, coded) = (u64::from(declared), u64::from(coded));
                return Err(PixelError::Mismatch { format, what, declared, coded });
            }
        }
        Ok(())
    }

    /// The samples in cells of Bits Allocated. `photometric` is what they are after decoding.
    pub(crate) fn into_picture(
        self,
        declared: &ImageAttributes,
        format: &'static str,
        photometric: Photometric,
    ) -> Result<Picture, PixelError> {
        Self::check_shape(declared, format, [self.rows, self.columns, self.components])?;
        if ![8, 16].contains(&declared.bits_allocated) || self.precision > declared.bits_allocated {
            return Err(PixelError::Mismatch {
                format,
                what: "the number of bits of a sample",
                declared: u64::from(declared.bits_allocated),
                coded: u64::from(self.precision),
            });
        }
        // Encoders that write more bits than are stored exist; what they wrote is kept.
        let bits_stored = declared.bits_stored.max(self.precision);
        let high_bit = bits_stored - 1;
        let attributes = ImageAttributes { photometric, bits_stored, high_bit, planar: false, ..*declared };
        let cell = Cell::of(&attributes);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the low bits are meant
        let sample = |value: u16| cell.value(u64::from(value)) as u16;
        let bytes = if attributes.bits_allocated == 8 {
            self.values.iter().map(|value| sample(*value).to_le_bytes()[0]).collect()
        } else {
            self.values.iter().flat_map(|value| sample(*value).to_le_bytes()).collect()
        };
        Ok(Picture { attributes, bytes })
    }
}
