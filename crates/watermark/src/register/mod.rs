//! Laying a found picture over the frame that it shows: first about, by trying every size and place, then exactly.

mod coarse;
mod fourier;
mod refine;

pub use refine::Perspective;

use crate::plane::{Plane, Pyramid};
use coarse::{Sizes, Small};

/// Guesses that are made exact: neighbours in size are the same place, and a wrong one is left behind by then.
const GUESSES_MAX: usize = 4;

/// Two sizes closer than this are one guess.
const SAME_SIZE: f32 = 1.12;

/// A picture that is less like a frame than this, when it lies over it, is of something else.
const LIKENESS_MIN: f32 = 0.75;

/// A frame, made ready for many comparisons.
pub struct FrameView {
    small: Small,
    pyramid: Pyramid,
}

/// A found picture, made ready for many comparisons.
pub struct FoundView {
    sizes: Sizes,
    pyramid: Pyramid,
}

/// A found picture that lies over a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Registration {
    /// Where places of the frame are in the found picture.
    pub perspective: Perspective,
    /// How like the two are, from 0 to 1.
    pub likeness: f32,
}

impl FrameView {
    /// Of a frame as it is shown.
    #[must_use]
    pub fn new(shown: Plane) -> Self {
        Self { small: Small::new(&shown), pyramid: Pyramid::new(shown) }
    }

    pub(crate) const fn pyramid(&self) -> &Pyramid {
        &self.pyramid
    }
}

impl std::fmt::Debug for FoundView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FoundView(…)")
    }
}

impl std::fmt::Debug for FrameView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FrameView(…)")
    }
}

impl FoundView {
    /// Of a picture.
    #[must_use]
    pub fn new(picture: Plane) -> Self {
        Self { sizes: Sizes::new(&picture), pyramid: Pyramid::new(picture) }
    }

    pub(crate) const fn pyramid(&self) -> &Pyramid {
        &self.pyramid
    }

    /// How like the picture is to a frame about where it is most like it: what orders many frames, and judges none.
    #[must_use]
    pub fn likeness(&self, frame: &FrameView) -> f32 {
        frame.small.guesses(&self.sizes).first().map_or(0.0, |guess| guess.likeness)
    }

    /// Lays the picture over a frame; `None` where it does not fit.
    #[must_use]
    pub fn lay_over(&self, frame: &FrameView) -> Option<Registration> {
        let mut tried: Vec<f32> = Vec::new();
        let mut best: Option<Registration> = None;
        for guess in frame.small.guesses(&self.sizes) {
            let is_same = |size: &f32| (size / guess.scale).max(guess.scale / size) < SAME_SIZE;
            if tried.iter().any(is_same) {
                continue;
            }
            tried.push(guess.scale);
            if let Some((perspective, likeness)) = refine::refine(&frame.pyramid, &self.pyramid, &guess)
                && best.is_none_or(|best| likeness > best.likeness)
            {
                best = Some(Registration { perspective, likeness });
            }
            if tried.len() == GUESSES_MAX || best.is_some_and(|best| best.likeness > 0.97) {
                break;
            }
        }
        best.filter(|best| best.likeness >= LIKENESS_MIN)
    }
}
