//! Which of the stores of packs that fill one catalogue.

use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// The number of a store among those that fill one catalogue, from 1 in the order in which they came to it. It stands in
/// every row that says where a record lies, so it is small; the packs themselves know their store by a random name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoreNumber(NonZeroU32);

impl StoreNumber {
    /// The first store of a catalogue, and of nearly every catalogue the only one.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// Takes a number; none is 0.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl std::fmt::Display for StoreNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_a_number_and_none_is_zero() {
        let third = StoreNumber::new(3).unwrap();
        assert_eq!((third.get(), third.to_string()), (3, "3".to_owned()));
        assert_eq!(serde_json::to_string(&third).unwrap(), "3");
        assert_eq!(serde_json::from_str::<StoreNumber>("3").unwrap(), third);
        assert_eq!((StoreNumber::new(0), StoreNumber::new(1)), (None, Some(StoreNumber::FIRST)));
        assert!(serde_json::from_str::<StoreNumber>("0").is_err());
    }
}
