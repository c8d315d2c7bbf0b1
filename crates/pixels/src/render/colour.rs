//! Pictures in colour, as 8 bits of red, green and blue.

use super::presentation::Presentation;
use crate::error::PixelError;
use crate::image::Picture;

/// The highest 8 of the stored bits.
pub(super) fn eight_bits(picture: &Picture) -> Vec<u8> {
    if picture.attributes.bits_stored == 8 && picture.attributes.bits_allocated == 8 {
        return picture.bytes.clone();
    }
    let bits = picture.attributes.bits_stored;
    let (up, down) = (8_u32.saturating_sub(bits), bits.saturating_sub(8));
    let mut out = Vec::with_capacity(picture.attributes.frame_samples());
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the low byte is meant
    picture.for_each_sample(|value| out.push((value << up >> down) as u8));
    out
}

/// Through the palette of the data set.
pub(super) fn from_palette(picture: &Picture, presentation: &Presentation) -> Result<Vec<u8>, PixelError> {
    let palette = presentation.palette.as_ref().ok_or(PixelError::Unsupported {
        what: "rendering palette colour without the tables of its data set",
    })?;
    let mut out = Vec::with_capacity(3 * picture.attributes.pixels());
    #[allow(clippy::cast_possible_truncation)] // 8 bits are left
    picture.for_each_sample(|value| {
        out.extend(palette.iter().map(|table| {
            let (entry, bits) = (table.entry(value), table.bits);
            if bits > 8 { entry >> (bits - 8) } else { entry << (8 - bits) }.min(255) as u8
        }));
    });
    Ok(out)
}

/// From luminance and chrominance of full range (PS3.3 §C.7.6.3.1.2), with constants of 16 bits.
pub(super) fn from_ybr(mut samples: Vec<u8>) -> Vec<u8> {
    const HALF: i32 = 1 << 15;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped
    let byte = |value: i32| value.clamp(0, 255) as u8;
    for pixel in samples.as_chunks_mut::<3>().0 {
        let [y, cb, cr] = pixel.map(i32::from);
        let (cb, cr) = (cb - 128, cr - 128);
        *pixel = [
            byte(y + ((91_881 * cr + HALF) >> 16)),
            byte(y + ((-22_554 * cb - 46_802 * cr + HALF) >> 16)),
            byte(y + ((116_130 * cb + HALF) >> 16)),
        ];
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{ImageAttributes, Photometric};
    use crate::testing::{colour, grey};
    use yingdun_dicom::data_set::DataSet;
    use yingdun_dicom::{Vr, tags};

    #[test]
    fn colours_come_out_of_luminance_and_chrominance() {
        assert_eq!(from_ybr(vec![76, 85, 255]), [254, 0, 0]);
        assert_eq!(from_ybr(vec![128, 128, 128]), [128, 128, 128]);
        assert_eq!(from_ybr(vec![255, 0, 255]), [255, 208, 28]);
    }

    #[test]
    fn wide_samples_keep_their_highest_bits() {
        let attributes =
            ImageAttributes { bits_allocated: 16, bits_stored: 12, high_bit: 11, ..colour(1, 1) };
        let bytes = [0xfff_u16, 0x800, 0x00f].iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(eight_bits(&Picture { attributes, bytes }), [255, 128, 0]);
    }

    #[test]
    fn a_palette_gives_each_value_its_colour() {
        let attributes =
            ImageAttributes { rows: 1, columns: 2, photometric: Photometric::PaletteColor, ..grey(8, 8) };
        let mut set = DataSet::new();
        let missing = Presentation::of(&set, 1, &attributes).unwrap_err();
        assert!(missing.to_string().starts_with("Palette Color Lookup Table"));
        for (descriptor, data, high) in [
            (tags::RED_PALETTE_DESCRIPTOR, tags::RED_PALETTE_DATA, 10),
            (tags::GREEN_PALETTE_DESCRIPTOR, tags::GREEN_PALETTE_DATA, 20),
            (tags::BLUE_PALETTE_DESCRIPTOR, tags::BLUE_PALETTE_DATA, 30),
        ] {
            set.put_bytes(descriptor, Vr::US, vec![2, 0, 0, 0, 16, 0]);
            set.put_bytes(data, Vr::OW, vec![0, 0, 0, high]);
        }
        let presentation = Presentation::of(&set, 1, &attributes).unwrap();
        let picture = Picture { attributes, bytes: vec![1, 0] };
        assert_eq!(from_palette(&picture, &presentation).unwrap(), [10, 20, 30, 0, 0, 0]);
    }
}
