//! RLE Lossless (PS3.5 Annex G): each byte of the samples is a plane of its own, packed as runs.

use crate::error::PixelError;
use crate::image::{ImageAttributes, Photometric, Picture};

const FORMAT: &str = "RLE";

/// Most segments: the header has room for so many offsets.
const SEGMENTS_MAX: usize = 15;

/// Bytes of the header: the number of segments and their offsets.
const HEADER_BYTES: usize = 4 * (SEGMENTS_MAX + 1);

/// Longest run or literal that one code can say.
const RUN_MAX: usize = 128;

/// Decodes a frame.
pub(crate) fn decode(declared: &ImageAttributes, frame: &[u8]) -> Result<Picture, PixelError> {
    let width = declared.sample_bytes();
    let planes = declared.samples as usize * width;
    if declared.bits_allocated == 1 || planes > SEGMENTS_MAX {
        return Err(PixelError::Unsupported { what: "RLE with this Bits Allocated" });
    }
    if declared.photometric == Photometric::YbrFull422 {
        return Err(PixelError::Unsupported { what: "RLE with YBR_FULL_422" });
    }
    let header = frame.first_chunk::<HEADER_BYTES>().ok_or(PixelError::Truncated { format: FORMAT })?;
    let (words, _) = header.as_chunks::<4>();
    let mut words = words.iter().map(|word| u32::from_le_bytes(*word) as usize);
    let segments = words.next().unwrap_or(0);
    if segments != planes {
        let (declared, coded) = (planes as u64, segments as u64);
        return Err(PixelError::Mismatch {
            format: FORMAT,
            what: "the number of byte planes",
            declared,
            coded,
        });
    }
    let offsets: Vec<usize> = words.take(planes).collect();
    let mut bytes = vec![0; declared.pixels() * planes];
    let mut plane = Vec::with_capacity(declared.pixels());
    for (number, start) in offsets.iter().enumerate() {
        let end = offsets.get(number + 1).copied().unwrap_or(frame.len());
        let segment = frame
            .get(*start..end)
            .filter(|_| *start >= HEADER_BYTES)
            .ok_or(PixelError::malformed(FORMAT, "the offsets of the segments do not ascend"))?;
        plane.clear();
        unpack(segment, declared.pixels(), &mut plane)?;
        // Planes come component by component, the high byte first.
        let place = number / width * width + (width - 1 - number % width);
        for (pixel, byte) in bytes.chunks_exact_mut(planes).zip(&plane) {
            if let Some(place) = pixel.get_mut(place) {
                *place = *byte;
            }
        }
    }
    Ok(Picture { attributes: ImageAttributes { planar: false, ..*declared }, bytes })
}

/// Encodes a frame.
///
/// # Errors
/// [`PixelError::Unsupported`] for samples that need more byte planes than the format has.
pub fn encode(picture: &Picture) -> Result<Vec<u8>, PixelError> {
    let width = picture.attributes.sample_bytes();
    let planes = picture.attributes.samples as usize * width;
    if planes > SEGMENTS_MAX {
        return Err(PixelError::Unsupported { what: "RLE with this Bits Allocated" });
    }
    let columns = picture.attributes.columns as usize;
    let mut header = vec![u32::try_from(planes).unwrap_or(0)];
    let mut out = vec![0; HEADER_BYTES];
    for number in 0..planes {
        header.push(u32::try_from(out.len()).unwrap_or(u32::MAX));
        let place = number / width * width + (width - 1 - number % width);
        let plane: Vec<u8> = picture.bytes.iter().skip(place).step_by(planes).copied().collect();
        // A run never goes on in the next row (§G.3.1).
        plane.chunks(columns.max(1)).for_each(|row| pack(row, &mut out));
        if out.len() % 2 == 1 {
            out.push(0);
        }
    }
    for (place, word) in out.chunks_exact_mut(4).zip(header) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    Ok(out)
}

// === helpers ===

/// Appends `length` bytes to `out`. What a last code says beyond them is dropped.
fn unpack(segment: &[u8], length: usize, out: &mut Vec<u8>) -> Result<(), PixelError> {
    const TRUNCATED: PixelError = PixelError::Truncated { format: FORMAT };
    let mut rest = segment;
    while out.len() < length {
        let (code, behind) = rest.split_first().ok_or(TRUNCATED)?;
        let room = length - out.len();
        rest = match usize::from(*code) {
            literal @ 0..=127 => {
                let (bytes, behind) = behind.split_at_checked(literal + 1).ok_or(TRUNCATED)?;
                out.extend(bytes.iter().take(room));
                behind
            }
            128 => behind,
            run => {
                let (byte, behind) = behind.split_first().ok_or(TRUNCATED)?;
                out.resize(out.len() + room.min(257 - run), *byte);
                behind
            }
        };
    }
    Ok(())
}

/// Appends a row: runs of three and more as runs, everything else as literals.
#[allow(clippy::cast_possible_truncation)] // lengths are at most RUN_MAX
fn pack(row: &[u8], out: &mut Vec<u8>) {
    let mut literal: &[u8] = &[];
    let mut rest = row;
    let flush = |literal: &[u8], out: &mut Vec<u8>| {
        for piece in literal.chunks(RUN_MAX) {
            out.push((piece.len() - 1) as u8);
            out.extend_from_slice(piece);
        }
    };
    let mut literal_from = row;
    while let Some((first, _)) = rest.split_first() {
        let run = rest.iter().take(RUN_MAX).take_while(|byte| *byte == first).count();
        let (these, behind) = rest.split_at(run);
        rest = behind;
        if run < 3 {
            literal = literal_from.get(..literal.len() + these.len()).unwrap_or_default();
            continue;
        }
        flush(literal, out);
        out.push((257 - run) as u8);
        out.push(*first);
        (literal, literal_from) = (&[], rest);
    }
    flush(literal, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Damage, grey, noise, pictures};
    use proptest::prelude::*;

    fn packed(row: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        pack(row, &mut out);
        out
    }

    #[test]
    fn runs_and_literals_are_packed_as_the_standard_says() {
        assert_eq!(packed(&[7, 7, 7, 7, 1, 2, 2, 3]), [253, 7, 3, 1, 2, 2, 3]);
        assert_eq!(packed(&[9; 130]), [129, 9, 1, 9, 9]);
    }

    #[test]
    fn a_header_that_lies_is_refused() {
        let attributes = grey(16, 12);
        let good = encode(&Picture { attributes, bytes: vec![1; 12] }).unwrap();
        assert!(decode(&attributes, &good).is_ok());
        for (place, value) in [(0, 3), (4, 0), (4, 255), (8, 63)] {
            let mut bad = good.clone();
            bad[place] = value;
            assert!(decode(&attributes, &bad).is_err(), "{place}");
        }
        for length in 0..good.len() - 3 {
            assert!(decode(&attributes, &good[..length]).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(picture in pictures()) {
            let packed = encode(&picture).unwrap();
            prop_assert_eq!(packed.len() % 2, 0);
            prop_assert_eq!(decode(&picture.attributes, &packed).unwrap(), picture);
        }

        #[test]
        fn samples_of_four_bytes_are_decoded_too(columns in 1..300_u32, seed: u64, smooth: bool) {
            let picture = noise(ImageAttributes { columns, ..grey(32, 32) }, seed, smooth);
            prop_assert_eq!(decode(&picture.attributes, &encode(&picture).unwrap()).unwrap(), picture);
        }

        #[test]
        fn cut_or_changed_bytes_are_an_error_or_a_picture(picture in pictures(), damage in Damage::any()) {
            let _ = decode(&picture.attributes, &damage.done_to(encode(&picture).unwrap()));
        }
    }
}
