//! Writing JPEG 2000 without loss, with either coder of code-blocks: one tile, one quality layer, code-blocks of 64 x 64, five
//! decompositions.

use super::bitplanes::{self, Orientation};
use super::packet::{self, Band};
use super::{high_throughput, wavelet};
use crate::error::PixelError;
use crate::image::{ImageAttributes, Photometric, Picture};

/// Side of a code-block, as an exponent.
const BLOCK_EXPONENT: u32 = 6;

/// Most decompositions. Small pictures have fewer, so that no sub-band is empty.
const DECOMPOSITIONS_MAX: u32 = 5;

/// Bits that a coefficient may have beyond what its sub-band promises: one for the transform, one for colour. The rounding of
/// each decomposition adds to them where samples have one or two bits: there are more guard bits then.
const GUARD_BITS_MIN: u32 = 2;

/// Largest side: beyond it a sub-band would have several precincts.
const SIDE_MAX: u32 = 1 << 15;

/// Largest smallest picture of high throughput, in pixels of its shorter side (PS3.5 §10.18).
const THUMBNAIL_SIDE_MAX: u32 = 64;

/// Which coder of code-blocks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blocks {
    /// Arithmetic: slow and small.
    Arithmetic,
    /// High throughput, for which DICOM wants the smallest resolution first and a table of where each begins.
    HighThroughput,
}

/// Encodes a picture of up to 16 bits without loss. Red, green and blue go through the reversible colour transform:
/// the result is YBR_RCT.
///
/// # Errors
/// [`PixelError::Unsupported`] for cells of more than 16 bits and sides of more than 32,768 pixels.
pub fn encode(picture: &Picture) -> Result<Vec<u8>, PixelError> {
    encode_with(Blocks::Arithmetic, picture)
}

/// The same in high-throughput JPEG 2000, as both of its lossless transfer syntaxes want it: resolutions one after the other,
/// each a tile-part, their lengths in a TLM segment, the smallest of 64 pixels (PS3.5 §10.18).
///
/// # Errors
/// As [`encode`].
pub fn encode_high_throughput(picture: &Picture) -> Result<Vec<u8>, PixelError> {
    encode_with(Blocks::HighThroughput, picture)
}

fn encode_with(coder: Blocks, picture: &Picture) -> Result<Vec<u8>, PixelError> {
    let ImageAttributes { rows, columns, samples, bits_allocated, bits_stored, signed, photometric, .. } =
        picture.attributes;
    if ![8, 16].contains(&bits_allocated) {
        return Err(PixelError::Unsupported { what: "JPEG 2000 of more than 16 bits" });
    }
    if rows.max(columns) > SIDE_MAX {
        return Err(PixelError::Unsupported {
            what: "JPEG 2000 of more than 32,768 pixels in a row or column",
        });
    }
    let transforms_colour = photometric == Photometric::Rgb;
    let shorter = rows.min(columns);
    let wanted = match coder {
        Blocks::Arithmetic => DECOMPOSITIONS_MAX,
        Blocks::HighThroughput => {
            DECOMPOSITIONS_MAX.max(shorter.div_ceil(THUMBNAIL_SIDE_MAX).next_power_of_two().ilog2())
        }
    };
    let decompositions = shorter.ilog2().min(wanted);
    let mut planes = planes(picture);
    if transforms_colour {
        reversible_colour(&mut planes);
    }
    let mut resolutions: Vec<Vec<Vec<Band>>> = Vec::new();
    for plane in &mut planes {
        resolutions.push(bands(coder, plane, columns as usize, rows as usize, decompositions, bits_stored));
    }
    let bits_beyond = resolutions.iter().flatten().flatten().map(|band| band.bits_beyond).max().unwrap_or(0);
    let guard_bits = bits_beyond.max(GUARD_BITS_MIN);
    let mut parts = Vec::new();
    for resolution in 0..=decompositions as usize {
        let mut packets = Vec::new();
        for component in &resolutions {
            packet::write(component.get(resolution).map_or(&[], Vec::as_slice), guard_bits, &mut packets);
        }
        parts.push(packets);
    }
    if coder == Blocks::Arithmetic {
        parts = vec![parts.concat()];
    }

    let mut out = vec![0xff, 0x4f];
    let mut size = Vec::new();
    let capabilities = if coder == Blocks::HighThroughput { 0x40 } else { 0 };
    size.extend_from_slice(&[capabilities, 0]);
    for number in [columns, rows, 0, 0, columns, rows, 0, 0] {
        size.extend_from_slice(&number.to_be_bytes());
    }
    #[allow(clippy::cast_possible_truncation)] // at most 16 bits, at most 4 samples
    let (precision, components) = ((bits_stored - 1) as u8 | u8::from(signed) << 7, samples as u16);
    size.extend_from_slice(&components.to_be_bytes());
    (0..components).for_each(|_| size.extend_from_slice(&[precision, 1, 1]));
    segment(0x51, &size, &mut out);
    if coder == Blocks::HighThroughput {
        // Part 15: reversible, one set of passes, and how many bits the magnitudes have (ISO/IEC 15444-15 §A.3).
        let bits = guard_bits + bits_stored + 2 - 1;
        #[allow(clippy::cast_possible_truncation)] // at most 31
        let bits = bits.saturating_sub(8).min(31) as u8;
        segment(0x50, &[0, 2, 0, 0, 0, bits], &mut out);
    }
    #[allow(clippy::cast_possible_truncation)] // at most 15 decompositions
    let levels = decompositions as u8;
    let exponent = (BLOCK_EXPONENT - 2) as u8;
    let (progression, modes) = match coder {
        Blocks::Arithmetic => (0, 0),
        Blocks::HighThroughput => (2, 0x40),
    };
    let colour = u8::from(transforms_colour);
    segment(0x52, &[0, progression, 0, 1, colour, levels, exponent, exponent, modes, 1], &mut out);
    #[allow(clippy::cast_possible_truncation)] // at most 7: nothing grows by more than three bits
    let mut exponents = vec![(guard_bits << 5) as u8];
    #[allow(clippy::cast_possible_truncation)] // at most 18 bits
    let exponent = |gain: u32| ((bits_stored + gain) << 3) as u8;
    exponents.push(exponent(0));
    (0..decompositions).for_each(|_| exponents.extend([exponent(1), exponent(1), exponent(2)]));
    segment(0x5c, &exponents, &mut out);
    // A tile-part: 12 bytes of SOT, 2 of SOD, the packets.
    let length = |packets: &Vec<u8>| {
        u32::try_from(packets.len() + 14).map_err(|_| PixelError::Unsupported { what: "a picture so large" })
    };
    if coder == Blocks::HighThroughput {
        // Tile 0 throughout, lengths of four bytes.
        let mut lengths = vec![0, 0x50];
        for packets in &parts {
            lengths.push(0);
            lengths.extend_from_slice(&length(packets)?.to_be_bytes());
        }
        segment(0x55, &lengths, &mut out);
    }
    #[allow(clippy::cast_possible_truncation)] // at most 16 resolutions
    let count = parts.len() as u8;
    for (number, packets) in (0..).zip(&parts) {
        let mut tile = vec![0, 0];
        tile.extend_from_slice(&length(packets)?.to_be_bytes());
        tile.extend_from_slice(&[number, count]);
        segment(0x90, &tile, &mut out);
        out.extend_from_slice(&[0xff, 0x93]);
        out.extend_from_slice(packets);
    }
    out.extend_from_slice(&[0xff, 0xd9]);
    Ok(out)
}

// === helpers ===

/// A marker and its parameters.
fn segment(marker: u8, parameters: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xff, marker]);
    #[allow(clippy::cast_possible_truncation)] // parameters are some dozen bytes
    let length = parameters.len() as u16 + 2;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(parameters);
}

/// The components, samples around zero.
#[allow(clippy::cast_possible_truncation)] // at most 16 bits
fn planes(picture: &Picture) -> Vec<Vec<i32>> {
    let ImageAttributes { samples, bits_stored, signed, .. } = picture.attributes;
    let middle = if signed { 0 } else { 1_i64 << (bits_stored - 1) };
    let mut all = Vec::with_capacity(picture.attributes.frame_samples());
    picture.for_each_sample(|value| all.push((value - middle) as i32));
    (0..samples as usize).map(|at| all.iter().skip(at).step_by(samples as usize).copied().collect()).collect()
}

/// From red, green, blue to a luminance and two differences (§G.2).
fn reversible_colour(planes: &mut [Vec<i32>]) {
    let [red, green, blue] = planes else { return };
    for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
        let (r, g, b) = (*red, *green, *blue);
        (*red, *green, *blue) = ((r + 2 * g + b) >> 2, b - g, r - g);
    }
}

/// The coded sub-bands of a component by resolution, the smallest first.
fn bands(
    coder: Blocks,
    plane: &mut [i32],
    columns: usize,
    rows: usize,
    decompositions: u32,
    precision: u32,
) -> Vec<Vec<Band>> {
    let (mut low_columns, mut low_rows) = (columns, rows);
    let mut resolutions = Vec::new();
    for _ in 0..decompositions {
        wavelet::transform(plane, columns, low_columns, low_rows);
        let (right, bottom) = (low_columns, low_rows);
        (low_columns, low_rows) = (low_columns.div_ceil(2), low_rows.div_ceil(2));
        let part = |left, top, right, bottom, orientation| {
            band(coder, plane, columns, [left, top, right, bottom], orientation, precision)
        };
        resolutions.push(vec![
            part(low_columns, 0, right, low_rows, Orientation::Across),
            part(0, low_rows, low_columns, bottom, Orientation::Down),
            part(low_columns, low_rows, right, bottom, Orientation::Both),
        ]);
    }
    let low = [0, 0, low_columns, low_rows];
    resolutions.push(vec![band(coder, plane, columns, low, Orientation::Low, precision)]);
    resolutions.reverse();
    resolutions
}

/// A sub-band: its code-blocks, row by row.
fn band(
    coder: Blocks,
    plane: &[i32],
    stride: usize,
    [left, top, right, bottom]: [usize; 4],
    orientation: Orientation,
    precision: u32,
) -> Band {
    const SIDE: usize = 1 << BLOCK_EXPONENT;
    let gain = match orientation {
        Orientation::Low => 0,
        Orientation::Across | Orientation::Down => 1,
        Orientation::Both => 2,
    };
    let bits_promised = precision + gain - 1;
    let mut bits_beyond = 0;
    let mut blocks = Vec::new();
    let mut coefficients = Vec::with_capacity(SIDE * SIDE);
    for block_top in (top..bottom).step_by(SIDE) {
        for block_left in (left..right).step_by(SIDE) {
            let columns = SIDE.min(right - block_left);
            coefficients.clear();
            for row in block_top..bottom.min(block_top + SIDE) {
                let start = row * stride + block_left;
                coefficients.extend_from_slice(plane.get(start..start + columns).unwrap_or_default());
            }
            let largest = coefficients.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0);
            bits_beyond =
                bits_beyond.max((u32::BITS - largest.leading_zeros()).saturating_sub(bits_promised));
            blocks.push(match coder {
                Blocks::Arithmetic => bitplanes::encode(&coefficients, columns, orientation),
                Blocks::HighThroughput => high_throughput::encode_block(&coefficients, columns),
            });
        }
    }
    Band { blocks, across: (right - left).div_ceil(SIDE), bits_promised, bits_beyond }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coding::Coding;
    use crate::testing::{Damage, assert_same_samples, colour, grey, noise, pictures};
    use proptest::prelude::*;

    const CODERS: [(Blocks, Coding); 2] =
        [(Blocks::Arithmetic, Coding::Jpeg2000), (Blocks::HighThroughput, Coding::HighThroughputJpeg2000)];

    fn comes_back(picture: &Picture) {
        let attributes = picture.attributes;
        for (coder, coding) in CODERS {
            let coded = encode_with(coder, picture).unwrap();
            assert_same_samples(&crate::decode(coding, &attributes, &coded).unwrap(), picture);
        }
    }

    #[test]
    fn pictures_of_several_code_blocks_come_back() {
        for smooth in [false, true] {
            comes_back(&noise(ImageAttributes { rows: 200, columns: 333, ..grey(16, 16) }, 7, smooth));
            comes_back(&noise(colour(130, 65), 8, smooth));
        }
        let attributes = ImageAttributes { rows: 300, columns: 300, ..grey(8, 8) };
        let flat = Picture { attributes, bytes: vec![128; 90_000] };
        comes_back(&flat);
        assert!(encode(&flat).unwrap().len() < 200);
    }

    #[test]
    fn rounding_that_adds_up_over_decompositions_has_room() {
        let attributes = ImageAttributes { rows: 33, columns: 65, ..grey(8, 1) };
        comes_back(&noise(attributes, 11_563_393_330_833_387_512, true));
        // High throughput, where a code-block does not say how many bits it has.
        comes_back(&noise(ImageAttributes { bits_stored: 1, high_bit: 0, ..colour(33, 33) }, 484, false));
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(picture in pictures()) {
            comes_back(&picture);
        }

        #[test]
        fn cut_or_changed_bytes_are_an_error_or_a_picture(picture in pictures(), damage in Damage::any()) {
            for (coder, coding) in CODERS {
                let coded = damage.done_to(encode_with(coder, &picture).unwrap());
                let _ = crate::decode(coding, &picture.attributes, &coded);
            }
        }
    }
}
