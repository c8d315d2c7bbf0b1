//! One frame of any coding in, samples out.

mod native;

pub use native::align_bits;

use crate::coding::Coding;
use crate::error::PixelError;
use crate::image::{ImageAttributes, Photometric, Picture};
use crate::{jpeg, jpeg_2000, jpeg_ls, rle};
use native::ByteOrder;

/// Decodes one frame.
///
/// `frame` are the bytes of the frame, its fragments joined; a native 1-bit frame begins at the lowest bit of its first
/// byte ([`align_bits`]). Bytes behind the picture, such as padding, are not looked at.
///
/// The result has the samples pixel by pixel ([`Picture`]). Its attributes are the declared ones, but that
/// Planar Configuration is 0, bits have become bytes, samples are cut out of their cells unless the frame is native, shared
/// chrominance is brought to every pixel (YBR_FULL_422 becomes YBR_FULL) and the colour transforms of JPEG 2000 are undone
/// (YBR_RCT and YBR_ICT become RGB).
///
/// # Errors
/// [`PixelError`]. No input makes this function panic or allocate more than
/// [`crate::limits::DECODER_MEMORY_FACTOR`] times [`crate::limits::FRAME_BYTES_MAX`].
pub fn decode(coding: Coding, declared: &ImageAttributes, frame: &[u8]) -> Result<Picture, PixelError> {
    declared.check()?;
    match coding {
        Coding::Native => native::decode(declared, frame, ByteOrder::Little),
        Coding::NativeBigEndian { in_words: false } => native::decode(declared, frame, ByteOrder::Big),
        Coding::NativeBigEndian { in_words: true } => native::decode(declared, frame, ByteOrder::BigWords),
        Coding::Deflated => native::decode(declared, &native::inflated(declared, frame)?, ByteOrder::Little),
        Coding::Rle => rle::decode(declared, frame),
        Coding::Jpeg => {
            let colour = match declared.photometric {
                Photometric::YbrFull422 => Photometric::YbrFull,
                same => same,
            };
            jpeg::decode(declared, frame)?.into_picture(declared, "JPEG", colour)
        }
        Coding::JpegLs => {
            jpeg_ls::decode(declared, frame)?.into_picture(declared, "JPEG-LS", declared.photometric)
        }
        Coding::Jpeg2000 => jpeg_2000::decode(declared, frame)?.into_picture(
            declared,
            "JPEG 2000",
            without_transform(declared),
        ),
        Coding::HighThroughputJpeg2000 => jpeg_2000::decode_high_throughput(declared, frame)?.into_picture(
            declared,
            "HTJ2K",
            without_transform(declared),
        ),
    }
}

/// What colours are when those of JPEG 2000 are undone.
const fn without_transform(declared: &ImageAttributes) -> Photometric {
    match declared.photometric {
        Photometric::YbrRct | Photometric::YbrIct => Photometric::Rgb,
        same => same,
    }
}
