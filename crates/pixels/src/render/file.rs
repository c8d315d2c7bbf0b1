//! A bitmap as a file: JPEG (ISO/IEC 10918-1) or PNG (ISO/IEC 15948).

use super::Bitmap;
use crate::error::PixelError;
use crate::image::{ImageAttributes, Photometric, Picture};
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use std::io::Write;

/// Makes a JPEG of this quality, from 1 to 100.
///
/// # Errors
/// [`PixelError::Unsupported`] for a bitmap wider or higher than 65,535 pixels.
pub fn to_jpeg(bitmap: Bitmap, quality: u8) -> Result<Vec<u8>, PixelError> {
    let attributes = ImageAttributes {
        rows: bitmap.rows,
        columns: bitmap.columns,
        samples: if bitmap.in_colour { 3 } else { 1 },
        bits_allocated: 8,
        bits_stored: 8,
        high_bit: 7,
        signed: false,
        photometric: if bitmap.in_colour { Photometric::Rgb } else { Photometric::Monochrome2 },
        planar: false,
    };
    crate::jpeg::encode_baseline(&Picture { attributes, bytes: bitmap.samples }, quality)
}

/// Makes a PNG: the samples as they are.
#[must_use]
pub fn to_png(bitmap: &Bitmap) -> Vec<u8> {
    /// Each row as differences from the pixel on the left, which suits what is smooth.
    const FILTER_SUB: u8 = 1;
    let (pixel_bytes, colour_type) = if bitmap.in_colour { (3, 2) } else { (1, 0) };
    let row_bytes = bitmap.columns as usize * pixel_bytes;
    let mut rows = Vec::with_capacity(bitmap.samples.len() + bitmap.rows as usize);
    for row in bitmap.samples.chunks_exact(row_bytes.max(1)) {
        rows.push(FILTER_SUB);
        let left = std::iter::repeat_n(0, pixel_bytes).chain(row.iter().copied());
        rows.extend(row.iter().zip(left).map(|(byte, left)| byte.wrapping_sub(left)));
    }
    let mut header = Vec::with_capacity(13);
    header.extend_from_slice(&bitmap.columns.to_be_bytes());
    header.extend_from_slice(&bitmap.rows.to_be_bytes());
    header.extend_from_slice(&[8, colour_type, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(*b"IHDR", &header, &mut out);
    chunk(*b"IDAT", &deflated(&rows), &mut out);
    chunk(*b"IEND", &[], &mut out);
    out
}

// === helpers ===

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    // A vector takes everything.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

fn chunk(kind: [u8; 4], data: &[u8], out: &mut Vec<u8>) {
    let mut sum = Crc::new();
    sum.update(&kind);
    sum.update(data);
    out.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&kind);
    out.extend_from_slice(data);
    out.extend_from_slice(&sum.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_is_chunks_with_their_sums() {
        let bitmap = Bitmap { columns: 2, rows: 1, in_colour: true, samples: vec![1, 2, 3, 4, 6, 8] };
        let png = to_png(&bitmap);
        assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
        // What every PNG ends with.
        assert_eq!(png[png.len() - 12..], [0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82]);
        let length = u32::from_be_bytes(png[33..37].try_into().unwrap()) as usize;
        let mut rows = Vec::new();
        let mut decoder = flate2::read::ZlibDecoder::new(&png[41..41 + length]);
        std::io::Read::read_to_end(&mut decoder, &mut rows).unwrap();
        assert_eq!(rows, [1, 1, 2, 3, 3, 4, 5]);
    }

    #[test]
    fn a_jpeg_in_colour_shares_chrominance_between_two_pixels() {
        let bitmap = Bitmap { columns: 16, rows: 8, in_colour: true, samples: vec![200; 3 * 128] };
        let jpeg = to_jpeg(bitmap, 90).unwrap();
        let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
        assert_eq!(jpeg[frame + 11], 0x21);
    }
}
