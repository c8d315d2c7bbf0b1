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
    if columns >= region.columns.unsigned_abs() && rows >= region.rows.unsigned_abs() {
        let enlarge = if bitmap.in_colour { enlarged::<3> } else { enlarged::<1> };
        let samples = enlarge(bitmap, region, (columns as usize, rows as usize));
        return Ok(Bitmap { columns, rows, in_colour: bitmap.in_colour, samples });
    }
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

/// Bilinear, as the library scales: its kernels of any width cost more where two pixels are all that counts.
/// Pixels have `SAMPLES` samples.
fn enlarged<const SAMPLES: usize>(
    bitmap: &Bitmap,
    region: &Region,
    (columns, rows): (usize, usize),
) -> Vec<u8> {
    let (from_columns, from_rows) =
        (region.columns.unsigned_abs() as usize, region.rows.unsigned_abs() as usize);
    let (left, top) = (region.left as usize, region.top as usize);
    let across: Vec<Between> = betweens(from_columns, columns).collect();
    // One pixel behind the last stands for it, so that every place has two.
    let mut source = vec![[0; SAMPLES]; from_columns + 1];
    let mut stretch = |row: usize, out: &mut [u16]| {
        let start = (top + row.min(from_rows - 1)) * bitmap.columns as usize + left;
        let all = bitmap.samples.as_chunks::<SAMPLES>().0;
        let pixels = all.get(start..start + from_columns).unwrap_or_default().iter();
        source
            .iter_mut()
            .zip(pixels.clone().chain(pixels.as_slice().last()))
            .for_each(|(to, pixel)| *to = *pixel);
        for (to, between) in out.as_chunks_mut::<SAMPLES>().0.iter_mut().zip(&across) {
            if let Some([here, next]) = source.get(between.place..between.place + 2) {
                for ((to, here), next) in to.iter_mut().zip(here).zip(next) {
                    // The sum is less than 2^16, and modulo that it is right on the way, too.
                    let (here, next) = (u16::from(*here), u16::from(*next));
                    *to = (here * WHOLE).wrapping_add(next.wrapping_sub(here).wrapping_mul(between.part));
                }
            }
        }
    };
    let (mut above, mut below) = (vec![0; columns * SAMPLES], vec![0; columns * SAMPLES]);
    stretch(0, &mut above);
    stretch(1, &mut below);
    let mut row = 0;
    let mut out = Vec::with_capacity(columns * rows * SAMPLES);
    for Between { place, part } in betweens(from_rows, rows) {
        while row < place {
            row += 1;
            std::mem::swap(&mut above, &mut below);
            stretch(row + 1, &mut below);
        }
        #[allow(clippy::cast_possible_truncation)] // a mean of bytes
        let mean = |(above, below): (&u16, &u16)| {
            let sum = u32::from(*above) * u32::from(WHOLE - part) + u32::from(*below) * u32::from(part);
            ((sum + (1 << 15)) >> 16) as u8
        };
        out.extend(above.iter().zip(&below).map(mean));
    }
    out
}

/// Where a pixel that is shown lies in the picture: so many parts of [`WHOLE`] behind the middle of a pixel.
struct Between {
    place: usize,
    part: u16,
}

/// Parts from the middle of a pixel to that of the next.
const WHOLE: u16 = 256;

/// The places of `count` pixels over `of`, which are not more; those before the first middle and behind the last one are there.
fn betweens(of: usize, count: usize) -> impl Iterator<Item = Between> {
    let whole = usize::from(WHOLE);
    (0..count).map(move |at| {
        let parts = ((2 * at + 1) * of * whole / (2 * count)).saturating_sub(whole / 2);
        let parts = parts.min((of - 1) * whole);
        #[allow(clippy::cast_possible_truncation)] // less than WHOLE
        let part = (parts % whole) as u16;
        Between { place: parts / whole, part }
    })
}

fn turn_row(row: &mut [u8], width: usize) {
    row.reverse();
    row.chunks_exact_mut(width).for_each(<[u8]>::reverse);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ImageAttributes;
    use crate::testing::{colour, grey, noise};
    use proptest::prelude::*;

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
    fn between_two_pixels_there_is_what_lies_between_their_values() {
        let row = |samples: &[u8], columns| {
            let bitmap = Bitmap { columns: 2, rows: 1, in_colour: false, samples: samples.to_vec() };
            show(bitmap, &viewport(columns, 1_000, None)).unwrap()
        };
        let shown = row(&[0, 100], 4);
        assert_eq!((shown.columns, shown.rows), (4, 2));
        assert_eq!(shown.samples, [0, 25, 75, 100, 0, 25, 75, 100]);
        assert_eq!(row(&[255, 255], 7).samples, [255; 28]);
    }

    proptest! {
        #[test]
        fn enlarging_gives_what_the_library_for_scaling_gives(
            columns in 1..40_u32, rows in 1..40_u32, in_colour: bool, more in 1..5_u32, odd in 0..7_u32, seed: u64,
        ) {
            let kind = if in_colour { colour(rows, columns) } else { ImageAttributes { rows, columns, ..grey(8, 8) } };
            let bitmap = Bitmap { columns, rows, in_colour, samples: noise(kind, seed, false).bytes };
            let to = (columns * more + odd, rows * more + odd);
            let region = Region { left: 0, top: 0, columns: signed(columns), rows: signed(rows) };
            let ours = scaled(&bitmap, &region, to).unwrap();
            let pixel = if in_colour { PixelType::U8x3 } else { PixelType::U8 };
            let source = ImageRef::new(columns, rows, &bitmap.samples, pixel).unwrap();
            let mut theirs = Image::new(to.0, to.1, pixel);
            let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
            Resizer::new().resize(&source, &mut theirs, &options).unwrap();
            prop_assert!(ours.samples.iter().zip(theirs.buffer()).all(|(one, other)| one.abs_diff(*other) <= 2));
            prop_assert_eq!(ours.samples.len(), theirs.buffer().len());
        }

        #[test]
        fn an_enlarged_part_is_the_part_of_a_picture_of_its_own(
            columns in 1..20_u32, rows in 1..20_u32, left in 0..9_u32, top in 0..9_u32, in_colour: bool, times in 1..4_u32, seed: u64,
        ) {
            let sides = ImageAttributes { rows: rows + top + 3, columns: columns + left + 2, ..grey(8, 8) };
            let kind = if in_colour { colour(sides.rows, sides.columns) } else { sides };
            let width = if in_colour { 3 } else { 1 };
            let bitmap = Bitmap { columns: sides.columns, rows: sides.rows, in_colour, samples: noise(kind, seed, false).bytes };
            let lines = bitmap.samples.chunks(sides.columns as usize * width).skip(top as usize).take(rows as usize);
            let samples = lines.flat_map(|line| &line[left as usize * width..(left + columns) as usize * width]).copied().collect();
            let part = Bitmap { columns, rows, in_colour, samples };
            let to = (columns * times, rows * times);
            let region = Region { left, top, columns: signed(columns), rows: signed(rows) };
            let whole = Region { left: 0, top: 0, ..region };
            prop_assert_eq!(scaled(&bitmap, &region, to).unwrap().samples, scaled(&part, &whole, to).unwrap().samples);
        }
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
