//! The reversible wavelet transform (ISO/IEC 15444-1 Annex F): a picture into one of half its size and what was lost on the
//! way, in whole numbers.

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
}
