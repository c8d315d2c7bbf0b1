//! Pictures by discrete cosine transform (ISO/IEC 10918-1 Annexes A and F): blocks of 8 × 8 samples, in planes that may
//! have fewer samples than the picture has pixels.
//!
//! The inverse transform and the way to full size are those of the Independent JPEG Group's library in its default
//! settings, so that results are the same to the bit as those of most other programs: integer arithmetic with 13 bits of
//! constants, and shared chrominance weighted 3 to 1 between neighbours.

use super::entropy::{BitReader, HuffmanTable};
use super::{FORMAT, FrameHeader, Scan, TRUNCATED, malformed};
use crate::error::PixelError;
use std::num::Wrapping;

/// Samples along a side of a block.
const SIDE: usize = 8;

/// Most blocks that one unit of interleaved components may have (§B.2.3).
const UNIT_BLOCKS_MAX: usize = 10;

/// Where the coefficients of a block stand, in the order in which they are coded (Figure A.6).
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// The components of a frame.
pub(super) struct Planes {
    planes: Vec<Plane>,
    /// Units of interleaved components, across and down.
    units: (usize, usize),
}

/// One component: whole blocks, and how much of them is picture.
struct Plane {
    samples: Vec<u16>,
    /// Samples of a row with its padding.
    stride: usize,
    width: usize,
    height: usize,
    sampling: (usize, usize),
    is_read: bool,
}

/// One component while it is read.
struct Reading<'a> {
    place: usize,
    dc: &'a HuffmanTable,
    ac: &'a HuffmanTable,
    quantisation: &'a [u16; 64],
    prediction: i32,
}

impl Planes {
    pub(super) fn new(header: &FrameHeader) -> Result<Self, PixelError> {
        let most = |of: fn(&(usize, usize)) -> usize| {
            header.components.iter().map(|component| of(&component.sampling)).max().unwrap_or(1)
        };
        let (h_max, v_max) = (most(|sampling| sampling.0), most(|sampling| sampling.1));
        let blocks: usize = header.components.iter().map(|c| c.sampling.0 * c.sampling.1).sum();
        if header.components.len() > 1 && blocks > UNIT_BLOCKS_MAX {
            return Err(malformed("the sampling factors make more than ten blocks"));
        }
        if header.components.iter().any(|c| h_max % c.sampling.0 != 0 || v_max % c.sampling.1 != 0) {
            return Err(PixelError::Unsupported {
                what: "JPEG with sampling factors that do not divide each other",
            });
        }
        let (columns, rows) = (header.columns as usize, header.rows as usize);
        let units = (columns.div_ceil(SIDE * h_max), rows.div_ceil(SIDE * v_max));
        let planes = header.components.iter().map(|component| {
            let (h, v) = component.sampling;
            let stride = units.0 * h * SIDE;
            Plane {
                samples: vec![0; stride * units.1 * v * SIDE],
                stride,
                width: (columns * h).div_ceil(h_max),
                height: (rows * v).div_ceil(v_max),
                sampling: (h_max / h, v_max / v),
                is_read: false,
            }
        });
        Ok(Self { planes: planes.collect(), units })
    }

    pub(super) fn is_complete(&self) -> bool {
        self.planes.iter().all(|plane| plane.is_read)
    }

    /// Reads the components of one scan.
    pub(super) fn scan(
        &mut self,
        header: &FrameHeader,
        tables: &[Option<[u16; 64]>; 4],
        scan: &Scan<'_>,
        intervals: &[&[u8]],
    ) -> Result<(), PixelError> {
        let undefined = || malformed("a scan uses a table that was not defined");
        let mut readings = Vec::with_capacity(scan.components.len());
        for component in &scan.components {
            let plane = self.planes.get_mut(component.place).ok_or(TRUNCATED)?;
            if std::mem::replace(&mut plane.is_read, true) {
                return Err(malformed("a component comes twice"));
            }
            let of_frame = header.components.get(component.place).ok_or(TRUNCATED)?;
            let quantisation = tables.get(usize::from(of_frame.quantisation)).and_then(Option::as_ref);
            readings.push(Reading {
                place: component.place,
                dc: component.dc.ok_or_else(undefined)?,
                ac: component.ac.ok_or_else(undefined)?,
                quantisation: quantisation.ok_or_else(undefined)?,
                prediction: 0,
            });
        }
        // A component alone comes block by block, without the padding to whole units (§A.2.2).
        let alone = match (readings.as_slice(), self.planes.len()) {
            ([reading], _) => self.planes.get(reading.place),
            _ => None,
        };
        let (across, down) = match alone {
            Some(plane) => (plane.width.div_ceil(SIDE), plane.height.div_ceil(SIDE)),
            None => self.units,
        };
        let is_alone = alone.is_some();
        let units = across * down;
        let interval_units = if scan.restart_interval == 0 { units } else { scan.restart_interval };
        let mut intervals = intervals.iter();
        let mut bits = BitReader::new(&[]);
        for unit in 0..units {
            if unit % interval_units == 0 {
                bits = BitReader::new(intervals.next().ok_or(TRUNCATED)?);
                readings.iter_mut().for_each(|reading| reading.prediction = 0);
            }
            let (column, row) = (unit % across, unit / across);
            for reading in &mut readings {
                let plane = self.planes.get_mut(reading.place).ok_or(TRUNCATED)?;
                let factors =
                    header.components.get(reading.place).map_or((1, 1), |component| component.sampling);
                let (h, v) = if is_alone { (1, 1) } else { factors };
                for down in 0..v {
                    for across in 0..h {
                        let block = reading.block(&mut bits)?;
                        plane.put(column * h + across, row * v + down, &block, header.precision);
                    }
                }
            }
            if bits.is_past_end() {
                return Err(TRUNCATED);
            }
        }
        Ok(())
    }

    /// Every component for every pixel, pixel by pixel.
    pub(super) fn full_size(self, header: &FrameHeader) -> Vec<u16> {
        let (columns, rows) = (header.columns as usize, header.rows as usize);
        let components = self.planes.len();
        let mut out = vec![0; columns * rows * components];
        let mut line = Vec::new();
        for (component, plane) in self.planes.iter().enumerate() {
            for (row, pixels) in out.chunks_exact_mut((columns * components).max(1)).enumerate() {
                let samples = plane.full_row(row, columns, &mut line);
                for (pixel, sample) in pixels.chunks_exact_mut(components).zip(samples) {
                    if let Some(place) = pixel.get_mut(component) {
                        *place = *sample;
                    }
                }
            }
        }
        out
    }
}

impl Plane {
    /// Transforms a block back and puts it into its place.
    fn put(&mut self, column: usize, row: usize, block: &[i32; 64], precision: u32) {
        let samples = inverse_transform(block, precision);
        let start = row * SIDE * self.stride + column * SIDE;
        let rows = self.samples.get_mut(start..).unwrap_or_default().chunks_mut(self.stride);
        for (place, line) in rows.zip(samples.as_chunks::<SIDE>().0) {
            if let Some(place) = place.first_chunk_mut::<SIDE>() {
                *place = *line;
            }
        }
    }

    fn row(&self, row: usize) -> &[u16] {
        let start = row.min(self.height - 1) * self.stride;
        self.samples.get(start..start + self.width).unwrap_or_default()
    }

    /// A row at full size.
    fn full_row<'a>(&'a self, row: usize, columns: usize, line: &'a mut Vec<u16>) -> &'a [u16] {
        match self.sampling {
            (1, 1) => return self.row(row),
            (2, 1) if self.width > 2 => {
                line.clear();
                weighted_double(self.row(row).iter().map(|sample| u32::from(*sample)), line, 1, 2, 2);
            }
            (2, 2) if self.width > 2 => {
                line.clear();
                let here = self.row(row / 2);
                let near = if row.is_multiple_of(2) { (row / 2).saturating_sub(1) } else { row / 2 + 1 };
                let both = here
                    .iter()
                    .zip(self.row(near))
                    .map(|(here, near)| 3 * u32::from(*here) + u32::from(*near));
                weighted_double(both, line, 8, 7, 4);
            }
            (across, down) => {
                line.clear();
                let samples = self.row(row / down).iter();
                line.extend(samples.flat_map(|sample| std::iter::repeat_n(*sample, across)));
            }
        }
        line.get(..columns).unwrap_or_default()
    }
}

impl Reading<'_> {
    /// The coefficients of the next block, multiplied out.
    fn block(&mut self, bits: &mut BitReader<'_>) -> Result<[i32; 64], PixelError> {
        /// Longest coded coefficient, in bits: for samples of 12 bits.
        const COEFFICIENT_BITS_MAX: u8 = 15;
        let mut block = [0; 64];
        let category = bits.symbol(self.dc)?;
        if category > COEFFICIENT_BITS_MAX {
            return Err(malformed("a coefficient has more than 15 bits"));
        }
        self.prediction = self.prediction.wrapping_add(bits.signed(u32::from(category)));
        block[0] = self.prediction.wrapping_mul(i32::from(self.quantisation[0]));
        let mut at = 1;
        while at < 64 {
            let symbol = bits.symbol(self.ac)?;
            let (zeros, category) = (usize::from(symbol >> 4), symbol & 0xf);
            if category == 0 {
                if zeros < 15 {
                    break;
                }
                at += 16;
                continue;
            }
            at += zeros;
            let value = bits.signed(u32::from(category));
            let (Some(place), Some(step)) = (ZIGZAG.get(at), self.quantisation.get(at)) else {
                return Err(PixelError::malformed(FORMAT, "a block has more than 64 coefficients"));
            };
            if let Some(place) = block.get_mut(usize::from(*place)) {
                *place = value * i32::from(*step);
            }
            at += 1;
        }
        Ok(block)
    }
}

// === helpers ===

/// Twice as many samples: each pair weighted 3 to 1 with the neighbour outside of it. What is added before shifting
/// differs on the left and the right, so that rounding has no side.
#[allow(clippy::cast_possible_truncation)] // means of 16-bit samples
fn weighted_double(
    samples: impl Iterator<Item = u32>,
    out: &mut Vec<u16>,
    round_left: u32,
    round_right: u32,
    shift: u32,
) {
    let mut samples = samples.peekable();
    let mut before = None;
    while let Some(here) = samples.next() {
        let left = before.unwrap_or(here);
        let right = samples.peek().copied().unwrap_or(here);
        out.push(((3 * here + left + round_left) >> shift) as u16);
        out.push(((3 * here + right + round_right) >> shift) as u16);
        before = Some(here);
    }
}

/// Bits of the constants.
const CONSTANT_BITS: usize = 13;

type Number = Wrapping<i32>;

/// One dimension of the inverse transform after Loeffler, Ligtenberg and Moschytz: results are 2^13 times as large.
#[inline(always)]
fn transform_line(line: [Number; 8]) -> [Number; 8] {
    const fn c(number: i32) -> Number {
        Wrapping(number)
    }
    let [s0, s1, s2, s3, s4, s5, s6, s7] = line;
    let z1 = (s2 + s6) * c(4_433);
    let (even2, even3) = (z1 - s6 * c(15_137), z1 + s2 * c(6_270));
    let (even0, even1) = ((s0 + s4) << CONSTANT_BITS, (s0 - s4) << CONSTANT_BITS);
    let (e0, e3) = (even0 + even3, even0 - even3);
    let (e1, e2) = (even1 + even2, even1 - even2);

    let z5 = (s7 + s3 + s5 + s1) * c(9_633);
    let z1 = (s7 + s1) * c(-7_373);
    let z2 = (s5 + s3) * c(-20_995);
    let z3 = (s7 + s3) * c(-16_069) + z5;
    let z4 = (s5 + s1) * c(-3_196) + z5;
    let o0 = s7 * c(2_446) + z1 + z3;
    let o1 = s5 * c(16_819) + z2 + z4;
    let o2 = s3 * c(25_172) + z2 + z3;
    let o3 = s1 * c(12_299) + z1 + z4;
    [e0 + o3, e1 + o2, e2 + o1, e3 + o0, e3 - o0, e2 - o1, e1 - o2, e0 - o3]
}

/// The samples of a block. Coefficients beyond what samples can make wrap around and give some samples.
fn inverse_transform(block: &[i32; 64], precision: u32) -> [u16; 64] {
    // Bits kept between the two passes: 12-bit samples leave room for one only.
    let kept_bits = if precision == 8 { 2 } else { 1 };
    let highest = (1_i32 << precision) - 1;
    let middle = 1_i32 << (precision - 1);
    let rounded = |value: Number, bits: usize| (value + Wrapping(1 << (bits - 1))) >> bits;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped
    let sample = |value: Number| (value.0.wrapping_add(middle)).clamp(0, highest) as u16;

    let mut samples = [0; 64];
    let (rows, _) = block.as_chunks::<8>();
    let mut turned = [[Wrapping(0); 8]; 8];
    for (row, line) in rows.iter().enumerate() {
        for (column, value) in turned.iter_mut().zip(line) {
            if let Some(place) = column.get_mut(row) {
                *place = Wrapping(*value);
            }
        }
    }
    let mut middle_rows = [[Wrapping(0); 8]; 8];
    for (at, column) in turned.iter().enumerate() {
        let line = transform_line(*column);
        for (row, value) in middle_rows.iter_mut().zip(line) {
            if let Some(place) = row.get_mut(at) {
                *place = rounded(value, CONSTANT_BITS - kept_bits);
            }
        }
    }
    for (row, out) in middle_rows.iter().zip(samples.as_chunks_mut::<8>().0) {
        let line = transform_line(*row);
        for (place, value) in out.iter_mut().zip(line) {
            *place = sample(rounded(value, CONSTANT_BITS + kept_bits + 3));
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_with_its_mean_only_is_flat() {
        let mut block = [0; 64];
        block[0] = 80;
        assert_eq!(inverse_transform(&block, 8), [138; 64]);
        assert_eq!(inverse_transform(&block, 12), [2058; 64]);
    }

    #[test]
    fn absurd_coefficients_give_samples_in_range() {
        for value in [i32::MAX, i32::MIN, 1 << 30] {
            assert!(inverse_transform(&[value; 64], 8).iter().all(|sample| *sample <= 255));
            assert!(inverse_transform(&[value; 64], 12).iter().all(|sample| *sample <= 4095));
        }
    }

    #[test]
    fn halved_rows_are_doubled_with_weights() {
        let mut out = Vec::new();
        weighted_double([10, 20, 40].into_iter(), &mut out, 1, 2, 2);
        assert_eq!(out, [10, 13, 17, 25, 35, 40]);
    }
}
