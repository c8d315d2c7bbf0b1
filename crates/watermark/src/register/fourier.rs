//! The fast Fourier transform in two dimensions, of squares whose side is a power of two: forty lines, as they are in every book.

use std::f32::consts::TAU;

/// A complex number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Complex {
    pub(super) re: f32,
    pub(super) im: f32,
}

impl Complex {
    fn times(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    /// The product with the conjugate of another one: a correlation, where a product is a convolution.
    pub(super) fn against(self, other: Self) -> Self {
        self.times(Self { im: -other.im, ..other })
    }
}

/// Transforms squares of one side.
pub(super) struct Transform {
    side: usize,
    roots: Vec<Complex>,
}

impl Transform {
    /// For squares of this side, which is a power of two.
    pub(super) fn new(side: usize) -> Self {
        let root = |number: usize| {
            let (im, re) = (-TAU * number as f32 / side as f32).sin_cos();
            Complex { re, im }
        };
        Self { side, roots: (0..side / 2).map(root).collect() }
    }

    pub(super) fn forward(&self, square: &mut Vec<Complex>) {
        for _ in 0..2 {
            square.chunks_exact_mut(self.side).for_each(|row| self.row(row));
            *square = self.turned(square);
        }
    }

    /// Back, but for a factor.
    pub(super) fn back(&self, square: &mut Vec<Complex>) {
        square.iter_mut().for_each(|number| number.im = -number.im);
        self.forward(square);
    }

    fn row(&self, row: &mut [Complex]) {
        let bits = self.side.trailing_zeros();
        for at in 0..self.side {
            let other = at.reverse_bits() >> (usize::BITS - bits.max(1));
            if at < other {
                row.swap(at, other);
            }
        }
        let mut half = 1;
        while half < self.side {
            let step = self.side / (2 * half);
            for pair in row.chunks_exact_mut(2 * half) {
                let (low, high) = pair.split_at_mut(half);
                for ((low, high), root) in low.iter_mut().zip(high).zip(self.roots.iter().step_by(step)) {
                    let turned = high.times(*root);
                    *high = Complex { re: low.re - turned.re, im: low.im - turned.im };
                    *low = Complex { re: low.re + turned.re, im: low.im + turned.im };
                }
            }
            half *= 2;
        }
    }

    /// Rows made columns.
    fn turned(&self, square: &[Complex]) -> Vec<Complex> {
        (0..self.side).flat_map(|column| square.iter().skip(column).step_by(self.side).copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_the_same_and_a_shift_is_found() {
        let transform = Transform::new(16);
        let picture: Vec<Complex> =
            (0..256).map(|at| Complex { re: ((at * at * 31 + 7 * at) % 97) as f32, im: 0.0 }).collect();
        let mut there = picture.clone();
        transform.forward(&mut there);
        let mut back = there.clone();
        transform.back(&mut back);
        assert!(back.iter().zip(&picture).all(|(one, other)| (one.re / 256.0 - other.re).abs() < 1e-2));
        let mut shifted: Vec<Complex> =
            (0..256).map(|at| picture[((at / 16 + 3) % 16) * 16 + (at % 16 + 5) % 16]).collect();
        transform.forward(&mut shifted);
        let mut product: Vec<Complex> =
            there.iter().zip(&shifted).map(|(one, other)| one.against(*other)).collect();
        transform.back(&mut product);
        let best = (0..256).max_by(|one, other| product[*one].re.total_cmp(&product[*other].re)).unwrap();
        assert_eq!((best / 16, best % 16), (3, 5));
    }
}
