//! From one transfer syntax to another, frame by frame: frame in, frame out, and what changes in the data set (PS3.5 §8.2,
//! §A.4). Nothing but one frame is in memory.
//!
//! ```text
//!  Transcoder::new ─► frame(first) ─► head(first) ─► item(first) ─► frame(n) ─► item(n) … ─► tail()
//! ```
//!
//! For a deflated transfer syntax this gives what is to be deflated ([`yingdun_dicom::write::Deflater`]).
//!
//! Frames are written one to a fragment behind an empty Basic Offset Table, which needs no look ahead; an Extended Offset
//! Table of the source is left out, because it counts bytes that are no longer there. The SOP Instance UID stays: who
//! makes a new instance of a lossy picture gives it one.

use crate::coding::{self, Coding};
use crate::decode::decode;
use crate::error::PixelError;
use crate::image::{ImageAttributes, Photometric, Picture};
use crate::{jpeg, jpeg_2000, jpeg_ls, rle};
use yingdun_dicom::charset::CharacterSets;
use yingdun_dicom::data_set::{DataSet, Element, Value};
use yingdun_dicom::transfer_syntax::{
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, Encoding,
    IMPLICIT_VR_LITTLE_ENDIAN,
};
use yingdun_dicom::{Tag, Vr, tags, write};
use yingdun_model::Uid;

/// Transfer syntaxes that frames can be written in, best first for who has a choice: exact and small before exact and
/// plain before lossy.
pub const TARGETS: &[&str] = &[
    coding::JPEG_LS_LOSSLESS,
    coding::JPEG_2000_LOSSLESS,
    coding::HTJ2K_LOSSLESS,
    coding::HTJ2K_LOSSLESS_RPCL,
    coding::JPEG_LOSSLESS,
    coding::RLE_LOSSLESS,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    coding::JPEG_BASELINE,
];

/// Quality of lossy pictures on the usual scale from 1 to 100: differences from the original are not seen.
pub const LOSSY_QUALITY: u8 = 90;

/// What frames are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Native(Encoding),
    Rle,
    JpegBaseline,
    JpegLossless,
    JpegLs,
    Jpeg2000,
    HighThroughputJpeg2000,
}

impl Target {
    fn of(syntax: &Uid) -> Option<Self> {
        Some(match syntax.as_str() {
            IMPLICIT_VR_LITTLE_ENDIAN => Self::Native(Encoding::ImplicitLe),
            // What is deflated is explicit little endian; who has all of it deflates it.
            EXPLICIT_VR_LITTLE_ENDIAN | DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN => {
                Self::Native(Encoding::ExplicitLe)
            }
            EXPLICIT_VR_BIG_ENDIAN => Self::Native(Encoding::ExplicitBe),
            coding::RLE_LOSSLESS => Self::Rle,
            coding::JPEG_BASELINE => Self::JpegBaseline,
            coding::JPEG_LOSSLESS => Self::JpegLossless,
            coding::JPEG_LS_LOSSLESS => Self::JpegLs,
            coding::JPEG_2000_LOSSLESS => Self::Jpeg2000,
            coding::HTJ2K_LOSSLESS | coding::HTJ2K_LOSSLESS_RPCL => Self::HighThroughputJpeg2000,
            _ => return None,
        })
    }

    const fn encoding(self) -> Encoding {
        match self {
            Self::Native(encoding) => encoding,
            _ => Encoding::ExplicitLe,
        }
    }
}

/// A frame in its new form.
#[derive(Clone, PartialEq, Eq)]
pub struct CodedFrame {
    /// The frame, without item header and padding.
    pub bytes: Vec<u8>,
    /// How it is written.
    pub attributes: ImageAttributes,
}

/// Writes the frames of one instance anew.
#[derive(Clone)]
pub struct Transcoder {
    from: Coding,
    declared: ImageAttributes,
    to: Target,
    frames: u32,
    before: DataSet,
    after: DataSet,
}

impl Transcoder {
    /// Prepares for an instance in the transfer syntax `from`, whose Pixel Data has the value representation
    /// `pixel_data`. `set` are all of its elements; Pixel Data itself is not looked at.
    ///
    /// # Errors
    /// [`PixelError::Unsupported`] for a transfer syntax that is not read or written here, and for an element whose value was
    /// not kept; others as [`ImageAttributes::of`].
    pub fn new(from: &Uid, pixel_data: Vr, set: &DataSet, to: &Uid) -> Result<Self, PixelError> {
        let unread = PixelError::Unsupported { what: "reading this transfer syntax" };
        let unwritten = PixelError::Unsupported { what: "writing this transfer syntax" };
        let part = |belongs: fn(Tag) -> bool| -> DataSet {
            set.elements().iter().filter(|element| belongs(element.tag)).cloned().collect()
        };
        let is_offset_table =
            |tag| tag == tags::EXTENDED_OFFSET_TABLE || tag == tags::EXTENDED_OFFSET_TABLE_LENGTHS;
        let before: DataSet = part(|tag| tag < tags::PIXEL_DATA)
            .elements()
            .iter()
            .filter(|e| !is_offset_table(e.tag))
            .cloned()
            .collect();
        let after = part(|tag| tag > tags::PIXEL_DATA && tag != tags::DATA_SET_TRAILING_PADDING);
        if !before.elements().iter().chain(after.elements()).all(is_kept) {
            return Err(PixelError::Unsupported {
                what: "a data set with a value that is too long to be kept",
            });
        }
        Ok(Self {
            from: Coding::of(from, pixel_data).ok_or(unread)?,
            declared: ImageAttributes::of(set)?,
            to: Target::of(to).ok_or(unwritten)?,
            frames: set.u32(tags::NUMBER_OF_FRAMES).unwrap_or(1).max(1),
            before,
            after,
        })
    }

    /// Writes a frame anew. `frame` is as for [`decode`].
    ///
    /// # Errors
    /// [`PixelError`]: the frame is damaged, or its samples do not fit the new form.
    pub fn frame(&self, frame: &[u8]) -> Result<CodedFrame, PixelError> {
        let picture = decode(self.from, &self.declared, frame)?;
        let exact = ImageAttributes { high_bit: picture.attributes.bits_stored - 1, ..picture.attributes };
        let (bytes, attributes) = match self.to {
            Target::Native(_) if self.declared.bits_allocated == 1 => self.bits(&picture)?,
            Target::Native(encoding) => {
                let Picture { attributes, mut bytes } = picture;
                if encoding == Encoding::ExplicitBe {
                    bytes.chunks_exact_mut(attributes.sample_bytes()).for_each(<[u8]>::reverse);
                }
                (bytes, attributes)
            }
            Target::Rle => (rle::encode(&picture)?, picture.attributes),
            Target::JpegLossless => (jpeg::encode_lossless(&picture)?, exact),
            Target::JpegLs => (jpeg_ls::encode(&picture)?, exact),
            Target::Jpeg2000 => (jpeg_2000::encode(&picture)?, transformed(exact)),
            Target::HighThroughputJpeg2000 => {
                (jpeg_2000::encode_high_throughput(&picture)?, transformed(exact))
            }
            Target::JpegBaseline => {
                let photometric = match exact.photometric {
                    Photometric::Rgb | Photometric::YbrFull => Photometric::YbrFull422,
                    same => same,
                };
                (jpeg::encode_baseline(&picture, LOSSY_QUALITY)?, ImageAttributes { photometric, ..exact })
            }
        };
        Ok(CodedFrame { bytes, attributes })
    }

    /// Everything up to the first frame: the elements before Pixel Data, of which some follow the new form, and its
    /// header.
    ///
    /// # Errors
    /// [`PixelError::TooLarge`] for native pixel data of 4 GiB and more.
    pub fn head(&self, first: &CodedFrame) -> Result<Vec<u8>, PixelError> {
        let encoding = self.to.encoding();
        let mut set = self.before.clone();
        first.attributes.put(&mut set);
        if self.to == Target::JpegBaseline {
            self.note_loss(&mut set, first);
        }
        let mut out = write::data_set(&set, encoding);
        match self.to {
            Target::Native(encoding) => {
                let bytes = first.bytes.len() as u64 * u64::from(self.frames);
                let length =
                    u32::try_from(bytes.next_multiple_of(2)).ok().filter(|length| *length != u32::MAX);
                let max = u64::from(u32::MAX - 1);
                let length = length.ok_or(PixelError::TooLarge { bytes, max })?;
                let in_words = first.attributes.bits_allocated > 8 || encoding == Encoding::ImplicitLe;
                let vr = if in_words { Vr::OW } else { Vr::OB };
                write::element_header(tags::PIXEL_DATA, vr, Some(length), encoding, &mut out);
            }
            _ => {
                write::element_header(tags::PIXEL_DATA, Vr::OB, None, encoding, &mut out);
                write::element_header(tags::ITEM, Vr::UN, Some(0), encoding, &mut out);
            }
        }
        Ok(out)
    }

    /// A frame as it stands in Pixel Data.
    #[must_use]
    pub fn item(&self, frame: CodedFrame) -> Vec<u8> {
        match self.to {
            Target::Native(_) => frame.bytes,
            _ => {
                let padded = frame.bytes.len().next_multiple_of(2);
                let mut out = Vec::with_capacity(padded + 8);
                let length = u32::try_from(padded).unwrap_or(u32::MAX);
                write::element_header(tags::ITEM, Vr::UN, Some(length), Encoding::ExplicitLe, &mut out);
                out.extend_from_slice(&frame.bytes);
                out.resize(padded + 8, 0);
                out
            }
        }
    }

    /// Everything behind the last frame.
    #[must_use]
    pub fn tail(&self, first: &CodedFrame) -> Vec<u8> {
        let encoding = self.to.encoding();
        let mut out = Vec::new();
        match self.to {
            Target::Native(_) => {
                let bytes = first.bytes.len() as u64 * u64::from(self.frames);
                out.resize(usize::from(bytes % 2 == 1), 0);
            }
            _ => {
                write::element_header(tags::SEQUENCE_DELIMITATION, Vr::UN, Some(0), encoding, &mut out);
            }
        }
        out.extend_from_slice(&write::data_set(&self.after, encoding));
        out
    }

    /// Number of frames.
    #[must_use]
    pub const fn frames(&self) -> u32 {
        self.frames
    }

    /// One bit for each pixel again.
    fn bits(&self, picture: &Picture) -> Result<(Vec<u8>, ImageAttributes), PixelError> {
        if self.frames > 1 && !picture.attributes.pixels().is_multiple_of(8) {
            return Err(PixelError::Unsupported { what: "native 1-bit frames that share a byte" });
        }
        let eight = |bits: &[u8]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit & 1);
        Ok((picture.bytes.chunks(8).map(eight).collect(), ImageAttributes { planar: false, ..self.declared }))
    }

    /// Says that the picture lost something, how and how much of its bytes (PS3.3 §C.7.6.1.1.5).
    fn note_loss(&self, set: &mut DataSet, first: &CodedFrame) {
        let sets = CharacterSets::default();
        let appended = |set: &DataSet, tag, value: &str| match set.text(tag, &sets) {
            Some(before) if !before.is_empty() => format!("{before}\\{value}"),
            _ => value.to_owned(),
        };
        #[allow(clippy::cast_precision_loss)] // a ratio
        let ratio = self.declared.decoded_bytes() as f64 / first.bytes.len().max(1) as f64;
        let ratios = appended(set, tags::LOSSY_IMAGE_COMPRESSION_RATIO, &format!("{ratio:.2}"));
        let methods = appended(set, tags::LOSSY_IMAGE_COMPRESSION_METHOD, "ISO_10918_1");
        set.put_text(tags::LOSSY_IMAGE_COMPRESSION, Vr::CS, "01");
        set.put_text(tags::LOSSY_IMAGE_COMPRESSION_RATIO, Vr::DS, &ratios);
        set.put_text(tags::LOSSY_IMAGE_COMPRESSION_METHOD, Vr::CS, &methods);
    }
}

/// Writes a data set without pixels anew; for a deflated transfer syntax what is to be deflated.
///
/// # Errors
/// [`PixelError::Unsupported`] for a transfer syntax of compressed pixels, and for an element
/// whose value was not kept.
pub fn without_pixels(set: &DataSet, to: &Uid) -> Result<Vec<u8>, PixelError> {
    let Some(Target::Native(encoding)) = Target::of(to) else {
        return Err(PixelError::Unsupported { what: "an object without pixels in this transfer syntax" });
    };
    if !set.elements().iter().all(is_kept) {
        return Err(PixelError::Unsupported { what: "a data set with a value that is too long to be kept" });
    }
    Ok(write::data_set(set, encoding))
}

impl std::fmt::Debug for Transcoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Transcoder({:?} to {:?}, {} frames)", self.from, self.to, self.frames)
    }
}

impl std::fmt::Debug for CodedFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CodedFrame({:?}, {} bytes)", self.attributes, self.bytes.len())
    }
}

// === helpers ===

/// What red, green and blue become in JPEG 2000 (PS3.3 §C.7.6.3.1.2).
fn transformed(exact: ImageAttributes) -> ImageAttributes {
    let photometric = match exact.photometric {
        Photometric::Rgb => Photometric::YbrRct,
        same => same,
    };
    ImageAttributes { photometric, ..exact }
}

/// Whether everything in an element is there.
fn is_kept(element: &Element) -> bool {
    match &element.value {
        Value::Bytes(_) => true,
        Value::Items(items) => items.iter().flat_map(DataSet::elements).all(is_kept),
        Value::Extent { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{colour, grey, noise};
    use yingdun_dicom::frames::{FrameTable, ImageShape};
    use yingdun_dicom::limits::Limits;
    use yingdun_dicom::scan::{Scanned, scan};
    use yingdun_dicom::transfer_syntax;

    fn uid(text: &str) -> Uid {
        Uid::new(text).unwrap()
    }

    fn described(attributes: &ImageAttributes, frames: u32) -> DataSet {
        let mut set = DataSet::new();
        set.put_text(tags::SOP_INSTANCE_UID, Vr::UI, "1.2.3");
        set.put_text(tags::NUMBER_OF_FRAMES, Vr::IS, &frames.to_string());
        set.put_bytes(tags::EXTENDED_OFFSET_TABLE, Vr::OV, vec![0; 8]);
        attributes.put(&mut set);
        set
    }

    /// Transcodes pictures and reads the result.
    fn transcoded(pictures: &[Picture], to: &str) -> (Scanned, Vec<Vec<u8>>) {
        let attributes = pictures[0].attributes;
        let set = described(&attributes, u32::try_from(pictures.len()).unwrap());
        let transcoder = Transcoder::new(&uid(EXPLICIT_VR_LITTLE_ENDIAN), Vr::OW, &set, &uid(to)).unwrap();
        let frames: Vec<CodedFrame> =
            pictures.iter().map(|picture| transcoder.frame(&picture.bytes).unwrap()).collect();
        let mut out = transcoder.head(&frames[0]).unwrap();
        frames.iter().for_each(|frame| out.extend(transcoder.item(frame.clone())));
        out.extend(transcoder.tail(&frames[0]));
        let syntax = match transfer_syntax::lookup(&uid(to)) {
            // The archive deflates.
            deflated if deflated.encoding == Encoding::DeflatedExplicitLe => {
                transfer_syntax::lookup(&uid(EXPLICIT_VR_LITTLE_ENDIAN))
            }
            other => other,
        };
        let scanned = scan(&out, syntax, Limits::default()).unwrap();
        let shape = ImageShape::of(&scanned.data_set);
        let table = FrameTable::build(scanned.pixels.as_ref().unwrap(), shape).unwrap();
        let frame = |number| {
            let parts = table.frame(number).unwrap().parts;
            let range = |part: &std::ops::Range<u64>| part.start as usize..part.end as usize;
            parts.iter().flat_map(|part| out[range(part)].to_vec()).collect()
        };
        let frames = (1..=table.frames()).map(frame).collect();
        (scanned, frames)
    }

    #[test]
    fn every_exact_target_gives_the_samples_back() {
        let odd = ImageAttributes { rows: 5, columns: 7, ..grey(8, 8) };
        let wide = ImageAttributes { rows: 5, columns: 7, signed: true, ..grey(16, 12) };
        for attributes in [odd, wide, colour(3, 5)] {
            let pictures: Vec<Picture> = (1..4).map(|seed| noise(attributes, seed, false)).collect();
            for to in TARGETS.iter().filter(|to| **to != coding::JPEG_BASELINE) {
                let (scanned, frames) = transcoded(&pictures, to);
                let after = ImageAttributes::of(&scanned.data_set).unwrap();
                let photometric = match attributes.photometric {
                    Photometric::Rgb
                        if [
                            coding::JPEG_2000_LOSSLESS,
                            coding::HTJ2K_LOSSLESS,
                            coding::HTJ2K_LOSSLESS_RPCL,
                        ]
                        .contains(to) =>
                    {
                        Photometric::YbrRct
                    }
                    same => same,
                };
                assert_eq!(after, ImageAttributes { photometric, ..attributes }, "{to}");
                assert_eq!(scanned.data_set.get(tags::EXTENDED_OFFSET_TABLE), None);
                let of =
                    if *to == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN { EXPLICIT_VR_LITTLE_ENDIAN } else { *to };
                let coding = Coding::of(&uid(of), scanned.pixels.unwrap().vr).unwrap();
                for (frame, picture) in frames.iter().zip(&pictures) {
                    assert_eq!(decode(coding, &after, frame).unwrap(), *picture, "{to}");
                }
            }
        }
    }

    #[test]
    fn what_was_lost_is_said() {
        let picture = noise(ImageAttributes { rows: 40, columns: 40, ..colour(1, 1) }, 3, true);
        let (scanned, _) = transcoded(&[picture], coding::JPEG_BASELINE);
        let text = |tag| scanned.data_set.text(tag, &CharacterSets::default()).unwrap();
        assert_eq!(text(tags::PHOTOMETRIC_INTERPRETATION), "YBR_FULL_422");
        assert_eq!(text(tags::LOSSY_IMAGE_COMPRESSION), "01");
        assert_eq!(text(tags::LOSSY_IMAGE_COMPRESSION_METHOD), "ISO_10918_1");
        assert!(text(tags::LOSSY_IMAGE_COMPRESSION_RATIO).parse::<f64>().unwrap() > 1.0);
    }

    #[test]
    fn bits_stay_bits() {
        let attributes = ImageAttributes { rows: 3, columns: 5, ..grey(1, 1) };
        let set = described(&attributes, 1);
        let native = uid(EXPLICIT_VR_LITTLE_ENDIAN);
        let transcoder = Transcoder::new(&native, Vr::OB, &set, &uid(IMPLICIT_VR_LITTLE_ENDIAN)).unwrap();
        assert_eq!(transcoder.frame(&[0b1010_0110, 0b0110_0001]).unwrap().bytes, [0b1010_0110, 0b0110_0001]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let native = uid(EXPLICIT_VR_LITTLE_ENDIAN);
        let wide = grey(16, 12);
        let set = described(&wide, 1);
        let baseline = Transcoder::new(&native, Vr::OW, &set, &uid(coding::JPEG_BASELINE)).unwrap();
        assert!(matches!(baseline.frame(&[0; 12]), Err(PixelError::Unsupported { .. })));
        assert!(Transcoder::new(&native, Vr::OW, &set, &uid("1.2.840.10008.1.2.4.100")).is_err());
        let mut long = set.clone();
        long.put(tags::LUT_DATA, Vr::OW, Value::Extent { length: 1 << 20, encapsulated: false });
        assert!(Transcoder::new(&native, Vr::OW, &long, &native).is_err());
    }
}
