//! The wavelet transforms (ISO/IEC 15444-1 Annex F): a picture into one of half its size and what was lost on the way, and
//! both together again; the reversible one in whole numbers.

/// A part of a grid; `right` and `bottom` are outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) right: u32,
    pub(super) bottom: u32,
}

impl Area {
    pub(super) const fn columns(&self) -> u32 {
        self.right.saturating_sub(self.left)
    }

    pub(super) const fn rows(&self) -> u32 {
        self.bottom.saturating_sub(self.top)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.columns() == 0 || self.rows() == 0
    }

    /// Its part of a grid that was halved so many times, of which the last made the low half or, where `high` is 1, the
    /// high one, across and down (Equation B-15).
    pub(super) fn halved(&self, times: u32, high: [u32; 2]) -> Self {
        let half = |at: u32, high: u32| {
            let at = u64::from(at);
            let before = if times == 0 { 0 } else { u64::from(high) << (times - 1) };
            #[allow(clippy::cast_possible_truncation)] // not more than before
            let halved = at.saturating_sub(before).div_ceil(1 << times) as u32;
            halved
        };
        let [across, down] = high;
        Self {
            left: half(self.left, across),
            top: half(self.top, down),
            right: half(self.right, across),
            bottom: half(self.bottom, down),
        }
    }
}

/// Transforms the upper left `columns` x `rows` of a picture: down first, then across (§F.4.2). The half-size picture comes
/// to the upper left, what changes across to its right, what changes downwards below.
pub(super) fn transform(picture: &mut [i32], stride: usize, columns: usize, rows: usize) {
    let mut line = Vec::with_capacity(columns.max(rows));
    let mut split = Vec::with_capacity(columns.max(rows));
    for column in 0..columns {
        line.clear();
        line.extend(picture.iter().skip(column).step_by(stride).take(rows));
        analyse(&line, &mut split);
        let places = picture.iter_mut().skip(column).step_by(stride);
        places.zip(&split).for_each(|(place, value)| *place = *value);
    }
    for row in picture.chunks_mut(stride).take(rows) {
        let row = row.get_mut(..columns).unwrap_or_default();
        analyse(row, &mut split);
        row.copy_from_slice(&split);
    }
}

/// Splits a line into its low half and its high half (§F.4.8.1); the line is mirrored at its ends.
fn analyse(line: &[i32], out: &mut Vec<i32>) {
    out.clear();
    if line.len() < 2 {
        out.extend_from_slice(line);
        return;
    }
    let evens = line.iter().copied().step_by(2);
    let next = evens.clone().skip(1).chain(evens.clone().next_back());
    let odds = line.iter().copied().skip(1).step_by(2);
    let high: Vec<i32> =
        odds.zip(evens.clone().zip(next)).map(|(odd, (left, right))| odd - ((left + right) >> 1)).collect();
    let after = high.iter().chain(high.last());
    let before = high.first().into_iter().chain(&high);
    out.extend(evens.zip(before.zip(after)).map(|(even, (left, right))| even + ((left + right + 2) >> 2)));
    out.extend_from_slice(&high);
}

/// Undoes one decomposition, in place (§F.3): `picture` has the coefficients of its place in the grid, low ones where the
/// coordinate is even.
pub(super) fn join_exact(picture: &mut [i32], area: Area) {
    // Where there is one sample, a low one is as it was and a high one is doubled.
    let single = |value: i32| value >> 1;
    let even = |value: i32, a: i32, b: i32| value - ((a + b + 2) >> 2);
    let odd = |value: i32, a: i32, b: i32| value + ((a + b) >> 1);
    across(picture, area, single, |line, start| {
        lift(line, start, even);
        lift(line, 1 - start, odd);
    });
    down(picture, area, single, |picture, columns, start| {
        lift_lines(picture, columns, start, even);
        lift_lines(picture, columns, 1 - start, odd);
    });
}

/// The same in fractions: the irreversible transform (§F.3.8.2).
pub(super) fn join_rounded(picture: &mut [f32], area: Area) {
    const ALPHA: f32 = -1.586_134_3;
    const BETA: f32 = -0.052_980_12;
    const GAMMA: f32 = 0.882_911_1;
    const DELTA: f32 = 0.443_506_85;
    const K: f32 = 1.230_174_1;
    let single = |value: f32| value * 0.5;
    // A low sample is taken K times, a high one 1 / K times; each step takes from one kind what its neighbours say.
    let even = |by: f32| move |value: f32, a: f32, b: f32| value * K - by * (a + b) / K;
    let odd = |by: f32| move |value: f32, a: f32, b: f32| value / K - by * (a + b);
    let step = |by: f32| move |value: f32, a: f32, b: f32| value - by * (a + b);
    across(picture, area, single, |line, start| {
        lift(line, start, even(DELTA));
        lift(line, 1 - start, odd(GAMMA));
        lift(line, start, step(BETA));
        lift(line, 1 - start, step(ALPHA));
    });
    down(picture, area, single, |picture, columns, start| {
        lift_lines(picture, columns, start, even(DELTA));
        lift_lines(picture, columns, 1 - start, odd(GAMMA));
        lift_lines(picture, columns, start, step(BETA));
        lift_lines(picture, columns, 1 - start, step(ALPHA));
    });
}

/// Joins the halves of each line. `join` takes a line and the place of its first low coefficient, 0 or 1.
fn across<T: Copy>(picture: &mut [T], area: Area, single: impl Fn(T) -> T, join: impl Fn(&mut [T], usize)) {
    let start = (area.left % 2) as usize;
    for line in picture.chunks_mut(area.columns().max(1) as usize) {
        match line {
            [one] if start == 1 => *one = single(*one),
            [_] => {}
            _ => join(line, start),
        }
    }
}

/// Joins the lines.
fn down<T: Copy>(
    picture: &mut [T],
    area: Area,
    single: impl Fn(T) -> T,
    join: impl Fn(&mut [T], usize, usize),
) {
    let start = (area.top % 2) as usize;
    match area.rows() {
        1 if start == 1 => picture.iter_mut().for_each(|one| *one = single(*one)),
        0 | 1 => {}
        _ => join(picture, area.columns() as usize, start),
    }
}

/// Changes every second value by the two beside it; the line is mirrored at its ends.
fn lift<T: Copy>(line: &mut [T], start: usize, change: impl Fn(T, T, T) -> T) {
    for at in (start..line.len()).step_by(2) {
        let before = at.checked_sub(1).and_then(|at| line.get(at)).copied();
        let after = line.get(at + 1).copied();
        let (Some(one), Some(other)) = (before.or(after), after.or(before)) else { return };
        if let Some(value) = line.get_mut(at) {
            *value = change(*value, one, other);
        }
    }
}

/// The same with lines for values.
fn lift_lines<T: Copy>(picture: &mut [T], columns: usize, start: usize, change: impl Fn(T, T, T) -> T) {
    let rows = picture.len() / columns.max(1);
    for row in (start..rows).step_by(2) {
        let (before, rest) = picture.split_at_mut(row * columns);
        let (line, after) = rest.split_at_mut(columns);
        let before = before.len().checked_sub(columns).and_then(|at| before.get(at..));
        let after = after.get(..columns);
        let (Some(one), Some(other)) = (before.or(after), after.or(before)) else { return };
        for ((value, one), other) in line.iter_mut().zip(one).zip(other) {
            *value = change(*value, *one, *other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_has_no_high_half() {
        let mut out = Vec::new();
        analyse(&[0, 10, 20, 30, 40], &mut out);
        assert_eq!(out, [0, 20, 40, 0, 0]);
        analyse(&[7, 7, 7, 9], &mut out);
        assert_eq!(out, [7, 8, 0, 2]);
        analyse(&[5], &mut out);
        assert_eq!(out, [5]);
    }

    #[test]
    fn what_was_split_is_joined() {
        for (columns, rows) in [(1, 1), (1, 6), (7, 1), (2, 2), (9, 8), (16, 5)] {
            let area = Area { left: 0, top: 0, right: columns, bottom: rows };
            let picture: Vec<i32> = (0..columns * rows).map(|at| (at * at * 31 % 257) as i32).collect();
            let mut split = picture.clone();
            transform(&mut split, columns as usize, columns as usize, rows as usize);
            let mut joined = vec![0; split.len()];
            for (at, value) in (0..).zip(split) {
                let place = |at: u32, of: u32| {
                    if at < of.div_ceil(2) { 2 * at } else { 2 * (at - of.div_ceil(2)) + 1 }
                };
                joined[(place(at / columns, rows) * columns + place(at % columns, columns)) as usize] = value;
            }
            join_exact(&mut joined, area);
            assert_eq!(joined, picture);
        }
    }

    #[test]
    fn what_does_not_change_is_its_low_half_in_fractions() {
        for start in [0, 1] {
            let area = Area { left: start, top: start, right: start + 9, bottom: start + 8 };
            let mut picture = vec![0.0; 72];
            for (at, value) in (0..).zip(&mut picture) {
                let is_low = (at % 9 + start) % 2 == 0 && (at / 9 + start) % 2 == 0;
                *value = if is_low { 100.0 } else { 0.0 };
            }
            join_rounded(&mut picture, area);
            assert!(picture.iter().all(|value| (value - 100.0).abs() < 0.001), "{picture:?}");
        }
    }
}
