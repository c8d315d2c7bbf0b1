//! Lossless JPEG (ISO/IEC 10918-1 Annex H): each sample is what its neighbours promise plus a coded difference.

use super::entropy::BitReader;
use super::{FORMAT, FrameHeader, Scan, TRUNCATED, malformed};
use crate::error::PixelError;

/// The samples of a frame, pixel by pixel.
pub(super) struct Samples {
    pub(super) values: Vec<u16>,
    /// Which components have been read.
    read: Vec<bool>,
}

impl Samples {
    pub(super) fn new(header: &FrameHeader) -> Result<Self, PixelError> {
        if header.components.iter().any(|component| component.sampling != (1, 1)) {
            return Err(PixelError::Unsupported { what: "lossless JPEG with shared samples" });
        }
        let components = header.components.len();
        let samples = header.rows as usize * header.columns as usize * components;
        Ok(Self { values: vec![0; samples], read: vec![false; components] })
    }

    pub(super) fn is_complete(&self) -> bool {
        self.read.iter().all(|read| *read)
    }

    /// Reads the components of one scan.
    pub(super) fn scan(
        &mut self,
        header: &FrameHeader,
        scan: &Scan<'_>,
        intervals: &[&[u8]],
    ) -> Result<(), PixelError> {
        let columns = header.columns as usize;
        let interval_rows = match scan.restart_interval {
            0 => header.rows as usize,
            mcus if mcus % columns == 0 => mcus / columns,
            _ => return Err(malformed("a restart interval of a lossless picture is not made of whole rows")),
        };
        let places: Vec<usize> = scan.components.iter().map(|component| component.place).collect();
        let tables: Option<Vec<_>> = scan.components.iter().map(|component| component.dc).collect();
        let tables = tables.ok_or(malformed("a scan uses a Huffman table that was not defined"))?;
        if scan.point_transform >= header.precision {
            return Err(malformed("the point transform leaves no bit"));
        }
        for place in &places {
            let read = self.read.get_mut(*place).ok_or(TRUNCATED)?;
            if std::mem::replace(read, true) {
                return Err(malformed("a component comes twice"));
            }
        }
        let all = places.iter().enumerate().all(|(index, place)| index == *place)
            && places.len() == header.components.len();
        let mut own = if all { Vec::new() } else { vec![0; columns * header.rows as usize * places.len()] };
        let values = if all { &mut self.values } else { &mut own };
        let row_samples = columns * places.len();
        let mut intervals = intervals.iter();
        for rows in values.chunks_mut(row_samples * interval_rows) {
            let mut interval = Interval {
                bits: BitReader::new(intervals.next().ok_or(TRUNCATED)?),
                tables: &tables,
                predictor: Predictor::new(scan.selection)?,
                start: 1 << (header.precision - scan.point_transform - 1),
            };
            interval.rows(rows, row_samples)?;
        }
        if scan.point_transform > 0 {
            values.iter_mut().for_each(|value| *value <<= scan.point_transform);
        }
        if !all {
            for (pixel, own) in
                self.values.chunks_exact_mut(header.components.len()).zip(own.chunks_exact(places.len()))
            {
                for (place, value) in places.iter().zip(own) {
                    if let Some(sample) = pixel.get_mut(*place) {
                        *sample = *value;
                    }
                }
            }
        }
        Ok(())
    }
}

/// How a sample is predicted from the one on the left (a), above (b) and above left (c): Table H.1.
#[derive(Clone, Copy)]
pub(super) enum Predictor {
    A,
    B,
    C,
    Plane,
    AWithSlope,
    BWithSlope,
    Mean,
}

impl Predictor {
    fn new(selection: u8) -> Result<Self, PixelError> {
        Ok(match selection {
            1 => Self::A,
            2 => Self::B,
            3 => Self::C,
            4 => Self::Plane,
            5 => Self::AWithSlope,
            6 => Self::BWithSlope,
            7 => Self::Mean,
            _ => return Err(malformed("the predictor of a lossless picture is not between 1 and 7")),
        })
    }

    #[inline]
    const fn predict(self, a: i32, b: i32, c: i32) -> i32 {
        match self {
            Self::A => a,
            Self::B => b,
            Self::C => c,
            Self::Plane => a + b - c,
            Self::AWithSlope => a + ((b - c) >> 1),
            Self::BWithSlope => b + ((a - c) >> 1),
            Self::Mean => (a + b) >> 1,
        }
    }
}

/// Rows between two restart markers.
struct Interval<'a> {
    bits: BitReader<'a>,
    tables: &'a [&'a super::HuffmanTable],
    predictor: Predictor,
    /// What stands before the first sample.
    start: i32,
}

impl Interval<'_> {
    fn rows(&mut self, rows: &mut [u16], row_samples: usize) -> Result<(), PixelError> {
        let components = self.tables.len();
        let (first, mut rest) = rows.split_at_mut(row_samples.min(rows.len()));
        self.first_row(first, components)?;
        let mut above: &[u16] = first;
        while !rest.is_empty() {
            let (row, behind) = rest.split_at_mut(row_samples.min(rest.len()));
            self.next_row(row, above, components)?;
            (above, rest) = (row, behind);
        }
        Ok(())
    }

    /// The first row is predicted from the left only.
    fn first_row(&mut self, row: &mut [u16], components: usize) -> Result<(), PixelError> {
        let mut left = vec![self.start; components];
        for pixel in row.chunks_exact_mut(components) {
            for ((sample, left), table) in pixel.iter_mut().zip(&mut left).zip(self.tables) {
                *left = wrapped(*left + difference(&mut self.bits, table)?);
                *sample = low(*left);
            }
        }
        self.check_end()
    }

    /// The first sample of another row is predicted from the one above it.
    fn next_row(&mut self, row: &mut [u16], above: &[u16], components: usize) -> Result<(), PixelError> {
        // For each component: a and c.
        let mut before: Vec<(i32, i32)> =
            above.iter().take(components).map(|sample| (i32::from(*sample), i32::from(*sample))).collect();
        let mut pixels = row.chunks_exact_mut(components).zip(above.chunks_exact(components));
        if let Some((pixel, above)) = pixels.next() {
            for (((sample, above), before), table) in
                pixel.iter_mut().zip(above).zip(&mut before).zip(self.tables)
            {
                let value = wrapped(i32::from(*above) + difference(&mut self.bits, table)?);
                *sample = low(value);
                *before = (value, i32::from(*above));
            }
        }
        for (pixel, above) in pixels {
            for (((sample, above), (a, c)), table) in
                pixel.iter_mut().zip(above).zip(&mut before).zip(self.tables)
            {
                let b = i32::from(*above);
                let value = self.predictor.predict(*a, b, *c) + difference(&mut self.bits, table)?;
                (*a, *c) = (wrapped(value), b);
                *sample = low(*a);
            }
        }
        self.check_end()
    }

    fn check_end(&self) -> Result<(), PixelError> {
        if self.bits.is_past_end() { Err(TRUNCATED) } else { Ok(()) }
    }
}

#[inline]
fn difference(bits: &mut BitReader<'_>, table: &super::HuffmanTable) -> Result<i32, PixelError> {
    match bits.symbol(table)? {
        category @ 0..=15 => Ok(bits.signed(u32::from(category))),
        16 => Ok(32_768),
        _ => Err(PixelError::malformed(FORMAT, "a difference has more than 16 bits")),
    }
}

/// Sums are modulo 2^16 (§H.1.2.1).
const fn wrapped(value: i32) -> i32 {
    value & 0xffff
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // wrapped
const fn low(value: i32) -> u16 {
    value as u16
}
