//! Frames that are not compressed (PS3.5 §8.1, Annex D; PS3.3 §C.7.6.3.1).

use crate::error::PixelError;
use crate::image::{ImageAttributes, Photometric, Picture};
use flate2::read::DeflateDecoder;
use std::io::Read;

const FORMAT: &str = "native pixel data";

/// How bytes make numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
    /// Big, and samples of 8 bits are written two to a word.
    BigWords,
}

/// Moves a 1-bit frame that begins inside a byte to the beginning of the byte: drops the `skip` lowest bits.
#[must_use]
pub fn align_bits(bytes: &[u8], skip: u8) -> Vec<u8> {
    let skip = u32::from(skip % 8);
    let next = bytes.iter().skip(1).copied().chain([0]);
    let pairs = bytes.iter().zip(next);
    #[allow(clippy::cast_possible_truncation)] // the low byte is meant
    pairs.map(|(low, high)| (u16::from_le_bytes([*low, high]) >> skip) as u8).collect()
}

/// Inflates a frame; never to more than it may be.
pub(super) fn inflated(declared: &ImageAttributes, frame: &[u8]) -> Result<Vec<u8>, PixelError> {
    let mut bytes = Vec::new();
    let read = DeflateDecoder::new(frame).take(declared.decoded_bytes()).read_to_end(&mut bytes);
    read.map_err(|_| PixelError::malformed("deflated frame", "it cannot be inflated"))?;
    Ok(bytes)
}

pub(super) fn decode(
    declared: &ImageAttributes,
    frame: &[u8],
    order: ByteOrder,
) -> Result<Picture, PixelError> {
    let mut attributes = ImageAttributes { planar: false, ..*declared };
    if declared.bits_allocated == 1 {
        attributes.bits_allocated = 8;
        return Ok(Picture { attributes, bytes: bits(frame, declared.pixels())? });
    }
    if declared.photometric == Photometric::YbrFull422 {
        if declared.bits_allocated != 8 || declared.planar {
            return Err(PixelError::Unsupported { what: "YBR_FULL_422 in planes or of more than 8 bits" });
        }
        if !declared.columns.is_multiple_of(2) {
            return Err(PixelError::Attribute {
                attribute: "Columns",
                expected: "even where two pixels share their chrominance",
            });
        }
        attributes.photometric = Photometric::YbrFull;
        let bytes = exactly(frame, declared.pixels() * 2)?;
        let bytes = if order == ByteOrder::BigWords { swapped(bytes, 2) } else { bytes.to_vec() };
        return Ok(Picture { attributes, bytes: share_chrominance(&bytes) });
    }
    let bytes = exactly(frame, declared.frame_samples() * declared.sample_bytes())?;
    let bytes = match (order, declared.sample_bytes()) {
        (ByteOrder::Little, _) => bytes.to_vec(),
        (ByteOrder::BigWords, 1) if bytes.len() % 2 == 1 => {
            return Err(PixelError::Unsupported { what: "big-endian words that are shared by two frames" });
        }
        (ByteOrder::BigWords, 1) => swapped(bytes, 2),
        (ByteOrder::Big | ByteOrder::BigWords, width) => swapped(bytes, width),
    };
    let bytes = if declared.planar {
        interleaved(&bytes, declared.samples as usize, declared.sample_bytes())
    } else {
        bytes
    };
    Ok(Picture { attributes, bytes })
}

// === helpers ===

fn exactly(frame: &[u8], length: usize) -> Result<&[u8], PixelError> {
    frame.get(..length).ok_or(PixelError::Truncated { format: FORMAT })
}

/// One byte for each bit, lowest first.
fn bits(frame: &[u8], pixels: usize) -> Result<Vec<u8>, PixelError> {
    let bytes = exactly(frame, pixels.div_ceil(8))?;
    let bits = bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
    Ok(bits.take(pixels).collect())
}

fn swapped(bytes: &[u8], width: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    bytes
}

/// From Y Y Cb Cr for two pixels to Y Cb Cr for each.
fn share_chrominance(bytes: &[u8]) -> Vec<u8> {
    let (pairs, _) = bytes.as_chunks::<4>();
    pairs.iter().flat_map(|[left, right, cb, cr]| [*left, *cb, *cr, *right, *cb, *cr]).collect()
}

/// From planes to pixels.
fn interleaved(bytes: &[u8], samples: usize, width: usize) -> Vec<u8> {
    let plane_bytes = bytes.len() / samples.max(1);
    let mut out = vec![0; bytes.len()];
    for (component, plane) in bytes.chunks_exact(plane_bytes.max(1)).enumerate() {
        let places = out.chunks_exact_mut(width * samples);
        for (pixel, sample) in places.zip(plane.chunks_exact(width)) {
            if let Some(place) = pixel.get_mut(component * width..(component + 1) * width) {
                place.copy_from_slice(sample);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{colour, grey};

    #[test]
    fn bits_become_bytes_from_the_lowest_on() {
        let picture = decode(
            &ImageAttributes { columns: 5, rows: 2, ..grey(1, 1) },
            &[0b1010_0110, 0b10],
            ByteOrder::Little,
        )
        .unwrap();
        assert_eq!(picture.bytes, [0, 1, 1, 0, 0, 1, 0, 1, 0, 1]);
        assert_eq!(align_bits(&[0b1010_0110, 0b10], 3), [0b0101_0100, 0]);
    }

    #[test]
    fn planes_become_pixels() {
        let planar = ImageAttributes { planar: true, ..colour(1, 2) };
        let picture = decode(&planar, &[1, 2, 3, 4, 5, 6], ByteOrder::Little).unwrap();
        assert_eq!(picture.bytes, [1, 3, 5, 2, 4, 6]);
        assert!(!picture.attributes.planar);
    }

    #[test]
    fn the_high_byte_comes_first_in_big_endian() {
        let picture =
            decode(&ImageAttributes { rows: 1, columns: 2, ..grey(16, 16) }, &[1, 2, 3, 4], ByteOrder::Big)
                .unwrap();
        assert_eq!(picture.bytes, [2, 1, 4, 3]);
        let words =
            decode(&ImageAttributes { rows: 1, columns: 2, ..grey(8, 8) }, &[1, 2], ByteOrder::BigWords)
                .unwrap();
        assert_eq!(words.bytes, [2, 1]);
    }

    #[test]
    fn shared_chrominance_is_given_to_both_pixels() {
        let shared = ImageAttributes { photometric: Photometric::YbrFull422, ..colour(1, 2) };
        let picture = decode(&shared, &[10, 20, 30, 40], ByteOrder::Little).unwrap();
        assert_eq!(picture.bytes, [10, 30, 40, 20, 30, 40]);
        assert_eq!(picture.attributes.photometric, Photometric::YbrFull);
        let odd = ImageAttributes { columns: 1, ..shared };
        assert!(decode(&odd, &[10, 20, 30, 40], ByteOrder::Little).is_err());
    }

    #[test]
    fn a_deflated_frame_becomes_its_size_and_no_more() {
        let deflated = |bytes: &[u8]| {
            let mut out = Vec::new();
            let level = flate2::Compression::best();
            flate2::read::DeflateEncoder::new(bytes, level).read_to_end(&mut out).unwrap();
            out
        };
        let bits = ImageAttributes { columns: 5, ..grey(1, 1) };
        let frame = inflated(&bits, &deflated(&[0b1010_0110, 0b10])).unwrap();
        assert_eq!(decode(&bits, &frame, ByteOrder::Little).unwrap().bytes, [0, 1, 1, 0, 0, 1, 0, 1, 0, 1]);
        assert_eq!(inflated(&bits, &deflated(&[7; 1_000_000])).unwrap().len(), 10);
        assert!(inflated(&bits, &[0xff; 9]).is_err());
    }

    #[test]
    fn a_frame_that_is_too_short_is_refused() {
        let error = decode(&grey(16, 12), &[0; 7], ByteOrder::Little).unwrap_err();
        assert_eq!(error.to_string(), "native pixel data: the coded bytes end before the picture does");
    }
}
