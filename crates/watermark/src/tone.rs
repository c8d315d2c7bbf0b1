//! How bright a found picture shows what is stored: of each stored value the mean of what is seen there. Windows, gamma, screens and printers all
//! are such a curve, so none of them has to be known.

/// Pieces of the curve, each of as many places.
const PIECES: usize = 96;

/// Fewer places than this tell no curve.
const PLACES_MIN: usize = 64;

/// A curve through the means.
#[derive(Clone, Debug)]
pub(crate) struct Tone(Vec<(f32, f32)>);

impl Tone {
    /// Of pairs of what is stored and what is seen.
    pub(crate) fn new(pairs: impl Iterator<Item = (f32, f32)>) -> Option<Self> {
        let mut pairs: Vec<(f32, f32)> = pairs.collect();
        if pairs.len() < PLACES_MIN {
            return None;
        }
        pairs.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let mut points: Vec<(f32, f32, f32)> = Vec::with_capacity(PIECES);
        for piece in pairs.chunks(pairs.len().div_ceil(PIECES)) {
            let count = piece.len() as f32;
            let (stored, seen) =
                piece.iter().fold((0.0, 0.0), |sums, pair| (sums.0 + pair.0, sums.1 + pair.1));
            // The ground around a body is one value of half a picture, and one point of the curve.
            match points.last_mut() {
                Some((last, last_seen, last_count)) if stored / count - *last < 1e-3 => {
                    *last_seen = (*last_seen * *last_count + seen) / (*last_count + count);
                    *last_count += count;
                }
                _ => points.push((stored / count, seen / count, count)),
            }
        }
        Some(Self(points.into_iter().map(|(stored, seen, _)| (stored, seen)).collect()))
    }

    /// How bright a stored value is seen.
    pub(crate) fn of(&self, stored: f32) -> f32 {
        let behind = self.0.partition_point(|(point, _)| *point < stored);
        let before = behind.checked_sub(1).and_then(|at| self.0.get(at));
        match (before, self.0.get(behind)) {
            (Some((low, low_seen)), Some((high, high_seen))) => {
                low_seen + (high_seen - low_seen) * (stored - low) / (high - low).max(1e-6)
            }
            (Some((_, seen)), None) | (None, Some((_, seen))) => *seen,
            (None, None) => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gamma_is_found_again() {
        let gamma = |stored: f32| 255.0 * (stored / 4095.0).powf(1.3);
        let tone =
            Tone::new((0..20_000).map(|at| ((at * 7 % 4096) as f32, gamma((at * 7 % 4096) as f32)))).unwrap();
        for stored in [100.0, 700.0, 2048.0, 4000.0] {
            assert!((tone.of(stored) - gamma(stored)).abs() < 1.0, "{stored}");
        }
        assert!(Tone::new([(1.0, 1.0)].into_iter()).is_none());
    }
}
