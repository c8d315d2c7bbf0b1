//! A picture as numbers, for comparing: brightness only, at any place between pixels, and ever smaller.

/// Brightness, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    columns: usize,
    rows: usize,
    values: Vec<f32>,
}

/// A picture does not have as many values as its size says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a picture of {columns} x {rows} does not have {values} values")]
pub struct WrongSize {
    columns: usize,
    rows: usize,
    values: usize,
}

impl Plane {
    /// A picture of one value per pixel.
    ///
    /// # Errors
    /// [`WrongSize`], also for a picture without pixels.
    pub fn new(columns: usize, rows: usize, values: Vec<f32>) -> Result<Self, WrongSize> {
        if values.is_empty() || columns.checked_mul(rows) != Some(values.len()) {
            return Err(WrongSize { columns, rows, values: values.len() });
        }
        Ok(Self { columns, rows, values })
    }

    /// A picture of bytes, grey or red, green and blue.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_bytes(columns: usize, rows: usize, in_colour: bool, samples: &[u8]) -> Result<Self, WrongSize> {
        let values = if in_colour {
            // ITU-R BT.601, as JPEG has it.
            let luminance = |pixel: &[u8; 3]| {
                f32::from(pixel[0]) * 0.299 + f32::from(pixel[1]) * 0.587 + f32::from(pixel[2]) * 0.114
            };
            samples.as_chunks().0.iter().map(luminance).collect()
        } else {
            samples.iter().map(|sample| f32::from(*sample)).collect()
        };
        Self::new(columns, rows, values)
    }

    /// Pixels of a row.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// Rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// The value of a pixel; beyond the edge that of the edge.
    pub(crate) fn at(&self, column: usize, row: usize) -> f32 {
        let at = row.min(self.rows - 1) * self.columns + column.min(self.columns - 1);
        self.values.get(at).copied().unwrap_or_default()
    }

    /// Whether a place lies within the picture. Pixels have their middle at a half.
    pub(crate) fn has(&self, x: f32, y: f32) -> bool {
        x >= 0.0 && y >= 0.0 && x <= self.columns as f32 && y <= self.rows as f32
    }

    /// The value at a place between pixels.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and within the picture"
    )]
    pub(crate) fn between(&self, x: f32, y: f32) -> f32 {
        let (x, y) = ((x - 0.5).max(0.0), (y - 0.5).max(0.0));
        let (column, row) = (x as usize, y as usize);
        let (right, below) = (x - column as f32, y - row as f32);
        let mixed = |row| self.at(column, row) * (1.0 - right) + self.at(column + 1, row) * right;
        mixed(row) * (1.0 - below) + mixed(row + 1) * below
    }

    /// The value at a place, and how it grows to the right and downwards.
    pub(crate) fn slope(&self, x: f32, y: f32) -> (f32, f32) {
        let across = self.between(x + 0.5, y) - self.between(x - 0.5, y);
        let down = self.between(x, y + 0.5) - self.between(x, y - 0.5);
        (across, down)
    }

    /// The same picture in half the size.
    fn halved(&self) -> Self {
        let (columns, rows) = (self.columns.div_ceil(2), self.rows.div_ceil(2));
        let mut values = Vec::with_capacity(columns * rows);
        for row in 0..rows {
            for column in 0..columns {
                let (column, row) = (2 * column, 2 * row);
                let above = self.at(column, row) + self.at(column + 1, row);
                let below = self.at(column, row + 1) + self.at(column + 1, row + 1);
                values.push((above + below) / 4.0);
            }
        }
        Self { columns, rows, values }
    }

    /// In another size: of each new pixel the mean of what it covers, or what lies between pixels.
    pub(crate) fn resized(&self, columns: usize, rows: usize) -> Self {
        let (across, down) = (self.columns as f32 / columns as f32, self.rows as f32 / rows as f32);
        let steps = |step: f32| (step.ceil().clamp(1.0, 16.0), step);
        let ((count_across, across), (count_down, down)) = (steps(across), steps(down));
        let place =
            |number: usize, part: f32, count: f32, step: f32| (number as f32 + (part + 0.5) / count) * step;
        let mut values = Vec::with_capacity(columns * rows);
        for row in 0..rows {
            for column in 0..columns {
                let mut sum = 0.0;
                for part_down in 0..count_down as usize {
                    for part_across in 0..count_across as usize {
                        let x = place(column, part_across as f32, count_across, across);
                        sum += self.between(x, place(row, part_down as f32, count_down, down));
                    }
                }
                values.push(sum / (count_across * count_down));
            }
        }
        Self { columns, rows, values }
    }
}

/// A picture and its halves, quarters and so on, so that a value that stands for many pixels is their mean.
#[derive(Clone, Debug)]
pub(crate) struct Pyramid(Vec<Plane>);

impl Pyramid {
    pub(crate) fn new(plane: Plane) -> Self {
        let mut levels = vec![plane];
        while let Some(last) = levels.last().filter(|last| last.columns.min(last.rows) >= 16) {
            levels.push(last.halved());
        }
        Self(levels)
    }

    /// The level whose pixels are not larger than this many of the whole picture, and how many of those are one of its.
    pub(crate) fn level(&self, spacing: f32) -> (&Plane, f32) {
        let mut found = 0;
        let mut size = 1.0;
        while size * 2.0 <= spacing * 1.05 && found + 1 < self.0.len() {
            found += 1;
            size *= 2.0;
        }
        // INVARIANT: there is a whole picture, and `found` is below the number of levels.
        (self.0.get(found).unwrap_or_else(|| unreachable!()), size)
    }

    pub(crate) fn whole(&self) -> &Plane {
        self.level(1.0).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_between_their_neighbours_and_means_are_kept() {
        let values: Vec<f32> = (0..64 * 32).map(|at| (at % 64) as f32).collect();
        let plane = Plane::new(64, 32, values).unwrap();
        assert!((plane.between(10.5, 7.0) - 10.0).abs() < 1e-5);
        assert!((plane.between(11.0, 7.3) - 10.5).abs() < 1e-5);
        assert!((plane.slope(20.0, 9.0).0 - 1.0).abs() < 1e-5 && plane.slope(20.0, 9.0).1.abs() < 1e-5);
        let pyramid = Pyramid::new(plane.clone());
        let (level, size) = pyramid.level(2.1);
        assert_eq!((level.columns(), size), (32, 2.0));
        assert!((level.between(5.0, 5.0) - plane.between(10.0, 10.0)).abs() < 1e-4);
        assert!((plane.resized(16, 8).at(3, 3) - 13.5).abs() < 0.6);
        assert!(Plane::new(3, 3, vec![0.0; 8]).is_err() && Plane::new(0, 3, vec![]).is_err());
    }
}
