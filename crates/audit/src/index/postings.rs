//! Which leaves of a chunk have a term: as numbers where they are few, as bits where they are many, as nothing where it is all of them.

/// How the leaves of a chunk are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Every leaf of the chunk; no bytes.
    All,
    /// Ascending places in the chunk, little-endian `u16` each.
    Places,
    /// A bit for each leaf, the lowest of the first byte for the first.
    Bits,
    /// No leaves but the times of bundles, see [`times`].
    Times,
    /// No leaves but the tallies of a day, see [`super::sums`].
    Tallies,
}

impl Form {
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::All => 0,
            Self::Places => 1,
            Self::Bits => 2,
            Self::Times => 3,
            Self::Tallies => 4,
        }
    }

    pub(super) const fn of_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::All),
            1 => Some(Self::Places),
            2 => Some(Self::Bits),
            3 => Some(Self::Times),
            4 => Some(Self::Tallies),
            _ => None,
        }
    }
}

/// The shortest form of ascending places in a chunk.
pub(super) fn encode(places: &[u16], chunk_leaves: u32) -> (Form, Vec<u8>) {
    let (count, all) = (places.len(), usize::try_from(chunk_leaves).unwrap_or(usize::MAX));
    if count == all {
        return (Form::All, Vec::new());
    }
    if count * 2 <= all / 8 {
        return (Form::Places, places.iter().flat_map(|place| place.to_le_bytes()).collect());
    }
    let mut bits = Bits::none(chunk_leaves);
    places.iter().for_each(|&place| bits.set(place));
    (Form::Bits, bits.words.iter().flat_map(|word| word.to_le_bytes()).collect())
}

/// The first and the last time of each bundle of a chunk, in milliseconds.
pub(super) fn encode_times(times: &[(i64, i64)]) -> Vec<u8> {
    times.iter().flat_map(|(first, last)| [first.to_le_bytes(), last.to_le_bytes()]).flatten().collect()
}

/// What [`encode_times`] wrote.
pub(super) fn times(bytes: &[u8]) -> Vec<(i64, i64)> {
    let (pairs, _) = bytes.as_chunks::<16>();
    let number = |bytes: &[u8]| bytes.try_into().map(i64::from_le_bytes).unwrap_or(0);
    pairs.iter().map(|pair| pair.split_at(8)).map(|(first, last)| (number(first), number(last))).collect()
}

/// A bit for each leaf of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bits {
    words: Vec<u64>,
}

/// Words that are the leaves of one bundle.
const BUNDLE_WORDS: usize = crate::tile::TILE_WIDTH / 64;

impl Bits {
    pub(super) fn none(chunk_leaves: u32) -> Self {
        Self { words: vec![0; usize::try_from(chunk_leaves / 64).unwrap_or(0)] }
    }

    pub(super) fn fill(&mut self, with: bool) {
        self.words.fill(if with { u64::MAX } else { 0 });
    }

    pub(super) fn set(&mut self, place: u16) {
        if let Some(word) = self.words.get_mut(usize::from(place / 64)) {
            *word |= 1 << (place % 64);
        }
    }

    pub(super) fn clear(&mut self, place: u16) {
        if let Some(word) = self.words.get_mut(usize::from(place / 64)) {
            *word &= !(1 << (place % 64));
        }
    }

    /// Adds what is written in some form; false when it is not of this chunk's size.
    pub(super) fn add(&mut self, form: Form, bytes: &[u8]) -> bool {
        match form {
            Form::All => self.fill(true),
            Form::Places => {
                let (places, rest) = bytes.as_chunks::<2>();
                let places = places.iter().map(|place| u16::from_le_bytes(*place));
                if !rest.is_empty() || places.clone().any(|place| usize::from(place / 64) >= self.words.len())
                {
                    return false;
                }
                places.for_each(|place| self.set(place));
            }
            Form::Bits => {
                let (words, rest) = bytes.as_chunks::<8>();
                if !rest.is_empty() || words.len() != self.words.len() {
                    return false;
                }
                self.words.iter_mut().zip(words).for_each(|(to, from)| *to |= u64::from_le_bytes(*from));
            }
            Form::Times | Form::Tallies => return false,
        }
        true
    }

    pub(super) fn and(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(to, from)| *to &= from);
    }

    /// Keeps the first `count` leaves only.
    pub(super) fn keep_first(&mut self, count: u64) {
        for (first, word) in (0_u64..).step_by(64).zip(&mut self.words) {
            match count.saturating_sub(first) {
                0 => *word = 0,
                left @ 1..64 => *word &= (1 << left) - 1,
                _ => {}
            }
        }
    }

    /// Gives the first `count` leaves up.
    pub(super) fn drop_first(&mut self, count: u64) {
        for (first, word) in (0_u64..).step_by(64).zip(&mut self.words) {
            match count.saturating_sub(first) {
                0 => return,
                left @ 1..64 => *word &= u64::MAX << left,
                _ => *word = 0,
            }
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// How many leaves the chunk has.
    pub(super) const fn len(&self) -> u64 {
        self.words.len() as u64 * 64
    }

    /// The places that are set, the last first.
    pub(super) fn descending(&self) -> impl Iterator<Item = u16> + '_ {
        let words = (0_u32..).zip(&self.words).filter(|(_, word)| **word != 0).collect::<Vec<_>>();
        words.into_iter().rev().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.checked_ilog2()?;
                left &= !(1 << bit);
                u16::try_from(at * 64 + bit).ok()
            })
        })
    }

    /// The bundles of the chunk in which something is set, with their leaves.
    pub(super) fn bundles(&mut self) -> impl Iterator<Item = (usize, &mut [u64])> {
        self.words
            .chunks_mut(BUNDLE_WORDS)
            .enumerate()
            .filter(|(_, words)| words.iter().any(|word| *word != 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const LEAVES: u32 = 1024;

    proptest! {
        #[test]
        fn places_come_back_in_whatever_form(places: BTreeSet<u16>, dense: bool) {
            let mut places = places.into_iter().map(|place| place % 1024).collect::<BTreeSet<_>>();
            if dense {
                places.extend((0..1024).filter(|place| place % 3 != 0));
            }
            let ascending = places.iter().copied().collect::<Vec<_>>();
            let (form, bytes) = encode(&ascending, LEAVES);
            prop_assert!(bytes.len() <= 128);
            let mut bits = Bits::none(LEAVES);
            prop_assert!(bits.add(form, &bytes));
            prop_assert_eq!(bits.count(), places.len() as u64);
            prop_assert_eq!(bits.descending().collect::<Vec<_>>(), ascending.iter().rev().copied().collect::<Vec<_>>());
            bits.keep_first(500);
            prop_assert_eq!(bits.count(), places.iter().filter(|place| **place < 500).count() as u64);
        }

        #[test]
        fn no_bytes_make_the_reader_fall_over(code in 0_u8..6, bytes: Vec<u8>) {
            if let Some(form) = Form::of_code(code) {
                Bits::none(LEAVES).add(form, &bytes);
            }
            times(&bytes);
        }
    }

    #[test]
    fn all_leaves_take_no_bytes() {
        let places = (0..1024).collect::<Vec<_>>();
        assert_eq!(encode(&places, LEAVES), (Form::All, Vec::new()));
    }
}
