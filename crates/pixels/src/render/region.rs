//! What the values of a region of a picture in grey are together: how many, their mean, how far they differ from it, the lowest and the highest. In
//! what they measure, behind the modality table.

use super::Presentation;
use super::grey::measured;
use crate::error::PixelError;
use crate::image::{Photometric, Picture};
use std::ops::Range;

/// The form of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// All pixels of its box.
    Rectangle,
    /// Those whose middle is inside the ellipse that touches the sides of its box.
    Ellipse,
}

/// A region: a form in a box of whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Its form.
    pub shape: Shape,
    /// Columns left of its box.
    pub left: u32,
    /// Rows above its box.
    pub top: u32,
    /// Columns of its box.
    pub columns: u32,
    /// Rows of its box.
    pub rows: u32,
}

/// The values of a region together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// How many pixels.
    pub pixels: u64,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, as of all values that there are.
    pub deviation: f64,
    /// The lowest.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
}

impl Area {
    /// How many pixels it has. Nothing of a picture is needed for that.
    #[must_use]
    pub fn pixels(&self) -> u64 {
        (0..self.rows).map(|row| self.span(row).len() as u64).sum()
    }

    /// Which columns of a row of its box, both counted from the corner of the box.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the box, whose sides are of 32 bits"
    )]
    fn span(&self, row: u32) -> Range<u32> {
        if self.shape == Shape::Rectangle {
            return 0..self.columns;
        }
        let (across, down) = (f64::from(self.columns) / 2.0, f64::from(self.rows) / 2.0);
        let up = (f64::from(row) + 0.5 - down) / down;
        let half = across * (1.0 - up * up).max(0.0).sqrt();
        // The middle of a pixel is half a pixel behind its corner.
        let first = (across - half - 0.5).ceil().max(0.0);
        let behind = ((across + half - 0.5).floor() + 1.0).min(f64::from(self.columns));
        first as u32..behind.max(first) as u32
    }
}

/// The values of a region of a decoded frame.
///
/// # Errors
/// [`PixelError`] for a picture in colour, and for a region that is not wholly in the picture.
#[allow(clippy::cast_precision_loss, reason = "pixels of a frame are far fewer than 2^53")]
pub fn statistics(
    picture: &Picture,
    presentation: &Presentation,
    area: &Area,
) -> Result<Statistics, PixelError> {
    let attributes = &picture.attributes;
    if !matches!(attributes.photometric, Photometric::Monochrome1 | Photometric::Monochrome2) {
        return Err(PixelError::Unsupported { what: "measuring a picture in colour" });
    }
    let inside = |start: u32, length: u32, of: u32| start.checked_add(length).is_some_and(|end| end <= of);
    if !inside(area.left, area.columns, attributes.columns) || !inside(area.top, area.rows, attributes.rows) {
        return Err(PixelError::Attribute { attribute: "region", expected: "inside the picture" });
    }
    // Values around the first one: sums of squares of what is far from zero lose what matters.
    let mut first = None;
    let (mut pixels, mut sum, mut squares) = (0_u64, 0.0, 0.0);
    let (mut lowest, mut highest) = (f64::INFINITY, f64::NEG_INFINITY);
    for row in 0..area.rows {
        let columns = area.span(row);
        let start = (area.top + row) as usize * attributes.columns as usize + area.left as usize;
        let samples = start + columns.start as usize..start + columns.end as usize;
        picture.for_each_sample_in(samples, |sample| {
            let value = measured(sample, presentation);
            let apart = value - *first.get_or_insert(value);
            pixels += 1;
            sum += apart;
            squares += apart * apart;
            lowest = lowest.min(value);
            highest = highest.max(value);
        });
    }
    let Some(first) = first else {
        return Err(PixelError::Attribute { attribute: "region", expected: "of one pixel at least" });
    };
    let mean = sum / pixels as f64;
    let deviation = (squares / pixels as f64 - mean * mean).max(0.0).sqrt();
    Ok(Statistics { pixels, mean: first + mean, deviation, lowest, highest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ImageAttributes;
    use crate::testing::grey;
    use proptest::prelude::*;
    use yingdun_dicom::data_set::DataSet;
    use yingdun_dicom::{Vr, tags};

    fn area(shape: Shape, [left, top, columns, rows]: [u32; 4]) -> Area {
        Area { shape, left, top, columns, rows }
    }

    /// A picture whose samples are their places in it.
    fn numbered(columns: u32, rows: u32) -> Picture {
        let attributes = ImageAttributes { columns, rows, ..grey(16, 16) };
        let bytes = (0..columns * rows).flat_map(|place| (place as u16).to_le_bytes()).collect();
        Picture { attributes, bytes }
    }

    fn rescaled() -> DataSet {
        let mut set = DataSet::new();
        set.put_text(tags::RESCALE_SLOPE, Vr::DS, "2");
        set.put_text(tags::RESCALE_INTERCEPT, Vr::DS, "-1000");
        set
    }

    fn of(picture: &Picture, set: &DataSet, area: &Area) -> Result<Statistics, PixelError> {
        statistics(picture, &Presentation::of(set, 1, &picture.attributes).unwrap(), area)
    }

    #[test]
    fn values_are_those_behind_the_modality_table() {
        let found = of(&numbered(4, 4), &rescaled(), &area(Shape::Rectangle, [1, 1, 2, 2])).unwrap();
        // 5, 6, 9, 10.
        assert_eq!((found.pixels, found.mean), (4, -985.0));
        assert_eq!((found.lowest, found.highest), (-990.0, -980.0));
        assert!((found.deviation - 2.0 * 4.25_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn what_is_not_wholly_inside_or_in_colour_is_refused() {
        let picture = numbered(4, 4);
        for wrong in [[3, 0, 2, 1], [0, 3, 1, 2], [u32::MAX, 0, 2, 1], [0, 0, 0, 4]] {
            assert!(of(&picture, &DataSet::new(), &area(Shape::Rectangle, wrong)).is_err(), "{wrong:?}");
        }
        let attributes = ImageAttributes { samples: 3, photometric: Photometric::Rgb, ..grey(8, 8) };
        let bytes = vec![0; attributes.frame_samples()];
        let colour = Picture { attributes, bytes };
        assert!(of(&colour, &DataSet::new(), &area(Shape::Rectangle, [0, 0, 1, 1])).is_err());
    }

    proptest! {
        #[test]
        fn a_region_has_the_pixels_whose_middle_is_inside(
            left in 0_u32..9, top in 0_u32..9, columns in 1_u32..12, rows in 1_u32..12, is_ellipse: bool,
        ) {
            let picture = numbered(21, 21);
            let shape = if is_ellipse { Shape::Ellipse } else { Shape::Rectangle };
            let asked = area(shape, [left, top, columns, rows]);
            let inside = |x: u32, y: u32| {
                let across = (f64::from(x - left) + 0.5 - f64::from(columns) / 2.0) / (f64::from(columns) / 2.0);
                let down = (f64::from(y - top) + 0.5 - f64::from(rows) / 2.0) / (f64::from(rows) / 2.0);
                // What lies on the line by a rounding error may be on either side.
                across * across + down * down <= 1.0 + 1e-12
            };
            let values: Vec<f64> = (top..top + rows)
                .flat_map(|y| (left..left + columns).map(move |x| (x, y)))
                .filter(|(x, y)| !is_ellipse || inside(*x, *y))
                .map(|(x, y)| f64::from(y * 21 + x))
                .collect();
            let found = of(&picture, &DataSet::new(), &asked).unwrap();
            prop_assert_eq!(found.pixels, asked.pixels());
            prop_assert_eq!(found.pixels, values.len() as u64);
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let spread = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
            prop_assert!((found.mean - mean).abs() < 1e-6 && (found.deviation - spread.sqrt()).abs() < 1e-6);
            prop_assert_eq!(found.lowest, values.iter().copied().fold(f64::INFINITY, f64::min));
            prop_assert_eq!(found.highest, values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        }
    }
}
