//! Which way of writing pixels a transfer syntax stands for (PS3.5 §8.2, §10).

use yingdun_dicom::Vr;
use yingdun_model::Uid;

/// RLE Lossless.
pub const RLE_LOSSLESS: &str = "1.2.840.10008.1.2.5";
/// JPEG Baseline (Process 1), 8 bits, lossy.
pub const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";
/// JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14, Selection Value 1).
pub const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.70";
/// JPEG-LS Lossless Image Compression.
pub const JPEG_LS_LOSSLESS: &str = "1.2.840.10008.1.2.4.80";
/// JPEG 2000 Image Compression (Lossless Only).
pub const JPEG_2000_LOSSLESS: &str = "1.2.840.10008.1.2.4.90";

/// High-Throughput JPEG 2000 Image Compression (Lossless Only).
pub const HTJ2K_LOSSLESS: &str = "1.2.840.10008.1.2.4.201";
/// High-Throughput JPEG 2000 with RPCL Options Image Compression (Lossless Only).
pub const HTJ2K_LOSSLESS_RPCL: &str = "1.2.840.10008.1.2.4.202";

/// How the samples of a frame are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// As they are, low byte first.
    Native,
    /// As they are, high byte first.
    NativeBigEndian {
        /// Whether pixel data is made of words (VR OW), so that samples of 8 bits are swapped in pairs (PS3.5 §8.1.2).
        in_words: bool,
    },
    /// Little-endian, each frame deflated (PS3.5 §A.4.13).
    Deflated,
    /// Run lengths of byte planes (PS3.5 Annex G).
    Rle,
    /// JPEG (ISO/IEC 10918-1): sequential DCT of 8 or 12 bits, or lossless of 2 to 16 bits.
    Jpeg,
    /// JPEG-LS (ISO/IEC 14495-1), lossless or near-lossless.
    JpegLs,
    /// JPEG 2000 (ISO/IEC 15444-1), reversible or irreversible.
    Jpeg2000,
    /// High-throughput JPEG 2000 (ISO/IEC 15444-15), reversible or irreversible.
    HighThroughputJpeg2000,
}

impl Coding {
    /// The coding of a transfer syntax and the value representation of Pixel Data; `None` for one whose pixels are not
    /// decoded here.
    #[must_use]
    pub fn of(syntax: &Uid, pixel_data: Vr) -> Option<Self> {
        Some(match syntax.as_str() {
            "1.2.840.10008.1.2"
            | "1.2.840.10008.1.2.1"
            | "1.2.840.10008.1.2.1.98"
            | "1.2.840.10008.1.2.1.99" => Self::Native,
            // The private syntax of old GE equipment has big-endian pixels.
            "1.2.840.10008.1.2.2" | "1.2.840.113619.5.2" => {
                Self::NativeBigEndian { in_words: pixel_data == Vr::OW }
            }
            "1.2.840.10008.1.2.8.1" => Self::Deflated,
            RLE_LOSSLESS => Self::Rle,
            JPEG_BASELINE | "1.2.840.10008.1.2.4.51" | "1.2.840.10008.1.2.4.57" | JPEG_LOSSLESS => Self::Jpeg,
            JPEG_LS_LOSSLESS | "1.2.840.10008.1.2.4.81" => Self::JpegLs,
            JPEG_2000_LOSSLESS | "1.2.840.10008.1.2.4.91" => Self::Jpeg2000,
            HTJ2K_LOSSLESS | HTJ2K_LOSSLESS_RPCL | "1.2.840.10008.1.2.4.203" => Self::HighThroughputJpeg2000,
            _ => return None,
        })
    }
}
