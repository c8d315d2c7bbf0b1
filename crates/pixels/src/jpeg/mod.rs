//! JPEG (ISO/IEC 10918-1): sequential pictures with Huffman codes, of 8 and 12 bits by DCT (processes 1, 2 and 4) and of
//! 2 to 16 bits without loss (process 14).
//!
//! One reader for all of them: what differs is what stands in a block. 12 bits and lossless are found in no other kept
//! library. Progressive, hierarchical and arithmetic-coded pictures, which DICOM has retired, are refused.

mod dct;
mod encode;
mod entropy;
mod lossless;

pub use encode::{encode_baseline, encode_lossless};

use crate::coded::Coded;
use crate::error::PixelError;
use crate::image::ImageAttributes;
use entropy::HuffmanTable;

const FORMAT: &str = "JPEG";

const TRUNCATED: PixelError = PixelError::Truncated { format: FORMAT };

/// Decodes a frame.
pub(crate) fn decode(declared: &ImageAttributes, bytes: &[u8]) -> Result<Coded, PixelError> {
    let mut decoder = Decoder { declared, tables: Tables::default(), frame: None };
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8]).ok_or(malformed("it does not begin with SOI"))?;
    loop {
        let (marker, behind) = next_marker(rest)?;
        rest = match marker {
            // EOI
            0xd9 => break,
            // SOI, RSTn and TEM have no parameters.
            0x01 | 0xd0..=0xd8 => behind,
            _ => {
                let (segment, behind) = segment(behind)?;
                decoder.segment(marker, segment, behind)?
            }
        };
        if decoder.is_complete() {
            break;
        }
    }
    decoder.finish()
}

/// The tables that markers define.
#[derive(Default)]
struct Tables {
    /// By destination; values in zigzag order.
    quantisation: [Option<[u16; 64]>; 4],
    dc: [Option<HuffmanTable>; 4],
    ac: [Option<HuffmanTable>; 4],
    /// MCUs between two restart markers; 0 for no restart markers.
    restart_interval: usize,
}

/// What a start-of-frame marker says.
struct FrameHeader {
    precision: u32,
    rows: u32,
    columns: u32,
    components: Vec<Component>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Process {
    Dct,
    Lossless,
}

#[derive(Clone, Copy)]
struct Component {
    id: u8,
    /// Horizontal and vertical sampling factors.
    sampling: (usize, usize),
    quantisation: u8,
}

/// A component in a scan: its place in the frame and its tables.
struct ScanComponent<'t> {
    place: usize,
    dc: Option<&'t HuffmanTable>,
    ac: Option<&'t HuffmanTable>,
}

/// What a start-of-scan marker says.
struct Scan<'t> {
    components: Vec<ScanComponent<'t>>,
    /// Ss: for lossless pictures the predictor.
    selection: u8,
    /// Al: for lossless pictures the point transform.
    point_transform: u32,
    restart_interval: usize,
}

/// The picture as far as it was read.
enum Canvas {
    Dct(dct::Planes),
    Lossless(lossless::Samples),
}

struct Decoder<'d> {
    declared: &'d ImageAttributes,
    tables: Tables,
    frame: Option<(FrameHeader, Canvas)>,
}

impl Decoder<'_> {
    /// Takes in one marker segment and, for a scan, the coded bytes behind it. Returns what follows.
    fn segment<'a>(&mut self, marker: u8, segment: &[u8], behind: &'a [u8]) -> Result<&'a [u8], PixelError> {
        match marker {
            0xc4 => self.tables.define_huffman(segment)?,
            0xdb => self.tables.define_quantisation(segment)?,
            0xdd => {
                let interval = segment.first_chunk().ok_or(TRUNCATED)?;
                self.tables.restart_interval = usize::from(u16::from_be_bytes(*interval));
            }
            0xc0 | 0xc1 | 0xc3 => self.start_frame(marker, segment)?,
            0xc2 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Err(PixelError::Unsupported { what: "progressive, hierarchical or arithmetic JPEG" });
            }
            0xdc => {
                return Err(PixelError::Unsupported {
                    what: "JPEG whose height comes behind its first scan",
                });
            }
            0xda => return self.scan(segment, behind),
            // APPn, COM and what is reserved say nothing about samples.
            _ => {}
        }
        Ok(behind)
    }

    fn start_frame(&mut self, marker: u8, segment: &[u8]) -> Result<(), PixelError> {
        if self.frame.is_some() {
            return Err(malformed("there are two frames"));
        }
        let (&[precision, r0, r1, c0, c1, count], rest) = segment.split_first_chunk().ok_or(TRUNCATED)?;
        let process = if marker == 0xc3 { Process::Lossless } else { Process::Dct };
        let rows = u32::from(u16::from_be_bytes([r0, r1]));
        let columns = u32::from(u16::from_be_bytes([c0, c1]));
        Coded::check_shape(self.declared, FORMAT, [rows, columns, u32::from(count)])?;
        let precision = u32::from(precision);
        let known = match process {
            Process::Dct => precision == 8 || (precision == 12 && marker == 0xc1),
            Process::Lossless => (2..=16).contains(&precision),
        };
        if !known {
            return Err(malformed("the precision is not one of this process"));
        }
        let (places, _) = rest.as_chunks::<3>();
        let components: Vec<Component> = places
            .iter()
            .take(usize::from(count))
            .map(|[id, sampling, quantisation]| Component {
                id: *id,
                sampling: (usize::from(sampling >> 4), usize::from(sampling & 0xf)),
                quantisation: *quantisation,
            })
            .collect();
        if components.len() != usize::from(count) {
            return Err(TRUNCATED);
        }
        if components.iter().any(|c| !(1..=4).contains(&c.sampling.0) || !(1..=4).contains(&c.sampling.1)) {
            return Err(malformed("a sampling factor is not between 1 and 4"));
        }
        let header = FrameHeader { precision, rows, columns, components };
        let canvas = match process {
            Process::Dct => Canvas::Dct(dct::Planes::new(&header)?),
            Process::Lossless => Canvas::Lossless(lossless::Samples::new(&header)?),
        };
        self.frame = Some((header, canvas));
        Ok(())
    }

    fn scan<'a>(&mut self, segment: &[u8], behind: &'a [u8]) -> Result<&'a [u8], PixelError> {
        let (header, canvas) = self.frame.as_mut().ok_or(malformed("a scan comes before its frame"))?;
        let (count, rest) = segment.split_first().ok_or(TRUNCATED)?;
        let (places, rest) = rest.split_at_checked(2 * usize::from(*count)).ok_or(TRUNCATED)?;
        let &[selection, _, approximation] = rest.first_chunk::<3>().ok_or(TRUNCATED)?;
        let mut components: Vec<ScanComponent<'_>> = Vec::with_capacity(header.components.len());
        for [id, destinations] in places.as_chunks::<2>().0 {
            let place = header.components.iter().position(|component| component.id == *id);
            let place = place.ok_or(malformed("a scan names a component that the frame does not have"))?;
            if components.iter().any(|other| other.place == place) {
                return Err(malformed("a scan names a component twice"));
            }
            let dc = self.tables.dc.get(usize::from(destinations >> 4)).and_then(Option::as_ref);
            let ac = self.tables.ac.get(usize::from(destinations & 0xf)).and_then(Option::as_ref);
            components.push(ScanComponent { place, dc, ac });
        }
        if components.is_empty() {
            return Err(malformed("a scan has no components"));
        }
        let scan = Scan {
            components,
            selection,
            point_transform: u32::from(approximation & 0xf),
            restart_interval: self.tables.restart_interval,
        };
        let (intervals, behind) = restart_intervals(behind);
        match canvas {
            Canvas::Dct(planes) => planes.scan(header, &self.tables.quantisation, &scan, &intervals)?,
            Canvas::Lossless(samples) => samples.scan(header, &scan, &intervals)?,
        }
        Ok(behind)
    }

    /// Whether every component has been read: what follows, even a missing EOI, does not matter.
    fn is_complete(&self) -> bool {
        match &self.frame {
            None => false,
            Some((_, Canvas::Dct(planes))) => planes.is_complete(),
            Some((_, Canvas::Lossless(samples))) => samples.is_complete(),
        }
    }

    fn finish(self) -> Result<Coded, PixelError> {
        if !self.is_complete() {
            return Err(TRUNCATED);
        }
        let Some((header, canvas)) = self.frame else { return Err(TRUNCATED) };
        let values = match canvas {
            Canvas::Dct(planes) => planes.full_size(&header),
            Canvas::Lossless(samples) => samples.values,
        };
        #[allow(clippy::cast_possible_truncation)] // at most 255
        let components = header.components.len() as u32;
        let FrameHeader { precision, rows, columns, .. } = header;
        Ok(Coded { rows, columns, components, precision, values })
    }
}

impl Tables {
    fn define_huffman(&mut self, mut segment: &[u8]) -> Result<(), PixelError> {
        while let Some((place, rest)) = segment.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(TRUNCATED)?;
            let symbols: usize = counts.iter().map(|count| usize::from(*count)).sum();
            let (symbols, rest) = rest.split_at_checked(symbols).ok_or(TRUNCATED)?;
            let tables = if place >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            let table = tables.get_mut(usize::from(place & 0xf));
            *table.ok_or(malformed("there are four Huffman tables of a kind"))? =
                Some(HuffmanTable::new(counts, symbols)?);
            segment = rest;
        }
        Ok(())
    }

    fn define_quantisation(&mut self, mut segment: &[u8]) -> Result<(), PixelError> {
        while let Some((place, rest)) = segment.split_first() {
            let width = if place >> 4 == 0 { 1 } else { 2 };
            let (values, rest) = rest.split_at_checked(64 * width).ok_or(TRUNCATED)?;
            let mut table = [0; 64];
            for (entry, bytes) in table.iter_mut().zip(values.chunks_exact(width)) {
                *entry = bytes.iter().fold(0, |value, byte| value << 8 | u16::from(*byte));
            }
            let entry = self.quantisation.get_mut(usize::from(place & 0xf));
            *entry.ok_or(malformed("there are four quantisation tables"))? = Some(table);
            segment = rest;
        }
        Ok(())
    }
}

// === helpers ===

const fn malformed(what: &'static str) -> PixelError {
    PixelError::malformed(FORMAT, what)
}

/// The next marker, behind any number of fill bytes, and what follows it.
fn next_marker(bytes: &[u8]) -> Result<(u8, &[u8]), PixelError> {
    let start = memchr::memchr(0xff, bytes).ok_or(TRUNCATED)?;
    let mut rest = bytes.get(start..).unwrap_or_default();
    while let [0xff, behind @ ..] = rest {
        rest = behind;
    }
    match rest {
        [0, behind @ ..] => next_marker_behind(behind),
        [marker, behind @ ..] => Ok((*marker, behind)),
        [] => Err(TRUNCATED),
    }
}

/// Goes on behind a byte that looked like a marker and was none.
fn next_marker_behind(mut bytes: &[u8]) -> Result<(u8, &[u8]), PixelError> {
    loop {
        let start = memchr::memchr(0xff, bytes).ok_or(TRUNCATED)?;
        bytes = bytes.get(start + 1..).unwrap_or_default();
        match bytes {
            [0 | 0xff, ..] => {}
            [marker, behind @ ..] => return Ok((*marker, behind)),
            [] => return Err(TRUNCATED),
        }
    }
}

/// The parameters of a marker and what follows them.
fn segment(bytes: &[u8]) -> Result<(&[u8], &[u8]), PixelError> {
    let (length, _) = bytes.split_first_chunk().ok_or(TRUNCATED)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (segment, behind) = bytes.split_at_checked(length).ok_or(TRUNCATED)?;
    Ok((segment.get(2..).ok_or(malformed("a segment is shorter than its length"))?, behind))
}

/// The coded bytes between restart markers, and what follows the last of them, from its marker on.
fn restart_intervals(bytes: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let mut intervals = Vec::new();
    let mut start = 0;
    for at in memchr::memchr_iter(0xff, bytes) {
        match bytes.get(at + 1) {
            // A stuffed byte, or a fill byte before a marker.
            Some(0 | 0xff) => {}
            Some(0xd0..=0xd7) => {
                intervals.push(bytes.get(start..at).unwrap_or_default());
                start = at + 2;
            }
            Some(_) => {
                intervals.push(bytes.get(start..at).unwrap_or_default());
                return (intervals, bytes.get(at..).unwrap_or_default());
            }
            None => {}
        }
    }
    intervals.push(bytes.get(start..).unwrap_or_default());
    (intervals, &[])
}
