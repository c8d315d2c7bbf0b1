//! JPEG-LS (ISO/IEC 14495-1): lossless and near-lossless, of 2 to 16 bits, in every kind of interleaving.

mod bits;
mod model;

use crate::coded::Coded;
use crate::error::PixelError;
use crate::image::{ImageAttributes, Picture};
use bits::{Channel, Reader, RunIndex, Writer};
use model::{Model, Parameters};

const FORMAT: &str = "JPEG-LS";

const TRUNCATED: PixelError = PixelError::Truncated { format: FORMAT };

/// How the components of a scan follow each other: ILV.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Interleave {
    None,
    Line,
    Sample,
}

/// Decodes a frame.
pub(crate) fn decode(declared: &ImageAttributes, bytes: &[u8]) -> Result<Coded, PixelError> {
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8]).ok_or(malformed("it does not begin with SOI"))?;
    let mut decoder = Decoder { declared, preset: None, frame: None, read: Vec::new(), values: Vec::new() };
    while decoder.frame.is_none() || decoder.read.contains(&false) {
        let (marker, behind) = next_marker(rest)?;
        if matches!(marker, 0x01 | 0xd0..=0xd9) {
            return Err(TRUNCATED);
        }
        let (length, _) = behind.split_first_chunk().ok_or(TRUNCATED)?;
        let (segment, behind) =
            behind.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(TRUNCATED)?;
        let segment = segment.get(2..).ok_or(malformed("a segment is shorter than its length"))?;
        rest = match marker {
            0xda => decoder.scan(segment, behind)?,
            _ => {
                decoder.segment(marker, segment)?;
                behind
            }
        };
    }
    let precision = decoder.frame.as_ref().map_or(0, |frame| frame.precision);
    let ImageAttributes { rows, columns, samples: components, .. } = *declared;
    Ok(Coded { rows, columns, components, precision, values: decoder.values })
}

/// Encodes a picture of up to 16 bits without loss. Samples of several components are interleaved pixel by pixel.
///
/// # Errors
/// [`PixelError::Unsupported`] for cells of more than 16 bits.
#[allow(clippy::cast_possible_truncation)] // sizes were checked
pub fn encode(picture: &Picture) -> Result<Vec<u8>, PixelError> {
    let ImageAttributes { rows, columns, samples, bits_allocated, bits_stored, .. } = picture.attributes;
    if ![8, 16].contains(&bits_allocated) {
        return Err(PixelError::Unsupported { what: "JPEG-LS of more than 16 bits" });
    }
    let precision = bits_stored.max(2);
    let mask = (1_i64 << precision) - 1;
    let mut values = Vec::with_capacity(picture.attributes.frame_samples());
    #[allow(clippy::cast_sign_loss)] // the low bits are meant
    picture.for_each_sample(|value| values.push((value & mask) as u16));

    let mut out = vec![0xff, 0xd8, 0xff, 0xf7];
    out.extend_from_slice(&(8 + 3 * samples as u16).to_be_bytes());
    out.push(precision as u8);
    out.extend_from_slice(&(rows as u16).to_be_bytes());
    out.extend_from_slice(&(columns as u16).to_be_bytes());
    out.push(samples as u8);
    (1..=samples as u8).for_each(|component| out.extend_from_slice(&[component, 0x11, 0]));
    out.extend_from_slice(&[0xff, 0xda]);
    out.extend_from_slice(&(6 + 2 * samples as u16).to_be_bytes());
    out.push(samples as u8);
    (1..=samples as u8).for_each(|component| out.extend_from_slice(&[component, 0]));
    let interleave = if samples == 1 { 0 } else { 2 };
    out.extend_from_slice(&[0, interleave, 0]);

    let mut writer = Writer::new(out);
    let mut model = Model::new(Parameters::defaults((1 << precision) - 1, 0));
    let columns = columns as usize;
    match samples {
        1 => pixels::<1, _>(&mut model, &mut writer, &mut values, columns)?,
        3 => pixels::<3, _>(&mut model, &mut writer, &mut values, columns)?,
        _ => return Err(PixelError::Unsupported { what: "JPEG-LS of so many samples per pixel" }),
    }
    let mut out = writer.finish();
    out.extend_from_slice(&[0xff, 0xd9]);
    Ok(out)
}

struct FrameHeader {
    precision: u32,
    /// Identifiers of the components.
    components: Vec<u8>,
}

struct Decoder<'d> {
    declared: &'d ImageAttributes,
    /// MAXVAL, T1, T2, T3, RESET; 0 stands for the default.
    preset: Option<[u16; 5]>,
    frame: Option<FrameHeader>,
    /// Which components have been read.
    read: Vec<bool>,
    values: Vec<u16>,
}

impl Decoder<'_> {
    fn segment(&mut self, marker: u8, segment: &[u8]) -> Result<(), PixelError> {
        match (marker, segment) {
            (0xf7, _) => self.start_frame(segment),
            // LSE with preset parameters.
            (0xf8, [1, rest @ ..]) => {
                let words = rest.as_chunks::<2>().0.first_chunk::<5>().ok_or(TRUNCATED)?;
                self.preset = Some(words.map(u16::from_be_bytes));
                Ok(())
            }
            (0xf8, _) => Err(PixelError::Unsupported { what: "JPEG-LS with tables or sizes beyond 65,535" }),
            // A private colour transform of one vendor.
            (0xe8, [b'm', b'r', b'f', b'x', transform, ..]) if *transform != 0 => {
                Err(PixelError::Unsupported {
                    what: "JPEG-LS with a colour transform, which DICOM does not have",
                })
            }
            (0xdd, [0, 0, ..]) => Ok(()),
            (0xdd, _) => Err(PixelError::Unsupported { what: "JPEG-LS with restart markers" }),
            (0xc0..=0xcf, _) => Err(malformed("it is another kind of JPEG")),
            // APPn, COM and what is reserved say nothing about samples.
            _ => Ok(()),
        }
    }

    fn start_frame(&mut self, segment: &[u8]) -> Result<(), PixelError> {
        if self.frame.is_some() {
            return Err(malformed("there are two frames"));
        }
        let (&[precision, r0, r1, c0, c1, count], rest) = segment.split_first_chunk().ok_or(TRUNCATED)?;
        let rows = u32::from(u16::from_be_bytes([r0, r1]));
        let columns = u32::from(u16::from_be_bytes([c0, c1]));
        Coded::check_shape(self.declared, FORMAT, [rows, columns, u32::from(count)])?;
        let precision = u32::from(precision);
        if !(2..=16).contains(&precision) {
            return Err(malformed("the precision is not between 2 and 16"));
        }
        let (places, _) = rest.as_chunks::<3>();
        let components: Vec<u8> = places.iter().take(usize::from(count)).map(|place| place[0]).collect();
        if components.len() != usize::from(count) {
            return Err(TRUNCATED);
        }
        if places.iter().take(usize::from(count)).any(|[_, sampling, _]| *sampling != 0x11) {
            return Err(PixelError::Unsupported { what: "JPEG-LS with shared samples" });
        }
        self.read = vec![false; components.len()];
        self.values = vec![0; self.declared.frame_samples()];
        self.frame = Some(FrameHeader { precision, components });
        Ok(())
    }

    fn scan<'a>(&mut self, segment: &[u8], behind: &'a [u8]) -> Result<&'a [u8], PixelError> {
        let frame = self.frame.as_ref().ok_or(malformed("a scan comes before its frame"))?;
        let (count, rest) = segment.split_first().ok_or(TRUNCATED)?;
        let (places, rest) = rest.split_at_checked(2 * usize::from(*count)).ok_or(TRUNCATED)?;
        let &[near, interleave, transform] = rest.first_chunk::<3>().ok_or(TRUNCATED)?;
        if transform != 0 {
            return Err(PixelError::Unsupported { what: "JPEG-LS with a point transform" });
        }
        let interleave = match (interleave, *count) {
            (0, 1) | (_, 1) => Interleave::None,
            (1, _) => Interleave::Line,
            (2, _) => Interleave::Sample,
            _ => return Err(malformed("the components of a scan are interleaved in no known way")),
        };
        let mut components = Vec::new();
        for [id, mapping] in places.as_chunks::<2>().0 {
            let place = frame.components.iter().position(|component| component == id);
            let place = place.ok_or(malformed("a scan names a component that the frame does not have"))?;
            if *mapping != 0 {
                return Err(PixelError::Unsupported { what: "JPEG-LS with tables" });
            }
            if std::mem::replace(self.read.get_mut(place).ok_or(TRUNCATED)?, true) {
                return Err(malformed("a component comes twice"));
            }
            components.push(place);
        }
        let in_order = components.iter().enumerate().all(|(index, place)| index == *place);
        let parameters = self.parameters(frame.precision, i32::from(near))?;
        let columns = self.declared.columns as usize;
        let (coded, behind) = until_marker(behind);
        let mut reader = Reader::new(coded);
        let mut model = Model::new(parameters);
        let all = frame.components.len();
        let (reader, model) = (&mut reader, &mut model);
        match (interleave, components.as_slice()) {
            (Interleave::None, [_]) if all == 1 => pixels::<1, _>(model, reader, &mut self.values, columns)?,
            (Interleave::Sample, _) if in_order && all == 3 && components.len() == 3 => {
                pixels::<3, _>(model, reader, &mut self.values, columns)?;
            }
            (Interleave::Sample, _) => {
                return Err(PixelError::Unsupported {
                    what: "JPEG-LS with samples interleaved in another way",
                });
            }
            (Interleave::None | Interleave::Line, places) => {
                lines(model, reader, &mut self.values, columns, all, places)?;
            }
        }
        Ok(behind)
    }

    /// What the scan is coded with: defaults where nothing is preset.
    fn parameters(&self, precision: u32, near: i32) -> Result<Parameters, PixelError> {
        let preset = self.preset.unwrap_or_default();
        let [highest, t1, t2, t3, reset] = preset.map(i32::from);
        let highest_of_precision = (1 << precision) - 1;
        if highest > highest_of_precision {
            return Err(malformed("the highest sample is beyond the precision"));
        }
        let highest = if highest == 0 { highest_of_precision } else { highest };
        let mut parameters = Parameters::defaults(highest, near);
        for (threshold, preset) in parameters.thresholds.iter_mut().zip([t1, t2, t3]) {
            if preset != 0 {
                *threshold = preset;
            }
        }
        if reset != 0 {
            parameters.reset = i64::from(reset);
        }
        let illegal = malformed("the parameters of a scan are not what the standard allows");
        if parameters.are_legal() { Ok(parameters) } else { Err(illegal) }
    }
}

// === helpers ===

const fn malformed(what: &'static str) -> PixelError {
    PixelError::malformed(FORMAT, what)
}

/// The next marker, behind any number of fill bytes, and what follows it.
fn next_marker(bytes: &[u8]) -> Result<(u8, &[u8]), PixelError> {
    let mut rest = bytes.strip_prefix(&[0xff]).ok_or(malformed("a marker is missing"))?;
    while let [0xff, behind @ ..] = rest {
        rest = behind;
    }
    rest.split_first().map(|(marker, behind)| (*marker, behind)).ok_or(TRUNCATED)
}

/// The coded bytes of a scan, and what follows them, from its marker on.
fn until_marker(bytes: &[u8]) -> (&[u8], &[u8]) {
    let is_marker = |at: &usize| bytes.get(at + 1).is_some_and(|byte| *byte >= 0x80);
    let end = memchr::memchr_iter(0xff, bytes).find(is_marker).unwrap_or(bytes.len());
    bytes.split_at_checked(end).unwrap_or((bytes, &[]))
}

/// Refuses a scan that ended before its last row. Writers never do.
trait Ends {
    fn check_end(&self) -> Result<(), PixelError>;
}

impl Ends for Reader<'_> {
    fn check_end(&self) -> Result<(), PixelError> {
        if self.is_past_end() { Err(TRUNCATED) } else { Ok(()) }
    }
}

impl Ends for Writer {
    fn check_end(&self) -> Result<(), PixelError> {
        Ok(())
    }
}

/// Two rows with one pixel more at either end: the one before, and the one that is coded.
struct Rows<const N: usize> {
    above: Vec<[i32; N]>,
    row: Vec<[i32; N]>,
    index: RunIndex,
}

impl<const N: usize> Rows<N> {
    fn new(columns: usize) -> Self {
        Self { above: vec![[0; N]; columns + 2], row: vec![[0; N]; columns + 2], index: RunIndex::default() }
    }

    /// Codes the row: what lies left of it is above its first pixel, and right of the one above the same as its last
    /// (§A.2.1).
    fn code<C: Channel + Ends>(&mut self, model: &mut Model, channel: &mut C) -> Result<(), PixelError> {
        let columns = self.row.len() - 2;
        let last = self.above.get(columns).copied().unwrap_or([0; N]);
        if let Some(right) = self.above.last_mut() {
            *right = last;
        }
        let first = self.above.get(1).copied().unwrap_or([0; N]);
        if let Some(left) = self.row.first_mut() {
            *left = first;
        }
        model.row(channel, &self.above, &mut self.row, &mut self.index)?;
        channel.check_end()
    }

    /// The pixels of the row.
    fn pixels(&mut self) -> &mut [[i32; N]] {
        let columns = self.row.len() - 2;
        self.row.get_mut(1..=columns).unwrap_or_default()
    }

    fn next(&mut self) {
        std::mem::swap(&mut self.above, &mut self.row);
    }
}

/// Codes all samples of pixels together.
fn pixels<const N: usize, C: Channel + Ends>(
    model: &mut Model,
    channel: &mut C,
    values: &mut [u16],
    columns: usize,
) -> Result<(), PixelError> {
    let mut rows = Rows::<N>::new(columns);
    for line in values.as_chunks_mut::<N>().0.chunks_exact_mut(columns) {
        if C::WRITES {
            for (pixel, value) in rows.pixels().iter_mut().zip(line.iter()) {
                *pixel = value.map(i32::from);
            }
        }
        rows.code(model, channel)?;
        for (value, pixel) in line.iter_mut().zip(rows.pixels()) {
            *value = pixel.map(narrow);
        }
        rows.next();
    }
    Ok(())
}

/// Reads some components row by row, or a single one, into their places among `all`.
fn lines(
    model: &mut Model,
    reader: &mut Reader<'_>,
    values: &mut [u16],
    columns: usize,
    all: usize,
    places: &[usize],
) -> Result<(), PixelError> {
    let mut components: Vec<(usize, Rows<1>)> =
        places.iter().map(|place| (*place, Rows::new(columns))).collect();
    for line in values.chunks_exact_mut(columns * all) {
        for (place, rows) in &mut components {
            rows.code(model, reader)?;
            for (pixel, [sample]) in line.chunks_exact_mut(all).zip(rows.pixels()) {
                if let Some(value) = pixel.get_mut(*place) {
                    *value = narrow(*sample);
                }
            }
            rows.next();
        }
    }
    Ok(())
}

/// Samples are between 0 and 65,535.
fn narrow(sample: i32) -> u16 {
    u16::try_from(sample).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coding::Coding;
    use crate::testing::{Damage, assert_same_samples, grey, noise, pictures};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(picture in pictures()) {
            let coded = encode(&picture).unwrap();
            // One bit is written as two.
            assert_same_samples(&crate::decode(Coding::JpegLs, &picture.attributes, &coded).unwrap(), &picture);
        }

        #[test]
        fn cut_or_changed_bytes_are_an_error_or_a_picture(picture in pictures(), damage in Damage::any()) {
            let _ = crate::decode(Coding::JpegLs, &picture.attributes, &damage.done_to(encode(&picture).unwrap()));
        }
    }

    #[test]
    fn a_flat_picture_needs_next_to_nothing() {
        let attributes = ImageAttributes { rows: 500, columns: 500, ..grey(16, 16) };
        let picture = Picture { attributes, bytes: vec![7; 500_000] };
        assert!(encode(&picture).unwrap().len() < 300);
    }

    #[test]
    fn a_scan_that_ends_early_is_no_picture() {
        let attributes = ImageAttributes { rows: 40, columns: 40, ..grey(8, 8) };
        let coded = encode(&noise(attributes, 5, false)).unwrap();
        assert_eq!(decode(&attributes, &coded[..coded.len() / 2]).unwrap_err(), TRUNCATED);
    }
}
