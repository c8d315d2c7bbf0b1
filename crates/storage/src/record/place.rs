//! Where a record lies when several stores fill one catalogue: its store, and its place there.
//!
//! The first store of a catalogue is left out of what is written. So rows that were written when there was only one store say
//! the same as ever, and a catalogue with one store is read by programs that know of no other.

use super::{Location, LocationError, PackPosition};
use serde::{Deserialize, Serialize};
use yingdun_model::StoreNumber;

/// Added to the number of bytes of a store number, where one stands in front of a location. A location begins with the length of
/// its first number, which is 8 at most.
const STORE_MARK: u8 = 0x10;

/// A location and the store that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StoreLocation {
    /// The store.
    pub store: StoreNumber,
    /// Where in it.
    pub location: Location,
}

/// A place in the order of all records of all stores: store after store, and in each as a scan meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StorePosition {
    /// The store.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub store: StoreNumber,
    /// The pack.
    pub pack: u64,
    /// The offset in the pack, in bytes.
    pub offset: u64,
}

impl StoreLocation {
    /// The place of the record in the order of all records.
    #[must_use]
    pub const fn position(&self) -> StorePosition {
        let PackPosition { pack, offset } = self.location.position();
        StorePosition { store: self.store, pack, offset }
    }

    /// Encodes the location for a catalogue column, in some fifty bytes. The encoded places are in the order of places.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let location = self.location.to_bytes();
        if is_first(&self.store) {
            return location;
        }
        let number: Vec<u8> =
            self.store.get().to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        let mark = STORE_MARK.saturating_add(u8::try_from(number.len()).unwrap_or(u8::MAX));
        [&[mark], number.as_slice(), &location].concat()
    }

    /// Decodes [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`LocationError`] when the bytes are not those of a location.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LocationError> {
        let wrong = LocationError { bytes: bytes.len() };
        let marked = bytes.split_first().filter(|(first, _)| **first > STORE_MARK);
        let Some((mark, rest)) = marked else {
            return Ok(Self { store: StoreNumber::FIRST, location: Location::from_bytes(bytes)? });
        };
        let (number, location) = rest.split_at_checked(usize::from(mark - STORE_MARK)).ok_or(wrong)?;
        if number.len() > size_of::<u32>() || number.first() == Some(&0) {
            return Err(wrong);
        }
        let number = number.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
        // The first store with its number would be a second way to write it.
        let store = StoreNumber::new(number).filter(|store| !is_first(store)).ok_or(wrong)?;
        Ok(Self { store, location: Location::from_bytes(location)? })
    }
}

const fn first() -> StoreNumber {
    StoreNumber::FIRST
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_first(store: &StoreNumber) -> bool {
    store.get() == StoreNumber::FIRST.get()
}

#[cfg(test)]
mod tests {
    use super::super::Layout;
    use super::*;
    use proptest::prelude::*;

    fn place(store: u32, pack: u64, offset: u64) -> StoreLocation {
        let location = Location {
            pack,
            offset,
            descriptor_bytes: 700,
            metadata_bytes: 1,
            object_bytes: 525_000,
            layout: Layout::DescriptorFirst,
            digest: [7; 32],
        };
        StoreLocation { store: StoreNumber::new(store).unwrap(), location }
    }

    #[test]
    fn places_in_the_first_store_are_written_as_they_were_when_there_was_one_store() {
        // Rows of catalogues that are in use.
        let known = [&[1, 5, 2, 2, 1, 2, 2, 188, 1, 1, 3, 8, 2, 200, 0][..], &[7; 32]].concat();
        assert_eq!(place(1, 5, 513).to_bytes(), known);
        assert_eq!(StoreLocation::from_bytes(&known), Ok(place(1, 5, 513)));
        let position = r#"{"pack":5,"offset":513}"#;
        assert_eq!(serde_json::to_string(&place(1, 5, 513).position()).unwrap(), position);
        assert_eq!(serde_json::from_str::<StorePosition>(position).unwrap(), place(1, 5, 513).position());
    }

    #[test]
    fn another_store_stands_in_front() {
        assert_eq!(place(2, 5, 513).to_bytes()[..4], [0x11, 2, 1, 5]);
        assert_eq!(place(0x102, 5, 513).to_bytes()[..5], [0x12, 1, 2, 1, 5]);
        let position = r#"{"store":2,"pack":5,"offset":513}"#;
        assert_eq!(serde_json::to_string(&place(2, 5, 513).position()).unwrap(), position);
        let location = place(1, 5, 513).to_bytes();
        for front in
            [&[0x11, 1][..], &[0x11, 0], &[0x12, 0, 2], &[0x10], &[0x15, 1, 1, 1, 1, 1], &[0xff], &[0x11]]
        {
            assert!(StoreLocation::from_bytes(&[front, &location].concat()).is_err(), "{front:x?}");
        }
        assert!(StoreLocation::from_bytes(&[]).is_err());
    }

    proptest! {
        #[test]
        fn a_place_comes_back_and_its_bytes_are_in_the_order_of_places(
            one in (1..600_u32, 0..1_u64 << 40, 0..1_u64 << 40), other in (1..600_u32, 0..1_u64 << 40, 0..1_u64 << 40),
        ) {
            let place = |(store, pack, offset)| place(store, pack, offset);
            let (one, other) = (place(one), place(other));
            prop_assert_eq!(StoreLocation::from_bytes(&one.to_bytes()), Ok(one));
            let (places, bytes) = (one.position().cmp(&other.position()), one.to_bytes().cmp(&other.to_bytes()));
            prop_assert_eq!(places, bytes);
        }

        #[test]
        fn rubbish_is_no_place(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(place) = StoreLocation::from_bytes(&bytes) {
                prop_assert_eq!(place.to_bytes(), bytes);
            }
        }
    }
}
