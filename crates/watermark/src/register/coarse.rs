//! Where about a found picture lies over a frame: every size and place is tried with both made very small, by the correlation of what they have in common.

use super::fourier::{Complex, Transform};
use crate::plane::Plane;

/// The longer side of a frame, in pixels, while places are tried.
const SIDE: usize = 64;

/// Sizes that are tried: the longer side of the frame in longer sides of the found picture. Below one there is something around the picture; at
/// three, a third of it is left.
const SIZES: std::ops::RangeInclusive<f32> = 0.45..=3.0;
const SIZE_STEP: f32 = 1.05;

/// The least part of the smaller of two pictures that has to lie over the other.
const OVERLAP_MIN: f32 = 0.55;

/// The side of the squares that are transformed: a frame and the largest found picture beside it.
const SQUARE: usize = 256;

/// The frame made small.
pub(crate) struct Small {
    plane: Plane,
    sums: Sums,
    transformed: Vec<Complex>,
    /// Pixels of the frame in one of it.
    size: f32,
}

/// A guess: how many pixels of the found picture one of the frame has, and where the middle of the frame lies in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Guess {
    pub(crate) scale: f32,
    pub(crate) left: f32,
    pub(crate) top: f32,
    /// The correlation, from -1 to 1.
    pub(crate) likeness: f32,
}

impl Small {
    pub(crate) fn new(frame: &Plane) -> Self {
        let size = frame.columns().max(frame.rows()) as f32 / SIDE as f32;
        let plane = small(frame, size);
        let mut transformed = padded(&plane);
        Transform::new(SQUARE).forward(&mut transformed);
        Self { sums: Sums::new(&plane), plane, transformed, size }
    }

    /// The best place for each size, the likeliest first.
    pub(crate) fn guesses(&self, found: &Sizes) -> Vec<Guess> {
        let guess = |sized: &OneSize| {
            // The found picture begins there, in small pixels of the frame.
            let (left, top, likeness) = self.best_place(&found.transform, sized)?;
            let (scale, shrink) = (sized.shrink / self.size, sized.shrink);
            Some(Guess { scale, left: -left as f32 * shrink, top: -top as f32 * shrink, likeness })
        };
        let mut guesses: Vec<Guess> = found.sizes.iter().filter_map(guess).collect();
        guesses.sort_by(|one, other| other.likeness.total_cmp(&one.likeness));
        guesses
    }

    /// Where a picture of this size is most like the frame: its offset, and how like it is.
    fn best_place(&self, transform: &Transform, sized: &OneSize) -> Option<(isize, isize, f32)> {
        let found = &sized.plane;
        let (columns, rows) = (self.plane.columns() as isize, self.plane.rows() as isize);
        let (found_columns, found_rows) = (found.columns() as isize, found.rows() as isize);
        if columns + found_columns > SQUARE as isize || rows + found_rows > SQUARE as isize {
            return None;
        }
        let pairs = self.transformed.iter().zip(&sized.transformed);
        let mut product: Vec<Complex> = pairs.map(|(frame, found)| frame.against(*found)).collect();
        transform.back(&mut product);
        let sums = &sized.sums;
        let smaller = (columns * rows).min(found_columns * found_rows) as f32;
        let factor = 1.0 / (SQUARE * SQUARE) as f32;
        let mut best: Option<(isize, isize, f32)> = None;
        for top in 1 - found_rows..rows {
            for left in 1 - found_columns..columns {
                let (right, bottom) = ((left + found_columns).min(columns), (top + found_rows).min(rows));
                let (from, above) = (left.max(0), top.max(0));
                let count = ((right - from) * (bottom - above)) as f32;
                if count < OVERLAP_MIN * smaller {
                    continue;
                }
                let wrapped = |at: isize| at.rem_euclid(SQUARE as isize) as usize;
                let both = product
                    .get(wrapped(top) * SQUARE + wrapped(left))
                    .map_or(0.0, |number| number.re * factor);
                let (sum, squares) = self.sums.within(from, above, right, bottom);
                let (found_sum, found_squares) =
                    sums.within(from - left, above - top, right - left, bottom - top);
                let spread = (squares - sum * sum / count) * (found_squares - found_sum * found_sum / count);
                if spread <= count {
                    continue;
                }
                // What lies wholly over the other is likelier than what is cut off.
                let likeness = (both - sum * found_sum / count) / spread.sqrt();
                if best.is_none_or(|(_, _, most)| likeness > most) {
                    best = Some((left, top, likeness));
                }
            }
        }
        best
    }
}

/// A found picture in every size that is tried.
pub(crate) struct Sizes {
    transform: Transform,
    sizes: Vec<OneSize>,
}

struct OneSize {
    /// Pixels of the found picture in one of it made small.
    shrink: f32,
    plane: Plane,
    sums: Sums,
    transformed: Vec<Complex>,
}

impl Sizes {
    pub(crate) fn new(found: &Plane) -> Self {
        let transform = Transform::new(SQUARE);
        let longer = found.columns().max(found.rows()) as f32;
        let steps = std::iter::successors(Some(*SIZES.start()), |size| Some(size * SIZE_STEP));
        let sizes = steps.take_while(|size| size <= SIZES.end()).map(|size| {
            let shrink = longer * size / SIDE as f32;
            let plane = small(found, shrink);
            let mut transformed = padded(&plane);
            transform.forward(&mut transformed);
            OneSize { shrink, sums: Sums::new(&plane), plane, transformed }
        });
        Self { sizes: sizes.collect(), transform }
    }
}

// === helpers ===

/// A picture made smaller, without its mean: sums of floats stay exact enough.
fn small(plane: &Plane, shrink: f32) -> Plane {
    let side = |pixels: usize| ((pixels as f32 / shrink).round() as usize).max(1);
    let plane = plane.resized(side(plane.columns()), side(plane.rows()));
    let mean = plane.values().iter().sum::<f32>() / plane.values().len() as f32;
    let values = plane.values().iter().map(|value| value - mean).collect();
    Plane::new(plane.columns(), plane.rows(), values).unwrap_or(plane)
}

fn padded(plane: &Plane) -> Vec<Complex> {
    let mut square = vec![Complex::default(); SQUARE * SQUARE];
    for (line, row) in square.chunks_exact_mut(SQUARE).zip(plane.values().chunks_exact(plane.columns())) {
        line.iter_mut().zip(row).for_each(|(to, value)| to.re = *value);
    }
    square
}

/// Sums of values and of their squares over any rectangle.
struct Sums {
    columns: usize,
    sums: Vec<(f64, f64)>,
}

impl Sums {
    fn new(plane: &Plane) -> Self {
        let columns = plane.columns() + 1;
        let mut sums = vec![(0.0, 0.0); columns];
        for row in plane.values().chunks_exact(plane.columns()) {
            let above = sums.len() - columns;
            let mut line = (0.0, 0.0);
            sums.push(line);
            for (column, value) in row.iter().enumerate() {
                let value = f64::from(*value);
                line = (line.0 + value, line.1 + value * value);
                let (sum, squares) = sums.get(above + column + 1).copied().unwrap_or_default();
                sums.push((sum + line.0, squares + line.1));
            }
        }
        Self { columns, sums }
    }

    #[allow(clippy::cast_possible_truncation, reason = "of a few thousand values")]
    fn within(&self, left: isize, top: isize, right: isize, bottom: isize) -> (f32, f32) {
        let at = |column: isize, row: isize| {
            let at = usize::try_from(row * self.columns as isize + column).unwrap_or_default();
            self.sums.get(at).copied().unwrap_or_default()
        };
        let corners = [at(right, bottom), at(left, top), at(right, top), at(left, bottom)];
        let total = |pick: fn((f64, f64)) -> f64| {
            let [last, first, above, before] = corners.map(pick);
            (last + first - above - before) as f32
        };
        (total(|sums| sums.0), total(|sums| sums.1))
    }
}
