//! High-throughput JPEG 2000 (ISO/IEC 15444-15): the coder of code-blocks that takes the place of Annex C and D of JPEG 2000,
//! and the reading of codestreams made of such blocks only.
//!
//! ```text
//!  header ─► tile (what lies where, in which order) ─► packet ─► block ─► wavelet ─► samples
//! ```

mod bits;
mod block;
mod block_encode;
mod codes;
mod header;
mod packet;
mod tag_tree;
mod tile;

pub(super) use block_encode::encode as encode_block;

use super::wavelet::{self, Area};
use crate::error::PixelError;
use header::{Codestream, Parameters, Quantiser, Size, Style};
use tile::{Band, Component, Tile};

const FORMAT: &str = "HTJ2K";

/// Most bits of a coefficient. Lossless pictures of 16 bits need 25, with all the guard bits that can be announced.
const COEFFICIENT_BITS_MAX: u32 = 28;

const fn malformed(what: &'static str) -> PixelError {
    PixelError::malformed(FORMAT, what)
}

const fn unsupported(what: &'static str) -> PixelError {
    PixelError::Unsupported { what }
}

/// Decodes a codestream to samples, pixel by pixel: values of `precision` bits, or their low 16 bits if they are signed. Its
/// main header has been found to describe a picture that may be decoded.
///
/// # Errors
/// [`PixelError`]: damaged, or made in a way that is not read here: code-blocks of the first part of the standard between
/// the others, several sets of passes in a block, regions of interest, changes of the progression order.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<u16>, PixelError> {
    let codestream = Codestream::read(bytes)?;
    let size = &codestream.size;
    let components = size.components;
    let (columns, rows) = (size.picture.columns() as usize, size.picture.rows() as usize);
    let mut values = vec![0; columns * rows * components];
    for (number, part) in &codestream.tiles {
        let area = size.tile(*number).ok_or(malformed("a tile lies outside of the picture"))?;
        let parameters = (0..components).map(|component| codestream.parameters(part, component));
        let parameters = parameters.collect::<Result<Vec<Parameters>, _>>()?;
        let order = codestream.order(part)?;
        let mut tile = Tile::new(area, &parameters, size.precision)?;
        packet::read(&mut tile, &order, &part.data.concat())?;
        let mut planes = Vec::with_capacity(components);
        for component in &mut tile.components {
            planes.push(synthesised(component)?);
        }
        if order.transforms_colour {
            undo_colour(&mut planes)?;
        }
        let line = |row: u32| {
            let start =
                (row - size.picture.top) as usize * columns + (area.left - size.picture.left) as usize;
            start * components..(start + area.columns() as usize) * components
        };
        for (component, plane) in planes.iter().enumerate() {
            for (row, at) in (area.top..area.bottom).zip(0..) {
                let pixels = values.get_mut(line(row)).unwrap_or_default().chunks_exact_mut(components);
                plane.put_line(at * area.columns() as usize, pixels, component, size);
            }
        }
    }
    Ok(values)
}

// === helpers ===

/// The samples of a component of a tile, around zero.
enum Plane {
    Exact(Vec<i32>),
    Rounded(Vec<f32>),
}

impl Plane {
    /// Puts a line of samples that begins at `start` into their places in the pixels of the picture.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped; the low bits are meant
    fn put_line<'a>(
        &self,
        start: usize,
        pixels: impl Iterator<Item = &'a mut [u16]>,
        component: usize,
        size: &Size,
    ) {
        let middle = 1_i32 << (size.precision - 1);
        let shift = if size.is_signed { 0 } else { middle };
        let value = |around: i32| (around.clamp(-middle, middle - 1) + shift) as u16;
        let places = pixels.filter_map(|pixel| pixel.get_mut(component));
        match self {
            Self::Exact(samples) => {
                places.zip(samples.iter().skip(start)).for_each(|(place, sample)| *place = value(*sample));
            }
            Self::Rounded(samples) => places
                .zip(samples.iter().skip(start))
                .for_each(|(place, sample)| *place = value(sample.round() as i32)),
        }
    }
}

/// Decodes the code-blocks of a component and puts its sub-bands together.
fn synthesised(component: &mut Component) -> Result<Plane, PixelError> {
    let (style, quantiser) = (component.style.clone(), component.quantiser.clone());
    if style.is_reversible != quantiser.is_reversible {
        return Err(malformed("the wavelet and the quantisation do not belong together"));
    }
    if style.is_reversible {
        #[allow(clippy::cast_possible_wrap)] // at most COEFFICIENT_BITS_MAX bits
        let value = |halves: u32, is_negative, _| {
            let value = (halves >> 1) as i32;
            if is_negative { -value } else { value }
        };
        joined(component, &style, value, wavelet::join_exact).map(Plane::Exact)
    } else {
        #[allow(clippy::cast_precision_loss)] // more bits than a coefficient needs
        let value = |halves: u32, is_negative, step: f32| {
            let value = halves as f32 * 0.5 * step;
            if is_negative { -value } else { value }
        };
        joined(component, &style, value, wavelet::join_rounded).map(Plane::Rounded)
    }
}

/// From the smallest picture to the whole one. `value` makes a coefficient of its size in halves, its sign and the step of its
/// sub-band; `join` undoes one decomposition.
fn joined<T: Copy + Default>(
    component: &mut Component,
    style: &Style,
    value: impl Fn(u32, bool, f32) -> T,
    join: impl Fn(&mut [T], Area),
) -> Result<Vec<T>, PixelError> {
    let mut picture: Vec<T> = Vec::new();
    let mut inner: Option<Area> = None;
    for resolution in &mut component.resolutions {
        let area = resolution.area;
        let columns = area.columns() as usize;
        let mut larger = vec![T::default(); columns * area.rows() as usize];
        if let Some(inner) = inner {
            // The low half takes every second place, the first or the second by where the picture begins.
            let (right, down) = ((area.left % 2) as usize, (area.top % 2) as usize);
            let lines = larger.chunks_mut(columns.max(1)).skip(down).step_by(2);
            for (line, low) in lines.zip(picture.chunks(inner.columns().max(1) as usize)) {
                line.iter_mut().skip(right).step_by(2).zip(low).for_each(|(place, low)| *place = *low);
            }
        }
        for precinct in &mut resolution.precincts {
            for (part, band) in precinct.parts.iter_mut().zip(&resolution.bands) {
                for block in &mut part.blocks {
                    let coefficients = block.decode(band.bits, style.is_causal)?;
                    let lines = coefficients.chunks(block.columns.max(1));
                    for (row, line) in lines.enumerate() {
                        put_coefficients(&mut larger, columns, band, block, row, line, &value);
                    }
                }
            }
        }
        if inner.is_some() {
            join(&mut larger, area);
        }
        (picture, inner) = (larger, Some(area));
    }
    Ok(picture)
}

/// Puts a line of coefficients of a code-block into their places.
fn put_coefficients<T>(
    picture: &mut [T],
    columns: usize,
    band: &Band,
    block: &block::Block,
    row: usize,
    line: &[block::Coefficient],
    value: &impl Fn(u32, bool, f32) -> T,
) {
    let (first, step) = band.place(block.left, block.top + row);
    let start = first.1 * columns + first.0;
    let places = picture.iter_mut().skip(start).step_by(step);
    for (place, coefficient) in places.zip(line) {
        *place = value(coefficient.halves, coefficient.is_negative, band.step);
    }
}

/// From a luminance and two differences to red, green, blue (ISO/IEC 15444-1 Annex G).
fn undo_colour(planes: &mut [Plane]) -> Result<(), PixelError> {
    match planes {
        [Plane::Exact(first), Plane::Exact(second), Plane::Exact(third)] => {
            for ((first, second), third) in first.iter_mut().zip(second).zip(third) {
                let (y, u, v) = (*first, *second, *third);
                let green = y - ((u + v) >> 2);
                (*first, *second, *third) = (v + green, green, u + green);
            }
        }
        [Plane::Rounded(first), Plane::Rounded(second), Plane::Rounded(third)] => {
            for ((first, second), third) in first.iter_mut().zip(second).zip(third) {
                let (y, blue, red) = (*first, *second, *third);
                *first = y + 1.402 * red;
                *second = y - 0.344_136 * blue - 0.714_136 * red;
                *third = y + 1.772 * blue;
            }
        }
        _ => return Err(malformed("a transform of colours needs three components that are coded alike")),
    }
    Ok(())
}

impl Quantiser {
    /// Bits of a coefficient of a sub-band and the step between its values (Annex E): `decompositions` lie between the
    /// picture and the sub-band, whose coefficients may have `gain` bits more than samples.
    fn band(
        &self,
        number: usize,
        decompositions: u32,
        of: u32,
        gain: u32,
        precision: u32,
    ) -> Result<(u32, f32), PixelError> {
        let missing = malformed("a sub-band has no quantisation");
        let (exponent, mantissa) = if self.is_derived {
            let (exponent, mantissa) = *self.steps.first().ok_or(missing)?;
            let exponent = (exponent + decompositions).checked_sub(of);
            (exponent.ok_or(malformed("a sub-band has no quantisation"))?, mantissa)
        } else {
            *self.steps.get(number).ok_or(missing)?
        };
        let bits = (self.guard_bits + exponent).saturating_sub(1);
        if bits > COEFFICIENT_BITS_MAX {
            return Err(unsupported("HTJ2K with coefficients of more than 28 bits"));
        }
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_wrap)] // small numbers
        let step = (1.0 + mantissa as f32 / 2048.0) * 2_f32.powi((precision + gain) as i32 - exponent as i32);
        Ok((bits, step))
    }
}
