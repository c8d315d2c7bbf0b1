//! Part and size of a rendered picture (PS3.18 §8.3.5.1.3).

use super::Bitmap;
use crate::error::PixelError;
use crate::limits::{RENDERED_PIXELS_MAX, RENDERED_SIDE_MAX};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

/// The size in which a picture, or a part of it, is shown: as large as fits, with its proportions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewport {
    /// Most pixels of a row.
    pub columns: u32,
    /// Most rows.
    pub rows: u32,
    /// The part; everything without one.
    pub region: Option<Region>,
}

/// A part of a picture, in its pixels. A negative width or height turns it left to right or upside down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Pixels left of it.
    pub left: u32,
    /// Rows above it.
    pub top: u32,
    /// Pixels of a row.
    pub columns: i32,
    /// Rows.
    pub rows: i32,
}

/// Cuts, scales and turns.
pub(super) fn show(bitmap: Bitmap, viewport: &Viewport) -> Result<Bitmap, PixelError> {
    let wrong = |attribute, expected| Err(PixelError::Attribute { attribute, expected });
    let size = u64::from(viewport.columns) * u64::from(viewport.rows);
    let sides = 1..=RENDERED_SIDE_MAX;
    if !sides.contains(&viewport.columns) || !sides.contains(&viewport.rows) || size > RENDERED_PIXELS_MAX {
        return wrong(
            "viewport",
            "between 1 and 65,535 pixels wide and high and of 67,108,864 pixels at most",
        );
    }
    let whole = Region { left: 0, top: 0, columns: signed(bitmap.columns), rows: signed(bitmap.rows) };
    let region = viewport.region.unwrap_or(whole);
    let (columns, rows) = (region.columns.unsigned_abs(), region.rows.unsigned_abs());
    let fits = |start: u32, length: u32, all| start.checked_add(length).is_some_and(|end| end <= all);
    if columns == 0
        || rows == 0
        || !fits(region.left, columns, bitmap.columns)
        || !fits(region.top, rows, bitmap.rows)
    {
        return wrong("viewport", "a part that lies within the picture");
    }
    let (out_columns, out_rows) = fitted((columns, rows), (viewport.columns, viewport.rows));
    let mut shown = if (columns, rows) == (out_columns, out_rows) && region == whole {
        bitmap
    } else {
        scaled(&bitmap, &region, (out_columns, out_rows))?
    };
    if region.columns < 0 {
        let width = if shown.in_colour { 3 } else { 1 };
        shown.samples.chunks_exact_mut(shown.columns as usize * width).for_each(|row| turn_row(row, width));
    }
    if region.rows < 0 {
        let row_bytes = shown.samples.len() / shown.rows as usize;
        shown.samples = shown.samples.rchunks_exact(row_bytes).flatten().copied().collect();
    }
    Ok(shown)
}

// === helpers ===

/// Rows and columns are at most 65,535.
fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The largest size of the same proportions that fits.
fn fitted((columns, rows): (u32, u32), (most_columns, most_rows): (u32, u32)) -> (u32, u32) {
    let scaled = |side: u32, most: u32, of: u32| {
        let side = (u64::from(side) * u64::from(most) + u64::from(of) / 2) / u64::from(of);
        u32::try_from(side).unwrap_or(u32::MAX).max(1)
    };
    if u64::from(most_columns) * u64::from(rows) <= u64::from(most_rows) * u64::from(columns) {
        (most_columns, scaled(rows, most_columns, columns).min(most_rows))
    } else {
        (scaled(columns, most_rows, rows).min(most_columns), most_rows)
    }
}

/// Bilinear between pixels when enlarged; each pixel the mean of those it stands for when made smaller.
fn scaled(bitmap: &Bitmap, region: &Region, (columns, rows): (u32, u32)) -> Result<Bitmap, PixelError> {
    const FAILED: PixelError = PixelError::Unsupported { what: "scaling this picture" };
    let pixel = if bitmap.in_colour { PixelType::U8x3 } else { PixelType::U8 };
    let source = ImageRef::new(bitmap.columns, bitmap.rows, &bitmap.samples, pixel).map_err(|_| FAILED)?;
    let mut shown = Image::new(columns, rows, pixel);
    let options = ResizeOptions::new()
        .crop(
            f64::from(region.left),
            f64::from(region.top),
            f64::from(region.columns).abs(),
            f64::from(region.rows).abs(),
        )
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&source, &mut shown, &options).map_err(|_| FAILED)?;
    Ok(Bitmap { columns, rows, in_colour: bitmap.in_colour, samples: shown.into_vec() })
}

fn turn_row(row: &mut [u8], width: usize) {
    row.reverse();
    row.chunks_exact_mut(width).for_each(<[u8]>::reverse);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered() -> Bitmap {
        Bitmap { columns: 4, rows: 2, in_colour: false, samples: (0..8).map(|n| n * 30).collect() }
    }

    fn viewport(columns: u32, rows: u32, region: Option<[i32; 4]>) -> Viewport {
        let region = region.map(|[left, top, columns, rows]| Region {
            left: u32::try_from(left).unwrap(),
            top: u32::try_from(top).unwrap(),
            columns,
            rows,
        });
        Viewport { columns, rows, region }
    }

    #[test]
    fn proportions_are_kept() {
        for (viewport, size) in
            [((100, 100), (100, 50)), ((8, 100), (8, 4)), ((100, 4), (8, 4)), ((1, 1), (1, 1))]
        {
            assert_eq!(fitted((4, 2), viewport), size);
        }
        let shown = show(numbered(), &viewport(8, 8, None)).unwrap();
        assert_eq!((shown.columns, shown.rows, shown.samples.len()), (8, 4, 32));
    }

    #[test]
    fn a_part_is_cut_out_and_turned() {
        let cut = |region| show(numbered(), &viewport(2, 2, Some(region))).unwrap().samples;
        assert_eq!(cut([1, 0, 2, 2]), [30, 60, 150, 180]);
        assert_eq!(cut([1, 0, -2, 2]), [60, 30, 180, 150]);
        assert_eq!(cut([1, 0, 2, -2]), [150, 180, 30, 60]);
    }

    #[test]
    fn a_part_outside_of_the_picture_and_an_absurd_size_are_refused() {
        for wrong in [
            viewport(2, 2, Some([3, 0, 2, 2])),
            viewport(2, 2, Some([0, 0, 0, 2])),
            viewport(2, 2, Some([0, 1, 4, i32::MIN])),
            viewport(0, 2, None),
            viewport(65_535, 65_535, None),
        ] {
            assert!(show(numbered(), &wrong).is_err(), "{wrong:?}");
        }
    }
}
