//! Pseudonyms as numbers: what is compared often and kept in millions.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

/// A pseudonym, a department or a device as 64 bits. Pseudonyms are keyed already, so nobody can choose two that fall together; of
/// five million, two do with a chance of less than one in a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key(u64);

impl Key {
    pub(crate) fn of(text: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self(hasher.finish())
    }
}
