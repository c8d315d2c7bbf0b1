//! A picture of numbers on which ellipses are painted and noise is laid.

use super::rng::Rng;

pub(super) struct Canvas {
    columns: usize,
    values: Vec<i16>,
}

/// An ellipse in units of half the picture: the middle is (0, 0), the edges are at -1 and 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ellipse {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) half_width: f64,
    pub(super) half_height: f64,
    pub(super) value: i16,
}

impl Canvas {
    pub(super) fn new(columns: usize, rows: usize, value: i16) -> Self {
        Self { columns: columns.max(1), values: vec![value; columns.max(1) * rows] }
    }

    /// Paints an ellipse: a run of pixels in every row that it meets.
    pub(super) fn paint(&mut self, ellipse: Ellipse) {
        self.runs(ellipse, |run| run.fill(ellipse.value));
    }

    /// Adds to what is there: for projections, where tissues overlap.
    pub(super) fn add(&mut self, ellipse: Ellipse) {
        self.runs(ellipse, |run| {
            for value in run {
                *value = value.saturating_add(ellipse.value);
            }
        });
    }

    /// Lays noise of a standard deviation over everything. Neighbours share half of it, as the
    /// reconstruction kernels of real scanners make them do.
    #[allow(clippy::cast_possible_truncation)] // a few hundred at most
    pub(super) fn noise(&mut self, deviation: f64, rng: &mut Rng) {
        // √2: the sum of two independent halves.
        let scale = (deviation * 128.0 * std::f64::consts::FRAC_1_SQRT_2).round() as i32;
        let mut before = 0;
        let mut spoil = |values: &mut [i16], normals: [i32; 4]| {
            let [a, b, c, d] = normals;
            let noise = [before + a, a + b, b + c, c + d].map(|sum| ((sum * scale) >> 16) as i16);
            before = d;
            for (value, noise) in values.iter_mut().zip(noise) {
                *value = value.saturating_add(noise);
            }
        };
        let (fours, rest) = self.values.as_chunks_mut::<4>();
        for four in fours {
            spoil(four, rng.four_normal());
        }
        spoil(rest, rng.four_normal());
    }

    /// Sets everything outside the circle of the picture, as scanners do beyond their field of view.
    pub(super) fn crop_to_circle(&mut self, value: i16) {
        let circle = Ellipse { x: 0.0, y: 0.0, half_width: 1.0, half_height: 1.0, value: 0 };
        let rows = self.values.len() / self.columns;
        for row in 0..rows {
            let (from, until) = run(&circle, row, rows, self.columns).unwrap_or((0, 0));
            let start = row * self.columns;
            if let Some(line) = self.values.get_mut(start..start + self.columns) {
                if let Some(left) = line.get_mut(..from) {
                    left.fill(value);
                }
                if let Some(right) = line.get_mut(until..) {
                    right.fill(value);
                }
            }
        }
    }

    /// Shifts the values and bounds them: what a modality stores.
    pub(super) fn store(&mut self, shift: i16, most: i16) {
        for value in &mut self.values {
            *value = value.saturating_add(shift).clamp(0, most);
        }
    }

    /// The values as 16-bit little-endian words.
    pub(super) fn words(&self) -> Vec<u8> {
        let mut bytes = vec![0; 2 * self.values.len()];
        let (words, _) = bytes.as_chunks_mut::<2>();
        for (word, value) in words.iter_mut().zip(&self.values) {
            *word = value.to_le_bytes();
        }
        bytes
    }

    /// The values as bytes, bounded to 0 to 255.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.values.iter().map(|value| u8::try_from((*value).clamp(0, 255)).unwrap_or(255)).collect()
    }

    fn runs(&mut self, ellipse: Ellipse, mut paint: impl FnMut(&mut [i16])) {
        let rows = self.values.len() / self.columns;
        for row in 0..rows {
            if let Some((from, until)) = run(&ellipse, row, rows, self.columns) {
                let start = row * self.columns;
                if let Some(run) = self.values.get_mut(start + from..start + until) {
                    paint(run);
                }
            }
        }
    }
}

// === helpers ===

/// The columns of a row that lie inside an ellipse.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn run(ellipse: &Ellipse, row: usize, rows: usize, columns: usize) -> Option<(usize, usize)> {
    let y = (row as f64 + 0.5) / rows as f64 * 2.0 - 1.0;
    let across = (y - ellipse.y) / ellipse.half_height;
    let half = ellipse.half_width * (1.0 - across * across).max(0.0).sqrt();
    let column = |x: f64| ((x + 1.0) / 2.0 * columns as f64).round().clamp(0.0, columns as f64) as usize;
    let (from, until) = (column(ellipse.x - half), column(ellipse.x + half));
    (from < until).then_some((from, until))
}
