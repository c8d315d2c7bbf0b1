//! From about to exactly: the found picture is laid over the frame by a perspective whose eight numbers are moved until what is seen fits what is stored
//! (Lucas and Kanade's method, from small pictures to large ones). How bright the found picture shows what is stored is worked out
//! anew in each step, so any window, gamma or printer may lie in between.

use super::coarse::Guess;
use crate::plane::Pyramid;
use crate::tone::Tone;

/// The numbers of a perspective.
const NUMBERS: usize = 8;

/// Sides of the grids on which pictures are compared, from coarse to fine.
const GRIDS: [usize; 4] = [48, 96, 160, 256];

/// Steps on each grid.
const STEPS_MAX: usize = 30;

/// A step that moves no corner by more than this part of a pixel of the grid is the last one.
const STILL: f64 = 0.01;

/// Pictures that have fewer places in common than this are not laid over each other.
const PLACES_MIN: usize = 600;

/// Places of a frame to places of a found picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Perspective {
    /// Of places from -1 to 1 to pixels.
    numbers: [f64; NUMBERS],
    middle: (f64, f64),
    half: f64,
}

impl Perspective {
    /// From a guess.
    pub(crate) fn of(guess: &Guess, columns: usize, rows: usize) -> Self {
        let (middle_x, middle_y) = (columns as f64 / 2.0, rows as f64 / 2.0);
        let half = middle_x.max(middle_y);
        let (scale, left, top) = (f64::from(guess.scale), f64::from(guess.left), f64::from(guess.top));
        let (x, y) = (left + middle_x * scale, top + middle_y * scale);
        Self {
            numbers: [half * scale, 0.0, x, 0.0, half * scale, y, 0.0, 0.0],
            middle: (middle_x, middle_y),
            half,
        }
    }

    /// Where a place of the frame lies in the found picture; both in pixels.
    #[must_use]
    pub fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let (u, v) = ((x - self.middle.0) / self.half, (y - self.middle.1) / self.half);
        let (x, y, _) = self.of_unit(u, v);
        (x, y)
    }

    /// How many pixels of the found picture one of the frame has, about there.
    pub(crate) fn scale_at(&self, x: f64, y: f64) -> f64 {
        let (here, right, below) = (self.place(x, y), self.place(x + 1.0, y), self.place(x, y + 1.0));
        let (a, b) = (right.0 - here.0, right.1 - here.1);
        let (c, d) = (below.0 - here.0, below.1 - here.1);
        (a * d - b * c).abs().sqrt()
    }

    fn of_unit(&self, u: f64, v: f64) -> (f64, f64, f64) {
        let [a, b, c, d, e, f, g, h] = self.numbers;
        let depth = 1.0 + g * u + h * v;
        ((a * u + b * v + c) / depth, (d * u + e * v + f) / depth, depth)
    }

    /// How far two of them put the same corner apart, in pixels of the found picture.
    fn apart(&self, other: &Self) -> f64 {
        let corners = [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)];
        let apart = |(u, v): (f64, f64)| {
            let ((x, y, _), (other_x, other_y, _)) = (self.of_unit(u, v), other.of_unit(u, v));
            (x - other_x).hypot(y - other_y)
        };
        corners.into_iter().map(apart).fold(0.0, f64::max)
    }

    fn is_sane(&self) -> bool {
        let [a, b, _, d, e, _, g, h] = self.numbers;
        // Nobody photographs a screen from beside it, and no picture is turned over by a fit.
        self.numbers.iter().all(|number| number.is_finite()) && g.abs() + h.abs() < 0.5 && a * e - b * d > 1.0
    }
}

/// Lays a found picture over a frame exactly. Gives the perspective, and how like the two are then.
pub(crate) fn refine(frame: &Pyramid, found: &Pyramid, guess: &Guess) -> Option<(Perspective, f32)> {
    let (columns, rows) = (frame.whole().columns(), frame.whole().rows());
    let mut laid = Perspective::of(guess, columns, rows);
    let mut likeness = None;
    for (level, grid) in GRIDS.into_iter().enumerate() {
        // Size and place first; how it is turned, and then how it leans, when that is about right.
        let numbers = if level == 0 { 6 } else { NUMBERS };
        for _ in 0..STEPS_MAX {
            let places = Compared::new(frame, found, &laid, grid)?;
            likeness = Some(places.likeness());
            let next = places.step(&laid, numbers)?;
            let moved = next.apart(&laid) * grid as f64 / (2.0 * laid.numbers[0].hypot(laid.numbers[3]));
            if !next.is_sane() {
                return None;
            }
            laid = next;
            if moved < STILL {
                break;
            }
        }
    }
    Some((laid, likeness?))
}

/// What both pictures show at the places of a grid.
struct Compared {
    places: Vec<Place>,
    tone: Tone,
}

struct Place {
    u: f64,
    v: f64,
    stored: f32,
    seen: f32,
    across: f32,
    down: f32,
}

impl Compared {
    #[allow(clippy::cast_possible_truncation, reason = "places of pictures")]
    fn new(frame: &Pyramid, found: &Pyramid, laid: &Perspective, grid: usize) -> Option<Self> {
        let step = 2.0 * laid.half / grid as f64;
        let (stored, stored_size) = frame.level(step as f32);
        let scale = laid.scale_at(laid.middle.0, laid.middle.1);
        let (seen, seen_size) = found.level((step * scale) as f32);
        let (columns, rows) = (frame.whole().columns() as f64, frame.whole().rows() as f64);
        let mut places = Vec::with_capacity(grid * grid);
        for row in 0..grid {
            for column in 0..grid {
                let unit = |at: usize| (at as f64 + 0.5) * 2.0 / grid as f64 - 1.0;
                let (u, v) = (unit(column), unit(row));
                let (x, y) = (laid.middle.0 + u * laid.half, laid.middle.1 + v * laid.half);
                if x < 0.0 || y < 0.0 || x > columns || y > rows {
                    continue;
                }
                let (seen_x, seen_y, _) = laid.of_unit(u, v);
                let (seen_x, seen_y) = (seen_x as f32, seen_y as f32);
                if !found.whole().has(seen_x, seen_y) {
                    continue;
                }
                let (seen_x, seen_y) = (seen_x / seen_size, seen_y / seen_size);
                let (across, down) = seen.slope(seen_x, seen_y);
                places.push(Place {
                    u,
                    v,
                    stored: stored.between(x as f32 / stored_size, y as f32 / stored_size),
                    seen: seen.between(seen_x, seen_y),
                    across: across / seen_size,
                    down: down / seen_size,
                });
            }
        }
        if places.len() < PLACES_MIN {
            return None;
        }
        let tone = Tone::new(places.iter().map(|place| (place.stored, place.seen)))?;
        Some(Self { places, tone })
    }

    /// The correlation of what is seen with what should be.
    fn likeness(&self) -> f32 {
        let pairs =
            || self.places.iter().map(|place| (f64::from(self.tone.of(place.stored)), f64::from(place.seen)));
        let count = self.places.len() as f64;
        let (sum, other_sum) = pairs().fold((0.0, 0.0), |sums, pair| (sums.0 + pair.0, sums.1 + pair.1));
        let (mean, other_mean) = (sum / count, other_sum / count);
        let (both, squares, other_squares) = pairs().fold((0.0, 0.0, 0.0), |sums, (one, other)| {
            let (one, other) = (one - mean, other - other_mean);
            (sums.0 + one * other, sums.1 + one * one, sums.2 + other * other)
        });
        #[allow(clippy::cast_possible_truncation, reason = "from -1 to 1")]
        let likeness = (both / (squares * other_squares).sqrt().max(1e-9)) as f32;
        likeness
    }

    /// The perspective that fits better.
    fn step(&self, laid: &Perspective, numbers: usize) -> Option<Perspective> {
        let off = |place: &Place| self.tone.of(place.stored) - place.seen;
        let mut sizes: Vec<f32> = self.places.iter().map(|place| off(place).abs()).collect();
        let middle = sizes.len() / 2;
        let (_, median, _) = sizes.select_nth_unstable_by(middle, f32::total_cmp);
        // Letters of a mark and what lies over the picture are no reason to move it.
        let usual = f64::from(median.max(0.5)) * 2.0;
        let mut normal = [[0.0; NUMBERS]; NUMBERS];
        let mut right = [0.0; NUMBERS];
        for place in &self.places {
            let (x, y, depth) = laid.of_unit(place.u, place.v);
            let (across, down) = (f64::from(place.across) / depth, f64::from(place.down) / depth);
            let lean = -(across * x + down * y);
            let (u, v) = (place.u, place.v);
            let slopes = [across * u, across * v, across, down * u, down * v, down, lean * u, lean * v];
            let off = f64::from(off(place));
            let weight = 1.0 / (1.0 + (off / usual).powi(2));
            for ((line, slope), right) in normal.iter_mut().zip(slopes).zip(&mut right) {
                line.iter_mut().zip(slopes).for_each(|(sum, other)| *sum += weight * slope * other);
                *right += weight * slope * off;
            }
        }
        let moved = solved(&mut normal, &mut right, numbers)?;
        let mut next = *laid;
        next.numbers.iter_mut().zip(moved).for_each(|(number, moved)| *number += moved);
        Some(next)
    }
}

// === helpers ===

/// Solves the first equations of a symmetric system; the other unknowns are zero.
fn solved(
    normal: &mut [[f64; NUMBERS]; NUMBERS],
    right: &mut [f64; NUMBERS],
    count: usize,
) -> Option<[f64; NUMBERS]> {
    for line in 0..count {
        let (above, below) = normal.split_at_mut(line + 1);
        let (right_above, right_below) = right.split_at_mut(line + 1);
        let (pivot_line, pivot_right) = (above.last()?, *right_above.last()?);
        let pivot = *pivot_line.get(line)?;
        if pivot.abs() < 1e-9 {
            return None;
        }
        for (other, other_right) in below.iter_mut().zip(right_below).take(count - line - 1) {
            let factor = *other.get(line)? / pivot;
            other.iter_mut().zip(pivot_line).for_each(|(to, from)| *to -= factor * from);
            *other_right -= factor * pivot_right;
        }
    }
    let mut solution = [0.0; NUMBERS];
    for line in (0..count).rev() {
        let known: f64 = normal
            .get(line)?
            .iter()
            .zip(&solution)
            .skip(line + 1)
            .take(count - line - 1)
            .map(|(a, b)| a * b)
            .sum();
        *solution.get_mut(line)? = (right.get(line)? - known) / normal.get(line)?.get(line)?;
    }
    Some(solution)
}
