//! JPEG 2000 (ISO/IEC 15444-1): reading, by a library without unsafe code that knows all but high throughput.
//!
//! What a library would allocate is bounded here first, by the headers: the picture is the declared one, and tiles, blocks
//! and precincts are not so small that what describes them outgrows what they hold. The library runs behind a catch: a
//! panic in it is an error of one picture.

use super::high_throughput;
use super::segment::{FORMAT, TRUNCATED, malformed, next_segment};
use crate::coded::Coded;
use crate::error::PixelError;
use crate::image::ImageAttributes;
use crate::limits::JPEG_2000_FRAME_BYTES_MAX;
use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Smallest tile, in samples of the picture: what describes a tile takes a few kilobytes. A picture that is smaller may
/// have one.
const TILE_SAMPLES_MIN: u64 = 64 * 64;

/// Smallest precinct, as an exponent of its side: what describes one takes a few hundred bytes.
const PRECINCT_EXPONENT_MIN: u8 = 5;

/// What the SIZ segment says.
struct Size {
    precision: u32,
    is_signed: bool,
    components: u16,
}

/// Decodes a frame: a codestream, or a JP2 file around one, which DICOM does not allow and some write.
pub(crate) fn decode(declared: &ImageAttributes, bytes: &[u8]) -> Result<Coded, PixelError> {
    let (codestream, size) = checked(declared, bytes)?;
    let settings = DecodeSettings { resolve_palette_indices: false, strict: true, target_resolution: None };
    let library = || {
        let mut context = DecoderContext::default();
        let image = Image::new(codestream, &settings).ok()?;
        let picture = image.decode(&mut context).ok()?;
        let planes: Vec<&[f32]> = picture.components().iter().map(|component| component.samples()).collect();
        interleaved(&planes, declared, &size)
    };
    let failed = malformed("the codestream cannot be decoded");
    let values = catch_unwind(AssertUnwindSafe(library)).ok().flatten().ok_or(failed)?;
    let ImageAttributes { rows, columns, samples: components, .. } = *declared;
    Ok(Coded { rows, columns, components, precision: size.precision, values })
}

/// The same of high-throughput JPEG 2000.
pub(crate) fn decode_high_throughput(declared: &ImageAttributes, bytes: &[u8]) -> Result<Coded, PixelError> {
    let (codestream, size) = checked(declared, bytes)?;
    let values = high_throughput::decode(codestream)?;
    let ImageAttributes { rows, columns, samples: components, .. } = *declared;
    Ok(Coded { rows, columns, components, precision: size.precision, values })
}

// === helpers ===

/// The codestream of a frame, of which the headers ask for no more memory than may be.
fn checked<'a>(declared: &ImageAttributes, bytes: &'a [u8]) -> Result<(&'a [u8], Size), PixelError> {
    let (bytes_max, declared_bytes) = (JPEG_2000_FRAME_BYTES_MAX, declared.decoded_bytes());
    if declared_bytes > bytes_max {
        return Err(PixelError::TooLarge { bytes: declared_bytes, max: bytes_max });
    }
    let codestream = codestream(bytes);
    let size = check(declared, codestream)?;
    Ok((codestream, size))
}

/// The codestream within a JP2 file (Annex I), or everything.
fn codestream(bytes: &[u8]) -> &[u8] {
    const SIGNATURE: &[u8] = b"\0\0\0\x0cjP  ";
    const BOX: &[u8] = b"jp2c";
    if !bytes.starts_with(SIGNATURE) {
        return bytes;
    }
    let start = memchr::memmem::find(bytes, BOX).map_or(bytes.len(), |at| at + BOX.len());
    bytes.get(start..).unwrap_or_default()
}

/// Checks everything that decides how much memory decoding needs: the main header and those of all tile-parts.
fn check(declared: &ImageAttributes, codestream: &[u8]) -> Result<Size, PixelError> {
    let rest = codestream.strip_prefix(&[0xff, 0x4f]).ok_or(malformed("it does not begin with SOC"))?;
    let (marker, segment, mut rest) = next_segment(rest)?;
    if marker != 0x51 {
        return Err(malformed("SIZ does not follow SOC"));
    }
    let size = check_size(declared, segment)?;
    loop {
        let at = rest;
        let (marker, segment, behind) = match rest {
            [0xff, 0xd9, ..] | [] => return Ok(size),
            // SOD: the header of a tile-part ends here; only tile-parts bring us here.
            _ => next_segment(rest)?,
        };
        rest = behind;
        match marker {
            0x52 => check_style(segment.get(..1), segment.get(5..))?,
            0x53 => {
                let skip = if size.components < 257 { 1 } else { 2 };
                check_style(segment.get(skip..=skip), segment.get(skip + 1..))?;
            }
            0x90 => match tile_part(at, segment, behind, &size)? {
                Some(next) => rest = next,
                None => return Ok(size),
            },
            _ => {}
        }
    }
}

/// Checks the header of a tile-part that begins at `at`; returns where the next one begins, if there is one.
fn tile_part<'a>(
    at: &'a [u8],
    segment: &[u8],
    mut rest: &'a [u8],
    size: &Size,
) -> Result<Option<&'a [u8]>, PixelError> {
    let length = segment.get(2..6).and_then(<[u8]>::first_chunk).ok_or(TRUNCATED)?;
    loop {
        if let [0xff, 0x93, ..] = rest {
            break;
        }
        let (marker, segment, behind) = next_segment(rest)?;
        match marker {
            0x52 => check_style(segment.get(..1), segment.get(5..))?,
            0x53 => {
                let skip = if size.components < 257 { 1 } else { 2 };
                check_style(segment.get(skip..=skip), segment.get(skip + 1..))?;
            }
            _ => {}
        }
        rest = behind;
    }
    match u32::from_be_bytes(*length) {
        // Up to the end.
        0 => Ok(None),
        length => Ok(at.get(length as usize..).filter(|next| next.len() < rest.len())),
    }
}

/// Image and tile size (§A.5.1).
fn check_size(declared: &ImageAttributes, segment: &[u8]) -> Result<Size, PixelError> {
    let words = segment.get(2..34).ok_or(TRUNCATED)?.as_chunks::<4>().0;
    let &[right, bottom, left, top, tile_columns, tile_rows, tile_left, tile_top] =
        words.first_chunk::<8>().ok_or(TRUNCATED)?;
    let [right, bottom, left, top] = [right, bottom, left, top].map(u32::from_be_bytes);
    let [tile_columns, tile_rows] = [tile_columns, tile_rows].map(|word| u64::from(u32::from_be_bytes(word)));
    let [tile_left, tile_top] = [tile_left, tile_top].map(u32::from_be_bytes);
    let components = segment.get(34..36).and_then(<[u8]>::first_chunk).ok_or(TRUNCATED)?;
    let components = u16::from_be_bytes(*components);
    let shape = [bottom.saturating_sub(top), right.saturating_sub(left), u32::from(components)];
    Coded::check_shape(declared, FORMAT, shape)?;
    if tile_left > left || tile_top > top {
        return Err(malformed("the first tile begins behind the picture"));
    }
    let across = u64::from(right - tile_left).div_ceil(tile_columns.max(1));
    let down = u64::from(bottom - tile_top).div_ceil(tile_rows.max(1));
    if across * down > 1 && tile_columns * tile_rows < TILE_SAMPLES_MIN {
        return Err(PixelError::Unsupported { what: "JPEG 2000 with tiles of less than 64 x 64 samples" });
    }
    let parts = segment.get(36..36 + 3 * usize::from(components)).ok_or(TRUNCATED)?.as_chunks::<3>().0;
    let first = parts.first().ok_or(TRUNCATED)?;
    if parts.iter().any(|part| part != first || part[1] != 1 || part[2] != 1) {
        return Err(PixelError::Unsupported { what: "JPEG 2000 whose components differ" });
    }
    let precision = u32::from(first[0] & 0x7f) + 1;
    if precision > 16 {
        return Err(PixelError::Unsupported { what: "JPEG 2000 of more than 16 bits" });
    }
    Ok(Size { precision, is_signed: first[0] & 0x80 != 0, components })
}

/// Coding style (§A.6.1, §A.6.2): levels, code-blocks, then precincts if the style says so.
fn check_style(style: Option<&[u8]>, parameters: Option<&[u8]>) -> Result<(), PixelError> {
    let (Some([style]), Some([_, _, _, _, _, precincts @ ..])) = (style, parameters) else {
        return Err(TRUNCATED);
    };
    let is_small = |sizes: &u8| (sizes & 0xf).min(sizes >> 4) < PRECINCT_EXPONENT_MIN;
    if style & 1 == 1 && precincts.iter().any(is_small) {
        return Err(PixelError::Unsupported {
            what: "JPEG 2000 with precincts of less than 32 x 32 samples",
        });
    }
    Ok(())
}

/// From planes of numbers to samples, pixel by pixel.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped; the low bits are meant
fn interleaved(planes: &[&[f32]], declared: &ImageAttributes, size: &Size) -> Option<Vec<u16>> {
    let (pixels, components) = (declared.pixels(), declared.samples as usize);
    if planes.len() != components || planes.iter().any(|plane| plane.len() < pixels) {
        return None;
    }
    // The library takes all samples for unsigned.
    let lower = if size.is_signed { 1_i32 << (size.precision - 1) } else { 0 };
    let highest = (1_i32 << size.precision) - 1;
    let mut values = vec![0; pixels * components];
    for (component, plane) in planes.iter().enumerate() {
        for (pixel, sample) in values.chunks_exact_mut(components).zip(*plane) {
            if let Some(value) = pixel.get_mut(component) {
                *value = ((sample.round() as i32).clamp(0, highest) - lower) as u16;
            }
        }
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg_2000::encode;
    use crate::testing::{grey, noise};

    #[test]
    fn what_would_need_too_much_memory_is_refused_before_the_library_sees_it() {
        let vast = ImageAttributes { rows: 6_000, columns: 6_000, ..grey(16, 16) };
        assert!(matches!(decode(&vast, &[]), Err(PixelError::TooLarge { .. })));

        let attributes = ImageAttributes { rows: 64, columns: 96, ..grey(8, 8) };
        let good = encode(&noise(attributes, 1, true)).unwrap();
        let changed = |at: usize, bytes: &[u8]| {
            let mut coded = good.clone();
            coded[at..at + bytes.len()].copy_from_slice(bytes);
            decode(&attributes, &coded).unwrap_err().to_string()
        };
        let size = 6;
        assert!(changed(size + 2, &[0, 0, 0, 97]).contains("number of columns"));
        assert!(changed(size + 18, &[0, 0, 0, 8, 0, 0, 0, 8]).contains("tiles"));
        assert!(changed(size + 34, &[0, 2]).contains("samples per pixel"));
        assert!(changed(size + 36, &[31]).contains("16 bits"));
        let style = good.windows(2).position(|marker| marker == [0xff, 0x52]).unwrap();
        let mut small = good.clone();
        small[style + 4] = 1;
        small.splice(style + 14..style + 14, [0x11; 6]);
        small[style + 3] += 6;
        assert!(decode(&attributes, &small).unwrap_err().to_string().contains("precincts"));
    }

    #[test]
    fn a_codestream_within_a_file_is_found() {
        let attributes = ImageAttributes { rows: 40, columns: 40, ..grey(16, 12) };
        let picture = noise(attributes, 2, true);
        let mut file = b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\0jp2c".to_vec();
        file.extend(encode(&picture).unwrap());
        assert_eq!(
            decode(&attributes, &file).unwrap().into_picture(&attributes, FORMAT, attributes.photometric),
            Ok(picture)
        );
    }
}
