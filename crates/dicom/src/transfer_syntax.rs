//! Transfer syntaxes (DICOM PS3.5 §10 and Annex A): how a data set and its pixels are written as bytes.

pub use crate::registry::TRANSFER_SYNTAXES;
use serde::{Deserialize, Serialize};
use yingdun_model::Uid;

/// Implicit VR Little Endian, the default of DICOM.
pub const IMPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2";
/// Explicit VR Little Endian.
pub const EXPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
/// Encapsulated Uncompressed Explicit VR Little Endian: native frames in fragments, for objects over 4 GiB.
pub const ENCAPSULATED_UNCOMPRESSED: &str = "1.2.840.10008.1.2.1.98";
/// Deflated Explicit VR Little Endian: the whole data set in one raw deflate stream.
pub const DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1.99";
/// Explicit VR Big Endian (retired).
pub const EXPLICIT_VR_BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
/// The private syntax of old GE equipment: implicit little endian headers, big-endian pixels.
pub const GE_PRIVATE_IMPLICIT: &str = "1.2.840.113619.5.2";

/// How the data elements of a data set are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Little endian without value representations.
    ImplicitLe,
    /// Little endian with value representations.
    ExplicitLe,
    /// Big endian with value representations (retired).
    ExplicitBe,
    /// A raw deflate stream around explicit little endian.
    DeflatedExplicitLe,
}

/// What a transfer syntax means for reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TransferSyntax {
    /// How data elements are written.
    pub encoding: Encoding,
    /// Whether Pixel Data is a series of fragments (PS3.5 §A.4).
    pub encapsulated: bool,
    /// Whether the standard (or this file, by name) knows the syntax.
    pub known: bool,
}

/// What a UID stands for. An unknown syntax is kept as sent and read as every encapsulated syntax of the
/// standard is written, explicit little endian; the scanner checks that against the bytes.
#[must_use]
pub fn lookup(uid: &Uid) -> TransferSyntax {
    let plain = |encoding| TransferSyntax { encoding, encapsulated: false, known: true };
    match uid.as_str() {
        IMPLICIT_VR_LITTLE_ENDIAN | GE_PRIVATE_IMPLICIT => plain(Encoding::ImplicitLe),
        EXPLICIT_VR_LITTLE_ENDIAN => plain(Encoding::ExplicitLe),
        EXPLICIT_VR_BIG_ENDIAN => plain(Encoding::ExplicitBe),
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN | "1.2.840.10008.1.2.4.95" | "1.2.840.10008.1.2.4.205" => {
            plain(Encoding::DeflatedExplicitLe)
        }
        "1.2.840.10008.1.2.4.94" | "1.2.840.10008.1.2.4.204" => plain(Encoding::ExplicitLe),
        other => TransferSyntax {
            encoding: Encoding::ExplicitLe,
            encapsulated: true,
            known: name_of(other).is_some(),
        },
    }
}

/// The name of a transfer syntax of the standard, e.g. `RLE Lossless`.
#[must_use]
pub fn name_of(uid: &str) -> Option<&'static str> {
    TRANSFER_SYNTAXES.iter().find(|(of, _)| *of == uid).map(|(_, name)| *name)
}

/// The media type of one frame of pixel data in this syntax (PS3.18 Table 8.7.3-5);
/// `application/octet-stream` for native pixels.
#[must_use]
pub fn frame_media_type(uid: &Uid) -> &'static str {
    match uid.as_str() {
        "1.2.840.10008.1.2.4.50"
        | "1.2.840.10008.1.2.4.51"
        | "1.2.840.10008.1.2.4.57"
        | "1.2.840.10008.1.2.4.70" => "image/jpeg",
        "1.2.840.10008.1.2.5" => "image/dicom-rle",
        "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => "image/jls",
        "1.2.840.10008.1.2.4.90" | "1.2.840.10008.1.2.4.91" => "image/jp2",
        "1.2.840.10008.1.2.4.92" | "1.2.840.10008.1.2.4.93" => "image/jpx",
        "1.2.840.10008.1.2.4.110" | "1.2.840.10008.1.2.4.111" | "1.2.840.10008.1.2.4.112" => "image/jxl",
        "1.2.840.10008.1.2.4.201" | "1.2.840.10008.1.2.4.202" | "1.2.840.10008.1.2.4.203" => "image/jphc",
        "1.2.840.10008.1.2.4.100"
        | "1.2.840.10008.1.2.4.100.1"
        | "1.2.840.10008.1.2.4.101"
        | "1.2.840.10008.1.2.4.101.1" => "video/mpeg",
        "1.2.840.10008.1.2.4.107" | "1.2.840.10008.1.2.4.108" => "video/H265",
        mp4 if mp4.starts_with("1.2.840.10008.1.2.4.10") => "video/mp4",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uid: &str) -> TransferSyntax {
        lookup(&Uid::new(uid).unwrap())
    }

    #[test]
    fn the_standard_syntaxes_are_known_and_others_are_read_as_explicit_and_encapsulated() {
        assert_eq!(of(IMPLICIT_VR_LITTLE_ENDIAN).encoding, Encoding::ImplicitLe);
        assert!(!of(EXPLICIT_VR_LITTLE_ENDIAN).encapsulated);
        assert!(of("1.2.840.10008.1.2.4.70").encapsulated);
        assert!(of("1.2.840.10008.1.2.4.70").known);
        assert_eq!(of("1.2.840.10008.1.2.4.95").encoding, Encoding::DeflatedExplicitLe);
        let private = of("1.3.6.1.4.1.99999.1");
        assert!(!private.known && private.encapsulated && private.encoding == Encoding::ExplicitLe);
        assert!(TRANSFER_SYNTAXES.len() > 40);
        assert_eq!(name_of("1.2.840.10008.1.2.5"), Some("RLE Lossless"));
        assert_eq!(name_of("1.3.6.1.4.1.99999.1"), None);
    }
}
