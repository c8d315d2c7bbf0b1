//! What lies where in a tile (ISO/IEC 15444-1 Annex B): resolutions, their sub-bands, precincts, code-blocks; and in which
//! order packets come.

use super::block::Block;
use super::header::{Parameters, Quantiser, Style};
use super::tag_tree::TagTree;
use super::{malformed, unsupported};
use crate::error::PixelError;
use crate::jpeg_2000::wavelet::Area;

/// Most precincts of a tile. A picture of the largest size that is decoded has fewer of the smallest size that is decoded.
const PRECINCTS_MAX: u64 = 1 << 18;

/// A tile.
pub(super) struct Tile {
    pub(super) components: Vec<Component>,
    /// All precincts, in no order.
    pub(super) places: Vec<Place>,
}

/// A component of a tile.
pub(super) struct Component {
    pub(super) style: Style,
    pub(super) quantiser: Quantiser,
    /// From the smallest to the whole.
    pub(super) resolutions: Vec<Resolution>,
}

/// What brings a picture to twice its size.
pub(super) struct Resolution {
    pub(super) area: Area,
    pub(super) bands: Vec<Band>,
    pub(super) precincts: Vec<Precinct>,
}

/// A sub-band.
pub(super) struct Band {
    area: Area,
    /// Where its first coefficient stands in the joined picture, and how far the next one is.
    first: (usize, usize),
    step_by: usize,
    /// Bits of a coefficient: M_b.
    pub(super) bits: u32,
    /// What lies between two values of a coefficient, if they were rounded.
    pub(super) step: f32,
}

/// The part of a resolution whose code-blocks share packets; one part of each sub-band.
pub(super) struct Precinct {
    pub(super) parts: Vec<Part>,
}

/// The code-blocks of a sub-band in a precinct, row by row.
pub(super) struct Part {
    pub(super) blocks: Vec<Block>,
    pub(super) across: usize,
    /// In which layer each comes first.
    pub(super) included: TagTree,
    /// How many of its highest bits are zero.
    pub(super) empty: TagTree,
}

/// Which precinct it is, and where it begins in the picture.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) component: usize,
    pub(super) resolution: usize,
    pub(super) precinct: usize,
    top: u32,
    left: u32,
}

impl Tile {
    pub(super) fn new(area: Area, parameters: &[Parameters], precision: u32) -> Result<Self, PixelError> {
        let mut tile = Self { components: Vec::new(), places: Vec::new() };
        for Parameters { style, quantiser } in parameters {
            let mut component =
                Component { style: style.clone(), quantiser: quantiser.clone(), resolutions: Vec::new() };
            for number in 0..=style.decompositions {
                tile.add_resolution(area, number, precision, &mut component)?;
            }
            tile.components.push(component);
        }
        Ok(tile)
    }

    fn add_resolution(
        &mut self,
        tile: Area,
        number: u32,
        precision: u32,
        component: &mut Component,
    ) -> Result<(), PixelError> {
        let Component { style, quantiser, resolutions } = component;
        let halvings = style.decompositions - number;
        let area = tile.halved(halvings, [0, 0]);
        let bands = Band::of(tile, number, style, quantiser, precision)?;
        let sides = style.precincts.get(number as usize).copied().unwrap_or(0xff);
        let sides = [u32::from(sides & 15), u32::from(sides >> 4)];
        // In sub-bands everything is half as large.
        let shrink = u32::from(number > 0);
        if sides.iter().any(|side| *side < shrink) {
            return Err(malformed("a precinct is smaller than a coefficient"));
        }
        let [columns, rows] = if area.is_empty() {
            [0..0, 0..0]
        } else {
            [
                area.left >> sides[0]..shifted_up(area.right, sides[0]),
                area.top >> sides[1]..shifted_up(area.bottom, sides[1]),
            ]
        };
        let count = columns.len() as u64 * rows.len() as u64;
        if self.places.len() as u64 + count > PRECINCTS_MAX {
            return Err(unsupported("HTJ2K with so many precincts"));
        }
        let block = [0, 1].map(|axis: usize| {
            let side = style.block.get(axis).copied().unwrap_or_default();
            side.min(sides.get(axis).copied().unwrap_or_default() - shrink)
        });
        let mut precincts = Vec::new();
        for row in rows {
            for column in columns.clone() {
                let part = |band: &Band| {
                    let cut = |at: u32, side: u32| {
                        u32::try_from(u64::from(at) << (side - shrink)).unwrap_or(u32::MAX)
                    };
                    let within = Area {
                        left: cut(column, sides[0]).max(band.area.left),
                        top: cut(row, sides[1]).max(band.area.top),
                        right: cut(column + 1, sides[0]).min(band.area.right),
                        bottom: cut(row + 1, sides[1]).min(band.area.bottom),
                    };
                    Part::of(within, band.area, block)
                };
                let begin =
                    |at: u32, side: u32| u32::try_from(u64::from(at) << side << halvings).unwrap_or(u32::MAX);
                self.places.push(Place {
                    component: self.components.len(),
                    resolution: number as usize,
                    precinct: precincts.len(),
                    top: begin(row, sides[1]).max(tile.top),
                    left: begin(column, sides[0]).max(tile.left),
                });
                precincts.push(Precinct { parts: bands.iter().map(part).collect() });
            }
        }
        resolutions.push(Resolution { area, bands, precincts });
        Ok(())
    }

    /// The precinct of every packet, and its layer, in the order of the codestream (§B.12).
    pub(super) fn packets(
        &self,
        progression: u8,
        layers: u32,
    ) -> Result<impl Iterator<Item = (u32, Place)> + use<>, PixelError> {
        let mut places = self.places.clone();
        let key: fn(&Place) -> [usize; 5] = match progression {
            0 | 1 => |at| [at.resolution, at.component, at.precinct, 0, 0],
            2 => |at| [at.resolution, at.top as usize, at.left as usize, at.component, at.precinct],
            3 => |at| [at.top as usize, at.left as usize, at.component, at.resolution, at.precinct],
            4 => |at| [at.component, at.top as usize, at.left as usize, at.resolution, at.precinct],
            _ => return Err(malformed("the progression order is none of the five")),
        };
        places.sort_by_key(key);
        // What comes once for each layer, before the next.
        let come_together: fn(&Place, &Place) -> bool = match progression {
            0 => |_, _| true,
            1 => |one, next| one.resolution == next.resolution,
            _ => |_, _| false,
        };
        let runs: Vec<Vec<Place>> = places.chunk_by(come_together).map(<[Place]>::to_vec).collect();
        Ok(runs.into_iter().flat_map(move |run| {
            (0..layers).flat_map(move |layer| run.clone().into_iter().map(move |place| (layer, place)))
        }))
    }
}

impl Band {
    /// The sub-bands of a resolution of a tile (§B.5).
    fn of(
        tile: Area,
        resolution: u32,
        style: &Style,
        quantiser: &Quantiser,
        precision: u32,
    ) -> Result<Vec<Self>, PixelError> {
        let all = style.decompositions;
        let joined = tile.halved(all - resolution, [0, 0]);
        let kinds: &[([u32; 2], u32)] =
            if resolution == 0 { &[([0, 0], 0)] } else { &[([1, 0], 1), ([0, 1], 1), ([1, 1], 2)] };
        let halvings = if resolution == 0 { all } else { all - resolution + 1 };
        let mut bands = Vec::new();
        for (number, (high, gain)) in kinds.iter().enumerate() {
            let area = tile.halved(halvings, *high);
            let index = if resolution == 0 { 0 } else { 3 * (resolution as usize - 1) + 1 + number };
            let (bits, step) = quantiser.band(index, halvings, all, *gain, precision)?;
            // Coefficient n of a half stands at 2n or, what changes, at 2n + 1.
            let first = |low: u32, high: u32, start: u32| {
                (2 * u64::from(low) + u64::from(high)).saturating_sub(u64::from(start))
            };
            #[allow(clippy::cast_possible_truncation)] // within the tile
            let (first, step_by) = if resolution == 0 {
                ((0, 0), 1)
            } else {
                let left = first(area.left, high[0], joined.left) as usize;
                ((left, first(area.top, high[1], joined.top) as usize), 2)
            };
            bands.push(Self { area, first, step_by, bits, step });
        }
        Ok(bands)
    }

    /// Where a coefficient stands in the joined picture, and how far the one to its right is.
    pub(super) const fn place(&self, column: usize, row: usize) -> ((usize, usize), usize) {
        ((self.first.0 + column * self.step_by, self.first.1 + row * self.step_by), self.step_by)
    }
}

impl Part {
    /// The code-blocks of `area`, of a grid that begins at 0; their places are counted from the beginning of the sub-band.
    fn of(area: Area, band: Area, block: [u32; 2]) -> Self {
        let mut blocks = Vec::new();
        let mut across = 0;
        if !area.is_empty() {
            let columns = area.left >> block[0]..shifted_up(area.right, block[0]);
            across = columns.len();
            for row in area.top >> block[1]..shifted_up(area.bottom, block[1]) {
                for column in columns.clone() {
                    let end =
                        |at: u32, side: u32| u32::try_from((u64::from(at) + 1) << side).unwrap_or(u32::MAX);
                    let (left, top) = (area.left.max(column << block[0]), area.top.max(row << block[1]));
                    blocks.push(Block {
                        left: (left - band.left) as usize,
                        top: (top - band.top) as usize,
                        columns: (area.right.min(end(column, block[0])) - left) as usize,
                        rows: (area.bottom.min(end(row, block[1])) - top) as usize,
                        length_bits: 3,
                        ..Block::default()
                    });
                }
            }
        }
        let (included, empty) = (TagTree::new(blocks.len(), across), TagTree::new(blocks.len(), across));
        Self { blocks, across, included, empty }
    }
}

/// Divided by a power of two, rounded up.
const fn shifted_up(value: u32, by: u32) -> u32 {
    (value >> by) + (value & ((1 << by) - 1) != 0) as u32
}
