//! Which seeds are for what.

use clap::ValueEnum;

/// What the runs of a seed are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Split {
    /// To be looked at while detectors are made.
    Training,
    /// To choose between versions.
    Validation,
    /// For figures that are published; not to be looked at before.
    HeldOut,
}

impl Split {
    /// That of a seed: of five seeds in a row three are for training, one for validation, one is held out.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        match seed % 5 {
            0..=2 => Self::Training,
            3 => Self::Validation,
            _ => Self::HeldOut,
        }
    }

    /// The seeds of this split, the smallest first.
    pub fn seeds(self) -> impl Iterator<Item = u64> {
        (0..).filter(move |seed| Self::of(*seed) == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_twenty_twenty() {
        let count = |split| (0..100).filter(|seed| Split::of(*seed) == split).count();
        assert_eq!([Split::Training, Split::Validation, Split::HeldOut].map(count), [60, 20, 20]);
        assert_eq!(Split::HeldOut.seeds().take(3).collect::<Vec<_>>(), [4, 9, 14]);
    }
}
