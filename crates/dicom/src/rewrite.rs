//! From one of the two little-endian native transfer syntaxes to the other, for a receiver that takes only that one
//! (PS3.5 §A.1 and §A.2). The pixels are the same bytes in both and pass through; what stands before them is read and
//! written anew.
//!
//! What is kept is never changed by this: it is done on the way out, where the alternative is not to send.

use crate::data_set::{DataSet, Element, Value};
use crate::limits::Limits;
use crate::scan::{PixelExtent, PixelLayout, ScanError, Scanner};
use crate::tag::Tag;
use crate::transfer_syntax::{EXPLICIT_VR_LITTLE_ENDIAN, Encoding, IMPLICIT_VR_LITTLE_ENDIAN, lookup};
use crate::write;
use std::ops::Range;
use yingdun_model::Uid;

/// Longest part of a data set that is read and written anew, in bytes: all that is no pixels. Of real objects that is
/// some kilobytes; the largest are reports and radiotherapy structures.
pub const REWRITTEN_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Rewrites one data set, piece by piece.
pub struct Rewriter {
    to: Encoding,
    scanner: Scanner,
    /// Bytes that were taken.
    fed: u64,
    /// The pixels, once their header has been written.
    pixels: Option<Pixels>,
}

/// Where the pixels are in the data set that is read.
struct Pixels {
    tag: Tag,
    at: Range<u64>,
}

/// Why a data set cannot be rewritten.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError {
    /// It cannot be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// Too much of it is no pixels.
    #[error("more than {REWRITTEN_BYTES_MAX} bytes of the data set are no pixels")]
    TooLong,
    /// Its pixels are compressed, whatever its transfer syntax says.
    #[error("the pixels are fragments, which no native transfer syntax has")]
    Encapsulated,
}

impl Rewriter {
    /// From one transfer syntax to another; `None` if this cannot be done here.
    #[must_use]
    pub fn between(from: &Uid, to: &Uid) -> Option<Self> {
        let native = [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN];
        let fits = from != to && native.contains(&from.as_str()) && native.contains(&to.as_str());
        fits.then(|| Self {
            to: lookup(to).encoding,
            scanner: Scanner::new(lookup(from), limits()),
            fed: 0,
            pixels: None,
        })
    }

    /// The transfer syntax to which a data set in this one can be rewritten; `None` if there is none.
    #[must_use]
    pub fn other(from: &Uid) -> Option<Uid> {
        let other = match from.as_str() {
            EXPLICIT_VR_LITTLE_ENDIAN => IMPLICIT_VR_LITTLE_ENDIAN,
            IMPLICIT_VR_LITTLE_ENDIAN => EXPLICIT_VR_LITTLE_ENDIAN,
            _ => return None,
        };
        Uid::new(other).ok()
    }

    /// Takes the next bytes, and writes what can be written by now behind `out`.
    ///
    /// # Errors
    /// [`RewriteError`]; nothing of the data set can be used then.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        self.scanner.feed(bytes)?;
        let came = self.fed..self.fed + bytes.len() as u64;
        self.fed = came.end;
        if self.pixels.is_none() {
            self.pixels = self.write_head(out)?;
        }
        let pixel_bytes = self.pixels.as_ref().map_or(0, |pixels| pixels.at.end - pixels.at.start);
        if self.fed.saturating_sub(pixel_bytes) > REWRITTEN_BYTES_MAX as u64 {
            return Err(RewriteError::TooLong);
        }
        if let Some(Pixels { at, .. }) = &self.pixels {
            let within =
                |place: u64| usize::try_from(place.clamp(came.start, came.end) - came.start).unwrap_or(0);
            out.extend_from_slice(bytes.get(within(at.start)..within(at.end)).unwrap_or_default());
        }
        Ok(())
    }

    /// The data set is complete: writes what is left.
    ///
    /// # Errors
    /// [`RewriteError`]; in particular when the data set ends early.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let set = self.scanner.finish()?.data_set;
        let pixels = self.pixels.map(|pixels| pixels.tag);
        let left = match set.elements().iter().position(|element| Some(element.tag) == pixels) {
            Some(at) => set.elements().get(at + 1..),
            None => Some(set.elements()),
        };
        write_elements(left.unwrap_or_default(), self.to, out)
    }

    /// Writes what stands in front of the pixels, and their header, as soon as they have begun.
    fn write_head(&self, out: &mut Vec<u8>) -> Result<Option<Pixels>, RewriteError> {
        let Some(PixelLayout { tag, vr, offset, extent }) = self.scanner.pixels() else { return Ok(None) };
        let PixelExtent::Native { length } = extent else { return Err(RewriteError::Encapsulated) };
        let elements = self.scanner.data_set().elements();
        let at = elements.iter().position(|element| element.tag == *tag).unwrap_or(elements.len());
        write_elements(elements.get(..at).unwrap_or_default(), self.to, out)?;
        // INVARIANT: the length was read from a header of four bytes.
        write::element_header(*tag, *vr, u32::try_from(*length).ok(), self.to, out);
        Ok(Some(Pixels { tag: *tag, at: *offset..offset + length }))
    }
}

// === helpers ===

/// Everything is kept but the pixels, which are remembered by their place.
fn limits() -> Limits {
    Limits { value_bytes_max: REWRITTEN_BYTES_MAX, kept_bytes_max: REWRITTEN_BYTES_MAX, ..Limits::default() }
}

/// Group lengths would be wrong, and are left out (PS3.5 §7.2).
fn write_elements(elements: &[Element], to: Encoding, out: &mut Vec<u8>) -> Result<(), RewriteError> {
    if !elements.iter().all(|element| is_kept(&element.value)) {
        return Err(RewriteError::TooLong);
    }
    let kept: DataSet = elements.iter().filter(|element| !element.tag.is_group_length()).cloned().collect();
    out.extend(write::data_set(&kept, to));
    Ok(())
}

fn is_kept(value: &Value) -> bool {
    match value {
        Value::Bytes(_) => true,
        Value::Items(items) => {
            items.iter().flat_map(|item| item.elements()).all(|element| is_kept(&element.value))
        }
        Value::Extent { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::scan;
    use crate::synthetic::{Kind, Study};
    use crate::tag::tags;
    use crate::vr::Vr;
    use proptest::prelude::*;

    fn uid(text: &str) -> Uid {
        Uid::new(text).unwrap()
    }

    fn rewritten(bytes: &[u8], from: &str, to: &str, piece: usize) -> Result<Vec<u8>, RewriteError> {
        let mut rewriter = Rewriter::between(&uid(from), &uid(to)).unwrap();
        let mut out = Vec::new();
        for piece in bytes.chunks(piece) {
            rewriter.feed(piece, &mut out)?;
        }
        rewriter.finish(&mut out)?;
        Ok(out)
    }

    fn image() -> Vec<u8> {
        Study::new(5, Kind::Ct { slices: 1 }).instance(0).data_set
    }

    /// A data set without the places of its values.
    fn plain(bytes: &[u8], syntax: &str) -> Vec<u8> {
        let limits = Limits { value_bytes_max: 64 << 20, kept_bytes_max: 64 << 20, ..Limits::default() };
        let read = scan(bytes, lookup(&uid(syntax)), limits).unwrap();
        let pixels = read.pixels.unwrap();
        let PixelExtent::Native { length } = pixels.extent else { panic!("native") };
        let mut all = write::data_set(&read.data_set, Encoding::ExplicitLe);
        all.extend_from_slice(&bytes[pixels.offset as usize..(pixels.offset + length) as usize]);
        all
    }

    #[test]
    fn an_image_says_the_same_in_the_other_syntax_and_comes_back_as_it_was() {
        let explicit = image();
        let implicit =
            rewritten(&explicit, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, 4096).unwrap();
        assert_ne!(explicit, implicit);
        assert_eq!(plain(&explicit, EXPLICIT_VR_LITTLE_ENDIAN), plain(&implicit, IMPLICIT_VR_LITTLE_ENDIAN));
        let back = rewritten(&implicit, IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, 4096).unwrap();
        assert_eq!(back, explicit);
    }

    #[test]
    fn what_stands_behind_the_pixels_is_rewritten_too() {
        let mut set = DataSet::new();
        set.put_text(tags::PATIENT_ID, Vr::LO, "4711");
        set.put(tags::PIXEL_DATA, Vr::OW, Value::Bytes(vec![7; 100]));
        set.put(tags::DATA_SET_TRAILING_PADDING, Vr::OB, Value::Bytes(vec![0; 10]));
        let explicit = write::data_set(&set, Encoding::ExplicitLe);
        for piece in [1, 7, 1000] {
            let implicit =
                rewritten(&explicit, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, piece).unwrap();
            assert_eq!(implicit, write::data_set(&set, Encoding::ImplicitLe), "in pieces of {piece}");
        }
    }

    #[test]
    fn an_image_that_ends_early_is_an_error() {
        let explicit = image();
        for end in [explicit.len() - 1, explicit.len() / 2, 300, 3] {
            let cut = rewritten(&explicit[..end], EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, 512);
            assert!(cut.is_err(), "cut at {end}");
        }
    }

    #[test]
    fn more_than_the_bound_in_front_of_the_pixels_is_refused() {
        let mut set = DataSet::new();
        for number in 0..3 {
            let value = Value::Bytes(vec![0; REWRITTEN_BYTES_MAX / 2]);
            set.put(Tag(0x0009, 0x1000 + number), Vr::OB, value);
        }
        let explicit = write::data_set(&set, Encoding::ExplicitLe);
        let refused = rewritten(&explicit, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, 1 << 20);
        assert_eq!(refused, Err(RewriteError::TooLong));
    }

    #[test]
    fn only_the_two_native_little_endian_syntaxes_are_rewritten() {
        let jpeg = uid("1.2.840.10008.1.2.4.50");
        let explicit = uid(EXPLICIT_VR_LITTLE_ENDIAN);
        assert!(Rewriter::between(&jpeg, &explicit).is_none());
        assert!(Rewriter::between(&explicit, &explicit).is_none());
        assert_eq!(Rewriter::other(&jpeg), None);
        assert_eq!(Rewriter::other(&explicit).unwrap().as_str(), IMPLICIT_VR_LITTLE_ENDIAN);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn pieces_of_any_size_make_the_same_data_set(piece in 1_usize..5000) {
            let explicit = image();
            let whole = rewritten(&explicit, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, usize::MAX).unwrap();
            let pieces = rewritten(&explicit, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, piece).unwrap();
            prop_assert_eq!(pieces, whole);
        }

        #[test]
        fn any_bytes_are_rewritten_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), piece in 1_usize..50) {
            let _ = rewritten(&bytes, IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, piece);
        }
    }
}
