//! From samples to what a screen shows: grey values through modality and VOI look-up tables (PS3.4 §N.2), colours to
//! RGB, then the part and size that was asked for (PS3.18 §8.3.5), as JPEG or PNG. And what the values of a region are together.

mod colour;
mod file;
mod grey;
mod lookup;
mod presentation;
mod region;
mod scale;

pub use file::{to_jpeg, to_png};
pub use presentation::{Presentation, Window, WindowFunction};
pub use region::{Area, Shape, Statistics, statistics};
pub use scale::{Region, Viewport};

use crate::error::PixelError;
use crate::image::{Photometric, Picture};

/// How a picture is asked for. The default is as large as it is, with the window of its data set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// Instead of the window of the data set; in the values behind the modality table. Pictures in colour have none.
    pub window: Option<Window>,
    /// Part and size.
    pub viewport: Option<Viewport>,
}

/// A picture of 8 bits per sample: grey, or red, green and blue.
#[derive(Clone, PartialEq, Eq)]
pub struct Bitmap {
    /// Pixels of a row.
    pub columns: u32,
    /// Rows.
    pub rows: u32,
    /// Whether a pixel has three samples.
    pub in_colour: bool,
    /// The samples, row by row.
    pub samples: Vec<u8>,
}

impl std::fmt::Debug for Bitmap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { columns, rows, in_colour, .. } = self;
        write!(f, "Bitmap({columns} x {rows}, in_colour: {in_colour})")
    }
}

/// Renders a decoded frame.
///
/// # Errors
/// [`PixelError`] when the data set lacks a table that it needs, or for a viewport outside of the picture or beyond
/// [`crate::limits`].
pub fn render(picture: &Picture, presentation: &Presentation, view: &View) -> Result<Bitmap, PixelError> {
    let attributes = &picture.attributes;
    let (in_colour, samples) = match attributes.photometric {
        Photometric::Monochrome1 | Photometric::Monochrome2 => {
            (false, grey::render(picture, presentation, view.window.as_ref()))
        }
        Photometric::PaletteColor => (true, colour::from_palette(picture, presentation)?),
        Photometric::Rgb => (true, colour::eight_bits(picture)),
        Photometric::YbrFull => (true, colour::from_ybr(colour::eight_bits(picture))),
        Photometric::YbrFull422 | Photometric::YbrIct | Photometric::YbrRct | Photometric::Xyb => {
            return Err(PixelError::Unsupported { what: "rendering samples that were not decoded" });
        }
    };
    let bitmap = Bitmap { columns: attributes.columns, rows: attributes.rows, in_colour, samples };
    match &view.viewport {
        None => Ok(bitmap),
        Some(viewport) => scale::show(bitmap, viewport),
    }
}
