//! Making JPEG: baseline for the eye, lossless with first-order prediction for exactness.

use super::malformed;
use crate::error::PixelError;
use crate::image::{ImageAttributes, Photometric, Picture};
use jpeg_encoder::{ColorType, Encoder, ImageBuffer, JpegColorType, SamplingFactor};

/// Categories of differences: 0 to 16 bits.
const CATEGORIES: usize = 17;

/// Encodes a picture of 8 bits as JPEG baseline; pixels in colour become YBR_FULL_422, two of a row sharing their
/// chrominance. `quality` is the usual scale from 1 to 100.
///
/// # Errors
/// [`PixelError::Unsupported`] for samples of more than 8 bits, with a sign, or of another kind than
/// grey, RGB and YBR_FULL.
pub fn encode_baseline(picture: &Picture, quality: u8) -> Result<Vec<u8>, PixelError> {
    let ImageAttributes { rows, columns, bits_allocated, signed, photometric, .. } = picture.attributes;
    if bits_allocated != 8 || signed {
        return Err(PixelError::Unsupported {
            what: "JPEG baseline of samples that are not 8 bits without sign",
        });
    }
    let side = |pixels| {
        u16::try_from(pixels).map_err(|_| PixelError::Unsupported { what: "a JPEG so wide or high" })
    };
    let (columns, rows) = (side(columns)?, side(rows)?);
    if (picture.bytes.len() as u64) < picture.attributes.decoded_bytes() {
        return Err(malformed("the picture has fewer samples than its attributes say"));
    }
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, quality.clamp(1, 100));
    encoder.set_sampling_factor(SamplingFactor::F_2_1);
    let done = match photometric {
        Photometric::Monochrome1 | Photometric::Monochrome2 => {
            encoder.encode_image(Grey { columns, rows, samples: &picture.bytes })
        }
        Photometric::Rgb => encoder.encode(&picture.bytes, columns, rows, ColorType::Rgb),
        Photometric::YbrFull => encoder.encode(&picture.bytes, columns, rows, ColorType::Ycbcr),
        Photometric::PaletteColor
        | Photometric::YbrFull422
        | Photometric::YbrIct
        | Photometric::YbrRct
        | Photometric::Xyb => {
            return Err(PixelError::Unsupported { what: "JPEG baseline of this Photometric Interpretation" });
        }
    };
    done.map_err(|_| malformed("the encoder refused the picture"))?;
    Ok(out)
}

/// Encodes a picture of up to 16 bits as lossless JPEG, process 14 with selection value 1, under a Huffman table of its
/// own.
///
/// # Errors
/// [`PixelError::Unsupported`] for cells of more than 16 bits.
#[allow(clippy::cast_possible_truncation)] // sizes were checked; low bits are meant
pub fn encode_lossless(picture: &Picture) -> Result<Vec<u8>, PixelError> {
    let ImageAttributes { rows, columns, samples, bits_allocated, bits_stored, .. } = picture.attributes;
    if ![8, 16].contains(&bits_allocated) {
        return Err(PixelError::Unsupported { what: "lossless JPEG of more than 16 bits" });
    }
    let precision = bits_stored.max(2);
    let differences = differences(picture, precision);
    let mut uses = [0_u32; CATEGORIES];
    for difference in &differences {
        if let Some(uses) = uses.get_mut(category(*difference) as usize) {
            *uses += 1;
        }
    }
    let (counts, symbols) = code_lengths(uses);
    let codes = codes(&counts, &symbols);

    let mut out = vec![0xff, 0xd8, 0xff, 0xc3];
    out.extend_from_slice(&(8 + 3 * samples as u16).to_be_bytes());
    out.push(precision as u8);
    out.extend_from_slice(&(rows as u16).to_be_bytes());
    out.extend_from_slice(&(columns as u16).to_be_bytes());
    out.push(samples as u8);
    (1..=samples as u8).for_each(|component| out.extend_from_slice(&[component, 0x11, 0]));
    out.extend_from_slice(&[0xff, 0xc4]);
    out.extend_from_slice(&(19 + symbols.len() as u16).to_be_bytes());
    out.push(0);
    out.extend_from_slice(&counts);
    out.extend_from_slice(&symbols);
    out.extend_from_slice(&[0xff, 0xda]);
    out.extend_from_slice(&(6 + 2 * samples as u16).to_be_bytes());
    out.push(samples as u8);
    (1..=samples as u8).for_each(|component| out.extend_from_slice(&[component, 0]));
    out.extend_from_slice(&[1, 0, 0]);
    let mut bits = BitWriter { out, bits: 0, have: 0 };
    for difference in differences {
        let category = category(difference);
        let (code, length) = codes.get(category as usize).copied().unwrap_or_default();
        bits.put(u32::from(code), u32::from(length));
        if category < 16 {
            let low = if difference < 0 { difference - 1 } else { difference };
            bits.put(low as u32 & ((1 << category) - 1), category);
        }
    }
    let mut out = bits.finish();
    out.extend_from_slice(&[0xff, 0xd9]);
    Ok(out)
}

// === helpers ===

/// A grey picture that hands over whole rows: the library's own goes sample by sample.
struct Grey<'p> {
    columns: u16,
    rows: u16,
    samples: &'p [u8],
}

impl ImageBuffer for Grey<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Luma
    }

    fn width(&self) -> u16 {
        self.columns
    }

    fn height(&self) -> u16 {
        self.rows
    }

    fn fill_buffers(&self, row: u16, [grey, ..]: &mut [Vec<u8>; 4]) {
        let columns = usize::from(self.columns);
        let start = usize::from(row) * columns;
        grey.extend_from_slice(self.samples.get(start..start + columns).unwrap_or_default());
    }
}

/// What each sample differs from its neighbour on the left, or above for the first of a row: between -32,767 and
/// 32,768.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // low bits are meant
fn differences(picture: &Picture, precision: u32) -> Vec<i32> {
    let attributes = &picture.attributes;
    let components = attributes.samples as usize;
    let row_samples = attributes.columns as usize * components;
    let mask = (1_u32 << precision) - 1;
    let mut samples = Vec::with_capacity(attributes.frame_samples());
    picture.for_each_sample(|value| samples.push(i32::from((value as u32 & mask) as u16)));
    let start = 1 << (precision - 1);
    let mut out = Vec::with_capacity(samples.len());
    let mut above: Option<&[i32]> = None;
    for row in samples.chunks(row_samples) {
        let first = (0..components).map(|at| above.and_then(|row| row.get(at)).copied().unwrap_or(start));
        let left = first.chain(row.iter().copied());
        out.extend(row.iter().zip(left).map(|(value, left)| match i32::from((value - left) as i16) {
            -32_768 => 32_768,
            difference => difference,
        }));
        above = Some(row);
    }
    out
}

/// Bits of a difference.
const fn category(difference: i32) -> u32 {
    32 - difference.unsigned_abs().leading_zeros()
}

/// How many codes have each length, and the categories from the shortest code on (§K.2): no code is longer than 16 bits
/// and none is made of ones only.
#[allow(clippy::cast_possible_truncation)] // 17 categories
fn code_lengths(uses: [u32; CATEGORIES]) -> ([u8; 16], Vec<u8>) {
    let mut weights = uses.map(|uses| u64::from(uses) * 2);
    let lengths = loop {
        let lengths = huffman_lengths(&weights);
        if lengths.iter().all(|length| *length <= 16) {
            break lengths;
        }
        // Flatter weights make shorter trees.
        weights = weights.map(|weight| if weight == 0 { 0 } else { weight / 2 + 2 });
    };
    let mut ordered: Vec<(u8, u8)> =
        lengths.into_iter().zip(0..CATEGORIES as u8).filter(|(length, _)| *length > 0).collect();
    ordered.sort_unstable();
    let mut counts = [0; 16];
    for (length, _) in &ordered {
        if let Some(count) = counts.get_mut(usize::from(*length) - 1) {
            *count += 1;
        }
    }
    (counts, ordered.into_iter().map(|(_, category)| category).collect())
}

/// The lengths of Huffman's codes. One more symbol, rarer than all, takes the code of ones and is forgotten.
fn huffman_lengths(weights: &[u64; CATEGORIES]) -> [u8; CATEGORIES] {
    let used = weights.iter().enumerate().filter(|(_, weight)| **weight > 0);
    let mut groups: Vec<(u64, Vec<usize>)> =
        used.map(|(category, weight)| (*weight, vec![category])).chain([(1, vec![])]).collect();
    let mut lengths = [0_u8; CATEGORIES];
    while groups.len() > 1 {
        groups.sort_by_key(|group| std::cmp::Reverse(group.0));
        let (Some(one), Some(other)) = (groups.pop(), groups.pop()) else { break };
        let members: Vec<usize> = one.1.into_iter().chain(other.1).collect();
        for member in &members {
            if let Some(length) = lengths.get_mut(*member) {
                *length += 1;
            }
        }
        groups.push((one.0 + other.0, members));
    }
    lengths
}

/// Code and length of each category.
fn codes(counts: &[u8; 16], symbols: &[u8]) -> [(u16, u8); CATEGORIES] {
    let mut codes = [(0, 0); CATEGORIES];
    let lengths =
        (1_u8..).zip(counts).flat_map(|(length, count)| std::iter::repeat_n(length, usize::from(*count)));
    let (mut code, mut length_before) = (0_u32, 0);
    for (symbol, length) in symbols.iter().zip(lengths) {
        code <<= length - length_before;
        length_before = length;
        if let Some(place) = codes.get_mut(usize::from(*symbol)) {
            #[allow(clippy::cast_possible_truncation)] // at most 16 bits
            let bits = code as u16;
            *place = (bits, length);
        }
        code += 1;
    }
    codes
}

/// Writes bits from the highest on, a zero behind each byte of ones.
struct BitWriter {
    out: Vec<u8>,
    bits: u64,
    have: u32,
}

impl BitWriter {
    fn put(&mut self, bits: u32, count: u32) {
        self.bits = self.bits << count | u64::from(bits);
        self.have += count;
        while self.have >= 8 {
            self.have -= 8;
            #[allow(clippy::cast_possible_truncation)] // the low byte is meant
            let byte = (self.bits >> self.have) as u8;
            self.out.push(byte);
            if byte == 0xff {
                self.out.push(0);
            }
        }
    }

    /// Fills the last byte with ones.
    fn finish(mut self) -> Vec<u8> {
        if self.have > 0 {
            self.put(0xff >> self.have, 8 - self.have);
        }
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coding::Coding;
    use crate::decode;
    use crate::testing::{Damage, assert_same_samples, colour, grey, noise, pictures};
    use proptest::prelude::*;

    #[test]
    fn rare_and_frequent_categories_get_codes_that_fit() {
        let mut uses = [0; CATEGORIES];
        for (at, uses) in uses.iter_mut().enumerate() {
            *uses = 1 << at;
        }
        for uses in [uses, [1; CATEGORIES], [u32::MAX; CATEGORIES]] {
            let (counts, symbols) = code_lengths(uses);
            assert_eq!(symbols.len(), CATEGORIES);
            let room: u32 = (0..16).map(|at| u32::from(counts[at]) << (15 - at)).sum();
            assert!(room < 1 << 16, "the code of ones is free");
        }
    }

    #[test]
    fn baseline_looks_like_the_picture() {
        let attributes = ImageAttributes { rows: 37, columns: 53, ..grey(8, 8) };
        let bytes: Vec<u8> = (0..37 * 53_usize).map(|at| ((at % 53) * 4) as u8).collect();
        let picture = Picture { attributes, bytes };
        let coded = encode_baseline(&picture, 95).unwrap();
        let back = decode(Coding::Jpeg, &attributes, &coded).unwrap();
        assert_eq!(back.attributes, attributes);
        assert!(back.bytes.iter().zip(&picture.bytes).all(|(a, b)| a.abs_diff(*b) <= 6));
    }

    #[test]
    fn a_scan_without_components_is_refused() {
        let picture = noise(grey(8, 8), 1, false);
        for mut coded in [encode_lossless(&picture).unwrap(), encode_baseline(&picture, 90).unwrap()] {
            let scan = coded.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap();
            coded[scan + 4] = 0;
            let refused = decode(Coding::Jpeg, &picture.attributes, &coded).unwrap_err();
            assert_eq!(refused.to_string(), "JPEG: a scan has no components");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(picture in pictures()) {
            let coded = encode_lossless(&picture).unwrap();
            // One bit is written as two.
            assert_same_samples(&decode(Coding::Jpeg, &picture.attributes, &coded).unwrap(), &picture);
        }

        #[test]
        fn restart_markers_change_nothing(
            picture in pictures_of_eight_bits(), interval in 1..20_u16, sampling in 0..3_usize
        ) {
            let decoded = |interval| {
                let coded = baseline(&picture, interval, sampling);
                decode(Coding::Jpeg, &picture.attributes, &coded).unwrap()
            };
            prop_assert_eq!(decoded(interval), decoded(0));
        }

        #[test]
        fn cut_or_changed_bytes_are_an_error_or_a_picture(
            lossless in pictures(), lossy in pictures_of_eight_bits(), interval in 0..20_u16, sampling in 0..3_usize,
            damage in Damage::any()
        ) {
            let coded = damage.done_to(encode_lossless(&lossless).unwrap());
            let _ = decode(Coding::Jpeg, &lossless.attributes, &coded);
            let coded = damage.done_to(baseline(&lossy, interval, sampling));
            let _ = decode(Coding::Jpeg, &lossy.attributes, &coded);
        }
    }

    fn pictures_of_eight_bits() -> impl Strategy<Value = Picture> {
        let kind = |(rows, columns, in_colour): (u32, u32, bool)| {
            let grey = ImageAttributes { rows, columns, ..grey(8, 8) };
            if in_colour { colour(rows, columns) } else { grey }
        };
        let kind = (1..70_u32, 1..70_u32, any::<bool>()).prop_map(kind);
        (kind, any::<u64>(), any::<bool>()).prop_map(|(kind, seed, smooth)| noise(kind, seed, smooth))
    }

    fn baseline(picture: &Picture, restart_interval: u16, sampling: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, 80);
        encoder.set_sampling_factor(
            [SamplingFactor::F_1_1, SamplingFactor::F_2_1, SamplingFactor::F_2_2][sampling],
        );
        encoder.set_restart_interval(restart_interval);
        let ImageAttributes { rows, columns, samples, .. } = picture.attributes;
        let kind = if samples == 3 { ColorType::Rgb } else { ColorType::Luma };
        encoder.encode(&picture.bytes, columns as u16, rows as u16, kind).unwrap();
        out
    }
}
