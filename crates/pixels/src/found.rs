//! Reading a picture that somebody found: JPEG or PNG, from whatever program, as brightness only. What comes from strangers is bounded before
//! anything is allocated.

use crate::coding::Coding;
use crate::decode::decode;
use crate::error::PixelError;
use crate::image::{ImageAttributes, Photometric};
use crate::render::Bitmap;
use flate2::read::ZlibDecoder;
use std::io::Read;

/// Most pixels: those of the cameras of telephones.
pub const FOUND_PIXELS_MAX: u64 = 64 << 20;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = &[0xff, 0xd8, 0xff];

/// The brightness of a picture in a file.
///
/// # Errors
/// [`PixelError`]: no JPEG and no PNG, one of a kind that is not read (progressive, interlaced, fewer than eight bits), too large, or broken.
pub fn read_found(file: &[u8]) -> Result<Bitmap, PixelError> {
    if file.starts_with(PNG) {
        png(file)
    } else if file.starts_with(JPEG) {
        jpeg(file)
    } else {
        Err(PixelError::Unsupported { what: "a picture that is neither JPEG nor PNG" })
    }
}

// === helpers ===

/// ITU-R BT.601 in whole numbers.
#[allow(clippy::cast_possible_truncation, reason = "a mean of bytes")]
fn luminance(red: u8, green: u8, blue: u8) -> u8 {
    ((77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue) + 128) >> 8) as u8
}

fn sized(columns: u32, rows: u32) -> Result<(), PixelError> {
    let pixels = u64::from(columns) * u64::from(rows);
    if pixels == 0 {
        return Err(PixelError::Attribute { attribute: "the size of the picture", expected: "not nothing" });
    }
    if pixels > FOUND_PIXELS_MAX {
        return Err(PixelError::TooLarge { bytes: pixels, max: FOUND_PIXELS_MAX });
    }
    Ok(())
}

fn grey(columns: u32, rows: u32, samples: Vec<u8>) -> Bitmap {
    Bitmap { columns, rows, in_colour: false, samples }
}

fn jpeg(file: &[u8]) -> Result<Bitmap, PixelError> {
    const FORMAT: &str = "JPEG";
    let truncated = PixelError::Truncated { format: FORMAT };
    let mut rest = file.get(2..).unwrap_or_default();
    let (columns, rows, samples) = loop {
        let [0xff, marker, behind @ ..] = rest else {
            return Err(PixelError::malformed(FORMAT, "no marker where one has to be"));
        };
        let length = match behind {
            _ if *marker == 0xff => {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            [high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
            _ => return Err(truncated),
        };
        let segment = behind.get(2..length).ok_or(truncated.clone())?;
        match marker {
            0xc0 | 0xc1 => match segment {
                [8, r1, r2, c1, c2, samples, ..] => {
                    break (u16::from_be_bytes([*c1, *c2]), u16::from_be_bytes([*r1, *r2]), *samples);
                }
                _ => return Err(PixelError::Unsupported { what: "a JPEG of other than eight bits" }),
            },
            0xc2..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                return Err(PixelError::Unsupported { what: "a progressive JPEG; save the picture as PNG" });
            }
            0xda => return Err(PixelError::malformed(FORMAT, "no size before the picture")),
            _ => rest = behind.get(length..).unwrap_or_default(),
        }
    };
    let (columns, rows) = (u32::from(columns), u32::from(rows));
    sized(columns, rows)?;
    let declared = ImageAttributes {
        rows,
        columns,
        samples: samples.into(),
        bits_allocated: 8,
        bits_stored: 8,
        high_bit: 7,
        signed: false,
        photometric: if samples == 1 { Photometric::Monochrome2 } else { Photometric::YbrFull },
        planar: false,
    };
    let picture = decode(Coding::Jpeg, &declared, file)?;
    let bright = match (samples, picture.attributes.photometric) {
        (1, _) => picture.bytes,
        (3, Photometric::Rgb) => picture
            .bytes
            .as_chunks()
            .0
            .iter()
            .map(|[red, green, blue]| luminance(*red, *green, *blue))
            .collect(),
        (3, _) => picture.bytes.iter().step_by(3).copied().collect(),
        _ => return Err(PixelError::Unsupported { what: "a JPEG of other than one or three components" }),
    };
    Ok(grey(columns, rows, bright))
}

fn png(file: &[u8]) -> Result<Bitmap, PixelError> {
    const FORMAT: &str = "PNG";
    let malformed = |what| PixelError::malformed(FORMAT, what);
    let mut rest = file.get(PNG.len()..).unwrap_or_default();
    let mut header = None;
    let mut palette: &[u8] = &[];
    let mut packed = Vec::new();
    loop {
        let (length, behind) =
            rest.split_first_chunk::<4>().ok_or(PixelError::Truncated { format: FORMAT })?;
        let (kind, behind) =
            behind.split_first_chunk::<4>().ok_or(PixelError::Truncated { format: FORMAT })?;
        let length = u32::from_be_bytes(*length) as usize;
        let data = behind.get(..length).ok_or(PixelError::Truncated { format: FORMAT })?;
        match kind {
            b"IHDR" => {
                let [c1, c2, c3, c4, r1, r2, r3, r4, depth, colour, 0, 0, interlaced] = data else {
                    return Err(malformed("a header of other than thirteen bytes"));
                };
                let (columns, rows) =
                    (u32::from_be_bytes([*c1, *c2, *c3, *c4]), u32::from_be_bytes([*r1, *r2, *r3, *r4]));
                sized(columns, rows)?;
                if *interlaced != 0 || !matches!(depth, 8 | 16) {
                    return Err(PixelError::Unsupported {
                        what: "a PNG that is interlaced, or of fewer than eight bits",
                    });
                }
                header = Some((columns, rows, usize::from(*depth / 8), *colour));
            }
            b"PLTE" => palette = data,
            b"IDAT" => packed.extend_from_slice(data),
            b"IEND" => break,
            _ => {}
        }
        rest = behind.get(length + 4..).unwrap_or_default();
    }
    let (columns, rows, bytes, colour) = header.ok_or(malformed("no header"))?;
    let samples = match colour {
        0 | 3 => 1,
        4 => 2,
        2 => 3,
        6 => 4,
        _ => return Err(malformed("an unknown kind of colour")),
    };
    let pixel = samples * bytes;
    let line = columns as usize * pixel;
    let wanted = (line as u64 + 1) * u64::from(rows);
    let mut lines = Vec::new();
    ZlibDecoder::new(&packed[..])
        .take(wanted)
        .read_to_end(&mut lines)
        .map_err(|_| malformed("broken compression"))?;
    if lines.len() as u64 != wanted {
        return Err(PixelError::Truncated { format: FORMAT });
    }
    let mut above = vec![0; line];
    let mut bright = Vec::with_capacity(columns as usize * rows as usize);
    for coded in lines.chunks_exact(line + 1) {
        let here = unfiltered(coded, &above, pixel).ok_or(malformed("an unknown filter"))?;
        bright.extend(here.chunks_exact(pixel).map(|pixel| {
            let sample = |number: usize| pixel.get(number * bytes).copied().unwrap_or_default();
            match colour {
                3 => {
                    let colour = palette.get(3 * usize::from(sample(0))..).unwrap_or_default();
                    colour.first_chunk().map_or(0, |[red, green, blue]| luminance(*red, *green, *blue))
                }
                0 | 4 => sample(0),
                _ => luminance(sample(0), sample(1), sample(2)),
            }
        }));
        above = here;
    }
    Ok(grey(columns, rows, bright))
}

/// A line of a PNG without its filter (PNG, third edition, §9).
fn unfiltered(coded: &[u8], above: &[u8], pixel: usize) -> Option<Vec<u8>> {
    let (filter, coded) = coded.split_first()?;
    let mut line: Vec<u8> = Vec::with_capacity(coded.len());
    for (at, (byte, up)) in coded.iter().zip(above).enumerate() {
        let before =
            |line: &[u8]| at.checked_sub(pixel).and_then(|at| line.get(at)).copied().unwrap_or_default();
        let (left, corner) = (before(&line), before(above));
        let expected = match filter {
            0 => 0,
            1 => left,
            2 => *up,
            3 => left.midpoint(*up),
            4 => nearest(left, *up, corner),
            _ => return None,
        };
        line.push(byte.wrapping_add(expected));
    }
    Some(line)
}

/// Paeth's predictor.
fn nearest(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let off = |byte: u8| (estimate - i16::from(byte)).abs();
    if off(left) <= off(up) && off(left) <= off(corner) {
        left
    } else if off(up) <= off(corner) {
        up
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{to_jpeg, to_png};
    use proptest::prelude::*;

    fn ramp(in_colour: bool) -> Bitmap {
        let width = if in_colour { 3 } else { 1 };
        let samples = (0..40 * 30 * width).map(|at| (at / width % 251) as u8).collect();
        Bitmap { columns: 40, rows: 30, in_colour, samples }
    }

    #[test]
    fn what_we_write_is_read() {
        let plain = ramp(false);
        for file in [to_png(&plain), to_png(&ramp(true))] {
            assert_eq!(read_found(&file).unwrap(), plain);
        }
        for in_colour in [false, true] {
            let smooth =
                Bitmap { samples: vec![90; 40 * 30 * if in_colour { 3 } else { 1 }], ..ramp(in_colour) };
            let read = read_found(&to_jpeg(smooth, 90).unwrap()).unwrap();
            assert_eq!((read.columns, read.rows), (40, 30));
            assert!(read.samples.iter().all(|sample| sample.abs_diff(90) <= 2));
        }
    }

    #[test]
    fn all_filters_are_taken_back() {
        let (above, line) = ([10_u8, 20, 30, 40], [11_u8, 25, 29, 60]);
        for filter in 0..5_u8 {
            let mut coded = vec![filter];
            for at in 0..4 {
                let left = if at > 0 { line[at - 1] } else { 0 };
                let corner = if at > 0 { above[at - 1] } else { 0 };
                let expected =
                    [0, left, above[at], left.midpoint(above[at]), nearest(left, above[at], corner)];
                coded.push(line[at].wrapping_sub(expected[usize::from(filter)]));
            }
            assert_eq!(unfiltered(&coded, &above, 1).unwrap(), line, "{filter}");
        }
        assert_eq!(unfiltered(&[5, 0], &[0], 1), None);
    }

    #[test]
    fn what_is_too_large_or_of_another_kind_is_refused() {
        let mut huge = to_png(&ramp(false));
        huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        assert!(matches!(read_found(&huge), Err(PixelError::TooLarge { .. })));
        assert!(read_found(b"GIF89a").is_err() && read_found(b"").is_err());
        let file = to_jpeg(ramp(false), 90).unwrap();
        let at = file.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
        let mut progressive = file;
        progressive[at + 1] = 0xc2;
        assert!(matches!(read_found(&progressive), Err(PixelError::Unsupported { .. })));
    }

    proptest! {
        #[test]
        fn no_file_makes_it_fall(bytes in proptest::collection::vec(any::<u8>(), 0..300), which in 0..3_usize, cut in 0..2_000_usize, at in 0..1_000_usize, flip: u8) {
            let _ = read_found(&[[PNG, JPEG, &[]][which], &bytes].concat());
            let mut file = if which == 0 { to_png(&ramp(false)) } else { to_jpeg(ramp(true), 50).unwrap() };
            if let Some(byte) = file.get_mut(at) {
                *byte ^= flip;
            }
            let _ = read_found(&file[..cut.min(file.len())]);
        }
    }
}
