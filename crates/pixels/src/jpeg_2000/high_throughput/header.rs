//! The headers of a codestream (ISO/IEC 15444-1 Annex A, ISO/IEC 15444-15 Annex A): how big, how coded, which bytes belong to
//! which tile.

use super::{malformed, unsupported};
use crate::error::PixelError;
use crate::jpeg_2000::segment::{TRUNCATED, next_segment};
use crate::jpeg_2000::wavelet::Area;
use std::collections::BTreeMap;

/// What the SIZ segment says.
pub(super) struct Size {
    pub(super) picture: Area,
    tile_columns: u32,
    tile_rows: u32,
    tiles_left: u32,
    tiles_top: u32,
    pub(super) components: usize,
    pub(super) precision: u32,
    pub(super) is_signed: bool,
}

/// What the packets of a tile have in common: the part of COD that holds for all components.
#[derive(Clone, Copy)]
pub(super) struct Order {
    pub(super) progression: u8,
    pub(super) layers: u32,
    pub(super) transforms_colour: bool,
    pub(super) marks_starts: bool,
    pub(super) marks_header_ends: bool,
}

/// How a component is coded: the other part of COD, or COC.
#[derive(Clone)]
pub(super) struct Style {
    pub(super) decompositions: u32,
    /// Sides of a code-block, as exponents.
    pub(super) block: [u32; 2],
    pub(super) is_causal: bool,
    pub(super) is_reversible: bool,
    /// Sides of a precinct, as exponents, from the smallest resolution; the largest there is if none.
    pub(super) precincts: Vec<u8>,
}

/// How coefficients were made smaller: QCD or QCC.
#[derive(Clone)]
pub(super) struct Quantiser {
    pub(super) is_reversible: bool,
    pub(super) is_derived: bool,
    pub(super) guard_bits: u32,
    /// Exponent and mantissa of each sub-band.
    pub(super) steps: Vec<(u32, u32)>,
}

/// How a component of a tile is coded.
pub(super) struct Parameters {
    pub(super) style: Style,
    pub(super) quantiser: Quantiser,
}

/// What a header says for all components and for some.
#[derive(Default)]
struct Said {
    order: Option<Order>,
    style: Option<Style>,
    styles: BTreeMap<usize, Style>,
    quantiser: Option<Quantiser>,
    quantisers: BTreeMap<usize, Quantiser>,
}

/// A tile: what its own headers say, and its packets.
#[derive(Default)]
pub(super) struct TilePart<'a> {
    said: Said,
    pub(super) data: Vec<&'a [u8]>,
}

/// A codestream, headers read.
pub(super) struct Codestream<'a> {
    pub(super) size: Size,
    said: Said,
    pub(super) tiles: BTreeMap<u32, TilePart<'a>>,
}

impl<'a> Codestream<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, PixelError> {
        let rest = bytes.strip_prefix(&[0xff, 0x4f]).ok_or(TRUNCATED)?;
        let (_, segment, mut rest) = next_segment(rest)?;
        let size = Size::read(segment)?;
        let mut said = Said::default();
        let mut tiles: BTreeMap<u32, TilePart<'a>> = BTreeMap::new();
        while !matches!(rest, [0xff, 0xd9, ..] | []) {
            let at = rest;
            let (marker, segment, behind) = next_segment(rest)?;
            rest = behind;
            if marker != 0x90 {
                said.read(marker, segment, size.components)?;
                continue;
            }
            let number = segment.first_chunk().map(|number| u32::from(u16::from_be_bytes(*number)));
            let length = segment.get(2..6).and_then(<[u8]>::first_chunk).ok_or(TRUNCATED)?;
            let part = tiles.entry(number.ok_or(TRUNCATED)?).or_default();
            while !matches!(rest, [0xff, 0x93, ..]) {
                let (marker, segment, behind) = next_segment(rest)?;
                part.said.read(marker, segment, size.components)?;
                rest = behind;
            }
            let data = rest.get(2..).ok_or(TRUNCATED)?;
            let header = at.len() - data.len();
            let data = match u32::from_be_bytes(*length) as usize {
                // Up to the end.
                0 => data.strip_suffix(&[0xff, 0xd9]).unwrap_or(data),
                length => {
                    length.checked_sub(header).and_then(|length| data.get(..length)).ok_or(TRUNCATED)?
                }
            };
            part.data.push(data);
            rest = at.get(header + data.len()..).unwrap_or_default();
        }
        let across = size.tiles_across();
        let down = (size.picture.bottom - size.tiles_top).div_ceil(size.tile_rows);
        if tiles.len() as u64 != u64::from(across) * u64::from(down) {
            return Err(TRUNCATED);
        }
        Ok(Self { size, said, tiles })
    }

    /// How a component of a tile is coded: its own header goes before the main one, and in each the component before all.
    pub(super) fn parameters(&self, tile: &TilePart<'_>, component: usize) -> Result<Parameters, PixelError> {
        let all = [&tile.said, &self.said];
        let style = all.iter().find_map(|said| said.styles.get(&component).or(said.style.as_ref()));
        let quantiser =
            all.iter().find_map(|said| said.quantisers.get(&component).or(said.quantiser.as_ref()));
        let (Some(style), Some(quantiser)) = (style.cloned(), quantiser.cloned()) else {
            return Err(malformed("COD or QCD is missing"));
        };
        Ok(Parameters { style, quantiser })
    }

    pub(super) fn order(&self, tile: &TilePart<'_>) -> Result<Order, PixelError> {
        tile.said.order.or(self.said.order).ok_or(malformed("COD is missing"))
    }
}

impl Size {
    fn read(segment: &[u8]) -> Result<Self, PixelError> {
        let words = segment.get(2..34).ok_or(TRUNCATED)?.as_chunks::<4>().0;
        let words: &[[u8; 4]; 8] = words.first_chunk().ok_or(TRUNCATED)?;
        let [right, bottom, left, top, tile_columns, tile_rows, tiles_left, tiles_top] =
            words.map(u32::from_be_bytes);
        let components = segment.get(34..36).and_then(<[u8]>::first_chunk).ok_or(TRUNCATED)?;
        let depth = *segment.get(36).ok_or(TRUNCATED)?;
        if left >= right || top >= bottom || tile_columns == 0 || tile_rows == 0 {
            return Err(malformed("a picture or tile is empty"));
        }
        Ok(Self {
            picture: Area { left, top, right, bottom },
            tile_columns,
            tile_rows,
            tiles_left,
            tiles_top,
            components: usize::from(u16::from_be_bytes(*components)),
            precision: u32::from(depth & 0x7f) + 1,
            is_signed: depth & 0x80 != 0,
        })
    }

    fn tiles_across(&self) -> u32 {
        (self.picture.right - self.tiles_left).div_ceil(self.tile_columns)
    }

    /// Where a tile is (§B.3).
    pub(super) fn tile(&self, number: u32) -> Option<Area> {
        let (column, row) = (number % self.tiles_across(), number / self.tiles_across());
        let left = column.checked_mul(self.tile_columns)?.checked_add(self.tiles_left)?;
        let top = row.checked_mul(self.tile_rows)?.checked_add(self.tiles_top)?;
        let area = Area {
            left: left.max(self.picture.left),
            top: top.max(self.picture.top),
            right: left.saturating_add(self.tile_columns).min(self.picture.right),
            bottom: top.saturating_add(self.tile_rows).min(self.picture.bottom),
        };
        (area.left < area.right && area.top < area.bottom).then_some(area)
    }
}

impl Said {
    fn read(&mut self, marker: u8, segment: &[u8], components: usize) -> Result<(), PixelError> {
        // COC and QCC begin with the number of their component.
        let of_component = || match segment {
            [component, rest @ ..] if components < 257 => Ok((usize::from(*component), rest)),
            [high, low, rest @ ..] => Ok((usize::from(u16::from_be_bytes([*high, *low])), rest)),
            _ => Err(TRUNCATED),
        };
        match marker {
            // CAP: which of the capabilities of Part 15 are needed.
            0x50 => {
                let capabilities = segment.get(4..6).and_then(<[u8]>::first_chunk).ok_or(TRUNCATED)?;
                if u16::from_be_bytes(*capabilities) & 0x2000 != 0 {
                    return Err(unsupported("HTJ2K with several sets of passes in a code-block"));
                }
            }
            0x52 => {
                let [style, progression, high, low, colour, rest @ ..] = segment else {
                    return Err(TRUNCATED);
                };
                self.order = Some(Order {
                    progression: *progression,
                    layers: u32::from(u16::from_be_bytes([*high, *low])),
                    transforms_colour: *colour == 1,
                    marks_starts: style & 2 != 0,
                    marks_header_ends: style & 4 != 0,
                });
                self.style = Some(Style::read(*style, rest)?);
            }
            0x53 => {
                let (component, rest) = of_component()?;
                let (style, rest) = rest.split_first().ok_or(TRUNCATED)?;
                self.styles.insert(component, Style::read(*style, rest)?);
            }
            0x5c => self.quantiser = Some(Quantiser::read(segment)?),
            0x5d => {
                let (component, rest) = of_component()?;
                self.quantisers.insert(component, Quantiser::read(rest)?);
            }
            0x5e => return Err(unsupported("HTJ2K with a region of interest")),
            0x5f => return Err(unsupported("HTJ2K with a change of the progression order")),
            0x60 | 0x61 => return Err(unsupported("HTJ2K with packed packet headers")),
            _ => {}
        }
        Ok(())
    }
}

impl Style {
    fn read(style: u8, parameters: &[u8]) -> Result<Self, PixelError> {
        let [decompositions, columns, rows, modes, wavelet, precincts @ ..] = parameters else {
            return Err(TRUNCATED);
        };
        if modes & 0xc0 != 0x40 {
            return Err(unsupported("HTJ2K with code-blocks of the first part of the standard"));
        }
        let block = [u32::from(*columns) + 2, u32::from(*rows) + 2];
        if *decompositions > 32 || block.iter().any(|side| *side > 10) || block.iter().sum::<u32>() > 12 {
            return Err(malformed("code-blocks or decompositions are out of bounds"));
        }
        let decompositions = u32::from(*decompositions);
        let precincts = if style & 1 == 1 {
            precincts.get(..=decompositions as usize).ok_or(TRUNCATED)?.to_vec()
        } else {
            Vec::new()
        };
        Ok(Self { decompositions, block, is_causal: modes & 8 != 0, is_reversible: *wavelet == 1, precincts })
    }
}

impl Quantiser {
    fn read(segment: &[u8]) -> Result<Self, PixelError> {
        let (style, steps) = segment.split_first().ok_or(TRUNCATED)?;
        let is_reversible = style & 31 == 0;
        let steps = if is_reversible {
            steps.iter().map(|step| (u32::from(step >> 3), 0)).collect()
        } else {
            let step = |step: &[u8; 2]| {
                let step = u32::from(u16::from_be_bytes(*step));
                (step >> 11, step & 0x7ff)
            };
            steps.as_chunks::<2>().0.iter().map(step).collect()
        };
        let guard_bits = u32::from(style >> 5);
        Ok(Self { is_reversible, is_derived: style & 31 == 1, guard_bits, steps })
    }
}
